/* SPDX-License-Identifier: GPL-2.0-only */
/* Which instances cases expand into, their names, and how patterns choose them. */
#define _GNU_SOURCE
#include "instance.h"
#include "stage_build.h"

#include <unistd.h>

#include "build_image.h"
#include "scratch.h"
#include "tap.h"

static char dir[] = "/tmp/assay-unit-XXXXXX";
static char *files[4];
static const struct axes all_axes;

/* Writes what was built to a file of its own. */
static void write_image(unsigned int number)
{
	size_t size;
	struct built_file *file = build_file(&size);
	FILE *out;

	files[number] = xasprintf("%s/%u.elf", dir, number);
	out = fopen(files[number], "wb");
	ok(out && fwrite(file, 1, size, out) == size && !fclose(out), "image %u is written",
	   number);
	free(file);
}

static void write_images(void)
{
	begin_image(MODE_LONG64, "io/out");
	begin_case("imm8");
	REC(REC_EXPECT, STEP_CHECKPOINT);
	begin_case("imm8_dx");
	REC(REC_RING, 0, N(F_value, RING_0 | RING_3));
	REC(REC_EXPECT, STEP_CHECKPOINT);
	write_image(0);

	begin_image(MODE_PROT32, "emulation/mov");
	begin_case("load");
	REC(REC_IRQCHIP, 0, N(F_value, 7));
	REC(REC_OPERAND, 0, N(F_address, OPERAND), D(F_bytes, "x", 1));
	REC(REC_EMULATE, 0);
	REC(REC_EXPECT, STEP_CHECKPOINT);
	begin_case("deep");
	REC(REC_RING, 0, N(F_value, RING_3));
	REC(REC_EXPECT, STEP_CHECKPOINT);
	write_image(1);

	begin_image(MODE_VM86, "io/out");
	begin_case("imm8");
	REC(REC_EXPECT, STEP_CHECKPOINT);
	write_image(2);

	begin_image(MODE_VM86, "broken");
	begin_case("one");
	write_image(3);
}

/* All names in order, a space after each. To be freed. */
static char *names_of(const struct suite *suite)
{
	struct strbuf sb = { 0 };

	sb_add(&sb, "", 0);
	for (unsigned int i = 0; i < suite->count; i++)
		sb_printf(&sb, "%s ", suite->instances[i].name);
	return sb.s;
}

/* Loads the first count images under the axes. */
static struct suite load(unsigned int count, const struct axes *axes)
{
	struct suite suite;
	char *error = NULL;

	if (!ok(!suite_load(&suite, files, count, axes, &error), "%u images load", count))
		note("%s", error);
	free(error);
	return suite;
}

static void expect_names(struct suite *suite, const char *names, const char *what)
{
	char *got = names_of(suite);

	ok_text(got, names, "%s", what);
	free(got);
}

static void expands(unsigned int count, const struct axes *axes, const char *names,
		    const char *what)
{
	struct suite suite = load(count, axes);

	expect_names(&suite, names, what);
	suite_free(&suite);
}

/* What a pattern (and mode) selects of the first three images. */
static void selects(const char *pattern, const char *mode, const char *names)
{
	struct suite suite = load(3, &all_axes);
	char *patterns[] = { (char *)pattern }, *error = NULL;

	if (!ok(!suite_select(&suite, patterns, !!pattern, mode, &error), "%s selects something",
		pattern ? pattern : "(no pattern)"))
		note("%s", error);
	free(error);
	expect_names(&suite, names, pattern ? pattern : "(no pattern)");
	suite_free(&suite);
}

static void selects_nothing(const char *pattern, const char *mode, const char *why)
{
	struct suite suite = load(3, &all_axes);
	char *patterns[] = { (char *)pattern }, *error = NULL;
	unsigned int before = suite.count;

	ok(suite_select(&suite, patterns, !!pattern, mode, &error) == -1, "%s is an error",
	   pattern ? pattern : "(no pattern)");
	ok_contains(error, why, "its message");
	ok_equal(suite.count, before, "and nothing is thrown away");
	free(error);
	suite_free(&suite);
}

/* A case of three vCPUs, and one of one, under every number that --smp can be. */
static void test_cpus(void)
{
	begin_image(MODE_LONG64, "smp/it");
	begin_case("three");
	REC(REC_SMP, 0, N(F_value, 3));
	REC(REC_EXPECT, STEP_CHECKPOINT);
	for (u16 cpu = 1; cpu < 3; cpu++) {
		REC(REC_CPU, 0, N(F_value, cpu));
		REC(REC_EXPECT, STEP_CHECKPOINT);
	}
	begin_case("one");
	REC(REC_EXPECT, STEP_CHECKPOINT);
	unlink(files[0]);
	free(files[0]);
	write_image(0);
	for (unsigned int cpus = 0; cpus <= SMP_MAX; cpus++)
		expands(1, &(struct axes){ .cpus = cpus },
			!cpus || cpus >= 3 ? "smp/it/three@long64 smp/it/one@long64 " :
					     "smp/it/one@long64 ", "at most so many vCPUs");
}

static void test_expand(void)
{
	struct axes split = { .irqchips = IRQCHIP_SPLIT };
	struct axes mmio = { .paths = 1 << PATH_MMIO };
	struct axes user = { .irqchips = IRQCHIP_USER, .paths = 1 << PATH_NATIVE | 1 << PATH_FEP };
	struct axes both = { .paths = 1 << PATH_NATIVE, .restore = true, .fresh = true };
	struct suite suite;

	expands(3, &all_axes,
		"io/out/imm8@long64 io/out/imm8_dx@long64 io/out/imm8_dx@long64.ring3 "
		"emulation/mov/load@prot32 emulation/mov/load@prot32+mmio "
		"emulation/mov/load@prot32+fep emulation/mov/load@prot32+split "
		"emulation/mov/load@prot32+split+mmio emulation/mov/load@prot32+split+fep "
		"emulation/mov/load@prot32+kernel emulation/mov/load@prot32+kernel+mmio "
		"emulation/mov/load@prot32+kernel+fep emulation/mov/deep@prot32.ring3 "
		"io/out/imm8@vm86 ", "everything the cases allow, in their order");
	expands(3, &split, "emulation/mov/load@prot32+split emulation/mov/load@prot32+split+mmio "
		"emulation/mov/load@prot32+split+fep ", "irqchip split alone");
	expands(3, &mmio, "emulation/mov/load@prot32+mmio emulation/mov/load@prot32+split+mmio "
		"emulation/mov/load@prot32+kernel+mmio ", "path mmio alone");
	expands(3, &user, "io/out/imm8@long64 io/out/imm8_dx@long64 io/out/imm8_dx@long64.ring3 "
		"emulation/mov/load@prot32 emulation/mov/load@prot32+fep "
		"emulation/mov/deep@prot32.ring3 io/out/imm8@vm86 ", "two axes together");
	expands(1, &both, "io/out/imm8@long64+restore+fresh io/out/imm8_dx@long64+restore+fresh "
		"io/out/imm8_dx@long64.ring3+restore+fresh ", "restore and fresh");
	suite = load(3, &all_axes);
	ok_equal(suite.nimages, 3, "three images");
	ok_equal(suite.instances[2].ring, 3, "ring of .ring3");
	ok_equal(suite.instances[2].irqchip, IRQCHIP_USER, "irqchip of no suffix");
	ok_equal(suite.instances[8].path, PATH_FEP, "path of +fep");
	ok_equal(suite.instances[8].irqchip, IRQCHIP_SPLIT, "irqchip of +split");
	ok_equal(suite.instances[13].ring, 3, "vm86 is at CPL 3");
	ok_text(suite.instances[8].tc->name, "load", "case of an instance");
	suite_free(&suite);
	suite = load(1, &both);
	ok(suite.instances[0].restore && suite.instances[0].fresh, "restore and fresh are set");
	suite_free(&suite);
}

static void test_load_errors(void)
{
	struct suite suite;
	char *twice[] = { files[0], files[1], files[0] }, *error = NULL;
	char *none[] = { "/nonexistent/none.elf" };

	ok(suite_load(&suite, twice, 3, &all_axes, &error) == -1, "a name twice is an error");
	ok_contains(error, "io/out/imm8@long64 is in ", "it names the instance");
	ok_contains(error, "0.elf and in ", "and the files");
	free(error);
	error = NULL;
	ok(suite_load(&suite, none, 1, &all_axes, &error) == -1, "an absent file is an error");
	ok_contains(error, "/nonexistent/none.elf: No such file", "it names the file");
	free(error);
	error = NULL;
	ok(suite_load(&suite, &files[2], 2, &all_axes, &error) == -1, "so is a broken image");
	ok_contains(error, "3.elf: section .assay, offset ", "it says where");
	free(error);
}

static void test_embedded(void)
{
	struct suite suite;
	char *error = NULL;

	ok(!suite_load(&suite, NULL, 0, &all_axes, &error), "the embedded images load");
	if (error)
		note("%s", error);
	ok_equal(suite.nimages, embedded_image_count, "all of them");
	free(error);
	suite_free(&suite);
}

static void test_select(void)
{
	selects("io/out/imm8@long64", NULL, "io/out/imm8@long64 ");
	selects("emulation/mov/load@prot32", NULL, "emulation/mov/load@prot32 ");
	selects("io/out/imm8_dx@long64", NULL, "io/out/imm8_dx@long64 ");
	selects("io/out/imm8", NULL, "io/out/imm8@long64 io/out/imm8@vm86 ");
	selects("io/out/imm8_dx@long64.ring3", NULL, "io/out/imm8_dx@long64.ring3 ");
	selects("io", "vm86", "io/out/imm8@vm86 ");
	selects("io/", "vm86", "io/out/imm8@vm86 ");
	selects("emulation/mov/load@prot32+split", NULL, "emulation/mov/load@prot32+split ");
	selects("*.ring3", NULL, "io/out/imm8_dx@long64.ring3 emulation/mov/deep@prot32.ring3 ");
	selects("*mov/lo?d@*+[sk]*+fep", NULL,
		"emulation/mov/load@prot32+split+fep emulation/mov/load@prot32+kernel+fep ");
	selects(NULL, "vm86", "io/out/imm8@vm86 ");
	selects("io/out/imm8@vm86+restore", NULL, "io/out/imm8@vm86+restore ");
	selects("io/out/imm8+restore+fresh", NULL,
		"io/out/imm8@long64+restore+fresh io/out/imm8@vm86+restore+fresh ");
	selects("*deep*+fresh", NULL, "emulation/mov/deep@prot32.ring3+fresh ");
}

static void test_select_nothing(void)
{
	selects_nothing("io/out/im", NULL, "nothing is called \"io/out/im\": did you mean io/out");
	selects_nothing("io/out/imm8@lnog64", NULL, "did you mean io/out/imm8@long64");
	selects_nothing("emulatoin/mov", NULL, "did you mean emulation/mov");
	selects_nothing("io/outt", NULL, "\": did you mean io/out?");
	selects_nothing("i", NULL, "\"i\": did you mean io?");
	selects_nothing("x", NULL, "\"x\": assay list shows all names");
	selects_nothing("", NULL, "nothing is called \"\"");
	selects_nothing("*nothing*", NULL, "nothing is called \"*nothing*\"");
	selects_nothing("io/out/imm8@long64", "vm86", "in mode vm86, only in others");
	selects_nothing("io/out/imm8_dx+fresh", "vm86", "in mode vm86, only in others");
	selects_nothing("io", "long32", "there is no mode \"long32\": it is one of real16 ");
	selects_nothing(NULL, "pae32", "no case is in mode pae32");
	selects_nothing("+restore", NULL, "nothing is called \"+restore\"");
}

/* Several patterns: the union, each instance once, in the suite's order. */
static void test_select_many(void)
{
	struct axes restore = { .restore = true };
	struct axes fresh = { .fresh = true };
	struct axes kernel = { .irqchips = IRQCHIP_KERNEL };
	char *patterns[] = { "io/out/imm8@vm86", "*imm8@*", "io/out/imm8@vm86+restore" };
	char *again[] = { "io/out/imm8@vm86+restore", "io/out/imm8@vm86", "io/out/+restore" };
	struct suite suite = load(3, &all_axes);
	char *error = NULL;

	ok(!suite_select(&suite, patterns, 3, NULL, &error), "three patterns");
	expect_names(&suite, "io/out/imm8@long64 io/out/imm8@vm86 io/out/imm8@vm86+restore ",
		     "what they select");
	suite_free(&suite);
	suite = load(3, &restore);
	ok(!suite_select(&suite, again, 3, "vm86", &error), "patterns under the axis restore");
	expect_names(&suite, "io/out/imm8@vm86+restore ", "nothing is there twice");
	suite_free(&suite);
	suite = load(3, &restore);
	ok(!suite_select(&suite, (char *[]){ "io/out/imm8@vm86+fresh" }, 1, NULL, &error),
	   "+fresh under the axis restore");
	expect_names(&suite, "io/out/imm8@vm86+restore+fresh ", "both are set");
	suite_free(&suite);
	suite = load(1, &restore);
	ok(!suite_select(&suite, (char *[]){ "io/out/imm8_dx@long64+restore" }, 1, NULL, &error),
	   "a whole name under the axis restore");
	expect_names(&suite, "io/out/imm8_dx@long64+restore ", "this one alone");
	suite_free(&suite);
	suite = load(3, &fresh);
	ok(!suite_select(&suite, (char *[]){ "io/out/+fresh", "io" }, 2, "vm86", &error),
	   "+fresh under the axis fresh");
	expect_names(&suite, "io/out/imm8@vm86+fresh ", "nothing is there twice");
	suite_free(&suite);
	suite = load(1, &kernel);
	ok_equal(suite.count, 0, "no case under irqchip kernel");
	ok(suite_select(&suite, NULL, 0, NULL, &error) == -1, "is an error when selected from");
	ok_contains(error, "no case runs in the variant asked for", "which says so");
	free(error);
	suite_free(&suite);
}

/* Marks what is in one shard of the embedded instances; counts by the kind that costs most. */
static void mark_shard(unsigned int shard, unsigned int shards, u8 *seen, unsigned int *count,
		       unsigned int *mmio)
{
	struct axes all = { 0 };
	struct suite suite, part;
	char *error = NULL;

	ok(!suite_load(&suite, NULL, 0, &all, &error) &&
	   !suite_load(&part, NULL, 0, &all, &error), "the embedded images load");
	suite_shard(&part, shard, shards);
	*count = part.count;
	*mmio = 0;
	for (unsigned int i = 0, at = 0; i < part.count; i++, at++) {
		while (at < suite.count && strcmp(suite.instances[at].name, part.instances[i].name))
			at++;
		if (at == suite.count) {
			ok(false, "%s is in its place", part.instances[i].name);
			break;
		}
		seen[at]++;
		*mmio += part.instances[i].path == PATH_MMIO;
	}
	suite_free(&suite);
	suite_free(&part);
}

static void test_shards(void)
{
	static const unsigned int shards[] = { 1, 2, 3, 7 };
	struct axes all = { 0 };
	struct suite suite;
	char *error = NULL;

	ok(!suite_load(&suite, NULL, 0, &all, &error), "the embedded images load");
	for (unsigned int n = 0; n < ARRAY_SIZE(shards); n++) {
		u8 *seen = xcalloc(suite.count, 1);
		unsigned int count[7], mmio[7], twice = 0, never = 0;

		for (unsigned int i = 0; i < shards[n]; i++)
			mark_shard(i, shards[n], seen, &count[i], &mmio[i]);
		for (unsigned int i = 0; i < suite.count; i++) {
			twice += seen[i] > 1;
			never += !seen[i];
		}
		ok(!twice && !never, "%u shards hold every instance once", shards[n]);
		for (unsigned int i = 1; i < shards[n]; i++)
			ok(count[i] + suite.count / 50 > count[0] &&
			   count[0] + suite.count / 50 > count[i] &&
			   mmio[i] < mmio[0] + 20 && mmio[0] < mmio[i] + 20,
			   "part %u of %u is as large as the first, and of the same kinds", i + 1,
			   shards[n]);
		free(seen);
	}
	suite_free(&suite);
}

/* What a case does to its stage, in many places and ways. */
static void use_stage(struct stage *stage, unsigned int seed)
{
	for (unsigned int i = 0; i < 4; i++) {
		seed = seed * 1103515245 + 12345;
		stage_write(stage, (seed >> 8) % STAGE_RAM, &seed, 1 + seed % 4);
	}
}

/*
 * A stage is built by what the case before has changed, and that must give what
 * building it from nothing gives.
 */
static void test_stages(void)
{
	struct stage used, fresh;
	struct axes all = { 0 };
	struct suite suite;
	char *error = NULL;

	stage_init(&used);
	stage_init(&fresh);
	ok(!suite_load(&suite, NULL, 0, &all, &error), "the embedded images load");
	for (unsigned int i = 0; i < suite.count; i++) {
		const struct instance *instance = &suite.instances[i];

		fresh.pages.base = NULL;
		if (!stage_build(&used, instance) || !stage_build(&fresh, instance) ||
		    memcmp(used.mem, fresh.mem, STAGE_RAM) ||
		    memcmp(&used.state, &fresh.state, sizeof(used.state)))
			ok(false, "%s: the stage is as if built from nothing", instance->name);
		use_stage(&used, i);
	}
	ok(true, "%u stages are built", suite.count);
	suite_free(&suite);
	stage_free(&used);
	stage_free(&fresh);
}

/* As many names as instances: each is found at once, not looked for. */
static void test_all_names(void)
{
	struct suite suite, again;
	char **names, *error = NULL;
	u64 start;

	if (!ok(!suite_load(&suite, NULL, 0, &all_axes, &error) &&
		!suite_load(&again, NULL, 0, &all_axes, &error), "the embedded images load"))
		return;
	names = xcalloc(suite.count, sizeof(*names));
	for (unsigned int i = 0; i < suite.count; i++)
		names[i] = i % 2 ? xasprintf("%s+restore", suite.instances[i].name) :
				   xstrdup(suite.instances[i].name);
	start = now_ns();
	ok(!suite_select(&again, names, suite.count, NULL, &error), "all names are known");
	ok(now_ns() - start < 300000000, "and found within 0.3 s: %u in %.3f s", suite.count,
	   (double)(now_ns() - start) / 1e9);
	ok_equal(again.count, suite.count, "every one");
	for (unsigned int i = 0; i < suite.count; i++)
		free(names[i]);
	free(names);
	suite_free(&suite);
	suite_free(&again);
}

int main(void)
{
	if (!ok(scratch_directory(dir), "a folder for files"))
		return tap_done();
	write_images();
	test_expand();
	test_load_errors();
	test_embedded();
	test_select();
	test_select_nothing();
	test_select_many();
	test_cpus();
	for (unsigned int i = 0; i < ARRAY_SIZE(files); i++) {
		unlink(files[i]);
		free(files[i]);
	}
	ok(!rmdir(dir), "the folder is removed");
	sb_free(&built);
	test_shards();
	test_stages();
	test_all_names();
	return tap_done();
}

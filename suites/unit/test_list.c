// SPDX-License-Identifier: GPL-2.0-only
/* assay list and assay show: what they print of two image files. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <jansson.h>
#include <sys/mman.h>
#include <unistd.h>

#include "build_image.h"
#include "cmd_list.h"
#include "scratch.h"
#include "tap.h"

static char dir[] = "/tmp/assay-list-XXXXXX";
static char *files[2];

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
	REC(REC_REF, 0, T(F_text, "SDM 2 OUT"));
	REC(REC_NEED, 0, T(F_text, "movbe"));
	REC(REC_IRQCHIP, 0, N(F_value, IRQCHIP_USER | IRQCHIP_SPLIT));
	REC(REC_GIVEN, 0, N(F_rax, 0x41));
	built_addr++;
	REC(REC_EXPECT, STEP_CHECKPOINT);
	begin_case("dx");
	REC(REC_EXPECT, STEP_CHECKPOINT);
	write_image(0);
	begin_image(MODE_PROT32, "paging/pde");
	begin_case("one");
	REC(REC_EXPECT, STEP_SHUTDOWN);
	write_image(1);
}

/*
 * What a command prints to standard output; standard error is thrown away. The
 * arguments end in NULL. To be freed.
 */
static char *output(enum status (*command)(int argc, char **argv), enum status *status,
		    const char *const *args)
{
	int out = dup(1), err = dup(2), catch = memfd_create("stdout", 0), null;
	struct strbuf sb = { 0 };
	char *argv[16], buffer[4096];
	int argc = 0;
	ssize_t n;

	fflush(stdout);
	null = open("/dev/null", O_WRONLY);
	dup2(catch, 1);
	dup2(null, 2);
	for (; args[argc]; argc++)
		argv[argc] = (char *)args[argc];
	argv[argc] = NULL;
	*status = command(argc, argv);
	fflush(stdout);
	dup2(out, 1);
	dup2(err, 2);
	lseek(catch, 0, SEEK_SET);
	sb_add(&sb, "", 0);
	while ((n = read(catch, buffer, sizeof(buffer))) > 0)
		sb_add(&sb, buffer, n);
	close(out);
	close(err);
	close(catch);
	close(null);
	return sb.s;
}

static void prints(enum status (*command)(int argc, char **argv), const char *const *args,
		   const char *expected, const char *what)
{
	enum status status;
	char *text = output(command, &status, args);

	ok_text(text, expected, "%s", what);
	ok_equal(status, STATUS_OK, "and is content");
	free(text);
}

static void refuses(enum status (*command)(int argc, char **argv), const char *const *args,
		    const char *what)
{
	enum status status;
	char *text = output(command, &status, args);

	ok_text(text, "", "%s: nothing is printed", what);
	ok_equal(status, STATUS_ERROR, "and it is an error");
	free(text);
}

#define ARGS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void test_list(void)
{
	prints(cmd_list, ARGS("list", files[0], files[1]),
	       "io/out/imm8@long64\n"
	       "io/out/imm8@long64+split\n"
	       "io/out/dx@long64\n"
	       "paging/pde/one@prot32\n"
	       "# suite   prot32  long64   cases  instances\n"
	       "# io           0       2       2          3\n"
	       "# paging       1       0       1          1\n"
	       "# total        1       2       3          4\n",
	       "names, then cases by suite and mode, each counted once");
	prints(cmd_list, ARGS("list", "--count", "-V", "native", "-i", "split", files[0]),
	       "suite  long64   cases  instances\n"
	       "io          1       1          1\n",
	       "counts alone, of one irqchip, no total of one suite");
	prints(cmd_list, ARGS("list", files[0], files[1], "paging", "-c"),
	       "suite   prot32   cases  instances\n"
	       "paging       1       1          1\n", "what a pattern selects");
	prints(cmd_list, ARGS("list", files[0], files[1], "-c", "-m", "prot32", "-f", "json"),
	       "{\"suites\":{\"paging\":{\"cases\":1,\"instances\":1,\"modes\":{\"prot32\":1}}},"
	       "\"total\":{\"cases\":1,\"instances\":1,\"modes\":{\"prot32\":1}}}\n",
	       "counts of one mode as JSON");
	prints(cmd_list, ARGS("list", "-f", "json", files[0], "io/out/imm8@long64+split"),
	       "{\"name\":\"io/out/imm8@long64+split\",\"suite\":\"io\",\"case\":\"io/out/imm8\","
	       "\"mode\":\"long64\",\"ring\":0,\"irqchip\":\"split\",\"path\":\"native\","
	       "\"restore\":false,\"fresh\":false,\"text\":\"what it shows\","
	       "\"refs\":[\"SDM 2 OUT\"],\"needs\":[\"movbe\"],\"source\":\"io/out.asm\","
	       "\"case_line\":2}\n", "an instance as JSON");
	refuses(cmd_list, ARGS("list", files[0], "nothing"), "an unknown name");
	refuses(cmd_list, ARGS("list", "--format", "xml", files[0]), "an unknown format");
	refuses(cmd_list, ARGS("list", "--variant", "odd", files[0]), "an unknown variant");
	refuses(cmd_list, ARGS("list", "--odd"), "an unknown option");
	refuses(cmd_list, ARGS("list", "/nowhere/x.elf"), "a missing file");
}

static void test_show(void)
{
	static const char expected[] =
		"io/out/imm8@long64: what it shows\n"
		"  source   io/out.asm:2\n"
		"  manual   SDM 2 OUT\n"
		"  needs    movbe\n"
		"  runs as  io/out/imm8@long64\n"
		"           io/out/imm8@long64+split\n"
		"  stage    irqchip user, split\n"
		"           given rax=0x41\n"
		"\n"
		"    08010  90                    nop\n"
		"        7:   1. expect checkpoint\n";
	enum status status;
	char *text = output(cmd_show, &status, ARGS("show", files[0], "io/out/imm8"));

	text[strlen(expected) < strlen(text) ? strlen(expected) : strlen(text)] = '\0';
	ok_text(text, expected, "a case with its stage and steps");
	ok_equal(status, STATUS_OK, "and is content");
	free(text);
	refuses(cmd_show, ARGS("show"), "nothing to show");
	refuses(cmd_show, ARGS("show", "--odd"), "an unknown option");
	refuses(cmd_show, ARGS("show", "-m", "prot32", files[0]), "a mode it is not in");
}

/* Output that cannot be written is no success. */
static void test_full(void)
{
	int out = dup(1), err = dup(2), full = open("/dev/full", O_WRONLY);
	char *list[] = { (char *)"list", files[0], NULL };
	char *show[] = { (char *)"show", files[0], NULL };
	enum status listed, shown;

	fflush(stdout);
	dup2(full, 1);
	dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), 2);
	listed = cmd_list(2, list);
	clearerr(stdout);
	shown = cmd_show(2, show);
	clearerr(stdout);
	dup2(out, 1);
	dup2(err, 2);
	ok_equal(listed, STATUS_ERROR, "list: a full device is an error");
	ok_equal(shown, STATUS_ERROR, "show: so it is");
}

int main(void)
{
	if (!ok(scratch_directory(dir), "a directory for the test"))
		return tap_done();
	write_images();
	test_list();
	test_show();
	test_full();
	for (unsigned int i = 0; i < ARRAY_SIZE(files); i++) {
		unlink(files[i]);
		free(files[i]);
	}
	ok(!rmdir(dir), "the test cleans up");
	sb_free(&built);
	return tap_done();
}

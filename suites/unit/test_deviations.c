// SPDX-License-Identifier: GPL-2.0-only
/* Known deviations: what their file may say, and what they do to results. */
#define _GNU_SOURCE
#include <fnmatch.h>
#include <stdlib.h>
#include <unistd.h>

#include "deviations.h"
#include "scratch.h"
#include "tap.h"

#define TARGET "\"target\": {\"hypervisor\": \"kvm_pvm\"}"
#define REST "\"cases\": [\"io/*\"], \"reason\": \"r\", \"ref\": \"x\""

static char parameters[] = "kvm.nx_huge_pages=Y kvm_amd.npt=1 kvm_amd.nested=0";
static struct host host = {
	.hypervisor = "kvm_pvm", .machine = "Google Compute Engine", .version = "6.12.33-pvm",
	.parameters = parameters, .machine_version = "7.2.22",
};

static struct deviations *parse(const char *text, char **error)
{
	struct deviations *d;

	*error = NULL;
	d = deviations_parse("dev.json", text, strlen(text), error);
	if (d)
		deviations_bind(d, &host);
	return d;
}

/* The text must be refused with exactly this message. */
static void refused(const char *text, const char *message)
{
	char *error;
	struct deviations *d = parse(text, &error);

	ok(!d, "refused: %s", message);
	ok_text(error, message, "and said why");
	free(error);
	deviations_free(d);
}

static void test_syntax(void)
{
	refused("", "dev.json:1: the file must be a list of entries: [ ... ]");
	refused("{}", "dev.json:1: the file must be a list of entries: [ ... ]");
	refused("[", "dev.json:1: expected an entry, which begins with '{'");
	refused("[\n 3]", "dev.json:2: expected an entry, which begins with '{'");
	refused("[] x", "dev.json:1: there is something after the list");
	refused("[\n{" TARGET ", " REST "}\n", "dev.json:3: expected ',' or ']' after an entry");
	refused("[\n{" TARGET ", " REST "},\n]",
		"dev.json:3: expected an entry, which begins with '{'");
	refused("[\n{" TARGET ",\n" REST "},\n\n{\"cases\"\n:,}]",
		"dev.json:6: unexpected token near ','");
	refused("[{" TARGET ", " REST ", \"ref\": \"y\"}]",
		"dev.json:1: duplicate object key near '\"ref\"'");
}

static void test_contents(void)
{
	const char *good = "[\n{" TARGET ",\n" REST "},\n";
	char *text;

	refused("[{" REST "}]", "dev.json:1: the entry must have a \"target\" that is an object");
	refused("[\n\n{" TARGET ", \"cases\": [\"a\"], \"ref\": \"x\"}]",
		"dev.json:3: the entry has no \"reason\"");
	refused("[{" TARGET ", \"cases\": [\"a\"], \"reason\": \"r\"}]",
		"dev.json:1: the entry has no \"ref\"");
	refused("[{" TARGET ", \"cases\": [\"a\"], \"reason\": \" \", \"ref\": \"x\"}]",
		"dev.json:1: \"reason\" of the entry must be a string that is not empty");
	refused("[{" TARGET ", \"cases\": [\"a\"], \"reason\": \"r\", \"ref\": 1}]",
		"dev.json:1: \"ref\" of the entry must be a string that is not empty");
	refused("[{" TARGET ", \"cases\": [], \"reason\": \"r\", \"ref\": \"x\"}]",
		"dev.json:1: \"cases\" of the entry must be a list with at least one string");
	refused("[{" TARGET ", \"cases\": [\"a\", 2], \"reason\": \"r\", \"ref\": \"x\"}]",
		"dev.json:1: \"cases\" of the entry has something that is no string, or empty");
	refused("[{\"target\": {}, " REST "}]", "dev.json:1: \"target\" has no \"hypervisor\"");
	refused("[{\"target\": {\"hypervisor\": \"k\", \"cpu\": \"x\"}, " REST "}]",
		"dev.json:1: \"target\" has a \"cpu\", which means nothing here");
	refused("[{\"target\": {\"hypervisor\": \"k\", \"version\": \"6.1\"}, " REST "}]",
		"dev.json:1: \"6.1\" is no range of versions like \">=6.1 <6.13\"");
	refused("[{\"target\": {\"hypervisor\": [\"k\", 1]}, " REST "}]",
		"dev.json:1: \"hypervisor\" of \"target\" has something that is no string, or "
		"empty");
	refused("[{\"target\": {\"hypervisor\": []}, " REST "}]",
		"dev.json:1: \"hypervisor\" of \"target\" must be a list with at least one "
		"string");
	refused("[{\"target\": {\"hypervisor\": \"k\", \"machine_version\": \"8\"}, " REST
		"}]",
		"dev.json:1: \"8\" is no range of versions like \">=6.1 <6.13\"");
	refused("[{" TARGET ", " REST ", \"fatal\": false}]",
		"dev.json:1: \"fatal\" of the entry can only be true");
	refused("[{" TARGET ", " REST ", \"fatal\": 1}]",
		"dev.json:1: \"fatal\" of the entry can only be true");
	refused("[{" TARGET ", \"cases\": [\"a\"], \"ref\": \"x\", \"fatal\": true}]",
		"dev.json:1: the entry has no \"reason\"");
	refused("[{" TARGET ", " REST ", \"fatal\": true, \"differs\": [\"rax\"]}]",
		"dev.json:1: the entry has both \"fatal\" and \"differs\": what ends the machine "
		"is not judged further");
	refused("[{" TARGET ", " REST ", \"sometimes\": false}]",
		"dev.json:1: \"sometimes\" of the entry can only be true");
	refused("[{" TARGET ", " REST ", \"sometimes\": true, \"differs\": [\"rax\"]}]",
		"dev.json:1: the entry has \"sometimes\" together with \"differs\" or "
		"\"fatal\", where it means nothing");
	refused("[{" TARGET ", " REST ", \"sometimes\": true, \"fatal\": true}]",
		"dev.json:1: the entry has \"sometimes\" together with \"differs\" or "
		"\"fatal\", where it means nothing");
	text = xasprintf("%s\n{\"why\": 1, " TARGET ", " REST "}]", good);
	refused(text, "dev.json:5: the entry has a \"why\", which means nothing here");
	free(text);
}

static void test_globs(void)
{
	static const char *const globs[] = {
		"", "*", "io/*", "*@long64", "io/*@long64*", "*io*", "**", "io/out", "*a*b*c",
		"a*a", "i?/out", "[ij]o/*", "io/\\*", "io", "*ab", "*aab*",
	};
	static const char *const texts[] = {
		"", "io/out", "io/out/imm8@long64", "io/out/imm8@long64.ring3", "abc", "aabbcc",
		"a", "aa", "aaab", "jo/x", "io/*", "ioio", "xabyabz", "abab",
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(globs); i++) {
		for (unsigned int j = 0; j < ARRAY_SIZE(texts); j++)
			ok_equal(glob_matches(globs[i], texts[j]), !fnmatch(globs[i], texts[j], 0),
				 "\"%s\" and \"%s\"", globs[i], texts[j]);
	}
}

static void test_versions(void)
{
	static const struct {
		const char *version, *range;
		bool in;
	} rows[] = {
		{ "6.1.0", ">=6.1", true },	    { "6.0.99", ">=6.1", false },
		{ "6.10", ">=6.9", true },	    { "6.12.33-pvm+", "<6.13", true },
		{ "6.13.0-rc1", "<6.13", false },   { "6.13", "<=6.13.0", true },
		{ "6.13.1", "<=6.13", false },	    { "6.5", ">=6.1 <6.13", true },
		{ "6.13", ">=6.1 <6.13", false },   { "6.1", ">6.1", false },
		{ "6.1.1", ">6.1", true },	    { "6.1", "=6.1.0", true },
		{ "6.1", "==6.1", true },	    { "6.2", "=6.1", false },
		{ "unknown", ">=0", false },	    { "", ">=0", false },
		{ "6.1.", ">=6.1", true },	    { "6.1", "6.1", false },
		{ "6.1", ">=", false },		    { "6.1", ">=6.1x", false },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++)
		ok(version_in_range(rows[i].version, rows[i].range) == rows[i].in,
		   "\"%s\" is %sin \"%s\"", rows[i].version, rows[i].in ? "" : "not ",
		   rows[i].range);
}

/* Whether an entry with that target matches the host. */
static bool matches(const char *target)
{
	char *text = xasprintf("[{\"target\": {%s}, " REST "}]", target), *error;
	struct deviations *d = parse(text, &error);
	bool found = d && deviations_match(d, "io/out/imm8@long64");

	if (!d)
		note("%s", error);
	free(error);
	free(text);
	deviations_free(d);
	return found;
}

#define PVM "\"hypervisor\": \"kvm_pvm\", "

static void test_targets(void)
{
	ok(matches("\"hypervisor\": \"kvm_pvm\""), "the hypervisor is what counts");
	ok(!matches("\"hypervisor\": \"kvm_intel\""), "another hypervisor is not meant");
	ok(!matches("\"hypervisor\": \"kvm_*\""), "a hypervisor is no glob");
	ok(matches("\"hypervisor\": [\"kvm_intel\", \"kvm_pvm\"]"), "one of several hypervisors");
	ok(!matches("\"hypervisor\": [\"kvm_intel\", \"kvm_amd\"]"), "none of several");
	ok(matches(PVM "\"machine\": \"Google*\""), "a machine is");
	ok(matches(PVM "\"machine_version\": \">=7 <8\""), "a version of the machine in the range");
	ok(!matches(PVM "\"machine_version\": \">=8\""), "one out of it");
	strcpy(host.machine_version, "unknown");
	ok(!matches(PVM "\"machine_version\": \">=0\""), "one that is not known is in no range");
	strcpy(host.machine_version, "7.2.22");
	ok(!matches(PVM "\"machine\": \"bare metal\""), "another machine is not meant");
	ok(matches(PVM "\"version\": \">=6.12 <6.13\""), "a version in the range");
	ok(!matches(PVM "\"version\": \"<6.12\""), "a version out of it");
	ok(matches(PVM "\"parameters\": [\"kvm_amd.npt=1\", \"kvm_amd.nested=0\"]"),
	   "all parameters are so");
	ok(!matches(PVM "\"parameters\": [\"kvm_amd.npt=1\", \"kvm_amd.nested=1\"]"),
	   "one parameter is not");
	ok(!matches(PVM "\"parameters\": [\"npt=1\"]"), "a parameter is a whole word");
	ok(!matches(PVM "\"parameters\": [\"kvm_amd.npt=\"]"), "with its value");
}

/* What becomes of an outcome of the instance. */
static struct result apply(struct deviations *d, const char *name, enum outcome outcome)
{
	static struct instance instance;
	struct result result = { .instance = &instance, .outcome = outcome };

	instance.name = (char *)name;
	deviations_apply(d, &result);
	return result;
}

static void test_applying(void)
{
	const char *text = "[{" TARGET ", \"cases\": [\"io/out/*@long64*\", \"paging/*\"],"
			   "\"reason\": \"first\", \"ref\": \"a\"},\n"
			   "{" TARGET ", \"cases\": [\"io/*\"], \"reason\": \"second\","
			   "\"ref\": \"b\"}]";
	struct result r;
	char *error;
	struct deviations *d = parse(text, &error);

	if (!ok(d && d->count == 2, "two entries are read"))
		return;
	ok_equal(d->entries[1].line, 2, "an entry knows its line");
	r = apply(d, "io/out/imm8@long64.ring3", OUTCOME_FAIL);
	ok_equal(r.outcome, OUTCOME_DEVIATION, "a recorded failure is a deviation");
	ok_text(r.deviation_reason, "first", "with the reason of the first entry that names it");
	ok_text(r.deviation_ref, "a", "and its reference");
	r = apply(d, "io/in/dx@long64", OUTCOME_FAIL);
	ok_text(r.deviation_reason, "second", "or of the next");
	r = apply(d, "paging/x@pae32", OUTCOME_PASS);
	ok(r.outcome == OUTCOME_PASS && r.deviation_gone, "one that passed is a pass, and marked");
	ok_text(r.deviation_reason, "first", "with the reason that was recorded");
	r = apply(d, "state/x@pae32", OUTCOME_FAIL);
	ok(r.outcome == OUTCOME_FAIL && !r.deviation_reason, "an unrecorded failure stays one");
	r = apply(d, "io/x@pae32", OUTCOME_ERROR);
	ok(r.outcome == OUTCOME_ERROR && !r.deviation_reason, "an error is never a deviation");
	r = apply(d, "io/x@pae32", OUTCOME_SKIP);
	ok(r.outcome == OUTCOME_SKIP && !r.deviation_reason, "nor is a skip");
	deviations_bind(d, &(struct host){ .hypervisor = "kvm_intel", .parameters = parameters });
	r = apply(d, "io/x@pae32", OUTCOME_FAIL);
	ok_equal(r.outcome, OUTCOME_FAIL, "what is known of one host is not of another");
	deviations_free(d);
}

static void test_fatal(void)
{
	const char *text = "[{" TARGET ", \"cases\": [\"io/*\"],"
			   "\"reason\": \"a\", \"ref\": \"x\"},"
			   "{" TARGET ", \"cases\": [\"io/out/*\"], \"fatal\": true,"
			   "\"reason\": \"b\", \"ref\": \"y\"}]";
	char *error;
	struct deviations *d = parse(text, &error);

	if (!ok(d != NULL, "an entry may be fatal"))
		return;
	ok(deviations_fatal(d, "io/out/imm8@long64") == d->entries + 1,
	   "a fatal entry is found behind another that fits");
	ok_text(d->entries[1].not_run, "not run, it ends the machine: b", "and says why");
	ok(!deviations_fatal(d, "io/in/imm8@long64"), "other cases are run");
	ok_text(apply(d, "io/out/imm8@long64", OUTCOME_FAIL).deviation_reason, "a",
		"one that is run all the same is as any other");
	deviations_bind(d, &(struct host){ .hypervisor = "kvm_intel", .parameters = parameters });
	ok(!deviations_fatal(d, "io/out/imm8@long64"), "and so on another host");
	deviations_free(d);
}

static void test_sometimes(void)
{
	char *error;
	struct deviations *d = parse("[{" TARGET ", " REST ", \"sometimes\": true}]", &error);
	struct result r;

	if (!ok(d != NULL, "an entry may be about what fails sometimes"))
		return;
	r = apply(d, "io/x@pae32", OUTCOME_FAIL);
	ok(r.outcome == OUTCOME_DEVIATION && r.deviation_reason, "then a failure is a deviation");
	r = apply(d, "io/x@pae32", OUTCOME_PASS);
	ok(r.outcome == OUTCOME_PASS && !r.deviation_gone && !r.deviation_reason,
	   "and a pass is a pass like any other");
	deviations_free(d);
}

static void test_tolerating(void)
{
	const char *text = "[{" TARGET ", \"cases\": [\"io/*\"], \"differs\": [\"memory 0x10*\","
			   "\"flag AF\"], \"reason\": \"first\", \"ref\": \"a\"}]";
	struct deviations *d;
	struct result r;
	char *error;

	d = parse(text, &error);
	if (!ok(d != NULL, "an entry may name what differs"))
		return;
	ok(deviations_tolerate(d, "io/x@pae32", "memory 0x10000") == d->entries,
	   "a difference that it names is known");
	ok(deviations_tolerate(d, "io/x@pae32", "flag AF") == d->entries, "and another");
	ok(!deviations_tolerate(d, "io/x@pae32", "flag CF"), "one it does not name is not");
	ok(!deviations_tolerate(d, "paging/x@pae32", "flag AF"), "nor in another case");
	r = apply(d, "io/x@pae32", OUTCOME_FAIL);
	ok(r.outcome == OUTCOME_FAIL, "it excuses no failure as a whole");
	r = apply(d, "io/x@pae32", OUTCOME_PASS);
	ok(!r.deviation_gone, "and expects none");
	deviations_free(d);
	d = parse("[{" TARGET ", \"cases\": [\"*\"], \"differs\": [], \"reason\": \"x\","
		  "\"ref\": \"y\"}]", &error);
	ok(!d, "an empty list of differences is refused");
	free(error);
}

static void write_text(const char *directory, const char *name, const char *text)
{
	char *path = xasprintf("%s/%s", directory, name);
	FILE *file = fopen(path, "w");

	if (file) {
		fputs(text, file);
		fclose(file);
	}
	free(path);
}

static void test_files(void)
{
	char top[] = "/tmp/assay-deviations-XXXXXX", *path, *error = NULL, *message;
	struct deviations *d = deviations_load(NULL, &error);

	ok(d != NULL, "the built-in file is valid");
	if (!d)
		note("%s", error);
	free(error);
	deviations_free(d);
	ok(scratch_directory(top), "a directory for the test");
	write_text(top, "one.json", "[\n1]");
	path = xasprintf("%s/one.json", top);
	d = deviations_load(path, &error);
	message = xasprintf("%s:2: expected an entry, which begins with '{'", path);
	ok(!d, "a bad file is refused");
	ok_text(error, message, "with its own name");
	free(error);
	free(message);
	unlink(path);
	d = deviations_load(path, &error);
	ok(!d, "a missing file is refused");
	ok_contains(error, "No such file or directory", "with the reason");
	free(error);
	free(path);
}

static void test_directory(void)
{
	char path[] = "/tmp/assay-deviations-XXXXXX", *error = NULL;
	struct deviations *d;

	if (!ok(scratch_directory(path), "a directory for the test"))
		return;
	d = deviations_load(path, &error);
	ok(!d, "a directory without files is refused");
	ok_contains(error, "no deviations file (*.json) in the directory", "with the reason");
	free(error);
	write_text(path, "b.json", "[{" TARGET ", " REST "}]");
	write_text(path, "a.json", "[{" TARGET ", \"cases\": [\"io/*\"], \"reason\": \"first\","
				   "\"ref\": \"x\"}]");
	write_text(path, "notes.txt", "nothing to read");
	d = deviations_load(path, &error);
	if (ok(d && d->count == 2, "all *.json of a directory are read")) {
		deviations_bind(d, &host);
		ok_text(deviations_match(d, "io/x@pae32")->reason, "first", "in their order");
	}
	deviations_free(d);
	write_text(path, "c.json", "\n3");
	d = deviations_load(path, &error);
	ok(!d, "a bad one among them is refused");
	ok_contains(error, "/c.json:2: the file must be a list", "by its name and line");
	free(error);
}

int main(void)
{
	test_syntax();
	test_contents();
	test_globs();
	test_versions();
	test_targets();
	test_applying();
	test_fatal();
	test_sometimes();
	test_tolerating();
	test_files();
	test_directory();
	return tap_done();
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reports: the exact output of every format, against suites/unit/expected/ (the
 * program runs at the top of the tree), and what happens when writing fails.
 *
 *   build/unit/test_report --write    writes those files anew, to be looked at
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fake_run.h"
#include "report_parts.h"
#include "tap.h"

#define EXPECTED "suites/unit/expected/"
#define PLACEHOLDER "@VERSION@"

/* Results come as they like, not in the order of the instances. */
static const unsigned int order[FAKE_COUNT] = { 3, 0, 5, 1, 4, 2 };

struct variation {
	const char *file;	/* in EXPECTED */
	const char *format;
	bool verbose, interrupted, own_files;
	unsigned int results;	/* how many of order */
};

static const struct variation variations[] = {
	{ .file = "pretty.txt", .format = "pretty", .results = 6 },
	{ .file = "pretty-verbose.txt", .format = "pretty", .verbose = true, .results = 6 },
	{ .file = "pretty-interrupted.txt", .format = "pretty", .interrupted = true,
	  .own_files = true, .results = 4 },
	{ .file = "report.tap", .format = "tap", .results = 6 },
	{ .file = "interrupted.tap", .format = "tap", .interrupted = true, .results = 2 },
	{ .file = "report.ktap", .format = "ktap", .results = 6 },
	{ .file = "interrupted.ktap", .format = "ktap", .interrupted = true, .results = 1 },
	{ .file = "junit.xml", .format = "junit", .results = 6 },
	{ .file = "interrupted.xml", .format = "junit", .interrupted = true, .results = 3 },
	{ .file = "report.jsonl", .format = "json", .results = 6 },
	{ .file = "interrupted.jsonl", .format = "json", .interrupted = true, .results = 1 },
};

/* All of a descriptor's file as a string. */
static char *replace(const char *text, const char *from, const char *to)
{
	struct strbuf sb = { 0 };
	const char *at;

	sb_add(&sb, "", 0);
	while ((at = strstr(text, from))) {
		sb_add(&sb, text, at - text);
		sb_printf(&sb, "%s", to);
		text = at + strlen(from);
	}
	sb_printf(&sb, "%s", text);
	return sb.s;
}

/* Runs the fake run through a report that writes to fd. */
static enum status report_to(int fd, const struct variation *v)
{
	struct report *report = report_new(v->format, fd, v->verbose);
	struct run_end end = { .ns = 1234567890, .interrupted = v->interrupted };
	enum status status;

	fake_run.own_files = v->own_files;
	report_begin(report, &fake_run);
	for (unsigned int i = 0; i < v->results; i++) {
		struct result result = fake_result(order[i]);

		report_result(report, &result);
		result_clear(&result);
	}
	status = report_end(report, &end);
	report_free(report);
	return status;
}

static char *report_text(const struct variation *v, enum status *status)
{
	int fd = memfd_create("report", MFD_CLOEXEC);

	*status = report_to(fd, v);
	return slurp(fd);
}

static char *expected_text(const char *file)
{
	char *path = xasprintf(EXPECTED "%s", file), *text, *filled;
	int fd = open(path, O_RDONLY);

	if (fd < 0)
		note("cannot open %s: %s", path, strerror(errno));
	text = fd < 0 ? xstrdup("") : slurp(fd);
	filled = replace(text, PLACEHOLDER, assay_version);
	free(path);
	free(text);
	return filled;
}

/* The first line that differs says more than two whole reports. */
static void note_difference(const char *observed, const char *expected)
{
	unsigned int line = 1;

	while (*observed && *observed == *expected) {
		line += *observed == '\n';
		observed++;
		expected++;
	}
	note("first difference in line %u: expected \"%.*s\", got \"%.*s\"", line,
	     (int)strcspn(expected, "\n"), expected, (int)strcspn(observed, "\n"), observed);
}

static void test_variation(const struct variation *v)
{
	char *expected = expected_text(v->file);
	enum status status;
	char *observed = report_text(v, &status);

	if (!ok(!strcmp(observed, expected), "%s is written as it was", v->file))
		note_difference(observed, expected);
	free(observed);
	free(expected);
}

static void write_expected(const struct variation *v)
{
	char *path = xasprintf(EXPECTED "%s", v->file);
	FILE *file = fopen(path, "w");
	enum status status;
	char *text = report_text(v, &status), *stored = replace(text, assay_version, PLACEHOLDER);

	if (!file || fputs(stored, file) == EOF || fclose(file))
		complain("cannot write %s", path);
	free(path);
	free(text);
	free(stored);
}

/* Every line is an object of a known type, first run, last summary. */
static void test_json_lines(void)
{
	const struct variation v = { .format = "json", .results = 6 };
	enum status status;
	char *text = report_text(&v, &status), *rest = text, *line;
	unsigned int n = 0, results = 0;
	bool valid = true;

	while ((line = strsep(&rest, "\n")) && *line) {
		json_t *json = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
		const char *type = json_string_value(json_object_get(json, "type"));

		valid &= type != NULL;
		if (type && n == 0)
			ok_text(type, "run", "the first line is the run");
		if (type && n == FAKE_COUNT + 1)
			ok_text(type, "summary", "the last line is the summary");
		results += type && !strcmp(type, "result");
		json_decref(json);
		n++;
	}
	ok(valid, "each line is an object with a type");
	ok_equal(results, FAKE_COUNT, "there is a line for each result");
	ok_equal(n, FAKE_COUNT + 2, "and no other line");
	free(text);
}

/* The report of a single result, in that format. */
static char *report_of(const struct result *result, const char *format)
{
	int fd = memfd_create("report", MFD_CLOEXEC);
	struct report *report = report_new(format, fd, false);
	struct run_end end = { 0 };

	report_begin(report, &fake_run);
	report_result(report, result);
	report_end(report, &end);
	report_free(report);
	return slurp(fd);
}

/* A case that went on over a known difference has no step that failed. */
static void test_tolerated(void)
{
	static const char *const formats[] = { "pretty", "tap", "ktap", "junit", "json" };
	static const char *const words[] = { "step:", "\"step\"", "before the first",
					     "again", "differences", "system-out" };
	struct result result = {
		.instance = &fake_instances[3], .outcome = OUTCOME_DEVIATION, .step = -1,
		.tolerated = true, .deviation_reason = "OUT loses AL", .deviation_ref = "list/7",
	};

	result.why = xstrdup("it differs where that is known: OUT loses AL");
	for (unsigned int i = 0; i < ARRAY_SIZE(formats); i++) {
		char *text = report_of(&result, formats[i]);

		ok_contains(text, "OUT loses AL", "%s: a known difference has its reason",
			    formats[i]);
		ok_contains(text, "list/7", "%s: and its reference", formats[i]);
		for (unsigned int j = 0; j < ARRAY_SIZE(words); j++)
			ok(!strstr(text, words[j]), "%s: and nothing of \"%s\"", formats[i],
			   words[j]);
		free(text);
	}
	result.tolerated = false;	/* but a failure before the first step has all */
	ok(result_explains(&result), "a recorded failure before the first step is shown whole");
	result_clear(&result);
}

/* The verdict for the first results of a list, all of FAKE_COUNT planned. */
static enum status verdict(const unsigned int *which, unsigned int count, unsigned int planned)
{
	int fd = open("/dev/null", O_WRONLY);
	struct report *report = report_new("json", fd, false);
	struct run_end end = { 0 };
	enum status status;

	fake_run.count = planned;
	report_begin(report, &fake_run);
	for (unsigned int i = 0; i < count; i++) {
		struct result result = fake_result(which[i]);

		report_result(report, &result);
		result_clear(&result);
	}
	status = report_end(report, &end);
	report_free(report);
	close(fd);
	fake_run.count = FAKE_COUNT;
	return status;
}

static void test_verdicts(void)
{
	ok_equal(verdict((unsigned int[]){ 0, 2, 3, 5 }, 4, 4), STATUS_OK,
		 "pass, skip, deviation and gone deviation are as expected");
	ok_equal(verdict((unsigned int[]){ 0, 1 }, 2, 2), STATUS_FAIL, "a failure is");
	ok_equal(verdict((unsigned int[]){ 4, 0 }, 2, 2), STATUS_ERROR, "an error is");
	ok_equal(verdict((unsigned int[]){ 1, 4 }, 2, 2), STATUS_ERROR,
		 "an error outranks a failure");
	ok_equal(verdict((unsigned int[]){ 0 }, 1, 2), STATUS_ERROR, "a missing instance is");
}

/* Takes stderr away while a complaint is expected, and returns what was said. */
static char *complaint_of(int fd, const char *format, enum status *status)
{
	const struct variation v = { .format = format, .results = 6 };
	int keep = dup(2), catch = memfd_create("stderr", MFD_CLOEXEC);

	dup2(catch, 2);
	*status = report_to(fd, &v);
	dup2(keep, 2);
	close(keep);
	return slurp(catch);
}

static void test_broken_output(void)
{
	static const char *const formats[] = { "pretty", "tap", "ktap", "junit", "json" };
	enum status status;
	int ends[2];
	char *said;

	signal(SIGPIPE, SIG_DFL);
	for (unsigned int i = 0; i < ARRAY_SIZE(formats); i++) {
		int full = open("/dev/full", O_WRONLY);

		said = complaint_of(full, formats[i], &status);
		ok_equal(status, STATUS_ERROR, "%s: a full device ends in an error", formats[i]);
		ok_contains(said, "No space left on device", "%s: and says so", formats[i]);
		ok(strchr(said, '\n') == strrchr(said, '\n'), "%s: once", formats[i]);
		free(said);
		close(full);
		ok(pipe(ends) == 0, "%s: a pipe for the test", formats[i]);
		close(ends[0]);
		said = complaint_of(ends[1], formats[i], &status);
		ok_equal(status, STATUS_ERROR, "%s: a reader who left ends in an error",
			 formats[i]);
		ok_contains(said, "Broken pipe", "%s: and says so", formats[i]);
		free(said);
		close(ends[1]);
	}
}

/* What a terminal gets to see. Nobody types there, so it can be read at the end. */
static char *on_terminal(void)
{
	const struct variation v = { .format = "pretty", .results = 6 };
	int master = posix_openpt(O_RDWR | O_NOCTTY), slave;
	static char seen[65536];
	size_t len = 0;
	ssize_t n;

	if (master < 0 || grantpt(master) || unlockpt(master))
		return NULL;
	slave = open(ptsname(master), O_RDWR | O_NOCTTY);
	if (slave < 0)
		return NULL;
	report_to(slave, &v);
	fcntl(master, F_SETFL, O_NONBLOCK);
	while (len < sizeof(seen) - 1 && (n = read(master, seen + len, sizeof(seen) - 1 - len)) > 0)
		len += n;
	seen[len] = '\0';
	close(slave);
	close(master);
	return seen;
}

static void test_terminal(void)
{
	char *seen;

	unsetenv("NO_COLOR");
	setenv("TERM", "xterm", 1);
	seen = on_terminal();
	if (!ok(seen != NULL, "a terminal for the test"))
		return;
	ok_contains(seen, "\033[31mFAIL\033[0m", "a terminal gets colours");
	ok_contains(seen, "\r\033[K[1/6] io/out/imm8_al@long64", "and a status line");
	ok_contains(seen, "\r\033[K\r\n\033[31mFAIL", "which a failure replaces");
	setenv("NO_COLOR", "1", 1);
	ok(!strchr(on_terminal(), '\033'), "but no escape sequence with NO_COLOR");
	unsetenv("NO_COLOR");
	setenv("TERM", "dumb", 1);
	ok(!strchr(on_terminal(), '\033'), "nor when it is dumb");
}

static void ok_clean(const char *text, bool keep_lines, const char *expected, const char *what)
{
	char *clean = clean_text(text, keep_lines);

	ok_text(clean, expected, "%s", what);
	free(clean);
}

static void ok_word(const char *word, const char *expected)
{
	struct strbuf sb = { 0 };

	sb_shell_word(&sb, word);
	ok_text(sb.s, expected, "quoted for a shell: %s", expected);
	sb_free(&sb);
}

static void test_text(void)
{
	ok_clean("a\033[31m\x7f\tb\n", false, "a?[31m??b?", "control characters are replaced");
	ok_clean("a\tb\n\r", true, "a\tb\n?", "lines stay where they may");
	ok_clean("\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", false,
		 "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", "UTF-8 stays");
	ok_clean("\xc0\xaf \xed\xa0\x80 \xf5\x80\x80\x80", false, "?? ??? ????",
		 "overlong forms, surrogates and what is too large go");
	ok_clean("\xe2\x82", false, "??", "so does half a character");
	ok_clean("\xc2\x85 \xef\xbf\xbf", false, "? ?", "and what XML has no place for");
	ok_word("io/out/imm8_al@long64.ring3+kernel", "io/out/imm8_al@long64.ring3+kernel");
	ok_word("my file.elf", "'my file.elf'");
	ok_word("it's", "'it'\\''s'");
	ok_word("", "''");
	ok_word("$(reboot)", "'$(reboot)'");
}

static void test_window(void)
{
	struct result result = fake_result(1);
	struct strbuf sb = { 0 };

	memset(result.code, 0x90, CODE_BYTES);
	result.code_addr = 0x9000;
	result.code_len = CODE_BYTES;
	result.state.rip = 0x9020;
	sb_code(&sb, &result, 0, &paint_none);
	ok(!strncmp(sb.s, "    0901b  90", 13), "five instructions before RIP are shown");
	ok_contains(sb.s, " -> 09020  90", "and it");
	ok_contains(sb.s, "    09023  90", "and three after it");
	ok(!strstr(sb.s, "09024"), "and no more");
	result.have_state = false;
	sb.len = 0;
	sb_failure(&sb, &fake_run, &result, &paint_none);
	ok_contains(sb.s, "\n    code\n        09000  90", "without state, all of it");
	ok(!strstr(sb.s, "->"), "and nothing is marked");
	sb_free(&sb);
	result_clear(&result);
}

int main(int argc, char **argv)
{
	fake_world();
	if (argc == 2 && !strcmp(argv[1], "--write")) {
		for (unsigned int i = 0; i < ARRAY_SIZE(variations); i++)
			write_expected(&variations[i]);
		return 0;
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(variations); i++)
		test_variation(&variations[i]);
	ok(!report_new("yaml", 1, false), "there is no format of another name");
	ok_text(outcome_name(OUTCOME_DEVIATION), "deviation", "outcomes have names");
	test_json_lines();
	test_tolerated();
	test_verdicts();
	test_broken_output();
	test_terminal();
	test_text();
	test_window();
	return tap_done();
}

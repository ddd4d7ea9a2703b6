// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reports read back: what is written of them is what the run itself would have
 * written; parts of a run are put together; what is no report is refused, with file
 * and line, however it is broken.
 */
#define _GNU_SOURCE
#include <jansson.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fake_run.h"
#include "report_parts.h"
#include "report_read.h"
#include "tap.h"

static const char *const formats[] = { "pretty", "tap", "ktap", "junit", "json" };

/* Results come as they like, not in the order of the instances. */
static const unsigned int order[FAKE_COUNT] = { 3, 0, 5, 1, 4, 2 };

/* The first results of order, as the run reports them. */
static char *run_text(const char *format, bool verbose, unsigned int results, bool interrupted)
{
	int fd = memfd_create("report", MFD_CLOEXEC);
	struct report *report = report_new(format, fd, verbose);
	struct run_end end = { .ns = 1234567890, .interrupted = interrupted };

	report_begin(report, &fake_run);
	for (unsigned int i = 0; i < results; i++) {
		struct result result = fake_result(order[i]);

		report_result(report, &result);
		result_clear(&result);
	}
	report_end(report, &end);
	report_free(report);
	return slurp(fd);
}

static char *json_text(void)
{
	return run_text("json", false, FAKE_COUNT, false);
}

/* Files that are read, and how. */
struct input {
	const char *texts[4];	/* a.json, b.json ... */
	bool partial;
	const char *again;
};

/* What is told of them in a format, or "refused: " and why. */
static char *told_text(const struct input *input, const char *format, bool verbose,
		       enum status *status)
{
	struct reading *reading = reading_new();
	int fd = memfd_create("told", MFD_CLOEXEC);
	struct report *report = report_new(format, fd, verbose);
	char *error = NULL, *text;
	bool good = true;

	for (unsigned int i = 0; i < ARRAY_SIZE(input->texts) && input->texts[i] && good; i++) {
		const char file[] = { (char)('a' + i), '.', 'j', 's', 'o', 'n', '\0' };

		good = reading_add(reading, file, input->texts[i], strlen(input->texts[i]),
				   &error);
	}
	good = good && reading_merge(reading, input->partial, &error);
	*status = good ? reading_write(reading, report, input->again) : STATUS_ERROR;
	text = slurp(fd);
	if (!good) {
		free(text);
		text = xasprintf("refused: %s", error);
	}
	free(error);
	report_free(report);
	reading_free(reading);
	return text;
}

static char *replace(const char *text, const char *from, const char *to)
{
	const char *at = strstr(text, from);

	if (!at) {
		ok(0, "the text to be changed has \"%s\"", from);
		return xstrdup(text);
	}
	return xasprintf("%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
}

/* Line number n of the text, from 1, with its newline; to be freed. */
static char *line_of(const char *text, unsigned int n)
{
	while (--n && strchr(text, '\n'))
		text = strchr(text, '\n') + 1;
	return xasprintf("%.*s", (int)strcspn(text, "\n") + 1, text);
}

/* Two reports must be equal; the first line that differs says more than two whole ones. */
static void ok_same(const char *observed, const char *expected, const char *what)
{
	size_t at = 0, line;

	if (ok(!strcmp(observed, expected), "%s", what))
		return;
	while (observed[at] == expected[at])
		at++;
	for (line = at; line && expected[line - 1] != '\n'; line--)
		;
	note("column %zu: expected \"%.*s\", got \"%.*s\"", at - line,
	     (int)strcspn(expected + line, "\n"), expected + line,
	     (int)strcspn(observed + line, "\n"), observed + line);
}

/* Several lines in the order of numbers, which 0 ends. */
static char *lines_of(const char *text, const unsigned int *numbers)
{
	struct strbuf sb = { 0 };

	sb_add(&sb, "", 0);
	for (; *numbers; numbers++) {
		char *line = line_of(text, *numbers);

		sb_printf(&sb, "%s", line);
		free(line);
	}
	return sb.s;
}
#define LINES(text, ...) lines_of(text, (const unsigned int[]){ __VA_ARGS__, 0 })

/* ---- what is told is what was run ------------------------------------------------- */

static void test_round_trip(unsigned int results, bool interrupted, bool verbose)
{
	char *json = run_text("json", false, results, interrupted);
	const struct input input = { .texts = { json } };

	note("a run of %u results%s%s is told as it was:", results,
	     interrupted ? ", interrupted" : "", verbose ? ", verbose" : "");
	for (unsigned int i = 0; i < ARRAY_SIZE(formats); i++) {
		char *run = run_text(formats[i], verbose, results, interrupted);
		enum status status;
		char *told = told_text(&input, formats[i], verbose, &status);

		ok_same(told, run, formats[i]);
		ok_equal(status, STATUS_ERROR, "%s: and an error is one", formats[i]);
		free(run);
		free(told);
	}
	free(json);
}

static void test_round_trips(void)
{
	test_round_trip(FAKE_COUNT, false, false);
	test_round_trip(FAKE_COUNT, false, true);
	test_round_trip(4, true, true);
	test_round_trip(0, true, false);
	fake_run.own_files = true;
	test_round_trip(FAKE_COUNT, false, false);
	fake_run.own_files = false;
}

/* Failures before the first step, without state, and without code. */
static void test_other_failures(void)
{
	struct result result = fake_result(1);
	struct run_end end = { 0 };

	result.have_state = false;
	result.step = -1;
	for (unsigned int i = 0; i < 2; i++) {
		note("a failure without %s is told as it was:", i ? "code" : "state");
		for (unsigned int j = 0; j < ARRAY_SIZE(formats); j++) {
			char *texts[2];
			enum status status;

			for (unsigned int k = 0; k < 2; k++) {
				int fd = memfd_create("report", MFD_CLOEXEC);
				struct report *report = report_new(k ? "json" : formats[j], fd,
								   false);

				report_begin(report, &fake_run);
				report_result(report, &result);
				report_end(report, &end);
				report_free(report);
				texts[k] = slurp(fd);
			}
			struct input input = { .texts = { texts[1] } };
			char *told = told_text(&input, formats[j], false, &status);

			ok_same(told, texts[0], formats[j]);
			free(told);
			free(texts[0]);
			free(texts[1]);
		}
		result.code_len = 0;
	}
	result_clear(&result);
}

/* On a terminal the line that is marked is strong, as where it is disassembled. */
static void test_paint(void)
{
	static const char *const code[] = { "    08000  90  nop", " -> 08001  f4  hlt" };
	const struct retold told = { .code = code, .ncode = 2 };
	const struct result result = { .instance = &fake_instances[0], .told = &told };
	struct strbuf sb = { 0 };

	sb_code(&sb, &result, 2, &paint_terminal);
	ok_text(sb.s, "      08000  90  nop\n\033[1m   -> 08001  f4  hlt\033[0m\n",
		"code that is told is painted");
	sb_free(&sb);
}

/* Fields that other versions add stay, and so does what they say of the whole run. */
static void test_unknown_fields(void)
{
	char *json = json_text();
	char *run = replace(json, "\"schema\":1,", "\"schema\":1,\"lab\":{\"cpu\":\"max\"},");
	char *result = replace(run, "\"ring\":0,", "\"ring\":0,\"hw\":[1,2],");
	char *text = replace(result, "\"status\":", "\"lost\":null,\"status\":");
	const struct input input = { .texts = { text } };
	enum status status;
	char *told = told_text(&input, "json", false, &status);

	ok_same(told, text, "what is not known is written as it was read");
	free(json);
	free(run);
	free(result);
	free(text);
	free(told);
}

/* What the command to run that instance again is. */
static void again_is(const struct input *input, const char *expected, const char *what)
{
	enum status status;
	char *told = told_text(input, "json", false, &status);
	char *line = line_of(told, 5);
	json_t *json = json_loads(line, 0, NULL);

	ok_text(json_string_value(json_object_get(json, "again")), expected, "%s", what);
	json_decref(json);
	free(line);
	free(told);
}

static void test_again(void)
{
	char *json = json_text(), *told, *other;
	struct input input = { .texts = { json }, .again = "ci/check svm -p" };
	enum status status;

	for (unsigned int i = 0; i < ARRAY_SIZE(formats); i++) {
		told = told_text(&input, formats[i], false, &status);
		ok_contains(told, "ci/check svm -p emulation/mov/load@prot32+mmio",
			    "%s: runs again by the prefix", formats[i]);
		ok(!strstr(told, "build/assay run"), "%s: and by nothing else", formats[i]);
		free(told);
	}
	again_is(&input, "ci/check svm -p emulation/mov/load@prot32+mmio", "a prefix and the name");
	fake_run.own_files = true;
	input.texts[0] = other = json_text();
	again_is(&input, "ci/check svm -p emulation/mov/load@prot32+mmio emulation/mov@prot32.elf",
		 "and a file of the user's");
	fake_run.own_files = false;
	free(other);
	fake_run.target = "/dev/assay 1";
	input.texts[0] = other = json_text();
	again_is(&input, "ci/check svm -p emulation/mov/load@prot32+mmio --on '/dev/assay 1'",
		 "and another target");
	fake_run.target = "/dev/kvm";
	free(other);
	free(json);
}

/* ---- parts of a run --------------------------------------------------------------- */

static void contains_all(const struct input *input, enum status expected, const char *what,
			 const char *const *parts)
{
	enum status status;
	char *told = told_text(input, "pretty", false, &status);

	ok_equal(status, expected, "%s: ends as it must", what);
	for (unsigned int i = 0; parts[i]; i++)
		ok_contains(told, parts[i], "%s: has part %u", what, i + 1);
	free(told);
}
#define contains(input, status, what, ...) \
	contains_all(input, status, what, (const char *const[]){ __VA_ARGS__, NULL })

/* Two shards, each a whole run of its own, with its own times. */
static void test_shards(void)
{
	static const char run[] = "\"instances\":6,\"suites\":{\"emulation\":3,\"io\":3}";
	static const char began[] = "\"started\":\"2023-11-14T22:13:20Z\"";
	static const char counts[] = "\"pass\":2,\"fail\":1,\"error\":1,\"skip\":1,\"deviation\":1";
	char *json = json_text(), *all = LINES(json, 1, 2, 4, 3, 5, 6, 7, 8);
	char *a = LINES(json, 1, 3, 5, 7, 8), *b = LINES(json, 1, 2, 4, 6, 8);
	char *a1 = replace(a, run, "\"instances\":3,\"suites\":{\"emulation\":3}");
	char *b1 = replace(b, run, "\"instances\":3,\"suites\":{\"io\":3}");
	char *a2 = replace(a1, counts,
			   "\"pass\":1,\"fail\":1,\"error\":0,\"skip\":1,\"deviation\":0");
	char *b2 = replace(b1, counts,
			   "\"pass\":1,\"fail\":0,\"error\":1,\"skip\":0,\"deviation\":1");
	char *a3 = replace(a2, began, "\"started\":\"2023-11-14T22:13:25Z\"");
	struct input input = { .texts = { a3, b2 } };
	enum status status;
	char *told = told_text(&input, "json", false, &status), *first = line_of(told, 1);
	char *whole = line_of(json, 1), *last = line_of(told, 8), *sum = line_of(json, 8);
	char *twice = replace(sum, "\"ns\":1234567890", "\"ns\":2469135780");

	ok_text(first, whole, "shards together announce the whole run, from its beginning");
	ok_text(last, twice, "and sum it up, times added");
	ok_contains(told, "+fep", "and have the results of the first");
	ok_contains(told, "+split", "and those of the second");
	contains(&input, STATUS_ERROR, "two shards", "assay ", ": 6 instances on /dev/kvm",
		 "6 instances in 2.47 s, 1 failed, 1 ended in an error\n");
	free(told);
	input = (struct input){ .texts = { all } };
	told = told_text(&input, "json", false, &status);
	ok_same(told, all, "results stay in their order");
	for (unsigned int i = 0; i < 14; i++)
		free((char *[]){ json, all, a, b, a1, b1, a2, b2, a3, told, first, whole, last,
				 sum }[i]);
	free(twice);
}

/* A lab died: its file has no summary, the driver adds a line, another lab runs the rest. */
static void test_cut(void)
{
	static const char run[] = "\"instances\":6,\"suites\":{\"emulation\":3,\"io\":3}";
	static const char counts[] = "\"pass\":2,\"fail\":1,\"error\":1,\"skip\":1,\"deviation\":1";
	char *json = json_text(), *a = LINES(json, 1, 2, 3, 4), *fep = line_of(json, 7);
	char *half = xasprintf("%s{\"type\":\"resu", a), *b = LINES(json, 1, 3, 5, 8), *whole;
	char *b1 = replace(b, run, "\"instances\":2,\"suites\":{\"emulation\":2}");
	char *b2 = replace(b1, counts,
			   "\"pass\":1,\"fail\":1,\"error\":0,\"skip\":0,\"deviation\":0");
	char *died = replace(fep, "\"outcome\":\"skip\",\"why\":\"the target takes no #UD as "
				  "\\\"prefix\\\" <force_emulation=0>\"",
			     "\"outcome\":\"fail\",\"why\":\"the lab died: kernel panic\"");
	struct input input = { .texts = { a } };

	contains(&input, STATUS_ERROR, "a run cut off", ": 6 instances",
		 "3 instances in 0.01 s, 3 did not run\n");
	input = (struct input){ .texts = { a }, .partial = true };
	contains(&input, STATUS_OK, "what there is of it", ": 3 instances",
		 "all as expected: 3 instances in 0.01 s\n");
	whole = replace(a, run, "\"instances\":3,\"suites\":{\"emulation\":1,\"io\":2}");
	input = (struct input){ .texts = { whole } };
	contains(&input, STATUS_ERROR, "a run that lacks nothing but its summary",
		 "all as expected: 3 instances in 0.01 s\n");
	free(whole);
	input = (struct input){ .texts = { half }, .partial = true };
	contains(&input, STATUS_OK, "half a line", "all as expected: 3 instances");
	input = (struct input){ .texts = { half } };
	contains(&input, STATUS_ERROR, "half a line", "3 instances in 0.01 s, 3 did not run\n");
	input = (struct input){ .texts = { half, died, b2 }, .partial = true };
	contains(&input, STATUS_FAIL, "a lab that died", ": 5 instances",
		 "FAIL emulation/mov/load@prot32+fep\n", "\n    emulation/mov.asm:9\n"
		 "    the lab died: kernel panic\n\n    again\n"
		 "        assay run emulation/mov/load@prot32+fep\n",
		 "5 instances in 1.25 s, 2 failed\n");
	input = (struct input){ .texts = { died, a }, .partial = true };
	contains(&input, STATUS_FAIL, "results before their run",
		 "4 instances in 0.01 s, 1 failed");
	input = (struct input){ .texts = { a, "" }, .partial = true };
	contains(&input, STATUS_OK, "an empty file", "all as expected: 3 instances");
	free(a);
	a = xasprintf("%s%s", half, "\n");
	input = (struct input){ .texts = { a }, .partial = true };
	contains(&input, STATUS_ERROR, "half a line in the middle", "refused: a.json:5: ");
	input = (struct input){ .texts = { json, "{\"type\":\"ran\"}" }, .partial = true };
	contains(&input, STATUS_ERROR, "a whole line at the end that is none",
		 "refused: b.json:1: there is no type \"ran\"");
	for (unsigned int i = 0; i < 8; i++)
		free((char *[]){ json, a, fep, half, b, b1, b2, died }[i]);
}

/* What there is of gaps; partial or not makes no difference to that. */
static void gaps_are(const char *const *texts, const char *expected, const char *what)
{
	struct reading *reading = reading_new();
	char *error = NULL;
	const char *gaps;

	for (; *texts; texts++)
		ok(reading_add(reading, "x.json", *texts, strlen(*texts), &error), "%s: is read",
		   what);
	gaps = reading_gaps(reading);
	ok_text(gaps ? gaps : "", expected, "%s", what);
	reading_free(reading);
}

static void test_gaps(void)
{
	char *json = json_text(), *cut = LINES(json, 1, 2, 3), *half = replace(cut, "ns\":1000000,"
			"\"runs\":2}\n", "ns\":1000");
	char *lost = LINES(json, 1, 2, 3, 4, 5, 6, 8), *both = xasprintf("%s%s", cut, json);
	char *open = xasprintf("%.*s", (int)strlen(json) - 1, json), *one = line_of(json, 2);

	gaps_are((const char *[]){ json, NULL }, "", "a whole run has no gap");
	gaps_are((const char *[]){ open, NULL }, "", "nor without its last newline");
	gaps_are((const char *[]){ json, one, NULL }, "", "nor do results alone");
	gaps_are((const char *[]){ cut, NULL }, "x.json:3: cut off: there is no summary\n",
		 "a run without summary has one");
	gaps_are((const char *[]){ half, NULL }, "x.json:3: cut off: this line is incomplete\n",
		 "half a line is one");
	gaps_are((const char *[]){ lost, NULL },
		 "x.json:7: lines are lost: the summary counts other results than there are\n",
		 "a line that was lost is one");
	gaps_are((const char *[]){ "", NULL }, "x.json:1: cut off: there is nothing in it\n",
		 "an empty file is one");
	gaps_are((const char *[]){ both, NULL }, "x.json:3: cut off: there is no summary\n",
		 "a run may follow one that was cut off");
	for (unsigned int i = 0; i < 7; i++)
		free((char *[]){ json, cut, half, lost, both, open, one }[i]);
}

static void test_doubles(void)
{
	char *json = json_text(), *one = line_of(json, 3);
	char *slower = replace(one, "\"ns\":1000000", "\"ns\":9000000");
	char *other = replace(one, "\"outcome\":\"pass\"", "\"outcome\":\"fail\"");
	struct input input = { .texts = { json, slower } };
	enum status status;
	char *told = told_text(&input, "json", false, &status);
	char *longer = replace(json, "\"ns\":1234567890", "\"ns\":1243567890");

	ok_same(told, longer, "a result that is there twice counts once, except for its time");
	free(told);
	input.texts[1] = json;
	told = told_text(&input, "tap", false, &status);
	ok_contains(told, "1..6\n", "so does a whole run");
	free(told);
	input.texts[1] = other;
	told = told_text(&input, "json", false, &status);
	ok_text(told, "refused: b.json:1: another result of emulation/mov/load@prot32 than that in "
		      "a.json:3", "two different results are refused");
	for (unsigned int i = 0; i < 6; i++)
		free((char *[]){ json, one, slower, other, longer, told }[i]);
}

/* ---- what is refused -------------------------------------------------------------- */

/* The texts must be refused with that message. */
static void refused(const struct input *input, const char *message)
{
	enum status status;
	char *told = told_text(input, "json", false, &status);
	char *expected = xasprintf("refused: %s", message);

	ok_text(told, expected, "refused: %s", message);
	free(expected);
	free(told);
}

static const struct {
	const char *from, *to, *message;	/* in a report with results 1, 3 and 4 */
} wrongs[] = {
	{ "{\"type\":\"run\"", "[", "a.json:1: unexpected token near ','" },
	{ "\"type\":\"run\"", "\"type\":\"ran\"",
	  "a.json:1: there is no type \"ran\": it is run, result or summary" },
	{ "\"type\":\"run\"", "\"type\":\"r\\u001b[31m\"",
	  "a.json:1: there is no type \"r?[31m\": it is run, result or summary" },
	{ "\"type\":\"run\"", "\"type\":1",
	  "a.json:1: no line of a report: it must be an object with a \"type\"" },
	{ "\"schema\":1", "\"schema\":2",
	  "a.json:1: it is of schema 2, and this program reads schema 1" },
	{ "\"schema\":1,", "", "a.json:1: the run has no \"schema\"" },
	{ "2023-11-14T", "yesterday", "a.json:1: \"started\" of the run must be a time like "
				      "\"2023-11-14T22:13:20Z\"" },
	{ ":20Z", ":20Z ", "a.json:1: \"started\" of the run must be a time like "
			   "\"2023-11-14T22:13:20Z\"" },
	{ "\"instances\":6", "\"instances\":7",
	  "a.json:1: \"suites\" of the run count 6 instances, \"instances\" 7" },
	{ "\"instances\":6", "\"instances\":-6",
	  "a.json:1: \"instances\" of the run must be from 0 to 4294967295" },
	{ "\"io\":3}", "\"io/out\":3}", "a.json:1: \"io/out\" is no name of a suite" },
	{ "\"io\":3}", "\"io\":1,\"x\":2}",
	  "a.json:1: of suite io 1 instances are announced, and there are 2 results" },
	{ "\"io\":3}", "\"io\":\"3\"}", "a.json:1: \"io\" of \"suites\" must be a whole number" },
	{ "\"instances\":6,\"suites\":{\"emulation\":3",
	  "\"instances\":2147483651,\"suites\":{\"emulation\":2147483648",
	  "a.json:1: of suite emulation 2147483648 instances are announced, and there are 1 "
	  "results" },
	{ "\"host\":{", "\"host\":1,\"x\":{", "a.json:1: \"host\" of the run must be an object" },
	{ "\"family\":6", "\"family\":null",
	  "a.json:1: \"family\" of the host must be a whole number" },
	{ "GenuineIntel", "GenuineIntelOrSo",
	  "a.json:1: \"vendor\" of the host is longer than 15 bytes" },
	{ "\"kvm_amd.npt\":\"1\"", "\"kvm_amd.npt\":1",
	  "a.json:1: \"parameters\" of the host must hold nothing but strings" },
	{ "\"name\":\"io", "\"name\":\"oi",
	  "a.json:2: \"name\" of the result must begin with its \"suite\"" },
	{ "\"name\":\"io", "\"name\":null,\"x\":\"",
	  "a.json:2: \"name\" of the result must be a string" },
	{ "\"mode\":\"long64\"", "\"mode\":\"long65\"",
	  "a.json:2: \"mode\" of the result is \"long65\", which means nothing here" },
	{ "\"ring\":0", "\"ring\":1", "a.json:2: \"ring\" of the result must be 0 or 3" },
	{ "\"irqchip\":\"user\"", "\"irqchip\":\"unknown irqchip\"",
	  "a.json:2: \"irqchip\" of the result is \"unknown irqchip\", which means nothing here" },
	{ "\"path\":\"native\"", "\"path\":\"nature\"",
	  "a.json:2: \"path\" of the result is \"nature\", which means nothing here" },
	{ "\"restore\":false", "\"restore\":0",
	  "a.json:2: \"restore\" of the result must be true or false" },
	{ "\"refs\":[\"SDM 2 OUT\",", "\"refs\":[2,",
	  "a.json:2: \"refs\" of the result must hold nothing but strings" },
	{ "\"source\":\"io/out.asm\"", "\"source\":\"asm\"",
	  "a.json:2: \"source\" of the result must end in \".asm\"" },
	{ "\"outcome\":\"deviation\"", "\"outcome\":\"derivation\"",
	  "a.json:2: \"outcome\" of the result is \"derivation\", which means nothing here" },
	{ "\"outcome\":\"deviation\"", "\"outcome\":\"fail\"",
	  "a.json:2: \"deviation\" does not fit the outcome: it belongs to a deviation, or to a "
	  "pass if it is gone" },
	{ "\"gone\":false", "\"gone\":true",
	  "a.json:2: \"deviation\" does not fit the outcome: it belongs to a deviation, or to a "
	  "pass if it is gone" },
	{ "\"deviation\":{\"reason\"", "\"x\":{\"reason\"",
	  "a.json:2: the result is a deviation, but has no \"deviation\"" },
	{ "\"ref\":", "\"fer\":", "a.json:2: the deviation has no \"ref\"" },
	{ "\"why\":\"rax", "\"why\":3,\"x\":\"",
	  "a.json:2: \"why\" of the result must be a string or null" },
	{ "\"ns\":4000000", "\"ns\":-1",
	  "a.json:2: \"ns\" of the result must be from 0 to 9223372036854775807" },
	{ "\"step\":1", "\"step\":0",
	  "a.json:2: \"step_text\" of the result must be null if, and only if, \"step\" is 0" },
	{ "\"differences\":[", "\"differences\":[3,",
	  "a.json:2: an entry of \"differences\" must be an object" },
	{ "\"expected\":\"0x1122334455667741\",", "",
	  "a.json:2: an entry of \"differences\" has no \"expected\"" },
	{ "\"number\":4", "\"number\":0",
	  "a.json:2: \"exits\" must be numbered from 1, without gaps" },
	{ "{\"number\":4,\"reason\":2,\"errno\":null,\"rip\":\"0x8002\","
	  "\"text\":\"io_out port=0x10 size=1 data=41\"},{\"number\":5", "{\"number\":0",
	  "a.json:2: \"exits\" must be numbered from 1, without gaps" },
	{ "\"number\":5", "\"number\":6",
	  "a.json:2: \"exits\" must be numbered from 1, without gaps" },
	{ "\"reason\":2", "\"reason\":\"2\"",
	  "a.json:2: \"reason\" of an entry of \"exits\" must be a whole number or null" },
	{ "\"rip\":\"0x8002\"", "\"rip\":\"0x800g\"",
	  "a.json:2: \"rip\" of an entry of \"exits\" must be a number like \"0x8004\"" },
	{ "\"rip\":\"0x8002\"", "\"rip\":\"0x\"",
	  "a.json:2: \"rip\" of an entry of \"exits\" must be a number like \"0x8004\"" },
	{ "\"hw_exits\":[", "\"hw_exits\":3,\"x\":[",
	  "a.json:2: \"hw_exits\" of the result must be a list or null" },
	{ "\"isa\":2", "\"isa\":\"svm\"",
	  "a.json:2: \"isa\" of an entry of \"hw_exits\" must be a whole number" },
	{ "\"reason\":1024", "\"reason\":4294967296",
	  "a.json:2: \"reason\" of an entry of \"hw_exits\" must be from 0 to 4294967295" },
	{ "\"info2\":\"0xe000\",", "",
	  "a.json:2: an entry of \"hw_exits\" has no \"info2\"" },
	{ "\"state\":{", "\"state\":[],\"x\":{",
	  "a.json:2: \"state\" of the result must be an object or null" },
	{ "\"disassembly\":[", "\"disassembly\":[null,",
	  "a.json:2: \"disassembly\" of the result must hold nothing but strings" },
	{ "\"again\":\"", "\"again\":1,\"x\":\"",
	  "a.json:2: \"again\" of the result must be a string or null" },
	{ "\"name\"", "\"name\":\"\",\"name\"",
	  "a.json:2: duplicate object key near '\"name\"'" },
	{ "\"pass\":2", "\"passed\":2", "a.json:5: the summary has no \"pass\"" },
	{ "\"interrupted\":false", "\"interrupted\":null",
	  "a.json:5: \"interrupted\" of the summary must be true or false" },
	{ "\n{\"type\":\"summary\"", "\n\n{\"type\":\"summary\"",
	  "a.json:5: '[' or '{' expected near end of file" },
	{ "{\"type\":\"run\"", "{\"type\":\"summary\"", "a.json:1: a summary, but of no run" },
};

static void test_wrongs(void)
{
	char *json = json_text(), *good = LINES(json, 1, 2, 4, 5, 8);
	struct input input = { 0 };

	for (unsigned int i = 0; i < ARRAY_SIZE(wrongs); i++) {
		char *text = replace(good, wrongs[i].from, wrongs[i].to);

		input.texts[0] = text;
		refused(&input, wrongs[i].message);
		free(text);
	}
	free(json);
	free(good);
}

/* A list of n times the entry that the text begins with. */
static char *longer(const char *text, const char *list, unsigned int n)
{
	const char *at = strstr(text, list) + strlen(list);
	size_t entry = strcspn(at, "}") + 1;
	struct strbuf sb = { 0 };

	sb_printf(&sb, "%.*s", (int)(at - text), text);
	while (n--)
		sb_printf(&sb, "%.*s,", (int)entry, at);
	sb_printf(&sb, "%s", at);
	return sb.s;
}

static void test_too_much(void)
{
	char *json = json_text();
	char *a = longer(json, "\"differences\":[", DIFFERENCES_MAX - 1);	/* there are two */
	char *b = longer(json, "\"exits\":[", EXITS_MAX - 1);
	char *c = longer(json, "\"differences\":[", DIFFERENCES_MAX - 2);
	char *d = longer(json, "\"hw_exits\":[", HWEXITS_KEPT - 2);	/* there are three */
	struct input input = { .texts = { c } };
	enum status status;
	char *told = told_text(&input, "json", false, &status);

	ok_same(told, c, "as many differences as a result can have");
	input.texts[0] = a;
	refused(&input, "a.json:2: \"differences\" has more than 24 entries");
	input.texts[0] = b;
	refused(&input, "a.json:2: \"exits\" has more than 16 entries");
	input.texts[0] = d;
	refused(&input, "a.json:2: \"hw_exits\" has more than 32 entries");
	for (unsigned int i = 0; i < 6; i++)
		free((char *[]){ json, a, b, c, d, told }[i]);
}

static void test_other_runs(void)
{
	char *json = json_text(), *one = line_of(json, 2), *after = xasprintf("%s%s", json, one);
	char *kernel = replace(json, "\"kernel\":\"6.12.33\"", "\"kernel\":\"6.1.0\"");
	char *more = replace(json, "\"stepping\":8", "\"stepping\":8,\"cache\":1");
	char *target = replace(json, "/dev/kvm", "/dev/assay");
	struct input input = { .texts = { json, kernel } };

	refused(&input, "b.json:1: another run than that of a.json:1: \"kernel\" is \"6.1.0\", not "
			"\"6.12.33\"");
	input.texts[1] = target;
	refused(&input, "b.json:1: another run than that of a.json:1: \"target\" is "
			"\"/dev/assay\", not \"/dev/kvm\"");
	input = (struct input){ .texts = { more, json } };
	refused(&input, "b.json:1: another run than that of a.json:1: \"cache\" is nothing, not 1");
	input = (struct input){ .texts = { json, more } };
	contains(&input, STATUS_ERROR, "another host that says more",
		 "refused: b.json:1: another run than that of a.json:1: \"host\" is {");
	input = (struct input){ .texts = { after } };
	refused(&input, "a.json:9: after the summary only another run may follow");
	input = (struct input){ .texts = { one, "" } };
	refused(&input, "there is no line of type \"run\": b.json:1: cut off: there is nothing in "
			"it");
	input = (struct input){ .texts = { one } };
	refused(&input, "there is no line of type \"run\"");
	for (unsigned int i = 0; i < 6; i++)
		free((char *[]){ json, one, after, kernel, more, target }[i]);
}

/*
 * Every byte changed and every length: the reader must come to an end, with a report
 * or with one line that names the file. What it wrote of a report must not be empty.
 */
static void test_mutations(void)
{
	char *json = json_text(), *text = LINES(json, 1, 2, 6, 8);
	size_t len = strlen(text);
	struct input input = { .texts = { text }, .partial = true };
	unsigned int wrong = 0, read = 0;

	for (size_t i = 0; i < 2 * len; i++) {
		char old = text[i / 2], *told;
		enum status status;

		text[i / 2] = i % 2 ? '\0' : (char)(old ^ (1 << i / 2 % 7));
		told = told_text(&input, "pretty", false, &status);
		if (!strncmp(told, "refused: ", 9))
			wrong += strchr(told, '\n') || !strstr(told, "a.json:");
		else
			read++;
		wrong += !*told;
		text[i / 2] = old;
		free(told);
	}
	ok(wrong == 0, "however a report is changed, it is read or refused");
	ok(read > len / 4, "and much can be changed: %u of %zu", read, 2 * len);
	free(json);
	free(text);
}

int main(void)
{
	fake_world();
	test_round_trips();
	test_other_failures();
	test_paint();
	test_unknown_fields();
	test_again();
	test_shards();
	test_cut();
	test_gaps();
	test_doubles();
	test_wrongs();
	test_too_much();
	test_other_runs();
	test_mutations();
	return tap_done();
}

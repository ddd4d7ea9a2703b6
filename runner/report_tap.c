// SPDX-License-Identifier: GPL-2.0-only
/*
 * TAP version 13 (testanything.org), the newest that prove(1) reads: one test
 * point an instance, in the order they end, with a YAML block after those that did
 * not go as they should. A known deviation is a TODO that is not ok; one that no
 * longer happens is a TODO that is ok, which TAP consumers report.
 */
#include <stdlib.h>
#include <string.h>

#include "report_parts.h"

static void tap_begin(struct report *report)
{
	struct strbuf sb = { 0 };

	sb_printf(&sb, "TAP version 13\n1..%u\n# assay %s on %s: ", report->run->count,
		  run_version(report->run), report->run->target);
	sb_host(&sb, report->run);
	sb_printf(&sb, "\n");
	report_write(report, &sb);
	sb_free(&sb);
}

/* In a description '#' begins a directive and '\' escapes. */
static void sb_description(struct strbuf *sb, const char *name)
{
	char *clean = clean_text(name, false);

	for (const char *s = clean; *s; s++) {
		if (*s == '#' || *s == '\\')
			sb_printf(sb, "\\");
		sb_add(sb, s, 1);
	}
	free(clean);
}

/* A JSON string is a double-quoted YAML scalar (YAML 1.2, 1.3). */
static void sb_yaml_string(struct strbuf *sb, const char *text)
{
	json_t *json = json_clean(text);
	char *quoted = json_dumps(json, JSON_ENCODE_ANY);

	sb_printf(sb, "%s", quoted);
	free(quoted);
	json_decref(json);
}

static void sb_yaml(struct strbuf *sb, const char *key, const char *text)
{
	if (!text)
		return;
	sb_printf(sb, "  %s: ", key);
	sb_yaml_string(sb, text);
	sb_printf(sb, "\n");
}

static void sb_yaml_differences(struct strbuf *sb, const struct result *result)
{
	if (!result->ndifferences)
		return;
	sb_printf(sb, "  differences:\n");
	for (unsigned int i = 0; i < result->ndifferences; i++) {
		const struct difference *d = &result->differences[i];

		sb_printf(sb, "    - what: ");
		sb_yaml_string(sb, d->what);
		sb_printf(sb, "\n      expected: ");
		sb_yaml_string(sb, d->expected);
		sb_printf(sb, "\n      observed: ");
		sb_yaml_string(sb, d->observed);
		sb_printf(sb, "\n");
	}
}

/* A list of lines. A literal block would be shorter, but prove(1) cannot read it. */
static void sb_yaml_lines(struct strbuf *sb, const char *key, struct strbuf *text)
{
	char *rest = text->s;

	if (text->len)
		sb_printf(sb, "  %s:\n", key);
	while (rest && *rest) {
		sb_printf(sb, "    - ");
		sb_yaml_string(sb, strsep(&rest, "\n"));
		sb_printf(sb, "\n");
	}
	sb_free(text);
}

static void sb_diagnostics(struct strbuf *sb, const struct run_info *run,
			   const struct result *result)
{
	struct strbuf code = { 0 }, exits = { 0 }, hw = { 0 }, again = { 0 };
	char *source = source_name(result->instance->tc->image);

	sb_printf(sb, "  ---\n");
	sb_yaml(sb, "outcome", outcome_name(result->outcome));
	sb_yaml(sb, "message", result->why);
	sb_yaml(sb, "shows", result->instance->tc->text);
	sb_yaml(sb, "source", source);
	sb_printf(sb, "  line: %u\n  step: %d\n", result_line(result), result->step + 1);
	sb_yaml(sb, "deviation", result->deviation_reason);
	sb_yaml(sb, "reference", result->deviation_ref);
	sb_yaml_differences(sb, result);
	sb_code(&code, result, 0, &paint_none);
	sb_yaml_lines(sb, "code", &code);
	sb_exits(&exits, result, 0);
	sb_yaml_lines(sb, "exits", &exits);
	sb_hw_exits(&hw, result, 0);
	sb_yaml_lines(sb, "hw_exits", &hw);
	sb_rerun(&again, run, result);
	sb_yaml(sb, "again", again.s);
	sb_printf(sb, "  ...\n");
	sb_free(&again);
	free(source);
}

static void sb_directive(struct strbuf *sb, const char *directive, const char *reason,
			 const char *ref)
{
	sb_printf(sb, " # %s ", directive);
	sb_clean(sb, reason);
	if (ref) {
		sb_printf(sb, " [");
		sb_clean(sb, ref);
		sb_printf(sb, "]");
	}
}

static void tap_result(struct report *report, const struct result *result,
		       struct suite_count *suite)
{
	bool ok = result->outcome == OUTCOME_PASS || result->outcome == OUTCOME_SKIP;
	struct strbuf sb = { 0 };

	(void)suite;
	sb_printf(&sb, "%s %u - ", ok ? "ok" : "not ok", report->seen);
	sb_description(&sb, result->instance->name);
	if (result->outcome == OUTCOME_SKIP)
		sb_directive(&sb, "SKIP", result->why ? result->why : "", NULL);
	else if (result->outcome == OUTCOME_DEVIATION || result->deviation_gone)
		sb_directive(&sb, "TODO", result->deviation_reason, result->deviation_ref);
	sb_printf(&sb, "\n");
	if (result_explains(result))
		sb_diagnostics(&sb, report->run, result);
	if (report->verbose)
		sb_printf(&sb, "# time %.3f ms\n", result->ns / 1e6);
	report_write(report, &sb);
	sb_free(&sb);
}

static void tap_end(struct report *report, const struct run_end *end)
{
	struct strbuf sb = { 0 };

	for (unsigned int i = 0; i < report->nsuites; i++) {
		const struct suite_count *suite = &report->suites[i];

		sb_printf(&sb, "# ");
		sb_clean(&sb, suite->name);
		for (unsigned int j = 0; j < OUTCOME_COUNT; j++)
			sb_printf(&sb, "%s %s %u", j ? "," : ":", outcome_name(j),
				  suite->counts[j]);
		sb_printf(&sb, "\n");
	}
	if (report->seen < report->run->count)
		sb_printf(&sb, "Bail out! %s after %u of %u instances\n",
			  report_cut_short(end) ? report_cut_short(end) : "ended", report->seen,
			  report->run->count);
	report_write(report, &sb);
	sb_free(&sb);
}

const struct report_ops report_tap = {
	.name = "tap",
	.begin = tap_begin,
	.result = tap_result,
	.end = tap_end,
};

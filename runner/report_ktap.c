// SPDX-License-Identifier: GPL-2.0-only
/*
 * KTAP version 1 (Documentation/dev-tools/ktap.rst of the kernel): one test a
 * suite, in it one subtest an instance. A suite's subtests must stand together,
 * so each suite is written when the last of its instances has ended.
 */
#include <stdlib.h>
#include <string.h>

#include "report_parts.h"

static void ktap_begin(struct report *report)
{
	struct strbuf sb = { 0 };

	sb_printf(&sb, "KTAP version 1\n1..%u\n# assay %s on %s: ", report->nsuites,
		  run_version(report->run), report->run->target);
	sb_host(&sb, report->run);
	sb_printf(&sb, "\n");
	report->own = xcalloc(1, sizeof(unsigned int));	/* suites written */
	report_write(report, &sb);
	sb_free(&sb);
}

/* A description must not hold '#', which begins the directive. */
static void sb_description(struct strbuf *sb, const char *name)
{
	size_t start = sb->len;

	sb_clean(sb, name);
	for (size_t i = start; i < sb->len; i++) {
		if (sb->s[i] == '#')
			sb->s[i] = '?';
	}
}

static void sb_directive(struct strbuf *sb, const struct result *result)
{
	if (result->outcome == OUTCOME_SKIP)
		sb_printf(sb, " # SKIP ");
	else if (result->outcome == OUTCOME_ERROR)
		sb_printf(sb, " # ERROR ");
	else if (result->outcome == OUTCOME_DEVIATION)
		sb_printf(sb, " # XFAIL ");
	else if (result->deviation_gone)
		sb_printf(sb, " # recorded deviation no longer happens: ");
	else if (result->why)
		sb_printf(sb, " # ");
	if (result->deviation_reason)
		sb_clean(sb, result->deviation_reason);
	else if (result->why)
		sb_clean(sb, result->why);
	if (result->deviation_ref) {
		sb_printf(sb, " [");
		sb_clean(sb, result->deviation_ref);
		sb_printf(sb, "]");
	}
}

static void write_suite(struct report *report, const struct suite_count *suite)
{
	bool failed = suite->counts[OUTCOME_FAIL] || suite->counts[OUTCOME_ERROR];
	bool skipped = suite->counts[OUTCOME_SKIP] == suite->seen;
	unsigned int *written = report->own;
	struct strbuf sb = { 0 };

	if (suite->seen) {
		sb_printf(&sb, "  KTAP version 1\n  1..%u\n", suite->seen);
		sb_add(&sb, suite->text.s, suite->text.len);
	}
	if (suite->seen < suite->planned)
		sb_printf(&sb, "# %u of %u instances ran\n", suite->seen, suite->planned);
	sb_printf(&sb, "%s %u ", failed ? "not ok" : "ok", ++*written);
	sb_description(&sb, suite->name);
	if (!suite->seen)
		sb_printf(&sb, " # SKIP did not run");
	else if (skipped)
		sb_printf(&sb, " # SKIP all of it was skipped");
	sb_printf(&sb, "\n");
	report_write(report, &sb);
	sb_free(&sb);
}

static void ktap_result(struct report *report, const struct result *result,
			struct suite_count *suite)
{
	bool ok = result->outcome != OUTCOME_FAIL && result->outcome != OUTCOME_ERROR;
	struct strbuf *sb = &suite->text;

	if (!ok) {
		struct strbuf text = { 0 };

		sb_failure(&text, report->run, result, &paint_none);
		sb_printf(sb, "  # ");
		sb_clean(sb, result->instance->name);
		sb_printf(sb, ": %s\n", outcome_name(result->outcome));
		sb_prefixed(sb, "  # ", text.s);
		sb_free(&text);
	}
	sb_printf(sb, "  %s %u ", ok ? "ok" : "not ok", suite->seen);
	sb_description(sb, result->instance->name);
	sb_directive(sb, result);
	sb_printf(sb, "\n");
	if (suite->seen == suite->planned)
		write_suite(report, suite);
}

static void ktap_end(struct report *report, const struct run_end *end)
{
	struct strbuf sb = { 0 };

	for (unsigned int i = 0; i < report->nsuites; i++) {
		if (report->suites[i].seen < report->suites[i].planned)
			write_suite(report, &report->suites[i]);
	}
	sb_printf(&sb, "#");
	for (unsigned int i = 0; i < OUTCOME_COUNT; i++)
		sb_printf(&sb, " %s:%u", outcome_name(i), report->counts[i]);
	sb_printf(&sb, " total:%u%s%s\n", report->seen, report_cut_short(end) ? " " : "",
		  report_cut_short(end) ? report_cut_short(end) : "");
	report_write(report, &sb);
	sb_free(&sb);
}

static void ktap_free(struct report *report)
{
	free(report->own);
}

const struct report_ops report_ktap = {
	.name = "ktap",
	.begin = ktap_begin,
	.result = ktap_result,
	.end = ktap_end,
	.free = ktap_free,
};

// SPDX-License-Identifier: GPL-2.0-only
/*
 * JUnit XML, as Jenkins, GitLab and pytest read it: one testsuite a suite, written
 * at the end because its counts come first. A known deviation is a skipped test
 * with its reason; fail and error are failure and error.
 */
#include <stdlib.h>
#include <string.h>

#include "report_parts.h"

static void junit_begin(struct report *report)
{
	(void)report;
}

/* Text as content or attribute value (XML 1.0, 2.4), control characters replaced. */
static void sb_xml(struct strbuf *sb, const char *text, bool keep_lines)
{
	char *clean = clean_text(text, keep_lines);

	for (const char *s = clean; *s; s++) {
		switch (*s) {
		case '&':
			sb_printf(sb, "&amp;");
			break;
		case '<':
			sb_printf(sb, "&lt;");
			break;
		case '>':
			sb_printf(sb, "&gt;");
			break;
		case '"':
			sb_printf(sb, "&quot;");
			break;
		default:
			sb_add(sb, s, 1);
		}
	}
	free(clean);
}

static void sb_attribute(struct strbuf *sb, const char *name, const char *value)
{
	sb_printf(sb, " %s=\"", name);
	sb_xml(sb, value, false);
	sb_printf(sb, "\"");
}

/* "io.out" of "io/out/imm8_al@long64"; the rest is the test's name. */
static const char *split_name(const char *name, char **class)
{
	size_t end = strcspn(name, "@");

	while (end && name[end] != '/')
		end--;
	*class = xasprintf("%.*s", (int)end, name);
	for (char *s = *class; *s; s++) {
		if (*s == '/')
			*s = '.';
	}
	return end ? name + end + 1 : name;
}

/* <failure> or <error> with the whole text; the message is its one line. */
static void sb_fault(struct strbuf *sb, const struct run_info *run, const struct result *result)
{
	const char *element = result->outcome == OUTCOME_FAIL ? "failure" : "error";
	struct strbuf text = { 0 };

	sb_failure(&text, run, result, &paint_none);
	sb_printf(sb, "<%s", element);
	sb_attribute(sb, "type", outcome_name(result->outcome));
	sb_attribute(sb, "message", result->why ? result->why : "");
	sb_printf(sb, ">");
	sb_xml(sb, text.s, true);
	sb_printf(sb, "</%s>", element);
	sb_free(&text);
}

static void sb_skipped(struct strbuf *sb, const char *message)
{
	sb_printf(sb, "<skipped");
	sb_attribute(sb, "message", message);
	sb_printf(sb, "/>");
}

static void sb_output(struct strbuf *sb, const char *text)
{
	sb_printf(sb, "<system-out>");
	sb_xml(sb, text, true);
	sb_printf(sb, "</system-out>");
}

static void sb_deviation(struct strbuf *sb, const struct run_info *run,
			 const struct result *result)
{
	char *message = xasprintf("known deviation: %s [%s]", result->deviation_reason,
				  result->deviation_ref);
	struct strbuf text = { 0 };

	sb_skipped(sb, message);
	if (result_explains(result)) {
		sb_failure(&text, run, result, &paint_none);
		sb_output(sb, text.s);
	}
	sb_free(&text);
	free(message);
}

static void junit_result(struct report *report, const struct result *result,
			 struct suite_count *suite)
{
	struct strbuf *sb = &suite->text;
	char *class, *text;
	const char *name = split_name(result->instance->name, &class);

	sb_printf(sb, "    <testcase");
	sb_attribute(sb, "classname", class);
	sb_attribute(sb, "name", name);
	sb_printf(sb, " time=\"%.6f\">", result->ns / 1e9);
	if (result->outcome == OUTCOME_FAIL || result->outcome == OUTCOME_ERROR) {
		sb_fault(sb, report->run, result);
	} else if (result->outcome == OUTCOME_SKIP) {
		sb_skipped(sb, result->why ? result->why : "");
	} else if (result->outcome == OUTCOME_DEVIATION) {
		sb_deviation(sb, report->run, result);
	} else if (result->deviation_gone) {
		text = xasprintf("recorded deviation no longer happens: %s [%s]",
				 result->deviation_reason, result->deviation_ref);
		sb_output(sb, text);
		free(text);
	}
	sb_printf(sb, "</testcase>\n");
	free(class);
}

static void sb_property(struct strbuf *sb, const char *name, const char *value)
{
	sb_printf(sb, "      <property");
	sb_attribute(sb, "name", name);
	sb_attribute(sb, "value", value);
	sb_printf(sb, "/>\n");
}

static void sb_properties(struct strbuf *sb, const struct run_info *run)
{
	const struct host *host = run->host;
	char *model = xasprintf("%u/%u/%u", host->family, host->model, host->stepping);

	sb_printf(sb, "    <properties>\n");
	sb_property(sb, "assay", run_version(run));
	sb_property(sb, "target", run->target);
	sb_property(sb, "cpu", host->cpu);
	sb_property(sb, "vendor", host->vendor);
	sb_property(sb, "family/model/stepping", model);
	sb_property(sb, "microcode", host->microcode);
	sb_property(sb, "kernel", host->kernel);
	sb_property(sb, "machine", host->machine);
	sb_property(sb, "machine_version", host->machine_version);
	sb_property(sb, "hypervisor", host->hypervisor);
	sb_property(sb, "version", host->version);
	sb_property(sb, "parameters", host->parameters ? host->parameters : "");
	sb_printf(sb, "    </properties>\n");
	free(model);
}

static void sb_counts(struct strbuf *sb, const unsigned int counts[OUTCOME_COUNT],
		      unsigned int seen, u64 ns)
{
	sb_printf(sb, " tests=\"%u\" failures=\"%u\" errors=\"%u\" skipped=\"%u\" time=\"%.6f\"",
		  seen, counts[OUTCOME_FAIL], counts[OUTCOME_ERROR],
		  counts[OUTCOME_SKIP] + counts[OUTCOME_DEVIATION], ns / 1e9);
}

static void junit_end(struct report *report, const struct run_end *end)
{
	struct strbuf sb = { 0 };
	char when[32];
	struct tm tm;

	gmtime_r(&report->run->started, &tm);
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &tm);
	sb_printf(&sb, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"assay\"");
	sb_counts(&sb, report->counts, report->seen, end->ns);
	sb_printf(&sb, ">\n");
	for (unsigned int i = 0; i < report->nsuites; i++) {
		const struct suite_count *suite = &report->suites[i];

		sb_printf(&sb, "  <testsuite");
		sb_attribute(&sb, "name", suite->name);
		sb_counts(&sb, suite->counts, suite->seen, suite->ns);
		sb_attribute(&sb, "timestamp", when);
		sb_printf(&sb, ">\n");
		sb_properties(&sb, report->run);
		if (suite->text.len)
			sb_add(&sb, suite->text.s, suite->text.len);
		if (suite->seen < suite->planned)
			sb_printf(&sb, "    <system-err>%u of %u instances ran%s%s</system-err>\n",
				  suite->seen, suite->planned, report_cut_short(end) ? ": " : "",
				  report_cut_short(end) ? report_cut_short(end) : "");
		sb_printf(&sb, "  </testsuite>\n");
	}
	sb_printf(&sb, "</testsuites>\n");
	report_write(report, &sb);
	sb_free(&sb);
}

const struct report_ops report_junit = {
	.name = "junit",
	.begin = junit_begin,
	.result = junit_result,
	.end = junit_end,
};

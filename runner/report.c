// SPDX-License-Identifier: GPL-2.0-only
/* What every report does: choose the format, count, write, and give a verdict. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "report_parts.h"

#ifndef ASSAY_VERSION
#define ASSAY_VERSION "unversioned"	/* built by hand, without the Makefile */
#endif

const char assay_version[] = ASSAY_VERSION;

static const struct report_ops *const formats[] = {
	&report_pretty, &report_tap, &report_ktap, &report_junit, &report_json,
};

const char *report_formats(void)
{
	return "pretty, tap, ktap, junit, json";
}

struct report *report_new(const char *format, int fd, bool verbose)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(formats); i++) {
		struct report *report;

		if (strcmp(formats[i]->name, format))
			continue;
		report = xcalloc(1, sizeof(*report));
		report->ops = formats[i];
		report->fd = fd;
		report->verbose = verbose;
		signal(SIGPIPE, SIG_IGN);
		return report;
	}
	return NULL;
}

const char *run_version(const struct run_info *run)
{
	return run->assay ? run->assay : assay_version;
}

static struct suite_count *suite_of(struct report *report, const char *name)
{
	size_t len = strcspn(name, "/@");
	struct suite_count *suite;

	for (unsigned int i = 0; i < report->nsuites; i++) {
		suite = &report->suites[i];
		if (strlen(suite->name) == len && !memcmp(suite->name, name, len))
			return suite;
	}
	report->suites = xrealloc(report->suites, (report->nsuites + 1) * sizeof(*suite));
	suite = &report->suites[report->nsuites++];
	memset(suite, 0, sizeof(*suite));
	suite->name = xasprintf("%.*s", (int)len, name);
	return suite;
}

void report_begin(struct report *report, const struct run_info *run)
{
	json_t *told = json_object_get(run->told, "suites"), *count;
	const char *suite;

	report->run = run;
	json_object_foreach(told, suite, count)
		suite_of(report, suite)->planned = (unsigned int)json_integer_value(count);
	for (unsigned int i = 0; i < run->count && !told; i++)
		suite_of(report, run->instances[i].name)->planned++;
	report->ops->begin(report);
}

void report_result(struct report *report, const struct result *result)
{
	struct suite_count *suite = suite_of(report, result->instance->name);

	suite->seen++;
	suite->counts[result->outcome]++;
	suite->ns += result->ns;
	report->seen++;
	report->counts[result->outcome]++;
	report->gone += result->deviation_gone;
	report->ops->result(report, result, suite);
}

bool report_broken(const struct report *report)
{
	return report->broken;
}

enum status report_verdict(const struct report *report)
{
	bool missing = report->seen != report->run->count && !report->stopped;

	if (report->broken || report->counts[OUTCOME_ERROR] || missing)
		return STATUS_ERROR;
	return report->counts[OUTCOME_FAIL] ? STATUS_FAIL : STATUS_OK;
}

const char *report_cut_short(const struct run_end *end)
{
	return end->interrupted ? "interrupted" : end->stopped;
}

enum status report_end(struct report *report, const struct run_end *end)
{
	report->stopped = end->stopped;
	report->ops->end(report, end);
	return report_verdict(report);
}

void report_free(struct report *report)
{
	if (!report)
		return;
	if (report->ops->free)
		report->ops->free(report);
	for (unsigned int i = 0; i < report->nsuites; i++) {
		free(report->suites[i].name);
		sb_free(&report->suites[i].text);
	}
	free(report->suites);
	free(report);
}

void report_write(struct report *report, struct strbuf *text)
{
	size_t done = 0;

	while (!report->broken && done < text->len) {
		ssize_t n = write(report->fd, text->s + done, text->len - done);

		if (n > 0) {
			done += n;
		} else if (n < 0 && errno != EINTR) {
			complain("cannot write the report: %s; the run is incomplete",
				 strerror(errno));
			report->broken = true;
		}
	}
	text->len = 0;
}

bool result_explains(const struct result *result)
{
	bool went_on = result->tolerated && result->step < 0;

	return result->outcome == OUTCOME_FAIL || result->outcome == OUTCOME_ERROR ||
	       (result->outcome == OUTCOME_DEVIATION && !went_on);
}

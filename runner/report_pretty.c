// SPDX-License-Identifier: GPL-2.0-only
/*
 * The report for people: failures in full as they come, then a summary. On a
 * terminal it has colours and one status line that moves; in a pipe neither.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "report_parts.h"

#define STATUS_INTERVAL 50000000ull	/* ns between two updates of the status line */
#define SLOWEST 10
#define ERASE "\r\033[K"

struct group {			/* results that share a reason */
	char *reason, *ref;
	unsigned int count;
};

struct groups {
	struct group *list;
	unsigned int count;
};

struct slow {
	char *name;
	u64 ns;
};

struct pretty {
	const struct paint *paint;
	bool terminal;
	bool status_shown;
	u64 status_at;
	struct groups skips, deviations, gone, unchecked;
	struct slow slowest[SLOWEST];	/* the slowest first */
};

static void group_add(struct groups *groups, const char *reason, const char *ref)
{
	struct group *group;

	for (unsigned int i = 0; i < groups->count; i++) {
		group = &groups->list[i];
		if (!strcmp(group->reason, reason) && !strcmp(group->ref, ref)) {
			group->count++;
			return;
		}
	}
	groups->list = xrealloc(groups->list, (groups->count + 1) * sizeof(*group));
	groups->list[groups->count++] = (struct group){ xstrdup(reason), xstrdup(ref), 1 };
}

static void groups_free(struct groups *groups)
{
	for (unsigned int i = 0; i < groups->count; i++) {
		free(groups->list[i].reason);
		free(groups->list[i].ref);
	}
	free(groups->list);
}

/* Whether escape sequences may be sent (no-color.org; a dumb terminal has none). */
static bool takes_escapes(int fd)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(fd) && !(no_color && *no_color) && !(term && !strcmp(term, "dumb"));
}

static void pretty_begin(struct report *report)
{
	struct pretty *p = xcalloc(1, sizeof(*p));
	struct strbuf sb = { 0 };

	report->own = p;
	p->terminal = takes_escapes(report->fd);
	p->paint = p->terminal ? &paint_terminal : &paint_none;
	sb_printf(&sb, "assay %s: %u instance%s on %s: ", run_version(report->run),
		  report->run->count, report->run->count == 1 ? "" : "s", report->run->target);
	sb_host(&sb, report->run);
	sb_printf(&sb, "\n");
	report_write(report, &sb);
	sb_free(&sb);
}

/* Columns of the terminal; a guess where it does not say. */
static int columns(int fd)
{
	struct winsize size;

	if (ioctl(fd, TIOCGWINSZ, &size) || !size.ws_col)
		return 80;
	return size.ws_col;
}

/* One line that replaces itself: it must never be wider than the terminal. */
static void show_status(struct report *report, const char *name)
{
	struct pretty *p = report->own;
	struct strbuf sb = { 0 }, line = { 0 };
	u64 now = now_ns();

	if (!p->terminal || (p->status_shown && now - p->status_at < STATUS_INTERVAL))
		return;
	sb_printf(&line, "[%u/%u]", report->seen, report->run->count);
	if (report->counts[OUTCOME_FAIL])
		sb_printf(&line, " %u failed", report->counts[OUTCOME_FAIL]);
	if (report->counts[OUTCOME_ERROR])
		sb_printf(&line, " %u errors", report->counts[OUTCOME_ERROR]);
	sb_printf(&line, " ");
	sb_clean(&line, name);
	sb_printf(&sb, ERASE "%.*s", columns(report->fd) - 1, line.s);
	report_write(report, &sb);
	p->status_shown = true;
	p->status_at = now;
	sb_free(&sb);
	sb_free(&line);
}

static void hide_status(struct pretty *p, struct strbuf *sb)
{
	if (p->status_shown)
		sb_printf(sb, ERASE);
	p->status_shown = false;
}

static void keep_slowest(struct pretty *p, const struct result *result)
{
	struct slow *last = &p->slowest[SLOWEST - 1];

	if (result->outcome == OUTCOME_SKIP || (last->name && result->ns <= last->ns))
		return;
	free(last->name);
	last->name = xstrdup(result->instance->name);
	last->ns = result->ns;
	for (struct slow *s = last; s > p->slowest && (!s[-1].name || s[-1].ns < s->ns); s--) {
		struct slow other = s[-1];

		s[-1] = *s;
		*s = other;
	}
}

static const char *outcome_paint(const struct paint *paint, enum outcome outcome)
{
	if (outcome == OUTCOME_FAIL || outcome == OUTCOME_ERROR)
		return paint->bad;
	return outcome == OUTCOME_PASS ? paint->good : paint->faint;
}

/* The line of -v; the reason follows where there is one. */
static void sb_instance(struct strbuf *sb, const struct paint *paint, const struct result *result)
{
	const char *reason = result->outcome == OUTCOME_DEVIATION ? result->deviation_reason :
								    result->why;

	sb_printf(sb, "%s%-9s%s %9.3f ms  ", outcome_paint(paint, result->outcome),
		  outcome_name(result->outcome), paint->off, result->ns / 1e6);
	sb_clean(sb, result->instance->name);
	if (reason) {
		sb_printf(sb, ": ");
		sb_clean(sb, reason);
	}
	sb_printf(sb, "\n");
}

static void group_result(struct pretty *p, const struct result *result)
{
	const char *reason = result->deviation_reason ? result->deviation_reason : "";
	const char *ref = result->deviation_ref ? result->deviation_ref : "";

	if (result->outcome == OUTCOME_SKIP)
		group_add(&p->skips, result->why ? result->why : "no reason given", "");
	if (result->outcome == OUTCOME_DEVIATION)
		group_add(&p->deviations, reason, ref);
	if (result->deviation_gone) {
		char *text = xasprintf("%s: %s", result->instance->name, reason);

		group_add(&p->gone, text, ref);
		free(text);
	}
	if (result->unchecked)
		group_add(&p->unchecked, result->unchecked, "");
}

static void pretty_result(struct report *report, const struct result *result,
			  struct suite_count *suite)
{
	struct pretty *p = report->own;
	bool failed = result->outcome == OUTCOME_FAIL || result->outcome == OUTCOME_ERROR;
	struct strbuf sb = { 0 };

	(void)suite;
	group_result(p, result);
	keep_slowest(p, result);
	if (failed || report->verbose)
		hide_status(p, &sb);
	if (report->verbose)
		sb_instance(&sb, p->paint, result);
	if (failed) {
		sb_printf(&sb, "\n%s%s%s ", p->paint->bad,
			  result->outcome == OUTCOME_FAIL ? "FAIL" : "ERROR", p->paint->off);
		sb_clean(&sb, result->instance->name);
		sb_printf(&sb, "\n");
		sb_failure(&sb, report->run, result, p->paint);
	}
	report_write(report, &sb);
	sb_free(&sb);
	show_status(report, result->instance->name);
}

static void sb_row(struct strbuf *sb, const struct paint *paint, int width, const char *name,
		   const unsigned int counts[OUTCOME_COUNT], u64 ns)
{
	sb_printf(sb, "%-*s", width, name);
	for (unsigned int i = 0; i < OUTCOME_COUNT; i++) {
		bool loud = counts[i] && (i == OUTCOME_FAIL || i == OUTCOME_ERROR);

		sb_printf(sb, "%s%*u%s", loud ? paint->bad : "", i == OUTCOME_DEVIATION ? 11 : 7,
			  counts[i], loud ? paint->off : "");
	}
	sb_printf(sb, "%8.2f s\n", ns / 1e9);
}

static void sb_table(struct strbuf *sb, const struct report *report, const struct paint *paint)
{
	int width = strlen("total");
	u64 ns = 0;

	for (unsigned int i = 0; i < report->nsuites; i++) {
		int len = strlen(report->suites[i].name);

		width = len > width ? len : width;
	}
	sb_printf(sb, "\n%s%-*s   pass   fail  error   skip  deviation      time%s\n",
		  paint->strong, width, "suite", paint->off);
	for (unsigned int i = 0; i < report->nsuites; i++) {
		const struct suite_count *suite = &report->suites[i];
		char *name = clean_text(suite->name, false);

		sb_row(sb, paint, width, name, suite->counts, suite->ns);
		ns += suite->ns;
		free(name);
	}
	if (report->nsuites > 1)
		sb_row(sb, paint, width, "total", report->counts, ns);
}

static int by_count(const void *a, const void *b)
{
	const struct group *x = a, *y = b;

	if (x->count != y->count)
		return x->count < y->count ? 1 : -1;
	return strcmp(x->reason, y->reason);
}

static void sb_groups(struct strbuf *sb, struct groups *groups, const char *heading, bool counted)
{
	if (!groups->count)
		return;
	qsort(groups->list, groups->count, sizeof(*groups->list), by_count);
	sb_printf(sb, "\n%s\n", heading);
	for (unsigned int i = 0; i < groups->count; i++) {
		const struct group *group = &groups->list[i];

		if (counted)
			sb_printf(sb, "%6u  ", group->count);
		else
			sb_printf(sb, "    ");
		sb_clean(sb, group->reason);
		if (*group->ref) {
			sb_printf(sb, " [");
			sb_clean(sb, group->ref);
			sb_printf(sb, "]");
		}
		sb_printf(sb, "\n");
	}
}

static void sb_slowest(struct strbuf *sb, const struct pretty *p)
{
	sb_printf(sb, "\nslowest\n");
	for (unsigned int i = 0; i < SLOWEST && p->slowest[i].name; i++) {
		sb_printf(sb, "%9.3f ms  ", p->slowest[i].ns / 1e6);
		sb_clean(sb, p->slowest[i].name);
		sb_printf(sb, "\n");
	}
}

static void sb_verdict(struct strbuf *sb, const struct report *report, const struct run_end *end,
		       const struct paint *paint)
{
	unsigned int fails = report->counts[OUTCOME_FAIL], errors = report->counts[OUTCOME_ERROR];
	unsigned int missing = report->run->count - report->seen;
	const char *cut = report_cut_short(end);
	bool good = report_verdict(report) == STATUS_OK;

	sb_printf(sb, "\n%s%s%s: %u instance%s in %.2f s", good ? paint->good : paint->bad,
		  good ? "all as expected" : "not as expected", paint->off, report->seen,
		  report->seen == 1 ? "" : "s", end->ns / 1e9);
	if (fails)
		sb_printf(sb, ", %u failed", fails);
	if (errors)
		sb_printf(sb, ", %u ended in an error", errors);
	if (missing)
		sb_printf(sb, ", %u did not run%s%s%s", missing, cut ? " (" : "", cut ? cut : "",
			  cut ? ")" : "");
	sb_printf(sb, "\n");
}

static void pretty_end(struct report *report, const struct run_end *end)
{
	struct pretty *p = report->own;
	struct strbuf sb = { 0 };

	hide_status(p, &sb);
	sb_table(&sb, report, p->paint);
	sb_groups(&sb, &p->skips, "skipped", true);
	sb_groups(&sb, &p->unchecked, "not looked at on this target", true);
	sb_groups(&sb, &p->deviations, "known deviations of this target", true);
	sb_groups(&sb, &p->gone, "recorded deviation no longer happens (remove it from the file)",
		  false);
	if (report->verbose)
		sb_slowest(&sb, p);
	sb_verdict(&sb, report, end, p->paint);
	report_write(report, &sb);
	sb_free(&sb);
}

static void pretty_free(struct report *report)
{
	struct pretty *p = report->own;

	if (!p)
		return;
	groups_free(&p->skips);
	groups_free(&p->deviations);
	groups_free(&p->gone);
	groups_free(&p->unchecked);
	for (unsigned int i = 0; i < SLOWEST; i++)
		free(p->slowest[i].name);
	free(p);
}

const struct report_ops report_pretty = {
	.name = "pretty",
	.begin = pretty_begin,
	.result = pretty_result,
	.end = pretty_end,
	.free = pretty_free,
};

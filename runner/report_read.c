// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reports read back. Lines are checked when they are added and kept as text, because
 * ten thousand results would need a hundred times as much; they are read again when
 * they are written.
 */
#include "report_read.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "report_line.h"
#include "report_parts.h"

#define USUAL_TARGET "/dev/kvm"	/* of assay run, ci/lab and ci/check */

/* A result: where it is, and what it is about. */
struct entry {
	const char *file, *text;
	size_t len;
	unsigned int number;	/* of the line */
	char *name;
	enum outcome outcome;
	u64 ns;
	bool doubled;		/* an earlier one is equal */
};

/* A run as far as one stretch of a file has it. */
struct section {
	struct line run, summary;	/* json NULL: there is none */
	struct told_run told_run;
	struct told_summary told_summary;
	unsigned int counts[OUTCOME_COUNT];
	u64 ns;			/* of its results */
	bool cut;		/* some of it is missing */
};

struct plan {			/* one suite */
	char *name;
	s64 count, seen;	/* instances there should be, and results there are */
};

struct reading {
	char **texts;		/* files and their names */
	unsigned int ntexts;
	struct section *sections;
	unsigned int nsections;
	struct entry *entries;
	unsigned int nentries;
	struct plan *plans;
	unsigned int nplans;
	s64 count;		/* instances there should be */
	struct strbuf gaps;	/* for reading_gaps() */
	bool partial;
};

struct reading *reading_new(void)
{
	return xcalloc(1, sizeof(struct reading));
}

void reading_free(struct reading *reading)
{
	for (unsigned int i = 0; i < reading->nsections; i++) {
		line_free(&reading->sections[i].run);
		line_free(&reading->sections[i].summary);
	}
	for (unsigned int i = 0; i < reading->nentries; i++)
		free(reading->entries[i].name);
	for (unsigned int i = 0; i < reading->nplans; i++)
		free(reading->plans[i].name);
	for (unsigned int i = 0; i < reading->ntexts; i++)
		free(reading->texts[i]);
	sb_free(&reading->gaps);
	free(reading->sections);
	free(reading->entries);
	free(reading->plans);
	free(reading->texts);
	free(reading);
}

/* A copy that lives as long as the reading. */
static const char *keep(struct reading *reading, const char *text, size_t len)
{
	char *copy = xmalloc(len + 1);

	memcpy(copy, text, len);
	copy[len] = '\0';
	reading->texts = xrealloc(reading->texts, (reading->ntexts + 1) * sizeof(char *));
	reading->texts[reading->ntexts++] = copy;
	return copy;
}

/* ---- lines of a file ------------------------------------------------------------- */

static struct section *new_section(struct reading *reading)
{
	struct section *section;

	reading->sections = xrealloc(reading->sections,
				     (reading->nsections + 1) * sizeof(*section));
	section = &reading->sections[reading->nsections++];
	memset(section, 0, sizeof(*section));
	return section;
}

static void add_entry(struct reading *reading, struct section *section, const struct line *line,
		      const char *text, size_t len, const struct told_result *told)
{
	struct entry *entry;

	if (!(reading->nentries & (reading->nentries + 1)))	/* time for twice the room */
		reading->entries = xrealloc(reading->entries,
					    (reading->nentries + 1) * 2 * sizeof(*entry));
	entry = &reading->entries[reading->nentries++];
	*entry = (struct entry){
		.file = line->file, .number = line->number, .text = text, .len = len,
		.name = xstrdup(told->instance.name), .outcome = told->result.outcome,
		.ns = told->result.ns,
	};
	section->counts[entry->outcome]++;
	section->ns += entry->ns;
}

/* One line into the section it belongs to; false: line->error. */
static bool add_line(struct reading *reading, struct section **at, struct line *line,
		     const char *text, size_t len)
{
	struct section *section = *at;
	struct told_result told;

	if (line->type == LINE_RUN) {
		*at = section = new_section(reading);
		if (!line_run(line, &section->told_run))
			return false;
		section->run = *line;
		*line = (struct line){ 0 };
		return true;
	}
	if (section && section->summary.json) {
		line->error = xasprintf("%s:%u: after the summary only another run may follow",
					line->file, line->number);
		return false;
	}
	if (line->type == LINE_SUMMARY && !(section && section->run.json)) {
		line->error = xasprintf("%s:%u: a summary, but of no run", line->file,
					line->number);
		return false;
	}
	if (line->type == LINE_SUMMARY) {
		if (!line_summary(line, &section->told_summary))
			return false;
		section->summary = *line;
		*line = (struct line){ 0 };
		return true;
	}
	if (!line_result(line, &told))
		return false;
	if (!section)
		*at = section = new_section(reading);
	add_entry(reading, section, line, text, len, &told);
	return true;
}

static void gap(struct reading *reading, const char *file, unsigned int number, const char *what)
{
	sb_printf(&reading->gaps, "%s:%u: %s\n", file, number, what);
}

/* A run's summary must count what is there; without one, the run was cut off. */
static void close_section(struct reading *reading, struct section *section, const char *file,
			  unsigned int number)
{
	if (!section || !section->run.json || section->cut)
		return;
	if (!section->summary.json) {
		section->cut = true;
		gap(reading, file, number, "cut off: there is no summary");
	} else if (memcmp(section->counts, section->told_summary.counts,
			  sizeof(section->counts))) {
		section->cut = true;
		gap(reading, file, number, "lines are lost: the summary counts other results "
					   "than there are");
	}
}

/* Half a line, which ends a file that was cut off. */
static void add_half(struct reading *reading, struct section **at, const char *file,
		     unsigned int number)
{
	if (!*at)
		*at = new_section(reading);
	(*at)->cut = true;
	gap(reading, file, number, "cut off: this line is incomplete");
}

bool reading_add(struct reading *reading, const char *file, const char *text, size_t len,
		 char **error)
{
	const char *name = keep(reading, file, strlen(file));
	const char *at = keep(reading, text, len), *end = at + len;
	struct section *section = NULL;
	unsigned int number = 0;
	struct line line;

	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		size_t size = (size_t)((newline ? newline : end) - at);
		struct section *before = section;
		bool good;

		number++;
		good = line_parse(&line, name, number, at, size);
		if (!good && !line.json && !newline) {
			add_half(reading, &section, name, number);
			line_free(&line);
			break;
		}
		if (good && line.type == LINE_RUN)
			close_section(reading, before, name, number - 1);
		if (!good || !add_line(reading, &section, &line, at, size)) {
			*error = xstrdup(line.error);
			line_free(&line);
			return false;
		}
		line_free(&line);
		at += size + 1;
	}
	close_section(reading, section, name, number);
	if (!number)
		gap(reading, name, 1, "cut off: there is nothing in it");
	return true;
}

bool reading_load(struct reading *reading, const char *path, char **error)
{
	bool input = !strcmp(path, "-");
	int fd = input ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	static char buffer[65536];
	struct strbuf text = { 0 };
	ssize_t n = fd;
	bool good;

	sb_add(&text, "", 0);
	while (n >= 0 && (n = read(fd, buffer, sizeof(buffer))) != 0) {
		if (n > 0)
			sb_add(&text, buffer, (size_t)n);
		else if (errno == EINTR)
			n = 0;
	}
	if (n < 0)
		*error = xasprintf("%s: %s", path, strerror(errno));
	if (fd >= 0 && !input)
		close(fd);
	good = n == 0 && reading_add(reading, input ? "standard input" : path, text.s, text.len,
				     error);
	sb_free(&text);
	return good;
}

/* ---- all of it together ---------------------------------------------------------- */

const char *reading_gaps(const struct reading *reading)
{
	return reading->gaps.len ? reading->gaps.s : NULL;
}

/* A value as a message shows it. */
static char *shown(const json_t *value)
{
	return value ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT) : xstrdup("nothing");
}

/* Whether a field of two objects is the same; else says so. */
static bool same(const struct line *first, const struct line *other, const char *where,
		 const char *key, char **error)
{
	const json_t *a = first->json, *b = other->json;
	char *x, *y;

	if (*where) {
		a = json_object_get(a, where);
		b = json_object_get(b, where);
	}
	a = json_object_get(a, key);
	b = json_object_get(b, key);
	if (a == b || json_equal(a, b))
		return true;
	x = shown(a);
	y = shown(b);
	*error = xasprintf("%s:%u: another run than that of %s:%u: \"%s\" is %s, not %s",
			   other->file, other->number, first->file, first->number, key, y, x);
	free(x);
	free(y);
	return false;
}

static bool same_run(const struct line *first, const struct line *other, char **error)
{
	static const char *const keys[] = { "schema", "assay", "target" };
	const char *key;
	json_t *value;

	for (unsigned int i = 0; i < ARRAY_SIZE(keys); i++) {
		if (!same(first, other, "", keys[i], error))
			return false;
	}
	json_object_foreach(json_object_get(first->json, "host"), key, value) {
		if (!same(first, other, "host", key, error))
			return false;
	}
	return same(first, other, "", "host", error);	/* the other may have more */
}

/* The first section with a run. */
static const struct section *first_run(const struct reading *reading)
{
	for (unsigned int i = 0; i < reading->nsections; i++) {
		if (reading->sections[i].run.json)
			return &reading->sections[i];
	}
	return NULL;
}

static struct plan *plan_of(struct reading *reading, const char *name)
{
	size_t len = strcspn(name, "/@");
	struct plan *plan;

	for (unsigned int i = 0; i < reading->nplans; i++) {
		plan = &reading->plans[i];
		if (strlen(plan->name) == len && !memcmp(plan->name, name, len))
			return plan;
	}
	reading->plans = xrealloc(reading->plans, (reading->nplans + 1) * sizeof(*plan));
	plan = &reading->plans[reading->nplans++];
	*plan = (struct plan){ .name = xasprintf("%.*s", (int)len, name) };
	return plan;
}

/* How a double is told from the other: all but how long it took is the same. */
static bool equal(const struct entry *a, const struct entry *b)
{
	json_t *x = json_loadb(a->text, a->len, 0, NULL), *y = json_loadb(b->text, b->len, 0, NULL);
	static const char *const times[] = { "ns", "runs", "coverage" };
	bool result;

	for (unsigned int i = 0; i < ARRAY_SIZE(times); i++) {
		json_object_del(x, times[i]);
		json_object_del(y, times[i]);
	}
	result = json_equal(x, y);
	json_decref(x);
	json_decref(y);
	return result;
}

static int by_name(const void *a, const void *b)
{
	const struct entry *const *x = a, *const *y = b;
	int order = strcmp((*x)->name, (*y)->name);

	return order ? order : *x < *y ? -1 : *x > *y;
}

/* Marks results that are there twice; false if two of one instance differ. */
static bool find_doubles(struct reading *reading, char **error)
{
	struct entry **sorted = xcalloc(reading->nentries + 1, sizeof(*sorted));
	bool good = true;

	for (unsigned int i = 0; i < reading->nentries; i++)
		sorted[i] = &reading->entries[i];
	qsort(sorted, reading->nentries, sizeof(*sorted), by_name);
	for (unsigned int i = 1; good && i < reading->nentries; i++) {
		struct entry *first = sorted[i - 1], *other = sorted[i];

		if (strcmp(first->name, other->name))
			continue;
		other->doubled = true;
		good = equal(first, other);
		if (!good)
			*error = xasprintf("%s:%u: another result of %s than that in %s:%u",
					   other->file, other->number, other->name, first->file,
					   first->number);
	}
	free(sorted);
	return good;
}

/* What one section adds to the plan; returns the entry after its own. */
static const struct entry *plan_section(struct reading *reading, const struct section *section,
					const struct entry *entry)
{
	bool announced = section->run.json && !(section->cut && reading->partial);
	unsigned int results = 0;
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)section->told_run.suites, key, value)
		plan_of(reading, key)->count += announced ? json_integer_value(value) : 0;
	for (unsigned int i = 0; i < OUTCOME_COUNT; i++)
		results += section->counts[i];
	for (; results--; entry++) {
		struct plan *plan = plan_of(reading, entry->name);

		plan->count += !announced - (s64)entry->doubled;
		plan->seen += !entry->doubled;
	}
	return entry;
}

/*
 * How many instances of each suite there should be: as many as the runs announce, which
 * cannot be fewer than there are. Suites come in the order the runs name them, which is
 * the one they run in.
 */
static bool make_plan(struct reading *reading, char **error)
{
	const struct line *run = &first_run(reading)->run;
	const struct entry *entry = reading->entries;

	for (unsigned int i = 0; i < reading->nsections; i++)
		entry = plan_section(reading, &reading->sections[i], entry);
	for (unsigned int i = 0; i < reading->nplans; i++) {
		const struct plan *plan = &reading->plans[i];

		reading->count += plan->count;
		if (plan->seen <= plan->count && reading->count <= INT32_MAX)
			continue;
		*error = xasprintf("%s:%u: of suite %s %lld instances are announced, and there are "
				   "%lld results", run->file, run->number, plan->name,
				   (long long)plan->count, (long long)plan->seen);
		return false;
	}
	return true;
}

bool reading_merge(struct reading *reading, bool partial, char **error)
{
	const struct section *first = first_run(reading);

	reading->partial = partial;
	if (!first) {
		*error = xasprintf("there is no line of type \"run\"%s%s",
				   reading->gaps.len ? ": " : "",
				   reading->gaps.len ? reading->gaps.s : "");
		(*error)[strcspn(*error, "\n")] = '\0';
		return false;
	}
	for (unsigned int i = 0; i < reading->nsections; i++) {
		const struct section *section = &reading->sections[i];

		if (section->run.json && !same_run(&first->run, &section->run, error))
			return false;
	}
	return find_doubles(reading, error) && make_plan(reading, error);
}

/* ---- writing --------------------------------------------------------------------- */

/* The run line of all: the first one's, with what they add up to. */
static json_t *whole_run(const struct reading *reading)
{
	json_t *run = json_deep_copy(first_run(reading)->run.json), *suites = json_object();

	for (unsigned int i = 0; i < reading->nplans; i++)
		json_object_set_new(suites, reading->plans[i].name,
				    json_integer(reading->plans[i].count));
	json_object_set_new(run, "suites", suites);
	return run;
}

/* When all of it began, how long it took together, and whether somebody stopped it. */
static struct run_end add_up(const struct reading *reading, time_t *started)
{
	struct run_end end = { 0 };

	*started = first_run(reading)->told_run.started;
	for (unsigned int i = 0; i < reading->nsections; i++) {
		const struct section *section = &reading->sections[i];

		if (section->run.json && section->told_run.started < *started)
			*started = section->told_run.started;
		end.interrupted |= section->told_summary.end.interrupted;
		if (section->told_summary.end.stopped)
			end.stopped = section->told_summary.end.stopped;
		end.ns += section->summary.json ? section->told_summary.end.ns : section->ns;
	}
	/* Of several summaries none tells more than the counts that are made anew. */
	if (reading->nsections == 1)
		end.told = reading->sections[0].summary.json;
	return end;
}

/*
 * The command that runs the instance again: again, or else "assay run", the name, the
 * target if it is another than the one that commands take by themselves, and the file
 * that the told command ends with, if the image is the user's; to be freed.
 */
static char *again_text(const struct told_result *told, const char *target, const char *again)
{
	struct strbuf usual = { 0 }, sb = { 0 };
	const char *file = NULL;

	sb_printf(&usual, " run ");
	sb_shell_word(&usual, told->instance.name);
	sb_printf(&usual, " --on ");
	sb_shell_word(&usual, target);
	sb_printf(&usual, " ");
	if (told->retold.again)
		file = strstr(told->retold.again, usual.s);
	sb_printf(&sb, "%s ", again ? again : "assay run");
	sb_shell_word(&sb, told->instance.name);
	if (strcmp(target, USUAL_TARGET)) {
		sb_printf(&sb, " --on ");
		sb_shell_word(&sb, target);
	}
	if (file)
		sb_printf(&sb, " %s", file + usual.len);
	sb_free(&usual);
	return sb.s;
}

/* Reads an entry's line again, which has been found good, and reports it. */
static void write_entry(const struct entry *entry, struct report *report, const char *target,
			const char *again)
{
	struct told_result told;
	struct line line;
	char *text = NULL;

	if (line_parse(&line, entry->file, entry->number, entry->text, entry->len) &&
	    line_result(&line, &told)) {
		if (again || !told.retold.again) {
			text = again_text(&told, target, again);
			told.retold.again = text;
		}
		if (again && result_explains(&told.result))
			json_object_set_new(line.json, "again", json_string(text));
		report_result(report, &told.result);
	}
	free(text);
	line_free(&line);
}

enum status reading_write(struct reading *reading, struct report *report, const char *again)
{
	const struct told_run *run = &first_run(reading)->told_run;
	struct run_info info = {
		.host = &run->host,
		.target = run->target,
		.count = (unsigned int)reading->count,
		.assay = run->assay,
		.told = whole_run(reading),
	};
	struct run_end end = add_up(reading, &info.started);
	enum status status;

	report_begin(report, &info);
	for (unsigned int i = 0; i < reading->nentries && !report_broken(report); i++) {
		if (!reading->entries[i].doubled)
			write_entry(&reading->entries[i], report, run->target, again);
	}
	status = report_end(report, &end);
	json_decref(info.told);
	return reading->gaps.len && !reading->partial ? STATUS_ERROR : status;
}

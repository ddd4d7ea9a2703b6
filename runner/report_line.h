/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One line of a report in JSON, read and checked against the schema in docs/output.md:
 * a run, a result or a summary. Fields that are not known are left alone, since later
 * versions may add some; the rest must be as it is written.
 */
#pragma once

#include <jansson.h>

#include "report.h"

enum line_type { LINE_RUN, LINE_RESULT, LINE_SUMMARY };

struct line {
	const char *file;	/* the caller's; for messages */
	unsigned int number;	/* in that file, from 1 */
	enum line_type type;
	json_t *json;		/* an object */
	char *error;		/* the first thing that is wrong, with file and line; or NULL */
	void **owned;		/* what else was allocated for it */
	unsigned int nowned;
};

/*
 * Reads the text of a line, without its newline. False if it is no object of a known
 * type; then, too, line_free() it.
 */
bool line_parse(struct line *line, const char *file, unsigned int number, const char *text,
		size_t len);
void line_free(struct line *line);

/* What the types say; pointers are into the line. False: line->error says why. */

struct told_run {
	struct host host;
	const char *target, *assay;
	time_t started;
	unsigned int instances;
	const json_t *suites;	/* object of numbers that add up to instances */
};
bool line_run(struct line *line, struct told_run *run);

struct told_summary {
	unsigned int counts[OUTCOME_COUNT];
	struct run_end end;	/* all but told */
};
bool line_summary(struct line *line, struct told_summary *summary);

struct told_result {		/* not to be copied: it points into itself */
	struct result result;
	struct retold retold;
	struct instance instance;
	struct mg_case tc;
	struct image image;
};
/* For a result whose line has no "again", retold.again is NULL. */
bool line_result(struct line *line, struct told_result *told);

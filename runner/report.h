/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reports: what a run prints, in one of five formats (docs/output.md). A report
 * is used from one thread; results may come in any order.
 */
#pragma once

#include <time.h>

#include "host.h"
#include "outcome.h"

/* Of this program. */
extern const char assay_version[];

struct report;

/* What a run is; must live until report_end(). */
struct run_info {
	const struct host *host;
	const char *target;		/* path of the device node */
	const struct instance *instances;	/* all that are to run, in the suite's order */
	unsigned int count;
	bool own_files;			/* the images are the user's files, none is embedded */
	bool coverage;			/* what was reached is counted, and told by json */
	const char *program;		/* for the commands we print; NULL: as the user called it */
	time_t started;			/* seconds since 1970, UTC */
	/* Of a run that was read from a report, else NULL: */
	const char *assay;		/* the version that ran it */
	struct json_t *told;		/* its line of type "run" */
};

/* How it ended. */
struct run_end {
	u64 ns;				/* from the first instance to the last */
	bool interrupted;		/* by the user: what is missing is not an error of ours */
	const char *stopped;		/* why the target made it end early, or NULL */
	struct json_t *told;		/* the line of type "summary" that was read, or NULL */
};

/*
 * Makes a report that writes to the open descriptor fd; format is pretty, tap,
 * ktap, junit or json. NULL if there is no such format. From here on SIGPIPE is
 * ignored, so that a reader who went away is an output error like any other.
 */
struct report *report_new(const char *format, int fd, bool verbose);
/* The formats' names, for usage messages: "pretty, tap, ktap, junit, json". */
const char *report_formats(void);

void report_begin(struct report *report, const struct run_info *run);
/* Nothing of the result is kept. */
void report_result(struct report *report, const struct result *result);
/* True once writing failed: it was complained of, and what follows is lost. */
bool report_broken(const struct report *report);
/*
 * Writes the summary and says how the program should exit: STATUS_ERROR if the
 * output is incomplete, an instance ended in an error or instances are missing;
 * else STATUS_FAIL if one failed; else STATUS_OK.
 */
enum status report_end(struct report *report, const struct run_end *end);
void report_free(struct report *report);

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Known deviations: failures that are recorded, with the target they happen on
 * and where they are described. The file format is in docs/output.md.
 */
#pragma once

#include "host.h"
#include "outcome.h"

struct deviation {
	unsigned int line;	/* where the entry begins in its file */
	char **hypervisors;	/* struct host has exactly one of these */
	unsigned int nhypervisors;
	char *machine;		/* glob over struct host's machine, or NULL for any */
	char *machine_version;	/* range over struct host's machine_version, or NULL */
	char *version;		/* range over struct host's version, or NULL for any */
	char **parameters;	/* each must be a word of struct host's parameters */
	unsigned int nparameters;
	char **cases;		/* globs over instance names; one must match */
	unsigned int ncases;
	char **differs;		/* globs over what differs, or none: the failure as a whole */
	unsigned int ndiffers;
	char *reason, *ref;
	char *not_run;		/* the reason of an entry that is fatal: to run what it
				 * names ends or hangs the whole machine; else NULL */
	bool sometimes;		/* what it names may as well pass */
	bool here;		/* it is about the host (deviations_bind) */
};

struct deviations {
	struct deviation *entries;
	unsigned int count;
};

/*
 * Reads the file at path, or all *.json of the directory there in the order of
 * their names, or, if path is NULL, those built into the program
 * (suites/deviations/). NULL with one line in *error (freed by the caller) that
 * names file, line and reason.
 */
struct deviations *deviations_load(const char *path, char **error);
/* The same from memory; file is for messages. */
struct deviations *deviations_parse(const char *file, const char *text, size_t len, char **error);
void deviations_free(struct deviations *deviations);

/* The files built into the program (suites/deviations/). */
extern const struct embedded_file embedded_deviations[];
extern const unsigned int embedded_deviation_count;

/* Says which host results are from, once, before what follows: else no entry fits. */
void deviations_bind(struct deviations *deviations, const struct host *host);

/* The first entry for that instance, or NULL; of those about failures as a whole. */
const struct deviation *deviations_match(const struct deviations *deviations,
					 const char *instance);

/* The first one for that instance of those that are fatal, or NULL. */
const struct deviation *deviations_fatal(const struct deviations *deviations,
					 const char *instance);

/*
 * The same of those that name what differs: one that knows this difference. Such a
 * difference is no reason to stop the case. Safe to be called by many threads.
 */
const struct deviation *deviations_tolerate(const struct deviations *deviations,
					    const char *instance, const char *what);

/*
 * A failure that is recorded becomes a deviation; a pass that is recorded as one
 * is marked deviation_gone, unless it fails only sometimes. Errors and skips stay.
 * The result points into deviations.
 */
void deviations_apply(const struct deviations *deviations, struct result *result);

/* Whether a glob fits all of the text; a star also matches '/'. */
bool glob_matches(const char *glob, const char *text);

/*
 * Whether a version is in a range like ">=6.1 <6.13": all comparisons hold (>= >
 * <= < =), over the dotted number the version begins with, where missing parts
 * are 0. A version without a number is in no range.
 */
bool version_in_range(const char *version, const char *range);
bool version_range_valid(const char *range);

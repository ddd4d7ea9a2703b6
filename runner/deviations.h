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
	char *hypervisor;	/* struct host has exactly this */
	char *machine;		/* glob over struct host's machine, or NULL for any */
	char *version;		/* range over struct host's version, or NULL for any */
	char **parameters;	/* each must be a word of struct host's parameters */
	unsigned int nparameters;
	char **cases;		/* globs over instance names; one must match */
	unsigned int ncases;
	char **differs;		/* globs over what differs, or none: the failure as a whole */
	unsigned int ndiffers;
	char *reason, *ref;
	unsigned int applied;	/* failures it turned into deviations */
	unsigned int gone;	/* instances it named that passed */
};

struct deviations {
	struct deviation *entries;
	unsigned int count;
};

/*
 * Reads the file at path, or, if path is NULL, the one built into the program
 * (suites/deviations.json). NULL with one line in *error (freed by the caller)
 * that names file, line and reason.
 */
struct deviations *deviations_load(const char *path, char **error);
/* The same from memory; file is for messages. */
struct deviations *deviations_parse(const char *file, const char *text, size_t len, char **error);
void deviations_free(struct deviations *deviations);

/*
 * The first entry for that instance on that host, or NULL; of those about failures
 * as a whole.
 */
struct deviation *deviations_match(const struct deviations *deviations, const struct host *host,
				   const char *instance);

/*
 * The same of those that name what differs: one that knows this difference. Such a
 * difference is no reason to stop the case. Safe to be called by many threads.
 */
const struct deviation *deviations_tolerate(const struct deviations *deviations,
					    const struct host *host, const char *instance,
					    const char *what);

/*
 * A failure that is recorded becomes a deviation; a pass that is recorded as one
 * is marked deviation_gone. Errors and skips stay. The result points into
 * deviations. To be called by one thread at a time.
 */
void deviations_apply(struct deviations *deviations, const struct host *host,
		      struct result *result);

/*
 * Whether a version is in a range like ">=6.1 <6.13": all comparisons hold (>= >
 * <= < =), over the dotted number the version begins with, where missing parts
 * are 0. A version without a number is in no range.
 */
bool version_in_range(const char *version, const char *range);

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reports read back: JSON lines of `assay run`, of one run or of parts of one, put
 * together and written in another format by the code that a run uses.
 */
#pragma once

#include "report.h"

struct reading;

struct reading *reading_new(void);
void reading_free(struct reading *reading);

/*
 * Adds what a file holds; text is copied, file too. It may hold a run, a run that was
 * cut off (no summary, perhaps half a line at the end), several of them one after the
 * other, or only results, which then belong to the runs of other files. False with a
 * line in *error (freed by the caller) that names file, line and what is wrong.
 */
bool reading_add(struct reading *reading, const char *file, const char *text, size_t len,
		 char **error);
/* The same from the file of that path; "-" is standard input. */
bool reading_load(struct reading *reading, const char *path, char **error);

/*
 * To be called once all is added: whether everything is of one run (the same version
 * of Assay, target and host) and no instance has two different results. False with
 * *error as above. With partial, a run that was cut off is taken to consist of what is
 * there; without, instances it does not have are missing.
 */
bool reading_merge(struct reading *reading, bool partial, char **error);

/*
 * Lines, one for each run that was cut off or has lost lines: file, line and what is
 * missing; NULL if there is none. Belongs to the reading.
 */
const char *reading_gaps(const struct reading *reading);

/*
 * Writes all to the report. again, unless NULL, is what commands that run an instance
 * again begin with, in place of the program that was called and its "run". Returns what
 * report_end() does, or STATUS_ERROR if something was cut off and partial is not set.
 */
enum status reading_write(struct reading *reading, struct report *report, const char *again);

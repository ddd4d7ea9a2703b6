/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Artifacts: for each failure a directory with all that is known of it. What is
 * in a bundle is described in docs/output.md.
 */
#pragma once

#include "report.h"

struct artifacts;

/*
 * Opens the directory at path, or makes it (its parent must exist). NULL with one
 * line in *error, which the caller frees.
 */
struct artifacts *artifacts_open(const char *path, char **error);

/*
 * Writes the bundle of an instance that ended in fail or error; other outcomes
 * have none. A bundle of the same name is replaced. Nothing outside the directory
 * is written to, whatever symbolic links are in it. Returns 0, or -1 with *error.
 */
int artifacts_save(struct artifacts *artifacts, const struct run_info *run,
		   const struct result *result, char **error);
void artifacts_close(struct artifacts *artifacts);

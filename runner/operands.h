/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The words of a command line that are no options: image files, which end in
 * ".elf", and patterns over the names of instances.
 */
#pragma once

#include "instance.h"

/*
 * Loads the files among the words (all embedded images if there is none) and keeps
 * what the patterns and the mode (NULL: any) select. Returns 0, or -1 after a
 * complaint; then there is nothing to free.
 */
int operands_load(struct suite *suite, char *const *words, unsigned int nwords, const char *mode,
		  const struct axes *axes);

/* Whether a word names a file. */
bool operand_is_file(const char *word);

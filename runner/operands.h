/* SPDX-License-Identifier: GPL-2.0-only */
/* The words of a command line that are no options: image files, and patterns. */
#pragma once

#include <stdbool.h>

/* Whether a word names an image file, which ends in ".elf"; else it is a pattern. */
bool operand_is_file(const char *word);

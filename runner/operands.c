// SPDX-License-Identifier: GPL-2.0-only
/* The words of a command line that are no options. */
#include "operands.h"

#include <string.h>

bool operand_is_file(const char *word)
{
	size_t len = strlen(word);

	return len > 4 && !strcmp(word + len - 4, ".elf");
}

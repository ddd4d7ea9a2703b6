// SPDX-License-Identifier: GPL-2.0-only
/* From the words of a command line to the instances they mean. */
#include "operands.h"

#include <stdlib.h>
#include <string.h>

bool operand_is_file(const char *word)
{
	size_t len = strlen(word);

	return len > 4 && !strcmp(word + len - 4, ".elf");
}

int operands_load(struct suite *suite, char *const *words, unsigned int nwords, const char *mode,
		  const struct axes *axes)
{
	char **files = xcalloc(nwords, sizeof(*files));
	char **patterns = xcalloc(nwords, sizeof(*patterns));
	unsigned int nfiles = 0, npatterns = 0;
	char *error = NULL;
	int result;

	for (unsigned int i = 0; i < nwords; i++) {
		if (operand_is_file(words[i]))
			files[nfiles++] = words[i];
		else
			patterns[npatterns++] = words[i];
	}
	result = suite_load(suite, files, nfiles, axes, &error);
	if (!result && suite_select(suite, patterns, npatterns, mode, &error)) {
		suite_free(suite);
		result = -1;
	}
	if (result) {
		complain("%s", error);
		free(error);
	}
	free(files);
	free(patterns);
	return result;
}

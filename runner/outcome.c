// SPDX-License-Identifier: GPL-2.0-only
/* Outcomes: their names, and what a result owns. */
#include "outcome.h"

#include <stdlib.h>
#include <string.h>

#include "steps.h"

const char *outcome_name(enum outcome outcome)
{
	static const char *const names[OUTCOME_COUNT] = {
		[OUTCOME_PASS] = "pass",
		[OUTCOME_FAIL] = "fail",
		[OUTCOME_ERROR] = "error",
		[OUTCOME_SKIP] = "skip",
		[OUTCOME_DEVIATION] = "deviation",
	};

	return (unsigned int)outcome < OUTCOME_COUNT ? names[outcome] : "unknown outcome";
}

void result_clear(struct result *result)
{
	free(result->why);
	free(result->unchecked);
	free(result->memory);
	free(result->memory_expected);
	if (result->steps)
		steps_clear(result->steps);
	free(result->steps);
	for (unsigned int i = 0; i < result->npeers; i++)
		result_clear(&result->peers[i]);
	free(result->peers);
	memset(result, 0, sizeof(*result));
}

// SPDX-License-Identifier: GPL-2.0-only
/* The last object of a build for coverage: see gcov.c. */
#include "gcov.h"

static const struct gcov_info *const last[1]
	__attribute__((section(".gcov_info"), used)) = { NULL };

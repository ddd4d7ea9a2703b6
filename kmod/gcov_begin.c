// SPDX-License-Identifier: GPL-2.0-only
/* The first object of a build for coverage: see gcov.c. */
#include "gcov.h"

const struct gcov_info *const gcov_first[0] __attribute__((section(".gcov_info")));

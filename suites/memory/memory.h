/* SPDX-License-Identifier: GPL-2.0-only */
/* What the tests of guest memory share: types, tables of tests, the target. */
#pragma once

#include "../harness/harness.h"

typedef uint8_t u8;
typedef uint32_t u32;
typedef uint64_t u64;

#define MIB (1024ul * 1024)

/* The themes, each a file; a list ends with a name of NULL. */
extern const struct test account_tests[], answer_tests[], change_tests[], dirty_tests[],
	file_tests[], fork_tests[], huge_tests[], slot_tests[], swap_tests[], uffd_tests[];

/* Device node of the hypervisor under test. */
extern const char *node;

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tests of guest memory are written with. Each test is a function that runs in a
 * process of its own: it returns if all is well, and fail() or skip() ends it. What it
 * prints are diagnostics.
 */
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef uint8_t u8;
typedef uint32_t u32;
typedef uint64_t u64;

#define PAGE 4096ul
#define MIB (1024ul * 1024)

struct test {
	const char *name;	/* THEME/NAME */
	void (*run)(void);
};

/* The themes, each a file; a list ends with a name of NULL. */
extern const struct test account_tests[], change_tests[], dirty_tests[], file_tests[], fork_tests[],
	huge_tests[], slot_tests[], swap_tests[], uffd_tests[];

/* Device node of the hypervisor under test. */
extern const char *node;

void fail(const char *file, int line, const char *fmt, ...)
	__attribute__((noreturn, format(printf, 3, 4)));
void skip(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* Ends the test unless the condition holds; the message says what was seen. */
#define check(condition, ...) do { \
	if (!(condition)) \
		fail(__FILE__, __LINE__, __VA_ARGS__); \
} while (0)

/* The two numbers must be equal. */
#define check_equal(observed, expected, what) do { \
	long long check_observed = (long long)(observed), check_expected = (long long)(expected); \
	check(check_observed == check_expected, "%s: expected %lld (%#llx), got %lld (%#llx)", \
	      what, check_expected, check_expected, check_observed, check_observed); \
} while (0)

/* What the harness itself needs from the system, and nobody expects to fail. */
#define must(expression) do { \
	if ((long)(expression) == -1) \
		fail(__FILE__, __LINE__, "%s: %s", #expression, strerror(errno)); \
} while (0)

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What test programs for a machine with a hypervisor are made of. A test is a function that runs
 * in a process of its own: it returns if all is well, and fail() or skip() ends it. What it prints
 * are diagnostics. One that hangs, crashes or is killed costs no other.
 */
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdnoreturn.h>
#include <string.h>

#define PAGE 4096ul
#define BAD_USAGE 2		/* exit status */

struct test {
	const char *name;	/* THEME/NAME */
	void (*run)(void);
};

struct harness {
	const char *program;
	const struct test *const *themes;	/* each a list that ends with a name of NULL */
	unsigned int count;
	/* Why a test is known to fail here, or NULL; that is shown, and does not count. */
	const char *(*known)(const char *name);
	/* Before each test, in its process; or NULL. */
	void (*begin)(void);
	/* After each test: prints what it left behind, its failure. Returns whether all is well. */
	bool (*clean)(void);
};

/*
 * Runs the tests whose names begin with one of the patterns, or all, and prints TAP; or prints
 * their names. Returns an exit status: 0 no test failed, 1 one did, BAD_USAGE there is none.
 */
int harness_run(const struct harness *harness, char *const *patterns, bool list);

/* End the process: the test has failed, or cannot be made here. The text says what was seen. */
noreturn void fail(const char *file, int line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
noreturn void skip(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Monotonic, in microseconds. */
uint64_t now(void);
/* Writes a text to a file in one go; false and errno if that fails. */
bool write_text(const char *path, const char *text);

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

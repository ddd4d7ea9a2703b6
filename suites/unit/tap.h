/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a unit test is written with. It prints TAP: a line for each ok(), the
 * number of them at the end; main() ends with `return tap_done();`, which is 1 if
 * anything failed.
 */
#pragma once

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static unsigned int tap_count, tap_failed;

/* One check, described by fmt. Returns whether it held. */
__attribute__((format(printf, 2, 3), unused)) static int ok(int good, const char *fmt, ...)
{
	va_list args;

	printf("%s %u - ", good ? "ok" : "not ok", ++tap_count);
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	putchar('\n');
	tap_failed += !good;
	return good;
}

/* A line of explanation, after a check that failed. */
__attribute__((format(printf, 1, 2), unused)) static void note(const char *fmt, ...)
{
	va_list args;

	printf("# ");
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	putchar('\n');
}

/* Numbers and texts that must be equal; both are shown if they are not. */
#define ok_equal(observed, expected, ...) do { \
	unsigned long long tap_observed = (observed), tap_expected = (expected); \
	if (!ok(tap_observed == tap_expected, __VA_ARGS__)) \
		note("expected %#llx, got %#llx", tap_expected, tap_observed); \
} while (0)

#define ok_text(observed, expected, ...) do { \
	const char *tap_observed = (observed), *tap_expected = (expected); \
	if (!ok(tap_observed && !strcmp(tap_observed, tap_expected), __VA_ARGS__)) \
		note("expected \"%s\", got \"%s\"", tap_expected, \
		     tap_observed ? tap_observed : "(null)"); \
} while (0)

/* The text must contain the other. */
#define ok_contains(observed, part, ...) do { \
	const char *tap_observed = (observed), *tap_part = (part); \
	if (!ok(tap_observed && strstr(tap_observed, tap_part), __VA_ARGS__)) \
		note("expected ...%s..., got \"%s\"", tap_part, \
		     tap_observed ? tap_observed : "(null)"); \
} while (0)

/* The plan; the program's exit status. */
static inline int tap_done(void)
{
	printf("1..%u\n", tap_count);
	return tap_failed != 0;
}

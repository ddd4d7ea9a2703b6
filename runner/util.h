/* SPDX-License-Identifier: GPL-2.0-only */
/* Small things every file of the runner uses. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int64_t s64;

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

/* Exit statuses of the program (docs/architecture.md, "The runner"). */
enum status {
	STATUS_OK = 0,		/* everything was as expected */
	STATUS_FAIL = 1,	/* a case failed */
	STATUS_ERROR = 2,	/* bad usage, or an error of the harness or a case */
	STATUS_CANNOT = 125,	/* the environment cannot run it: git bisect skips */
};

/* Allocation that ends the program with a message when there is no memory. */
void *xmalloc(size_t bytes);
void *xcalloc(size_t n, size_t bytes);
void *xrealloc(void *p, size_t bytes);
char *xstrdup(const char *s);
char *xasprintf(const char *fmt, ...) PRINTF(1, 2);

/* A file built into the program (embed in the Makefile). */
struct embedded_file {
	const char *file;	/* its name there */
	const u8 *bytes;
	u32 size;
};

/* A growing string; .s is always terminated once something was added. */
struct strbuf {
	char *s;
	size_t len, room;
};
void sb_printf(struct strbuf *sb, const char *fmt, ...) PRINTF(2, 3);
void sb_add(struct strbuf *sb, const char *bytes, size_t len);
void sb_free(struct strbuf *sb);

/* A message to the person at the terminal: "assay: ..." on stderr. */
void complain(const char *fmt, ...) PRINTF(1, 2);

/* Monotonic clock in nanoseconds. */
u64 now_ns(void);

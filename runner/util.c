/* SPDX-License-Identifier: GPL-2.0-only */
/* Allocation, growing strings, messages and the clock: what every file uses. */
#define _GNU_SOURCE
#include "util.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void *must(void *p, size_t bytes)
{
	if (!p) {
		complain("out of memory (%zu bytes wanted)", bytes);
		exit(STATUS_ERROR);
	}
	return p;
}

/* Zero bytes are a valid request everywhere: the result is never NULL. */
void *xmalloc(size_t bytes)
{
	return must(malloc(bytes ? bytes : 1), bytes);
}

void *xcalloc(size_t n, size_t bytes)
{
	return must(n && bytes ? calloc(n, bytes) : calloc(1, 1), n * bytes);
}

void *xrealloc(void *p, size_t bytes)
{
	return must(realloc(p, bytes ? bytes : 1), bytes);
}

char *xstrdup(const char *s)
{
	size_t bytes = strlen(s) + 1;

	return memcpy(xmalloc(bytes), s, bytes);
}

char *xasprintf(const char *fmt, ...)
{
	va_list args;
	char *s;
	int len;

	va_start(args, fmt);
	len = vasprintf(&s, fmt, args);
	va_end(args);
	return must(len < 0 ? NULL : s, strlen(fmt));
}

/* Makes room for len more bytes and the terminator. */
static void sb_room(struct strbuf *sb, size_t len)
{
	size_t need = sb->len + len + 1;

	if (need <= sb->room)
		return;
	sb->room = need < 64 ? 64 : need * 2;
	sb->s = xrealloc(sb->s, sb->room);
}

void sb_printf(struct strbuf *sb, const char *fmt, ...)
{
	va_list args;
	int len;

	va_start(args, fmt);
	len = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	if (len < 0)	/* only a broken multibyte string can do that */
		return;
	sb_room(sb, len);
	va_start(args, fmt);
	vsnprintf(sb->s + sb->len, len + 1, fmt, args);
	va_end(args);
	sb->len += len;
}

void sb_add(struct strbuf *sb, const char *bytes, size_t len)
{
	sb_room(sb, len);
	if (len)
		memcpy(sb->s + sb->len, bytes, len);
	sb->len += len;
	sb->s[sb->len] = '\0';
}

void sb_free(struct strbuf *sb)
{
	free(sb->s);
	*sb = (struct strbuf){ 0 };
}

void complain(const char *fmt, ...)
{
	va_list args;

	/* One lock around the line: workers may complain at the same time. */
	flockfile(stderr);
	fputs("assay: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	funlockfile(stderr);
}

u64 now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (u64)now.tv_sec * 1000000000 + now.tv_nsec;
}

// SPDX-License-Identifier: GPL-2.0-only
/* Guest memory as a whole: which pages can differ, copying them, comparing them. */
#include <assert.h>
#include <pthread.h>
#include <string.h>

#include "stage_build.h"

/* ---- comparing ---------------------------------------------------------------- */

#define WORDS 8			/* compared in one row */
#define PROBE_BYTES 8192u	/* that the ways to compare are tried on ... */
#define PROBE_ROUNDS 16		/* ... so often */

static bool equal_by_libc(const u8 *a, const u8 *b, size_t bytes)
{
	return !memcmp(a, b, bytes);
}

typedef u64 word __attribute__((may_alias, aligned(1)));

/* Written out, because a compiler makes vectors of a loop. */
bool memory_equal_by_words(const u8 *a, const u8 *b, size_t bytes)
{
	const word *x = (const word *)a, *y = (const word *)b;
	size_t rows = bytes / (WORDS * sizeof(word));

	for (; rows; rows--, x += WORDS, y += WORDS)
		if ((x[0] ^ y[0]) | (x[1] ^ y[1]) | (x[2] ^ y[2]) | (x[3] ^ y[3]) |
		    (x[4] ^ y[4]) | (x[5] ^ y[5]) | (x[6] ^ y[6]) | (x[7] ^ y[7]))
			return false;
	return !memcmp(x, y, bytes % (WORDS * sizeof(word)));
}

static bool (*equal)(const u8 *a, const u8 *b, size_t bytes) = equal_by_libc;

static u64 time_of(bool (*way)(const u8 *a, const u8 *b, size_t bytes), const u8 *a, const u8 *b)
{
	u64 best = ~0ull;

	for (unsigned int i = 0; i < PROBE_ROUNDS; i++) {
		u64 start = now_ns();
		bool same = way(a, b, PROBE_BYTES);

		if (same && now_ns() - start < best)
			best = now_ns() - start;
	}
	return best;
}

/*
 * All of memory is compared at every expectation. libc does that with the widest
 * vectors that CPUID offers, which an emulator offers but does slowly: on QEMU's TCG
 * plain words are three times as fast, on a processor half as fast.
 */
static void choose(void)
{
	static u8 a[PROBE_BYTES], b[PROBE_BYTES];

	if (time_of(memory_equal_by_words, a, b) < time_of(equal_by_libc, a, b))
		equal = memory_equal_by_words;
}

bool memory_equal(const u8 *a, const u8 *b, size_t bytes)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, choose);
	return equal(a, b, bytes);
}

/* ---- pages -------------------------------------------------------------------- */

static_assert(STAGE_RAM / PAGE_BYTES == 32, "a page has a bit of u32");

u32 pages_that_differ(const struct stage_pages *a, const struct stage_pages *b)
{
	return a->base && a->base == b->base ? a->touched | b->touched : ALL_PAGES;
}

u32 pages_of(u64 addr, u64 size)
{
	u64 first = addr / PAGE_BYTES, last = (addr + size - 1) / PAGE_BYTES;

	if (!size)
		return 0;
	return ALL_PAGES << first & ALL_PAGES >> (31 - last);
}

/* The next row of set bits: its first bit and how many; false if there is none. */
static bool next_row(u32 pages, unsigned int *first, unsigned int *count)
{
	unsigned int at = *first + *count;

	if (at >= 32 || !(pages >> at))
		return false;
	at += (unsigned int)__builtin_ctz(pages >> at);
	*first = at;
	*count = ~(pages >> at) ? (unsigned int)__builtin_ctz(~(pages >> at)) : 32;
	return true;
}

void pages_copy(u8 *to, const u8 *from, u32 pages)
{
	unsigned int first = 0, count = 0;

	while (next_row(pages, &first, &count))
		memcpy(to + first * PAGE_BYTES, from + first * PAGE_BYTES, count * PAGE_BYTES);
}

bool pages_equal(const u8 *a, const u8 *b, u32 pages)
{
	unsigned int first = 0, count = 0;

	while (next_row(pages, &first, &count))
		if (!memory_equal(a + first * PAGE_BYTES, b + first * PAGE_BYTES,
				  count * PAGE_BYTES))
			return false;
	return true;
}

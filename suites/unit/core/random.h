/* SPDX-License-Identifier: GPL-2.0-only */
/* Numbers that look random and are the same in every run: a failure can be repeated. */
#pragma once

#include "port.h"

#include <stdio.h>
#include <stdlib.h>

static u64 random_state;

/* Begins the series: with ASSAY_SEED from the environment, else with `seed`; says which. */
static inline void random_begin(u64 seed)
{
	const char *text = getenv("ASSAY_SEED");

	random_state = text ? strtoull(text, NULL, 0) : seed;
	if (!random_state)
		random_state = 1;
	printf("# ASSAY_SEED=%#llx repeats this run\n", (unsigned long long)random_state);
}

/* The next number (Marsaglia's xorshift with 64 bits). */
static inline u64 random_next(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

/* One of 0 to n - 1. */
static inline u64 random_below(u64 n)
{
	return (random_next() >> 20) % n;
}

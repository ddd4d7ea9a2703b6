/* SPDX-License-Identifier: GPL-2.0-only */
/* How sequences are run in processes of their own, watched, and what is left is counted. */
#pragma once

#include "fuzz.h"

/* main.c */
void make(struct sequence *sequence, bool guest, uint64_t seed);
void perform(const struct sequence *sequence);

/* Exit statuses of the program. */
int run_one(const struct sequence *sequence);
/*
 * Seeds from first on: count of them, or for so many seconds if that is not 0, shared among
 * workers. Each seed is named on ASSAY_MARK_PORT before it runs.
 */
int run_many(bool guest, uint64_t first, uint64_t count, unsigned int seconds,
	     unsigned int workers);

/* left.c: what the target and the kernel have in use. */
void left_begin(void);
/* Says what is left; false if something is. Waits for tasks that are still ending. */
bool left_nothing(void);

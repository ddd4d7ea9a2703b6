/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Predicts what delivering an exception or interrupt through the guest's own
 * tables does to registers and stack (SDM 3 6.12, 6.14, 20.1.4; APM 2 8.7 to 8.9).
 */
#pragma once

#include "stage_build.h"

struct event {
	unsigned int vector;
	bool software;		/* INT n, INT3, INTO, INT1 */
	bool has_error;
	u64 error;
	bool fault;		/* the pushed RFLAGS have RF set (SDM 3 17.3.1.1) */
};

/* Where things were pushed, for messages: the lowest address first. */
struct frame {
	u64 addr;		/* linear = physical address of the lowest item */
	unsigned int item;	/* bytes of one item: 2, 4 or 8 */
	unsigned int count;	/* items: error code (if any), RIP, CS, RFLAGS, ... */
	bool has_error;
};

/* Whether an exception of that vector is a fault (SDM 3 table 6-1). */
bool vector_is_fault(unsigned int vector);

/*
 * Changes stage->state to that of the handler's first instruction and writes the
 * frame into stage->mem. False with stage->error set when the tables cannot
 * deliver it: then the case should have expected another exception.
 */
bool deliver_event(struct stage *stage, const struct event *event, struct frame *frame);

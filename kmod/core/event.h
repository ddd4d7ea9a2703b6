/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Events for the guest: what is being delivered, what waits, and which comes next. The
 * rules are of SDM 3 6.9 (priorities), 6.15 (double fault) and 27.2.4 (events during
 * whose delivery the processor exited); APM 2 8.5, 15.20. Knows no vendor: what
 * x86_events_next() says is put into VMCB or VMCS by others.
 */
#pragma once

#include "ops.h"

enum x86_event_kind {		/* as VMX and SVM number them */
	X86_EVENT_INTERRUPT = 0,
	X86_EVENT_NMI = 2,
	X86_EVENT_EXCEPTION = 3,
	X86_EVENT_SOFTWARE_INTERRUPT = 4,	/* INT n */
	X86_EVENT_INT1 = 5,
	X86_EVENT_SOFTWARE_EXCEPTION = 6	/* INT3, INTO */
};

struct x86_event {
	bool valid;
	u8 kind;		/* enum x86_event_kind */
	u8 vector;
	bool has_error;
	u32 error;
	u8 length;		/* bytes of the instruction of a software event */
};

struct x86_events {
	struct x86_event delivering;	/* begun: goes on before anything else */
	struct x86_event exception;	/* raised, not begun */
	u64 payload;			/* CR2 of a #PF, bits of DR6 of a #DB that waits */
	bool has_payload;		/* it is not in CR2 or DR6 yet */
	u8 nmis;			/* NMIs that wait: at most one more than can be latched */
	bool interrupt_pending;		/* from user space (KVM_INTERRUPT) */
	u8 interrupt;			/* its vector */
	bool shutdown;			/* a triple fault */
};

/* What stands in the way of the next event, so that the processor must tell when it is gone. */
#define X86_WINDOW_INTERRUPT 1u
#define X86_WINDOW_NMI 2u

/* The processor exited while it delivered this: it is delivered again. */
void x86_events_interrupted(struct x86_events *events, const struct x86_event *event);
/* The event that was given to the processor has been delivered. */
static inline void x86_events_delivered(struct x86_events *events)
{
	events->delivering.valid = false;
}

/*
 * Raises an exception, by an instruction or by the delivery that is under way: then with
 * it it may become #DF, or a shutdown. length: of the instruction of a software event.
 */
void x86_events_raise(struct x86_events *events, const struct x86_fault *fault, u8 length);

/*
 * What to deliver at the next entry; an event that is not valid: nothing. It is then
 * what is being delivered, and *s says what follows from that: CR2, DR6, NMIs blocked.
 * *windows: X86_WINDOW_* of what waits and cannot come yet.
 */
struct x86_event x86_events_next(struct x86_events *events, struct x86_state *s,
				 unsigned int *windows);

/* Whether there is nothing at all to deliver, now or later. */
static inline bool x86_events_none(const struct x86_events *events)
{
	return !(events->delivering.valid | events->exception.valid | events->nmis |
		 events->interrupt_pending);
}

/* An NMI arrives. */
void x86_events_nmi(struct x86_events *events, const struct x86_state *s);

/* Whether an external interrupt, an NMI could be delivered now. */
bool x86_interrupt_open(const struct x86_events *events, const struct x86_state *s);
bool x86_nmi_open(const struct x86_events *events, const struct x86_state *s);

// SPDX-License-Identifier: GPL-2.0-only
/* Events: merging, priorities, windows. */
#include "event.h"

/* SDM 3 table 6-4. */
enum class { BENIGN, CONTRIBUTORY, PAGE_FAULT, DOUBLE_FAULT };

static enum class class_of(const struct x86_event *event)
{
	if (event->kind != X86_EVENT_EXCEPTION)
		return BENIGN;
	switch (event->vector) {
	case X86_DE:
	case X86_TS:
	case X86_NP:
	case X86_SS_FAULT:
	case X86_GP:
	case X86_CP:
		return CONTRIBUTORY;
	case X86_PF:
	case X86_VE:
		return PAGE_FAULT;
	case X86_DF:
		return DOUBLE_FAULT;
	default:
		return BENIGN;
	}
}

/* SDM 3 table 6-5: whether a second exception makes a double fault of both. */
static bool doubles(enum class first, enum class second)
{
	if (first == CONTRIBUTORY)
		return second == CONTRIBUTORY;
	return first == PAGE_FAULT && (second == CONTRIBUTORY || second == PAGE_FAULT);
}

void x86_events_interrupted(struct x86_events *events, const struct x86_event *event)
{
	events->delivering = *event;
}

static enum x86_event_kind kind_of(const struct x86_fault *fault)
{
	if (!fault->software)
		return X86_EVENT_EXCEPTION;
	switch (fault->vector) {
	case X86_DB:
		return X86_EVENT_INT1;
	case X86_BP:
	case X86_OF:
		return X86_EVENT_SOFTWARE_EXCEPTION;
	default:
		return X86_EVENT_SOFTWARE_INTERRUPT;
	}
}

void x86_events_raise(struct x86_events *events, const struct x86_fault *fault, u8 length)
{
	const struct x86_event *first = events->exception.valid ? &events->exception :
								  &events->delivering;
	struct x86_event second = {
		.valid = true, .kind = kind_of(fault), .vector = fault->vector,
		.has_error = fault->has_error, .error = fault->error,
		.length = fault->software ? length : 0,
	};

	if (first->valid && class_of(first) == DOUBLE_FAULT &&
	    class_of(&second) != BENIGN) {
		events->shutdown = true;
		return;
	}
	if (first->valid && doubles(class_of(first), class_of(&second))) {
		second = (struct x86_event){
			.valid = true, .kind = X86_EVENT_EXCEPTION, .vector = X86_DF,
			.has_error = true,
		};
		events->has_payload = false;
	} else {
		events->payload = fault->vector == X86_DB ? fault->dr6 : fault->cr2;
		events->has_payload = !fault->software &&
				      (fault->vector == X86_DB || fault->vector == X86_PF);
	}
	/* What was being delivered has led here, and is not delivered again. */
	events->delivering.valid = false;
	events->exception = second;
}

/* Not a trap, and not an abort: what it pushes has RF set, except for #DB (SDM 3 17.3.1.1). */
static bool pushes_rf(const struct x86_event *event)
{
	if (event->kind != X86_EVENT_EXCEPTION)
		return false;
	switch (event->vector) {
	case X86_DB:
	case X86_BP:
	case X86_OF:
	case X86_DF:
	case X86_MC:
		return false;
	default:
		return true;
	}
}

/* CR2 and DR6 change when the exception is delivered (SDM 3 6.15, 17.2.3). */
static void take_payload(struct x86_events *events, struct x86_state *s)
{
	if (!events->has_payload)
		return;
	events->has_payload = false;
	if (events->exception.vector == X86_PF) {
		s->cr2 = events->payload;
	} else {
		/* B0 to B3 are of this exception, the others add up. */
		s->dr6 = (s->dr6 & ~0xfull) | events->payload;
	}
}

/* One NMI is latched while another is being handled; one more may come with it (SDM 3 6.7.1). */
void x86_events_nmi(struct x86_events *events, const struct x86_state *s)
{
	bool handled = s->nmi_blocked || (events->delivering.valid &&
					  events->delivering.kind == X86_EVENT_NMI);
	u8 room = handled ? 1 : 2;

	if (events->nmis < room)
		events->nmis++;
}

bool x86_interrupt_open(const struct x86_events *events, const struct x86_state *s)
{
	return s->rflags & X86_FLAG_IF && !s->shadow && !events->delivering.valid &&
	       !events->exception.valid;
}

bool x86_nmi_open(const struct x86_events *events, const struct x86_state *s)
{
	return !s->nmi_blocked && !s->shadow && !events->delivering.valid &&
	       !events->exception.valid;
}

static struct x86_event begin(struct x86_events *events, struct x86_event event)
{
	events->delivering = event;
	return event;
}

/* The event that is first in line now, if any. */
static struct x86_event choose(struct x86_events *events, struct x86_state *s)
{
	if (events->delivering.valid)
		return events->delivering;
	if (events->exception.valid) {
		struct x86_event event = events->exception;

		take_payload(events, s);
		if (pushes_rf(&event))
			s->rflags |= X86_FLAG_RF;
		/* Whatever the way into a debug handler, it may use the registers (17.2.4). */
		if (event.vector == X86_DB)
			s->dr7 &= ~X86_DR7_GD;
		events->exception.valid = false;
		return begin(events, event);
	}
	if (events->nmis && x86_nmi_open(events, s)) {
		events->nmis--;
		s->nmi_blocked = true;
		return begin(events, (struct x86_event){
			.valid = true, .kind = X86_EVENT_NMI, .vector = X86_NMI });
	}
	if (events->interrupt_pending && x86_interrupt_open(events, s)) {
		events->interrupt_pending = false;
		return begin(events, (struct x86_event){
			.valid = true, .kind = X86_EVENT_INTERRUPT, .vector = events->interrupt });
	}
	return (struct x86_event){ .valid = false };
}

struct x86_event x86_events_next(struct x86_events *events, struct x86_state *s,
				 unsigned int *windows)
{
	struct x86_event event = choose(events, s);

	*windows = 0;
	if (events->nmis)
		*windows |= X86_WINDOW_NMI;
	if (events->interrupt_pending)
		*windows |= X86_WINDOW_INTERRUPT;
	return event;
}

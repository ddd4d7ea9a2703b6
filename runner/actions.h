/* SPDX-License-Identifier: GPL-2.0-only */
/* Between the files that carry out actions. */
#pragma once

#include "engine.h"

/* Judges what a call gave (errno, 0 for success) against the step's errno=. */
bool action_result(struct engine *e, const struct record *step, const char *what, int error);
/* Fails the case when the two differ. */
bool action_equal(struct engine *e, const char *what, u64 expected, u64 observed);

/* actions_state.c: the KVM_GET/KVM_SET groups. */
bool act_set(struct engine *e, const struct record *step);
bool act_check(struct engine *e, const struct record *step);
bool act_set_msr(struct engine *e, const struct record *step);
bool act_check_msr(struct engine *e, const struct record *step);
bool act_set_lapic(struct engine *e, const struct record *step);
bool act_check_lapic(struct engine *e, const struct record *step);
bool act_sync_set(struct engine *e, const struct record *step);

/* members.c: bytes of the structures of the KVM ABI. */
bool act_poke(struct engine *e, const struct record *step);
bool act_peek(struct engine *e, const struct record *step);

/* calls.c: the filter of MSRs as a KVM_X86_SET_MSR_FILTER says. What the ioctl returns. */
long calls_set_filter(struct engine *e, const struct record *step);
/* calls.c: ioctls by name. */
bool call_do(struct engine *e, const struct record *step);

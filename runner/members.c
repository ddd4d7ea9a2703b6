// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bytes of the structures that the KVM ABI moves by GET/SET pairs of ioctls: for
 * members that no field of a record names, and for values that must be refused.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "actions.h"

enum where { ON_VM, ON_VCPU, IN_RUN };

struct pair {
	const char *name;
	enum where where;
	unsigned long get, set;		/* set 0: it is read only */
	u32 bytes;			/* 0: what KVM_CAP_XSAVE2 says */
};

#define VCPU_PAIR(name, type) { #name, ON_VCPU, KVM_GET_##name, KVM_SET_##name, sizeof(type) }
#define VM_PAIR(name, type) { #name, ON_VM, KVM_GET_##name, KVM_SET_##name, sizeof(type) }

static const struct pair pairs[] = {
	VCPU_PAIR(REGS, struct kvm_regs),
	VCPU_PAIR(SREGS, struct kvm_sregs),
	VCPU_PAIR(SREGS2, struct kvm_sregs2),
	VCPU_PAIR(FPU, struct kvm_fpu),
	VCPU_PAIR(XSAVE, struct kvm_xsave),
	{ "XSAVE2", ON_VCPU, KVM_GET_XSAVE2, KVM_SET_XSAVE, 0 },
	VCPU_PAIR(XCRS, struct kvm_xcrs),
	VCPU_PAIR(DEBUGREGS, struct kvm_debugregs),
	VCPU_PAIR(VCPU_EVENTS, struct kvm_vcpu_events),
	VCPU_PAIR(MP_STATE, struct kvm_mp_state),
	VCPU_PAIR(LAPIC, struct kvm_lapic_state),
	/* Its structure points at the value: move() makes it. */
	{ "TSC_OFFSET", ON_VCPU, KVM_GET_DEVICE_ATTR, KVM_SET_DEVICE_ATTR, sizeof(u64) },
	VM_PAIR(IRQCHIP, struct kvm_irqchip),
	VM_PAIR(PIT2, struct kvm_pit_state2),
	VM_PAIR(CLOCK, struct kvm_clock_data),
	{ "RUN", IN_RUN, 0, 0, sizeof(struct kvm_run) },
};

static const struct pair *pair_of(struct engine *e, const struct record *step)
{
	const struct field *text = record_field(step, F_text);

	for (unsigned int i = 0; i < ARRAY_SIZE(pairs); i++)
		if (strlen(pairs[i].name) == text->bytes &&
		    !memcmp(pairs[i].name, text->blob, text->bytes))
			return &pairs[i];
	engine_error(e, "there is no structure named %.*s", (int)text->bytes,
		     (const char *)text->blob);
	return NULL;
}

/* Size of the structure in bytes, 0 if the target has none. */
static u32 pair_bytes(const struct engine *e, const struct pair *pair)
{
	int size;

	if (pair->bytes)
		return pair->bytes;
	size = ioctl(e->vm->fd, KVM_CHECK_EXTENSION, (unsigned long)KVM_CAP_XSAVE2);
	return size > 0 ? (u32)size : 0;
}

/* Reads or writes the whole structure; its errno, or 0. */
static int move(struct engine *e, const struct pair *pair, bool set, u8 *bytes)
{
	struct kvm_device_attr attr = { .group = KVM_VCPU_TSC_CTRL, .attr = KVM_VCPU_TSC_OFFSET,
					.addr = (u64)(uintptr_t)bytes };
	void *arg = pair->get == KVM_GET_DEVICE_ATTR ? (void *)&attr : bytes;
	int fd = pair->where == ON_VM ? e->vm->fd : e->vm->vcpu;

	if (pair->where == IN_RUN) {
		memcpy(set ? (void *)e->vm->run : bytes, set ? bytes : (void *)e->vm->run,
		       pair->bytes);
		return 0;
	}
	return ioctl(fd, set ? pair->set : pair->get, arg) < 0 ? errno : 0;
}

/* Reads the step's structure, its chip if there are several; NULL when the case must stop. */
static u8 *read_pair(struct engine *e, const struct record *step, const struct pair *pair,
		     int *error)
{
	u64 offset = record_value(step, F_offset, 0), size = record_value(step, F_size, 0);
	u32 room = pair_bytes(e, pair), chip = (u32)record_value(step, F_id, 0);
	u8 *bytes;

	if (offset > room || size > room - offset) {
		engine_error(e, "%s has %u bytes: offset and size reach beyond", pair->name, room);
		return NULL;
	}
	bytes = xcalloc(1, room);
	if (pair->get == KVM_GET_IRQCHIP)
		memcpy(bytes, &chip, sizeof(chip));
	*error = move(e, pair, false, bytes);
	return bytes;
}

/* What the next case must not find, and its stage does not put back. */
static void note_change(struct engine *e, const struct pair *pair)
{
	if (pair->set == KVM_SET_XSAVE || pair->set == KVM_SET_XCRS || pair->set == KVM_SET_FPU)
		e->vm->xstate_unknown = true;
	if (pair->set == KVM_SET_DEVICE_ATTR || pair->set == KVM_SET_CLOCK)
		e->vm->spoiled = true;
}

bool act_poke(struct engine *e, const struct record *step)
{
	const struct pair *pair = pair_of(e, step);
	u64 data = record_value(step, F_data, 0);
	int error = 0;
	u8 *bytes = pair ? read_pair(e, step, pair, &error) : NULL;

	if (!bytes)
		return false;
	if (error) {
		free(bytes);
		return action_result(e, step, pair->name, error);
	}
	memcpy(bytes + record_value(step, F_offset, 0), &data, record_value(step, F_size, 0));
	error = move(e, pair, true, bytes);
	free(bytes);
	note_change(e, pair);
	return action_result(e, step, pair->name, error);
}

bool act_peek(struct engine *e, const struct record *step)
{
	const struct pair *pair = pair_of(e, step);
	u64 mask = record_value(step, F_mask, ~0ull), got = 0;
	int error = 0;
	u8 *bytes = pair ? read_pair(e, step, pair, &error) : NULL;

	if (!bytes)
		return false;
	memcpy(&got, bytes + record_value(step, F_offset, 0), record_value(step, F_size, 0));
	free(bytes);
	if (!action_result(e, step, pair->name, error) || error)
		return !e->result->why;
	return action_equal(e, pair->name, record_value(step, F_data, 0) & mask, got & mask);
}

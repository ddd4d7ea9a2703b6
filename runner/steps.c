// SPDX-License-Identifier: GPL-2.0-only
/* KVM_RUN an instruction at a time (KVM_SET_GUEST_DEBUG, KVM_GUESTDBG_SINGLESTEP). */
#include "steps.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include "disasm.h"
#include "engine.h"
#include "kvm_state.h"
#include "x86.h"

#define STEPS_MAX 4096		/* of one KVM_RUN; the rest of a long loop is like its begin */
#define FETCH 20		/* the longest instruction behind the forced-emulation prefix */
#define PAGE 4096u

struct place {			/* where the vCPU stands */
	u64 linear;
	unsigned int bits;
	bool vex;
	u8 bytes[FETCH];
	unsigned int length;	/* of bytes that could be read */
};

/* Bytes at a linear address up to the end of its page; how many were had. */
static unsigned int fetch(struct engine *e, u64 linear, u8 *to, unsigned int length)
{
	struct kvm_translation t = { .linear_address = linear };
	unsigned int left = PAGE - (linear & (PAGE - 1));

	if (ioctl(e->vm->vcpu, KVM_TRANSLATE, &t) < 0 || !t.valid)
		return 0;
	if (length > left)
		length = left;
	if (t.physical_address >= STAGE_RAM || length > STAGE_RAM - t.physical_address)
		return 0;
	memcpy(to, e->vm->mem + t.physical_address, length);
	return length;
}

static void fetch_all(struct engine *e, struct place *place)
{
	unsigned int more;

	place->length = fetch(e, place->linear, place->bytes, FETCH);
	if (!place->length || place->length == FETCH)
		return;
	more = FETCH - place->length;
	place->length += fetch(e, place->linear + place->length,
			       place->bytes + place->length, more);
}

static bool look(struct engine *e, struct place *place)
{
	struct cpu_state state = { 0 };
	struct kvm_sregs sregs;
	struct kvm_regs regs;

	if (ioctl(e->vm->vcpu, KVM_GET_REGS, &regs) < 0 ||
	    ioctl(e->vm->vcpu, KVM_GET_SREGS, &sregs) < 0)
		return false;
	state_from_regs(&state, &regs);
	state_from_sregs(&state, &sregs);
	place->bits = state_bits(&state);
	place->vex = state.cr0 & CR0_PE && !(state.rflags & RFLAGS_VM);
	place->linear = state_linear_rip(&state);
	fetch_all(e, place);
	return place->length;
}

static void note(struct engine *e, const struct place *place)
{
	bool mmio = e->vm->run->exit_reason == KVM_EXIT_MMIO;
	bool again = e->steps->waits && e->steps->unfinished == place->linear;
	enum form_path path = mmio ? FORM_MMIO : FORM_NATIVE;
	unsigned int skip = 0;
	u32 form;

	e->steps->waits = mmio;
	e->steps->unfinished = place->linear;
	if (again)
		return;
	if (place->length > FEP_BYTES && !memcmp(place->bytes, FEP_PREFIX, FEP_BYTES)) {
		path = FORM_FEP;
		skip = FEP_BYTES;
	}
	form = form_of(place->bytes + skip, place->length - skip, place->bits, place->vex);
	if (form)
		form_set_add(&e->steps->executed[path], form);
	e->steps->count++;
}

static void step_by_step(struct engine *e, bool on)
{
	struct kvm_guest_debug debug = {
		.control = on ? KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP : 0,
	};

	ioctl(e->vm->vcpu, KVM_SET_GUEST_DEBUG, &debug);
}

int steps_run(struct engine *e)
{
	struct kvm_run *run = e->vm->run;
	struct place place;
	int error;

	for (unsigned int i = 0;; i++) {
		bool stepping = i < STEPS_MAX && look(e, &place);

		e->steps->more |= !stepping;
		step_by_step(e, stepping);
		error = ioctl(e->vm->vcpu, KVM_RUN, 0) < 0 ? errno : 0;
		if (!error && stepping)
			note(e, &place);
		if (error || run->exit_reason != KVM_EXIT_DEBUG)
			break;
	}
	step_by_step(e, false);
	return error;
}

void steps_clear(struct steps *steps)
{
	for (unsigned int i = 0; i < FORM_PATHS; i++)
		form_set_clear(&steps->executed[i]);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Actions on the groups of vCPU state that KVM_GET_* and KVM_SET_* move:
 * registers, debug registers, FPU, pending events, MP state, MSRs, local APIC.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "actions.h"

enum group {
	GROUP_REGS = 1,
	GROUP_SREGS = 2,
	GROUP_DEBUGREGS = 4,
	GROUP_FPU = 8,
	GROUP_XCRS = 16,
	GROUP_EVENTS = 32,
	GROUP_MP_STATE = 64,
	GROUP_TSC_KHZ = 128,
};

static unsigned int group_of(u16 field)
{
	if (field >= F_rax && field <= F_rflags)
		return GROUP_REGS;
	if ((field >= F_set && field <= F_status))
		return GROUP_REGS;
	if (field >= F_dr0 && field <= F_dr7)
		return GROUP_DEBUGREGS;
	if (field == F_xcr0)
		return GROUP_XCRS;
	if ((field >= F_cr0 && field <= F_idt_limit) || (field >= F_cs && field <= F_ldtr_ar))
		return GROUP_SREGS;
	if (field >= F_fcw && field <= F_ymm15)
		return GROUP_FPU;
	if ((field >= F_ev_exception && field <= F_ev_triple_fault) || field == F_ev_payload)
		return GROUP_EVENTS;
	if (field == F_mp_state)
		return GROUP_MP_STATE;
	return field == F_tsc_khz ? GROUP_TSC_KHZ : 0;
}

static unsigned int groups_of(const struct record *step)
{
	unsigned int groups = 0;

	for (unsigned int i = 0; i < step->nfields; i++)
		groups |= group_of(step->fields[i].id);
	return groups;
}

/* ---- pending events ------------------------------------------------------------- */

/* The place of an event's field in the structure, and how wide it is. */
static u64 event_get(const struct kvm_vcpu_events *ev, u16 field)
{
	switch (field) {
	case F_ev_exception:
		return ev->exception.injected || ev->exception.pending ? ev->exception.nr : ~0ull;
	case F_ev_error:
		return ev->exception.has_error_code ? ev->exception.error_code : ~0ull;
	case F_ev_pending:
		return ev->exception.pending;
	case F_ev_interrupt:
		return ev->interrupt.injected ? ev->interrupt.nr : ~0ull;
	case F_ev_soft:
		return ev->interrupt.soft;
	case F_ev_shadow:
		return ev->interrupt.shadow;
	case F_ev_nmi_injected:
		return ev->nmi.injected;
	case F_ev_nmi_pending:
		return ev->nmi.pending;
	case F_ev_nmi_masked:
		return ev->nmi.masked;
	case F_ev_payload:
		return ev->exception_has_payload ? ev->exception_payload : ~0ull;
	default:
		return ev->triple_fault.pending;
	}
}

static void event_set(struct kvm_vcpu_events *ev, u16 field, u64 value)
{
	switch (field) {
	case F_ev_exception:
		ev->exception.injected = value != ~0ull;
		ev->exception.nr = (u8)value;
		break;
	case F_ev_error:
		ev->exception.has_error_code = value != ~0ull;
		ev->exception.error_code = (u32)value;
		break;
	case F_ev_pending:
		ev->exception.pending = !!value;
		ev->exception.injected = !value;
		ev->flags |= KVM_VCPUEVENT_VALID_PAYLOAD;
		break;
	case F_ev_interrupt:
		ev->interrupt.injected = value != ~0ull;
		ev->interrupt.nr = (u8)value;
		break;
	case F_ev_soft:
		ev->interrupt.soft = !!value;
		break;
	case F_ev_shadow:
		ev->interrupt.shadow = (u8)value;
		ev->flags |= KVM_VCPUEVENT_VALID_SHADOW;
		break;
	case F_ev_nmi_injected:
		ev->nmi.injected = !!value;
		break;
	case F_ev_nmi_pending:
		ev->nmi.pending = !!value;
		ev->flags |= KVM_VCPUEVENT_VALID_NMI_PENDING;
		break;
	case F_ev_nmi_masked:
		ev->nmi.masked = !!value;
		break;
	case F_ev_payload:
		ev->exception_has_payload = 1;
		ev->exception_payload = value;
		break;
	default:
		ev->triple_fault.pending = !!value;
		ev->flags |= KVM_VCPUEVENT_VALID_TRIPLE_FAULT;
	}
}

/* The events of the vCPU now, with the step's changed in them; its errno, or 0. */
static int changed_events(struct engine *e, const struct record *step, struct kvm_vcpu_events *ev)
{
	if (ioctl(e->vm->vcpu, KVM_GET_VCPU_EVENTS, ev) < 0)
		return errno;
	/* A new exception has no error code and payload but its own. */
	if (record_field(step, F_ev_exception))
		ev->exception.has_error_code = ev->exception_has_payload = 0;
	for (unsigned int i = 0; i < step->nfields; i++)
		if (group_of(step->fields[i].id) == GROUP_EVENTS)
			event_set(ev, step->fields[i].id, step->fields[i].value);
	return 0;
}

static int set_events(struct engine *e, const struct record *step)
{
	struct kvm_vcpu_events ev;
	int error = changed_events(e, step, &ev);

	if (error)
		return error;
	return ioctl(e->vm->vcpu, KVM_SET_VCPU_EVENTS, &ev) < 0 ? errno : 0;
}

/* ---- setting ----------------------------------------------------------------------- */

/*
 * Without a local APIC in the kernel, KVM_RUN takes CR8 from kvm_run: what was set
 * is put there too, as every user of the ABI must.
 */
static int set_sregs(struct engine *e, const struct cpu_state *state)
{
	struct kvm_sregs sregs;

	state_to_sregs(state, &sregs);
	target_tr(e->target, &sregs.tr);
	if (ioctl(e->vm->vcpu, KVM_SET_SREGS, &sregs) < 0)
		return errno;
	e->vm->run->cr8 = state->cr8;
	return 0;
}

static int set_group(struct engine *e, const struct record *step, enum group group,
		     const struct cpu_state *state)
{
	struct kvm_mp_state mp = { .mp_state = (u32)record_value(step, F_mp_state, 0) };
	struct kvm_xcrs xcrs = { .nr_xcrs = 1, .xcrs = { { .value = state->xcr0 } } };
	struct kvm_debugregs debug;
	struct kvm_xsave xsave;
	struct kvm_regs regs;
	void *arg;
	unsigned long nr;

	switch (group) {
	case GROUP_REGS:
		state_to_regs(state, &regs);
		nr = KVM_SET_REGS, arg = &regs;
		break;
	case GROUP_SREGS:
		return set_sregs(e, state);
	case GROUP_DEBUGREGS:
		state_to_debugregs(state, &debug);
		nr = KVM_SET_DEBUGREGS, arg = &debug;
		break;
	case GROUP_FPU:
		state_to_xsave(state, &xsave,
			       XSTATE_X87 | XSTATE_SSE | (state->xcr0 & XSTATE_AVX));
		nr = KVM_SET_XSAVE, arg = &xsave;
		break;
	case GROUP_XCRS:
		e->vm->xstate_unknown = true;
		nr = KVM_SET_XCRS, arg = &xcrs;
		break;
	case GROUP_EVENTS:
		return set_events(e, step);
	case GROUP_MP_STATE:
		nr = KVM_SET_MP_STATE, arg = &mp;
		break;
	default:
		nr = KVM_SET_TSC_KHZ, arg = (void *)(uintptr_t)record_value(step, F_tsc_khz, 0);
		e->vm->spoiled = true;
	}
	return ioctl(e->vm->vcpu, nr, arg) < 0 ? errno : 0;
}

static const char *group_name(enum group group)
{
	switch (group) {
	case GROUP_REGS:
		return "KVM_SET_REGS";
	case GROUP_SREGS:
		return "KVM_SET_SREGS";
	case GROUP_DEBUGREGS:
		return "KVM_SET_DEBUGREGS";
	case GROUP_FPU:
		return "KVM_SET_XSAVE";
	case GROUP_XCRS:
		return "KVM_SET_XCRS";
	case GROUP_EVENTS:
		return "KVM_SET_VCPU_EVENTS";
	case GROUP_MP_STATE:
		return "KVM_SET_MP_STATE";
	default:
		return "KVM_SET_TSC_KHZ";
	}
}

/* The state of the vCPU now, with the step's registers changed in it. */
static bool changed_state(struct engine *e, const struct record *step, struct cpu_state *state)
{
	struct stage changed = e->stage;
	bool fpu = groups_of(step) & (GROUP_FPU | GROUP_XCRS);

	if (!vm_get_state(e->vm, &changed.state, false, fpu))
		return engine_error(e, "%s", e->vm->error);
	if (!stage_apply(&changed, step))
		return engine_error(e, "%s", changed.error);
	*state = changed.state;
	return true;
}

bool act_set(struct engine *e, const struct record *step)
{
	unsigned int groups = groups_of(step);
	struct cpu_state state;

	if (record_field(step, F_errno) && (groups & (groups - 1)))
		return engine_error(e, "a refused set may touch one group of state only");
	if (!changed_state(e, step, &state))
		return false;
	for (unsigned int group = 1; group <= GROUP_TSC_KHZ; group <<= 1)
		if (groups & group &&
		    !action_result(e, step, group_name(group), set_group(e, step, group, &state)))
			return false;
	if (record_field(step, F_errno))
		return true;
	return stage_apply(&e->stage, step) || engine_error(e, "%s", e->stage.error);
}

bool act_sync_set(struct engine *e, const struct record *step)
{
	unsigned int groups = groups_of(step);
	struct kvm_sync_regs *sync = &e->vm->run->s.regs;
	struct cpu_state state;
	int error;

	if (groups & ~(GROUP_REGS | GROUP_SREGS | GROUP_EVENTS))
		return engine_error(e, "sync_set takes general and system registers and events");
	if (!changed_state(e, step, &state))
		return false;
	state_to_regs(&state, &sync->regs);
	state_to_sregs(&state, &sync->sregs);
	target_tr(e->target, &sync->sregs.tr);
	error = groups & GROUP_EVENTS ? changed_events(e, step, &sync->events) : 0;
	if (error)
		return engine_fail(e, "KVM_GET_VCPU_EVENTS: %s", strerror(error));
	e->vm->run->kvm_dirty_regs = (groups & GROUP_REGS ? KVM_SYNC_X86_REGS : 0) |
				     (groups & GROUP_SREGS ? KVM_SYNC_X86_SREGS : 0) |
				     (groups & GROUP_EVENTS ? KVM_SYNC_X86_EVENTS : 0);
	return stage_apply(&e->stage, step) || engine_error(e, "%s", e->stage.error);
}

/* ---- checking ------------------------------------------------------------------------- */

static bool check_events(struct engine *e, const struct record *step)
{
	struct kvm_vcpu_events ev;

	if (ioctl(e->vm->vcpu, KVM_GET_VCPU_EVENTS, &ev) < 0)
		return engine_fail(e, "KVM_GET_VCPU_EVENTS: %s", strerror(errno));
	for (unsigned int i = 0; i < step->nfields; i++) {
		const struct field *f = &step->fields[i];

		if (group_of(f->id) == GROUP_EVENTS &&
		    !action_equal(e, field_name(f->id), f->value, event_get(&ev, f->id)))
			return false;
	}
	return true;
}

static bool check_registers(struct engine *e, const struct record *step)
{
	struct cpu_state state;

	if (!vm_get_state(e->vm, &state, false, groups_of(step) & (GROUP_FPU | GROUP_XCRS)))
		return engine_fail(e, "%s", e->vm->error);
	for (unsigned int i = 0; i < step->nfields; i++) {
		const struct field *f = &step->fields[i];
		u64 *reg = state_reg(&state, f->id), got = 0;
		u32 bytes;
		const u8 *fpu = state_fpu_bytes(&state, f->id, &bytes);

		if (reg && !action_equal(e, field_name(f->id), f->value, *reg))
			return false;
		if (!fpu)
			continue;
		if (f->bytes ? !memcmp(fpu, f->blob, bytes) : !memcmp(fpu, &f->value, bytes))
			continue;
		memcpy(&got, fpu, bytes < 8 ? bytes : 8);
		action_equal(e, field_name(f->id), f->value, got);
		return engine_fail(e, "%s is not as expected", field_name(f->id));
	}
	return true;
}

bool act_check(struct engine *e, const struct record *step)
{
	unsigned int groups = groups_of(step);
	struct kvm_mp_state mp;
	int khz;

	if (groups & GROUP_EVENTS && !check_events(e, step))
		return false;
	if (groups & GROUP_MP_STATE) {
		if (ioctl(e->vm->vcpu, KVM_GET_MP_STATE, &mp) < 0)
			return engine_fail(e, "KVM_GET_MP_STATE: %s", strerror(errno));
		if (!action_equal(e, "mp_state", record_value(step, F_mp_state, 0), mp.mp_state))
			return false;
	}
	if (groups & GROUP_TSC_KHZ) {
		khz = ioctl(e->vm->vcpu, KVM_GET_TSC_KHZ, 0);
		if (khz < 0)
			return engine_fail(e, "KVM_GET_TSC_KHZ: %s", strerror(errno));
		if (!action_equal(e, "tsc_khz", record_value(step, F_tsc_khz, 0), (u64)khz))
			return false;
	}
	groups &= ~(GROUP_EVENTS | GROUP_MP_STATE | GROUP_TSC_KHZ);
	return !groups || check_registers(e, step);
}

/* ---- MSRs and the local APIC -------------------------------------------------------------- */

struct one_msr {
	struct kvm_msrs head;
	struct kvm_msr_entry entry;
};

/* Whether the VM's reset for the next case puts the MSR back. */
static bool msr_is_reset(const struct vm *vm, u32 index)
{
	for (u32 i = 0; i < vm->baseline.msrs->nmsrs; i++)
		if (vm->baseline.msrs->entries[i].index == index)
			return true;
	return false;
}

bool act_set_msr(struct engine *e, const struct record *step)
{
	struct one_msr msr = {
		.head.nmsrs = 1,
		.entry = { .index = (u32)record_value(step, F_index, 0),
			   .data = record_value(step, F_value, 0) },
	};
	int done = ioctl(e->vm->vcpu, KVM_SET_MSRS, &msr);

	if (done < 0)
		return action_result(e, step, "KVM_SET_MSRS", errno);
	if (done && !msr_is_reset(e->vm, msr.entry.index))
		e->vm->spoiled = true;
	return action_equal(e, "MSRs written by KVM_SET_MSRS",
			    !record_value(step, F_refused, 0), (u64)done);
}

bool act_check_msr(struct engine *e, const struct record *step)
{
	struct one_msr msr = {
		.head.nmsrs = 1,
		.entry.index = (u32)record_value(step, F_index, 0),
	};
	int done = ioctl(e->vm->vcpu, KVM_GET_MSRS, &msr);
	bool refused = record_value(step, F_refused, 0);
	u64 mask = record_value(step, F_mask, ~0ull);

	if (done < 0)
		return action_result(e, step, "KVM_GET_MSRS", errno);
	if (!action_equal(e, "MSRs read by KVM_GET_MSRS", !refused, (u64)done))
		return false;
	return refused || action_equal(e, "msr", record_value(step, F_value, 0) & mask,
				       msr.entry.data & mask);
}

static bool get_lapic(struct engine *e, const struct record *step, struct kvm_lapic_state *lapic)
{
	if (record_value(step, F_offset, 0) > sizeof(lapic->regs) - 4)
		return engine_error(e, "offset= is beyond the local APIC's registers");
	if (ioctl(e->vm->vcpu, KVM_GET_LAPIC, lapic) < 0)
		return engine_fail(e, "KVM_GET_LAPIC: %s", strerror(errno));
	return true;
}

bool act_set_lapic(struct engine *e, const struct record *step)
{
	u32 value = (u32)record_value(step, F_value, 0);
	struct kvm_lapic_state lapic;

	if (!get_lapic(e, step, &lapic))
		return false;
	memcpy(lapic.regs + record_value(step, F_offset, 0), &value, sizeof(value));
	return action_result(e, step, "KVM_SET_LAPIC",
			     ioctl(e->vm->vcpu, KVM_SET_LAPIC, &lapic) < 0 ? errno : 0);
}

bool act_check_lapic(struct engine *e, const struct record *step)
{
	u64 mask = record_value(step, F_mask, ~0u);
	struct kvm_lapic_state lapic;
	u32 value;

	if (!get_lapic(e, step, &lapic))
		return false;
	memcpy(&value, lapic.regs + record_value(step, F_offset, 0), sizeof(value));
	return action_equal(e, "local APIC register", record_value(step, F_value, 0) & mask,
			    value & mask);
}

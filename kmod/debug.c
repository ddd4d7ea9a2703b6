// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_SET_GUEST_DEBUG (KVM API 4.87): a debugger's steps and breakpoints, of which the
 * guest sees nothing, and KVM_EXIT_DEBUG.
 */
#include <linux/uaccess.h>

#include "internal.h"

/* ---- what the debugger asks for ------------------------------------------------------------- */

long assay_set_guest_debug(struct assay_vcpu *vcpu, void __user *argp)
{
	struct kvm_guest_debug debug;
	struct x86_fault fault = { 0 };

	if (copy_from_user(&debug, argp, sizeof(debug)))
		return -EFAULT;
	if (debug.control & ~ASSAY_GUEST_DEBUG)
		return -EINVAL;
	if (debug.control & (KVM_GUESTDBG_INJECT_BP | KVM_GUESTDBG_INJECT_DB)) {
		if (vcpu->events.exception.valid || vcpu->events.delivering.valid)
			return -EBUSY;
		fault.vector = debug.control & KVM_GUESTDBG_INJECT_DB ? X86_DB : X86_BP;
		x86_events_raise(&vcpu->events, &fault, 0);
	}
	if (!(debug.control & KVM_GUESTDBG_ENABLE))
		debug.control = 0;
	/* What the processor would refuse to enter with. */
	debug.arch.debugreg[7] = (debug.arch.debugreg[7] & ASSAY_DR7_WRITABLE) | X86_DR7_FIXED;
	vcpu->debug = debug;
	memcpy(vcpu->breakpoints, debug.arch.debugreg, 4 * sizeof(u64));
	vcpu->breakpoints[4] = debug.arch.debugreg[7];
	vcpu->exec.breakpoints = debug.control & KVM_GUESTDBG_USE_HW_BP ? vcpu->breakpoints : NULL;
	return 0;
}

/* ---- KVM_EXIT_DEBUG --------------------------------------------------------------------- */

static int tell(struct assay_vcpu *vcpu, u32 vector, u64 dr6)
{
	struct kvm_run *run = vcpu->run;

	run->exit_reason = KVM_EXIT_DEBUG;
	run->debug.arch.exception = vector;
	run->debug.arch.pc = vcpu->state.seg[X86_CS].base + vcpu->state.rip;
	run->debug.arch.dr6 = dr6;
	run->debug.arch.dr7 = assay_dr7(vcpu);
	return LEAVE;
}

int assay_debug_breakpoint(struct assay_vcpu *vcpu)
{
	return tell(vcpu, X86_BP, 0);
}

int assay_debug_trap(struct assay_vcpu *vcpu, const struct x86_fault *trap)
{
	if (vcpu->debug.control & (KVM_GUESTDBG_SINGLESTEP | KVM_GUESTDBG_USE_HW_BP))
		return tell(vcpu, X86_DB, trap->dr6 | X86_DR6_FIXED);
	x86_events_raise(&vcpu->events, trap, 0);
	return GO_ON;
}

/* ---- steps: TF, without the guest's knowing --------------------------------------------- */

void assay_step_begin(struct assay_vcpu *vcpu)
{
	vcpu->step_forced = !(vcpu->state.rflags & X86_FLAG_TF);
	vcpu->step_pushes = false;
	if (!vcpu->step_forced)
		return;
	assay_state_look(vcpu);
	x86_exec_begin(&vcpu->exec);
	vcpu->step_pushes = x86_instruction(&vcpu->exec) == X86_OK &&
			    vcpu->exec.insn.op == OP_PUSHF;
	vcpu->state.rflags |= X86_FLAG_TF;
}

/* PUSHF has stored the debugger's TF: bit 8, in the second byte of the image. */
static void clear_pushed(struct assay_vcpu *vcpu)
{
	const struct x86_state *s = &vcpu->state;
	struct x86_translation t;
	struct x86_fault fault;
	u64 linear;
	u8 byte;

	vcpu->exec.s = *s;
	linear = s->seg[X86_SS].base + (s->gpr[X86_RSP] & exec_mask(exec_stack_size(&vcpu->exec)));
	if (x86_walk(&vcpu->env, s, linear + 1, X86_ACCESS_WRITE | X86_ACCESS_IMPLICIT, &t,
		     &fault) != X86_OK)
		return;
	if (assay_ops.read(vcpu, t.gpa, &byte, 1) != X86_OK)
		return;
	byte &= ~(X86_FLAG_TF >> 8);
	assay_ops.write(vcpu, t.gpa, &byte, 1);
}

/* Called with preemption on: the guest's memory may have to be fetched. */
void assay_step_end(struct assay_vcpu *vcpu, const struct assay_exit *exit)
{
	vcpu->step_forced = false;
	vcpu->state.rflags &= ~X86_FLAG_TF;
	assay_state_look(vcpu);
	if (!vcpu->step_pushes || exit->reason != EXIT_EXCEPTION || exit->fault.vector != X86_DB)
		return;
	/* The instruction has been executed; only a task that dies can leave its TF there. */
	if (!assay_bus_take(vcpu, true))
		return;
	clear_pushed(vcpu);
	assay_bus_give(vcpu);
}

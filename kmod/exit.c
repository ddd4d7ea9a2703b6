// SPDX-License-Identifier: GPL-2.0-only
/* What follows from an exit of the processor, and from user space's answers. */
#include <asm/cpu.h>

#include "internal.h"
#include "stats.h"
#include "trace.h"

static const u8 forced_prefix[5] = { 0x0f, 0x0b, 'k', 'v', 'm' };

/* ---- exceptions --------------------------------------------------------------------------- */

int assay_raise(struct assay_vcpu *vcpu, const struct x86_fault *fault, u8 length)
{
	if (fault->vector == X86_BP && vcpu->debug.control & KVM_GUESTDBG_USE_SW_BP)
		return assay_debug_breakpoint(vcpu);
	x86_events_raise(&vcpu->events, fault, length);
	return GO_ON;
}

/* Whether RIP stands on the forced-emulation prefix. */
static bool forced(struct assay_vcpu *vcpu)
{
	struct x86_exec *x = &vcpu->exec;
	struct x86_translation t;
	u8 bytes[sizeof(forced_prefix)];
	unsigned int i;
	u64 linear;

	x->s = vcpu->state;
	if (exec_linear(x, X86_CS, vcpu->state.rip, sizeof(bytes), X86_ACCESS_FETCH, &linear) !=
	    X86_OK)
		return false;
	for (i = 0; i < sizeof(bytes); i++) {
		if (x86_walk(&vcpu->env, &vcpu->state, linear + i,
			     X86_ACCESS_FETCH | X86_ACCESS_PEEK, &t, &x->fault) != X86_OK ||
		    assay_ops.read(vcpu, t.gpa, &bytes[i], 1) != X86_OK)
			return false;
	}
	return !memcmp(bytes, forced_prefix, sizeof(bytes));
}

/*
 * #UD: an instruction of the other vendor, which a hypervisor makes work; the
 * forced-emulation prefix; else the guest's.
 */
int assay_undefined(struct assay_vcpu *vcpu)
{
	const struct x86_fault fault = { .vector = X86_UD };
	struct x86_fault breakpoint = { .vector = X86_DB };
	int ret;

	x86_exec_begin(&vcpu->exec);
	if (assay_force_emulation && forced(vcpu)) {
		vcpu->state.rip += sizeof(forced_prefix);
		/* VMX saves RF set at a fault's exit (SDM 3 28.3.3); the prefix is none. */
		vcpu->state.rflags &= ~X86_FLAG_RF;
		breakpoint.dr6 = x86_exec_breakpoints(&vcpu->exec);
		if (breakpoint.dr6)
			return assay_debug_trap(vcpu, &breakpoint);
		ret = assay_emulate(vcpu);
		/* A signal came before anything was done: next time it is emulated again. */
		if (ret == -EINTR)
			vcpu->state.rip -= sizeof(forced_prefix);
		return ret;
	}
	if (x86_instruction(&vcpu->exec) == X86_OK &&
	    (vcpu->exec.insn.op == OP_VMCALL || vcpu->exec.insn.op == OP_VMMCALL))
		return assay_hypercall(vcpu);
	return assay_raise(vcpu, &fault, 0);
}

/*
 * #AC: the guest's own check of alignment (SDM 3 7.15), or the host's for locked operands over
 * two cache lines, of which the guest knows nothing. Linux warns of that and lets this task do
 * it, or has it get SIGBUS, as the host was told (split_lock_detect=).
 */
static int alignment(struct assay_vcpu *vcpu, const struct assay_exit *exit)
{
	const struct x86_state *s = &vcpu->state;

	if (x86_cpl(s) == 3 && s->cr0 & CR0_AM && s->rflags & X86_FLAG_AC)
		return assay_raise(vcpu, &exit->fault, 0);
	if (handle_guest_split_lock(s->rip))
		return GO_ON;
	vcpu->run->exit_reason = KVM_EXIT_INTR;
	return -EINTR;
}

static int exception(struct assay_vcpu *vcpu, const struct assay_exit *exit)
{
	switch (exit->fault.vector) {
	case X86_AC:
		return alignment(vcpu, exit);
	case X86_UD:
		return assay_undefined(vcpu);
	case X86_DB:
		return assay_debug_trap(vcpu, &exit->fault);
	case X86_MC:
		/*
		 * The vendor has told the host's handler, which may leave the rest (to take the
		 * page away, to end the task) to the task's way out of the kernel.
		 */
		vcpu->run->exit_reason = KVM_EXIT_INTR;
		return -EINTR;
	default:
		return assay_raise(vcpu, &exit->fault, 0);
	}
}

/* ---- memory --------------------------------------------------------------------------------- */

static int memory(struct assay_vcpu *vcpu, const struct assay_exit *exit)
{
	bool write = exit->access & X86_ACCESS_WRITE;
	int ret = assay_memory_fault(vcpu->vm, exit->gpa, write);

	trace_assay_memory_fault(exit->gpa, write, ret);
	if (ret == 0) {
		assay_count(COUNT_MEMORY_FAULT);
		return GO_ON;
	}
	if (ret < 0)
		return ret;
	/* While an event is delivered there is no instruction that could be executed. */
	if (vcpu->events.delivering.valid) {
		vcpu->run->exit_reason = KVM_EXIT_INTERNAL_ERROR;
		vcpu->run->internal.suberror = KVM_INTERNAL_ERROR_DELIVERY_EV;
		vcpu->run->internal.ndata = 3;
		vcpu->run->internal.data[0] = exit->interrupted.vector;
		vcpu->run->internal.data[1] = exit->code;
		vcpu->run->internal.data[2] = exit->info1;
		return LEAVE;
	}
	return assay_mmio(vcpu, exit);
}

/* ---- task switches ------------------------------------------------------------------------- */

/* An instruction is executed by core/; an event's task gate leads to a task at once. */
static int task_switch(struct assay_vcpu *vcpu, const struct assay_exit *exit)
{
	u64 rip = vcpu->state.rip;

	if (!exit->task.gate)
		return assay_emulate(vcpu);
	if (exit->task.software) {
		x86_exec_begin(&vcpu->exec);
		if (x86_instruction(&vcpu->exec) == X86_OK)
			rip = vcpu->exec.next_rip;
	}
	x86_exec_begin_task(&vcpu->exec, exit->task.selector, rip,
			    exit->task.has_error ? &exit->task.error : NULL,
			    !exit->task.software);
	return assay_emulated(vcpu, assay_execute(vcpu));
}

/* ---- all of them ------------------------------------------------------------------------ */

static int failed(struct assay_vcpu *vcpu, const struct assay_exit *exit)
{
	if (exit->rule)
		pr_warn_ratelimited("entry refused: %s (%s)\n", exit->rule->name,
				    exit->rule->section);
	else
		pr_warn_ratelimited("entry refused: no rule that is known is broken\n");
	vcpu->run->exit_reason = KVM_EXIT_FAIL_ENTRY;
	vcpu->run->fail_entry.hardware_entry_failure_reason = exit->code;
	vcpu->run->fail_entry.cpu = READ_ONCE(vcpu->cpu);
	return LEAVE;
}

static int unknown(struct assay_vcpu *vcpu, const struct assay_exit *exit)
{
	pr_warn_ratelimited("exit %#llx is not known\n", exit->code);
	vcpu->run->exit_reason = KVM_EXIT_INTERNAL_ERROR;
	vcpu->run->internal.suberror = KVM_INTERNAL_ERROR_UNEXPECTED_EXIT_REASON;
	vcpu->run->internal.ndata = 2;
	vcpu->run->internal.data[0] = exit->code;
	vcpu->run->internal.data[1] = READ_ONCE(vcpu->cpu);
	return LEAVE;
}

/* What may need all of the state, or change it. */
static int slow(struct assay_vcpu *vcpu, const struct assay_exit *exit)
{
	assay_state_take(vcpu);
	switch (exit->reason) {
	case EXIT_NMI_WINDOW:
		vcpu->state.nmi_blocked = false;
		return GO_ON;
	case EXIT_INSTRUCTION:
		return assay_emulate(vcpu);
	case EXIT_HYPERCALL:
		return assay_hypercall(vcpu);
	case EXIT_EXCEPTION:
		return exception(vcpu, exit);
	case EXIT_TASK_SWITCH:
		return task_switch(vcpu, exit);
	case EXIT_SHUTDOWN:
		vcpu->run->exit_reason = KVM_EXIT_SHUTDOWN;
		return LEAVE;
	case EXIT_FAILED:
		return failed(vcpu, exit);
	default:
		return unknown(vcpu, exit);
	}
}

int assay_handle_exit(struct assay_vcpu *vcpu, const struct assay_exit *exit)
{
	switch (exit->reason) {
	case EXIT_NONE:
	case EXIT_INTERRUPT:
	case EXIT_NMI:
	case EXIT_WINDOW:
	case EXIT_STEP:
		return GO_ON;
	case EXIT_FPU:
		assay_fpu_wanted(vcpu);
		return GO_ON;
	case EXIT_CPUID:
		return assay_fast_cpuid(vcpu);
	case EXIT_HLT:
		return assay_fast_hlt(vcpu);
	case EXIT_MEMORY:
		return memory(vcpu, exit);
	default:
		return slow(vcpu, exit);
	}
}

/* ---- answers ---------------------------------------------------------------------------- */

/* The data that user space gave, to the instruction that waits for it. */
static int complete_exec(struct assay_vcpu *vcpu)
{
	struct x86_io *io = &vcpu->exec.io;

	vcpu->pending = PENDING_NONE;
	if (!io->write)
		memcpy(io->data, io->port ? assay_pio_data(vcpu) : vcpu->run->mmio.data, io->size);
	assay_fpu_to_exec(vcpu);	/* user space may have set it anew */
	return assay_emulated(vcpu, assay_execute(vcpu));
}

/* A hypercall's answer is RAX. */
static int complete_hypercall(struct assay_vcpu *vcpu)
{
	u64 answer = READ_ONCE(vcpu->run->hypercall.ret);

	vcpu->pending = PENDING_NONE;
	vcpu->state.gpr[X86_RAX] = x86_code64(&vcpu->state) ? answer : (u32)answer;
	return GO_ON;
}

static int complete_slow(struct assay_vcpu *vcpu)
{
	switch (vcpu->pending) {
	case PENDING_EXEC:
		return complete_exec(vcpu);
	case PENDING_MSR:
		return assay_complete_msr(vcpu);
	default:
		return complete_hypercall(vcpu);
	}
}

int assay_complete(struct assay_vcpu *vcpu)
{
	switch (vcpu->pending) {
	case PENDING_NONE:
		return GO_ON;
	case PENDING_MMIO:
		return assay_complete_mmio(vcpu);
	default:
		assay_state_take(vcpu);
		return complete_slow(vcpu);
	}
}

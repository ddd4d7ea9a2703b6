// SPDX-License-Identifier: GPL-2.0-only
/* VMCALL and VMMCALL, and a guest that halts (KVM API 5; Documentation/virt/kvm/x86). */
#include <linux/kvm_para.h>

#include "compat.h"
#include "internal.h"

/* KVM_HC_MAP_GPA_RANGE: aligned, not empty, and no attribute that is not defined. */
static bool range_valid(u64 gpa, u64 pages, u64 attributes)
{
	return !(gpa & ~PAGE_MASK) && pages && gpa + pages * PAGE_SIZE > gpa &&
	       !(attributes & ~0x1full);
}

static int ask(struct assay_vcpu *vcpu, u64 number, const u64 args[4])
{
	struct kvm_run *run = vcpu->run;

	run->exit_reason = KVM_EXIT_HYPERCALL;
	run->hypercall.nr = number;
	run->hypercall.args[0] = args[0];
	run->hypercall.args[1] = args[1];
	run->hypercall.args[2] = args[2];
	assay_set_hypercall_mode(run, x86_code64(&vcpu->state));
	vcpu->pending = PENDING_HYPERCALL;
	return LEAVE;
}

int assay_hypercall(struct assay_vcpu *vcpu)
{
	static const u8 order[4] = { X86_RBX, X86_RCX, X86_RDX, X86_RSI };
	struct x86_state *s = &vcpu->state;
	bool wide = x86_code64(s);
	u64 number = wide ? s->gpr[X86_RAX] : (u32)s->gpr[X86_RAX];
	u64 args[4], answer = (u64)-KVM_ENOSYS;
	unsigned int i;

	x86_exec_begin(&vcpu->exec);
	if (x86_instruction(&vcpu->exec) != X86_OK)
		return GO_ON;	/* its page has gone: it is fetched again */
	s->rip = vcpu->exec.next_rip;
	s->shadow = 0;
	for (i = 0; i < 4; i++)
		args[i] = wide ? s->gpr[order[i]] : (u32)s->gpr[order[i]];
	if (x86_cpl(s)) {
		answer = (u64)-KVM_EPERM;
	} else if (number == KVM_HC_MAP_GPA_RANGE &&
		   vcpu->vm->hypercall_exits & 1ull << KVM_HC_MAP_GPA_RANGE) {
		if (range_valid(args[0], args[1], args[2]))
			return ask(vcpu, number, args);
		answer = (u64)-KVM_EINVAL;
	} else if (number == KVM_HC_VAPIC_POLL_IRQ) {
		answer = 0;
	}
	s->gpr[X86_RAX] = wide ? answer : (u32)answer;
	return GO_ON;
}

/* HLT: without an irqchip in the kernel it is user space that waits. */
int assay_halted(struct assay_vcpu *vcpu)
{
	vcpu->state.activity = X86_ACTIVE;
	/* What could be delivered ends it at once. */
	if (vcpu->events.nmis || (vcpu->events.interrupt_pending &&
					 vcpu->state.rflags & X86_FLAG_IF))
		return GO_ON;
	vcpu->run->exit_reason = KVM_EXIT_HLT;
	return LEAVE;
}

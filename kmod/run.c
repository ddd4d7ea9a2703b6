// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_RUN: entering the guest until user space is needed. kvm_run is shared memory that
 * another thread may write at any time: everything in it is read once.
 */
#include <linux/sched/signal.h>
#include <linux/smp.h>
#include <linux/vtime.h>

#include "compat.h"
#include "internal.h"
#include "stats.h"
#include "trace.h"

/* ---- calling a vCPU out of the guest ------------------------------------------------------ */

static void called(void *unused)
{
}

/*
 * All vCPUs come out of the guest, and are out when this returns: the processor that answers
 * the call has left its guest to do so. They go in again when they have looked at generation.
 */
void assay_kick_all(struct assay_vm *vm)
{
	unsigned int i;
	int cpu;

	/* Pairs with enter(): a vCPU is seen to be in the guest, or it will still look. */
	smp_mb();
	preempt_disable();
	for (i = 0; i < ASSAY_VCPUS; i++) {
		struct assay_vcpu *vcpu = READ_ONCE(vm->vcpus[i]);

		if (!vcpu || !smp_load_acquire(&vcpu->in_guest))
			continue;
		cpu = READ_ONCE(vcpu->cpu);
		if (cpu == smp_processor_id())
			continue;
		assay_count(COUNT_KICK);
		smp_call_function_single(cpu, called, NULL, true);
	}
	preempt_enable();
}

/* Interrupts are off: whatever comes later ends the guest. */
bool assay_vcpu_kicked(struct assay_vcpu *vcpu)
{
	return READ_ONCE(vcpu->vm->memory.generation) != vcpu->generation || need_resched() ||
	       atomic_read(&vcpu->vm->exclusive) || signal_pending(current);
}

/* What is seen of entries and exits: counters, tracepoints, the vCPU's ring. */
static void observe_entry(struct assay_vcpu *vcpu, const struct x86_event *event,
			  unsigned int windows)
{
	trace_assay_entry(vcpu, windows);
	if (!event->valid)
		return;
	assay_count(COUNT_INJECTION);
	trace_assay_inject(vcpu, event);
}

static void observe_exit(struct assay_vcpu *vcpu, const struct assay_exit *exit)
{
	assay_count(COUNT_EXIT + exit->reason);
	if (exit->reason == EXIT_NONE)
		return;
	trace_assay_exit(vcpu, exit, vendor->isa);
	assay_ring_exit(vcpu, exit);
}

/* ---- one entry -------------------------------------------------------------------------- */

static bool wants_window(const struct assay_vcpu *vcpu)
{
	return READ_ONCE(vcpu->run->request_interrupt_window);
}

/*
 * What the thread uses in between is a guest's time (proc(5)). A tick that ends the guest is
 * taken before the vendor comes back, and so belongs to it.
 */
static void begin_guest_time(void)
{
	local_irq_disable();
	vtime_account_guest_enter();
	local_irq_enable();
}

static void end_guest_time(void)
{
	local_irq_disable();
	vtime_account_guest_exit();
	local_irq_enable();
}

static void enter(struct assay_vcpu *vcpu, struct assay_exit *exit)
{
	struct x86_event event = { .valid = false };
	unsigned int windows = 0;

	if (unlikely(!x86_events_none(&vcpu->events)))
		event = x86_events_next(&vcpu->events, &vcpu->state, &windows);
	if (wants_window(vcpu))
		windows |= X86_WINDOW_INTERRUPT;
	vcpu->ran = true;
	if (unlikely(assay_stepping(vcpu)))
		assay_step_begin(vcpu);
	observe_entry(vcpu, &event, windows);
	preempt_disable();
	vendor->load(vcpu);
	WRITE_ONCE(vcpu->cpu, smp_processor_id());
	WRITE_ONCE(vcpu->in_guest, true);
	smp_mb();	/* pairs with assay_kick_all() */
	if (vcpu->generation != READ_ONCE(vcpu->vm->memory.generation)) {
		vcpu->generation = READ_ONCE(vcpu->vm->memory.generation);
		vcpu->flush = true;
	}
	assay_fpu_to_guest(vcpu);
	begin_guest_time();
	vendor->run(vcpu, &event, windows, exit);
	end_guest_time();
	WRITE_ONCE(vcpu->in_guest, false);
	if (vendor->put)
		vendor->put(vcpu);
	preempt_enable();
	if (unlikely(vcpu->step_forced))
		assay_step_end(vcpu, exit);
	x86_events_delivered(&vcpu->events);
	if (unlikely(exit->interrupted.valid))
		x86_events_interrupted(&vcpu->events, &exit->interrupted);
	observe_exit(vcpu, exit);
}

/* Until something happens that is not the processor's, or core/'s, own business. */
static int go(struct assay_vcpu *vcpu)
{
	if (vendor->interprets && vendor->interprets(vcpu))
		return assay_interpret(vcpu);
	if (unlikely(atomic_read(&vcpu->vm->exclusive)) && !assay_bus_wait(vcpu))
		return GO_ON;	/* to the look at signals */
	enter(vcpu, &vcpu->exit);
	if (likely(vcpu->exit.reason == EXIT_PORT))
		return assay_port(vcpu, &vcpu->exit);
	return assay_handle_exit(vcpu, &vcpu->exit);
}

/* ---- the loop --------------------------------------------------------------------------- */

static int leave(struct assay_vcpu *vcpu, u32 reason, int ret)
{
	vcpu->run->exit_reason = reason;
	return ret;
}

/* Whether user space can inject an interrupt at once. */
static bool ready_for_interrupt(struct assay_vcpu *vcpu)
{
	return x86_interrupt_open(&vcpu->events, &vcpu->state) &&
	       !vcpu->events.interrupt_pending;
}

static int loop(struct assay_vcpu *vcpu)
{
	int ret = GO_ON;

	while (ret == GO_ON) {
		/* HLT has been executed, whatever comes now. */
		if (vcpu->state.activity == X86_HALTED) {
			ret = assay_halted(vcpu);
			continue;
		}
		if (signal_pending(current))
			return leave(vcpu, KVM_EXIT_INTR, -EINTR);
		if (wants_window(vcpu) && ready_for_interrupt(vcpu))
			return leave(vcpu, KVM_EXIT_IRQ_WINDOW_OPEN, 0);
		if (vcpu->events.shutdown) {
			vcpu->events.shutdown = false;
			return leave(vcpu, KVM_EXIT_SHUTDOWN, 0);
		}
		ret = go(vcpu);
		cond_resched();
	}
	return ret;
}

/* What every exit tells (KVM API 5, struct kvm_run). */
static void publish(struct assay_vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	u64 valid;

	run->if_flag = !!(vcpu->state.rflags & X86_FLAG_IF);
	run->cr8 = vcpu->state.cr8;
	run->apic_base = vcpu->state.msr.apic_base;
	run->ready_for_interrupt_injection = ready_for_interrupt(vcpu);
	run->flags = 0;
	valid = READ_ONCE(run->kvm_valid_regs);
	if (unlikely(valid))
		assay_publish_sync(vcpu, valid);
}

/* Signals that may come only while the guest runs (KVM_SET_SIGNAL_MASK, KVM API 4.16). */
static void let_signals_in(struct assay_vcpu *vcpu, sigset_t *blocked)
{
	if (vcpu->sigmask_set)
		sigprocmask(SIG_SETMASK, &vcpu->sigmask, blocked);
}

static void keep_signals_out(struct assay_vcpu *vcpu, sigset_t *blocked)
{
	if (vcpu->sigmask_set)
		sigprocmask(SIG_SETMASK, blocked, NULL);
}

/* What user space has put into kvm_run since the last exit; GO_ON if all is well. */
static int take_answers(struct assay_vcpu *vcpu)
{
	u64 valid = READ_ONCE(vcpu->run->kvm_valid_regs);
	u64 dirty = READ_ONCE(vcpu->run->kvm_dirty_regs);
	int ret = 0;

	if (unlikely(valid | dirty))
		ret = assay_take_sync(vcpu, valid, dirty);
	if (!ret)
		ret = assay_take_cr8(vcpu);
	if (ret)
		return ret;
	if (likely(vcpu->pending == PENDING_PORT))
		return assay_complete_port(vcpu);
	return assay_complete(vcpu);
}

int assay_run(struct assay_vcpu *vcpu)
{
	sigset_t blocked;
	int ret;

	let_signals_in(vcpu, &blocked);
	ret = take_answers(vcpu);
	if (ret == GO_ON) {
		if (assay_immediate_exit(vcpu->run))
			ret = leave(vcpu, KVM_EXIT_INTR, -EINTR);
		else
			ret = loop(vcpu);
	}
	assay_fpu_to_host(vcpu);
	publish(vcpu);
	assay_count(COUNT_LEAVE);
	trace_assay_leave(vcpu, READ_ONCE(vcpu->run->exit_reason), ret);
	keep_signals_out(vcpu, &blocked);
	return ret;
}

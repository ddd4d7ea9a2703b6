// SPDX-License-Identifier: GPL-2.0-only
/*
 * The executor of core/ at work on a vCPU: guest memory from slots, ports and MMIO from
 * user space, and what becomes of its results.
 */
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>
#include <linux/wait.h>

#include "internal.h"
#include "peek.h"
#include "stats.h"
#include "trace.h"

/* ---- guest memory, as the executor asks for it -------------------------------------------- */

/* Address in the task of a guest-physical one; false: no slot, or not for writing. */
static bool user_address(struct assay_vcpu *vcpu, u64 gpa, bool write, void __user **address,
			 struct assay_slot **slot)
{
	struct assay_slot *found = assay_slot_of(&vcpu->vm->memory, gpa >> PAGE_SHIFT);

	if (!found || (write && found->flags & KVM_MEM_READONLY))
		return false;
	*slot = found;
	*address = (void __user *)(found->user + (gpa - (found->base << PAGE_SHIFT)));
	return true;
}

/* Entries of page tables are most of what is read, and cheaper as what they are: numbers. */
static bool read_user(void *data, void __user *address, unsigned int size)
{
	if (size == sizeof(u64))
		return !get_user(*(u64 *)data, (u64 __user *)address);
	return !copy_from_user(data, address, size);
}

static bool read_quickly(struct assay_memory *memory, u64 gpa, u64 *data)
{
	struct assay_peek peek;
	bool got;

	assay_peek_begin(&peek, memory);
	got = assay_peek(&peek, gpa, data);
	return assay_peek_end(&peek) && got;
}

static enum x86_result memory_read(void *opaque, u64 gpa, void *data, unsigned int size)
{
	struct assay_vcpu *vcpu = opaque;
	enum x86_result result = X86_IO;
	struct assay_slot *slot;
	void __user *address;

	if (size == sizeof(u64) && read_quickly(&vcpu->vm->memory, gpa, data))
		return X86_OK;
	if (down_read_killable(&vcpu->vm->memory.slots_lock))
		return X86_ERROR;
	if (user_address(vcpu, gpa, false, &address, &slot))
		result = read_user(data, address, size) ? X86_OK : X86_ERROR;
	up_read(&vcpu->vm->memory.slots_lock);
	return result;
}

static enum x86_result memory_write(void *opaque, u64 gpa, const void *data, unsigned int size)
{
	struct assay_vcpu *vcpu = opaque;
	enum x86_result result = X86_IO;
	struct assay_slot *slot;
	void __user *address;

	if (down_read_killable(&vcpu->vm->memory.slots_lock))
		return X86_ERROR;
	if (user_address(vcpu, gpa, true, &address, &slot)) {
		result = copy_to_user(address, data, size) ? X86_ERROR : X86_OK;
		if (result == X86_OK)
			assay_slot_dirty(slot, gpa >> PAGE_SHIFT);
	}
	up_read(&vcpu->vm->memory.slots_lock);
	return result;
}

/* 0 done, 1 memory has changed, -EFAULT. Within one page. */
#define USER_CMPXCHG(type)							\
static int user_cmpxchg_##type(void __user *address, const void *old, const void *new) \
{										\
	type want, put;								\
										\
	memcpy(&want, old, sizeof(want));					\
	memcpy(&put, new, sizeof(put));						\
	return __try_cmpxchg_user((type __user *)address, &want, put, failed_##type); \
}

USER_CMPXCHG(u8)
USER_CMPXCHG(u16)
USER_CMPXCHG(u32)
USER_CMPXCHG(u64)

/* CMPXCHG16B has no user-space form in the kernel: it is done on the page itself. */
static int user_cmpxchg16(void __user *address, const void *old, const void *new)
{
	unsigned long user = (unsigned long)address;
	struct page *page;
	u64 want[2], put[2];
	__uint128_t *there;
	void *mapped;
	bool done;

	if (get_user_pages_unlocked(user, 1, &page, FOLL_WRITE) != 1)
		return -EFAULT;
	memcpy(want, old, sizeof(want));
	memcpy(put, new, sizeof(put));
	mapped = kmap_local_page(page);
	there = mapped + offset_in_page(user);
	asm volatile("lock cmpxchg16b %1"
		     : "=@ccz"(done), "+m"(*there), "+a"(want[0]), "+d"(want[1])
		     : "b"(put[0]), "c"(put[1])
		     : "memory");
	kunmap_local(mapped);
	if (done)
		set_page_dirty_lock(page);
	put_page(page);
	return done ? 0 : 1;
}

static int user_cmpxchg(void __user *address, const void *old, const void *new, unsigned int size)
{
	switch (size) {
	case 1:
		return user_cmpxchg_u8(address, old, new);
	case 2:
		return user_cmpxchg_u16(address, old, new);
	case 4:
		return user_cmpxchg_u32(address, old, new);
	case 8:
		return user_cmpxchg_u64(address, old, new);
	case 16:
		return user_cmpxchg16(address, old, new);
	default:
		return -EINVAL;
	}
}

static enum x86_result memory_cmpxchg(void *opaque, u64 gpa, const void *old, const void *new,
				      unsigned int size, bool *done)
{
	struct assay_vcpu *vcpu = opaque;
	enum x86_result result = X86_IO;
	struct assay_slot *slot;
	void __user *address;
	int ret;

	if (down_read_killable(&vcpu->vm->memory.slots_lock))
		return X86_ERROR;
	if (user_address(vcpu, gpa, true, &address, &slot)) {
		ret = user_cmpxchg(address, old, new, size);
		*done = ret == 0;
		result = ret < 0 ? X86_ERROR : X86_OK;
		if (*done)
			assay_slot_dirty(slot, gpa >> PAGE_SHIFT);
	}
	up_read(&vcpu->vm->memory.slots_lock);
	return result;
}

/* ---- the rest of the seam ------------------------------------------------------------------- */

static enum x86_result read_msr(void *opaque, u32 index, u64 *value)
{
	return assay_guest_rdmsr(opaque, index, value);
}

static enum x86_result write_msr(void *opaque, u32 index, u64 value)
{
	return assay_guest_wrmsr(opaque, index, value);
}

static void read_cpuid(void *opaque, u32 leaf, u32 subleaf, u32 regs[4])
{
	struct assay_vcpu *vcpu = opaque;

	assay_cpuid(vcpu, leaf, subleaf, regs);
	/* User space may promise what it likes; XCR0 is loaded into the processor's own. */
	if (vcpu->exec.insn.op == OP_XSETBV) {
		regs[0] &= assay_xcr0_supported();
		regs[3] = 0;
	}
}

static u64 read_tsc(void *opaque)
{
	struct assay_vcpu *vcpu = opaque;

	return rdtsc() + vcpu->tsc_offset;
}

static void flush(void *opaque, u64 linear, bool all)
{
	struct assay_vcpu *vcpu = opaque;

	vcpu->flush = true;
}

/* ---- the bus ------------------------------------------------------------------------------ */

bool assay_bus_wait(struct assay_vcpu *vcpu)
{
	struct assay_vm *vm = vcpu->vm;

	return !wait_event_interruptible(vm->bus_given, !atomic_read(&vm->exclusive));
}

/*
 * A share of the bus. Who has it, or all of it, may sleep until the task brings a page that is
 * missing (userfaultfd), so whoever waits goes when a signal comes: false. What has begun must
 * be ended before a signal counts (KVM API 5): then only one that kills does.
 */
bool assay_bus_take(struct assay_vcpu *vcpu, bool begun)
{
	struct assay_vm *vm = vcpu->vm;

	if (begun)
		return !down_read_killable(&vm->bus);
	if (atomic_read(&vm->exclusive) && !assay_bus_wait(vcpu))
		return false;
	return !down_read_interruptible(&vm->bus);
}

void assay_bus_give(struct assay_vcpu *vcpu)
{
	struct assay_vm *vm = vcpu->vm;

	up_read(&vm->bus);
	if (atomic_read(&vm->exclusive))
		wake_up_all(&vm->bus_given);
}

/*
 * The whole bus for this vCPU: the others leave the guest and the executor, and wait at the
 * door. The caller had a share of it, and has none when this ends or fails (assay_execute()).
 */
static enum x86_result exclusive(void *opaque, bool on)
{
	struct assay_vcpu *vcpu = opaque;
	struct assay_vm *vm = vcpu->vm;
	enum x86_result result = X86_OK;

	if (on) {
		atomic_inc(&vm->exclusive);
		assay_bus_give(vcpu);
		vcpu->shares_bus = false;
		assay_kick_all(vm);
		if (!wait_event_interruptible(vm->bus_given, down_write_trylock(&vm->bus)))
			return X86_OK;
		result = X86_SIGNAL;
	} else {
		up_write(&vm->bus);
	}
	atomic_dec(&vm->exclusive);
	wake_up_all(&vm->bus_given);
	return result;
}

enum x86_result assay_execute(struct assay_vcpu *vcpu)
{
	enum x86_result result;

	if (!assay_bus_take(vcpu, x86_exec_waits(&vcpu->exec)))
		return X86_SIGNAL;
	vcpu->shares_bus = true;
	result = x86_execute(&vcpu->exec);
	if (vcpu->shares_bus)
		assay_bus_give(vcpu);
	return result;
}

const struct x86_ops assay_ops = {
	.read = memory_read, .write = memory_write, .exchange = memory_cmpxchg,
	.rdmsr = read_msr, .wrmsr = write_msr, .cpuid = read_cpuid, .tsc = read_tsc,
	.flush = flush, .exclusive = exclusive,
};

/* ---- what becomes of an instruction ----------------------------------------------------- */

/* User space does it: a port, or memory that is none. */
static int ask(struct assay_vcpu *vcpu)
{
	const struct x86_io *io = &vcpu->exec.io;
	struct kvm_run *run = vcpu->run;

	vcpu->pending = PENDING_EXEC;
	if (io->port) {
		run->exit_reason = KVM_EXIT_IO;
		run->io.direction = io->write ? KVM_EXIT_IO_OUT : KVM_EXIT_IO_IN;
		run->io.size = io->size;
		run->io.port = io->address;
		run->io.count = 1;
		run->io.data_offset = KVM_PIO_PAGE_OFFSET * PAGE_SIZE;
		memcpy(assay_pio_data(vcpu), io->data, io->size);
		return LEAVE;
	}
	run->exit_reason = KVM_EXIT_MMIO;
	run->mmio.phys_addr = io->address;
	run->mmio.len = io->size;
	run->mmio.is_write = io->write;
	memset(run->mmio.data, 0, sizeof(run->mmio.data));
	if (io->write)
		memcpy(run->mmio.data, io->data, io->size);
	return LEAVE;
}

/*
 * The instruction is beyond core/: KVM_EXIT_INTERNAL_ERROR, with which user space ends the VM.
 * A program of the guest's must not be able to do that to its kernel: it gets #UD, as with KVM.
 */
static int give_up(struct assay_vcpu *vcpu)
{
	static const struct x86_fault undefined = { .vector = X86_UD };
	struct kvm_run *run = vcpu->run;

	if (x86_cpl(&vcpu->state) != 0) {
		x86_exec_begin(&vcpu->exec);
		return assay_raise(vcpu, &undefined, 0);
	}
	run->exit_reason = KVM_EXIT_INTERNAL_ERROR;
	run->internal.suberror = KVM_INTERNAL_ERROR_EMULATION;
	run->internal.ndata = 0;
	return LEAVE;
}

/*
 * An instruction that has ended, all but its traps, and a debugger's step; or the task switch
 * by which an event was delivered.
 */
static int ended(struct assay_vcpu *vcpu)
{
	struct x86_fault trap = { .vector = X86_DB, .dr6 = vcpu->exec.trap };

	/* Only VMX takes what MOV SS holds back with it into the guest. */
	if (!vendor->interprets) {
		trap.dr6 |= vcpu->state.held;
		vcpu->state.held = 0;
	}
	x86_events_delivered(&vcpu->events);
	if (assay_stepping(vcpu))
		trap.dr6 |= X86_DR6_BS;
	return trap.dr6 ? assay_debug_trap(vcpu, &trap) : GO_ON;
}

static int faulted(struct assay_vcpu *vcpu)
{
	const struct x86_event *event = &vcpu->exec.event;
	struct x86_fault *fault = &vcpu->exec.fault;

	/* The debugger's own INT3 is not executed: RIP stays on it, as at a processor's exit. */
	if (fault->vector == X86_BP && vcpu->debug.control & KVM_GUESTDBG_USE_SW_BP)
		return assay_debug_breakpoint(vcpu);
	if (fault->software)
		vcpu->state.rip = vcpu->exec.next_rip;
	/* An INT n that cannot be delivered faults itself. */
	if (event->valid && !vcpu->exec.late)
		vcpu->state.rip -= event->length;
	return assay_raise(vcpu, fault, vcpu->exec.insn.length);
}

/* Whether the executor must go on at once: a write has been taken, or lost a race. */
static bool goes_on(struct assay_vcpu *vcpu, enum x86_result result)
{
	if (result == X86_RETRY) {
		cond_resched();
		return !fatal_signal_pending(current);
	}
	return result == X86_IO && vcpu->pending != PENDING_MSR && vcpu->exec.io.write &&
	       assay_io_write(vcpu, &vcpu->exec.io);
}

/*
 * A REP instruction goes on here too, item by item: behind the forced-emulation prefix the
 * processor would take over. What the guest or the task is waiting for comes in between.
 */
static bool repeats(struct assay_vcpu *vcpu, enum x86_result result)
{
	if (result != X86_OK || !vcpu->exec.stay || vcpu->exec.trap || assay_stepping(vcpu) ||
	    signal_pending(current) || vcpu->events.nmis || vcpu->events.interrupt_pending)
		return false;
	cond_resched();
	x86_exec_begin(&vcpu->exec);
	return true;
}

int assay_emulated(struct assay_vcpu *vcpu, enum x86_result result)
{
	while (goes_on(vcpu, result) || repeats(vcpu, result))
		result = assay_execute(vcpu);
	/* Through a task gate the event has been delivered, even to a task that faults at once. */
	if (vcpu->exec.task.wanted && (result == X86_OK || vcpu->exec.late))
		x86_events_delivered(&vcpu->events);
	switch (result) {
	case X86_OK:
		return ended(vcpu);
	case X86_FAULT:
		return faulted(vcpu);
	case X86_IO:
		return vcpu->pending == PENDING_MSR ? LEAVE : ask(vcpu);
	case X86_RETRY:
	case X86_SIGNAL:
		vcpu->run->exit_reason = KVM_EXIT_INTR;
		return -EINTR;
	case X86_ERROR:
		return -EFAULT;
	default:
		return give_up(vcpu);
	}
}

static enum x86_result begin_instruction(struct assay_vcpu *vcpu)
{
	enum x86_result result;

	x86_exec_begin(&vcpu->exec);
	assay_fpu_to_exec(vcpu);
	result = assay_execute(vcpu);
	assay_count(COUNT_EMULATION);
	trace_assay_emulate(vcpu, result);
	return result;
}

static int end_instruction(struct assay_vcpu *vcpu, enum x86_result result, u64 cr8)
{
	int ret = assay_emulated(vcpu, result);

	/* User space has the APIC, and may have held an interrupt back (KVM API 5). */
	if (ret == GO_ON && vcpu->state.cr8 < cr8) {
		vcpu->run->exit_reason = KVM_EXIT_SET_TPR;
		return LEAVE;
	}
	return ret;
}

int assay_emulate(struct assay_vcpu *vcpu)
{
	u64 cr8 = vcpu->state.cr8;

	assay_state_take(vcpu);
	return end_instruction(vcpu, begin_instruction(vcpu), cr8);
}

/* ---- without the processor ------------------------------------------------------------------ */

static int deliver(struct assay_vcpu *vcpu, const struct x86_event *event)
{
	assay_count(COUNT_INJECTION);
	trace_assay_inject(vcpu, event);
	x86_exec_begin_event(&vcpu->exec, event);
	assay_fpu_to_exec(vcpu);
	return assay_emulated(vcpu, assay_execute(vcpu));
}

/* What a processor's exit would have said: the forced-emulation prefix, hypercalls. */
static bool exits(const struct assay_vcpu *vcpu, enum x86_result result)
{
	const struct x86_exec *x = &vcpu->exec;

	if (result == X86_UNIMPLEMENTED)
		return x->insn.op == OP_VMCALL || x->insn.op == OP_VMMCALL;
	return result == X86_FAULT && x->fault.vector == X86_UD;
}

int assay_interpret(struct assay_vcpu *vcpu)
{
	struct x86_fault trap = { .vector = X86_DB };
	u64 cr8 = vcpu->state.cr8;
	enum x86_result result;
	struct x86_event event;
	unsigned int windows;

	vcpu->ran = true;
	event = x86_events_next(&vcpu->events, &vcpu->state, &windows);
	if (event.valid)
		return deliver(vcpu, &event);
	trap.dr6 = x86_exec_breakpoints(&vcpu->exec);
	if (trap.dr6)
		return assay_debug_trap(vcpu, &trap);
	result = begin_instruction(vcpu);
	if (exits(vcpu, result))
		return assay_undefined(vcpu);
	return end_instruction(vcpu, result, cr8);
}

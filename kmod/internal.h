/* SPDX-License-Identifier: GPL-2.0-only */
/* What the module's Linux side shares among its files. */
#pragma once

#include "assay.h"

#undef pr_fmt
#define pr_fmt(fmt) "assay: " fmt

/* power.c: the processors. 0, or -EBUSY, -ENODEV with the reason in the log. */
void assay_power_init(void);
void assay_power_exit(void);
int assay_power_get(void);
void assay_power_put(void);

/* Module parameters. */
extern bool assay_force_emulation;

/* dev.c: what both /dev/assay and a VM answer. */
long assay_check_extension(unsigned long capability);

/* vm.c */
int assay_vm_create(void);
void assay_vm_get(struct assay_vm *vm);
void assay_vm_put(struct assay_vm *vm);
/* A copy of user space's that stays: charged to the task, for kvfree(). Or ERR_PTR(). */
void *assay_copy_charged(const void __user *from, size_t bytes);

/* slots.c */
struct assay_slot *assay_slot_of(struct assay_memory *memory, u64 page);
struct assay_peek;
bool assay_peek_other(struct assay_peek *peek, u64 gpa);
void assay_slot_dirty(struct assay_slot *slot, u64 page);
int assay_set_region(struct assay_vm *vm, const struct kvm_userspace_memory_region *region);
int assay_get_dirty_log(struct assay_vm *vm, const struct kvm_dirty_log *log);
int assay_clear_dirty_log(struct assay_vm *vm, const struct kvm_clear_dirty_log *log);
int assay_enable_manual_log(struct assay_vm *vm, u64 options);
void assay_slots_free(struct assay_memory *memory);

/* memory.c */
int assay_memory_init(struct assay_vm *vm);
void assay_memory_destroy(struct assay_vm *vm);
int assay_memory_fault(struct assay_vm *vm, u64 gpa, bool write);
void assay_memory_begin(struct assay_vm *vm, const struct assay_slot *slot);
void assay_memory_end(struct assay_vm *vm);
bool assay_memory_protect(struct assay_vm *vm, u64 page, unsigned long mask);
void assay_memory_flush(struct assay_vm *vm);

/* vcpu.c */
int assay_vcpu_create(struct assay_vm *vm, unsigned int id);
void assay_vcpu_destroy(struct assay_vcpu *vcpu);
void *assay_pio_data(struct assay_vcpu *vcpu);

/* All of vcpu->state is true: to be read, or to be changed as well. */
static inline void assay_state_look(struct assay_vcpu *vcpu)
{
	if (!vcpu->cold_away)
		return;
	vendor->fetch(vcpu);
	vcpu->cold_away = false;
}

/*
 * CS, SS and CR3 are true, and so are the control registers to which writes exit: to be read, by
 * who wants to know of the code at RIP and of the tables.
 */
static inline void assay_state_look_code(struct assay_vcpu *vcpu)
{
	if (vcpu->cold_away)
		vendor->fetch_code(vcpu);
}

static inline void assay_state_take(struct assay_vcpu *vcpu)
{
	assay_state_look(vcpu);
	vcpu->cold_changed = true;
}

/* state.c: KVM_GET and KVM_SET of registers. Each returns 0 or -errno. */
void assay_state_reset(struct assay_vcpu *vcpu);
long assay_state_ioctl(struct assay_vcpu *vcpu, unsigned int ioctl, unsigned long arg);
void assay_get_regs(struct assay_vcpu *vcpu, struct kvm_regs *regs);
void assay_set_regs(struct assay_vcpu *vcpu, const struct kvm_regs *regs);
void assay_get_sregs(struct assay_vcpu *vcpu, struct kvm_sregs *sregs);
int assay_set_sregs(struct assay_vcpu *vcpu, const struct kvm_sregs *sregs);
/* KVM_CAP_SYNC_REGS; valid, dirty: kvm_valid_regs, kvm_dirty_regs, read once. */
int assay_take_sync(struct assay_vcpu *vcpu, u64 valid, u64 dirty);
void assay_publish_sync(struct assay_vcpu *vcpu, u64 valid);
int assay_take_cr8(struct assay_vcpu *vcpu);

/* events.c: KVM_INTERRUPT, KVM_NMI, KVM_GET and KVM_SET_VCPU_EVENTS. */
int assay_interrupt(struct assay_vcpu *vcpu, u32 vector);
void assay_get_events(struct assay_vcpu *vcpu, struct kvm_vcpu_events *events);
int assay_set_events(struct assay_vcpu *vcpu, const struct kvm_vcpu_events *events);

/* run.c */
int assay_run(struct assay_vcpu *vcpu);
void assay_kick_all(struct assay_vm *vm);

/* What a handler says: go on in the guest, leave to user space; or -errno. */
#define GO_ON 1
#define LEAVE 0

/* An exception for the guest, or for its debugger. */
int assay_raise(struct assay_vcpu *vcpu, const struct x86_fault *fault, u8 length);

/* debug.c: KVM_SET_GUEST_DEBUG. A trap goes to the debugger, if it has asked, or to the guest. */
#define ASSAY_DR7_WRITABLE 0xffff2bffull	/* SDM 3 figure 17-1 */
#define ASSAY_GUEST_DEBUG (KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP | \
			   KVM_GUESTDBG_USE_SW_BP | KVM_GUESTDBG_USE_HW_BP | \
			   KVM_GUESTDBG_INJECT_BP | KVM_GUESTDBG_INJECT_DB)
long assay_set_guest_debug(struct assay_vcpu *vcpu, void __user *argp);
int assay_debug_trap(struct assay_vcpu *vcpu, const struct x86_fault *trap);
int assay_debug_breakpoint(struct assay_vcpu *vcpu);
static inline bool assay_stepping(const struct assay_vcpu *vcpu)
{
	return vcpu->debug.control & KVM_GUESTDBG_SINGLESTEP;
}

/* Around an entry while assay_stepping(); the second only after step_forced. */
void assay_step_begin(struct assay_vcpu *vcpu);
void assay_step_end(struct assay_vcpu *vcpu, const struct assay_exit *exit);

/* exit.c: what follows from an exit of the processor; but EXIT_PORT's is assay_port()'s. */
int assay_handle_exit(struct assay_vcpu *vcpu, const struct assay_exit *exit);
/* #UD of the instruction at RIP: it may be one that is executed for the guest. */
int assay_undefined(struct assay_vcpu *vcpu);
/* What user space was asked for has been answered, or is now asked for; but PENDING_PORT. */
int assay_complete(struct assay_vcpu *vcpu);

/* fast.c: what needs no executor, and PENDING_PORT. */
int assay_port(struct assay_vcpu *vcpu, const struct assay_exit *exit);
int assay_complete_port(struct assay_vcpu *vcpu);
int assay_fast_cpuid(struct assay_vcpu *vcpu);
int assay_fast_hlt(struct assay_vcpu *vcpu);

/* Whether nothing may follow an instruction but the next one: no trap, no breakpoint. */
static inline bool assay_plain(const struct assay_vcpu *vcpu)
{
	return !(vcpu->state.rflags & X86_FLAG_TF) && !vcpu->debug.control &&
	       !(vcpu->state.dr7 & X86_DR7_ENABLES);
}

/* An instruction has been done without the executor. */
static inline void assay_advance(struct assay_vcpu *vcpu, u64 next_rip)
{
	vcpu->state.rip = next_rip;
	vcpu->state.rflags &= ~X86_FLAG_RF;
	vcpu->state.shadow = 0;
	x86_events_delivered(&vcpu->events);
}

/* fast_mmio.c: an access to memory that is none, at exit->gpa; and PENDING_MMIO. */
int assay_mmio(struct assay_vcpu *vcpu, const struct assay_exit *exit);
int assay_complete_mmio(struct assay_vcpu *vcpu);

/* emulate.c: the executor at work on this vCPU. */
extern const struct x86_ops assay_ops;
int assay_emulate(struct assay_vcpu *vcpu);
/* The next event, or the next instruction, of a guest that the processor cannot run. */
int assay_interpret(struct assay_vcpu *vcpu);
/* x86_execute(), with a share of the VM's bus. */
enum x86_result assay_execute(struct assay_vcpu *vcpu);
int assay_emulated(struct assay_vcpu *vcpu, enum x86_result result);
/* Until nobody wants the bus for itself. False: a signal came. */
bool assay_bus_wait(struct assay_vcpu *vcpu);
/* A share of the bus. False: a signal came (if the instruction has begun, one that kills). */
bool assay_bus_take(struct assay_vcpu *vcpu, bool begun);
void assay_bus_give(struct assay_vcpu *vcpu);

/* io.c: eventfds and coalesced zones; true if one of them took the write. */
bool assay_io_write(struct assay_vcpu *vcpu, const struct x86_io *io);
static inline bool assay_io_watched(const struct assay_vm *vm)
{
	return !list_empty(&vm->ioeventfds) || !list_empty(&vm->zones);
}
long assay_io_ioctl(struct assay_vm *vm, unsigned int ioctl, void __user *argp);
void assay_io_free(struct assay_vm *vm);

/* cpuid.c */
int assay_supported_cpuid(struct kvm_cpuid2 __user *user, bool emulated);
int assay_set_cpuid(struct assay_vcpu *vcpu, struct kvm_cpuid2 __user *user);
int assay_get_cpuid(struct assay_vcpu *vcpu, struct kvm_cpuid2 __user *user);
void assay_cpuid_changed(struct assay_vcpu *vcpu);
void assay_cpuid(struct assay_vcpu *vcpu, u32 leaf, u32 subleaf, u32 regs[4]);
/* msr.c */
void assay_msr_init(struct assay_vcpu *vcpu);
bool assay_apic_base_valid(struct assay_vcpu *vcpu, u64 value);
enum x86_result assay_guest_rdmsr(struct assay_vcpu *vcpu, u32 index, u64 *value);
enum x86_result assay_guest_wrmsr(struct assay_vcpu *vcpu, u32 index, u64 value);
int assay_complete_msr(struct assay_vcpu *vcpu);
int assay_msr_list(struct kvm_msr_list __user *user, bool features);
long assay_msrs_ioctl(struct assay_vcpu *vcpu, unsigned int ioctl, void __user *argp);

/* clock.c: KVM_GET and KVM_SET of TSC_KHZ and CLOCK, and the TSC's offset. */
long assay_tsc_ioctl(struct assay_vcpu *vcpu, unsigned int ioctl, unsigned long arg);
void assay_clock_init(struct assay_vm *vm);
long assay_clock_ioctl(struct assay_vm *vm, unsigned int ioctl, void __user *argp);

/* mtrr.c. Where one that can be written is kept; NULL: it is none. */
u64 *assay_mtrr(struct assay_vcpu *vcpu, u32 index);
bool assay_mtrr_valid(struct assay_vcpu *vcpu, u32 index, u64 value);
u64 assay_mtrr_cap(void);

/* filter.c */
long assay_set_filter(struct assay_vm *vm, void __user *argp);
/* KVM_X86_SET_MSR_FILTER as 32-bit tasks have it: another size, so another number. */
#define ASSAY_SET_MSR_FILTER_COMPAT \
	_IOC(_IOC_WRITE, KVMIO, 0xc6, 4 + 16 * KVM_MSR_FILTER_MAX_RANGES)
long assay_set_filter_compat(struct assay_vm *vm, void __user *argp);
bool assay_filter_allows(struct assay_vm *vm, u32 index, bool write);
void assay_filter_free(struct assay_vm *vm);

/* hypercall.c */
int assay_hypercall(struct assay_vcpu *vcpu);
int assay_halted(struct assay_vcpu *vcpu);

/* ring.c */
void assay_ring_init(struct assay_vcpu *vcpu);
void assay_ring_exit(struct assay_vcpu *vcpu, const struct assay_exit *exit);

/*
 * fpu.c. The guest's is loaded at an entry of KVM_RUN, the first or the one after EXIT_FPU
 * (assay_fpu_wanted()), and stays until the task's is needed.
 */
int assay_fpu_create(struct assay_vcpu *vcpu);
void assay_fpu_destroy(struct assay_vcpu *vcpu);
void assay_fpu_load(struct assay_vcpu *vcpu);
void assay_fpu_unload(struct assay_vcpu *vcpu);
void assay_fpu_wanted(struct assay_vcpu *vcpu);

static inline void assay_fpu_to_guest(struct assay_vcpu *vcpu)
{
	if (!vcpu->fpu_loaded)
		assay_fpu_load(vcpu);
}

static inline void assay_fpu_to_host(struct assay_vcpu *vcpu)
{
	if (vcpu->fpu_loaded)
		assay_fpu_unload(vcpu);
}
/* The guest's state outside of the guest, complete: for the executor to work on. */
void assay_fpu_to_exec(struct assay_vcpu *vcpu);
u64 assay_xcr0_supported(void);	/* bits of XCR0 that a guest may set */
int assay_set_xcr0(struct assay_vcpu *vcpu, u64 value);
long assay_fpu_ioctl(struct assay_vcpu *vcpu, unsigned int ioctl, void __user *argp);

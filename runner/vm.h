/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One virtual machine with the stage's memory slots and one vCPU, or several: made, put
 * into the state of a stage, read back, saved and built anew. Nothing here knows cases.
 */
#pragma once

#include <linux/kvm.h>

#include "host.h"
#include "kvm_state.h"
#include "stage_build.h"

#define VM_SLOTS 16		/* memory slots a case can name, the stage's included */
#define VM_CPUID_MAX 256
#define VM_ERROR 200
#define VM_CAPS 8		/* capabilities a case can enable */

struct vm_slot {
	bool present;
	struct kvm_userspace_memory_region region;
};

/* State that a case cannot reach through struct cpu_state, as a new vCPU has it. */
struct vm_baseline {
	struct kvm_msrs *msrs;	/* those that can be written back, but for the time */
	struct kvm_lapic_state lapic;
	struct kvm_irqchip chips[3];
	struct kvm_pit_state2 pit;
	struct kvm_vcpu_events events;
};

struct vm {
	const struct target *target;
	unsigned int irqchip;		/* IRQCHIP_* */
	bool mmio;			/* OPERAND is in no slot */
	int fd, vcpu;
	struct kvm_run *run;
	unsigned int cpu;		/* number of the vCPU */
	unsigned int cpus;		/* of the whole VM */
	/*
	 * The VM's other vCPUs, each with a struct of its own that shares fd and mem with
	 * this one: what is said of a vCPU is valid there, slots and capabilities are not.
	 */
	struct vm *peers[SMP_MAX - 1];
	u8 *mem;			/* STAGE_RAM bytes, shared with the guest */
	/*
	 * What is in mem: known after loading, and where the engine found it to be as
	 * predicted. Whoever lets something else write there sets base to NULL.
	 */
	struct stage_pages memory;
	bool sync_regs;			/* state travels in kvm_run.s.regs */
	bool state_pending;		/* the next KVM_RUN takes it from kvm_run.s.regs */
	struct vm_slot slots[VM_SLOTS];
	struct vm_baseline baseline;
	struct kvm_enable_cap caps[VM_CAPS];	/* enabled by the case, in order */
	unsigned int ncaps;

	/* Of STAGE_RAM bytes only TABLES are used, at their addresses. */
	u8 *tables_seen;		/* as the target last used them */
	u8 *tables_loaded;		/* as the runner last wrote them */
	struct stage_pages seen, loaded;	/* what is in these two */
	u64 controls;			/* paging controls when it last was looked at */
	bool tables_unknown;		/* other tables were in use: flush before the next */
	bool msrs_unknown;		/* model-specific registers may not be the baseline's */
	bool own_cpuid;			/* the case has changed CPUID */
	bool xstate_unknown;		/* XCR0 or PKRU may not be what a new vCPU has */
	bool slots_changed;		/* not the stage's own any more */
	bool kicks_in;			/* KVM_SET_SIGNAL_MASK is in force */
	bool spoiled;			/* cannot be brought back: not to be used again */
	char error[VM_ERROR];		/* what failed, when a function did */
};

/* What a VM is made of. */
struct vm_shape {
	unsigned int irqchip;
	bool mmio;
	unsigned int cpus;		/* 0 means 1 */
	const struct mg_case *cpuid_of;	/* case whose REC_CPUID apply, or NULL */
};

/* Makes a VM; mem is guest memory to use (STAGE_RAM bytes) or NULL for new. */
struct vm *vm_create(const struct target *target, const struct vm_shape *shape, bool sync_regs,
		     u8 *mem, char error[VM_ERROR]);
/* Ends it; the memory is kept when keep_mem. */
void vm_destroy(struct vm *vm, bool keep_mem);

/*
 * Puts memory and the whole vCPU into the state of the stage; of a peer the vCPU only.
 * False with vm->error set if the target refuses a part of it.
 */
bool vm_load(struct vm *vm, const struct stage *stage);
/* Undoes what the actions of a case left; false if the VM cannot be used again. */
bool vm_clean(struct vm *vm);

/* Registers by ioctl; sets both REGS and SREGS (SREGS2 when pdptes matter). */
bool vm_set_state(struct vm *vm, const struct cpu_state *state);
bool vm_set_debugregs(struct vm *vm, const struct cpu_state *state);
/* XCRS and XSAVE. */
bool vm_set_fpu(struct vm *vm, const struct cpu_state *state);
/* Lets the guest go on in that state (general and system registers). */
bool vm_resume(struct vm *vm, const struct cpu_state *state);
/* Makes a pending state current by ioctls, before another ioctl looks at it. */
bool vm_settle(struct vm *vm);
/*
 * Reads the state after KVM_RUN; synced: kvm_run.s.regs is current. FPU state is
 * read only if fpu.
 */
bool vm_get_state(struct vm *vm, struct cpu_state *state, bool synced, bool fpu);

/* Adds, changes or deletes (size 0) a slot; errno on failure, else 0. */
int vm_set_slot(struct vm *vm, const struct kvm_userspace_memory_region *region);
/* Enables a capability, also on what vm_rebuild makes of this VM; its errno, or 0. */
int vm_enable_cap(struct vm *vm, const struct kvm_enable_cap *cap);
/* Drops whatever the target derived from guest page tables. */
bool vm_flush_tables(struct vm *vm);

/*
 * Saves everything, ends the VM, and makes another one in that state in its
 * place. Pages that were dirty are added to dirty, a bitmap per slot. False with
 * error set; then *vm may be NULL.
 */
bool vm_rebuild(struct vm **vm, const struct vm_shape *shape, u64 dirty[VM_SLOTS],
		char error[VM_ERROR]);

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The module's own world: a VM, its vCPUs, its memory, and the seam to a vendor's
 * hardware. What the architecture is stands in core/; what a vendor's hardware is stands
 * in svm/ and nowhere else.
 */
#pragma once

#include <linux/bitmap.h>
#include <linux/kref.h>
#include <linux/kvm.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/mutex.h>
#include <linux/rwsem.h>
#include <linux/seqlock.h>
#include <linux/signal.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <asm/fpu/types.h>

#include "core/check.h"
#include "core/event.h"
#include "core/exec.h"
#include "core/move.h"
#include "core/stage2.h"

#define ASSAY_SLOTS 512			/* memory slots of a VM (KVM_CAP_NR_MEMSLOTS) */
#define ASSAY_VCPUS 64			/* KVM_CAP_MAX_VCPUS */
#define ASSAY_CPUID 256			/* entries of a guest's CPUID */
#define ASSAY_RUN_PAGES 4		/* that a vCPU's file maps */
#define ASSAY_COALESCED_PAGE 2
#define ASSAY_RING_PAGE 3		/* ring.h */
#define ASSAY_TABLE_CACHE 4		/* tables that one mapping can need */

struct assay_vm;
struct assay_vcpu;

/* ---- the seam to a vendor -------------------------------------------------------------- */

/* Why the guest stopped, whatever the hardware calls it. */
enum exit_reason {
	EXIT_INTERRUPT,		/* the host's: taken when interrupts are on again */
	EXIT_NMI,		/* the host's: has been taken */
	EXIT_INSTRUCTION,	/* one that is intercepted: to be executed by core/ */
	EXIT_PORT,		/* IN or OUT, of one item: port */
	EXIT_CPUID,
	EXIT_HLT,
	EXIT_FPU,		/* the guest wants its FPU, or would see that it has none yet */
	EXIT_HYPERCALL,		/* VMCALL or VMMCALL, whichever this processor has */
	EXIT_EXCEPTION,		/* fault: vector, error, cr2, dr6 */
	EXIT_MEMORY,		/* stage 2 has no such mapping: gpa, access */
	EXIT_WINDOW,		/* an interrupt can be delivered now */
	EXIT_STEP,		/* after one instruction, as the vendor itself wanted */
	EXIT_NMI_WINDOW,	/* NMIs are no longer blocked */
	EXIT_SHUTDOWN,		/* triple fault */
	EXIT_TASK_SWITCH,
	EXIT_FAILED,		/* the processor refused the state: rule says which one broke */
	EXIT_UNKNOWN,		/* hardware's code in `code`: nobody knows it */
	EXIT_NONE		/* no entry was made, since the vCPU was called away */
};

/* An IN or OUT that hardware has told all of. */
struct assay_port {
	u16 number;
	u8 size;		/* 1, 2, 4 bytes of rAX */
	bool write;
	u64 next_rip;
};

/* One processor exit. What belongs to one reason alone is not filled for others. */
struct assay_exit {
	enum exit_reason reason;
	u64 code;		/* the hardware's own: VMX basic reason, SVM EXITCODE */
	u64 info1, info2;	/* EXITINFO1 and 2; qualification and guest-physical address */
	struct x86_fault fault;	/* EXIT_EXCEPTION */
	struct assay_port port;	/* EXIT_PORT */
	u64 gpa;		/* EXIT_MEMORY */
	unsigned int access;	/* EXIT_MEMORY: X86_ACCESS_WRITE, X86_ACCESS_FETCH */
	const struct x86_rule *rule;	/* EXIT_FAILED: the one that the state breaks, or NULL */
	struct {			/* EXIT_TASK_SWITCH */
		bool gate;		/* by an event; else by the instruction at RIP */
		bool software;		/* INT n, INT3, INTO: RIP stands on it */
		bool has_error;
		u16 selector;		/* of the new TSS */
		u32 error;
	} task;
	struct x86_event interrupted;	/* what was being delivered, if anything */
	/* The hardware's words for events, as ring.h has them: for people and programs only. */
	u32 hw_event, hw_event_error;
	u32 hw_interrupted, hw_interrupted_error;
};

/*
 * A vendor: chosen once, when the module is loaded. load, run and put are called with
 * preemption off; run with interrupts on, and it comes back with them on.
 */
struct vendor {
	const char *name;	/* "svm", "vmx" */
	u32 isa;		/* 1 VMX, 2 SVM: as in kvm:kvm_exit */
	const struct stage2_format *stage2;
	bool traps_fpu;		/* run enters without the guest's FPU, too: EXIT_FPU */

	/* Whether this machine has it: 0, or -errno with the reason in the log. */
	int (*probe)(void);
	/* Once for the module: what all CPUs share. */
	int (*setup)(void);
	void (*teardown)(void);
	/* On this CPU, interrupts off. -EBUSY: another hypervisor has it. */
	int (*enable)(void);
	void (*disable)(void);

	int (*vcpu_create)(struct assay_vcpu *vcpu);
	void (*vcpu_destroy)(struct assay_vcpu *vcpu);
	/* The vCPU comes to this CPU, or leaves it; put: NULL if that means nothing. */
	void (*load)(struct assay_vcpu *vcpu);
	void (*put)(struct assay_vcpu *vcpu);
	/* NULL if run leaves nothing away: brings what it did (vcpu->cold_away). */
	void (*fetch)(struct assay_vcpu *vcpu);
	/* The same for CS, SS and CR3 alone: where the guest's code is. */
	void (*fetch_code)(struct assay_vcpu *vcpu);
	/*
	 * Enters the guest with vcpu->state and the event (if it is valid), asks for the
	 * windows, and returns after the next exit with vcpu->state and *exit filled.
	 * vcpu->flush: translations of this vCPU must be forgotten first.
	 */
	void (*run)(struct assay_vcpu *vcpu, const struct x86_event *event,
		    unsigned int windows, struct assay_exit *exit);
	/*
	 * Whether what comes next is not for this processor: core/ delivers the next event or
	 * executes the next instruction. NULL: it runs everything.
	 */
	bool (*interprets)(struct assay_vcpu *vcpu);
	/* Whether code without paging runs on this processor; NULL: it does. */
	bool (*unrestricted)(void);
};

extern const struct vendor svm_vendor, vmx_vendor;
extern const struct vendor *vendor;

/* ---- memory (memory.c, slots.c) -------------------------------------------------------------- */

struct assay_slot {
	u32 id, flags;		/* KVM_MEM_* */
	u64 base, pages;	/* first guest page number, and how many; 0: not there */
	unsigned long user;	/* address of the first page in the owner's memory */
	unsigned long *dirty;	/* bitmap, with KVM_MEM_LOG_DIRTY_PAGES */
};

struct assay_memory {
	/* Slots change under both locks: who sleeps holds the first, who must not the second. */
	struct rw_semaphore slots_lock;
	struct assay_slot *slots;	/* sorted by base; there are ASSAY_SLOTS */
	unsigned int count;
	unsigned int recent;		/* which was looked up last */
	seqcount_spinlock_t slots_seq;	/* for who reads them without a lock */
	unsigned long slot_changes;	/* counts them */
	struct mutex log_lock;		/* who takes pages out of dirty logs */
	u64 manual_log;			/* KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2: KVM_DIRTY_LOG_* */

	spinlock_t lock;		/* tables and what follows */
	struct stage2 tables;
	struct mmu_notifier notifier;
	unsigned long invalidations;	/* counts them; compare before mapping */
	unsigned int invalidating;	/* that are under way */
	unsigned int changing;		/* changes that some processor may not know of yet */
	u64 generation;			/* rises when translations must be forgotten */
	struct table_cache *cache;	/* of who is mapping now */
};

/* ---- a VM ------------------------------------------------------------------------------- */

struct assay_vm {
	struct kref ref;
	struct mm_struct *mm;		/* of the task that made it: nobody else may use it */
	struct assay_memory memory;
	struct mutex lock;		/* vCPUs, eventfds, coalesced zones */
	/*
	 * Shared by vCPUs in the executor, owned by one that does what needs the whole bus (a
	 * locked operand in two pages). exclusive: how many want to own it, or do; while there
	 * are any no vCPU enters the guest, and those in it are called out (exclusive() in
	 * emulate.c). bus_given: who waits for it, or for them.
	 */
	struct rw_semaphore bus;
	atomic_t exclusive;
	wait_queue_head_t bus_given;
	struct assay_vcpu *vcpus[ASSAY_VCPUS];
	DECLARE_BITMAP(ids, ASSAY_VCPUS);	/* that vCPUs have had: an id is given once */
	unsigned int nvcpus;		/* that there have been */
	struct list_head ioeventfds;
	struct list_head zones;		/* coalesced */
	unsigned int nioeventfds, nzones;
	struct page *coalesced;		/* the ring, which all vCPUs' files map */
	u32 boot_cpu;			/* KVM_SET_BOOT_CPU_ID: which vCPU has APIC_BASE.BSP */
	u32 user_msrs;			/* KVM_CAP_X86_USER_SPACE_MSR: KVM_MSR_EXIT_REASON_* */
	bool exception_payload;		/* KVM_CAP_EXCEPTION_PAYLOAD */
	bool triple_fault_event;	/* KVM_CAP_X86_TRIPLE_FAULT_EVENT */
	u64 clock_offset;		/* KVM_SET_CLOCK: to the host's time since boot, in ns */
	u64 hypercall_exits;		/* KVM_CAP_EXIT_HYPERCALL: mask */
	struct assay_msr_filter *filter;
};

/* ---- a vCPU ----------------------------------------------------------------------------- */

/* Registers of the host that a guest's take the place of (switch.c). */
struct assay_host {
	u64 xcr0;
	u32 pkru;
	u32 tsc_aux;
};

/* What user space must answer before the vCPU goes on. */
enum assay_pending {
	PENDING_NONE,
	PENDING_EXEC,		/* vcpu->exec waits for MMIO or a port */
	PENDING_PORT,		/* vcpu->port does, without vcpu->exec (fast.c) */
	PENDING_MMIO,		/* vcpu->mmio does, the same (fast_mmio.c) */
	PENDING_MSR,		/* KVM_EXIT_X86_RDMSR, WRMSR */
	PENDING_HYPERCALL
};

/* A MOV from or to memory that is none. */
struct assay_mmio {
	struct x86_move move;
	u64 gpa;
	u64 rip;		/* where it stands */
};

#define ASSAY_MTRR_FIXED 11
#define ASSAY_MTRR_VARIABLE 16			/* bases and masks of 8 ranges */

struct assay_mtrrs {
	u64 def_type, fixed[ASSAY_MTRR_FIXED], variable[ASSAY_MTRR_VARIABLE];
};

struct assay_vcpu {
	struct rcu_head rcu;
	struct assay_vm *vm;
	unsigned int id;
	struct mutex lock;		/* one ioctl at a time */
	struct kvm_run *run;		/* shared with user space: hostile, read once */
	struct page *pages[ASSAY_RUN_PAGES];	/* run, port data, the VM's coalesced ring, exits */

	struct x86_state state;		/* the truth, but while the guest runs, and but for: */
	/*
	 * What most exits do not need (segments, tables, control registers but for CR0, CR2 and
	 * CR4, MSRs) may stay with the hardware from one entry to the next: cold_away. The
	 * hardware gets it anew only if somebody may have changed it: cold_changed. All others
	 * call assay_state_look() or assay_state_take() before they read or change it.
	 */
	bool cold_away, cold_changed;
	struct x86_events events;
	struct assay_exit exit;		/* the last */
	struct x86_exec exec;
	struct x86_env env;
	enum assay_pending pending;
	bool msr_write;			/* PENDING_MSR */
	bool shares_bus;		/* while the executor works */
	struct assay_port port;		/* PENDING_PORT */
	u64 port_rip;			/* and where it stands */
	struct assay_mmio mmio;		/* PENDING_MMIO */
	u64 misc_enable;		/* MSR_IA32_MISC_ENABLE */
	u64 ucode_rev, hwcr;		/* MSR_IA32_UCODE_REV, MSR_K7_HWCR */
	struct assay_mtrrs mtrrs;

	struct kvm_cpuid_entry2 *cpuid;
	unsigned int ncpuid;
	u64 tsc_offset;
	u64 tsc_adjust;			/* MSR_IA32_TSC_ADJUST */
	u32 tsc_khz;			/* KVM_SET_TSC_KHZ; 0: the host's */

	struct kvm_guest_debug debug;	/* KVM_SET_GUEST_DEBUG */
	u64 breakpoints[5];		/* its DR0 to DR3 and DR7, with KVM_GUESTDBG_USE_HW_BP */
	bool step_forced;		/* TF is the debugger's, not the guest's */
	bool step_pushes;		/* and PUSHF is about to show it */
	sigset_t sigmask;		/* KVM_SET_SIGNAL_MASK */
	bool sigmask_set;

	struct fpu_guest fpu;
	bool fpu_loaded;		/* the guest's is in the registers, the task's is saved */
	u8 fpu_eager;			/* loads that wait for no EXIT_FPU, since one came lately */
	bool ring_seen;			/* user space has touched the ring of exits */
	struct assay_host host;		/* the task's own, while the guest runs */
	u64 generation;			/* of memory, that this vCPU has seen */
	bool flush;
	bool ran;			/* KVM_RUN has been called: CPUID is fixed */
	bool in_guest;			/* between its last look at requests and the exit */
	int cpu;			/* where, then */
	u64 exits;			/* of the processor, so far */
	void *hw;			/* the vendor's */
};

/* For vendors: whether the vCPU must not enter; interrupts are off. */
bool assay_vcpu_kicked(struct assay_vcpu *vcpu);
/*
 * For vendors: what neither their hardware nor the FPU's swap covers (switch.c), around
 * the entry; interrupts are off.
 */
void assay_switch_to_guest(struct assay_vcpu *vcpu);
void assay_switch_to_host(struct assay_vcpu *vcpu);
/* For vendors: DR7 while the guest runs, its own or its debugger's. */
static inline u64 assay_dr7(const struct assay_vcpu *vcpu)
{
	return vcpu->debug.control & KVM_GUESTDBG_USE_HW_BP ? vcpu->debug.arch.debugreg[7] :
							      vcpu->state.dr7;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* Where kernels differ. What is defined here was found out by compiling (Kbuild). */
#pragma once

#include <linux/eventfd.h>
#include <linux/kvm.h>
#include <linux/syscore_ops.h>
#include <asm/fpu/api.h>

/* User space may write it at any time; newer kernels say so in the field's name. */
static inline bool assay_immediate_exit(struct kvm_run *run)
{
#ifdef KVM_RUN_IS_UNSAFE
	return READ_ONCE(run->immediate_exit__unsafe);
#else
	return READ_ONCE(run->immediate_exit);
#endif
}

/* Whether the hypercall that user space is asked to answer was made in 64-bit code: bit 0 of
 * what is flags in newer kernels. */
static inline void assay_set_hypercall_mode(struct kvm_run *run, bool wide)
{
#ifdef HYPERCALL_HAS_FLAGS
	run->hypercall.flags = wide ? KVM_EXIT_HYPERCALL_LONG_MODE : 0;
#else
	run->hypercall.longmode = wide;
#endif
}

/* Whether a signal ends the wait for a page that the task itself must bring (userfaultfd). */
#ifdef GUP_INTERRUPTIBLE
#define ASSAY_FOLL_INTERRUPTIBLE FOLL_INTERRUPTIBLE
#else
#define ASSAY_FOLL_INTERRUPTIBLE 0
#endif

static inline void assay_eventfd_signal(struct eventfd_ctx *eventfd)
{
#ifdef EVENTFD_SIGNAL_COUNTS
	eventfd_signal(eventfd, 1);
#else
	eventfd_signal(eventfd);
#endif
}

static inline void assay_copy_guest_fpu(struct fpu_guest *fpu, void *area, unsigned int size,
					u32 pkru)
{
#ifdef FPU_COPY_HAS_XFEATURES
	fpu_copy_guest_fpstate_to_uabi(fpu, area, size, fpu->fpstate->user_xfeatures, pkru);
#else
	fpu_copy_guest_fpstate_to_uabi(fpu, area, size, pkru);
#endif
}

/* What is called when the machine suspends, resumes and shuts down. Its functions take
 * ASSAY_SYSCORE_ARGUMENT: nothing, or what nobody needs. */
struct assay_syscore {
	struct syscore_ops ops;
#ifdef SYSCORE_HAS_DATA
	struct syscore entry;
#endif
};

#ifdef SYSCORE_HAS_DATA
#define ASSAY_SYSCORE_ARGUMENT void *unused
#else
#define ASSAY_SYSCORE_ARGUMENT void
#endif

static inline void assay_syscore_register(struct assay_syscore *syscore)
{
#ifdef SYSCORE_HAS_DATA
	syscore->entry.ops = &syscore->ops;
	register_syscore(&syscore->entry);
#else
	register_syscore_ops(&syscore->ops);
#endif
}

static inline void assay_syscore_unregister(struct assay_syscore *syscore)
{
#ifdef SYSCORE_HAS_DATA
	unregister_syscore(&syscore->entry);
#else
	unregister_syscore_ops(&syscore->ops);
#endif
}

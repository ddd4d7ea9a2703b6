/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of svm/ share. */
#pragma once

#include "../assay.h"
#include "vmcb.h"

struct svm_vcpu {
	struct page *page;
	struct vmcb *vmcb;
	u64 physical;			/* its address */
	int cpu;			/* where it was loaded last */
	u64 generation;			/* of the ASID; 0: it has none */
	struct x86_event injected;	/* at the last entry */
	unsigned int wanted;		/* intercepts that come and go: SVM_WANT_* */
};

#define SVM_WANT_WINDOW 1u		/* when interrupts can be delivered */
#define SVM_WANT_IRET 2u		/* while NMIs are blocked: core/ unblocks them */
#define SVM_WANT_BREAKPOINT 4u		/* for a debugger */
#define SVM_WANT_FPU 8u			/* whatever uses it, or reads CR0 */
#define SVM_WANT_UNKNOWN (~0u)		/* and CR0 in the VMCB is the guest's */

/*
 * Bits of CR0 that are not the guest's own while it runs without its FPU: what would use that
 * exits because of TS, and FWAIT only with MP as well (APM 2 3.1.1, 8.2.8).
 */
#define SVM_FPU_BITS ((u64)(CR0_TS | CR0_MP))

/* entry.S */
asmlinkage void svm_enter(u64 guest, u64 *gpr, u64 host);

/*
 * state.c: the architectural state into the control block, and back; hot is what goes with every
 * entry and exit, cold what does not (assay.h, cold_away).
 */
void svm_store_hot(struct vmcb *vmcb, const struct x86_state *s);
void svm_store_cold(struct vmcb *vmcb, const struct x86_state *s);
void svm_load_hot(struct x86_state *s, const struct vmcb *vmcb);
void svm_load_cold(struct x86_state *s, const struct vmcb *vmcb);
/* CS, SS and CR3 of what is cold. */
void svm_load_code(struct x86_state *s, const struct vmcb *vmcb);

/* exit.c: what the processor's exit means. */
void svm_read_exit(struct svm_vcpu *svm, struct assay_exit *exit);
/* No entry was made, since the vCPU was called away: the event is still to be delivered. */
void svm_not_entered(struct assay_exit *exit, const struct x86_event *event);

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a run reached: exits of the processor and of the KVM ABI by instance, ioctls of
 * the whole program. It is only counted here; what there is to reach, and what it means
 * not to, know the data files of coverage/.
 */
#pragma once

#include "hwexit.h"

#define COVER_MAX 64		/* different exits of one instance that are told apart */

struct cover_entry {
	u32 isa;		/* of enum hwexit_isa; 0: reason is a KVM_EXIT_* */
	u32 reason;		/* VMX: basic reason; SVM: EXITCODE, low 32 bits */
	u32 detail;		/* see cover_hw() */
	u32 count;
};

struct coverage {
	bool wanted;		/* the run was asked to count */
	bool hw;		/* exits of the processor could be seen */
	struct cover_entry entries[COVER_MAX];
	unsigned int count;
	u64 missed;		/* exits that were not counted: lost, overwritten, no room */
};

/*
 * Counts an exit of the processor. Where one reason stands for several causes, detail tells
 * them apart: the vector of an exception or NMI with VMX (which with SVM has reasons of its
 * own), bits 5:0 of the exit qualification of a control-register access (SDM 3 table 27-3),
 * EXITINFO1 of SVM's MSR (0 read, 1 write; APM 2 15.11). Else it is 0.
 */
void cover_hw(struct coverage *coverage, const struct hwexit *exit);
/* Counts an exit of KVM_RUN. */
void cover_exit(struct coverage *coverage, u32 reason);
/* Adds what another vCPU of the instance counted. */
void cover_add(struct coverage *coverage, const struct coverage *other);

/* ---- ioctls (ioctls.c) ------------------------------------------------------------- */

/* How often a KVM ioctl ended with an errno, 0 if it succeeded. */
struct ioctl_count {
	u32 nr;
	u32 error;
	u64 count;
};

/*
 * All KVM ioctls that this program has called so far, in the order of nr and error; *list is
 * the caller's to free. Returns how many there are. Other threads may go on calling.
 */
unsigned int ioctls_sum(struct ioctl_count **list);

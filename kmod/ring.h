/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * The ring of a vCPU's processor exits, as user space maps it: an extension of /dev/assay
 * to the KVM ABI. This header is for both sides, and needs nothing but <linux/types.h>.
 *
 * Finding it. KVM_CHECK_EXTENSION of ASSAY_CAP_EXIT_RING, on the device or on a VM, answers
 * the page at which a vCPU's file has the ring, counted from kvm_run at 0; or 0, as any other
 * hypervisor does, if there is none. KVM_GET_VCPU_MMAP_SIZE covers the page. It may also
 * be mapped alone, and for reading only:
 *	mmap(NULL, sizeof(struct assay_exit_ring), PROT_READ, MAP_SHARED, vcpu, page * 4096)
 *
 * Reading it. Exits have numbers, which begin at 0 when the vCPU is made; number n is in
 * entries[n % ASSAY_RING_ENTRIES]. `head` is the number that the next exit will have, and
 * never falls. So a reader keeps the number it wants next, reads `head` (acquire), and takes
 * what is between. The module waits for nobody: it overwrites the oldest. An entry was
 * copied whole, and is exit n indeed, if `head`, read once more after the copy (loads in
 * order), is less than n + ASSAY_RING_ENTRIES; else the reader was overrun, and goes on at
 * head - ASSAY_RING_ENTRIES + 1 or later. The exits of a KVM_RUN are in it when that returns.
 *
 * Before anybody has touched the page there may be exits in it that the module has asked for to
 * spare itself work (SVM: #NM and reads of CR0, while the guest's FPU waits). From the first touch
 * on, the one that maps it included, only what the guest makes necessary exits, but for an entry
 * that is under way then.
 *
 * The module only ever writes here: what a program writes over it is the program's own loss.
 */
#pragma once

#include <linux/types.h>

/* No number of KVM's: those are counted up from 0, and are in the hundreds. */
#define ASSAY_CAP_EXIT_RING 0x41535901

/* Rises whenever what is below means something else. A reader knows one, and no other. */
#define ASSAY_RING_VERSION 1
#define ASSAY_RING_ENTRIES 72

/* assay_exit_ring.isa: whose codes these are; as in the tracepoint kvm:kvm_exit. */
#define ASSAY_RING_VMX 1
#define ASSAY_RING_SVM 2

/* assay_exit_ring.flags: what runs on the processor, and so can be expected to exit. */
#define ASSAY_RING_NESTED 1		/* paging of guest-physical memory (EPT, NPT) */
#define ASSAY_RING_UNRESTRICTED 2	/* code without paging, real mode too */

/* One exit. What the processor does not say for its reason is 0. */
struct assay_exit_entry {
	__u64 code;		/* VMX: exit reason (SDM 3 25.9.1); SVM: EXITCODE */
	__u64 info1;		/* exit qualification; EXITINFO1 */
	__u64 info2;		/* guest-physical address; EXITINFO2 */
	__u64 rip;		/* of the guest */
	__u64 tsc;		/* the processor's, without the guest's offset */
	__u32 event;		/* VM-exit interruption information; SVM: 0 */
	__u32 event_error;	/* the error code that belongs to it */
	__u32 interrupted;	/* IDT-vectoring information; EXITINTINFO, low half */
	__u32 interrupted_error;	/* the error code that belongs to it */
};

struct assay_exit_ring {
	__u32 version;		/* ASSAY_RING_VERSION */
	__u32 isa;
	__u32 flags;
	__u32 reserved[11];	/* 0 */
	__u64 head;		/* the number of the next exit */
	struct assay_exit_entry entries[ASSAY_RING_ENTRIES];
};

#ifndef __cplusplus
_Static_assert(sizeof(struct assay_exit_entry) == 56, "an entry has no holes");
_Static_assert(__builtin_offsetof(struct assay_exit_ring, head) == 56, "head ends a cache line");
_Static_assert(__builtin_offsetof(struct assay_exit_ring, entries) == 64, "entries begin one");
_Static_assert(sizeof(struct assay_exit_ring) == 4096, "the ring is one page");
#endif

/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * The ring of the processor's exits, as user space maps it: page ASSAY_RING_PAGE of a
 * vCPU's file, behind kvm_run. An extension of /dev/assay to the KVM ABI.
 */
#pragma once

#include <linux/types.h>

#define ASSAY_RING_PAGE 3
#define ASSAY_RING_ENTRIES 100

struct assay_exit_entry {
	__u64 code;		/* VMX: basic reason; SVM: EXITCODE */
	__u64 info1, info2;	/* qualification, guest-physical address; EXITINFO1, EXITINFO2 */
	__u64 rip;
	__u64 tsc;		/* the processor's */
};

struct assay_exit_ring {
	__u64 count;		/* exits so far; the last is entry (count - 1) % ENTRIES */
	__u32 isa;		/* 1 VMX, 2 SVM */
	__u32 reserved;
	struct assay_exit_entry entries[ASSAY_RING_ENTRIES];
};

/* SPDX-License-Identifier: GPL-2.0-only */
/* Where kernels differ. What is defined here was found out by compiling (Kbuild). */
#pragma once

#include <linux/eventfd.h>
#include <asm/fpu/api.h>

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

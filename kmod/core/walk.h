/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Guest paging: from a linear address to a guest-physical one, in every paging mode, with
 * the checks and the updates of accessed and dirty flags that a processor makes
 * (SDM 3 chapter 4, APM 2 chapter 5).
 */
#pragma once

#include "ops.h"

/* What an access is; none of them: a supervisor's explicit read. */
#define X86_ACCESS_WRITE 1u
#define X86_ACCESS_FETCH 2u
#define X86_ACCESS_USER 4u	/* at CPL 3, and not implicit */
#define X86_ACCESS_IMPLICIT 8u	/* descriptor tables, TSS: a supervisor's at any CPL */
#define X86_ACCESS_PEEK 16u	/* no flag is set: for KVM_TRANSLATE and the like */

struct x86_translation {
	u64 gpa;		/* of the address that was asked for */
	u64 page;		/* bytes of the page it is in */
	bool writable, user;	/* as all levels together allow */
};

/*
 * Translates linear (a canonical address; 32 bits count outside long mode) under s'
 * control registers. X86_OK fills *t; X86_FAULT fills *fault with #PF, and no flag in the
 * tables has changed; X86_RETRY: an entry changed meanwhile, or the owner said so; other
 * results are the callbacks'. A table in no RAM reads as all ones, as an empty bus does.
 */
enum x86_result x86_walk(const struct x86_env *env, const struct x86_state *s, u64 linear,
			 unsigned int access, struct x86_translation *t,
			 struct x86_fault *fault);

/*
 * Reads the four PDPTEs that CR3 points to, as a MOV to CR3 does in PAE paging (SDM 3
 * 4.4.1). X86_FAULT: one of them has a reserved bit set, #GP(0).
 */
enum x86_result x86_load_pdptes(const struct x86_env *env, const struct x86_state *s, u64 cr3,
				u64 pdpte[4], struct x86_fault *fault);

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whether VMRUN accepts a VMCB: the illegal states of APM 2 15.5.1, 15.20 and 15.25.3, one
 * after the other. It explains a VMEXIT_INVALID, and refuses nothing by itself.
 */
#pragma once

#include "../svm/vmcb.h"
#include "check.h"
#include "x86.h"

/* What the processor has. */
struct svm_limits {
	u8 physical_bits;	/* CPUID 0x80000008.EAX */
	u64 cr4, efer;		/* bits that are defined; all others must be zero */
	bool long_mode;
};

/* The first rule that is broken, or NULL. */
const struct x86_rule *svm_check(const struct vmcb *vmcb, const struct svm_limits *limits);

/* All rules there are, for tests: the number, and each of them. */
unsigned int svm_rules(void);
const struct x86_rule *svm_rule(unsigned int number);

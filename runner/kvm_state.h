/* SPDX-License-Identifier: GPL-2.0-only */
/* The way between struct cpu_state and the structures of the KVM ABI. */
#pragma once

#include <linux/kvm.h>

#include "state.h"

#define FCW_INIT 0x37f		/* x87 control word after FNINIT (SDM 1 8.1.5) */
#define MXCSR_INIT 0x1f80	/* SDM 1 11.6.4 */
#define XSTATE_X87 1		/* components of XCR0 and XSTATE_BV (SDM 1 13.1) */
#define XSTATE_SSE 2
#define XSTATE_AVX 4

void state_from_regs(struct cpu_state *state, const struct kvm_regs *regs);
void state_to_regs(const struct cpu_state *state, struct kvm_regs *regs);
void state_from_sregs(struct cpu_state *state, const struct kvm_sregs *sregs);
/* Clears the interrupt bitmap; everything else comes from state. */
void state_to_sregs(const struct cpu_state *state, struct kvm_sregs *sregs);
void state_from_debugregs(struct cpu_state *state, const struct kvm_debugregs *debug);
void state_to_debugregs(const struct cpu_state *state, struct kvm_debugregs *debug);
/* Standard (non-compacted) format, components x87, SSE and AVX. */
void state_from_xsave(struct cpu_state *state, const struct kvm_xsave *xsave);
/* components: XSTATE_* to be marked present; the rest is in its initial state. */
void state_to_xsave(const struct cpu_state *state, struct kvm_xsave *xsave, u64 components);

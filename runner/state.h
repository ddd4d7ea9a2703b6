/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Architectural state of a vCPU as one flat struct: what the engine predicts,
 * observes, and compares. The order of registers is that of F_rax ... F_ldtr_ar
 * in record.def.
 */
#pragma once

#include "record.h"
#include "util.h"
#include "x86.h"

struct seg_state {		/* SDM 3 3.4.3: visible and hidden parts */
	u64 selector, base, limit, ar;
};

#define AR_UNUSABLE 0x10000	/* bit 16 of ar, as in the VMCS (SDM 3 24.4.1) */

enum seg_index { SEG_CS, SEG_DS, SEG_ES, SEG_FS, SEG_GS, SEG_SS, SEG_TR, SEG_LDTR, SEG_COUNT };

struct fpu_state {
	u16 fcw, fsw, fop;
	u8 ftw;			/* abridged */
	u64 fip, fdp;
	u32 mxcsr;
	u8 st[8][16];		/* 10 bytes used */
	u8 ymm[16][32];		/* XMM is the low half */
};

struct cpu_state {
	u64 gpr[16];		/* F_rax ... F_r15 */
	u64 rip, rflags;
	u64 cr0, cr2, cr3, cr4, cr8, efer, apic_base;
	u64 dr[4], dr6, dr7;
	u64 gdt_base, gdt_limit, idt_base, idt_limit;
	u64 xcr0;
	struct seg_state seg[SEG_COUNT];
	struct fpu_state fpu;
};

enum gpr { RAX, RBX, RCX, RDX, RSI, RDI, RSP, RBP };	/* indices into gpr */

/* The register a field names, or NULL: one u64 of *state. FPU fields are not. */
u64 *state_reg(struct cpu_state *state, u16 field);
/* The bytes an FPU field names and how many; NULL if it is none. */
u8 *state_fpu_bytes(struct cpu_state *state, u16 field, u32 *bytes);

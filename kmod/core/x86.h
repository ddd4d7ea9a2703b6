/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The architecture as core/ sees it: bits of the registers, and one vCPU's whole
 * architectural state but for the FPU's. Bits are named as in SDM 3 chapter 2 and
 * APM 2 chapter 3. Knows nothing of VMX, SVM or any hypervisor.
 */
#pragma once

#include "port.h"

/* ---- registers ------------------------------------------------------------------ */

enum x86_gpr {			/* in the order instructions encode them */
	X86_RAX, X86_RCX, X86_RDX, X86_RBX, X86_RSP, X86_RBP, X86_RSI, X86_RDI,
	X86_R8, X86_R9, X86_R10, X86_R11, X86_R12, X86_R13, X86_R14, X86_R15,
	X86_GPRS
};

enum x86_seg_name {		/* the first six in the order instructions encode them */
	X86_ES, X86_CS, X86_SS, X86_DS, X86_FS, X86_GS,
	X86_LDTR, X86_TR,
	X86_SEGS
};

/* RFLAGS (SDM 1 3.4.3) */
#define X86_FLAG_CF (1ull << 0)
#define X86_FLAG_ONE (1ull << 1)	/* always set */
#define X86_FLAG_PF (1ull << 2)
#define X86_FLAG_AF (1ull << 4)
#define X86_FLAG_ZF (1ull << 6)
#define X86_FLAG_SF (1ull << 7)
#define X86_FLAG_TF (1ull << 8)
#define X86_FLAG_IF (1ull << 9)
#define X86_FLAG_DF (1ull << 10)
#define X86_FLAG_OF (1ull << 11)
#define X86_FLAG_IOPL (3ull << 12)
#define X86_FLAG_IOPL_SHIFT 12
#define X86_FLAG_NT (1ull << 14)
#define X86_FLAG_RF (1ull << 16)
#define X86_FLAG_VM (1ull << 17)
#define X86_FLAG_AC (1ull << 18)
#define X86_FLAG_VIF (1ull << 19)
#define X86_FLAG_VIP (1ull << 20)
#define X86_FLAG_ID (1ull << 21)
#define X86_FLAGS_STATUS (X86_FLAG_CF | X86_FLAG_PF | X86_FLAG_AF | X86_FLAG_ZF | X86_FLAG_SF | \
			  X86_FLAG_OF)

/* CR0 (SDM 3 2.5) */
#define CR0_PE (1ull << 0)
#define CR0_MP (1ull << 1)
#define CR0_EM (1ull << 2)
#define CR0_TS (1ull << 3)
#define CR0_ET (1ull << 4)
#define CR0_NE (1ull << 5)
#define CR0_WP (1ull << 16)
#define CR0_AM (1ull << 18)
#define CR0_NW (1ull << 29)
#define CR0_CD (1ull << 30)
#define CR0_PG (1ull << 31)

/* CR4 (SDM 3 2.5) */
#define CR4_VME (1ull << 0)
#define CR4_PVI (1ull << 1)
#define CR4_TSD (1ull << 2)
#define CR4_DE (1ull << 3)
#define CR4_PSE (1ull << 4)
#define CR4_PAE (1ull << 5)
#define CR4_MCE (1ull << 6)
#define CR4_PGE (1ull << 7)
#define CR4_PCE (1ull << 8)
#define CR4_OSFXSR (1ull << 9)
#define CR4_OSXMMEXCPT (1ull << 10)
#define CR4_UMIP (1ull << 11)
#define CR4_LA57 (1ull << 12)
#define CR4_VMXE (1ull << 13)
#define CR4_SMXE (1ull << 14)
#define CR4_FSGSBASE (1ull << 16)
#define CR4_PCIDE (1ull << 17)
#define CR4_OSXSAVE (1ull << 18)
#define CR4_SMEP (1ull << 20)
#define CR4_SMAP (1ull << 21)
#define CR4_PKE (1ull << 22)
#define CR4_CET (1ull << 23)
#define CR4_PKS (1ull << 24)

/* EFER (SDM 3 2.2.1, APM 2 3.1.7) */
#define X86_EFER_SCE (1ull << 0)
#define X86_EFER_LME (1ull << 8)
#define X86_EFER_LMA (1ull << 10)
#define X86_EFER_NXE (1ull << 11)
#define X86_EFER_SVME (1ull << 12)
#define X86_EFER_FFXSR (1ull << 14)

/* DR6 and DR7 (SDM 3 17.2) */
#define X86_DR6_FIXED 0xffff0ff0ull	/* bits that read as ones; DR6.RTM among them */
#define X86_DR6_BD (1ull << 13)
#define X86_DR6_BS (1ull << 14)
#define X86_DR6_BT (1ull << 15)
#define X86_DR7_FIXED 0x400ull
#define X86_DR7_ENABLES 0xffull	/* L0 to G3 */
#define X86_DR7_GD (1ull << 13)

/* Exceptions (SDM 3 6.3.1) */
enum x86_vector {
	X86_DE = 0, X86_DB = 1, X86_NMI = 2, X86_BP = 3, X86_OF = 4, X86_BR = 5, X86_UD = 6,
	X86_NM = 7, X86_DF = 8, X86_XS = 9, X86_TS = 10, X86_NP = 11, X86_SS_FAULT = 12,
	X86_GP = 13, X86_PF = 14, X86_MF = 16, X86_AC = 17, X86_MC = 18, X86_XM = 19,
	X86_VE = 20, X86_CP = 21
};

/* Error code of #PF (SDM 3 4.7) */
#define X86_PF_P (1u << 0)
#define X86_PF_W (1u << 1)
#define X86_PF_U (1u << 2)
#define X86_PF_RSVD (1u << 3)
#define X86_PF_I (1u << 4)
#define X86_PF_PK (1u << 5)

/* ---- segments --------------------------------------------------------------------- */

/*
 * Access rights as VMX keeps them (SDM 3 24.4.1): bits 8 to 23 of a descriptor's high
 * half with the limit's bits taken out.
 */
#define X86_AR_TYPE 0xfu
#define X86_AR_ACCESSED 0x1u
#define X86_AR_RW 0x2u		/* readable code, writable data */
#define X86_AR_EC 0x4u		/* conforming code, expand-down data */
#define X86_AR_CODE 0x8u
#define X86_AR_S (1u << 4)	/* code or data; clear: system */
#define X86_AR_DPL (3u << 5)
#define X86_AR_DPL_SHIFT 5
#define X86_AR_P (1u << 7)
#define X86_AR_AVL (1u << 12)
#define X86_AR_L (1u << 13)
#define X86_AR_DB (1u << 14)
#define X86_AR_G (1u << 15)
#define X86_AR_UNUSABLE (1u << 16)	/* a null selector was loaded */

struct x86_seg {
	u64 base;
	u32 limit;		/* in bytes, whatever G says */
	u32 ar;			/* X86_AR_* */
	u16 selector;
};

struct x86_table {		/* GDTR, IDTR */
	u64 base;
	u16 limit;
};

/* ---- the state ---------------------------------------------------------------------- */

#define X86_SHADOW_STI 1u	/* no interrupt before the next instruction has ended */
#define X86_SHADOW_MOVSS 2u	/* nor debug exception */

enum x86_activity { X86_ACTIVE, X86_HALTED, X86_SHUTDOWN, X86_WAIT_SIPI };

struct x86_msrs {		/* those that instructions and event delivery use */
	u64 star, lstar, cstar, sfmask, kernel_gs_base;
	u64 sysenter_cs, sysenter_esp, sysenter_eip;
	u64 tsc_aux, pat, debugctl, apic_base;
};

struct x86_state {
	u64 gpr[X86_GPRS];
	u64 rip, rflags;
	struct x86_seg seg[X86_SEGS];
	struct x86_table gdtr, idtr;
	u64 cr0, cr2, cr3, cr4, cr8, efer, xcr0;
	u32 pkru;
	u64 pdpte[4];		/* as loaded with CR3, in PAE paging (SDM 3 4.4.1) */
	u64 dr[4], dr6, dr7;
	struct x86_msrs msr;
	u8 shadow;		/* X86_SHADOW_* */
	u8 held;		/* B0 to B3 that a load of SS has met: they come later */
	bool nmi_blocked;
	u8 activity;		/* enum x86_activity */
};

/* ---- what follows from it --------------------------------------------------------------- */

static inline bool x86_protected(const struct x86_state *s)
{
	return s->cr0 & CR0_PE;
}

static inline bool x86_vm86(const struct x86_state *s)
{
	return x86_protected(s) && s->rflags & X86_FLAG_VM;
}

static inline bool x86_long(const struct x86_state *s)
{
	return s->efer & X86_EFER_LMA;
}

static inline bool x86_code64(const struct x86_state *s)
{
	return x86_long(s) && s->seg[X86_CS].ar & X86_AR_L;
}

/* The DPL of SS is the CPL (SDM 3 24.4.1); in virtual-8086 mode that is 3, in real mode 0. */
static inline unsigned int x86_cpl(const struct x86_state *s)
{
	if (!x86_protected(s))
		return 0;
	if (s->rflags & X86_FLAG_VM)
		return 3;
	return (s->seg[X86_SS].ar & X86_AR_DPL) >> X86_AR_DPL_SHIFT;
}

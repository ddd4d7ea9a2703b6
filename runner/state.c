// SPDX-License-Identifier: GPL-2.0-only
/*
 * Registers by field number, and the way between struct cpu_state and the
 * structures of the KVM ABI.
 */
#include <assert.h>
#include <string.h>

#include "kvm_state.h"

#define REG_AT(field, member)                                                                      \
	static_assert(offsetof(struct cpu_state, member) == ((field) - F_rax) * sizeof(u64),       \
		      #member " is not where record.def has it")

REG_AT(F_rip, rip);
REG_AT(F_cr0, cr0);
REG_AT(F_apic_base, apic_base);
REG_AT(F_dr7, dr7);
REG_AT(F_xcr0, xcr0);

u64 *state_reg(struct cpu_state *state, u16 field)
{
	if (field >= F_rax && field <= F_xcr0)
		return (u64 *)state + (field - F_rax);
	if (field >= F_cs && field <= F_ldtr_ar)
		return (u64 *)state->seg + (field - F_cs);
	return NULL;
}

u8 *state_fpu_bytes(struct cpu_state *state, u16 field, u32 *bytes)
{
	struct fpu_state *fpu = &state->fpu;
	struct {
		u16 field;
		void *at;
		u32 bytes;
	} small[] = {
		{ F_fcw, &fpu->fcw, 2 }, { F_fsw, &fpu->fsw, 2 },     { F_ftw, &fpu->ftw, 1 },
		{ F_fop, &fpu->fop, 2 }, { F_fip, &fpu->fip, 8 },     { F_fdp, &fpu->fdp, 8 },
		{ F_mxcsr, &fpu->mxcsr, 4 },
	};

	if (field >= F_st0 && field <= F_st7) {
		*bytes = 10;
		return fpu->st[field - F_st0];
	}
	if (field >= F_xmm0 && field <= F_xmm15) {
		*bytes = 16;
		return fpu->ymm[field - F_xmm0];
	}
	if (field >= F_ymm0 && field <= F_ymm15) {
		*bytes = 32;
		return fpu->ymm[field - F_ymm0];
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(small); i++) {
		if (small[i].field == field) {
			*bytes = small[i].bytes;
			return small[i].at;
		}
	}
	return NULL;
}

/* The records have the general registers in KVM's order: RAX RBX RCX RDX ... */
static_assert(offsetof(struct kvm_regs, rip) == 16 * sizeof(u64), "kvm_regs changed");

void state_from_regs(struct cpu_state *state, const struct kvm_regs *regs)
{
	memcpy(state->gpr, regs, sizeof(state->gpr));
	state->rip = regs->rip;
	state->rflags = regs->rflags;
}

void state_to_regs(const struct cpu_state *state, struct kvm_regs *regs)
{
	memcpy(regs, state->gpr, sizeof(state->gpr));
	regs->rip = state->rip;
	regs->rflags = state->rflags;
}

static void seg_from_kvm(struct seg_state *seg, const struct kvm_segment *kvm)
{
	seg->selector = kvm->selector;
	seg->base = kvm->base;
	seg->limit = kvm->limit;
	seg->ar = kvm->type | kvm->s << 4 | kvm->dpl << 5 | kvm->present << 7 | kvm->avl << 12 |
		  kvm->l << 13 | kvm->db << 14 | kvm->g << 15;
	if (kvm->unusable || !kvm->present)
		seg->ar |= AR_UNUSABLE;
}

static void seg_to_kvm(const struct seg_state *seg, struct kvm_segment *kvm)
{
	*kvm = (struct kvm_segment){
		.base = seg->base,
		.limit = (u32)seg->limit,
		.selector = (u16)seg->selector,
		.type = seg->ar & 15,
		.s = seg->ar >> 4 & 1,
		.dpl = seg->ar >> 5 & 3,
		.present = seg->ar >> 7 & 1,
		.avl = seg->ar >> 12 & 1,
		.l = seg->ar >> 13 & 1,
		.db = seg->ar >> 14 & 1,
		.g = seg->ar >> 15 & 1,
		.unusable = !!(seg->ar & AR_UNUSABLE),
	};
}

static struct kvm_segment *kvm_seg(struct kvm_sregs *sregs, enum seg_index i)
{
	struct kvm_segment *at[SEG_COUNT] = {
		&sregs->cs, &sregs->ds, &sregs->es, &sregs->fs,
		&sregs->gs, &sregs->ss, &sregs->tr, &sregs->ldt,
	};

	return at[i];
}

void state_from_sregs(struct cpu_state *state, const struct kvm_sregs *sregs)
{
	for (int i = 0; i < SEG_COUNT; i++)
		seg_from_kvm(&state->seg[i], kvm_seg((struct kvm_sregs *)sregs, i));
	state->cr0 = sregs->cr0;
	state->cr2 = sregs->cr2;
	state->cr3 = sregs->cr3;
	state->cr4 = sregs->cr4;
	state->cr8 = sregs->cr8;
	state->efer = sregs->efer;
	state->apic_base = sregs->apic_base;
	state->gdt_base = sregs->gdt.base;
	state->gdt_limit = sregs->gdt.limit;
	state->idt_base = sregs->idt.base;
	state->idt_limit = sregs->idt.limit;
}

void state_to_sregs(const struct cpu_state *state, struct kvm_sregs *sregs)
{
	memset(sregs->interrupt_bitmap, 0, sizeof(sregs->interrupt_bitmap));
	for (int i = 0; i < SEG_COUNT; i++)
		seg_to_kvm(&state->seg[i], kvm_seg(sregs, i));
	sregs->cr0 = state->cr0;
	sregs->cr2 = state->cr2;
	sregs->cr3 = state->cr3;
	sregs->cr4 = state->cr4;
	sregs->cr8 = state->cr8;
	sregs->efer = state->efer;
	sregs->apic_base = state->apic_base;
	sregs->gdt = (struct kvm_dtable){ .base = state->gdt_base, .limit = state->gdt_limit };
	sregs->idt = (struct kvm_dtable){ .base = state->idt_base, .limit = state->idt_limit };
}

void state_from_debugregs(struct cpu_state *state, const struct kvm_debugregs *debug)
{
	for (int i = 0; i < 4; i++)
		state->dr[i] = debug->db[i];
	state->dr6 = debug->dr6;
	state->dr7 = debug->dr7;
}

void state_to_debugregs(const struct cpu_state *state, struct kvm_debugregs *debug)
{
	*debug = (struct kvm_debugregs){ .dr6 = state->dr6, .dr7 = state->dr7 };
	for (int i = 0; i < 4; i++)
		debug->db[i] = state->dr[i];
}

/* The XSAVE area, SDM 1 13.4: legacy region, header at 512, AVX at 576. */
#define XSAVE_FCW 0
#define XSAVE_FSW 2
#define XSAVE_FTW 4
#define XSAVE_FOP 6
#define XSAVE_FIP 8
#define XSAVE_FDP 16
#define XSAVE_MXCSR 24
#define XSAVE_MXCSR_MASK 28
#define XSAVE_ST 32
#define XSAVE_XMM 160
#define XSAVE_BV 512
#define XSAVE_YMM_HIGH 576

#define FPU_AT(offset, member)                                                                     \
	{ offset, offsetof(struct fpu_state, member), sizeof(((struct fpu_state *)0)->member) }

static const struct {
	u16 xsave, state, bytes;
} fpu_layout[] = {
	FPU_AT(XSAVE_FCW, fcw), FPU_AT(XSAVE_FSW, fsw), FPU_AT(XSAVE_FTW, ftw),
	FPU_AT(XSAVE_FOP, fop), FPU_AT(XSAVE_FIP, fip), FPU_AT(XSAVE_FDP, fdp),
	FPU_AT(XSAVE_MXCSR, mxcsr),
};

/* What the components hold that XSTATE_BV says are in their initial state. */
static void fpu_initial(struct fpu_state *fpu, u64 xstate_bv)
{
	if (!(xstate_bv & XSTATE_X87)) {
		fpu->fcw = FCW_INIT;
		fpu->fsw = fpu->fop = fpu->ftw = 0;
		fpu->fip = fpu->fdp = 0;
		memset(fpu->st, 0, sizeof(fpu->st));
	}
	for (int i = 0; i < 16; i++) {
		if (!(xstate_bv & XSTATE_SSE))
			memset(fpu->ymm[i], 0, 16);
		if (!(xstate_bv & XSTATE_AVX))
			memset(fpu->ymm[i] + 16, 0, 16);
	}
}

void state_from_xsave(struct cpu_state *state, const struct kvm_xsave *xsave)
{
	const u8 *area = (const u8 *)xsave->region;
	u8 *fpu = (u8 *)&state->fpu;
	u64 xstate_bv;

	for (unsigned int i = 0; i < ARRAY_SIZE(fpu_layout); i++)
		memcpy(fpu + fpu_layout[i].state, area + fpu_layout[i].xsave, fpu_layout[i].bytes);
	for (int i = 0; i < 8; i++) {
		memset(state->fpu.st[i], 0, 16);
		memcpy(state->fpu.st[i], area + XSAVE_ST + i * 16, 10);
	}
	for (int i = 0; i < 16; i++) {
		memcpy(state->fpu.ymm[i], area + XSAVE_XMM + i * 16, 16);
		memcpy(state->fpu.ymm[i] + 16, area + XSAVE_YMM_HIGH + i * 16, 16);
	}
	memcpy(&xstate_bv, area + XSAVE_BV, sizeof(xstate_bv));
	fpu_initial(&state->fpu, xstate_bv);
}

void state_to_xsave(const struct cpu_state *state, struct kvm_xsave *xsave, u64 components)
{
	u8 *area = (u8 *)xsave->region;
	const u8 *fpu = (const u8 *)&state->fpu;

	memset(xsave, 0, sizeof(*xsave));
	for (unsigned int i = 0; i < ARRAY_SIZE(fpu_layout); i++)
		memcpy(area + fpu_layout[i].xsave, fpu + fpu_layout[i].state, fpu_layout[i].bytes);
	for (int i = 0; i < 8; i++)
		memcpy(area + XSAVE_ST + i * 16, state->fpu.st[i], 10);
	for (int i = 0; i < 16; i++) {
		memcpy(area + XSAVE_XMM + i * 16, state->fpu.ymm[i], 16);
		if (components & XSTATE_AVX)
			memcpy(area + XSAVE_YMM_HIGH + i * 16, state->fpu.ymm[i] + 16, 16);
	}
	memcpy(area + XSAVE_BV, &components, sizeof(components));
}

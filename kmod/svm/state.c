// SPDX-License-Identifier: GPL-2.0-only
/* The architectural state in a VMCB's format. */
#include "svm.h"

/* Attributes are the access rights without their gap. */
static u16 attributes(u32 ar)
{
	return (ar & 0xff) | (ar >> 4 & 0xf00);
}

static u32 rights(u16 attributes)
{
	return (attributes & 0xff) | (attributes & 0xf00) << 4;
}

static void store_seg(struct vmcb_seg *to, const struct x86_seg *seg)
{
	*to = (struct vmcb_seg){
		.selector = seg->selector, .limit = seg->limit, .base = seg->base,
		/* What is unusable is not present; the level of SS is in cpl. */
		.attributes = seg->ar & X86_AR_UNUSABLE ? 0 : attributes(seg->ar),
	};
}

static void load_seg(struct x86_seg *seg, const struct vmcb_seg *from)
{
	*seg = (struct x86_seg){
		.selector = from->selector, .limit = from->limit, .base = from->base,
		.ar = rights(from->attributes),
	};
	if (!(seg->ar & X86_AR_P))
		seg->ar |= X86_AR_UNUSABLE;
}

static void store_segments(struct vmcb_save *save, const struct x86_state *s)
{
	store_seg(&save->es, &s->seg[X86_ES]);
	store_seg(&save->cs, &s->seg[X86_CS]);
	store_seg(&save->ss, &s->seg[X86_SS]);
	store_seg(&save->ds, &s->seg[X86_DS]);
	store_seg(&save->fs, &s->seg[X86_FS]);
	store_seg(&save->gs, &s->seg[X86_GS]);
	store_seg(&save->ldtr, &s->seg[X86_LDTR]);
	store_seg(&save->tr, &s->seg[X86_TR]);
	save->gdtr.base = s->gdtr.base;
	save->gdtr.limit = s->gdtr.limit;
	save->idtr.base = s->idtr.base;
	save->idtr.limit = s->idtr.limit;
	save->cpl = x86_cpl(s);
}

/* CS, and SS with the level. */
static void load_code(struct x86_state *s, const struct vmcb_save *save)
{
	load_seg(&s->seg[X86_CS], &save->cs);
	load_seg(&s->seg[X86_SS], &save->ss);
	s->seg[X86_SS].ar = (s->seg[X86_SS].ar & ~X86_AR_DPL) | save->cpl << X86_AR_DPL_SHIFT;
}

static void load_segments(struct x86_state *s, const struct vmcb_save *save)
{
	load_code(s, save);
	load_seg(&s->seg[X86_ES], &save->es);
	load_seg(&s->seg[X86_DS], &save->ds);
	load_seg(&s->seg[X86_FS], &save->fs);
	load_seg(&s->seg[X86_GS], &save->gs);
	load_seg(&s->seg[X86_LDTR], &save->ldtr);
	load_seg(&s->seg[X86_TR], &save->tr);
	s->gdtr.base = save->gdtr.base;
	s->gdtr.limit = save->gdtr.limit;
	s->idtr.base = save->idtr.base;
	s->idtr.limit = save->idtr.limit;
}

/*
 * EFER of the VMCB. SVME must be set (15.5.1). LME matters only with paging, and writes to
 * CR0 and EFER exit; without paging it is kept back, for QEMU loses the host's paging when
 * a guest with LME and without CR4.PAE exits. The guest's own EFER never changes by itself.
 */
static u64 entry_efer(const struct x86_state *s)
{
	u64 efer = s->efer | X86_EFER_SVME;

	return s->cr0 & CR0_PG ? efer : efer & ~(u64)X86_EFER_LME;
}

/* What an entry needs whatever happened since the last exit. */
void svm_store_hot(struct vmcb *vmcb, const struct x86_state *s)
{
	struct vmcb_save *save = &vmcb->save;

	save->rax = s->gpr[X86_RAX];
	save->rsp = s->gpr[X86_RSP];
	save->rip = s->rip;
	save->rflags = s->rflags;
	save->cr2 = s->cr2;
	/* The guest's is core/'s: every #DB and every MOV DR exits. What is set is new, then. */
	save->dr6 = X86_DR6_FIXED;
	vmcb->control.int_state = s->shadow ? VMCB_INTERRUPT_SHADOW : 0;
}

void svm_store_cold(struct vmcb *vmcb, const struct x86_state *s)
{
	struct vmcb_save *save = &vmcb->save;

	store_segments(save, s);
	save->cr0 = s->cr0;
	save->cr3 = s->cr3;
	save->cr4 = s->cr4;
	save->efer = entry_efer(s);
	save->star = s->msr.star;
	save->lstar = s->msr.lstar;
	save->cstar = s->msr.cstar;
	save->sfmask = s->msr.sfmask;
	save->kernel_gs_base = s->msr.kernel_gs_base;
	save->sysenter_cs = s->msr.sysenter_cs;
	save->sysenter_esp = s->msr.sysenter_esp;
	save->sysenter_eip = s->msr.sysenter_eip;
	save->pat = s->msr.pat;
	save->debugctl = s->msr.debugctl;
}

void svm_load_hot(struct x86_state *s, const struct vmcb *vmcb)
{
	const struct vmcb_save *save = &vmcb->save;

	s->gpr[X86_RAX] = save->rax;
	s->gpr[X86_RSP] = save->rsp;
	s->rip = save->rip;
	s->rflags = save->rflags;
	s->cr2 = save->cr2;
	/* SVM does not tell STI from MOV SS: either keeps interrupts away (15.21.5). */
	s->shadow = vmcb->control.int_state & VMCB_INTERRUPT_SHADOW ? X86_SHADOW_STI : 0;
}

void svm_load_cold(struct x86_state *s, const struct vmcb *vmcb)
{
	const struct vmcb_save *save = &vmcb->save;

	load_segments(s, save);
	s->cr0 = save->cr0;
	s->cr3 = save->cr3;
	s->cr4 = save->cr4;
	s->msr.star = save->star;
	s->msr.lstar = save->lstar;
	s->msr.cstar = save->cstar;
	s->msr.sfmask = save->sfmask;
	s->msr.kernel_gs_base = save->kernel_gs_base;
}

void svm_load_code(struct x86_state *s, const struct vmcb *vmcb)
{
	load_code(s, &vmcb->save);
	s->cr3 = vmcb->save.cr3;
}

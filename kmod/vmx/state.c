// SPDX-License-Identifier: GPL-2.0-only
/* The architectural state in a VMCS's fields (SDM 3 25.4). */
#include "vmx.h"

#define PENDING_BS (1u << 14)

/*
 * CS as an entry takes it. After a task switch that faulted before it was loaded it is
 * unusable, which VMX does not know of CS: the fault's delivery, which is next, loads it.
 */
static u32 rights_of_cs(const struct x86_state *s)
{
	u32 ar = s->seg[X86_CS].ar;

	if (!(ar & X86_AR_UNUSABLE))
		return ar;
	return X86_AR_P | X86_AR_S | X86_AR_CODE | X86_AR_RW | X86_AR_ACCESSED | X86_AR_DB |
	       x86_cpl(s) << X86_AR_DPL_SHIFT;
}

static void store_segments(const struct x86_state *s)
{
	unsigned int i;

	for (i = 0; i < X86_SEGS; i++) {
		vmx_write(vmx_of_segment(VMCS_GUEST_ES, i), s->seg[i].selector);
		vmx_write(vmx_of_segment(VMCS_GUEST_LIMIT, i), s->seg[i].limit);
		vmx_write(vmx_of_segment(VMCS_GUEST_AR, i), s->seg[i].ar);
		vmx_write(vmx_of_segment(VMCS_GUEST_BASE, i), s->seg[i].base);
	}
	vmx_write(vmx_of_segment(VMCS_GUEST_AR, X86_CS), rights_of_cs(s));
	/* TR must hold a busy TSS (27.3.1.2). */
	vmx_write(vmx_of_segment(VMCS_GUEST_AR, X86_TR), s->seg[X86_TR].ar | 2);
	vmx_write(VMCS_GUEST_GDTR_BASE, s->gdtr.base);
	vmx_write(VMCS_GUEST_GDTR_LIMIT, s->gdtr.limit);
	vmx_write(VMCS_GUEST_IDTR_BASE, s->idtr.base);
	vmx_write(VMCS_GUEST_IDTR_LIMIT, s->idtr.limit);
}

static void load_segments(struct x86_state *s)
{
	unsigned int i;

	for (i = 0; i < X86_SEGS; i++) {
		s->seg[i] = (struct x86_seg){
			.selector = vmx_read(vmx_of_segment(VMCS_GUEST_ES, i)),
			.limit = vmx_read(vmx_of_segment(VMCS_GUEST_LIMIT, i)),
			.ar = vmx_read(vmx_of_segment(VMCS_GUEST_AR, i)),
			.base = vmx_read(vmx_of_segment(VMCS_GUEST_BASE, i)),
		};
	}
	s->gdtr.base = vmx_read(VMCS_GUEST_GDTR_BASE);
	s->gdtr.limit = vmx_read(VMCS_GUEST_GDTR_LIMIT);
	s->idtr.base = vmx_read(VMCS_GUEST_IDTR_BASE);
	s->idtr.limit = vmx_read(VMCS_GUEST_IDTR_LIMIT);
}

/*
 * CR0 as hardware has it: what VMX fixes, but PE and PG, which an unrestricted guest may
 * change (27.3.1.1); caches are the host's. The guest reads its own from the shadow.
 */
static u64 hardware_cr0(u64 cr0)
{
	u64 must = vmx_caps.limits.cr0.must & ~(u64)(CR0_PE | CR0_PG);

	return ((cr0 & ~(u64)(CR0_CD | CR0_NW)) | must) & vmx_caps.limits.cr0.may;
}

static void store_controls(const struct x86_state *s)
{
	unsigned int i;

	vmx_write(VMCS_GUEST_CR0, hardware_cr0(s->cr0));
	vmx_write(VMCS_CR0_SHADOW, s->cr0);
	vmx_write(VMCS_GUEST_CR3, s->cr3);
	vmx_write(VMCS_GUEST_CR4, s->cr4 | vmx_caps.limits.cr4.must);
	vmx_write(VMCS_CR4_SHADOW, s->cr4);
	vmx_write(VMCS_GUEST_EFER, s->efer);
	vmx_write(VMCS_ENTRY, vmx_caps.entry | (x86_long(s) ? VMX_ENTRY_GUEST64 : 0));
	if (s->cr0 & CR0_PG && s->cr4 & CR4_PAE && !x86_long(s)) {
		for (i = 0; i < 4; i++)
			vmx_write(VMCS_GUEST_PDPTE + 2 * i, s->pdpte[i]);
	}
}

/* 27.3.1.5: with TF a shadow keeps a single step pending. */
static void store_shadow(const struct x86_state *s)
{
	bool step = s->shadow && s->rflags & X86_FLAG_TF && !(s->msr.debugctl & 2);

	vmx_write(VMCS_INTERRUPTIBILITY, s->shadow | (s->nmi_blocked ? VMX_BLOCK_NMI : 0));
	vmx_write(VMCS_PENDING_DEBUG, step ? PENDING_BS : 0);
	vmx_write(VMCS_ACTIVITY, VMX_ACTIVE);
}

void vmx_store_state(const struct x86_state *s, u64 dr7)
{
	store_segments(s);
	store_controls(s);
	store_shadow(s);
	vmx_write(VMCS_GUEST_RSP, s->gpr[X86_RSP]);
	vmx_write(VMCS_GUEST_RIP, s->rip);
	vmx_write(VMCS_GUEST_RFLAGS, s->rflags);
	vmx_write(VMCS_GUEST_DR7, dr7);
	vmx_write(VMCS_GUEST_SYSENTER_CS, s->msr.sysenter_cs);
	vmx_write(VMCS_GUEST_SYSENTER_ESP, s->msr.sysenter_esp);
	vmx_write(VMCS_GUEST_SYSENTER_EIP, s->msr.sysenter_eip);
	vmx_write(VMCS_GUEST_PAT, s->msr.pat);
	vmx_write(VMCS_GUEST_DEBUGCTL, s->msr.debugctl);
}

void vmx_load_state(struct x86_state *s)
{
	u32 blocked = vmx_read(VMCS_INTERRUPTIBILITY);
	unsigned int i;

	load_segments(s);
	s->cr3 = vmx_read(VMCS_GUEST_CR3);
	if (s->cr0 & CR0_PG && s->cr4 & CR4_PAE && !x86_long(s)) {
		for (i = 0; i < 4; i++)
			s->pdpte[i] = vmx_read(VMCS_GUEST_PDPTE + 2 * i);
	}
	s->gpr[X86_RSP] = vmx_read(VMCS_GUEST_RSP);
	s->rip = vmx_read(VMCS_GUEST_RIP);
	s->rflags = vmx_read(VMCS_GUEST_RFLAGS);
	s->shadow = blocked & (VMX_BLOCK_STI | VMX_BLOCK_MOVSS);
	s->nmi_blocked = blocked & VMX_BLOCK_NMI;
}

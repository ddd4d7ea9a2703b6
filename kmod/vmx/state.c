// SPDX-License-Identifier: GPL-2.0-only
/* The architectural state as a VMCS has it (SDM 3 25.4). */
#include "vmx.h"

#define PENDING_ENABLED (1u << 12)	/* DR7 enables one of those that were met */
#define PENDING_BS (1u << 14)

/* ---- what an entry is given ---------------------------------------------------------------- */

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

/*
 * CR0 as hardware has it: what VMX fixes, but PE and PG, which an unrestricted guest may
 * change (27.3.1.1); caches are the host's. The guest reads its own from the shadow.
 */
static u64 hardware_cr0(u64 cr0)
{
	u64 must = vmx_caps.limits.cr0.must & ~(u64)(CR0_PE | CR0_PG);

	return ((cr0 & ~(u64)(CR0_CD | CR0_NW)) | must) & vmx_caps.limits.cr0.may;
}

/* 27.3.1.5: with TF a shadow keeps a single step pending; MOV SS holds breakpoints back. */
static u32 pending_debug(const struct x86_state *s)
{
	bool step = s->shadow && s->rflags & X86_FLAG_TF && !(s->msr.debugctl & 2);
	u32 held = s->shadow & X86_SHADOW_MOVSS && s->held ? s->held | PENDING_ENABLED : 0;

	return (step ? PENDING_BS : 0) | held;
}

/* The guest-state area but for what no rule looks at; PDPTEs only where they count. */
static void guest_of(const struct x86_state *s, u64 dr7, struct vmx_guest *guest)
{
	unsigned int i;

	*guest = (struct vmx_guest){
		.cr0 = hardware_cr0(s->cr0), .cr3 = s->cr3,
		.cr4 = s->cr4 | vmx_caps.limits.cr4.must, .dr7 = dr7,
		.rip = s->rip, .rflags = s->rflags,
		.gdtr_base = s->gdtr.base, .gdtr_limit = s->gdtr.limit,
		.idtr_base = s->idtr.base, .idtr_limit = s->idtr.limit,
		.sysenter_esp = s->msr.sysenter_esp, .sysenter_eip = s->msr.sysenter_eip,
		.pat = s->msr.pat, .efer = s->efer, .debugctl = s->msr.debugctl,
		.pending_debug = pending_debug(s), .link = ~0ull, .activity = VMX_ACTIVE,
		.interruptibility = s->shadow,
	};
	memcpy(guest->seg, s->seg, sizeof(guest->seg));
	guest->seg[X86_CS].ar = rights_of_cs(s);
	/* TR must hold a busy TSS (27.3.1.2). */
	guest->seg[X86_TR].ar |= 2;
	if (s->cr0 & CR0_PG && s->cr4 & CR4_PAE && !x86_long(s)) {
		for (i = 0; i < 4; i++)
			guest->pdpte[i] = s->pdpte[i];
	}
}

static u32 entry_controls(const struct x86_state *s)
{
	return vmx_caps.entry | (x86_long(s) ? VMX_ENTRY_GUEST64 : 0);
}

bool vmx_restricted(const struct x86_state *s, u64 dr7)
{
	struct vmcs_image image = {
		.pin = vmx_caps.pin, .primary = vmx_caps.primary,
		.secondary = vmx_caps.secondary, .entry = entry_controls(s),
	};

	if (!(s->cr0 & CR0_PE && s->cr0 & CR0_PG))
		return true;
	guest_of(s, dr7, &image.guest);
	if (!vmx_check_guest(&image, &vmx_caps.limits))
		return false;
	/* What is not right at all is for the processor to refuse. */
	image.secondary |= VMX2_UNRESTRICTED;
	return !vmx_check_guest(&image, &vmx_caps.limits);
}

/* ---- into the current VMCS, and back ------------------------------------------- */

static void store_segments(const struct vmx_guest *guest)
{
	unsigned int i;

	for (i = 0; i < X86_SEGS; i++) {
		vmx_write(vmx_of_segment(VMCS_GUEST_ES, i), guest->seg[i].selector);
		vmx_write(vmx_of_segment(VMCS_GUEST_LIMIT, i), guest->seg[i].limit);
		vmx_write(vmx_of_segment(VMCS_GUEST_AR, i), guest->seg[i].ar);
		vmx_write(vmx_of_segment(VMCS_GUEST_BASE, i), guest->seg[i].base);
	}
	vmx_write(VMCS_GUEST_GDTR_BASE, guest->gdtr_base);
	vmx_write(VMCS_GUEST_GDTR_LIMIT, guest->gdtr_limit);
	vmx_write(VMCS_GUEST_IDTR_BASE, guest->idtr_base);
	vmx_write(VMCS_GUEST_IDTR_LIMIT, guest->idtr_limit);
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

static void store_controls(const struct x86_state *s, const struct vmx_guest *guest)
{
	unsigned int i;

	vmx_write(VMCS_GUEST_CR0, guest->cr0);
	vmx_write(VMCS_CR0_SHADOW, s->cr0);
	vmx_write(VMCS_GUEST_CR3, guest->cr3);
	vmx_write(VMCS_GUEST_CR4, guest->cr4);
	vmx_write(VMCS_CR4_SHADOW, s->cr4);
	vmx_write(VMCS_GUEST_EFER, guest->efer);
	vmx_write(VMCS_ENTRY, entry_controls(s));
	if (s->cr0 & CR0_PG && s->cr4 & CR4_PAE && !x86_long(s)) {
		for (i = 0; i < 4; i++)
			vmx_write(VMCS_GUEST_PDPTE + 2 * i, guest->pdpte[i]);
	}
}

/*
 * NMIs are blocked from the delivery of one on, not before it (27.3.1.5); and without virtual
 * NMIs the bit is of the processor's own, that is the host's.
 */
static u32 blocked_nmis(const struct x86_state *s, const struct x86_event *event)
{
	bool begins = event->valid && event->kind == X86_EVENT_NMI;

	return vmx_caps.virtual_nmi && s->nmi_blocked && !begins ? VMX_BLOCK_NMI : 0;
}

void vmx_store_state(const struct x86_state *s, u64 dr7, const struct x86_event *event)
{
	struct vmx_guest guest;

	guest_of(s, dr7, &guest);
	store_segments(&guest);
	store_controls(s, &guest);
	vmx_write(VMCS_INTERRUPTIBILITY, guest.interruptibility | blocked_nmis(s, event));
	vmx_write(VMCS_PENDING_DEBUG, guest.pending_debug);
	vmx_write(VMCS_ACTIVITY, guest.activity);
	vmx_write(VMCS_GUEST_RSP, s->gpr[X86_RSP]);
	vmx_write(VMCS_GUEST_RIP, guest.rip);
	vmx_write(VMCS_GUEST_RFLAGS, guest.rflags);
	vmx_write(VMCS_GUEST_DR7, guest.dr7);
	vmx_write(VMCS_GUEST_SYSENTER_CS, s->msr.sysenter_cs);
	vmx_write(VMCS_GUEST_SYSENTER_ESP, guest.sysenter_esp);
	vmx_write(VMCS_GUEST_SYSENTER_EIP, guest.sysenter_eip);
	vmx_write(VMCS_GUEST_PAT, guest.pat);
	vmx_write(VMCS_GUEST_DEBUGCTL, guest.debugctl);
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
	s->held = blocked & VMX_BLOCK_MOVSS ? vmx_read(VMCS_PENDING_DEBUG) & 0xf : 0;
	if (vmx_caps.virtual_nmi)
		s->nmi_blocked = blocked & VMX_BLOCK_NMI;
}

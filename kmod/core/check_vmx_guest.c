// SPDX-License-Identifier: GPL-2.0-only
/* The rules of a VM entry for guest state. */
#include "check_vmx.h"
#include "event.h"

#define MISC_ACTIVITY(limits, state) ((limits)->misc >> (5 + (state)) & 1)
#define EVENT_OTHER 7		/* a pending MTF exit */
#define DEBUGCTL_BTF 2u
#define PENDING_BS (1ull << 14)
#define PENDING_RESERVED 0xfffffffffffeaff0ull	/* all but B0 to B3, 12, BS and RTM */
#define PDPTE_RESERVED 0x1e6ull
#define RFLAGS_RESERVED (~0x3fffffull | 1 << 15 | 1 << 5 | 1 << 3)
#define AR_RESERVED 0xfffe0f00u

static bool guest64(const struct vmcs_image *v)
{
	return v->entry & VMX_ENTRY_GUEST64;
}

static bool vm86(const struct vmcs_image *v)
{
	return v->guest.rflags & X86_FLAG_VM;
}

static bool unrestricted(const struct vmcs_image *v)
{
	return vmx_secondary(v, VMX2_UNRESTRICTED);
}

/* ---- control registers, debug registers, MSRs ------------------------------------------ */

#define SECTION "SDM 3 27.3.1.1"

static bool bad_cr0(const struct vmcs_image *v, const struct vmx_limits *l)
{
	struct vmx_allowed allowed = l->cr0;

	if (unrestricted(v))
		allowed.must &= ~(CR0_PE | CR0_PG);
	return vmx_forbidden(v->guest.cr0, &allowed);
}

static const struct x86_rule *check_msrs(const struct vmcs_image *v, const struct vmx_limits *l)
{
	const struct vmx_guest *g = &v->guest;

	RULE(vmx_not_canonical(g->cr4, g->sysenter_esp), "guest SYSENTER_ESP is not canonical");
	RULE(vmx_not_canonical(g->cr4, g->sysenter_eip), "guest SYSENTER_EIP is not canonical");
	RULE(v->entry & VMX_ENTRY_LOAD_PAT && vmx_bad_pat(g->pat),
	     "guest PAT has an invalid memory type");
	if (!(v->entry & VMX_ENTRY_LOAD_EFER))
		return NULL;
	RULE(g->efer & ~l->efer, "guest EFER: a reserved bit");
	RULE(!(g->efer & X86_EFER_LMA) != !guest64(v), "guest EFER.LMA is not IA-32e mode guest");
	RULE(g->cr0 & CR0_PG && !(g->efer & X86_EFER_LMA) != !(g->efer & X86_EFER_LME),
	     "guest EFER.LMA and LME differ with paging on");
	return NULL;
}

static const struct x86_rule *check_controls(const struct vmcs_image *v,
					     const struct vmx_limits *l)
{
	const struct vmx_guest *g = &v->guest;
	bool debug = v->entry & VMX_ENTRY_LOAD_DEBUG;

	RULE(bad_cr0(v, l), "guest CR0: a bit that is fixed");
	RULE(g->cr0 & CR0_PG && !(g->cr0 & CR0_PE), "guest CR0.PG without PE");
	RULE(vmx_forbidden(g->cr4, &l->cr4), "guest CR4: a bit that is fixed");
	RULE(g->cr4 & CR4_CET && !(g->cr0 & CR0_WP), "guest CR4.CET without CR0.WP");
	RULE(debug && g->debugctl & ~l->debugctl, "guest DEBUGCTL: a reserved bit");
	RULE(guest64(v) && !(g->cr0 & CR0_PG), "IA-32e mode guest without CR0.PG");
	RULE(guest64(v) && !(g->cr4 & CR4_PAE), "IA-32e mode guest without CR4.PAE");
	RULE(!guest64(v) && g->cr4 & CR4_PCIDE, "guest CR4.PCIDE outside of IA-32e mode");
	RULE(vmx_beyond(l, g->cr3), "guest CR3 is beyond the physical address width");
	RULE(debug && g->dr7 >> 32, "guest DR7 has a bit of 63 to 32 set");
	return check_msrs(v, l);
}

/* ---- segments ---------------------------------------------------------------------------- */

#undef SECTION
#define SECTION "SDM 3 27.3.1.2"

static bool usable(const struct x86_seg *seg)
{
	return !(seg->ar & X86_AR_UNUSABLE);
}

static unsigned int dpl(const struct x86_seg *seg)
{
	return (seg->ar & X86_AR_DPL) >> X86_AR_DPL_SHIFT;
}

static unsigned int rpl(const struct x86_seg *seg)
{
	return seg->selector & 3;
}

/* G must be clear if a bit of 11 to 0 of the limit is, and set if one of 31 to 20 is. */
static bool bad_granularity(const struct x86_seg *seg)
{
	bool pages = seg->ar & X86_AR_G;

	return pages ? (seg->limit & 0xfff) != 0xfff : seg->limit >> 20;
}

static const struct x86_rule *check_vm86(const struct vmcs_image *v)
{
	for (unsigned int i = X86_ES; i <= X86_GS; i++) {
		const struct x86_seg *seg = &v->guest.seg[i];

		RULE(seg->base != (u64)seg->selector << 4,
		     "virtual-8086 mode: a base is not the selector times 16");
		RULE(seg->limit != 0xffff, "virtual-8086 mode: a limit is not 64 KiB");
		RULE(seg->ar != 0xf3, "virtual-8086 mode: access rights are not F3h");
	}
	return NULL;
}

static const struct x86_rule *check_bases(const struct vmcs_image *v)
{
	const struct vmx_guest *g = &v->guest;
	const struct x86_seg *s = g->seg;

	RULE(vmx_not_canonical(g->cr4, s[X86_TR].base), "guest TR base is not canonical");
	RULE(vmx_not_canonical(g->cr4, s[X86_FS].base), "guest FS base is not canonical");
	RULE(vmx_not_canonical(g->cr4, s[X86_GS].base), "guest GS base is not canonical");
	RULE(usable(&s[X86_LDTR]) && vmx_not_canonical(g->cr4, s[X86_LDTR].base),
	     "guest LDTR base is not canonical");
	RULE(s[X86_CS].base >> 32, "guest CS base has a bit of 63 to 32 set");
	RULE((usable(&s[X86_SS]) && s[X86_SS].base >> 32) ||
	     (usable(&s[X86_DS]) && s[X86_DS].base >> 32) ||
	     (usable(&s[X86_ES]) && s[X86_ES].base >> 32),
	     "guest SS, DS or ES base has a bit of 63 to 32 set");
	return NULL;
}

static const struct x86_rule *check_cs(const struct vmcs_image *v)
{
	const struct x86_seg *cs = &v->guest.seg[X86_CS], *ss = &v->guest.seg[X86_SS];
	unsigned int type = cs->ar & X86_AR_TYPE;

	RULE(!(type == 3 && unrestricted(v)) && (type & 9) != 9,
	     "guest CS: the type is no accessed code segment's");
	RULE(!(cs->ar & X86_AR_S), "guest CS: S is clear");
	RULE(type == 3 && dpl(cs), "guest CS: DPL of a data segment is not 0");
	RULE((type == 9 || type == 11) && dpl(cs) != dpl(ss), "guest CS: DPL is not that of SS");
	RULE((type == 13 || type == 15) && dpl(cs) > dpl(ss),
	     "guest CS: DPL of conforming code is above that of SS");
	RULE(!(cs->ar & X86_AR_P), "guest CS: not present");
	RULE(cs->ar & AR_RESERVED, "guest CS: a reserved bit of the access rights");
	RULE(guest64(v) && cs->ar & X86_AR_L && cs->ar & X86_AR_DB, "guest CS: L and D are set");
	RULE(bad_granularity(cs), "guest CS: G does not agree with the limit");
	return NULL;
}

static const struct x86_rule *check_ss(const struct vmcs_image *v)
{
	const struct x86_seg *cs = &v->guest.seg[X86_CS], *ss = &v->guest.seg[X86_SS];
	unsigned int type = ss->ar & X86_AR_TYPE;
	bool real = !(v->guest.cr0 & CR0_PE) || (cs->ar & X86_AR_TYPE) == 3;

	RULE(!unrestricted(v) && dpl(ss) != rpl(ss), "guest SS: DPL is not RPL");
	RULE(real && dpl(ss), "guest SS: DPL is not 0, in real mode or with a data segment in CS");
	if (!usable(ss))
		return NULL;
	RULE(type != 3 && type != 7, "guest SS: the type is no accessed writable data segment's");
	RULE(!(ss->ar & X86_AR_S), "guest SS: S is clear");
	RULE(!(ss->ar & X86_AR_P), "guest SS: not present");
	RULE(ss->ar & AR_RESERVED, "guest SS: a reserved bit of the access rights");
	RULE(bad_granularity(ss), "guest SS: G does not agree with the limit");
	return NULL;
}

static const struct x86_rule *check_data(const struct vmcs_image *v, const struct x86_seg *seg)
{
	unsigned int type = seg->ar & X86_AR_TYPE;

	if (!usable(seg))
		return NULL;
	RULE(!(type & 1), "a guest data segment is not accessed");
	RULE((type & (X86_AR_CODE | X86_AR_RW)) == X86_AR_CODE,
	     "a guest data segment is execute-only code");
	RULE(!(seg->ar & X86_AR_S), "a guest data segment: S is clear");
	RULE(!unrestricted(v) && type <= 11 && dpl(seg) < rpl(seg),
	     "a guest data segment: DPL is below RPL");
	RULE(!(seg->ar & X86_AR_P), "a guest data segment is not present");
	RULE(seg->ar & AR_RESERVED, "a guest data segment: a reserved bit of the access rights");
	RULE(bad_granularity(seg), "a guest data segment: G does not agree with the limit");
	return NULL;
}

static const struct x86_rule *check_system(const struct vmcs_image *v)
{
	const struct x86_seg *tr = &v->guest.seg[X86_TR], *ldtr = &v->guest.seg[X86_LDTR];
	unsigned int type = tr->ar & X86_AR_TYPE;

	RULE(type != 11 && !(type == 3 && !guest64(v)), "guest TR: the type is no busy TSS's");
	RULE(tr->ar & X86_AR_S, "guest TR: S is set");
	RULE(!(tr->ar & X86_AR_P), "guest TR: not present");
	RULE(tr->ar & (AR_RESERVED | X86_AR_UNUSABLE),
	     "guest TR: unusable, or a reserved bit of the access rights");
	RULE(bad_granularity(tr), "guest TR: G does not agree with the limit");
	if (!usable(ldtr))
		return NULL;
	RULE((ldtr->ar & X86_AR_TYPE) != 2, "guest LDTR: the type is no LDT's");
	RULE(ldtr->ar & X86_AR_S, "guest LDTR: S is set");
	RULE(!(ldtr->ar & X86_AR_P), "guest LDTR: not present");
	RULE(ldtr->ar & AR_RESERVED, "guest LDTR: a reserved bit of the access rights");
	RULE(bad_granularity(ldtr), "guest LDTR: G does not agree with the limit");
	return NULL;
}

static const struct x86_rule *check_segments(const struct vmcs_image *v)
{
	static const u8 data[] = { X86_DS, X86_ES, X86_FS, X86_GS };
	const struct x86_seg *s = v->guest.seg;
	const struct x86_rule *rule;

	RULE(s[X86_TR].selector & 4, "guest TR: TI is set");
	RULE(usable(&s[X86_LDTR]) && s[X86_LDTR].selector & 4, "guest LDTR: TI is set");
	RULE(!vm86(v) && !unrestricted(v) && rpl(&s[X86_SS]) != rpl(&s[X86_CS]),
	     "guest SS: RPL is not that of CS");
	rule = check_bases(v);
	if (!rule && vm86(v))
		rule = check_vm86(v);
	if (!rule && !vm86(v))
		rule = check_cs(v);
	if (!rule && !vm86(v))
		rule = check_ss(v);
	for (unsigned int i = 0; i < ARRAY_SIZE(data) && !rule && !vm86(v); i++)
		rule = check_data(v, &s[data[i]]);
	return rule ? rule : check_system(v);
}

#undef SECTION
#define SECTION "SDM 3 27.3.1.3"

static const struct x86_rule *check_tables(const struct vmcs_image *v)
{
	const struct vmx_guest *g = &v->guest;

	RULE(vmx_not_canonical(g->cr4, g->gdtr_base), "guest GDTR base is not canonical");
	RULE(vmx_not_canonical(g->cr4, g->idtr_base), "guest IDTR base is not canonical");
	RULE(g->gdtr_limit >> 16, "guest GDTR limit has a bit of 31 to 16 set");
	RULE(g->idtr_limit >> 16, "guest IDTR limit has a bit of 31 to 16 set");
	return NULL;
}

/* ---- RIP and RFLAGS ---------------------------------------------------------------------- */

#undef SECTION
#define SECTION "SDM 3 27.3.1.4"

static bool injects(const struct vmcs_image *v, unsigned int type)
{
	return v->event & VMX_EVENT_VALID && (v->event >> VMX_EVENT_TYPE_SHIFT & 7) == type;
}

static const struct x86_rule *check_rip(const struct vmcs_image *v)
{
	const struct vmx_guest *g = &v->guest;
	bool code64 = guest64(v) && g->seg[X86_CS].ar & X86_AR_L;

	RULE(!code64 && g->rip >> 32, "guest RIP has a bit of 63 to 32 set");
	RULE(code64 && vmx_not_canonical(g->cr4, g->rip), "guest RIP is not canonical");
	RULE(g->rflags & RFLAGS_RESERVED || !(g->rflags & X86_FLAG_ONE),
	     "guest RFLAGS: a reserved bit");
	RULE(vm86(v) && (guest64(v) || !(g->cr0 & CR0_PE)),
	     "guest RFLAGS.VM in IA-32e mode or without CR0.PE");
	RULE(injects(v, X86_EVENT_INTERRUPT) && !(g->rflags & X86_FLAG_IF),
	     "an interrupt is injected with RFLAGS.IF clear");
	return NULL;
}

/* ---- what is not in registers --------------------------------------------------------------- */

#undef SECTION
#define SECTION "SDM 3 27.3.1.5"

/* What an event may find: the table of activity states and events. */
static bool wakes(const struct vmcs_image *v)
{
	bool exception = injects(v, X86_EVENT_EXCEPTION);
	u8 vector = v->event;

	switch (v->guest.activity) {
	case VMX_HLT:
		return injects(v, X86_EVENT_INTERRUPT) || injects(v, X86_EVENT_NMI) ||
		       (exception && (vector == X86_DB || vector == X86_MC)) ||
		       injects(v, EVENT_OTHER);
	case VMX_SHUTDOWN:
		return injects(v, X86_EVENT_NMI) || (exception && vector == X86_MC);
	default:
		return false;
	}
}

static const struct x86_rule *check_activity(const struct vmcs_image *v,
					     const struct vmx_limits *l)
{
	const struct vmx_guest *g = &v->guest;
	u32 blocked = g->interruptibility & (VMX_BLOCK_STI | VMX_BLOCK_MOVSS);

	RULE(g->activity > VMX_WAIT_SIPI, "guest activity state: there is no such");
	RULE(g->activity && !MISC_ACTIVITY(l, g->activity),
	     "guest activity state: the processor does not have it");
	RULE(g->activity == VMX_HLT && dpl(&g->seg[X86_SS]), "guest activity: HLT above CPL 0");
	RULE(g->activity && blocked, "guest activity: not active under STI or MOV SS");
	RULE(g->activity && v->event & VMX_EVENT_VALID && !wakes(v),
	     "guest activity: the injected event does not wake from it");
	return NULL;
}

static const struct x86_rule *check_blocking(const struct vmcs_image *v)
{
	u32 i = v->guest.interruptibility;
	bool both = i & VMX_BLOCK_STI && i & VMX_BLOCK_MOVSS;

	RULE(i & ~0x1fu, "guest interruptibility: a reserved bit");
	RULE(both, "guest interruptibility: STI and MOV SS");
	RULE(i & VMX_BLOCK_STI && !(v->guest.rflags & X86_FLAG_IF),
	     "guest interruptibility: STI with RFLAGS.IF clear");
	RULE(i & (VMX_BLOCK_STI | VMX_BLOCK_MOVSS) && injects(v, X86_EVENT_INTERRUPT),
	     "an interrupt is injected under STI or MOV SS");
	RULE(i & VMX_BLOCK_MOVSS && injects(v, X86_EVENT_NMI),
	     "an NMI is injected under MOV SS");
	RULE(i & VMX_BLOCK_SMI, "guest interruptibility: SMIs are blocked outside of SMM");
	RULE(i & VMX_BLOCK_NMI && v->pin & VMX_PIN_VIRTUAL_NMI &&
	     injects(v, X86_EVENT_NMI),
	     "a virtual NMI is injected while NMIs are blocked");
	return NULL;
}

static const struct x86_rule *check_pending(const struct vmcs_image *v,
					    const struct vmx_limits *l)
{
	const struct vmx_guest *g = &v->guest;
	bool step = g->rflags & X86_FLAG_TF && !(g->debugctl & DEBUGCTL_BTF);
	bool looked = g->interruptibility & (VMX_BLOCK_STI | VMX_BLOCK_MOVSS) ||
		      g->activity == VMX_HLT;

	RULE(g->pending_debug & PENDING_RESERVED, "guest pending debug exceptions: a reserved bit");
	RULE(looked && step && !(g->pending_debug & PENDING_BS),
	     "guest pending debug exceptions: BS is clear while RFLAGS.TF steps");
	RULE(looked && !step && g->pending_debug & PENDING_BS,
	     "guest pending debug exceptions: BS is set while nothing steps");
	RULE(g->link != ~0ull && (g->link & 0xfff || vmx_beyond(l, g->link)),
	     "the VMCS link pointer is not right");
	return NULL;
}

#undef SECTION
#define SECTION "SDM 3 27.3.1.6"

/* With EPT they are the VMCS's; else they are read from memory, and not checked here. */
static const struct x86_rule *check_pdptes(const struct vmcs_image *v, const struct vmx_limits *l)
{
	const struct vmx_guest *g = &v->guest;

	if (guest64(v) || !vmx_secondary(v, VMX2_EPT) || !(g->cr0 & CR0_PG) ||
	    !(g->cr4 & CR4_PAE))
		return NULL;
	for (unsigned int i = 0; i < 4; i++)
		RULE(g->pdpte[i] & 1 && (g->pdpte[i] & PDPTE_RESERVED ||
					 vmx_beyond(l, g->pdpte[i])),
		     "a guest PDPTE has a reserved bit set");
	return NULL;
}

/* ---- all of them --------------------------------------------------------------------- */

const struct x86_rule *vmx_check_guest(const struct vmcs_image *vmcs,
				       const struct vmx_limits *limits)
{
	const struct x86_rule *rule = check_controls(vmcs, limits);

	if (!rule)
		rule = check_segments(vmcs);
	if (!rule)
		rule = check_tables(vmcs);
	if (!rule)
		rule = check_rip(vmcs);
	if (!rule)
		rule = check_activity(vmcs, limits);
	if (!rule)
		rule = check_blocking(vmcs);
	if (!rule)
		rule = check_pending(vmcs, limits);
	return rule ? rule : check_pdptes(vmcs, limits);
}

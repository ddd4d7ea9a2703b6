// SPDX-License-Identifier: GPL-2.0-only
/* The rules of a VM entry for controls and host state. */
#include "check_vmx.h"

#define MISC_MTF_INJECTION(limits) ((limits)->primary.may & 1u << 27)
#define MISC_ZERO_LENGTH (1ull << 30)
#define EPT_WALK4 (1ull << 6)
#define EPT_WALK5 (1ull << 7)
#define EPT_UC (1ull << 8)
#define EPT_WB (1ull << 14)
#define EPT_AD (1ull << 21)

/* Not a page's address, or beyond the physical address width. */
static bool bad_page(const struct vmx_limits *limits, u64 address)
{
	return address & 0xfff || vmx_beyond(limits, address);
}

/* ---- VM-execution controls ----------------------------------------------------------- */

#define SECTION "SDM 3 27.2.1.1"

static bool bad_eptp(const struct vmx_limits *limits, u64 eptp)
{
	unsigned int type = eptp & 7, walk = eptp >> 3 & 7;

	if (!(type == 0 && limits->ept & EPT_UC) && !(type == 6 && limits->ept & EPT_WB))
		return true;
	if (!(walk == 3 && limits->ept & EPT_WALK4) && !(walk == 4 && limits->ept & EPT_WALK5))
		return true;
	if (eptp & 0x40 && !(limits->ept & EPT_AD))
		return true;
	return eptp & 0xf80 || vmx_beyond(limits, eptp);
}

static const struct x86_rule *check_apic(const struct vmcs_image *v, const struct vmx_limits *l)
{
	bool shadow = v->primary & VMX_TPR_SHADOW;
	bool delivery = vmx_secondary(v, VMX2_INTERRUPT_DELIVERY);

	RULE(shadow && bad_page(l, v->virtual_apic), "the virtual-APIC address is not right");
	RULE(shadow && !delivery && v->tpr_threshold >> 4,
	     "the TPR threshold has a bit of 31 to 4 set");
	RULE(!shadow && vmx_secondary(v, VMX2_X2APIC),
	     "virtualize x2APIC mode without the TPR shadow");
	RULE(!shadow && vmx_secondary(v, VMX2_APIC_REGISTER),
	     "APIC-register virtualization without the TPR shadow");
	RULE(!shadow && delivery, "virtual-interrupt delivery without the TPR shadow");
	RULE(!(v->pin & VMX_PIN_NMI) && v->pin & VMX_PIN_VIRTUAL_NMI,
	     "virtual NMIs without NMI exiting");
	RULE(!(v->pin & VMX_PIN_VIRTUAL_NMI) && v->primary & VMX_NMI_WINDOW,
	     "NMI-window exiting without virtual NMIs");
	RULE(vmx_secondary(v, VMX2_APIC_ACCESS) && bad_page(l, v->apic_access),
	     "the APIC-access address is not right");
	RULE(vmx_secondary(v, VMX2_X2APIC) && vmx_secondary(v, VMX2_APIC_ACCESS),
	     "virtualize x2APIC mode together with virtualize APIC accesses");
	RULE(delivery && !(v->pin & VMX_PIN_INTERRUPT),
	     "virtual-interrupt delivery without external-interrupt exiting");
	if (!(v->pin & VMX_PIN_POSTED))
		return NULL;
	RULE(!delivery, "posted interrupts without virtual-interrupt delivery");
	RULE(!(v->exit & VMX_EXIT_ACKNOWLEDGE), "posted interrupts without acknowledge on exit");
	RULE(v->posted_vector >> 8, "the posted-interrupt vector is above 255");
	RULE(v->posted_descriptor & 0x3f || vmx_beyond(l, v->posted_descriptor),
	     "the posted-interrupt descriptor's address is not right");
	return NULL;
}

static const struct x86_rule *check_second(const struct vmcs_image *v, const struct vmx_limits *l)
{
	bool ept = vmx_secondary(v, VMX2_EPT);

	RULE(vmx_secondary(v, VMX2_VPID) && !v->vpid, "the VPID is zero");
	RULE(ept && bad_eptp(l, v->eptp), "the EPT pointer is not right");
	RULE(vmx_secondary(v, VMX2_PML) && !ept, "page-modification logging without EPT");
	RULE(vmx_secondary(v, VMX2_PML) && bad_page(l, v->pml), "the PML address is not right");
	RULE(vmx_secondary(v, VMX2_UNRESTRICTED) && !ept, "unrestricted guest without EPT");
	RULE(vmx_secondary(v, VMX2_MODE_EXECUTE) && !ept,
	     "mode-based execute control without EPT");
	RULE(vmx_secondary(v, VMX2_SHADOWING) && bad_page(l, v->vmread_bitmap),
	     "the VMREAD bitmap's address is not right");
	RULE(vmx_secondary(v, VMX2_SHADOWING) && bad_page(l, v->vmwrite_bitmap),
	     "the VMWRITE bitmap's address is not right");
	RULE(vmx_secondary(v, VMX2_VE) && bad_page(l, v->ve_information),
	     "the virtualization-exception information's address is not right");
	return NULL;
}

static const struct x86_rule *check_execution(const struct vmcs_image *v,
					      const struct vmx_limits *l)
{
	const struct x86_rule *rule;

	RULE(vmx_forbidden(v->pin, &l->pin), "pin-based controls: a reserved bit");
	RULE(vmx_forbidden(v->primary, &l->primary),
	     "primary processor-based controls: a reserved bit");
	RULE(v->primary & VMX_SECONDARY && vmx_forbidden(v->secondary, &l->secondary),
	     "secondary processor-based controls: a reserved bit");
	RULE(v->cr3_targets > 4, "more than four CR3 targets");
	RULE(v->primary & VMX_IO_BITMAPS && bad_page(l, v->io_bitmap_a),
	     "the address of I/O bitmap A is not right");
	RULE(v->primary & VMX_IO_BITMAPS && bad_page(l, v->io_bitmap_b),
	     "the address of I/O bitmap B is not right");
	RULE(v->primary & VMX_MSR_BITMAP && bad_page(l, v->msr_bitmap),
	     "the address of the MSR bitmap is not right");
	rule = check_apic(v, l);
	return rule ? rule : check_second(v, l);
}

/* ---- VM-exit controls ---------------------------------------------------------------- */

#undef SECTION
#define SECTION "SDM 3 27.2.1.2"

static bool bad_area(const struct vmx_limits *limits, const struct vmx_msr_area *area)
{
	if (!area->count)
		return false;
	return area->address & 15 || vmx_beyond(limits, area->address) ||
	       vmx_beyond(limits, area->address + 16ull * area->count - 1);
}

static const struct x86_rule *check_exit(const struct vmcs_image *v, const struct vmx_limits *l)
{
	RULE(vmx_forbidden(v->exit, &l->exit), "VM-exit controls: a reserved bit");
	RULE(!(v->pin & VMX_PIN_TIMER) && v->exit & VMX_EXIT_SAVE_TIMER,
	     "save of the preemption timer without its activation");
	RULE(bad_area(l, &v->exit_store), "the VM-exit MSR-store area is not right");
	RULE(bad_area(l, &v->exit_load), "the VM-exit MSR-load area is not right");
	return NULL;
}

/* ---- VM-entry controls --------------------------------------------------------------- */

#undef SECTION
#define SECTION "SDM 3 27.2.1.3"

/* Exceptions that push an error code (SDM 3 table 6-1), but #CP. */
static bool pushes_error(const struct vmcs_image *v)
{
	u8 vector = v->event;
	bool protected = v->guest.cr0 & CR0_PE || !vmx_secondary(v, VMX2_UNRESTRICTED);
	bool exception = (v->event >> VMX_EVENT_TYPE_SHIFT & 7) == 3;

	return protected && exception && vector < 32 && 1u << vector & 0x00027d00;
}

static const struct x86_rule *check_event(const struct vmcs_image *v, const struct vmx_limits *l)
{
	unsigned int type = v->event >> VMX_EVENT_TYPE_SHIFT & 7;
	bool software = type >= 4 && type <= 6;
	u8 vector = v->event;

	if (!(v->event & VMX_EVENT_VALID))
		return NULL;
	RULE(type == 1 || (type == 7 && !MISC_MTF_INJECTION(l)),
	     "event injection: a reserved type");
	RULE(type == 2 && vector != X86_NMI, "event injection: an NMI's vector is not 2");
	RULE(type == 3 && vector > 31, "event injection: an exception's vector is above 31");
	RULE(type == 7 && vector, "event injection: a pending trap's vector is not 0");
	RULE(!(v->event & VMX_EVENT_ERROR) != !pushes_error(v),
	     "event injection: an error code where there is none, or none where there is one");
	RULE(v->event & 0x7ffff000, "event injection: a reserved bit");
	RULE(v->event & VMX_EVENT_ERROR && v->event_error >> 16,
	     "event injection: the error code has a bit of 31 to 16 set");
	RULE(software && (v->event_length > 15 ||
			  (!v->event_length && !(l->misc & MISC_ZERO_LENGTH))),
	     "event injection: the instruction's length is not one");
	return NULL;
}

static const struct x86_rule *check_entry(const struct vmcs_image *v, const struct vmx_limits *l)
{
	const struct x86_rule *rule;

	RULE(vmx_forbidden(v->entry, &l->entry), "VM-entry controls: a reserved bit");
	rule = check_event(v, l);
	if (rule)
		return rule;
	RULE(bad_area(l, &v->entry_load), "the VM-entry MSR-load area is not right");
	RULE(v->entry & VMX_ENTRY_SMM, "entry to SMM from outside of it");
	RULE(v->entry & VMX_ENTRY_DUAL_MONITOR,
	     "deactivate dual-monitor treatment from outside of SMM");
	return NULL;
}

/* ---- host state ---------------------------------------------------------------------- */

#undef SECTION
#define SECTION "SDM 3 27.2.2"

static const struct x86_rule *check_host_registers(const struct vmcs_image *v,
						   const struct vmx_limits *l)
{
	const struct vmx_host *h = &v->host;
	u64 mode = v->exit & VMX_EXIT_HOST64 ? X86_EFER_LME | X86_EFER_LMA : 0;

	RULE(vmx_forbidden(h->cr0, &l->cr0), "host CR0: a bit that is fixed");
	RULE(vmx_forbidden(h->cr4, &l->cr4), "host CR4: a bit that is fixed");
	RULE(h->cr4 & CR4_CET && !(h->cr0 & CR0_WP), "host CR4.CET without CR0.WP");
	RULE(vmx_beyond(l, h->cr3), "host CR3 is beyond the physical address width");
	RULE(vmx_not_canonical(h->cr4, h->sysenter_esp), "host SYSENTER_ESP is not canonical");
	RULE(vmx_not_canonical(h->cr4, h->sysenter_eip), "host SYSENTER_EIP is not canonical");
	RULE(v->exit & VMX_EXIT_LOAD_PAT && vmx_bad_pat(h->pat),
	     "host PAT has an invalid memory type");
	if (!(v->exit & VMX_EXIT_LOAD_EFER))
		return NULL;
	RULE(h->efer & ~l->efer, "host EFER: a reserved bit");
	RULE((h->efer & (X86_EFER_LME | X86_EFER_LMA)) != mode,
	     "host EFER.LMA or LME is not the host address-space size");
	return NULL;
}

#undef SECTION
#define SECTION "SDM 3 27.2.3"

static const struct x86_rule *check_host_segments(const struct vmcs_image *v)
{
	const struct vmx_host *h = &v->host;
	u16 all = h->es | h->cs | h->ss | h->ds | h->fs | h->gs | h->tr;

	RULE(all & 7, "a host selector has RPL or TI");
	RULE(!h->cs, "host CS is null");
	RULE(!h->tr, "host TR is null");
	RULE(!h->ss && !(v->exit & VMX_EXIT_HOST64), "host SS is null outside of 64-bit mode");
	RULE(vmx_not_canonical(h->cr4, h->fs_base), "host FS base is not canonical");
	RULE(vmx_not_canonical(h->cr4, h->gs_base), "host GS base is not canonical");
	RULE(vmx_not_canonical(h->cr4, h->gdtr_base), "host GDTR base is not canonical");
	RULE(vmx_not_canonical(h->cr4, h->idtr_base), "host IDTR base is not canonical");
	RULE(vmx_not_canonical(h->cr4, h->tr_base), "host TR base is not canonical");
	return NULL;
}

#undef SECTION
#define SECTION "SDM 3 27.2.4"

static const struct x86_rule *check_address_space(const struct vmcs_image *v,
						  const struct vmx_limits *l)
{
	bool host64 = v->exit & VMX_EXIT_HOST64, guest64 = v->entry & VMX_ENTRY_GUEST64;

	RULE(!l->long_mode && guest64, "IA-32e mode guest outside of IA-32e mode");
	RULE(!l->long_mode && host64, "host address-space size outside of IA-32e mode");
	RULE(l->long_mode && !host64, "no host address-space size in IA-32e mode");
	RULE(!host64 && v->host.cr4 & CR4_PCIDE, "host CR4.PCIDE outside of IA-32e mode");
	RULE(!host64 && v->host.rip >> 32, "host RIP has a bit of 63 to 32 set");
	RULE(host64 && !(v->host.cr4 & CR4_PAE), "host CR4.PAE is clear");
	RULE(host64 && vmx_not_canonical(v->host.cr4, v->host.rip), "host RIP is not canonical");
	return NULL;
}

/* ---- all of them --------------------------------------------------------------------- */

const struct x86_rule *vmx_check(const struct vmcs_image *vmcs, const struct vmx_limits *limits)
{
	const struct x86_rule *rule = check_execution(vmcs, limits);

	if (!rule)
		rule = check_exit(vmcs, limits);
	if (!rule)
		rule = check_entry(vmcs, limits);
	if (!rule)
		rule = check_host_registers(vmcs, limits);
	if (!rule)
		rule = check_host_segments(vmcs);
	if (!rule)
		rule = check_address_space(vmcs, limits);
	return rule ? rule : vmx_check_guest(vmcs, limits);
}

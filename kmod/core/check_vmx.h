/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whether a VM entry accepts a VMCS: the checks of SDM 3 27.2 (controls and host state) and
 * 27.3.1 (guest state), in the manual's order. It explains an entry that failed, and refuses
 * nothing by itself. What the checks read from memory is left out: the virtual-APIC page,
 * MSR areas, the VMCS that the link points to.
 */
#pragma once

#include "check.h"
#include "x86.h"

/* Pin-based controls (SDM 3 table 25-5) */
#define VMX_PIN_INTERRUPT (1u << 0)
#define VMX_PIN_NMI (1u << 3)
#define VMX_PIN_VIRTUAL_NMI (1u << 5)
#define VMX_PIN_TIMER (1u << 6)
#define VMX_PIN_POSTED (1u << 7)

/* Primary processor-based controls (table 25-6) */
#define VMX_TPR_SHADOW (1u << 21)
#define VMX_NMI_WINDOW (1u << 22)
#define VMX_IO_BITMAPS (1u << 25)
#define VMX_MSR_BITMAP (1u << 28)
#define VMX_SECONDARY (1u << 31)

/* Secondary processor-based controls (table 25-7) */
#define VMX2_APIC_ACCESS (1u << 0)
#define VMX2_EPT (1u << 1)
#define VMX2_X2APIC (1u << 4)
#define VMX2_VPID (1u << 5)
#define VMX2_UNRESTRICTED (1u << 7)
#define VMX2_APIC_REGISTER (1u << 8)
#define VMX2_INTERRUPT_DELIVERY (1u << 9)
#define VMX2_SHADOWING (1u << 14)
#define VMX2_PML (1u << 17)
#define VMX2_VE (1u << 18)
#define VMX2_MODE_EXECUTE (1u << 22)

/* VM-exit controls (table 25-13) */
#define VMX_EXIT_HOST64 (1u << 9)
#define VMX_EXIT_ACKNOWLEDGE (1u << 15)
#define VMX_EXIT_LOAD_PAT (1u << 19)
#define VMX_EXIT_LOAD_EFER (1u << 21)
#define VMX_EXIT_SAVE_TIMER (1u << 22)

/* VM-entry controls (table 25-15) */
#define VMX_ENTRY_LOAD_DEBUG (1u << 2)
#define VMX_ENTRY_GUEST64 (1u << 9)
#define VMX_ENTRY_SMM (1u << 10)
#define VMX_ENTRY_DUAL_MONITOR (1u << 11)
#define VMX_ENTRY_LOAD_PAT (1u << 14)
#define VMX_ENTRY_LOAD_EFER (1u << 15)

/* Interruption information (table 25-17) */
#define VMX_EVENT_TYPE_SHIFT 8
#define VMX_EVENT_ERROR (1u << 11)
#define VMX_EVENT_VALID (1u << 31)

/* Interruptibility (table 25-3) and activity */
#define VMX_BLOCK_STI 1u
#define VMX_BLOCK_MOVSS 2u
#define VMX_BLOCK_SMI 4u
#define VMX_BLOCK_NMI 8u
enum { VMX_ACTIVE, VMX_HLT, VMX_SHUTDOWN, VMX_WAIT_SIPI };

struct vmx_msr_area {
	u64 address;
	u32 count;		/* of 16 bytes */
};

struct vmx_host {
	u64 cr0, cr3, cr4, rip;
	u64 fs_base, gs_base, tr_base, gdtr_base, idtr_base;
	u64 sysenter_esp, sysenter_eip, pat, efer;
	u16 es, cs, ss, ds, fs, gs, tr;
};

struct vmx_guest {
	u64 cr0, cr3, cr4, dr7, rip, rflags;
	struct x86_seg seg[X86_SEGS];
	u64 gdtr_base, idtr_base;
	u32 gdtr_limit, idtr_limit;
	u64 sysenter_esp, sysenter_eip, pat, efer, debugctl;
	u64 pdpte[4], pending_debug, link;
	u32 activity, interruptibility;
};

/* A VMCS as plain fields: those that a VM entry checks. */
struct vmcs_image {
	u32 pin, primary, secondary, exit, entry;
	u32 cr3_targets, tpr_threshold;
	u64 io_bitmap_a, io_bitmap_b, msr_bitmap;
	u64 virtual_apic, apic_access, posted_descriptor;
	u64 eptp, pml, ve_information, vmread_bitmap, vmwrite_bitmap;
	u16 posted_vector, vpid;
	u32 event, event_error, event_length;
	struct vmx_msr_area exit_store, exit_load, entry_load;
	struct vmx_host host;
	struct vmx_guest guest;
};

/* Bits of a field that must be one, and those that may be. */
struct vmx_allowed {
	u64 must, may;
};

/* What the processor has: the capability MSRs of SDM 3 appendix A, and where it stands. */
struct vmx_limits {
	struct vmx_allowed pin, primary, secondary, exit, entry, cr0, cr4;
	u64 misc;		/* IA32_VMX_MISC */
	u64 ept;		/* IA32_VMX_EPT_VPID_CAP */
	u64 efer, debugctl;	/* bits that are defined */
	u8 physical_bits;
	bool long_mode;		/* the host is in it */
};

/* The first rule that is broken, or NULL. */
const struct x86_rule *vmx_check(const struct vmcs_image *vmcs, const struct vmx_limits *limits);
/* The second half of it: guest state, by limits' and the controls' leave. */
const struct x86_rule *vmx_check_guest(const struct vmcs_image *vmcs,
				       const struct vmx_limits *limits);

/* ---- for check_vmx.c and check_vmx_guest.c -------------------------------------------- */

/* The manual's next rule: with this condition it is broken. */
#define RULE(broken, text) \
	do { \
		static const struct x86_rule rule_ = { text, SECTION }; \
		if (broken) \
			return &rule_; \
	} while (0)

static inline bool vmx_forbidden(u64 value, const struct vmx_allowed *allowed)
{
	return (value & allowed->must) != allowed->must || value & ~allowed->may;
}

static inline bool vmx_beyond(const struct vmx_limits *limits, u64 address)
{
	return address >> limits->physical_bits;
}

/* Canonical by the CR4 that goes with the address. */
static inline bool vmx_not_canonical(u64 cr4, u64 address)
{
	unsigned int unused = cr4 & CR4_LA57 ? 7 : 16;

	return (u64)((s64)(address << unused) >> unused) != address;
}

/* Each of eight bytes is a memory type. */
static inline bool vmx_bad_pat(u64 pat)
{
	for (unsigned int i = 0; i < 8; i++) {
		u8 type = pat >> (8 * i);

		if (type > 7 || type == 2 || type == 3)
			return true;
	}
	return false;
}

/* Secondary controls count only if they are activated. */
static inline bool vmx_secondary(const struct vmcs_image *vmcs, u32 bit)
{
	return vmcs->primary & VMX_SECONDARY && vmcs->secondary & bit;
}

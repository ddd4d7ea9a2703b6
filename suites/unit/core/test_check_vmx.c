// SPDX-License-Identifier: GPL-2.0-only
/*
 * The rules of a VM entry: states that keep all of them, in every mode; and for each rule
 * states that break it and no other, next to ones that just do not. From SDM 3 27.2 and 27.3.
 */
#include "check_vmx.h"
#include "event.h"
#include "tap.h"

static struct vmcs_image v;
static struct vmx_limits l;

enum mode { REAL, VM86, PROTECTED, PAE, COMPATIBILITY, LONG, MODES };
static const char *const names[MODES] = { "real", "virtual-8086", "protected", "pae",
					  "compatibility", "64-bit" };

#define LIMIT (1ull << 40)
#define NOT_CANONICAL (1ull << 47)
#define HOST_EFER (X86_EFER_LME | X86_EFER_LMA)

/* ---- clean states ---------------------------------------------------------------------- */

static void clean_limits(void)
{
	static const struct vmx_allowed any = { 0, 0xffffffff };

	l = (struct vmx_limits){
		.pin = { 0x16, 0xffffffff }, .primary = { 0x401e172, 0xffffffff },
		.secondary = any, .exit = { 0x36dfb, 0xffffffff },
		.entry = { 0x11fb, 0xffffffff }, .cr0 = { 0x80000021, 0xffffffff },
		.cr4 = { CR4_VMXE, 0xffffff }, .misc = 0x1c0, .ept = 0x204140, .efer = 0xd01,
		.debugctl = 3, .physical_bits = 40, .long_mode = true,
	};
}

static void clean_segments(enum mode mode)
{
	struct x86_seg *s = v.guest.seg;
	u32 code = mode == LONG ? 0xa09b : mode == REAL ? 0x9b : 0xc09b;
	u32 data = mode == REAL ? 0x93 : 0xc093;
	u32 limit = mode == REAL ? 0xffff : 0xffffffff;

	for (unsigned int i = X86_ES; i <= X86_GS; i++) {
		s[i] = (struct x86_seg){ 0x1000, limit, i == X86_CS ? code : data, 0x100 };
		if (mode == VM86)
			s[i] = (struct x86_seg){ 0x1000, 0xffff, 0xf3, 0x100 };
	}
	s[X86_LDTR] = (struct x86_seg){ 0x2000, 0xff, 0x82, 0x18 };
	s[X86_TR] = (struct x86_seg){ 0x3000, 0x67, 0x8b, 0x20 };
}

static void clean_guest(enum mode mode)
{
	v.guest = (struct vmx_guest){
		.cr0 = CR0_ET | CR0_NE, .cr4 = CR4_VMXE, .dr7 = X86_DR7_FIXED, .rip = 0x1000,
		.rflags = X86_FLAG_ONE | X86_FLAG_IF, .pat = 0x0007040600070406, .link = ~0ull,
		.gdtr_limit = 0xffff, .idtr_limit = 0xffff,
	};
	clean_segments(mode);
	if (mode >= VM86)
		v.guest.cr0 |= CR0_PE | CR0_PG;
	else
		v.secondary |= VMX2_UNRESTRICTED;
	if (mode == VM86)
		v.guest.rflags |= X86_FLAG_VM;
	if (mode >= PAE)
		v.guest.cr4 |= CR4_PAE;
	if (mode >= COMPATIBILITY) {
		v.guest.efer = HOST_EFER;
		v.entry |= VMX_ENTRY_GUEST64;
	}
}

static void clean(enum mode mode)
{
	clean_limits();
	memset(&v, 0, sizeof(v));
	v.pin = 0x16 | VMX_PIN_INTERRUPT | VMX_PIN_NMI;
	v.primary = 0x401e172 | VMX_SECONDARY;
	v.secondary = VMX2_EPT;
	v.exit = 0x36dfb | VMX_EXIT_HOST64 | VMX_EXIT_ACKNOWLEDGE | VMX_EXIT_LOAD_PAT |
		 VMX_EXIT_LOAD_EFER;
	v.entry = 0x11fb | VMX_ENTRY_LOAD_DEBUG | VMX_ENTRY_LOAD_PAT | VMX_ENTRY_LOAD_EFER;
	v.entry &= ~VMX_ENTRY_GUEST64;
	l.entry.must &= ~VMX_ENTRY_GUEST64;
	l.exit.must &= ~VMX_EXIT_HOST64;
	v.eptp = 0x1000 | 3 << 3 | 6;
	v.host = (struct vmx_host){
		.cr0 = 0x80050033, .cr4 = CR4_PAE | CR4_VMXE, .cr3 = 0x5000,
		.rip = 0xffffffff81000000, .efer = HOST_EFER, .pat = 0x0007040600070406,
		.cs = 0x10, .tr = 0x40,
	};
	clean_guest(mode);
}

/* ---- one check --------------------------------------------------------------------------- */

#define RULES_MAX 200
static const struct x86_rule *seen[RULES_MAX];
static unsigned int seen_count;

static void remember(const struct x86_rule *rule)
{
	for (unsigned int i = 0; i < seen_count; i++) {
		if (seen[i] == rule)
			return;
	}
	if (rule && seen_count < RULES_MAX)
		seen[seen_count++] = rule;
}

/* The state breaks the rule whose name is or begins so; NULL: none. */
static void breaks(const char *begin, const char *mode, unsigned int number)
{
	const struct x86_rule *rule = vmx_check(&v, &l);
	bool right = begin ? rule && !strncmp(rule->name, begin, strlen(begin)) : !rule;

	if (!ok(right, "%s: row %u: %s", mode, number, begin ? begin : "clean"))
		note("%s (%s)", rule ? rule->name : "no rule is broken",
		     rule ? rule->section : "");
	remember(rule);
}

static void test_clean(void)
{
	for (enum mode mode = REAL; mode < MODES; mode++) {
		clean(mode);
		breaks(NULL, names[mode], 0);
		v.guest.seg[X86_LDTR] = (struct x86_seg){ .base = ~0ull >> 1,
							  .ar = X86_AR_UNUSABLE };
		if (mode != VM86)
			v.guest.seg[X86_FS].ar = v.guest.seg[X86_DS].ar = X86_AR_UNUSABLE;
		v.guest.activity = VMX_HLT;
		v.guest.pending_debug = 0x1000f;
		v.event = VMX_EVENT_VALID | 0x20;
		if (mode != VM86)
			breaks(NULL, names[mode], 1);
	}
	clean(PROTECTED);
	l.long_mode = false;
	v.exit &= ~VMX_EXIT_HOST64;
	v.host.efer = 0;
	v.host.ss = 8;
	v.host.rip = 0x1000;
	breaks(NULL, "a 32-bit host", 0);
}

/* ---- rows ---------------------------------------------------------------------------------- */

struct set {
	size_t at, size;
	u64 value;
};
#define S(field, value) \
	{ offsetof(struct vmcs_image, field), sizeof(((struct vmcs_image *)0)->field), value }
#define SEG(name, member) guest.seg[X86_##name].member

struct row {
	enum mode mode;
	const char *rule;
	struct set sets[4];	/* size 0: no more */
};

#define PIN (0x16 | VMX_PIN_INTERRUPT | VMX_PIN_NMI)
#define PRIMARY (0x401e172 | VMX_SECONDARY)
#define EXIT (0x36dfb | VMX_EXIT_HOST64 | VMX_EXIT_ACKNOWLEDGE | VMX_EXIT_LOAD_PAT | \
	      VMX_EXIT_LOAD_EFER)
#define ENTRY (0x11fb | VMX_ENTRY_LOAD_DEBUG | VMX_ENTRY_LOAD_PAT | VMX_ENTRY_LOAD_EFER | \
	       VMX_ENTRY_GUEST64)
#define APIC S(primary, PRIMARY | VMX_TPR_SHADOW)
#define SECOND(bits) S(secondary, VMX2_EPT | (bits))
#define EVENT(type, vector) (VMX_EVENT_VALID | (type) << VMX_EVENT_TYPE_SHIFT | (vector))
#define EVENT_ERROR(vector) (EVENT(3, vector) | VMX_EVENT_ERROR)

static const struct row control_rows[] = {
	{ LONG, "pin-based", { S(pin, PIN & ~2) } },
	{ LONG, "primary", { S(primary, PRIMARY & ~2) } },
	{ LONG, "more than four", { S(cr3_targets, 5) } },
	{ LONG, NULL, { S(cr3_targets, 4) } },
	{ LONG, "the address of I/O bitmap A",
	  { S(primary, PRIMARY | VMX_IO_BITMAPS), S(io_bitmap_a, 0x1001) } },
	{ LONG, "the address of I/O bitmap A",
	  { S(primary, PRIMARY | VMX_IO_BITMAPS), S(io_bitmap_a, LIMIT) } },
	{ LONG, "the address of I/O bitmap B",
	  { S(primary, PRIMARY | VMX_IO_BITMAPS), S(io_bitmap_b, 0x800) } },
	{ LONG, NULL, { S(io_bitmap_a, 1), S(io_bitmap_b, 1), S(msr_bitmap, 1) } },
	{ LONG, NULL, { S(primary, PRIMARY | VMX_IO_BITMAPS), S(io_bitmap_a, LIMIT - 0x1000) } },
	{ LONG, "the address of the MSR", { S(primary, PRIMARY | VMX_MSR_BITMAP),
					    S(msr_bitmap, 0x10) } },
	{ LONG, NULL, { S(primary, PRIMARY | VMX_MSR_BITMAP) } },
	{ LONG, "the virtual-APIC", { APIC, S(virtual_apic, 0x1004) } },
	{ LONG, NULL, { S(virtual_apic, 0x1004), S(tpr_threshold, 0x10) } },
	{ LONG, "the TPR threshold", { APIC, S(tpr_threshold, 0x10) } },
	{ LONG, NULL, { APIC, S(tpr_threshold, 0xf) } },
	{ LONG, NULL, { APIC, S(tpr_threshold, 0x10), SECOND(VMX2_INTERRUPT_DELIVERY) } },
	{ LONG, "virtualize x2APIC mode without", { SECOND(VMX2_X2APIC) } },
	{ LONG, "APIC-register", { SECOND(VMX2_APIC_REGISTER) } },
	{ LONG, "virtual-interrupt delivery without the TPR",
	  { SECOND(VMX2_INTERRUPT_DELIVERY) } },
	{ LONG, NULL, { APIC, SECOND(VMX2_X2APIC | VMX2_APIC_REGISTER) } },
	{ LONG, "virtual NMIs without", { S(pin, 0x16 | VMX_PIN_VIRTUAL_NMI) } },
	{ LONG, NULL, { S(pin, 0x16) } },
	{ LONG, "NMI-window", { S(primary, PRIMARY | VMX_NMI_WINDOW) } },
	{ LONG, NULL, { S(primary, PRIMARY | VMX_NMI_WINDOW), S(pin, PIN | VMX_PIN_VIRTUAL_NMI) } },
	{ LONG, "the APIC-access", { SECOND(VMX2_APIC_ACCESS), S(apic_access, 1) } },
	{ LONG, NULL, { SECOND(VMX2_APIC_ACCESS) } },
	{ LONG, "virtualize x2APIC mode together",
	  { APIC, SECOND(VMX2_X2APIC | VMX2_APIC_ACCESS) } },
	{ LONG, "virtual-interrupt delivery without external",
	  { APIC, SECOND(VMX2_INTERRUPT_DELIVERY), S(pin, 0x16 | VMX_PIN_NMI) } },
	{ LONG, "posted interrupts without virtual", { S(pin, PIN | VMX_PIN_POSTED) } },
	{ LONG, "posted interrupts without ack", { S(pin, PIN | VMX_PIN_POSTED), APIC,
	    SECOND(VMX2_INTERRUPT_DELIVERY), S(exit, EXIT & ~VMX_EXIT_ACKNOWLEDGE) } },
	{ LONG, "the posted-interrupt vector", { S(pin, PIN | VMX_PIN_POSTED), APIC,
	    SECOND(VMX2_INTERRUPT_DELIVERY), S(posted_vector, 0x100) } },
	{ LONG, "the posted-interrupt desc", { S(pin, PIN | VMX_PIN_POSTED), APIC,
	    SECOND(VMX2_INTERRUPT_DELIVERY), S(posted_descriptor, 0x20) } },
	{ LONG, "the posted-interrupt desc", { S(pin, PIN | VMX_PIN_POSTED), APIC,
	    SECOND(VMX2_INTERRUPT_DELIVERY), S(posted_descriptor, LIMIT) } },
	{ LONG, NULL, { S(pin, PIN | VMX_PIN_POSTED), APIC, SECOND(VMX2_INTERRUPT_DELIVERY),
			S(posted_vector, 0xff) } },
	{ LONG, NULL, { S(pin, PIN | VMX_PIN_POSTED), APIC, SECOND(VMX2_INTERRUPT_DELIVERY),
			S(posted_descriptor, 0x40) } },
	{ LONG, NULL, { S(posted_vector, 0x100), S(posted_descriptor, 1) } },
	{ LONG, "the VPID", { SECOND(VMX2_VPID) } },
	{ LONG, NULL, { SECOND(VMX2_VPID), S(vpid, 1) } },
	{ LONG, "the EPT pointer", { S(eptp, 0x1000 | 3 << 3 | 1) } },
	{ LONG, "the EPT pointer", { S(eptp, 0x1000 | 3 << 3 | 4) } },
	{ LONG, NULL, { S(eptp, 0x1000 | 3 << 3) } },
	{ LONG, "the EPT pointer", { S(eptp, 0x1000 | 2 << 3 | 6) } },
	{ LONG, "the EPT pointer", { S(eptp, 0x1000 | 4 << 3 | 6) } },
	{ LONG, NULL, { S(eptp, 0x1000 | 3 << 3 | 6 | 0x40) } },
	{ LONG, "the EPT pointer", { S(eptp, 0x1000 | 3 << 3 | 6 | 0x80) } },
	{ LONG, "the EPT pointer", { S(eptp, 0x1000 | 3 << 3 | 6 | 0x800) } },
	{ LONG, "the EPT pointer", { S(eptp, LIMIT | 3 << 3 | 6) } },
	{ LONG, NULL, { S(secondary, 0), S(eptp, ~0ull) } },
	{ LONG, "page-modification", { S(secondary, VMX2_PML) } },
	{ LONG, "the PML", { SECOND(VMX2_PML), S(pml, 8) } },
	{ LONG, NULL, { SECOND(VMX2_PML), S(pml, 0x1000) } },
	{ LONG, "unrestricted", { S(secondary, VMX2_UNRESTRICTED) } },
	{ LONG, "mode-based", { S(secondary, VMX2_MODE_EXECUTE) } },
	{ LONG, NULL, { SECOND(VMX2_MODE_EXECUTE | VMX2_UNRESTRICTED) } },
	{ LONG, "the VMREAD", { SECOND(VMX2_SHADOWING), S(vmread_bitmap, 1) } },
	{ LONG, "the VMWRITE", { SECOND(VMX2_SHADOWING), S(vmwrite_bitmap, 1) } },
	{ LONG, "the virtualization-exc", { SECOND(VMX2_VE), S(ve_information, 1) } },
	{ LONG, NULL, { S(vmread_bitmap, 1), S(vmwrite_bitmap, 1), S(ve_information, 1),
			S(pml, 1) } },
	{ LONG, NULL, { S(primary, PRIMARY & ~VMX_SECONDARY), S(secondary, VMX2_VPID) } },
	{ LONG, "VM-exit controls", { S(exit, EXIT & ~1) } },
	{ LONG, "save of the preemption", { S(exit, EXIT | VMX_EXIT_SAVE_TIMER) } },
	{ LONG, NULL, { S(exit, EXIT | VMX_EXIT_SAVE_TIMER), S(pin, PIN | VMX_PIN_TIMER) } },
	{ LONG, "the VM-exit MSR-store", { S(exit_store.count, 1), S(exit_store.address, 8) } },
	{ LONG, NULL, { S(exit_store.address, 8), S(exit_load.address, 8),
			S(entry_load.address, 8) } },
	{ LONG, "the VM-exit MSR-load", { S(exit_load.count, 2),
					  S(exit_load.address, LIMIT - 16) } },
	{ LONG, NULL, { S(exit_load.count, 1), S(exit_load.address, LIMIT - 16) } },
	{ LONG, "the VM-entry MSR-load", { S(entry_load.count, 1),
					   S(entry_load.address, LIMIT) } },
	{ LONG, "VM-entry controls", { S(entry, ENTRY & ~1) } },
	{ LONG, "entry to SMM", { S(entry, ENTRY | VMX_ENTRY_SMM) } },
	{ LONG, "deactivate", { S(entry, ENTRY | VMX_ENTRY_DUAL_MONITOR) } },
};

static const struct row event_rows[] = {
	{ LONG, "event injection: a reserved type", { S(event, EVENT(1, 0x20)) } },
	{ LONG, NULL, { S(event, 1 << 8 | 0x7ffff000) } },
	{ LONG, NULL, { S(event, EVENT(7, 0)) } },
	{ LONG, "event injection: a pending trap", { S(event, EVENT(7, 1)) } },
	{ LONG, "event injection: an NMI", { S(event, EVENT(2, 3)) } },
	{ LONG, NULL, { S(event, EVENT(2, 2)) } },
	{ LONG, "event injection: an exception's", { S(event, EVENT(3, 32)) } },
	{ LONG, NULL, { S(event, EVENT(3, 6)) } },
	{ LONG, NULL, { S(event, EVENT(3, 31)) } },
	{ LONG, "event injection: an error", { S(event, EVENT_ERROR(0)) } },
	{ LONG, "event injection: an error", { S(event, EVENT_ERROR(6)) } },
	{ LONG, "event injection: an error", { S(event, EVENT(3, 13)) } },
	{ LONG, "event injection: an error", { S(event, EVENT(3, 8)) } },
	{ LONG, "event injection: an error", { S(event, EVENT(3, 17)) } },
	{ LONG, "event injection: an error", { S(event, EVENT_ERROR(9)) } },
	{ LONG, "event injection: an error", { S(event, EVENT_ERROR(15)) } },
	{ LONG, "event injection: an error", { S(event, EVENT_ERROR(16)) } },
	{ LONG, "event injection: an error", { S(event, EVENT(4, 13) | VMX_EVENT_ERROR),
					       S(event_length, 2) } },
	{ LONG, NULL, { S(event, EVENT_ERROR(14)), S(event_error, 0xffff) } },
	{ LONG, NULL, { S(event, EVENT_ERROR(10)) } },
	{ LONG, NULL, { S(event, EVENT_ERROR(11)) } },
	{ LONG, NULL, { S(event, EVENT_ERROR(12)) } },
	{ REAL, NULL, { S(event, EVENT(3, 13)) } },
	{ REAL, "event injection: an error", { S(event, EVENT_ERROR(13)) } },
	{ LONG, "event injection: a reserved bit", { S(event, EVENT(0, 0x20) | 1 << 12) } },
	{ LONG, "event injection: a reserved bit", { S(event, EVENT(0, 0x20) | 1 << 30) } },
	{ LONG, "event injection: the error", { S(event, EVENT_ERROR(14)),
						S(event_error, 0x10000) } },
	{ LONG, NULL, { S(event, EVENT(3, 6)), S(event_error, 0x10000) } },
	{ LONG, "event injection: the instr", { S(event, EVENT(4, 0x80)), S(event_length, 16) } },
	{ LONG, "event injection: the instr", { S(event, EVENT(6, 3)) } },
	{ LONG, "event injection: the instr", { S(event, EVENT(5, 1)) } },
	{ LONG, NULL, { S(event, EVENT(5, 1)), S(event_length, 15) } },
	{ LONG, NULL, { S(event, EVENT(3, 6)), S(event_length, 16) } },
};

static const struct row host_rows[] = {
	{ LONG, "host CR0", { S(host.cr0, 0x33) } },
	{ LONG, "host CR4: a", { S(host.cr4, CR4_PAE) } },
	{ LONG, "host CR4.CET", { S(host.cr4, CR4_PAE | CR4_VMXE | CR4_CET),
				  S(host.cr0, 0x80000033) } },
	{ LONG, NULL, { S(host.cr4, CR4_PAE | CR4_VMXE | CR4_CET) } },
	{ LONG, "host CR3", { S(host.cr3, LIMIT) } },
	{ LONG, "host SYSENTER_ESP", { S(host.sysenter_esp, NOT_CANONICAL) } },
	{ LONG, NULL, { S(host.sysenter_esp, NOT_CANONICAL),
			S(host.cr4, CR4_PAE | CR4_VMXE | CR4_LA57) } },
	{ LONG, "host SYSENTER_EIP", { S(host.sysenter_eip, NOT_CANONICAL) } },
	{ LONG, "host PAT", { S(host.pat, 2) } },
	{ LONG, NULL, { S(host.pat, 2), S(exit, EXIT & ~VMX_EXIT_LOAD_PAT) } },
	{ LONG, "host EFER: a", { S(host.efer, HOST_EFER | 2) } },
	{ LONG, "host EFER.LMA", { S(host.efer, X86_EFER_LME) } },
	{ LONG, "host EFER.LMA", { S(host.efer, X86_EFER_LMA) } },
	{ LONG, NULL, { S(host.efer, 2), S(exit, EXIT & ~VMX_EXIT_LOAD_EFER) } },
	{ LONG, "a host selector", { S(host.es, 1) } },
	{ LONG, "a host selector", { S(host.ss, 2) } },
	{ LONG, "a host selector", { S(host.ds, 4) } },
	{ LONG, "a host selector", { S(host.fs, 1) } },
	{ LONG, "a host selector", { S(host.gs, 1) } },
	{ LONG, "a host selector", { S(host.cs, 0x11) } },
	{ LONG, "a host selector", { S(host.tr, 0x41) } },
	{ LONG, "host CS", { S(host.cs, 0) } },
	{ LONG, "host TR is", { S(host.tr, 0) } },
	{ LONG, "host FS", { S(host.fs_base, NOT_CANONICAL) } },
	{ LONG, "host GS", { S(host.gs_base, NOT_CANONICAL) } },
	{ LONG, "host GDTR", { S(host.gdtr_base, NOT_CANONICAL) } },
	{ LONG, "host IDTR", { S(host.idtr_base, NOT_CANONICAL) } },
	{ LONG, "host TR base", { S(host.tr_base, NOT_CANONICAL) } },
	{ PROTECTED, "host SS", { S(exit, EXIT & ~VMX_EXIT_HOST64), S(host.efer, 0) } },
	{ PROTECTED, "no host address", { S(exit, EXIT & ~VMX_EXIT_HOST64), S(host.efer, 0),
					  S(host.ss, 8) } },
	{ LONG, "host CR4.PAE", { S(host.cr4, CR4_VMXE) } },
	{ LONG, "host RIP is", { S(host.rip, NOT_CANONICAL) } },
};

#define CR0_LONG (CR0_PE | CR0_ET | CR0_NE | CR0_PG)
#define FLAGS (X86_FLAG_ONE | X86_FLAG_IF)

static const struct row guest_rows[] = {
	{ LONG, "guest CR0: a", { S(guest.cr0, CR0_LONG & ~CR0_NE) } },
	{ PROTECTED, "guest CR0: a", { S(guest.cr0, CR0_PE | CR0_NE) } },
	{ REAL, NULL, { S(guest.cr0, CR0_PE | CR0_NE) } },
	{ REAL, "guest CR0.PG", { S(guest.cr0, CR0_PG | CR0_NE) } },
	{ LONG, "guest CR4: a", { S(guest.cr4, CR4_PAE) } },
	{ LONG, "guest CR4.CET", { S(guest.cr4, CR4_PAE | CR4_VMXE | CR4_CET) } },
	{ LONG, NULL, { S(guest.cr4, CR4_PAE | CR4_VMXE | CR4_CET),
			S(guest.cr0, CR0_LONG | CR0_WP) } },
	{ LONG, "guest DEBUGCTL", { S(guest.debugctl, 4) } },
	{ LONG, NULL, { S(guest.debugctl, 4), S(guest.dr7, LIMIT),
			S(entry, ENTRY & ~VMX_ENTRY_LOAD_DEBUG) } },
	{ LONG, "IA-32e mode guest without CR0", { S(guest.cr0, CR0_PE | CR0_NE),
						   SECOND(VMX2_UNRESTRICTED) } },
	{ LONG, "IA-32e mode guest without CR4", { S(guest.cr4, CR4_VMXE) } },
	{ PROTECTED, "guest CR4.PCIDE", { S(guest.cr4, CR4_VMXE | CR4_PCIDE) } },
	{ LONG, NULL, { S(guest.cr4, CR4_PAE | CR4_VMXE | CR4_PCIDE) } },
	{ LONG, "guest CR3", { S(guest.cr3, LIMIT) } },
	{ LONG, "guest DR7", { S(guest.dr7, 1ull << 32) } },
	{ LONG, "guest SYSENTER_ESP", { S(guest.sysenter_esp, NOT_CANONICAL) } },
	{ LONG, "guest SYSENTER_EIP", { S(guest.sysenter_eip, NOT_CANONICAL) } },
	{ LONG, "guest PAT", { S(guest.pat, 3ull << 56) } },
	{ LONG, "guest PAT", { S(guest.pat, 8) } },
	{ LONG, NULL, { S(guest.pat, 8), S(entry, ENTRY & ~VMX_ENTRY_LOAD_PAT) } },
	{ LONG, "guest EFER: a", { S(guest.efer, HOST_EFER | 2) } },
	{ LONG, "guest EFER.LMA is", { S(guest.efer, 0) } },
	{ PROTECTED, "guest EFER.LMA is", { S(guest.efer, HOST_EFER) } },
	{ LONG, "guest EFER.LMA and", { S(guest.efer, X86_EFER_LMA) } },
	{ PROTECTED, "guest EFER.LMA and", { S(guest.efer, X86_EFER_LME) } },
	{ REAL, NULL, { S(guest.efer, X86_EFER_LME) } },
	{ LONG, NULL, { S(guest.efer, 2), S(entry, ENTRY & ~VMX_ENTRY_LOAD_EFER) } },
	{ LONG, "guest TR: TI", { S(SEG(TR, selector), 0x24) } },
	{ LONG, "guest LDTR: TI", { S(SEG(LDTR, selector), 0x1c) } },
	{ LONG, NULL, { S(SEG(LDTR, selector), 0x1c), S(SEG(LDTR, ar), X86_AR_UNUSABLE) } },
	{ LONG, "guest SS: RPL", { S(SEG(SS, selector), 0x103) } },
	{ LONG, NULL, { S(SEG(SS, selector), 0x103), SECOND(VMX2_UNRESTRICTED) } },
	{ LONG, "guest TR base", { S(SEG(TR, base), NOT_CANONICAL) } },
	{ LONG, "guest FS base", { S(SEG(FS, base), NOT_CANONICAL) } },
	{ LONG, "guest GS base", { S(SEG(GS, base), NOT_CANONICAL) } },
	{ LONG, "guest LDTR base", { S(SEG(LDTR, base), NOT_CANONICAL) } },
	{ LONG, "guest CS base", { S(SEG(CS, base), 1ull << 32) } },
	{ LONG, "guest SS, DS", { S(SEG(SS, base), 1ull << 32) } },
	{ LONG, "guest SS, DS", { S(SEG(DS, base), 1ull << 32) } },
	{ LONG, "guest SS, DS", { S(SEG(ES, base), 1ull << 32) } },
	{ LONG, NULL, { S(SEG(ES, base), 1ull << 32), S(SEG(ES, ar), X86_AR_UNUSABLE),
			S(SEG(SS, base), 1ull << 32), S(SEG(SS, ar), X86_AR_UNUSABLE) } },
	{ LONG, NULL, { S(SEG(DS, base), 1ull << 32), S(SEG(DS, ar), X86_AR_UNUSABLE) } },
	{ VM86, "virtual-8086 mode: a base", { S(SEG(CS, base), 0) } },
	{ VM86, "virtual-8086 mode: a base", { S(SEG(GS, base), 0) } },
	{ VM86, "virtual-8086 mode: a base", { S(SEG(ES, base), 0) } },
	{ VM86, "virtual-8086 mode: a limit", { S(SEG(SS, limit), 0x1ffff) } },
	{ VM86, "virtual-8086 mode: acc", { S(SEG(DS, ar), 0x93) } },
	{ VM86, NULL, { S(SEG(CS, selector), 0x203), S(SEG(CS, base), 0x2030) } },
	{ LONG, "guest CS: the type", { S(SEG(CS, ar), 0xa093) } },
	{ LONG, "guest CS: the type", { S(SEG(CS, ar), 0xa09a) } },
	{ REAL, NULL, { S(SEG(CS, ar), 0x93) } },
	{ LONG, "guest CS: S", { S(SEG(CS, ar), 0xa08b) } },
	{ REAL, "guest CS: DPL of a data", { S(SEG(CS, ar), 0xf3) } },
	{ LONG, "guest CS: DPL is", { S(SEG(CS, ar), 0xa0fb) } },
	{ LONG, "guest CS: DPL is", { S(SEG(CS, ar), 0xa0f9) } },
	{ LONG, "guest CS: DPL of conf", { S(SEG(CS, ar), 0xa0ff) } },
	{ LONG, "guest CS: DPL of conf", { S(SEG(CS, ar), 0xa0fd) } },
	{ LONG, NULL, { S(SEG(CS, ar), 0xa09f), S(SEG(SS, ar), 0xc0f3),
			S(SEG(SS, selector), 3), S(SEG(CS, selector), 3) } },
	{ LONG, "guest CS: not", { S(SEG(CS, ar), 0xa01b) } },
	{ LONG, "guest CS: a reserved", { S(SEG(CS, ar), 0xa19b) } },
	{ LONG, "guest CS: a reserved", { S(SEG(CS, ar), 0x2a09b) } },
	{ LONG, "guest CS: L", { S(SEG(CS, ar), 0xe09b) } },
	{ PROTECTED, NULL, { S(SEG(CS, ar), 0xe09b) } },
	{ LONG, "guest CS: G", { S(SEG(CS, ar), 0x209b) } },
	{ LONG, "guest CS: G", { S(SEG(CS, limit), 0xffffe) } },
	{ LONG, NULL, { S(SEG(CS, limit), 0xfffff), S(SEG(CS, ar), 0x209b) } },
	{ LONG, "guest CS: G", { S(SEG(CS, limit), 0x100000), S(SEG(CS, ar), 0x209b) } },
	{ LONG, "guest SS: DPL is not R", { S(SEG(SS, selector), 3), S(SEG(CS, selector), 3) } },
	{ REAL, "guest SS: DPL is not 0", { S(SEG(SS, ar), 0xf3), S(SEG(CS, ar), 0xfb) } },
	{ LONG, "guest SS: DPL is not 0",
	  { SECOND(VMX2_UNRESTRICTED), S(SEG(CS, ar), 0x8093), S(SEG(SS, ar), 0xc0f3) } },
	{ LONG, "guest SS: the type", { S(SEG(SS, ar), 0xc091) } },
	{ LONG, NULL, { S(SEG(SS, ar), 0xc097) } },
	{ LONG, "guest SS: S", { S(SEG(SS, ar), 0xc083) } },
	{ LONG, "guest SS: not", { S(SEG(SS, ar), 0xc013) } },
	{ LONG, "guest SS: a reserved", { S(SEG(SS, ar), 0xc893) } },
	{ LONG, "guest SS: G", { S(SEG(SS, ar), 0x4093) } },
	{ LONG, "a guest data segment is not a", { S(SEG(DS, ar), 0xc092) } },
	{ LONG, "a guest data segment is exec", { S(SEG(ES, ar), 0xc099) } },
	{ LONG, "a guest data segment is exec", { S(SEG(ES, ar), 0xc09d) } },
	{ LONG, NULL, { S(SEG(ES, ar), 0xc091), S(SEG(FS, ar), 0xc09b) } },
	{ LONG, "a guest data segment: S", { S(SEG(FS, ar), 0xc083) } },
	{ LONG, "a guest data segment: DPL", { S(SEG(GS, selector), 1) } },
	{ LONG, NULL, { S(SEG(GS, selector), 1), S(SEG(GS, ar), 0xc09f) } },
	{ LONG, "a guest data segment: DPL", { S(SEG(GS, selector), 1), S(SEG(GS, ar), 0xc09b) } },
	{ LONG, NULL, { S(SEG(GS, selector), 1), SECOND(VMX2_UNRESTRICTED) } },
	{ LONG, "a guest data segment is not p", { S(SEG(GS, ar), 0xc013) } },
	{ LONG, "a guest data segment: a res", { S(SEG(GS, ar), 0xc193) } },
	{ LONG, "a guest data segment: G", { S(SEG(GS, limit), 0) } },
	{ LONG, NULL, { S(SEG(GS, ar), X86_AR_UNUSABLE), S(SEG(DS, ar), X86_AR_UNUSABLE) } },
	{ LONG, "guest TR: the type", { S(SEG(TR, ar), 0x89) } },
	{ LONG, "guest TR: the type", { S(SEG(TR, ar), 0x83) } },
	{ PROTECTED, NULL, { S(SEG(TR, ar), 0x83) } },
	{ LONG, "guest TR: S", { S(SEG(TR, ar), 0x9b) } },
	{ LONG, "guest TR: not", { S(SEG(TR, ar), 0x0b) } },
	{ LONG, "guest TR: unus", { S(SEG(TR, ar), 0x8b | X86_AR_UNUSABLE) } },
	{ LONG, "guest TR: unus", { S(SEG(TR, ar), 0x18b) } },
	{ LONG, "guest TR: G", { S(SEG(TR, limit), 0x100000) } },
	{ LONG, "guest LDTR: the type", { S(SEG(LDTR, ar), 0x8b) } },
	{ LONG, "guest LDTR: S", { S(SEG(LDTR, ar), 0x92) } },
	{ LONG, "guest LDTR: not", { S(SEG(LDTR, ar), 0x02) } },
	{ LONG, "guest LDTR: a res", { S(SEG(LDTR, ar), 0x882) } },
	{ LONG, "guest LDTR: G", { S(SEG(LDTR, ar), 0x8082) } },
	{ VM86, "guest TR: the type", { S(SEG(TR, ar), 0x89) } },
	{ LONG, "guest GDTR base", { S(guest.gdtr_base, NOT_CANONICAL) } },
	{ LONG, "guest IDTR base", { S(guest.idtr_base, NOT_CANONICAL) } },
	{ LONG, "guest GDTR limit", { S(guest.gdtr_limit, 0x10000) } },
	{ LONG, "guest IDTR limit", { S(guest.idtr_limit, 0x10000) } },
	{ COMPATIBILITY, "guest RIP has", { S(guest.rip, 1ull << 32) } },
	{ PROTECTED, "guest RIP has", { S(guest.rip, 1ull << 32), S(SEG(CS, ar), 0xa09b) } },
	{ LONG, NULL, { S(guest.rip, 1ull << 32) } },
	{ LONG, "guest RIP is", { S(guest.rip, NOT_CANONICAL) } },
	{ LONG, "guest RFLAGS: a", { S(guest.rflags, X86_FLAG_IF) } },
	{ LONG, "guest RFLAGS: a", { S(guest.rflags, FLAGS | 1 << 3) } },
	{ LONG, "guest RFLAGS: a", { S(guest.rflags, FLAGS | 1 << 5) } },
	{ LONG, "guest RFLAGS: a", { S(guest.rflags, FLAGS | 1 << 15) } },
	{ LONG, "guest RFLAGS: a", { S(guest.rflags, FLAGS | 1 << 22) } },
	{ LONG, NULL, { S(guest.rflags, 0x3d7fd7) } },
	{ VM86, "guest RFLAGS.VM", { S(secondary, VMX2_EPT | VMX2_UNRESTRICTED),
				     S(guest.cr0, CR0_NE) } },
	{ LONG, "an interrupt is injected with", { S(guest.rflags, X86_FLAG_ONE),
						   S(event, EVENT(0, 0x20)) } },
	{ LONG, NULL, { S(guest.rflags, X86_FLAG_ONE), S(event, EVENT(2, 2)) } },
};

#define STI VMX_BLOCK_STI
#define MOVSS VMX_BLOCK_MOVSS

static const struct row other_rows[] = {
	{ LONG, "guest activity state: there", { S(guest.activity, 4) } },
	{ LONG, "guest activity: HLT", { S(guest.activity, VMX_HLT), S(SEG(SS, ar), 0xc0f3),
	    S(SEG(CS, ar), 0xa0ff), SECOND(VMX2_UNRESTRICTED) } },
	{ LONG, NULL, { S(guest.activity, VMX_WAIT_SIPI) } },
	{ LONG, "guest activity: not", { S(guest.activity, VMX_SHUTDOWN),
					 S(guest.interruptibility, STI) } },
	{ LONG, "guest activity: not", { S(guest.activity, VMX_HLT),
					 S(guest.interruptibility, MOVSS) } },
	{ LONG, "guest activity: the inj", { S(guest.activity, VMX_HLT), S(event, EVENT(3, 6)) } },
	{ LONG, NULL, { S(guest.activity, VMX_HLT), S(event, EVENT(3, 1)) } },
	{ LONG, NULL, { S(guest.activity, VMX_HLT), S(event, EVENT(3, 18)) } },
	{ LONG, NULL, { S(guest.activity, VMX_HLT), S(event, EVENT(2, 2)) } },
	{ LONG, NULL, { S(guest.activity, VMX_HLT), S(event, EVENT(7, 0)) } },
	{ LONG, NULL, { S(guest.activity, VMX_SHUTDOWN), S(event, EVENT(2, 2)) } },
	{ LONG, NULL, { S(guest.activity, VMX_SHUTDOWN), S(event, EVENT(3, 18)) } },
	{ LONG, "guest activity: the inj", { S(guest.activity, VMX_SHUTDOWN),
					     S(event, EVENT(0, 0x20)) } },
	{ LONG, "guest activity: the inj", { S(guest.activity, VMX_SHUTDOWN),
					     S(event, EVENT(3, 1)) } },
	{ LONG, "guest activity: the inj", { S(guest.activity, VMX_WAIT_SIPI),
					     S(event, EVENT(2, 2)) } },
	{ LONG, "guest interruptibility: a", { S(guest.interruptibility, 0x20) } },
	{ LONG, NULL, { S(guest.interruptibility, 0x10) } },
	{ LONG, "guest interruptibility: STI and", { S(guest.interruptibility, STI | MOVSS) } },
	{ LONG, "guest interruptibility: STI with", { S(guest.interruptibility, STI),
						      S(guest.rflags, X86_FLAG_ONE) } },
	{ LONG, NULL, { S(guest.interruptibility, MOVSS), S(guest.rflags, X86_FLAG_ONE) } },
	{ LONG, "an interrupt is injected under", { S(guest.interruptibility, STI),
						    S(event, EVENT(0, 0x20)) } },
	{ LONG, "an interrupt is injected under", { S(guest.interruptibility, MOVSS),
						    S(event, EVENT(0, 0x20)) } },
	{ LONG, "an NMI is injected", { S(guest.interruptibility, MOVSS), S(event, EVENT(2, 2)) } },
	{ LONG, NULL, { S(guest.interruptibility, STI), S(event, EVENT(3, 6)) } },
	{ LONG, NULL, { S(guest.interruptibility, MOVSS), S(event, EVENT(3, 6)) } },
	{ LONG, "guest interruptibility: SMIs", { S(guest.interruptibility, VMX_BLOCK_SMI) } },
	{ LONG, "a virtual NMI", { S(guest.interruptibility, VMX_BLOCK_NMI),
				   S(pin, PIN | VMX_PIN_VIRTUAL_NMI), S(event, EVENT(2, 2)) } },
	{ LONG, NULL, { S(guest.interruptibility, VMX_BLOCK_NMI), S(event, EVENT(2, 2)) } },
	{ LONG, NULL, { S(guest.interruptibility, VMX_BLOCK_NMI),
			S(pin, PIN | VMX_PIN_VIRTUAL_NMI), S(event, EVENT(3, 6)) } },
	{ LONG, "guest pending debug exceptions: a", { S(guest.pending_debug, 0x10) } },
	{ LONG, "guest pending debug exceptions: a", { S(guest.pending_debug, 1 << 13) } },
	{ LONG, "guest pending debug exceptions: a", { S(guest.pending_debug, 1 << 15) } },
	{ LONG, "guest pending debug exceptions: a", { S(guest.pending_debug, 1 << 17) } },
	{ LONG, NULL, { S(guest.pending_debug, 0x1500f) } },
	{ LONG, "guest pending debug exceptions: BS is c",
	  { S(guest.interruptibility, MOVSS), S(guest.rflags, FLAGS | X86_FLAG_TF) } },
	{ LONG, "guest pending debug exceptions: BS is c",
	  { S(guest.interruptibility, STI), S(guest.rflags, FLAGS | X86_FLAG_TF) } },
	{ LONG, "guest pending debug exceptions: BS is c",
	  { S(guest.activity, VMX_HLT), S(guest.rflags, FLAGS | X86_FLAG_TF) } },
	{ LONG, NULL, { S(guest.rflags, FLAGS | X86_FLAG_TF) } },
	{ LONG, NULL, { S(guest.interruptibility, STI), S(guest.rflags, FLAGS | X86_FLAG_TF),
			S(guest.pending_debug, 1 << 14) } },
	{ LONG, NULL, { S(guest.interruptibility, STI), S(guest.rflags, FLAGS | X86_FLAG_TF),
			S(guest.debugctl, 2) } },
	{ LONG, "guest pending debug exceptions: BS is s",
	  { S(guest.interruptibility, STI), S(guest.pending_debug, 1 << 14) } },
	{ LONG, "guest pending debug exceptions: BS is s",
	  { S(guest.interruptibility, MOVSS), S(guest.rflags, FLAGS | X86_FLAG_TF),
	    S(guest.debugctl, 2), S(guest.pending_debug, 1 << 14) } },
	{ LONG, "the VMCS link", { S(guest.link, 0x1001) } },
	{ LONG, "the VMCS link", { S(guest.link, LIMIT) } },
	{ LONG, NULL, { S(guest.link, LIMIT - 0x1000) } },
	{ PAE, "a guest PDPTE", { S(guest.pdpte[0], 3) } },
	{ PAE, "a guest PDPTE", { S(guest.pdpte[3], 0x101) } },
	{ PAE, "a guest PDPTE", { S(guest.pdpte[1], LIMIT | 1) } },
	{ PAE, NULL, { S(guest.pdpte[1], LIMIT), S(guest.pdpte[0], 0x1e6),
		       S(guest.pdpte[3], 0x1019) } },
	{ PAE, NULL, { S(guest.pdpte[0], 3), S(secondary, 0) } },
	{ LONG, NULL, { S(guest.pdpte[0], 3) } },
	{ PROTECTED, NULL, { S(guest.pdpte[0], 3) } },
	{ REAL, NULL, { S(guest.pdpte[0], 3), S(guest.cr4, CR4_VMXE | CR4_PAE) } },
};

static void test_rows(const struct row *rows, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		clean(rows[i].mode);
		for (unsigned int k = 0; k < 4 && rows[i].sets[k].size; k++)
			memcpy((u8 *)&v + rows[i].sets[k].at, &rows[i].sets[k].value,
			       rows[i].sets[k].size);
		breaks(rows[i].rule, names[rows[i].mode], i);
	}
}

/* What the processor does not have. */
static void test_limits(void)
{
	clean(LONG);
	l.secondary.may = 0;
	breaks("secondary", "no EPT", 0);
	v.primary &= ~VMX_SECONDARY;
	breaks(NULL, "secondary controls that are not activated", 0);
	clean(LONG);
	l.ept &= ~(1ull << 6);
	breaks("the EPT pointer", "no walk of four levels", 0);
	clean(LONG);
	l.ept &= ~(1ull << 14);
	breaks("the EPT pointer", "no write-back tables", 0);
	clean(LONG);
	l.ept = (l.ept & ~(1ull << 8)) | 1 << 7;
	v.eptp = 4 << 3 | 6;
	breaks(NULL, "a walk of five levels", 0);
	v.eptp = 3 << 3;
	breaks("the EPT pointer", "no uncacheable tables", 0);
	clean(LONG);
	l.ept &= ~(1ull << 21);
	breaks(NULL, "no accessed flags, and none are asked for", 0);
	v.eptp |= 0x40;
	breaks("the EPT pointer", "no accessed flags", 0);
	clean(LONG);
	l.primary.may &= ~(1u << 27);
	v.event = EVENT(7, 0);
	breaks("event injection: a reserved type", "no monitor trap flag", 0);
	clean(LONG);
	l.misc |= 1ull << 30;
	v.event = EVENT(4, 0x80);
	breaks(NULL, "instructions of no length", 0);
	for (unsigned int state = VMX_HLT; state <= VMX_WAIT_SIPI; state++) {
		clean(LONG);
		v.guest.activity = state;
		l.misc = 0x1c0 & ~(0x20ull << state);
		breaks("guest activity state: the proc", "an activity state it has not", state);
	}
	clean(LONG);
	l.long_mode = false;
	breaks("IA-32e mode guest outside", "a 32-bit host", 0);
	clean(PROTECTED);
	l.long_mode = false;
	breaks("host address-space size outside", "a 32-bit host", 0);
	clean(PROTECTED);
	l.long_mode = false;
	v.exit &= ~VMX_EXIT_HOST64;
	v.host.efer = 0;
	v.host.ss = 8;
	breaks("host RIP has", "a 32-bit host", 0);
	v.host.rip = 0;
	v.host.cr4 |= CR4_PCIDE;
	breaks("host CR4.PCIDE", "a 32-bit host", 0);
	v.host.cr4 = CR4_VMXE;
	breaks(NULL, "a 32-bit host", 0);
	clean(LONG);
	v.guest.rflags |= X86_FLAG_VM;
	for (unsigned int i = X86_ES; i <= X86_GS; i++)
		v.guest.seg[i] = (struct x86_seg){ 0x1000, 0xffff, 0xf3, 0x100 };
	breaks("guest RFLAGS.VM", "virtual-8086 mode in IA-32e mode", 0);
}

int main(void)
{
	test_clean();
	test_rows(control_rows, ARRAY_SIZE(control_rows));
	test_rows(event_rows, ARRAY_SIZE(event_rows));
	test_rows(host_rows, ARRAY_SIZE(host_rows));
	test_rows(guest_rows, ARRAY_SIZE(guest_rows));
	test_rows(other_rows, ARRAY_SIZE(other_rows));
	test_limits();
	for (unsigned int i = 0; i < seen_count; i++)
		ok(!strncmp(seen[i]->section, "SDM 3 27.", 9), "%s: %s", seen[i]->section,
		   seen[i]->name);
	ok_equal(seen_count, 158, "rules that were broken");
	return tap_done();
}

// SPDX-License-Identifier: GPL-2.0-only
/* What a VM exit means (SDM 3 28.2, appendix C), and why an entry failed. */
#include "vmx.h"

#define EVENT_KIND(info) ((info) >> VMX_EVENT_TYPE_SHIFT & 7)
#define NMI_UNBLOCKED (1u << 12)	/* of interruption information: by IRET */

static bool is_software(unsigned int kind)
{
	return kind == X86_EVENT_SOFTWARE_INTERRUPT || kind == X86_EVENT_INT1 ||
	       kind == X86_EVENT_SOFTWARE_EXCEPTION;
}

/*
 * What the processor was delivering (28.2.4). An INT n of the guest's own is executed again
 * instead, for RIP still stands on it; before one that was injected RIP was set back.
 */
static struct x86_event interrupted(struct vmx_vcpu *vmx, struct x86_state *s,
				    const struct assay_exit *exit)
{
	u32 info = exit->hw_interrupted;
	struct x86_event event = {
		.valid = info & VMX_EVENT_VALID, .kind = EVENT_KIND(info), .vector = info & 0xff,
		.has_error = info & VMX_EVENT_ERROR,
	};

	if (!event.valid)
		return event;
	if (event.has_error)
		event.error = exit->hw_interrupted_error;
	if (vmx->injected.valid && vmx->injected.vector == event.vector) {
		if (is_software(event.kind))
			s->rip += vmx->injected.length;
		return vmx->injected;
	}
	/* It is delivered again, and blocks NMIs then. */
	if (event.kind == X86_EVENT_NMI && vmx_caps.virtual_nmi)
		s->nmi_blocked = false;
	event.valid = !is_software(event.kind);
	return event;
}

static void read_exception(struct x86_state *s, struct assay_exit *exit)
{
	u32 info = exit->hw_event;

	if (EVENT_KIND(info) == X86_EVENT_NMI) {
		exit->reason = EXIT_NMI;
		return;
	}
	exit->reason = EXIT_EXCEPTION;
	exit->fault = (struct x86_fault){
		.vector = info & 0xff, .has_error = info & VMX_EVENT_ERROR,
		.error = exit->hw_event_error,
	};
	if (exit->fault.vector == X86_PF)
		exit->fault.cr2 = exit->info1;
	if (exit->fault.vector == X86_DB)
		exit->fault.dr6 = exit->info1 & (0xf | X86_DR6_BD | X86_DR6_BS);
	/* INT1 is a trap: RIP still stands on it (28.2.3). */
	if (EVENT_KIND(info) == X86_EVENT_INT1)
		s->rip += vmx_read(VMCS_EXIT_LENGTH);
	/* 28.2.3: an IRET that faulted had already ended the blocking of NMIs. */
	if (vmx_caps.virtual_nmi && info & NMI_UNBLOCKED && exit->fault.vector != X86_DF &&
	    !exit->interrupted.valid)
		s->nmi_blocked = true;
}

static void read_memory(struct x86_state *s, struct assay_exit *exit)
{
	exit->reason = EXIT_MEMORY;
	exit->gpa = exit->info2;
	exit->access = (exit->info1 & VMX_EPT_WRITE ? X86_ACCESS_WRITE : 0) |
		       (exit->info1 & VMX_EPT_FETCH ? X86_ACCESS_FETCH : 0);
	if (vmx_caps.virtual_nmi && exit->info1 & VMX_EPT_NMI_UNBLOCKED &&
	    !exit->interrupted.valid)
		s->nmi_blocked = true;
}

/* Table 28-2: what asks for the switch is in the qualification. */
static void read_task_switch(struct assay_exit *exit)
{
	u32 info = exit->hw_interrupted;

	exit->reason = EXIT_TASK_SWITCH;
	exit->task.gate = (exit->info1 >> 30 & 3) == 3;
	exit->task.software = info & VMX_EVENT_VALID && is_software(EVENT_KIND(info));
	exit->task.selector = exit->info1;
	exit->task.has_error = info & VMX_EVENT_VALID && info & VMX_EVENT_ERROR;
	exit->task.error = exit->hw_interrupted_error;
}

/*
 * The monitor trap flag comes before #DB of the instruction that it follows (SDM 3 26.5.2),
 * which is then pending: it is raised here.
 */
static void read_step(const struct x86_state *s, struct assay_exit *exit)
{
	u64 dr6 = vmx_read(VMCS_PENDING_DEBUG) & (0xf | X86_DR6_BS);

	exit->reason = EXIT_STEP;
	if (!dr6 || s->shadow & X86_SHADOW_MOVSS)
		return;
	exit->reason = EXIT_EXCEPTION;
	exit->fault = (struct x86_fault){ .vector = X86_DB, .dr6 = dr6 };
}

static enum exit_reason reason_of(u32 code)
{
	switch (code) {
	case VMX_REASON_INTERRUPT:
	case VMX_REASON_INIT:
	case VMX_REASON_SIPI:
	case VMX_REASON_SMI:
		return EXIT_INTERRUPT;
	case VMX_REASON_TRIPLE_FAULT:
		return EXIT_SHUTDOWN;
	case VMX_REASON_INTERRUPT_WINDOW:
		return EXIT_WINDOW;
	case VMX_REASON_NMI_WINDOW:
		return EXIT_NMI_WINDOW;
	case VMX_REASON_VMCALL:
		return EXIT_HYPERCALL;
	}
	if (code >= VMX_REASON_CPUID && code <= VMX_REASON_LAST_INSTRUCTION &&
	    code != VMX_REASON_EPT_MISCONFIG)
		return EXIT_INSTRUCTION;
	return EXIT_UNKNOWN;
}

void vmx_read_exit(struct vmx_vcpu *vmx, struct x86_state *s, struct assay_exit *exit)
{
	u32 code = vmx_read(VMCS_REASON);

	*exit = (struct assay_exit){
		.code = code & 0xffff, .info1 = vmx_read(VMCS_QUALIFICATION),
		.hw_event = vmx_read(VMCS_INTERRUPTION),
		.hw_event_error = vmx_read(VMCS_INTERRUPTION_ERROR),
		.hw_interrupted = vmx_read(VMCS_VECTORING),
		.hw_interrupted_error = vmx_read(VMCS_VECTORING_ERROR),
	};
	if (code & VMX_REASON_FAILED) {
		struct vmcs_image image;

		vmx_read_image(&image);
		exit->reason = EXIT_FAILED;
		exit->code = code;
		exit->rule = vmx_check(&image, &vmx_caps.limits);
		vmx_not_entered(vmx, s, exit);
		return;
	}
	exit->interrupted = interrupted(vmx, s, exit);
	switch (code) {
	case VMX_REASON_EXCEPTION:
		read_exception(s, exit);
		break;
	case VMX_REASON_EPT_VIOLATION:
	case VMX_REASON_EPT_MISCONFIG:
		exit->info2 = vmx_read(VMCS_GUEST_PHYSICAL);
		if (code == VMX_REASON_EPT_VIOLATION)
			read_memory(s, exit);
		else
			exit->reason = EXIT_UNKNOWN;
		break;
	case VMX_REASON_TASK_SWITCH:
		read_task_switch(exit);
		break;
	case VMX_REASON_MONITOR_TRAP:
		read_step(s, exit);
		break;
	default:
		exit->reason = reason_of(code);
	}
}

/* Nothing has been delivered, and RIP is where it was before the event's sake. */
void vmx_not_entered(struct vmx_vcpu *vmx, struct x86_state *s, struct assay_exit *exit)
{
	exit->interrupted = vmx->injected;
	if (vmx->injected.valid && is_software(vmx->injected.kind))
		s->rip += vmx->injected.length;
}

/* VMLAUNCH or VMRESUME itself refused: the number of SDM 3 31.4, if it gave one. */
void vmx_read_failure(struct assay_exit *exit, u64 flags)
{
	struct vmcs_image image;

	*exit = (struct assay_exit){ .reason = EXIT_FAILED };
	if (!(flags & X86_FLAG_ZF))
		return;
	exit->code = vmx_read(VMCS_INSTRUCTION_ERROR);
	vmx_read_image(&image);
	exit->rule = vmx_check(&image, &vmx_caps.limits);
}

/* ---- the VMCS for core/'s eyes ------------------------------------------------------------ */

static void read_guest(struct vmx_guest *guest)
{
	unsigned int i;

	*guest = (struct vmx_guest){
		.cr0 = vmx_read(VMCS_GUEST_CR0), .cr3 = vmx_read(VMCS_GUEST_CR3),
		.cr4 = vmx_read(VMCS_GUEST_CR4), .dr7 = vmx_read(VMCS_GUEST_DR7),
		.rip = vmx_read(VMCS_GUEST_RIP), .rflags = vmx_read(VMCS_GUEST_RFLAGS),
		.gdtr_base = vmx_read(VMCS_GUEST_GDTR_BASE),
		.idtr_base = vmx_read(VMCS_GUEST_IDTR_BASE),
		.gdtr_limit = vmx_read(VMCS_GUEST_GDTR_LIMIT),
		.idtr_limit = vmx_read(VMCS_GUEST_IDTR_LIMIT),
		.sysenter_esp = vmx_read(VMCS_GUEST_SYSENTER_ESP),
		.sysenter_eip = vmx_read(VMCS_GUEST_SYSENTER_EIP),
		.pat = vmx_read(VMCS_GUEST_PAT), .efer = vmx_read(VMCS_GUEST_EFER),
		.debugctl = vmx_read(VMCS_GUEST_DEBUGCTL),
		.pending_debug = vmx_read(VMCS_PENDING_DEBUG), .link = vmx_read(VMCS_LINK),
		.activity = vmx_read(VMCS_ACTIVITY),
		.interruptibility = vmx_read(VMCS_INTERRUPTIBILITY),
	};
	for (i = 0; i < X86_SEGS; i++) {
		guest->seg[i] = (struct x86_seg){
			.selector = vmx_read(vmx_of_segment(VMCS_GUEST_ES, i)),
			.limit = vmx_read(vmx_of_segment(VMCS_GUEST_LIMIT, i)),
			.ar = vmx_read(vmx_of_segment(VMCS_GUEST_AR, i)),
			.base = vmx_read(vmx_of_segment(VMCS_GUEST_BASE, i)),
		};
	}
	for (i = 0; i < 4; i++)
		guest->pdpte[i] = vmx_read(VMCS_GUEST_PDPTE + 2 * i);
}

static void read_host(struct vmx_host *host)
{
	*host = (struct vmx_host){
		.cr0 = vmx_read(VMCS_HOST_CR0), .cr3 = vmx_read(VMCS_HOST_CR3),
		.cr4 = vmx_read(VMCS_HOST_CR4), .rip = vmx_read(VMCS_HOST_RIP),
		.fs_base = vmx_read(VMCS_HOST_FS_BASE), .gs_base = vmx_read(VMCS_HOST_GS_BASE),
		.tr_base = vmx_read(VMCS_HOST_TR_BASE),
		.gdtr_base = vmx_read(VMCS_HOST_GDTR_BASE),
		.idtr_base = vmx_read(VMCS_HOST_IDTR_BASE),
		.sysenter_esp = vmx_read(VMCS_HOST_SYSENTER_ESP),
		.sysenter_eip = vmx_read(VMCS_HOST_SYSENTER_EIP),
		.pat = vmx_read(VMCS_HOST_PAT), .efer = vmx_read(VMCS_HOST_EFER),
		.es = vmx_read(VMCS_HOST_ES), .cs = vmx_read(VMCS_HOST_CS),
		.ss = vmx_read(VMCS_HOST_SS), .ds = vmx_read(VMCS_HOST_DS),
		.fs = vmx_read(VMCS_HOST_FS), .gs = vmx_read(VMCS_HOST_GS),
		.tr = vmx_read(VMCS_HOST_TR),
	};
}

void vmx_read_image(struct vmcs_image *image)
{
	*image = (struct vmcs_image){
		.pin = vmx_read(VMCS_PIN), .primary = vmx_read(VMCS_PRIMARY),
		.secondary = vmx_read(VMCS_SECONDARY), .exit = vmx_read(VMCS_EXIT),
		.entry = vmx_read(VMCS_ENTRY), .cr3_targets = vmx_read(VMCS_CR3_TARGETS),
		.msr_bitmap = vmx_read(VMCS_MSR_BITMAP), .eptp = vmx_read(VMCS_EPTP),
		.vpid = vmx_caps.vpid ? vmx_read(VMCS_VPID) : 0,
		.event = vmx_read(VMCS_EVENT), .event_error = vmx_read(VMCS_EVENT_ERROR),
		.event_length = vmx_read(VMCS_EVENT_LENGTH),
	};
	read_host(&image->host);
	read_guest(&image->guest);
}

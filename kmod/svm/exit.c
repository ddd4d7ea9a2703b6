// SPDX-License-Identifier: GPL-2.0-only
/* What a #VMEXIT means (APM 2 15.6, 15.7, appendix C). */
#include <asm/cpufeature.h>
#include <asm/processor.h>

#include "../core/check_svm.h"
#include "svm.h"

/* EXITINFO1 of a nested page fault (15.25.6). */
#define NPF_WRITE (1u << 1)
#define NPF_FETCH (1u << 4)

/* EXITINFO1 of IOIO (15.10.2); of the three bits for sizes one is set. */
#define IOIO_IN (1u << 0)
#define IOIO_STRING (1u << 2)
#define IOIO_REP (1u << 3)
#define IOIO_SIZE_SHIFT 4
#define IOIO_PORT_SHIFT 16

/* EXITINFO2 of a task switch (15.14.1) */
#define TASK_HAS_ERROR (1ull << 44)

/*
 * What the processor was delivering. An INT n, INT3, INTO or INT1 of the guest's own is
 * executed again instead, for its RIP still stands on it; one that was injected does not.
 * Any other #DB would have exited.
 */
static struct x86_event interrupted(const struct svm_vcpu *svm)
{
	u64 info = svm->vmcb->control.exit_int_info;
	struct x86_event event = {
		.vector = info & 0xff, .kind = info >> VMCB_EVENT_TYPE_SHIFT & 7,
		.has_error = info & VMCB_EVENT_ERROR_VALID, .error = info >> VMCB_EVENT_ERROR_SHIFT,
	};

	event.valid = event.kind != X86_EVENT_SOFTWARE_INTERRUPT &&
		      !(event.kind == X86_EVENT_EXCEPTION &&
			(event.vector == X86_BP || event.vector == X86_OF ||
			 event.vector == X86_DB));
	if (svm->injected.valid && svm->injected.vector == event.vector)
		return svm->injected;
	return event;
}

static void read_exception(const struct vmcb *vmcb, struct assay_exit *exit)
{
	u8 vector = exit->code - SVM_EXIT_EXCEPTION;

	exit->reason = EXIT_EXCEPTION;
	exit->fault = (struct x86_fault){ .vector = vector, .error = exit->info1 };
	switch (vector) {
	case X86_NM:
		exit->reason = EXIT_FPU;
		break;
	case X86_PF:
		exit->fault.cr2 = exit->info2;
		fallthrough;
	case X86_DF:
	case X86_TS:
	case X86_NP:
	case X86_SS_FAULT:
	case X86_GP:
	case X86_AC:
		exit->fault.has_error = true;
		break;
	case X86_DB:
		exit->fault.dr6 = vmcb->save.dr6 & ~X86_DR6_FIXED;
		break;
	}
}

static void read_memory(struct assay_exit *exit)
{
	exit->reason = EXIT_MEMORY;
	exit->gpa = exit->info2;
	exit->access = (exit->info1 & NPF_WRITE ? X86_ACCESS_WRITE : 0) |
		       (exit->info1 & NPF_FETCH ? X86_ACCESS_FETCH : 0);
}

/* 15.10.2: what is not an item of a string is told completely. */
static void read_port(struct assay_exit *exit)
{
	u32 info = exit->info1;

	exit->reason = EXIT_INSTRUCTION;
	if (info & (IOIO_STRING | IOIO_REP))
		return;
	exit->reason = EXIT_PORT;
	exit->port.number = info >> IOIO_PORT_SHIFT;
	exit->port.size = info >> IOIO_SIZE_SHIFT & 7;
	exit->port.write = !(info & IOIO_IN);
	exit->port.next_rip = exit->info2;
}

/* 15.14.1: an event is told by EXITINTINFO, its error code stands in EXITINFO2 too. */
static void read_task_switch(const struct vmcb_control *control, struct assay_exit *exit)
{
	u64 info = control->exit_int_info;
	unsigned int kind = info >> VMCB_EVENT_TYPE_SHIFT & 7;

	exit->reason = EXIT_TASK_SWITCH;
	exit->task.gate = info & VMCB_EVENT_VALID;
	exit->task.software = kind == X86_EVENT_SOFTWARE_INTERRUPT ||
			      (kind == X86_EVENT_EXCEPTION && ((info & 0xff) == X86_BP ||
							       (info & 0xff) == X86_OF));
	exit->task.selector = exit->info1;
	exit->task.has_error = exit->info2 & TASK_HAS_ERROR;
	exit->task.error = exit->info2;
}

static enum exit_reason reason_of(u64 code)
{
	switch (code) {
	case SVM_EXIT_INTR:
	case SVM_EXIT_SMI:
	case SVM_EXIT_INIT:
		return EXIT_INTERRUPT;
	case SVM_EXIT_NMI:
		return EXIT_NMI;
	case SVM_EXIT_VINTR:
		return EXIT_WINDOW;
	case SVM_EXIT_SHUTDOWN:
		return EXIT_SHUTDOWN;
	case SVM_EXIT_CPUID:
		return EXIT_CPUID;
	case SVM_EXIT_HLT:
		return EXIT_HLT;
	case SVM_EXIT_CR_READ:		/* of CR0: others are not intercepted, but CR8's */
		return EXIT_FPU;
	case SVM_EXIT_VMMCALL:
		return EXIT_HYPERCALL;
	case SVM_EXIT_INVALID:
		return EXIT_FAILED;
	}
	if (code < SVM_EXIT_EXCEPTION ||
	    (code > SVM_EXIT_VINTR && code <= SVM_EXIT_LAST_INSTRUCTION))
		return EXIT_INSTRUCTION;
	return EXIT_UNKNOWN;
}

/* Bits of CR4 and EFER by the feature that defines them. */
static const struct {
	u16 feature;
	u64 cr4, efer;
} defined[] = {
	{ X86_FEATURE_VME, CR4_VME | CR4_PVI, 0 }, { X86_FEATURE_TSC, CR4_TSD, 0 },
	{ X86_FEATURE_DE, CR4_DE, 0 }, { X86_FEATURE_PSE, CR4_PSE, 0 },
	{ X86_FEATURE_PAE, CR4_PAE, 0 }, { X86_FEATURE_MCE, CR4_MCE, 0 },
	{ X86_FEATURE_PGE, CR4_PGE, 0 }, { X86_FEATURE_LM, CR4_PCE, X86_EFER_LME | X86_EFER_LMA },
	{ X86_FEATURE_FXSR, CR4_OSFXSR, 0 }, { X86_FEATURE_XMM, CR4_OSXMMEXCPT, 0 },
	{ X86_FEATURE_UMIP, CR4_UMIP, 0 }, { X86_FEATURE_LA57, CR4_LA57, 0 },
	{ X86_FEATURE_FSGSBASE, CR4_FSGSBASE, 0 }, { X86_FEATURE_PCID, CR4_PCIDE, 0 },
	{ X86_FEATURE_XSAVE, CR4_OSXSAVE, 0 }, { X86_FEATURE_SMEP, CR4_SMEP, 0 },
	{ X86_FEATURE_SMAP, CR4_SMAP, 0 }, { X86_FEATURE_PKU, CR4_PKE, 0 },
	{ X86_FEATURE_SYSCALL, 0, X86_EFER_SCE }, { X86_FEATURE_NX, 0, X86_EFER_NXE },
	{ X86_FEATURE_SVM, 0, X86_EFER_SVME }, { X86_FEATURE_FXSR_OPT, 0, X86_EFER_FFXSR },
};

/* Why VMRUN refused the VMCB: the first rule of the manual that it breaks. */
static const struct x86_rule *broken_rule(const struct vmcb *vmcb)
{
	struct svm_limits limits = {
		.physical_bits = boot_cpu_data.x86_phys_bits,
		.long_mode = boot_cpu_has(X86_FEATURE_LM),
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(defined); i++) {
		if (boot_cpu_has(defined[i].feature)) {
			limits.cr4 |= defined[i].cr4;
			limits.efer |= defined[i].efer;
		}
	}
	return svm_check(vmcb, &limits);
}

/* Every reason but EXIT_PORT. */
static noinline void read_other(struct svm_vcpu *svm, struct assay_exit *exit)
{
	const struct vmcb_control *control = &svm->vmcb->control;

	/* Not every implementation fills all 64 bits of -1 (QEMU writes 32). */
	if (exit->code == (u32)SVM_EXIT_INVALID)
		exit->code = SVM_EXIT_INVALID;
	if (exit->code >= SVM_EXIT_EXCEPTION && exit->code < SVM_EXIT_INTR)
		read_exception(svm->vmcb, exit);
	else if (exit->code == SVM_EXIT_NPF)
		read_memory(exit);
	else if (exit->code == SVM_EXIT_TASK_SWITCH)
		read_task_switch(control, exit);
	else
		exit->reason = reason_of(exit->code);
	if (control->exit_int_info & VMCB_EVENT_VALID)
		exit->interrupted = interrupted(svm);
	/* The event was not taken from a guest that was never entered. */
	if (exit->reason == EXIT_FAILED) {
		exit->interrupted = svm->injected;
		exit->rule = broken_rule(svm->vmcb);
	}
}

void svm_read_exit(struct svm_vcpu *svm, struct assay_exit *exit)
{
	const struct vmcb_control *control = &svm->vmcb->control;

	exit->code = control->exit_code;
	exit->info1 = control->exit_info1;
	exit->info2 = control->exit_info2;
	exit->rule = NULL;
	exit->interrupted.valid = false;
	exit->hw_event = exit->hw_event_error = 0;
	exit->hw_interrupted = control->exit_int_info;
	exit->hw_interrupted_error = control->exit_int_info >> 32;
	/* The most frequent; an instruction, so nothing has been interrupted. */
	if (likely(exit->code == SVM_EXIT_IOIO))
		read_port(exit);
	else
		read_other(svm, exit);
}

void svm_not_entered(struct assay_exit *exit, const struct x86_event *event)
{
	*exit = (struct assay_exit){ .reason = EXIT_NONE, .interrupted = *event };
}

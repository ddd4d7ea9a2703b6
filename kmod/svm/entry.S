/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The world switch of SVM (APM 2 15.5, 15.6).
 *
 *	void svm_enter(u64 guest, u64 *gpr, u64 host)
 *
 * guest	%rdi	host-physical address of the guest's VMCB
 * gpr	%rsi	the guest's 16 general registers, in the order of enum x86_gpr;
 *		RAX and RSP travel in the VMCB, and their places are not touched
 * host	%rdx	host-physical address of a VMCB where the host's FS, GS, TR, LDTR and
 *		system-call MSRs were saved by VMSAVE
 *
 * To be called with GIF clear and interrupts off. Between the two VMLOADs the segment
 * bases are the guest's: nothing here, and nothing called from here, may use them.
 *
 * VMRUN itself saves and restores the host's RAX, RSP, RIP, RFLAGS, CS, SS, DS, ES, GDTR,
 * IDTR and control registers. Not saved: the caller-saved registers, which come back as
 * zero, so that nothing of the guest is left in them; the FPU, debug registers and XCR0,
 * which the caller switches.
 */
#include <linux/linkage.h>
#include <asm/cpufeatures.h>
#include <asm/nospec-branch.h>

#include "../entry.h"

	/* No probe may be put where the segment bases are the guest's. */
	.section .noinstr.text, "ax"

SYM_FUNC_START(svm_enter)
	PUSH_CALLEE_SAVED
	push	%rdx			/* host */
	push	%rsi			/* gpr */

	/*
	 * With V_INTR_MASKING the host's IF decides whether its interrupts end the guest. Here,
	 * while GIF is clear, it lets nothing in. VMRUN itself must not come in the shadow of STI:
	 * there are processors that take that for a shadow of the guest's.
	 */
	sti
	mov	%rdi, %rax		/* VMLOAD, VMRUN and VMSAVE take RAX */
	LOAD_GUEST_REGISTERS

	vmload	%rax
	vmrun	%rax
	cli
	vmsave	%rax

	mov	(%rsp), %rax		/* gpr */
	SAVE_GUEST_REGISTERS

	mov	8(%rsp), %rax		/* host */
	vmload	%rax

	/* The returns from here on must not be predicted by what the guest has called. */
	FILL_RETURN_BUFFER %rax, RSB_CLEAR_LOOPS, X86_FEATURE_RSB_VMEXIT
	UNTRAIN_RET

	xor	%eax, %eax
	CLEAR_CALLER_SAVED

	add	$16, %rsp
	POP_CALLEE_SAVED
	RET
SYM_FUNC_END(svm_enter)

	.section .note.GNU-stack, "", @progbits

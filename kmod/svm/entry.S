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

#define GPR(n) (8 * (n))

	/* No probe may be put where the segment bases are the guest's. */
	.section .noinstr.text, "ax"

SYM_FUNC_START(svm_enter)
	push	%rbp
	push	%r15
	push	%r14
	push	%r13
	push	%r12
	push	%rbx
	push	%rdx			/* host */
	push	%rsi			/* gpr */

	mov	%rdi, %rax		/* VMLOAD, VMRUN and VMSAVE take RAX */
	mov	GPR(1)(%rsi), %rcx
	mov	GPR(2)(%rsi), %rdx
	mov	GPR(3)(%rsi), %rbx
	mov	GPR(5)(%rsi), %rbp
	mov	GPR(7)(%rsi), %rdi
	mov	GPR(8)(%rsi), %r8
	mov	GPR(9)(%rsi), %r9
	mov	GPR(10)(%rsi), %r10
	mov	GPR(11)(%rsi), %r11
	mov	GPR(12)(%rsi), %r12
	mov	GPR(13)(%rsi), %r13
	mov	GPR(14)(%rsi), %r14
	mov	GPR(15)(%rsi), %r15
	mov	GPR(6)(%rsi), %rsi

	vmload	%rax
	/*
	 * With V_INTR_MASKING the host's IF decides whether its interrupts end the guest. It is
	 * set for VMRUN alone, which comes within the shadow of STI.
	 */
	sti
	vmrun	%rax
	cli
	vmsave	%rax

	mov	(%rsp), %rax		/* gpr */
	mov	%rcx, GPR(1)(%rax)
	mov	%rdx, GPR(2)(%rax)
	mov	%rbx, GPR(3)(%rax)
	mov	%rbp, GPR(5)(%rax)
	mov	%rsi, GPR(6)(%rax)
	mov	%rdi, GPR(7)(%rax)
	mov	%r8, GPR(8)(%rax)
	mov	%r9, GPR(9)(%rax)
	mov	%r10, GPR(10)(%rax)
	mov	%r11, GPR(11)(%rax)
	mov	%r12, GPR(12)(%rax)
	mov	%r13, GPR(13)(%rax)
	mov	%r14, GPR(14)(%rax)
	mov	%r15, GPR(15)(%rax)

	mov	8(%rsp), %rax		/* host */
	vmload	%rax

	/* The returns from here on must not be predicted by what the guest has called. */
	FILL_RETURN_BUFFER %rax, RSB_CLEAR_LOOPS, X86_FEATURE_RSB_VMEXIT
	UNTRAIN_RET

	xor	%eax, %eax
	xor	%ecx, %ecx
	xor	%edx, %edx
	xor	%esi, %esi
	xor	%edi, %edi
	xor	%r8d, %r8d
	xor	%r9d, %r9d
	xor	%r10d, %r10d
	xor	%r11d, %r11d

	add	$16, %rsp
	pop	%rbx
	pop	%r12
	pop	%r13
	pop	%r14
	pop	%r15
	pop	%rbp
	RET
SYM_FUNC_END(svm_enter)

	.section .note.GNU-stack, "", @progbits

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The world switch of VMX (SDM 3 27, 28).
 *
 *	unsigned long vmx_enter(u64 *gpr, bool launched)
 *
 * gpr		%rdi	the guest's 16 general registers, in the order of enum x86_gpr;
 *			RSP travels in the VMCS, and its place is not touched
 * launched	%sil	whether VMRESUME is due, or VMLAUNCH
 *
 * 0 after an exit; else the entry failed early, and the value is RFLAGS with CF (there is
 * no current VMCS) or ZF (it holds the error's number).
 *
 * The exit loads the host's RSP, RIP, control and segment registers from the VMCS, with
 * interrupts off. Not saved: the caller-saved registers, which come back as zero, so that
 * nothing of the guest is left in them; the FPU, debug registers, XCR0 and system-call
 * MSRs, which the caller switches.
 */
#include <linux/linkage.h>
#include <asm/nospec-branch.h>
#include <asm/unwind_hints.h>

#define GPR(n) (8 * (n))
#define HOST_RSP 0x6c14
#define HOST_RIP 0x6c16

	.text

SYM_FUNC_START(vmx_enter)
	push	%rbp
	push	%r15
	push	%r14
	push	%r13
	push	%r12
	push	%rbx
	push	%rdi			/* gpr */

	mov	$HOST_RSP, %eax
	vmwrite	%rsp, %rax
	jbe	.Lfailed
	mov	$HOST_RIP, %eax
	lea	vmx_exit_point(%rip), %rdx
	vmwrite	%rdx, %rax
	jbe	.Lfailed

	test	%sil, %sil		/* the registers do not change ZF */
	mov	GPR(0)(%rdi), %rax
	mov	GPR(1)(%rdi), %rcx
	mov	GPR(2)(%rdi), %rdx
	mov	GPR(3)(%rdi), %rbx
	mov	GPR(5)(%rdi), %rbp
	mov	GPR(6)(%rdi), %rsi
	mov	GPR(8)(%rdi), %r8
	mov	GPR(9)(%rdi), %r9
	mov	GPR(10)(%rdi), %r10
	mov	GPR(11)(%rdi), %r11
	mov	GPR(12)(%rdi), %r12
	mov	GPR(13)(%rdi), %r13
	mov	GPR(14)(%rdi), %r14
	mov	GPR(15)(%rdi), %r15
	mov	GPR(7)(%rdi), %rdi
	/* The exit comes back at vmx_exit_point, with the stack as it is here. */
	UNWIND_HINT_SAVE
	jz	.Llaunch
	vmresume
	jmp	.Lfailed
.Llaunch:
	vmlaunch

	/* The entry failed early: registers are the guest's, the stack is as it was. */
.Lfailed:
	pushf
	pop	%rax
	jmp	.Lout

SYM_INNER_LABEL(vmx_exit_point, SYM_L_GLOBAL)
	UNWIND_HINT_RESTORE
	ENDBR
	push	%rax
	mov	8(%rsp), %rax		/* gpr */
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
	pop	GPR(0)(%rax)
	xor	%eax, %eax

.Lout:
	xor	%ecx, %ecx
	xor	%edx, %edx
	xor	%esi, %esi
	xor	%edi, %edi
	xor	%r8d, %r8d
	xor	%r9d, %r9d
	xor	%r10d, %r10d
	xor	%r11d, %r11d
	add	$8, %rsp
	pop	%rbx
	pop	%r12
	pop	%r13
	pop	%r14
	pop	%r15
	pop	%rbp
	RET
SYM_FUNC_END(vmx_enter)

	.section .note.GNU-stack, "", @progbits

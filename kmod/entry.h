/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What both world switches do with general registers, for entry.S of svm/ and vmx/. The
 * guest's are in an array in the order of enum x86_gpr. RAX and RSP are not among what the
 * macros move: they travel in a control block, or by a hand of their own.
 */
#pragma once

#define GPR(n) (8 * (n))

/* What the C code that called must find as it was. */
.macro PUSH_CALLEE_SAVED
	push	%rbp
	push	%r15
	push	%r14
	push	%r13
	push	%r12
	push	%rbx
.endm

.macro POP_CALLEE_SAVED
	pop	%rbx
	pop	%r12
	pop	%r13
	pop	%r14
	pop	%r15
	pop	%rbp
.endm

/* From the array at %rsi. Flags do not change. */
.macro LOAD_GUEST_REGISTERS
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
.endm

/* To the array at %rax. */
.macro SAVE_GUEST_REGISTERS
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
.endm

/* Nothing of the guest is left in what nobody restores; RAX is the caller's to set. */
.macro CLEAR_CALLER_SAVED
	xor	%ecx, %ecx
	xor	%edx, %edx
	xor	%esi, %esi
	xor	%edi, %edi
	xor	%r8d, %r8d
	xor	%r9d, %r9d
	xor	%r10d, %r10d
	xor	%r11d, %r11d
.endm

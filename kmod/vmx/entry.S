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
#include <asm/cpufeatures.h>
#include <asm/nospec-branch.h>
#include <asm/unwind_hints.h>

#include "../entry.h"

#define HOST_RSP 0x6c14
#define HOST_RIP 0x6c16

	.text

SYM_FUNC_START(vmx_enter)
	PUSH_CALLEE_SAVED
	push	%rdi			/* gpr */

	mov	$HOST_RSP, %eax
	vmwrite	%rsp, %rax
	jbe	.Lfailed
	mov	$HOST_RIP, %eax
	lea	vmx_exit_point(%rip), %rdx
	vmwrite	%rdx, %rax
	jbe	.Lfailed

	test	%sil, %sil		/* the registers do not change ZF */
	mov	%rdi, %rsi
	mov	GPR(0)(%rsi), %rax
	LOAD_GUEST_REGISTERS
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
	SAVE_GUEST_REGISTERS
	pop	GPR(0)(%rax)

	/* The returns from here on must not be predicted by what the guest has called. */
	FILL_RETURN_BUFFER %rcx, RSB_CLEAR_LOOPS, X86_FEATURE_RSB_VMEXIT
	xor	%eax, %eax

.Lout:
	CLEAR_CALLER_SAVED
	add	$8, %rsp
	POP_CALLEE_SAVED
	RET
SYM_FUNC_END(vmx_enter)

	.section .note.GNU-stack, "", @progbits

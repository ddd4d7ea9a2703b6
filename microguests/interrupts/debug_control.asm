; SPDX-License-Identifier: GPL-2.0-only
; IA32_DEBUGCTL: its value after reset, the bits that it has not, and single steps by branches.
%include "microguest.inc"
modes prot32, long64
%include "emulate.inc"
%include "events.inc"

%define DEBUGCTL_BTF 2
%define REFS "SDM 3 17.4.1", "APM 2 13.1.1"

case reset, "IA32_DEBUGCTL is 0 after reset"
	ref	REFS, "SDM 3 9.1.1"
	given	rcx=MSR_DEBUGCTL
	emulate	rdmsr
	checkpoint rax=0, rdx=0

; reserved NAME, TEXT, EDX, EAX
%macro reserved 4.nolist
case %1, %2
	ref	REFS
	given	rcx=MSR_DEBUGCTL, rdx=%3, rax=%4
	emulate	wrmsr
	expect	exception, vector=VEC_GP, error=0, rip=EMULATED
	rdmsr
	checkpoint rax=0, rdx=0
%endmacro
reserved reserved_63, "WRMSR of IA32_DEBUGCTL with bit 63 set is #GP(0)", 1 << 31, 0
reserved reserved_32, "WRMSR of IA32_DEBUGCTL with bit 32 set is #GP(0)", 1, 1
reserved reserved_31, "WRMSR of IA32_DEBUGCTL with bit 31 set is #GP(0)", 0, 1 << 31 | DEBUGCTL_BTF

case btf_kept, "BTF is what was written, and can be cleared"
	ref	REFS, "SDM 3 17.4.3"
	given	rcx=MSR_DEBUGCTL, rdx=0, rax=DEBUGCTL_BTF
	emulate	wrmsr
	rdmsr
	checkpoint
	mov	eax, 0
	emulate	wrmsr
	rdmsr
	checkpoint rax=0

case branch_step, "with TF and BTF #DB comes behind a branch that is taken, and clears BTF"
	ref	REFS, "SDM 3 17.4.3"
	msr	MSR_DEBUGCTL, DEBUGCTL_BTF
	given	set=TF, rcx=MSR_DEBUGCTL
	mov	bl, 5
	jc	.not_taken
.not_taken:
	jmp	.there
	ud2
.there:
	expect	exception, vector=VEC_DB, dr6=DR6_INIT | DR6_BS, rbx=LOW8(RBX, 5)
	action	set, clear=TF
	rdmsr
	checkpoint rax=0, rdx=0


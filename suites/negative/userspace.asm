; SPDX-License-Identifier: GPL-2.0-only
; Exits that a case has asked the target for: of model-specific registers, and of
; guest debugging.
%include "goodbad.inc"
modes long64

%define KVM_CAP_X86_USER_SPACE_MSR 188
%define KVM_MSR_EXIT_REASON_FILTER 4
%define DENIED 0x277		; IA32_PAT

; denied: accesses to that register exit.
%macro denied 0
	action	enable_cap, cap=KVM_CAP_X86_USER_SPACE_MSR, arg0=KVM_MSR_EXIT_REASON_FILTER
	action	msr_filter, index=DENIED, count=1
%endmacro

;! fail step=3 why="other data than expected"
;! data "07 00 00 00 00 00 00 00" "06 00 00 00 00 00 00 00"
case wrmsr_data, "WRMSR that exits with another value than expected"
	ref	"SDM 2 WRMSR"
	given	rcx=DENIED, rax=6, rdx=0
	denied
	wrmsr
	expect	wrmsr, index=DENIED, data=PICK(6, 7)
	checkpoint

;! fail step=3 why="another exit than expected"
;! exit "rdmsr index=0x278" "rdmsr index=0x277 data=0*"
case rdmsr_index, "RDMSR that exits with another register than expected"
	ref	"SDM 2 RDMSR"
	given	rcx=DENIED
	denied
	rdmsr
	expect	rdmsr, index=PICK(DENIED, DENIED + 1), data=0x500000006, rax=6, rdx=5
	checkpoint

;! fail step=3 why="the state is not as expected"
;! rdx 0x6 0x5
case rdmsr_value, "What RDMSR is given must be in its registers"
	ref	"SDM 2 RDMSR"
	given	rcx=DENIED
	denied
	rdmsr
	expect	rdmsr, index=DENIED, data=0x500000006, rax=6, rdx=PICK(5, 6)
	checkpoint

;! fail step=3 why="another exit than expected"
;! exit "rdmsr index=0x277" "exception vector=*"
case rdmsr_none, "An exception where an exit of RDMSR is expected"
	ref	"SDM 2 RDMSR"
	given	rcx=DENIED
	good	denied
	bad	action request_window, value=0
	bad	action msr_filter, index=DENIED, count=1
	rdmsr
	expect	rdmsr, index=DENIED, data=0x500000006, rax=6, rdx=5
	checkpoint

;! fail step=2 why="the debug exit reports something else"
;! "debug pc" 0x80* 0x80*
case debug_pc, "A single step that ends at another instruction than expected"
	ref	"KVM API KVM_SET_GUEST_DEBUG"
	action	guest_debug, control=KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP
	nop
	expect	debug, debug_vector=VEC_DB, debug_pc=PICK(.next, .next + 1)
.next:	nop

;! fail step=2 why="another exit than expected"
;! exit debug "io_out port=0xf0 size=1 count=1*"
case no_debug, "No debug exit where one is expected"
	ref	"KVM API KVM_SET_GUEST_DEBUG"
	good	action guest_debug, control=KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP
	bad	action guest_debug, control=0
	nop
	expect	debug, debug_vector=VEC_DB
	action	guest_debug, control=0
	checkpoint

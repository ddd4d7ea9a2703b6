; SPDX-License-Identifier: GPL-2.0-only
; Hypercalls that exit to user space: KVM_CAP_EXIT_HYPERCALL, of which there is one,
; KVM_HC_MAP_GPA_RANGE.
%include "microguest.inc"
modes prot32, long64

%define API_EXIT "Linux Documentation/virt/kvm/api.rst KVM_CAP_EXIT_HYPERCALL"
%define HYPERCALLS "Linux Documentation/virt/kvm/x86/hypercalls.rst KVM_HC_MAP_GPA_RANGE"
%define KVM_CAP_EXIT_HYPERCALL 201
%define KVM_HC_MAP_GPA_RANGE 12
%define KVM_EPERM 1
%define KVM_EINVAL 22
%define KVM_ENOSYS 1000

; What a guest sees of an answer that is negative.
%if BITS == 64
%define answer(errno) -(errno)
%else
%define answer(errno) (-(errno) & 0xffffffff)
%endif

; After NEG of -1, or INC of 0.
%if BITS == 64
%define RANGE_STATUS CF | AF
%else
%define RANGE_STATUS 0
%endif

%macro call_exits 0.nolist
	ref	API_EXIT
	ref	HYPERCALLS
	need	cap_exit_hypercall
	action	enable_cap, cap=KVM_CAP_EXIT_HYPERCALL, arg0=1 << KVM_HC_MAP_GPA_RANGE
%endmacro

; cases INSTRUCTION, VENDOR: that makes hypercalls on its processors.
%macro cases 2.nolist
case %1, "A range of pages whose attributes shall change exits, and RAX is what the runner answers"
	need	%2
	given	rax=KVM_HC_MAP_GPA_RANGE, rbx=0x5000, rcx=3, rdx=0x10
	call_exits
	%1
	expect	hypercall, nr=KVM_HC_MAP_GPA_RANGE, arg0=0x5000, arg1=3, arg2=0x10, result=0, rax=0
	expect_hw hypercall
	checkpoint

case %1_answer, "The answer is not the kernel's: all of it is in RAX, or its low half in EAX"
	need	%2
	given	rax=KVM_HC_MAP_GPA_RANGE, rbx=0, rcx=1, rdx=0
	call_exits
	%1
	%if BITS == 64
	expect	hypercall, nr=KVM_HC_MAP_GPA_RANGE, arg0=0, arg1=1, arg2=0, \
		result=0x1122334455667788, rax=0x1122334455667788
	%else
	expect	hypercall, nr=KVM_HC_MAP_GPA_RANGE, arg0=0, arg1=1, arg2=0, \
		result=0x1122334455667788, rax=0x55667788
	%endif
	checkpoint

; Only the last one, which is right, exits.
case %1_wrong, "Ranges that begin within a page, have no page or more than there are addresses are the guest's error"
	need	%2
	given	rbx=0x5001, rcx=1, rdx=0
	call_exits
	mov	eax, KVM_HC_MAP_GPA_RANGE
	%1
	checkpoint rax=answer(KVM_EINVAL)
	expect_hw hypercall
	dec	ebx
	dec	ecx
	mov	eax, KVM_HC_MAP_GPA_RANGE
	%1
	checkpoint rax=answer(KVM_EINVAL), rbx=0x5000, rcx=0, status=ZF | PF
	%if BITS == 64
	dec	rcx
	mov	eax, KVM_HC_MAP_GPA_RANGE
	%1
	checkpoint rax=answer(KVM_EINVAL), rcx=-1, status=PF | AF | SF
	neg	rcx
	%else
	inc	ecx
	%endif
	mov	eax, KVM_HC_MAP_GPA_RANGE
	%1
	expect	hypercall, nr=KVM_HC_MAP_GPA_RANGE, arg0=0x5000, arg1=1, arg2=0, result=0, \
		rax=0, rcx=1, status=RANGE_STATUS

%if BITS == 32
case %1_halves, "32-bit code gives low halves of registers"
	need	%2
	given	rax=KVM_HC_MAP_GPA_RANGE, rbx=0xfffff000, rcx=0x00200000, rdx=0x10
	call_exits
	%1
	expect	hypercall, nr=KVM_HC_MAP_GPA_RANGE, arg0=0xfffff000, arg1=0x00200000, arg2=0x10, \
		result=0, rax=0
	checkpoint
%endif

case %1_user, "Only the guest's kernel may"
	ring3
	need	%2
	given	rax=KVM_HC_MAP_GPA_RANGE, rbx=0x5000, rcx=3, rdx=0x10
	call_exits
	%1
	checkpoint rax=answer(KVM_EPERM)

case %1_not_enabled, "Nobody who has not asked for it is asked"
	need	%2, cap_exit_hypercall
	ref	API_EXIT
	given	rax=KVM_HC_MAP_GPA_RANGE, rbx=0x5000, rcx=3, rdx=0x10
	%1
	checkpoint rax=answer(KVM_ENOSYS)
%endmacro

cases vmcall, intel
cases vmmcall, amd

case refused, "What nobody has cannot be asked for"
	ref	API_EXIT
	need	cap_exit_hypercall
	action	enable_cap, cap=KVM_CAP_EXIT_HYPERCALL, arg0=1 << 1, errno=EINVAL
	checkpoint

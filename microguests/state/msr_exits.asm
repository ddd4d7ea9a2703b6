; SPDX-License-Identifier: GPL-2.0-only
; MSR accesses that exit to user space: KVM_CAP_X86_USER_SPACE_MSR and
; KVM_X86_SET_MSR_FILTER.
%include "microguest.inc"
modes prot32, long64

%define API_USER_MSR "Linux Documentation/virt/kvm/api.rst KVM_CAP_X86_USER_SPACE_MSR"
%define API_FILTER "Linux Documentation/virt/kvm/api.rst KVM_X86_SET_MSR_FILTER"
%define MSR_UNKNOWN 0x12345678

%macro exits_for 1.nolist
	ref	API_USER_MSR
	need	cap_x86_user_space_msr
	action	enable_cap, cap=KVM_CAP_X86_USER_SPACE_MSR, arg0=KVM_MSR_EXIT_REASON_%1
%endmacro

case filtered_read, "RDMSR of a filtered register exits, and the guest gets what the runner gives"
	given	rcx=MSR_SYSENTER_EIP
	need	cap_x86_msr_filter
	ref	API_FILTER, "SDM 3 25.1.3", "APM 2 15.11"
	exits_for FILTER
	action	msr_filter, index=MSR_SYSENTER_EIP
	rdmsr
	expect	rdmsr, index=MSR_SYSENTER_EIP, reason=KVM_MSR_EXIT_REASON_FILTER, data=0x1122334455667788, \
		rax=0x55667788, rdx=0x11223344
	expect_hw rdmsr
	checkpoint

case filtered_write, "WRMSR of a filtered register exits with its data, and the register keeps its value"
	given	rcx=MSR_SYSENTER_EIP, rax=0x9abcdef0, rdx=0x12345678
	need	cap_x86_msr_filter
	ref	API_FILTER, "SDM 3 25.1.3", "APM 2 15.11"
	exits_for FILTER
	action	msr_filter, index=MSR_SYSENTER_EIP
	wrmsr
	expect	wrmsr, index=MSR_SYSENTER_EIP, reason=KVM_MSR_EXIT_REASON_FILTER, data=0x123456789abcdef0
	expect_hw wrmsr
	action	check_msr, index=MSR_SYSENTER_EIP, value=0
	checkpoint

case refused_read, "RDMSR that the runner refuses is #GP, and no register changes"
	given	rcx=MSR_SYSENTER_EIP
	need	cap_x86_msr_filter
	ref	API_FILTER
	exits_for FILTER
	action	msr_filter, index=MSR_SYSENTER_EIP
.f:	rdmsr
	expect	rdmsr, index=MSR_SYSENTER_EIP, errno=1, rip=.f
	expect_hw rdmsr
	expect	exception, vector=VEC_GP, error=0, rip=.f

case refused_write, "WRMSR that the runner refuses is #GP"
	given	rcx=MSR_SYSENTER_EIP, rax=5, rdx=0
	need	cap_x86_msr_filter
	ref	API_FILTER
	exits_for FILTER
	action	msr_filter, index=MSR_SYSENTER_EIP
.f:	wrmsr
	expect	wrmsr, index=MSR_SYSENTER_EIP, data=5, errno=1, rip=.f
	expect_hw wrmsr
	expect	exception, vector=VEC_GP, error=0, rip=.f

case filter_edges, "The registers beside the filtered one do not exit"
	given	rcx=MSR_SYSENTER_ESP, rax=0x1234, rdx=0
	need	cap_x86_msr_filter
	ref	API_FILTER
	exits_for FILTER
	action	msr_filter, index=MSR_SYSENTER_EIP
	wrmsr
	mov	ecx, MSR_SYSENTER_CS
	rdmsr
	checkpoint rax=0, rcx=MSR_SYSENTER_CS
	action	check_msr, index=MSR_SYSENTER_ESP, value=0x1234
	checkpoint

case filtered_without_exit, "A filtered register is #GP where no exit was asked for"
	given	rcx=MSR_SYSENTER_EIP
	need	cap_x86_msr_filter
	ref	API_FILTER
	action	msr_filter, index=MSR_SYSENTER_EIP
.f:	rdmsr
	expect	exception, vector=VEC_GP, error=0, rip=.f

case filter_not_for_user, "The filter is the guest's: KVM_GET_MSRS and KVM_SET_MSRS pass it"
	need	cap_x86_msr_filter
	ref	API_FILTER
	action	msr_filter, index=MSR_SYSENTER_EIP
	action	set_msr, index=MSR_SYSENTER_EIP, value=0x4000
	action	check_msr, index=MSR_SYSENTER_EIP, value=0x4000
	checkpoint

case unknown_read, "RDMSR of a register that the kernel does not know exits"
	given	rcx=MSR_UNKNOWN
	exits_for UNKNOWN
	rdmsr
	expect	rdmsr, index=MSR_UNKNOWN, reason=KVM_MSR_EXIT_REASON_UNKNOWN, data=0x0000000200000001, rax=1, rdx=2
	expect_hw rdmsr
	checkpoint

case unknown_write, "WRMSR of a register that the kernel does not know exits"
	given	rcx=MSR_UNKNOWN, rax=0x11, rdx=0x22
	exits_for UNKNOWN
	wrmsr
	expect	wrmsr, index=MSR_UNKNOWN, reason=KVM_MSR_EXIT_REASON_UNKNOWN, data=0x2200000011
	expect_hw wrmsr
	checkpoint

case invalid_value, "WRMSR of a value that a known register cannot hold exits as such"
	given	rcx=MSR_PAT, rax=0x02020202, rdx=0
	need	pat
	exits_for INVAL
	wrmsr
	expect	wrmsr, index=MSR_PAT, reason=KVM_MSR_EXIT_REASON_INVAL, data=0x02020202
	expect_hw wrmsr
	checkpoint

case unknown_without_exit, "A register that the kernel does not know is #GP where no exit was asked for"
	ref	API_USER_MSR, "SDM 2 RDMSR"
	given	rcx=MSR_UNKNOWN
.f:	rdmsr
	expect	exception, vector=VEC_GP, error=0, rip=.f

case unknown_reason, "A reason for exits that does not exist is refused with EINVAL"
	ref	API_USER_MSR
	need	cap_x86_user_space_msr
	action	enable_cap, cap=KVM_CAP_X86_USER_SPACE_MSR, arg0=0x80000000, errno=EINVAL
	checkpoint

%define FLAG_READ 1
%define FLAG_WRITE 2
%define DEFAULT_DENY 1
%define RANGE_MAX (0x600 * 8)	; registers: KVM_MSR_FILTER_MAX_BITMAP_SIZE in bits

; filter_is RESULT, FLAGS, FLAGS OF THE RANGE, REGISTERS, THE FIRST: only what is asked for is set.
%macro filter_is 5.nolist
	action	call, text="KVM_X86_SET_MSR_FILTER", %1, arg0=%2, arg1=%3, arg2=%4, arg3=%5
%endmacro

case filter_refused, "Flags that do not exist, ranges without any or beyond the limit: EINVAL"
	ref	API_FILTER
	need	cap_x86_msr_filter
	filter_is errno=EINVAL, 2, FLAG_READ, 1, MSR_SYSENTER_EIP
	filter_is errno=EINVAL, 0, 4 | FLAG_READ, 1, MSR_SYSENTER_EIP
	filter_is errno=EINVAL, 0, 0, 1, MSR_SYSENTER_EIP
	filter_is errno=EINVAL, 0, FLAG_READ, RANGE_MAX + 1, 0
	filter_is errno=EINVAL, 0, FLAG_READ, 0xffffffff, 0
	filter_is errno=EINVAL, DEFAULT_DENY, 0, 0, 0
	filter_is result=0, 0, FLAG_READ | FLAG_WRITE, RANGE_MAX, 0x1000
	checkpoint

case filter_by_access, "A range for writes leaves reads alone"
	ref	API_FILTER
	given	rcx=MSR_SYSENTER_EIP, rax=0x1234, rdx=0
	need	cap_x86_msr_filter, sep
	filter_is result=0, 0, FLAG_WRITE, 1, MSR_SYSENTER_EIP
	rdmsr
	checkpoint rax=0, rdx=0
.f:	wrmsr
	expect	exception, vector=VEC_GP, error=0, rip=.f

case filter_default_deny, "With the flag that denies, registers in no range are #GP"
	ref	API_FILTER
	given	rcx=MSR_SYSENTER_ESP, rax=0x1234, rdx=0
	need	cap_x86_msr_filter, sep
	filter_is result=0, DEFAULT_DENY, FLAG_WRITE, 1, MSR_UNKNOWN
.f:	wrmsr
	expect	exception, vector=VEC_GP, error=0, rip=.f

case filter_taken_away, "A filter without ranges that allows is none"
	ref	API_FILTER
	given	rcx=MSR_SYSENTER_ESP, rax=0x1234, rdx=0
	need	cap_x86_msr_filter, sep
	filter_is result=0, DEFAULT_DENY, FLAG_WRITE, 1, MSR_UNKNOWN
	filter_is result=0, 0, 0, 0, 0
	wrmsr
	checkpoint
	action	check_msr, index=MSR_SYSENTER_ESP, value=0x1234
	checkpoint

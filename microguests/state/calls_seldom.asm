; SPDX-License-Identifier: GPL-2.0-only
; Calls that user space seldom makes: machine checks, attributes, statistics, older forms. Each
; case ends with a guest that still runs.
%include "microguest.inc"
modes long64

%define KVM_API "Linux Documentation/virt/kvm/api.rst "
%define MSR_MCG_CAP 0x179
%define MSR_MC0_STATUS 0x401
%define STATUS_VAL (1 << 63)
%define BANKS 2

case mce_setup, "KVM_X86_SETUP_MCE says how many banks MCG_CAP shows"
	ref	%strcat(KVM_API, "KVM_X86_SETUP_MCE"), "SDM 3 15.3.1.1"
	need	cap_mce
	action	call, text="KVM_X86_GET_MCE_CAP_SUPPORTED", result=0
	action	call, text="KVM_X86_SETUP_MCE", arg0=BANKS, result=0
	action	check_msr, index=MSR_MCG_CAP, value=BANKS
	checkpoint

case mce_no_banks, "KVM_X86_SETUP_MCE without banks is refused with EINVAL"
	ref	%strcat(KVM_API, "KVM_X86_SETUP_MCE")
	need	cap_mce
	action	call, text="KVM_X86_SETUP_MCE", arg0=0, errno=EINVAL
	checkpoint

case mce_corrected, "A corrected error from KVM_X86_SET_MCE stands in the bank's status, unsignalled"
	ref	%strcat(KVM_API, "KVM_X86_SET_MCE"), "SDM 3 15.3.2.2"
	need	cap_mce
	action	call, text="KVM_X86_SETUP_MCE", arg0=BANKS, result=0
	action	call, text="KVM_X86_SET_MCE", arg0=STATUS_VAL | 0x151, result=0
	action	check_msr, index=MSR_MC0_STATUS, value=STATUS_VAL | 0x151
	checkpoint

case reinject, "KVM_REINJECT_CONTROL takes a PIT in the kernel"
	ref	%strcat(KVM_API, "KVM_REINJECT_CONTROL")
	need	cap_reinject_control
	irqchip	kernel
	action	call, text="KVM_REINJECT_CONTROL", arg0=0, result=0
	checkpoint

case reinject_without_pit, "KVM_REINJECT_CONTROL without a PIT is refused"
	ref	%strcat(KVM_API, "KVM_REINJECT_CONTROL")
	need	cap_reinject_control
	irqchip	user, split
	action	call, text="KVM_REINJECT_CONTROL", arg0=0, errno=ERRNO_ANY
	checkpoint

case attribute, "KVM_HAS_DEVICE_ATTR knows the vCPU's TSC offset, and no unknown group"
	ref	%strcat(KVM_API, "KVM_HAS_DEVICE_ATTR"), "Linux Documentation/virt/kvm/devices/vcpu.rst KVM_VCPU_TSC_OFFSET"
	need	cap_vcpu_attributes
	action	call, text="KVM_HAS_DEVICE_ATTR", arg0=0, result=0
	action	call, text="KVM_HAS_DEVICE_ATTR", arg0=0x7fff << 32, errno=ENXIO
	checkpoint

case statistics, "KVM_GET_STATS_FD gives a file of the vCPU's statistics"
	ref	%strcat(KVM_API, "KVM_GET_STATS_FD")
	need	cap_binary_stats_fd
	action	call, text="KVM_GET_STATS_FD", result=0
	checkpoint

case emulated_cpuid, "KVM_GET_EMULATED_CPUID lists what is emulated beyond the processor's own"
	ref	%strcat(KVM_API, "KVM_GET_EMULATED_CPUID")
	need	cap_ext_emul_cpuid
	action	call, text="KVM_GET_EMULATED_CPUID", arg0=64, result=0
	checkpoint

case old_cpuid, "KVM_SET_CPUID with more entries than there can be is refused"
	ref	%strcat(KVM_API, "KVM_SET_CPUID")
	need	cap_ext_cpuid
	action	call, text="KVM_SET_CPUID", arg0=0xffffff, errno=ERRNO_ANY
	checkpoint

case dirty_rings, "KVM_RESET_DIRTY_RINGS without a ring is refused"
	ref	%strcat(KVM_API, "KVM_RESET_DIRTY_RINGS")
	need	cap_dirty_log_ring
	action	call, text="KVM_RESET_DIRTY_RINGS", errno=ERRNO_ANY
	checkpoint

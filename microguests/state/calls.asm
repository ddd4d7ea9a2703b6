; SPDX-License-Identifier: GPL-2.0-only
; Calls that move no state: what they answer, and what they must refuse. They do not
; depend on the guest's mode; each case ends with a guest that still runs.
%include "microguest.inc"
modes long64

%define KVM_API "Linux Documentation/virt/kvm/api.rst "

case api_version, "The API is version 12"
	ref	%strcat(KVM_API, "KVM_GET_API_VERSION")
	action	call, text="KVM_GET_API_VERSION", result=12
	checkpoint

case unknown_extension, "An extension the kernel does not know is not there"
	ref	%strcat(KVM_API, "KVM_CHECK_EXTENSION")
	action	call, text="KVM_CHECK_EXTENSION", arg0=0x7fffffff, result=0
	checkpoint

case second_vcpu_0, "A second vCPU with the same id is refused with EEXIST"
	ref	%strcat(KVM_API, "KVM_CREATE_VCPU")
	irqchip	user, split, kernel
	action	call, text="KVM_CREATE_VCPU", arg0=0, errno=EEXIST
	checkpoint

case vcpu_id_once, "The id of a vCPU whose file has been closed is not free again"
	ref	%strcat(KVM_API, "KVM_CREATE_VCPU")
	action	call, text="KVM_CREATE_VCPU", arg0=1, result=0
	action	call, text="KVM_CREATE_VCPU", arg0=1, errno=EEXIST
	checkpoint

case sregs_without_cpuid, "A vCPU whose CPUID was never set can be put into 64-bit mode"
	ref	%strcat(KVM_API, "KVM_SET_SREGS"), %strcat(KVM_API, "KVM_SET_CPUID")
	action	call, text="KVM_SET_SREGS", arg0=1, result=0
	checkpoint

case vm_type_unknown, "A type of VM that does not exist is refused with EINVAL"
	ref	%strcat(KVM_API, "KVM_CREATE_VM")
	action	call, text="KVM_CREATE_VM", arg0=0x40000000, errno=EINVAL
	action	call, text="KVM_CREATE_VM", arg0=0, result=0
	checkpoint

case vcpu_id_too_large, "A vCPU id beyond KVM_CAP_MAX_VCPU_ID is refused with EINVAL"
	ref	%strcat(KVM_API, "KVM_CREATE_VCPU")
	action	call, text="KVM_CREATE_VCPU", arg0=0x7fffffff, errno=EINVAL
	checkpoint

case second_irqchip, "A second interrupt controller is refused with EEXIST"
	ref	%strcat(KVM_API, "KVM_CREATE_IRQCHIP")
	irqchip	split, kernel
	action	call, text="KVM_CREATE_IRQCHIP", errno=EEXIST
	checkpoint

case irqchip_after_vcpu, "An interrupt controller comes before the first vCPU, not after"
	ref	%strcat(KVM_API, "KVM_CREATE_IRQCHIP")
	action	call, text="KVM_CREATE_IRQCHIP", errno=ERRNO_ANY
	action	irq_line, gsi=4, level=1, errno=ENXIO
	checkpoint

case second_pit, "A second PIT is refused with EEXIST"
	ref	%strcat(KVM_API, "KVM_CREATE_PIT2")
	irqchip	kernel
	action	call, text="KVM_CREATE_PIT2", errno=EEXIST
	checkpoint

case pit_without_pic, "A PIT needs the interrupt controllers in the kernel"
	ref	%strcat(KVM_API, "KVM_CREATE_PIT2")
	action	call, text="KVM_CREATE_PIT2", errno=ERRNO_ANY
	checkpoint

case boot_cpu_after_vcpu, "Naming the boot processor after a vCPU exists is refused with EBUSY"
	ref	%strcat(KVM_API, "KVM_SET_BOOT_CPU_ID")
	need	cap_set_boot_cpu_id
	action	call, text="KVM_SET_BOOT_CPU_ID", arg0=0, errno=EBUSY
	checkpoint

case identity_map_after_vcpu, "Moving the identity map after a vCPU exists is refused"
	ref	%strcat(KVM_API, "KVM_SET_IDENTITY_MAP_ADDR")
	need	cap_set_identity_map_addr
	action	call, text="KVM_SET_IDENTITY_MAP_ADDR", arg0=0xfeffc000, errno=ERRNO_ANY
	checkpoint

case unknown_cap, "Enabling a capability that does not exist is refused with EINVAL"
	ref	%strcat(KVM_API, "KVM_ENABLE_CAP")
	need	cap_enable_cap_vm
	action	enable_cap, cap=0x7fffffff, errno=EINVAL
	checkpoint

case run_argument, "KVM_RUN takes no argument: another than 0 is refused with EINVAL"
	ref	%strcat(KVM_API, "KVM_RUN")
	action	call, text="KVM_RUN", arg0=1, errno=EINVAL
	action	call, text="KVM_RUN", arg0=0, errno=EINTR
	checkpoint

case interrupt_with_pic, "KVM_INTERRUPT is refused with ENXIO when the PIC is in the kernel"
	ref	%strcat(KVM_API, "KVM_INTERRUPT")
	irqchip	kernel
	action	interrupt, vector=0x21, errno=ENXIO
	action	check, ev_interrupt=-1
	checkpoint

case interrupt_vector, "KVM_INTERRUPT refuses vectors above 255 with EINVAL"
	ref	%strcat(KVM_API, "KVM_INTERRUPT")
	irqchip	user, split
	action	interrupt, vector=0x100, errno=EINVAL
	action	interrupt, vector=0xffffffff, errno=EINVAL
	action	check, ev_interrupt=-1
	checkpoint

case interrupt_enqueued, "A second KVM_INTERRUPT before the first was taken is refused with EEXIST"
	ref	%strcat(KVM_API, "KVM_INTERRUPT")
	irqchip	split
	given	rflags=IF | 2
	descriptor SEL_FREE, base=0, limit=0, ar=0
	checkpoint
	action	interrupt, vector=0x21
	action	interrupt, vector=0x22, errno=EEXIST
	expect	exception, vector=0x21

case irq_line_without_chip, "KVM_IRQ_LINE without an interrupt controller is refused with ENXIO"
	ref	%strcat(KVM_API, "KVM_IRQ_LINE")
	action	irq_line, gsi=4, level=1, errno=ENXIO
	checkpoint

case lapic_without_chip, "Without a local APIC in the kernel, KVM_GET_LAPIC is refused with EINVAL"
	ref	%strcat(KVM_API, "KVM_GET_LAPIC")
	action	peek, text="LAPIC", offset=0x20, size=4, errno=EINVAL
	action	poke, text="LAPIC", offset=0x20, size=4, data=0, errno=EINVAL
	checkpoint

case chips_without_irqchip, "Without a PIC and PIT in the kernel, their state is not there"
	ref	%strcat(KVM_API, "KVM_GET_IRQCHIP"), %strcat(KVM_API, "KVM_GET_PIT2")
	irqchip	user, split
	action	peek, text="IRQCHIP", offset=0, size=4, errno=ERRNO_ANY
	action	peek, text="PIT2", offset=0, size=4, errno=ERRNO_ANY
	checkpoint

case no_such_chip, "KVM_GET_IRQCHIP knows chips 0 to 2"
	ref	%strcat(KVM_API, "KVM_GET_IRQCHIP")
	irqchip	kernel
	action	peek, text="IRQCHIP", id=2, offset=0, size=4, data=2
	action	peek, text="IRQCHIP", id=3, offset=0, size=4, errno=ERRNO_ANY
	checkpoint

case kvmclock_ctrl_unused, "KVM_KVMCLOCK_CTRL is refused while the guest has no kvmclock"
	ref	%strcat(KVM_API, "KVM_KVMCLOCK_CTRL")
	need	cap_kvmclock_ctrl
	action	call, text="KVM_KVMCLOCK_CTRL", errno=ERRNO_ANY
	checkpoint

case supported_cpuid_room, "KVM_GET_SUPPORTED_CPUID into too few entries is refused with E2BIG"
	ref	%strcat(KVM_API, "KVM_GET_SUPPORTED_CPUID")
	action	call, text="KVM_GET_SUPPORTED_CPUID", arg0=1, errno=E2BIG
	action	call, text="KVM_GET_SUPPORTED_CPUID", arg0=0, errno=E2BIG
	action	call, text="KVM_GET_SUPPORTED_CPUID", arg0=256, result=0
	checkpoint

case cpuid2_room, "KVM_GET_CPUID2 into too few entries is refused with E2BIG"
	ref	%strcat(KVM_API, "KVM_SET_CPUID2")
	need	cap_ext_cpuid
	action	call, text="KVM_GET_CPUID2", arg0=1, errno=E2BIG
	action	call, text="KVM_GET_CPUID2", arg0=256, result=0
	checkpoint

case msr_list_room, "KVM_GET_MSR_INDEX_LIST into too few entries says E2BIG and how many it needs"
	ref	%strcat(KVM_API, "KVM_GET_MSR_INDEX_LIST")
	action	call, text="KVM_GET_MSR_INDEX_LIST", arg0=1, errno=E2BIG
	action	call, text="KVM_GET_MSR_INDEX_LIST", arg0=0, arg1=1, result=0
	checkpoint

case msr_feature_list_room, "KVM_GET_MSR_FEATURE_INDEX_LIST works alike"
	ref	%strcat(KVM_API, "KVM_GET_MSR_FEATURE_INDEX_LIST")
	need	cap_get_msr_features
	action	call, text="KVM_GET_MSR_FEATURE_INDEX_LIST", arg0=0, errno=E2BIG
	action	call, text="KVM_GET_MSR_FEATURE_INDEX_LIST", arg0=0, arg1=1, result=0
	checkpoint

case get_msrs_count, "KVM_GET_MSRS answers with how many it read, and refuses too many with E2BIG"
	ref	%strcat(KVM_API, "KVM_GET_MSRS")
	action	call, text="KVM_GET_MSRS", arg0=0, result=0
	action	call, text="KVM_GET_MSRS", arg0=3, result=3
	action	call, text="KVM_GET_MSRS", arg0=0x10000000, errno=E2BIG
	action	call, text="KVM_GET_MSRS", arg0=0xffffffff, errno=E2BIG
	checkpoint

case tsc_khz_of_host, "KVM_SET_TSC_KHZ takes 0 for the host's frequency"
	ref	%strcat(KVM_API, "KVM_SET_TSC_KHZ")
	need	cap_get_tsc_khz
	action	call, text="KVM_SET_TSC_KHZ", arg0=0, result=0
	checkpoint

case clock_flags, "KVM_SET_CLOCK with a flag that does not exist is refused with EINVAL"
	ref	%strcat(KVM_API, "KVM_SET_CLOCK")
	need	cap_adjust_clock
	action	poke, text="CLOCK", offset=8, size=4, data=0x80000000, errno=EINVAL
	checkpoint

case signal_mask_size, "A signal mask has 8 bytes: other sizes are refused with EINVAL"
	ref	%strcat(KVM_API, "KVM_SET_SIGNAL_MASK")
	action	call, text="KVM_SET_SIGNAL_MASK", arg0=4, errno=EINVAL
	action	call, text="KVM_SET_SIGNAL_MASK", arg0=16, errno=EINVAL
	checkpoint

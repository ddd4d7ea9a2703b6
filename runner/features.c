// SPDX-License-Identifier: GPL-2.0-only
/*
 * The names a case may say it needs, and whether the guest's processor and the
 * target offer them: features of CPUID by their manual names in lower case (SDM 2
 * CPUID, APM 3 appendix E), KVM capabilities as cap_NAME, and a few of the
 * harness's own.
 */
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "host.h"

/* Capabilities younger than the oldest <linux/kvm.h> this builds with (6.1). */
#ifndef KVM_CAP_USER_MEMORY2
#define KVM_CAP_USER_MEMORY2 231
#endif
#ifndef KVM_CAP_MEMORY_FAULT_INFO
#define KVM_CAP_MEMORY_FAULT_INFO 232
#endif
#ifndef KVM_CAP_MEMORY_ATTRIBUTES
#define KVM_CAP_MEMORY_ATTRIBUTES 233
#endif
#ifndef KVM_CAP_GUEST_MEMFD
#define KVM_CAP_GUEST_MEMFD 234
#endif
#ifndef KVM_CAP_VM_TYPES
#define KVM_CAP_VM_TYPES 235
#endif
#ifndef KVM_CAP_PRE_FAULT_MEMORY
#define KVM_CAP_PRE_FAULT_MEMORY 236
#endif
#ifndef KVM_CAP_X86_APIC_BUS_CYCLES_NS
#define KVM_CAP_X86_APIC_BUS_CYCLES_NS 237
#endif
#ifndef KVM_CAP_X86_GUEST_MODE
#define KVM_CAP_X86_GUEST_MODE 238
#endif

enum reg { EAX, EBX, ECX, EDX };

struct feature {
	const char *name;
	const char *text;
	/* One of: */
	bool (*offered)(const struct target *target);
	char *(*missing)(const struct target *target);	/* with offered: why not */
	u32 leaf, subleaf;	/* if not 0: a bit of CPUID */
	enum reg reg;
	unsigned int bit;
	unsigned int cap;	/* otherwise KVM_CAP_* */
};

static const struct kvm_cpuid_entry2 *find_leaf(const struct target *target, u32 leaf, u32 subleaf)
{
	for (u32 i = 0; i < target->cpuid->nent; i++) {
		const struct kvm_cpuid_entry2 *entry = &target->cpuid->entries[i];

		/* An entry without this flag answers for every subleaf. */
		if (entry->function == leaf &&
		    (!(entry->flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX) || entry->index == subleaf))
			return entry;
	}
	return NULL;
}

/* The guest's vendor, terminated: EBX, EDX, ECX of leaf 0. */
static void guest_vendor(const struct target *target, char vendor[13])
{
	const struct kvm_cpuid_entry2 *entry = find_leaf(target, 0, 0);

	memset(vendor, 0, 13);
	if (!entry)
		return;
	memcpy(vendor, &entry->ebx, 4);
	memcpy(vendor + 4, &entry->edx, 4);
	memcpy(vendor + 8, &entry->ecx, 4);
}

static bool is_intel(const struct target *target)
{
	char vendor[13];

	guest_vendor(target, vendor);
	return !strcmp(vendor, "GenuineIntel");
}

static bool is_amd(const struct target *target)
{
	char vendor[13];

	guest_vendor(target, vendor);
	return !strcmp(vendor, "AuthenticAMD") || !strcmp(vendor, "HygonGenuine");
}

static char *other_vendor(const struct target *target)
{
	char vendor[13];

	guest_vendor(target, vendor);
	return xasprintf("the guest's processor is %s", *vendor ? vendor : "of unknown make");
}

/* SDM 3 4.1.4: 36 bits where the leaf is missing. */
static unsigned int maxphyaddr(const struct target *target)
{
	const struct kvm_cpuid_entry2 *entry = find_leaf(target, 0x80000008, 0);

	return entry ? entry->eax & 0xff : 36;
}

static bool has_reserved_pa(const struct target *target)
{
	return maxphyaddr(target) < 52;
}

static char *no_reserved_pa(const struct target *target)
{
	return xasprintf("physical addresses are %u bits wide: none is reserved in an entry",
			 maxphyaddr(target));
}

static bool has_fep(const struct target *target)
{
	return target->fep;
}

static char *no_fep(const struct target *target)
{
	return xstrdup(target->fep_missing ? target->fep_missing :
			"the target takes no forced-emulation prefix");
}

/* KVM leaves the bit clear, as it depends on the irqchip, and has a capability for it. */
static bool has_tsc_deadline(const struct target *target)
{
	const struct kvm_cpuid_entry2 *entry = find_leaf(target, 1, 0);

	return (entry && entry->ecx & 1u << 24) ||
	       ioctl(target->fd, KVM_CHECK_EXTENSION, KVM_CAP_TSC_DEADLINE_TIMER) > 0;
}

static char *no_tsc_deadline(const struct target *target)
{
	return xasprintf("%s offers guests no TSC-deadline timer (CPUID 1 ECX bit 24)",
			 target->path);
}

#define OWN(name, offered, missing, text) { name, text, offered, missing, 0, 0, EAX, 0, 0 }
#define CPU(name, leaf, subleaf, reg, bit, text) \
	{ name, text, NULL, NULL, leaf, subleaf, reg, bit, 0 }
#define CAP(name, cap, text) { "cap_" name, text, NULL, NULL, 0, 0, EAX, 0, cap }

static const struct feature features[] = {
	OWN("intel", is_intel, other_vendor, "the guest's processor is an Intel one"),
	OWN("amd", is_amd, other_vendor, "the guest's processor is an AMD (or Hygon) one"),
	OWN("maxphyaddr_lt_52", has_reserved_pa, no_reserved_pa,
	    "page-table entries have reserved physical-address bits"),
	OWN("fep", has_fep, no_fep, "forced-emulation prefix"),

	CPU("fpu", 1, 0, EDX, 0, "x87 FPU"),
	CPU("vme", 1, 0, EDX, 1, "virtual-8086 mode enhancements"),
	CPU("de", 1, 0, EDX, 2, "debugging extensions: I/O breakpoints"),
	CPU("pse", 1, 0, EDX, 3, "4 MiB pages"),
	CPU("tsc", 1, 0, EDX, 4, "RDTSC"),
	CPU("msr", 1, 0, EDX, 5, "RDMSR and WRMSR"),
	CPU("pae", 1, 0, EDX, 6, "physical-address extension"),
	CPU("mce", 1, 0, EDX, 7, "machine-check exception"),
	CPU("cx8", 1, 0, EDX, 8, "CMPXCHG8B"),
	CPU("apic", 1, 0, EDX, 9, "local APIC"),
	CPU("sep", 1, 0, EDX, 11, "SYSENTER and SYSEXIT"),
	CPU("mtrr", 1, 0, EDX, 12, "memory-type range registers"),
	CPU("pge", 1, 0, EDX, 13, "global pages"),
	CPU("mca", 1, 0, EDX, 14, "machine-check architecture"),
	CPU("cmov", 1, 0, EDX, 15, "CMOVcc"),
	CPU("pat", 1, 0, EDX, 16, "page attribute table"),
	CPU("pse36", 1, 0, EDX, 17, "36-bit physical addresses of 4 MiB pages"),
	CPU("clfsh", 1, 0, EDX, 19, "CLFLUSH"),
	CPU("mmx", 1, 0, EDX, 23, "MMX"),
	CPU("fxsr", 1, 0, EDX, 24, "FXSAVE and FXRSTOR"),
	CPU("sse", 1, 0, EDX, 25, "SSE"),
	CPU("sse2", 1, 0, EDX, 26, "SSE2"),

	CPU("sse3", 1, 0, ECX, 0, "SSE3"),
	CPU("pclmulqdq", 1, 0, ECX, 1, "PCLMULQDQ"),
	CPU("monitor", 1, 0, ECX, 3, "MONITOR and MWAIT"),
	CPU("vmx", 1, 0, ECX, 5, "VMX inside the guest"),
	CPU("ssse3", 1, 0, ECX, 9, "SSSE3"),
	CPU("fma", 1, 0, ECX, 12, "FMA"),
	CPU("cmpxchg16b", 1, 0, ECX, 13, "CMPXCHG16B"),
	CPU("pcid", 1, 0, ECX, 17, "process-context identifiers"),
	CPU("sse4_1", 1, 0, ECX, 19, "SSE4.1"),
	CPU("sse4_2", 1, 0, ECX, 20, "SSE4.2"),
	CPU("x2apic", 1, 0, ECX, 21, "x2APIC mode"),
	CPU("movbe", 1, 0, ECX, 22, "MOVBE"),
	CPU("popcnt", 1, 0, ECX, 23, "POPCNT"),
	OWN("tsc_deadline", has_tsc_deadline, no_tsc_deadline,
	    "TSC-deadline mode of the APIC timer"),
	CPU("aesni", 1, 0, ECX, 25, "AES instructions"),
	CPU("xsave", 1, 0, ECX, 26, "XSAVE and XCR0"),
	CPU("avx", 1, 0, ECX, 28, "AVX"),
	CPU("f16c", 1, 0, ECX, 29, "half-precision conversions"),
	CPU("rdrand", 1, 0, ECX, 30, "RDRAND"),

	CPU("fsgsbase", 7, 0, EBX, 0, "RDFSBASE and its like"),
	CPU("tsc_adjust", 7, 0, EBX, 1, "IA32_TSC_ADJUST"),
	CPU("bmi1", 7, 0, EBX, 3, "bit manipulation, first set"),
	CPU("hle", 7, 0, EBX, 4, "hardware lock elision"),
	CPU("avx2", 7, 0, EBX, 5, "AVX2"),
	CPU("smep", 7, 0, EBX, 7, "supervisor-mode execution prevention"),
	CPU("bmi2", 7, 0, EBX, 8, "bit manipulation, second set"),
	CPU("erms", 7, 0, EBX, 9, "enhanced REP MOVSB and STOSB"),
	CPU("invpcid", 7, 0, EBX, 10, "INVPCID"),
	CPU("rtm", 7, 0, EBX, 11, "restricted transactional memory"),
	CPU("mpx", 7, 0, EBX, 14, "memory protection extensions"),
	CPU("avx512f", 7, 0, EBX, 16, "AVX-512 foundation"),
	CPU("rdseed", 7, 0, EBX, 18, "RDSEED"),
	CPU("adx", 7, 0, EBX, 19, "ADCX and ADOX"),
	CPU("smap", 7, 0, EBX, 20, "supervisor-mode access prevention"),
	CPU("clflushopt", 7, 0, EBX, 23, "CLFLUSHOPT"),
	CPU("clwb", 7, 0, EBX, 24, "CLWB"),
	CPU("sha", 7, 0, EBX, 29, "SHA instructions"),
	CPU("umip", 7, 0, ECX, 2, "user-mode instruction prevention"),
	CPU("pku", 7, 0, ECX, 3, "protection keys of user pages"),
	CPU("waitpkg", 7, 0, ECX, 5, "UMONITOR, UMWAIT, TPAUSE"),
	CPU("cet_ss", 7, 0, ECX, 7, "shadow stacks"),
	CPU("gfni", 7, 0, ECX, 8, "Galois-field instructions"),
	CPU("vaes", 7, 0, ECX, 9, "vector AES"),
	CPU("vpclmulqdq", 7, 0, ECX, 10, "vector PCLMULQDQ"),
	CPU("la57", 7, 0, ECX, 16, "5-level paging"),
	CPU("rdpid", 7, 0, ECX, 22, "RDPID"),
	CPU("bus_lock_detect", 7, 0, ECX, 24, "#DB on bus locks"),
	CPU("cldemote", 7, 0, ECX, 25, "CLDEMOTE"),
	CPU("movdiri", 7, 0, ECX, 27, "MOVDIRI"),
	CPU("movdir64b", 7, 0, ECX, 28, "MOVDIR64B"),
	CPU("pks", 7, 0, ECX, 31, "protection keys of supervisor pages"),
	CPU("fsrm", 7, 0, EDX, 4, "fast short REP MOVSB"),
	CPU("serialize", 7, 0, EDX, 14, "SERIALIZE"),
	CPU("cet_ibt", 7, 0, EDX, 20, "indirect-branch tracking"),
	CPU("ibrs", 7, 0, EDX, 26, "IA32_SPEC_CTRL and IA32_PRED_CMD"),
	CPU("arch_capabilities", 7, 0, EDX, 29, "IA32_ARCH_CAPABILITIES"),
	CPU("avx_vnni", 7, 1, EAX, 4, "AVX vector neural instructions"),
	CPU("fred", 7, 1, EAX, 17, "flexible return and event delivery"),
	CPU("lam", 7, 1, EAX, 26, "linear-address masking"),

	CPU("xsaveopt", 0xd, 1, EAX, 0, "XSAVEOPT"),
	CPU("xsavec", 0xd, 1, EAX, 1, "XSAVEC"),
	CPU("xgetbv1", 0xd, 1, EAX, 2, "XGETBV with ECX = 1"),
	CPU("xsaves", 0xd, 1, EAX, 3, "XSAVES and IA32_XSS"),

	CPU("lahf", 0x80000001, 0, ECX, 0, "LAHF and SAHF in 64-bit mode"),
	CPU("svm", 0x80000001, 0, ECX, 2, "SVM inside the guest"),
	CPU("altmovcr8", 0x80000001, 0, ECX, 4, "LOCK MOV CR0 means MOV CR8"),
	CPU("lzcnt", 0x80000001, 0, ECX, 5, "LZCNT"),
	CPU("sse4a", 0x80000001, 0, ECX, 6, "SSE4A"),
	CPU("misalignsse", 0x80000001, 0, ECX, 7, "misaligned SSE mode"),
	CPU("prefetchw", 0x80000001, 0, ECX, 8, "PREFETCHW"),
	CPU("xop", 0x80000001, 0, ECX, 11, "XOP"),
	CPU("fma4", 0x80000001, 0, ECX, 16, "FMA4"),
	CPU("tbm", 0x80000001, 0, ECX, 21, "trailing-bit manipulation"),
	CPU("syscall", 0x80000001, 0, EDX, 11, "SYSCALL and SYSRET"),
	CPU("nx", 0x80000001, 0, EDX, 20, "no-execute pages"),
	CPU("mmxext", 0x80000001, 0, EDX, 22, "AMD's MMX extensions"),
	CPU("ffxsr", 0x80000001, 0, EDX, 25, "EFER.FFXSR"),
	CPU("pdpe1gb", 0x80000001, 0, EDX, 26, "1 GiB pages"),
	CPU("rdtscp", 0x80000001, 0, EDX, 27, "RDTSCP"),
	CPU("lm", 0x80000001, 0, EDX, 29, "long mode"),
	CPU("3dnow", 0x80000001, 0, EDX, 31, "3DNow!"),
	CPU("invariant_tsc", 0x80000007, 0, EDX, 8, "TSC at a constant rate"),
	CPU("clzero", 0x80000008, 0, EBX, 0, "CLZERO"),
	CPU("xsaveerptr", 0x80000008, 0, EBX, 2, "XSAVE always saves the error pointers"),
	CPU("rdpru", 0x80000008, 0, EBX, 4, "RDPRU"),
	CPU("wbnoinvd", 0x80000008, 0, EBX, 9, "WBNOINVD"),
	CPU("kvm_clocksource2", 0x40000001, 0, EAX, 3, "KVM's clock, by its own MSRs"),
	CPU("kvm_pv_send_ipi", 0x40000001, 0, EAX, 11, "KVM's hypercall for IPIs"),
	CPU("null_sel_clr_base", 0x80000021, 0, EAX, 6, "loading a null selector clears the base"),

	CAP("irqchip", KVM_CAP_IRQCHIP, "PIC, IOAPIC and local APIC in the kernel"),
	CAP("hlt", KVM_CAP_HLT, "KVM_EXIT_HLT"),
	CAP("user_memory", KVM_CAP_USER_MEMORY, "memory slots of the task's own memory"),
	CAP("set_tss_addr", KVM_CAP_SET_TSS_ADDR, "KVM_SET_TSS_ADDR"),
	CAP("vapic", KVM_CAP_VAPIC, "KVM_TPR_ACCESS_REPORTING"),
	CAP("ext_cpuid", KVM_CAP_EXT_CPUID, "KVM_SET_CPUID2"),
	CAP("clocksource", KVM_CAP_CLOCKSOURCE, "kvmclock"),
	CAP("nr_vcpus", KVM_CAP_NR_VCPUS, "recommended number of vCPUs"),
	CAP("nr_memslots", KVM_CAP_NR_MEMSLOTS, "number of memory slots"),
	CAP("pit", KVM_CAP_PIT, "PIT in the kernel, first interface"),
	CAP("mp_state", KVM_CAP_MP_STATE, "KVM_GET_MP_STATE"),
	CAP("coalesced_mmio", KVM_CAP_COALESCED_MMIO, "ring of coalesced MMIO writes"),
	CAP("sync_mmu", KVM_CAP_SYNC_MMU, "guest memory follows the task's mappings"),
	CAP("destroy_memory_region_works", KVM_CAP_DESTROY_MEMORY_REGION_WORKS,
	    "memory slots can be deleted"),
	CAP("join_memory_regions_works", KVM_CAP_JOIN_MEMORY_REGIONS_WORKS,
	    "memory slots can be joined"),
	CAP("user_nmi", KVM_CAP_USER_NMI, "KVM_NMI"),
	CAP("set_guest_debug", KVM_CAP_SET_GUEST_DEBUG, "KVM_SET_GUEST_DEBUG"),
	CAP("reinject_control", KVM_CAP_REINJECT_CONTROL, "KVM_REINJECT_CONTROL"),
	CAP("irq_routing", KVM_CAP_IRQ_ROUTING, "KVM_SET_GSI_ROUTING"),
	CAP("irq_inject_status", KVM_CAP_IRQ_INJECT_STATUS, "KVM_IRQ_LINE_STATUS"),
	CAP("mce", KVM_CAP_MCE, "machine-check banks"),
	CAP("irqfd", KVM_CAP_IRQFD, "KVM_IRQFD"),
	CAP("irqfd_resample", KVM_CAP_IRQFD_RESAMPLE, "KVM_IRQFD of level-triggered lines"),
	CAP("pit2", KVM_CAP_PIT2, "KVM_CREATE_PIT2"),
	CAP("pit_state2", KVM_CAP_PIT_STATE2, "KVM_GET_PIT2"),
	CAP("set_boot_cpu_id", KVM_CAP_SET_BOOT_CPU_ID, "KVM_SET_BOOT_CPU_ID"),
	CAP("ioeventfd", KVM_CAP_IOEVENTFD, "KVM_IOEVENTFD"),
	CAP("ioeventfd_no_length", KVM_CAP_IOEVENTFD_NO_LENGTH, "KVM_IOEVENTFD of length 0"),
	CAP("ioeventfd_any_length", KVM_CAP_IOEVENTFD_ANY_LENGTH, "KVM_IOEVENTFD of any length"),
	CAP("set_identity_map_addr", KVM_CAP_SET_IDENTITY_MAP_ADDR, "KVM_SET_IDENTITY_MAP_ADDR"),
	CAP("xen_hvm", KVM_CAP_XEN_HVM, "Xen interfaces for guests"),
	CAP("adjust_clock", KVM_CAP_ADJUST_CLOCK, "KVM_SET_CLOCK"),
	CAP("internal_error_data", KVM_CAP_INTERNAL_ERROR_DATA, "data with an internal error"),
	CAP("vcpu_events", KVM_CAP_VCPU_EVENTS, "KVM_GET_VCPU_EVENTS"),
	CAP("intr_shadow", KVM_CAP_INTR_SHADOW, "interrupt shadow in KVM_GET_VCPU_EVENTS"),
	CAP("debugregs", KVM_CAP_DEBUGREGS, "KVM_GET_DEBUGREGS"),
	CAP("x86_robust_singlestep", KVM_CAP_X86_ROBUST_SINGLESTEP,
	    "single-stepping unseen by the guest"),
	CAP("enable_cap", KVM_CAP_ENABLE_CAP, "KVM_ENABLE_CAP on a vCPU"),
	CAP("enable_cap_vm", KVM_CAP_ENABLE_CAP_VM, "KVM_ENABLE_CAP on a VM"),
	CAP("xsave", KVM_CAP_XSAVE, "KVM_GET_XSAVE"),
	CAP("xsave2", KVM_CAP_XSAVE2, "KVM_GET_XSAVE2"),
	CAP("xcrs", KVM_CAP_XCRS, "KVM_GET_XCRS"),
	CAP("async_pf", KVM_CAP_ASYNC_PF, "asynchronous page faults"),
	CAP("async_pf_int", KVM_CAP_ASYNC_PF_INT, "asynchronous page faults by interrupt"),
	CAP("tsc_control", KVM_CAP_TSC_CONTROL, "KVM_SET_TSC_KHZ"),
	CAP("vm_tsc_control", KVM_CAP_VM_TSC_CONTROL, "KVM_SET_TSC_KHZ of a VM"),
	CAP("get_tsc_khz", KVM_CAP_GET_TSC_KHZ, "KVM_GET_TSC_KHZ"),
	CAP("max_vcpus", KVM_CAP_MAX_VCPUS, "largest number of vCPUs"),
	CAP("max_vcpu_id", KVM_CAP_MAX_VCPU_ID, "largest vCPU id"),
	CAP("tsc_deadline_timer", KVM_CAP_TSC_DEADLINE_TIMER, "TSC-deadline timer"),
	CAP("sync_regs", KVM_CAP_SYNC_REGS, "registers in kvm_run"),
	CAP("kvmclock_ctrl", KVM_CAP_KVMCLOCK_CTRL, "KVM_KVMCLOCK_CTRL"),
	CAP("signal_msi", KVM_CAP_SIGNAL_MSI, "KVM_SIGNAL_MSI"),
	CAP("readonly_mem", KVM_CAP_READONLY_MEM, "read-only memory slots"),
	CAP("device_ctrl", KVM_CAP_DEVICE_CTRL, "KVM_CREATE_DEVICE"),
	CAP("ext_emul_cpuid", KVM_CAP_EXT_EMUL_CPUID, "KVM_GET_EMULATED_CPUID"),
	CAP("vm_attributes", KVM_CAP_VM_ATTRIBUTES, "KVM_SET_DEVICE_ATTR on a VM"),
	CAP("vcpu_attributes", KVM_CAP_VCPU_ATTRIBUTES, "KVM_SET_DEVICE_ATTR on a vCPU"),
	CAP("sys_attributes", KVM_CAP_SYS_ATTRIBUTES, "KVM_GET_DEVICE_ATTR on the node"),
	CAP("check_extension_vm", KVM_CAP_CHECK_EXTENSION_VM, "KVM_CHECK_EXTENSION on a VM"),
	CAP("disable_quirks", KVM_CAP_DISABLE_QUIRKS, "quirks can be turned off"),
	CAP("disable_quirks2", KVM_CAP_DISABLE_QUIRKS2, "quirks can be turned off, and are named"),
	CAP("x86_smm", KVM_CAP_X86_SMM, "system management mode"),
	CAP("multi_address_space", KVM_CAP_MULTI_ADDRESS_SPACE, "address spaces of a VM"),
	CAP("split_irqchip", KVM_CAP_SPLIT_IRQCHIP, "local APIC alone in the kernel"),
	CAP("x2apic_api", KVM_CAP_X2APIC_API, "32-bit APIC ids in MSIs"),
	CAP("immediate_exit", KVM_CAP_IMMEDIATE_EXIT, "kvm_run.immediate_exit"),
	CAP("x86_disable_exits", KVM_CAP_X86_DISABLE_EXITS, "HLT, MWAIT, PAUSE without exits"),
	CAP("get_msr_features", KVM_CAP_GET_MSR_FEATURES, "feature MSRs of the node"),
	CAP("nested_state", KVM_CAP_NESTED_STATE, "KVM_GET_NESTED_STATE"),
	CAP("msr_platform_info", KVM_CAP_MSR_PLATFORM_INFO, "MSR_PLATFORM_INFO"),
	CAP("coalesced_pio", KVM_CAP_COALESCED_PIO, "ring of coalesced port writes"),
	CAP("exception_payload", KVM_CAP_EXCEPTION_PAYLOAD, "CR2 and DR6 of pending exceptions"),
	CAP("x86_triple_fault_event", KVM_CAP_X86_TRIPLE_FAULT_EVENT, "pending triple fault"),
	CAP("manual_dirty_log_protect2", KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2,
	    "KVM_CLEAR_DIRTY_LOG"),
	CAP("dirty_log_ring", KVM_CAP_DIRTY_LOG_RING, "ring of dirtied pages"),
	CAP("dirty_log_ring_acq_rel", KVM_CAP_DIRTY_LOG_RING_ACQ_REL,
	    "ring of dirtied pages, acquire and release"),
	CAP("pmu_event_filter", KVM_CAP_PMU_EVENT_FILTER, "KVM_SET_PMU_EVENT_FILTER"),
	CAP("pmu_capability", KVM_CAP_PMU_CAPABILITY, "PMU can be turned off"),
	CAP("halt_poll", KVM_CAP_HALT_POLL, "polling time of HLT per VM"),
	CAP("smaller_maxphyaddr", KVM_CAP_SMALLER_MAXPHYADDR,
	    "guests with narrower physical addresses"),
	CAP("steal_time", KVM_CAP_STEAL_TIME, "steal-time record"),
	CAP("x86_user_space_msr", KVM_CAP_X86_USER_SPACE_MSR, "KVM_EXIT_X86_RDMSR and WRMSR"),
	CAP("x86_msr_filter", KVM_CAP_X86_MSR_FILTER, "KVM_X86_SET_MSR_FILTER"),
	CAP("enforce_pv_feature_cpuid", KVM_CAP_ENFORCE_PV_FEATURE_CPUID,
	    "paravirtual features obey CPUID"),
	CAP("x86_bus_lock_exit", KVM_CAP_X86_BUS_LOCK_EXIT, "KVM_EXIT_X86_BUS_LOCK"),
	CAP("x86_notify_vmexit", KVM_CAP_X86_NOTIFY_VMEXIT, "KVM_EXIT_NOTIFY"),
	CAP("set_guest_debug2", KVM_CAP_SET_GUEST_DEBUG2, "flags of KVM_SET_GUEST_DEBUG"),
	CAP("sgx_attribute", KVM_CAP_SGX_ATTRIBUTE, "SGX provisioning"),
	CAP("ptp_kvm", KVM_CAP_PTP_KVM, "PTP clock pairing"),
	CAP("sregs2", KVM_CAP_SREGS2, "KVM_GET_SREGS2: PDPTEs"),
	CAP("exit_hypercall", KVM_CAP_EXIT_HYPERCALL, "KVM_EXIT_HYPERCALL"),
	CAP("binary_stats_fd", KVM_CAP_BINARY_STATS_FD, "KVM_GET_STATS_FD"),
	CAP("exit_on_emulation_failure", KVM_CAP_EXIT_ON_EMULATION_FAILURE,
	    "instruction bytes with an emulation failure"),
	CAP("vm_gpa_bits", KVM_CAP_VM_GPA_BITS, "guest-physical address width of a VM"),
	CAP("vm_disable_nx_huge_pages", KVM_CAP_VM_DISABLE_NX_HUGE_PAGES,
	    "executable huge pages in a VM"),
	CAP("hyperv", KVM_CAP_HYPERV, "Hyper-V interfaces for guests"),
	CAP("hyperv_vapic", KVM_CAP_HYPERV_VAPIC, "Hyper-V virtual APIC"),
	CAP("hyperv_spin", KVM_CAP_HYPERV_SPIN, "Hyper-V spin-lock hints"),
	CAP("hyperv_time", KVM_CAP_HYPERV_TIME, "Hyper-V reference time"),
	CAP("hyperv_synic", KVM_CAP_HYPERV_SYNIC, "Hyper-V interrupt controller"),
	CAP("hyperv_synic2", KVM_CAP_HYPERV_SYNIC2, "Hyper-V interrupt controller, version 2"),
	CAP("hyperv_vp_index", KVM_CAP_HYPERV_VP_INDEX, "Hyper-V virtual processor index"),
	CAP("hyperv_eventfd", KVM_CAP_HYPERV_EVENTFD, "KVM_HYPERV_EVENTFD"),
	CAP("hyperv_tlbflush", KVM_CAP_HYPERV_TLBFLUSH, "Hyper-V TLB flush"),
	CAP("hyperv_send_ipi", KVM_CAP_HYPERV_SEND_IPI, "Hyper-V IPIs"),
	CAP("hyperv_enlightened_vmcs", KVM_CAP_HYPERV_ENLIGHTENED_VMCS,
	    "Hyper-V enlightened VMCS"),
	CAP("hyperv_cpuid", KVM_CAP_HYPERV_CPUID, "KVM_GET_SUPPORTED_HV_CPUID"),
	CAP("sys_hyperv_cpuid", KVM_CAP_SYS_HYPERV_CPUID, "the same on the node"),
	CAP("hyperv_direct_tlbflush", KVM_CAP_HYPERV_DIRECT_TLBFLUSH,
	    "Hyper-V direct TLB flush"),
	CAP("hyperv_enforce_cpuid", KVM_CAP_HYPERV_ENFORCE_CPUID, "Hyper-V features obey CPUID"),
	CAP("user_memory2", KVM_CAP_USER_MEMORY2, "KVM_SET_USER_MEMORY_REGION2"),
	CAP("memory_fault_info", KVM_CAP_MEMORY_FAULT_INFO, "KVM_EXIT_MEMORY_FAULT"),
	CAP("memory_attributes", KVM_CAP_MEMORY_ATTRIBUTES, "KVM_SET_MEMORY_ATTRIBUTES"),
	CAP("guest_memfd", KVM_CAP_GUEST_MEMFD, "KVM_CREATE_GUEST_MEMFD"),
	CAP("vm_types", KVM_CAP_VM_TYPES, "types of VMs"),
	CAP("pre_fault_memory", KVM_CAP_PRE_FAULT_MEMORY, "KVM_PRE_FAULT_MEMORY"),
	CAP("x86_apic_bus_cycles_ns", KVM_CAP_X86_APIC_BUS_CYCLES_NS,
	    "frequency of the APIC timer"),
	CAP("x86_guest_mode", KVM_CAP_X86_GUEST_MODE, "exits say whether the guest was nested"),
};

static const struct feature *find_feature(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(features); i++) {
		if (!strcmp(features[i].name, name))
			return &features[i];
	}
	return NULL;
}

static char *cpu_missing(const struct target *target, const struct feature *feature)
{
	static const char *const names[] = { "EAX", "EBX", "ECX", "EDX" };
	const struct kvm_cpuid_entry2 *entry = find_leaf(target, feature->leaf, feature->subleaf);
	u32 regs[4] = { 0 };
	char subleaf[16] = "";

	if (entry) {
		regs[EAX] = entry->eax;
		regs[EBX] = entry->ebx;
		regs[ECX] = entry->ecx;
		regs[EDX] = entry->edx;
	}
	if (regs[feature->reg] & 1u << feature->bit)
		return NULL;
	if (feature->subleaf)
		snprintf(subleaf, sizeof(subleaf), ".%u", feature->subleaf);
	return xasprintf("%s offers guests no %s (CPUID %x%s %s bit %u)", target->path,
			 feature->name, feature->leaf, subleaf, names[feature->reg], feature->bit);
}

char *feature_missing(const struct target *target, const char *name)
{
	const struct feature *feature = find_feature(name);

	if (!feature)
		return xasprintf("no feature is called %s (assay probe lists them)", name);
	if (feature->offered)
		return feature->offered(target) ? NULL : feature->missing(target);
	if (feature->leaf)
		return cpu_missing(target, feature);
	if (ioctl(target->fd, KVM_CHECK_EXTENSION, (unsigned long)feature->cap) > 0)
		return NULL;
	return xasprintf("%s has no %s (KVM capability %u)", target->path, feature->name,
			 feature->cap);
}

bool feature_known(const char *name)
{
	return find_feature(name) != NULL;
}

bool feature_at(unsigned int i, const char **name, const char **text)
{
	if (i >= ARRAY_SIZE(features))
		return false;
	*name = features[i].name;
	*text = features[i].text;
	return true;
}

// SPDX-License-Identifier: GPL-2.0-only
/* /dev/assay: the system part of the KVM ABI, and the module's beginning and end. */
#include <linux/fs.h>
#include <linux/kvm_para.h>
#include <linux/miscdevice.h>
#include <linux/module.h>

#include "internal.h"
#include "ring.h"
#include "stats.h"

const struct vendor *vendor;

bool assay_force_emulation;
module_param_named(force_emulation_prefix, assay_force_emulation, bool, 0444);
MODULE_PARM_DESC(force_emulation_prefix, "UD2 and \"kvm\" before an instruction: it is emulated");

/* Capabilities by number; what is not here is answered with 0, as by any KVM. */
static const struct {
	unsigned int capability;
	int answer;
} capabilities[] = {
	{ KVM_CAP_USER_MEMORY, 1 },
	{ KVM_CAP_DESTROY_MEMORY_REGION_WORKS, 1 },
	{ KVM_CAP_JOIN_MEMORY_REGIONS_WORKS, 1 },
	{ KVM_CAP_NR_MEMSLOTS, ASSAY_SLOTS },
	{ KVM_CAP_READONLY_MEM, 1 },
	{ KVM_CAP_SYNC_MMU, 1 },
	{ KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE |
					     KVM_DIRTY_LOG_INITIALLY_SET },
	{ KVM_CAP_MAX_VCPUS, ASSAY_VCPUS },
	{ KVM_CAP_MAX_VCPU_ID, ASSAY_VCPUS },
	{ KVM_CAP_EXT_CPUID, 1 },
	{ KVM_CAP_EXT_EMUL_CPUID, 1 },
	{ KVM_CAP_USER_NMI, 1 },
	{ KVM_CAP_MP_STATE, 1 },
	{ KVM_CAP_VCPU_EVENTS, 1 },
	{ KVM_CAP_INTR_SHADOW, X86_SHADOW_STI | X86_SHADOW_MOVSS },
	{ KVM_CAP_EXCEPTION_PAYLOAD, 1 },
	{ KVM_CAP_X86_TRIPLE_FAULT_EVENT, 1 },
	{ KVM_CAP_DEBUGREGS, 1 },
	{ KVM_CAP_SET_GUEST_DEBUG, 1 },
	{ KVM_CAP_SET_GUEST_DEBUG2, ASSAY_GUEST_DEBUG },
	{ KVM_CAP_X86_ROBUST_SINGLESTEP, 1 },
	{ KVM_CAP_XSAVE, 1 },
	{ KVM_CAP_XSAVE2, sizeof(struct kvm_xsave) },
	{ KVM_CAP_XCRS, 1 },
	{ KVM_CAP_SREGS2, 1 },
	{ KVM_CAP_IMMEDIATE_EXIT, 1 },
	{ KVM_CAP_SYNC_REGS, KVM_SYNC_X86_VALID_FIELDS },
	{ KVM_CAP_IOEVENTFD, 1 },
	{ KVM_CAP_IOEVENTFD_NO_LENGTH, 1 },
	{ KVM_CAP_IOEVENTFD_ANY_LENGTH, 1 },
	{ KVM_CAP_COALESCED_MMIO, ASSAY_COALESCED_PAGE },
	{ KVM_CAP_COALESCED_PIO, 1 },
	{ KVM_CAP_CHECK_EXTENSION_VM, 1 },
	{ KVM_CAP_ENABLE_CAP_VM, 1 },
	{ KVM_CAP_X86_USER_SPACE_MSR, KVM_MSR_EXIT_REASON_INVAL | KVM_MSR_EXIT_REASON_UNKNOWN |
				      KVM_MSR_EXIT_REASON_FILTER },
	{ KVM_CAP_X86_MSR_FILTER, 1 },
	{ KVM_CAP_EXIT_HYPERCALL, 1 << KVM_HC_MAP_GPA_RANGE },
	{ KVM_CAP_GET_MSR_FEATURES, 1 },
	{ KVM_CAP_GET_TSC_KHZ, 1 },
	{ KVM_CAP_VCPU_ATTRIBUTES, 1 },
	{ KVM_CAP_ADJUST_CLOCK, KVM_CLOCK_REALTIME },
	{ KVM_CAP_HLT, 1 },
	{ KVM_CAP_SET_BOOT_CPU_ID, 1 },
	{ KVM_CAP_SET_TSS_ADDR, 1 },
	{ KVM_CAP_SET_IDENTITY_MAP_ADDR, 1 },
	{ KVM_CAP_INTERNAL_ERROR_DATA, 1 },
	{ ASSAY_CAP_EXIT_RING, ASSAY_RING_PAGE },
};

long assay_check_extension(unsigned long capability)
{
	unsigned int i;

	/* More are possible; that many do not wait for each other. */
	if (capability == KVM_CAP_NR_VCPUS)
		return min_t(unsigned int, num_online_cpus(), ASSAY_VCPUS);
	for (i = 0; i < ARRAY_SIZE(capabilities); i++) {
		if (capabilities[i].capability == capability)
			return capabilities[i].answer;
	}
	return 0;
}

static long dev_ioctl(struct file *file, unsigned int ioctl, unsigned long arg)
{
	void __user *argp = (void __user *)arg;

	switch (ioctl) {
	case KVM_GET_API_VERSION:
		return arg ? -EINVAL : KVM_API_VERSION;
	case KVM_CREATE_VM:
		return arg ? -EINVAL : assay_vm_create();
	case KVM_CHECK_EXTENSION:
		return assay_check_extension(arg);
	case KVM_GET_VCPU_MMAP_SIZE:
		return arg ? -EINVAL : ASSAY_RUN_PAGES * PAGE_SIZE;
	case KVM_GET_SUPPORTED_CPUID:
	case KVM_GET_EMULATED_CPUID:
		return assay_supported_cpuid(argp, ioctl == KVM_GET_EMULATED_CPUID);
	case KVM_GET_MSR_INDEX_LIST:
	case KVM_GET_MSR_FEATURE_INDEX_LIST:
		return assay_msr_list(argp, ioctl == KVM_GET_MSR_FEATURE_INDEX_LIST);
	case KVM_GET_MSRS:
		return assay_msrs_ioctl(NULL, ioctl, argp);
	default:
		return -ENOTTY;
	}
}

static const struct file_operations dev_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = dev_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "assay",
	.mode = 0660,
	.fops = &dev_fops,
};

/* A processor has one of them at most. */
static int __init choose_vendor(void)
{
	static const struct vendor *const vendors[] = { &svm_vendor, &vmx_vendor };
	unsigned int i;
	int ret = -ENODEV;

	for (i = 0; i < ARRAY_SIZE(vendors) && ret == -ENODEV; i++) {
		vendor = vendors[i];
		ret = vendor->probe();
	}
	if (ret == -ENODEV)
		pr_err("this processor has neither SVM nor VMX\n");
	return ret;
}

static int __init assay_init(void)
{
	int ret;

	ret = choose_vendor();
	if (ret)
		return ret;
	ret = vendor->setup();
	if (ret)
		return ret;
	assay_power_init();
	assay_stats_init();
	ret = misc_register(&device);
	if (ret) {
		assay_stats_exit();
		assay_power_exit();
		vendor->teardown();
	}
	return ret;
}

static void __exit assay_exit(void)
{
	misc_deregister(&device);
	assay_stats_exit();
	assay_power_exit();
	vendor->teardown();
}

module_init(assay_init);
module_exit(assay_exit);
MODULE_DESCRIPTION("A small hypervisor that speaks the KVM ABI");
MODULE_LICENSE("GPL");

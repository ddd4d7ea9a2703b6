// SPDX-License-Identifier: GPL-2.0-only
/*
 * What this machine's VMX can do (SDM 3 appendix A): controls are data, required or wanted.
 * A required one that is missing names itself. Module parameters leave wanted ones out; after
 * probing they tell what is used.
 */
#include <linux/moduleparam.h>
#include <asm/cpufeature.h>
#include <asm/msr.h>

#include "vmx.h"

#undef pr_fmt
#define pr_fmt(fmt) "assay: " fmt

struct vmx_caps vmx_caps = { .vpid = true, .unrestricted = true, .virtual_nmi = true };

module_param_named(unrestricted_guest, vmx_caps.unrestricted, bool, 0444);
MODULE_PARM_DESC(unrestricted_guest, "VMX: the processor runs code without paging");
module_param_named(vpid, vmx_caps.vpid, bool, 0444);
MODULE_PARM_DESC(vpid, "VMX: translations of a vCPU survive its exits");
module_param_named(vnmi, vmx_caps.virtual_nmi, bool, 0444);
MODULE_PARM_DESC(vnmi, "VMX: the processor keeps account of blocked NMIs");

/* A word of controls: its capability MSR, without and with "true" ones, and its bits. */
struct control_word {
	const char *name;
	u32 msr, true_msr;
	u32 required, wanted;
	u32 *value;
	struct vmx_allowed *allowed;
};

static const struct {
	u32 *word;
	u32 bit;
	const char *name;
} names[] = {
	{ &vmx_caps.pin, VMX_PIN_INTERRUPT, "external-interrupt exiting" },
	{ &vmx_caps.pin, VMX_PIN_NMI, "NMI exiting" },
	{ &vmx_caps.primary, VMX_TSC_OFFSETTING, "TSC offsetting" },
	{ &vmx_caps.primary, VMX_HLT_EXITING, "HLT exiting" },
	{ &vmx_caps.primary, VMX_MWAIT_EXITING, "MWAIT exiting" },
	{ &vmx_caps.primary, VMX_RDPMC_EXITING, "RDPMC exiting" },
	{ &vmx_caps.primary, VMX_CR8_LOAD_EXITING, "CR8-load exiting" },
	{ &vmx_caps.primary, VMX_CR8_STORE_EXITING, "CR8-store exiting" },
	{ &vmx_caps.primary, VMX_DR_EXITING, "MOV-DR exiting" },
	{ &vmx_caps.primary, VMX_IO_EXITING, "unconditional I/O exiting" },
	{ &vmx_caps.primary, VMX_MONITOR_EXITING, "MONITOR exiting" },
	{ &vmx_caps.primary, VMX_MSR_BITMAP, "MSR bitmaps" },
	{ &vmx_caps.primary, VMX_SECONDARY, "secondary controls" },
	{ &vmx_caps.secondary, VMX2_EPT, "EPT" },
	{ &vmx_caps.exit, VMX_EXIT_HOST64, "host address-space size" },
	{ &vmx_caps.exit, VMX_EXIT_SAVE_PAT, "saving IA32_PAT" },
	{ &vmx_caps.exit, VMX_EXIT_LOAD_PAT, "loading IA32_PAT at exits" },
	{ &vmx_caps.exit, VMX_EXIT_LOAD_EFER, "loading IA32_EFER at exits" },
	{ &vmx_caps.entry, VMX_ENTRY_LOAD_DEBUG, "loading debug controls" },
	{ &vmx_caps.entry, VMX_ENTRY_LOAD_PAT, "loading IA32_PAT at entries" },
	{ &vmx_caps.entry, VMX_ENTRY_LOAD_EFER, "loading IA32_EFER at entries" },
};

static const struct control_word words[] = {
	{ "pin-based controls", MSR_IA32_VMX_PINBASED_CTLS, MSR_IA32_VMX_TRUE_PINBASED_CTLS,
	  VMX_PIN_INTERRUPT | VMX_PIN_NMI, VMX_PIN_VIRTUAL_NMI,
	  &vmx_caps.pin, &vmx_caps.limits.pin },
	{ "primary controls", MSR_IA32_VMX_PROCBASED_CTLS, MSR_IA32_VMX_TRUE_PROCBASED_CTLS,
	  VMX_TSC_OFFSETTING | VMX_HLT_EXITING | VMX_MWAIT_EXITING | VMX_RDPMC_EXITING |
	  VMX_CR8_LOAD_EXITING | VMX_CR8_STORE_EXITING | VMX_DR_EXITING | VMX_IO_EXITING |
	  VMX_MONITOR_EXITING | VMX_MSR_BITMAP | VMX_SECONDARY, 0,
	  &vmx_caps.primary, &vmx_caps.limits.primary },
	{ "secondary controls", MSR_IA32_VMX_PROCBASED_CTLS2, MSR_IA32_VMX_PROCBASED_CTLS2,
	  VMX2_EPT,
	  VMX2_UNRESTRICTED | VMX2_VPID | VMX2_RDTSCP | VMX2_WBINVD_EXITING | VMX2_INVPCID,
	  &vmx_caps.secondary, &vmx_caps.limits.secondary },
	{ "VM-exit controls", MSR_IA32_VMX_EXIT_CTLS, MSR_IA32_VMX_TRUE_EXIT_CTLS,
	  VMX_EXIT_HOST64 | VMX_EXIT_SAVE_PAT | VMX_EXIT_LOAD_PAT | VMX_EXIT_LOAD_EFER,
	  VMX_EXIT_SAVE_DEBUG | VMX_EXIT_SAVE_EFER,
	  &vmx_caps.exit, &vmx_caps.limits.exit },
	{ "VM-entry controls", MSR_IA32_VMX_ENTRY_CTLS, MSR_IA32_VMX_TRUE_ENTRY_CTLS,
	  VMX_ENTRY_LOAD_DEBUG | VMX_ENTRY_LOAD_PAT | VMX_ENTRY_LOAD_EFER, 0,
	  &vmx_caps.entry, &vmx_caps.limits.entry },
};

static void say_missing(const struct control_word *word, u32 missing)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		if (names[i].word == word->value && names[i].bit & missing)
			pr_err("this VMX has no %s (%s bit %d)\n", names[i].name, word->name,
			       __builtin_ctz(names[i].bit));
	}
}

/* Low half: bits that must be one; high half: those that may be. */
static int read_word(const struct control_word *word, bool true_controls)
{
	u64 value;

	if (rdmsrl_safe(true_controls ? word->true_msr : word->msr, &value))
		return -EOPNOTSUPP;
	word->allowed->must = (u32)value;
	word->allowed->may = value >> 32;
	if (word->required & ~word->allowed->may) {
		say_missing(word, word->required & ~word->allowed->may);
		return -EOPNOTSUPP;
	}
	*word->value = (word->required | word->wanted | word->allowed->must) & word->allowed->may;
	return 0;
}

static void read_fixed(struct vmx_allowed *allowed, u32 fixed0, u32 fixed1)
{
	rdmsrl(fixed0, allowed->must);
	rdmsrl(fixed1, allowed->may);
}

/* A wanted control is used if it is there, nobody has turned it off, and what it needs is there. */
static void use(bool *used, u32 *word, u32 bit, bool possible)
{
	*used = *used && *word & bit && possible;
	if (!*used)
		*word &= ~bit;
}

int vmx_read_caps(void)
{
	struct vmx_limits *limits = &vmx_caps.limits;
	u64 basic;
	unsigned int i;
	int ret;

	rdmsrl(MSR_IA32_VMX_BASIC, basic);
	vmx_caps.revision = basic & 0x7fffffff;
	for (i = 0; i < ARRAY_SIZE(words); i++) {
		ret = read_word(&words[i], basic >> 55 & 1);
		if (ret)
			return ret;
	}
	read_fixed(&limits->cr0, MSR_IA32_VMX_CR0_FIXED0, MSR_IA32_VMX_CR0_FIXED1);
	read_fixed(&limits->cr4, MSR_IA32_VMX_CR4_FIXED0, MSR_IA32_VMX_CR4_FIXED1);
	rdmsrl(MSR_IA32_VMX_MISC, limits->misc);
	rdmsrl(MSR_IA32_VMX_EPT_VPID_CAP, limits->ept);
	limits->efer = X86_EFER_SCE | X86_EFER_LME | X86_EFER_LMA | X86_EFER_NXE;
	limits->debugctl = 3;
	limits->physical_bits = boot_cpu_data.x86_phys_bits;
	limits->long_mode = true;
	if (!(limits->ept & VMX_INVEPT_SINGLE)) {
		pr_err("this VMX has no single-context INVEPT\n");
		return -EOPNOTSUPP;
	}
	vmx_caps.ept_ad = limits->ept & VMX_EPT_AD;
	use(&vmx_caps.vpid, &vmx_caps.secondary, VMX2_VPID, limits->ept & VMX_INVVPID_SINGLE);
	use(&vmx_caps.unrestricted, &vmx_caps.secondary, VMX2_UNRESTRICTED, true);
	use(&vmx_caps.virtual_nmi, &vmx_caps.pin, VMX_PIN_VIRTUAL_NMI, true);
	if (!vmx_caps.virtual_nmi && !(limits->primary.may & VMX_MONITOR_TRAP)) {
		pr_err("this VMX has neither virtual NMIs (pin-based controls bit 5) nor the "
		       "monitor trap flag (primary controls bit 27)\n");
		return -EOPNOTSUPP;
	}
	return 0;
}

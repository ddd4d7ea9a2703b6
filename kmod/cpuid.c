// SPDX-License-Identifier: GPL-2.0-only
/* CPUID: what guests can be given on this processor, and what one guest was given. */
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <asm/processor.h>

#include "internal.h"

/* ---- what there is ------------------------------------------------------------------------ */

/* Bits that are the host's business or that the module does not do, cleared in each leaf. */
#define LEAF1_EDX_HIDDEN ((1u << 7) | (1u << 12) | (1u << 14) | (1u << 21) | (1u << 22) | \
			  (1u << 28) | (1u << 29))
/* MONITOR, DTES64, DS-CPL, VMX, SMX, EIST, TM2, PDCM, PCID, DCA, x2APIC, TSC deadline */
#define LEAF1_ECX_HIDDEN ((1u << 2) | (1u << 3) | (1u << 4) | (1u << 5) | (1u << 6) | (1u << 7) | \
			  (1u << 8) | (1u << 15) | (1u << 17) | (1u << 18) | (1u << 21) | \
			  (1u << 24))
/* FSGSBASE, BMI1, AVX2, SMEP, BMI2, ERMS, SMAP, CLFLUSHOPT, CLWB */
#define LEAF7_EBX_SHOWN ((1u << 0) | (1u << 3) | (1u << 5) | (1u << 7) | (1u << 8) | (1u << 9) | \
			 (1u << 20) | (1u << 23) | (1u << 24))
/* UMIP, PKU, LA57 */
#define LEAF7_ECX_SHOWN ((1u << 2) | (1u << 3) | (1u << 16))
#define LEAF80000001_ECX_HIDDEN ((1u << 2) | (1u << 3) | (1u << 9) | (1u << 10) | (1u << 12) | \
				 (1u << 13) | (1u << 15) | (1u << 22) | (1u << 23) | (1u << 24) | \
				 (1u << 28) | (1u << 29))

static void read_leaf(struct kvm_cpuid_entry2 *entry, u32 leaf, u32 subleaf)
{
	*entry = (struct kvm_cpuid_entry2){ .function = leaf, .index = subleaf };
	cpuid_count(leaf, subleaf, &entry->eax, &entry->ebx, &entry->ecx, &entry->edx);
}

/* Leaf 0Dh: which components, what XSAVE can do (not XSAVES), where each one is. */
static void mask_xsave(struct kvm_cpuid_entry2 *entry)
{
	switch (entry->index) {
	case 0:
		entry->eax &= assay_xcr0_supported();
		entry->edx = 0;
		break;
	case 1:
		entry->eax &= 7;	/* XSAVEOPT, XSAVEC, XGETBV with ECX = 1 */
		entry->ebx = entry->ecx = entry->edx = 0;
		break;
	}
}

/* Takes out what a guest cannot have. */
static void mask_leaf(struct kvm_cpuid_entry2 *entry)
{
	switch (entry->function) {
	case 0:
		entry->eax = min(entry->eax, 0xdu);
		break;
	case 1:
		entry->ebx &= 0x00ffffff;	/* the APIC id is the vCPU's */
		entry->ecx &= ~LEAF1_ECX_HIDDEN;
		entry->ecx |= 1u << 31;		/* there is a hypervisor */
		entry->edx &= ~LEAF1_EDX_HIDDEN;
		break;
	case 7:
		entry->flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX;
		entry->eax = 0;
		entry->ebx &= LEAF7_EBX_SHOWN;
		entry->ecx &= LEAF7_ECX_SHOWN;
		entry->edx = 0;
		break;
	case 0xd:
		entry->flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX;
		mask_xsave(entry);
		break;
	case 0x80000000:
		entry->eax = min(entry->eax, 0x80000008u);
		break;
	case 0x80000001:
		entry->ecx &= ~LEAF80000001_ECX_HIDDEN;
		break;
	}
}

static bool shown(u32 leaf)
{
	switch (leaf) {
	case 0 ... 2:
	case 4:
	case 7:
	case 0xd:
	case 0x80000000 ... 0x80000008:
		return true;
	default:
		return false;
	}
}

static u32 fill_supported(struct kvm_cpuid_entry2 *entries)
{
	static const u32 roots[] = { 0, 0x80000000 };
	u32 count = 0, i, leaf;

	for (i = 0; i < ARRAY_SIZE(roots); i++) {
		u32 last = min(cpuid_eax(roots[i]), roots[i] ? 0x80000008u : 0xdu);

		for (leaf = roots[i]; leaf <= last; leaf++) {
			if (!shown(leaf))
				continue;
			read_leaf(&entries[count], leaf, 0);
			mask_leaf(&entries[count++]);
		}
	}
	for (i = 1; i < 64; i++) {
		if (i > 1 && !(assay_xcr0_supported() >> i & 1))
			continue;
		read_leaf(&entries[count], 0xd, i);
		mask_leaf(&entries[count++]);
	}
	return count;
}

/* KVM API 4.46: E2BIG if there is no room, with nent set to what is needed. */
static int copy_out(struct kvm_cpuid2 __user *user, const struct kvm_cpuid_entry2 *entries,
		    u32 count)
{
	u32 room;

	if (get_user(room, &user->nent))
		return -EFAULT;
	if (put_user(count, &user->nent))
		return -EFAULT;
	if (room < count)
		return -E2BIG;
	return copy_to_user(user->entries, entries, count * sizeof(*entries)) ? -EFAULT : 0;
}

int assay_supported_cpuid(struct kvm_cpuid2 __user *user, bool emulated)
{
	struct kvm_cpuid_entry2 *entries;
	int ret;

	if (emulated)
		return copy_out(user, NULL, 0);
	entries = kcalloc(ASSAY_CPUID, sizeof(*entries), GFP_KERNEL);
	if (!entries)
		return -ENOMEM;
	ret = copy_out(user, entries, fill_supported(entries));
	kfree(entries);
	return ret;
}

/* ---- what a guest has ------------------------------------------------------------------------ */

static const struct kvm_cpuid_entry2 *find(struct assay_vcpu *vcpu, u32 leaf, u32 subleaf)
{
	unsigned int i;

	for (i = 0; i < vcpu->ncpuid; i++) {
		const struct kvm_cpuid_entry2 *entry = &vcpu->cpuid[i];

		if (entry->function == leaf && (entry->index == subleaf ||
		    !(entry->flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX)))
			return entry;
	}
	return NULL;
}

/* OSXSAVE and OSPKE mirror CR4 (SDM 2 CPUID). */
static void mirror(struct assay_vcpu *vcpu, u32 leaf, u32 regs[4])
{
	u64 cr4 = vcpu->state.cr4;

	if (leaf == 1)
		regs[2] = (regs[2] & ~(1u << 27)) | (cr4 & CR4_OSXSAVE ? 1u << 27 : 0);
	if (leaf == 7)
		regs[2] = (regs[2] & ~(1u << 4)) | (cr4 & CR4_PKE ? 1u << 4 : 0);
}

void assay_cpuid(struct assay_vcpu *vcpu, u32 leaf, u32 subleaf, u32 regs[4])
{
	const struct kvm_cpuid_entry2 *entry = find(vcpu, leaf, subleaf);

	memset(regs, 0, 4 * sizeof(u32));
	if (!entry)
		return;
	regs[0] = entry->eax;
	regs[1] = entry->ebx;
	regs[2] = entry->ecx;
	regs[3] = entry->edx;
	mirror(vcpu, leaf, regs);
}

static u32 reg(struct assay_vcpu *vcpu, u32 leaf, unsigned int number)
{
	u32 regs[4];

	assay_cpuid(vcpu, leaf, 0, regs);
	return regs[number];
}

/* One bit of CPUID that allows one bit of CR4. */
static const struct {
	u32 leaf;
	u8 number, bit;
	u64 cr4;
} cr4_by_cpuid[] = {
	{ 1, 3, 1, CR4_VME | CR4_PVI }, { 1, 3, 4, CR4_TSD }, { 1, 3, 2, CR4_DE },
	{ 1, 3, 3, CR4_PSE }, { 1, 3, 6, CR4_PAE }, { 1, 3, 13, CR4_PGE },
	{ 1, 3, 24, CR4_OSFXSR }, { 1, 3, 25, CR4_OSXMMEXCPT },
	{ 1, 2, 17, CR4_PCIDE }, { 1, 2, 26, CR4_OSXSAVE },
	{ 7, 1, 0, CR4_FSGSBASE }, { 7, 1, 7, CR4_SMEP }, { 7, 1, 20, CR4_SMAP },
	{ 7, 2, 2, CR4_UMIP }, { 7, 2, 3, CR4_PKE }, { 7, 2, 16, CR4_LA57 },
};

/* What core/ must know of the guest's processor. */
static void changed(struct assay_vcpu *vcpu)
{
	u32 bits = reg(vcpu, 0x80000008, 0) & 0xff;
	unsigned int i;

	vcpu->env.physical_bits = bits >= 32 && bits <= 52 ? bits : 36;
	vcpu->env.gib_pages = reg(vcpu, 0x80000001, 3) >> 26 & 1;
	/* "htuA" of "AuthenticAMD" */
	vcpu->env.amd = reg(vcpu, 0, 1) == 0x68747541;
	vcpu->env.cr4_allowed = CR4_MCE | CR4_PCE;
	for (i = 0; i < ARRAY_SIZE(cr4_by_cpuid); i++) {
		if (reg(vcpu, cr4_by_cpuid[i].leaf, cr4_by_cpuid[i].number) >>
		    cr4_by_cpuid[i].bit & 1)
			vcpu->env.cr4_allowed |= cr4_by_cpuid[i].cr4;
	}
}

int assay_set_cpuid(struct assay_vcpu *vcpu, struct kvm_cpuid2 __user *user)
{
	struct kvm_cpuid_entry2 *entries = NULL;
	struct kvm_cpuid2 head;
	size_t bytes;

	if (copy_from_user(&head, user, sizeof(head)))
		return -EFAULT;
	if (head.nent > ASSAY_CPUID)
		return -E2BIG;
	bytes = head.nent * sizeof(*entries);
	if (head.nent) {
		entries = vmemdup_user(user->entries, bytes);
		if (IS_ERR(entries))
			return PTR_ERR(entries);
	}
	/* After the first KVM_RUN only the same again (KVM API 4.20). */
	if (vcpu->ran && (head.nent != vcpu->ncpuid ||
			  memcmp(entries, vcpu->cpuid, bytes))) {
		kvfree(entries);
		return -EINVAL;
	}
	kvfree(vcpu->cpuid);
	vcpu->cpuid = entries;
	vcpu->ncpuid = head.nent;
	changed(vcpu);
	return 0;
}

int assay_get_cpuid(struct assay_vcpu *vcpu, struct kvm_cpuid2 __user *user)
{
	return copy_out(user, vcpu->cpuid, vcpu->ncpuid);
}

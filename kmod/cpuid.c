// SPDX-License-Identifier: GPL-2.0-only
/* CPUID: what guests can be given on this processor, and what one guest was given. */
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <asm/processor.h>

#include "internal.h"

/* ---- what there is ------------------------------------------------------------------------ */

/*
 * What a guest may be told of, by leaf: what the processor does by itself, whatever a
 * hypervisor does, and what the module does. All else is the host's business or needs what
 * is not here: an MSR, a component of XSAVE, an intercept.
 */
#define BIT_OF(bit) (1u << (bit))

/* SSE3, PCLMULQDQ, SSSE3, FMA, CMPXCHG16B, PCID, SSE4.1, SSE4.2, MOVBE, POPCNT, AES, XSAVE,
 * AVX, F16C, RDRAND */
#define LEAF1_ECX (BIT_OF(0) | BIT_OF(1) | BIT_OF(9) | BIT_OF(12) | BIT_OF(13) | BIT_OF(17) | \
		   BIT_OF(19) | BIT_OF(20) | BIT_OF(22) | BIT_OF(23) | BIT_OF(25) | BIT_OF(26) | \
		   BIT_OF(28) | BIT_OF(29) | BIT_OF(30))
#define LEAF1_ECX_HYPERVISOR BIT_OF(31)
/* FPU, VME, DE, PSE, TSC, MSR, PAE, CMPXCHG8B, APIC, MTRR, PGE, CMOV, PAT, PSE36, MMX, FXSR: at
 * the same place in leaf 80000001h of AMD's */
#define BOTH_EDX (0x37fu | BIT_OF(12) | BIT_OF(13) | BIT_OF(15) | BIT_OF(16) | BIT_OF(17) | \
		  BIT_OF(23) | BIT_OF(24))
/* and SEP, CLFLUSH, SSE, SSE2, self snoop */
#define LEAF1_EDX (BOTH_EDX | BIT_OF(11) | BIT_OF(19) | BIT_OF(25) | BIT_OF(26) | BIT_OF(27))
/* FSGSBASE, BMI1, AVX2, SMEP, BMI2, ERMS, INVPCID, RDSEED, ADX, SMAP, CLFLUSHOPT, CLWB, SHA */
#define LEAF7_EBX (BIT_OF(0) | BIT_OF(3) | BIT_OF(5) | BIT_OF(7) | BIT_OF(8) | BIT_OF(9) | \
		   BIT_OF(10) | BIT_OF(18) | BIT_OF(19) | BIT_OF(20) | BIT_OF(23) | BIT_OF(24) | \
		   BIT_OF(29))
/* UMIP, PKU, GFNI, VAES, VPCLMULQDQ, LA57, RDPID */
#define LEAF7_ECX (BIT_OF(2) | BIT_OF(3) | BIT_OF(8) | BIT_OF(9) | BIT_OF(10) | BIT_OF(16) | \
		   BIT_OF(22))
#define LEAF7_ECX_PKU BIT_OF(3)
#define LEAF7_EBX_TSC_ADJUST BIT_OF(1)	/* whatever the processor has: every access exits */
/* LAHF, CmpLegacy, AltMovCr8, ABM, SSE4A, MisAlignSse, 3DNowPrefetch, XOP, FMA4, TBM */
#define LEAF80000001_ECX (BIT_OF(0) | BIT_OF(1) | BIT_OF(4) | BIT_OF(5) | BIT_OF(6) | BIT_OF(7) | \
			  BIT_OF(8) | BIT_OF(11) | BIT_OF(16) | BIT_OF(21))
/* SYSCALL, NX, MMX extensions, FFXSR, 1 GiB pages, RDTSCP, long mode, 3DNow! and extensions */
#define LEAF80000001_EDX (BOTH_EDX | BIT_OF(11) | BIT_OF(20) | BIT_OF(22) | BIT_OF(25) | \
			  BIT_OF(26) | BIT_OF(27) | BIT_OF(29) | BIT_OF(30) | BIT_OF(31))
#define LEAF80000007_EDX BIT_OF(8)	/* the TSC has one frequency */
/* CLZERO, error pointers of XSAVE; what has to do with speculation needs MSRs */
#define LEAF80000008_EBX (BIT_OF(0) | BIT_OF(2))

/* XSAVEOPT, XSAVEC, XGETBV with ECX = 1; not XSAVES */
#define XSAVE_FORMS 7u

static void read_leaf(struct kvm_cpuid_entry2 *entry, u32 leaf, u32 subleaf)
{
	*entry = (struct kvm_cpuid_entry2){ .function = leaf, .index = subleaf };
	cpuid_count(leaf, subleaf, &entry->eax, &entry->ebx, &entry->ecx, &entry->edx);
}

/*
 * Bytes of an XSAVE area with these components of XCR0 (SDM 1 13.4.3): where each one is in
 * the standard format, one behind the other in the compacted one.
 */
static u32 xsave_bytes(u64 components, bool compacted)
{
	u32 size, offset, flags, unused, i, bytes = 512 + 64;

	for (i = 2; i < 63; i++) {
		if (!(components >> i & 1))
			continue;
		cpuid_count(0xd, i, &size, &offset, &flags, &unused);
		if (compacted)
			bytes = (flags & 2 ? ALIGN(bytes, 64) : bytes) + size;
		else
			bytes = max(bytes, offset + size);
	}
	return bytes;
}

/* Leaf 0Dh: which components, what XSAVE can do, where each one is. */
static void mask_xsave(struct kvm_cpuid_entry2 *entry)
{
	switch (entry->index) {
	case 0:
		entry->eax &= assay_xcr0_supported();
		entry->ebx = xsave_bytes(XFEATURE_MASK_FP, false);
		entry->ecx = xsave_bytes(assay_xcr0_supported(), false);
		entry->edx = 0;
		break;
	case 1:
		entry->eax &= XSAVE_FORMS;
		entry->ebx = entry->eax & 2 ? xsave_bytes(XFEATURE_MASK_FP, true) : 0;
		entry->ecx = entry->edx = 0;
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
		entry->ebx &= 0xffff;		/* the rest is topology, the vCPU's own */
		entry->ecx = (entry->ecx & LEAF1_ECX) | LEAF1_ECX_HYPERVISOR;
		entry->edx &= LEAF1_EDX;
		break;
	case 4:
		entry->flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX;
		entry->eax &= 0x3fff;		/* not how many share it */
		break;
	case 7:
		entry->flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX;
		entry->eax = 0;
		entry->ebx = (entry->ebx & LEAF7_EBX) | LEAF7_EBX_TSC_ADJUST;
		entry->ecx &= boot_cpu_has(X86_FEATURE_OSPKE) ? LEAF7_ECX :
								LEAF7_ECX & ~LEAF7_ECX_PKU;
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
		entry->ecx &= LEAF80000001_ECX;
		entry->edx &= LEAF80000001_EDX;
		break;
	case 0x80000007:
		entry->eax = entry->ebx = entry->ecx = 0;
		entry->edx &= LEAF80000007_EDX;
		break;
	case 0x80000008:
		/* No wider than what stage 2 translates. */
		entry->eax = (entry->eax & 0xff00) |
			     min_t(u32, entry->eax & 0xff, ilog2(STAGE2_LIMIT));
		entry->ebx &= LEAF80000008_EBX;
		entry->ecx = entry->edx = 0;
		break;
	}
}

static bool shown(u32 leaf)
{
	switch (leaf) {
	case 0 ... 2:
	case 7:
	case 0xd:
	case 0x80000000 ... 0x80000008:
		return true;
	case 4:
		return boot_cpu_data.x86_vendor == X86_VENDOR_INTEL;
	default:
		return false;
	}
}

/* One more entry. */
static void add_leaf(struct kvm_cpuid_entry2 *entries, u32 *count, u32 leaf, u32 subleaf)
{
	read_leaf(&entries[*count], leaf, subleaf);
	mask_leaf(&entries[(*count)++]);
}

/* The subleaves but the first, of which there are some. */
static void add_subleaves(struct kvm_cpuid_entry2 *entries, u32 *count, u32 leaf)
{
	u32 i;

	switch (leaf) {
	case 4:			/* caches: the last one says that there are no more */
		for (i = 1; i < 16 && entries[*count - 1].eax & 0x1f; i++)
			add_leaf(entries, count, leaf, i);
		break;
	case 0xd:
		for (i = 1; i < 63; i++) {
			if (i == 1 || assay_xcr0_supported() >> i & 1)
				add_leaf(entries, count, leaf, i);
		}
		break;
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
			add_leaf(entries, &count, leaf, 0);
			add_subleaves(entries, &count, leaf);
		}
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

/*
 * OSXSAVE and OSPKE mirror CR4, sizes of the XSAVE area what XCR0 enables (SDM 2 CPUID). A size
 * that user space has cleared stays so.
 */
static void mirror(struct assay_vcpu *vcpu, u32 leaf, u32 subleaf, u32 regs[4])
{
	u64 cr4 = vcpu->state.cr4;

	if (leaf == 0xd && subleaf <= 1 && regs[1])
		regs[1] = xsave_bytes(vcpu->state.xcr0, subleaf);
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
	mirror(vcpu, leaf, subleaf, regs);
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

/*
 * What core/ must know of the guest's processor. Of one without CPUID nothing is known: its
 * user space may set what it likes.
 */
void assay_cpuid_changed(struct assay_vcpu *vcpu)
{
	u32 bits = reg(vcpu, 0x80000008, 0) & 0xff;
	unsigned int i;

	vcpu->env.physical_bits = bits >= 32 && bits <= 52 ? bits : 36;
	vcpu->env.gib_pages = reg(vcpu, 0x80000001, 3) >> 26 & 1;
	/* "htuA" of "AuthenticAMD" */
	vcpu->env.amd = reg(vcpu, 0, 1) == 0x68747541;
	vcpu->env.cr4_allowed = CR4_MCE | CR4_PCE;
	for (i = 0; i < ARRAY_SIZE(cr4_by_cpuid); i++) {
		if (!vcpu->ncpuid || reg(vcpu, cr4_by_cpuid[i].leaf, cr4_by_cpuid[i].number) >>
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
		entries = assay_copy_charged(user->entries, bytes);
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
	assay_cpuid_changed(vcpu);
	return 0;
}

int assay_get_cpuid(struct assay_vcpu *vcpu, struct kvm_cpuid2 __user *user)
{
	return copy_out(user, vcpu->cpuid, vcpu->ncpuid);
}

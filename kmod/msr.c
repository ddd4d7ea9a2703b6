// SPDX-License-Identifier: GPL-2.0-only
/* Model-specific registers: which there are, what may be written, who answers for them. */
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <asm/apicdef.h>
#include <asm/msr-index.h>

#include "internal.h"

/*
 * Bits of AMD's HWCR: those that firmware and old systems set without effect here (TLB cache,
 * IGNNE, flush filter), and those that are kept (status of machine checks may be written, TSC
 * runs at the frequency of P0).
 */
#define HWCR_IGNORED (1ull << 3 | 1ull << 6 | 1ull << 8)
#define HWCR_KEPT (1ull << 18 | 1ull << 24)

#define UCODE_REV 0x100000000ull

/* The guest's own, each a field of the state. */
static const u32 msrs[] = {
	MSR_IA32_TSC, MSR_IA32_APICBASE, MSR_IA32_SYSENTER_CS, MSR_IA32_SYSENTER_ESP,
	MSR_IA32_SYSENTER_EIP, MSR_IA32_CR_PAT, MSR_EFER, MSR_STAR, MSR_LSTAR, MSR_CSTAR,
	MSR_SYSCALL_MASK, MSR_FS_BASE, MSR_GS_BASE, MSR_KERNEL_GS_BASE, MSR_TSC_AUX,
	MSR_IA32_DEBUGCTLMSR, MSR_IA32_MISC_ENABLE, MSR_IA32_UCODE_REV, MSR_K7_HWCR,
	MSR_IA32_TSC_ADJUST, MSR_MTRRdefType, MSR_MTRRfix64K_00000, MSR_MTRRfix16K_80000,
	MSR_MTRRfix16K_A0000, MSR_MTRRfix4K_C0000, MSR_MTRRfix4K_C8000, MSR_MTRRfix4K_D0000,
	MSR_MTRRfix4K_D8000, MSR_MTRRfix4K_E0000, MSR_MTRRfix4K_E8000, MSR_MTRRfix4K_F0000,
	MSR_MTRRfix4K_F8000,
	0x200, 0x201, 0x202, 0x203, 0x204, 0x205, 0x206, 0x207,	/* variable ranges */
	0x208, 0x209, 0x20a, 0x20b, 0x20c, 0x20d, 0x20e, 0x20f,
};

/* Where a plain MSR is kept; NULL: it is none. */
static u64 *plain(struct assay_vcpu *vcpu, struct x86_state *s, u32 index)
{
	switch (index) {
	case MSR_IA32_SYSENTER_CS:
		return &s->msr.sysenter_cs;
	case MSR_IA32_SYSENTER_ESP:
		return &s->msr.sysenter_esp;
	case MSR_IA32_SYSENTER_EIP:
		return &s->msr.sysenter_eip;
	case MSR_IA32_CR_PAT:
		return &s->msr.pat;
	case MSR_EFER:
		return &s->efer;
	case MSR_STAR:
		return &s->msr.star;
	case MSR_LSTAR:
		return &s->msr.lstar;
	case MSR_CSTAR:
		return &s->msr.cstar;
	case MSR_SYSCALL_MASK:
		return &s->msr.sfmask;
	case MSR_FS_BASE:
		return &s->seg[X86_FS].base;
	case MSR_GS_BASE:
		return &s->seg[X86_GS].base;
	case MSR_KERNEL_GS_BASE:
		return &s->msr.kernel_gs_base;
	case MSR_TSC_AUX:
		return &s->msr.tsc_aux;
	case MSR_IA32_DEBUGCTLMSR:
		return &s->msr.debugctl;
	case MSR_IA32_APICBASE:
		return &s->msr.apic_base;
	case MSR_IA32_MISC_ENABLE:
		return &vcpu->misc_enable;
	case MSR_IA32_UCODE_REV:
		return &vcpu->ucode_rev;
	case MSR_K7_HWCR:
		return &vcpu->hwcr;
	case MSR_IA32_TSC_ADJUST:
		return &vcpu->tsc_adjust;
	default:
		return assay_mtrr(vcpu, index);
	}
}

static int get_msr(struct assay_vcpu *vcpu, struct x86_state *s, u32 index, u64 *value)
{
	u64 *place = plain(vcpu, s, index);

	if (place)
		*value = *place;
	else if (index == MSR_IA32_TSC)
		*value = rdtsc() + vcpu->tsc_offset;
	else if (index == MSR_MTRRcap)
		*value = assay_mtrr_cap();
	else
		return 1;
	return 0;
}

/* Those that no table of the architecture gives a value for. */
void assay_msr_init(struct assay_vcpu *vcpu)
{
	vcpu->ucode_rev = UCODE_REV;
	vcpu->hwcr = 1ull << 24;
}

/* ---- what may be written (SDM 4, APM 2 appendix A) -------------------------------------- */

/*
 * By the width that the guest's processor has, whatever CR4.LA57 says of paging (Intel 335252
 * 2.3); and never more than the host's, into whose registers the value goes.
 */
static bool canonical(const struct assay_vcpu *vcpu, u64 value)
{
	unsigned int unused = vcpu->env.cr4_allowed & CR4_LA57 &&
			      boot_cpu_has(X86_FEATURE_LA57) ? 7 : 16;

	return (u64)((s64)(value << unused) >> unused) == value;
}

/* Memory types 0, 1, 4, 5, 6, 7 in each of eight bytes (SDM 3 11.12.2). */
static bool pat_valid(u64 value)
{
	unsigned int i;

	for (i = 0; i < 8; i++, value >>= 8) {
		u8 type = value;

		if (type > 7 || type == 2 || type == 3)
			return false;
	}
	return true;
}

/* Reserved bits, and x2APIC mode without an APIC that is on (SDM 3 10.4.4, 10.12.1). */
bool assay_apic_base_valid(struct assay_vcpu *vcpu, u64 value)
{
	u64 reserved = 0x2ff | ~0ull << vcpu->env.physical_bits;
	u32 regs[4];

	assay_cpuid(vcpu, 1, 0, regs);
	if (!(regs[2] & 1u << 21))
		reserved |= X2APIC_ENABLE;
	return !(value & reserved) &&
	       (value & (X2APIC_ENABLE | MSR_IA32_APICBASE_ENABLE)) != X2APIC_ENABLE;
}

/* LMA is the processor's to change; LME only while paging is off. */
static int set_efer(struct assay_vcpu *vcpu, struct x86_state *s, u64 value, bool host)
{
	u64 known = X86_EFER_SCE | X86_EFER_LME | X86_EFER_LMA | X86_EFER_NXE | X86_EFER_FFXSR;

	if (value & ~known)
		return 1;
	if (!host && (s->efer ^ value) & X86_EFER_LME && s->cr0 & CR0_PG)
		return 1;
	s->efer = (value & ~X86_EFER_LMA) | (s->efer & X86_EFER_LMA);
	vcpu->flush = true;
	return 0;
}

/*
 * A guest's write of either, the TSC or what it was adjusted by, moves both by as much (SDM 3
 * 17.17.3). User space sets one, and the other stays.
 */
static int set_tsc(struct assay_vcpu *vcpu, u32 index, u64 value, bool host)
{
	u64 old = index == MSR_IA32_TSC ? rdtsc() + vcpu->tsc_offset : vcpu->tsc_adjust;

	if (index == MSR_IA32_TSC || !host)
		vcpu->tsc_offset += value - old;
	if (index == MSR_IA32_TSC_ADJUST || !host)
		vcpu->tsc_adjust += value - old;
	return 0;
}

/* host: user space sets it, who may more than the guest. */
static int set_msr(struct assay_vcpu *vcpu, struct x86_state *s, u32 index, u64 value, bool host)
{
	u64 *place = plain(vcpu, s, index);

	switch (index) {
	case MSR_EFER:
		return set_efer(vcpu, s, value, host);
	case MSR_IA32_TSC:
	case MSR_IA32_TSC_ADJUST:
		return set_tsc(vcpu, index, value, host);
	case MSR_IA32_UCODE_REV:
		if (!host)
			return 0;	/* no microcode is loaded */
		break;
	case MSR_K7_HWCR:
		value &= ~HWCR_IGNORED;
		if (value & ~HWCR_KEPT)
			return 1;
		break;
	case MSR_IA32_APICBASE:
		if (!assay_apic_base_valid(vcpu, value))
			return 1;
		break;
	case MSR_IA32_CR_PAT:
		if (!pat_valid(value))
			return 1;
		break;
	case MSR_FS_BASE:
	case MSR_GS_BASE:
	case MSR_KERNEL_GS_BASE:
	case MSR_LSTAR:
	case MSR_CSTAR:
	case MSR_IA32_SYSENTER_ESP:
	case MSR_IA32_SYSENTER_EIP:
		if (!canonical(vcpu, value))
			return 1;
		break;
	case MSR_TSC_AUX:
	case MSR_SYSCALL_MASK:
		if (value >> 32)
			return 1;
		break;
	case MSR_IA32_DEBUGCTLMSR:
		if (value & ~3ull)
			return 1;
		break;
	default:
		if (assay_mtrr(vcpu, index) && !assay_mtrr_valid(vcpu, index, value))
			return 1;
	}
	if (!place)
		return 1;
	*place = value;
	return 0;
}

/* ---- the guest's RDMSR and WRMSR, and user space's part in them (KVM API 4.97, 5) ----------- */

/* They act on the executor's copy of the state. */

static int ask(struct assay_vcpu *vcpu, u32 index, u64 value, bool write, u32 reason)
{
	struct kvm_run *run = vcpu->run;

	run->exit_reason = write ? KVM_EXIT_X86_WRMSR : KVM_EXIT_X86_RDMSR;
	run->msr.error = 0;
	memset(run->msr.pad, 0, sizeof(run->msr.pad));
	run->msr.reason = reason;
	run->msr.index = index;
	run->msr.data = value;
	vcpu->pending = PENDING_MSR;
	vcpu->msr_write = write;
	return X86_IO;
}

/* Why user space is asked for this one, if it is: a KVM_MSR_EXIT_REASON. */
static u32 reason_to_ask(struct assay_vcpu *vcpu, u32 index, bool write, bool known)
{
	u32 reason = 0;

	if (!assay_filter_allows(vcpu->vm, index, write))
		reason = KVM_MSR_EXIT_REASON_FILTER;
	else if (!known)
		reason = KVM_MSR_EXIT_REASON_UNKNOWN;
	return reason & vcpu->vm->user_msrs;
}

enum x86_result assay_guest_rdmsr(struct assay_vcpu *vcpu, u32 index, u64 *value)
{
	int ret = get_msr(vcpu, &vcpu->exec.s, index, value);
	u32 reason = reason_to_ask(vcpu, index, false, !ret);

	if (reason)
		return ask(vcpu, index, 0, false, reason);
	return ret || !assay_filter_allows(vcpu->vm, index, false) ? X86_FAULT : X86_OK;
}

enum x86_result assay_guest_wrmsr(struct assay_vcpu *vcpu, u32 index, u64 value)
{
	bool known = plain(vcpu, &vcpu->exec.s, index) || index == MSR_IA32_TSC;
	u32 reason = reason_to_ask(vcpu, index, true, known);

	if (reason)
		return ask(vcpu, index, value, true, reason);
	if (!assay_filter_allows(vcpu->vm, index, true))
		return X86_FAULT;
	if (!set_msr(vcpu, &vcpu->exec.s, index, value, false))
		return X86_OK;
	if (known && vcpu->vm->user_msrs & KVM_MSR_EXIT_REASON_INVAL)
		return ask(vcpu, index, value, true, KVM_MSR_EXIT_REASON_INVAL);
	return X86_FAULT;
}

/* User space has answered: the instruction ends, or faults. */
int assay_complete_msr(struct assay_vcpu *vcpu)
{
	struct x86_fault fault = { .vector = X86_GP, .has_error = true };
	u64 data = READ_ONCE(vcpu->run->msr.data);

	vcpu->pending = PENDING_NONE;
	if (READ_ONCE(vcpu->run->msr.error))
		return assay_raise(vcpu, &fault, 0);
	if (!vcpu->msr_write) {
		vcpu->state.gpr[X86_RAX] = (u32)data;
		vcpu->state.gpr[X86_RDX] = data >> 32;
	}
	vcpu->state.rip = vcpu->exec.next_rip;
	vcpu->state.shadow = 0;
	return GO_ON;
}

/* ---- ioctls ----------------------------------------------------------------------------- */

/* Answered without a vCPU: what the processor is, not what a guest has (KVM API 4.3). */
static const u32 feature_msrs[] = { MSR_IA32_UCODE_REV };

int assay_msr_list(struct kvm_msr_list __user *user, bool features)
{
	u32 room, count = features ? ARRAY_SIZE(feature_msrs) : ARRAY_SIZE(msrs);

	if (get_user(room, &user->nmsrs) || put_user(count, &user->nmsrs))
		return -EFAULT;
	if (room < count)
		return -E2BIG;
	return copy_to_user(user->indices, features ? feature_msrs : msrs, count * sizeof(u32)) ?
	       -EFAULT : 0;
}

static int get_feature_msr(u32 index, u64 *value)
{
	return index == MSR_IA32_UCODE_REV && !rdmsrl_safe(index, value) ? 0 : 1;
}

/* How many were done; the first that cannot be ends it. */
static long each_msr(struct assay_vcpu *vcpu, struct kvm_msr_entry *entries, u32 count, bool set)
{
	u32 i;

	for (i = 0; i < count; i++) {
		struct kvm_msr_entry *entry = &entries[i];

		if (!vcpu) {
			if (get_feature_msr(entry->index, &entry->data))
				break;
			continue;
		}
		if (set ? set_msr(vcpu, &vcpu->state, entry->index, entry->data, true) :
			  get_msr(vcpu, &vcpu->state, entry->index, &entry->data))
			break;
	}
	return i;
}

#define MSRS_MAX 256

long assay_msrs_ioctl(struct assay_vcpu *vcpu, unsigned int ioctl, void __user *argp)
{
	struct kvm_msrs __user *user = argp;
	struct kvm_msr_entry *entries;
	struct kvm_msrs head;
	size_t bytes;
	long ret;

	if (copy_from_user(&head, user, sizeof(head)))
		return -EFAULT;
	if (head.nmsrs >= MSRS_MAX)
		return -E2BIG;
	bytes = head.nmsrs * sizeof(*entries);
	entries = memdup_user(user->entries, bytes);
	if (IS_ERR(entries))
		return PTR_ERR(entries);
	ret = each_msr(vcpu, entries, head.nmsrs, ioctl == KVM_SET_MSRS);
	if (ioctl == KVM_GET_MSRS && copy_to_user(user->entries, entries, bytes))
		ret = -EFAULT;
	kfree(entries);
	return ret;
}

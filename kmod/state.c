// SPDX-License-Identifier: GPL-2.0-only
/*
 * The architectural state as user space sees it: registers in KVM's structures, with the
 * checks of KVM_SET_SREGS; state after a reset; registers in kvm_run (KVM_CAP_SYNC_REGS).
 */
#include <linux/uaccess.h>

#include "internal.h"

#define APIC_BASE_RESET 0xfee00000ull
#define APIC_BASE_BSP (1ull << 8)
#define APIC_BASE_ENABLE (1ull << 11)

/* ---- reset (SDM 3 table 9-1) ------------------------------------------------------------- */

static struct x86_seg reset_segment(u16 selector, u64 base, u32 ar)
{
	return (struct x86_seg){ .selector = selector, .base = base, .limit = 0xffff, .ar = ar };
}

void assay_state_reset(struct assay_vcpu *vcpu)
{
	struct x86_state *s = &vcpu->state;
	unsigned int i;

	*s = (struct x86_state){
		.rip = 0xfff0, .rflags = X86_FLAG_ONE, .cr0 = CR0_CD | CR0_NW | CR0_ET,
		.dr6 = X86_DR6_FIXED, .dr7 = X86_DR7_FIXED, .xcr0 = 1,
		.gdtr = { 0, 0xffff }, .idtr = { 0, 0xffff },
		.msr = {
			.pat = 0x0007040600070406ull,
			.apic_base = APIC_BASE_RESET | APIC_BASE_ENABLE |
				     (vcpu->id == vcpu->vm->boot_cpu ? APIC_BASE_BSP : 0),
		},
	};
	for (i = X86_ES; i <= X86_GS; i++)
		s->seg[i] = reset_segment(0, 0, X86_AR_P | X86_AR_S | X86_AR_RW | X86_AR_ACCESSED);
	s->seg[X86_CS] = reset_segment(0xf000, 0xffff0000, X86_AR_P | X86_AR_S | X86_AR_CODE |
				       X86_AR_RW | X86_AR_ACCESSED);
	s->seg[X86_LDTR] = reset_segment(0, 0, X86_AR_P | 2);
	s->seg[X86_TR] = reset_segment(0, 0, X86_AR_P | 11);
	s->gpr[X86_RDX] = 0x600;
	s->activity = X86_ACTIVE;
	vcpu->events = (struct x86_events){ .nmis = 0 };
}

/* ---- KVM_GET_REGS, KVM_SET_REGS ------------------------------------------------------------- */

/* struct kvm_regs names registers in its own order. */
static const u8 regs_order[16] = {
	X86_RAX, X86_RBX, X86_RCX, X86_RDX, X86_RSI, X86_RDI, X86_RSP, X86_RBP,
	X86_R8, X86_R9, X86_R10, X86_R11, X86_R12, X86_R13, X86_R14, X86_R15,
};

void assay_get_regs(struct assay_vcpu *vcpu, struct kvm_regs *regs)
{
	__u64 *out = &regs->rax;
	unsigned int i;

	for (i = 0; i < 16; i++)
		out[i] = vcpu->state.gpr[regs_order[i]];
	regs->rip = vcpu->state.rip;
	regs->rflags = vcpu->state.rflags;
}

void assay_set_regs(struct assay_vcpu *vcpu, const struct kvm_regs *regs)
{
	const __u64 *in = &regs->rax;
	unsigned int i;

	for (i = 0; i < 16; i++)
		vcpu->state.gpr[regs_order[i]] = in[i];
	vcpu->state.rip = regs->rip;
	vcpu->state.rflags = regs->rflags | X86_FLAG_ONE;
	/* What was raised was raised by the state that is gone. */
	vcpu->events.exception.valid = false;
}

/* ---- KVM_GET_SREGS, KVM_SET_SREGS ------------------------------------------------------- */

static struct kvm_segment to_kvm(const struct x86_seg *seg)
{
	return (struct kvm_segment){
		.base = seg->base, .limit = seg->limit, .selector = seg->selector,
		.type = seg->ar & X86_AR_TYPE, .s = !!(seg->ar & X86_AR_S),
		.dpl = (seg->ar & X86_AR_DPL) >> X86_AR_DPL_SHIFT,
		.present = !!(seg->ar & X86_AR_P), .avl = !!(seg->ar & X86_AR_AVL),
		.l = !!(seg->ar & X86_AR_L), .db = !!(seg->ar & X86_AR_DB),
		.g = !!(seg->ar & X86_AR_G), .unusable = !!(seg->ar & X86_AR_UNUSABLE),
	};
}

static struct x86_seg from_kvm(const struct kvm_segment *seg)
{
	return (struct x86_seg){
		.base = seg->base, .limit = seg->limit, .selector = seg->selector,
		.ar = (seg->type & 15) | (seg->s ? X86_AR_S : 0) |
		      (seg->dpl & 3) << X86_AR_DPL_SHIFT | (seg->present ? X86_AR_P : 0) |
		      (seg->avl ? X86_AR_AVL : 0) | (seg->l ? X86_AR_L : 0) |
		      (seg->db ? X86_AR_DB : 0) | (seg->g ? X86_AR_G : 0) |
		      (seg->unusable || !seg->present ? X86_AR_UNUSABLE : 0),
	};
}

/* Where struct kvm_sregs has which register; kvm_sregs2 begins the same way. */
static const u8 sregs_order[8] = {
	X86_CS, X86_DS, X86_ES, X86_FS, X86_GS, X86_SS, X86_TR, X86_LDTR,
};

/* What both structures share, up to apic_base. */
static void get_common(struct assay_vcpu *vcpu, struct kvm_sregs *sregs)
{
	const struct x86_state *s = &vcpu->state;
	struct kvm_segment *out = &sregs->cs;
	unsigned int i;

	for (i = 0; i < 8; i++)
		out[i] = to_kvm(&s->seg[sregs_order[i]]);
	/* A TSS in TR is busy (SDM 3 7.3), whatever SVM was given. */
	sregs->tr.type |= 2;
	sregs->gdt.base = s->gdtr.base;
	sregs->gdt.limit = s->gdtr.limit;
	sregs->idt.base = s->idtr.base;
	sregs->idt.limit = s->idtr.limit;
	sregs->cr0 = s->cr0;
	sregs->cr2 = s->cr2;
	sregs->cr3 = s->cr3;
	sregs->cr4 = s->cr4;
	sregs->cr8 = s->cr8;
	sregs->efer = s->efer;
	sregs->apic_base = s->msr.apic_base;
}

void assay_get_sregs(struct assay_vcpu *vcpu, struct kvm_sregs *sregs)
{
	const struct x86_events *events = &vcpu->events;
	int vector = -1;

	memset(sregs, 0, sizeof(*sregs));
	get_common(vcpu, sregs);
	if (events->delivering.valid && events->delivering.kind == X86_EVENT_INTERRUPT)
		vector = events->delivering.vector;
	else if (events->interrupt_pending)
		vector = events->interrupt;
	if (vector >= 0)
		sregs->interrupt_bitmap[vector / 64] |= 1ull << (vector % 64);
}

/* KVM API 4.14: what KVM_SET_SREGS refuses. */
static int check_sregs(struct assay_vcpu *vcpu, const struct kvm_sregs *sregs)
{
	u64 efer_known = X86_EFER_SCE | X86_EFER_LME | X86_EFER_LMA | X86_EFER_NXE | X86_EFER_FFXSR;
	bool long_mode = sregs->efer & X86_EFER_LME && sregs->cr0 & CR0_PG;

	if (long_mode) {
		if (!(sregs->cr4 & CR4_PAE) || !(sregs->efer & X86_EFER_LMA))
			return -EINVAL;
		if (sregs->cr3 >> vcpu->env.physical_bits)
			return -EINVAL;
	} else if (sregs->efer & X86_EFER_LMA || sregs->cs.l) {
		return -EINVAL;
	}
	if (sregs->efer & ~efer_known || sregs->cr4 & ~vcpu->env.cr4_allowed)
		return -EINVAL;
	if (sregs->cr0 >> 32 || (sregs->cr0 & CR0_PG && !(sregs->cr0 & CR0_PE)) ||
	    (sregs->cr0 & CR0_NW && !(sregs->cr0 & CR0_CD)))
		return -EINVAL;
	if (sregs->cr8 >> 4 || !assay_apic_base_valid(vcpu, sregs->apic_base))
		return -EINVAL;
	return 0;
}

static void set_common(struct assay_vcpu *vcpu, const struct kvm_sregs *sregs)
{
	struct x86_state *s = &vcpu->state;
	const struct kvm_segment *in = &sregs->cs;
	unsigned int i;

	for (i = 0; i < 8; i++)
		s->seg[sregs_order[i]] = from_kvm(&in[i]);
	s->gdtr.base = sregs->gdt.base;
	s->gdtr.limit = sregs->gdt.limit;
	s->idtr.base = sregs->idt.base;
	s->idtr.limit = sregs->idt.limit;
	s->cr0 = sregs->cr0 | CR0_ET;
	s->cr2 = sregs->cr2;
	s->cr3 = sregs->cr3;
	s->cr4 = sregs->cr4;
	s->cr8 = sregs->cr8;
	s->efer = sregs->efer;
	s->msr.apic_base = sregs->apic_base;
	vcpu->flush = true;
}

static void load_pdptes(struct assay_vcpu *vcpu)
{
	struct x86_state *s = &vcpu->state;
	struct x86_fault fault;

	if (s->cr0 & CR0_PG && s->cr4 & CR4_PAE && !x86_long(s))
		x86_load_pdptes(&vcpu->env, s, s->cr3, s->pdpte, &fault);
}

int assay_set_sregs(struct assay_vcpu *vcpu, const struct kvm_sregs *sregs)
{
	unsigned int vector;
	int ret = check_sregs(vcpu, sregs);

	if (ret)
		return ret;
	set_common(vcpu, sregs);
	load_pdptes(vcpu);
	for (vector = 0; vector < 256; vector++) {
		if (!(sregs->interrupt_bitmap[vector / 64] >> (vector % 64) & 1))
			continue;
		vcpu->events.delivering = (struct x86_event){
			.valid = true, .kind = X86_EVENT_INTERRUPT, .vector = vector };
		break;
	}
	return 0;
}

static void get_sregs2(struct assay_vcpu *vcpu, struct kvm_sregs2 *sregs)
{
	struct kvm_sregs common;

	memset(&common, 0, sizeof(common));
	memset(sregs, 0, sizeof(*sregs));
	get_common(vcpu, &common);
	memcpy(sregs, &common, offsetof(struct kvm_sregs2, flags));
	if (vcpu->state.cr0 & CR0_PG && vcpu->state.cr4 & CR4_PAE &&
	    !x86_long(&vcpu->state)) {
		sregs->flags = KVM_SREGS2_FLAGS_PDPTRS_VALID;
		memcpy(sregs->pdptrs, vcpu->state.pdpte, sizeof(sregs->pdptrs));
	}
}

static int set_sregs2(struct assay_vcpu *vcpu, const struct kvm_sregs2 *sregs)
{
	bool pae = sregs->cr0 & CR0_PG && sregs->cr4 & CR4_PAE &&
		   !(sregs->efer & X86_EFER_LMA);
	bool given = sregs->flags & KVM_SREGS2_FLAGS_PDPTRS_VALID;
	struct kvm_sregs common = { 0 };
	int ret;

	if (sregs->flags & ~KVM_SREGS2_FLAGS_PDPTRS_VALID || (given && !pae))
		return -EINVAL;
	memcpy(&common, sregs, offsetof(struct kvm_sregs2, flags));
	ret = check_sregs(vcpu, &common);
	if (ret)
		return ret;
	set_common(vcpu, &common);
	if (given)
		memcpy(vcpu->state.pdpte, sregs->pdptrs, sizeof(sregs->pdptrs));
	else
		load_pdptes(vcpu);
	return 0;
}

/* ---- debug registers, mp_state, translation --------------------------------------------- */

static void get_debugregs(struct assay_vcpu *vcpu, struct kvm_debugregs *regs)
{
	memset(regs, 0, sizeof(*regs));
	memcpy(regs->db, vcpu->state.dr, sizeof(regs->db));
	regs->dr6 = vcpu->state.dr6;
	regs->dr7 = vcpu->state.dr7;
}

static int set_debugregs(struct assay_vcpu *vcpu, const struct kvm_debugregs *regs)
{
	if (regs->flags || regs->dr6 >> 32 || regs->dr7 >> 32)
		return -EINVAL;
	memcpy(vcpu->state.dr, regs->db, sizeof(regs->db));
	vcpu->state.dr6 = (regs->dr6 & 0xe00f) | X86_DR6_FIXED;
	vcpu->state.dr7 = (regs->dr7 & ASSAY_DR7_WRITABLE) | X86_DR7_FIXED;
	return 0;
}

static int set_mp_state(struct assay_vcpu *vcpu, const struct kvm_mp_state *mp)
{
	/* Without an irqchip in the kernel there is nothing to wait for (KVM API 4.39). */
	if (mp->mp_state != KVM_MP_STATE_RUNNABLE)
		return -EINVAL;
	vcpu->state.activity = X86_ACTIVE;
	return 0;
}

static void translate(struct assay_vcpu *vcpu, struct kvm_translation *t)
{
	struct x86_translation found;
	struct x86_fault fault;
	enum x86_result result;

	result = x86_walk(&vcpu->env, &vcpu->state, t->linear_address, X86_ACCESS_PEEK, &found,
			  &fault);
	t->physical_address = result == X86_OK ? found.gpa : ~0ull;
	t->valid = result == X86_OK;
	t->writeable = 1;
	t->usermode = 0;
}

/* ---- ioctls that copy one structure ----------------------------------------------------- */

/* GET: fills a structure and copies it out. SET: copies it in and takes it. */
#define GET(type, call) ({						\
	struct type get_;						\
	call(vcpu, &get_);						\
	copy_to_user(argp, &get_, sizeof(get_)) ? -EFAULT : 0;		\
})
#define SET(type, call) ({						\
	struct type set_;						\
	copy_from_user(&set_, argp, sizeof(set_)) ? -EFAULT : call(vcpu, &set_); \
})

static int set_regs(struct assay_vcpu *vcpu, const struct kvm_regs *regs)
{
	assay_set_regs(vcpu, regs);
	return 0;
}

static void get_mp_state(struct assay_vcpu *vcpu, struct kvm_mp_state *mp)
{
	mp->mp_state = KVM_MP_STATE_RUNNABLE;
}

static long translate_ioctl(struct assay_vcpu *vcpu, void __user *argp)
{
	struct kvm_translation t;

	if (copy_from_user(&t, argp, sizeof(t)))
		return -EFAULT;
	translate(vcpu, &t);
	return copy_to_user(argp, &t, sizeof(t)) ? -EFAULT : 0;
}

long assay_state_ioctl(struct assay_vcpu *vcpu, unsigned int ioctl, unsigned long arg)
{
	void __user *argp = (void __user *)arg;

	switch (ioctl) {
	case KVM_GET_REGS:
		return GET(kvm_regs, assay_get_regs);
	case KVM_SET_REGS:
		return SET(kvm_regs, set_regs);
	case KVM_GET_SREGS:
		return GET(kvm_sregs, assay_get_sregs);
	case KVM_SET_SREGS:
		return SET(kvm_sregs, assay_set_sregs);
	case KVM_GET_SREGS2:
		return GET(kvm_sregs2, get_sregs2);
	case KVM_SET_SREGS2:
		return SET(kvm_sregs2, set_sregs2);
	case KVM_GET_DEBUGREGS:
		return GET(kvm_debugregs, get_debugregs);
	case KVM_SET_DEBUGREGS:
		return SET(kvm_debugregs, set_debugregs);
	case KVM_GET_MP_STATE:
		return GET(kvm_mp_state, get_mp_state);
	case KVM_SET_MP_STATE:
		return SET(kvm_mp_state, set_mp_state);
	case KVM_GET_VCPU_EVENTS:
		return GET(kvm_vcpu_events, assay_get_events);
	case KVM_SET_VCPU_EVENTS:
		return SET(kvm_vcpu_events, assay_set_events);
	case KVM_TRANSLATE:
		return translate_ioctl(vcpu, argp);
	default:
		return -ENOTTY;
	}
}

/* ---- registers in kvm_run (KVM API 5, KVM_CAP_SYNC_REGS) -------------------------------- */

/*
 * Copies first, for user space may change it on. Not inline: the kernel clears all of a
 * function's variables, and most calls of KVM_RUN need none of these.
 */
static noinline int take_dirty(struct assay_vcpu *vcpu, u64 dirty)
{
	struct kvm_run *run = vcpu->run;
	union {
		struct kvm_regs regs;
		struct kvm_sregs sregs;
		struct kvm_vcpu_events events;
	} copy;
	int ret = 0;

	assay_state_take(vcpu);
	if (dirty & KVM_SYNC_X86_REGS) {
		copy.regs = run->s.regs.regs;
		barrier_data(&copy);	/* checked is what is used */
		assay_set_regs(vcpu, &copy.regs);
	}
	if (dirty & KVM_SYNC_X86_SREGS) {
		copy.sregs = run->s.regs.sregs;
		barrier_data(&copy);
		ret = assay_set_sregs(vcpu, &copy.sregs);
	}
	if (!ret && dirty & KVM_SYNC_X86_EVENTS) {
		copy.events = run->s.regs.events;
		barrier_data(&copy);
		ret = assay_set_events(vcpu, &copy.events);
	}
	if (!ret)
		run->kvm_dirty_regs = 0;
	return ret;
}

/* Takes what user space says it has changed. */
int assay_take_sync(struct assay_vcpu *vcpu, u64 valid, u64 dirty)
{
	if ((valid | dirty) & ~(u64)KVM_SYNC_X86_VALID_FIELDS)
		return -EINVAL;
	return dirty ? take_dirty(vcpu, dirty) : 0;
}

void assay_publish_sync(struct assay_vcpu *vcpu, u64 valid)
{
	struct kvm_run *run = vcpu->run;

	if (valid & KVM_SYNC_X86_REGS)
		assay_get_regs(vcpu, &run->s.regs.regs);
	if (valid & KVM_SYNC_X86_SREGS) {
		assay_state_look(vcpu);
		assay_get_sregs(vcpu, &run->s.regs.sregs);
	}
	if (valid & KVM_SYNC_X86_EVENTS)
		assay_get_events(vcpu, &run->s.regs.events);
}

/* Without an irqchip in the kernel CR8 is user space's as well. */
int assay_take_cr8(struct assay_vcpu *vcpu)
{
	u64 cr8 = READ_ONCE(vcpu->run->cr8);

	if (cr8 >> 4)
		return -EINVAL;
	vcpu->state.cr8 = cr8;
	return 0;
}

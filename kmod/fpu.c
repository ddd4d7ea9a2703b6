// SPDX-License-Identifier: GPL-2.0-only
/* The guest's FPU: the kernel's own guest state, swapped around the guest; XCR0. */
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <asm/fpu/api.h>
#include <asm/fpu/xcr.h>

#include "compat.h"
#include "internal.h"

#define FCW_INIT 0x37f			/* after FNINIT */

u64 assay_xcr0_supported(void)
{
	u64 known = XFEATURE_MASK_FP | XFEATURE_MASK_SSE | XFEATURE_MASK_YMM | XFEATURE_MASK_PKRU;

	if (!boot_cpu_has(X86_FEATURE_OSXSAVE))
		return XFEATURE_MASK_FPSSE;
	return xgetbv(XCR_XFEATURE_ENABLED_MASK) & known;
}

int assay_fpu_create(struct assay_vcpu *vcpu)
{
	return fpu_alloc_guest_fpstate(&vcpu->fpu) ? 0 : -ENOMEM;
}

void assay_fpu_destroy(struct assay_vcpu *vcpu)
{
	if (vcpu->fpu.fpstate)
		fpu_free_guest_fpstate(&vcpu->fpu);
}

/* ---- whose is in the registers --------------------------------------------------------------- */

/*
 * Whether the guest may run while the task's own FPU is in the registers, because whatever
 * would read or change them exits. XGETBV with ECX=1 tells of them without, but needs
 * CR4.OSXSAVE. In long mode alone CR0.TS does not change but by exits: where there are hardware
 * task switches QEMU makes them without asking. Who debugs the guest or reads the ring is to see
 * no exit of the module's own.
 */
static bool may_wait(const struct assay_vcpu *vcpu)
{
	return vendor->traps_fpu && x86_long(&vcpu->state) &&
	       !(vcpu->state.cr4 & CR4_OSXSAVE) && !vcpu->debug.control &&
	       !(vcpu->state.dr7 & 0xff) && !READ_ONCE(vcpu->ring_seen);
}

void assay_fpu_load(struct assay_vcpu *vcpu)
{
	if (!vcpu->fpu_eager && may_wait(vcpu))
		return;
	if (vcpu->fpu_eager)
		vcpu->fpu_eager--;
	fpu_swap_kvm_fpstate(&vcpu->fpu, true);
	vcpu->fpu_loaded = true;
}

/* Who has used it once does so again: for that many runs it is not waited for. */
void assay_fpu_wanted(struct assay_vcpu *vcpu)
{
	vcpu->fpu_eager = 64;
}

void assay_fpu_unload(struct assay_vcpu *vcpu)
{
	fpu_swap_kvm_fpstate(&vcpu->fpu, false);
	vcpu->fpu_loaded = false;
}

/*
 * The legacy part of the guest's state, whole: XSAVE leaves out what is as after INIT
 * (SDM 1 13.6), so that is put there first.
 */
static struct fxregs_state *legacy(struct assay_vcpu *vcpu)
{
	struct xregs_state *xsave = &vcpu->fpu.fpstate->regs.xsave;
	struct fxregs_state *fx = &xsave->i387;

	if (!boot_cpu_has(X86_FEATURE_XSAVE))
		return fx;
	if (!(xsave->header.xfeatures & XFEATURE_MASK_FP)) {
		memset(fx, 0, offsetof(struct fxregs_state, mxcsr));
		memset(fx->st_space, 0, sizeof(fx->st_space));
		fx->cwd = FCW_INIT;
	}
	if (!(xsave->header.xfeatures & XFEATURE_MASK_SSE)) {
		memset(fx->xmm_space, 0, sizeof(fx->xmm_space));
		/* Only the compacted format counts MXCSR as SSE's (SDM 1 13.8.1, 13.10). */
		if (xsave->header.xcomp_bv & XCOMP_BV_COMPACTED_FORMAT)
			fx->mxcsr = MXCSR_DEFAULT;
	}
	xsave->header.xfeatures |= XFEATURE_MASK_FPSSE;
	return fx;
}

/*
 * The upper halves of YMM registers, NULL without AVX. They are the first of the extended
 * components, and so at the same place in both formats (SDM 1 13.4.2, 13.4.3).
 */
static u8 *upper_halves(struct assay_vcpu *vcpu)
{
	struct xregs_state *xsave = &vcpu->fpu.fpstate->regs.xsave;
	u8 *halves = xsave->extended_state_area;

	if (!boot_cpu_has(X86_FEATURE_XSAVE) ||
	    !(vcpu->fpu.fpstate->xfeatures & XFEATURE_MASK_YMM))
		return NULL;
	if (!(xsave->header.xfeatures & XFEATURE_MASK_YMM))
		memset(halves, 0, sizeof(struct ymmh_struct));
	xsave->header.xfeatures |= XFEATURE_MASK_YMM;
	return halves;
}

void assay_fpu_to_exec(struct assay_vcpu *vcpu)
{
	assay_fpu_to_host(vcpu);
	vcpu->exec.fpu_image = (u8 *)legacy(vcpu);
	vcpu->exec.ymm_image = upper_halves(vcpu);
}

/* SDM 1 13.3: x87 always, AVX only with SSE, and no more than CPUID tells of. */
static bool xcr0_valid(struct assay_vcpu *vcpu, u64 value)
{
	u32 regs[4];
	u64 given;

	assay_cpuid(vcpu, 0xd, 0, regs);
	given = (regs[0] | (u64)regs[3] << 32) & assay_xcr0_supported();
	if (!(value & XFEATURE_MASK_FP) || value & ~(given | XFEATURE_MASK_FP))
		return false;
	return !(value & XFEATURE_MASK_YMM) || value & XFEATURE_MASK_SSE;
}

int assay_set_xcr0(struct assay_vcpu *vcpu, u64 value)
{
	if (!xcr0_valid(vcpu, value))
		return 1;
	vcpu->state.xcr0 = value;
	return 0;
}

/* ---- KVM_GET_FPU, KVM_SET_FPU ----------------------------------------------------------- */

static void get_fpu(struct assay_vcpu *vcpu, struct kvm_fpu *fpu)
{
	const struct fxregs_state *fx = legacy(vcpu);

	memset(fpu, 0, sizeof(*fpu));
	memcpy(fpu->fpr, fx->st_space, sizeof(fpu->fpr));
	fpu->fcw = fx->cwd;
	fpu->fsw = fx->swd;
	fpu->ftwx = fx->twd;
	fpu->last_opcode = fx->fop;
	fpu->last_ip = fx->rip;
	fpu->last_dp = fx->rdp;
	memcpy(fpu->xmm, fx->xmm_space, sizeof(fpu->xmm));
	fpu->mxcsr = fx->mxcsr;
}

static int set_fpu(struct assay_vcpu *vcpu, const struct kvm_fpu *fpu)
{
	struct fxregs_state *fx = legacy(vcpu);

	memcpy(fx->st_space, fpu->fpr, sizeof(fpu->fpr));
	fx->cwd = fpu->fcw;
	fx->swd = fpu->fsw;
	fx->twd = fpu->ftwx;
	fx->fop = fpu->last_opcode;
	fx->rip = fpu->last_ip;
	fx->rdp = fpu->last_dp;
	memcpy(fx->xmm_space, fpu->xmm, sizeof(fx->xmm_space));
	fx->mxcsr = fpu->mxcsr & 0xffff;
	return 0;
}

/* ---- KVM_GET_XSAVE, KVM_GET_XCRS and their SET ------------------------------------------ */

static long get_xsave(struct assay_vcpu *vcpu, void __user *argp)
{
	struct kvm_xsave *area = kzalloc(sizeof(*area), GFP_KERNEL_ACCOUNT);
	long ret;

	if (!area)
		return -ENOMEM;
	assay_copy_guest_fpu(&vcpu->fpu, area->region, sizeof(area->region), vcpu->state.pkru);
	/* The kernel saves what the guest cannot have, too (MPX), and would not take it back. */
	((struct xregs_state *)area->region)->header.xfeatures &= assay_xcr0_supported();
	ret = copy_to_user(argp, area->region, sizeof(area->region)) ? -EFAULT : 0;
	kfree(area);
	return ret;
}

static long set_xsave(struct assay_vcpu *vcpu, void __user *argp)
{
	struct kvm_xsave *area = memdup_user(argp, sizeof(*area));
	long ret;

	if (IS_ERR(area))
		return PTR_ERR(area);
	ret = fpu_copy_uabi_to_guest_fpstate(&vcpu->fpu, area->region, assay_xcr0_supported(),
					     &vcpu->state.pkru);
	kfree(area);
	return ret;
}

static long get_xcrs(struct assay_vcpu *vcpu, void __user *argp)
{
	struct kvm_xcrs xcrs = { .nr_xcrs = 1 };

	xcrs.xcrs[0].value = vcpu->state.xcr0;
	return copy_to_user(argp, &xcrs, sizeof(xcrs)) ? -EFAULT : 0;
}

static long set_xcrs(struct assay_vcpu *vcpu, void __user *argp)
{
	struct kvm_xcrs xcrs;
	u32 i;

	if (copy_from_user(&xcrs, argp, sizeof(xcrs)))
		return -EFAULT;
	if (xcrs.nr_xcrs > KVM_MAX_XCRS || xcrs.flags)
		return -EINVAL;
	for (i = 0; i < xcrs.nr_xcrs; i++) {
		if (xcrs.xcrs[i].xcr == 0 && assay_set_xcr0(vcpu, xcrs.xcrs[i].value))
			return -EINVAL;
	}
	return 0;
}

long assay_fpu_ioctl(struct assay_vcpu *vcpu, unsigned int ioctl, void __user *argp)
{
	struct kvm_fpu fpu;

	switch (ioctl) {
	case KVM_GET_FPU:
		get_fpu(vcpu, &fpu);
		return copy_to_user(argp, &fpu, sizeof(fpu)) ? -EFAULT : 0;
	case KVM_SET_FPU:
		return copy_from_user(&fpu, argp, sizeof(fpu)) ? -EFAULT : set_fpu(vcpu, &fpu);
	case KVM_GET_XSAVE:
	case KVM_GET_XSAVE2:	/* there is no component that needs more room */
		return get_xsave(vcpu, argp);
	case KVM_SET_XSAVE:
		return set_xsave(vcpu, argp);
	case KVM_GET_XCRS:
		return get_xcrs(vcpu, argp);
	default:
		return set_xcrs(vcpu, argp);
	}
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Registers that neither VMCB nor VMCS nor the FPU's swap covers: XCR0, PKRU, TSC_AUX and
 * DR0 to DR3. Interrupts are off between the two, and NMIs where the hardware can hold them
 * back, so that no handler meets the guest's.
 */
#include <linux/percpu.h>
#include <asm/cpufeature.h>
#include <asm/debugreg.h>
#include <asm/fpu/api.h>
#include <asm/fpu/xcr.h>
#include <asm/msr.h>
#include <asm/special_insns.h>

#include "internal.h"

/*
 * Softirqs may use the FPU: since the swap one may have saved the guest's registers and left
 * its own in their place.
 */
static void reload_fpu(void)
{
	if (test_thread_flag(TIF_NEED_FPU_LOAD))
		switch_fpu_return();
}

/* Only a guest with CR4.OSXSAVE has an XCR0 of its own: others run under the host's. */
static bool has_xcr0(const struct assay_vcpu *vcpu)
{
	return vcpu->state.cr4 & CR4_OSXSAVE && static_cpu_has(X86_FEATURE_OSXSAVE);
}

/* XRSTOR writes PKRU without CR4.PKE, too, if XCR0 has it (SDM 1 13.8). */
static bool has_pkru(const struct assay_vcpu *vcpu)
{
	return static_cpu_has(X86_FEATURE_OSPKE) &&
	       (vcpu->state.cr4 & CR4_PKE ||
		(has_xcr0(vcpu) && vcpu->state.xcr0 & XFEATURE_MASK_PKRU));
}

/* Whether one of them is possible; CR4 does not change between two entries. */
static bool extended(const struct assay_vcpu *vcpu)
{
	return unlikely(vcpu->state.cr4 & (CR4_OSXSAVE | CR4_PKE));
}

static noinline void extended_to_guest(struct assay_vcpu *vcpu)
{
	struct assay_host *host = &vcpu->host;

	if (has_xcr0(vcpu)) {
		host->xcr0 = xgetbv(XCR_XFEATURE_ENABLED_MASK);
		if (host->xcr0 != vcpu->state.xcr0)
			xsetbv(XCR_XFEATURE_ENABLED_MASK, vcpu->state.xcr0);
	}
	if (has_pkru(vcpu)) {
		host->pkru = rdpkru();
		wrpkru(vcpu->state.pkru);
	}
}

static noinline void extended_to_host(struct assay_vcpu *vcpu)
{
	struct assay_host *host = &vcpu->host;

	if (has_pkru(vcpu)) {
		vcpu->state.pkru = rdpkru();
		wrpkru(host->pkru);
	}
	if (has_xcr0(vcpu) && host->xcr0 != vcpu->state.xcr0)
		xsetbv(XCR_XFEATURE_ENABLED_MASK, host->xcr0);
}

static bool has_tsc_aux(void)
{
	return static_cpu_has(X86_FEATURE_RDTSCP) || static_cpu_has(X86_FEATURE_RDPID);
}

/* Breakpoints matter only while DR7 arms one of them. */
static void load_breakpoints(const struct assay_vcpu *vcpu)
{
	bool debugger = vcpu->debug.control & KVM_GUESTDBG_USE_HW_BP;

	if (likely(!(assay_dr7(vcpu) & 0xff)))
		return;
	/* The host's own breakpoints must not be armed at the guest's addresses. */
	if (hw_breakpoint_active())
		set_debugreg(0, 7);
	set_debugreg(debugger ? vcpu->debug.arch.debugreg[0] : vcpu->state.dr[0], 0);
	set_debugreg(debugger ? vcpu->debug.arch.debugreg[1] : vcpu->state.dr[1], 1);
	set_debugreg(debugger ? vcpu->debug.arch.debugreg[2] : vcpu->state.dr[2], 2);
	set_debugreg(debugger ? vcpu->debug.arch.debugreg[3] : vcpu->state.dr[3], 3);
}

void assay_switch_to_guest(struct assay_vcpu *vcpu)
{
	struct assay_host *host = &vcpu->host;

	if (vcpu->fpu_loaded)
		reload_fpu();
	if (extended(vcpu))
		extended_to_guest(vcpu);
	if (has_tsc_aux()) {
		host->tsc_aux = __rdmsr(MSR_TSC_AUX);
		if (host->tsc_aux != (u32)vcpu->state.msr.tsc_aux)
			wrmsrl(MSR_TSC_AUX, vcpu->state.msr.tsc_aux);
	}
	load_breakpoints(vcpu);
}

void assay_switch_to_host(struct assay_vcpu *vcpu)
{
	struct assay_host *host = &vcpu->host;

	if (hw_breakpoint_active())
		hw_breakpoint_restore();
	if (has_tsc_aux() && host->tsc_aux != (u32)vcpu->state.msr.tsc_aux)
		wrmsrl(MSR_TSC_AUX, host->tsc_aux);
	if (extended(vcpu))
		extended_to_host(vcpu);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * SVM: whether there is one, turning it on and off, and one entry into a guest. What an
 * exit means is decided in exit.c beside this; the format of the control block is in
 * vmcb.h. Nested paging is required; nothing else that is optional is used.
 */
#include <linux/cpu.h>
#include <linux/gfp.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/slab.h>
#include <asm/io.h>
#include <asm/cpufeature.h>
#include <asm/debugreg.h>
#include <asm/msr.h>

#include "svm.h"

#define VM_CR_SVMDIS 4			/* bit of MSR_VM_CR (APM 2 15.30.1) */
#define CPUID_SVM 0x8000000a
#define CPUID_SVM_NPT 1u		/* EDX */

#define IOPM_ORDER 2			/* 12 KiB, in 16 */
#define MSRPM_ORDER 1

/* What a processor has for its guests. */
struct svm_cpu {
	struct page *save;		/* VM_HSAVE_PA: the processor's own */
	struct page *host;		/* where VMSAVE puts the host's */
	u64 host_physical;
	u32 next_asid;
	u64 generation;			/* rises when ASIDs begin again */
	bool stale;			/* ASIDs have begun again, and no entry has flushed since */
	bool on;			/* between enable and disable */
};

static DEFINE_PER_CPU(struct svm_cpu, svm_cpus);
static u32 asids;			/* 1 to asids - 1 are for guests */
static struct page *iopm, *msrpm;

/* ---- the machine ----------------------------------------------------------------------- */

static int svm_probe(void)
{
	u32 eax, ebx, ecx, edx;
	u64 vm_cr;

	if (!boot_cpu_has(X86_FEATURE_SVM))
		return -ENODEV;
	if (!rdmsrl_safe(MSR_VM_CR, &vm_cr) && vm_cr & 1u << VM_CR_SVMDIS) {
		pr_err("assay: SVM is there, and the firmware has turned it off (VM_CR.SVMDIS)\n");
		return -EOPNOTSUPP;
	}
	cpuid(CPUID_SVM, &eax, &ebx, &ecx, &edx);
	if (!(edx & CPUID_SVM_NPT)) {
		pr_err("assay: this SVM has no nested paging (CPUID %#x EDX bit 0)\n", CPUID_SVM);
		return -EOPNOTSUPP;
	}
	asids = ebx;
	return 0;
}

static void svm_teardown(void)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu) {
		struct svm_cpu *own = &per_cpu(svm_cpus, cpu);

		if (own->save)
			__free_page(own->save);
		if (own->host)
			__free_page(own->host);
		own->save = own->host = NULL;
	}
	if (iopm)
		__free_pages(iopm, IOPM_ORDER);
	if (msrpm)
		__free_pages(msrpm, MSRPM_ORDER);
	iopm = msrpm = NULL;
}

/* Two bits an MSR, read and write, in three ranges of 2 KiB (APM 2 15.11). */
static void pass_msr(u8 *map, u32 index)
{
	u32 bit;

	if (index < 0x2000)
		bit = 2 * index;
	else if (index >= 0xc0000000 && index < 0xc0002000)
		bit = 0x4000 + 2 * (index - 0xc0000000);
	else
		return;
	map[bit / 8] &= ~(3u << (bit & 7));
}

/* These are in the VMCB, and switched with it: the guest may have them. */
static const u32 passed[] = {
	MSR_STAR, MSR_LSTAR, MSR_CSTAR, MSR_SYSCALL_MASK, MSR_KERNEL_GS_BASE, MSR_FS_BASE,
	MSR_GS_BASE,
};

static int svm_setup(void)
{
	unsigned int cpu, i;

	iopm = alloc_pages(GFP_KERNEL, IOPM_ORDER);
	msrpm = alloc_pages(GFP_KERNEL, MSRPM_ORDER);
	if (!iopm || !msrpm)
		goto out;
	memset(page_address(iopm), 0xff, PAGE_SIZE << IOPM_ORDER);
	memset(page_address(msrpm), 0xff, PAGE_SIZE << MSRPM_ORDER);
	for (i = 0; i < ARRAY_SIZE(passed); i++)
		pass_msr(page_address(msrpm), passed[i]);
	for_each_possible_cpu(cpu) {
		struct svm_cpu *own = &per_cpu(svm_cpus, cpu);

		own->save = alloc_pages_node(cpu_to_node(cpu), GFP_KERNEL | __GFP_ZERO, 0);
		own->host = alloc_pages_node(cpu_to_node(cpu), GFP_KERNEL | __GFP_ZERO, 0);
		if (!own->save || !own->host)
			goto out;
		own->host_physical = page_to_phys(own->host);
	}
	return 0;
out:
	svm_teardown();
	return -ENOMEM;
}

static int svm_enable(void)
{
	struct svm_cpu *own = this_cpu_ptr(&svm_cpus);
	u64 efer;

	rdmsrl(MSR_EFER, efer);
	if (efer & EFER_SVME)
		return -EBUSY;
	wrmsrl(MSR_EFER, efer | EFER_SVME);
	wrmsrl(MSR_VM_HSAVE_PA, page_to_phys(own->save));
	/* Who had the ASIDs before has left translations behind. */
	own->generation++;
	own->next_asid = 1;
	own->stale = true;
	own->on = true;
	return 0;
}

static void svm_disable(void)
{
	struct svm_cpu *own = this_cpu_ptr(&svm_cpus);
	u64 efer;

	/* Shutdown and the last VM's end may both come here, and STGI is #UD without SVME. */
	if (!own->on)
		return;
	own->on = false;
	wrmsrl(MSR_VM_HSAVE_PA, 0);
	rdmsrl(MSR_EFER, efer);
	/* With GIF clear nothing would ever come again (APM 2 15.17). */
	asm volatile("stgi");
	wrmsrl(MSR_EFER, efer & ~EFER_SVME);
}

/* ---- a vCPU ------------------------------------------------------------------------------ */

static void intercept(struct vmcb_control *control, unsigned int what)
{
	control->intercepts[what / 32] |= 1u << (what & 31);
}

static void intercept_if(struct vmcb_control *control, unsigned int what, bool wanted)
{
	u32 bit = 1u << (what & 31);

	control->intercepts[what / 32] &= ~bit;
	if (wanted)
		control->intercepts[what / 32] |= bit;
}

/* CR0 is in the VMCB as it was, but for what the FPU needs: state has it, in long mode. */
static void set_wanted(struct svm_vcpu *svm, const struct x86_state *s, unsigned int wanted)
{
	struct vmcb_control *control = &svm->vmcb->control;

	if (wanted & SVM_WANT_FPU)
		svm->vmcb->save.cr0 = s->cr0 | SVM_FPU_BITS;
	else if (svm->wanted & SVM_WANT_FPU)
		svm->vmcb->save.cr0 = s->cr0;
	svm->wanted = wanted;
	intercept_if(control, VMCB_VINTR, wanted & SVM_WANT_WINDOW);
	intercept_if(control, VMCB_IRET, wanted & SVM_WANT_IRET);
	intercept_if(control, VMCB_EXCEPTION + X86_BP, wanted & SVM_WANT_BREAKPOINT);
	intercept_if(control, VMCB_EXCEPTION + X86_NM, wanted & SVM_WANT_FPU);
	intercept_if(control, VMCB_CR_READ + 0, wanted & SVM_WANT_FPU);
}

/* Whatever core/ must see, and whatever is not for a guest. */
static const u8 always[] = {
	VMCB_CR_WRITE + 0, VMCB_CR_WRITE + 4, VMCB_CR_READ + 8, VMCB_CR_WRITE + 8,
	VMCB_EXCEPTION + X86_DB, VMCB_EXCEPTION + X86_UD, VMCB_EXCEPTION + X86_AC,
	VMCB_EXCEPTION + X86_MC,
	VMCB_INTR, VMCB_NMI, VMCB_SMI, VMCB_INIT, VMCB_RDPMC, VMCB_CPUID, VMCB_RSM, VMCB_INVD,
	VMCB_HLT, VMCB_INVLPGA, VMCB_IOIO, VMCB_MSR, VMCB_TASK_SWITCH, VMCB_SHUTDOWN, VMCB_VMRUN,
	VMCB_VMMCALL, VMCB_VMLOAD, VMCB_VMSAVE, VMCB_STGI, VMCB_CLGI, VMCB_SKINIT, VMCB_WBINVD,
	VMCB_MONITOR, VMCB_MWAIT, VMCB_XSETBV,
};

static int svm_vcpu_create(struct assay_vcpu *vcpu)
{
	struct svm_vcpu *svm = kzalloc(sizeof(*svm), GFP_KERNEL_ACCOUNT);
	struct vmcb_control *control;
	unsigned int i;

	if (!svm)
		return -ENOMEM;
	svm->page = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	if (!svm->page) {
		kfree(svm);
		return -ENOMEM;
	}
	svm->vmcb = page_address(svm->page);
	svm->physical = page_to_phys(svm->page);
	control = &svm->vmcb->control;
	for (i = 0; i < ARRAY_SIZE(always); i++)
		intercept(control, always[i]);
	for (i = 0; i < 16; i++) {
		intercept(control, VMCB_DR_READ + i);
		intercept(control, VMCB_DR_WRITE + i);
	}
	control->iopm = page_to_phys(iopm);
	control->msrpm = page_to_phys(msrpm);
	control->int_control = VMCB_V_INTR_MASKING;
	control->nested = VMCB_NESTED_PAGING;
	control->nested_cr3 = vcpu->vm->memory.tables.root_physical;
	svm->vmcb->save.pat = 0x0007040600070406ull;
	svm->cpu = -1;
	vcpu->hw = svm;
	return 0;
}

static void svm_vcpu_destroy(struct assay_vcpu *vcpu)
{
	struct svm_vcpu *svm = vcpu->hw;

	__free_page(svm->page);
	kfree(svm);
	vcpu->hw = NULL;
}

static void svm_load(struct assay_vcpu *vcpu)
{
	struct svm_vcpu *svm = vcpu->hw;
	int cpu = smp_processor_id();

	/* Whatever another processor's buffers hold of this ASID is not known here. */
	if (svm->cpu != cpu)
		svm->generation = 0;
	svm->cpu = cpu;
}

/* ---- translations ------------------------------------------------------------------------- */

/*
 * Without flush-by-ASID all that can be done is to flush everything. A new ASID does the
 * same for one guest alone, until there are no more.
 */
static void assign_asid(struct assay_vcpu *vcpu, struct svm_vcpu *svm)
{
	struct svm_cpu *own = this_cpu_ptr(&svm_cpus);
	struct vmcb_control *control = &svm->vmcb->control;

	if (svm->generation == own->generation && !vcpu->flush)
		return;
	vcpu->flush = false;
	if (own->next_asid >= asids) {
		own->generation++;
		own->next_asid = 1;
		own->stale = true;
	}
	svm->generation = own->generation;
	control->asid = own->next_asid++;
}

/*
 * VMRUN itself flushes. The vCPU with which ASIDs began again may have been called away, or
 * have gone to another processor: whichever enters first here does it.
 */
static void flush_if_stale(struct svm_cpu *own, struct vmcb_control *control)
{
	control->tlb_control = own->stale ? VMCB_FLUSH_ALL : 0;
	own->stale = false;
}

/* ---- entry ----------------------------------------------------------------------------------- */

/*
 * EVENTINJ of an event (APM 2 15.20). INT1 is an exception here; INT3 and INTO check the gate as
 * INT n does, but are not redirected as that may be (SDM 3 20.3.3).
 */
static u64 injection(const struct x86_event *event, const struct x86_state *s)
{
	bool redirects = x86_vm86(s) && s->cr4 & CR4_VME;
	unsigned int kind = event->kind;
	u64 inject;

	if (kind == X86_EVENT_INT1 || (kind == X86_EVENT_SOFTWARE_EXCEPTION && redirects))
		kind = X86_EVENT_EXCEPTION;
	else if (kind == X86_EVENT_SOFTWARE_EXCEPTION)
		kind = X86_EVENT_SOFTWARE_INTERRUPT;
	inject = event->vector | kind << VMCB_EVENT_TYPE_SHIFT | VMCB_EVENT_VALID;
	if (event->has_error)
		inject |= VMCB_EVENT_ERROR_VALID | (u64)event->error << VMCB_EVENT_ERROR_SHIFT;
	return inject;
}

/* Events and windows for the next entry (15.20, 15.21.4), and what else exits in it. */
static void set_event(struct svm_vcpu *svm, const struct assay_vcpu *vcpu,
		      const struct x86_event *event, unsigned int windows)
{
	struct vmcb_control *control = &svm->vmcb->control;
	unsigned int wanted = 0;

	svm->injected.valid = false;
	control->event_inject = 0;
	if (unlikely(event->valid)) {
		svm->injected = *event;
		control->event_inject = injection(event, &vcpu->state);
		control->next_rip = vcpu->state.rip;
	}
	/* All of it: QEMU writes back none of its bits when it has refused an entry. */
	control->int_control = VMCB_V_INTR_MASKING;
	if (unlikely(windows & X86_WINDOW_INTERRUPT)) {
		control->int_control |= VMCB_V_IRQ | VMCB_V_IGN_TPR;
		wanted |= SVM_WANT_WINDOW;
	}
	if (unlikely(vcpu->state.nmi_blocked))
		wanted |= SVM_WANT_IRET;
	if (unlikely(vcpu->debug.control & KVM_GUESTDBG_USE_SW_BP))
		wanted |= SVM_WANT_BREAKPOINT;
	if (!vcpu->fpu_loaded)
		wanted |= SVM_WANT_FPU;
	if (unlikely(wanted != svm->wanted))
		set_wanted(svm, &vcpu->state, wanted);
}

static void svm_run(struct assay_vcpu *vcpu, const struct x86_event *event, unsigned int windows,
		    struct assay_exit *exit)
{
	struct svm_vcpu *svm = vcpu->hw;
	struct svm_cpu *own = this_cpu_ptr(&svm_cpus);
	u64 host = own->host_physical;

	svm_store_hot(svm->vmcb, &vcpu->state);
	if (vcpu->cold_changed) {
		svm_store_cold(svm->vmcb, &vcpu->state);
		vcpu->cold_changed = false;
		svm->wanted = SVM_WANT_UNKNOWN;
	}
	svm->vmcb->save.dr7 = assay_dr7(vcpu);
	svm->vmcb->control.tsc_offset = vcpu->tsc_offset;
	set_event(svm, vcpu, event, windows);
	assign_asid(vcpu, svm);

	local_irq_disable();
	/*
	 * From here a wake-up ends the guest at once: it is an interrupt. A processor that is
	 * going offline, or a machine that is, may have no SVM any more.
	 */
	if (assay_vcpu_kicked(vcpu) || !own->on) {
		local_irq_enable();
		svm_not_entered(exit, event);
		return;
	}
	flush_if_stale(own, &svm->vmcb->control);
	/* With GIF clear not even an NMI's handler meets the guest's registers (APM 2 15.17). */
	asm volatile("clgi" ::: "memory");
	assay_switch_to_guest(vcpu);
	asm volatile("vmsave %0" : : "a"(host) : "memory");
	svm_enter(svm->physical, vcpu->state.gpr, host);
	assay_switch_to_host(vcpu);
	/* DR6 is still the guest's, and #DB's handler takes it for the host's (APM 2 15.5.1). */
	if (svm->vmcb->save.dr6 != X86_DR6_FIXED)
		set_debugreg(X86_DR6_FIXED, 6);
	asm volatile("stgi" ::: "memory");
	/* An intercepted #MC has been seen by nobody: unlike an NMI it does not stay pending. */
	if (svm->vmcb->control.exit_code == SVM_EXIT_EXCEPTION + X86_MC)
		asm volatile("int %0" : : "i"(X86_MC));
	local_irq_enable();

	svm_load_hot(&vcpu->state, svm->vmcb);
	vcpu->cold_away = true;
	svm_read_exit(svm, exit);
}

static void svm_fetch(struct assay_vcpu *vcpu)
{
	struct svm_vcpu *svm = vcpu->hw;
	u64 own = vcpu->state.cr0 & SVM_FPU_BITS;

	svm_load_cold(&vcpu->state, svm->vmcb);
	if (svm->wanted & SVM_WANT_FPU)
		vcpu->state.cr0 = (vcpu->state.cr0 & ~SVM_FPU_BITS) | own;
}

static void svm_fetch_code(struct assay_vcpu *vcpu)
{
	struct svm_vcpu *svm = vcpu->hw;

	svm_load_code(&vcpu->state, svm->vmcb);
}

const struct vendor svm_vendor = {
	.name = "svm",
	.isa = 2,
	.stage2 = &stage2_npt,
	.traps_fpu = true,
	.probe = svm_probe,
	.setup = svm_setup,
	.teardown = svm_teardown,
	.enable = svm_enable,
	.disable = svm_disable,
	.vcpu_create = svm_vcpu_create,
	.vcpu_destroy = svm_vcpu_destroy,
	.load = svm_load,
	.fetch = svm_fetch,
	.fetch_code = svm_fetch_code,
	.run = svm_run,
};

// SPDX-License-Identifier: GPL-2.0-only
/*
 * VMX: turning it on and off, whose VMCS is on which processor, and one entry into a guest.
 * What there is to use is found out in caps.c, what an exit means is decided in exit.c.
 */
#include <linux/gfp.h>
#include <linux/list.h>
#include <linux/percpu.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <asm/debugreg.h>
#include <asm/desc.h>
#include <asm/fsgsbase.h>
#include <asm/io.h>
#include <asm/mmu_context.h>
#include <asm/msr.h>
#include <asm/tlbflush.h>

#include "vmx.h"

#undef pr_fmt
#define pr_fmt(fmt) "assay: " fmt

#define VPIDS 4096

/* What a processor has for its guests. */
struct vmx_cpu {
	struct page *vmxon;
	struct list_head loaded;	/* vCPUs whose VMCS this processor keeps */
	struct vmx_vcpu *current_vmcs;
	bool on;			/* between enable and disable */
	/* System-call MSRs, which Linux sets once for each processor. */
	u64 star, lstar, cstar, sfmask;
};

static DEFINE_PER_CPU(struct vmx_cpu, vmx_cpus);
static struct page *msr_bitmap;
static DECLARE_BITMAP(vpids, VPIDS);
static DEFINE_SPINLOCK(vpids_lock);

/* ---- the machine ----------------------------------------------------------------------- */

static int vmx_probe(void)
{
	u64 control;

	if (!boot_cpu_has(X86_FEATURE_VMX))
		return -ENODEV;
	rdmsrl(MSR_IA32_FEAT_CTL, control);
	if (control & FEAT_CTL_LOCKED && !(control & FEAT_CTL_VMX_ENABLED_OUTSIDE_SMX)) {
		pr_err("VMX is there, and the firmware has turned it off (IA32_FEATURE_CONTROL)\n");
		return -EOPNOTSUPP;
	}
	return vmx_read_caps();
}

static void vmx_teardown(void)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu) {
		struct vmx_cpu *own = &per_cpu(vmx_cpus, cpu);

		if (own->vmxon)
			__free_page(own->vmxon);
		own->vmxon = NULL;
	}
	if (msr_bitmap)
		__free_page(msr_bitmap);
	msr_bitmap = NULL;
}

/* A clear bit lets the guest have the MSR: reads in the first 2 KiB, writes in the second. */
static void pass_msr(u8 *map, u32 index)
{
	u32 bit = index & 0x1fff, half = index >= 0xc0000000 ? 0x400 : 0;

	map[half + bit / 8] &= ~(1u << (bit & 7));
	map[0x800 + half + bit / 8] &= ~(1u << (bit & 7));
}

static int vmx_setup(void)
{
	static const u32 passed[] = { MSR_FS_BASE, MSR_GS_BASE, MSR_KERNEL_GS_BASE };
	unsigned int cpu, i;

	msr_bitmap = alloc_page(GFP_KERNEL);
	if (!msr_bitmap)
		return -ENOMEM;
	memset(page_address(msr_bitmap), 0xff, PAGE_SIZE);
	for (i = 0; i < ARRAY_SIZE(passed); i++)
		pass_msr(page_address(msr_bitmap), passed[i]);
	__set_bit(0, vpids);		/* the host's */
	for_each_possible_cpu(cpu) {
		struct vmx_cpu *own = &per_cpu(vmx_cpus, cpu);

		INIT_LIST_HEAD(&own->loaded);
		own->vmxon = alloc_pages_node(cpu_to_node(cpu), GFP_KERNEL | __GFP_ZERO, 0);
		if (!own->vmxon) {
			vmx_teardown();
			return -ENOMEM;
		}
		*(u32 *)page_address(own->vmxon) = vmx_caps.revision;
	}
	return 0;
}

static bool vmxon(u64 region)
{
	bool failed;

	asm volatile("vmxon %1" : "=@ccna"(failed) : "m"(region) : "memory");
	return !failed;
}

static int vmx_enable(void)
{
	struct vmx_cpu *own = this_cpu_ptr(&vmx_cpus);
	u64 control;

	if (cr4_read_shadow() & X86_CR4_VMXE)
		return -EBUSY;
	rdmsrl(MSR_IA32_FEAT_CTL, control);
	if (!(control & FEAT_CTL_LOCKED))
		wrmsrl(MSR_IA32_FEAT_CTL,
		       control | FEAT_CTL_LOCKED | FEAT_CTL_VMX_ENABLED_OUTSIDE_SMX);
	cr4_set_bits(X86_CR4_VMXE);
	if (!vmxon(page_to_phys(own->vmxon))) {
		cr4_clear_bits(X86_CR4_VMXE);
		return -EBUSY;
	}
	rdmsrl(MSR_STAR, own->star);
	rdmsrl(MSR_LSTAR, own->lstar);
	rdmsrl(MSR_CSTAR, own->cstar);
	rdmsrl(MSR_SYSCALL_MASK, own->sfmask);
	own->on = true;
	return 0;
}

/* The processor writes back what it keeps of the VMCS, and forgets it (25.1). */
static void vmclear(const struct vmx_vcpu *vmx)
{
	u64 address = page_to_phys(vmx->page);

	asm volatile("vmclear %0" : : "m"(address) : "cc", "memory");
}

/* On the processor that has it, interrupts off. */
static void unload(void *opaque)
{
	struct vmx_vcpu *vmx = opaque;
	struct vmx_cpu *own = this_cpu_ptr(&vmx_cpus);

	if (vmx->cpu != smp_processor_id())
		return;
	vmclear(vmx);
	list_del(&vmx->loaded);
	if (own->current_vmcs == vmx)
		own->current_vmcs = NULL;
	vmx->launched = false;
	smp_store_release(&vmx->cpu, -1);
}

static void vmx_disable(void)
{
	struct vmx_cpu *own = this_cpu_ptr(&vmx_cpus);
	struct vmx_vcpu *vmx, *next;

	/* Shutdown and the last VM's end may both come here. */
	if (!own->on)
		return;
	own->on = false;
	list_for_each_entry_safe(vmx, next, &own->loaded, loaded)
		unload(vmx);
	asm volatile("vmxoff" : : : "cc");
	cr4_clear_bits(X86_CR4_VMXE);
}

/* ---- a vCPU ------------------------------------------------------------------------------ */

static u16 take_vpid(void)
{
	unsigned int vpid;

	if (!vmx_caps.vpid)
		return 0;
	spin_lock(&vpids_lock);
	vpid = find_first_zero_bit(vpids, VPIDS);
	if (vpid < VPIDS)
		__set_bit(vpid, vpids);
	spin_unlock(&vpids_lock);
	return vpid < VPIDS ? vpid : 0;
}

static int vmx_vcpu_create(struct assay_vcpu *vcpu)
{
	struct vmx_vcpu *vmx = kzalloc(sizeof(*vmx), GFP_KERNEL_ACCOUNT);

	if (!vmx)
		return -ENOMEM;
	vmx->page = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	if (!vmx->page) {
		kfree(vmx);
		return -ENOMEM;
	}
	*(u32 *)page_address(vmx->page) = vmx_caps.revision;
	vmx->cpu = -1;
	vmx->vpid = take_vpid();
	vcpu->hw = vmx;
	return 0;
}

static void vmx_vcpu_destroy(struct assay_vcpu *vcpu)
{
	struct vmx_vcpu *vmx = vcpu->hw;
	int cpu = smp_load_acquire(&vmx->cpu);

	if (cpu >= 0)
		smp_call_function_single(cpu, unload, vmx, 1);
	if (vmx->vpid) {
		spin_lock(&vpids_lock);
		__clear_bit(vmx->vpid, vpids);
		spin_unlock(&vpids_lock);
	}
	__free_page(vmx->page);
	kfree(vmx);
	vcpu->hw = NULL;
}

/* ---- a VMCS on a processor ------------------------------------------------------------------ */

/* What does not change while the VMCS is on no processor. */
static void write_constants(struct assay_vcpu *vcpu, struct vmx_vcpu *vmx)
{
	u32 secondary = vmx_caps.secondary;
	u64 pat;

	if (!vmx->vpid)
		secondary &= ~VMX2_VPID;
	vmx->primary = vmx_caps.primary;
	vmx_write(VMCS_PIN, vmx_caps.pin);
	vmx_write(VMCS_PRIMARY, vmx->primary);
	vmx_write(VMCS_SECONDARY, secondary);
	vmx_write(VMCS_EXIT, vmx_caps.exit);
	if (vmx->vpid)
		vmx_write(VMCS_VPID, vmx->vpid);
	vmx_write(VMCS_MSR_BITMAP, page_to_phys(msr_bitmap));
	/* Write-back, four levels (25.6.11). */
	vmx_write(VMCS_EPTP, vcpu->vm->memory.tables.root_physical | 6 | 3 << 3 |
		  (vmx_caps.ept_ad ? 0x40 : 0));
	vmx_write(VMCS_LINK, ~0ull);
	vmx_write(VMCS_PF_MASK, 0);
	vmx_write(VMCS_PF_MATCH, 0);
	vmx_write(VMCS_CR3_TARGETS, 0);
	vmx_write(VMCS_EXIT_STORE_COUNT, 0);
	vmx_write(VMCS_EXIT_LOAD_COUNT, 0);
	vmx_write(VMCS_ENTRY_LOAD_COUNT, 0);
	vmx_write(VMCS_CR0_MASK, ~0ull);
	vmx_write(VMCS_CR4_MASK, ~0ull);
	rdmsrl(MSR_IA32_CR_PAT, pat);
	vmx_write(VMCS_HOST_PAT, pat);
	vmx_write(VMCS_HOST_CR0, read_cr0());
	vmx_write(VMCS_HOST_CS, __KERNEL_CS);
	vmx_write(VMCS_HOST_SS, __KERNEL_DS);
	vmx_write(VMCS_HOST_DS, 0);
	vmx_write(VMCS_HOST_ES, 0);
	vmx_write(VMCS_HOST_FS, 0);
	vmx_write(VMCS_HOST_GS, 0);
	vmx_write(VMCS_HOST_TR, GDT_ENTRY_TSS * 8);
}

/* What the processor under it has of its own. */
static void write_processor(void)
{
	struct desc_ptr idt;
	u64 value;

	store_idt(&idt);
	vmx_write(VMCS_HOST_IDTR_BASE, idt.address);
	vmx_write(VMCS_HOST_GDTR_BASE, (unsigned long)get_current_gdt_ro());
	vmx_write(VMCS_HOST_TR_BASE,
		  (unsigned long)&get_cpu_entry_area(smp_processor_id())->tss.x86_tss);
	rdmsrl(MSR_GS_BASE, value);
	vmx_write(VMCS_HOST_GS_BASE, value);
	rdmsrl(MSR_EFER, value);
	vmx_write(VMCS_HOST_EFER, value);
	rdmsrl(MSR_IA32_SYSENTER_CS, value);
	vmx_write(VMCS_HOST_SYSENTER_CS, value);
	rdmsrl(MSR_IA32_SYSENTER_ESP, value);
	vmx_write(VMCS_HOST_SYSENTER_ESP, value);
	rdmsrl(MSR_IA32_SYSENTER_EIP, value);
	vmx_write(VMCS_HOST_SYSENTER_EIP, value);
}

static void vmptrld(struct vmx_vcpu *vmx)
{
	u64 address = page_to_phys(vmx->page);

	asm volatile("vmptrld %0" : : "m"(address) : "cc", "memory");
	this_cpu_ptr(&vmx_cpus)->current_vmcs = vmx;
}

static void vmx_load(struct assay_vcpu *vcpu)
{
	struct vmx_vcpu *vmx = vcpu->hw;
	int here = smp_processor_id(), cpu = smp_load_acquire(&vmx->cpu);
	unsigned long flags;

	if (!this_cpu_ptr(&vmx_cpus)->on)
		return;
	if (cpu == here) {
		if (this_cpu_ptr(&vmx_cpus)->current_vmcs != vmx)
			vmptrld(vmx);
		return;
	}
	if (cpu >= 0)
		smp_call_function_single(cpu, unload, vmx, 1);
	local_irq_save(flags);
	vmclear(vmx);
	list_add(&vmx->loaded, &this_cpu_ptr(&vmx_cpus)->loaded);
	vmx->cpu = here;
	vmptrld(vmx);
	local_irq_restore(flags);
	write_constants(vcpu, vmx);
	write_processor();
	vcpu->flush = true;
}

/* Exits leave the limits of GDTR and TR at their utmost (28.5.2). */
static void vmx_put(struct assay_vcpu *vcpu)
{
	load_fixmap_gdt(smp_processor_id());
	invalidate_tss_limit();
}

/* ---- translations ------------------------------------------------------------------------- */

struct invalidation {
	u64 what, address;
};

static void flush_translations(struct assay_vcpu *vcpu, struct vmx_vcpu *vmx)
{
	struct invalidation ept = { .what = vmx_read(VMCS_EPTP) };
	struct invalidation linear = { .what = vmx->vpid };
	u64 single = 1;

	if (!vcpu->flush)
		return;
	vcpu->flush = false;
	asm volatile("invept %0, %1" : : "m"(ept), "r"(single) : "cc", "memory");
	if (vmx->vpid)
		asm volatile("invvpid %0, %1" : : "m"(linear), "r"(single) : "cc", "memory");
}

/* ---- entry ----------------------------------------------------------------------------------- */

static void set_event(struct vmx_vcpu *vmx, const struct x86_state *s,
		      const struct x86_event *event)
{
	u32 kind = event->kind, info;

	/*
	 * Without virtual NMIs one that is injected as such would block the host's own. As an
	 * exception it takes the same way through the IDT.
	 */
	if (kind == X86_EVENT_NMI && !vmx_caps.virtual_nmi)
		kind = X86_EVENT_EXCEPTION;
	info = event->vector | kind << VMX_EVENT_TYPE_SHIFT | VMX_EVENT_VALID;
	vmx->injected = *event;
	if (!event->valid) {
		vmx_write(VMCS_EVENT, 0);
		return;
	}
	/* In real mode there are no error codes (27.2.1.3). */
	if (event->has_error && s->cr0 & CR0_PE) {
		info |= VMX_EVENT_ERROR;
		vmx_write(VMCS_EVENT_ERROR, event->error);
	}
	/* What is pushed is RIP and the length of the instruction. */
	if (event->length) {
		vmx_write(VMCS_EVENT_LENGTH, event->length);
		vmx_write(VMCS_GUEST_RIP, s->rip - event->length);
	}
	vmx_write(VMCS_EVENT, info);
}

static void set_controls(struct assay_vcpu *vcpu, struct vmx_vcpu *vmx, unsigned int windows)
{
	u32 exceptions = 1u << X86_DB | 1u << X86_UD | 1u << X86_AC | 1u << X86_MC;
	u32 primary = vmx_caps.primary;

	if (windows & X86_WINDOW_INTERRUPT)
		primary |= VMX_INTERRUPT_WINDOW;
	if (vmx_caps.virtual_nmi)
		primary |= windows & X86_WINDOW_NMI ? VMX_NMI_WINDOW : 0;
	/* Step by step, so that the IRET that ends the blocking is seen (vmx_interprets()). */
	else if (windows & X86_WINDOW_NMI || vcpu->state.nmi_blocked)
		primary |= VMX_MONITOR_TRAP;
	if (primary != vmx->primary)
		vmx_write(VMCS_PRIMARY, primary);
	vmx->primary = primary;
	if (vcpu->debug.control & KVM_GUESTDBG_USE_SW_BP)
		exceptions |= 1u << X86_BP;
	vmx_write(VMCS_EXCEPTIONS, exceptions);
	vmx_write(VMCS_TSC_OFFSET, vcpu->tsc_offset);
	vmx_write(VMCS_HOST_CR3, __get_current_cr3_fast());
	vmx_write(VMCS_HOST_CR4, cr4_read_shadow());
	vmx_write(VMCS_HOST_FS_BASE, x86_fsbase_read_cpu());
}

static void swap_msr(u32 index, u64 from, u64 to)
{
	if (from != to)
		wrmsrl(index, to);
}

/* System-call MSRs, the GS base behind SWAPGS, and CR2: no field of a VMCS has them. */
static void load_guest(struct assay_vcpu *vcpu, struct vmx_vcpu *vmx)
{
	struct vmx_cpu *own = this_cpu_ptr(&vmx_cpus);
	const struct x86_msrs *msr = &vcpu->state.msr;

	swap_msr(MSR_STAR, own->star, msr->star);
	swap_msr(MSR_LSTAR, own->lstar, msr->lstar);
	swap_msr(MSR_CSTAR, own->cstar, msr->cstar);
	swap_msr(MSR_SYSCALL_MASK, own->sfmask, msr->sfmask);
	rdmsrl(MSR_KERNEL_GS_BASE, vmx->host_kernel_gs);
	swap_msr(MSR_KERNEL_GS_BASE, vmx->host_kernel_gs, msr->kernel_gs_base);
	if (native_read_cr2() != vcpu->state.cr2)
		native_write_cr2(vcpu->state.cr2);
}

static void load_host(struct assay_vcpu *vcpu, struct vmx_vcpu *vmx)
{
	struct vmx_cpu *own = this_cpu_ptr(&vmx_cpus);
	struct x86_msrs *msr = &vcpu->state.msr;

	vcpu->state.cr2 = native_read_cr2();
	rdmsrl(MSR_KERNEL_GS_BASE, msr->kernel_gs_base);
	swap_msr(MSR_KERNEL_GS_BASE, msr->kernel_gs_base, vmx->host_kernel_gs);
	swap_msr(MSR_STAR, msr->star, own->star);
	swap_msr(MSR_LSTAR, msr->lstar, own->lstar);
	swap_msr(MSR_CSTAR, msr->cstar, own->cstar);
	swap_msr(MSR_SYSCALL_MASK, msr->sfmask, own->sfmask);
}

/* Selectors that a task may have for itself; the exit loads null ones. */
struct selectors {
	u16 ds, es, fs, gs;
};

static void save_selectors(struct selectors *own)
{
	savesegment(ds, own->ds);
	savesegment(es, own->es);
	savesegment(fs, own->fs);
	savesegment(gs, own->gs);
}

static void restore_selectors(const struct selectors *own, const struct vmx_vcpu *vmx)
{
	if (own->ds)
		loadsegment(ds, own->ds);
	if (own->es)
		loadsegment(es, own->es);
	if (own->fs)
		loadsegment(fs, own->fs);
	if (own->gs) {
		load_gs_index(own->gs);
		wrmsrl(MSR_KERNEL_GS_BASE, vmx->host_kernel_gs);
	}
}

static void vmx_run(struct assay_vcpu *vcpu, const struct x86_event *event, unsigned int windows,
		    struct assay_exit *exit)
{
	struct vmx_vcpu *vmx = vcpu->hw;
	struct selectors selectors;
	unsigned long failed;

	local_irq_disable();
	/*
	 * From here a wake-up ends the guest at once: it is an interrupt. A processor that is
	 * going offline, or a machine that is, may have no VMX any more.
	 */
	if (assay_vcpu_kicked(vcpu) || !this_cpu_ptr(&vmx_cpus)->on) {
		local_irq_enable();
		*exit = (struct assay_exit){ .reason = EXIT_NONE, .interrupted = *event };
		return;
	}
	vmx_store_state(&vcpu->state, assay_dr7(vcpu), event);
	vcpu->cold_changed = false;	/* all of it has been stored */
	set_event(vmx, &vcpu->state, event);
	set_controls(vcpu, vmx, windows);
	flush_translations(vcpu, vmx);
	save_selectors(&selectors);
	load_guest(vcpu, vmx);
	assay_switch_to_guest(vcpu);
	failed = vmx_enter(vcpu->state.gpr, vmx->launched);
	assay_switch_to_host(vcpu);
	load_host(vcpu, vmx);
	restore_selectors(&selectors, vmx);
	if (failed) {
		vmx_read_failure(exit, failed);
		exit->interrupted = *event;
		local_irq_enable();
		return;
	}
	vmx_load_state(&vcpu->state);
	vmx_read_exit(vmx, &vcpu->state, exit);
	if (exit->reason != EXIT_FAILED)
		vmx->launched = true;
	/*
	 * The host's own NMI and #MC are taken here: nobody else has seen them. The handler's
	 * IRET ends the blocking of NMIs.
	 */
	if (exit->reason == EXIT_NMI)
		asm volatile("int $2");
	else if (exit->reason == EXIT_EXCEPTION && exit->fault.vector == X86_MC)
		asm volatile("int %0" : : "i"(X86_MC));
	local_irq_enable();
}

/* ---- what the processor leaves to core/ ---------------------------------------- */

static bool returns(struct assay_vcpu *vcpu)
{
	x86_exec_begin(&vcpu->exec);
	return x86_instruction(&vcpu->exec) == X86_OK && vcpu->exec.insn.op == OP_IRET;
}

/*
 * A guest that is restricted leaves states that need paging, or segments as protected mode has
 * them, to core/. Without virtual NMIs the processor does not tell when IRET unblocks them: so
 * that is executed there, too.
 */
static bool vmx_interprets(struct assay_vcpu *vcpu)
{
	if (!vmx_caps.unrestricted && vmx_restricted(&vcpu->state, assay_dr7(vcpu)))
		return true;
	return !vmx_caps.virtual_nmi && vcpu->state.nmi_blocked && returns(vcpu);
}

static bool vmx_unrestricted(void)
{
	return vmx_caps.unrestricted;
}

const struct vendor vmx_vendor = {
	.name = "vmx",
	.isa = 1,
	.stage2 = &stage2_ept_plain,
	.probe = vmx_probe,
	.setup = vmx_setup,
	.teardown = vmx_teardown,
	.enable = vmx_enable,
	.disable = vmx_disable,
	.vcpu_create = vmx_vcpu_create,
	.vcpu_destroy = vmx_vcpu_destroy,
	.load = vmx_load,
	.put = vmx_put,
	.run = vmx_run,
	.interprets = vmx_interprets,
	.unrestricted = vmx_unrestricted,
};

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Making a VM, loading a stage into it, and reading it back.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vm.h"

/* Where kvm_intel keeps its own pages for real mode: above all guest memory. */
#define INTEL_IDENTITY_MAP 0xfffbc000ull
#define INTEL_TSS 0xfffbd000ul
#define SPLIT_IOAPIC_PINS 24

#define MSR_TSC_DEADLINE 0x6e0

static bool failed(struct vm *vm, const char *what)
{
	snprintf(vm->error, sizeof(vm->error), "%s: %s", what, strerror(errno));
	return false;
}

/* An ioctl on the vCPU; keeps the reason when it fails. */
static bool vcpu_ioctl(struct vm *vm, unsigned long nr, void *arg, const char *name)
{
	return ioctl(vm->vcpu, nr, arg) >= 0 || failed(vm, name);
}

#define VCPU(vm, nr, arg) vcpu_ioctl(vm, nr, arg, #nr)

/* ---- memory ------------------------------------------------------------------ */

int vm_set_slot(struct vm *vm, const struct kvm_userspace_memory_region *region)
{
	struct kvm_userspace_memory_region copy = *region;

	if (ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &copy) < 0)
		return errno;
	if (region->slot < VM_SLOTS) {
		vm->slots[region->slot].present = region->memory_size;
		vm->slots[region->slot].region = *region;
	}
	return 0;
}

static struct kvm_userspace_memory_region stage_slot(const struct vm *vm, u32 slot)
{
	static const u32 bounds[][2] = {
		[SLOT_LOW] = { 0, MMIO },
		[SLOT_TABLES] = { TABLES, TABLES_END },
		[SLOT_PAGES] = { PAGES, PAGES_END },
	};
	u32 start = bounds[slot][0], end = bounds[slot][1];

	if (slot == SLOT_LOW && vm->mmio)
		end = OPERAND;
	return (struct kvm_userspace_memory_region){
		.slot = slot,
		.guest_phys_addr = start,
		.memory_size = end - start,
		.userspace_addr = (u64)(uintptr_t)(vm->mem + start),
	};
}

static bool make_slots(struct vm *vm)
{
	for (u32 slot = 0; slot <= SLOT_PAGES; slot++) {
		struct kvm_userspace_memory_region region = stage_slot(vm, slot);

		errno = vm_set_slot(vm, &region);
		if (errno)
			return failed(vm, "KVM_SET_USER_MEMORY_REGION");
	}
	return true;
}

static bool drop_slot(struct vm *vm, u32 slot)
{
	struct kvm_userspace_memory_region none = { .slot = slot };

	if (!vm->slots[slot].present)
		return true;
	errno = vm_set_slot(vm, &none);
	return !errno || failed(vm, "deleting a memory slot");
}

/* Back to the stage's own slots. */
static bool restore_slots(struct vm *vm)
{
	for (u32 slot = 0; slot < VM_SLOTS; slot++)
		if (!drop_slot(vm, slot))
			return false;
	vm->slots_changed = false;
	return make_slots(vm);
}

bool vm_flush_tables(struct vm *vm)
{
	struct kvm_userspace_memory_region region = vm->slots[SLOT_TABLES].region;

	if (!vm->slots[SLOT_TABLES].present)
		return true;
	if (!drop_slot(vm, SLOT_TABLES))
		return false;
	errno = vm_set_slot(vm, &region);
	return !errno || failed(vm, "KVM_SET_USER_MEMORY_REGION");
}

#define TABLES_PAGES pages_of(TABLES, TABLES_END - TABLES)
#define MMIO_PAGES pages_of(MMIO, MMIO_END - MMIO)

/* Page tables that a case not yet in a paging mode will never look at are all zero. */
static bool has_tables(const struct stage *stage)
{
	static const u8 none[TABLES_END - TABLES];

	return stage->state.cr0 & CR0_PG || stage->levels ||
	       memcmp(stage->mem + TABLES, none, sizeof(none));
}

/*
 * What decides, beside the tables, how they are read: WP; PSE, PAE, PGE, LA57, PCIDE,
 * SMEP, SMAP, PKE; LME and NXE. For a target under test it is not taken for granted
 * that translations made with other values are told apart.
 */
static u64 paging_controls(const struct cpu_state *state)
{
	u64 cr4 = CR4_PSE | CR4_PAE | CR4_PGE | CR4_LA57 | CR4_PCIDE | CR4_SMEP | CR4_SMAP |
		  CR4_PKE;

	return (state->cr0 & CR0_WP) | (state->cr4 & cr4) << 20 |
	       (state->efer & (EFER_LME | EFER_NXE)) << 48;
}

/* Has the guest written there itself? Then the target derived translations from that. */
static bool tables_changed(const struct vm *vm)
{
	u32 pages = pages_that_differ(&vm->memory, &vm->loaded) & TABLES_PAGES;

	return !pages_equal(vm->mem, vm->tables_loaded, pages);
}

static void load_pages(struct vm *vm, const struct stage *stage)
{
	pages_copy(vm->mem, stage->mem,
		   pages_that_differ(&vm->memory, &stage->pages) & ~MMIO_PAGES);
	vm->memory = stage->pages;
	pages_copy(vm->tables_loaded, stage->mem,
		   pages_that_differ(&vm->loaded, &stage->pages) & TABLES_PAGES);
	vm->loaded = stage->pages;
}

/*
 * The target may keep translations derived from page tables in guest memory, and
 * nothing tells it that the runner has written there: so when tables change, their
 * slot is dropped and added again, which makes any KVM forget what it derived.
 */
static bool load_memory(struct vm *vm, const struct stage *stage)
{
	u64 controls = paging_controls(&stage->state);
	u32 pages;

	if (vm->cpu)
		return true;	/* memory is vCPU 0's business ... */
	/* ... and which tables the others used, and how, is not known to it. */
	if (tables_changed(vm) || controls != vm->controls || vm->cpus > 1)
		vm->tables_unknown = true;
	vm->controls = controls;
	load_pages(vm, stage);
	if (!has_tables(stage))
		return true;
	pages = pages_that_differ(&vm->seen, &stage->pages) & TABLES_PAGES;
	if (!vm->tables_unknown && pages_equal(vm->tables_seen, stage->mem, pages))
		return true;
	vm->tables_unknown = false;
	pages_copy(vm->tables_seen, stage->mem, pages);
	vm->seen = stage->pages;
	return vm_flush_tables(vm);
}

/* ---- baseline ------------------------------------------------------------------ */

/* Time goes on whatever a reset does. */
static bool msr_is_time(u32 index)
{
	return index == MSR_TSC || index == MSR_TSC_DEADLINE;
}

/* Adds one MSR, if this vCPU lets us read it and write it back. */
static void baseline_msr(struct vm *vm, u32 index)
{
	struct kvm_msrs *all = vm->baseline.msrs;
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry;
	} one = { .head.nmsrs = 1, .entry.index = index };

	for (u32 i = 0; i < all->nmsrs; i++)
		if (all->entries[i].index == index)
			return;
	if (ioctl(vm->vcpu, KVM_GET_MSRS, &one) == 1 && ioctl(vm->vcpu, KVM_SET_MSRS, &one) == 1)
		all->entries[all->nmsrs++] = one.entry;
}

static struct kvm_msrs **cache_of(const struct vm *vm)
{
	unsigned int chip = vm->irqchip == IRQCHIP_USER ? 0 : vm->irqchip == IRQCHIP_SPLIT ? 1 : 2;

	return &vm->target->msr_cache->msrs[chip];
}

/*
 * Which MSRs these are is found out once for VMs that are made alike: trying each takes
 * longer than the rest of making a VM. False if that is to be done.
 */
static bool msrs_by_cache(struct vm *vm)
{
	struct msr_cache *cache = vm->target->msr_cache;
	const struct kvm_msrs *known;
	u32 count = 0;

	if (!cache || vm->own_cpuid)
		return false;
	pthread_mutex_lock(&cache->lock);
	known = *cache_of(vm);
	if (known) {
		count = known->nmsrs;
		memcpy(vm->baseline.msrs, known,
		       sizeof(*known) + count * sizeof(known->entries[0]));
	}
	pthread_mutex_unlock(&cache->lock);
	if (count && ioctl(vm->vcpu, KVM_GET_MSRS, vm->baseline.msrs) == (int)count)
		return true;
	vm->baseline.msrs->nmsrs = 0;
	return false;
}

static void remember_msrs(struct vm *vm)
{
	struct msr_cache *cache = vm->target->msr_cache;
	const struct kvm_msrs *found = vm->baseline.msrs;
	size_t bytes = sizeof(*found) + found->nmsrs * sizeof(found->entries[0]);

	if (!cache || vm->own_cpuid)
		return;
	pthread_mutex_lock(&cache->lock);
	if (!*cache_of(vm))
		*cache_of(vm) = memcpy(xmalloc(bytes), found, bytes);
	pthread_mutex_unlock(&cache->lock);
}

/* MTRRs are not in every kernel's list (SDM 3 11.11.2). */
static const struct {
	u32 first, count;
} mtrrs[] = {
	{ 0x200, 16 }, { 0x250, 1 }, { 0x258, 2 }, { 0x268, 8 }, { 0x2ff, 1 },
};
#define MTRRS 28

static void baseline_msrs(struct vm *vm)
{
	const struct kvm_msr_list *list = vm->target->msrs;
	size_t room = list->nmsrs + MTRRS;

	vm->baseline.msrs = xcalloc(1, sizeof(struct kvm_msrs) +
				       room * sizeof(struct kvm_msr_entry));
	if (msrs_by_cache(vm))
		return;
	for (u32 i = 0; i < list->nmsrs; i++)
		if (!msr_is_time(list->indices[i]))
			baseline_msr(vm, list->indices[i]);
	for (unsigned int i = 0; i < ARRAY_SIZE(mtrrs); i++)
		for (u32 n = 0; n < mtrrs[i].count; n++)
			baseline_msr(vm, mtrrs[i].first + n);
	remember_msrs(vm);
}

static bool baseline_read(struct vm *vm)
{
	struct vm_baseline *b = &vm->baseline;

	baseline_msrs(vm);
	if (!VCPU(vm, KVM_GET_VCPU_EVENTS, &b->events))
		return false;
	if (vm->irqchip != IRQCHIP_USER && !VCPU(vm, KVM_GET_LAPIC, &b->lapic))
		return false;
	if (vm->irqchip != IRQCHIP_KERNEL)
		return true;
	for (u32 i = 0; i < 3; i++) {
		b->chips[i].chip_id = i;
		if (ioctl(vm->fd, KVM_GET_IRQCHIP, &b->chips[i]) < 0)
			return failed(vm, "KVM_GET_IRQCHIP");
	}
	return ioctl(vm->fd, KVM_GET_PIT2, &b->pit) >= 0 || failed(vm, "KVM_GET_PIT2");
}

/* Of a peer: the same registers, with its own values; chips are the VM's. */
static bool baseline_copy(struct vm *vm, const struct vm_baseline *of)
{
	struct vm_baseline *b = &vm->baseline;
	u32 count = of->msrs->nmsrs;
	size_t bytes = sizeof(*of->msrs) + count * sizeof(of->msrs->entries[0]);

	b->msrs = xmalloc(bytes);
	memcpy(b->msrs, of->msrs, bytes);
	if (ioctl(vm->vcpu, KVM_GET_MSRS, b->msrs) != (int)count)
		return failed(vm, "KVM_GET_MSRS");
	return VCPU(vm, KVM_GET_VCPU_EVENTS, &b->events) &&
	       (vm->irqchip == IRQCHIP_USER || VCPU(vm, KVM_GET_LAPIC, &b->lapic));
}

/* Before the registers: on some targets EFER is one of them, and the case has its own. */
static bool baseline_load_msrs(struct vm *vm)
{
	struct kvm_msrs *msrs = vm->baseline.msrs;

	if (vm->msrs_unknown && ioctl(vm->vcpu, KVM_SET_MSRS, msrs) != (int)msrs->nmsrs)
		return failed(vm, "KVM_SET_MSRS");
	vm->msrs_unknown = false;
	return true;
}

static bool baseline_load(struct vm *vm)
{
	struct vm_baseline *b = &vm->baseline;
	struct kvm_mp_state runnable = { .mp_state = KVM_MP_STATE_RUNNABLE };

	if (vm->irqchip == IRQCHIP_USER)
		return true;
	if (!VCPU(vm, KVM_SET_LAPIC, &b->lapic) || !VCPU(vm, KVM_SET_MP_STATE, &runnable))
		return false;
	if (vm->irqchip != IRQCHIP_KERNEL || vm->cpu)
		return true;
	for (u32 i = 0; i < 3; i++)
		if (ioctl(vm->fd, KVM_SET_IRQCHIP, &b->chips[i]) < 0)
			return failed(vm, "KVM_SET_IRQCHIP");
	return ioctl(vm->fd, KVM_SET_PIT2, &b->pit) >= 0 || failed(vm, "KVM_SET_PIT2");
}

/* ---- creation -------------------------------------------------------------------- */

static void cpuid_change(u32 *reg, const struct record *record, u16 set, u16 clear)
{
	*reg |= (u32)record_value(record, set, 0);
	*reg &= ~(u32)record_value(record, clear, 0);
}

static void cpuid_apply(struct kvm_cpuid2 *cpuid, const struct record *record)
{
	u32 leaf = (u32)record_value(record, F_leaf, 0);
	u32 subleaf = (u32)record_value(record, F_subleaf, 0);

	for (u32 i = 0; i < cpuid->nent; i++) {
		struct kvm_cpuid_entry2 *e = &cpuid->entries[i];

		if (e->function != leaf || e->index != subleaf)
			continue;
		cpuid_change(&e->eax, record, F_set_eax, F_clear_eax);
		cpuid_change(&e->ebx, record, F_set_ebx, F_clear_ebx);
		cpuid_change(&e->ecx, record, F_set_ecx, F_clear_ecx);
		cpuid_change(&e->edx, record, F_set_edx, F_clear_edx);
	}
}

/* The APIC ID that the processor tells of itself (SDM 2 CPUID; APM 3 E.4.17). */
static void cpuid_number(struct kvm_cpuid2 *cpuid, u32 number)
{
	for (u32 i = 0; i < cpuid->nent; i++) {
		struct kvm_cpuid_entry2 *e = &cpuid->entries[i];

		if (e->function == 1)
			e->ebx = (e->ebx & 0xffffff) | number << 24;
		else if (e->function == 0xb || e->function == 0x1f)
			e->edx = number;
		else if (e->function == 0x8000001e)
			e->eax = number;
	}
}

static bool set_cpuid(struct vm *vm, const struct mg_case *changed_by)
{
	const struct kvm_cpuid2 *supported = vm->target->cpuid;
	size_t bytes = sizeof(*supported) + supported->nent * sizeof(supported->entries[0]);
	struct kvm_cpuid2 *cpuid = xmalloc(bytes);
	bool ok;

	memcpy(cpuid, supported, bytes);
	if (vm->cpus > 1)
		cpuid_number(cpuid, vm->cpu);
	for (u32 i = 0; changed_by && i < changed_by->nrecords; i++)
		if (changed_by->records[i].kind == REC_CPUID) {
			cpuid_apply(cpuid, &changed_by->records[i]);
			vm->own_cpuid = true;
		}
	ok = VCPU(vm, KVM_SET_CPUID2, cpuid);
	free(cpuid);
	return ok;
}

static bool make_irqchip(struct vm *vm)
{
	struct kvm_enable_cap split = { .cap = KVM_CAP_SPLIT_IRQCHIP,
					.args = { SPLIT_IOAPIC_PINS } };
	struct kvm_pit_config pit = { 0 };

	switch (vm->irqchip) {
	case IRQCHIP_SPLIT:
		return ioctl(vm->fd, KVM_ENABLE_CAP, &split) >= 0 ||
		       failed(vm, "KVM_CAP_SPLIT_IRQCHIP");
	case IRQCHIP_KERNEL:
		if (ioctl(vm->fd, KVM_CREATE_IRQCHIP, 0) < 0)
			return failed(vm, "KVM_CREATE_IRQCHIP");
		return ioctl(vm->fd, KVM_CREATE_PIT2, &pit) >= 0 || failed(vm, "KVM_CREATE_PIT2");
	default:
		return true;
	}
}

static bool make_vcpu(struct vm *vm, const struct mg_case *cpuid_of)
{
	vm->vcpu = ioctl(vm->fd, KVM_CREATE_VCPU, (unsigned long)vm->cpu);
	if (vm->vcpu < 0)
		return failed(vm, "KVM_CREATE_VCPU");
	vm->run = mmap(NULL, vm->target->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, vm->vcpu, 0);
	if (vm->run == MAP_FAILED) {
		vm->run = NULL;
		return failed(vm, "mmap of kvm_run");
	}
	return set_cpuid(vm, cpuid_of);
}

/* The vCPUs after the first. What failed is said in vm->error. */
static bool make_peers(struct vm *vm, const struct mg_case *cpuid_of)
{
	for (unsigned int i = 1; i < vm->cpus; i++) {
		struct vm *peer = vm->peers[i - 1] = xcalloc(1, sizeof(*peer));

		peer->target = vm->target;
		peer->irqchip = vm->irqchip;
		peer->mmio = vm->mmio;
		peer->fd = vm->fd;
		peer->vcpu = -1;
		peer->cpu = i;
		peer->cpus = vm->cpus;
		peer->mem = vm->mem;
		peer->sync_regs = vm->sync_regs;
		if (make_vcpu(peer, cpuid_of) && baseline_copy(peer, &vm->baseline))
			continue;
		memcpy(vm->error, peer->error, VM_ERROR);
		return false;
	}
	return true;
}

static bool make_vm(struct vm *vm, const struct vm_shape *shape)
{
	u64 identity_map = INTEL_IDENTITY_MAP;

	if (!vm->mem) {
		vm->mem = mmap(NULL, STAGE_RAM, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			       -1, 0);
		if (vm->mem == MAP_FAILED) {
			vm->mem = NULL;
			return failed(vm, "mmap of guest memory");
		}
	}
	vm->fd = ioctl(vm->target->fd, KVM_CREATE_VM, 0);
	if (vm->fd < 0)
		return failed(vm, "KVM_CREATE_VM");
	if (ioctl(vm->fd, KVM_SET_IDENTITY_MAP_ADDR, &identity_map) < 0)
		return failed(vm, "KVM_SET_IDENTITY_MAP_ADDR");
	if (ioctl(vm->fd, KVM_SET_TSS_ADDR, INTEL_TSS) < 0)
		return failed(vm, "KVM_SET_TSS_ADDR");
	return make_irqchip(vm) && make_slots(vm) && make_vcpu(vm, shape->cpuid_of) &&
	       baseline_read(vm) && make_peers(vm, shape->cpuid_of);
}

struct vm *vm_create(const struct target *target, const struct vm_shape *shape, bool sync_regs,
		     u8 *mem, char error[VM_ERROR])
{
	struct vm *vm = xcalloc(1, sizeof(*vm));

	vm->target = target;
	vm->irqchip = shape->irqchip;
	vm->mmio = shape->mmio;
	vm->cpus = shape->cpus ? shape->cpus : 1;
	vm->sync_regs = sync_regs;
	vm->fd = vm->vcpu = -1;
	vm->mem = mem;
	vm->tables_seen = xcalloc(1, STAGE_RAM);
	vm->tables_loaded = xcalloc(1, STAGE_RAM);
	vm->tables_unknown = true;
	if (make_vm(vm, shape))
		return vm;
	memcpy(error, vm->error, VM_ERROR);
	vm_destroy(vm, mem);
	return NULL;
}

static void end_vcpu(struct vm *vm)
{
	if (vm->run)
		munmap(vm->run, vm->target->run_size);
	if (vm->vcpu >= 0)
		close(vm->vcpu);
	free(vm->baseline.msrs);
}

void vm_destroy(struct vm *vm, bool keep_mem)
{
	for (unsigned int i = 0; i < SMP_MAX - 1 && vm->peers[i]; i++) {
		end_vcpu(vm->peers[i]);
		free(vm->peers[i]);
	}
	end_vcpu(vm);
	if (vm->fd >= 0)
		close(vm->fd);
	if (vm->mem && !keep_mem)
		munmap(vm->mem, STAGE_RAM);
	free(vm->tables_seen);
	free(vm->tables_loaded);
	free(vm);
}

int vm_enable_cap(struct vm *vm, const struct kvm_enable_cap *cap)
{
	struct kvm_enable_cap copy = *cap;

	if (vm->ncaps == VM_CAPS)
		return ENOSPC;
	if (ioctl(vm->fd, KVM_ENABLE_CAP, &copy) < 0)
		return errno;
	vm->caps[vm->ncaps++] = *cap;
	vm->spoiled = true;
	return 0;
}

/* ---- state --------------------------------------------------------------------------- */

bool vm_set_state(struct vm *vm, const struct cpu_state *state)
{
	struct kvm_sregs sregs = { 0 };
	struct kvm_regs regs;

	vm->state_pending = false;
	state_to_regs(state, &regs);
	state_to_sregs(state, &sregs);
	target_tr(vm->target, &sregs.tr);
	return VCPU(vm, KVM_SET_SREGS, &sregs) && VCPU(vm, KVM_SET_REGS, &regs);
}

/* Leaves the state in kvm_run for the next KVM_RUN to take. */
static void pend_state(struct vm *vm, const struct cpu_state *state)
{
	struct kvm_sync_regs *sync = &vm->run->s.regs;

	state_to_regs(state, &sync->regs);
	state_to_sregs(state, &sync->sregs);
	target_tr(vm->target, &sync->sregs.tr);
	vm->run->kvm_dirty_regs = KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS;
	vm->state_pending = true;
}

bool vm_resume(struct vm *vm, const struct cpu_state *state)
{
	if (!vm->sync_regs)
		return vm_set_state(vm, state);
	pend_state(vm, state);
	return true;
}

bool vm_settle(struct vm *vm)
{
	struct kvm_sync_regs *sync = &vm->run->s.regs;

	if (!vm->state_pending)
		return true;
	vm->state_pending = false;
	vm->run->kvm_dirty_regs = 0;
	return VCPU(vm, KVM_SET_SREGS, &sync->sregs) && VCPU(vm, KVM_SET_REGS, &sync->regs);
}

bool vm_set_debugregs(struct vm *vm, const struct cpu_state *state)
{
	struct kvm_debugregs debug;

	state_to_debugregs(state, &debug);
	return VCPU(vm, KVM_SET_DEBUGREGS, &debug);
}

bool vm_set_fpu(struct vm *vm, const struct cpu_state *state)
{
	struct kvm_xcrs xcrs = { .nr_xcrs = 1, .xcrs = { { .xcr = 0, .value = state->xcr0 } } };
	struct kvm_xsave xsave;
	u64 components = XSTATE_X87 | XSTATE_SSE;

	if (state->xcr0 != XSTATE_X87 || vm->xstate_unknown) {
		if (!VCPU(vm, KVM_SET_XCRS, &xcrs))
			return false;
		vm->xstate_unknown = state->xcr0 != XSTATE_X87;
	}
	if (state->xcr0 & XSTATE_AVX)
		components |= XSTATE_AVX;
	state_to_xsave(state, &xsave, components);
	return VCPU(vm, KVM_SET_XSAVE, &xsave);
}

/* In that state a guest can write XCR0 or PKRU: XSETBV, WRPKRU (SDM 2). */
static void note_xstate(struct vm *vm, const struct cpu_state *state)
{
	if (state->cr4 & (CR4_OSXSAVE | CR4_PKE))
		vm->xstate_unknown = true;
}

/*
 * A local APIC in the kernel is loaded in the mode that the case starts it in: then
 * the registers, which choose that, cannot wait for KVM_RUN.
 */
static bool load_registers(struct vm *vm, const struct cpu_state *state)
{
	return vm->irqchip == IRQCHIP_USER ? vm_resume(vm, state) : vm_set_state(vm, state);
}

bool vm_load(struct vm *vm, const struct stage *stage)
{
	const struct mg_case *tc = stage->instance->tc;

	vm->run->immediate_exit = 0;
	vm->run->request_interrupt_window = 0;
	vm->run->cr8 = stage->state.cr8;
	if (!load_memory(vm, stage))
		return false;
	if (!baseline_load_msrs(vm) || !load_registers(vm, &stage->state))
		return false;
	if (!baseline_load(vm) || !vm_set_debugregs(vm, &stage->state) ||
	    !VCPU(vm, KVM_SET_VCPU_EVENTS, &vm->baseline.events))
		return false;
	if ((tc->uses || vm->xstate_unknown) && !vm_set_fpu(vm, &stage->state))
		return false;
	note_xstate(vm, &stage->state);
	return true;
}

bool vm_clean(struct vm *vm)
{
	for (unsigned int i = 1; i < vm->cpus; i++)
		vm->spoiled |= vm->peers[i - 1]->spoiled;
	return !vm->spoiled && (!vm->slots_changed || restore_slots(vm));
}

bool vm_get_state(struct vm *vm, struct cpu_state *state, bool synced, bool fpu)
{
	struct kvm_debugregs debug;
	struct kvm_sregs sregs;
	struct kvm_regs regs;
	struct kvm_xsave xsave;
	struct kvm_xcrs xcrs;

	if (synced) {
		state_from_regs(state, &vm->run->s.regs.regs);
		state_from_sregs(state, &vm->run->s.regs.sregs);
	} else {
		if (!VCPU(vm, KVM_GET_REGS, &regs) || !VCPU(vm, KVM_GET_SREGS, &sregs))
			return false;
		state_from_regs(state, &regs);
		state_from_sregs(state, &sregs);
	}
	if (!VCPU(vm, KVM_GET_DEBUGREGS, &debug))
		return false;
	state_from_debugregs(state, &debug);
	note_xstate(vm, state);
	if (paging_controls(state) != vm->controls)
		vm->tables_unknown = true;
	if (!fpu)
		return true;
	if (!VCPU(vm, KVM_GET_XSAVE, &xsave) || !VCPU(vm, KVM_GET_XCRS, &xcrs))
		return false;
	state_from_xsave(state, &xsave);
	for (u32 i = 0; i < xcrs.nr_xcrs; i++)
		if (xcrs.xcrs[i].xcr == 0)
			state->xcr0 = xcrs.xcrs[i].value;
	return true;
}

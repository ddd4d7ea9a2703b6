// SPDX-License-Identifier: GPL-2.0-only
/*
 * Saving a whole VM and building another in its state: what a migration does, at
 * every exit of every case under the variant restore.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "vm.h"

struct saved {
	struct kvm_regs regs;
	struct kvm_sregs sregs;
	struct kvm_sregs2 sregs2;	/* PAE's PDPTEs as loaded, not as in memory now */
	struct kvm_debugregs debugregs;
	struct kvm_xsave xsave;
	struct kvm_xcrs xcrs;
	struct kvm_vcpu_events events;
	struct kvm_mp_state mp_state;
	struct kvm_lapic_state lapic;
	struct kvm_irqchip chips[3];
	struct kvm_pit_state2 pit;
	struct kvm_msrs *msrs;
	struct vm_slot slots[VM_SLOTS];
	struct kvm_enable_cap caps[VM_CAPS];
	unsigned int ncaps;
	u8 window;		/* of struct kvm_run */
	u64 cr8;
};

struct part {			/* one GET/SET pair */
	unsigned long get, set;
	void *arg;
	const char *name;
	bool vcpu, wanted;
};

#define PART(what, where, present)                                                                 \
	{ KVM_GET_##what, KVM_SET_##what, where, #what, true, present }

/*
 * The order matters: XCRS before XSAVE, which it gates; SREGS before MSRS, whose
 * checks depend on EFER and CR4; events last but for MP_STATE, because setting
 * registers drops pending exceptions.
 */
static unsigned int parts_of(struct vm *vm, struct saved *s, bool sregs2, struct part parts[12])
{
	bool lapic = vm->irqchip != IRQCHIP_USER;
	bool chips = vm->irqchip == IRQCHIP_KERNEL && !vm->cpu;	/* the VM's, once */
	struct part all[] = {
		PART(SREGS, &s->sregs, !sregs2),
		PART(SREGS2, &s->sregs2, sregs2),
		PART(REGS, &s->regs, true),
		PART(XCRS, &s->xcrs, true),
		PART(XSAVE, &s->xsave, true),
		PART(DEBUGREGS, &s->debugregs, true),
		PART(LAPIC, &s->lapic, lapic),
		{ KVM_GET_IRQCHIP, KVM_SET_IRQCHIP, &s->chips[0], "IRQCHIP", false, chips },
		{ KVM_GET_IRQCHIP, KVM_SET_IRQCHIP, &s->chips[1], "IRQCHIP", false, chips },
		{ KVM_GET_IRQCHIP, KVM_SET_IRQCHIP, &s->chips[2], "IRQCHIP", false, chips },
		{ KVM_GET_PIT2, KVM_SET_PIT2, &s->pit, "PIT2", false, chips },
	};

	for (u32 i = 0; i < 3; i++)
		s->chips[i].chip_id = i;
	memcpy(parts, all, sizeof(all));
	return ARRAY_SIZE(all);
}

static bool move(struct vm *vm, struct saved *s, bool sregs2, bool set, char error[VM_ERROR])
{
	struct part parts[12];
	unsigned int count = parts_of(vm, s, sregs2, parts);

	for (unsigned int i = 0; i < count; i++) {
		const struct part *p = &parts[i];

		if (!p->wanted)
			continue;
		if (ioctl(p->vcpu ? vm->vcpu : vm->fd, set ? p->set : p->get, p->arg) < 0) {
			snprintf(error, VM_ERROR, "KVM_%s_%s: %s", set ? "SET" : "GET", p->name,
				 strerror(errno));
			return false;
		}
	}
	return true;
}

/* Every MSR of the baseline, and the time. */
static bool save_msrs(struct vm *vm, struct saved *s, char error[VM_ERROR])
{
	const struct kvm_msrs *known = vm->baseline.msrs;
	u32 count = known->nmsrs + 1;
	int done;

	s->msrs = xcalloc(1, sizeof(*s->msrs) + count * sizeof(s->msrs->entries[0]));
	memcpy(s->msrs->entries, known->entries, known->nmsrs * sizeof(known->entries[0]));
	s->msrs->entries[known->nmsrs].index = MSR_TSC;
	s->msrs->nmsrs = count;
	done = ioctl(vm->vcpu, KVM_GET_MSRS, s->msrs);
	if (done == (int)count)
		return true;
	if (done < 0)
		snprintf(error, VM_ERROR, "KVM_GET_MSRS: %s", strerror(errno));
	else
		snprintf(error, VM_ERROR, "KVM_GET_MSRS refuses MSR %#x, which it gave before",
			 s->msrs->entries[done].index);
	return false;
}

static bool load_msrs(struct vm *vm, const struct saved *s, char error[VM_ERROR])
{
	int done = ioctl(vm->vcpu, KVM_SET_MSRS, s->msrs);

	if (done == (int)s->msrs->nmsrs)
		return true;
	if (done < 0)
		snprintf(error, VM_ERROR, "KVM_SET_MSRS: %s", strerror(errno));
	else
		snprintf(error, VM_ERROR, "KVM_SET_MSRS refuses MSR %#x = %#llx, which it gave",
			 s->msrs->entries[done].index, s->msrs->entries[done].data);
	return false;
}

static void save_dirty(struct vm *vm, u64 dirty[VM_SLOTS])
{
	u64 bitmap[STAGE_RAM / PAGE_BYTES / 64 + 1] = { 0 };

	for (u32 slot = 0; slot < VM_SLOTS; slot++) {
		struct kvm_dirty_log log = { .slot = slot, .dirty_bitmap = bitmap };

		if (!vm->slots[slot].present ||
		    !(vm->slots[slot].region.flags & KVM_MEM_LOG_DIRTY_PAGES))
			continue;
		if (!ioctl(vm->fd, KVM_GET_DIRTY_LOG, &log))
			dirty[slot] |= bitmap[0];
	}
}

static bool save(struct vm *vm, struct saved *s, bool sregs2, char error[VM_ERROR])
{
	memcpy(s->slots, vm->slots, sizeof(s->slots));
	memcpy(s->caps, vm->caps, sizeof(s->caps));
	s->ncaps = vm->ncaps;
	s->window = vm->run->request_interrupt_window;
	s->cr8 = vm->run->cr8;
	if (!vm_settle(vm)) {
		memcpy(error, vm->error, VM_ERROR);
		return false;
	}
	if (!move(vm, s, sregs2, false, error))
		return false;
	if (ioctl(vm->vcpu, KVM_GET_VCPU_EVENTS, &s->events) < 0 ||
	    ioctl(vm->vcpu, KVM_GET_MP_STATE, &s->mp_state) < 0) {
		snprintf(error, VM_ERROR, "KVM_GET_VCPU_EVENTS, KVM_GET_MP_STATE: %s",
			 strerror(errno));
		return false;
	}
	return save_msrs(vm, s, error);
}

/* The new VM starts with the stage's slots; make them those of the old one. */
static bool load_slots(struct vm *vm, const struct saved *s, char error[VM_ERROR])
{
	for (u32 slot = 0; slot < VM_SLOTS; slot++) {
		const struct vm_slot *want = &s->slots[slot];
		struct kvm_userspace_memory_region none = { .slot = slot };

		if (want->present == vm->slots[slot].present &&
		    (!want->present ||
		     !memcmp(&want->region, &vm->slots[slot].region, sizeof(want->region))))
			continue;
		vm->slots_changed = true;
		errno = vm->slots[slot].present ? vm_set_slot(vm, &none) : 0;
		if (!errno && want->present)
			errno = vm_set_slot(vm, &want->region);
		if (errno) {
			snprintf(error, VM_ERROR, "memory slot %u: %s", slot, strerror(errno));
			return false;
		}
	}
	return true;
}

/* Before the state: what capabilities add to it is refused without them. */
static bool load_caps(struct vm *vm, const struct saved *s, char error[VM_ERROR])
{
	for (unsigned int i = 0; i < s->ncaps; i++) {
		int err = vm_enable_cap(vm, &s->caps[i]);

		if (err) {
			snprintf(error, VM_ERROR, "KVM_ENABLE_CAP %u: %s", s->caps[i].cap,
				 strerror(err));
			return false;
		}
	}
	return true;
}

static bool load(struct vm *vm, struct saved *s, bool sregs2, char error[VM_ERROR])
{
	if (!vm->cpu && (!load_caps(vm, s, error) || !load_slots(vm, s, error)))
		return false;
	target_tr(vm->target, &s->sregs.tr);
	target_tr(vm->target, &s->sregs2.tr);
	if (!move(vm, s, sregs2, true, error) ||
	    !load_msrs(vm, s, error))
		return false;
	if (ioctl(vm->vcpu, KVM_SET_VCPU_EVENTS, &s->events) < 0 ||
	    ioctl(vm->vcpu, KVM_SET_MP_STATE, &s->mp_state) < 0) {
		snprintf(error, VM_ERROR, "KVM_SET_VCPU_EVENTS, KVM_SET_MP_STATE: %s",
			 strerror(errno));
		return false;
	}
	vm->msrs_unknown = true;
	vm->xstate_unknown = s->xcrs.nr_xcrs && s->xcrs.xcrs[0].value != XSTATE_X87;
	vm->run->request_interrupt_window = s->window;
	vm->run->cr8 = s->cr8;
	return true;
}

static struct vm *vcpu_of(struct vm *vm, unsigned int cpu)
{
	return cpu ? vm->peers[cpu - 1] : vm;
}

/* Every vCPU of the VM, by one of the two above. */
static bool all(struct vm *vm, struct saved *s, bool sregs2, char error[VM_ERROR],
		bool (*one)(struct vm *vm, struct saved *s, bool sregs2, char error[VM_ERROR]))
{
	for (unsigned int i = 0; i < vm->cpus; i++)
		if (!one(vcpu_of(vm, i), &s[i], sregs2, error))
			return false;
	return true;
}

bool vm_rebuild(struct vm **vm, const struct vm_shape *shape, u64 dirty[VM_SLOTS],
		char error[VM_ERROR])
{
	const struct target *target = (*vm)->target;
	struct saved *s = xcalloc(SMP_MAX, sizeof(*s));
	u8 *mem = (*vm)->mem;
	bool sync = (*vm)->sync_regs, ok;
	bool sregs2 = ioctl(target->fd, KVM_CHECK_EXTENSION, KVM_CAP_SREGS2) > 0;

	ok = all(*vm, s, sregs2, error, save);
	if (ok) {
		save_dirty(*vm, dirty);
		vm_destroy(*vm, true);
		*vm = vm_create(target, shape, sync, mem, error);
		ok = *vm && all(*vm, s, sregs2, error, load);
	}
	if (!ok && *vm)
		(*vm)->spoiled = true;	/* in part loaded, or in a state that cannot be read */
	for (unsigned int i = 0; i < SMP_MAX; i++)
		free(s[i].msrs);
	free(s);
	return ok;
}

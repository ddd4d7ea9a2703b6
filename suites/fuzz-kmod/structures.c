// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls that pass one structure: what KVM_GET gave with some bits changed, all zero, or any
 * bytes, is given to KVM_SET. Each is a row of a table.
 */
#include <string.h>

#include "calls.h"

/* How a structure is made, and where it stands. */
enum { HOW_CURRENT, HOW_ZERO, HOW_ANY, HOW_ONLY_GET, HOWS };
#define WHERE_SHIFT 8		/* of `how` */

#define CPUID_ENTRIES 64u

static const struct row {
	unsigned long get, set;
	size_t size;
	uint64_t errors;
	bool vm;
} rows[KINDS] = {
	[DO_REGS] = { KVM_GET_REGS, KVM_SET_REGS, sizeof(struct kvm_regs), 0, false },
	[DO_SREGS] = { KVM_GET_SREGS, KVM_SET_SREGS, sizeof(struct kvm_sregs), 0, false },
	[DO_SREGS2] = { KVM_GET_SREGS2, KVM_SET_SREGS2, sizeof(struct kvm_sregs2), 0, false },
	[DO_EVENTS] = { KVM_GET_VCPU_EVENTS, KVM_SET_VCPU_EVENTS, sizeof(struct kvm_vcpu_events),
			E(EBUSY), false },
	[DO_FPU] = { KVM_GET_FPU, KVM_SET_FPU, sizeof(struct kvm_fpu), 0, false },
	[DO_XSAVE] = { KVM_GET_XSAVE, KVM_SET_XSAVE, sizeof(struct kvm_xsave), 0, false },
	[DO_XCRS] = { KVM_GET_XCRS, KVM_SET_XCRS, sizeof(struct kvm_xcrs), 0, false },
	[DO_DEBUGREGS] = { KVM_GET_DEBUGREGS, KVM_SET_DEBUGREGS, sizeof(struct kvm_debugregs), 0,
			   false },
	[DO_MP_STATE] = { KVM_GET_MP_STATE, KVM_SET_MP_STATE, sizeof(struct kvm_mp_state), 0,
			  false },
	[DO_LAPIC] = { KVM_GET_LAPIC, KVM_SET_LAPIC, sizeof(struct kvm_lapic_state), 0, false },
	[DO_GUEST_DEBUG] = { 0, KVM_SET_GUEST_DEBUG, sizeof(struct kvm_guest_debug), E(EBUSY),
			     false },
	[DO_CLOCK] = { KVM_GET_CLOCK, KVM_SET_CLOCK, sizeof(struct kvm_clock_data), 0, true },
	[DO_PIT] = { KVM_GET_PIT2, KVM_SET_PIT2, sizeof(struct kvm_pit_state2), E(ENXIO), true },
	[DO_IRQCHIP] = { KVM_GET_IRQCHIP, KVM_SET_IRQCHIP, sizeof(struct kvm_irqchip), E(ENXIO),
			 true },
	[DO_TRANSLATE] = { 0, KVM_TRANSLATE, sizeof(struct kvm_translation), 0, false },
	[DO_TSC_ATTR] = { KVM_GET_DEVICE_ATTR, KVM_SET_DEVICE_ATTR,
			  sizeof(struct kvm_device_attr), E(ENXIO) | E(EPERM), false },
	[DO_CPUID] = { KVM_GET_CPUID2, KVM_SET_CPUID2,
		       sizeof(struct kvm_cpuid2) + CPUID_ENTRIES * sizeof(struct kvm_cpuid_entry2),
		       E(E2BIG), false },
};

/* Fields that a random structure must have for anything to come of it. */
static void make_sense(uint8_t kind, uint64_t *data)
{
	if (kind == DO_CPUID)
		((struct kvm_cpuid2 *)(void *)data)->nent = CPUID_ENTRIES;
	if (kind == DO_TSC_ATTR) {
		static uint64_t offset;
		struct kvm_device_attr *attr = (void *)data;

		*attr = (struct kvm_device_attr){ .addr = (uintptr_t)&offset };
	}
}

/* Bits of two words change; of SREGS the rest stays fit for the lab's processor. */
static void change(const struct op *op, uint64_t *data, size_t size)
{
	for (unsigned int i = 2; i < ARGS; i += 2) {
		if (op->arg[i + 1] && size >= 8)
			data[op->arg[i] % (size / 8)] ^= op->arg[i + 1];
	}
	if (tcg && (op->kind == DO_SREGS || op->kind == DO_SREGS2)) {
		struct kvm_segment *tr = &((struct kvm_sregs *)(void *)data)->tr;

		*tr = (struct kvm_segment){ .base = tr->base, .limit = tr->limit,
			.selector = tr->selector, .type = 9, .present = 1 };
	}
}

void structure_perform(const struct op *op)
{
	static _Thread_local uint64_t data[PAYLOAD / 8];
	const struct row *row = &rows[op->kind];
	int file = row->vm ? o.vm[op->arg[0] % VMS] : o.vcpu[op->arg[0] % VCPUS];
	uint64_t how = op->arg[1] % (1u << WHERE_SHIFT) % HOWS, where = op->arg[1] >> WHERE_SHIFT;
	struct chance chance = { op->arg[3] };
	const char *name = words[op->kind].name;

	memset(data, 0, row->size);
	make_sense(op->kind, data);
	if (how == HOW_ONLY_GET) {
		if (row->get)
			call(name, file, row->get, (uintptr_t)placed(data, row->size, where),
			     row->errors);
		return;
	}
	if (how == HOW_CURRENT && row->get)
		call(name, file, row->get, (uintptr_t)data, row->errors);
	if (how == HOW_ANY)
		chance_bytes(&chance, data, row->size);
	change(op, data, row->size);
	call(name, file, row->set, (uintptr_t)placed(data, row->size, where), row->errors);
}

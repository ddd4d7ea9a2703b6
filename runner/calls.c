// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ioctls that cases call by name: those that move no state of the stage, and ways
 * of calling that must be refused. errno= and result= say what must come back.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "actions.h"

enum on { ON_SYSTEM, ON_VM, ON_VCPU };

/* Ioctls that take a number; arg0= gives it. */
static const struct {
	const char *name;
	enum on on;
	unsigned long nr;
} plain_calls[] = {
	{ "KVM_GET_API_VERSION", ON_SYSTEM, KVM_GET_API_VERSION },
	{ "KVM_CHECK_EXTENSION", ON_SYSTEM, KVM_CHECK_EXTENSION },
	{ "KVM_GET_VCPU_MMAP_SIZE", ON_SYSTEM, KVM_GET_VCPU_MMAP_SIZE },
	{ "KVM_CREATE_VCPU", ON_VM, KVM_CREATE_VCPU },
	{ "KVM_CREATE_IRQCHIP", ON_VM, KVM_CREATE_IRQCHIP },
	{ "KVM_SET_NR_MMU_PAGES", ON_VM, KVM_SET_NR_MMU_PAGES },
	{ "KVM_RUN", ON_VCPU, KVM_RUN },
	{ "KVM_SET_TSC_KHZ", ON_VCPU, KVM_SET_TSC_KHZ },
	{ "KVM_GET_TSC_KHZ", ON_VCPU, KVM_GET_TSC_KHZ },
	{ "KVM_KVMCLOCK_CTRL", ON_VCPU, KVM_KVMCLOCK_CTRL },
};

static int fd_of(const struct engine *e, enum on on)
{
	return on == ON_SYSTEM ? e->target->fd : on == ON_VM ? e->vm->fd : e->vm->vcpu;
}

/* KVM_SET_CPUID2 with the table there is; arg0 is added to leaf 1 EBX. */
static long set_cpuid_again(struct engine *e, const struct record *step)
{
	struct kvm_cpuid2 *cpuid;
	long result;

	cpuid = xcalloc(1, sizeof(*cpuid) + VM_CPUID_MAX * sizeof(cpuid->entries[0]));
	cpuid->nent = VM_CPUID_MAX;
	result = ioctl(e->vm->vcpu, KVM_GET_CPUID2, cpuid);
	for (u32 i = 0; result >= 0 && i < cpuid->nent; i++)
		if (cpuid->entries[i].function == 1)
			cpuid->entries[i].ebx ^= (u32)record_value(step, F_arg0, 0);
	if (result >= 0)
		result = ioctl(e->vm->vcpu, KVM_SET_CPUID2, cpuid);
	free(cpuid);
	return result;
}

/* KVM_GET_CPUID2 or KVM_GET_SUPPORTED_CPUID with room for arg0 entries. */
static long get_cpuid(const struct record *step, int fd, unsigned long nr)
{
	u32 room = (u32)record_value(step, F_arg0, VM_CPUID_MAX);
	struct kvm_cpuid2 *cpuid;
	long result;

	cpuid = xcalloc(1, sizeof(*cpuid) + room * sizeof(cpuid->entries[0]));
	cpuid->nent = room;
	result = ioctl(fd, nr, cpuid);
	free(cpuid);
	return result;
}

/* KVM_GET_MSR_INDEX_LIST with room for arg0 entries. */
static long get_msr_list(struct engine *e, const struct record *step)
{
	u32 room = (u32)record_value(step, F_arg0, 0);
	struct kvm_msr_list *list = xcalloc(1, sizeof(*list) + room * sizeof(list->indices[0]));
	long result;

	list->nmsrs = room;
	result = ioctl(e->target->fd, KVM_GET_MSR_INDEX_LIST, list);
	free(list);
	return result;
}

static long plain_call(struct engine *e, const struct record *step, const char *name, bool *found)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(plain_calls); i++) {
		if (strcmp(plain_calls[i].name, name))
			continue;
		*found = true;
		if (plain_calls[i].nr == KVM_CREATE_VCPU || plain_calls[i].nr == KVM_SET_TSC_KHZ)
			e->vm->spoiled = true;
		return ioctl(fd_of(e, plain_calls[i].on), plain_calls[i].nr,
			     record_value(step, F_arg0, 0));
	}
	return 0;
}

bool call_do(struct engine *e, const struct record *step)
{
	const struct field *text = record_field(step, F_text);
	char name[48] = "";
	bool found = true;
	long result;
	int error;

	memcpy(name, text->blob, text->bytes < sizeof(name) ? text->bytes : sizeof(name) - 1);
	if (!strcmp(name, "KVM_SET_CPUID2"))
		result = set_cpuid_again(e, step);
	else if (!strcmp(name, "KVM_GET_CPUID2"))
		result = get_cpuid(step, e->vm->vcpu, KVM_GET_CPUID2);
	else if (!strcmp(name, "KVM_GET_SUPPORTED_CPUID"))
		result = get_cpuid(step, e->target->fd, KVM_GET_SUPPORTED_CPUID);
	else if (!strcmp(name, "KVM_GET_MSR_INDEX_LIST"))
		result = get_msr_list(e, step);
	else {
		found = false;
		result = plain_call(e, step, name, &found);
	}
	error = result < 0 ? errno : 0;
	if (!found)
		return engine_error(e, "there is no call named %s", name);
	if (!action_result(e, step, name, error) || error)
		return !e->result->why;
	return !record_field(step, F_result) ||
	       action_equal(e, name, record_value(step, F_result, 0), (u64)result);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ioctls that cases call by name: those that move no state of the stage, and ways
 * of calling that must be refused. errno= and result= say what must come back.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "actions.h"
#include "worker.h"

enum on { ON_SYSTEM, ON_VM, ON_VCPU };

/* Ioctls that take a number, or a pointer to one; arg0= gives it. */
static const struct {
	const char *name;
	enum on on;
	unsigned long nr;
	bool pointer;		/* arg0 begins what it points to, zeros follow */
} plain_calls[] = {
	{ "KVM_GET_API_VERSION", ON_SYSTEM, KVM_GET_API_VERSION, false },
	{ "KVM_CHECK_EXTENSION", ON_SYSTEM, KVM_CHECK_EXTENSION, false },
	{ "KVM_CREATE_VM", ON_SYSTEM, KVM_CREATE_VM, false },
	{ "KVM_GET_VCPU_MMAP_SIZE", ON_SYSTEM, KVM_GET_VCPU_MMAP_SIZE, false },
	{ "KVM_CREATE_VCPU", ON_VM, KVM_CREATE_VCPU, false },
	{ "KVM_CREATE_IRQCHIP", ON_VM, KVM_CREATE_IRQCHIP, false },
	{ "KVM_SET_NR_MMU_PAGES", ON_VM, KVM_SET_NR_MMU_PAGES, false },
	{ "KVM_SET_BOOT_CPU_ID", ON_VM, KVM_SET_BOOT_CPU_ID, false },
	{ "KVM_SET_IDENTITY_MAP_ADDR", ON_VM, KVM_SET_IDENTITY_MAP_ADDR, true },
	{ "KVM_SET_TSC_KHZ", ON_VCPU, KVM_SET_TSC_KHZ, false },
	{ "KVM_GET_TSC_KHZ", ON_VCPU, KVM_GET_TSC_KHZ, false },
	{ "KVM_KVMCLOCK_CTRL", ON_VCPU, KVM_KVMCLOCK_CTRL, false },
	{ "KVM_X86_GET_MCE_CAP_SUPPORTED", ON_SYSTEM, KVM_X86_GET_MCE_CAP_SUPPORTED, true },
	{ "KVM_X86_SETUP_MCE", ON_VCPU, KVM_X86_SETUP_MCE, true },
	{ "KVM_X86_SET_MCE", ON_VCPU, KVM_X86_SET_MCE, true },
	{ "KVM_REINJECT_CONTROL", ON_VM, KVM_REINJECT_CONTROL, true },
	{ "KVM_HAS_DEVICE_ATTR", ON_VCPU, KVM_HAS_DEVICE_ATTR, true },
	{ "KVM_GET_STATS_FD", ON_VCPU, KVM_GET_STATS_FD, false },
	{ "KVM_SET_CPUID", ON_VCPU, KVM_SET_CPUID, true },
	{ "KVM_RESET_DIRTY_RINGS", ON_VM, KVM_RESET_DIRTY_RINGS, false },
};

/* Calls whose result is a descriptor. */
static bool gives_descriptor(unsigned long nr)
{
	return nr == KVM_CREATE_VCPU || nr == KVM_CREATE_VM || nr == KVM_GET_STATS_FD;
}

static int fd_of(const struct engine *e, enum on on)
{
	return on == ON_SYSTEM ? e->target->fd : on == ON_VM ? e->vm->fd : e->vm->vcpu;
}

static long plain_call(struct engine *e, const struct record *step, const char *name, bool *found)
{
	u64 arg[8] = { record_value(step, F_arg0, 0) };	/* as large as any of these takes */
	long result;

	for (unsigned int i = 0; i < ARRAY_SIZE(plain_calls); i++) {
		if (strcmp(plain_calls[i].name, name))
			continue;
		*found = true;
		result = ioctl(fd_of(e, plain_calls[i].on), plain_calls[i].nr,
			       plain_calls[i].pointer ? (u64)(uintptr_t)arg : arg[0]);
		/* One that works changes the VM for good. */
		if (result >= 0 && plain_calls[i].on != ON_SYSTEM &&
		    plain_calls[i].nr != KVM_GET_TSC_KHZ)
			e->vm->spoiled = true;
		if (result >= 0 && gives_descriptor(plain_calls[i].nr)) {
			close((int)result);
			result = 0;	/* which descriptor it was is nobody's business */
		}
		return result;
	}
	*found = false;
	return 0;
}

/* ---- lists that say how large they are --------------------------------------- */

/*
 * KVM_SET_CPUID2 with the table there is; arg0 changes leaf 1 EBX. Its size is that
 * of the table that was set: not every kernel tells it when there is more room.
 */
static long set_cpuid2(struct engine *e, const struct record *step)
{
	u32 room = e->target->cpuid->nent;
	struct kvm_cpuid2 *cpuid;
	long result;

	cpuid = xcalloc(1, sizeof(*cpuid) + room * sizeof(cpuid->entries[0]));
	cpuid->nent = room;
	result = ioctl(e->vm->vcpu, KVM_GET_CPUID2, cpuid);
	for (u32 i = 0; result >= 0 && i < cpuid->nent; i++)
		if (cpuid->entries[i].function == 1)
			cpuid->entries[i].ebx ^= (u32)record_value(step, F_arg0, 0);
	if (result >= 0)
		result = ioctl(e->vm->vcpu, KVM_SET_CPUID2, cpuid);
	if (result >= 0 && record_value(step, F_arg0, 0))
		e->vm->spoiled = true;
	free(cpuid);
	return result;
}

#define LIST_MAX 4096	/* entries: more than any kernel has to give */

/* How many entries to have memory for when a case says there is room for that many. */
static size_t list_room(u32 entries)
{
	return entries < LIST_MAX ? entries : LIST_MAX;
}

/* KVM_GET_CPUID2 or KVM_GET_SUPPORTED_CPUID, told that there is room for arg0 entries. */
static long get_cpuid(const struct record *step, int fd, unsigned long nr)
{
	u32 room = (u32)record_value(step, F_arg0, VM_CPUID_MAX);
	struct kvm_cpuid2 *cpuid;
	long result;

	cpuid = xcalloc(1, sizeof(*cpuid) + list_room(room) * sizeof(cpuid->entries[0]));
	cpuid->nent = room;
	result = ioctl(fd, nr, cpuid);
	free(cpuid);
	return result;
}

static long get_cpuid2(struct engine *e, const struct record *step)
{
	return get_cpuid(step, e->vm->vcpu, KVM_GET_CPUID2);
}

static long get_emulated_cpuid(struct engine *e, const struct record *step)
{
	return get_cpuid(step, e->target->fd, KVM_GET_EMULATED_CPUID);
}

static long get_supported_cpuid(struct engine *e, const struct record *step)
{
	return get_cpuid(step, e->target->fd, KVM_GET_SUPPORTED_CPUID);
}

/*
 * A list of MSR indices, told that there is room for arg0 entries. With arg1=1, what E2BIG comes
 * with, the number of entries needed, is used for a second call.
 */
static long msr_list(struct engine *e, const struct record *step, unsigned long nr)
{
	u32 room = (u32)record_value(step, F_arg0, 0);
	struct kvm_msr_list *list;
	long result;

	list = xcalloc(1, sizeof(*list) + list_room(room) * sizeof(list->indices[0]));
	list->nmsrs = room;
	result = ioctl(e->target->fd, nr, list);
	if (result < 0 && errno == E2BIG && record_value(step, F_arg1, 0)) {
		room = list->nmsrs;
		list = xrealloc(list, sizeof(*list) + list_room(room) * sizeof(list->indices[0]));
		result = ioctl(e->target->fd, nr, list);
	}
	free(list);
	return result;
}

static long get_msr_index_list(struct engine *e, const struct record *step)
{
	return msr_list(e, step, KVM_GET_MSR_INDEX_LIST);
}

static long get_msr_feature_index_list(struct engine *e, const struct record *step)
{
	return msr_list(e, step, KVM_GET_MSR_FEATURE_INDEX_LIST);
}

/* ---- others --------------------------------------------------------------------- */

/* Writes value to the MSRs arg0, arg1 ... in that order: how many were written. */
static long set_msrs(struct engine *e, const struct record *step)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entries[4];
	} msrs = { 0 };

	for (u16 i = 0; i < 4 && record_field(step, (u16)(F_arg0 + i)); i++)
		msrs.entries[msrs.head.nmsrs++] = (struct kvm_msr_entry){
			.index = (u32)record_value(step, (u16)(F_arg0 + i), 0),
			.data = record_value(step, F_value, 0),
		};
	e->vm->spoiled = true;	/* which of them the next case would find is not looked at */
	return ioctl(e->vm->vcpu, KVM_SET_MSRS, &msrs);
}

/* Reads the TSC arg0 times in one call: how many were read. */
static long get_msrs(struct engine *e, const struct record *step)
{
	u32 count = (u32)record_value(step, F_arg0, 0);
	struct kvm_msrs *msrs;
	long result;

	msrs = xcalloc(1, sizeof(*msrs) + list_room(count) * sizeof(msrs->entries[0]));
	msrs->nmsrs = count;
	for (size_t i = 0; i < list_room(count); i++)
		msrs->entries[i].index = 0x10;
	result = ioctl(e->vm->vcpu, KVM_GET_MSRS, msrs);
	free(msrs);
	return result;
}

#define FILTER_BYTES 0x800	/* more than a range may have */

/*
 * A filter with the flags arg0 and, if arg2 is not 0, one range: flags arg1, arg2 registers from
 * arg3 on, to all of which it denies access.
 */
long calls_set_filter(struct engine *e, const struct record *step)
{
	struct kvm_msr_filter filter = { .flags = (u32)record_value(step, F_arg0, 0) };
	u8 *bitmap = xcalloc(1, FILTER_BYTES);
	long result;

	filter.ranges[0].flags = (u32)record_value(step, F_arg1, 0);
	filter.ranges[0].nmsrs = (u32)record_value(step, F_arg2, 0);
	filter.ranges[0].base = (u32)record_value(step, F_arg3, 0);
	filter.ranges[0].bitmap = bitmap;
	result = ioctl(e->vm->fd, KVM_X86_SET_MSR_FILTER, &filter);
	if (result >= 0) {
		e->vm->spoiled = true;
		e->filter_call = step;
		e->msr_filter = NULL;
	}
	free(bitmap);
	return result;
}

/* Into 64-bit mode with a new vCPU, of the id arg0, whose CPUID nobody has set. */
static long set_sregs_new(struct engine *e, const struct record *step)
{
	int error, vcpu = ioctl(e->vm->fd, KVM_CREATE_VCPU, record_value(step, F_arg0, 0));
	struct kvm_sregs sregs;
	long result;

	if (vcpu < 0)
		return vcpu;
	e->vm->spoiled = true;
	result = ioctl(vcpu, KVM_GET_SREGS, &sregs);
	sregs.cr0 |= 0x80000001;	/* PG, PE */
	sregs.cr4 |= 0x620;		/* PAE, OSFXSR, OSXMMEXCPT */
	sregs.efer |= 0x500;		/* LME, LMA */
	sregs.cs.l = 1;
	if (result >= 0)
		result = ioctl(vcpu, KVM_SET_SREGS, &sregs);
	error = errno;
	close(vcpu);
	errno = error;
	return result;
}

/* A mask of arg0 bytes: it lets no kick in, and no signal but the watchdog's. */
static long set_signal_mask(struct engine *e, const struct record *step)
{
	struct {
		struct kvm_signal_mask head;
		u64 set;
	} mask = { .head.len = (u32)record_value(step, F_arg0, sizeof(u64)) };
	u64 blocked = ~(1ull << (WATCH_SIGNAL - 1));
	long result;

	memcpy(mask.head.sigset, &blocked, sizeof(blocked));
	result = ioctl(e->vm->vcpu, KVM_SET_SIGNAL_MASK, &mask);
	if (result < 0)
		return result;
	e->vm->kicks_in = true;		/* not to be changed again by a kick */
	e->vm->spoiled = true;
	return result;
}

/*
 * KVM_RUN with the argument arg0, and arg1 and arg2 as kvm_valid_regs and
 * kvm_dirty_regs. immediate_exit is on, so one that is not refused gives EINTR.
 */
static long run(struct engine *e, const struct record *step)
{
	struct kvm_run *run = e->vm->run;
	long result;
	int error;

	run->immediate_exit = 1;
	run->kvm_valid_regs = record_value(step, F_arg1, 0);
	run->kvm_dirty_regs = record_value(step, F_arg2, 0);
	result = ioctl(e->vm->vcpu, KVM_RUN, record_value(step, F_arg0, 0));
	error = errno;
	run->immediate_exit = 0;
	run->kvm_valid_regs = run->kvm_dirty_regs = 0;
	errno = error;
	return result;
}

static long create_pit2(struct engine *e, const struct record *step)
{
	struct kvm_pit_config config = { .flags = (u32)record_value(step, F_arg0, 0) };
	long result = ioctl(e->vm->fd, KVM_CREATE_PIT2, &config);

	if (result >= 0)
		e->vm->spoiled = true;
	return result;
}

static const struct {
	const char *name;
	long (*call)(struct engine *e, const struct record *step);
} special_calls[] = {
	{ "KVM_SET_CPUID2", set_cpuid2 },
	{ "KVM_GET_CPUID2", get_cpuid2 },
	{ "KVM_GET_SUPPORTED_CPUID", get_supported_cpuid },
	{ "KVM_GET_EMULATED_CPUID", get_emulated_cpuid },
	{ "KVM_GET_MSR_INDEX_LIST", get_msr_index_list },
	{ "KVM_GET_MSR_FEATURE_INDEX_LIST", get_msr_feature_index_list },
	{ "KVM_SET_MSRS", set_msrs },
	{ "KVM_GET_MSRS", get_msrs },
	{ "KVM_X86_SET_MSR_FILTER", calls_set_filter },
	{ "KVM_SET_SREGS", set_sregs_new },
	{ "KVM_SET_SIGNAL_MASK", set_signal_mask },
	{ "KVM_RUN", run },
	{ "KVM_CREATE_PIT2", create_pit2 },
};

bool call_do(struct engine *e, const struct record *step)
{
	const struct field *text = record_field(step, F_text);
	char name[48] = "";
	bool found = false;
	long result = 0;
	int error;

	memcpy(name, text->blob, text->bytes < sizeof(name) ? text->bytes : sizeof(name) - 1);
	errno = 0;
	for (unsigned int i = 0; !found && i < ARRAY_SIZE(special_calls); i++) {
		found = !strcmp(special_calls[i].name, name);
		if (found)
			result = special_calls[i].call(e, step);
	}
	if (!found)
		result = plain_call(e, step, name, &found);
	error = result < 0 ? errno : 0;
	if (!found)
		return engine_error(e, "there is no call named %s", name);
	if (!action_result(e, step, name, error) || error)
		return !e->result->why;
	return !record_field(step, F_result) ||
	       action_equal(e, name, record_value(step, F_result, 0), (u64)result);
}

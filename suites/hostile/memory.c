// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory that runs out: each allocation of each call fails once, where the kernel has been built
 * for that (CONFIG_FAULT_INJECTION), and a cgroup that holds no more than a few VMs.
 */
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "machine.h"

/* ---- the n-th allocation ------------------------------------------------------------------- */

#define FAIL "/proc/thread-self/fail-nth"
#define MOST 400	/* allocations of a call; more are taken for a loop that has no end */

static int fail_file = -1;

/* Allocations that may sleep fail as well, and nothing is said of it. */
static void need_injection(void)
{
	static const char *const settings[][2] = {
		{ "/sys/kernel/debug/failslab/ignore-gfp-wait", "N" },
		{ "/sys/kernel/debug/failslab/verbose", "0" },
		{ "/sys/kernel/debug/fail_page_alloc/ignore-gfp-wait", "N" },
		{ "/sys/kernel/debug/fail_page_alloc/ignore-gfp-highmem", "N" },
		{ "/sys/kernel/debug/fail_page_alloc/min-order", "0" },
		{ "/sys/kernel/debug/fail_page_alloc/verbose", "0" },
	};

	if (access(FAIL, W_OK))
		skip("this kernel has no fault injection (%s)", FAIL);
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
		check(write_text(settings[i][0], settings[i][1]), "%s: %m", settings[i][0]);
}

/* The file stays open: to open it again needs memory, too. */
static void fail_at(unsigned int number)
{
	char text[16];

	if (fail_file < 0)
		fail_file = open(FAIL, O_RDWR | O_CLOEXEC);
	check(fail_file >= 0, "%s: %m", FAIL);
	snprintf(text, sizeof(text), "%u", number);
	check(pwrite(fail_file, text, strlen(text), 0) > 0, "%s: %m", FAIL);
}

/*
 * Nothing fails any more. What is left of the number: 0 if something has failed. The kernel may
 * count copies from and to the task as well, so this may be what fails: then it was too late.
 */
static long fail_none(void)
{
	char text[16] = "1";
	ssize_t got = pread(fail_file, text, sizeof(text) - 1, 0);

	check(got > 0 || errno == EFAULT, "%s: %m", FAIL);
	while (pwrite(fail_file, "0", 1, 0) != 1)
		check(errno == EFAULT, "%s: %m", FAIL);
	return got > 0 ? atol(text) : 1;
}

struct call {
	const char *name;
	void (*prepare)(struct machine *machine);
	int (*make)(struct machine *machine);	/* 0 or more, or -errno */
	void (*undo)(struct machine *machine, int result);
};

static int result_of(int ret)
{
	return ret < 0 ? -errno : ret;
}

static void nothing(struct machine *machine)
{
	(void)machine;
}

static void closes(struct machine *machine, int result)
{
	(void)machine;
	close(result);
}

static void stays(struct machine *machine, int result)
{
	(void)machine;
	(void)result;
}

static int make_vm(struct machine *machine)
{
	return result_of(ioctl(machine->kvm, KVM_CREATE_VM, 0));
}

static int make_vcpu(struct machine *machine)
{
	static unsigned long id = 2;
	int ret = result_of(ioctl(machine->vm, KVM_CREATE_VCPU, id));

	id += ret >= 0;
	return ret;
}

static int set_slot(struct machine *machine)
{
	struct kvm_userspace_memory_region slot = {
		.slot = 1, .flags = KVM_MEM_LOG_DIRTY_PAGES, .guest_phys_addr = 1 << 20,
		.memory_size = MEMORY, .userspace_addr = (uintptr_t)machine->memory };

	return result_of(ioctl(machine->vm, KVM_SET_USER_MEMORY_REGION, &slot));
}

static void no_slot(struct machine *machine, int result)
{
	struct kvm_userspace_memory_region slot = { .slot = 1 };

	(void)result;
	check(!ioctl(machine->vm, KVM_SET_USER_MEMORY_REGION, &slot), "no slot: %m");
}

static int get_log(struct machine *machine)
{
	uint64_t bits[MEMORY / PAGE / 64 + 1];
	struct kvm_dirty_log log = { .slot = 1, .dirty_bitmap = bits };

	return result_of(ioctl(machine->vm, KVM_GET_DIRTY_LOG, &log));
}

static void have_slot(struct machine *machine)
{
	check(!set_slot(machine), "a slot: %m");
}

static int set_cpuid(struct machine *machine)
{
	static struct {
		struct kvm_cpuid2 head;
		struct kvm_cpuid_entry2 entries[100];
	} cpuid;

	cpuid.head.nent = 100;
	if (ioctl(machine->kvm, KVM_GET_SUPPORTED_CPUID, &cpuid))
		return -errno;
	return result_of(ioctl(machine->vcpu[1], KVM_SET_CPUID2, &cpuid));
}

static int set_msrs(struct machine *machine)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entries[20];
	} msrs = { .head = { .nmsrs = 20 } };

	for (unsigned int i = 0; i < 20; i++)
		msrs.entries[i].index = 0x174;
	return result_of(ioctl(machine->vcpu[1], KVM_SET_MSRS, &msrs));
}

static int set_filter(struct machine *machine)
{
	static uint8_t bits[64];
	struct kvm_msr_filter filter = { .ranges = {
		{ .flags = 3, .nmsrs = 64, .bitmap = bits }, { .flags = 3, .nmsrs = 64,
		  .base = 0x1000, .bitmap = bits } } };

	return result_of(ioctl(machine->vm, KVM_X86_SET_MSR_FILTER, &filter));
}

static int add_event(struct machine *machine)
{
	struct kvm_ioeventfd event = { .addr = 0x99, .len = 1, .flags = KVM_IOEVENTFD_FLAG_PIO };
	int ret;

	event.fd = eventfd(0, EFD_CLOEXEC);
	if (event.fd < 0)
		return -errno;
	ret = result_of(ioctl(machine->vm, KVM_IOEVENTFD, &event));
	if (!ret) {
		event.flags |= KVM_IOEVENTFD_FLAG_DEASSIGN;
		/* Taking it away needs memory, too: that it fails is no reason to keep it. */
		ret = result_of(ioctl(machine->vm, KVM_IOEVENTFD, &event));
		while (ret && ioctl(machine->vm, KVM_IOEVENTFD, &event))
			continue;
	}
	close(event.fd);
	return ret;
}

static int add_zone(struct machine *machine)
{
	struct kvm_coalesced_mmio_zone zone = { .addr = NOTHING_AT + 0x800, .size = 16 };

	return result_of(ioctl(machine->vm, KVM_REGISTER_COALESCED_MMIO, &zone));
}

static int get_xsave(struct machine *machine)
{
	static struct kvm_xsave xsave;

	if (ioctl(machine->vcpu[1], KVM_GET_XSAVE, &xsave))
		return -errno;
	return result_of(ioctl(machine->vcpu[1], KVM_SET_XSAVE, &xsave));
}

static int map_run(struct machine *machine)
{
	volatile char *pages = mmap(NULL, machine->run_bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
				    machine->vcpu[1], 0);

	if (pages == MAP_FAILED)
		return -errno;
	/* That needs memory, too. */
	while (munmap((void *)pages, machine->run_bytes))
		check(errno == ENOMEM, "munmap: %m");
	return 0;
}

/* All of the guest's memory has gone, tables and pages: each is asked for again. */
static void forget(struct machine *machine)
{
	check(!madvise(machine->memory + FAR_AT, MEMORY - FAR_AT, MADV_DONTNEED), "madvise: %m");
}

static int run(struct machine *machine)
{
	for (unsigned int i = 0; i < 20; i++) {
		int reason = machine_run(machine, 0);

		if (reason < 0)
			return reason;
	}
	return 0;
}

static const struct call calls[] = {
	{ "KVM_CREATE_VM", nothing, make_vm, closes },
	{ "KVM_CREATE_VCPU", nothing, make_vcpu, closes },
	{ "KVM_SET_USER_MEMORY_REGION", nothing, set_slot, no_slot },
	{ "KVM_GET_DIRTY_LOG", have_slot, get_log, no_slot },
	{ "KVM_SET_CPUID2", nothing, set_cpuid, stays },
	{ "KVM_SET_MSRS", nothing, set_msrs, stays },
	{ "KVM_X86_SET_MSR_FILTER", nothing, set_filter, stays },
	{ "KVM_IOEVENTFD", nothing, add_event, stays },
	{ "KVM_REGISTER_COALESCED_MMIO", nothing, add_zone, stays },
	{ "KVM_SET_XSAVE", nothing, get_xsave, stays },
	{ "mmap", nothing, map_run, stays },
	{ "KVM_RUN", forget, run, stays },
};

/* The first allocation fails, then the second ... until none is left to fail. */
static unsigned int each_fails(struct machine *machine, const struct call *call)
{
	unsigned int number;
	long left = 0;
	int ret = 0;

	for (number = 1; number < MOST; number++) {
		call->prepare(machine);
		fail_at(number);
		ret = call->make(machine);
		left = fail_none();
		check(ret >= 0 || ret == -ENOMEM || ret == -EFAULT || ret == -EINTR,
		      "%s, allocation %u: %s", call->name, number, strerror(-ret));
		if (ret >= 0)
			call->undo(machine, ret);
		if (left)
			break;
		/* Whatever has failed, it can be had afterwards. */
		call->prepare(machine);
		ret = call->make(machine);
		check(ret >= 0, "%s, after allocation %u: %s", call->name, number, strerror(-ret));
		call->undo(machine, ret);
	}
	check(left && ret >= 0, "%s: %u allocations, and the last result is %d", call->name,
	      number, ret);
	return number - 1;
}

static void each_allocation(void)
{
	struct machine machine;

	need_injection();
	machine_make(&machine, &walking);
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		printf("# %s: %u\n", calls[i].name, each_fails(&machine, &calls[i]));
	machine_end(&machine);
	/* The first VM has to take the processors, too. */
	check(nothing_left(), "a VM is left");
	machine_make(&machine, &halting);
	check(machine_run(&machine, 0) == KVM_EXIT_HLT, "a VM afterwards");
	machine_end(&machine);
}

/* ---- a cgroup that is full ----------------------------------------------------------------- */

#define GROUP "/sys/fs/cgroup/assay-hostile"

/* VMs with all there is in them, until there is no more memory: by an error, or by being killed. */
static noreturn void be_greedy(void)
{
	check(write_text(GROUP "/cgroup.procs", "0"), "%s: %m", GROUP);
	for (;;) {
		struct machine machine;

		machine_make(&machine, &walking);
		for (unsigned int i = 0; i < 40; i++)
			machine_run(&machine, 0);
		/* Its files stay open. */
		munmap(machine.memory, PAGE);
	}
}

static void make_group(void)
{
	mount("none", "/sys/fs/cgroup", "cgroup2", 0, NULL);
	write_text("/sys/fs/cgroup/cgroup.subtree_control", "+memory");
	if (mkdir(GROUP, 0755) && errno != EEXIST)
		skip("no cgroup v2: %s", strerror(errno));
	if (!write_text(GROUP "/memory.max", "max"))
		skip("no memory controller: %s", strerror(errno));
}

static void remove_group(void)
{
	for (unsigned int i = 0; i < 100 && rmdir(GROUP); i++)
		usleep(10000);
}

static void cgroup(void)
{
	struct machine machine;
	int status;

	need_machine();
	make_group();
	check(write_text(GROUP "/memory.max", "6M"), "a limit: %m");
	for (unsigned int i = 0; i < 3; i++) {
		pid_t child = fork();

		if (!child)
			be_greedy();
		waitpid(child, &status, 0);
		check(status, "there is no end of memory");
		check(nothing_left(), "something is left of who had too much");
	}
	remove_group();
	machine_make(&machine, &halting);
	check(machine_run(&machine, 0) == KVM_EXIT_HLT, "a VM afterwards");
	machine_end(&machine);
}

/* ---- what is charged, and given back ------------------------------------------------------- */

#define LEFT_LIMIT (TASKS * 3ll)	/* KiB; counts are true to some 100 KiB, in time */
#define TASKS 100	/* that come and go: a page that each leaves behind is 400 KiB */
#define LOGGED (1ull << 27)	/* bytes of a slot whose log needs a page */

/* The group's memory that is the kernel's, in KiB. */
static long long kernel_memory(void)
{
	FILE *file = fopen(GROUP "/memory.stat", "re");
	long long value, found = -1;
	char key[64];

	while (file && fscanf(file, "%63s %lld", key, &value) == 2) {
		if (!strcmp(key, "kernel"))
			found = value / 1024;
	}
	if (file)
		fclose(file);
	if (found < 0)
		skip("no count of a cgroup's kernel memory (memory.stat)");
	return found;
}

/* Statistics come true some seconds later: waits until it is at most, or at least, so much. */
static long long kernel_memory_at(long long most, long long least)
{
	long long found = kernel_memory();

	for (unsigned int i = 0; i < 150 && (found > most || found < least); i++) {
		usleep(100000);
		found = kernel_memory();
	}
	return found;
}

/* As large as they can be: CPUID of each vCPU, and the filter of MSRs. */
static void fill_up(struct machine *machine)
{
	static struct {
		struct kvm_cpuid2 head;
		struct kvm_cpuid_entry2 entries[256];
	} cpuid = { .head = { .nent = 256 } };
	static uint8_t bits[KVM_MSR_FILTER_MAX_BITMAP_SIZE];
	struct kvm_msr_filter filter = { 0 };

	for (unsigned int i = 0; i < KVM_MSR_FILTER_MAX_RANGES; i++)
		filter.ranges[i] = (struct kvm_msr_filter_range){
			.flags = KVM_MSR_FILTER_READ, .nmsrs = 8 * sizeof(bits), .bitmap = bits };
	for (unsigned int i = 0; i < 2; i++)
		check(!ioctl(machine->vcpu[i], KVM_SET_CPUID2, &cpuid), "KVM_SET_CPUID2: %m");
	check(!ioctl(machine->vm, KVM_X86_SET_MSR_FILTER, &filter), "a filter: %m");
}

/* A VM that has used all there is: vCPUs, tables, a log, eventfds, zones. */
static void use_all(struct machine *machine)
{
	struct kvm_userspace_memory_region slot = {
		.slot = 2, .flags = KVM_MEM_LOG_DIRTY_PAGES, .guest_phys_addr = LOGGED,
		.memory_size = LOGGED };
	void *memory = mmap(NULL, LOGGED, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	check(memory != MAP_FAILED, "memory: %m");
	slot.userspace_addr = (uintptr_t)memory;
	machine_make(machine, &walking);
	check(!ioctl(machine->vm, KVM_SET_USER_MEMORY_REGION, &slot), "a slot: %m");
	fill_up(machine);
	check(!add_zone(machine), "a zone: %m");
	for (unsigned int i = 0; i < 20; i++)
		machine_run(machine, i & 1);
	slot.memory_size = 0;
	if (getpid() & 1)
		check(!ioctl(machine->vm, KVM_SET_USER_MEMORY_REGION, &slot), "no slot: %m");
}

static noreturn void come_and_go(void)
{
	struct machine machine;

	check(write_text(GROUP "/cgroup.procs", "0"), "%s: %m", GROUP);
	use_all(&machine);
	if (getpid() & 2)
		machine_end(&machine);
	_exit(0);
}

static void some_tasks(unsigned int count)
{
	int status;

	for (unsigned int i = 0; i < count; i++) {
		pid_t child = fork();

		if (!child)
			come_and_go();
		check(waitpid(child, &status, 0) == child && !status, "a task: status %#x",
		      status);
	}
	check(nothing_left(), "something is left of tasks that have ended");
}

#define VMS 16		/* at once, to be measured */
/* KiB. Two vCPUs, each with kvm_run, port data, a ring, a control block; tables. */
#define PLAIN (14ll * 4)
/* What fill_up() adds. */
#define FULL ((long long)(2 * 256 * sizeof(struct kvm_cpuid_entry2) + \
			  KVM_MSR_FILTER_MAX_RANGES * KVM_MSR_FILTER_MAX_BITMAP_SIZE) / 1024)

static noreturn void have_vms(unsigned int count, bool full, int ready)
{
	struct machine machine;
	char byte = 0;

	check(write_text(GROUP "/cgroup.procs", "0"), "%s: %m", GROUP);
	for (unsigned int i = 0; i < count; i++) {
		machine_make(&machine, &walking);
		if (full)
			fill_up(&machine);
	}
	check(write(ready, &byte, 1) == 1, "a pipe: %m");
	pause();
	_exit(0);
}

/* KiB that the kernel has for a VM of a task in the group: so much at least, or what is true. */
static long long kernel_memory_of_vm(bool full, long long least)
{
	long long before = kernel_memory(), with;
	int ready[2];
	pid_t child;
	char byte;

	check(!pipe(ready), "pipe: %m");
	child = fork();
	if (!child)
		have_vms(VMS, full, ready[1]);
	close(ready[1]);
	check(read(ready[0], &byte, 1) == 1, "the task with VMs has ended");
	close(ready[0]);
	with = kernel_memory_at(LLONG_MAX, before + VMS * least);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	check(nothing_left(), "something is left of a task with VMs");
	kernel_memory_at(before + VMS * least / 4, 0);
	return (with - before) / VMS;
}

/* KiB that tasks leave behind in the best of three rounds: what is lost is so in each. */
static long long left_behind(void)
{
	long long least = LLONG_MAX;

	for (unsigned int round = 0; round < 3 && least >= LEFT_LIMIT; round++) {
		long long before = kernel_memory(), left;

		some_tasks(TASKS);
		left = kernel_memory_at(before + TASKS, 0) - before;
		if (left < least)
			least = left;
	}
	return least;
}

/*
 * A VM's memory in the kernel is the task's: charged to its cgroup, where limits see it, and
 * gone with it, whatever it was for.
 */
static void given_back(void)
{
	long long left, plain, full;

	need_machine();
	if (!is_assay())
		skip("what another hypervisor charges is its own affair");
	make_group();
	some_tasks(TASKS / 10);
	usleep(5000000);
	left = left_behind();
	plain = kernel_memory_of_vm(false, PLAIN);
	full = kernel_memory_of_vm(true, PLAIN + FULL);
	printf("# %u tasks left %lld KiB; a VM takes %lld KiB, or %lld\n", TASKS, left,
	       plain, full);
	check(left < LEFT_LIMIT, "%u tasks have left %lld KiB in the kernel", TASKS, left);
	check(plain >= PLAIN, "a VM is charged with %lld KiB", plain);
	check(full >= plain + FULL * 9 / 10,
	      "%lld KiB of CPUID and filters are charged with %lld KiB", FULL, full - plain);
	remove_group();
}

const struct test memory_tests[] = {
	{ "memory/each_allocation", each_allocation }, { "memory/cgroup", cgroup },
	{ "memory/given_back", given_back }, { NULL, NULL },
};

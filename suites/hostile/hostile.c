// SPDX-License-Identifier: GPL-2.0-only
/*
 * assay.ko in the hands of who means it ill: guests and tasks that try to change what is the
 * host's, files closed in any order, 32-bit calls, tasks that are killed. TAP.
 *
 *	hostile-test NODE SECONDS [NAME...]	(of stress; only these tests)
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/time.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cpuid.h>

#include "hostile.h"

#define SKIPPED 77

const char *node;

noreturn void fail(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	printf("# ");
	vprintf(fmt, args);
	printf("\n");
	va_end(args);
	fflush(stdout);
	_exit(1);
}

noreturn void skip(const char *why)
{
	printf("# %s\n", why);
	fflush(stdout);
	_exit(SKIPPED);
}

/* ---- the machine ------------------------------------------------------------------------ */

/* Whatever this processor has, and every component of XCR0 besides. */
static void set_cpuid(struct machine *machine, int vcpu)
{
	static struct {
		struct kvm_cpuid2 head;
		struct kvm_cpuid_entry2 entries[256];
	} cpuid;

	cpuid.head.nent = 256;
	check(!ioctl(machine->kvm, KVM_GET_SUPPORTED_CPUID, &cpuid), "CPUID: %m");
	for (unsigned int i = 0; i < cpuid.head.nent; i++) {
		if (cpuid.head.entries[i].function == 0xd && !cpuid.head.entries[i].index)
			cpuid.head.entries[i].eax = cpuid.head.entries[i].edx = 0xffffffff;
	}
	check(!ioctl(vcpu, KVM_SET_CPUID2, &cpuid), "KVM_SET_CPUID2: %m");
}

static void make_vcpu(struct machine *machine, unsigned int i)
{
	struct kvm_sregs sregs;
	struct kvm_regs regs = { .rip = CODE_AT, .rflags = 2 };
	int size = ioctl(machine->kvm, KVM_GET_VCPU_MMAP_SIZE, 0);

	machine->vcpu[i] = ioctl(machine->vm, KVM_CREATE_VCPU, i);
	check(machine->vcpu[i] >= 0, "KVM_CREATE_VCPU: %m");
	machine->run[i] = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED,
			       machine->vcpu[i], 0);
	check(machine->run[i] != MAP_FAILED, "kvm_run: %m");
	set_cpuid(machine, machine->vcpu[i]);
	check(!ioctl(machine->vcpu[i], KVM_GET_SREGS, &sregs), "KVM_GET_SREGS: %m");
	sregs.cs.base = sregs.cs.selector = 0;
	sregs.cr4 = 1u << 18;		/* OSXSAVE */
	check(!ioctl(machine->vcpu[i], KVM_SET_SREGS, &sregs), "KVM_SET_SREGS: %m");
	check(!ioctl(machine->vcpu[i], KVM_SET_REGS, &regs), "KVM_SET_REGS: %m");
}

void machine_make(struct machine *machine, const void *code, const void *end)
{
	struct kvm_userspace_memory_region slot = { .memory_size = MEMORY };

	machine->memory = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	check(machine->memory != MAP_FAILED, "memory: %m");
	memcpy(machine->memory + CODE_AT, code, (size_t)((const char *)end - (const char *)code));
	machine->kvm = open(node, O_RDWR | O_CLOEXEC);
	check(machine->kvm >= 0, "%s: %m", node);
	machine->vm = ioctl(machine->kvm, KVM_CREATE_VM, 0);
	check(machine->vm >= 0, "KVM_CREATE_VM: %m");
	slot.userspace_addr = (uintptr_t)machine->memory;
	check(!ioctl(machine->vm, KVM_SET_USER_MEMORY_REGION, &slot), "slot: %m");
	make_vcpu(machine, 0);
	make_vcpu(machine, 1);
}

int machine_run(struct machine *machine, unsigned int vcpu)
{
	return ioctl(machine->vcpu[vcpu], KVM_RUN, 0) ? -errno :
							(int)machine->run[vcpu]->exit_reason;
}

/* ---- guests that reach for the host's registers ----------------------------------------- */

extern const uint8_t xcr0_code[], xcr0_end[], pkru_code[], pkru_end[], out_code[], out_end[],
	loop_code[], loop_end[];

__asm__(
	".pushsection .rodata\n"
	".code16\n"
	"xcr0_code:\n"
	"	xor %ecx, %ecx\n"
	"	mov $3, %eax\n"
	"	mov $0x40000000, %edx\n"
	"	.byte 0x0f, 0x0b, 0x6b, 0x76, 0x6d\n"
	"	xsetbv\n"
	"	hlt\n"
	"xcr0_end:\n"
	"pkru_code:\n"
	"	mov $0x200, %eax\n"
	"	xor %edx, %edx\n"
	"	xrstor 0x2000\n"
	"	hlt\n"
	"pkru_end:\n"
	"out_code:\n"
	"	mov $0x5a, %al\n"
	"	out %al, $0x44\n"
	"	hlt\n"
	"out_end:\n"
	"loop_code:\n"
	"	jmp loop_code\n"
	"loop_end:\n"
	".code64\n"
	".popsection\n");

/* XCR0 with a bit that no processor has, which this guest's CPUID promises: #GP, and none in
 * the host. There is no IDT, so it ends in a shutdown. The prefix has the module execute
 * XSETBV where the processor does not exit for it (QEMU). */
static void xcr0(void)
{
	struct kvm_sregs sregs;
	struct machine machine;
	int reason;

	machine_make(&machine, xcr0_code, xcr0_end);
	check(!ioctl(machine.vcpu[0], KVM_GET_SREGS, &sregs), "KVM_GET_SREGS: %m");
	sregs.idt.limit = 0;
	check(!ioctl(machine.vcpu[0], KVM_SET_SREGS, &sregs), "KVM_SET_SREGS: %m");
	reason = machine_run(&machine, 0);
	check(reason == KVM_EXIT_SHUTDOWN, "expected a shutdown, got exit %d", reason);
}

static uint32_t rdpkru(void)
{
	uint32_t eax, edx;

	__asm__ volatile("rdpkru" : "=a"(eax), "=d"(edx) : "c"(0));
	return eax;
}

/* XRSTOR loads PKRU also without CR4.PKE (SDM 1 13.8): the task's own must come back. */
static void pkru(void)
{
	struct kvm_xcrs xcrs = { .nr_xcrs = 1, .xcrs = { { .value = 0x203 } } };
	unsigned int eax, ebx, ecx, edx, offset;
	struct machine machine;
	uint32_t before;
	int reason;

	__cpuid_count(7, 0, eax, ebx, ecx, edx);
	if (!(ecx & 1u << 4))
		skip("no protection keys here");
	__cpuid_count(0xd, 9, eax, offset, ecx, edx);
	machine_make(&machine, pkru_code, pkru_end);
	check(!ioctl(machine.vcpu[0], KVM_SET_XCRS, &xcrs), "KVM_SET_XCRS: %m");
	machine.memory[DATA_AT + 512 + 1] = 2;		/* XSTATE_BV: PKRU */
	memset(machine.memory + DATA_AT + offset, 0xcc, 4);
	before = rdpkru();
	reason = machine_run(&machine, 0);
	check(reason == KVM_EXIT_HLT, "expected HLT, got exit %d", reason);
	check(rdpkru() == before, "PKRU of the task: expected %#x, got %#x", before, rdpkru());
}

static void nothing(int signal)
{
	(void)signal;
}

/* The controls of the next entry do not depend on what a refused one has left in them. CR3
 * beyond the physical addresses is refused by VMX (SDM 3 27.3.1.1), by QEMU in PAE paging too. */
static void refused(void)
{
	struct sigaction quiet = { .sa_handler = nothing };
	struct itimerval soon = { .it_value.tv_usec = 100000 };
	struct kvm_sregs sregs, real;
	struct machine machine;
	int reason;

	machine_make(&machine, loop_code, loop_end);
	check(!ioctl(machine.vcpu[0], KVM_GET_SREGS, &real), "KVM_GET_SREGS: %m");
	sregs = real;
	sregs.cr0 |= 0x80000001;
	sregs.cr4 |= 0x20;
	sregs.cr3 = 1ull << 51;
	sregs.idt.limit = 0;
	if (!ioctl(machine.vcpu[0], KVM_SET_SREGS, &sregs)) {
		reason = machine_run(&machine, 0);
		check(reason == KVM_EXIT_FAIL_ENTRY || reason == KVM_EXIT_SHUTDOWN,
		      "expected a refused entry or a shutdown, got exit %d", reason);
	}
	check(!ioctl(machine.vcpu[0], KVM_SET_SREGS, &real), "KVM_SET_SREGS: %m");
	/* It loops, with interrupts off: only the host's own end it. */
	sigaction(SIGALRM, &quiet, NULL);
	setitimer(ITIMER_REAL, &soon, NULL);
	reason = machine_run(&machine, 0);
	check(reason == -EINTR, "expected EINTR, got %d", reason);
}

/* ---- calls ------------------------------------------------------------------------------- */

/* ioctl(2) as a 32-bit task makes it. */
static int ioctl32(int file, unsigned int request, void *argument)
{
	int result;

	__asm__ volatile("int $0x80" : "=a"(result)
			 : "a"(54), "b"(file), "c"(request), "d"((uint32_t)(uintptr_t)argument)
			 : "memory", "r8", "r9", "r10", "r11");
	return result;
}

/* Of a pointer in a structure a 32-bit task writes half: the other half is whatever it was. */
static void dirty_log_32(void)
{
	struct kvm_userspace_memory_region slot = {
		.memory_size = MEMORY, .flags = KVM_MEM_LOG_DIRTY_PAGES };
	struct kvm_dirty_log *log;
	struct machine machine;
	uint64_t *bits;
	int result;

	machine_make(&machine, out_code, out_end);
	slot.userspace_addr = (uintptr_t)machine.memory;
	check(!ioctl(machine.vm, KVM_SET_USER_MEMORY_REGION, &slot), "slot: %m");
	log = (void *)(machine.memory + 8 * PAGE);
	bits = (void *)(machine.memory + 9 * PAGE);
	*bits = ~0ull;
	log->slot = 0;
	log->padding2 = 0xdeadbeef00000000 | (uintptr_t)bits;
	result = ioctl32(machine.vm, KVM_GET_DIRTY_LOG, log);
	if (result == -ENOSYS)
		skip("no 32-bit calls here");
	check(!result, "KVM_GET_DIRTY_LOG: %s", strerror(-result));
	check(!*bits, "the log: expected nothing, got %#llx", (unsigned long long)*bits);
}

struct filter_32 {
	uint32_t flags;
	struct {
		uint32_t flags, count, base, bitmap;
	} ranges[16];
};

/* KVM_X86_SET_MSR_FILTER has a size, and so a number, of its own there. */
static void filter_32(void)
{
	struct filter_32 *filter;
	struct machine machine;
	unsigned int request = _IOW(KVMIO, 0xc6, struct filter_32);
	int result;

	machine_make(&machine, out_code, out_end);
	filter = (void *)(machine.memory + 8 * PAGE);
	filter->ranges[0].flags = KVM_MSR_FILTER_READ;
	filter->ranges[0].count = 8;
	filter->ranges[0].bitmap = (uint32_t)(uintptr_t)(machine.memory + 9 * PAGE);
	result = ioctl32(machine.vm, request, filter);
	if (result == -ENOSYS)
		skip("no 32-bit calls here");
	check(!result, "KVM_X86_SET_MSR_FILTER: %s", strerror(-result));
	filter->ranges[0].bitmap = 0;
	result = ioctl32(machine.vm, request, filter);
	check(result == -EFAULT, "a bitmap at 0: expected EFAULT, got %d", result);
}

/* There is one ring for all vCPUs (KVM API 4.116), and programs map that of the first. */
static void one_ring(void)
{
	struct kvm_coalesced_mmio_zone zone = { .addr = 0x44, .size = 1, .pio = 1 };
	struct kvm_coalesced_mmio_ring *ring;
	struct machine machine;
	int page, reason;

	machine_make(&machine, out_code, out_end);
	page = ioctl(machine.kvm, KVM_CHECK_EXTENSION, KVM_CAP_COALESCED_MMIO);
	ring = (void *)((char *)machine.run[0] + (unsigned int)page * PAGE);
	check(!ioctl(machine.vm, KVM_REGISTER_COALESCED_MMIO, &zone), "zone: %m");
	reason = machine_run(&machine, 1);
	check(reason == KVM_EXIT_HLT, "expected HLT, got exit %d", reason);
	check(ring->last == 1 && ring->coalesced_mmio[0].data[0] == 0x5a,
	      "the ring: expected one write of 0x5a, got %u", ring->last);
}

/* ---- files ------------------------------------------------------------------------------ */

/* Whatever is closed first, what is left works. */
static void any_order(void)
{
	struct machine machine;
	int reason;

	machine_make(&machine, out_code, out_end);
	close(machine.kvm);
	close(machine.vm);
	close(machine.vcpu[1]);
	reason = machine_run(&machine, 0);
	check(reason == KVM_EXIT_IO, "expected KVM_EXIT_IO, got %d", reason);
	close(machine.vcpu[0]);
	check(machine.run[0]->exit_reason == KVM_EXIT_IO, "kvm_run has changed");
	check(syscall(SYS_delete_module, "assay", O_NONBLOCK) && errno == EAGAIN,
	      "the module was unloaded below a mapping");
}

/* A VM is of the task that made it. */
static void others(void)
{
	struct machine machine;
	int status;

	machine_make(&machine, out_code, out_end);
	if (!fork())
		_exit(machine_run(&machine, 0) == -EIO &&
		      ioctl(machine.vm, KVM_CHECK_EXTENSION, 0) == -1 && errno == EIO ? 0 : 1);
	wait(&status);
	check(!status, "another task may use it");
}

/* ---- nothing is left -------------------------------------------------------------------- */

static long long counter(const char *name)
{
	FILE *file = fopen("/sys/kernel/debug/assay/stats", "r");
	char key[64];
	long long value, found = -1;

	while (file && fscanf(file, "%63s %lld", key, &value) == 2) {
		if (!strcmp(key, name))
			found = value;
	}
	if (file)
		fclose(file);
	return found;
}

/* Tasks that were killed have gone, and orphans of theirs may take a moment. */
static void nothing_left(void)
{
	for (unsigned int i = 0; i < 100 && (counter("vms") || counter("vcpus")); i++)
		usleep(100000);
	check(!counter("vms"), "%lld VMs are left", counter("vms"));
	check(!counter("vcpus"), "%lld vCPUs are left", counter("vcpus"));
	check(counter("vms_made") > 0, "no VM was ever counted");
	check(!syscall(SYS_delete_module, "assay", O_NONBLOCK), "the module stays: %m");
}

static unsigned int seconds;

static void be_stressed(void)
{
	stress(seconds);
}

static const struct {
	const char *name;
	void (*run)(void);
} tests[] = {
	{ "xcr0", xcr0 }, { "pkru", pkru }, { "refused", refused },
	{ "dirty_log_32", dirty_log_32 },
	{ "filter_32", filter_32 }, { "one_ring", one_ring }, { "any_order", any_order },
	{ "others", others }, { "stress", be_stressed }, { "nothing_left", nothing_left },
};

#define TESTS (sizeof(tests) / sizeof(tests[0]))

static bool passes(unsigned int i)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		tests[i].run();
		_exit(0);
	}
	waitpid(pid, &status, 0);
	if (WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED)
		printf("ok %u - %s # SKIP\n", i + 1, tests[i].name);
	else
		printf("%sok %u - %s\n", status ? "not " : "", i + 1, tests[i].name);
	return !status || (WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED);
}

static bool wanted(const char *name, char *const *names)
{
	for (unsigned int i = 0; names[i]; i++) {
		if (!strcmp(names[i], name))
			return true;
	}
	return !names[0];
}

int main(int argc, char **argv)
{
	bool good = true;

	if (argc < 3) {
		fprintf(stderr, "usage: %s NODE SECONDS [NAME...]\n", argv[0]);
		return 2;
	}
	node = argv[1];
	seconds = (unsigned int)atoi(argv[2]);
	/* It may be there. */
	mount("debugfs", "/sys/kernel/debug", "debugfs", 0, NULL);
	printf("1..%zu\n", TESTS);
	for (unsigned int i = 0; i < TESTS; i++)
		good &= !wanted(tests[i].name, argv + 3) || passes(i);
	return !good;
}

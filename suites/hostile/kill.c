// SPDX-License-Identifier: GPL-2.0-only
/*
 * kill -9 in every phase of a VM's life: a task says that it is in the phase, and is killed some
 * time after that, each time later than the last. What is right is that it goes at once, and that
 * nothing of it is left.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "machine.h"

#define ROUNDS 16
#define STEP 40			/* microseconds; the time grows with the square of rounds */

/* Shared with the task that will be killed. */
struct progress {
	_Atomic bool reached;
	unsigned int round;
};
static struct progress *shared;

static void here(void)
{
	shared->reached = true;
}

/* ---- the phases --------------------------------------------------------------------------- */

/*
 * Making and ending VMs: with its files closed, or not. Most of the time is taken by their end,
 * so in every other round the first 64 are only made.
 */
static void creating(void)
{
	struct machine machine;

	machine_make_vm(&machine, &counting);
	here();
	for (unsigned int i = 0; shared->round & 1 && i < 64; i++)
		ioctl(machine.kvm, KVM_CREATE_VM, 0);
	for (;;) {
		machine_make(&machine, &counting);
		machine_end(&machine);
	}
}

static void vcpus(void)
{
	struct machine machine;

	machine_make_vm(&machine, &counting);
	here();
	for (unsigned int i = 0; i < 64; i++)
		ioctl(machine.vm, KVM_CREATE_VCPU, i);
	pause();
}

static void setting(void)
{
	static struct kvm_xsave xsave;
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry;
	} msr = { .head = { .nmsrs = 1 }, .entry = { .index = 0x10 } };
	struct kvm_userspace_memory_region slot = {
		.slot = 1, .guest_phys_addr = 1 << 20, .memory_size = MEMORY,
		.flags = KVM_MEM_LOG_DIRTY_PAGES };
	struct kvm_ioeventfd event = { .addr = 0x99, .len = 1, .flags = KVM_IOEVENTFD_FLAG_PIO };
	struct machine machine;

	machine_make(&machine, &counting);
	slot.userspace_addr = (uintptr_t)machine.memory;
	event.fd = eventfd(0, 0);
	here();
	for (;;) {
		machine_reset(&machine, 0);
		ioctl(machine.vcpu[0], KVM_GET_XSAVE, &xsave);
		ioctl(machine.vcpu[0], KVM_SET_XSAVE, &xsave);
		ioctl(machine.vcpu[0], KVM_SET_MSRS, &msr);
		ioctl(machine.vm, KVM_SET_USER_MEMORY_REGION, &slot);
		slot.memory_size = slot.memory_size ? 0 : MEMORY;
		ioctl(machine.vm, KVM_IOEVENTFD, &event);
		event.flags ^= KVM_IOEVENTFD_FLAG_DEASSIGN;
	}
}

/* Two vCPUs run, one of them in another thread. */
static void running(const struct guest *guest)
{
	struct machine machine;
	struct runner runner;

	machine_make(&machine, guest);
	runner_start(&runner, &machine, 1);
	expect_counts(&machine, 1);
	here();
	for (;;)
		machine_run(&machine, 0);
}

static void native(void)
{
	running(&counting);
}

static void kernel(void)
{
	running(&exiting);
}

static void port(void)
{
	running(&porting);
}

static void mmio(void)
{
	running(&storing);
}

static void emulation(void)
{
	running(&interpreted);
}

static void bus(void)
{
	running(&locking);
}

/* HLT with the irqchip in the kernel, which waits there. */
static void halted(void)
{
	struct machine machine;

	machine_make_vm(&machine, &halting);
	if (ioctl(machine.vm, KVM_CREATE_IRQCHIP, 0))
		skip("no irqchip in the kernel, so nothing waits there");
	machine_make_vcpu(&machine, 0);
	here();
	for (;;)
		machine_run(&machine, 0);
}

/*
 * A page that nobody brings: the guest waits for it, and slots are changed meanwhile; in every
 * other round its own stays, so that there is something to wait for.
 */
static void fault(const struct guest *guest)
{
	struct kvm_userspace_memory_region slot = {
		.slot = 1, .guest_phys_addr = NOTHING_AT, .memory_size = PAGE };
	struct machine machine;
	struct runner runners[2];
	uint64_t bits;
	struct kvm_dirty_log log = { .dirty_bitmap = &bits };
	int fd;

	machine_make(&machine, guest);
	slot.userspace_addr = (uintptr_t)machine.memory;
	check(!ioctl(machine.vm, KVM_SET_USER_MEMORY_REGION, &slot), "another slot: %m");
	slot.slot = shared->round & 1;
	slot.memory_size = 0;
	fd = watch_pages(machine.memory + FAR_AT, PAGE);
	runner_start(&runners[0], &machine, 0);
	runner_start(&runners[1], &machine, 1);
	wanted_page(fd);
	here();
	ioctl(machine.vm, KVM_GET_DIRTY_LOG, &log);
	ioctl(machine.vm, KVM_SET_USER_MEMORY_REGION, &slot);
	pause();
}

static void fault_native(void)
{
	fault(&touching);
}

static void fault_emulated(void)
{
	fault(&interpreted);
}

static void fault_locked(void)
{
	fault(&locking);
}

static void teardown(void)
{
	struct machine machine;
	struct runner runner;

	machine_make(&machine, &counting);
	runner_start(&runner, &machine, 0);
	expect_counts(&machine, 1);
	here();
	munmap(machine.memory + FAR_AT, PAGE);
	close(machine.vcpu[1]);
	close(machine.vm);
	_exit(0);
}

/* ---- the killer ----------------------------------------------------------------------------- */

static pid_t begin(void (*phase)(void))
{
	pid_t child;

	shared->reached = false;
	child = fork();
	if (!child) {
		phase();
		_exit(1);
	}
	return child;
}

static void one_round(void (*phase)(void), unsigned int round)
{
	uint64_t end = now() + 30000000;
	pid_t child = begin(phase);
	int status;

	while (!shared->reached) {
		if (waitpid(child, &status, WNOHANG) == child)
			_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
		check(now() < end, "the phase is not reached");
		usleep(200);
	}
	usleep((useconds_t)(round * round * STEP));
	kill(child, SIGKILL);
	end = now() + 10000000;
	while (waitpid(child, &status, WNOHANG) != child) {
		check(now() < end, "the task cannot be killed");
		usleep(200);
	}
}

static void kill_in(void (*phase)(void))
{
	shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	check(shared != MAP_FAILED, "memory: %m");
	for (; shared->round < ROUNDS; shared->round++)
		one_round(phase, shared->round);
	check(nothing_left(), "after %u tasks", ROUNDS);
}

#define PHASE(phase)					\
	static void kill_##phase(void)			\
	{						\
		kill_in(phase);				\
	}

#define FORCED_PHASE(phase)				\
	static void kill_##phase(void)			\
	{						\
		if (!forced_emulation())		\
			skip("no forced-emulation prefix"); \
		kill_in(phase);				\
	}

PHASE(creating)
PHASE(vcpus)
PHASE(setting)
PHASE(native)
PHASE(kernel)
PHASE(port)
PHASE(mmio)
FORCED_PHASE(emulation)
FORCED_PHASE(bus)
PHASE(halted)
PHASE(fault_native)
FORCED_PHASE(fault_emulated)
FORCED_PHASE(fault_locked)
PHASE(teardown)

const struct test kill_tests[] = {
	{ "kill/creating", kill_creating }, { "kill/vcpus", kill_vcpus },
	{ "kill/setting", kill_setting }, { "kill/native", kill_native },
	{ "kill/kernel", kill_kernel }, { "kill/port", kill_port }, { "kill/mmio", kill_mmio },
	{ "kill/emulation", kill_emulation }, { "kill/bus", kill_bus },
	{ "kill/halted", kill_halted }, { "kill/fault_native", kill_fault_native },
	{ "kill/fault_emulated", kill_fault_emulated },
	{ "kill/fault_locked", kill_fault_locked }, { "kill/teardown", kill_teardown },
	{ NULL, NULL },
};

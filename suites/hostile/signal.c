// SPDX-License-Identifier: GPL-2.0-only
/* Signals during every call: many, those that stop, a debugger's. No write is lost or doubled. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/ptrace.h>
#include <sys/time.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "machine.h"

static volatile unsigned int signals;

static void called(int signal)
{
	(void)signal;
	signals++;
}

/* SIGALRM every so many microseconds; 0: no more. */
static void storm(int microseconds)
{
	struct sigaction action = { .sa_handler = called };
	struct itimerval timer = { { 0, microseconds }, { 0, microseconds } };

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
}

static void numbers_in_storm(const struct guest *guest)
{
	struct machine machine;
	uint32_t next = 0;

	machine_make(&machine, guest);
	storm(1500);
	while (signals < 300 || next < 300)
		machine_numbers(&machine, 0, &next, next + 10);
	storm(0);
	machine_end(&machine);
}

static void ports(void)
{
	numbers_in_storm(&sequence);
}

static void mmio(void)
{
	numbers_in_storm(&echo);
}

/* A guest that needs nobody is called out, and nothing of its work is lost. */
static void native(void)
{
	struct machine machine;
	struct kvm_regs regs;
	int reason;

	machine_make(&machine, &counting);
	storm(1500);
	while (signals < 300) {
		reason = machine_run(&machine, 0);
		check(reason == -EINTR, "exit %d", reason);
		check(!ioctl(machine.vcpu[0], KVM_GET_REGS, &regs), "KVM_GET_REGS: %m");
		check(regs.rip - CODE_AT < 7 && regs.rsp == 0, "RIP %#llx", regs.rip);
	}
	storm(0);
	check(machine_count(&machine) > 0, "the guest has not run");
	machine_end(&machine);
}

/* ---- calls ------------------------------------------------------------------------------- */

struct call {
	const char *name;
	unsigned long get, set;
	bool vcpu;
};

/* Each pair must work, however many signals there are. */
static void calls_once(struct machine *machine)
{
	static const struct call calls[] = {
		{ "REGS", KVM_GET_REGS, KVM_SET_REGS, true },
		{ "SREGS", KVM_GET_SREGS, KVM_SET_SREGS, true },
		{ "FPU", KVM_GET_FPU, KVM_SET_FPU, true },
		{ "XSAVE", KVM_GET_XSAVE, KVM_SET_XSAVE, true },
		{ "XCRS", KVM_GET_XCRS, KVM_SET_XCRS, true },
		{ "DEBUGREGS", KVM_GET_DEBUGREGS, KVM_SET_DEBUGREGS, true },
		{ "VCPU_EVENTS", KVM_GET_VCPU_EVENTS, KVM_SET_VCPU_EVENTS, true },
		{ "MP_STATE", KVM_GET_MP_STATE, KVM_SET_MP_STATE, true },
	};
	static uint64_t room[2048];

	for (unsigned int i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		check(!ioctl(machine->vcpu[1], calls[i].get, room), "KVM_GET_%s: %m",
		      calls[i].name);
		check(!ioctl(machine->vcpu[1], calls[i].set, room), "KVM_SET_%s: %m",
		      calls[i].name);
	}
}

static void slots_once(struct machine *machine)
{
	struct kvm_userspace_memory_region slot = {
		.slot = 3, .flags = KVM_MEM_LOG_DIRTY_PAGES, .guest_phys_addr = 1 << 20,
		.memory_size = MEMORY, .userspace_addr = (uintptr_t)machine->memory };
	struct kvm_ioeventfd event = { .addr = 0x99, .len = 1, .flags = KVM_IOEVENTFD_FLAG_PIO };
	uint64_t bits[MEMORY / PAGE / 64 + 1];
	struct kvm_dirty_log log = { .slot = 3, .dirty_bitmap = bits };

	check(!ioctl(machine->vm, KVM_SET_USER_MEMORY_REGION, &slot), "a slot: %m");
	check(!ioctl(machine->vm, KVM_GET_DIRTY_LOG, &log), "its log: %m");
	slot.memory_size = 0;
	check(!ioctl(machine->vm, KVM_SET_USER_MEMORY_REGION, &slot), "no slot: %m");
	event.fd = eventfd(0, EFD_CLOEXEC);
	check(!ioctl(machine->vm, KVM_IOEVENTFD, &event), "KVM_IOEVENTFD: %m");
	event.flags |= KVM_IOEVENTFD_FLAG_DEASSIGN;
	check(!ioctl(machine->vm, KVM_IOEVENTFD, &event), "KVM_IOEVENTFD: %m");
	close(event.fd);
}

/*
 * Making a VM may be called off by a signal (KVM does that), and then works the next time; where
 * it takes longer than the time between two signals, when there are fewer.
 */
static int made_in_storm(const struct machine *machine, int *period)
{
	int vm;

	for (unsigned int tries = 1;; tries++) {
		vm = ioctl(machine->kvm, KVM_CREATE_VM, 0);
		if (vm >= 0)
			return vm;
		check(errno == EINTR, "KVM_CREATE_VM: %m");
		if (tries % 20 == 0 && *period < 100000)
			storm(*period *= 2);
	}
}

static void calls(void)
{
	struct machine machine;
	int period = 500;

	machine_make(&machine, &counting);
	storm(period);
	while (signals < 1000) {
		calls_once(&machine);
		slots_once(&machine);
		close(made_in_storm(&machine, &period));
	}
	storm(0);
	machine_end(&machine);
}

/* ---- stopped by others ------------------------------------------------------------------- */

/* A task that counts to `end` and says with its status whether all was right. */
static pid_t count_in_task(const struct guest *guest, uint32_t end)
{
	pid_t task = fork();

	if (!task) {
		struct machine machine;
		uint32_t next = 0;

		machine_make(&machine, guest);
		machine_numbers(&machine, 0, &next, end);
		machine_end(&machine);
		_exit(0);
	}
	return task;
}

static void stopped(void)
{
	pid_t task = count_in_task(&echo, 4000);
	unsigned int stops = 0;
	int status;

	while (!waitpid(task, &status, WNOHANG)) {
		/* Longer and longer, for it may be slow. */
		usleep(1000 + 20 * stops);
		kill(task, SIGSTOP);
		usleep(1000);
		kill(task, SIGCONT);
		stops++;
	}
	check(!status && stops > 5, "status %#x after %u stops", status, stops);
}

static void traced(void)
{
	pid_t task = count_in_task(&echo, 4000);
	struct user_regs_struct regs;
	unsigned int stops = 0;
	int status = 0;

	while (stops < 60) {
		usleep(1000);
		if (ptrace(PTRACE_SEIZE, task, NULL, NULL) ||
		    ptrace(PTRACE_INTERRUPT, task, NULL, NULL))
			break;
		check(waitpid(task, &status, 0) == task, "the task: %m");
		if (!WIFSTOPPED(status))
			break;
		check(!ptrace(PTRACE_GETREGS, task, NULL, &regs), "PTRACE_GETREGS: %m");
		check(!ptrace(PTRACE_DETACH, task, NULL, NULL), "PTRACE_DETACH: %m");
		stops++;
	}
	if (!WIFEXITED(status) || WIFSTOPPED(status))
		waitpid(task, &status, 0);
	check(WIFEXITED(status) && !WEXITSTATUS(status) && stops > 5,
	      "status %#x after %u stops", status, stops);
}

const struct test signal_tests[] = {
	{ "signal/ports", ports }, { "signal/mmio", mmio }, { "signal/native", native },
	{ "signal/calls", calls }, { "signal/stopped", stopped }, { "signal/traced", traced },
	{ NULL, NULL },
};

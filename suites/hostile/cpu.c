// SPDX-License-Identifier: GPL-2.0-only
/* Guests that reach for the host's registers. */
#include <cpuid.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/time.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "machine.h"

extern const uint8_t xcr0_code[], xcr0_end[], pkru_code[], pkru_end[];
extern const uint8_t opening_code[], opening_end[];

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
	"opening_code:\n"
	"	sti\n"
	"	incl 0x2000\n"
	"	incl 0x2000\n"
	"	hlt\n"
	"opening_end:\n"
	".code64\n"
	".popsection\n");

/* XCR0 with a bit that no processor has, which this guest's CPUID promises: #GP, and none in
 * the host. There is no IDT, so it ends in a shutdown. The prefix has the module execute
 * XSETBV where the processor does not exit for it (QEMU). */
static void xcr0(void)
{
	const struct guest guest = { xcr0_code, xcr0_end };
	struct kvm_sregs sregs;
	struct machine machine;
	int reason;

	if (!is_assay())
		skip("only of a guest with such a CPUID");
	machine_make(&machine, &guest);
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
	const struct guest guest = { pkru_code, pkru_end };
	struct kvm_xcrs xcrs = { .nr_xcrs = 1, .xcrs = { { .value = 0x203 } } };
	unsigned int eax, ebx, ecx, edx, offset;
	struct machine machine;
	uint32_t before;
	int reason;

	__cpuid_count(7, 0, eax, ebx, ecx, edx);
	if (!(ecx & 1u << 4) || !is_assay())
		skip("no protection keys here");
	__cpuid_count(0xd, 9, eax, offset, ecx, edx);
	machine_make(&machine, &guest);
	check(!ioctl(machine.vcpu[0], KVM_SET_XCRS, &xcrs), "KVM_SET_XCRS: %m");
	machine.memory[DATA_AT + 512 + 1] = 2;		/* XSTATE_BV: PKRU */
	memset(machine.memory + DATA_AT + offset, 0xcc, 4);
	before = rdpkru();
	reason = machine_run(&machine, 0);
	check(reason == KVM_EXIT_HLT, "expected HLT, got exit %d", reason);
	check(rdpkru() == before, "PKRU of the task: expected %#x, got %#x", before, rdpkru());
}

/* A task on processor 0 that stops, and then writes what the debugger may watch. */
static noreturn void be_watched(volatile int *watched)
{
	check(pin(0, 0), "processor 0: %m");
	ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	for (;;) {
		raise(SIGSTOP);
		*watched = 1;
	}
}

/* DR0 of a stopped task: four bytes, written to. */
static void watch(pid_t task, volatile int *watched)
{
	check(!ptrace(PTRACE_POKEUSER, task, offsetof(struct user, u_debugreg[0]), watched) &&
	      !ptrace(PTRACE_POKEUSER, task, offsetof(struct user, u_debugreg[7]), 0xd0001),
	      "a breakpoint: %m");
}

/*
 * What a guest's #DB left in DR6 must not be there for the host's next: a step's bit, beside a
 * breakpoint's, would make a step of it.
 */
static void dr6(void)
{
	struct kvm_guest_debug debug = {
		.control = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP };
	static volatile int watched;
	struct machine machine;
	siginfo_t info;
	int status;
	pid_t task;

	check(pin(0, 0), "processor 0: %m");
	task = fork();
	if (!task)
		be_watched(&watched);
	machine_make(&machine, &counting);
	check(!ioctl(machine.vcpu[0], KVM_SET_GUEST_DEBUG, &debug), "KVM_SET_GUEST_DEBUG: %m");
	for (unsigned int i = 0; i < 20; i++) {
		check(waitpid(task, &status, 0) == task && WIFSTOPPED(status), "the task: %m");
		watch(task, &watched);
		check(machine_run(&machine, 0) == KVM_EXIT_DEBUG, "no step");
		ptrace(PTRACE_CONT, task, NULL, NULL);
		check(waitpid(task, &status, 0) == task && WIFSTOPPED(status) &&
		      WSTOPSIG(status) == SIGTRAP, "the breakpoint: status %#x", status);
		check(!ptrace(PTRACE_GETSIGINFO, task, NULL, &info), "PTRACE_GETSIGINFO: %m");
		check(info.si_code == TRAP_HWBKPT, "si_code: expected %d, got %d", TRAP_HWBKPT,
		      info.si_code);
		ptrace(PTRACE_CONT, task, NULL, NULL);
	}
	kill(task, SIGKILL);
}

/*
 * STI that is the first instruction of an entry holds interrupts back for the one that follows
 * (SDM 2 STI). It does not where the entry has the shadow of the host's own STI, for a shadow is
 * not begun within another. An interrupt of the host's between the two may spoil a few of them.
 */
static void shadow(void)
{
	struct guest guest = { opening_code, opening_end };
	unsigned int right = 0;
	struct machine machine;
	int reason;

	if (!is_assay())
		skip("older stock KVM has that fault");
	machine_make(&machine, &guest);
	for (unsigned int i = 0; i < 20; i++) {
		machine_reset(&machine, 0);
		*(volatile uint32_t *)(machine.memory + DATA_AT) = 0;
		machine.run[0]->request_interrupt_window = 1;
		reason = machine_run(&machine, 0);
		check(reason == KVM_EXIT_IRQ_WINDOW_OPEN, "expected a window, got exit %d", reason);
		check(machine_count(&machine) <= 1, "the window opens %u instructions late",
		      machine_count(&machine) - 1);
		right += machine_count(&machine);
	}
	check(right > 10, "%u of 20 windows have opened within the shadow of STI", 20 - right);
	machine_end(&machine);
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
	uint64_t from;
	int reason;

	machine_make(&machine, &counting);
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
	/* It counts, with interrupts off: only the host's own end it. */
	sigaction(SIGALRM, &quiet, NULL);
	setitimer(ITIMER_REAL, &soon, NULL);
	from = now();
	reason = machine_run(&machine, 0);
	check(reason == -EINTR, "expected EINTR, got %d", reason);
	check(now() - from < 5000000, "the host had no interrupt for %llu ms",
	      (unsigned long long)(now() - from) / 1000);
}

const struct test cpu_tests[] = {
	{ "cpu/xcr0", xcr0 }, { "cpu/pkru", pkru }, { "cpu/dr6", dr6 }, { "cpu/refused", refused },
	{ "cpu/shadow", shadow },
	{ NULL, NULL },
};

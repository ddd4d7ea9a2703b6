// SPDX-License-Identifier: GPL-2.0-only
/*
 * A second thread writes anything over what a vCPU shares with its task, kvm_run and the pages
 * behind it, while it runs: it may make the VM's life a misery, and nobody else's.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>

#include "machine.h"

extern const uint8_t io_code[], io_end[];

/* Everything that is completed from shared memory: ports, strings, MMIO, MSRs, hypercalls. */
__asm__(
	".pushsection .rodata\n"
	".code16\n"
	"io_code:\n"
	"	mov $0x5000, %ax\n"
	"	mov %ax, %fs\n"
	"1:	mov %fs:0x10, %eax\n"
	"	mov %eax, %fs:0xffe\n"
	"	incl %fs:0x20\n"
	"	in $0x40, %eax\n"
	"	out %ax, $0x41\n"
	"	mov $0x42, %dx\n"
	"	mov $0x2100, %di\n"
	"	mov $5, %cx\n"
	"	rep insw\n"
	"	mov $0x2100, %si\n"
	"	mov $5, %cx\n"
	"	rep outsw\n"
	"	mov $0x2000, %si\n"
	"	fxsave %fs:0x100\n"
	"	mov $0x12345, %ecx\n"
	"	rdmsr\n"
	"	wrmsr\n"
	"	mov $12, %eax\n"
	"	mov $0x1000, %ebx\n"
	"	mov $1, %ecx\n"
	"	xor %edx, %edx\n"
	"	vmmcall\n"
	"	incl 0x2000\n"
	"	jmp 1b\n"
	"io_end:\n"
	".code64\n"
	".popsection\n");

static const struct guest io = { io_code, io_end };

static _Atomic bool enough;
static struct machine machine;

/* Where the ring of coalesced writes begins in those pages; 0: there is none. */
static size_t coalesced_at(void)
{
	return (size_t)ioctl(machine.kvm, KVM_CHECK_EXTENSION, KVM_CAP_COALESCED_MMIO) * PAGE;
}

/* Indices into the ring that lead anywhere, and registers that are to be taken. */
static void scribble_words(unsigned int what, volatile struct kvm_coalesced_mmio_ring *ring)
{
	if (!(what % 97)) {
		machine.run[0]->kvm_valid_regs = what >> 10 & 15;
		machine.run[0]->kvm_dirty_regs = what >> 14 & 15;
	}
	if (ring && !(what % 61)) {
		ring->first = what >> 8 & 1 ? what : 0;
		ring->last = what >> 9 & 1 ? what << (what >> 10 & 7) : what >> 16 & 63;
	}
}

/* 3 in 4 over the fields that are read, else anywhere in all the pages. */
static void *scribble(void *seed)
{
	unsigned int state = (unsigned int)(uintptr_t)seed;
	volatile uint8_t *shared = (volatile uint8_t *)machine.run[0];
	static const uint8_t values[] = { 0, 1, 2, 4, 8, 0x7f, 0x80, 0xff };
	size_t ring = coalesced_at();

	while (!enough) {
		unsigned int what = (unsigned int)rand_r(&state);
		size_t at = what & 3 ? what >> 3 & 0x1ff : (what >> 3) % machine.run_bytes;

		shared[at] = what & 4 ? values[what >> 20 & 7] : (uint8_t)(what >> 20);
		scribble_words(what, ring ? (void *)(shared + ring) : NULL);
	}
	return NULL;
}

static void called(int signal)
{
	(void)signal;
}

static void enable(unsigned int capability, uint64_t argument)
{
	struct kvm_enable_cap cap = { .cap = capability, .args = { argument } };

	ioctl(machine.vm, KVM_ENABLE_CAP, &cap);
}

static void start_over(void)
{
	memset(machine.run[0], 0, PAGE);
	memcpy(machine.memory + CODE_AT, io.code, (size_t)(io.end - io.code));
	machine_reset(&machine, 0);
}

static void kvm_run(void)
{
	struct sigaction action = { .sa_handler = called };
	struct itimerval timer = { { 0, 20000 }, { 0, 20000 } };
	struct kvm_coalesced_mmio_zone zone = { .addr = NOTHING_AT + 0x20, .size = 16 };
	unsigned int results[256] = { 0 }, rounds = 0, kinds = 0;
	struct machine other;
	pthread_t thread;
	uint32_t next = 0;
	uint64_t end;

	machine_make(&machine, &io);
	machine_make(&other, &echo);
	enable(KVM_CAP_X86_USER_SPACE_MSR, 7);
	enable(KVM_CAP_EXIT_HYPERCALL, 1 << 12);
	ioctl(machine.vm, KVM_REGISTER_COALESCED_MMIO, &zone);
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
	check(!pthread_create(&thread, NULL, scribble, (void *)(uintptr_t)getpid()),
	      "a thread: %m");
	end = now() + seconds * 1000000ull;
	for (; now() < end || rounds < 2000; rounds++) {
		int reason = machine_run(&machine, 0);

		results[reason & 255]++;
		if (reason == KVM_EXIT_INTERNAL_ERROR || reason == KVM_EXIT_SHUTDOWN ||
		    reason == -EFAULT || rounds % 64 == 63)
			start_over();
		/* Another VM of the task has nothing to do with it. */
		if (rounds % 256 == 255)
			machine_numbers(&other, 0, &next, next + 2);
	}
	enough = true;
	pthread_join(thread, NULL);
	timer = (struct itimerval){ { 0, 0 }, { 0, 0 } };
	setitimer(ITIMER_REAL, &timer, NULL);
	for (unsigned int i = 0; i < 256; i++)
		kinds += !!results[i];
	check(kinds > 3, "of %u rounds there were only %u results", rounds, kinds);
	/* When it is over the vCPU is as good as new. */
	memset(machine.run[0], 0, PAGE);
	machine_complete(&machine, 0);
	start_over();
	memcpy(machine.memory + CODE_AT, halting.code, (size_t)(halting.end - halting.code));
	check(machine_run(&machine, 0) == KVM_EXIT_HLT, "exit %u afterwards",
	      machine.run[0]->exit_reason);
}

const struct test scribble_tests[] = { { "scribble/kvm_run", kvm_run }, { NULL, NULL } };

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tasks with guests that run while their memory and slots change under them, that call what
 * there is and what there is not with arguments that mean nothing, and that are killed at
 * any moment. What is right is said by the kernel's silence, and by what is left: nothing.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "machine.h"

#define TASKS 3			/* at once, of three threads each */
#define LIFE 60000		/* of a task at most, in microseconds */

extern const uint8_t busy_code[], busy_end[];

static const struct guest busy = { busy_code, busy_end };

/* Writes to pages, to MMIO space above memory, and to a port. */
__asm__(
	".pushsection .rodata\n"
	".code16\n"
	"busy_code:\n"
	"	mov $0x3000, %di\n"
	"	mov $0xc000, %cx\n"
	"1:	incw (%di)\n"
	"	add $1024, %di\n"
	"	dec %cx\n"
	"	test $15, %cx\n"
	"	jnz 1b\n"
	"	out %al, $0x11\n"
	"	mov $0x5000, %bx\n"
	"	mov %bx, %fs\n"
	"	lock incw %fs:0x10\n"
	"	mov $0x2000, %si\n"
	"	mov $40, %cx\n"
	"	mov $0x12, %dx\n"
	"	rep outsb\n"
	"	jmp busy_code\n"
	"busy_end:\n"
	".code64\n"
	".popsection\n");

static void *run_guest(void *argument)
{
	struct machine *machine = argument;
	static _Atomic unsigned int next;
	unsigned int vcpu = next++ % 2;

	for (;;) {
		machine_run(machine, vcpu);
		if (machine->run[vcpu]->exit_reason == KVM_EXIT_SHUTDOWN)
			usleep(1000);
	}
	return NULL;
}

static void change_slot(struct machine *machine, unsigned int how)
{
	struct kvm_userspace_memory_region slot = {
		.slot = how >> 8 & 1, .flags = how >> 4 & 3, .memory_size = how & 1 ? 0 : MEMORY,
		.guest_phys_addr = how >> 8 & 1 ? MEMORY : 0,
		.userspace_addr = (uintptr_t)machine->memory,
	};
	uint64_t bits[MEMORY / PAGE / 64];
	struct kvm_dirty_log log = { .slot = slot.slot, .dirty_bitmap = bits };

	ioctl(machine->vm, KVM_SET_USER_MEMORY_REGION, &slot);
	ioctl(machine->vm, KVM_GET_DIRTY_LOG, &log);
}

/* A number that may be a call, with bytes that are no structure. */
static void call_anything(const struct machine *machine, unsigned int number)
{
	static uint64_t bytes[1024];
	unsigned long size = number & 1 ? 8ul << (number >> 1 & 7) : (unsigned long)rand() & 0x3ff;
	unsigned long request = _IOC((unsigned int)number >> 4 & 3, KVMIO, rand() & 0xff, size);
	const int files[] = { machine->vm, machine->vcpu[0], machine->vcpu[1], machine->kvm };

	for (unsigned int i = 0; i < 1024; i++)
		bytes[i] = (uint64_t)rand() << (rand() & 31);
	/* KVM_CREATE_VM and its like give files, which the end of the task closes. */
	ioctl(files[number >> 8 & 3], request, number & 64 ? (void *)bytes : NULL);
}

static noreturn void live(unsigned int seed)
{
	volatile uint8_t *shared;
	struct machine machine;
	pthread_t thread;

	srand(seed);
	machine_make(&machine, &busy);
	pthread_create(&thread, NULL, run_guest, &machine);
	pthread_create(&thread, NULL, run_guest, &machine);
	for (;;) {
		unsigned int what = (unsigned int)rand();

		switch (what % 6) {
		case 0:
			madvise(machine.memory + PAGE * (what >> 8 & 31), PAGE * 8, MADV_DONTNEED);
			break;
		case 1:
			mprotect(machine.memory + 16 * PAGE, PAGE * 4,
				 what & 256 ? PROT_READ : PROT_READ | PROT_WRITE);
			break;
		case 2:
			change_slot(&machine, what >> 8);
			break;
		case 3:
			if (!fork())
				_exit(0);
			break;
		case 4:
			shared = (volatile uint8_t *)machine.run[0];
			shared[what >> 8 & 4095] = (uint8_t)(what >> 20);
			break;
		default:
			call_anything(&machine, what >> 8);
		}
		if (what % 4096 == 77)
			close(machine.vm);
	}
}

static pid_t begin(unsigned int seed)
{
	pid_t pid = fork();

	if (!pid)
		live(seed);
	return pid;
}

static void stress(void)
{
	pid_t tasks[TASKS] = { 0 };
	time_t end = time(NULL) + seconds;

	/* Children of the tasks are not waited for by those. */
	signal(SIGCHLD, SIG_DFL);
	for (unsigned int i = 0; time(NULL) < end; i++) {
		pid_t *task = &tasks[i % TASKS];

		if (*task) {
			kill(*task, SIGKILL);
			waitpid(*task, NULL, 0);
		}
		*task = begin(i);
		usleep((useconds_t)rand() % LIFE / TASKS);
	}
	for (unsigned int i = 0; i < TASKS; i++) {
		if (tasks[i]) {
			kill(tasks[i], SIGKILL);
			waitpid(tasks[i], NULL, 0);
		}
	}
}

const struct test stress_tests[] = { { "stress/tasks", stress }, { NULL, NULL } };

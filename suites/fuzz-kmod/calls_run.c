// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_RUN, in the first thread and in others, and threads that change beside it what a vCPU
 * is using: kvm_run, slots, memory, registers, the dirty log.
 */
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "calls.h"

#define TICK 1000000		/* ns: how long a guest may run at most */
#define TIMES_MAX 200

/* ---- KVM_RUN ------------------------------------------------------------------------------ */

/* Signals for this thread alone, until the timer is deleted. */
static timer_t tick(void)
{
	struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGALRM };
	struct itimerspec every = { .it_interval.tv_nsec = TICK, .it_value.tv_nsec = TICK };
	timer_t timer;

	event._sigev_un._tid = (pid_t)syscall(SYS_gettid);
	if (timer_create(CLOCK_MONOTONIC, &event, &timer) || timer_settime(timer, 0, &every, NULL))
		trouble("timer_create: %s", strerror(errno));
	return timer;
}

/* What user space answers: anything. */
static void answer(struct kvm_run *run, struct chance *chance)
{
	uint64_t data = chance_next(chance);

	if (o.scribbled)
		return;
	if (run->exit_reason == KVM_EXIT_IO)
		memcpy((uint8_t *)run + (run->io.data_offset & 0x1ff8), &data, 8);
	else if (run->exit_reason == KVM_EXIT_MMIO)
		memcpy(run->mmio.data, &data, 8);
	else if (run->exit_reason == KVM_EXIT_X86_RDMSR || run->exit_reason == KVM_EXIT_X86_WRMSR)
		run->msr.error = data & 1;
	else if (run->exit_reason == KVM_EXIT_HYPERCALL)
		run->hypercall.ret = data;
}

void run_times(unsigned int vcpu, uint64_t how, uint64_t times, uint64_t seed)
{
	struct kvm_run *run = o.run[vcpu];
	struct chance chance = { seed };
	timer_t timer;

	if (!run)
		return;
	timer = tick();
	for (uint64_t i = 0; i < times && i < TIMES_MAX; i++) {
		uint32_t reason;
		int result;

		run->immediate_exit = how & 1;
		run->request_interrupt_window = how >> 1 & 1;
		result = call("run", o.vcpu[vcpu], KVM_RUN, 0, E(EAGAIN) | E(ENOEXEC) | E(ENOSYS));
		reason = run->exit_reason;
		/* In this order: who scribbles has said so before. */
		if (!result && !o.scribbled && !exit_known(reason))
			broken("KVM_RUN ended with exit reason %u, which no guest here can cause",
			       reason);
		count_end(result ? END_TIME : o.scribbled ? GUEST_ENDS : reason);
		answer(run, &chance);
	}
	run->immediate_exit = 0;
	timer_delete(timer);
}

void run_perform(const struct op *op)
{
	run_times(op->arg[0] % VCPUS, op->arg[1], op->arg[2], op->arg[3]);
}

/* ---- threads ------------------------------------------------------------------------------ */

#define THREADS 4

static struct {
	pthread_t thread;
	struct op op;
} threads[THREADS];
static unsigned int running;

static void scribble_on(const struct op *op, struct chance *chance)
{
	unsigned int vcpu = op->arg[1] % VCPUS;
	volatile uint64_t *words_of_it = (uint64_t *)(void *)o.run[vcpu];

	if (!words_of_it)
		return;
	words_of_it[chance_below(chance, o.run_bytes[vcpu] / 8)] = chance_number(chance);
	/* What is shared most: kvm_run's first words. */
	words_of_it[chance_below(chance, 32)] = chance_number(chance);
}

static void change_slot(const struct op *op, struct chance *chance)
{
	struct kvm_userspace_memory_region slot = {
		.slot = (uint32_t)chance_below(chance, 3), .flags = chance_below(chance, 4) & 3,
		.guest_phys_addr = chance_below(chance, 4) * 0x10000,
		.memory_size = chance_below(chance, 3) * 0x10000,
		.userspace_addr = ARENA + chance_below(chance, 8) * 0x10000,
	};

	call("beside", o.vm[op->arg[1] % VMS], KVM_SET_USER_MEMORY_REGION, (uintptr_t)&slot,
	     E(EEXIST) | E(ENOSPC));
}

static void change_arena(struct chance *chance)
{
	void *start = (void *)(ARENA + chance_below(chance, ARENA_PAGES / 2) * PAGE);
	size_t size = (1 + chance_below(chance, 32)) * PAGE;

	switch (chance_below(chance, 4)) {
	case 0:
		mprotect(start, size, PROT_READ);
		break;
	case 1:
		mprotect(start, size, PROT_READ | PROT_WRITE);
		break;
	case 2:
		madvise(start, size, MADV_PAGEOUT);
		break;
	default:
		madvise(start, size, MADV_DONTNEED);
	}
}

static void change_registers(const struct op *op, struct chance *chance)
{
	static const uint8_t kinds[] = { DO_REGS, DO_SREGS, DO_EVENTS, DO_DEBUGREGS, DO_XCRS,
					 DO_MP_STATE, DO_TRANSLATE };
	struct op made = { .kind = kinds[chance_below(chance, COUNT(kinds))] };

	made.arg[0] = op->arg[1];
	made.arg[2] = chance_next(chance);
	made.arg[3] = chance_of(chance, 50) ? 1ull << chance_below(chance, 64) : 0;
	structure_perform(&made);
}

static void log_dirt(const struct op *op, struct chance *chance)
{
	static uint8_t bits[PAYLOAD];
	struct kvm_dirty_log log = { .slot = (uint32_t)chance_below(chance, 3),
				     .dirty_bitmap = bits };

	call("beside", o.vm[op->arg[1] % VMS], KVM_GET_DIRTY_LOG, (uintptr_t)&log,
	     E(ENOENT) | E(ENXIO));
}

static void *be_beside(void *argument)
{
	const struct op *op = argument;
	struct chance chance = { op->arg[3] };
	uint64_t times = op->arg[2] % TIMES_MAX;

	if (op->arg[0] % 6 == 0) {
		run_times(op->arg[1] % VCPUS, 0, times, op->arg[3]);
		return NULL;
	}
	for (uint64_t i = 0; i < times; i++) {
		switch (op->arg[0] % 6) {
		case 1:
			scribble_on(op, &chance);
			break;
		case 2:
			change_slot(op, &chance);
			break;
		case 3:
			change_arena(&chance);
			break;
		case 4:
			change_registers(op, &chance);
			break;
		default:
			log_dirt(op, &chance);
		}
	}
	return NULL;
}

void beside_start(const struct op *op)
{
	if (running == THREADS)
		beside_wait();
	if (op->arg[0] % 6 == 1)
		o.scribbled = true;
	threads[running].op = *op;
	if (pthread_create(&threads[running].thread, NULL, be_beside, &threads[running].op))
		trouble("pthread_create: %s", strerror(errno));
	running++;
}

void beside_wait(void)
{
	while (running)
		pthread_join(threads[--running].thread, NULL);
}

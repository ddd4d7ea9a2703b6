// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who waits for another vCPU, which waits for a page that its task must bring (userfaultfd), goes
 * when a signal comes: the whole bus, which a locked operand over two pages needs, is no prison.
 */
#include <signal.h>
#include <unistd.h>

#include "machine.h"

/* A signal must bring a thread out of KVM_RUN, whatever it waits for there. */
static void expect_interruptible(struct runner *runner, const char *what)
{
	uint64_t before = runner->interrupted, end = now() + 10000000;

	while (runner->interrupted == before) {
		if (now() >= end) {
			show_stack(runner->tid);
			fail(__FILE__, __LINE__, "%s does not come out for a signal", what);
		}
		pthread_kill(runner->thread, SIGUSR1);
		usleep(1000);
	}
}

static void set_code(struct machine *machine, unsigned int vcpu, const struct guest *guest)
{
	struct kvm_regs regs = { .rip = CODE_AT + 0x100 * vcpu, .rflags = 2 };

	memcpy(machine->memory + regs.rip, guest->code, (size_t)(guest->end - guest->code));
	check(!ioctl(machine->vcpu[vcpu], KVM_SET_REGS, &regs), "KVM_SET_REGS: %m");
}

/*
 * The first vCPU gets to where it waits for the page; the second, that runs the other guest,
 * does not count but comes out for signals; when the page comes both go on.
 */
static void wait_for(const struct guest *first, const struct guest *second, bool stopped)
{
	struct runner runners[2];
	struct machine machine;
	uint32_t count;
	uint8_t *page;
	int fd;

	if (!forced_emulation())
		skip("no forced-emulation prefix");
	machine_make(&machine, first);
	set_code(&machine, 1, second);
	fd = watch_pages(machine.memory + FAR_AT - PAGE, 2 * PAGE);
	runner_start(&runners[0], &machine, 0);
	page = wanted_page(fd);
	/* The first has counted once at most. */
	runner_start(&runners[1], &machine, 1);
	usleep(100000);
	count = machine_count(&machine);
	for (unsigned int i = 0; i < 20; i++)
		expect_interruptible(&runners[1], "the second vCPU");
	if (stopped)
		check(machine_count(&machine) == count, "it ran beside who has the whole bus");
	else
		check(machine_count(&machine) != count, "it does not run beside another");
	bring_page(fd, page);
	if (first == &locking || second == &locking) {
		page = wanted_page(fd);
		/* Who waits for a page itself, in the kernel's own access, stays until it comes. */
		if (first == &locking)
			expect_interruptible(&runners[1], "the second vCPU, at the other page");
		bring_page(fd, page);
	}
	expect_counts(&machine, 5);
	check(runner_stop(&runners[0]) && runner_stop(&runners[1]), "a vCPU stays");
	machine_end(&machine);
}

/* Who has the whole bus waits, and all others with it. */
static void owner(void)
{
	wait_for(&locking, &counting, true);
}

static void owner_exits(void)
{
	wait_for(&locking, &exiting, true);
}

static void owner_emulates(void)
{
	wait_for(&locking, &interpreted, true);
}

/* Who has a share of it waits, and who runs beside it does not mind. */
static void sharer(void)
{
	wait_for(&interpreted, &counting, false);
}

/* Who wants the whole bus waits for one that shares it. */
static void wanting(void)
{
	wait_for(&interpreted, &locking, true);
}

const struct test wait_tests[] = {
	{ "wait/owner", owner }, { "wait/owner_exits", owner_exits },
	{ "wait/owner_emulates", owner_emulates }, { "wait/sharer", sharer },
	{ "wait/wanting", wanting }, { NULL, NULL },
};

// SPDX-License-Identifier: GPL-2.0-only
/* Processors that go and come while vCPUs run on them, and a machine that sleeps. */
#include <stdio.h>
#include <stdlib.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "machine.h"

static char online[64];		/* the file that says whether processor 1 is there */

static void set_online(bool on)
{
	check(write_text(online, on ? "1" : "0"), "processor 1 %s: %m", on ? "on" : "off");
}

static void need_two(void)
{
	need_machine();
	if (cpus() < 2)
		skip("there is one processor");
	snprintf(online, sizeof(online), "/sys/devices/system/cpu/cpu%u/online", cpu_number(1));
	if (access(online, W_OK))
		skip("no processor that can be taken away: %s: %s", online, strerror(errno));
}

/* One vCPU that belongs to processor 1, one that goes where Linux likes. */
static void pinned(void)
{
	struct runner runners[2];
	struct machine machine;

	need_two();
	machine_make(&machine, &counting);
	runner_start(&runners[0], &machine, 0);
	runner_start(&runners[1], &machine, 1);
	for (unsigned int i = 0; i < 12; i++) {
		check(pin(runners[1].tid, 1), "processor 1: %m");
		expect_counts(&machine, 1000);
		set_online(false);
		/* Linux took any processor, and a lab may have one that is not for guests. */
		check(pin(runners[1].tid, 0), "processor 0: %m");
		expect_counts(&machine, 1000);
		set_online(true);
	}
	check(pin(runners[0].tid, 1) && pin(runners[1].tid, 1), "processor 1: %m");
	expect_counts(&machine, 1000);
	check(runner_stop(&runners[0]) && runner_stop(&runners[1]), "a vCPU stays");
	machine_end(&machine);
}

/* The first VM is made while a processor is away; and the last one ended. */
static void away(void)
{
	struct machine machine;
	struct runner runner;

	need_two();
	for (unsigned int i = 0; i < 4; i++) {
		set_online(false);
		machine_make(&machine, &counting);
		runner_start(&runner, &machine, 0);
		expect_counts(&machine, 100);
		set_online(true);
		check(pin(runner.tid, 1), "processor 1: %m");
		expect_counts(&machine, 100);
		check(runner_stop(&runner), "the vCPU stays");
		set_online(false);
		machine_end(&machine);
		set_online(true);
	}
	check(pin(0, 1), "processor 1: %m");
	machine_make(&machine, &halting);
	check(machine_run(&machine, 0) == KVM_EXIT_HLT, "a VM afterwards");
	machine_end(&machine);
}

/* VMs come and go meanwhile. */
static void churn(void)
{
	unsigned int made = 0;
	uint64_t end;
	pid_t child;

	need_two();
	child = fork();
	if (!child) {
		for (;;) {
			set_online(false);
			set_online(true);
		}
	}
	end = now() + seconds * 1000000ull;
	for (; now() < end || made < 30 * seconds; made++) {
		struct machine machine;
		uint32_t next = 0;

		machine_make(&machine, &echo);
		machine_numbers(&machine, made & 1, &next, 3);
		machine_end(&machine);
	}
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	write_text(online, "1");
}

static bool there_is_swap(void)
{
	char line[256];
	unsigned int lines = 0;
	FILE *file = fopen("/proc/swaps", "re");

	while (file && fgets(line, sizeof(line), file))
		lines++;
	if (file)
		fclose(file);
	return lines > 1;
}

/*
 * Hibernation where there is no swap goes all the way to the image of memory, that is through
 * the callbacks of suspend and resume with one processor left, and then fails for want of a place
 * to put it. Guests go on as if nothing had happened.
 */
static void sleeps(void)
{
	struct runner runners[2];
	struct machine machine;

	need_machine();
	if (there_is_swap())
		skip("there is swap: the machine would really hibernate");
	if (!write_text("/sys/power/disk", "shutdown"))
		skip("no hibernation: /sys/power/disk: %s", strerror(errno));
	machine_make(&machine, &counting);
	runner_start(&runners[0], &machine, 0);
	runner_start(&runners[1], &machine, 1);
	log_clear();
	for (unsigned int i = 0; i < seconds; i++) {
		expect_counts(&machine, 1000);
		check(!write_text("/sys/power/state", "disk"), "it has hibernated without swap");
		check(errno == ENOSPC || errno == ENODEV, "hibernation ended with: %m");
		/* Each processor has it again: that which slept last, and those that were away. */
		for (unsigned int cpu = 0; cpu < cpus(); cpu++) {
			check(pin(runners[0].tid, cpu) && pin(runners[1].tid, cpu), "pin: %m");
			expect_counts(&machine, 1000);
		}
		check(pin(runners[0].tid, 0), "pin: %m");
	}
	check(!log_lines("virtualisation is gone"), "the module could not take it back");
	check(runner_stop(&runners[0]) && runner_stop(&runners[1]), "a vCPU stays");
	machine_end(&machine);
	/* And with no VM at all: it must not take what it had not. */
	check(!write_text("/sys/power/state", "disk"), "it has hibernated without swap");
	cpus_use();
	machine_make(&machine, &halting);
	check(machine_run(&machine, 0) == KVM_EXIT_HLT, "a VM afterwards");
	machine_end(&machine);
}

const struct test power_tests[] = {
	{ "power/pinned", pinned }, { "power/away", away }, { "power/churn", churn },
	{ "power/sleeps", sleeps }, { NULL, NULL },
};

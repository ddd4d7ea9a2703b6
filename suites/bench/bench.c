// SPDX-License-Identifier: GPL-2.0-only
/*
 * make bench-kmod, in the lab: instructions for each of the things that a hypervisor is
 * asked for most. Under QEMU's -icount the TSC counts instructions (and, while the processor
 * sleeps, what would have been counted); RDTSC does the measuring.
 *
 *	bench-kmod NODE...		all, as lines "NODE NAME INSTRUCTIONS WAITED"
 *	bench-kmod --repeat NAME NODE	that one for ever, for who looks on
 *
 * Everything is done N and N + M times, one minus the other by M is the result, so what
 * measuring costs itself is not in it. Each line is one of REPEATS; ci/bench-kmod takes the
 * median, for a tick of the kernel's may be in any of them.
 */
#include "guest.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#define REPEATS 15
#define SETTLE_NS 100000000	/* after this all that a VM has left to others is done */

/* Does it so many times. */
typedef void action(struct guest *guest, unsigned int times);

struct measure {
	const char *name;
	action *run;
	unsigned int less, more;	/* N and N + M */
	bool sleeps;			/* the processor may sleep meanwhile */
};

/* ---- round trips --------------------------------------------------------------------------- */

static void trips(struct guest *guest, enum program program, u32 reason, unsigned int times)
{
	guest_start(guest, program, 0);
	while (times--)
		guest_run(guest, reason);
}

static void port_out(struct guest *guest, unsigned int times)
{
	trips(guest, PROGRAM_OUT, KVM_EXIT_IO, times);
}

static void port_in(struct guest *guest, unsigned int times)
{
	trips(guest, PROGRAM_IN, KVM_EXIT_IO, times);
}

static void mmio_write(struct guest *guest, unsigned int times)
{
	trips(guest, PROGRAM_STORE, KVM_EXIT_MMIO, times);
}

static void mmio_read(struct guest *guest, unsigned int times)
{
	trips(guest, PROGRAM_LOAD, KVM_EXIT_MMIO, times);
}

static void hlt(struct guest *guest, unsigned int times)
{
	trips(guest, PROGRAM_HLT, KVM_EXIT_HLT, times);
}

static void interrupt(struct guest *guest, unsigned int times)
{
	guest_start(guest, PROGRAM_INTERRUPT, 0);
	guest_run(guest, KVM_EXIT_IO);
	while (times--) {
		guest_interrupt(guest);
		guest_run(guest, KVM_EXIT_IO);
	}
}

/* ---- in the kernel --------------------------------------------------------------------------- */

static void cpuid(struct guest *guest, unsigned int times)
{
	guest_start(guest, PROGRAM_CPUID, times);
	guest_run(guest, KVM_EXIT_IO);
}

static void dirty(struct guest *guest, unsigned int times)
{
	guest_start(guest, PROGRAM_DIRTY, times);
	guest_run(guest, KVM_EXIT_IO);
}

static void create(struct guest *guest, unsigned int times)
{
	struct timespec settle = { .tv_nsec = SETTLE_NS };

	while (times--) {
		struct guest short_lived;

		guest_make(&short_lived, guest->node);
		guest_end(&short_lived);
	}
	nanosleep(&settle, NULL);
}

static const struct measure measures[] = {
	{ "port-out", port_out, 8, 40, false },
	{ "port-in", port_in, 8, 40, false },
	{ "mmio-write", mmio_write, 8, 40, false },
	{ "mmio-read", mmio_read, 8, 40, false },
	{ "hlt", hlt, 8, 40, false },
	{ "interrupt", interrupt, 8, 40, false },
	{ "cpuid", cpuid, 8, 72, false },
	{ "dirty-page", dirty, 8, 72, false },
	{ "create-destroy", create, 2, 10, true },
};

/* ---- measuring ----------------------------------------------------------------------------- */

static double ticks_per_ns;

/*
 * Nanoseconds that processor 0 has slept. While it does the TSC goes on, but no instruction
 * is executed.
 */
static u64 slept(void)
{
	FILE *file = fopen("/proc/timer_list", "r");
	unsigned long long ns = 0;
	char line[256];
	bool found = false;

	while (file && !found && fgets(line, sizeof(line), file))
		found = sscanf(line, " .idle_sleeptime : %llu nsecs", &ns) == 1;
	if (!found) {
		fputs("bench-kmod: /proc/timer_list does not say how long processors sleep\n",
		      stderr);
		exit(1);
	}
	fclose(file);
	return ns;
}

static u64 now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_RAW, &now);
	return now.tv_sec * 1000000000ull + now.tv_nsec;
}

/* The kernel has measured the TSC's frequency; what it calls a nanosecond is not quite one. */
static void calibrate(void)
{
	struct timespec second = { .tv_sec = 1 };
	u64 ns = now_ns(), tsc = __rdtsc();

	nanosleep(&second, NULL);
	tsc = __rdtsc() - tsc;
	ticks_per_ns = (double)tsc / (double)(now_ns() - ns);
}

struct cost {
	double instructions, waited;
};

static struct cost cost_of(const struct measure *measure, struct guest *guest, unsigned int times)
{
	u64 sleep = 0, start, end;
	struct cost cost;

	if (measure->run == dirty)
		guest_clean_log(guest);
	if (measure->sleeps)
		sleep = slept();
	start = __rdtsc();
	measure->run(guest, times);
	end = __rdtsc();
	cost.waited = measure->sleeps ? (double)(slept() - sleep) * ticks_per_ns : 0;
	cost.instructions = (double)(end - start) - cost.waited;
	return cost;
}

static void measure_one(const char *node, const struct measure *measure, struct guest *guest)
{
	unsigned int difference = measure->more - measure->less;

	measure->run(guest, measure->more);
	for (unsigned int i = 0; i < REPEATS; i++) {
		struct cost less = cost_of(measure, guest, measure->less);
		struct cost more = cost_of(measure, guest, measure->more);

		printf("%s %s %.1f %.1f\n", node, measure->name,
		       (more.instructions - less.instructions) / difference,
		       (more.waited - less.waited) / difference);
	}
	fflush(stdout);
}

static int open_node(const char *path)
{
	return must(open(path, O_RDWR | O_CLOEXEC), path);
}

/* VMs are made and ended while there is no other: the first and the last are the dear ones. */
static void measure_node(const char *path)
{
	struct guest guest = { .node = open_node(path) };
	int node = guest.node;

	for (unsigned int i = 0; i < sizeof(measures) / sizeof(measures[0]); i++) {
		if (measures[i].run == create) {
			measure_one(path, &measures[i], &guest);
			continue;
		}
		guest_make(&guest, node);
		guest_prepare(&guest);
		measure_one(path, &measures[i], &guest);
		guest_end(&guest);
	}
	close(node);
}

static int repeat(const char *name, const char *path)
{
	struct guest guest = { .node = open_node(path) };

	for (unsigned int i = 0; i < sizeof(measures) / sizeof(measures[0]); i++) {
		if (strcmp(measures[i].name, name))
			continue;
		if (measures[i].run != create) {
			guest_make(&guest, guest.node);
			guest_prepare(&guest);
		}
		for (;;) {
			if (measures[i].run == dirty)
				guest_clean_log(&guest);
			measures[i].run(&guest, measures[i].more);
		}
	}
	fprintf(stderr, "bench-kmod: there is no measure %s\n", name);
	return 2;
}

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "--repeat"))
		return repeat(argv[2], argv[3]);
	if (argc < 2) {
		fputs("usage: bench-kmod NODE... | bench-kmod --repeat NAME NODE\n", stderr);
		return 2;
	}
	calibrate();
	for (int i = 1; i < argc; i++)
		measure_node(argv[i]);
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of this program share: options, tables of tests, what Linux tells. */
#pragma once

#include "../harness/harness.h"

extern const char *node;	/* of the hypervisor under test: --on */
extern unsigned int seconds;	/* for each test that could go on for ever: --seconds */
extern bool machine_is_ours;	/* --machine: tests may take processors away, and the module */
extern const char *module_file;	/* --module: what is loaded again, or NULL */

/* ---- tests by theme: each file's own, the last without a name ------------------------------ */

extern const struct test cpu_tests[], fpu_tests[], call_tests[], file_tests[], kill_tests[],
	signal_tests[], wait_tests[], state_tests[], scribble_tests[], slot_tests[],
	migrate_tests[], memory_tests[], stress_tests[], module_tests[], power_tests[];

/* files.c: what a program finds that was begun with the descriptors of a VM and a vCPU. */
int files_inherited(int vm, int vcpu);

/* ---- Linux --------------------------------------------------------------------------------- */

/* Whether the node is that of assay.ko: its counters, its module, its ring. */
bool is_assay(void);
/* Of /sys/kernel/debug/assay/stats; -1: there is none. */
long long counter(const char *name);
/* Waits until no VM and no vCPU is left, for some seconds. False, with a line: some are. */
bool nothing_left(void);
/* The same, and nobody holds the module: for who has no file of it open. */
bool unused(void);
/* Skips the test without --machine. */
void need_machine(void);

/* How often that is in the kernel's log since log_clear(). */
void log_clear(void);
unsigned int log_lines(const char *text);
/* Prints where in the kernel a thread of this process is. */
void show_stack(int thread);
/* The processors that this program was begun with, by numbers from 0. To be found first. */
void cpus_find(void);
/* This thread may use all of them again: Linux forgets it when none of a thread's is left. */
void cpus_use(void);
unsigned int cpus(void);
/* Linux's number of one of them. */
unsigned int cpu_number(unsigned int cpu);
/* The thread runs on that processor alone. False: it cannot. */
bool pin(int thread, unsigned int cpu);
/* All processors but the machine's first go away, which skips where they cannot; or come back. */
void others_online(bool on);

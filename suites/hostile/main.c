// SPDX-License-Identifier: GPL-2.0-only
/*
 * The program: a hypervisor in the hands of who means it ill. Its guests and tasks try to change
 * what is the host's, are killed at any moment, close files in any order, have it run out of
 * memory, and take processors away from it. It prints TAP. What is right is also said by the
 * kernel's silence, which is for who starts this to see (ci/hostile).
 *
 * Each test has a process of its own and a time limit; after each nothing of it may be left.
 * Exit status: 0 no test failed, 1 one did, 2 bad usage.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>

#include "hostile.h"

const char *node = "/dev/assay", *module_file;
unsigned int seconds = 3;
bool machine_is_ours;

static const struct test *const themes[] = {
	cpu_tests, fpu_tests, call_tests, file_tests, kill_tests, signal_tests, wait_tests,
	state_tests, scribble_tests, slot_tests, migrate_tests, memory_tests, stress_tests,
	power_tests, module_tests,
};

void need_machine(void)
{
	if (!machine_is_ours)
		skip("only with --machine: it takes processors away, or the module");
}

static int usage(void)
{
	fprintf(stderr,
		"usage: hostile-test [--on NODE] [--seconds N] [--machine] [--module FILE.ko]\n"
		"                    [--list] [NAME...]\n"
		"--machine: the machine may be changed: processors go offline, it sleeps, the\n"
		"module is unloaded; --module: what is loaded then\n");
	return BAD_USAGE;
}

int main(int argc, char **argv)
{
	bool list = false;
	int i = 1;

	/* tests of files: what a program finds that a task with a VM has become */
	if (argc == 4 && !strcmp(argv[1], "--inherited"))
		return files_inherited(atoi(argv[2]), atoi(argv[3]));
	for (; i < argc && argv[i][0] == '-'; i++) {
		if (!strcmp(argv[i], "--list"))
			list = true;
		else if (!strcmp(argv[i], "--machine"))
			machine_is_ours = true;
		else if (!strcmp(argv[i], "--on") && i + 1 < argc)
			node = argv[++i];
		else if (!strcmp(argv[i], "--module") && i + 1 < argc)
			module_file = argv[++i];
		else if (!strcmp(argv[i], "--seconds") && i + 1 < argc)
			seconds = (unsigned int)strtoul(argv[++i], NULL, 10);
		else
			return usage();
	}
	if (!seconds)
		return usage();
	if (!list)
		cpus_find();
	/* It may be there. */
	mount("debugfs", "/sys/kernel/debug", "debugfs", 0, NULL);
	return harness_run(&(struct harness){
		.program = "hostile-test",
		.themes = themes,
		.count = sizeof(themes) / sizeof(themes[0]),
		.begin = cpus_use,
		.clean = unused,
	}, argv + i, list);
}

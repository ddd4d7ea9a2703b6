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
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hostile.h"

#define SKIPPED 77
#define LIMIT 120	/* seconds for a test, emulated processors considered */

const char *node = "/dev/assay", *module_file;
unsigned int seconds = 3;
bool machine_is_ours;

static const struct test *const themes[] = {
	cpu_tests, call_tests, file_tests, kill_tests, signal_tests, wait_tests, state_tests,
	scribble_tests, slot_tests, migrate_tests, memory_tests, stress_tests, power_tests,
	module_tests,
};
#define THEMES (sizeof(themes) / sizeof(themes[0]))

noreturn void fail(const char *file, int line, const char *fmt, ...)
{
	const char *base = strrchr(file, '/');
	va_list args;

	printf("# %s:%d: ", base ? base + 1 : file, line);
	va_start(args, fmt);
	vprintf(fmt, args);
	printf("\n");
	va_end(args);
	fflush(stdout);
	_exit(1);
}

noreturn void skip(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	printf("# ");
	vprintf(fmt, args);
	printf("\n");
	va_end(args);
	fflush(stdout);
	_exit(SKIPPED);
}

void need_machine(void)
{
	if (!machine_is_ours)
		skip("only with --machine: it takes processors away, or the module");
}

/* ---- one test --------------------------------------------------------------------------- */

static pid_t start(const struct test *test)
{
	pid_t child;

	fflush(stdout);
	child = fork();
	if (child)
		return child;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* Whatever a test starts dies with it. */
	setpgid(0, 0);
	test->run();
	fflush(stdout);
	_exit(0);
}

/* Waits for a child; false: it had to be killed. */
static bool reap(pid_t child, int *status)
{
	uint64_t end = now() + LIMIT * 1000000ull;

	while (now() < end) {
		if (waitpid(child, status, WNOHANG) == child)
			return true;
		usleep(2000);
	}
	kill(-child, SIGKILL);
	kill(child, SIGKILL);
	for (unsigned int i = 0; i < 500 && waitpid(child, status, WNOHANG) != child; i++)
		usleep(10000);
	return false;
}

/* Runs a test and prints its line. Returns whether it did not fail. */
static bool run(const struct test *test, unsigned int number)
{
	uint64_t from = now();
	pid_t child = start(test);
	int status = 1;
	bool skipped, good;

	if (child < 0 || !reap(child, &status)) {
		printf("# did not end within %d s\n", LIMIT);
		status = 1;
	}
	kill(-child, SIGKILL);
	if (WIFSIGNALED(status))
		printf("# ended by signal %d (%s)\n", WTERMSIG(status),
		       strsignal(WTERMSIG(status)));
	skipped = WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED;
	good = (skipped || !status) && nothing_left();
	printf("%sok %u - %s%s # %.1f s\n", good ? "" : "not ", number, test->name,
	       skipped && good ? " # SKIP" : "", (double)(now() - from) / 1e6);
	fflush(stdout);
	return good;
}

/* ---- all that are wanted ---------------------------------------------------------------- */

static bool wanted(const char *name, char *const *patterns)
{
	if (!*patterns)
		return true;
	for (; *patterns; patterns++) {
		if (!strncmp(name, *patterns, strlen(*patterns)))
			return true;
	}
	return false;
}

static int run_all(char *const *patterns, bool list)
{
	unsigned int number = 0, failed = 0;

	for (unsigned int i = 0; i < THEMES; i++) {
		for (const struct test *test = themes[i]; test->name; test++) {
			if (!wanted(test->name, patterns))
				continue;
			if (list)
				printf("%s\n", test->name);
			else
				failed += !run(test, ++number);
		}
	}
	if (list)
		return 0;
	printf("1..%u\n", number);
	if (!number) {
		fprintf(stderr, "hostile-test: no test is named so; --list shows all\n");
		return 2;
	}
	return failed != 0;
}

static int usage(void)
{
	fprintf(stderr,
		"usage: hostile-test [--on NODE] [--seconds N] [--machine] [--module FILE.ko]\n"
		"                    [--list] [NAME...]\n"
		"--machine: the machine may be changed: processors go offline, it sleeps, the\n"
		"module is unloaded; --module: what is loaded then\n");
	return 2;
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
			seconds = (unsigned int)atoi(argv[++i]);
		else
			return usage();
	}
	/* It may be there. */
	mount("debugfs", "/sys/kernel/debug", "debugfs", 0, NULL);
	return run_all(argv + i, list);
}

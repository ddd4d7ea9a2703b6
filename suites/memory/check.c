// SPDX-License-Identifier: GPL-2.0-only
/*
 * The program: tests of what becomes of a guest when Linux does things to the memory of its
 * task. It prints TAP. Each test has a process of its own and a time limit, so one that hangs,
 * crashes or is killed costs no other.
 *
 * usage: memory-test [--on NODE] [--swap DEVICE] [--list] [NAME...]
 *
 * Exit status: 0 no test failed, 1 one did, 2 bad usage, 125 the node cannot be used.
 */
#include <fcntl.h>
#include <linux/kvm.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "system.h"

#define LIMIT 120	/* seconds for a test, emulated processors considered */
#define SKIPPED 77
#define UNUSABLE 125

const char *node = "/dev/kvm";

static const struct test *const themes[] = {
	slot_tests, dirty_tests, change_tests, file_tests, fork_tests, huge_tests, uffd_tests,
	swap_tests, account_tests,
};
#define THEMES (sizeof(themes) / sizeof(themes[0]))

#define INTERPRETED \
	"KVM's interpreter, which runs all of this guest, takes memory that is not there for MMIO"

/*
 * Tests that a target is known to fail, and why. Their failure is shown and does not count:
 * in TAP it is a "not ok" with the directive TODO.
 */
static const struct {
	const char *module;	/* that drives /dev/kvm */
	const char *test, *reason;
} deviations[] = {
	{ "kvm_pvm", "change/read_only", INTERPRETED },
	{ "kvm_pvm", "change/read_only_read", INTERPRETED },
	{ "kvm_pvm", "change/no_access", INTERPRETED },
	{ "kvm_pvm", "change/unmapped", INTERPRETED },
	{ "kvm_pvm", "change/moved", INTERPRETED },
	{ "kvm_pvm", "file/truncated", INTERPRETED },
	{ "kvm_pvm", "file/mapped_twice", INTERPRETED },
	{ "kvm_pvm", "huge/hugetlb", INTERPRETED },
	{ "kvm_pvm", "uffd/interrupted", "KVM's interpreter waits for pages, not for signals" },
	{ "kvm_pvm", "account/thread_time", "no time of a vCPU is accounted as guest time" },
};

/* Why the test is known to fail here, or NULL. */
static const char *deviation(const char *name)
{
	char path[64];

	for (unsigned int i = 0; i < sizeof(deviations) / sizeof(deviations[0]); i++) {
		snprintf(path, sizeof(path), "/sys/module/%s", deviations[i].module);
		if (!strcmp(deviations[i].test, name) && !strcmp(node, "/dev/kvm") &&
		    !access(path, F_OK))
			return deviations[i].reason;
	}
	return NULL;
}

void fail(const char *file, int line, const char *fmt, ...)
{
	const char *base = strrchr(file, '/');
	va_list args;

	printf("# %s:%d: ", base ? base + 1 : file, line);
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	printf("\n");
	fflush(stdout);
	_exit(1);
}

/* The reason goes to the parent by the descriptor that stands for it. */
static int reason_fd = -1;

void skip(const char *fmt, ...)
{
	char text[200];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (write(reason_fd, text, strlen(text)) < 0)
		_exit(1);
	_exit(SKIPPED);
}

/* ---- one test --------------------------------------------------------------------------- */

static pid_t start(const struct test *test, int reason)
{
	pid_t child;

	fflush(stdout);
	child = fork();
	if (child)
		return child;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	reason_fd = reason;
	/* Whatever a test starts dies with it. */
	setpgid(0, 0);
	test->run();
	fflush(stdout);
	_exit(0);
}

/* Waits for a child; false: it had to be killed. */
static bool reap(pid_t child, int *status)
{
	for (int waited = 0; waited < LIMIT * 100; waited++) {
		if (waitpid(child, status, WNOHANG) == child)
			return true;
		usleep(10000);
	}
	kill(-child, SIGKILL);
	kill(child, SIGKILL);
	waitpid(child, status, 0);
	return false;
}

/* The line of a test that was not skipped. Returns whether it is as it should be. */
static bool verdict(const struct test *test, unsigned int number, int status)
{
	bool good = WIFEXITED(status) && !WEXITSTATUS(status);
	const char *known = deviation(test->name);

	if (WIFSIGNALED(status))
		printf("# ended by signal %d (%s)\n", WTERMSIG(status),
		       strsignal(WTERMSIG(status)));
	if (good && known)
		printf("# known to fail here, and passes\n");
	printf("%s %u - %s", good ? "ok" : "not ok", number, test->name);
	if (!good && known)
		printf(" # TODO %s", known);
	putchar('\n');
	fflush(stdout);
	return good || known;
}

/* Runs a test and prints its line. Returns whether it did not fail. */
static bool run(const struct test *test, unsigned int number)
{
	char reason[201] = "";
	int pipes[2], status = 0;
	ssize_t length;
	pid_t child;

	if (pipe2(pipes, O_CLOEXEC)) {
		perror("memory-test: pipe");
		exit(UNUSABLE);
	}
	child = start(test, pipes[1]);
	close(pipes[1]);
	if (child < 0 || !reap(child, &status)) {
		printf("# did not end within %d s\n", LIMIT);
		status = 1;
	}
	kill(-child, SIGKILL);
	length = read(pipes[0], reason, sizeof(reason) - 1);
	close(pipes[0]);
	if (WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED) {
		printf("ok %u - %s # SKIP %s\n", number, test->name, length > 0 ? reason : "");
		return true;
	}
	return verdict(test, number, status);
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
		fprintf(stderr, "memory-test: no test is named so; --list shows all\n");
		return 2;
	}
	return failed != 0;
}

static bool usable(void)
{
	int fd = open(node, O_RDWR | O_CLOEXEC);
	int version;

	if (fd < 0) {
		fprintf(stderr, "memory-test: %s: %s: --on NODE names another\n", node,
			strerror(errno));
		return false;
	}
	version = ioctl(fd, KVM_GET_API_VERSION, 0);
	close(fd);
	if (version == KVM_API_VERSION)
		return true;
	fprintf(stderr, "memory-test: %s: no node of a hypervisor with the KVM ABI\n", node);
	return false;
}

int main(int argc, char **argv)
{
	bool list = false;
	int i = 1;

	for (; i < argc && argv[i][0] == '-'; i++) {
		if (!strcmp(argv[i], "--list")) {
			list = true;
		} else if (!strcmp(argv[i], "--on") && i + 1 < argc) {
			node = argv[++i];
		} else if (!strcmp(argv[i], "--swap") && i + 1 < argc) {
			if (!swap_on(argv[++i]))
				return UNUSABLE;
		} else {
			fprintf(stderr, "usage: memory-test [--on NODE] [--swap DEVICE] [--list] "
				"[NAME...]\n--swap: its contents are lost, its swap stays on\n");
			return 2;
		}
	}
	if (!list && !usable())
		return UNUSABLE;
	return run_all(argv + i, list);
}

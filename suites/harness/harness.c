// SPDX-License-Identifier: GPL-2.0-only
/* Each test in a process of its own, with a time limit; the verdict on it as TAP. */
#include "harness.h"

#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LIMIT 120	/* seconds for a test, emulated processors considered */
#define SKIPPED 77

noreturn void fail(const char *file, int line, const char *fmt, ...)
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

noreturn void skip(const char *fmt, ...)
{
	char text[200];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	fflush(stdout);
	if (write(reason_fd, text, strlen(text)) < 0)
		_exit(1);
	_exit(SKIPPED);
}

uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_nsec / 1000;
}

bool write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), why;
	bool good;

	if (fd < 0)
		return false;
	good = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	why = errno;
	close(fd);
	errno = why;
	return good;
}

/* ---- one test --------------------------------------------------------------------------- */

static pid_t start(const struct harness *harness, const struct test *test, int reason)
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
	if (harness->begin)
		harness->begin();
	test->run();
	fflush(stdout);
	_exit(0);
}

/* Waits for a child; false: it had to be killed, or cannot even be. */
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

/* Runs a test to its end; its wait status, and why it was skipped: room bytes. */
static int finish(const struct harness *harness, const struct test *test, char *reason,
		  size_t room)
{
	int pipes[2], status = 0;
	ssize_t length;
	pid_t child;

	if (pipe2(pipes, O_CLOEXEC | O_NONBLOCK)) {
		printf("# pipe: %s\n", strerror(errno));
		return 1 << 8;
	}
	child = start(harness, test, pipes[1]);
	close(pipes[1]);
	if (child < 0 || !reap(child, &status)) {
		printf("# did not end within %d s\n", LIMIT);
		status = 1 << 8;	/* as after exit(1) */
	}
	if (child > 0)
		kill(-child, SIGKILL);
	length = read(pipes[0], reason, room - 1);
	reason[length > 0 ? length : 0] = '\0';
	close(pipes[0]);
	return status;
}

/* Runs a test and prints its line. Returns whether it did not fail, or is known to. */
static bool run(const struct harness *harness, const struct test *test, unsigned int number)
{
	const char *known = harness->known ? harness->known(test->name) : NULL;
	uint64_t from = now();
	char reason[201];
	int status = finish(harness, test, reason, sizeof(reason));
	bool clean = !harness->clean || harness->clean();
	bool skipped = WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED;
	bool good = (skipped || !status) && clean;

	if (WIFSIGNALED(status))
		printf("# ended by signal %d (%s)\n", WTERMSIG(status),
		       strsignal(WTERMSIG(status)));
	if (good && !skipped && known)
		printf("# known to fail here, and passes\n");
	printf("%sok %u - %s", good ? "" : "not ", number, test->name);
	if (good && skipped)
		printf(" # SKIP %s\n", reason);
	else if (!good && known)
		printf(" # TODO %s\n", known);
	else
		printf(" # %.1f s\n", (double)(now() - from) / 1e6);
	fflush(stdout);
	return good || known;
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

int harness_run(const struct harness *harness, char *const *patterns, bool list)
{
	unsigned int number = 0, failed = 0;

	for (unsigned int i = 0; i < harness->count; i++) {
		for (const struct test *test = harness->themes[i]; test->name; test++) {
			if (!wanted(test->name, patterns))
				continue;
			if (list)
				printf("%s\n", test->name);
			else
				failed += !run(harness, test, ++number);
		}
	}
	if (list)
		return 0;
	printf("1..%u\n", number);
	if (!number) {
		fprintf(stderr, "%s: no test is named so; --list shows all\n", harness->program);
		return BAD_USAGE;
	}
	return failed != 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Seeds in processes of their own. A worker goes from seed to seed: calls are a process
 * each, guests share one, for that is many times faster. Whoever does not come to the next
 * seed in time is ended, and named.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "run.h"

#define WORKERS_MAX 16
#define LIMIT 90		/* seconds that one sequence may take, on a machine that is busy */

/* Shared with a worker. */
struct progress {
	uint64_t seed;		/* that it is at */
	uint64_t done;
	time_t since;
	pid_t task;		/* of the sequence, if that is a process of its own */
};

static struct {
	bool guest;
	uint64_t first, count;
	time_t end;		/* 0: none */
	unsigned int workers, wrong;
	unsigned short port;	/* 0: none */
	struct progress *progress;
	int *writing;		/* shared: a mark is being written */
	pid_t pid[WORKERS_MAX];
} all;

static time_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec;
}

/* ---- marks ------------------------------------------------------------------------------ */

static void find_port(void)
{
	const char *text = getenv("ASSAY_MARK_PORT");
	unsigned long port = text ? strtoul(text, NULL, 0) : 0;

	if (port && port <= 0xffff && !ioperm(port, 1, 1))
		all.port = (unsigned short)port;
}

/* One worker's line is whole before another's begins. Who has been killed may hold it. */
static void take_port(void)
{
	for (unsigned int i = 0; i < 1000 && __atomic_exchange_n(all.writing, 1, __ATOMIC_SEQ_CST);
	     i++)
		usleep(100);
}

/* "WORKER NAME": the emulator keeps it, whatever becomes of the machine. */
static void mark(unsigned int worker, uint64_t seed)
{
	char text[48];
	int length;

	if (!all.port)
		return;
	length = snprintf(text, sizeof(text), "%u %s/%llu\n", worker,
			  all.guest ? "guest" : "calls", (unsigned long long)seed);
	take_port();
	for (int i = 0; i < length; i++)
		outb((unsigned char)text[i], all.port);
	__atomic_store_n(all.writing, 0, __ATOMIC_SEQ_CST);
}

/* ---- one sequence in a process ------------------------------------------------------------ */

/* What is wrong with a process that has ended, or NULL. */
static const char *verdict(int status, const struct sequence *sequence)
{
	static char text[64];

	if (WIFEXITED(status) && WEXITSTATUS(status) <= BROKEN)
		return WEXITSTATUS(status) ? "" : NULL;
	if (WIFEXITED(status))
		return "it could not be done";
	for (unsigned int i = 0; WTERMSIG(status) == SIGKILL && i < sequence->count; i++) {
		if (sequence->ops[i].kind == DO_KILL)
			return NULL;
	}
	snprintf(text, sizeof(text), "its task was ended by signal %d", WTERMSIG(status));
	return text;
}

static pid_t start(const struct sequence *sequence)
{
	pid_t pid = fork();

	if (pid < 0)
		trouble("fork: %s", strerror(errno));
	if (pid)
		return pid;
	setpgid(0, 0);
	perform(sequence);
	guest_end();
	exit(0);
}

static bool end(pid_t pid, int *status)
{
	for (unsigned int i = 0; i < 50; i++) {
		if (waitpid(pid, status, WNOHANG) == pid)
			return true;
		usleep(100000);
	}
	return false;
}

/* In time, or -1: it was ended, or cannot even be ended. */
static int wait_for(pid_t pid, const char **wrong)
{
	time_t limit = now() + LIMIT;
	unsigned int pause = 200;
	int status;

	while (now() < limit) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			return status;
		usleep(pause);
		pause = pause < 5000 ? pause * 2 : pause;
	}
	kill(-pid, SIGKILL);
	*wrong = end(pid, &status) ? "it did not end in time" : "it does not end, even if killed";
	return -1;
}

/* What is wrong with a sequence, or NULL; "" if it has said so itself. */
static const char *try(const struct sequence *sequence)
{
	const char *wrong = NULL;
	int status = wait_for(start(sequence), &wrong);

	return wrong ? wrong : verdict(status, sequence);
}

int run_one(const struct sequence *sequence)
{
	const char *wrong;

	left_begin();
	wrong = try(sequence);
	if (wrong && *wrong)
		printf("# wrong: %s\n", wrong);
	return !left_nothing() || wrong ? BROKEN : 0;
}

/* ---- a worker ----------------------------------------------------------------------------- */

/* For reading `wrong` together with the number it belongs to. */
static void report(uint64_t seed, const char *wrong)
{
	if (*wrong)
		printf("# wrong: %s\n", wrong);
	printf("found %s/%llu\n", all.guest ? "guest" : "calls", (unsigned long long)seed);
}

static bool more(const struct progress *progress)
{
	if (all.end)
		return now() < all.end;
	return progress->seed < all.first + all.count;
}

static noreturn void work(unsigned int worker)
{
	static struct sequence sequence;
	struct progress *progress = &all.progress[worker];
	bool good = true;

	for (; more(progress); progress->seed += all.workers) {
		const char *wrong = NULL;

		progress->since = now();
		mark(worker, progress->seed);
		make(&sequence, all.guest, progress->seed);
		if (all.guest)
			perform(&sequence);
		else
			wrong = try(&sequence);
		if (wrong) {
			report(progress->seed, wrong);
			good = false;
		}
		progress->done++;
	}
	guest_end();
	exit(good ? 0 : BROKEN);
}

/* ---- all of them ---------------------------------------------------------------------------- */

static void begin_worker(unsigned int worker)
{
	all.progress[worker].since = now();
	fflush(stdout);
	all.pid[worker] = fork();
	if (all.pid[worker] < 0)
		trouble("fork: %s", strerror(errno));
	if (!all.pid[worker])
		work(worker);
}

/* A worker has ended: with its seeds, or over one, and then there may be more of them. */
static void ended(unsigned int worker, int status)
{
	struct progress *progress = &all.progress[worker];

	all.pid[worker] = 0;
	if (!status)
		return;
	all.wrong++;
	if (!more(progress) && !all.guest)
		return;
	if (WIFEXITED(status) && WEXITSTATUS(status) == BROKEN)
		report(progress->seed, "");
	else if (WIFEXITED(status))
		report(progress->seed, "it could not be done");
	else
		report(progress->seed, "its task was ended by a signal");
	progress->seed += all.workers;
	if (more(progress) && all.wrong < 20)
		begin_worker(worker);
}

/* Guests are in the worker itself: nobody else looks whether they end. */
static void look_at(unsigned int worker)
{
	if (!all.guest || now() - all.progress[worker].since <= LIMIT)
		return;
	printf("# wrong: it did not end in time\n");
	all.progress[worker].since = now();
	kill(all.pid[worker], SIGKILL);
}

static bool any_worker(void)
{
	for (unsigned int i = 0; i < all.workers; i++) {
		if (all.pid[i])
			return true;
	}
	return false;
}

static void watch(void)
{
	while (any_worker()) {
		usleep(50000);
		for (unsigned int i = 0; i < all.workers; i++) {
			int status;

			if (!all.pid[i])
				continue;
			if (waitpid(all.pid[i], &status, WNOHANG) == all.pid[i])
				ended(i, status);
			else
				look_at(i);
		}
	}
}

static const char *const ends[GUEST_ENDS] = {
	[KVM_EXIT_IO] = "port", [KVM_EXIT_MMIO] = "MMIO", [KVM_EXIT_HLT] = "HLT",
	[KVM_EXIT_SHUTDOWN] = "shutdown", [KVM_EXIT_FAIL_ENTRY] = "entry refused",
	[KVM_EXIT_INTERNAL_ERROR] = "internal error", [KVM_EXIT_IRQ_WINDOW_OPEN] = "window",
	[KVM_EXIT_X86_RDMSR] = "RDMSR", [KVM_EXIT_X86_WRMSR] = "WRMSR",
	[KVM_EXIT_HYPERCALL] = "hypercall", [KVM_EXIT_DEBUG] = "debug",
	[END_REFUSED] = "registers refused", [END_NO_MEMORY] = "no memory there, or -EAGAIN",
	[END_TIME] = "ended by signals or refused", [CALL_DONE] = "calls done",
	[CALL_REFUSED] = "calls refused",
};

static void summarize(time_t began)
{
	uint64_t done = 0;

	for (unsigned int i = 0; i < all.workers; i++)
		done += all.progress[i].done;
	printf("%s: %llu from seed %llu in %lld s, %u wrong\n", all.guest ? "guests" : "calls",
	       (unsigned long long)done, (unsigned long long)all.first,
	       (long long)(now() - began), all.wrong);
	for (unsigned int i = 0; i < GUEST_ENDS; i++) {
		if (guest_ends[i])
			printf("    %10u %s\n", guest_ends[i], ends[i] ? ends[i] : "other exits");
	}
}

int run_many(bool guest, uint64_t first, uint64_t count, unsigned int seconds,
	     unsigned int workers)
{
	time_t began = now();
	bool left;

	all.guest = guest;
	all.first = first;
	all.count = count;
	all.end = seconds ? began + seconds : 0;
	all.workers = workers < 1 ? 1 : workers > WORKERS_MAX ? WORKERS_MAX : workers;
	all.progress = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (all.progress == MAP_FAILED)
		trouble("mmap: %s", strerror(errno));
	all.writing = (int *)(all.progress + WORKERS_MAX);
	find_port();
	left_begin();
	for (unsigned int i = 0; i < all.workers; i++) {
		all.progress[i].seed = first + i;
		if (more(&all.progress[i]))
			begin_worker(i);
	}
	watch();
	left = !left_nothing();
	summarize(began);
	return all.wrong || left ? BROKEN : 0;
}

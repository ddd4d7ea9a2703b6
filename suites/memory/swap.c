// SPDX-License-Identifier: GPL-2.0-only
/* Guest memory that is swapped out under the guest, by itself or because a limit asks for it. */
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest.h"
#include "system.h"

#define PAGES 512ul
#define SIZE (PAGES * PAGE)

static void begin(struct guest *guest, struct walk *walk, size_t bytes, bool reads_only,
		  unsigned int pause)
{
	u8 *memory = memory_new(bytes);

	guest_create(guest);
	walk_fill(memory, RAM, bytes);
	slot_add(guest, 1, RAM, memory, bytes);
	*walk = (struct walk){ .guest = guest, .memory = memory, .gpa = RAM, .bytes = bytes,
			       .reads_only = reads_only, .pause = pause };
	walk_start(walk);
	walk_passes(walk, 1);
}

/* All of the guest's memory goes and comes, again and again. */
static void again_and_again(bool reads_only)
{
	long long before = swapped_out();
	struct guest guest;
	struct walk walk;

	need_swap(4 * SIZE);
	begin(&guest, &walk, SIZE, reads_only, PAUSE);
	for (int i = 0; i < 20; i++) {
		page_out(walk.memory, SIZE);
		if (i % 2)
			walk_passes(&walk, 1);
	}
	walk_passes(&walk, 2);
	walk_stop(&walk);
	check(swapped_out() - before >= (long long)PAGES, "only %lld pages were swapped out",
	      swapped_out() - before);
}

static void written(void)
{
	again_and_again(false);
}

static void only_read(void)
{
	again_and_again(true);
}

/* While the guest stands still, so that every page goes; then each access brings one back. */
static void stopped(void)
{
	long long before = swapped_out();
	struct guest guest;
	struct walk walk;

	need_swap(4 * SIZE);
	begin(&guest, &walk, SIZE, false, 0);
	for (int i = 0; i < 4; i++) {
		walk_stop(&walk);
		page_out(walk.memory, SIZE);
		walk_resume(&walk);
		walk_passes(&walk, 2);
	}
	walk_stop(&walk);
	check(swapped_out() - before >= 3 * (long long)PAGES, "only %lld pages were swapped out",
	      swapped_out() - before);
}

/* ---- limits ----------------------------------------------------------------------------- */

#define LIMIT (16 * MIB)
#define MORE (24 * MIB)

static void goes_over_it(void)
{
	struct guest guest;
	struct walk walk;

	begin(&guest, &walk, MORE, false, 0);
	walk_passes(&walk, 2);
	walk_stop(&walk);
}

/* Memory that the guest alone touches: it is in a fault of the guest's that there is too much. */
static void takes_it(void)
{
	u8 *memory = memory_new(MORE);
	struct guest guest;

	guest_create(&guest);
	slot_add(&guest, 1, RAM, memory, MORE);
	for (u64 at = 0; at < MORE; at += PAGE)
		check_equal(guest_store(&guest, RAM + at, at), 0, "a write");
}

/* The status of a child, as the cgroup is left only by ending. */
static int run_within(const struct cgroup *cgroup, void (*what)(void))
{
	int status;
	pid_t child;

	must(child = fork());
	if (!child) {
		cgroup_enter(cgroup);
		what();
		fflush(stdout);
		_exit(0);
	}
	must(waitpid(child, &status, 0));
	return status;
}

/* More memory than the limit allows: the guest swaps, and goes on. */
static void limited(void)
{
	long long before = swapped_out(), kills;
	struct cgroup cgroup;
	int status;

	need_swap(MORE + LIMIT);
	cgroup_make(&cgroup, "16M", "max");
	status = run_within(&cgroup, goes_over_it);
	kills = cgroup_number(&cgroup, "memory.events", "oom_kill");
	cgroup_remove(&cgroup);
	check(WIFEXITED(status) && !WEXITSTATUS(status), "the guest under a limit: status %#x",
	      status);
	check_equal(kills, 0, "tasks killed for want of memory");
	check(swapped_out() - before >= (long long)((MORE - LIMIT) / PAGE),
	      "only %lld pages were swapped out", swapped_out() - before);
}

/* Without swap the task is killed for it, alone, and everything is given back. */
static void killed(void)
{
	long long kills, left;
	struct cgroup cgroup;
	bool empties;
	int status;

	cgroup_make(&cgroup, "16M", "0");
	status = run_within(&cgroup, takes_it);
	empties = cgroup_empties(&cgroup, MIB);
	left = cgroup_number(&cgroup, "memory.current", NULL);
	kills = cgroup_number(&cgroup, "memory.events", "oom_kill");
	cgroup_remove(&cgroup);
	check(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL,
	      "a guest with more memory than its limit: status %#x", status);
	check_equal(kills, 1, "tasks killed for want of memory");
	check(empties, "%lld KiB are still charged 10 s after the task's end", left / 1024);
}

/* ---- locked memory ---------------------------------------------------------------------- */

static void locked(void)
{
	struct guest guest;
	struct walk walk;

	begin(&guest, &walk, SIZE, false, 0);
	must(mlock(walk.memory, SIZE));
	walk_passes(&walk, 2);
	check(number_in("/proc/self/status", "VmLck") >= (long long)(SIZE / 1024),
	      "VmLck is %lld KiB", number_in("/proc/self/status", "VmLck"));
	must(munlock(walk.memory, SIZE));
	walk_passes(&walk, 2);
	check_equal(number_in("/proc/self/status", "VmLck"), 0, "VmLck without mlock");
	walk_stop(&walk);
}

/* Guest memory is no locked memory: no limit on that keeps a guest from running. */
static void nothing_locked(void)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2];
	struct rlimit none = { 0, 0 };
	struct guest guest;
	struct walk walk;

	must(setrlimit(RLIMIT_MEMLOCK, &none));
	/* With this capability there is no limit. */
	must(syscall(SYS_capget, &header, data));
	data[0].effective &= ~(1u << CAP_IPC_LOCK);
	data[0].permitted &= ~(1u << CAP_IPC_LOCK);
	must(syscall(SYS_capset, &header, data));
	begin(&guest, &walk, SIZE, false, 0);
	walk_passes(&walk, 2);
	check_equal(number_in("/proc/self/status", "VmLck"), 0, "VmLck");
	check_equal(number_in("/proc/self/status", "VmPin"), 0, "VmPin");
	walk_stop(&walk);
}

const struct test swap_tests[] = {
	{ "swap/written", written },
	{ "swap/only_read", only_read },
	{ "swap/stopped", stopped },
	{ "swap/limited", limited },
	{ "swap/killed", killed },
	{ "swap/locked", locked },
	{ "swap/nothing_locked", nothing_locked },
	{ NULL, NULL }
};

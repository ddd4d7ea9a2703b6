// SPDX-License-Identifier: GPL-2.0-only
/* Accounts: nothing is pinned, tables are charged to the task, and so is a vCPU's time. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "guest.h"
#include "system.h"

#define PAGES 2048ul
#define SIZE (PAGES * PAGE)
#define VMSTAT "/proc/vmstat"

/* Pages that are pinned now, in all of the system. */
static long long pinned(void)
{
	long long taken = number_in(VMSTAT, "nr_foll_pin_acquired");

	if (taken < 0)
		skip("%s has no nr_foll_pin_acquired", VMSTAT);
	return taken - number_in(VMSTAT, "nr_foll_pin_released");
}

static void nothing_pinned(void)
{
	long long pins = pinned(), locked = number_in(VMSTAT, "nr_mlock");
	long long unevictable = number_in(VMSTAT, "nr_unevictable");
	struct guest guest;
	struct walk walk;

	walk_new(&guest, &walk, SIZE, 1);
	check(pinned() - pins < (long long)PAGES / 2, "%lld pages are pinned", pinned() - pins);
	check(number_in(VMSTAT, "nr_mlock") - locked < (long long)PAGES / 2, "pages are locked");
	check(number_in(VMSTAT, "nr_unevictable") - unevictable < (long long)PAGES / 2,
	      "%lld pages more are unevictable", number_in(VMSTAT, "nr_unevictable") - unevictable);
	check_equal(number_in("/proc/self/status", "VmPin"), 0, "VmPin");
	walk_stop(&walk);
}

/*
 * A page of which somebody else has a reference might be written yet, so its file cannot be
 * sealed against that: EBUSY (fcntl(2), F_ADD_SEALS). Mappings of the task's that cannot be
 * written are no hindrance, and a guest's are none either.
 */
static void nothing_held(void)
{
	struct guest guest;
	struct walk walk = { .guest = &guest, .gpa = RAM, .bytes = SIZE, .reads_only = true };
	char path[64];
	int fd, reader;

	must(fd = memfd_create("assay-memory", MFD_CLOEXEC | MFD_ALLOW_SEALING));
	must(ftruncate(fd, SIZE));
	walk.memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	check(walk.memory != MAP_FAILED, "mmap: %s", strerror(errno));
	walk_fill(walk.memory, RAM, SIZE);
	must(munmap(walk.memory, SIZE));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	must(reader = open(path, O_RDONLY | O_CLOEXEC));
	walk.memory = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, reader, 0);
	check(walk.memory != MAP_FAILED, "mmap: %s", strerror(errno));
	guest_create(&guest);
	slot_add(&guest, 1, RAM, walk.memory, SIZE);
	walk_start(&walk);
	walk_passes(&walk, 1);
	check(!fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), "pages that a guest reads are held: %s",
	      strerror(errno));
	walk_passes(&walk, 1);
	walk_stop(&walk);
}

/* KiB of RssAnon beyond what there was must be as many; threads count 64 pages before they tell. */
static void check_resident(long long before, long long expected, const char *what)
{
	long long grown = number_in("/proc/self/status", "RssAnon") - before;

	check(llabs(grown - expected) < 1024, "%s: expected %lld KiB of RssAnon, got %lld", what,
	      expected, grown);
}

/* What the guest writes, and no page besides, is memory of the task's; what it reads is none. */
static void resident(void)
{
	u8 *memory = memory_new(SIZE);
	struct guest guest;
	long long before;

	/* Kernels without huge pages say EINVAL. */
	madvise(memory, SIZE, MADV_NOHUGEPAGE);
	guest_create(&guest);
	slot_add(&guest, 1, RAM, memory, SIZE);
	before = number_in("/proc/self/status", "RssAnon");
	for (u64 at = 0; at < SIZE; at += 2 * PAGE)
		check_load(&guest, RAM + at, 0, "a read");
	check_resident(before, 0, "every other page was read");
	for (u64 at = 0; at < SIZE; at += 2 * PAGE)
		check_equal(guest_store(&guest, RAM + at, at + 1), 0, "a write");
	check_resident(before, SIZE / 1024 / 2, "every other page was written");
	for (u64 at = 0; at < SIZE; at += 2 * PAGE)
		check_equal(*(u64 *)(memory + at), at + 1, "the task's view");
}

/* ---- tables ----------------------------------------------------------------------------- */

#define SPREAD 128		/* tables: a page in each of so many 2 MiB */

/* Kernel memory of the cgroup other than page tables of tasks, in bytes. */
static long long kernel_memory(const struct cgroup *cgroup)
{
	long long all = cgroup_number(cgroup, "memory.stat", "kernel");

	if (all < 0) {
		cgroup_remove(cgroup);
		skip("memory.stat has no \"kernel\"");
	}
	return all - cgroup_number(cgroup, "memory.stat", "pagetables");
}

/* The same of tables for guests alone, by the kernel's own count; -1 if it has none. */
static long long guest_tables(void)
{
	return number_in("/proc/meminfo", "SecPageTables");
}

/* In a child: touches memory so that each page needs another table. */
static void spread(const struct cgroup *cgroup, int ready, int go)
{
	struct guest guest;
	char byte = 0;
	u8 *memory;

	cgroup_enter(cgroup);
	memory = memory_new(SPREAD * 2 * MIB);
	/* A huge page may need no table. Kernels without them say EINVAL. */
	madvise(memory, SPREAD * 2 * MIB, MADV_NOHUGEPAGE);
	guest_create(&guest);
	slot_add(&guest, 1, RAM, memory, SPREAD * 2 * MIB);
	check(write(ready, &byte, 1) == 1 && read(go, &byte, 1) == 1, "the test is gone");
	for (u64 i = 0; i < SPREAD; i++)
		check_equal(guest_store(&guest, RAM + i * 2 * MIB, i), 0, "a write");
	check(write(ready, &byte, 1) == 1 && read(go, &byte, 1) == 1, "the test is gone");
	fflush(stdout);
	_exit(0);
}

/* Statistics of cgroups are brought up to date every two seconds. */
static bool grows(const struct cgroup *cgroup, long long from, long long by)
{
	for (int i = 0; i < 50; i++) {
		if (kernel_memory(cgroup) - from >= by)
			return true;
		usleep(100000);
	}
	return false;
}

static void tables_charged(void)
{
	int ready[2], go[2], status;
	struct cgroup cgroup;
	long long before, grown, tables;
	char byte = 0;
	pid_t child;
	bool good;

	cgroup_make(&cgroup, "max", NULL);
	must(pipe(ready));
	must(pipe(go));
	must(child = fork());
	if (!child)
		spread(&cgroup, ready[1], go[0]);
	close(ready[1]);
	check(read(ready[0], &byte, 1) == 1, "the child is gone");
	usleep(2500000);
	before = kernel_memory(&cgroup);
	tables = guest_tables();
	check(write(go[1], &byte, 1) == 1 && read(ready[0], &byte, 1) == 1, "the child is gone");
	/* Some may have been there before. */
	good = grows(&cgroup, before, SPREAD / 2 * (long long)PAGE);
	grown = kernel_memory(&cgroup) - before;
	tables = tables < 0 ? SPREAD * 4 : guest_tables() - tables;
	check(write(go[1], &byte, 1) == 1, "the child is gone");
	must(waitpid(child, &status, 0));
	cgroup_remove(&cgroup);
	check_equal(status, 0, "status of the child");
	check(tables >= SPREAD / 2 * 4, "%d tables are %lld KiB of SecPageTables", SPREAD, tables);
	check(good, "%d tables are charged with %lld KiB", SPREAD, grown / 1024);
}

/* ---- time ------------------------------------------------------------------------------- */

/* top and ps: what the guest uses is its thread's time, and guest time of it (proc(5)). */
static void thread_time(void)
{
	double ticks = (double)sysconf(_SC_CLK_TCK), used;
	struct cpu_time before, after;
	struct guest guest;
	struct walk walk;
	uint64_t until;

	walk_new(&guest, &walk, SIZE, 1);
	before = cpu_time(walk.tid);
	until = now() + 60 * 1000000;
	/* A busy machine gives it little: what counts is that it is counted. */
	do {
		usleep(100000);
		after = cpu_time(walk.tid);
		used = (double)(after.user + after.system - before.user - before.system) / ticks;
	} while (used < 0.5 && now() < until);
	walk_stop(&walk);
	check(used >= 0.5, "a guest that never rests has used %.2f s of 60", used);
	check(after.guest > before.guest, "none of %.2f s is guest time", used);
}

const struct test account_tests[] = {
	{ "account/nothing_pinned", nothing_pinned },
	{ "account/nothing_held", nothing_held },
	{ "account/resident", resident },
	{ "account/tables_charged", tables_charged },
	{ "account/thread_time", thread_time },
	{ NULL, NULL }
};

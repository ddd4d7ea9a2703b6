/* SPDX-License-Identifier: GPL-2.0-only */
/* What Linux tells of memory, and what it can be asked to do: /proc, swap, memory cgroups. */
#pragma once

#include <sys/types.h>

#include "memory.h"

/* The number after "KEY" in a file of lines "KEY[:] NUMBER ..."; -1 if it is not there. */
long long number_in(const char *path, const char *key);
/* The first number of a file, -1 if there is none. */
long long number_of(const char *path);

/* Fields 14, 15 and 43 of /proc/self/task/TID/stat (proc(5)), in clock ticks. */
struct cpu_time {
	long long user, system, guest;
};

struct cpu_time cpu_time(pid_t thread);

/* Makes a block device swap. False, with a message, if that fails. */
bool swap_on(const char *device);
/* Skips the test unless there are so many bytes of free swap. */
void need_swap(size_t bytes);
/* Pages written to swap since the system was started. */
long long swapped_out(void);
/*
 * Has the kernel swap the range out. It leaves pages that were used lately, so they are
 * made to look old before; what is used in between stays.
 */
void page_out(void *start, size_t bytes);

/* Bytes of the range that are in huge pages. */
size_t huge_bytes(const void *start);

/*
 * A cgroup of its own, with this memory.max and, if swap is not NULL, memory.swap.max. Skips
 * the test where there is none to be had. It is removed when cgroup_remove() is called.
 */
struct cgroup {
	char path[200];
};

void cgroup_make(struct cgroup *cgroup, const char *max, const char *swap);
/* The calling process belongs to it from now on. */
void cgroup_enter(const struct cgroup *cgroup);
long long cgroup_number(const struct cgroup *cgroup, const char *file, const char *key);
/* Waits until its memory.current is no more than that; false if it stays above for 10 s. */
bool cgroup_empties(const struct cgroup *cgroup, long long bytes);
void cgroup_remove(const struct cgroup *cgroup);

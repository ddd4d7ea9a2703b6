// SPDX-License-Identifier: GPL-2.0-only
/* What Linux tells of memory, and what it can be asked to do. */
#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <linux/fs.h>
#include <unistd.h>

#include "system.h"

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif

/* ---- files of /proc and /sys ------------------------------------------------------------ */

long long number_in(const char *path, const char *key)
{
	FILE *file = fopen(path, "re");
	size_t length = strlen(key);
	long long found = -1;
	char line[256];

	while (file && found < 0 && fgets(line, sizeof(line), file)) {
		if (!strncmp(line, key, length) && (line[length] == ':' || isspace(line[length])))
			found = atoll(line + length + 1);
	}
	if (file)
		fclose(file);
	return found;
}

long long number_of(const char *path)
{
	FILE *file = fopen(path, "re");
	long long found;

	if (!file)
		return -1;
	if (fscanf(file, "%lld", &found) != 1)
		found = -1;
	fclose(file);
	return found;
}

struct cpu_time cpu_time(pid_t thread)
{
	struct cpu_time time = { -1, -1, -1 };
	char path[64], text[1024];
	char *at;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", thread);
	file = fopen(path, "re");
	check(file && fgets(text, sizeof(text), file), "%s cannot be read", path);
	fclose(file);
	/* Field 2 is a name in parentheses, in which anything may stand. */
	at = strrchr(text, ')') + 2;
	for (int field = 3; field <= 43 && at; field++) {
		long long value = atoll(at);

		if (field == 14)
			time.user = value;
		else if (field == 15)
			time.system = value;
		else if (field == 43)
			time.guest = value;
		at = strchr(at, ' ');
		at = at ? at + 1 : NULL;
	}
	return time;
}

size_t huge_bytes(const void *start)
{
	FILE *file = fopen("/proc/self/smaps", "re");
	unsigned long from, to;
	bool within = false;
	char line[512];
	size_t kib = 0;

	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
			within = (unsigned long)start >= from && (unsigned long)start < to;
		if (within && sscanf(line, "AnonHugePages: %zu", &kib) == 1)
			break;
	}
	if (file)
		fclose(file);
	return kib * 1024;
}

/* ---- swap ------------------------------------------------------------------------------- */

/* The header of a swap area, in its first page (linux/swap.h, union swap_header). */
static bool write_header(int fd, u64 bytes)
{
	u8 page[PAGE] = { 0 };
	u32 *info = (u32 *)(page + 1024);

	info[0] = 1;				/* version */
	info[1] = (u32)(bytes / PAGE - 1);	/* last page */
	memcpy(page + PAGE - 10, "SWAPSPACE2", 10);
	return pwrite(fd, page, PAGE, 0) == (ssize_t)PAGE && !fsync(fd);
}

bool swap_on(const char *device)
{
	int fd = open(device, O_RDWR | O_CLOEXEC);
	struct stat about;
	u64 bytes = 0;
	bool good;

	good = fd >= 0 && !fstat(fd, &about) && S_ISBLK(about.st_mode) &&
	       !ioctl(fd, BLKGETSIZE64, &bytes) && bytes > 16 * PAGE && write_header(fd, bytes);
	if (fd >= 0)
		close(fd);
	if (good && !swapon(device, 0))
		return true;
	fprintf(stderr, "memory-test: %s cannot be made swap: %s\n", device,
		errno ? strerror(errno) : "it is no block device, or too small");
	return false;
}

void need_swap(size_t bytes)
{
	long long free = number_in("/proc/meminfo", "SwapFree");

	if (free * 1024 < (long long)bytes)
		skip("%lld KiB of swap are free, and %zu are needed (--swap DEVICE)", free,
		     bytes / 1024);
}

long long swapped_out(void)
{
	return number_in("/proc/vmstat", "pswpout");
}

void page_out(void *start, size_t bytes)
{
	for (int i = 0; i < 3; i++) {
		if (madvise(start, bytes, MADV_PAGEOUT) && errno == EINVAL)
			skip("this kernel has no MADV_PAGEOUT");
	}
}

/* ---- cgroups ---------------------------------------------------------------------------- */

static const char *const mounts[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified" };

/* Where cgroup v2 is mounted with the memory controller in it; mounts it if need be. */
static const char *cgroup_root(void)
{
	char path[100], text[256] = "";

	for (int tries = 0; tries < 2; tries++) {
		for (unsigned int i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++) {
			FILE *file;

			snprintf(path, sizeof(path), "%s/cgroup.controllers", mounts[i]);
			file = fopen(path, "re");
			if (file && fgets(text, sizeof(text), file) && strstr(text, "memory")) {
				fclose(file);
				return mounts[i];
			}
			if (file)
				fclose(file);
		}
		if (mount("none", mounts[0], "cgroup2", 0, NULL))
			break;
	}
	skip("there is no cgroup v2 with a memory controller, or no right to mount it");
}

void cgroup_make(struct cgroup *cgroup, const char *max, const char *swap)
{
	const char *root = cgroup_root();
	char path[256];

	snprintf(path, sizeof(path), "%s/cgroup.subtree_control", root);
	if (!write_text(path, "+memory"))
		skip("%s: %s", path, strerror(errno));
	snprintf(cgroup->path, sizeof(cgroup->path), "%s/assay-memory-%d", root, getpid());
	if (mkdir(cgroup->path, 0755))
		skip("%s: %s", cgroup->path, strerror(errno));
	snprintf(path, sizeof(path), "%s/memory.max", cgroup->path);
	check(write_text(path, max), "%s: %s", path, strerror(errno));
	snprintf(path, sizeof(path), "%s/memory.swap.max", cgroup->path);
	if (swap && !write_text(path, swap)) {
		rmdir(cgroup->path);
		skip("%s: %s", path, strerror(errno));
	}
}

void cgroup_enter(const struct cgroup *cgroup)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/cgroup.procs", cgroup->path);
	check(write_text(path, "0"), "%s: %s", path, strerror(errno));
}

long long cgroup_number(const struct cgroup *cgroup, const char *file, const char *key)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", cgroup->path, file);
	return key ? number_in(path, key) : number_of(path);
}

bool cgroup_empties(const struct cgroup *cgroup, long long bytes)
{
	for (int i = 0; i < 1000; i++) {
		if (cgroup_number(cgroup, "memory.current", NULL) <= bytes)
			return true;
		usleep(10000);
	}
	return false;
}

void cgroup_remove(const struct cgroup *cgroup)
{
	for (int i = 0; i < 100 && rmdir(cgroup->path) && errno == EBUSY; i++)
		usleep(10000);
}

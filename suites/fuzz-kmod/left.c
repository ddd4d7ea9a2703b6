// SPDX-License-Identifier: GPL-2.0-only
/* What is left when all tasks have ended: VMs, vCPUs, users of the module, memory. */
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "run.h"

#define PATIENCE 100			/* tenths of a second */
#define MEMORY_MAX (24ll << 10)		/* KiB that a kernel may keep for itself */

static long long available, tables;

/* The number after a name in a file of such lines; -1 if there is none. */
static long long number_in(const char *path, const char *name)
{
	FILE *file = fopen(path, "r");
	char line[128];
	long long found = -1;
	size_t length = strlen(name);

	if (!file)
		return -1;
	while (fgets(line, sizeof(line), file)) {
		if (!strncmp(line, name, length) && (line[length] == ' ' || line[length] == ':'))
			found = atoll(line + length + 1);
	}
	fclose(file);
	return found;
}

static long long users(void)
{
	FILE *file = fopen("/sys/module/assay/refcnt", "r");
	long long count = -1;

	if (!file)
		return -1;
	if (fscanf(file, "%lld", &count) != 1)
		count = -1;
	fclose(file);
	return count;
}

void left_begin(void)
{
	/* It may be there. */
	if (mount("debugfs", "/sys/kernel/debug", "debugfs", 0, NULL))
		(void)0;
	available = number_in("/proc/meminfo", "MemAvailable");
	tables = number_in("/proc/meminfo", "SecPageTables");
}

struct left {
	long long vms, vcpus, users, tables, memory;
};

static struct left look(void)
{
	struct left left = {
		.vms = number_in("/sys/kernel/debug/assay/stats", "vms"),
		.vcpus = number_in("/sys/kernel/debug/assay/stats", "vcpus"),
		.users = users(),
		.tables = number_in("/proc/meminfo", "SecPageTables") - tables,
		.memory = available - number_in("/proc/meminfo", "MemAvailable"),
	};

	return left;
}

static bool clean(const struct left *left)
{
	return left->vms <= 0 && left->vcpus <= 0 && left->users <= 0 && left->tables <= 0 &&
	       left->memory < MEMORY_MAX;
}

bool left_nothing(void)
{
	struct left left = look();

	for (unsigned int i = 0; i < PATIENCE && !clean(&left); i++) {
		usleep(100000);
		left = look();
	}
	if (clean(&left))
		return true;
	printf("# wrong: left are %lld VMs, %lld vCPUs, %lld users of the module, %lld KiB of "
	       "page tables, %lld KiB of memory\n", left.vms, left.vcpus, left.users, left.tables,
	       left.memory);
	return false;
}

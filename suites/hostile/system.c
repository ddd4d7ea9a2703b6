// SPDX-License-Identifier: GPL-2.0-only
/* What Linux tells and can be asked: the module's counters, the kernel's log, processors, time. */
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/klog.h>
#include <unistd.h>

#include "hostile.h"

bool is_assay(void)
{
	return !strcmp(node, "/dev/assay");
}

long long counter(const char *name)
{
	FILE *file = fopen("/sys/kernel/debug/assay/stats", "re");
	long long value, found = -1;
	char key[64];

	while (file && fscanf(file, "%63s %lld", key, &value) == 2) {
		if (!strcmp(key, name))
			found = value;
	}
	if (file)
		fclose(file);
	return found;
}

/* Tasks that were killed have gone, and what they had may take a moment. */
bool nothing_left(void)
{
	if (!is_assay())
		return true;
	for (unsigned int i = 0; i < 100 && (counter("vms") > 0 || counter("vcpus") > 0); i++)
		usleep(100000);
	if (counter("vms") <= 0 && counter("vcpus") <= 0)
		return true;
	printf("# left: %lld VMs, %lld vCPUs\n", counter("vms"), counter("vcpus"));
	return false;
}

/* What holds the module: files that are open, VMs. */
static int users(void)
{
	FILE *file = fopen("/sys/module/assay/refcnt", "re");
	int count = 0;

	if (!file)
		return 0;
	if (fscanf(file, "%d", &count) != 1)
		count = 0;
	fclose(file);
	return count;
}

bool unused(void)
{
	if (!nothing_left())
		return false;
	/* On a machine of others' somebody may have the node open. */
	if (!is_assay() || !machine_is_ours)
		return true;
	for (unsigned int i = 0; i < 100 && users() > 0; i++)
		usleep(100000);
	if (users() <= 0)
		return true;
	printf("# left: %d users of the module\n", users());
	return false;
}

unsigned int log_lines(const char *text)
{
	int bytes = klogctl(10, NULL, 0), got;		/* SYSLOG_ACTION_SIZE_BUFFER */
	unsigned int lines = 0;
	char *log;

	check(bytes > 0, "the kernel's log: %m");
	log = calloc(1, (size_t)bytes + 1);
	check(log, "memory: %m");
	got = klogctl(3, log, bytes);			/* SYSLOG_ACTION_READ_ALL */
	check(got >= 0, "the kernel's log: %m");
	for (char *at = strstr(log, text); at; at = strstr(at + 1, text))
		lines++;
	free(log);
	return lines;
}

void log_clear(void)
{
	check(klogctl(5, NULL, 0) == 0, "the kernel's log: %m");	/* SYSLOG_ACTION_CLEAR */
}

void show_stack(int thread)
{
	char path[64], line[128];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stack", thread);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		printf("# %s", line);
	if (file)
		fclose(file);
}

static cpu_set_t allowed;	/* when this program was begun: a test pins its own threads */

void cpus_find(void)
{
	check(!sched_getaffinity(0, sizeof(allowed), &allowed), "sched_getaffinity: %m");
}

void cpus_use(void)
{
	check(!sched_setaffinity(0, sizeof(allowed), &allowed), "sched_setaffinity: %m");
}

void others_online(bool on)
{
	char path[64];

	for (unsigned int number = 1;; number++) {
		snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%u/online", number);
		if (access(path, W_OK))
			break;
		check(write_text(path, on ? "1" : "0"), "%s: %m", path);
	}
	if (on)
		cpus_use();
	else if (sysconf(_SC_NPROCESSORS_ONLN) > 1)
		skip("processors that cannot be taken away");
}

unsigned int cpus(void)
{
	return (unsigned int)CPU_COUNT(&allowed);
}

unsigned int cpu_number(unsigned int cpu)
{
	unsigned int number = 0;

	check(cpu < cpus(), "there is no processor %u of %u", cpu, cpus());
	while (!CPU_ISSET(number, &allowed) || cpu--)
		number++;
	return number;
}

bool pin(int thread, unsigned int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu_number(cpu), &set);
	return !sched_setaffinity(thread, sizeof(set), &set);
}

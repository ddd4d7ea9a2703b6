// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module's counters and the file that shows them: see stats.h. The tracepoints of
 * trace.h are defined here too.
 */
#include <linux/debugfs.h>
#include <linux/seq_file.h>

#include "stats.h"
#define CREATE_TRACE_POINTS
#include "trace.h"

DEFINE_PER_CPU(struct assay_counters, assay_counters);

#define NAME(reason, text) [COUNT_EXIT + (reason)] = "exit_" text,
static const char *const names[COUNTERS] = {
	ASSAY_EXIT_REASONS(NAME, NAME)
	[COUNT_LEAVE] = "leaves_to_user_space",
	[COUNT_INJECTION] = "injections",
	[COUNT_EMULATION] = "emulations",
	[COUNT_MEMORY_FAULT] = "memory_faults",
	[COUNT_INVALIDATION] = "invalidations",
	[COUNT_FLUSH] = "flushes",
	[COUNT_KICK] = "kicks",
	[COUNT_VM] = "vms_made",
	[COUNT_VM_END] = "vms_ended",
	[COUNT_VCPU] = "vcpus_made",
	[COUNT_VCPU_END] = "vcpus_ended",
};

static struct dentry *directory;

/* CPUs count on meanwhile: the sums are of no one moment. */
static u64 sum(unsigned int counter)
{
	unsigned int cpu;
	u64 total = 0;

	for_each_possible_cpu(cpu)
		total += READ_ONCE(per_cpu(assay_counters, cpu).of[counter]);
	return total;
}

static int stats_show(struct seq_file *file, void *unused)
{
	/* Ends are read before beginnings, so that there are never fewer than none. */
	u64 vms = sum(COUNT_VM_END), vcpus = sum(COUNT_VCPU_END);
	unsigned int i;

	vms = sum(COUNT_VM) - vms;
	vcpus = sum(COUNT_VCPU) - vcpus;
	seq_printf(file, "vms %llu\nvcpus %llu\n", vms, vcpus);
	for (i = 0; i < COUNTERS; i++)
		seq_printf(file, "%s %llu\n", names[i], sum(i));
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(stats);

/* Without debugfs there is no file; nothing depends on it. */
void assay_stats_init(void)
{
	directory = debugfs_create_dir("assay", NULL);
	debugfs_create_file("stats", 0444, directory, NULL, &stats_fops);
}

void assay_stats_exit(void)
{
	debugfs_remove(directory);
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Counters of the whole module, for people: /sys/kernel/debug/assay/stats. A count is one
 * increment of the CPU's own; they are added up when they are read. There is nothing of a
 * VM's own, so making a VM costs nothing here.
 */
#pragma once

#include <linux/percpu.h>
#include <linux/types.h>

#include "assay.h"

/* Every enum exit_reason, in its order, with the name that people see; LAST is the last one. */
#define ASSAY_EXIT_REASONS(E, LAST)			\
	E(EXIT_INTERRUPT, "interrupt")			\
	E(EXIT_NMI, "nmi")				\
	E(EXIT_INSTRUCTION, "instruction")		\
	E(EXIT_PORT, "port")				\
	E(EXIT_CPUID, "cpuid")				\
	E(EXIT_HLT, "hlt")				\
	E(EXIT_FPU, "fpu")				\
	E(EXIT_HYPERCALL, "hypercall")			\
	E(EXIT_EXCEPTION, "exception")			\
	E(EXIT_MEMORY, "memory")			\
	E(EXIT_WINDOW, "window")			\
	E(EXIT_STEP, "step")				\
	E(EXIT_NMI_WINDOW, "nmi_window")		\
	E(EXIT_SHUTDOWN, "shutdown")			\
	E(EXIT_TASK_SWITCH, "task_switch")		\
	E(EXIT_FAILED, "failed")			\
	E(EXIT_UNKNOWN, "unknown")			\
	LAST(EXIT_NONE, "not_entered")

enum assay_counter {
	COUNT_EXIT,		/* the first of one for each enum exit_reason */
	COUNT_LEAVE = COUNT_EXIT + EXIT_NONE + 1,	/* KVM_RUN came back */
	COUNT_INJECTION,
	COUNT_EMULATION,
	COUNT_MEMORY_FAULT,	/* that memory of the task's was the answer to */
	COUNT_INVALIDATION,	/* by Linux, of memory that a guest had mapped */
	COUNT_FLUSH,		/* all vCPUs of a VM must forget translations */
	COUNT_KICK,		/* a processor was called out of its guest */
	COUNT_VM,
	COUNT_VM_END,
	COUNT_VCPU,
	COUNT_VCPU_END,
	COUNTERS
};

struct assay_counters {
	u64 of[COUNTERS];
};

DECLARE_PER_CPU(struct assay_counters, assay_counters);

/* From anywhere but NMIs. */
static inline void assay_count(unsigned int counter)
{
	this_cpu_inc(assay_counters.of[counter]);
}

void assay_stats_init(void);
void assay_stats_exit(void);

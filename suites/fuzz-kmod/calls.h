/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files share that perform calls: the objects there are, and how results are judged. */
#pragma once

#include <errno.h>

#include "fuzz.h"

#define VMS 3
#define VCPUS 4
#define EVENTFDS 4
#define ARENA_PAGES 512u
#define ARENA 0x10000000ul		/* where the task's memory for guests is */
#define PAYLOAD 0x8000u

struct objects {
	int kvm, vm[VMS], vcpu[VCPUS], eventfd[EVENTFDS];
	struct kvm_run *run[VCPUS];	/* NULL: not mapped */
	size_t run_bytes[VCPUS];
	_Atomic bool scribbled;			/* kvm_run says what we wrote, too */
};

extern struct objects o;

/* An object's file, -1 if there is none. All: node, VMs, vCPUs, eventfds, and none. */
#define FILES (1 + VMS + VCPUS + EVENTFDS + 1)
int *file_of(uint64_t number);

#define E(error) (1ull << (error))
/* What every call may say (KVM API, "General description"; of arguments and of memory). */
#define ALWAYS (E(EBADF) | E(EFAULT) | E(EINVAL) | E(ENOMEM) | E(ENOTTY) | E(EINTR))

/*
 * An ioctl. An error that is none of those given, nor of ALWAYS, is the target's fault.
 * Returns its result, or -errno.
 */
int call(const char *name, int file, unsigned long request, uintptr_t argument, uint64_t errors);

/*
 * Where a structure stands when a call is made: 0 in this task's memory; 1 nowhere (NULL);
 * 2 not mapped; 3 its second half not mapped; 4 read-only; 5 in the kernel's half; 6 beside
 * what guests use.
 */
void *placed(const void *data, size_t size, uint64_t where);

/* Writes memory of the guests', whatever its protection is now. */
void arena_write(uint64_t offset, const void *data, size_t size);

/* structures.c: calls that pass one structure. */
void structure_perform(const struct op *op);
/* beside.c: threads that do something meanwhile, and the waiting for them. */
void beside_start(const struct op *op);
void beside_wait(void);
/* calls_run.c */
void run_perform(const struct op *op);
/* KVM_RUN of a vCPU that many times, with any answers. In any thread; timed by signals. */
void run_times(unsigned int vcpu, uint64_t how, uint64_t times, uint64_t seed);
/* calls_more.c: calls whose arguments are no structure of a fixed size. */
bool more_perform(const struct op *op);

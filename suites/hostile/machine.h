/* SPDX-License-Identifier: GPL-2.0-only */
/* A small VM in real mode with two vCPUs, and guests for it. */
#pragma once

#include <linux/kvm.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/ioctl.h>

#include "hostile.h"

#define MEMORY (64 * PAGE)
#define CODE_AT 0x1000u
#define DATA_AT 0x2000u		/* a guest's counter, and what else it keeps */
#define FAR_AT 0x20000u		/* the second half: nothing of a guest's own is there */
#define NOTHING_AT 0x50000u	/* above memory: MMIO */

struct machine {
	int kvm, vm, vcpu[2];
	struct kvm_run *run[2];
	size_t run_bytes;
	uint8_t *memory;	/* below 4 GiB, so that a 32-bit call can name it */
};

/* A guest: its code, in .rodata. */
struct guest {
	const uint8_t *code, *end;
};

/*
 * Guests that never end. All count in the 32-bit word at DATA_AT. The first runs natively, and
 * the others come out at each count: to the kernel alone (CPUID), for a port, for MMIO, for
 * instructions behind the forced-emulation prefix: a store, and a locked one over two pages,
 * which is FAR_AT's and the one before it.
 */
extern const struct guest counting, exiting, porting, storing, interpreted, locking;
/* Touches FAR_AT's page, and counts; touches 16 pages from there, and comes out for a port. */
extern const struct guest touching, walking;
/*
 * HLT; one that writes 0, 1, 2 ... as 32 bits to port 0x44; and one that reads a number from
 * NOTHING_AT and writes it to the next 4 bytes, and is shut down if it is not 0, 1, 2 ...
 */
extern const struct guest halting, sequence, echo;

/* A VM with 64 pages at 0 and two vCPUs, which have that code before them. */
void machine_make(struct machine *machine, const struct guest *guest);
/* The same without vCPUs. */
void machine_make_vm(struct machine *machine, const struct guest *guest);
void machine_make_vcpu(struct machine *machine, unsigned int i);
/* Closes and unmaps all of it. */
void machine_end(struct machine *machine);
/* Real mode, and RIP at CODE_AT. */
void machine_reset(struct machine *machine, unsigned int vcpu);
/* KVM_RUN of a vCPU: the exit reason, or -errno. */
int machine_run(struct machine *machine, unsigned int vcpu);
/* Ends what a vCPU waits for its task to do, so that its registers can be set. */
void machine_complete(struct machine *machine, unsigned int vcpu);
uint32_t machine_count(const struct machine *machine);
/*
 * Runs `sequence` or `echo` until the number is `end`; the test fails if one is lost or comes
 * twice. Signals are no matter. *next: the number that is expected.
 */
void machine_numbers(struct machine *machine, unsigned int vcpu, uint32_t *next, uint32_t end);

/* A thread that runs a vCPU until machine_stop(); SIGUSR1 calls it out. */
struct runner {
	struct machine *machine;
	unsigned int vcpu;
	pthread_t thread;
	_Atomic int tid;
	_Atomic bool stop;
	_Atomic uint64_t exits, interrupted;
	_Atomic int last;	/* what machine_run() said */
};

void runner_start(struct runner *runner, struct machine *machine, unsigned int vcpu);
/* False: the thread does not come out of KVM_RUN. */
bool runner_stop(struct runner *runner);
/* Waits for so many more counts; the test fails after 30 s. */
void expect_counts(const struct machine *machine, uint32_t more);

/* Whether the forced-emulation prefix works on the node. */
bool forced_emulation(void);
/* userfaultfd(2) for those pages, missing, the kernel's faults among them. Skips without. */
int watch_pages(uint8_t *memory, size_t bytes);
/* Waits until somebody wants a page (30 s), and says which. */
uint8_t *wanted_page(int fd);
void bring_page(int fd, uint8_t *page);

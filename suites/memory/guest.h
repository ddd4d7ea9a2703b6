/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A tiny 64-bit guest: the low 64 KiB hold its page tables (2 MiB pages, 4 GiB mapped one to
 * one) and its programs; all other memory is what a test gives it.
 */
#pragma once

#include <linux/kvm.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

#include "memory.h"

#define LOW_SIZE 0x10000ul
#define RAM 0x400000ul		/* where tests put memory */

struct guest {
	int kvm, vm, vcpu;
	struct kvm_run *run;
	size_t run_size;
	u8 *low;		/* slot 0 */
	bool pending;		/* an exit waits to be completed */
};

/* A VM with one vCPU; nothing but the low memory is there. The test fails if it cannot be made. */
void guest_create(struct guest *guest);
void guest_destroy(struct guest *guest);

/* Another vCPU of it, as a guest of its own that shares all else. */
void guest_second(const struct guest *guest, struct guest *second);

/* KVM_SET_USER_MEMORY_REGION: 0 or errno. */
int slot_set(const struct guest *guest, u32 id, u64 gpa, const void *memory, u64 size, u32 flags);
/* The same, and it must work. */
void slot_add(const struct guest *guest, u32 id, u64 gpa, const void *memory, u64 size);
int vm_ioctl(const struct guest *guest, unsigned long request, const void *argument);

/*
 * One access of 8 bytes by the guest: 0 if it was made; -errno of KVM_RUN; else the exit
 * reason, which is in guest->run.
 */
int guest_load(struct guest *guest, u64 gpa, u64 *value);
int guest_store(struct guest *guest, u64 gpa, u64 value);
/* Goes on after an exit with such an access, or another; what the access returns. */
int guest_continue(struct guest *guest, u64 *value);
/* RIP of guest_store(): RAX goes to where RDI points. */
u64 guest_store_program(void);
/*
 * Two stores with no exit between: value, which the guest then puts into *guest_turn(), and
 * one more when somebody has changed that.
 */
int guest_store_twice(struct guest *guest, u64 gpa, u64 value);
_Atomic u64 *guest_turn(const struct guest *guest);
/* What a load must bring. */
void check_load(struct guest *guest, u64 gpa, u64 expected, const char *what);

/* New private memory, of whole pages. */
u8 *memory_new(size_t bytes);

/* ---- a guest that goes over its memory again and again ---------------------------------- */

/*
 * The guest reads the first and the last 8 bytes of each page of [gpa, gpa + bytes), which
 * must be the page's address plus the number of passes so far, and writes one more, or
 * leaves them (reads_only). It never ends; what is not as it should be is an exit.
 */
#define PAUSE 20000	/* makes most pages cold: the kernel swaps out no others */

struct walk {
	struct guest *guest;
	u8 *memory;		/* where the range is here */
	u64 gpa;
	size_t bytes;
	bool reads_only;
	unsigned int pause;	/* turns of an empty loop after each page: PAUSE or 0 */

	pthread_t thread;
	_Atomic pid_t tid;
	atomic_bool stop, ended;
	int result;		/* of the last KVM_RUN: 0 or errno */
};

/* Fills the memory as it is before the first pass. */
void walk_fill(u8 *memory, u64 gpa, size_t bytes);
/* Starts a thread in which the guest begins with pass 0, or goes on where it was. */
void walk_start(struct walk *walk);
void walk_resume(struct walk *walk);
/*
 * All of the above for a new guest whose memory is `bytes` of the task's, anonymous, at RAM:
 * and it has made `count` passes.
 */
void walk_new(struct guest *guest, struct walk *walk, size_t bytes, unsigned int count);
/* Waits until so many more passes have begun and ended. The test fails if the guest stops. */
void walk_passes(struct walk *walk, unsigned int passes);
/* Waits for the guest to stop by itself: errno of KVM_RUN, or 0 and guest->run has an exit. */
int walk_end(struct walk *walk);
/* Stops the guest with a signal, whatever it waits for. */
void walk_halt(struct walk *walk);
/* Stops the guest, and compares all of its memory with what it has written by then. */
void walk_stop(struct walk *walk);
void walk_compare(struct walk *walk);

/* The same without a thread: runs until an exit, errno or 0. */
void walk_begin(struct walk *walk);

/* Where the walk stands at an exit because of wrong contents. */
struct walk_fault {
	u64 gpa, expected, found;
};

/* Whether the last exit is one for wrong contents. */
bool walk_fault(struct walk *walk, struct walk_fault *fault);

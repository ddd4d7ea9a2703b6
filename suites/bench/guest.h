/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest of make bench-kmod: 64-bit code in 64 KiB of memory, and a slot with a dirty log.
 * Each program in it does one thing again and again.
 */
#pragma once

#include <linux/kvm.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint32_t u32;
typedef uint64_t u64;

#define PAGE 4096ul
#define LOW_SIZE 0x10000ul	/* slot 0: tables and programs, at 0 */
#define LOGGED 0x400000ul	/* slot 1: memory with a dirty log */
#define LOGGED_PAGES 96ul
#define MMIO 0x10000000ul	/* where no slot is */
#define VECTOR 0x40		/* of the interrupt that is injected */

enum program {
	PROGRAM_OUT,		/* OUT 10h, AL for ever */
	PROGRAM_IN,		/* IN AL, 10h */
	PROGRAM_STORE,		/* MOV [MMIO], EAX */
	PROGRAM_LOAD,		/* MOV EAX, [MMIO] */
	PROGRAM_HLT,
	PROGRAM_CPUID,		/* CPUID so many times, then OUT */
	PROGRAM_DIRTY,		/* a byte to each of so many pages of LOGGED, then OUT */
	PROGRAM_INTERRUPT,	/* OUT for ever with IF set; VECTOR's handler is IRET */
	PROGRAMS
};

struct guest {
	int node, vm, vcpu;
	struct kvm_run *run;
	size_t run_size;
	u8 *low, *logged;
};

/* Ends the program with a message if an ioctl that cannot fail does. */
int must(int result, const char *what);

/* The least that can be called a VM: a slot, a vCPU and its kvm_run, which is looked at. */
void guest_make(struct guest *guest, int node);
/* Ready to run its programs: state, CPUID, the second slot. */
void guest_prepare(struct guest *guest);
void guest_end(struct guest *guest);

/* The program begins with the next KVM_RUN; count is for those that count. */
void guest_start(struct guest *guest, enum program program, u64 count);
/* KVM_RUN; the exit must be that one. */
void guest_run(struct guest *guest, u32 exit_reason);
/* All of LOGGED is clean again. */
void guest_clean_log(struct guest *guest);
void guest_interrupt(struct guest *guest);

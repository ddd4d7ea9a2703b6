/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The seam between core/ and what it is built into: guest memory by guest-physical
 * address, ports, MSRs, CPUID. The module answers from memory slots and its policy,
 * a unit test from a table, a fuzzer from its input.
 */
#pragma once

#include "x86.h"

enum x86_result {
	X86_OK,			/* done; the state has changed accordingly */
	X86_FAULT,		/* the instruction raises an exception; the state is as before */
	X86_IO,			/* user space must answer first; the state is as before */
	X86_RETRY,		/* the machine was not ready (memory is being moved); ask again */
	X86_SIGNAL,		/* a signal is pending; the state is as before */
	X86_UNIMPLEMENTED,	/* not for this executor; the state is as before */
	X86_ERROR		/* user space's memory is not there (EFAULT) */
};

/* What an instruction raises. */
struct x86_fault {
	u8 vector;
	bool has_error;
	u32 error;
	u64 cr2;		/* of a page fault */
	u64 dr6;		/* bits that #DB adds */
	bool software;		/* INT n, INT3, INTO, INT1: RIP to push is the next instruction's */
};

/* Something of the machine that is not RAM: a port, or memory in no slot. */
struct x86_io {
	u64 address;		/* port, or guest-physical address */
	u8 size;		/* of an item in bytes, 1 to 8 (ports: 1, 2, 4) */
	bool port, write;
	u32 count;		/* items; more than one only for INS and OUTS */
	u8 data[64];		/* count * size bytes at most; written: what goes out */
};

/*
 * Callbacks; opaque is whatever the owner wants. Addresses are guest-physical, and an
 * access never crosses a page. Those for RAM return X86_OK, X86_RETRY, X86_SIGNAL,
 * X86_ERROR, or X86_IO for an address that is not RAM (or is read-only RAM, when
 * written), and nothing has happened then.
 */
struct x86_ops {
	enum x86_result (*read)(void *opaque, u64 gpa, void *data, unsigned int size);
	enum x86_result (*write)(void *opaque, u64 gpa, const void *data, unsigned int size);
	/*
	 * size 1, 2, 4, 8 or 16 bytes, aligned or within a page. *done says whether memory
	 * held the old value and holds the new one now.
	 */
	enum x86_result (*exchange)(void *opaque, u64 gpa, const void *old, const void *new,
				    unsigned int size, bool *done);
	/*
	 * Between on and off no other processor of the machine runs or writes memory: for a
	 * locked operand that lies in two pages. NULL: there is no other. X86_OK, X86_SIGNAL.
	 */
	enum x86_result (*exclusive)(void *opaque, bool on);
	/* X86_OK; X86_FAULT: #GP(0); X86_IO: user space answers RDMSR and WRMSR. */
	enum x86_result (*rdmsr)(void *opaque, u32 index, u64 *value);
	enum x86_result (*wrmsr)(void *opaque, u32 index, u64 value);
	void (*cpuid)(void *opaque, u32 leaf, u32 subleaf, u32 regs[4]);
	u64 (*tsc)(void *opaque);
	/* Translations are no longer valid: of one linear address, or (all) every one. */
	void (*flush)(void *opaque, u64 linear, bool all);
};

/* What core/ works with: the callbacks, and what CPUID has told of the processor. */
struct x86_env {
	const struct x86_ops *ops;
	void *opaque;
	u8 physical_bits;	/* MAXPHYADDR: CPUID 0x80000008.EAX, 36 to 52 */
	u64 cr4_allowed;	/* bits of CR4 that the guest's CPUID has; others are #GP */
	bool gib_pages;		/* CPUID 0x80000001.EDX bit 26: pages of 1 GiB */
	bool amd;		/* SYSCALL, SYSENTER and RSP at a null SS are AMD's, not Intel's */
};

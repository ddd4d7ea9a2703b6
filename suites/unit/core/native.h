/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The host's own processor as an oracle: one instruction with given registers, flags,
 * FPU image and memory, in 64-bit or 32-bit code at CPL 3, and what becomes of them.
 */
#pragma once

#include "x86.h"

/* Where the instruction stands, and the memory it may use; both below 4 GiB. */
#define NATIVE_CODE 0x31000800ull
#define NATIVE_CODE_PAGE 0x31000000ull
#define NATIVE_DATA 0x30000000ull
#define NATIVE_DATA_SIZE 8192u

/* The selectors that Linux gives a program: CS in 64-bit and in 32-bit code, and data. */
#define NATIVE_CS64 0x33
#define NATIVE_CS32 0x23
#define NATIVE_DS 0x2b

struct native {
	u64 gpr[X86_GPRS];
	u64 rip, rflags;
	u8 fpu[512];		/* as FXSAVE lays it out */
	u8 ymm[256];		/* the upper halves of YMM registers */
	bool has_ymm;		/* afterwards: the processor and Linux have AVX */
	u8 *data;		/* NATIVE_DATA_SIZE bytes: before, and after */
	int signal;		/* SIGTRAP: executed; else what its exception became */
};

/* Maps the memory, installs signal handlers. A reason why it cannot be done, or NULL. */
const char *native_begin(void);
/* The code page, filled with INT3; the instruction goes to NATIVE_CODE in it. */
u8 *native_code(void);
/* Executes what is at NATIVE_CODE. RIP is after it: of INT3, or of the fault. */
void native_run(struct native *n, unsigned int bits);

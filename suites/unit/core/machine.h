/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A machine for tests of core/: RAM from address 0, a ROM, everything else MMIO; a log of
 * all that was written; and a vCPU in any mode, with descriptor tables, ready to execute.
 */
#pragma once

#include "exec.h"
#include "tap.h"

#define RAM_SIZE 0xc0000u
#define ROM_BASE 0xb0000u	/* up to RAM_SIZE: reads as RAM, cannot be written */
#define MMIO 0xd0000u		/* within reach of real mode */

/* Where the stage is: all below 64 KiB. */
#define GDT 0x1000u
#define LDT 0x1800u
#define TSS 0x2000u
#define IO_MAP 0x68u		/* in the TSS */
#define CODE 0x4000u
#define STACK 0x8000u		/* top of the stack in use */
#define STACK_CPL0 0x9000u	/* that of CPL 0 in the TSS */
#define STACK_CPL1 0x9800u
#define DATA 0xa000u
#define PAGE_TABLES 0x70000u

/* Selectors of the stage's GDT. */
#define SEL_CODE32 0x08
#define SEL_DATA 0x10
#define SEL_CODE64 0x18
#define SEL_CODE16 0x20
#define SEL_DATA16 0x28
#define SEL_CODE32_3 0x33
#define SEL_DATA_3 0x3b
#define SEL_CODE64_3 0x43
#define SEL_TSS 0x48		/* 16 bytes */
#define SEL_LDT 0x58		/* 16 bytes */
#define SEL_CODE32_1 0x69
#define SEL_DATA_1 0x71
#define SEL_FREE 0x80		/* and on: for the test */
#define GDT_LIMIT 0xffu

enum machine_mode { REAL16, VM86, PROT16, PROT32, COMPAT32, LONG64, MACHINE_MODES };
extern const char *const machine_mode_names[MACHINE_MODES];

#define WRITES 64

struct machine_write {
	u64 address, value;
	u8 size;
	bool compared;		/* by cmpxchg */
};

struct machine {
	struct x86_env env;
	struct x86_state state, before;	/* now, and when run() began */
	struct x86_exec x;
	u8 fpu[512], ymm[256];
	u32 cpuid[4];		/* what CPUID answers, if it is not all zeros */
	u8 ram[RAM_SIZE], ram_before[RAM_SIZE];
	struct machine_write writes[WRITES];
	unsigned int written;
	/* Called before memory is compared: another processor may be faster. */
	void (*race)(struct machine *m, u64 address);
	/* The next read, or a write after so many more, answers so instead. */
	enum x86_result read_answer, write_answer;
	unsigned int write_answer_after;
	unsigned int flushes, flushed_all;
	u64 flushed;		/* the linear address of the last single flush */
	u64 msr;		/* the only MSR there is: 0x10, and 0x11 that user space answers */
};

/* The vCPU in a mode at a privilege level, the stage built, logs empty. */
void machine_reset(struct machine *m, enum machine_mode mode, unsigned int cpl);
/* Puts an instruction at CODE and executes it, from the beginning. */
enum x86_result machine_run(struct machine *m, const void *bytes, unsigned int length);
/* Goes on with it, after the answer has been put into m->x.io. */
enum x86_result machine_continue(struct machine *m);
#define RUN(m, bytes) machine_run(m, bytes, sizeof(bytes) - 1)

/* Whether state and RAM are what they were before the instruction. */
bool machine_untouched(const struct machine *m);
/* Whether nothing in RAM has changed but the size bytes at address. */
bool machine_changed_only(const struct machine *m, u64 address, unsigned int size);

void machine_put(struct machine *m, u64 address, u64 value, unsigned int size);
u64 machine_get(const struct machine *m, u64 address, unsigned int size);
/* A descriptor in the GDT: access rights as in struct x86_seg, the limit in its own units. */
void machine_descriptor(struct machine *m, u16 selector, u64 base, u32 limit, u32 ar);
/* A gate's 8 bytes, in long mode 16. */
void machine_gate(struct machine *m, u16 selector, u16 target, u64 rip, u32 ar,
		  unsigned int params);

/*
 * An instruction that must raise `vector`, with the error code (-1: it has none), and
 * leave no trace. One check.
 */
__attribute__((unused)) static void expect_fault(struct machine *m, const void *bytes,
						 unsigned int length, unsigned int vector,
						 int error, const char *name)
{
	enum x86_result result = machine_run(m, bytes, length);
	const struct x86_fault *fault = &m->x.fault;
	bool right = result == X86_FAULT && fault->vector == vector &&
		     fault->has_error == (error >= 0) && (error < 0 || fault->error == (u32)error);

	if (!ok(right && machine_untouched(m), "%s", name))
		note("expected vector %u, error %d; result %d, vector %u, error %#x, state %s",
		     vector,
		     error, result, fault->vector, fault->error,
		     machine_untouched(m) ? "untouched" : "changed");
}

/* One that must be executed. One check; whether it was. */
__attribute__((unused)) static bool expect_done(struct machine *m, const void *bytes,
						unsigned int length, const char *name)
{
	enum x86_result result = machine_run(m, bytes, length);
	bool done = ok(result == X86_OK, "%s", name);

	if (!done)
		note("result %d, vector %u, error %#x", result, m->x.fault.vector,
		     m->x.fault.error);
	return done;
}

#define FAULTS(m, bytes, vector, error, name) \
	expect_fault(m, bytes, sizeof(bytes) - 1, vector, error, name)
#define DONE(m, bytes, name) expect_done(m, bytes, sizeof(bytes) - 1, name)

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What came of running an instance: filled by the engine, read by every report.
 */
#pragma once

#include <pthread.h>

#include "coverage.h"
#include "instance.h"
#include "state.h"

enum outcome {
	OUTCOME_PASS,
	OUTCOME_FAIL,		/* the target is wrong */
	OUTCOME_ERROR,		/* the case or the harness is wrong */
	OUTCOME_SKIP,		/* it cannot run here; why says what is missing */
	OUTCOME_DEVIATION,	/* it failed, and that is known and recorded */
	OUTCOME_COUNT,
};

/* One thing that was not as expected; both sides as text. */
struct difference {
	char what[40];		/* "rax", "memory 0d000", "exit", "flag CF" */
	char expected[96];
	char observed[96];
};

#define DIFFERENCES_MAX 24
#define EXITS_MAX 16
#define CODE_BYTES 64

/* One exit as KVM_RUN gave it, for the log that failures show. */
struct exit_seen {
	u32 reason;		/* KVM_EXIT_*; ~0: KVM_RUN returned an errno */
	u32 error;		/* that errno */
	u64 rip;		/* at the exit, undefined before completion for I/O */
	char text[88];		/* "io_out port=0x10 size=1 data=41" */
};

/*
 * Of a result that was read from a report (report_read.h): the texts for which its
 * image would be needed, as that report has them.
 */
struct retold {
	bool placed;			/* it is known where it failed */
	const char *step;		/* text of the step, or NULL */
	const char *code_heading;	/* NULL: no code is shown */
	const char *const *code;	/* its lines */
	unsigned int ncode;
	const char *again;		/* the command that runs it again */
	struct json_t *json;		/* the whole line */
};

/* One exit of the processor. */
struct hw_seen {
	struct hwexit exit;
	u32 number;		/* of the exit of KVM_RUN that it came before, from 1 */
};

struct result {
	const struct instance *instance;
	enum outcome outcome;
	char *why;		/* one line; NULL on a pass */
	char *unchecked;	/* what could not be looked at on this target, or NULL */
	const char *deviation_reason, *deviation_ref;	/* of the known deviation */
	bool deviation_gone;	/* recorded as deviation, but it passed */
	bool tolerated;		/* it differed only where that is recorded, and went on */

	/* Of the step that failed: */
	int step;		/* index among the case's steps; -1: before the first */
	u32 line;		/* its line in the source */
	struct difference differences[DIFFERENCES_MAX];
	unsigned int ndifferences;
	unsigned int more_differences;	/* beyond DIFFERENCES_MAX */
	bool timed_out;		/* the guest did not exit and was stopped */
	struct cpu_state state;	/* observed */
	bool have_state;
	u8 code[CODE_BYTES];	/* guest memory around RIP ... */
	u64 code_addr;		/* ... from this address */
	unsigned int code_len;
	struct exit_seen exits[EXITS_MAX];	/* the last ones, oldest first */
	unsigned int nexits;
	unsigned int exits_before;	/* exits not kept */
	struct hw_seen hw[HWEXITS_KEPT];	/* the processor's own, the last, oldest first */
	unsigned int nhw;
	unsigned int hw_before;	/* of those, not kept */
	struct coverage coverage;	/* all exits, counted, if that was wanted */
	unsigned int hw_checked;	/* expect_hw that were judged and held */
	u8 *memory;		/* STAGE_RAM bytes as observed; only if artifacts are wanted */
	u8 *memory_expected;

	u64 ns;			/* time it took, VM reset included */
	unsigned int runs;	/* KVM_RUN calls */
	struct steps *steps;	/* what it executed, if it ran in steps (steps.h); or NULL */
	const struct retold *told;	/* NULL: it happened here */

	/* Of a failure of a case with several vCPUs: */
	unsigned int cpu;	/* the vCPU that failed, which all above is about */
	struct result *peers;	/* what is known of the others, by number */
	unsigned int npeers;
};

const char *outcome_name(enum outcome outcome);	/* "pass", "fail" ... */
void result_clear(struct result *result);	/* frees what it owns */

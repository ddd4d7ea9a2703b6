/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The engine: runs one instance on one VM, step by step, and judges every exit
 * and the whole state after it. engine.c has the loop, exits.c knows the exits
 * of the KVM ABI, judge.c compares, actions.c does what cases ask for.
 */
#pragma once

#include <pthread.h>

#include "deliver.h"
#include "deviations.h"
#include "outcome.h"
#include "vm.h"

#define COALESCED_MAX 256	/* more than a ring has: none is dropped */
#define PLUMBING_MAX 64
#define OPERAND_EXITS_MAX 100000	/* accesses to OPERAND in MMIO space, per step */

/*
 * A thread in KVM_RUN, as the watchdog sees it. The lock keeps the watchdog's
 * hands off a KVM_RUN that has just come back, and off its VM.
 */
struct watch {
	pthread_mutex_t lock;
	u64 deadline_ns;		/* 0: not in KVM_RUN */
	struct kvm_run *run;
	bool fired;			/* the watchdog has kicked it */
	bool lost;			/* and given it up: it must touch nothing any more */
	bool stop;			/* another vCPU of the case has failed: to run no more */
	pthread_t thread;
};

/* An ioctl that gave the VM something to keep; done again on a VM built anew. */
struct plumbing {
	bool vcpu;
	unsigned long nr;
	u8 arg[128];
	u32 bytes;
	u64 value;			/* argument by value when bytes is 0 */
	const struct record *route;	/* the action that set the routes, instead of arg */
};

/* What one KVM_RUN was given and what was read after it: enough to do it again. */
struct trace_run {
	bool immediate_exit;
	bool set;			/* state was written before */
	bool get;			/* state was read afterwards */
	struct cpu_state state;
	u32 data_offset, data_bytes;	/* put into the run area: IN and MMIO reads */
	u8 data[64];
};

struct trace {
	struct trace_run *runs;
	u32 count, room;
	bool complete;			/* false: something cannot be done again so */
};

/* The processor's exits of this thread's vCPUs (hwexit.c). */
struct hw_watch {
	struct hwexit_source *source;	/* opened when first wanted */
	char *missing;			/* why it cannot be */
	struct hwexit_config config;	/* of the target */
	bool always;			/* record every case, not just those with expect_hw */
	bool on;			/* recording */
	struct hwexit_list step;	/* since the last expectation */
};

struct engine {
	const struct target *target;
	const struct instance *instance;
	struct vm *vm;
	struct watch *watch;
	u64 timeout_ns;			/* of one KVM_RUN */
	struct stage stage;		/* what is expected: registers and memory */
	struct cpu_state seen;		/* what was observed last */
	struct result *result;
	bool want_memory;		/* keep guest memory of failures */
	bool want_coverage;		/* count exits by what they are */
	const struct deviations *known;	/* differences that do not stop a case; or NULL */
	struct steps *steps;		/* run in single steps, noted here (steps.h); or NULL */
	struct trace *trace;		/* of the case's KVM_RUNs, for the bench; or NULL */
	struct smp *team;		/* runs cases with several vCPUs (smp.h); or NULL */
	struct smp *smp;		/* the same while one runs, and this engine has a part */
	unsigned int cpu;		/* the vCPU that this engine runs */
	char prefix[8];			/* "cpu 1: " before what is said of it, or "" */

	/* The run of one case. */
	const struct record *step;	/* the one being done, or NULL */
	int step_index;
	bool have_exit;			/* an exit came with the completion of the last one */
	bool state_written;		/* since the last KVM_RUN ... */
	struct cpu_state written;	/* ... to this */
	int run_errno;			/* of the last KVM_RUN, 0 on an exit */
	bool fpu;			/* FPU state is judged */
	bool frame_known;		/* frame belongs to the expectation at hand */
	struct frame frame;		/* of the last delivered event */
	struct cpu_state before_event;	/* the program that it interrupted */
	u64 kick_after_ms;		/* ACT_KICK: 0 pending at entry, else later */
	bool kick, immediate_exit;	/* armed for the next KVM_RUN */
	bool check_sync;		/* kvm_run.s.regs must agree with the ioctls */
	int eventfds[EVENTFDS];
	struct kvm_coalesced_mmio coalesced[COALESCED_MAX];
	unsigned int ncoalesced;
	struct plumbing plumbing[PLUMBING_MAX];
	unsigned int nplumbing;
	const struct record *msr_filter;	/* the one in force, or NULL */
	const struct record *filter_call;	/* the `call` that set it, or NULL */
	u64 dirty[VM_SLOTS];		/* dirty pages saved from VMs since destroyed */
	struct hw_watch hw;
};

/*
 * Runs e->instance on e->vm and fills *result. The VM is left dirty: vm_clean
 * and vm_load make it usable again. Never blocks for longer than the time-out.
 */
void engine_run(struct engine *e, struct result *result);

/* The same for one vCPU of it (smp.c). */
void engine_part(struct engine *e, struct result *result);

/* Once per engine, before and after use. */
void engine_init(struct engine *e, const struct target *target, struct watch *watch,
		 u64 timeout_ns);
void engine_fini(struct engine *e);

/* ---- between the files of the engine ------------------------------------------ */

/*
 * Ends the case with an outcome; the first one counts. Returns false, so that
 * callers can return it: false always means "stop here".
 */
bool engine_fail(struct engine *e, const char *fmt, ...) PRINTF(2, 3);
bool engine_error(struct engine *e, const char *fmt, ...) PRINTF(2, 3);
bool engine_skip(struct engine *e, const char *fmt, ...) PRINTF(2, 3);
/* Adds a line to the comparison that the failure shows. */
void engine_differs(struct engine *e, const char *what, const char *expected,
		    const char *observed);

/* Compares two numbers; one that differs is added so. True if they are equal. */
bool engine_equal(struct engine *e, const char *what, u64 expected, u64 observed);

/* One KVM_RUN; logs the exit. False when the case must stop (time-out). */
bool engine_kvm_run(struct engine *e);
/* Completes the exit at hand (immediate_exit); may leave e->have_exit. */
bool engine_complete(struct engine *e);

/* Saves the VM and goes on in another: ACT_SNAPSHOT, and restore at every exit. */
bool engine_rebuild(struct engine *e);

/* exits.c: waits for the exits of an expectation and takes part in them. */
bool exits_take(struct engine *e, const struct record *step);
void exits_log(struct engine *e);
const char *exit_reason_name(u32 reason);

/* judge.c: the state after an expectation, the records belonging to it included. */
bool judge_expectation(struct engine *e, const struct record *step);
/* Whether expectation and the next one are parts of one instruction. */
bool judge_is_partial(const struct engine *e, const struct record *step);
/* All memory where vCPUs meet, and what the records after step say of it (or NULL). */
bool judge_meeting(struct engine *e, const struct record *step);
/* Compares memory from up to to; true if it differs. */
bool judge_memory(struct engine *e, u64 from, u64 to);
/* Whether the case has left nothing unjudged behind. */
bool judge_after_case(struct engine *e);

/*
 * hwexit.c: recording from begin to end of a case; before each KVM_RUN, whose exits are to
 * come; after it, taking those that came.
 */
void hw_begin(struct engine *e);
void hw_aim(struct engine *e);
void hw_collect(struct engine *e);
void hw_end(struct engine *e);
/* An expectation was judged: what comes now belongs to the next one. */
void hw_next_step(struct engine *e);
/* The step's expect_hw, if it has one; false with differences added if it does not hold. */
bool hw_as_expected(struct engine *e, const struct record *step);
void hw_fini(struct engine *e);

/* actions.c */
bool action_do(struct engine *e, const struct record *step);
void actions_undo(struct engine *e);
/* Does again on a new VM what e->plumbing lists. */
bool actions_replumb(struct engine *e);

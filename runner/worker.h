/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Scheduling: instances spread over worker threads, each with its pool of VMs; a
 * watchdog that stops what does not exit; results handed on in order.
 */
#pragma once

#include <signal.h>

#include "engine.h"

#define KICK_SIGNAL SIGUSR2	/* a case's kick: blocked outside KVM_RUN */
#define WATCH_SIGNAL SIGUSR1	/* the watchdog's: only ends KVM_RUN */
#define WORKERS_MAX 256

struct schedule {
	const struct target *target;
	const struct instance *instances;
	unsigned int count;
	unsigned int workers;		/* threads, 1 to WORKERS_MAX */
	u64 timeout_ns;			/* of one KVM_RUN */
	bool sync_regs;			/* state travels in kvm_run (see sync_pays) */
	bool want_memory;		/* results keep guest memory of failures */
	bool want_coverage;		/* results count all exits */
	bool want_steps;		/* run in single steps; results say what was executed */
	unsigned int mark_port;		/* I/O port that is told what begins, or 0 */
	const struct deviations *known;	/* differences that do not stop a case; or NULL */
	bool run_fatal;			/* also what is known to end the machine */
	bool confirm;			/* failures are run again in a fresh VM */
	/* Called with every result, in the order of instances, by the calling thread. */
	void (*take)(void *arg, struct result *result);
	void *arg;
};

/*
 * Runs all instances, or fewer if schedule_stop() was called meanwhile, or if too many
 * did not end that are not known for it: then *stopped says so, to be freed. Returns how
 * many it ran, or -1 with a message in *error when no VM can be made.
 */
int schedule_run(const struct schedule *schedule, char **stopped, char **error);

/* Async-signal-safe: no further instance begins. */
void schedule_stop(void);
bool schedule_stopped(void);

/* Whether registers and system registers can travel in kvm_run (KVM_CAP_SYNC_REGS). */
bool sync_offered(const struct target *target);

/*
 * Whether kvm_run.s.regs is cheaper here than GET and SET ioctls; measured on an
 * idle vCPU in well under a millisecond. False where the target has no such thing.
 */
bool sync_pays(const struct target *target);

/* Why this instance cannot run on the target, or NULL; freed by the caller. */
char *instance_missing(const struct target *target, const struct instance *instance);

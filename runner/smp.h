/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Cases with several vCPUs. Every vCPU has a thread and an engine of its own, which
 * does that vCPU's steps in order and judges its registers at each of them. What
 * they share is memory: every engine predicts what its own vCPU writes, and where
 * all have come to a `meet`, or to their end, the predictions are put together and
 * all of memory is judged. Until then only what a vCPU says of itself is.
 */
#pragma once

#include "engine.h"

struct smp_cpu {		/* one vCPU, of the case under way */
	struct smp *smp;
	unsigned int number;
	struct engine *engine;	/* of vCPU 0: the worker's own */
	struct engine own;	/* of the others */
	struct watch watch;
	struct mg_case tc;	/* the case as this vCPU sees it: its steps alone */
	struct instance instance;
	struct record *records;	/* of tc */
	struct result result;	/* of the others */
	unsigned int job;	/* the last one it began */
	bool started;		/* it has a thread */
	bool was_running;	/* in KVM_RUN when the case was stopped */
};

/* A worker's threads for vCPUs beyond the first; started when a case needs them. */
struct smp {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct smp_cpu cpu[SMP_MAX];
	const struct instance *whole;	/* the case under way */
	unsigned int cpus;		/* it has */
	unsigned int job;		/* counts cases: a thread begins when it changes */
	unsigned int busy;		/* threads that are not done with it */
	unsigned int arrived;		/* vCPUs that wait where they meet */
	unsigned int meetings;
	bool loaded;			/* memory is that of the case's beginning */
	unsigned int resting;		/* vCPUs that will not run any more */
	bool stopped;			/* one has failed: all are to end */
	int first;			/* which, or -1 */
	bool over;			/* threads are to end */
	u8 *base;			/* memory as predicted when they last met */
};

/* leader: the worker's engine, ready; vCPU 0 of every case is run by it. */
void smp_init(struct smp *smp, struct engine *leader);
/* Ends the threads. */
void smp_fini(struct smp *smp);

/* Runs e->instance, a case with several vCPUs, on e->vm; as engine_run. */
void smp_run(struct engine *e, struct result *result);

/* ---- called by every engine of the case, about itself ---------------------------- */

/*
 * vCPU 0 loads memory, and says so; the others wait for that before they load their
 * registers: in PAE paging KVM_SET_SREGS reads page-directory-pointer entries from
 * memory. False: vCPU 0 has failed.
 */
bool smp_await_memory(struct engine *e);
void smp_memory_loaded(struct engine *e);
/* Waits until all are ready to run. False: one is not. */
bool smp_begin(struct engine *e);
/* Waits for all others; then vCPU 0 judges memory. step NULL: the end of the case. */
bool smp_meet(struct engine *e, const struct record *step);
/* The VM that e->vm is now is that of all; NULL if there is none. All must wait. */
void smp_adopt(struct engine *e);
/* actions_replumb() of each. */
bool smp_replumb(struct engine *e);
/* Waits until none runs any more, whatever came of them. */
void smp_rest(struct engine *e);
/* This vCPU has failed: stops the others. */
void smp_stop(struct engine *e);
bool smp_stopped(struct engine *e);
/* Compares what this vCPU alone is said to have written; true if it differs. */
bool smp_compare(struct engine *e);
/* Takes what was observed as what was predicted (a known difference). */
void smp_tolerate(struct engine *e);

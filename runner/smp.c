// SPDX-License-Identifier: GPL-2.0-only
/*
 * The threads of a case's vCPUs: how they begin, meet, stop each other and end, and
 * how memory that they share is predicted.
 *
 * Between two meetings no order is known between what different vCPUs do. So a byte
 * may be predicted by one of them only; what several write is named at the meeting.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "describe.h"
#include "smp.h"
#include "worker.h"

/* ---- a vCPU's share of the case ------------------------------------------------ */

/* Whose a record is, by its kind: of the vCPU it stands under, or of all. */
static bool is_own(const struct record *record)
{
	switch (record->kind) {
	case REC_GIVEN:
	case REC_MSR:
	case REC_ACTION:
	case REC_EXPECT:
	case REC_WRITES:
	case REC_ANY:
	case REC_ENTRY_IS:
	case REC_HW:
		return true;
	default:
		return false;
	}
}

/*
 * The records that vCPU number goes by. What follows a meeting is for whoever judges
 * it; memory slots are made once, by vCPU 0.
 */
static void divide(struct smp_cpu *c, const struct instance *whole)
{
	const struct mg_case *tc = whole->tc;
	unsigned int at = 0;
	bool meeting = false;

	c->records = xrealloc(c->records, (tc->nrecords + 1) * sizeof(*c->records));
	c->tc = *tc;
	c->tc.entry = tc->entries[c->number];
	c->tc.records = c->records;
	c->tc.nrecords = 0;
	for (u32 i = 0; i < tc->nrecords; i++) {
		const struct record *record = &tc->records[i];

		if (record->kind == REC_EXPECT || record->kind == REC_ACTION)
			meeting = record->kind == REC_EXPECT && record->sub == STEP_MEET;
		if (record->kind == REC_CPU)
			at = (unsigned int)record_value(record, F_value, 0);
		else if (record->kind == REC_MEMSLOT ? !c->number :
			 !is_own(record) || meeting || at == c->number)
			c->records[c->tc.nrecords++] = *record;
	}
	c->instance = *whole;
	c->instance.tc = &c->tc;
	c->instance.cpu = c->number;
}

/* The number in the whole case of a step that a vCPU counts among its own. */
static int whole_step(const struct mg_case *whole, const struct mg_case *own, int number)
{
	const struct record *step = number < 0 ? NULL : case_step(own, number);
	int count = -1;

	if (!step)
		return number;
	for (u32 i = 0; i < whole->nrecords && whole->records[i].offset <= step->offset; i++)
		count += whole->records[i].kind == REC_EXPECT ||
			 whole->records[i].kind == REC_ACTION;
	return count;
}

/* ---- threads --------------------------------------------------------------------- */

static void *cpu_main(void *arg)
{
	struct smp_cpu *c = arg;
	struct smp *smp = c->smp;

	pthread_mutex_lock(&smp->lock);
	for (;;) {
		while (c->job == smp->job && !smp->over)
			pthread_cond_wait(&smp->changed, &smp->lock);
		if (smp->over)
			break;
		c->job = smp->job;
		if (c->number >= smp->cpus)
			continue;
		pthread_mutex_unlock(&smp->lock);
		engine_part(c->engine, &c->result);
		pthread_mutex_lock(&smp->lock);
		smp->busy--;
		pthread_cond_broadcast(&smp->changed);
	}
	pthread_mutex_unlock(&smp->lock);
	return NULL;
}

/* The thread inherits from the worker that kicks are blocked. */
static bool start_thread(struct smp_cpu *c)
{
	if (!c->started)
		c->started = !pthread_create(&c->watch.thread, NULL, cpu_main, c);
	return c->started;
}

static void init_cpu(struct smp_cpu *c, const struct engine *leader)
{
	engine_init(&c->own, leader->target, &c->watch, leader->timeout_ns);
	c->engine = &c->own;
	c->own.cpu = c->number;
	c->own.smp = c->smp;
	snprintf(c->own.prefix, sizeof(c->own.prefix), "cpu %u: ", c->number);
}

void smp_init(struct smp *smp, struct engine *leader)
{
	memset(smp, 0, sizeof(*smp));
	pthread_mutex_init(&smp->lock, NULL);
	pthread_cond_init(&smp->changed, NULL);
	for (unsigned int i = 0; i < SMP_MAX; i++) {
		smp->cpu[i].smp = smp;
		smp->cpu[i].number = i;
		if (i)
			init_cpu(&smp->cpu[i], leader);
	}
	smp->cpu[0].engine = leader;
	leader->team = smp;
}

void smp_fini(struct smp *smp)
{
	pthread_mutex_lock(&smp->lock);
	smp->over = true;
	pthread_cond_broadcast(&smp->changed);
	pthread_mutex_unlock(&smp->lock);
	for (unsigned int i = 0; i < SMP_MAX; i++) {
		if (smp->cpu[i].started)
			pthread_join(smp->cpu[i].watch.thread, NULL);
		if (i)
			engine_fini(&smp->cpu[i].own);
		free(smp->cpu[i].records);
	}
	free(smp->base);
}

/* ---- stopping --------------------------------------------------------------------- */

static struct watch *watch_of(struct smp *smp, unsigned int cpu)
{
	return smp->cpu[cpu].engine->watch;
}

/* Out of KVM_RUN, and never into it again. */
static void halt_cpu(struct smp *smp, unsigned int cpu)
{
	struct watch *watch = watch_of(smp, cpu);

	pthread_mutex_lock(&watch->lock);
	watch->stop = true;
	smp->cpu[cpu].was_running = watch->deadline_ns;
	if (watch->deadline_ns) {
		watch->run->immediate_exit = 1;
		pthread_kill(watch->thread, WATCH_SIGNAL);
	}
	pthread_mutex_unlock(&watch->lock);
}

void smp_stop(struct engine *e)
{
	struct smp *smp = e->smp;

	pthread_mutex_lock(&smp->lock);
	if (!smp->stopped) {
		smp->stopped = true;
		smp->first = (int)e->cpu;
		for (unsigned int i = 0; i < smp->cpus; i++)
			if (i != e->cpu)
				halt_cpu(smp, i);
		pthread_cond_broadcast(&smp->changed);
	}
	pthread_mutex_unlock(&smp->lock);
}

bool smp_stopped(struct engine *e)
{
	bool stopped;

	pthread_mutex_lock(&e->smp->lock);
	stopped = e->smp->stopped;
	pthread_mutex_unlock(&e->smp->lock);
	return stopped;
}

/* ---- memory ------------------------------------------------------------------------ */

/*
 * The next row of bytes, from *from on, that the vCPU has predicted anew since all
 * last met; *from and *to become its bounds. False if there is none.
 */
static bool next_change(const struct engine *e, u64 *from, u64 *to)
{
	const u8 *base = e->smp->base, *mem = e->stage.mem;
	u64 at = *from;

	while (at < STAGE_RAM && base[at] == mem[at])
		if (at % PAGE_BYTES || memcmp(base + at, mem + at, PAGE_BYTES))
			at++;
		else
			at += PAGE_BYTES;
	*from = at;
	while (at < STAGE_RAM && base[at] != mem[at])
		at++;
	*to = at;
	return *from < STAGE_RAM;
}

bool smp_compare(struct engine *e)
{
	bool wrong = false;
	u64 to;

	for (u64 from = 0; next_change(e, &from, &to); from = to)
		wrong |= judge_memory(e, from, to);
	return wrong;
}

void smp_tolerate(struct engine *e)
{
	u64 to, frame = (u64)e->frame.item * e->frame.count;
	bool meeting = !*e->prefix;

	for (u64 from = 0; !meeting && next_change(e, &from, &to); from = to)
		memcpy(e->stage.mem + from, e->vm->mem + from, to - from);
	if (e->frame_known && e->frame.addr < STAGE_RAM && frame <= STAGE_RAM - e->frame.addr)
		memcpy(e->stage.mem + e->frame.addr, e->vm->mem + e->frame.addr, frame);
	if (!meeting) {
		e->stage.state = e->seen;
		return;
	}
	memcpy(e->stage.mem, e->vm->mem, MMIO);
	memcpy(e->stage.mem + MMIO_END, e->vm->mem + MMIO_END, STAGE_RAM - MMIO_END);
}

/* Adds what the vCPU has predicted to the leader's memory; false: both have. */
static bool join_prediction(struct engine *leader, const struct engine *e, u64 *both)
{
	const u8 *base = e->smp->base;
	bool clear = true;
	u64 to;

	for (u64 from = 0; next_change(e, &from, &to); from = to)
		for (u64 at = from; at < to; at++) {
			u8 *mine = &leader->stage.mem[at];

			if (*mine != base[at] && *mine != e->stage.mem[at]) {
				clear = false;
				*both = at;
			}
			*mine = e->stage.mem[at];
		}
	return clear;
}

static bool join_predictions(struct engine *e)
{
	u64 both;

	for (unsigned int i = 1; i < e->smp->cpus; i++)
		if (!join_prediction(e, e->smp->cpu[i].engine, &both))
			return engine_error(e, "two vCPUs are said to have written %#" PRIx64
					    " without a meet between: name what it holds after "
					    "the `meet`", both);
	return true;
}

/* All vCPUs wait: by vCPU 0, with its engine. */
static bool judge_together(struct engine *e, const struct record *step)
{
	struct smp *smp = e->smp;
	char prefix[sizeof(e->prefix)];
	bool ok;

	memcpy(prefix, e->prefix, sizeof(prefix));
	*e->prefix = 0;		/* it is no vCPU's own fault */
	e->frame_known = false;
	ok = join_predictions(e) && judge_meeting(e, step);
	memcpy(smp->base, e->stage.mem, STAGE_RAM);
	for (unsigned int i = 1; i < smp->cpus; i++)
		memcpy(smp->cpu[i].engine->stage.mem, smp->base, STAGE_RAM);
	memcpy(e->prefix, prefix, sizeof(prefix));
	return ok && (!step || !e->instance->restore || engine_rebuild(e));
}

/* ---- the VM built anew --------------------------------------------------------------- */

void smp_adopt(struct engine *e)
{
	for (unsigned int i = 1; i < e->smp->cpus; i++)
		e->smp->cpu[i].engine->vm = e->vm ? e->vm->peers[i - 1] : NULL;
}

bool smp_replumb(struct engine *e)
{
	bool ok = true;

	for (unsigned int i = 0; i < e->smp->cpus; i++)
		ok = ok && actions_replumb(e->smp->cpu[i].engine);
	return ok;
}

/* ---- meeting ------------------------------------------------------------------------- */

/* With smp->lock held; false when the case is to end. */
static bool wait_for_leader(struct smp *smp)
{
	unsigned int meeting = smp->meetings;

	smp->arrived++;
	pthread_cond_broadcast(&smp->changed);
	while (!smp->stopped && smp->meetings == meeting)
		pthread_cond_wait(&smp->changed, &smp->lock);
	return smp->meetings != meeting;
}

static bool wait_for_others(struct smp *smp)
{
	while (!smp->stopped && smp->arrived < smp->cpus - 1)
		pthread_cond_wait(&smp->changed, &smp->lock);
	return !smp->stopped;
}

static void release_others(struct smp *smp)
{
	smp->arrived = 0;
	smp->meetings++;
	pthread_cond_broadcast(&smp->changed);
}

static bool gone_on(struct engine *e, bool ok)
{
	return ok || engine_error(e, "another vCPU has failed");
}

bool smp_await_memory(struct engine *e)
{
	struct smp *smp = e->smp;
	bool ok;

	if (!e->cpu)
		return true;
	pthread_mutex_lock(&smp->lock);
	while (!smp->stopped && !smp->loaded)
		pthread_cond_wait(&smp->changed, &smp->lock);
	ok = smp->loaded;
	pthread_mutex_unlock(&smp->lock);
	return gone_on(e, ok);
}

void smp_memory_loaded(struct engine *e)
{
	struct smp *smp = e->smp;

	if (e->cpu)
		return;
	pthread_mutex_lock(&smp->lock);
	smp->loaded = true;
	pthread_cond_broadcast(&smp->changed);
	pthread_mutex_unlock(&smp->lock);
}

bool smp_begin(struct engine *e)
{
	struct smp *smp = e->smp;
	bool ok;

	pthread_mutex_lock(&smp->lock);
	if (e->cpu) {
		ok = wait_for_leader(smp);
	} else {
		ok = wait_for_others(smp);
		if (!smp->base)
			smp->base = xmalloc(STAGE_RAM);
		memcpy(smp->base, e->stage.mem, STAGE_RAM);
		if (ok)
			release_others(smp);
	}
	pthread_mutex_unlock(&smp->lock);
	return gone_on(e, ok);
}

bool smp_meet(struct engine *e, const struct record *step)
{
	struct smp *smp = e->smp;
	bool ok;

	pthread_mutex_lock(&smp->lock);
	ok = e->cpu ? wait_for_leader(smp) : wait_for_others(smp);
	if (!e->cpu && ok) {
		pthread_mutex_unlock(&smp->lock);	/* engine_fail() takes it */
		ok = judge_together(e, step);
		pthread_mutex_lock(&smp->lock);
		if (ok)
			release_others(smp);
	}
	pthread_mutex_unlock(&smp->lock);
	return gone_on(e, ok);
}

void smp_rest(struct engine *e)
{
	struct smp *smp = e->smp;
	u64 both;

	pthread_mutex_lock(&smp->lock);
	smp->resting++;
	pthread_cond_broadcast(&smp->changed);
	while (smp->resting < smp->cpus)
		pthread_cond_wait(&smp->changed, &smp->lock);
	if (smp->stopped && e->vm)
		e->vm->spoiled = true;	/* whatever it was stopped in is not undone */
	if (smp->stopped && !e->cpu && smp->base)
		for (unsigned int i = 1; i < smp->cpus; i++)
			join_prediction(e, smp->cpu[i].engine, &both);
	pthread_mutex_unlock(&smp->lock);
}

/* ---- the case -------------------------------------------------------------------------- */

static void begin_job(struct engine *e)
{
	struct smp *smp = e->team;

	pthread_mutex_lock(&smp->lock);
	smp->whole = e->instance;
	smp->cpus = e->instance->tc->cpus;
	smp->busy = smp->cpus - 1;
	smp->arrived = smp->resting = 0;
	smp->stopped = smp->loaded = false;
	smp->first = -1;
	for (unsigned int i = 0; i < smp->cpus; i++) {
		struct smp_cpu *c = &smp->cpu[i];

		divide(c, smp->whole);
		c->was_running = false;
		c->engine->instance = &c->instance;
		c->engine->known = e->known;
		c->engine->hw.always = e->hw.always;
		c->engine->want_coverage = e->want_coverage;
		if (i)
			c->engine->vm = e->vm->peers[i - 1];
	}
	e->smp = smp;
	snprintf(e->prefix, sizeof(e->prefix), "cpu 0: ");
	smp->job++;
	pthread_cond_broadcast(&smp->changed);
	pthread_mutex_unlock(&smp->lock);
}

static void end_job(struct engine *e)
{
	struct smp *smp = e->team;

	pthread_mutex_lock(&smp->lock);
	while (smp->busy)
		pthread_cond_wait(&smp->changed, &smp->lock);
	pthread_mutex_unlock(&smp->lock);
	e->instance = smp->whole;
	e->smp = NULL;
	*e->prefix = 0;
	for (unsigned int i = 0; i < smp->cpus; i++) {
		struct watch *watch = watch_of(smp, i);

		pthread_mutex_lock(&watch->lock);
		watch->stop = watch->fired = false;	/* the next case has nothing of it */
		pthread_mutex_unlock(&watch->lock);
		if (i)
			smp->cpu[i].engine->vm = NULL;
	}
}

/* Which other vCPUs were in the guest when one was found to be stuck. */
static void add_running(const struct smp *smp, struct result *r)
{
	for (unsigned int i = 0; i < smp->cpus; i++) {
		char *why = r->why;

		if ((int)i == smp->first || !smp->cpu[i].was_running)
			continue;
		r->why = xasprintf("%s; cpu %u was in the guest too", why, i);
		free(why);
	}
}

static void sum_up(struct smp *smp, struct result *r)
{
	for (unsigned int i = 1; i < smp->cpus; i++) {
		struct result *other = &smp->cpu[i].result;

		r->runs += other->runs;
		r->hw_checked += other->hw_checked;
		r->tolerated |= other->tolerated;
		cover_add(&r->coverage, &other->coverage);
		if (!r->deviation_reason) {
			r->deviation_reason = other->deviation_reason;
			r->deviation_ref = other->deviation_ref;
		}
		if (!r->unchecked) {
			r->unchecked = other->unchecked;
			other->unchecked = NULL;
		}
	}
}

/* Puts the result of another vCPU first; what is the whole case's stays with it. */
static void lead(struct result *r, struct result *other)
{
	struct result old = *r;

	*r = *other;
	r->runs = old.runs;
	r->hw_checked = old.hw_checked;
	r->coverage = old.coverage;
	r->unchecked = old.unchecked;
	r->memory = old.memory;
	r->memory_expected = old.memory_expected;
	old.unchecked = NULL;
	old.memory = old.memory_expected = NULL;
	*other = old;
}

/* The failure of the vCPU that was first becomes the case's; the others are kept with it. */
static void gather(struct smp *smp, struct result *r)
{
	unsigned int count = smp->cpus - 1;

	sum_up(smp, r);
	if (smp->first < 0) {
		for (unsigned int i = 1; i <= count; i++)
			result_clear(&smp->cpu[i].result);
		return;
	}
	for (unsigned int i = 1; i <= count; i++)
		smp->cpu[i].result.cpu = i;
	if (smp->first)
		lead(r, &smp->cpu[smp->first].result);
	r->peers = xcalloc(count, sizeof(*r->peers));
	r->npeers = count;
	for (unsigned int i = 0; i < count; i++)
		r->peers[i] = smp->cpu[i + 1].result;
	r->step = whole_step(smp->whole->tc, &smp->cpu[smp->first].tc, r->step);
	if (r->outcome == OUTCOME_FAIL)
		add_running(smp, r);
}

/* No VM with so many vCPUs, or no thread for each. */
static bool can_run(struct engine *e)
{
	if (!e->team || e->vm->cpus != e->instance->tc->cpus)
		return false;
	for (unsigned int i = 1; i < e->instance->tc->cpus; i++)
		if (!start_thread(&e->team->cpu[i]))
			return false;
	return true;
}

void smp_run(struct engine *e, struct result *result)
{
	struct smp *smp = e->team;

	if (!can_run(e)) {
		memset(result, 0, sizeof(*result));
		result->instance = e->instance;
		result->step = -1;
		result->outcome = OUTCOME_ERROR;
		result->why = xstrdup("no thread can be started for each vCPU");
		return;
	}
	begin_job(e);
	engine_part(e, result);
	end_job(e);
	gather(smp, result);
	result->instance = smp->whole;
	for (unsigned int i = 0; i < result->npeers; i++)
		result->peers[i].instance = smp->whole;
}

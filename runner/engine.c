// SPDX-License-Identifier: GPL-2.0-only
/*
 * The one loop over a case's steps, and the one place that calls KVM_RUN.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "engine.h"
#include "smp.h"
#include "steps.h"
#include "worker.h"

#define ABANDON_MAX 16	/* exits that an abandoned instruction may still make */
#define AGAIN_MAX 1000	/* times in a row that KVM_RUN may say EAGAIN */

/* ---- outcome ------------------------------------------------------------------- */

static bool stop(struct engine *e, enum outcome outcome, const char *fmt, va_list args)
{
	struct result *r = e->result;
	char *why;

	if (r->outcome != OUTCOME_PASS)
		return false;
	r->outcome = outcome;
	if (vasprintf(&why, fmt, args) < 0)
		why = xstrdup("no memory for the reason");
	free(r->why);
	r->why = xasprintf("%s%s", e->prefix, why);
	free(why);
	r->step = e->step ? e->step_index : -1;
	r->line = e->step ? e->step->line : e->instance->tc->line;
	if (e->smp)
		smp_stop(e);
	return false;
}

bool engine_fail(struct engine *e, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	stop(e, OUTCOME_FAIL, fmt, args);
	va_end(args);
	return false;
}

bool engine_error(struct engine *e, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	stop(e, OUTCOME_ERROR, fmt, args);
	va_end(args);
	return false;
}

bool engine_skip(struct engine *e, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	stop(e, OUTCOME_SKIP, fmt, args);
	va_end(args);
	return false;
}

void engine_differs(struct engine *e, const char *what, const char *expected,
		    const char *observed)
{
	struct result *r = e->result;
	struct difference *d;

	if (r->ndifferences == DIFFERENCES_MAX) {
		r->more_differences++;
		return;
	}
	d = &r->differences[r->ndifferences++];
	snprintf(d->what, sizeof(d->what), "%s%s", e->prefix, what);
	snprintf(d->expected, sizeof(d->expected), "%s", expected);
	snprintf(d->observed, sizeof(d->observed), "%s", observed);
}

bool engine_equal(struct engine *e, const char *what, u64 expected, u64 observed)
{
	char left[24], right[24];

	if (expected == observed)
		return true;
	snprintf(left, sizeof(left), "%#" PRIx64, expected);
	snprintf(right, sizeof(right), "%#" PRIx64, observed);
	engine_differs(e, what, left, right);
	return false;
}

/* ---- KVM_RUN ----------------------------------------------------------------------- */

/* A kick that comes while the guest runs: a timer of this thread. */
static bool arm_kick_timer(struct engine *e, timer_t *timer)
{
	struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = KICK_SIGNAL };
	struct itimerspec when = {
		.it_value = { .tv_sec = (time_t)(e->kick_after_ms / 1000),
			      .tv_nsec = (long)(e->kick_after_ms % 1000) * 1000000 },
	};

	event._sigev_un._tid = gettid();
	if (timer_create(CLOCK_MONOTONIC, &event, timer) < 0)
		return engine_error(e, "timer_create: %s", strerror(errno));
	timer_settime(*timer, 0, &when, NULL);
	return true;
}

/*
 * Kicks are blocked in the thread and let in during KVM_RUN only, so that one
 * sent before the call ends it and none is lost (KVM_SET_SIGNAL_MASK).
 */
static bool let_kicks_in(struct engine *e)
{
	struct {
		struct kvm_signal_mask head;
		u64 set;
	} mask = { .head.len = sizeof(u64) };
	sigset_t blocked;

	if (e->vm->kicks_in)
		return true;
	pthread_sigmask(SIG_SETMASK, NULL, &blocked);
	sigdelset(&blocked, KICK_SIGNAL);
	memcpy(mask.head.sigset, &blocked, sizeof(u64));
	if (ioctl(e->vm->vcpu, KVM_SET_SIGNAL_MASK, &mask) < 0)
		return engine_fail(e, "KVM_SET_SIGNAL_MASK: %s", strerror(errno));
	e->vm->kicks_in = true;
	return true;
}

static void swallow_kick(void)
{
	static const struct timespec now;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, KICK_SIGNAL);
	while (sigtimedwait(&set, NULL, &now) > 0)
		;
}

/* Notes what this KVM_RUN is about to be given. */
static void trace_run(struct engine *e)
{
	const struct kvm_run *run = e->vm->run;
	struct trace *t = e->trace;
	struct trace_run *at;

	if (t->count == t->room) {
		t->room = t->room ? t->room * 2 : 8;
		t->runs = xrealloc(t->runs, t->room * sizeof(*t->runs));
	}
	at = &t->runs[t->count++];
	*at = (struct trace_run){ .immediate_exit = run->immediate_exit,
				  .set = t->count > 1 && e->state_written };
	if (at->set)
		at->state = e->written;
	if (t->count == 1 || e->run_errno)
		return;
	if (run->exit_reason == KVM_EXIT_IO && run->io.direction == KVM_EXIT_IO_IN) {
		at->data_offset = (u32)run->io.data_offset;
		at->data_bytes = (u32)run->io.size * run->io.count;
	} else if (run->exit_reason == KVM_EXIT_MMIO && !run->mmio.is_write) {
		at->data_offset = offsetof(struct kvm_run, mmio.data);
		at->data_bytes = run->mmio.len;
	}
	if (at->data_bytes > sizeof(at->data))
		t->complete = false;
	else
		memcpy(at->data, (const u8 *)run + at->data_offset, at->data_bytes);
}

static void watch_begin(struct watch *watch, struct kvm_run *run, u64 deadline_ns)
{
	pthread_mutex_lock(&watch->lock);
	watch->run = run;
	watch->deadline_ns = deadline_ns;
	if (watch->stop)
		run->immediate_exit = 1;
	pthread_mutex_unlock(&watch->lock);
}

/* A thread that was given up stays here: another has its work, and the run may be over. */
static void watch_end(struct watch *watch)
{
	bool lost;

	pthread_mutex_lock(&watch->lock);
	watch->deadline_ns = 0;
	lost = watch->lost;
	pthread_mutex_unlock(&watch->lock);
	while (lost)
		pause();
}

static int kvm_run_once(struct engine *e)
{
	struct vm *vm = e->vm;
	int r;

	if (e->trace)
		trace_run(e);
	e->state_written = false;
	vm->memory.base = NULL;	/* the guest writes there */
	vm->run->kvm_valid_regs = vm->sync_regs || e->check_sync ?
					  KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS : 0;
	if (e->check_sync)
		vm->run->kvm_valid_regs |= KVM_SYNC_X86_EVENTS;
	hw_aim(e);
	watch_begin(e->watch, vm->run, now_ns() + e->timeout_ns);
	if (e->steps)
		r = steps_run(e);
	else
		r = ioctl(vm->vcpu, KVM_RUN, 0) < 0 ? errno : 0;
	watch_end(e->watch);
	hw_collect(e);
	vm->run->kvm_dirty_regs = 0;
	vm->state_pending = false;
	e->result->runs++;
	return r;
}

/*
 * The ring is the guest's and the kernel's: it is emptied at every exit. A VM has one;
 * vCPU 0's thread looks after it.
 */
static void drain_coalesced(struct engine *e)
{
	struct kvm_coalesced_mmio_ring *ring;
	u32 max, first;

	if (!e->vm->target->coalesced_offset || e->cpu)
		return;
	ring = (void *)((u8 *)e->vm->run + e->vm->target->coalesced_offset);
	max = (4096 - sizeof(*ring)) / sizeof(ring->coalesced_mmio[0]);
	first = ring->first;
	for (u32 i = 0; i < max && first < max; i++) {
		if (first == __atomic_load_n(&ring->last, __ATOMIC_ACQUIRE))
			break;
		if (e->ncoalesced < COALESCED_MAX)
			e->coalesced[e->ncoalesced++] = ring->coalesced_mmio[first];
		first = (first + 1) % max;
	}
	__atomic_store_n(&ring->first, first, __ATOMIC_RELEASE);
}

static bool timed_out(struct engine *e)
{
	if (e->smp && smp_stopped(e)) {
		e->vm->run->immediate_exit = 0;
		engine_error(e, "another vCPU has failed");
		return true;
	}
	if (!e->watch->fired)
		return false;
	e->watch->fired = false;
	e->vm->run->immediate_exit = 0;
	e->vm->spoiled = true;
	if (vm_get_state(e->vm, &e->seen, false, e->fpu))
		e->result->have_state = true;
	e->result->timed_out = true;
	engine_fail(e, "no exit within %" PRIu64 " ms: the guest was stopped",
		    e->timeout_ns / 1000000);
	return true;
}

bool engine_kvm_run(struct engine *e)
{
	bool later = e->kick && e->kick_after_ms, pending = e->vm->state_pending;
	timer_t timer;

	if (e->kick && !let_kicks_in(e))
		return false;
	if (e->kick && !later)
		pthread_kill(pthread_self(), KICK_SIGNAL);
	if (later && !arm_kick_timer(e, &timer))
		return false;
	e->vm->run->immediate_exit = e->immediate_exit;
	e->result->have_state = false;	/* what was read is not the state any more */
	e->run_errno = kvm_run_once(e);
	/* A vCPU that waited for INIT or SIPI has got one: it is entered again (x86.c). */
	for (unsigned int i = 0; i < AGAIN_MAX && e->run_errno == EAGAIN; i++)
		e->run_errno = kvm_run_once(e);
	e->vm->run->immediate_exit = 0;
	e->immediate_exit = false;
	if (later)
		timer_delete(timer);
	if (e->kick)
		swallow_kick();
	e->kick = false;
	drain_coalesced(e);
	exits_log(e);
	if (pending && e->run_errno && e->run_errno != EINTR)
		return engine_fail(e, "the target refuses the state it is given: KVM_RUN: %s",
				   strerror(e->run_errno));
	return !timed_out(e);
}

bool engine_complete(struct engine *e)
{
	int error;

	e->vm->run->immediate_exit = 1;
	e->result->have_state = false;
	error = kvm_run_once(e);
	e->vm->run->immediate_exit = 0;
	e->run_errno = error;
	drain_coalesced(e);
	if (!error) {
		e->have_exit = true;	/* the same instruction goes on */
		exits_log(e);
	} else if (error != EINTR) {
		exits_log(e);
		return engine_fail(e, "completing the exit: KVM_RUN failed: %s", strerror(error));
	}
	return !timed_out(e);
}

/* ---- the case ------------------------------------------------------------------------- */

bool engine_rebuild(struct engine *e)
{
	struct vm_shape shape = {
		.irqchip = e->instance->irqchip,
		.mmio = e->instance->path == PATH_MMIO,
		.cpus = e->instance->tc->cpus,
		.cpuid_of = e->instance->tc,
	};
	char error[VM_ERROR];
	bool ok;

	drain_coalesced(e);	/* the ring is no state that could be restored */
	ok = vm_rebuild(&e->vm, &shape, e->dirty, error);

	if (e->smp)
		smp_adopt(e);
	if (!ok)
		return engine_fail(e, "saving and restoring the VM: %s", error);
	return e->smp ? smp_replumb(e) : actions_replumb(e);
}

static bool resume_at(struct engine *e, const struct cpu_state *state)
{
	e->state_written = true;
	e->written = *state;
	return vm_resume(e->vm, state) || engine_error(e, "%s", e->vm->error);
}

/* After an exception: back to the interrupted program, or on by the guest's IRET. */
static bool go_on(struct engine *e, const struct record *step, const struct cpu_state *before)
{
	u64 resume = record_value(step, F_resume, step->addr);
	struct cpu_state *state = &e->stage.state;

	if (record_value(step, F_iret, 0)) {
		struct cpu_state handler = *state;
		u64 error_bytes = e->frame.has_error ? e->frame.item : 0;

		if (!stage_write(&e->stage, e->frame.addr + error_bytes, &resume, e->frame.item))
			return engine_error(e, "%s", e->stage.error);
		memcpy(e->vm->mem + e->frame.addr + error_bytes, &resume, e->frame.item);
		e->vm->memory.base = NULL;
		handler.gpr[RSP] += error_bytes;
		handler.rip = e->frame.item == 8 ? SERVICE_IRET64 : SERVICE_IRET;
		*state = *before;
		state->rip = resume;
		return resume_at(e, &handler);
	}
	*state = *before;
	state->rip = resume;
	return resume_at(e, state);
}

/* What kvm_run.s.regs shows must be what the ioctls show. */
static bool sync_agrees(struct engine *e)
{
	struct cpu_state synced = e->seen;
	struct kvm_vcpu_events events;

	if (ioctl(e->vm->vcpu, KVM_GET_VCPU_EVENTS, &events) < 0)
		return engine_fail(e, "KVM_GET_VCPU_EVENTS: %s", strerror(errno));
	if (memcmp(&events, &e->vm->run->s.regs.events, sizeof(events)))
		return engine_fail(e, "kvm_run.s.regs.events and KVM_GET_VCPU_EVENTS disagree");
	state_from_regs(&synced, &e->vm->run->s.regs.regs);
	state_from_sregs(&synced, &e->vm->run->s.regs.sregs);
	if (!memcmp(&synced, &e->seen, sizeof(synced)))
		return true;
	for (u16 field = F_rax; field <= F_ldtr_ar; field++) {
		u64 *left = state_reg(&e->seen, field), *right = state_reg(&synced, field);

		if (left)
			engine_equal(e, field_name(field), *left, *right);
	}
	return engine_fail(e, "kvm_run.s.regs and KVM_GET_REGS, KVM_GET_SREGS disagree");
}

static bool read_state(struct engine *e)
{
	bool synced = e->vm->sync_regs && !e->check_sync;

	e->result->have_state = vm_get_state(e->vm, &e->seen, synced, e->fpu);
	if (e->trace && e->trace->count)
		e->trace->runs[e->trace->count - 1].get = true;
	if (!e->result->have_state)
		return engine_error(e, "%s", e->vm->error);
	return !e->check_sync || sync_agrees(e);
}

/* Whether what comes next looks at what this very VM has done: a new one has not. */
static bool asks_this_vm(const struct engine *e, const struct record *step)
{
	const struct mg_case *tc = e->instance->tc;

	for (const struct record *r = step + 1; r < tc->records + tc->nrecords; r++)
		if (r->kind == REC_EXPECT || r->kind == REC_ACTION)
			return r->kind == REC_ACTION &&
			       (r->sub == ACT_CALL || r->sub == ACT_PEEK);
	return false;
}

static bool expectation(struct engine *e, const struct record *step, bool last)
{
	struct cpu_state before;

	if (step->sub == STEP_MEET)
		return smp_meet(e, step);
	if (!exits_take(e, step))
		return false;
	if (step->sub == STEP_SHUTDOWN || step->sub == STEP_FAIL_ENTRY)
		return last ? judge_expectation(e, step) :
			      engine_error(e, "no step can follow a shutdown or failed entry");
	if (judge_is_partial(e, step))
		return judge_expectation(e, step);
	if (e->have_exit)
		return engine_fail(e, "the instruction caused one more exit: %s",
				   e->result->exits[e->result->nexits - 1].text);
	if (!read_state(e))
		return false;
	if (!judge_expectation(e, step))
		return false;
	if (step->sub == STEP_EXCEPTION && !last) {
		before = e->before_event;
		if (!go_on(e, step, &before))
			return false;
	}
	/* With other vCPUs running the VM cannot be saved: it is where they meet. */
	return last || !e->instance->restore || e->smp || asks_this_vm(e, step) ||
	       engine_rebuild(e);
}

static bool is_step(const struct record *record)
{
	return record->kind == REC_EXPECT || record->kind == REC_ACTION;
}

/* Whether the vCPU runs no more after it: others may go on, and it still meets them. */
static bool last_step(const struct mg_case *tc, u32 i)
{
	while (++i < tc->nrecords)
		if (is_step(&tc->records[i]) && !(tc->records[i].kind == REC_EXPECT &&
						  tc->records[i].sub == STEP_MEET))
			return false;
	return true;
}

static bool run_steps(struct engine *e)
{
	const struct mg_case *tc = e->instance->tc;

	e->step_index = -1;
	for (u32 i = 0; i < tc->nrecords; i++) {
		const struct record *step = &tc->records[i];

		if (!is_step(step))
			continue;
		e->step = step;
		e->step_index++;
		if (step->kind == REC_ACTION) {
			if (!vm_settle(e->vm))
				return engine_error(e, "%s", e->vm->error);
			e->vm->memory.base = NULL;	/* it may write there */
			if (!action_do(e, step))
				return false;
		} else if (!expectation(e, step, last_step(tc, i))) {
			return false;
		}
	}
	return judge_after_case(e) && (!e->smp || smp_meet(e, NULL));
}

/* Registers and memory slots the case asks for that the stage itself has not. */
static bool set_the_stage(struct engine *e)
{
	const struct mg_case *tc = e->instance->tc;

	if (e->smp && !smp_await_memory(e))
		return false;
	if (!vm_load(e->vm, &e->stage))
		return engine_fail(e, "the target refuses the initial state: %s", e->vm->error);
	if (e->smp)
		smp_memory_loaded(e);
	for (u32 i = 0; i < tc->nrecords; i++) {
		const struct record *record = &tc->records[i];

		if (record->kind != REC_MSR && record->kind != REC_MEMSLOT)
			continue;
		e->step = record;
		if (!vm_settle(e->vm))
			return engine_fail(e, "the target refuses the initial state: %s",
					   e->vm->error);
		if (!action_do(e, record))
			return false;
	}
	e->step = NULL;
	return true;
}

/*
 * Whether after the case its VM may have other values in model-specific registers: its
 * code may change them, an action may, or the target did what it should not.
 */
static bool changes_msrs(const struct engine *e, const struct result *result)
{
	const struct mg_case *tc = e->instance->tc;

	for (u32 i = 0; i < tc->nrecords; i++)
		if (tc->records[i].kind == REC_ACTION || tc->records[i].kind == REC_MSR)
			return true;
	return tc->image->changes_msrs || tc->cpus > 1 || result->outcome != OUTCOME_PASS ||
	       result->tolerated;
}

static void begin(struct engine *e, struct result *result)
{
	memset(result, 0, sizeof(*result));
	result->instance = e->instance;
	result->step = -1;
	result->coverage.wanted = e->want_coverage;
	e->result = result;
	e->step = NULL;
	e->have_exit = e->kick = e->immediate_exit = e->frame_known = e->check_sync = false;
	e->step_index = -1;
	e->fpu = e->instance->tc->uses;
	e->ncoalesced = e->nplumbing = 0;
	e->msr_filter = e->filter_call = NULL;
	memset(e->dirty, 0, sizeof(e->dirty));
}

/* The code around RIP, where it is in guest memory and mapped one to one. */
static void keep_code(struct engine *e)
{
	struct result *r = e->result;
	const struct mg_case *tc = e->instance->tc;
	u64 rip = e->seen.seg[SEG_CS].base + e->seen.rip, start = rip;

	if (!r->have_state || rip >= STAGE_RAM)
		return;
	for (u32 i = 0; i < tc->nrecords; i++)
		if (tc->records[i].addr <= rip && rip - tc->records[i].addr < CODE_BYTES / 2 &&
		    (start == rip || tc->records[i].addr < start))
			start = tc->records[i].addr;
	r->code_addr = start;
	r->code_len = STAGE_RAM - start < CODE_BYTES ? (u32)(STAGE_RAM - start) : CODE_BYTES;
	memcpy(r->code, e->vm->mem + start, r->code_len);
}

static void keep_evidence(struct engine *e)
{
	struct result *r = e->result;
	bool failed = r->outcome == OUTCOME_FAIL || r->outcome == OUTCOME_ERROR;

	if (!e->vm || (!failed && !(e->smp && smp_stopped(e))))
		return;
	if (!r->have_state && vm_settle(e->vm))
		r->have_state = vm_get_state(e->vm, &e->seen, false, e->fpu);
	r->state = e->seen;
	keep_code(e);
	if (!e->want_memory)
		return;
	r->memory = xmalloc(STAGE_RAM);
	r->memory_expected = xmalloc(STAGE_RAM);
	memcpy(r->memory, e->vm->mem, STAGE_RAM);
	memcpy(r->memory_expected, e->stage.mem, STAGE_RAM);
}

/*
 * A case that stopped at an exit it did not expect leaves its completion pending,
 * which would become part of the next case on that VM.
 */
static void abandon_exit(struct engine *e)
{
	for (unsigned int i = 0; i < ABANDON_MAX; i++) {
		e->vm->run->immediate_exit = 1;
		if (kvm_run_once(e) == EINTR)
			break;
		if (i == ABANDON_MAX - 1)
			e->vm->spoiled = true;
	}
	e->vm->run->immediate_exit = 0;
}

void engine_part(struct engine *e, struct result *result)
{
	bool ok;

	begin(e, result);
	hw_begin(e);
	ok = stage_build(&e->stage, e->instance);
	if (e->smp)
		e->stage.pages.base = NULL;	/* smp.c writes there without keeping count */
	if (!ok)
		engine_error(e, "the stage cannot be built: %s", e->stage.error);
	else if (set_the_stage(e) && (!e->smp || smp_begin(e)))
		run_steps(e);
	if (e->smp)
		smp_rest(e);
	hw_end(e);
	keep_evidence(e);
	if (e->vm && !e->vm->spoiled && result->outcome != OUTCOME_PASS)
		abandon_exit(e);
	actions_undo(e);
	if (e->vm)
		e->vm->msrs_unknown |= changes_msrs(e, result);
}

void engine_run(struct engine *e, struct result *result)
{
	u64 start = now_ns();

	if (e->instance->tc->cpus > 1)
		smp_run(e, result);
	else
		engine_part(e, result);
	if (result->outcome == OUTCOME_PASS && result->tolerated) {
		result->outcome = OUTCOME_DEVIATION;
		result->why = xasprintf("it differs where that is known: %s",
					result->deviation_reason);
	} else {	/* a failure after a known difference is not that deviation */
		result->deviation_reason = result->deviation_ref = NULL;
	}
	result->ns = now_ns() - start;
}

void engine_init(struct engine *e, const struct target *target, struct watch *watch,
		 u64 timeout_ns)
{
	memset(e, 0, sizeof(*e));
	e->target = target;
	e->watch = watch;
	pthread_mutex_init(&watch->lock, NULL);
	e->timeout_ns = timeout_ns;
	stage_init(&e->stage);
	for (unsigned int i = 0; i < EVENTFDS; i++)
		e->eventfds[i] = -1;
}

void engine_fini(struct engine *e)
{
	stage_free(&e->stage);
	hw_fini(e);
}

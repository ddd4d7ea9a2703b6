// SPDX-License-Identifier: GPL-2.0-only
/*
 * Worker threads, their pools of VMs, the reaper that ends VMs off the critical
 * path, and the watchdog.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "smp.h"
#include "steps.h"
#include "worker.h"

#define CHIPS 3			/* irqchip user, split, kernel */
/*
 * One vCPU, by privilege level and with and without MMIO operand; two vCPUs and more. The
 * privilege levels differ in their page tables, and changing those costs more than a case.
 */
#define SINGLES (CHIPS * 2 * 2)
#define SHAPES (SINGLES + CHIPS * (SMP_MAX - 1))
#define WATCH_TICK_NS 10000000ull
#define LOST_AFTER_NS 10000000000ull	/* after that no signal will help */
#define TIMEOUTS_MAX 20		/* instances that do not end, before the run is given up */
#define KNOWN_SHARE 4		/* what is known to fail gets this part of the time-out ... */
#define KNOWN_LEAST_NS 100000000ull	/* ... but no less */
#define PILE_MAX 64		/* results that wait until the reporting thread is woken */
#define GIVE_BACK_MAX 64	/* VMs that wait for the reaper at most */
#define MARK_MAX 256		/* bytes of a mark */

struct slot {			/* of a result, until it is handed on */
	struct result *result;
	bool done;
};

struct crew {			/* what the threads of one run share */
	const struct schedule *schedule;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct slot *slots;
	unsigned int next;	/* instance to begin */
	unsigned int pile;	/* results since the reporting thread was woken */
	unsigned int timeouts;	/* instances that did not end, and are not known for it */
	unsigned int started;	/* workers ever */
	unsigned int running;	/* workers alive; one given up counts until it is replaced */
	struct worker *workers;	/* all ever started, newest first */
	bool over;

	struct vm *graves[GIVE_BACK_MAX];
	unsigned int ngraves;
	pthread_cond_t grave;
};

struct worker {
	struct crew *crew;
	struct worker *next;
	struct watch watch;
	struct engine engine;
	struct smp smp;		/* for cases with several vCPUs */
	struct vm *pool[SHAPES];
	unsigned int number;	/* from 0, in the order they were started */
	bool marks;		/* it may write to the schedule's mark_port */
	bool recorded;		/* the instance under way is known to fail on this target */
	unsigned int at;	/* instance under way */
};

static volatile sig_atomic_t stop_requested;

void schedule_stop(void)
{
	stop_requested = 1;
}

bool schedule_stopped(void)
{
	return stop_requested;
}

/* ---- the reaper --------------------------------------------------------------- */

/* Ending a VM takes longer than a case: another thread does it. */
static void bury(struct crew *crew, struct vm *vm)
{
	pthread_mutex_lock(&crew->lock);
	if (crew->ngraves < GIVE_BACK_MAX) {
		crew->graves[crew->ngraves++] = vm;
		pthread_cond_signal(&crew->grave);
		vm = NULL;
	}
	pthread_mutex_unlock(&crew->lock);
	if (vm)
		vm_destroy(vm, false);
}

static void *reaper(void *arg)
{
	struct crew *crew = arg;

	pthread_mutex_lock(&crew->lock);
	for (;;) {
		struct vm *vm;

		while (!crew->ngraves && !crew->over)
			pthread_cond_wait(&crew->grave, &crew->lock);
		if (!crew->ngraves)
			break;
		vm = crew->graves[--crew->ngraves];
		pthread_mutex_unlock(&crew->lock);
		vm_destroy(vm, false);
		pthread_mutex_lock(&crew->lock);
	}
	pthread_mutex_unlock(&crew->lock);
	return NULL;
}

/* ---- VMs ------------------------------------------------------------------------- */

static bool has_cpuid(const struct mg_case *tc)
{
	for (u32 i = 0; i < tc->nrecords; i++)
		if (tc->records[i].kind == REC_CPUID)
			return true;
	return false;
}

static struct vm *new_vm(struct worker *w, const struct instance *instance, char error[VM_ERROR])
{
	const struct schedule *s = w->crew->schedule;
	struct vm_shape shape = {
		.irqchip = instance->irqchip,
		.mmio = instance->path == PATH_MMIO,
		.cpus = instance->tc->cpus,
		.cpuid_of = instance->tc,
	};

	return vm_create(s->target, &shape, s->sync_regs, NULL, error);
}

static struct vm **pool_of(struct worker *w, const struct instance *instance)
{
	unsigned int chip = instance->irqchip == IRQCHIP_USER  ? 0 :
			    instance->irqchip == IRQCHIP_SPLIT ? 1 : 2;

	if (instance->tc->cpus > 1)
		return &w->pool[SINGLES + chip * (SMP_MAX - 1) + instance->tc->cpus - 2];
	return &w->pool[(chip * 2 + (instance->ring == 3)) * 2 + (instance->path == PATH_MMIO)];
}

static void not_run(struct result *result, const struct instance *instance, enum outcome outcome,
		    char *why)
{
	*result = (struct result){
		.instance = instance, .outcome = outcome, .step = -1, .why = why,
	};
}

/* Runs it on a VM of its own, ended afterwards. */
static void run_fresh(struct worker *w, struct result *result)
{
	struct engine *e = &w->engine;
	char error[VM_ERROR] = "";

	e->vm = new_vm(w, e->instance, error);
	if (!e->vm) {
		not_run(result, e->instance, OUTCOME_ERROR,
			xasprintf("no VM can be made: %s", error));
		return;
	}
	e->hw.always = true;	/* it is slow anyway, and shows more if it fails */
	engine_run(e, result);
	e->hw.always = false;
	if (e->vm)
		bury(w->crew, e->vm);
	e->vm = NULL;
}

/* Runs it on the pooled VM of its shape, which is left ready for the next case. */
static bool run_pooled(struct worker *w, struct result *result)
{
	struct engine *e = &w->engine;
	struct vm **vm = pool_of(w, e->instance);
	char error[VM_ERROR];

	if (!*vm)
		*vm = new_vm(w, e->instance, error);
	if (!*vm)
		return false;
	e->vm = *vm;
	engine_run(e, result);
	*vm = e->vm;
	if (*vm && !vm_clean(*vm)) {
		bury(w->crew, *vm);
		*vm = NULL;
	}
	e->vm = NULL;
	return true;
}

/*
 * A failure counts once a fresh VM shows it too; if only the reused one does, some
 * case before has left state behind, and that is an error of its own.
 */
static void confirm(struct worker *w, struct result *result)
{
	struct result again;
	char *why;

	run_fresh(w, &again);
	if (again.outcome == result->outcome) {
		result_clear(result);
		*result = again;
		return;
	}
	why = xasprintf("case leaks state: %s in a reused VM (%s), %s in a fresh one (%s)",
			outcome_name(result->outcome), result->why ? result->why : "-",
			outcome_name(again.outcome), again.why ? again.why : "-");
	free(result->why);
	result->why = why;
	result->outcome = OUTCOME_ERROR;
	result_clear(&again);
}

/* What is known to end the machine would end the results of all others too. */
static bool spared(const struct schedule *s, const struct instance *instance,
		   struct result *result)
{
	const struct deviation *fatal = NULL;

	if (s->known && !s->run_fatal)
		fatal = deviations_fatal(s->known, instance->name);
	if (!fatal)
		return false;
	not_run(result, instance, OUTCOME_DEVIATION, xstrdup(fatal->not_run));
	result->deviation_reason = fatal->not_run;
	result->deviation_ref = fatal->ref;
	return true;
}

/*
 * Marks: a lab's emulator passes on what is written to this port even if the machine
 * under it ends at the next instruction, so the last mark names what was running.
 */
static void open_marks(struct worker *w)
{
	unsigned int port = w->crew->schedule->mark_port;

	if (!port)
		return;
	w->marks = !ioperm(port, 1, 1);	/* of this thread */
	if (!w->marks)
		complain("no marks on I/O port %#x: ioperm: %s", port, strerror(errno));
}

static void mark(struct worker *w, const char *name)
{
	char line[MARK_MAX];
	size_t len;

	if (!w->marks)
		return;
	len = (size_t)snprintf(line, sizeof(line), "%u %s\n", w->number, name);
	if (len >= sizeof(line))
		len = sizeof(line) - 1;
	outsb((unsigned short)w->crew->schedule->mark_port, line, len);
}

/* What is known to fail often does so by not ending, which need not be waited for long. */
static u64 timeout_of(const struct schedule *s, bool recorded)
{
	u64 part = s->timeout_ns / KNOWN_SHARE;

	if (s->timeout_ns <= KNOWN_LEAST_NS || !recorded)
		return s->timeout_ns;
	return part > KNOWN_LEAST_NS ? part : KNOWN_LEAST_NS;
}

static void run_in_steps(struct worker *w, struct result *result)
{
	w->engine.steps = xcalloc(1, sizeof(*w->engine.steps));
	if (has_cpuid(w->engine.instance->tc) || !run_pooled(w, result))
		run_fresh(w, result);
	result->steps = w->engine.steps;
	w->engine.steps = NULL;
}

static void run_instance(struct worker *w, const struct instance *instance, struct result *result)
{
	const struct schedule *s = w->crew->schedule;
	char *missing = instance_missing(s->target, instance);

	w->engine.instance = instance;
	w->recorded = s->known && deviations_match(s->known, instance->name);
	w->engine.timeout_ns = timeout_of(s, w->recorded);
	if (missing) {
		not_run(result, instance, OUTCOME_SKIP, missing);
		return;
	}
	if (spared(s, instance, result))
		return;
	mark(w, instance->name);
	if (s->want_steps) {
		run_in_steps(w, result);
		return;
	}
	if (instance->fresh || has_cpuid(instance->tc) || !run_pooled(w, result)) {
		run_fresh(w, result);
		return;
	}
	/* Of what is known to fail a second run would tell nothing. */
	if (s->confirm && result->outcome == OUTCOME_FAIL && !w->recorded)
		confirm(w, result);
}

/* ---- workers ------------------------------------------------------------------------ */

/* The next instance, or -1 when there is none or the run is to stop. */
static int take_next(struct worker *w)
{
	struct crew *crew = w->crew;
	int at = -1;

	pthread_mutex_lock(&crew->lock);
	if (!stop_requested && crew->next < crew->schedule->count)
		at = (int)crew->next++;
	if (at >= 0)
		w->at = (unsigned int)at;
	pthread_mutex_unlock(&crew->lock);
	return at;
}

/*
 * With crew->lock held. A target on which many guests do not end would keep a run busy for
 * hours: it is given up when that is clear.
 */
static void put_result(struct worker *w, unsigned int at, struct result *result)
{
	struct crew *crew = w->crew;

	crew->slots[at].result = result;
	crew->slots[at].done = true;
	crew->pile++;
	crew->timeouts += result->timed_out && !w->recorded;
	if (crew->timeouts >= TIMEOUTS_MAX)
		crew->next = crew->schedule->count;
}

/* The reporting thread is woken for many results at once, and by the watchdog's tick. */
static void hand_on(struct worker *w, unsigned int at, struct result *result)
{
	struct crew *crew = w->crew;

	pthread_mutex_lock(&crew->lock);
	put_result(w, at, result);
	if (crew->pile >= PILE_MAX)
		pthread_cond_signal(&crew->changed);
	pthread_mutex_unlock(&crew->lock);
}

static void block_kicks(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, KICK_SIGNAL);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
}

static void *worker_main(void *arg)
{
	struct worker *w = arg;
	struct crew *crew = w->crew;
	int at;

	block_kicks();
	open_marks(w);
	while ((at = take_next(w)) >= 0) {
		struct result *result = xmalloc(sizeof(*result));

		run_instance(w, &crew->schedule->instances[at], result);
		hand_on(w, (unsigned int)at, result);
	}
	for (unsigned int i = 0; i < SHAPES; i++)
		if (w->pool[i])
			bury(crew, w->pool[i]);
	smp_fini(&w->smp);
	engine_fini(&w->engine);
	pthread_mutex_lock(&crew->lock);
	crew->running--;
	pthread_cond_signal(&crew->changed);
	pthread_mutex_unlock(&crew->lock);
	return NULL;
}

/* With crew->lock held. */
static bool start_worker(struct crew *crew)
{
	struct worker *w = xcalloc(1, sizeof(*w));

	w->crew = crew;
	w->number = crew->started++;
	engine_init(&w->engine, crew->schedule->target, &w->watch, crew->schedule->timeout_ns);
	w->engine.want_memory = crew->schedule->want_memory;
	w->engine.want_coverage = crew->schedule->want_coverage;
	w->engine.known = crew->schedule->known;
	smp_init(&w->smp, &w->engine);
	if (pthread_create(&w->watch.thread, NULL, worker_main, w)) {
		smp_fini(&w->smp);
		engine_fini(&w->engine);
		free(w);
		return false;
	}
	w->next = crew->workers;
	crew->workers = w;
	crew->running++;
	return true;
}

/* ---- the watchdog ---------------------------------------------------------------------- */

static void on_watch_signal(int number)
{
	(void)number;	/* it only has to end KVM_RUN */
}

/* A thread that no signal gets out of KVM_RUN: reported, left behind, replaced. */
static void give_up(struct worker *w, const char *whose)
{
	struct crew *crew = w->crew;
	struct result *result = xcalloc(1, sizeof(*result));

	result->instance = &crew->schedule->instances[w->at];
	result->outcome = OUTCOME_FAIL;
	result->step = -1;
	result->timed_out = true;
	result->why = xasprintf("%sKVM_RUN does not return, not even on a signal: its thread is "
				"lost", whose);
	put_result(w, w->at, result);
	if (crew->next < crew->schedule->count && !start_worker(crew))
		complain("a thread cannot be started: %s", strerror(errno));
	crew->running--;
	pthread_cond_signal(&crew->changed);
}

/* Kicks what is over its time; true if it is so far over that its thread is lost. */
static bool watch_one(struct watch *watch, u64 now)
{
	bool lost = false;

	pthread_mutex_lock(&watch->lock);
	if (!watch->lost && watch->deadline_ns && now >= watch->deadline_ns) {
		watch->lost = lost = now > watch->deadline_ns + LOST_AFTER_NS;
		watch->fired = true;
		watch->run->immediate_exit = 1;
		pthread_kill(watch->thread, WATCH_SIGNAL);
	}
	pthread_mutex_unlock(&watch->lock);
	return lost;
}

/* A worker waits for its threads: when one of them is lost, so is the worker. */
static bool lose_worker(struct worker *w)
{
	bool already;

	pthread_mutex_lock(&w->watch.lock);
	already = w->watch.lost;
	w->watch.lost = true;
	pthread_mutex_unlock(&w->watch.lock);
	return !already;
}

/* With crew->lock held. */
static void watch_worker(struct worker *w, u64 now)
{
	if (watch_one(&w->watch, now))
		give_up(w, "");
	for (unsigned int i = 1; i < SMP_MAX; i++)
		if (watch_one(&w->smp.cpu[i].watch, now) && lose_worker(w))
			give_up(w, w->smp.cpu[i].own.prefix);
}

static void *watchdog(void *arg)
{
	static const struct timespec tick = { .tv_nsec = WATCH_TICK_NS };
	struct crew *crew = arg;
	bool over = false;

	while (!over) {
		nanosleep(&tick, NULL);
		pthread_mutex_lock(&crew->lock);
		over = crew->over;
		for (struct worker *w = crew->workers; !over && w; w = w->next)
			watch_worker(w, now_ns());
		if (crew->pile)
			pthread_cond_signal(&crew->changed);
		pthread_mutex_unlock(&crew->lock);
	}
	return NULL;
}

/* ---- the run ------------------------------------------------------------------------------ */

/* Hands results on in order as they come; returns how many there were. */
static unsigned int collect(struct crew *crew)
{
	const struct schedule *s = crew->schedule;
	unsigned int taken = 0;

	pthread_mutex_lock(&crew->lock);
	for (unsigned int i = 0; i < s->count; i++) {
		struct result *result;

		while (!crew->slots[i].done && crew->running)
			pthread_cond_wait(&crew->changed, &crew->lock);
		crew->pile = 0;
		if (!crew->slots[i].done)
			continue;
		result = crew->slots[i].result;
		pthread_mutex_unlock(&crew->lock);
		s->take(s->arg, result);
		result_clear(result);
		free(result);
		taken++;
		pthread_mutex_lock(&crew->lock);
	}
	pthread_mutex_unlock(&crew->lock);
	return taken;
}

static void join_all(struct crew *crew, pthread_t watch_thread, pthread_t reaper_thread)
{
	for (struct worker *w = crew->workers, *next; w; w = next) {
		next = w->next;
		if (w->watch.lost)
			pthread_detach(w->watch.thread);	/* and left: it still uses w */
		else
			pthread_join(w->watch.thread, NULL);
	}
	pthread_mutex_lock(&crew->lock);
	crew->over = true;
	pthread_cond_signal(&crew->grave);
	pthread_mutex_unlock(&crew->lock);
	pthread_join(watch_thread, NULL);
	pthread_join(reaper_thread, NULL);
	for (struct worker *w = crew->workers, *next; w; w = next) {
		next = w->next;
		if (!w->watch.lost)
			free(w);
	}
}

/* One idle VM stays open so that no case pays for the first and the last one. */
static struct vm *open_idle(const struct schedule *s, char **error)
{
	struct vm_shape shape = { .irqchip = IRQCHIP_USER };
	char text[VM_ERROR] = "";
	struct vm *idle = vm_create(s->target, &shape, false, NULL, text);

	if (!idle)
		*error = xasprintf("%s: no VM can be made: %s", s->target->path, text);
	return idle;
}

int schedule_run(const struct schedule *s, char **stopped, char **error)
{
	struct crew *crew = xcalloc(1, sizeof(*crew));
	struct sigaction action = { .sa_handler = on_watch_signal };
	struct vm *idle = open_idle(s, error);
	pthread_t watch_thread, reaper_thread;
	unsigned int taken;

	if (!idle) {
		free(crew);
		return -1;
	}
	sigaction(WATCH_SIGNAL, &action, NULL);
	sigaction(KICK_SIGNAL, &action, NULL);
	crew->schedule = s;
	pthread_mutex_init(&crew->lock, NULL);
	pthread_cond_init(&crew->changed, NULL);
	pthread_cond_init(&crew->grave, NULL);
	crew->slots = xcalloc(s->count ? s->count : 1, sizeof(*crew->slots));
	if (pthread_create(&watch_thread, NULL, watchdog, crew) ||
	    pthread_create(&reaper_thread, NULL, reaper, crew)) {
		complain("a thread cannot be started: %s", strerror(errno));
		exit(STATUS_ERROR);
	}
	pthread_mutex_lock(&crew->lock);
	for (unsigned int i = 0; i < s->workers; i++)
		if (!start_worker(crew) && !i) {
			complain("a thread cannot be started: %s", strerror(errno));
			exit(STATUS_ERROR);
		}
	pthread_mutex_unlock(&crew->lock);
	taken = collect(crew);
	join_all(crew, watch_thread, reaper_thread);
	vm_destroy(idle, false);
	if (taken < s->count && crew->timeouts >= TIMEOUTS_MAX)
		*stopped = xasprintf("too many time-outs: %u instances did not end",
				     crew->timeouts);
	free(crew->slots);
	free(crew);
	return (int)taken;
}

/* ---- SYNC_REGS ------------------------------------------------------------------------------ */

#define SYNC_ROUNDS 32

/* One KVM_RUN that enters no guest, with the state read one way or the other. */
static u64 time_reads(struct vm *vm, bool sync)
{
	struct cpu_state state = { 0 };
	u64 best = ~0ull;

	for (unsigned int i = 0; i < SYNC_ROUNDS; i++) {
		u64 start = now_ns();

		vm->run->immediate_exit = 1;
		vm->run->kvm_valid_regs = sync ? KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS : 0;
		if (ioctl(vm->vcpu, KVM_RUN, 0) == 0 || errno != EINTR)
			return ~0ull;
		if (!vm_get_state(vm, &state, sync, false))
			return ~0ull;
		if (now_ns() - start < best)
			best = now_ns() - start;
	}
	return best;
}

bool sync_offered(const struct target *target)
{
	int wanted = KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS;

	return (ioctl(target->fd, KVM_CHECK_EXTENSION, KVM_CAP_SYNC_REGS) & wanted) == wanted;
}

bool sync_pays(const struct target *target)
{
	struct vm_shape shape = { .irqchip = IRQCHIP_USER };
	char error[VM_ERROR];
	struct vm *vm;
	bool pays;

	if (!sync_offered(target))
		return false;
	vm = vm_create(target, &shape, false, NULL, error);
	if (!vm)
		return false;
	pays = time_reads(vm, true) < time_reads(vm, false);
	vm_destroy(vm, false);
	return pays;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * assay bench: what the engine costs above its floor, in one run on one target.
 *
 * The floor is the same guests in a bare loop: load memory and state, KVM_RUN with
 * the same data, read the state where the engine reads it; nothing predicted,
 * compared or reported. It replays what the engine recorded, so both make the same
 * calls. Cases with actions are left out of the ratio: what they cost is theirs.
 */
#include "cmd_run.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "choose.h"
#include "deviations.h"
#include "worker.h"

#define ROUNDS 15
#define TIMEOUT_NS 2000000000ull

static const char usage[] =
	"usage: assay bench [--on PATH] [PATTERN|FILE.elf...]\n"
	"Measures cases per second on one and two workers, the floor (the same guests in a bare\n"
	"ioctl loop), their ratio, and where the time goes.\n"
	"  -o, --on PATH     target: device node of a KVM-ABI hypervisor (/dev/kvm)\n";

struct subject {		/* one instance that can be replayed */
	const struct instance *instance;
	struct stage stage;
	struct trace trace;
	unsigned int pool;
};

struct bench {
	const struct target *target;
	bool sync;
	struct watch watch;
	struct engine engine;
	struct vm *pool[2];	/* without and with OPERAND in MMIO space */
	const struct suite *suite;
	struct deviations *known;
	bool *passed;		/* by instance: nothing that hangs is recorded */
	struct subject *subjects;
	unsigned int count;
	u64 runs;		/* KVM_RUN calls of one round */
};

/* Best times of one round over all subjects, in nanoseconds. */
struct times {
	u64 build, load, floor, engine;
};

static bool has_action(const struct mg_case *tc)
{
	for (u32 i = 0; i < tc->nrecords; i++)
		switch (tc->records[i].kind) {
		case REC_ACTION:
		case REC_MSR:
		case REC_MEMSLOT:
		case REC_CPUID:
			return true;
		}
	return false;
}

/* Runs the instance once and keeps its trace; false if it cannot be a subject. */
static bool record(struct bench *b, const struct instance *instance, struct subject *s)
{
	struct engine *e = &b->engine;
	struct result result;
	bool passed;

	*s = (struct subject){ .instance = instance, .pool = instance->path == PATH_MMIO };
	s->trace.complete = true;
	e->instance = instance;
	e->vm = b->pool[s->pool];
	e->trace = &s->trace;
	engine_run(e, &result);
	e->trace = NULL;
	b->pool[s->pool] = e->vm;
	passed = result.outcome == OUTCOME_PASS;
	result_clear(&result);
	if (!vm_clean(e->vm) || !passed || !s->trace.complete) {
		free(s->trace.runs);
		return false;
	}
	b->runs += s->trace.count;
	stage_init(&s->stage);
	return stage_build(&s->stage, instance);
}

static void find_subjects(struct bench *b)
{
	b->subjects = xcalloc(b->suite->count, sizeof(*b->subjects));
	for (unsigned int i = 0; i < b->suite->count; i++) {
		const struct instance *instance = &b->suite->instances[i];

		/* Under restore the engine makes VMs, which is not what the floor measures. */
		if (b->passed[i] && instance->irqchip == IRQCHIP_USER && !instance->restore &&
		    instance->tc->cpus == 1 &&
		    !has_action(instance->tc) && record(b, instance, &b->subjects[b->count]))
			b->count++;
	}
}

/* ---- the floor ------------------------------------------------------------------ */

static void replay_run(struct vm *vm, const struct trace_run *r, bool fpu)
{
	struct cpu_state state;

	if (r->set)
		vm_resume(vm, &r->state);
	memcpy((u8 *)vm->run + r->data_offset, r->data, r->data_bytes);
	vm->run->kvm_valid_regs = vm->sync_regs ? KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS : 0;
	vm->run->immediate_exit = r->immediate_exit;
	vm->memory.base = NULL;
	ioctl(vm->vcpu, KVM_RUN, 0);
	vm->run->kvm_dirty_regs = 0;
	vm->state_pending = false;
	if (r->get)
		vm_get_state(vm, &state, vm->sync_regs, fpu);
}

static void replay(struct bench *b, const struct subject *s)
{
	struct vm *vm = b->pool[s->pool];

	vm_load(vm, &s->stage);
	for (u32 i = 0; i < s->trace.count; i++)
		replay_run(vm, &s->trace.runs[i], s->instance->tc->uses);
	vm->run->immediate_exit = 0;
}

/* ---- measuring --------------------------------------------------------------------- */

static void round_build(struct bench *b)
{
	for (unsigned int i = 0; i < b->count; i++)
		stage_build(&b->engine.stage, b->subjects[i].instance);
}

static void round_load(struct bench *b)
{
	for (unsigned int i = 0; i < b->count; i++) {
		struct vm *vm = b->pool[b->subjects[i].pool];

		vm_load(vm, &b->subjects[i].stage);
		vm_settle(vm);
	}
}

static void round_floor(struct bench *b)
{
	for (unsigned int i = 0; i < b->count; i++)
		replay(b, &b->subjects[i]);
}

static void round_engine(struct bench *b)
{
	struct engine *e = &b->engine;

	for (unsigned int i = 0; i < b->count; i++) {
		struct result result;

		e->instance = b->subjects[i].instance;
		e->vm = b->pool[b->subjects[i].pool];
		engine_run(e, &result);
		vm_clean(e->vm);
		result_clear(&result);
	}
}

static void best_of(struct bench *b, void (*round)(struct bench *b), u64 *best)
{
	u64 start = now_ns(), ns;

	round(b);
	ns = now_ns() - start;
	if (!*best || ns < *best)
		*best = ns;
}

/* Rounds of each kind take turns, so that a change of pace hits all alike. */
static void measure(struct bench *b, struct times *t)
{
	*t = (struct times){ 0 };
	for (unsigned int i = 0; i < ROUNDS; i++) {
		best_of(b, round_floor, &t->floor);
		best_of(b, round_engine, &t->engine);
		best_of(b, round_load, &t->load);
		best_of(b, round_build, &t->build);
	}
}

static void note_result(void *arg, struct result *result)
{
	struct bench *b = arg;

	b->passed[result->instance - b->suite->instances] = result->outcome == OUTCOME_PASS;
}

static double cases_per_second(struct bench *b, unsigned int workers, double *seconds)
{
	struct schedule schedule = {
		.target = b->target,
		.instances = b->suite->instances,
		.count = b->suite->count,
		.workers = workers,
		.timeout_ns = TIMEOUT_NS,
		.sync_regs = b->sync,
		.known = b->known,
		.confirm = true,
		.take = note_result,
		.arg = b,
	};
	u64 start = now_ns();
	char *stopped = NULL, *error = NULL;
	int ran = schedule_run(&schedule, &stopped, &error);

	*seconds = (double)(now_ns() - start) / 1e9;
	free(stopped);
	free(error);
	return ran < 0 ? 0 : ran / *seconds;
}

static void share(const char *what, u64 part, u64 whole, unsigned int cases)
{
	printf("  %-44s %8.2f us  %3.0f %%\n", what, (double)part / cases / 1e3,
	       100.0 * (double)part / (double)whole);
}

static void print_suites(struct bench *b)
{
	static const char *const names[] = { "one worker", "two workers" };

	printf("all suites, as assay run runs them (%u instances)\n", b->suite->count);
	for (unsigned int i = 0; i < ARRAY_SIZE(names); i++) {
		double seconds, rate = cases_per_second(b, i + 1, &seconds);

		printf("  %-26s %10.0f cases/s  %6.2f s\n", names[i], rate, seconds);
	}
}

static void print(struct bench *b, const struct times *t)
{
	u64 judging = t->engine > t->floor + t->build ? t->engine - t->floor - t->build : 0;
	u64 running = t->floor > t->load ? t->floor - t->load : 0;

	printf("\nengine and floor (%u instances without actions, %.1f KVM_RUNs each, "
	       "state by %s)\n",
	       b->count, (double)b->runs / b->count, b->sync ? "kvm_run.s.regs" : "ioctl");
	printf("  engine                     %10.0f cases/s\n", b->count * 1e9 / (double)t->engine);
	printf("  floor                      %10.0f cases/s\n", b->count * 1e9 / (double)t->floor);
	printf("  ratio                      %10.3f\n\n", (double)t->engine / (double)t->floor);
	printf("where the time of a case goes\n");
	share("floor: loading memory and state", t->load, t->engine, b->count);
	share("floor: KVM_RUN and reading the state", running, t->engine, b->count);
	share("building the stage", t->build, t->engine, b->count);
	share("predicting, comparing, everything else", judging, t->engine, b->count);
}

static bool make_pool(struct bench *b)
{
	char error[VM_ERROR];

	for (unsigned int i = 0; i < ARRAY_SIZE(b->pool); i++) {
		struct vm_shape shape = { .irqchip = IRQCHIP_USER, .mmio = i };

		b->pool[i] = vm_create(b->target, &shape, b->sync, NULL, error);
		if (!b->pool[i]) {
			complain("%s: no VM can be made: %s", b->target->path, error);
			return false;
		}
	}
	return true;
}

static void bench_free(struct bench *b)
{
	for (unsigned int i = 0; i < b->count; i++) {
		free(b->subjects[i].trace.runs);
		stage_free(&b->subjects[i].stage);
	}
	free(b->subjects);
	free(b->passed);
	deviations_free(b->known);
	for (unsigned int i = 0; i < ARRAY_SIZE(b->pool); i++)
		if (b->pool[i])
			vm_destroy(b->pool[i], false);
	engine_fini(&b->engine);
}

static enum status run_bench(const struct target *target, const struct suite *suite)
{
	struct bench b = { .target = target, .suite = suite, .sync = sync_pays(target) };
	enum status status = STATUS_CANNOT;
	struct times times;
	char *error;

	b.known = deviations_load(NULL, &error);
	if (!b.known) {
		complain("%s", error);
		free(error);
		return STATUS_ERROR;
	}
	deviations_bind(b.known, &target->host);
	b.passed = xcalloc(suite->count, sizeof(*b.passed));
	engine_init(&b.engine, target, &b.watch, TIMEOUT_NS);
	if (make_pool(&b)) {
		print_suites(&b);
		find_subjects(&b);
		if (b.count) {
			measure(&b, &times);
			print(&b, &times);
			status = STATUS_OK;
		} else {
			complain("none of these cases passes here without actions: "
				 "nothing to measure");
		}
	}
	bench_free(&b);
	return status;
}

enum status cmd_bench(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "on", required_argument, NULL, 'o' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	const char *path = "/dev/kvm";
	struct target target;
	struct suite suite;
	enum status status;
	int option;

	optind = 0;	/* getopt(3): begins anew */
	while ((option = getopt_long(argc, argv, "o:h", longs, NULL)) != -1) {
		if (option != 'o') {
			fputs(usage, option == 'h' ? stdout : stderr);
			return option == 'h' ? STATUS_OK : STATUS_ERROR;
		}
		path = optarg;
	}
	status = choose_on(&target, &suite, path, argv + optind, (unsigned int)(argc - optind));
	if (status != STATUS_OK)
		return status;
	status = run_bench(&target, &suite);
	target_close(&target);
	suite_free(&suite);
	return status;
}

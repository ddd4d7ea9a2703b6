// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ring of exits that a target maps, against a made-up one that keeps to the rules of
 * kmod/ring.h or breaks them: order, the ring's end, overrun, another version; and in the
 * engine from one vCPU to the next. No hypervisor is needed.
 */
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "../../kmod/ring.h"
#include "engine.h"
#include "tap.h"

#define KEPT (ASSAY_RING_ENTRIES - 1)

/* What a vCPU's file maps, and the ring's writer: as in the module, it never reads there. */
static struct {
	union {
		struct kvm_run run;
		u8 page[4096];
	};
	struct assay_exit_ring ring;
} mapping __attribute__((aligned(4096)));

#define ring (&mapping.ring)

static u64 written;

static void make_ring(u32 isa, u32 flags)
{
	memset(ring, 0, sizeof(*ring));
	ring->version = ASSAY_RING_VERSION;
	ring->isa = isa;
	ring->flags = flags;
	written = 0;
}

/* An exit whose every field follows from its number. */
static void write_entry(u64 number)
{
	ring->entries[number % ASSAY_RING_ENTRIES] = (struct assay_exit_entry){
		.code = 0x72, .info1 = number, .info2 = ~number, .rip = number * 2,
		.tsc = number * 3,
	};
	__atomic_store_n(&ring->head, number + 1, __ATOMIC_RELEASE);
	__atomic_thread_fence(__ATOMIC_RELEASE);
}

static void write_exits(unsigned int count)
{
	while (count--)
		write_entry(written++);
}

static bool whole(const struct hwexit *exit, u64 number)
{
	return exit->isa == HWEXIT_SVM && exit->reason == 0x72 && exit->info1 == number &&
	       exit->info2 == ~number && exit->rip == number * 2;
}

/* ---- the source ---------------------------------------------------------------------- */

static struct hwexit_source *source;

static bool aim(void)
{
	struct hwexit_config config;
	char *why = NULL;
	bool good = source->ops->aim(source, ring, &config, &why);

	free(why);
	return good;
}

/* Reads all there is; the number of those that are whole and follow each other from first. */
static unsigned int read_exits(u64 first, struct hwexit_missed *missed)
{
	struct hwexit exit;
	unsigned int good = 0;

	*missed = (struct hwexit_missed){ 0 };
	while (good < 1000 && source->ops->next(source, &exit, missed) &&
	       whole(&exit, first + good))
		good++;
	return good;
}

static void test_order(void)
{
	struct hwexit_missed missed = { 0 };
	unsigned int good = 0, bad = 0;
	struct hwexit exit;

	make_ring(HWEXIT_SVM, 0);
	ok(!source->ops->next(source, &exit, &missed), "without a vCPU there is nothing");
	write_exits(5);
	ok(aim() && !read_exits(0, &missed), "nor what came before the vCPU was aimed at");
	for (unsigned int round = 0; round < 100; round++) {	/* past the end, in all ways */
		u64 first = written;

		write_exits(round % (KEPT + 1));
		good += read_exits(first, &missed);
		bad += missed.lost || missed.overrun;
	}
	ok_equal(good, written - 5, "exits come in order, over the ring's end too");
	ok_equal(bad, 0, "and none is missed");
}

static void test_overrun(void)
{
	struct hwexit_missed missed;
	struct hwexit exit;
	u64 first;

	make_ring(HWEXIT_SVM, 0);
	aim();
	write_exits(KEPT);
	ok_equal(read_exits(0, &missed), KEPT, "so many can be read");
	ok_equal(missed.overrun, 0, "without a loss");
	first = written;
	write_exits(KEPT + 1);
	ok_equal(read_exits(first + 1, &missed), KEPT, "of one more the last");
	ok_equal(missed.overrun, 1, "and one is missed");
	first = written;
	write_exits(1000);
	ok_equal(read_exits(first + 1000 - KEPT, &missed), KEPT, "of many more the last");
	ok_equal(missed.overrun, 1000 - KEPT, "and so many are missed");
	ok_equal(missed.lost, 0, "all of which are older than the rest");
	ring->head = 3;
	ok(!source->ops->next(source, &exit, &missed) && missed.lost == 1,
	   "a head that falls is a loss");
	written = 3;
	write_exits(1);
	ok_equal(read_exits(3, &missed), 1, "after which reading goes on");
	ring->head = ~0ull;
	for (unsigned int i = 0; i < KEPT; i++)
		source->ops->next(source, &exit, &missed);
	ok(!source->ops->next(source, &exit, &missed), "no head makes it read for ever");
}

#define RACE_EXITS 50000u
#define RACE_NS 2000000000ull

static volatile bool stop;

static void *write_on(void *unused)
{
	while (!stop) {
		write_exits(100);
		sched_yield();
	}
	return unused;
}

/* While another thread writes as fast as it can: what is taken is whole, and in order. */
static void test_race(void)
{
	struct hwexit_missed missed = { 0 };
	unsigned int taken = 0, torn = 0;
	pthread_t writer;
	u64 last = 0, end;

	make_ring(HWEXIT_SVM, 0);
	aim();
	stop = false;
	if (!ok(!pthread_create(&writer, NULL, write_on, NULL), "a writer runs"))
		return;
	end = now_ns() + RACE_NS;
	while (taken < RACE_EXITS && now_ns() < end) {
		struct hwexit exit;

		if (!source->ops->next(source, &exit, &missed))
			continue;
		taken++;
		torn += !whole(&exit, exit.info1) || (taken > 1 && exit.info1 <= last);
		last = exit.info1;
	}
	stop = true;
	pthread_join(writer, NULL);
	ok(taken > RACE_EXITS / 100, "%u exits are taken meanwhile, %llu overwritten", taken,
	   (unsigned long long)missed.overrun);
	ok_equal(torn, 0, "none of them half written, none twice");
}

static void test_version(void)
{
	struct hwexit_config config;
	char *why = NULL;

	make_ring(HWEXIT_SVM, ASSAY_RING_NESTED);
	ok(source->ops->aim(source, ring, &config, &why) && config.known && config.nested &&
	   !config.unrestricted, "the ring tells that memory is paged by the processor");
	ring->flags = ASSAY_RING_UNRESTRICTED;
	ok(source->ops->aim(source, ring, &config, &why) && config.known && !config.nested &&
	   config.unrestricted, "and that code without paging runs there");
	ring->version = ASSAY_RING_VERSION + 1;
	ok(!source->ops->aim(source, ring, &config, &why), "another version is refused");
	ok_contains(why, "has version 2, and this program knows 1", "and both are told");
	free(why);
}

static void test_fields(void)
{
	struct hwexit_missed missed = { 0 };
	struct hwexit exit;

	make_ring(HWEXIT_VMX, 0);
	aim();
	ring->entries[0] = (struct assay_exit_entry){
		.code = 0x80000021, .info1 = 1, .info2 = 2, .rip = 3, .event = 0x80000b0e,
		.event_error = 5, .interrupted = 0x8000000d, .interrupted_error = 7,
	};
	ring->head = 1;
	ok(source->ops->next(source, &exit, &missed) && exit.isa == HWEXIT_VMX &&
	   exit.reason == 0x80000021 && exit.info1 == 1 && exit.rip == 3 &&
	   exit.info2 == 0x8000000d && exit.intr_info == 0x80000b0e && exit.error_code == 5,
	   "VMX: an exit as the tracepoint tells it");
	ring->isa = HWEXIT_SVM;
	aim();
	ring->entries[1] = ring->entries[0];
	ring->entries[1].code = ~0ull;
	ring->head = 2;
	ok(source->ops->next(source, &exit, &missed) && exit.isa == HWEXIT_SVM &&
	   exit.reason == ~0u && exit.info1 == 1 && exit.info2 == 2 && exit.rip == 3 &&
	   exit.intr_info == 0x8000000d && exit.error_code == 7,
	   "SVM: an exit as the tracepoint tells it");
}

/* ---- in the engine ---------------------------------------------------------------------- */

#define TEXT(s) { .id = F_text, .bytes = sizeof(s) - 1, .blob = (const u8 *)(s) }

static const struct field cpuid_text[] = { TEXT("cpuid") };
static const struct field hlt_text[] = { TEXT("hlt") };
static const struct record records[] = {
	{ .kind = REC_EXPECT, .sub = STEP_HLT, .addr = 0x8000 },
	{ .kind = REC_HW, .nfields = 1, .addr = 0x8000, .fields = cpuid_text },
	{ .kind = REC_EXPECT, .sub = STEP_HLT, .addr = 0x8001 },
	{ .kind = REC_HW, .nfields = 1, .addr = 0x8001, .fields = hlt_text },
};

enum { CPUID = 0, HLT = 2 };

static const struct mg_case tc = { .records = records, .nrecords = ARRAY_SIZE(records) };
static struct instance instance = { .tc = &tc };
static struct target target = { .exit_ring = 4096 };
static struct vm vm = { .run = &mapping.run };
static struct result result;
static struct engine engine = {
	.instance = &instance, .target = &target, .vm = &vm, .result = &result,
};

static void begin(void)
{
	result_clear(&result);
	make_ring(HWEXIT_SVM, ASSAY_RING_NESTED | ASSAY_RING_UNRESTRICTED);
	hw_begin(&engine);
}

/* A KVM_RUN with so many exits. */
static void run(unsigned int exits)
{
	hw_aim(&engine);
	write_exits(exits);
	hw_collect(&engine);
}

static void test_engine(void)
{
	begin();
	ok(engine.hw.on && !engine.hw.missing, "a target with a ring needs no tracepoint");
	run(1);
	ok(hw_as_expected(&engine, &records[CPUID]) && result.hw_checked == 1,
	   "the exit that is expected is found in the ring");
	ok(!hw_as_expected(&engine, &records[HLT]) && result.ndifferences == 1 &&
	   !strcmp(result.differences[0].observed, "cpuid"), "another one is told by its name");
	ok(result.nhw == 1 && result.hw[0].exit.reason == 0x72, "and is there for the failure");
	write_exits(3);		/* not in a KVM_RUN of this case */
	run(0);
	ok_equal(result.nhw, 1, "what came between two KVM_RUNs is not taken");
	make_ring(HWEXIT_SVM, ASSAY_RING_NESTED);	/* another vCPU at the same address */
	run(2);
	ok_equal(result.nhw, 3, "a new vCPU's ring is read from its beginning");
	ok(engine.hw.config.known && engine.hw.config.nested && !engine.hw.config.unrestricted,
	   "and its configuration counts");
	mprotect(ring, sizeof(*ring), PROT_NONE);	/* the VM has ended before the case does */
	hw_end(&engine);
	mprotect(ring, sizeof(*ring), PROT_READ | PROT_WRITE);
	ok(!engine.hw.on, "after the case nothing is recorded, nor the ring looked at");
}

static void test_engine_overrun(void)
{
	begin();
	hw_next_step(&engine);
	run(2);
	run(500);
	ok(engine.hw.step.more && !engine.hw.step.lost &&
	   engine.hw.step.count == HWEXITS_STEP, "an overrun drops what is older");
	ok_equal(result.hw_before + result.nhw, 502, "and a failure tells how many there were");
	ok(result.nhw == HWEXITS_KEPT && result.hw[result.nhw - 1].exit.info1 == 501,
	   "the last of which it shows");
	ok(hw_as_expected(&engine, &records[CPUID]) && result.hw_checked == 1,
	   "the last exit is judged still");
	hw_next_step(&engine);
	run(500);
	engine.hw.step.count = 0;
	ok(hw_as_expected(&engine, &records[CPUID]) && result.hw_checked == 1 &&
	   result.unchecked, "one that may be among the overwritten is not");
	hw_next_step(&engine);
	hw_aim(&engine);
	ring->head = 0;
	hw_collect(&engine);
	ok_equal(engine.hw.step.lost, 1, "a loss is the step's");
	hw_end(&engine);
}

static void test_list(void)
{
	static const struct hwexit exit = { .isa = HWEXIT_SVM, .reason = 0x72 };
	static const struct hwexit_missed lost = { .lost = 2 }, overrun = { .overrun = 1 };
	struct hwexit_list list = { .count = 0 };

	hwexit_list_add(&list, &exit);
	hwexit_list_miss(&list, &lost);
	ok(list.count == 1 && list.lost == 2 && !list.more, "a loss drops nothing more");
	hwexit_list_miss(&list, &overrun);
	hwexit_list_add(&list, &exit);
	ok(list.count == 1 && list.lost == 2 && list.more, "what comes before a gap is dropped");
}

static void test_engine_version(void)
{
	begin();
	ring->version++;
	run(1);
	ok(!engine.hw.on && !engine.hw.source, "a ring of another version is not read");
	ok(hw_as_expected(&engine, &records[HLT]) && !result.hw_checked,
	   "nothing is held against the target");
	ok_contains(result.unchecked, "expect_hw: the target's ring of exits has version 2",
		    "and why it was not looked at is said");
	begin();
	ok(!engine.hw.on, "nor is it tried again");
	hw_fini(&engine);
}

/* Without a ring it is the tracepoint, or what is missing for that. */
static void test_engine_absent(void)
{
	target.exit_ring = 0;
	memset(ring, 0xff, sizeof(*ring));	/* nothing of it may be looked at */
	result_clear(&result);
	hw_begin(&engine);
	hw_aim(&engine);
	hw_collect(&engine);
	ok(!result.nhw && (engine.hw.source || engine.hw.missing),
	   "a target without a ring has the tracepoint, or a reason why not");
	ok(!engine.hw.missing || !strstr(engine.hw.missing, "ring of exits"),
	   "in which there is no word of a ring");
	hw_end(&engine);
	hw_fini(&engine);
	result_clear(&result);
}

int main(void)
{
	source = hwexit_open_mapped();
	test_order();
	test_overrun();
	test_race();
	test_version();
	test_fields();
	source->ops->close(source);
	test_engine();
	test_engine_overrun();
	test_list();
	test_engine_version();
	test_engine_absent();
	return tap_done();
}

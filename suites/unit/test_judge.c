// SPDX-License-Identifier: GPL-2.0-only
/*
 * Judging, without a hypervisor: a VM that is nothing but memory shows what was
 * expected, but for one thing. Each register and each page is tried: what is not
 * compared here would be compared nowhere.
 */
#include "engine.h"
#include "fake_stage.h"
#include "tap.h"

#define EXPECT(step, ...) R(REC_EXPECT, step, __VA_ARGS__)
#define NOTHING V(F_undefined, 0)
#define RFLAGS_IF 0x200ull

static struct fake_case f;
static struct engine engine;
static struct target target;
static struct result result;
static struct vm vm;
static struct kvm_run *run;
static u8 guest[STAGE_RAM];
static struct stage pristine;	/* as built, to begin anew from */

/* What the target shows is what the stage has, RIP behind the step's instruction. */
static void as_expected(void)
{
	static u8 keep[STAGE_RAM];

	if (!pristine.mem)
		pristine.mem = keep;
	result_clear(&result);
	memset(&result, 0, sizeof(result));
	memcpy(f.stage.mem, pristine.mem, STAGE_RAM);
	f.stage.state = pristine.state;
	engine.stage = f.stage;
	engine.seen = f.stage.state;
	engine.seen.rip = TEXT + 2;
	memcpy(guest, pristine.mem, STAGE_RAM);
	engine.frame_known = engine.have_exit = false;
	engine.step_index = 0;
	engine.step = &f.tc.records[0];
}

static void world(enum def_mode mode, unsigned int ring, unsigned int uses)
{
	static u8 keep[STAGE_RAM];

	fake_close(&f);
	fake_open(&f, mode, ring);
	f.tc.uses = uses;
	ok(stage_build(&f.stage, &f.instance), "%s, CPL %u:", mode_name(mode), ring);
	pristine = f.stage;
	pristine.mem = keep;
	memcpy(keep, f.stage.mem, STAGE_RAM);
	vm = (struct vm){ .mem = guest, .run = run, .target = &target };
	engine = (struct engine){ .target = &target, .instance = &f.instance, .vm = &vm,
				  .result = &result, .fpu = uses };
	as_expected();
}

/* kvm_run agrees with what was observed, unless a test is about that. */
static void agree(void)
{
	run->if_flag = !!(engine.seen.rflags & RFLAGS_IF);
	run->cr8 = engine.seen.cr8;
	run->apic_base = engine.seen.apic_base;
}

/* The stage says which pages are no longer as they were built; the VM what is in it. */
static void check_pages(bool good)
{
	u32 changed = 0;

	for (u64 at = 0; at < STAGE_RAM; at++)
		if (engine.stage.mem[at] != pristine.mem[at])
			changed |= pages_of(at, 1);
	if (changed & ~engine.stage.pages.touched)
		ok(false, "pages %#x of the stage changed, of which it knows %#x", changed,
		   engine.stage.pages.touched);
	if (vm.memory.base && memcmp(&vm.memory, &engine.stage.pages, sizeof(vm.memory)))
		ok(false, "memory that is as predicted is known so");
	if (!good && vm.memory.base)
		ok(false, "other memory is not known");
}

static bool judge_first(void)
{
	bool good;

	agree();
	vm.memory.base = NULL;
	good = judge_expectation(&engine, &f.tc.records[0]);
	check_pages(good && !result.tolerated);
	return good;
}

/* The case's records. What they refer to lives as long as the caller's block. */
#define RECORDS(...) ((const struct record[]){ __VA_ARGS__ })
#define CASE(...) \
	fake_records(&f, RECORDS(__VA_ARGS__), sizeof(RECORDS(__VA_ARGS__)) / sizeof(struct record))

static bool told(const char *what)
{
	for (unsigned int i = 0; i < result.ndifferences; i++)
		if (!strcmp(result.differences[i].what, what))
			return true;
	return false;
}

/* Exactly these, and the outcome that goes with it. */
static bool only(const char *what, const char *also)
{
	return result.outcome == OUTCOME_FAIL && told(what) && (!also || told(also)) &&
	       result.ndifferences == (also ? 2u : 1u) && !result.more_differences;
}

static void note_told(void)
{
	for (unsigned int i = 0; i < result.ndifferences; i++)
		note("told: %s, expected %s, observed %s", result.differences[i].what,
		     result.differences[i].expected, result.differences[i].observed);
}

static void test_equal(void)
{
	as_expected();
	ok(judge_first(), "what is as expected is accepted");
	ok(vm.memory.base != NULL, "and memory known");
	ok(!result.ndifferences && result.outcome == OUTCOME_PASS && !result.why,
	   "and nothing is told");
}

/* ---- registers -------------------------------------------------------------------- */

static const char *flag_name(unsigned int bit)
{
	static const char *const names[64] = {
		[0] = "flag CF", [2] = "flag PF", [4] = "flag AF", [6] = "flag ZF",
		[7] = "flag SF", [8] = "flag TF", [9] = "flag IF", [10] = "flag DF",
		[11] = "flag OF", [14] = "flag NT", [16] = "flag RF", [17] = "flag VM",
		[18] = "flag AC", [19] = "flag VIF", [20] = "flag VIP", [21] = "flag ID",
	};

	return names[bit];
}

static bool is_judged(u16 field)
{
	return state_reg(&engine.seen, field) && field != F_xcr0;
}

/* Every bit of every register, one at a time. */
static void test_registers(enum def_mode mode, unsigned int ring)
{
	world(mode, ring, 0);
	CASE(EXPECT(STEP_CHECKPOINT, NOTHING));
	test_equal();
	for (u16 field = F_rax; field <= F_ldtr_ar; field++) {
		unsigned int missed = 0, bits = 64;

		if (!is_judged(field))
			continue;
		for (unsigned int bit = 0; bit < bits; bit++) {
			const char *flag = field == F_rflags ? flag_name(bit) : NULL;

			as_expected();
			*state_reg(&engine.seen, field) ^= 1ull << bit;
			if (judge_first() || !only(field_name(field), flag)) {
				note_told();
				missed++;
			}
		}
		ok_equal(missed, 0, "each bit of %s is told, and nothing else", field_name(field));
	}
}

/* A register that is named is expected to be as said, and the old value is wrong. */
static void test_named(void)
{
	world(MODE_LONG64, 0, 0);
	for (u16 field = F_rax; field <= F_ldtr_ar; field++) {
		bool selector = field >= F_cs && (field - F_cs) % 4 == 0;
		struct field named = { .id = field };
		struct record step = { .kind = REC_EXPECT, .sub = STEP_CHECKPOINT, .nfields = 1,
				       .addr = TEXT + 2, .fields = &named };

		if (!is_judged(field) || selector)
			continue;
		fake_records(&f, &step, 1);
		as_expected();
		named.value = *state_reg(&engine.seen, field) ^ 8;
		*state_reg(&engine.seen, field) ^= 8;
		ok(judge_first(), "%s as named is accepted", field_name(field));
		as_expected();
		if (field == F_rip)
			engine.seen.rip = TEXT + 2;
		ok(!judge_first() && told(field_name(field)), "%s as it was is not",
		   field_name(field));
	}
}

static void test_selector(void)
{
	world(MODE_PROT32, 0, 0);
	CASE(EXPECT(STEP_CHECKPOINT, V(F_es, SEL_UDATA)));
	as_expected();
	engine.seen.seg[SEG_ES] = (struct seg_state){ SEL_UDATA, 0, 0xffffffff, 0xc0f3 };
	ok(judge_first(), "a selector that is named brings its hidden part");
	as_expected();
	engine.seen.seg[SEG_ES].selector = SEL_UDATA;
	ok(!judge_first() && only("es_ar", NULL), "and without it is wrong");
	CASE(EXPECT(STEP_CHECKPOINT, V(F_es, 0)));
	as_expected();
	engine.seen.seg[SEG_ES] = (struct seg_state){ 0, 0x1234, 0x5678, AR_UNUSABLE | 0x93 };
	ok(judge_first(), "of an unusable segment base, limit and access rights mean nothing");
	as_expected();
	engine.seen.seg[SEG_ES] = (struct seg_state){ 3, 0, 0, AR_UNUSABLE };
	ok(!judge_first() && only("es", NULL), "but its selector does");
	as_expected();
	engine.seen.seg[SEG_ES].selector = 0;
	ok(!judge_first() && told("es_ar"), "and that it is unusable");
	CASE(EXPECT(STEP_CHECKPOINT, V(F_es, 0x7f0)));
	as_expected();
	ok(!judge_first() && result.outcome == OUTCOME_ERROR,
	   "a selector that has no descriptor is the case's error");
}

static void test_undefined(void)
{
	world(MODE_LONG64, 0, 0);
	CASE(EXPECT(STEP_CHECKPOINT, V(F_undefined, 0x11), V(F_undefined_reg, 0x8001)));
	as_expected();
	engine.seen.rflags ^= 0x11;
	engine.seen.gpr[RAX] ^= 1;
	engine.seen.gpr[15] ^= 1;
	ok(judge_first(), "what is undefined may be anything");
	ok_equal(engine.stage.state.gpr[15], engine.seen.gpr[15], "and is then expected to stay");
	as_expected();
	engine.seen.rflags ^= 0x15;
	ok(!judge_first() && only("rflags", "flag PF"), "another flag may not");
	as_expected();
	engine.seen.gpr[RBX] ^= 1;
	ok(!judge_first() && only("rbx", NULL), "nor another register");
}

static void test_undefined_type(void)
{
	world(MODE_LONG64, 0, 0);
	CASE(EXPECT(STEP_CHECKPOINT, V(F_undefined_type, 1)));
	as_expected();
	engine.seen.seg[SEG_SS].ar ^= AR_ACCESSED;
	engine.seen.seg[SEG_TR].ar ^= AR_TSS_BUSY ^ AR_TSS16_BUSY;
	ok(judge_first(), "segments may be accessed or not, TR's TSS of 16 bits");
	as_expected();
	engine.seen.seg[SEG_SS].ar ^= 2;
	ok(!judge_first() && only("ss_ar", NULL), "but not of another type");
	as_expected();
	engine.seen.seg[SEG_TR].ar ^= 2;
	ok(!judge_first() && only("tr_ar", NULL), "nor TR's not busy");
}

static void test_order(void)
{
	world(MODE_LONG64, 0, 0);
	CASE(EXPECT(STEP_CHECKPOINT, NOTHING));
	as_expected();
	engine.seen.gpr[15] = engine.seen.gpr[RAX] = engine.seen.cr2 = 1;
	ok(!judge_first() && result.ndifferences == 3, "three registers are three lines");
	ok(!strcmp(result.differences[0].what, "rax") && !strcmp(result.differences[2].what, "cr2"),
	   "in their order");
	ok_text(result.differences[0].expected, "0x1111111111111111", "with what was expected");
	ok_text(result.differences[0].observed, "0x1", "and observed");
	ok_text(result.why, "the state is not as expected", "and a reason");
	ok(result.step == 0 && result.line == 7, "of the step, with its line");
}

static void test_run_area(void)
{
	world(MODE_LONG64, 0, 0);
	CASE(EXPECT(STEP_CHECKPOINT, NOTHING));
	as_expected();
	agree();
	run->if_flag ^= 1;
	ok(!judge_expectation(&engine, f.tc.records) && only("kvm_run.if_flag", NULL),
	   "kvm_run.if_flag must agree");
	as_expected();
	agree();
	run->cr8 ^= 1;
	ok(!judge_expectation(&engine, f.tc.records) && only("kvm_run.cr8", NULL), "kvm_run.cr8");
	as_expected();
	agree();
	run->apic_base ^= 1;
	ok(!judge_expectation(&engine, f.tc.records) && only("kvm_run.apic_base", NULL),
	   "kvm_run.apic_base");
}

/* ---- FPU -------------------------------------------------------------------------- */

static void test_fpu(unsigned int uses)
{
	bool avx = uses & USES_AVX;

	world(MODE_LONG64, 3, uses);
	CASE(EXPECT(STEP_CHECKPOINT, NOTHING));
	for (u16 field = F_fcw; field <= F_ymm15; field++) {
		unsigned int missed = 0;
		u32 bytes;

		if (!state_fpu_bytes(&engine.seen, field, &bytes))
			continue;
		if (avx ? field >= F_xmm0 && field <= F_xmm15 : field >= F_ymm0)
			continue;
		for (u32 i = 0; i < bytes; i++) {
			as_expected();
			state_fpu_bytes(&engine.seen, field, &bytes)[i] ^= 1 << i % 8;
			missed += judge_first() || !only(field_name(field), NULL);
		}
		ok_equal(missed, 0, "each byte of %s is told, and nothing else", field_name(field));
	}
	as_expected();
	engine.seen.xcr0 ^= 2;
	ok(!judge_first() && only("xcr0", NULL), "xcr0 is told");
	as_expected();
	engine.seen.fpu.ymm[3][2] = 0xab;
	ok(!judge_first(), "a vector register is shown");
	ok_contains(result.differences[0].observed, "ab0000", "its most significant byte first");
	engine.fpu = false;
	as_expected();
	engine.seen.fpu.fcw ^= 1;
	ok(judge_first(), "of a case that uses none, none is looked at");
}

/* ---- memory ----------------------------------------------------------------------- */

static void test_memory(void)
{
	unsigned int missed = 0, tried = 0;
	char what[40];

	world(MODE_LONG64, 0, 0);
	CASE(EXPECT(STEP_CHECKPOINT, NOTHING));
	for (u64 at = 0; at < STAGE_RAM; at += at % 4096 == 4095 ? 1 : 455) {
		if (at >= MMIO && at < MMIO_END)
			continue;
		as_expected();
		guest[at] ^= 0x10;
		snprintf(what, sizeof(what), at ? "memory %#llx" : "memory 0",
			 (unsigned long long)at);
		missed += judge_first() || !only(what, NULL);
		tried++;
	}
	ok(tried == 30 * 10, "bytes of every page, its first and last among them, are changed");
	ok_equal(missed, 0, "each is told by its address");
	as_expected();
	memset(guest + MMIO, 0xee, MMIO_END - MMIO);
	ok(judge_first(), "MMIO space is not memory");
	as_expected();
	memset(guest + SCRATCH, 1, 20);
	ok(!judge_first() && told("memory 0x7000") && told("memory 0x7010") &&
	   result.ndifferences == 2, "a long run is told in lines");
	as_expected();
	for (unsigned int i = 0; i < 60; i += 2)
		guest[SCRATCH + i] = 1;
	ok(!judge_first() && result.ndifferences == DIFFERENCES_MAX &&
	   result.more_differences == 30 - DIFFERENCES_MAX, "very many are counted");
}

static void test_writes(void)
{
	world(MODE_LONG64, 0, 0);
	CASE(EXPECT(STEP_CHECKPOINT, NOTHING),
	     R(REC_WRITES, 0, V(F_address, SCRATCH), B(F_bytes, 1, 2)),
	     R(REC_ANY, 0, V(F_address, PAGES + 0x10), V(F_length, 2)),
	     R(REC_ENTRY_IS, 1, V(F_va, PAGES), V(F_set, 0x200)),
	     EXPECT(STEP_CHECKPOINT, NOTHING),
	     R(REC_WRITES, 0, V(F_address, SCRATCH), B(F_bytes, 9)));
	as_expected();
	guest[SCRATCH] = 1;
	guest[SCRATCH + 1] = 2;
	guest[PAGES + 0x11] = 0x77;
	guest[TABLES + 3 * 4096 + (PAGES >> 12) * 8 + 1] ^= 2;
	ok(judge_first(), "memory that is said to be written, or undefined, may change");
	guest[PAGES + 0x11] = 0x78;
	ok(!judge_expectation(&engine, f.tc.records + 4) && told("memory 0x18011"),
	   "once, and not at the next step");
	as_expected();
	guest[SCRATCH] = 1;
	guest[TABLES + 3 * 4096 + (PAGES >> 12) * 8 + 1] ^= 2;
	ok(!judge_first() && only("memory 0x7001", NULL), "what is not written is told");
	as_expected();
	CASE(EXPECT(STEP_CHECKPOINT, NOTHING),
	     R(REC_ANY, 0, V(F_address, STAGE_RAM - 1), V(F_length, 2)));
	ok(!judge_first() && result.outcome == OUTCOME_ERROR, "memory there is not: an error");
	as_expected();
	CASE(EXPECT(STEP_CHECKPOINT, NOTHING),
	     R(REC_WRITES, 0, V(F_address, STAGE_RAM), B(F_bytes, 1)));
	ok(!judge_first() && result.outcome == OUTCOME_ERROR, "written memory too");
	as_expected();
	CASE(EXPECT(STEP_CHECKPOINT, NOTHING),
	     R(REC_ENTRY_IS, 1, V(F_va, 1 << 30), V(F_set, 1)));
	ok(!judge_first() && result.outcome == OUTCOME_ERROR, "and an entry there is not");
}

/* ---- exceptions ------------------------------------------------------------------- */

/* Lets the fake target deliver what is expected, by the same model, and then differ. */
static void deliver_it(unsigned int vector, bool has_error, u64 error)
{
	struct event event = { .vector = vector, .has_error = has_error, .error = error,
			       .fault = vector_is_fault(vector) };
	struct stage seen = f.stage;
	struct frame frame;

	as_expected();
	seen.mem = guest;
	seen.state = engine.seen;
	ok(deliver_event(&seen, &event, &frame), "vector %u is delivered", vector);
	engine.seen = seen.state;
	engine.seen.rip += 2;
}

static void test_exception(void)
{
	static const struct {
		u64 at;
		const char *what;
	} items[] = {
		{ 0x6fd0, "pushed error code" }, { 0x6fd8, "pushed rip" }, { 0x6fe0, "pushed cs" },
		{ 0x6fe8, "pushed rflags" }, { 0x6ff0, "pushed rsp" }, { 0x6ff8, "pushed ss" },
	};

	world(MODE_LONG64, 0, 0);
	CASE(EXPECT(STEP_EXCEPTION, V(F_vector, 13), V(F_error, 0x18)));
	deliver_it(13, true, 0x18);
	ok(judge_first(), "an exception as expected is accepted");
	for (unsigned int i = 0; i < ARRAY_SIZE(items); i++) {
		deliver_it(13, true, 0x18);
		guest[items[i].at] ^= 4;
		ok(!judge_first() && only(items[i].what, NULL), "%s is told", items[i].what);
	}
	deliver_it(13, true, 0x18);
	guest[0x6fd0 - 1] ^= 4;
	ok(!judge_first() && only("memory 0x6fcf", NULL), "memory below the frame counts");
	deliver_it(13, true, 0x18);
	engine.seen.rflags |= RFLAGS_IF;
	ok(!judge_first() && only("rflags", "flag IF"), "RFLAGS of the handler count");
	deliver_it(6, false, 0);
	ok(!judge_first() && told("vector"), "another vector is told as that");
	ok_text(result.differences[0].expected, "13", "the expected one");
	ok_text(result.differences[0].observed, "6", "and the observed one");
	ok_text(result.why, "another exception than expected", "with its reason");
	CASE(EXPECT(STEP_EXCEPTION, V(F_vector, 13)));
	deliver_it(13, true, 0x18);
	ok(!judge_first() && told("rsp"), "an error code too many is told");
	CASE(EXPECT(STEP_EXCEPTION, V(F_vector, 6), V(F_frame_rflags, 2)));
	deliver_it(6, false, 0);
	ok(!judge_first() && only("pushed RF", NULL), "pushed RFLAGS may be said, RF too");
}

/* ---- repeated instructions, exits in parts ---------------------------------------- */

static void test_repeat(void)
{
	world(MODE_LONG64, 0, 0);
	CASE(EXPECT(STEP_IO_OUT, V(F_port, 0x10), V(F_size, 1), V(F_count, 3), V(F_data, 0)));
	memcpy(pristine.mem + TEXT, (u8[]){ 0xf3, 0x6e }, 2);	/* rep outsb */
	as_expected();
	engine.stage.state.gpr[RCX] = engine.seen.gpr[RCX] = 0;
	engine.seen.rip = TEXT;
	ok(judge_first(), "a repeated instruction with count 0 is done, wherever RIP is");
	as_expected();
	engine.stage.state.gpr[RCX] = engine.seen.gpr[RCX] = 1;
	engine.seen.rip = TEXT;
	ok(!judge_first() && only("rip", NULL), "with another count it is not");
	memcpy(pristine.mem + TEXT, (u8[]){ 0x90, 0x6e }, 2);
	as_expected();
	engine.stage.state.gpr[RCX] = engine.seen.gpr[RCX] = 0;
	engine.seen.rip = TEXT;
	ok(!judge_first() && only("rip", NULL), "nor is one that is not repeated");
}

static void test_partial(void)
{
	world(MODE_LONG64, 0, 0);
	CASE(EXPECT(STEP_MMIO_READ, V(F_address, MMIO), V(F_size, 1), V(F_data, 1)),
	     EXPECT(STEP_MMIO_WRITE, V(F_address, MMIO), V(F_size, 1), V(F_data, 2)));
	as_expected();
	engine.seen.gpr[RAX] ^= 1;
	ok(judge_is_partial(&engine, f.tc.records),
	   "two exits at one address are one instruction's");
	ok(judge_first(), "and nothing is judged in between");
	ok(!judge_is_partial(&engine, f.tc.records + 1), "the last one is whole");
	ok(!judge_expectation(&engine, f.tc.records + 1) && only("rax", NULL), "and judged");
	CASE(EXPECT(STEP_MMIO_READ, V(F_address, MMIO), V(F_size, 1), V(F_data, 1)),
	     R(REC_ACTION, ACT_NMI, NOTHING), EXPECT(STEP_CHECKPOINT, NOTHING));
	ok(!judge_is_partial(&engine, f.tc.records), "an action between makes it whole");
	CASE(EXPECT(STEP_CHECKPOINT, NOTHING), EXPECT(STEP_MMIO_READ, V(F_address, MMIO)));
	ok(!judge_is_partial(&engine, f.tc.records), "a checkpoint is never a part");
}

static void test_coalesced_left(void)
{
	world(MODE_LONG64, 0, 0);
	CASE(EXPECT(STEP_CHECKPOINT, NOTHING));
	as_expected();
	ok(judge_after_case(&engine), "a case that leaves nothing unread is accepted");
	engine.ncoalesced = 1;
	ok(!judge_after_case(&engine) && result.outcome == OUTCOME_FAIL,
	   "a coalesced write that no step names is told");
	engine.ncoalesced = 0;
}

/* ---- known differences ------------------------------------------------------------ */

static void test_tolerated(void)
{
	static const char text[] =
		"[{\"target\": {\"hypervisor\": \"kvm_odd\"}, \"cases\": [\"unit/fake/*\"],"
		"\"differs\": [\"rbx\", \"memory 0x70*\"],"
		"\"reason\": \"odd\", \"ref\": \"here\"}]";
	char *error = NULL;
	struct deviations *known = deviations_parse("odd.json", text, strlen(text), &error);

	ok(known != NULL, "known differences are read");
	world(MODE_LONG64, 0, 0);
	strcpy(target.host.hypervisor, "kvm_odd");
	deviations_bind(known, &target.host);
	engine.known = known;
	CASE(EXPECT(STEP_CHECKPOINT, NOTHING), EXPECT(STEP_CHECKPOINT, NOTHING));
	as_expected();
	engine.seen.gpr[RBX] = 5;
	guest[SCRATCH + 3] = 6;
	ok(judge_first(), "differences that are all known do not stop the case");
	ok(result.tolerated && result.outcome == OUTCOME_PASS && !result.ndifferences,
	   "which is marked");
	ok_text(result.deviation_reason, "odd", "with the reason");
	ok_text(result.deviation_ref, "here", "and the reference");
	ok(judge_expectation(&engine, f.tc.records + 1), "the next step starts from what was seen");
	engine.seen.gpr[RCX] ^= 1;
	ok(!judge_expectation(&engine, f.tc.records + 1) && only("rcx", NULL),
	   "and a difference that is not known stops it");
	as_expected();
	engine.seen.gpr[RBX] = 5;
	engine.seen.gpr[RCX] ^= 1;
	ok(!judge_first() && only("rbx", "rcx") && !result.tolerated,
	   "one unknown difference among known ones stops it");
	as_expected();
	for (unsigned int i = 0; i < 2 * DIFFERENCES_MAX + 2; i += 2)
		guest[SCRATCH + i] = 1;
	ok(!judge_first() && !result.tolerated, "more than can be shown are never known");
	strcpy(target.host.hypervisor, "kvm_even");
	deviations_bind(known, &target.host);
	as_expected();
	engine.seen.gpr[RBX] = 5;
	ok(!judge_first() && only("rbx", NULL), "on another target they are failures");
	strcpy(target.host.hypervisor, "kvm_odd");
	deviations_bind(known, &target.host);
	CASE(EXPECT(STEP_EXCEPTION, V(F_vector, 13), V(F_error, 0)));
	deliver_it(6, false, 0);
	ok(!judge_first() && !result.tolerated, "another vector is never passed over");
	deviations_free(known);
	engine.known = NULL;
}

int main(void)
{
	run = xcalloc(1, 4096);
	fake_open(&f, MODE_REAL16, 0);
	CASE(EXPECT(STEP_CHECKPOINT, NOTHING));
	test_registers(MODE_REAL16, 0);
	test_registers(MODE_PROT32, 0);
	test_registers(MODE_LONG64, 3);
	test_named();
	test_selector();
	test_undefined();
	test_undefined_type();
	test_order();
	test_run_area();
	test_fpu(USES_FPU | USES_SSE);
	test_fpu(USES_FPU | USES_SSE | USES_AVX);
	test_memory();
	test_writes();
	test_exception();
	test_repeat();
	test_partial();
	test_coalesced_left();
	test_tolerated();
	result_clear(&result);
	fake_close(&f);
	free(run);
	return tap_done();
}

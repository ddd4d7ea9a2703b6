// SPDX-License-Identifier: GPL-2.0-only
/*
 * expect_hw in the engine: which exit it means in each variant, what of a port access
 * must agree, and what is said where nothing was recorded. No hypervisor is needed: the
 * exits are made up.
 */
#include <stdlib.h>

#include "engine.h"
#include "tap.h"

#define TEXT(s) { .id = F_text, .bytes = sizeof(s) - 1, .blob = (const u8 *)(s) }

static const struct field io_text[] = { TEXT("io") };
static const struct field cpuid_text[] = { TEXT("cpuid") };
static const struct field out_fields[] = {
	{ .id = F_port, .value = 0x10 }, { .id = F_size, .value = 2 }, { .id = F_data },
};
static const struct field db_fields[] = { { .id = F_vector, .value = 1 } };

/* emulate, out; then cpuid without a variant; then an exception; then a bare checkpoint */
static const struct record records[] = {
	{ .kind = REC_EMULATE, .addr = 0x8000 },
	{ .kind = REC_EXPECT, .sub = STEP_IO_OUT, .nfields = 3, .addr = 0x8004,
	  .fields = out_fields },
	{ .kind = REC_HW, .nfields = 1, .addr = 0x8004, .fields = io_text },
	{ .kind = REC_EXPECT, .sub = STEP_CHECKPOINT, .addr = 0x8008 },
	{ .kind = REC_HW, .nfields = 1, .addr = 0x8008, .fields = cpuid_text },
	{ .kind = REC_EXPECT, .sub = STEP_EXCEPTION, .nfields = 1, .addr = 0x800a,
	  .fields = db_fields },
	{ .kind = REC_HW, .nfields = 1, .addr = 0x800a, .fields = cpuid_text },
	{ .kind = REC_EXPECT, .sub = STEP_CHECKPOINT, .addr = 0x800c },
};

enum { OUT = 1, CHECKPOINT = 3, EXCEPTION = 5, BARE = 7 };

static const struct mg_case tc = { .records = records, .nrecords = ARRAY_SIZE(records) };
static struct instance instance = { .tc = &tc };
static struct engine engine = { .instance = &instance };
static struct result result;

#define SVM(number, ...) (struct hwexit){ .isa = HWEXIT_SVM, .reason = number, __VA_ARGS__ }
#define OUT_10 SVM(0x7b, .info1 = 0x00100220)	/* OUT imm8, AX to port 10h */
#define OWN(port) SVM(0x7b, .info1 = (port) << 16 | 0x10)
#define UD SVM(0x46)
#define NPF SVM(0x400, .info1 = 6, .info2 = 0xd000)

/* Judges the step of that record after up to three exits; those of isa 0 are none. */
static bool judge(unsigned int at, struct hwexit a, struct hwexit b, struct hwexit c)
{
	const struct hwexit exits[] = { a, b, c };

	result_clear(&result);
	engine.result = &result;
	hw_next_step(&engine);
	for (unsigned int i = 0; i < 3; i++)
		if (exits[i].isa)
			hwexit_list_add(&engine.hw.step, &exits[i]);
	return hw_as_expected(&engine, &records[at]);
}

#define NONE (struct hwexit){ .isa = 0 }

static void held(bool good, const char *what)
{
	ok(good && result.hw_checked == 1 && !result.ndifferences && !result.unchecked, "%s", what);
}

static void failed(bool good, const char *what, const char *expected, const char *observed)
{
	const struct difference *d = &result.differences[0];

	if (!ok(!good && result.ndifferences == 1 && !result.unchecked, "%s fails", what))
		return;
	ok_text(d->expected, expected, "what was expected");
	ok_text(d->observed, observed, "what was observed");
}

static void test_native(void)
{
	instance.path = PATH_NATIVE;
	held(judge(OUT, OUT_10, NONE, NONE), "a port access natively");
	failed(judge(OUT, UD, NONE, NONE), "#UD natively", "io", "excp6");
	failed(judge(OUT, OUT_10, NPF, NONE), "an access to memory after it", "io",
	       "npf write user gpa=0xd000");
	held(judge(CHECKPOINT, SVM(0x72), NPF, OWN(CHECKPOINT_PORT)), "CPUID before a checkpoint");
	failed(judge(CHECKPOINT, NPF, NONE, OWN(CHECKPOINT_PORT)), "none before it", "cpuid",
	       "none");
	held(judge(EXCEPTION, SVM(0x72), SVM(0x41), OWN(STUB_PORT)),
	     "CPUID before an exception that the hypervisor passes on");
	failed(judge(EXCEPTION, SVM(0x72), UD, OWN(STUB_PORT)), "another exception between",
	       "cpuid", "excp6");
	ok(judge(BARE, UD, NONE, NONE) && !result.hw_checked && !result.unchecked,
	   "without expect_hw nothing is said");
}

/* The variants change the instruction under test, and no other. */
static void test_variants(void)
{
	instance.path = PATH_FEP;
	held(judge(OUT, UD, NONE, NONE), "with the prefix a port access begins with #UD");
	failed(judge(OUT, OUT_10, NONE, NONE), "which natively it does not", "exception_ud",
	       "ioio port=0x10 size=2 out");
	held(judge(CHECKPOINT, SVM(0x72), NONE, OWN(CHECKPOINT_PORT)), "what follows is native");
	instance.path = PATH_MMIO;
	engine.hw.config = (struct hwexit_config){ .known = true, .nested = true,
						   .unrestricted = true };
	held(judge(OUT, NPF, NONE, NONE), "an operand without memory comes first");
	failed(judge(OUT, OUT_10, NONE, NONE), "a port access there", "mmio",
	       "ioio port=0x10 size=2 out");
	held(judge(CHECKPOINT, SVM(0x72), NPF, OWN(CHECKPOINT_PORT)), "and what follows is native");
	instance.path = PATH_NATIVE;
}

static void test_io(void)
{
	failed(judge(OUT, SVM(0x7b, .info1 = 0x00110220), NONE, NONE), "another port", "0x10",
	       "0x11");
	ok_text(result.differences[0].what, "hw exit port", "is named so");
	failed(judge(OUT, SVM(0x7b, .info1 = 0x00100210), NONE, NONE), "another size", "0x2",
	       "0x1");
	failed(judge(OUT, SVM(0x7b, .info1 = 0x00100221), NONE, NONE), "another direction", "0",
	       "0x1");
}

static void test_unchecked(void)
{
	char *missing = engine.hw.missing;

	ok(judge(OUT, NONE, NONE, NONE) && !result.hw_checked, "without an exit nothing is held");
	ok_contains(result.unchecked, "expect_hw: the hypervisor did it without", "and it is said");
	engine.hw.on = false;
	engine.hw.missing = xstrdup("there is no tracefs");
	ok(judge(OUT, OUT_10, NONE, NONE) && !result.hw_checked, "nor where none is recorded");
	ok_text(result.unchecked, "expect_hw: there is no tracefs", "and why not is said");
	free(engine.hw.missing);
	engine.hw.missing = missing;
	result_clear(&result);
}

int main(void)
{
	engine.hw.on = true;
	test_native();
	test_variants();
	test_io();
	test_unchecked();
	return tap_done();
}

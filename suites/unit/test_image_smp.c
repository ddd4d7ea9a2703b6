/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the loader demands of cases with several vCPUs: for every rule one image that
 * keeps to it and one that breaks it.
 */
#include "try_image.h"

#define CPU(number) (built_addr = TEXT + 16 + (number) * 8, REC(REC_CPU, 0, N(F_value, number)))

/* A case of two vCPUs up to where the second one's records stand. */
static void begin_two(u16 mode)
{
	begin_image(mode, "t");
	begin_case("one");
	REC(REC_SMP, 0, N(F_value, 2));
	END();
	CPU(1);
}

#define TWO(what, ...) do { \
	begin_two(L64); END(); REC(__VA_ARGS__); image_free(take(what)); \
} while (0)
#define BAD_TWO(why, ...) do { begin_two(L64); END(); REC(__VA_ARGS__); refuse(why); } while (0)

static void test_head(void)
{
	struct image *image;

	begin_two(L64);
	END();
	image = take("two vCPUs");
	if (!image)
		return;
	ok_equal(image->cases[0].cpus, 2, "it has two");
	ok_equal(image->cases[0].entry, TEXT + 16, "the first begins with the case");
	ok_equal(image->cases[0].entries[0], TEXT + 16, "and is listed so");
	ok_equal(image->cases[0].entries[1], TEXT + 24, "the second where it is said");
	image_free(image);
	begin_image(L64, "t");
	begin_case("one");
	END();
	image = take("a case that says nothing of vCPUs");
	ok_equal(image ? image->cases[0].cpus : 0, 1, "it has one");
	image_free(image);
	BAD_STAGE(L64, "smp: 1 vCPUs are not 2 to 4", REC_SMP, 0, N(F_value, 1));
	BAD_STAGE(L64, "smp: 5 vCPUs are not 2 to 4", REC_SMP, 0, N(F_value, 5));
	BAD_STAGE(L64, "smp: value is missing", REC_SMP, 0);
	BAD_STAGE(MODE_VM86, "cases in virtual-8086 mode have one vCPU", REC_SMP, 0,
		  N(F_value, 2));
	BAD_TWO("smp: it sets the stage", REC_SMP, 0, N(F_value, 2));
	begin_image(L64, "t");
	begin_case("one");
	REC(REC_SMP, 0, N(F_value, 2));
	REC(REC_SMP, 0, N(F_value, 2));
	refuse("smp: the case has one in line 3 already");
}

static void test_numbers(void)
{
	STEP(L64, "nothing of vCPUs", REC_EXPECT, STEP_CHECKPOINT);
	BAD_STEP(L64, "vcpu: the case has one vCPU: say `smp 2` first", REC_CPU, 0,
		 N(F_value, 0));
	BAD_STEP(L64, "vcpu: there is no vCPU 4: they are 0 to 3", REC_CPU, 0, N(F_value, 4));
	BAD_STEP(L64, "expect meet: the case has one vCPU: say `smp 2` first", REC_EXPECT,
		 STEP_MEET);
	TWO("back to the first vCPU", REC_CPU, 0, N(F_value, 0));
	BAD_TWO("vcpu: the case has vCPUs 0 to 1: is `smp 3` missing before it?", REC_CPU, 0,
		N(F_value, 2));
	begin_image(L64, "t");
	begin_case("one");
	REC(REC_SMP, 0, N(F_value, 2));
	END();
	refuse("vCPU 1 has no code: add `vcpu 1`");
	begin_two(L64);
	REC(REC_EXPECT, STEP_MEET);
	refuse("vCPU 1 expects nothing: add an `expect`");
	begin_image(L64, "t");
	begin_case("one");
	REC(REC_SMP, 0, N(F_value, 2));
	CPU(1);
	END();
	refuse("vCPU 0 expects nothing: add an `expect`");
}

static void test_order(void)
{
	begin_two(L64);
	REC(REC_GIVEN, 0, N(F_rax, 1));
	REC(REC_MSR, 0, N(F_index, 0x277), N(F_value, 6));
	END();
	image_free(take("registers of a vCPU before its own first step"));
	BAD_TWO("given: it sets the stage", REC_GIVEN, 0, N(F_rax, 1));
	begin_two(L64);
	REC(REC_MEMORY, 0, N(F_address, SCRATCH), D(F_bytes, "x", 1));
	END();
	refuse("memory: it sets the stage");
	TWO("a meeting", REC_EXPECT, STEP_MEET);
	BAD_TWO("expect meet: rax means nothing here", REC_EXPECT, STEP_MEET, N(F_rax, 1));
	begin_two(L64);
	END();
	REC(REC_EXPECT, STEP_MEET);
	REC(REC_WRITES, 0, N(F_address, SCRATCH), D(F_bytes, "x", 1));
	REC(REC_ANY, 0, N(F_address, SCRATCH), N(F_length, 1));
	image_free(take("memory after a meeting"));
	begin_two(L64);
	REC(REC_WRITES, 0, N(F_address, SCRATCH), D(F_bytes, "x", 1));
	END();
	refuse("writes: it belongs to an `expect`");
}

static void test_whole_vm(void)
{
	TWO("of its own vCPU", REC_ACTION, ACT_SET, N(F_rax, 1));
	TWO("of its own local APIC", REC_ACTION, ACT_CHECK_LAPIC, N(F_offset, 0x80),
	    N(F_value, 1));
	TWO("an NMI", REC_ACTION, ACT_NMI);
	BAD_TWO("action write: it acts on the whole VM, or may: put it under `vcpu 0`, not "
		"`vcpu 1`",
		REC_ACTION, ACT_WRITE, N(F_address, SCRATCH), D(F_bytes, "x", 1));
	BAD_TWO("action memslot: it acts on the whole VM", REC_ACTION, ACT_MEMSLOT, N(F_id, 8),
		N(F_size, 0));
	BAD_TWO("action dirty_log: it acts on the whole VM", REC_ACTION, ACT_DIRTY_LOG, N(F_id, 1),
		D(F_pages, "x", 1));
	BAD_TWO("action collect_dirty: it acts on the whole VM", REC_ACTION, ACT_COLLECT_DIRTY,
		N(F_id, 1));
	BAD_TWO("action irq_line: it acts on the whole VM", REC_ACTION, ACT_IRQ_LINE, N(F_gsi, 1),
		N(F_level, 1));
	BAD_TWO("action call: it acts on the whole VM", REC_ACTION, ACT_CALL,
		T(F_text, "KVM_CREATE_VCPU"), N(F_arg0, 0), N(F_errno, 17));
	begin_two(L64);
	END();
	CPU(0);
	REC(REC_ACTION, ACT_WRITE, N(F_address, SCRATCH), D(F_bytes, "x", 1));
	image_free(take("of the whole VM, by vCPU 0"));
	begin_two(L64);
	END();
	CPU(0);
	REC(REC_ACTION, ACT_SNAPSHOT);
	refuse("action snapshot: a case with several vCPUs is not saved between its steps");
}

static void test_kinds_of_cases(void)
{
	begin_image(L64, "t");
	begin_case("one");
	REC(REC_SMP, 0, N(F_value, 2));
	REC(REC_OPERAND, 0, N(F_address, OPERAND), D(F_bytes, "x", 1));
	END();
	CPU(1);
	END();
	refuse("operand: the operand page in MMIO space is for cases with one vCPU");
	begin_image(L64, "t");
	begin_case("one");
	REC(REC_SMP, 0, N(F_value, 2));
	REC(REC_RING, 0, N(F_value, RING_0 | RING_3));
	END();
	CPU(1);
	END();
	refuse("a case with several vCPUs runs at CPL 0: remove `rings`");
}

int main(void)
{
	test_head();
	test_numbers();
	test_order();
	test_whole_vm();
	test_kinds_of_cases();
	sb_free(&built);
	return tap_done();
}

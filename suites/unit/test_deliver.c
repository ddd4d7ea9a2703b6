// SPDX-License-Identifier: GPL-2.0-only
/*
 * The model of event delivery, against frames worked out by hand from the manual:
 * every exception of every case is judged by it.
 */
#include <inttypes.h>

#include "deliver.h"
#include "fake_stage.h"
#include "tap.h"

#define CF 0x1ull
#define FIXED 0x2ull
#define TF 0x100ull
#define IF 0x200ull
#define NT 0x4000ull
#define RF 0x10000ull
#define VM 0x20000ull
#define AC 0x40000ull

#define UD 6
#define GP 13
#define BP 3
#define STUB(vector) (STUBS + (vector) * STUB_SIZE)

static struct fake_case f;
static struct cpu_state *const state = &f.stage.state;
static struct frame frame;

static const struct event invalid_opcode = { .vector = UD, .fault = true };
static const struct event protection = { .vector = GP, .has_error = true, .error = 0x1238,
					 .fault = true };
static const struct event breakpoint = { .vector = BP, .software = true };

static void begin(enum def_mode mode, unsigned int ring)
{
	fake_close(&f);
	ok(fake_stage(&f, mode, ring), "%s, CPL %u:", mode_name(mode), ring);
	state->rip = 0x8123;
}

/* Delivers it and compares the frame, lowest item first. */
static void deliver(const struct event *event, u64 addr, unsigned int item, const u64 *items,
		    unsigned int count)
{
	u8 before[STAGE_RAM];
	unsigned int changed = 0;

	memcpy(before, f.stage.mem, STAGE_RAM);
	if (!ok(deliver_event(&f.stage, event, &frame), "vector %u is delivered", event->vector)) {
		note("%s", f.stage.error);
		return;
	}
	ok_equal(frame.addr, addr, "the frame begins there");
	ok_equal(frame.item, item, "its items have %u bytes", item);
	ok_equal(frame.count, count, "it has %u", count);
	ok_equal(frame.has_error, event->has_error, "it says whether there is an error code");
	for (unsigned int i = 0; i < count; i++)
		ok_equal(read_bytes(&f, addr + i * item, item), items[i], "item %u", i);
	for (u64 at = 0; at < STAGE_RAM; at++)
		changed += before[at] != f.stage.mem[at] &&
			   (at < addr || at >= addr + (u64)item * count);
	ok_equal(changed, 0, "and no other byte is written");
	ok_equal(state->rip, STUB(event->vector), "RIP is that of the gate");
}

#define DELIVER(event, addr, item, ...) \
	deliver(event, addr, item, (const u64[]){ __VA_ARGS__ }, \
		sizeof((const u64[]){ __VA_ARGS__ }) / sizeof(u64))

static void cannot(const struct event *event, const char *why)
{
	ok(!deliver_event(&f.stage, event, &frame), "vector %u cannot be delivered", event->vector);
	ok_contains(f.stage.error, why, "and why");
}

/* The type byte of a gate. */
static u8 *gate_type(unsigned int vector, unsigned int size)
{
	return f.stage.mem + IDT + vector * size + 5;
}

/* ---- real mode (SDM 3 20.1.4) ----------------------------------------------------- */

static void test_real(void)
{
	begin(MODE_REAL16, 0);
	state->rflags = FIXED | CF | IF | TF | AC;
	DELIVER(&invalid_opcode, 0x6ffa, 2, 0x8123, 0, (FIXED | CF | IF | TF) & 0xffff);
	ok_equal(state->rflags, FIXED | CF, "IF, TF, AC and RF are clear");
	ok_equal(state->gpr[RSP], 0x6ffa, "SP is at the frame");
	ok_equal(state->seg[SEG_CS].selector, 0, "CS is that of the vector");

	begin(MODE_REAL16, 0);
	state->seg[SEG_CS].selector = 0x123;
	state->seg[SEG_SS] = (struct seg_state){ 0x100, 0x1000, 0xffff, 0x93 };
	state->gpr[RSP] = 0xabcd0004;
	memcpy(f.stage.mem + IVT + UD * 4, &(u32){ 0x0300 << 16 | 0x30 }, 4);
	ok(deliver_event(&f.stage, &invalid_opcode, &frame),
	   "SP wraps at 64 KiB, and SS has a base");
	ok_equal(state->gpr[RSP], 0xabcdfffe, "its upper half stays");
	ok_equal(read_bytes(&f, 0x1002, 2), FIXED, "FLAGS are pushed at its top");
	ok_equal(read_bytes(&f, 0x1000, 2), 0x123, "CS below");
	ok_equal(read_bytes(&f, 0x10ffe, 2), 0x8123, "IP at the other end");
	ok_equal(state->rip, 0x30, "IP comes from the vector table");
	ok_equal(state->seg[SEG_CS].base, 0x3000, "and CS, whose base is 16 times it");

	begin(MODE_REAL16, 0);
	state->idt_base = STAGE_RAM - 16;
	cannot(&invalid_opcode, "outside guest memory");
}

/* ---- protected mode (SDM 3 6.12) -------------------------------------------------- */

static void test_same_level(void)
{
	begin(MODE_PROT32, 0);
	state->rflags = FIXED | CF | IF | TF | NT;
	DELIVER(&invalid_opcode, 0x6ff4, 4, 0x8123, SEL_CODE, FIXED | CF | IF | TF | NT | RF);
	ok_equal(state->rflags, FIXED | CF, "an interrupt gate clears IF, TF, NT, RF");
	ok_equal(state->gpr[RSP], 0x6ff4, "ESP is at the frame");
	ok_equal(state->seg[SEG_CS].selector, SEL_CODE, "CS is the gate's");
	ok_equal(state->seg[SEG_SS].selector, SEL_DATA, "SS stays");

	begin(MODE_PROT32, 0);
	DELIVER(&protection, 0x6ff0, 4, 0x1238, 0x8123, SEL_CODE, FIXED | RF);

	begin(MODE_PROT32, 0);
	state->rflags = FIXED | IF;
	*gate_type(BP, 8) |= 1;
	DELIVER(&breakpoint, 0x6ff4, 4, 0x8123, SEL_CODE, FIXED | IF);
	ok_equal(state->rflags, FIXED | IF, "a trap gate keeps IF");

	begin(MODE_PROT32, 0);
	state->rflags = FIXED | RF;
	DELIVER(&breakpoint, 0x6ff4, 4, 0x8123, SEL_CODE, FIXED | RF);
	ok_equal(state->rflags, FIXED, "RF as it was is pushed, and then clear");

	begin(MODE_PROT32, 0);
	state->seg[SEG_SS].base = 0x100;
	state->gpr[RSP] = 0x6f00;
	DELIVER(&breakpoint, 0x6ff4, 4, 0x8123, SEL_CODE, FIXED);
	ok_equal(state->gpr[RSP], 0x6ef4, "the base of SS is not in ESP");
}

static void test_16_bit_gates(void)
{
	begin(MODE_PROT16, 0);
	DELIVER(&protection, 0x6ff8, 2, 0x1238, 0x8123, SEL_CODE, FIXED);
	ok_equal(state->gpr[RSP], 0x6ff8, "SP is at the frame");

	begin(MODE_PROT32, 0);
	*gate_type(UD, 8) = 0x86;
	state->rip = 0x18123;
	DELIVER(&invalid_opcode, 0x6ffa, 2, 0x8123, SEL_CODE, FIXED);

	begin(MODE_PROT16, 0);
	state->gpr[RSP] = 2;
	state->seg[SEG_SS].ar = 0x93;
	ok(deliver_event(&f.stage, &invalid_opcode, &frame), "SP wraps in a 16-bit stack");
	ok_equal(state->gpr[RSP], 0xfffc, "at 64 KiB");
}

static void test_inner_level(void)
{
	begin(MODE_PROT32, 3);
	state->rflags = FIXED | IF;
	DELIVER(&protection, KSTACK_TOP - 24, 4, 0x1238, 0x8123, SEL_UCODE, FIXED | IF | RF,
		STACK_TOP, SEL_UDATA);
	ok_equal(state->gpr[RSP], KSTACK_TOP - 24, "ESP comes from the TSS");
	ok_equal(state->seg[SEG_SS].selector, SEL_DATA, "SS too");
	ok_equal(state->seg[SEG_SS].ar, 0xc093, "with its hidden part");
	ok_equal(state->seg[SEG_CS].selector, SEL_CODE, "CS has RPL 0");
	ok_equal(state->seg[SEG_DS].selector, SEL_UDATA, "the data segments stay");

	begin(MODE_PROT32, 3);		/* a 16-bit TSS, figure 7-10 */
	state->seg[SEG_TR].ar = 0x83;
	memcpy(f.stage.mem + TSS + 2, (u16[]){ 0x4800, SEL_DATA }, 4);
	DELIVER(&invalid_opcode, 0x4800 - 20, 4, 0x8123, SEL_UCODE, FIXED | RF, STACK_TOP,
		SEL_UDATA);

	begin(MODE_PROT32, 3);		/* a conforming handler runs at the level there is */
	memcpy(f.stage.mem + IDT + UD * 8 + 2, &(u16){ SEL_CONFORMING }, 2);
	DELIVER(&invalid_opcode, 0x6ff4, 4, 0x8123, SEL_UCODE, FIXED | RF);
	ok_equal(state->seg[SEG_CS].selector, SEL_CONFORMING | 3, "CS has RPL 3");
}

/* SDM 3 20.3.1.1: the segments are pushed and then null. */
static void test_vm86(void)
{
	static const enum seg_index data[] = { SEG_DS, SEG_ES, SEG_FS, SEG_GS };

	begin(MODE_VM86, 3);
	for (unsigned int i = 0; i < ARRAY_SIZE(data); i++)
		state->seg[data[i]].selector = 0xd0 + i;
	state->rflags = FIXED | VM | IF | NT;
	DELIVER(&protection, KSTACK_TOP - 40, 4, 0x1238, 0x8123, 0, FIXED | VM | IF | NT | RF,
		STACK_TOP, 0, 0xd1, 0xd0, 0xd2, 0xd3);
	ok_equal(state->rflags, FIXED, "VM is clear");
	for (unsigned int i = 0; i < ARRAY_SIZE(data); i++)
		ok(!state->seg[data[i]].selector && state->seg[data[i]].ar == AR_UNUSABLE,
		   "data segment %u is null", i);
	ok_equal(state->seg[SEG_CS].selector, SEL_CODE, "CS is the monitor's");
	ok_equal(state->seg[SEG_CS].ar, 0xc09b, "a 32-bit one");
}

/* ---- long mode (SDM 3 6.14) ------------------------------------------------------- */

static void test_long(enum def_mode mode)
{
	begin(mode, 0);
	state->gpr[RSP] = 0x6ff9;
	state->rip = 0x8123;
	DELIVER(&invalid_opcode, 0x6ff0 - 40, 8, 0x8123, SEL_CODE, FIXED | RF, 0x6ff9, SEL_DATA);
	ok_equal(state->gpr[RSP], 0x6ff0 - 40, "RSP is aligned to 16 bytes before");
	ok_equal(state->seg[SEG_SS].selector, SEL_DATA, "SS stays at the same level");
	ok_equal(state->seg[SEG_CS].ar & 0x6000, 0x2000, "CS is 64-bit");

	begin(mode, 0);
	DELIVER(&protection, 0x7000 - 48, 8, 0x1238, 0x8123, SEL_CODE, FIXED | RF, STACK_TOP,
		SEL_DATA);

	begin(mode, 0);			/* IST 1, at the same level too */
	f.stage.mem[IDT + GP * 16 + 4] = 1;
	DELIVER(&protection, IST_STACK_TOP - 48, 8, 0x1238, 0x8123, SEL_CODE, FIXED | RF,
		STACK_TOP, SEL_DATA);
	ok_equal(state->seg[SEG_SS].selector, SEL_DATA, "IST changes no SS by itself");

	begin(mode, 3);
	state->rflags = FIXED | IF;
	DELIVER(&breakpoint, KSTACK_TOP - 40, 8, 0x8123, SEL_UCODE, FIXED | IF, STACK_TOP,
		SEL_UDATA);
	ok(state->seg[SEG_SS].selector == 0 && state->seg[SEG_SS].ar == AR_UNUSABLE,
	   "at a new level SS is null");
	ok_equal(state->rflags, FIXED, "IF is clear");
}

static void test_long_offsets(void)
{
	begin(MODE_LONG64, 0);
	state->gpr[RSP] = 0x7000;
	memcpy(f.stage.mem + IDT + UD * 16 + 6, &(u16){ 0x5678 }, 2);
	memcpy(f.stage.mem + IDT + UD * 16 + 8, &(u32){ 0xffff8000 }, 4);
	ok(deliver_event(&f.stage, &invalid_opcode, &frame), "a handler in the upper half");
	ok_equal(state->rip, 0xffff800056780000 | STUB(UD), "all 64 bits of the offset count");

	begin(MODE_LONG64, 3);
	state->seg[SEG_TR].base = FREE_TSS;
	memcpy(f.stage.mem + FREE_TSS + 4, &(u64){ 0x4f08 }, 8);
	ok(deliver_event(&f.stage, &invalid_opcode, &frame), "a stack that is not aligned");
	ok_equal(state->gpr[RSP], 0x4f00 - 40, "RSP of the TSS is aligned too");

	begin(MODE_LONG64, 3);
	f.stage.mem[IDT + UD * 16 + 4] = 7;
	memcpy(f.stage.mem + TSS + 0x54, &(u64){ 0x5800 }, 8);
	ok(deliver_event(&f.stage, &invalid_opcode, &frame), "IST 7");
	ok_equal(state->gpr[RSP], 0x5800 - 40, "is the last of the TSS");
}

/* ---- what cannot be delivered ----------------------------------------------------- */

static void test_impossible(void)
{
	begin(MODE_PROT32, 0);
	state->idt_limit = UD * 8 + 6;
	cannot(&invalid_opcode, "beyond the IDT's limit");
	state->idt_limit = UD * 8 + 7;
	ok(deliver_event(&f.stage, &invalid_opcode, &frame), "the last byte within is enough");

	begin(MODE_LONG64, 0);
	state->idt_limit = UD * 16 + 14;
	cannot(&invalid_opcode, "beyond the IDT's limit");

	begin(MODE_PROT32, 0);
	*gate_type(UD, 8) &= 0x7f;
	cannot(&invalid_opcode, "not a present interrupt or trap gate");

	begin(MODE_PROT32, 0);
	*gate_type(UD, 8) = 0x8c;
	cannot(&invalid_opcode, "not a present interrupt or trap gate");

	begin(MODE_PROT32, 0);
	*gate_type(UD, 8) = 0x85;
	cannot(&invalid_opcode, "not a present interrupt or trap gate");

	begin(MODE_PROT32, 0);
	state->idt_base = STAGE_RAM;
	cannot(&invalid_opcode, "outside guest memory");

	begin(MODE_PROT32, 0);
	state->gpr[RSP] = STAGE_RAM + 8;
	cannot(&invalid_opcode, "outside guest memory");

	begin(MODE_PROT32, 0);
	memcpy(f.stage.mem + IDT + UD * 8 + 2, &(u16){ 0x7f8 }, 2);
	cannot(&invalid_opcode, "selector 0x7f8 is outside its table");
}

/* SDM 3 table 6-1. */
static void test_classes(void)
{
	static const unsigned int faults[] = { 0, 5, 6, 7, 10, 11, 12, 13, 14, 16, 17, 19, 20, 21 };
	unsigned int at = 0;

	for (unsigned int vector = 0; vector < 256; vector++) {
		bool fault = at < ARRAY_SIZE(faults) && faults[at] == vector;

		at += fault;
		if (vector_is_fault(vector) != fault)
			ok(false, "vector %u is %s fault", vector, fault ? "a" : "no");
	}
	ok(at == ARRAY_SIZE(faults), "faults are those the manual lists");
}

int main(void)
{
	fake_open(&f, MODE_REAL16, 0);
	test_real();
	test_same_level();
	test_16_bit_gates();
	test_inner_level();
	test_vm86();
	test_long(MODE_LONG64);
	test_long(MODE_LONG64_5L);
	test_long(MODE_COMPAT32);
	test_long_offsets();
	test_impossible();
	test_classes();
	fake_close(&f);
	return tap_done();
}

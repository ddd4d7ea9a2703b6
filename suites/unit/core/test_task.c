// SPDX-License-Identifier: GPL-2.0-only
/*
 * Task switches: what is saved, what is loaded, busy bits, the link and NT, for every way to
 * switch and both kinds of TSS; each check, with the task that it is raised in.
 * Expectations are from SDM 3 chapter 7 (tables 7-1 and 7-2, figures 7-2 and 7-10).
 */
#include "machine.h"
#include "tap.h"

static struct machine m;

#define NEW_TSS 0xc000u
#define SEL_NEW SEL_FREE
#define SEL_GATE (SEL_FREE + 8)
#define SEL_OWN (SEL_FREE + 0x10)	/* for the test */
#define NEW_STACK 0xe000u
#define AR_TSS32 0x89
#define AR_TSS16 0x81
#define AR_BUSY 2
#define AR_TASK_GATE 0x85

#define JMP "\xea\0\0\0\0\x80\0"	/* SEL_NEW:0 */
#define CALL "\x9a\0\0\0\0\x80\0"
#define JMP_GATE "\xea\0\0\0\0\x88\0"
#define CALL_GATE "\x9a\0\0\0\0\x88\0"
#define IRET "\xcf"

/* ---- the stage ------------------------------------------------------------------------ */

/* Registers that tell which is which; segments that may be loaded at CPL 0. */
static void put_tss32(u64 at)
{
	static const u16 segs[6] = { SEL_DATA16, SEL_CODE32, SEL_DATA, SEL_DATA, 0, SEL_DATA16 };

	memset(m.ram + at, 0x99, 0x68);
	machine_put(&m, at + 0x1c, 0, 4);
	machine_put(&m, at + 0x20, 0x4800, 4);
	machine_put(&m, at + 0x24, X86_FLAG_ONE | X86_FLAG_CF | X86_FLAG_AC, 4);
	for (unsigned int i = 0; i < 8; i++)
		machine_put(&m, at + 0x28 + 4 * i, 0x12340000 + i, 4);
	machine_put(&m, at + 0x28 + 4 * X86_RSP, NEW_STACK, 4);
	for (unsigned int i = 0; i < 6; i++)
		machine_put(&m, at + 0x48 + 4 * i, segs[i], 2);
	machine_put(&m, at + 0x60, SEL_LDT, 2);
	machine_put(&m, at + 0x64, 0, 2);
}

static void put_tss16(u64 at)
{
	static const u16 segs[4] = { SEL_DATA16, SEL_CODE16, SEL_DATA16, SEL_DATA16 };

	memset(m.ram + at, 0x99, 0x2c);
	machine_put(&m, at + 0x0e, 0x4800, 2);
	machine_put(&m, at + 0x10, X86_FLAG_ONE | X86_FLAG_CF, 2);
	for (unsigned int i = 0; i < 8; i++)
		machine_put(&m, at + 0x12 + 2 * i, 0x1230 + i, 2);
	machine_put(&m, at + 0x12 + 2 * X86_RSP, NEW_STACK, 2);
	for (unsigned int i = 0; i < 4; i++)
		machine_put(&m, at + 0x22 + 2 * i, segs[i], 2);
	machine_put(&m, at + 0x2a, 0, 2);
}

static void reset(unsigned int cpl)
{
	machine_reset(&m, PROT32, cpl);
	for (unsigned int i = 0; i < 8; i++)
		m.state.gpr[i] = i == X86_RSP ? STACK : 0xabcd0000 + i;
	m.state.rflags |= X86_FLAG_ZF | X86_FLAG_DF;
	m.state.dr7 = 0x3ff | X86_DR7_FIXED;
	machine_descriptor(&m, SEL_NEW, NEW_TSS, 0x67, AR_TSS32);
	machine_gate(&m, SEL_GATE, SEL_NEW, 0, AR_TASK_GATE, 0);
	put_tss32(NEW_TSS);
	/* Upper halves of selectors are not written. */
	memset(m.ram + TSS + 0x48, 0x77, 0x1e);
}

/* Whether a TSS is busy; nothing else in its descriptor may change. */
static bool busy(u16 selector)
{
	u64 d = machine_get(&m, GDT + selector, 8), before = 0;

	memcpy(&before, m.ram_before + GDT + selector, 8);
	ok((d | 2ull << 40) == (before | 2ull << 40), "the descriptor is otherwise as before");
	return d >> 40 & AR_BUSY;
}

/* ---- what a switch does ------------------------------------------------------------------ */

static void check_saved(const char *name, u64 rip, u64 flags)
{
	bool right = true;

	for (unsigned int i = 0; i < 8; i++)
		right &= machine_get(&m, TSS + 0x28 + 4 * i, 4) == (u32)m.before.gpr[i];
	for (unsigned int i = 0; i < 6; i++)
		right &= machine_get(&m, TSS + 0x48 + 4 * i, 4) ==
			 (m.before.seg[i].selector | 0x77770000u);
	right &= machine_get(&m, TSS + 0x60, 4) == 0x77777777;
	ok(right, "%s: registers are saved", name);
	ok_equal(machine_get(&m, TSS + 0x20, 4), rip, "%s: EIP is saved", name);
	ok_equal(machine_get(&m, TSS + 0x24, 4), flags, "%s: EFLAGS is saved", name);
}

static void check_loaded(const char *name, bool nested)
{
	const struct x86_state *s = &m.state;
	bool right = true;

	for (unsigned int i = 0; i < 8; i++)
		right &= s->gpr[i] == (i == X86_RSP ? NEW_STACK : 0x12340000 + i);
	ok(right && s->rip == 0x4800, "%s: registers are loaded", name);
	ok_equal(s->rflags, X86_FLAG_ONE | X86_FLAG_CF | X86_FLAG_AC | (nested ? X86_FLAG_NT : 0),
		 "%s: EFLAGS is loaded", name);
	ok(s->seg[X86_CS].selector == SEL_CODE32 && s->seg[X86_CS].ar == 0xc09b &&
	   s->seg[X86_SS].selector == SEL_DATA && s->seg[X86_SS].limit == 0xffffffff &&
	   s->seg[X86_ES].selector == SEL_DATA16 && s->seg[X86_ES].limit == 0xffff &&
	   s->seg[X86_DS].selector == SEL_DATA && s->seg[X86_GS].selector == SEL_DATA16,
	   "%s: segments are loaded", name);
	ok(!s->seg[X86_FS].selector && s->seg[X86_FS].ar & X86_AR_UNUSABLE, "%s: FS is null", name);
	ok(s->seg[X86_LDTR].base == LDT && s->seg[X86_LDTR].selector == SEL_LDT &&
	   !(s->seg[X86_LDTR].ar & X86_AR_UNUSABLE), "%s: LDTR", name);
	ok(s->seg[X86_TR].selector == SEL_NEW && s->seg[X86_TR].base == NEW_TSS &&
	   s->seg[X86_TR].ar == (AR_TSS32 | AR_BUSY) && s->seg[X86_TR].limit == 0x67, "%s: TR",
	   name);
	ok(s->cr0 & CR0_TS, "%s: CR0.TS is set", name);
	ok_equal(s->dr7, 0x2aa | X86_DR7_FIXED, "%s: local breakpoints are off", name);
}

static void test_ways(void)
{
	reset(0);
	if (DONE(&m, JMP, "JMP")) {
		check_saved("JMP", CODE + 7, m.before.rflags);
		check_loaded("JMP", false);
		ok(!busy(SEL_TSS) && busy(SEL_NEW), "JMP: the new task alone is busy");
		ok_equal(machine_get(&m, NEW_TSS, 2), 0x9999, "JMP leaves the link");
		ok_equal(m.x.trap, 0, "JMP: no trap");
	}
	reset(0);
	if (DONE(&m, CALL, "CALL")) {
		check_saved("CALL", CODE + 7, m.before.rflags);
		check_loaded("CALL", true);
		ok(busy(SEL_TSS) && busy(SEL_NEW), "CALL: both tasks are busy");
		ok_equal(machine_get(&m, NEW_TSS, 4), SEL_TSS | 0x99990000u, "CALL: link");
	}
	reset(0);
	m.state.rflags |= X86_FLAG_NT;
	m.state.nmi_blocked = true;
	machine_put(&m, TSS, SEL_NEW, 2);
	machine_descriptor(&m, SEL_NEW, NEW_TSS, 0x67, AR_TSS32 | AR_BUSY);
	if (DONE(&m, IRET, "IRET")) {
		check_saved("IRET", CODE + 1, m.before.rflags & ~X86_FLAG_NT);
		check_loaded("IRET", false);
		ok(!busy(SEL_TSS) && busy(SEL_NEW), "IRET: the old task is not busy");
		ok(!m.state.nmi_blocked, "IRET unblocks NMIs");
	}
	reset(0);
	if (DONE(&m, JMP_GATE, "JMP to a task gate"))
		check_loaded("JMP to a task gate", false);
	reset(3);
	machine_gate(&m, SEL_GATE, SEL_NEW, 0, AR_TASK_GATE | X86_AR_DPL, 0);
	if (DONE(&m, CALL_GATE, "CALL to a task gate")) {
		check_loaded("a task gate of DPL 3 leads from CPL 3 to CPL 0", true);
		ok_equal(x86_cpl(&m.state), 0, "CPL is that of CS");
	}
}

/* Flags that a task brings with it, whatever the old one's level. */
static void test_flags(void)
{
	reset(0);
	machine_put(&m, NEW_TSS + 0x24, ~0ull & ~X86_FLAG_VM, 4);
	m.state.rflags |= X86_FLAG_TF;
	DONE(&m, JMP, "JMP with TF to a task with all flags");
	ok_equal(m.state.rflags, 0x3d7fd7, "reserved bits alone are not loaded");
	ok_equal(m.x.trap, 0, "the single step of the old task is gone");
	reset(0);
	machine_put(&m, NEW_TSS + 0x64, 0xff01, 2);
	DONE(&m, JMP, "JMP to a task with T");
	ok_equal(m.x.trap, X86_DR6_BT, "T is a trap");
	reset(0);
	machine_put(&m, NEW_TSS + 0x64, 0xfffe, 2);
	DONE(&m, JMP, "JMP to a task without T");
	ok_equal(m.x.trap, 0, "no trap");
	reset(0);
	machine_put(&m, NEW_TSS + 0x24, X86_FLAG_VM | X86_FLAG_IOPL, 4);
	machine_put(&m, NEW_TSS + 0x20, 0x800, 4);
	machine_put(&m, NEW_TSS + 0x4c, 0x0400, 2);
	DONE(&m, JMP, "JMP to a task in virtual-8086 mode");
	ok(x86_vm86(&m.state) && m.state.seg[X86_CS].base == 0x4000 &&
	   m.state.seg[X86_CS].limit == 0xffff && m.state.seg[X86_ES].base == SEL_DATA16 << 4,
	   "its selectors are paragraphs");
}

/* ---- 16 bits ----------------------------------------------------------------------------- */

static void test_16(void)
{
	bool right = true;

	reset(0);
	put_tss16(NEW_TSS);
	machine_descriptor(&m, SEL_NEW, NEW_TSS, 0x2b, AR_TSS16);
	if (DONE(&m, CALL, "CALL of a 16-bit TSS")) {
		check_saved("to 16 bits", CODE + 7, m.before.rflags);
		for (unsigned int i = 0; i < 8; i++)
			right &= m.state.gpr[i] == (i == X86_RSP ? NEW_STACK : 0x1230 + i);
		ok(right && m.state.rip == 0x4800, "16 bits of registers");
		ok_equal(m.state.rflags, X86_FLAG_ONE | X86_FLAG_CF | X86_FLAG_NT, "flags");
		ok(m.state.seg[X86_CS].selector == SEL_CODE16 && !m.state.seg[X86_GS].selector &&
		   m.state.seg[X86_LDTR].ar & X86_AR_UNUSABLE, "no FS, GS and LDT");
		ok_equal(machine_get(&m, NEW_TSS, 2), SEL_TSS, "link");
		ok_equal(m.state.seg[X86_TR].ar, AR_TSS16 | AR_BUSY, "TR");
	}
	reset(0);
	m.state.seg[X86_TR].ar = AR_TSS16 | AR_BUSY;
	m.state.seg[X86_TR].limit = 0x2b;
	memset(m.ram + TSS, 0, 0x80);
	if (DONE(&m, JMP, "JMP from a 16-bit TSS")) {
		check_loaded("from 16 bits", false);
		for (unsigned int i = 0; i < 8; i++)
			right &= machine_get(&m, TSS + 0x12 + 2 * i, 2) == (u16)m.before.gpr[i];
		for (unsigned int i = 0; i < 4; i++)
			right &= machine_get(&m, TSS + 0x22 + 2 * i, 2) ==
				 m.before.seg[i].selector;
		ok(right && machine_get(&m, TSS + 0x0e, 2) == CODE + 7, "saved in 16 bits");
		ok_equal(machine_get(&m, TSS + 0x10, 2), (u16)m.before.rflags, "flags in 16 bits");
		ok_equal(machine_get(&m, TSS + 0x2a, 8), 0, "nothing is written beyond DS");
	}
}

/* ---- refused in the old task ------------------------------------------------------------- */

struct refused {
	const char *name;
	u32 ar, limit;
	u16 selector;
	u8 cpl;
	int vector;
	u16 error;
};

static void test_refused(void)
{
	static const struct refused all[] = {
		{ "busy", AR_TSS32 | AR_BUSY, 0x67, SEL_NEW, 0, X86_GP, SEL_NEW },
		{ "not present", 0x09, 0x67, SEL_NEW, 0, X86_NP, SEL_NEW },
		{ "too short", AR_TSS32, 0x66, SEL_NEW, 0, X86_TS, SEL_NEW },
		{ "of 16 bits, too short", AR_TSS16, 0x2a, SEL_NEW, 0, X86_TS, SEL_NEW },
		{ "of DPL 0, from CPL 3", AR_TSS32, 0x67, SEL_NEW, 3, X86_GP, SEL_NEW },
		{ "of DPL 0, by RPL 3", AR_TSS32, 0x67, SEL_NEW | 3, 0, X86_GP, SEL_NEW },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(all); i++) {
		u8 code[7] = JMP;

		reset(all[i].cpl);
		machine_descriptor(&m, SEL_NEW, NEW_TSS, all[i].limit, all[i].ar);
		memcpy(code + 5, &all[i].selector, 2);
		expect_fault(&m, code, 7, all[i].vector, all[i].error, all[i].name);
		ok(!m.x.late, "%s: in the old task", all[i].name);
		if (all[i].cpl || all[i].selector & 3)
			continue;
		reset(0);
		machine_descriptor(&m, SEL_NEW, NEW_TSS, all[i].limit, all[i].ar);
		expect_fault(&m, (const u8 *)CALL_GATE, 7, all[i].vector, all[i].error,
			     "and by a gate");
	}
	reset(3);
	FAULTS(&m, CALL_GATE, X86_GP, SEL_GATE, "a task gate of DPL 0 from CPL 3");
	reset(0);
	machine_gate(&m, SEL_GATE, SEL_NEW, 0, 0x05, 0);
	FAULTS(&m, CALL_GATE, X86_NP, SEL_GATE, "a task gate that is not present");
	reset(0);
	machine_gate(&m, SEL_GATE, SEL_NEW | 4, 0, AR_TASK_GATE, 0);
	FAULTS(&m, CALL_GATE, X86_GP, SEL_NEW | 4, "a task gate to the LDT");
	reset(0);
	machine_gate(&m, SEL_GATE, 0, 0, AR_TASK_GATE, 0);
	FAULTS(&m, CALL_GATE, X86_GP, 0, "a task gate to nowhere");
	reset(0);
	machine_gate(&m, SEL_GATE, SEL_DATA, 0, AR_TASK_GATE, 0);
	FAULTS(&m, CALL_GATE, X86_GP, SEL_DATA, "a task gate to data");
	reset(0);
	machine_gate(&m, SEL_GATE, 0x108, 0, AR_TASK_GATE, 0);
	FAULTS(&m, CALL_GATE, X86_GP, 0x108, "a task gate beyond the GDT");
}

/* IRET finds its task by the link, and says #TS where JMP says #GP. */
static void test_link(void)
{
	static const struct {
		u16 link;
		u32 ar;
		int vector;
		const char *name;
	} all[] = {
		{ SEL_NEW, AR_TSS32, X86_TS, "IRET to a task that is not busy" },
		{ SEL_NEW, 0x0b, X86_NP, "IRET to a task that is not present" },
		{ SEL_NEW | 4, AR_TSS32 | AR_BUSY, X86_TS, "IRET to a task in the LDT" },
		{ 0x108, AR_TSS32 | AR_BUSY, X86_TS, "IRET beyond the GDT" },
		{ 0, AR_TSS32 | AR_BUSY, X86_TS, "IRET without a link" },
		{ SEL_DATA, AR_TSS32 | AR_BUSY, X86_TS, "IRET to data" },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(all); i++) {
		reset(0);
		m.state.rflags |= X86_FLAG_NT;
		machine_put(&m, TSS, all[i].link, 2);
		machine_descriptor(&m, SEL_NEW, NEW_TSS, 0x67, all[i].ar);
		FAULTS(&m, IRET, all[i].vector, all[i].link, all[i].name);
	}
}

/* ---- faults of the new task -------------------------------------------------------------- */

/* The switch has been made, and then `vector` is raised, with that error code. One check. */
static void late(const char *name, unsigned int vector, u16 error)
{
	enum x86_result result = RUN(&m, JMP);
	const struct x86_fault *fault = &m.x.fault;
	bool switched = m.state.seg[X86_TR].selector == SEL_NEW && busy(SEL_NEW) &&
			!busy(SEL_TSS) && m.state.gpr[X86_RSI] == 0x12340006 &&
			m.state.cr0 & CR0_TS;

	if (!ok(result == X86_FAULT && m.x.late && fault->vector == vector &&
		fault->has_error && fault->error == error && switched, "%s", name))
		note("result %d, late %d, vector %u, error %#x, switched %d", result, m.x.late,
		     fault->vector, fault->error, switched);
}

static void late_segment(const char *name, unsigned int seg, u16 selector, u32 ar,
			 unsigned int vector)
{
	reset(0);
	machine_descriptor(&m, SEL_OWN, 0, 0xffff, ar);
	machine_put(&m, NEW_TSS + 0x48 + 4 * seg, selector, 2);
	late(name, vector, selector & 0xfffc);
	ok_equal(m.state.seg[seg].selector, selector, "%s: the selector is loaded", name);
	ok(m.state.seg[seg].ar & X86_AR_UNUSABLE, "%s: the segment is not", name);
}

static void test_late(void)
{
	late_segment("CS: null", X86_CS, 0, 0, X86_TS);
	late_segment("CS: data", X86_CS, SEL_OWN, 0x93, X86_TS);
	late_segment("CS: a system segment", X86_CS, SEL_OWN, 0x8c, X86_TS);
	late_segment("CS: DPL is not RPL", X86_CS, SEL_OWN, 0xfb, X86_TS);
	late_segment("CS: conforming, DPL above RPL", X86_CS, SEL_OWN, 0xff, X86_TS);
	late_segment("CS: not present", X86_CS, SEL_OWN, 0x1b, X86_NP);
	late_segment("CS: beyond the GDT", X86_CS, 0x108, 0, X86_TS);
	late_segment("SS: null", X86_SS, 0, 0, X86_TS);
	late_segment("SS: read-only", X86_SS, SEL_OWN, 0x91, X86_TS);
	late_segment("SS: DPL is not CPL", X86_SS, SEL_OWN, 0xf3, X86_TS);
	late_segment("SS: RPL is not CPL", X86_SS, SEL_OWN | 3, 0xf3, X86_TS);
	late_segment("SS: not present", X86_SS, SEL_OWN, 0x13, X86_SS_FAULT);
	late_segment("DS: execute-only", X86_DS, SEL_OWN, 0x99, X86_TS);
	late_segment("DS: RPL above DPL", X86_DS, SEL_OWN | 3, 0x93, X86_TS);
	late_segment("ES: a system segment", X86_ES, SEL_OWN, 0x82, X86_TS);
	late_segment("FS: not present", X86_FS, SEL_OWN, 0x13, X86_NP);
	late_segment("GS: beyond the GDT", X86_GS, 0x108, 0, X86_TS);
	reset(0);
	machine_put(&m, NEW_TSS + 0x60, SEL_DATA, 2);
	late("LDT: data", X86_TS, SEL_DATA);
	ok(m.state.seg[X86_LDTR].selector == SEL_DATA &&
	   m.state.seg[X86_LDTR].ar & X86_AR_UNUSABLE, "LDT: the old one is gone");
	reset(0);
	machine_put(&m, NEW_TSS + 0x60, SEL_LDT | 4, 2);
	late("LDT: in the LDT", X86_TS, SEL_LDT | 4);
	reset(0);
	machine_descriptor(&m, SEL_OWN, LDT, 0xff, 0x02);
	machine_put(&m, NEW_TSS + 0x60, SEL_OWN, 2);
	late("LDT: not present", X86_TS, SEL_OWN);
	reset(0);
	machine_descriptor(&m, SEL_OWN, 0, 0x47ff, 0x409b);
	machine_put(&m, NEW_TSS + 0x4c, SEL_OWN, 2);
	late("EIP: beyond CS", X86_GP, 0);
	/* KUT 3cdcf179: a conforming segment's DPL may be below the RPL. */
	reset(0);
	machine_descriptor(&m, SEL_OWN, 0, 0xffff, 0x409f);
	machine_put(&m, NEW_TSS + 0x4c, SEL_OWN | 3, 2);
	machine_put(&m, NEW_TSS + 0x50, SEL_DATA_3, 2);
	for (unsigned int seg = X86_DS; seg <= X86_GS; seg++)
		machine_put(&m, NEW_TSS + 0x48 + 4 * seg, 0, 2);
	machine_put(&m, NEW_TSS + 0x48, 0, 2);
	DONE(&m, JMP, "CS: conforming, DPL 0, RPL 3");
	ok_equal(x86_cpl(&m.state), 3, "CPL is the RPL");
}

/* ---- gates of the IDT -------------------------------------------------------------------- */

static enum x86_result gate(const u32 *error, bool external)
{
	m.before = m.state;
	memcpy(m.ram_before, m.ram, sizeof(m.ram));
	x86_exec_begin_task(&m.x, SEL_NEW, 0x1234, error, external);
	return x86_execute(&m.x);
}

static void test_gates(void)
{
	const u32 error = 0xabcd1234;

	reset(3);
	ok_equal(gate(NULL, true), X86_OK, "an event by a task gate");
	check_saved("an event", 0x1234, m.before.rflags);
	check_loaded("an event", true);
	ok_equal(machine_get(&m, NEW_TSS, 2), SEL_TSS, "an event: link");
	ok(busy(SEL_TSS) && busy(SEL_NEW), "an event: both are busy");
	reset(0);
	ok_equal(gate(&error, true), X86_OK, "an exception with an error code");
	ok_equal(m.state.gpr[X86_RSP], NEW_STACK - 4, "its stack");
	ok_equal(machine_get(&m, NEW_STACK - 4, 4), error, "and the error code on it");
	reset(0);
	put_tss16(NEW_TSS);
	machine_descriptor(&m, SEL_NEW, NEW_TSS, 0x2b, AR_TSS16);
	ok_equal(gate(&error, true), X86_OK, "the same in 16 bits");
	ok(m.state.gpr[X86_RSP] == NEW_STACK - 2 &&
	   machine_get(&m, NEW_STACK - 2, 2) == (u16)error, "has two bytes");
	for (unsigned int external = 0; external < 2; external++) {
		reset(0);
		machine_descriptor(&m, SEL_NEW, NEW_TSS, 0x67, AR_TSS32 | AR_BUSY);
		ok(gate(NULL, external) == X86_FAULT && !m.x.late && machine_untouched(&m) &&
		   m.x.fault.vector == X86_GP && m.x.fault.error == SEL_NEW + external,
		   "a busy task: EXT %u", external);
		reset(0);
		machine_put(&m, NEW_TSS + 0x48, 0x108, 2);
		ok(gate(NULL, external) == X86_FAULT && m.x.late && m.x.fault.vector == X86_TS &&
		   m.x.fault.error == 0x108 + external, "a late fault: EXT %u", external);
	}
	/* The error code finds no room: the new task's #SS. */
	reset(0);
	machine_descriptor(&m, SEL_OWN, 0, NEW_STACK - 5, 0x4093);
	machine_put(&m, NEW_TSS + 0x50, SEL_OWN, 2);
	ok(gate(&error, true) == X86_FAULT && m.x.late && m.x.fault.vector == X86_SS_FAULT,
	   "no room for the error code");
	x86_exec_begin(&m.x);
	reset(0);
	ok_equal(RUN(&m, "\x90"), X86_OK, "the next instruction is no task switch");
	ok_equal(m.state.rip, CODE + 1, "but a NOP");
}

/* ---- paging -------------------------------------------------------------------------------- */

static void test_cr3(void)
{
	reset(0);
	/* 4 MiB pages: the same for both, but that the new task has the second one at 4 MiB. */
	machine_put(&m, PAGE_TABLES, 0xe7, 4);
	machine_put(&m, PAGE_TABLES + 0x1000, 0xe7, 4);
	machine_put(&m, PAGE_TABLES + 0x1004, 0xe7, 4);
	m.state.cr4 |= CR4_PSE;
	m.state.cr3 = PAGE_TABLES;
	m.state.cr0 |= CR0_PG;
	machine_put(&m, NEW_TSS + 0x1c, PAGE_TABLES + 0x1000, 4);
	machine_descriptor(&m, SEL_OWN, 0x400000, 0xffff, 0x4093);
	DONE(&m, JMP, "JMP with paging");
	ok_equal(m.state.cr3, PAGE_TABLES + 0x1000, "CR3 is loaded");
	ok(m.flushed_all, "translations go");
	reset(0);
	machine_put(&m, NEW_TSS + 0x1c, 0x1000, 4);
	DONE(&m, JMP, "JMP without paging");
	ok_equal(m.state.cr3, 0, "leaves CR3");
	/* The new TSS is not there: the old task's #PF. */
	reset(0);
	machine_put(&m, PAGE_TABLES, 0xe7, 4);
	m.state.cr4 |= CR4_PSE;
	m.state.cr3 = PAGE_TABLES;
	m.state.cr0 |= CR0_PG;
	machine_descriptor(&m, SEL_NEW, 0x800000, 0x67, AR_TSS32);
	FAULTS(&m, CALL, X86_PF, 2, "CALL: the link cannot be written");
	FAULTS(&m, JMP, X86_PF, 0, "JMP: the new TSS cannot be read");
}

int main(void)
{
	test_ways();
	test_flags();
	test_16();
	test_refused();
	test_link();
	test_late();
	test_gates();
	test_cr3();
	return tap_done();
}

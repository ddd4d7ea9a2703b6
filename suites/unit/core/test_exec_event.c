// SPDX-License-Identifier: GPL-2.0-only
/*
 * Delivery of events: frames, stacks, flags and segments in every mode, each check with its
 * error code, and what holds a debug trap back. Expectations are from SDM 3 6.12 to 6.14,
 * 20.1.4, 20.3 and SDM 2 INT n.
 */
#include "machine.h"
#include "tap.h"

static struct machine m;

#define IDT 0x6000u
#define HANDLER 0x5000u
#define IST_STACK 0xe008u
#define GATE32 0x8eu		/* an interrupt gate's; +1 a trap gate's */
#define GATE16 0x86u
#define TASK_GATE 0x85u
#define VECTOR 13u
#define OLD_FLAGS (X86_FLAG_ONE | X86_FLAG_CF | X86_FLAG_TF | X86_FLAG_IF | X86_FLAG_NT)
#define EXCEPTION(v, code) \
	(struct x86_event){ .valid = true, .kind = X86_EVENT_EXCEPTION, .vector = v, \
			    .has_error = true, .error = code }
#define INTERRUPT (struct x86_event){ .valid = true, .vector = VECTOR }
#define INT_N (struct x86_event){ .valid = true, .kind = X86_EVENT_SOFTWARE_INTERRUPT, \
				  .vector = VECTOR, .length = 2 }

static enum x86_result deliver(struct x86_event event)
{
	m.before = m.state;
	memcpy(m.ram_before, m.ram, sizeof(m.ram));
	x86_exec_begin_event(&m.x, &event);
	return x86_execute(&m.x);
}

static void set_gate(u16 selector, u64 rip, u32 ar, unsigned int ist)
{
	unsigned int size = x86_long(&m.state) ? 16 : 8;
	u64 at = IDT + VECTOR * size;

	machine_put(&m, at, (rip & 0xffff) | (u64)selector << 16 | (u64)ist << 32 |
		    (u64)ar << 40 | (rip >> 16 & 0xffff) << 48, 8);
	if (size == 16)
		machine_put(&m, at + 8, rip >> 32, 8);
}

static void reset(enum machine_mode mode, unsigned int cpl)
{
	machine_reset(&m, mode, cpl);
	m.state.idtr = (struct x86_table){ IDT, 0xfff };
	m.state.rflags |= OLD_FLAGS | X86_FLAG_RF;
	m.state.shadow = X86_SHADOW_STI;
	set_gate(mode == COMPAT32 || mode == LONG64 ? SEL_CODE64 : SEL_CODE32, HANDLER, GATE32, 0);
}

/* A frame's items from RSP up; one check. */
static void expect_frame(const char *name, unsigned int size, const u64 *items, unsigned int count)
{
	u64 at = m.state.gpr[X86_RSP];
	bool right = true;

	for (unsigned int i = 0; i < count; i++)
		right &= machine_get(&m, at + i * size, size) ==
			 (size == 8 ? items[i] : items[i] & exec_mask(size));
	ok(right, "%s: the frame", name);
	for (unsigned int i = 0; i < count && !right; i++)
		note("%u: %#llx, not %#llx", i,
		     (unsigned long long)machine_get(&m, at + i * size, size),
		     (unsigned long long)items[i]);
}

#define FRAME(name, size, ...) do { \
		const u64 items_[] = { __VA_ARGS__ }; \
		expect_frame(name, size, items_, ARRAY_SIZE(items_)); \
	} while (0)

static void expect_at(const char *name, u16 cs, u64 rip, u64 rsp, u64 flags)
{
	const struct x86_state *s = &m.state;

	ok_equal(s->seg[X86_CS].selector, cs, "%s: CS", name);
	ok_equal(s->rip, rip, "%s: RIP", name);
	ok_equal(s->gpr[X86_RSP], rsp, "%s: RSP", name);
	ok_equal(s->rflags, flags, "%s: RFLAGS", name);
	ok(!s->shadow && !m.x.trap, "%s: no shadow, and no step", name);
}

/* An event that must raise `vector` with the error code, and leave no trace. One check. */
static void refuses(struct x86_event event, unsigned int vector, u32 error, const char *name)
{
	enum x86_result result = deliver(event);
	const struct x86_fault *fault = &m.x.fault;

	if (!ok(result == X86_FAULT && fault->vector == vector && fault->has_error &&
		fault->error == error && machine_untouched(&m), "%s", name))
		note("expected vector %u, error %#x; result %d, vector %u, error %#x", vector,
		     error, result, fault->vector, fault->error);
}

/* ---- real mode -------------------------------------------------------------------------- */

static void test_real(void)
{
	reset(REAL16, 0);
	machine_put(&m, IDT + VECTOR * 4, 0x1234 | 0x0560ull << 16, 4);
	m.state.rflags |= X86_FLAG_AC;
	m.state.gpr[X86_RSP] = 0xabcd0000 | STACK;
	ok_equal(deliver(EXCEPTION(VECTOR, 0x55)), X86_OK, "real mode");
	expect_at("real mode", 0x560, 0x1234, 0xabcd0000 | (STACK - 6),
		  X86_FLAG_ONE | X86_FLAG_CF | X86_FLAG_NT);
	m.state.gpr[X86_RSP] &= 0xffff;
	FRAME("real mode: without error code", 2, CODE, 0, OLD_FLAGS);
	ok_equal(m.state.seg[X86_CS].base, 0x5600, "CS base");
	reset(REAL16, 0);
	m.state.idtr.limit = VECTOR * 4 + 2;
	refuses(INTERRUPT, X86_GP, VECTOR * 8 + 3, "beyond the interrupt table's limit");
	m.state.idtr.limit = VECTOR * 4 + 3;
	ok_equal(deliver(INTERRUPT), X86_OK, "at the limit");
	reset(REAL16, 0);
	m.state.seg[X86_SS].limit = STACK - 3;
	refuses(INTERRUPT, X86_SS_FAULT, 1, "no room on the stack");
}

/* ---- protected mode ----------------------------------------------------------------------- */

static void test_same_level(void)
{
	u64 handled = X86_FLAG_ONE | X86_FLAG_CF;

	reset(PROT32, 0);
	ok_equal(deliver(EXCEPTION(VECTOR, 0x1238)), X86_OK, "interrupt gate");
	expect_at("interrupt gate", SEL_CODE32, HANDLER, STACK - 16, handled);
	FRAME("interrupt gate", 4, 0x1238, CODE, SEL_CODE32, OLD_FLAGS | X86_FLAG_RF);
	reset(PROT32, 0);
	set_gate(SEL_CODE32, 0x123456, GATE32 + 1, 0);
	ok_equal(deliver(INTERRUPT), X86_OK, "trap gate");
	expect_at("trap gate", SEL_CODE32, 0x123456, STACK - 12, handled | X86_FLAG_IF);
	FRAME("trap gate", 4, CODE, SEL_CODE32, OLD_FLAGS | X86_FLAG_RF);
	reset(PROT32, 0);
	set_gate(SEL_CODE16, 0x12345678, GATE16, 0);
	ok_equal(deliver(EXCEPTION(VECTOR, 0x1238)), X86_OK, "16-bit gate");
	expect_at("16-bit gate", SEL_CODE16, 0x5678, STACK - 8, handled);
	FRAME("16-bit gate", 2, 0x1238, CODE, SEL_CODE32, OLD_FLAGS);
	reset(PROT32, 3);
	machine_descriptor(&m, SEL_FREE, 0, 0xfffff, 0xc09f);
	set_gate(SEL_FREE, HANDLER, GATE32, 0);
	ok_equal(deliver(INTERRUPT), X86_OK, "conforming code");
	expect_at("conforming code", SEL_FREE | 3, HANDLER, STACK - 12, handled);
}

static void test_inward(void)
{
	reset(PROT32, 3);
	ok_equal(deliver(EXCEPTION(VECTOR, 0x1238)), X86_OK, "from level 3");
	expect_at("from level 3", SEL_CODE32, HANDLER, STACK_CPL0 - 24, X86_FLAG_ONE | X86_FLAG_CF);
	FRAME("from level 3", 4, 0x1238, CODE, SEL_CODE32_3, OLD_FLAGS | X86_FLAG_RF, STACK,
	      SEL_DATA_3);
	ok_equal(m.state.seg[X86_SS].selector, SEL_DATA, "SS is the inner level's");
	reset(PROT32, 3);
	set_gate(SEL_CODE32_1, HANDLER, GATE32, 0);
	ok_equal(deliver(INTERRUPT), X86_OK, "to level 1");
	expect_at("to level 1", SEL_CODE32_1, HANDLER, STACK_CPL1 - 20, X86_FLAG_ONE | X86_FLAG_CF);
	reset(VM86, 3);
	for (unsigned int i = 0; i < X86_LDTR; i++)
		m.state.seg[i].selector = i;
	ok_equal(deliver(INTERRUPT), X86_OK, "from virtual-8086 mode");
	expect_at("from virtual-8086 mode", SEL_CODE32, HANDLER, STACK_CPL0 - 36,
		  X86_FLAG_ONE | X86_FLAG_CF);
	FRAME("from virtual-8086 mode", 4, CODE, X86_CS, OLD_FLAGS | X86_FLAG_RF | X86_FLAG_VM,
	      STACK, X86_SS, X86_ES, X86_DS, X86_FS, X86_GS);
	ok(m.state.seg[X86_DS].ar & X86_AR_UNUSABLE && !m.state.seg[X86_DS].selector &&
	   m.state.seg[X86_GS].ar & X86_AR_UNUSABLE, "data segments are null");
	reset(VM86, 3);
	machine_put(&m, PAGE_TABLES, 0xe3, 4);
	m.state.cr4 |= CR4_PSE;
	m.state.cr3 = PAGE_TABLES;
	m.state.cr0 |= CR0_PG;
	ok_equal(deliver(INTERRUPT), X86_OK, "the inner stack may be a supervisor's page");
}

static void test_task_gate(void)
{
	reset(PROT32, 0);
	machine_descriptor(&m, SEL_FREE, 0xc000, 0x67, 0x89);
	machine_put(&m, 0xc000 + 0x20, 0x4800, 4);
	machine_put(&m, 0xc000 + 0x38, 0xe000, 4);
	machine_put(&m, 0xc000 + 0x4c, SEL_CODE32, 2);
	machine_put(&m, 0xc000 + 0x50, SEL_DATA, 2);
	set_gate(SEL_FREE, 0, TASK_GATE, 0);
	ok_equal(deliver(EXCEPTION(VECTOR, 0x1238)), X86_OK, "task gate");
	ok_equal(m.state.rip, 0x4800, "the new task's RIP");
	ok_equal(machine_get(&m, TSS + 0x20, 4), CODE, "the old task's RIP");
	ok_equal(machine_get(&m, 0xe000 - 4, 4), 0x1238, "the error code");
	ok(m.x.task.wanted && !m.x.late, "it is a task switch");
	reset(PROT32, 0);
	set_gate(SEL_FREE + 8, 0, TASK_GATE, 0);
	refuses(INTERRUPT, X86_GP, SEL_FREE + 8 + 1, "a task gate to what is no TSS");
}

static void test_refused(void)
{
	u32 idt = VECTOR * 8 + 2;

	reset(PROT32, 0);
	m.state.idtr.limit = VECTOR * 8 + 6;
	refuses(INTERRUPT, X86_GP, idt + 1, "a gate beyond the IDT's limit");
	refuses(INT_N, X86_GP, idt, "the same by INT n: no EXT");
	reset(PROT32, 0);
	set_gate(SEL_CODE32, HANDLER, 0x8c, 0);
	refuses(INTERRUPT, X86_GP, idt + 1, "a call gate");
	set_gate(SEL_CODE32, HANDLER, 0x9e, 0);
	refuses(INTERRUPT, X86_GP, idt + 1, "a code segment's descriptor");
	set_gate(SEL_CODE32, HANDLER, 0x0e, 0);
	refuses(INTERRUPT, X86_NP, idt + 1, "a gate that is not present");
	reset(PROT32, 3);
	refuses(INT_N, X86_GP, idt, "INT n needs the gate's privilege");
	ok_equal(deliver(INTERRUPT), X86_OK, "an interrupt does not");
	reset(PROT32, 3);
	set_gate(SEL_CODE32, HANDLER, GATE32 | 0x60, 0);
	ok_equal(deliver(INT_N), X86_OK, "INT n has it");
	reset(PROT32, 0);
	machine_descriptor(&m, 0, 0, 0xfffff, 0xc09b);
	set_gate(2, HANDLER, GATE32, 0);
	refuses(INTERRUPT, X86_GP, 1, "null CS, whatever the GDT has there");
	set_gate(0x108, HANDLER, GATE32, 0);
	refuses(INTERRUPT, X86_GP, 0x109, "CS beyond the GDT");
	set_gate(SEL_DATA, HANDLER, GATE32, 0);
	refuses(INTERRUPT, X86_GP, SEL_DATA + 1, "CS is data");
	set_gate(SEL_CODE32_3, HANDLER, GATE32, 0);
	refuses(INTERRUPT, X86_GP, (SEL_CODE32_3 & ~3) + 1, "CS is of an outer level");
	machine_descriptor(&m, SEL_FREE, 0, 0xfffff, 0xc01b);
	set_gate(SEL_FREE, HANDLER, GATE32, 0);
	refuses(INTERRUPT, X86_NP, SEL_FREE + 1, "CS is not present");
	reset(PROT32, 3);
	machine_descriptor(&m, SEL_FREE, 0, 0xfffff, 0xc01b);
	set_gate(SEL_FREE, HANDLER, GATE32, 0);
	m.state.seg[X86_TR].limit = 8;
	refuses(INTERRUPT, X86_NP, SEL_FREE + 1, "that comes before the inner stack");
	reset(PROT32, 0);
	set_gate(SEL_FREE, HANDLER, GATE32, 0);
	machine_descriptor(&m, SEL_FREE, 0, HANDLER - 1, 0x409b);
	refuses(INTERRUPT, X86_GP, 1, "RIP is beyond the limit of CS");
	reset(VM86, 3);
	set_gate(SEL_CODE32_1, HANDLER, GATE32, 0);
	refuses(INTERRUPT, X86_GP, (SEL_CODE32_1 & ~3) + 1, "from virtual-8086 mode to level 1");
}

static void test_stack_refused(void)
{
	reset(PROT32, 3);
	m.state.seg[X86_TR].limit = 8;
	refuses(INTERRUPT, X86_TS, SEL_TSS + 1, "the TSS is too short");
	reset(PROT32, 3);
	machine_put(&m, TSS + 8, 0, 2);
	refuses(INTERRUPT, X86_TS, 1, "the inner SS is null");
	machine_put(&m, TSS + 8, SEL_DATA_3, 2);
	refuses(INTERRUPT, X86_TS, (SEL_DATA_3 & ~3) + 1, "the inner SS is of another level");
	machine_descriptor(&m, SEL_FREE, 0, 0xfffff, 0xc013);
	machine_put(&m, TSS + 8, SEL_FREE, 2);
	refuses(INTERRUPT, X86_SS_FAULT, SEL_FREE + 1, "the inner SS is not present");
	machine_descriptor(&m, SEL_FREE, 0, STACK_CPL0 - 20, 0x4093);
	refuses(INTERRUPT, X86_SS_FAULT, SEL_FREE + 1, "no room on the inner stack");
	machine_descriptor(&m, SEL_FREE, 0, STACK_CPL0 - 1, 0x4093);
	ok_equal(deliver(INTERRUPT), X86_OK, "room enough");
	reset(PROT32, 0);
	m.state.seg[X86_SS].limit = STACK - 5;
	refuses(INTERRUPT, X86_SS_FAULT, 1, "no room on the same stack");
}

/* ---- IA-32e mode ----------------------------------------------------------------------------- */

static void test_long(void)
{
	u64 handled = X86_FLAG_ONE | X86_FLAG_CF, rip = 0xffff800012345678;

	reset(LONG64, 0);
	m.state.gpr[X86_RSP] = STACK + 9;
	set_gate(SEL_CODE64, rip, GATE32, 0);
	ok_equal(deliver(EXCEPTION(VECTOR, 0x1238)), X86_OK, "64-bit code");
	expect_at("64-bit code", SEL_CODE64, rip, STACK - 48, handled);
	FRAME("64-bit code", 8, 0x1238, CODE, SEL_CODE64, OLD_FLAGS | X86_FLAG_RF, STACK + 9,
	      SEL_DATA);
	ok_equal(m.state.seg[X86_SS].selector, SEL_DATA, "SS stays");
	reset(COMPAT32, 3);
	ok_equal(deliver(INTERRUPT), X86_OK, "from compatibility mode");
	expect_at("from compatibility mode", SEL_CODE64, HANDLER, STACK_CPL0 - 40, handled);
	FRAME("from compatibility mode", 8, CODE, SEL_CODE32_3, OLD_FLAGS | X86_FLAG_RF, STACK,
	      SEL_DATA_3);
	ok(!m.state.seg[X86_SS].selector && m.state.seg[X86_SS].ar == X86_AR_UNUSABLE &&
	   m.state.seg[X86_CS].ar == 0xa09b, "SS is null, CS 64-bit code");
	reset(LONG64, 0);
	machine_put(&m, TSS + 0x24 + 8 * 2, IST_STACK, 8);
	set_gate(SEL_CODE64, HANDLER, GATE32, 3);
	ok_equal(deliver(INTERRUPT), X86_OK, "IST");
	expect_at("IST", SEL_CODE64, HANDLER, (IST_STACK & ~15u) - 40, handled);
	ok_equal(m.state.seg[X86_SS].selector, SEL_DATA, "SS stays with IST at the same level");
	reset(LONG64, 0);
	set_gate(SEL_CODE64, HANDLER, GATE16, 0);
	refuses(INTERRUPT, X86_GP, VECTOR * 8 + 3, "a 16-bit gate");
	set_gate(SEL_CODE64, HANDLER, TASK_GATE, 0);
	refuses(INTERRUPT, X86_GP, VECTOR * 8 + 3, "a task gate");
	set_gate(SEL_CODE32, HANDLER, GATE32, 0);
	refuses(INTERRUPT, X86_GP, SEL_CODE32 + 1, "CS is no 64-bit code");
	set_gate(SEL_CODE64, HANDLER, GATE32, 7);
	m.state.seg[X86_TR].limit = 0x24 + 8 * 6 + 6;
	refuses(INTERRUPT, X86_TS, SEL_TSS + 1, "IST7 is beyond the TSS");
	set_gate(SEL_CODE64, 1ull << 47, GATE32, 0);
	refuses(INTERRUPT, X86_GP, 1, "RIP is not canonical");
	m.state.idtr.limit = VECTOR * 16 + 14;
	refuses(INTERRUPT, X86_GP, VECTOR * 8 + 3, "a gate beyond the IDT's limit");
}

/* ---- what else follows --------------------------------------------------------- */

static void test_nmi(void)
{
	struct x86_event nmi = { .valid = true, .kind = X86_EVENT_NMI, .vector = VECTOR };

	reset(PROT32, 0);
	ok_equal(deliver(nmi), X86_OK, "NMI");
	ok(m.state.nmi_blocked, "blocks NMIs");
	reset(PROT32, 0);
	ok_equal(deliver(INTERRUPT), X86_OK, "an interrupt");
	ok(!m.state.nmi_blocked, "does not");
}

/* MOV SS from a watched operand: the trap comes after what is next, INT n's delivery too. */
static void test_held(void)
{
	reset(PROT32, 0);
	m.state.rflags &= ~X86_FLAG_TF;
	m.state.shadow = 0;
	m.state.dr[1] = DATA;
	m.state.dr7 |= 0x00f00008;
	machine_put(&m, DATA, SEL_DATA, 2);
	ok_equal(RUN(&m, "\x8e\x15\x00\xa0\x00\x00"), X86_OK, "MOV SS from watched memory");
	ok(!m.x.trap && m.state.held == 2, "holds the trap back");
	ok_equal(deliver(INT_N), X86_OK, "INT n is delivered");
	ok(m.x.trap == 2 && !m.state.held, "and then it comes");
}

static void test_breakpoints(void)
{
	reset(PROT32, 0);
	m.state.rflags &= ~(u64)X86_FLAG_RF;
	m.state.dr[2] = CODE;
	m.state.dr7 |= 0x20;
	ok_equal(x86_exec_breakpoints(&m.x), 4, "a breakpoint at CS:RIP");
	m.state.rip++;
	ok_equal(x86_exec_breakpoints(&m.x), 0, "behind it");
	m.state.rip--;
	m.state.rflags |= X86_FLAG_RF;
	ok_equal(x86_exec_breakpoints(&m.x), 0, "with RF");
	m.state.rflags &= ~(u64)X86_FLAG_RF;
	m.state.shadow = X86_SHADOW_MOVSS;
	ok_equal(x86_exec_breakpoints(&m.x), 0, "after MOV SS");
	m.state.shadow = X86_SHADOW_STI;
	ok_equal(x86_exec_breakpoints(&m.x), 4, "after STI");
	m.state.dr7 |= 0x01000000;
	ok_equal(x86_exec_breakpoints(&m.x), 0, "one on writes");
}

int main(void)
{
	test_real();
	test_same_level();
	test_inward();
	test_task_gate();
	test_refused();
	test_stack_refused();
	test_long();
	test_nmi();
	test_held();
	test_breakpoints();
	return tap_done();
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Segment registers and far transfers in all modes: loads with every check, JMP, CALL and
 * RET between segments, call gates with and without a new stack, IRET, fast system calls.
 * Expectations are from SDM 2 (each instruction) and SDM 3 chapters 3, 5 and 20.
 */
#include "machine.h"
#include "tap.h"

static struct machine m;

/* AR of what tests put at SEL_FREE. */
#define DATA_RO 0x0091
#define CODE_XO 0x0099
#define CONFORMING 0x009f
#define LDT_AR 0x0082

/* ---- loads of data segments and SS ---------------------------------------------- */

struct load {
	const char *name;
	u8 cpl, reg;		/* reg: as ModRM names it, ES 0 to GS 5 */
	u16 selector;
	u32 ar;			/* of the descriptor at SEL_FREE */
	int vector;		/* -1: loaded */
	u16 error;
};

#define F SEL_FREE
static const struct load loads[] = {
	{ "DS: data", 0, 3, F, 0x93, -1, 0 },
	{ "DS: read-only data", 0, 3, F, DATA_RO, -1, 0 },
	{ "DS: readable code", 0, 3, F, 0x9b, -1, 0 },
	{ "DS: execute-only code", 0, 3, F, CODE_XO, X86_GP, F },
	{ "DS: a system segment", 0, 3, F, LDT_AR, X86_GP, F },
	{ "DS: a call gate", 0, 3, F, 0x8c, X86_GP, F },
	{ "DS: not present", 0, 3, F, 0x13, X86_NP, F },
	{ "DS: null", 0, 3, 0, 0, -1, 0 },
	{ "DS: null with an RPL", 0, 3, 3, 0, -1, 0 },
	{ "DS: beyond the GDT", 0, 3, 0x100, 0, X86_GP, 0x100 },
	{ "DS: in an LDT that is too short", 0, 3, 0x104, 0, X86_GP, 0x104 },
	{ "DS: RPL 3 of DPL 0", 0, 3, F | 3, 0x93, X86_GP, F },
	{ "DS: RPL 3 of DPL 3", 0, 3, F | 3, 0xf3, -1, 0 },
	{ "DS: CPL 3, DPL 0", 3, 3, F, 0x93, X86_GP, F },
	{ "DS: CPL 3, conforming code of DPL 0", 3, 3, F | 3, CONFORMING, -1, 0 },
	{ "DS: CPL 3, code of DPL 0", 3, 3, F | 3, 0x9b, X86_GP, F },
	{ "ES", 0, 0, F, 0x93, -1, 0 },
	{ "FS", 0, 4, F, 0x93, -1, 0 },
	{ "GS", 3, 5, F | 3, 0xf3, -1, 0 },
	{ "SS: data", 0, 2, F, 0x93, -1, 0 },
	{ "SS: read-only", 0, 2, F, DATA_RO, X86_GP, F },
	{ "SS: code", 0, 2, F, 0x9b, X86_GP, F },
	{ "SS: expand-down", 0, 2, F, 0x97, -1, 0 },
	{ "SS: RPL above CPL", 0, 2, F | 3, 0xf3, X86_GP, F },
	{ "SS: DPL above CPL", 0, 2, F, 0xf3, X86_GP, F },
	{ "SS: CPL 3", 3, 2, F | 3, 0xf3, -1, 0 },
	{ "SS: CPL 3, RPL 0", 3, 2, F, 0xf3, X86_GP, F },
	{ "SS: not present", 0, 2, F, 0x13, X86_SS_FAULT, F },
	{ "SS: null", 0, 2, 0, 0, X86_GP, 0 },
};
#undef F

static void check_load(const struct load *load, enum machine_mode mode)
{
	static const u8 names[] = { X86_ES, X86_CS, X86_SS, X86_DS, X86_FS, X86_GS };
	u8 code[] = { 0x8e, 0xc0 | load->reg << 3 };
	u64 before;
	const struct x86_seg *seg;
	char name[96];

	machine_reset(&m, mode, load->cpl);
	/* Base and limit that are in no other segment; not accessed yet. */
	machine_descriptor(&m, SEL_FREE, 0x12345678, 0xfedcb,
			   load->ar & X86_AR_S ? load->ar & ~X86_AR_ACCESSED : load->ar);
	before = machine_get(&m, GDT + SEL_FREE, 8);
	m.state.gpr[X86_RAX] = load->selector | 0xabcd0000;
	snprintf(name, sizeof(name), "%s: MOV to %s", machine_mode_names[mode], load->name);
	if (load->vector >= 0) {
		expect_fault(&m, code, 2, load->vector, load->error, name);
		return;
	}
	if (!expect_done(&m, code, 2, name))
		return;
	seg = &m.state.seg[names[load->reg]];
	ok_equal(seg->selector, load->selector, "%s: selector", name);
	if (!(load->selector & 0xfffc)) {
		ok(seg->ar & X86_AR_UNUSABLE && !m.written, "%s: unusable", name);
		return;
	}
	ok(seg->base == 0x12345678 && seg->limit == 0xfedcb && seg->ar == (load->ar | 1u),
	   "%s: hidden parts", name);
	ok(machine_get(&m, GDT + SEL_FREE, 8) == (before | 1ull << 40) && m.written == 1,
	   "%s: accessed is set", name);
	ok_equal(m.state.shadow, load->reg == 2 ? X86_SHADOW_MOVSS : 0, "%s: shadow", name);
}

static void test_loads(void)
{
	static const enum machine_mode modes[] = { PROT32, COMPAT32, LONG64 };

	for (unsigned int mode = 0; mode < ARRAY_SIZE(modes); mode++) {
		for (unsigned int i = 0; i < ARRAY_SIZE(loads); i++) {
			/* In 64-bit mode SS may be null, but at CPL 3 (SDM 3 5.4.1.1). */
			if (modes[mode] != LONG64 || loads[i].reg != 2 || loads[i].selector)
				check_load(&loads[i], modes[mode]);
		}
	}
	machine_reset(&m, LONG64, 0);
	DONE(&m, "\x8e\xd0", "long64: MOV of null to SS at CPL 0");
	machine_reset(&m, LONG64, 3);
	m.state.gpr[X86_RAX] = 3;
	FAULTS(&m, "\x8e\xd0", X86_GP, 0, "long64: MOV of null to SS at CPL 3");
	machine_reset(&m, PROT32, 0);
	machine_put(&m, LDT + 8, 0x00cf93000000ffff, 8);
	m.state.gpr[X86_RAX] = 12;
	DONE(&m, "\x8e\xd8", "MOV to DS from the LDT");
	machine_reset(&m, PROT32, 0);
	m.state.seg[X86_LDTR].ar |= X86_AR_UNUSABLE;
	m.state.gpr[X86_RAX] = 12;
	FAULTS(&m, "\x8e\xd8", X86_GP, 12, "MOV to DS without an LDT");
}

/* In real and virtual-8086 mode the base is all there is to it (SDM 3 20.1.1). */
static void test_real_loads(void)
{
	machine_reset(&m, REAL16, 0);
	m.state.seg[X86_DS].limit = 0xffffffff;
	m.state.gpr[X86_RAX] = 0x1234;
	DONE(&m, "\x8e\xd8", "real16: MOV to DS");
	ok(m.state.seg[X86_DS].base == 0x12340 && m.state.seg[X86_DS].selector == 0x1234 &&
	   m.state.seg[X86_DS].limit == 0xffffffff, "real16: only base and selector change");
	machine_reset(&m, VM86, 3);
	m.state.seg[X86_DS].limit = 5;
	m.state.gpr[X86_RAX] = 0x1234;
	DONE(&m, "\x8e\xd8", "vm86: MOV to DS");
	ok(m.state.seg[X86_DS].base == 0x12340 && m.state.seg[X86_DS].limit == 0xffff,
	   "vm86: the limit is 64 KiB");
	machine_reset(&m, REAL16, 0);
	machine_put(&m, DATA, 0x43211234, 4);
	m.state.gpr[X86_RBX] = DATA;
	DONE(&m, "\xc4\x07", "real16: LES AX, [BX]");
	ok(m.state.gpr[X86_RAX] == 0x1234 && m.state.seg[X86_ES].base == 0x43210,
	   "real16: LES: offset and segment");
	machine_reset(&m, PROT32, 0);
	m.state.gpr[X86_RBX] = DATA;
	machine_put(&m, DATA, 0xdeadbeef, 4);
	DONE(&m, "\x8c\x1b", "prot32: MOV from DS to memory");
	ok_equal(machine_get(&m, DATA, 4), 0xdead0000 | SEL_DATA, "prot32: writes two bytes");
	m.state.rip = CODE;
	m.state.gpr[X86_RAX] = 0xdeadbeef;
	DONE(&m, "\x8c\xd8", "prot32: MOV from DS to EAX");
	ok_equal(m.state.gpr[X86_RAX], SEL_DATA, "prot32: writes all of it");
	machine_reset(&m, PROT32, 0);
	machine_put(&m, STACK, SEL_DATA_3, 4);
	DONE(&m, "\x1f", "prot32: POP DS");
	ok(m.state.gpr[X86_RSP] == STACK + 4 && m.state.seg[X86_DS].selector == SEL_DATA_3,
	   "prot32: POP DS takes four bytes");
	machine_reset(&m, PROT32, 0);
	machine_put(&m, STACK - 4, 0xdeadbeef, 4);
	DONE(&m, "\x16", "prot32: PUSH SS");
	ok_equal(machine_get(&m, STACK - 4, 4), 0xdead0000 | SEL_DATA,
		 "Intel: PUSH SS leaves the upper half (SDM 2 PUSH)");
	machine_reset(&m, PROT32, 0);
	m.env.amd = true;
	machine_put(&m, STACK - 4, 0xdeadbeef, 4);
	DONE(&m, "\x16", "prot32: PUSH SS on AMD");
	ok_equal(machine_get(&m, STACK - 4, 4), SEL_DATA, "AMD: PUSH SS is zero-extended");
}

/* ---- far JMP and CALL ----------------------------------------------------------- */

struct jump {
	const char *name;
	u8 cpl;
	u16 selector;
	u32 ar;			/* of the descriptor at SEL_FREE */
	int vector;
	u16 error;
};

#define F SEL_FREE
static const struct jump jumps[] = {
	{ "code", 0, F, 0xc09b, -1, 0 },
	{ "execute-only code", 0, F, 0xc099, -1, 0 },
	{ "RPL below CPL", 3, F, 0xc0fb, -1, 0 },
	{ "RPL above CPL", 0, F | 3, 0xc09b, X86_GP, F },
	{ "DPL above CPL", 0, F, 0xc0fb, X86_GP, F },
	{ "DPL below CPL", 3, F | 3, 0xc09b, X86_GP, F },
	{ "conforming, DPL below CPL", 3, F | 3, 0xc09f, -1, 0 },
	{ "conforming, DPL above CPL", 0, F, 0xc0ff, X86_GP, F },
	{ "not present", 0, F, 0xc01b, X86_NP, F },
	{ "data", 0, F, 0xc093, X86_GP, F },
	{ "an LDT", 0, F, 0x82, X86_GP, F },
	{ "null", 0, 0, 0, X86_GP, 0 },
	{ "beyond the GDT", 0, 0x200, 0, X86_GP, 0x200 },
	{ "an interrupt gate", 0, F, 0x8e, X86_GP, F },
};
#undef F

static void check_jump(const struct jump *jump, bool call)
{
	u8 code[] = { call ? 0x9a : 0xea, 0x78, 0x56, 0, 0, (u8)jump->selector,
		      jump->selector >> 8 };
	u16 old_cs;
	char name[96];

	machine_reset(&m, PROT32, jump->cpl);
	machine_descriptor(&m, SEL_FREE, 0, 0xfffff, jump->ar);
	old_cs = m.state.seg[X86_CS].selector;
	snprintf(name, sizeof(name), "far %s to %s", call ? "CALL" : "JMP", jump->name);
	if (jump->vector >= 0) {
		expect_fault(&m, code, 7, jump->vector, jump->error, name);
		return;
	}
	expect_done(&m, code, 7, name);
	ok(m.state.rip == 0x5678 && m.state.seg[X86_CS].selector == (SEL_FREE | jump->cpl) &&
	   m.state.seg[X86_CS].ar == (jump->ar | 1), "%s: CS:EIP, with the CPL as RPL", name);
	if (call)
		ok(m.state.gpr[X86_RSP] == STACK - 8 && machine_get(&m, STACK - 8, 4) == CODE + 7 &&
		   machine_get(&m, STACK - 4, 4) == old_cs, "%s: return address", name);
}

static void test_jumps(void)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(jumps); i++) {
		check_jump(&jumps[i], false);
		check_jump(&jumps[i], true);
	}
	machine_reset(&m, PROT32, 0);
	machine_descriptor(&m, SEL_FREE, 0, 0x5677, 0x409b);
	FAULTS(&m, "\xea\x78\x56\0\0\x80\0", X86_GP, 0, "far JMP beyond the limit of the new CS");
	DONE(&m, "\xea\x77\x56\0\0\x80\0", "far JMP to its last byte");
	machine_reset(&m, REAL16, 0);
	DONE(&m, "\xea\x78\x56\x34\x12", "real16: far JMP");
	ok(m.state.rip == 0x5678 && m.state.seg[X86_CS].base == 0x12340, "real16: CS:IP");
	machine_reset(&m, REAL16, 0);
	m.state.seg[X86_CS].selector = 0x99;
	DONE(&m, "\x9a\x78\x56\x34\x12", "real16: far CALL");
	ok(machine_get(&m, STACK - 4, 4) == (0x99u << 16 | (CODE + 5)) &&
	   m.state.gpr[X86_RSP] == STACK - 4, "real16: CS:IP are on the stack");
	machine_reset(&m, REAL16, 0);
	FAULTS(&m, "\x66\xea\0\0\1\0\0\0", X86_GP, 0, "real16: far JMP beyond 64 KiB");
	machine_reset(&m, COMPAT32, 0);
	DONE(&m, "\xea\x78\x56\0\0\x18\0", "compat32: far JMP to 64-bit code");
	ok(x86_code64(&m.state), "is in 64-bit mode then");
	machine_reset(&m, COMPAT32, 0);
	machine_descriptor(&m, SEL_FREE, 0, 0xfffff, 0xe09b);
	FAULTS(&m, "\xea\x78\x56\0\0\x80\0", X86_GP, SEL_FREE, "long mode: L and D together");
	machine_reset(&m, LONG64, 0);
	machine_put(&m, DATA, 0x0008000000005678, 6);
	machine_put(&m, DATA + 4, SEL_CODE32, 2);
	m.state.gpr[X86_RBX] = DATA;
	DONE(&m, "\xff\x2b", "long64: far JMP through memory to 32-bit code");
	ok(m.state.rip == 0x5678 && !x86_code64(&m.state) && x86_long(&m.state),
	   "is in compatibility mode then");
}

/* ---- call gates (SDM 3 5.8.3 to 5.8.5) ------------------------------------------ */

#define GATE SEL_FREE
#define TARGET (SEL_FREE + 16)
#define CALL_GATE "\x9a\0\0\0\0\x83\0"
#define JMP_GATE "\xea\0\0\0\0\x83\0"

static void begin_gate(unsigned int cpl, u32 gate_ar, u32 target_ar, unsigned int params)
{
	machine_reset(&m, PROT32, cpl);
	machine_gate(&m, GATE, TARGET, 0x00015678, gate_ar, params);
	machine_descriptor(&m, TARGET, 0, 0xfffff, target_ar);
}

static void test_gates(void)
{
	begin_gate(3, 0xec, 0xc0fb, 0);
	DONE(&m, CALL_GATE, "CALL through a gate at the same level");
	ok(m.state.rip == 0x15678 && m.state.seg[X86_CS].selector == (TARGET | 3) &&
	   m.state.gpr[X86_RSP] == STACK - 8, "keeps the stack");
	begin_gate(3, 0xec, 0xc09b, 2);
	machine_put(&m, STACK, 0x2222222211111111, 8);
	DONE(&m, CALL_GATE, "CALL through a gate to CPL 0");
	ok(x86_cpl(&m.state) == 0 && m.state.seg[X86_CS].selector == TARGET &&
	   m.state.seg[X86_SS].selector == SEL_DATA, "is at CPL 0, with SS of the TSS");
	ok_equal(m.state.gpr[X86_RSP], STACK_CPL0 - 24, "ESP of the TSS, and six items");
	ok(machine_get(&m, STACK_CPL0 - 4, 4) == SEL_DATA_3 &&
	   machine_get(&m, STACK_CPL0 - 8, 4) == STACK, "SS and ESP of the caller");
	ok(machine_get(&m, STACK_CPL0 - 16, 8) == 0x2222222211111111, "parameters in their order");
	ok(machine_get(&m, STACK_CPL0 - 20, 4) == SEL_CODE32_3 &&
	   machine_get(&m, STACK_CPL0 - 24, 4) == CODE + 7, "CS and EIP of the caller");
	begin_gate(3, 0xec, 0xc09f, 0);
	DONE(&m, CALL_GATE, "CALL through a gate to conforming code");
	ok(x86_cpl(&m.state) == 3 && m.state.gpr[X86_RSP] == STACK - 8, "stays at CPL 3");
	begin_gate(3, 0xe4, 0xc09b, 0);
	DONE(&m, CALL_GATE, "CALL through a 16-bit gate to CPL 0");
	ok(m.state.rip == 0x5678 && m.state.gpr[X86_RSP] == STACK_CPL0 - 8,
	   "pushes two bytes each");
	begin_gate(3, 0xec, 0xc0fb, 0);
	DONE(&m, JMP_GATE, "JMP through a gate");
	ok(m.state.rip == 0x15678 && m.state.gpr[X86_RSP] == STACK, "pushes nothing");
}

static void test_gate_faults(void)
{
	begin_gate(3, 0xec, 0xc09b, 0);
	FAULTS(&m, JMP_GATE, X86_GP, TARGET, "JMP through a gate to CPL 0");
	begin_gate(3, 0x8c, 0xc09b, 0);
	FAULTS(&m, CALL_GATE, X86_GP, GATE, "a gate of DPL 0 at CPL 3");
	begin_gate(0, 0xac, 0xc09b, 0);
	FAULTS(&m, CALL_GATE, X86_GP, GATE, "a gate of DPL 1 by RPL 3");
	begin_gate(3, 0x6c, 0xc09b, 0);
	FAULTS(&m, CALL_GATE, X86_NP, GATE, "a gate that is not present");
	begin_gate(0, 0xec, 0xc0fb, 0);
	FAULTS(&m, CALL_GATE, X86_GP, TARGET, "a gate to a lower level");
	begin_gate(3, 0xec, 0xc093, 0);
	FAULTS(&m, CALL_GATE, X86_GP, TARGET, "a gate to data");
	begin_gate(3, 0xec, 0xc01b, 0);
	FAULTS(&m, CALL_GATE, X86_NP, TARGET, "a gate to code that is not present");
	begin_gate(3, 0xec, 0xc09b, 0);
	machine_gate(&m, GATE, 0, 0x5678, 0xec, 0);
	FAULTS(&m, CALL_GATE, X86_GP, 0, "a gate to nowhere");
	begin_gate(3, 0xec, 0xc09b, 0);
	m.state.seg[X86_TR].limit = 8;
	FAULTS(&m, CALL_GATE, X86_TS, SEL_TSS, "a TSS that is too short");
	begin_gate(3, 0xec, 0xc09b, 0);
	machine_put(&m, TSS + 8, SEL_DATA_3, 2);
	FAULTS(&m, CALL_GATE, X86_TS, SEL_DATA_3 & ~3, "SS0 of CPL 3 in the TSS");
	begin_gate(3, 0xec, 0xc09b, 0);
	machine_put(&m, TSS + 8, 0, 2);
	FAULTS(&m, CALL_GATE, X86_TS, 0, "SS0 null in the TSS");
	begin_gate(3, 0xec, 0xc09b, 0);
	machine_put(&m, TSS + 8, SEL_FREE + 24, 2);
	machine_descriptor(&m, SEL_FREE + 24, 0, 0xfffff, 0xc013);
	FAULTS(&m, CALL_GATE, X86_SS_FAULT, SEL_FREE + 24, "SS0 that is not present");
	begin_gate(3, 0xec, 0xc09b, 0);
	machine_put(&m, TSS + 8, SEL_FREE + 24, 2);
	machine_descriptor(&m, SEL_FREE + 24, 0, 0x1000, 0x4093);
	FAULTS(&m, CALL_GATE, X86_SS_FAULT, SEL_FREE + 24, "a new stack that is beyond its limit");
}

static void test_long_gates(void)
{
	machine_reset(&m, COMPAT32, 3);
	machine_gate(&m, GATE, TARGET, 0x12345678, 0xec, 5);
	machine_descriptor(&m, TARGET, 0, 0xfffff, 0xa09b);
	DONE(&m, CALL_GATE, "compat32: CALL through a gate to CPL 0");
	ok(x86_code64(&m.state) && m.state.rip == 0x12345678 && x86_cpl(&m.state) == 0,
	   "is in 64-bit mode");
	ok(m.state.seg[X86_SS].ar & X86_AR_UNUSABLE && m.state.seg[X86_SS].selector == 0,
	   "with a null SS");
	ok(m.state.gpr[X86_RSP] == STACK_CPL0 - 32 &&
	   machine_get(&m, STACK_CPL0 - 8, 8) == SEL_DATA_3 &&
	   machine_get(&m, STACK_CPL0 - 16, 8) == STACK &&
	   machine_get(&m, STACK_CPL0 - 24, 8) == SEL_CODE32_3 &&
	   machine_get(&m, STACK_CPL0 - 32, 8) == CODE + 7,
	   "four items of eight bytes, and no parameters (SDM 3 5.8.5.1)");
	machine_reset(&m, COMPAT32, 3);
	machine_gate(&m, GATE, SEL_CODE32, 0x5678, 0xec, 0);
	FAULTS(&m, CALL_GATE, X86_GP, SEL_CODE32, "long mode: a gate to 32-bit code");
	machine_gate(&m, GATE, TARGET, 0x5678, 0xe4, 0);
	FAULTS(&m, CALL_GATE, X86_GP, GATE, "long mode: a 16-bit gate");
	machine_gate(&m, GATE, TARGET, 0x5678, 0xec, 0);
	machine_put(&m, GDT + GATE + 12, 0x100, 4);
	FAULTS(&m, CALL_GATE, X86_GP, GATE, "long mode: a gate with a type in its upper half");
}

/* ---- far RET and IRET ----------------------------------------------------------- */

static void push_items(unsigned int size, unsigned int count, const u64 *items)
{
	for (unsigned int i = 0; i < count; i++)
		machine_put(&m, STACK + size * i, items[i], size);
}

#define STACKED(size, ...) push_items(size, sizeof((u64[]){ __VA_ARGS__ }) / 8, \
				      (const u64[]){ __VA_ARGS__ })

static void test_returns(void)
{
	machine_reset(&m, PROT32, 0);
	STACKED(4, 0x5678, SEL_CODE32);
	DONE(&m, "\xca\x08\0", "RET 8 to the same level");
	ok(m.state.rip == 0x5678 && m.state.gpr[X86_RSP] == STACK + 16, "releases its bytes");
	machine_reset(&m, PROT32, 0);
	m.state.seg[X86_DS].selector = SEL_DATA;
	machine_put(&m, STACK + 8, 0x99, 4);
	push_items(4, 2, (const u64[]){ 0x5678, SEL_CODE32_3 });
	machine_put(&m, STACK + 12, 0x7000, 4);
	machine_put(&m, STACK + 16, SEL_DATA_3, 4);
	DONE(&m, "\xca\x04\0", "RET 4 to CPL 3");
	ok(x86_cpl(&m.state) == 3 && m.state.seg[X86_SS].selector == SEL_DATA_3 &&
	   m.state.gpr[X86_RSP] == 0x7004, "ESP and SS of CPL 3, bytes released there too");
	ok(m.state.seg[X86_DS].ar & X86_AR_UNUSABLE && !m.state.seg[X86_DS].selector,
	   "DS of DPL 0 is gone");
	machine_reset(&m, PROT32, 3);
	STACKED(4, 0x5678, SEL_CODE32);
	FAULTS(&m, "\xcb", X86_GP, SEL_CODE32, "RET to an inner level");
	machine_reset(&m, PROT32, 0);
	STACKED(4, 0x5678, 0);
	FAULTS(&m, "\xcb", X86_GP, 0, "RET to a null selector");
	STACKED(4, 0x5678, SEL_DATA);
	FAULTS(&m, "\xcb", X86_GP, SEL_DATA, "RET to data");
	STACKED(4, 0x5678, SEL_CODE32_3, 0x7000, SEL_DATA);
	FAULTS(&m, "\xcb", X86_GP, SEL_DATA, "RET to CPL 3 with SS of CPL 0");
	STACKED(4, 0x5678, SEL_CODE32_3, 0x7000, 0);
	FAULTS(&m, "\xcb", X86_GP, 0, "RET to CPL 3 with a null SS");
	machine_reset(&m, REAL16, 0);
	STACKED(2, 0x5678, 0x1234);
	DONE(&m, "\xca\x02\0", "real16: RET 2");
	ok(m.state.rip == 0x5678 && m.state.seg[X86_CS].base == 0x12340 &&
	   m.state.gpr[X86_RSP] == STACK + 6, "real16: CS:IP and SP");
}

#define ALL_FLAGS 0x003f7fd7u

static void test_iret(void)
{
	machine_reset(&m, REAL16, 0);
	m.state.nmi_blocked = true;
	STACKED(2, 0x5678, 0x1234, 0xffff);
	DONE(&m, "\xcf", "real16: IRET");
	ok(m.state.rip == 0x5678 && m.state.rflags == 0x7fd7 && !m.state.nmi_blocked,
	   "real16: flags of 16 bits, and NMIs are open");
	machine_reset(&m, PROT32, 0);
	STACKED(4, 0x5678, SEL_CODE32, 0xffffffff & ~X86_FLAG_VM);
	DONE(&m, "\xcf", "prot32: IRET to the same level");
	ok_equal(m.state.rflags, ALL_FLAGS & ~X86_FLAG_VM, "at CPL 0 all flags are loaded, RF too");
	ok_equal(m.state.gpr[X86_RSP], STACK + 12, "three items");
	machine_reset(&m, PROT32, 3);
	m.state.rflags |= X86_FLAG_VIF;
	STACKED(4, 0x5678, SEL_CODE32_3, 0xffffffff);
	DONE(&m, "\xcf", "prot32: IRET at CPL 3");
	ok_equal(m.state.rflags, (ALL_FLAGS & ~(X86_FLAG_IOPL | X86_FLAG_IF | X86_FLAG_VM |
						X86_FLAG_VIP)),
		 "IOPL, IF, VM, VIF and VIP stay");
	machine_reset(&m, PROT32, 3);
	m.state.rflags |= X86_FLAG_IOPL;
	STACKED(4, 0x5678, SEL_CODE32_3, X86_FLAG_IF);
	DONE(&m, "\xcf", "prot32: IRET at CPL 3 with IOPL 3");
	ok_equal(m.state.rflags, X86_FLAG_ONE | X86_FLAG_IF | X86_FLAG_IOPL, "IF is loaded");
	machine_reset(&m, PROT32, 0);
	STACKED(4, 0x5678, SEL_CODE32_3, X86_FLAG_IF, 0x7000, SEL_DATA_3);
	DONE(&m, "\xcf", "prot32: IRET to CPL 3");
	ok(x86_cpl(&m.state) == 3 && m.state.gpr[X86_RSP] == 0x7000 &&
	   m.state.rflags & X86_FLAG_IF, "with flags by the old CPL");
	machine_reset(&m, PROT32, 0);
	STACKED(4, 0x15678, 0x1234, X86_FLAG_VM | X86_FLAG_IOPL, 0x7000, 1, 2, 3, 4, 5);
	DONE(&m, "\xcf", "prot32: IRET to virtual-8086 mode");
	ok(x86_vm86(&m.state) && m.state.rip == 0x5678 && m.state.seg[X86_CS].base == 0x12340 &&
	   m.state.seg[X86_SS].selector == 1 && m.state.seg[X86_ES].selector == 2 &&
	   m.state.seg[X86_DS].selector == 3 && m.state.seg[X86_FS].selector == 4 &&
	   m.state.seg[X86_GS].base == 0x50 && m.state.gpr[X86_RSP] == 0x7000,
	   "SS, ES, DS, FS and GS from the stack");
	ok_equal(m.state.seg[X86_CS].ar, 0xf3, "with the rights of that mode (SDM 3 20.2)");
	machine_reset(&m, VM86, 3);
	FAULTS(&m, "\xcf", X86_GP, 0, "vm86: IRET with IOPL below 3");
	machine_reset(&m, LONG64, 0);
	m.state.rflags |= X86_FLAG_NT;
	FAULTS(&m, "\x48\xcf", X86_GP, 0, "long64: IRET with NT");
}

static void test_iret64(void)
{
	machine_reset(&m, LONG64, 0);
	STACKED(8, 0x5678, SEL_CODE64, X86_FLAG_CF, 0x7008, 0);
	DONE(&m, "\x48\xcf", "long64: IRETQ to the same level");
	ok(m.state.rip == 0x5678 && m.state.gpr[X86_RSP] == 0x7008 &&
	   m.state.rflags == (X86_FLAG_ONE | X86_FLAG_CF), "loads RSP and a null SS all the same");
	machine_reset(&m, LONG64, 0);
	STACKED(8, 0x5678, SEL_CODE64_3, X86_FLAG_IF, 0x7008, SEL_DATA_3);
	DONE(&m, "\x48\xcf", "long64: IRETQ to CPL 3");
	ok(x86_cpl(&m.state) == 3 && x86_code64(&m.state), "64-bit code at CPL 3");
	machine_reset(&m, LONG64, 0);
	STACKED(8, 0x5678, SEL_CODE64_3, X86_FLAG_IF, 0x7008, 3);
	FAULTS(&m, "\x48\xcf", X86_GP, 0, "long64: IRETQ to CPL 3 with a null SS");
	STACKED(8, 1ull << 47, SEL_CODE64, 2, 0x7008, 0);
	FAULTS(&m, "\x48\xcf", X86_GP, 0, "long64: IRETQ to where no address is");
	machine_reset(&m, LONG64, 0);
	STACKED(8, 0x5678, SEL_CODE32_3, 2, 0x7008, SEL_DATA_3);
	DONE(&m, "\x48\xcf", "long64: IRETQ to 32-bit code");
	ok(!x86_code64(&m.state) && x86_cpl(&m.state) == 3, "is in compatibility mode");
}

/* ---- fast system calls ---------------------------------------------------------- */

static void test_syscall(void)
{
	machine_reset(&m, LONG64, 3);
	m.state.rflags |= X86_FLAG_IF | X86_FLAG_CF;
	FAULTS(&m, "\x0f\x05", X86_UD, -1, "SYSCALL without EFER.SCE");
	m.state.efer |= X86_EFER_SCE;
	m.state.msr.star = 0x0033000800000000;
	m.state.msr.lstar = 0xffffffff80001234;
	m.state.msr.sfmask = X86_FLAG_IF;
	DONE(&m, "\x0f\x05", "SYSCALL");
	ok(m.state.rip == 0xffffffff80001234 && m.state.gpr[X86_RCX] == CODE + 2 &&
	   m.state.gpr[X86_R11] == (X86_FLAG_ONE | X86_FLAG_IF | X86_FLAG_CF) &&
	   m.state.rflags == (X86_FLAG_ONE | X86_FLAG_CF), "SYSCALL: RIP, RCX, R11, RFLAGS");
	ok(m.state.seg[X86_CS].selector == 8 && m.state.seg[X86_CS].ar == 0xa09b &&
	   m.state.seg[X86_SS].selector == 16 && m.state.seg[X86_SS].ar == 0xc093 &&
	   x86_cpl(&m.state) == 0, "SYSCALL: CS and SS");
	m.state.rip = CODE;
	m.state.gpr[X86_RCX] = 0x7000;
	DONE(&m, "\x48\x0f\x07", "SYSRETQ");
	ok(m.state.rip == 0x7000 && m.state.seg[X86_CS].selector == (0x33 + 16) &&
	   m.state.seg[X86_CS].ar == 0xa0fb && x86_cpl(&m.state) == 3 &&
	   m.state.seg[X86_SS].selector == (0x33 + 8) && m.state.seg[X86_SS].ar == 0xc0f3 &&
	   m.state.rflags == (X86_FLAG_ONE | X86_FLAG_IF | X86_FLAG_CF), "SYSRETQ: back again");
	machine_reset(&m, LONG64, 0);
	m.state.efer |= X86_EFER_SCE;
	m.state.gpr[X86_RCX] = 1ull << 47;
	FAULTS(&m, "\x48\x0f\x07", X86_GP, 0, "Intel: SYSRETQ to where no address is");
	machine_reset(&m, COMPAT32, 3);
	m.state.efer |= X86_EFER_SCE;
	FAULTS(&m, "\x0f\x05", X86_UD, -1, "Intel: SYSCALL from 32-bit code");
	m.env.amd = true;
	m.state.msr.cstar = 0x9000;
	DONE(&m, "\x0f\x05", "AMD: SYSCALL from 32-bit code");
	ok(m.state.rip == 0x9000 && x86_code64(&m.state), "goes to CSTAR");
	machine_reset(&m, PROT32, 3);
	m.env.amd = true;
	m.state.efer |= X86_EFER_SCE;
	m.state.msr.star = 0x0033000800009000;
	m.state.rflags |= X86_FLAG_IF | X86_FLAG_CF;
	DONE(&m, "\x0f\x05", "AMD: SYSCALL outside long mode (APM 3 SYSCALL)");
	ok(m.state.rip == 0x9000 && m.state.gpr[X86_RCX] == CODE + 2 && !m.state.gpr[X86_R11] &&
	   m.state.rflags == (X86_FLAG_ONE | X86_FLAG_CF) && m.state.seg[X86_CS].ar == 0xc09b,
	   "goes to STAR, and clears IF");
	m.state.rip = CODE;
	DONE(&m, "\x0f\x07", "AMD: SYSRET outside long mode");
	ok(m.state.rip == CODE + 2 && x86_cpl(&m.state) == 3 && m.state.rflags & X86_FLAG_IF &&
	   m.state.seg[X86_CS].selector == 0x33, "sets IF");
}

static void test_sysenter(void)
{
	machine_reset(&m, PROT32, 3);
	FAULTS(&m, "\x0f\x34", X86_GP, 0, "SYSENTER without a CS");
	m.state.rflags |= X86_FLAG_IF;
	m.state.msr.sysenter_cs = 8;
	m.state.msr.sysenter_eip = 0x6000;
	m.state.msr.sysenter_esp = 0x7000;
	DONE(&m, "\x0f\x34", "SYSENTER");
	ok(m.state.rip == 0x6000 && m.state.gpr[X86_RSP] == 0x7000 && x86_cpl(&m.state) == 0 &&
	   m.state.seg[X86_CS].selector == 8 && m.state.seg[X86_CS].ar == 0xc09b &&
	   m.state.seg[X86_SS].selector == 16 && !(m.state.rflags & X86_FLAG_IF),
	   "SYSENTER: CS:EIP, SS:ESP, IF");
	m.state.rip = CODE;
	m.state.gpr[X86_RDX] = 0x4444;
	m.state.gpr[X86_RCX] = 0x5555;
	DONE(&m, "\x0f\x35", "SYSEXIT");
	ok(m.state.rip == 0x4444 && m.state.gpr[X86_RSP] == 0x5555 && x86_cpl(&m.state) == 3 &&
	   m.state.seg[X86_CS].selector == 0x1b && m.state.seg[X86_SS].selector == 0x23,
	   "SYSEXIT: back again");
	machine_reset(&m, PROT32, 3);
	m.state.msr.sysenter_cs = 8;
	FAULTS(&m, "\x0f\x35", X86_GP, 0, "SYSEXIT at CPL 3");
	machine_reset(&m, LONG64, 0);
	m.state.msr.sysenter_cs = 8;
	m.state.gpr[X86_RDX] = 0x7fff00004444;
	m.state.gpr[X86_RCX] = 0x5555;
	DONE(&m, "\x48\x0f\x35", "Intel: SYSEXIT to 64-bit code");
	ok(m.state.rip == 0x7fff00004444 && x86_code64(&m.state) &&
	   m.state.gpr[X86_RSP] == 0x5555 &&
	   m.state.seg[X86_CS].selector == 0x2b && m.state.seg[X86_SS].selector == 0x33,
	   "SYSEXIT: CS is 32 on, SS 40");
	machine_reset(&m, LONG64, 0);
	m.state.msr.sysenter_cs = 8;
	m.state.gpr[X86_RDX] = 1ull << 47;
	FAULTS(&m, "\x48\x0f\x35", X86_GP, 0, "Intel: SYSEXIT to where no address is");
	m.env.amd = true;
	FAULTS(&m, "\x0f\x34", X86_UD, -1, "AMD: SYSENTER in long mode");
	FAULTS(&m, "\x0f\x35", X86_UD, -1, "AMD: SYSEXIT in long mode");
	machine_reset(&m, PROT32, 0);
	m.env.amd = true;
	m.state.msr.sysenter_cs = 8;
	DONE(&m, "\x0f\x35", "AMD: SYSEXIT outside");
}

int main(void)
{
	test_loads();
	test_real_loads();
	test_jumps();
	test_gates();
	test_gate_faults();
	test_long_gates();
	test_returns();
	test_iret();
	test_iret64();
	test_syscall();
	test_sysenter();
	return tap_done();
}

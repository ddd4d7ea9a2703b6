// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is common to all instructions, in all modes: fetch, segment limits and rights, page
 * faults, alignment, the stack's width, single steps, shadows, RF, flags on the stack; and
 * what the host's processor cannot show in test_native. SDM 1 and 3, chapters named below.
 */
#include "machine.h"
#include "tap.h"

static struct machine m;

/* ---- fetch ---------------------------------------------------------------------- */

static void test_fetch(void)
{
	static const char prefixes[] =
		"\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x90";

	machine_reset(&m, PROT32, 0);
	FAULTS(&m, prefixes, X86_GP, 0, "16 bytes (SDM 2 2.3.11)");
	m.state.seg[X86_CS].limit = CODE + 4;
	FAULTS(&m, "\x81\xc0\1\0\0\0", X86_GP, 0, "an instruction over the limit of CS");
	DONE(&m, "\x05\1\0\0\0", "one that ends at it");
	m.state.rip = CODE + 5;
	FAULTS(&m, "\x90", X86_GP, 0, "one beyond it");
	machine_reset(&m, LONG64, 0);
	m.state.rip = RAM_SIZE + 8;
	m.before = m.state;
	x86_exec_begin(&m.x);
	ok_equal(x86_execute(&m.x), X86_UNIMPLEMENTED, "code in no RAM is not executed");
	m.state.rip = 0x200000;		/* the end of what is mapped */
	x86_exec_begin(&m.x);
	ok(x86_execute(&m.x) == X86_FAULT && m.x.fault.vector == X86_PF &&
	   m.x.fault.error == X86_PF_I && m.x.fault.cr2 == 0x200000, "fetch from no page: #PF");
	m.state.rip = 1ull << 47;
	x86_exec_begin(&m.x);
	ok(x86_execute(&m.x) == X86_FAULT && m.x.fault.vector == X86_GP, "from no address: #GP");
}

/* 4 KiB pages for the first 2 MiB; the second one's page 9 is missing. */
static void map_pages(void)
{
	machine_put(&m, PAGE_TABLES + 0x2000, (PAGE_TABLES + 0x3000) | 0x67, 8);
	for (unsigned int i = 0; i < 512; i++)
		machine_put(&m, PAGE_TABLES + 0x3000 + 8 * i, i == 9 ? 0 : i << 12 | 0x67, 8);
}

/* The second page is only looked at if the instruction gets there. */
static void test_fetch_pages(void)
{
	machine_reset(&m, LONG64, 0);
	map_pages();
	m.state.rip = 0x8fff;
	DONE(&m, "\x90", "the last byte of a page, the next one missing");
	m.state.rip = 0x6ffe;
	DONE(&m, "\xb8\x78\x56\x34\x12", "an instruction in two pages");
	ok_equal(m.state.gpr[X86_RAX], 0x12345678, "is read from both");
	m.state.rip = 0x8ffe;
	expect_fault(&m, "\x81", 1, X86_PF, X86_PF_I, "an instruction that goes on there");
	ok_equal(m.x.fault.cr2, 0x9000, "CR2 is the first byte that is missing");
	machine_reset(&m, LONG64, 3);
	map_pages();
	m.state.rip = 0x8ffe;
	m.state.efer &= ~X86_EFER_NXE;
	expect_fault(&m, "\x81", 1, X86_PF, X86_PF_U, "at CPL 3, without NXE");
}

/* ---- limits and rights of segments (SDM 3 5.3 to 5.5) --------------------------- */

struct segment_case {
	const char *name;
	enum machine_mode mode;
	u32 ar, limit;
	u32 offset;
	bool write;
	bool allowed;
};

static const struct segment_case segment_cases[] = {
	{ "last bytes", PROT32, 0x4093, DATA + 3, DATA, false, true },
	{ "one byte too far", PROT32, 0x4093, DATA + 2, DATA, false, false },
	{ "write to read-only data", PROT32, 0x4091, ~0u, DATA, true, false },
	{ "read of read-only data", PROT32, 0x4091, ~0u, DATA, false, true },
	{ "write to code", PROT32, 0x409b, ~0u, DATA, true, false },
	{ "read of code", PROT32, 0x409b, ~0u, DATA, false, true },
	{ "read of execute-only code", PROT32, 0x4099, ~0u, DATA, false, false },
	{ "unusable", PROT32, 0x4093 | X86_AR_UNUSABLE, ~0u, DATA, false, false },
	{ "expand-down, above its limit", PROT32, 0x4097, DATA - 1, DATA, true, true },
	{ "expand-down, at its limit", PROT32, 0x4097, DATA, DATA, true, false },
	{ "expand-down of 16 bits, its end", PROT32, 0x0097, 0x1000, 0xfffc, true, true },
	{ "expand-down of 16 bits, beyond", PROT32, 0x0097, 0x1000, 0xfffd, true, false },
	{ "real mode writes to code", REAL16, 0x9b, 0xffff, DATA, true, true },
	{ "real mode over 64 KiB", REAL16, 0x93, 0xffff, 0xfffd, false, false },
	{ "virtual-8086 mode over 64 KiB", VM86, 0xf3, 0xffff, 0xfffd, false, false },
	{ "64-bit mode has no limits", LONG64, 0x93, 0, DATA, true, true },
	{ "compatibility mode has", COMPAT32, 0xc093, 0, DATA, true, false },
};

static void check_segment(const struct segment_case *c, enum x86_seg_name name, u8 prefix)
{
	bool bits16 = c->mode == REAL16 || c->mode == VM86;
	/* mov [ebx], eax or mov eax, [ebx] with the segment's prefix */
	u8 code[] = { prefix, 0x66, c->write ? 0x89 : 0x8b, bits16 ? 0x07 : 0x03 };
	enum x86_result result;
	bool right;

	machine_reset(&m, c->mode, 0);
	m.state.seg[name].ar = c->ar;
	m.state.seg[name].limit = c->limit;
	m.state.gpr[X86_RBX] = c->offset;
	if (!bits16)
		code[1] = prefix;
	result = machine_run(&m, code, 4);
	if (c->allowed)
		right = result == X86_OK;
	else
		right = result == X86_FAULT && !m.x.fault.error && machine_untouched(&m) &&
			m.x.fault.vector == (name == X86_SS ? X86_SS_FAULT : X86_GP);
	if (!ok(right, "%s: %s", name == X86_SS ? "SS" : name == X86_FS ? "FS" : "DS", c->name))
		note("result %d, vector %u", result, m.x.fault.vector);
}

static void test_segments(void)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(segment_cases); i++) {
		check_segment(&segment_cases[i], X86_DS, 0x3e);
		check_segment(&segment_cases[i], X86_FS, 0x64);
		/* SS decides the CPL, and cannot be code. */
		if (segment_cases[i].mode == REAL16 || segment_cases[i].mode == PROT32)
			check_segment(&segment_cases[i], X86_SS, 0x36);
	}
	machine_reset(&m, LONG64, 0);
	m.state.gpr[X86_RBX] = (1ull << 47) - 3;
	FAULTS(&m, "\x8b\x03", X86_GP, 0, "64-bit mode: an address that is not canonical");
	m.state.gpr[X86_RBP] = 1ull << 47;
	FAULTS(&m, "\x8b\x45\0", X86_SS_FAULT, 0, "64-bit mode: of the stack");
	for (unsigned int i = 0; i < 2; i++) {
		/* With 57 bits, one more level of tables: each of them finds the same one. */
		machine_reset(&m, LONG64, 0);
		m.state.cr4 |= CR4_LA57;
		m.state.cr3 = PAGE_TABLES + 0x3000;
		machine_put(&m, PAGE_TABLES + 0x3000, PAGE_TABLES | 0x67, 8);
		m.state.gpr[X86_RBX] = i ? 1ull << 56 : 1ull << 55;
		if (i)
			FAULTS(&m, "\x8b\x03", X86_GP, 0, "LA57: bit 56 alone");
		else
			FAULTS(&m, "\x8b\x03", X86_PF, 0, "LA57: bit 55 is an address");
	}
	machine_reset(&m, LONG64, 0);
	m.state.seg[X86_FS].base = DATA;
	m.state.seg[X86_DS].base = 0x5000;
	m.state.gpr[X86_RBX] = 8;
	machine_put(&m, DATA + 8, 0x12345678, 4);
	DONE(&m, "\x64\x8b\x03", "64-bit mode: FS has a base");
	ok_equal(m.state.gpr[X86_RAX], 0x12345678, "that counts");
	m.state.rip = CODE;
	machine_put(&m, 8, 0x99, 4);
	DONE(&m, "\x8b\x03", "64-bit mode: DS has one");
	ok_equal(m.state.gpr[X86_RAX], 0x99, "that does not");
}

/* ---- paging and alignment ------------------------------------------------------- */

static void test_pages(void)
{
	machine_reset(&m, LONG64, 0);
	map_pages();
	m.state.gpr[X86_RBX] = 0x8ffe;
	FAULTS(&m, "\x89\x03", X86_PF, X86_PF_W, "a write that ends in a page that is missing");
	ok_equal(m.x.fault.cr2, 0x9000, "CR2 is that page");
	FAULTS(&m, "\x01\x03", X86_PF, X86_PF_W, "a read for a write is a write (SDM 3 4.7)");
	FAULTS(&m, "\x8b\x03", X86_PF, 0, "a read");
	machine_put(&m, PAGE_TABLES + 0x3000 + 8 * 9, 0x9065, 8);
	m.state.cr0 |= CR0_WP;
	FAULTS(&m, "\xf0\x0f\xb1\x03", X86_PF, X86_PF_W | X86_PF_P, "CMPXCHG writes in any case");
	m.state.cr0 &= ~CR0_WP;
	DONE(&m, "\xf0\x0f\xb1\x03", "a supervisor's CMPXCHG without WP");
}

/* CR0.AM, RFLAGS.AC, CPL 3 (SDM 3 6.15 on #AC). */
static void test_alignment(void)
{
	for (unsigned int i = 0; i < 8; i++) {
		bool am = i & 1, ac = i & 2, user = i & 4;
		char name[80];

		machine_reset(&m, LONG64, user ? 3 : 0);
		m.state.cr0 |= am ? CR0_AM : 0;
		m.state.rflags |= ac ? X86_FLAG_AC : 0;
		m.state.gpr[X86_RBX] = DATA + 1;
		snprintf(name, sizeof(name), "odd address, CPL %u, AM %d, AC %d", user ? 3 : 0, am,
			 ac);
		if (am && ac && user)
			FAULTS(&m, "\x8b\x03", X86_AC, 0, name);
		else
			DONE(&m, "\x8b\x03", name);
	}
	m.state.gpr[X86_RBX] = DATA + 1;
	DONE(&m, "\x8a\x03", "a byte is always aligned");
	m.state.rip = CODE;
	m.state.gpr[X86_RBX] = DATA + 4;
	DONE(&m, "\x8b\x03", "four bytes at a multiple of four");
	m.state.rip = CODE;
	FAULTS(&m, "\x48\x8b\x03", X86_AC, 0, "eight bytes at a multiple of four");
}

/* ---- single steps, shadows, RF -------------------------------------------------- */

static void test_traps(void)
{
	machine_reset(&m, PROT32, 0);
	m.state.rflags |= X86_FLAG_TF | X86_FLAG_RF;
	DONE(&m, "\x90", "NOP with TF");
	ok(m.x.trap == X86_DR6_BS && !(m.state.rflags & X86_FLAG_RF),
	   "a single step; RF is cleared");
	machine_reset(&m, PROT32, 0);
	machine_put(&m, STACK, X86_FLAG_TF, 4);
	DONE(&m, "\x9d", "POPF that sets TF");
	ok_equal(m.x.trap, 0, "no single step yet (SDM 3 17.3.1.4)");
	machine_reset(&m, PROT32, 0);
	m.state.rflags |= X86_FLAG_TF;
	m.state.gpr[X86_RAX] = SEL_DATA;
	DONE(&m, "\x8e\xd0", "MOV to SS with TF");
	ok(!m.x.trap && m.state.shadow == X86_SHADOW_MOVSS,
	   "no single step after it (SDM 3 6.8.3)");
	m.state.rip = CODE;
	DONE(&m, "\x90", "the instruction after it");
	ok(m.x.trap == X86_DR6_BS && !m.state.shadow, "has one, and the shadow has gone");
	machine_reset(&m, PROT32, 0);
	DONE(&m, "\xfb", "STI");
	ok(m.state.shadow == X86_SHADOW_STI && m.state.rflags & X86_FLAG_IF, "has a shadow");
	m.state.rip = CODE;
	DONE(&m, "\xfb", "STI with IF set");
	ok_equal(m.state.shadow, 0, "has none");
	machine_reset(&m, PROT32, 0);
	m.state.rflags |= X86_FLAG_TF | X86_FLAG_RF;
	m.state.gpr[X86_RCX] = 2;
	m.state.gpr[X86_RDI] = DATA;
	DONE(&m, "\xf3\xaa", "REP STOS with TF");
	ok(m.x.trap == X86_DR6_BS && m.state.rip == CODE && m.state.gpr[X86_RCX] == 1,
	   "a single step after each item");
}

/* ---- flags that not everybody may change ---------------------------------------- */

struct flags_case {
	const char *name;
	enum machine_mode mode;
	u8 cpl, iopl;
	const char *code;
	u8 length;
	int vector;		/* -1: done */
};

static const struct flags_case flags_cases[] = {
	{ "CLI, CPL 0", PROT32, 0, 0, "\xfa", 1, -1 },
	{ "CLI, CPL 3, IOPL 0", PROT32, 3, 0, "\xfa", 1, X86_GP },
	{ "CLI, CPL 3, IOPL 3", PROT32, 3, 3, "\xfa", 1, -1 },
	{ "STI, CPL 3, IOPL 2", PROT32, 3, 2, "\xfb", 1, X86_GP },
	{ "CLI, real mode", REAL16, 0, 0, "\xfa", 1, -1 },
	{ "CLI, vm86, IOPL 0", VM86, 3, 0, "\xfa", 1, X86_GP },
	{ "CLI, vm86, IOPL 3", VM86, 3, 3, "\xfa", 1, -1 },
	{ "PUSHF, vm86, IOPL 0", VM86, 3, 0, "\x9c", 1, X86_GP },
	{ "POPF, vm86, IOPL 0", VM86, 3, 0, "\x9d", 1, X86_GP },
	{ "POPF, vm86, IOPL 3", VM86, 3, 3, "\x9d", 1, -1 },
	{ "INT n, vm86, IOPL 0", VM86, 3, 0, "\xcd\x21", 2, X86_GP },
	{ "HLT, CPL 3", PROT32, 3, 3, "\xf4", 1, X86_GP },
	{ "HLT, vm86", VM86, 3, 3, "\xf4", 1, X86_GP },
	{ "WBINVD, CPL 3", LONG64, 3, 3, "\x0f\x09", 2, X86_GP },
	{ "IN, vm86: the bitmap, not IOPL", VM86, 3, 3, "\xe4\0", 2, X86_GP },
	{ "INVLPG, CPL 3", LONG64, 3, 3, "\x0f\x01\x38", 3, X86_GP },
};

static void test_privileged_flags(void)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(flags_cases); i++) {
		const struct flags_case *c = &flags_cases[i];

		machine_reset(&m, c->mode, c->cpl);
		m.state.rflags |= (u64)c->iopl << X86_FLAG_IOPL_SHIFT;
		machine_put(&m, TSS + IO_MAP, 0xff, 1);
		if (c->vector < 0)
			expect_done(&m, c->code, c->length, c->name);
		else
			expect_fault(&m, c->code, c->length, c->vector, 0, c->name);
	}
	machine_reset(&m, PROT32, 0);
	DONE(&m, "\xf4", "HLT");
	ok(m.state.activity == X86_HALTED && m.state.rip == CODE + 1, "halts, and RIP is after it");
}

#define VIRTUAL (X86_FLAG_VIF | X86_FLAG_VIP)

/* SDM 2 POPF, table 4-21: VIF, VIP and VM are unaffected, RF is cleared. */
static void test_popf(void)
{
	machine_reset(&m, PROT32, 0);
	m.state.rflags |= VIRTUAL | X86_FLAG_RF;
	machine_put(&m, STACK, 0xffffffff & ~VIRTUAL, 4);
	DONE(&m, "\x9d", "POPFD at CPL 0");
	ok_equal(m.state.rflags, 0x247fd7 | VIRTUAL,
		 "AC, ID and IOPL are loaded; VIF, VIP, VM are not");
	machine_reset(&m, PROT32, 0);
	m.state.rflags |= VIRTUAL | X86_FLAG_ID;
	machine_put(&m, STACK, 0, 4);
	DONE(&m, "\x66\x9d", "POPF of 16 bits");
	ok_equal(m.state.rflags, X86_FLAG_ONE | VIRTUAL | X86_FLAG_ID, "leaves the upper half");
	machine_reset(&m, PROT32, 3);
	m.state.rflags |= X86_FLAG_IF;
	machine_put(&m, STACK, X86_FLAG_IOPL | X86_FLAG_CF, 4);
	DONE(&m, "\x9d", "POPFD at CPL 3");
	ok_equal(m.state.rflags, X86_FLAG_ONE | X86_FLAG_IF | X86_FLAG_CF, "leaves IF and IOPL");
	machine_reset(&m, PROT32, 0);
	m.state.rflags |= X86_FLAG_RF | X86_FLAG_CF;
	DONE(&m, "\x9c", "PUSHFD");
	ok_equal(machine_get(&m, STACK - 4, 4), X86_FLAG_ONE | X86_FLAG_CF,
		 "pushes RF and VM as 0");
}

/* ---- software interrupts: what is told to the owner ----------------------------- */

static void check_software(const char *code, unsigned int length, unsigned int vector,
			   const char *name)
{
	machine_reset(&m, PROT32, 0);
	m.state.rflags |= X86_FLAG_OF;
	expect_fault(&m, code, length, vector, -1, name);
	ok(m.x.fault.software && m.x.next_rip == CODE + length, "%s: RIP to push is the next one's",
	   name);
}

static void test_software(void)
{
	check_software("\xcc", 1, X86_BP, "INT3");
	check_software("\xf1", 1, X86_DB, "INT1");
	check_software("\xce", 1, X86_OF, "INTO");
	check_software("\xcd\x80", 2, 0x80, "INT 80h");
	machine_reset(&m, VM86, 3);
	m.state.rflags |= X86_FLAG_IOPL;
	FAULTS(&m, "\xcd\x21", 0x21, -1, "vm86: INT 21h with IOPL 3");
	ok(m.x.fault.software, "vm86: is one of software");
	machine_reset(&m, PROT32, 0);
	DONE(&m, "\xce", "INTO without OF");
	machine_reset(&m, PROT32, 0);
	FAULTS(&m, "\x0f\x0b", X86_UD, -1, "UD2");
	ok(!m.x.fault.software, "is a fault");
}

/* ---- 16- and 32-bit code -------------------------------------------------------- */

static void test_real_mode(void)
{
	machine_reset(&m, REAL16, 0);
	FAULTS(&m, "\xc5\xf8\x77", X86_UD, -1, "real16: there is no VEX (SDM 2 2.3.1)");
	machine_reset(&m, VM86, 3);
	FAULTS(&m, "\xc5\xf8\x77", X86_UD, -1, "vm86: nor there");
	machine_reset(&m, PROT16, 0);
	ok_equal(RUN(&m, "\xc5\xf8\x77"), X86_UNIMPLEMENTED, "prot16: there is");
	machine_reset(&m, REAL16, 0);
	m.state.gpr[X86_RSP] = 0xabcd0002;
	m.state.gpr[X86_RAX] = 0x1234;
	DONE(&m, "\x50", "real16: PUSH AX");
	ok(m.state.gpr[X86_RSP] == 0xabcd0000 && machine_get(&m, 0, 2) == 0x1234,
	   "moves SP and leaves the rest of ESP");
	m.state.rip = CODE;
	m.state.gpr[X86_RSP] = 1;
	FAULTS(&m, "\x66\x50", X86_SS_FAULT, 0, "real16: PUSH EAX over the end of the stack");
	machine_reset(&m, REAL16, 0);
	m.state.seg[X86_DS].base = 0x10000;
	m.state.gpr[X86_RBX] = 0xfffe;
	m.state.gpr[X86_RSI] = 4;
	machine_put(&m, 0x10002, 0x5a, 1);
	DONE(&m, "\x8a\x00", "real16: [BX + SI] of more than 64 KiB");
	ok_equal(m.state.gpr[X86_RAX], 0x5a, "goes round");
	machine_reset(&m, REAL16, 0);
	m.state.seg[X86_DS].base = 0x9fff0;
	m.state.gpr[X86_RBX] = 0x1234;
	DONE(&m, "\x66\x67\x8b\x03", "real16: MOV EAX, [EBX]");
	machine_reset(&m, REAL16, 0);
	m.state.gpr[X86_RCX] = 0x10000;
	DONE(&m, "\xe3\x10", "real16: JCXZ looks at CX");
	ok_equal(m.state.rip, CODE + 0x12, "and jumps");
	machine_reset(&m, REAL16, 0);
	m.state.rip = 0x10;
	DONE(&m, "\xe9\xe0\xff", "real16: JMP back over 0");
	ok_equal(m.state.rip, 0xfff3, "goes round at 64 KiB");
	machine_reset(&m, REAL16, 0);
	m.state.gpr[X86_RCX] = 0x20001;
	m.state.gpr[X86_RSI] = 0x3ffff;
	m.state.gpr[X86_RDI] = 0x4ffff;
	DONE(&m, "\xf3\xa4", "real16: REP MOVSB");
	ok(m.state.gpr[X86_RCX] == 0x20000 && m.state.gpr[X86_RSI] == 0x30000 &&
	   m.state.gpr[X86_RDI] == 0x40000 && m.state.rip == CODE + 2,
	   "counts CX, SI and DI, round at 64 KiB");
}

static void test_widths(void)
{
	machine_reset(&m, PROT16, 0);
	m.state.gpr[X86_RSP] = 0x12348000;
	DONE(&m, "\x66\x6a\xff", "prot16: PUSH of four bytes");
	ok(m.state.gpr[X86_RSP] == 0x12347ffc && machine_get(&m, 0x7ffc, 4) == 0xffffffff,
	   "on a stack of 16 bits");
	machine_reset(&m, PROT32, 0);
	m.state.gpr[X86_RBP] = STACK - 0x100;
	machine_put(&m, STACK - 0x104, 0x11111111, 4);
	DONE(&m, "\xc8\x10\0\2", "prot32: ENTER 16, 2");
	ok(m.state.gpr[X86_RBP] == STACK - 4 && m.state.gpr[X86_RSP] == STACK - 12 - 16 &&
	   machine_get(&m, STACK - 4, 4) == STACK - 0x100 &&
	   machine_get(&m, STACK - 8, 4) == 0x11111111 &&
	   machine_get(&m, STACK - 12, 4) == STACK - 4, "frame pointers of both levels");
	machine_reset(&m, PROT32, 0);
	m.state.gpr[X86_RBP] = STACK;
	DONE(&m, "\xc8\0\0\2", "prot32: ENTER 0, 2 that reads what it has pushed");
	ok(machine_get(&m, STACK - 8, 4) == STACK && machine_get(&m, STACK - 12, 4) == STACK - 4,
	   "sees its own writes");
	machine_reset(&m, PROT32, 0);
	machine_put(&m, DATA, 0x0000000afffffff6, 8);
	m.state.gpr[X86_RBX] = DATA;
	m.state.gpr[X86_RAX] = (u32)-10;
	DONE(&m, "\x62\x03", "prot32: BOUND, the lower bound");
	m.state.rip = CODE;
	m.state.gpr[X86_RAX] = 11;
	FAULTS(&m, "\x62\x03", X86_BR, -1, "prot32: BOUND, above the upper");
	machine_reset(&m, LONG64, 0);
	m.state.gpr[X86_RAX] = ~0ull;
	DONE(&m, "\x04\x01", "long64: ADD AL");
	ok_equal(m.state.gpr[X86_RAX], ~0xffull, "leaves the rest of RAX");
	machine_reset(&m, LONG64, 0);
	m.env.amd = true;
	m.state.rip = 0x10000 + CODE;
	DONE(&m, "\x66\xe9\x10\x00", "AMD: JMP with 66h");
	ok_equal(m.state.rip, CODE + 0x14, "has a target of 16 bits (APM 3 JMP)");
	machine_reset(&m, LONG64, 0);
	m.state.rip = 0x10000 + CODE;
	DONE(&m, "\x66\xe9\x10\0\0\0", "Intel: JMP with 66h");
	ok_equal(m.state.rip, 0x10000 + CODE + 0x16, "takes no notice (SDM 2 JMP)");
}

/* Only what is for the supervisor alone in memory: CPL 3 reads the GDT implicitly. */
static void test_implicit(void)
{
	machine_reset(&m, LONG64, 3);
	map_pages();
	machine_put(&m, PAGE_TABLES + 0x3000 + 8, 0x1063, 8);
	m.state.gpr[X86_RAX] = SEL_DATA_3;
	DONE(&m, "\x8e\xd8", "MOV to DS at CPL 3, the GDT in a supervisor's page");
	m.state.rip = CODE;
	m.state.gpr[X86_RBX] = GDT;
	FAULTS(&m, "\x8b\x03", X86_PF, X86_PF_P | X86_PF_U, "which CPL 3 cannot read itself");
}

int main(void)
{
	test_fetch();
	test_fetch_pages();
	test_segments();
	test_pages();
	test_alignment();
	test_traps();
	test_privileged_flags();
	test_popf();
	test_software();
	test_real_mode();
	test_widths();
	test_implicit();
	return tap_done();
}

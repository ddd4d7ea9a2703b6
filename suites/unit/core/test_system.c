// SPDX-License-Identifier: GPL-2.0-only
/*
 * System instructions: control and debug registers, descriptor tables, LTR and LLDT, questions
 * about descriptors, MSRs, ports and their bitmap, flags that only some may change. Expectations
 * are from SDM 2 (each instruction), SDM 3 chapters 2, 4.4.1, 9.8.5, 17.2 and SDM 1 19.5.
 */
#include "machine.h"
#include "tap.h"

static struct machine m;

/* ---- control registers --------------------------------------------------------------------- */

struct control {
	const char *name;
	enum machine_mode mode;
	u8 number;
	u64 value;
	int vector;		/* -1: done */
	u64 efer, cr3, cr4;	/* set before, besides what there is */
};

#define PEET (CR0_PE | CR0_ET)
static const struct control controls[] = {
	{ "CR0: protected mode", REAL16, 0, PEET, -1, 0, 0, 0 },
	{ "CR0: all there is", PROT32, 0, 0xe005003f & ~CR0_PG, -1, 0, 0, 0 },
	{ "CR0: real mode stays", REAL16, 0, CR0_ET | CR0_MP, -1, 0, 0, 0 },
	{ "CR0: PG without PE", REAL16, 0, CR0_PG, X86_GP, 0, 0, 0 },
	{ "CR0: NW without CD", PROT32, 0, PEET | CR0_NW, X86_GP, 0, 0, 0 },
	{ "CR0: NW and CD", PROT32, 0, PEET | CR0_NW | CR0_CD, -1, 0, 0, 0 },
	{ "CR0: paging", PROT32, 0, PEET | CR0_PG, -1, 0, 0, 0 },
	{ "CR0: paging with LME, without PAE", PROT32, 0, PEET | CR0_PG, X86_GP, X86_EFER_LME, 0,
	  0 },
	{ "CR0: long mode", PROT32, 0, PEET | CR0_PG, -1, X86_EFER_LME, PAGE_TABLES, CR4_PAE },
	{ "CR0: long mode off in 64-bit code", LONG64, 0, PEET, X86_GP, 0, 0, 0 },
	{ "CR0: long mode off", COMPAT32, 0, PEET, -1, 0, 0, 0 },
	{ "CR0: paging off with PCIDE", COMPAT32, 0, PEET, X86_GP, 0, 0, CR4_PCIDE },
	{ "CR0: bit 32", LONG64, 0, PEET | CR0_PG | 1ull << 32, X86_GP, 0, 0, 0 },
	{ "CR3", PROT32, 3, 0xfffff018, -1, 0, 0, 0 },
	{ "CR3: bit of MAXPHYADDR", LONG64, 3, 1ull << 40, X86_GP, 0, 0, 0 },
	{ "CR3: below it", LONG64, 3, 1ull << 39, -1, 0, 0, 0 },
	{ "CR3: bit 63 without PCIDE", LONG64, 3, 1ull << 63, X86_GP, 0, 0, 0 },
	{ "CR4: a bit that CPUID does not have", PROT32, 4, 1u << 31, X86_GP, 0, 0, 0 },
	{ "CR4: PAE", PROT32, 4, CR4_PAE, -1, 0, 0, 0 },
	{ "CR4: PAE off in long mode", LONG64, 4, 0, X86_GP, 0, 0, 0 },
	{ "CR4: LA57 in long mode", LONG64, 4, CR4_PAE | CR4_LA57, X86_GP, 0, 0, 0 },
	{ "CR4: PCIDE outside long mode", PROT32, 4, CR4_PCIDE, X86_GP, 0, 0, 0 },
	{ "CR4: PCIDE", LONG64, 4, CR4_PAE | CR4_PCIDE, -1, 0, 0, 0 },
	{ "CR4: PCIDE with a PCID in CR3", LONG64, 4, CR4_PAE | CR4_PCIDE, X86_GP, 0, 1, 0 },
	{ "CR8", LONG64, 8, 15, -1, 0, 0, 0 },
	{ "CR8: 16", LONG64, 8, 16, X86_GP, 0, 0, 0 },
};

static void check_control(const struct control *c)
{
	u8 code[4] = { 0x0f, 0x22, 0xc0 | (c->number & 7) << 3 };
	unsigned int length = 3;
	char name[96];

	machine_reset(&m, c->mode, 0);
	if (c->number == 8) {
		memmove(code + 1, code, 3);
		code[0] = 0x44;
		length = 4;
	}
	m.state.efer |= c->efer;
	m.state.cr3 |= c->cr3;
	m.state.cr4 |= c->cr4;
	m.state.gpr[X86_RAX] = c->value;
	snprintf(name, sizeof(name), "%s: MOV to %s", machine_mode_names[c->mode], c->name);
	if (c->vector >= 0) {
		expect_fault(&m, code, length, c->vector, 0, name);
		return;
	}
	if (!expect_done(&m, code, length, name))
		return;
	ok_equal(c->number == 0 ? m.state.cr0 : c->number == 3 ? m.state.cr3 :
		 c->number == 4 ? m.state.cr4 : m.state.cr8, c->value, "%s: its value", name);
	ok_equal(m.state.efer & X86_EFER_LMA, c->number == 0 ? (c->efer || c->mode == LONG64 ?
		 X86_EFER_LMA : 0) : m.before.efer & X86_EFER_LMA, "%s: EFER.LMA", name);
}

static void test_controls(void)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(controls); i++)
		check_control(&controls[i]);
	machine_reset(&m, PROT32, 0);
	m.state.gpr[X86_RAX] = PEET & ~CR0_ET;
	DONE(&m, "\x0f\x22\xc0", "MOV to CR0 without ET");
	ok_equal(m.state.cr0, PEET, "ET is always 1");
	machine_reset(&m, PROT32, 3);
	FAULTS(&m, "\x0f\x22\xc0", X86_GP, 0, "MOV to CR0 at CPL 3");
	FAULTS(&m, "\x0f\x20\xc0", X86_GP, 0, "MOV from CR0 at CPL 3");
	machine_reset(&m, LONG64, 0);
	m.state.cr2 = 0x2222;
	for (unsigned int i = 0; i < 5; i++) {
		u64 values[] = { m.state.cr0, 0, 0x2222, m.state.cr3, m.state.cr4 };
		u8 code[] = { 0x0f, 0x20, 0xc0 | i << 3 };

		m.state.rip = CODE;
		if (i == 1)
			expect_fault(&m, code, 3, X86_UD, -1, "MOV from CR1");
		else if (expect_done(&m, code, 3, "MOV from a control register"))
			ok_equal(m.state.gpr[X86_RAX], values[i], "CR%u", i);
	}
	m.state.rip = CODE;
	m.state.gpr[X86_RAX] = 0x123456789;
	DONE(&m, "\x0f\x22\xd0", "MOV to CR2");
	ok_equal(m.state.cr2, 0x123456789, "has 64 bits");
	machine_reset(&m, LONG64, 0);
	m.state.cr8 = 9;
	DONE(&m, "\x44\x0f\x20\xc0", "MOV from CR8");
	ok_equal(m.state.gpr[X86_RAX], 9, "is in RAX");
	for (unsigned int amd = 0; amd < 2; amd++) {
		machine_reset(&m, PROT32, 0);
		m.env.amd = amd;
		m.cpuid[2] = 1 << 4;
		m.state.gpr[X86_RAX] = 6;
		if (!amd) {
			FAULTS(&m, "\xf0\x0f\x22\xc0", X86_UD, -1, "LOCK MOV to CR0 on Intel's");
			continue;
		}
		DONE(&m, "\xf0\x0f\x22\xc0", "LOCK MOV to CR0 on AMD's");
		ok_equal(m.state.cr8, 6, "is of CR8");
		DONE(&m, "\xf0\x0f\x20\xc3", "LOCK MOV from CR0");
		ok_equal(m.state.gpr[X86_RBX], 6, "is of CR8");
		FAULTS(&m, "\xf0\x0f\x20\xdb", X86_UD, -1, "LOCK MOV from CR3");
		m.cpuid[2] = ~(1u << 4);
		FAULTS(&m, "\xf0\x0f\x20\xc3", X86_UD, -1, "LOCK MOV from CR0 without AltMovCr8");
	}
	machine_reset(&m, LONG64, 0);
	m.state.cr4 |= CR4_PCIDE;
	m.state.gpr[X86_RAX] = PAGE_TABLES | 1ull << 63;
	DONE(&m, "\x0f\x22\xd8", "MOV to CR3 with bit 63 and PCIDE");
	ok(m.state.cr3 == PAGE_TABLES && !m.flushes, "flushes nothing, and bit 63 is not kept");
	m.state.rip = CODE;
	m.state.gpr[X86_RAX] = PAGE_TABLES;
	DONE(&m, "\x0f\x22\xd8", "MOV to CR3");
	ok_equal(m.flushed_all, 1, "flushes");
	machine_reset(&m, LONG64, 0);
	m.state.gpr[X86_RBX] = 0x12345;
	DONE(&m, "\x0f\x01\x3b", "INVLPG");
	ok(m.flushes == 1 && !m.flushed_all && m.flushed == 0x12345, "flushes one address");
}

/* SDM 3 4.4.1: PDPTEs are loaded with CR3, and checked. */
/* A TSS of 16 bits in TR: Intel's do not enter long mode with it, AMD's do not look. */
static void test_tss16(void)
{
	for (unsigned int amd = 0; amd < 2; amd++) {
		machine_reset(&m, PROT32, 0);
		m.env.amd = amd;
		m.state.efer = X86_EFER_LME;
		m.state.cr4 = CR4_PAE;
		m.state.cr3 = PAGE_TABLES;
		m.state.seg[X86_TR].ar = 0x83;
		m.state.gpr[X86_RAX] = PEET | CR0_PG;
		if (amd)
			DONE(&m, "\x0f\x22\xc0", "long mode with a 16-bit TSS, on AMD's");
		else
			FAULTS(&m, "\x0f\x22\xc0", X86_GP, 0, "long mode with a 16-bit TSS");
	}
	machine_reset(&m, PROT32, 0);
	m.state.efer = X86_EFER_LME;
	m.state.cr4 = CR4_PAE;
	m.state.cr3 = PAGE_TABLES;
	m.state.seg[X86_TR].ar = X86_AR_UNUSABLE;
	m.state.gpr[X86_RAX] = PEET | CR0_PG;
	DONE(&m, "\x0f\x22\xc0", "long mode without a TSS");
}

static void test_pdptes(void)
{
	machine_reset(&m, PROT32, 0);
	m.state.cr4 |= CR4_PAE;
	m.state.cr0 |= CR0_PG;
	m.state.pdpte[0] = (PAGE_TABLES + 0x2000) | 1;
	machine_put(&m, 0x6000, (PAGE_TABLES + 0x2000) | 1, 8);
	machine_put(&m, 0x6018, 0x5001, 8);
	m.state.gpr[X86_RAX] = 0x6000;
	DONE(&m, "\x0f\x22\xd8", "MOV to CR3 with PAE paging");
	ok(m.state.pdpte[3] == 0x5001 && m.state.pdpte[0] == ((PAGE_TABLES + 0x2000) | 1),
	   "loads the PDPTEs");
	m.state.rip = CODE;
	machine_put(&m, 0x6018, 0x5003, 8);
	FAULTS(&m, "\x0f\x22\xd8", X86_GP, 0, "MOV to CR3 with a reserved bit in a PDPTE");
	m.state.gpr[X86_RAX] = CR4_PAE | CR4_PGE;
	m.state.cr3 = 0x6000;
	FAULTS(&m, "\x0f\x22\xe0", X86_GP, 0, "MOV to CR4 that changes PGE loads them too");
	machine_put(&m, 0x6018, 0x5003, 8);
	m.state.cr0 &= ~CR0_PG;
	m.state.gpr[X86_RAX] = m.state.cr0 | CR0_PG;
	FAULTS(&m, "\x0f\x22\xc0", X86_GP, 0, "MOV to CR0 that turns paging on does");
	machine_put(&m, 0x6018, 0x5001, 8);
	DONE(&m, "\x0f\x22\xc0", "and goes on with good ones");
	m.state.rip = CODE;
	machine_put(&m, 0x6018, 0x5003, 8);
	m.state.gpr[X86_RAX] = CR4_PAE | CR4_TSD;
	DONE(&m, "\x0f\x22\xe0", "MOV to CR4 that changes TSD does not");
}

/* LMSW can set PE and not clear it; SMSW, CLTS. */
static void test_status_word(void)
{
	machine_reset(&m, PROT32, 0);
	m.state.gpr[X86_RAX] = 0xfff0 | CR0_TS;
	DONE(&m, "\x0f\x01\xf0", "LMSW");
	ok_equal(m.state.cr0, m.before.cr0 | CR0_TS, "sets TS, leaves PE, and the rest");
	m.state.rip = CODE;
	DONE(&m, "\x0f\x06", "CLTS");
	ok_equal(m.state.cr0, m.before.cr0 & ~CR0_TS, "clears TS");
	machine_reset(&m, PROT32, 3);
	FAULTS(&m, "\x0f\x01\xf0", X86_GP, 0, "LMSW at CPL 3");
	FAULTS(&m, "\x0f\x06", X86_GP, 0, "CLTS at CPL 3");
	m.state.gpr[X86_RBX] = DATA;
	machine_put(&m, DATA, 0xffffffff, 4);
	DONE(&m, "\x0f\x01\x23", "SMSW to memory");
	ok_equal(machine_get(&m, DATA, 4), 0xffff0000 | (u16)m.state.cr0, "writes two bytes");
}

/* ---- debug registers ------------------------------------------------------------ */

static void test_debug(void)
{
	machine_reset(&m, LONG64, 0);
	m.state.gpr[X86_RAX] = 0xffffffff;
	DONE(&m, "\x0f\x23\xf0", "MOV to DR6");
	ok_equal(m.state.dr6, 0xffffefff, "bit 12 reads 0, bits 4 to 11 and from 16 on 1");
	for (unsigned int i = 0; i < 4; i++) {
		u8 code[] = { 0x0f, 0x23, 0xc0 | i << 3 };

		m.state.rip = CODE;
		m.state.gpr[X86_RAX] = 0x7fff00001000 + i;
		if (expect_done(&m, code, 3, "MOV to a debug register"))
			ok_equal(m.state.dr[i], 0x7fff00001000 + i, "DR%u", i);
	}
	ok_equal(m.state.dr7, X86_DR7_FIXED, "and to no other");
	m.state.rip = CODE;
	m.state.gpr[X86_RAX] = 0xffff53ff;
	DONE(&m, "\x0f\x23\xf8", "MOV of all to DR7 but GD");
	ok_equal(m.state.dr7, 0xffff07ff, "bits 12, 14 and 15 read 0");
	m.state.rip = CODE;
	m.state.gpr[X86_RAX] = 0;
	DONE(&m, "\x0f\x23\xf8", "MOV to DR7");
	ok_equal(m.state.dr7, X86_DR7_FIXED, "bit 10 reads 1");
	m.state.rip = CODE;
	m.state.gpr[X86_RAX] = 1ull << 32;
	FAULTS(&m, "\x0f\x23\xf0", X86_GP, 0, "MOV of bit 32 to DR6");
	FAULTS(&m, "\x0f\x23\xf8", X86_GP, 0, "MOV of bit 32 to DR7");
}

static void test_debug_faults(void)
{
	machine_reset(&m, LONG64, 0);
	m.state.dr[3] = 0x123456789;
	DONE(&m, "\x0f\x21\xd8", "MOV from DR3");
	ok_equal(m.state.gpr[X86_RAX], 0x123456789, "has 64 bits");
	m.state.rip = CODE;
	m.state.dr6 = 0xffff0ff5;
	DONE(&m, "\x0f\x21\xe0", "MOV from DR4");
	ok_equal(m.state.gpr[X86_RAX], 0xffff0ff5, "is DR6");
	m.state.rip = CODE;
	m.state.cr4 |= CR4_DE;
	FAULTS(&m, "\x0f\x21\xe0", X86_UD, -1, "MOV from DR4 with CR4.DE");
	m.state.dr7 |= X86_DR7_GD;
	FAULTS(&m, "\x0f\x21\xc0", X86_DB, -1, "MOV from DR0 with DR7.GD");
	ok_equal(m.x.fault.dr6, X86_DR6_BD, "is BD in DR6");
	machine_reset(&m, LONG64, 3);
	m.state.dr7 |= X86_DR7_GD;
	FAULTS(&m, "\x0f\x21\xc0", X86_GP, 0, "MOV from DR0 at CPL 3");
}

/* ---- descriptor tables ---------------------------------------------------------- */

static void test_tables(void)
{
	machine_reset(&m, PROT32, 0);
	m.state.gpr[X86_RBX] = DATA;
	machine_put(&m, DATA, 0x123456789abc, 6);
	DONE(&m, "\x0f\x01\x13", "LGDT");
	ok(m.state.gdtr.limit == 0x9abc && m.state.gdtr.base == 0x12345678, "limit and base");
	m.state.rip = CODE;
	DONE(&m, "\x66\x0f\x01\x1b", "LIDT with 16-bit operands");
	ok_equal(m.state.idtr.base, 0x345678, "has a base of 24 bits");
	m.state.rip = CODE;
	m.state.gpr[X86_RBX] = DATA + 16;
	DONE(&m, "\x0f\x01\x03", "SGDT");
	ok(machine_get(&m, DATA + 16, 8) == 0x123456789abc &&
	   machine_changed_only(&m, DATA + 16, 6),
	   "writes six bytes");
	machine_reset(&m, LONG64, 0);
	m.state.gpr[X86_RBX] = DATA;
	machine_put(&m, DATA, 0x10, 2);
	machine_put(&m, DATA + 2, 0xffff800000001000, 8);
	DONE(&m, "\x0f\x01\x13", "long64: LGDT");
	ok_equal(m.state.gdtr.base, 0xffff800000001000, "has a base of 64 bits");
	m.state.rip = CODE;
	machine_put(&m, DATA + 2, 0x800000001000, 8);
	DONE(&m, "\x0f\x01\x13", "long64: LGDT takes 57 bits of a processor that has them");
	m.state.rip = CODE;
	m.env.cr4_allowed &= ~(u64)CR4_LA57;
	FAULTS(&m, "\x0f\x01\x13", X86_GP, 0, "long64: LGDT of no address");
	machine_reset(&m, PROT32, 3);
	m.state.gpr[X86_RBX] = DATA;
	FAULTS(&m, "\x0f\x01\x13", X86_GP, 0, "LGDT at CPL 3");
	DONE(&m, "\x0f\x01\x03", "SGDT at CPL 3");
	m.state.rip = CODE;
	m.state.cr4 |= CR4_UMIP;
	FAULTS(&m, "\x0f\x01\x03", X86_GP, 0, "SGDT at CPL 3 with UMIP");
	FAULTS(&m, "\x0f\x01\x23", X86_GP, 0, "SMSW at CPL 3 with UMIP");
	FAULTS(&m, "\x0f\x00\x03", X86_GP, 0, "SLDT at CPL 3 with UMIP");
	FAULTS(&m, "\x0f\x00\x0b", X86_GP, 0, "STR at CPL 3 with UMIP");
}

static void test_task_register(void)
{
	machine_reset(&m, LONG64, 0);
	machine_descriptor(&m, SEL_TSS, TSS, 0x2fff, 0x89);
	machine_put(&m, GDT + SEL_TSS + 8, 0xffff8000, 4);
	m.state.gpr[X86_RAX] = SEL_TSS;
	DONE(&m, "\x0f\x00\xd8", "long64: LTR");
	ok(m.state.seg[X86_TR].base == 0xffff800000002000 && m.state.seg[X86_TR].ar == 0x8b &&
	   machine_get(&m, GDT + SEL_TSS + 5, 1) == 0x8b && m.written == 1,
	   "a base of 64 bits, and busy in register and table");
	m.state.rip = CODE;
	FAULTS(&m, "\x0f\x00\xd8", X86_GP, SEL_TSS, "LTR of a busy TSS");
	m.state.gpr[X86_RAX] = 0;
	FAULTS(&m, "\x0f\x00\xd8", X86_GP, 0, "LTR of null");
	m.state.gpr[X86_RAX] = SEL_DATA;
	FAULTS(&m, "\x0f\x00\xd8", X86_GP, SEL_DATA, "LTR of data");
	m.state.gpr[X86_RAX] = SEL_TSS | 4;
	FAULTS(&m, "\x0f\x00\xd8", X86_GP, SEL_TSS | 4, "LTR from the LDT");
	machine_descriptor(&m, SEL_TSS, TSS, 0x2fff, 0x09);
	m.state.gpr[X86_RAX] = SEL_TSS;
	FAULTS(&m, "\x0f\x00\xd8", X86_NP, SEL_TSS, "LTR of one that is not present");
	machine_descriptor(&m, SEL_TSS, TSS, 0x2fff, 0x81);
	FAULTS(&m, "\x0f\x00\xd8", X86_GP, SEL_TSS, "long64: LTR of a 16-bit TSS");
	m.state.gpr[X86_RAX] = SEL_LDT;
	DONE(&m, "\x0f\x00\xd0", "LLDT");
	ok(m.state.seg[X86_LDTR].base == LDT && m.state.seg[X86_LDTR].limit == 0xff, "its base");
	m.state.rip = CODE;
	m.state.gpr[X86_RAX] = 0;
	DONE(&m, "\x0f\x00\xd0", "LLDT of null");
	ok(m.state.seg[X86_LDTR].ar & X86_AR_UNUSABLE, "makes it unusable");
	machine_reset(&m, REAL16, 0);
	FAULTS(&m, "\x0f\x00\xd0", X86_UD, -1, "real16: LLDT");
	FAULTS(&m, "\x0f\x00\xc0", X86_UD, -1, "real16: SLDT");
	machine_reset(&m, PROT32, 3);
	FAULTS(&m, "\x0f\x00\xd0", X86_GP, 0, "LLDT at CPL 3");
}

/* ---- LAR, LSL, VERR, VERW ------------------------------------------------------- */

struct query {
	const char *name;
	u8 cpl;
	u16 selector;
	u32 ar;			/* at SEL_FREE */
	bool lar, lsl, verr, verw;
	enum machine_mode mode;
};

#define F SEL_FREE
static const struct query queries[] = {
	{ "data", 0, F, 0xc093, true, true, true, true, PROT32 },
	{ "read-only data", 0, F, 0xc091, true, true, true, false, PROT32 },
	{ "code", 0, F, 0xc09b, true, true, true, false, PROT32 },
	{ "execute-only code", 0, F, 0xc099, true, true, false, false, PROT32 },
	{ "null", 0, 0, 0, false, false, false, false, PROT32 },
	{ "beyond the GDT", 0, 0x1000, 0, false, false, false, false, PROT32 },
	{ "data of DPL 0 at CPL 3", 3, F, 0xc093, false, false, false, false, PROT32 },
	{ "data of DPL 0 by RPL 3", 0, F | 3, 0xc093, false, false, false, false, PROT32 },
	{ "code of DPL 0 at CPL 3", 3, F, 0xc09b, false, false, false, false, PROT32 },
	{ "conforming code at CPL 3", 3, F, 0xc09f, true, true, true, false, PROT32 },
	{ "an LDT", 0, F, 0x82, true, true, false, false, PROT32 },
	{ "a call gate", 0, F, 0x8c, true, false, false, false, PROT32 },
	{ "a task gate", 0, F, 0x85, true, false, false, false, PROT32 },
	{ "an interrupt gate", 0, F, 0x8e, false, false, false, false, PROT32 },
	{ "a 16-bit TSS", 0, F, 0x81, true, true, false, false, PROT32 },
	{ "a 16-bit TSS", 0, F, 0x81, false, false, false, false, LONG64 },
	{ "a TSS", 0, F, 0x89, true, true, false, false, LONG64 },
	{ "a call gate", 0, F, 0x8c, true, false, false, false, LONG64 },
	{ "a task gate", 0, F, 0x85, false, false, false, false, LONG64 },
};
#undef F

static void check_query(const struct query *q)
{
	static const struct {
		const char *name;
		u8 code[3];
	} ops[] = {
		{ "LAR", { 0x0f, 0x02, 0xc8 } }, { "LSL", { 0x0f, 0x03, 0xc8 } },
		{ "VERR", { 0x0f, 0x00, 0xe0 } }, { "VERW", { 0x0f, 0x00, 0xe8 } },
	};
	const bool expected[] = { q->lar, q->lsl, q->verr, q->verw };

	for (unsigned int i = 0; i < ARRAY_SIZE(ops); i++) {
		u64 value = 0x55555555;

		machine_reset(&m, q->mode, q->cpl);
		machine_descriptor(&m, SEL_FREE, 0, 0xfffff, q->ar);
		m.state.gpr[X86_RAX] = q->selector;
		m.state.gpr[X86_RCX] = value;
		m.state.rflags |= expected[i] ? 0 : X86_FLAG_ZF;
		expect_done(&m, ops[i].code, 3, ops[i].name);
		ok_equal(!!(m.state.rflags & X86_FLAG_ZF), expected[i], "%s: %s of %s",
			 machine_mode_names[q->mode], ops[i].name, q->name);
		if (expected[i] && i == 0)
			value = (q->ar & 0xf0ff) << 8;
		else if (expected[i] && i == 1)
			value = q->ar & X86_AR_G ? 0xffffffff : 0xfffff;
		/* Bits 16 to 19 of LAR are undefined. */
		ok_equal(m.state.gpr[X86_RCX] & (i ? ~0u : ~0xf0000u),
			 value & (i ? ~0u : ~0xf0000u),
			 "%s: %s of %s: ECX", machine_mode_names[q->mode], ops[i].name, q->name);
	}
}

/* ---- ports ---------------------------------------------------------------------- */

struct port {
	const char *name;
	enum machine_mode mode;
	u8 cpl, iopl;
	u16 port;
	u8 size;
	u8 map;			/* the byte of the bitmap that has port 0x38 */
	u32 limit;		/* of the TSS */
	bool allowed;
};

static const struct port ports[] = {
	{ "CPL 0", PROT32, 0, 0, 0x38, 1, 0xff, 0x2fff, true },
	{ "real mode", REAL16, 0, 0, 0x38, 1, 0xff, 0x2fff, true },
	{ "CPL 3, IOPL 3", PROT32, 3, 3, 0x38, 1, 0xff, 0x2fff, true },
	{ "CPL 3, a clear bit", PROT32, 3, 0, 0x38, 1, 0xfe, 0x2fff, true },
	{ "CPL 3, a set bit", PROT32, 3, 0, 0x38, 1, 0x01, 0x2fff, false },
	{ "four ports, all clear", PROT32, 3, 0, 0x3a, 4, 0xc3, 0x2fff, true },
	{ "four ports, the last set", PROT32, 3, 0, 0x3a, 4, 0x20, 0x2fff, false },
	{ "four ports, the one before set", PROT32, 3, 0, 0x3a, 4, 0x02, 0x2fff, true },
	{ "over a byte of the map", PROT32, 3, 0, 0x3e, 4, 0x3f, 0x2fff, true },
	{ "over a byte, the first set", PROT32, 3, 0, 0x3e, 4, 0x80, 0x2fff, false },
	{ "vm86, IOPL 3, a set bit", VM86, 3, 3, 0x38, 1, 0x01, 0x2fff, false },
	{ "vm86, IOPL 3, a clear bit", VM86, 3, 3, 0x38, 1, 0xfe, 0x2fff, true },
	{ "vm86, IOPL 0, a clear bit", VM86, 3, 0, 0x38, 1, 0xfe, 0x2fff, true },
	{ "long64", LONG64, 3, 0, 0x38, 1, 0xfe, 0x2fff, true },
	{ "long64, a set bit", LONG64, 3, 0, 0x38, 1, 0x01, 0x2fff, false },
	/* Two bytes are read: both must be within the limit (SDM 1 19.5.2). */
	{ "the map's byte is the last of the TSS", PROT32, 3, 0, 0x38, 1, 0, IO_MAP + 7, false },
	{ "one more", PROT32, 3, 0, 0x38, 1, 0, IO_MAP + 8, true },
	{ "a TSS without a map", PROT32, 3, 0, 0x38, 1, 0, 0x66, false },
};

static void check_port(const struct port *p)
{
	u8 code[] = { p->mode == REAL16 || p->mode == VM86 ? 0x66 : 0x90,
		      p->size == 1 ? 0xec : 0xed };
	enum x86_result result;

	machine_reset(&m, p->mode, p->cpl);
	m.state.rflags |= (u64)p->iopl << X86_FLAG_IOPL_SHIFT;
	m.state.seg[X86_TR].limit = p->limit;
	m.state.gpr[X86_RDX] = p->port;
	machine_put(&m, TSS + IO_MAP + 7, p->map, 1);
	/* A NOP stands in for the prefix. */
	result = machine_run(&m, code + (code[0] == 0x90), 2 - (code[0] == 0x90));
	if (p->allowed)
		ok(result == X86_IO && m.x.io.port && m.x.io.address == p->port &&
		   m.x.io.size == p->size, "IN, %s: is asked for", p->name);
	else
		ok(result == X86_FAULT && m.x.fault.vector == X86_GP && !m.x.fault.error &&
		   machine_untouched(&m), "IN, %s: #GP(0)", p->name);
}

static void test_ports(void)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(ports); i++)
		check_port(&ports[i]);
	for (unsigned int i = 0; i < 2; i++) {
		machine_reset(&m, PROT32, 3);
		machine_put(&m, TSS + IO_MAP, 1, 1);
		m.state.gpr[X86_RSI] = m.state.gpr[X86_RDI] = DATA;
		if (i)
			FAULTS(&m, "\x6c", X86_GP, 0, "INS of a port that is forbidden");
		else
			FAULTS(&m, "\x6e", X86_GP, 0, "OUTS to a port that is forbidden");
	}
	machine_reset(&m, PROT32, 3);
	m.state.seg[X86_TR].ar = 0x83;
	FAULTS(&m, "\xec", X86_GP, 0, "a 16-bit TSS has no map");
	m.state.seg[X86_TR].ar = 0x8b | X86_AR_UNUSABLE;
	FAULTS(&m, "\xec", X86_GP, 0, "nor has a null one");
}

/* ---- MSRs, CPUID, time ---------------------------------------------------------- */

static void test_msrs(void)
{
	machine_reset(&m, LONG64, 0);
	m.msr = 0x1122334455667788;
	m.state.gpr[X86_RCX] = 0xffffffff00000010;
	DONE(&m, "\x0f\x32", "RDMSR");
	ok(m.state.gpr[X86_RAX] == 0x55667788 && m.state.gpr[X86_RDX] == 0x11223344, "EDX:EAX");
	m.state.rip = CODE;
	m.state.gpr[X86_RAX] = 0xffffffff00000001;
	m.state.gpr[X86_RDX] = 0xffffffff00000002;
	DONE(&m, "\x0f\x30", "WRMSR");
	ok_equal(m.msr, 0x200000001, "of EDX:EAX");
	m.state.rip = CODE;
	m.state.gpr[X86_RCX] = 0x12;
	FAULTS(&m, "\x0f\x32", X86_GP, 0, "RDMSR of none");
	FAULTS(&m, "\x0f\x30", X86_GP, 0, "WRMSR of none");
	m.state.gpr[X86_RCX] = 0x11;
	ok(RUN(&m, "\x0f\x32") == X86_IO && machine_untouched(&m), "RDMSR that user space answers");
	machine_reset(&m, LONG64, 3);
	m.state.gpr[X86_RCX] = 0x10;
	FAULTS(&m, "\x0f\x32", X86_GP, 0, "RDMSR at CPL 3");
	FAULTS(&m, "\x0f\x30", X86_GP, 0, "WRMSR at CPL 3");
	m.state.gpr[X86_RAX] = 7;
	DONE(&m, "\x0f\xa2", "CPUID at CPL 3");
	ok(m.state.gpr[X86_RAX] == 8 && m.state.gpr[X86_RBX] == 0x12 && m.state.gpr[X86_RCX] == 3 &&
	   m.state.gpr[X86_RDX] == 4, "by EAX and ECX");
	m.state.rip = CODE;
	m.state.msr.tsc_aux = 0x77;
	DONE(&m, "\x0f\x01\xf9", "RDTSCP");
	ok(m.state.gpr[X86_RAX] == 0x55667788 && m.state.gpr[X86_RDX] == 0x11223344 &&
	   m.state.gpr[X86_RCX] == 0x77, "EDX:EAX and ECX");
	m.state.rip = CODE;
	m.state.cr4 |= CR4_TSD;
	FAULTS(&m, "\x0f\x31", X86_GP, 0, "RDTSC at CPL 3 with TSD");
}

static void test_bases(void)
{
	machine_reset(&m, LONG64, 3);
	FAULTS(&m, "\xf3\x48\x0f\xae\xc0", X86_UD, -1, "RDFSBASE without CR4.FSGSBASE");
	FAULTS(&m, "\x0f\x01\xf8", X86_GP, 0, "SWAPGS at CPL 3");
	m.state.cr4 |= CR4_FSGSBASE;
	m.state.gpr[X86_RAX] = 0x7fff12345678;
	DONE(&m, "\xf3\x48\x0f\xae\xd8", "WRGSBASE");
	ok_equal(m.state.seg[X86_GS].base, 0x7fff12345678, "sets the base");
	m.state.rip = CODE;
	m.state.gpr[X86_RAX] = 1ull << 47;
	DONE(&m, "\xf3\x48\x0f\xae\xd8", "WRGSBASE of 57 bits, with 4 levels of paging");
	m.state.rip = CODE;
	m.env.cr4_allowed &= ~(u64)CR4_LA57;
	FAULTS(&m, "\xf3\x48\x0f\xae\xd8", X86_GP, 0, "WRGSBASE of no address");
	machine_reset(&m, LONG64, 0);
	m.state.seg[X86_GS].base = 1;
	m.state.msr.kernel_gs_base = 2;
	DONE(&m, "\x0f\x01\xf8", "SWAPGS");
	ok(m.state.seg[X86_GS].base == 2 && m.state.msr.kernel_gs_base == 1, "swaps");
	machine_reset(&m, LONG64, 0);
	DONE(&m, "\x0f\x01\xcb", "STAC");
	ok(m.state.rflags & X86_FLAG_AC, "sets AC");
	m.state.rip = CODE;
	DONE(&m, "\x0f\x01\xca", "CLAC");
	ok(!(m.state.rflags & X86_FLAG_AC), "clears it");
	machine_reset(&m, LONG64, 3);
	FAULTS(&m, "\x0f\x01\xcb", X86_UD, -1, "STAC at CPL 3");
	machine_reset(&m, COMPAT32, 0);
	FAULTS(&m, "\x0f\x01\xf8", X86_UD, -1, "SWAPGS outside 64-bit mode");
}

int main(void)
{
	test_controls();
	test_pdptes();
	test_tss16();
	test_status_word();
	test_debug();
	test_debug_faults();
	test_tables();
	test_task_register();
	for (unsigned int i = 0; i < ARRAY_SIZE(queries); i++)
		check_query(&queries[i]);
	test_ports();
	test_msrs();
	test_bases();
	return tap_done();
}

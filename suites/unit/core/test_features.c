// SPDX-License-Identifier: GPL-2.0-only
/*
 * Instructions of features that came later: extended control registers, MONITOR, INVPCID,
 * what virtualization leaves undefined, x87 and AVX with the conditions that refuse them.
 * What moves and conversions compute is compared with a processor in test_native.c.
 * Expectations are from SDM 2 (each instruction) and SDM 1 chapters 8, 13 and 14.
 */
#include "machine.h"
#include "tap.h"
#include "x87.h"

static struct machine m;

#define XSETBV "\x0f\x01\xd1"
#define MONITOR "\x0f\x01\xc8"
#define MWAIT "\x0f\x01\xc9"
#define CPUID_MONITOR (1u << 3)
#define FSW_PENDING 0x8081

/* ---- extended control registers --------------------------------------------------- */

static void reset_xsave(enum machine_mode mode, unsigned int cpl, u64 value)
{
	machine_reset(&m, mode, cpl);
	m.state.cr4 |= CR4_OSXSAVE;
	m.state.xcr0 = 1;
	m.cpuid[0] = 0x17;		/* bit 4 alone stands for what is to come */
	m.cpuid[3] = 4;
	m.state.gpr[X86_RAX] = (u32)value | 0xffffffff00000000;
	m.state.gpr[X86_RDX] = value >> 32 | 0xffffffff00000000;
	m.state.gpr[X86_RCX] = 0xffffffff00000000;
}

static void test_xsetbv(void)
{
	static const struct {
		u64 value;
		bool valid;
		const char *name;
	} values[] = {
		{ 1, true, "x87" }, { 3, true, "x87 and SSE" }, { 7, true, "AVX" },
		{ 0x400000017, true, "what CPUID has" }, { 2, false, "no x87" },
		{ 5, false, "AVX without SSE" }, { 0xf, false, "a bit that CPUID does not have" },
		{ 0x800000003, false, "one of the upper half" },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(values); i++) {
		char name[96];

		snprintf(name, sizeof(name), "XSETBV: %s", values[i].name);
		reset_xsave(LONG64, 0, values[i].value);
		if (!values[i].valid)
			FAULTS(&m, XSETBV, X86_GP, 0, name);
		else if (DONE(&m, XSETBV, name))
			ok_equal(m.state.xcr0, values[i].value, "%s: loaded", name);
	}
	reset_xsave(LONG64, 0, 3);
	m.state.gpr[X86_RCX] = 1;
	FAULTS(&m, XSETBV, X86_GP, 0, "XSETBV of register 1");
	reset_xsave(LONG64, 3, 3);
	FAULTS(&m, XSETBV, X86_GP, 0, "XSETBV at CPL 3");
	reset_xsave(LONG64, 3, 3);
	m.state.cr4 &= ~CR4_OSXSAVE;
	FAULTS(&m, XSETBV, X86_UD, -1, "XSETBV without CR4.OSXSAVE");
}

/* ---- waiting, counting, virtualization ---------------------------------------------- */

static void reset_monitor(unsigned int cpl)
{
	machine_reset(&m, PROT32, cpl);
	m.cpuid[2] = CPUID_MONITOR;
	m.state.gpr[X86_RAX] = DATA;
}

static void test_monitor(void)
{
	reset_monitor(0);
	DONE(&m, MONITOR, "MONITOR");
	ok_equal(m.state.rip, CODE + 3, "MONITOR does nothing else");
	reset_monitor(0);
	m.state.gpr[X86_RCX] = 1;
	FAULTS(&m, MONITOR, X86_GP, 0, "MONITOR with a hint");
	reset_monitor(0);
	m.state.seg[X86_DS].limit = DATA - 1;
	FAULTS(&m, MONITOR, X86_GP, 0, "MONITOR beyond the segment");
	reset_monitor(0);
	m.state.gpr[X86_RAX] |= 0xffff0000;
	DONE(&m, "\x67" MONITOR, "MONITOR with an address of 16 bits");
	reset_monitor(3);
	FAULTS(&m, MONITOR, X86_UD, -1, "MONITOR at CPL 3");
	reset_monitor(0);
	m.cpuid[2] = ~CPUID_MONITOR;
	FAULTS(&m, MONITOR, X86_UD, -1, "MONITOR that CPUID does not have");

	reset_monitor(0);
	m.state.gpr[X86_RCX] = 1;
	m.state.gpr[X86_RAX] = ~0ull;
	m.state.seg[X86_DS].limit = 0;
	DONE(&m, MWAIT, "MWAIT that interrupts end, with IF or without");
	reset_monitor(0);
	m.state.gpr[X86_RCX] = 2;
	FAULTS(&m, MWAIT, X86_GP, 0, "MWAIT with a hint that is not known");
	reset_monitor(3);
	FAULTS(&m, MWAIT, X86_UD, -1, "MWAIT at CPL 3");
}

static void test_refused(void)
{
	machine_reset(&m, LONG64, 0);
	FAULTS(&m, "\x0f\x33", X86_GP, 0, "RDPMC: no counter");
	machine_reset(&m, LONG64, 0);
	FAULTS(&m, "\x0f\x01\xd8", X86_UD, -1, "VMRUN");
	machine_reset(&m, LONG64, 0);
	FAULTS(&m, "\x0f\x01\xdd", X86_UD, -1, "CLGI");
	machine_reset(&m, LONG64, 0);
	FAULTS(&m, "\x0f\x01\xc2", X86_UD, -1, "VMLAUNCH");
	machine_reset(&m, LONG64, 0);
	FAULTS(&m, "\x0f\x78\xc8", X86_UD, -1, "VMREAD");
	machine_reset(&m, LONG64, 0);
	FAULTS(&m, "\x0f\xaa", X86_UD, -1, "RSM outside of system management mode");
	machine_reset(&m, LONG64, 0);
	FAULTS(&m, "\x0f\x01\xd2", X86_UD, -1, "0F 01 D2, which nobody has");
	machine_reset(&m, LONG64, 0);
	FAULTS(&m, "\x0f\x38\xf0\xc1", X86_UD, -1, "MOVBE of a register");
	machine_reset(&m, LONG64, 0);
	FAULTS(&m, "\x66\x0f\x38\x82\xf0", X86_UD, -1, "INVPCID with a register");
	machine_reset(&m, LONG64, 3);
	m.state.msr.tsc_aux = 0x12345678;
	m.state.gpr[X86_R9] = ~0ull;
	DONE(&m, "\xf3\x41\x0f\xc7\xf9", "RDPID");
	ok_equal(m.state.gpr[X86_R9], 0x12345678, "RDPID gives TSC_AUX");
	ok_equal(m.x.insn.op, OP_RDPID, "it is not RDSEED");
}

/* ---- INVPCID ------------------------------------------------------------------------ */

#define INVPCID "\x66\x0f\x38\x82\x03"	/* EAX, [EBX] */

static void reset_invpcid(enum machine_mode mode, unsigned int cpl, u64 type, u64 pcid, u64 address)
{
	machine_reset(&m, mode, cpl);
	m.state.gpr[X86_RAX] = type;
	m.state.gpr[X86_RBX] = DATA;
	machine_put(&m, DATA, pcid, 8);
	machine_put(&m, DATA + 8, address, 8);
}

static void test_invpcid(void)
{
	for (u64 type = 0; type < 4; type++) {
		reset_invpcid(LONG64, 0, type, 0, 0x1234);
		DONE(&m, INVPCID, "INVPCID");
		ok_equal(m.flushed_all, 1, "INVPCID: translations go");
		reset_invpcid(LONG64, 0, type, 1ull << 12, 0);
		FAULTS(&m, INVPCID, X86_GP, 0, "INVPCID: bit 12 is reserved");
		reset_invpcid(LONG64, 0, type, 0, 1ull << 63);
		if (type == 0)
			FAULTS(&m, INVPCID, X86_GP, 0, "INVPCID: not canonical");
		else
			DONE(&m, INVPCID, "INVPCID does not look at the address");
		reset_invpcid(LONG64, 0, type, 1, 0);
		if (type < 2)
			FAULTS(&m, INVPCID, X86_GP, 0, "INVPCID of PCID 1 without CR4.PCIDE");
		else
			DONE(&m, INVPCID, "INVPCID does not look at the PCID");
	}
	reset_invpcid(LONG64, 0, 1, 1, 0);
	m.state.cr4 |= CR4_PCIDE;
	DONE(&m, INVPCID, "INVPCID of PCID 1 with CR4.PCIDE");
	reset_invpcid(LONG64, 0, 4, 0, 0);
	FAULTS(&m, INVPCID, X86_GP, 0, "INVPCID of type 4");
	reset_invpcid(PROT32, 0, 1ull << 32, 0, 0);
	DONE(&m, INVPCID, "prot32: INVPCID takes 32 bits of its type");
	reset_invpcid(LONG64, 3, 2, 0, 0);
	FAULTS(&m, INVPCID, X86_GP, 0, "INVPCID at CPL 3");
	reset_invpcid(LONG64, 0, 0, 0, 1ull << 50);
	m.state.cr4 |= CR4_LA57;
	m.state.cr0 &= ~CR0_PG;
	DONE(&m, INVPCID, "INVPCID: 57 bits are canonical with CR4.LA57");
}

/* ---- x87 ---------------------------------------------------------------------------- */

#define FLD1 "\xd9\x03"			/* FLD m32 [EBX] */
#define FST "\xd9\x13"
#define FLDCW "\xd9\x2b"
#define FNSTCW "\xd9\x3b"
#define FNSTSW_AX "\xdf\xe0"
#define FNINIT "\xdb\xe3"
#define FNCLEX "\xdb\xe2"
#define EMMS "\x0f\x77"
#define FADD "\xd8\x03"
#define FXCH "\xd9\xc9"

static void reset_x87(u16 fcw, u16 fsw)
{
	machine_reset(&m, PROT32, 0);
	m.state.gpr[X86_RBX] = DATA;
	memcpy(m.fpu, &fcw, 2);
	memcpy(m.fpu + 2, &fsw, 2);
}

static u16 fpu_word(unsigned int at)
{
	return m.fpu[at] | m.fpu[at + 1] << 8;
}

static void test_x87_refused(void)
{
	static const char *const waiting[] = { FLD1, FST, FLDCW, EMMS };
	static const char *const all[] = { FLD1, FLDCW, FNSTCW, FNSTSW_AX, FNINIT, FNCLEX };

	for (unsigned int i = 0; i < ARRAY_SIZE(all); i++) {
		reset_x87(0x37f, 0);
		m.state.cr0 |= CR0_TS;
		expect_fault(&m, all[i], 2, X86_NM, -1, "x87 with CR0.TS");
		reset_x87(0x37f, 0);
		m.state.cr0 |= CR0_EM;
		expect_fault(&m, all[i], 2, X86_NM, -1, "x87 with CR0.EM");
	}
	reset_x87(0x37f, 0);
	m.state.cr0 |= CR0_EM | CR0_TS;
	FAULTS(&m, EMMS, X86_UD, -1, "EMMS with CR0.EM");
	for (unsigned int i = 0; i < ARRAY_SIZE(waiting); i++) {
		reset_x87(0x37e, FSW_PENDING);
		m.state.seg[X86_DS].limit = 0;	/* #MF comes before #GP */
		expect_fault(&m, waiting[i], 2, X86_MF, -1, "an exception that waits");
	}
	reset_x87(0x37e, FSW_PENDING);
	m.state.seg[X86_DS].limit = 0;
	FAULTS(&m, "\x0f\x6f\x03", X86_MF, -1, "MOVQ mm: an exception that waits");
	reset_x87(0x37e, FSW_PENDING);
	m.state.cr0 &= ~CR0_NE;
	DONE(&m, FLD1, "without CR0.NE it is no exception");
	for (unsigned int i = 2; i < ARRAY_SIZE(all); i++) {
		reset_x87(0x37e, FSW_PENDING);
		expect_done(&m, all[i], 2, "an instruction that does not wait");
	}
	reset_x87(0x37f, 0);
	ok_equal(RUN(&m, FADD), X86_UNIMPLEMENTED, "arithmetic is the processor's");
	reset_x87(0x37f, 0);
	ok_equal(RUN(&m, FXCH), X86_UNIMPLEMENTED, "and so is the register stack");
	reset_x87(0x37f, 0);
	m.x.fpu_image = NULL;
	ok_equal(RUN(&m, FLD1), X86_UNIMPLEMENTED, "without an FPU there is no x87");
}

/* Every form with memory is there; what it computes is compared in test_native.c. */
static void test_x87_forms(void)
{
	static const struct {
		u8 opcode, reg, bytes;	/* bytes: written; 0: it loads */
		bool pops;
	} all[] = {
		{ 0xd9, 0, 0, false }, { 0xd9, 2, 4, false }, { 0xd9, 3, 4, true },
		{ 0xdb, 0, 0, false }, { 0xdb, 1, 4, true }, { 0xdb, 2, 4, false },
		{ 0xdb, 3, 4, true }, { 0xdb, 5, 0, false }, { 0xdb, 7, 10, true },
		{ 0xdd, 0, 0, false }, { 0xdd, 1, 8, true }, { 0xdd, 2, 8, false },
		{ 0xdd, 3, 8, true }, { 0xdf, 0, 0, false }, { 0xdf, 1, 2, true },
		{ 0xdf, 2, 2, false }, { 0xdf, 3, 2, true }, { 0xdf, 4, 0, false },
		{ 0xdf, 5, 0, false }, { 0xdf, 6, 10, true }, { 0xdf, 7, 8, true },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(all); i++) {
		u8 code[2] = { all[i].opcode, 0x03 | all[i].reg << 3 };
		unsigned int top;
		char name[64];

		reset_x87(0x37f, 0x2000);	/* TOP 4, which alone is not empty */
		memset(m.fpu + 32, 0xff, 16 * 8);
		m.fpu[32 + 9] = 0x3f;
		m.fpu[4] = 1 << 4;
		snprintf(name, sizeof(name), "x87 %02x /%u", all[i].opcode, all[i].reg);
		expect_done(&m, code, 2, name);
		top = fpu_word(2) >> 11 & 7;
		ok_equal(top, all[i].pops ? 5 : all[i].bytes ? 4 : 3, "%s: TOP", name);
		ok_equal(m.fpu[4], all[i].pops ? 0 : all[i].bytes ? 0x10 : 0x18, "%s: tags", name);
		if (all[i].bytes)
			ok(m.written && machine_changed_only(&m, DATA, all[i].bytes),
			   "%s: what is written", name);
		else
			ok(!m.written && !m.fpu[32 + 15], "%s: the rest of the register", name);
	}
}

static void test_x87_words(void)
{
	u64 pointer = 0;

	reset_x87(0x37f, 0x3800);
	memset(m.fpu + 4, 0x55, 20);
	m.fpu[4] = 0;
	machine_put(&m, DATA, 0x3f800000, 4);
	DONE(&m, FLD1, "FLD");
	ok(fpu_word(6) == 0x103, "FOP is the opcode without its upper five bits, and ModRM");
	memcpy(&pointer, m.fpu + 8, 8);
	ok_equal(pointer, CODE, "FIP is where it stands");
	memcpy(&pointer, m.fpu + 16, 8);
	ok_equal(pointer, DATA, "FDP is its operand");
	reset_x87(0x37f, 0);
	m.fpu[6] = 0x5a;
	machine_put(&m, DATA, 0xffff, 2);
	DONE(&m, FLDCW, "FLDCW");
	ok_equal(fpu_word(0), 0x1f7f, "FLDCW: reserved bits");
	ok_equal(m.fpu[6], 0x5a, "control instructions leave FOP");
	/* An exception that was masked comes up when it no longer is. */
	reset_x87(0x37f, 0x0001);
	machine_put(&m, DATA, 0x37e, 2);
	DONE(&m, FLDCW, "FLDCW unmasks");
	ok_equal(fpu_word(2), FSW_PENDING, "FLDCW: ES and B follow");
	reset_x87(0x37e, FSW_PENDING);
	m.state.cr0 &= ~CR0_NE;
	machine_put(&m, DATA, 0x37f, 2);
	DONE(&m, FLDCW, "FLDCW masks");
	ok_equal(fpu_word(2), 1, "FLDCW: ES and B go");
	reset_x87(0x37e, FSW_PENDING);
	m.state.cr0 &= ~CR0_NE;
	machine_put(&m, DATA, 0x37f, 2);
	DONE(&m, FLDCW, "FLDCW masks");
	ok_equal(fpu_word(2), 1, "FLDCW: ES and B go");
	reset_x87(0x37e, FSW_PENDING | 0x7f40);
	DONE(&m, FNCLEX, "FNCLEX");
	ok_equal(fpu_word(2), 0x7f00, "FNCLEX leaves condition codes and TOP");
	reset_x87(0x37f, 0x0800);	/* TOP 1 */
	memset(m.fpu + 32, 0x5a, 10);
	memset(m.fpu + 4, 0xff, 20);
	DONE(&m, FNINIT, "FNINIT");
	ok(fpu_word(0) == 0x37f && !fpu_word(2) && !m.fpu[4], "FNINIT: initial words");
	ok(m.fpu[48] == 0x5a && !m.fpu[32], "FNINIT: ST0 was R1, and R1 keeps its bits");
	ok(!fpu_word(6) && !m.fpu[8] && !m.fpu[23], "FNINIT: pointers are zeros");
	/* Nothing is stored for an overflow that is not masked, but the place is looked at. */
	reset_x87(0x377, 0);
	memset(m.fpu + 32, 0xff, 8);
	m.fpu[40] = 0xfe;
	m.fpu[41] = 0x7f;
	m.fpu[4] = 1;
	DONE(&m, FST, "FST that overflows");
	ok_equal(fpu_word(2), 0x8088, "FST: overflow waits");
	ok(!m.written, "FST: memory stays");
	reset_x87(0x377, 0);
	memset(m.fpu + 32, 0xff, 8);
	m.fpu[40] = 0xfe;
	m.fpu[41] = 0x7f;
	m.fpu[4] = 1;
	m.state.seg[X86_DS].limit = 0;
	FAULTS(&m, FST, X86_GP, 0, "FST that overflows, beyond the segment");
}

/* Numbers at the edge of what 64 bits and 18 digits hold: by chance they are rare. */
static void test_x87_edges(void)
{
	struct f80 value = { 1ull << 63, 63 + 16383 };
	struct x87_result result;
	u8 digits[10];

	ok(x87_to_integer(value, 8, X87_NEAREST, &result) == 1ull << 63 &&
	   result.exceptions == 0x01, "2^63 is no integer of 64 bits");
	value.exponent |= 0x8000;
	ok(x87_to_integer(value, 8, X87_NEAREST, &result) == 1ull << 63 && !result.exceptions,
	   "-2^63 is");
	value.mantissa++;
	ok(x87_to_integer(value, 8, X87_NEAREST, &result) == 1ull << 63 &&
	   result.exceptions == 0x01, "-2^63 - 1 is not");
	value = (struct f80){ 999999999999999999ull << 4, 59 + 16383 };
	x87_to_decimal(value, X87_NEAREST, digits, &result);
	ok(digits[0] == 0x99 && digits[8] == 0x99 && !digits[9] && !result.exceptions,
	   "eighteen nines");
	value.mantissa += 16;
	x87_to_decimal(value, X87_NEAREST, digits, &result);
	ok(digits[0] == 0 && digits[7] == 0xc0 && digits[8] == 0xff && digits[9] == 0xff &&
	   result.exceptions == 0x01, "one more is indefinite");
	value = x87_from_integer(0);
	ok(!value.exponent && !value.mantissa, "an integer's zero is positive");
	value = x87_from_decimal((const u8[10]){ 1, [9] = 0xff });
	ok(value.exponent == (16383 | 0x8000) && value.mantissa == 1ull << 63,
	   "the sign of digits is bit 7");
}

/* ---- AVX ---------------------------------------------------------------------------- */

#define VMOVDQU "\xc5\xfe\x6f\x0b"	/* YMM1, [EBX] */
#define VMOVDQA "\xc5\xfd\x6f\x0b"
#define VMOVDQU_STORE "\xc5\xfe\x7f\x0b"

static void reset_avx(void)
{
	machine_reset(&m, PROT32, 0);
	m.state.cr4 |= CR4_OSXSAVE;
	m.state.xcr0 = 7;
	m.state.gpr[X86_RBX] = DATA + 1;
	for (unsigned int i = 0; i < 4; i++)
		machine_put(&m, DATA + 1 + 8 * i, 0x1111111111111111 * (i + 1), 8);
}

static void test_avx(void)
{
	reset_avx();
	m.state.cr0 |= CR0_EM;
	DONE(&m, VMOVDQU, "VMOVDQU: CR0.EM is of no account");
	ok(m.fpu[176] == 0x11 && m.fpu[191] == 0x22 && m.ymm[16] == 0x33 && m.ymm[31] == 0x44 &&
	   !m.ymm[15] && !m.ymm[32], "VMOVDQU: 32 bytes");
	reset_avx();
	memset(m.fpu + 176, 0x77, 16);
	memset(m.ymm + 16, 0x66, 16);
	DONE(&m, VMOVDQU_STORE, "VMOVDQU to memory");
	ok(m.ram[DATA + 1] == 0x77 && m.ram[DATA + 16] == 0x77 && m.ram[DATA + 17] == 0x66 &&
	   m.ram[DATA + 32] == 0x66 && machine_changed_only(&m, DATA + 1, 32),
	   "VMOVDQU: 32 bytes of both halves");
	reset_avx();
	m.state.gpr[X86_RBX] = DATA + 16;
	FAULTS(&m, VMOVDQA, X86_GP, 0, "VMOVDQA wants 32");
	reset_avx();
	m.state.cr4 &= ~CR4_OSXSAVE;
	FAULTS(&m, VMOVDQU, X86_UD, -1, "without CR4.OSXSAVE");
	reset_avx();
	m.state.xcr0 = 3;
	FAULTS(&m, VMOVDQU, X86_UD, -1, "without AVX in XCR0");
	reset_avx();
	m.state.xcr0 = 5;
	FAULTS(&m, VMOVDQU, X86_UD, -1, "without SSE in XCR0");
	reset_avx();
	m.state.cr0 |= CR0_TS;
	FAULTS(&m, VMOVDQU, X86_NM, -1, "with CR0.TS");
	reset_avx();
	FAULTS(&m, "\xc5\xf6\x6f\x0b", X86_UD, -1, "VEX.vvvv that is not used must be ones");
	reset_avx();
	FAULTS(&m, "\xc5\xf4\x12\x0b", X86_UD, -1, "VMOVLPS of 256 bits");
	reset_avx();
	FAULTS(&m, "\x62\xf1\x7e\x08\x6f\x0b", X86_UD, -1, "EVEX without its registers");
	reset_avx();
	m.state.xcr0 = 0xe7;
	ok_equal(RUN(&m, "\x62\xf1\x7e\x08\x6f\x0b"), X86_UNIMPLEMENTED, "EVEX with them");
	reset_avx();
	ok_equal(RUN(&m, "\xc4\xe3\x7d\x39\x0b\x01"), X86_UNIMPLEMENTED, "VEXTRACTI128");
	reset_avx();
	m.x.ymm_image = NULL;
	ok_equal(RUN(&m, VMOVDQU), X86_UNIMPLEMENTED, "without AVX there is none");
	/* From MMIO the register waits for all four answers. */
	reset_avx();
	m.state.gpr[X86_RBX] = MMIO;
	for (unsigned int i = 0; i < 4; i++) {
		ok(i ? m.x.io.address == MMIO + 8 * i - 8 : true, "MMIO: one after the other");
		ok_equal(i ? machine_continue(&m) : RUN(&m, VMOVDQU), X86_IO, "MMIO: asked");
		ok(!m.ymm[31], "MMIO: the register waits");
		memset(m.x.io.data, i + 1, 8);
	}
	ok_equal(machine_continue(&m), X86_OK, "MMIO: done");
	ok(m.fpu[176] == 1 && m.fpu[184] == 2 && m.ymm[16] == 3 && m.ymm[24] == 4, "MMIO: loaded");
}

/* A load over 0F 38, and one that is SSE3's: both only with memory. */
static void test_later_moves(void)
{
	machine_reset(&m, LONG64, 0);
	m.state.cr4 |= CR4_OSFXSR;
	m.state.gpr[X86_RBX] = DATA;
	machine_put(&m, DATA, 0x1234, 8);
	DONE(&m, "\x66\x0f\x38\x2a\x0b", "MOVNTDQA");
	ok_equal(m.fpu[177], 0x12, "MOVNTDQA loads");
	m.state.gpr[X86_RBX] = DATA + 1;
	FAULTS(&m, "\x66\x0f\x38\x2a\x0b", X86_GP, 0, "MOVNTDQA wants 16");
	DONE(&m, "\xf2\x0f\xf0\x13", "LDDQU does not");
	ok_equal(m.fpu[192], 0x12, "LDDQU loads");
	ok_equal(RUN(&m, "\x0f\x38\x2a\x0b"), X86_UNIMPLEMENTED, "0F 38 2A without 66h");
	ok_equal(RUN(&m, "\x0f\xf0\x13"), X86_UNIMPLEMENTED, "0F F0 without F2h");
	machine_reset(&m, PROT16, 0);
	m.state.gpr[X86_RBX] = DATA;
	m.state.gpr[X86_RAX] = 0x11223344;
	DONE(&m, "\x0f\xc3\x07", "prot16: MOVNTI");
	ok_equal(machine_get(&m, DATA, 8), 0x11223344, "prot16: MOVNTI stores 4 bytes");
}

int main(void)
{
	test_xsetbv();
	test_monitor();
	test_refused();
	test_invpcid();
	test_x87_refused();
	test_x87_forms();
	test_x87_words();
	test_x87_edges();
	test_avx();
	test_later_moves();
	return tap_done();
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * x87 instructions: what refuses them, control and status words, pointers, environments.
 * What they compute is compared with a processor in test_native.c. Expectations are from
 * SDM 1 chapter 8 and SDM 2 (each instruction).
 */
#include "machine.h"
#include "tap.h"

static struct machine m;

#define FSW_PENDING 0x8081
/* In the image of FXSAVE (SDM 1 10.5.1). */
#define FOP 6
#define FIP 8
#define FDP 16
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
#define FNOP "\xd9\xd0"
#define FNSETPM "\xdb\xe4"
#define FLDENV "\xd9\x23"
#define FNSTENV "\xd9\x33"
#define FRSTOR "\xdd\x23"
#define FNSAVE "\xdd\x33"

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
	static const char *const waiting[] = { FLD1, FST, FLDCW, EMMS, FADD, FXCH, FNOP, FLDENV,
					       FRSTOR };
	static const char *const all[] = { FLD1, FLDCW, FNSTCW, FNSTSW_AX, FNINIT, FNCLEX, FNSETPM,
					 FNSTENV, FNSAVE };

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
	ok_equal(fpu_word(2) & 0x80ff, FSW_PENDING, "without CR0.NE it waits on");
	for (unsigned int i = 2; i < ARRAY_SIZE(all); i++) {
		reset_x87(0x37e, FSW_PENDING);
		expect_done(&m, all[i], 2, "an instruction that does not wait");
	}
	reset_x87(0x37f, 0);
	FAULTS(&m, "\xd9\x0b", X86_UD, -1, "D9 /1 with memory");
	reset_x87(0x37f, 0);
	FAULTS(&m, "\xdb\xe5", X86_UD, -1, "DB E5");
	reset_x87(0x37e, FSW_PENDING);
	FAULTS(&m, "\xdb\xe5", X86_UD, -1, "DB E5 with an exception that waits");
	reset_x87(0x37e, FSW_PENDING);
	FAULTS(&m, "\xdb\x33", X86_UD, -1, "DB /6 with an exception that waits");
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

static u64 fpu_pointer(unsigned int at)
{
	u64 pointer;

	memcpy(&pointer, m.fpu + at, 8);
	return pointer;
}

static void expect_pointers(u16 fop, u64 fip, u64 fdp, const char *name)
{
	ok(fpu_word(FOP) == fop && fpu_pointer(FIP) == fip && fpu_pointer(FDP) == fdp,
	   "%s: FOP %#x, FIP %#llx, FDP %#llx", name, fop, (unsigned long long)fip,
	   (unsigned long long)fdp);
}

/* SDM 1 8.1.8, 8.1.9: pointers are of the last instruction that is no control instruction. */
static void test_x87_pointers(void)
{
	const u64 before = 0x5555555555555555;

	reset_x87(0x37f, 0x3800);
	memset(m.fpu + FOP, 0x55, 18);
	DONE(&m, FLD1, "FLD");
	expect_pointers(0x5555, CODE, DATA, "FLD");
	DONE(&m, "\xd9\xfa", "FSQRT");
	expect_pointers(0x5555, CODE + 2, DATA, "FSQRT has no operand in memory");
	for (unsigned int i = 0; i < 4; i++) {
		static const char *const controls[] = { FLDCW, FNSTCW, FNCLEX, FNOP };

		reset_x87(0x37f, 0);
		memset(m.fpu + FOP, 0x55, 18);
		expect_done(&m, controls[i], 2, "a control instruction");
		expect_pointers(0x5555, before, before, "a control instruction");
	}
	reset_x87(0x37f, 0);
	m.cpuid[1] = 1u << 6;
	memset(m.fpu + FOP, 0x55, 18);
	DONE(&m, FLD1, "FLD, where FDP is of exceptions");
	expect_pointers(0x5555, CODE, before, "FLD, where FDP is of exceptions");
	machine_put(&m, DATA, 0x7f800001, 4);
	m.fpu[0] = 0x7e;
	DONE(&m, FLD1, "FLD of a signaling NaN");
	expect_pointers(0x103, CODE + 2, DATA, "FLD of a signaling NaN");
	ok_equal(fpu_word(2), 0xb881, "invalid operation waits, TOP stays");
}

/* Arithmetic, comparisons, moves by condition: that they get there, and back. */
static void test_x87_computes(void)
{
	static const u8 three[10] = { [7] = 0xc0, 0x00, 0x40 };

	reset_x87(0x37f, 0x3800);
	memcpy(m.fpu + 32, three, 10);
	m.fpu[4] = 0x80;
	machine_put(&m, DATA, 0x40000000, 4);
	DONE(&m, FADD, "FADD m32");
	ok(m.fpu[32 + 7] == 0xa0 && m.fpu[32 + 8] == 1, "3 + 2 = 5");
	DONE(&m, "\xdc\xc8", "FMUL ST0, ST0");
	ok(m.fpu[32 + 7] == 0xc8 && m.fpu[32 + 8] == 3, "5 * 5 = 25");
	m.state.rflags |= X86_FLAGS_STATUS;
	DONE(&m, "\xdb\xf0", "FCOMI ST0, ST0");
	ok_equal(m.state.rflags & X86_FLAGS_STATUS, X86_FLAG_ZF, "equal is ZF alone");
	m.state.rflags |= X86_FLAGS_STATUS;
	DONE(&m, "\xd9\xe0", "FCHS");
	ok_equal(m.state.rflags & X86_FLAGS_STATUS, X86_FLAGS_STATUS, "FCHS leaves RFLAGS");
	memcpy(m.fpu + 48, three, 10);
	m.fpu[4] |= 1;
	m.state.rflags &= ~X86_FLAGS_STATUS;
	DONE(&m, "\xda\xc9", "FCMOVE without ZF");
	ok(m.fpu[32 + 7] == 0xc8, "FCMOVE without ZF: nothing moves");
	m.state.rflags |= X86_FLAG_ZF;
	DONE(&m, "\xda\xc9", "FCMOVE with ZF");
	ok(!memcmp(m.fpu + 32, three, 10), "FCMOVE with ZF: ST1 moves");
	m.fpu[4] &= ~1;
	DONE(&m, "\xd8\xc1", "FADD of an empty register");
	ok_equal(fpu_word(2) & 0x41, 0x41, "FADD of an empty register: the stack is at fault");
	/* What was there stays; a new exception that is masked does not wait. */
	reset_x87(0x37f, 0x0020);
	machine_put(&m, DATA, 0x7f800001, 4);
	DONE(&m, FLD1, "FLD of a signaling NaN, masked");
	ok_equal(fpu_word(2) & 0x80ff, 0x21, "exceptions add up");
}

/* ---- the environment (SDM 1 8.1.10) ----------------------------------------------------- */

static void reset_environment(enum machine_mode mode)
{
	static const u64 fip = 0x1234abcd, fdp = 0x56789eef;

	reset_x87(0x360, 0x1801);	/* TOP 3 */
	machine_reset(&m, mode, 0);
	m.state.gpr[X86_RBX] = DATA;
	m.fpu[0] = 0x60;
	m.fpu[1] = 3;
	m.fpu[2] = 0x02;
	m.fpu[3] = 0x99;		/* TOP 3, DE pending, B */
	m.fpu[2] |= 0x80;
	m.fpu[4] = 0x08;		/* R3 = ST0 alone: zero */
	m.fpu[6] = 0xab;
	m.fpu[7] = 0xff;		/* of FOP the upper five bits are reserved */
	memcpy(m.fpu + FIP, &fip, 8);
	memcpy(m.fpu + FDP, &fdp, 8);
	for (unsigned int i = 1; i < 8; i++)
		memset(m.fpu + 32 + 16 * i, i, 10);
}

struct layout {
	enum machine_mode mode;
	const char *prefix;		/* before FNSTENV [EBX], or its like */
	unsigned int unit;
	u32 words[7];
};

static const struct layout layouts[] = {
	{ PROT32, "", 4, { 0xffff0360, 0xffff9982, 0xffffff7f, 0x1234abcd, 0x07ab0000,
			   0x56789eef, 0xffff0000 } },
	{ PROT32, "\x66", 2, { 0x0360, 0x9982, 0xff7f, 0xabcd, 0, 0x9eef, 0 } },
	{ LONG64, "\x48", 4, { 0xffff0360, 0xffff9982, 0xffffff7f, 0x1234abcd, 0x07ab0000,
			       0x56789eef, 0xffff0000 } },
	{ REAL16, "\x67", 2, { 0x0360, 0x9982, 0xff7f, 0xabcd, 0x47ab, 0x9eef, 0x8000 } },
	{ REAL16, "\x66\x67", 4, { 0xffff0360, 0xffff9982, 0xffffff7f, 0xffffabcd, 0x012347ab,
				   0xffff9eef, 0x05678000 } },
	{ VM86, "\x67", 2, { 0x0360, 0x9982, 0xff7f, 0xabcd, 0x47ab, 0x9eef, 0x8000 } },
};

static enum x86_result run_prefixed(const char *prefix, const char *instruction)
{
	char bytes[8];

	snprintf(bytes, sizeof(bytes), "%s%s", prefix, instruction);
	return machine_run(&m, bytes, strlen(bytes));
}

static void expect_words(const struct layout *l, const char *name)
{
	for (unsigned int i = 0; i < 7; i++)
		ok_equal(machine_get(&m, DATA + i * l->unit, l->unit), l->words[i],
			 "%s %s, %u bytes: word %u", machine_mode_names[l->mode], name, l->unit, i);
}

static void test_environment(const struct layout *l)
{
	const char *mode = machine_mode_names[l->mode];
	u8 fpu[512];

	reset_environment(l->mode);
	memcpy(fpu, m.fpu, sizeof(fpu));
	ok_equal(run_prefixed(l->prefix, FNSTENV), X86_OK, "%s: FNSTENV", mode);
	expect_words(l, "FNSTENV");
	ok(machine_changed_only(&m, DATA, 7 * l->unit), "%s: FNSTENV writes no more", mode);
	ok(fpu_word(0) == 0x37f && fpu_word(2) == 0x1902,
	   "%s: FNSTENV masks all exceptions", mode);
	/* Back again, over something else. */
	m.state.rip = CODE;
	memset(m.fpu, 0, 24);
	ok_equal(run_prefixed(l->prefix, FLDENV), X86_OK, "%s: FLDENV", mode);
	ok(!memcmp(m.fpu, fpu, 5), "%s: FLDENV loads control, status, tags", mode);
	ok(!memcmp(m.fpu + 32, fpu + 32 + 16 * 3, 10) && m.fpu[32 + 16 * 5] == 0,
	   "%s: FLDENV names registers anew by TOP", mode);
	if (l->unit == 4)
		expect_pointers(0x7ab, 0x1234abcd, 0x56789eef, mode);
	/* Reserved bits are of no account, and nor is what follows. */
	m.state.rip = CODE;
	m.state.cr0 &= ~CR0_NE;
	m.state.seg[X86_DS].limit = DATA + 7 * l->unit - 1;
	m.ram[DATA + 5 * l->unit - 1] |= 0xf8;
	m.ram[DATA + 4 * l->unit + 1] |= 0x08;
	ok_equal(run_prefixed(l->prefix, FLDENV), X86_OK, "%s: FLDENV at the limit", mode);
	ok(fpu_word(FOP) <= 0x7ff && !(fpu_pointer(FIP) >> 32), "%s: FLDENV of reserved bits",
	   mode);
}

static void test_whole_image(const struct layout *l)
{
	const char *mode = machine_mode_names[l->mode];
	u8 fpu[512];

	reset_environment(l->mode);
	memcpy(fpu, m.fpu, sizeof(fpu));
	ok_equal(run_prefixed(l->prefix, FNSAVE), X86_OK, "%s: FNSAVE", mode);
	expect_words(l, "FNSAVE");
	ok(machine_changed_only(&m, DATA, 7 * l->unit + 80), "%s: FNSAVE writes no more", mode);
	ok(m.ram[DATA + 7 * l->unit + 79] == 7 && m.ram[DATA + 7 * l->unit + 10] == 1,
	   "%s: FNSAVE stores registers, ST0 first", mode);
	ok(fpu_word(0) == 0x37f && !fpu_word(2) && !m.fpu[4], "%s: FNSAVE initializes", mode);
	m.state.rip = CODE;
	ok_equal(run_prefixed(l->prefix, FRSTOR), X86_OK, "%s: FRSTOR", mode);
	ok(!memcmp(m.fpu, fpu, 5) && !memcmp(m.fpu + 32, fpu + 32, 128), "%s: FRSTOR", mode);
}

static void test_environment_refused(void)
{
	u8 fpu[512];

	reset_environment(PROT32);
	m.state.cr0 &= ~CR0_NE;
	memcpy(fpu, m.fpu, sizeof(fpu));
	m.state.seg[X86_DS].limit = DATA + 106;
	FAULTS(&m, FRSTOR, X86_GP, 0, "FRSTOR beyond the segment");
	FAULTS(&m, FNSAVE, X86_GP, 0, "FNSAVE beyond the segment");
	m.state.seg[X86_DS].limit = 0xffffffff;
	m.state.seg[X86_DS].ar &= ~X86_AR_RW;
	FAULTS(&m, FNSTENV, X86_GP, 0, "FNSTENV to a segment that cannot be written");
	ok(!memcmp(m.fpu, fpu, sizeof(fpu)), "and the FPU is as before");
	DONE(&m, FLDENV, "FLDENV of it");
}

/* The 108 bytes in MMIO space: registers change when all have been read, or written. */
static void test_environment_mmio(void)
{
	unsigned int pieces = 0;
	enum x86_result result;

	reset_environment(PROT32);
	m.state.gpr[X86_RBX] = MMIO;
	for (result = RUN(&m, FNSAVE); result == X86_IO; result = machine_continue(&m)) {
		ok(m.x.io.write && m.x.io.address == MMIO + 4 * pieces && m.x.io.size == 4 &&
		   m.fpu[0] == 0x60, "FNSAVE to MMIO: piece %u", pieces);
		pieces++;
	}
	ok(result == X86_OK && pieces == 27 && m.fpu[0] == 0x7f, "FNSAVE to MMIO: done");
	m.state.rip = CODE;
	pieces = 0;
	for (result = RUN(&m, FRSTOR); result == X86_IO; result = machine_continue(&m)) {
		ok(!m.x.io.write && m.x.io.address == MMIO + 4 * pieces && m.fpu[32] == 5,
		   "FRSTOR from MMIO: piece %u", pieces);
		memset(m.x.io.data, 0x11, 4);
		pieces++;
	}
	ok(result == X86_OK && pieces == 27 && m.fpu[32] == 0x11, "FRSTOR from MMIO: done");
}

/* The test's own x87 must not notice, whatever waits in it or in the guest. */
static void test_own_registers(void)
{
	static const u16 unmasked = 0x360;
	u16 fcw = 0, fsw = 0;
	double one = 1, zero = 0;

	reset_x87(0x360, 0x3800);
	machine_put(&m, DATA, 0x7f800001, 4);
	__asm__ volatile("fninit\n\tfldl %0\n\tfldcw %1\n\tfdivl %2"
			 : : "m"(one), "m"(unmasked), "m"(zero));
	RUN(&m, FLD1);
	__asm__ volatile("fnstcw %0\n\tfnstsw %1\n\tfninit" : "=m"(fcw), "=m"(fsw));
	ok(fcw == 0x360 && fsw == 0xb884, "the program's own exception waits as before");
	ok_equal(fpu_word(2) & 0x80ff, 0x8081, "and the guest's is the guest's");
}

static void test_x87_words(void)
{
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

int main(void)
{
	test_x87_refused();
	test_x87_forms();
	test_x87_words();
	test_x87_pointers();
	test_x87_computes();
	for (unsigned int i = 0; i < ARRAY_SIZE(layouts); i++) {
		test_environment(&layouts[i]);
		test_whole_image(&layouts[i]);
	}
	test_environment_refused();
	test_environment_mmio();
	test_own_registers();
	return tap_done();
}

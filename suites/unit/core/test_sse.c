// SPDX-License-Identifier: GPL-2.0-only
/*
 * SSE arithmetic and moves between registers: when they may not be executed, and what an
 * exception leaves behind. What is computed is compared with the processor's in test_native.c.
 */
#include "machine.h"
#include "tap.h"

static struct machine m;

#define MXCSR_AT 24
#define XMM_AT(n) (160 + 16 * (n))
#define ALL_MASKED 0x1f80u

static void put32(unsigned int at, u32 value)
{
	memcpy(m.fpu + at, &value, 4);
}

static u32 get32(unsigned int at)
{
	u32 value;

	memcpy(&value, m.fpu + at, 4);
	return value;
}

/* XMM0 is 1.0, XMM1 0.0. */
static void reset(u32 mxcsr)
{
	machine_reset(&m, PROT32, 0);
	m.state.cr4 |= CR4_OSFXSR | CR4_OSXMMEXCPT;
	put32(MXCSR_AT, mxcsr);
	put32(XMM_AT(0), 0x3f800000);
	put32(XMM_AT(0) + 4, 0x11111111);
}

#define DIVSS "\xf3\x0f\x5e\xc1"
#define ADDPS_MEMORY "\x0f\x58\x05\x01\xa0\x00\x00"	/* xmm0, [DATA + 1] */

static void test_enabled(void)
{
	reset(ALL_MASKED);
	m.state.cr4 &= ~CR4_OSFXSR;
	FAULTS(&m, DIVSS, X86_UD, -1, "DIVSS without CR4.OSFXSR");
	FAULTS(&m, "\x0f\x28\xc1", X86_UD, -1, "MOVAPS between registers without it");
	reset(ALL_MASKED);
	m.state.cr0 |= CR0_EM | CR0_TS;
	FAULTS(&m, DIVSS, X86_UD, -1, "DIVSS with CR0.EM");
	m.state.cr0 &= ~(u64)CR0_EM;
	FAULTS(&m, DIVSS, X86_NM, -1, "DIVSS with CR0.TS");
	FAULTS(&m, "\x0f\x28\xc1", X86_NM, -1, "MOVAPS with CR0.TS");
	reset(ALL_MASKED);
	FAULTS(&m, ADDPS_MEMORY, X86_GP, 0, "ADDPS wants 16");
	m.x.fpu_image = NULL;
	ok_equal(RUN(&m, DIVSS), X86_UNIMPLEMENTED, "DIVSS without an image");
}

static void test_exceptions(void)
{
	reset(ALL_MASKED);
	DONE(&m, DIVSS, "DIVSS by zero, masked");
	ok(get32(XMM_AT(0)) == 0x7f800000 && get32(XMM_AT(0) + 4) == 0x11111111,
	   "is infinity in the lowest element");
	ok_equal(get32(MXCSR_AT), ALL_MASKED | 4, "and flagged");
	reset(ALL_MASKED & ~0x200u);
	FAULTS(&m, DIVSS, X86_XM, -1, "DIVSS by zero, not masked");
	ok(get32(XMM_AT(0)) == 0x3f800000 && get32(MXCSR_AT) == ((ALL_MASKED & ~0x200u) | 4),
	   "MXCSR tells why, and nothing else has changed");
	m.state.cr4 &= ~CR4_OSXMMEXCPT;
	put32(MXCSR_AT, ALL_MASKED & ~0x200u);
	FAULTS(&m, DIVSS, X86_UD, -1, "the same without CR4.OSXMMEXCPT");
	ok_equal(get32(MXCSR_AT), (ALL_MASKED & ~0x200u) | 4, "is flagged, too");
}

/* Overflow and underflow that are not masked: the flags by exactness (SDM 1 4.9.1.4 to 4.9.1.6). */
static const struct {
	const char *name;
	char code[5];		/* of XMM0 and XMM1 */
	u64 left, right;	/* their low halves */
	unsigned int masked, flags;
} extremes[] = {
	{ "MULSS, huge and exact", "\xf3\x0f\x59\xc1", 0x7f000000, 0x7f000000, 0x37, 0x08 },
	{ "MULSS, huge and inexact", "\xf3\x0f\x59\xc1", 0x7f7fffff, 0x7f7fffff, 0x37, 0x28 },
	{ "ADDSS, huge and exact", "\xf3\x0f\x58\xc1", 0x7f7fffff, 0x7f7fffff, 0x37, 0x08 },
	{ "ADDSS, huge and inexact", "\xf3\x0f\x58\xc1", 0x7f7fffff, 0x7f000000, 0x37, 0x28 },
	{ "SUBSS, huge and exact", "\xf3\x0f\x5c\xc1", 0x7f7fffff, 0xff7fffff, 0x37, 0x08 },
	{ "DIVSS, huge and exact", "\xf3\x0f\x5e\xc1", 0x7f000000, 0x3e800000, 0x37, 0x08 },
	{ "MULSS, tiny and exact", "\xf3\x0f\x59\xc1", 0x00800000, 0x3f000000, 0x2f, 0x10 },
	{ "MULSS, tiny, with no bit too many",
	  "\xf3\x0f\x59\xc1", 0x00800001, 0x3f000000, 0x2f, 0x10 },
	{ "MULSS, tiny and inexact", "\xf3\x0f\x59\xc1", 0x00800001, 0x3effffff, 0x2f, 0x30 },
	{ "ADDSS of denormals", "\xf3\x0f\x58\xc1", 1, 2, 0x2f, 0x12 },
	{ "MULSD, tiny and exact", "\xf2\x0f\x59\xc1", 1ull << 52, 0x3fe0000000000000, 0x2f, 0x10 },
	{ "MULSD, huge and exact",
	  "\xf2\x0f\x59\xc1", 0x7fe0000000000000, 0x7fe0000000000000, 0x37, 0x08 },
	{ "CVTSD2SS, huge and exact", "\xf2\x0f\x5a\xc1", 0, 0x7fe0000000000000, 0x37, 0x08 },
	{ "CVTSD2SS, tiny and exact", "\xf2\x0f\x5a\xc1", 0, 0x36a0000000000000, 0x2f, 0x10 },
	{ "CVTPD2PS, tiny and inexact", "\x66\x0f\x5a\xc1", 0, 0x36a0000000000001, 0x2f, 0x30 },
	{ "MULPS, one element huge, one tiny",
	  "\x0f\x59\xc1", 0x7f00000000800001, 0x7f0000003f000000, 0x37, 0x38 },
	{ "MULPS, the tiny one not masked, too",
	  "\x0f\x59\xc1", 0x7f00000000800001, 0x7f0000003f000000, 0x27, 0x18 },
	{ "DIVPS, one by 0, one tiny, two 0 by 0",
	  "\x0f\x5e\xc1", 0x3f80000000800001, 0x40000000, 0x28, 0x05 },
};

static void test_extremes(void)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(extremes); i++) {
		unsigned int mxcsr = extremes[i].masked << 7;
		u8 before[16];

		reset(mxcsr);
		memset(m.fpu + XMM_AT(0), 0, 32);
		memcpy(m.fpu + XMM_AT(0), &extremes[i].left, 8);
		memcpy(m.fpu + XMM_AT(1), &extremes[i].right, 8);
		memcpy(before, m.fpu + XMM_AT(0), 16);
		FAULTS(&m, extremes[i].code, X86_XM, -1, extremes[i].name);
		ok_equal(get32(MXCSR_AT), mxcsr | extremes[i].flags, "%s: flags", extremes[i].name);
		ok(!memcmp(before, m.fpu + XMM_AT(0), 16), "%s: no result", extremes[i].name);
	}
	reset(ALL_MASKED & ~0xc00u);
	put32(XMM_AT(1), 0x3f800000);
	DONE(&m, "\xf3\x0f\x59\xc1", "a product of 1, with neither masked");
	ok_equal(get32(MXCSR_AT), ALL_MASKED & ~0xc00u, "flags nothing");
}

/* ModRM C1: XMM0 and XMM1, or ECX and XMM0. */
static void test_forms(void)
{
	static const struct {
		u8 prefix, opcode;
		enum x86_result result;
	} forms[] = {
		{ 0x66, 0x10, X86_OK }, { 0xf3, 0x11, X86_OK }, { 0, 0x12, X86_OK },
		{ 0x66, 0x12, X86_FAULT }, { 0xf3, 0x12, X86_OK }, { 0xf2, 0x12, X86_OK },
		{ 0, 0x13, X86_FAULT }, { 0, 0x16, X86_OK }, { 0x66, 0x16, X86_FAULT },
		{ 0xf3, 0x16, X86_OK }, { 0xf2, 0x16, X86_UNIMPLEMENTED },
		{ 0xf3, 0x28, X86_UNIMPLEMENTED }, { 0xf3, 0xd6, X86_OK }, { 0xf2, 0xd6, X86_OK },
		{ 0, 0x7e, X86_OK }, { 0, 0x7f, X86_OK },
		{ 0x66, 0x17, X86_FAULT }, { 0, 0x28, X86_OK }, { 0x66, 0x29, X86_OK },
		{ 0, 0x2b, X86_FAULT }, { 0x66, 0x6e, X86_OK }, { 0, 0x6e, X86_OK },
		{ 0, 0x6f, X86_OK }, { 0xf3, 0x6f, X86_OK }, { 0x66, 0x7e, X86_OK },
		{ 0xf3, 0x7e, X86_OK }, { 0x66, 0x7f, X86_OK }, { 0x66, 0xd6, X86_OK },
		{ 0x66, 0xe7, X86_FAULT }, { 0, 0xe7, X86_FAULT }, { 0xf2, 0xf0, X86_FAULT },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(forms); i++) {
		const u8 bytes[] = { forms[i].prefix, 0x0f, forms[i].opcode, 0xc1 };
		unsigned int skip = !forms[i].prefix;

		reset(ALL_MASKED);
		ok_equal(machine_run(&m, bytes + skip, sizeof(bytes) - skip), forms[i].result,
			 "%02x 0f %02x between registers", forms[i].prefix, forms[i].opcode);
	}
}

/* Which prefixes an opcode takes: none, 66h, F3h, F2h from bit 0 on (SDM 2 table A-3). */
static void test_arithmetic(void)
{
	static const u8 prefixes[4] = { 0, 0x66, 0xf3, 0xf2 };
	static const struct {
		u8 opcode, takes;
	} all[] = {
		{ 0x14, 3 }, { 0x15, 3 }, { 0x2e, 3 }, { 0x2f, 3 }, { 0x51, 15 }, { 0x52, 5 },
		{ 0x53, 5 }, { 0x54, 3 }, { 0x55, 3 }, { 0x56, 3 }, { 0x57, 3 }, { 0x58, 15 },
		{ 0x59, 15 }, { 0x5a, 15 }, { 0x5b, 7 }, { 0x5c, 15 }, { 0x5d, 15 }, { 0x5e, 15 },
		{ 0x5f, 15 },
	};

	for (unsigned int i = 0; i < 4 * ARRAY_SIZE(all); i++) {
		u8 prefix = prefixes[i & 3], opcode = all[i / 4].opcode;
		const u8 registers[] = { prefix, 0x0f, opcode, 0xc1 };
		const u8 memory[] = { prefix, 0x0f, opcode, 5, 0, 0xa0, 0, 0 };
		bool taken = all[i / 4].takes >> (i & 3) & 1;

		reset(ALL_MASKED);
		ok_equal(machine_run(&m, registers + !prefix, sizeof(registers) - !prefix),
			 taken ? X86_OK : X86_UNIMPLEMENTED, "%02x 0f %02x", prefix, opcode);
		reset(ALL_MASKED);
		m.state.seg[X86_DS].ar |= X86_AR_UNUSABLE;
		ok_equal(machine_run(&m, memory + !prefix, sizeof(memory) - !prefix),
			 taken ? X86_FAULT : X86_UNIMPLEMENTED, "%02x 0f %02x with memory", prefix,
			 opcode);
	}
}

/* Whoever owns the image may have put anything there: it must not reach LDMXCSR. */
static void test_reserved_bits(void)
{
	reset(ALL_MASKED | 0xffff0000);
	ok_equal(RUN(&m, "\x0f\x58\xc1"), X86_OK, "ADDPS with reserved bits of MXCSR in the image");
}

int main(void)
{
	test_reserved_bits();
	test_arithmetic();
	test_enabled();
	test_exceptions();
	test_extremes();
	test_forms();
	return tap_done();
}

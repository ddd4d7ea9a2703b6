// SPDX-License-Identifier: GPL-2.0-only
/*
 * Instructions of features that came later: extended control registers, MONITOR, INVPCID,
 * what virtualization leaves undefined, AVX with the conditions that refuse it.
 * What moves do is compared with a processor in test_native.c. Expectations are from
 * SDM 2 (each instruction) and SDM 1 chapters 13 and 14.
 */
#include "machine.h"
#include "tap.h"

static struct machine m;

#define XSETBV "\x0f\x01\xd1"
#define MONITOR "\x0f\x01\xc8"
#define MWAIT "\x0f\x01\xc9"
#define CPUID_MONITOR (1u << 3)

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
	DONE(&m, INVPCID, "INVPCID: 57 bits are canonical where the processor has them");
	m.state.rip = CODE;
	m.env.cr4_allowed &= ~(u64)CR4_LA57;
	FAULTS(&m, INVPCID, X86_GP, 0, "INVPCID: 48 bits are, where it has not");
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
	ok_equal(RUN(&m, "\xc4\xe3\x79\x16\x0b\x01"), X86_UNIMPLEMENTED,
		 "VPEXTRD is not VMOVHPD");
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

#define SSE4A (1u << 6)	/* CPUID 0x80000001 ECX */

/* All moves with memory are there; what they do is compared in test_native.c. */
static void test_move_forms(void)
{
	static const struct {
		u8 prefix, opcode;
		bool vex;		/* too */
	} all[] = {
		{ 0, 0x10, true }, { 0x66, 0x10, true }, { 0xf3, 0x10, true }, { 0xf2, 0x10, true },
		{ 0, 0x11, true }, { 0x66, 0x11, true }, { 0xf3, 0x11, true }, { 0xf2, 0x11, true },
		{ 0, 0x12, true }, { 0x66, 0x12, true }, { 0, 0x13, true }, { 0x66, 0x13, true },
		{ 0, 0x16, true }, { 0x66, 0x16, true }, { 0, 0x17, true }, { 0x66, 0x17, true },
		{ 0, 0x28, true }, { 0x66, 0x28, true }, { 0, 0x29, true }, { 0x66, 0x29, true },
		{ 0, 0x2b, true }, { 0x66, 0x2b, true }, { 0, 0x6e, false }, { 0x66, 0x6e, true },
		{ 0, 0x6f, false }, { 0x66, 0x6f, true }, { 0xf3, 0x6f, true },
		{ 0, 0x7e, false }, { 0x66, 0x7e, true }, { 0xf3, 0x7e, true },
		{ 0, 0x7f, false }, { 0x66, 0x7f, true }, { 0xf3, 0x7f, true },
		{ 0x66, 0xd6, true }, { 0, 0xe7, false }, { 0x66, 0xe7, true },
		{ 0xf2, 0xf0, true }, { 0xf3, 0x12, false }, { 0xf2, 0x12, false },
		{ 0xf3, 0x16, false }, { 0xf3, 0x2b, false }, { 0xf2, 0x2b, false },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(all); i++) {
		u8 pp = all[i].prefix == 0x66 ? 1 : all[i].prefix ? 0xf5 - all[i].prefix : 0;
		const u8 legacy[] = { all[i].prefix, 0x0f, all[i].opcode, 0x0b };
		const u8 vex[] = { 0xc5, 0xf8 | pp, all[i].opcode, 0x0b };
		unsigned int skip = !all[i].prefix;

		reset_avx();
		m.state.cr4 |= CR4_OSFXSR;
		m.cpuid[2] |= SSE4A;
		m.state.gpr[X86_RBX] = DATA;
		expect_done(&m, legacy + skip, sizeof(legacy) - skip, "a move");
		m.state.rip = CODE;
		ok_equal(machine_run(&m, vex, sizeof(vex)),
			 all[i].vex ? X86_OK : X86_UNIMPLEMENTED, "the same by VEX");
	}
}

/* A store that is SSE4A's, a load over 0F 38, and one that is SSE3's: only with memory. */
static void test_later_moves(void)
{
	machine_reset(&m, LONG64, 0);
	m.state.cr4 |= CR4_OSFXSR;
	m.state.gpr[X86_RBX] = DATA;
	machine_put(&m, DATA, 0x1234, 8);
	FAULTS(&m, "\xf3\x0f\x2b\x0b", X86_UD, -1, "MOVNTSS without SSE4A");
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
	test_avx();
	test_move_forms();
	test_later_moves();
	return tap_done();
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Instructions that need the machine: each read of MMIO or a port is asked for once and
 * replayed, nothing of state or memory changes before all is known, writes go out one by
 * one; LOCK by comparison; and memory that is not ready.
 */
#include "machine.h"
#include "tap.h"

static struct machine m;

/* Answers the read that is asked for, which must be this; goes on. */
static enum x86_result answer(u64 address, unsigned int size, bool port, u64 value,
			      const char *name)
{
	const struct x86_io *io = &m.x.io;

	if (!ok(!io->write && io->address == address && io->size == size && io->port == port &&
		io->count == 1, "%s: asked for %u bytes at %#llx", name, size,
		(unsigned long long)address))
		note("asked for: %s, address %#llx, size %u, port %d, count %u",
		     io->write ? "write" : "read", (unsigned long long)io->address, io->size,
		     io->port, io->count);
	ok(machine_untouched(&m) && !m.written, "%s: nothing has changed yet", name);
	ok(x86_exec_waits(&m.x), "%s: the instruction must be completed", name);
	memcpy(m.x.io.data, &value, size);
	return machine_continue(&m);
}

/* The same for a write: state may not have changed yet. */
static enum x86_result take(u64 address, unsigned int size, bool port, u64 value, const char *name)
{
	const struct x86_io *io = &m.x.io;
	u64 data = 0;

	memcpy(&data, io->data, size);
	if (!ok(io->write && io->address == address && io->size == size && io->port == port &&
		data == value, "%s: %u bytes go to %#llx", name, size, (unsigned long long)address))
		note("%s of %#llx, size %u, address %#llx, port %d", io->write ? "write" : "read",
		     (unsigned long long)data, io->size, (unsigned long long)io->address, io->port);
	ok(!memcmp(&m.state, &m.before, sizeof(m.state)), "%s: the state is as before", name);
	ok(x86_exec_waits(&m.x), "%s: the write must be completed", name);
	return machine_continue(&m);
}

static void finished(enum x86_result result, unsigned int length, const char *name)
{
	ok_equal(result, X86_OK, "%s: done", name);
	ok_equal(m.state.rip, CODE + length, "%s: RIP", name);
	ok(!x86_exec_waits(&m.x), "%s: nothing is left to do", name);
}

static void begin(enum machine_mode mode)
{
	machine_reset(&m, mode, 0);
	m.state.gpr[X86_RAX] = 0x1111111111111111;
	m.state.gpr[X86_RBX] = MMIO;
	m.state.gpr[X86_RCX] = 0x2222222222222222;
	m.state.gpr[X86_RDX] = 0x3333333333333333;
	m.state.gpr[X86_RSI] = MMIO + 0x100;
	m.state.gpr[X86_RDI] = DATA;
}

/* ---- reads and writes of MMIO ------------------------------------------------------------- */

static void test_simple(void)
{
	enum x86_result result;

	begin(LONG64);
	result = RUN(&m, "\x48\x8b\x03");	/* mov rax, [rbx] */
	ok_equal(result, X86_IO, "a read of MMIO asks");
	finished(answer(MMIO, 8, false, 0x8877665544332211, "MOV"), 3, "MOV");
	ok_equal(m.state.gpr[X86_RAX], 0x8877665544332211, "MOV: the answer is in RAX");
	begin(LONG64);
	RUN(&m, "\x8b\x03");			/* mov eax, [rbx] */
	finished(answer(MMIO, 4, false, 0xffffffff, "MOV EAX"), 2, "MOV EAX");
	ok_equal(m.state.gpr[X86_RAX], 0xffffffff, "MOV EAX: the upper half is 0");
	begin(LONG64);
	RUN(&m, "\x88\x03");			/* mov [rbx], al */
	finished(take(MMIO, 1, false, 0x11, "MOV out"), 2, "MOV out");
	begin(LONG64);
	RUN(&m, "\x01\x03");			/* add [rbx], eax */
	result = answer(MMIO, 4, false, 0xf0000000, "ADD");
	ok_equal(result, X86_IO, "ADD: then it writes");
	finished(take(MMIO, 4, false, 0x01111111, "ADD"), 2, "ADD");
	ok_equal(m.state.rflags & X86_FLAG_CF, X86_FLAG_CF, "ADD: flags of the answer");
	begin(LONG64);
	RUN(&m, "\x87\x03");			/* xchg [rbx], eax */
	result = answer(MMIO, 4, false, 0xabcd, "XCHG");
	finished(take(MMIO, 4, false, 0x11111111, "XCHG"), 2, "XCHG");
	ok_equal(m.state.gpr[X86_RAX], 0xabcd, "XCHG: EAX");
	begin(LONG64);
	RUN(&m, "\xff\x33");			/* push [rbx] */
	ok_equal(m.x.io.size, 8, "PUSH reads eight bytes");
	finished(answer(MMIO, 8, false, 0x1234, "PUSH"), 2, "PUSH");
	ok(machine_get(&m, STACK - 8, 8) == 0x1234 && machine_changed_only(&m, STACK - 8, 8),
	   "PUSH: the answer is on the stack, and nothing else");
}

/* Several reads: each is asked for once, in order. */
static void test_several(void)
{
	enum x86_result result;

	begin(LONG64);
	m.state.gpr[X86_RDI] = MMIO + 0x200;
	RUN(&m, "\xa6");			/* cmpsb */
	result = answer(MMIO + 0x100, 1, false, 7, "CMPS, source");
	ok_equal(result, X86_IO, "CMPS: then the destination");
	finished(answer(MMIO + 0x200, 1, false, 7, "CMPS, destination"), 1, "CMPS");
	ok(m.state.rflags & X86_FLAG_ZF && m.state.gpr[X86_RSI] == MMIO + 0x101 &&
	   m.state.gpr[X86_RDI] == MMIO + 0x201, "CMPS: equal, and both are advanced");
	begin(LONG64);
	m.state.gpr[X86_RDI] = MMIO + 0x200;
	RUN(&m, "\x48\xa5");			/* movsq */
	result = answer(MMIO + 0x100, 8, false, 0x0102030405060708, "MOVS");
	finished(take(MMIO + 0x200, 8, false, 0x0102030405060708, "MOVS"), 2, "MOVS");
	begin(PROT32);
	m.state.gpr[X86_RSP] = MMIO + 0x400;
	RUN(&m, "\x61");			/* popa */
	result = X86_IO;
	for (unsigned int i = 0; i < 8 && result == X86_IO; i++)
		if (i != 3)	/* ESP's place is not read (SDM 2 POPA) */
			result = answer(MMIO + 0x400 + 4 * i, 4, false, 0x10 + i, "POPA");
	finished(result, 1, "POPA");
	ok(m.state.gpr[X86_RDI] == 0x10 && m.state.gpr[X86_RAX] == 0x17 &&
	   m.state.gpr[X86_RSP] == MMIO + 0x420, "POPA: EDI first, EAX last, ESP skipped");
	begin(PROT32);
	m.state.gpr[X86_RSP] = MMIO + 0x400;
	result = RUN(&m, "\x60");		/* pusha */
	for (unsigned int i = 0; i < 8 && result == X86_IO; i++)
		result = take(MMIO + 0x3fc - 4 * i, 4, false,
			      (u32)m.before.gpr[i], "PUSHA");
	finished(result, 1, "PUSHA");
}

/* Across the end of RAM: what is RAM is written only when the instruction is sure. */
static void test_across(void)
{
	enum x86_result result;

	begin(PROT32);
	m.state.gpr[X86_RBX] = ROM_BASE - 2;	/* RAM, then ROM: writes go to user space */
	result = RUN(&m, "\x01\x03");		/* add [ebx], eax */
	ok_equal(result, X86_IO, "ADD over the end of RAM: its second half goes out");
	finished(take(ROM_BASE, 2, false, 0x1111, "ADD, ROM"), 2, "ADD over the end of RAM");
	ok_equal(machine_get(&m, ROM_BASE - 2, 2), 0x1111, "and its first half is in RAM");
	begin(LONG64);
	m.state.gpr[X86_RBX] = RAM_SIZE - 3;
	result = RUN(&m, "\x48\x8b\x03");	/* mov rax, [rbx]: over a page too */
	finished(answer(RAM_SIZE, 5, false, 0x5544332211, "MOV over the end"), 3, "MOV");
	ok_equal(m.state.gpr[X86_RAX], 0x5544332211000000, "RAM and MMIO make one value");
}

/* ---- ports ---------------------------------------------------------------------- */

static void test_ports(void)
{
	enum x86_result result;

	begin(PROT32);
	RUN(&m, "\xe4\x60");			/* in al, 60h */
	finished(answer(0x60, 1, true, 0xab, "IN"), 2, "IN");
	ok_equal(m.state.gpr[X86_RAX], 0x11111111111111ab, "IN AL leaves the rest of RAX");
	begin(LONG64);
	RUN(&m, "\xed");			/* in eax, dx */
	finished(answer(0x3333, 4, true, 0x80000001, "IN EAX"), 1, "IN EAX");
	ok_equal(m.state.gpr[X86_RAX], 0x80000001, "IN EAX clears the upper half");
	begin(REAL16);
	RUN(&m, "\xef");			/* out dx, ax */
	finished(take(0x3333, 2, true, 0x1111, "OUT"), 1, "OUT");
	begin(PROT32);
	m.state.gpr[X86_RCX] = 2;
	RUN(&m, "\xf3\x6d");			/* rep insd */
	result = answer(0x3333, 4, true, 0xcafe, "INS");
	ok(result == X86_OK && m.state.rip == CODE && m.state.gpr[X86_RCX] == 1 &&
	   m.state.gpr[X86_RDI] == DATA + 4 && machine_get(&m, DATA, 4) == 0xcafe,
	   "REP INS: one item is complete, and it goes on");
	RUN(&m, "\xf3\x6d");
	finished(answer(0x3333, 4, true, 0xbeef, "INS"), 2, "REP INS");
	ok(m.state.gpr[X86_RCX] == 0 && machine_get(&m, DATA + 4, 4) == 0xbeef,
	   "with the last item");
	begin(PROT32);
	m.state.gpr[X86_RSI] = DATA;
	machine_put(&m, DATA, 0x99, 1);
	RUN(&m, "\x6e");			/* outsb */
	finished(take(0x3333, 1, true, 0x99, "OUTS"), 1, "OUTS");
	/* A device is not read for an INS that cannot store. */
	begin(PROT32);
	m.state.seg[X86_ES].limit = DATA;
	FAULTS(&m, "\x6d", X86_GP, 0, "INS beyond the limit faults before the port is read");
}

/* ---- LOCK ----------------------------------------------------------------------- */

static unsigned int races;

/* Another processor adds 0x100 to what is about to be compared, `races` times. */
static void interfere(struct machine *machine, u64 address)
{
	if (races && address == DATA) {
		races--;
		machine->ram[DATA + 1]++;
	}
}

static void begin_lock(const char *bytes, unsigned int length)
{
	begin(LONG64);
	m.state.gpr[X86_RBX] = DATA;
	machine_put(&m, DATA, 5, 8);
	m.race = interfere;
	races = 1;
	ok_equal(machine_run(&m, bytes, length), X86_RETRY, "LOCK: a lost race is told");
	ok(!memcmp(&m.state, &m.before, sizeof(m.state)) && machine_get(&m, DATA, 8) == 0x105,
	   "LOCK: and nothing was done");
	ok(!x86_exec_waits(&m.x), "LOCK: the instruction can be left at that");
}
#define BEGIN_LOCK(bytes) begin_lock(bytes, sizeof(bytes) - 1)

static void test_lock(void)
{
	BEGIN_LOCK("\xf0\x01\x03");		/* lock add [rbx], eax */
	finished(machine_continue(&m), 3, "LOCK ADD");
	ok_equal(machine_get(&m, DATA, 8), 0x11111216, "LOCK ADD: nobody's change is lost");
	ok(m.writes[0].compared && m.written == 1, "LOCK ADD: by one comparison");
	BEGIN_LOCK("\xf0\xff\x03");		/* lock inc dword [rbx] */
	finished(machine_continue(&m), 3, "LOCK INC");
	ok_equal(machine_get(&m, DATA, 8), 0x106, "LOCK INC");
	BEGIN_LOCK("\xf0\x0f\xc1\x03");		/* lock xadd [rbx], eax */
	finished(machine_continue(&m), 4, "LOCK XADD");
	ok_equal(m.state.gpr[X86_RAX], 0x105, "LOCK XADD: the value that was replaced");
	BEGIN_LOCK("\x87\x03");			/* xchg [rbx], eax */
	finished(machine_continue(&m), 2, "XCHG locks by itself");
	ok_equal(m.state.gpr[X86_RAX], 0x105, "XCHG: the value that was replaced");
	BEGIN_LOCK("\xf0\x0f\xba\x2b\x07");	/* lock bts dword [rbx], 7 */
	finished(machine_continue(&m), 5, "LOCK BTS");
	ok_equal(machine_get(&m, DATA, 8), 0x185, "LOCK BTS");
	begin(LONG64);
	m.state.gpr[X86_RBX] = DATA;
	ok(RUN(&m, "\x01\x03") == X86_OK && !m.writes[0].compared,
	   "without LOCK it is a plain write");
}

/* CMPXCHG16B compares and writes all 16 bytes at once. */
static void test_cmpxchg16b(void)
{
	begin(LONG64);
	m.state.gpr[X86_RSI] = DATA;
	m.state.gpr[X86_RAX] = 0x105;		/* what memory holds after the race */
	m.state.gpr[X86_RDX] = 0;
	machine_put(&m, DATA, 5, 8);
	m.race = interfere;
	races = 1;
	ok_equal(RUN(&m, "\xf0\x48\x0f\xc7\x0e"), X86_RETRY, "LOCK CMPXCHG16B: a lost race");
	ok_equal(machine_get(&m, DATA, 8), 0x105, "LOCK CMPXCHG16B: half of it is not written");
	finished(machine_continue(&m), 5, "LOCK CMPXCHG16B");
	ok(m.written == 1 && m.writes[0].size == 16 && m.writes[0].compared &&
	   machine_get(&m, DATA, 8) == MMIO && machine_get(&m, DATA + 8, 8) == 0x2222222222222222 &&
	   m.state.rflags & X86_FLAG_ZF, "LOCK CMPXCHG16B: RCX:RBX, by one comparison of 16 bytes");
	begin(LONG64);
	m.state.gpr[X86_RSI] = MMIO;
	m.state.gpr[X86_RAX] = 1;
	m.state.gpr[X86_RDX] = 2;
	RUN(&m, "\xf0\x48\x0f\xc7\x0e");
	answer(MMIO, 8, false, 1, "CMPXCHG16B");
	answer(MMIO + 8, 8, false, 2, "CMPXCHG16B");
	take(MMIO, 8, false, MMIO, "CMPXCHG16B");
	finished(take(MMIO + 8, 8, false, 0x2222222222222222, "CMPXCHG16B"), 5, "CMPXCHG16B");
	begin(LONG64);
	m.state.gpr[X86_RSI] = DATA + 8;
	FAULTS(&m, "\x48\x0f\xc7\x0e", X86_GP, 0, "CMPXCHG16B that is not aligned");
}

/* A lock over a page boundary has two places to write, and ends. */
static void test_split_lock(void)
{
	begin(LONG64);
	m.state.gpr[X86_RBX] = DATA + 0xffe;
	machine_put(&m, DATA + 0xffe, 0xfffffffe, 4);
	ok_equal(RUN(&m, "\xf0\x83\x03\x03"), X86_OK, "LOCK ADD over a page boundary");
	ok_equal(machine_get(&m, DATA + 0xffe, 4), 1, "is done");
}

/* ---- memory that is not ready, or away ------------------------------------------ */

static void test_not_ready(void)
{
	static const enum x86_result answers[] = { X86_RETRY, X86_SIGNAL, X86_ERROR };

	for (unsigned int i = 0; i < ARRAY_SIZE(answers); i++) {
		begin(LONG64);
		m.state.gpr[X86_RBX] = DATA;
		m.write_answer = answers[i];
		ok_equal(RUN(&m, "\x89\x03"), answers[i], "a write that answers %d", answers[i]);
		ok(machine_untouched(&m) && !x86_exec_waits(&m.x), "%d: nothing is done",
		   answers[i]);
		/* User space may have changed registers meanwhile. */
		m.state.gpr[X86_RAX] = 0x77;
		ok(machine_continue(&m) == X86_OK && machine_get(&m, DATA, 4) == 0x77,
		   "%d: it begins anew", answers[i]);
		begin(LONG64);
		m.read_answer = answers[i];
		ok_equal(RUN(&m, "\x8b\x03"), answers[i], "a fetch that answers %d", answers[i]);
		ok(machine_untouched(&m), "%d: nothing is done", answers[i]);
	}
	/* In the middle of writes it stays where it is: the first one is not made twice. */
	begin(LONG64);
	m.state.gpr[X86_RBX] = DATA + 0xffc;
	m.write_answer = X86_RETRY;
	m.write_answer_after = 1;
	ok_equal(RUN(&m, "\x48\x89\x03"), X86_RETRY, "the second of two pages is not ready");
	ok(m.written == 1 && x86_exec_waits(&m.x), "the first is written: it must be completed");
	m.state.gpr[X86_RAX] = 0x77;
	finished(machine_continue(&m), 3, "MOV over a page boundary");
	ok(m.written == 2 && machine_get(&m, DATA + 0xffc, 8) == 0x1111111111111111,
	   "each page was written once");
	/* A device has answered: it is not asked again if memory is not ready then. */
	begin(LONG64);
	m.state.gpr[X86_RDI] = DATA;
	RUN(&m, "\xa4");			/* movsb from MMIO */
	m.write_answer = X86_RETRY;
	ok_equal(answer(MMIO + 0x100, 1, false, 0x5a, "MOVS"), X86_RETRY,
		 "MOVS: memory is not ready");
	ok(x86_exec_waits(&m.x), "MOVS: the device's answer must not get lost");
	finished(machine_continue(&m), 1, "MOVS");
	ok_equal(machine_get(&m, DATA, 1), 0x5a, "MOVS: the answer was kept");
}

/* FXRSTOR in 64-bit mode reads 52 times 8 bytes. */
static void test_many(void)
{
	enum x86_result result;
	unsigned int asked = 0;

	begin(LONG64);
	result = RUN(&m, "\x0f\xae\x0b");	/* fxrstor [rbx] */
	while (result == X86_IO && asked < 60) {
		memset(m.x.io.data, 0, 8);
		m.x.io.data[0] = m.x.io.address == MMIO + 0x40 ? 0x42 : 0;
		asked++;
		result = machine_continue(&m);
	}
	ok(result == X86_OK && asked == 52 && m.fpu[0x40] == 0x42, "FXRSTOR from MMIO");
	begin(LONG64);
	memset(m.fpu, 0x5a, sizeof(m.fpu));
	result = RUN(&m, "\x0f\xae\x03");	/* fxsave [rbx] */
	for (asked = 0; result == X86_IO && asked < 60; asked++)
		result = machine_continue(&m);
	ok(result == X86_OK && asked == 52, "FXSAVE to MMIO");
}

/* SDM 2 MOVAPS: the register changes when both halves are there. */
static void test_sse(void)
{
	begin(LONG64);
	m.state.cr4 |= CR4_OSFXSR;
	RUN(&m, "\x0f\x28\x0b");		/* movaps xmm1, [rbx] */
	answer(MMIO, 8, false, 0x1111, "MOVAPS");
	ok_equal(m.fpu[160 + 16], 0, "MOVAPS: the register waits for both halves");
	finished(answer(MMIO + 8, 8, false, 0x2222, "MOVAPS"), 3, "MOVAPS");
	ok(m.fpu[160 + 16] == 0x11 && m.fpu[160 + 24] == 0x22, "MOVAPS: 16 bytes");
	begin(LONG64);
	FAULTS(&m, "\x0f\x28\x0b", X86_UD, -1, "MOVAPS without CR4.OSFXSR");
	m.state.cr4 |= CR4_OSFXSR;
	m.state.cr0 |= CR0_TS;
	FAULTS(&m, "\x0f\x28\x0b", X86_NM, -1, "MOVAPS with CR0.TS");
	m.state.cr0 &= ~CR0_TS;
	m.state.gpr[X86_RBX] = DATA + 4;
	FAULTS(&m, "\x0f\x28\x0b", X86_GP, 0, "MOVAPS that is not aligned");
	FAULTS(&m, "\x0f\x29\x0b", X86_GP, 0, "MOVAPS to where it is not aligned");
	FAULTS(&m, "\x66\x0f\x7f\x0b", X86_GP, 0, "MOVDQA, the same");
	FAULTS(&m, "\x0f\x2b\x0b", X86_GP, 0, "MOVNTPS, the same");
	DONE(&m, "\x0f\x11\x0b", "MOVUPS need not be");
}

/* MMX registers are the x87 registers' low eight bytes, by number (SDM 1 9.5.1, 9.6.2). */
static void test_mmx(void)
{
	begin(LONG64);
	m.state.gpr[X86_RBX] = DATA;
	machine_put(&m, DATA, 0x1122334455667788, 8);
	m.fpu[3] = 5 << 3;		/* TOP 5: ST0 is register 5, and register 1 is ST4 */
	memset(m.fpu + 32 + 16 * 4, 0x5a, 10);
	DONE(&m, "\x0f\x7f\x4b\x08", "MOVQ [RBX + 8], MM1");
	ok_equal(machine_get(&m, DATA + 8, 8), 0x5a5a5a5a5a5a5a5a, "is physical register 1");
	ok(!(m.fpu[3] & 0x38) && m.fpu[4] == 0xff && m.fpu[32 + 16] == 0x5a,
	   "TOP is 0 then, all are valid, and register 1 is ST1");
	m.state.rip = CODE;
	DONE(&m, "\x0f\x6f\x13", "MOVQ MM2, [RBX]");
	ok(m.fpu[32 + 32] == 0x88 && m.fpu[32 + 39] == 0x11 && m.fpu[32 + 40] == 0xff &&
	   m.fpu[32 + 41] == 0xff, "its exponent is all ones");
	m.state.rip = CODE;
	m.state.cr0 |= CR0_TS;
	FAULTS(&m, "\x0f\x6f\x13", X86_NM, -1, "MOVQ with CR0.TS");
	m.state.cr0 ^= CR0_TS | CR0_EM;
	FAULTS(&m, "\x0f\x6f\x13", X86_UD, -1, "MOVQ with CR0.EM");
}

/* FXSAVE, FXRSTOR, LDMXCSR, STMXCSR, FWAIT: what keeps them from being executed. */
static void test_fpu_faults(void)
{
	begin(LONG64);
	m.state.gpr[X86_RBX] = DATA;
	m.state.cr0 |= CR0_TS;
	FAULTS(&m, "\x0f\xae\x03", X86_NM, -1, "FXSAVE with CR0.TS");
	FAULTS(&m, "\x0f\xae\x0b", X86_NM, -1, "FXRSTOR with CR0.TS");
	DONE(&m, "\x9b", "FWAIT with TS alone");
	m.state.rip = CODE;
	m.state.cr0 |= CR0_MP;
	FAULTS(&m, "\x9b", X86_NM, -1, "FWAIT with TS and MP");
	m.state.cr0 ^= CR0_TS | CR0_EM;
	FAULTS(&m, "\x0f\xae\x03", X86_NM, -1, "FXSAVE with CR0.EM (SDM 2 FXSAVE)");
	m.state.cr0 &= ~CR0_EM;
	m.fpu[2] = 0x80;
	FAULTS(&m, "\x9b", X86_MF, -1, "FWAIT with an exception that waits");
	m.state.gpr[X86_RBX] = DATA + 8;
	FAULTS(&m, "\x0f\xae\x03", X86_GP, 0, "FXSAVE that is not aligned");
	m.state.gpr[X86_RBX] = DATA;
	machine_put(&m, DATA + 24, 0x10000, 4);
	FAULTS(&m, "\x0f\xae\x0b", X86_GP, 0, "FXRSTOR of a reserved bit of MXCSR");
	FAULTS(&m, "\x0f\xae\x53\x18", X86_UD, -1, "LDMXCSR without CR4.OSFXSR");
	m.state.cr4 |= CR4_OSFXSR;
	FAULTS(&m, "\x0f\xae\x53\x18", X86_GP, 0, "LDMXCSR of a reserved bit");
	machine_put(&m, DATA + 24, 0x1f80, 4);
	DONE(&m, "\x0f\xae\x53\x18", "LDMXCSR");
	m.state.rip = CODE;
	DONE(&m, "\x0f\xae\x5b\x20", "STMXCSR");
	ok_equal(machine_get(&m, DATA + 32, 4), 0x1f80, "gives what was loaded");
	m.x.fpu_image = NULL;
	m.state.rip = CODE;
	ok_equal(RUN(&m, "\x0f\xae\x53\x18"), X86_UNIMPLEMENTED, "without an FPU there is none");
}

/* XMM8 to XMM15 are 64-bit mode's (SDM 2 FXSAVE). */
static void test_fxsave(void)
{
	static const enum machine_mode modes[] = { PROT32, LONG64 };

	for (unsigned int i = 0; i < ARRAY_SIZE(modes); i++) {
		unsigned int size = modes[i] == LONG64 ? 416 : 288;

		begin(modes[i]);
		m.state.gpr[X86_RBX] = DATA;
		for (unsigned int at = 0; at < 512; at++)
			m.fpu[at] = at * 7 + 1;
		m.fpu[26] = m.fpu[27] = 0;	/* MXCSR has 16 bits */
		DONE(&m, "\x0f\xae\x03", "FXSAVE");
		ok(!memcmp(m.ram + DATA, m.fpu, size) && machine_changed_only(&m, DATA, size),
		   "%s: FXSAVE writes %u bytes", machine_mode_names[modes[i]], size);
		m.state.rip = CODE;
		memset(m.fpu, 0x77, sizeof(m.fpu));
		DONE(&m, "\x0f\xae\x0b", "FXRSTOR");
		/* All but MXCSR_MASK, which is the processor's. */
		ok(!memcmp(m.ram + DATA, m.fpu, 28) && !memcmp(m.ram + DATA + 32, m.fpu + 32,
							       size - 32) &&
		   m.fpu[28] == 0x77 && m.fpu[size] == 0x77, "%s: FXRSTOR reads as many",
		   machine_mode_names[modes[i]]);
	}
}

int main(void)
{
	test_mmx();
	test_fpu_faults();
	test_fxsave();
	test_simple();
	test_several();
	test_across();
	test_ports();
	test_lock();
	test_cmpxchg16b();
	test_split_lock();
	test_not_ready();
	test_many();
	test_sse();
	return tap_done();
}

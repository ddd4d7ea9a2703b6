// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an executed instruction touches besides its result: breakpoints that it meets (SDM
 * 3 17.2.4, 17.2.5), the whole bus for locked operands in two pages, reads that must not be.
 */
#include "machine.h"
#include "tap.h"

static struct machine m;

/* ---- breakpoints ----------------------------------------------------------------- */

#define LEN1 0u
#define LEN2 1u
#define LEN8 2u
#define LEN4 3u

/* Breakpoint `number` in DR7: locally enabled, with its R/W and LEN. */
static u64 armed(unsigned int number, unsigned int rw, unsigned int len)
{
	return X86_DR7_FIXED | 1ull << (2 * number) | (u64)rw << (16 + 4 * number) |
	       (u64)len << (18 + 4 * number);
}

static void reset(u64 dr7, unsigned int number, u64 address)
{
	machine_reset(&m, PROT32, 0);
	m.state.gpr[X86_RBX] = DATA;
	m.state.dr[number] = address;
	m.state.dr7 = dr7;
}

#define MOV_STORE "\x89\x03"		/* mov [ebx], eax */
#define MOV_LOAD "\x8b\x03"		/* mov eax, [ebx] */

static void watches(const char *bytes, unsigned int length, u64 trap, const char *name)
{
	if (machine_run(&m, bytes, length) != X86_OK)
		ok(false, "%s: is executed", name);
	else
		ok_equal(m.x.trap, trap, "%s", name);
}

#define WATCHES(bytes, trap, name) watches(bytes, sizeof(bytes) - 1, trap, name)

static void test_data(void)
{
	for (unsigned int i = 0; i < 4; i++) {
		reset(armed(i, WATCH_WRITE, LEN4), i, DATA);
		WATCHES(MOV_STORE, 1ull << i, "a write where writes are watched");
	}
	reset(armed(1, WATCH_WRITE, LEN4), 1, DATA);
	WATCHES(MOV_LOAD, 0, "a read where writes are watched");
	reset(armed(1, WATCH_READ, LEN4), 1, DATA);
	WATCHES(MOV_LOAD, 2, "a read where both are watched");
	reset(armed(1, WATCH_READ, LEN4), 1, DATA);
	WATCHES(MOV_STORE, 2, "a write where both are watched");
	reset(armed(1, 0, LEN1), 1, DATA);
	WATCHES(MOV_STORE, 0, "a write where instructions are watched");
	reset(X86_DR7_FIXED | WATCH_READ << 16, 0, DATA);
	WATCHES(MOV_STORE, 0, "a breakpoint that is not armed");
	reset(X86_DR7_FIXED | 2 | WATCH_WRITE << 16, 0, DATA);
	WATCHES(MOV_STORE, 1, "a global breakpoint of one byte");
	m.state.rflags |= X86_FLAG_TF;
	m.state.rip = CODE;
	WATCHES(MOV_STORE, X86_DR6_BS | 1, "a breakpoint and a single step");
}

static void test_ranges(void)
{
	reset(armed(0, WATCH_WRITE, LEN1), 0, DATA + 3);
	WATCHES(MOV_STORE, 1, "the last byte of the operand");
	reset(armed(0, WATCH_WRITE, LEN1), 0, DATA + 4);
	WATCHES(MOV_STORE, 0, "the byte behind it");
	reset(armed(0, WATCH_WRITE, LEN1), 0, DATA - 1);
	WATCHES(MOV_STORE, 0, "the byte before it");
	reset(armed(0, WATCH_WRITE, LEN2), 0, DATA - 1);
	WATCHES(MOV_STORE, 0, "an address of two bytes is rounded down");
	reset(armed(0, WATCH_WRITE, LEN8), 0, DATA - 4);
	WATCHES(MOV_STORE, 0, "eight bytes that end before it");
	reset(armed(0, WATCH_WRITE, LEN8), 0, DATA + 7);
	WATCHES(MOV_STORE, 1, "eight bytes that it is in");
}

static void test_ports(void)
{
	reset(armed(2, WATCH_PORT, LEN1), 2, 0x10);
	m.state.cr4 |= CR4_DE;
	ok(RUN(&m, "\xe6\x10") == X86_IO && machine_continue(&m) == X86_OK && m.x.trap == 4,
	   "OUT to a watched port, told of after user space has had it");
	reset(armed(2, WATCH_PORT, LEN1), 2, 0x12);
	m.state.cr4 |= CR4_DE;
	ok(RUN(&m, "\xe5\x10") == X86_IO && machine_continue(&m) == X86_OK && m.x.trap == 4,
	   "IN of four ports, one of which is watched");
	reset(armed(2, WATCH_PORT, LEN1), 2, 0x11);
	m.state.cr4 |= CR4_DE;
	ok(RUN(&m, "\xe6\x10") == X86_IO && machine_continue(&m) == X86_OK && !m.x.trap,
	   "OUT beside a watched port");
	reset(armed(2, WATCH_PORT, LEN1), 2, 0x10);
	ok(RUN(&m, "\xe6\x10") == X86_IO && machine_continue(&m) == X86_OK && !m.x.trap,
	   "without CR4.DE there are no I/O breakpoints");
	reset(armed(2, WATCH_PORT, LEN4), 2, DATA);
	m.state.cr4 |= CR4_DE;
	WATCHES(MOV_STORE, 0, "memory at the number of a watched port");
}

static void test_debugger(void)
{
	u64 own[5] = { DATA, 0, 0, 0, armed(0, WATCH_WRITE, LEN4) };

	reset(armed(1, WATCH_WRITE, LEN4), 1, DATA);
	m.x.breakpoints = own;
	WATCHES(MOV_STORE, 1, "a debugger's breakpoints take the place of the state's");
	m.x.breakpoints = NULL;
}

/* ---- the whole bus --------------------------------------------------------------- */

static unsigned int taken, given;
static enum x86_result bus_answer;

static enum x86_result exclusive(void *opaque, bool on)
{
	(void)opaque;
	if (on && bus_answer != X86_OK)
		return bus_answer;
	taken += on;
	given += !on;
	return X86_OK;
}

static void reset_bus(struct x86_ops *ops, u64 address)
{
	machine_reset(&m, PROT32, 0);
	*ops = *m.env.ops;
	ops->exclusive = exclusive;
	m.env.ops = ops;
	m.state.gpr[X86_RBX] = address;
	m.state.gpr[X86_RAX] = 1;
	taken = given = 0;
	bus_answer = X86_OK;
}

#define LOCK_ADD "\xf0\x01\x03"		/* lock add [ebx], eax */

static void test_bus(void)
{
	const struct x86_ops *usual = m.env.ops;
	struct x86_ops ops;

	reset_bus(&ops, DATA + 0xffe);
	ok(RUN(&m, LOCK_ADD) == X86_OK && taken == 1 && given == 1,
	   "a locked operand in two pages has the bus to itself, once");
	ok_equal(machine_get(&m, DATA + 0xffe, 4), 1, "and is written");
	reset_bus(&ops, DATA + 0xffc);
	ok(RUN(&m, LOCK_ADD) == X86_OK && !taken, "one in one page needs no bus");
	reset_bus(&ops, DATA + 0xffe);
	ok(RUN(&m, "\x01\x03") == X86_OK && !taken, "nor does one that is not locked");
	reset_bus(&ops, DATA + 0xffe);
	bus_answer = X86_SIGNAL;
	ok(RUN(&m, LOCK_ADD) == X86_SIGNAL && !given && machine_untouched(&m),
	   "if the bus cannot be had nothing has happened");
	reset_bus(&ops, ROM_BASE - 2);
	ok(RUN(&m, LOCK_ADD) == X86_IO && taken == 1 && given == 1,
	   "the bus is given back while user space answers");
	m.env.ops = usual;
}

/* ---- what is not read -------------------------------------------------------------- */

static void test_not_read(void)
{
	machine_reset(&m, PROT32, 0);
	m.state.gpr[X86_RSP] = MMIO + 4;
	ok(RUN(&m, "\xc8\x00\x00\x00") == X86_IO && m.x.io.write && m.x.io.address == MMIO,
	   "ENTER on a stack in MMIO writes, and reads nothing");
	machine_reset(&m, PROT32, 0);
	m.state.gpr[X86_RSP] = STACK;
	m.state.gpr[X86_RBP] = 0x1234;
	m.state.seg[X86_SS].limit = STACK;
	m.state.seg[X86_SS].ar |= X86_AR_EC;
	FAULTS(&m, "\xc8\x00\x00\x00", X86_SS_FAULT, 0, "ENTER below an expand-down segment");
	machine_reset(&m, PROT32, 0);
	m.state.gpr[X86_RSP] = MMIO;
	ok(RUN(&m, "\x61") == X86_IO && m.x.io.address == MMIO, "POPA reads EDI first");
	for (unsigned int i = 1; i < 7; i++) {
		unsigned int place = i < 3 ? i : i + 1;

		ok(machine_continue(&m) == X86_IO && m.x.io.address == MMIO + 4 * place,
		   "POPA reads item %u, and none for ESP", place);
	}
	ok(machine_continue(&m) == X86_OK && m.state.gpr[X86_RSP] == MMIO + 32,
	   "ESP is behind all eight");
}

int main(void)
{
	test_data();
	test_ranges();
	test_ports();
	test_debugger();
	test_bus();
	test_not_read();
	return tap_done();
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The decoder of plain moves against the general one and the executor: whatever it takes for a
 * move is one to them, with the same access and the same result; and what drivers are made
 * of it takes. The executor as if it had been begun elsewhere, which is how a move ends that
 * somebody has looked at.
 */
#include "machine.h"
#include "move.h"
#include "random.h"
#include "tap.h"

#define ROUNDS 400000u

static struct machine m;

/* ---- any bytes ------------------------------------------------------------------ */

static bool same_description(const struct x86_move *move, const struct x86_insn *insn)
{
	bool moves = insn->op == OP_MOV || insn->op == OP_MOVZX8 || insn->op == OP_MOVZX16 ||
		     insn->op == OP_MOVSX8 || insn->op == OP_MOVSX16;

	return moves && insn->length == move->length && insn->memory && !insn->lock &&
	       !insn->repeat && !insn->segment_override && insn->address_size == 8 &&
	       insn->base == move->base && insn->index == move->index &&
	       (insn->index == X86_GPRS || insn->scale == move->scale) &&
	       insn->rip_relative == move->rip_relative &&
	       insn->displacement == move->displacement;
}

static void random_bytes(u8 bytes[X86_MOVE_BYTES])
{
	static const u8 likely[] = { 0x66, 0x40, 0x48, 0x4f, 0x88, 0x89, 0x8a, 0x8b, 0xc6, 0xc7,
				     0x0f, 0xb6, 0xb7, 0xbe, 0xbf, 0x05, 0x04, 0x44, 0x84, 0x25 };

	for (unsigned int i = 0; i < X86_MOVE_BYTES; i++)
		bytes[i] = i < 5 && random_below(2) ? likely[random_below(ARRAY_SIZE(likely))] :
						      random_next();
}

static void test_bytes(void)
{
	struct x86_decode_mode mode = { .bits = 64, .vex = true };
	unsigned int moves = 0, wrong = 0;

	for (unsigned int i = 0; i < ROUNDS; i++) {
		u8 bytes[X86_MOVE_BYTES];
		struct x86_insn insn;
		struct x86_move move;

		random_bytes(bytes);
		if (!x86_decode_move(&move, bytes))
			continue;
		moves++;
		if (x86_decode(&insn, bytes, X86_INSN_MAX, &mode) == DECODE_OK &&
		    same_description(&move, &insn))
			continue;
		if (!wrong++)
			note("%02x %02x %02x %02x %02x %02x: %u bytes as a move, %u as any",
			     bytes[0], bytes[1], bytes[2], bytes[3], bytes[4], bytes[5],
			     move.length, insn.length);
	}
	ok_equal(wrong, 0, "what is decoded as a move is one");
	ok(moves > ROUNDS / 50, "and there were many");
}

/* ---- what they do ------------------------------------------------------------------ */

/* The operand comes to an address, by the base register or from RIP: false if neither can. */
static bool aim(struct x86_move *move, u8 *bytes, u64 address)
{
	u64 *gpr = m.state.gpr;
	unsigned int constant = move->constant ? (move->size == 8 ? 4 : move->size) : 0;
	u32 displacement = (u32)(address - m.state.rip - move->length);

	if (move->rip_relative) {
		memcpy(bytes + move->length - constant - 4, &displacement, 4);
		return x86_decode_move(move, bytes);
	}
	if (move->base == X86_GPRS || move->base == move->index)
		return false;
	gpr[move->base] += address - x86_move_offset(move, gpr, m.state.rip);
	return true;
}

/* One move at MMIO by the executor, and as the decoder of moves has it. */
static bool same_effect(const struct x86_move *move, const u8 *bytes)
{
	enum x86_result result = machine_run(&m, bytes, X86_MOVE_BYTES);
	struct x86_state expected = m.state;
	u64 answer = random_next(), value = 0;

	if (result != X86_IO || m.x.io.size != move->size || m.x.io.write != move->write ||
	    m.x.io.address != x86_move_offset(move, expected.gpr, expected.rip))
		return false;
	memcpy(&value, m.x.io.data, move->size);
	if (move->write && value != x86_move_value(move, expected.gpr))
		return false;
	expected.rip += move->length;
	if (!move->write) {
		memcpy(m.x.io.data, &answer, move->size);
		expected.gpr[move->reg] = x86_move_result(move, expected.gpr[move->reg], answer);
	}
	return machine_continue(&m) == X86_OK && !memcmp(&m.state, &expected, sizeof(expected));
}

static void test_effects(void)
{
	unsigned int done = 0, wrong = 0;

	for (unsigned int i = 0; i < ROUNDS && done < 3000; i++) {
		u8 bytes[X86_MOVE_BYTES];
		struct x86_move move;

		random_bytes(bytes);
		if (!x86_decode_move(&move, bytes))
			continue;
		if (!done)
			machine_reset(&m, LONG64, 0);
		m.state.rip = CODE;
		for (unsigned int r = 0; r < X86_GPRS; r++)
			m.state.gpr[r] = random_next();
		if (!aim(&move, bytes, MMIO + random_below(0xff0)))
			continue;
		done++;
		if (!same_effect(&move, bytes) && !wrong++)
			note("%02x %02x %02x %02x %02x %02x %02x", bytes[0], bytes[1], bytes[2],
			     bytes[3], bytes[4], bytes[5], bytes[6]);
	}
	ok_equal(wrong, 0, "moves do what the executor does");
	ok_equal(done, 3000, "all of them");
}

/* ---- what must be among them ----------------------------------------------------- */

static const struct {
	const char *name;
	u8 bytes[X86_MOVE_BYTES];
	bool taken;
} forms[] = {
	{ "mov [rbx], al", { 0x88, 0x03 }, true },
	{ "mov [rbx], eax", { 0x89, 0x03 }, true },
	{ "mov [rbx], ax", { 0x66, 0x89, 0x03 }, true },
	{ "mov [rbx], rax", { 0x48, 0x89, 0x03 }, true },
	{ "mov [r8], sil", { 0x41, 0x88, 0x30 }, true },
	{ "mov al, [rbx]", { 0x8a, 0x03 }, true },
	{ "mov eax, [rbx + 10h]", { 0x8b, 0x43, 0x10 }, true },
	{ "mov rax, [rip + 10h]", { 0x48, 0x8b, 0x05, 0x10 }, true },
	{ "mov r9, [rax + 4 * rcx + 10h]", { 0x4c, 0x8b, 0x4c, 0x88, 0x10 }, true },
	{ "mov eax, [10h]", { 0x8b, 0x04, 0x25, 0x10 }, true },
	{ "mov byte [rbx], 1", { 0xc6, 0x03, 0x01 }, true },
	{ "mov dword [rbx], 1", { 0xc7, 0x03, 0x01 }, true },
	{ "mov word [rbx], 1", { 0x66, 0xc7, 0x03, 0x01 }, true },
	{ "mov qword [rbx], -1", { 0x48, 0xc7, 0x03, 0xff, 0xff, 0xff, 0xff }, true },
	{ "movzx eax, byte [rbx]", { 0x0f, 0xb6, 0x03 }, true },
	{ "movzx eax, word [rbx]", { 0x0f, 0xb7, 0x03 }, true },
	{ "movsx rax, byte [rbx]", { 0x48, 0x0f, 0xbe, 0x03 }, true },
	{ "movsx ax, byte [rbx]", { 0x66, 0x0f, 0xbe, 0x03 }, true },
	{ "mov ebx, eax", { 0x89, 0xc3 }, false },
	{ "mov [rbx], ah", { 0x88, 0x23 }, false },
	{ "mov ah, [rbx]", { 0x8a, 0x23 }, false },
	{ "xabort 1", { 0xc6, 0xf8, 0x01 }, false },
	{ "C6 /1", { 0xc6, 0x0b, 0x01 }, false },
	{ "add [rbx], eax", { 0x01, 0x03 }, false },
	{ "lock mov [rbx], eax", { 0xf0, 0x89, 0x03 }, false },
	{ "mov [gs:rbx], eax", { 0x65, 0x89, 0x03 }, false },
	{ "mov [ebx], eax", { 0x67, 0x89, 0x03 }, false },
	{ "popcnt eax, [rbx]", { 0xf3, 0x0f, 0xb8, 0x03 }, false },
	{ "bsf eax, [rbx]", { 0x0f, 0xbc, 0x03 }, false },
};

static void test_forms(void)
{
	struct x86_move move;

	for (unsigned int i = 0; i < ARRAY_SIZE(forms); i++)
		ok_equal(x86_decode_move(&move, forms[i].bytes), forms[i].taken, "%s: is %sone",
			 forms[i].name, forms[i].taken ? "" : "not ");
}

/* ---- begun elsewhere ----------------------------------------------------------------- */

static const u8 load[] = { 0x8b, 0x03 };	/* mov eax, [rbx] */

static void begin(u64 address)
{
	machine_reset(&m, LONG64, 0);
	m.state.gpr[X86_RAX] = ~0ull;
	m.state.gpr[X86_RBX] = address;
	memcpy(m.ram + CODE, load, sizeof(load));
}

static void test_asked(void)
{
	struct x86_io read = { .address = MMIO + 8, .size = 4, .count = 1 };
	struct x86_io write = { .address = MMIO + 8, .size = 4, .write = true, .count = 1 };

	begin(MMIO + 8);
	x86_exec_asked(&m.x, &read, CODE + 2);
	ok(x86_exec_waits(&m.x), "a read waits for its answer");
	memcpy(m.x.io.data, "\x78\x56\x34\x12", 4);
	ok(machine_continue(&m) == X86_OK && m.state.gpr[X86_RAX] == 0x12345678 &&
	   m.state.rip == CODE + 2, "and ends with it");
	begin(MMIO + 16);
	x86_exec_asked(&m.x, &read, CODE + 2);
	memcpy(m.x.io.data, "\x78\x56\x34\x12", 4);
	ok(machine_continue(&m) == X86_IO && m.x.io.address == MMIO + 16 && m.state.rip == CODE,
	   "an answer from elsewhere is none, if the address has changed meanwhile");
	begin(DATA);
	machine_put(&m, DATA, 0x55aa, 4);
	x86_exec_asked(&m.x, &read, CODE + 2);
	ok(machine_continue(&m) == X86_OK && m.state.gpr[X86_RAX] == 0x55aa,
	   "and not wanted, if there is memory now");
	begin(MMIO + 8);
	m.state.rflags |= X86_FLAG_RF;
	x86_exec_asked(&m.x, &write, CODE + 2);
	ok(x86_exec_waits(&m.x), "a write waits, too");
	ok(machine_continue(&m) == X86_OK && m.state.rip == CODE + 2 &&
	   m.state.gpr[X86_RAX] == ~0ull && !(m.state.rflags & X86_FLAG_RF) && !m.written,
	   "and has been made: the next instruction is next");
	ok(!x86_exec_waits(&m.x), "and nothing is left to do");
}

int main(void)
{
	random_begin(11);
	test_bytes();
	test_effects();
	test_forms();
	test_asked();
	return tap_done();
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Instructions by chance: opcodes of the module's own tables with any prefixes and operands,
 * those that reach a hypervisor more often, and bytes that are no instruction. The module's
 * decoder says where an instruction ends.
 */
#include <string.h>

#include "decode.h"
#include "fuzz.h"

static const uint8_t prefixes[] = {
	0x66, 0x67, 0xf2, 0xf3, 0xf0, 0x2e, 0x36, 0x3e, 0x26, 0x64, 0x65, 0x66, 0x67,
};

/* What exits, switches or faults. Bytes after those given are any. */
static const struct {
	uint8_t length;
	uint8_t bytes[7];
} special[] = {
	{ 1, { 0xf4 } }, { 1, { 0xfa } }, { 1, { 0xfb } }, { 1, { 0x9d } }, { 1, { 0xcf } },
	{ 1, { 0xcc } }, { 1, { 0xcd } }, { 1, { 0xce } }, { 1, { 0xf1 } }, { 1, { 0x6c } },
	{ 1, { 0x6d } }, { 1, { 0x6e } }, { 1, { 0x6f } }, { 2, { 0xf3, 0x6c } },
	{ 2, { 0xf3, 0x6e } }, { 2, { 0xf3, 0x6f } }, { 2, { 0xf3, 0xa4 } }, { 2, { 0xf3, 0xa5 } },
	{ 2, { 0xf3, 0xaa } }, { 2, { 0xf2, 0xae } }, { 1, { 0xe4 } }, { 1, { 0xe7 } },
	{ 1, { 0xec } }, { 1, { 0xef } }, { 2, { 0x0f, 0x00 } }, { 2, { 0x0f, 0x01 } },
	{ 2, { 0x0f, 0x05 } }, { 2, { 0x0f, 0x06 } }, { 2, { 0x0f, 0x07 } }, { 2, { 0x0f, 0x08 } },
	{ 2, { 0x0f, 0x09 } }, { 2, { 0x0f, 0x0b } }, { 2, { 0x0f, 0x20 } }, { 2, { 0x0f, 0x21 } },
	{ 2, { 0x0f, 0x22 } }, { 2, { 0x0f, 0x22 } }, { 2, { 0x0f, 0x23 } }, { 2, { 0x0f, 0x30 } },
	{ 2, { 0x0f, 0x31 } }, { 2, { 0x0f, 0x32 } }, { 2, { 0x0f, 0x33 } }, { 2, { 0x0f, 0x34 } },
	{ 2, { 0x0f, 0x35 } }, { 2, { 0x0f, 0xa2 } }, { 2, { 0x0f, 0xaa } }, { 2, { 0x0f, 0xae } },
	{ 2, { 0x0f, 0xc7 } }, { 3, { 0x0f, 0x01, 0xc1 } }, { 3, { 0x0f, 0x01, 0xd9 } },
	{ 3, { 0x0f, 0x01, 0xd0 } }, { 3, { 0x0f, 0x01, 0xd1 } }, { 3, { 0x0f, 0x01, 0xd8 } },
	{ 3, { 0x0f, 0x01, 0xda } }, { 3, { 0x0f, 0x01, 0xdb } }, { 3, { 0x0f, 0x01, 0xdd } },
	{ 3, { 0x0f, 0x01, 0xde } }, { 3, { 0x0f, 0x01, 0xdf } }, { 3, { 0x0f, 0x01, 0xc8 } },
	{ 3, { 0x0f, 0x01, 0xc9 } }, { 3, { 0x0f, 0x01, 0xf8 } }, { 3, { 0x0f, 0x01, 0xf9 } },
	{ 4, { 0x66, 0x0f, 0x38, 0x82 } }, { 2, { 0xeb, 0xfe } }, { 2, { 0xf3, 0x90 } },
	{ 1, { 0x9a } }, { 1, { 0xea } }, { 1, { 0xca } }, { 1, { 0xcb } }, { 1, { 0x8e } },
	{ 2, { 0x8e, 0xd0 } }, { 1, { 0x17 } }, { 1, { 0xc4 } }, { 1, { 0x62 } }, { 1, { 0xc8 } },
	{ 1, { 0xff } }, { 1, { 0xd9 } }, { 1, { 0xdd } }, { 1, { 0xdb } }, { 2, { 0x0f, 0xe7 } },
};

/* An opcode that the tables have, with its map's escape; the number of bytes. */
static unsigned int opcode(struct chance *chance, uint8_t *code)
{
	const struct x86_opcode *table = x86_opcodes_one;
	unsigned int at = 0, tries = 0;
	uint8_t byte;

	if (chance_of(chance, 4)) {
		code[at++] = 0x0f;
		code[at++] = chance_of(chance, 50) ? 0x38 : 0x3a;
		code[at++] = (uint8_t)chance_next(chance);
		return at;
	}
	if (chance_of(chance, 40)) {
		table = x86_opcodes_0f;
		code[at++] = 0x0f;
	}
	do {
		byte = (uint8_t)chance_next(chance);
	} while (!table[byte].op && tries++ < 8);
	code[at++] = byte;
	return at;
}

/* The bytes up to the opcode. */
static unsigned int head(struct chance *chance, unsigned int bits, uint8_t *code)
{
	unsigned int at = 0;

	/* Now and then it is executed by the module. */
	if (chance_of(chance, 15)) {
		memcpy(code, "\x0f\x0bkvm", 5);
		return 5;
	}
	while (at < 4 && chance_of(chance, at ? 15 : 30))
		code[at++] = prefixes[chance_below(chance, COUNT(prefixes))];
	if (bits == 64 && chance_of(chance, 40))
		code[at++] = 0x40 | (chance_next(chance) & 15);
	return at;
}

/* Of a whole page of possible operands those near what registers point to are worth most. */
static void operand(struct chance *chance, uint8_t *code)
{
	if (!chance_of(chance, 60))
		return;
	/* ModRM with a base register and a small displacement. */
	code[0] = (code[0] & 0x3f) | (chance_of(chance, 50) ? 0x40 : 0);
	code[1] &= 0x3f;
}

unsigned int insn_make(struct chance *chance, unsigned int bits, uint8_t code[CODE_MAX])
{
	const struct x86_decode_mode mode = { .bits = (u8)bits, .vex = bits != 16, .amd = true };
	struct x86_insn insn;
	unsigned int start, at;

	chance_bytes(chance, code, CODE_MAX);
	if (chance_of(chance, 5))
		return 1 + (unsigned int)chance_below(chance, CODE_MAX);
	start = at = head(chance, bits, code);
	if (at == 5 && !memcmp(code, "\x0f\x0bkvm", 5) && chance_of(chance, 25))
		at += head(chance, bits, code + at) % 5;
	if (chance_of(chance, 40)) {
		unsigned int i = (unsigned int)chance_below(chance, COUNT(special));

		memcpy(code + at, special[i].bytes, special[i].length);
		at += special[i].length;
	} else {
		at += opcode(chance, code + at);
	}
	if (at < CODE_MAX - 1)
		operand(chance, code + at);
	/* The forced-emulation prefix is none of the instruction's bytes. */
	if (start != 5)
		start = 0;
	memset(&insn, 0, sizeof(insn));
	if (x86_decode(&insn, code + start, CODE_MAX - start, &mode) == DECODE_SHORT)
		return CODE_MAX;
	at = start + insn.length;
	return at && at <= CODE_MAX ? at : CODE_MAX;
}

/* LOCK before a bit test whose operand is a register: #UD, over which QEMU 7.2 ends itself. */
static bool locked_register(const uint8_t *code)
{
	return code[0] == 0x0f && code[2] >= 0xc0 &&
	       ((code[1] & 0xe7) == 0xa3 || code[1] == 0xba);
}

/*
 * LTR: QEMU takes a null selector, which is #GP, and ends itself when it next needs the TSS;
 * or when the module has made the TSS in TR busy, as it is to be.
 */
static bool loads_tr(const uint8_t *code)
{
	return code[0] == 0x0f && !code[1] && (code[2] >> 3 & 7) == 3;
}

/* In maps 0F38 and 0F3A, what exists with VEX alone: #UD without; QEMU follows a null pointer. */
static bool without_vex(const uint8_t *code)
{
	uint8_t byte = code[2];

	if (code[0] != 0x0f || (code[1] != 0x38 && code[1] != 0x3a))
		return false;
	if (code[1] == 0x3a)
		return byte < 8 || (byte >= 0x18 && byte < 0x20) || (byte >= 0x23 && byte < 0x40) ||
		       (byte >= 0x43 && byte < 0x60) || (byte >= 0x64 && byte < 0xcc);
	return (byte >= 0x0c && byte < 0x10) || (byte > 0x10 && byte < 0x14) || byte == 0x16 ||
	       (byte >= 0x18 && byte < 0x1c) || (byte >= 0x2c && byte < 0x30) || byte == 0x36 ||
	       (byte >= 0x42 && byte < 0x80) || (byte >= 0x83 && byte < 0xc8);
}

void insn_spare_qemu(uint8_t *code, unsigned int size)
{
	for (unsigned int i = 0; i + 2 < size; i++) {
		if (loads_tr(code + i))
			code[i + 2] ^= 8;	/* LLDT */
		if (without_vex(code + i))
			code[i + 2] = code[i + 1] == 0x38 ? 0x1c : 0x0f;
		if (!locked_register(code + i))
			continue;
		for (unsigned int j = i > 4 ? i - 4 : 0; j < i; j++) {
			if (code[j] == 0xf0)
				code[j] = 0x90;
		}
	}
}

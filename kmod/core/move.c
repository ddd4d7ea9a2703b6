// SPDX-License-Identifier: GPL-2.0-only
/* The decoder of plain moves (SDM 2 2.1.3 to 2.1.5, 2.2.1, and MOV, MOVSX, MOVZX). */
#include "move.h"

#define REX_W 8u
#define REX_R 4u
#define REX_X 2u
#define REX_B 1u

#define RM_SIB 4u		/* ModRM.rm: a SIB byte follows; SIB.index: none */
#define RM_DISPLACEMENT 5u	/* with mod 0: no base register */

static s64 signed_at(const u8 *at, unsigned int size)
{
	s8 byte;
	s16 word;
	s32 dword;

	switch (size) {
	case 1:
		memcpy(&byte, at, sizeof(byte));
		return byte;
	case 2:
		memcpy(&word, at, sizeof(word));
		return word;
	default:
		memcpy(&dword, at, sizeof(dword));
		return dword;
	}
}

/* What the opcode moves where; operand: the size by prefixes. False: no such move. */
static bool opcode(struct x86_move *move, u8 byte, unsigned int operand)
{
	move->size = byte & 1 ? operand : 1;
	move->width = move->size;
	switch (byte) {
	case 0x88:
	case 0x89:
		move->write = true;
		return true;
	case 0x8a:
	case 0x8b:
		return true;
	case 0xc6:
	case 0xc7:
		move->write = move->constant = true;
		return true;
	default:
		return false;
	}
}

static bool opcode_0f(struct x86_move *move, u8 byte, unsigned int operand)
{
	if ((byte & 0xf6) != 0xb6)
		return false;
	move->size = byte & 1 ? 2 : 1;
	move->width = operand;
	move->sign = byte & 8;
	return true;
}

/* ModRM and what belongs to it; behind it, or NULL if the operand is a register. */
static const u8 *operand(struct x86_move *move, const u8 *at, unsigned int rex)
{
	u8 modrm = *at++, mod = modrm >> 6, rm = modrm & 7, sib;
	unsigned int size = mod == 1 ? 1 : mod == 2 ? 4 : 0;

	move->reg = (modrm >> 3 & 7) | (rex & REX_R) << 1;
	move->base = move->index = X86_GPRS;
	if (mod == 3)
		return NULL;
	if (rm == RM_SIB) {
		sib = *at++;
		rm = sib & 7;
		move->scale = sib >> 6;
		if ((sib >> 3 & 7) != RM_SIB || rex & REX_X)
			move->index = (sib >> 3 & 7) | (rex & REX_X) << 2;
		if (mod || rm != RM_DISPLACEMENT)
			move->base = rm | (rex & REX_B) << 3;
	} else if (mod || rm != RM_DISPLACEMENT) {
		move->base = rm | (rex & REX_B) << 3;
	} else {
		move->rip_relative = true;
	}
	if (!mod && rm == RM_DISPLACEMENT)
		size = 4;
	if (size)
		move->displacement = signed_at(at, size);
	return at + size;
}

bool x86_decode_move(struct x86_move *move, const u8 bytes[X86_MOVE_BYTES])
{
	const u8 *at = bytes;
	unsigned int size = 4, rex = 0;

	*move = (struct x86_move){ .size = 0 };
	if (*at == 0x66) {
		size = 2;
		at++;
	}
	if ((*at & 0xf0) == 0x40)
		rex = *at++;
	if (rex & REX_W)
		size = 8;
	if (*at == 0x0f ? !opcode_0f(move, at[1], size) : !opcode(move, *at, size))
		return false;
	at = operand(move, at + (*at == 0x0f ? 2 : 1), rex);
	if (!at)
		return false;
	if (move->constant) {
		size = move->size == 8 ? 4 : move->size;
		move->immediate = signed_at(at, size);
		at += size;
		/* The others of the group are not there, or are not moves (SDM 2 table A-6). */
		if (move->reg & 7)
			return false;
	} else if ((move->write ? move->size : move->width) == 1 && !rex && move->reg >= X86_RSP) {
		return false;	/* AH to BH */
	}
	move->length = at - bytes;
	return true;
}

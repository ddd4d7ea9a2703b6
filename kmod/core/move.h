/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The moves that drivers use on devices, decoded in a fraction of the time: MOV between memory
 * and a register, of an immediate to memory, MOVZX and MOVSX from memory, in 64-bit code,
 * with no prefix but 66h and REX. What it says of them is what x86_decode() says.
 */
#pragma once

#include "decode.h"

#define X86_MOVE_BYTES 16	/* that can be read where it begins */

struct x86_move {
	u8 length;		/* of the instruction in bytes */
	u8 size;		/* of the memory operand: 1, 2, 4 or 8 bytes */
	bool write;		/* to memory */
	bool constant;		/* what is written is the immediate */
	bool sign;		/* what is read is sign-extended to width, else zero-extended */
	u8 reg;			/* enum x86_gpr: its low bytes */
	u8 width;		/* of the register, if it is written: 1, 2, 4 or 8 bytes */
	u8 base, index, scale;	/* of the address; X86_GPRS: none */
	bool rip_relative;
	s64 displacement;
	u64 immediate;		/* sign-extended */
};

/* False if the bytes are anything else. */
bool x86_decode_move(struct x86_move *move, const u8 bytes[X86_MOVE_BYTES]);

/* The offset of its operand, RIP being that of the instruction. */
static inline u64 x86_move_offset(const struct x86_move *move, const u64 gpr[X86_GPRS], u64 rip)
{
	u64 offset = move->displacement;

	if (move->rip_relative)
		offset += rip + move->length;
	if (move->base != X86_GPRS)
		offset += gpr[move->base];
	if (move->index != X86_GPRS)
		offset += gpr[move->index] << move->scale;
	return offset;
}

/* What is written: `size` bytes count, the others are 0. */
static inline u64 x86_move_value(const struct x86_move *move, const u64 gpr[X86_GPRS])
{
	u64 value = move->constant ? move->immediate : gpr[move->reg];

	return move->size == 8 ? value : value & ((1ull << (8 * move->size)) - 1);
}

/* What the register becomes when `data` was read, of which `size` bytes count. */
static inline u64 x86_move_result(const struct x86_move *move, u64 old, u64 data)
{
	unsigned int unused = 64 - 8 * move->size;

	data = move->sign ? (u64)((s64)(data << unused) >> unused) : data << unused >> unused;
	/* 32 bits clear the upper half, fewer keep all that is above (SDM 1 3.4.1.1). */
	if (move->width == 8)
		return data;
	if (move->width == 4)
		return (u32)data;
	unused = 64 - 8 * move->width;
	return (old >> (64 - unused) << (64 - unused)) | data << unused >> unused;
}

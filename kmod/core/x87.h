/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One x87 instruction made by the processor that this runs on, with registers and operand
 * that are a guest's: what it computes is exact because nobody else computes it.
 */
#pragma once

#include "port.h"

/* The registers as FNSAVE lays them out in 32-bit protected mode (SDM 1 figure 8-11). */
struct x87_registers {
	u32 fcw, fsw;
	u32 ftw;		/* two bits for each register, by number; 3: it is empty */
	u32 pointers[4];	/* of no account here */
	u8 st[8][10];		/* ST0 first */
};

#define X87_EMPTY 3u

/*
 * Makes the instruction of these two bytes, D8h to DFh and ModRM. Its memory operand, if it
 * has one, is 10 bytes at operand; control instructions have none here. In regs->fsw no
 * exception is pending before. CF, PF, ZF, SF, AF and OF of *rflags are read and written.
 * False: there is no such instruction, and nothing has changed.
 */
bool x87_run(struct x87_registers *regs, u8 opcode, u8 modrm, void *operand, u64 *rflags);

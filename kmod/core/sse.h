/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One SSE instruction made by the processor that this runs on, with operands that are a
 * guest's: what it computes is exact because nobody else computes it.
 */
#pragma once

#include "port.h"

/* MXCSR (SDM 1 10.2.3): exceptions, and 7 bits above each its mask. */
#define MXCSR_BEFORE 0x07u	/* invalid, denormal, divide-by-zero: before anything is computed */
#define MXCSR_OVERFLOW 0x08u
#define MXCSR_UNDERFLOW 0x10u
#define MXCSR_INEXACT 0x20u
#define MXCSR_EXCEPTIONS 0x3fu
#define MXCSR_MASK_SHIFT 7

/*
 * Makes the instruction of 0F, this opcode and this mandatory prefix (0x66, 0xf2, 0xf3 or 0):
 * dst and src are the 16 bytes of its operands. Every exception must be masked in *mxcsr, whose
 * flags it adds to. COMISS and its like leave dst, and write the status flags of *rflags.
 * False: there is no such instruction here, and nothing has changed.
 */
bool sse_run(u8 opcode, u8 prefix, u8 dst[16], const u8 src[16], u32 *mxcsr, u64 *rflags);

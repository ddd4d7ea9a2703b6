/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The FPU's image as FXSAVE lays it out (SDM 1 10.5.1), for the executors that work on it:
 * where things are, and whether an instruction may be executed.
 */
#pragma once

#include "exec_parts.h"

#define FX_FCW 0
#define FX_FSW 2
#define FX_FTW 4		/* a bit for each register: it is not empty */
#define FX_FOP 6
#define FX_FIP 8
#define FX_FDP 16
#define FX_MXCSR 24
#define FX_MXCSR_MASK 28
#define MXCSR_DEFINED 0xffffu	/* LDMXCSR of another bit is #GP (SDM 1 10.2.3) */
#define FX_ST 32		/* eight of 16 bytes, ST0 first */
#define FX_XMM 160		/* sixteen of 16 bytes */
#define FX_SIZE 512
#define YMM_SIZE 256		/* the upper halves of sixteen registers */

/* FSW (SDM 1 8.1.3) */
#define FSW_IE 0x0001u
#define FSW_DE 0x0002u
#define FSW_OE 0x0008u
#define FSW_UE 0x0010u
#define FSW_PE 0x0020u
#define FSW_SF 0x0040u
#define FSW_EXCEPTIONS 0x003fu	/* the six that FCW masks */
#define FSW_ES 0x0080u
#define FSW_C1 0x0200u
#define FSW_TOP 0x3800u
#define FSW_TOP_SHIFT 11
#define FSW_B 0x8000u

/* Makes the copy to work on; false if there is no FPU to look at. */
bool exec_take_fpu(struct x86_exec *x);
/* The same, and the upper halves of the YMM registers with it. */
bool exec_take_ymm(struct x86_exec *x);

/* #NM with CR0.EM or TS. */
enum x86_result exec_check_x87(struct x86_exec *x);
/* #MF, if an exception of an earlier instruction waits (SDM 1 8.7). */
enum x86_result exec_check_pending(struct x86_exec *x);
/* SSE: #UD without CR4.OSFXSR or with EM, #NM with TS. */
enum x86_result exec_check_sse(struct x86_exec *x);
/* An XMM register's 16 bytes in the copy. */
u8 *exec_xmm(struct x86_exec *x, unsigned int number);
/* exec_sse.c: a move whose operands are both registers. */
enum x86_result exec_sse_registers(struct x86_exec *x);
/* What MOVSLDUP, MOVSHDUP and MOVDDUP make of 16 bytes. */
void exec_sse_spread(const struct x86_insn *insn, u8 value[16]);
/* exec_fpu.c: a move between MMX registers, or between one and another register. */
enum x86_result exec_mmx_registers(struct x86_exec *x);
/* MMX: #UD with EM, #NM with TS, #MF, in that order (SDM 2 table 23-4 on). */
enum x86_result exec_check_mmx(struct x86_exec *x);

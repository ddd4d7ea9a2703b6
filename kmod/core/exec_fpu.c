// SPDX-License-Identifier: GPL-2.0-only
/*
 * Moves between memory and XMM or MMX registers, and the instructions that save and load
 * them, on an image of the FPU as FXSAVE lays it out (SDM 1 10.5.1). Arithmetic is not
 * done here: it stays with the processor.
 */
#include "exec_parts.h"

#define FX_FCW 0
#define FX_FSW 2
#define FX_FTW 4
#define FX_MXCSR 24
#define FX_MXCSR_MASK 28
#define FX_ST 32		/* eight of 16 bytes */
#define FX_XMM 160		/* sixteen of 16 bytes */
#define FX_SIZE 512
#define MXCSR_DEFINED 0xffffu

/* Makes the copy to work on; false if there is no FPU to look at. */
static bool take_fpu(struct x86_exec *x)
{
	if (!x->fpu_image)
		return false;
	memcpy(x->fpu, x->fpu_image, FX_SIZE);
	x->fpu_taken = true;
	return true;
}

/* ---- whether they may be executed (SDM 2 2.4, exception types) --------------------------- */

static enum x86_result check_x87(struct x86_exec *x)
{
	return x->s.cr0 & (CR0_EM | CR0_TS) ? exec_fault(x, X86_NM) : X86_OK;
}

static enum x86_result check_mmx(struct x86_exec *x)
{
	if (x->s.cr0 & CR0_EM)
		return exec_ud(x);
	return x->s.cr0 & CR0_TS ? exec_fault(x, X86_NM) : X86_OK;
}

static enum x86_result check_sse(struct x86_exec *x)
{
	if (!(x->s.cr4 & CR4_OSFXSR))
		return exec_ud(x);
	return check_mmx(x);
}

/* ---- moves of XMM and MMX registers --------------------------------------------------------- */

static u8 *xmm(struct x86_exec *x, unsigned int number)
{
	return x->fpu + FX_XMM + 16 * number;
}

/* An MMX register is the low 8 bytes of an x87 register by number, not by stack position. */
static u8 *mmx(struct x86_exec *x, unsigned int number)
{
	unsigned int top = x->fpu[FX_FSW + 1] >> 3 & 7;

	return x->fpu + FX_ST + 16 * ((number - top) & 7);
}

/* Any MMX instruction makes all tags valid and TOP 0; a write, the exponent all ones. */
static void touch_mmx(struct x86_exec *x)
{
	u8 *st = x->fpu + FX_ST, moved[8][16];
	unsigned int top = x->fpu[FX_FSW + 1] >> 3 & 7;

	for (unsigned int i = 0; i < 8; i++)
		memcpy(moved[(i + top) & 7], st + 16 * i, 16);
	memcpy(st, moved, sizeof(moved));
	x->fpu[FX_FSW + 1] &= ~0x38;
	x->fpu[FX_FTW] = 0xff;
}

/* One row for each way to move: opcode with mandatory prefix (0x66, 0xf2, 0xf3 or 0). */
struct move {
	u8 opcode, prefix;
	u8 bytes;		/* 0: 4, or 8 with REX.W */
	bool store, mmx;
	bool aligned;		/* to 16 bytes, else #GP */
	bool high;		/* the upper half of the XMM register */
	bool merges;		/* a load leaves the other bytes of the register */
	bool general;		/* the register form names a general register */
};

static const struct move moves[] = {
	{ 0x10, 0x00, 16, .store = false }, { 0x10, 0x66, 16, .store = false },
	{ 0x10, 0xf3, 4, .store = false }, { 0x10, 0xf2, 8, .store = false },
	{ 0x11, 0x00, 16, .store = true }, { 0x11, 0x66, 16, .store = true },
	{ 0x11, 0xf3, 4, .store = true }, { 0x11, 0xf2, 8, .store = true },
	{ 0x12, 0x00, 8, .merges = true }, { 0x12, 0x66, 8, .merges = true },
	{ 0x13, 0x00, 8, .store = true }, { 0x13, 0x66, 8, .store = true },
	{ 0x16, 0x00, 8, .merges = true, .high = true },
	{ 0x16, 0x66, 8, .merges = true, .high = true },
	{ 0x17, 0x00, 8, .store = true, .high = true },
	{ 0x17, 0x66, 8, .store = true, .high = true },
	{ 0x28, 0x00, 16, .aligned = true }, { 0x28, 0x66, 16, .aligned = true },
	{ 0x29, 0x00, 16, .store = true, .aligned = true },
	{ 0x29, 0x66, 16, .store = true, .aligned = true },
	{ 0x2b, 0x00, 16, .store = true, .aligned = true },
	{ 0x2b, 0x66, 16, .store = true, .aligned = true },
	{ 0x6e, 0x00, 0, .mmx = true, .general = true }, { 0x6e, 0x66, 0, .general = true },
	{ 0x6f, 0x00, 8, .mmx = true }, { 0x6f, 0x66, 16, .aligned = true },
	{ 0x6f, 0xf3, 16, .store = false },
	{ 0x7e, 0x00, 0, .store = true, .mmx = true, .general = true },
	{ 0x7e, 0x66, 0, .store = true, .general = true }, { 0x7e, 0xf3, 8, .store = false },
	{ 0x7f, 0x00, 8, .store = true, .mmx = true },
	{ 0x7f, 0x66, 16, .store = true, .aligned = true }, { 0x7f, 0xf3, 16, .store = true },
	{ 0xd6, 0x66, 8, .store = true }, { 0xe7, 0x00, 8, .store = true, .mmx = true },
	{ 0xe7, 0x66, 16, .store = true, .aligned = true },
};

static const struct move *find_move(const struct x86_insn *insn)
{
	u8 prefix = insn->repeat ? insn->repeat : insn->operand_prefix ? 0x66 : 0;

	for (unsigned int i = 0; i < ARRAY_SIZE(moves); i++) {
		if (moves[i].opcode == insn->opcode && moves[i].prefix == prefix)
			return &moves[i];
	}
	return NULL;
}

static enum x86_result move_memory(struct x86_exec *x, const struct move *move, u8 *reg,
				   unsigned int bytes)
{
	u64 offset = exec_offset(x), linear;
	enum x86_result result;
	u8 value[16];

	result = exec_linear(x, x->insn.segment, offset, bytes, move->store ? EXEC_WRITE : 0,
			     &linear);
	if (result != X86_OK)
		return result;
	if (move->aligned && linear & 15)
		return exec_gp0(x);
	if (move->store)
		return exec_write_linear(x, linear, reg, bytes, 0);
	result = exec_read_linear(x, linear, value, bytes, 0);
	if (result != X86_OK)
		return result;
	if (!move->merges && !move->mmx)
		memset(reg, 0, 16);
	if (move->mmx) {
		memset(reg, 0, 8);
		reg[8] = reg[9] = 0xff;
	}
	memcpy(reg, value, bytes);
	return X86_OK;
}

/* Only with memory: between registers nothing needs a hypervisor. */
enum x86_result exec_sse_move(struct x86_exec *x)
{
	const struct move *move = find_move(&x->insn);
	enum x86_result result;
	unsigned int bytes;

	if (!move || !x->insn.memory || !take_fpu(x))
		return X86_UNIMPLEMENTED;
	result = move->mmx ? check_mmx(x) : check_sse(x);
	if (result != X86_OK)
		return result;
	bytes = move->bytes ? move->bytes : x->insn.rex & 8 ? 8 : 4;
	if (move->mmx) {
		touch_mmx(x);
		return move_memory(x, move, mmx(x, x->insn.reg & 7), bytes);
	}
	return move_memory(x, move, xmm(x, x->insn.reg) + (move->high ? 8 : 0), bytes);
}

/* ---- FXSAVE, FXRSTOR, LDMXCSR, STMXCSR ------------------------------------------ */

/* Bytes that 64-bit mode has registers for: XMM8 to XMM15 are there only then. */
static unsigned int image_bytes(const struct x86_exec *x)
{
	return x86_code64(&x->s) ? FX_XMM + 16 * 16 : FX_XMM + 8 * 16;
}

static enum x86_result image_linear(struct x86_exec *x, unsigned int access, u64 *linear)
{
	enum x86_result result = check_x87(x);

	if (result != X86_OK)
		return result;
	result = exec_linear(x, x->insn.segment, exec_offset(x), FX_SIZE, access, linear);
	if (result == X86_OK && *linear & 15)
		return exec_gp0(x);
	return result;
}

enum x86_result exec_fxsave(struct x86_exec *x)
{
	enum x86_result result;
	u64 linear;

	if (!take_fpu(x))
		return X86_UNIMPLEMENTED;
	result = image_linear(x, EXEC_WRITE, &linear);
	for (unsigned int at = 0; at < image_bytes(x) && result == X86_OK; at += 8)
		result = exec_write_linear(x, linear + at, x->fpu + at, 8, 0);
	return result;
}

enum x86_result exec_fxrstor(struct x86_exec *x)
{
	u8 image[FX_SIZE];
	enum x86_result result;
	u64 linear;
	u32 mxcsr;

	if (!take_fpu(x))
		return X86_UNIMPLEMENTED;
	memcpy(image, x->fpu, FX_SIZE);
	result = image_linear(x, 0, &linear);
	for (unsigned int at = 0; at < image_bytes(x) && result == X86_OK; at += 8)
		result = exec_read_linear(x, linear + at, image + at, 8, 0);
	if (result != X86_OK)
		return result;
	memcpy(&mxcsr, image + FX_MXCSR, 4);
	if (mxcsr & ~MXCSR_DEFINED)
		return exec_gp0(x);
	memcpy(image + FX_MXCSR_MASK, x->fpu + FX_MXCSR_MASK, 4);
	memcpy(x->fpu, image, FX_SIZE);
	return X86_OK;
}

enum x86_result exec_mxcsr(struct x86_exec *x)
{
	enum x86_result result;
	u64 value;

	if (!take_fpu(x))
		return X86_UNIMPLEMENTED;
	result = check_sse(x);
	if (result != X86_OK)
		return result;
	if (x->insn.op == OP_STMXCSR) {
		value = 0;
		memcpy(&value, x->fpu + FX_MXCSR, 4);
		return exec_put(x, AT_RM, 4, 0, value);
	}
	result = exec_get(x, AT_RM, 4, 0, &value);
	if (result != X86_OK)
		return result;
	if (value & ~(u64)MXCSR_DEFINED)
		return exec_gp0(x);
	memcpy(x->fpu + FX_MXCSR, &value, 4);
	return X86_OK;
}

/* FWAIT: #NM with MP and TS; an exception that is pending is #MF. */
enum x86_result exec_wait(struct x86_exec *x)
{
	if ((x->s.cr0 & (CR0_MP | CR0_TS)) == (CR0_MP | CR0_TS))
		return exec_fault(x, X86_NM);
	if (x->fpu_image && x->fpu_image[FX_FSW] & 0x80 && x->s.cr0 & CR0_NE)
		return exec_fault(x, X86_MF);
	return X86_OK;
}

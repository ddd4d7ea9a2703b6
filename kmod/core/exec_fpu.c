// SPDX-License-Identifier: GPL-2.0-only
/*
 * Moves between memory and XMM or MMX registers, and the instructions that save and load
 * them, on an image of the FPU as FXSAVE lays it out (SDM 1 10.5.1).
 */
#include "fpu.h"

bool exec_take_fpu(struct x86_exec *x)
{
	if (!x->fpu_image)
		return false;
	memcpy(x->fpu, x->fpu_image, FX_SIZE);
	x->fpu_taken = true;
	return true;
}

bool exec_take_ymm(struct x86_exec *x)
{
	if (!x->ymm_image || !exec_take_fpu(x))
		return false;
	memcpy(x->ymm, x->ymm_image, YMM_SIZE);
	x->ymm_taken = true;
	return true;
}

/* ---- whether they may be executed (SDM 2 2.4, exception types) --------------------------- */

enum x86_result exec_check_x87(struct x86_exec *x)
{
	return x->s.cr0 & (CR0_EM | CR0_TS) ? exec_fault(x, X86_NM) : X86_OK;
}

enum x86_result exec_check_pending(struct x86_exec *x)
{
	/* Without CR0.NE it is an interrupt, of a PC's own wiring (SDM 1 8.7.2). */
	if (x->fpu_image && x->fpu_image[FX_FSW] & FSW_ES && x->s.cr0 & CR0_NE)
		return exec_fault(x, X86_MF);
	return X86_OK;
}

static enum x86_result check_enabled(struct x86_exec *x)
{
	if (x->s.cr0 & CR0_EM)
		return exec_ud(x);
	return x->s.cr0 & CR0_TS ? exec_fault(x, X86_NM) : X86_OK;
}

enum x86_result exec_check_mmx(struct x86_exec *x)
{
	enum x86_result result = check_enabled(x);

	return result == X86_OK ? exec_check_pending(x) : result;
}

enum x86_result exec_check_sse(struct x86_exec *x)
{
	if (!(x->s.cr4 & CR4_OSFXSR))
		return exec_ud(x);
	return check_enabled(x);
}

/* AVX: XCR0 has SSE and AVX; CR0.EM plays no part (SDM 2 2.4, types 1 to 6). */
static enum x86_result check_avx(struct x86_exec *x)
{
	if (!(x->s.cr4 & CR4_OSXSAVE) || (x->s.xcr0 & 6) != 6)
		return exec_ud(x);
	return x->s.cr0 & CR0_TS ? exec_fault(x, X86_NM) : X86_OK;
}

/* ---- moves of XMM and MMX registers --------------------------------------------------------- */

u8 *exec_xmm(struct x86_exec *x, unsigned int number)
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
	bool map38;		/* after 0F 38 */
	bool spreads;		/* SSE3: a load doubles parts of what it has loaded */
	bool sse4a;		/* AMD's alone, and without a form by VEX */
};

static const struct move moves[] = {
	{ 0x10, 0x00, 16, .store = false }, { 0x10, 0x66, 16, .store = false },
	{ 0x10, 0xf3, 4, .store = false }, { 0x10, 0xf2, 8, .store = false },
	{ 0x11, 0x00, 16, .store = true }, { 0x11, 0x66, 16, .store = true },
	{ 0x11, 0xf3, 4, .store = true }, { 0x11, 0xf2, 8, .store = true },
	{ 0x12, 0x00, 8, .merges = true }, { 0x12, 0x66, 8, .merges = true },
	{ 0x12, 0xf3, 16, .aligned = true, .spreads = true }, { 0x12, 0xf2, 8, .spreads = true },
	{ 0x13, 0x00, 8, .store = true }, { 0x13, 0x66, 8, .store = true },
	{ 0x16, 0x00, 8, .merges = true, .high = true },
	{ 0x16, 0x66, 8, .merges = true, .high = true },
	{ 0x16, 0xf3, 16, .aligned = true, .spreads = true },
	{ 0x17, 0x00, 8, .store = true, .high = true },
	{ 0x17, 0x66, 8, .store = true, .high = true },
	{ 0x28, 0x00, 16, .aligned = true }, { 0x28, 0x66, 16, .aligned = true },
	{ 0x29, 0x00, 16, .store = true, .aligned = true },
	{ 0x29, 0x66, 16, .store = true, .aligned = true },
	{ 0x2b, 0x00, 16, .store = true, .aligned = true },
	{ 0x2b, 0x66, 16, .store = true, .aligned = true },
	{ 0x2b, 0xf3, 4, .store = true, .sse4a = true },
	{ 0x2b, 0xf2, 8, .store = true, .sse4a = true },
	{ 0x6e, 0x00, 0, .mmx = true, .general = true }, { 0x6e, 0x66, 0, .general = true },
	{ 0x6f, 0x00, 8, .mmx = true }, { 0x6f, 0x66, 16, .aligned = true },
	{ 0x6f, 0xf3, 16, .store = false },
	{ 0x7e, 0x00, 0, .store = true, .mmx = true, .general = true },
	{ 0x7e, 0x66, 0, .store = true, .general = true }, { 0x7e, 0xf3, 8, .store = false },
	{ 0x7f, 0x00, 8, .store = true, .mmx = true },
	{ 0x7f, 0x66, 16, .store = true, .aligned = true }, { 0x7f, 0xf3, 16, .store = true },
	{ 0xd6, 0x66, 8, .store = true }, { 0xe7, 0x00, 8, .store = true, .mmx = true },
	{ 0xe7, 0x66, 16, .store = true, .aligned = true },
	{ 0xf0, 0xf2, 16, .store = false },
	{ 0x2a, 0x66, 16, .aligned = true, .map38 = true },
};

static const struct move *find_move(u8 opcode, u8 prefix, bool map38)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(moves); i++) {
		if (moves[i].opcode == opcode && moves[i].prefix == prefix &&
		    moves[i].map38 == map38)
			return &moves[i];
	}
	return NULL;
}

/* Up to 32 bytes by linear address, 16 at a time. */
static enum x86_result move_bytes(struct x86_exec *x, u64 linear, u8 *value, unsigned int bytes,
				  bool store)
{
	enum x86_result result = X86_OK;

	for (unsigned int at = 0; at < bytes && result == X86_OK; at += 16) {
		unsigned int part = bytes - at < 16 ? bytes - at : 16;

		result = store ? exec_write_linear(x, linear + at, value + at, part, 0) :
				 exec_read_linear(x, linear + at, value + at, part, 0);
	}
	return result;
}

/* Between memory and value, with the checks of segmentation and alignment. */
static enum x86_result move_memory(struct x86_exec *x, const struct move *move, u8 *value,
				   unsigned int bytes)
{
	enum x86_result result;
	u64 linear;

	result = exec_linear(x, x->insn.segment, exec_offset(x), bytes,
			     move->store ? EXEC_WRITE : 0, &linear);
	if (result != X86_OK)
		return result;
	if (move->aligned && linear & (bytes - 1))
		return exec_gp0(x);
	return move_bytes(x, linear, value, bytes, move->store);
}

static enum x86_result move_mmx(struct x86_exec *x, const struct move *move, unsigned int bytes)
{
	enum x86_result result;
	u8 *reg, value[8] = { 0 };

	touch_mmx(x);
	reg = mmx(x, x->insn.reg & 7);
	if (move->store)
		return move_memory(x, move, reg, bytes);
	result = move_memory(x, move, value, bytes);
	memcpy(reg, value, 8);
	reg[8] = reg[9] = 0xff;
	return result;
}

/* APM 3 appendix D, CPUID 0x80000001 ECX. */
static bool has_sse4a(struct x86_exec *x)
{
	u32 regs[4] = { 0 };

	x->env->ops->cpuid(x->env->opaque, 0x80000001, 0, regs);
	return regs[2] & 1u << 6;
}

static void set_mmx(u8 *reg, u64 value)
{
	memcpy(reg, &value, 8);
	reg[8] = reg[9] = 0xff;
}

/* MOVQ2DQ and MOVDQ2Q are SSE2's as well. */
static enum x86_result check_mmx_move(struct x86_exec *x)
{
	if (x->insn.opcode == 0xd6 && !(x->s.cr4 & CR4_OSFXSR))
		return exec_ud(x);
	return exec_check_mmx(x);
}

enum x86_result exec_mmx_registers(struct x86_exec *x)
{
	unsigned int bytes = x->insn.rex & 8 ? 8 : 4;
	enum x86_result result = check_mmx_move(x);
	u64 value = 0;
	u8 *reg, *rm;

	if (result != X86_OK)
		return result;
	touch_mmx(x);
	reg = mmx(x, x->insn.reg & 7);
	rm = mmx(x, x->insn.rm & 7);
	if (x->insn.opcode == 0x6e) {
		set_mmx(reg, exec_get_reg(x, x->insn.rm, bytes));
	} else if (x->insn.opcode == 0x7e) {
		memcpy(&value, reg, bytes);
		exec_set_reg(x, x->insn.rm, bytes, value);
	} else if (x->insn.opcode == 0xd6 && x->insn.repeat == 0xf3) {
		memset(exec_xmm(x, x->insn.reg), 0, 16);
		memcpy(exec_xmm(x, x->insn.reg), rm, 8);
	} else {
		bool from_xmm = x->insn.opcode == 0xd6;
		bool store = x->insn.opcode == 0x7f;

		memcpy(&value, from_xmm ? exec_xmm(x, x->insn.rm) : store ? reg : rm, 8);
		set_mmx(store ? rm : reg, value);
	}
	return X86_OK;
}

static unsigned int move_size(const struct x86_exec *x, const struct move *move)
{
	return move->bytes ? move->bytes : x->insn.rex & 8 ? 8 : 4;
}

enum x86_result exec_sse_move(struct x86_exec *x)
{
	u8 prefix = x->insn.repeat ? x->insn.repeat : x->insn.operand_prefix ? 0x66 : 0;
	const struct move *move = find_move(x->insn.opcode, prefix, x->insn.map == MAP_0F38);
	u8 *reg, value[16] = { 0 };
	enum x86_result result;
	unsigned int bytes;

	if (!exec_take_fpu(x))
		return X86_UNIMPLEMENTED;
	if (!x->insn.memory && x->insn.opcode == 0xd6 && x->insn.repeat)
		return exec_mmx_registers(x);
	if (!move)
		return X86_UNIMPLEMENTED;
	if (!x->insn.memory)
		return exec_sse_registers(x);
	if (move->sse4a && !has_sse4a(x))
		return exec_ud(x);
	result = move->mmx ? exec_check_mmx(x) : exec_check_sse(x);
	if (result != X86_OK)
		return result;
	bytes = move_size(x, move);
	if (move->mmx)
		return move_mmx(x, move, bytes);
	reg = exec_xmm(x, x->insn.reg) + (move->high ? 8 : 0);
	if (move->store)
		return move_memory(x, move, reg, bytes);
	result = move_memory(x, move, value, bytes);
	if (move->spreads)
		exec_sse_spread(&x->insn, value);
	memcpy(reg, value, move->merges ? bytes : 16);
	return result;
}

/* ---- the same, VEX encoded -------------------------------------------------------- */

/* What VEX.pp stands for. */
static const u8 vex_prefixes[4] = { 0, 0x66, 0xf3, 0xf2 };

/* MOVLPS and its like take their other half from a second register; nothing else has one. */
static bool vex_operands_valid(const struct x86_insn *insn, const struct move *move)
{
	if (move->merges)
		return !insn->vex_long;
	if (insn->vex_reg)
		return false;
	/* MOVSS and MOVSD ignore L. */
	return !insn->vex_long || move->bytes == 16 || insn->opcode <= 0x11;
}

/* A load clears what it does not fill, up to the register's end (SDM 1 14.1.1). */
static void vex_fill(struct x86_exec *x, const struct move *move, const u8 value[32],
		     unsigned int bytes)
{
	u8 *low = exec_xmm(x, x->insn.reg), *high = x->ymm + 16 * x->insn.reg;

	if (move->merges) {
		memmove(low, exec_xmm(x, x->insn.vex_reg & (x86_code64(&x->s) ? 15 : 7)), 16);
		memcpy(low + (move->high ? 8 : 0), value, bytes);
		memset(high, 0, 16);
		return;
	}
	memcpy(low, value, 16);
	memcpy(high, value + 16, 16);
}

static enum x86_result vex_move(struct x86_exec *x)
{
	const struct x86_insn *insn = &x->insn;
	const struct move *move = find_move(insn->opcode, vex_prefixes[insn->vex_prefix],
					    insn->vex_map == 2);
	enum x86_result result;
	unsigned int bytes;
	u8 value[32] = { 0 };

	if (!move || move->mmx || move->spreads || move->sse4a || !insn->memory ||
	    !exec_take_ymm(x))
		return X86_UNIMPLEMENTED;
	if (!vex_operands_valid(insn, move))
		return exec_ud(x);
	result = check_avx(x);
	if (result != X86_OK)
		return result;
	bytes = insn->vex_long && move->bytes == 16 ? 32 : move_size(x, move);
	if (move->store) {
		memcpy(value, exec_xmm(x, insn->reg) + (move->high ? 8 : 0), move->high ? 8 : 16);
		memcpy(value + 16, x->ymm + 16 * insn->reg, 16);
		return move_memory(x, move, value, bytes);
	}
	result = move_memory(x, move, value, bytes);
	if (result == X86_OK)
		vex_fill(x, move, value, bytes);
	return result;
}

/* EVEX needs registers that no XCR0 here has (SDM 2 2.7.11); the rest is not done. */
enum x86_result exec_vex(struct x86_exec *x)
{
	if (x->insn.evex && (x->s.xcr0 & 0xe0) != 0xe0)
		return exec_ud(x);
	if (x->insn.evex || x->insn.vex_map > 2)
		return X86_UNIMPLEMENTED;
	return vex_move(x);
}

/* ---- FXSAVE, FXRSTOR, LDMXCSR, STMXCSR ------------------------------------------ */

/* Bytes that 64-bit mode has registers for: XMM8 to XMM15 are there only then. */
static unsigned int image_bytes(const struct x86_exec *x)
{
	return x86_code64(&x->s) ? FX_XMM + 16 * 16 : FX_XMM + 8 * 16;
}

static enum x86_result image_linear(struct x86_exec *x, unsigned int access, u64 *linear)
{
	enum x86_result result = exec_check_x87(x);

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

	if (!exec_take_fpu(x))
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

	if (!exec_take_fpu(x))
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

	if (!exec_take_fpu(x))
		return X86_UNIMPLEMENTED;
	result = exec_check_sse(x);
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
	return exec_check_pending(x);
}

/* EMMS and FEMMS: all registers are empty, TOP is 0 (SDM 3 table 12-1). */
enum x86_result exec_emms(struct x86_exec *x)
{
	enum x86_result result;

	if (!exec_take_fpu(x))
		return X86_UNIMPLEMENTED;
	if (x->insn.repeat || x->insn.operand_prefix)
		return exec_ud(x);
	result = exec_check_mmx(x);
	if (result != X86_OK)
		return result;
	touch_mmx(x);
	x->fpu[FX_FTW] = 0;
	return X86_OK;
}

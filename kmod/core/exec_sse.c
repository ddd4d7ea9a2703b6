// SPDX-License-Identifier: GPL-2.0-only
/*
 * SSE between registers, and SSE arithmetic: what no hypervisor executes as long as the
 * processor can run the guest (SDM 1 chapters 10 and 11; SDM 2 2.4, exception types).
 */
#include "fpu.h"
#include "sse.h"

#define PREFIXES 4		/* none, 66h, F3h, F2h */

static unsigned int prefix_index(u8 prefix)
{
	return prefix == 0x66 ? 1 : prefix == 0xf3 ? 2 : prefix == 0xf2 ? 3 : 0;
}

/* Bytes of a memory operand, by the prefix; 16 of them are aligned. 0: no such instruction. */
static unsigned int operand_bytes(u8 opcode, u8 prefix)
{
	static const u8 usual[PREFIXES] = { 16, 16, 4, 8 };
	static const u8 packed[PREFIXES] = { 16, 16, 0, 0 };
	static const u8 compare[PREFIXES] = { 4, 8, 0, 0 };
	static const u8 estimate[PREFIXES] = { 16, 0, 4, 0 };
	static const u8 convert[PREFIXES] = { 8, 16, 4, 8 };
	static const u8 integers[PREFIXES] = { 16, 16, 16, 0 };
	unsigned int i = prefix_index(prefix);

	switch (opcode) {
	case 0x14:
	case 0x15:
	case 0x54 ... 0x57:
		return packed[i];
	case 0x2e:
	case 0x2f:
		return compare[i];
	case 0x52:
	case 0x53:
		return estimate[i];
	case 0x5a:
		return convert[i];
	case 0x5b:
		return integers[i];
	default:
		return usual[i];
	}
}

static enum x86_result get_source(struct x86_exec *x, unsigned int bytes, u8 value[16])
{
	enum x86_result result;
	u64 linear;

	memset(value, 0, 16);
	if (!x->insn.memory) {
		memcpy(value, exec_xmm(x, x->insn.rm), 16);
		return X86_OK;
	}
	result = exec_linear(x, x->insn.segment, exec_offset(x), bytes, 0, &linear);
	if (result != X86_OK)
		return result;
	if (bytes == 16 && linear & 15)
		return exec_gp0(x);
	return exec_read_linear(x, linear, value, bytes, 0);
}

/*
 * #XM, or #UD without CR4.OSXMMEXCPT (SDM 3 2.5). MXCSR tells why, though the instruction is
 * not executed: so that goes past the copy.
 */
static enum x86_result raise_numeric(struct x86_exec *x, u32 mxcsr)
{
	memcpy(x->fpu_image + FX_MXCSR, &mxcsr, 4);
	return x->s.cr4 & CR4_OSXMMEXCPT ? exec_fault(x, X86_XM) : exec_ud(x);
}

/*
 * Made with everything masked. What is then flagged is what the unmasked would raise, but for
 * results that are tiny or huge: whether these are exact is not told (SDM 1 11.5.2).
 */
enum x86_result exec_sse(struct x86_exec *x)
{
	u8 prefix = x->insn.repeat ? x->insn.repeat : x->insn.operand_prefix ? 0x66 : 0;
	unsigned int bytes = operand_bytes(x->insn.opcode, prefix);
	u32 own, mxcsr, raised, unmasked;
	enum x86_result result;
	u8 src[16];

	if (!bytes || !exec_take_fpu(x))
		return X86_UNIMPLEMENTED;
	result = exec_check_sse(x);
	if (result == X86_OK)
		result = get_source(x, bytes, src);
	if (result != X86_OK)
		return result;
	memcpy(&own, x->fpu + FX_MXCSR, 4);
	if (~own >> MXCSR_MASK_SHIFT & MXCSR_UNDERFLOW)
		return X86_UNIMPLEMENTED;
	mxcsr = (own & MXCSR_DEFINED & ~MXCSR_EXCEPTIONS) | MXCSR_EXCEPTIONS << MXCSR_MASK_SHIFT;
	if (!sse_run(x->insn.opcode, prefix, exec_xmm(x, x->insn.reg), src, &mxcsr, &x->s.rflags))
		return X86_UNIMPLEMENTED;
	raised = mxcsr & MXCSR_EXCEPTIONS;
	unmasked = raised & ~(own >> MXCSR_MASK_SHIFT);
	if (unmasked & MXCSR_BEFORE)
		raised &= MXCSR_BEFORE;
	else if (unmasked & MXCSR_OVERFLOW)
		return X86_UNIMPLEMENTED;
	own |= raised;
	if (unmasked)
		return raise_numeric(x, own);
	memcpy(x->fpu + FX_MXCSR, &own, 4);
	return X86_OK;
}

/* ---- moves between registers --------------------------------------------------------------- */

/* MOVD and MOVQ with a general register. */
static void move_general(struct x86_exec *x, bool store)
{
	unsigned int bytes = x->insn.rex & 8 ? 8 : 4;
	u8 *reg = exec_xmm(x, x->insn.reg);
	u64 value = 0;

	if (store) {
		memcpy(&value, reg, bytes);
		exec_set_reg(x, x->insn.rm, bytes, value);
		return;
	}
	value = exec_get_reg(x, x->insn.rm, bytes);
	memset(reg, 0, 16);
	memcpy(reg, &value, bytes);
}

/* MOVQ between registers clears the upper half. */
static void move_low(u8 *to, const u8 *from)
{
	memmove(to, from, 8);
	memset(to + 8, 0, 8);
}

void exec_sse_spread(const struct x86_insn *insn, u8 value[16])
{
	if (insn->repeat == 0xf2) {
		memcpy(value + 8, value, 8);
	} else if (insn->opcode == 0x12) {
		memcpy(value + 4, value, 4);
		memcpy(value + 12, value + 8, 4);
	} else {
		memcpy(value, value + 4, 4);
		memcpy(value + 8, value + 12, 4);
	}
}

/* MOVSLDUP, MOVSHDUP, MOVDDUP */
static enum x86_result spread_register(struct x86_exec *x, u8 *reg, const u8 *rm)
{
	enum x86_result result = exec_check_sse(x);
	u8 value[16];

	if (result != X86_OK)
		return result;
	memcpy(value, rm, 16);
	exec_sse_spread(&x->insn, value);
	memcpy(reg, value, 16);
	return X86_OK;
}

enum x86_result exec_sse_registers(struct x86_exec *x)
{
	u8 prefix = x->insn.repeat ? x->insn.repeat : x->insn.operand_prefix ? 0x66 : 0;
	u8 *reg = exec_xmm(x, x->insn.reg), *rm = exec_xmm(x, x->insn.rm);
	u8 opcode = x->insn.opcode;
	enum x86_result result;

	/* What moves from or to memory only. */
	if (opcode == 0x13 || opcode == 0x17 || opcode == 0x2b || opcode == 0xe7 || opcode == 0xf0)
		return exec_ud(x);
	if ((opcode == 0x12 || opcode == 0x16) && prefix)
		return prefix == 0x66 ? exec_ud(x) : spread_register(x, reg, rm);
	if (opcode > 0x2b && !prefix)
		return exec_mmx_registers(x);
	result = exec_check_sse(x);
	if (result != X86_OK)
		return result;
	if ((opcode == 0x6e || opcode == 0x7e) && prefix == 0x66)
		move_general(x, opcode == 0x7e);
	else if (opcode == 0x7e)
		move_low(reg, rm);
	else if (opcode == 0xd6)
		move_low(rm, reg);
	else if (opcode == 0x12)
		memmove(reg, rm + 8, 8);
	else if (opcode == 0x16)
		memmove(reg + 8, rm, 8);
	else if (opcode == 0x11 || opcode == 0x29 || opcode == 0x7f)
		memmove(rm, reg, prefix == 0xf3 && opcode == 0x11 ? 4 : prefix == 0xf2 ? 8 : 16);
	else
		memmove(reg, rm, prefix == 0xf3 && opcode == 0x10 ? 4 : prefix == 0xf2 ? 8 : 16);
	return X86_OK;
}

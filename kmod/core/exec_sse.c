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

/* ---- results that are tiny or huge (SDM 1 11.5.2) ------------------------------------------- */

/* The format of an element of the operands, and of the result. */
struct format {
	u64 fraction, exponent;	/* their bits */
	unsigned int shift;	/* of the exponent */
};

static const struct format formats[2] = {
	{ 0x7fffff, 0xff, 23 }, { 0xfffffffffffffull, 0x7ff, 52 },
};

static bool is_denormal(const struct format *f, u64 value)
{
	return value & f->fraction && !(value >> f->shift & f->exponent);
}

/* The same number with an exponent in the middle, so that no product or quotient is too far off. */
static u64 centred(const struct format *f, u64 value)
{
	u64 fraction = value & f->fraction;

	if (is_denormal(f, value)) {
		while (!(fraction >> f->shift))
			fraction <<= 1;
	}
	return (value & ~(f->exponent << f->shift | f->fraction)) | (f->exponent / 2) << f->shift |
	       (fraction & f->fraction);
}

/* A quarter of the number, if it is not so small that the sum with a huge one is inexact anyway. */
static u64 quartered(const struct format *f, u64 value)
{
	return (value >> f->shift & f->exponent) > 2 ? value - (2ull << f->shift) : value;
}

static u32 masked_flags(struct x86_exec *x, u8 prefix, u64 *to, u64 from, u32 control)
{
	u64 dst[2] = { *to }, src[2] = { from }, unused = 0;
	u32 mxcsr = control;

	sse_run(x->insn.opcode, prefix, (u8 *)dst, (const u8 *)src, &mxcsr, &unused);
	*to = dst[0];
	return mxcsr & MXCSR_EXCEPTIONS;
}

/*
 * What one element flags where overflow or underflow is not masked: a result that is tiny counts
 * even if it is exact, and whether it is inexact goes by an exponent without bounds.
 */
static u32 element_flags(struct x86_exec *x, u8 prefix, u64 to, u64 from, u32 control, u32 unmasked)
{
	bool sum = x->insn.opcode == 0x58 || x->insn.opcode == 0x5c;
	const struct format *f = &formats[prefix == 0xf2];
	const struct format *result = &formats[prefix == 0xf2 && x->insn.opcode != 0x5a];
	u64 value = to;
	u32 flags = masked_flags(x, prefix, &value, from, control), kind;

	if (result == &formats[0])
		value &= 0xffffffff;
	if (flags & MXCSR_OVERFLOW)
		kind = MXCSR_OVERFLOW;
	else if (flags & MXCSR_UNDERFLOW || is_denormal(result, value))
		kind = MXCSR_UNDERFLOW;
	else
		return flags;
	if (!(kind & unmasked))
		return flags;
	flags = (flags & MXCSR_BEFORE) | kind;
	/* Sums that are tiny are exact: all numbers are multiples of the smallest. */
	if (sum && kind == MXCSR_UNDERFLOW)
		return flags;
	to = sum ? quartered(f, to) : centred(f, to);
	from = sum ? quartered(f, from) : centred(f, from);
	return flags | (masked_flags(x, prefix, &to, from, control) & MXCSR_INEXACT);
}

/* The same of all elements. Operands are as they were before the instruction. */
static u32 exact_flags(struct x86_exec *x, u8 prefix, const u8 *dst, const u8 *src, u32 control,
		       u32 unmasked)
{
	bool wide = prefix == 0x66 || prefix == 0xf2, packed = !prefix || prefix == 0x66;
	unsigned int size = wide ? 8 : 4, end = packed ? 16 : size;
	u32 flags = 0;

	for (unsigned int at = 0; at < end; at += size) {
		u64 to = 0, from = 0;

		memcpy(&to, dst + at, size);
		memcpy(&from, src + at, size);
		flags |= element_flags(x, wide ? 0xf2 : 0xf3, to, from, control, unmasked);
	}
	return flags;
}

/* Add, multiply, subtract, divide, and conversions to a narrower format. */
static bool may_be_tiny(u8 opcode, u8 prefix)
{
	return opcode == 0x58 || opcode == 0x59 || opcode == 0x5c || opcode == 0x5e ||
	       (opcode == 0x5a && (prefix == 0x66 || prefix == 0xf2));
}

/*
 * Made with everything masked. What is then flagged is what the unmasked would raise, but for
 * results that are tiny or huge.
 */
enum x86_result exec_sse(struct x86_exec *x)
{
	u8 prefix = x->insn.repeat ? x->insn.repeat : x->insn.operand_prefix ? 0x66 : 0;
	unsigned int bytes = operand_bytes(x->insn.opcode, prefix);
	u32 own, control, mxcsr, raised, unmasked;
	u8 before[16], src[16], *reg;
	enum x86_result result;

	if (!bytes || !exec_take_fpu(x))
		return X86_UNIMPLEMENTED;
	result = exec_check_sse(x);
	if (result == X86_OK)
		result = get_source(x, bytes, src);
	if (result != X86_OK)
		return result;
	reg = exec_xmm(x, x->insn.reg);
	memcpy(before, reg, 16);
	memcpy(&own, x->fpu + FX_MXCSR, 4);
	unmasked = ~own >> MXCSR_MASK_SHIFT & MXCSR_EXCEPTIONS;
	mxcsr = (own & MXCSR_DEFINED & ~MXCSR_EXCEPTIONS) | MXCSR_EXCEPTIONS << MXCSR_MASK_SHIFT;
	control = mxcsr;
	if (!sse_run(x->insn.opcode, prefix, reg, src, &mxcsr, &x->s.rflags))
		return X86_UNIMPLEMENTED;
	raised = mxcsr & MXCSR_EXCEPTIONS;
	if (unmasked & (MXCSR_OVERFLOW | MXCSR_UNDERFLOW) && may_be_tiny(x->insn.opcode, prefix))
		raised = exact_flags(x, prefix, before, src, control, unmasked);
	unmasked &= raised;
	if (unmasked & MXCSR_BEFORE)
		raised &= MXCSR_BEFORE;
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

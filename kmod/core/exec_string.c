// SPDX-License-Identifier: GPL-2.0-only
/*
 * String instructions (SDM 1 7.3.9). One item is one execution; with REP the instruction
 * stays where it is until the count is used up, so that interrupts come in between
 * and every item is complete when user space sees it.
 */
#include "exec_parts.h"

/* rCX, rSI and rDI are of the address size. */
static u64 address_reg(const struct x86_exec *x, unsigned int reg)
{
	return x->s.gpr[reg] & exec_mask(x->insn.address_size);
}

static void set_address_reg(struct x86_exec *x, unsigned int reg, u64 value)
{
	exec_set_reg(x, reg, x->insn.address_size, value);
}

static void advance(struct x86_exec *x, unsigned int reg)
{
	u64 step = x->s.rflags & X86_FLAG_DF ? -(u64)x->insn.size : x->insn.size;

	set_address_reg(x, reg, address_reg(x, reg) + step);
}

static enum x86_result read_si(struct x86_exec *x, u64 *value)
{
	*value = 0;
	return exec_read(x, x->insn.segment, address_reg(x, X86_RSI), value, x->insn.size, 0);
}

static enum x86_result read_di(struct x86_exec *x, u64 *value)
{
	*value = 0;
	return exec_read(x, X86_ES, address_reg(x, X86_RDI), value, x->insn.size, 0);
}

static enum x86_result write_di(struct x86_exec *x, u64 value)
{
	return exec_write(x, X86_ES, address_reg(x, X86_RDI), &value, x->insn.size, 0);
}

static enum x86_result compare_item(struct x86_exec *x)
{
	enum x86_result result;
	u64 a = exec_get_reg(x, X86_RAX, x->insn.size), b;

	if (x->insn.op == OP_CMPS) {
		result = read_si(x, &a);
		if (result != X86_OK)
			return result;
	}
	result = read_di(x, &b);
	if (result != X86_OK)
		return result;
	exec_compare(x, a, b, x->insn.size);
	if (x->insn.op == OP_CMPS)
		advance(x, X86_RSI);
	advance(x, X86_RDI);
	return X86_OK;
}

static enum x86_result move_item(struct x86_exec *x)
{
	enum x86_result result;
	u64 value = exec_get_reg(x, X86_RAX, x->insn.size);

	if (x->insn.op != OP_STOS) {
		result = read_si(x, &value);
		if (result != X86_OK)
			return result;
		advance(x, X86_RSI);
	}
	if (x->insn.op == OP_LODS) {
		exec_set_reg(x, X86_RAX, x->insn.size, value);
		return X86_OK;
	}
	result = write_di(x, value);
	if (result == X86_OK)
		advance(x, X86_RDI);
	return result;
}

/* INS and OUTS: permission first, then memory, so that a fault leaves the device alone. */
static enum x86_result port_item(struct x86_exec *x)
{
	u16 port = x->s.gpr[X86_RDX];
	enum x86_result result;
	u64 value;

	if (x->insn.size == 8)
		x->insn.size = 4;
	result = exec_check_port(x, port, x->insn.size);
	if (result != X86_OK)
		return result;
	if (x->insn.op == OP_OUTS) {
		result = read_si(x, &value);
		if (result == X86_OK)
			result = exec_out(x, port, &value, x->insn.size);
		if (result == X86_OK)
			advance(x, X86_RSI);
		return result;
	}
	/* A write that will fault must do so before the port is read. */
	result = write_di(x, 0);
	if (result != X86_OK)
		return result;
	x->kept = 0;
	value = 0;
	result = exec_in(x, port, &value, x->insn.size);
	if (result == X86_OK)
		result = write_di(x, value);
	if (result == X86_OK)
		advance(x, X86_RDI);
	return result;
}

static enum x86_result item(struct x86_exec *x)
{
	switch (x->insn.op) {
	case OP_CMPS:
	case OP_SCAS:
		return compare_item(x);
	case OP_INS:
	case OP_OUTS:
		return port_item(x);
	default:
		return move_item(x);
	}
}

/* Whether REPE or REPNE ends here by the flags of the comparison. */
static bool ended_by_flags(const struct x86_exec *x)
{
	bool equal = x->s.rflags & X86_FLAG_ZF;

	if (x->insn.op != OP_CMPS && x->insn.op != OP_SCAS)
		return false;
	return equal != (x->insn.repeat == 0xf3);
}

enum x86_result exec_string(struct x86_exec *x)
{
	enum x86_result result;
	u64 count;

	if (!x->insn.repeat)
		return item(x);
	count = address_reg(x, X86_RCX);
	if (!count)
		return X86_OK;
	result = item(x);
	if (result != X86_OK)
		return result;
	set_address_reg(x, X86_RCX, count - 1);
	x->stay = count > 1 && !ended_by_flags(x);
	return X86_OK;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Moves: registers and memory, the stack, exchanges, conditions that select, and the
 * moves of XMM and MMX registers. No flags but those of CMPXCHG and XADD.
 */
#include "exec_parts.h"

/* ---- plain moves ------------------------------------------------------------------------ */

enum x86_result exec_mov(struct x86_exec *x)
{
	enum x86_result result;
	u64 value;

	result = exec_get(x, x->insn.src, x->insn.size, 0, &value);
	return result == X86_OK ? exec_put(x, x->insn.dst, x->insn.size, 0, value) : result;
}

/* MOVZX, MOVSX, MOVSXD: from 1, 2 or 4 bytes to the operand size. */
enum x86_result exec_extend(struct x86_exec *x)
{
	enum x86_op op = x->insn.op;
	bool is_signed = op == OP_MOVSX8 || op == OP_MOVSX16 || op == OP_MOVSXD;
	unsigned int from = op == OP_MOVZX8 || op == OP_MOVSX8 ? 1 : op == OP_MOVSXD ? 4 : 2;
	enum x86_result result;
	u64 value;

	if (op == OP_MOVSXD && x->insn.size == 2)
		from = 2;
	result = exec_get(x, AT_RM, from, 0, &value);
	if (result != X86_OK)
		return result;
	if (is_signed)
		value = exec_signed(value, from);
	return exec_put(x, AT_REG, x->insn.size, 0, value);
}

enum x86_result exec_movbe(struct x86_exec *x)
{
	enum x86_result result;
	u64 value;

	result = exec_get(x, x->insn.src, x->insn.size, 0, &value);
	if (result != X86_OK)
		return result;
	value = __builtin_bswap64(value) >> (64 - 8 * x->insn.size);
	return exec_put(x, x->insn.dst, x->insn.size, 0, value);
}

enum x86_result exec_lea(struct x86_exec *x)
{
	if (!x->insn.memory)
		return exec_ud(x);
	return exec_put(x, AT_REG, x->insn.size, 0, exec_offset(x));
}

/* AL from [rBX + AL], by the address size. */
enum x86_result exec_xlat(struct x86_exec *x)
{
	u64 offset = x->s.gpr[X86_RBX] + (u8)x->s.gpr[X86_RAX];
	enum x86_result result;
	u8 value;

	result = exec_read(x, x->insn.segment, offset & exec_mask(x->insn.address_size), &value, 1,
			   0);
	if (result == X86_OK)
		exec_merge_reg(x, X86_RAX, 1, value);
	return result;
}

/* ---- conditions (SDM 1 appendix B) ----------------------------------------------------------- */

bool exec_condition(const struct x86_exec *x)
{
	u64 flags = x->s.rflags;
	bool less = !(flags & X86_FLAG_SF) != !(flags & X86_FLAG_OF);
	bool holds;

	switch (x->insn.number >> 1) {
	case 0:
		holds = flags & X86_FLAG_OF;
		break;
	case 1:
		holds = flags & X86_FLAG_CF;
		break;
	case 2:
		holds = flags & X86_FLAG_ZF;
		break;
	case 3:
		holds = flags & (X86_FLAG_CF | X86_FLAG_ZF);
		break;
	case 4:
		holds = flags & X86_FLAG_SF;
		break;
	case 5:
		holds = flags & X86_FLAG_PF;
		break;
	case 6:
		holds = less;
		break;
	default:
		holds = less || flags & X86_FLAG_ZF;
		break;
	}
	return holds != (x->insn.number & 1);
}

/* The source is read, and 32 bits clear the upper half, whether it moves or not. */
enum x86_result exec_cmov(struct x86_exec *x)
{
	enum x86_result result;
	u64 value;

	result = exec_get(x, AT_RM, x->insn.size, 0, &value);
	if (result != X86_OK)
		return result;
	if (!exec_condition(x))
		value = exec_get_reg(x, x->insn.reg, x->insn.size);
	return exec_put(x, AT_REG, x->insn.size, 0, value);
}

enum x86_result exec_setcc(struct x86_exec *x)
{
	return exec_put(x, AT_RM, 1, 0, exec_condition(x));
}

/* ---- exchanges ------------------------------------------------------------------ */

/* With memory XCHG locks, with or without the prefix (SDM 2 XCHG). */
enum x86_result exec_xchg(struct x86_exec *x)
{
	unsigned int size = x->insn.size;
	enum x86_result result;
	u64 a, b;

	result = exec_get(x, x->insn.dst, size, EXEC_RMW | EXEC_LOCKED, &a);
	if (result != X86_OK)
		return result;
	result = exec_get(x, x->insn.src, size, 0, &b);
	if (result != X86_OK)
		return result;
	result = exec_put(x, x->insn.dst, size, EXEC_LOCKED, b);
	return result == X86_OK ? exec_put(x, x->insn.src, size, 0, a) : result;
}

static unsigned int locked(const struct x86_exec *x)
{
	return x->insn.lock ? EXEC_LOCKED : 0;
}

enum x86_result exec_xadd(struct x86_exec *x)
{
	unsigned int size = x->insn.size;
	enum x86_result result;
	u64 a, b = exec_get_reg(x, x->insn.reg, size);

	result = exec_get(x, AT_RM, size, EXEC_RMW | locked(x), &a);
	if (result != X86_OK)
		return result;
	/* The register first: if both are one, the sum stays (SDM 2 XADD). */
	exec_set_reg(x, x->insn.reg, size, a);
	return exec_put(x, AT_RM, size, locked(x), exec_add_flags(x, a, b, size));
}

/* Memory is written in any case, with its own value if they differ (SDM 2 CMPXCHG). */
enum x86_result exec_cmpxchg(struct x86_exec *x)
{
	unsigned int size = x->insn.size;
	u64 acc = exec_get_reg(x, X86_RAX, size), a;
	enum x86_result result;

	result = exec_get(x, AT_RM, size, EXEC_RMW | locked(x), &a);
	if (result != X86_OK)
		return result;
	exec_compare(x, acc, a, size);
	if (acc == a)
		return exec_put(x, AT_RM, size, locked(x), exec_get_reg(x, x->insn.reg, size));
	exec_set_reg(x, X86_RAX, size, a);
	if (!x->insn.memory)
		return X86_OK;
	return exec_put(x, AT_RM, size, locked(x), a);
}

/* CMPXCHG8B and, with REX.W, CMPXCHG16B, whose operand must be aligned (#GP). */
enum x86_result exec_cmpxchg8b(struct x86_exec *x)
{
	unsigned int half = x->insn.rex & 8 ? 8 : 4, size = 2 * half;
	u64 offset = exec_offset(x), linear, low = 0, high = 0;
	enum x86_result result;
	u8 memory[16];

	result = exec_linear(x, x->insn.segment, offset, size, EXEC_RMW, &linear);
	if (result != X86_OK)
		return result;
	if (size == 16 && linear & 15)
		return exec_gp0(x);
	result = exec_read_linear(x, linear, memory, size, EXEC_RMW | locked(x));
	if (result != X86_OK)
		return result;
	memcpy(&low, memory, half);
	memcpy(&high, memory + half, half);
	if (low == exec_get_reg(x, X86_RAX, half) && high == exec_get_reg(x, X86_RDX, half)) {
		memcpy(memory, &x->s.gpr[X86_RBX], half);
		memcpy(memory + half, &x->s.gpr[X86_RCX], half);
		exec_flag(x, X86_FLAG_ZF, true);
	} else {
		exec_set_reg(x, X86_RAX, half, low);
		exec_set_reg(x, X86_RDX, half, high);
		exec_flag(x, X86_FLAG_ZF, false);
	}
	return exec_write_linear(x, linear, memory, size, locked(x));
}

/* ---- the stack ------------------------------------------------------------------ */

enum x86_result exec_push_op(struct x86_exec *x)
{
	enum x86_result result;
	u64 value;

	result = exec_get(x, x->insn.src, x->insn.size, 0, &value);
	return result == X86_OK ? exec_push(x, value, x->insn.size) : result;
}

/* POP to memory finds its address by the new rSP (SDM 2 POP). */
enum x86_result exec_pop_op(struct x86_exec *x)
{
	enum x86_result result;
	u64 value;

	result = exec_pop(x, &value, x->insn.size);
	return result == X86_OK ? exec_put(x, x->insn.dst, x->insn.size, 0, value) : result;
}

enum x86_result exec_pusha(struct x86_exec *x)
{
	u64 rsp = x->s.gpr[X86_RSP];

	for (unsigned int reg = X86_RAX; reg <= X86_RDI; reg++) {
		u64 value = reg == X86_RSP ? rsp : x->s.gpr[reg];
		enum x86_result result = exec_push(x, value, x->insn.size);

		if (result != X86_OK)
			return result;
	}
	return X86_OK;
}

/* What was pushed for rSP is read over. */
enum x86_result exec_popa(struct x86_exec *x)
{
	for (int reg = X86_RDI; reg >= X86_RAX; reg--) {
		enum x86_result result;
		u64 value;

		if (reg == X86_RSP) {
			exec_merge_reg(x, X86_RSP, exec_stack_size(x),
				       x->s.gpr[X86_RSP] + x->insn.size);
			continue;
		}
		result = exec_pop(x, &value, x->insn.size);
		if (result != X86_OK)
			return result;
		exec_set_reg(x, reg, x->insn.size, value);
	}
	return X86_OK;
}

/* Bytes of a stack frame for nested procedures (SDM 2 ENTER). */
enum x86_result exec_enter(struct x86_exec *x)
{
	unsigned int size = x->insn.size, width = exec_stack_size(x);
	unsigned int level = x->insn.immediate2 & 31;
	u64 rbp = x->s.gpr[X86_RBP], frame, value;
	enum x86_result result;

	result = exec_push(x, rbp, size);
	frame = x->s.gpr[X86_RSP];
	for (unsigned int i = 1; i < level && result == X86_OK; i++) {
		u64 at = (rbp - i * size) & exec_mask(width);

		value = 0;
		result = exec_read(x, X86_SS, at, &value, size, 0);
		if (result == X86_OK)
			result = exec_push(x, value, size);
	}
	if (level && result == X86_OK)
		result = exec_push(x, frame, size);
	if (result != X86_OK)
		return result;
	exec_set_reg(x, X86_RBP, size, frame);
	exec_merge_reg(x, X86_RSP, width, x->s.gpr[X86_RSP] - x->insn.immediate);
	/* The last word of the frame must be writable: nothing is written there. */
	return exec_probe_write(x, X86_SS, x->s.gpr[X86_RSP] & exec_mask(width), size);
}

enum x86_result exec_leave(struct x86_exec *x)
{
	enum x86_result result;
	u64 value;

	exec_merge_reg(x, X86_RSP, exec_stack_size(x), x->s.gpr[X86_RBP]);
	result = exec_pop(x, &value, x->insn.size);
	if (result == X86_OK)
		exec_set_reg(x, X86_RBP, x->insn.size, value);
	return result;
}

/* ---- ports ---------------------------------------------------------------------- */

static unsigned int port_size(const struct x86_exec *x)
{
	return x->insn.size == 8 ? 4 : x->insn.size;
}

enum x86_result exec_port(struct x86_exec *x)
{
	bool in = x->insn.op == OP_IN;
	unsigned int size = port_size(x);
	enum x86_place place = in ? x->insn.src : x->insn.dst;
	u16 port = place == AT_DX ? x->s.gpr[X86_RDX] : x->insn.immediate & 0xff;
	enum x86_result result;
	u32 value = x->s.gpr[X86_RAX];

	result = exec_check_port(x, port, size);
	if (result != X86_OK)
		return result;
	if (!in)
		return exec_out(x, port, &value, size);
	value = 0;
	result = exec_in(x, port, &value, size);
	if (result == X86_OK)
		exec_set_reg(x, X86_RAX, size, value);
	return result;
}

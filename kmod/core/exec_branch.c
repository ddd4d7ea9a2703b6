// SPDX-License-Identifier: GPL-2.0-only
/* Near branches, flags on the stack, BOUND, ARPL, and what does nothing. */
#include "exec_parts.h"

static enum x86_result relative(struct x86_exec *x)
{
	return exec_branch(x, x->next_rip + x->insn.immediate, x->insn.operand_size);
}

enum x86_result exec_jcc(struct x86_exec *x)
{
	return exec_condition(x) ? relative(x) : X86_OK;
}

/* LOOP, LOOPE, LOOPNE, JCXZ: rCX by the address size. */
enum x86_result exec_loop(struct x86_exec *x)
{
	u64 mask = exec_mask(x->insn.address_size);
	u64 count = x->s.gpr[X86_RCX] & mask;
	bool equal = x->s.rflags & X86_FLAG_ZF;
	bool jumps;

	if (x->insn.op == OP_JCXZ)
		return count ? X86_OK : relative(x);
	count = (count - 1) & mask;
	exec_set_reg(x, X86_RCX, x->insn.address_size, count);
	jumps = count && (x->insn.op == OP_LOOP || equal == (x->insn.op == OP_LOOPE));
	return jumps ? relative(x) : X86_OK;
}

/* JMP and CALL: relative, or absolute through a register or memory. */
enum x86_result exec_jump(struct x86_exec *x)
{
	unsigned int size = x->insn.operand_size;
	u64 target = x->next_rip + x->insn.immediate;
	enum x86_result result;

	if (x->insn.src == AT_RM) {
		result = exec_get(x, AT_RM, size, 0, &target);
		if (result != X86_OK)
			return result;
	}
	if (x->insn.op == OP_CALL) {
		/* The target is checked first: nothing is pushed if it is bad. */
		result = exec_branch(x, target, size);
		return result == X86_OK ? exec_push(x, x->next_rip, size) : result;
	}
	return exec_branch(x, target, size);
}

enum x86_result exec_ret(struct x86_exec *x)
{
	enum x86_result result;
	u64 target;

	result = exec_pop(x, &target, x->insn.operand_size);
	if (result != X86_OK)
		return result;
	exec_merge_reg(x, X86_RSP, exec_stack_size(x), x->s.gpr[X86_RSP] + x->insn.immediate);
	return exec_branch(x, target, x->insn.operand_size);
}

/* ---- checks --------------------------------------------------------------------- */

/* #BR unless the signed index is within the two bounds in memory. */
enum x86_result exec_bound(struct x86_exec *x)
{
	unsigned int size = x->insn.size;
	s64 index = exec_signed(exec_get_reg(x, x->insn.reg, size), size);
	u8 bounds[8];
	u64 low = 0, high = 0;
	enum x86_result result;

	result = exec_read(x, x->insn.segment, exec_offset(x), bounds, 2 * size, 0);
	if (result != X86_OK)
		return result;
	memcpy(&low, bounds, size);
	memcpy(&high, bounds + size, size);
	if (index < exec_signed(low, size) || index > exec_signed(high, size))
		return exec_fault(x, X86_BR);
	return X86_OK;
}

enum x86_result exec_arpl(struct x86_exec *x)
{
	u64 source = exec_get_reg(x, x->insn.reg, 2), value;
	enum x86_result result;
	bool raised;

	if (!x86_protected(&x->s) || x86_vm86(&x->s))
		return exec_ud(x);
	result = exec_get(x, AT_RM, 2, EXEC_RMW, &value);
	if (result != X86_OK)
		return result;
	raised = (value & 3) < (source & 3);
	exec_flag(x, X86_FLAG_ZF, raised);
	if (raised)
		value = (value & ~3ull) | (source & 3);
	/* Memory is written in any case, as by a processor. */
	return raised || x->insn.memory ? exec_put(x, AT_RM, 2, 0, value) : X86_OK;
}

/* ---- nothing -------------------------------------------------------------------- */

enum x86_result exec_nop(struct x86_exec *x)
{
	(void)x;
	return X86_OK;
}

/* CLFLUSH and its like: as a read of one byte, for its faults. */
enum x86_result exec_clflush(struct x86_exec *x)
{
	struct x86_translation t;
	unsigned int access = x86_cpl(&x->s) == 3 ? X86_ACCESS_USER : 0;
	enum x86_result result;
	u64 linear;

	result = exec_linear(x, x->insn.segment, exec_offset(x), 1, 0, &linear);
	if (result != X86_OK)
		return result;
	return x86_walk(x->env, &x->s, linear, access, &t, &x->fault);
}

enum x86_result exec_hlt(struct x86_exec *x)
{
	if (x86_cpl(&x->s))
		return exec_gp0(x);
	x->s.activity = X86_HALTED;
	return X86_OK;
}

enum x86_result exec_undefined(struct x86_exec *x)
{
	return exec_ud(x);
}

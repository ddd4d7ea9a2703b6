// SPDX-License-Identifier: GPL-2.0-only
/*
 * IF, and VIF in its place: CLI, STI, PUSHF and POPF, virtual-8086 mode extensions with software
 * interrupts by the TSS's redirection map (SDM 3 20.3; APM 2 8.10), protected-mode virtual
 * interrupts (SDM 3 20.4).
 */
#include "exec_parts.h"

#define REDIRECTION_BYTES 32u		/* before the I/O bitmap */

bool exec_vm86_limited(const struct x86_exec *x)
{
	return x86_vm86(&x->s) && (x->s.rflags & X86_FLAG_IOPL) != X86_FLAG_IOPL;
}

/* Whether VIF is in IF's place, as CLI and STI see it. */
static bool has_virtual(const struct x86_state *s)
{
	if ((s->rflags & X86_FLAG_IOPL) == X86_FLAG_IOPL || x86_cpl(s) != 3 || !x86_protected(s))
		return false;
	return s->cr4 & (x86_vm86(s) ? CR4_VME : CR4_PVI);
}

bool exec_virtual_pending(const struct x86_state *s)
{
	u64 both = X86_FLAG_VIF | X86_FLAG_VIP;

	return (s->rflags & both) == both && has_virtual(s);
}

enum x86_result exec_interrupt_flag(struct x86_exec *x)
{
	unsigned int iopl = (x->s.rflags & X86_FLAG_IOPL) >> X86_FLAG_IOPL_SHIFT;
	bool on = x->insn.op == OP_STI;

	if (x86_protected(&x->s) && x86_cpl(&x->s) > iopl) {
		if (!has_virtual(&x->s) || (on && x->s.rflags & X86_FLAG_VIP))
			return exec_gp0(x);
		exec_flag(x, X86_FLAG_VIF, on);
		return X86_OK;
	}
	if (on && !(x->s.rflags & X86_FLAG_IF))
		x->shadow = X86_SHADOW_STI;
	exec_flag(x, X86_FLAG_IF, on);
	return X86_OK;
}

/* ---- flags on the stack of a virtual-8086 task with IOPL below 3 ---------------------------- */

enum x86_result exec_check_limited(struct x86_exec *x, unsigned int size)
{
	return x->s.cr4 & CR4_VME && size == 2 ? X86_OK : exec_gp0(x);
}

/* FLAGS as such a task sees them: IOPL 3, and VIF as IF. */
static u16 limited_image(const struct x86_state *s)
{
	u16 flags = (s->rflags & ~X86_FLAG_IF) | X86_FLAG_IOPL;

	return s->rflags & X86_FLAG_VIF ? flags | X86_FLAG_IF : flags;
}

enum x86_result exec_load_limited(struct x86_exec *x, u16 flags)
{
	bool on = flags & X86_FLAG_IF;

	if (flags & X86_FLAG_TF || (on && x->s.rflags & X86_FLAG_VIP))
		return exec_gp0(x);
	exec_load_flags(x, flags, 2, 0);
	exec_flag(x, X86_FLAG_VIF, on);
	return X86_OK;
}

enum x86_result exec_pushf(struct x86_exec *x)
{
	enum x86_result result;

	if (!exec_vm86_limited(x))
		return exec_push(x, x->s.rflags & ~(X86_FLAG_RF | X86_FLAG_VM), x->insn.size);
	result = exec_check_limited(x, x->insn.size);
	return result == X86_OK ? exec_push(x, limited_image(&x->s), 2) : result;
}

enum x86_result exec_popf(struct x86_exec *x)
{
	bool limited = exec_vm86_limited(x);
	enum x86_result result = limited ? exec_check_limited(x, x->insn.size) : X86_OK;
	u64 flags;

	if (result == X86_OK)
		result = exec_pop(x, &flags, x->insn.size);
	if (result != X86_OK)
		return result;
	if (limited)
		return exec_load_limited(x, flags);
	exec_load_flags(x, flags, x->insn.size, 0);
	return X86_OK;
}

/* ---- INT n of a virtual-8086 task with CR4.VME (SDM 3 20.3.3) -------------------------------- */

/* That interrupt's bit in the map; beyond the TSS there is none. */
static enum x86_result read_redirection(struct x86_exec *x, u8 vector, bool *set)
{
	const struct x86_seg *tr = &x->s.seg[X86_TR];
	enum x86_result result;
	u16 map;
	u32 at;
	u8 bits;

	if (tr->ar & X86_AR_UNUSABLE || (tr->ar & 0xd) != 9 || tr->limit < 0x67)
		return exec_gp0(x);
	result = exec_read_linear(x, (u32)(tr->base + 0x66), &map, 2, EXEC_SYSTEM);
	if (result != X86_OK)
		return result;
	at = map - REDIRECTION_BYTES + vector / 8;
	if (map < REDIRECTION_BYTES || at > tr->limit)
		return exec_gp0(x);
	result = exec_read_linear(x, (u32)(tr->base + at), &bits, 1, EXEC_SYSTEM);
	*set = bits >> (vector & 7) & 1;
	return result;
}

enum x86_result exec_int_vm86(struct x86_exec *x, u8 vector, bool *own, u16 entry[2])
{
	bool limited = exec_vm86_limited(x), set = true;
	enum x86_result result = X86_OK;

	if (x->s.cr4 & CR4_VME)
		result = read_redirection(x, vector, &set);
	*own = !set;
	if (result != X86_OK)
		return result;
	if (set)
		return limited ? exec_gp0(x) : X86_OK;
	result = exec_read_linear(x, vector * 4, entry, 4, EXEC_SYSTEM);
	if (result == X86_OK)
		result = exec_push(x, limited ? limited_image(&x->s) : x->s.rflags, 2);
	if (result == X86_OK)
		result = exec_push(x, x->s.seg[X86_CS].selector, 2);
	if (result == X86_OK)
		result = exec_push(x, x->s.rip, 2);
	x->s.rflags &= ~((limited ? X86_FLAG_VIF : X86_FLAG_IF) | X86_FLAG_TF);
	x->no_trap = true;
	return result;
}

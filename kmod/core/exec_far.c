// SPDX-License-Identifier: GPL-2.0-only
/*
 * Far transfers: JMP, CALL and RET between segments and privilege levels, call gates, IRET,
 * software interrupts, fast system calls (SDM 2, each instruction; SDM 3 5.8; APM 2 4.7,
 * 6.1). Task switches are in exec_task.c.
 */
#include "exec_parts.h"
#include "seg.h"

static enum x86_result code_fault(struct x86_exec *x, enum x86_vector vector, u16 selector)
{
	return exec_fault_code(x, vector, selector & 0xfffc);
}

static bool segmented(const struct x86_exec *x)
{
	return !x86_protected(&x->s) || x86_vm86(&x->s);
}

/* ---- a new CS:RIP ---------------------------------------------------------------------------- */

/* RIP in the segment that CS is now: within its limit, or canonical. */
static enum x86_result set_rip(struct x86_exec *x, u64 rip)
{
	u64 linear;

	if (!x86_code64(&x->s))
		rip = (u32)rip;
	if (exec_linear(x, X86_CS, rip, 1, X86_ACCESS_FETCH, &linear) != X86_OK)
		return exec_gp0(x);
	x->s.rip = rip;
	return X86_OK;
}

enum x86_result exec_enter_code(struct x86_exec *x, struct descriptor *d, u16 selector,
				unsigned int cpl, u64 rip)
{
	enum x86_result result;

	/* L and D together are reserved (SDM 3 5.2.1). */
	if (x86_long(&x->s) && (descriptor_ar(d) & (X86_AR_L | X86_AR_DB)) ==
	    (X86_AR_L | X86_AR_DB))
		return code_fault(x, X86_GP, selector);
	if (!descriptor_present(d))
		return code_fault(x, X86_NP, selector);
	result = seg_set_accessed(x, d);
	if (result != X86_OK)
		return result;
	x->s.seg[X86_CS] = seg_of_descriptor(d, (selector & 0xfffc) | cpl);
	return set_rip(x, rip);
}

static enum x86_result transfer_real(struct x86_exec *x, u16 selector, u64 rip)
{
	/* Also of CS only the base changes, and in virtual-8086 mode nothing can. */
	x->s.seg[X86_CS].selector = selector;
	x->s.seg[X86_CS].base = (u32)selector << 4;
	return set_rip(x, rip);
}

/* ---- gates ---------------------------------------------------------------------- */

struct gate {
	u16 selector;
	u64 rip;
	unsigned int params;	/* to copy from the old stack */
	unsigned int size;	/* of what is pushed in bytes */
};

/* SDM 3 5.8.3, 5.8.3.1: who may use the gate, and where it leads. */
static enum x86_result read_gate(struct x86_exec *x, u16 selector, struct gate *gate)
{
	struct descriptor d;
	enum x86_result result;
	unsigned int type;

	result = seg_read_system(x, selector, X86_GP, &d);
	if (result != X86_OK)
		return result;
	type = descriptor_type(&d);
	if (x86_long(&x->s) && (type != SYSTEM_CALL_GATE || d.high >> 40 & 0x1f))
		return code_fault(x, X86_GP, selector);
	if (type != SYSTEM_CALL_GATE && type != SYSTEM_CALL_GATE16)
		return code_fault(x, X86_GP, selector);
	if (descriptor_dpl(&d) < x86_cpl(&x->s) || descriptor_dpl(&d) < SELECTOR_RPL(selector))
		return code_fault(x, X86_GP, selector);
	if (!descriptor_present(&d))
		return code_fault(x, X86_NP, selector);
	*gate = (struct gate){
		.selector = d.low >> 16, .rip = d.low & 0xffff, .params = d.low >> 32 & 31,
		.size = type == SYSTEM_CALL_GATE16 ? 2 : 4,
	};
	if (gate->size == 4)
		gate->rip |= d.low >> 32 & 0xffff0000;
	if (x86_long(&x->s)) {
		gate->rip |= d.high << 32;
		gate->params = 0;
		gate->size = 8;
	}
	return X86_OK;
}

/* The code segment that a gate leads to. */
static enum x86_result gate_target(struct x86_exec *x, const struct gate *gate,
				   struct descriptor *d)
{
	enum x86_result result;

	if (SELECTOR_NULL(gate->selector))
		return exec_gp0(x);
	result = seg_read_descriptor(x, gate->selector, X86_GP, d);
	if (result != X86_OK)
		return result;
	if (!descriptor_is_code(d) || descriptor_dpl(d) > x86_cpl(&x->s))
		return code_fault(x, X86_GP, gate->selector);
	if (x86_long(&x->s) && (descriptor_ar(d) & (X86_AR_L | X86_AR_DB)) != X86_AR_L)
		return code_fault(x, X86_GP, gate->selector);
	if (!descriptor_present(d))
		return code_fault(x, X86_NP, gate->selector);
	return X86_OK;
}

static bool conforming(const struct descriptor *d)
{
	return descriptor_type(d) & X86_AR_EC;
}

/* ---- the inner stack of a call gate (SDM 3 5.8.5) ------------------------------- */

enum x86_result exec_tss_stack(struct x86_exec *x, unsigned int cpl, u16 *ss, u64 *rsp)
{
	const struct x86_seg *tr = &x->s.seg[X86_TR];
	bool wide = tr->ar & 8;
	unsigned int size = x86_long(&x->s) ? 8 : wide ? 4 : 2;
	u32 at = size == 2 ? 2 + 4 * cpl : 4 + 8 * cpl;
	unsigned int all = size == 8 ? 8 : size + 2;
	enum x86_result result;

	*rsp = 0;
	*ss = cpl;
	if (at + all - 1 > tr->limit)
		return code_fault(x, X86_TS, tr->selector);
	result = exec_read_linear(x, tr->base + at, rsp, size, EXEC_SYSTEM);
	if (result != X86_OK || size == 8)
		return result;
	return exec_read_linear(x, tr->base + at + size, ss, 2, EXEC_SYSTEM);
}

/* Switches to the inner stack and pushes SS, rSP and the parameters of the old one. */
static enum x86_result switch_inward(struct x86_exec *x, const struct gate *gate, unsigned int cpl)
{
	struct x86_seg old_ss = x->s.seg[X86_SS];
	u64 old_rsp = x->s.gpr[X86_RSP], rsp;
	u64 params[32] = { 0 };
	enum x86_result result;
	u16 ss;

	for (unsigned int i = 0; i < gate->params; i++) {
		u64 at = (old_rsp + i * gate->size) & exec_mask(exec_stack_size(x));

		result = exec_read(x, X86_SS, at, &params[i], gate->size, 0);
		if (result != X86_OK)
			return result;
	}
	result = exec_tss_stack(x, cpl, &ss, &rsp);
	if (result != X86_OK)
		return result;
	if (x86_long(&x->s)) {
		x->s.seg[X86_SS].selector = cpl;
		x->s.seg[X86_SS].ar = X86_AR_UNUSABLE | cpl << X86_AR_DPL_SHIFT;
	} else {
		result = seg_load_ss(x, ss, cpl, X86_TS);
		if (result != X86_OK)
			return result;
	}
	exec_merge_reg(x, X86_RSP, exec_stack_size(x), rsp);
	result = exec_push(x, old_ss.selector, gate->size);
	if (result == X86_OK)
		result = exec_push(x, old_rsp, gate->size);
	for (unsigned int i = gate->params; i-- > 0 && result == X86_OK;)
		result = exec_push(x, params[i], gate->size);
	return result;
}

/* ---- JMP and CALL --------------------------------------------------------------- */

static enum x86_result push_return(struct x86_exec *x, u16 cs, u64 rip, unsigned int size)
{
	enum x86_result result = exec_push(x, cs, size);

	return result == X86_OK ? exec_push(x, rip, size) : result;
}

static enum x86_result through_gate(struct x86_exec *x, u16 selector, bool call)
{
	u16 old_cs = x->s.seg[X86_CS].selector;
	unsigned int cpl = x86_cpl(&x->s);
	struct descriptor d;
	struct gate gate = { 0 };
	enum x86_result result;
	bool inward;

	result = read_gate(x, selector, &gate);
	if (result == X86_OK)
		result = gate_target(x, &gate, &d);
	if (result != X86_OK)
		return result;
	inward = call && !conforming(&d) && descriptor_dpl(&d) < cpl;
	if (!call && !conforming(&d) && descriptor_dpl(&d) != cpl)
		return code_fault(x, X86_GP, gate.selector);
	if (inward)
		cpl = descriptor_dpl(&d);
	if (x86_long(&x->s))
		x->s.seg[X86_CS].ar |= X86_AR_L;	/* what is pushed is 64-bit already */
	if (inward)
		result = switch_inward(x, &gate, cpl);
	if (call && result == X86_OK)
		result = push_return(x, old_cs, x->next_rip, gate.size);
	/* Beyond the end of a new stack, #SS names its selector (SDM 2 CALL). */
	if (inward && result == X86_FAULT && x->fault.vector == X86_SS_FAULT && !x->fault.error)
		x->fault.error = x->s.seg[X86_SS].selector & 0xfffc;
	if (result != X86_OK)
		return result;
	return exec_enter_code(x, &d, gate.selector, cpl, gate.rip);
}

/* In long mode there are no tasks: what would be one is refused as a gate. */
static bool is_task(const struct x86_exec *x, const struct descriptor *d)
{
	unsigned int type = descriptor_type(d);

	return !x86_long(&x->s) && !descriptor_is_segment(d) &&
	       (type == SYSTEM_TSS || type == SYSTEM_TSS16 || type == SYSTEM_TASK_GATE);
}

/* A TSS's selector, or that of a task gate, whose TSS needs no right (SDM 3 7.3). */
static enum x86_result to_task(struct x86_exec *x, const struct descriptor *d, u16 selector,
			       bool call)
{
	bool gate = descriptor_type(d) == SYSTEM_TASK_GATE;

	if (descriptor_dpl(d) < x86_cpl(&x->s) || descriptor_dpl(d) < SELECTOR_RPL(selector))
		return code_fault(x, X86_GP, selector);
	if (gate && !descriptor_present(d))
		return code_fault(x, X86_NP, selector);
	return exec_task_switch(x, gate ? d->low >> 16 : selector, call ? TASK_CALL : TASK_JUMP);
}

static enum x86_result transfer(struct x86_exec *x, u16 selector, u64 rip, bool call)
{
	unsigned int size = x->insn.operand_size, cpl = x86_cpl(&x->s);
	struct descriptor d;
	enum x86_result result;

	if (segmented(x)) {
		result = call ? push_return(x, x->s.seg[X86_CS].selector, x->next_rip, size) :
				X86_OK;
		return result == X86_OK ? transfer_real(x, selector, rip) : result;
	}
	if (SELECTOR_NULL(selector))
		return exec_gp0(x);
	result = seg_read_descriptor(x, selector, X86_GP, &d);
	if (result != X86_OK)
		return result;
	if (is_task(x, &d))
		return to_task(x, &d, selector, call);
	if (!descriptor_is_segment(&d))
		return through_gate(x, selector, call);
	if (!descriptor_is_code(&d) || (conforming(&d) ? descriptor_dpl(&d) > cpl :
	    SELECTOR_RPL(selector) > cpl || descriptor_dpl(&d) != cpl))
		return code_fault(x, X86_GP, selector);
	if (!descriptor_present(&d))
		return code_fault(x, X86_NP, selector);
	if (call) {
		result = push_return(x, x->s.seg[X86_CS].selector, x->next_rip, size);
		if (result != X86_OK)
			return result;
	}
	return exec_enter_code(x, &d, selector, cpl, rip);
}

/* JMP and CALL: the pointer is in the instruction or in memory, offset first. */
enum x86_result exec_far(struct x86_exec *x)
{
	unsigned int size = x->insn.operand_size;
	bool call = x->insn.op == OP_CALL_FAR;
	enum x86_result result;
	u8 pointer[10];
	u16 selector;
	u64 rip = 0;

	if (!x->insn.memory)
		return transfer(x, x->insn.immediate2, x->insn.immediate & exec_mask(size), call);
	result = exec_read(x, x->insn.segment, exec_offset(x), pointer, size + 2, 0);
	if (result != X86_OK)
		return result;
	memcpy(&rip, pointer, size);
	memcpy(&selector, pointer + size, 2);
	return transfer(x, selector, rip, call);
}

/* ---- RET and IRET --------------------------------------------------------------- */

/* The code segment that is returned to. */
static enum x86_result return_target(struct x86_exec *x, u16 selector, struct descriptor *d)
{
	unsigned int rpl = SELECTOR_RPL(selector);
	enum x86_result result;

	if (SELECTOR_NULL(selector))
		return exec_gp0(x);
	result = seg_read_descriptor(x, selector, X86_GP, d);
	if (result != X86_OK)
		return result;
	if (!descriptor_is_code(d) || rpl < x86_cpl(&x->s) ||
	    (conforming(d) ? descriptor_dpl(d) > rpl : descriptor_dpl(d) != rpl))
		return code_fault(x, X86_GP, selector);
	return descriptor_present(d) ? X86_OK : code_fault(x, X86_NP, selector);
}

/* rSP and SS from the stack, for a return to privilege level cpl. */
static enum x86_result return_stack(struct x86_exec *x, unsigned int size, unsigned int cpl,
				    struct descriptor *cs, u16 cs_selector, u64 rip)
{
	bool outward = cpl != x86_cpl(&x->s);
	enum x86_result result;
	u64 rsp, ss;

	result = exec_pop(x, &rsp, size);
	if (result == X86_OK)
		result = exec_pop(x, &ss, size);
	if (result != X86_OK)
		return result;
	/* SS is checked as the new code sees it: null is for 64-bit code only. */
	result = exec_enter_code(x, cs, cs_selector, cpl, rip);
	if (result == X86_OK)
		result = seg_load_ss(x, ss, cpl, X86_GP);
	if (result != X86_OK)
		return result;
	exec_merge_reg(x, X86_RSP, size == 8 ? 8 : exec_stack_size(x), rsp);
	if (outward)
		seg_drop_privileged(x);
	return X86_OK;
}

static void release(struct x86_exec *x, unsigned int bytes)
{
	exec_merge_reg(x, X86_RSP, exec_stack_size(x), x->s.gpr[X86_RSP] + bytes);
}

enum x86_result exec_ret_far(struct x86_exec *x)
{
	unsigned int size = x->insn.operand_size, bytes = x->insn.immediate;
	struct descriptor d;
	enum x86_result result;
	u64 rip, selector;

	result = exec_pop(x, &rip, size);
	if (result == X86_OK)
		result = exec_pop(x, &selector, size);
	if (result != X86_OK)
		return result;
	if (segmented(x)) {
		release(x, bytes);
		return transfer_real(x, selector, rip);
	}
	result = return_target(x, selector, &d);
	if (result != X86_OK)
		return result;
	release(x, bytes);
	if (SELECTOR_RPL(selector) == x86_cpl(&x->s))
		return exec_enter_code(x, &d, selector, SELECTOR_RPL(selector), rip);
	result = return_stack(x, size, SELECTOR_RPL(selector), &d, selector, rip);
	if (result == X86_OK)
		release(x, bytes);
	return result;
}

/*
 * RFLAGS as POPF and IRET load them (SDM 2): IOPL at CPL 0 only, IF up to IOPL. extra:
 * further bits that this instruction may change.
 */
void exec_load_flags(struct x86_exec *x, u64 flags, unsigned int size, u64 extra)
{
	unsigned int cpl = x86_cpl(&x->s);
	unsigned int iopl = (x->s.rflags & X86_FLAG_IOPL) >> X86_FLAG_IOPL_SHIFT;
	u64 mask = X86_FLAGS_STATUS | X86_FLAG_TF | X86_FLAG_DF | X86_FLAG_NT | X86_FLAG_AC |
		   X86_FLAG_ID | extra;

	if (cpl == 0)
		mask |= X86_FLAG_IOPL;
	if (cpl <= iopl)
		mask |= X86_FLAG_IF;
	if (size == 2)
		mask &= 0xffff;
	x->s.rflags = (x->s.rflags & ~mask) | (flags & mask) | X86_FLAG_ONE;
}

/* IRET from a supervisor to virtual-8086 mode: nine items of four bytes. */
static enum x86_result iret_vm86(struct x86_exec *x, u64 rip, u16 cs, u64 flags)
{
	static const u8 order[] = { X86_SS, X86_ES, X86_DS, X86_FS, X86_GS };
	u64 rsp, selectors[ARRAY_SIZE(order)];
	enum x86_result result;

	result = exec_pop(x, &rsp, 4);
	for (unsigned int i = 0; i < ARRAY_SIZE(order) && result == X86_OK; i++)
		result = exec_pop(x, &selectors[i], 4);
	if (result != X86_OK)
		return result;
	exec_load_flags(x, flags, 4, X86_FLAG_VM | X86_FLAG_RF | X86_FLAG_VIF | X86_FLAG_VIP);
	seg_load_real(x, X86_CS, cs);
	for (unsigned int i = 0; i < ARRAY_SIZE(order); i++)
		seg_load_real(x, order[i], selectors[i]);
	x->s.gpr[X86_RSP] = (u32)rsp;
	x->s.rip = (u16)rip;
	return X86_OK;
}

static enum x86_result iret_protected(struct x86_exec *x, u64 rip, u16 cs, u64 flags)
{
	unsigned int size = x->insn.operand_size, cpl = x86_cpl(&x->s);
	unsigned int to = SELECTOR_RPL(cs);
	bool code64 = x86_code64(&x->s);
	struct x86_state before = x->s;
	struct descriptor d;
	enum x86_result result;

	if (size == 4 && flags & X86_FLAG_VM && cpl == 0 && !x86_long(&x->s))
		return iret_vm86(x, rip, cs, flags);
	result = return_target(x, cs, &d);
	if (result != X86_OK)
		return result;
	/* Flags go by the old CPL and IOPL. */
	exec_load_flags(x, flags, size, X86_FLAG_RF |
			(cpl == 0 ? X86_FLAG_VIF | X86_FLAG_VIP : 0));
	flags = x->s.rflags;
	x->s.rflags = before.rflags;
	result = code64 || to > cpl ? return_stack(x, size, to, &d, cs, rip) :
				      exec_enter_code(x, &d, cs, to, rip);
	x->s.rflags = flags;
	return result;
}

/* To the task that the current TSS has a link to. */
static enum x86_result return_task(struct x86_exec *x)
{
	const struct x86_seg *tr = &x->s.seg[X86_TR];
	enum x86_result result;
	u16 link;

	result = exec_read_linear(x, (u32)tr->base, &link, 2, EXEC_SYSTEM);
	if (result == X86_OK)
		result = exec_task_switch(x, link, TASK_IRET);
	if (result == X86_OK)
		x->s.nmi_blocked = false;
	return result;
}

enum x86_result exec_iret(struct x86_exec *x)
{
	unsigned int size = x->insn.operand_size;
	bool limited = exec_vm86_limited(x);
	enum x86_result result;
	u64 rip, cs, flags;

	if (!segmented(x) && x->s.rflags & X86_FLAG_NT)
		return x86_long(&x->s) ? exec_gp0(x) : return_task(x);
	result = limited ? exec_check_limited(x, size) : X86_OK;
	if (result == X86_OK)
		result = exec_pop(x, &rip, size);
	if (result == X86_OK)
		result = exec_pop(x, &cs, size);
	if (result == X86_OK)
		result = exec_pop(x, &flags, size);
	if (result != X86_OK)
		return result;
	if (!segmented(x)) {
		result = iret_protected(x, rip, cs, flags);
	} else if (limited) {
		result = exec_load_limited(x, flags);
		if (result == X86_OK)
			result = transfer_real(x, cs, rip);
	} else {
		u64 iopl = x->s.rflags & X86_FLAG_IOPL;
		bool vm86 = x86_vm86(&x->s);

		exec_load_flags(x, flags, size, X86_FLAG_RF);
		if (vm86)
			x->s.rflags = (x->s.rflags & ~X86_FLAG_IOPL) | iopl;
		result = transfer_real(x, cs, rip);
	}
	if (result == X86_OK) {
		x->s.nmi_blocked = false;
		x->keep_rf = true;
	}
	return result;
}

/* ---- software interrupts -------------------------------------------------------- */

/* In virtual-8086 mode the task's own table may be the one that counts. */
static enum x86_result int_vm86(struct x86_exec *x, u8 vector)
{
	enum x86_result result;
	u16 entry[2];
	bool own;

	result = exec_int_vm86(x, vector, &own, entry);
	if (result != X86_OK)
		return result;
	if (own)
		return transfer_real(x, entry[1], entry[0]);
	x->fault = (struct x86_fault){ .vector = vector, .software = true };
	return X86_FAULT;
}

enum x86_result exec_int(struct x86_exec *x)
{
	switch (x->insn.op) {
	case OP_INT3:
		x->fault = (struct x86_fault){ .vector = X86_BP, .software = true };
		break;
	case OP_INT1:
		x->fault = (struct x86_fault){ .vector = X86_DB, .software = true };
		break;
	case OP_INTO:
		if (!(x->s.rflags & X86_FLAG_OF))
			return X86_OK;
		x->fault = (struct x86_fault){ .vector = X86_OF, .software = true };
		break;
	default:
		if (x86_vm86(&x->s))
			return int_vm86(x, x->insn.immediate & 0xff);
		x->fault = (struct x86_fault){
			.vector = x->insn.immediate & 0xff, .software = true,
		};
		break;
	}
	return X86_FAULT;
}

/* ---- fast system calls ---------------------------------------------------------- */

/* Flat segments that no descriptor is read for (SDM 2 SYSCALL, SYSENTER). */
static void flat(struct x86_exec *x, enum x86_seg_name name, u16 selector, unsigned int dpl,
		 bool code64)
{
	u32 ar = X86_AR_P | X86_AR_S | X86_AR_G | X86_AR_ACCESSED | X86_AR_RW |
		 dpl << X86_AR_DPL_SHIFT;

	if (name == X86_CS)
		ar |= X86_AR_CODE | (code64 ? X86_AR_L : X86_AR_DB);
	else
		ar |= X86_AR_DB;
	x->s.seg[name] = (struct x86_seg){ .limit = 0xffffffff, .ar = ar, .selector = selector };
}

enum x86_result exec_syscall(struct x86_exec *x)
{
	bool code64 = x86_code64(&x->s);
	u16 cs = x->s.msr.star >> 32 & 0xfffc;

	if (!(x->s.efer & X86_EFER_SCE) || segmented(x))
		return exec_ud(x);
	if (!code64 && !x->env->amd)
		return exec_ud(x);
	x->s.gpr[X86_RCX] = x->s.rip;
	if (!x86_long(&x->s)) {
		x->s.gpr[X86_RCX] = (u32)x->s.rip;
		x->s.rip = (u32)x->s.msr.star;
		x->s.rflags &= ~(X86_FLAG_VM | X86_FLAG_IF | X86_FLAG_RF);
	} else {
		x->s.gpr[X86_R11] = x->s.rflags & ~X86_FLAG_RF;
		x->s.rip = code64 ? x->s.msr.lstar : x->s.msr.cstar;
		x->s.rflags &= ~(x->s.msr.sfmask | X86_FLAG_RF);
		x->s.rflags |= X86_FLAG_ONE;
	}
	flat(x, X86_CS, cs, 0, x86_long(&x->s));
	flat(x, X86_SS, cs + 8, 0, false);
	return X86_OK;
}

/* SS of SYSRET on AMD keeps its hidden parts but for the level (APM 3 SYSRET). */
static void sysret_ss(struct x86_exec *x, u16 selector)
{
	u32 kept = x->s.seg[X86_SS].ar;

	if (!x->env->amd || kept & X86_AR_UNUSABLE) {
		flat(x, X86_SS, selector, 3, false);
		return;
	}
	x->s.seg[X86_SS].selector = selector;
	x->s.seg[X86_SS].ar = kept | X86_AR_DPL;
}

enum x86_result exec_sysret(struct x86_exec *x)
{
	bool to64 = x->insn.operand_size == 8;
	u16 base = x->s.msr.star >> 48;
	u64 rcx = x->s.gpr[X86_RCX], linear;
	u64 keep = X86_FLAG_RF | X86_FLAG_VM;

	if (!(x->s.efer & X86_EFER_SCE) || segmented(x) || (!x86_code64(&x->s) && !x->env->amd))
		return exec_ud(x);
	if (x86_cpl(&x->s))
		return exec_gp0(x);
	/* Intel checks the target while still at CPL 0; AMD leaves it to the first fetch. */
	if (to64 && !x->env->amd &&
	    exec_linear(x, X86_CS, rcx, 1, X86_ACCESS_FETCH, &linear) != X86_OK)
		return exec_gp0(x);
	if (x86_long(&x->s))
		x->s.rflags = (x->s.gpr[X86_R11] & 0x3c7fd7 & ~keep) | X86_FLAG_ONE;
	else
		x->s.rflags |= X86_FLAG_IF;
	flat(x, X86_CS, (to64 ? base + 16 : base) | 3, 3, to64);
	sysret_ss(x, (base + 8) | 3);
	x->s.rip = to64 ? rcx : (u32)rcx;
	return X86_OK;
}

enum x86_result exec_sysenter(struct x86_exec *x)
{
	u16 cs = x->s.msr.sysenter_cs & 0xfffc;

	if (x86_long(&x->s) && x->env->amd)
		return exec_ud(x);
	if (!x86_protected(&x->s) || !cs)
		return exec_gp0(x);
	x->s.rflags &= ~(X86_FLAG_VM | X86_FLAG_IF | X86_FLAG_RF);
	flat(x, X86_CS, cs, 0, x86_long(&x->s));
	flat(x, X86_SS, cs + 8, 0, false);
	x->s.rip = x86_long(&x->s) ? x->s.msr.sysenter_eip : (u32)x->s.msr.sysenter_eip;
	x->s.gpr[X86_RSP] = x86_long(&x->s) ? x->s.msr.sysenter_esp : (u32)x->s.msr.sysenter_esp;
	return X86_OK;
}

enum x86_result exec_sysexit(struct x86_exec *x)
{
	bool to64 = x->insn.operand_size == 8;
	u16 cs = x->s.msr.sysenter_cs & 0xfffc;
	u64 rip = x->s.gpr[X86_RDX], linear;

	if (x86_long(&x->s) && x->env->amd)
		return exec_ud(x);
	if (segmented(x) || x86_cpl(&x->s) || !cs)
		return exec_gp0(x);
	if (to64 && (exec_linear(x, X86_CS, rip, 1, X86_ACCESS_FETCH, &linear) != X86_OK ||
		     exec_linear(x, X86_SS, x->s.gpr[X86_RCX], 1, 0, &linear) != X86_OK))
		return exec_gp0(x);
	flat(x, X86_CS, (cs + (to64 ? 32 : 16)) | 3, 3, to64);
	flat(x, X86_SS, (cs + (to64 ? 40 : 24)) | 3, 3, false);
	x->s.rip = to64 ? rip : (u32)rip;
	x->s.gpr[X86_RSP] = to64 ? x->s.gpr[X86_RCX] : (u32)x->s.gpr[X86_RCX];
	return X86_OK;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Task switches (SDM 3 chapter 7, APM 2 chapter 12): by JMP, CALL and IRET, and through task
 * gates, between TSSs of 16 and of 32 bits. Up to the load of TR a fault is the old task's, and
 * nothing has happened; what fails after it is raised in the new one.
 */
#include "exec_parts.h"
#include "seg.h"

#define TSS_LINK 0
#define DR7_LOCAL 0x155ull	/* L0 to L3, LE: of one task only */

/* Offsets in a TSS. */
struct layout {
	u8 cr3;			/* 0: there is none */
	u8 rip, flags, gpr, seg, ldt;
	u8 trap;		/* of a word whose bit 0 asks for #DB; 0: there is none */
	u8 size;		/* of a register in bytes; selectors stand as far apart */
	u8 segs;		/* segment registers, from ES on */
	u32 least;		/* limit */
};

static const struct layout layout32 = {
	.cr3 = 0x1c, .rip = 0x20, .flags = 0x24, .gpr = 0x28, .seg = 0x48, .ldt = 0x60,
	.trap = 0x64, .size = 4, .segs = 6, .least = 0x67,
};
static const struct layout layout16 = {
	.rip = 0x0e, .flags = 0x10, .gpr = 0x12, .seg = 0x22, .ldt = 0x2a,
	.size = 2, .segs = 4, .least = 0x2b,
};

/* What a TSS has of the registers. */
struct task {
	u64 cr3, rip, flags, gpr[8];
	u64 seg[6], ldt, trap;
};

static const struct layout *layout_of(const struct x86_seg *tss)
{
	return tss->ar & 8 ? &layout32 : &layout16;
}

/* ---- the old task ------------------------------------------------------------------------- */

static enum x86_result write_field(struct x86_exec *x, const struct x86_seg *tss, unsigned int at,
				   u64 value, unsigned int size)
{
	return exec_write_linear(x, (u32)(tss->base + at), &value, size, EXEC_SYSTEM);
}

static enum x86_result save_task(struct x86_exec *x, const struct x86_seg *tss, u64 flags)
{
	const struct layout *l = layout_of(tss);
	enum x86_result result;

	result = write_field(x, tss, l->rip, x->next_rip, l->size);
	if (result == X86_OK)
		result = write_field(x, tss, l->flags, flags, l->size);
	for (unsigned int i = 0; i < 8 && result == X86_OK; i++)
		result = write_field(x, tss, l->gpr + i * l->size, x->s.gpr[i], l->size);
	for (unsigned int i = 0; i < l->segs && result == X86_OK; i++)
		result = write_field(x, tss, l->seg + i * l->size, x->s.seg[i].selector, 2);
	return result;
}

/* Bit 1 of a TSS descriptor's type. */
static enum x86_result set_busy(struct x86_exec *x, struct descriptor *d, bool busy)
{
	u8 byte = d->low >> 40;

	byte = busy ? byte | 2 : byte & ~2;
	return exec_write_linear(x, d->linear + 5, &byte, 1, EXEC_SYSTEM);
}

/* The old task is no longer busy: not with CALL, which comes back to it. */
static enum x86_result release_old(struct x86_exec *x)
{
	struct descriptor d;
	enum x86_result result;

	result = seg_read_descriptor(x, x->s.seg[X86_TR].selector, X86_TS, &d);
	return result == X86_OK ? set_busy(x, &d, false) : result;
}

/* ---- the new task's TSS ----------------------------------------------------------------- */

static enum x86_result tss_fault(struct x86_exec *x, enum x86_vector vector, u16 selector)
{
	return exec_fault_code(x, vector, selector & 0xfffc);
}

/* SDM 3 table 7-1, the first rows. */
static enum x86_result find_tss(struct x86_exec *x, u16 selector, enum task_reason reason,
				struct descriptor *d)
{
	bool back = reason == TASK_IRET;
	enum x86_vector vector = back ? X86_TS : X86_GP;
	enum x86_result result;
	unsigned int type;

	if (SELECTOR_NULL(selector) || selector & SELECTOR_TI)
		return tss_fault(x, vector, selector);
	result = seg_read_descriptor(x, selector, vector, d);
	if (result != X86_OK)
		return result;
	type = descriptor_type(d);
	if (descriptor_is_segment(d) ||
	    (type & ~8u) != (back ? SYSTEM_TSS16_BUSY : SYSTEM_TSS16))
		return tss_fault(x, vector, selector);
	if (!descriptor_present(d))
		return tss_fault(x, X86_NP, selector);
	return X86_OK;
}

static enum x86_result read_field(struct x86_exec *x, const struct x86_seg *tss, unsigned int at,
				  u64 *value, unsigned int size)
{
	*value = 0;
	return exec_read_linear(x, (u32)(tss->base + at), value, size, EXEC_SYSTEM);
}

static enum x86_result read_task(struct x86_exec *x, const struct x86_seg *tss, struct task *task)
{
	const struct layout *l = layout_of(tss);
	enum x86_result result;

	*task = (struct task){ 0 };
	result = read_field(x, tss, l->rip, &task->rip, l->size);
	if (result == X86_OK)
		result = read_field(x, tss, l->flags, &task->flags, l->size);
	for (unsigned int i = 0; i < 8 && result == X86_OK; i++)
		result = read_field(x, tss, l->gpr + i * l->size, &task->gpr[i], l->size);
	for (unsigned int i = 0; i < l->segs && result == X86_OK; i++)
		result = read_field(x, tss, l->seg + i * l->size, &task->seg[i], 2);
	if (result == X86_OK)
		result = read_field(x, tss, l->ldt, &task->ldt, 2);
	if (result == X86_OK && l->trap)
		result = read_field(x, tss, l->trap, &task->trap, 2);
	if (result == X86_OK && l->cr3)
		result = read_field(x, tss, l->cr3, &task->cr3, 4);
	return result;
}

/* ---- the new task's registers --------------------------------------------------------------- */

#define FLAGS_LOADED (X86_FLAGS_STATUS | X86_FLAG_TF | X86_FLAG_IF | X86_FLAG_DF | \
		      X86_FLAG_IOPL | X86_FLAG_NT | X86_FLAG_RF | X86_FLAG_VM | X86_FLAG_AC | \
		      X86_FLAG_VIF | X86_FLAG_VIP | X86_FLAG_ID)

/* Registers, and selectors of segments that nobody has looked at yet. */
static void load_registers(struct x86_exec *x, const struct task *task, bool nested)
{
	unsigned int cpl;

	x->s.rip = task->rip;
	x->s.rflags = (task->flags & FLAGS_LOADED) | X86_FLAG_ONE | (nested ? X86_FLAG_NT : 0);
	for (unsigned int i = 0; i < 8; i++)
		x->s.gpr[i] = task->gpr[i];
	cpl = x->s.rflags & X86_FLAG_VM ? 3 : SELECTOR_RPL(task->seg[X86_CS]);
	for (unsigned int i = 0; i < 6; i++)
		x->s.seg[i] = (struct x86_seg){ .selector = task->seg[i], .ar = X86_AR_UNUSABLE };
	x->s.seg[X86_SS].ar |= cpl << X86_AR_DPL_SHIFT;
	x->s.seg[X86_LDTR] = (struct x86_seg){ .selector = task->ldt, .ar = X86_AR_UNUSABLE };
	x->s.cr0 |= CR0_TS;
	x->s.dr7 &= ~DR7_LOCAL;
}

/* An LDT that is not right is #TS with its selector, whatever is wrong with it. */
static enum x86_result load_ldtr(struct x86_exec *x, u16 selector)
{
	enum x86_result result = seg_load_ldtr(x, selector);

	if (result == X86_FAULT && x->fault.vector != X86_PF)
		return tss_fault(x, X86_TS, selector);
	return result;
}

static enum x86_result load_cs(struct x86_exec *x, u16 selector)
{
	unsigned int rpl = SELECTOR_RPL(selector), dpl;
	struct descriptor d;
	enum x86_result result;

	if (SELECTOR_NULL(selector))
		return tss_fault(x, X86_TS, selector);
	result = seg_read_descriptor(x, selector, X86_TS, &d);
	if (result != X86_OK)
		return result;
	dpl = descriptor_dpl(&d);
	if (!descriptor_is_code(&d) ||
	    (descriptor_type(&d) & X86_AR_EC ? dpl > rpl : dpl != rpl))
		return tss_fault(x, X86_TS, selector);
	if (!descriptor_present(&d))
		return tss_fault(x, X86_NP, selector);
	result = seg_set_accessed(x, &d);
	if (result == X86_OK)
		x->s.seg[X86_CS] = seg_of_descriptor(&d, selector);
	return result;
}

static enum x86_result load_segments(struct x86_exec *x, const struct task *task)
{
	static const u8 data[] = { X86_DS, X86_ES, X86_FS, X86_GS };
	enum x86_result result;

	result = load_ldtr(x, task->ldt);
	if (result != X86_OK)
		return result;
	if (x86_vm86(&x->s)) {
		for (unsigned int i = 0; i < 6; i++)
			seg_load_real(x, i, task->seg[i]);
		return X86_OK;
	}
	result = load_cs(x, task->seg[X86_CS]);
	if (result == X86_OK)
		result = seg_load_ss(x, task->seg[X86_SS], x86_cpl(&x->s), X86_TS);
	for (unsigned int i = 0; i < ARRAY_SIZE(data) && result == X86_OK; i++)
		result = seg_load_data(x, data[i], task->seg[data[i]], X86_TS);
	return result;
}

/* All that the new task answers for itself. */
static enum x86_result begin_task(struct x86_exec *x, const struct layout *l,
				  const struct task *task, bool nested)
{
	enum x86_result result = X86_OK;
	u64 linear;

	load_registers(x, task, nested);
	if (l->cr3 && x->s.cr0 & CR0_PG)
		result = x86_set_cr3(x, task->cr3);
	if (result == X86_OK)
		result = load_segments(x, task);
	if (result != X86_OK)
		return result;
	if (exec_linear(x, X86_CS, x->s.rip, 1, X86_ACCESS_FETCH, &linear) != X86_OK)
		return exec_gp0(x);
	if (x->task.has_error)
		result = exec_push(x, x->task.error, l->size);
	if (result == X86_OK && task->trap & 1)
		x->trap |= X86_DR6_BT;
	return result;
}

/* ---- the switch --------------------------------------------------------------------------- */

enum x86_result exec_task_switch(struct x86_exec *x, u16 selector, enum task_reason reason)
{
	bool nested = reason == TASK_CALL || reason == TASK_GATE;
	const struct x86_seg old = x->s.seg[X86_TR];
	u64 flags = x->s.rflags & ~(reason == TASK_IRET ? X86_FLAG_NT : 0);
	struct descriptor d;
	struct x86_seg tss;
	struct task task;
	enum x86_result result;

	result = find_tss(x, selector, reason, &d);
	if (result != X86_OK)
		return result;
	tss = seg_of_descriptor(&d, selector);
	if (tss.limit < layout_of(&tss)->least)
		return tss_fault(x, X86_TS, selector);
	result = save_task(x, &old, flags);
	if (result == X86_OK && !nested)
		result = release_old(x);
	if (result == X86_OK && reason != TASK_IRET)
		result = set_busy(x, &d, true);
	if (result == X86_OK && nested)
		result = write_field(x, &tss, TSS_LINK, old.selector, 2);
	if (result == X86_OK)
		result = read_task(x, &tss, &task);
	if (result != X86_OK)
		return result;
	tss.ar |= 2;
	x->s.seg[X86_TR] = tss;
	x->no_trap = x->keep_rf = true;
	result = begin_task(x, layout_of(&tss), &task, nested);
	x->late = result == X86_FAULT;
	return x->late ? X86_OK : result;
}

enum x86_result exec_task_gate(struct x86_exec *x)
{
	enum x86_result result;

	x->next_rip = x->task.rip;
	result = exec_task_switch(x, x->task.selector, TASK_GATE);
	/* EXT, where the error code is a selector's (SDM 3 6.13). */
	if ((result == X86_FAULT || x->late) && x->task.external && x->fault.has_error &&
	    x->fault.vector != X86_PF)
		x->fault.error |= 1;
	return result;
}

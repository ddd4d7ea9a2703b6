// SPDX-License-Identifier: GPL-2.0-only
/*
 * Delivery of events in place of the processor: through the interrupt table of real mode (SDM
 * 3 20.1.4), through gates of 16 and 32 bits and task gates (6.12; from virtual-8086 mode
 * 20.3), and in IA-32e mode (6.14).
 */
#include "exec_parts.h"
#include "seg.h"

#define ERROR_EXT 1u
#define ERROR_IDT 2u
#define TSS_IST 0x24u		/* of a 64-bit TSS; IST1 follows */

/* A gate's type; bit 0: a trap gate's, which leaves IF as it is. */
enum { GATE_INTERRUPT16 = 6, GATE_TRAP16 = 7, GATE_INTERRUPT = 14, GATE_TRAP = 15 };

struct gate {
	u16 selector;
	u64 rip;
	unsigned int type, dpl, ist;
	bool present;
	unsigned int size;	/* of what is pushed in bytes */
};

/* What is pushed: the state that the event has interrupted. */
struct frame {
	u64 rip, flags, rsp;
	u16 cs, ss;
};

/* INT n, INT3 and INTO: not INT1, which needs no right and is external (SDM 2 INT; 6.13). */
static bool is_software(const struct x86_event *event)
{
	return event->kind == X86_EVENT_SOFTWARE_INTERRUPT ||
	       event->kind == X86_EVENT_SOFTWARE_EXCEPTION;
}

static enum x86_result gate_fault(struct x86_exec *x, enum x86_vector vector)
{
	return exec_fault_code(x, vector, x->event.vector * 8 + ERROR_IDT);
}

static enum x86_result code_fault(struct x86_exec *x, enum x86_vector vector, u16 selector)
{
	return exec_fault_code(x, vector, selector & 0xfffc);
}

static struct frame frame_of(const struct x86_state *s)
{
	return (struct frame){
		.rip = s->rip, .flags = s->rflags, .rsp = s->gpr[X86_RSP],
		.cs = s->seg[X86_CS].selector, .ss = s->seg[X86_SS].selector,
	};
}

/* ---- real mode ------------------------------------------------------------------------------ */

static enum x86_result deliver_real(struct x86_exec *x)
{
	const struct frame old = frame_of(&x->s);
	u32 at = x->event.vector * 4;
	enum x86_result result;
	u16 entry[2];

	if (at + 3 > x->s.idtr.limit)
		return gate_fault(x, X86_GP);
	result = exec_read_linear(x, (u32)(x->s.idtr.base + at), entry, sizeof(entry), EXEC_SYSTEM);
	if (result == X86_OK)
		result = exec_push(x, old.flags, 2);
	if (result == X86_OK)
		result = exec_push(x, old.cs, 2);
	if (result == X86_OK)
		result = exec_push(x, old.rip, 2);
	if (result != X86_OK)
		return result;
	x->s.rflags &= ~(X86_FLAG_IF | X86_FLAG_TF | X86_FLAG_AC);
	seg_load_real(x, X86_CS, entry[1]);
	x->s.rip = entry[0];
	return X86_OK;
}

/* ---- gates ------------------------------------------------------------------------------ */

static enum x86_result read_gate(struct x86_exec *x, struct gate *gate)
{
	bool wide = x86_long(&x->s);
	unsigned int size = wide ? 16 : 8;
	u32 at = x->event.vector * size;
	u64 linear = x->s.idtr.base + at, d[2] = { 0 };
	enum x86_result result;

	if (at + size - 1 > x->s.idtr.limit)
		return gate_fault(x, X86_GP);
	result = exec_read_linear(x, wide ? linear : (u32)linear, d, size, EXEC_SYSTEM);
	if (result != X86_OK)
		return result;
	*gate = (struct gate){
		.selector = d[0] >> 16, .rip = d[0] & 0xffff, .type = d[0] >> 40 & 0x1f,
		.dpl = d[0] >> 45 & 3, .present = d[0] >> 47 & 1, .size = wide ? 8 : 2,
		.ist = wide ? d[0] >> 32 & 7 : 0,
	};
	if (gate->type & 8) {
		gate->rip |= (d[0] >> 48) << 16 | (d[1] & 0xffffffff) << 32;
		gate->size = wide ? 8 : 4;
	}
	return X86_OK;
}

/* What the gate itself must be, in the manual's order (SDM 2 INT n). */
static enum x86_result check_gate(struct x86_exec *x, const struct gate *gate)
{
	bool wide = x86_long(&x->s);

	switch (gate->type) {
	case GATE_INTERRUPT:
	case GATE_TRAP:
		break;
	case GATE_INTERRUPT16:
	case GATE_TRAP16:
	case SYSTEM_TASK_GATE:
		if (!wide)
			break;
		return gate_fault(x, X86_GP);
	default:
		return gate_fault(x, X86_GP);
	}
	if (is_software(&x->event) && gate->dpl < x86_cpl(&x->s))
		return gate_fault(x, X86_GP);
	return gate->present ? X86_OK : gate_fault(x, X86_NP);
}

/* The handler's code segment, and the privilege level that it runs at. */
static enum x86_result read_target(struct x86_exec *x, const struct gate *gate,
				   struct descriptor *d, unsigned int *cpl)
{
	unsigned int dpl, from = x86_cpl(&x->s);
	enum x86_result result;
	bool inward;

	if (SELECTOR_NULL(gate->selector))
		return exec_gp0(x);
	result = seg_read_descriptor(x, gate->selector, X86_GP, d);
	if (result != X86_OK)
		return result;
	dpl = descriptor_dpl(d);
	if (!descriptor_is_code(d) || dpl > from ||
	    (x86_long(&x->s) && (descriptor_ar(d) & (X86_AR_L | X86_AR_DB)) != X86_AR_L))
		return code_fault(x, X86_GP, gate->selector);
	if (!descriptor_present(d))
		return code_fault(x, X86_NP, gate->selector);
	inward = !(descriptor_type(d) & X86_AR_EC) && dpl < from;
	*cpl = inward ? dpl : from;
	/* From virtual-8086 mode there is but one way, to level 0 (20.3.1). */
	return x86_vm86(&x->s) && *cpl ? code_fault(x, X86_GP, gate->selector) : X86_OK;
}

/* ---- the handler's stack ---------------------------------------------------------------- */

/* An IST entry's address: SS and the level stay as they are found. */
static enum x86_result ist_stack(struct x86_exec *x, unsigned int ist, u64 *rsp)
{
	const struct x86_seg *tr = &x->s.seg[X86_TR];
	u32 at = TSS_IST + 8 * (ist - 1);

	if (at + 7 > tr->limit)
		return code_fault(x, X86_TS, tr->selector);
	return exec_read_linear(x, tr->base + at, rsp, 8, EXEC_SYSTEM);
}

/* In IA-32e mode an inner stack's SS is null, and RSP is aligned whatever the stack. */
static enum x86_result switch_long(struct x86_exec *x, const struct gate *gate, bool inward,
				   unsigned int cpl)
{
	enum x86_result result = X86_OK;
	u64 rsp = x->s.gpr[X86_RSP];
	u16 ss;

	if (gate->ist)
		result = ist_stack(x, gate->ist, &rsp);
	else if (inward)
		result = exec_tss_stack(x, cpl, &ss, &rsp);
	if (result != X86_OK)
		return result;
	/* What is pushed is 64-bit already. */
	x->s.seg[X86_CS].ar |= X86_AR_L;
	if (inward) {
		x->s.seg[X86_SS].selector = cpl;
		x->s.seg[X86_SS].ar = X86_AR_UNUSABLE | cpl << X86_AR_DPL_SHIFT;
	}
	x->s.gpr[X86_RSP] = rsp & ~15ull;
	return X86_OK;
}

static enum x86_result switch_inward(struct x86_exec *x, unsigned int cpl)
{
	enum x86_result result;
	u64 rsp;
	u16 ss;

	result = exec_tss_stack(x, cpl, &ss, &rsp);
	if (result != X86_OK)
		return result;
	/* The new stack is not virtual-8086 mode's. */
	x->s.rflags &= ~X86_FLAG_VM;
	result = seg_load_ss(x, ss, cpl, X86_TS);
	if (result == X86_OK)
		exec_merge_reg(x, X86_RSP, exec_stack_size(x), rsp);
	return result;
}

static enum x86_result push_frame(struct x86_exec *x, const struct frame *old, unsigned int size,
				  bool with_stack)
{
	enum x86_result result = X86_OK;

	if (with_stack) {
		result = exec_push(x, old->ss, size);
		if (result == X86_OK)
			result = exec_push(x, old->rsp, size);
	}
	if (result == X86_OK)
		result = exec_push(x, old->flags, size);
	if (result == X86_OK)
		result = exec_push(x, old->cs, size);
	if (result == X86_OK)
		result = exec_push(x, old->rip, size);
	if (result == X86_OK && x->event.has_error)
		result = exec_push(x, x->event.error, size);
	return result;
}

/* What virtual-8086 mode had in its data segments, which the handler finds null (20.3.1). */
static enum x86_result push_data_segments(struct x86_exec *x, unsigned int size)
{
	static const u8 order[] = { X86_GS, X86_FS, X86_DS, X86_ES };
	enum x86_result result = X86_OK;

	for (unsigned int i = 0; i < ARRAY_SIZE(order) && result == X86_OK; i++) {
		struct x86_seg *seg = &x->s.seg[order[i]];

		result = exec_push(x, seg->selector, size);
		*seg = (struct x86_seg){ .ar = X86_AR_UNUSABLE };
	}
	return result;
}

/* ---- protected and IA-32e mode -------------------------------------------------------------- */

static enum x86_result through_task_gate(struct x86_exec *x, const struct gate *gate)
{
	x->task.wanted = true;
	x->task.selector = gate->selector;
	x->task.rip = x->s.rip;
	x->task.has_error = x->event.has_error;
	x->task.error = x->event.error;
	x->task.external = !is_software(&x->event);
	return exec_task_gate(x);
}

static enum x86_result through_gate(struct x86_exec *x, const struct gate *gate)
{
	const struct frame old = frame_of(&x->s);
	bool vm86 = x86_vm86(&x->s), wide = x86_long(&x->s), inward;
	unsigned int cpl = 0, from = x86_cpl(&x->s);
	struct descriptor d = { 0 };
	enum x86_result result;

	result = read_target(x, gate, &d, &cpl);
	if (result != X86_OK)
		return result;
	inward = cpl < from;
	if (wide)
		result = switch_long(x, gate, inward, cpl);
	else if (inward)
		result = switch_inward(x, cpl);
	if (result == X86_OK && vm86)
		result = push_data_segments(x, gate->size);
	if (result == X86_OK)
		result = push_frame(x, &old, gate->size, wide || inward);
	/* Beyond the end of a new stack, #SS names its selector. */
	if (inward && result == X86_FAULT && x->fault.vector == X86_SS_FAULT && !x->fault.error)
		x->fault.error = x->s.seg[X86_SS].selector & 0xfffc;
	if (result != X86_OK)
		return result;
	x->s.rflags &= ~(X86_FLAG_TF | X86_FLAG_NT | X86_FLAG_VM |
			 (gate->type & 1 ? 0 : X86_FLAG_IF));
	return exec_enter_code(x, &d, gate->selector, cpl, gate->rip);
}

static enum x86_result deliver_protected(struct x86_exec *x)
{
	struct gate gate = { 0 };
	enum x86_result result = read_gate(x, &gate);

	if (result == X86_OK)
		result = check_gate(x, &gate);
	if (result != X86_OK)
		return result;
	return gate.type == SYSTEM_TASK_GATE ? through_task_gate(x, &gate) :
					       through_gate(x, &gate);
}

enum x86_result exec_event(struct x86_exec *x)
{
	bool real = !x86_protected(&x->s);
	enum x86_result result;

	x->no_trap = true;
	if (x->event.kind == X86_EVENT_NMI)
		x->s.nmi_blocked = true;
	result = real ? deliver_real(x) : deliver_protected(x);
	/* A task gate's EXT is exec_task_gate()'s; #PF has no such bit. */
	if (result == X86_FAULT && !x->task.wanted && !is_software(&x->event) &&
	    x->fault.has_error && x->fault.vector != X86_PF)
		x->fault.error |= ERROR_EXT;
	return result;
}

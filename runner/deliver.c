// SPDX-License-Identifier: GPL-2.0-only
/*
 * The model of event delivery: gate, code segment, stack switch, frame.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "deliver.h"

#define GATE_TRAP_BIT 0x1u	/* of the type: trap gate, IF stays */
#define GATE_32_BIT 0x8u	/* 32-bit (64-bit in long mode), else 16-bit */

struct gate {
	u64 offset, selector;
	unsigned int type, ist;
};

/* One delivery under way. */
struct push {
	struct stage *stage;
	u64 base;		/* of the stack segment */
	u64 sp, mask;		/* which bits of RSP move */
	unsigned int item;
};

bool vector_is_fault(unsigned int vector)
{
	/* #DB, NMI, #BP, #OF are not, #DF and #MC are aborts. */
	static const u32 faults = 1u << 0 | 1u << 5 | 1u << 6 | 1u << 7 | 1u << 10 | 1u << 11 |
				  1u << 12 | 1u << 13 | 1u << 14 | 1u << 16 | 1u << 17 |
				  1u << 19 | 1u << 20 | 1u << 21;

	return vector < 32 && faults >> vector & 1;
}

static bool read_mem(struct stage *stage, u64 addr, void *to, u32 size)
{
	if (addr >= STAGE_RAM || size > STAGE_RAM - addr) {
		snprintf(stage->error, sizeof(stage->error),
			 "a table needed for delivery is at %#" PRIx64 ", outside guest memory",
			 addr);
		return false;
	}
	memcpy(to, stage->mem + addr, size);
	return true;
}

static bool push(struct push *p, u64 value)
{
	p->sp = (p->sp & ~p->mask) | ((p->sp - p->item) & p->mask);
	return stage_write(p->stage, p->base + (p->sp & p->mask), &value, p->item);
}

static bool read_gate(struct stage *stage, unsigned int vector, struct gate *gate)
{
	bool wide = stage->state.efer & EFER_LMA;
	unsigned int size = wide ? 16 : 8;
	u64 low, high = 0;

	if (vector * size + size - 1 > stage->state.idt_limit) {
		snprintf(stage->error, sizeof(stage->error), "vector %u is beyond the IDT's limit",
			 vector);
		return false;
	}
	if (!read_mem(stage, stage->state.idt_base + vector * size, &low, 8) ||
	    (wide && !read_mem(stage, stage->state.idt_base + vector * size + 8, &high, 8)))
		return false;
	gate->offset = (low & 0xffff) | (low >> 48) << 16 | (high & 0xffffffff) << 32;
	gate->selector = low >> 16 & 0xffff;
	gate->type = low >> 40 & 0xf;
	gate->ist = wide ? low >> 32 & 7 : 0;
	if (!(low >> 40 & AR_P) || (gate->type | 9) != 0xf) {
		snprintf(stage->error, sizeof(stage->error),
			 "the gate of vector %u is not a present interrupt or trap gate", vector);
		return false;
	}
	return true;
}

static bool deliver_real(struct stage *stage, const struct event *event, struct frame *frame)
{
	struct cpu_state *state = &stage->state;
	struct push p = { .stage = stage, .base = state->seg[SEG_SS].base,
			  .sp = state->gpr[RSP], .mask = 0xffff, .item = 2 };
	u16 entry[2];

	if (!read_mem(stage, state->idt_base + event->vector * 4, entry, sizeof(entry)) ||
	    !push(&p, state->rflags) || !push(&p, state->seg[SEG_CS].selector) ||
	    !push(&p, state->rip))
		return false;
	*frame = (struct frame){ .addr = p.base + (p.sp & p.mask), .item = 2, .count = 3 };
	state->gpr[RSP] = p.sp;
	state->rflags &= ~(RFLAGS_IF | RFLAGS_TF | RFLAGS_AC | RFLAGS_RF);
	state->rip = entry[0];
	return stage_load_segment(stage, &state->seg[SEG_CS], entry[1]);
}

/* Takes the stack of a more privileged level from the TSS (SDM 3 6.12.1, 6.14.4). */
static bool inner_stack(struct stage *stage, unsigned int cpl, unsigned int ist, struct push *p)
{
	const struct seg_state *tr = &stage->state.seg[SEG_TR];
	struct seg_state *ss = &stage->state.seg[SEG_SS];
	u16 selector = 0;
	u32 esp = 0;

	if (stage->state.efer & EFER_LMA) {
		u64 at = ist ? TSS_IST1 + (ist - 1) * 8 : TSS_SP0 + cpl * TSS_SP_STEP;

		return read_mem(stage, tr->base + at, &p->sp, 8);
	}
	if (tr->ar == AR_TSS16_BUSY) {
		if (!read_mem(stage, tr->base + TSS16_SP0 + cpl * 4, &esp, 2) ||
		    !read_mem(stage, tr->base + TSS16_SS0 + cpl * 4, &selector, 2))
			return false;
	} else if (!read_mem(stage, tr->base + TSS_SP0 + cpl * TSS_SP_STEP, &esp, 4) ||
		   !read_mem(stage, tr->base + TSS_SS0 + cpl * TSS_SP_STEP, &selector, 2)) {
		return false;
	}
	p->sp = esp;
	return stage_load_segment(stage, ss, selector);
}

static unsigned int current_cpl(const struct cpu_state *state)
{
	return state->rflags & RFLAGS_VM ? 3 : state->seg[SEG_SS].ar >> AR_DPL_SHIFT & 3;
}

/* SS and the data segments as delivery to a new level leaves them. */
static void new_level_segments(struct cpu_state *state, unsigned int cpl, bool from_vm86)
{
	static const enum seg_index data[] = { SEG_DS, SEG_ES, SEG_FS, SEG_GS };

	if (state->efer & EFER_LMA)	/* a null SS with RPL = CPL (SDM 3 6.14.4) */
		state->seg[SEG_SS] = (struct seg_state){
			.selector = cpl, .ar = AR_UNUSABLE | (u64)cpl << AR_DPL_SHIFT,
		};
	for (unsigned int i = 0; from_vm86 && i < ARRAY_SIZE(data); i++)
		state->seg[data[i]] = (struct seg_state){ .ar = AR_UNUSABLE };
}

static bool push_frame(struct push *p, const struct cpu_state *old, const struct event *event,
		       bool switched)
{
	static const enum seg_index vm86[] = { SEG_GS, SEG_FS, SEG_DS, SEG_ES };
	bool from_vm86 = old->rflags & RFLAGS_VM, ok = true;
	u64 flags = old->rflags | (event->fault ? RFLAGS_RF : 0);

	for (unsigned int i = 0; from_vm86 && i < ARRAY_SIZE(vm86); i++)
		ok = ok && push(p, old->seg[vm86[i]].selector);
	if (switched)
		ok = ok && push(p, old->seg[SEG_SS].selector) && push(p, old->gpr[RSP]);
	ok = ok && push(p, flags) && push(p, old->seg[SEG_CS].selector) && push(p, old->rip);
	if (event->has_error)
		ok = ok && push(p, event->error);
	return ok;
}

static bool deliver_protected(struct stage *stage, const struct event *event, struct frame *frame)
{
	struct cpu_state *state = &stage->state, old = *state;
	bool wide = state->efer & EFER_LMA, from_vm86 = old.rflags & RFLAGS_VM, switched;
	struct push p = { .stage = stage, .sp = state->gpr[RSP] };
	unsigned int cpl = current_cpl(state), target;
	struct gate gate;
	u64 items;

	if (!read_gate(stage, event->vector, &gate))
		return false;
	state->rflags &= ~(RFLAGS_TF | RFLAGS_NT | RFLAGS_RF | RFLAGS_VM);
	if (!(gate.type & GATE_TRAP_BIT))
		state->rflags &= ~RFLAGS_IF;
	if (!stage_load_segment(stage, &state->seg[SEG_CS], gate.selector))
		return false;
	target = state->seg[SEG_CS].ar >> AR_DPL_SHIFT & 3;
	if (state->seg[SEG_CS].ar & AR_TYPE_CONFORMING)
		target = cpl;
	state->seg[SEG_CS].selector = (gate.selector & ~3ull) | target;
	switched = wide || target < cpl;
	if ((target < cpl || gate.ist) && !inner_stack(stage, target, gate.ist, &p))
		return false;
	if (wide)
		p.sp &= ~15ull;
	p.item = wide ? 8 : gate.type & GATE_32_BIT ? 4 : 2;
	p.base = wide ? 0 : state->seg[SEG_SS].base;
	p.mask = wide ? ~0ull : state->seg[SEG_SS].ar & 0x4000 ? 0xffffffff : 0xffff;
	items = p.sp;
	if (!push_frame(&p, &old, event, switched))
		return false;
	if (target < cpl)
		new_level_segments(state, target, from_vm86);
	*frame = (struct frame){
		.addr = p.base + (p.sp & p.mask),
		.item = p.item,
		.count = (unsigned int)(((items - p.sp) & p.mask) / p.item),
		.has_error = event->has_error,
	};
	state->gpr[RSP] = p.sp;
	state->rip = wide ? gate.offset : gate.offset & (gate.type & GATE_32_BIT ? ~0u : 0xffff);
	return true;
}

bool deliver_event(struct stage *stage, const struct event *event, struct frame *frame)
{
	if (stage->state.cr0 & CR0_PE)
		return deliver_protected(stage, event, frame);
	return deliver_real(stage, event, frame);
}

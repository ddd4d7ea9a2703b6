// SPDX-License-Identifier: GPL-2.0-only
/*
 * Executing an instruction from fetch to commit, and the operands that executors share:
 * registers, memory by ModRM, the stack, near branches.
 */
#include "exec_parts.h"

#define PAGE 4096u

/* ---- registers ------------------------------------------------------------------------ */

/* Without REX, byte registers 4 to 7 are AH, CH, DH, BH (SDM 2 3.1.1.1). */
static bool high_byte(const struct x86_exec *x, unsigned int reg, unsigned int size)
{
	return size == 1 && !x->insn.rex && reg >= 4 && reg < 8;
}

u64 exec_get_reg(const struct x86_exec *x, unsigned int reg, unsigned int size)
{
	if (high_byte(x, reg, size))
		return x->s.gpr[reg - 4] >> 8 & 0xff;
	return x->s.gpr[reg] & exec_mask(size);
}

void exec_merge_reg(struct x86_exec *x, unsigned int reg, unsigned int size, u64 value)
{
	u64 mask = exec_mask(size);

	x->s.gpr[reg] = (x->s.gpr[reg] & ~mask) | (value & mask);
}

void exec_set_reg(struct x86_exec *x, unsigned int reg, unsigned int size, u64 value)
{
	if (high_byte(x, reg, size))
		x->s.gpr[reg - 4] = (x->s.gpr[reg - 4] & ~0xff00ull) | (value & 0xff) << 8;
	else if (size == 4)
		x->s.gpr[reg] = (u32)value;
	else
		exec_merge_reg(x, reg, size, value);
}

/* ---- operands ------------------------------------------------------------------------------ */

u64 exec_offset(const struct x86_exec *x)
{
	const struct x86_insn *insn = &x->insn;
	u64 offset = insn->displacement;

	if (insn->rip_relative)
		offset += x->next_rip;
	if (insn->base != X86_GPRS)
		offset += x->s.gpr[insn->base];
	if (insn->index != X86_GPRS)
		offset += x->s.gpr[insn->index] << insn->scale;
	return offset & exec_mask(insn->address_size);
}

static enum x86_result get_memory(struct x86_exec *x, unsigned int size, unsigned int access,
				  u64 *value)
{
	*value = 0;
	/* Its address counts before the instruction changes registers that are part of it. */
	x->offset = exec_offset(x);
	x->offset_known = true;
	return exec_read(x, x->insn.segment, x->offset, value, size, access);
}

static enum x86_result put_memory(struct x86_exec *x, unsigned int size, unsigned int access,
				  u64 value)
{
	u64 offset = x->offset_known ? x->offset : exec_offset(x);

	return exec_write(x, x->insn.segment, offset, &value, size, access);
}

enum x86_result exec_get(struct x86_exec *x, enum x86_place place, unsigned int size,
			 unsigned int access, u64 *value)
{
	const struct x86_insn *insn = &x->insn;

	switch (place) {
	case AT_RM:
	case AT_MEM:
	case AT_RM_REG:
	case AT_OFFSET:
		if (insn->memory)
			return get_memory(x, size, access, value);
		*value = exec_get_reg(x, insn->rm, size);
		return X86_OK;
	case AT_REG:
		*value = exec_get_reg(x, insn->reg, size);
		return X86_OK;
	case AT_ACC:
		*value = exec_get_reg(x, X86_RAX, size);
		return X86_OK;
	case AT_LOW:
		*value = exec_get_reg(x, (insn->opcode & 7) | (insn->rex & 1) << 3, size);
		return X86_OK;
	case AT_IMM:
		*value = insn->immediate & exec_mask(size);
		return X86_OK;
	case AT_ONE:
		*value = 1;
		return X86_OK;
	case AT_CL:
		*value = x->s.gpr[X86_RCX] & 0xff;
		return X86_OK;
	case AT_DX:
		*value = x->s.gpr[X86_RDX] & 0xffff;
		return X86_OK;
	default:
		return X86_UNIMPLEMENTED;
	}
}

enum x86_result exec_put(struct x86_exec *x, enum x86_place place, unsigned int size,
			 unsigned int access, u64 value)
{
	const struct x86_insn *insn = &x->insn;

	switch (place) {
	case AT_RM:
	case AT_MEM:
	case AT_RM_REG:
	case AT_OFFSET:
		if (insn->memory)
			return put_memory(x, size, access, value);
		exec_set_reg(x, insn->rm, size, value);
		return X86_OK;
	case AT_REG:
		exec_set_reg(x, insn->reg, size, value);
		return X86_OK;
	case AT_ACC:
		exec_set_reg(x, X86_RAX, size, value);
		return X86_OK;
	case AT_LOW:
		exec_set_reg(x, (insn->opcode & 7) | (insn->rex & 1) << 3, size, value);
		return X86_OK;
	default:
		return X86_UNIMPLEMENTED;
	}
}

/* ---- stack and near branches ---------------------------------------------------- */

unsigned int exec_stack_size(const struct x86_exec *x)
{
	if (x86_code64(&x->s))
		return 8;
	return x->s.seg[X86_SS].ar & X86_AR_DB ? 4 : 2;
}

enum x86_result exec_push(struct x86_exec *x, u64 value, unsigned int size)
{
	unsigned int width = exec_stack_size(x);
	u64 rsp = (x->s.gpr[X86_RSP] - size) & exec_mask(width);
	enum x86_result result = exec_write(x, X86_SS, rsp, &value, size, 0);

	if (result == X86_OK)
		exec_merge_reg(x, X86_RSP, width, rsp);
	return result;
}

enum x86_result exec_pop(struct x86_exec *x, u64 *value, unsigned int size)
{
	unsigned int width = exec_stack_size(x);
	u64 rsp = x->s.gpr[X86_RSP] & exec_mask(width);
	enum x86_result result;

	*value = 0;
	result = exec_read(x, X86_SS, rsp, value, size, 0);
	if (result == X86_OK)
		exec_merge_reg(x, X86_RSP, width, rsp + size);
	return result;
}

enum x86_result exec_branch(struct x86_exec *x, u64 target, unsigned int size)
{
	u64 linear;
	enum x86_result result;

	target &= exec_mask(size);
	result = exec_linear(x, X86_CS, target, 1, X86_ACCESS_FETCH, &linear);
	if (result != X86_OK)
		return exec_gp0(x);
	x->s.rip = target;
	return X86_OK;
}

/* ---- fetch ---------------------------------------------------------------------- */

/* Bytes of the code segment from RIP on that its limit allows, X86_INSN_MAX at most. */
static unsigned int within_limit(const struct x86_exec *x)
{
	u64 limit = x->s.seg[X86_CS].limit;
	u64 rip = x->s.rip;

	if (x86_code64(&x->s))
		return X86_INSN_MAX;
	if ((u32)rip > limit)
		return 0;
	return limit - (u32)rip < X86_INSN_MAX - 1 ? limit - (u32)rip + 1 : X86_INSN_MAX;
}

static enum x86_result fetch_page(struct x86_exec *x, u64 linear, u8 *bytes, unsigned int size)
{
	struct x86_translation t;
	unsigned int access = X86_ACCESS_FETCH;
	enum x86_result result;

	if (x86_cpl(&x->s) == 3)
		access |= X86_ACCESS_USER;
	result = x86_walk(x->env, &x->s, linear, access, &t, &x->fault);
	if (result != X86_OK)
		return result;
	result = x->env->ops->read(x->env->opaque, t.gpa, bytes, size);
	return result == X86_IO ? X86_UNIMPLEMENTED : result;
}

/* What the decoder's verdict means when no more bytes may be read. */
static enum x86_result judged(struct x86_exec *x, enum x86_decoded decoded)
{
	switch (decoded) {
	case DECODE_OK:
		return X86_OK;
	case DECODE_INVALID:
		return exec_ud(x);
	default:
		return exec_gp0(x);	/* too long, or over the segment's limit */
	}
}

/* Reads bytes as they are needed: the second page only if the instruction gets there. */
static enum x86_result fetch(struct x86_exec *x)
{
	struct x86_decode_mode mode = x86_decode_mode(&x->s, x->env->amd);
	unsigned int allowed = within_limit(x), got;
	u8 bytes[X86_INSN_MAX];
	enum x86_decoded decoded;
	enum x86_result result;
	u64 linear;

	if (!allowed || exec_linear(x, X86_CS, x->s.rip, 1, X86_ACCESS_FETCH, &linear) != X86_OK)
		return exec_gp0(x);
	got = PAGE - (linear & (PAGE - 1));
	if (got > allowed)
		got = allowed;
	result = fetch_page(x, linear, bytes, got);
	if (result != X86_OK)
		return result;
	decoded = x86_decode(&x->insn, bytes, got, &mode);
	if (decoded != DECODE_SHORT || got == allowed)
		return judged(x, decoded);
	linear += got;
	if (!x86_code64(&x->s))
		linear = (u32)linear;
	result = fetch_page(x, linear, bytes + got, allowed - got);
	if (result != X86_OK)
		return result;
	return judged(x, x86_decode(&x->insn, bytes, allowed, &mode));
}

/* ---- commit --------------------------------------------------------------------- */

static enum x86_result make_write(struct x86_exec *x, const struct exec_write *write)
{
	enum x86_result result;
	bool done = true;

	if (write->port)
		result = X86_IO;
	else if (write->locked)
		result = x->env->ops->exchange(x->env->opaque, write->address, write->old,
					       write->data, write->size, &done);
	else
		result = x->env->ops->write(x->env->opaque, write->address, write->data,
					    write->size);
	if (result == X86_IO) {
		x->io = (struct x86_io){
			.address = write->address, .size = write->size < 8 ? write->size : 8,
			.port = write->port, .write = true, .count = 1,
		};
		memcpy(x->io.data, write->data, x->io.size);
		x->waiting = true;
	}
	return result == X86_OK && !done ? X86_RETRY : result;
}

/* User space takes 8 bytes at a time: whether the rest of 16 is left, and is next. */
static bool second_half(struct exec_write *write)
{
	if (write->size <= 8)
		return false;
	write->address += 8;
	write->size -= 8;
	write->locked = false;
	memmove(write->data, write->data + 8, write->size);
	return true;
}

/* Makes the writes that are left, and then the new state the vCPU's. */
static enum x86_result commit(struct x86_exec *x)
{
	x->committing = true;
	while (x->made < x->kept) {
		struct exec_write *write = &x->writes[x->made];
		enum x86_result result = make_write(x, write);

		if (result == X86_OK || result == X86_IO)
			x->begun = true;
		/* Another processor was faster, or memory is away: from the start next time. */
		else if (!x->begun)
			x->committing = false;
		if (result == X86_OK || (result == X86_IO && !second_half(write)))
			x->made++;
		if (result != X86_OK)
			return result;
	}
	*x->state = x->s;
	if (x->fpu_taken)
		memcpy(x->fpu_image, x->fpu, sizeof(x->fpu));
	if (x->ymm_taken)
		memcpy(x->ymm_image, x->ymm, sizeof(x->ymm));
	x->committing = false;
	return x->late ? X86_FAULT : X86_OK;
}

/* ---- the whole ------------------------------------------------------------------ */

void x86_exec_begin(struct x86_exec *x)
{
	x->answered = x->asked = x->kept = x->made = 0;
	x->waiting = x->committing = x->begun = x->late = false;
	x->task.wanted = x->task.has_error = x->task.external = false;
	x->event.valid = false;
	x->trap = 0;
}

void x86_exec_begin_task(struct x86_exec *x, u16 selector, u64 rip, const u32 *error,
			 bool external)
{
	x86_exec_begin(x);
	x->task.wanted = true;
	x->task.selector = selector;
	x->task.rip = rip;
	x->task.has_error = error;
	x->task.error = error ? *error : 0;
	x->task.external = external;
}

void x86_exec_begin_event(struct x86_exec *x, const struct x86_event *event)
{
	x86_exec_begin(x);
	x->event = *event;
}

void x86_exec_asked(struct x86_exec *x, const struct x86_io *io, u64 next_rip)
{
	x86_exec_begin(x);
	x->io = *io;
	x->waiting = true;
	if (!io->write) {
		x->reads[0] = (struct exec_read){
			.address = io->address, .size = io->size, .port = io->port,
		};
		return;
	}
	x->committing = x->begun = true;
	x->stay = x->fpu_taken = x->ymm_taken = false;
	x->s = *x->state;
	x->s.rip = next_rip;
	x->s.rflags &= ~X86_FLAG_RF;
	x->s.shadow = 0;
}

bool x86_exec_waits(const struct x86_exec *x)
{
	return x->waiting || x->committing || x->answered;
}

/* The answer that user space gave joins the log. */
static void take_answer(struct x86_exec *x)
{
	x->waiting = false;
	if (x->io.write)
		return;
	memcpy(x->reads[x->answered].data, x->io.data, x->io.size);
	x->answered++;
}

enum x86_result x86_instruction(struct x86_exec *x)
{
	enum x86_result result;

	x->s = *x->state;
	result = fetch(x);
	x->next_rip = x->s.rip + x->insn.length;
	/* Running on does not wrap at 64 KiB: what is behind is beyond the limit (SDM 3 20.1.1). */
	if (!x86_code64(&x->s))
		x->next_rip = (u32)x->next_rip;
	return result;
}

/* Data breakpoints that a load of SS meets come with the next instruction's (SDM 3 6.8.3). */
static void hold(struct x86_exec *x)
{
	if (x->s.shadow & X86_SHADOW_MOVSS)
		x->trap |= x->s.held;
	x->s.held = 0;
	if (x->shadow & X86_SHADOW_MOVSS) {
		x->s.held = x->trap;
		x->trap = 0;
	}
}

/* RIP, shadow, RF and the single-step trap of an instruction that has been executed. */
static void finish(struct x86_exec *x)
{
	hold(x);
	if (x->stay) {
		x->s.rip = x->state->rip;
	} else {
		x->s.shadow = x->shadow;
		if (!x->keep_rf)
			x->s.rflags &= ~X86_FLAG_RF;
	}
	if (x->state->rflags & X86_FLAG_TF && !x->no_trap)
		x->trap |= X86_DR6_BS;
	/* Between two iterations Intel's push RF set (SDM 3 17.3.1.1). */
	if (x->stay && x->trap && !x->env->amd)
		x->s.rflags |= X86_FLAG_RF;
}

static enum x86_result execute(struct x86_exec *x)
{
	x86_executor *executor;
	enum x86_result result;

	if (x->waiting)
		take_answer(x);
	if (x->committing)
		return commit(x);
	x->asked = x->kept = x->made = 0;
	x->begun = false;
	x->stay = x->no_trap = x->keep_rf = x->late = false;
	x->fpu_taken = x->ymm_taken = x->offset_known = false;
	x->shadow = 0;
	x->trap = 0;
	if (x->task.wanted) {
		x->s = *x->state;
		result = exec_task_gate(x);
	} else if (x->event.valid) {
		x->s = *x->state;
		result = exec_event(x);
	} else if (!x->env->amd && exec_virtual_pending(x->state)) {
		x->s = *x->state;
		result = exec_gp0(x);
	} else {
		result = x86_instruction(x);
		if (result != X86_OK)
			return result;
		executor = exec_table[x->insn.op];
		if (!executor)
			return X86_UNIMPLEMENTED;
		x->s.rip = x->next_rip;
		result = executor(x);
	}
	if (result != X86_OK)
		return result;
	finish(x);
	return commit(x);
}

enum x86_result x86_execute(struct x86_exec *x)
{
	enum x86_result result = execute(x);

	if (x->exclusive)
		x->env->ops->exclusive(x->env->opaque, false);
	x->exclusive = false;
	/* The answers were for this instruction, which has come to its end. */
	if (result == X86_OK || result == X86_FAULT || result == X86_UNIMPLEMENTED)
		x->answered = 0;
	return result;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Plain moves from and to memory that is none, without the executor: what drivers do. All that is
 * unusual (another instruction or mode, a trap that follows, tables with something to set or to
 * refuse, two pages) is the executor's, and the result must be the same as there. So it is
 * when somebody has looked at the vCPU before the answer came, and perhaps changed it.
 */
#include "peek.h"

#define CANONICAL_UNUSED 16	/* bits of a linear address, with 4 levels */

/* The instruction at RIP, if it is such a move. Hardware has fetched it, and marked its pages. */
static bool decode(const struct assay_vcpu *vcpu, struct assay_peek *peek, struct x86_move *move)
{
	u64 bytes[X86_MOVE_BYTES / sizeof(u64)];

	if ((vcpu->state.rip & ~PAGE_MASK) > PAGE_SIZE - sizeof(bytes))
		return false;
	return assay_peek_code(vcpu, peek, bytes, ARRAY_SIZE(bytes)) &&
	       x86_decode_move(move, (const u8 *)bytes);
}

/*
 * Whether this is the access that has met no memory: the linear address is one, allowed, within
 * a page, needs no alignment, and leads to exit->gpa with nothing to be marked on the way.
 */
static bool leads_there(const struct assay_vcpu *vcpu, struct assay_peek *peek,
			const struct x86_move *move, const struct assay_exit *exit)
{
	const struct x86_state *s = &vcpu->state;
	u64 linear = x86_move_offset(move, s->gpr, s->rip);
	unsigned int access = move->write ? X86_ACCESS_WRITE : 0;
	struct x86_translation t;

	if (exit->access != access || (linear & ~PAGE_MASK) + move->size > PAGE_SIZE)
		return false;
	if ((u64)((s64)(linear << CANONICAL_UNUSED) >> CANONICAL_UNUSED) != linear)
		return false;
	if (s->rflags & X86_FLAG_AC && linear & (move->size - 1))
		return false;
	if (x86_cpl(s) == 3)
		access |= X86_ACCESS_USER;
	return assay_peek_walk(vcpu, peek, linear, access, &t) && t.gpa == exit->gpa;
}

/* Whether the exit is for a move that can be done here: the move is filled. */
static bool is_move(struct assay_vcpu *vcpu, const struct assay_exit *exit, struct x86_move *move)
{
	const struct x86_state *s = &vcpu->state;
	struct assay_peek peek;
	bool it_is;

	if (!assay_plain(vcpu) || !x86_code64(s) || s->held)
		return false;
	assay_peek_begin(&peek, &vcpu->vm->memory);
	it_is = decode(vcpu, &peek, move) && leads_there(vcpu, &peek, move, exit);
	return assay_peek_end(&peek) && it_is;
}

/* An eventfd or a coalesced zone has taken the write. */
static noinline bool taken(struct assay_vcpu *vcpu, const struct assay_mmio *mmio)
{
	u64 value = x86_move_value(&mmio->move, vcpu->state.gpr);
	struct x86_io io = {
		.address = mmio->gpa, .size = mmio->move.size, .write = true, .count = 1,
	};

	memcpy(io.data, &value, sizeof(value));
	return assay_io_write(vcpu, &io);
}

static int ask(struct assay_vcpu *vcpu, const struct assay_mmio *mmio)
{
	struct kvm_run *run = vcpu->run;
	u64 value = mmio->move.write ? x86_move_value(&mmio->move, vcpu->state.gpr) : 0;

	vcpu->pending = PENDING_MMIO;
	run->exit_reason = KVM_EXIT_MMIO;
	run->mmio.phys_addr = mmio->gpa;
	run->mmio.len = mmio->move.size;
	run->mmio.is_write = mmio->move.write;
	memcpy(run->mmio.data, &value, sizeof(value));
	return LEAVE;
}

int assay_mmio(struct assay_vcpu *vcpu, const struct assay_exit *exit)
{
	struct assay_mmio *mmio = &vcpu->mmio;

	assay_state_look_code(vcpu);
	if (!is_move(vcpu, exit, &mmio->move))
		return assay_emulate(vcpu);
	mmio->gpa = exit->gpa;
	mmio->rip = vcpu->state.rip;
	if (!mmio->move.write || !assay_io_watched(vcpu->vm) || !taken(vcpu, mmio))
		return ask(vcpu, mmio);
	assay_advance(vcpu, vcpu->state.rip + mmio->move.length);
	return GO_ON;
}

/* The executor goes on with what it has not begun. */
static noinline int hand_over(struct assay_vcpu *vcpu)
{
	const struct assay_mmio *mmio = &vcpu->mmio;
	struct x86_io io = {
		.address = mmio->gpa, .size = mmio->move.size, .write = mmio->move.write,
		.count = 1,
	};

	x86_exec_asked(&vcpu->exec, &io, mmio->rip + mmio->move.length);
	vcpu->pending = PENDING_EXEC;
	return assay_complete(vcpu);
}

int assay_complete_mmio(struct assay_vcpu *vcpu)
{
	const struct x86_move *move = &vcpu->mmio.move;
	u64 *reg = &vcpu->state.gpr[move->reg];

	vcpu->pending = PENDING_NONE;
	/* User space has sent the vCPU elsewhere meanwhile: there is nothing to complete. */
	if (vcpu->state.rip != vcpu->mmio.rip)
		return GO_ON;
	if (vcpu->cold_changed)
		return hand_over(vcpu);
	assay_advance(vcpu, vcpu->state.rip + move->length);
	if (!move->write)
		*reg = x86_move_result(move, *reg, READ_ONCE(*(u64 *)vcpu->run->mmio.data));
	return GO_ON;
}

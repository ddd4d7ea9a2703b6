/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reading guest memory without a lock and without sleep, 8 bytes at a time: page tables, code.
 * Slots may change meanwhile, and then what was read is void. What a slot says while it
 * changes is not true, but no harm can come of it: it leads to memory of this task's own.
 */
#pragma once

#include <linux/uaccess.h>

#include "core/walk_usual.h"
#include "internal.h"

struct assay_peek {
	struct assay_memory *memory;
	unsigned int seen;	/* of memory->slots_seq */
	u64 base, size;		/* of the slot in use, in bytes */
	unsigned long user;
};

static inline void assay_peek_slot(struct assay_peek *peek, const struct assay_slot *slot)
{
	peek->base = READ_ONCE(slot->base) << PAGE_SHIFT;
	peek->size = READ_ONCE(slot->pages) << PAGE_SHIFT;
	peek->user = READ_ONCE(slot->user);
}

static __always_inline void assay_peek_begin(struct assay_peek *peek, struct assay_memory *memory)
{
	peek->memory = memory;
	peek->seen = raw_read_seqcount(&memory->slots_seq);
	assay_peek_slot(peek, &memory->slots[READ_ONCE(memory->recent)]);
	pagefault_disable();
}

/* The 8 bytes at gpa, which are in one page. False: they are to be had in another way, if any. */
static __always_inline bool assay_peek(struct assay_peek *peek, u64 gpa, u64 *data)
{
	if (gpa - peek->base >= peek->size && !assay_peek_other(peek, gpa))
		return false;
	return !get_user(*data, (u64 __user *)(peek->user + (gpa - peek->base)));
}

/* Whether what has been read is what there was. */
static __always_inline bool assay_peek_end(const struct assay_peek *peek)
{
	pagefault_enable();
	return !(peek->seen & 1) && !read_seqcount_retry(&peek->memory->slots_seq, peek->seen);
}

static inline enum x86_result assay_peek_entry(void *peek, u64 gpa, u64 *entry)
{
	return assay_peek(peek, gpa, entry) ? X86_OK : X86_IO;
}

/* Where an access leads, if that is easily told. */
static __always_inline bool assay_peek_walk(const struct assay_vcpu *vcpu, struct assay_peek *peek,
					    u64 linear, unsigned int access,
					    struct x86_translation *t)
{
	return x86_walk_usual(&vcpu->state, vcpu->env.physical_bits, linear, access,
			      assay_peek_entry, peek, t) == X86_OK;
}

/* What stands at RIP in 64-bit code, in one page, which hardware has fetched from, and marked. */
static __always_inline bool assay_peek_code(const struct assay_vcpu *vcpu, struct assay_peek *peek,
					    u64 *words, unsigned int count)
{
	unsigned int access = X86_ACCESS_FETCH | X86_ACCESS_PEEK;
	struct x86_translation t;

	if (x86_cpl(&vcpu->state) == 3)
		access |= X86_ACCESS_USER;
	if (!assay_peek_walk(vcpu, peek, vcpu->state.rip, access, &t))
		return false;
	for (unsigned int i = 0; i < count; i++) {
		if (!assay_peek(peek, t.gpa + i * sizeof(*words), &words[i]))
			return false;
	}
	return true;
}

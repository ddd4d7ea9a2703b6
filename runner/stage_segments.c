// SPDX-License-Identifier: GPL-2.0-only
/*
 * Descriptors: how a segment register follows from a selector, and back.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "stage_build.h"

u64 descriptor_encode(u64 base, u64 limit, u64 ar)
{
	if (ar & AR_G)
		limit >>= 12;
	return (limit & 0xffff) | (base & 0xffffff) << 16 | (ar & 0xff) << 40 |
	       (limit >> 16 & 0xf) << 48 | (ar >> 12 & 0xf) << 52 | (base >> 24 & 0xff) << 56;
}

static void descriptor_decode(struct seg_state *seg, u64 desc)
{
	seg->base = (desc >> 16 & 0xffffff) | (desc >> 56 & 0xff) << 24;
	seg->ar = (desc >> 40 & 0xff) | (desc >> 52 & 0xf) << 12;
	seg->limit = (desc & 0xffff) | (desc >> 48 & 0xf) << 16;
	if (seg->ar & AR_G)
		seg->limit = seg->limit << 12 | 0xfff;
}

bool stage_load_segment(struct stage *stage, struct seg_state *seg, u64 selector)
{
	const struct cpu_state *state = &stage->state;
	bool local = selector & SELECTOR_TI;
	u64 base = local ? state->seg[SEG_LDTR].base : state->gdt_base;
	u64 limit = local ? state->seg[SEG_LDTR].limit : state->gdt_limit;
	u64 desc, high = 0;

	seg->selector = selector;
	if (!(state->cr0 & CR0_PE) || state->rflags & RFLAGS_VM) {
		seg->base = selector << 4;	/* SDM 3 20.1.1 */
		if (state->rflags & RFLAGS_VM) {
			seg->limit = 0xffff;
			seg->ar = AR_VM86;
		}
		return true;
	}
	if (!(selector & ~3ull)) {
		seg->ar = AR_UNUSABLE;
		return true;
	}
	if ((selector | 7) > limit || base >= STAGE_RAM || base + (selector | 7) + 9 > STAGE_RAM) {
		snprintf(stage->error, sizeof(stage->error),
			 "selector %#" PRIx64 " is outside its table: give base, limit and ar",
			 selector);
		return false;
	}
	memcpy(&desc, stage->mem + base + (selector & ~7ull), sizeof(desc));
	memcpy(&high, stage->mem + base + (selector & ~7ull) + 8, sizeof(high));
	descriptor_decode(seg, desc);
	if (seg->ar & AR_S)
		seg->ar |= AR_ACCESSED;
	else if (state->efer & EFER_LMA)
		seg->base |= high << 32;	/* SDM 3 7.2.3 */
	return true;
}

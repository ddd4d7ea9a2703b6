/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the fuzzers of kmod/core share: a vCPU and a memory made of the input. Whatever they
 * are, the rules that exec.h and walk.h give must hold.
 */
#pragma once

#include "walk.h"

#include <stdlib.h>

#define MUST(condition) do { if (!(condition)) abort(); } while (0)

/* All addresses lead into this much memory, but those with bit 20 set, where there is none. */
#define FUZZ_RAM 0x10000u
#define FUZZ_HOLE (1ull << 20)
#define FUZZ_FLAGS 0x60u	/* accessed and dirty, in a page table's entry */

struct fuzz_input {
	const u8 *bytes;
	size_t size;
};

static inline u64 fuzz_take(struct fuzz_input *in, unsigned int size)
{
	u64 value = 0;

	if (in->size < size) {
		in->size = 0;
		return 0;
	}
	memcpy(&value, in->bytes, size);
	in->bytes += size;
	in->size -= size;
	return value;
}

/* Segments as the processor itself would have loaded them. */
static inline void fuzz_segments(struct fuzz_input *in, struct x86_state *s, unsigned int cpl)
{
	bool real = !(s->cr0 & CR0_PE), vm86 = !real && s->rflags & X86_FLAG_VM;

	for (unsigned int i = 0; i < X86_SEGS; i++) {
		struct x86_seg *seg = &s->seg[i];
		u8 how = fuzz_take(in, 1);

		seg->selector = fuzz_take(in, 2);
		seg->base = how & 1 ? 0 : fuzz_take(in, 4);
		seg->limit = how & 2 ? 0xffffffff : fuzz_take(in, 2);
		seg->ar = 0x93 | (how & 4 ? X86_AR_DB : 0) | cpl << X86_AR_DPL_SHIFT;
		if (i == X86_CS)
			seg->ar |= X86_AR_CODE | (how & 8 && x86_long(s) ? X86_AR_L : 0);
		else if (i != X86_SS)
			seg->ar ^= how & 0x10 ? X86_AR_UNUSABLE : how & 0x20 ? X86_AR_RW : 0;
		if (vm86)
			*seg = (struct x86_seg){ (u32)seg->selector << 4, 0xffff, 0xf3,
						 seg->selector };
	}
	if (s->seg[X86_CS].ar & X86_AR_L)
		s->seg[X86_CS].ar &= ~X86_AR_DB;
	s->seg[X86_TR].ar = 0x8b;
	s->seg[X86_LDTR].ar = 0x82;
}

/* A state that a processor can be in. */
static inline void fuzz_state(struct fuzz_input *in, struct x86_state *s)
{
	u8 mode = fuzz_take(in, 1), cpl = fuzz_take(in, 1) & 3;

	*s = (struct x86_state){ .dr6 = X86_DR6_FIXED, .xcr0 = 7 };
	/* One after the other: initializers would take them in any order. */
	s->cr0 = fuzz_take(in, 4) & ~(CR0_PE | CR0_PG);
	s->cr3 = fuzz_take(in, 4);
	s->cr4 = fuzz_take(in, 4) & ~CR4_LA57;
	s->pkru = fuzz_take(in, 4);
	s->rip = fuzz_take(in, 2);
	s->rflags = (fuzz_take(in, 4) & 0x3c7fd5 & ~X86_FLAG_VM) | X86_FLAG_ONE;
	s->dr7 = X86_DR7_FIXED | fuzz_take(in, 2);
	if (mode & 1)
		s->cr0 |= CR0_PE;
	if (mode & 2 && mode & 1)
		s->cr0 |= CR0_PG;
	if (mode & 4 && s->cr0 & CR0_PG) {
		s->cr4 |= CR4_PAE | (mode & 8 ? CR4_LA57 : 0);
		s->efer = X86_EFER_LMA | X86_EFER_LME | (mode & 0x10 ? X86_EFER_NXE : 0);
	} else if (mode & 8 && mode & 1) {
		s->rflags |= X86_FLAG_VM;
		cpl = 3;
	}
	s->efer |= mode & 0x20 ? X86_EFER_SCE : 0;
	for (unsigned int i = 0; i < 4; i++)
		s->pdpte[i] = fuzz_take(in, 2) << 12 | 1;
	for (unsigned int i = 0; i < X86_GPRS; i++)
		s->gpr[i] = fuzz_take(in, mode & 0x40 ? 8 : 2);
	s->gdtr = (struct x86_table){ fuzz_take(in, 2), fuzz_take(in, 2) };
	fuzz_segments(in, s, cpl);
}

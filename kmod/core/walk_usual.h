/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Most walks of guest page tables: 4 levels, everything present, allowed and marked already. It
 * is here to be compiled into who reads tables, for the way that he reads them.
 */
#pragma once

#include "walk.h"

/* Entries of page tables, of 8 bytes or 4. */
#define ENTRY_P (1ull << 0)
#define ENTRY_W (1ull << 1)
#define ENTRY_U (1ull << 2)
#define ENTRY_A (1ull << 5)
#define ENTRY_D (1ull << 6)
#define ENTRY_PS (1ull << 7)
#define ENTRY_PAT_LARGE (1ull << 12)
#define ENTRY_NX (1ull << 63)

#define ENTRY_ADDRESS 0x000ffffffffff000ull
#define ENTRY_TOP_SHIFT 39	/* of what the first of 4 levels selects by */

/* Rights of all entries together; what is not the plainest answer is for the long way. */
static inline bool x86_usual_rights(const struct x86_state *s, unsigned int access, u64 allowed)
{
	if (access & X86_ACCESS_WRITE && !(allowed & ENTRY_W))
		return false;
	if (access & X86_ACCESS_USER)
		return allowed & ENTRY_U;
	return !(allowed & ENTRY_U && s->cr4 & (CR4_SMEP | CR4_SMAP));
}

/* Reads one entry: X86_OK; X86_IO: there is none in RAM; others end the walk. */
typedef enum x86_result x86_read_entry(void *opaque, u64 gpa, u64 *entry);

/*
 * 4-level paging where nothing is to be refused, to be set or to be looked at twice: X86_OK, and
 * *t as x86_walk() fills it. X86_UNIMPLEMENTED, and nothing has been done: x86_walk() finds out
 * what there is. Others: what read said.
 */
static __always_inline enum x86_result x86_walk_usual(const struct x86_state *s,
						      unsigned int physical_bits, u64 linear,
						      unsigned int access, x86_read_entry *read,
						      void *opaque, struct x86_translation *t)
{
	u64 wanted = access & X86_ACCESS_PEEK ? ENTRY_P : ENTRY_P | ENTRY_A;
	u64 never = ENTRY_ADDRESS & ~((1ull << physical_bits) - 1);
	u64 entry, table = s->cr3 & ENTRY_ADDRESS, allowed = ENTRY_W | ENTRY_U, inside;
	enum x86_result result;
	unsigned int shift;

	if (!(s->cr0 & CR0_PG) || !x86_long(s) || s->cr4 & (CR4_LA57 | CR4_PKE))
		return X86_UNIMPLEMENTED;
	if (access & X86_ACCESS_FETCH || !(s->efer & X86_EFER_NXE))
		never |= ENTRY_NX;
	for (shift = ENTRY_TOP_SHIFT;; shift -= 9) {
		result = read(opaque, table + (linear >> shift & 511) * 8, &entry);
		if (result != X86_OK)
			return result == X86_IO ? X86_UNIMPLEMENTED : result;
		if (entry & never || (entry & wanted) != wanted)
			return X86_UNIMPLEMENTED;
		allowed &= entry;
		table = entry & ENTRY_ADDRESS;
		if (shift == 12 || entry & ENTRY_PS)
			break;
	}
	inside = (1ull << shift) - 1;
	if (shift > 21 || (shift == 21 && table & inside & ~ENTRY_PAT_LARGE))
		return X86_UNIMPLEMENTED;
	if (!(access & X86_ACCESS_PEEK) && access & X86_ACCESS_WRITE && !(entry & ENTRY_D))
		return X86_UNIMPLEMENTED;
	*t = (struct x86_translation){
		.gpa = (table & ~inside) | (linear & inside), .page = inside + 1,
		.writable = allowed & ENTRY_W, .user = allowed & ENTRY_U,
	};
	return x86_usual_rights(s, access, allowed) ? X86_OK : X86_UNIMPLEMENTED;
}

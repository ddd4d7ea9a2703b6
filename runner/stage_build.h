/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The stage of one instance: guest memory and registers before the first
 * instruction. From then on the engine keeps the same struct as its prediction.
 */
#pragma once

#include "instance.h"
#include "state.h"

#define PAGE_BYTES 4096u

/*
 * What memory of STAGE_RAM bytes holds: a copy of base, but for pages that may differ,
 * a bit each from address 0. So that as little as can be is copied and compared; two
 * that have the same base differ in no other pages than either names.
 */
struct stage_pages {
	const void *base;	/* a template of the stage, or NULL: nothing is known */
	u32 touched;
};
#define ALL_PAGES 0xffffffffu	/* STAGE_RAM / PAGE_BYTES of them */

struct stage {
	const struct instance *instance;
	struct cpu_state state;
	u8 *mem;		/* STAGE_RAM bytes, by guest-physical address */
	struct stage_pages pages;	/* what is in it: kept by whoever writes there */
	unsigned int levels;	/* of page tables: 0 none, 2 32-bit, 3 PAE, 4, 5 */
	u64 next_table;		/* first unused page of TABLES */
	char error[160];	/* what is wrong with the case, when a function failed */
};

/* Gives the stage its memory; once, before stage_build. */
void stage_init(struct stage *stage);
void stage_free(struct stage *stage);

/*
 * Builds the stage of an instance: the mode's template, the image, and what the
 * case asks for. False with stage->error set when the case asks the impossible.
 */
bool stage_build(struct stage *stage, const struct instance *instance);

/* Whether two pieces of memory are the same, in the way that is fastest here. */
bool memory_equal(const u8 *a, const u8 *b, size_t bytes);
/* One of these ways; libc's is the other. */
bool memory_equal_by_words(const u8 *a, const u8 *b, size_t bytes);
/* The pages in which two memories may differ. */
u32 pages_that_differ(const struct stage_pages *a, const struct stage_pages *b);
/* The pages that these bytes, inside STAGE_RAM, are in. */
u32 pages_of(u64 addr, u64 size);
/* Copies those pages from one memory to another. */
void pages_copy(u8 *to, const u8 *from, u32 pages);
/* Whether those pages of both are the same. */
bool pages_equal(const u8 *a, const u8 *b, u32 pages);

/* Writes bytes of guest memory; false (and error) if outside STAGE_RAM. */
bool stage_write(struct stage *stage, u64 addr, const void *bytes, u32 size);

/*
 * Applies the register fields of a record, set, clear and status included, to
 * the state. A selector brings its hidden parts with it, as loading it would
 * (SDM 3 3.4.3), unless they are given too.
 */
bool stage_apply(struct stage *stage, const struct record *record);

/*
 * Page tables. level 1 is the page table. stage_entry finds the address of the
 * entry that maps va; with make, missing tables on the way are added. Returns 0
 * with error set when there is none.
 */
u64 stage_entry(struct stage *stage, u64 va, unsigned int level, bool make);
/* Changes that entry as REC_ENTRY or REC_ENTRY_IS says. */
bool stage_edit_entry(struct stage *stage, const struct record *record, unsigned int level,
		      bool make);
/* Writes the tables of a paging mode that map the stage; sets CR3. */
void stage_make_tables(struct stage *stage, unsigned int ring);

/*
 * The segment register that loading a selector gives (SDM 2 MOV, SDM 3 3.4.5),
 * by the CPU mode of state; old is the register before. False if the selector
 * has no usable descriptor.
 */
bool stage_load_segment(struct stage *stage, struct seg_state *seg, u64 selector);
/* The 8 bytes of a descriptor (SDM 3 3.4.5); limit in bytes less one. */
u64 descriptor_encode(u64 base, u64 limit, u64 ar);

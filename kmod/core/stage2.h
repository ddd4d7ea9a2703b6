/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Stage-2 tables: from guest-physical to host-physical addresses, in the formats of
 * EPT (SDM 3 28.3) and nested paging (APM 2 15.25). One walker for both; a format is
 * data. Pages are of 4 KiB. The caller locks: one change or lookup at a time, while
 * processors walk the tables and set accessed and dirty flags in them.
 */
#pragma once

#include "port.h"

#define STAGE2_LEVELS 4
#define STAGE2_PAGE 4096ull
#define STAGE2_LIMIT (1ull << 48)	/* guest-physical addresses are below */

/* What a mapping allows besides reading and executing. */
#define STAGE2_WRITE 1u

struct stage2_format {
	const char *name;
	u64 table;		/* bits of an entry that points to a table */
	u64 page;		/* bits of an entry that maps a page for reading and executing */
	u64 write;		/* the bit that allows writing */
	u64 accessed;		/* the bit that the processor sets, or 0 */
};

extern const struct stage2_format stage2_npt;
extern const struct stage2_format stage2_ept;		/* with accessed and dirty flags */
extern const struct stage2_format stage2_ept_plain;	/* without */

/* Where tables come from. A table is one zeroed page. */
struct stage2_memory {
	u64 *(*take)(void *opaque, u64 *physical);	/* NULL: there is none */
	void (*give)(void *opaque, u64 *table);
	u64 *(*find)(void *opaque, u64 physical);	/* a table by its host-physical address */
};

struct stage2 {
	const struct stage2_format *format;
	const struct stage2_memory *memory;
	void *opaque;
	u64 *root;
	u64 root_physical;
	u64 mapped;		/* pages */
	u64 *recent;		/* the last level's table that was asked for last ... */
	u64 recent_part;	/* ... and for which addresses it is, by their higher bits */
};

/* False if there is no memory for the root. */
bool stage2_init(struct stage2 *tables, const struct stage2_format *format,
		 const struct stage2_memory *memory, void *opaque);
/* Gives back every table; no processor may use them any more. */
void stage2_destroy(struct stage2 *tables);

/*
 * Maps the page at gpa to the one at hpa, in place of what was mapped there. False if
 * a table was needed and there was no memory: nothing has changed for the guest.
 */
bool stage2_map(struct stage2 *tables, u64 gpa, u64 hpa, unsigned int rights);

/* The entry that maps gpa, or 0. */
u64 stage2_lookup(struct stage2 *tables, u64 gpa);
/* The host-physical page of such an entry, and whether the guest may write to it. */
u64 stage2_entry_page(u64 entry);
bool stage2_entry_writable(const struct stage2 *tables, u64 entry);

/*
 * Gives the page at gpa the right to write back that stage2_protect() took from it. True if it
 * has it now; false if nothing is mapped there, or was mapped without it. No translation must be
 * forgotten: a processor that meets a right it does not have looks at the tables again.
 */
bool stage2_allow(struct stage2 *tables, u64 gpa);

/*
 * The same for every page in [gpa, gpa + size): takes mappings away, or the right to
 * write, or looks at and clears accessed flags. Each returns the number of entries it
 * changed; the caller then flushes what processors remember of them.
 */
u64 stage2_unmap(struct stage2 *tables, u64 gpa, u64 size);
u64 stage2_protect(struct stage2 *tables, u64 gpa, u64 size);
u64 stage2_age(struct stage2 *tables, u64 gpa, u64 size);
/* How many have been accessed; nothing changes. */
u64 stage2_young(struct stage2 *tables, u64 gpa, u64 size);

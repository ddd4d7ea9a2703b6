// SPDX-License-Identifier: GPL-2.0-only
/* Stage-2 tables of both vendors. */
#include "stage2.h"

#define INDEX_BITS 9
#define PART_SHIFT (12 + INDEX_BITS)	/* of what a table of the last level covers */
#define NO_PART ~0ull
#define ENTRIES (1u << INDEX_BITS)
#define ADDRESS 0x000ffffffffff000ull
/*
 * Ours, in a page's entry: it has been mapped for writing. Processors do not look at it in
 * either format (APM 2 5.4.1, AVL; SDM 3 table 28-6, bit 11).
 */
#define LENT (1ull << 11)

/* A nested walk is a user's (APM 2 15.25.5): every entry needs U. P W U A D. */
const struct stage2_format stage2_npt = {
	.name = "NPT", .table = 0x27, .page = 0x05, .write = 0x02, .accessed = 0x20,
};

/* R W X, write-back in bits 3 to 5, A in bit 8, D in bit 9 (SDM 3 tables 28-3 and 28-6). */
const struct stage2_format stage2_ept = {
	.name = "EPT", .table = 0x07, .page = 0x35, .write = 0x02, .accessed = 0x100,
};

const struct stage2_format stage2_ept_plain = {
	.name = "EPT", .table = 0x07, .page = 0x35, .write = 0x02, .accessed = 0,
};

static unsigned int index_at(u64 gpa, unsigned int level)
{
	return gpa >> (12 + level * INDEX_BITS) & (ENTRIES - 1);
}

/* Bytes that one entry of a level covers; level 0 maps pages. */
static u64 span(unsigned int level)
{
	return STAGE2_PAGE << (level * INDEX_BITS);
}

bool stage2_init(struct stage2 *tables, const struct stage2_format *format,
		 const struct stage2_memory *memory, void *opaque)
{
	*tables = (struct stage2){ .format = format, .memory = memory, .opaque = opaque };
	tables->root = memory->take(opaque, &tables->root_physical);
	tables->recent_part = NO_PART;
	return tables->root;
}

void stage2_destroy(struct stage2 *tables)
{
	/* By hand instead of by recursion: the path to the table that is looked at. */
	u64 *table[STAGE2_LEVELS];
	unsigned int at[STAGE2_LEVELS] = { 0 };
	unsigned int level = STAGE2_LEVELS - 1;

	if (!tables->root)
		return;
	table[level] = tables->root;
	for (;;) {
		if (level == 0 || at[level] == ENTRIES) {
			tables->memory->give(tables->opaque, table[level]);
			if (++level == STAGE2_LEVELS)
				break;
			continue;
		}
		if (table[level][at[level]]) {
			u64 below = table[level][at[level]++] & ADDRESS;

			table[--level] = tables->memory->find(tables->opaque, below);
			at[level] = 0;
		} else {
			at[level]++;
		}
	}
	tables->root = NULL;
}

/* The last level's table for gpa; NULL if there is none, or none can be made. */
static u64 *leaf_table(struct stage2 *tables, u64 gpa, bool make)
{
	u64 *table = tables->root;

	/* Tables stay until the end. Most often it is the one of the last time. */
	if (gpa >> PART_SHIFT == tables->recent_part)
		return tables->recent;
	for (unsigned int level = STAGE2_LEVELS - 1; level > 0; level--) {
		u64 *entry = &table[index_at(gpa, level)];
		u64 physical;

		if (*entry) {
			table = tables->memory->find(tables->opaque, *entry & ADDRESS);
			continue;
		}
		table = make ? tables->memory->take(tables->opaque, &physical) : NULL;
		if (!table)
			return NULL;
		*(volatile u64 *)entry = physical | tables->format->table;
	}
	tables->recent_part = gpa >> PART_SHIFT;
	tables->recent = table;
	return table;
}

bool stage2_map(struct stage2 *tables, u64 gpa, u64 hpa, unsigned int rights)
{
	u64 *table = leaf_table(tables, gpa, true);
	u64 entry = (hpa & ADDRESS) | tables->format->page | tables->format->accessed;
	u64 *place;

	if (!table)
		return false;
	if (rights & STAGE2_WRITE)
		entry |= tables->format->write | LENT;
	place = &table[index_at(gpa, 0)];
	tables->mapped += !*place;
	*(volatile u64 *)place = entry;
	return true;
}

u64 stage2_lookup(struct stage2 *tables, u64 gpa)
{
	u64 *table = leaf_table(tables, gpa, false);

	return table ? table[index_at(gpa, 0)] : 0;
}

bool stage2_allow(struct stage2 *tables, u64 gpa)
{
	u64 *table = leaf_table(tables, gpa, false);
	u64 *entry;

	if (!table)
		return false;
	entry = &table[index_at(gpa, 0)];
	if (!(*entry & LENT))
		return false;
	/* The processor may set flags in it at any time. */
	__atomic_fetch_or(entry, tables->format->write, __ATOMIC_SEQ_CST);
	return true;
}

u64 stage2_entry_page(u64 entry)
{
	return entry & ADDRESS;
}

bool stage2_entry_writable(const struct stage2 *tables, u64 entry)
{
	return entry & tables->format->write;
}

/* Bytes from gpa on that have no table for want of one entry; 0: there is a table. */
static u64 hole(const struct stage2 *tables, u64 gpa)
{
	u64 *table = tables->root;

	for (unsigned int level = STAGE2_LEVELS - 1; level > 0; level--) {
		u64 entry = table[index_at(gpa, level)];

		if (!entry)
			return span(level) - (gpa & (span(level) - 1));
		table = tables->memory->find(tables->opaque, entry & ADDRESS);
	}
	return 0;
}

/* Calls change() for every mapping in the range; adds up what it returns. */
static u64 for_range(struct stage2 *tables, u64 gpa, u64 size,
		     u64 (*change)(const struct stage2 *tables, u64 *entry))
{
	u64 end = gpa + size;
	u64 changed = 0;

	while (gpa < end && gpa < STAGE2_LIMIT) {
		u64 next = (gpa & ~(span(1) - 1)) + span(1);
		u64 skip = hole(tables, gpa);
		u64 *table;

		if (skip) {
			gpa += skip;
			continue;
		}
		table = leaf_table(tables, gpa, false);
		for (; gpa < end && gpa < next; gpa += STAGE2_PAGE) {
			u64 *entry = &table[index_at(gpa, 0)];

			if (*entry)
				changed += change(tables, entry);
		}
	}
	return changed;
}

static u64 drop(const struct stage2 *tables, u64 *entry)
{
	(void)tables;
	*(volatile u64 *)entry = 0;
	return 1;
}

/* The processor may set flags in an entry at any time: bits are cleared atomically. */
static u64 clear_bits(u64 *entry, u64 bits)
{
	return __atomic_fetch_and(entry, ~bits, __ATOMIC_SEQ_CST) & bits ? 1 : 0;
}

static u64 protect(const struct stage2 *tables, u64 *entry)
{
	return clear_bits(entry, tables->format->write);
}

static u64 age(const struct stage2 *tables, u64 *entry)
{
	return clear_bits(entry, tables->format->accessed);
}

static u64 young(const struct stage2 *tables, u64 *entry)
{
	return *entry & tables->format->accessed ? 1 : 0;
}

u64 stage2_unmap(struct stage2 *tables, u64 gpa, u64 size)
{
	u64 dropped = for_range(tables, gpa, size, drop);

	tables->mapped -= dropped;
	return dropped;
}

u64 stage2_protect(struct stage2 *tables, u64 gpa, u64 size)
{
	return for_range(tables, gpa, size, protect);
}

u64 stage2_age(struct stage2 *tables, u64 gpa, u64 size)
{
	return for_range(tables, gpa, size, age);
}

u64 stage2_young(struct stage2 *tables, u64 gpa, u64 size)
{
	return for_range(tables, gpa, size, young);
}

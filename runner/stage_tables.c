// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page tables of the stage, for 32-bit, PAE, 4-level and 5-level paging (SDM 3
 * chapter 4): identity mapping of what guest memory there is, and the changes
 * cases make to single entries.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "stage_build.h"

#define PTE_P 0x1ull
#define PTE_W 0x2ull
#define PTE_U 0x4ull
#define PTE_A 0x20ull
#define PTE_D 0x40ull
#define PTE_PS 0x80ull
#define PTE_ADDRESS 0x000ffffffffff000ull
#define PTE_PKEY_SHIFT 59

static unsigned int entry_bytes(const struct stage *stage)
{
	return stage->levels == 2 ? 4 : 8;
}

static unsigned int index_bits(const struct stage *stage)
{
	return stage->levels == 2 ? 10 : 9;
}

static u64 entry_read(const struct stage *stage, u64 at)
{
	u64 value = 0;

	memcpy(&value, stage->mem + at, entry_bytes(stage));
	return value;
}

static void entry_write(struct stage *stage, u64 at, u64 value)
{
	memcpy(stage->mem + at, &value, entry_bytes(stage));
	stage->pages.touched |= pages_of(at, entry_bytes(stage));
}

/* Flags of an entry that points to a table. PAE's PDPTE has none but P (SDM 3 4.4.1). */
static u64 table_flags(const struct stage *stage, unsigned int level)
{
	return stage->levels == 3 && level == 3 ? PTE_P : PTE_P | PTE_W | PTE_U | PTE_A;
}

static u64 leaf_flags(unsigned int ring)
{
	return PTE_P | PTE_W | PTE_A | PTE_D | (ring == 3 ? PTE_U : 0);
}

static u64 table_alloc(struct stage *stage)
{
	u64 table = stage->next_table;

	if (table + PAGE_BYTES > TABLES_END) {
		snprintf(stage->error, sizeof(stage->error),
			 "the page tables do not fit in %u pages: map fewer regions",
			 (TABLES_END - TABLES) / PAGE_BYTES);
		return 0;
	}
	stage->next_table += PAGE_BYTES;
	return table;
}

static u64 entry_index(const struct stage *stage, u64 va, unsigned int level)
{
	unsigned int bits = index_bits(stage);

	return va >> (12 + bits * (level - 1)) & ((1u << bits) - 1);
}

u64 stage_entry(struct stage *stage, u64 va, unsigned int level, bool make)
{
	u64 table = stage->state.cr3 & (stage->levels == 3 ? ~0x1full : PTE_ADDRESS);

	if (level < 1 || level > stage->levels) {
		snprintf(stage->error, sizeof(stage->error),
			 "this mode has no page-table entries of level %u", level);
		return 0;
	}
	for (unsigned int at = stage->levels;; at--) {
		u64 entry = table + entry_index(stage, va, at) * entry_bytes(stage);
		u64 value;

		if (table >= STAGE_RAM || entry + entry_bytes(stage) > STAGE_RAM) {
			snprintf(stage->error, sizeof(stage->error),
				 "page table at %#" PRIx64 " is outside guest memory", table);
			return 0;
		}
		if (at == level)
			return entry;
		value = entry_read(stage, entry);
		if (!(value & PTE_P) || (value & PTE_PS && at <= 3)) {
			u64 next = make ? table_alloc(stage) : 0;

			if (!next) {
				if (!make)
					snprintf(stage->error, sizeof(stage->error),
						 "no level %u table maps %#" PRIx64, at - 1, va);
				return 0;
			}
			value = next | table_flags(stage, at);
			entry_write(stage, entry, value);
		}
		table = value & PTE_ADDRESS;
	}
}

/* What an entry is before a case changes it, when there was none. */
static u64 fresh_entry(const struct stage *stage, u64 va, unsigned int level)
{
	u64 page = 1ull << (12 + index_bits(stage) * (level - 1));
	u64 flags = leaf_flags(stage->instance->ring);

	return (va & ~(page - 1) & PTE_ADDRESS) | flags;
}

bool stage_edit_entry(struct stage *stage, const struct record *record, unsigned int level,
		      bool make)
{
	u64 va = record_value(record, F_va, 0);
	const struct field *field;
	u64 at, value;

	at = stage_entry(stage, va, level, make);
	if (!at)
		return false;
	value = entry_read(stage, at);
	if (make && !value)
		value = fresh_entry(stage, va, level);
	for (unsigned int i = 0; i < record->nfields; i++) {
		field = &record->fields[i];
		if (field->id == F_set)
			value |= field->value;
		else if (field->id == F_clear)
			value &= ~field->value;
		else if (field->id == F_pa)
			value = (value & ~PTE_ADDRESS) | (field->value & PTE_ADDRESS);
		else if (field->id == F_pkey)
			value = (value & ~(15ull << PTE_PKEY_SHIFT)) |
				field->value << PTE_PKEY_SHIFT;
		else if (field->id == F_raw)
			value = field->value;
	}
	if (entry_bytes(stage) == 4 && value >> 32) {
		snprintf(stage->error, sizeof(stage->error),
			 "entry %#" PRIx64 " has more than the 32 bits of this mode", value);
		return false;
	}
	entry_write(stage, at, value);
	return true;
}

/* Pages a program at CPL 3 may use; the rest is the supervisor's. */
static bool user_page(u64 addr)
{
	return (addr >= STACK && addr < TABLES) || (addr >= PAGES && addr < PAGES_END);
}

void stage_make_tables(struct stage *stage, unsigned int ring)
{
	unsigned int span = 1u << index_bits(stage);
	u64 table = TABLES;

	stage->next_table = TABLES + (u64)stage->levels * PAGE_BYTES;
	for (unsigned int level = stage->levels; level > 1; level--, table += PAGE_BYTES)
		entry_write(stage, table, (table + PAGE_BYTES) | table_flags(stage, level));
	for (unsigned int i = 0; i < span; i++) {
		u64 page = (u64)i * PAGE_BYTES;

		entry_write(stage, table + (u64)i * entry_bytes(stage),
			    page | leaf_flags(ring == 3 && user_page(page) ? 3 : 0));
	}
	stage->state.cr3 = TABLES;
}

// SPDX-License-Identifier: GPL-2.0-only
/* Exits of one instance, counted by what they were. */
#include "coverage.h"

#define VMX_BASIC 0xffffu	/* the basic exit reason; above are flags (SDM 3 24.9.1) */
#define VMX_EXCEPTION 0
#define VMX_CR_ACCESS 28
#define CR_ACCESS_KIND 0x3fu	/* number of the register, type of access (SDM 3 table 27-3) */
#define SVM_MSR 0x7c

static void add(struct coverage *coverage, const struct cover_entry *entry)
{
	struct cover_entry *e = coverage->entries, *end = e + coverage->count;

	for (; e < end; e++) {
		if (e->isa == entry->isa && e->reason == entry->reason &&
		    e->detail == entry->detail) {
			e->count += entry->count;
			return;
		}
	}
	if (coverage->count == COVER_MAX) {
		coverage->missed += entry->count;
		return;
	}
	coverage->entries[coverage->count++] = *entry;
}

void cover_hw(struct coverage *coverage, const struct hwexit *exit)
{
	struct cover_entry entry = { .isa = exit->isa, .reason = exit->reason, .count = 1 };

	if (exit->isa == HWEXIT_VMX) {
		entry.reason &= VMX_BASIC;
		if (entry.reason == VMX_EXCEPTION)
			entry.detail = (u32)hwexit_vector(exit);
		else if (entry.reason == VMX_CR_ACCESS)
			entry.detail = (u32)exit->info1 & CR_ACCESS_KIND;
	} else if (exit->isa == HWEXIT_SVM && exit->reason == SVM_MSR) {
		entry.detail = (u32)exit->info1 & 1;
	}
	add(coverage, &entry);
}

void cover_exit(struct coverage *coverage, u32 reason)
{
	struct cover_entry entry = { .reason = reason, .count = 1 };

	add(coverage, &entry);
}

void cover_add(struct coverage *coverage, const struct coverage *other)
{
	coverage->hw |= other->hw;
	coverage->missed += other->missed;
	for (unsigned int i = 0; i < other->count; i++)
		add(coverage, &other->entries[i]);
}

// SPDX-License-Identifier: GPL-2.0-only
/* A case's code with its steps between the instructions. */
#include "listing.h"

#include <stdlib.h>
#include <string.h>

#include "describe.h"
#include "text.h"

static const u8 ud2[] = { 0x0f, 0x0b };	/* what the macro case puts before a case */

struct listing {
	const struct mg_case *tc;
	bool *written;		/* for each of the case's records */
};

static u64 entry_of(const struct mg_case *tc, unsigned int cpu)
{
	return cpu ? tc->entries[cpu] : tc->entry;
}

/* The segment that holds the address, or NULL: a case may begin anywhere. */
static const struct segment *segment_of(const struct image *image, u64 addr)
{
	for (unsigned int i = 0; i < image->nsegments; i++) {
		const struct segment *segment = &image->segments[i];

		if (addr >= segment->addr && addr - segment->addr < segment->filesz)
			return segment;
	}
	return NULL;
}

/* Where code of another case, or of another vCPU, begins behind the address, up to end. */
static u64 next_entry(const struct image *image, u64 addr, u64 end)
{
	for (unsigned int i = 0; i < image->ncases; i++)
		for (unsigned int cpu = 0; cpu < SMP_MAX; cpu++) {
			u64 entry = entry_of(&image->cases[i], cpu);

			if (entry > addr && entry < end)
				end = entry;
		}
	return end;
}

/* The UD2 before the next case is not this one's. */
bool case_code(const struct mg_case *tc, unsigned int cpu, const u8 *memory, struct code *code)
{
	u64 entry = entry_of(tc, cpu), end, next;
	const struct segment *segment = segment_of(tc->image, entry);

	if (!segment)
		return false;
	end = segment->addr + segment->filesz;
	next = next_entry(tc->image, entry, end);
	*code = (struct code){ .addr = entry, .len = next - entry,
			       .bits = mode_bits(tc->image->mode) };
	code->bytes = segment->data + (entry - segment->addr);
	if (memory && next <= STAGE_RAM)
		code->bytes = memory + entry;
	if (next < end && code->len >= sizeof(ud2) &&
	    !memcmp(code->bytes + code->len - sizeof(ud2), ud2, sizeof(ud2)))
		code->len -= sizeof(ud2);
	return true;
}

static void sb_step(struct strbuf *sb, const struct record *record, unsigned int number)
{
	struct strbuf text = { 0 };

	sb_record(&text, record);
	if (number)
		sb_printf(sb, "%9u: %3u. ", record->line, number);
	else
		sb_printf(sb, "%9u:      ", record->line);
	sb_clean(sb, text.s);
	sb_printf(sb, "\n");
	sb_free(&text);
}

/* Adds the steps that stand at an address, or all that are left (at = NULL). */
static void sb_steps(struct strbuf *sb, struct listing *listing, const u64 *at)
{
	unsigned int number = 0;

	for (unsigned int i = 0; i < listing->tc->nrecords; i++) {
		const struct record *record = &listing->tc->records[i];
		bool numbered = record->kind == REC_EXPECT || record->kind == REC_ACTION;

		number += numbered;
		if (!record_is_step(record) || listing->written[i] || (at && record->addr != *at))
			continue;
		sb_step(sb, record, numbered ? number : 0);
		listing->written[i] = true;
	}
}

static void sb_cpu(struct strbuf *sb, struct listing *listing, struct code *code, u64 mark)
{
	const struct image *image = listing->tc->image;
	struct insn *insns = xcalloc(code->len, sizeof(*insns));
	unsigned int n;
	u64 *anchors;

	code->nanchors = image_anchors(image, &anchors);
	code->anchors = anchors;
	n = disasm(code, insns, code->len);
	sb_steps(sb, listing, &code->addr);
	for (unsigned int i = 0; i < n; i++) {
		u64 next = insns[i].addr + insns[i].len;

		sb_insn(sb, insns[i].addr == mark ? " -> " : "", &insns[i]);
		sb_steps(sb, listing, &next);
	}
	free(insns);
	free(anchors);
}

void sb_listing(struct strbuf *sb, const struct mg_case *tc, const u8 *memory, u64 mark)
{
	struct listing listing = { .tc = tc };
	struct code code;

	listing.written = xcalloc(tc->nrecords, sizeof(*listing.written));
	for (unsigned int cpu = 0; !cpu || cpu < tc->cpus; cpu++) {
		if (tc->cpus > 1)
			sb_printf(sb, "%s  cpu %u\n", cpu ? "\n" : "", cpu);
		if (case_code(tc, cpu, memory, &code))
			sb_cpu(sb, &listing, &code, mark);
	}
	sb_steps(sb, &listing, NULL);
	free(listing.written);
}

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

/* The segment the case begins in, or NULL: a case may begin anywhere. */
static const struct segment *entry_segment(const struct mg_case *tc)
{
	for (unsigned int i = 0; i < tc->image->nsegments; i++) {
		const struct segment *segment = &tc->image->segments[i];

		if (tc->entry >= segment->addr && tc->entry - segment->addr < segment->filesz)
			return segment;
	}
	return NULL;
}

/* The UD2 before the next case is not this one's. */
bool case_code(const struct mg_case *tc, const u8 *memory, struct code *code)
{
	const struct segment *segment = entry_segment(tc);
	u64 end, next;

	if (!segment)
		return false;
	next = end = segment->addr + segment->filesz;
	for (unsigned int i = 0; i < tc->image->ncases; i++) {
		u64 entry = tc->image->cases[i].entry;

		if (entry > tc->entry && entry < next)
			next = entry;
	}
	*code = (struct code){ .addr = tc->entry, .len = next - tc->entry,
			       .bits = mode_bits(tc->image->mode) };
	code->bytes = segment->data + (tc->entry - segment->addr);
	if (memory && next <= STAGE_RAM)
		code->bytes = memory + tc->entry;
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

void sb_listing(struct strbuf *sb, const struct mg_case *tc, const u8 *memory, u64 mark)
{
	struct listing listing = { .tc = tc };
	struct code code;
	struct insn *insns;
	unsigned int n;
	u64 *anchors;

	listing.written = xcalloc(tc->nrecords, sizeof(*listing.written));
	if (case_code(tc, memory, &code)) {
		code.nanchors = image_anchors(tc->image, &anchors);
		code.anchors = anchors;
		insns = xcalloc(code.len, sizeof(*insns));
		n = disasm(&code, insns, code.len);
		sb_steps(sb, &listing, &tc->entry);
		for (unsigned int i = 0; i < n; i++) {
			u64 next = insns[i].addr + insns[i].len;

			sb_insn(sb, insns[i].addr == mark ? " -> " : "", &insns[i]);
			sb_steps(sb, &listing, &next);
		}
		free(insns);
		free(anchors);
	}
	sb_steps(sb, &listing, NULL);
	free(listing.written);
}

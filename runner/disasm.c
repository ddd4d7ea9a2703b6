// SPDX-License-Identifier: GPL-2.0-only
/* Disassembly by Zydis, kept in step with the addresses that are known. */
#include "disasm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <Zydis/Zydis.h>

#include "x86.h"

#define INSN_MAX 15		/* bytes of an instruction (SDM 2 2.3.11) */
#define BYTES_COLUMNS 22	/* of the hexadecimal bytes: longer ones push the text right */

struct engine {
	ZydisDecoder decoder;
	ZydisFormatter formatter;
};

static void engine_init(struct engine *e, unsigned int bits)
{
	ZydisMachineMode mode = ZYDIS_MACHINE_MODE_LONG_64;
	ZydisStackWidth stack = ZYDIS_STACK_WIDTH_64;

	if (bits == 32) {
		mode = ZYDIS_MACHINE_MODE_LEGACY_32;
		stack = ZYDIS_STACK_WIDTH_32;
	} else if (bits == 16) {
		mode = ZYDIS_MACHINE_MODE_LEGACY_16;
		stack = ZYDIS_STACK_WIDTH_16;
	}
	ZydisDecoderInit(&e->decoder, mode, stack);
	ZydisFormatterInit(&e->formatter, ZYDIS_FORMATTER_STYLE_INTEL);
	ZydisFormatterSetProperty(&e->formatter, ZYDIS_FORMATTER_PROP_HEX_UPPERCASE, ZYAN_FALSE);
	ZydisFormatterSetProperty(&e->formatter, ZYDIS_FORMATTER_PROP_ADDR_PADDING_ABSOLUTE,
				  ZYDIS_PADDING_DISABLED);
	ZydisFormatterSetProperty(&e->formatter, ZYDIS_FORMATTER_PROP_ADDR_PADDING_RELATIVE,
				  ZYDIS_PADDING_DISABLED);
	ZydisFormatterSetProperty(&e->formatter, ZYDIS_FORMATTER_PROP_DISP_PADDING,
				  ZYDIS_PADDING_DISABLED);
	ZydisFormatterSetProperty(&e->formatter, ZYDIS_FORMATTER_PROP_IMM_PADDING,
				  ZYDIS_PADDING_DISABLED);
}

/* The length of the instruction at offset, 0 if there is none before end. */
static unsigned int length_at(const struct engine *e, const struct code *code, unsigned int offset,
			      unsigned int end)
{
	ZydisDecodedInstruction insn;

	if (!ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(&e->decoder, NULL, code->bytes + offset,
							end - offset, &insn)))
		return 0;
	return insn.length;
}

#define FEP_TEXT "ud2; db 'kvm'"

static bool is_fep(const struct code *code, unsigned int offset, unsigned int len)
{
	return len >= FEP_BYTES && !memcmp(code->bytes + offset, FEP_PREFIX, FEP_BYTES);
}

/* nasm says "byte [x]" where the Intel manual says "byte ptr [x]". */
static void drop_ptr(char *text)
{
	char *at;

	while ((at = strstr(text, " ptr ")))
		memmove(at, at + 4, strlen(at + 4) + 1);
}

/* A memory operand's size must be written where no register implies it. */
static bool needs_size(const ZydisDecodedInstruction *insn, const ZydisDecodedOperand *operands)
{
	bool memory = false;

	for (unsigned int i = 0; i < insn->operand_count_visible; i++) {
		if (operands[i].type == ZYDIS_OPERAND_TYPE_REGISTER)
			return false;
		memory |= operands[i].type == ZYDIS_OPERAND_TYPE_MEMORY;
	}
	return memory;
}

static void format_at(struct engine *e, const struct code *code, unsigned int offset,
		      struct insn *out)
{
	ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
	ZydisDecodedInstruction insn;

	if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&e->decoder, code->bytes + offset, out->len, &insn,
						 operands)))
		return;
	ZydisFormatterSetProperty(&e->formatter, ZYDIS_FORMATTER_PROP_FORCE_SIZE,
				  needs_size(&insn, operands));
	if (ZYAN_SUCCESS(ZydisFormatterFormatInstruction(&e->formatter, &insn, operands,
							 insn.operand_count_visible, out->text,
							 sizeof(out->text), out->addr, NULL)))
		drop_ptr(out->text);
}

/* Offset of the first anchor at or after from; the end of the code if there is none. */
static unsigned int next_anchor(const struct code *code, unsigned int from)
{
	unsigned int next = code->len;

	for (unsigned int i = 0; i < code->nanchors; i++) {
		u64 offset = code->anchors[i] - code->addr;

		if (offset >= from && offset < next)
			next = offset;
	}
	return next;
}

/* Whether decoding from start comes to stop exactly, over whole instructions. */
static bool reaches(const struct engine *e, const struct code *code, unsigned int start,
		    unsigned int stop)
{
	while (start < stop) {
		unsigned int len = length_at(e, code, start, stop);

		if (!len)
			return false;
		start += len;
	}
	return true;
}

static unsigned int first_offset(const struct engine *e, const struct code *code)
{
	unsigned int anchor = next_anchor(code, 0);

	if (anchor == code->len)
		return 0;
	for (unsigned int start = 0; start < anchor && start < INSN_MAX; start++) {
		if (reaches(e, code, start, anchor))
			return start;
	}
	return anchor;
}

static void emit(struct engine *e, const struct code *code, unsigned int offset, unsigned int len,
		 struct insn *out)
{
	memset(out, 0, sizeof(*out));
	out->addr = code->addr + offset;
	out->len = len ? len : 1;
	memcpy(out->bytes, code->bytes + offset, out->len);
	if (is_fep(code, offset, len))
		snprintf(out->text, sizeof(out->text), FEP_TEXT);
	else if (len)
		format_at(e, code, offset, out);
	if (!out->text[0])
		snprintf(out->text, sizeof(out->text), "db 0x%02x", out->bytes[0]);
}

unsigned int disasm(const struct code *code, struct insn *insns, unsigned int max)
{
	unsigned int offset = 0, n = 0, start, stop, len;
	struct engine e;

	engine_init(&e, code->bits);
	start = first_offset(&e, code);
	while (offset < code->len && n < max) {
		if (offset < start) {
			stop = offset;
			len = 0;
		} else {
			stop = next_anchor(code, offset + 1);
			len = FEP_BYTES;
			if (!is_fep(code, offset, stop - offset))
				len = length_at(&e, code, offset, stop);
		}
		emit(&e, code, offset, len, &insns[n]);
		offset += insns[n++].len;
	}
	return n;
}

void sb_insn(struct strbuf *sb, const char *mark, const struct insn *insn)
{
	unsigned int columns = insn->len * 3;

	sb_printf(sb, "%-4s%05llx  ", mark, (unsigned long long)insn->addr);
	for (unsigned int i = 0; i < insn->len; i++)
		sb_printf(sb, "%02x ", insn->bytes[i]);
	sb_printf(sb, "%*s%s\n", columns < BYTES_COLUMNS ? (int)(BYTES_COLUMNS - columns) : 0, "",
		  insn->text);
}

unsigned int image_anchors(const struct image *image, u64 **anchors)
{
	unsigned int room = 0, n = 0;

	for (unsigned int i = 0; i < image->ncases; i++)
		room += 1 + image->cases[i].nrecords;
	*anchors = xcalloc(room ? room : 1, sizeof(**anchors));
	for (unsigned int i = 0; i < image->ncases; i++) {
		const struct mg_case *tc = &image->cases[i];

		(*anchors)[n++] = tc->entry;
		for (unsigned int j = 0; j < tc->nrecords; j++)
			(*anchors)[n++] = tc->records[j].addr;
	}
	return n;
}

unsigned int state_bits(const struct cpu_state *state)
{
	u64 ar = state->seg[SEG_CS].ar;

	if (!(state->cr0 & CR0_PE) || (state->rflags & RFLAGS_VM))
		return 16;
	if ((state->efer & EFER_LMA) && (ar & AR_L))
		return 64;
	return ar & AR_DB ? 32 : 16;
}

u64 state_linear_rip(const struct cpu_state *state)
{
	if (state_bits(state) == 64)
		return state->rip;
	return (state->seg[SEG_CS].base + state->rip) & 0xffffffff;
}

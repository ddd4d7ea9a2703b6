// SPDX-License-Identifier: GPL-2.0-only
/* Records of a microguest as text, in the words of microguest.inc. */
#include "describe.h"

#include <stdlib.h>
#include <string.h>

#include "instance.h"

#define BYTES_SHOWN 64		/* of a field; more are counted */

struct word {
	u64 mask;
	const char *name;
};

static const struct word flag_words[] = {	/* RFLAGS (SDM 1 3.4.3) */
	{ 0x1, "CF" },	   { 0x4, "PF" },      { 0x10, "AF" },	   { 0x40, "ZF" },
	{ 0x80, "SF" },	   { 0x100, "TF" },    { 0x200, "IF" },	   { 0x400, "DF" },
	{ 0x800, "OF" },   { 0x3000, "IOPL" }, { 0x4000, "NT" },   { 0x10000, "RF" },
	{ 0x20000, "VM" }, { 0x40000, "AC" },  { 0x80000, "VIF" }, { 0x100000, "VIP" },
	{ 0x200000, "ID" },
};

static const struct word irqchip_words[] = {
	{ IRQCHIP_USER, "user" }, { IRQCHIP_SPLIT, "split" }, { IRQCHIP_KERNEL, "kernel" },
};

static const struct word ring_words[] = { { RING_0, "0" }, { RING_3, "3" } };

static const struct word uses_words[] = {
	{ USES_FPU, "fpu" }, { USES_SSE, "sse" }, { USES_AVX, "avx" },
};

const char *irqchip_name(unsigned int irqchip)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(irqchip_words); i++) {
		if (irqchip_words[i].mask == irqchip)
			return irqchip_words[i].name;
	}
	return "unknown irqchip";
}

const char *path_name(unsigned int path)
{
	static const char *const names[PATH_COUNT] = {
		[PATH_NATIVE] = "native",
		[PATH_MMIO] = "mmio",
		[PATH_FEP] = "fep",
	};

	return path < PATH_COUNT ? names[path] : "unknown path";
}

/* Adds a number as people write it in a source: small ones decimal. */
static void sb_value(struct strbuf *sb, u64 value)
{
	if (value < 10)
		sb_printf(sb, "%u", (unsigned int)value);
	else
		sb_printf(sb, "0x%llx", (unsigned long long)value);
}

/* Adds the names of a mask's bits; what has no name follows as a number. */
static void sb_mask(struct strbuf *sb, u64 mask, const struct word *words, unsigned int nwords,
		    const char *between)
{
	const char *before = "";

	for (unsigned int i = 0; i < nwords; i++) {
		if ((mask & words[i].mask) != words[i].mask)
			continue;
		sb_printf(sb, "%s%s", before, words[i].name);
		mask &= ~words[i].mask;
		before = between;
	}
	if (mask || !*before) {
		sb_printf(sb, "%s", before);
		sb_value(sb, mask);
	}
}

static void sb_bytes(struct strbuf *sb, const u8 *bytes, u32 len)
{
	for (u32 i = 0; i < len && i < BYTES_SHOWN; i++)
		sb_printf(sb, "%s%02x", i ? " " : "", bytes[i]);
	if (len > BYTES_SHOWN)
		sb_printf(sb, " ... (%u bytes)", len);
}

static void sb_register_mask(struct strbuf *sb, u64 mask)
{
	const char *before = "";

	for (unsigned int i = 0; i < 16; i++) {
		if (!(mask & 1ull << i))
			continue;
		sb_printf(sb, "%s%s", before, field_name(F_rax + i));
		before = "|";
	}
}

static void sb_field(struct strbuf *sb, const struct record *record, const struct field *field)
{
	const char *name = field_name(field->id);
	bool rflags = record->kind == REC_EXPECT &&
		      (field->id == F_set || field->id == F_clear || field->id == F_status ||
		       field->id == F_undefined);

	sb_printf(sb, "%s=", name ? name : "unknown field");
	if (field->blob && (field->id == F_text || field->id == F_name))
		sb_add(sb, (const char *)field->blob, field->bytes);
	else if (field->blob)
		sb_bytes(sb, field->blob, field->bytes);
	else if (rflags)
		sb_mask(sb, field->value, flag_words, ARRAY_SIZE(flag_words), "|");
	else if (field->id == F_undefined_reg)
		sb_register_mask(sb, field->value);
	else
		sb_value(sb, field->value);
}

/* Adds all fields, each after a comma (the first after first instead). */
static void sb_fields(struct strbuf *sb, const struct record *record, const char *first)
{
	for (unsigned int i = 0; i < record->nfields; i++) {
		sb_printf(sb, "%s", i ? ", " : first);
		sb_field(sb, record, &record->fields[i]);
	}
}

static void sb_text(struct strbuf *sb, const struct record *record)
{
	char *text = record_string(record, F_text);

	sb_printf(sb, "%s", text);
	free(text);
}

/* Adds "ADDRESS: bytes" of REC_WRITES, REC_MEMORY and REC_OPERAND. */
static void sb_memory(struct strbuf *sb, const struct record *record)
{
	const struct field *bytes = record_field(record, F_bytes);

	sb_printf(sb, "0x%05llx: ", (unsigned long long)record_value(record, F_address, 0));
	if (bytes && bytes->blob)
		sb_bytes(sb, bytes->blob, bytes->bytes);
}

static const char *level_name(unsigned int level)
{
	static const char *const names[] = { "entry", "pte", "pde", "pdpte", "pml4e", "pml5e" };

	return level < ARRAY_SIZE(names) ? names[level] : names[0];
}

static const char *kind_name(u16 kind)
{
	static const struct word names[] = {
		{ REC_REF, "ref" },	      { REC_NEED, "need" },
		{ REC_IRQCHIP, "irqchip" },   { REC_RING, "rings" },
		{ REC_USES, "uses" },	      { REC_GIVEN, "given" },
		{ REC_WRITES, "writes" },     { REC_ANY, "undefined_memory" },
		{ REC_DESCRIPTOR, "descriptor" }, { REC_GATE, "gate" },
		{ REC_MEMORY, "memory" },     { REC_OPERAND, "operand" },
		{ REC_EMULATE, "emulate" },   { REC_HW, "expect_hw" },
		{ REC_CPUID, "cpuid_leaf" },  { REC_MSR, "msr" },
		{ REC_MEMSLOT, "memslot" },	{ REC_SMP, "smp" },
		{ REC_CPU, "vcpu" },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(names); i++) {
		if (names[i].mask == kind)
			return names[i].name;
	}
	return "record";
}

static void sb_mask_record(struct strbuf *sb, const struct record *record)
{
	u64 mask = record_value(record, F_value, 0);

	if (record->kind == REC_IRQCHIP)
		sb_mask(sb, mask, irqchip_words, ARRAY_SIZE(irqchip_words), ", ");
	else if (record->kind == REC_RING)
		sb_mask(sb, mask, ring_words, ARRAY_SIZE(ring_words), ", ");
	else
		sb_mask(sb, mask, uses_words, ARRAY_SIZE(uses_words), ", ");
}

void sb_record(struct strbuf *sb, const struct record *record)
{
	const char *sub;

	switch (record->kind) {
	case REC_EXPECT:
		sub = step_name(record->sub);
		sb_printf(sb, "expect %s", sub ? sub : "unknown step");
		sb_fields(sb, record, ", ");
		return;
	case REC_ACTION:
		sub = action_name(record->sub);
		sb_printf(sb, "action %s", sub ? sub : "unknown action");
		sb_fields(sb, record, ", ");
		return;
	case REC_ENTRY:
	case REC_ENTRY_IS:
		sb_printf(sb, "%s%s", level_name(record->sub),
			  record->kind == REC_ENTRY ? "" : "_is");
		sb_fields(sb, record, " ");
		return;
	}
	sb_printf(sb, "%s", kind_name(record->kind));
	switch (record->kind) {
	case REC_REF:
	case REC_NEED:
	case REC_HW:
		sb_printf(sb, " ");
		sb_text(sb, record);
		break;
	case REC_IRQCHIP:
	case REC_RING:
	case REC_USES:
		sb_printf(sb, " ");
		sb_mask_record(sb, record);
		break;
	case REC_SMP:
	case REC_CPU:
		sb_printf(sb, " %u", (unsigned int)record_value(record, F_value, 0));
		break;
	case REC_WRITES:
	case REC_MEMORY:
	case REC_OPERAND:
		sb_printf(sb, " ");
		sb_memory(sb, record);
		break;
	default:
		sb_fields(sb, record, " ");
	}
}

const struct record *case_step(const struct mg_case *tc, int step)
{
	for (unsigned int i = 0; i < tc->nrecords; i++) {
		const struct record *record = &tc->records[i];

		if (record->kind != REC_EXPECT && record->kind != REC_ACTION)
			continue;
		if (step-- == 0)
			return record;
	}
	return NULL;
}

bool record_is_step(const struct record *record)
{
	return record->kind == REC_EXPECT || record->kind == REC_ACTION ||
	       record->kind == REC_WRITES || record->kind == REC_ANY ||
	       record->kind == REC_ENTRY_IS || record->kind == REC_HW;
}

char *record_string(const struct record *record, u16 id)
{
	const struct field *field = record_field(record, id);
	struct strbuf sb = { 0 };

	sb_add(&sb, "", 0);
	if (field && field->blob)
		sb_add(&sb, (const char *)field->blob, field->bytes);
	return sb.s;
}

unsigned int sb_texts(struct strbuf *sb, const struct mg_case *tc, u16 kind)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < tc->nrecords; i++) {
		if (tc->records[i].kind != kind)
			continue;
		sb_printf(sb, "%s", n++ ? ", " : "");
		sb_text(sb, &tc->records[i]);
	}
	return n;
}

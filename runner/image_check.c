/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The record format as tables: which fields each record, step and action needs
 * and takes, and what a field may hold. A record is looked at by itself here;
 * how its fields agree with each other, the mode and the case is in image_case.c.
 */
#include "image_check.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define ANY_SUB 0xffff		/* every value; title_sub() says which there are */
#define FIELDS_COUNT (F_reason + 1)

/* Groups of fields a rule allows beside those it names. */
#define REGS 1			/* F_rax to F_ymm15: registers */
#define FLAGS 2			/* changes to RFLAGS */
#define UNDEFINED 4		/* what the manual leaves undefined */
#define EVENTS 8		/* behind KVM_GET_VCPU_EVENTS */
#define OTHER 16		/* behind ioctls of their own: mp_state, tsc_khz */
#define SOME 32			/* at least one field beyond the required ones */
#define STATE (REGS | FLAGS | UNDEFINED)

struct rule {
	u16 kind, sub;
	u16 groups;
	u16 required[4];
	u16 either[2];		/* exactly one of these */
	u16 allowed[9];
};

#define NEEDS(...) .required = { __VA_ARGS__ }	/* 0: none */
#define EITHER(a, b) .either = { a, b }
#define TAKES(...) .allowed = { __VA_ARGS__ }

static const struct rule rules[] = {
	{ REC_IMAGE, ANY_SUB, 0, NEEDS(F_version, F_name) },
	{ REC_CASE, 0, 0, NEEDS(F_name, F_text) },
	{ REC_REF, 0, 0, NEEDS(F_text) },
	{ REC_NEED, 0, 0, NEEDS(F_text) },
	{ REC_IRQCHIP, 0, 0, NEEDS(F_value) },
	{ REC_RING, 0, 0, NEEDS(F_value) },
	{ REC_USES, 0, 0, NEEDS(F_value) },
	{ REC_GIVEN, 0, REGS | FLAGS | SOME, NEEDS(0) },
	{ REC_WRITES, 0, 0, NEEDS(F_address, F_bytes) },
	{ REC_ANY, 0, 0, NEEDS(F_address, F_length) },
	{ REC_ENTRY, ANY_SUB, SOME, NEEDS(F_va), TAKES(F_set, F_clear, F_pa, F_pkey, F_raw) },
	{ REC_ENTRY_IS, ANY_SUB, SOME, NEEDS(F_va), TAKES(F_set, F_clear, F_raw) },
	{ REC_DESCRIPTOR, 0, SOME, NEEDS(F_selector), TAKES(F_base, F_limit, F_ar, F_raw) },
	{ REC_GATE, 0, SOME, NEEDS(F_vector),
	  TAKES(F_offset, F_selector, F_ar, F_ist, F_raw) },
	{ REC_MEMORY, 0, 0, NEEDS(F_address, F_bytes) },
	{ REC_OPERAND, 0, 0, NEEDS(F_address, F_bytes) },
	{ REC_EMULATE, 0, 0, NEEDS(0) },
	{ REC_HW, 0, 0, NEEDS(F_text) },
	{ REC_CPUID, 0, SOME, NEEDS(F_leaf),
	  TAKES(F_subleaf, F_set_eax, F_set_ebx, F_set_ecx, F_set_edx,
		F_clear_eax, F_clear_ebx, F_clear_ecx, F_clear_edx) },
	{ REC_MSR, 0, 0, NEEDS(F_index, F_value) },
	{ REC_MEMSLOT, 0, 0, NEEDS(F_id, F_gpa, F_size, F_hva), TAKES(F_slot_flags) },
	{ REC_SMP, 0, 0, NEEDS(F_value) },
	{ REC_CPU, 0, 0, NEEDS(F_value) },

	{ REC_EXPECT, STEP_CHECKPOINT, STATE, NEEDS(0) },
	{ REC_EXPECT, STEP_IO_IN, STATE, NEEDS(F_port, F_size), EITHER(F_data, F_bytes),
	  TAKES(F_count) },
	{ REC_EXPECT, STEP_IO_OUT, STATE, NEEDS(F_port, F_size), EITHER(F_data, F_bytes),
	  TAKES(F_count) },
	{ REC_EXPECT, STEP_MMIO_READ, STATE, NEEDS(F_address, F_size), EITHER(F_data, F_bytes) },
	{ REC_EXPECT, STEP_MMIO_WRITE, STATE, NEEDS(F_address, F_size), EITHER(F_data, F_bytes) },
	{ REC_EXPECT, STEP_HLT, STATE, NEEDS(0) },
	{ REC_EXPECT, STEP_EXCEPTION, STATE, NEEDS(F_vector),
	  TAKES(F_error, F_software, F_resume, F_iret, F_frame_rflags) },
	{ REC_EXPECT, STEP_SHUTDOWN, 0, NEEDS(0) },
	{ REC_EXPECT, STEP_INTR, STATE, NEEDS(0) },
	{ REC_EXPECT, STEP_IRQ_WINDOW, STATE, NEEDS(0) },
	{ REC_EXPECT, STEP_DEBUG, STATE, NEEDS(F_debug_vector),
	  TAKES(F_debug_pc, F_debug_dr6, F_debug_dr7) },
	{ REC_EXPECT, STEP_HYPERCALL, STATE, NEEDS(F_nr),
	  TAKES(F_arg0, F_arg1, F_arg2, F_arg3, F_result) },
	{ REC_EXPECT, STEP_RDMSR, STATE, NEEDS(F_index), EITHER(F_data, F_errno), TAKES(F_reason) },
	{ REC_EXPECT, STEP_WRMSR, STATE, NEEDS(F_index, F_data), TAKES(F_errno, F_reason) },
	{ REC_EXPECT, STEP_FAIL_ENTRY, 0, NEEDS(0) },
	{ REC_EXPECT, STEP_HALTED, STATE, NEEDS(0), TAKES(F_mp_state) },
	{ REC_EXPECT, STEP_IOAPIC_EOI, STATE, NEEDS(F_vector) },
	{ REC_EXPECT, STEP_TPR, STATE, NEEDS(0) },
	{ REC_EXPECT, STEP_MEET, 0, NEEDS(0) },

	{ REC_ACTION, ACT_SET, REGS | FLAGS | EVENTS | OTHER | SOME, TAKES(F_errno) },
	{ REC_ACTION, ACT_CHECK, REGS | UNDEFINED | EVENTS | OTHER | SOME, NEEDS(0) },
	{ REC_ACTION, ACT_SET_MSR, 0, NEEDS(F_index, F_value), TAKES(F_refused) },
	{ REC_ACTION, ACT_CHECK_MSR, 0, NEEDS(F_index), EITHER(F_value, F_refused),
	  TAKES(F_mask) },
	{ REC_ACTION, ACT_SET_LAPIC, 0, NEEDS(F_offset, F_value) },
	{ REC_ACTION, ACT_CHECK_LAPIC, 0, NEEDS(F_offset, F_value), TAKES(F_mask) },
	{ REC_ACTION, ACT_WRITE, 0, NEEDS(F_address, F_bytes) },
	{ REC_ACTION, ACT_INTERRUPT, 0, NEEDS(F_vector), TAKES(F_errno) },
	{ REC_ACTION, ACT_IRQ_LINE, 0, NEEDS(F_gsi, F_level), TAKES(F_errno) },
	{ REC_ACTION, ACT_MSI, 0, NEEDS(F_address, F_data), TAKES(F_result, F_errno) },
	{ REC_ACTION, ACT_NMI, 0, NEEDS(0) },
	{ REC_ACTION, ACT_SNAPSHOT, 0, NEEDS(0) },
	{ REC_ACTION, ACT_REQUEST_WINDOW, 0, NEEDS(F_value) },
	{ REC_ACTION, ACT_IMMEDIATE_EXIT, 0, NEEDS(0) },
	{ REC_ACTION, ACT_KICK, 0, TAKES(F_value) },
	{ REC_ACTION, ACT_MEMSLOT, 0, NEEDS(F_id, F_size),
	  TAKES(F_gpa, F_hva, F_slot_flags, F_errno) },
	{ REC_ACTION, ACT_DIRTY_LOG, 0, NEEDS(F_id), EITHER(F_pages, F_errno), TAKES(F_mask) },
	{ REC_ACTION, ACT_COLLECT_DIRTY, 0, NEEDS(F_id) },
	{ REC_ACTION, ACT_CLEAR_DIRTY, 0, NEEDS(F_id, F_first, F_count, F_pages), TAKES(F_errno) },
	{ REC_ACTION, ACT_GUEST_DEBUG, 0, NEEDS(F_control),
	  TAKES(F_dr0, F_dr1, F_dr2, F_dr3, F_dr7) },
	{ REC_ACTION, ACT_TRANSLATE, 0, NEEDS(F_address, F_valid), TAKES(F_gpa) },
	{ REC_ACTION, ACT_IOEVENTFD, 0, NEEDS(F_id, F_address, F_size),
	  TAKES(F_flags, F_data, F_errno) },
	{ REC_ACTION, ACT_EVENTFD_IS, 0, NEEDS(F_id, F_count) },
	{ REC_ACTION, ACT_IRQFD, 0, NEEDS(F_id, F_gsi), TAKES(F_flags, F_errno) },
	{ REC_ACTION, ACT_SIGNAL_IRQFD, 0, NEEDS(F_id) },
	{ REC_ACTION, ACT_COALESCE, 0, NEEDS(F_address, F_size), TAKES(F_pio) },
	{ REC_ACTION, ACT_UNCOALESCE, 0, NEEDS(F_address, F_size), TAKES(F_pio) },
	{ REC_ACTION, ACT_COALESCED_IS, 0, EITHER(F_count, F_data),
	  TAKES(F_address, F_size, F_pio) },
	{ REC_ACTION, ACT_ENABLE_CAP, 0, NEEDS(F_cap), TAKES(F_arg0, F_errno) },
	{ REC_ACTION, ACT_SYNC, 0, NEEDS(0) },
	{ REC_ACTION, ACT_CALL, 0, NEEDS(F_text), EITHER(F_errno, F_result),
	  TAKES(F_arg0, F_arg1, F_arg2, F_arg3, F_value) },
	{ REC_ACTION, ACT_ENTRY, SOME, NEEDS(F_va, F_level),
	  TAKES(F_set, F_clear, F_pa, F_pkey, F_raw) },
	{ REC_ACTION, ACT_ROUTE, 0, NEEDS(F_gsi, F_address, F_data) },
	{ REC_ACTION, ACT_MSR_FILTER, 0, NEEDS(F_index), TAKES(F_count) },
	{ REC_ACTION, ACT_SYNC_SET, REGS | FLAGS | EVENTS | SOME, NEEDS(0) },
	{ REC_ACTION, ACT_POKE, 0, NEEDS(F_text, F_offset, F_size, F_data), TAKES(F_id, F_errno) },
	{ REC_ACTION, ACT_PEEK, 0, NEEDS(F_text, F_offset, F_size), EITHER(F_data, F_errno),
	  TAKES(F_id, F_mask) },
};

/* What a field holds: bytes if max is not 0, else a number within mask. */
struct shape {
	u16 first, last;	/* fields, both included */
	u32 min, max;		/* bytes */
	u64 mask;		/* bits its destination has */
};

#define BYTES(first, last, min, max) { first, last, min, max, 0 }
#define NUMBER(first, last, mask) { first, last, 0, 0, mask }

static const struct shape shapes[] = {
	NUMBER(F_gdt_limit, F_gdt_limit, 0xffff),
	NUMBER(F_idt_limit, F_idt_limit, 0xffff),
	NUMBER(F_fcw, F_fsw, 0xffff),
	NUMBER(F_ftw, F_ftw, 0xff),
	NUMBER(F_fop, F_fop, 0xffff),
	NUMBER(F_mxcsr, F_mxcsr, 0xffffffff),
	BYTES(F_st0, F_st7, 10, 10),
	BYTES(F_xmm0, F_xmm15, 16, 16),
	BYTES(F_ymm0, F_ymm15, 32, 32),
	NUMBER(F_ev_error, F_ev_error, 0xffffffff),
	NUMBER(F_ev_pending, F_ev_pending, 0xff),
	NUMBER(F_ev_soft, F_ev_triple_fault, 0xff),
	NUMBER(F_mp_state, F_tsc_khz, 0xffffffff),
	NUMBER(F_status, F_status, 0x8d5),		/* SDM 1 3.4.3.1 */
	NUMBER(F_undefined, F_undefined, 0x3fffff),	/* bits 22 and up are reserved */
	NUMBER(F_undefined_reg, F_undefined_reg, 0xffff),
	NUMBER(F_undefined_type, F_undefined_type, 1),
	NUMBER(F_port, F_port, 0xffff),
	NUMBER(F_count, F_count, 0xffffffff),
	BYTES(F_bytes, F_bytes, 1, 4096),
	NUMBER(F_vector, F_error, 0xffffffff),
	NUMBER(F_software, F_software, 1),
	NUMBER(F_index, F_index, 0xffffffff),
	NUMBER(F_gsi, F_gsi, 0xffffffff),
	NUMBER(F_level, F_level, 7),
	NUMBER(F_id, F_id, 0xffffffff),
	NUMBER(F_slot_flags, F_slot_flags, 0xffffffff),
	BYTES(F_pages, F_pages, 1, 4096),
	NUMBER(F_control, F_control, 0xffffffff),
	NUMBER(F_valid, F_valid, 1),
	NUMBER(F_flags, F_flags, 0xffffffff),
	NUMBER(F_pio, F_pio, 1),
	NUMBER(F_cap, F_cap, 0xffffffff),
	NUMBER(F_errno, F_errno, 0xfff),		/* MAX_ERRNO of Linux */
	NUMBER(F_refused, F_refused, 1),
	NUMBER(F_pa, F_pa, 0xffffffffff000),		/* MAXPHYADDR is at most 52 */
	NUMBER(F_pkey, F_pkey, 0xf),
	NUMBER(F_selector, F_selector, 0xffff),
	NUMBER(F_limit, F_limit, 0xffffffff),
	NUMBER(F_ar, F_ar, 0xf0ff),
	NUMBER(F_ist, F_ist, 7),
	NUMBER(F_leaf, F_clear_edx, 0xffffffff),
	BYTES(F_name, F_name, 1, 256),
	BYTES(F_text, F_text, 1, 1024),
	NUMBER(F_version, F_version, 0xffffffff),
	NUMBER(F_debug_vector, F_debug_vector, 0xff),
	NUMBER(F_length, F_length, 0xffffffff),
	NUMBER(F_iret, F_iret, 1),
	NUMBER(F_frame_rflags, F_frame_rflags, 0x3fffff),
	NUMBER(F_reason, F_reason, 0xffffffff),
};

static struct shape shape_of(u16 id)
{
	static const u64 segment[] = { 0xffff, ~0ull, 0xffffffff, 0x1f0ff };

	if (id >= F_cs && id <= F_ldtr_ar)
		return (struct shape)NUMBER(id, id, segment[(id - F_cs) % 4]);
	for (unsigned int i = 0; i < ARRAY_SIZE(shapes); i++)
		if (id >= shapes[i].first && id <= shapes[i].last)
			return shapes[i];
	return (struct shape)NUMBER(id, id, ~0ull);
}

/* ---- titles --------------------------------------------------------------- */

static const char *level_name(unsigned int level)
{
	static const char *const names[] = { NULL, "pte", "pde", "pdpte", "pml4e", "pml5e" };

	return level < ARRAY_SIZE(names) ? names[level] : NULL;
}

/* The macro that writes the kind; "" for those named after their sub alone. */
static const char *kind_title(unsigned int kind)
{
	static const char *const titles[] = {
		[REC_IMAGE] = "modes", [REC_CASE] = "case", [REC_REF] = "ref",
		[REC_NEED] = "need", [REC_IRQCHIP] = "irqchip", [REC_RING] = "rings",
		[REC_USES] = "uses", [REC_GIVEN] = "given", [REC_EXPECT] = "expect ",
		[REC_WRITES] = "writes", [REC_ANY] = "undefined_memory",
		[REC_ACTION] = "action ", [REC_ENTRY] = "", [REC_ENTRY_IS] = "",
		[REC_DESCRIPTOR] = "descriptor", [REC_GATE] = "gate", [REC_MEMORY] = "memory",
		[REC_OPERAND] = "operand", [REC_EMULATE] = "emulate", [REC_HW] = "expect_hw",
		[REC_CPUID] = "cpuid_leaf", [REC_MSR] = "msr", [REC_MEMSLOT] = "memslot",
		[REC_SMP] = "smp", [REC_CPU] = "vcpu",
	};

	return kind < ARRAY_SIZE(titles) ? titles[kind] : NULL;
}

/* The sub as the source writes it after or for the kind, NULL if there is no such. */
static const char *sub_title(const struct record *record)
{
	switch (record->kind) {
	case REC_IMAGE:
		return mode_name(record->sub) ? "" : NULL;
	case REC_EXPECT:
		return step_name(record->sub);
	case REC_ACTION:
		return action_name(record->sub);
	case REC_ENTRY:
	case REC_ENTRY_IS:
		return level_name(record->sub);
	default:
		return record->sub ? NULL : "";
	}
}

const char *record_title(const struct record *record, char *buffer, size_t size)
{
	const char *kind = kind_title(record->kind);
	const char *sub = sub_title(record);

	if (!kind)
		snprintf(buffer, size, "record of kind %u", record->kind);
	else if (!sub)
		snprintf(buffer, size, "%s%u", *kind ? kind : "entry of level ", record->sub);
	else
		snprintf(buffer, size, "%s%s%s", kind, sub,
			 record->kind == REC_ENTRY_IS ? "_is" : "");
	return buffer;
}

/* ---- one record ------------------------------------------------------------- */

static unsigned int group_of(u16 id)
{
	if (id <= F_ymm15)
		return REGS;
	if (id <= F_ev_triple_fault || id == F_ev_payload)
		return EVENTS;
	if (id <= F_tsc_khz)
		return OTHER;
	if (id == F_set || id == F_clear || id == F_status)
		return FLAGS;
	if (id >= F_undefined && id <= F_undefined_type)
		return UNDEFINED;
	return 0;
}

static bool listed(const u16 *list, size_t count, u16 id)
{
	for (size_t i = 0; i < count; i++)
		if (list[i] == id)
			return true;
	return false;
}

static bool allows(const struct rule *rule, u16 id)
{
	return rule->groups & group_of(id) ||
	       listed(rule->required, ARRAY_SIZE(rule->required), id) ||
	       listed(rule->either, ARRAY_SIZE(rule->either), id) ||
	       listed(rule->allowed, ARRAY_SIZE(rule->allowed), id);
}

static bool printable(const struct field *field)
{
	for (u32 i = 0; i < field->bytes; i++)
		if (field->blob[i] < ' ' || field->blob[i] > '~')
			return false;
	return true;
}

static char *check_shape(const struct field *field)
{
	struct shape shape = shape_of(field->id);
	const char *name = field_name(field->id);

	if (!shape.max) {
		if (field->bytes)
			return xasprintf("%s is one number, not a list of bytes", name);
		if (field->value & ~shape.mask)
			return xasprintf("%s=%#" PRIx64 " has bits outside %#" PRIx64, name,
					 field->value, shape.mask);
		return NULL;
	}
	if (field->bytes < shape.min || field->bytes > shape.max)
		return shape.min == shape.max ?
			xasprintf("%s has %u bytes, it must have %u", name, field->bytes,
				  shape.min) :
			xasprintf("%s has %u bytes, it must have %u to %u", name, field->bytes,
				  shape.min, shape.max);
	if ((field->id == F_name || field->id == F_text) && !printable(field))
		return xasprintf("%s has characters other than printable ASCII", name);
	return NULL;
}

static char *check_fields(const struct record *record, const struct rule *rule)
{
	bool seen[FIELDS_COUNT] = { false };
	char *reason;

	for (u16 i = 0; i < record->nfields; i++) {
		const struct field *field = &record->fields[i];
		const char *name = field_name(field->id);

		if (!name)
			return xasprintf("field %u is unknown: assemble the source again with this "
					 "program's microguest.inc", field->id);
		if (seen[field->id])
			return xasprintf("%s is given twice", name);
		if (!allows(rule, field->id))
			return xasprintf("%s means nothing here: remove it", name);
		reason = check_shape(field);
		if (reason)
			return reason;
		seen[field->id] = true;
	}
	return NULL;
}

static char *check_presence(const struct record *record, const struct rule *rule)
{
	const u16 *either = rule->either;
	u16 needed = 0;

	for (; needed < ARRAY_SIZE(rule->required) && rule->required[needed]; needed++)
		if (!record_field(record, rule->required[needed]))
			return xasprintf("%s is missing", field_name(rule->required[needed]));
	if (either[0] && !record_field(record, either[0]) && !record_field(record, either[1]))
		return xasprintf("%s or %s is missing", field_name(either[0]),
				 field_name(either[1]));
	if (either[0] && record_field(record, either[0]) && record_field(record, either[1]))
		return xasprintf("%s and %s exclude each other", field_name(either[0]),
				 field_name(either[1]));
	if (rule->groups & SOME && record->nfields == needed)
		return xstrdup("it says nothing: give it a key=value");
	return NULL;
}

static const struct rule *rule_of(const struct record *record)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(rules); i++)
		if (rules[i].kind == record->kind &&
		    (rules[i].sub == record->sub || rules[i].sub == ANY_SUB))
			return &rules[i];
	return NULL;
}

char *record_check(const struct record *record)
{
	const struct rule *rule;
	char *reason;

	if (!kind_title(record->kind))
		return xstrdup("there is no such kind: assemble the source again with this "
			       "program's microguest.inc");
	rule = rule_of(record);
	if (!rule || !sub_title(record))
		return xasprintf("there is no such sub (%u): assemble the source again with this "
				 "program's microguest.inc", record->sub);
	reason = check_fields(record, rule);
	return reason ? reason : check_presence(record, rule);
}

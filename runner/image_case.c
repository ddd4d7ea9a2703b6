/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What must agree in a microguest: the fields of a record with each other and
 * with the image's mode, and the records of a case with one another. Which
 * fields there are, and their shapes, was checked before (image_check.c).
 */
#include "image_check.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"
#include "hwexit.h"

#define PAGE 0x1000
#define RFLAGS_BITS 0x3fffff		/* defined and reserved bits up to ID, SDM 1 3.4.3 */
#define STATUS_BITS 0x8d5
#define LAPIC_REGISTERS 0x400		/* KVM_APIC_REG_SIZE */
#define KICK_MAX_MS 60000
#define FILTER_MAX 0x3000		/* KVM_MSR_FILTER_MAX_BITMAP_SIZE in bits */
#define MEMSLOTS_MAX 64			/* in one case */

static bool has(const struct record *record, u16 id)
{
	return record_field(record, id);
}

static u64 value_of(const struct record *record, u16 id)
{
	return record_value(record, id, 0);
}

/* "io_out" of text holds nothing but these characters? */
static bool made_of(const struct field *field, const char *others)
{
	for (u32 i = 0; i < field->bytes; i++) {
		u8 c = field->blob[i];

		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
		      (c >= 'A' && c <= 'Z') || strchr(others, c)))
			return false;
	}
	return true;
}

/* ---- the mode ------------------------------------------------------------- */

static unsigned int paging_levels(enum def_mode mode)
{
	switch (mode) {
	case MODE_PAGED32:
		return 2;
	case MODE_PAE32:
		return 3;
	case MODE_COMPAT32:
	case MODE_LONG64:
		return 4;
	case MODE_LONG64_5L:
		return 5;
	default:
		return 0;
	}
}

static bool long_mode(enum def_mode mode)
{
	return paging_levels(mode) >= 4;
}

/* Whether paging of the mode can map the address at all (SDM 3 4.2, 4.5). */
static bool mappable(enum def_mode mode, u64 va)
{
	unsigned int bits = paging_levels(mode) == 5 ? 57 : 48;
	u64 top;

	if (!long_mode(mode))
		return va <= 0xffffffff;
	top = va >> (bits - 1);
	return !top || top == ~0ull >> (bits - 1);
}

static char *check_rings(const struct image *image, const struct record *record)
{
	u64 rings = value_of(record, F_value);

	if (!rings || rings & ~(u64)(RING_0 | RING_3))
		return xasprintf("%#" PRIx64 " is not a mask of rings", rings);
	if (image->mode == MODE_REAL16 && rings & RING_3)
		return xstrdup("real mode has no CPL 3: "
			       "remove real16 from `modes`, or ring 3 here");
	if (image->mode == MODE_VM86 && rings & RING_0)
		return xstrdup("virtual-8086 mode is always at CPL 3: remove ring 0 here");
	return NULL;
}

/* A mask of bits 1, 2 and 4, at least one of them. */
static char *check_words(const struct image *image, const struct record *record)
{
	u64 value = value_of(record, F_value);

	(void)image;
	return value && value <= 7 ? NULL :
		xasprintf("%#" PRIx64 " is not a mask of the words it takes", value);
}

/* ---- registers ------------------------------------------------------------ */

static char *check_flags(const struct record *record)
{
	u64 set = value_of(record, F_set), clear = value_of(record, F_clear);
	u64 undefined = value_of(record, F_undefined), changed = set | clear;

	if (changed > RFLAGS_BITS)
		return xasprintf("set and clear: RFLAGS has bits %#x, not %#" PRIx64,
				 RFLAGS_BITS, changed);
	if (has(record, F_rflags) && (has(record, F_set) || has(record, F_clear) ||
				      has(record, F_status)))
		return xstrdup("rflags is the whole register: set, clear and status exclude it");
	if (has(record, F_status) && changed & STATUS_BITS)
		return xstrdup("status says all of CF PF AF ZF SF OF: "
			       "remove them from set and clear");
	if (set & clear)
		return xasprintf("bits %#" PRIx64 " are both in set and clear", set & clear);
	if (undefined & (changed | value_of(record, F_status)))
		return xasprintf("bits %#" PRIx64 " are undefined, and said to be known",
				 undefined & (changed | value_of(record, F_status)));
	return NULL;
}

static char *check_undefined_reg(const struct record *record)
{
	u64 mask = value_of(record, F_undefined_reg);

	for (unsigned int i = 0; i < 16; i++)
		if (mask >> i & 1 && has(record, F_rax + i))
			return xasprintf("%s is in undefined_reg, and said to be known",
					 field_name(F_rax + i));
	return NULL;
}

/* Vector of an injected event: a byte, or -1 for none. */
static char *check_event(const struct record *record, u16 id)
{
	u64 vector = value_of(record, id);

	return vector <= 0xff || vector == ~0ull ? NULL :
		xasprintf("%s=%#" PRIx64 " is neither a vector nor -1", field_name(id), vector);
}

static char *check_state(const struct image *image, const struct record *record)
{
	char *reason = check_flags(record);

	(void)image;
	if (!reason)
		reason = check_undefined_reg(record);
	if (!reason)
		reason = check_event(record, F_ev_exception);
	if (!reason)
		reason = check_event(record, F_ev_interrupt);
	return reason;
}

/* ---- what sets the stage ---------------------------------------------------- */

static char *check_case(const struct image *image, const struct record *record)
{
	const struct field *name = record_field(record, F_name);

	(void)image;
	return made_of(name, "_") ? NULL :
		xasprintf("the name \"%.*s\" has characters other than A-Z a-z 0-9 and _",
			  (int)name->bytes, (const char *)name->blob);
}

static char *check_need(const struct image *image, const struct record *record)
{
	const struct field *text = record_field(record, F_text);
	char *name = xasprintf("%.*s", (int)text->bytes, (const char *)text->blob);
	char *reason = NULL;

	(void)image;
	if (!feature_known(name))
		reason = xasprintf("there is no feature \"%s\": assay probe lists them", name);
	free(name);
	return reason;
}

/* The words that mean the same with both makers are named; their tables are long. */
static char *unknown_hw(const char *name, size_t len)
{
	struct strbuf sb = { 0 };

	sb_printf(&sb, "\"%.*s\" is no exit reason of the processor: it is one that Intel or AMD "
		  "name (docs/writing-cases.md), or of both", (int)len, name);
	for (unsigned int i = 0; hwexit_word(i); i++)
		sb_printf(&sb, " %s", hwexit_word(i));
	return sb.s;
}

static char *check_hw(const struct image *image, const struct record *record)
{
	const struct field *text = record_field(record, F_text);
	const char *names = (const char *)text->blob, *name;
	size_t at = 0, len;

	(void)image;
	if (!made_of(text, "_|."))
		return xstrdup("not a name or NAME|NAME of the processor's exit reasons");
	while (hwexit_next_name(names, text->bytes, &at, &name, &len))
		if (!hwexit_name_known(name, len))
			return unknown_hw(name, len);
	return NULL;
}

/* Common to the two records and the action that name a page-table entry. */
static char *check_entry_at(const struct image *image, const struct record *record, u64 level)
{
	unsigned int levels = paging_levels(image->mode);
	u64 set = value_of(record, F_set), clear = value_of(record, F_clear);

	if (!levels)
		return xasprintf("there is no paging in %s: put it under %%if PAGED",
				 mode_name(image->mode));
	if (!level || level > levels)
		return xasprintf("%s has page-table levels 1 to %u, not %" PRIu64,
				 mode_name(image->mode), levels, level);
	if (!mappable(image->mode, value_of(record, F_va)))
		return xasprintf("va %#" PRIx64 " is not an address paging of %s maps",
				 value_of(record, F_va), mode_name(image->mode));
	if (set & clear)
		return xasprintf("bits %#" PRIx64 " are both in set and clear", set & clear);
	if (levels == 2 && (set | clear | value_of(record, F_raw) | value_of(record, F_pa)) >> 32)
		return xstrdup("an entry of 32-bit paging has 32 bits");
	if (has(record, F_pkey) && !long_mode(image->mode))
		return xasprintf("there are no protection keys in %s: put it under %%if LONG",
				 mode_name(image->mode));
	if (has(record, F_raw) && (has(record, F_set) || has(record, F_clear) ||
				   has(record, F_pa) || has(record, F_pkey)))
		return xstrdup("raw is the whole entry: set, clear, pa and pkey exclude it");
	return NULL;
}

static char *check_entry(const struct image *image, const struct record *record)
{
	return check_entry_at(image, record, record->sub);
}

static char *check_descriptor(const struct image *image, const struct record *record)
{
	u64 selector = value_of(record, F_selector), ar = value_of(record, F_ar);
	unsigned int slots = selector & 4 ? LDT_SLOTS : GDT_SLOTS;	/* TI, SDM 3 3.4.2 */
	u64 limit = value_of(record, F_limit);

	(void)image;
	if (selector >> 3 >= slots)
		return xasprintf("selector %#" PRIx64 " is beyond the table's %u descriptors",
				 selector, slots);
	if (has(record, F_raw) && (has(record, F_base) || has(record, F_limit) ||
				   has(record, F_ar)))
		return xstrdup("raw is the whole descriptor: base, limit and ar exclude it");
	if (has(record, F_ar) && ar & 0x8000 && has(record, F_limit) && ~limit & 0xfff)
		return xasprintf("limit %#" PRIx64 " does not end in fffh, which ar's G bit needs",
				 limit);
	if (has(record, F_ar) && !(ar & 0x8000) && limit > 0xfffff)
		return xasprintf("limit %#" PRIx64 " needs the G bit (8000h) in ar", limit);
	return NULL;
}

static char *check_gate(const struct image *image, const struct record *record)
{
	u64 bits = image->mode == MODE_REAL16 ? 16 : 32;

	if (value_of(record, F_vector) > 0xff)
		return xasprintf("there is no vector %" PRIu64, value_of(record, F_vector));
	if (has(record, F_raw) && record->nfields > 2)
		return xstrdup("raw is the whole gate: offset, selector, ar and ist exclude it");
	if (image->mode == MODE_REAL16 && has(record, F_ar))
		return xstrdup("an IVT entry has no access rights: remove ar");
	if (has(record, F_ist) && !long_mode(image->mode))
		return xstrdup("only gates of long mode have an IST: put it under %if LONG");
	if (!long_mode(image->mode) && value_of(record, F_offset) >> bits)
		return xasprintf("offset %#" PRIx64 " has more than %" PRIu64 " bits",
				 value_of(record, F_offset), bits);
	return NULL;
}

static char *check_operand(const struct image *image, const struct record *record)
{
	u64 address = value_of(record, F_address);

	(void)image;
	if (address < OPERAND || address >= OPERAND + PAGE ||
	    record_field(record, F_bytes)->bytes > OPERAND + PAGE - address)
		return xasprintf("it is not inside the operand page at %#x", OPERAND);
	return NULL;
}

/* The prefix replaces the NOPs: whatever else stood there would be lost. */
static char *check_emulate(const struct image *image, const struct record *record)
{
	static const u8 gap[EMULATE_GAP] = { 0x90, 0x90, 0x90, 0x90, 0x90 };

	for (unsigned int i = 0; i < image->nsegments; i++) {
		const struct segment *segment = &image->segments[i];
		u64 at = record->addr - segment->addr;

		if (record->addr >= segment->addr && at >= EMULATE_GAP && at <= segment->filesz &&
		    !memcmp(segment->data + at - EMULATE_GAP, gap, EMULATE_GAP))
			return NULL;
	}
	return xasprintf("the %d bytes before %#" PRIx64 " are not NOPs: use the macro `emulate`",
			 EMULATE_GAP, record->addr);
}

static char *check_cpuid(const struct image *image, const struct record *record)
{
	(void)image;
	for (unsigned int i = 0; i < 4; i++)
		if (value_of(record, F_set_eax + i) & value_of(record, F_clear_eax + i))
			return xasprintf("bits are both in %s and %s", field_name(F_set_eax + i),
					 field_name(F_clear_eax + i));
	return NULL;
}

/* What the kernel would refuse; `action memslot, errno=` tests that it does. */
static char *check_memslot(const struct image *image, const struct record *record)
{
	(void)image;
	if (!value_of(record, F_size) || (value_of(record, F_size) | value_of(record, F_gpa) |
					  value_of(record, F_hva)) % PAGE)
		return xstrdup("gpa, size and hva must be whole pages, size at least one");
	return NULL;
}

static char *check_smp(const struct image *image, const struct record *record)
{
	u64 count = value_of(record, F_value);

	if (image->mode == MODE_VM86)
		return xstrdup("cases in virtual-8086 mode have one vCPU: put it under %if !REAL, "
			       "or remove vm86 from `modes`");
	return count >= 2 && count <= SMP_MAX ? NULL :
		xasprintf("%" PRIu64 " vCPUs are not 2 to %d", count, SMP_MAX);
}

static char *check_cpu(const struct image *image, const struct record *record)
{
	(void)image;
	return value_of(record, F_value) < SMP_MAX ? NULL :
		xasprintf("there is no vCPU %" PRIu64 ": they are 0 to %d",
			  value_of(record, F_value), SMP_MAX - 1);
}

static char *check_nothing(const struct image *image, const struct record *record)
{
	(void)image;
	(void)record;
	return NULL;
}

/* ---- steps ---------------------------------------------------------------- */

/* data or bytes against the number of bytes transferred. */
static char *check_transfer(const struct record *record, u64 bytes)
{
	const struct field *blob = record_field(record, F_bytes);

	if (blob && blob->bytes != bytes)
		return xasprintf("bytes has %u bytes, but %" PRIu64 " are transferred",
				 blob->bytes, bytes);
	if (!blob && bytes > 8)
		return xasprintf("%" PRIu64 " bytes are transferred: say them as bytes=, not data=",
				 bytes);
	if (!blob && bytes < 8 && value_of(record, F_data) >> (bytes * 8))
		return xasprintf("data=%#" PRIx64 " is wider than the %" PRIu64
				 " bytes transferred", value_of(record, F_data), bytes);
	return NULL;
}

static char *check_io(const struct record *record)
{
	u64 size = value_of(record, F_size), count = record_value(record, F_count, 1);

	if (size != 1 && size != 2 && size != 4)
		return xasprintf("size=%" PRIu64 ": ports are 1, 2 or 4 bytes wide", size);
	if (!count || count > PAGE)
		return xasprintf("count=%" PRIu64 " is not 1 to %d", count, PAGE);
	return check_transfer(record, size * count);
}

static char *check_mmio(const struct record *record)
{
	u64 size = value_of(record, F_size);

	if (!size || size > PAGE)
		return xasprintf("size=%" PRIu64 " is not 1 to %d", size, PAGE);
	return check_transfer(record, size);
}

static char *check_vector(const struct record *record)
{
	u64 vector = value_of(record, F_vector);

	return vector <= 0xff ? NULL : xasprintf("there is no vector %" PRIu64, vector);
}

static char *check_exception(const struct record *record)
{
	if (has(record, F_resume) && value_of(record, F_iret))
		return xstrdup("resume and iret exclude each other");
	return check_vector(record);
}

static char *check_expect(const struct image *image, const struct record *record)
{
	char *reason = check_state(image, record);

	if (reason)
		return reason;
	switch (record->sub) {
	case STEP_IO_IN:
	case STEP_IO_OUT:
		return check_io(record);
	case STEP_MMIO_READ:
	case STEP_MMIO_WRITE:
		return check_mmio(record);
	case STEP_EXCEPTION:
		return check_exception(record);
	case STEP_IOAPIC_EOI:
		return check_vector(record);
	default:
		return NULL;
	}
}

/* ---- actions -------------------------------------------------------------- */

static char *check_at_most(const struct record *record, u16 id, u64 most)
{
	u64 value = value_of(record, id);

	return value <= most ? NULL : xasprintf("%s=%" PRIu64 " is more than %" PRIu64,
						field_name(id), value, most);
}

static char *check_lapic(const struct record *record)
{
	u64 offset = value_of(record, F_offset);

	if (offset >= LAPIC_REGISTERS || offset % 16)
		return xasprintf("there is no local APIC register at offset %#" PRIx64, offset);
	return check_at_most(record, F_value, 0xffffffff);
}

static char *check_act_memslot(const struct record *record)
{
	if (value_of(record, F_size) && (!has(record, F_gpa) || !has(record, F_hva)))
		return xstrdup("gpa or hva is missing (only size=0, which deletes, needs neither)");
	return NULL;
}

static char *check_ioeventfd(const struct record *record)
{
	u64 size = value_of(record, F_size);

	/* With errno, a wrong size may be what is tested. */
	if (has(record, F_errno) || !size || size == 1 || size == 2 || size == 4 || size == 8)
		return NULL;
	return xasprintf("size=%" PRIu64 " is not 0, 1, 2, 4 or 8", size);
}

static char *check_coalesced(const struct record *record)
{
	if (has(record, F_count))
		return value_of(record, F_count) || record->nfields > 1 ?
			xstrdup("count=0 stands alone: the ring is empty") : NULL;
	if (!has(record, F_address) || !has(record, F_size))
		return xstrdup("address or size is missing");
	if (!value_of(record, F_size) || value_of(record, F_size) > 8)
		return xstrdup("size is not 1 to 8");
	return check_transfer(record, value_of(record, F_size));
}

/* Bytes of a structure: data as wide as size, and a number. */
static char *check_member(const struct record *record)
{
	u64 size = value_of(record, F_size);

	if (!size || size > 8)
		return xasprintf("size=%" PRIu64 " is not 1 to 8", size);
	return has(record, F_data) ? check_transfer(record, size) : NULL;
}

static char *check_filter(const struct record *record)
{
	u64 count = record_value(record, F_count, 1);

	if (!count || count > FILTER_MAX || count > 0x100000000 - value_of(record, F_index))
		return xasprintf("count=%" PRIu64 " is not 1 to %d, or leaves the index space",
				 count, FILTER_MAX);
	return NULL;
}

static char *check_translate(const struct record *record)
{
	if (value_of(record, F_valid) != has(record, F_gpa))
		return xstrdup("valid=1 needs gpa, valid=0 has none");
	return NULL;
}

static char *check_action(const struct image *image, const struct record *record)
{
	char *reason;

	switch (record->sub) {
	case ACT_SET:
	case ACT_CHECK:
	case ACT_SYNC_SET:
		return check_state(image, record);
	case ACT_SET_LAPIC:
	case ACT_CHECK_LAPIC:
		return check_lapic(record);
	case ACT_INTERRUPT:
		return has(record, F_errno) ? NULL : check_vector(record);
	case ACT_IRQ_LINE:
		return check_at_most(record, F_level, 1);
	case ACT_REQUEST_WINDOW:
		return check_at_most(record, F_value, 1);
	case ACT_MEMSLOT:
		return check_act_memslot(record);
	case ACT_TRANSLATE:
		return check_translate(record);
	case ACT_IOEVENTFD:
		reason = check_ioeventfd(record);
		return reason ? reason : check_at_most(record, F_id, EVENTFDS - 1);
	case ACT_EVENTFD_IS:
	case ACT_IRQFD:
	case ACT_SIGNAL_IRQFD:
		return check_at_most(record, F_id, EVENTFDS - 1);
	case ACT_COALESCED_IS:
		return check_coalesced(record);
	case ACT_ENTRY:
		return check_entry_at(image, record, value_of(record, F_level));
	case ACT_KICK:
		return check_at_most(record, F_value, KICK_MAX_MS);
	case ACT_MSR_FILTER:
		return check_filter(record);
	case ACT_POKE:
	case ACT_PEEK:
		return check_member(record);
	default:
		return NULL;
	}
}

char *record_sense(const struct image *image, const struct record *record)
{
	static char *(*const checks[])(const struct image *, const struct record *) = {
		[REC_IMAGE] = check_nothing, [REC_CASE] = check_case,
		[REC_REF] = check_nothing, [REC_NEED] = check_need,
		[REC_IRQCHIP] = check_words, [REC_RING] = check_rings,
		[REC_USES] = check_words, [REC_GIVEN] = check_state,
		[REC_EXPECT] = check_expect, [REC_WRITES] = check_nothing,
		[REC_ANY] = check_nothing, [REC_ACTION] = check_action,
		[REC_ENTRY] = check_entry, [REC_ENTRY_IS] = check_entry,
		[REC_DESCRIPTOR] = check_descriptor, [REC_GATE] = check_gate,
		[REC_MEMORY] = check_nothing, [REC_OPERAND] = check_operand,
		[REC_EMULATE] = check_emulate, [REC_HW] = check_hw,
		[REC_CPUID] = check_cpuid, [REC_MSR] = check_nothing,
		[REC_MEMSLOT] = check_memslot, [REC_SMP] = check_smp,
		[REC_CPU] = check_cpu,
	};

	if (has(record, F_errno) && !value_of(record, F_errno))
		return xstrdup("errno=0 is no failure: remove it");
	return checks[record->kind](image, record);
}

/* ---- the case ------------------------------------------------------------- */

struct walk {			/* state of the walk over a case's records */
	const struct mg_case *tc;
	unsigned int cpu;	/* whose records these are */
	bool started[SMP_MAX];	/* a step of that vCPU was seen */
	bool expecting;		/* the last step is an expectation */
	bool ended;		/* which leaves nothing defined that could be judged */
	bool own_exit;		/* which comes by an OUT of the stage's own */
	bool hw;		/* and has its REC_HW */
	unsigned int expectations;
	const struct record *memslots[MEMSLOTS_MAX];
	unsigned int nmemslots;
};

static bool is_memslot(const struct record *record)
{
	return record->kind == REC_MEMSLOT ||
	       (record->kind == REC_ACTION && record->sub == ACT_MEMSLOT);
}

/* End of the memory at address, or 0 if there is none. */
static u64 memory_end(const struct walk *walk, u64 address)
{
	if (address < MMIO)
		return MMIO;
	if (address >= MMIO_END && address < STAGE_RAM)
		return STAGE_RAM;
	for (unsigned int i = 0; i < walk->nmemslots; i++) {
		u64 gpa = value_of(walk->memslots[i], F_gpa);
		u64 size = value_of(walk->memslots[i], F_size);

		if (address >= gpa && address - gpa < size && gpa + size > gpa)
			return gpa + size;
	}
	return 0;
}

static bool all_memory(const struct walk *walk, u64 at, u64 end)
{
	while (at < end) {
		at = memory_end(walk, at);
		if (!at)
			return false;
	}
	return true;
}

static char *check_memory(const struct walk *walk, const struct record *record)
{
	const struct field *blob = record_field(record, F_bytes);
	u64 address = value_of(record, F_address);
	u64 end = address + (blob ? blob->bytes : value_of(record, F_length));

	if (end <= address)
		return xstrdup("its length is zero, or reaches beyond the address space");
	if (all_memory(walk, address, end))
		return NULL;
	return xasprintf("%#" PRIx64 " to %#" PRIx64 " is not all guest memory: that is 0 to %#x, "
			 "%#x to %#x, and memslots of the case", address, end - 1, MMIO - 1,
			 MMIO_END, STAGE_RAM - 1);
}

static bool names_mmio(const struct record *record)
{
	const struct field *text = record_field(record, F_text);
	size_t at = 0, len;
	const char *name;

	while (hwexit_next_name((const char *)text->blob, text->bytes, &at, &name, &len))
		if (len == 4 && !memcmp(name, "mmio", 4))
			return true;
	return false;
}

static char *check_order(struct walk *walk, const struct record *record)
{
	bool own = record->kind == REC_GIVEN || record->kind == REC_MSR;

	switch (record->kind) {
	case REC_EXPECT:
		walk->expectations++;
		walk->started[walk->cpu] = walk->expecting = true;
		walk->ended = record->sub == STEP_SHUTDOWN || record->sub == STEP_FAIL_ENTRY;
		walk->own_exit = record->sub == STEP_CHECKPOINT || record->sub == STEP_EXCEPTION;
		walk->hw = false;
		return NULL;
	case REC_ACTION:
		walk->started[walk->cpu] = true;
		walk->expecting = false;
		return NULL;
	case REC_EMULATE:
		return NULL;
	case REC_CPU:
		walk->cpu = (unsigned int)value_of(record, F_value);
		walk->expecting = false;
		return NULL;
	case REC_HW:
		if (walk->expecting && walk->hw)
			return xstrdup("the expectation has one already");
		if (walk->expecting && walk->own_exit && names_mmio(record))
			return xstrdup("mmio before a checkpoint or an exception cannot be told "
				       "from the faults that fill memory in");
		walk->hw = true;
		/* fall through */
	case REC_WRITES:
	case REC_ANY:
	case REC_ENTRY_IS:
		if (walk->expecting && walk->ended && record->kind != REC_HW)
			return xstrdup("nothing is judged after a shutdown or a failed entry: "
				       "remove it");
		return walk->expecting ? NULL : xstrdup("it belongs to an `expect`, "
							"but none stands right before it");
	default:
		for (unsigned int i = 0; i < SMP_MAX; i++)
			if (walk->started[i] && (!own || i == walk->cpu))
				return xstrdup("it sets the stage: move it before the case's first "
					       "`expect` or `action`");
		return NULL;
	}
}

static bool only_once(u16 kind)
{
	return kind == REC_IRQCHIP || kind == REC_RING || kind == REC_OPERAND || kind == REC_SMP;
}

/* Registers that are neither set up nor judged unless the case says it uses them. */
static char *check_uses(const struct mg_case *tc, const struct record *record)
{
	for (u16 i = 0; i < record->nfields; i++) {
		u16 id = record->fields[i].id;
		unsigned int uses = id >= F_ymm0 && id <= F_ymm15 ? USES_AVX :
				    (id >= F_xmm0 && id <= F_xmm15) || id == F_mxcsr ? USES_SSE :
				    (id >= F_fcw && id <= F_st7) || id == F_xcr0 ? USES_FPU : 0;

		if (uses & ~tc->uses)
			return xasprintf("%s is not judged without `uses %s`", field_name(id),
					 uses == USES_AVX ? "avx" :
					 uses == USES_SSE ? "sse" : "fpu");
	}
	return NULL;
}

/* Who has HLT decides what comes of it (KVM API, KVM_EXIT_HLT). */
static char *check_halt(const struct mg_case *tc, const struct record *record)
{
	if (record->sub == STEP_HLT && tc->irqchips & ~IRQCHIP_USER)
		return xstrdup("HLT exits under irqchip user only: `expect halted` where the "
			       "irqchip is split or in the kernel");
	if (record->sub == STEP_HALTED && tc->irqchips & IRQCHIP_USER)
		return xstrdup("under irqchip user HLT exits: `expect hlt`, or "
			       "`irqchip split, kernel` alone");
	return NULL;
}

static char *check_in_case(struct walk *walk, const struct record *record)
{
	const struct mg_case *tc = walk->tc;
	char *reason = check_order(walk, record);

	if (reason)
		return reason;
	for (const struct record *r = tc->records; only_once(record->kind) && r < record; r++)
		if (r->kind == record->kind)
			return xasprintf("the case has one in line %u already", r->line);
	switch (record->kind) {
	case REC_MEMORY:
	case REC_WRITES:
	case REC_ANY:
		return check_memory(walk, record);
	case REC_ACTION:
		return record->sub == ACT_WRITE ? check_memory(walk, record) : NULL;
	case REC_EXPECT:
		reason = check_halt(tc, record);
		return reason ? reason : check_uses(tc, record);
	case REC_GIVEN:
		return check_uses(tc, record);
	default:
		return NULL;
	}
}

char *case_check(const struct mg_case *tc, const struct record **at)
{
	struct walk walk = { .tc = tc };
	char *reason;

	/* First, as memory may be named before the slot that provides it. */
	for (unsigned int i = 0; i < tc->nrecords; i++) {
		*at = &tc->records[i];
		if (is_memslot(*at) && walk.nmemslots == MEMSLOTS_MAX)
			return xasprintf("a case has at most %d memslots", MEMSLOTS_MAX);
		if (is_memslot(*at))
			walk.memslots[walk.nmemslots++] = *at;
	}
	for (unsigned int i = 0; i < tc->nrecords; i++) {
		*at = &tc->records[i];
		reason = check_in_case(&walk, *at);
		if (reason)
			return reason;
	}
	reason = smp_check(tc, at);
	if (reason)
		return reason;
	*at = NULL;
	return walk.expectations ? NULL : xstrdup("it expects nothing: add an `expect`");
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Builds the stage: a template per mode and privilege level, then the image, then
 * what the case asks for. The map is microguests/include/stage.def.
 */
#include <assert.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kvm_state.h"
#include "stage_build.h"

#define APIC_BASE_RESET 0xfee00900ull	/* enabled, BSP (SDM 3 10.4.4) */
#define APIC_BASE_BSP 0x100ull

#define FLAT 0xffffffffull

#define OPCODE_INT3 0xcc
#define OPCODE_OUT_IMM8 0xe6
#define OPCODE_IRET 0xcf
#define REX_W 0x48

static_assert(FEP_BYTES == EMULATE_GAP, "the prefix has room before the instruction");

struct template {
	u8 mem[STAGE_RAM];
	struct cpu_state state;
	unsigned int levels;
	u64 next_table;
};

static struct template *templates[MODE_COUNT][2];
static pthread_mutex_t templates_lock = PTHREAD_MUTEX_INITIALIZER;

static bool is_long(enum def_mode mode)
{
	return mode == MODE_COMPAT32 || mode == MODE_LONG64 || mode == MODE_LONG64_5L;
}

void stage_init(struct stage *stage)
{
	memset(stage, 0, sizeof(*stage));
	stage->mem = xcalloc(1, STAGE_RAM);
}

void stage_free(struct stage *stage)
{
	free(stage->mem);
	stage->mem = NULL;
}

bool stage_write(struct stage *stage, u64 addr, const void *bytes, u32 size)
{
	if (addr >= STAGE_RAM || size > STAGE_RAM - addr) {
		snprintf(stage->error, sizeof(stage->error),
			 "%u bytes at %#" PRIx64 " are outside guest memory (%#x bytes)", size,
			 addr, STAGE_RAM);
		return false;
	}
	memcpy(stage->mem + addr, bytes, size);
	stage->pages.touched |= pages_of(addr, size);
	return true;
}

/* ---- the template of a mode ---------------------------------------------- */

static void put64(struct stage *stage, u64 addr, u64 value)
{
	memcpy(stage->mem + addr, &value, sizeof(value));
	stage->pages.touched |= pages_of(addr, sizeof(value));
}

static void put_descriptor(struct stage *stage, u64 selector, u64 base, u64 limit, u64 ar)
{
	put64(stage, GDT + (selector & ~7ull), descriptor_encode(base, limit, ar));
}

/* Size bits of a code segment of that many bits. */
static u64 code_size(unsigned int bits)
{
	return bits == 64 ? AR_G | AR_L : bits == 32 ? AR_G | AR_DB : 0;
}

static u64 flat_limit(unsigned int bits)
{
	return bits == 16 ? 0xffff : FLAT;
}

static void put_code(struct stage *stage, u64 selector, unsigned int bits, u64 ar)
{
	put_descriptor(stage, selector, 0, flat_limit(bits), ar | code_size(bits));
}

static void make_gdt(struct stage *stage, enum def_mode mode)
{
	unsigned int bits = mode == MODE_VM86 ? 32 : mode_bits(mode);
	u64 data = bits == 16 ? 0 : AR_G | AR_DB;
	u64 limit = flat_limit(bits);

	put_code(stage, SEL_CODE, bits, AR_CODE);
	put_code(stage, SEL_UCODE, bits, AR_CODE | AR_DPL3);
	put_code(stage, SEL_CONFORMING, bits, AR_CODE_CONFORMING);
	put_code(stage, SEL_CODE16, 16, AR_CODE);
	put_code(stage, SEL_CODE32, 32, AR_CODE);
	put_code(stage, SEL_CODE64, 64, AR_CODE);
	put_code(stage, SEL_UCODE16, 16, AR_CODE | AR_DPL3);
	put_code(stage, SEL_UCODE32, 32, AR_CODE | AR_DPL3);
	put_code(stage, SEL_UCODE64, 64, AR_CODE | AR_DPL3);
	put_descriptor(stage, SEL_DATA, 0, limit, AR_DATA | data);
	put_descriptor(stage, SEL_UDATA, 0, limit, AR_DATA | AR_DPL3 | data);
	put_descriptor(stage, SEL_DATA16, 0, 0xffff, AR_DATA);
	put_descriptor(stage, SEL_NOTPRESENT, 0, limit, (AR_DATA & ~AR_P) | data);
	put_descriptor(stage, SEL_READONLY, 0, limit, AR_DATA_READONLY | data);
	put_descriptor(stage, SEL_EXPANDDOWN, 0, 0xfff, AR_DATA_EXPANDDOWN | AR_DB);
	put_descriptor(stage, SEL_TSS, TSS, TSS_LIMIT,
		       mode == MODE_REAL16 ? AR_TSS_AVAILABLE : AR_TSS_BUSY);
	put_descriptor(stage, SEL_LDT, LDT, LDT_SLOTS * 8 - 1, AR_LDT);
}

/* SDM 3 7.2.1 and 7.7: RSP0 and ESP0 are at the same offset, and so is the map's base. */
static void make_tss(struct stage *stage, enum def_mode mode)
{
	u8 *tss = stage->mem + TSS;
	u16 iomap = TSS_IOMAP, ss0 = SEL_DATA;
	u64 sp0 = KSTACK_TOP, ist1 = IST_STACK_TOP;

	memcpy(tss + TSS_SP0, &sp0, sizeof(sp0));
	if (is_long(mode))
		memcpy(tss + TSS_IST1, &ist1, sizeof(ist1));
	else
		memcpy(tss + TSS_SS0, &ss0, sizeof(ss0));
	memcpy(tss + TSS_IOMAP_BASE, &iomap, sizeof(iomap));
	memset(tss + TSS_IOMAP, 0xff, TSS_LIMIT + 1 - TSS_IOMAP);
	tss[TSS_IOMAP + CHECKPOINT_PORT / 8] &= (u8)~(1u << CHECKPOINT_PORT % 8);
}

/* An IDT gate's bytes, SDM 3 6.11 and 6.14.1; the upper half is long mode's only. */
static void put_gate(struct stage *stage, unsigned int vector, u64 offset, u64 selector, u64 ar,
		     u64 ist)
{
	bool wide = stage->state.efer & EFER_LMA;
	u64 at = IDT + vector * (wide ? 16 : 8);

	put64(stage, at, (offset & 0xffff) | (selector & 0xffff) << 16 | (ist & 7) << 32 |
			 (ar & 0xff) << 40 | (offset >> 16 & 0xffff) << 48);
	if (wide)
		put64(stage, at + 8, offset >> 32);
}

static void make_vectors(struct stage *stage, enum def_mode mode)
{
	u8 *service = stage->mem + SERVICE;
	u64 selector = is_long(mode) ? SEL_CODE64 : SEL_CODE;

	for (unsigned int vector = 0; vector < 256; vector++) {
		u32 stub = STUBS + vector * STUB_SIZE;
		u64 ar = mode == MODE_PROT16 ? AR_INT16 : AR_INT;

		stage->mem[stub] = OPCODE_OUT_IMM8;
		stage->mem[stub + 1] = STUB_PORT;
		memset(stage->mem + stub + 2, OPCODE_INT3, STUB_SIZE - 2);
		if (mode == MODE_REAL16 || mode == MODE_VM86)
			memcpy(stage->mem + IVT + vector * 4, &stub, sizeof(stub));
		if (mode == MODE_REAL16)
			continue;
		if (vector == 3 || vector == 4)
			ar |= AR_DPL3;
		put_gate(stage, vector, stub, selector, ar, 0);
	}
	service[SERVICE_IRET - SERVICE] = OPCODE_IRET;
	service[SERVICE_IRET64 - SERVICE] = REX_W;
	service[SERVICE_IRET64 - SERVICE + 1] = OPCODE_IRET;
}

static void make_registers(struct cpu_state *state, enum def_mode mode)
{
	static const u64 cr4[MODE_COUNT] = {
		[MODE_PAGED32] = CR4_PSE,   [MODE_PAE32] = CR4_PAE,
		[MODE_COMPAT32] = CR4_PAE,  [MODE_LONG64] = CR4_PAE,
		[MODE_LONG64_5L] = CR4_PAE | CR4_LA57,
	};

	for (unsigned int i = 0; i < 16; i++) {
		state->gpr[i] = i == 15 ? 0x123456789abcdef0ull : 0x1111111111111111ull * (i + 1);
		if (mode_bits(mode) != 64)
			state->gpr[i] = i < 8 ? (u32)state->gpr[i] : 0;
	}
	state->gpr[RSP] = STACK_TOP;
	state->rflags = RFLAGS_FIXED | (mode == MODE_VM86 ? RFLAGS_VM : 0);
	state->cr0 = CR0_ET | (mode == MODE_REAL16 ? 0 : CR0_PE | CR0_NE);
	if (mode >= MODE_PAGED32 && mode <= MODE_LONG64_5L)
		state->cr0 |= CR0_PG | CR0_WP;
	state->cr4 = cr4[mode];
	state->efer = is_long(mode) ? EFER_LME | EFER_LMA | EFER_NXE :
		      mode == MODE_PAE32 ? EFER_NXE : 0;
	state->apic_base = APIC_BASE_RESET;
	state->dr6 = 0xffff0ff0;
	state->dr7 = 0x400;
	state->gdt_base = GDT;
	state->gdt_limit = GDT_SLOTS * 8 - 1;
	state->idt_base = mode == MODE_REAL16 ? IVT : IDT;
	state->idt_limit = mode == MODE_REAL16 ? 0x3ff : is_long(mode) ? 0xfff : 0x7ff;
	state->xcr0 = XSTATE_X87;
	state->fpu.fcw = FCW_INIT;
	state->fpu.mxcsr = MXCSR_INIT;
}

static void make_segments(struct stage *stage, enum def_mode mode, unsigned int ring)
{
	static const enum seg_index data[] = { SEG_DS, SEG_ES, SEG_FS, SEG_GS, SEG_SS };
	struct cpu_state *state = &stage->state;
	bool flat = mode == MODE_REAL16 || mode == MODE_VM86;

	for (unsigned int i = 0; i < SEG_COUNT; i++)
		state->seg[i] = (struct seg_state){ .limit = 0xffff, .ar = AR_DATA };
	/* In real mode CS too is a writable data segment, as after reset (SDM 3 table 9-1). */
	if (mode != MODE_REAL16)
		state->seg[SEG_CS].ar = AR_CODE;
	state->seg[SEG_TR].ar = AR_TSS_BUSY;
	state->seg[SEG_LDTR].ar = AR_LDT;
	for (unsigned int i = 0; i < ARRAY_SIZE(data); i++)
		stage_load_segment(stage, &state->seg[data[i]],
				   flat ? 0 : ring ? SEL_UDATA : SEL_DATA);
	stage_load_segment(stage, &state->seg[SEG_CS], flat ? 0 : ring ? SEL_UCODE : SEL_CODE);
	if (mode == MODE_REAL16)
		return;
	state->rflags &= ~RFLAGS_VM;	/* TR and LDTR are loaded from the GDT in vm86 too */
	stage_load_segment(stage, &state->seg[SEG_TR], SEL_TSS);
	stage_load_segment(stage, &state->seg[SEG_LDTR], SEL_LDT);
	if (mode == MODE_VM86)
		state->rflags |= RFLAGS_VM;
}

static void template_fill(struct template *t, enum def_mode mode, unsigned int ring)
{
	static const u8 levels[MODE_COUNT] = {
		[MODE_PAGED32] = 2, [MODE_PAE32] = 3,	  [MODE_COMPAT32] = 4,
		[MODE_LONG64] = 4,  [MODE_LONG64_5L] = 5,
	};
	struct stage stage = { .mem = t->mem, .levels = levels[mode] };

	for (u64 page = PAGES; page < PAGES_END; page += PAGE_BYTES)
		memset(t->mem + page, (int)(0xa0 + (page - PAGES) / PAGE_BYTES), PAGE_BYTES);
	memset(t->mem + TEXT, OPCODE_INT3, DATA - TEXT);
	make_registers(&stage.state, mode);
	make_gdt(&stage, mode);
	make_tss(&stage, mode);
	make_vectors(&stage, mode);
	make_segments(&stage, mode, ring);
	if (stage.levels)
		stage_make_tables(&stage, ring);
	t->state = stage.state;
	t->levels = stage.levels;
	t->next_table = stage.next_table;
}

static const struct template *template_of(enum def_mode mode, unsigned int ring)
{
	struct template **slot = &templates[mode][ring ? 1 : 0];

	pthread_mutex_lock(&templates_lock);
	if (!*slot) {
		*slot = xcalloc(1, sizeof(**slot));
		template_fill(*slot, mode, ring);
	}
	pthread_mutex_unlock(&templates_lock);
	return *slot;
}

/* ---- what the case asks for ---------------------------------------------- */

static const u16 selector_fields[SEG_COUNT] = {
	F_cs, F_ds, F_es, F_fs, F_gs, F_ss, F_tr, F_ldtr,
};

static bool apply_selectors(struct stage *stage, const struct record *record)
{
	for (unsigned int i = 0; i < SEG_COUNT; i++) {
		const struct field *field = record_field(record, selector_fields[i]);
		bool hidden = field && record_field(record, (u16)(field->id + 1)) &&
			      record_field(record, (u16)(field->id + 2)) &&
			      record_field(record, (u16)(field->id + 3));

		if (!field)
			continue;
		if (hidden)
			stage->state.seg[i].selector = field->value;
		else if (!stage_load_segment(stage, &stage->state.seg[i], field->value))
			return false;
	}
	return true;
}

static void apply_fpu(struct cpu_state *state, const struct field *field)
{
	u32 bytes;
	u8 *at = state_fpu_bytes(state, field->id, &bytes);

	if (at)
		memcpy(at, field->bytes ? field->blob : (const u8 *)&field->value, bytes);
}

bool stage_apply(struct stage *stage, const struct record *record)
{
	struct cpu_state *state = &stage->state;

	/* The mode decides what a selector means, so it comes first. */
	for (unsigned int i = 0; i < record->nfields; i++) {
		const struct field *field = &record->fields[i];
		u64 *reg = state_reg(state, field->id);

		if (reg && (field->id < F_cs))
			*reg = field->value;
	}
	if (!apply_selectors(stage, record))
		return false;
	for (unsigned int i = 0; i < record->nfields; i++) {
		const struct field *field = &record->fields[i];
		u64 *reg = state_reg(state, field->id);

		if (reg && field->id >= F_cs && (field->id - F_cs) % 4)
			*reg = field->value;
		else if (!reg)
			apply_fpu(state, field);
	}
	if (record_field(record, F_status))
		state->rflags = (state->rflags & ~RFLAGS_STATUS) |
				(record_value(record, F_status, 0) & RFLAGS_STATUS);
	state->rflags |= record_value(record, F_set, 0);
	state->rflags &= ~record_value(record, F_clear, 0);
	return true;
}

static bool put_case_descriptor(struct stage *stage, const struct record *record)
{
	u64 selector = record_value(record, F_selector, 0);
	u64 table = selector & 4 ? LDT : GDT;
	u64 slots = selector & 4 ? LDT_SLOTS : GDT_SLOTS;
	u64 base = record_value(record, F_base, 0), ar = record_value(record, F_ar, 0);
	bool wide = stage->state.efer & EFER_LMA && !(ar & 0x10) && !record_field(record, F_raw);

	if ((selector >> 3) + wide >= slots) {
		snprintf(stage->error, sizeof(stage->error),
			 "descriptor %#" PRIx64 " is beyond the table's %" PRIu64 " slots",
			 selector, slots);
		return false;
	}
	put64(stage, table + (selector & ~7ull),
	      record_value(record, F_raw,
			   descriptor_encode(base, record_value(record, F_limit, 0), ar)));
	if (wide)
		put64(stage, table + (selector & ~7ull) + 8, base >> 32);
	return true;
}

static bool put_case_gate(struct stage *stage, const struct record *record)
{
	u64 vector = record_value(record, F_vector, 0) & 0xff;
	bool wide = stage->state.efer & EFER_LMA;
	u64 at = IDT + vector * (wide ? 16 : 8), low, high = 0;

	if (stage->instance->tc->image->mode == MODE_REAL16) {
		u32 entry;

		memcpy(&entry, stage->mem + IVT + vector * 4, sizeof(entry));
		entry = (u32)record_value(record, F_selector, entry >> 16) << 16 |
			(record_value(record, F_offset, entry) & 0xffff);
		entry = (u32)record_value(record, F_raw, entry);
		return stage_write(stage, IVT + vector * 4, &entry, sizeof(entry));
	}
	memcpy(&low, stage->mem + at, sizeof(low));
	if (wide)
		memcpy(&high, stage->mem + at + 8, sizeof(high));
	put_gate(stage, (unsigned int)vector,
		 record_value(record, F_offset,
			      (low & 0xffff) | (low >> 48) << 16 | high << 32),
		 record_value(record, F_selector, low >> 16 & 0xffff),
		 record_value(record, F_ar, low >> 40 & 0xff),
		 record_value(record, F_ist, low >> 32 & 7));
	if (record_field(record, F_raw))
		put64(stage, at, record_value(record, F_raw, 0));
	return true;
}

static bool put_memory(struct stage *stage, const struct record *record)
{
	const struct field *bytes = record_field(record, F_bytes);

	return stage_write(stage, record_value(record, F_address, 0), bytes->blob, bytes->bytes);
}

static bool put_tables(struct stage *stage, const struct record *record)
{
	switch (record->kind) {
	case REC_MEMORY:
	case REC_OPERAND:
		return put_memory(stage, record);
	case REC_DESCRIPTOR:
		return put_case_descriptor(stage, record);
	case REC_GATE:
		return put_case_gate(stage, record);
	case REC_ENTRY:
		return stage_edit_entry(stage, record, record->sub, true);
	case REC_EMULATE:
		if (stage->instance->path == PATH_FEP)
			return stage_write(stage, record->addr - FEP_BYTES, FEP_PREFIX, FEP_BYTES);
		return true;
	default:
		return true;
	}
}

static void put_image(struct stage *stage, const struct image *image)
{
	for (unsigned int i = 0; i < image->nsegments; i++) {
		const struct segment *seg = &image->segments[i];

		memcpy(stage->mem + seg->addr, seg->data, seg->filesz);
		memset(stage->mem + seg->addr + seg->filesz, 0, seg->size - seg->filesz);
		stage->pages.touched |= pages_of(seg->addr, seg->size);
	}
}

/* Register files are off unless the case says it uses them, so none leaks. */
static void apply_uses(struct cpu_state *state, unsigned int uses)
{
	if (!(uses & USES_FPU))
		state->cr0 |= CR0_EM;
	if (uses & USES_SSE)
		state->cr4 |= CR4_OSFXSR | CR4_OSXMMEXCPT;
	if (uses & USES_AVX) {
		state->cr4 |= CR4_OSXSAVE;
		state->xcr0 = XSTATE_X87 | XSTATE_SSE | XSTATE_AVX;
	}
}

/* What sets the vCPUs of a case apart: their stacks, and that one is the BSP (SDM 3 8.4.1). */
static void apply_cpu(struct cpu_state *state, unsigned int cpu)
{
	static const u64 stacks[SMP_MAX] = { STACK_TOP, STACK_TOP_1, STACK_TOP_2, STACK_TOP_3 };

	if (!cpu)
		return;
	state->gpr[RSP] = stacks[cpu];
	state->apic_base &= ~APIC_BASE_BSP;
}

bool stage_build(struct stage *stage, const struct instance *instance)
{
	const struct mg_case *tc = instance->tc;
	const struct template *t = template_of(tc->image->mode, instance->ring);
	const struct stage_pages blank = { .base = t };

	stage->instance = instance;
	stage->levels = t->levels;
	stage->next_table = t->next_table;
	stage->state = t->state;
	stage->state.rip = tc->entry;
	pages_copy(stage->mem, t->mem, pages_that_differ(&stage->pages, &blank));
	stage->pages = blank;
	put_image(stage, tc->image);
	apply_uses(&stage->state, tc->uses);
	apply_cpu(&stage->state, instance->cpu);
	for (unsigned int i = 0; i < tc->nrecords; i++)
		if (!put_tables(stage, &tc->records[i]))
			return false;
	for (unsigned int i = 0; i < tc->nrecords; i++)
		if (tc->records[i].kind == REC_GIVEN && !stage_apply(stage, &tc->records[i]))
			return false;
	return true;
}

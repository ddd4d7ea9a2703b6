// SPDX-License-Identifier: GPL-2.0-only
/*
 * The memory that guests begin with: descriptor tables, TSS, page tables, handlers. All of
 * it within IMAGE_BYTES, mapped one to one; pages after it have faults of their own.
 */
#include <string.h>

#include "fuzz.h"

#define HANDLER_REAL 0x500u
#define GDT_AT 0x1000u
#define IDT32_AT 0x2000u
#define IDT64_AT 0x3000u
#define HANDLER_AT 0x4000u
#define TSS_AT 0x5000u
#define LDT_AT 0x6000u
#define STACK3_TOP 0x8ff0u
#define PML4_AT 0xc000u
#define PDPT_AT 0xd000u
#define PD_AT 0xe000u
#define PT_AT 0xf000u		/* of long mode and of PAE */
#define PAE_AT 0x10000u
#define PD32_AT 0x12000u
#define PT32_AT 0x13000u
#define PD_PAE_AT 0x14000u

enum { CODE32 = 0x08, DATA32 = 0x10, CODE64 = 0x18, CODE16 = 0x20, DATA16 = 0x28, TSS = 0x30,
       LDT = 0x40, USER_CODE = 0x50, USER_DATA = 0x58, USER_CODE64 = 0x60, GATE = 0x68,
       CONFORMING = 0x78 };

uint8_t image[IMAGE_BYTES];

static void put(uint32_t at, uint64_t value, size_t size)
{
	memcpy(image + at, &value, size);
}

/* A descriptor of 8 bytes: access rights as its bytes 5 and 6 have them (SDM 3 3.4.5). */
static void put_segment(uint32_t at, uint32_t base, uint32_t limit, unsigned int rights)
{
	put(at, (limit & 0xffff) | (uint64_t)(base & 0xffffff) << 16 |
		(uint64_t)(rights & 0xff) << 40 | (uint64_t)(limit >> 16 & 15) << 48 |
		(uint64_t)(rights >> 8) << 52 | (uint64_t)(base >> 24) << 56, 8);
}

static void make_gdt(void)
{
	put_segment(GDT_AT + CODE32, 0, 0xfffff, 0xc9b);
	put_segment(GDT_AT + DATA32, 0, 0xfffff, 0xc93);
	put_segment(GDT_AT + CODE64, 0, 0xfffff, 0xa9b);
	put_segment(GDT_AT + CODE16, 0, 0xffff, 0x09b);
	put_segment(GDT_AT + DATA16, 0, 0xffff, 0x093);
	put_segment(GDT_AT + TSS, TSS_AT, 0x2ff, 0x089);
	put_segment(GDT_AT + LDT, LDT_AT, 0xfff, 0x082);
	put_segment(GDT_AT + USER_CODE, 0, 0xfffff, 0xcfb);
	put_segment(GDT_AT + USER_DATA, 0, 0xfffff, 0xcf3);
	put_segment(GDT_AT + USER_CODE64, 0, 0xfffff, 0xafb);
	/* A call gate for all, to code of 32 bits; in long mode its upper half is there too. */
	put(GDT_AT + GATE, HANDLER_AT | (uint64_t)CODE32 << 16 | 0xec00ull << 32, 8);
	put_segment(GDT_AT + CONFORMING, 0, 0xfffff, 0xc9f);
	memcpy(image + LDT_AT, image + GDT_AT, 0x80);
}

/* Interrupt and trap gates in turn; every fourth can be called by all. */
static void make_idts(void)
{
	for (uint32_t i = 0; i < 256; i++) {
		uint64_t handler = HANDLER_AT + 16 * (i & 15);
		uint64_t type = 0x8e00 | (i & 1) << 8 | (i % 4 == 3 ? 0x6000 : 0);

		put(4 * i, HANDLER_REAL, 4);
		put(IDT32_AT + 8 * i, handler | (uint64_t)CODE32 << 16 | type << 32, 8);
		put(IDT64_AT + 16 * i, handler | (uint64_t)CODE64 << 16 | (type | i % 3) << 32, 8);
	}
	memset(image + HANDLER_REAL, 0xf4, 16);
	/* #BP and #OF return, as do a few others; the rest ends the guest. */
	for (uint32_t i = 0; i < 16; i++)
		memcpy(image + HANDLER_AT + 16 * i, i == 3 || i == 4 ? "\xcf\xf4" : "\xf4\xcf", 2);
}

/* The same words serve a TSS of either format: inner stacks, and all ports of the lower half. */
static void make_tss(void)
{
	for (uint32_t at = 4; at < 0x64; at += 8)
		put(TSS_AT + at, STACK_TOP - 0x400, 8);
	put(TSS_AT + 8, DATA32, 2);
	put(TSS_AT + 0x66, 0x68, 2);
	put(TSS_AT + 0x168, ~0ull, 8);
}

#define P 1u
#define W 2u
#define U 4u
#define LARGE 0x80u

/* Pages that are not like others, from page 0x20 on: what their entries lack or have. */
static const uint64_t odd_pages[] = {
	0, P | W, P | U, P, P | W | U | 1ull << 63, P | W | U | 1ull << 51, P | W | U | 0x18,
	P | W | U | 0xfee00000, P | W | U | 0xffffffff000,
};

static void make_tables(void)
{
	put(PML4_AT, PDPT_AT | P | W | U, 8);
	put(PML4_AT + 8 * 511, PDPT_AT | P | W | U, 8);
	put(PDPT_AT, PD_AT | P | W | U, 8);
	put(PAE_AT, PD_PAE_AT | P, 8);
	put(PD_AT, PT_AT | P | W | U, 8);
	put(PD_PAE_AT, PT_AT | P | W | U, 8);
	put(PD_AT + 8, 0x200000 | P | W | U | LARGE, 8);
	put(PD_PAE_AT + 8, 0x200000 | P | W | U | LARGE, 8);
	put(PD32_AT, PT32_AT | P | W | U, 4);
	put(PD32_AT + 4, 0x400000 | P | W | U | LARGE, 4);
	for (uint32_t i = 0; i < 512; i++) {
		bool odd = i >= 0x20 && i - 0x20 < COUNT(odd_pages);
		uint64_t entry = odd ? odd_pages[i - 0x20] : P | W | U;

		if (!(entry & ~0xfffull & ~(1ull << 63)))
			entry |= i * PAGE;
		put(PT_AT + 8 * i, entry, 8);
		put(PT32_AT + 4 * i, entry, 4);
	}
}

void image_make(void)
{
	make_idts();
	make_gdt();
	make_tss();
	make_tables();
	memset(image + DATA_AT, 0x5a, 256);
	/* Pointers to memory, for what finds its operand there. */
	for (uint32_t i = 0; i < 16; i++)
		put(DATA_AT + 256 + 8 * i, i & 1 ? MMIO_AT + i : (uint64_t)GDT_AT << 16 | 0x7f, 8);
}

/* ---- registers -------------------------------------------------------------------------- */

static struct kvm_segment segment(uint16_t selector, uint32_t limit, unsigned int rights)
{
	return (struct kvm_segment){
		.selector = selector, .limit = limit, .type = rights & 15, .s = rights >> 4 & 1,
		.dpl = rights >> 5 & 3, .present = rights >> 7 & 1, .l = rights >> 9 & 1,
		.db = rights >> 10 & 1, .g = rights >> 11 & 1,
	};
}

static const struct {
	uint8_t bits;
	uint16_t code, data;		/* selectors, at ring 0 */
	unsigned int code_rights, data_rights;
	uint64_t cr0, cr3, cr4, efer;
} modes[MODES] = {
	[MODE_REAL] = { 16, 0, 0, 0x09b, 0x093, 0x10, 0, 0, 0 },
	[MODE_PROT16] = { 16, CODE16, DATA16, 0x09b, 0x093, 0x11, 0, 0, 0 },
	[MODE_PROT32] = { 32, CODE32, DATA32, 0xc9b, 0xc93, 0x11, 0, 0, 0 },
	[MODE_PAGED] = { 32, CODE32, DATA32, 0xc9b, 0xc93, 0x80010011, PD32_AT, 0x10, 0 },
	[MODE_PAE] = { 32, CODE32, DATA32, 0xc9b, 0xc93, 0x80010011, PAE_AT, 0x20, 0x800 },
	[MODE_COMPAT] = { 32, CODE32, DATA32, 0xc9b, 0xc93, 0x80010011, PML4_AT, 0x20, 0xd01 },
	[MODE_LONG] = { 64, CODE64, DATA32, 0xa9b, 0xc93, 0x80010011, PML4_AT, 0x20, 0xd01 },
	[MODE_VM86] = { 16, 0, 0, 0x0fb, 0x0f3, 0x80010011, PD32_AT, 0x10, 0 },
};

unsigned int image_bits(enum mode mode)
{
	return modes[mode].bits;
}

static void set_segments(struct kvm_sregs *sregs, enum mode mode, unsigned int ring)
{
	bool paged = modes[mode].cr0 >> 31;
	unsigned int code = modes[mode].code_rights, data = modes[mode].data_rights;
	uint16_t cs = modes[mode].code, ss = modes[mode].data;
	uint32_t limit = code & 0x800 ? 0xffffffff : 0xffff;

	if (ring == 3 && paged && mode != MODE_VM86) {
		cs = mode == MODE_LONG ? USER_CODE64 | 3 : USER_CODE | 3;
		ss = USER_DATA | 3;
		code |= 0x60;
		data |= 0x60;
	}
	if (mode == MODE_VM86)
		code = data = 0xf3;
	sregs->cs = segment(cs, limit, code);
	sregs->ds = sregs->es = sregs->fs = sregs->gs = sregs->ss = segment(ss, limit, data);
	sregs->ldt = segment(LDT, 0xfff, 0x82);
	sregs->ldt.base = LDT_AT;
	sregs->tr = segment(TSS, 0x2ff, tcg ? 0x89 : 0x8b);
	sregs->tr.base = TSS_AT;
}

void image_sregs(struct kvm_sregs *sregs, enum mode mode, unsigned int idt, unsigned int ring)
{
	bool wide = modes[mode].efer & 0x400;

	memset(sregs, 0, sizeof(*sregs));
	set_segments(sregs, mode, ring);
	sregs->gdt.base = GDT_AT;
	sregs->gdt.limit = 0xff;
	sregs->idt.base = mode == MODE_REAL ? 0 : wide ? IDT64_AT : IDT32_AT;
	sregs->idt.limit = mode == MODE_REAL ? 0x3ff : wide ? 0xfff : 0x7ff;
	if (idt == 1)
		sregs->idt.limit = 0;
	else if (idt == 2)
		sregs->idt.base = wide ? 1ull << 62 : MMIO_AT;
	else if (idt == 3)
		sregs->idt.base = CODE_AT + 3;
	sregs->cr0 = modes[mode].cr0;
	sregs->cr3 = modes[mode].cr3;
	/* SSE and XSAVE, so that there is more to execute. */
	sregs->cr4 = modes[mode].cr4 | 0x600;
	sregs->efer = modes[mode].efer;
	sregs->apic_base = 0xfee00900;
}

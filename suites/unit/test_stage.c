// SPDX-License-Identifier: GPL-2.0-only
/*
 * The stage: what is in memory and registers before the first instruction, by mode.
 * Descriptors, gates and entries are compared with bytes worked out by hand from the
 * manual, page tables by a walker that knows nothing of how they were made.
 */
#include <inttypes.h>

#include "fake_stage.h"
#include "kvm_state.h"
#include "tap.h"

#define ALL_ONES 0xffffffffull

static struct fake_case f;
static struct cpu_state *const state = &f.stage.state;

static void begin(enum def_mode mode, unsigned int ring)
{
	fake_close(&f);
	ok(fake_stage(&f, mode, ring), "%s, CPL %u:", mode_name(mode), f.instance.ring);
}

/* Builds the stage anew with these records. */
static bool with(const struct record *records, unsigned int count)
{
	fake_records(&f, records, count);
	return stage_build(&f.stage, &f.instance);
}

#define RECORDS(...) ((const struct record[]){ __VA_ARGS__ })
#define WITH(...) \
	with(RECORDS(__VA_ARGS__), sizeof(RECORDS(__VA_ARGS__)) / sizeof(struct record))

#define CANNOT(why, ...) do { \
	ok(!WITH(__VA_ARGS__), "it cannot be built:"); \
	ok_contains(f.stage.error, why, "%s", why); \
} while (0)

static bool all_bytes(u64 from, u64 to, u8 value)
{
	for (u64 at = from; at < to; at++)
		if (f.stage.mem[at] != value)
			return false;
	return true;
}

/* ---- the map, in every mode ------------------------------------------------------- */

static bool is_long(enum def_mode mode)
{
	return mode == MODE_COMPAT32 || mode == MODE_LONG64 || mode == MODE_LONG64_5L;
}

static void test_vectors(enum def_mode mode)
{
	bool stubs = true, table = true;

	for (u32 vector = 0; vector < 256; vector++) {
		u64 at = STUBS + vector * STUB_SIZE;

		stubs &= read_bytes(&f, at, 4) == 0xccccf1e6;	/* out 0f1h, al; int3; int3 */
		if (mode == MODE_REAL16 || mode == MODE_VM86)
			table &= read_bytes(&f, vector * 4, 4) == at;
	}
	ok(stubs, "each vector has a stub that exits");
	if (mode == MODE_REAL16 || mode == MODE_VM86)
		ok(table, "the interrupt vector table leads to them");
	else
		ok(all_bytes(0, GDT, 0), "the first page is zero");
	ok_equal(f.stage.mem[SERVICE_IRET], 0xcf, "SERVICE_IRET is IRET");
	ok_equal(read_bytes(&f, SERVICE_IRET64, 2), 0xcf48, "SERVICE_IRET64 is IRETQ");
}

static void test_map(enum def_mode mode)
{
	bool pages = true;

	ok(all_bytes(KSTACK, TEXT, 0), "stacks and SCRATCH are zero");
	ok(all_bytes(TEXT, DATA, 0xcc), "no code is INT3");
	ok(all_bytes(DATA, TABLES, 0), "data and OPERAND are zero");
	for (u64 i = 0; i < 8; i++)
		pages &= all_bytes(PAGES + i * 4096, PAGES + i * 4096 + 4096, (u8)(0xa0 + i));
	ok(pages, "each of PAGES has its pattern");
	if (!f.stage.levels)
		ok(all_bytes(TABLES, TABLES_END, 0), "without paging there are no tables");
	ok(all_bytes(FREE_TSS, KSTACK, 0), "FREE_TSS is zero");
	ok_equal(f.stage.levels, mode == MODE_PAGED32 ? 2 : mode == MODE_PAE32 ? 3 :
		 mode == MODE_LONG64_5L ? 5 : is_long(mode) ? 4 : 0, "levels of page tables");
}

/* SDM 3 figures 7-2 and 7-11. Ports below 0bb8h have a bit, and only one is clear. */
static void test_tss(enum def_mode mode)
{
	unsigned int open = 0;

	ok_equal(read_bytes(&f, TSS + 4, is_long(mode) ? 8 : 4), KSTACK_TOP, "ESP0, RSP0");
	if (is_long(mode))
		ok_equal(read64(&f, TSS + 0x24), IST_STACK_TOP, "IST1");
	else
		ok_equal(read_bytes(&f, TSS + 8, 2), SEL_DATA, "SS0");
	ok_equal(read_bytes(&f, TSS + 0x66, 2), 0x88, "the I/O bitmap is where it should be");
	for (u32 port = 0; port < (TSS_LIMIT + 1 - 0x88) * 8; port++)
		open += !(f.stage.mem[TSS + 0x88 + port / 8] >> port % 8 & 1);
	ok_equal(open, 1, "one port is open");
	ok(!(f.stage.mem[TSS + 0x88 + 0xf0 / 8] >> 0xf0 % 8 & 1), "the checkpoint's");
}

/* SDM 3 figure 3-8: limit 15:0, base 23:0, access rights, limit 19:16, flags, base 31:24. */
static const struct {
	u16 selector;
	u64 bits16, bits32, bits64;
} descriptors[] = {
	{ 0x00, 0, 0, 0 },
	{ SEL_CODE, 0x00009b000000ffff, 0x00cf9b000000ffff, 0x00af9b000000ffff },
	{ SEL_DATA, 0x000093000000ffff, 0x00cf93000000ffff, 0x00cf93000000ffff },
	{ SEL_UCODE, 0x0000fb000000ffff, 0x00cffb000000ffff, 0x00affb000000ffff },
	{ SEL_UDATA, 0x0000f3000000ffff, 0x00cff3000000ffff, 0x00cff3000000ffff },
	{ SEL_TSS, 0x00008b00130001ff, 0x00008b00130001ff, 0x00008b00130001ff },
	{ SEL_TSS + 8, 0, 0, 0 },
	{ SEL_LDT, 0x000082001200007f, 0x000082001200007f, 0x000082001200007f },
	{ SEL_LDT + 8, 0, 0, 0 },
	{ SEL_CODE16, 0x00009b000000ffff, 0x00009b000000ffff, 0x00009b000000ffff },
	{ SEL_CODE32, 0x00cf9b000000ffff, 0x00cf9b000000ffff, 0x00cf9b000000ffff },
	{ SEL_CODE64, 0x00af9b000000ffff, 0x00af9b000000ffff, 0x00af9b000000ffff },
	{ SEL_DATA16, 0x000093000000ffff, 0x000093000000ffff, 0x000093000000ffff },
	{ SEL_NOTPRESENT, 0x000013000000ffff, 0x00cf13000000ffff, 0x00cf13000000ffff },
	{ SEL_READONLY, 0x000091000000ffff, 0x00cf91000000ffff, 0x00cf91000000ffff },
	{ SEL_UCODE16, 0x0000fb000000ffff, 0x0000fb000000ffff, 0x0000fb000000ffff },
	{ SEL_UCODE32, 0x00cffb000000ffff, 0x00cffb000000ffff, 0x00cffb000000ffff },
	{ SEL_UCODE64, 0x00affb000000ffff, 0x00affb000000ffff, 0x00affb000000ffff },
	{ SEL_CONFORMING, 0x00009f000000ffff, 0x00cf9f000000ffff, 0x00af9f000000ffff },
	{ SEL_EXPANDDOWN, 0x0040970000000fff, 0x0040970000000fff, 0x0040970000000fff },
};

static void test_gdt(enum def_mode mode)
{
	unsigned int bits = mode == MODE_VM86 ? 32 : mode_bits(mode);

	for (unsigned int i = 0; i < ARRAY_SIZE(descriptors); i++) {
		u64 want = bits == 16 ? descriptors[i].bits16 :
			   bits == 32 ? descriptors[i].bits32 : descriptors[i].bits64;

		if (descriptors[i].selector == SEL_TSS && mode == MODE_REAL16)
			want &= ~(2ull << 40);	/* nothing has loaded it: not busy */
		ok_equal(read64(&f, GDT + (descriptors[i].selector & ~7u)), want,
			 "descriptor %#x", descriptors[i].selector);
	}
	ok(all_bytes(GDT + SEL_FREE, TSS, 0), "the rest is free, the LDT too");
	ok_equal(state->gdt_base, GDT, "GDTR says where");
	ok_equal(state->gdt_limit, 511, "and how much");
}

/* SDM 3 figures 6-2 and 6-8: offset 15:0, selector, IST, type, offset 31:16. */
static void test_idt(enum def_mode mode)
{
	unsigned int size = is_long(mode) ? 16 : 8;
	u64 selector = is_long(mode) ? 0x58 : 0x08, type = mode == MODE_PROT16 ? 6 : 14;
	bool good = true;

	ok_equal(state->idt_base, mode == MODE_REAL16 ? 0 : IDT, "IDTR says where");
	ok_equal(state->idt_limit, mode == MODE_REAL16 ? 1023 : size * 256 - 1, "and how much");
	if (mode == MODE_REAL16)
		return;
	for (u64 vector = 0; vector < 256; vector++) {
		u64 dpl = vector == 3 || vector == 4 ? 3 : 0;
		u64 want = (0x3000 + vector * 8) | selector << 16 |
			   (0x80 | dpl << 5 | type) << 40;

		good &= read64(&f, IDT + vector * size) == want;
		good &= size == 8 || !read64(&f, IDT + vector * size + 8);
	}
	ok(good, "every gate leads to its stub; INT3 and INTO are open to CPL 3");
}

static void ok_segment(enum seg_index i, u64 selector, u64 base, u64 limit, u64 ar)
{
	const struct seg_state *seg = &state->seg[i];

	ok(seg->selector == selector && seg->base == base && seg->limit == limit && seg->ar == ar,
	   "%s is %#" PRIx64 ", %#" PRIx64 ", %#" PRIx64 ", %#" PRIx64,
	   field_name((u16)(F_cs + 4 * i)), selector, base, limit, ar);
	if (seg->ar != ar || seg->limit != limit)
		note("it has limit %#" PRIx64 ", ar %#" PRIx64, seg->limit, seg->ar);
}

static void test_segments(enum def_mode mode, unsigned int ring)
{
	static const enum seg_index data[] = { SEG_DS, SEG_ES, SEG_FS, SEG_GS, SEG_SS };
	unsigned int bits = mode_bits(mode);
	u64 dpl = ring ? 0x60 : 0, size = bits == 64 ? 0xa000 : bits == 32 ? 0xc000 : 0;
	u64 limit = bits == 16 ? 0xffff : ALL_ONES;

	for (unsigned int i = 0; i < ARRAY_SIZE(data); i++) {
		if (mode == MODE_REAL16)
			ok_segment(data[i], 0, 0, 0xffff, 0x93);
		else if (mode == MODE_VM86)	/* SDM 3 26.3.1.2 */
			ok_segment(data[i], 0, 0, 0xffff, 0xf3);
		else
			ok_segment(data[i], ring ? SEL_UDATA : SEL_DATA, 0, limit,
				   0x93 | dpl | (bits == 16 ? 0 : 0xc000));
	}
	if (mode == MODE_REAL16)
		ok_segment(SEG_CS, 0, 0, 0xffff, 0x93);
	else if (mode == MODE_VM86)
		ok_segment(SEG_CS, 0, 0, 0xffff, 0xf3);
	else
		ok_segment(SEG_CS, ring ? SEL_UCODE : SEL_CODE, 0, limit, 0x9b | dpl | size);
	if (mode == MODE_REAL16)
		return;
	ok_segment(SEG_TR, SEL_TSS, TSS, TSS_LIMIT, 0x8b);
	ok_segment(SEG_LDTR, SEL_LDT, LDT, 127, 0x82);
}

static const struct {
	u64 cr0, cr4, efer, rflags;
} registers[MODE_COUNT] = {
	[MODE_REAL16] = { 0x10, 0, 0, 2 },
	[MODE_PROT16] = { 0x31, 0, 0, 2 },
	[MODE_PROT32] = { 0x31, 0, 0, 2 },
	[MODE_PAGED32] = { 0x80010031, 0x10, 0, 2 },
	[MODE_PAE32] = { 0x80010031, 0x20, 0x800, 2 },
	[MODE_COMPAT32] = { 0x80010031, 0x20, 0xd00, 2 },
	[MODE_LONG64] = { 0x80010031, 0x20, 0xd00, 2 },
	[MODE_LONG64_5L] = { 0x80010031, 0x1020, 0xd00, 2 },
	[MODE_VM86] = { 0x31, 0, 0, 0x20002 },
};

static void test_registers(enum def_mode mode)
{
	bool wide = mode_bits(mode) == 64, patterns = true;

	ok_equal(state->cr0, registers[mode].cr0 | 4, "CR0, with EM: no FPU is used");
	ok_equal(state->cr3, f.stage.levels ? TABLES : 0, "CR3");
	ok_equal(state->cr4, registers[mode].cr4, "CR4");
	ok_equal(state->efer, registers[mode].efer, "EFER");
	ok_equal(state->rflags, registers[mode].rflags, "RFLAGS");
	ok_equal(state->rip, TEXT, "RIP is the case's entry");
	for (u64 i = 0; i < 16; i++) {
		u64 want = i == 15 ? 0x123456789abcdef0 : (i + 1) * 0x1111111111111111;

		if (!wide)
			want = i < 8 ? (u32)want : 0;
		patterns &= state->gpr[i] == (i == RSP ? STACK_TOP : want);
	}
	ok(patterns, "general registers have their patterns");
	ok(state->dr6 == 0xffff0ff0 && state->dr7 == 0x400 && !state->dr[0],
	   "debug registers are as after reset");
	ok_equal(state->apic_base, 0xfee00900, "APIC_BASE too");
	ok(state->xcr0 == 1 && state->fpu.fcw == 0x37f && state->fpu.mxcsr == 0x1f80,
	   "and the FPU's");
}

/* ---- page tables, by a walker of its own (SDM 3 tables 4-4 to 4-20) --------------- */

struct walk {
	bool mapped, user, write, executable;
	bool accessed;		/* in all entries that have the bit */
	bool dirty;
	u64 pa, page;
};

static struct walk walk32(u64 va)
{
	u64 pde = read_bytes(&f, (state->cr3 & 0xfffff000) + (va >> 22) * 4, 4), pte;
	struct walk w = { .executable = true };

	if (!(pde & 1))
		return w;
	w = (struct walk){ true, pde & 4, pde & 2, true, pde & 0x20, pde & 0x40,
			   (pde & 0xffc00000) | (va & 0x3fffff), 0x400000 };
	if (pde & 0x80)
		return w;
	pte = read_bytes(&f, (pde & 0xfffff000) + (va >> 12 & 0x3ff) * 4, 4);
	return (struct walk){ pte & 1, pde & pte & 4, pde & pte & 2, true, pde & pte & 0x20,
			      pte & 0x40, (pte & 0xfffff000) | (va & 0xfff), 0x1000 };
}

static struct walk walk64(u64 va, unsigned int levels)
{
	u64 table = levels == 3 ? state->cr3 & 0xffffffe0 : state->cr3 & 0xffffffffff000;
	struct walk w = { true, true, true, true, true, true, 0, 0 };

	for (unsigned int level = levels; level; level--) {
		unsigned int shift = 12 + 9 * (level - 1);
		u64 index = level == 3 && levels == 3 ? va >> 30 & 3 : va >> shift & 511;
		u64 entry = read64(&f, table + index * 8);

		w.mapped &= entry & 1;
		if (!w.mapped)
			return w;
		if (level == 3 && levels == 3) {	/* a PDPTE has no such bits */
			if (entry & 0x1e6)
				w.mapped = false;
			table = entry & 0xffffffffff000;
			continue;
		}
		w.user &= entry >> 2 & 1;
		w.write &= entry >> 1 & 1;
		w.executable &= !(entry >> 63);
		w.accessed &= entry >> 5 & 1;
		table = entry & 0xffffffffff000;
		if (level == 1 || (entry & 0x80 && level <= 3)) {
			w.page = 1ull << shift;
			w.dirty = entry >> 6 & 1;
			w.pa = (table & ~(w.page - 1)) | (va & (w.page - 1));
			return w;
		}
	}
	return w;
}

static struct walk walk(u64 va)
{
	return f.stage.levels == 2 ? walk32(va) : walk64(va, f.stage.levels);
}

static void test_identity(unsigned int ring)
{
	u64 span = f.stage.levels == 2 ? 0x400000 : 0x200000;
	unsigned int wrong = 0, rights = 0, user = 0, fresh = 0;

	if (!f.stage.levels)
		return;
	for (u64 va = 0; va < span; va += 0x123) {
		struct walk w = walk(va);
		bool theirs = (va >= STACK && va < TABLES) || (va >= PAGES && va < PAGES_END);

		wrong += !w.mapped || w.pa != va || w.page != 0x1000;
		rights += !w.write || !w.executable;
		user += w.user != (ring == 3 && theirs);
		fresh += !w.accessed || !w.dirty;
	}
	ok_equal(wrong, 0, "memory is mapped one to one by small pages");
	ok_equal(rights, 0, "for reading, writing and executing");
	ok_equal(user, 0, "%s",
		 ring ? "the case's own part for CPL 3" : "for the supervisor alone");
	ok_equal(fresh, 0, "accessed and dirty in all entries");
	ok(!walk(span).mapped, "and no more is mapped");
}

static void test_mode(enum def_mode mode, unsigned int ring)
{
	begin(mode, ring);
	test_vectors(mode);
	test_map(mode);
	test_tss(mode);
	test_gdt(mode);
	test_idt(mode);
	test_segments(mode, f.instance.ring);
	test_registers(mode);
	test_identity(f.instance.ring);
}

/* ---- entries a case changes ------------------------------------------------------- */

#define ENTRY(level, ...) R(REC_ENTRY, level, __VA_ARGS__)

static void test_leaf_bits(enum def_mode mode)
{
	begin(mode, 3);
	ok(WITH(ENTRY(1, V(F_va, PAGES + 0x1000), V(F_clear, 0x1)),
		ENTRY(1, V(F_va, PAGES + 0x2000), V(F_clear, 0x2)),
		ENTRY(1, V(F_va, PAGES + 0x3000), V(F_clear, 0x64)),
		ENTRY(1, V(F_va, PAGES + 0x4000), V(F_pa, SCRATCH))), "leaves are changed");
	ok(!walk(PAGES + 0x1000).mapped, "not present");
	ok(walk(PAGES + 0x2000).mapped && !walk(PAGES + 0x2000).write, "not writable");
	ok(walk(PAGES + 0x2000).pa == PAGES + 0x2000, "and still there");
	ok(!walk(PAGES + 0x3000).user && !walk(PAGES + 0x3000).accessed &&
	   !walk(PAGES + 0x3000).dirty, "the supervisor's, not accessed, not dirty");
	ok_equal(walk(PAGES + 0x4567).pa, SCRATCH + 0x567, "elsewhere");
	ok(walk(PAGES + 0x5000).mapped && walk(PAGES + 0x5000).write && walk(PAGES + 0x5000).user &&
	   walk(PAGES).mapped, "others stay");
}

static void test_wide_bits(enum def_mode mode)
{
	begin(mode, 0);
	ok(WITH(ENTRY(1, V(F_va, PAGES), V(F_set, 1ull << 63)),
		ENTRY(1, V(F_va, PAGES + 0x1000), V(F_pkey, 11)),
		ENTRY(1, V(F_va, PAGES + 0x2000), V(F_raw, 0x8000000000007067))),
	   "upper bits of leaves");
	ok(!walk(PAGES).executable && walk(PAGES).pa == PAGES, "not executable");
	ok_equal(read64(&f, stage_entry(&f.stage, PAGES + 0x1000, 1, false)) >> 59 & 15, 11,
		 "protection key");
	ok_equal(walk(PAGES + 0x1000).pa, PAGES + 0x1000, "which is no part of the address");
	ok_equal(read64(&f, stage_entry(&f.stage, PAGES + 0x2000, 1, false)), 0x8000000000007067,
		 "a whole entry as given");
}

/* Each table on the way is there once asked for, and only it changes. */
static void test_missing_tables(enum def_mode mode, unsigned int ring, u64 va)
{
	begin(mode, ring);
	ok(WITH(ENTRY(1, V(F_va, va), V(F_pa, PAGES))), "a page where there was none");
	ok(walk(va).mapped && walk(va).pa == PAGES && walk(va).page == 0x1000, "is mapped");
	ok(walk(va).write && walk(va).user == (ring == 3) && walk(va).accessed && walk(va).dirty,
	   "with the flags of the level");
	ok(!walk(va + 0x1000).mapped, "its neighbour is not");
	test_identity(ring);
}

static void test_large_pages(void)
{
	begin(MODE_PAGED32, 0);
	ok(WITH(ENTRY(2, V(F_va, 0x800000), V(F_pa, 0), V(F_set, 0x80))), "a page of 4 MiB");
	ok(walk(0x812345).pa == 0x12345 && walk(0x812345).page == 0x400000, "is one");
	begin(MODE_PAE32, 3);
	ok(WITH(ENTRY(2, V(F_va, 0x40200000), V(F_pa, 0), V(F_set, 0x80))), "a page of 2 MiB");
	ok(walk(0x40212345).pa == 0x12345 && walk(0x40212345).page == 0x200000, "is one");
	ok(walk(0x40212345).user, "for CPL 3");
	begin(MODE_LONG64, 0);
	ok(WITH(ENTRY(3, V(F_va, 0x8040000000), V(F_pa, 0), V(F_set, 0x80))), "a page of 1 GiB");
	ok(walk(0x8040012345).pa == 0x12345 && walk(0x8040012345).page == 0x40000000, "is one");
	ok(WITH(ENTRY(2, V(F_va, 0x400000), V(F_set, 0x80)),
		ENTRY(1, V(F_va, 0x401000), V(F_pa, PAGES))), "a small page within a large one");
	ok(walk(0x401000).page == 0x1000 && walk(0x401000).pa == PAGES, "takes its place");
	begin(MODE_LONG64, 0);
	ok(WITH(ENTRY(2, V(F_va, 0x400000), V(F_set, 0x80))), "an entry with no address given");
	ok_equal(walk(0x412345).pa, 0x412345, "maps one to one");
}

static void test_upper_entries(void)
{
	begin(MODE_LONG64_5L, 0);
	for (unsigned int level = 2; level <= 5; level++) {
		ok(WITH(ENTRY((u16)level, V(F_va, PAGES), V(F_clear, 1))),
		   "an entry of level %u is cleared", level);
		ok(!walk(PAGES).mapped, "and nothing is mapped by it");
		ok(WITH(ENTRY((u16)level, V(F_va, PAGES), V(F_clear, 2))), "or made read-only");
		ok(walk(PAGES).mapped && !walk(PAGES).write, "and all below is");
	}
	begin(MODE_PAE32, 0);
	ok(WITH(ENTRY(3, V(F_va, 0x40000000), V(F_raw, 0x14001))), "a PDPTE");
	ok_equal(read64(&f, TABLES + 8), 0x14001, "is where CR3 points to");
}

static void test_impossible_entries(void)
{
	begin(MODE_PROT32, 0);
	CANNOT("this mode has no page-table entries of level 1",
	       ENTRY(1, V(F_va, PAGES), V(F_clear, 1)));
	begin(MODE_PAGED32, 0);
	CANNOT("this mode has no page-table entries of level 3",
	       ENTRY(3, V(F_va, PAGES), V(F_clear, 1)));
	CANNOT("more than the 32 bits of this mode",
	       ENTRY(1, V(F_va, PAGES), V(F_set, 1ull << 63)));
	begin(MODE_LONG64, 0);
	CANNOT("this mode has no page-table entries of level 5",
	       ENTRY(5, V(F_va, PAGES), V(F_clear, 1)));
	CANNOT("the page tables do not fit in 8 pages: map fewer regions",
	       ENTRY(1, V(F_va, 1ull << 39), V(F_pa, 0)),
	       ENTRY(1, V(F_va, 2ull << 39), V(F_pa, 0)));
	ok(WITH(ENTRY(1, V(F_va, 1ull << 39), V(F_pa, 0)),
		ENTRY(1, V(F_va, 1ull << 21), V(F_pa, 0))),
	   "three tables and one more do");
	CANNOT("is outside guest memory", ENTRY(2, V(F_va, PAGES), V(F_pa, STAGE_RAM)),
	       ENTRY(1, V(F_va, PAGES), V(F_clear, 1)));
	begin(MODE_LONG64, 0);
	ok(!stage_entry(&f.stage, 1ull << 39, 1, false), "no table is made unasked");
	ok_contains(f.stage.error, "no level 3 table maps 0x8000000000", "and which is missing");
}

/* ---- descriptors and gates a case asks for ---------------------------------------- */

static void test_descriptors(void)
{
	begin(MODE_PROT32, 0);
	ok(WITH(R(REC_DESCRIPTOR, 0, V(F_selector, SEL_FREE + 3), V(F_base, 0x12345678),
		  V(F_limit, 0xabcde), V(F_ar, 0x40f3)),
		R(REC_DESCRIPTOR, 0, V(F_selector, SEL_FREE + 8), V(F_base, 0xfedcba98),
		  V(F_limit, 0x12345fff), V(F_ar, 0xc09b)),
		R(REC_DESCRIPTOR, 0, V(F_selector, 0x0c), V(F_limit, 0xffff), V(F_ar, 0x93)),
		R(REC_DESCRIPTOR, 0, V(F_selector, SEL_FREE + 16), V(F_raw, 0x0123456789abcdef)),
		R(REC_DESCRIPTOR, 0, V(F_selector, SEL_FREE + 24), V(F_base, 0x100000000),
		  V(F_ar, 0x89))), "descriptors");
	ok_equal(read64(&f, GDT + SEL_FREE), 0x124af3345678bcde, "limit in bytes");
	ok_equal(read64(&f, GDT + SEL_FREE + 8), 0xfec19bdcba982345, "limit in pages");
	ok_equal(read64(&f, LDT + 8), 0x000093000000ffff, "in the LDT");
	ok_equal(read64(&f, GDT + SEL_FREE + 16), 0x0123456789abcdef, "whole");
	ok_equal(read64(&f, GDT + SEL_FREE + 32), 0, "eight bytes outside long mode");
	begin(MODE_LONG64, 0);
	ok(WITH(R(REC_DESCRIPTOR, 0, V(F_selector, SEL_FREE), V(F_base, 0xffff800012345678),
		  V(F_limit, 0x67), V(F_ar, 0x89)),
		R(REC_DESCRIPTOR, 0, V(F_selector, SEL_FREE + 16), V(F_base, 0xffff800000000000),
		  V(F_limit, 0xffff), V(F_ar, 0x93))), "descriptors of long mode");
	ok_equal(read64(&f, GDT + SEL_FREE), 0x1200893456780067, "a system one: lower half");
	ok_equal(read64(&f, GDT + SEL_FREE + 8), 0xffff8000, "upper half");
	ok_equal(read64(&f, GDT + SEL_FREE + 24), 0, "data has no upper half");
	CANNOT("descriptor 0x200 is beyond the table's 64 slots",
	       R(REC_DESCRIPTOR, 0, V(F_selector, 0x200), V(F_ar, 0x93)));
	CANNOT("descriptor 0x1f8 is beyond the table's 64 slots",
	       R(REC_DESCRIPTOR, 0, V(F_selector, 0x1f8), V(F_ar, 0x89)));
	CANNOT("descriptor 0x84 is beyond the table's 16 slots",
	       R(REC_DESCRIPTOR, 0, V(F_selector, 0x84), V(F_ar, 0x93)));
}

static void test_gates(void)
{
	begin(MODE_PROT32, 0);
	ok(WITH(R(REC_GATE, 0, V(F_vector, 6), V(F_offset, 0x12348765), V(F_selector, 0x50),
		  V(F_ar, 0xef)),
		R(REC_GATE, 0, V(F_vector, 7), V(F_ar, 0x85)),
		R(REC_GATE, 0, V(F_vector, 8), V(F_raw, 0x1122334455667788))), "gates");
	ok_equal(read64(&f, IDT + 6 * 8), 0x1234ef0000508765, "all of it");
	ok_equal(read64(&f, IDT + 7 * 8), 0x0000850000083038, "what is not said stays");
	ok_equal(read64(&f, IDT + 8 * 8), 0x1122334455667788, "whole");
	begin(MODE_LONG64, 0);
	ok(WITH(R(REC_GATE, 0, V(F_vector, 255), V(F_offset, 0xffff800012348765), V(F_ist, 5)),
		R(REC_GATE, 0, V(F_vector, 254), V(F_ist, 1))), "gates of long mode");
	ok_equal(read64(&f, IDT + 255 * 16), 0x12348e0500588765, "lower half, with IST");
	ok_equal(read64(&f, IDT + 255 * 16 + 8), 0xffff8000, "upper half");
	ok_equal(read64(&f, IDT + 254 * 16), 0x00008e01005837f0, "what is not said stays");
	begin(MODE_REAL16, 0);
	ok(WITH(R(REC_GATE, 0, V(F_vector, 0x21), V(F_selector, 0x800)),
		R(REC_GATE, 0, V(F_vector, 0x22), V(F_offset, 0x8123)),
		R(REC_GATE, 0, V(F_vector, 0x23), V(F_raw, 0xf0001234))), "vectors of real mode");
	ok_equal(read_bytes(&f, 0x84, 4), 0x08003108, "segment");
	ok_equal(read_bytes(&f, 0x88, 4), 0x00008123, "offset");
	ok_equal(read_bytes(&f, 0x8c, 4), 0xf0001234, "whole");
}

/* ---- registers a case gives ------------------------------------------------------- */

static void test_selectors(void)
{
	begin(MODE_PROT32, 0);
	ok(WITH(R(REC_DESCRIPTOR, 0, V(F_selector, SEL_FREE), V(F_base, 0x12345678),
		  V(F_limit, 0xabcdefff), V(F_ar, 0xc092)),
		R(REC_DESCRIPTOR, 0, V(F_selector, 0x0f), V(F_base, 0x100), V(F_limit, 0x20),
		  V(F_ar, 0xf1)),
		R(REC_GIVEN, 0, V(F_ds, SEL_FREE), V(F_es, 0x0f), V(F_fs, 3), V(F_gs, SEL_FREE),
		  V(F_gs_base, 0x77), V(F_ss, 0x7777), V(F_ss_base, 1), V(F_ss_limit, 2),
		  V(F_ss_ar, 0x93))), "segments given");
	ok_segment(SEG_DS, SEL_FREE, 0x12345678, 0xabcdefff, 0xc093);
	ok_segment(SEG_ES, 0x0f, 0x100, 0x20, 0xf1);
	ok_equal(state->seg[SEG_FS].ar, AR_UNUSABLE, "a null selector is unusable");
	ok_segment(SEG_GS, SEL_FREE, 0x77, 0xabcdefff, 0xc093);
	ok_segment(SEG_SS, 0x7777, 1, 2, 0x93);
	CANNOT("selector 0x200 is outside its table: give base, limit and ar",
	       R(REC_GIVEN, 0, V(F_ds, 0x200)));
	CANNOT("selector 0x84 is outside its table", R(REC_GIVEN, 0, V(F_ds, 0x84)));
	begin(MODE_LONG64, 0);
	ok(WITH(R(REC_DESCRIPTOR, 0, V(F_selector, SEL_FREE), V(F_base, 0xffff800000001300),
		  V(F_limit, 0x67), V(F_ar, 0x8b)),
		R(REC_GIVEN, 0, V(F_tr, SEL_FREE))), "a TSS in the upper half");
	ok_segment(SEG_TR, SEL_FREE, 0xffff800000001300, 0x67, 0x8b);
	begin(MODE_REAL16, 0);
	ok(WITH(R(REC_GIVEN, 0, V(F_ds, 0x1234))), "real mode");
	ok_segment(SEG_DS, 0x1234, 0x12340, 0xffff, 0x93);
	begin(MODE_VM86, 3);
	ok(WITH(R(REC_GIVEN, 0, V(F_ds, 0x1234))), "virtual-8086 mode");
	ok_segment(SEG_DS, 0x1234, 0x12340, 0xffff, 0xf3);
}

static void test_given(void)
{
	begin(MODE_LONG64, 0);
	ok(WITH(R(REC_GIVEN, 0, V(F_rax, 5), V(F_r15, 6), V(F_cr2, 7), V(F_dr3, 8),
		  V(F_efer, 0xd01), V(F_xcr0, 3), V(F_fcw, 0x27f),
		  B(F_st1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10),
		  B(F_xmm2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2))), "registers given");
	ok(state->gpr[RAX] == 5 && state->gpr[15] == 6 && state->cr2 == 7 && state->dr[3] == 8 &&
	   state->efer == 0xd01 && state->xcr0 == 3, "are as given");
	ok(state->fpu.fcw == 0x27f && state->fpu.st[1][9] == 10 && state->fpu.ymm[2][15] == 2,
	   "those of the FPU too");
	ok_equal(state->gpr[RBX], 0x2222222222222222, "others stay");
	ok(WITH(R(REC_GIVEN, 0, V(F_rflags, 0xcd7), V(F_status, 0x41), V(F_set, 0x100),
		  V(F_clear, 0x400))), "flags given");
	ok_equal(state->rflags, 0x343 & ~0x200ull, "status alone, then set and clear");
}

static void test_uses(void)
{
	begin(MODE_LONG64, 0);
	f.tc.uses = USES_FPU;
	ok(stage_build(&f.stage, &f.instance), "a case that uses x87:");
	ok(!(state->cr0 & 4) && state->cr4 == 0x20 && state->xcr0 == 1, "no EM, nothing more");
	f.tc.uses = USES_FPU | USES_SSE;
	ok(stage_build(&f.stage, &f.instance), "SSE:");
	ok(!(state->cr0 & 4) && state->cr4 == 0x620 && state->xcr0 == 1, "OSFXSR, OSXMMEXCPT");
	f.tc.uses = USES_FPU | USES_SSE | USES_AVX;
	ok(stage_build(&f.stage, &f.instance), "AVX:");
	ok(!(state->cr0 & 4) && state->cr4 == 0x40620 && state->xcr0 == 7, "OSXSAVE, XCR0");
}

/* ---- image and memory ------------------------------------------------------------- */

static void test_image(void)
{
	static const u8 text[] = { 0x90, 0x90, 0xf4 }, data[] = { 1, 2 };
	struct segment segments[] = {
		{ .addr = TEXT + 0x10, .size = 4, .filesz = 3, .data = text },
		{ .addr = DATA, .size = 6, .filesz = 2, .data = data },
	};

	begin(MODE_LONG64, 0);
	memset(f.stage.mem, 0xee, STAGE_RAM);	/* nothing of the case before is left */
	f.stage.pages.touched = ALL_PAGES;
	f.image.segments = segments;
	f.image.nsegments = ARRAY_SIZE(segments);
	f.tc.entry = TEXT + 0x11;
	ok(WITH(R(REC_MEMORY, 0, V(F_address, PAGES_END - 2), B(F_bytes, 7, 8)),
		R(REC_OPERAND, 0, V(F_address, OPERAND), B(F_bytes, 9)),
		R(REC_EMULATE, 0, V(F_value, 0))), "an image and memory");
	ok_equal(read_bytes(&f, TEXT + 0xf, 6), 0xcc00f49090cc, "code is there, and a zero");
	ok_equal(read64(&f, DATA), 0x0201, "data too, .bss zero");
	ok_equal(read_bytes(&f, PAGES_END - 3, 3), 0x0807a7, "and memory given");
	ok_equal(read_bytes(&f, OPERAND, 2), 9, "and the operand");
	ok_equal(state->rip, TEXT + 0x11, "RIP is the entry");
	CANNOT("2 bytes at 0x1ffff are outside guest memory",
	       R(REC_MEMORY, 0, V(F_address, STAGE_RAM - 1), B(F_bytes, 7, 8)));
	ok(!stage_write(&f.stage, ~0ull, "", 1), "nothing is written at the end of addresses");
}

static void test_pages(void)
{
	static u8 from[STAGE_RAM], to[STAGE_RAM];
	struct stage_pages a = { .base = from, .touched = 1 }, b = { .base = from, .touched = 6 };
	struct stage_pages other = { .base = to }, unknown = { 0 };
	static const struct {
		u64 addr, size;
		u32 pages;
	} rows[] = {
		{ 0, 1, 1 }, { 0, 4096, 1 }, { 0, 4097, 3 }, { 4095, 2, 3 }, { 4096, 1, 2 },
		{ 0x1f000, 4096, 1u << 31 }, { 0x1ffff, 1, 1u << 31 }, { 0, STAGE_RAM, ~0u },
		{ 0x10000, 0x8000, 0xff0000 }, { 0x5000, 0, 0 },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++)
		ok_equal(pages_of(rows[i].addr, rows[i].size), rows[i].pages, "row %u of pages", i);
	ok_equal(pages_that_differ(&a, &b), 7, "pages that either names may differ");
	ok_equal(pages_that_differ(&a, &other), ~0u, "all, where the base is another");
	ok_equal(pages_that_differ(&unknown, &unknown), ~0u, "or is not known");
	memset(from, 1, sizeof(from));
	pages_copy(to, from, 1u << 31 | 0xc | 1);
	for (unsigned int i = 0; i < 32; i++) {
		bool copied = (1u << 31 | 0xc | 1) >> i & 1;

		ok(to[i * PAGE_BYTES] == copied && to[i * PAGE_BYTES + 4095] == copied,
		   "page %u is %scopied", i, copied ? "" : "not ");
		ok(pages_equal(to, from, 1u << i) == copied, "and the same only if so");
	}
	ok(pages_equal(to, from, 0), "no page is always the same");
	pages_copy(to, from, ~0u);
	ok(pages_equal(to, from, ~0u), "all pages are copied");
	to[STAGE_RAM - 1] = 0;
	ok(!pages_equal(to, from, ~0u), "and the last byte counts");
}

/* Every byte counts, wherever it is in a row of words and behind the last whole one. */
static void test_memory_equal(void)
{
	static u8 a[300], b[300];
	bool found = true, others = true;

	for (unsigned int from = 0; from < 9; from++) {
		for (unsigned int bytes = 0; bytes < 200; bytes++) {
			others &= memory_equal_by_words(a + from, b + from, bytes);
			for (unsigned int at = 0; at < 250; at++) {
				bool inside = at >= from && at < from + bytes;

				b[at] ^= 0x10;
				if (memory_equal_by_words(a + from, b + from, bytes) == inside ||
				    memory_equal(a + from, b + from, bytes) == inside)
					found = false;
				b[at] ^= 0x10;
			}
		}
	}
	ok(others, "what is the same is equal");
	ok(found, "a byte that differs is found, and only inside");
}

static void test_paths(void)
{
	static const u8 prefix[] = { 0x0f, 0x0b, 0x6b, 0x76, 0x6d };	/* ud2, "kvm" */
	struct record emulate = R(REC_EMULATE, 0, V(F_value, 0));

	begin(MODE_LONG64, 0);
	emulate.addr = TEXT + 0x20;
	ok(WITH(emulate), "an instruction under test");
	ok(all_bytes(TEXT + 0x1b, TEXT + 0x20, 0xcc), "nothing is put before it natively");
	f.instance.path = PATH_FEP;
	ok(WITH(emulate), "under forced emulation");
	ok(!memcmp(f.stage.mem + TEXT + 0x1b, prefix, 5), "the prefix is");
	ok_equal(f.stage.mem[TEXT + 0x20], 0xcc, "and no more");
}

int main(void)
{
	fake_open(&f, MODE_REAL16, 0);
	for (unsigned int mode = 0; mode < MODE_COUNT; mode++)
		for (unsigned int ring = 0; ring <= 3; ring += 3)
			if (ring ? mode != MODE_REAL16 : mode != MODE_VM86)
				test_mode(mode, ring);
	test_leaf_bits(MODE_PAGED32);
	test_leaf_bits(MODE_PAE32);
	test_leaf_bits(MODE_LONG64);
	test_leaf_bits(MODE_LONG64_5L);
	test_wide_bits(MODE_PAE32);
	test_wide_bits(MODE_LONG64);
	test_missing_tables(MODE_PAGED32, 3, 0xffc00000);
	test_missing_tables(MODE_PAE32, 0, 0xc0000000);
	test_missing_tables(MODE_COMPAT32, 3, 0xfffff000);
	test_missing_tables(MODE_LONG64, 3, 0x00007fffffffe000);
	test_missing_tables(MODE_LONG64, 0, 0xffff800000000000);
	test_large_pages();
	test_upper_entries();
	test_impossible_entries();
	test_descriptors();
	test_gates();
	test_selectors();
	test_given();
	test_uses();
	test_image();
	test_pages();
	test_memory_equal();
	test_paths();
	fake_close(&f);
	return tap_done();
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stage-2 tables in both formats: the bits of every entry on the way (APM 2 15.25.5, SDM 3
 * tables 28-1, 28-5, 28-6), changes of ranges, and tables as the only memory: each is given back.
 */
#include "random.h"
#include "stage2.h"
#include "tap.h"

/* Tables are numbered from TABLES_AT on, in the order they were taken. */
#define TABLES 64u
#define TABLES_AT 0x123450000ull

static u64 pages[TABLES][512];
static bool used[TABLES];
static unsigned int taken, given, limit;

static u64 *take(void *opaque, u64 *physical)
{
	(void)opaque;
	for (unsigned int i = 0; i < TABLES && taken - given < limit; i++) {
		if (used[i])
			continue;
		used[i] = true;
		taken++;
		memset(pages[i], 0, sizeof(pages[i]));
		*physical = TABLES_AT + 4096ull * i;
		return pages[i];
	}
	return NULL;
}

static void give(void *opaque, u64 *table)
{
	unsigned int i = (unsigned int)((table - pages[0]) / 512);

	(void)opaque;
	if (i >= TABLES || !used[i])
		abort();	/* given back twice, or never taken */
	used[i] = false;
	given++;
}

static u64 *find(void *opaque, u64 physical)
{
	u64 i = (physical - TABLES_AT) / 4096;

	(void)opaque;
	if (physical < TABLES_AT || physical & 4095 || i >= TABLES || !used[i])
		abort();	/* an address of no table */
	return pages[i];
}

static const struct stage2_memory memory = { take, give, find };
static struct stage2 tables;

static void begin(const struct stage2_format *format)
{
	memset(used, 0, sizeof(used));
	taken = given = 0;
	limit = TABLES;
	ok(stage2_init(&tables, format, &memory, NULL) && taken == 1, "%s: a root", format->name);
}

static void end(void)
{
	stage2_destroy(&tables);
	ok(taken == given && !tables.root, "%s: all %u tables are given back", tables.format->name,
	   taken);
	stage2_destroy(&tables);
	ok_equal(given, taken, "%s: once", tables.format->name);
}

/* ---- entries as the processor reads them ---------------------------------------- */

/* A format by the manuals: the whole entries for a table at 0 and a page at 0. */
struct expected {
	const struct stage2_format *format;
	u64 table, page, writable;
	u64 accessed;
};

static const struct expected formats[] = {
	/* P 0, W 1, U 2, A 5 (APM 2 5.4.1); a nested walk is a user's (15.25.5) */
	{ &stage2_npt, 0x27, 0x25, 0x27, 0x20 },
	/* R 0, W 1, X 2, type 6 in bits 3 to 5, A 8 (SDM 3 28.3.2) */
	{ &stage2_ept, 0x07, 0x135, 0x137, 0x100 },
	{ &stage2_ept_plain, 0x07, 0x35, 0x37, 0 },
};

/* No processor looks at it in a page's entry: AVL (APM 2 5.4.1), ignored (SDM 3 table 28-6). */
#define IGNORED (1ull << 11)

/* Follows gpa as a processor does, and checks each table's entry; what counts of the last. */
static u64 walk(const struct expected *e, u64 gpa, bool *right)
{
	u64 *table = tables.root;

	*right = true;
	for (unsigned int level = 3; level > 0; level--) {
		u64 entry = table[gpa >> (12 + 9 * level) & 511];

		if (!entry)
			return 0;
		*right &= (entry & 0xfff) == e->table && entry >> 52 == 0;
		table = find(NULL, entry & 0x000ffffffffff000);
	}
	return table[gpa >> 12 & 511] & ~IGNORED;
}

static void test_entries(const struct expected *e)
{
	static const u64 gpas[] = { 0, 0x1000, 0x1ff000, 0x200000, 0x3ffff000, 0x40000000,
				    0x7fffffff000, 0x8000000000, 0xfffffffff000 };
	const char *name = e->format->name;
	unsigned int count;
	bool right;

	begin(e->format);
	for (unsigned int i = 0; i < ARRAY_SIZE(gpas); i++) {
		u64 hpa = 0xabcde00000 + 0x1000 * i;

		ok(stage2_map(&tables, gpas[i], hpa, i & 1 ? STAGE2_WRITE : 0),
		   "%s: %#llx is mapped",
		   name, (unsigned long long)gpas[i]);
		ok_equal(walk(e, gpas[i], &right), hpa | (i & 1 ? e->writable : e->page),
			 "%s: %#llx: its entry", name, (unsigned long long)gpas[i]);
		ok(right, "%s: %#llx: those on the way", name, (unsigned long long)gpas[i]);
		ok((stage2_lookup(&tables, gpas[i]) & ~IGNORED) == walk(e, gpas[i], &right) &&
		   stage2_entry_page(stage2_lookup(&tables, gpas[i])) == hpa &&
		   stage2_entry_writable(&tables, stage2_lookup(&tables, gpas[i])) == (i & 1),
		   "%s: %#llx is looked up", name, (unsigned long long)gpas[i]);
	}
	ok_equal(tables.mapped, ARRAY_SIZE(gpas), "%s: pages are counted", name);
	ok_equal(stage2_lookup(&tables, 0x2000), 0, "%s: beside it there is nothing", name);
	count = taken;
	ok_equal(stage2_lookup(&tables, 0x100000000000), 0, "%s: nor where no table is", name);
	ok_equal(stage2_unmap(&tables, 0x100000000000, 0x1000), 0, "%s: nor to unmap", name);
	ok_equal(taken, count, "%s: and no table is made to look", name);
	ok(stage2_map(&tables, 0x1000, 0x777000, 0), "%s: another page in its place", name);
	ok_equal(walk(e, 0x1000, &right), 0x777000 | e->page, "%s: is mapped, read-only", name);
	ok_equal(tables.mapped, ARRAY_SIZE(gpas), "%s: and not counted twice", name);
	end();
}

/* ---- ranges --------------------------------------------------------------------- */

#define PAGES 1200u		/* more than two tables of the last level */
#define FIRST 0x1fe000ull	/* two pages before the second of them */

static bool mapped[PAGES];

static void map_some(const struct expected *e)
{
	begin(e->format);
	for (unsigned int i = 0; i < PAGES; i++) {
		mapped[i] = random_below(3);
		if (mapped[i])
			stage2_map(&tables, FIRST + 4096 * i, 0x10000000 + 4096 * i, STAGE2_WRITE);
	}
}

static unsigned int count_mapped(unsigned int from, unsigned int to)
{
	unsigned int count = 0;

	for (unsigned int i = from; i < to; i++)
		count += mapped[i];
	return count;
}

static u64 entry_of(unsigned int i)
{
	return stage2_lookup(&tables, FIRST + 4096ull * i);
}

/* Whether entries [from, to) lack `bits`, and all others have them. */
static bool only_range_lacks(unsigned int from, unsigned int to, u64 bits)
{
	for (unsigned int i = 0; i < PAGES; i++) {
		bool inside = i >= from && i < to;

		if (mapped[i] && (entry_of(i) & bits) != (inside ? 0 : bits))
			return false;
		if (!mapped[i] && entry_of(i))
			return false;
	}
	return true;
}

static void test_ranges(const struct expected *e)
{
	static const unsigned int ranges[][2] = { { 0, PAGES }, { 0, 1 }, { 1, 3 }, { 5, 5 },
						  { 2, 514 }, { 100, 1100 }, { PAGES - 1, PAGES } };
	const char *name = e->format->name;

	for (unsigned int r = 0; r < ARRAY_SIZE(ranges); r++) {
		unsigned int from = ranges[r][0], to = ranges[r][1];
		u64 gpa = FIRST + 4096ull * from, size = 4096ull * (to - from), all;

		map_some(e);
		all = tables.mapped;
		ok_equal(stage2_protect(&tables, gpa, size), count_mapped(from, to),
			 "%s: pages %u to %u lose the right to write", name, from, to);
		ok(only_range_lacks(from, to, 2), "%s: they alone", name);
		ok_equal(stage2_protect(&tables, gpa, size), 0, "%s: once", name);
		ok_equal(stage2_young(&tables, gpa, size), e->accessed ? count_mapped(from, to) : 0,
			 "%s: they have been accessed", name);
		ok_equal(stage2_age(&tables, gpa, size), e->accessed ? count_mapped(from, to) : 0,
			 "%s: they are aged", name);
		ok(!e->accessed || only_range_lacks(from, to, e->accessed), "%s: they alone", name);
		ok_equal(stage2_young(&tables, gpa, size), 0, "%s: and now they are not young",
			 name);
		ok_equal(stage2_unmap(&tables, gpa, size), count_mapped(from, to),
			 "%s: are unmapped",
			 name);
		ok(only_range_lacks(from, to, ~0ull << 12 & (1ull << 28)), "%s: they alone", name);
		ok_equal(tables.mapped, all - count_mapped(from, to), "%s: and counted", name);
		end();
	}
}

/* Far apart, and up to the end of what there is: quick, and nothing is missed. */
static void test_wide(const struct expected *e)
{
	const char *name = e->format->name;

	begin(e->format);
	stage2_map(&tables, 0, 0x1000, STAGE2_WRITE);
	stage2_map(&tables, STAGE2_LIMIT - 4096, 0x2000, STAGE2_WRITE);
	ok_equal(stage2_protect(&tables, STAGE2_LIMIT - 4096, 4096), 1, "%s: the last page", name);
	ok_equal(stage2_unmap(&tables, STAGE2_LIMIT - 0x40000000, 0x80000000), 1,
		 "%s: a range beyond the end", name);
	ok_equal(stage2_unmap(&tables, 0, 1ull << 32), 1, "%s: 4 GiB with one page", name);
	ok_equal(tables.mapped, 0, "%s: nothing is left", name);
	end();
}

/* ---- rights given back --------------------------------------------------------- */

static void test_allow(const struct expected *e)
{
	const char *name = e->format->name;
	bool right;

	begin(e->format);
	ok(!stage2_allow(&tables, 0x5000), "%s: no table, nothing to give back", name);
	stage2_map(&tables, 0x5000, 0x1000, STAGE2_WRITE);
	stage2_map(&tables, 0x6000, 0x2000, 0);
	ok(!stage2_allow(&tables, 0x7000), "%s: no page", name);
	ok(!stage2_allow(&tables, 0x6000), "%s: a page that was mapped without", name);
	ok_equal(walk(e, 0x6000, &right), 0x2000 | e->page, "%s: it stays so", name);
	ok(stage2_allow(&tables, 0x5000), "%s: a page that has the right", name);
	stage2_protect(&tables, 0x5000, 4096);
	stage2_age(&tables, 0x5000, 4096);
	ok_equal(walk(e, 0x5000, &right), 0x1000 | (e->page & ~e->accessed), "%s: taken", name);
	ok(stage2_allow(&tables, 0x5000), "%s: one that has lost it", name);
	ok_equal(walk(e, 0x5000, &right), 0x1000 | (e->writable & ~e->accessed),
		 "%s: has it again, and nothing else", name);
	stage2_map(&tables, 0x5000, 0x3000, 0);
	ok(!stage2_allow(&tables, 0x5000), "%s: another page in its place is another", name);
	stage2_map(&tables, 0x5000, 0x1000, STAGE2_WRITE);
	stage2_unmap(&tables, 0x5000, 4096);
	ok(!stage2_allow(&tables, 0x5000), "%s: nor one that is gone", name);
	ok_equal(walk(e, 0x5000, &right), 0, "%s: which stays away", name);
	ok(stage2_map(&tables, 0x40005000, 0x4000, STAGE2_WRITE) &&
	   !stage2_allow(&tables, 0x205000) && stage2_allow(&tables, 0x40005000),
	   "%s: other tables are other tables", name);
	end();
}

/* ---- no memory ------------------------------------------------------------------ */

static void test_no_memory(const struct expected *e)
{
	const char *name = e->format->name;

	limit = 0;
	taken = given = 0;
	memset(used, 0, sizeof(used));
	ok(!stage2_init(&tables, e->format, &memory, NULL), "%s: no memory for a root", name);
	stage2_destroy(&tables);
	ok_equal(given, 0, "%s: nothing to give back", name);
	for (unsigned int tablesleft = 1; tablesleft <= 4; tablesleft++) {
		begin(e->format);
		limit = tablesleft;
		ok_equal(stage2_map(&tables, 0x5000, 0x1000, 0), tablesleft == 4,
			 "%s: memory for %u tables", name, tablesleft);
		ok_equal(tables.mapped, tablesleft == 4, "%s: counted only if it is mapped", name);
		ok_equal(!!stage2_lookup(&tables, 0x5000), tablesleft == 4, "%s: found only then",
			 name);
		limit = TABLES;
		ok(stage2_map(&tables, 0x5000, 0x1000, 0), "%s: with memory it goes on", name);
		end();
	}
}

int main(void)
{
	random_begin(7);
	for (unsigned int i = 0; i < ARRAY_SIZE(formats); i++) {
		test_entries(&formats[i]);
		test_ranges(&formats[i]);
		test_wide(&formats[i]);
		test_allow(&formats[i]);
		test_no_memory(&formats[i]);
	}
	return tap_done();
}

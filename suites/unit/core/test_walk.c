// SPDX-License-Identifier: GPL-2.0-only
/*
 * The page walker: every paging mode, translations, rights, error codes, reserved bits,
 * accessed and dirty flags as the only writes. Expectations are from SDM 3 chapter 4.
 */
#include "machine.h"
#include "tap.h"
#include "walk.h"

#define P 0x1ull
#define W 0x2ull
#define U 0x4ull
#define A 0x20ull
#define D 0x40ull
#define PS 0x80ull
#define G 0x100ull
#define NX (1ull << 63)
#define KEY(n) ((u64)(n) << 59)
#define PWU (P | W | U)

#define WRITE X86_ACCESS_WRITE
#define FETCH X86_ACCESS_FETCH
#define USER X86_ACCESS_USER
#define IMPLICIT X86_ACCESS_IMPLICIT
#define PEEK X86_ACCESS_PEEK

#define TABLE(level) (0x20000ull + 0x1000ull * (level))

enum paging { P32, PAE, L4, L5 };
#define OK (-1)
#define GOES(address, size) .error = OK, .gpa = (address), .page = (size)
#define FAULT(code) .error = (code)

/* One translation. Entries are given from the root's on; all but the last point to the next. */
struct walk_case {
	const char *name;
	enum paging paging;
	u64 linear;
	unsigned int access;
	u64 cr0, cr4, efer;	/* besides those of the mode */
	u64 entry[5];
	int error;		/* OK, or the error code of #PF */
	u64 gpa, page;		/* with OK */
	u64 rflags;
	u32 pkru;
	u8 physical_bits;	/* 0: 40 */
	bool no_gib;
};

static const struct walk_case cases[] = {
	/* 32-bit paging, 4.3 */
	{ "4 KiB", P32, 0x12345678, 0, 0, 0, 0, { P, P | 0x5000 }, GOES(0x5678, 4096) },
	{ "no PDE", P32, 0x12345678, 0, 0, 0, 0, { 0 }, FAULT(0) },
	{ "no PTE", P32, 0x12345678, 0, 0, 0, 0, { PWU, W }, FAULT(0) },
	{ "no PTE, user's write", P32, 0x12345678, USER | WRITE, 0, 0, 0, { PWU, 0 }, FAULT(6) },
	{ "address bits above 32 do not count", P32, 0x712345678, 0, 0, 0, 0, { P, P | 0x5000 },
	  GOES(0x5678, 4096) },
	{ "4 MiB", P32, 0x12345678, WRITE, 0, CR4_PSE, 0, { PWU | PS | 0x00c00000 },
	  GOES(0xf45678, 4 << 20) },
	{ "PS without CR4.PSE is ignored", P32, 0x12345678, 0, 0, 0, 0, { PWU | PS, P | 0x7000 },
	  GOES(0x7678, 4096) },
	{ "PSE-36: bits 32 to 39 of 4 MiB", P32, 0x00000123, 0, 0, CR4_PSE, 0,
	  { P | PS | 0x00400000 | 0xffull << 13 }, GOES(0xff00400123, 4 << 20) },
	{ "4 MiB: bit 21 is reserved", P32, 0x123, 0, 0, CR4_PSE, 0, { P | PS | 1 << 21 },
	  FAULT(9) },
	{ "4 MiB: bits above MAXPHYADDR are", P32, 0x123, USER, 0, CR4_PSE, 0,
	  { PWU | PS | 1 << 17 }, FAULT(13), .physical_bits = 36 },
	{ "4 MiB: up to MAXPHYADDR are not", P32, 0x123, USER, 0, CR4_PSE, 0,
	  { PWU | PS | 1 << 16 }, GOES(0x800000123, 4 << 20), .physical_bits = 36 },
	{ "PAT of a 4 MiB page is no address", P32, 0x123, 0, 0, CR4_PSE, 0, { P | PS | 1 << 12 },
	  GOES(0x123, 4 << 20) },
	{ "EFER.NXE does not count", P32, 0x123, FETCH, 0, 0, X86_EFER_NXE, { P, 0 }, FAULT(0) },

	/* PAE paging, 4.4; the first entry is the PDPTE's, in a register */
	{ "4 KiB", PAE, 0xc0201234, 0, 0, 0, 0, { P, P, P | 0x123456000 },
	  GOES(0x123456234, 4096) },
	{ "no PDPTE", PAE, 0xc0201234, WRITE, 0, 0, 0, { 0 }, FAULT(2) },
	{ "no PDE", PAE, 0xc0201234, 0, 0, 0, 0, { P, 0 }, FAULT(0) },
	{ "2 MiB, whatever CR4.PSE", PAE, 0xc0201234, 0, 0, 0, 0, { P, PWU | PS | 0x40000000 },
	  GOES(0x40001234, 2 << 20) },
	{ "a PDPTE has no rights to take away", PAE, 0x201234, WRITE | USER, 0, 0, 0,
	  { P, PWU, PWU | 0x5000 }, GOES(0x5234, 4096) },
	{ "2 MiB: bit 13 is reserved", PAE, 0x201234, 0, 0, 0, 0, { P, PWU | PS | 1 << 13 },
	  FAULT(9) },
	{ "2 MiB: bit 20 is reserved", PAE, 0x201234, 0, 0, 0, 0, { P, PWU | PS | 1 << 20 },
	  FAULT(9) },
	{ "2 MiB: PAT is not", PAE, 0x201234, 0, 0, 0, 0, { P, PWU | PS | 1 << 12 },
	  GOES(0x1234, 2 << 20) },
	{ "PDE: bit 62 is reserved", PAE, 0x201234, 0, 0, 0, 0, { P, PWU | 1ull << 62, 0 },
	  FAULT(9) },
	{ "PTE: bit 52 is reserved", PAE, 0x201234, 0, 0, 0, 0, { P, PWU, P | 1ull << 52 },
	  FAULT(9) },
	{ "PTE: MAXPHYADDR is reserved", PAE, 0x201234, 0, 0, 0, 0, { P, PWU, P | 1ull << 40 },
	  FAULT(9) },
	{ "NX without EFER.NXE is reserved", PAE, 0x201234, 0, 0, 0, 0, { P, PWU, P | NX },
	  FAULT(9) },
	{ "NX: data may be read", PAE, 0x201234, 0, 0, 0, X86_EFER_NXE, { P, PWU, P | NX | 0x5000 },
	  GOES(0x5234, 4096) },
	{ "NX: not executed", PAE, 0x201234, FETCH, 0, 0, X86_EFER_NXE, { P, PWU, P | NX },
	  FAULT(0x11) },
	{ "NX in a PDE", PAE, 0x201234, FETCH | USER, 0, 0, X86_EFER_NXE, { P, PWU | NX, PWU },
	  FAULT(0x15) },
	{ "a fetch is told with NXE", PAE, 0x201234, FETCH, 0, 0, X86_EFER_NXE, { P, 0 },
	  FAULT(0x10) },
	{ "and not without", PAE, 0x201234, FETCH, 0, 0, 0, { P, 0 }, FAULT(0) },

	/* 4-level paging, 4.5 */
	{ "4 KiB", L4, 0x7f8040201234, 0, 0, 0, 0, { P, P, P, P | 0x9000 }, GOES(0x9234, 4096) },
	{ "negative addresses", L4, 0xffff808040201234, 0, 0, 0, 0, { P, P, P, P | 0x9000 },
	  GOES(0x9234, 4096) },
	{ "2 MiB", L4, 0x7f8040345678, 0, 0, 0, 0, { P, P, P | PS | 0x600000 },
	  GOES(0x745678, 2 << 20) },
	{ "1 GiB", L4, 0x7f8065432100, 0, 0, 0, 0, { P, P | PS | 0x40000000 },
	  GOES(0x65432100, 1 << 30) },
	{ "1 GiB: not without the feature", L4, 0x7f8065432100, 0, 0, 0, 0, { P, P | PS },
	  FAULT(9), .no_gib = true },
	{ "1 GiB: bit 13 is reserved", L4, 0x1000, 0, 0, 0, 0, { P, P | PS | 1 << 13 }, FAULT(9) },
	{ "1 GiB: bit 29 is reserved", L4, 0x1000, 0, 0, 0, 0, { P, P | PS | 1 << 29 }, FAULT(9) },
	{ "PML4E: PS is reserved", L4, 0x1000, 0, 0, 0, 0, { P | PS, 0 }, FAULT(9) },
	{ "PML4E: MAXPHYADDR is reserved", L4, 0x1000, USER, 0, 0, 0, { PWU | 1ull << 40, 0 },
	  FAULT(0xd) },
	{ "PML4E: bit 51 is reserved", L4, 0x1000, WRITE, 0, 0, 0, { PWU | 1ull << 51, 0 },
	  FAULT(0xb) },
	{ "PTE: MAXPHYADDR is reserved", L4, 0x1000, 0, 0, 0, 0,
	  { PWU, PWU, PWU, P | 1ull << 40 }, FAULT(9) },
	{ "2 MiB: bit 13 is reserved", L4, 0x1000, 0, 0, 0, 0, { P, P, P | PS | 1 << 13 },
	  FAULT(9) },
	{ "2 MiB: bit 20 is reserved", L4, 0x1000, 0, 0, 0, 0, { P, P, P | PS | 1 << 20 },
	  FAULT(9) },
	{ "2 MiB: PAT is not", L4, 0x1000, 0, 0, 0, 0, { P, P, P | PS | 1 << 12 },
	  GOES(0x1000, 2 << 20) },
	{ "with 52 bits none is", L4, 0x1000, 0, 0, 0, 0, { P, P, P, P | 1ull << 51 },
	  GOES(1ull << 51, 4096), .physical_bits = 52 },
	{ "bits 52 to 62 are not", L4, 0x1000, 0, 0, 0, 0,
	  { P | 0x7ffull << 52, P, P, P | 0x7ffull << 52 | 0x9000 }, GOES(0x9000, 4096) },
	{ "NX without NXE is reserved", L4, 0x1000, 0, 0, 0, 0, { P | NX, 0 }, FAULT(9) },
	{ "an entry that is not present has no reserved bits", L4, 0x1000, 0, 0, 0, 0,
	  { P, P, P, NX | 1ull << 51 }, FAULT(0) },
	{ "NX in the PML4E", L4, 0x1000, FETCH, 0, 0, X86_EFER_NXE, { P | NX, P, P, P },
	  FAULT(0x11) },
	{ "G, PCD and PWT mean nothing here", L4, 0x1000, 0, 0, 0, 0,
	  { P | 0x18, P | 0x18, P | 0x18, P | G | 0x18 | PS }, GOES(0, 4096) },

	/* 5-level paging, 4.5 */
	{ "4 KiB", L5, 0x01ff804020101123, 0, 0, 0, 0, { P, P, P, P, P | 0x9000 },
	  GOES(0x9123, 4096) },
	{ "PML5E: PS is reserved", L5, 0x1000, 0, 0, 0, 0, { P | PS, 0 }, FAULT(9) },
	{ "PML4E: PS is reserved", L5, 0x1000, 0, 0, 0, 0, { P, P | PS }, FAULT(9) },
	{ "1 GiB", L5, 0x1234, 0, 0, 0, 0, { P, P, P | PS | 0x80000000 },
	  GOES(0x80001234, 1 << 30) },
	{ "no PML5E", L5, 0x1000, USER, 0, 0, 0, { 0 }, FAULT(4) },

	/* Rights, 4.6.1: U and W of all levels together */
	{ "user reads", L4, 0x1000, USER, 0, 0, 0, { PWU, PWU, PWU, P | U }, GOES(0, 4096) },
	{ "user reads a supervisor's page", L4, 0x1000, USER, 0, 0, 0, { PWU, PWU, PWU, P | W },
	  FAULT(5) },
	{ "U missing at the PML4E", L4, 0x1000, USER, 0, 0, 0, { P | W, PWU, PWU, PWU }, FAULT(5) },
	{ "U missing at the PDPTE", L4, 0x1000, USER, 0, 0, 0, { PWU, P | W, PWU, PWU }, FAULT(5) },
	{ "user writes", L4, 0x1000, USER | WRITE, 0, 0, 0, { PWU, PWU, PWU, PWU }, GOES(0, 4096) },
	{ "W missing at the PTE", L4, 0x1000, USER | WRITE, 0, 0, 0, { PWU, PWU, PWU, P | U },
	  FAULT(7) },
	{ "W missing at the PDE", L4, 0x1000, USER | WRITE, 0, 0, 0, { PWU, PWU, P | U, PWU },
	  FAULT(7) },
	{ "supervisor writes where W is missing", L4, 0x1000, WRITE, 0, 0, 0, { P, P, P, P },
	  GOES(0, 4096) },
	{ "but not with CR0.WP", L4, 0x1000, WRITE, CR0_WP, 0, 0, { PWU, PWU, PWU, P | U },
	  FAULT(3) },
	{ "CR0.WP, 32-bit paging", P32, 0x1000, WRITE, CR0_WP, 0, 0, { PWU, P }, FAULT(3) },
	{ "user fetches", L4, 0x1000, USER | FETCH, 0, 0, 0, { PWU, PWU, PWU, PWU },
	  GOES(0, 4096) },
	{ "user fetches a supervisor's page", L4, 0x1000, USER | FETCH, 0, 0, X86_EFER_NXE,
	  { PWU, PWU, PWU, P }, FAULT(0x15) },
	{ "implicit access at CPL 3 is a supervisor's", L4, 0x1000, IMPLICIT, 0, 0, 0,
	  { P, P, P, P }, GOES(0, 4096) },

	/* SMEP and SMAP */
	{ "SMEP: fetch of a user's page", L4, 0x1000, FETCH, 0, CR4_SMEP, 0, { PWU, PWU, PWU, PWU },
	  FAULT(0x11) },
	{ "SMEP: of a supervisor's", L4, 0x1000, FETCH, 0, CR4_SMEP, 0, { PWU, PWU, PWU, P },
	  GOES(0, 4096) },
	{ "SMEP: by the user", L4, 0x1000, FETCH | USER, 0, CR4_SMEP, 0, { PWU, PWU, PWU, PWU },
	  GOES(0, 4096) },
	{ "SMEP tells a fetch in 32-bit paging", P32, 0x1000, FETCH, 0, CR4_SMEP, 0, { PWU, 0 },
	  FAULT(0x10) },
	{ "SMEP in 32-bit paging", P32, 0x1000, FETCH, 0, CR4_SMEP, 0, { PWU, PWU }, FAULT(0x11) },
	{ "SMAP: read of a user's page", L4, 0x1000, 0, 0, CR4_SMAP, 0, { PWU, PWU, PWU, PWU },
	  FAULT(1) },
	{ "SMAP: write", L4, 0x1000, WRITE, 0, CR4_SMAP, 0, { PWU, PWU, PWU, PWU }, FAULT(3) },
	{ "SMAP: of a supervisor's page", L4, 0x1000, WRITE, 0, CR4_SMAP, 0,
	  { PWU, PWU, PWU, P | W }, GOES(0, 4096) },
	{ "SMAP: RFLAGS.AC allows it", L4, 0x1000, WRITE, 0, CR4_SMAP, 0, { PWU, PWU, PWU, PWU },
	  GOES(0, 4096), .rflags = X86_FLAG_AC },
	{ "SMAP: AC does not count for implicit access", L4, 0x1000, IMPLICIT, 0, CR4_SMAP, 0,
	  { PWU, PWU, PWU, PWU }, FAULT(1), .rflags = X86_FLAG_AC },
	{ "SMAP: fetches are SMEP's", L4, 0x1000, FETCH, 0, CR4_SMAP, 0, { PWU, PWU, PWU, PWU },
	  GOES(0, 4096) },
	{ "SMAP: the user is not concerned", L4, 0x1000, USER, 0, CR4_SMAP, 0,
	  { PWU, PWU, PWU, PWU }, GOES(0, 4096) },

	/* Protection keys, 4.6.2; two bits a key: no access, no write */
	{ "key: no access", L4, 0x1000, USER, 0, CR4_PKE, 0, { PWU, PWU, PWU, PWU | KEY(5) },
	  FAULT(0x25), .pkru = 1 << 10 },
	{ "key: another's", L4, 0x1000, USER, 0, CR4_PKE, 0, { PWU, PWU, PWU, PWU | KEY(5) },
	  GOES(0, 4096), .pkru = ~(3u << 10) },
	{ "key: writes", L4, 0x1000, USER | WRITE, 0, CR4_PKE, 0, { PWU, PWU, PWU, PWU | KEY(5) },
	  GOES(0, 4096), .pkru = ~(3u << 10) },
	{ "key: without CR4.PKE", L4, 0x1000, USER, 0, 0, 0, { PWU, PWU, PWU, PWU | KEY(5) },
	  GOES(0, 4096), .pkru = ~0u },
	{ "key 0", L4, 0x1000, USER, 0, CR4_PKE, 0, { PWU, PWU, PWU, PWU },
	  FAULT(0x25), .pkru = 1 },
	{ "key: user's write", L4, 0x1000, USER | WRITE, 0, CR4_PKE, 0,
	  { PWU, PWU, PWU, PWU | KEY(15) }, FAULT(0x27), .pkru = 1u << 31 },
	{ "key: read where writes are forbidden", L4, 0x1000, USER, 0, CR4_PKE, 0,
	  { PWU, PWU, PWU, PWU | KEY(15) }, GOES(0, 4096), .pkru = 1u << 31 },
	{ "key: supervisor's write without WP", L4, 0x1000, WRITE, 0, CR4_PKE, 0,
	  { PWU, PWU, PWU, PWU | KEY(1) }, GOES(0, 4096), .pkru = 8 },
	{ "key: with WP", L4, 0x1000, WRITE, CR0_WP, CR4_PKE, 0, { PWU, PWU, PWU, PWU | KEY(1) },
	  FAULT(0x23), .pkru = 8 },
	{ "key: supervisor's read of a user's page", L4, 0x1000, 0, 0, CR4_PKE, 0,
	  { PWU, PWU, PWU, PWU | KEY(1) }, FAULT(0x21), .pkru = 4 },
	{ "key: of a supervisor's page", L4, 0x1000, 0, 0, CR4_PKE, 0,
	  { PWU, PWU, PWU, P | W | KEY(1) }, GOES(0, 4096), .pkru = ~0u },
	{ "key: fetches are free", L4, 0x1000, FETCH | USER, 0, CR4_PKE, 0,
	  { PWU, PWU, PWU, PWU | KEY(1) }, GOES(0, 4096), .pkru = ~0u },
	{ "key: of a 2 MiB page", L4, 0x1000, USER, 0, CR4_PKE, 0, { PWU, PWU, PWU | PS | KEY(2) },
	  FAULT(0x25), .pkru = 0x10 },
	/* 4.7: PK is told wherever the key forbids, also if something else does */
	{ "key and W missing", L4, 0x1000, USER | WRITE, 0, CR4_PKE, 0,
	  { PWU, PWU, PWU, P | U | KEY(1) }, FAULT(0x27), .pkru = 4 },
	{ "key and SMAP", L4, 0x1000, 0, 0, CR4_PKE | CR4_SMAP, 0, { PWU, PWU, PWU, PWU | KEY(1) },
	  FAULT(0x21), .pkru = 4 },

	/* Accessed and dirty, 4.8; the checker knows what must have been written */
	{ "all is set already", L4, 0x1000, WRITE, 0, 0, 0, { P | A, P | A, P | A, P | A | D },
	  GOES(0, 4096) },
	{ "only D is missing", L4, 0x1000, WRITE, 0, 0, 0, { P | A, P | A, P | A, P | A },
	  GOES(0, 4096) },
	{ "only D, of a page that has all rights", L4, 0x1000, WRITE, 0, 0, 0,
	  { PWU | A, PWU | A, PWU | A, PWU | A }, GOES(0, 4096) },
	{ "D of upper levels is not", L4, 0x1000, WRITE, 0, 0, 0, { P | A, P | A, P | A | PS },
	  GOES(0x1000, 2 << 20) },
	{ "nothing when only looking", L4, 0x1000, WRITE | PEEK, 0, 0, 0, { P, P, P, P },
	  GOES(0, 4096) },
	{ "but rights are checked", L4, 0x1000, USER | PEEK, 0, 0, 0, { P, P, P, P }, FAULT(5) },
};

static const char *const paging_names[] = { "32-bit", "PAE", "4-level", "5-level" };

/* Where entry i of the case stands. */
static u64 entry_address(const struct walk_case *c, unsigned int i)
{
	static const u8 levels[] = { 2, 3, 4, 5 };
	unsigned int bits = c->paging == P32 ? 10 : 9;
	unsigned int shift = 12 + (levels[c->paging] - 1 - i) * bits;
	u64 linear = c->paging < L4 ? (u32)c->linear : c->linear;

	return TABLE(i) + (linear >> shift & ((1u << bits) - 1)) * (c->paging == P32 ? 4 : 8);
}

/* Builds tables and state; returns how many entries there are. flags: A and D are set already. */
static unsigned int build(struct machine *m, const struct walk_case *c, bool flags)
{
	static const u8 most[] = { 2, 3, 4, 5 };
	struct x86_state *s = &m->state;
	unsigned int count = 1, size = c->paging == P32 ? 4 : 8;

	machine_reset(m, PROT32, 0);
	m->env.physical_bits = c->physical_bits ? c->physical_bits : 40;
	m->env.gib_pages = !c->no_gib;
	s->cr0 |= c->cr0 | CR0_PG;
	s->cr4 = c->cr4 | (c->paging >= PAE ? CR4_PAE : 0) | (c->paging == L5 ? CR4_LA57 : 0);
	s->efer = c->efer | (c->paging >= L4 ? X86_EFER_LMA | X86_EFER_LME : 0);
	s->cr3 = TABLE(0) | 0x18;
	s->rflags |= c->rflags;
	s->pkru = c->pkru;
	while (count < most[c->paging] && c->entry[count])
		count++;
	/* A last entry of 0 may follow one that points to a table. */
	if (count < most[c->paging] && c->entry[count - 1] & P && !(c->entry[count - 1] & PS))
		count++;
	for (unsigned int i = 0; i < count; i++) {
		u64 entry = c->entry[i] | (i + 1 < count ? TABLE(i + 1) : 0);

		if (flags && entry & P && (c->paging != PAE || i > 0))
			entry |= A | (i + 1 == count && c->access & WRITE ? D : 0);
		if (c->paging == PAE && i == 0)
			s->pdpte[c->linear >> 30 & 3] = entry;
		else
			machine_put(m, entry_address(c, i), entry, size);
	}
	memcpy(m->ram_before, m->ram, sizeof(m->ram));
	m->before = *s;
	return count;
}

/* Whether the writes are those of A and D that SDM 3 4.8 asks for, each by comparison. */
static bool flags_right(const struct machine *m, const struct walk_case *c, unsigned int count)
{
	unsigned int written = 0, size = c->paging == P32 ? 4 : 8;

	for (unsigned int i = c->paging == PAE; i < count && !(c->access & PEEK); i++) {
		u64 old = 0, new;

		memcpy(&old, m->ram_before + entry_address(c, i), size);
		new = old | A | (i == count - 1 && c->access & WRITE ? D : 0);
		if (machine_get(m, entry_address(c, i), size) != new)
			return false;
		if (new == old)
			continue;
		if (m->writes[written].address != entry_address(c, i) ||
		    m->writes[written].size != size || !m->writes[written].compared)
			return false;
		written++;
	}
	return written == m->written;
}

static void check_case(const struct walk_case *c, bool flags)
{
	const char *already = flags ? ", again" : "";
	static struct machine m;
	struct x86_translation t;
	struct x86_fault fault = { 0 };
	unsigned int count = build(&m, c, flags);
	enum x86_result result = x86_walk(&m.env, &m.state, c->linear, c->access, &t, &fault);
	u64 all = W | U, linear = c->paging < L4 ? (u32)c->linear : c->linear;
	bool right;

	if (c->error != OK) {
		right = result == X86_FAULT && fault.vector == X86_PF && fault.has_error &&
			fault.error == (u32)c->error && fault.cr2 == linear &&
			machine_untouched(&m);
		if (!ok(right, "%s: %s%s", paging_names[c->paging], c->name, already))
			note("expected error %#x, result %d, error %#x, CR2 %#llx, %u writes",
			     c->error,
			     result, fault.error, (unsigned long long)fault.cr2, m.written);
		return;
	}
	for (unsigned int i = c->paging == PAE; i < count; i++)
		all &= c->entry[i];
	right = result == X86_OK && t.gpa == c->gpa && t.page == c->page &&
		t.writable == !!(all & W) && t.user == !!(all & U) && flags_right(&m, c, count);
	if (!ok(right, "%s: %s%s", paging_names[c->paging], c->name, already))
		note("result %d, error %#x, to %#llx of %#llx, %u writes", result, fault.error,
		     (unsigned long long)t.gpa, (unsigned long long)t.page, m.written);
}

/* ---- what a table cannot say ---------------------------------------------------- */

static struct machine machine;
static const struct walk_case plain = { "", L4, 0x1000, WRITE, 0, 0, 0, { PWU, PWU, PWU, PWU },
					GOES(0, 4096) };

static void test_paging_off(void)
{
	struct x86_translation t;
	struct x86_fault fault;

	machine_reset(&machine, PROT32, 0);
	ok(x86_walk(&machine.env, &machine.state, 0x1fffff123, WRITE | USER, &t,
		    &fault) == X86_OK &&
	   t.gpa == 0xfffff123 && t.writable && t.user, "without paging 32 bits are the address");
}

static void change_entry(struct machine *m, u64 address)
{
	m->ram[address] |= G >> 8 | 0x10;
	m->race = NULL;
}

static void test_races(void)
{
	struct x86_translation t;
	struct x86_fault fault;

	build(&machine, &plain, false);
	machine.race = change_entry;
	ok_equal(x86_walk(&machine.env, &machine.state, 0x1000, WRITE, &t, &fault), X86_RETRY,
		 "an entry that changes meanwhile: again");
	ok_equal(machine.written, 0, "and nothing was written over it");
	ok_equal(x86_walk(&machine.env, &machine.state, 0x1000, WRITE, &t, &fault), X86_OK,
		 "the second time it is as it is");
	build(&machine, &plain, false);
	machine.read_answer = X86_RETRY;
	ok_equal(x86_walk(&machine.env, &machine.state, 0x1000, WRITE, &t, &fault), X86_RETRY,
		 "memory that is not ready");
	build(&machine, &plain, false);
	machine.write_answer = X86_ERROR;
	ok_equal(x86_walk(&machine.env, &machine.state, 0x1000, WRITE, &t, &fault), X86_ERROR,
		 "memory that cannot be written");
}

/* Tables elsewhere than in RAM. */
static void test_no_ram(void)
{
	struct x86_translation t;
	struct x86_fault fault;

	build(&machine, &plain, false);
	machine.state.cr3 = 0x12340000;
	ok(x86_walk(&machine.env, &machine.state, 0x1000, 0, &t, &fault) == X86_FAULT &&
	   fault.error == (X86_PF_P | X86_PF_RSVD), "an empty bus reads as ones: reserved bits");
	build(&machine, &plain, false);
	machine_put(&machine, TABLE(0), PWU | ROM_BASE, 8);
	machine_put(&machine, ROM_BASE, PWU | TABLE(2), 8);
	ok(x86_walk(&machine.env, &machine.state, 0x1000, WRITE, &t, &fault) == X86_OK &&
	   machine_get(&machine, ROM_BASE, 8) == (PWU | TABLE(2)),
	   "a table in ROM is used, and keeps its flags");
	ok_equal(machine_get(&machine, TABLE(3) + 8, 8), PWU | A | D, "those in RAM are set");
}

/* What would be tables, but is none: of 4 levels in another mode, and below a page of 2 MiB. */
static void test_lookalikes(void)
{
	static const struct walk_case pae = { "", PAE, 0x1000, WRITE, 0, 0, 0, { P, PWU, PWU },
					      GOES(0, 4096) };
	static const struct walk_case large = { "", L4, 0x1000, 0, 0, 0, 0, { PWU, PWU, PWU | PS },
						GOES(0x1000, 2 << 20) };
	struct x86_translation t;
	struct x86_fault fault;

	build(&machine, &pae, true);
	for (unsigned int i = 4; i < 6; i++)
		machine_put(&machine, TABLE(i), PWU | A | TABLE(i + 1), 8);
	machine_put(&machine, TABLE(6) + 8, PWU | A | D | 0x9000, 8);
	machine_put(&machine, TABLE(0), PWU | A | TABLE(4), 8);
	ok(x86_walk(&machine.env, &machine.state, 0x1000, WRITE, &t, &fault) == X86_OK && !t.gpa,
	   "PAE: there are no four levels");
	build(&machine, &large, true);
	machine_put(&machine, 8, PWU | A | D | 0x9000, 8);
	ok(x86_walk(&machine.env, &machine.state, 0x1000, 0, &t, &fault) == X86_OK &&
	   t.gpa == 0x1000, "4-level: there is no table below 2 MiB");
}

/* SDM 3 4.4.1, table 4-8: bits 1, 2, 5 to 8 and from MAXPHYADDR on are reserved. */
static void test_pdptes(void)
{
	static const u8 reserved[] = { 1, 2, 5, 6, 7, 8, 40, 51, 52, 62, 63 };
	struct x86_fault fault = { 0 };
	u64 pdpte[4];

	machine_reset(&machine, PROT32, 0);
	for (unsigned int i = 0; i < 4; i++)
		machine_put(&machine, 0x20fe0 + 8 * i, 0x5000 * i | P | 0xe18, 8);
	ok(x86_load_pdptes(&machine.env, &machine.state, 0x20fe0 | 0x1f, pdpte, &fault) == X86_OK &&
	   pdpte[0] == (P | 0xe18) && pdpte[3] == (0xf000 | P | 0xe18),
	   "PDPTEs: 32 bytes at CR3, its low five bits ignored");
	for (unsigned int i = 0; i < ARRAY_SIZE(reserved); i++) {
		u64 bit = 1ull << reserved[i];

		machine_put(&machine, 0x20fe8, P | bit, 8);
		fault = (struct x86_fault){ 0 };
		ok(x86_load_pdptes(&machine.env, &machine.state, 0x20fe0, pdpte, &fault) ==
			   X86_FAULT && fault.vector == X86_GP && fault.has_error && !fault.error,
		   "PDPTE: bit %u is reserved", reserved[i]);
		machine_put(&machine, 0x20fe8, bit, 8);
		ok_equal(x86_load_pdptes(&machine.env, &machine.state, 0x20fe0, pdpte, &fault),
			 X86_OK,
			 "unless it is not present (bit %u)", reserved[i]);
	}
}

int main(void)
{
	for (unsigned int i = 0; i < 2 * ARRAY_SIZE(cases); i++)
		check_case(&cases[i / 2], i & 1);
	test_paging_off();
	test_races();
	test_no_ram();
	test_lookalikes();
	test_pdptes();
	return tap_done();
}

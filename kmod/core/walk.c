// SPDX-License-Identifier: GPL-2.0-only
/* Guest page tables: walking them as the processor does. */
#include "walk_usual.h"

#define ENTRY_KEY_SHIFT 59

#define PDE32_ADDRESS_HIGH 0x001fe000ull	/* PSE-36: bits 32 to 39 of a 4 MiB page */
#define PDE32_RSVD (1ull << 21)
#define PDPTE_RSVD_LOW 0x1e6ull		/* bits 1, 2 and 5 to 8 (SDM 3 table 4-8) */

#define LEVELS_MAX 5

/* One way to walk; 4 GiB modes have 32-bit linear addresses. */
struct paging {
	u8 levels;		/* tables on the way, PDPTEs in registers not counted */
	u8 index_bits;		/* 10 or 9 */
	u8 entry_size;		/* 4 or 8 bytes */
	bool long_mode;
};

static const struct paging paging32 = { 2, 10, 4, false };
static const struct paging paging_pae = { 2, 9, 8, false };
static const struct paging paging4 = { 4, 9, 8, true };
static const struct paging paging5 = { 5, 9, 8, true };

/* One translation under way. */
struct walk {
	const struct x86_env *env;
	const struct x86_state *s;
	const struct paging *paging;
	u64 linear;
	unsigned int access;
	u64 never;		/* bits of 8-byte entries that are reserved at every level */
	u64 entry[LEVELS_MAX];	/* as read, the root's first */
	u64 address[LEVELS_MAX];	/* guest-physical, of each */
	unsigned int depth;	/* entries read */
	u64 allowed;		/* ENTRY_W and ENTRY_U that all entries have */
	bool nx;		/* one has NX */
};

static bool supervisor(const struct walk *w)
{
	return !(w->access & X86_ACCESS_USER);
}

static bool nx_on(const struct walk *w)
{
	return w->paging->entry_size == 8 && w->s->efer & X86_EFER_NXE;
}

static enum x86_result page_fault(const struct walk *w, u32 error, struct x86_fault *fault)
{
	if (w->access & X86_ACCESS_WRITE)
		error |= X86_PF_W;
	if (!supervisor(w))
		error |= X86_PF_U;
	/* Only where fetches can be told from reads (SDM 3 4.7). */
	if (w->access & X86_ACCESS_FETCH && (nx_on(w) || w->s->cr4 & CR4_SMEP))
		error |= X86_PF_I;
	*fault = (struct x86_fault){
		.vector = X86_PF, .has_error = true, .error = error, .cr2 = w->linear,
	};
	return X86_FAULT;
}

/* Bits of a page's number from bit `from` up that no physical address has. */
static u64 beyond_physical(const struct walk *w)
{
	return ((1ull << 52) - 1) & ~((1ull << w->env->physical_bits) - 1);
}

/* Whether the entry read last maps a page, and does not point to another table. */
static bool is_leaf(const struct walk *w)
{
	unsigned int below = w->paging->levels - w->depth;
	u64 entry = w->entry[w->depth - 1];

	if (!below)
		return true;
	if (!(entry & ENTRY_PS))
		return false;
	if (w->paging->entry_size == 4)
		return w->s->cr4 & CR4_PSE;
	/* Above 1 GiB, and of 1 GiB without support, PS is a reserved bit. */
	return below == 1 || (below == 2 && w->env->gib_pages);
}

static u64 page_size(const struct walk *w)
{
	unsigned int below = w->paging->levels - w->depth;

	return 4096ull << (below * w->paging->index_bits);
}

/* What walk.never is, of entries of 8 bytes (SDM 3 4.4.2, 4.5.4). */
static u64 always_reserved(const struct walk *w)
{
	u64 bits = beyond_physical(w);

	if (!w->paging->long_mode)
		bits |= 0x7ffull << 52;
	if (!nx_on(w))
		bits |= ENTRY_NX;
	return bits;
}

/* SDM 3 4.3 (32-bit), 4.4.2 (PAE), 4.5.4: bits that must be 0 in a present entry. */
static u64 reserved(const struct walk *w, bool leaf)
{
	unsigned int below = w->paging->levels - w->depth;
	u64 bits = 0;

	if (w->paging->entry_size == 4) {
		if (!leaf || !below)
			return 0;
		/* PSE-36: address bits above MAXPHYADDR, at most 40, are reserved. */
		for (unsigned int bit = 32; bit < 40; bit++) {
			if (bit >= w->env->physical_bits)
				bits |= 1ull << (bit - 32 + 13);
		}
		return bits | PDE32_RSVD;
	}
	bits = w->never;
	if (leaf && below)
		bits |= (page_size(w) - 1) & ~0x1fffull;
	else if (below >= 2)
		bits |= ENTRY_PS;
	return bits;
}

static u64 entry_address(const struct walk *w)
{
	u64 entry = w->entry[w->depth - 1];

	return w->paging->entry_size == 4 ? entry & 0xfffff000 : entry & 0x000ffffffffff000ull;
}

/* Reads the entry of the next level down in the table at that address. */
static enum x86_result read_entry(struct walk *w, u64 table)
{
	unsigned int below = w->paging->levels - w->depth - 1;
	unsigned int shift = 12 + below * w->paging->index_bits;
	u64 index = w->linear >> shift & ((1ull << w->paging->index_bits) - 1);
	u64 address = table + index * w->paging->entry_size;
	u64 entry = 0;
	enum x86_result result;

	result = w->env->ops->read(w->env->opaque, address, &entry, w->paging->entry_size);
	if (result == X86_IO)
		entry = w->paging->entry_size == 4 ? 0xffffffff : ~0ull;
	else if (result != X86_OK)
		return result;
	w->address[w->depth] = address;
	w->entry[w->depth++] = entry;
	return X86_OK;
}

/* Reads entries down to the page; X86_FAULT is #PF for a missing or malformed entry. */
static enum x86_result descend(struct walk *w, u64 table, struct x86_fault *fault)
{
	enum x86_result result;

	for (;;) {
		u64 entry;
		bool leaf;

		result = read_entry(w, table);
		if (result != X86_OK)
			return result;
		entry = w->entry[w->depth - 1];
		if (!(entry & ENTRY_P))
			return page_fault(w, 0, fault);
		leaf = is_leaf(w);
		if (entry & reserved(w, leaf))
			return page_fault(w, X86_PF_P | X86_PF_RSVD, fault);
		w->allowed &= entry;
		w->nx |= nx_on(w) && entry & ENTRY_NX;
		if (leaf)
			return X86_OK;
		table = entry_address(w);
	}
}

/* SDM 3 4.6.2: whether PKRU forbids a data access to a user page. */
static bool key_forbids(const struct walk *w)
{
	unsigned int key = w->entry[w->depth - 1] >> ENTRY_KEY_SHIFT & 15;
	bool disabled = w->s->pkru >> (2 * key) & 1;
	bool read_only = w->s->pkru >> (2 * key + 1) & 1;

	if (!w->paging->long_mode || !(w->s->cr4 & CR4_PKE) ||
	    w->access & X86_ACCESS_FETCH || !(w->allowed & ENTRY_U))
		return false;
	return disabled || (read_only && w->access & X86_ACCESS_WRITE &&
			    (!supervisor(w) || w->s->cr0 & CR0_WP));
}

/* SDM 3 4.6.1: rights of supervisor-mode accesses to a user page. */
static bool supervisor_forbidden(const struct walk *w)
{
	if (w->access & X86_ACCESS_FETCH)
		return w->s->cr4 & CR4_SMEP;
	/* RFLAGS.AC is the supervisor's own word, and counts for nothing done implicitly. */
	return w->s->cr4 & CR4_SMAP &&
	       (w->access & X86_ACCESS_IMPLICIT || !(w->s->rflags & X86_FLAG_AC));
}

/* SDM 3 4.6: whether the access has no right to the page that was found. */
static bool forbidden(const struct walk *w)
{
	if (w->access & X86_ACCESS_FETCH && w->nx)
		return true;
	if (!supervisor(w)) {
		if (!(w->allowed & ENTRY_U))
			return true;
	} else if (w->allowed & ENTRY_U && supervisor_forbidden(w)) {
		return true;
	}
	if (w->access & X86_ACCESS_WRITE && !(w->allowed & ENTRY_W) &&
	    (!supervisor(w) || w->s->cr0 & CR0_WP))
		return true;
	return false;
}

/* Sets A in every entry that was used, and D in a written page's (SDM 3 4.8). */
static enum x86_result update_flags(struct walk *w)
{
	for (unsigned int i = 0; i < w->depth; i++) {
		u64 old = w->entry[i];
		u64 new = old | ENTRY_A;
		enum x86_result result;
		bool done = false;

		if (i == w->depth - 1 && w->access & X86_ACCESS_WRITE)
			new |= ENTRY_D;
		if (new == old)
			continue;
		result = w->env->ops->exchange(w->env->opaque, w->address[i], &old, &new,
					       w->paging->entry_size, &done);
		if (result == X86_IO)
			continue;	/* tables in ROM or in no RAM keep what they have */
		if (result != X86_OK)
			return result;
		if (!done)
			return X86_RETRY;
		w->entry[i] = new;
	}
	return X86_OK;
}

static void fill(const struct walk *w, struct x86_translation *t)
{
	u64 entry = w->entry[w->depth - 1];
	u64 size = page_size(w);
	u64 base = entry_address(w) & ~(size - 1);

	if (w->paging->entry_size == 4 && size > 4096)
		base |= (entry & PDE32_ADDRESS_HIGH) << (32 - 13);
	*t = (struct x86_translation){
		.gpa = base | (w->linear & (size - 1)), .page = size,
		.writable = w->allowed & ENTRY_W, .user = w->allowed & ENTRY_U,
	};
}

/* Where the walk begins: false if that is a PDPTE that is not present. */
static bool root(struct walk *w, u64 *table)
{
	u64 pdpte;

	if (w->paging != &paging_pae) {
		*table = w->paging->long_mode ? w->s->cr3 & 0x000ffffffffff000ull :
						w->s->cr3 & 0xfffff000;
		return true;
	}
	pdpte = w->s->pdpte[w->linear >> 30 & 3];
	*table = pdpte & 0x000ffffffffff000ull;
	return pdpte & ENTRY_P;
}

static const struct paging *paging_of(const struct x86_state *s)
{
	if (!(s->cr4 & CR4_PAE))
		return &paging32;
	if (!(s->efer & X86_EFER_LMA))
		return &paging_pae;
	return s->cr4 & CR4_LA57 ? &paging5 : &paging4;
}

static noinline enum x86_result walk_long_way(const struct x86_env *env, const struct x86_state *s,
					      u64 linear, unsigned int access,
					      struct x86_translation *t,
					      struct x86_fault *fault)
{
	struct walk w = {
		.env = env, .s = s, .linear = linear, .access = access,
		.allowed = ENTRY_W | ENTRY_U,
	};
	enum x86_result result;
	u64 table;

	if (!x86_long(s))
		w.linear &= 0xffffffff;
	if (!(s->cr0 & CR0_PG)) {
		*t = (struct x86_translation){
			.gpa = w.linear, .page = 4096, .writable = true, .user = true,
		};
		return X86_OK;
	}
	w.paging = paging_of(s);
	w.never = always_reserved(&w);
	if (!root(&w, &table))
		return page_fault(&w, 0, fault);
	result = descend(&w, table, fault);
	if (result != X86_OK)
		return result;
	/* PK is told wherever the key forbids, also if something else does (SDM 3 4.7). */
	if (key_forbids(&w))
		return page_fault(&w, X86_PF_P | X86_PF_PK, fault);
	if (forbidden(&w))
		return page_fault(&w, X86_PF_P, fault);
	if (!(access & X86_ACCESS_PEEK)) {
		result = update_flags(&w);
		if (result != X86_OK)
			return result;
	}
	fill(&w, t);
	return X86_OK;
}

static enum x86_result read_usual(void *env, u64 gpa, u64 *entry)
{
	const struct x86_env *own = env;

	return own->ops->read(own->opaque, gpa, entry, sizeof(*entry));
}

enum x86_result x86_walk(const struct x86_env *env, const struct x86_state *s, u64 linear,
			 unsigned int access, struct x86_translation *t, struct x86_fault *fault)
{
	enum x86_result result;

	result = x86_walk_usual(s, env->physical_bits, linear, access, read_usual, (void *)env, t);
	if (result != X86_UNIMPLEMENTED)
		return result;
	return walk_long_way(env, s, linear, access, t, fault);
}

enum x86_result x86_load_pdptes(const struct x86_env *env, const struct x86_state *s, u64 cr3,
				u64 pdpte[4], struct x86_fault *fault)
{
	struct walk w = { .env = env, .s = s, .paging = &paging_pae };
	u64 rsvd = PDPTE_RSVD_LOW | beyond_physical(&w) | ~((1ull << 52) - 1);
	u64 table = cr3 & 0xffffffe0;
	enum x86_result result;

	for (unsigned int i = 0; i < 4; i++) {
		result = env->ops->read(env->opaque, table + 8 * i, &pdpte[i], 8);
		if (result == X86_IO)
			pdpte[i] = ~0ull;
		else if (result != X86_OK)
			return result;
		if (pdpte[i] & ENTRY_P && pdpte[i] & rsvd) {
			*fault = (struct x86_fault){ .vector = X86_GP, .has_error = true };
			return X86_FAULT;
		}
	}
	return X86_OK;
}

// SPDX-License-Identifier: GPL-2.0-only
/* Loads of CR0, CR3 and CR4: the checks, and the mode that follows. */
#include "exec_parts.h"

#define CR0_DEFINED (CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_ET | CR0_NE | \
		     CR0_WP | CR0_AM | CR0_NW | CR0_CD | CR0_PG)
#define CR3_NO_FLUSH (1ull << 63)

/* Changes of these bits reload the PDPTEs (SDM 3 4.4.1). */
#define CR0_PDPTE (CR0_CD | CR0_NW | CR0_PG)
#define CR4_PDPTE (CR4_PAE | CR4_PGE | CR4_PSE | CR4_SMEP)

static bool pae_paging(const struct x86_state *s)
{
	return s->cr0 & CR0_PG && s->cr4 & CR4_PAE && !(s->efer & X86_EFER_LMA);
}

static void flush_all(struct x86_exec *x)
{
	x->env->ops->flush(x->env->opaque, 0, true);
}

static enum x86_result load_pdptes(struct x86_exec *x)
{
	if (!pae_paging(&x->s))
		return X86_OK;
	return x86_load_pdptes(x->env, &x->s, x->s.cr3, x->s.pdpte, &x->fault);
}

/* Turning paging on with EFER.LME begins long mode (SDM 3 9.8.5). */
static bool paging_on_forbidden(const struct x86_exec *x)
{
	const struct x86_state *s = &x->s;
	const struct x86_seg *tr = &s->seg[X86_TR];

	if (!(s->efer & X86_EFER_LME))
		return false;
	/* A TSS of 16 bits in TR is refused by Intel's; AMD's do not look (APM 2 14.6.1). */
	if (!x->env->amd && !(tr->ar & (X86_AR_UNUSABLE | 8)))
		return true;
	return !(s->cr4 & CR4_PAE) || s->seg[X86_CS].ar & X86_AR_L;
}

enum x86_result x86_set_cr0(struct x86_exec *x, u64 value)
{
	struct x86_state *s = &x->s;
	u64 old = s->cr0;
	bool on, off;

	if (value >> 32)
		return exec_gp0(x);
	value = (value & CR0_DEFINED) | CR0_ET;
	if ((value & CR0_PG && !(value & CR0_PE)) ||
	    (value & CR0_NW && !(value & CR0_CD)))
		return exec_gp0(x);
	on = value & ~old & CR0_PG;
	off = old & ~value & CR0_PG;
	if (on && paging_on_forbidden(x))
		return exec_gp0(x);
	if (off && (x86_code64(s) || s->cr4 & CR4_PCIDE))
		return exec_gp0(x);
	s->cr0 = value;
	if (on && s->efer & X86_EFER_LME)
		s->efer |= X86_EFER_LMA;
	if (off)
		s->efer &= ~X86_EFER_LMA;
	if ((old ^ value) & (CR0_PG | CR0_WP | CR0_PE))
		flush_all(x);
	return (old ^ value) & CR0_PDPTE ? load_pdptes(x) : X86_OK;
}

enum x86_result x86_set_cr3(struct x86_exec *x, u64 value)
{
	struct x86_state *s = &x->s;
	bool keep = false;
	u64 old = s->cr3;
	enum x86_result result;

	if (x86_long(s)) {
		if (s->cr4 & CR4_PCIDE) {
			keep = value & CR3_NO_FLUSH;
			value &= ~CR3_NO_FLUSH;
		}
		if (value >> x->env->physical_bits)
			return exec_gp0(x);
	} else {
		value = (u32)value;
	}
	s->cr3 = value;
	result = load_pdptes(x);
	if (result != X86_OK) {
		s->cr3 = old;
		return result;
	}
	if (!keep)
		flush_all(x);
	return X86_OK;
}

enum x86_result x86_set_cr4(struct x86_exec *x, u64 value)
{
	struct x86_state *s = &x->s;
	u64 changed = s->cr4 ^ value;

	if (value & ~x->env->cr4_allowed)
		return exec_gp0(x);
	if (x86_long(s) && changed & (CR4_PAE | CR4_LA57))
		return exec_gp0(x);
	if (changed & value & CR4_PCIDE && (!x86_long(s) || s->cr3 & 0xfff))
		return exec_gp0(x);
	s->cr4 = value;
	if (changed & (CR4_PDPTE | CR4_PCIDE | CR4_LA57 | CR4_SMAP | CR4_PKE))
		flush_all(x);
	return changed & CR4_PDPTE ? load_pdptes(x) : X86_OK;
}

// SPDX-License-Identifier: GPL-2.0-only
/* Descriptors and segment registers. */
#include "seg.h"

static enum x86_result selector_fault(struct x86_exec *x, enum x86_vector vector, u16 selector)
{
	return exec_fault_code(x, vector, selector & 0xfffc);
}

struct x86_seg seg_of_descriptor(const struct descriptor *d, u16 selector)
{
	struct x86_seg seg = {
		.base = (d->low >> 16 & 0xffffff) | (d->low >> 56 & 0xff) << 24,
		.limit = (d->low & 0xffff) | (d->low >> 32 & 0xf0000),
		.ar = descriptor_ar(d), .selector = selector,
	};

	if (seg.ar & X86_AR_G)
		seg.limit = seg.limit << 12 | 0xfff;
	return seg;
}

/* ---- tables ---------------------------------------------------------------------------- */

static enum x86_result read_table(struct x86_exec *x, u16 selector, enum x86_vector vector,
				  unsigned int size, struct descriptor *d)
{
	const struct x86_seg *ldtr = &x->s.seg[X86_LDTR];
	bool local = selector & SELECTOR_TI;
	u64 base = local ? ldtr->base : x->s.gdtr.base;
	u32 limit = local ? ldtr->limit : x->s.gdtr.limit;
	u32 offset = selector & 0xfff8;
	u64 bytes[2] = { 0 };
	enum x86_result result;

	if ((local && ldtr->ar & X86_AR_UNUSABLE) || offset + size - 1 > limit)
		return selector_fault(x, vector, selector);
	d->linear = base + offset;
	if (!x86_long(&x->s))
		d->linear = (u32)d->linear;
	result = exec_read_linear(x, d->linear, bytes, size, EXEC_SYSTEM);
	d->low = bytes[0];
	d->high = bytes[1];
	return result;
}

enum x86_result seg_read_descriptor(struct x86_exec *x, u16 selector, enum x86_vector vector,
				    struct descriptor *d)
{
	return read_table(x, selector, vector, 8, d);
}

enum x86_result seg_read_system(struct x86_exec *x, u16 selector, enum x86_vector vector,
				struct descriptor *d)
{
	return read_table(x, selector, vector, x86_long(&x->s) ? 16 : 8, d);
}

enum x86_result seg_set_accessed(struct x86_exec *x, struct descriptor *d)
{
	u8 byte;

	if (d->low >> 40 & X86_AR_ACCESSED)
		return X86_OK;
	d->low |= (u64)X86_AR_ACCESSED << 40;
	byte = d->low >> 40;
	return exec_write_linear(x, d->linear + 5, &byte, 1, EXEC_SYSTEM);
}

/* ---- real and virtual-8086 mode ------------------------------------------------------------ */

/* Real mode keeps limit and rights as they were (SDM 3 20.1.1). */
void seg_load_real(struct x86_exec *x, enum x86_seg_name name, u16 selector)
{
	struct x86_seg *seg = &x->s.seg[name];

	seg->selector = selector;
	seg->base = (u32)selector << 4;
	if (x86_vm86(&x->s)) {
		seg->limit = 0xffff;
		seg->ar = X86_AR_P | X86_AR_DPL | X86_AR_S | X86_AR_RW | X86_AR_ACCESSED;
	}
}

/* ---- data and stack segments (SDM 3 5.4, 5.7; SDM 2 MOV) ------------------------ */

/* A null selector: no access through it, but 64-bit mode does not look. */
static void load_null(struct x86_exec *x, enum x86_seg_name name, u16 selector)
{
	struct x86_seg *seg = &x->s.seg[name];

	seg->selector = selector;
	seg->ar |= X86_AR_UNUSABLE;
	seg->base = 0;
}

/* In 64-bit mode SS may be null, at levels 0 to 2, with that RPL. */
static bool null_stack_allowed(const struct x86_exec *x, u16 selector, unsigned int cpl)
{
	return x86_code64(&x->s) && cpl != 3 && SELECTOR_RPL(selector) == cpl;
}

enum x86_result seg_load_ss(struct x86_exec *x, u16 selector, unsigned int cpl,
			    enum x86_vector vector)
{
	struct descriptor d;
	enum x86_result result;
	bool writable;

	if (SELECTOR_NULL(selector)) {
		if (!null_stack_allowed(x, selector, cpl))
			return exec_fault_code(x, vector, 0);
		load_null(x, X86_SS, selector);
		x->s.seg[X86_SS].ar = X86_AR_UNUSABLE | cpl << X86_AR_DPL_SHIFT;
		return X86_OK;
	}
	result = seg_read_descriptor(x, selector, vector, &d);
	if (result != X86_OK)
		return result;
	writable = descriptor_is_segment(&d) && !descriptor_is_code(&d) &&
		   descriptor_type(&d) & X86_AR_RW;
	if (!writable || SELECTOR_RPL(selector) != cpl || descriptor_dpl(&d) != cpl)
		return selector_fault(x, vector, selector);
	if (!descriptor_present(&d))
		return selector_fault(x, X86_SS_FAULT, selector);
	result = seg_set_accessed(x, &d);
	if (result == X86_OK)
		x->s.seg[X86_SS] = seg_of_descriptor(&d, selector);
	return result;
}

enum x86_result seg_load_data(struct x86_exec *x, enum x86_seg_name name, u16 selector,
			      enum x86_vector vector)
{
	struct descriptor d;
	enum x86_result result;
	unsigned int cpl = x86_cpl(&x->s);
	bool conforming;

	if (SELECTOR_NULL(selector)) {
		load_null(x, name, selector);
		return X86_OK;
	}
	result = seg_read_descriptor(x, selector, vector, &d);
	if (result != X86_OK)
		return result;
	if (!descriptor_is_segment(&d) ||
	    (descriptor_is_code(&d) && !(descriptor_type(&d) & X86_AR_RW)))
		return selector_fault(x, vector, selector);
	conforming = descriptor_is_code(&d) && descriptor_type(&d) & X86_AR_EC;
	if (!conforming && (SELECTOR_RPL(selector) > descriptor_dpl(&d) ||
			    cpl > descriptor_dpl(&d)))
		return selector_fault(x, vector, selector);
	if (!descriptor_present(&d))
		return selector_fault(x, X86_NP, selector);
	result = seg_set_accessed(x, &d);
	if (result == X86_OK)
		x->s.seg[name] = seg_of_descriptor(&d, selector);
	return result;
}

enum x86_result seg_load(struct x86_exec *x, enum x86_seg_name name, u16 selector)
{
	if (!x86_protected(&x->s) || x86_vm86(&x->s)) {
		seg_load_real(x, name, selector);
		return X86_OK;
	}
	if (name == X86_SS)
		return seg_load_ss(x, selector, x86_cpl(&x->s), X86_GP);
	return seg_load_data(x, name, selector, X86_GP);
}

void seg_drop_privileged(struct x86_exec *x)
{
	static const u8 names[] = { X86_ES, X86_DS, X86_FS, X86_GS };
	unsigned int cpl = x86_cpl(&x->s);

	for (unsigned int i = 0; i < ARRAY_SIZE(names); i++) {
		struct x86_seg *seg = &x->s.seg[names[i]];
		unsigned int dpl = (seg->ar & X86_AR_DPL) >> X86_AR_DPL_SHIFT;
		bool conforming = (seg->ar & (X86_AR_CODE | X86_AR_EC)) ==
				  (X86_AR_CODE | X86_AR_EC);

		if (seg->ar & X86_AR_UNUSABLE || conforming || dpl >= cpl)
			continue;
		load_null(x, names[i], 0);
	}
}

/* ---- LDTR and TR (SDM 2 LLDT, LTR) ---------------------------------------------- */

/* Base of a system descriptor: 64 bits in long mode, and canonical. */
static enum x86_result system_base(struct x86_exec *x, const struct descriptor *d, u16 selector,
				   struct x86_seg *seg)
{
	unsigned int unused = x->s.cr4 & CR4_LA57 ? 7 : 16;

	*seg = seg_of_descriptor(d, selector);
	if (!x86_long(&x->s))
		return X86_OK;
	seg->base |= d->high << 32;
	if ((u64)((s64)(seg->base << unused) >> unused) != seg->base)
		return selector_fault(x, X86_GP, selector);
	/* The type field of the upper half must be 0 (SDM 3 3.5). */
	if (d->high >> 40 & 0x1f)
		return selector_fault(x, X86_GP, selector);
	return X86_OK;
}

enum x86_result seg_load_ldtr(struct x86_exec *x, u16 selector)
{
	struct descriptor d;
	struct x86_seg seg;
	enum x86_result result;

	if (SELECTOR_NULL(selector)) {
		load_null(x, X86_LDTR, selector);
		return X86_OK;
	}
	if (selector & SELECTOR_TI)
		return selector_fault(x, X86_GP, selector);
	result = seg_read_system(x, selector, X86_GP, &d);
	if (result != X86_OK)
		return result;
	if (descriptor_is_segment(&d) || descriptor_type(&d) != SYSTEM_LDT)
		return selector_fault(x, X86_GP, selector);
	if (!descriptor_present(&d))
		return selector_fault(x, X86_NP, selector);
	result = system_base(x, &d, selector, &seg);
	if (result == X86_OK)
		x->s.seg[X86_LDTR] = seg;
	return result;
}

enum x86_result seg_load_tr(struct x86_exec *x, u16 selector)
{
	struct descriptor d;
	struct x86_seg seg;
	enum x86_result result;
	unsigned int type;
	u8 busy;

	if (SELECTOR_NULL(selector))
		return exec_gp0(x);
	if (selector & SELECTOR_TI)
		return selector_fault(x, X86_GP, selector);
	result = seg_read_system(x, selector, X86_GP, &d);
	if (result != X86_OK)
		return result;
	type = descriptor_type(&d);
	if (descriptor_is_segment(&d) ||
	    !(type == SYSTEM_TSS || (type == SYSTEM_TSS16 && !x86_long(&x->s))))
		return selector_fault(x, X86_GP, selector);
	if (!descriptor_present(&d))
		return selector_fault(x, X86_NP, selector);
	result = system_base(x, &d, selector, &seg);
	if (result != X86_OK)
		return result;
	busy = (d.low >> 40 & 0xff) | 2;
	result = exec_write_linear(x, d.linear + 5, &busy, 1, EXEC_SYSTEM);
	if (result != X86_OK)
		return result;
	seg.ar |= 2;
	x->s.seg[X86_TR] = seg;
	return X86_OK;
}

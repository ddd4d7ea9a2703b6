// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's MTRRs (SDM 3 11.11). They are kept, and checked as a processor checks them, and
 * decide nothing: with nested paging memory types are those of the guest's page tables and of
 * the host's MTRRs (APM 2 15.25.8).
 */
#include <asm/msr-index.h>

#include "internal.h"

#define MTRR_CAP 0x508ull		/* 8 variable ranges, fixed ranges, write-combining */
#define MTRR_VARIABLE 0x200u		/* PHYSBASE0, PHYSMASK0, PHYSBASE1, ... */
#define MTRR_DEF_TYPE_BITS 0xcffull	/* type, FE, E */
#define MTRR_BASE_BITS 0xffull		/* type; the rest is an address */
#define MTRR_MASK_BITS 0x800ull		/* V */

static const u32 fixed[ASSAY_MTRR_FIXED] = {
	MSR_MTRRfix64K_00000, MSR_MTRRfix16K_80000, MSR_MTRRfix16K_A0000, MSR_MTRRfix4K_C0000,
	MSR_MTRRfix4K_C8000, MSR_MTRRfix4K_D0000, MSR_MTRRfix4K_D8000, MSR_MTRRfix4K_E0000,
	MSR_MTRRfix4K_E8000, MSR_MTRRfix4K_F0000, MSR_MTRRfix4K_F8000,
};

static bool is_variable(u32 index)
{
	return index - MTRR_VARIABLE < ASSAY_MTRR_VARIABLE;
}

u64 *assay_mtrr(struct assay_vcpu *vcpu, u32 index)
{
	struct assay_mtrrs *mtrrs = &vcpu->mtrrs;
	unsigned int i;

	if (index == MSR_MTRRdefType)
		return &mtrrs->def_type;
	if (is_variable(index))
		return &mtrrs->variable[index - MTRR_VARIABLE];
	for (i = 0; i < ASSAY_MTRR_FIXED; i++) {
		if (fixed[i] == index)
			return &mtrrs->fixed[i];
	}
	return NULL;
}

u64 assay_mtrr_cap(void)
{
	return MTRR_CAP;
}

/* UC, WC, WT, WP, WB (SDM 3 table 11-8). */
static bool type_valid(u8 type)
{
	return type < 2 || (type > 3 && type < 7);
}

static bool fixed_valid(u64 value)
{
	unsigned int i;

	for (i = 0; i < 8; i++, value >>= 8) {
		if (!type_valid(value))
			return false;
	}
	return true;
}

/* Types and reserved bits (SDM 3 11.11.2). */
bool assay_mtrr_valid(struct assay_vcpu *vcpu, u32 index, u64 value)
{
	u64 address = ((1ull << vcpu->env.physical_bits) - 1) & PAGE_MASK;

	if (index == MSR_MTRRdefType)
		return type_valid(value) && !(value & ~MTRR_DEF_TYPE_BITS);
	if (!is_variable(index))
		return fixed_valid(value);
	if (index & 1)
		return !(value & ~(address | MTRR_MASK_BITS));
	return type_valid(value) && !(value & ~(address | MTRR_BASE_BITS));
}

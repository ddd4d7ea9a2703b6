// SPDX-License-Identifier: GPL-2.0-only
/* The rules that a VMCB must keep for VMRUN. */
#include "check_svm.h"

#define ATTRIBUTE_L (1u << 9)
#define ATTRIBUTE_D (1u << 10)
#define IOPM_BYTES 0x3000ull
#define MSRPM_BYTES 0x2000ull

struct context {
	const struct vmcb *vmcb;
	const struct svm_limits *limits;
};

/* Whether the rule is broken. */
typedef bool broken_fn(const struct context *c);

/* ---- control registers, debug registers, EFER ------------------------------------------- */

static bool svme_clear(const struct context *c)
{
	return !(c->vmcb->save.efer & X86_EFER_SVME);
}

static bool nw_without_cd(const struct context *c)
{
	return (c->vmcb->save.cr0 & (CR0_CD | CR0_NW)) == CR0_NW;
}

static bool cr0_upper(const struct context *c)
{
	return c->vmcb->save.cr0 >> 32;
}

/* LME with paging is long mode, whatever LMA says. */
static bool long_mode(const struct context *c)
{
	return c->vmcb->save.efer & X86_EFER_LME && c->vmcb->save.cr0 & CR0_PG;
}

static bool beyond_physical(const struct context *c, u64 address)
{
	return address >> c->limits->physical_bits;
}

/* In legacy modes CR3 has 32 bits, and no more are looked at. */
static bool cr3_reserved(const struct context *c)
{
	return long_mode(c) && beyond_physical(c, c->vmcb->save.cr3);
}

static bool cr4_reserved(const struct context *c)
{
	return c->vmcb->save.cr4 & ~c->limits->cr4;
}

static bool cet_without_wp(const struct context *c)
{
	return c->vmcb->save.cr4 & CR4_CET && !(c->vmcb->save.cr0 & CR0_WP);
}

static bool dr6_upper(const struct context *c)
{
	return c->vmcb->save.dr6 >> 32;
}

static bool dr7_upper(const struct context *c)
{
	return c->vmcb->save.dr7 >> 32;
}

static bool efer_reserved(const struct context *c)
{
	return c->vmcb->save.efer & ~c->limits->efer;
}

static bool long_mode_missing(const struct context *c)
{
	return c->vmcb->save.efer & (X86_EFER_LME | X86_EFER_LMA) && !c->limits->long_mode;
}

static bool long_without_pae(const struct context *c)
{
	return long_mode(c) && !(c->vmcb->save.cr4 & CR4_PAE);
}

static bool long_without_pe(const struct context *c)
{
	return long_mode(c) && !(c->vmcb->save.cr0 & CR0_PE);
}

static bool cs_l_and_d(const struct context *c)
{
	u16 both = ATTRIBUTE_L | ATTRIBUTE_D;

	return long_mode(c) && c->vmcb->save.cr4 & CR4_PAE &&
	       (c->vmcb->save.cs.attributes & both) == both;
}

/* ---- controls -------------------------------------------------------------------------------- */

static bool vmrun_not_intercepted(const struct context *c)
{
	return !(c->vmcb->control.intercepts[VMCB_VMRUN / 32] & 1u << (VMCB_VMRUN % 32));
}

/* Bits 0 to 11 of a map's address are ignored. */
static bool map_beyond(const struct context *c, u64 address, u64 bytes)
{
	return beyond_physical(c, (address & ~0xfffull) + bytes - 1);
}

static bool iopm_beyond(const struct context *c)
{
	return map_beyond(c, c->vmcb->control.iopm, IOPM_BYTES);
}

static bool msrpm_beyond(const struct context *c)
{
	return map_beyond(c, c->vmcb->control.msrpm, MSRPM_BYTES);
}

static bool asid_zero(const struct context *c)
{
	return !c->vmcb->control.asid;
}

/* ---- an injected event (15.20) ----------------------------------------------------- */

enum { EVENT_INTR = 0, EVENT_NMI = 2, EVENT_EXCEPTION = 3, EVENT_SOFTWARE = 4 };

static bool injects(const struct context *c)
{
	return c->vmcb->control.event_inject & VMCB_EVENT_VALID;
}

static unsigned int event_type(const struct context *c)
{
	return c->vmcb->control.event_inject >> VMCB_EVENT_TYPE_SHIFT & 7;
}

static unsigned int event_vector(const struct context *c)
{
	return c->vmcb->control.event_inject & 0xff;
}

static bool event_type_reserved(const struct context *c)
{
	unsigned int type = event_type(c);

	return injects(c) && type != EVENT_INTR && type != EVENT_NMI && type != EVENT_EXCEPTION &&
	       type != EVENT_SOFTWARE;
}

static bool event_no_exception(const struct context *c)
{
	return injects(c) && event_type(c) == EVENT_EXCEPTION &&
	       (event_vector(c) > 31 || event_vector(c) == X86_NMI);
}

/* INTO and BOUND are no instructions of 64-bit code. */
static bool event_impossible(const struct context *c)
{
	return injects(c) && event_type(c) == EVENT_EXCEPTION && long_mode(c) &&
	       c->vmcb->save.cs.attributes & ATTRIBUTE_L &&
	       (event_vector(c) == X86_OF || event_vector(c) == X86_BR);
}

/* ---- nested paging (15.25.3, 15.25.4) ---------------------------------------------- */

static bool nested(const struct context *c)
{
	return c->vmcb->control.nested & VMCB_NESTED_PAGING;
}

static bool ncr3_reserved(const struct context *c)
{
	return nested(c) && beyond_physical(c, c->vmcb->control.nested_cr3);
}

/* Each of the eight bytes is a memory type: 2, 3 and everything above 7 are none. */
static bool pat_invalid(const struct context *c)
{
	for (unsigned int i = 0; i < 8; i++) {
		u8 type = c->vmcb->save.pat >> (8 * i);

		if (type > 7 || type == 2 || type == 3)
			return nested(c);
	}
	return false;
}

/* ---- all of them ------------------------------------------------------------------- */

static const struct {
	broken_fn *broken;
	struct x86_rule rule;
} rules[] = {
	{ svme_clear, { "EFER.SVME is clear", "APM 2 15.5.1" } },
	{ nw_without_cd, { "CR0.NW is set and CR0.CD is clear", "APM 2 15.5.1" } },
	{ cr0_upper, { "CR0 has a bit of 63 to 32 set", "APM 2 15.5.1" } },
	{ cr3_reserved, { "CR3 is beyond the physical address width", "APM 2 15.5.1" } },
	{ cr4_reserved, { "CR4 has a reserved bit set", "APM 2 15.5.1" } },
	{ cet_without_wp, { "CR4.CET is set and CR0.WP is clear", "APM 2 15.5.1" } },
	{ dr6_upper, { "DR6 has a bit of 63 to 32 set", "APM 2 15.5.1" } },
	{ dr7_upper, { "DR7 has a bit of 63 to 32 set", "APM 2 15.5.1" } },
	{ efer_reserved, { "EFER has a reserved bit set", "APM 2 15.5.1" } },
	{ long_mode_missing, { "EFER.LME or LMA on a processor without long mode",
			       "APM 2 15.5.1" } },
	{ long_without_pae, { "EFER.LME and CR0.PG are set and CR4.PAE is clear",
			      "APM 2 15.5.1" } },
	{ long_without_pe, { "EFER.LME and CR0.PG are set and CR0.PE is clear",
			     "APM 2 15.5.1" } },
	{ cs_l_and_d, { "CS.L and CS.D are both set in long mode", "APM 2 15.5.1" } },
	{ vmrun_not_intercepted, { "VMRUN is not intercepted", "APM 2 15.5.1" } },
	{ iopm_beyond, { "the I/O permission map is beyond the physical address width",
			 "APM 2 15.5.1" } },
	{ msrpm_beyond, { "the MSR permission map is beyond the physical address width",
			  "APM 2 15.5.1" } },
	{ asid_zero, { "the ASID is zero", "APM 2 15.5.1" } },
	{ event_type_reserved, { "EVENTINJ has a reserved type", "APM 2 15.20" } },
	{ event_no_exception, { "EVENTINJ has an exception's type and no exception's vector",
				"APM 2 15.20" } },
	{ event_impossible, { "EVENTINJ has an exception that 64-bit code cannot raise",
			      "APM 2 15.20" } },
	{ ncr3_reserved, { "nCR3 is beyond the physical address width", "APM 2 15.25.3" } },
	{ pat_invalid, { "G_PAT has an invalid memory type", "APM 2 15.25.3" } },
};

const struct x86_rule *svm_check(const struct vmcb *vmcb, const struct svm_limits *limits)
{
	struct context c = { vmcb, limits };

	for (unsigned int i = 0; i < ARRAY_SIZE(rules); i++) {
		if (rules[i].broken(&c))
			return &rules[i].rule;
	}
	return NULL;
}

unsigned int svm_rules(void)
{
	return ARRAY_SIZE(rules);
}

const struct x86_rule *svm_rule(unsigned int number)
{
	return &rules[number].rule;
}

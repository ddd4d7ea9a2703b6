// SPDX-License-Identifier: GPL-2.0-only
/*
 * The rules of VMRUN: states that keep all of them, in every mode; and for each rule states
 * that break it and no other, next to ones that just do not. From APM 2 15.5.1, 15.20, 15.25.
 */
#include "check_svm.h"
#include "tap.h"

static struct vmcb vmcb;
static struct svm_limits limits;

#define CR4_DEFINED 0x3ff7ffull
#define EFER_DEFINED 0xdd01ull		/* SCE, LME, LMA, NXE, SVME, FFXSR, TCE */

enum mode { REAL, PROTECTED, PAGED, PAE, COMPATIBILITY, LONG, MODES };
static const char *const names[MODES] = { "real", "protected", "paged", "pae", "compatibility",
					  "64-bit" };

static void clean(enum mode mode)
{
	limits = (struct svm_limits){ 40, CR4_DEFINED | CR4_CET, EFER_DEFINED, true };
	memset(&vmcb, 0, sizeof(vmcb));
	vmcb.control.intercepts[4] = 1;
	vmcb.control.asid = 1;
	vmcb.control.iopm = 0x10000;
	vmcb.control.msrpm = 0x20000;
	vmcb.control.nested = 1;
	vmcb.control.nested_cr3 = 0x30000;
	vmcb.save.efer = X86_EFER_SVME;
	vmcb.save.cr0 = CR0_ET;
	vmcb.save.pat = 0x0007040600070406;
	vmcb.save.dr6 = X86_DR6_FIXED;
	vmcb.save.dr7 = X86_DR7_FIXED;
	vmcb.save.cs.attributes = mode == LONG ? 0x29b : 0xc9b;
	if (mode >= PROTECTED)
		vmcb.save.cr0 |= CR0_PE;
	if (mode >= PAGED)
		vmcb.save.cr0 |= CR0_PG;
	if (mode >= PAE)
		vmcb.save.cr4 |= CR4_PAE;
	if (mode >= COMPATIBILITY)
		vmcb.save.efer |= X86_EFER_LME | X86_EFER_LMA;
}

static bool seen[64];

/* The state breaks the rule that begins so, of the manual's section; "" none. One check. */
static void breaks(const char *begin, const char *what)
{
	const struct x86_rule *rule = svm_check(&vmcb, &limits);
	bool right = *begin ? rule && !strncmp(rule->name, begin, strlen(begin)) : !rule;

	if (!ok(right, "%s", what))
		note("%s", rule ? rule->name : "no rule is broken");
	for (unsigned int i = 0; i < svm_rules(); i++)
		seen[i] = seen[i] || svm_rule(i) == rule;
}

static void test_clean(void)
{
	for (enum mode mode = REAL; mode < MODES; mode++) {
		char name[64];

		clean(mode);
		snprintf(name, sizeof(name), "%s: a clean state", names[mode]);
		breaks("", name);
		vmcb.save.cr0 |= CR0_CD | CR0_NW;
		vmcb.save.cr4 |= CR4_DEFINED & ~CR4_PAE;
		vmcb.save.efer |= X86_EFER_SCE | X86_EFER_NXE | X86_EFER_FFXSR | 1 << 15;
		vmcb.save.dr6 = vmcb.save.dr7 = 0xffffffff;
		snprintf(name, sizeof(name), "%s: with all that may be set", names[mode]);
		breaks("", name);
	}
}

/* One field set to a value in a clean state of a mode, and what follows. */
struct row {
	enum mode mode;
	size_t field;		/* where in the VMCB */
	u64 value;
	const char *rule, *what;
};

#define SAVE(name) offsetof(struct vmcb, save.name)
#define CONTROL(name) offsetof(struct vmcb, control.name)
#define LIMIT (1ull << 40)

static const struct row rows[] = {
	{ LONG, SAVE(efer), 0x500, "EFER.SVME", "without SVME" },
	{ REAL, SAVE(cr0), CR0_ET | CR0_NW, "CR0.NW", "NW alone" },
	{ REAL, SAVE(cr0), CR0_ET | CR0_CD, "", "CD alone" },
	{ LONG, SAVE(cr0), CR0_PE | CR0_PG | 1ull << 32, "CR0 has", "bit 32 of CR0" },
	{ REAL, SAVE(cr0), 1ull << 63, "CR0 has", "bit 63 of CR0" },
	{ LONG, SAVE(cr3), LIMIT - 1, "", "the last CR3" },
	{ LONG, SAVE(cr3), LIMIT, "CR3", "CR3 too large" },
	{ COMPATIBILITY, SAVE(cr3), 1ull << 63, "CR3", "bit 63 of CR3" },
	{ PAE, SAVE(cr3), LIMIT, "", "legacy modes look at 32 bits of CR3" },
	{ LONG, SAVE(cr4), CR4_PAE | CR4_DEFINED, "", "all of CR4" },
	{ LONG, SAVE(cr4), CR4_PAE | 1 << 11, "CR4 has", "a bit of CR4 that is not defined" },
	{ LONG, SAVE(cr4), CR4_PAE | 1ull << 32, "CR4 has", "the upper half of CR4" },
	{ LONG, SAVE(cr4), CR4_PAE | CR4_CET, "CR4.CET", "CET without WP" },
	{ LONG, SAVE(dr6), 1ull << 32, "DR6", "DR6" },
	{ LONG, SAVE(dr7), 1ull << 32, "DR7", "DR7" },
	{ LONG, SAVE(efer), 0x1502 | 1 << 9, "EFER has", "EFER" },
	{ LONG, SAVE(efer), 0x1500 | 1ull << 32, "EFER has", "the upper half of EFER" },
	{ LONG, SAVE(cr4), 0, "EFER.LME and CR0.PG are set and CR4.PAE", "long mode without PAE" },
	{ PAGED, SAVE(efer), X86_EFER_SVME | X86_EFER_LMA, "", "LMA alone is not long mode" },
	{ PROTECTED, SAVE(efer), X86_EFER_SVME | X86_EFER_LME, "", "LME without paging" },
	{ LONG, SAVE(cr0), CR0_PG, "EFER.LME and CR0.PG are set and CR0.PE", "no protection" },
	{ PAGED, SAVE(cr0), CR0_PG, "", "a legacy mode without protection is not looked at" },
	{ LONG, CONTROL(iopm), LIMIT - 0x3000, "", "the last I/O map" },
	{ LONG, CONTROL(iopm), LIMIT - 0x2001, "", "an address within a page is the page's" },
	{ LONG, CONTROL(iopm), LIMIT - 0x2000, "the I/O", "its third page too far" },
	{ LONG, CONTROL(msrpm), LIMIT - 0x2000, "", "the last MSR map" },
	{ LONG, CONTROL(msrpm), LIMIT - 0x1000, "the MSR", "its second page too far" },
	{ LONG, CONTROL(nested_cr3), LIMIT - 0x1000, "", "the last nCR3" },
	{ LONG, CONTROL(nested_cr3), LIMIT, "nCR3", "nCR3 too large" },
	{ LONG, SAVE(pat), 0x0706050401000606, "", "all memory types" },
	{ LONG, SAVE(pat), 2, "G_PAT", "memory type 2" },
	{ LONG, SAVE(pat), 3ull << 56, "G_PAT", "memory type 3, in the last" },
	{ LONG, SAVE(pat), 8ull << 24, "G_PAT", "memory type 8" },
	{ LONG, SAVE(pat), 0x80ull << 32, "G_PAT", "memory type 0x80" },
	{ LONG, CONTROL(event_inject), 0x80000020, "", "an interrupt" },
	{ LONG, CONTROL(event_inject), 0x80000202, "", "an NMI" },
	{ LONG, CONTROL(event_inject), 0x80000480, "", "INT n" },
	{ LONG, CONTROL(event_inject), 0x80000b0e, "", "#PF" },
	{ LONG, CONTROL(event_inject), 0x8000031f, "", "vector 31" },
	{ LONG, CONTROL(event_inject), 0x80000303, "", "#BP" },
	{ LONG, CONTROL(event_inject), 0x80000120, "EVENTINJ has a reserved", "type 1" },
	{ LONG, CONTROL(event_inject), 0x80000520, "EVENTINJ has a reserved", "type 5" },
	{ LONG, CONTROL(event_inject), 0x80000620, "EVENTINJ has a reserved", "type 6" },
	{ LONG, CONTROL(event_inject), 0x80000720, "EVENTINJ has a reserved", "type 7" },
	{ LONG, CONTROL(event_inject), 0x720, "", "nothing is injected" },
	{ LONG, CONTROL(event_inject), 0x320, "", "nothing is, whatever the vector" },
	{ LONG, CONTROL(event_inject), 0x304, "", "nothing is, in 64-bit mode" },
	{ LONG, CONTROL(event_inject), 0x80000320, "EVENTINJ has an exception's", "vector 32" },
	{ REAL, CONTROL(event_inject), 0x80000302, "EVENTINJ has an exception's", "vector 2" },
	{ LONG, CONTROL(event_inject), 0x80000304, "EVENTINJ has an exception that", "#OF" },
	{ LONG, CONTROL(event_inject), 0x80000305, "EVENTINJ has an exception that", "#BR" },
	{ LONG, CONTROL(event_inject), 0x80000306, "", "#UD" },
	{ LONG, CONTROL(event_inject), 0x80000404, "", "INT 4 is another thing" },
	{ COMPATIBILITY, CONTROL(event_inject), 0x80000305, "", "#BR in 32-bit code" },
};

static void test_rows(void)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct row *row = &rows[i];

		clean(row->mode);
		memcpy((u8 *)&vmcb + row->field, &row->value, 8);
		breaks(row->rule, row->what);
	}
}

/* What takes more than one field. */
static void test_others(void)
{
	clean(LONG);
	vmcb.save.cs.attributes = 0x69b;
	breaks("CS.L", "L and D");
	clean(PAE);
	vmcb.save.cs.attributes = 0x69b;
	breaks("", "L and D in a legacy mode");
	clean(PAE);
	vmcb.save.cs.attributes = 0x29b;
	vmcb.control.event_inject = 0x80000304;
	breaks("", "L in a legacy mode is no 64-bit code");
	clean(LONG);
	vmcb.save.cr4 |= CR4_CET;
	vmcb.save.cr0 |= CR0_WP;
	breaks("", "CET with WP");
	clean(LONG);
	limits.long_mode = false;
	breaks("EFER.LME or", "long mode where there is none");
	clean(PROTECTED);
	limits.long_mode = false;
	vmcb.save.efer |= X86_EFER_LMA;
	breaks("EFER.LME or", "LMA where there is no long mode");
	clean(PROTECTED);
	limits.long_mode = false;
	breaks("", "none is needed");
	clean(LONG);
	vmcb.control.intercepts[4] = ~1u;
	breaks("VMRUN", "every other intercept of that word");
	clean(LONG);
	vmcb.control.asid = 0;
	breaks("the ASID", "ASID 0");
	clean(LONG);
	vmcb.control.nested = 0;
	vmcb.control.nested_cr3 = ~0ull;
	vmcb.save.pat = ~0ull;
	breaks("", "without nested paging nCR3 and G_PAT are not looked at");
	clean(LONG);
	vmcb.save.cr0 |= 1ull << 32;
	vmcb.control.asid = 0;
	breaks("CR0 has", "of two the first is named");
}

int main(void)
{
	test_clean();
	test_rows();
	test_others();
	for (unsigned int i = 0; i < svm_rules(); i++)
		ok(seen[i] && !strncmp(svm_rule(i)->section, "APM 2 15.", 9), "%s: %s",
		   svm_rule(i)->section, svm_rule(i)->name);
	return tap_done();
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Names of the processor's exit reasons: both makers' tables, and the words that mean
 * the same with both.
 */
#include "hwexit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VMX_BASIC 0xffffu	/* the basic exit reason; above are flags (SDM 3 25.9.1) */
#define VMX_EXCEPTION 0
#define SVM_EXCP0 0x40		/* VMEXIT_EXCP0 to EXCP31 */
#define SVM_EXCP31 0x5f
#define SVM_MSR 0x7c

/* SDM 3 appendix C, table C-1. Those left out are reserved or not in it. */
static const char *const vmx_names[] = {
	[0] = "exception_or_nmi",
	[1] = "external_interrupt",
	[2] = "triple_fault",
	[3] = "init",
	[4] = "sipi",
	[5] = "io_smi",
	[6] = "other_smi",
	[7] = "interrupt_window",
	[8] = "nmi_window",
	[9] = "task_switch",
	[10] = "cpuid",
	[11] = "getsec",
	[12] = "hlt",
	[13] = "invd",
	[14] = "invlpg",
	[15] = "rdpmc",
	[16] = "rdtsc",
	[17] = "rsm",
	[18] = "vmcall",
	[19] = "vmclear",
	[20] = "vmlaunch",
	[21] = "vmptrld",
	[22] = "vmptrst",
	[23] = "vmread",
	[24] = "vmresume",
	[25] = "vmwrite",
	[26] = "vmxoff",
	[27] = "vmxon",
	[28] = "cr_access",
	[29] = "mov_dr",
	[30] = "io_instruction",
	[31] = "rdmsr",
	[32] = "wrmsr",
	[33] = "entry_failure_guest_state",
	[34] = "entry_failure_msr_loading",
	[36] = "mwait",
	[37] = "monitor_trap_flag",
	[39] = "monitor",
	[40] = "pause",
	[41] = "entry_failure_machine_check",
	[43] = "tpr_below_threshold",
	[44] = "apic_access",
	[45] = "virtualized_eoi",
	[46] = "gdtr_idtr_access",
	[47] = "ldtr_tr_access",
	[48] = "ept_violation",
	[49] = "ept_misconfig",
	[50] = "invept",
	[51] = "rdtscp",
	[52] = "preemption_timer",
	[53] = "invvpid",
	[54] = "wbinvd",
	[55] = "xsetbv",
	[56] = "apic_write",
	[57] = "rdrand",
	[58] = "invpcid",
	[59] = "vmfunc",
	[60] = "encls",
	[61] = "rdseed",
	[62] = "pml_full",
	[63] = "xsaves",
	[64] = "xrstors",
	[65] = "pconfig",
	[66] = "spp_event",
	[67] = "umwait",
	[68] = "tpause",
	[69] = "loadiwkey",
	[70] = "enclv",
	[72] = "enqcmd_pasid",
	[73] = "enqcmds_pasid",
	[74] = "bus_lock",
	[75] = "instruction_timeout",
	[76] = "seamcall",
	[77] = "tdcall",
	[78] = "rdmsrlist",
	[79] = "wrmsrlist",
	[80] = "urdmsr",
	[81] = "uwrmsr",
	[84] = "rdmsr_imm",
	[85] = "wrmsrns_imm",
};

/*
 * APM 2 appendix C, table C-1. A row of several codes has its number appended to each
 * name: read_cr0 to read_cr15.
 */
static const struct {
	u32 first, last;
	const char *name, *after;
} svm_names[] = {
	{ 0x000, 0x00f, "read_cr", "" },
	{ 0x010, 0x01f, "write_cr", "" },
	{ 0x020, 0x02f, "read_dr", "" },
	{ 0x030, 0x03f, "write_dr", "" },
	{ SVM_EXCP0, SVM_EXCP31, "excp", "" },
	{ 0x060, 0x060, "intr", NULL },
	{ 0x061, 0x061, "nmi", NULL },
	{ 0x062, 0x062, "smi", NULL },
	{ 0x063, 0x063, "init", NULL },
	{ 0x064, 0x064, "vintr", NULL },
	{ 0x065, 0x065, "cr0_sel_write", NULL },
	{ 0x066, 0x066, "idtr_read", NULL },
	{ 0x067, 0x067, "gdtr_read", NULL },
	{ 0x068, 0x068, "ldtr_read", NULL },
	{ 0x069, 0x069, "tr_read", NULL },
	{ 0x06a, 0x06a, "idtr_write", NULL },
	{ 0x06b, 0x06b, "gdtr_write", NULL },
	{ 0x06c, 0x06c, "ldtr_write", NULL },
	{ 0x06d, 0x06d, "tr_write", NULL },
	{ 0x06e, 0x06e, "rdtsc", NULL },
	{ 0x06f, 0x06f, "rdpmc", NULL },
	{ 0x070, 0x070, "pushf", NULL },
	{ 0x071, 0x071, "popf", NULL },
	{ 0x072, 0x072, "cpuid", NULL },
	{ 0x073, 0x073, "rsm", NULL },
	{ 0x074, 0x074, "iret", NULL },
	{ 0x075, 0x075, "swint", NULL },
	{ 0x076, 0x076, "invd", NULL },
	{ 0x077, 0x077, "pause", NULL },
	{ 0x078, 0x078, "hlt", NULL },
	{ 0x079, 0x079, "invlpg", NULL },
	{ 0x07a, 0x07a, "invlpga", NULL },
	{ 0x07b, 0x07b, "ioio", NULL },
	{ SVM_MSR, SVM_MSR, "msr", NULL },
	{ 0x07d, 0x07d, "task_switch", NULL },
	{ 0x07e, 0x07e, "ferr_freeze", NULL },
	{ 0x07f, 0x07f, "shutdown", NULL },
	{ 0x080, 0x080, "vmrun", NULL },
	{ 0x081, 0x081, "vmmcall", NULL },
	{ 0x082, 0x082, "vmload", NULL },
	{ 0x083, 0x083, "vmsave", NULL },
	{ 0x084, 0x084, "stgi", NULL },
	{ 0x085, 0x085, "clgi", NULL },
	{ 0x086, 0x086, "skinit", NULL },
	{ 0x087, 0x087, "rdtscp", NULL },
	{ 0x088, 0x088, "icebp", NULL },
	{ 0x089, 0x089, "wbinvd", NULL },
	{ 0x08a, 0x08a, "monitor", NULL },
	{ 0x08b, 0x08b, "mwait", NULL },
	{ 0x08c, 0x08c, "mwait_conditional", NULL },
	{ 0x08d, 0x08d, "xsetbv", NULL },
	{ 0x08e, 0x08e, "rdpru", NULL },
	{ 0x08f, 0x08f, "efer_write_trap", NULL },
	{ 0x090, 0x09f, "cr", "_write_trap" },
	{ 0x0a0, 0x0a0, "invlpgb", NULL },
	{ 0x0a1, 0x0a1, "invlpgb_illegal", NULL },
	{ 0x0a2, 0x0a2, "invpcid", NULL },
	{ 0x0a3, 0x0a3, "mcommit", NULL },
	{ 0x0a4, 0x0a4, "tlbsync", NULL },
	{ 0x0a5, 0x0a5, "bus_lock", NULL },
	{ 0x0a6, 0x0a6, "idle_hlt", NULL },
	{ 0x400, 0x400, "npf", NULL },
	{ 0x401, 0x401, "avic_incomplete_ipi", NULL },
	{ 0x402, 0x402, "avic_noaccel", NULL },
	{ 0x403, 0x403, "vmgexit", NULL },
	{ 0xf0000000, 0xf0000000, "unused", NULL },
	{ ~0u, ~0u, "invalid", NULL },		/* -1: the guest's state in the VMCB */
	{ ~0u - 1, ~0u - 1, "busy", NULL },
	{ ~0u - 2, ~0u - 2, "idle_required", NULL },
	{ ~0u - 3, ~0u - 3, "invalid_pmc", NULL },
};

/* A range of reasons of one maker, and the vector or EXITINFO1 they must come with. */
struct codes {
	u32 first, last, detail;
};

#define CODE(reason) { reason, reason, HWEXIT_ANY }
#define CODES(first, last) { first, last, HWEXIT_ANY }
#define NO_CODE { 1, 0, 0 }
#define EXCEPTION(name, vector) { \
	"exception_" name, { { VMX_EXCEPTION, VMX_EXCEPTION, vector }, NO_CODE }, \
	{ CODE(SVM_EXCP0 + (vector)), NO_CODE } }

/*
 * Words that mean the same with both. What has one name with both anyway (hlt, cpuid)
 * needs no line here.
 */
static const struct {
	const char *name;
	struct codes vmx[2], svm[2];
} words[] = {
	{ "io", { CODE(30), NO_CODE }, { CODE(0x7b), NO_CODE } },
	{ "hypercall", { CODE(18), NO_CODE }, { CODE(0x81), NO_CODE } },
	{ "rdmsr", { CODE(31), NO_CODE }, { { SVM_MSR, SVM_MSR, 0 }, NO_CODE } },
	{ "wrmsr", { CODE(32), NO_CODE }, { { SVM_MSR, SVM_MSR, 1 }, NO_CODE } },
	{ "shutdown", { CODE(2), NO_CODE }, { CODE(0x7f), NO_CODE } },
	{ "irq_window", { CODE(7), NO_CODE }, { CODE(0x64), NO_CODE } },
	{ "entry_failure", { CODES(33, 34), NO_CODE }, { CODE(~0u), NO_CODE } },
	{ "cr_access", { CODE(28), NO_CODE }, { CODES(0x00, 0x1f), CODE(0x65) } },
	{ "dr_access", { CODE(29), NO_CODE }, { CODES(0x20, 0x3f), NO_CODE } },
	/* Memory that is not there, with paging of it by the processor; see hwexit_judge(). */
	{ "mmio", { CODES(48, 49), NO_CODE }, { CODE(0x400), NO_CODE } },
	/* What KVM_EXIT_SET_TPR comes from: CR8, or TPR under its threshold. */
	{ "tpr", { CODE(28), CODE(43) }, { CODE(0x18), NO_CODE } },
	EXCEPTION("de", 0),
	EXCEPTION("db", 1),
	EXCEPTION("bp", 3),
	EXCEPTION("of", 4),
	EXCEPTION("br", 5),
	EXCEPTION("ud", 6),
	EXCEPTION("nm", 7),
	EXCEPTION("df", 8),
	EXCEPTION("ts", 10),
	EXCEPTION("np", 11),
	EXCEPTION("ss", 12),
	EXCEPTION("gp", 13),
	EXCEPTION("pf", 14),
	EXCEPTION("mf", 16),
	EXCEPTION("ac", 17),
	EXCEPTION("mc", 18),
	EXCEPTION("xm", 19),
	EXCEPTION("cp", 21),
};

static const char *vmx_name(u32 reason)
{
	reason &= VMX_BASIC;
	return reason < ARRAY_SIZE(vmx_names) ? vmx_names[reason] : NULL;
}

/* Writes the name of a code of row i. */
static void svm_name(unsigned int i, u32 code, char name[HWEXIT_NAME])
{
	if (svm_names[i].after)
		snprintf(name, HWEXIT_NAME, "%s%u%s", svm_names[i].name, code - svm_names[i].first,
			 svm_names[i].after);
	else
		snprintf(name, HWEXIT_NAME, "%s", svm_names[i].name);
}

const char *hwexit_name(const struct hwexit *exit, char name[HWEXIT_NAME])
{
	if (exit->isa == HWEXIT_VMX)
		return vmx_name(exit->reason);
	for (unsigned int i = 0; exit->isa == HWEXIT_SVM && i < ARRAY_SIZE(svm_names); i++) {
		if (exit->reason < svm_names[i].first || exit->reason > svm_names[i].last)
			continue;
		svm_name(i, exit->reason, name);
		return name;
	}
	return NULL;
}

static bool equal(const char *word, const char *name, size_t len)
{
	return word && strlen(word) == len && !memcmp(word, name, len);
}

/* The reason of that name, or -1. */
static s64 vmx_code(const char *name, size_t len)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(vmx_names); i++)
		if (equal(vmx_names[i], name, len))
			return i;
	return -1;
}

static s64 svm_code(const char *name, size_t len)
{
	char text[HWEXIT_NAME];

	for (unsigned int i = 0; i < ARRAY_SIZE(svm_names); i++) {
		size_t head = strlen(svm_names[i].name);

		if (len < head || memcmp(name, svm_names[i].name, head))
			continue;
		for (u64 code = svm_names[i].first; code <= svm_names[i].last; code++) {
			svm_name(i, (u32)code, text);
			if (equal(text, name, len))
				return (s64)code;
		}
	}
	return -1;
}

/* Takes the maker before a name off it; 0 if there is none. */
static u32 maker_of(const char **name, size_t *len)
{
	static const struct {
		const char *prefix;
		u32 isa;
	} makers[] = { { "vmx.", HWEXIT_VMX }, { "svm.", HWEXIT_SVM } };

	for (unsigned int i = 0; i < ARRAY_SIZE(makers); i++) {
		size_t bytes = strlen(makers[i].prefix);

		if (*len <= bytes || memcmp(*name, makers[i].prefix, bytes))
			continue;
		*name += bytes;
		*len -= bytes;
		return makers[i].isa;
	}
	return 0;
}

bool hwexit_next_name(const char *names, size_t bytes, size_t *at, const char **name, size_t *len)
{
	const char *bar;

	if (*at > bytes)
		return false;
	*name = names + *at;
	bar = memchr(*name, '|', bytes - *at);
	*len = bar ? (size_t)(bar - *name) : bytes - *at;
	*at += *len + 1;
	return true;
}

const char *hwexit_word(unsigned int i)
{
	return i < ARRAY_SIZE(words) ? words[i].name : NULL;
}

static int word_index(const char *name, size_t len)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(words); i++)
		if (equal(words[i].name, name, len))
			return (int)i;
	return -1;
}

bool hwexit_name_known(const char *name, size_t len)
{
	u32 maker = maker_of(&name, &len);

	if (maker != HWEXIT_SVM && vmx_code(name, len) >= 0)
		return true;
	if (maker != HWEXIT_VMX && svm_code(name, len) >= 0)
		return true;
	return !maker && word_index(name, len) >= 0;
}

static bool among(const struct codes codes[2], const struct hwexit *exit)
{
	u32 reason = exit->isa == HWEXIT_VMX ? exit->reason & VMX_BASIC : exit->reason;
	u32 detail = reason == SVM_MSR && exit->isa == HWEXIT_SVM ? (u32)exit->info1 :
								    (u32)hwexit_vector(exit);

	for (unsigned int i = 0; i < 2; i++)
		if (reason >= codes[i].first && reason <= codes[i].last &&
		    (codes[i].detail == HWEXIT_ANY || codes[i].detail == detail))
			return true;
	return false;
}

enum hwexit_fit hwexit_is(const struct hwexit *exit, const char *name, size_t len)
{
	u32 maker = maker_of(&name, &len);
	int word = maker ? -1 : word_index(name, len);
	s64 code;

	if ((maker && maker != exit->isa) ||
	    (exit->isa != HWEXIT_VMX && exit->isa != HWEXIT_SVM))
		return HWEXIT_NOT_ITS_NAME;
	if (word >= 0)
		return among(exit->isa == HWEXIT_VMX ? words[word].vmx : words[word].svm, exit) ?
			HWEXIT_FITS : HWEXIT_FITS_NOT;
	code = exit->isa == HWEXIT_VMX ? vmx_code(name, len) : svm_code(name, len);
	if (code < 0)
		return HWEXIT_NOT_ITS_NAME;
	if (exit->isa == HWEXIT_VMX)
		return code == (exit->reason & VMX_BASIC) ? HWEXIT_FITS : HWEXIT_FITS_NOT;
	return code == exit->reason ? HWEXIT_FITS : HWEXIT_FITS_NOT;
}

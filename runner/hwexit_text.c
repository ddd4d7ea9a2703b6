// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an exit of the processor tells beside its reason, in words: exit qualification
 * (SDM 3 27.2.1) and EXITINFO1, EXITINFO2 (APM 2 chapter 15, by intercept).
 */
#include "hwexit.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#define VMX_BASIC 0xffffu
#define VMX_ENTRY_FAILED (1u << 31)
#define INFO_VALID (1u << 31)	/* of all interruption informations of both makers */
#define INFO_ERROR_VALID (1u << 11)

enum {
	VMX_EXCEPTION = 0,
	VMX_TASK_SWITCH = 9,
	VMX_INVLPG = 14,
	VMX_CR_ACCESS = 28,
	VMX_MOV_DR = 29,
	VMX_IO = 30,
	VMX_ENTRY_STATE = 33,
	VMX_APIC_ACCESS = 44,
	VMX_EPT_VIOLATION = 48,
};

enum {
	SVM_EXCP0 = 0x40,
	SVM_EXCP14 = 0x4e,
	SVM_EXCP31 = 0x5f,
	SVM_INVLPG = 0x79,
	SVM_IOIO = 0x7b,
	SVM_MSR = 0x7c,
	SVM_TASK_SWITCH = 0x7d,
	SVM_NPF = 0x400,
};

#define VECTOR_PF 14

struct text {
	char *at;
	size_t len;
};

static void add(struct text *text, const char *fmt, ...) PRINTF(2, 3);
static void add(struct text *text, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(text->at + text->len, HWEXIT_TEXT - text->len, fmt, args);
	va_end(args);
	text->len += n < 0 ? 0 : (size_t)n;
	if (text->len >= HWEXIT_TEXT)
		text->len = HWEXIT_TEXT - 1;
}

/* " word" for each bit that is set. */
static void add_bits(struct text *text, u64 bits, const char *const words[], unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		if (words[i] && bits >> i & 1)
			add(text, " %s", words[i]);
}

bool hwexit_io(const struct hwexit *exit, struct hwexit_io *io)
{
	u64 info = exit->info1;

	if (exit->isa == HWEXIT_VMX && (exit->reason & VMX_BASIC) == VMX_IO) {
		*io = (struct hwexit_io){ .size = (u8)((info & 7) + 1), .in = info >> 3 & 1,
					  .string = info >> 4 & 1, .rep = info >> 5 & 1 };
	} else if (exit->isa == HWEXIT_SVM && exit->reason == SVM_IOIO) {
		*io = (struct hwexit_io){ .size = (u8)(info >> 4 & 7), .in = info & 1,
					  .string = info >> 2 & 1, .rep = info >> 3 & 1 };
	} else {
		return false;
	}
	io->port = (u16)(info >> 16);
	return true;
}

int hwexit_vector(const struct hwexit *exit)
{
	if (exit->isa == HWEXIT_SVM && exit->reason >= SVM_EXCP0 && exit->reason <= SVM_EXCP31)
		return (int)(exit->reason - SVM_EXCP0);
	if (exit->isa == HWEXIT_VMX && (exit->reason & VMX_BASIC) == VMX_EXCEPTION &&
	    exit->intr_info & INFO_VALID)
		return exit->intr_info & 0xff;
	return -1;
}

static void add_io(struct text *text, const struct hwexit *exit)
{
	struct hwexit_io io;

	if (hwexit_io(exit, &io))
		add(text, " port=%#x size=%u %s%s%s", io.port, io.size, io.in ? "in" : "out",
		    io.string ? " string" : "", io.rep ? " rep" : "");
}

/* SDM 3 table 28-3: control-register accesses. */
static void add_cr(struct text *text, u64 info)
{
	static const char *const kinds[] = { "mov to cr", "mov from cr", "clts", "lmsw" };
	unsigned int kind = info >> 4 & 3;

	add(text, " %s", kinds[kind]);
	if (kind < 2)
		add(text, "%u gpr=%u", (unsigned int)(info & 0xf), (unsigned int)(info >> 8 & 0xf));
}

/* SDM 3 table 28-7: EPT violations. */
static void add_ept(struct text *text, u64 info)
{
	static const char *const access[] = { "read", "write", "fetch" };
	static const char *const allowed[] = { "r", "w", "x" };

	add_bits(text, info, access, ARRAY_SIZE(access));
	add(text, ", entry allows");
	if (info & 0x38)
		add_bits(text, info >> 3, allowed, ARRAY_SIZE(allowed));
	else
		add(text, " nothing");
	if (info & 1 << 7)
		add(text, info & 1 << 8 ? "" : ", of the guest's page tables");
}

/* APM 2 15.25.6: an error code as of a page fault, and where in the walk it came. */
static void add_npf(struct text *text, const struct hwexit *exit)
{
	static const char *const bits[] = { "present", "write", "user", "reserved", "fetch" };

	add_bits(text, exit->info1, bits, ARRAY_SIZE(bits));
	add(text, " gpa=%#" PRIx64, exit->info2);
	if (exit->info1 >> 33 & 1)
		add(text, ", of the guest's page tables");
}

static void describe_vmx(const struct hwexit *exit, struct text *text)
{
	static const char *const sources[] = { "call", "iret", "jmp", "gate" };
	int vector = hwexit_vector(exit);

	switch (exit->reason & VMX_BASIC) {
	case VMX_EXCEPTION:
		if (vector >= 0)
			add(text, " vector=%d", vector);
		if (exit->intr_info & INFO_VALID && exit->intr_info & INFO_ERROR_VALID)
			add(text, " error=%#x", exit->error_code);
		if (vector == VECTOR_PF)
			add(text, " address=%#" PRIx64, exit->info1);
		break;
	case VMX_TASK_SWITCH:
		add(text, " selector=%#x by %s", (unsigned int)(exit->info1 & 0xffff),
		    sources[exit->info1 >> 30 & 3]);
		break;
	case VMX_INVLPG:
		add(text, " address=%#" PRIx64, exit->info1);
		break;
	case VMX_CR_ACCESS:
		add_cr(text, exit->info1);
		break;
	case VMX_MOV_DR:
		add(text, " mov %s dr%u gpr=%u", exit->info1 >> 4 & 1 ? "from" : "to",
		    (unsigned int)(exit->info1 & 7), (unsigned int)(exit->info1 >> 8 & 0xf));
		break;
	case VMX_IO:
		add_io(text, exit);
		break;
	case VMX_APIC_ACCESS:
		add(text, " offset=%#x", (unsigned int)(exit->info1 & 0xfff));
		break;
	case VMX_EPT_VIOLATION:
		add_ept(text, exit->info1);
		break;
	}
	if (exit->reason & VMX_ENTRY_FAILED)
		add(text, ", VM entry failed");
	if (exit->info2 & INFO_VALID)
		add(text, ", while delivering vector %u", (unsigned int)(exit->info2 & 0xff));
}

static void describe_svm(const struct hwexit *exit, struct text *text)
{
	switch (exit->reason) {
	case SVM_IOIO:
		add_io(text, exit);
		break;
	case SVM_MSR:
		add(text, exit->info1 & 1 ? " write" : " read");
		break;
	case SVM_EXCP14:
		add(text, " error=%#" PRIx64 " address=%#" PRIx64, exit->info1, exit->info2);
		break;
	case SVM_INVLPG:
		add(text, " address=%#" PRIx64, exit->info1);
		break;
	case SVM_TASK_SWITCH:
		add(text, " selector=%#x", (unsigned int)(exit->info1 & 0xffff));
		break;
	case SVM_NPF:
		add_npf(text, exit);
		break;
	}
	if (exit->intr_info & INFO_VALID)
		add(text, ", while delivering vector %u", exit->intr_info & 0xff);
}

void hwexit_describe(const struct hwexit *exit, char buffer[HWEXIT_TEXT])
{
	char room[HWEXIT_NAME];
	const char *name = hwexit_name(exit, room);
	struct text text = { .at = buffer };

	if (name)
		add(&text, "%s", name);
	else if (exit->isa == HWEXIT_VMX || exit->isa == HWEXIT_SVM)
		add(&text, "reserved reason %#x", exit->reason);
	else
		add(&text, "reason %#x of an unknown maker (isa %u)", exit->reason, exit->isa);
	if (exit->isa == HWEXIT_VMX)
		describe_vmx(exit, &text);
	else if (exit->isa == HWEXIT_SVM)
		describe_svm(exit, &text);
}

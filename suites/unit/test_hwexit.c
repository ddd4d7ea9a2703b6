// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exits of the processor: their names and fields against the manuals' tables, the
 * tracepoint's format and ring against made-up ones, and what expect_hw takes for held.
 */
#include "hwexit.h"

#include <linux/perf_event.h>
#include <stdlib.h>

#include "tap.h"

#define VMX(number, ...) { .isa = HWEXIT_VMX, .reason = number, __VA_ARGS__ }
#define SVM(number, ...) { .isa = HWEXIT_SVM, .reason = number, __VA_ARGS__ }
#define EXCEPTION(vector) VMX(0, .intr_info = 0x80000300 | (vector))

static enum hwexit_fit is(struct hwexit exit, const char *name)
{
	return hwexit_is(&exit, name, strlen(name));
}

static bool known(const char *name)
{
	return hwexit_name_known(name, strlen(name));
}

/* ---- names ------------------------------------------------------------------------- */

/* Rows from all over SDM 3 table C-1 and APM 2 table C-1, ends and gaps included. */
static void test_names(void)
{
	static const struct {
		struct hwexit exit;
		const char *name;
	} rows[] = {
		{ VMX(0), "exception_or_nmi" },
		{ VMX(2), "triple_fault" },
		{ VMX(10), "cpuid" },
		{ VMX(12), "hlt" },
		{ VMX(18), "vmcall" },
		{ VMX(28), "cr_access" },
		{ VMX(30), "io_instruction" },
		{ VMX(33), "entry_failure_guest_state" },
		{ VMX(0x80000021), "entry_failure_guest_state" },
		{ VMX(35), NULL },
		{ VMX(48), "ept_violation" },
		{ VMX(49), "ept_misconfig" },
		{ VMX(52), "preemption_timer" },
		{ VMX(55), "xsetbv" },
		{ VMX(71), NULL },
		{ VMX(74), "bus_lock" },
		{ VMX(85), "wrmsrns_imm" },
		{ VMX(86), NULL },
		{ SVM(0x00), "read_cr0" },
		{ SVM(0x0f), "read_cr15" },
		{ SVM(0x18), "write_cr8" },
		{ SVM(0x27), "read_dr7" },
		{ SVM(0x3f), "write_dr15" },
		{ SVM(0x40), "excp0" },
		{ SVM(0x4e), "excp14" },
		{ SVM(0x5f), "excp31" },
		{ SVM(0x60), "intr" },
		{ SVM(0x64), "vintr" },
		{ SVM(0x72), "cpuid" },
		{ SVM(0x78), "hlt" },
		{ SVM(0x7b), "ioio" },
		{ SVM(0x7c), "msr" },
		{ SVM(0x7f), "shutdown" },
		{ SVM(0x81), "vmmcall" },
		{ SVM(0x8d), "xsetbv" },
		{ SVM(0x98), "cr8_write_trap" },
		{ SVM(0xa6), "idle_hlt" },
		{ SVM(0xa7), NULL },
		{ SVM(0x400), "npf" },
		{ SVM(0x403), "vmgexit" },
		{ SVM(0x404), NULL },
		{ SVM(0xffffffff), "invalid" },
		{ { .isa = 0, .reason = 12 }, NULL },
		{ { .isa = 3, .reason = 12 }, NULL },
	};
	char room[HWEXIT_NAME];

	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *name = hwexit_name(&rows[i].exit, room);

		if (!rows[i].name)
			ok(!name, "isa %u reason %#x has no name", rows[i].exit.isa,
			   rows[i].exit.reason);
		else
			ok_text(name, rows[i].name, "isa %u reason %#x", rows[i].exit.isa,
				rows[i].exit.reason);
	}
}

/* Every name leads back to its own reason, and to no other one. */
static void test_back(void)
{
	static const u32 isas[] = { HWEXIT_VMX, HWEXIT_SVM };
	unsigned int names[2] = { 0 }, wrong = 0;

	for (unsigned int i = 0; i < 2; i++) {
		for (u32 reason = 0; reason <= 0x410; reason++) {
			struct hwexit exit = { .isa = isas[i], .reason = reason };
			struct hwexit next = { .isa = isas[i], .reason = reason + 1 };
			char room[HWEXIT_NAME], full[HWEXIT_NAME + 8];
			const char *name = hwexit_name(&exit, room);

			if (!name)
				continue;
			names[i]++;
			snprintf(full, sizeof(full), "%s.%s", i ? "svm" : "vmx", name);
			wrong += !known(name) || !known(full) ||
				 is(exit, full) != HWEXIT_FITS ||
				 is(next, full) != HWEXIT_FITS_NOT;
		}
	}
	ok_equal(wrong, 0, "every name is known and fits its reason only");
	/* SDM 3 table C-1: 0 to 85 without 35, 38, 42, 71, 82 and 83. */
	ok_equal(names[0], 86 - 6, "VMX has so many reasons");
	/* APM 2 table C-1: 00 to 5f, 60 to 8f, 90 to 9f, a0 to a6, 400 to 403. */
	ok_equal(names[1], 0x60 + 0x30 + 0x10 + 7 + 4, "SVM has so many codes");
}

static void test_words(void)
{
	static const struct {
		struct hwexit exit;
		const char *name;
		enum hwexit_fit fit;
	} rows[] = {
		{ VMX(30), "io", HWEXIT_FITS },
		{ SVM(0x7b), "io", HWEXIT_FITS },
		{ VMX(12), "io", HWEXIT_FITS_NOT },
		{ VMX(0x7b), "io", HWEXIT_FITS_NOT },
		{ SVM(30), "io", HWEXIT_FITS_NOT },
		{ VMX(30), "io_instruction", HWEXIT_FITS },
		{ SVM(0x7b), "io_instruction", HWEXIT_NOT_ITS_NAME },
		{ VMX(12), "hlt", HWEXIT_FITS },
		{ SVM(0x78), "hlt", HWEXIT_FITS },
		{ VMX(2), "shutdown", HWEXIT_FITS },
		{ SVM(0x7f), "shutdown", HWEXIT_FITS },
		{ SVM(0x7f), "svm.shutdown", HWEXIT_FITS },
		{ SVM(0x7f), "triple_fault", HWEXIT_NOT_ITS_NAME },
		{ VMX(18), "hypercall", HWEXIT_FITS },
		{ SVM(0x81), "hypercall", HWEXIT_FITS },
		{ VMX(31), "rdmsr", HWEXIT_FITS },
		{ SVM(0x7c), "rdmsr", HWEXIT_FITS },
		{ SVM(0x7c, .info1 = 1), "rdmsr", HWEXIT_FITS_NOT },
		{ SVM(0x7c, .info1 = 1), "wrmsr", HWEXIT_FITS },
		{ SVM(0x7c), "wrmsr", HWEXIT_FITS_NOT },
		{ VMX(48), "mmio", HWEXIT_FITS },
		{ VMX(49), "mmio", HWEXIT_FITS },
		{ VMX(50), "mmio", HWEXIT_FITS_NOT },
		{ SVM(0x400), "mmio", HWEXIT_FITS },
		{ VMX(7), "irq_window", HWEXIT_FITS },
		{ SVM(0x64), "irq_window", HWEXIT_FITS },
		{ VMX(0x80000021), "entry_failure", HWEXIT_FITS },
		{ SVM(~0u), "entry_failure", HWEXIT_FITS },
		{ SVM(0x65), "cr_access", HWEXIT_FITS },
		{ SVM(0x1f), "cr_access", HWEXIT_FITS },
		{ SVM(0x20), "cr_access", HWEXIT_FITS_NOT },
		{ SVM(0x20), "dr_access", HWEXIT_FITS },
		{ VMX(43), "tpr", HWEXIT_FITS },
		{ VMX(28), "tpr", HWEXIT_FITS },
		{ SVM(0x18), "tpr", HWEXIT_FITS },
		{ EXCEPTION(6), "exception_ud", HWEXIT_FITS },
		{ EXCEPTION(14), "exception_ud", HWEXIT_FITS_NOT },
		{ VMX(0), "exception_de", HWEXIT_FITS_NOT },	/* no valid vector */
		{ SVM(0x46), "exception_ud", HWEXIT_FITS },
		{ SVM(0x41), "exception_db", HWEXIT_FITS },
		{ SVM(0x55), "exception_cp", HWEXIT_FITS },
		{ VMX(13), "vmx.invd", HWEXIT_FITS },
		{ SVM(0x76), "vmx.invd", HWEXIT_NOT_ITS_NAME },
		{ { .isa = 3, .reason = 12 }, "hlt", HWEXIT_NOT_ITS_NAME },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++)
		ok_equal(is(rows[i].exit, rows[i].name), rows[i].fit, "isa %u reason %#x as %s",
			 rows[i].exit.isa, rows[i].exit.reason, rows[i].name);
	ok(known("io") && known("npf") && known("vmx.ept_violation"), "these are names");
	ok(!known("ioi") && !known("") && !known("vmx.npf") && !known("svm.io_instruction") &&
	   !known("svm.io") && !known("amd.npf") && !known("vmx."), "and these are none");
	ok(hwexit_word(0) && !hwexit_word(1000), "the words can be listed");
}

/* ---- fields ---------------------------------------------------------------------------- */

static void describes(struct hwexit exit, const char *expected)
{
	char text[HWEXIT_TEXT];

	hwexit_describe(&exit, text);
	ok_text(text, expected, "isa %u reason %#x is described", exit.isa, exit.reason);
}

static void test_describe(void)
{
	/* SDM 3 table 28-5: OUT imm8; REP INSD */
	describes((struct hwexit)VMX(30, .info1 = 0x00100040),
		  "io_instruction port=0x10 size=1 out");
	describes((struct hwexit)VMX(30, .info1 = 0x03f8003b),
		  "io_instruction port=0x3f8 size=4 in string rep");
	/* APM 2 figure 15-2 */
	describes((struct hwexit)SVM(0x7b, .info1 = 0x00100210), "ioio port=0x10 size=1 out");
	describes((struct hwexit)SVM(0x7b, .info1 = 0x03f8004d),
		  "ioio port=0x3f8 size=4 in string rep");
	describes((struct hwexit)VMX(30, .info1 = 0x00600009),
		  "io_instruction port=0x60 size=2 in");
	describes((struct hwexit)SVM(0x7b, .info1 = 0x00600121), "ioio port=0x60 size=2 in");
	describes((struct hwexit)VMX(28, .info1 = 0x304), "cr_access mov to cr4 gpr=3");
	describes((struct hwexit)VMX(28, .info1 = 0x18), "cr_access mov from cr8 gpr=0");
	describes((struct hwexit)VMX(28, .info1 = 0x20), "cr_access clts");
	describes((struct hwexit)VMX(29, .info1 = 0x217), "mov_dr mov from dr7 gpr=2");
	describes((struct hwexit)VMX(48, .info1 = 0x182),
		  "ept_violation write, entry allows nothing");
	describes((struct hwexit)VMX(48, .info1 = 0x0a9),
		  "ept_violation read, entry allows r x, of the guest's page tables");
	describes((struct hwexit)VMX(48, .info1 = 4, .info2 = 0x8000000d),
		  "ept_violation fetch, entry allows nothing, while delivering vector 13");
	describes((struct hwexit)VMX(0, .info1 = 0x1234, .intr_info = 0x80000b0e, .error_code = 2),
		  "exception_or_nmi vector=14 error=0x2 address=0x1234");
	describes((struct hwexit)VMX(9, .info1 = 0xc0000028), "task_switch selector=0x28 by gate");
	describes((struct hwexit)VMX(0x80000021),
		  "entry_failure_guest_state, VM entry failed");
	describes((struct hwexit)SVM(0x400, .info1 = 0x100000006, .info2 = 0xe000),
		  "npf write user gpa=0xe000");
	describes((struct hwexit)SVM(0x400, .info1 = 0x200000015, .info2 = 0x10000),
		  "npf present user fetch gpa=0x10000, of the guest's page tables");
	describes((struct hwexit)SVM(0x4e, .info1 = 7, .info2 = 0x7000),
		  "excp14 error=0x7 address=0x7000");
	describes((struct hwexit)SVM(0x7c, .info1 = 1), "msr write");
	describes((struct hwexit)SVM(0x400, .info2 = 0x2000, .intr_info = 0x8000000e),
		  "npf gpa=0x2000, while delivering vector 14");
	describes((struct hwexit)SVM(0x404), "reserved reason 0x404");
	describes((struct hwexit){ .isa = 7, .reason = 5 },
		  "reason 0x5 of an unknown maker (isa 7)");
}

/* ---- the tracepoint ------------------------------------------------------------------------ */

#define FIELD(type, name, offset, size) \
	"\tfield:" type " " name ";\toffset:" offset ";\tsize:" size ";\tsigned:0;\n"
#define COMMON "name: kvm_exit\nID: 7\nformat:\n" \
	FIELD("unsigned short", "common_type", "0", "2") FIELD("int", "common_pid", "4", "4") \
	FIELD("u32", "other_isa", "4", "4")
#define FIRST FIELD("unsigned int", "exit_reason", "8", "4") \
	FIELD("unsigned long", "guest_rip", "16", "8") FIELD("u32", "isa", "24", "4") \
	FIELD("u64", "info1", "32", "8")
#define REST FIELD("u64", "info2", "40", "8") FIELD("u32", "intr_info", "48", "4") \
	FIELD("u32", "error_code", "52", "4") FIELD("unsigned int", "vcpu_id", "56", "4")
#define PRINT "\nprint fmt: \"reason %s isa;\", REC->exit_reason\n"

#define RECORD 60

static void make_record(u8 record[RECORD], u32 reason, u64 rip)
{
	u64 info1 = rip + 1, info2 = rip + 2;
	u32 isa = HWEXIT_SVM, intr_info = 5, error_code = 6;

	memset(record, 0xee, RECORD);
	memcpy(record + 8, &reason, 4);
	memcpy(record + 16, &rip, 8);
	memcpy(record + 24, &isa, 4);
	memcpy(record + 32, &info1, 8);
	memcpy(record + 40, &info2, 8);
	memcpy(record + 48, &intr_info, 4);
	memcpy(record + 52, &error_code, 4);
}

static void test_format(void)
{
	struct hwexit_format format;
	struct hwexit exit;
	const char *missing;
	u8 record[RECORD];

	ok(hwexit_parse_format(COMMON FIRST REST PRINT, &format, &missing),
	   "a format as kernels have it is understood");
	make_record(record, 0x7b, 0x8002);
	ok(hwexit_parse_record(&format, record, sizeof(record), &exit) && exit.reason == 0x7b &&
	   exit.rip == 0x8002 && exit.isa == HWEXIT_SVM && exit.info1 == 0x8003 &&
	   exit.info2 == 0x8004 && exit.intr_info == 5 && exit.error_code == 6,
	   "a record is taken apart");
	ok(!hwexit_parse_record(&format, record, 55, &exit), "a record that ends early is not");
	ok(hwexit_parse_format(COMMON FIRST PRINT, &format, &missing) &&
	   hwexit_parse_record(&format, record, 40, &exit) && exit.info1 == 0x8003 &&
	   !exit.info2 && !exit.intr_info, "older kernels have fewer fields");
	ok(!hwexit_parse_format(COMMON REST PRINT, &format, &missing),
	   "one without reason is refused");
	ok_text(missing, "exit_reason", "and it is said what is missing");
	ok(!hwexit_parse_format(COMMON FIRST FIELD("u16", "info2", "40", "2"), &format, &missing),
	   "as is one with a field of another size");
	ok_text(missing, "info2", "which is named too");
	ok(!hwexit_parse_format("", &format, &missing), "an empty file is no format");
}

#define RING 256		/* bytes: two records and a bit */

struct maker {
	u8 data[RING];
	u64 head;
};

static void put(struct maker *maker, const void *bytes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		maker->data[maker->head++ % RING] = ((const u8 *)bytes)[i];
}

static void put_header(struct maker *maker, u32 type, u16 size)
{
	struct perf_event_header header = { .type = type, .size = size };

	put(maker, &header, sizeof(header));
}

/* A sample as the kernel writes it: the record is padded to a multiple of 8 with its size. */
static void put_sample(struct maker *maker, u32 reason, u64 rip)
{
	u8 record[RECORD];
	u32 bytes = RECORD;

	make_record(record, reason, rip);
	put_header(maker, PERF_RECORD_SAMPLE, 8 + 4 + RECORD);
	put(maker, &bytes, 4);
	put(maker, record, RECORD);
}

static bool next_is(struct hwexit_ring *ring, const struct maker *maker,
		    const struct hwexit_format *format, u32 reason, u64 *lost)
{
	struct hwexit exit = { 0 };

	ring->head = maker->head;
	return hwexit_ring_next(ring, format, &exit, lost) && exit.reason == reason &&
	       exit.info1 == exit.rip + 1;
}

static void test_ring(void)
{
	struct maker maker = { .head = 0 };
	struct hwexit_ring ring = { .data = maker.data, .size = RING };
	struct hwexit_format format;
	u64 lost = 0, pair[2] = { 1, 17 };
	const char *missing;
	unsigned int good = 0;

	hwexit_parse_format(COMMON FIRST REST, &format, &missing);
	ok(!next_is(&ring, &maker, &format, 0, &lost), "an empty ring has nothing");
	for (u32 i = 0; i < 50; i++) {	/* past the end, at every alignment */
		put_sample(&maker, i, i * 16);
		if (i % 3)
			put_sample(&maker, i + 100, i);
		good += next_is(&ring, &maker, &format, i, &lost);
		good += i % 3 && next_is(&ring, &maker, &format, i + 100, &lost);
	}
	ok_equal(good, 50 + 33, "records come in order, over the end of the ring too");
	ok_equal(lost, 0, "and none is lost");
	put_header(&maker, PERF_RECORD_LOST, 24);
	put(&maker, pair, sizeof(pair));
	put_sample(&maker, 9, 9);
	ok(next_is(&ring, &maker, &format, 9, &lost), "a record after a loss is found");
	ok_equal(lost, 17, "and the loss is counted");
	put_header(&maker, PERF_RECORD_THROTTLE, 16);
	put(&maker, pair, 8);
	ok(!next_is(&ring, &maker, &format, 0, &lost) && lost == 17,
	   "other records are passed over");
	put_header(&maker, PERF_RECORD_SAMPLE, 16);
	put(&maker, pair, 8);
	ok(!next_is(&ring, &maker, &format, 0, &lost) && lost == 18,
	   "a sample too short for its fields is a loss");
	put_header(&maker, PERF_RECORD_SAMPLE, 0);
	put_sample(&maker, 1, 1);
	ok(!next_is(&ring, &maker, &format, 1, &lost) && lost == 19 && ring.tail == ring.head,
	   "what cannot be a record ends in a loss, not in a loop");
	put_header(&maker, PERF_RECORD_SAMPLE, 72);
	ok(!next_is(&ring, &maker, &format, 1, &lost) && lost == 20,
	   "nor does a record reach beyond the head");
}

/* ---- judging ----------------------------------------------------------------------- */

static const struct hwexit_config nested = { true, true, true };
static const struct hwexit_config shadow = { true, false, true };
static const struct hwexit_config restricted = { true, true, false };

#define NPF SVM(0x400, .info2 = 0x10000)
#define IO SVM(0x7b, .info1 = 0x100010)
#define OWN SVM(0x7b, .info1 = 0xf00010)
#define CPUID SVM(0x72)
#define INTR SVM(0x60)
#define HLT SVM(0x78)

struct judged {
	const char *what;
	enum hwexit_verdict verdict;
	const char *names;
	u16 own_port;
	const struct hwexit_config *config;
	struct hwexit exits[4];		/* up to the first of reason 0 and isa 0 */
};

static const struct judged judged[] = {
	{ "the exit itself", HWEXIT_AS_EXPECTED, "io", 0, &nested, { IO } },
	{ "faults before it", HWEXIT_AS_EXPECTED, "io", 0, &nested, { NPF, NPF, IO } },
	{ "an interrupt after it", HWEXIT_AS_EXPECTED, "io", 0, &nested, { IO, INTR } },
	{ "an NMI after it, of VMX", HWEXIT_AS_EXPECTED, "io", 0, &nested,
	  { VMX(30), VMX(0, .intr_info = 0x80000202) } },
	{ "a fault after it", HWEXIT_OTHER, "io", 0, &nested, { IO, NPF } },
	{ "another exit", HWEXIT_OTHER, "io", 0, &nested, { HLT } },
	{ "an exception that is no NMI", HWEXIT_OTHER, "io", 0, &nested,
	  { VMX(30), EXCEPTION(6) } },
	{ "one of two names", HWEXIT_AS_EXPECTED, "hlt|io", 0, &nested, { IO } },
	{ "names of both makers", HWEXIT_AS_EXPECTED, "ept_violation|npf", 0, &nested, { NPF } },
	{ "none of two names", HWEXIT_OTHER, "hlt|ept_violation", 0, &nested, { IO } },
	{ "another maker's name", HWEXIT_UNCHECKED, "ept_violation", 0, &nested, { NPF } },
	{ "only interrupts", HWEXIT_UNCHECKED, "io", 0, &nested, { INTR, INTR } },
	{ "an interrupt that is asked for", HWEXIT_AS_EXPECTED, "irq_window", 0, &nested,
	  { NPF, SVM(0x64) } },
	{ "no exit at all", HWEXIT_UNCHECKED, "io", 0, &nested, { { 0 } } },
	{ "an unknown maker", HWEXIT_UNCHECKED, "io", 0, &nested, { IO, { .isa = 9 } } },

	{ "before a checkpoint", HWEXIT_AS_EXPECTED, "cpuid", 0xf0, &nested, { CPUID, OWN } },
	{ "with faults between", HWEXIT_AS_EXPECTED, "cpuid", 0xf0, &nested,
	  { CPUID, NPF, OWN } },
	{ "none before a checkpoint", HWEXIT_OTHER, "cpuid", 0xf0, &nested, { NPF, OWN } },
	{ "another before a checkpoint", HWEXIT_OTHER, "cpuid", 0xf0, &nested,
	  { CPUID, HLT, OWN } },
	{ "a port like any other", HWEXIT_AS_EXPECTED, "io", 0xf0, &nested, { IO, OWN } },
	{ "the checkpoint's own port", HWEXIT_OTHER, "io", 0xf0, &nested, { OWN } },
	{ "a checkpoint that did not exit", HWEXIT_UNCHECKED, "cpuid", 0xf0, &nested, { NPF } },
	{ "an exception that is passed on", HWEXIT_AS_EXPECTED, "cpuid", 0xf1, &nested,
	  { CPUID, SVM(0x41), SVM(0x7b, .info1 = 0xf10010) } },
	{ "another exception", HWEXIT_OTHER, "cpuid", 0xf1, &nested,
	  { CPUID, SVM(0x46), SVM(0x7b, .info1 = 0xf10010) } },
	{ "an exception before a checkpoint", HWEXIT_OTHER, "cpuid", 0xf0, &nested,
	  { CPUID, SVM(0x41), OWN } },
	{ "MMIO before a checkpoint", HWEXIT_UNCHECKED, "mmio", 0xf0, &nested, { NPF, OWN } },
	{ "the stub's port is not the checkpoint's", HWEXIT_OTHER, "cpuid", 0xf1, &nested,
	  { CPUID, OWN } },

	{ "MMIO by nested paging", HWEXIT_AS_EXPECTED, "mmio", 0, &nested, { NPF } },
	{ "MMIO by shadow paging", HWEXIT_AS_EXPECTED, "mmio", 0, &shadow, { SVM(0x4e) } },
	{ "MMIO by shadow paging, of VMX", HWEXIT_AS_EXPECTED, "mmio", 0, &shadow,
	  { EXCEPTION(14) } },
	{ "a nested fault without nested paging", HWEXIT_OTHER, "mmio", 0, &shadow, { NPF } },
	{ "#PF with nested paging", HWEXIT_OTHER, "mmio", 0, &nested, { SVM(0x4e) } },
	{ "shadow paging fills in by #PF", HWEXIT_AS_EXPECTED, "cpuid", 0xf0, &shadow,
	  { CPUID, SVM(0x4e), OWN } },
	{ "#PF fills nothing in with nested paging", HWEXIT_OTHER, "cpuid", 0xf0, &nested,
	  { CPUID, SVM(0x4e), OWN } },
	{ "a triple fault", HWEXIT_AS_EXPECTED, "shutdown", 0, &nested, { SVM(0x7f) } },
	{ "which shadow paging leaves to the hypervisor", HWEXIT_UNCHECKED, "shutdown", 0, &shadow,
	  { SVM(0x4e) } },
	{ "without unrestricted guests", HWEXIT_UNCHECKED, "io", 0, &restricted,
	  { EXCEPTION(13) } },
	{ "an unknown configuration", HWEXIT_UNCHECKED, "mmio", 0, NULL, { NPF } },
	{ "which does not matter to I/O", HWEXIT_AS_EXPECTED, "io", 0, NULL, { IO } },
	{ "nor excuses another exit", HWEXIT_OTHER, "io", 0, NULL, { HLT } },
};

static enum hwexit_verdict judge(const struct hwexit_list *list, const struct judged *row,
				 bool paging, const struct hwexit **seen, const char **why)
{
	struct hwexit_wanted wanted = { .names = row->names, .len = strlen(row->names),
					.own_port = row->own_port, .paging = paging,
					.vector = row->own_port == 0xf1 ? 1 : -1 };

	if (row->config)
		wanted.config = *row->config;
	return hwexit_judge(list, &wanted, seen, why);
}

static void test_judge(void)
{
	const struct hwexit *seen;
	const char *why;

	for (unsigned int i = 0; i < ARRAY_SIZE(judged); i++) {
		const struct judged *row = &judged[i];
		struct hwexit_list list = { .count = 0 };
		enum hwexit_verdict verdict;

		for (unsigned int j = 0; j < 4 && (row->exits[j].isa || row->exits[j].reason); j++)
			hwexit_list_add(&list, &row->exits[j]);
		verdict = judge(&list, row, false, &seen, &why);
		ok_equal(verdict, row->verdict, "%s", row->what);
		ok((verdict == HWEXIT_UNCHECKED) == (why != NULL),
		   "a reason where it is unchecked");
	}
}

static void test_judge_list(void)
{
	static const struct judged io = { "", 0, "io", 0, &restricted, { IO } };
	static const struct judged cpuid = { "", 0, "cpuid", 0xf0, &nested, { IO } };
	static const struct hwexit exit = IO, other = HLT, own = OWN, fault = NPF;
	struct hwexit_list list = { .count = 0 };
	const struct hwexit *seen;
	const char *why;

	hwexit_list_add(&list, &exit);
	ok_equal(judge(&list, &io, true, &seen, &why), HWEXIT_AS_EXPECTED,
		 "code with paging runs on the processor in any case");
	ok(seen == &list.exits[0], "the exit that fits is told");
	hwexit_list_add(&list, &other);
	ok_equal(judge(&list, &io, true, &seen, &why), HWEXIT_OTHER, "another one after it");
	ok(seen == &list.exits[1], "is told as well");
	list.lost = 1;
	ok_equal(judge(&list, &io, true, &seen, &why), HWEXIT_UNCHECKED, "where some were lost");
	ok_contains(why, "lost", "nothing can be told");
	list = (struct hwexit_list){ .count = 1, .exits = { { .isa = 9, .reason = 30 } } };
	ok_equal(judge(&list, &io, true, &seen, &why), HWEXIT_UNCHECKED, "an unknown maker");
	ok_contains(why, "neither VMX nor SVM", "is what is said");
	list = (struct hwexit_list){ .count = 0 };
	ok_equal(judge(&list, &io, true, &seen, &why), HWEXIT_UNCHECKED, "no exit");
	ok_contains(why, "interpreted", "is an instruction that was interpreted");
	for (unsigned int i = 0; i < HWEXITS_STEP + 5; i++)
		hwexit_list_add(&list, i ? &fault : &other);
	hwexit_list_add(&list, &own);
	ok(list.count == HWEXITS_STEP && list.more &&
	   list.exits[HWEXITS_STEP - 1].info1 == own.info1, "the last exits are kept");
	ok_equal(judge(&list, &cpuid, true, &seen, &why), HWEXIT_UNCHECKED,
		 "what may have been dropped is not held against the processor");
}

static void test_config(void)
{
	struct hwexit_config config;

	config = hwexit_config("kvm_amd", "kvm_amd.nptx=0 xkvm_amd.npt=0 kvm_amd.npt=1");
	ok(config.known && config.nested && config.unrestricted, "kvm_amd with nested paging");
	config = hwexit_config("kvm_amd", "kvm_amd.npt=N");
	ok(config.known && !config.nested && config.unrestricted, "kvm_amd without");
	config = hwexit_config("kvm_intel", "kvm_intel.ept=Y kvm_intel.unrestricted_guest=Y");
	ok(config.known && config.nested && config.unrestricted, "kvm_intel with all");
	config = hwexit_config("kvm_intel", "kvm_intel.ept=Y kvm_intel.unrestricted_guest=N");
	ok(config.known && config.nested && !config.unrestricted, "kvm_intel without unrestricted");
	ok(!hwexit_config("kvm_intel", "kvm_intel.ept=Y").known, "a parameter that is not told");
	ok(!hwexit_config("kvm_amd", "").known, "no parameters");
	ok(!hwexit_config("kvm_pvm", "kvm_amd.npt=1").known, "another hypervisor");
}

int main(void)
{
	test_names();
	test_back();
	test_words();
	test_describe();
	test_format();
	test_ring();
	test_judge();
	test_judge_list();
	test_config();
	return tap_done();
}

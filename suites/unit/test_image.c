/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The image loader: what a good image becomes, and for every rule of the format
 * one image that breaks it and the message it gets. A rule's good side is tested
 * beside it, so that no rule can pass by rejecting everything.
 */
#include "build_image.h"
#include "tap.h"

#include <unistd.h>

static char *parse_error(const void *bytes, size_t size, struct image **image)
{
	char *error = NULL;

	*image = image_parse("some.elf", bytes, size, &error);
	return error;
}

/* The file must be refused with a message that holds why. */
static void refuse_file(const struct built_file *file, size_t size, const char *why)
{
	struct image *image;
	char *error = parse_error(file, size, &image);

	ok_contains(error, why, "refused: %s", why);
	if (error && strncmp(error, "some.elf: ", 10))
		ok(false, "the message begins with the file's name: %s", error);
	if (error && strchr(error, '\n'))
		ok(false, "the message is one line: %s", error);
	image_free(image);
	free(error);
}

static void refuse(const char *why)
{
	size_t size;
	struct built_file *file = build_file(&size);

	refuse_file(file, size, why);
	free(file);
}

/* What was built must be taken. The image is to be freed. */
static struct image *take(const char *what)
{
	size_t size;
	struct built_file *file = build_file(&size);
	struct image *image;
	char *error = parse_error(file, size, &image);

	ok(image && !error, "taken: %s", what);
	if (error)
		note("%s", error);
	free(error);
	free(file);
	return image;
}

#define HLT() REC(REC_EXPECT, STEP_HLT)

/* A record among those that set the stage: good and bad. */
#define STAGE(mode, what, ...) do { \
	begin_image(mode, "t"); begin_case("one"); REC(__VA_ARGS__); HLT(); \
	image_free(take(what)); \
} while (0)
#define BAD_STAGE(mode, why, ...) do { \
	begin_image(mode, "t"); begin_case("one"); REC(__VA_ARGS__); HLT(); refuse(why); \
} while (0)

/* A record behind an expectation: good and bad. */
#define STEP(mode, what, ...) do { \
	begin_image(mode, "t"); begin_case("one"); HLT(); REC(__VA_ARGS__); \
	image_free(take(what)); \
} while (0)
#define BAD_STEP(mode, why, ...) do { \
	begin_image(mode, "t"); begin_case("one"); HLT(); REC(__VA_ARGS__); refuse(why); \
} while (0)

#define L64 MODE_LONG64

/* ---- ELF ------------------------------------------------------------------ */

/* A good file with one thing changed, `f` being the file. */
#define BAD_FILE(change, why) do { \
	size_t size; struct built_file *f; \
	begin_image(L64, "t"); begin_case("one"); HLT(); \
	f = build_file(&size); change; refuse_file(f, size, why); free(f); \
} while (0)

#define GOOD_FILE(change, what) do { \
	size_t size; struct built_file *f; struct image *image; char *error; \
	begin_image(L64, "t"); begin_case("one"); HLT(); \
	f = build_file(&size); change; error = parse_error(f, size, &image); \
	if (!ok(!!image, "taken: %s", what)) \
		note("%s", error); \
	image_free(image); free(error); free(f); \
} while (0)

static void test_good_elf(void)
{
	GOOD_FILE(f->segment[1].p_vaddr = DATA_END - 16, "a segment that ends with the stage");
	GOOD_FILE(f->segment[1].p_vaddr = TEXT + 64, "segments that touch");
	GOOD_FILE(f->segment[0].p_vaddr = f->section[1].sh_addr = TEXT + 16;
		  f->segment[1].p_vaddr = TEXT; f->assay[16] = 0x10,
		  "segments that touch, the other way round");
	GOOD_FILE(f->segment[1].p_vaddr = 0; f->segment[1].p_type = PT_GNU_STACK,
		  "a segment that is not loaded, anywhere");
	GOOD_FILE(f->segment[1].p_vaddr = f->segment[1].p_memsz = 0, "an empty segment, anywhere");
	/* addr of the three records: at 16, 64 + 16 and 144 + 16 */
	GOOD_FILE(f->segment[0].p_vaddr = f->section[1].sh_addr = DATA - 64;
		  f->assay[16] = 0xc0; f->assay[80] = f->assay[160] = 0xd0;
		  f->assay[17] = f->assay[81] = f->assay[161] = 0xaf, ".text that ends at DATA");
}

static void test_elf(void)
{
	BAD_FILE(size = 0, "not an ELF file");
	BAD_FILE(size = 63, "not an ELF file");
	BAD_FILE(f->header.e_ident[1] = 'X', "not an ELF file");
	BAD_FILE(f->header.e_ident[EI_CLASS] = ELFCLASS32, "not 64-bit little-endian");
	BAD_FILE(f->header.e_ident[EI_DATA] = ELFDATA2MSB, "not 64-bit little-endian");
	BAD_FILE(f->header.e_machine = EM_386, "machine 3, not x86-64");
	BAD_FILE(f->header.e_type = ET_REL, "an object file: link it");
	BAD_FILE(f->header.e_type = ET_DYN, "type 3, not an executable");
	BAD_FILE(f->header.e_phnum = 0, "nothing to load");
	BAD_FILE(f->header.e_phoff = size, "program header");
	BAD_FILE(f->segment[1].p_vaddr = TEXT + 63, "segment 1: overlaps another at 0x8000");
	BAD_FILE(f->segment[1].p_vaddr = TEXT - 1, "segment 1: 0x10 bytes at 0x7fff leave");
	BAD_FILE(f->segment[1].p_vaddr = DATA_END - 15, "segment 1: 0x10 bytes at 0xcff1 leave");
	BAD_FILE(f->segment[1].p_memsz = ~0ull, "leave the stage's 0x8000 to 0xd000");
	BAD_FILE(f->segment[1].p_filesz = 17, "segment 1: its bytes are not in the file");
	BAD_FILE(f->segment[1].p_offset = size - 7, "segment 1: its bytes are not in the file");
	BAD_FILE(f->segment[1].p_offset = ~0ull, "segment 1: its bytes are not in the file");
	BAD_FILE(f->header.e_shstrndx = SHN_XINDEX; f->header.e_shoff = size, "section headers: ");
	BAD_FILE(f->header.e_shnum = 2, "section header 1: its name");
	BAD_FILE(f->section[2].sh_name = 2, "section .assay: there is none");
	BAD_FILE(f->section[1].sh_name = 7, "section .assay: there is more than one");
	BAD_FILE(f->section[3].sh_name = 1, "section .text: there is more than one");
	BAD_FILE(f->section[2].sh_type = SHT_NOBITS, "section .assay: not plain PROGBITS");
	BAD_FILE(f->section[2].sh_flags = SHF_COMPRESSED, "section .assay: not plain PROGBITS");
	BAD_FILE(f->section[2].sh_size++, "section .assay: its bytes are not in the file");
	BAD_FILE(f->section[2].sh_offset = ~0ull, "section .assay: its bytes are not in the file");
	BAD_FILE(f->section[2].sh_name = 1000, "section header 2: its name");
	BAD_FILE(f->section[1].sh_name = 2, "section .text: missing");
	BAD_FILE(f->section[1].sh_addr = TEXT - 16, "section .text: not inside");
	BAD_FILE(f->section[1].sh_size = DATA, "section .text: not inside");
	BAD_FILE(f->section[1].sh_size = 65, "section .text: missing, or not loaded");
	BAD_FILE(f->segment[0].p_filesz = 32, "section .text: missing, or not loaded");
}

static void test_many_segments(void)
{
	Elf64_Phdr *segments;
	struct built_file *file;
	size_t size, end;

	begin_image(L64, "t");
	begin_case("one");
	HLT();
	file = build_file(&size);
	end = size;
	size += 17 * sizeof(*segments);
	file = xrealloc(file, size);
	segments = (Elf64_Phdr *)((u8 *)file + end);
	for (unsigned int i = 0; i < 17; i++) {
		segments[i] = file->segment[0];
		segments[i].p_vaddr += i * 64;
	}
	file->header.e_phoff = end;
	file->header.e_phnum = 17;
	refuse_file(file, size, "segment 16: more than 16 segments");
	free(file);
}

static void test_size(void)
{
	size_t size = (1 << 20) + 1;
	u8 *file = xcalloc(1, size);

	memcpy(file, ELFMAG, SELFMAG);
	refuse_file((struct built_file *)file, size, "larger than 1048576 bytes");
	free(file);
}

/* ---- records -------------------------------------------------------------- */

/* A good image with some of the bytes of its records changed, `a` being those. */
#define BAD_BYTES(change, why) do { \
	u8 *a; \
	begin_image(L64, "t"); begin_case("one"); HLT(); \
	a = (u8 *)built.s; change; refuse(why); \
} while (0)

/* The first record: header 24, version 16, name 16 + 8. The next at 64. */
static void test_layout(void)
{
	begin_image(L64, "t");
	built.len = 0;
	refuse("section .assay: it is empty");
	begin_image(L64, "t");
	begin_case("one");
	HLT();
	built.len -= 8;
	refuse("offset 0x90: 16 bytes are too few for a record");
	BAD_BYTES(a[4] = 16, "offset 0, line 1: modes: its length 16 is not");
	BAD_BYTES(a[4] = 65, "offset 0, line 1: modes: its length 65 is not");
	BAD_BYTES(a[6] = 1, "offset 0, line 1: modes: its length 65600 is not");
	BAD_BYTES(a[144 + 4] = 32, "offset 0x90, line 3: expect hlt: its length 32 is not");
	BAD_BYTES(a[12] = 3, "offset 0, line 1: modes: 3 fields do not fit into 64 bytes");
	BAD_BYTES(a[12] = 1, "24 bytes follow the last field");
	BAD_BYTES(a[14] = 1, "bytes of its header that must be zero are not");
	BAD_BYTES(a[26] = 1, "field 254: bytes that must be zero are not");
	BAD_BYTES(a[44] = 9, "field 252: its 9 bytes leave the record");
	BAD_BYTES(a[47] = 255, "bytes leave the record");
	BAD_BYTES(a[48] = 1, "field 252: both a value and bytes");
	BAD_BYTES(a[57] = 1, "field 252: its padding is not zero");
	BAD_BYTES((a[28] = 16, a[32] = 0), "the record ends inside a field");
}

static void test_order(void)
{
	begin_image(L64, "t");
	refuse("offset 0, line 1: modes: no `case` follows");
	begin_image(L64, "t");
	REC(REC_REF, 0, T(F_text, "SDM"));
	refuse("line 2: ref: it stands before the first `case`");
	begin_image(L64, "t");
	built.len = 0;
	begin_case("one");
	HLT();
	refuse("case: `modes` must come first");
	begin_image(L64, "t");
	begin_case("one");
	HLT();
	REC(REC_IMAGE, L64, N(F_version, 1), T(F_name, "t"));
	refuse("modes: it stands twice");
	begin_image(L64, "t");
	begin_case("one");
	begin_case("two");
	HLT();
	refuse("line 2: case: it expects nothing");
	begin_image(L64, "t");
	begin_case("one");
	HLT();
	begin_case("two");
	HLT();
	begin_case("one");
	HLT();
	refuse("line 6: case: a case \"one\" is in line 2 already");
	BAD_STEP(L64, "line 4: given: it sets the stage: move it", REC_GIVEN, 0, N(F_rax, 1));
	BAD_STEP(L64, "ref: it sets the stage", REC_REF, 0, T(F_text, "SDM"));
	BAD_STAGE(L64, "writes: it belongs to an `expect`", REC_WRITES, 0, N(F_address, SCRATCH),
		  D(F_bytes, "x", 1));
	BAD_STAGE(L64, "undefined_memory: it belongs to an `expect`", REC_ANY, 0,
		  N(F_address, SCRATCH), N(F_length, 1));
	BAD_STAGE(L64, "pte_is: it belongs to an `expect`", REC_ENTRY_IS, 1, N(F_va, SCRATCH),
		  N(F_set, 1));
	BAD_STAGE(L64, "expect_hw: it belongs to an `expect`", REC_HW, 0, T(F_text, "hlt"));
	begin_image(L64, "t");
	begin_case("one");
	HLT();
	REC(REC_ACTION, ACT_NMI);
	REC(REC_HW, 0, T(F_text, "hlt"));
	refuse("line 5: expect_hw: it belongs to an `expect`");
	begin_image(L64, "t");
	begin_case("one");
	HLT();
	REC(REC_HW, 0, T(F_text, "hlt"));
	REC(REC_HW, 0, T(F_text, "hlt"));
	refuse("expect_hw: the expectation has one already");
}

static void test_kinds(void)
{
	BAD_STAGE(L64, "record of kind 0: there is no such kind", 0, 0);
	BAD_STAGE(L64, "record of kind 24: there is no such kind", 24, 0);
	BAD_STAGE(L64, "record of kind 65535: there is no such kind", 0xffff, 0);
	BAD_STAGE(L64, "given1: there is no such sub (1)", REC_GIVEN, 1, N(F_rax, 1));
	BAD_STEP(L64, "expect 0: there is no such sub (0)", REC_EXPECT, 0);
	BAD_STEP(L64, "expect 19: there is no such sub (19)", REC_EXPECT, STEP_TPR + 1);
	BAD_STEP(L64, "action 0: there is no such sub (0)", REC_ACTION, 0);
	BAD_STEP(L64, "action 35: there is no such sub (35)", REC_ACTION, ACT_SYNC_SET + 1);
	BAD_STEP(L64, "action 31: there is no such sub (31)", REC_ACTION, 31);	/* left out */
	BAD_STAGE(L64, "entry of level 0: there is no such sub", REC_ENTRY, 0, N(F_va, 0),
		  N(F_set, 1));
	BAD_STAGE(L64, "entry of level 6: there is no such sub", REC_ENTRY, 6, N(F_va, 0),
		  N(F_set, 1));
	begin_image(MODE_COUNT, "t");
	begin_case("one");
	HLT();
	refuse("modes9: there is no such sub (9)");
}

static void test_version_and_name(void)
{
	begin_image(L64, "t");
	((u8 *)built.s)[32] = 2;
	begin_case("one");
	HLT();
	refuse("format version 2, but this program reads 1");
	begin_image(L64, "a b");
	begin_case("one");
	HLT();
	refuse("the name \"a b\" is not made of letters");
	begin_image(L64, "./.asm");
	begin_case("one");
	HLT();
	refuse("the name \"\" is not made of letters");
}

static void test_image_name(void)
{
	static const char *const names[][2] = {
		{ "io/out", "io/out" }, { "mine.asm", "mine" }, { "./mine.asm", "mine" },
		{ "/home/me/mine.asm", "mine" }, { "../x/mine", "mine" },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(names); i++) {
		struct image *image;

		begin_image(L64, names[i][0]);
		begin_case("one");
		HLT();
		image = take("name");
		ok_text(image->name, names[i][1], "source %s is called %s", names[i][0],
			names[i][1]);
		image_free(image);
	}
}

static void test_addresses(void)
{
	begin_image(L64, "t");
	begin_case("one");
	built_addr = TEXT + sizeof(built_text);
	HLT();
	image_free(take("an expectation behind the last instruction"));
	begin_image(L64, "t");
	begin_case("one");
	built_addr = TEXT + sizeof(built_text) + 1;
	HLT();
	refuse("expect hlt: its address 0x8041 is not in .text (0x8000 to 0x8040)");
	begin_image(L64, "t");
	built_addr = TEXT - 1;
	begin_case("one");
	HLT();
	refuse("case: its address 0x7fff is not in .text");
	begin_image(L64, "t");
	built_addr = TEXT + sizeof(built_text);
	begin_case("one");
	HLT();
	refuse("case: its address 0x8040 is not in .text");
}

/* ---- fields --------------------------------------------------------------- */

static void test_fields(void)
{
	BAD_STAGE(L64, "given: field 9999 is unknown", REC_GIVEN, 0, N(9999, 1));
	BAD_STAGE(L64, "given: field 140 is unknown", REC_GIVEN, 0, N(140, 1));
	BAD_STAGE(L64, "given: rax is given twice", REC_GIVEN, 0, N(F_rax, 1), N(F_rax, 1));
	BAD_STAGE(L64, "given: port means nothing here", REC_GIVEN, 0, N(F_port, 1));
	BAD_STAGE(L64, "given: undefined means nothing here", REC_GIVEN, 0, N(F_undefined, 1));
	BAD_STAGE(L64, "given: mp_state means nothing here", REC_GIVEN, 0, N(F_mp_state, 1));
	BAD_STAGE(L64, "given: it says nothing", REC_GIVEN, 0);
	BAD_STAGE(L64, "given: rax is one number", REC_GIVEN, 0, D(F_rax, "12345678", 8));
	BAD_STAGE(L64, "given: xmm0 has 0 bytes, it must have 16", REC_GIVEN, 0, N(F_xmm0, 1));
	BAD_STAGE(L64, "given: xmm0 has 8 bytes, it must have 16", REC_GIVEN, 0,
		  D(F_xmm0, "12345678", 8));
	BAD_STAGE(L64, "given: st7 has 16 bytes, it must have 10", REC_GIVEN, 0,
		  D(F_st7, "1234567812345678", 16));
	BAD_STAGE(L64, "given: ymm15 has 16 bytes, it must have 32", REC_GIVEN, 0,
		  D(F_ymm15, "1234567812345678", 16));
	BAD_STAGE(L64, "ref: text has 0 bytes, it must have 1 to 1024", REC_REF, 0, N(F_text, 0));
	BAD_STAGE(L64, "ref: text has characters other than printable", REC_REF, 0,
		  T(F_text, "SDM\n"));
	BAD_STAGE(L64, "ref: text has characters other than printable", REC_REF, 0,
		  T(F_text, "SDM\0"));
	BAD_STAGE(L64, "ref: text is missing", REC_REF, 0);
	BAD_STAGE(L64, "given: cs=0x10000 has bits outside 0xffff", REC_GIVEN, 0, N(F_cs, 0x10000));
	BAD_STAGE(L64, "given: ss_ar=0x20000 has bits outside 0x1f0ff", REC_GIVEN, 0,
		  N(F_ss_ar, 0x20000));
	BAD_STAGE(L64, "given: ldtr_limit=0x100000000 has bits", REC_GIVEN, 0,
		  N(F_ldtr_limit, 1ull << 32));
	BAD_STAGE(L64, "given: idt_limit=0x10000 has bits outside 0xffff", REC_GIVEN, 0,
		  N(F_idt_limit, 0x10000));
	BAD_STEP(L64, "expect shutdown: rax means nothing here", REC_EXPECT, STEP_SHUTDOWN,
		 N(F_rax, 1));
	BAD_STEP(L64, "expect hlt: ev_shadow means nothing here", REC_EXPECT, STEP_HLT,
		 N(F_ev_shadow, 1));
	BAD_STEP(L64, "expect hlt: port means nothing here", REC_EXPECT, STEP_HLT, N(F_port, 1));
	BAD_STAGE(L64, "given: ldtr_ar=0x20000 has bits outside 0x1f0ff", REC_GIVEN, 0,
		  N(F_ldtr_ar, 0x20000));
	BAD_STEP(L64, "action set: undefined means nothing here", REC_ACTION, ACT_SET,
		 N(F_undefined, 1));
	BAD_STEP(L64, "action sync_set: mp_state means nothing here", REC_ACTION, ACT_SYNC_SET,
		 N(F_mp_state, 1));
	BAD_STEP(L64, "action set_msr: index is missing", REC_ACTION, ACT_SET_MSR, N(F_value, 1));
	BAD_STEP(L64, "action call: errno or result is missing", REC_ACTION, ACT_CALL,
		 T(F_text, "KVM_RUN"));
	BAD_STEP(L64, "action call: errno and result exclude each other", REC_ACTION, ACT_CALL,
		 T(F_text, "KVM_RUN"), N(F_errno, 1), N(F_result, 1));
	BAD_STEP(L64, "action nmi: vector means nothing here", REC_ACTION, ACT_NMI, N(F_vector, 2));
}

/* One good record of every step and action, and of every kind that sets the stage. */
static void test_good_records(void)
{
	STEP(L64, "checkpoint", REC_EXPECT, STEP_CHECKPOINT, N(F_rax, 1), N(F_set, 1),
	     N(F_undefined, 0x10), N(F_undefined_reg, 2));
	STEP(L64, "io_in", REC_EXPECT, STEP_IO_IN, N(F_port, 0x10), N(F_size, 2),
	     N(F_data, 0xffff));
	STEP(L64, "io_out", REC_EXPECT, STEP_IO_OUT, N(F_port, 0x10), N(F_size, 4), N(F_count, 3),
	     D(F_bytes, "123456789012", 12));
	STEP(L64, "mmio_read", REC_EXPECT, STEP_MMIO_READ, N(F_address, MMIO), N(F_size, 8),
	     N(F_data, ~0ull));
	STEP(L64, "mmio_write", REC_EXPECT, STEP_MMIO_WRITE, N(F_address, MMIO), N(F_size, 3),
	     D(F_bytes, "123", 3));
	STEP(L64, "exception", REC_EXPECT, STEP_EXCEPTION, N(F_vector, 14), N(F_error, 2),
	     N(F_cr2, 5), N(F_software, 0), N(F_resume, TEXT), N(F_frame_rflags, 2));
	STEP(L64, "shutdown", REC_EXPECT, STEP_SHUTDOWN);
	STEP(L64, "intr", REC_EXPECT, STEP_INTR);
	STEP(L64, "irq_window", REC_EXPECT, STEP_IRQ_WINDOW);
	STEP(L64, "debug", REC_EXPECT, STEP_DEBUG, N(F_debug_vector, 1), N(F_debug_pc, 1),
	     N(F_debug_dr6, 1), N(F_debug_dr7, 1));
	STEP(L64, "hypercall", REC_EXPECT, STEP_HYPERCALL, N(F_nr, 12), N(F_arg0, 1), N(F_arg3, 1));
	STEP(L64, "rdmsr", REC_EXPECT, STEP_RDMSR, N(F_index, 0x10), N(F_errno, 1));
	STEP(L64, "wrmsr", REC_EXPECT, STEP_WRMSR, N(F_index, 0x10), N(F_data, 1), N(F_errno, 1));
	STEP(L64, "fail_entry", REC_EXPECT, STEP_FAIL_ENTRY);
	STEP(L64, "halted", REC_EXPECT, STEP_HALTED);
	STEP(L64, "ioapic_eoi", REC_EXPECT, STEP_IOAPIC_EOI, N(F_vector, 0x40));
	STEP(L64, "tpr", REC_EXPECT, STEP_TPR, N(F_cr8, 1));
	STEP(L64, "set", REC_ACTION, ACT_SET, N(F_rax, 1), N(F_mp_state, 3),
	     N(F_ev_exception, ~0ull), N(F_errno, 22));
	STEP(L64, "check", REC_ACTION, ACT_CHECK, N(F_ev_shadow, 1), N(F_undefined, 1));
	STEP(L64, "set_msr", REC_ACTION, ACT_SET_MSR, N(F_index, 1), N(F_value, 1),
	     N(F_refused, 1));
	STEP(L64, "check_msr", REC_ACTION, ACT_CHECK_MSR, N(F_index, 1), N(F_value, 1));
	STEP(L64, "set_lapic", REC_ACTION, ACT_SET_LAPIC, N(F_offset, 0x80), N(F_value, 1));
	STEP(L64, "check_lapic", REC_ACTION, ACT_CHECK_LAPIC, N(F_offset, 0x3f0), N(F_value, 1),
	     N(F_mask, 1));
	STEP(L64, "write", REC_ACTION, ACT_WRITE, N(F_address, 0), D(F_bytes, "x", 1));
	STEP(L64, "interrupt", REC_ACTION, ACT_INTERRUPT, N(F_vector, 256), N(F_errno, 22));
	STEP(L64, "irq_line", REC_ACTION, ACT_IRQ_LINE, N(F_gsi, 1), N(F_level, 1));
	STEP(L64, "msi", REC_ACTION, ACT_MSI, N(F_address, 0xfee00000), N(F_data, 1),
	     N(F_result, 1));
	STEP(L64, "nmi", REC_ACTION, ACT_NMI);
	STEP(L64, "request_window", REC_ACTION, ACT_REQUEST_WINDOW, N(F_value, 1));
	STEP(L64, "immediate_exit", REC_ACTION, ACT_IMMEDIATE_EXIT);
	STEP(L64, "kick", REC_ACTION, ACT_KICK);
	STEP(L64, "memslot, deleted", REC_ACTION, ACT_MEMSLOT, N(F_id, 1), N(F_size, 0));
	STEP(L64, "memslot", REC_ACTION, ACT_MEMSLOT, N(F_id, 1), N(F_size, 1), N(F_gpa, 1),
	     N(F_hva, 0), N(F_slot_flags, 1), N(F_errno, 22));
	STEP(L64, "dirty_log", REC_ACTION, ACT_DIRTY_LOG, N(F_id, 1), D(F_pages, "x", 1));
	STEP(L64, "clear_dirty", REC_ACTION, ACT_CLEAR_DIRTY, N(F_id, 1), N(F_first, 0),
	     N(F_count, 1), D(F_pages, "x", 1));
	STEP(L64, "guest_debug", REC_ACTION, ACT_GUEST_DEBUG, N(F_control, 1), N(F_dr0, 1),
	     N(F_dr7, 1));
	STEP(L64, "translate", REC_ACTION, ACT_TRANSLATE, N(F_address, 1), N(F_valid, 1),
	     N(F_gpa, 1));
	STEP(L64, "ioeventfd", REC_ACTION, ACT_IOEVENTFD, N(F_id, 1), N(F_address, 1),
	     N(F_size, 8), N(F_flags, 1), N(F_data, 1));
	STEP(L64, "eventfd_is", REC_ACTION, ACT_EVENTFD_IS, N(F_id, 1), N(F_count, 0));
	STEP(L64, "irqfd", REC_ACTION, ACT_IRQFD, N(F_id, 1), N(F_gsi, 1));
	STEP(L64, "signal_irqfd", REC_ACTION, ACT_SIGNAL_IRQFD, N(F_id, 1));
	STEP(L64, "coalesce", REC_ACTION, ACT_COALESCE, N(F_address, 1), N(F_size, 4), N(F_pio, 1));
	STEP(L64, "uncoalesce", REC_ACTION, ACT_UNCOALESCE, N(F_address, 1), N(F_size, 4));
	STEP(L64, "coalesced_is", REC_ACTION, ACT_COALESCED_IS, N(F_address, 1), N(F_size, 4),
	     N(F_data, 1));
	STEP(L64, "coalesced_is, empty", REC_ACTION, ACT_COALESCED_IS, N(F_count, 0));
	STEP(L64, "enable_cap", REC_ACTION, ACT_ENABLE_CAP, N(F_cap, 1), N(F_arg0, 1));
	STEP(L64, "sync", REC_ACTION, ACT_SYNC);
	STEP(L64, "call", REC_ACTION, ACT_CALL, T(F_text, "KVM_RUN"), N(F_arg0, 1), N(F_errno, 1));
	STEP(L64, "entry", REC_ACTION, ACT_ENTRY, N(F_va, 0), N(F_level, 4), N(F_clear, 1));
	STEP(L64, "kick, later", REC_ACTION, ACT_KICK, N(F_value, 100));
	STEP(L64, "route", REC_ACTION, ACT_ROUTE, N(F_gsi, 1), N(F_address, 1), N(F_data, 1));
	STEP(L64, "msr_filter", REC_ACTION, ACT_MSR_FILTER, N(F_index, 1), N(F_count, 2));
	STEP(L64, "sync_set", REC_ACTION, ACT_SYNC_SET, N(F_rax, 1), N(F_ev_nmi_masked, 1));
	STAGE(L64, "need", REC_NEED, 0, T(F_text, "fpu"));
	STAGE(L64, "irqchip", REC_IRQCHIP, 0, N(F_value, 7));
	STAGE(L64, "rings", REC_RING, 0, N(F_value, 3));
	STAGE(L64, "given", REC_GIVEN, 0, N(F_rflags, 2), N(F_dr7, 0x400));
	STAGE(L64, "pdpte", REC_ENTRY, 3, N(F_va, 0xffff800000000000), N(F_pa, 0x1000),
	      N(F_pkey, 15), N(F_set, 1ull << 63));
	STAGE(L64, "descriptor", REC_DESCRIPTOR, 0, N(F_selector, SEL_FREE), N(F_limit, 0xffffffff),
	      N(F_ar, 0xc093));
	STAGE(L64, "gate", REC_GATE, 0, N(F_vector, 255), N(F_offset, ~0ull), N(F_ist, 7));
	STAGE(L64, "memory", REC_MEMORY, 0, N(F_address, PAGES_END - 1), D(F_bytes, "x", 1));
	STAGE(L64, "operand", REC_OPERAND, 0, N(F_address, OPERAND + 4095), D(F_bytes, "x", 1));
	STAGE(L64, "emulate", REC_EMULATE, 0);
	STAGE(L64, "cpuid_leaf", REC_CPUID, 0, N(F_leaf, 7), N(F_set_eax, 1), N(F_clear_eax, 2));
	STAGE(L64, "msr", REC_MSR, 0, N(F_index, 0x10), N(F_value, ~0ull));
	STAGE(L64, "memslot", REC_MEMSLOT, 0, N(F_id, 9), N(F_gpa, 0x100000), N(F_size, 0x1000),
	      N(F_hva, 0x20000));
	STEP(L64, "expect_hw", REC_HW, 0, T(F_text, "npf|ept_violation"));
	STEP(L64, "pml4e_is", REC_ENTRY_IS, 4, N(F_va, 0), N(F_raw, 0));
	STEP(L64, "undefined_memory", REC_ANY, 0, N(F_address, 0), N(F_length, MMIO));
}

/* ---- sense ---------------------------------------------------------------- */

static void test_modes(void)
{
	BAD_STAGE(MODE_REAL16, "rings: real mode has no CPL 3", REC_RING, 0, N(F_value, 3));
	BAD_STAGE(MODE_VM86, "rings: virtual-8086 mode is always at CPL 3", REC_RING, 0,
		  N(F_value, 1));
	STAGE(MODE_VM86, "vm86 at CPL 3", REC_RING, 0, N(F_value, 2));
	BAD_STAGE(L64, "rings: 0 is not a mask", REC_RING, 0, N(F_value, 0));
	BAD_STAGE(L64, "rings: 0x4 is not a mask", REC_RING, 0, N(F_value, 4));
	BAD_STAGE(L64, "irqchip: 0x8 is not a mask", REC_IRQCHIP, 0, N(F_value, 8));
	BAD_STAGE(L64, "irqchip: 0 is not a mask", REC_IRQCHIP, 0, N(F_value, 0));
	BAD_STAGE(L64, "uses: 0x10 is not a mask", REC_USES, 0, N(F_value, 16));
	BAD_STAGE(MODE_PROT32, "pte: there is no paging in prot32", REC_ENTRY, 1, N(F_va, 0),
		  N(F_set, 1));
	BAD_STAGE(MODE_VM86, "pte: there is no paging in vm86", REC_ENTRY, 1, N(F_va, 0),
		  N(F_set, 1));
	STAGE(MODE_PAGED32, "pde in paged32", REC_ENTRY, 2, N(F_va, 0xffffffff), N(F_set, 1));
	BAD_STAGE(MODE_PAGED32, "pdpte: paged32 has page-table levels 1 to 2, not 3", REC_ENTRY, 3,
		  N(F_va, 0), N(F_set, 1));
	BAD_STAGE(MODE_PAE32, "pml4e: pae32 has page-table levels 1 to 3", REC_ENTRY, 4, N(F_va, 0),
		  N(F_set, 1));
	BAD_STAGE(L64, "pml5e: long64 has page-table levels 1 to 4", REC_ENTRY, 5, N(F_va, 0),
		  N(F_set, 1));
	STAGE(MODE_LONG64_5L, "pml5e", REC_ENTRY, 5, N(F_va, 1ull << 55), N(F_set, 1));
	BAD_STAGE(MODE_LONG64_5L, "is not an address paging of long64_5l maps", REC_ENTRY, 5,
		  N(F_va, 1ull << 56), N(F_set, 1));
	BAD_STAGE(L64, "va 0x800000000000 is not an address", REC_ENTRY, 1, N(F_va, 1ull << 47),
		  N(F_set, 1));
	BAD_STAGE(MODE_PAE32, "va 0x100000000 is not an address", REC_ENTRY, 1, N(F_va, 1ull << 32),
		  N(F_set, 1));
	BAD_STAGE(MODE_PAGED32, "an entry of 32-bit paging has 32 bits", REC_ENTRY, 1, N(F_va, 0),
		  N(F_set, 1ull << 63));
	BAD_STAGE(MODE_PAE32, "pte: there are no protection keys in pae32", REC_ENTRY, 1,
		  N(F_va, 0), N(F_pkey, 1));
	BAD_STAGE(L64, "pte: bits 0x2 are both in set and clear", REC_ENTRY, 1, N(F_va, 0),
		  N(F_set, 3), N(F_clear, 2));
	BAD_STAGE(L64, "pte: raw is the whole entry", REC_ENTRY, 1, N(F_va, 0), N(F_raw, 3),
		  N(F_clear, 2));
	BAD_STAGE(L64, "pte: it says nothing", REC_ENTRY, 1, N(F_va, 0));
	BAD_STEP(MODE_PAE32, "action entry: pae32 has page-table levels 1 to 3, not 4", REC_ACTION,
		 ACT_ENTRY, N(F_va, 0), N(F_level, 4), N(F_set, 1));
	BAD_STEP(L64, "action entry: long64 has page-table levels 1 to 4, not 0", REC_ACTION,
		 ACT_ENTRY, N(F_va, 0), N(F_level, 0), N(F_set, 1));
}

static void test_stage_values(void)
{
	BAD_STAGE(L64, "need: there is no feature \"nonsense\"", REC_NEED, 0,
		  T(F_text, "nonsense"));
	BAD_STAGE(L64, "descriptor: selector 0x200 is beyond the table's 64", REC_DESCRIPTOR, 0,
		  N(F_selector, 0x200), N(F_raw, 0));
	BAD_STAGE(L64, "descriptor: selector 0x84 is beyond the table's 16", REC_DESCRIPTOR, 0,
		  N(F_selector, 0x84), N(F_raw, 0));
	BAD_STAGE(L64, "descriptor: raw is the whole descriptor", REC_DESCRIPTOR, 0,
		  N(F_selector, 8), N(F_raw, 0), N(F_base, 1));
	BAD_STAGE(L64, "descriptor: limit 0x100000 needs the G bit", REC_DESCRIPTOR, 0,
		  N(F_selector, 8), N(F_limit, 0x100000), N(F_ar, 0x93));
	BAD_STAGE(L64, "descriptor: limit 0x1ff0 does not end in fffh", REC_DESCRIPTOR, 0,
		  N(F_selector, 8), N(F_limit, 0x1ff0), N(F_ar, 0x8093));
	BAD_STAGE(L64, "descriptor: ar=0xf00 has bits outside 0xf0ff", REC_DESCRIPTOR, 0,
		  N(F_selector, 8), N(F_ar, 0xf00));
	BAD_STAGE(L64, "gate: there is no vector 256", REC_GATE, 0, N(F_vector, 256), N(F_raw, 0));
	BAD_STAGE(L64, "gate: raw is the whole gate", REC_GATE, 0, N(F_vector, 1), N(F_raw, 0),
		  N(F_offset, 0));
	BAD_STAGE(MODE_REAL16, "gate: an IVT entry has no access rights", REC_GATE, 0,
		  N(F_vector, 1), N(F_ar, 0));
	BAD_STAGE(MODE_REAL16, "gate: offset 0x10000 has more than 16 bits", REC_GATE, 0,
		  N(F_vector, 1), N(F_offset, 0x10000));
	BAD_STAGE(MODE_PAE32, "gate: offset 0x100000000 has more than 32 bits", REC_GATE, 0,
		  N(F_vector, 1), N(F_offset, 1ull << 32));
	BAD_STAGE(MODE_PROT32, "gate: only gates of long mode have an IST", REC_GATE, 0,
		  N(F_vector, 1), N(F_ist, 1));
	BAD_STAGE(L64, "operand: it is not inside the operand page", REC_OPERAND, 0,
		  N(F_address, OPERAND + 4095), D(F_bytes, "xx", 2));
	BAD_STAGE(L64, "operand: it is not inside the operand page", REC_OPERAND, 0,
		  N(F_address, OPERAND - 1), D(F_bytes, "x", 1));
	BAD_STAGE(L64, "cpuid_leaf: bits are both in set_edx and clear_edx", REC_CPUID, 0,
		  N(F_leaf, 7), N(F_set_edx, 3), N(F_clear_edx, 2));
	BAD_STAGE(L64, "memslot: gpa, size and hva must be whole pages", REC_MEMSLOT, 0,
		  N(F_id, 9), N(F_gpa, 0x100000), N(F_size, 0), N(F_hva, 0x20000));
	BAD_STAGE(L64, "memslot: gpa, size and hva must be whole pages", REC_MEMSLOT, 0,
		  N(F_id, 9), N(F_gpa, 0x100800), N(F_size, 0x1000), N(F_hva, 0x20000));
	BAD_STEP(L64, "expect_hw: not a name", REC_HW, 0, T(F_text, "npf, ept"));
}

static void test_emulate(void)
{
	begin_image(L64, "t");
	begin_case("one");
	built_text[16 - EMULATE_GAP] = 0xcc;
	REC(REC_EMULATE, 0);
	HLT();
	refuse("emulate: the 5 bytes before 0x8010 are not NOPs");
	begin_image(L64, "t");
	begin_case("one");
	built_addr = TEXT + EMULATE_GAP - 1;
	REC(REC_EMULATE, 0);
	built_addr = TEXT + 16;
	HLT();
	refuse("emulate: the 5 bytes before 0x8004 are not NOPs");
}

static void test_state(void)
{
	BAD_STAGE(L64, "given: set and clear: RFLAGS has bits 0x3fffff, not 0x400000", REC_GIVEN, 0,
		  N(F_set, 0x400000));
	BAD_STAGE(L64, "given: rflags is the whole register", REC_GIVEN, 0, N(F_rflags, 2),
		  N(F_set, 1));
	BAD_STEP(L64, "expect hlt: status says all of", REC_EXPECT, STEP_HLT, N(F_status, 1),
		 N(F_clear, 4));
	STEP(L64, "status beside IF", REC_EXPECT, STEP_HLT, N(F_status, 1), N(F_clear, 0x200));
	BAD_STEP(L64, "expect hlt: status=0x2 has bits outside 0x8d5", REC_EXPECT, STEP_HLT,
		 N(F_status, 2));
	BAD_STEP(L64, "expect hlt: bits 0x1 are both in set and clear", REC_EXPECT, STEP_HLT,
		 N(F_set, 1), N(F_clear, 1));
	BAD_STEP(L64, "expect hlt: bits 0x10 are undefined, and said", REC_EXPECT, STEP_HLT,
		 N(F_status, 0x11), N(F_undefined, 0x10));
	BAD_STEP(L64, "expect hlt: rbx is in undefined_reg, and said", REC_EXPECT, STEP_HLT,
		 N(F_undefined_reg, 2), N(F_rbx, 0));
	BAD_STEP(L64, "action set: ev_exception=0x100 is neither", REC_ACTION, ACT_SET,
		 N(F_ev_exception, 0x100));
	BAD_STEP(L64, "action check: ev_interrupt=0x100 is neither", REC_ACTION, ACT_CHECK,
		 N(F_ev_interrupt, 0x100));
	BAD_STAGE(L64, "given: fcw is not judged without `uses fpu`", REC_GIVEN, 0, N(F_fcw, 1));
	BAD_STEP(L64, "expect hlt: mxcsr is not judged without `uses sse`", REC_EXPECT, STEP_HLT,
		 N(F_mxcsr, 1));
	begin_image(L64, "t");
	begin_case("one");
	REC(REC_USES, 0, N(F_value, USES_SSE));
	REC(REC_EXPECT, STEP_HLT, N(F_fcw, 1), D(F_xmm0, "1234567812345678", 16));
	image_free(take("xmm0 and fcw with `uses sse`"));
	REC(REC_EXPECT, STEP_HLT, D(F_ymm0, "12345678123456781234567812345678", 32));
	refuse("expect hlt: ymm0 is not judged without `uses avx`");
}

static void test_steps(void)
{
	BAD_STEP(L64, "io_out: size=3: ports are 1, 2 or 4 bytes wide", REC_EXPECT, STEP_IO_OUT,
		 N(F_port, 1), N(F_size, 3), N(F_data, 1));
	BAD_STEP(L64, "io_out: port=0x10000 has bits outside", REC_EXPECT, STEP_IO_OUT,
		 N(F_port, 0x10000), N(F_size, 1), N(F_data, 1));
	BAD_STEP(L64, "io_in: data or bytes is missing", REC_EXPECT, STEP_IO_IN, N(F_port, 1),
		 N(F_size, 1));
	BAD_STEP(L64, "io_in: data and bytes exclude each other", REC_EXPECT, STEP_IO_IN,
		 N(F_port, 1), N(F_size, 1), N(F_data, 1), D(F_bytes, "x", 1));
	BAD_STEP(L64, "io_in: count=0 is not 1 to 4096", REC_EXPECT, STEP_IO_IN, N(F_port, 1),
		 N(F_size, 1), N(F_count, 0), N(F_data, 1));
	BAD_STEP(L64, "io_out: data=0x100 is wider than the 1 bytes", REC_EXPECT, STEP_IO_OUT,
		 N(F_port, 1), N(F_size, 1), N(F_data, 0x100));
	BAD_STEP(L64, "io_out: bytes has 3 bytes, but 4 are transferred", REC_EXPECT, STEP_IO_OUT,
		 N(F_port, 1), N(F_size, 2), N(F_count, 2), D(F_bytes, "123", 3));
	BAD_STEP(L64, "io_out: 12 bytes are transferred: say them as bytes=", REC_EXPECT,
		 STEP_IO_OUT, N(F_port, 1), N(F_size, 4), N(F_count, 3), N(F_data, 1));
	BAD_STEP(L64, "mmio_write: size=0 is not 1 to 4096", REC_EXPECT, STEP_MMIO_WRITE,
		 N(F_address, MMIO), N(F_size, 0), N(F_data, 0));
	BAD_STEP(L64, "mmio_read: size=4097 is not 1 to 4096", REC_EXPECT, STEP_MMIO_READ,
		 N(F_address, MMIO), N(F_size, 4097), D(F_bytes, "x", 1));
	BAD_STEP(L64, "mmio_read: 16 bytes are transferred: say", REC_EXPECT, STEP_MMIO_READ,
		 N(F_address, MMIO), N(F_size, 16), N(F_data, 1));
	BAD_STEP(L64, "exception: there is no vector 256", REC_EXPECT, STEP_EXCEPTION,
		 N(F_vector, 256));
	BAD_STEP(L64, "exception: resume and iret exclude each other", REC_EXPECT, STEP_EXCEPTION,
		 N(F_vector, 3), N(F_iret, 1), N(F_resume, TEXT));
	BAD_STEP(L64, "ioapic_eoi: there is no vector 256", REC_EXPECT, STEP_IOAPIC_EOI,
		 N(F_vector, 256));
}

static void test_actions(void)
{
	BAD_STEP(L64, "set_lapic: there is no local APIC register at offset 0x400", REC_ACTION,
		 ACT_SET_LAPIC, N(F_offset, 0x400), N(F_value, 1));
	BAD_STEP(L64, "check_lapic: there is no local APIC register at offset 0x84", REC_ACTION,
		 ACT_CHECK_LAPIC, N(F_offset, 0x84), N(F_value, 1));
	BAD_STEP(L64, "set_lapic: value=4294967296 is more than", REC_ACTION, ACT_SET_LAPIC,
		 N(F_offset, 0x80), N(F_value, 1ull << 32));
	BAD_STEP(L64, "interrupt: there is no vector 256", REC_ACTION, ACT_INTERRUPT,
		 N(F_vector, 256));
	BAD_STEP(L64, "interrupt: errno=0 is no failure", REC_ACTION, ACT_INTERRUPT,
		 N(F_vector, 25), N(F_errno, 0));
	BAD_STEP(L64, "irq_line: level=2 is more than 1", REC_ACTION, ACT_IRQ_LINE, N(F_gsi, 1),
		 N(F_level, 2));
	BAD_STEP(L64, "request_window: value=2 is more than 1", REC_ACTION, ACT_REQUEST_WINDOW,
		 N(F_value, 2));
	BAD_STEP(L64, "kick: value=60001 is more than 60000", REC_ACTION, ACT_KICK,
		 N(F_value, 60001));
	BAD_STEP(L64, "memslot: gpa or hva is missing", REC_ACTION, ACT_MEMSLOT, N(F_id, 1),
		 N(F_size, 0x1000), N(F_gpa, 0));
	BAD_STEP(L64, "translate: valid=1 needs gpa", REC_ACTION, ACT_TRANSLATE, N(F_address, 0),
		 N(F_valid, 1));
	BAD_STEP(L64, "translate: valid=1 needs gpa, valid=0 has none", REC_ACTION, ACT_TRANSLATE,
		 N(F_address, 0), N(F_valid, 0), N(F_gpa, 0));
	BAD_STEP(L64, "ioeventfd: size=3 is not", REC_ACTION, ACT_IOEVENTFD, N(F_id, 0),
		 N(F_address, 0), N(F_size, 3));
	BAD_STEP(L64, "coalesced_is: count=0 stands alone", REC_ACTION, ACT_COALESCED_IS,
		 N(F_count, 1));
	BAD_STEP(L64, "coalesced_is: address or size is missing", REC_ACTION, ACT_COALESCED_IS,
		 N(F_data, 1));
	BAD_STEP(L64, "coalesced_is: size is not 1 to 8", REC_ACTION, ACT_COALESCED_IS,
		 N(F_data, 1), N(F_address, 0), N(F_size, 9));
	BAD_STEP(L64, "msr_filter: count=0 is not 1 to 12288", REC_ACTION, ACT_MSR_FILTER,
		 N(F_index, 1), N(F_count, 0));
	BAD_STEP(L64, "msr_filter: count=2 is not 1 to 12288, or leaves", REC_ACTION,
		 ACT_MSR_FILTER, N(F_index, 0xffffffff), N(F_count, 2));
}

static void test_memory(void)
{
	BAD_STEP(L64, "writes: 0xdfff to 0xe000 is not all guest memory", REC_WRITES, 0,
		 N(F_address, MMIO - 1), D(F_bytes, "xx", 2));
	BAD_STEP(L64, "writes: 0x1ffff to 0x20000 is not all guest memory", REC_WRITES, 0,
		 N(F_address, STAGE_RAM - 1), D(F_bytes, "xx", 2));
	BAD_STEP(L64, "undefined_memory: its length is zero", REC_ANY, 0, N(F_address, 0),
		 N(F_length, 0));
	BAD_STEP(L64, "writes: its length is zero, or reaches beyond", REC_WRITES, 0,
		 N(F_address, ~0ull), D(F_bytes, "xx", 2));
	BAD_STEP(L64, "action write: 0xe000 to 0xe000 is not", REC_ACTION, ACT_WRITE,
		 N(F_address, MMIO), D(F_bytes, "x", 1));
	BAD_STAGE(L64, "memory: 0xffff to 0xffff is not", REC_MEMORY, 0, N(F_address, MMIO_END - 1),
		  D(F_bytes, "x", 1));
	begin_image(L64, "t");
	begin_case("one");
	REC(REC_MEMORY, 0, N(F_address, 0x100fff), D(F_bytes, "xx", 2));
	REC(REC_MEMSLOT, 0, N(F_id, 9), N(F_gpa, 0x100000), N(F_size, 0x1000), N(F_hva, 0));
	HLT();
	REC(REC_ACTION, ACT_MEMSLOT, N(F_id, 8), N(F_gpa, 0x101000), N(F_size, 0x1000),
	    N(F_hva, 0));
	image_free(take("memory across two memslots, named before them"));
	REC(REC_ACTION, ACT_WRITE, N(F_address, 0x102000), D(F_bytes, "x", 1));
	refuse("action write: 0x102000 to 0x102000 is not");
	begin_image(L64, "t");
	begin_case("one");
	HLT();
	for (unsigned int i = 0; i < 65; i++)
		REC(REC_ACTION, ACT_MEMSLOT, N(F_id, 1), N(F_size, 0));
	refuse("line 68: action memslot: a case has at most 64 memslots");
}

static void test_once(void)
{
	begin_image(L64, "t");
	begin_case("one");
	REC(REC_RING, 0, N(F_value, 1));
	REC(REC_RING, 0, N(F_value, 2));
	HLT();
	refuse("line 4: rings: the case has one in line 3 already");
	begin_image(L64, "t");
	begin_case("one");
	REC(REC_IRQCHIP, 0, N(F_value, 1));
	REC(REC_IRQCHIP, 0, N(F_value, 1));
	HLT();
	refuse("irqchip: the case has one in line 3 already");
	begin_image(L64, "t");
	begin_case("one-two");
	HLT();
	refuse("case: the name \"one-two\" has characters other than");
}

/* The last value that is still good, for rules whose first bad one is tested above. */
static void test_limits(void)
{
	static const u8 page[4096];

	begin_image(L64, "t");
	begin_case("AZaz09_");
	HLT();
	image_free(take("a name of all characters there are"));
	STAGE(L64, "every bit of RFLAGS", REC_GIVEN, 0, N(F_set, 0x3fffff));
	STEP(L64, "vector 255 injected", REC_ACTION, ACT_SET, N(F_ev_exception, 0xff));
	STAGE(L64, "byte limit 0fffffh", REC_DESCRIPTOR, 0, N(F_selector, 0x1f8),
	      N(F_limit, 0xfffff), N(F_ar, 0x93));
	STAGE(L64, "raw gate", REC_GATE, 0, N(F_vector, 255), N(F_raw, 0));
	STEP(L64, "4096 bytes of I/O", REC_EXPECT, STEP_IO_OUT, N(F_port, 0xffff), N(F_size, 1),
	     N(F_count, 4096), D(F_bytes, page, 4096));
	STEP(L64, "4096 bytes of MMIO", REC_EXPECT, STEP_MMIO_READ, N(F_address, MMIO),
	     N(F_size, 4096), D(F_bytes, page, 4096));
	STEP(L64, "8 bytes of I/O as a number", REC_EXPECT, STEP_IO_OUT, N(F_port, 1), N(F_size, 4),
	     N(F_count, 2), N(F_data, ~0ull));
	STEP(L64, "the last event", REC_ACTION, ACT_SYNC_SET, N(F_ev_triple_fault, 1));
	STEP(L64, "the last of other state", REC_ACTION, ACT_SET, N(F_tsc_khz, 0xffffffff));
	STAGE(L64, "space and tilde", REC_REF, 0, T(F_text, " ~"));
	STEP(L64, "exception 255", REC_EXPECT, STEP_EXCEPTION, N(F_vector, 255));
	STEP(L64, "coalesced 8 bytes", REC_ACTION, ACT_COALESCED_IS, N(F_address, 1), N(F_size, 8),
	     N(F_data, ~0ull));
	STEP(L64, "a whole filter", REC_ACTION, ACT_MSR_FILTER, N(F_index, 0), N(F_count, 0x3000));
	STEP(L64, "the last MSR", REC_ACTION, ACT_MSR_FILTER, N(F_index, 0xffffffff));
	STEP(L64, "all memory below MMIO", REC_ANY, 0, N(F_address, 0), N(F_length, MMIO));
	STEP(L64, "all memory above MMIO", REC_ANY, 0, N(F_address, MMIO_END),
	     N(F_length, STAGE_RAM - MMIO_END));
	STEP(L64, "ioeventfd of a wrong size, to be refused", REC_ACTION, ACT_IOEVENTFD, N(F_id, 1),
	     N(F_address, 1), N(F_size, 3), N(F_errno, 22));
	for (u64 size = 1; size <= 8; size *= 2)
		STEP(L64, "ioeventfd of any size", REC_ACTION, ACT_IOEVENTFD, N(F_id, 1),
		     N(F_address, 1), N(F_size, size));
	STEP(L64, "ioeventfd of size 0", REC_ACTION, ACT_IOEVENTFD, N(F_id, 1), N(F_address, 1),
	     N(F_size, 0));
	begin_image(L64, "t");
	built_addr = TEXT + EMULATE_GAP;
	begin_case("one");
	REC(REC_EMULATE, 0);
	for (unsigned int i = 0; i < 65; i++)
		REC(REC_ACTION, ACT_NMI);
	HLT();
	image_free(take("emulate at the start, and 65 actions"));
}

/* Rules that name several fields, once for each. */
static void test_each(void)
{
	static const u16 entry_fields[] = { F_set, F_clear, F_pa, F_pkey };
	static const struct { u16 id; u32 bytes; const char *uses; } judged[] = {
		{ F_fcw, 0, "fpu" }, { F_fdp, 0, "fpu" },
		{ F_st0, 10, "fpu" }, { F_st7, 10, "fpu" },
		{ F_mxcsr, 0, "sse" }, { F_xmm0, 16, "sse" }, { F_xmm15, 16, "sse" },
		{ F_ymm0, 32, "avx" }, { F_ymm15, 32, "avx" },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(entry_fields); i++)
		BAD_STAGE(L64, "pte: raw is the whole entry", REC_ENTRY, 1, N(F_va, 0),
			  N(F_raw, 1), N(entry_fields[i], 0));
	for (u16 i = 0; i < 16; i++)
		BAD_STEP(L64, "is in undefined_reg, and said to be known", REC_EXPECT, STEP_HLT,
			 N(F_undefined_reg, 1ull << i), N(F_rax + i, 0));
	for (unsigned int i = 0; i < ARRAY_SIZE(judged); i++) {
		char *why = xasprintf("given: %s is not judged without `uses %s`",
				      field_name(judged[i].id), judged[i].uses);

		BAD_STAGE(L64, why, REC_GIVEN, 0,
			  D(judged[i].id, "12345678123456781234567812345678", judged[i].bytes));
		free(why);
	}
}

/* ---- what a good image becomes ------------------------------------------------ */

static void test_defaults(void)
{
	struct image *image;

	begin_image(MODE_VM86, "io/out");
	begin_case("one");
	HLT();
	image = take("a case that says little");
	ok_equal(image->cases[0].rings, RING_3, "vm86 runs at CPL 3");
	image_free(image);
	begin_image(L64, "io/out");
	begin_case("one");
	HLT();
	begin_case("two");
	REC(REC_USES, 0, N(F_value, USES_AVX));
	REC(REC_RING, 0, N(F_value, RING_3));
	REC(REC_IRQCHIP, 0, N(F_value, IRQCHIP_SPLIT | IRQCHIP_KERNEL));
	REC(REC_OPERAND, 0, N(F_address, OPERAND), D(F_bytes, "x", 1));
	REC(REC_EMULATE, 0);
	HLT();
	REC(REC_WRITES, 0, N(F_address, OPERAND), D(F_bytes, "y", 1));
	REC(REC_ACTION, ACT_NMI);
	image = take("two cases");
	ok_equal(image->mode, L64, "its mode");
	ok_text(image->name, "io/out", "its name");
	ok_equal(image->ncases, 2, "two cases are found");
	ok_text(image->cases[0].name, "one", "name of the first");
	ok_text(image->cases[0].text, "what it shows", "text of the first");
	ok_equal(image->cases[0].line, 2, "line of the first");
	ok_equal(image->cases[0].entry, TEXT + 16, "entry of the first");
	ok_equal(image->cases[0].nrecords, 1, "the first case has one record");
	ok_equal(image->cases[0].nsteps, 1, "and one step");
	ok_equal(image->cases[0].rings, RING_0, "CPL 0 if none is declared");
	ok_equal(image->cases[0].irqchips, IRQCHIP_USER, "irqchip user if none is declared");
	ok_equal(image->cases[0].uses, 0, "no further registers if none are declared");
	ok(!image->cases[0].operand && !image->cases[0].emulate, "neither operand nor emulate");
	ok_equal(image->cases[1].nrecords, 8, "the second case has eight records");
	ok_equal(image->cases[1].nsteps, 2, "and two steps");
	ok_equal(image->cases[1].rings, RING_3, "CPL 3 alone");
	ok_equal(image->cases[1].irqchips, 6, "irqchips split and kernel");
	ok_equal(image->cases[1].uses, 7, "AVX means SSE and FPU too");
	ok(image->cases[1].operand && image->cases[1].emulate, "operand and emulate");
	ok_equal(image->nsegments, 2, "two segments");
	ok_equal(image->segments[1].addr, DATA, "address of the second");
	ok_equal(image->segments[1].size, 16, "size of the second");
	ok_equal(image->segments[1].filesz, 8, "its bytes in the file");
	ok(image->cases[1].image == image, "a case knows its image");
	ok_equal(record_field(&image->cases[1].records[6], F_bytes)->blob[0], 'y',
		 "bytes of a blob");
	ok_equal(record_value(&image->cases[1].records[6], F_address, 0), OPERAND, "a value");
	ok_equal(record_value(&image->cases[1].records[6], F_port, 77), 77, "an absent value");
	image_free(image);
}

static void test_names(void)
{
	ok_text(mode_name(MODE_LONG64_5L), "long64_5l", "name of a mode");
	ok(!mode_name(MODE_COUNT), "no name past the last mode");
	ok_text(step_name(STEP_IO_IN), "io_in", "name of a step");
	ok(!step_name(0) && !step_name(1000), "no name of no step");
	ok_text(action_name(ACT_SET_MSR), "set_msr", "name of an action");
	ok(!action_name(0) && !action_name(1000), "no name of no action");
	ok_text(field_name(F_cs_base), "cs_base", "name of a field");
	ok(!field_name(0) && !field_name(140) && !field_name(65535), "no name of no field");
	ok_equal(mode_by_name("compat32"), MODE_COMPAT32, "mode by name");
	ok(mode_by_name("count") < 0, "no mode is called count");
	ok_equal(mode_bits(MODE_VM86), 16, "16 bits in vm86");
	ok_equal(mode_bits(MODE_PAE32), 32, "32 bits in pae32");
	ok_equal(mode_bits(MODE_LONG64), 64, "64 bits in long64");
}

/* ---- arbitrary bytes ---------------------------------------------------------- */

/*
 * Every beginning of an image is refused; every byte of it changed is taken or
 * refused with a message. What this would show is a crash or a sanitizer's report.
 */
static void test_damage(void)
{
	static const u8 masks[] = { 0x01, 0x80, 0xff };
	unsigned int silent = 0, taken = 0;
	struct image *image;
	u8 *file, *copy;
	size_t size;
	char *error;

	begin_image(L64, "t");
	begin_case("one");
	REC(REC_USES, 0, N(F_value, USES_SSE));
	REC(REC_GIVEN, 0, N(F_rax, 1), D(F_xmm0, "1234567812345678", 16));
	REC(REC_ENTRY, 1, N(F_va, SCRATCH), N(F_clear, 1));
	REC(REC_EXPECT, STEP_IO_OUT, N(F_port, 1), N(F_size, 1), N(F_data, 1));
	REC(REC_WRITES, 0, N(F_address, SCRATCH), D(F_bytes, "xyz", 3));
	file = (u8 *)build_file(&size);
	for (size_t i = 0; i < size; i++) {
		copy = memcpy(xmalloc(i), file, i);	/* exact, so that a sanitizer sees */
		error = parse_error(copy, i, &image);
		taken += !!image;
		silent += !image && !error;
		image_free(image);
		free(error);
		free(copy);
	}
	ok_equal(taken, 0, "no beginning of an image is taken");
	for (size_t i = 0; i < size * ARRAY_SIZE(masks); i++) {
		file[i / ARRAY_SIZE(masks)] ^= masks[i % ARRAY_SIZE(masks)];
		error = parse_error(file, size, &image);
		silent += !image == !error;
		image_free(image);
		free(error);
		file[i / ARRAY_SIZE(masks)] ^= masks[i % ARRAY_SIZE(masks)];
	}
	ok_equal(silent, 0, "every damaged image is taken or refused with a message");
	error = parse_error(file, size, &image);
	ok(image && !error, "the same image undamaged is taken");
	image_free(image);
	free(file);
}

/* ---- a real image ------------------------------------------------------------- */

static const char source[] =
	"%include \"microguest.inc\"\n"
	"modes real16, long64\n"
	"case imm8_al, \"OUT imm8, AL\"\n"
	"  ref    \"SDM 2 OUT\", \"APM 3 OUT\"\n"
	"  given  rax=0x41\n"
	"  out    0x10, al\n"
	"  expect io_out, port=0x10, size=1, data=0x41\n"
	"  hlt\n"
	"  expect hlt\n"
	"case load, \"MOV from memory\"\n"
	"  irqchip user, kernel\n"
	"  uses   avx\n"
	"  given  xmm1=1, 2, st0=1.0\n"
	"  operand dd, 0x11223344\n"
	"  emulate mov eax, [OPERAND]\n"
	"  checkpoint rax=0x11223344\n"
	"  writes SCRATCH, db 1, 2\n"
	"  action interrupt, vector=0x20\n"
	"  expect exception, vector=0x20, undefined=AF\n"
	"section .data\n"
	"  dq 1, 2\n"
	"section .bss\n"
	"  resb 100\n";

static void check_real(const struct image *image)
{
	const struct mg_case *tc = &image->cases[1];

	ok_equal(image->ncases, 2, "both cases of the source");
	ok_equal(image->mode, MODE_LONG64, "assembled for long64");
	ok_text(image->name, "real", "named after the source");
	ok_text(tc->name, "load", "the second case");
	ok_equal(tc->line, 10, "the line its `case` is in");
	ok_equal(tc->nrecords, 9, "its records");
	ok_equal(tc->nsteps, 3, "its steps");
	ok_equal(tc->uses, 7, "it uses all registers");
	ok(tc->operand && tc->emulate, "it has an operand and an instruction to emulate");
	ok_equal(tc->records[7].line, 18, "line of a step");
	ok_equal(record_field(&tc->records[2], F_xmm1)->blob[8], 2, "high half of xmm1");
	ok_equal(record_field(&tc->records[2], F_st0)->blob[9], 0x3f, "exponent of st0");
	ok_equal(image->nsegments, 2, "code and data");
	ok_equal(image->segments[1].addr, DATA, "data are at DATA");
	ok_equal(image->segments[1].filesz, 16, "data in the file");
	ok(image->segments[1].size >= 116, ".bss follows");
}

static void test_real(void)
{
	char dir[] = "/tmp/assay-unit-XXXXXX";
	struct image *image = NULL;
	char *error = NULL, *path, *command;
	FILE *file;

	if (!ok(!!mkdtemp(dir), "a folder for files"))
		return;
	path = xasprintf("%s/real.asm", dir);
	file = fopen(path, "w");
	fputs(source, file);
	fclose(file);
	command = xasprintf("microguests/assay-as -o %s %s >/dev/null", dir, path);
	ok(!system(command), "the source is assembled (run from the top of the source tree)");
	free(path);
	free(command);
	path = xasprintf("%s/real@long64.elf", dir);
	image = image_load(path, &error);
	if (ok(!!image, "the loader takes what nasm and ld make"))
		check_real(image);
	else
		note("%s", error);
	image_free(image);
	free(error);
	free(path);
	path = xasprintf("%s/none.elf", dir);
	error = NULL;
	ok(!image_load(path, &error), "an absent file is no image");
	ok_contains(error, "none.elf: No such file", "and is named");
	free(error);
	free(path);
	error = NULL;
	ok(!image_load(dir, &error), "a folder is no image");
	ok_contains(error, "Is a directory", "and is said to be one");
	free(error);
	command = xasprintf("rm -r %s", dir);
	ok(!system(command), "the folder is removed");
	free(command);
}

int main(void)
{
	test_names();
	test_defaults();
	test_image_name();
	test_elf();
	test_good_elf();
	test_many_segments();
	test_size();
	test_layout();
	test_order();
	test_kinds();
	test_version_and_name();
	test_addresses();
	test_fields();
	test_good_records();
	test_modes();
	test_stage_values();
	test_emulate();
	test_state();
	test_steps();
	test_actions();
	test_memory();
	test_once();
	test_limits();
	test_each();
	test_damage();
	test_real();
	sb_free(&built);
	return tap_done();
}

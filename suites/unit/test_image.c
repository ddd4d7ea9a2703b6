/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The image loader: ELF files, the layout and order of records, what a good image
 * becomes, and that no damage to one is more than a message. What records may say
 * is tested in test_image_rules.c.
 */
#define _GNU_SOURCE
#include "scratch.h"
#include "try_image.h"

#include <unistd.h>

/* ---- ELF ------------------------------------------------------------------ */

/* A good file with one thing changed, `f` being the file. */
#define BAD_FILE(change, why) do { \
	size_t size; struct built_file *f; \
	begin_image(L64, "t"); begin_case("one"); END(); \
	f = build_file(&size); change; refuse_file(f, size, why); free(f); \
} while (0)

#define GOOD_FILE(change, what) do { \
	size_t size; struct built_file *f; struct image *image; char *error; \
	begin_image(L64, "t"); begin_case("one"); END(); \
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
	END();
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
	begin_image(L64, "t"); begin_case("one"); END(); \
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
	END();
	built.len -= 8;
	refuse("offset 0x90: 16 bytes are too few for a record");
	BAD_BYTES(a[4] = 16, "offset 0, line 1: modes: its length 16 is not");
	BAD_BYTES(a[4] = 65, "offset 0, line 1: modes: its length 65 is not");
	BAD_BYTES(a[6] = 1, "offset 0, line 1: modes: its length 65600 is not");
	BAD_BYTES(a[144 + 4] = 32, "offset 0x90, line 3: expect checkpoint: its length 32 is not");
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
	END();
	refuse("case: `modes` must come first");
	begin_image(L64, "t");
	begin_case("one");
	END();
	REC(REC_IMAGE, L64, N(F_version, 1), T(F_name, "t"));
	refuse("modes: it stands twice");
	begin_image(L64, "t");
	begin_case("one");
	begin_case("two");
	END();
	refuse("line 2: case: it expects nothing");
	begin_image(L64, "t");
	begin_case("one");
	END();
	begin_case("two");
	END();
	begin_case("one");
	END();
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
	END();
	REC(REC_ACTION, ACT_NMI);
	REC(REC_HW, 0, T(F_text, "hlt"));
	refuse("line 5: expect_hw: it belongs to an `expect`");
	begin_image(L64, "t");
	begin_case("one");
	END();
	REC(REC_HW, 0, T(F_text, "hlt"));
	REC(REC_HW, 0, T(F_text, "hlt"));
	refuse("expect_hw: the expectation has one already");
}

static void test_kinds(void)
{
	BAD_STAGE(L64, "record of kind 0: there is no such kind", 0, 0);
	BAD_STAGE(L64, "record of kind 26: there is no such kind", REC_CPU + 1, 0);
	BAD_STAGE(L64, "record of kind 65535: there is no such kind", 0xffff, 0);
	BAD_STAGE(L64, "given1: there is no such sub (1)", REC_GIVEN, 1, N(F_rax, 1));
	BAD_STEP(L64, "expect 0: there is no such sub (0)", REC_EXPECT, 0);
	BAD_STEP(L64, "expect 20: there is no such sub (20)", REC_EXPECT, STEP_MEET + 1);
	BAD_STEP(L64, "action 0: there is no such sub (0)", REC_ACTION, 0);
	BAD_STEP(L64, "action 99: there is no such sub (99)", REC_ACTION, 99);
	BAD_STEP(L64, "action 31: there is no such sub (31)", REC_ACTION, 31);	/* left out */
	BAD_STAGE(L64, "entry of level 0: there is no such sub", REC_ENTRY, 0, N(F_va, 0),
		  N(F_set, 1));
	BAD_STAGE(L64, "entry of level 6: there is no such sub", REC_ENTRY, 6, N(F_va, 0),
		  N(F_set, 1));
	begin_image(MODE_COUNT, "t");
	begin_case("one");
	END();
	refuse("modes9: there is no such sub (9)");
}

static void test_version_and_name(void)
{
	begin_image(L64, "t");
	((u8 *)built.s)[32] = 2;
	begin_case("one");
	END();
	refuse("format version 2, but this program reads 1");
	begin_image(L64, "a b");
	begin_case("one");
	END();
	refuse("the name \"a b\" is not made of letters");
	begin_image(L64, "./.asm");
	begin_case("one");
	END();
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
		END();
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
	END();
	image_free(take("an expectation behind the last instruction"));
	begin_image(L64, "t");
	begin_case("one");
	built_addr = TEXT + sizeof(built_text) + 1;
	END();
	refuse("expect checkpoint: its address 0x8041 is not in .text (0x8000 to 0x8040)");
	begin_image(L64, "t");
	built_addr = TEXT - 1;
	begin_case("one");
	END();
	refuse("case: its address 0x7fff is not in .text");
	begin_image(L64, "t");
	built_addr = TEXT + sizeof(built_text);
	begin_case("one");
	END();
	refuse("case: its address 0x8040 is not in .text");
}

/* ---- what a good image becomes ------------------------------------------------ */

static void test_defaults(void)
{
	struct image *image;

	begin_image(MODE_VM86, "io/out");
	begin_case("one");
	END();
	image = take("a case that says little");
	ok_equal(image->cases[0].rings, RING_3, "vm86 runs at CPL 3");
	image_free(image);
	begin_image(L64, "io/out");
	begin_case("one");
	END();
	begin_case("two");
	REC(REC_USES, 0, N(F_value, USES_AVX));
	REC(REC_RING, 0, N(F_value, RING_3));
	REC(REC_IRQCHIP, 0, N(F_value, IRQCHIP_SPLIT | IRQCHIP_KERNEL));
	REC(REC_OPERAND, 0, N(F_address, OPERAND), D(F_bytes, "x", 1));
	REC(REC_EMULATE, 0);
	END();
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

	if (!ok(scratch_directory(dir), "a folder for files"))
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
	test_damage();
	test_real();
	sb_free(&built);
	return tap_done();
}

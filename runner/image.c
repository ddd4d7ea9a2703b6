/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reads a microguest image: ELF, segments, and the records of section .assay as
 * microguests/include/record.def describes them. What a record may say is
 * checked in image_check.c and image_case.c.
 *
 * libelf reads the headers only; contents are taken from our own copy of the
 * file, each range checked against its size here.
 */
#define _GNU_SOURCE
#include "image.h"

#include <endian.h>
#include <errno.h>
#include <gelf.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image_check.h"

#define IMAGE_BYTES_MAX (1 << 20)	/* a large microguest has some ten KiB */
#define SEGMENTS_MAX 16

struct range {			/* of the file */
	const u8 *bytes;
	u64 size;
};

struct parser {
	struct image *image;
	Elf *elf;
	struct range assay;
	u64 text, text_end;	/* addresses of section .text */
	char *error;
};

/* ---- names ---------------------------------------------------------------- */

#define NAME(number, text) [number] = text,

const char *mode_name(unsigned int mode)
{
	static const char *const names[] = { DEF_mode(NAME) };

	return mode < MODE_COUNT ? names[mode] : NULL;
}

const char *step_name(unsigned int step)
{
	static const char *const names[] = { DEF_step(NAME) };

	return step < ARRAY_SIZE(names) ? names[step] : NULL;
}

const char *action_name(unsigned int action)
{
	static const char *const names[] = { DEF_action(NAME) };

	return action < ARRAY_SIZE(names) ? names[action] : NULL;
}

const char *field_name(unsigned int field)
{
	static const char *const names[] = { DEF_field(NAME) };

	return field < ARRAY_SIZE(names) ? names[field] : NULL;
}

int mode_by_name(const char *name)
{
	for (unsigned int mode = 0; mode < MODE_COUNT; mode++)
		if (!strcmp(name, mode_name(mode)))
			return mode;
	return -1;
}

unsigned int mode_bits(enum def_mode mode)
{
	switch (mode) {
	case MODE_REAL16:
	case MODE_PROT16:
	case MODE_VM86:
		return 16;
	case MODE_LONG64:
	case MODE_LONG64_5L:
		return 64;
	default:
		return 32;
	}
}

/* ---- messages ------------------------------------------------------------- */

/* All of these return false, to be returned by who found the fault. */
static PRINTF(2, 3) bool fail(struct parser *p, const char *fmt, ...)
{
	struct strbuf sb = { 0 };
	va_list args;
	char *reason = NULL;

	va_start(args, fmt);
	if (vasprintf(&reason, fmt, args) < 0)
		reason = xstrdup(fmt);
	va_end(args);
	sb_printf(&sb, "%s: %s", p->image->file, reason);
	free(reason);
	p->error = sb.s;
	return false;
}

/* Takes the reason. */
static bool fail_at(struct parser *p, const struct record *record, char *reason)
{
	char title[64];

	fail(p, "section .assay, offset %#x, line %u: %s: %s", record->offset, record->line,
	     record_title(record, title, sizeof(title)), reason);
	free(reason);
	return false;
}

/* ---- ELF ------------------------------------------------------------------ */

static bool in_file(const struct parser *p, u64 offset, u64 bytes)
{
	return offset <= p->image->size && bytes <= p->image->size - offset;
}

/* Before libelf sees it: what it would convert, or read as an archive. */
static bool check_ident(struct parser *p)
{
	const struct image *image = p->image;

	if (image->size > IMAGE_BYTES_MAX)
		return fail(p, "the file is larger than %d bytes: not a microguest",
			    IMAGE_BYTES_MAX);
	if (image->size < sizeof(Elf64_Ehdr) || memcmp(image->bytes, ELFMAG, SELFMAG))
		return fail(p, "ELF header: not an ELF file: assemble and link the source first");
	if (image->bytes[EI_CLASS] != ELFCLASS64 || image->bytes[EI_DATA] != ELFDATA2LSB)
		return fail(p, "ELF header: not 64-bit little-endian: "
			    "assemble with nasm -f elf64, whatever the mode");
	return true;
}

static bool check_header(struct parser *p)
{
	GElf_Ehdr header;

	if (elf_kind(p->elf) != ELF_K_ELF || !gelf_getehdr(p->elf, &header))
		return fail(p, "ELF header: %s", elf_errmsg(-1));
	if (header.e_machine != EM_X86_64)
		return fail(p, "ELF header: machine %u, not x86-64 (%u): "
			    "assemble with nasm -f elf64", header.e_machine, EM_X86_64);
	if (header.e_type == ET_REL)
		return fail(p, "ELF header: an object file: link it with ld -T microguest.ld");
	if (header.e_type != ET_EXEC)
		return fail(p, "ELF header: type %u, not an executable (%u): "
			    "link it with ld -T microguest.ld", header.e_type, ET_EXEC);
	return true;
}

static bool add_segment(struct parser *p, size_t number, const GElf_Phdr *header)
{
	struct image *image = p->image;
	struct segment *segment;

	if (header->p_vaddr < TEXT || header->p_vaddr > DATA_END ||
	    header->p_memsz > DATA_END - header->p_vaddr)
		return fail(p, "segment %zu: %#" PRIx64 " bytes at %#" PRIx64 " leave the stage's "
			    "%#x to %#x: link it with ld -T microguest.ld", number,
			    header->p_memsz, header->p_vaddr, TEXT, DATA_END);
	if (header->p_filesz > header->p_memsz || !in_file(p, header->p_offset, header->p_filesz))
		return fail(p, "segment %zu: its bytes are not in the file: truncated?", number);
	for (unsigned int i = 0; i < image->nsegments; i++) {
		const struct segment *other = &image->segments[i];

		if (header->p_vaddr < other->addr + other->size &&
		    other->addr < header->p_vaddr + header->p_memsz)
			return fail(p, "segment %zu: overlaps another at %#" PRIx64
				    ": link it with ld -T microguest.ld", number, other->addr);
	}
	if (image->nsegments == SEGMENTS_MAX)
		return fail(p, "segment %zu: more than %d segments to load: "
			    "link it with ld -T microguest.ld", number, SEGMENTS_MAX);
	segment = &image->segments[image->nsegments++];
	segment->addr = header->p_vaddr;
	segment->size = header->p_memsz;
	segment->filesz = header->p_filesz;
	segment->data = image->bytes + header->p_offset;
	return true;
}

static bool read_segments(struct parser *p)
{
	GElf_Phdr header;
	size_t count;

	if (elf_getphdrnum(p->elf, &count))
		return fail(p, "program headers: %s", elf_errmsg(-1));
	p->image->segments = xcalloc(SEGMENTS_MAX, sizeof(struct segment));
	for (size_t i = 0; i < count; i++) {
		if (!gelf_getphdr(p->elf, i, &header))
			return fail(p, "program header %zu: %s", i, elf_errmsg(-1));
		if (header.p_type != PT_LOAD || !header.p_memsz)
			continue;
		if (!add_segment(p, i, &header))
			return false;
	}
	if (!p->image->nsegments)
		return fail(p, "program headers: nothing to load: "
			    "link it with ld -T microguest.ld");
	return true;
}

static bool take_assay(struct parser *p, const GElf_Shdr *header)
{
	if (p->assay.bytes)
		return fail(p, "section .assay: there is more than one: "
			    "link it with ld -T microguest.ld");
	if (header->sh_type != SHT_PROGBITS || header->sh_flags & SHF_COMPRESSED)
		return fail(p, "section .assay: not plain PROGBITS: do not compress or change it");
	if (!in_file(p, header->sh_offset, header->sh_size))
		return fail(p, "section .assay: its bytes are not in the file: truncated?");
	p->assay.bytes = p->image->bytes + header->sh_offset;
	p->assay.size = header->sh_size;
	return true;
}

static bool take_text(struct parser *p, const GElf_Shdr *header)
{
	if (p->text_end)
		return fail(p, "section .text: there is more than one: "
			    "link it with ld -T microguest.ld");
	if (header->sh_addr < TEXT || header->sh_addr > DATA ||
	    header->sh_size > DATA - header->sh_addr)
		return fail(p, "section .text: not inside the stage's %#x to %#x: "
			    "link it with ld -T microguest.ld", TEXT, DATA);
	p->text = header->sh_addr;
	p->text_end = header->sh_addr + header->sh_size;
	return true;
}

/* Every record's addr is checked against .text, so it must really be loaded. */
static bool text_is_loaded(const struct parser *p)
{
	for (unsigned int i = 0; i < p->image->nsegments; i++) {
		const struct segment *segment = &p->image->segments[i];

		if (segment->addr <= p->text && p->text_end <= segment->addr + segment->filesz)
			return true;
	}
	return false;
}

static bool read_sections(struct parser *p)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	const char *name;
	size_t names;

	if (elf_getshdrstrndx(p->elf, &names))
		return fail(p, "section headers: %s", elf_errmsg(-1));
	while ((section = elf_nextscn(p->elf, section))) {
		if (!gelf_getshdr(section, &header))
			return fail(p, "section header %zu: %s", elf_ndxscn(section),
				    elf_errmsg(-1));
		name = elf_strptr(p->elf, names, header.sh_name);
		if (!name)
			return fail(p, "section header %zu: its name: %s", elf_ndxscn(section),
				    elf_errmsg(-1));
		if (!strcmp(name, ".assay") && !take_assay(p, &header))
			return false;
		if (!strcmp(name, ".text") && !take_text(p, &header))
			return false;
	}
	if (!p->assay.bytes)
		return fail(p, "section .assay: there is none: not a microguest (the source must "
			    "include microguest.inc, and the image must not be stripped of it)");
	if (!text_is_loaded(p))
		return fail(p, "section .text: missing, or not loaded: "
			    "link it with ld -T microguest.ld");
	return true;
}

/* ---- records -------------------------------------------------------------- */

static u16 get16(const u8 *bytes)
{
	u16 value;

	memcpy(&value, bytes, sizeof(value));
	return le16toh(value);
}

static u32 get32(const u8 *bytes)
{
	u32 value;

	memcpy(&value, bytes, sizeof(value));
	return le32toh(value);
}

static u64 get64(const u8 *bytes)
{
	u64 value;

	memcpy(&value, bytes, sizeof(value));
	return le64toh(value);
}

/* Bytes a field takes, padding included. */
static u64 field_length(u32 bytes)
{
	return RECORD_FIELD + (((u64)bytes + 7) & ~7ull);
}

static bool zeros(const u8 *bytes, u64 count)
{
	while (count--)
		if (*bytes++)
			return false;
	return true;
}

/* One field from at, of which left bytes remain in the record. */
static char *decode_field(struct field *field, const u8 *at, u64 left)
{
	if (left < RECORD_FIELD)
		return xstrdup("the record ends inside a field: its field count is wrong");
	field->id = get16(at);
	field->bytes = get32(at + 4);
	field->value = get64(at + 8);
	field->blob = field->bytes ? at + RECORD_FIELD : NULL;
	if (get16(at + 2))
		return xasprintf("field %u: bytes that must be zero are not", field->id);
	if (field_length(field->bytes) > left)
		return xasprintf("field %u: its %u bytes leave the record", field->id,
				 field->bytes);
	if (field->bytes && field->value)
		return xasprintf("field %u: both a value and bytes", field->id);
	if (!zeros(at + RECORD_FIELD + field->bytes,
		   field_length(field->bytes) - RECORD_FIELD - field->bytes))
		return xasprintf("field %u: its padding is not zero", field->id);
	return NULL;
}

/* The fields of a record of length bytes at start; *next is their storage. */
static char *decode_fields(struct record *record, const u8 *start, u32 length, struct field *next)
{
	u64 done = RECORD_HEADER;
	char *reason;

	record->fields = next;
	for (u16 i = 0; i < record->nfields; i++, next++) {
		reason = decode_field(next, start + done, length - done);
		if (reason)
			return reason;
		done += field_length(next->bytes);
	}
	if (done != length)
		return xasprintf("%" PRIu64 " bytes follow the last field", length - done);
	return NULL;
}

/* The fixed part of the record at offset. *length is known to be in bounds. */
static bool decode_header(struct parser *p, u64 offset, struct record *record, u32 *length)
{
	const u8 *at = p->assay.bytes + offset;
	u64 left = p->assay.size - offset;

	if (left < RECORD_HEADER)
		return fail(p, "section .assay, offset %#" PRIx64 ": %" PRIu64
			    " bytes are too few for a record", offset, left);
	record->kind = get16(at);
	record->sub = get16(at + 2);
	*length = get32(at + 4);
	record->line = get32(at + 8);
	record->nfields = get16(at + 12);
	record->offset = offset;
	record->addr = get64(at + 16);
	if (*length < RECORD_HEADER || *length > RECORD_MAX || *length % 8 || *length > left)
		return fail_at(p, record, xasprintf("its length %u is not a multiple of 8 from %d "
			       "to the end of the section", *length, RECORD_HEADER));
	if (record->nfields > (*length - RECORD_HEADER) / RECORD_FIELD)
		return fail_at(p, record, xasprintf("%u fields do not fit into %u bytes",
			       record->nfields, *length));
	if (get16(at + 14))
		return fail_at(p, record, xstrdup("bytes of its header that must be zero are not"));
	return true;
}

/* Counts records and fields first: storage is then exact, and never moves. */
static bool count_records(struct parser *p, size_t *nrecords, size_t *nfields)
{
	struct record record = { 0 };
	u32 length;

	*nrecords = *nfields = 0;
	for (u64 offset = 0; offset < p->assay.size; offset += length) {
		if (!decode_header(p, offset, &record, &length))
			return false;
		++*nrecords;
		*nfields += record.nfields;
	}
	if (!*nrecords)
		return fail(p, "section .assay: it is empty: the source needs `modes` and a case");
	return true;
}

static char *check_address(const struct parser *p, const struct record *record)
{
	bool code = record->kind == REC_CASE || record->kind == REC_EMULATE;
	u64 last = p->text_end - code;	/* these two name an instruction */

	if (record->addr >= p->text && record->addr <= last)
		return NULL;
	return xasprintf("its address %#" PRIx64 " is not in .text (%#" PRIx64 " to %#" PRIx64
			 "): it stands without code, or in another section",
			 record->addr, p->text, p->text_end);
}

static char *text_of(const struct record *record, u16 id)
{
	const struct field *field = record_field(record, id);

	return xasprintf("%.*s", (int)field->bytes, (const char *)field->blob);
}

/*
 * The source's path as cases are called by: no suffix, nothing that leads out of
 * the current folder (then the file's own name is left).
 */
static char *source_name(const struct record *record)
{
	char *name = text_of(record, F_name);
	size_t len = strlen(name);
	char *from = name;

	if (len > 4 && !strcmp(name + len - 4, ".asm"))
		name[len - 4] = '\0';
	if ((*name == '/' || strstr(name, "..")) && strrchr(name, '/'))
		from = strrchr(name, '/') + 1;
	while (!strncmp(from, "./", 2))
		from += 2;
	memmove(name, from, strlen(from) + 1);
	return name;
}

/* Before anything else is judged: another version may mean something else by it. */
static char *check_version(const struct record *record)
{
	u64 version = record_value(record, F_version, 0);

	if (record->kind != REC_IMAGE)
		return xstrdup("`modes` must come first in the source");
	if (version != RECORD_VERSION)
		return xasprintf("format version %" PRIu64 ", but this program reads %d: assemble "
				 "the source again with this program's microguest.inc",
				 version, RECORD_VERSION);
	return NULL;
}

static char *read_image_record(struct image *image)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789_-./";

	image->mode = image->records->sub;
	image->name = source_name(image->records);
	if (*image->name && strspn(image->name, allowed) == strlen(image->name))
		return NULL;
	return xasprintf("the name \"%s\" is not made of letters, digits and _-./: "
			 "give another by -dIMAGE=PATH", image->name);
}

/* What is to be said about one record by itself. */
static char *judge_record(struct parser *p, const struct record *record)
{
	char *reason = NULL;

	if (record == p->image->records)
		reason = check_version(record);
	else if (record->kind == REC_IMAGE)
		reason = xstrdup("it stands twice: link each source by itself");
	if (!reason)
		reason = record_check(record);
	if (!reason)
		reason = check_address(p, record);
	if (!reason)
		reason = record->kind == REC_IMAGE ? read_image_record(p->image) :
						     record_sense(p->image, record);
	return reason;
}

/* Decodes all records, and checks each by itself. */
static bool read_records(struct parser *p, size_t *nrecords)
{
	struct field *field;
	struct record *record;
	size_t nfields;
	char *reason;
	u32 length;
	u64 offset = 0;

	if (!count_records(p, nrecords, &nfields))
		return false;
	record = p->image->records = xcalloc(*nrecords, sizeof(*record));
	field = p->image->fields = xcalloc(nfields, sizeof(*field));
	for (; offset < p->assay.size; offset += length, field += record++->nfields) {
		if (!decode_header(p, offset, record, &length))
			return false;
		reason = decode_fields(record, p->assay.bytes + offset, length, field);
		if (!reason)
			reason = judge_record(p, record);
		if (reason)
			return fail_at(p, record, reason);
	}
	return true;
}

/* ---- cases ------------------------------------------------ */

static unsigned int default_rings(enum def_mode mode)
{
	return mode == MODE_VM86 ? RING_3 : RING_0;
}

/* What records say about the case as a whole. Masks are known to be valid. */
static void sum_up(struct mg_case *tc)
{
	for (unsigned int i = 0; i < tc->nrecords; i++) {
		const struct record *record = &tc->records[i];
		unsigned int value = record_value(record, F_value, 0);

		switch (record->kind) {
		case REC_IRQCHIP:
			tc->irqchips = value;
			break;
		case REC_RING:
			tc->rings = value;
			break;
		case REC_USES:
			tc->uses |= value;
			break;
		case REC_OPERAND:
			tc->operand = true;
			break;
		case REC_EMULATE:
			tc->emulate = true;
			break;
		case REC_SMP:
			tc->cpus = value;
			break;
		case REC_CPU:
			if (!tc->entries[value])
				tc->entries[value] = record->addr;
			break;
		case REC_EXPECT:
		case REC_ACTION:
			tc->nsteps++;
			break;
		}
	}
	if (!tc->cpus)
		tc->cpus = 1;
	if (!tc->irqchips)
		tc->irqchips = IRQCHIP_USER;
	if (!tc->rings)
		tc->rings = default_rings(tc->image->mode);
	if (tc->uses & USES_AVX)
		tc->uses |= USES_SSE;
	if (tc->uses & USES_SSE)
		tc->uses |= USES_FPU;
}

/* The case whose REC_CASE is first, up to the next one or end. */
static bool read_case(struct parser *p, const struct record *first, const struct record *end)
{
	struct image *image = p->image;
	struct mg_case *tc = &image->cases[image->ncases];
	const struct record *at;
	char *reason;

	tc->image = image;
	tc->name = text_of(first, F_name);
	tc->text = text_of(first, F_text);
	image->ncases++;	/* from here on image_free() frees the two */
	tc->entry = tc->entries[0] = first->addr;
	tc->line = first->line;
	tc->records = first + 1;
	while (tc->records + tc->nrecords < end && tc->records[tc->nrecords].kind != REC_CASE)
		tc->nrecords++;
	for (unsigned int i = 0; i + 1 < image->ncases; i++)
		if (!strcmp(image->cases[i].name, tc->name))
			return fail_at(p, first, xasprintf("a case \"%s\" is in line %u already: "
				       "rename one", tc->name, image->cases[i].line));
	sum_up(tc);
	reason = case_check(tc, &at);
	return reason ? fail_at(p, at ? at : first, reason) : true;
}

static bool read_cases(struct parser *p, size_t nrecords)
{
	const struct record *records = p->image->records;
	const struct record *end = records + nrecords;
	size_t ncases = 0;

	for (size_t i = 1; i < nrecords; i++) {
		ncases += records[i].kind == REC_CASE;
		if (!ncases)
			return fail_at(p, &records[i],
				       xstrdup("it stands before the first `case`"));
	}
	if (!ncases)
		return fail_at(p, records, xstrdup("no `case` follows: nothing to run"));
	p->image->cases = xcalloc(ncases, sizeof(struct mg_case));
	for (size_t i = 1; i < nrecords; i++)
		if (records[i].kind == REC_CASE && !read_case(p, &records[i], end))
			return false;
	return true;
}

/* ---- public --------------------------------------------------------------- */

static bool parse(struct parser *p)
{
	size_t nrecords;

	if (!check_ident(p))
		return false;
	p->elf = elf_memory((char *)p->image->bytes, p->image->size);
	if (!p->elf)
		return fail(p, "ELF header: %s", elf_errmsg(-1));
	return check_header(p) && read_segments(p) && read_sections(p) &&
	       read_records(p, &nrecords) && read_cases(p, nrecords);
}

/*
 * Whether bytes that could be an instruction that changes model-specific registers are
 * anywhere in the file: WRMSR, SWAPGS, WRMSRNS, VMRUN, VMLOAD, RSM (SDM 2, APM 3).
 */
static bool image_changes_msrs(const u8 *bytes, size_t size)
{
	const u8 *end = bytes + size, *at = bytes;

	while (at < end && (at = memchr(at, 0x0f, (size_t)(end - at)))) {
		size_t left = (size_t)(end - ++at);

		if (left >= 1 && (at[0] == 0x30 || at[0] == 0xaa))
			return true;
		if (left >= 2 && at[0] == 0x01 &&
		    (at[1] == 0xf8 || at[1] == 0xc6 || at[1] == 0xd8 || at[1] == 0xda))
			return true;
	}
	return false;
}

struct image *image_parse(const char *file, const u8 *bytes, size_t size, char **error)
{
	struct parser p = { .image = xcalloc(1, sizeof(struct image)) };
	bool good;

	elf_version(EV_CURRENT);
	p.image->file = xstrdup(file);
	p.image->bytes = xmalloc(size);
	p.image->size = size;
	if (size)
		memcpy(p.image->bytes, bytes, size);
	good = parse(&p);
	elf_end(p.elf);
	p.image->changes_msrs = image_changes_msrs(bytes, size);
	if (good)
		return p.image;
	*error = p.error;
	image_free(p.image);
	return NULL;
}

struct image *image_load(const char *path, char **error)
{
	struct image *image = NULL;
	u8 *bytes = xmalloc(IMAGE_BYTES_MAX + 1);
	FILE *file = fopen(path, "rb");
	size_t size;

	if (!file) {
		*error = xasprintf("%s: %s", path, strerror(errno));
		free(bytes);
		return NULL;
	}
	/* One byte more than may be, so that a larger file is seen to be one. */
	size = fread(bytes, 1, IMAGE_BYTES_MAX + 1, file);
	if (ferror(file))
		*error = xasprintf("%s: %s", path, strerror(errno));
	else
		image = image_parse(path, bytes, size, error);
	fclose(file);
	free(bytes);
	return image;
}

void image_free(struct image *image)
{
	if (!image)
		return;
	for (unsigned int i = 0; i < image->ncases; i++) {
		free(image->cases[i].name);
		free(image->cases[i].text);
	}
	free(image->cases);
	free(image->segments);
	free(image->records);
	free(image->fields);
	free(image->bytes);
	free(image->name);
	free(image->file);
	free(image);
}

const struct field *record_field(const struct record *record, u16 id)
{
	for (u16 i = 0; i < record->nfields; i++)
		if (record->fields[i].id == id)
			return &record->fields[i];
	return NULL;
}

u64 record_value(const struct record *record, u16 id, u64 otherwise)
{
	const struct field *field = record_field(record, id);

	return field ? field->value : otherwise;
}

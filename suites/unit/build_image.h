/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Builds microguest images in memory for tests, record by record, and lays them
 * out as an ELF file whose headers a test may then change.
 */
#pragma once

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "image.h"

struct arg {			/* a field to be written */
	u16 id;
	u32 bytes;
	u64 value;
	const void *blob;
};

#define N(number, contents) { .id = number, .value = contents }
#define D(number, contents, length) { .id = number, .bytes = length, .blob = contents }
#define T(number, text) D(number, text, sizeof(text) - 1)
#define REC(kind, sub, ...) put_record(kind, sub, (struct arg[]){ __VA_ARGS__ __VA_OPT__(,) {} })

static struct strbuf built;	/* section .assay */
static u32 built_line;
static u64 built_addr;		/* of the next records */
static u8 built_text[64];

static inline void put(u64 value, unsigned int bytes)
{
	sb_add(&built, (const char *)&value, bytes);
}

static inline void put_field(const struct arg *arg)
{
	put(arg->id, 4);
	put(arg->bytes, 4);
	put(arg->value, 8);
	sb_add(&built, arg->blob, arg->bytes);
	put(0, -arg->bytes & 7);
}

/* Fields end at the first with id 0. */
static inline void put_record(u16 kind, u16 sub, const struct arg *args)
{
	size_t start = built.len;
	u32 length;
	u16 fields = 0;

	put(kind, 2);
	put(sub, 2);
	put(0, 4);
	put(++built_line, 4);
	put(0, 4);
	put(built_addr, 8);
	while (args[fields].id)
		put_field(&args[fields++]);
	length = built.len - start;
	memcpy(built.s + start + 4, &length, sizeof(length));
	memcpy(built.s + start + 12, &fields, sizeof(fields));
}

/* Starts an image: nothing but its first record, code full of NOPs. */
static inline void begin_image(u16 mode, const char *name)
{
	sb_free(&built);
	built_line = 0;
	built_addr = TEXT;
	memset(built_text, 0x90, sizeof(built_text));
	REC(REC_IMAGE, mode, N(F_version, RECORD_VERSION), D(F_name, name, strlen(name)));
	built_addr = TEXT + 16;
}

static inline void begin_case(const char *name)
{
	REC(REC_CASE, 0, D(F_name, name, strlen(name)), T(F_text, "what it shows"));
}

/* The file and where its parts are. Offsets of the parts are fixed. */
struct built_file {
	Elf64_Ehdr header;
	Elf64_Phdr segment[2];
	Elf64_Shdr section[4];	/* none, .text, .assay, .shstrtab */
	u8 text[sizeof(built_text)];
	char names[32];
	u8 assay[];
};

static inline void fill_headers(struct built_file *file, size_t assay_size)
{
	static const char names[] = "\0.text\0.assay\0.shstrtab";

	memcpy(file->header.e_ident, ELFMAG, SELFMAG);
	file->header.e_ident[EI_CLASS] = ELFCLASS64;
	file->header.e_ident[EI_DATA] = ELFDATA2LSB;
	file->header.e_ident[EI_VERSION] = EV_CURRENT;
	file->header.e_type = ET_EXEC;
	file->header.e_machine = EM_X86_64;
	file->header.e_version = EV_CURRENT;
	file->header.e_entry = TEXT;
	file->header.e_phoff = offsetof(struct built_file, segment);
	file->header.e_shoff = offsetof(struct built_file, section);
	file->header.e_ehsize = sizeof(Elf64_Ehdr);
	file->header.e_phentsize = sizeof(Elf64_Phdr);
	file->header.e_phnum = 2;
	file->header.e_shentsize = sizeof(Elf64_Shdr);
	file->header.e_shnum = 4;
	file->header.e_shstrndx = 3;
	file->segment[0] = (Elf64_Phdr){
		.p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_align = 16,
		.p_offset = offsetof(struct built_file, text),
		.p_vaddr = TEXT, .p_paddr = TEXT,
		.p_filesz = sizeof(file->text), .p_memsz = sizeof(file->text),
	};
	/* .data of 8 bytes, taken from the code, and as many of .bss */
	file->segment[1] = file->segment[0];
	file->segment[1].p_vaddr = file->segment[1].p_paddr = DATA;
	file->segment[1].p_filesz = 8;
	file->segment[1].p_memsz = 16;
	file->section[1] = (Elf64_Shdr){
		.sh_name = 1, .sh_type = SHT_PROGBITS, .sh_flags = SHF_ALLOC | SHF_EXECINSTR,
		.sh_addr = TEXT, .sh_offset = offsetof(struct built_file, text),
		.sh_size = sizeof(file->text), .sh_addralign = 16,
	};
	file->section[2] = (Elf64_Shdr){
		.sh_name = 7, .sh_type = SHT_PROGBITS, .sh_addralign = 8,
		.sh_offset = offsetof(struct built_file, assay), .sh_size = assay_size,
	};
	file->section[3] = (Elf64_Shdr){
		.sh_name = 14, .sh_type = SHT_STRTAB, .sh_addralign = 1,
		.sh_offset = offsetof(struct built_file, names), .sh_size = sizeof(names),
	};
	memcpy(file->text, built_text, sizeof(file->text));
	memcpy(file->names, names, sizeof(names));
}

/* The file as it stands now; *size is its length. To be freed. */
static inline struct built_file *build_file(size_t *size)
{
	struct built_file *file;

	*size = sizeof(*file) + built.len;
	file = xcalloc(1, *size);
	fill_headers(file, built.len);
	if (built.len)
		memcpy(file->assay, built.s, built.len);
	return file;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Microguest images: what the loader makes of an ELF file, after strict
 * validation. The format is described in microguests/include/record.def.
 * Nothing here knows a hypervisor.
 */
#pragma once

#include "record.h"
#include "stage.h"
#include "util.h"

struct field {
	u16 id;			/* F_* */
	u32 bytes;		/* 0: value holds the field; else length of blob */
	u64 value;
	const u8 *blob;		/* inside the image's file, not terminated */
};

struct record {
	u16 kind;		/* REC_* */
	u16 sub;		/* MODE_*, STEP_*, ACT_* or a level, by kind */
	u16 nfields;
	u32 line;		/* in the source */
	u32 offset;		/* in section .assay, for messages */
	u64 addr;		/* of the next instruction in the source */
	const struct field *fields;
};

/* One test. Strings belong to the image. */
struct mg_case {
	const struct image *image;
	char *name;		/* without path and mode: "imm8_al" */
	char *text;		/* one line: what it shows */
	u64 entry;		/* address of the first instruction */
	unsigned int cpus;	/* vCPUs: 1 unless it has REC_SMP */
	u64 entries[SMP_MAX];	/* first instruction of each; the first is entry */
	u32 line;		/* in the source */
	unsigned int irqchips;	/* mask of IRQCHIP_*; IRQCHIP_USER if none is declared */
	unsigned int rings;	/* mask of RING_*; the mode's own if none is declared */
	unsigned int uses;	/* mask of USES_*, completed: AVX implies SSE implies FPU */
	bool operand;		/* has REC_OPERAND: may run with OPERAND in MMIO space */
	bool emulate;		/* has REC_EMULATE: may run with the forced-emulation prefix */
	unsigned int nsteps;	/* records that are REC_EXPECT or REC_ACTION */
	const struct record *records;	/* all that follow REC_CASE, in order */
	unsigned int nrecords;
};

struct segment {
	u64 addr;		/* guest-physical = linear */
	u32 size;		/* bytes in memory; those after filesz are zero */
	u32 filesz;
	const u8 *data;
};

struct image {
	char *file;		/* as named by the caller, for messages */
	char *name;		/* path of the source without suffix: "io/out" */
	enum def_mode mode;
	struct segment *segments;
	unsigned int nsegments;
	struct mg_case *cases;
	unsigned int ncases;
	struct record *records;	/* storage of all cases' records and fields */
	struct field *fields;
	u8 *bytes;		/* the file */
	size_t size;
	bool changes_msrs;	/* an instruction that can may be in it */
};

/* Names of the format's numbers ("long64", "io_out", "rax"); NULL if unknown. */
const char *mode_name(unsigned int mode);
const char *step_name(unsigned int step);
const char *action_name(unsigned int action);
const char *field_name(unsigned int field);
/* The mode of that name, or -1. */
int mode_by_name(const char *name);
/* Bits of an address or operand in that mode's code: 16, 32 or 64. */
unsigned int mode_bits(enum def_mode mode);

/*
 * Reads an image from memory; bytes are copied. On failure returns NULL and
 * puts one line into *error (to be freed): file, section, offset, source line
 * where known, and the reason. Never crashes, whatever the bytes.
 */
struct image *image_parse(const char *file, const u8 *bytes, size_t size, char **error);

/* The same from a file. */
struct image *image_load(const char *path, char **error);

void image_free(struct image *image);

/* The field of that id, or NULL. */
const struct field *record_field(const struct record *record, u16 id);
/* Its value, or what to use when it is absent. */
u64 record_value(const struct record *record, u16 id, u64 otherwise);

/* The images built into the program (build/embedded.c). */
extern const struct embedded_file embedded_images[];	/* "io/out@long64.elf" ... */
extern const unsigned int embedded_image_count;

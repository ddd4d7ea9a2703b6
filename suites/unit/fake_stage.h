/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Stages of cases that were never assembled: records written down as C, in an
 * image without code, for tests of what is built and predicted from them.
 */
#pragma once

#include <stdlib.h>
#include <string.h>

#include "stage_build.h"

/* V(field, number) and B(field, bytes...): the fields of R(kind, sub, fields...). */
#define V(number, contents) { .id = number, .value = contents }
#define B(number, ...) { .id = number, .bytes = sizeof((u8[]){ __VA_ARGS__ }), \
			 .blob = (const u8[]){ __VA_ARGS__ } }
#define FIELDS(...) ((const struct field[]){ __VA_ARGS__ })
#define R(record_kind, record_sub, ...) \
	{ .kind = record_kind, .sub = record_sub, .addr = TEXT + 2, .line = 7, \
	  .nfields = sizeof(FIELDS(__VA_ARGS__)) / sizeof(struct field), \
	  .fields = FIELDS(__VA_ARGS__) }

/* One case with its image and instance. */
struct fake_case {
	struct image image;
	struct mg_case tc;
	struct instance instance;
	struct stage stage;
};

static inline void fake_open(struct fake_case *f, enum def_mode mode, unsigned int ring)
{
	memset(f, 0, sizeof(*f));
	f->image.mode = mode;
	f->image.name = f->image.file = (char *)"unit/fake";
	f->tc = (struct mg_case){ .image = &f->image, .name = (char *)"it", .entry = TEXT,
				  .line = 5 };
	f->instance = (struct instance){ .tc = &f->tc, .ring = mode == MODE_VM86 ? 3 : ring,
					 .irqchip = IRQCHIP_USER, .name = (char *)"unit/fake/it" };
	stage_init(&f->stage);
}

static inline void fake_records(struct fake_case *f, const struct record *records,
				unsigned int count)
{
	f->tc.records = records;
	f->tc.nrecords = count;
}

/* The stage of a mode, with a case that asks for nothing. */
static inline bool fake_stage(struct fake_case *f, enum def_mode mode, unsigned int ring)
{
	fake_open(f, mode, ring);
	return stage_build(&f->stage, &f->instance);
}

static inline void fake_close(struct fake_case *f)
{
	stage_free(&f->stage);
}

static inline u64 read_bytes(const struct fake_case *f, u64 addr, unsigned int bytes)
{
	u64 value = 0;

	memcpy(&value, f->stage.mem + addr, bytes);
	return value;
}

static inline u64 read64(const struct fake_case *f, u64 addr)
{
	return read_bytes(f, addr, 8);
}

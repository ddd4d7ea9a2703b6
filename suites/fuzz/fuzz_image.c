/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Fuzzes the image loader (libFuzzer): any bytes are either refused with a message
 * of one line, or become an image of which every byte can be read, and which
 * keeps what the engine relies on.
 */
#include "image.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const u8 *bytes, size_t size);

static volatile u8 sink;

#define MUST(condition) do { if (!(condition)) abort(); } while (0)

static void touch(const void *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		sink ^= ((const u8 *)bytes)[i];
}

static void walk_record(const struct record *record)
{
	MUST(record->kind != REC_EXPECT || step_name(record->sub));
	MUST(record->kind != REC_ACTION || action_name(record->sub));
	for (u16 i = 0; i < record->nfields; i++) {
		const struct field *field = &record->fields[i];

		MUST(field_name(field->id));
		MUST(!field->bytes == !field->blob && (!field->bytes || !field->value));
		MUST(record_field(record, field->id) == field);
		MUST(record_value(record, field->id, 1) == field->value);
		touch(field->blob, field->bytes);
	}
}

static void walk_case(const struct image *image, const struct mg_case *tc)
{
	unsigned int steps = 0;

	MUST(tc->image == image && tc->rings && tc->irqchips && tc->nsteps);
	MUST(tc->entry >= TEXT && tc->entry < DATA);
	MUST(image->mode != MODE_VM86 || tc->rings == RING_3);
	MUST(image->mode != MODE_REAL16 || tc->rings == RING_0);
	touch(tc->name, strlen(tc->name));
	touch(tc->text, strlen(tc->text));
	for (unsigned int i = 0; i < tc->nrecords; i++) {
		walk_record(&tc->records[i]);
		steps += tc->records[i].kind == REC_EXPECT || tc->records[i].kind == REC_ACTION;
	}
	MUST(steps == tc->nsteps);
}

static void walk_image(const struct image *image)
{
	MUST(mode_name(image->mode) && image->ncases && image->nsegments);
	touch(image->name, strlen(image->name));
	for (unsigned int i = 0; i < image->nsegments; i++) {
		const struct segment *segment = &image->segments[i];

		MUST(segment->addr >= TEXT && segment->addr + segment->size <= DATA_END);
		MUST(segment->filesz <= segment->size);
		touch(segment->data, segment->filesz);
	}
	for (unsigned int i = 0; i < image->ncases; i++)
		walk_case(image, &image->cases[i]);
}

int LLVMFuzzerTestOneInput(const u8 *bytes, size_t size)
{
	char *error = NULL;
	struct image *image = image_parse("fuzz.elf", bytes, size, &error);

	MUST(!image == !!error);
	if (image)
		walk_image(image);
	else
		MUST(!strncmp(error, "fuzz.elf: ", 10) && !strchr(error, '\n'));
	image_free(image);
	free(error);
	return 0;
}

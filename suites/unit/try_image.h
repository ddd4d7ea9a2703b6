/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For the loader's tests: gives what was built (build_image.h) to the loader, and
 * checks that it is taken, or refused with the right message.
 */
#pragma once

#include "build_image.h"
#include "tap.h"

static inline char *parse_error(const void *bytes, size_t size, struct image **image)
{
	char *error = NULL;

	*image = image_parse("some.elf", bytes, size, &error);
	return error;
}

/* The file must be refused with a message that holds why. */
static inline void refuse_file(const struct built_file *file, size_t size, const char *why)
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

static inline void refuse(const char *why)
{
	size_t size;
	struct built_file *file = build_file(&size);

	refuse_file(file, size, why);
	free(file);
}

/* What was built must be taken. The image is to be freed. */
static inline struct image *take(const char *what)
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

#define END() REC(REC_EXPECT, STEP_CHECKPOINT)

/* A record among those that set the stage: good and bad. */
#define STAGE(mode, what, ...) do { \
	begin_image(mode, "t"); begin_case("one"); REC(__VA_ARGS__); END(); \
	image_free(take(what)); \
} while (0)
#define BAD_STAGE(mode, why, ...) do { \
	begin_image(mode, "t"); begin_case("one"); REC(__VA_ARGS__); END(); refuse(why); \
} while (0)

/* A record behind an expectation: good and bad. */
#define STEP(mode, what, ...) do { \
	begin_image(mode, "t"); begin_case("one"); END(); REC(__VA_ARGS__); \
	image_free(take(what)); \
} while (0)
#define BAD_STEP(mode, why, ...) do { \
	begin_image(mode, "t"); begin_case("one"); END(); REC(__VA_ARGS__); refuse(why); \
} while (0)

#define L64 MODE_LONG64

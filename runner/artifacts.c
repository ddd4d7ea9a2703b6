// SPDX-License-Identifier: GPL-2.0-only
/* Artifacts: the bundle of files that is kept of each failure. */
#define _GNU_SOURCE
#include "artifacts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "elfcore.h"
#include "listing.h"
#include "report_parts.h"

#define DIFF_ROW 16		/* bytes of memory a line of memory.diff shows */

struct artifacts {
	char *path;
	int fd;
};

/* One bundle while it is written; after the first error the rest is left out. */
struct bundle {
	char *path;
	int fd;
	char *error;
	const struct run_info *run;
	const struct result *result;
};

/* All that a bundle may hold: what is deleted of an older one. */
static const char *const files[] = {
	"result.json", "registers.txt", "exits.txt", "disassembly.txt", "memory.core",
	"memory.diff", "image.elf",	"replay.sh", "failure.txt",
};

struct artifacts *artifacts_open(const char *path, char **error)
{
	struct artifacts *artifacts;
	int fd;

	if (mkdir(path, 0777) && errno != EEXIST) {
		*error = xasprintf("cannot make the directory %s for artifacts: %s", path,
				   strerror(errno));
		return NULL;
	}
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || faccessat(fd, ".", W_OK | X_OK, AT_EACCESS)) {
		*error = xasprintf("cannot write artifacts into %s: %s", path, strerror(errno));
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	artifacts = xcalloc(1, sizeof(*artifacts));
	artifacts->path = xstrdup(path);
	artifacts->fd = fd;
	return artifacts;
}

void artifacts_close(struct artifacts *artifacts)
{
	if (!artifacts)
		return;
	close(artifacts->fd);
	free(artifacts->path);
	free(artifacts);
}

static void bundle_error(struct bundle *bundle, const char *doing, const char *file)
{
	if (!bundle->error)
		bundle->error = xasprintf("cannot %s %s/%s: %s", doing, bundle->path, file,
					  strerror(errno));
}

/* A new file of the bundle, which is never one that something else put there. */
static int create(struct bundle *bundle, const char *file, mode_t mode)
{
	int fd;

	if (bundle->error)
		return -1;
	fd = openat(bundle->fd, file, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	if (fd < 0)
		bundle_error(bundle, "create", file);
	return fd;
}

static void save_bytes(struct bundle *bundle, const char *file, const void *bytes, size_t len,
		       mode_t mode)
{
	int fd = create(bundle, file, mode);
	size_t done = 0;

	if (fd < 0)
		return;
	while (done < len) {
		ssize_t n = write(fd, (const u8 *)bytes + done, len - done);

		if (n < 0 && errno != EINTR)
			break;
		done += n > 0 ? n : 0;
	}
	if (done < len)
		bundle_error(bundle, "write", file);
	close(fd);
}

/* Writes the text and frees it. */
static void save_text(struct bundle *bundle, const char *file, struct strbuf *text)
{
	save_bytes(bundle, file, text->s ? text->s : "", text->len, 0666);
	sb_free(text);
}

static void save_result(struct bundle *bundle)
{
	json_t *object = json_object();
	struct strbuf sb = { 0 };
	char *text;

	json_object_set_new(object, "assay", json_clean(assay_version));
	json_object_set_new(object, "target", json_clean(bundle->run->target));
	json_object_set_new(object, "host", json_host(bundle->run));
	json_object_set_new(object, "result", json_result(bundle->run, bundle->result));
	text = json_dumps(object, JSON_INDENT(2));
	sb_printf(&sb, "%s\n", text ? text : "");
	save_text(bundle, "result.json", &sb);
	json_decref(object);
	free(text);
}

static void save_registers(struct bundle *bundle)
{
	const struct result *result = bundle->result;
	unsigned int uses = result->instance->tc->uses;
	struct strbuf sb = { 0 };

	if (!result->have_state)
		return;
	if (result->npeers)
		sb_printf(&sb, "cpu %u\n\n", result->cpu);
	sb_registers(&sb, &result->state, uses);
	for (unsigned int i = 0; i < result->npeers; i++) {
		const struct result *peer = &result->peers[i];

		if (!peer->have_state)
			continue;
		sb_printf(&sb, "\ncpu %u\n\n", peer->cpu);
		sb_registers(&sb, &peer->state, uses);
	}
	save_text(bundle, "registers.txt", &sb);
}

static void sb_all_exits(struct strbuf *sb, const struct result *result)
{
	if (result->exits_before)
		sb_printf(sb, "(%u exits before these)\n", result->exits_before);
	sb_exits(sb, result, 0);
	if (result->nhw)
		sb_printf(sb, "exits of the processor, by the exit above that they led to\n");
	if (result->hw_before)
		sb_printf(sb, "(%u before these)\n", result->hw_before);
	sb_hw_exits(sb, result, 0);
}

static void save_exits(struct bundle *bundle)
{
	const struct result *result = bundle->result;
	struct strbuf sb = { 0 };

	if (result->npeers)
		sb_printf(&sb, "cpu %u\n", result->cpu);
	sb_all_exits(&sb, result);
	for (unsigned int i = 0; i < result->npeers; i++) {
		sb_printf(&sb, "cpu %u\n", result->peers[i].cpu);
		sb_all_exits(&sb, &result->peers[i]);
	}
	save_text(bundle, "exits.txt", &sb);
}

static void save_disassembly(struct bundle *bundle)
{
	const struct result *result = bundle->result;
	const struct mg_case *tc = result->instance->tc;
	u64 rip = result->have_state ? state_linear_rip(&result->state) : LISTING_NO_MARK;
	char *source = source_name(tc->image);
	struct strbuf sb = { 0 };

	sb_printf(&sb, "; %s\n; numbers before a step are lines of %s\n", result->instance->name,
		  source);
	sb_listing(&sb, tc, result->memory, rip);
	if (result->code_len) {
		char *heading = code_heading(result);

		sb_printf(&sb, "\n; %s\n", heading);
		free(heading);
		sb_code(&sb, result, 0, &paint_none);
	}
	save_text(bundle, "disassembly.txt", &sb);
	free(source);
}

static void sb_row(struct strbuf *sb, const char *side, const u8 *bytes, const u8 *other)
{
	sb_printf(sb, "%s", side);
	for (unsigned int i = 0; i < DIFF_ROW; i++)
		sb_printf(sb, bytes[i] != other[i] ? " [%02x]" : "  %02x ", bytes[i]);
	sb_printf(sb, "\n");
}

/* Rows of memory that are not as expected, both ways, differing bytes in brackets. */
static void save_diff(struct bundle *bundle)
{
	const u8 *observed = bundle->result->memory, *expected = bundle->result->memory_expected;
	struct strbuf sb = { 0 };

	if (!observed || !expected)
		return;
	for (u32 at = 0; at < STAGE_RAM; at += DIFF_ROW) {
		if (!memcmp(expected + at, observed + at, DIFF_ROW))
			continue;
		sb_printf(&sb, "%05x", at);
		sb_row(&sb, " expected", expected + at, observed + at);
		sb_row(&sb, "      observed", observed + at, expected + at);
	}
	if (!sb.len)
		sb_printf(&sb, "guest memory is as expected\n");
	save_text(bundle, "memory.diff", &sb);
}

static void save_core(struct bundle *bundle)
{
	const struct result *result = bundle->result;
	u32 hole = result->instance->path == PATH_MMIO ? OPERAND : MMIO;
	const struct core_range ranges[] = {	/* the stage's memory, without MMIO space */
		{ 0, hole },
		{ MMIO_END, STAGE_RAM - MMIO_END },
	};
	char *error = NULL;
	int fd;

	if (!result->memory)
		return;
	fd = create(bundle, "memory.core", 0666);
	if (fd < 0)
		return;
	if (elfcore_write(fd, result->instance->name, result->have_state ? &result->state : NULL,
			  result->memory, ranges, ARRAY_SIZE(ranges), &error)) {
		if (!bundle->error)
			bundle->error = xasprintf("%s/memory.core: %s", bundle->path, error);
		free(error);
	}
	close(fd);
}

/*
 * The bundle's own image is what is run, so it replays elsewhere and later too. A
 * program called by its path is named so that the directory does not matter.
 */
static void save_replay(struct bundle *bundle)
{
	const struct run_info *run = bundle->run;
	const char *program = run->program ? run->program : program_invocation_name;
	char *path = strchr(program, '/') ? realpath(program, NULL) : NULL;
	struct strbuf sb = { 0 };

	sb_printf(&sb, "#!/bin/sh\nexec ");
	sb_shell_word(&sb, path ? path : program);
	free(path);
	sb_printf(&sb, " run ");
	sb_shell_word(&sb, bundle->result->instance->name);
	sb_printf(&sb, " --on ");
	sb_shell_word(&sb, run->target);
	sb_printf(&sb, " \"$(dirname \"$0\")/image.elf\" \"$@\"\n");
	save_bytes(bundle, "replay.sh", sb.s, sb.len, 0777);
	sb_free(&sb);
}

static void save_failure(struct bundle *bundle)
{
	struct strbuf sb = { 0 };

	sb_clean(&sb, bundle->result->instance->name);
	sb_printf(&sb, ": %s\n", outcome_name(bundle->result->outcome));
	sb_failure(&sb, bundle->run, bundle->result, &paint_none);
	save_text(bundle, "failure.txt", &sb);
}

/* Opens the bundle's directory, empty of what an older bundle held. */
static int open_bundle(struct artifacts *artifacts, struct bundle *bundle, const char *name)
{
	bundle->path = xasprintf("%s/%s", artifacts->path, name);
	if (mkdirat(artifacts->fd, name, 0777) && errno != EEXIST) {
		bundle->error = xasprintf("cannot make the directory %s: %s", bundle->path,
					  strerror(errno));
		return -1;
	}
	bundle->fd = openat(artifacts->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (bundle->fd < 0) {
		bundle->error = xasprintf("cannot use %s as a directory of its own: %s",
					  bundle->path, strerror(errno));
		return -1;
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(files); i++) {
		if (unlinkat(bundle->fd, files[i], 0) && errno != ENOENT)
			bundle_error(bundle, "replace", files[i]);
	}
	return 0;
}

int artifacts_save(struct artifacts *artifacts, const struct run_info *run,
		   const struct result *result, char **error)
{
	const struct image *image = result->instance->tc->image;
	struct bundle bundle = { .run = run, .result = result };
	char *name;

	if (result->outcome != OUTCOME_FAIL && result->outcome != OUTCOME_ERROR)
		return 0;
	name = clean_text(result->instance->name, false);
	for (char *s = name; *s; s++) {
		if (*s == '/')
			*s = '_';
	}
	if (!open_bundle(artifacts, &bundle, name)) {
		save_failure(&bundle);
		save_result(&bundle);
		save_registers(&bundle);
		save_exits(&bundle);
		save_disassembly(&bundle);
		save_diff(&bundle);
		save_core(&bundle);
		save_bytes(&bundle, "image.elf", image->bytes, image->size, 0666);
		save_replay(&bundle);
		close(bundle.fd);
	}
	free(name);
	free(bundle.path);
	*error = bundle.error;
	return bundle.error ? -1 : 0;
}

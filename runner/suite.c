/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What there is to run: loads images, makes an instance of every way each case
 * may run, and selects instances by name. Order is that of images and sources.
 */
#include "instance.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#define NEAREST 3		/* names a message offers instead of an unknown one */

/* ---- instances ------------------------------------------------------------ */

static const char *const irqchip_suffix[] = {
	[IRQCHIP_USER] = "", [IRQCHIP_SPLIT] = "+split", [IRQCHIP_KERNEL] = "+kernel",
};

static const char *const path_suffix[PATH_COUNT] = { "", "+mmio", "+fep" };

/* There are thousands of names: printf would take a third of the time to start. */
static char *join(const char *const parts[], unsigned int count)
{
	size_t lengths[16], all = 0;
	char *joined, *at;

	for (unsigned int i = 0; i < count; i++)
		all += lengths[i] = strlen(parts[i]);
	joined = at = xmalloc(all + 1);
	for (unsigned int i = 0; i < count; at += lengths[i++])
		memcpy(at, parts[i], lengths[i]);
	*at = 0;
	return joined;
}

static char *instance_name(const struct instance *instance)
{
	const struct mg_case *tc = instance->tc;
	/* virtual-8086 mode knows no other privilege level: nothing to tell apart */
	bool ring3 = instance->ring && tc->image->mode != MODE_VM86;

	const char *parts[] = {
		tc->image->name, "/", tc->name, "@", mode_name(tc->image->mode),
		ring3 ? ".ring3" : "", irqchip_suffix[instance->irqchip],
		path_suffix[instance->path], instance->restore ? "+restore" : "",
		instance->fresh ? "+fresh" : "",
	};

	return join(parts, ARRAY_SIZE(parts));
}

static void add_instance(struct suite *suite, const struct instance *instance)
{
	size_t room = suite->count ? suite->count * 2 : 1;

	if (!(suite->count & (suite->count - 1)))	/* full at each power of two */
		suite->instances = xrealloc(suite->instances, room * sizeof(*instance));
	suite->instances[suite->count] = *instance;
	suite->instances[suite->count++].name = instance_name(instance);
}

static unsigned int case_paths(const struct mg_case *tc)
{
	return 1 << PATH_NATIVE | tc->operand << PATH_MMIO | tc->emulate << PATH_FEP;
}

static void expand_case(struct suite *suite, const struct mg_case *tc, const struct axes *axes)
{
	unsigned int irqchips = tc->irqchips & (axes->irqchips ? axes->irqchips : ~0u);
	unsigned int paths = case_paths(tc) & (axes->paths ? axes->paths : ~0u);
	struct instance instance = { .tc = tc, .restore = axes->restore, .fresh = axes->fresh };

	if (axes->cpus && tc->cpus > axes->cpus)
		return;
	for (unsigned int ring = RING_0; ring <= RING_3; ring <<= 1) {
		for (unsigned int chip = IRQCHIP_USER; chip <= IRQCHIP_KERNEL; chip <<= 1) {
			for (unsigned int path = 0; path < PATH_COUNT; path++) {
				if (!(tc->rings & ring && irqchips & chip && paths & 1 << path))
					continue;
				instance.ring = ring == RING_3 ? 3 : 0;
				instance.irqchip = chip;
				instance.path = path;
				if (axes->both) {
					instance.restore = false;
					add_instance(suite, &instance);
				}
				instance.restore = axes->restore;
				add_instance(suite, &instance);
			}
		}
	}
}

/* ---- finding one by its name ------------------------------------------------- */

#define INDEX_MIN 64u		/* places of the index at least; always a power of two */

static u32 hash(const char *name)
{
	u32 h = 2166136261u;	/* FNV-1a */

	for (; *name; name++)
		h = (h ^ (u8)*name) * 16777619u;
	return h;
}

/* The place of that name in the index: it holds its number plus 1, or 0. */
static u32 *place(const struct suite *suite, const char *name)
{
	u32 mask = suite->index_size - 1, at = hash(name) & mask;

	while (suite->index[at] && strcmp(suite->instances[suite->index[at] - 1].name, name))
		at = (at + 1) & mask;
	return &suite->index[at];
}

/* Two images may carry the same name; then a name would not say what ran. */
static int index_names(struct suite *suite, char **error)
{
	suite->index_size = INDEX_MIN;
	while (suite->index_size < suite->count * 2)
		suite->index_size *= 2;
	suite->index = xcalloc(suite->index_size, sizeof(*suite->index));
	for (unsigned int i = 0; i < suite->count; i++) {
		const char *name = suite->instances[i].name;
		u32 *at = place(suite, name);

		if (*at) {
			*error = xasprintf("%s is in %s and in %s: rename one source or case", name,
					   suite->instances[*at - 1].tc->image->file,
					   suite->instances[i].tc->image->file);
			return -1;
		}
		*at = i + 1;
	}
	return 0;
}

static void drop_index(struct suite *suite)
{
	free(suite->index);
	suite->index = NULL;
	suite->index_size = 0;
}

/* ---- loading -------------------------------------------------------------- */

static int load_images(struct suite *suite, char *const *files, unsigned int nfiles, char **error)
{
	unsigned int wanted = nfiles ? nfiles : embedded_image_count;

	suite->images = xcalloc(wanted, sizeof(*suite->images));
	for (unsigned int i = 0; i < wanted; i++) {
		const struct embedded_file *embedded = &embedded_images[i];
		struct image *image = nfiles ? image_load(files[i], error) :
			image_parse(embedded->file, embedded->bytes, embedded->size, error);

		if (!image)
			return -1;
		suite->images[suite->nimages++] = image;
	}
	return 0;
}

int suite_load(struct suite *suite, char *const *files, unsigned int nfiles,
	       const struct axes *axes, char **error)
{
	*suite = (struct suite){ 0 };
	if (load_images(suite, files, nfiles, error)) {
		suite_free(suite);
		return -1;
	}
	for (unsigned int i = 0; i < suite->nimages; i++)
		for (unsigned int j = 0; j < suite->images[i]->ncases; j++)
			expand_case(suite, &suite->images[i]->cases[j], axes);
	if (index_names(suite, error)) {
		suite_free(suite);
		return -1;
	}
	return 0;
}

void suite_free(struct suite *suite)
{
	for (unsigned int i = 0; i < suite->count; i++)
		free(suite->instances[i].name);
	free(suite->instances);
	for (unsigned int i = 0; i < suite->nimages; i++)
		image_free(suite->images[i]);
	free(suite->images);
	drop_index(suite);
	*suite = (struct suite){ 0 };
}

/* ---- the nearest names ---------------------------------------------------- */

struct candidate {
	const char *name;
	size_t len;		/* a name, or its beginning */
	unsigned int distance;
};

static bool is_cut(char c)
{
	return !c || strchr("/@.+", c);
}

static void offer(struct candidate best[NEAREST], const struct candidate *candidate)
{
	unsigned int at = NEAREST;

	for (unsigned int i = 0; i < NEAREST; i++)
		if (best[i].name && best[i].len == candidate->len &&
		    !memcmp(best[i].name, candidate->name, candidate->len))
			return;
	while (at && (!best[at - 1].name || best[at - 1].distance > candidate->distance))
		at--;
	if (at == NEAREST)
		return;
	memmove(&best[at + 1], &best[at], (NEAREST - 1 - at) * sizeof(*best));
	best[at] = *candidate;
}

/*
 * Edit distance of the pattern to every beginning of the name that a pattern may
 * be, in one pass: row[i] is that of the pattern's first i characters to as much
 * of the name as was walked.
 */
static void measure(const char *pattern, size_t len, const char *name, unsigned int *row,
		    struct candidate best[NEAREST])
{
	unsigned int diagonal, above;

	for (size_t i = 0; i <= len; i++)
		row[i] = i;
	for (size_t n = 0; name[n]; n++) {
		diagonal = row[0]++;
		for (size_t i = 1; i <= len; i++) {
			unsigned int least = diagonal + (pattern[i - 1] != name[n]);

			above = row[i];
			if (above + 1 < least)
				least = above + 1;
			if (row[i - 1] + 1 < least)
				least = row[i - 1] + 1;
			row[i] = least;
			diagonal = above;
		}
		if (is_cut(name[n + 1]))
			offer(best, &(struct candidate){ name, n + 1, row[len] });
	}
}

/* "; did you mean a, b, c?" or where to find all names. */
static char *suggest(const struct suite *suite, const char *pattern)
{
	struct candidate best[NEAREST] = { 0 };
	size_t len = strnlen(pattern, 256);
	unsigned int *row = xcalloc(len + 1, sizeof(*row));
	struct strbuf sb = { 0 };

	for (unsigned int i = 0; i < suite->count; i++)
		measure(pattern, len, suite->instances[i].name, row, best);
	free(row);
	for (unsigned int i = 0; i < NEAREST; i++)
		if (best[i].name && best[i].distance <= len / 3 + 1)
			sb_printf(&sb, "%s%.*s", i ? ", " : "did you mean ", (int)best[i].len,
				  best[i].name);
	sb_printf(&sb, sb.len ? "?" : "assay list shows all names");
	return sb.s;
}

/* ---- selecting ------------------------------------------------------------ */

/* What a pattern adds to the instances it selects; bit numbers of a mark. */
enum { PLAIN = 0, RESTORE = 1, FRESH = 2, VARIANTS = 4 };

static bool is_glob(const char *pattern)
{
	return strpbrk(pattern, "*?[");
}

/* The name itself, its beginning at a cut, or a glob that fits all of it. */
static bool matches(const char *pattern, const char *name)
{
	size_t len = strlen(pattern);

	if (is_glob(pattern))
		return !fnmatch(pattern, name, 0);
	return len && !strncmp(pattern, name, len) &&
	       (is_cut(name[len]) || is_cut(pattern[len - 1]));
}

static bool in_mode(const struct instance *instance, int mode)
{
	return mode < 0 || (int)instance->tc->image->mode == mode;
}

/*
 * Marks the instance of exactly that name with these bits. What is the whole name of
 * an instance means this one alone, though other names begin with it: the line that
 * reruns one instance must not run others.
 */
static bool mark_one(const struct suite *suite, const char *name, int mode, u8 bits, u8 *keep)
{
	u32 at = *place(suite, name);

	if (!at || !in_mode(&suite->instances[at - 1], mode))
		return false;
	keep[at - 1] |= bits;
	return true;
}

/* Marks what the pattern selects and returns how many. */
static unsigned int mark(const struct suite *suite, const char *pattern, int mode, u8 bits,
			 u8 *keep)
{
	unsigned int found = 0;

	for (unsigned int i = 0; i < suite->count; i++) {
		if (!in_mode(&suite->instances[i], mode) ||
		    !matches(pattern, suite->instances[i].name))
			continue;
		keep[i] |= bits;
		found++;
	}
	return found;
}

/* Shortens the pattern by the suffix, if it ends so. */
static bool take_suffix(char *pattern, const char *suffix)
{
	size_t len = strlen(pattern), cut = strlen(suffix);

	if (len < cut || strcmp(pattern + len - cut, suffix))
		return false;
	pattern[len - cut] = '\0';
	return true;
}

/*
 * Marks what a pattern selects: the instance of that name, or else all that match. It
 * may end in +restore and +fresh though the axes made no such instances: they are made
 * then, so that a name is all it takes to rerun. Names come first, because they are
 * found at once: there may be as many of them as instances.
 */
static unsigned int mark_variants(const struct suite *suite, const char *pattern, int mode,
				  u8 *keep)
{
	unsigned int found = mark_one(suite, pattern, mode, 1 << PLAIN, keep);
	unsigned int variant = PLAIN;
	char *base;

	if (found)
		return found;
	base = xstrdup(pattern);
	if (take_suffix(base, "+fresh"))
		variant |= FRESH;
	if (take_suffix(base, "+restore"))
		variant |= RESTORE;
	if (suite->instances->restore)	/* an axis: all are, and would be twice */
		variant &= ~RESTORE;
	if (suite->instances->fresh)
		variant &= ~FRESH;
	found = mark_one(suite, base, mode, 1 << variant, keep);
	if (!found)
		found = mark(suite, pattern, mode, 1 << PLAIN, keep);
	if (!found)
		found = mark(suite, base, mode, 1 << variant, keep);
	free(base);
	return found;
}

static int unknown_pattern(const struct suite *suite, const char *pattern, int mode, char **error)
{
	u8 *scratch = xcalloc(suite->count, sizeof(*scratch));
	unsigned int anywhere = mark_variants(suite, pattern, -1, scratch);
	char *hint;

	free(scratch);
	if (anywhere) {		/* else it had been found: a mode was asked for */
		*error = xasprintf("nothing is called \"%s\" in mode %s, only in others", pattern,
				   mode_name(mode));
		return -1;
	}
	hint = suggest(suite, pattern);
	*error = xasprintf("nothing is called \"%s\": %s", pattern, hint);
	free(hint);
	return -1;
}

static int unknown_mode(const char *mode, char **error)
{
	struct strbuf sb = { 0 };

	sb_printf(&sb, "there is no mode \"%s\": it is one of", mode);
	for (unsigned int i = 0; i < MODE_COUNT; i++)
		sb_printf(&sb, " %s", mode_name(i));
	*error = sb.s;
	return -1;
}

/* Makes the list anew of what is marked, in the same order. */
static void keep_marked(struct suite *suite, const u8 *keep)
{
	struct suite old = *suite;

	suite->instances = NULL;
	suite->count = 0;
	for (unsigned int i = 0; i < old.count; i++) {
		for (unsigned int variant = 0; variant < VARIANTS; variant++) {
			struct instance instance = old.instances[i];

			instance.restore |= !!(variant & RESTORE);
			instance.fresh |= !!(variant & FRESH);
			if (keep[i] & 1 << variant)
				add_instance(suite, &instance);
		}
		free(old.instances[i].name);
	}
	free(old.instances);
	drop_index(suite);	/* other numbers now */
}

int suite_select(struct suite *suite, char *const *patterns, unsigned int npatterns,
		 const char *mode, char **error)
{
	int number = mode ? mode_by_name(mode) : -1;
	int result = 0;
	u8 *keep;

	if (mode && number < 0)
		return unknown_mode(mode, error);
	if (!suite->count) {
		*error = xstrdup("no case runs in the variant asked for: assay list shows all");
		return -1;
	}
	keep = xcalloc(suite->count, sizeof(*keep));
	for (unsigned int i = 0; i < npatterns && !result; i++)
		if (!mark_variants(suite, patterns[i], number, keep))
			result = unknown_pattern(suite, patterns[i], number, error);
	if (!npatterns && !mark(suite, "*", number, 1 << PLAIN, keep)) {
		*error = xasprintf("no case is in mode %s: assay list shows all", mode);
		result = -1;
	}
	if (!result)
		keep_marked(suite, keep);
	free(keep);
	return result;
}

/* ---- shards --------------------------------------------------------------------- */

/* Instances that cost alike: same mode, same kind of VM, same way to the instruction. */
static unsigned int kind(const struct instance *instance)
{
	unsigned int kind = instance->tc->image->mode;

	kind = kind * PATH_COUNT + instance->path;
	kind = kind * 2 + (instance->ring == 3);
	kind = kind * (IRQCHIP_KERNEL + 1) + instance->irqchip;
	kind = kind * 2 + instance->restore;
	return kind * 2 + instance->fresh;
}

#define KINDS (MODE_COUNT * PATH_COUNT * 2 * (IRQCHIP_KERNEL + 1) * 2 * 2)

void suite_shard(struct suite *suite, unsigned int shard, unsigned int shards)
{
	unsigned int *seen = xcalloc(KINDS, sizeof(*seen)), kept = 0;

	for (unsigned int i = 0; i < suite->count; i++) {
		unsigned int k = kind(&suite->instances[i]);

		/* Not every kind begins with the first shard: it would get all small ones. */
		if ((k + seen[k]++) % shards == shard)
			suite->instances[kept++] = suite->instances[i];
		else
			free(suite->instances[i].name);
	}
	suite->count = kept;
	free(seen);
}

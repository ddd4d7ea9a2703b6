// SPDX-License-Identifier: GPL-2.0-only
/* Known deviations: reading their files, strictly. */
#include "deviations.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <jansson.h>

#define FILE_MAX (16u << 20)	/* bytes; more is no deviations file */

struct parser {
	const char *file;
	const char *text, *at, *end;
	unsigned int line;	/* of the entry being read */
	char *error;
};

/* Keeps the first error, as "FILE:LINE: ...". */
static void PRINTF(3, 4) fail(struct parser *p, unsigned int line, const char *fmt, ...)
{
	char message[512];
	va_list args;

	if (p->error)
		return;
	va_start(args, fmt);
	vsnprintf(message, sizeof(message), fmt, args);
	va_end(args);
	p->error = xasprintf("%s:%u: %s", p->file, line, message);
}

/* ---- reading ------------------------------------------------------------------ */

/* A copy of a string member; NULL, with an error if it is required or no text. */
static char *take_string(struct parser *p, json_t *object, const char *where, const char *key,
			 bool required)
{
	json_t *value = json_object_get(object, key);
	const char *text = json_string_value(value);

	if (!value && !required)
		return NULL;
	if (!value)
		fail(p, p->line, "%s has no \"%s\"", where, key);
	else if (!text || !text[strspn(text, " \t\n")])
		fail(p, p->line, "\"%s\" of %s must be a string that is not empty", key, where);
	else
		return xstrdup(text);
	return NULL;
}

/* The same for a list of strings with at least one in it. */
static char **take_strings(struct parser *p, json_t *object, const char *where, const char *key,
			   bool required, unsigned int *count)
{
	json_t *array = json_object_get(object, key);
	char **strings;

	*count = 0;
	if (!array && !required)
		return NULL;
	if (!json_array_size(array)) {
		fail(p, p->line, "\"%s\" of %s must be a list with at least one string", key,
		     where);
		return NULL;
	}
	strings = xcalloc(json_array_size(array), sizeof(*strings));
	for (size_t i = 0; i < json_array_size(array); i++) {
		const char *text = json_string_value(json_array_get(array, i));

		if (!text || !*text)
			fail(p, p->line, "\"%s\" of %s has something that is no string, or empty",
			     key, where);
		else
			strings[(*count)++] = xstrdup(text);
	}
	return strings;
}

static void check_keys(struct parser *p, json_t *object, const char *where,
		       const char *const *known)
{
	const char *key;
	json_t *value;

	json_object_foreach(object, key, value) {
		unsigned int i = 0;

		while (known[i] && strcmp(known[i], key))
			i++;
		if (!known[i])
			fail(p, p->line, "%s has a \"%s\", which means nothing here", where, key);
	}
}

/* One string, or a list of them. */
static char **take_one_or_more(struct parser *p, json_t *object, const char *where,
			       const char *key, unsigned int *count)
{
	char **strings;

	if (json_is_array(json_object_get(object, key)))
		return take_strings(p, object, where, key, true, count);
	strings = xcalloc(1, sizeof(*strings));
	strings[0] = take_string(p, object, where, key, true);
	*count = 1;
	return strings;
}

static char *take_range(struct parser *p, json_t *object, const char *where, const char *key)
{
	char *range = take_string(p, object, where, key, false);

	if (range && !version_range_valid(range))
		fail(p, p->line, "\"%s\" is no range of versions like \">=6.1 <6.13\"", range);
	return range;
}

static void read_target(struct parser *p, json_t *target, struct deviation *entry)
{
	static const char *const keys[] = { "hypervisor", "machine",	"machine_version",
					    "version",	  "parameters", NULL };
	static const char where[] = "\"target\"";

	if (!json_is_object(target)) {
		fail(p, p->line, "the entry must have a \"target\" that is an object");
		return;
	}
	check_keys(p, target, where, keys);
	entry->hypervisors = take_one_or_more(p, target, where, "hypervisor",
					      &entry->nhypervisors);
	entry->machine = take_string(p, target, where, "machine", false);
	entry->machine_version = take_range(p, target, where, "machine_version");
	entry->version = take_range(p, target, where, "version");
	entry->parameters = take_strings(p, target, where, "parameters", false,
					 &entry->nparameters);
}

/* What ends the machine cannot be gone over: that it differs elsewhere is never seen. */
static void read_fatal(struct parser *p, json_t *json, struct deviation *entry)
{
	json_t *fatal = json_object_get(json, "fatal");

	if (fatal && !json_is_true(fatal))
		fail(p, p->line, "\"fatal\" of the entry can only be true");
	if (fatal && entry->reason)
		entry->not_run = xasprintf("not run, it ends the machine: %s", entry->reason);
	if (fatal && entry->ndiffers)
		fail(p, p->line, "the entry has both \"fatal\" and \"differs\": what ends the "
				 "machine is not judged further");
}

/* Differences are passed over where they are, and what is fatal does not pass. */
static void read_sometimes(struct parser *p, json_t *json, struct deviation *entry)
{
	json_t *sometimes = json_object_get(json, "sometimes");

	entry->sometimes = sometimes;
	if (sometimes && !json_is_true(sometimes))
		fail(p, p->line, "\"sometimes\" of the entry can only be true");
	if (sometimes && (entry->ndiffers || entry->not_run))
		fail(p, p->line, "the entry has \"sometimes\" together with \"differs\" or "
				 "\"fatal\", where it means nothing");
}

static void read_entry(struct parser *p, json_t *json, struct deviation *entry)
{
	static const char *const keys[] = { "target",	 "cases",  "differs", "fatal",
					    "sometimes", "reason", "ref",     NULL };

	entry->line = p->line;
	check_keys(p, json, "the entry", keys);
	entry->cases = take_strings(p, json, "the entry", "cases", true, &entry->ncases);
	entry->differs = take_strings(p, json, "the entry", "differs", false, &entry->ndiffers);
	entry->reason = take_string(p, json, "the entry", "reason", true);
	entry->ref = take_string(p, json, "the entry", "ref", true);
	read_fatal(p, json, entry);
	read_sometimes(p, json, entry);
	read_target(p, json_object_get(json, "target"), entry);
}

/* Skips white space, counting lines; the next character, or 0 at the end. */
static char next_char(struct parser *p)
{
	for (; p->at < p->end; p->at++) {
		if (*p->at == '\n')
			p->line++;
		else if (*p->at != ' ' && *p->at != '\t' && *p->at != '\r')
			return *p->at ? *p->at : '?';
	}
	return 0;
}

static void advance(struct parser *p)
{
	p->at += p->at < p->end;
}

/*
 * Parses one object where p stands, and says where it stops. Entries are parsed
 * one by one because a parsed value no longer knows its line, which messages about
 * its contents need.
 */
static json_t *parse_object(struct parser *p, const char **stop)
{
	json_error_t error;
	json_t *json = json_loadb(p->at, p->end - p->at,
				  JSON_DISABLE_EOF_CHECK | JSON_REJECT_DUPLICATES, &error);

	if (!json)
		fail(p, p->line + (error.line > 0 ? error.line - 1 : 0), "%s", error.text);
	*stop = p->at + error.position;
	return json;
}

static void read_entries(struct parser *p, struct deviations *d)
{
	const char *stop;
	json_t *json;

	while (!p->error) {
		if (next_char(p) != '{') {
			fail(p, p->line, "expected an entry, which begins with '{'");
			return;
		}
		json = parse_object(p, &stop);
		if (!json)
			return;
		d->entries = xrealloc(d->entries, (d->count + 1) * sizeof(*d->entries));
		d->entries[d->count] = (struct deviation){ 0 };
		read_entry(p, json, &d->entries[d->count++]);
		json_decref(json);
		for (; p->at < stop; p->at++)
			p->line += *p->at == '\n';
		if (next_char(p) == ']')
			return;
		if (next_char(p) != ',')
			fail(p, p->line, "expected ',' or ']' after an entry");
		advance(p);
	}
}

/* Adds the entries of one file; false with *error. */
static bool add_file(struct deviations *d, const char *file, const char *text, size_t len,
		     char **error)
{
	struct parser p = { .file = file, .text = text, .at = text, .end = text + len, .line = 1 };

	if (next_char(&p) != '[') {
		fail(&p, p.line, "the file must be a list of entries: [ ... ]");
	} else {
		advance(&p);
		if (next_char(&p) != ']')
			read_entries(&p, d);
		advance(&p);
		if (next_char(&p))
			fail(&p, p.line, "there is something after the list");
	}
	*error = p.error;
	return !p.error;
}

/* What was read, or NULL if a part of it could not be. */
static struct deviations *whole(struct deviations *d, bool ok)
{
	if (ok)
		return d;
	deviations_free(d);
	return NULL;
}

struct deviations *deviations_parse(const char *file, const char *text, size_t len, char **error)
{
	struct deviations *d = xcalloc(1, sizeof(*d));

	return whole(d, add_file(d, file, text, len, error));
}

/* The whole file; NULL with *error. */
static char *read_file(const char *path, size_t *len, char **error)
{
	FILE *file = fopen(path, "re");
	struct strbuf sb = { 0 };
	char buffer[4096];
	size_t n;

	if (!file) {
		*error = xasprintf("%s: cannot open the deviations file: %s", path,
				   strerror(errno));
		return NULL;
	}
	sb_add(&sb, "", 0);
	while (sb.len <= FILE_MAX && (n = fread(buffer, 1, sizeof(buffer), file)))
		sb_add(&sb, buffer, n);
	if (ferror(file))
		*error = xasprintf("%s: cannot read the deviations file: %s", path,
				   strerror(errno));
	else if (sb.len > FILE_MAX)
		*error = xasprintf("%s: larger than %u bytes: no deviations file", path, FILE_MAX);
	else
		*len = sb.len;
	fclose(file);
	if (!*error)
		return sb.s;
	sb_free(&sb);
	return NULL;
}

static bool load_file(struct deviations *d, const char *path, char **error)
{
	size_t len;
	char *text = read_file(path, &len, error);
	bool ok = text && add_file(d, path, text, len, error);

	free(text);
	return ok;
}

static int is_json(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return entry->d_name[0] != '.' && len > 5 && !strcmp(entry->d_name + len - 5, ".json");
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);	/* the same order in every locale */
}

/* A directory without any is taken for a mistake. */
static bool load_directory(struct deviations *d, const char *path, char **error)
{
	struct dirent **entries;
	int n = scandir(path, &entries, is_json, by_name);
	bool ok = n > 0;

	if (n < 0)
		*error = xasprintf("%s: cannot list the directory: %s", path, strerror(errno));
	else if (!n)
		*error = xasprintf("%s: no deviations file (*.json) in the directory", path);
	for (int i = 0; i < n; i++) {
		char *file = xasprintf("%s/%s", path, entries[i]->d_name);

		ok = ok && load_file(d, file, error);
		free(file);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
	return ok;
}

static bool load_embedded(struct deviations *d, char **error)
{
	for (unsigned int i = 0; i < embedded_deviation_count; i++) {
		const struct embedded_file *file = &embedded_deviations[i];

		if (!add_file(d, file->file, (const char *)file->bytes, file->size, error))
			return false;
	}
	return true;
}

struct deviations *deviations_load(const char *path, char **error)
{
	struct deviations *d = xcalloc(1, sizeof(*d));
	struct stat st;
	bool ok;

	*error = NULL;
	if (!path)
		ok = load_embedded(d, error);
	else if (!stat(path, &st) && S_ISDIR(st.st_mode))
		ok = load_directory(d, path, error);
	else
		ok = load_file(d, path, error);
	return whole(d, ok);
}

static void free_strings(char **strings, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		free(strings[i]);
	free(strings);
}

void deviations_free(struct deviations *d)
{
	if (!d)
		return;
	for (unsigned int i = 0; i < d->count; i++) {
		struct deviation *entry = &d->entries[i];

		free_strings(entry->hypervisors, entry->nhypervisors);
		free(entry->machine);
		free(entry->machine_version);
		free(entry->version);
		free_strings(entry->parameters, entry->nparameters);
		free_strings(entry->cases, entry->ncases);
		free_strings(entry->differs, entry->ndiffers);
		free(entry->reason);
		free(entry->ref);
		free(entry->not_run);
	}
	free(d->entries);
	free(d);
}

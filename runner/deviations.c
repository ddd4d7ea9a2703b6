// SPDX-License-Identifier: GPL-2.0-only
/* Known deviations: reading their file strictly, and applying them to results. */
#include "deviations.h"

#include <ctype.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#define VERSION_PARTS 6
#define FILE_MAX (16u << 20)	/* bytes; more is no deviations file */

extern const unsigned char deviations_json[];	/* suites/deviations.json, by xxd -i */
extern const unsigned int deviations_json_len;

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

/* ---- versions --------------------------------------------------------------- */

/* Reads "6.12.3" into numbers and returns what follows; NULL if there is no number. */
static const char *read_version(const char *s, unsigned long numbers[VERSION_PARTS])
{
	memset(numbers, 0, VERSION_PARTS * sizeof(*numbers));
	if (!isdigit((unsigned char)*s))
		return NULL;
	for (unsigned int i = 0;; i++) {
		char *end;
		unsigned long number = strtoul(s, &end, 10);

		if (i < VERSION_PARTS)
			numbers[i] = number;
		s = end;
		if (s[0] != '.' || !isdigit((unsigned char)s[1]))
			return s;
		s++;
	}
}

static int compare_versions(const unsigned long *a, const unsigned long *b)
{
	for (unsigned int i = 0; i < VERSION_PARTS; i++) {
		if (a[i] != b[i])
			return a[i] < b[i] ? -1 : 1;
	}
	return 0;
}

enum comparison { AT_LEAST, ABOVE, AT_MOST, BELOW, EQUAL };

/*
 * Takes one comparison off the range. Returns what follows, NULL if it is
 * malformed; at the end of the range *more is false.
 */
static const char *next_comparison(const char *range, enum comparison *how,
				   unsigned long numbers[VERSION_PARTS], bool *more)
{
	range += strspn(range, " ");
	*more = *range;
	if (!*more)
		return range;
	switch (*range++) {
	case '>':
		*how = *range == '=' ? AT_LEAST : ABOVE;
		break;
	case '<':
		*how = *range == '=' ? AT_MOST : BELOW;
		break;
	case '=':
		*how = EQUAL;
		break;
	default:
		return NULL;
	}
	range = read_version(range + (*range == '='), numbers);
	return range && (*range == ' ' || !*range) ? range : NULL;
}

bool version_in_range(const char *version, const char *range)
{
	unsigned long have[VERSION_PARTS], want[VERSION_PARTS];
	enum comparison how;
	bool more, ok = true;
	int sign;

	if (!read_version(version, have))
		return false;
	for (;;) {
		range = next_comparison(range, &how, want, &more);
		if (!range || !more)
			return range && ok;
		sign = compare_versions(have, want);
		ok &= how == AT_LEAST ? sign >= 0 :
		      how == ABOVE    ? sign > 0 :
		      how == AT_MOST  ? sign <= 0 :
		      how == BELOW    ? sign < 0 :
					sign == 0;
	}
}

static bool range_valid(const char *range)
{
	unsigned long numbers[VERSION_PARTS];
	enum comparison how;
	unsigned int n = 0;
	bool more;

	for (;; n++) {
		range = next_comparison(range, &how, numbers, &more);
		if (!range || !more)
			return range && n;
	}
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

static void read_entry(struct parser *p, json_t *json, struct deviation *entry)
{
	static const char *const keys[] = { "target", "cases",	"differs",
					    "reason", "ref",	NULL };
	static const char *const target_keys[] = { "hypervisor", "machine", "version", "parameters",
						   NULL };
	json_t *target = json_object_get(json, "target");

	entry->line = p->line;
	check_keys(p, json, "the entry", keys);
	entry->cases = take_strings(p, json, "the entry", "cases", true, &entry->ncases);
	entry->differs = take_strings(p, json, "the entry", "differs", false, &entry->ndiffers);
	entry->reason = take_string(p, json, "the entry", "reason", true);
	entry->ref = take_string(p, json, "the entry", "ref", true);
	if (!json_is_object(target)) {
		fail(p, p->line, "the entry must have a \"target\" that is an object");
		return;
	}
	check_keys(p, target, "\"target\"", target_keys);
	entry->hypervisor = take_string(p, target, "\"target\"", "hypervisor", true);
	entry->machine = take_string(p, target, "\"target\"", "machine", false);
	entry->version = take_string(p, target, "\"target\"", "version", false);
	entry->parameters = take_strings(p, target, "\"target\"", "parameters", false,
					 &entry->nparameters);
	if (entry->version && !range_valid(entry->version))
		fail(p, p->line, "\"%s\" is no range of versions like \">=6.1 <6.13\"",
		     entry->version);
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
		memset(&d->entries[d->count], 0, sizeof(*d->entries));
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

struct deviations *deviations_parse(const char *file, const char *text, size_t len, char **error)
{
	struct parser p = { .file = file, .text = text, .at = text, .end = text + len, .line = 1 };
	struct deviations *d = xcalloc(1, sizeof(*d));

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
	if (!p.error)
		return d;
	*error = p.error;
	deviations_free(d);
	return NULL;
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

struct deviations *deviations_load(const char *path, char **error)
{
	struct deviations *d;
	size_t len;
	char *text;

	*error = NULL;
	if (!path)
		return deviations_parse("suites/deviations.json", (const char *)deviations_json,
					deviations_json_len, error);
	text = read_file(path, &len, error);
	if (!text)
		return NULL;
	d = deviations_parse(path, text, len, error);
	free(text);
	return d;
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

		free(entry->hypervisor);
		free(entry->machine);
		free(entry->version);
		free_strings(entry->parameters, entry->nparameters);
		free_strings(entry->cases, entry->ncases);
		free_strings(entry->differs, entry->ndiffers);
		free(entry->reason);
		free(entry->ref);
	}
	free(d->entries);
	free(d);
}

/* ---- applying ------------------------------------------------------------------ */

static bool has_word(const char *text, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = text; (at = strstr(at, word)); at++) {
		if ((at == text || at[-1] == ' ') && (at[len] == ' ' || !at[len]))
			return true;
	}
	return false;
}

static bool host_matches(const struct deviation *entry, const struct host *host)
{
	if (strcmp(entry->hypervisor, host->hypervisor))
		return false;
	if (entry->machine && fnmatch(entry->machine, host->machine, 0))
		return false;
	if (entry->version && !version_in_range(host->version, entry->version))
		return false;
	for (unsigned int i = 0; i < entry->nparameters; i++) {
		if (!has_word(host->parameters, entry->parameters[i]))
			return false;
	}
	return true;
}

static bool one_matches(char *const *globs, unsigned int count, const char *text)
{
	for (unsigned int i = 0; i < count; i++) {
		if (!fnmatch(globs[i], text, 0))
			return true;
	}
	return false;
}

struct deviation *deviations_match(const struct deviations *d, const struct host *host,
				   const char *instance)
{
	for (unsigned int i = 0; i < d->count; i++) {
		struct deviation *entry = &d->entries[i];

		if (!entry->ndiffers && host_matches(entry, host) &&
		    one_matches(entry->cases, entry->ncases, instance))
			return entry;
	}
	return NULL;
}

const struct deviation *deviations_tolerate(const struct deviations *d, const struct host *host,
					    const char *instance, const char *what)
{
	for (unsigned int i = 0; i < d->count; i++) {
		const struct deviation *entry = &d->entries[i];

		if (one_matches(entry->differs, entry->ndiffers, what) &&
		    host_matches(entry, host) &&
		    one_matches(entry->cases, entry->ncases, instance))
			return entry;
	}
	return NULL;
}

void deviations_apply(struct deviations *d, const struct host *host, struct result *result)
{
	struct deviation *entry;

	for (unsigned int i = 0; result->tolerated && i < d->count; i++)
		d->entries[i].applied += d->entries[i].reason == result->deviation_reason;
	if (result->outcome != OUTCOME_FAIL && result->outcome != OUTCOME_PASS)
		return;
	entry = deviations_match(d, host, result->instance->name);
	if (!entry)
		return;
	if (result->outcome == OUTCOME_FAIL) {
		result->outcome = OUTCOME_DEVIATION;
		entry->applied++;
	} else {
		result->deviation_gone = true;
		entry->gone++;
	}
	result->deviation_reason = entry->reason;
	result->deviation_ref = entry->ref;
}

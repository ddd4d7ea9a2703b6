// SPDX-License-Identifier: GPL-2.0-only
/* Known deviations: which entry is about which result, and what it makes of it. */
#include "deviations.h"

#include <ctype.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#define VERSION_PARTS 6

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

bool version_range_valid(const char *range)
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

static bool is_among(char *const *strings, unsigned int count, const char *text)
{
	for (unsigned int i = 0; i < count; i++) {
		if (!strcmp(strings[i], text))
			return true;
	}
	return false;
}

static bool is_about(const struct deviation *entry, const struct host *host)
{
	if (!is_among(entry->hypervisors, entry->nhypervisors, host->hypervisor))
		return false;
	if (entry->machine && fnmatch(entry->machine, host->machine, 0))
		return false;
	if (entry->machine_version &&
	    !version_in_range(host->machine_version, entry->machine_version))
		return false;
	if (entry->version && !version_in_range(host->version, entry->version))
		return false;
	for (unsigned int i = 0; i < entry->nparameters; i++) {
		if (!has_word(host->parameters, entry->parameters[i]))
			return false;
	}
	return true;
}

void deviations_bind(struct deviations *d, const struct host *host)
{
	for (unsigned int i = 0; i < d->count; i++)
		d->entries[i].here = is_about(&d->entries[i], host);
}

/* Whether a glob of which nothing is special but stars fits all of the text. */
static bool stars_match(const char *glob, const char *text)
{
	const char *star = NULL, *from = NULL;

	while (*text) {
		if (*glob == '*') {
			star = glob++;
			from = text;
		} else if (*glob == *text) {
			glob++;
			text++;
		} else if (star) {	/* the last star takes one more */
			glob = star + 1;
			text = ++from;
		} else {
			return false;
		}
	}
	while (*glob == '*')
		glob++;
	return !*glob;
}

/*
 * fnmatch(3), which is slow for thousands of names times hundreds of globs: nearly all
 * differ in what comes before anything special.
 */
bool glob_matches(const char *glob, const char *text)
{
	static const bool special[256] = {
		[0] = true, ['*'] = true, ['?'] = true, ['['] = true, ['\\'] = true,
	};

	for (; !special[(u8)*glob]; glob++, text++)
		if (*glob != *text)
			return false;
	if (strpbrk(glob, "?[\\"))
		return !fnmatch(glob, text, 0);
	return stars_match(glob, text);
}

static bool one_matches(char *const *globs, unsigned int count, const char *text)
{
	for (unsigned int i = 0; i < count; i++) {
		if (glob_matches(globs[i], text))
			return true;
	}
	return false;
}

static bool names(const struct deviation *entry, const char *instance)
{
	return entry->here && one_matches(entry->cases, entry->ncases, instance);
}

const struct deviation *deviations_match(const struct deviations *d, const char *instance)
{
	for (unsigned int i = 0; i < d->count; i++) {
		if (!d->entries[i].ndiffers && names(&d->entries[i], instance))
			return &d->entries[i];
	}
	return NULL;
}

const struct deviation *deviations_fatal(const struct deviations *d, const char *instance)
{
	for (unsigned int i = 0; i < d->count; i++) {
		if (d->entries[i].not_run && names(&d->entries[i], instance))
			return &d->entries[i];
	}
	return NULL;
}

const struct deviation *deviations_tolerate(const struct deviations *d, const char *instance,
					    const char *what)
{
	for (unsigned int i = 0; i < d->count; i++) {
		const struct deviation *entry = &d->entries[i];

		if (one_matches(entry->differs, entry->ndiffers, what) && names(entry, instance))
			return entry;
	}
	return NULL;
}

void deviations_apply(const struct deviations *d, struct result *result)
{
	const struct deviation *entry;

	if (result->outcome != OUTCOME_FAIL && result->outcome != OUTCOME_PASS)
		return;
	entry = deviations_match(d, result->instance->name);
	if (!entry || (entry->sometimes && result->outcome == OUTCOME_PASS))
		return;
	if (result->outcome == OUTCOME_FAIL)
		result->outcome = OUTCOME_DEVIATION;
	else
		result->deviation_gone = true;
	result->deviation_reason = entry->reason;
	result->deviation_ref = entry->ref;
}

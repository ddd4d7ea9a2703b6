// SPDX-License-Identifier: GPL-2.0-only
/* One line of a report in JSON, checked field by field. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "describe.h"
#include "report_line.h"
#include "text.h"

#define SCHEMA 1
#define IRQCHIPS 3		/* bits of IRQCHIP_* */

/* An object of the line, and what messages call it. */
struct part {
	struct line *line;
	const json_t *json;
	const char *name;	/* "the result", "an entry of \"exits\"" */
};

enum need {
	REQUIRED,
	NULLABLE,		/* must be there, and may be null */
	OPTIONAL,		/* may be null or absent */
};

PRINTF(2, 3) static void bad(struct line *line, const char *fmt, ...)
{
	va_list args;
	char *what;

	if (line->error)
		return;
	va_start(args, fmt);
	if (vasprintf(&what, fmt, args) < 0)
		what = xstrdup("not as it must be");
	va_end(args);
	/* Keys and values of the file may hold anything. */
	line->error = xasprintf("%s:%u: %s", line->file, line->number, what);
	free(what);
	what = clean_text(line->error, false);
	free(line->error);
	line->error = what;
}

static void *own(struct line *line, void *p)
{
	line->owned = xrealloc(line->owned, (line->nowned + 1) * sizeof(*line->owned));
	line->owned[line->nowned++] = p;
	return p;
}

void line_free(struct line *line)
{
	for (unsigned int i = 0; i < line->nowned; i++)
		free(line->owned[i]);
	free(line->owned);
	free(line->error);
	json_decref(line->json);
	memset(line, 0, sizeof(*line));
}

/* ---- fields ---------------------------------------------------------------------- */

static bool is_a(const json_t *value, json_type type)
{
	if (type == JSON_TRUE)
		return json_is_boolean(value);
	return json_typeof(value) == type;
}

/* The field if it is of that type (JSON_TRUE: either boolean), else NULL. */
static const json_t *field_of(const struct part *part, const char *key, json_type type,
			      enum need need)
{
	static const char *const types[] = {
		[JSON_OBJECT] = "an object", [JSON_ARRAY] = "a list", [JSON_STRING] = "a string",
		[JSON_INTEGER] = "a whole number", [JSON_TRUE] = "true or false",
	};
	const json_t *value = json_object_get(part->json, key);

	if (!value) {
		if (need != OPTIONAL)
			bad(part->line, "%s has no \"%s\"", part->name, key);
		return NULL;
	}
	if (json_is_null(value) && need != REQUIRED)
		return NULL;
	if (!is_a(value, type)) {
		bad(part->line, "\"%s\" of %s must be %s%s", key, part->name, types[type],
		    need == REQUIRED ? "" : " or null");
		return NULL;
	}
	return value;
}

/* The string, made safe to print; NULL if there is none. */
static const char *text_of(const struct part *part, const char *key, enum need need)
{
	const json_t *value = field_of(part, key, JSON_STRING, need);

	return value ? own(part->line, clean_text(json_string_value(value), false)) : NULL;
}

/* The same into a field of fixed room, which the writer keeps to as well. */
static void copy_text(const struct part *part, const char *key, char *to, size_t room)
{
	const char *text = text_of(part, key, REQUIRED);

	if (!text)
		return;
	if (strlen(text) >= room)
		bad(part->line, "\"%s\" of %s is longer than %zu bytes", key, part->name, room - 1);
	else
		strcpy(to, text);
}

static u64 number_of(const struct part *part, const char *key, u64 max, enum need need)
{
	const json_t *value = field_of(part, key, JSON_INTEGER, need);
	json_int_t n = value ? json_integer_value(value) : 0;

	if (n < 0 || (u64)n > max) {
		bad(part->line, "\"%s\" of %s must be from 0 to %llu", key, part->name,
		    (unsigned long long)max);
		return 0;
	}
	return (u64)n;
}

static unsigned int count_of(const struct part *part, const char *key, enum need need)
{
	return (unsigned int)number_of(part, key, UINT32_MAX, need);
}

static u64 hex_of(const struct part *part, const char *key)
{
	const char *text = text_of(part, key, REQUIRED), *digits = "0123456789abcdef";

	if (!text)
		return 0;
	if (strncmp(text, "0x", 2) || !text[2] || strlen(text) > 18 ||
	    strspn(text + 2, digits) != strlen(text + 2)) {
		bad(part->line, "\"%s\" of %s must be a number like \"0x8004\"", key, part->name);
		return 0;
	}
	return strtoull(text, NULL, 16);
}

static bool flag_of(const struct part *part, const char *key)
{
	return json_is_true(field_of(part, key, JSON_TRUE, REQUIRED));
}

/* The list's strings, to be used as long as the line; *count of them. */
static const char **texts_of(const struct part *part, const char *key, enum need need,
			     unsigned int *count)
{
	const json_t *list = field_of(part, key, JSON_ARRAY, need);
	const char **texts;

	*count = (unsigned int)json_array_size(list);
	texts = own(part->line, xcalloc(*count + 1, sizeof(*texts)));
	for (unsigned int i = 0; i < *count; i++) {
		const char *text = json_string_value(json_array_get(list, i));

		if (!text)
			bad(part->line, "\"%s\" of %s must hold nothing but strings", key,
			    part->name);
		texts[i] = own(part->line, clean_text(text ? text : "", false));
	}
	return texts;
}

/* One of the words; name(0) ... name(end - 1), some of which may be NULL. */
static unsigned int word_of(const struct part *part, const char *key,
			    const char *(*name)(unsigned int), unsigned int end)
{
	const char *text = text_of(part, key, REQUIRED);

	for (unsigned int i = 0; text && i < end; i++) {
		if (name(i) && !strcmp(name(i), text))
			return i;
	}
	if (text)
		bad(part->line, "\"%s\" of %s is \"%s\", which means nothing here", key,
		    part->name, text);
	return 0;
}

/* The entries of a list, each of which must be an object; the i-th as a part. */
static bool entry_of(const struct part *part, const json_t *list, const char *name,
		     unsigned int i, struct part *entry)
{
	*entry = (struct part){ part->line, json_array_get(list, i), name };
	if (json_is_object(entry->json))
		return true;
	bad(part->line, "%s must be an object", name);
	return false;
}

/* ---- lines ----------------------------------------------------------------------- */

bool line_parse(struct line *line, const char *file, unsigned int number, const char *text,
		size_t len)
{
	static const char *const types[] = { "run", "result", "summary" };
	json_error_t error;
	const char *type;

	*line = (struct line){ .file = file, .number = number };
	line->json = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
	if (!line->json) {
		bad(line, "%s", error.text);
		return false;
	}
	type = json_string_value(json_object_get(line->json, "type"));
	for (unsigned int i = 0; type && i < ARRAY_SIZE(types); i++) {
		if (!strcmp(types[i], type)) {
			line->type = i;
			return true;
		}
	}
	if (type)
		bad(line, "there is no type \"%s\": it is run, result or summary", type);
	else
		bad(line, "no line of a report: it must be an object with a \"type\"");
	return false;
}

/* "a.b=1 c.d=x" of {"a.b": "1", "c.d": "x"} */
static char *parameters_of(const struct part *host)
{
	const json_t *object = field_of(host, "parameters", JSON_OBJECT, REQUIRED);
	struct strbuf sb = { 0 };
	const char *key;
	json_t *value;

	sb_add(&sb, "", 0);
	json_object_foreach((json_t *)object, key, value) {
		if (!json_is_string(value)) {
			bad(host->line, "\"parameters\" of the host must hold nothing but strings");
			break;
		}
		sb_printf(&sb, "%s", sb.len ? " " : "");
		sb_clean(&sb, key);
		sb_printf(&sb, "=");
		sb_clean(&sb, json_string_value(value));
	}
	return own(host->line, sb.s);
}

static void read_host(const struct part *run, struct host *host)
{
	const struct part part = { run->line, field_of(run, "host", JSON_OBJECT, REQUIRED),
				   "the host" };

	if (!part.json)
		return;
	copy_text(&part, "cpu", host->cpu, sizeof(host->cpu));
	copy_text(&part, "vendor", host->vendor, sizeof(host->vendor));
	copy_text(&part, "microcode", host->microcode, sizeof(host->microcode));
	copy_text(&part, "kernel", host->kernel, sizeof(host->kernel));
	copy_text(&part, "machine", host->machine, sizeof(host->machine));
	copy_text(&part, "machine_version", host->machine_version, sizeof(host->machine_version));
	copy_text(&part, "hypervisor", host->hypervisor, sizeof(host->hypervisor));
	copy_text(&part, "version", host->version, sizeof(host->version));
	host->family = count_of(&part, "family", REQUIRED);
	host->model = count_of(&part, "model", REQUIRED);
	host->stepping = count_of(&part, "stepping", REQUIRED);
	host->parameters = parameters_of(&part);
}

/* How many instances each suite has; they must add up. */
static const json_t *read_plan(const struct part *run, unsigned int instances)
{
	const json_t *suites = field_of(run, "suites", JSON_OBJECT, REQUIRED);
	const struct part part = { run->line, suites, "\"suites\"" };
	const char *key;
	json_t *value;
	u64 sum = 0;

	json_object_foreach((json_t *)suites, key, value) {
		sum += count_of(&part, key, REQUIRED);
		if (key[strcspn(key, "/@")])
			bad(run->line, "\"%s\" is no name of a suite", key);
	}
	if (suites && sum != instances)
		bad(run->line, "\"suites\" of the run count %llu instances, \"instances\" %u",
		    (unsigned long long)sum, instances);
	return suites;
}

static time_t read_time(const struct part *run)
{
	const char *text = text_of(run, "started", REQUIRED);
	struct tm tm = { 0 };
	const char *end = text ? strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm) : NULL;

	if (text && (!end || *end))
		bad(run->line, "\"started\" of the run must be a time like "
			       "\"2023-11-14T22:13:20Z\"");
	return timegm(&tm);
}

bool line_run(struct line *line, struct told_run *run)
{
	const struct part part = { line, line->json, "the run" };
	u64 schema = number_of(&part, "schema", UINT32_MAX, REQUIRED);

	memset(run, 0, sizeof(*run));
	if (!line->error && schema != SCHEMA)
		bad(line, "it is of schema %llu, and this program reads schema %u",
		    (unsigned long long)schema, SCHEMA);
	run->assay = text_of(&part, "assay", REQUIRED);
	run->target = text_of(&part, "target", REQUIRED);
	run->started = read_time(&part);
	run->instances = count_of(&part, "instances", REQUIRED);
	run->suites = read_plan(&part, run->instances);
	read_host(&part, &run->host);
	return !line->error;
}

bool line_summary(struct line *line, struct told_summary *summary)
{
	const struct part part = { line, line->json, "the summary" };

	memset(summary, 0, sizeof(*summary));
	for (unsigned int i = 0; i < OUTCOME_COUNT; i++)
		summary->counts[i] = count_of(&part, outcome_name(i), REQUIRED);
	summary->end.ns = number_of(&part, "ns", INT64_MAX, REQUIRED);
	summary->end.interrupted = flag_of(&part, "interrupted");
	summary->end.stopped = text_of(&part, "stopped", OPTIONAL);
	return !line->error;
}

/* ---- results --------------------------------------------------------------------- */

/* Records for what the reports read from the case itself: its manual sections. */
static void read_refs(const struct part *part, struct mg_case *tc)
{
	unsigned int count;
	const char **texts = texts_of(part, "refs", REQUIRED, &count);
	struct record *records = own(part->line, xcalloc(count + 1, sizeof(*records)));
	struct field *fields = own(part->line, xcalloc(count + 1, sizeof(*fields)));

	for (unsigned int i = 0; i < count; i++) {
		fields[i] = (struct field){ .id = F_text, .bytes = (u32)strlen(texts[i]),
					    .blob = (const u8 *)texts[i] };
		records[i] = (struct record){ .kind = REC_REF, .nfields = 1, .fields = &fields[i] };
	}
	tc->records = records;
	tc->nrecords = count;
}

/* The image's name is that of the source without its suffix. */
static char *read_source(const struct part *part)
{
	const char *source = text_of(part, "source", REQUIRED);
	size_t len = source ? strlen(source) : 0;

	if (source && (len <= 4 || strcmp(source + len - 4, ".asm"))) {
		bad(part->line, "\"source\" of the result must end in \".asm\"");
		len = 4;
	}
	return own(part->line, xasprintf("%.*s", source ? (int)len - 4 : 0, source));
}

static const char *irqchip_at(unsigned int i)
{
	return irqchip_name(1u << i);
}

static void read_instance(const struct part *part, struct told_result *told)
{
	const char *suite = text_of(part, "suite", REQUIRED);
	struct instance *instance = &told->instance;
	u64 ring = number_of(part, "ring", 3, REQUIRED);
	unsigned int needs;

	instance->name = (char *)text_of(part, "name", REQUIRED);
	if (instance->name && suite &&
	    (strcspn(instance->name, "/@") != strlen(suite) ||
	     strncmp(instance->name, suite, strlen(suite))))
		bad(part->line, "\"name\" of the result must begin with its \"suite\"");
	if (ring != 0 && ring != 3)
		bad(part->line, "\"ring\" of the result must be 0 or 3");
	instance->ring = (unsigned int)ring;
	instance->irqchip = 1u << word_of(part, "irqchip", irqchip_at, IRQCHIPS);
	instance->path = word_of(part, "path", path_name, PATH_COUNT);
	instance->restore = flag_of(part, "restore");
	instance->fresh = flag_of(part, "fresh");
	told->tc.name = (char *)text_of(part, "case", REQUIRED);
	told->tc.text = (char *)text_of(part, "text", REQUIRED);
	told->tc.line = count_of(part, "case_line", REQUIRED);
	told->image.mode = word_of(part, "mode", mode_name, MODE_COUNT);
	told->image.name = read_source(part);
	texts_of(part, "needs", REQUIRED, &needs);
	read_refs(part, &told->tc);
}

static void read_deviation(const struct part *part, struct result *result)
{
	const struct part deviation = { part->line,
					field_of(part, "deviation", JSON_OBJECT, OPTIONAL),
					"the deviation" };
	bool is_one = result->outcome == OUTCOME_DEVIATION;

	if (!deviation.json) {
		if (is_one)
			bad(part->line, "the result is a deviation, but has no \"deviation\"");
		return;
	}
	result->deviation_reason = text_of(&deviation, "reason", REQUIRED);
	result->deviation_ref = text_of(&deviation, "ref", REQUIRED);
	result->deviation_gone = flag_of(&deviation, "gone");
	if (is_one ? result->deviation_gone :
		     !result->deviation_gone || result->outcome != OUTCOME_PASS)
		bad(part->line, "\"deviation\" does not fit the outcome: it belongs to a "
				"deviation, or to a pass if it is gone");
}

static void read_differences(const struct part *part, struct result *result)
{
	const json_t *list = field_of(part, "differences", JSON_ARRAY, REQUIRED);
	struct part entry;

	if (json_array_size(list) > DIFFERENCES_MAX) {
		bad(part->line, "\"differences\" has more than %d entries", DIFFERENCES_MAX);
		return;
	}
	for (unsigned int i = 0; i < json_array_size(list); i++) {
		struct difference *d = &result->differences[result->ndifferences++];

		if (!entry_of(part, list, "an entry of \"differences\"", i, &entry))
			return;
		copy_text(&entry, "what", d->what, sizeof(d->what));
		copy_text(&entry, "expected", d->expected, sizeof(d->expected));
		copy_text(&entry, "observed", d->observed, sizeof(d->observed));
	}
	result->more_differences = count_of(part, "more_differences", REQUIRED);
}

static void read_exits(const struct part *part, struct result *result)
{
	const json_t *list = field_of(part, "exits", JSON_ARRAY, REQUIRED);
	struct part entry;

	if (json_array_size(list) > EXITS_MAX) {
		bad(part->line, "\"exits\" has more than %d entries", EXITS_MAX);
		return;
	}
	for (unsigned int i = 0; i < json_array_size(list); i++) {
		struct exit_seen *seen = &result->exits[result->nexits++];
		unsigned int number;

		if (!entry_of(part, list, "an entry of \"exits\"", i, &entry))
			return;
		number = count_of(&entry, "number", REQUIRED);
		if (i == 0)
			result->exits_before = number - 1;
		if (number == 0 || number != result->exits_before + i + 1)
			bad(part->line, "\"exits\" must be numbered from 1, without gaps");
		seen->error = count_of(&entry, "errno", NULLABLE);
		seen->reason = count_of(&entry, "reason", NULLABLE);
		if (json_is_null(json_object_get(entry.json, "reason")))
			seen->reason = ~0u;
		seen->rip = hex_of(&entry, "rip");
		copy_text(&entry, "text", seen->text, sizeof(seen->text));
	}
}

/* Reports of older versions have none. */
static void read_hw_exits(const struct part *part, struct result *result)
{
	const json_t *list = field_of(part, "hw_exits", JSON_ARRAY, OPTIONAL);
	struct part entry;

	if (json_array_size(list) > HWEXITS_KEPT) {
		bad(part->line, "\"hw_exits\" has more than %d entries", HWEXITS_KEPT);
		return;
	}
	for (unsigned int i = 0; i < json_array_size(list); i++) {
		struct hw_seen *seen = &result->hw[result->nhw++];

		if (!entry_of(part, list, "an entry of \"hw_exits\"", i, &entry))
			return;
		seen->number = count_of(&entry, "number", REQUIRED);
		seen->exit.isa = count_of(&entry, "isa", REQUIRED);
		seen->exit.reason = (u32)number_of(&entry, "reason", UINT32_MAX, REQUIRED);
		seen->exit.rip = hex_of(&entry, "rip");
		seen->exit.info1 = hex_of(&entry, "info1");
		seen->exit.info2 = hex_of(&entry, "info2");
		seen->exit.intr_info = (u32)hex_of(&entry, "intr_info");
		seen->exit.error_code = (u32)hex_of(&entry, "error_code");
	}
	result->hw_before = count_of(part, "hw_exits_before", OPTIONAL);
}

/* What comes with a step that failed. */
static void read_failure(const struct part *part, struct told_result *told)
{
	struct result *result = &told->result;
	struct retold *retold = &told->retold;

	retold->placed = true;
	result->step = (int)number_of(part, "step", INT32_MAX, REQUIRED) - 1;
	retold->step = text_of(part, "step_text", NULLABLE);
	if (!retold->step != (result->step < 0))
		bad(part->line, "\"step_text\" of the result must be null if, and only if, "
				"\"step\" is 0");
	result->line = count_of(part, "line", REQUIRED);
	read_differences(part, result);
	read_exits(part, result);
	read_hw_exits(part, result);
	field_of(part, "state", JSON_OBJECT, NULLABLE);
	retold->code_heading = text_of(part, "disassembly_of", OPTIONAL);
	retold->code = texts_of(part, "disassembly", REQUIRED, &retold->ncode);
}

static const char *outcome_at(unsigned int i)
{
	return outcome_name(i);
}

bool line_result(struct line *line, struct told_result *told)
{
	const struct part part = { line, line->json, "the result" };
	struct result *result = &told->result;

	memset(told, 0, sizeof(*told));
	told->tc.image = &told->image;
	told->instance.tc = &told->tc;
	told->retold.json = line->json;
	result->instance = &told->instance;
	result->told = &told->retold;
	read_instance(&part, told);
	result->outcome = word_of(&part, "outcome", outcome_at, OUTCOME_COUNT);
	result->why = (char *)text_of(&part, "why", NULLABLE);
	result->unchecked = (char *)text_of(&part, "unchecked", OPTIONAL);
	result->ns = number_of(&part, "ns", INT64_MAX, OPTIONAL);
	result->runs = count_of(&part, "runs", OPTIONAL);
	told->retold.again = text_of(&part, "again", OPTIONAL);
	read_deviation(&part, result);
	result->step = -1;
	if (json_object_get(line->json, "step"))
		read_failure(&part, told);
	else
		result->tolerated = result->outcome == OUTCOME_DEVIATION;
	return !line->error;
}

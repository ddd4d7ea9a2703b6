// SPDX-License-Identifier: GPL-2.0-only
/*
 * JSON lines: one for the run, one for each instance as it ends, one for the
 * summary. The schema is in docs/output.md; add to it, never change what is there.
 */
#include <stdlib.h>
#include <string.h>

#include "describe.h"
#include "disasm.h"
#include "report_parts.h"

#define SCHEMA 1

json_t *json_clean(const char *s)
{
	const u8 *at = (const u8 *)s;
	json_t *json;
	char *clean;

	if (!s)
		return json_null();
	while (*at >= 0x20 && *at < 0x7f)
		at++;
	if (!*at)	/* nearly all texts */
		return json_stringn_nocheck(s, (size_t)(at - (const u8 *)s));
	clean = clean_text(s, false);
	json = json_string(clean);
	free(clean);
	return json;
}

/* Of fixed width, as strings: JSON numbers lose bits beyond 2^53. */
static json_t *json_hex(u64 value)
{
	char text[2 + 16], *at = text + sizeof(text);

	do
		*--at = "0123456789abcdef"[value & 15];
	while (value >>= 4);
	*--at = 'x';
	*--at = '0';
	return json_stringn_nocheck(at, (size_t)(text + sizeof(text) - at));
}

static void put(json_t *object, const char *key, json_t *value)
{
	json_object_set_new_nocheck(object, key, value);
}

/* "a.b=1 c.d=x y" as {"a.b": "1", "c.d": "x", "y": ""} */
static json_t *json_parameters(const char *parameters)
{
	json_t *object = json_object();

	while (*parameters) {
		size_t len = strcspn(parameters, " ");
		size_t key = strcspn(parameters, "= ");
		char *name = xasprintf("%.*s", (int)key, parameters);
		char *value = xasprintf("%.*s", key < len ? (int)(len - key - 1) : 0,
					parameters + key + (key < len));
		char *clean = clean_text(name, false);

		if (*name)
			put(object, clean, json_clean(value));
		parameters += len + (parameters[len] == ' ');
		free(clean);
		free(name);
		free(value);
	}
	return object;
}

json_t *json_host(const struct run_info *run)
{
	const struct host *host = run->host;
	json_t *object = json_object();

	put(object, "cpu", json_clean(host->cpu));
	put(object, "vendor", json_clean(host->vendor));
	put(object, "family", json_integer(host->family));
	put(object, "model", json_integer(host->model));
	put(object, "stepping", json_integer(host->stepping));
	put(object, "microcode", json_clean(host->microcode));
	put(object, "kernel", json_clean(host->kernel));
	put(object, "machine", json_clean(host->machine));
	put(object, "machine_version", json_clean(host->machine_version));
	put(object, "hypervisor", json_clean(host->hypervisor));
	put(object, "version", json_clean(host->version));
	put(object, "parameters", json_parameters(host->parameters ? host->parameters : ""));
	return object;
}

/* ---- writing ------------------------------------------------------------------- */

/*
 * jansson's own dump looks at every character for several reasons that do not apply, and
 * took as long as running the case that it tells of. Here texts are valid UTF-8 already.
 */
static void dump_text(struct strbuf *sb, const char *s, size_t len)
{
	size_t from = 0;

	sb_add(sb, "\"", 1);
	for (size_t i = 0; i < len; i++) {
		u8 c = (u8)s[i];

		if (c >= 0x20 && c != '"' && c != '\\')
			continue;
		sb_add(sb, s + from, i - from);
		if (c < 0x20)
			sb_printf(sb, "\\u%04x", c);
		else
			sb_printf(sb, "\\%c", c);
		from = i + 1;
	}
	sb_add(sb, s + from, len - from);
	sb_add(sb, "\"", 1);
}

static void dump_integer(struct strbuf *sb, json_int_t value)
{
	char text[24], *at = text + sizeof(text);
	u64 rest = value < 0 ? -(u64)value : (u64)value;

	do
		*--at = (char)('0' + rest % 10);
	while (rest /= 10);
	if (value < 0)
		*--at = '-';
	sb_add(sb, at, (size_t)(text + sizeof(text) - at));
}

static void dump(struct strbuf *sb, json_t *json);

static void dump_object(struct strbuf *sb, json_t *object)
{
	const char *key, *comma = "";
	json_t *value;

	sb_add(sb, "{", 1);
	json_object_foreach(object, key, value) {
		sb_add(sb, comma, strlen(comma));
		dump_text(sb, key, strlen(key));
		sb_add(sb, ":", 1);
		dump(sb, value);
		comma = ",";
	}
	sb_add(sb, "}", 1);
}

static void dump_array(struct strbuf *sb, json_t *array)
{
	sb_add(sb, "[", 1);
	for (size_t i = 0; i < json_array_size(array); i++) {
		if (i)
			sb_add(sb, ",", 1);
		dump(sb, json_array_get(array, i));
	}
	sb_add(sb, "]", 1);
}

static void dump(struct strbuf *sb, json_t *json)
{
	switch (json_typeof(json)) {
	case JSON_OBJECT:
		dump_object(sb, json);
		break;
	case JSON_ARRAY:
		dump_array(sb, json);
		break;
	case JSON_STRING:
		dump_text(sb, json_string_value(json), json_string_length(json));
		break;
	case JSON_INTEGER:
		dump_integer(sb, json_integer_value(json));
		break;
	case JSON_REAL:		/* in lines that were read, and may say more than these */
		sb_printf(sb, "%.17g", json_real_value(json));
		break;
	case JSON_TRUE:
		sb_add(sb, "true", 4);
		break;
	case JSON_FALSE:
		sb_add(sb, "false", 5);
		break;
	case JSON_NULL:
		sb_add(sb, "null", 4);
		break;
	}
}

/* Writes the object as one line and frees it. */
static void write_line(struct report *report, json_t *object)
{
	struct strbuf sb = { 0 };

	dump(&sb, object);
	json_decref(object);
	sb_add(&sb, "\n", 1);
	report_write(report, &sb);
	sb_free(&sb);
}

/* How many of each suite are to run, which the results alone do not tell if some are missing. */
static json_t *json_plan(const struct report *report)
{
	json_t *object = json_object();

	for (unsigned int i = 0; i < report->nsuites; i++) {
		char *name = clean_text(report->suites[i].name, false);

		put(object, name, json_integer(report->suites[i].planned));
		free(name);
	}
	return object;
}

/* An object that was read, to be written anew with what is known better now. */
static json_t *told_object(const json_t *told)
{
	return told ? json_deep_copy(told) : json_object();
}

static void json_begin(struct report *report)
{
	const struct run_info *run = report->run;
	json_t *object = told_object(run->told);
	char when[32];
	struct tm tm;

	gmtime_r(&run->started, &tm);
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm);
	put(object, "type", json_string("run"));
	put(object, "schema", json_integer(SCHEMA));
	put(object, "assay", json_clean(run_version(run)));
	put(object, "started", json_string(when));
	put(object, "target", json_clean(run->target));
	put(object, "instances", json_integer(run->count));
	put(object, "suites", json_plan(report));
	if (!run->told)
		put(object, "host", json_host(run));
	write_line(report, object);
}

static json_t *json_texts(const struct mg_case *tc, u16 kind)
{
	json_t *array = json_array();

	for (unsigned int i = 0; i < tc->nrecords; i++) {
		char *text;

		if (tc->records[i].kind != kind)
			continue;
		text = record_string(&tc->records[i], F_text);
		json_array_append_new(array, json_clean(text));
		free(text);
	}
	return array;
}

json_t *json_instance(const struct instance *instance)
{
	const struct mg_case *tc = instance->tc;
	json_t *object = json_object();
	char *source = source_name(tc->image);
	char *suite = xasprintf("%.*s", (int)strcspn(instance->name, "/@"), instance->name);
	char *name = xasprintf("%s/%s", tc->image->name, tc->name);

	put(object, "name", json_clean(instance->name));
	put(object, "suite", json_clean(suite));
	put(object, "case", json_clean(name));
	put(object, "mode", json_clean(mode_name(tc->image->mode)));
	put(object, "ring", json_integer(instance->ring));
	put(object, "irqchip", json_clean(irqchip_name(instance->irqchip)));
	put(object, "path", json_clean(path_name(instance->path)));
	put(object, "restore", json_boolean(instance->restore));
	put(object, "fresh", json_boolean(instance->fresh));
	if (tc->cpus > 1)
		put(object, "cpus", json_integer(tc->cpus));
	put(object, "text", json_clean(tc->text));
	put(object, "refs", json_texts(tc, REC_REF));
	put(object, "needs", json_texts(tc, REC_NEED));
	put(object, "source", json_clean(source));
	put(object, "case_line", json_integer(tc->line));
	free(source);
	free(suite);
	free(name);
	return object;
}

static json_t *json_differences(const struct result *result)
{
	json_t *array = json_array();

	for (unsigned int i = 0; i < result->ndifferences; i++) {
		const struct difference *d = &result->differences[i];
		json_t *object = json_object();

		put(object, "what", json_clean(d->what));
		put(object, "expected", json_clean(d->expected));
		put(object, "observed", json_clean(d->observed));
		json_array_append_new(array, object);
	}
	return array;
}

static json_t *json_exits(const struct result *result)
{
	json_t *array = json_array();

	for (unsigned int i = 0; i < result->nexits; i++) {
		const struct exit_seen *seen = &result->exits[i];
		json_t *object = json_object();
		bool error = seen->reason == ~0u;

		put(object, "number", json_integer(result->exits_before + i + 1));
		put(object, "reason", error ? json_null() : json_integer(seen->reason));
		put(object, "errno", error ? json_integer(seen->error) : json_null());
		put(object, "rip", json_hex(seen->rip));
		put(object, "text", json_clean(seen->text));
		json_array_append_new(array, object);
	}
	return array;
}

static json_t *json_hw_exits(const struct result *result)
{
	json_t *array = json_array();

	for (unsigned int i = 0; i < result->nhw; i++) {
		const struct hwexit *exit = &result->hw[i].exit;
		char room[HWEXIT_NAME], text[HWEXIT_TEXT];
		json_t *object = json_object();

		hwexit_describe(exit, text);
		put(object, "number", json_integer(result->hw[i].number));
		put(object, "isa", json_integer(exit->isa));
		put(object, "reason", json_integer(exit->reason));
		put(object, "name", json_clean(hwexit_name(exit, room)));
		put(object, "rip", json_hex(exit->rip));
		put(object, "info1", json_hex(exit->info1));
		put(object, "info2", json_hex(exit->info2));
		put(object, "intr_info", json_hex(exit->intr_info));
		put(object, "error_code", json_hex(exit->error_code));
		put(object, "text", json_clean(text));
		json_array_append_new(array, object);
	}
	return array;
}

/* Most significant byte first, as a number is written. */
static json_t *json_bytes(const u8 *bytes, u32 len)
{
	char text[2 + 2 * 32], *at = text;

	*at++ = '0';
	*at++ = 'x';
	while (len-- && at < text + sizeof(text)) {
		*at++ = "0123456789abcdef"[bytes[len] >> 4];
		*at++ = "0123456789abcdef"[bytes[len] & 15];
	}
	return json_stringn_nocheck(text, (size_t)(at - text));
}

static json_t *json_state(const struct result *result)
{
	struct cpu_state state = result->state;
	unsigned int uses = result->instance->tc->uses;
	u16 last = uses & USES_AVX ? F_ymm15 : uses & USES_SSE ? F_xmm15 : uses ? F_st7 : F_ldtr_ar;
	json_t *object = json_object();

	for (u16 field = F_rax; field <= last; field++) {
		const u64 *reg = state_reg(&state, field);
		const u8 *bytes;
		u32 len;

		if (reg)
			put(object, field_name(field), json_hex(*reg));
		else if ((bytes = state_fpu_bytes(&state, field, &len)))
			put(object, field_name(field), json_bytes(bytes, len));
	}
	return object;
}

/* The lines of the text as a list of strings. */
static json_t *json_lines(struct strbuf *text)
{
	json_t *array = json_array();
	char *rest = text->s;

	while (rest && *rest) {
		char *line = strsep(&rest, "\n");

		json_array_append_new(array, json_clean(line));
	}
	sb_free(text);
	return array;
}

/* The other vCPUs of the case. */
static json_t *json_peers(const struct result *result)
{
	json_t *array = json_array();

	for (unsigned int i = 0; i < result->npeers; i++) {
		const struct result *peer = &result->peers[i];
		json_t *object = json_object();

		put(object, "cpu", json_integer(peer->cpu));
		put(object, "exits", json_exits(peer));
		put(object, "hw_exits", json_hw_exits(peer));
		put(object, "state", peer->have_state ? json_state(peer) : json_null());
		json_array_append_new(array, object);
	}
	return array;
}

/* [isa, reason, detail, count] of the processor's exits, [reason, count] of the KVM ABI's. */
static json_t *json_coverage(const struct coverage *coverage)
{
	json_t *object = json_object(), *hw = json_array(), *exits = json_array();

	for (unsigned int i = 0; i < coverage->count; i++) {
		const struct cover_entry *e = &coverage->entries[i];
		const u32 numbers[] = { e->isa, e->reason, e->detail, e->count };
		json_t *array = json_array();

		for (unsigned int n = 0; n < ARRAY_SIZE(numbers); n++)
			if (e->isa || n == 1 || n == 3)
				json_array_append_new(array, json_integer(numbers[n]));
		json_array_append_new(e->isa ? hw : exits, array);
	}
	put(object, "hw", coverage->hw ? hw : json_null());
	if (!coverage->hw)
		json_decref(hw);
	put(object, "exits", exits);
	put(object, "missed", json_integer((json_int_t)coverage->missed));
	return object;
}

/* [number, errno, count] of every KVM ioctl with each of its ends. */
static json_t *json_ioctls(void)
{
	struct ioctl_count *list;
	unsigned int count = ioctls_sum(&list);
	json_t *array = json_array();

	for (unsigned int i = 0; i < count; i++) {
		json_t *entry = json_array();

		json_array_append_new(entry, json_integer(list[i].nr));
		json_array_append_new(entry, json_integer(list[i].error));
		json_array_append_new(entry, json_integer((json_int_t)list[i].count));
		json_array_append_new(array, entry);
	}
	free(list);
	return array;
}

static void put_failure(json_t *object, const struct run_info *run, const struct result *result)
{
	char *step = step_text(result), *heading = code_heading(result);
	struct strbuf code = { 0 }, again = { 0 };

	put(object, "step", json_integer(result->step + 1));
	put(object, "step_text", json_clean(step));
	put(object, "line", json_integer(result_line(result)));
	put(object, "differences", json_differences(result));
	put(object, "more_differences", json_integer(result->more_differences));
	put(object, "exits", json_exits(result));
	put(object, "hw_exits", json_hw_exits(result));
	put(object, "hw_exits_before", json_integer(result->hw_before));
	put(object, "state", result->have_state ? json_state(result) : json_null());
	if (result->npeers) {
		put(object, "cpu", json_integer(result->cpu));
		put(object, "peers", json_peers(result));
	}
	sb_code(&code, result, 0, &paint_none);
	put(object, "disassembly_of", json_clean(heading));
	put(object, "disassembly", json_lines(&code));
	sb_rerun(&again, run, result);
	put(object, "again", json_clean(again.s));
	free(step);
	free(heading);
	sb_free(&again);
}

json_t *json_result(const struct run_info *run, const struct result *result)
{
	json_t *object, *instance;

	if (result->told)
		return json_incref(result->told->json);
	object = json_object();
	instance = json_instance(result->instance);
	put(object, "type", json_string("result"));
	json_object_update(object, instance);
	json_decref(instance);
	put(object, "outcome", json_string(outcome_name(result->outcome)));
	put(object, "why", json_clean(result->why));
	put(object, "unchecked", json_clean(result->unchecked));
	put(object, "hw_checked", json_integer(result->hw_checked));
	put(object, "ns", json_integer((json_int_t)result->ns));
	put(object, "runs", json_integer(result->runs));
	if (result->deviation_reason) {
		json_t *deviation = json_object();

		put(deviation, "reason", json_clean(result->deviation_reason));
		put(deviation, "ref", json_clean(result->deviation_ref));
		put(deviation, "gone", json_boolean(result->deviation_gone));
		put(object, "deviation", deviation);
	}
	if (result->coverage.wanted)
		put(object, "coverage", json_coverage(&result->coverage));
	if (result_explains(result))
		put_failure(object, run, result);
	return object;
}

static void json_report_result(struct report *report, const struct result *result,
			       struct suite_count *suite)
{
	(void)suite;
	write_line(report, json_result(report->run, result));
}

static void put_counts(json_t *object, const unsigned int counts[OUTCOME_COUNT])
{
	for (unsigned int i = 0; i < OUTCOME_COUNT; i++)
		put(object, outcome_name(i), json_integer(counts[i]));
}

static void json_end(struct report *report, const struct run_end *end)
{
	json_t *object = told_object(end->told), *suites = json_object();

	put(object, "type", json_string("summary"));
	put_counts(object, report->counts);
	put(object, "deviations_gone", json_integer(report->gone));
	put(object, "not_run", json_integer(report->run->count - report->seen));
	put(object, "interrupted", json_boolean(end->interrupted));
	put(object, "stopped", json_clean(end->stopped));
	put(object, "ns", json_integer((json_int_t)end->ns));
	for (unsigned int i = 0; i < report->nsuites; i++) {
		char *name = clean_text(report->suites[i].name, false);
		json_t *suite = json_object();

		put_counts(suite, report->suites[i].counts);
		put(suite, "ns", json_integer((json_int_t)report->suites[i].ns));
		put(suites, name, suite);
		free(name);
	}
	put(object, "suites", suites);
	if (report->run->coverage)
		put(object, "ioctls", json_ioctls());
	put(object, "status", json_integer(report_verdict(report)));
	write_line(report, object);
}

const struct report_ops report_json = {
	.name = "json",
	.begin = json_begin,
	.result = json_report_result,
	.end = json_end,
};

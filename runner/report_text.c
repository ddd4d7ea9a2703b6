// SPDX-License-Identifier: GPL-2.0-only
/* A failure as text: what every format for people prints, and artifacts keep. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "describe.h"
#include "listing.h"
#include "report_parts.h"

#define INSNS_BEFORE 5		/* shown around the current instruction */
#define INSNS_AFTER 3
#define WHAT_COLUMNS 12
#define SIDE_COLUMNS 20
#define MARK " -> "		/* before the instruction that would be next */

const struct paint paint_none = { "", "", "", "", "" };
const struct paint paint_terminal = {
	.bad = "\033[31m",
	.good = "\033[32m",
	.strong = "\033[1m",
	.faint = "\033[2m",
	.off = "\033[0m",
};

u32 result_line(const struct result *result)
{
	return result->line ? result->line : result->instance->tc->line;
}

char *source_name(const struct image *image)
{
	return xasprintf("%s.asm", image->name);
}

void sb_rerun(struct strbuf *sb, const struct run_info *run, const struct result *result)
{
	const struct instance *instance = result->instance;

	if (result->told) {
		sb_clean(sb, result->told->again);
		return;
	}
	sb_shell_word(sb, run->program ? run->program : program_invocation_name);
	sb_printf(sb, " run ");
	sb_shell_word(sb, instance->name);
	sb_printf(sb, " --on ");
	sb_shell_word(sb, run->target);
	if (run->own_files) {
		sb_printf(sb, " ");
		sb_shell_word(sb, instance->tc->image->file);
	}
}

void sb_host(struct strbuf *sb, const struct run_info *run)
{
	const struct host *host = run->host;

	sb_clean(sb, host->hypervisor);
	sb_printf(sb, " ");
	sb_clean(sb, host->version);
	sb_printf(sb, " (");
	sb_clean(sb, host->machine);
	if (*host->machine_version && strcmp(host->machine_version, "unknown")) {
		sb_printf(sb, " ");
		sb_clean(sb, host->machine_version);
	}
	sb_printf(sb, "), ");
	sb_clean(sb, host->cpu);
}

/* Columns for the widest of the texts at offset in every difference. */
static int column_width(const struct result *result, size_t offset, size_t width)
{
	for (unsigned int i = 0; i < result->ndifferences; i++) {
		size_t len = strlen((const char *)&result->differences[i] + offset);

		if (len > width)
			width = len;
	}
	return (int)width;
}

void sb_differences(struct strbuf *sb, const struct result *result, int indent,
		    const struct paint *paint)
{
	int what = column_width(result, offsetof(struct difference, what), WHAT_COLUMNS);
	int left = column_width(result, offsetof(struct difference, expected), SIDE_COLUMNS);

	if (!result->ndifferences)
		return;
	sb_printf(sb, "%*s%s%-*s  %-*s  %s%s\n", indent, "", paint->faint, what, "", left,
		  "expected", "observed", paint->off);
	for (unsigned int i = 0; i < result->ndifferences; i++) {
		const struct difference *d = &result->differences[i];
		char *w = clean_text(d->what, false), *e = clean_text(d->expected, false);
		char *o = clean_text(d->observed, false);

		sb_printf(sb, "%*s%-*s  %s%-*s%s  %s%s%s\n", indent, "", what, w, paint->good, left,
			  e, paint->off, paint->bad, o, paint->off);
		free(w);
		free(e);
		free(o);
	}
	if (result->more_differences)
		sb_printf(sb, "%*sand %u more\n", indent, "", result->more_differences);
}

/* Code that is shown, and which of it is marked; at = count if none is. */
struct view {
	struct insn *insns;
	unsigned int count, at;
	bool before_step;	/* the case's code before the step, not that around RIP */
};

/* Whether RIP is in the stage's own code: an exception came, whose vector it tells. */
static bool in_stub(const struct result *result, unsigned int *vector)
{
	u64 rip = result->have_state ? state_linear_rip(&result->state) : 0;

	*vector = (rip - STUBS) / STUB_SIZE;
	return rip >= STUBS && rip < SERVICE;
}

static void decode(struct view *view, struct code *code, const struct image *image, u64 also)
{
	u64 *anchors;

	code->nanchors = image_anchors(image, &anchors);
	anchors = xrealloc(anchors, (code->nanchors + 1) * sizeof(*anchors));
	anchors[code->nanchors++] = also;
	code->anchors = anchors;
	view->insns = xcalloc(code->len, sizeof(*view->insns));
	view->count = disasm(code, view->insns, code->len);
	view->at = view->count;
	free(anchors);
}

/* The case's code, marked where the step's exit should have come from. */
static bool view_step(struct view *view, const struct result *result)
{
	const struct mg_case *tc = result->instance->tc;
	const struct record *step = case_step(tc, result->step);
	struct code code;

	if (!step || !case_code(tc, result->cpu, result->memory, &code))
		return false;
	decode(view, &code, tc->image, step->addr);
	for (unsigned int i = 0; i < view->count; i++) {
		if (view->insns[i].addr + view->insns[i].len == step->addr)
			view->at = i;
	}
	view->before_step = view->at < view->count;
	if (!view->before_step)
		free(view->insns);
	return view->before_step;
}

/* The code kept in the result, marked at RIP. */
static void view_rip(struct view *view, const struct result *result)
{
	const struct image *image = result->instance->tc->image;
	struct code code = { .bytes = result->code, .len = result->code_len,
			     .addr = result->code_addr, .bits = mode_bits(image->mode) };
	u64 rip = ~0ull;

	if (result->have_state) {
		rip = state_linear_rip(&result->state);
		code.bits = state_bits(&result->state);
	}
	decode(view, &code, image, rip);
	for (unsigned int i = 0; i < view->count; i++) {
		if (view->insns[i].addr == rip)
			view->at = i;
	}
}

/* Where RIP is of no use, being in a stub, the case's own code is shown. */
static void view_code(struct view *view, const struct result *result)
{
	unsigned int vector;

	*view = (struct view){ 0 };
	if (!in_stub(result, &vector) || !view_step(view, result))
		view_rip(view, result);
}

/* Lines of a report that was read; its own mark tells which one is strong. */
static void sb_code_told(struct strbuf *sb, const struct retold *told, int indent,
			 const struct paint *paint)
{
	for (unsigned int i = 0; i < told->ncode; i++) {
		bool marked = !strncmp(told->code[i], MARK, strlen(MARK));

		sb_printf(sb, "%s%*s", marked ? paint->strong : "", indent, "");
		sb_clean(sb, told->code[i]);
		sb_printf(sb, "%s\n", marked ? paint->off : "");
	}
}

void sb_code(struct strbuf *sb, const struct result *result, int indent, const struct paint *paint)
{
	unsigned int first = 0, last;
	struct view view;

	if (result->told) {
		sb_code_told(sb, result->told, indent, paint);
		return;
	}
	view_code(&view, result);
	last = view.count;
	if (view.at < view.count) {
		first = view.at > INSNS_BEFORE ? view.at - INSNS_BEFORE : 0;
		last = view.at + INSNS_AFTER + 1 < last ? view.at + INSNS_AFTER + 1 : last;
	}
	for (unsigned int i = first; i < last; i++) {
		if (i == view.at)
			sb_printf(sb, "%s", paint->strong);
		sb_printf(sb, "%*s", indent, "");
		sb_insn(sb, i == view.at ? MARK : "", &view.insns[i]);
		if (i == view.at && *paint->off) {
			sb->len--;	/* the colour ends before the line does */
			sb_printf(sb, "%s\n", paint->off);
		}
	}
	free(view.insns);
}

char *code_heading(const struct result *result)
{
	unsigned int vector;
	struct view view;

	if (result->told)
		return result->told->code_heading ? xstrdup(result->told->code_heading) : NULL;
	if (!result->code_len)
		return NULL;
	if (!result->have_state)
		return xstrdup("code");
	if (!in_stub(result, &vector))
		return xstrdup("code around RIP");
	view_code(&view, result);
	free(view.insns);
	return xasprintf("%s; RIP is in the stage's stub of vector %u",
			 view.before_step ? "code of the step" : "code around RIP", vector);
}

void sb_exits(struct strbuf *sb, const struct result *result, int indent)
{
	for (unsigned int i = 0; i < result->nexits; i++) {
		const struct exit_seen *seen = &result->exits[i];

		sb_printf(sb, "%*s%4u  rip=%05llx  ", indent, "", result->exits_before + i + 1,
			  (unsigned long long)seen->rip);
		sb_clean(sb, seen->text);
		sb_printf(sb, "\n");
	}
}

/* "intr_info=0x80000b0d error_code=0x10", where there is any. */
static void sb_interruption(struct strbuf *sb, const struct hwexit *exit)
{
	if (exit->intr_info)
		sb_printf(sb, " intr_info=%#x", exit->intr_info);
	if (exit->error_code)
		sb_printf(sb, " error_code=%#x", exit->error_code);
}

void sb_hw_exits(struct strbuf *sb, const struct result *result, int indent)
{
	char text[HWEXIT_TEXT];

	for (unsigned int i = 0; i < result->nhw; i++) {
		const struct hw_seen *seen = &result->hw[i];

		hwexit_describe(&seen->exit, text);
		sb_printf(sb, "%*s%4u  rip=%05llx  ", indent, "", seen->number,
			  (unsigned long long)seen->exit.rip);
		sb_clean(sb, text);
		sb_printf(sb, "  info1=%#llx info2=%#llx", (unsigned long long)seen->exit.info1,
			  (unsigned long long)seen->exit.info2);
		sb_interruption(sb, &seen->exit);
		sb_printf(sb, "\n");
	}
}

static void sb_heading(struct strbuf *sb, const char *heading, const struct paint *paint)
{
	sb_printf(sb, "\n    %s%s%s\n", paint->faint, heading, paint->off);
}

char *step_text(const struct result *result)
{
	const struct record *step = case_step(result->instance->tc, result->step);
	struct strbuf sb = { 0 };

	if (result->told)
		return result->told->step ? xstrdup(result->told->step) : NULL;
	if (step)
		sb_record(&sb, step);
	return sb.s;
}

/* named: the case has several vCPUs. */
static void sb_exits_of(struct strbuf *sb, const struct result *result, bool named,
			const struct paint *paint)
{
	const char *exits = result->exits_before ? "last exits" : "exits";
	char *heading;

	if (!named && !result->nexits)
		return;
	if (!named)
		heading = xstrdup(exits);
	else if (result->have_state)
		heading = xasprintf("cpu %u: %s; rip=%05llx now", result->cpu, exits,
				    (unsigned long long)state_linear_rip(&result->state));
	else
		heading = xasprintf("cpu %u: %s", result->cpu, exits);
	sb_heading(sb, heading, paint);
	sb_exits(sb, result, 4);
	free(heading);
	if (!result->nhw)
		return;
	sb_heading(sb, result->hw_before ? "last exits of the processor, by the exit they led to" :
		   "exits of the processor, by the exit they led to", paint);
	sb_hw_exits(sb, result, 4);
}

/* "io/out.asm:12, step 2: expect io_out, port=0x10" */
static void sb_where(struct strbuf *sb, const struct result *result)
{
	const struct mg_case *tc = result->instance->tc;
	char *source = source_name(tc->image), *step = step_text(result);

	sb_printf(sb, "    ");
	sb_clean(sb, source);
	sb_printf(sb, ":%u", result_line(result));
	if (step) {
		sb_printf(sb, ", step %d: ", result->step + 1);
		sb_clean(sb, step);
	} else if (!result->told || result->told->placed) {
		sb_printf(sb, ", before the first step");
	}
	sb_printf(sb, "\n");
	free(source);
	free(step);
}

static void sb_what_case(struct strbuf *sb, const struct mg_case *tc, const struct paint *paint)
{
	struct strbuf refs = { 0 };

	sb_printf(sb, "    ");
	sb_clean(sb, tc->text);
	if (sb_texts(&refs, tc, REC_REF)) {
		sb_printf(sb, "  %s[", paint->faint);
		sb_clean(sb, refs.s);
		sb_printf(sb, "]%s", paint->off);
	}
	sb_printf(sb, "\n");
	sb_free(&refs);
}

void sb_failure(struct strbuf *sb, const struct run_info *run, const struct result *result,
		const struct paint *paint)
{
	char *heading = code_heading(result);

	sb_what_case(sb, result->instance->tc, paint);
	sb_where(sb, result);
	if (result->why) {
		sb_printf(sb, "    %s", paint->strong);
		sb_clean(sb, result->why);
		sb_printf(sb, "%s\n", paint->off);
	}
	if (result->ndifferences) {
		sb_printf(sb, "\n");
		sb_differences(sb, result, 4, paint);
	}
	if (heading) {
		sb_heading(sb, heading, paint);
		sb_code(sb, result, 4, paint);
	}
	sb_exits_of(sb, result, result->npeers, paint);
	for (unsigned int i = 0; i < result->npeers; i++)
		sb_exits_of(sb, &result->peers[i], true, paint);
	sb_heading(sb, "again", paint);
	sb_printf(sb, "        ");
	sb_rerun(sb, run, result);
	sb_printf(sb, "\n");
	free(heading);
}

/* "  name 0123456789abcdef", wide enough for the longest names. */
static void sb_register(struct strbuf *sb, const char *name, u64 value)
{
	sb_printf(sb, "%-10s %016llx", name, (unsigned long long)value);
}

static void sb_segments(struct strbuf *sb, const struct cpu_state *state)
{
	sb_printf(sb, "\nsegment  selector  base              limit     access\n");
	for (unsigned int i = 0; i < SEG_COUNT; i++) {
		const struct seg_state *seg = &state->seg[i];

		sb_printf(sb, "%-7s  %04llx      %016llx  %08llx  %05llx%s\n",
			  field_name(F_cs + 4 * i), (unsigned long long)seg->selector,
			  (unsigned long long)seg->base, (unsigned long long)seg->limit,
			  (unsigned long long)seg->ar, seg->ar & AR_UNUSABLE ? " unusable" : "");
	}
}

static void sb_fpu(struct strbuf *sb, struct cpu_state *state, unsigned int uses)
{
	u16 last = uses & USES_AVX ? F_ymm15 : uses & USES_SSE ? F_xmm15 : F_st7;

	sb_printf(sb, "\n");
	for (u16 field = F_fcw; field <= last; field++) {
		u32 bytes = 0;
		const u8 *value = state_fpu_bytes(state, field, &bytes);

		if (!value || ((uses & USES_AVX) && field >= F_xmm0 && field <= F_xmm15))
			continue;
		sb_printf(sb, "%-10s ", field_name(field));
		while (bytes--)
			sb_printf(sb, "%02x", value[bytes]);
		sb_printf(sb, "\n");
	}
}

void sb_registers(struct strbuf *sb, const struct cpu_state *state, unsigned int uses)
{
	struct cpu_state copy = *state;

	for (u16 field = F_rax; field <= F_xcr0; field++) {
		sb_register(sb, field_name(field), *state_reg(&copy, field));
		sb_printf(sb, field % 2 && field < F_xcr0 ? "  " : "\n");
	}
	sb_segments(sb, state);
	if (uses)
		sb_fpu(sb, &copy, uses);
}

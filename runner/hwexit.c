// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exits of the processor in the engine: when they are recorded, what is kept of them for
 * a failure, and what an expect_hw means in the variant that runs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine.h"

static bool has_hw(const struct mg_case *tc)
{
	for (u32 i = 0; i < tc->nrecords; i++)
		if (tc->records[i].kind == REC_HW)
			return true;
	return false;
}

void hw_next_step(struct engine *e)
{
	e->hw.step.count = 0;
	e->hw.step.more = false;
	e->hw.step.lost = 0;
}

/* The target's own ring, if it has one: that needs no rights. Else the kernel's tracepoint. */
static void open_source(struct engine *e)
{
	struct hw_watch *hw = &e->hw;
	const struct host *host = &e->target->host;

	if (e->target->exit_ring) {
		hw->source = hwexit_open_mapped();
		return;		/* the ring tells the configuration */
	}
	hw->source = hwexit_open_trace(&hw->missing);
	hw->config = hwexit_config(host->hypervisor, host->parameters);
}

static void close_source(struct hw_watch *hw)
{
	if (hw->source)
		hw->source->ops->close(hw->source);
	hw->source = NULL;
	hw->on = false;
}

void hw_begin(struct engine *e)
{
	struct hw_watch *hw = &e->hw;

	hw_next_step(e);
	if (!hw->always && !e->want_coverage && !has_hw(e->instance->tc))
		return;
	if (!hw->source && !hw->missing)
		open_source(e);
	if (!hw->source)
		return;
	hw->source->ops->start(hw->source);
	hw->on = true;
	e->result->coverage.hw = true;
}

void hw_aim(struct engine *e)
{
	struct hw_watch *hw = &e->hw;

	if (!hw->on || !hw->source->ops->aim)
		return;
	if (hw->source->ops->aim(hw->source, (const u8 *)e->vm->run + e->target->exit_ring,
				 &hw->config, &hw->missing))
		return;
	close_source(hw);
	e->result->coverage.hw = false;
}

/* What came before what was overwritten is not shown as if it came right before the rest. */
static void keep_missed(struct engine *e, const struct hwexit_missed *missed)
{
	struct result *r = e->result;

	hwexit_list_miss(&e->hw.step, missed);
	r->coverage.missed += missed->lost + missed->overrun;
	if (!missed->overrun)
		return;
	r->hw_before += r->nhw + (unsigned int)missed->overrun;
	r->nhw = 0;
}

static void keep_exit(struct engine *e, const struct hwexit *exit)
{
	struct result *r = e->result;

	hwexit_list_add(&e->hw.step, exit);
	cover_hw(&r->coverage, exit);
	if (r->nhw == HWEXITS_KEPT) {
		memmove(r->hw, r->hw + 1, sizeof(r->hw) - sizeof(r->hw[0]));
		r->nhw--;
		r->hw_before++;
	}
	r->hw[r->nhw++] = (struct hw_seen){ *exit, r->exits_before + r->nexits + 1 };
}

void hw_collect(struct engine *e)
{
	bool found = e->hw.on;

	while (found) {
		struct hwexit_missed missed = { 0 };
		struct hwexit exit;

		found = e->hw.source->ops->next(e->hw.source, &exit, &missed);
		keep_missed(e, &missed);
		if (found)
			keep_exit(e, &exit);
	}
}

void hw_end(struct engine *e)
{
	struct hwexit_source *source = e->hw.source;
	struct hwexit_missed missed = { 0 };
	struct hwexit exit;

	if (!e->hw.on)
		return;
	source->ops->stop(source);
	e->hw.on = false;
	while (source->ops->next(source, &exit, &missed))
		;
}

void hw_fini(struct engine *e)
{
	close_source(&e->hw);
	free(e->hw.missing);
	memset(&e->hw, 0, sizeof(e->hw));
}

/* ---- expect_hw ---------------------------------------------------------------------- */

static const struct record *hw_record(const struct engine *e, const struct record *step)
{
	const struct mg_case *tc = e->instance->tc;

	for (const struct record *r = step + 1; r < tc->records + tc->nrecords; r++) {
		if (r->kind == REC_HW)
			return r;
		if (r->kind == REC_EXPECT || r->kind == REC_ACTION)
			break;
	}
	return NULL;
}

/* Whether the step is the first after the instruction under test. */
static bool is_under_test(const struct engine *e, const struct record *step)
{
	for (const struct record *r = step - 1; r >= e->instance->tc->records; r--) {
		if (r->kind == REC_EMULATE)
			return true;
		if (r->kind == REC_ACTION || (r->kind == REC_EXPECT && !judge_is_partial(e, r)))
			return false;
	}
	return false;
}

/*
 * In the variants the processor leaves the guest before it comes to do what it left it
 * for natively: the forced-emulation prefix begins with UD2, and an operand where no
 * memory is wants a hypervisor that does the whole instruction.
 */
static const char *variant_name(const struct engine *e, const struct record *step)
{
	if (e->instance->path == PATH_NATIVE || !is_under_test(e, step))
		return NULL;
	return e->instance->path == PATH_FEP ? "exception_ud" : "mmio";
}

static void unchecked(struct engine *e, const char *why)
{
	if (!e->result->unchecked)
		e->result->unchecked = xasprintf("expect_hw: %s", why);
}

/* What the processor tells of a port access must be the access that KVM_RUN told of. */
static bool same_io(struct engine *e, const struct record *step, const struct hwexit *seen)
{
	struct hwexit_io io;
	bool same = true;

	if ((step->sub != STEP_IO_IN && step->sub != STEP_IO_OUT) || !hwexit_io(seen, &io))
		return true;
	same &= engine_equal(e, "hw exit port", record_value(step, F_port, 0), io.port);
	same &= engine_equal(e, "hw exit size", record_value(step, F_size, 0), io.size);
	same &= engine_equal(e, "hw exit in", step->sub == STEP_IO_IN, io.in);
	return same;
}

bool hw_as_expected(struct engine *e, const struct record *step)
{
	const struct record *record = hw_record(e, step);
	const struct field *text = record ? record_field(record, F_text) : NULL;
	const char *variant = variant_name(e, step), *why;
	struct hwexit_wanted wanted = { .config = e->hw.config };
	const struct hwexit *seen;
	char expected[HWEXIT_TEXT], observed[HWEXIT_TEXT] = "none";

	if (!text)
		return true;
	if (!e->hw.on) {
		unchecked(e, e->hw.missing);
		return true;
	}
	wanted.names = variant ? variant : (const char *)text->blob;
	wanted.len = variant ? strlen(variant) : text->bytes;
	wanted.own_port = step->sub == STEP_CHECKPOINT ? CHECKPOINT_PORT :
			  step->sub == STEP_EXCEPTION  ? STUB_PORT : 0;
	wanted.vector = step->sub != STEP_EXCEPTION ? -1 :
			(int)record_value(step, F_vector, 0);
	wanted.paging = e->stage.state.cr0 & CR0_PG;
	switch (hwexit_judge(&e->hw.step, &wanted, &seen, &why)) {
	case HWEXIT_UNCHECKED:
		unchecked(e, why);
		return true;
	case HWEXIT_AS_EXPECTED:
		e->result->hw_checked++;
		return same_io(e, step, seen);
	default:
		snprintf(expected, sizeof(expected), "%.*s", (int)wanted.len, wanted.names);
		if (seen)
			hwexit_describe(seen, observed);
		engine_differs(e, "hw exit", expected, observed);
		return false;
	}
}

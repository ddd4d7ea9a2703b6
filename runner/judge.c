// SPDX-License-Identifier: GPL-2.0-only
/*
 * Judging: what an expectation and the records that belong to it predict, against
 * what the target shows. Everything not named must be as before.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "smp.h"

#define TYPE_CODE 0xbu	/* readable, accessed */
#define TYPE_DATA 0x3u	/* writable, accessed */
#define MEMORY_RUN 16		/* bytes of memory shown in one line */

static const char *const flag_names[] = {
	[0] = "CF", [2] = "PF", [4] = "AF", [6] = "ZF",	 [7] = "SF",  [8] = "TF",   [9] = "IF",
	[10] = "DF", [11] = "OF", [14] = "NT", [16] = "RF", [17] = "VM", [18] = "AC", [19] = "VIF",
	[20] = "VIP", [21] = "ID",
};

/* ---- comparing ---------------------------------------------------------------- */

static bool differs(struct engine *e, const char *what, u64 expected, u64 observed)
{
	return !engine_equal(e, what, expected, observed);
}

static bool compare_rflags(struct engine *e, u64 expected, u64 observed)
{
	u64 wrong = expected ^ observed;
	char what[16];

	if (!differs(e, "rflags", expected, observed))
		return false;
	for (unsigned int i = 0; i < ARRAY_SIZE(flag_names); i++) {
		if (!(wrong >> i & 1) || !flag_names[i])
			continue;
		snprintf(what, sizeof(what), "flag %s", flag_names[i]);
		engine_differs(e, what, expected >> i & 1 ? "1" : "0",
			       observed >> i & 1 ? "1" : "0");
	}
	return true;
}

/*
 * In real mode nothing tells whether CS is code or writable data: after reset it is
 * data (SDM 3 table 9-1), a far JMP leaves the type or makes it data, and VM entry
 * takes both (SDM 3 26.3.1.2).
 */
static bool cs_type_unknown(const struct engine *e, unsigned int i)
{
	const struct cpu_state *want = &e->stage.state;

	return i == SEG_CS && !(want->cr0 & CR0_PE) &&
	       (want->seg[i].ar & AR_TYPE) == TYPE_CODE &&
	       (e->seen.seg[i].ar & AR_TYPE) == TYPE_DATA;
}

/*
 * Hidden parts of an unusable segment are undefined (SDM 3 24.4.1): only the
 * selector and being unusable count.
 */
static bool compare_segment(struct engine *e, unsigned int i)
{
	const struct seg_state *want = &e->stage.state.seg[i], *got = &e->seen.seg[i];
	u16 field = (u16)(F_cs + i * 4);
	bool wrong = differs(e, field_name(field), want->selector, got->selector);
	u64 ar = want->ar;

	if (want->ar & got->ar & AR_UNUSABLE)
		return wrong;
	if (cs_type_unknown(e, i))
		ar = (ar & ~(u64)AR_TYPE) | TYPE_DATA;
	wrong |= differs(e, field_name(++field), want->base, got->base);
	wrong |= differs(e, field_name(++field), want->limit, got->limit);
	wrong |= differs(e, field_name(++field), ar, got->ar);
	return wrong;
}

static bool compare_registers(struct engine *e)
{
	const u64 *want = (const u64 *)&e->stage.state, *got = (const u64 *)&e->seen;
	bool wrong = false;

	for (u16 i = 0; i <= F_idt_limit - F_rax; i++) {
		if (want[i] == got[i])
			continue;
		wrong = true;
		if (F_rax + i == F_rflags)
			compare_rflags(e, want[i], got[i]);
		else
			differs(e, field_name((u16)(F_rax + i)), want[i], got[i]);
	}
	if (!memcmp(e->stage.state.seg, e->seen.seg, sizeof(e->seen.seg)))
		return wrong;
	for (unsigned int i = 0; i < SEG_COUNT; i++)
		wrong |= compare_segment(e, i);
	return wrong;
}

static bool fpu_differs(struct engine *e, u16 field)
{
	u32 bytes;
	const u8 *want = state_fpu_bytes(&e->stage.state, field, &bytes);
	const u8 *got = state_fpu_bytes(&e->seen, field, &bytes);
	char left[72] = "", right[72] = "";

	if (!memcmp(want, got, bytes))
		return false;
	for (u32 i = 0; i < bytes; i++) {	/* most significant byte first */
		snprintf(left + i * 2, 3, "%02x", want[bytes - 1 - i]);
		snprintf(right + i * 2, 3, "%02x", got[bytes - 1 - i]);
	}
	engine_differs(e, field_name(field), left, right);
	return true;
}

static bool compare_fpu(struct engine *e)
{
	const struct fpu_state *want = &e->stage.state.fpu, *got = &e->seen.fpu;
	unsigned int uses = e->instance->tc->uses;
	bool wrong = differs(e, "xcr0", e->stage.state.xcr0, e->seen.xcr0);

	if (!memcmp(want, got, sizeof(*want)))
		return wrong;
	for (u16 field = F_fcw; field <= F_mxcsr; field++)
		wrong |= fpu_differs(e, field);
	for (u16 i = 0; i < 8; i++)
		wrong |= fpu_differs(e, (u16)(F_st0 + i));
	for (u16 i = 0; i < 16; i++)
		wrong |= fpu_differs(e, (u16)((uses & USES_AVX ? F_ymm0 : F_xmm0) + i));
	return wrong;
}

/* ---- memory ------------------------------------------------------------------------ */

static const char *frame_item(const struct frame *frame, unsigned int i)
{
	static const char *const items[] = { "rip", "cs", "rflags", "rsp", "ss",
					     "es",  "ds", "fs",	    "gs" };

	if (frame->has_error && i == 0)
		return "error code";
	i -= frame->has_error;
	return i < ARRAY_SIZE(items) ? items[i] : "item";
}

static bool is_rflags(const struct frame *frame, unsigned int i)
{
	return i == 2u + frame->has_error;
}

static bool frame_covers(const struct engine *e, u64 addr)
{
	const struct frame *f = &e->frame;

	return e->frame_known && addr >= f->addr && addr - f->addr < (u64)f->item * f->count;
}

/*
 * The pushed frame first, item by item, by its names. Items after a stack pointer
 * that wrapped are elsewhere: they are compared as memory.
 */
static bool compare_frame(struct engine *e)
{
	const struct frame *f = &e->frame;
	bool wrong = false;

	for (unsigned int i = 0; e->frame_known && i < f->count; i++) {
		u64 want = 0, got = 0, at = f->addr + i * f->item;
		char what[32];

		if (at + f->item > STAGE_RAM)
			break;
		memcpy(&want, e->stage.mem + at, f->item);
		memcpy(&got, e->vm->mem + at, f->item);
		/* Often wrong alone, so it has a name of its own. */
		snprintf(what, sizeof(what), "pushed %s",
			 is_rflags(f, i) && (want ^ got) == RFLAGS_RF ? "RF" : frame_item(f, i));
		wrong |= differs(e, what, want, got);
	}
	return wrong;
}

static void memory_run(struct engine *e, u64 addr, unsigned int bytes)
{
	char what[40], left[MEMORY_RUN * 3 + 1], right[MEMORY_RUN * 3 + 1];

	for (unsigned int i = 0; i < bytes; i++) {
		snprintf(left + i * 3, 4, "%02x ", e->stage.mem[addr + i]);
		snprintf(right + i * 3, 4, "%02x ", e->vm->mem[addr + i]);
	}
	left[bytes * 3 - 1] = right[bytes * 3 - 1] = 0;
	snprintf(what, sizeof(what), "memory %#" PRIx64, addr);
	engine_differs(e, what, left, right);
}

bool judge_memory(struct engine *e, u64 from, u64 to)
{
	const u8 *want = e->stage.mem, *got = e->vm->mem;
	bool wrong = false;

	if (memory_equal(want + from, got + from, to - from))
		return false;
	for (u64 at = from; at < to; at++) {
		u64 end = at;

		if (want[at] == got[at] || frame_covers(e, at))
			continue;
		while (end < to && end - at < MEMORY_RUN && want[end] != got[end])
			end++;
		memory_run(e, at, (unsigned int)(end - at));
		at = end - 1;
		wrong = true;
	}
	return wrong;
}

/* ---- repeated instructions --------------------------------------------------------- */

#define INSTRUCTION_MAX 15

static bool is_string_opcode(u8 opcode)
{
	return (opcode >= 0x6c && opcode <= 0x6f) || (opcode >= 0xa4 && opcode <= 0xa7) ||
	       (opcode >= 0xaa && opcode <= 0xaf);
}

/*
 * Whether those bytes are a string instruction with a repeat prefix, whole; *narrow:
 * with an address-size prefix, which also chooses the count register (SDM 2 REP).
 */
static bool is_repeat(const u8 *code, u64 bytes, bool *narrow)
{
	bool repeat = false;

	*narrow = false;
	for (u64 i = 0; i + 1 < bytes; i++) {
		repeat |= code[i] == 0xf2 || code[i] == 0xf3;
		*narrow |= code[i] == 0x67;
	}
	return repeat && is_string_opcode(code[bytes - 1]);
}

/*
 * A target may show a repeated instruction after its last iteration with RIP still
 * at it and a count of 0: a boundary between iterations, as events see it (SDM 2
 * REP), where all it has left to do is to move RIP. It counts as done.
 */
static void finish_repeat(struct engine *e, const struct record *step)
{
	const struct seg_state *cs = &e->seen.seg[SEG_CS];
	u64 rip = cs->base + e->seen.rip, bytes = step->addr - e->seen.rip;
	u64 count = e->seen.gpr[RCX];
	bool wide = e->seen.efer & EFER_LMA && cs->ar & AR_L, narrow;

	if (step->sub < STEP_IO_IN || step->sub > STEP_MMIO_WRITE || !bytes ||
	    bytes > INSTRUCTION_MAX || rip >= STAGE_RAM - INSTRUCTION_MAX ||
	    e->stage.state.rip != step->addr || !is_repeat(e->vm->mem + rip, bytes, &narrow))
		return;
	if (wide)
		count = narrow ? (u32)count : count;
	else	/* CS.D and the prefix choose between CX and ECX */
		count = !(cs->ar & AR_DB) == narrow ? (u32)count : (u16)count;
	if (count)
		return;
	e->seen.rip = step->addr;
	e->seen.rflags &= ~RFLAGS_RF;	/* set between iterations (SDM 3 17.3.1.1) */
}

/* ---- predicting ------------------------------------------------------------------- */

static bool any_memory(struct engine *e, const struct record *record)
{
	u64 addr = record_value(record, F_address, 0), length = record_value(record, F_length, 0);

	if (addr >= STAGE_RAM || length > STAGE_RAM - addr)
		return engine_error(e, "undefined_memory is outside guest memory");
	memcpy(e->stage.mem + addr, e->vm->mem + addr, length);
	e->stage.pages.touched |= pages_of(addr, length);
	return true;
}

static bool predict_memory(struct engine *e, const struct record *record)
{
	const struct field *bytes = record_field(record, F_bytes);

	switch (record->kind) {
	case REC_WRITES:
		return stage_write(&e->stage, record_value(record, F_address, 0), bytes->blob,
				   bytes->bytes) ||
		       engine_error(e, "%s", e->stage.error);
	case REC_ENTRY_IS:
		return stage_edit_entry(&e->stage, record, record->sub, false) ||
		       engine_error(e, "%s", e->stage.error);
	default:
		return true;
	}
}

/*
 * The records that belong to an expectation follow it directly. What they leave
 * undefined comes after a predicted event, whose frame may be part of it.
 */
static bool predict_followers(struct engine *e, const struct record *step, bool undefined)
{
	const struct mg_case *tc = e->instance->tc;

	for (const struct record *r = step + 1; r < tc->records + tc->nrecords; r++) {
		if (r->kind == REC_EXPECT || r->kind == REC_ACTION)
			break;
		if (undefined ? r->kind == REC_ANY && !any_memory(e, r) : !predict_memory(e, r))
			return false;
	}
	return true;
}

/* Accessed or not, a TSS of 32 or of 16 bits: what the manuals say of INIT differs in this. */
static void copy_types(struct engine *e)
{
	for (unsigned int i = 0; i < SEG_COUNT; i++) {
		u64 *want = &e->stage.state.seg[i].ar, got = e->seen.seg[i].ar;
		u64 bit = i == SEG_TR ? AR_TSS_BUSY ^ AR_TSS16_BUSY : AR_ACCESSED;

		if (i != SEG_LDTR && (*want ^ got) == bit)
			*want = got;
	}
}

static void copy_undefined(struct engine *e, const struct record *step)
{
	u64 flags = record_value(step, F_undefined, 0);
	u64 regs = record_value(step, F_undefined_reg, 0);

	e->stage.state.rflags = (e->stage.state.rflags & ~flags) | (e->seen.rflags & flags);
	for (unsigned int i = 0; i < 16; i++)
		if (regs >> i & 1)
			e->stage.state.gpr[i] = e->seen.gpr[i];
	if (record_value(step, F_undefined_type, 0))
		copy_types(e);
}

static bool predict_event(struct engine *e, const struct record *step)
{
	unsigned int vector = (unsigned int)record_value(step, F_vector, 0);
	bool software = record_value(step, F_software, 0);
	struct event event = {
		.vector = vector,
		.software = software,
		.has_error = record_field(step, F_error),
		.error = record_value(step, F_error, 0),
		.fault = vector_is_fault(vector) && !software,
	};
	struct cpu_state *state = &e->stage.state;
	u64 flags = state->rflags;

	e->before_event = *state;
	if (record_field(step, F_frame_rflags)) {
		state->rflags = record_value(step, F_frame_rflags, 0);
		event.fault = false;
	}
	if (!deliver_event(&e->stage, &event, &e->frame))
		return engine_error(e, "this exception cannot be delivered as expected: %s",
				    e->stage.error);
	e->before_event.rflags = flags & ~RFLAGS_RF;
	e->frame_known = true;
	if (state->rip != STUBS + vector * STUB_SIZE)
		return engine_error(e, "vector %u leads to %#" PRIx64 ", not to the stage's stub",
				    vector, state->rip);
	state->rip += 2;	/* behind the stub's OUT */
	return true;
}

/* Another vector than expected is said as such, not as another RIP. */
static bool same_vector(struct engine *e, unsigned int vector)
{
	u64 stub = e->seen.rip - 2;
	char expected[16], observed[16];

	if (stub < STUBS || stub >= STUBS + 256 * STUB_SIZE || stub % STUB_SIZE)
		return true;
	if ((stub - STUBS) / STUB_SIZE == vector)
		return true;
	snprintf(expected, sizeof(expected), "%u", vector);
	snprintf(observed, sizeof(observed), "%u", (unsigned int)((stub - STUBS) / STUB_SIZE));
	engine_differs(e, "vector", expected, observed);
	return false;
}

bool judge_is_partial(const struct engine *e, const struct record *step)
{
	const struct mg_case *tc = e->instance->tc;

	for (const struct record *r = step + 1; r < tc->records + tc->nrecords; r++) {
		if (r->kind == REC_ACTION)
			return false;
		if (r->kind == REC_EXPECT)
			return r->addr == step->addr && step->sub >= STEP_IO_IN &&
			       step->sub <= STEP_MMIO_WRITE && r->sub != STEP_INTR &&
			       r->sub != STEP_MEET;
	}
	return false;
}

static bool all_memory_differs(struct engine *e)
{
	bool wrong = judge_memory(e, 0, MMIO);

	return judge_memory(e, MMIO_END, STAGE_RAM) || wrong;
}

static bool compare_all(struct engine *e)
{
	bool wrong = compare_frame(e);
	const struct kvm_run *run = e->vm->run;

	wrong |= compare_registers(e);
	if (e->fpu)
		wrong |= compare_fpu(e);
	wrong |= e->smp ? smp_compare(e) : all_memory_differs(e);
	wrong |= differs(e, "kvm_run.if_flag", !!(e->seen.rflags & RFLAGS_IF), run->if_flag);
	wrong |= differs(e, "kvm_run.cr8", e->seen.cr8, run->cr8);
	wrong |= differs(e, "kvm_run.apic_base", e->seen.apic_base, run->apic_base);
	if (!wrong && !e->smp)
		e->vm->memory = e->stage.pages;	/* until the guest runs again */
	return wrong;
}

/* Whether all that differs is recorded as known for this target; then it is forgotten. */
static bool all_known(struct engine *e)
{
	struct result *r = e->result;
	const struct deviation *entry = NULL;

	if (!e->known || r->more_differences)
		return false;
	for (unsigned int i = 0; i < r->ndifferences; i++) {
		entry = deviations_tolerate(e->known, e->instance->name,
					    r->differences[i].what + strlen(e->prefix));
		if (!entry)
			return false;
	}
	r->tolerated = true;
	r->deviation_reason = entry->reason;
	r->deviation_ref = entry->ref;
	r->ndifferences = 0;
	return true;
}

/* The same, where a state was judged: what was observed becomes the prediction. */
static bool all_tolerated(struct engine *e)
{
	if (!all_known(e))
		return false;
	if (e->smp) {
		smp_tolerate(e);
		return true;
	}
	e->stage.state = e->seen;
	pages_copy(e->stage.mem, e->vm->mem, ALL_PAGES & ~pages_of(MMIO, MMIO_END - MMIO));
	e->stage.pages.touched = ALL_PAGES;
	return true;
}

/* Where no state is judged, expect_hw is all there is. */
static bool judge_hw_alone(struct engine *e, const struct record *step)
{
	return hw_as_expected(e, step) || all_known(e) ||
	       engine_fail(e, "another exit of the processor than expected");
}

/* The state after the step, and the processor's exit that led to it. */
static bool judge_state(struct engine *e, const struct record *step)
{
	bool hw = hw_as_expected(e, step), state = !compare_all(e);

	hw_next_step(e);
	if ((hw && state) || all_tolerated(e))
		return true;
	if (state)
		return engine_fail(e, "another exit of the processor than expected");
	return engine_fail(e, step->sub == STEP_EXCEPTION ?
			   "the exception was delivered differently" :
			   "the state is not as expected");
}

bool judge_expectation(struct engine *e, const struct record *step)
{
	bool exception = step->sub == STEP_EXCEPTION, partial = judge_is_partial(e, step);
	unsigned int vector = (unsigned int)record_value(step, F_vector, 0);

	if (step->sub == STEP_SHUTDOWN || step->sub == STEP_FAIL_ENTRY)
		return judge_hw_alone(e, step);
	e->stage.state.rip = step->addr;
	if (!stage_apply(&e->stage, step))
		return engine_error(e, "%s", e->stage.error);
	if (!partial)
		copy_undefined(e, step);
	if (!predict_followers(e, step, false))
		return false;
	if (!partial)
		finish_repeat(e, step);
	if (exception && !partial && !predict_event(e, step))
		return false;
	if (!predict_followers(e, step, true))
		return false;
	if (partial)
		return judge_hw_alone(e, step);
	if (exception && !same_vector(e, vector)) {
		compare_all(e);
		return engine_fail(e, "another exception than expected");
	}
	return judge_state(e, step);
}

bool judge_meeting(struct engine *e, const struct record *step)
{
	if (step && (!predict_followers(e, step, false) || !predict_followers(e, step, true)))
		return false;
	if (all_memory_differs(e) && !all_tolerated(e))
		return engine_fail(e, "memory is not as expected where the vCPUs meet");
	return true;
}

bool judge_after_case(struct engine *e)
{
	if (!e->ncoalesced)
		return true;
	return engine_fail(e, "the coalesced ring holds writes that no step names: %u",
			   e->ncoalesced);
}

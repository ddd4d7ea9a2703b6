// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exits of the KVM ABI (Documentation/virt/kvm/api.rst, section 5): how they are
 * named and logged, how an expectation is matched with them, and how data is
 * given back to the guest.
 *
 * A hypervisor may split one instruction's accesses into exits as it likes: an
 * INS of 4 items may be one exit or four, an 8-byte access over a page boundary
 * two. So an expectation of that kind is met by any row of exits that covers it
 * exactly, in order.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "engine.h"

#define DATA_MAX 4096

const char *exit_reason_name(u32 reason)
{
	static const char *const names[] = {
		[KVM_EXIT_UNKNOWN] = "unknown",
		[KVM_EXIT_EXCEPTION] = "exception",
		[KVM_EXIT_IO] = "io",
		[KVM_EXIT_HYPERCALL] = "hypercall",
		[KVM_EXIT_DEBUG] = "debug",
		[KVM_EXIT_HLT] = "hlt",
		[KVM_EXIT_MMIO] = "mmio",
		[KVM_EXIT_IRQ_WINDOW_OPEN] = "irq_window",
		[KVM_EXIT_SHUTDOWN] = "shutdown",
		[KVM_EXIT_FAIL_ENTRY] = "fail_entry",
		[KVM_EXIT_INTR] = "intr",
		[KVM_EXIT_SET_TPR] = "tpr",
		[KVM_EXIT_TPR_ACCESS] = "tpr_access",
		[KVM_EXIT_NMI] = "nmi",
		[KVM_EXIT_INTERNAL_ERROR] = "internal_error",
		[KVM_EXIT_WATCHDOG] = "watchdog",
		[KVM_EXIT_SYSTEM_EVENT] = "system_event",
		[KVM_EXIT_IOAPIC_EOI] = "ioapic_eoi",
		[KVM_EXIT_X86_RDMSR] = "rdmsr",
		[KVM_EXIT_X86_WRMSR] = "wrmsr",
		[KVM_EXIT_X86_BUS_LOCK] = "bus_lock",
	};

	if (reason == ~0u)
		return "errno";
	return reason < ARRAY_SIZE(names) && names[reason] ? names[reason] : "other";
}

static void hex_bytes(char *to, size_t room, const u8 *bytes, size_t count)
{
	size_t at = 0, shown = count > 16 ? 16 : count;

	to[0] = 0;
	for (size_t i = 0; i < shown && at + 4 < room; i++)
		at += (size_t)snprintf(to + at, room - at, "%s%02x", i ? " " : "", bytes[i]);
	if (shown < count && at + 4 < room)
		snprintf(to + at, room - at, " ...");
}

static const u8 *io_data(const struct kvm_run *run)
{
	return (const u8 *)run + run->io.data_offset;
}

/* Whether the data of a port access lies where the ABI has it: in what is mapped. */
static bool io_data_mapped(const struct engine *e)
{
	const struct kvm_run *run = e->vm->run;
	u64 bytes = (u64)run->io.size * run->io.count, room = e->target->run_size;

	return bytes && run->io.data_offset <= room && bytes <= room - run->io.data_offset;
}

static bool is_stub_exit(const struct kvm_run *run)
{
	return run->exit_reason == KVM_EXIT_IO && run->io.direction == KVM_EXIT_IO_OUT &&
	       run->io.port == STUB_PORT && run->io.size == 1 && run->io.count == 1;
}

/* The guest's RIP after a KVM_RUN, however registers travel; 0 if it is not to be had. */
static u64 rip_after(const struct engine *e)
{
	struct kvm_regs regs = { 0 };

	if (e->vm->sync_regs)
		return e->vm->run->s.regs.regs.rip;
	return ioctl(e->vm->vcpu, KVM_GET_REGS, &regs) < 0 ? 0 : regs.rip;
}

/*
 * The stage's stubs tell the runner of an exception by an OUT; RIP says of which.
 * Whether it is already behind the OUT makes no difference here.
 */
static void describe_stub(const struct engine *e, char *text, size_t room)
{
	u64 rip = rip_after(e);

	if (rip >= STUBS && rip < STUBS + 256 * STUB_SIZE)
		snprintf(text, room, "exception vector=%u",
			 (unsigned int)(rip - STUBS) / STUB_SIZE);
	else
		snprintf(text, room, "exception");
}

static void describe_io(const struct engine *e, char *text, size_t room)
{
	const struct kvm_run *run = e->vm->run;
	char data[56] = "";

	if (is_stub_exit(run)) {
		describe_stub(e, text, room);
		return;
	}
	if (!io_data_mapped(e))
		snprintf(data, sizeof(data), "outside kvm_run");
	else if (run->io.direction == KVM_EXIT_IO_OUT)
		hex_bytes(data, sizeof(data), io_data(run), (size_t)run->io.size * run->io.count);
	snprintf(text, room, "io_%s port=%#x size=%u count=%u%s%s",
		 run->io.direction == KVM_EXIT_IO_OUT ? "out" : "in", run->io.port, run->io.size,
		 run->io.count, *data ? " data=" : "", data);
}

static void describe_mmio(const struct kvm_run *run, char *text, size_t room)
{
	u32 bytes = run->mmio.len > 8 ? 8 : run->mmio.len;
	char data[32] = "";

	if (run->mmio.is_write)
		hex_bytes(data, sizeof(data), run->mmio.data, bytes);
	snprintf(text, room, "mmio_%s address=%#" PRIx64 " size=%u%s%s",
		 run->mmio.is_write ? "write" : "read", (u64)run->mmio.phys_addr, run->mmio.len,
		 *data ? " data=" : "", data);
}

static const char *internal_name(u32 suberror)
{
	switch (suberror) {
	case KVM_INTERNAL_ERROR_EMULATION:
		return "emulation failed";
	case KVM_INTERNAL_ERROR_SIMUL_EX:
		return "simultaneous exceptions";
	case KVM_INTERNAL_ERROR_DELIVERY_EV:
		return "exit while delivering an event";
	default:
		return "unexpected exit reason";
	}
}

static void describe(const struct engine *e, char *text, size_t room)
{
	const struct kvm_run *run = e->vm->run;

	switch (run->exit_reason) {
	case KVM_EXIT_IO:
		describe_io(e, text, room);
		break;
	case KVM_EXIT_MMIO:
		describe_mmio(run, text, room);
		break;
	case KVM_EXIT_INTERNAL_ERROR:
		snprintf(text, room, "internal_error suberror=%u (%s)", run->internal.suberror,
			 internal_name(run->internal.suberror));
		break;
	case KVM_EXIT_FAIL_ENTRY:
		snprintf(text, room, "fail_entry hardware_entry_failure_reason=%#" PRIx64,
			 (u64)run->fail_entry.hardware_entry_failure_reason);
		break;
	case KVM_EXIT_DEBUG:
		snprintf(text, room, "debug vector=%u pc=%#" PRIx64 " dr6=%#" PRIx64,
			 run->debug.arch.exception, (u64)run->debug.arch.pc,
			 (u64)run->debug.arch.dr6);
		break;
	case KVM_EXIT_X86_RDMSR:
	case KVM_EXIT_X86_WRMSR:
		snprintf(text, room, "%s index=%#x data=%#" PRIx64,
			 exit_reason_name(run->exit_reason), run->msr.index, (u64)run->msr.data);
		break;
	case KVM_EXIT_HYPERCALL:
		snprintf(text, room, "hypercall nr=%" PRIu64, (u64)run->hypercall.nr);
		break;
	case KVM_EXIT_IOAPIC_EOI:
		snprintf(text, room, "ioapic_eoi vector=%u", run->eoi.vector);
		break;
	default:
		snprintf(text, room, "%s (KVM_EXIT %u)", exit_reason_name(run->exit_reason),
			 run->exit_reason);
	}
}

void exits_log(struct engine *e)
{
	struct result *r = e->result;
	struct exit_seen *seen;

	if (r->nexits == EXITS_MAX) {
		memmove(r->exits, r->exits + 1, sizeof(r->exits) - sizeof(r->exits[0]));
		r->nexits--;
		r->exits_before++;
	}
	seen = &r->exits[r->nexits++];
	seen->reason = e->run_errno ? ~0u : e->vm->run->exit_reason;
	seen->error = (u32)e->run_errno;
	seen->rip = rip_after(e);
	if (e->run_errno)
		snprintf(seen->text, sizeof(seen->text), "KVM_RUN: %s", strerror(e->run_errno));
	else
		describe(e, seen->text, sizeof(seen->text));
	/* A signal ends KVM_RUN with that reason and an errno as well. */
	if (!e->run_errno ||
	    (e->run_errno == EINTR && e->vm->run->exit_reason == KVM_EXIT_INTR))
		cover_exit(&r->coverage, e->vm->run->exit_reason);
}

/* ---- matching ------------------------------------------------------------------- */

/* The data of an expectation as bytes: as given, or the value once per item. */
struct wanted {
	u8 bytes[DATA_MAX];
	u32 total;		/* bytes of all items */
};

static bool wanted_data(struct engine *e, const struct record *step, u32 size, u32 count,
			struct wanted *w)
{
	const struct field *bytes = record_field(step, F_bytes);
	u64 data = record_value(step, F_data, 0);

	w->total = size * count;
	if (w->total > DATA_MAX)
		return engine_error(e, "an expectation of %u bytes is beyond %u", w->total,
				    DATA_MAX);
	if (bytes && bytes->bytes != w->total)
		return engine_error(e, "bytes= has %u bytes where size and count make %u",
				    bytes->bytes, w->total);
	if (bytes) {
		memcpy(w->bytes, bytes->blob, w->total);
		return true;
	}
	memset(w->bytes, 0, w->total);
	for (u32 i = 0; i < count; i++)
		memcpy(w->bytes + i * size, &data, size < 8 ? size : 8);
	return true;
}

static bool next_exit(struct engine *e)
{
	if (e->have_exit) {
		e->have_exit = false;
		return true;
	}
	return engine_kvm_run(e);
}

static const char *exit_text(struct engine *e)
{
	return e->result->exits[e->result->nexits - 1].text;
}

/* The bytes an access was expected to send, if the case says. */
static void expected_data(const struct record *step, u32 bytes, char *text, size_t room)
{
	const struct field *given = record_field(step, F_bytes);
	u64 value = record_value(step, F_data, 0);
	char data[56] = "";

	text[0] = 0;
	if (given)
		hex_bytes(data, sizeof(data), given->blob, given->bytes);
	else if (record_field(step, F_data))
		hex_bytes(data, sizeof(data), (const u8 *)&value, bytes < 8 ? bytes : 8);
	if (*data)
		snprintf(text, room, " data=%s", data);
}

/* An expectation in the words of describe(), so that the two can be compared by eye. */
static void step_text(const struct record *step, char *text, size_t room)
{
	const char *name = step_name(step->sub);
	u32 size = (u32)record_value(step, F_size, 1), count = (u32)record_value(step, F_count, 1);
	bool writes = step->sub == STEP_IO_OUT || step->sub == STEP_MMIO_WRITE;
	char data[64] = "";

	if (writes)
		expected_data(step, size, data, sizeof(data));
	switch (step->sub) {
	case STEP_IO_IN:
	case STEP_IO_OUT:
		snprintf(text, room, "%s port=%#" PRIx64 " size=%u count=%u%s", name,
			 record_value(step, F_port, 0), size, count, data);
		break;
	case STEP_MMIO_READ:
	case STEP_MMIO_WRITE:
		snprintf(text, room, "%s address=%#" PRIx64 " size=%u%s", name,
			 record_value(step, F_address, 0), size, data);
		break;
	case STEP_EXCEPTION:
		snprintf(text, room, "%s vector=%" PRIu64, name, record_value(step, F_vector, 0));
		break;
	case STEP_RDMSR:
	case STEP_WRMSR:
		snprintf(text, room, "%s index=%#" PRIx64, name, record_value(step, F_index, 0));
		break;
	default:
		snprintf(text, room, "%s", name);
	}
}

static bool wrong_exit(struct engine *e, const struct record *step)
{
	char expected[96];

	step_text(step, expected, sizeof(expected));
	engine_differs(e, "exit", expected, exit_text(e));
	if (!e->run_errno && e->vm->run->exit_reason == KVM_EXIT_INTERNAL_ERROR)
		return engine_fail(e, "the target gave up: %s", exit_text(e));
	return engine_fail(e, "another exit than expected");
}

static void data_differs(struct engine *e, const u8 *expected, const u8 *observed, u32 bytes)
{
	char left[72], right[72];

	hex_bytes(left, sizeof(left), expected, bytes);
	hex_bytes(right, sizeof(right), observed, bytes);
	engine_differs(e, "data", left, right);
}

static bool is_exit(const struct engine *e, u32 reason)
{
	return !e->run_errno && e->vm->run->exit_reason == reason;
}

/* One port access of the expectation; *done counts bytes. */
static bool take_io(struct engine *e, const struct record *step, const struct wanted *w,
		    u32 size, u32 *done)
{
	struct kvm_run *run = e->vm->run;
	u32 direction = step->sub == STEP_IO_OUT ? KVM_EXIT_IO_OUT : KVM_EXIT_IO_IN;
	u64 bytes = (u64)run->io.size * run->io.count;
	u8 *data = (u8 *)run + run->io.data_offset;

	if (!is_exit(e, KVM_EXIT_IO) || !io_data_mapped(e) || run->io.direction != direction ||
	    run->io.port != record_value(step, F_port, run->io.port) || run->io.size != size ||
	    bytes > w->total - *done)
		return wrong_exit(e, step);
	if (direction == KVM_EXIT_IO_IN) {
		memcpy(data, w->bytes + *done, bytes);
	} else if (memcmp(data, w->bytes + *done, bytes)) {
		data_differs(e, w->bytes + *done, data, (u32)bytes);
		return engine_fail(e, "other data than expected");
	}
	*done += (u32)bytes;
	return true;
}

static bool take_mmio(struct engine *e, const struct record *step, const struct wanted *w,
		      u32 *done)
{
	struct kvm_run *run = e->vm->run;
	u64 address = record_value(step, F_address, 0) + *done;

	if (!is_exit(e, KVM_EXIT_MMIO) || run->mmio.is_write != (step->sub == STEP_MMIO_WRITE) ||
	    run->mmio.phys_addr != address || !run->mmio.len ||
	    run->mmio.len > w->total - *done || run->mmio.len > sizeof(run->mmio.data))
		return wrong_exit(e, step);
	if (!run->mmio.is_write) {
		memcpy(run->mmio.data, w->bytes + *done, run->mmio.len);
	} else if (memcmp(run->mmio.data, w->bytes + *done, run->mmio.len)) {
		data_differs(e, w->bytes + *done, run->mmio.data, run->mmio.len);
		return engine_fail(e, "other data than expected");
	}
	*done += run->mmio.len;
	return true;
}

/*
 * In the variant mmio the operand page is in no slot, and the runner answers for
 * it from guest memory, so the case sees memory.
 */
static bool is_operand(const struct engine *e)
{
	const struct kvm_run *run = e->vm->run;

	return e->instance->path == PATH_MMIO && is_exit(e, KVM_EXIT_MMIO) &&
	       run->mmio.phys_addr >= OPERAND && run->mmio.phys_addr < OPERAND + PAGE_BYTES &&
	       run->mmio.len <= sizeof(run->mmio.data) &&
	       run->mmio.phys_addr + run->mmio.len <= OPERAND + PAGE_BYTES;
}

/* Waits for an exit that is not the runner's own business. */
static bool foreign_exit(struct engine *e)
{
	for (u32 i = 0; i < OPERAND_EXITS_MAX; i++) {
		struct kvm_run *run = e->vm->run;

		if (!next_exit(e))
			return false;
		if (!is_operand(e))
			return true;
		if (run->mmio.is_write)
			memcpy(e->vm->mem + run->mmio.phys_addr, run->mmio.data, run->mmio.len);
		else
			memcpy(run->mmio.data, e->vm->mem + run->mmio.phys_addr, run->mmio.len);
	}
	return engine_fail(e, "more than %u accesses to the operand page without another exit",
			   OPERAND_EXITS_MAX);
}

/* An access and its completion, until the expectation is covered. */
static bool take_accesses(struct engine *e, const struct record *step)
{
	bool mmio = step->sub == STEP_MMIO_READ || step->sub == STEP_MMIO_WRITE;
	u32 size = (u32)record_value(step, F_size, 1);
	u32 count = (u32)record_value(step, F_count, 1), done = 0;
	struct wanted w;

	if (!wanted_data(e, step, size, count, &w))
		return false;
	while (done < w.total) {
		if (!foreign_exit(e))
			return false;
		if (mmio ? !take_mmio(e, step, &w, &done) : !take_io(e, step, &w, size, &done))
			return false;
		if (!engine_complete(e))
			return false;
	}
	return true;
}

static bool take_own_port(struct engine *e, const struct record *step, u16 port)
{
	const struct kvm_run *run = e->vm->run;

	if (!foreign_exit(e))
		return false;
	if (!is_exit(e, KVM_EXIT_IO) || run->io.direction != KVM_EXIT_IO_OUT ||
	    run->io.port != port || run->io.size != 1 || run->io.count != 1)
		return wrong_exit(e, step);
	return engine_complete(e);
}

static bool take_msr(struct engine *e, const struct record *step, u32 reason)
{
	struct kvm_run *run = e->vm->run;

	if (!foreign_exit(e))
		return false;
	if (!is_exit(e, reason) || run->msr.index != record_value(step, F_index, 0))
		return wrong_exit(e, step);
	if (reason == KVM_EXIT_X86_WRMSR && run->msr.data != record_value(step, F_data, 0)) {
		data_differs(e, (const u8 *)&(u64){ record_value(step, F_data, 0) },
			     (const u8 *)&run->msr.data, 8);
		return engine_fail(e, "other data than expected");
	}
	if (record_field(step, F_reason) &&
	    !engine_equal(e, "reason", record_value(step, F_reason, 0), run->msr.reason))
		return engine_fail(e, "the exit has another reason than expected");
	if (reason == KVM_EXIT_X86_RDMSR)
		run->msr.data = record_value(step, F_data, 0);
	run->msr.error = !!record_value(step, F_errno, 0);
	return engine_complete(e);
}

static bool take_debug(struct engine *e, const struct record *step)
{
	const struct kvm_debug_exit_arch *debug = &e->vm->run->debug.arch;
	bool ok = true;

	if (!foreign_exit(e))
		return false;
	if (!is_exit(e, KVM_EXIT_DEBUG))
		return wrong_exit(e, step);
	ok &= engine_equal(e, "debug vector", record_value(step, F_debug_vector, 1),
			  debug->exception);
	ok &= engine_equal(e, "debug pc",
			  record_value(step, F_debug_pc, record_value(step, F_rip, step->addr)),
			  debug->pc);
	if (record_field(step, F_debug_dr6))
		ok &= engine_equal(e, "debug dr6", record_value(step, F_debug_dr6, 0), debug->dr6);
	if (record_field(step, F_debug_dr7))
		ok &= engine_equal(e, "debug dr7", record_value(step, F_debug_dr7, 0), debug->dr7);
	return ok || engine_fail(e, "the debug exit reports something else");
}

static bool take_hypercall(struct engine *e, const struct record *step)
{
	const struct kvm_run *run = e->vm->run;

	if (!foreign_exit(e))
		return false;
	if (!is_exit(e, KVM_EXIT_HYPERCALL))
		return wrong_exit(e, step);
	for (u16 i = 0; i < 4; i++) {
		const struct field *f = record_field(step, (u16)(F_arg0 + i));

		if (f && !engine_equal(e, field_name(f->id), f->value, run->hypercall.args[i]))
			return engine_fail(e, "other arguments than expected");
	}
	if (!engine_equal(e, "nr", record_value(step, F_nr, 0), run->hypercall.nr))
		return engine_fail(e, "another hypercall than expected");
	e->vm->run->hypercall.ret = record_value(step, F_result, 0);
	return engine_complete(e);
}

static bool take_plain(struct engine *e, const struct record *step, u32 reason)
{
	if (!foreign_exit(e))
		return false;
	if (!is_exit(e, reason))
		return wrong_exit(e, step);
	if (reason == KVM_EXIT_IOAPIC_EOI &&
	    !engine_equal(e, "vector", record_value(step, F_vector, 0), e->vm->run->eoi.vector))
		return engine_fail(e, "EOI of another vector than expected");
	return true;
}

/*
 * A vCPU that halts in the kernel never exits: it is kicked, and must be halted. A state
 * that an INIT brings may be seen only when it is asked for: then KVM_RUN is to see it too.
 */
static bool take_halted(struct engine *e, const struct record *step)
{
	u64 want = record_value(step, F_mp_state, KVM_MP_STATE_HALTED);
	struct kvm_mp_state mp;
	bool asked = want == KVM_MP_STATE_HALTED;

	e->kick = true;
	e->kick_after_ms = 1;
	for (unsigned int tries = 0; tries < 200; tries++) {
		if (!foreign_exit(e))
			return false;
		if (e->run_errno != EINTR)
			return wrong_exit(e, step);
		if (ioctl(e->vm->vcpu, KVM_GET_MP_STATE, &mp) < 0)
			return engine_error(e, "KVM_GET_MP_STATE: %s", strerror(errno));
		if (mp.mp_state == want && asked)
			return true;
		asked |= mp.mp_state == want;
		e->kick = true;
	}
	return engine_fail(e, "the vCPU does not halt: its MP state stays %u", mp.mp_state);
}

static bool take_intr(struct engine *e, const struct record *step)
{
	if (!foreign_exit(e))
		return false;
	if (e->run_errno != EINTR)
		return wrong_exit(e, step);
	return true;
}

bool exits_take(struct engine *e, const struct record *step)
{
	e->frame_known = false;
	switch (step->sub) {
	case STEP_CHECKPOINT:
		return take_own_port(e, step, CHECKPOINT_PORT);
	case STEP_EXCEPTION:
		return take_own_port(e, step, STUB_PORT);
	case STEP_IO_IN:
	case STEP_IO_OUT:
	case STEP_MMIO_READ:
	case STEP_MMIO_WRITE:
		return take_accesses(e, step);
	case STEP_RDMSR:
		return take_msr(e, step, KVM_EXIT_X86_RDMSR);
	case STEP_WRMSR:
		return take_msr(e, step, KVM_EXIT_X86_WRMSR);
	case STEP_DEBUG:
		return take_debug(e, step);
	case STEP_HYPERCALL:
		return take_hypercall(e, step);
	case STEP_HLT:
		return take_plain(e, step, KVM_EXIT_HLT);
	case STEP_SHUTDOWN:
		return take_plain(e, step, KVM_EXIT_SHUTDOWN);
	case STEP_IRQ_WINDOW:
		return take_plain(e, step, KVM_EXIT_IRQ_WINDOW_OPEN);
	case STEP_FAIL_ENTRY:
		return take_plain(e, step, KVM_EXIT_FAIL_ENTRY);
	case STEP_IOAPIC_EOI:
		return take_plain(e, step, KVM_EXIT_IOAPIC_EOI);
	case STEP_TPR:
		return take_plain(e, step, KVM_EXIT_SET_TPR);
	case STEP_HALTED:
		return take_halted(e, step);
	case STEP_INTR:
		return take_intr(e, step);
	default:
		return engine_error(e, "step %u is unknown", step->sub);
	}
}

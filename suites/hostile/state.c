// SPDX-License-Identifier: GPL-2.0-only
/*
 * State that means harm: every field that user space can set, with every value at an edge, from
 * real, protected and 64-bit mode. The call may refuse it, the guest may end with whatever exit
 * there is; the next thing that runs on the vCPU must run well.
 */
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>

#include "machine.h"

static struct machine machine;
static unsigned int tries, refusals, entries, halted, not_entered;

/* ---- modes to start from ------------------------------------------------------------------- */

#define TABLES_AT 0x8000u

static void set_mode(unsigned int mode)
{
	struct kvm_segment code = { .limit = 0xffffffff, .type = 11, .present = 1, .s = 1, .g = 1,
				    .selector = 8, .db = mode == 1, .l = mode == 2 };
	uint64_t *tables = (uint64_t *)(machine.memory + TABLES_AT);
	struct kvm_sregs sregs;

	machine_reset(&machine, 0);
	if (!mode)
		return;
	check(!ioctl(machine.vcpu[0], KVM_GET_SREGS, &sregs), "KVM_GET_SREGS: %m");
	sregs.cs = code;
	code.type = 3;
	code.selector = 16;
	code.db = 1;
	code.l = 0;
	sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = code;
	sregs.cr0 |= 1;
	if (mode == 2) {
		tables[0] = TABLES_AT + PAGE + 7;
		tables[512] = TABLES_AT + 2 * PAGE + 7;
		tables[1024] = 0x87;
		sregs.cr3 = TABLES_AT;
		sregs.cr4 |= 1 << 5;
		sregs.efer = 0x500;
		sregs.cr0 |= 1u << 31;
	}
	check(!ioctl(machine.vcpu[0], KVM_SET_SREGS, &sregs), "KVM_SET_SREGS of mode %u: %m", mode);
}

/* ---- what follows ------------------------------------------------------------------------- */

static void called(int signal)
{
	(void)signal;
}

static void call_out_soon(bool on)
{
	struct sigaction action = { .sa_handler = called };
	struct itimerval timer = { { 0, on ? 5000 : 0 }, { 0, on ? 5000 : 0 } };

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
}

/* A few exits of whatever kind, then from the beginning: it must halt as it should. */
static void survive(const char *what, uint64_t value, bool taken)
{
	int reason = 0;

	tries++;
	refusals += !taken;
	call_out_soon(true);
	for (unsigned int i = 0; taken && i < 3 && reason >= 0; i++) {
		machine.run[0]->request_interrupt_window = i & 1;
		reason = machine_run(&machine, 0);
		check(reason >= -4095 && reason < 64, "%s = %#llx: exit %d", what,
		      (unsigned long long)value, reason);
		entries += reason >= 0;
		halted += reason == KVM_EXIT_HLT;
		not_entered += reason == KVM_EXIT_FAIL_ENTRY;
	}
	call_out_soon(false);
	machine.run[0]->request_interrupt_window = 0;
}

static void halts(const char *what, uint64_t value)
{
	int reason;

	machine_complete(&machine, 0);
	machine_reset(&machine, 0);
	/* With such a state it may have written anywhere. */
	memcpy(machine.memory + CODE_AT, halting.code, (size_t)(halting.end - halting.code));
	reason = machine_run(&machine, 0);
	check(reason == KVM_EXIT_HLT, "after %s = %#llx: expected HLT, got %d", what,
	      (unsigned long long)value, reason);
}

static void begin(void)
{
	machine_make(&machine, &halting);
}

static void summary(void)
{
	printf("# %u states, %u refused, %u exits, %u of them by HLT\n", tries, refusals, entries,
	       halted);
	check(refusals < tries && entries, "none was taken");
	machine_end(&machine);
}

/* What is set is what runs: with some states the guest gets to its HLT, with others not. */
static void summary_of_both(void)
{
	summary();
	check(halted && halted < entries, "whatever is set, the guest does the same");
}

/* ---- tables of fields ---------------------------------------------------------------------- */

struct field {
	const char *name;
	size_t offset, size;
};

static const uint64_t edges[] = {
	0, 1, 2, 3, 7, 8, 0x0f, 0x10, 0x80, 0xff, 0x100, 0xffff, 0x10000, 0x80000000, 0x80000001,
	0xffffffff, 0x100000000, 1ull << 40, 1ull << 47, 1ull << 52, 0xffff800000000000,
	0x8000000000000000, 0xfffffffffffff000, 0xffffffffffffffff,
};
#define EDGES (sizeof(edges) / sizeof(edges[0]))

/* Puts a value into a field, or, with flip, changes one bit of what there is. */
static void put_field(void *structure, const struct field *field, uint64_t value, bool flip)
{
	uint64_t old = 0;

	memcpy(&old, (char *)structure + field->offset, field->size);
	value = flip ? old ^ value : value;
	memcpy((char *)structure + field->offset, &value, field->size);
}

/* Every edge, and every bit flipped, of one field, from one mode. */
static void sweep(const struct field *field, unsigned long get, unsigned long set,
		  unsigned int mode, bool bits)
{
	static uint64_t room[2048];

	for (unsigned int i = 0; i < EDGES + (bits ? 8 * field->size : 0); i++) {
		bool flip = i >= EDGES;
		uint64_t value = flip ? 1ull << (i - EDGES) : edges[i];

		if (!flip && field->size < 8 && value >> (8 * field->size) && i)
			continue;
		set_mode(mode);
		check(!ioctl(machine.vcpu[0], get, room), "%s: KVM_GET: %m", field->name);
		put_field(room, field, value, flip);
		survive(field->name, value, !ioctl(machine.vcpu[0], set, room));
		halts(field->name, value);
	}
}

/* ---- segments and control registers ----------------------------------------------------- */

#define SEGMENT(part) { #part, offsetof(struct kvm_segment, part), \
			sizeof(((struct kvm_segment *)0)->part) }

static const struct field segment_fields[] = {
	SEGMENT(base), SEGMENT(limit), SEGMENT(selector), SEGMENT(type), SEGMENT(present),
	SEGMENT(dpl), SEGMENT(db), SEGMENT(s), SEGMENT(l), SEGMENT(g), SEGMENT(unusable),
};

#define SREGS(part) { #part, offsetof(struct kvm_sregs, part), \
		      sizeof(((struct kvm_sregs *)0)->part) }

static const struct field control_fields[] = {
	SREGS(gdt.base), SREGS(gdt.limit), SREGS(idt.base), SREGS(idt.limit), SREGS(cr0),
	SREGS(cr2), SREGS(cr3), SREGS(cr4), SREGS(cr8), SREGS(efer), SREGS(apic_base),
	SREGS(interrupt_bitmap[0]), SREGS(interrupt_bitmap[3]),
};

/* In which order struct kvm_sregs begins. */
static const char *const segments[] = { "cs", "ds", "es", "fs", "gs", "ss", "tr", "ldt" };

static void segments_from(unsigned int mode)
{
	begin();
	for (size_t s = 0; s < 8; s++) {
		for (size_t i = 0; i < sizeof(segment_fields) / sizeof(segment_fields[0]); i++) {
			struct field field = segment_fields[i];
			char name[32];

			/* Of data segments one stands for all. */
			if (s == 2 || s == 3)
				continue;
			snprintf(name, sizeof(name), "mode %u %s.%s", mode, segments[s],
				 field.name);
			field.name = name;
			field.offset += s * sizeof(struct kvm_segment);
			sweep(&field, KVM_GET_SREGS, KVM_SET_SREGS, mode, false);
		}
	}
	summary_of_both();
}

static void control_from(unsigned int mode)
{
	begin();
	for (size_t i = 0; i < sizeof(control_fields) / sizeof(control_fields[0]); i++)
		sweep(&control_fields[i], KVM_GET_SREGS, KVM_SET_SREGS, mode, true);
	summary_of_both();
}

static void segments_real(void)
{
	segments_from(0);
}

static void segments_protected(void)
{
	segments_from(1);
}

static void segments_long(void)
{
	segments_from(2);
}

static void control(void)
{
	control_from(0);
	control_from(1);
	control_from(2);
}

/* ---- everything else --------------------------------------------------------------------- */

#define OF(structure, part) { #part, offsetof(struct structure, part), \
			      sizeof(((struct structure *)0)->part) }

static const struct field regs_fields[] = {
	OF(kvm_regs, rip), OF(kvm_regs, rflags), OF(kvm_regs, rsp), OF(kvm_regs, rcx),
};
static const struct field events_fields[] = {
	OF(kvm_vcpu_events, exception.injected), OF(kvm_vcpu_events, exception.nr),
	OF(kvm_vcpu_events, exception.has_error_code), OF(kvm_vcpu_events, exception.pending),
	OF(kvm_vcpu_events, exception.error_code), OF(kvm_vcpu_events, interrupt.injected),
	OF(kvm_vcpu_events, interrupt.nr), OF(kvm_vcpu_events, interrupt.soft),
	OF(kvm_vcpu_events, interrupt.shadow), OF(kvm_vcpu_events, nmi.injected),
	OF(kvm_vcpu_events, nmi.pending), OF(kvm_vcpu_events, nmi.masked),
	OF(kvm_vcpu_events, sipi_vector), OF(kvm_vcpu_events, flags),
	OF(kvm_vcpu_events, exception_payload),
};
static const struct field debug_fields[] = {
	OF(kvm_debugregs, db[0]), OF(kvm_debugregs, db[3]), OF(kvm_debugregs, dr6),
	OF(kvm_debugregs, dr7), OF(kvm_debugregs, flags),
};
/* MXCSR, and the head of the XSAVE area (SDM 1 13.4.2). */
static const struct field xsave_fields[] = {
	{ "fcw", 0, 2 }, { "fsw", 2, 2 }, { "mxcsr", 24, 4 }, { "mxcsr_mask", 28, 4 },
	{ "xstate_bv", 512, 8 }, { "xcomp_bv", 520, 8 }, { "reserved", 528, 8 },
};
static const struct field fpu_fields[] = {
	OF(kvm_fpu, fcw), OF(kvm_fpu, fsw), OF(kvm_fpu, ftwx), OF(kvm_fpu, last_opcode),
	OF(kvm_fpu, last_ip), OF(kvm_fpu, mxcsr),
};
static const struct field xcrs_fields[] = {
	OF(kvm_xcrs, nr_xcrs), OF(kvm_xcrs, flags), OF(kvm_xcrs, xcrs[0].xcr),
	OF(kvm_xcrs, xcrs[0].value),
};

#define SWEEP(fields, get, set) do {						\
	for (unsigned int mode = 0; mode < 3; mode += 2) {			\
		for (size_t i = 0; i < sizeof(fields) / sizeof((fields)[0]); i++) \
			sweep(&(fields)[i], get, set, mode, true);		\
	}									\
} while (0)

static void registers(void)
{
	begin();
	SWEEP(regs_fields, KVM_GET_REGS, KVM_SET_REGS);
	SWEEP(debug_fields, KVM_GET_DEBUGREGS, KVM_SET_DEBUGREGS);
	SWEEP(fpu_fields, KVM_GET_FPU, KVM_SET_FPU);
	SWEEP(xsave_fields, KVM_GET_XSAVE, KVM_SET_XSAVE);
	SWEEP(xcrs_fields, KVM_GET_XCRS, KVM_SET_XCRS);
	summary();
}

static void events(void)
{
	begin();
	SWEEP(events_fields, KVM_GET_VCPU_EVENTS, KVM_SET_VCPU_EVENTS);
	/* An exception of every number, with and without an error code. */
	for (unsigned int i = 0; i < 512; i++) {
		struct kvm_vcpu_events all = { .exception = { .injected = 1, .nr = (uint8_t)i,
			.has_error_code = i >> 8, .error_code = 0xffffffff } };

		set_mode(i % 3);
		survive("an exception", i, !ioctl(machine.vcpu[0], KVM_SET_VCPU_EVENTS, &all));
		halts("an exception", i);
	}
	summary();
}

/* Every MSR that there is, and some that there are not, with every edge. */
static void msrs(void)
{
	static struct {
		struct kvm_msr_list head;
		uint32_t indices[512];
	} list = { .head = { .nmsrs = 500 } };
	static const uint32_t more[] = { 0x1b, 0x3a, 0x174, 0x1d9, 0x277, 0x2ff, 0x38f, 0x400,
					 0x480, 0x6e0, 0x800, 0xda0, 0x10000, 0x40000000,
					 0x4b564d00, 0xc0000080, 0xc0000103, 0xc0010015,
					 0xc0010117, 0xffffffff };
	uint32_t count;

	begin();
	check(!ioctl(machine.kvm, KVM_GET_MSR_INDEX_LIST, &list), "KVM_GET_MSR_INDEX_LIST: %m");
	count = list.head.nmsrs;
	memcpy(list.indices + count, more, sizeof(more));
	count += sizeof(more) / sizeof(more[0]);
	for (uint32_t i = 0; i < count * EDGES; i++) {
		struct {
			struct kvm_msrs head;
			struct kvm_msr_entry entry;
		} msr = { .head = { .nmsrs = 1 }, .entry = { .index = list.indices[i / EDGES] } };
		uint64_t before;
		bool taken, known;

		/* The memory of paravirtual clocks is the guest's, and it may ask for it. */
		set_mode(i & 2);
		known = ioctl(machine.vcpu[0], KVM_GET_MSRS, &msr) == 1;
		before = msr.entry.data;
		msr.entry.data = edges[i % EDGES];
		taken = ioctl(machine.vcpu[0], KVM_SET_MSRS, &msr) == 1;
		survive("an MSR", msr.entry.index, taken);
		msr.entry.data = before;
		if (known && taken)
			ioctl(machine.vcpu[0], KVM_SET_MSRS, &msr);
		halts("an MSR", msr.entry.index);
	}
	summary();
}

/*
 * What a debugger may ask for. Bits that KVM_CAP_SET_GUEST_DEBUG2 does not tell of are refused,
 * and nothing of what is taken makes an entry fail; stock KVM takes all.
 */
static void debugging(void)
{
	static const struct field fields[] = {
		OF(kvm_guest_debug, control), OF(kvm_guest_debug, arch.debugreg[0]),
		OF(kvm_guest_debug, arch.debugreg[6]), OF(kvm_guest_debug, arch.debugreg[7]),
	};
	int known;

	begin();
	known = ioctl(machine.kvm, KVM_CHECK_EXTENSION, KVM_CAP_SET_GUEST_DEBUG2);
	check(known >= 0, "KVM_CAP_SET_GUEST_DEBUG2: %m");
	for (unsigned int i = 0; i < 4 * (EDGES + 64) * 3; i++) {
		const struct field *field = &fields[i % 4];
		unsigned int edge = i / 12;
		struct kvm_guest_debug debug = { .control = KVM_GUESTDBG_ENABLE |
				KVM_GUESTDBG_USE_HW_BP | KVM_GUESTDBG_SINGLESTEP };
		struct kvm_guest_debug none = { .control = 0 };
		bool taken;

		if (field->size == 4 && edge >= EDGES + 32)
			continue;
		debug.arch.debugreg[7] = 0x401;
		set_mode(i / 4 % 3);
		put_field(&debug, field, edge < EDGES ? edges[edge] : 1ull << (edge - EDGES),
			  edge >= EDGES);
		taken = !ioctl(machine.vcpu[0], KVM_SET_GUEST_DEBUG, &debug);
		check(!taken || !is_assay() || !(debug.control & ~known),
		      "control %#x was taken", debug.control);
		survive(field->name, edge, taken);
		check(!not_entered || !is_assay(), "%s, value %u: an entry was refused",
		      field->name, edge);
		check(!ioctl(machine.vcpu[0], KVM_SET_GUEST_DEBUG, &none), "no debugger: %m");
		halts(field->name, edge);
	}
	summary();
}

const struct test state_tests[] = {
	{ "state/segments_real", segments_real },
	{ "state/segments_protected", segments_protected },
	{ "state/segments_long", segments_long }, { "state/control", control },
	{ "state/registers", registers }, { "state/events", events }, { "state/msrs", msrs },
	{ "state/debugging", debugging }, { NULL, NULL },
};

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events: which two exceptions make a double fault (SDM 3 table 6-5), which comes first
 * (table 6-2), what stands in its way, and what is in CR2 and DR6 when it comes.
 */
#include "event.h"
#include "tap.h"

static struct x86_events events;
static struct x86_state state;

static void begin(void)
{
	events = (struct x86_events){ .delivering = { .valid = false } };
	state = (struct x86_state){
		.rflags = X86_FLAG_ONE | X86_FLAG_IF, .dr6 = X86_DR6_FIXED,
		.dr7 = X86_DR7_FIXED | X86_DR7_GD, .cr2 = 0x1111,
	};
}

static void raise(unsigned int vector, bool has_error, u32 error)
{
	struct x86_fault fault = {
		.vector = vector, .has_error = has_error, .error = error,
		.cr2 = vector == X86_PF ? 0x2222 : 0, .dr6 = vector == X86_DB ? X86_DR6_BS | 2 : 0,
	};

	x86_events_raise(&events, &fault, 0);
}

static struct x86_event next(unsigned int *windows)
{
	unsigned int none;

	return x86_events_next(&events, &state, windows ? windows : &none);
}

/* ---- table 6-5 -------------------------------------------------------------------------- */

enum class { BENIGN, CONTRIBUTORY, PAGE, DOUBLE };

/* SDM 3 table 6-4 and the text of 6.15 on #DF; #VE is as a page fault, #CP contributory. */
static const struct {
	u8 vector;
	u8 class;
} classes[] = {
	{ X86_DE, CONTRIBUTORY }, { X86_DB, BENIGN }, { X86_BP, BENIGN }, { X86_OF, BENIGN },
	{ X86_BR, BENIGN }, { X86_UD, BENIGN }, { X86_NM, BENIGN }, { X86_DF, DOUBLE },
	{ X86_TS, CONTRIBUTORY }, { X86_NP, CONTRIBUTORY }, { X86_SS_FAULT, CONTRIBUTORY },
	{ X86_GP, CONTRIBUTORY }, { X86_PF, PAGE }, { X86_MF, BENIGN }, { X86_AC, BENIGN },
	{ X86_MC, BENIGN }, { X86_XM, BENIGN }, { X86_VE, PAGE }, { X86_CP, CONTRIBUTORY },
};

enum outcome { SERIAL, MERGED, SHUTDOWN };

static const u8 outcomes[4][4] = {	/* by the first one's class, then the second's */
	[BENIGN] = { SERIAL, SERIAL, SERIAL, SERIAL },
	[CONTRIBUTORY] = { SERIAL, MERGED, SERIAL, SERIAL },
	[PAGE] = { SERIAL, MERGED, MERGED, SERIAL },
	[DOUBLE] = { SERIAL, SHUTDOWN, SHUTDOWN, SHUTDOWN },
};

static void check_pair(unsigned int first, unsigned int second, enum outcome outcome, bool begun)
{
	const char *when = begun ? "during the delivery of" : "after";
	struct x86_event event;

	begin();
	raise(first, false, 0);
	if (begun) {
		event = next(NULL);
		x86_events_interrupted(&events, &event);
	}
	raise(second, true, 0x1234);
	if (outcome == SHUTDOWN) {
		ok(events.shutdown, "vector %u %s %u: shutdown", second, when, first);
		return;
	}
	event = next(NULL);
	if (outcome == MERGED)
		ok(event.valid && event.vector == X86_DF && event.has_error && !event.error &&
		   event.kind == X86_EVENT_EXCEPTION && !events.shutdown &&
		   state.dr6 == X86_DR6_FIXED && state.dr7 & X86_DR7_GD &&
		   state.cr2 == (begun && first == X86_PF ? 0x2222 : 0x1111),
		   "vector %u %s %u: #DF(0)", second, when, first);
	else
		ok(event.valid && event.vector == second && event.error == 0x1234 &&
		   event.has_error && !events.shutdown,
		   "vector %u %s %u: the second", second, when, first);
	x86_events_delivered(&events);
	ok(!next(NULL).valid, "vector %u %s %u: and no more", second, when, first);
}

static void test_pairs(void)
{
	for (unsigned int a = 0; a < ARRAY_SIZE(classes); a++) {
		for (unsigned int b = 0; b < ARRAY_SIZE(classes); b++) {
			enum outcome outcome = outcomes[classes[a].class][classes[b].class];

			/* #DF is made, not raised. */
			if (classes[b].class == DOUBLE)
				continue;
			check_pair(classes[a].vector, classes[b].vector, outcome, true);
			check_pair(classes[a].vector, classes[b].vector, outcome, false);
		}
	}
}

/* INT n, interrupts and NMIs are benign, whatever their vector. */
static void test_benign(void)
{
	static const u8 kinds[] = { X86_EVENT_INTERRUPT, X86_EVENT_NMI, X86_EVENT_INT1,
				    X86_EVENT_SOFTWARE_INTERRUPT, X86_EVENT_SOFTWARE_EXCEPTION };

	for (unsigned int i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct x86_event first = { .valid = true, .kind = kinds[i], .vector = X86_GP };
		struct x86_event event;

		begin();
		x86_events_interrupted(&events, &first);
		raise(X86_GP, true, 0x100);
		event = next(NULL);
		ok(event.vector == X86_GP && event.kind == X86_EVENT_EXCEPTION &&
		   event.error == 0x100,
		   "#GP during the delivery of an event of kind %u comes as it is", kinds[i]);
	}
}

/* ---- software events ------------------------------------------------------------------------ */

static void test_software(void)
{
	static const struct {
		u8 vector, kind;
		const char *name;
	} rows[] = {
		{ X86_BP, X86_EVENT_SOFTWARE_EXCEPTION, "INT3" },
		{ X86_OF, X86_EVENT_SOFTWARE_EXCEPTION, "INTO" },
		{ X86_DB, X86_EVENT_INT1, "INT1" },
		{ 0x80, X86_EVENT_SOFTWARE_INTERRUPT, "INT 80h" },
		{ X86_PF, X86_EVENT_SOFTWARE_INTERRUPT, "INT 14" },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		struct x86_fault fault = {
			.vector = rows[i].vector, .software = true, .cr2 = 0x5555,
			.dr6 = X86_DR6_BS,
		};
		struct x86_event event;

		begin();
		x86_events_raise(&events, &fault, 2);
		event = next(NULL);
		ok(event.valid && event.kind == rows[i].kind && event.vector == rows[i].vector &&
		   event.length == 2 && !event.has_error, "%s: kind and length", rows[i].name);
		ok(state.cr2 == 0x1111 && state.dr6 == X86_DR6_FIXED, "%s: no payload",
		   rows[i].name);
	}
	begin();
	raise(X86_GP, true, 0);
	ok_equal(next(NULL).length, 0, "a fault has no length");
}

/* ---- payloads ------------------------------------------------------------------- */

static void test_payloads(void)
{
	begin();
	raise(X86_PF, true, 6);
	next(NULL);
	ok_equal(state.cr2, 0x2222, "CR2 is the address when #PF is delivered");
	state.cr2 = 0x3333;
	next(NULL);
	ok_equal(state.cr2, 0x3333, "and it is not set again when #PF is delivered again");
	begin();
	state.dr6 |= X86_DR6_BD | 1;
	raise(X86_DB, false, 0);
	next(NULL);
	ok_equal(state.dr6, X86_DR6_FIXED | X86_DR6_BD | X86_DR6_BS | 2,
		 "DR6 with #DB: B0 to B3 are new, and the others add up (SDM 3 17.2.3)");
	ok(!(state.dr7 & X86_DR7_GD), "DR7.GD is cleared (SDM 3 17.2.4)");
	begin();
	raise(X86_GP, true, 0);
	next(NULL);
	ok(state.cr2 == 0x1111 && state.dr6 == X86_DR6_FIXED && state.dr7 & X86_DR7_GD,
	   "#GP has none");
}

/* A fault pushes RF set, whoever raised it; no trap, abort or INT n does (SDM 3 17.3.1.1). */
static void test_resume_flag(void)
{
	struct x86_fault software = { .vector = 0x0d, .software = true };

	for (unsigned int i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
		u8 vector = classes[i].vector;
		bool fault = vector != X86_DB && vector != X86_BP && vector != X86_OF &&
			     vector != X86_DF && vector != X86_MC;

		begin();
		raise(vector, false, 0);
		next(NULL);
		ok_equal(!!(state.rflags & X86_FLAG_RF), fault, "RF with vector %u", vector);
	}
	begin();
	x86_events_raise(&events, &software, 2);
	next(NULL);
	ok(!(state.rflags & X86_FLAG_RF), "no RF with INT 13");
	begin();
	events.nmis = 1;
	next(NULL);
	ok(!(state.rflags & X86_FLAG_RF), "no RF with an NMI");
}

/* ---- order and windows ---------------------------------------------------------- */

static void test_order(void)
{
	struct x86_event event = { .valid = true, .kind = X86_EVENT_INTERRUPT, .vector = 0x99 };
	unsigned int windows;

	begin();
	events.interrupt_pending = true;
	events.nmis = 1;
	events.interrupt = 0x42;
	raise(X86_UD, false, 0);
	x86_events_interrupted(&events, &event);
	event = next(&windows);
	ok(event.vector == 0x99, "what was begun goes on before anything else");
	ok_equal(windows, X86_WINDOW_INTERRUPT | X86_WINDOW_NMI,
		 "the others wait for their windows");
	x86_events_delivered(&events);
	ok_equal(next(NULL).vector, X86_UD, "then the exception");
	x86_events_delivered(&events);
	event = next(&windows);
	ok(event.kind == X86_EVENT_NMI && event.vector == 2, "then the NMI");
	ok(state.nmi_blocked, "which blocks NMIs");
	ok_equal(windows, X86_WINDOW_INTERRUPT, "the interrupt waits");
	x86_events_delivered(&events);
	event = next(&windows);
	ok(event.kind == X86_EVENT_INTERRUPT && event.vector == 0x42 && !windows,
	   "then the interrupt");
	ok(!events.interrupt_pending, "which is no longer pending");
	x86_events_delivered(&events);
	ok(!next(&windows).valid && !windows, "and no more");
}

/* What keeps an interrupt or an NMI away (SDM 3 6.8.1, 6.8.3, 6.7.1). */
/* INT1 brings no payload: DR6 stays, but its handler may use the debug registers too. */
static void test_int1(void)
{
	struct x86_fault int1 = { .vector = X86_DB, .software = true };
	unsigned int windows;

	begin();
	x86_events_raise(&events, &int1, 1);
	ok_equal(next(&windows).kind, X86_EVENT_INT1, "INT1 is delivered");
	ok(state.dr6 == X86_DR6_FIXED && !(state.dr7 & X86_DR7_GD), "INT1: DR7.GD is cleared");
	begin();
	raise(X86_GP, true, 0);
	next(&windows);
	ok(state.dr7 & X86_DR7_GD, "another exception leaves DR7.GD");
}

static void test_windows(void)
{
	static const struct {
		const char *name;
		u64 rflags;
		u8 shadow;
		bool nmi_blocked, interrupt, nmi;
	} rows[] = {
		{ "nothing", X86_FLAG_IF, 0, false, true, true },
		{ "IF", 0, 0, false, false, true },
		{ "STI", X86_FLAG_IF, X86_SHADOW_STI, false, false, false },
		{ "MOV SS", X86_FLAG_IF, X86_SHADOW_MOVSS, false, false, false },
		{ "an NMI's handler", X86_FLAG_IF, 0, true, true, false },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		unsigned int windows;

		begin();
		state.rflags = X86_FLAG_ONE | rows[i].rflags;
		state.shadow = rows[i].shadow;
		state.nmi_blocked = rows[i].nmi_blocked;
		ok_equal(x86_interrupt_open(&events, &state), rows[i].interrupt,
			 "%s: interrupts", rows[i].name);
		ok_equal(x86_nmi_open(&events, &state), rows[i].nmi, "%s: NMIs", rows[i].name);
		events.interrupt_pending = true;
		ok_equal(next(&windows).valid, rows[i].interrupt, "%s: interrupt comes",
			 rows[i].name);
		ok_equal(windows, rows[i].interrupt ? 0 : X86_WINDOW_INTERRUPT,
			 "%s: or waits for a window", rows[i].name);
		events = (struct x86_events){ .nmis = 1 };
		ok_equal(next(&windows).valid, rows[i].nmi, "%s: NMI comes", rows[i].name);
		ok_equal(windows, rows[i].nmi ? 0 : X86_WINDOW_NMI, "%s: or waits for a window",
			 rows[i].name);
	}
	begin();
	raise(X86_GP, true, 0);
	ok(!x86_interrupt_open(&events, &state) && !x86_nmi_open(&events, &state),
	   "an exception that waits comes before");
}

int main(void)
{
	test_pairs();
	test_benign();
	test_software();
	test_payloads();
	test_resume_flag();
	test_order();
	test_int1();
	test_windows();
	return tap_done();
}

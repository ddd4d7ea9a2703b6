// SPDX-License-Identifier: GPL-2.0-only
/*
 * VIF in the place of IF (SDM 3 20.3, 20.4): CLI, STI, PUSHF, POPF, IRET and INT n of virtual-8086
 * tasks with and without CR4.VME, and at CPL 3 with CR4.PVI.
 */
#include "machine.h"
#include "tap.h"

static struct machine m;

#define IF X86_FLAG_IF
#define VIF X86_FLAG_VIF
#define VIP X86_FLAG_VIP
#define TF X86_FLAG_TF
#define IOPL X86_FLAG_IOPL
#define REFUSED (~0ull)		/* #GP(0) */
#define PUSHED 0x1230000	/* in image: what must then be on the stack */

/* One instruction: RFLAGS before and after, without VM and bit 1; image: FLAGS on the stack. */
static const struct {
	const char *name, code[4];
	enum machine_mode mode;
	u64 cr4, before, after;
	u32 image;
} flags[] = {
	{ "CLI", "\xfa", VM86, CR4_VME, VIF | IF, IF, 0 },
	{ "CLI without VME", "\xfa", VM86, CR4_PVI, VIF | IF, REFUSED, 0 },
	{ "CLI, IOPL 3", "\xfa", VM86, CR4_VME, IOPL | VIF | IF, IOPL | VIF, 0 },
	{ "STI", "\xfb", VM86, CR4_VME, 0, VIF, 0 },
	{ "STI with VIP", "\xfb", VM86, CR4_VME, VIP, REFUSED, 0 },
	{ "STI, IOPL 3", "\xfb", VM86, CR4_VME, IOPL | VIP, IOPL | VIP | IF, 0 },
	{ "CLI, PVI", "\xfa", PROT32, CR4_PVI, VIF | IF, IF, 0 },
	{ "STI, PVI", "\xfb", LONG64, CR4_PVI, 0, VIF, 0 },
	{ "STI with VIP, PVI", "\xfb", COMPAT32, CR4_PVI, VIP, REFUSED, 0 },
	{ "STI without PVI", "\xfb", PROT32, CR4_VME, 0, REFUSED, 0 },
	{ "POPF", "\x9d", VM86, CR4_VME, 0, VIF | 1, IF | IOPL | 3 },
	{ "POPF of IF clear", "\x9d", VM86, CR4_VME, VIF | VIP | IF, VIP | IF, 2 },
	{ "POPF with VIP", "\x9d", VM86, CR4_VME, VIP, REFUSED, IF | 2 },
	{ "POPF of TF", "\x9d", VM86, CR4_VME, 0, REFUSED, TF | 2 },
	{ "POPF without VME", "\x9d", VM86, 0, 0, REFUSED, 2 },
	{ "POPFD", "\x66\x9d", VM86, CR4_VME, 0, REFUSED, 2 },
	{ "POPF, IOPL 3", "\x9d", VM86, CR4_VME, IOPL | VIP, IOPL | VIP | IF | 1, IF | 3 },
	{ "POPF, PVI", "\x66\x9d", PROT32, CR4_PVI, VIP, VIP | 1, IF | 3 },
	{ "PUSHF", "\x9c", VM86, CR4_VME, VIF | 1, VIF | 1, PUSHED | IOPL | IF | 3 },
	{ "PUSHF, VIF clear", "\x9c", VM86, CR4_VME, IF, IF, PUSHED | IOPL | 2 },
	{ "PUSHF, IOPL 3", "\x9c", VM86, CR4_VME, IOPL | VIF, IOPL | VIF, PUSHED | IOPL | 2 },
	{ "PUSHFD", "\x66\x9c", VM86, CR4_VME, VIF, REFUSED, 0 },
	{ "PUSHF, PVI", "\x66\x9c", PROT32, CR4_PVI, VIF, VIF, PUSHED | 2 },
};

static void begin(enum machine_mode mode, u64 cr4, u64 rflags)
{
	machine_reset(&m, mode, 3);
	m.env.amd = true;	/* VIF and VIP together are Intel's to refuse: test_both() */
	m.state.cr4 |= cr4;
	m.state.rflags |= rflags;
}

static void test_flags(void)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(flags); i++) {
		bool pushed = flags[i].image >> 16;
		u64 rflags;

		begin(flags[i].mode, flags[i].cr4, flags[i].before);
		rflags = m.state.rflags;
		if (!pushed)
			machine_put(&m, STACK, flags[i].image, 4);
		if (flags[i].after == REFUSED) {
			FAULTS(&m, flags[i].code, X86_GP, 0, flags[i].name);
			continue;
		}
		DONE(&m, flags[i].code, flags[i].name);
		ok_equal(m.state.rflags, (rflags & ~flags[i].before) | flags[i].after, "%s: RFLAGS",
			 flags[i].name);
		if (pushed)
			ok_equal(machine_get(&m, STACK - 2, 2), flags[i].image & 0xffff,
				 "%s: the image", flags[i].name);
	}
}

/* IRET of a task to CS 0, IP 1234h, with these FLAGS. */
static void begin_iret(u64 rflags, u16 image)
{
	begin(VM86, CR4_VME, rflags);
	machine_put(&m, STACK, 0x1234, 2);
	machine_put(&m, STACK + 2, 0, 2);
	machine_put(&m, STACK + 4, image, 2);
}

static void test_iret(void)
{
	begin_iret(0, IF | 3);
	DONE(&m, "\xcf", "IRET");
	ok(m.state.rip == 0x1234 && m.state.rflags == (X86_FLAG_VM | VIF | 3), "has written VIF");
	begin_iret(VIP, IF | 2);
	FAULTS(&m, "\xcf", X86_GP, 0, "IRET with VIP");
	begin_iret(0, TF | 2);
	FAULTS(&m, "\xcf", X86_GP, 0, "IRET that would set TF");
	begin_iret(0, 2);
	FAULTS(&m, "\x66\xcf", X86_GP, 0, "IRETD");
	begin_iret(0, 2);
	m.state.cr4 = 0;
	FAULTS(&m, "\xcf", X86_GP, 0, "IRET without VME");
}

/* INT 63h, with its bit in the redirection map or without. */
static void begin_int(u64 cr4, u64 rflags, bool bit)
{
	begin(VM86, cr4, rflags);
	machine_put(&m, TSS + IO_MAP - 32 + 0x63 / 8, bit << (0x63 % 8), 1);
	machine_put(&m, 0x63 * 4, 0x01000042, 4);
}

static void own(u16 image, u64 rflags, const char *name)
{
	DONE(&m, "\xcd\x63", name);
	ok(m.state.rip == 0x42 && m.state.seg[X86_CS].selector == 0x100 &&
	   m.state.seg[X86_CS].base == 0x1000, "%s: by the task's own table", name);
	ok_equal(machine_get(&m, STACK - 6, 8) & 0xffffffffffff, CODE + 2 + ((u64)image << 32),
		 "%s: the frame", name);
	ok_equal(m.state.rflags, rflags | X86_FLAG_VM | 2, "%s: RFLAGS", name);
}

static void test_int(void)
{
	begin_int(CR4_VME, VIF | IF, false);
	own(IOPL | IF | 2, IF, "INT n");
	begin_int(CR4_VME, IF, false);
	own(IOPL | 2, IF, "INT n, VIF clear");
	begin_int(CR4_VME, IOPL | VIF | IF, false);
	own(IOPL | IF | 2, IOPL | VIF, "INT n, IOPL 3");
	begin_int(CR4_VME, TF, false);
	own(IOPL | TF | 2, 0, "INT n with TF");
	ok(!m.x.trap, "is not stepped");
	begin_int(CR4_VME, 0, true);
	FAULTS(&m, "\xcd\x63", X86_GP, 0, "INT n with its bit set");
	begin_int(CR4_VME, IOPL, true);
	FAULTS(&m, "\xcd\x63", 0x63, -1, "the same with IOPL 3, by the IDT");
	begin_int(0, 0, false);
	FAULTS(&m, "\xcd\x63", X86_GP, 0, "INT n without VME");
	begin_int(0, IOPL, false);
	FAULTS(&m, "\xcd\x63", 0x63, -1, "the same with IOPL 3, by the IDT");
	begin_int(CR4_VME, 0, false);
	m.state.seg[X86_TR].limit = IO_MAP - 32 + 0x63 / 8 - 1;
	FAULTS(&m, "\xcd\x63", X86_GP, 0, "INT n beyond the TSS");
	begin_int(CR4_VME, 0, false);
	machine_put(&m, TSS + 0x66, 31, 2);
	FAULTS(&m, "\xcd\x63", X86_GP, 0, "INT n of a map before the TSS");
}

static void test_both(void)
{
	begin(VM86, CR4_VME, VIF | VIP);
	m.env.amd = false;
	FAULTS(&m, "\x90", X86_GP, 0, "NOP with VIF and VIP");
	m.state.rflags |= IOPL;
	DONE(&m, "\x90", "with IOPL 3");
	begin(VM86, CR4_PVI, VIF | VIP);
	m.env.amd = false;
	DONE(&m, "\x90", "without VME");
	begin(PROT32, CR4_PVI, VIF | VIP);
	m.env.amd = false;
	FAULTS(&m, "\x90", X86_GP, 0, "at CPL 3 with PVI");
	machine_reset(&m, PROT32, 0);
	m.state.cr4 |= CR4_PVI;
	m.state.rflags |= VIF | VIP;
	DONE(&m, "\x90", "at CPL 0");
}

int main(void)
{
	test_flags();
	test_iret();
	test_int();
	test_both();
	return tap_done();
}

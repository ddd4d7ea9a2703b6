// SPDX-License-Identifier: GPL-2.0-only
/*
 * Registers by number, and the way to the structures of the KVM ABI and back: what
 * is lost or swapped there would be wrong in every case at once.
 */
#include <stdlib.h>

#include "image.h"
#include "kvm_state.h"
#include "tap.h"

#define ROUNDS 1000

static u64 random_state = 0x9e3779b97f4a7c15;

/* xorshift64: the same numbers every time. */
static u64 next_random(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

static void fill_random(void *to, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		((u8 *)to)[i] = (u8)next_random();
}

static void test_numbers(void)
{
	static struct cpu_state s;
	const struct {
		u16 field;
		u64 *at;
	} known[] = {
		{ F_rax, &s.gpr[0] },	    { F_rbx, &s.gpr[1] },
		{ F_rcx, &s.gpr[2] },	    { F_rdx, &s.gpr[3] },
		{ F_rsi, &s.gpr[4] },	    { F_rdi, &s.gpr[5] },
		{ F_rsp, &s.gpr[6] },	    { F_rbp, &s.gpr[7] },
		{ F_r8, &s.gpr[8] },	    { F_r15, &s.gpr[15] },
		{ F_rip, &s.rip },	    { F_rflags, &s.rflags },
		{ F_cr0, &s.cr0 },	    { F_cr2, &s.cr2 },
		{ F_cr3, &s.cr3 },	    { F_cr4, &s.cr4 },
		{ F_cr8, &s.cr8 },	    { F_efer, &s.efer },
		{ F_apic_base, &s.apic_base }, { F_dr0, &s.dr[0] },
		{ F_dr3, &s.dr[3] },	    { F_dr6, &s.dr6 },
		{ F_dr7, &s.dr7 },	    { F_gdt_base, &s.gdt_base },
		{ F_gdt_limit, &s.gdt_limit }, { F_idt_base, &s.idt_base },
		{ F_idt_limit, &s.idt_limit }, { F_xcr0, &s.xcr0 },
		{ F_cs, &s.seg[SEG_CS].selector }, { F_cs_base, &s.seg[SEG_CS].base },
		{ F_cs_limit, &s.seg[SEG_CS].limit }, { F_cs_ar, &s.seg[SEG_CS].ar },
		{ F_ds, &s.seg[SEG_DS].selector }, { F_es, &s.seg[SEG_ES].selector },
		{ F_fs_base, &s.seg[SEG_FS].base }, { F_gs_base, &s.seg[SEG_GS].base },
		{ F_ss_ar, &s.seg[SEG_SS].ar }, { F_tr_limit, &s.seg[SEG_TR].limit },
		{ F_ldtr, &s.seg[SEG_LDTR].selector }, { F_ldtr_ar, &s.seg[SEG_LDTR].ar },
	};
	unsigned int found = 0;

	for (unsigned int i = 0; i < ARRAY_SIZE(known); i++)
		ok(state_reg(&s, known[i].field) == known[i].at, "%s is where it belongs",
		   field_name(known[i].field));
	for (u16 field = 0; field < 300; field++)
		found += state_reg(&s, field) != NULL;
	ok_equal(found, 36 + 32, "no other number is a register");
	for (u16 field = F_rax; field <= F_ldtr_ar; field++) {
		u64 *at = state_reg(&s, field);

		if (at)
			++*at;
	}
	for (u16 field = F_rax; field <= F_ldtr_ar; field++) {
		if (state_reg(&s, field) && *state_reg(&s, field) != 1)
			ok(false, "%s shares its place", field_name(field));
	}
}

static void test_fpu_numbers(void)
{
	static struct cpu_state s;
	const struct {
		u16 field;
		void *at;
		u32 bytes;
	} known[] = {
		{ F_fcw, &s.fpu.fcw, 2 },	{ F_fsw, &s.fpu.fsw, 2 },
		{ F_ftw, &s.fpu.ftw, 1 },	{ F_fop, &s.fpu.fop, 2 },
		{ F_fip, &s.fpu.fip, 8 },	{ F_fdp, &s.fpu.fdp, 8 },
		{ F_mxcsr, &s.fpu.mxcsr, 4 },	{ F_st0, s.fpu.st[0], 10 },
		{ F_st7, s.fpu.st[7], 10 },	{ F_xmm0, s.fpu.ymm[0], 16 },
		{ F_xmm15, s.fpu.ymm[15], 16 }, { F_ymm0, s.fpu.ymm[0], 32 },
		{ F_ymm15, s.fpu.ymm[15], 32 },
	};
	u32 bytes;

	for (unsigned int i = 0; i < ARRAY_SIZE(known); i++) {
		ok(state_fpu_bytes(&s, known[i].field, &bytes) == known[i].at,
		   "%s is where it belongs", field_name(known[i].field));
		ok_equal(bytes, known[i].bytes, "with all its bytes");
	}
	ok(!state_fpu_bytes(&s, F_rax, &bytes) && !state_fpu_bytes(&s, F_xmm15 + 1, &bytes),
	   "other numbers are none of these");
}

static void test_regs(void)
{
	struct kvm_regs regs = {
		.rax = 1, .rbx = 2, .rcx = 3, .rdx = 4, .rsi = 5, .rdi = 6, .rsp = 7, .rbp = 8,
		.r8 = 9, .r9 = 10, .r10 = 11, .r11 = 12, .r12 = 13, .r13 = 14, .r14 = 15,
		.r15 = 16, .rip = 17, .rflags = 18,
	}, back;
	struct cpu_state state = { 0 };
	bool all = true;

	state_from_regs(&state, &regs);
	for (u16 field = F_rax; field <= F_rflags; field++)
		all &= *state_reg(&state, field) == field;
	ok(all, "KVM_GET_REGS: every register comes to its place");
	memset(&back, 0xff, sizeof(back));
	state_to_regs(&state, &back);
	ok(!memcmp(&regs, &back, sizeof(regs)), "KVM_SET_REGS: and back");
}

static void test_debugregs(void)
{
	struct kvm_debugregs debug = { .db = { 1, 2, 3, 4 }, .dr6 = 6, .dr7 = 7 }, back;
	struct cpu_state state = { 0 };

	state_from_debugregs(&state, &debug);
	ok(state.dr[0] == 1 && state.dr[1] == 2 && state.dr[2] == 3 && state.dr[3] == 4 &&
	   state.dr6 == 6 && state.dr7 == 7,
	   "KVM_GET_DEBUGREGS: every register comes to its place");
	memset(&back, 0xff, sizeof(back));
	state_to_debugregs(&state, &back);
	ok(!memcmp(&debug, &back, sizeof(debug)), "KVM_SET_DEBUGREGS: and back");
}

/* Each attribute of a segment is its own bit of ar (SDM 3 3.4.5). */
static void test_attributes(void)
{
	static const struct {
		struct kvm_segment segment;
		u64 ar;
	} rows[] = {
		{ { .present = 1 }, 0x80 },
		{ { .present = 1, .type = 15 }, 0x8f },
		{ { .present = 1, .s = 1 }, 0x90 },
		{ { .present = 1, .dpl = 3 }, 0xe0 },
		{ { .present = 1, .avl = 1 }, 0x1080 },
		{ { .present = 1, .l = 1 }, 0x2080 },
		{ { .present = 1, .db = 1 }, 0x4080 },
		{ { .present = 1, .g = 1 }, 0x8080 },
		{ { .present = 1, .unusable = 1 }, 0x10080 },
		{ { .present = 0, .type = 3 }, 0x10003 },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		struct kvm_sregs sregs = { .fs = rows[i].segment }, back;
		struct cpu_state state = { 0 };

		state_from_sregs(&state, &sregs);
		ok_equal(state.seg[SEG_FS].ar, rows[i].ar, "attributes %#llx are read",
			 (unsigned long long)rows[i].ar);
		state_to_sregs(&state, &back);
		sregs.fs.unusable |= !sregs.fs.present;
		ok(!memcmp(&back.fs, &sregs.fs, sizeof(sregs.fs)), "and written");
	}
}

static void test_sregs(void)
{
	static const struct kvm_sregs sregs = {
		.cs = { .selector = 1, .base = 11 }, .ds = { .selector = 2, .base = 12 },
		.es = { .selector = 3, .base = 13 }, .fs = { .selector = 4, .base = 14 },
		.gs = { .selector = 5, .base = 15 }, .ss = { .selector = 6, .base = 16 },
		.tr = { .selector = 7, .base = 17 }, .ldt = { .selector = 8, .base = 18 },
		.gdt = { .base = 21, .limit = 22 }, .idt = { .base = 23, .limit = 24 },
		.cr0 = 30, .cr2 = 32, .cr3 = 33, .cr4 = 34, .cr8 = 38, .efer = 39, .apic_base = 40,
		.interrupt_bitmap = { 1, 2, 3, 4 },
	};
	struct cpu_state state = { 0 };
	struct kvm_sregs back;
	bool all = true;

	state_from_sregs(&state, &sregs);
	for (u64 i = 0; i < SEG_COUNT; i++)
		all &= state.seg[i].selector == i + 1 && state.seg[i].base == i + 11;
	ok(all, "KVM_GET_SREGS: every segment comes to its place");
	ok(state.gdt_base == 21 && state.gdt_limit == 22 && state.idt_base == 23 &&
	   state.idt_limit == 24, "so do the descriptor tables");
	ok(state.cr0 == 30 && state.cr2 == 32 && state.cr3 == 33 && state.cr4 == 34 &&
	   state.cr8 == 38 && state.efer == 39 && state.apic_base == 40, "and the rest");
	memset(&back, 0xff, sizeof(back));
	state_to_sregs(&state, &back);
	ok(!(back.interrupt_bitmap[0] | back.interrupt_bitmap[1] | back.interrupt_bitmap[2] |
	     back.interrupt_bitmap[3]), "no interrupt is injected with it");
}

/* Whatever a case can give must come back from KVM's structure as it was. */
static void test_sregs_round_trip(void)
{
	unsigned int lost = 0;

	for (unsigned int round = 0; round < ROUNDS; round++) {
		struct cpu_state state, back = { 0 };
		struct kvm_sregs sregs;

		fill_random(&state, sizeof(state));
		for (unsigned int i = 0; i < SEG_COUNT; i++) {
			struct seg_state *seg = &state.seg[i];

			seg->selector &= 0xffff;
			seg->limit &= 0xffffffff;
			seg->ar &= 0x1f0ff;
			if (!(seg->ar & 0x80))	/* what is not present cannot be used */
				seg->ar |= AR_UNUSABLE;
		}
		state.gdt_limit &= 0xffff;
		state.idt_limit &= 0xffff;
		state_to_sregs(&state, &sregs);
		state_from_sregs(&back, &sregs);
		for (u16 field = F_cr0; field <= F_ldtr_ar; field++) {
			if (field == F_xcr0 || (field >= F_dr0 && field <= F_dr7))
				continue;
			lost += state_reg(&state, field) &&
				*state_reg(&state, field) != *state_reg(&back, field);
		}
	}
	ok_equal(lost, 0, "%u random states come back whole from struct kvm_sregs", ROUNDS);
}

/* ---- XSAVE ---------------------------------------------------------------------- */

static void put_area(struct kvm_xsave *xsave, u32 offset, const void *bytes, u32 size)
{
	memcpy((u8 *)xsave->region + offset, bytes, size);
}

/* Offsets as the manual has them (SDM 1 tables 10-2, 13-1; leaf 0dh for AVX). */
static void test_xsave_layout(void)
{
	static const u8 st3[16] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 0xee, 0xee };
	static const u8 xmm5[16] = { 0x50, 0x51 }, high5[16] = { 0x60, 0x61 };
	struct cpu_state state;
	struct kvm_xsave xsave;
	u64 components = 7;

	memset(&state, 0xff, sizeof(state));
	memset(&xsave, 0, sizeof(xsave));
	put_area(&xsave, 0, &(u16){ 0x37e }, 2);
	put_area(&xsave, 2, &(u16){ 0x3801 }, 2);
	put_area(&xsave, 4, &(u8){ 0x81 }, 1);
	put_area(&xsave, 6, &(u16){ 0x123 }, 2);
	put_area(&xsave, 8, &(u64){ 0x1111222233334444 }, 8);
	put_area(&xsave, 16, &(u64){ 0x5555666677778888 }, 8);
	put_area(&xsave, 24, &(u32){ 0x1f81 }, 4);
	put_area(&xsave, 32 + 3 * 16, st3, 16);
	put_area(&xsave, 160 + 5 * 16, xmm5, 16);
	put_area(&xsave, 512, &components, 8);
	put_area(&xsave, 576 + 5 * 16, high5, 16);
	state_from_xsave(&state, &xsave);
	ok_equal(state.fpu.fcw, 0x37e, "FCW is read");
	ok_equal(state.fpu.fsw, 0x3801, "FSW");
	ok_equal(state.fpu.ftw, 0x81, "FTW");
	ok_equal(state.fpu.fop, 0x123, "FOP");
	ok_equal(state.fpu.fip, 0x1111222233334444, "FIP");
	ok_equal(state.fpu.fdp, 0x5555666677778888, "FDP");
	ok_equal(state.fpu.mxcsr, 0x1f81, "MXCSR");
	ok(!memcmp(state.fpu.st[3], st3, 10), "ST3");
	ok(!state.fpu.st[3][10] && !state.fpu.st[3][11], "of which only 10 bytes count");
	ok(!memcmp(state.fpu.ymm[5], xmm5, 16), "XMM5");
	ok(!memcmp(state.fpu.ymm[5] + 16, high5, 16), "and the upper half of YMM5");
}

static void test_xsave_round_trip(void)
{
	struct cpu_state state, back;
	struct kvm_xsave xsave;
	unsigned int lost = 0;

	for (unsigned int round = 0; round < ROUNDS; round++) {
		fill_random(&state.fpu, sizeof(state.fpu));
		for (unsigned int i = 0; i < 8; i++)
			memset(state.fpu.st[i] + 10, 0, 6);
		fill_random(&back.fpu, sizeof(back.fpu));
		state_to_xsave(&state, &xsave, XSTATE_X87 | XSTATE_SSE | XSTATE_AVX);
		state_from_xsave(&back, &xsave);
		for (u16 field = F_fcw; field <= F_ymm15; field++) {
			u32 bytes;
			const u8 *left = state_fpu_bytes(&state, field, &bytes);

			lost += left && memcmp(left, state_fpu_bytes(&back, field, &bytes), bytes);
		}
	}
	ok_equal(lost, 0, "%u random states come back whole from struct kvm_xsave", ROUNDS);
}

/* A component whose bit of XSTATE_BV is clear is in its initial state (SDM 1 13.6). */
static void test_xsave_initial(u64 bv)
{
	struct cpu_state state, back;
	struct kvm_xsave xsave;
	bool x87 = bv & XSTATE_X87, sse = bv & XSTATE_SSE, avx = bv & XSTATE_AVX, good = true;
	static const u8 zeros[16];

	memset(&state.fpu, 0x5a, sizeof(state.fpu));
	state_to_xsave(&state, &xsave, XSTATE_X87 | XSTATE_SSE | XSTATE_AVX);
	put_area(&xsave, 512, &bv, 8);
	state_from_xsave(&back, &xsave);
	ok(back.fpu.fcw == (x87 ? 0x5a5a : 0x37f) && back.fpu.fsw == (x87 ? 0x5a5a : 0) &&
	   back.fpu.ftw == (x87 ? 0x5a : 0) && back.fpu.fop == (x87 ? 0x5a5a : 0) &&
	   back.fpu.fip == (x87 ? 0x5a5a5a5a5a5a5a5a : 0) &&
	   back.fpu.fdp == (x87 ? 0x5a5a5a5a5a5a5a5a : 0),
	   "XSTATE_BV %llu: x87 is %s", (unsigned long long)bv,
	   x87 ? "as saved" : "as FNINIT has it");
	for (unsigned int i = 0; i < 8; i++)
		good &= !memcmp(back.fpu.st[i], x87 ? state.fpu.st[i] : zeros, 10);
	ok(good, "so are its registers");
	good = true;
	for (unsigned int i = 0; i < 16; i++) {
		good &= !memcmp(back.fpu.ymm[i], sse ? state.fpu.ymm[i] : zeros, 16);
		good &= !memcmp(back.fpu.ymm[i] + 16, avx ? state.fpu.ymm[i] + 16 : zeros, 16);
	}
	ok(good, "XMM is %s, YMM %s", sse ? "as saved" : "zero", avx ? "as saved" : "zero");
	ok_equal(back.fpu.mxcsr, 0x5a5a5a5a, "MXCSR belongs to none of them");
}

static void test_xsave_without_avx(void)
{
	struct cpu_state state;
	struct kvm_xsave xsave;
	u64 bv;

	memset(&state.fpu, 0x5a, sizeof(state.fpu));
	state_to_xsave(&state, &xsave, XSTATE_X87 | XSTATE_SSE);
	memcpy(&bv, (u8 *)xsave.region + 512, 8);
	ok_equal(bv, 3, "XSTATE_BV names what is written");
	ok(!((u8 *)xsave.region)[576], "AVX is left out of what has none");
}

int main(void)
{
	test_numbers();
	test_fpu_numbers();
	test_regs();
	test_debugregs();
	test_attributes();
	test_sregs();
	test_sregs_round_trip();
	test_xsave_layout();
	test_xsave_round_trip();
	for (u64 bv = 0; bv < 8; bv++)
		test_xsave_initial(bv);
	test_xsave_without_avx();
	return tap_done();
}

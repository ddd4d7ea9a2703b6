// SPDX-License-Identifier: GPL-2.0-only
/* Disassembly, records as text, and both together in a listing. */
#include "describe.h"
#include "fake_run.h"
#include "listing.h"
#include "tap.h"

/* One instruction a line, without bytes. */
static char *decode(unsigned int bits, const void *bytes, unsigned int len, const u64 *anchors,
		    unsigned int nanchors)
{
	struct code code = { .bytes = bytes, .len = len, .addr = 0x8000, .bits = bits,
			     .anchors = anchors, .nanchors = nanchors };
	static struct insn insns[64];
	static struct strbuf sb;
	unsigned int n = disasm(&code, insns, ARRAY_SIZE(insns));

	sb.len = 0;
	sb_add(&sb, "", 0);
	for (unsigned int i = 0; i < n; i++)
		sb_printf(&sb, "%s%llx %s", i ? "; " : "", (unsigned long long)insns[i].addr,
			  insns[i].text);
	return sb.s;
}

#define DECODE(bits, bytes) decode(bits, bytes, sizeof(bytes) - 1, NULL, 0)

static void test_decoding(void)
{
	ok_text(DECODE(64, "\x8a\x04\x24"), "8000 mov al, [rsp]", "64-bit code");
	ok_text(DECODE(32, "\x8a\x04\x24"), "8000 mov al, [esp]", "32-bit code");
	ok_text(DECODE(16, "\x8b\x07"), "8000 mov ax, [bx]", "16-bit code");
	ok_text(DECODE(64, "\xff\x00"), "8000 inc dword [rax]", "a size where nothing implies it");
	ok_text(DECODE(64, "\xc6\x04\x25\x00\xd0\x00\x00\x05"), "8000 mov byte [0xd000], 0x5",
		"numbers without leading zeros");
	ok_text(DECODE(64, "\xeb\xfe\xe8\0\0\0\0"), "8000 jmp 0x8000; 8002 call 0x8007",
		"branches name their targets");
	ok_text(DECODE(64, "\x0f\x01\xd9\x0f\x01\xc1\x66\x0f\x38\x82\x00"),
		"8000 vmmcall; 8003 vmcall; 8006 invpcid rax, xmmword [rax]",
		"instructions of VMX and SVM");
	ok_text(DECODE(64, "\x06\x90"), "8000 db 0x06; 8001 nop", "bytes that are no instruction");
	ok_text(DECODE(64, "\xb8\x01\x02"), "8000 db 0xb8; 8001 add [rdx], eax",
		"an instruction cut short");
	ok_text(DECODE(32, "\x0f\x0bkvm\x8a\x06"), "8000 ud2; db 'kvm'; 8005 mov al, [esi]",
		"the forced-emulation prefix");
	ok_text(decode(64, "", 0, NULL, 0), "", "no code at all");
}

/* b8 90 90 90 90 is mov eax; its tail is four NOPs. */
static void test_anchors(void)
{
	static const u8 code[] = { 0xb8, 0x90, 0x90, 0x90, 0x90, 0xf4 };
	static const u8 tail[] = { 0x10, 0xe6, 0x10, 0x8a, 0x04, 0x24, 0xf4 };
	static const u8 later[] = { 0x90, 0xb8, 0x90, 0x90, 0x90, 0x90 };
	static const u8 odd[] = { 0x06, 0x0f, 0xf4 };

	ok_text(decode(64, code, 6, NULL, 0), "8000 mov eax, 0x90909090; 8005 hlt",
		"without anchors decoding begins at the first byte");
	ok_text(decode(64, code, 6, (u64[]){ 0x8005 }, 1), "8000 mov eax, 0x90909090; 8005 hlt",
		"an anchor that is met changes nothing");
	ok_text(decode(64, code, 6, (u64[]){ 0x8002 }, 1),
		"8000 db 0xb8; 8001 nop; 8002 nop; 8003 nop; 8004 nop; 8005 hlt",
		"an anchor within an instruction takes it apart");
	ok_text(decode(64, code, 6, (u64[]){ 0x8000, 0x8001 }, 2),
		"8000 db 0xb8; 8001 nop; 8002 nop; 8003 nop; 8004 nop; 8005 hlt",
		"even where the code begins with an anchor");
	ok_text(decode(64, code, 6, (u64[]){ 0x7000, 0x9000, 0x8005 }, 3),
		"8000 mov eax, 0x90909090; 8005 hlt", "anchors elsewhere do not matter");
	ok_text(decode(64, later, 6, (u64[]){ 0x8001, 0x8002 }, 2),
		"8000 nop; 8001 db 0xb8; 8002 nop; 8003 nop; 8004 nop; 8005 nop",
		"or where two stand together");
	ok_text(decode(64, tail, 7, (u64[]){ 0x8003, 0x8006 }, 2),
		"8000 db 0x10; 8001 out 0x10, al; 8003 mov al, [rsp]; 8006 hlt",
		"what is left of an instruction before the code is bytes");
	ok_text(decode(64, odd, 3, (u64[]){ 0x8002 }, 1), "8000 db 0x06; 8001 db 0x0f; 8002 hlt",
		"where nothing fits, all up to the anchor is bytes");
}

static void test_state(void)
{
	struct cpu_state state = { .rip = 0x10, .cr0 = 0 };

	state.seg[SEG_CS] = (struct seg_state){ 0x800, 0x8000, 0xffff, 0x9b };
	ok_equal(state_bits(&state), 16, "real mode is 16-bit");
	ok_equal(state_linear_rip(&state), 0x8010, "with a segment base");
	state.rip = 0xffffffff;
	ok_equal(state_linear_rip(&state), 0x7fff, "which wraps at 4 GiB");
	state.cr0 = 1;
	state.seg[SEG_CS].ar = 0x409b;
	ok_equal(state_bits(&state), 32, "CS.D makes 32-bit code");
	state.rflags = 0x20000;
	ok_equal(state_bits(&state), 16, "but not in virtual-8086 mode");
	state.rflags = 2;
	state.seg[SEG_CS].ar = 0x209b;
	ok_equal(state_bits(&state), 16, "CS.L means nothing outside long mode");
	state.efer = 0x400;
	ok_equal(state_bits(&state), 64, "CS.L makes 64-bit code");
	ok_equal(state_linear_rip(&state), 0xffffffff, "where the base does not count");
}

static char *described(const struct record *record)
{
	static struct strbuf sb;

	sb.len = 0;
	sb_record(&sb, record);
	return sb.s;
}

static void test_steps(void)
{
	static const struct record records[] = {
		{ .kind = REC_GIVEN }, { .kind = REC_ACTION, .sub = ACT_NMI },
		{ .kind = REC_EXPECT, .sub = STEP_HLT }, { .kind = REC_WRITES },
		{ .kind = REC_EXPECT, .sub = STEP_SHUTDOWN },
	};
	struct mg_case tc = { .records = records, .nrecords = ARRAY_SIZE(records) };

	ok(case_step(&tc, 0) == &records[1], "an action is a step");
	ok(case_step(&tc, 2) == &records[4], "what belongs to a step is none");
}

static void test_records(void)
{
	static const struct field bytes[] = {
		{ .id = F_address, .value = 0xd000 },
		{ .id = F_bytes, .bytes = 2, .blob = (const u8 *)"\x12\x34" },
	};
	static const struct field entry[] = {
		{ .id = F_va, .value = 0x7000 }, { .id = F_set, .value = 0x21 },
	};
	struct record memory = { .kind = REC_MEMORY, .nfields = 2, .fields = bytes };
	struct record pde = { .kind = REC_ENTRY, .sub = 2, .nfields = 2, .fields = entry };
	struct record pte = { .kind = REC_ENTRY_IS, .sub = 1, .nfields = 2, .fields = entry };
	static const struct field iopl[] = { { .id = F_set, .value = 0x1001 } };
	struct record expect = { .kind = REC_EXPECT, .sub = STEP_HLT, .nfields = 1,
				 .fields = iopl };
	struct record nmi = { .kind = REC_ACTION, .sub = ACT_NMI };
	struct record write = { .kind = REC_ACTION, .sub = ACT_WRITE, .nfields = 2,
				.fields = bytes };

	ok_text(described(&fake_records[0]), "ref SDM 2 OUT", "a reference");
	ok_text(described(&fake_records[3]), "irqchip user, kernel", "a mask of irqchips");
	ok_text(described(&fake_records[4]), "given rax=0x1122334455667788", "registers");
	ok_text(described(&fake_records[5]), "expect io_out, port=0x10, size=1, data=0x41, "
		"clear=CF|ZF, undefined_reg=rbx|rcx", "an exit, with flags and registers by name");
	ok_text(described(&fake_records[6]), "writes 0x07000: 01 02 ff", "written memory");
	ok_text(described(&memory), "memory 0x0d000: 12 34", "memory");
	ok_text(described(&pde), "pde va=0x7000, set=0x21", "a page-table entry");
	ok_text(described(&pte), "pte_is va=0x7000, set=0x21", "and what became of it");
	ok_text(described(&nmi), "action nmi", "an action");
	ok_text(described(&write), "action write, address=0xd000, bytes=12 34", "one with bytes");
	ok_text(described(&expect), "expect hlt, set=CF|0x1000", "half of a field of RFLAGS");
	test_steps();
	ok(case_step(&fake_cases[0], 1) == &fake_records[7], "the second step is found");
	ok(!case_step(&fake_cases[0], 2), "there is no third");
	ok(!case_step(&fake_cases[0], -1), "and none before the first");
}

static void test_listing(void)
{
	static const char expected[] =
		"    08000  b0 41                 mov al, 0x41\n"
		" -> 08002  e6 10                 out 0x10, al\n"
		"       14:   1. expect io_out, port=0x10, size=1, data=0x41, clear=CF|ZF, "
		"undefined_reg=rbx|rcx\n"
		"       15:      writes 0x07000: 01 02 ff\n"
		"    08004  f4                    hlt\n"
		"       17:   2. expect hlt\n";
	struct mg_case cases[2] = { fake_cases[1], fake_cases[1] };
	struct image image = fake_images[1];
	static u8 memory[STAGE_RAM];
	struct strbuf sb = { 0 };

	image.cases = cases;
	image.ncases = 2;
	cases[0].image = cases[1].image = &image;
	cases[1].entry = 0x8007;
	cases[1].nrecords = 0;
	sb_listing(&sb, &cases[0], NULL, 0x8002);
	ok_text(sb.s, expected, "a case ends where the next begins, and has its steps in it");
	sb.len = 0;
	memcpy(memory + 0x8000, fake_code, sizeof(fake_code));
	memory[0x8004] = 0x90;
	sb_listing(&sb, &cases[0], memory, LISTING_NO_MARK);
	ok_contains(sb.s, "    08004  90                    nop\n", "memory counts, where given");
	sb.len = 0;
	cases[0].entry = 0x100000;
	sb_listing(&sb, &cases[0], memory, LISTING_NO_MARK);
	ok_contains(sb.s, "expect hlt", "a case that begins outside the image has its steps");
	sb_free(&sb);
}

int main(void)
{
	fake_world();
	test_decoding();
	test_anchors();
	test_state();
	test_records();
	test_listing();
	return tap_done();
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The decoder: every length against that of Zydis, over all one- and two-byte opcodes with
 * every ModRM byte and over random bytes in 16-, 32- and 64-bit mode; and by hand what
 * Zydis cannot judge (how much was looked at, LOCK, prefixes, operands).
 */
#include "decode.h"
#include "random.h"
#include "tap.h"

#ifndef ASSAY_NO_ZYDIS
#include <Zydis/Zydis.h>
#endif

#define RANDOM_PER_MODE 500000u

static const struct x86_decode_mode modes[] = {
	{ .bits = 16, .vex = true }, { .bits = 32, .vex = true }, { .bits = 64, .vex = true },
};

#ifndef ASSAY_NO_ZYDIS

struct comparison {
	ZydisDecoder zydis;
	const struct x86_decode_mode *mode;
	unsigned long compared, invalid, wrong, extra;
};

static void begin(struct comparison *c, const struct x86_decode_mode *mode)
{
	*c = (struct comparison){ .mode = mode };
	if (mode->bits == 64)
		ZydisDecoderInit(&c->zydis, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
	else if (mode->bits == 32)
		ZydisDecoderInit(&c->zydis, ZYDIS_MACHINE_MODE_LONG_COMPAT_32,
				 ZYDIS_STACK_WIDTH_32);
	else
		ZydisDecoderInit(&c->zydis, ZYDIS_MACHINE_MODE_LONG_COMPAT_16,
				 ZYDIS_STACK_WIDTH_16);
}

static void show(const struct comparison *c, const u8 *bytes, const char *what, unsigned int length,
		 enum x86_decoded decoded, const struct x86_insn *insn)
{
	char hex[2 * X86_INSN_MAX + 1];

	for (unsigned int i = 0; i < X86_INSN_MAX; i++)
		snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
	note("%u-bit %s: Zydis says %s of %u bytes, decoder result %u, %u bytes, operation %u",
	     c->mode->bits, hex, what, length, decoded, insn->length, insn->op);
}

/*
 * What Zydis knows and neither manual has: Padlock of VIA's processors (0F A6, 0F A7), and
 * jumps by mask registers of Knights Corner (VEX.0F 84, 85).
 */
static bool in_no_manual(const ZydisDecodedInstruction *insn)
{
	if (insn->opcode_map != ZYDIS_OPCODE_MAP_0F)
		return false;
	if (insn->encoding == ZYDIS_INSTRUCTION_ENCODING_VEX)
		return insn->opcode == 0x84 || insn->opcode == 0x85;
	return insn->opcode == 0xa6 || insn->opcode == 0xa7;
}

/*
 * An operation that the executor would do, of bytes that are no instruction to Zydis. What
 * 66h, F2h and F3h do to one that has no use for them is reserved (SDM 2 2.1.1).
 */
static bool is_extra(enum x86_decoded decoded, const struct x86_insn *insn)
{
	if (decoded != DECODE_OK || insn->operand_prefix || insn->repeat)
		return false;
	switch (insn->op) {
	case OP_OTHER:
	case OP_VEX:
	case OP_X87:		/* not executed */
	case OP_SSE_MOVE:	/* the executor's own table says which there are */
	case OP_SWAPGS:		/* it is the executor that raises #UD outside 64-bit mode */
	case OP_NOP:		/* 0F 19 to 0F 1F are NOPs, whatever was put there since */
		return false;
	default:
		return true;
	}
}

static void compare(struct comparison *c, const u8 bytes[X86_INSN_MAX])
{
	ZydisDecodedInstruction theirs;
	struct x86_insn insn;
	ZyanStatus status = ZydisDecoderDecodeInstruction(&c->zydis, NULL, bytes, X86_INSN_MAX,
							  &theirs);
	enum x86_decoded decoded = x86_decode(&insn, bytes, X86_INSN_MAX, c->mode);

	if (!ZYAN_SUCCESS(status)) {
		c->invalid++;
		if (is_extra(decoded, &insn) && c->extra++ < 10)
			show(c, bytes, "no instruction", 0, decoded, &insn);
		return;
	}
	if (in_no_manual(&theirs))
		return;
	c->compared++;
	if ((decoded != DECODE_OK || insn.length != theirs.length) && c->wrong++ < 10)
		show(c, bytes, ZydisMnemonicGetString(theirs.mnemonic), theirs.length, decoded,
		     &insn);
}

/* Bytes that lead somewhere more often than chance would. */
static void random_bytes(u8 bytes[X86_INSN_MAX], unsigned int i)
{
	static const u8 often[] = { 0x66, 0xf2, 0xf3, 0xf0, 0x48, 0x41, 0x67, 0x0f, 0x64, 0x2e };
	static const u8 extended[] = { 0xc4, 0xc5, 0x62, 0x8f };
	unsigned int at = 0;

	for (unsigned int b = 0; b < X86_INSN_MAX; b++)
		bytes[b] = random_next() >> 32;
	if (i & 1)
		bytes[at++] = often[random_below(sizeof(often))];
	if ((i & 7) == 2)
		bytes[at] = 0x0f;
	if ((i & 15) == 4)
		bytes[at] = extended[random_below(sizeof(extended))];
}

static void random_encodings(void)
{
	unsigned long compared = 0;

	for (unsigned int m = 0; m < ARRAY_SIZE(modes); m++) {
		struct comparison c;
		u8 bytes[X86_INSN_MAX];

		begin(&c, &modes[m]);
		for (unsigned int i = 0; i < RANDOM_PER_MODE; i++) {
			random_bytes(bytes, i);
			compare(&c, bytes);
		}
		ok_equal(c.wrong, 0, "%u-bit: lengths of %lu random instructions", modes[m].bits,
			 c.compared);
		ok_equal(c.extra, 0, "%u-bit: of %lu that are none, nothing is executed",
			 modes[m].bits, c.invalid);
		compared += c.compared;
	}
	ok(compared > 1000000, "more than a million encodings were compared (%lu)", compared);
}

/* Every opcode of a map after `lead`, with every ModRM byte and the prefixes that matter. */
static void all_opcodes(const char *name, const u8 *lead, unsigned int leading)
{
	static const u8 prefixes[] = { 0, 0x66, 0xf2, 0xf3, 0x67, 0x48 };

	for (unsigned int m = 0; m < ARRAY_SIZE(modes); m++) {
		struct comparison c;

		begin(&c, &modes[m]);
		for (unsigned int i = 0; i < 256 * 256 * ARRAY_SIZE(prefixes); i++) {
			u8 bytes[X86_INSN_MAX] = { 0 }, prefix = prefixes[i >> 16];
			unsigned int at = 0;

			if (prefix)
				bytes[at++] = prefix;
			memcpy(bytes + at, lead, leading);
			bytes[at + leading] = i >> 8;
			bytes[at + leading + 1] = i;
			bytes[at + leading + 2] = 0x25;	/* SIB without a base */
			compare(&c, bytes);
		}
		ok_equal(c.wrong, 0, "%u-bit: lengths of all %s opcodes (%lu encodings)",
			 modes[m].bits, name, c.compared);
		ok_equal(c.extra, 0, "%u-bit: nothing more is executed than there is (%lu)",
			 modes[m].bits, c.invalid);
	}
}

static void test_against_zydis(void)
{
	all_opcodes("one-byte", (const u8 *)"", 0);
	all_opcodes("two-byte", (const u8[]){ 0x0f }, 1);
	random_encodings();
}

#else

static void test_against_zydis(void)
{
	ok(true, "lengths against Zydis # SKIP built without libZydis: install libzydis-dev");
}

#endif

/* ---- by hand ------------------------------------------------------------------------------ */

struct verdict {
	const char *name;
	u8 bits;
	const char *bytes;
	u8 available;
	u8 decoded, length;
};

static const struct verdict verdicts[] = {
	{ "NOP", 64, "\x90", 1, DECODE_OK, 1 },
	{ "no bytes at all", 64, "", 0, DECODE_SHORT, 0 },
	{ "a prefix alone", 64, "\x66", 1, DECODE_SHORT, 0 },
	{ "an opcode without its ModRM byte", 64, "\x8b", 1, DECODE_SHORT, 0 },
	{ "ModRM without its SIB byte", 64, "\x8b\x04", 2, DECODE_SHORT, 0 },
	{ "a displacement cut short", 64, "\x8b\x05\1\2\3", 5, DECODE_SHORT, 0 },
	{ "and whole", 64, "\x8b\x05\1\2\3\4", 6, DECODE_OK, 6 },
	{ "MOV of 64 immediate bits", 64, "\x48\xb8\1\2\3\4\5\6\7\10", 10, DECODE_OK, 10 },
	{ "15 bytes with prefixes", 64,
	  "\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x90", 15, DECODE_OK, 15 },
	{ "15 prefixes (SDM 2 2.3.11)", 64,
	  "\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x90", 16, DECODE_LONG, 15 },
	{ "an immediate that ends in byte 16", 32,
	  "\x2e\x2e\x2e\x2e\x2e\x2e\x2e\x2e\x2e\x2e\x2e\xb8\1\2\3\4", 16, DECODE_LONG, 15 },
	{ "LOCK ADD to memory", 32, "\xf0\x01\x00", 3, DECODE_OK, 3 },
	{ "LOCK ADD to a register (SDM 2 LOCK)", 32, "\xf0\x01\xc0", 3, DECODE_INVALID, 3 },
	{ "LOCK ADD from memory", 32, "\xf0\x03\x00", 3, DECODE_INVALID, 3 },
	{ "LOCK CMP", 32, "\xf0\x39\x00", 3, DECODE_INVALID, 3 },
	{ "LOCK BT", 32, "\xf0\x0f\xa3\x00", 4, DECODE_INVALID, 4 },
	{ "LOCK BTS", 32, "\xf0\x0f\xab\x00", 4, DECODE_OK, 4 },
	{ "LOCK XCHG", 32, "\xf0\x87\x00", 3, DECODE_OK, 3 },
	{ "LOCK CMPXCHG8B", 32, "\xf0\x0f\xc7\x08", 4, DECODE_OK, 4 },
	{ "LOCK NOT, NEG, INC", 32, "\xf0\xf7\x10", 3, DECODE_OK, 3 },
	{ "LOCK MOV", 32, "\xf0\x89\x00", 3, DECODE_INVALID, 3 },
	{ "LOCK NOP", 32, "\xf0\x90", 2, DECODE_INVALID, 2 },
	{ "PUSH ES", 32, "\x06", 1, DECODE_OK, 1 },
	{ "group 1 by 82h", 32, "\x82\xc0\1", 3, DECODE_OK, 3 },
	{ "group 1 by 82h is gone from 64-bit mode", 64, "\x82\xc0\1", 3, DECODE_INVALID, 3 },
	{ "PUSH ES is gone from 64-bit mode", 64, "\x06", 1, DECODE_INVALID, 1 },
	{ "INC by 40h is REX in 64-bit mode", 64, "\x40\x90", 2, DECODE_OK, 2 },
	{ "LES of a register in real mode", 16, "\xc4\xc0", 2, DECODE_INVALID, 2 },
	{ "MOV to CS", 32, "\x8e\xc8", 2, DECODE_INVALID, 2 },
	{ "MOV to a sixth segment register", 32, "\x8e\xf0", 2, DECODE_INVALID, 2 },
	{ "MOV from CR1", 32, "\x0f\x20\xc8", 3, DECODE_INVALID, 3 },
	{ "MOV from CR8 by REX.R", 64, "\x44\x0f\x20\xc0", 4, DECODE_OK, 4 },
	{ "MOV from CR0 with mod of memory (SDM 2 MOV)", 32, "\x0f\x20\x05", 3, DECODE_OK, 3 },
	{ "STMXCSR with 66h (SDM 2 3.1.1.1, NP)", 32, "\x66\x0f\xae\x18", 4, DECODE_INVALID, 4 },
	{ "CLFLUSHOPT", 32, "\x66\x0f\xae\x38", 4, DECODE_OK, 4 },
	{ "VEX", 64, "\xc5\xf8\x77", 3, DECODE_OK, 3 },
	{ "VEX after 66h (SDM 2 2.3.2)", 64, "\x66\xc5\xf8\x77", 4, DECODE_INVALID, 4 },
	{ "VEX after F3h", 64, "\xf3\xc5\xf8\x77", 4, DECODE_INVALID, 4 },
	{ "VEX after LOCK", 64, "\xf0\xc5\xf8\x77", 4, DECODE_INVALID, 4 },
	{ "VEX after REX", 64, "\x48\xc5\xf8\x77", 4, DECODE_INVALID, 4 },
	{ "UD2", 32, "\x0f\x0b", 2, DECODE_OK, 2 },
	{ "LEA of a register", 32, "\x8d\xc0", 2, DECODE_INVALID, 2 },
	{ "far JMP through a register", 32, "\xff\xe8", 2, DECODE_INVALID, 2 },
};

static void test_verdicts(void)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(verdicts); i++) {
		const struct verdict *v = &verdicts[i];
		/* No VEX in real mode, as LES of a register shows. */
		struct x86_decode_mode mode = { .bits = v->bits, .vex = v->bits != 16 };
		struct x86_insn insn;
		/* Of its own, so that a sanitizer sees a read beyond it. */
		u8 *bytes = malloc(v->available ? v->available : 1);

		memcpy(bytes, v->bytes, v->available);
		ok_equal(x86_decode(&insn, bytes, v->available, &mode), v->decoded, "%u-bit: %s",
			 v->bits, v->name);
		if (v->length)
			ok_equal(insn.length, v->length, "%u-bit: %s: length", v->bits, v->name);
		free(bytes);
	}
}

static struct x86_insn decode(unsigned int bits, const char *bytes, unsigned int length)
{
	struct x86_decode_mode mode = { .bits = bits, .vex = true };
	struct x86_insn insn;

	ok(x86_decode(&insn, (const u8 *)bytes, length, &mode) == DECODE_OK &&
	   insn.length == length,
	   "%u-bit: an instruction of %u bytes is decoded", bits, length);
	return insn;
}

#define DECODE(bits, bytes) decode(bits, bytes, sizeof(bytes) - 1)

static void test_operands(void)
{
	struct x86_insn insn = DECODE(64, "\x8b\x84\x8d\x78\x56\x34\x92");

	ok(insn.op == OP_MOV && insn.dst == AT_REG && insn.src == AT_RM && insn.memory &&
	   insn.base == X86_RBP && insn.index == X86_RCX && insn.scale == 2,
	   "MOV EAX, [RBP + RCX * 4 + disp32]");
	ok_equal((u64)insn.displacement, 0xffffffff92345678, "its displacement is signed");
	ok_equal(insn.segment, X86_SS, "what RBP points to is on the stack (SDM 1 table 3-5)");
	insn = DECODE(64, "\x64\x4c\x8b\x45\xf8");
	ok(insn.segment == X86_FS && insn.reg == X86_R8 && insn.size == 8 &&
	   insn.displacement == -8,
	   "MOV R8, FS:[RBP - 8]");
	insn = DECODE(64, "\x2e\x8b\x45\x00");
	ok_equal(insn.segment, X86_SS, "a CS prefix means nothing in 64-bit mode (SDM 2 2.2.1)");
	insn = DECODE(64, "\x48\x66\xff\xc0");
	ok_equal(insn.size, 2, "REX before another prefix is ignored (SDM 2 2.2.1)");
	insn = DECODE(64, "\x66\x48\xff\xc0");
	ok_equal(insn.size, 8, "REX.W is stronger than 66h");
	insn = DECODE(16, "\x8a\x42\x80");
	ok(insn.base == X86_RBP && insn.index == X86_RSI && insn.displacement == -128 &&
	   insn.segment == X86_SS && insn.size == 1, "MOV AL, [BP + SI - 80h]");
	insn = DECODE(64, "\x8b\x05\x10\x00\x00\x00");
	ok(insn.rip_relative && insn.base == X86_GPRS, "no base and disp32 is RIP-relative");
	insn = DECODE(32, "\x8b\x05\x10\x00\x00\x00");
	ok(!insn.rip_relative, "but not in 32-bit code");
	insn = DECODE(32, "\x9a\x78\x56\x34\x12\xcd\xab");
	ok(insn.op == OP_CALL_FAR && insn.immediate == 0x12345678 && insn.immediate2 == 0xabcd,
	   "CALL ABCDh:12345678h");
	insn = DECODE(64, "\x6a\xff");
	ok(insn.op == OP_PUSH && insn.size == 8 && insn.immediate == ~0ull, "PUSH -1");
	insn = DECODE(64, "\x67\xa1\x78\x56\x34\x12");
	ok(insn.address_size == 4 && insn.displacement == 0x12345678, "MOV EAX, moffs32");
	insn = DECODE(32, "\xf2\xf3\xa4");
	ok_equal(insn.repeat, 0xf3, "of F2h and F3h the last one counts");
	ok(DECODE(64, "\xf3\x0f\xb8\xc1").op == OP_POPCNT, "POPCNT by its prefix");
	ok(DECODE(64, "\x0f\x01\xd9").op == OP_VMMCALL &&
	   DECODE(64, "\x0f\x01\xc1").op == OP_VMCALL,
	   "both hypercalls");
	ok(DECODE(64, "\xf3\x90").op == OP_PAUSE && DECODE(64, "\x41\x90").op == OP_XCHG,
	   "90h is PAUSE with F3h, XCHG with REX.B");
}

/* APM 3 1.2.4 and table B-5: AMD's processors heed 66h at a near branch, Intel's do not. */
static void test_branches(void)
{
	struct x86_decode_mode mode = { .bits = 64, .vex = true };
	static const u8 call[] = { 0x66, 0xe8, 1, 2, 3, 4 };
	struct x86_insn insn;

	x86_decode(&insn, call, sizeof(call), &mode);
	ok(insn.length == 6 && insn.operand_size == 8, "Intel: 66h CALL has four bytes of offset");
	mode.amd = true;
	x86_decode(&insn, call, sizeof(call), &mode);
	ok(insn.length == 4 && insn.operand_size == 2, "AMD: it has two");
}

int main(void)
{
	random_begin(0x9e3779b97f4a7c15);
	test_verdicts();
	test_operands();
	test_branches();
	test_against_zydis();
	return tap_done();
}

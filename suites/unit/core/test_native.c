// SPDX-License-Identifier: GPL-2.0-only
/*
 * The executor against the host's own processor: random instructions on random registers,
 * flags and memory, in 64-bit and in 32-bit code. Registers, memory, FPU and exceptions must
 * be the same, and flags but for those the manual leaves undefined.
 */
#include "exec.h"
#include "native.h"
#include "random.h"
#include "tap.h"

#include <cpuid.h>
#include <signal.h>

#define CASES 60000u		/* in each mode */
#define SHOWN 10u

/* ---- what is tried ---------------------------------------------------------------------- */

/* Opcodes that are tried in both modes: of one byte, then after 0F. */
static const u8 one_byte[] = {
	0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x10, 0x11,
	0x12, 0x13, 0x14, 0x15, 0x18, 0x19, 0x1a, 0x1b, 0x1c, 0x1d, 0x20, 0x21, 0x22, 0x23,
	0x24, 0x25, 0x28, 0x29, 0x2a, 0x2b, 0x2c, 0x2d, 0x30, 0x31, 0x32, 0x33, 0x34, 0x35,
	0x38, 0x39, 0x3a, 0x3b, 0x3c, 0x3d, 0x50, 0x51, 0x57, 0x58, 0x59, 0x5f, 0x63, 0x68,
	0x69, 0x6a, 0x6b, 0x6c, 0x6d, 0x6e, 0x6f, 0x70, 0x71, 0x72, 0x73, 0x74, 0x75, 0x76,
	0x77, 0x78, 0x79, 0x7a, 0x7b, 0x7c, 0x7d, 0x7e, 0x7f, 0x80, 0x81, 0x82, 0x83, 0x83,
	0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x8b, 0x8d, 0x8f, 0x90, 0x91, 0x95, 0x98,
	0x99, 0x9c, 0x9d, 0x9e, 0x9f, 0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8,
	0xa9, 0xaa, 0xab, 0xac, 0xad, 0xae, 0xaf, 0xb0, 0xb4, 0xb7, 0xb8, 0xbf, 0xc0, 0xc1,
	0xc2, 0xc3, 0xc6, 0xc7, 0xc8, 0xc9, 0xd0, 0xd1, 0xd2, 0xd3, 0xd7, 0xe0, 0xe1, 0xe2,
	0xe3, 0xe4, 0xe7, 0xe8, 0xe9, 0xeb, 0xec, 0xef, 0xf4, 0xf5, 0xf6, 0xf7, 0xf6, 0xf7,
	0xf8, 0xf9, 0xfa, 0xfb, 0xfc, 0xfd, 0xfe, 0xff, 0xff,
};

static const u8 two_byte[] = {
	0x06, 0x08, 0x09, 0x0b, 0x0e, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x1f, 0x20,
	0x22, 0x23, 0x28, 0x29, 0x2b, 0x2e, 0x2f, 0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58,
	0x59, 0x5a, 0x5b, 0x5c, 0x5d, 0x5e, 0x5f, 0x58, 0x59, 0x5a, 0x5c, 0x5e, 0x30, 0x32, 0x40,
	0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4a, 0x4b, 0x4c, 0x4d, 0x4e, 0x4f,
	0x6e, 0x6f, 0x77, 0x7e, 0x7f, 0x80, 0x85, 0x8a, 0x8f, 0x90, 0x91, 0x92, 0x94, 0x96, 0x98,
	0x9a, 0x9c, 0x9f, 0xa3, 0xa4, 0xa5, 0xab, 0xac, 0xad, 0xae, 0xaf, 0xb0, 0xb1, 0xb3, 0xb6,
	0xb7, 0xb8, 0xb9, 0xba, 0xbb, 0xbc, 0xbd, 0xbe, 0xbf, 0xc0, 0xc1, 0xc3, 0xc7, 0xc8, 0xcb,
	0xcf, 0xd6, 0xe7, 0xf0,
};

/* Only in 32-bit code. */
static const u8 only32[] = {
	0x27, 0x2f, 0x37, 0x3f, 0x40, 0x43, 0x47, 0x48, 0x4c, 0x4f, 0x60, 0x61, 0x62, 0x63,
	0x82, 0xa0, 0xa3, 0xd4, 0xd5, 0xd6, 0x54, 0x5c, 0x44, 0x06, 0x0e, 0x16, 0x1e,
};

/* Moves that VEX encodes too. */
static const u8 vex_moves[] = {
	0x10, 0x11, 0x12, 0x13, 0x16, 0x17, 0x28, 0x29, 0x2b, 0x6e, 0x6f, 0x7e, 0x7f, 0xd6, 0xe7,
	0xf0,
};

/* VEX of two or three bytes, of map 1, now and then with a register too many. */
static unsigned int choose_vex(u8 *bytes)
{
	u8 operands = random_below(8) | (random_below(6) ? 0x78 : random_below(16) << 3);
	unsigned int n = 0;

	if (random_below(2)) {
		bytes[n++] = 0xc5;
		bytes[n++] = operands | 0x80;
	} else {
		bytes[n++] = 0xc4;
		bytes[n++] = 0xe1;
		bytes[n++] = operands | random_below(2) << 7;
	}
	bytes[n++] = vex_moves[random_below(sizeof(vex_moves))];
	return n;
}

static unsigned int choose_prefixes(u8 *bytes, unsigned int bits)
{
	unsigned int n = 0;

	if (!random_below(3))
		bytes[n++] = 0x66;
	if (!random_below(8))
		bytes[n++] = 0xf0;
	if (!random_below(4))
		bytes[n++] = 0xf2 + random_below(2);
	if (!random_below(16))
		bytes[n++] = 0x67;
	if (bits == 64 && random_below(2))
		bytes[n++] = 0x40 + random_below(16);
	return n;
}

/* Random bytes from an opcode on; some lead nowhere, and are passed over later. */
static void choose(u8 bytes[X86_INSN_MAX], unsigned int bits)
{
	unsigned int n = choose_prefixes(bytes, bits);

	if (!random_below(16)) {
		n = choose_vex(bytes);
	} else if (!random_below(12)) {
		bytes[n++] = 0xd8 + random_below(8);
	} else if (bits == 32 && !random_below(4)) {
		bytes[n++] = only32[random_below(sizeof(only32))];
	} else if (random_below(2)) {
		bytes[n++] = one_byte[random_below(sizeof(one_byte))];
	} else {
		bytes[n++] = 0x0f;
		if (!random_below(20)) {
			bytes[n++] = 0x38;
			bytes[n++] = 0xf0 + random_below(2);
		} else {
			bytes[n++] = two_byte[random_below(sizeof(two_byte))];
		}
	}
	while (n < X86_INSN_MAX)
		bytes[n++] = random_next() >> 32;
}

/* ---- one case --------------------------------------------------------------------------- */

struct trial {
	unsigned int bits;
	u8 bytes[X86_INSN_MAX];
	struct x86_insn insn;
	struct x86_state before, state;
	u8 fpu_before[512], fpu[512], ymm_before[256], ymm[256];
	u8 data_before[NATIVE_DATA_SIZE], data[NATIVE_DATA_SIZE];
	u8 native_data[NATIVE_DATA_SIZE];
	struct x86_exec x;
	enum x86_result result;
	struct native native;
};

static u8 *place(struct trial *t, u64 gpa, unsigned int size)
{
	if (gpa >= NATIVE_DATA && gpa + size <= NATIVE_DATA + NATIVE_DATA_SIZE)
		return t->data + (gpa - NATIVE_DATA);
	return NULL;
}

static enum x86_result trial_read(void *opaque, u64 gpa, void *data, unsigned int size)
{
	struct trial *t = opaque;
	const u8 *from = place(t, gpa, size);

	if (gpa >= NATIVE_CODE_PAGE && gpa + size <= NATIVE_CODE_PAGE + 4096)
		from = (const u8 *)gpa;
	if (!from)
		return X86_IO;
	memcpy(data, from, size);
	return X86_OK;
}

static enum x86_result trial_write(void *opaque, u64 gpa, const void *data, unsigned int size)
{
	u8 *to = place(opaque, gpa, size);

	if (!to)
		return X86_IO;
	memcpy(to, data, size);
	return X86_OK;
}

static enum x86_result trial_cmpxchg(void *opaque, u64 gpa, const void *old, const void *new,
				     unsigned int size, bool *done)
{
	u8 *to = place(opaque, gpa, size);

	if (!to)
		return X86_IO;
	*done = !memcmp(to, old, size);
	if (*done)
		memcpy(to, new, size);
	return X86_OK;
}

static void trial_cpuid(void *opaque, u32 leaf, u32 subleaf, u32 regs[4])
{
	(void)opaque;
	__cpuid_count(leaf, subleaf, regs[0], regs[1], regs[2], regs[3]);
}

static const struct x86_ops trial_ops = {
	.read = trial_read, .write = trial_write, .exchange = trial_cmpxchg, .cpuid = trial_cpuid,
};

/* 64-bit or 32-bit code at CPL 3 with flat segments; paging plays no part. */
static void flat_state(struct trial *t)
{
	struct x86_state *s = &t->before;
	struct x86_seg data = { .limit = 0xffffffff, .ar = 0xc0f3, .selector = NATIVE_DS };

	*s = (struct x86_state){
		.rip = NATIVE_CODE, .cr0 = CR0_PE | CR0_NE | CR0_MP,
		.cr4 = CR4_OSFXSR | CR4_OSXMMEXCPT | CR4_OSXSAVE, .xcr0 = 7,
		.efer = X86_EFER_LMA | X86_EFER_LME,
	};
	s->rflags = X86_FLAG_ONE | X86_FLAG_IF | (random_next() & X86_FLAGS_STATUS);
	if (!random_below(4))
		s->rflags |= X86_FLAG_DF;
	for (unsigned int i = 0; i < X86_LDTR; i++)
		s->seg[i] = data;
	s->seg[X86_CS].ar = t->bits == 64 ? 0xa0fb : 0xc0fb;
	s->seg[X86_CS].selector = t->bits == 64 ? NATIVE_CS64 : NATIVE_CS32;
	s->seg[X86_TR].ar = X86_AR_UNUSABLE;
	s->seg[X86_LDTR].ar = X86_AR_UNUSABLE;
	for (unsigned int i = 0; i < X86_GPRS; i++) {
		static const u64 masks[] = { 0, 0xff, 0xffff, 0xffffffff, ~0ull, ~0ull };
		u64 value = random_next() & masks[random_below(ARRAY_SIZE(masks))];

		value = random_below(8) ? value : 1ull << random_below(64);
		if (!random_below(8))
			value = ~0ull;
		s->gpr[i] = t->bits == 64 ? value : (u32)value;
	}
}

static u16 word_of(u64 value)
{
	return value;
}

/* Ten bytes: any number, one that an integer or a float can hold, a denormal, none at all. */
static void random_x87(u8 *reg)
{
	static const u16 exponents[] = { 0, 1, 0x3c00, 0x3c01, 0x3f80, 0x3f81, 0x3ffe, 0x3fff,
					 0x400e, 0x401e, 0x403a, 0x403d, 0x403e, 0x407e, 0x407f,
					 0x43fe, 0x43ff, 0x7fff };
	static const unsigned int spans[] = { 64, 50, 30, 0, 10, 11, 12, 39, 40, 41 };
	u64 mantissa = random_next() << random_below(64);
	u16 exponent = exponents[random_below(ARRAY_SIZE(exponents))] + random_below(3) - 1;

	if (random_below(2))
		mantissa = ~0ull << random_below(64);
	if (!random_below(16))
		mantissa = 0;
	if (!random_below(3))
		mantissa &= ~0ull << spans[1 + random_below(ARRAY_SIZE(spans) - 1)];
	if (!mantissa && random_below(8))
		exponent = 0;
	if (random_below(8) && exponent)
		mantissa |= 1ull << 63;
	if (mantissa && random_below(2))
		exponent = 0x3fff - 20 + random_below(90);
	exponent = (exponent & 0x7fff) | random_below(2) << 15;
	memset(reg, 0, 16);
	memcpy(reg, &mantissa, 8);
	memcpy(reg + 8, &exponent, 2);
}

/* Control and status word; what is pending is said by ES and B as the processor would. */
static void random_x87_words(u8 *fpu, bool x87)
{
	u16 fcw = 0x37f, fsw = random_below(8) << 11;

	if (x87 && random_below(2)) {
		fcw = 0x340 | random_below(4) << 10 | (random_below(2) ? random_below(64) : 63);
		fsw |= word_of(random_next()) & (random_below(2) ? 0x4700 : 0x477f);
		if (fsw & ~fcw & 63)
			fsw |= 0x8080;
	}
	memcpy(fpu, &fcw, 2);
	memcpy(fpu + 2, &fsw, 2);
}

/* A number of 4 or 8 bytes: common ones, zeros, denormals, infinities and NaNs. */
static u64 random_float(unsigned int size)
{
	u64 sign = (u64)random_below(2) << (size == 8 ? 63 : 31);
	unsigned int fraction = size == 8 ? 52 : 23, bias = size == 8 ? 1023 : 127;
	u64 value = random_next() & ((1ull << fraction) - 1);
	u64 exponent = bias - 8 + random_below(17);

	switch (random_below(8)) {
	case 0:
		return sign;
	case 1:
		exponent = 0;
		break;
	case 2:
		exponent = 2 * bias + random_below(2);
		value = random_below(2) ? value : 0;
		break;
	case 3:
		exponent = random_below(2 * bias + 2);
		break;
	case 4:
		value = 0;
		break;
	}
	return sign | exponent << fraction | value;
}

static void random_floats(u8 bytes[16])
{
	unsigned int size = random_below(2) ? 4 : 8;

	for (unsigned int at = 0; at < 16; at += size) {
		u64 value = random_float(size);

		memcpy(bytes + at, &value, size);
	}
}

static void random_sse(u8 *fpu)
{
	u16 mxcsr = (random_below(4) ? 0x1f80 : random_next() & 0x1f80) |
		    random_below(4) << 13 | (random_below(8) ? 0 : 0x8000) |
		    (random_below(8) ? 0 : 0x0040) | (random_below(4) ? 0 : random_below(64));

	memcpy(fpu + 24, &mxcsr, 2);
	for (unsigned int i = 0; i < 16; i++)
		random_floats(fpu + 160 + 16 * i);
}

static void random_fpu(struct trial *t)
{
	u8 *fpu = t->fpu_before;
	bool x87 = t->insn.op == OP_X87 || t->insn.op == OP_WAIT || t->insn.op == OP_EMMS;

	for (unsigned int i = 0; i < sizeof(t->fpu_before); i++)
		fpu[i] = random_next() >> 32;
	for (unsigned int i = 0; i < sizeof(t->ymm_before); i++)
		t->ymm_before[i] = random_next() >> 32;
	memset(fpu, 0, 32);
	random_x87_words(fpu, x87);
	fpu[4] = random_next() >> 32;	/* tags */
	fpu[24] = 0x80;			/* MXCSR */
	fpu[25] = 0x1f;
	if (t->insn.op == OP_SSE)
		random_sse(fpu);
	for (unsigned int i = 0; i < 8; i++)
		random_x87(fpu + 32 + 16 * i);
}

static void put_data(struct trial *t, u64 address, u64 value, unsigned int size)
{
	memcpy(t->data_before + (address - NATIVE_DATA), &value, size);
}

/* An address in the code page for branches; all there but the instruction is INT3. */
static u64 random_target(void)
{
	return NATIVE_CODE_PAGE + random_below(2) * 0xc00 + random_below(1024);
}

/* A number in memory, in the format that the instruction reads. */
static void aim_x87(struct trial *t, u64 target)
{
	u8 bytes[16];

	random_x87(bytes);
	if (t->insn.opcode == 0xd9 && t->insn.reg == 0 && random_below(2))
		put_data(t, target, random_next() & (random_below(2) ? 0x807fffff : 0xff8fffff), 4);
	else if (t->insn.opcode == 0xdd && random_below(2))
		put_data(t, target, random_next() & 0x800fffffffffffff, 8);
	else if (t->insn.opcode == 0xdd && random_below(2))
		put_data(t, target, random_next() | 0x7ff0000000000000, 8);
	else if (t->insn.opcode == 0xdb && (t->insn.reg & 7) == 5)
		memcpy(t->data_before + (target - NATIVE_DATA), bytes, 10);
	/* Digits above nine are undefined (SDM 2 FBLD). */
	for (unsigned int i = 0; i < 9 && t->insn.opcode == 0xdf && t->insn.reg == 4; i++)
		put_data(t, target + i, random_below(10) | random_below(10) << 4, 1);
}

/* Makes the memory operand point into the data; false if its form does not allow that. */
static bool aim_memory(struct trial *t)
{
	struct x86_insn *insn = &t->insn;
	u64 target = NATIVE_DATA + 4000 + random_below(128);
	u64 *gpr = t->before.gpr, offset = insn->displacement;

	if (!insn->memory || insn->op == OP_LEA || insn->op == OP_NOP)
		return true;
	if ((insn->op == OP_SSE_MOVE || insn->op == OP_SSE || insn->op == OP_VEX) &&
	    random_below(8))
		target &= ~31ull;
	if (insn->address_size < 4)
		return false;
	if (!insn->has_modrm) {
		memcpy(t->bytes + insn->length - insn->address_size, &target, insn->address_size);
		return true;
	}
	if (insn->base == X86_GPRS || insn->base == insn->index)
		return false;
	if (insn->base == X86_RSP)
		return insn->index == X86_GPRS && insn->displacement < 1000 &&
		       insn->displacement > -1000;
	if (insn->index != X86_GPRS) {
		gpr[insn->index] = random_below(32);
		offset += gpr[insn->index] << insn->scale;
	}
	gpr[insn->base] = (target - offset) & (insn->address_size == 8 ? ~0ull : 0xffffffff);
	if (insn->op == OP_X87)
		aim_x87(t, target);
	if (insn->op == OP_SSE)
		random_floats(t->data_before + (target - NATIVE_DATA));
	if (insn->op == OP_LDMXCSR)
		put_data(t, target, random_next() & (random_below(4) ? 0xffff : 0x10ffff), 4);
	if (insn->op == OP_JMP || insn->op == OP_CALL)
		put_data(t, target, random_target(), 8);
	if (insn->op >= OP_BT && insn->op <= OP_BTC && insn->src == AT_REG) {
		if (insn->reg == insn->base || insn->reg == insn->index || insn->reg == X86_RSP)
			return false;
		gpr[insn->reg] = random_below(2000);
	}
	return true;
}

/* Strings, the stack, branches: registers and memory that lead to data, or to INT3. */
static bool aim_implied(struct trial *t)
{
	struct x86_insn *insn = &t->insn;
	u64 *gpr = t->before.gpr;
	u64 rsp = NATIVE_DATA + 4096 + random_below(16) * 8;

	gpr[X86_RSP] = rsp;
	if (insn->op >= OP_MOVS && insn->op <= OP_OUTS) {
		gpr[X86_RSI] = NATIVE_DATA + 2048 + random_below(1024);
		gpr[X86_RDI] = NATIVE_DATA + 4096 + random_below(1024);
		/* Whether INS and OUTS are checked that are done no time is in no manual. */
		if (insn->repeat)
			gpr[X86_RCX] = random_below(20) + (insn->op >= OP_INS);
	}
	switch (insn->op) {
	case OP_DIV:
	case OP_IDIV:
		/* A quotient that fits, more often than by chance. */
		if (random_below(2))
			gpr[X86_RDX] = random_below(16) - random_below(2) * 8;
		return true;
	case OP_XLAT:
		gpr[X86_RBX] = NATIVE_DATA + random_below(2048);
		return true;
	case OP_ENTER:
		gpr[X86_RBP] = NATIVE_DATA + 4096 + random_below(256);
		return insn->immediate < 1024;
	case OP_LEAVE:
		gpr[X86_RBP] = NATIVE_DATA + 4096 + random_below(256);
		return true;
	case OP_POPF:
		put_data(t, rsp, random_next() & (X86_FLAGS_STATUS | X86_FLAG_DF | X86_FLAG_IF |
						  X86_FLAG_IOPL), 8);
		return true;
	case OP_RET:
		put_data(t, rsp, random_target(), 8);
		return insn->immediate < 1024;
	case OP_JMP:
	case OP_CALL:
		if (insn->src == AT_RM && !insn->memory)
			gpr[insn->rm] = random_target();
		return insn->rm != X86_RSP || insn->memory || insn->src != AT_RM;
	default:
		return true;
	}
}

/* What is compared elsewhere, or of which the outcome is the kernel's and not the processor's. */
static bool excluded(const struct trial *t)
{
	const struct x86_insn *insn = &t->insn;
	bool near = insn->op == OP_JCC || insn->op == OP_JMP || insn->op == OP_CALL ||
		    insn->op == OP_RET || (insn->op >= OP_JCXZ && insn->op <= OP_LOOPNE);

	if (insn->op == OP_OTHER || insn->evex || !exec_table[insn->op])
		return true;
	/* FS and GS are the C library's, and what 66h does to branches the vendors dispute. */
	if (insn->segment >= X86_FS || insn->rip_relative || (near && insn->operand_prefix))
		return true;
	switch (insn->op) {
	case OP_JMP_FAR ... OP_INT1:	/* other segments, and signals of their own */
	case OP_FXSAVE:			/* has pointers that processors keep differently */
	case OP_FXRSTOR:
	case OP_CLFLUSH:
	case OP_RDFSBASE ... OP_WRGSBASE:	/* the C library's */
	case OP_SGDT:			/* with UMIP the kernel answers */
	case OP_SIDT:
	case OP_SLDT:
	case OP_STR:
	case OP_SMSW:
	case OP_LDS ... OP_LGS:		/* other segments for all that follows */
	case OP_RDPID:			/* tells where this runs */
		return true;
	case OP_LOOPE:
	case OP_LOOPNE:
		return insn->repeat;	/* F2h and F3h are reserved (SDM 2 2.1.1) */
	case OP_BSWAP:
		return insn->size == 2;	/* undefined (SDM 2 BSWAP) */
	case OP_SHLD:
	case OP_SHRD:
		return insn->size == 2;	/* undefined for counts above 16 */
	default:
		return false;
	}
}

/* A branch with an offset of four bytes: within the code page. */
static void shorten_branch(struct trial *t)
{
	struct x86_insn *insn = &t->insn;
	s32 offset = (s32)random_below(2000) - 1000;

	if (insn->src == AT_IMM && (insn->op == OP_JMP || insn->op == OP_CALL ||
				    (insn->op == OP_JCC && insn->map == MAP_0F)) &&
	    insn->opcode != 0xeb)
		memcpy(t->bytes + insn->length - 4, &offset, 4);
}

static bool prepare(struct trial *t)
{
	struct x86_decode_mode mode = { .bits = t->bits, .vex = true };
	unsigned int at;

	choose(t->bytes, t->bits);
	/* Whether bytes that are no instruction stay so is a matter of the host's age. */
	if (x86_decode(&t->insn, t->bytes, X86_INSN_MAX, &mode) != DECODE_OK || excluded(t))
		return false;
	flat_state(t);
	random_fpu(t);
	for (at = 0; at < NATIVE_DATA_SIZE; at += 8)
		put_data(t, NATIVE_DATA + at, random_next(), 8);
	shorten_branch(t);
	return aim_implied(t) && aim_memory(t);
}

static bool host_is_amd(void)
{
	unsigned int a, b = 0, c, d;

	__get_cpuid(0, &a, &b, &c, &d);
	return b == signature_AMD_ebx;
}

static void execute(struct trial *t)
{
	struct x86_env env = {
		.ops = &trial_ops, .opaque = t, .physical_bits = 46, .amd = host_is_amd(),
	};

	t->state = t->before;
	memcpy(t->data, t->data_before, sizeof(t->data));
	memcpy(t->fpu, t->fpu_before, sizeof(t->fpu));
	memset(&t->x, 0, sizeof(t->x));
	t->x.env = &env;
	t->x.state = &t->state;
	t->x.fpu_image = t->fpu;
	memcpy(t->ymm, t->ymm_before, sizeof(t->ymm));
	t->x.ymm_image = t->ymm;
	/* REP: one item each time. */
	for (unsigned int items = 0; items < 100; items++) {
		x86_exec_begin(&t->x);
		t->result = x86_execute(&t->x);
		if (t->result != X86_OK || t->state.rip != NATIVE_CODE || !t->insn.repeat)
			break;
	}
}

static void execute_natively(struct trial *t)
{
	memcpy(t->native.gpr, t->before.gpr, sizeof(t->native.gpr));
	t->native.rflags = t->before.rflags;
	memcpy(t->native.fpu, t->fpu_before, sizeof(t->native.fpu));
	memcpy(t->native.ymm, t->ymm_before, sizeof(t->native.ymm));
	memcpy(t->native_data, t->data_before, sizeof(t->native_data));
	t->native.data = t->native_data;
	native_run(&t->native, t->bits);
}

/* ---- comparison --------------------------------------------------------------------------- */

/* Flags that an operation leaves undefined, and where SDM 2 says so. */
struct undefined {
	u8 first, last;		/* enum x86_op */
	u64 flags;
	const char *where;	/* SDM 2, "Flags Affected" of that instruction */
};

#define CF X86_FLAG_CF
#define PF X86_FLAG_PF
#define AF X86_FLAG_AF
#define ZF X86_FLAG_ZF
#define SF X86_FLAG_SF
#define OF X86_FLAG_OF

static const struct undefined undefined[] = {
	{ OP_MUL, OP_IMUL, SF | ZF | AF | PF, "MUL, IMUL" },
	{ OP_IMUL2, OP_IMUL3, SF | ZF | AF | PF, "IMUL" },
	{ OP_DIV, OP_IDIV, CF | OF | SF | ZF | AF | PF, "DIV, IDIV" },
	{ OP_BT, OP_BTC, OF | SF | AF | PF, "BT, BTS, BTR, BTC: ZF is unaffected" },
	{ OP_BSF, OP_BSR, CF | OF | SF | AF | PF, "BSF, BSR" },
	{ OP_TZCNT, OP_LZCNT, OF | SF | AF | PF, "TZCNT, LZCNT" },
	{ OP_ROL, OP_RCR, OF, "RCL, RCR, ROL, ROR: OF for counts other than 1" },
	{ OP_SHL, OP_SAR, OF | AF, "SAL, SAR, SHL, SHR: OF for counts other than 1" },
	{ OP_SHLD, OP_SHRD, OF | AF, "SHLD, SHRD: OF for counts other than 1" },
	{ OP_AND, OP_AND, AF, "AND" }, { OP_OR, OP_OR, AF, "OR" }, { OP_XOR, OP_XOR, AF, "XOR" },
	{ OP_TEST, OP_TEST, AF, "TEST" },
	{ OP_AAM, OP_AAD, OF | AF | CF, "AAM, AAD" },
	{ OP_AAA, OP_AAS, OF | SF | ZF | PF, "AAA, AAS" },
	{ OP_DAA, OP_DAS, OF, "DAA, DAS" },
};

/* How far a shift goes: modulo 32, or 64 for 8 bytes. */
static unsigned int shift_count(const struct trial *t)
{
	const struct x86_insn *insn = &t->insn;
	bool by_cl = insn->op == OP_SHLD || insn->op == OP_SHRD ? insn->opcode & 1 :
								  insn->src == AT_CL;
	u64 count = by_cl ? t->before.gpr[X86_RCX] : insn->src == AT_ONE ? 1 : insn->immediate;

	return count & (insn->size == 8 ? 63 : 31);
}

static u64 undefined_flags(const struct trial *t)
{
	const struct x86_insn *insn = &t->insn;
	bool shift = (insn->op >= OP_ROL && insn->op <= OP_SAR) || insn->op == OP_SHLD ||
		     insn->op == OP_SHRD;
	u64 flags = 0;

	for (unsigned int i = 0; i < ARRAY_SIZE(undefined); i++) {
		if (insn->op >= undefined[i].first && insn->op <= undefined[i].last)
			flags |= undefined[i].flags;
	}
	if (!shift)
		return flags;
	if (!shift_count(t))
		return 0;	/* no flag is changed */
	if (shift_count(t) == 1)
		flags &= ~OF;
	/* CF: "undefined for SHL and SHR where the count is greater than or equal to the size". */
	if (insn->op >= OP_SHL && insn->op <= OP_SAL && shift_count(t) >= 8u * insn->size)
		flags |= CF;
	return flags;
}

static int signal_of(unsigned int vector)
{
	switch (vector) {
	case X86_DE:
	case X86_MF:
	case X86_XM:
		return SIGFPE;
	case X86_UD:
		return SIGILL;
	case X86_SS_FAULT:
		return SIGBUS;
	default:
		return SIGSEGV;		/* #GP, #BR */
	}
}

/* With a source of 0 the destination of BSF and BSR is undefined (SDM 2). */
static bool destination_undefined(const struct trial *t, unsigned int reg)
{
	return (t->insn.op == OP_BSF || t->insn.op == OP_BSR) && reg == t->insn.reg &&
	       t->native.rflags & X86_FLAG_ZF;
}

static const char *compare_fpu(const struct trial *t)
{
	const u8 *a = t->native.fpu, *b = t->fpu;

	if (memcmp(a, b, 5))
		return "FPU control, status, tags";
	if (memcmp(a + 24, b + 24, 4))
		return "MXCSR";
	for (unsigned int i = 0; i < 8; i++) {
		if (memcmp(a + 32 + 16 * i, b + 32 + 16 * i, 10))
			return "an x87 register";
	}
	if (memcmp(a + 160, b + 160, t->bits == 64 ? 256 : 128))
		return "an XMM register";
	if (t->native.has_ymm && memcmp(t->native.ymm, t->ymm, t->bits == 64 ? 256 : 128))
		return "the upper half of a YMM register";
	return NULL;
}

/* NULL if executor and processor agree, else in what they do not. */
static const char *difference(const struct trial *t)
{
	const u64 flags = X86_FLAGS_STATUS | X86_FLAG_DF | X86_FLAG_IF;

	if (t->result == X86_FAULT) {
		if (t->native.signal != signal_of(t->x.fault.vector))
			return "the exception";
		/* REP may have come some way; else nothing changes. */
		if (!t->insn.repeat && memcmp(&t->state, &t->before, sizeof(t->state)))
			return "state after a fault";
	} else if (t->native.signal != SIGTRAP) {
		return "an exception that the executor does not raise";
	}
	for (unsigned int i = 0; i < (t->bits == 64 ? 16 : 8); i++) {
		if (t->native.gpr[i] != t->state.gpr[i] && !destination_undefined(t, i))
			return "a register";
	}
	if (t->native.rip != t->state.rip)
		return "RIP";
	if (t->result == X86_OK &&
	    (t->native.rflags ^ t->state.rflags) & flags & ~undefined_flags(t))
		return "flags";
	if (memcmp(t->native_data, t->data, NATIVE_DATA_SIZE))
		return "memory";
	return compare_fpu(t);
}

/* Control, status and ST0, and where memory differs first. */
static void show_x87(const struct trial *t)
{
	const u8 *images[] = { t->fpu_before, t->native.fpu, t->fpu };
	static const char *const names[] = { "before", "processor", "executor" };
	unsigned int at = 0;

	for (unsigned int i = 0; i < ARRAY_SIZE(images); i++) {
		u64 st0;
		u16 words[5];

		memcpy(words, images[i], 6);
		memcpy(&st0, images[i] + 32, 8);
		memcpy(words + 3, images[i] + 40, 2);
		note("%s: FCW %04x FSW %04x tags %02x ST0 %04x %016llx", names[i], words[0],
		     words[1], words[2] & 0xff, words[3], (unsigned long long)st0);
	}
	while (at < NATIVE_DATA_SIZE - 8 && t->native_data[at] == t->data[at])
		at++;
	note("memory at %#x: %02x%02x%02x%02x, executor %02x%02x%02x%02x", at,
	     t->native_data[at], t->native_data[at + 1], t->native_data[at + 2],
	     t->native_data[at + 3], t->data[at], t->data[at + 1], t->data[at + 2],
	     t->data[at + 3]);
}

static void show(const struct trial *t, const char *what)
{
	char hex[2 * X86_INSN_MAX + 1];

	for (unsigned int i = 0; i < t->insn.length; i++)
		snprintf(hex + 2 * i, 3, "%02x", t->bytes[i]);
	note("%u-bit %s: %s differs: signal %d, result %d, vector %u", t->bits, hex, what,
	     t->native.signal, t->result, t->result == X86_FAULT ? t->x.fault.vector : 0);
	note("RIP: processor %llx, executor %llx", (unsigned long long)t->native.rip,
	     (unsigned long long)t->state.rip);
	note("flags before %llx, processor %llx, executor %llx",
	     (unsigned long long)t->before.rflags, (unsigned long long)t->native.rflags,
	     (unsigned long long)t->state.rflags);
	if (t->insn.op == OP_X87)
		show_x87(t);
	for (unsigned int i = 0; i < X86_GPRS; i++) {
		if (t->native.gpr[i] != t->before.gpr[i] || t->state.gpr[i] != t->before.gpr[i])
			note("register %u: before %llx, processor %llx, executor %llx", i,
			     (unsigned long long)t->before.gpr[i],
			     (unsigned long long)t->native.gpr[i],
			     (unsigned long long)t->state.gpr[i]);
	}
}

/* ---- the whole ------------------------------------------------------------------------------ */

/* Without the feature the same bytes are BSF, BSR or none. */
static bool host_has(const struct x86_insn *insn)
{
	unsigned int a, b, c, d, b7 = 0, c1 = 0, c8 = 0;

	__get_cpuid(1, &a, &b, &c1, &d);
	__get_cpuid_count(7, 0, &a, &b7, &c, &d);
	__get_cpuid(0x80000001, &a, &b, &c8, &d);
	switch (insn->op) {
	case OP_EMMS:
		return insn->opcode == 0x77;	/* FEMMS is of 3DNow! */
	case OP_POPCNT:
		return c1 & bit_POPCNT;
	case OP_MOVBE:
		return c1 & bit_MOVBE;
	case OP_CRC32:
		return c1 & bit_SSE4_2;
	case OP_VEX:
		return (c1 & (bit_AVX | bit_OSXSAVE)) == (bit_AVX | bit_OSXSAVE);
	case OP_TZCNT:
		return b7 & bit_BMI;
	case OP_LZCNT:
		return c8 & bit_ABM;
	default:
		return true;
	}
}

/* Forms of the x87 that were tried: with memory by opcode and ModRM.reg, else by both bytes. */
static unsigned int new_x87_form(const struct x86_insn *insn)
{
	static bool forms[8][256];
	bool *form = &forms[insn->opcode & 7][insn->memory ? insn->modrm & 0x38 : insn->modrm];
	bool is_new = insn->op == OP_X87 && !*form;

	*form |= is_new;
	return is_new;
}

static void compare_mode(unsigned int bits)
{
	static struct trial t;
	static bool tried[OPS];
	static unsigned int x87_forms;
	unsigned long done = 0, different = 0, faults = 0;
	unsigned int operations = 0;

	memset(tried, 0, sizeof(tried));
	t.bits = bits;
	while (done < CASES) {
		const char *what;

		if (!prepare(&t) || !host_has(&t.insn))
			continue;
		memcpy(native_code(), t.bytes, t.insn.length);
		execute(&t);
		if (t.result != X86_OK && t.result != X86_FAULT)
			continue;
		/* A branch into itself, or away from INT3. */
		if (t.result == X86_OK && (t.state.rip < NATIVE_CODE_PAGE ||
					   t.state.rip >= NATIVE_CODE_PAGE + 4096 ||
					   (t.state.rip >= NATIVE_CODE &&
					    t.state.rip < NATIVE_CODE + t.insn.length)))
			continue;
		execute_natively(&t);
		done++;
		faults += t.result == X86_FAULT;
		operations += !tried[t.insn.op];
		tried[t.insn.op] = true;
		x87_forms += new_x87_form(&t.insn);
		what = difference(&t);
		if (what && different++ < SHOWN)
			show(&t, what);
	}
	ok_equal(different, 0, "%u-bit: %lu random cases, %lu of them faults", bits, done, faults);
	ok(operations >= 90, "%u-bit: %u operations were tried", bits, operations);
	ok(faults > done / 100, "%u-bit: faults are not rare", bits);
	ok(x87_forms >= 400, "%u-bit: %u forms of the x87 were tried by now", bits, x87_forms);
}

int main(void)
{
	const char *reason = native_begin();

	if (reason) {
		ok(true, "the executor against this processor # SKIP %s", reason);
		return tap_done();
	}
	random_begin(0x9e3779b97f4a7c15);
	compare_mode(64);
	compare_mode(32);
	return tap_done();
}

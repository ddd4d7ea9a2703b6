// SPDX-License-Identifier: GPL-2.0-only
/* The decoder: prefixes, opcode, ModRM, displacement, immediate. */
#include "decode.h"

#define MODRM_MOD(modrm) ((modrm) >> 6)
#define MODRM_REG(modrm) ((modrm) >> 3 & 7)
#define MODRM_RM(modrm) ((modrm) & 7)

#define REX_W 8u
#define REX_R 4u
#define REX_X 2u
#define REX_B 1u

/* One instruction being decoded. */
struct decoder {
	struct x86_insn *insn;
	const struct x86_decode_mode *mode;
	const u8 *bytes;
	unsigned int available, at;
	u16 flags;		/* OPCODE_* of the opcode, and of the group's member */
	bool address_prefix;
	bool short_of;		/* bytes were asked for that are not there */
	const struct x86_opcode *opcode;
};

struct x86_decode_mode x86_decode_mode(const struct x86_state *s, bool amd)
{
	struct x86_decode_mode mode = {
		.bits = 16, .vex = x86_protected(s) && !x86_vm86(s), .amd = amd,
	};

	if (x86_code64(s))
		mode.bits = 64;
	else if (s->seg[X86_CS].ar & X86_AR_DB)
		mode.bits = 32;
	return mode;
}

/* The next `size` bytes as a number; 0 when they are not there. */
static u64 take(struct decoder *d, unsigned int size)
{
	u64 value = 0;

	/* No instruction is longer: whatever follows is not looked at. */
	if (d->at + size > X86_INSN_MAX)
		d->at = X86_INSN_MAX + 1;
	if (d->short_of || d->at > X86_INSN_MAX)
		return 0;
	if (d->at + size > d->available) {
		d->short_of = true;
		return 0;
	}
	for (unsigned int i = 0; i < size; i++)
		value |= (u64)d->bytes[d->at + i] << (8 * i);
	d->at += size;
	return value;
}

static s64 sign_extend(u64 value, unsigned int size)
{
	unsigned int unused = 64 - 8 * size;

	return (s64)(value << unused) >> unused;
}

static s64 take_signed(struct decoder *d, unsigned int size)
{
	return sign_extend(take(d, size), size);
}

static bool bits64(const struct decoder *d)
{
	return d->mode->bits == 64;
}

/* ---- prefixes (SDM 2 2.1.1, 2.2.1) -------------------------------------------------- */

static void override(struct x86_insn *insn, enum x86_seg_name segment)
{
	insn->segment_override = true;
	insn->segment = segment;
}

/* Takes one byte as a prefix; false if it is none. */
static bool prefix(struct decoder *d, u8 byte)
{
	struct x86_insn *insn = d->insn;

	switch (byte) {
	case 0x26:
	case 0x2e:
	case 0x36:
	case 0x3e:
		/* In 64-bit mode these are there, and mean nothing (SDM 2 2.2.1). */
		if (!bits64(d))
			override(insn, X86_ES + (byte >> 3 & 3));
		return true;
	case 0x64:
	case 0x65:
		override(insn, X86_FS + (byte & 1));
		return true;
	case 0x66:
		insn->operand_prefix = true;
		return true;
	case 0x67:
		d->address_prefix = true;
		return true;
	case 0xf0:
		insn->lock = true;
		return true;
	case 0xf2:
	case 0xf3:
		insn->repeat = byte;
		return true;
	default:
		return false;
	}
}

/* Takes all prefixes; returns the first byte of the opcode. */
static u8 prefixes(struct decoder *d)
{
	for (;;) {
		u8 byte = take(d, 1);

		if (d->short_of || d->at > X86_INSN_MAX)
			return 0;
		if (bits64(d) && (byte & 0xf0) == 0x40) {
			d->insn->rex = byte;
			continue;
		}
		if (!prefix(d, byte))
			return byte;
		d->insn->rex = 0;	/* REX counts right before the opcode only */
	}
}

static bool rex(const struct decoder *d, u8 bit)
{
	return d->insn->rex & bit;
}

static void default_sizes(struct decoder *d)
{
	struct x86_insn *insn = d->insn;

	if (bits64(d)) {
		insn->operand_size = rex(d, REX_W) ? 8 : insn->operand_prefix ? 2 : 4;
		insn->address_size = d->address_prefix ? 4 : 8;
	} else {
		bool wide = d->mode->bits == 32;

		insn->operand_size = wide != insn->operand_prefix ? 4 : 2;
		insn->address_size = wide != d->address_prefix ? 4 : 2;
	}
}

/* ---- ModRM and memory operands (SDM 2 2.1.3 to 2.1.5) ----------------------------------- */

/* Unless a prefix says otherwise, what is found by RSP and RBP is on the stack. */
static void base_register(struct x86_insn *insn, u8 base)
{
	insn->base = base;
	if ((base == X86_RSP || base == X86_RBP) && !insn->segment_override)
		insn->segment = X86_SS;
}

static void memory16(struct decoder *d)
{
	static const u8 bases[8] = { X86_RBX, X86_RBX, X86_RBP, X86_RBP,
				     X86_GPRS, X86_GPRS, X86_RBP, X86_RBX };
	static const u8 indexes[8] = { X86_RSI, X86_RDI, X86_RSI, X86_RDI,
				       X86_RSI, X86_RDI, X86_GPRS, X86_GPRS };
	struct x86_insn *insn = d->insn;
	u8 mod = MODRM_MOD(insn->modrm), rm = MODRM_RM(insn->modrm);

	if (mod == 0 && rm == 6) {
		insn->displacement = take(d, 2);
		return;
	}
	if (bases[rm] != X86_GPRS)
		base_register(insn, bases[rm]);
	insn->index = indexes[rm];
	if (mod)
		insn->displacement = take_signed(d, mod);
}

/* SIB; false if a 32-bit displacement stands for the base. */
static bool scaled(struct decoder *d)
{
	struct x86_insn *insn = d->insn;
	u8 sib = take(d, 1);
	u8 index = (sib >> 3 & 7) | (rex(d, REX_X) ? 8 : 0);

	if (index != X86_RSP) {
		insn->index = index;
		insn->scale = sib >> 6;
	}
	if ((sib & 7) == X86_RBP && MODRM_MOD(insn->modrm) == 0)
		return false;
	base_register(insn, (sib & 7) | (rex(d, REX_B) ? 8 : 0));
	return true;
}

static void memory32(struct decoder *d)
{
	struct x86_insn *insn = d->insn;
	u8 mod = MODRM_MOD(insn->modrm);

	if (MODRM_RM(insn->modrm) == X86_RSP) {
		if (!scaled(d))
			insn->displacement = take_signed(d, 4);
	} else if (MODRM_RM(insn->modrm) == X86_RBP && mod == 0) {
		insn->displacement = take_signed(d, 4);
		insn->rip_relative = bits64(d);
	} else {
		base_register(insn, insn->rm);
	}
	if (mod == 1 || mod == 2)
		insn->displacement = take_signed(d, mod == 1 ? 1 : 4);
}

static void take_modrm(struct decoder *d)
{
	struct x86_insn *insn = d->insn;

	insn->has_modrm = true;
	insn->modrm = take(d, 1);
	insn->reg = MODRM_REG(insn->modrm) | (rex(d, REX_R) ? 8 : 0);
	insn->rm = MODRM_RM(insn->modrm) | (rex(d, REX_B) ? 8 : 0);
}

static void take_operands(struct decoder *d)
{
	struct x86_insn *insn = d->insn;

	/* MOV to and from CR and DR: the mod field is ignored (SDM 2 MOV). */
	if (MODRM_MOD(insn->modrm) == 3 || insn->dst == AT_RM_REG || insn->src == AT_RM_REG)
		return;
	insn->memory = true;
	if (insn->address_size == 2)
		memory16(d);
	else
		memory32(d);
}

/* ---- immediates ---------------------------------------------------------------------------- */

/* Near branches: in 64-bit mode four bytes, unless AMD's 66h makes them two. */
static unsigned int relative_size(const struct decoder *d)
{
	if (bits64(d))
		return d->insn->size == 2 ? 2 : 4;
	return d->insn->operand_size;
}

static void take_immediate(struct decoder *d, enum x86_imm kind)
{
	struct x86_insn *insn = d->insn;

	switch (kind) {
	case IMM_NONE:
		break;
	case IMM_8:
	case IMM_REL8:
		insn->immediate = take_signed(d, 1);
		break;
	case IMM_16:
		insn->immediate = take(d, 2);
		break;
	case IMM_Z:
		insn->immediate = take_signed(d, insn->operand_size == 2 ? 2 : 4);
		break;
	case IMM_V:
		insn->immediate = take_signed(d, insn->operand_size);
		break;
	case IMM_ENTER:
		insn->immediate = take(d, 2);
		insn->immediate2 = take(d, 1);
		break;
	case IMM_8_8:
		insn->immediate = take(d, 1);
		insn->immediate2 = take(d, 1);
		break;
	case IMM_FAR:
		insn->immediate = take(d, insn->operand_size);
		insn->immediate2 = take(d, 2);
		break;
	case IMM_REL:
		insn->immediate = take_signed(d, relative_size(d));
		break;
	case IMM_OFFSET:
		insn->displacement = (s64)take(d, insn->address_size);
		insn->memory = true;
		break;
	}
}

/* ---- opcodes that need more than a table ---------------------------------------- */

static const struct x86_opcode other = { OP_OTHER, AT_RM, AT_REG, IMM_NONE, 0, OPCODE_MODRM };
static const struct x86_opcode other_imm = { OP_OTHER, AT_RM, AT_REG, IMM_8, 0, OPCODE_MODRM };
static const struct x86_opcode vex_imm = { OP_VEX, AT_RM, AT_REG, IMM_8, 0, OPCODE_MODRM };
static const struct x86_opcode vex_plain = { OP_VEX, AT_RM, AT_REG, IMM_NONE, 0, OPCODE_MODRM };
static const struct x86_opcode vex_alone = { OP_VEX, AT_NONE, AT_NONE, IMM_NONE, 0, 0 };
static const struct x86_opcode xop_imm32 = { OP_VEX, AT_RM, AT_REG, IMM_Z, 0, OPCODE_MODRM };

/* 0F 01 with a register: every ModRM byte is an instruction of its own. */
static enum x86_op system_register(u8 modrm)
{
	switch (modrm) {
	case 0xc1:
		return OP_VMCALL;
	case 0xc2 ... 0xc4:
	case 0xd4:
		return OP_VMX;
	case 0xc8:
		return OP_MONITOR;
	case 0xc9:
		return OP_MWAIT;
	case 0xca:
		return OP_CLAC;
	case 0xcb:
		return OP_STAC;
	case 0xd0:
		return OP_XGETBV;
	case 0xd1:
		return OP_XSETBV;
	case 0xd8:
	case 0xda ... 0xdf:
		return OP_SVM;
	case 0xd9:
		return OP_VMMCALL;
	case 0xe0 ... 0xe7:
		return OP_SMSW;
	case 0xee:
		return OP_RDPKRU;
	case 0xef:
		return OP_WRPKRU;
	case 0xf0 ... 0xf7:
		return OP_LMSW;
	case 0xf8:
		return OP_SWAPGS;
	case 0xf9:
		return OP_RDTSCP;
	case 0xd2:
	case 0xd3:
		return OP_INVALID;
	default:
		return OP_OTHER;
	}
}

/* 0F AE: by the prefix, and whether the operand is a register. */
static enum x86_op group15(const struct x86_insn *insn, enum x86_op op)
{
	static const u8 bases[4] = { OP_RDFSBASE, OP_RDGSBASE, OP_WRFSBASE, OP_WRGSBASE };
	u8 reg = MODRM_REG(insn->modrm);

	if (MODRM_MOD(insn->modrm) != 3) {
		if (insn->repeat)
			return OP_OTHER;
		if (!insn->operand_prefix)
			return op;
		return reg >= 6 ? OP_CLFLUSH : OP_INVALID;	/* CLWB, CLFLUSHOPT */
	}
	if (insn->repeat == 0xf3)
		return reg < 4 ? bases[reg] : OP_OTHER;
	if (insn->repeat || insn->operand_prefix)
		return OP_OTHER;
	return reg >= 5 ? OP_FENCE : OP_INVALID;
}

/* 0F C7: registers are RDRAND, RDSEED, RDPID; VMPTRLD and its like have a prefix or /6. */
static enum x86_op group9(const struct x86_insn *insn, enum x86_op op)
{
	u8 reg = MODRM_REG(insn->modrm);

	if (MODRM_MOD(insn->modrm) == 3 && reg == 7 && insn->repeat == 0xf3)
		return OP_RDPID;
	if (MODRM_MOD(insn->modrm) == 3)
		return reg >= 6 ? OP_OTHER : OP_INVALID;
	return reg >= 6 ? OP_VMX : op;
}

/* What the tables leave open, once ModRM is known. */
static enum x86_op refine(struct decoder *d, enum x86_op op)
{
	struct x86_insn *insn = d->insn;
	u8 reg = MODRM_REG(insn->modrm);
	bool reg_form = MODRM_MOD(insn->modrm) == 3;

	if (insn->map == MAP_ONE) {
		switch (insn->opcode) {
		case 0x63:
			if (!bits64(d))
				return op;
			insn->size = insn->operand_size;
			return OP_MOVSXD;
		case 0x8c:
			return reg > X86_GS ? OP_INVALID : op;
		case 0x8e:
			return reg > X86_GS || reg == X86_CS ? OP_INVALID : op;
		case 0x90:
			if (insn->rex & REX_B)
				return op;
			return insn->repeat == 0xf3 ? OP_PAUSE : OP_NOP;
		}
		return op;
	}
	switch (insn->opcode) {
	case 0x01:
		if (reg_form)
			return system_register(insn->modrm);
		return reg == 5 && insn->repeat == 0xf3 ? OP_OTHER : op;	/* RSTORSSP */
	case 0x20:
	case 0x22:
		/* LOCK makes CR8 of CR0, if the processor has that (APM 3 MOV CRn). */
		if (insn->lock && d->mode->amd && insn->reg == 0) {
			insn->reg = 8;
			insn->lockable = true;
		}
		return insn->reg == 1 || (insn->reg > 4 && insn->reg != 8) ? OP_INVALID : op;
	case 0x21:
	case 0x23:
		return insn->reg > 7 ? OP_INVALID : op;
	case 0x78:
	case 0x79:
		return insn->repeat || insn->operand_prefix ? op : OP_VMX;
	case 0xae:
		return group15(insn, op);
	case 0xb8:
		return insn->repeat == 0xf3 ? op : OP_INVALID;
	case 0xbc:
		return insn->repeat == 0xf3 ? OP_TZCNT : op;
	case 0xbd:
		return insn->repeat == 0xf3 ? OP_LZCNT : op;
	case 0xc3:
		return insn->repeat || insn->operand_prefix ? OP_INVALID : op;
	case 0xc7:
		return group9(insn, op);
	}
	return op;
}

/* 0F 38: MOVBE, CRC32 and INVPCID are ours, the rest only has a length. */
static enum x86_op op_0f38(struct x86_insn *insn)
{
	switch (insn->opcode) {
	case 0x2a:
		return insn->operand_prefix && insn->memory ? OP_SSE_MOVE : OP_OTHER;
	case 0x80:
	case 0x81:
		return insn->operand_prefix && insn->memory ? OP_VMX : OP_INVALID;
	case 0x82:
		return insn->operand_prefix && insn->memory ? OP_INVPCID : OP_INVALID;
	case 0xf0:
	case 0xf1:
		if (insn->repeat == 0xf2) {
			insn->dst = AT_REG;
			insn->src = AT_RM;
			if (insn->opcode == 0xf0)
				insn->size = 1;
			return OP_CRC32;
		}
		if (insn->repeat)
			return OP_OTHER;
		if (!insn->memory)
			return OP_INVALID;
		insn->dst = insn->opcode == 0xf0 ? AT_REG : AT_RM;
		insn->src = insn->opcode == 0xf0 ? AT_RM : AT_REG;
		return OP_MOVBE;
	default:
		return OP_OTHER;
	}
}

/* ---- VEX, EVEX, XOP (SDM 2 2.3 and 2.7, APM 3 1.8) ------------------------------ */

/*
 * Whether a byte begins such an encoding: in 64-bit mode always, else if what would be
 * ModRM of LES, LDS or BOUND names a register. XOP's first byte is POP's with another map.
 */
static bool vex_begins(struct decoder *d, u8 byte)
{
	u8 next;

	if (byte != 0xc4 && byte != 0xc5 && byte != 0x62 && byte != 0x8f)
		return false;
	if (!d->mode->vex && byte != 0x8f)
		return false;
	next = take(d, 1);
	d->at -= d->at <= X86_INSN_MAX && !d->short_of;
	if (byte == 0x8f)
		return d->mode->vex && (next & 0x1f) >= 8;
	return bits64(d) || MODRM_MOD(next) == 3;
}

/* The opcode that an extended one's immediate is found by. */
static const struct x86_opcode *vex_opcode(u8 map, u8 opcode)
{
	switch (map) {
	case 1:
		if (opcode == 0x77)
			return &vex_alone;
		if ((opcode >= 0x70 && opcode <= 0x73) || opcode == 0xc2 ||
		    (opcode >= 0xc4 && opcode <= 0xc6))
			return &vex_imm;
		return &vex_plain;
	case 3:
	case 8:
		return &vex_imm;
	case 10:
		return &xop_imm32;
	default:
		return &vex_plain;
	}
}

/* The inverted bits R, X and B of the second byte, as a REX prefix has them. */
static void vex_rex(struct decoder *d, u8 byte)
{
	if (bits64(d))
		d->insn->rex = 0x40 | (~byte >> 5 & 7);
}

/* W, vvvv, L and pp. Outside 64-bit mode there is no W. */
static void vex_operands(struct decoder *d, u8 map, u8 byte)
{
	struct x86_insn *insn = d->insn;

	insn->vex_map = map;
	insn->vex_prefix = byte & 3;
	insn->vex_long = byte & 4;
	insn->vex_reg = ~byte >> 3 & 15;
	if (bits64(d) && byte & 0x80)
		insn->rex |= REX_W;
}

static void take_vex(struct decoder *d, u8 first)
{
	struct x86_insn *insn = d->insn;
	u8 map = 1, byte = take(d, 1);
	bool legal = !insn->rex && !insn->lock && !insn->operand_prefix && !insn->repeat;

	insn->map = MAP_VEX;
	insn->evex = first == 0x62 || first == 0x8f;
	if (first == 0xc5) {
		vex_rex(d, byte | 0x60);
		byte &= 0x7f;		/* there is no W */
	} else {
		vex_rex(d, byte);
		map = byte & (first == 0x62 ? 7 : 0x1f);
		byte = take(d, 1);
		if (first == 0x62)
			take(d, 1);
	}
	vex_operands(d, map, byte);
	insn->opcode = take(d, 1);
	d->opcode = vex_opcode(map, insn->opcode);
	if (first == 0x62 && map == 1 && insn->opcode == 0x77)
		d->opcode = &vex_plain;
	/* XOP's immediate of four bytes takes no notice of 66h. */
	insn->operand_size = 4;
	insn->op = legal ? OP_VEX : OP_INVALID;
}

/* ---- the whole ------------------------------------------------------------------ */

static void take_opcode(struct decoder *d)
{
	struct x86_insn *insn = d->insn;
	u8 byte = prefixes(d);

	if (vex_begins(d, byte)) {
		take_vex(d, byte);
		return;
	}
	default_sizes(d);
	insn->opcode = byte;
	d->opcode = &x86_opcodes_one[byte];
	if (byte != 0x0f)
		return;
	insn->map = MAP_0F;
	insn->opcode = take(d, 1);
	d->opcode = &x86_opcodes_0f[insn->opcode];
	if (insn->opcode == 0x38 || insn->opcode == 0x3a) {
		insn->map = insn->opcode == 0x38 ? MAP_0F38 : MAP_0F3A;
		d->opcode = insn->opcode == 0x38 ? &other : &other_imm;
		insn->opcode = take(d, 1);
	} else if (insn->opcode == 0x0f) {
		insn->map = MAP_3DNOW;
		d->opcode = &other_imm;
	}
}

/* Default, forced and fixed operand sizes. */
static void operand_sizes(struct decoder *d)
{
	struct x86_insn *insn = d->insn;
	u16 flags = d->flags;

	if (bits64(d) && flags & OPCODE_D64)
		insn->operand_size = insn->operand_prefix && !rex(d, REX_W) ? 2 : 8;
	if (bits64(d) && flags & OPCODE_F64) {
		/* AMD's make near branches 16-bit by 66h in 64-bit mode too (APM 3 1.2.4). */
		bool amd16 = d->mode->amd && insn->operand_prefix && !rex(d, REX_W);

		insn->operand_size = amd16 ? 2 : 8;
	}
	if (flags & OPCODE_CREG)
		insn->operand_size = bits64(d) ? 8 : 4;
	/* 16-bit code has no MOVNTI of its own (SDM 2 MOVNTI). */
	if (insn->op == OP_MOVNTI && insn->operand_size == 2)
		insn->operand_size = 4;
	insn->size = flags & OPCODE_BYTE ? 1 : flags & OPCODE_WORD ? 2 : insn->operand_size;
}

/* Takes what the opcode's row says. */
static void describe(struct decoder *d)
{
	struct x86_insn *insn = d->insn;

	insn->number = d->opcode->number;
	d->flags = d->opcode->flags;
	if (d->flags & OPCODE_GROUP) {
		d->opcode = &x86_groups[d->opcode->op][MODRM_REG(insn->modrm)];
		d->flags |= d->opcode->flags;
	}
	insn->dst = d->opcode->dst;
	insn->src = d->opcode->src;
	insn->lockable = d->flags & OPCODE_LOCK;
	if (insn->map != MAP_VEX)
		insn->op = d->opcode->op;
	if (insn->op == OP_JCC || insn->op == OP_SETCC || insn->op == OP_CMOVCC)
		insn->number = insn->opcode & 15;
	operand_sizes(d);
}

/* Whether what has been read is an instruction at all (SDM 2 2.1.1 on LOCK). */
static bool valid(const struct decoder *d)
{
	const struct x86_insn *insn = d->insn;

	if (insn->op == OP_INVALID ||
	    (bits64(d) && d->flags & OPCODE_I64 && insn->op != OP_MOVSXD))
		return false;
	if ((insn->dst == AT_MEM || insn->src == AT_MEM) && !insn->memory &&
	    MODRM_MOD(insn->modrm) == 3 && insn->op < OP_SLDT && insn->op != OP_OTHER)
		return false;
	return !insn->lock || (insn->lockable && (insn->memory || insn->op == OP_MOV_CR ||
						  insn->op == OP_MOV_TO_CR));
}

static enum x86_decoded outcome(const struct decoder *d, bool ok)
{
	if (d->at > X86_INSN_MAX)
		return DECODE_LONG;
	if (d->short_of)
		return DECODE_SHORT;
	return ok ? DECODE_OK : DECODE_INVALID;
}

enum x86_decoded x86_decode(struct x86_insn *insn, const u8 *bytes, unsigned int available,
			    const struct x86_decode_mode *mode)
{
	struct decoder d = {
		.insn = insn, .mode = mode, .bytes = bytes, .available = available,
	};

	*insn = (struct x86_insn){
		.segment = X86_DS, .base = X86_GPRS, .index = X86_GPRS,
	};
	take_opcode(&d);
	if (!insn->address_size)
		default_sizes(&d);
	if (d.opcode->flags & OPCODE_MODRM)
		take_modrm(&d);
	describe(&d);
	if (insn->has_modrm) {
		if (insn->map == MAP_ONE || insn->map == MAP_0F)
			insn->op = refine(&d, insn->op);
		take_operands(&d);
	} else if (insn->map == MAP_ONE && insn->opcode == 0x90) {
		insn->op = refine(&d, insn->op);
	}
	if (insn->map == MAP_0F38)
		insn->op = op_0f38(insn);
	if (insn->map == MAP_0F && insn->opcode == 0x78 && insn->op == OP_OTHER)
		take_immediate(&d, IMM_8_8);
	take_immediate(&d, d.opcode->imm);
	insn->length = d.at <= X86_INSN_MAX ? d.at : X86_INSN_MAX;
	return outcome(&d, valid(&d));
}

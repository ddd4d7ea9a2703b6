// SPDX-License-Identifier: GPL-2.0-only
/* Instruction forms, by the decoder of kmod/core. */
#include "forms.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../kmod/core/decode.h"

#define OPCODE_VMX_SVM 0x01	/* of map 0F: with ModRM.mod 3 all of ModRM is opcode */
#define SMSW 4			/* ModRM.reg there whose ModRM.rm is an operand */
#define LMSW 6
#define NO_REG 8

enum form_prefix { PREFIX_NONE, PREFIX_66, PREFIX_F3, PREFIX_F2 };
enum form_operand { OPERAND_NONE, OPERAND_REGISTER, OPERAND_MEMORY };

struct form {
	u8 map;			/* enum x86_map; MAP_VEX + VEX.mmmmm for those */
	u8 opcode;
	u8 reg;			/* NO_REG: ModRM.reg is no part of the opcode */
	u8 rm;			/* of 0F 01 and x87 with registers, where it is opcode, too */
	u8 prefix;		/* enum form_prefix */
	u8 operand;		/* enum form_operand, by ModRM */
	bool sized;		/* the operand's size makes a difference */
	u8 size;		/* of the operand: logarithm of bytes, 0 to 3 */
	u8 bits;		/* of the code segment: 0: 16, 1: 32, 2: 64 */
	bool lock;
};

static u32 pack(const struct form *f)
{
	return 1u << 31 | (u32)f->map << 27 | (u32)f->opcode << 19 | (u32)f->reg << 15 |
	       (u32)f->rm << 12 | (u32)f->prefix << 10 | (u32)f->operand << 8 |
	       (u32)f->size << 6 | (u32)f->bits << 4 | (u32)f->lock << 3 |
	       (u32)f->sized << 2;
}

static struct form unpack(u32 form)
{
	return (struct form){
		.map = form >> 27 & 15, .opcode = form >> 19 & 255, .reg = form >> 15 & 15,
		.rm = form >> 12 & 7, .prefix = form >> 10 & 3, .operand = form >> 8 & 3,
		.size = form >> 6 & 3, .bits = form >> 4 & 3, .lock = form >> 3 & 1,
		.sized = form >> 2 & 1,
	};
}

/* ---- one instruction ------------------------------------------------------------------ */

static const struct x86_opcode *table_entry(const struct x86_insn *insn)
{
	switch (insn->map) {
	case MAP_ONE:
		return &x86_opcodes_one[insn->opcode];
	case MAP_0F:
		return &x86_opcodes_0f[insn->opcode];
	default:
		return NULL;
	}
}

static bool is_x87(const struct x86_insn *insn)
{
	return insn->map == MAP_ONE && (insn->opcode & 0xf8) == 0xd8;
}

static bool is_string(const struct x86_insn *insn)
{
	return insn->op >= OP_MOVS && insn->op <= OP_OUTS;
}

static bool reg_is_opcode(const struct x86_insn *insn)
{
	const struct x86_opcode *entry = table_entry(insn);

	return insn->has_modrm && (is_x87(insn) || (entry && entry->flags & OPCODE_GROUP));
}

/* Whether a repeat prefix repeats the instruction, or has chosen it. */
static bool takes_repeat(const struct x86_insn *insn)
{
	switch (insn->op) {
	case OP_MOVBE:
	case OP_CRC32:
	case OP_POPCNT:
	case OP_TZCNT:
	case OP_LZCNT:
	case OP_PAUSE:
	case OP_RDFSBASE:
	case OP_RDGSBASE:
	case OP_WRFSBASE:
	case OP_WRGSBASE:
	case OP_RDPID:
	case OP_SSE_MOVE:
	case OP_OTHER:
		return true;
	default:
		return is_string(insn);
	}
}

/* Whether operand-size prefix and REX.W make another instruction of it. */
static bool is_sized(const struct x86_insn *insn)
{
	bool environment = (insn->opcode == 0xd9 || insn->opcode == 0xdd) && insn->memory &&
			   (insn->modrm >> 3 & 5) == 4;	/* FLDENV, FNSTENV, FRSTOR, FNSAVE */

	switch (insn->op) {
	case OP_X87:
		return environment;
	case OP_LAHF ... OP_DAS:
	case OP_CMC ... OP_STD:
	case OP_PAUSE ... OP_UD:
	case OP_INVLPG:
	case OP_CLTS ... OP_SYSCALL:
	case OP_SYSENTER:
	case OP_SWAPGS:
	case OP_VMCALL ... OP_RSM:
	case OP_SSE_MOVE ... OP_VEX:
		return false;
	default:
		return true;
	}
}

static enum form_prefix prefix_of(const struct x86_insn *insn)
{
	if (insn->map == MAP_VEX)
		return insn->vex_prefix;	/* VEX.pp counts as this does (SDM 2 2.3.6) */
	if (insn->repeat && takes_repeat(insn))
		return insn->repeat == 0xf3 ? PREFIX_F3 : PREFIX_F2;
	if (insn->operand_prefix && (insn->op == OP_SSE_MOVE || insn->op == OP_OTHER))
		return PREFIX_66;
	return PREFIX_NONE;
}

/* In 0F 01, and where x87 instructions take no operand. */
static bool modrm_is_opcode(const struct form *f)
{
	if (f->operand != OPERAND_REGISTER)
		return false;
	return (f->map == MAP_0F && f->opcode == OPCODE_VMX_SVM && f->reg != SMSW &&
		f->reg != LMSW) ||
	       (f->map == MAP_ONE && ((f->opcode == 0xd9 && f->reg >= 4) ||
				      (f->opcode == 0xdb && f->reg == 4)));
}

static u32 form_of_insn(const struct x86_insn *insn, unsigned int bits)
{
	struct form f = {
		.map = insn->map, .opcode = insn->opcode, .reg = NO_REG,
		.prefix = prefix_of(insn), .bits = bits >> 5, .lock = insn->lock,
	};

	if (insn->map == MAP_VEX)
		f.map = MAP_VEX + (insn->vex_map & 3);
	if (reg_is_opcode(insn))
		f.reg = insn->modrm >> 3 & 7;
	if (insn->has_modrm)
		f.operand = insn->memory ? OPERAND_MEMORY : OPERAND_REGISTER;
	if (modrm_is_opcode(&f))
		f.rm = insn->modrm & 7;
	f.sized = is_sized(insn);
	if (f.sized)
		f.size = insn->size >= 8 ? 3 : insn->size >> 1;
	return pack(&f);
}

static bool decode(struct x86_insn *insn, const u8 *bytes, unsigned int available,
		   unsigned int bits, bool vex)
{
	struct x86_decode_mode mode = { .bits = (u8)bits, .vex = vex, .amd = false };

	return x86_decode(insn, bytes, available, &mode) == DECODE_OK;
}

u32 form_of(const u8 *bytes, unsigned int available, unsigned int bits, bool vex)
{
	struct x86_insn insn;

	return decode(&insn, bytes, available, bits, vex) ? form_of_insn(&insn, bits) : 0;
}

void form_text(u32 form, char text[FORM_TEXT])
{
	static const char *const maps[16] = {
		[MAP_ONE] = "", [MAP_0F] = "0f:", [MAP_0F38] = "0f38:", [MAP_0F3A] = "0f3a:",
		[MAP_3DNOW] = "0f0f:", [MAP_VEX] = "vex:", [MAP_VEX + 1] = "vex0f:",
		[MAP_VEX + 2] = "vex0f38:", [MAP_VEX + 3] = "vex0f3a:",
	};
	static const char *const prefixes[] = { "", " 66", " f3", " f2" };
	static const char *const operands[] = { "", " reg", " mem", "" };
	const struct form f = unpack(form);
	char reg[8] = "", size[4] = "";

	if (f.reg != NO_REG)
		snprintf(reg, sizeof(reg), "/%u", f.reg & 7u);
	if (modrm_is_opcode(&f))
		snprintf(reg, sizeof(reg), "/%u.%u", f.reg & 7u, f.rm);
	if (f.sized)
		snprintf(size, sizeof(size), " %u", 1u << f.size);
	snprintf(text, FORM_TEXT, "%s%02x%s%s%s%s%s @%u", maps[f.map] ? maps[f.map] : "?",
		 f.opcode, reg, f.lock ? " lock" : "", prefixes[f.prefix], operands[f.operand],
		 size, 16u << f.bits);
}

/* ---- sets ------------------------------------------------------------------------------ */

static u32 place_of(const struct form_set *set, u32 form)
{
	u32 low = 0, high = set->count;

	while (low < high) {
		u32 middle = low + (high - low) / 2;

		if (set->forms[middle] < form)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool form_set_add(struct form_set *set, u32 form)
{
	u32 at = place_of(set, form);

	if (at < set->count && set->forms[at] == form)
		return false;
	if (set->count == set->room) {
		set->room = set->room ? set->room * 2 : 16;
		set->forms = xrealloc(set->forms, set->room * sizeof(*set->forms));
	}
	memmove(set->forms + at + 1, set->forms + at, (set->count - at) * sizeof(*set->forms));
	set->forms[at] = form;
	set->count++;
	return true;
}

void form_set_clear(struct form_set *set)
{
	free(set->forms);
	*set = (struct form_set){ 0 };
}

/* ---- all there are --------------------------------------------------------------------- */

/* Nothing here is read or written where the memory operand is. */
static bool only_computes(u8 op)
{
	return op == OP_LEA || op == OP_NOP || op == OP_INVLPG || op == OP_PREFETCH ||
	       op == OP_CLFLUSH;
}

static bool is_asked_for(const struct x86_insn *insn)
{
	return insn->op != OP_INVALID && insn->op != OP_OTHER && insn->op != OP_UD &&
	       insn->op != OP_VEX && (!insn->lock || (insn->lockable && insn->memory));
}

static bool accesses_memory(const struct x86_insn *insn)
{
	return is_string(insn) || insn->op == OP_XLAT || insn->dst == AT_OFFSET ||
	       insn->src == AT_OFFSET || (insn->memory && !only_computes(insn->op));
}

static const u8 maps[][3] = { { 0 }, { 1, 0x0f }, { 2, 0x0f, 0x38 }, { 2, 0x0f, 0x3a } };
static const u8 repeats[] = { 0, 0xf3, 0xf2 };

/* What an instruction is made of; all combinations are tried. */
struct recipe {
	unsigned int bits, map, opcode, modrm, repeat;
	bool lock, operand_size, rex_w;
};

static void cook(const struct recipe *r, u8 bytes[X86_INSN_MAX])
{
	unsigned int n = 0;

	memset(bytes, 0, X86_INSN_MAX);
	if (r->lock)
		bytes[n++] = 0xf0;
	if (r->operand_size)
		bytes[n++] = 0x66;
	if (r->repeat)
		bytes[n++] = repeats[r->repeat];
	if (r->rex_w)
		bytes[n++] = 0x48;
	memcpy(bytes + n, maps[r->map] + 1, maps[r->map][0]);
	n += maps[r->map][0];
	bytes[n++] = (u8)r->opcode;
	bytes[n] = (u8)r->modrm;
}

/* Bytes that are prefixes or escapes in their map. */
static bool begins_another(const struct recipe *r)
{
	static const u8 others[] = { 0x0f, 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67,
				     0xf0, 0xf2, 0xf3 };

	if (r->map == 1)
		return r->opcode == 0x38 || r->opcode == 0x3a || r->opcode == 0x0f;
	return !r->map && (memchr(others, (int)r->opcode, sizeof(others)) ||
			   (r->bits == 64 && (r->opcode & 0xf0) == 0x40));
}

/* ModRM: an address in a register with every reg, then every form with registers. */
#define MODRM_MEMORY 8
#define MODRMS (MODRM_MEMORY + 64)

static unsigned int modrm_of(unsigned int number)
{
	return number < MODRM_MEMORY ? number << 3 | 3 : 0xc0 | (number - MODRM_MEMORY);
}

/* The recipe of that number, of one width; false past the last. */
static bool recipe_of(struct recipe *r, unsigned int number)
{
	r->rex_w = number & 1;
	r->lock = number >> 1 & 1;
	r->operand_size = number >> 2 & 1;
	number >>= 3;
	r->repeat = number % ARRAY_SIZE(repeats);
	number /= ARRAY_SIZE(repeats);
	r->modrm = modrm_of(number % MODRMS);
	r->opcode = number / MODRMS & 255;
	r->map = number / MODRMS >> 8;
	return r->map < ARRAY_SIZE(maps);
}

void forms_known(void (*take)(void *arg, const struct form_known *known), void *arg)
{
	struct form_known known;
	struct x86_insn insn;
	u8 bytes[X86_INSN_MAX];
	struct recipe r;

	for (r.bits = 16; r.bits <= 64; r.bits *= 2) {
		for (unsigned int i = 0; recipe_of(&r, i); i++) {
			if ((r.rex_w && r.bits != 64) || begins_another(&r))
				continue;
			cook(&r, bytes);
			if (!decode(&insn, bytes, sizeof(bytes), r.bits, true) ||
			    !is_asked_for(&insn))
				continue;
			known = (struct form_known){
				.form = form_of_insn(&insn, r.bits), .bytes = bytes,
				.length = insn.length, .memory = accesses_memory(&insn),
			};
			take(arg, &known);
		}
	}
}

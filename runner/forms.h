/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Instruction forms: what of an instruction decides how a hypervisor has to emulate it. A
 * form is an opcode with its map, the ModRM.reg (and for 0F 01 the ModRM.rm) that belongs
 * to the opcode, a LOCK, repeat or mandatory prefix, whether ModRM.rm is memory, the operand
 * size where it matters, and the width of the code segment. Forms are numbers; 0 is none.
 *
 * They come from the decoder of kmod/core, which is compared with Zydis.
 */
#pragma once

#include "util.h"

#define FORM_TEXT 32

enum form_path {		/* how an instruction came to be executed */
	FORM_NATIVE,
	FORM_MMIO,		/* emulated: its operand is no memory */
	FORM_FEP,		/* emulated: it stands behind the forced-emulation prefix */
	FORM_PATHS,
};

struct form_set {		/* in order */
	u32 *forms;
	u32 count, room;
};

/*
 * The form of the instruction that begins at bytes, of which `available` are there, in a
 * code segment of 16, 32 or 64 bits; vex: not in real and virtual-8086 mode. 0 if there is
 * no such instruction.
 */
u32 form_of(const u8 *bytes, unsigned int available, unsigned int bits, bool vex);
/* "0f:c7/1 lock mem 8 @64": map, opcode, what belongs to it, operand size, bits of CS. */
void form_text(u32 form, char text[FORM_TEXT]);

/* Adds the form; false if the set has it already. */
bool form_set_add(struct form_set *set, u32 form);
void form_set_clear(struct form_set *set);

/* What forms_known() tells of an instruction. */
struct form_known {
	u32 form;
	const u8 *bytes;	/* of one that has this form */
	unsigned int length;
	bool memory;		/* it accesses memory by an operand */
};

/*
 * Calls take with every form that an emulator may be asked for, some more than once: what
 * there is but VEX encodings, arithmetic of SSE and MMX, and what is #UD.
 */
void forms_known(void (*take)(void *arg, const struct form_known *known), void *arg);

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Disassembly of guest code, in the spelling microguests are written in. The
 * only file that knows Zydis is disasm.c.
 */
#pragma once

#include "image.h"
#include "state.h"

struct insn {
	u64 addr;
	unsigned int len;	/* bytes, at least 1 */
	u8 bytes[15];
	char text[96];		/* "mov al, [rsp]"; "db 0x0f" where no instruction is */
};

struct code {
	const u8 *bytes;
	unsigned int len;
	u64 addr;		/* linear address of bytes[0] */
	unsigned int bits;	/* 16, 32 or 64 */
	/* Addresses that are known to begin an instruction; an instruction that
	 * would run across one is not one. Any order; those outside are ignored. */
	const u64 *anchors;
	unsigned int nanchors;
};

/*
 * Decodes all of code into at most max instructions; returns how many. Where the
 * first byte is no anchor, it may be the middle of an instruction: then decoding
 * starts at the earliest of the first 15 bytes from which the first anchor is
 * reached exactly, and what is before it becomes one "db" line a byte.
 */
unsigned int disasm(const struct code *code, struct insn *insns, unsigned int max);

/* Adds "  08002  8a 04 24              mov al, [rsp]\n", after mark's four columns. */
void sb_insn(struct strbuf *sb, const char *mark, const struct insn *insn);

/*
 * The anchors of an image: each case's entry and where each of its records
 * stands. Returns how many; *anchors is to be freed.
 */
unsigned int image_anchors(const struct image *image, u64 **anchors);

/* Bits of the code that runs in that state (SDM 3 3.4.5: CS.L and CS.D). */
unsigned int state_bits(const struct cpu_state *state);
/* Linear address of the next instruction: no CS base counts in 64-bit code. */
u64 state_linear_rip(const struct cpu_state *state);

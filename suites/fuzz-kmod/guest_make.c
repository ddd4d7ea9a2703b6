// SPDX-License-Identifier: GPL-2.0-only
/* A guest of a seed: a mode, registers that point to where something is, code, events. */
#include "fuzz.h"

#define INSNS 24	/* at most */

/* Where instructions find memory, descriptors, MMIO space, read-only memory, nothing. */
static const uint64_t places[] = {
	DATA_AT, DATA_AT + 256, DATA_AT + 0xffc, 0x1000, 0x3000, 0x5000, 0x7800, 0xc000,
	MMIO_AT, MMIO_AT + 0xffe, ROM_AT, ROM_AT + 16, RAM_BYTES - 4, 0x20ffe, 0x21ff8, 0x22ffc,
	0x24000, 0x25000, 0x26000, 0x27000, 0x1ffffe, 0x200000, 0x500000, 0xfee00020, 0xfffffffe,
	0x7ffffffffffc, 0x800000000000, 0xffff800000000000, 0xfffffffffffffffc,
};

/* MSRs, ports and counts. */
static const uint64_t numbers[] = {
	0x10, 0x1b, 0x3a, 0x8b, 0xfe, 0x174, 0x175, 0x176, 0x1d9, 0x200, 0x277, 0x2ff, 0x3b,
	0xc0000080, 0xc0000081, 0xc0000082, 0xc0000083, 0xc0000084, 0xc0000100, 0xc0000101,
	0xc0000102, 0xc0000103, 0xc0010015, 0xc0010114, 0xc0010117, 0x40000000, 0x4b564d00,
	0x60, 0x3f8, 0xcf8, 0xffff, 0x30, 0x33, 0x40, 0x53, 0x5b, 0x63, 0x68, 0x78, 3, 7, 0x207,
};

static uint64_t value(struct chance *chance)
{
	switch (chance_below(chance, 8)) {
	case 0:
	case 1:
	case 2:
	case 3:
		return places[chance_below(chance, COUNT(places))];
	case 4:
	case 5:
		return numbers[chance_below(chance, COUNT(numbers))];
	case 6:
		return chance_below(chance, 0x100);
	default:
		return chance_number(chance);
	}
}

static void add(struct sequence *sequence, enum kind kind, uint64_t a, uint64_t b, uint64_t c,
		uint64_t d)
{
	sequence_add(sequence, kind, (uint64_t[ARGS]){ a, b, c, d });
}

static void make_registers(struct sequence *sequence, struct chance *chance)
{
	for (unsigned int i = 0; i < 16; i++) {
		/* A stack is there, more often than not. */
		if (i == 4 ? chance_of(chance, 15) : chance_of(chance, 85))
			add(sequence, DO_GPR, i, value(chance), 0, 0);
	}
	if (chance_of(chance, 30))
		add(sequence, DO_FLAGS, chance_next(chance) & 0x3f7fd7, 0, 0, 0);
	for (unsigned int i = 0; i < 3 && chance_of(chance, 12); i++)
		add(sequence, DO_FLIP, chance_below(chance, sizeof(struct kvm_sregs) / 8),
		    1ull << chance_below(chance, 64), 0, 0);
}

static void make_code(struct sequence *sequence, struct chance *chance, unsigned int bits)
{
	unsigned int count = 1 + (unsigned int)chance_below(chance, INSNS);
	bool noise = chance_of(chance, 15);

	for (unsigned int i = 0; i < count; i++) {
		struct op *op = sequence_add(sequence, DO_INSN, NULL);

		if (noise) {
			op->length = CODE_MAX;
			chance_bytes(chance, op->code, CODE_MAX);
		} else {
			op->length = (uint8_t)insn_make(chance, bits, op->code);
		}
	}
}

void guest_make(struct sequence *sequence, uint64_t seed)
{
	struct chance chance = { seed };
	enum mode mode = (enum mode)chance_below(&chance, MODES);

	*sequence = (struct sequence){ .guest = true };
	add(sequence, DO_MODE, 0, mode,
	    chance_of(&chance, 60) ? 0 : 1 + chance_below(&chance, 3),
	    chance_of(&chance, 25) ? 3 : 0);
	make_registers(sequence, &chance);
	make_code(sequence, &chance, image_bits(mode));
	for (unsigned int i = 0; i < 3 && chance_of(&chance, 20); i++)
		add(sequence, DO_INJECT, chance_below(&chance, 4), chance_below(&chance, 4),
		    chance_below(&chance, 256), 0);
}

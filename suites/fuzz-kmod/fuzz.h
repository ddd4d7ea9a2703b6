/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of this program share. A sequence is a list of operations, made from a seed
 * or read from a text; each is one line of that text (words.c). There are two worlds of them:
 * calls to the node (calls_make.c, calls.c), and guests (guest_make.c, guest.c).
 */
#pragma once

#include <linux/kvm.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdnoreturn.h>

#define PAGE 4096ul
#define ARGS 6
#define OPS_MAX 192
#define CODE_MAX 15		/* bytes of an instruction */
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ---- operations ------------------------------------------------------------------------- */

enum kind {
	/* of both worlds */
	DO_MODE,
	/* calls: files */
	DO_VM, DO_VCPU, DO_MAP, DO_UNMAP, DO_CLOSE, DO_DUP, DO_FORK, DO_FILE, DO_KILL,
	/* calls: memory */
	DO_SLOT, DO_DIRTY, DO_CLEAR, DO_ADVISE, DO_PROTECT, DO_REMAP, DO_TOUCH, DO_CODE,
	/* calls: one structure each (structures.c) */
	DO_REGS, DO_SREGS, DO_SREGS2, DO_EVENTS, DO_FPU, DO_XSAVE, DO_XCRS, DO_DEBUGREGS,
	DO_MP_STATE, DO_LAPIC, DO_GUEST_DEBUG, DO_CLOCK, DO_PIT, DO_IRQCHIP, DO_TRANSLATE,
	DO_TSC_ATTR, DO_SYNC,
	/* calls: all else */
	DO_MSR, DO_MSRS, DO_FILTER, DO_CPUID, DO_CAP, DO_EXTENSION, DO_EVENTFD, DO_ZONE,
	DO_IRQ, DO_NMI, DO_MASK, DO_TSC, DO_PLACE, DO_ANY, DO_SCRIBBLE, DO_RING, DO_RUN,
	DO_BESIDE,
	/* guests */
	DO_GPR, DO_FLAGS, DO_FLIP, DO_INJECT, DO_INSN,
	KINDS
};

struct op {
	uint8_t kind, length;
	uint64_t arg[ARGS];
	uint8_t code[CODE_MAX];		/* of DO_INSN, length bytes */
};

struct sequence {
	bool guest;
	unsigned int count;
	struct op ops[OPS_MAX];
};

/* words.c: an operation's name, and those of its arguments. */
struct word {
	const char *name, *args[ARGS];
};
extern const struct word words[KINDS];
void sequence_print(const struct sequence *sequence, FILE *file);
/* False, with a message on standard error that names file and line, if it is none. */
bool sequence_read(struct sequence *sequence, const char *path);
/* Adds one; those beyond OPS_MAX are dropped. */
struct op *sequence_add(struct sequence *sequence, enum kind kind, const uint64_t *args);

/* ---- chance: splitmix64 --------------------------------------------------------------------- */

struct chance {
	uint64_t state;
};

static inline uint64_t chance_next(struct chance *chance)
{
	uint64_t z = chance->state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static inline uint64_t chance_below(struct chance *chance, uint64_t end)
{
	return chance_next(chance) % end;
}

static inline bool chance_of(struct chance *chance, unsigned int percent)
{
	return chance_below(chance, 100) < percent;
}

/* A number that may matter: small, near a power of two, or any. */
uint64_t chance_number(struct chance *chance);
void chance_bytes(struct chance *chance, void *data, size_t size);

/* ---- the two worlds --------------------------------------------------------------------- */

void calls_make(struct sequence *sequence, uint64_t seed);
void guest_make(struct sequence *sequence, uint64_t seed);
/* One instruction for a processor in code of 16, 32 or 64 bits; its length. */
unsigned int insn_make(struct chance *chance, unsigned int bits, uint8_t code[CODE_MAX]);
/* Takes from code what QEMU's processor does not survive: to be called where that is the lab's. */
void insn_spare_qemu(uint8_t *code, unsigned int size);

/* calls.c: performs a sequence in this process, which is to end afterwards. */
void calls_perform(const struct sequence *sequence);
/* guest.c: the same for a guest, in a VM that is kept; what came of guests is counted. */
void guest_perform(const struct sequence *sequence);
void guest_end(void);
bool exit_known(uint32_t reason);	/* one that the guests here can cause */
#define GUEST_ENDS 48
enum { END_REFUSED = GUEST_ENDS - 5, END_NO_MEMORY, END_TIME, CALL_DONE, CALL_REFUSED };
/* How often KVM_RUN ended so, and other calls did; of all processes. */
extern unsigned int *guest_ends;
void count_end(unsigned int end);

/* ---- this process ----------------------------------------------------------------------- */

extern const char *node;
extern bool tcg;	/* the processor is QEMU's, which ends itself over a busy TSS in TR */

/* What is wrong with the target; ends the process. */
noreturn void broken(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* What is wrong here; ends the process. */
noreturn void trouble(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#define BROKEN 1
#define TROUBLE 2

/* ---- guest memory (image.c) ------------------------------------------------------------- */

#define IMAGE_BYTES 0x16000u	/* what is made anew for each guest, from 0 on */
#define RAM_BYTES 0x100000u	/* slot 0 */
#define ROM_AT 0x140000u	/* slot 1, read-only, of ROM_BYTES */
#define ROM_BYTES 0x4000u
#define MMIO_AT 0x180000u	/* mapped by page tables, and no memory */
#define CODE_AT 0x9000u
#define DATA_AT 0xb000u
#define STACK_TOP 0x7ff0u

enum mode { MODE_REAL, MODE_PROT16, MODE_PROT32, MODE_PAGED, MODE_PAE, MODE_COMPAT, MODE_LONG,
	    MODE_VM86, MODES };

extern uint8_t image[IMAGE_BYTES];
void image_make(void);
unsigned int image_bits(enum mode mode);	/* of its code: 16, 32, 64 */
/*
 * The special registers of a mode. How the IDT is: 0 valid, 1 empty, 2 no canonical address
 * or none that is mapped, 3 bytes that are no gates. ring: 0 or 3, where the mode has them.
 */
void image_sregs(struct kvm_sregs *sregs, enum mode mode, unsigned int idt, unsigned int ring);

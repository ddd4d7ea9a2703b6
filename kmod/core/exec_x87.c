// SPDX-License-Identifier: GPL-2.0-only
/*
 * x87 instructions (SDM 1 chapter 8; SDM 2, each instruction): their operands, whether they
 * may be executed, and what they leave for handlers. What they compute is the processor's own
 * work (x87.c), but for those of the control and status words and the environment.
 */
#include "fpu.h"
#include "x87.h"

#define CPUID_FEATURES 7
#define FDP_OF_EXCEPTIONS 0x40u		/* CPUID.7.EBX: FDP is of exceptions alone */
#define FSW_STICKY (FSW_EXCEPTIONS | FSW_SF)
#define FOP_BITS 0x7ffu

/* ---- the image ------------------------------------------------------------------------------ */

static u16 word(const struct x86_exec *x, unsigned int at)
{
	return x->fpu[at] | x->fpu[at + 1] << 8;
}

static void set_word(struct x86_exec *x, unsigned int at, u16 value)
{
	memcpy(x->fpu + at, &value, 2);
}

static unsigned int top(u16 fsw)
{
	return (fsw & FSW_TOP) >> FSW_TOP_SHIFT;
}

/* ES and B follow from the exceptions and their masks. */
static void update_summary(struct x86_exec *x)
{
	u16 fsw = word(x, FX_FSW) & ~(FSW_ES | FSW_B);

	if (fsw & ~word(x, FX_FCW) & FSW_EXCEPTIONS)
		fsw |= FSW_ES | FSW_B;
	set_word(x, FX_FSW, fsw);
}

/* Bit 6 is reserved and reads as one, bits 13 to 15 as zeros. */
static void set_control(struct x86_exec *x, u16 value)
{
	set_word(x, FX_FCW, (value & 0x1f3f) | 0x40);
	update_summary(x);
}

/* A new status word. Registers keep their numbers, and the image has them from TOP on. */
static void set_status(struct x86_exec *x, u16 fsw)
{
	unsigned int by = top(fsw) - top(word(x, FX_FSW));
	u8 st[8 * 16];

	for (unsigned int i = 0; i < 8; i++)
		memcpy(st + 16 * i, x->fpu + FX_ST + 16 * ((i + by) & 7), 16);
	memcpy(x->fpu + FX_ST, st, sizeof(st));
	set_word(x, FX_FSW, fsw);
	update_summary(x);
}

/* The registers to compute with; exceptions that are there already are kept out. */
static void to_registers(const struct x86_exec *x, struct x87_registers *regs)
{
	*regs = (struct x87_registers){
		.fcw = word(x, FX_FCW),
		.fsw = word(x, FX_FSW) & ~(FSW_STICKY | FSW_ES | FSW_B),
	};
	for (unsigned int i = 0; i < 8; i++) {
		if (!(x->fpu[FX_FTW] >> i & 1))
			regs->ftw |= X87_EMPTY << 2 * i;
		memcpy(regs->st[i], x->fpu + FX_ST + 16 * i, sizeof(regs->st[i]));
	}
}

static u8 short_tags(u16 ftw)
{
	u8 tags = 0;

	for (unsigned int i = 0; i < 8; i++) {
		if ((ftw >> 2 * i & 3) != X87_EMPTY)
			tags |= 1u << i;
	}
	return tags;
}

static void set_register(struct x86_exec *x, unsigned int number, const u8 value[10])
{
	memset(x->fpu + FX_ST + 16 * number, 0, 16);
	memcpy(x->fpu + FX_ST + 16 * number, value, 10);
}

static void from_registers(struct x86_exec *x, const struct x87_registers *regs)
{
	u16 sticky = word(x, FX_FSW) & FSW_STICKY;

	for (unsigned int i = 0; i < 8; i++)
		set_register(x, i, regs->st[i]);
	x->fpu[FX_FTW] = short_tags(regs->ftw);
	set_word(x, FX_FSW, (u16)regs->fsw | sticky);
	update_summary(x);
}

/* ---- what is computed ------------------------------------------------------------------- */

#define STORES 0x80u

/* Bytes of the memory operand by the opcode's low three bits and ModRM.reg; 0: no such one. */
static const u8 operands[8][8] = {
	{ 4, 4, 4, 4, 4, 4, 4, 4 },
	{ 4, 0, 4 | STORES, 4 | STORES },
	{ 4, 4, 4, 4, 4, 4, 4, 4 },
	{ 4, 4 | STORES, 4 | STORES, 4 | STORES, 0, 10, 0, 10 | STORES },
	{ 8, 8, 8, 8, 8, 8, 8, 8 },
	{ 8, 8 | STORES, 8 | STORES, 8 | STORES },
	{ 2, 2, 2, 2, 2, 2, 2, 2 },
	{ 2, 2 | STORES, 2 | STORES, 2 | STORES, 10, 8, 10 | STORES, 8 | STORES },
};

static bool pointer_of_exceptions(const struct x86_exec *x)
{
	u32 regs[4];

	x->env->ops->cpuid(x->env->opaque, CPUID_FEATURES, 0, regs);
	return regs[1] & FDP_OF_EXCEPTIONS;
}

/*
 * Where the instruction stood and what it worked on, for handlers (SDM 1 8.1.8). The opcode
 * is that of an instruction with an exception that is not masked (8.1.9).
 */
static void remember(struct x86_exec *x, bool exception)
{
	u64 offset = exec_offset(x);

	if (exception)
		set_word(x, FX_FOP, (x->insn.opcode & 7) << 8 | x->insn.modrm);
	memcpy(x->fpu + FX_FIP, &x->state->rip, 8);
	if (x->insn.memory && (exception || !pointer_of_exceptions(x)))
		memcpy(x->fpu + FX_FDP, &offset, 8);
}

/* But for precision, an exception that is not masked keeps memory as it was. */
static enum x86_result store(struct x86_exec *x, const u8 *value, unsigned int bytes, u16 unmasked)
{
	u64 linear;

	if (unmasked & ~FSW_PE)
		return exec_linear(x, x->insn.segment, exec_offset(x), bytes, EXEC_WRITE, &linear);
	return exec_write(x, x->insn.segment, exec_offset(x), value, bytes, 0);
}

/* Bytes that are no instruction are #UD even if an exception is pending. */
static enum x86_result compute(struct x86_exec *x)
{
	const struct x86_insn *insn = &x->insn;
	u8 form = insn->memory ? operands[insn->opcode & 7][insn->modrm >> 3 & 7] : 0;
	unsigned int bytes = form & ~STORES;
	struct x87_registers regs;
	enum x86_result result;
	u8 operand[10] = { 0 };
	u16 unmasked;

	to_registers(x, &regs);
	if (insn->memory ? !form : !x87_run(&regs, insn->opcode, insn->modrm, NULL, &x->s.rflags))
		return exec_ud(x);
	result = exec_check_pending(x);
	if (result == X86_OK && bytes && !(form & STORES))
		result = exec_read(x, insn->segment, exec_offset(x), operand, bytes, 0);
	if (result != X86_OK)
		return result;
	if (insn->memory)
		x87_run(&regs, insn->opcode, insn->modrm, operand, &x->s.rflags);
	unmasked = regs.fsw & ~word(x, FX_FCW) & FSW_EXCEPTIONS;
	from_registers(x, &regs);
	remember(x, unmasked);
	return form & STORES ? store(x, operand, bytes, unmasked) : X86_OK;
}

/* ---- the environment ---------------------------------------------------------------------- */

#define ENVIRONMENT 7		/* words of 4 bytes, or 2 with an operand size of 16 bits */
#define IMAGE_MAX (4 * ENVIRONMENT + 80)

static bool protected_layout(const struct x86_exec *x)
{
	return x->s.cr0 & CR0_PE && !(x->s.rflags & X86_FLAG_VM);
}

static u32 half_reserved(u16 value)
{
	return 0xffff0000 | value;
}

/*
 * SDM 1 figures 8-9 to 8-12; words of 16 bits are the lower halves. The image has no
 * selectors: they are zeros, as on processors where FCS and FDS are no more (8.1.8).
 */
static void environment(const struct x86_exec *x, u16 ftw, u32 words[ENVIRONMENT])
{
	u32 fop = word(x, FX_FOP) & FOP_BITS, fip, fdp;

	memcpy(&fip, x->fpu + FX_FIP, 4);
	memcpy(&fdp, x->fpu + FX_FDP, 4);
	words[0] = half_reserved(word(x, FX_FCW));
	words[1] = half_reserved(word(x, FX_FSW));
	words[2] = half_reserved(ftw);
	if (protected_layout(x)) {
		words[3] = fip;
		words[4] = fop << 16;
		words[5] = fdp;
		words[6] = half_reserved(0);
		return;
	}
	words[3] = half_reserved(fip);
	words[4] = fip >> 16 << 12 | fop;
	words[5] = half_reserved(fdp);
	words[6] = fdp >> 16 << 12;
}

static void set_pointers(struct x86_exec *x, const u32 words[ENVIRONMENT])
{
	u64 fip = words[3], fdp = words[5];
	u16 fop = words[4] >> 16 & FOP_BITS;

	if (!protected_layout(x)) {
		fip = (words[3] & 0xffff) | words[4] >> 12 << 16;
		fdp = (words[5] & 0xffff) | words[6] >> 12 << 16;
		fop = words[4] & FOP_BITS;
	}
	set_word(x, FX_FOP, fop);
	memcpy(x->fpu + FX_FIP, &fip, 8);
	memcpy(x->fpu + FX_FDP, &fdp, 8);
}

/* Between memory and image, in units that divide it: of 2 or 4 bytes. */
static enum x86_result transfer(struct x86_exec *x, u8 *image, unsigned int bytes, bool write)
{
	unsigned int unit = x->insn.operand_size == 2 ? 2 : 4;
	enum x86_result result;
	u64 linear;

	result = exec_linear(x, x->insn.segment, exec_offset(x), bytes, write ? EXEC_WRITE : 0,
			     &linear);
	for (unsigned int at = 0; at < bytes && result == X86_OK; at += unit)
		result = write ? exec_write_linear(x, linear + at, image + at, unit, 0) :
				 exec_read_linear(x, linear + at, image + at, unit, 0);
	return result;
}

static unsigned int environment_bytes(const struct x86_exec *x)
{
	return ENVIRONMENT * (x->insn.operand_size == 2 ? 2 : 4);
}

/* FNINIT (SDM 1 table 10-2, but the registers stay). */
static void initialize(struct x86_exec *x)
{
	set_status(x, 0);
	memset(x->fpu, 0, FX_MXCSR);
	set_word(x, FX_FCW, 0x37f);
}

/* FNSTENV masks all exceptions then, FNSAVE initializes. */
static enum x86_result store_environment(struct x86_exec *x, bool registers)
{
	unsigned int bytes = environment_bytes(x), unit = bytes / ENVIRONMENT;
	struct x87_registers regs;
	u32 words[ENVIRONMENT];
	u8 image[IMAGE_MAX];
	enum x86_result result;

	/* FNOP: the processor makes whole tags of the short ones. */
	to_registers(x, &regs);
	x87_run(&regs, 0xd9, 0xd0, NULL, &x->s.rflags);
	environment(x, regs.ftw, words);
	for (unsigned int i = 0; i < ENVIRONMENT; i++)
		memcpy(image + i * unit, &words[i], unit);
	memcpy(image + bytes, regs.st, sizeof(regs.st));
	result = transfer(x, image, bytes + (registers ? sizeof(regs.st) : 0), true);
	if (registers)
		initialize(x);
	else
		set_control(x, word(x, FX_FCW) | FSW_EXCEPTIONS);
	return result;
}

static enum x86_result load_environment(struct x86_exec *x, bool registers)
{
	unsigned int bytes = environment_bytes(x), unit = bytes / ENVIRONMENT;
	u32 words[ENVIRONMENT] = { 0 };
	u8 image[IMAGE_MAX];
	enum x86_result result;

	result = transfer(x, image, bytes + (registers ? 80 : 0), false);
	if (result != X86_OK)
		return result;
	for (unsigned int i = 0; i < ENVIRONMENT; i++)
		memcpy(&words[i], image + i * unit, unit);
	set_control(x, words[0]);
	set_status(x, words[1]);
	x->fpu[FX_FTW] = short_tags(words[2]);
	set_pointers(x, words);
	for (unsigned int i = 0; registers && i < 8; i++)
		set_register(x, i, image + bytes + 10 * i);
	return X86_OK;
}

/* ---- control and status --------------------------------------------------------------------- */

static enum x86_result load_control(struct x86_exec *x)
{
	enum x86_result result;
	u64 value;

	result = exec_get(x, AT_RM, 2, 0, &value);
	if (result == X86_OK)
		set_control(x, value);
	return result;
}

/* The opcode, and ModRM without what says where memory is. */
static unsigned int form_of(const struct x86_insn *insn)
{
	return insn->opcode << 8 | (insn->memory ? insn->modrm & 0x38 : insn->modrm);
}

/* Of control instructions, those that wait for an exception that is pending. */
static enum x86_result waiting(struct x86_exec *x, unsigned int form)
{
	enum x86_result result = exec_check_pending(x);

	if (result != X86_OK)
		return result;
	switch (form) {
	case 0xd920:
		return load_environment(x, false);
	case 0xd928:
		return load_control(x);
	case 0xdd20:
		return load_environment(x, true);
	default:
		return X86_OK;	/* FNOP */
	}
}

enum x86_result exec_x87(struct x86_exec *x)
{
	enum x86_result result;
	unsigned int form;

	if (!exec_take_fpu(x))
		return X86_UNIMPLEMENTED;
	result = exec_check_x87(x);
	if (result != X86_OK)
		return result;
	form = form_of(&x->insn);
	switch (form) {
	case 0xd920:
	case 0xd928:
	case 0xd9d0:
	case 0xdd20:
		return waiting(x, form);
	case 0xd930:
		return store_environment(x, false);
	case 0xd938:
		return exec_put(x, AT_RM, 2, 0, word(x, FX_FCW));
	case 0xdbe0:		/* FNENI, FNDISI, FNSETPM: nothing since the 80387 */
	case 0xdbe1:
	case 0xdbe4:
		return X86_OK;
	case 0xdbe2:
		set_word(x, FX_FSW, word(x, FX_FSW) & ~(FSW_STICKY | FSW_ES | FSW_B));
		return X86_OK;
	case 0xdbe3:
		initialize(x);
		return X86_OK;
	case 0xdd30:
		return store_environment(x, true);
	case 0xdd38:
		return exec_put(x, AT_RM, 2, 0, word(x, FX_FSW));
	case 0xdfe0:
		exec_merge_reg(x, X86_RAX, 2, word(x, FX_FSW));
		return X86_OK;
	default:
		return compute(x);
	}
}

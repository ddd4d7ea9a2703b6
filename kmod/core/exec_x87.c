// SPDX-License-Identifier: GPL-2.0-only
/*
 * x87 instructions that move values between memory and the register stack, in every format,
 * and those of the control and status words (SDM 1 chapter 8; SDM 2, each instruction).
 * Arithmetic is not done here: it stays with the processor.
 */
#include "fpu.h"
#include "x87.h"

/* ---- the image ------------------------------------------------------------------------------ */

static u16 word(const struct x86_exec *x, unsigned int at)
{
	return x->fpu[at] | x->fpu[at + 1] << 8;
}

static void set_word(struct x86_exec *x, unsigned int at, u16 value)
{
	memcpy(x->fpu + at, &value, 2);
}

static unsigned int top(const struct x86_exec *x)
{
	return (word(x, FX_FSW) & FSW_TOP) >> FSW_TOP_SHIFT;
}

static void set_top(struct x86_exec *x, unsigned int number)
{
	u16 fsw = word(x, FX_FSW) & ~FSW_TOP;

	set_word(x, FX_FSW, fsw | (number & 7) << FSW_TOP_SHIFT);
}

/* ES and B follow from the exceptions and their masks. */
static void update_summary(struct x86_exec *x)
{
	u16 fsw = word(x, FX_FSW) & ~(FSW_ES | FSW_B);

	if (fsw & ~word(x, FX_FCW) & FSW_EXCEPTIONS)
		fsw |= FSW_ES | FSW_B;
	set_word(x, FX_FSW, fsw);
}

static u16 masked(const struct x86_exec *x)
{
	return word(x, FX_FCW) & FSW_EXCEPTIONS;
}

/* Adds exceptions, and says by C1 whether the result was rounded up, or the stack overflowed. */
static void flag(struct x86_exec *x, u16 exceptions, bool c1)
{
	u16 fsw = word(x, FX_FSW) & ~FSW_C1;

	set_word(x, FX_FSW, fsw | exceptions | (c1 ? FSW_C1 : 0));
	update_summary(x);
}

/* ---- the register stack (SDM 1 8.1.2) ---------------------------------------------- */

static void push(struct x86_exec *x, struct f80 value)
{
	u8 *st = x->fpu + FX_ST;

	memmove(st + 16, st, 7 * 16);
	memset(st, 0, 16);
	memcpy(st, &value.mantissa, 8);
	memcpy(st + 8, &value.exponent, 2);
	set_top(x, top(x) - 1);
	x->fpu[FX_FTW] |= 1u << top(x);
}

static void pop(struct x86_exec *x)
{
	u8 *st = x->fpu + FX_ST, first[16];

	x->fpu[FX_FTW] &= ~(1u << top(x));
	memcpy(first, st, 16);
	memmove(st, st + 16, 7 * 16);
	memcpy(st + 7 * 16, first, 16);
	set_top(x, top(x) + 1);
}

/* Where the instruction stood and what it worked on, for handlers (SDM 1 8.1.8, 8.1.9). */
static void remember(struct x86_exec *x)
{
	u64 offset = exec_offset(x);
	u16 opcode = (x->insn.opcode & 7) << 8 | x->insn.modrm;

	set_word(x, FX_FOP, opcode);
	memcpy(x->fpu + FX_FIP, &x->state->rip, 8);
	memcpy(x->fpu + FX_FDP, &offset, 8);
}

/* ---- loads and stores --------------------------------------------------------------------- */

enum format { NO_FORMAT, SINGLE, DOUBLE, EXTENDED, INTEGER, DECIMAL };
enum action { NO_ACTION, LOAD, STORE, STORE_POP, STORE_TRUNCATED, LOAD_CW, STORE_CW, STORE_SW };

/* What an opcode does to memory, by the opcode's low three bits and ModRM.reg. */
struct form {
	u8 action;		/* enum action; 0: it is not one of these */
	u8 format;		/* enum format */
	u8 bytes;
};

static const struct form forms[8][8] = {
	[1] = { [0] = { LOAD, SINGLE, 4 }, [2] = { STORE, SINGLE, 4 },
		[3] = { STORE_POP, SINGLE, 4 }, [5] = { LOAD_CW, NO_FORMAT, 2 },
		[7] = { STORE_CW, NO_FORMAT, 2 } },
	[3] = { [0] = { LOAD, INTEGER, 4 }, [1] = { STORE_TRUNCATED, INTEGER, 4 },
		[2] = { STORE, INTEGER, 4 }, [3] = { STORE_POP, INTEGER, 4 },
		[5] = { LOAD, EXTENDED, 10 }, [7] = { STORE_POP, EXTENDED, 10 } },
	[5] = { [0] = { LOAD, DOUBLE, 8 }, [1] = { STORE_TRUNCATED, INTEGER, 8 },
		[2] = { STORE, DOUBLE, 8 }, [3] = { STORE_POP, DOUBLE, 8 },
		[7] = { STORE_SW, NO_FORMAT, 2 } },
	[7] = { [0] = { LOAD, INTEGER, 2 }, [1] = { STORE_TRUNCATED, INTEGER, 2 },
		[2] = { STORE, INTEGER, 2 }, [3] = { STORE_POP, INTEGER, 2 },
		[4] = { LOAD, DECIMAL, 10 }, [5] = { LOAD, INTEGER, 8 },
		[6] = { STORE_POP, DECIMAL, 10 }, [7] = { STORE_POP, INTEGER, 8 } },
};

static struct f80 from_memory(const struct form *form, const u8 bytes[10],
			      struct x87_result *result)
{
	struct f80 value = { 0 };
	u64 bits = 0;

	*result = (struct x87_result){ 0 };
	memcpy(&bits, bytes, form->bytes < 8 ? form->bytes : 8);
	switch (form->format) {
	case SINGLE:
	case DOUBLE:
		return x87_from_float(bits, form->bytes, result);
	case INTEGER:
		return x87_from_integer(exec_signed(bits, form->bytes));
	case DECIMAL:
		return x87_from_decimal(bytes);
	default:
		value.mantissa = bits;
		memcpy(&value.exponent, bytes + 8, 2);
		return value;
	}
}

/* An invalid operand, not masked, leaves the stack alone; a denormal does not (SDM 1 8.5). */
static enum x86_result load(struct x86_exec *x, const struct form *form)
{
	unsigned int next = (top(x) - 1) & 7;
	enum x86_result done;
	struct x87_result result;
	struct f80 value;
	u8 bytes[10];

	done = exec_read(x, x->insn.segment, exec_offset(x), bytes, form->bytes, 0);
	if (done != X86_OK)
		return done;
	value = from_memory(form, bytes, &result);
	remember(x);
	if (x->fpu[FX_FTW] >> next & 1) {
		flag(x, FSW_IE | FSW_SF, true);
		if (masked(x) & FSW_IE)
			push(x, x87_indefinite());
		return X86_OK;
	}
	flag(x, result.exceptions, false);
	if (!(result.exceptions & ~masked(x) & FSW_IE))
		push(x, value);
	return X86_OK;
}

static void to_memory(const struct form *form, struct f80 value, enum x87_rounding rounding,
		      u16 mask, u8 bytes[10], struct x87_result *result)
{
	u64 bits;

	*result = (struct x87_result){ 0 };
	switch (form->format) {
	case SINGLE:
	case DOUBLE:
		bits = x87_to_float(value, form->bytes, rounding, mask, result);
		break;
	case INTEGER:
		bits = x87_to_integer(value, form->bytes, rounding, result);
		break;
	case DECIMAL:
		x87_to_decimal(value, rounding, bytes, result);
		return;
	default:
		bits = value.mantissa;
		memcpy(bytes + 8, &value.exponent, 2);
		break;
	}
	memcpy(bytes, &bits, 8);
}

/* What is stored for a register that is empty is the indefinite. */
static struct f80 st0(const struct x86_exec *x, bool empty)
{
	struct f80 value;

	if (empty)
		return x87_indefinite();
	memcpy(&value.mantissa, x->fpu + FX_ST, 8);
	memcpy(&value.exponent, x->fpu + FX_ST + 8, 2);
	return value;
}

/* But for precision, an exception that is not masked keeps memory and stack as they were. */
static enum x86_result store(struct x86_exec *x, const struct form *form)
{
	bool empty = !(x->fpu[FX_FTW] >> top(x) & 1);
	enum x87_rounding rounding = form->action == STORE_TRUNCATED ? X87_TRUNCATE :
				     (enum x87_rounding)(word(x, FX_FCW) >> 10 & 3);
	struct x87_result result;
	enum x86_result done;
	u8 bytes[10];

	to_memory(form, st0(x, empty), rounding, masked(x), bytes, &result);
	if (empty)
		result = (struct x87_result){ .exceptions = FSW_IE | FSW_SF };
	remember(x);
	if (result.exceptions & FSW_EXCEPTIONS & ~masked(x) & ~FSW_PE) {
		u64 linear;

		/* Nothing will be written, and precision is of what was not. */
		flag(x, result.exceptions & ~FSW_PE, false);
		return exec_linear(x, x->insn.segment, exec_offset(x), form->bytes, EXEC_WRITE,
				   &linear);
	}
	done = exec_write(x, x->insn.segment, exec_offset(x), bytes, form->bytes, 0);
	if (done != X86_OK)
		return done;
	flag(x, result.exceptions, result.up);
	if (form->action != STORE)
		pop(x);
	return X86_OK;
}

/* ---- control and status --------------------------------------------------------------------- */

static enum x86_result load_control(struct x86_exec *x)
{
	enum x86_result result;
	u64 value;

	result = exec_get(x, AT_RM, 2, 0, &value);
	if (result != X86_OK)
		return result;
	/* Bit 6 is reserved and reads as one, bits 13 to 15 as zeros. */
	set_word(x, FX_FCW, (value & 0x1f3f) | 0x40);
	update_summary(x);
	return X86_OK;
}

static enum x86_result memory_form(struct x86_exec *x, const struct form *form)
{
	switch (form->action) {
	case LOAD:
		return load(x, form);
	case LOAD_CW:
		return load_control(x);
	case STORE_CW:
		return exec_put(x, AT_RM, 2, 0, word(x, FX_FCW));
	case STORE_SW:
		return exec_put(x, AT_RM, 2, 0, word(x, FX_FSW));
	default:
		return store(x, form);
	}
}

/* FNINIT (SDM 1 table 10-2, but the registers stay); FNCLEX; both wait for nothing. */
static void initialize(struct x86_exec *x)
{
	u8 st[8 * 16];
	unsigned int by = top(x);

	/* Registers keep their bits, and ST0 is R0 now. */
	for (unsigned int i = 0; i < 8; i++)
		memcpy(st + 16 * ((i + by) & 7), x->fpu + FX_ST + 16 * i, 16);
	memcpy(x->fpu + FX_ST, st, sizeof(st));
	memset(x->fpu, 0, FX_MXCSR);
	set_word(x, FX_FCW, 0x37f);
}

static enum x86_result register_form(struct x86_exec *x)
{
	switch (x->insn.opcode << 8 | x->insn.modrm) {
	case 0xdbe2:
		set_word(x, FX_FSW, word(x, FX_FSW) & ~(FSW_EXCEPTIONS | FSW_SF | FSW_ES | FSW_B));
		return X86_OK;
	case 0xdbe3:
		initialize(x);
		return X86_OK;
	case 0xdfe0:
		exec_merge_reg(x, X86_RAX, 2, word(x, FX_FSW));
		return X86_OK;
	default:
		return X86_UNIMPLEMENTED;
	}
}

static bool waits(u8 action)
{
	return action != STORE_CW && action != STORE_SW;
}

enum x86_result exec_x87(struct x86_exec *x)
{
	const struct form *form = &forms[x->insn.opcode & 7][x->insn.modrm >> 3 & 7];
	enum x86_result result;

	if (!exec_take_fpu(x))
		return X86_UNIMPLEMENTED;
	result = exec_check_x87(x);
	if (result != X86_OK)
		return result;
	if (!x->insn.memory)
		return register_form(x);
	if (!form->action)
		return X86_UNIMPLEMENTED;
	if (waits(form->action)) {
		result = exec_check_pending(x);
		if (result != X86_OK)
			return result;
	}
	return memory_form(x, form);
}

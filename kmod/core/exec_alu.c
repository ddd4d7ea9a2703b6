// SPDX-License-Identifier: GPL-2.0-only
/*
 * Arithmetic, logic, shifts, bits, multiplication and division, decimal adjustment:
 * what computes a result and flags from operands (SDM 2, each instruction's page).
 * Flags that the manual leaves undefined stay as they are, unless said otherwise.
 */
#include "exec_parts.h"

/* ---- flags ---------------------------------------------------------------------------- */

static bool even_parity(u8 byte)
{
	/* Bit n of the constant: whether n has an odd number of bits set. */
	return !(0x6996 >> ((byte ^ byte >> 4) & 15) & 1);
}

static void set_szp(struct x86_exec *x, u64 result, unsigned int size)
{
	exec_flag(x, X86_FLAG_SF, result & exec_sign_bit(size));
	exec_flag(x, X86_FLAG_ZF, !(result & exec_mask(size)));
	exec_flag(x, X86_FLAG_PF, even_parity(result));
}

static void set_logic(struct x86_exec *x, u64 result, unsigned int size)
{
	exec_flag(x, X86_FLAG_CF | X86_FLAG_OF, false);
	set_szp(x, result, size);
}

/* a + b + carry, with all flags but, if keep_carry, CF. */
static u64 add(struct x86_exec *x, u64 a, u64 b, bool carry, unsigned int size, bool keep_carry)
{
	u64 result = (a + b + carry) & exec_mask(size);
	/* The carry out of each bit position (Hacker's Delight 2-16). */
	u64 carries = (a & b) | ((a | b) & ~result);

	if (!keep_carry)
		exec_flag(x, X86_FLAG_CF, carries & exec_sign_bit(size));
	exec_flag(x, X86_FLAG_AF, carries & 8);
	exec_flag(x, X86_FLAG_OF, (a ^ result) & (b ^ result) & exec_sign_bit(size));
	set_szp(x, result, size);
	return result;
}

static u64 subtract(struct x86_exec *x, u64 a, u64 b, bool borrow, unsigned int size,
		    bool keep_carry)
{
	u64 result = (a - b - borrow) & exec_mask(size);
	u64 borrows = (~a & b) | ((~a | b) & result);

	if (!keep_carry)
		exec_flag(x, X86_FLAG_CF, borrows & exec_sign_bit(size));
	exec_flag(x, X86_FLAG_AF, borrows & 8);
	exec_flag(x, X86_FLAG_OF, (a ^ b) & (a ^ result) & exec_sign_bit(size));
	set_szp(x, result, size);
	return result;
}

void exec_compare(struct x86_exec *x, u64 a, u64 b, unsigned int size)
{
	subtract(x, a, b, false, size, false);
}

u64 exec_add_flags(struct x86_exec *x, u64 a, u64 b, unsigned int size)
{
	return add(x, a, b, false, size, false);
}

/* ---- operands that are read, changed and written ------------------------------------------- */

/* Access of an operand that is written back: LOCK makes it one. */
static unsigned int rmw(const struct x86_exec *x)
{
	return EXEC_RMW | (x->insn.lock ? EXEC_LOCKED : 0);
}

static enum x86_result get_rmw(struct x86_exec *x, u64 *value)
{
	return exec_get(x, x->insn.dst, x->insn.size, rmw(x), value);
}

static enum x86_result put_rmw(struct x86_exec *x, u64 value)
{
	return exec_put(x, x->insn.dst, x->insn.size, x->insn.lock ? EXEC_LOCKED : 0, value);
}

/* ---- two operands --------------------------------------------------------------- */

static u64 compute(struct x86_exec *x, u64 a, u64 b, unsigned int size)
{
	bool carry = x->s.rflags & X86_FLAG_CF;
	u64 result;

	switch (x->insn.op) {
	case OP_ADD:
		return add(x, a, b, false, size, false);
	case OP_ADC:
		return add(x, a, b, carry, size, false);
	case OP_SBB:
		return subtract(x, a, b, carry, size, false);
	case OP_SUB:
	case OP_CMP:
		return subtract(x, a, b, false, size, false);
	case OP_OR:
		result = a | b;
		break;
	case OP_XOR:
		result = a ^ b;
		break;
	default:		/* AND, TEST */
		result = a & b;
		break;
	}
	set_logic(x, result, size);
	return result;
}

enum x86_result exec_arithmetic(struct x86_exec *x)
{
	bool writes = x->insn.op != OP_CMP && x->insn.op != OP_TEST;
	enum x86_result result;
	u64 a, b;

	result = exec_get(x, x->insn.dst, x->insn.size, writes ? rmw(x) : 0, &a);
	if (result != X86_OK)
		return result;
	result = exec_get(x, x->insn.src, x->insn.size, 0, &b);
	if (result != X86_OK)
		return result;
	a = compute(x, a, b, x->insn.size);
	return writes ? put_rmw(x, a) : X86_OK;
}

/* ---- one operand ---------------------------------------------------------------- */

enum x86_result exec_unary(struct x86_exec *x)
{
	unsigned int size = x->insn.size;
	enum x86_result result;
	u64 a;

	result = get_rmw(x, &a);
	if (result != X86_OK)
		return result;
	switch (x->insn.op) {
	case OP_INC:
		a = add(x, a, 1, false, size, true);
		break;
	case OP_DEC:
		a = subtract(x, a, 1, false, size, true);
		break;
	case OP_NEG:
		a = subtract(x, 0, a, false, size, false);
		break;
	default:		/* NOT: no flags */
		a = ~a;
		break;
	}
	return put_rmw(x, a);
}

/* ---- shifts and rotates --------------------------------------------------------- */

static void set_of_of_rotate(struct x86_exec *x, u64 result, unsigned int size, bool left)
{
	bool top = result & exec_sign_bit(size);
	bool other = left ? x->s.rflags & X86_FLAG_CF : result & (exec_sign_bit(size) >> 1);

	exec_flag(x, X86_FLAG_OF, top != other);
}

static u64 rotate(struct x86_exec *x, u64 a, unsigned int count, unsigned int size, bool left)
{
	unsigned int bits = 8 * size, by = count % bits;

	if (by)
		a = left ? a << by | a >> (bits - by) : a >> by | a << (bits - by);
	a &= exec_mask(size);
	exec_flag(x, X86_FLAG_CF, left ? a & 1 : a & exec_sign_bit(size));
	set_of_of_rotate(x, a, size, left);
	return a;
}

/* Through CF: one bit more takes part. A bit at a time: at most 63. */
static u64 rotate_carry(struct x86_exec *x, u64 a, unsigned int count, unsigned int size, bool left)
{
	unsigned int by = count % (8 * size + 1);

	for (unsigned int i = 0; i < by; i++) {
		bool carry = x->s.rflags & X86_FLAG_CF;

		if (left) {
			exec_flag(x, X86_FLAG_CF, a & exec_sign_bit(size));
			a = (a << 1 | carry) & exec_mask(size);
		} else {
			exec_flag(x, X86_FLAG_CF, a & 1);
			a = a >> 1 | (carry ? exec_sign_bit(size) : 0);
		}
	}
	set_of_of_rotate(x, a, size, left);
	return a;
}

static u64 shift_left(struct x86_exec *x, u64 a, unsigned int count, unsigned int size)
{
	unsigned int bits = 8 * size;
	bool out = count <= bits && a >> (bits - count) & 1;
	u64 result = (count < bits ? a << count : 0) & exec_mask(size);

	exec_flag(x, X86_FLAG_CF, out);
	exec_flag(x, X86_FLAG_OF, out != !!(result & exec_sign_bit(size)));
	set_szp(x, result, size);
	return result;
}

static u64 shift_right(struct x86_exec *x, u64 a, unsigned int count, unsigned int size,
		       bool arithmetic)
{
	unsigned int bits = 8 * size;
	s64 wide = arithmetic ? exec_signed(a, size) : (s64)a;
	bool out;
	u64 result;

	if (arithmetic) {
		unsigned int by = count < bits ? count : bits - 1;

		out = wide >> (count < bits ? count - 1 : bits - 1) & 1;
		result = wide >> by;
	} else {
		out = count <= bits && a >> (count - 1) & 1;
		result = count < bits ? a >> count : 0;
	}
	exec_flag(x, X86_FLAG_CF, out);
	exec_flag(x, X86_FLAG_OF, !arithmetic && a & exec_sign_bit(size));
	set_szp(x, result, size);
	return result & exec_mask(size);
}

static u64 shift_once(struct x86_exec *x, u64 a, unsigned int count)
{
	unsigned int size = x->insn.size;

	switch (x->insn.op) {
	case OP_ROL:
		return rotate(x, a, count, size, true);
	case OP_ROR:
		return rotate(x, a, count, size, false);
	case OP_RCL:
		return rotate_carry(x, a, count, size, true);
	case OP_RCR:
		return rotate_carry(x, a, count, size, false);
	case OP_SHR:
		return shift_right(x, a, count, size, false);
	case OP_SAR:
		return shift_right(x, a, count, size, true);
	default:
		return shift_left(x, a, count, size);
	}
}

/* The count is taken modulo 32, or 64 with REX.W. A count of 0 changes no flag. */
static unsigned int shift_count(const struct x86_exec *x, u64 count)
{
	return count & (x->insn.size == 8 ? 63 : 31);
}

enum x86_result exec_shift(struct x86_exec *x)
{
	enum x86_result result;
	u64 a, count;

	result = get_rmw(x, &a);
	if (result != X86_OK)
		return result;
	result = exec_get(x, x->insn.src, 1, 0, &count);
	if (result != X86_OK)
		return result;
	count = shift_count(x, count);
	if (count)
		a = shift_once(x, a, count);
	return put_rmw(x, a);
}

/* One of the two registers shifted into the other; bits beyond come from the second. */
static u64 double_shift(struct x86_exec *x, u64 a, u64 b, unsigned int count, unsigned int size)
{
	unsigned int bits = 8 * size;
	bool left = x->insn.op == OP_SHLD;
	u64 result;
	bool out;

	if (count > bits) {	/* 16 bits by more than 16: undefined; the pair goes round */
		count -= bits;
		a = b;
	}
	if (left) {
		out = a >> (bits - count) & 1;
		result = (count < bits ? a << count : 0) | b >> (bits - count);
	} else {
		out = a >> (count - 1) & 1;
		result = (count < bits ? a >> count : 0) | b << (bits - count);
	}
	exec_flag(x, X86_FLAG_CF, out);
	exec_flag(x, X86_FLAG_OF, (a ^ result) & exec_sign_bit(size));
	set_szp(x, result, size);
	return result & exec_mask(size);
}

enum x86_result exec_double_shift(struct x86_exec *x)
{
	unsigned int size = x->insn.size;
	enum x86_result result;
	u64 a, count;

	result = get_rmw(x, &a);
	if (result != X86_OK)
		return result;
	count = shift_count(x, x->insn.opcode & 1 ? x->s.gpr[X86_RCX] : x->insn.immediate);
	if (count)
		a = double_shift(x, a, exec_get_reg(x, x->insn.reg, size), count, size);
	return put_rmw(x, a);
}

/* ---- multiplication and division ------------------------------------------------ */

/* The low and high half of the product go to rAX and rDX, of bytes to AX. */
static void put_product(struct x86_exec *x, u64 low, u64 high, unsigned int size)
{
	if (size == 1) {
		exec_merge_reg(x, X86_RAX, 2, (low & 0xff) | (high & 0xff) << 8);
		return;
	}
	exec_set_reg(x, X86_RAX, size, low);
	exec_set_reg(x, X86_RDX, size, high);
}

/* The product's high half; the low half is a * b in any case. */
static u64 high_half(u64 a, u64 b, unsigned int size, bool is_signed)
{
	if (size == 8 && is_signed)
		return (u64)(((__int128)(s64)a * (s64)b) >> 64);
	if (size == 8)
		return (u64)(((unsigned __int128)a * b) >> 64);
	if (is_signed)
		return (u64)(exec_signed(a, size) * exec_signed(b, size)) >> (8 * size);
	return (a * b) >> (8 * size);
}

static void set_multiplied(struct x86_exec *x, u64 low, bool overflow, unsigned int size)
{
	exec_flag(x, X86_FLAG_CF | X86_FLAG_OF, overflow);
	set_szp(x, low, size);
}

enum x86_result exec_multiply(struct x86_exec *x)
{
	unsigned int size = x->insn.size;
	bool is_signed = x->insn.op == OP_IMUL;
	enum x86_result result;
	u64 a = exec_get_reg(x, X86_RAX, size), b, low, high, extension = 0;

	result = exec_get(x, x->insn.dst, size, 0, &b);
	if (result != X86_OK)
		return result;
	low = (a * b) & exec_mask(size);
	high = high_half(a, b, size, is_signed) & exec_mask(size);
	if (is_signed && low & exec_sign_bit(size))
		extension = exec_mask(size);
	put_product(x, low, high, size);
	set_multiplied(x, low, high != extension, size);
	return X86_OK;
}

/* IMUL r, r/m and IMUL r, r/m, imm: the high half is lost. */
enum x86_result exec_multiply_short(struct x86_exec *x)
{
	unsigned int size = x->insn.size;
	enum x86_result result;
	u64 a, b, low, high;

	result = exec_get(x, x->insn.src, size, 0, &a);
	if (result != X86_OK)
		return result;
	b = x->insn.op == OP_IMUL3 ? x->insn.immediate & exec_mask(size) :
				     exec_get_reg(x, x->insn.reg, size);
	low = (a * b) & exec_mask(size);
	high = high_half(a, b, size, true) & exec_mask(size);
	set_multiplied(x, low, high != (low & exec_sign_bit(size) ? exec_mask(size) : 0), size);
	exec_set_reg(x, x->insn.reg, size, low);
	return X86_OK;
}

/*
 * 128 bits by 64 without a library: false if the quotient does not fit in 64 bits. A bit
 * at a time, as by hand.
 */
static bool divide_wide(u64 high, u64 low, u64 by, u64 *quotient, u64 *remainder)
{
	if (high >= by)
		return false;
	for (unsigned int i = 0; i < 64; i++) {
		bool carry = high >> 63;

		high = high << 1 | low >> 63;
		low <<= 1;
		if (carry || high >= by) {
			high -= by;
			low |= 1;
		}
	}
	*quotient = low;
	*remainder = high;
	return true;
}

static bool divide_unsigned(u64 high, u64 low, u64 by, unsigned int size, u64 *quotient,
			    u64 *remainder)
{
	u64 whole;

	if (!by)
		return false;
	if (size == 8)
		return divide_wide(high, low, by, quotient, remainder);
	whole = high << (8 * size) | low;
	*quotient = whole / by;
	*remainder = whole % by;
	return *quotient <= exec_mask(size);
}

/* By magnitudes; the remainder has the dividend's sign (SDM 2 IDIV). */
static bool divide_signed(u64 high, u64 low, u64 by, unsigned int size, u64 *quotient,
			  u64 *remainder)
{
	u64 mask = exec_mask(size), sign = exec_sign_bit(size);
	bool negative = high & sign, by_negative = by & sign;

	if (negative) {
		low = -low & mask;
		high = (~high + !low) & mask;
	}
	if (by_negative)
		by = -by & mask;
	if (!divide_unsigned(high, low, by, size, quotient, remainder))
		return false;
	if (*quotient > (negative != by_negative ? sign : sign - 1))
		return false;
	if (negative != by_negative)
		*quotient = -*quotient;
	if (negative)
		*remainder = -*remainder;
	return true;
}

enum x86_result exec_divide(struct x86_exec *x)
{
	unsigned int size = x->insn.size;
	u64 low = exec_get_reg(x, X86_RAX, size), high, by, quotient, remainder;
	enum x86_result result;
	bool ok;

	result = exec_get(x, x->insn.dst, size, 0, &by);
	if (result != X86_OK)
		return result;
	high = size == 1 ? x->s.gpr[X86_RAX] >> 8 & 0xff : exec_get_reg(x, X86_RDX, size);
	if (x->insn.op == OP_DIV)
		ok = divide_unsigned(high, low, by, size, &quotient, &remainder);
	else
		ok = divide_signed(high, low, by, size, &quotient, &remainder);
	if (!ok)
		return exec_fault(x, X86_DE);
	put_product(x, quotient, remainder, size);
	return X86_OK;
}

/* ---- bits ----------------------------------------------------------------------- */

/*
 * BT and its like. A bit's number in a register reaches beyond a memory operand: the byte
 * string goes on in both directions (SDM 2 BT).
 */
enum x86_result exec_bit(struct x86_exec *x)
{
	unsigned int size = x->insn.size;
	bool writes = x->insn.op != OP_BT;
	enum x86_result result;
	u64 a, number, mask;

	if (x->insn.src == AT_IMM) {
		number = x->insn.immediate & 0xff;
	} else {
		number = exec_get_reg(x, x->insn.reg, size);
		if (x->insn.memory)
			x->insn.displacement += (exec_signed(number, size) >> (size == 8 ? 6 :
						 size == 4 ? 5 : 4)) * (s64)size;
	}
	mask = 1ull << (number & (8 * size - 1));
	result = exec_get(x, x->insn.dst, size, writes ? rmw(x) : 0, &a);
	if (result != X86_OK)
		return result;
	exec_flag(x, X86_FLAG_CF, a & mask);
	if (!writes)
		return X86_OK;
	a = x->insn.op == OP_BTS ? a | mask : x->insn.op == OP_BTR ? a & ~mask : a ^ mask;
	return put_rmw(x, a);
}

enum x86_result exec_scan(struct x86_exec *x)
{
	unsigned int size = x->insn.size;
	bool forward = x->insn.op == OP_BSF || x->insn.op == OP_TZCNT;
	bool counts = x->insn.op == OP_TZCNT || x->insn.op == OP_LZCNT;
	enum x86_result result;
	u64 a, at;

	result = exec_get(x, x->insn.src, size, 0, &a);
	if (result != X86_OK)
		return result;
	if (!a) {
		exec_flag(x, X86_FLAG_CF, counts || x->s.rflags & X86_FLAG_CF);
		exec_flag(x, X86_FLAG_ZF, !counts);
		if (counts)
			exec_set_reg(x, x->insn.reg, size, 8 * size);
		return X86_OK;
	}
	at = forward ? __builtin_ctzll(a) : 63 - __builtin_clzll(a);
	if (x->insn.op == OP_LZCNT)
		at = 8 * size - 1 - at;
	if (counts)
		exec_flag(x, X86_FLAG_CF, false);
	exec_flag(x, X86_FLAG_ZF, counts && !at);
	exec_set_reg(x, x->insn.reg, size, at);
	return X86_OK;
}

enum x86_result exec_popcnt(struct x86_exec *x)
{
	enum x86_result result;
	u64 a, bits = 0;

	result = exec_get(x, x->insn.src, x->insn.size, 0, &a);
	if (result != X86_OK)
		return result;
	for (u64 rest = a; rest; rest &= rest - 1)
		bits++;
	exec_flag(x, X86_FLAGS_STATUS, false);
	exec_flag(x, X86_FLAG_ZF, !a);
	exec_set_reg(x, x->insn.reg, x->insn.size, bits);
	return X86_OK;
}

/* CRC-32C, reflected: polynomial 0x11edc6f41 (SDM 2 CRC32). */
enum x86_result exec_crc32(struct x86_exec *x)
{
	enum x86_result result;
	u32 crc = x->s.gpr[x->insn.reg];
	u64 a;

	result = exec_get(x, AT_RM, x->insn.size, 0, &a);
	if (result != X86_OK)
		return result;
	for (unsigned int bit = 0; bit < 8 * x->insn.size; bit++, a >>= 1)
		crc = crc >> 1 ^ ((crc ^ a) & 1 ? 0x82f63b78 : 0);
	exec_set_reg(x, x->insn.reg, 8, crc);
	return X86_OK;
}

enum x86_result exec_bswap(struct x86_exec *x)
{
	unsigned int size = x->insn.size;
	u64 a = 0;

	exec_get(x, AT_LOW, size, 0, &a);
	a = __builtin_bswap64(a) >> (64 - 8 * size);
	/* Of 16 bits the result is undefined; processors clear them. */
	return exec_put(x, AT_LOW, size, 0, size == 2 ? 0 : a);
}

/* ---- decimal arithmetic (SDM 2 AAA, AAD, AAM, AAS, DAA, DAS) -------------------- */

static void adjust_ascii(struct x86_exec *x, int sign)
{
	u64 ax = exec_get_reg(x, X86_RAX, 2);
	bool adjust = (ax & 15) > 9 || x->s.rflags & X86_FLAG_AF;

	if (adjust)
		ax += sign * 0x106;
	exec_flag(x, X86_FLAG_AF | X86_FLAG_CF, adjust);
	exec_merge_reg(x, X86_RAX, 2, ax & 0xff0f);
}

static void adjust_decimal(struct x86_exec *x, int sign)
{
	u8 al = x->s.gpr[X86_RAX], old = al;
	bool carry = x->s.rflags & X86_FLAG_CF, low_carry = false;
	bool low = (al & 15) > 9 || x->s.rflags & X86_FLAG_AF;
	bool high = old > 0x99 || carry;

	if (low) {
		low_carry = sign > 0 ? al > 0xff - 6 : al < 6;
		al += sign * 6;
	}
	if (high)
		al += sign * 0x60;
	exec_flag(x, X86_FLAG_AF, low);
	exec_flag(x, X86_FLAG_CF, high || (low && low_carry));
	exec_merge_reg(x, X86_RAX, 1, al);
	set_szp(x, al, 1);
}

enum x86_result exec_decimal(struct x86_exec *x)
{
	u8 al = x->s.gpr[X86_RAX], ah = x->s.gpr[X86_RAX] >> 8, base = x->insn.immediate;

	switch (x->insn.op) {
	case OP_AAA:
		adjust_ascii(x, 1);
		return X86_OK;
	case OP_AAS:
		adjust_ascii(x, -1);
		return X86_OK;
	case OP_DAA:
		adjust_decimal(x, 1);
		return X86_OK;
	case OP_DAS:
		adjust_decimal(x, -1);
		return X86_OK;
	case OP_AAM:
		if (!base)
			return exec_fault(x, X86_DE);
		ah = al / base;
		al %= base;
		break;
	default:		/* AAD */
		al += ah * base;
		ah = 0;
		break;
	}
	exec_merge_reg(x, X86_RAX, 2, al | ah << 8);
	set_szp(x, al, 1);
	return X86_OK;
}

/* ---- the accumulator and flags -------------------------------------------------- */

/* CBW, CWDE, CDQE: the lower half sign-extended over the whole. */
enum x86_result exec_cbw(struct x86_exec *x)
{
	unsigned int size = x->insn.size;

	exec_set_reg(x, X86_RAX, size, exec_signed(x->s.gpr[X86_RAX], size / 2));
	return X86_OK;
}

/* CWD, CDQ, CQO: the sign of rAX all over rDX. */
enum x86_result exec_cwd(struct x86_exec *x)
{
	unsigned int size = x->insn.size;

	exec_set_reg(x, X86_RDX, size, exec_signed(x->s.gpr[X86_RAX], size) < 0 ? ~0ull : 0);
	return X86_OK;
}

enum x86_result exec_flags_ah(struct x86_exec *x)
{
	u64 mask = X86_FLAG_SF | X86_FLAG_ZF | X86_FLAG_AF | X86_FLAG_PF | X86_FLAG_CF;

	if (x->insn.op == OP_LAHF) {
		u64 flags = (x->s.rflags & mask) | X86_FLAG_ONE;

		x->s.gpr[X86_RAX] = (x->s.gpr[X86_RAX] & ~0xff00ull) | flags << 8;
	} else {
		x->s.rflags = (x->s.rflags & ~mask) | (x->s.gpr[X86_RAX] >> 8 & mask);
	}
	return X86_OK;
}

enum x86_result exec_carry(struct x86_exec *x)
{
	switch (x->insn.op) {
	case OP_CMC:
		x->s.rflags ^= X86_FLAG_CF;
		break;
	case OP_CLC:
	case OP_STC:
		exec_flag(x, X86_FLAG_CF, x->insn.op == OP_STC);
		break;
	case OP_SALC:
		exec_merge_reg(x, X86_RAX, 1, x->s.rflags & X86_FLAG_CF ? 0xff : 0);
		break;
	default:		/* CLD, STD */
		exec_flag(x, X86_FLAG_DF, x->insn.op == OP_STD);
		break;
	}
	return X86_OK;
}

// SPDX-License-Identifier: GPL-2.0-only
/* Conversions of the x87's formats, by integers alone: the kernel has no floating point. */
#include "x87.h"

#include "fpu.h"

#define BIAS80 16383
#define DECIMAL_MAX 999999999999999999ull
#define DECIMAL_BYTES 9

struct f80 x87_indefinite(void)
{
	return (struct f80){ F80_INTEGER | F80_QUIET, F80_SIGN | F80_EXPONENT };
}

/* ---- a single or double --------------------------------------------------------------------- */

struct format {
	unsigned int fraction;	/* bits */
	int bias;
	u64 exponents;		/* the one of infinities and NaNs */
};

static struct format format_of(unsigned int size)
{
	return size == 4 ? (struct format){ 23, 127, 0xff } : (struct format){ 52, 1023, 0x7ff };
}

/* ---- loads ------------------------------------------------------------------------------ */

/* A magnitude of 64 bits with an exponent that is right for bit 63, and a sign. */
static struct f80 normalize(u64 mantissa, int exponent, bool negative)
{
	unsigned int shift;

	if (!mantissa)
		return (struct f80){ 0, negative ? F80_SIGN : 0 };
	shift = __builtin_clzll(mantissa);
	return (struct f80){ mantissa << shift,
			     (exponent - (int)shift) | (negative ? F80_SIGN : 0) };
}

struct f80 x87_from_float(u64 bits, unsigned int size, struct x87_result *result)
{
	struct format f = format_of(size);
	bool negative = bits >> (8 * size - 1) & 1;
	u64 exponent = bits >> f.fraction & f.exponents;
	u64 mantissa = bits << (63 - f.fraction) & ~F80_INTEGER;
	u16 sign = negative ? F80_SIGN : 0;

	*result = (struct x87_result){ 0 };
	if (exponent == f.exponents) {
		if (mantissa && !(mantissa & F80_QUIET))
			result->exceptions = FSW_IE;
		if (mantissa)
			mantissa |= F80_QUIET;
		return (struct f80){ mantissa | F80_INTEGER, sign | F80_EXPONENT };
	}
	if (exponent)
		return (struct f80){ mantissa | F80_INTEGER,
				     (exponent - f.bias + BIAS80) | sign };
	if (mantissa)
		result->exceptions = FSW_DE;
	return normalize(mantissa, 1 - f.bias + BIAS80, negative);
}

struct f80 x87_from_integer(s64 value)
{
	return normalize(value < 0 ? -(u64)value : (u64)value, BIAS80 + 63, value < 0);
}

struct f80 x87_from_decimal(const u8 bytes[10])
{
	u64 value = 0;

	for (int i = DECIMAL_BYTES - 1; i >= 0; i--)
		value = value * 100 + (bytes[i] >> 4) * 10 + (bytes[i] & 15);
	return normalize(value, BIAS80 + 63, bytes[DECIMAL_BYTES] & 0x80);
}

/* ---- rounding (SDM 1 4.8.4) ----------------------------------------------------------------- */

/* value >> count, rounded; PE and `up` say how. The result has 64 bits: count is not 0. */
static u64 shift_right(u64 value, unsigned int count, bool negative, enum x87_rounding rounding,
		       struct x87_result *result)
{
	u64 kept = count < 64 ? value >> count : 0;
	bool half = count <= 64 && value >> (count - 1) & 1;
	bool rest = count > 64 ? value : (value & ((1ull << (count - 1)) - 1));
	bool up;

	switch (rounding) {
	case X87_NEAREST:
		up = half && (rest || kept & 1);
		break;
	case X87_DOWN:
		up = negative && (half || rest);
		break;
	case X87_UP:
		up = !negative && (half || rest);
		break;
	default:
		up = false;
		break;
	}
	result->exceptions &= ~FSW_PE;
	if (half || rest)
		result->exceptions |= FSW_PE;
	result->up = up;
	return kept + up;
}

/* Formats that processors since the 80387 refuse: the integer bit must agree (SDM 1 8.2.2). */
static bool unsupported(struct f80 value)
{
	return value.exponent & F80_EXPONENT && !(value.mantissa & F80_INTEGER);
}

/* ---- stores --------------------------------------------------------------------------------- */

static u64 store_special(struct f80 value, const struct format *f, struct x87_result *result)
{
	u64 fraction = value.mantissa << 1 >> 1;

	if (fraction && !(fraction & F80_QUIET))
		result->exceptions = FSW_IE;
	if (fraction)
		fraction |= F80_QUIET;
	return f->exponents << f->fraction | fraction >> (63 - f->fraction);
}

/* What an overflow leaves: infinity, or the largest number, by the direction of rounding. */
static u64 store_overflow(bool negative, const struct format *f, enum x87_rounding rounding,
			  struct x87_result *result)
{
	u64 infinity = f->exponents << f->fraction;

	result->up = rounding == X87_NEAREST || rounding == (negative ? X87_DOWN : X87_UP);
	result->exceptions = FSW_OE | FSW_PE;
	return result->up ? infinity : infinity - 1;
}

/* Below the least normal number: denormal, by a longer shift. */
static u64 store_tiny(struct f80 value, unsigned int shift, enum x87_rounding rounding, u16 masked,
		      struct x87_result *result)
{
	u64 bits = shift_right(value.mantissa, shift, value.exponent & F80_SIGN, rounding, result);

	if (result->exceptions & FSW_PE || !(masked & FSW_UE))
		result->exceptions |= FSW_UE;
	return bits;
}

static u64 store_finite(struct f80 value, const struct format *f, enum x87_rounding rounding,
			u16 masked, struct x87_result *result)
{
	bool negative = value.exponent & F80_SIGN;
	unsigned int shift = 63 - f->fraction;
	int exponent = (value.exponent & F80_EXPONENT) - BIAS80 + f->bias;
	u64 bits;

	if (!value.mantissa)
		return 0;
	if (!(value.exponent & F80_EXPONENT))
		exponent++;	/* denormals have the least exponent that there is */
	bits = shift_right(value.mantissa, shift, negative, rounding, result);
	/* Tiny is what is so after rounding, were there no least exponent (SDM 1 4.9.1.5). */
	if (exponent + (bits >> (f->fraction + 1) ? 1 : 0) < 1 || !(value.mantissa & F80_INTEGER))
		return store_tiny(value, shift + 1 - exponent, rounding, masked, result);
	/* The integer bit, or the carry out of it, adds one to the exponent. */
	exponent--;
	if (exponent + (int)(bits >> f->fraction) >= (int)f->exponents)
		return store_overflow(negative, f, rounding, result);
	return bits + ((u64)exponent << f->fraction);
}

u64 x87_to_float(struct f80 value, unsigned int size, enum x87_rounding rounding, u16 masked,
		 struct x87_result *result)
{
	struct format f = format_of(size);
	u64 sign = value.exponent & F80_SIGN ? 1ull << (8 * size - 1) : 0;

	*result = (struct x87_result){ 0 };
	if (unsupported(value)) {
		result->exceptions = FSW_IE;
		value = x87_indefinite();
		return 1ull << (8 * size - 1) | store_special(value, &f, &(struct x87_result){ 0 });
	}
	if ((value.exponent & F80_EXPONENT) == F80_EXPONENT)
		return sign | store_special(value, &f, result);
	return sign | store_finite(value, &f, rounding, masked, result);
}

/* The magnitude as an integer; false if it has more than 64 bits, or is no number. */
static bool magnitude(struct f80 value, enum x87_rounding rounding, u64 *out,
		      struct x87_result *result)
{
	bool negative = value.exponent & F80_SIGN;
	int exponent = (value.exponent & F80_EXPONENT) - BIAS80;

	*result = (struct x87_result){ 0 };
	if (unsupported(value) || exponent > 63)
		return false;
	if (exponent == 63) {
		*out = value.mantissa;
		return true;
	}
	*out = shift_right(value.mantissa, exponent < -2 ? 66 : 63 - exponent, negative, rounding,
			   result);
	return true;
}

static void invalid(struct x87_result *result)
{
	*result = (struct x87_result){ .exceptions = FSW_IE };
}

u64 x87_to_integer(struct f80 value, unsigned int size, enum x87_rounding rounding,
		   struct x87_result *result)
{
	bool negative = value.exponent & F80_SIGN;
	u64 least = 1ull << (8 * size - 1), number;

	if (!magnitude(value, rounding, &number, result) ||
	    number > (negative ? least : least - 1)) {
		invalid(result);
		return least;
	}
	return (negative ? -number : number) & (least | (least - 1));
}

void x87_to_decimal(struct f80 value, enum x87_rounding rounding, u8 bytes[10],
		    struct x87_result *result)
{
	static const u8 indefinite[10] = { [7] = 0xc0, 0xff, 0xff };
	u64 number;

	if (!magnitude(value, rounding, &number, result) || number > DECIMAL_MAX) {
		invalid(result);
		memcpy(bytes, indefinite, sizeof(indefinite));
		return;
	}
	for (unsigned int i = 0; i < DECIMAL_BYTES; i++, number /= 100)
		bytes[i] = number % 10 | number / 10 % 10 << 4;
	bytes[DECIMAL_BYTES] = value.exponent & F80_SIGN ? 0x80 : 0;
}

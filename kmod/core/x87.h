/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Conversions between the x87's format of 80 bits and what is in memory (SDM 1 4.8, 8.2,
 * 8.5). Pure functions: they know no registers. Exceptions are FSW_* bits.
 */
#pragma once

#include "port.h"

struct f80 {
	u64 mantissa;		/* with the integer bit */
	u16 exponent;		/* biased by 16383; bit 15 is the sign */
};

#define F80_EXPONENT 0x7fffu
#define F80_SIGN 0x8000u
#define F80_INTEGER (1ull << 63)
#define F80_QUIET (1ull << 62)

/* FCW.RC */
enum x87_rounding { X87_NEAREST, X87_DOWN, X87_UP, X87_TRUNCATE };

struct x87_result {
	u16 exceptions;		/* FSW_* */
	bool up;		/* rounded away from zero: C1 */
};

/* The default NaN, which stands for an invalid result. */
struct f80 x87_indefinite(void);

/* From a single (4 bytes) or double (8) as it is in memory; IE and DE may come of it. */
struct f80 x87_from_float(u64 bits, unsigned int size, struct x87_result *result);
struct f80 x87_from_integer(s64 value);
/* Packed decimal: 9 bytes of two digits, and the sign. */
struct f80 x87_from_decimal(const u8 bytes[10]);

/*
 * To a single or double. masked: FSW_* bits of exceptions that are masked; with UE the
 * result is denormal, else it is not defined.
 */
u64 x87_to_float(struct f80 value, unsigned int size, enum x87_rounding rounding, u16 masked,
		 struct x87_result *result);
/* To a signed integer of 2, 4 or 8 bytes; IE: it does not fit, and it is the least one. */
u64 x87_to_integer(struct f80 value, unsigned int size, enum x87_rounding rounding,
		   struct x87_result *result);
/* To packed decimal of 18 digits; IE: it does not fit, and bytes are the indefinite. */
void x87_to_decimal(struct f80 value, enum x87_rounding rounding, u8 bytes[10],
		    struct x87_result *result);

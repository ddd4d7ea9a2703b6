// SPDX-License-Identifier: GPL-2.0-only
/*
 * SSE and SSE2 arithmetic, each instruction as its own bytes between the loads and the stores
 * of two registers: a case of a switch for every one there is.
 */
#include "sse.h"

#include "port_x87.h"
#include "x86.h"

struct bytes16 {
	u8 byte[16];
};

/* Between XMM0 and XMM1, under the guest's MXCSR; the caller's comes back. */
#define MAKE(prefix_bytes, n, outputs)						\
	__asm__ volatile("stmxcsr %[own]\n\t"					\
			 "movups %[dst], %%xmm0\n\t"				\
			 "movups %[src], %%xmm1\n\t"				\
			 "ldmxcsr %[mxcsr]\n\t"					\
			 prefix_bytes						\
			 ".byte 0x0f, %c[op], 0xc1\n\t"				\
			 "stmxcsr %[mxcsr]\n\t"					\
			 "movups %%xmm0, %[dst]\n\t"				\
			 "ldmxcsr %[own]"					\
			 : outputs [dst] "+m"(*to), [mxcsr] "+m"(*mxcsr), [own] "=m"(own) \
			 : [src] "m"(*from), [op] "i"(n)			\
			 : "cc" PORT_XMM_CLOBBERED)

#define FORM(prefix, n) ((prefix) << 8 | (n))
#define FLAG_OUTPUTS "=@ccz"(zero), "=@ccp"(parity), "=@ccc"(carry),
#define NOTHING

#define PACKED(n) case FORM(0, n): MAKE(NOTHING, n, NOTHING); return true;
#define PREFIX66(n) case FORM(0x66, n): MAKE(".byte 0x66\n\t", n, NOTHING); return true;
#define PREFIXF3(n) case FORM(0xf3, n): MAKE(".byte 0xf3\n\t", n, NOTHING); return true;
#define PREFIXF2(n) case FORM(0xf2, n): MAKE(".byte 0xf2\n\t", n, NOTHING); return true;
#define BOTH(n) PACKED(n) PREFIX66(n)
#define ALL(n) BOTH(n) PREFIXF3(n) PREFIXF2(n)

static bool run_arithmetic(unsigned int form, struct bytes16 *to, const struct bytes16 *from,
			   u32 *mxcsr)
{
	u32 own;

	switch (form) {
		BOTH(0x14) BOTH(0x15)				/* UNPCKL, UNPCKH */
		ALL(0x51)					/* SQRT */
		PACKED(0x52) PREFIXF3(0x52)			/* RSQRT */
		PACKED(0x53) PREFIXF3(0x53)			/* RCP */
		BOTH(0x54) BOTH(0x55) BOTH(0x56) BOTH(0x57)	/* AND, ANDN, OR, XOR */
		ALL(0x58) ALL(0x59) ALL(0x5a)			/* ADD, MUL, conversions */
		PACKED(0x5b) PREFIX66(0x5b) PREFIXF3(0x5b)	/* conversions of integers */
		ALL(0x5c) ALL(0x5d) ALL(0x5e) ALL(0x5f)		/* SUB, MIN, DIV, MAX */
	default:
		return false;
	}
}

/* UCOMIS and COMIS (SDM 2): the other status flags are cleared. */
static bool run_compare(unsigned int form, struct bytes16 *to, const struct bytes16 *from,
			u32 *mxcsr, u64 *rflags)
{
	bool zero, parity, carry;
	u32 own;

	switch (form) {
	case FORM(0, 0x2e):
		MAKE(NOTHING, 0x2e, FLAG_OUTPUTS);
		break;
	case FORM(0x66, 0x2e):
		MAKE(".byte 0x66\n\t", 0x2e, FLAG_OUTPUTS);
		break;
	case FORM(0, 0x2f):
		MAKE(NOTHING, 0x2f, FLAG_OUTPUTS);
		break;
	case FORM(0x66, 0x2f):
		MAKE(".byte 0x66\n\t", 0x2f, FLAG_OUTPUTS);
		break;
	default:
		return false;
	}
	*rflags = (*rflags & ~X86_FLAGS_STATUS) | (zero ? X86_FLAG_ZF : 0) |
		  (parity ? X86_FLAG_PF : 0) | (carry ? X86_FLAG_CF : 0);
	return true;
}

bool sse_run(u8 opcode, u8 prefix, u8 dst[16], const u8 src[16], u32 *mxcsr, u64 *rflags)
{
	struct bytes16 *to = (struct bytes16 *)dst;
	const struct bytes16 *from = (const struct bytes16 *)src;
	unsigned int form = FORM(prefix, opcode);
	bool known;

	port_sse_begin();
	known = run_arithmetic(form, to, from, mxcsr) ||
		run_compare(form, to, from, mxcsr, rflags);
	port_sse_end();
	return known;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * x87 instructions, each as its own bytes: a case of a switch for every one there is, run
 * between FRSTOR and FNSAVE. The code between them has nothing of the FPU in it but that.
 */
#include "x87.h"

#include "port_x87.h"
#include "x86.h"

static_assert(sizeof(struct x87_registers) == 108);

#define FOUR(one, n) one(n) one((n) + 1) one((n) + 2) one((n) + 3)
#define EIGHT(one, n) FOUR(one, n) FOUR(one, (n) + 4)
#define SIXTEEN(one, n) EIGHT(one, n) EIGHT(one, (n) + 8)
#define ALL64(one, n) \
		SIXTEEN(one, n) SIXTEEN(one, (n) + 16) SIXTEEN(one, (n) + 32) SIXTEEN(one, (n) + 48)

/* ---- forms with memory: by the opcode's low three bits, and ModRM.reg -------------------- */

#define MEMORY(n)								\
	case n:									\
		__asm__ volatile(".byte 0xd8 + (%c1 >> 3), (%c1 & 7) << 3 | 7" /* (%rdi) */ \
				 : : "D"(operand), "i"(n) : "memory");		\
		return true;

static bool run_memory(unsigned int form, void *operand)
{
	switch (form) {
		EIGHT(MEMORY, 0)			/* D8: arithmetic with m32 */
		MEMORY(8) MEMORY(10) MEMORY(11)		/* FLD, FST, FSTP m32 */
		EIGHT(MEMORY, 16)			/* DA: arithmetic with integers m32 */
		FOUR(MEMORY, 24)			/* FILD, FISTTP, FIST, FISTP m32 */
		MEMORY(29) MEMORY(31)			/* FLD, FSTP m80 */
		EIGHT(MEMORY, 32)			/* DC: arithmetic with m64 */
		FOUR(MEMORY, 40)			/* FLD, FISTTP, FST, FSTP m64 */
		EIGHT(MEMORY, 48)			/* DE: arithmetic with integers m16 */
		EIGHT(MEMORY, 56)			/* DF: integers m16 and m64, FBLD, FBSTP */
	default:
		return false;
	}
}

/* ---- forms without: by the opcode's low three bits, and ModRM's low six ------------------ */

#define PLAIN(n)								\
	case n:									\
		__asm__ volatile(".byte 0xd8 + (%c0 >> 6), 0xc0 + (%c0 & 63)" : : "i"(n));	\
		return true;

/* AL is OF, AH has the other flags. */
#define FLAGS(n)								\
	case n:									\
		__asm__ volatile("addb $0x7f, %%al\n\t"				\
				 "sahf\n\t"					\
				 ".byte 0xd8 + (%c1 >> 6), 0xc0 + (%c1 & 63)\n\t"	\
				 "seto %%al\n\t"				\
				 "lahf"						\
				 : "+a"(*flags) : "i"(n) : "cc");		\
		return true;

/*
 * With the second encodings of FCOM, FCOMP, FXCH, FSTP and FFREE, which every processor
 * has though the manual's tables leave them empty (SDM 2 A.5.2).
 */
static bool run_registers(unsigned int form, u16 *flags)
{
	switch (form) {
		ALL64(PLAIN, 0)				/* D8: arithmetic, ST0 with STi */
		SIXTEEN(PLAIN, 64) PLAIN(80)		/* FLD, FXCH; FNOP */
		EIGHT(PLAIN, 88)			/* FSTP */
		PLAIN(96) PLAIN(97) PLAIN(100) PLAIN(101) /* FCHS, FABS; FTST, FXAM */
		FOUR(PLAIN, 104) PLAIN(108) PLAIN(109) PLAIN(110) /* constants */
		SIXTEEN(PLAIN, 112)			/* F2XM1 to FCOS */
		SIXTEEN(FLAGS, 128) SIXTEEN(FLAGS, 144)	/* FCMOVB, FCMOVE, FCMOVBE, FCMOVU */
		PLAIN(169)				/* FUCOMPP */
		SIXTEEN(FLAGS, 192) SIXTEEN(FLAGS, 208)	/* FCMOVNB and its like */
		SIXTEEN(FLAGS, 232)			/* FUCOMI, FCOMI */
		ALL64(PLAIN, 256)			/* DC: arithmetic, STi with ST0 */
		SIXTEEN(PLAIN, 320) SIXTEEN(PLAIN, 336)	/* FFREE, FXCH, FST, FSTP */
		SIXTEEN(PLAIN, 352)			/* FUCOM, FUCOMP */
		SIXTEEN(PLAIN, 384) EIGHT(PLAIN, 400)	/* FADDP, FMULP, FCOMP */
		PLAIN(409)				/* FCOMPP */
		SIXTEEN(PLAIN, 416) SIXTEEN(PLAIN, 432)	/* FSUBRP, FSUBP, FDIVRP, FDIVP */
		SIXTEEN(PLAIN, 448) SIXTEEN(PLAIN, 464)	/* FFREEP, FXCH, FSTP, FSTP */
		SIXTEEN(FLAGS, 488)			/* FUCOMIP, FCOMIP */
	default:
		return false;
	}
}

bool x87_run(struct x87_registers *regs, u8 opcode, u8 modrm, void *operand, u64 *rflags)
{
	u16 flags = (*rflags & 0xff) << 8 | (*rflags & X86_FLAG_OF ? 1 : 0);
	struct port_x87 own;
	bool known;

	port_x87_begin(&own);
	__asm__ volatile("frstor %0" : : "m"(*regs));
	if (modrm < 0xc0)
		known = run_memory((opcode & 7) << 3 | (modrm >> 3 & 7), operand);
	else
		known = run_registers((opcode & 7) << 6 | (modrm & 63), &flags);
	/* It waits for nothing, and leaves an FPU as after FNINIT. */
	__asm__ volatile("fnsave %0" : "=m"(*regs));
	port_x87_end(&own);
	if (known)
		*rflags = (*rflags & ~X86_FLAGS_STATUS) | (flags >> 8 & X86_FLAGS_STATUS) |
			  (flags & 1 ? X86_FLAG_OF : 0);
	return known;
}

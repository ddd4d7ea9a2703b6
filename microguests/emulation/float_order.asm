; SPDX-License-Identifier: GPL-2.0-only
; Which of several floating-point exceptions is raised, and which flags it leaves clear: what
; is found out before the computation (invalid operand, division by zero, denormal operand)
; hides what comes of it (overflow, underflow, inexact result).
%include "microguest.inc"
modes real16, prot32, compat32, long64
%include "emulate.inc"
%include "events.inc"
%include "fpu.inc"

initial_image

; Flags of MXCSR and FSW; MASK(flags) are their masks in MXCSR (SDM 1 10.2.3).
%define IE 0x01
%define DE 0x02
%define ZE 0x04
%define OE 0x08
%define UE 0x10
%define PE 0x20
%define ALL_FLAGS 0x3f
%define MASK(flags) ((flags) << 7)
%define ALL_BUT(flags) MASK(ALL_FLAGS & ~(flags))

; Single-precision values.
%define ZERO 0
%define ONE 0x3f800000
%define THREE 0x40400000
%define HALF 0x3f000000
%define BELOW_HALF 0x3effffff
%define LARGEST 0x7f7fffff
%define SMALLEST_NORMAL 0x00800000
%define NEXT_NORMAL 0x00800001
%define DENORMAL 0x00000001
%define QNAN 0x7fc01234
%define SNAN 0x7fa01234

%define REFS "SDM 1 4.9.2", "SDM 1 11.5.3", "APM 2 8.5.1"

; scalar NAME, TEXT, INSTRUCTION, LEFT, RIGHT, MXCSR
%macro scalar 6.nolist
case %1, %2
	ref	REFS
	uses	sse
	both_rings
	given	xmm0=(%4) | 0x1122334400000000, 0x5566778899aabbcc, mxcsr=%6
	operand	dd, %5
	emulate	%3 xmm0, AT(OPERAND)
%endmacro
; raised FLAGS: #XM with these flags; no register has changed.
%macro raised 1.nolist
	expect	exception, vector=VEC_XM, rip=EMULATED, mxcsr=MXCSR | (%1)
	checkpoint
%endmacro

%define MXCSR 0
scalar snan_by_zero, "a signaling NaN divided by 0 is invalid, and no division by zero", divss, SNAN, ZERO, MXCSR
	raised	IE
scalar by_snan_denormal, "a denormal divided by a signaling NaN is invalid, and the denormal is not told", \
	divss, DENORMAL, SNAN, MXCSR
	raised	IE
scalar qnan_by_zero, "a quiet NaN divided by 0 is that NaN, without an exception", divss, QNAN, ZERO, MXCSR
	checkpoint
scalar zero_by_zero, "0 divided by 0 is invalid, and no division by zero", divss, ZERO, ZERO, MXCSR
	raised	IE
scalar denormal_by_zero, "a denormal divided by 0 is a division by zero, which goes before the denormal", \
	divss, DENORMAL, ZERO, MXCSR
	raised	ZE
scalar denormal_inexact, "a denormal added to 1 is #XM before it is known that the sum is inexact", \
	addss, ONE, DENORMAL, MXCSR
	raised	DE
scalar overflow_inexact, "overflow and inexact result come together", mulss, LARGEST, LARGEST, MXCSR
	raised	OE | PE
scalar underflow_inexact, "underflow and inexact result come together", \
	mulss, NEXT_NORMAL, BELOW_HALF, MXCSR
	raised	UE | PE
scalar underflow_exact, "an exact result that is tiny is an underflow where that is not masked", \
	mulss, SMALLEST_NORMAL, HALF, MXCSR
	raised	UE

%define MXCSR ALL_BUT(DE)
scalar denormal_alone, "with all but the denormal masked the inexact sum is still not computed", \
	addss, ONE, DENORMAL, MXCSR
	raised	DE
%define MXCSR ALL_BUT(PE)
scalar denormal_masked, "a denormal that is masked does not hide the inexact result", addss, ONE, DENORMAL, MXCSR
	raised	DE | PE
%define MXCSR ALL_BUT(ZE)
scalar invalid_masked, "0 divided by 0 with only invalid operands masked is a NaN, not a division by zero", \
	divss, ZERO, ZERO, MXCSR
	checkpoint mxcsr=MXCSR | IE, xmm0=0x11223344ffc00000, 0x5566778899aabbcc
%define MXCSR MASK(ALL_FLAGS)
scalar underflow_masked, "an exact result that is tiny is none where it is masked", mulss, SMALLEST_NORMAL, HALF, MXCSR
	checkpoint xmm0=0x1122334400400000, 0x5566778899aabbcc
%define MXCSR ALL_BUT(IE) | IE
scalar flag_of_before, "a flag from before, whose mask has been cleared since, raises nothing", addss, ONE, ONE, MXCSR
	checkpoint xmm0=0x1122334440000000, 0x5566778899aabbcc

case flag_loaded, "LDMXCSR of a flag that is not masked raises nothing"
	ref	"SDM 1 10.2.3.1", "SDM 2 LDMXCSR"
	uses	sse
	both_rings
	operand	dd, ALL_BUT(OE) | OE
	emulate	ldmxcsr AT(OPERAND)
	checkpoint mxcsr=ALL_BUT(OE) | OE

case not_available_first, "with CR0.TS DIVSS by zero is #NM, not #XM"
	ref	"SDM 3 2.5", "APM 2 8.5"
	uses	sse
	given	xmm0=ONE, 0, mxcsr=0, cr0=STAGE_CR0 | CR0_TS
	operand	dd, ZERO
	emulate	divss xmm0, AT(OPERAND)
	expect	exception, vector=VEC_NM, rip=EMULATED
	checkpoint

%if !REAL
case alignment_first, "DIVPS of an operand that is not aligned is #GP(0), not #XM"
	ref	"SDM 3 6.9", "APM 2 8.5"
	uses	sse
	both_rings
	given	xmm0=ONE, 0, mxcsr=0
	operand	dq, 0, 0, 0, 0
	emulate	divps xmm0, AT(OPERAND + 4)
	expect	exception, vector=VEC_GP, error=0, rip=EMULATED
	checkpoint
%endif

; ---- packed: of all elements what comes before goes before what comes after -------------------

; packed NAME, TEXT, INSTRUCTION, LEFT of four, RIGHT of four, lowest first. MXCSR is given.
%macro packed 5.nolist
case %1, %2
	ref	REFS
	uses	sse
	both_rings
	memory	SCRATCH, dd, %4
	given	mxcsr=MXCSR
	operand	dd, %5
	movaps	xmm0, AT(SCRATCH)
	emulate	%3 xmm0, AT(OPERAND)
%endmacro
; raised_packed FLAGS, XMM0 of before
%macro raised_packed 3.nolist
	expect	exception, vector=VEC_XM, rip=EMULATED, mxcsr=MXCSR | (%1), xmm0=%2, %3
	checkpoint
%endmacro

%define MXCSR ALL_BUT(IE)
packed packed_before, "an invalid element and a denormal one are told; the overflow of a third is not", \
	addps, {SNAN, ONE, LARGEST, ONE}, {ONE, DENORMAL, LARGEST, ONE}
	raised_packed IE | DE, ONE << 32 | SNAN, ONE << 32 | LARGEST
%define MXCSR ALL_BUT(OE)
packed packed_after, "a denormal element that is masked and its inexact sum, and the overflow of another", \
	addps, {ONE, ONE, LARGEST, ONE}, {ONE, DENORMAL, LARGEST, ONE}
	raised_packed DE | OE | PE, ONE << 32 | ONE, ONE << 32 | LARGEST
packed packed_overflow, "overflow alone, where the sum is exact but for the range of its exponent", \
	addps, {ONE, ONE, LARGEST, ONE}, {ONE, ONE, LARGEST, ONE}
	raised_packed OE, ONE << 32 | ONE, ONE << 32 | LARGEST
%define MXCSR 0
packed packed_divide, "one element divided by 0, another with an inexact quotient: only the division by zero is told", \
	divps, {ONE, ONE, ONE, ONE}, {THREE, ZERO, ONE, ONE}
	raised_packed ZE, ONE << 32 | ONE, ONE << 32 | ONE

; ---- x87: the flags that the status word has, before anybody takes the #MF -------------------

%define NO_MASKS 0x340
%define SF_FLAG 0x40	; stack fault
%define ES_FLAG 0x80	; an exception is not masked

; divided NAME, TEXT, LEFT, RIGHT (m80 as words), FCW, FLAGS: the low byte of the status word.
%macro divided 6-7.nolist {fdiv st0, st1}
case x87_%1, %2
	ref	"SDM 1 4.9.2", "SDM 3 6.15 #MF", "APM 2 8.5.1"
	uses	fpu
	both_rings
	given	fcw=%5
	memory	SCRATCH, dw, %3, 0, 0, 0, %4
	fld	tword AT(SCRATCH + 16)
	fld	tword AT(SCRATCH)
	emulate	%7
	fnstsw	ax
	mov	AT(SCRATCH + 0x20), al
	fnclex
	fxrstor	AT(initial)
	checkpoint fcw=0x37f, undefined_reg=1
	writes	SCRATCH + 0x20, db, %6
%endmacro
%define X87_ZERO 0, 0, 0, 0, 0
%define X87_ONE 0, 0, 0, 0x8000, 0x3fff
%define X87_DENORMAL 1, 0, 0, 0, 0
%define X87_QNAN 0x1234, 0, 0, 0xc000, 0x7fff
%define X87_SNAN 0x1234, 0, 0, 0xa000, 0x7fff

divided snan_by_zero, "a signaling NaN divided by 0 is invalid, and no division by zero", \
	{X87_SNAN}, {X87_ZERO}, NO_MASKS, IE | ES_FLAG
divided qnan_by_zero, "a quiet NaN divided by 0 raises nothing", {X87_QNAN}, {X87_ZERO}, NO_MASKS, 0
divided zero_by_zero, "0 divided by 0 is invalid, and no division by zero", {X87_ZERO}, {X87_ZERO}, NO_MASKS, \
	IE | ES_FLAG
divided denormal_by_zero, "a denormal divided by 0 is a division by zero, which goes before the denormal", \
	{X87_DENORMAL}, {X87_ZERO}, NO_MASKS, ZE | ES_FLAG
divided stack_fault, "an empty register divided by 0 is a stack fault, and no division by zero", \
	{X87_ZERO}, {X87_ONE}, NO_MASKS, IE | SF_FLAG | ES_FLAG, {fdivr st0, st7}
divided denormal_inexact, "a denormal added to 1 is told before it is known that the sum is inexact", \
	{X87_ONE}, {X87_DENORMAL}, NO_MASKS, DE | ES_FLAG, {fadd st0, st1}
divided denormal_masked, "a denormal that is masked does not hide the inexact result", \
	{X87_ONE}, {X87_DENORMAL}, NO_MASKS | DE, DE | PE | ES_FLAG, {fadd st0, st1}
divided invalid_masked, "0 divided by 0 with only invalid operands masked raises nothing", \
	{X87_ZERO}, {X87_ZERO}, NO_MASKS | IE, IE

; SPDX-License-Identifier: GPL-2.0-only
; x87 instructions in their encodings: arithmetic and comparison with operands of each format
; and between registers, conversions, constants, moves between registers. Operands are chosen so
; that results are exact; those of transcendental instructions, whose last bit the manuals leave
; open, are zeros and ones (SDM 1 8.3.10). What faults, x87.asm tries.
;
; Each step begins with FNINIT and two numbers, stores what it leaves, and ends by loading an
; initial image: processors differ in which instructions they remember, and a popped register
; keeps its bits.
%include "microguest.inc"
modes real16, prot32, compat32, long64
%include "emulate.inc"
%include "fpu.inc"

initial_image

; Bits of the status word: which of them a kind of instruction defines, and their values.
%define C0 0x100
%define C1 0x200
%define C2 0x400
%define C3 0x4000
%define PE 0x20
%define ALL 0xffff
%define COMPUTED (ALL & ~(C0 | C2 | C3))
%define ROUNDED (COMPUTED & ~(C1 | PE))	; the last two tell of rounding
%define REDUCED (ROUNDED | C2)		; C2: the operand is too great
%define TOP(registers) (((8 - (registers)) & 7) << 11)

; numbers ST1, ST0: what the registers hold then; both are doubles.
%macro numbers 2.nolist
section .data
%%st1:	dq	%1
%%st0:	dq	%2
section .text
	fninit
	fld	qword AT(%%st1)
	fld	qword AT(%%st0)
%endmacro

; stored COUNT: that many registers, and then the status word's value before, go to SCRATCH.
%macro stored 1.nolist
	fnstsw	AT(SCRATCH)
	%assign at 2
	%rep %1
	fstp	tword AT(SCRATCH + at)
	%assign at at + 10
	%endrep
	fxrstor	AT(initial)
%endmacro

; gives DEFINED, STATUS, ST0, ... : the end of a step that changes no flag.
%macro gives 2-*.nolist
	%assign count %0 - 2
	stored	count
	and	word AT(SCRATCH), %1
	cmp	esp, esp
	checkpoint status=ZF | PF
	writes	SCRATCH, dw, (%2) | TOP(count)
	%if count
	writes	SCRATCH + 2, dt, %{3:-1}
	%endif
%endmacro

; flags_give FLAGS, ST0, ...: the end of a step that gives flags.
%macro flags_give 2-*.nolist
	%assign count %0 - 1
	stored	count
	checkpoint status=%1
	undefined_memory SCRATCH, 2
	writes	SCRATCH + 2, dt, %{2:-1}
%endmacro

; ---- arithmetic and comparison --------------------------------------------------------------

; ST0 and ST1, which is the operand in memory, too: all results are exact in all formats.
%define A -16.0
%define B 4.0
%define SUM -12.0
%define PRODUCT -64.0
%define DIFFERENCE -20.0
%define REVERSE_DIFFERENCE 20.0
%define QUOTIENT -4.0
%define REVERSE_QUOTIENT -0.25

; in_memory NAME, TEXT, REFERENCES: a case whose operand is B as m32, m64, and integers.
%macro in_memory 3+.nolist
case %1, %2
	ref	%3
	uses	fpu
	both_rings
	operand	dd, B, 0, 0, 0x40100000, 4, 4
%endmacro

; each_format FLOATING, INTEGER, then the end of each step
%macro each_format 3+.nolist
	numbers	B, A
	emulate	%1 dword AT(OPERAND)
	gives	%3
	numbers	B, A
	emulate	%1 qword AT(OPERAND + 8)
	gives	%3
	numbers	B, A
	emulate	%2 dword AT(OPERAND + 16)
	gives	%3
	numbers	B, A
	emulate	%2 word AT(OPERAND + 20)
	gives	%3
%endmacro

; arithmetic OPERATION, ON INTEGERS, NUMBER, RESULT, ITS PAGE, THAT OF INTEGERS: ST0 first, then
; the other way round, as opcodes DC and DE have it (SDM 2 A.5.2).
%macro arithmetic 6.nolist
	%defstr TEXT %1 with memory of every format, and between registers
in_memory %1, TEXT, %5, %6
	each_format %1, %2, COMPUTED, 0, %4, B
	numbers	B, A
	emulate	db 0xd8, 0xc1 | %3 << 3
	gives	COMPUTED, 0, %4, B
	numbers	B, A
	emulate	db 0xdc, 0xc1 | %3 << 3
	gives	COMPUTED, 0, A, %4
	numbers	B, A
	emulate	db 0xde, 0xc1 | %3 << 3
	gives	COMPUTED, 0, %4
%endmacro
arithmetic fadd, fiadd, 0, SUM, "SDM 2 FADD", "APM 5 FADD"
arithmetic fmul, fimul, 1, PRODUCT, "SDM 2 FMUL", "APM 5 FMUL"
arithmetic fsub, fisub, 4, DIFFERENCE, "SDM 2 FSUB", "APM 5 FSUB"
arithmetic fsubr, fisubr, 5, REVERSE_DIFFERENCE, "SDM 2 FSUBR", "APM 5 FSUBR"
arithmetic fdiv, fidiv, 6, QUOTIENT, "SDM 2 FDIV", "APM 5 FDIV"
arithmetic fdivr, fidivr, 7, REVERSE_QUOTIENT, "SDM 2 FDIVR", "APM 5 FDIVR"

in_memory fcom, "FCOM and FICOM: ST0 is less than memory of every format", "SDM 2 FCOM", "SDM 2 FICOM", "APM 5 FCOM"
	each_format fcom, ficom, ALL, C0, A, B

in_memory fcomp, "FCOMP and FICOMP do the same, and pop", "SDM 2 FCOM", "SDM 2 FICOM", "APM 5 FCOMP"
	each_format fcomp, ficomp, ALL, C0, B

case compare_registers, "comparison of registers, with none, one and two of them popped"
	ref	"SDM 2 FCOM", "SDM 2 FUCOM", "APM 5 FCOM", "APM 5 FUCOM"
	uses	fpu
	both_rings
	numbers	B, A
	emulate	fcom st1
	gives	ALL, C0, A, B
	numbers	A, B
	emulate	fcomp st1
	gives	ALL, 0, A
	numbers	B, B
	emulate	fcompp
	gives	ALL, C3
	numbers	B, A
	emulate	fucom st1
	gives	ALL, C0, A, B
	numbers	A, B
	emulate	fucomp st1
	gives	ALL, 0, A
	numbers	B, B
	emulate	fucompp
	gives	ALL, C3
	numbers	B, A
	emulate	ftst
	gives	ALL, C0, A, B
	numbers	B, A
	emulate	fxam			; a normal number, below zero
	gives	ALL, C1 | C2, A, B

; SP is 7000h: every flag but ZF is set.
%macro other_flags 0.nolist
	cmp	sp, 0x8001
%endmacro

; sets_flags INSTRUCTION, POPS: ST0 is below ST1, above it, and equal.
%macro sets_flags 2.nolist
	numbers	B, A
	other_flags
	emulate	%1
	%if %2
	flags_give CF, B
	%else
	flags_give CF, A, B
	%endif
	numbers	A, B
	other_flags
	emulate	%1
	%if %2
	flags_give 0, A
	%else
	flags_give 0, B, A
	%endif
	numbers	B, B
	other_flags
	emulate	%1
	%if %2
	flags_give ZF, B
	%else
	flags_give ZF, B, B
	%endif
%endmacro

case compare_to_flags, "FCOMI, FUCOMI and their like that pop set ZF, PF, CF and clear the others"
	ref	"SDM 2 FCOMI", "APM 5 FCOMI", "APM 5 FUCOMI"
	uses	fpu
	both_rings
	sets_flags {fcomi st1}, 0
	sets_flags {fcomip st1}, 1
	sets_flags {fucomi st1}, 0
	sets_flags {fucomip st1}, 1

; moves CONDITION, WITH, WITHOUT: it holds after CMP of 3 and the first, not with the second.
%macro moves 3.nolist
	numbers	B, A
	cmp	ecx, %2
	emulate	fcmov%1 st1
	flags_give COMPARED_%2, B, B
	numbers	B, A
	cmp	ecx, %3
	emulate	fcmov%1 st1
	flags_give COMPARED_%3, A, B
%endmacro
%define COMPARED_2 0
%define COMPARED_3 (ZF | PF)
%define COMPARED_5 (CF | SF | AF)

case fcmov, "FCMOVcc with every condition, which holds and does not"
	ref	"SDM 2 FCMOVcc", "APM 5 FCMOVcc"
	uses	fpu
	both_rings
	mov	ecx, 3
	checkpoint rcx=3
	moves	b, 5, 2
	moves	e, 3, 2
	moves	be, 3, 2
	moves	u, 3, 2
	moves	nb, 2, 5
	moves	ne, 2, 3
	moves	nbe, 2, 3
	moves	nu, 2, 3

; ---- registers alone ------------------------------------------------------------------------

case registers, "moves between registers, and what changes the stack"
	ref	"SDM 2 FLD", "SDM 2 FST", "SDM 2 FXCH", "SDM 2 FFREE", "SDM 2 FINCSTP", "SDM 2 FDECSTP", \
		"APM 5 FXCH", "APM 5 FFREE"
	uses	fpu
	both_rings
	numbers	B, A
	emulate	fld st1
	gives	COMPUTED, 0, B, A, B
	numbers	B, A
	emulate	fst st1
	gives	COMPUTED, 0, A, A
	numbers	B, A
	emulate	fstp st1
	gives	COMPUTED, 0, A
	numbers	B, A
	emulate	fxch st1
	gives	COMPUTED, 0, B, A
	numbers	B, A
	emulate	fnop
	gives	COMPUTED, 0, A, B
	numbers	B, A
	emulate	fdecstp
	fnstsw	AT(SCRATCH + 32)
	and	word AT(SCRATCH + 32), COMPUTED
	emulate	fincstp
	gives	COMPUTED, 0, A, B
	writes	SCRATCH + 32, dw, TOP(3)
	numbers	B, A
	emulate	ffree st0
	fxam				; empty
	fnstsw	AT(SCRATCH + 32)
	and	word AT(SCRATCH + 32), C0 | C2 | C3
	fincstp
	gives	COMPUTED, 0, B
	writes	SCRATCH + 32, dw, C0 | C3

case of_8087, "FENI, FDISI and FSETPM do nothing since the 80387"
	ref	"SDM 3 22.18.9"
	uses	fpu
	both_rings
	numbers	B, A
	emulate	db 0xdb, 0xe0
	emulate	db 0xdb, 0xe1
	emulate	db 0xdb, 0xe4
	gives	ALL, 0, A, B

; constant INSTRUCTION, VALUE, which nasm rounds to the nearest as FNINIT has it
%macro constant 2.nolist
	numbers	B, A
	emulate	%1
	gives	COMPUTED, 0, %2, A, B
%endmacro

case constants, "every constant is pushed, rounded to the nearest"
	ref	"SDM 2 FLD1", "SDM 1 8.3.8", "APM 5 FLD1"
	uses	fpu
	both_rings
	constant fld1, 1.0
	constant fldl2t, 3.32192809488736234787031942948939017586483139302458
	constant fldl2e, 1.44269504088896340735992468100189213742664595415299
	constant fldpi, 3.14159265358979323846264338327950288419716939937511
	constant fldlg2, 0.30102999566398119521373889472449302676818988146211
	constant fldln2, 0.69314718055994530941723212145817656807550013436026
	constant fldz, 0.0

case one_operand, "sign, root, rounding, and the parts of a number"
	ref	"SDM 2 FCHS", "SDM 2 FABS", "SDM 2 FSQRT", "SDM 2 FRNDINT", "SDM 2 FXTRACT", \
		"APM 5 FSQRT", "APM 5 FXTRACT"
	uses	fpu
	both_rings
	numbers	B, A
	emulate	fchs
	gives	COMPUTED, 0, 16.0, B
	numbers	B, A
	emulate	fabs
	gives	COMPUTED, 0, 16.0, B
	numbers	B, 16.0
	emulate	fsqrt
	gives	COMPUTED, 0, 4.0, B
	numbers	B, 2.5
	emulate	frndint
	gives	COMPUTED, PE, 2.0, B
	numbers	B, 11.0
	emulate	fxtract
	gives	COMPUTED, 0, 1.375, 3.0, B

; The condition codes have the quotient's three low bits: C0 the highest, then C3, C1.
case two_operands, "FPREM truncates the quotient; FSCALE multiplies by powers of two"
	ref	"SDM 2 FPREM", "SDM 2 FSCALE", "APM 5 FPREM", "APM 5 FSCALE"
	uses	fpu
	both_rings
	numbers	B, 11.0
	emulate	fprem
	gives	ALL, C3, 3.0, B
	numbers	B, 11.0
	emulate	fscale
	gives	COMPUTED, 0, 176.0, B

case fprem1, "FPREM1 rounds the quotient, and tells its bits"
	ref	"SDM 2 FPREM1", "APM 5 FPREM1"
	uses	fpu
	both_rings
	numbers	B, 11.0
	emulate	fprem1
	gives	ALL, C3 | C1, -1.0, B

case transcendental, "transcendental instructions, where their results are exact"
	ref	"SDM 1 8.3.10", "SDM 2 F2XM1", "SDM 2 FYL2X", "SDM 2 FYL2XP1", "SDM 2 FPATAN", \
		"SDM 2 FPTAN", "SDM 2 FSINCOS", "APM 5 F2XM1", "APM 5 FSIN"
	uses	fpu
	both_rings
	numbers	B, 0.0
	emulate	f2xm1
	gives	ROUNDED, 0, 0.0, B
	numbers	B, 1.0
	emulate	fyl2x
	gives	ROUNDED, 0, 0.0
	numbers	B, 0.0
	emulate	fyl2xp1
	gives	ROUNDED, 0, 0.0
	numbers	0.0, 1.0
	emulate	fpatan
	gives	ROUNDED, 0, 0.0
	numbers	B, 0.0
	emulate	fptan
	gives	REDUCED, 0, 1.0, 0.0, B
	numbers	B, 0.0
	emulate	fsin
	gives	REDUCED, 0, 0.0, B
	numbers	B, 0.0
	emulate	fcos
	gives	REDUCED, 0, 1.0, B
	numbers	B, 0.0
	emulate	fsincos
	gives	REDUCED, 0, 1.0, 0.0, B

; ---- stores -----------------------------------------------------------------------------------

%define VALUE -1.5

; stores INSTRUCTION, POPS, DEFINED, STATUS, then what it writes, 16 bytes further each time
%macro stores 5+.nolist
	numbers	B, VALUE
	emulate	%1 AT(OPERAND + slot)
	%if %2
	gives	%3, %4, B
	%else
	gives	%3, %4, VALUE, B
	%endif
	writes	OPERAND + slot, %5
	%assign slot slot + 16
%endmacro

%macro store_case 3+.nolist
case %1, %2
	ref	%3
	uses	fpu
	both_rings
	operand	dq, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1
	%assign slot 0
%endmacro

store_case store, "FST and FSTP to memory of every format", "SDM 2 FST", "APM 5 FST"
	stores	fst dword, 0, COMPUTED, 0, dd, VALUE
	stores	fstp dword, 1, COMPUTED, 0, dd, VALUE
	stores	fst qword, 0, COMPUTED, 0, dq, VALUE
	stores	fstp qword, 1, COMPUTED, 0, dq, VALUE
	stores	fstp tword, 1, COMPUTED, 0, dt, VALUE

; C1 tells whether a result was rounded up, and of a negative number no manual says which way that is.
store_case store_integer, "FIST, FISTP and FBSTP round to the nearest even, FISTTP truncates", \
	"SDM 2 FIST", "SDM 2 FISTTP", "SDM 2 FBSTP", "APM 5 FIST", "APM 5 FISTTP"
	stores	fist word, 0, COMPUTED & ~C1, PE, dw, -2
	stores	fistp word, 1, COMPUTED & ~C1, PE, dw, -2
	stores	fist dword, 0, COMPUTED & ~C1, PE, dd, -2
	stores	fistp dword, 1, COMPUTED & ~C1, PE, dd, -2
	stores	fistp qword, 1, COMPUTED & ~C1, PE, dq, -2
	stores	fisttp word, 1, COMPUTED, PE, dw, -1
	stores	fisttp dword, 1, COMPUTED, PE, dd, -1
	stores	fisttp qword, 1, COMPUTED, PE, dq, -1

; SPDX-License-Identifier: GPL-2.0-only
; SSE instructions in their encodings: arithmetic, logic, comparison and conversion of packed and
; scalar numbers, moves, with memory and between registers. Results are exact, so MXCSR stays as
; it was. What faults, and what alignment does, sse_moves.asm tries.
%include "microguest.inc"
modes real16, prot32, long64
%include "emulate.inc"
%include "fpu.inc"

; Two numbers of 32 bits, as an operand of 64 has them.
%define PS(low, high) (__?float32?__(low) | (__?float32?__(high) << 32))
%define PD(value) __?float64?__(value)

; Roots and quotients of these are exact, too.
%define A0 -16.0
%define A1 8.0
%define A2 3.0
%define A3 32.0
%define B0 4.0
%define B1 16.0
%define B2 1.0
%define B3 64.0
%define A_PS PS(A0, A1), PS(A2, A3)
%define B_PS PS(B0, B1), PS(B2, B3)
%define A_PD PD(A0), PD(A1)
%define B_PD PD(B0), PD(B1)
%define LOW 0x8877665544332211
%define HIGH 0x00ffeeddccbbaa99
%define LOW2 0x0123456789abcdef
%define HIGH2 0xfedcba9876543210

section .data
align 16
a_ps:	dq	A_PS
b_ps:	dq	B_PS
a_pd:	dq	A_PD
b_pd:	dq	B_PD
other:	dq	LOW2, HIGH2
one:	dq	LOW, HIGH
section .text

; sse_case NAME, TEXT, REFERENCES: B as m128 of both kinds at OPERAND
%macro sse_case 3+.nolist
case %1, %2
	ref	%3
	uses	sse
	both_rings
	operand	dq, B_PS, B_PD
%endmacro

; ---- arithmetic -------------------------------------------------------------------------------

; both_ways INSTRUCTION, A, B, where B is in memory, RESULT: with memory, then with a register
%macro both_ways 5+.nolist
	movaps	xmm0, AT(%2)
	movaps	xmm1, AT(%3)
	emulate	%1 xmm0, AT(%4)
	checkpoint xmm0=%5, xmm1=LIST_%3
	movaps	xmm0, AT(%2)
	emulate	%1 xmm0, xmm1
	checkpoint xmm0=%5
%endmacro
%define LIST_b_ps B_PS
%define LIST_b_pd B_PD

; arithmetic OPERATION, IN CAPITALS, the four results
%macro arithmetic 6.nolist
	%defstr TEXT %2 of packed and scalar numbers of both sizes
	%defstr NAME %2
	%strcat SDM "SDM 2 ", NAME, "PS"
	%strcat APM "APM 4 ", NAME, "PS"
sse_case %1, TEXT, SDM, APM
	both_ways %1ps, a_ps, b_ps, OPERAND, PS(%3, %4), PS(%5, %6)
	both_ways %1ss, a_ps, b_ps, OPERAND, PS(%3, A1), PS(A2, A3)
	both_ways %1pd, a_pd, b_pd, OPERAND + 16, PD(%3), PD(%4)
	both_ways %1sd, a_pd, b_pd, OPERAND + 16, PD(%3), PD(A1)
%endmacro
arithmetic add, ADD, -12.0, 24.0, 4.0, 96.0
arithmetic mul, MUL, -64.0, 128.0, 3.0, 2048.0
arithmetic sub, SUB, -20.0, -8.0, 2.0, -32.0
arithmetic min, MIN, -16.0, 8.0, 1.0, 32.0
arithmetic div, DIV, -4.0, 0.5, 3.0, 0.5
arithmetic max, MAX, 4.0, 16.0, 3.0, 64.0
arithmetic sqrt, SQRT, 2.0, 4.0, 1.0, 8.0

; Of zeros the approximations are exact: infinity with the sign.
sse_case approximations, "RCPPS and RSQRTPS of zeros", "SDM 2 RCPPS", "SDM 2 RSQRTPS", "APM 4 RCPPS", "APM 4 RSQRTPS"
	memory	OPERAND, dd, 0.0, -0.0, 0.0, -0.0
	xorps	xmm1, xmm1
	emulate	rcpps xmm0, AT(OPERAND)
	checkpoint xmm0=0xff8000007f800000, 0xff8000007f800000, xmm1=0, 0
	emulate	rcpps xmm0, xmm1
	checkpoint xmm0=0x7f8000007f800000, 0x7f8000007f800000
	movaps	xmm0, AT(a_ps)
	emulate	rsqrtps xmm0, AT(OPERAND)
	checkpoint xmm0=0xff8000007f800000, 0xff8000007f800000
	emulate	rsqrtps xmm0, xmm1
	checkpoint xmm0=0x7f8000007f800000, 0x7f8000007f800000

; ---- logic and unpacking ------------------------------------------------------------------------

; logic INSTRUCTION, LOW, HIGH
%macro logic 3.nolist
	movaps	xmm0, AT(other)
	emulate	%1 xmm0, AT(OPERAND)
	checkpoint xmm0=%2, %3, xmm1=LOW, HIGH
	movaps	xmm0, AT(other)
	emulate	%1 xmm0, xmm1
	checkpoint xmm0=%2, %3
%endmacro

%macro bits_case 3+.nolist
case %1, %2
	ref	%3
	uses	sse
	both_rings
	operand	dq, LOW, HIGH
	given	xmm1=LOW, HIGH
%endmacro

bits_case logic, "ANDPS, ANDNPS, ORPS, XORPS and the same of doubles", \
	"SDM 2 ANDPS", "SDM 2 ANDNPS", "SDM 2 ORPS", "SDM 2 XORPS", "APM 4 ANDPS", "APM 4 XORPS"
	logic	andps, LOW & LOW2, HIGH & HIGH2
	logic	andnps, LOW & ~LOW2, HIGH & ~HIGH2
	logic	orps, LOW | LOW2, HIGH | HIGH2
	logic	xorps, LOW ^ LOW2, HIGH ^ HIGH2
	logic	andpd, LOW & LOW2, HIGH & HIGH2
	logic	andnpd, LOW & ~LOW2, HIGH & ~HIGH2
	logic	orpd, LOW | LOW2, HIGH | HIGH2
	logic	xorpd, LOW ^ LOW2, HIGH ^ HIGH2

bits_case unpack, "UNPCKLPS, UNPCKHPS and the same of doubles", \
	"SDM 2 UNPCKLPS", "SDM 2 UNPCKHPS", "APM 4 UNPCKLPS", "APM 4 UNPCKHPS"
	logic	unpcklps, (LOW << 32) | (LOW2 & 0xffffffff), (LOW >> 32 << 32) | (LOW2 >> 32)
	logic	unpckhps, (HIGH << 32) | (HIGH2 & 0xffffffff), (HIGH >> 32 << 32) | (HIGH2 >> 32)
	logic	unpcklpd, LOW2, LOW
	logic	unpckhpd, HIGH2, HIGH

; ---- comparison, conversion -----------------------------------------------------------------------

; SP is 7000h: every flag but ZF is set before. OF, SF and AF are cleared.
%macro compares 4.nolist
	movaps	xmm0, AT(%2)
	movaps	xmm1, AT(%3)
	cmp	sp, 0x8001
	emulate	%1 xmm0, AT(%4)
	checkpoint status=CF, xmm0=LIST_%2, xmm1=LIST_%3
	cmp	sp, 0x8001
	emulate	%1 xmm1, xmm0
	checkpoint status=0
	cmp	sp, 0x8001
	emulate	%1 xmm1, xmm1
	checkpoint status=ZF
%endmacro
%define LIST_a_ps A_PS
%define LIST_a_pd A_PD

sse_case compare, "COMISS, UCOMISS, COMISD, UCOMISD: below, above and equal", \
	"SDM 2 COMISS", "SDM 2 UCOMISS", "SDM 2 COMISD", "SDM 2 UCOMISD", "APM 4 COMISS"
	compares comiss, a_ps, b_ps, OPERAND
	compares ucomiss, a_ps, b_ps, OPERAND
	compares comisd, a_pd, b_pd, OPERAND + 16
	compares ucomisd, a_pd, b_pd, OPERAND + 16

; converts INSTRUCTION, what is in memory, RESULT
%macro converts 3+.nolist
	movaps	xmm0, AT(other)
	movups	xmm1, AT(%2_source)
	emulate	%1 xmm0, AT(OPERAND + (%2_source - sources))
	checkpoint xmm0=%3, xmm1=SOURCE_%2
	movaps	xmm0, AT(other)
	emulate	%1 xmm0, xmm1
	checkpoint xmm0=%3
%endmacro
section .data
align 16
sources:
singles_source:
	dq	PS(A0, B1), PS(2.5, -1.0)
doubles_source:
	dq	PD(A0), PD(B1)
integers_source:
	dd	-3, 7, 0x10000, -0x8000
section .text
%define SOURCE_singles PS(A0, B1), PS(2.5, -1.0)
%define SOURCE_doubles PD(A0), PD(B1)
%define SOURCE_integers (-3 & 0xffffffff) | (7 << 32), 0xffff800000010000

case convert, "conversion between singles, doubles and integers"
	ref	"SDM 2 CVTPS2PD", "SDM 2 CVTPD2PS", "SDM 2 CVTSS2SD", "SDM 2 CVTSD2SS", \
		"SDM 2 CVTDQ2PS", "APM 4 CVTPS2PD", "APM 4 CVTDQ2PS"
	uses	sse
	both_rings
	operand	dq, SOURCE_singles, SOURCE_doubles, SOURCE_integers
	converts cvtps2pd, singles, PD(A0), PD(B1)
	converts cvtpd2ps, doubles, PS(A0, B1), 0
	converts cvtss2sd, singles, PD(A0), HIGH2
	converts cvtsd2ss, doubles, (LOW2 & ~0xffffffff) | __?float32?__(A0), HIGH2
	converts cvtdq2ps, integers, PS(-3.0, 7.0), PS(65536.0, -32768.0)

; 2.5 is not exact: MXCSR.PE. To the nearest even, and truncated, it is 2.
case convert_inexact, "CVTPS2DQ rounds, CVTTPS2DQ truncates"
	ref	"SDM 2 CVTPS2DQ", "SDM 2 CVTTPS2DQ", "APM 4 CVTPS2DQ", "APM 4 CVTTPS2DQ"
	uses	sse
	both_rings
	operand	dd, 2.5, -1.5, 3.0, -0.75
	emulate	cvtps2dq xmm0, AT(OPERAND)
	checkpoint xmm0=0xfffffffe00000002, 0xffffffff00000003, mxcsr=0x1fa0
	emulate	cvttps2dq xmm0, AT(OPERAND)
	checkpoint xmm0=0xffffffff00000002, 3

; ---- moves ---------------------------------------------------------------------------------------

; loads INSTRUCTION, LOW, HIGH: into LOW2 and HIGH2
%macro loads 3.nolist
	movaps	xmm2, AT(other)
	emulate	%1 xmm2, AT(OPERAND)
	checkpoint xmm2=%2, %3, xmm1=LOW, HIGH
%endmacro
; between BYTES of it from XMM1 to XMM2, LOW, HIGH
%macro between 3+.nolist
	movaps	xmm2, AT(other)
	emulate	db %3
	checkpoint xmm2=%1, %2, xmm1=LOW, HIGH
%endmacro
%define TWICE(dword) ((dword) | ((dword) << 32))

bits_case load, "loads that choose and duplicate halves", "SDM 2 MOVUPD", "SDM 2 MOVLPD", "SDM 2 MOVHPS", \
	"APM 4 MOVUPD", "APM 4 MOVHPS"
	loads	movupd, LOW, HIGH
	loads	movlpd, LOW, HIGH2
	loads	movhps, LOW2, LOW
	loads	movhpd, LOW2, LOW

case load_sse3, "LDDQU, MOVSLDUP, MOVSHDUP and MOVDDUP, from memory and a register"
	ref	"SDM 2 LDDQU", "SDM 2 MOVSLDUP", "SDM 2 MOVSHDUP", "SDM 2 MOVDDUP", "APM 4 LDDQU"
	need	sse3
	uses	sse
	both_rings
	operand	dq, LOW, HIGH
	given	xmm1=LOW, HIGH
	loads	lddqu, LOW, HIGH
	loads	movsldup, TWICE(LOW & 0xffffffff), TWICE(HIGH & 0xffffffff)
	loads	movshdup, TWICE(LOW >> 32), TWICE(HIGH >> 32)
	loads	movddup, LOW, LOW
	between	TWICE(LOW & 0xffffffff), TWICE(HIGH & 0xffffffff), 0xf3, 0x0f, 0x12, 0xd1
	between	TWICE(LOW >> 32), TWICE(HIGH >> 32), 0xf3, 0x0f, 0x16, 0xd1
	between	LOW, LOW, 0xf2, 0x0f, 0x12, 0xd1

case load_sse41, "MOVNTDQA loads 16 bytes"
	ref	"SDM 2 MOVNTDQA", "APM 4 MOVNTDQA"
	need	sse4_1
	uses	sse
	both_rings
	operand	dq, LOW, HIGH
	given	xmm1=LOW, HIGH
	loads	movntdqa, LOW, HIGH

; ModRM D1 is XMM2 from XMM1, CA the other way round, as stores have it.
case registers, "moves between registers, as loads and stores have them"
	ref	"SDM 2 MOVUPS", "SDM 2 MOVAPS", "SDM 2 MOVSS", "SDM 2 MOVSD", "SDM 2 MOVDQA", \
		"SDM 2 MOVHLPS", "SDM 2 MOVLHPS", "SDM 2 MOVQ", "APM 4 MOVUPS", "APM 4 MOVSS"
	uses	sse
	both_rings
	given	xmm1=LOW, HIGH
	between	LOW, HIGH, 0x0f, 0x10, 0xd1
	between	LOW, HIGH, 0x0f, 0x11, 0xca
	between	LOW, HIGH, 0x66, 0x0f, 0x10, 0xd1
	between	LOW, HIGH, 0x66, 0x0f, 0x11, 0xca
	between	(LOW2 & ~0xffffffff) | (LOW & 0xffffffff), HIGH2, 0xf3, 0x0f, 0x10, 0xd1
	between	(LOW2 & ~0xffffffff) | (LOW & 0xffffffff), HIGH2, 0xf3, 0x0f, 0x11, 0xca
	between	LOW, HIGH2, 0xf2, 0x0f, 0x10, 0xd1
	between	LOW, HIGH2, 0xf2, 0x0f, 0x11, 0xca
	between	HIGH, HIGH2, 0x0f, 0x12, 0xd1
	between	LOW2, LOW, 0x0f, 0x16, 0xd1
	between	LOW, HIGH, 0x0f, 0x28, 0xd1
	between	LOW, HIGH, 0x0f, 0x29, 0xca
	between	LOW, HIGH, 0x66, 0x0f, 0x28, 0xd1
	between	LOW, HIGH, 0x66, 0x0f, 0x29, 0xca
	between	LOW, HIGH, 0x66, 0x0f, 0x6f, 0xd1
	between	LOW, HIGH, 0x66, 0x0f, 0x7f, 0xca
	between	LOW, HIGH, 0xf3, 0x0f, 0x6f, 0xd1
	between	LOW, HIGH, 0xf3, 0x0f, 0x7f, 0xca
	between	LOW, 0, 0xf3, 0x0f, 0x7e, 0xd1
	between	LOW, 0, 0x66, 0x0f, 0xd6, 0xca

; stores INSTRUCTION, DIRECTIVE, VALUES: of XMM1, each 16 bytes further
%macro stores 3+.nolist
	emulate	%1 AT(OPERAND + slot), xmm1
	checkpoint
	writes	OPERAND + slot, %2, %3
	%assign slot slot + 16
%endmacro

%macro store_case 3+.nolist
case %1, %2
	ref	%3
	uses	sse
	both_rings
	operand	dq, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1
	given	xmm1=LOW, HIGH
	%assign slot 0
%endmacro

store_case store, "stores of parts and of all of a register", "SDM 2 MOVUPD", "SDM 2 MOVAPD", \
	"SDM 2 MOVSS", "SDM 2 MOVSD", "SDM 2 MOVLPS", "SDM 2 MOVHPD", "SDM 2 MOVNTPD", \
	"APM 4 MOVAPD", "APM 4 MOVNTPD"
	stores	movupd, dq, LOW, HIGH
	stores	movapd, dq, LOW, HIGH
	stores	movntpd, dq, LOW, HIGH
	stores	movss, dd, LOW & 0xffffffff
	stores	movsd, dq, LOW
	stores	movlps, dq, LOW
	stores	movlpd, dq, LOW
	stores	movhpd, dq, HIGH

store_case store_sse4a, "MOVNTSS and MOVNTSD store a scalar", "APM 4 MOVNTSS", "APM 4 MOVNTSD"
	need	sse4a
	stores	movntss, dd, LOW & 0xffffffff
	stores	movntsd, dq, LOW

case movd_registers, "MOVD and MOVQ between general and XMM registers"
	ref	"SDM 2 MOVD", "APM 4 MOVD"
	uses	sse
	both_rings
	given	xmm1=LOW, HIGH
	emulate	movd eax, xmm1
	checkpoint rax=LOW & 0xffffffff
	emulate	movd xmm2, eax
	checkpoint xmm2=LOW & 0xffffffff, 0
%if BITS == 64
	emulate	movq rax, xmm1
	checkpoint rax=LOW
	emulate	db 0x66, 0x48, 0x0f, 0x6e, 0xd0		; MOVQ XMM2, RAX
	checkpoint xmm2=LOW, 0
%endif

; ---- MMX ------------------------------------------------------------------------------------------

; The registers are looked at through memory, for their other bits differ among processors; at the
; end they are empty and forgotten.
initial_image

; mmx_gives VALUE, FIELDS: what is in MM2; of all others only the fields differ.
%macro mmx_gives 1-2+.nolist
	movq	AT(SCRATCH), mm2
	fxrstor	AT(initial)
	checkpoint %2
	writes	SCRATCH, dq, %1
%endmacro

case mmx_moves, "MOVD and MOVQ of MMX registers, with memory and registers"
	ref	"SDM 2 MOVD", "SDM 2 MOVQ", "SDM 2 MOVNTQ", "APM 5 MOVD", "APM 5 MOVQ", "APM 5 MOVNTQ"
	need	mmx
	uses	sse
	both_rings
	operand	dq, LOW, -1, -1, -1
	mov	eax, 0x13572468
	checkpoint rax=0x13572468
	emulate	movd mm2, AT(OPERAND)
	mmx_gives LOW & 0xffffffff
	emulate	movd mm2, eax
	mmx_gives 0x13572468
	movq	mm1, AT(one)
	emulate	db 0x0f, 0x6f, 0xd1
	mmx_gives LOW
	movq	mm1, AT(other)
	emulate	db 0x0f, 0x7f, 0xca
	mmx_gives LOW2
	movq	mm2, AT(other)
	emulate	movd eax, mm2
	mmx_gives LOW2, rax=LOW2 & 0xffffffff
	movq	mm2, AT(one)
	emulate	movd AT(OPERAND + 8), mm2
	mmx_gives LOW
	writes	OPERAND + 8, dd, LOW & 0xffffffff
	movq	mm2, AT(other)
	emulate	movntq AT(OPERAND + 16), mm2
	mmx_gives LOW2
	writes	OPERAND + 16, dq, LOW2

case mmx_with_sse, "MOVQ2DQ and MOVDQ2Q between MMX and XMM registers"
	ref	"SDM 2 MOVQ2DQ", "SDM 2 MOVDQ2Q", "APM 5 MOVDQ2Q", "APM 4 MOVQ2DQ"
	need	mmx
	uses	sse
	both_rings
	movq	mm2, AT(one)
	emulate	movq2dq xmm1, mm2
	movq	AT(SCRATCH), mm2
	movups	AT(SCRATCH + 16), xmm1
	fxrstor	AT(initial)
	checkpoint
	writes	SCRATCH, dq, LOW, 0, LOW, 0
	movups	xmm1, AT(other)
	emulate	movdq2q mm2, xmm1
	mmx_gives LOW2

%if BITS == 16
	%define WORD_OF_ENVIRONMENT 2
%else
	%define WORD_OF_ENVIRONMENT 4
%endif
case emms, "EMMS makes all tags empty"
	ref	"SDM 2 EMMS", "APM 5 EMMS"
	need	mmx
	uses	sse
	both_rings
	movq	mm2, AT(one)
	emulate	emms
	fnstenv	AT(SCRATCH)
	mov	ax, AT(SCRATCH + 2 * WORD_OF_ENVIRONMENT)
	fxrstor	AT(initial)
	checkpoint rax=LOW16(RAX, 0xffff)
	undefined_memory SCRATCH, 28

; SPDX-License-Identifier: GPL-2.0-only
; The registers of x87, SSE and AVX. MMX instructions write x87 registers without
; touching the pointers of the last instruction, which not all processors keep.
%include "goodbad.inc"
modes long64

section .data
control:
	dw	0x27f
mxcsr:	dd	0x1fa0
	align	32
infinity:			; -infinity, once MMX has set sign and exponent
	dq	0x8000000000000000
	align	32
vector:	dq	1, 2, 3, 4
section .text

;! fail step=1 why="the state is not as expected"
;! fcw 037f 027f
case fcw, "The x87 control word counts"
	ref	"SDM 2 FLDCW"
	ring3
	uses	fpu
	fldcw	[control]
	good	checkpoint fcw=0x27f
	bad	checkpoint

;! fail step=1 why="the state is not as expected"
;! fsw 4500 0000
case fsw, "The x87 status word counts"
	ref	"SDM 2 FINIT"
	ring3
	uses	fpu
	given	fsw=0x4500
	fninit
	good	checkpoint fsw=0
	bad	checkpoint

;! fail step=1 why="the state is not as expected"
;! ftw 00 ff
case ftw, "The x87 tag word counts"
	ref	"SDM 1 9.5.1"
	ring3
	uses	fpu
	movq	mm0, [infinity]
	good	checkpoint st0=-__?Infinity?__, ftw=0xff
	bad	checkpoint st0=-__?Infinity?__

;! fail step=1 why="the state is not as expected"
;! st0 7fff8000000000000000 ffff8000000000000000
case st0, "ST0 counts, its sign included"
	ref	"SDM 1 9.5.1"
	ring3
	uses	fpu
	movq	mm0, [infinity]
	checkpoint st0=PICK(-__?Infinity?__, __?Infinity?__), ftw=0xff

;! fail step=1 why="the state is not as expected"
;! st7 00000000000000000000 ffff8000000000000000
case st7, "ST7 counts"
	ref	"SDM 1 9.5.1"
	ring3
	uses	fpu
	movq	mm7, [infinity]
	good	checkpoint st7=-__?Infinity?__, ftw=0xff
	bad	checkpoint ftw=0xff

;! fail step=1 why="the state is not as expected"
;! mxcsr 00001f80 00001fa0
case mxcsr, "MXCSR counts"
	ref	"SDM 2 LDMXCSR"
	ring3
	uses	sse
	ldmxcsr	[mxcsr]
	good	checkpoint mxcsr=0x1fa0
	bad	checkpoint

;! fail step=1 why="the state is not as expected"
;! xmm1 00000000000000030000000000000001 00000000000000020000000000000001
case xmm1, "Both halves of an XMM register count"
	ref	"SDM 2 MOVUPS"
	ring3
	uses	sse
	movups	xmm1, [vector]
	checkpoint xmm1=1, PICK(2, 3)

;! fail step=1 why="the state is not as expected"
;! xmm15 00000000000000000000000000000000 00000000000000020000000000000001
case xmm15, "XMM15 counts"
	ref	"SDM 2 MOVUPS"
	ring3
	uses	sse
	movups	xmm15, [vector]
	good	checkpoint xmm15=1, 2
	bad	checkpoint

;! fail step=1 why="the state is not as expected"
;! ymm0 0000000000000005000000000000000300000000000000020000000000000001 0000000000000004000000000000000300000000000000020000000000000001
case ymm0, "The upper half of a YMM register counts"
	ref	"SDM 2 MOVUPS"
	ring3
	uses	avx
	vmovups	ymm0, [vector]
	checkpoint ymm0=1, 2, 3, PICK(4, 5)

;! fail step=1 why="the state is not as expected"
;! ymm1 0000000000000004000000000000000300000000000000000000000000000000 0000000000000000000000000000000000000000000000000000000000000000
case vex_clears, "A VEX instruction of 128 bits clears the upper half: one that expects it kept is told"
	ref	"SDM 1 14.4.1"
	ring3
	uses	avx
	given	ymm1=0, 0, 3, 4
	vxorps	xmm1, xmm1, xmm1
	checkpoint ymm1=0, 0, PICK(0, 3), PICK(0, 4)

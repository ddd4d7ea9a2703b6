; SPDX-License-Identifier: GPL-2.0-only
; SSE and AVX moves with their operand in RAM and in MMIO space, aligned and not;
; MXCSR; FXSAVE and FXRSTOR; and the conditions under which all of them are refused.
%include "microguest.inc"
modes real16, prot32, compat32, long64
%include "emulate.inc"
%include "events.inc"

%define LOW 0x8877665544332211
%define HIGH 0x00ffeeddccbbaa99
%define LOW2 0x0123456789abcdef
%define HIGH2 0xfedcba9876543210
%if BITS == 16
	%define AT(offset) [OPERAND + (offset)]
%else
	%define AT(offset) [abs OPERAND + (offset)]
%endif

%macro gp 0.nolist
	%if MODE_NUMBER == MODE_REAL16
		expect exception, vector=VEC_GP, rip=EMULATED
	%else
		expect exception, vector=VEC_GP, error=0, rip=EMULATED
	%endif
%endmacro

; load NAME, TEXT, OFFSET, INSTRUCTION: fills XMM1 from OPERAND + OFFSET.
%macro load 4.nolist
	%defstr _name %4
	%strcat _sdm "SDM 2 ", _name
	%strcat _apm "APM 4 ", _name
case %1_load, %2
	ref	_sdm, _apm
	uses	sse
	both_rings
	operand	dq, LOW, HIGH, LOW2, HIGH2
	given	xmm1=LOW2, HIGH2
	emulate	%4 xmm1, AT(%3)
%endmacro

; store NAME, TEXT, OFFSET, INSTRUCTION: writes XMM1 to OPERAND + OFFSET.
%macro store 4.nolist
	%defstr _name %4
	%strcat _sdm "SDM 2 ", _name
	%strcat _apm "APM 4 ", _name
case %1_store, %2
	ref	_sdm, _apm
	uses	sse
	both_rings
	operand	dq, -1, -1, -1, -1
	given	xmm1=LOW, HIGH
	emulate	%4 AT(%3), xmm1
	checkpoint
%endmacro

load movdqu, "MOVDQU loads 16 bytes from an odd address", 3, MOVDQU
	checkpoint xmm1=0xbbaa998877665544, 0xabcdef00ffeeddcc
load movdqa, "MOVDQA loads 16 bytes", 0, MOVDQA
	checkpoint xmm1=LOW, HIGH
load movups, "MOVUPS loads 16 bytes from an odd address", 8, MOVUPS
	checkpoint xmm1=HIGH, LOW2
load movaps, "MOVAPS loads 16 bytes", 16, MOVAPS
	checkpoint xmm1=LOW2, HIGH2
load movapd, "MOVAPD loads 16 bytes", 16, MOVAPD
	checkpoint xmm1=LOW2, HIGH2
load movq, "MOVQ loads 8 bytes and clears the high half", 0, MOVQ
	checkpoint xmm1=LOW, 0
load movd, "MOVD loads 4 bytes and clears the rest", 0, MOVD
	checkpoint xmm1=LOW & 0xffffffff, 0
load movss, "MOVSS of memory loads 4 bytes and clears the rest", 4, MOVSS
	checkpoint xmm1=LOW >> 32, 0
load movsd, "MOVSD of memory loads 8 bytes and clears the rest", 8, MOVSD
	checkpoint xmm1=HIGH, 0
load movlps, "MOVLPS loads the low half and leaves the high one", 0, MOVLPS
	checkpoint xmm1=LOW, HIGH2
load movhpd, "MOVHPD loads the high half and leaves the low one", 0, MOVHPD
	checkpoint xmm1=LOW2, LOW

store movdqu, "MOVDQU stores 16 bytes at an odd address", 5, MOVDQU
	writes OPERAND + 5, dq, LOW, HIGH
store movdqa, "MOVDQA stores 16 bytes", 16, MOVDQA
	writes OPERAND + 16, dq, LOW, HIGH
store movups, "MOVUPS stores 16 bytes at an odd address", 1, MOVUPS
	writes OPERAND + 1, dq, LOW, HIGH
store movaps, "MOVAPS stores 16 bytes", 0, MOVAPS
	writes OPERAND, dq, LOW, HIGH
store movntdq, "MOVNTDQ stores 16 bytes", 0, MOVNTDQ
	writes OPERAND, dq, LOW, HIGH
store movntps, "MOVNTPS stores 16 bytes", 16, MOVNTPS
	writes OPERAND + 16, dq, LOW, HIGH
store movq, "MOVQ stores 8 bytes", 3, MOVQ
	writes OPERAND + 3, dq, LOW
store movd, "MOVD stores 4 bytes", 1, MOVD
	writes OPERAND + 1, dd, LOW & 0xffffffff
store movhps, "MOVHPS stores the high half", 8, MOVHPS
	writes OPERAND + 8, dq, HIGH

case movnti, "MOVNTI stores a general register"
	ref	"SDM 2 MOVNTI", "APM 3 MOVNTI"
	operand	dd, -1, -1
	emulate	movnti AT(0), eax
	checkpoint
	writes	OPERAND, dd, REG_RAX & 0xffffffff

; misaligned NAME, INSTRUCTION...: #GP(0).
%macro misaligned 2+.nolist
case misaligned_%1, "with an operand that is not 16-byte aligned: #GP(0)"
	ref	"SDM 2 MOVAPS", "SDM 1 4.1.1", "APM 4 MOVAPS"
	uses	sse
	operand	dq, 0, 0, 0
	emulate	%2
	gp
%endmacro
misaligned movaps_load, movaps xmm0, AT(8)
misaligned movaps_store, movaps AT(8), xmm0
misaligned movdqa_load, movdqa xmm2, AT(1)
misaligned movntdq_store, movntdq AT(4), xmm2

; ---- AVX ------------------------------------------------------------------------

%if MODE_NUMBER != MODE_REAL16
%macro avx_case 2.nolist
case %1, %2
	ref	"SDM 2 MOVDQU", "APM 4 VMOVDQU"
	uses	avx
	both_rings
	operand	dq, LOW, HIGH, LOW2, HIGH2, 5, 6, 7, 8
%endmacro

avx_case vmovdqu_load, "VMOVDQU loads 32 bytes from an odd address"
	emulate	vmovdqu ymm3, AT(8)
	checkpoint ymm3=HIGH, LOW2, HIGH2, 5

avx_case vmovdqa_load, "VMOVDQA loads 32 bytes"
	emulate	vmovdqa ymm3, AT(32)
	checkpoint ymm3=5, 6, 7, 8

avx_case vmovdqu_xmm, "VMOVDQU of 16 bytes clears the high half of the YMM register"
	given	ymm3=1, 2, 3, 4
	emulate	vmovdqu xmm3, AT(0)
	checkpoint ymm3=LOW, HIGH, 0, 0

avx_case movdqu_keeps_high, "MOVDQU leaves the high half of the YMM register"
	given	ymm3=1, 2, 3, 4
	emulate	movdqu xmm3, AT(0)
	checkpoint ymm3=LOW, HIGH, 3, 4

avx_case vmovdqu_store, "VMOVDQU stores 32 bytes at an odd address"
	given	ymm3=HIGH2, LOW2, HIGH, LOW
	emulate	vmovdqu AT(1), ymm3
	checkpoint
	writes	OPERAND + 1, dq, HIGH2, LOW2, HIGH, LOW

avx_case vmovdqa_misaligned, "VMOVDQA of 32 bytes with 16-byte alignment is #GP(0)"
	emulate	vmovdqa ymm3, AT(16)
	gp

case avx_off, "an AVX instruction with CR4.OSXSAVE = 0 is #UD"
	ref	"SDM 2 2.4.3", "APM 4 VMOVDQU"
	need	avx
	uses	sse
	emulate	vmovdqu xmm3, AT(0)
	expect	exception, vector=VEC_UD, rip=EMULATED
%endif

; ---- MXCSR and the image of FXSAVE ----------------------------------------------

case ldmxcsr, "LDMXCSR loads rounding, masks and flags"
	ref	"SDM 2 LDMXCSR", "APM 4 LDMXCSR"
	uses	sse
	operand	dd, 0x7fa2
	emulate	ldmxcsr AT(0)
	checkpoint mxcsr=0x7fa2

case ldmxcsr_reserved, "LDMXCSR of a reserved bit is #GP(0)"
	ref	"SDM 2 LDMXCSR", "APM 4 LDMXCSR"
	uses	sse
	operand	dd, 0x80001f80
	emulate	ldmxcsr AT(0)
	gp

case stmxcsr, "STMXCSR stores 4 bytes"
	ref	"SDM 2 STMXCSR", "APM 4 STMXCSR"
	uses	sse
	given	mxcsr=0x3fa1
	operand	dq, -1
	emulate	stmxcsr AT(0)
	checkpoint
	writes	OPERAND, dd, 0x3fa1

; Offsets in the image (SDM 1 10.5.1)
%define FX_FCW OPERAND
%define FX_MXCSR (OPERAND + 24)
%define FX_MXCSR_MASK (OPERAND + 28)
%define FX_XMM0 (OPERAND + 160)
%if BITS == 64
	%define FX_XMMS 16
%else
	%define FX_XMMS 8
%endif

case fxsave, "FXSAVE stores x87 and the XMM registers this mode has"
	ref	"SDM 2 FXSAVE", "SDM 1 10.5.1", "APM 5 FXSAVE", "APM 2 11.4"
	uses	sse
	memory	OPERAND, dw, 0
	given	xmm0=1, 2, xmm7=LOW, HIGH, mxcsr=0x3f80
	emulate	fxsave AT(0)
	checkpoint
	writes	FX_FCW, dw, 0x37f
	writes	FX_MXCSR, dd, 0x3f80
	undefined_memory FX_MXCSR_MASK, 4
	writes	FX_XMM0, dq, 1, 2
	writes	FX_XMM0 + 7 * 16, dq, LOW, HIGH

case fxrstor, "FXRSTOR loads MXCSR and the XMM registers this mode has"
	ref	"SDM 2 FXRSTOR", "SDM 1 10.5.1", "APM 5 FXRSTOR", "APM 2 11.4"
	uses	sse
	memory	FX_FCW, dw, 0x27f
	memory	FX_MXCSR, dd, 0x1fa0
	memory	FX_XMM0, dq, LOW, HIGH
	memory	FX_XMM0 + (FX_XMMS - 1) * 16, dq, LOW2, HIGH2
	given	xmm3=1, 2
	emulate	fxrstor AT(0)
%if BITS == 64
	checkpoint fcw=0x27f, mxcsr=0x1fa0, xmm0=LOW, HIGH, xmm3=0, 0, xmm15=LOW2, HIGH2
%else
	checkpoint fcw=0x27f, mxcsr=0x1fa0, xmm0=LOW, HIGH, xmm3=0, 0, xmm7=LOW2, HIGH2
%endif

case fxrstor_reserved, "FXRSTOR of a reserved bit of MXCSR is #GP(0)"
	ref	"SDM 2 FXRSTOR", "APM 5 FXRSTOR"
	uses	sse
	memory	FX_MXCSR, dd, 0x10001f80
	emulate	fxrstor AT(0)
	gp

misaligned fxsave, fxsave AT(8)
misaligned fxrstor, fxrstor AT(4)

; ---- refused as a whole -----------------------------------------------------------

; refused NAME, TEXT, VECTOR, CR0 bits to set, CR4 bits
%macro refused 5.nolist
case refused_%1, %2
	ref	"SDM 3 13.1", "APM 1 4.9.2"
	uses	sse
	given	cr0=STAGE_CR0 | (%4), cr4=STAGE_CR4 | (%5)
	emulate	movups xmm0, AT(0)
	expect	exception, vector=%3, rip=EMULATED
	emulate	ldmxcsr AT(0)
	expect	exception, vector=%3, rip=EMULATED
%endmacro
refused ts, "with CR0.TS SSE instructions are #NM", VEC_NM, CR0_TS, CR4_OSFXSR
refused em, "with CR0.EM SSE instructions are #UD", VEC_UD, CR0_EM, CR4_OSFXSR
refused em_ts, "with CR0.EM and TS SSE instructions are #UD", VEC_UD, CR0_EM | CR0_TS, CR4_OSFXSR
refused osfxsr, "with CR4.OSFXSR = 0 SSE instructions are #UD", VEC_UD, 0, 0

case fxsave_em, "with CR0.EM FXSAVE is #NM, unlike SSE instructions"
	ref	"SDM 2 FXSAVE", "APM 5 FXSAVE"
	given	cr0=STAGE_CR0 | CR0_EM
	emulate	fxsave AT(0)
	expect	exception, vector=VEC_NM, rip=EMULATED

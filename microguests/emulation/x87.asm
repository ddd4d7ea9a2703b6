; SPDX-License-Identifier: GPL-2.0-only
; x87 and MMX: loads and stores of every format, control and status words, and the
; conditions under which they are refused.
;
; Processors differ in which instructions they remember (FIP, FDP, FOP), and a
; popped register keeps its bits. So a case ends by loading an initial image, unless
; what it looks at is the state itself.
%include "microguest.inc"
modes real16, prot32, compat32, long64
%include "emulate.inc"
%include "events.inc"
%include "fpu.inc"

initial_image

; forgotten [FIELDS]: the end of a case.
%macro forgotten 0-1+.nolist
	fxrstor	AT(initial)
	checkpoint %1
%endmacro

; load NAME, TEXT, REF, INSTRUCTION, DIRECTIVE, VALUE, then what FSTP m80 writes of it
%macro load 7+.nolist
case %1, %2
	ref	%3
	uses	fpu
	both_rings
	operand	%5, %6
	emulate	%4 AT(OPERAND)
	fstp	tword AT(SCRATCH)
	forgotten
	writes	SCRATCH, dw, %7
%endmacro

load fld_m32, "FLD m32 extends the value", "SDM 2 FLD", fld dword, dd, 0xbfc00000, 0, 0, 0, 0xc000, 0xbfff
load fld_m64, "FLD m64 extends the value", "SDM 2 FLD", fld qword, dq, 0x3ff8000000000000, 0, 0, 0, 0xc000, 0x3fff
load fld_m80, "FLD m80 takes ten bytes", "SDM 2 FLD", fld tword, dw, {0x1111, 0x2222, 0x3333, 0x8444, 0x4005}, \
	0x1111, 0x2222, 0x3333, 0x8444, 0x4005
load fild_m16, "FILD m16 converts a signed word", "SDM 2 FILD", fild word, dw, -3, 0, 0, 0, 0xc000, 0xc000
load fild_m32, "FILD m32 converts a signed doubleword", "SDM 2 FILD", fild dword, dd, 0x10000, 0, 0, 0, 0x8000, 0x400f
load fild_m64, "FILD m64 converts a signed quadword", "SDM 2 FILD", fild qword, dq, -1, 0, 0, 0, 0x8000, 0xbfff
load fbld, "FBLD converts packed decimal digits", "SDM 2 FBLD", fbld, dw, {0x0012, 0, 0, 0, 0x8000}, \
	0, 0, 0, 0xc000, 0xc002

; store NAME, TEXT, REF, VALUE (m80 as words), INSTRUCTION, OFFSET, then what it writes
%macro store 8+.nolist
case %1, %2
	ref	%3
	uses	fpu
	both_rings
	operand	dq, 0x5555555555555555, 0x5555555555555555
	memory	SCRATCH, dw, %4
	fld	tword AT(SCRATCH)
	emulate	%5 AT(OPERAND + %6)
	forgotten
	writes	OPERAND + %6, %7, %8
%endmacro
%define MINUS_1_5 0, 0, 0, 0xc000, 0xbfff

store fstp_m32, "FSTP m32 rounds and writes 4 bytes", "SDM 2 FST", {MINUS_1_5}, fstp dword, 3, dd, 0xbfc00000
store fst_m64, "FST m64 writes 8 bytes", "SDM 2 FST", {MINUS_1_5}, fst qword, 0, dq, 0xbff8000000000000
store fstp_m80, "FSTP m80 writes ten bytes", "SDM 2 FST", {MINUS_1_5}, fstp tword, 1, dw, MINUS_1_5
store fist_m16, "FIST m16 rounds to the nearest even integer", "SDM 2 FIST", {MINUS_1_5}, fist word, 0, dw, -2
store fistp_m32, "FISTP m32 writes 4 bytes", "SDM 2 FIST", {MINUS_1_5}, fistp dword, 0, dd, -2
store fistp_m64, "FISTP m64 writes 8 bytes", "SDM 2 FIST", {MINUS_1_5}, fistp qword, 0, dq, -2
store fbstp, "FBSTP writes ten bytes of packed decimal", "SDM 2 FBSTP", {MINUS_1_5}, fbstp, 0, dw, 2, 0, 0, 0, 0x8000

case fnstcw, "FNSTCW stores the control word"
	ref	"SDM 2 FSTCW", "APM 5 FNSTCW"
	uses	fpu
	both_rings
	given	fcw=0x0a7f
	operand	dd, 0x55555555
	emulate	fnstcw AT(OPERAND)
	checkpoint
	writes	OPERAND, dw, 0x0a7f

case fnstsw, "FNSTSW stores the status word, in memory or in AX"
	ref	"SDM 2 FSTSW", "APM 5 FNSTSW"
	uses	fpu
	both_rings
	given	fsw=0x4500
	operand	dd, 0x55555555
	emulate	fnstsw AT(OPERAND)
	emulate	fnstsw ax
	checkpoint rax=LOW16(RAX, 0x4500)
	writes	OPERAND, dw, 0x4500

case fldcw, "FLDCW loads the control word"
	ref	"SDM 2 FLDCW", "APM 5 FLDCW"
	uses	fpu
	both_rings
	operand	dw, 0x0f7f
	emulate	fldcw AT(OPERAND)
	checkpoint fcw=0x0f7f

case fninit, "FNINIT sets control and status words to their initial values"
	ref	"SDM 2 FINIT", "APM 5 FNINIT", "SDM 3 9.2"
	uses	fpu
	both_rings
	given	fcw=0x0040, fsw=0x3800, ftw=0xff
	emulate	fninit
	checkpoint fcw=0x37f, fsw=0, ftw=0

case fnclex, "FNCLEX clears the exceptions and leaves the condition codes"
	ref	"SDM 2 FCLEX", "APM 5 FNCLEX"
	uses	fpu
	both_rings
	given	fsw=0x4141
	emulate	fnclex
	checkpoint fsw=0x4100

; ---- MMX --------------------------------------------------------------------------

case movq_mmx_load, "MOVQ mm, m64 makes all tags valid and the exponent all ones"
	ref	"SDM 2 MOVQ", "SDM 1 9.6.2", "APM 5 MOVQ"
	need	mmx
	uses	fpu
	both_rings
	operand	dq, 0x1122334455667788
	emulate	movq mm0, AT(OPERAND)
	movq	AT(SCRATCH), mm0
	forgotten
	writes	SCRATCH, dq, 0x1122334455667788

case movq_mmx_store, "MOVQ m64, mm stores 8 bytes"
	ref	"SDM 2 MOVQ", "APM 5 MOVQ"
	need	mmx
	uses	fpu
	both_rings
	memory	SCRATCH, dq, 0x8877665544332211
	operand	dq, 0, 0
	movq	mm7, AT(SCRATCH)
	emulate	movq AT(OPERAND + 1), mm7
	forgotten
	writes	OPERAND + 1, dq, 0x8877665544332211

; ---- refused ------------------------------------------------------------------------

; refused NAME, TEXT, CR0 bits, VECTOR of FLD and of WAIT, INSTRUCTION
%macro refused 5.nolist
case refused_%1, %2
	ref	"SDM 3 2.5", "APM 2 3.1.1"
	given	cr0=STAGE_CR0 | (%3)
	emulate	%5
	expect	exception, vector=%4, rip=EMULATED
%endmacro
refused em, "with CR0.EM an x87 instruction is #NM", CR0_EM, VEC_NM, fninit
refused ts, "with CR0.TS an x87 instruction is #NM", CR0_TS, VEC_NM, {fld dword AT(OPERAND)}
refused wait, "with CR0.TS and MP FWAIT is #NM", CR0_TS | CR0_MP, VEC_NM, fwait
refused mmx_em, "with CR0.EM an MMX instruction is #UD", CR0_EM, VEC_UD, {movq mm0, AT(OPERAND)}
refused mmx_ts, "with CR0.TS an MMX instruction is #NM", CR0_TS, VEC_NM, {movq mm0, AT(OPERAND)}

case wait_ts, "with CR0.TS and not MP FWAIT is executed"
	ref	"SDM 3 2.5", "APM 2 3.1.1"
	given	cr0=STAGE_CR0 | CR0_TS
	emulate	fwait
	checkpoint

; An unmasked exception of the instruction before: invalid operation (SDM 1 8.7).
%define FSW_PENDING 0x8081
%define FCW_UNMASKED 0x37e

; pending NAME, INSTRUCTION
%macro pending 2.nolist
case pending_%1, "an x87 exception that is pending and not masked is #MF before the next instruction"
	ref	"SDM 1 8.7.1", "SDM 3 6.15", "APM 2 8.2.16"
	uses	fpu
	given	cr0=STAGE_CR0 | CR0_NE, fcw=FCW_UNMASKED, fsw=FSW_PENDING
	operand	dq, 0
	emulate	%2
	expect	exception, vector=VEC_MF, rip=EMULATED
%endmacro
pending fld, {fld dword AT(OPERAND)}
pending wait, fwait
pending mmx, {movq mm0, AT(OPERAND)}

case pending_fnstsw, "FNSTSW and FNSTCW do not wait for a pending exception"
	ref	"SDM 1 8.3.12", "APM 5 FNSTSW"
	uses	fpu
	given	cr0=STAGE_CR0 | CR0_NE, fcw=FCW_UNMASKED, fsw=FSW_PENDING
	emulate	fnstsw ax
	emulate	fnstcw AT(SCRATCH)
	checkpoint rax=LOW16(RAX, FSW_PENDING)
	writes	SCRATCH, dw, FCW_UNMASKED

; SPDX-License-Identifier: GPL-2.0-only
; Far JMP, CALL and RET that must fault: which vector, which error code, and that
; CS, RIP, the stack pointer and the stack stay as they were.
%include "microguest.inc"
modes prot16, prot32, compat32, long64

%if BITS == 16
	%define FAR word
	%define FAR_BYTES 2
	%define LIMIT 0xffff
	%define AR_OWN AR_CODE16
	%define POINTER(offset, selector) offset, selector
	%define FRAME(offset, selector) offset, selector
%else
	%define FAR dword
	%define FAR_BYTES 4
	%define LIMIT 0xffffffff
	%define POINTER(offset, selector) offset, 0, selector
	%define FRAME(offset, selector) offset, 0, selector, 0
	%if BITS == 64
		%define AR_OWN AR_CODE64
	%else
		%define AR_OWN AR_CODE32
	%endif
%endif
%define FRAME_AT (STACK_TOP - 0x40)


; frame OFFSET, SELECTOR: what a far RET finds on the stack, 40h below its top.
%macro frame 2.nolist
	given	rsp=FRAME_AT
	memory	FRAME_AT, dw, FRAME(%1, %2)
%endmacro

%define MORE_REFS
; A selector that each of the three instructions refuses:
; far_fault NAME, TEXT, SELECTOR, VECTOR, ERROR [, AR, LIMIT of the descriptor SEL_FREE].
%macro far_fault 5-7.nolist AR_OWN, LIMIT
	%strcat _text "JMP far to ", %2
case jmp_%1, _text
	ref	"SDM 2 JMP", "APM 3 JMP (Far)" MORE_REFS
	descriptor SEL_FREE, base=0, limit=%7, ar=%6
	operand	dw, POINTER(.there, %3)
	emulate	jmp FAR far [OPERAND]
.there:	expect	exception, vector=%4, error=%5, rip=EMULATED

	%strcat _text "CALL far to ", %2
case call_%1, _text
	ref	"SDM 2 CALL", "APM 3 CALL (Far)" MORE_REFS
	descriptor SEL_FREE, base=0, limit=%7, ar=%6
	operand	dw, POINTER(.there, %3)
	emulate	call FAR far [OPERAND]
.there:	expect	exception, vector=%4, error=%5, rip=EMULATED

	%strcat _text "far RET to ", %2
case retf_%1, _text
	ref	"SDM 2 RET", "APM 3 RET (Far)" MORE_REFS
	descriptor SEL_FREE, base=0, limit=%7, ar=%6
	frame	.there, %3
	emulate	retf
.there:	expect	exception, vector=%4, error=%5, rip=EMULATED
	%undef _text
%endmacro

far_fault null, "a null selector is #GP(0), whatever its RPL", 3, VEC_GP, 0
far_fault beyond_gdt, "a selector beyond the GDT is #GP(selector)", GDT_SLOTS * 8, VEC_GP, GDT_SLOTS * 8
far_fault beyond_ldt, "a selector beyond the LDT is #GP(selector) with TI", \
	LDT_SLOTS * 8 + 4, VEC_GP, LDT_SLOTS * 8 + 4
far_fault data, "a data segment is #GP(selector)", SEL_DATA, VEC_GP, SEL_DATA
far_fault ldt_descriptor, "a descriptor of an LDT is #GP(selector)", SEL_LDT, VEC_GP, SEL_LDT
far_fault rpl, "code of this level with RPL 3 is #GP(selector without RPL)", SEL_CODE | 3, \
	VEC_GP, SEL_CODE
far_fault outer, "code of DPL 3 with RPL 0 is #GP(selector)", SEL_UCODE & ~3, VEC_GP, SEL_UCODE & ~3
far_fault outer_conforming, "conforming code of DPL 3 with RPL 0 is #GP(selector)", SEL_FREE, \
	VEC_GP, SEL_FREE, AR_OWN | 4 | AR_DPL3
far_fault not_present, "code that is not present is #NP(selector)", SEL_FREE, VEC_NP, SEL_FREE, \
	AR_OWN & ~AR_P
far_fault not_present_data, "data that is not present is #GP(selector): the type goes first", \
	SEL_NOTPRESENT, VEC_GP, SEL_NOTPRESENT
far_fault limit, "an offset beyond the new limit is #GP(0)", SEL_FREE, VEC_GP, 0, AR_CODE16, 0xfff
%if LONG
far_fault l_and_d, "code with both L and D set is #GP(selector)", SEL_FREE, VEC_GP, SEL_FREE, \
	AR_CODE64 | AR_DB
; Long mode switches no tasks: a TSS is only there to be loaded into TR.
%define MORE_REFS , "SDM 3 7.7", "APM 2 12.2.5"
far_fault tss, "an available 64-bit TSS is #GP(selector)", SEL_FREE, VEC_GP, SEL_FREE, AR_TSS, 0x67
far_fault busy_tss, "the busy TSS of the task itself is #GP(selector)", SEL_TSS, VEC_GP, SEL_TSS
far_fault tss_not_present, "a TSS that is not present is #GP(selector): the type goes first", SEL_FREE, VEC_GP, \
	SEL_FREE, AR_TSS & ~AR_P, 0x67
far_fault task_gate, "a task gate is #GP(selector)", SEL_FREE, VEC_GP, SEL_FREE, AR_TASKGATE, 0x67
%define MORE_REFS
%endif

case retf_inner, "far RET to an inner level is #GP(selector)"
	ref	"SDM 2 RET", "APM 3 RET (Far)"
	ring3
	frame	.there, SEL_CODE
	emulate	retf
.there:	expect	exception, vector=VEC_GP, error=SEL_CODE, rip=EMULATED

case jmp_inner, "JMP far at CPL 3 to code of DPL 0 is #GP(selector)"
	ref	"SDM 3 5.8.1.1", "APM 2 4.11.1"
	ring3
	operand	dw, POINTER(.there, SEL_CODE)
	emulate	jmp FAR far [OPERAND]
.there:	expect	exception, vector=VEC_GP, error=SEL_CODE, rip=EMULATED

; The frame of a far RET to CPL 3 with a stack segment it refuses.
%macro outer_fault 5.nolist
case retf_outer_%1, %2
	ref	"SDM 2 RET", "APM 3 RET (Far)"
	frame	.there, SEL_UCODE
	memory	FRAME_AT+2*FAR_BYTES, dw, FRAME(SCRATCH + 0x800, %3)
	descriptor SEL_FREE, base=0, limit=LIMIT, ar=(AR_DATA | AR_DPL3) & ~AR_P
	emulate	retf
.there:	expect	exception, vector=%4, error=%5, rip=EMULATED
%endmacro

outer_fault ss_null, "far RET to CPL 3 with a null SS is #GP(0)", 3, VEC_GP, 0
outer_fault ss_beyond, "far RET to CPL 3 with SS beyond the GDT is #GP(selector)", \
	GDT_SLOTS * 8 + 3, VEC_GP, GDT_SLOTS * 8
outer_fault ss_rpl, "far RET to CPL 3 with an RPL of SS other than 3 is #GP(selector)", \
	SEL_UDATA & ~3, VEC_GP, SEL_UDATA & ~3
outer_fault ss_dpl, "far RET to CPL 3 with a DPL of SS other than 3 is #GP(selector)", \
	SEL_DATA | 3, VEC_GP, SEL_DATA
outer_fault ss_code, "far RET to CPL 3 with code in SS is #GP(selector)", SEL_UCODE, \
	VEC_GP, SEL_UCODE & ~3
outer_fault ss_not_present, "far RET to CPL 3 with SS not present is #SS(selector)", \
	SEL_FREE | 3, VEC_SS, SEL_FREE

%if BITS == 64
case retf_non_canonical, "far RET to a non-canonical address is #GP(0) at the RET"
	ref	"SDM 2 RET", "APM 3 RET (Far)"
	given	rsp=FRAME_AT
	memory	FRAME_AT, dq, 1 << 63, SEL_CODE
	emulate	o64 retf
	expect	exception, vector=VEC_GP, error=0, rip=EMULATED

case jmp_non_canonical, "JMP far to a non-canonical address is #GP(0) at the JMP"
	ref	"SDM 2 JMP"
	need	intel
	operand	dq, 1 << 47, SEL_CODE
	emulate	jmp qword far [OPERAND]
	expect	exception, vector=VEC_GP, error=0, rip=EMULATED
%endif

; SPDX-License-Identifier: GPL-2.0-only
; Call gates (SDM 3 5.8.3 to 5.8.5, APM 2 4.11.2): to the same level, to inner
; levels with their stack switch, and every descriptor they refuse.
%include "microguest.inc"
modes prot16, prot32, compat32, long64

%define GATE (SEL_FREE)			; two slots in long mode
%define CODE_INNER (SEL_FREE + 0x10)	; code and data of DPL 1, and a broken segment
%define DATA_INNER (SEL_FREE + 0x18)
%define BROKEN (SEL_FREE + 0x20)

; What the gate's size makes of the frame, and code that a gate may lead to.
%if LONG
	%define AR_GATE AR_CALL
	%define ITEM 8
	%define dw_item dq
	%define GATE_CODE SEL_CODE64
	%define AR_GATE_CODE AR_CODE64
	%define LIMIT 0xffffffff
%elif BITS == 32
	%define AR_GATE AR_CALL
	%define ITEM 4
	%define dw_item dd
	%define GATE_CODE SEL_CODE
	%define AR_GATE_CODE AR_CODE32
	%define LIMIT 0xffffffff
%else
	%define AR_GATE AR_CALL16
	%define ITEM 2
	%define dw_item dw
	%define GATE_CODE SEL_CODE
	%define AR_GATE_CODE AR_CODE16
	%define LIMIT 0xffff
%endif
%if BITS == 16
	%define FAR word
	%define POINTER(selector) 0xdead, selector
%else
	%define FAR dword
	%define POINTER(selector) 0xdead, 0xdead, selector
%endif

; call_gate OFFSET, SELECTOR, AR [, COUNT of parameters]: offsets here are below 64 KiB.
%macro call_gate 3-4.nolist 0
	descriptor GATE, raw=%1 + ((%2) << 16) + ((%4) << 32) + ((%3) << 40)
%endmacro

; gated INSTRUCTION [, SELECTOR]: JMP or CALL through the gate; the pointer's offset is not used.
%macro gated 1-2.nolist GATE
	memory	OPERAND, dw, POINTER(%2)
	emulate	%1 FAR far [OPERAND]
%endmacro

case call_same, "a call gate to the same level pushes CS and IP in the gate's size, on the same stack"
	ref	"SDM 3 5.8.4", "SDM 2 CALL", "APM 2 4.11.2"
	call_gate .there, GATE_CODE, AR_GATE
	gated	call
.back:	ud2
.there:	checkpoint cs=GATE_CODE, rsp=STACK_TOP-2*ITEM
	writes	STACK_TOP-2*ITEM, dw_item, .back, SEL_CODE

case jmp_same, "JMP through a call gate to the same level pushes nothing"
	ref	"SDM 3 5.8.4", "SDM 2 JMP", "APM 2 4.11.2"
	call_gate .there, GATE_CODE, AR_GATE
	gated	jmp
	ud2
.there:	checkpoint cs=GATE_CODE

case call_inner, "a call gate from CPL 3 to CPL 0 takes the TSS's stack and pushes SS, SP, CS and IP"
	ref	"SDM 3 5.8.5", "SDM 2 CALL", "APM 2 4.11.2", "APM 2 4.7.5"
	ring3
	call_gate .there, GATE_CODE, AR_GATE | AR_DPL3
	gated	call
.back:	ud2
%if LONG
.there:	checkpoint cs=GATE_CODE, rsp=KSTACK_TOP-4*ITEM, ss=0
%else
.there:	checkpoint cs=GATE_CODE, rsp=KSTACK_TOP-4*ITEM, ss=SEL_DATA
%endif
	writes	KSTACK_TOP-4*ITEM, dw_item, .back, SEL_UCODE, STACK_TOP, SEL_UDATA

%if LONG
case count_ignored, "in long mode a call gate copies no parameters"
	ref	"SDM 3 5.8.5.1", "APM 2 4.11.2"
	ring3
	call_gate .there, GATE_CODE, AR_GATE | AR_DPL3, 2
	gated	call
.back:	ud2
.there:	checkpoint cs=GATE_CODE, rsp=KSTACK_TOP-4*ITEM, ss=0
	writes	KSTACK_TOP-4*ITEM, dw_item, .back, SEL_UCODE, STACK_TOP, SEL_UDATA
%else
case call_inner_parameters, "a call gate copies its count of parameters from the outer stack"
	ref	"SDM 3 5.8.5", "SDM 2 CALL", "APM 2 4.11.2"
	ring3
	call_gate .there, GATE_CODE, AR_GATE | AR_DPL3, 3
	given	rsp=STACK_TOP-3*ITEM
	memory	STACK_TOP-3*ITEM, dw_item, 0x1357, 0x2468, 0x369a
	gated	call
.back:	ud2
.there:	checkpoint cs=GATE_CODE, rsp=KSTACK_TOP-7*ITEM, ss=SEL_DATA
	writes	KSTACK_TOP-7*ITEM, dw_item, .back, SEL_UCODE, 0x1357, 0x2468, 0x369a, \
		STACK_TOP-3*ITEM, SEL_UDATA

; Stacks of level 1: ESP1 and SS1 of the TSS (SDM 3 7.2.1).
%define TSS_ESP1 (TSS + 0xc)
%define TSS_SS1 (TSS + 0x10)
%define STACK1_TOP IST_STACK_TOP

%macro level1 1.nolist
	descriptor CODE_INNER, base=0, limit=LIMIT, ar=AR_GATE_CODE | 0x20
	descriptor DATA_INNER, base=0, limit=LIMIT, ar=(AR_GATE_CODE & ~0xf) | 3 | 0x20
	descriptor BROKEN, base=0, limit=LIMIT, ar=((AR_GATE_CODE & ~0xf) | 3 | 0x20) & ~AR_P
	memory	TSS_ESP1, dd, STACK1_TOP, %1
%endmacro

case call_level1, "a call gate to CPL 1 takes SS1 and ESP1 of the TSS"
	ref	"SDM 3 5.8.5", "SDM 3 7.2.1", "APM 2 4.11.2"
	ring3
	level1	DATA_INNER | 1
	call_gate .there, CODE_INNER, AR_GATE | AR_DPL3
	gated	call
.back:	ud2
.there:	checkpoint cs=CODE_INNER | 1, rsp=STACK1_TOP-4*ITEM, ss=DATA_INNER | 1
	writes	STACK1_TOP-4*ITEM, dw_item, .back, SEL_UCODE, STACK_TOP, SEL_UDATA

; inner_stack_fault NAME, TEXT, SS1, VECTOR, ERROR
%macro inner_stack_fault 5.nolist
case inner_stack_%1, %2
	ref	"SDM 2 CALL", "SDM 3 6.15", "APM 3 CALL (Far)"
	ring3
	level1	%3
	call_gate .there, CODE_INNER, AR_GATE | AR_DPL3
	gated	call
.there:	expect	exception, vector=%4, error=%5, rip=EMULATED
%endmacro

inner_stack_fault null, "a null SS of the new level is #TS(0)", 0, VEC_TS, 0
inner_stack_fault beyond, "an SS of the new level beyond the GDT is #TS(selector)", \
	GDT_SLOTS * 8 + 1, VEC_TS, GDT_SLOTS * 8
inner_stack_fault rpl, "an SS of the new level with another RPL is #TS(selector)", DATA_INNER, \
	VEC_TS, DATA_INNER
inner_stack_fault dpl, "an SS of the new level with another DPL is #TS(selector)", SEL_DATA | 1, \
	VEC_TS, SEL_DATA
inner_stack_fault code, "code in SS of the new level is #TS(selector)", CODE_INNER | 1, \
	VEC_TS, CODE_INNER
inner_stack_fault not_present, "an SS of the new level that is not present is #SS(selector)", \
	BROKEN | 1, VEC_SS, BROKEN
%endif

case call_conforming, "a call gate to conforming code stays at CPL 3 and on its stack"
	ref	"SDM 3 5.8.4", "APM 2 4.11.2"
	ring3
	descriptor CODE_INNER, base=0, limit=LIMIT, ar=AR_GATE_CODE | 4
	call_gate .there, CODE_INNER, AR_GATE | AR_DPL3
	gated	call
.back:	ud2
.there:	checkpoint cs=CODE_INNER | 3, rsp=STACK_TOP-2*ITEM
	writes	STACK_TOP-2*ITEM, dw_item, .back, SEL_UCODE

case jmp_inner, "JMP through a call gate to code of an inner level is #GP(code selector)"
	ref	"SDM 3 5.8.4", "SDM 2 JMP", "APM 2 4.11.2"
	ring3
	call_gate .there, GATE_CODE, AR_GATE | AR_DPL3
	gated	jmp
.there:	expect	exception, vector=VEC_GP, error=GATE_CODE, rip=EMULATED

case gate_dpl, "a gate whose DPL is below CPL is #GP(gate selector)"
	ref	"SDM 3 5.8.4", "SDM 2 CALL", "APM 2 4.11.2"
	ring3
	call_gate .there, GATE_CODE, AR_GATE
	gated	call
.there:	expect	exception, vector=VEC_GP, error=GATE, rip=EMULATED

; gate_fault NAME, TEXT, SELECTOR of the gate, TARGET, AR of the gate, VECTOR, ERROR, AR of BROKEN
%macro gate_fault 8.nolist
case gate_%1, %2
	ref	"SDM 3 5.8.4", "SDM 2 CALL", "APM 2 4.11.2"
	descriptor BROKEN, base=0, limit=LIMIT, ar=%8
	call_gate .there, %4, %5
	gated	call, %3
.there:	expect	exception, vector=%6, error=%7, rip=EMULATED
%endmacro

gate_fault rpl, "a selector whose RPL is above the gate's DPL is #GP(gate selector)", GATE | 3, \
	GATE_CODE, AR_GATE, VEC_GP, GATE, AR_GATE_CODE
gate_fault not_present, "a gate that is not present is #NP(gate selector)", GATE, \
	GATE_CODE, AR_GATE & ~AR_P, VEC_NP, GATE, AR_GATE_CODE
gate_fault to_null, "a gate to a null selector is #GP(0)", GATE, 0, AR_GATE, VEC_GP, 0, AR_GATE_CODE
gate_fault to_beyond, "a gate to a selector beyond the GDT is #GP(code selector)", GATE, \
	GDT_SLOTS * 8, AR_GATE, VEC_GP, GDT_SLOTS * 8, AR_GATE_CODE
gate_fault to_data, "a gate to a data segment is #GP(code selector)", GATE, \
	SEL_DATA, AR_GATE, VEC_GP, SEL_DATA, AR_GATE_CODE
gate_fault to_outer, "a gate to code of an outer level is #GP(code selector)", GATE, \
	BROKEN, AR_GATE, VEC_GP, BROKEN, AR_GATE_CODE | AR_DPL3
gate_fault to_not_present, "a gate to code that is not present is #NP(code selector)", GATE, \
	BROKEN, AR_GATE, VEC_NP, BROKEN, AR_GATE_CODE & ~AR_P

%if LONG
gate_fault to_compat, "in long mode a gate to code that is not 64-bit is #GP(code selector)", GATE, \
	SEL_CODE32, AR_GATE, VEC_GP, SEL_CODE32, AR_GATE_CODE
gate_fault size_16, "in long mode a 16-bit call gate is #GP(gate selector)", GATE, \
	GATE_CODE, AR_CALL16, VEC_GP, GATE, AR_GATE_CODE
gate_fault task, "in long mode a task gate is #GP(gate selector)", GATE, \
	GATE_CODE, AR_TASKGATE, VEC_GP, GATE, AR_GATE_CODE

case gate_upper_type, "a type in the upper half of a 64-bit call gate is #GP(gate selector)"
	ref	"SDM 3 5.8.3.1", "APM 2 4.8.4"
	call_gate .there, GATE_CODE, AR_GATE
	descriptor GATE + 8, raw=0x0100 << 32
	gated	call
.there:	expect	exception, vector=VEC_GP, error=GATE, rip=EMULATED

case gate_non_canonical, "a 64-bit call gate to a non-canonical address is #GP(0)"
	ref	"SDM 2 CALL", "APM 3 CALL (Far)"
	call_gate .there, GATE_CODE, AR_GATE
	descriptor GATE + 8, raw=0x8000
	gated	call
.there:	expect	exception, vector=VEC_GP, error=0, rip=EMULATED
%endif

%if BITS == 32 && !LONG
case gate_16_from_32, "a 16-bit call gate pushes 16 bits each in 32-bit code too"
	ref	"SDM 3 5.8.4", "APM 2 4.11.2", "SDM 3 21.4", "APM 2 4.7.5"
	call_gate .there, SEL_CODE, AR_CALL16
	gated	call
.back:	ud2
.there:	checkpoint rsp=STACK_TOP-4
	writes	STACK_TOP-4, dw, .back, SEL_CODE
%endif

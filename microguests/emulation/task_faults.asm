; SPDX-License-Identifier: GPL-2.0-only
; What task switches refuse (SDM 3 tables 7-1 and 6.15 #TS, APM 2 12.3): before they have
; begun, in the old task, with nothing changed; and of the new task's registers, in
; the new task, before its first instruction.
%include "microguest.inc"
modes prot16, prot32, paged32, pae32
%include "emulate.inc"
%include "events.inc"
%include "tasks.inc"

%define V 0x50
%define BEYOND (GDT_SLOTS * 8)

; ---- by JMP and CALL -----------------------------------------------------------------

; refused NAME, TEXT, INSTRUCTION, SELECTOR, VECTOR, ERROR: what else the case needs is in
; the macro prepare_NAME.
%macro refused 6.nolist
case %1, %2
	ref	"SDM 3 7.3 table 7-1", "SDM 3 6.15", "APM 2 12.3"
	new_task 32, .f
	prepare_%1
	far_pointer %3, %4
	expect	exception, vector=%5, error=%6, rip=EMULATED
.f:
%endmacro

%macro prepare_jmp_busy 0.nolist
	descriptor SEL_NEW, base=NEW, limit=TSS32_LIMIT, ar=AR_TSS_BUSY
%endmacro
refused jmp_busy, "JMP to a busy TSS is #GP(selector)", jmp, SEL_NEW, VEC_GP, SEL_NEW

%macro prepare_call_busy 0.nolist
	descriptor SEL_NEW, base=NEW, limit=TSS32_LIMIT, ar=AR_TSS_BUSY
%endmacro
refused call_busy, "CALL of a busy TSS is #GP(selector): tasks are not recursive", call, \
	SEL_NEW, VEC_GP, SEL_NEW

%macro prepare_call_itself 0.nolist
%endmacro
refused call_itself, "CALL of the task itself is #GP(selector)", call, SEL_TSS, VEC_GP, SEL_TSS

%macro prepare_not_present 0.nolist
	descriptor SEL_NEW, base=NEW, limit=TSS32_LIMIT, ar=AR_TSS & ~AR_P
%endmacro
refused not_present, "a TSS that is not present is #NP(selector)", jmp, SEL_NEW, VEC_NP, SEL_NEW

%macro prepare_limit_32 0.nolist
	descriptor SEL_NEW, base=NEW, limit=TSS32_LIMIT - 1, ar=AR_TSS
%endmacro
refused limit_32, "a 32-bit TSS with a limit below 67h is #TS(selector)", jmp, SEL_NEW, \
	VEC_TS, SEL_NEW

%macro prepare_limit_16 0.nolist
	descriptor SEL_NEW, base=NEW, limit=TSS16_LIMIT - 1, ar=AR_TSS16
%endmacro
refused limit_16, "a 16-bit TSS with a limit below 2bh is #TS(selector)", call, SEL_NEW, \
	VEC_TS, SEL_NEW

%macro prepare_in_ldt 0.nolist
	descriptor 4, base=NEW, limit=TSS32_LIMIT, ar=AR_TSS
%endmacro
refused in_ldt, "a TSS descriptor in the LDT is #GP(selector)", jmp, 4, VEC_GP, 4

%macro prepare_gate_not_present 0.nolist
	task_gate SEL_NEW, AR_TASKGATE & ~AR_P
%endmacro
refused gate_not_present, "a task gate that is not present is #NP(gate)", jmp, SEL_GATE, \
	VEC_NP, SEL_GATE

%macro prepare_gate_null 0.nolist
	task_gate 0
%endmacro
refused gate_null, "a task gate with a null selector is #GP(0)", call, SEL_GATE, VEC_GP, 0

%macro prepare_gate_beyond 0.nolist
	task_gate BEYOND
%endmacro
refused gate_beyond, "a task gate to a TSS beyond the GDT is #GP(selector)", jmp, SEL_GATE, \
	VEC_GP, BEYOND

%macro prepare_gate_ldt 0.nolist
	descriptor 4, base=NEW, limit=TSS32_LIMIT, ar=AR_TSS
	task_gate 4
%endmacro
refused gate_ldt, "a task gate to a TSS in the LDT is #GP(selector)", jmp, SEL_GATE, VEC_GP, 4

%macro prepare_gate_no_tss 0.nolist
	task_gate SEL_DATA
%endmacro
refused gate_no_tss, "a task gate to what is no TSS is #GP(selector)", call, SEL_GATE, \
	VEC_GP, SEL_DATA

%macro prepare_gate_busy 0.nolist
	task_gate SEL_TSS
%endmacro
refused gate_busy, "a task gate to a busy TSS is #GP(selector)", jmp, SEL_GATE, VEC_GP, SEL_TSS

%macro prepare_tss_dpl 0.nolist
	ring3
%endmacro
refused tss_dpl, "JMP from CPL 3 to a TSS of DPL 0 is #GP(selector)", jmp, SEL_NEW, VEC_GP, \
	SEL_NEW

%macro prepare_gate_dpl 0.nolist
	ring3
	task_gate SEL_NEW
%endmacro
refused gate_dpl, "CALL from CPL 3 through a task gate of DPL 0 is #GP(gate)", call, \
	SEL_GATE, VEC_GP, SEL_GATE

%macro prepare_rpl 0.nolist
%endmacro
refused rpl, "a selector of a TSS whose RPL is more than the DPL is #GP(selector)", jmp, \
	SEL_NEW | 3, VEC_GP, SEL_NEW

; ---- by IRET and INT n -----------------------------------------------------------------

; iret_refused NAME, TEXT, LINK, AR of SEL_NEW, VECTOR, ERROR
%macro iret_refused 6.nolist
case iret_%1, %2
	ref	"SDM 3 7.3 table 7-1", "SDM 2 IRET", "APM 2 12.3"
	new_task 32, .f
	descriptor SEL_NEW, base=NEW, limit=TSS32_LIMIT, ar=%4
	memory	TSS, dw, %3
	given	rflags=2 | NT
	emulate	iret
	expect	exception, vector=%5, error=%6, rip=EMULATED
.f:
%endmacro

iret_refused null, "IRET with NT and a null link is #TS(0)", 0, AR_TSS_BUSY, VEC_TS, 0
iret_refused available, "IRET with NT to a TSS that is not busy is #TS(selector)", SEL_NEW, \
	AR_TSS, VEC_TS, SEL_NEW
iret_refused beyond, "IRET with NT and a link beyond the GDT is #TS(selector)", BEYOND, \
	AR_TSS_BUSY, VEC_TS, BEYOND
iret_refused no_tss, "IRET with NT and a link to what is no TSS is #TS(selector)", SEL_DATA, \
	AR_TSS_BUSY, VEC_TS, SEL_DATA
iret_refused not_present, "IRET with NT to a TSS that is not present is #NP(selector)", \
	SEL_NEW, AR_TSS_BUSY & ~AR_P, VEC_NP, SEL_NEW

case int_busy, "INT n through a task gate to a busy TSS is #GP(TSS), not of the gate"
	ref	"SDM 3 6.15", "SDM 2 INT", "APM 2 12.3"
	idt_task_gate V, SEL_TSS
.f:	int	V
	expect	exception, vector=VEC_GP, error=SEL_TSS, rip=.f

case int_gate_not_present, "INT n through a task gate that is not present is #NP of the vector"
	ref	"SDM 3 6.15", "SDM 2 INT", "APM 2 12.3"
	new_task 32, .f
	idt_task_gate V, SEL_NEW, AR_TASKGATE & ~AR_P
.f:	int	V
	expect	exception, vector=VEC_NP, error=ERROR_IDT(V), rip=.f

case int_tss_not_present, "INT n through a task gate to a TSS that is not present is #NP(TSS)"
	ref	"SDM 3 6.15", "SDM 2 INT", "APM 2 12.3"
	new_task 32, .f, TASK_FLAGS, AR_P
	idt_task_gate V, SEL_NEW
.f:	int	V
	expect	exception, vector=VEC_NP, error=SEL_NEW, rip=.f

case int_dpl, "INT n at CPL 3 through a task gate of DPL 0 is #GP of the vector"
	ref	"SDM 3 6.12.1.2", "SDM 2 INT", "APM 2 12.3"
	ring3
	new_task 32, .f
	idt_task_gate V, SEL_NEW
.f:	int	V
	expect	exception, vector=VEC_GP, error=ERROR_IDT(V), rip=.f

; ---- of the new task's registers ----------------------------------------------------------

; new_fault NAME, TEXT, OFFSET in the TSS, SELECTOR there, VECTOR, ERROR: raised before the
; new task's first instruction, and taken by a task of its own, as #TS should be
; (SDM 3 6.15). It finds in the TSS what was loaded from it.
%macro new_fault 6.nolist
case new_%1, %2
	ref	"SDM 3 7.3 table 7-1", "SDM 3 6.15", "APM 2 12.3"
	new_task 32, .there
	memory	NEW + %3, dw, %4
	exception_task %5, .handler
	far_pointer jmp, SEL_NEW
.back:	ud2
.there:	ud2
.handler:
	handled	HANDLER_TOP - 4
	saved	.back
	jumped	32
	link_is	HANDLER, SEL_NEW
	type_is	SEL_HANDLER, AR_TSS_BUSY
	writes	HANDLER_TOP - 4, dd, %6
	; RF: see saved_fault
	undefined_memory NEW + TSS32_EIP + 6, 1
%endmacro

new_fault ldt_beyond, "an LDT beyond the GDT is #TS(selector)", TSS32_LDT, BEYOND, VEC_TS, BEYOND
new_fault ldt_type, "an LDT selector of what is no LDT is #TS(selector)", TSS32_LDT, \
	SEL_DATA, VEC_TS, SEL_DATA
new_fault ldt_in_ldt, "an LDT selector with TI is #TS(selector)", TSS32_LDT, 4, VEC_TS, 4
new_fault cs_null, "a null CS is #TS(0)", TSS32_CS, 0, VEC_TS, 0
new_fault cs_data, "data in CS is #TS(selector)", TSS32_CS, SEL_DATA, VEC_TS, SEL_DATA
new_fault cs_dpl, "CS of another DPL than its RPL is #TS(selector)", TSS32_CS, SEL_CODE | 3, \
	VEC_TS, SEL_CODE
new_fault ss_null, "a null SS is #TS(0)", TSS32_SS, 0, VEC_TS, 0
new_fault ss_readonly, "SS that cannot be written is #TS(selector)", TSS32_SS, SEL_READONLY, \
	VEC_TS, SEL_READONLY
new_fault ss_dpl, "SS of another DPL than CPL is #TS(selector)", TSS32_SS, SEL_UDATA & ~3, \
	VEC_TS, SEL_UDATA & ~3
new_fault ss_rpl, "SS of another RPL than CPL is #TS(selector)", TSS32_SS, SEL_DATA | 3, \
	VEC_TS, SEL_DATA
new_fault ss_not_present, "SS that is not present is #SS(selector)", TSS32_SS, \
	SEL_NOTPRESENT, VEC_SS, SEL_NOTPRESENT
new_fault ds_beyond, "DS beyond the GDT is #TS(selector)", TSS32_DS, BEYOND, VEC_TS, BEYOND
new_fault es_system, "a system descriptor in ES is #TS(selector)", TSS32_ES, SEL_LDT, VEC_TS, \
	SEL_LDT
new_fault fs_not_present, "FS that is not present is #NP(selector)", TSS32_FS, \
	SEL_NOTPRESENT, VEC_NP, SEL_NOTPRESENT

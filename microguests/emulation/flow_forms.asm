; SPDX-License-Identifier: GPL-2.0-only
; Near branches in their encodings, with the mode's operand size and with the other one, which
; cuts RIP off at 16 bits (all code is below 64 KiB). In 64-bit mode there is only the mode's own:
; the makers differ in what the prefix does. What is beyond limits, near_branch.asm tries.
%include "microguest.inc"
modes real16, prot32, long64
%include "emulate.inc"
%include "forms.inc"

; over BITS: the displacement that leads over two bytes
%macro over 1.nolist
	%if %1 == 16
	%define OVER 2, 0
	%define PUSHED dw
	%assign PUSH_BYTES 2
	%elif %1 == 32
	%define OVER 2, 0, 0, 0
	%define PUSHED dd
	%assign PUSH_BYTES 4
	%else
	%define OVER 2, 0, 0, 0
	%define PUSHED dq
	%assign PUSH_BYTES 8
	%endif
	size_prefix %1
	%if %1 == 64
	%define PREFIX
	%endif
%endmacro

; each_branch_size MACRO
%macro each_branch_size 1.nolist
	%if BITS == 64
	%1	64
	%else
	%1	16
	%1	32
	%endif
%endmacro

; ---- Jcc ------------------------------------------------------------------------------------------

; taken NUMBER, A, B: after CMP A, B; what is jumped over is UD2.
%macro taken 3.nolist
	mov	ecx, %2
	cmp	ecx, %3
	emulate	db PREFIX 0x70 | %1, 2
	ud2
	emulate	db PREFIX 0x0f, 0x80 | %1, OVER
	ud2
%endmacro
; passed NUMBER, A, B: it is not taken, to a UD2.
%macro passed 3.nolist
	mov	ecx, %2
	cmp	ecx, %3
	emulate	db PREFIX 0x70 | %1, 2
	jmp	short %%next
	ud2
%%next:
	emulate	db PREFIX 0x0f, 0x80 | %1, OVER
	jmp	short %%on
	ud2
%%on:
%endmacro
%macro condition 5.nolist
	taken	%1, %2, %3
	passed	%1, %4, %5
%endmacro

%macro jcc_case 1.nolist
	%defstr TEXT Jcc of %1 bits with every condition, short and near, taken and not
case jcc_%1, TEXT
	ref	"SDM 2 Jcc", "APM 3 Jcc"
	any_ring
	over	%1
	condition 0, 0x80000000, 1, 5, 3
	condition 1, 5, 3, 0x80000000, 1
	condition 2, 3, 5, 5, 3
	condition 3, 5, 3, 3, 5
	condition 4, 5, 5, 5, 3
	condition 5, 5, 3, 5, 5
	condition 6, 5, 5, 5, 3
	condition 7, 5, 3, 5, 5
	condition 8, 3, 5, 5, 3
	condition 9, 5, 3, 3, 5
	condition 10, 5, 2, 5, 3
	condition 11, 5, 3, 5, 2
	condition 12, 3, 5, 5, 3
	condition 13, 5, 3, 3, 5
	condition 14, 5, 5, 5, 3
	condition 15, 5, 3, 5, 5
	checkpoint status=ZF | PF, rcx=5
%endmacro
each_branch_size jcc_case

; ---- JMP, LOOP, JCXZ ------------------------------------------------------------------------------------

%macro jmp_case 1.nolist
	%defstr TEXT JMP, LOOP, LOOPE, LOOPNE and JCXZ with an operand size of %1 bits
case jmp_%1, TEXT
	ref	"SDM 2 JMP", "SDM 2 LOOP", "APM 3 JMP", "APM 3 LOOP"
	any_ring
	operand	dq, %%by_memory
	over	%1
	emulate	db PREFIX 0xeb, 2
	ud2
	emulate	db PREFIX 0xe9, OVER
	ud2
	mov	eax, %%by_register
	emulate	db PREFIX 0xff, 0xe0
	ud2
%%by_register:
	mov	edi, OPERAND
	emulate	db PREFIX 0xff, 4 << 3 | AT_RDI
	ud2
%%by_memory:
	mov	ecx, 3
	emulate	db PREFIX 0xe2, 2
	ud2
	cmp	esp, esp
	emulate	db PREFIX 0xe1, 2
	ud2
	mov	ecx, 2
	cmp	ecx, 1
	emulate	db PREFIX 0xe0, 2
	ud2
	checkpoint status=0, rax=%%by_register, rcx=1, rdi=OPERAND
	mov	ecx, 0
	emulate	db PREFIX 0xe3, 2
	ud2
	checkpoint rcx=0
%endmacro
each_branch_size jmp_case

; ---- CALL, RET ------------------------------------------------------------------------------------------

%macro call_case 1.nolist
	%defstr TEXT CALL near by displacement, register and memory, RET with a number, of %1 bits
case call_%1, TEXT
	ref	"SDM 2 CALL", "SDM 2 RET", "APM 3 CALL (Near)", "APM 3 RET (Near)"
	any_ring
	operand	dq, %%third
	over	%1
	mov	edi, OPERAND
	mov	eax, %%first
	emulate	db PREFIX 0xe8, OVER
	jmp	short %%done1
%%first:
	emulate	db PREFIX 0xc2, 8, 0
	ud2
%%done1:
	checkpoint rsp=STACK_TOP + 8, rax=%%first, rdi=OPERAND
	writes	STACK_TOP - PUSH_BYTES, PUSHED, %%first - 2
	mov	esp, STACK_TOP
	mov	eax, %%second
	emulate	db PREFIX 0xff, 0xd0
	jmp	short %%done2
%%second:
	emulate	db PREFIX 0xc3
	ud2
%%done2:
	checkpoint rsp=STACK_TOP, rax=%%second
	writes	STACK_TOP - PUSH_BYTES, PUSHED, %%second - 2
	emulate	db PREFIX 0xff, 2 << 3 | AT_RDI
	jmp	short %%done3
%%third:
	emulate	db PREFIX 0xc3
	ud2
%%done3:
	checkpoint
	writes	STACK_TOP - PUSH_BYTES, PUSHED, %%third - 2
%endmacro
each_branch_size call_case

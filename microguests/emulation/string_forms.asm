; SPDX-License-Identifier: GPL-2.0-only
; MOVS, STOS, LODS, CMPS and SCAS repeated, with each operand size and both repeat prefixes. Before
; those that compare nothing REPNE repeats as REP does (APM 3 1.2.6).
%include "microguest.inc"
modes real16, prot32, long64
%include "emulate.inc"
%include "forms.inc"

%define AFTER(address, items, bits) (address) + (items) * (bits) / 8

; ---- without comparison -------------------------------------------------------------------------------

; moves BITS, PREFIX: two items of each, from and to the operand
%macro moves 2.nolist
	opcode_of %1, 0xa4
	mov	esi, OPERAND
	mov	edi, SCRATCH
	mov	ecx, 2
	emulate	db %2, PREFIX OPCODE
	checkpoint rsi=AFTER(OPERAND, 2, %1), rdi=AFTER(SCRATCH, 2, %1), rcx=0
	writes	SCRATCH, DATA%1, A%1, B%1
	mov	esi, SCRATCH
	mov	edi, OPERAND + 32
	mov	ecx, 2
	emulate	db %2, PREFIX OPCODE
	checkpoint rsi=AFTER(SCRATCH, 2, %1), rdi=AFTER(OPERAND + 32, 2, %1)
	writes	OPERAND + 32, DATA%1, A%1, B%1
	opcode_of %1, 0xac
	mov	esi, OPERAND
	mov	ecx, 2
	mov	eax, AROUND
	rax_after %1, B%1
	emulate	db %2, PREFIX OPCODE
	checkpoint rsi=AFTER(OPERAND, 2, %1), rcx=0, rax=RAX_NOW
	opcode_of %1, 0xaa
	mov	edi, OPERAND + 64
	mov	ecx, 3
	emulate	db %2, PREFIX OPCODE
	checkpoint rdi=AFTER(OPERAND + 64, 3, %1), rcx=0
	writes	OPERAND + 64, DATA%1, B%1, B%1, B%1
%endmacro

%macro move_case 1.nolist
	%defstr TEXT MOVS, LODS and STOS of %1 bits with REP and REPNE
case moves_%1, TEXT
	ref	"SDM 2 REP", "APM 3 1.2.6", "APM 3 MOVS"
	any_ring
	operand	DATA%1, A%1, B%1
	memory	OPERAND + 32, dq, -1, -1, -1, -1, -1, -1, -1, -1
	moves	%1, 0xf3
	moves	%1, 0xf2
%endmacro
each_size move_case

; ---- with comparison -------------------------------------------------------------------------------------

; The third item differs from the first two, which are equal. It is less by one: flags are those of 1.
%macro compare_case 1.nolist
	%defstr TEXT CMPS and SCAS of %1 bits with REPE and REPNE
case compares_%1, TEXT
	ref	"SDM 2 REP", "SDM 2 CMPS", "SDM 2 SCAS", "APM 3 1.2.6", "APM 3 CMPS"
	any_ring
	operand	DATA%1, 7, 7, 6, 7
	memory	SCRATCH, DATA%1, 7, 7, 7, 7
	opcode_of %1, 0xa6
	mov	esi, SCRATCH
	mov	edi, OPERAND
	mov	ecx, 4
	emulate	db 0xf3, PREFIX OPCODE
	checkpoint rsi=AFTER(SCRATCH, 3, %1), rdi=AFTER(OPERAND, 3, %1), rcx=1, status=0
	mov	esi, AFTER(OPERAND, 2, %1)
	mov	edi, AFTER(SCRATCH, 2, %1)
	mov	ecx, 2
	emulate	db 0xf2, PREFIX OPCODE
	checkpoint rsi=AFTER(OPERAND, 4, %1), rdi=AFTER(SCRATCH, 4, %1), rcx=0, status=ZF | PF
	opcode_of %1, 0xae
	mov	eax, 7
	mov	edi, OPERAND
	mov	ecx, 4
	emulate	db 0xf3, PREFIX OPCODE
	checkpoint rax=7, rdi=AFTER(OPERAND, 3, %1), rcx=1, status=0
	mov	eax, 6
	mov	edi, OPERAND
	mov	ecx, 4
	emulate	db 0xf2, PREFIX OPCODE
	checkpoint rax=6, rdi=AFTER(OPERAND, 3, %1), rcx=1, status=ZF | PF
%endmacro
each_size compare_case

; SPDX-License-Identifier: GPL-2.0-only
; The eight operations of opcodes 00 to 3D and 80 to 83 in every encoding: each operand size,
; to memory, from memory, between registers in both directions, with immediates, with LOCK.
; Results and flags are computed here as SDM 2 describes them; what makes a flag come out
; otherwise, alu.asm tries.
%include "microguest.inc"
modes real16, prot16, prot32, paged32, compat32, long64, vm86
%include "emulate.inc"
%include "forms.inc"

; compute OPERATION, A, B, WIDTH: RESULT, and FLAGS as status= has them, with CF set before.
%macro compute 4.nolist
	mask_of	%4
	%assign a (%2) & mask
	%assign b (%3) & mask
	%assign carry 0
	%assign overflow 0
	%ifidn %1, adc
	%assign RESULT (a + b + 1) & mask
	%elifidn %1, sbb
	%assign RESULT (a - b - 1) & mask
	%elifidn %1, add
	%assign RESULT (a + b) & mask
	%elifidn %1, or
	%assign RESULT a | b
	%elifidn %1, and
	%assign RESULT a & b
	%elifidn %1, xor
	%assign RESULT a ^ b
	%else
	%assign RESULT (a - b) & mask
	%endif
	%ifidn %1, add
	%assign adds 1
	%elifidn %1, adc
	%assign adds 1
	%else
	%assign adds 0
	%endif
	%if LOGIC
	%elif adds
	%assign carry ((a & b) | ((a | b) & ~RESULT)) >> (%4 - 1)
	%assign overflow ((a ^ RESULT) & (b ^ RESULT)) >> (%4 - 1)
	%else
	%assign carry ((~a & b) | ((~a | b) & RESULT)) >> (%4 - 1)
	%assign overflow ((a ^ b) & (a ^ RESULT)) >> (%4 - 1)
	%endif
	parity_of RESULT
	%assign FLAGS (carry & 1) * CF | (overflow & 1) * OF | parity * PF
	%assign FLAGS FLAGS | ((RESULT >> (%4 - 1)) & 1) * SF
	%if RESULT == 0
	%assign FLAGS FLAGS | ZF
	%endif
	%if !LOGIC
	%assign FLAGS FLAGS | (((a ^ b ^ RESULT) >> 4) & 1) * AF
	%endif
%endmacro

%define SHORT_IMM -0x33		; sign-extended by opcode 83

%macro judged 0-1+.nolist
	%if LOGIC
	checkpoint status=FLAGS, undefined=AF %1
	%else
	checkpoint status=FLAGS %1
	%endif
%endmacro

; Memory that is written starts 8 bytes further.
%macro next_slot 0.nolist
	%assign slot slot + 8
%endmacro

; to_memory OPERATION, WIDTH, B, INSTRUCTION: it writes to the slot, which holds A.
%macro to_memory 4+.nolist
	stc
	emulate	%4
	compute	%1, A%2, %3, %2
	judged
	%ifnidn %1, cmp
	writes	OPERAND + slot, DATA%2, RESULT
	%endif
%endmacro

; to_rax OPERATION, WIDTH, B, INSTRUCTION: it writes to the accumulator, which holds A.
%macro to_rax 4+.nolist
	rax_is_a %2
	stc
	emulate	%4
	compute	%1, A%2, %3, %2
	%ifidn %1, cmp
	%assign RESULT A%2
	%endif
	rax_after %2, RESULT
	judged	, rax=RAX_NOW, rbx=B%2
%endmacro

; ModRM.rm of an address alone, and the slot's address
%if BITS == 16
%define AT_ADDRESS 6
%define ADDRESS (OPERAND + slot) & 0xff, (OPERAND + slot) >> 8
%else
%define AT_ADDRESS 5
%define ADDRESS (OPERAND + slot) & 0xff, (OPERAND + slot) >> 8, 0, 0
%endif

; The opcodes whose operand is a byte.
%macro byte_forms 2.nolist
	mov	ebx, B8
	to_rax	%1, 8, B8, %1 al, [OPERAND]
	to_rax	%1, 8, B8, %1 al, bl
	to_rax	%1, 8, B8, db %2 * 8 + 2, 0xc3
	to_rax	%1, 8, B8, %1 al, B8
	to_rax	%1, 8, B8, db 0x80, 0xc0 | %2 << 3, B8
	next_slot
	to_memory %1, 8, B8, %1 [OPERAND + slot], bl
	next_slot
	to_memory %1, 8, B8, %1 byte [OPERAND + slot], B8
	%ifnidn %1, cmp
	next_slot
	to_memory %1, 8, B8, lock %1 [OPERAND + slot], bl
	next_slot
	to_memory %1, 8, B8, lock %1 byte [OPERAND + slot], B8
	%endif
	%if BITS != 64
	to_rax	%1, 8, B8, db 0x82, 0xc0 | %2 << 3, B8
	next_slot
	to_memory %1, 8, B8, db 0x82, %2 << 3 | AT_ADDRESS, ADDRESS, B8
	%ifnidn %1, cmp
	next_slot
	to_memory %1, 8, B8, db 0xf0, 0x82, %2 << 3 | AT_ADDRESS, ADDRESS, B8
	%endif
	%endif
%endmacro

; wide_forms OPERATION, NUMBER, WIDTH, ACCUMULATOR, RBX, SIZE, IMMEDIATE: all others.
%macro wide_forms 7.nolist
	size_prefix %3
	rbx_is_b %3
	to_rax	%1, %3, B%3, %1 %4, [OPERAND]
	to_rax	%1, %3, B%3, %1 %4, %5
	to_rax	%1, %3, B%3, db PREFIX %2 * 8 + 3, 0xc3
	to_rax	%1, %3, %7, %1 %4, strict %6 %7
	to_rax	%1, %3, SHORT_IMM, %1 %4, strict byte SHORT_IMM
	%if %3 == 16
	to_rax	%1, %3, %7, db PREFIX 0x81, 0xc0 | %2 << 3, (%7) & 255, (%7) >> 8
	%else
	to_rax	%1, %3, %7, db PREFIX 0x81, 0xc0 | %2 << 3, (%7) & 255, (%7) >> 8 & 255, \
		(%7) >> 16 & 255, (%7) >> 24 & 255
	%endif
	next_slot
	to_memory %1, %3, B%3, %1 [OPERAND + slot], %5
	next_slot
	to_memory %1, %3, %7, %1 %6 [OPERAND + slot], %7
	next_slot
	to_memory %1, %3, SHORT_IMM, %1 %6 [OPERAND + slot], byte SHORT_IMM
	%ifnidn %1, cmp
	next_slot
	to_memory %1, %3, B%3, lock %1 [OPERAND + slot], %5
	next_slot
	to_memory %1, %3, %7, lock %1 %6 [OPERAND + slot], %7
	next_slot
	to_memory %1, %3, SHORT_IMM, lock %1 %6 [OPERAND + slot], byte SHORT_IMM
	%endif
%endmacro

; form_case OPERATION, WIDTH, MANUAL, MANUAL: at OPERAND is what instructions read, then come
; the slots that they write.
%macro form_case 4.nolist
	%defstr TEXT every encoding of %1 with operands of %2 bits
case %1_%2, TEXT
	ref	%3, %4
	any_ring
	operand	dq, B%2, A%2, A%2, A%2, A%2, A%2, A%2
	%assign slot 0
%endmacro

; alu_forms OPERATION, NUMBER, WHETHER IT IS LOGIC, MANUAL, MANUAL
%macro alu_forms 5.nolist
	%assign LOGIC %3
	form_case %1, 8, %4, %5
	byte_forms %1, %2
	form_case %1, 16, %4, %5
	wide_forms %1, %2, 16, ax, bx, word, 0x2bd3
	form_case %1, 32, %4, %5
	wide_forms %1, %2, 32, eax, ebx, dword, 0x5be1c3a7
	%if BITS == 64
	form_case %1, 64, %4, %5
	wide_forms %1, %2, 64, rax, rbx, qword, 0x5be1c3a7
	%endif
%endmacro

alu_forms add, 0, 0, "SDM 2 ADD", "APM 3 ADD"
alu_forms or, 1, 1, "SDM 2 OR", "APM 3 OR"
alu_forms adc, 2, 0, "SDM 2 ADC", "APM 3 ADC"
alu_forms sbb, 3, 0, "SDM 2 SBB", "APM 3 SBB"
alu_forms and, 4, 1, "SDM 2 AND", "APM 3 AND"
alu_forms sub, 5, 0, "SDM 2 SUB", "APM 3 SUB"
alu_forms xor, 6, 1, "SDM 2 XOR", "APM 3 XOR"
alu_forms cmp, 7, 0, "SDM 2 CMP", "APM 3 CMP"

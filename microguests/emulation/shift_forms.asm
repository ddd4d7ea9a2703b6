; SPDX-License-Identifier: GPL-2.0-only
; Opcodes C0, C1 and D0 to D3 in every encoding: rotates and shifts of each operand size, in
; memory and in registers, by 1, by CL, by an immediate. Results and flags are computed here
; as SDM 2 describes them; what makes a flag come out otherwise, shift.asm tries.
%include "microguest.inc"
modes real16, prot16, prot32, paged32, compat32, long64, vm86
%include "emulate.inc"
%include "forms.inc"

; Before each of them: CMP of equal operands, then STC.
%define BEFORE (CF | ZF | PF)

; one_step OPERATION, WIDTH: RESULT moves by a bit; bit 0 of moved is CF.
%macro one_step 2.nolist
	%assign top (RESULT >> (%2 - 1)) & 1
	%ifidn %1, rol
	%assign RESULT ((RESULT << 1) | top) & mask
	%assign moved top
	%elifidn %1, ror
	%assign moved RESULT & 1
	%assign RESULT (RESULT >> 1) | moved << (%2 - 1)
	%elifidn %1, rcl
	%assign RESULT ((RESULT << 1) | moved) & mask
	%assign moved top
	%elifidn %1, rcr
	%assign low RESULT & 1
	%assign RESULT (RESULT >> 1) | moved << (%2 - 1)
	%assign moved low
	%elifidn %1, shr
	%assign moved RESULT & 1
	%assign RESULT RESULT >> 1
	%elifidn %1, sar
	%assign moved RESULT & 1
	%assign RESULT (RESULT >> 1) | top << (%2 - 1)
	%else
	%assign RESULT (RESULT << 1) & mask
	%assign moved top
	%endif
%endmacro

; one_overflow OPERATION, A, WIDTH: overflow after a shift by 1: its result is RESULT.
%macro one_overflow 3.nolist
	%assign top (RESULT >> (%3 - 1)) & 1
	%assign below (RESULT >> (%3 - 2)) & 1
	%ifidn %1, ror
	%assign overflow top ^ below
	%elifidn %1, rcr
	%assign overflow ((%2) >> (%3 - 1) & 1) ^ 1	; CF was set
	%elifidn %1, shr
	%assign overflow (%2) >> (%3 - 1) & 1
	%elifidn %1, sar
	%assign overflow 0
	%else
	%assign overflow top ^ moved
	%endif
%endmacro

; shifted OPERATION, A, COUNT, WIDTH: RESULT, and FLAGS as status= has them
%macro shifted 4.nolist
	mask_of	%4
	%assign RESULT %2
	%assign moved 1
	%rep %3
	one_step %1, %4
	%endrep
	one_overflow %1, %2, %4
	%assign FLAGS moved * CF | overflow * OF
	%if ROTATES
	%assign FLAGS FLAGS | ZF | PF
	%else
	parity_of RESULT
	%assign FLAGS FLAGS | parity * PF | ((RESULT >> (%4 - 1)) & 1) * SF
	%if RESULT == 0
	%assign FLAGS FLAGS | ZF
	%endif
	%endif
%endmacro

; OF is defined for a count of 1 alone, AF is not for shifts.
%macro judged 1-2+.nolist
	%if ROTATES && %1 == 1
	checkpoint status=FLAGS %2
	%elif ROTATES
	checkpoint status=FLAGS & ~OF, undefined=OF %2
	%elif %1 == 1
	checkpoint status=FLAGS, undefined=AF %2
	%else
	checkpoint status=FLAGS & ~OF, undefined=OF | AF %2
	%endif
%endmacro

%define COUNT 3

; in_rax OPERATION, WIDTH, COUNT, BYTES: the opcode with AL, AX, EAX or RAX, which hold A
%macro in_rax 4+.nolist
	rax_is_a %2
	cmp	ebx, ebx
	stc
	emulate	db PREFIX %4
	shifted	%1, A%2, %3, %2
	rax_after %2, RESULT
	judged	%3, , rax=RAX_NOW, rcx=COUNT
%endmacro

; in_memory OPERATION, WIDTH, COUNT, OFFSET, BYTES: the opcode with what RDI points to
%macro in_memory 5+.nolist
	mov	edi, OPERAND + %4
	cmp	ebx, ebx
	stc
	emulate	db PREFIX %5
	shifted	%1, A%2, %3, %2
	judged	%3, , rcx=COUNT, rdi=OPERAND + %4
	writes	OPERAND + %4, DATA%2, RESULT
%endmacro

; The operation and its ModRM.reg, width, and what the width adds to the opcode.
%macro shift_case 6.nolist
	%defstr TEXT every encoding of opcode group 2, /%2, with operands of %3 bits
case %1_%2_%3, TEXT
	ref	%5, %6
	any_ring
	operand	dq, A%3, A%3, A%3
	size_prefix %3
	mov	ecx, COUNT
	in_rax	%1, %3, 1, 0xd0 + %4, 0xc0 | %2 << 3
	in_rax	%1, %3, COUNT, 0xd2 + %4, 0xc0 | %2 << 3
	in_rax	%1, %3, COUNT, 0xc0 + %4, 0xc0 | %2 << 3, COUNT
	in_memory %1, %3, 1, 0, 0xd0 + %4, AT_RDI | %2 << 3
	in_memory %1, %3, COUNT, 8, 0xd2 + %4, AT_RDI | %2 << 3
	in_memory %1, %3, COUNT, 16, 0xc0 + %4, AT_RDI | %2 << 3, COUNT
%endmacro

; shift_forms OPERATION, NUMBER, WHETHER IT ROTATES, MANUAL, MANUAL
%macro shift_forms 5.nolist
	%assign ROTATES %3
	shift_case %1, %2, 8, 0, %4, %5
	shift_case %1, %2, 16, 1, %4, %5
	shift_case %1, %2, 32, 1, %4, %5
	%if BITS == 64
	shift_case %1, %2, 64, 1, %4, %5
	%endif
%endmacro

shift_forms rol, 0, 1, "SDM 2 RCL/RCR/ROL/ROR", "APM 3 ROL"
shift_forms ror, 1, 1, "SDM 2 RCL/RCR/ROL/ROR", "APM 3 ROR"
shift_forms rcl, 2, 1, "SDM 2 RCL/RCR/ROL/ROR", "APM 3 RCL"
shift_forms rcr, 3, 1, "SDM 2 RCL/RCR/ROL/ROR", "APM 3 RCR"
shift_forms shl, 4, 0, "SDM 2 SAL/SAR/SHL/SHR", "APM 3 SAL SHL"
shift_forms shr, 5, 0, "SDM 2 SAL/SAR/SHL/SHR", "APM 3 SHR"
shift_forms shl, 6, 0, "SDM 2 A.4", "APM 3 A.1"
shift_forms sar, 7, 0, "SDM 2 SAL/SAR/SHL/SHR", "APM 3 SAR"

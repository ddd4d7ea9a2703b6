; SPDX-License-Identifier: GPL-2.0-only
; Operations of 16, 32 and 64 bits in every encoding, to memory and registers, with and without
; LOCK: bit tests, double shifts, XADD and CMPXCHG (those of bytes, too), multiplication and
; division. Results are computed here as SDM 2 describes them; bits.asm, shift.asm, exchange.asm
; and muldiv.asm try what makes them come out otherwise.
%include "microguest.inc"
modes real16, prot16, prot32, paged32, compat32, long64, vm86
%include "emulate.inc"
%include "forms.inc"

; ---- BT, BTS, BTR, BTC ---------------------------------------------------------------------

; After them OF, SF, AF and PF are undefined, ZF too by APM 3.
%define BT_UNDEFINED OF | SF | ZF | AF | PF
%define BIT 5

; tested OPERATION, BITS: RESULT and CARRY
%macro tested 2.nolist
	%assign CARRY (A%2 >> BIT) & 1
	%ifidn %1, bts
	%assign RESULT A%2 | (1 << BIT)
	%elifidn %1, btr
	%assign RESULT A%2 & ~(1 << BIT)
	%elifidn %1, btc
	%assign RESULT A%2 ^ (1 << BIT)
	%else
	%assign RESULT A%2
	%endif
%endmacro

; bit_case BITS, OPERATION, NUMBER
%macro bit_case 3.nolist
	%defstr TEXT every encoding of %2 with operands of %1 bits
case %2_%1, TEXT
	ref	"SDM 2 BT", "SDM 2 BTS", "SDM 2 BTR", "SDM 2 BTC", "APM 3 BT"
	any_ring
	operand	dq, A%1, A%1, A%1, A%1
	tested	%2, %1
	rax_after %1, RESULT
	size_prefix %1
	mov	ebx, BIT
	rax_is_a %1
	emulate	%2 AX%1, BX%1
	checkpoint status=CARRY * CF, undefined=BT_UNDEFINED, rax=RAX_NOW, rbx=BIT
	rax_is_a %1
	emulate	db PREFIX 0x0f, 0xba, 0xc0 | %3 << 3, BIT
	checkpoint status=CARRY * CF, undefined=BT_UNDEFINED, rax=RAX_NOW
	emulate	%2 [OPERAND], BX%1
	bit_written %2, %1, 0
	emulate	%2 SIZE%1 [OPERAND + 8], BIT
	bit_written %2, %1, 8
	%ifnidn %2, bt
	emulate	lock %2 [OPERAND + 16], BX%1
	bit_written %2, %1, 16
	emulate	lock %2 SIZE%1 [OPERAND + 24], BIT
	bit_written %2, %1, 24
	%endif
%endmacro

%macro bit_written 3.nolist
	checkpoint status=CARRY * CF, undefined=BT_UNDEFINED
	%ifnidn %1, bt
	writes	OPERAND + %3, DATA%2, RESULT
	%endif
%endmacro

%macro each_bit_case 1.nolist
	bit_case %1, bt, 4
	bit_case %1, bts, 5
	bit_case %1, btr, 6
	bit_case %1, btc, 7
%endmacro
each_wide_size each_bit_case

; ---- SHLD, SHRD -------------------------------------------------------------------------------

%define COUNT 5

; double_case BITS, OPERATION, OPCODE
%macro double_case 3.nolist
	%defstr TEXT every encoding of %2 with operands of %1 bits
case %2_%1, TEXT
	ref	"SDM 2 SHLD", "SDM 2 SHRD", "APM 3 SHLD", "APM 3 SHRD"
	any_ring
	operand	dq, A%1, A%1
	mask_of	%1
	%ifidn %2, shld
	%assign RESULT ((A%1 << COUNT) | (B%1 >> (%1 - COUNT))) & mask
	%assign carry (A%1 >> (%1 - COUNT)) & 1
	%else
	%assign RESULT ((A%1 >> COUNT) | (B%1 << (%1 - COUNT))) & mask
	%assign carry (A%1 >> (COUNT - 1)) & 1
	%endif
	parity_of RESULT
	%assign FLAGS carry * CF | parity * PF | ((RESULT >> (%1 - 1)) & 1) * SF
	rax_after %1, RESULT
	size_prefix %1
	rbx_is_b %1
	mov	ecx, COUNT
	rax_is_a %1
	emulate	db PREFIX 0x0f, %3, 0xd8, COUNT
	checkpoint status=FLAGS, undefined=AF | OF, rax=RAX_NOW, rbx=B%1, rcx=COUNT
	rax_is_a %1
	emulate	db PREFIX 0x0f, %3 + 1, 0xd8
	checkpoint status=FLAGS, undefined=AF | OF, rax=RAX_NOW
	emulate	%2 [OPERAND], BX%1, COUNT
	checkpoint status=FLAGS, undefined=AF | OF
	writes	OPERAND, DATA%1, RESULT
	emulate	%2 [OPERAND + 8], BX%1, cl
	checkpoint status=FLAGS, undefined=AF | OF
	writes	OPERAND + 8, DATA%1, RESULT
%endmacro

%macro each_double_case 1.nolist
	double_case %1, shld, 0xa4
	double_case %1, shrd, 0xac
%endmacro
each_wide_size each_double_case

; ---- XADD, CMPXCHG ------------------------------------------------------------------------------

; added BITS: RESULT is A + B of that size, FLAGS are those of the addition.
%macro added 1.nolist
	mask_of	%1
	%assign RESULT (A%1 + B%1) & mask
	%assign carry ((A%1 & B%1) | ((A%1 | B%1) & ~RESULT)) >> (%1 - 1) & 1
	%assign overflow ((A%1 ^ RESULT) & (B%1 ^ RESULT)) >> (%1 - 1) & 1
	parity_of RESULT
	%assign FLAGS carry * CF | overflow * OF | parity * PF | ((RESULT >> (%1 - 1)) & 1) * SF
	%assign FLAGS FLAGS | (((A%1 ^ B%1 ^ RESULT) >> 4) & 1) * AF
%endmacro

%macro xadd_case 1.nolist
	%defstr TEXT XADD of %1 bits with memory and registers
case xadd_%1, TEXT
	ref	"SDM 2 XADD", "APM 3 XADD"
	any_ring
	operand	dq, A%1, A%1
	added	%1
	rbx_is_b %1
	emulate	xadd [OPERAND], BX%1
	checkpoint status=FLAGS, rbx=A%1
	writes	OPERAND, DATA%1, RESULT
	rbx_is_b %1
	emulate	lock xadd [OPERAND + 8], BX%1
	checkpoint status=FLAGS
	writes	OPERAND + 8, DATA%1, RESULT
	rax_is_a %1
	rax_after %1, RESULT
	rbx_is_b %1
	emulate	xadd AX%1, BX%1
	checkpoint status=FLAGS, rax=RAX_NOW, rbx=A%1
%endmacro
each_size xadd_case

; RAX has what is in memory, so the source goes there.
%macro cmpxchg_case 1.nolist
	%defstr TEXT CMPXCHG of %1 bits with memory and registers
case cmpxchg_%1, TEXT
	ref	"SDM 2 CMPXCHG", "APM 3 CMPXCHG"
	any_ring
	operand	dq, A%1, A%1
	rbx_is_b %1
	rax_is_a %1
	rax_after %1, A%1
	emulate	cmpxchg [OPERAND], BX%1
	checkpoint status=ZF | PF, rax=RAX_NOW, rbx=B%1
	writes	OPERAND, DATA%1, B%1
	emulate	lock cmpxchg [OPERAND + 8], BX%1
	checkpoint status=ZF | PF
	writes	OPERAND + 8, DATA%1, B%1
	mov	ecx, eax
	%if %1 == 64
	mov	rcx, rax
	rax_after %1, B%1
	%elif %1 == 32
	rax_after %1, B%1
	%else
	%assign RAX_NOW (AROUND & ~((1 << %1) - 1)) | B%1
	%endif
	emulate	cmpxchg CX%1, BX%1
	checkpoint status=ZF | PF, rcx=RAX_NOW
%endmacro
each_size cmpxchg_case

; ---- MUL, IMUL, DIV, IDIV --------------------------------------------------------------------

%define MUL_UNDEFINED SF | ZF | AF | PF
%define DIV_UNDEFINED CF | OF | MUL_UNDEFINED

; Their product fits in 16 bits, not in 8.
%define FACTOR 0x23
%define OTHER 0x2d

%macro imul_case 1.nolist
	%defstr TEXT IMUL of %1 bits with two and three operands
case imul_%1, TEXT
	ref	"SDM 2 IMUL", "APM 3 IMUL"
	any_ring
	operand	dq, OTHER
	mov	ebx, OTHER
	mov	edi, OPERAND
	size_prefix %1
	mov	eax, FACTOR
	emulate	imul AX%1, BX%1
	checkpoint status=0, undefined=MUL_UNDEFINED, rax=FACTOR * OTHER, rbx=OTHER, rdi=OPERAND
	mov	eax, FACTOR
	emulate	imul AX%1, [OPERAND]
	checkpoint status=0, undefined=MUL_UNDEFINED
	mov	eax, FACTOR
	emulate	imul AX%1, BX%1, byte 0x11
	checkpoint status=0, undefined=MUL_UNDEFINED, rax=OTHER * 0x11
	mov	eax, FACTOR
	emulate	imul AX%1, [OPERAND], byte 0x12
	checkpoint status=0, undefined=MUL_UNDEFINED, rax=OTHER * 0x12
	mov	eax, FACTOR
	emulate	imul AX%1, BX%1, 0x13a
	checkpoint status=0, undefined=MUL_UNDEFINED, rax=OTHER * 0x13a
	mov	eax, FACTOR
	emulate	imul AX%1, [OPERAND], 0x13b
	checkpoint status=0, undefined=MUL_UNDEFINED, rax=OTHER * 0x13b
%endmacro
each_wide_size imul_case

; by_group BITS, OPERATION: it, with RDX:RAX or AX as it takes them, and OTHER
%macro by_group 2.nolist
	mov	eax, FACTOR
	mov	edx, 0
	emulate	%2 BX%1
	group_result %1, %2
	mov	eax, FACTOR
	mov	edx, 0
	emulate	%2 SIZE%1 [OPERAND]
	group_result %1, %2
%endmacro

%macro group_result 2.nolist
	%assign FITS FACTOR * OTHER
	%ifidn %2, div
	%assign FITS 0
	%elifidn %2, idiv
	%assign FITS 0
	%endif
	%if FITS && %1 == 8
	checkpoint status=CF | OF, undefined=MUL_UNDEFINED, rax=FITS, rdx=0, rbx=OTHER
	%elif FITS
	checkpoint status=0, undefined=MUL_UNDEFINED, rax=FITS, rdx=0, rbx=OTHER
	%elif %1 == 8
	checkpoint status=0, undefined=DIV_UNDEFINED, rax=FACTOR << 8, rdx=0, rbx=OTHER
	%else
	checkpoint status=0, undefined=DIV_UNDEFINED, rax=0, rdx=FACTOR, rbx=OTHER
	%endif
%endmacro

%macro group_case 1.nolist
	%defstr TEXT MUL, IMUL, DIV and IDIV of %1 bits by a register and by memory
case muldiv_%1, TEXT
	ref	"SDM 2 MUL", "SDM 2 IMUL", "SDM 2 DIV", "SDM 2 IDIV", "APM 3 MUL"
	any_ring
	operand	dq, OTHER
	mov	ebx, OTHER
	by_group %1, mul
	by_group %1, imul
	by_group %1, div
	by_group %1, idiv
%endmacro
each_size group_case

; SPDX-License-Identifier: GPL-2.0-only
; Moves, exchanges and operations of one operand in their encodings, with each operand size, to
; and from memory and registers. None of what is here changes flags in a way that depends on
; more than its result, and what depends on it mov.asm, exchange.asm and alu.asm try.
%include "microguest.inc"
modes real16, prot16, prot32, paged32, compat32, long64, vm86
%include "emulate.inc"
%include "forms.inc"

; CMP of equal operands, then STC: moves leave these.
%define BEFORE (CF | ZF | PF)
%macro flags_before 0.nolist
	cmp	ebp, ebp
	stc
%endmacro

; ---- MOV -------------------------------------------------------------------------------

%macro mov_case 1.nolist
	%defstr TEXT every encoding of MOV with operands of %1 bits
case mov_%1, TEXT
	ref	"SDM 2 MOV", "APM 3 MOV"
	any_ring
	operand	dq, B%1, A%1, A%1, A%1
	rbx_is_b %1
	flags_before
	size_prefix %1
	%if %1 == 8
	%assign wide 0
	%else
	%assign wide 1
	%endif
	rax_is_a %1
	rax_after %1, B%1
	emulate	mov AX%1, [OPERAND]	; A0, A1 but in 64-bit mode
	checkpoint status=BEFORE, rax=RAX_NOW, rbx=B%1
	rax_is_a %1
	emulate	db PREFIX 0x88 + wide, 0xd8
	checkpoint rax=RAX_NOW
	rax_is_a %1
	emulate	db PREFIX 0x8a + wide, 0xc3
	checkpoint rax=RAX_NOW
	mov	edi, OPERAND
	rax_is_a %1
	emulate	db PREFIX 0x8a + wide, AT_RDI
	checkpoint rax=RAX_NOW, rdi=OPERAND
	emulate	mov [OPERAND + 8], BX%1
	checkpoint
	writes	OPERAND + 8, DATA%1, B%1
	emulate	mov [OPERAND + 16], AX%1	; A2, A3 but in 64-bit mode
	checkpoint
	writes	OPERAND + 16, DATA%1, B%1
	%if %1 == 64
	emulate	mov SIZE%1 [OPERAND + 24], -0x12345678
	checkpoint
	writes	OPERAND + 24, DATA%1, -0x12345678
	%else
	emulate	mov SIZE%1 [OPERAND + 24], B%1
	checkpoint
	writes	OPERAND + 24, DATA%1, B%1
	%endif
	%if BITS == 64
	rax_is_a %1
	emulate	mov AX%1, [qword OPERAND]
	checkpoint rax=RAX_NOW
	emulate	mov [qword OPERAND + 24], AX%1
	checkpoint
	writes	OPERAND + 24, DATA%1, B%1
	%endif
%endmacro
each_size mov_case

; Immediates to registers: B0 to BF, C6, C7.
case mov_immediate, "MOV of an immediate to every register, with every operand size"
	ref	"SDM 2 MOV", "APM 3 MOV"
	any_ring
	flags_before
	emulate	mov al, 0x12
	checkpoint status=BEFORE, rax=LOW8(RAX, 0x12)
	emulate	mov ah, 0x34
	checkpoint rax=LOW16(RAX, 0x3412)
	emulate	mov cl, 0x12
	checkpoint rcx=LOW8(RCX, 0x12)
	emulate	mov ch, 0x34
	checkpoint rcx=LOW16(RCX, 0x3412)
	emulate	mov dl, 0x12
	checkpoint rdx=LOW8(RDX, 0x12)
	emulate	mov dh, 0x34
	checkpoint rdx=LOW16(RDX, 0x3412)
	emulate	mov bl, 0x12
	checkpoint rbx=LOW8(RBX, 0x12)
	emulate	mov bh, 0x34
	checkpoint rbx=LOW16(RBX, 0x3412)
; word_immediate REGISTER, ITS NAME AS REG_* HAVE IT, AS CHECKPOINT HAS IT
%macro word_immediate 3.nolist
	emulate	mov %1, 0x5678
	checkpoint %3=LOW16(%2, 0x5678)
%endmacro
	word_immediate ax, RAX, rax
	word_immediate cx, RCX, rcx
	word_immediate dx, RDX, rdx
	word_immediate bx, RBX, rbx
	word_immediate bp, RBP, rbp
	word_immediate si, RSI, rsi
	word_immediate di, RDI, rdi
%macro dword_immediate 2.nolist
	emulate	mov %1, 0x8765b4d3
	checkpoint %2=0x8765b4d3
%endmacro
	dword_immediate eax, rax
	dword_immediate ecx, rcx
	dword_immediate edx, rdx
	dword_immediate ebx, rbx
	dword_immediate ebp, rbp
	dword_immediate esi, rsi
	dword_immediate edi, rdi
%if BITS == 64
%macro qword_immediate 1.nolist
	emulate	mov %1, strict qword 0x123456789abcdef0
	checkpoint %1=0x123456789abcdef0
%endmacro
	qword_immediate rax
	qword_immediate rcx
	qword_immediate rdx
	qword_immediate rbx
	qword_immediate rbp
	qword_immediate rsi
	qword_immediate rdi
%endif
%if BITS == 64
%define RCX_LAST 0x123456789abcdef0
%else
%define RCX_LAST 0x8765b4d3
%endif
	emulate	db 0xc6, 0xc1, 0x12
	checkpoint rcx=RCX_LAST & ~0xff | 0x12
	size_prefix 16
	emulate	db PREFIX 0xc7, 0xc1, 0x78, 0x56
	checkpoint rcx=RCX_LAST & ~0xffff | 0x5678
	size_prefix 32
	emulate	db PREFIX 0xc7, 0xc1, 0x78, 0x56, 0x34, 0x92
	checkpoint rcx=0x92345678
%if BITS == 64
	emulate	db 0x48, 0xc7, 0xc1, 0x78, 0x56, 0x34, 0x92
	checkpoint rcx=0xffffffff92345678
%endif

; ---- XCHG, XADD, CMPXCHG -----------------------------------------------------------------

%macro exchange_case 1.nolist
	%defstr TEXT XCHG of %1 bits with memory and registers
case xchg_%1, TEXT
	ref	"SDM 2 XCHG", "APM 3 XCHG"
	any_ring
	operand	dq, B%1, B%1
	rbx_is_b %1
	flags_before
	rax_is_a %1
	rax_after %1, B%1
	emulate	xchg [OPERAND], AX%1
	checkpoint status=BEFORE, rax=RAX_NOW, rbx=B%1
	writes	OPERAND, DATA%1, A%1
	rax_is_a %1
	emulate	lock xchg [OPERAND + 8], AX%1
	checkpoint rax=RAX_NOW
	writes	OPERAND + 8, DATA%1, A%1
	opcode_of %1, 0x86
	rax_is_a %1
	emulate	db PREFIX OPCODE, 0xd8	; RAX and RBX
	checkpoint rax=RAX_NOW, rbx=A%1
%endmacro
each_size exchange_case

; with_rax REGISTER OF 16, 32 AND 64 BITS: XCHG by the opcode that names it
%macro with_rax 3.nolist
	mov	eax, 0x11112222
	mov	%2, 0x33334444
	emulate	xchg ax, %1
	checkpoint rax=0x11114444, %3=0x33332222
	emulate	xchg eax, %2
	checkpoint rax=0x33332222, %3=0x11114444
	%if BITS == 64
	mov	rax, 0x1111222233334444
	emulate	xchg rax, %3
	checkpoint rax=0x11114444, %3=0x1111222233334444
	%endif
%endmacro

case xchg_accumulator, "XCHG of the accumulator with every register"
	ref	"SDM 2 XCHG", "APM 3 XCHG"
	any_ring
	with_rax cx, ecx, rcx
	with_rax dx, edx, rdx
	with_rax bx, ebx, rbx
	with_rax bp, ebp, rbp
	with_rax si, esi, rsi
	with_rax di, edi, rdi

; ---- INC, DEC, NOT, NEG ---------------------------------------------------------------------

; one OPERATION, BITS, VALUE: RESULT, and FLAGS after it, for values that neither carry nor
; overflow; CF and the flags that are left are those of BEFORE.
%macro one 3.nolist
	mask_of	%2
	%ifidn %1, inc
	%assign RESULT (%3 + 1) & mask
	%assign changed %3 ^ 1
	%elifidn %1, dec
	%assign RESULT (%3 - 1) & mask
	%assign changed %3 ^ 1
	%elifidn %1, neg
	%assign RESULT (-(%3)) & mask
	%assign changed %3
	%else
	%assign RESULT ~(%3) & mask
	%endif
	%ifidn %1, not
	%assign FLAGS BEFORE
	%else
	parity_of RESULT
	%assign FLAGS CF | parity * PF | ((RESULT >> (%2 - 1)) & 1) * SF
	%assign FLAGS FLAGS | (((changed ^ RESULT) >> 4) & 1) * AF
	%endif
%endmacro

; one_case BITS, OPERATION, NUMBER, OPCODE, MANUAL, MANUAL
%macro one_case 6.nolist
	%defstr TEXT every encoding of %2 with operands of %1 bits, but 40 to 4F
case %2_%1, TEXT
	ref	%5, %6
	any_ring
	operand	dq, A%1, A%1
	one	%2, %1, A%1
	opcode_of %1, %4
	flags_before
	emulate	%2 SIZE%1 [OPERAND]
	checkpoint status=FLAGS
	writes	OPERAND, DATA%1, RESULT
	flags_before
	emulate	lock %2 SIZE%1 [OPERAND + 8]
	checkpoint status=FLAGS
	writes	OPERAND + 8, DATA%1, RESULT
	rax_is_a %1
	rax_after %1, RESULT
	flags_before
	emulate	db PREFIX OPCODE, 0xc0 | %3 << 3
	checkpoint status=FLAGS, rax=RAX_NOW
%endmacro
%macro inc_case 1.nolist
	one_case %1, inc, 0, 0xfe, "SDM 2 INC", "APM 3 INC"
%endmacro
each_size inc_case
%macro dec_case 1.nolist
	one_case %1, dec, 1, 0xfe, "SDM 2 DEC", "APM 3 DEC"
%endmacro
each_size dec_case
%macro not_case 1.nolist
	one_case %1, not, 2, 0xf6, "SDM 2 NOT", "APM 3 NOT"
%endmacro
each_size not_case
%macro neg_case 1.nolist
	one_case %1, neg, 3, 0xf6, "SDM 2 NEG", "APM 3 NEG"
%endmacro
each_size neg_case

%if BITS != 64
; count REGISTER OF 16 AND 32 BITS, AS CHECKPOINT HAS IT
%macro count 3.nolist
	mov	%2, 0x1111ffff
	flags_before
	emulate	inc %1
	checkpoint status=CF | PF | AF | ZF, %3=0x11110000
	emulate	dec %2
	checkpoint status=CF | PF | AF, %3=0x1110ffff
	emulate	inc %2
	checkpoint status=CF | PF | AF, %3=0x11110000
	emulate	dec %1
	checkpoint status=CF | PF | AF | SF, %3=0x1111ffff
%endmacro

case inc_dec_register, "INC and DEC by the opcodes that name a register"
	ref	"SDM 2 INC", "SDM 2 DEC", "APM 3 INC", "APM 3 DEC"
	count	ax, eax, rax
	count	cx, ecx, rcx
	count	dx, edx, rdx
	count	bx, ebx, rbx
	count	bp, ebp, rbp
	count	si, esi, rsi
	count	di, edi, rdi
%endif

; ---- TEST --------------------------------------------------------------------------------------

%macro test_flags 2.nolist
	mask_of	%1
	%assign RESULT A%1 & (%2) & mask
	parity_of RESULT
	%assign FLAGS parity * PF | ((RESULT >> (%1 - 1)) & 1) * SF
%endmacro

; test_operands BITS: the immediate and how it is encoded; RAX holds A.
%macro test_operands 1.nolist
	%if %1 == 8
	%define IMMEDIATE B8
	%define IMMEDIATE_BYTES B8
	%elif %1 == 16
	%define IMMEDIATE B16
	%define IMMEDIATE_BYTES 0xc5, 0x7a
	%else
	%define IMMEDIATE B32
	%define IMMEDIATE_BYTES 0xd1, 0xb3, 0xc5, 0x7a
	%endif
	opcode_of %1, 0xf6
	rax_is_a %1
	rax_after %1, A%1
%endmacro

%macro test_case 1.nolist
	%defstr TEXT every encoding of TEST with operands of %1 bits
case test_%1, TEXT
	ref	"SDM 2 TEST", "APM 3 TEST"
	any_ring
	operand	dq, A%1
	test_operands %1
	rbx_is_b %1
	test_flags %1, B%1
	stc
	emulate	test [OPERAND], BX%1
	checkpoint status=FLAGS, undefined=AF, rax=RAX_NOW, rbx=B%1
	stc
	emulate	test AX%1, BX%1
	checkpoint status=FLAGS, undefined=AF
	test_flags %1, IMMEDIATE
	stc
	emulate	test AX%1, IMMEDIATE	; A8, A9
	checkpoint status=FLAGS, undefined=AF
	stc
	emulate	db PREFIX OPCODE, 0xc0, IMMEDIATE_BYTES
	checkpoint status=FLAGS, undefined=AF
	stc
	emulate	test SIZE%1 [OPERAND], IMMEDIATE
	checkpoint status=FLAGS, undefined=AF
%endmacro
each_size test_case

; What ModRM.reg 1 means, which SDM 2 leaves empty.
%macro test_alias_case 1.nolist
	%defstr TEXT TEST of %1 bits, as group 3 has it a second time
case test_alias_%1, TEXT
	ref	"APM 3 A.1"
	need	amd
	any_ring
	operand	dq, A%1
	test_operands %1
	mov	edi, OPERAND
	test_flags %1, IMMEDIATE
	stc
	emulate	db PREFIX OPCODE, 1 << 3 | AT_RDI, IMMEDIATE_BYTES
	checkpoint status=FLAGS, undefined=AF, rax=RAX_NOW, rdi=OPERAND
	stc
	emulate	db PREFIX OPCODE, 0xc0 | 1 << 3, IMMEDIATE_BYTES
	checkpoint status=FLAGS, undefined=AF
%endmacro
each_size test_alias_case

; ---- CMOVcc, BSWAP, MOVZX, MOVSX ---------------------------------------------------------------

; cmp_flags A, B: FLAGS after CMP of 32 bits
%macro cmp_flags 2.nolist
	%assign RESULT (%1 - %2) & 0xffffffff
	parity_of RESULT
	%assign FLAGS parity * PF | ((RESULT >> 31) & 1) * SF | (((%1 ^ %2 ^ RESULT) >> 4) & 1) * AF
	%assign FLAGS FLAGS | (((%1 ^ %2) & (%1 ^ RESULT)) >> 31 & 1) * OF
	%if RESULT == 0
	%assign FLAGS FLAGS | ZF
	%endif
	%if %1 < %2
	%assign FLAGS FLAGS | CF
	%endif
%endmacro

; cmov_true BITS, CONDITION, A, B: after CMP A, B the condition holds.
%macro cmov_true 4.nolist
	mov	ecx, %3
	cmp_flags %3, %4
	rax_after %1, B%1
	rax_is_a %1
	cmp	ecx, %4
	emulate	cmov%2 AX%1, [OPERAND]
	checkpoint status=FLAGS, rax=RAX_NOW, rbx=B%1, rcx=%3
	rax_is_a %1
	cmp	ecx, %4
	emulate	cmov%2 AX%1, BX%1
	checkpoint status=FLAGS, rax=RAX_NOW
%endmacro

%macro cmov_case 1.nolist
	%defstr TEXT CMOVcc of %1 bits with every condition, from memory and a register
case cmov_%1, TEXT
	ref	"SDM 2 CMOVcc", "APM 3 CMOVcc"
	any_ring
	operand	dq, B%1
	rbx_is_b %1
	cmov_true %1, o, 0x80000000, 1
	cmov_true %1, no, 5, 3
	cmov_true %1, b, 3, 5
	cmov_true %1, nb, 5, 3
	cmov_true %1, z, 5, 5
	cmov_true %1, nz, 5, 3
	cmov_true %1, be, 5, 5
	cmov_true %1, nbe, 5, 3
	cmov_true %1, s, 3, 5
	cmov_true %1, ns, 5, 3
	cmov_true %1, p, 5, 2
	cmov_true %1, np, 5, 3
	cmov_true %1, l, 3, 5
	cmov_true %1, nl, 5, 3
	cmov_true %1, le, 5, 5
	cmov_true %1, nle, 5, 3
%endmacro
each_wide_size cmov_case

; swap REGISTER OF 32 BITS, OF 64, AS CHECKPOINT HAS IT
%macro swap 2.nolist
	mov	%1, 0x12345678
	emulate	bswap %1
	checkpoint %2=0x78563412
	%if BITS == 64
	mov	%2, 0x123456789abcdef0
	emulate	bswap %2
	checkpoint %2=0xf0debc9a78563412
	%endif
%endmacro

case bswap, "BSWAP of every register"
	ref	"SDM 2 BSWAP", "APM 3 BSWAP"
	any_ring
	swap	eax, rax
	swap	ecx, rcx
	swap	edx, rdx
	swap	ebx, rbx
	swap	ebp, rbp
	swap	esi, rsi
	swap	edi, rdi

; extend_case BITS: to that size from 8 and 16 bits, with zeroes and with the sign
%macro extend_case 1.nolist
	%defstr TEXT MOVZX and MOVSX to %1 bits, from memory and a register
case extend_%1, TEXT
	ref	"SDM 2 MOVZX", "SDM 2 MOVSX/MOVSXD", "APM 3 MOVZX", "APM 3 MOVSX"
	any_ring
	operand	dw, 0x9c, 0xb3d1
	mov	ebx, 0xb39c
	rax_is_a %1
	rax_after %1, 0x9c
	emulate	movzx AX%1, byte [OPERAND]
	checkpoint rax=RAX_NOW, rbx=0xb39c
	rax_is_a %1
	emulate	movzx AX%1, bl
	checkpoint rax=RAX_NOW
	rax_is_a %1
	rax_after %1, (0xffffffffffffff9c & (-1 >> (64 - %1)))
	emulate	movsx AX%1, byte [OPERAND]
	checkpoint rax=RAX_NOW
	rax_is_a %1
	emulate	movsx AX%1, bl
	checkpoint rax=RAX_NOW
	%if %1 == 16
	size_prefix 16
	rax_is_a 16
	rax_after 16, 0xb39c
	emulate	db PREFIX 0x0f, 0xb7, 0xc3
	checkpoint rax=RAX_NOW
	rax_is_a 16
	emulate	db PREFIX 0x0f, 0xbf, 0xc3
	checkpoint rax=RAX_NOW
	mov	edi, OPERAND + 2
	rax_is_a 16
	rax_after 16, 0xb3d1
	emulate	db PREFIX 0x0f, 0xb7, AT_RDI
	checkpoint rax=RAX_NOW, rdi=OPERAND + 2
	rax_is_a 16
	emulate	db PREFIX 0x0f, 0xbf, AT_RDI
	checkpoint rax=RAX_NOW
	%else
	rax_is_a %1
	emulate	movzx AX%1, bx
	checkpoint rax=0xb39c
	rax_is_a %1
	emulate	movzx AX%1, word [OPERAND + 2]
	checkpoint rax=0xb3d1
	rax_is_a %1
	emulate	movsx AX%1, bx
	checkpoint rax=(0xffffffffffffb39c & (-1 >> (64 - %1)))
	rax_is_a %1
	emulate	movsx AX%1, word [OPERAND + 2]
	checkpoint rax=(0xffffffffffffb3d1 & (-1 >> (64 - %1)))
	%endif
%endmacro
each_wide_size extend_case

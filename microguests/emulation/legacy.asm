; SPDX-License-Identifier: GPL-2.0-only
; What 64-bit mode has dropped: decimal arithmetic, BOUND and some encodings. They
; work in every other mode and are invalid there.
%include "microguest.inc"
modes real16, prot16, prot32, pae32, compat32, long64, vm86
%include "emulate.inc"

%if BITS == 64

%macro are_invalid 1-*.nolist
	%rep %0
	emulate	db %1
	expect	exception, vector=VEC_UD, rip=EMULATED
	%rotate 1
	%endrep
%endmacro

case decimal_invalid, "decimal arithmetic is invalid in 64-bit mode"
	ref	"SDM 2 AAA", "SDM 2 DAA", "SDM 2 AAM", "APM 3 B.3"
	any_ring
	are_invalid 0x27, 0x2f, 0x37, 0x3f, {0xd4, 10}, {0xd5, 10}

case stack_invalid, \
	"PUSHA, POPA and the segment registers without a base are invalid in 64-bit mode"
	ref	"SDM 2 PUSHA/PUSHAD", "SDM 2 PUSH", "SDM 2 POP", "APM 3 B.3"
	any_ring
	are_invalid 0x60, 0x61, 0x06, 0x07, 0x0e, 0x16, 0x17, 0x1e, 0x1f

case encodings_invalid, "opcode 82h and far pointers in the instruction are invalid in 64-bit mode"
	ref	"SDM 2 A.3", "SDM 2 JMP", "SDM 2 CALL", "SDM 2 INT n/INTO/INT3/INT1", "APM 3 B.3"
	any_ring
	are_invalid {0x82, 0xc0, 1}, {0x9a, 0, 0, 0, 0, SEL_CODE64, 0}, {0xea, 0, 0, 0, 0, \
		SEL_CODE64, 0}, 0xce

%else

case aaa, "AAA adjusts AL after an addition of unpacked digits and carries into AH"
	ref	"SDM 2 AAA", "APM 3 AAA"
	any_ring
	given	rax=0x1234010b
	emulate	aaa
	checkpoint rax=0x12340201, set=AF | CF, undefined=OF | SF | ZF | PF
	mov	ax, 0x0105
	emulate	aaa				; AF is still set
	checkpoint rax=0x1234020b, set=AF | CF, undefined=OF | SF | ZF | PF
	mov	ax, 0x0338
	action	set, status=CF
	emulate	aaa
	checkpoint rax=0x12340308, clear=AF | CF, undefined=OF | SF | ZF | PF

case aas, "AAS adjusts AL after a subtraction of unpacked digits and borrows from AH"
	ref	"SDM 2 AAS", "APM 3 AAS"
	any_ring
	given	rax=0x123402fc
	emulate	aas
	checkpoint rax=0x12340106, set=AF | CF, undefined=OF | SF | ZF | PF
	mov	ax, 0x0279
	action	set, status=CF
	emulate	aas
	checkpoint rax=0x12340209, clear=AF | CF, undefined=OF | SF | ZF | PF

case daa, "DAA adjusts both digits of AL after an addition"
	ref	"SDM 2 DAA", "APM 3 DAA"
	any_ring
	given	rax=0x123456ae
	emulate	daa
	checkpoint rax=0x12345614, status=CF | PF | AF, undefined=OF
	mov	al, 0x35
	action	set, status=AF
	emulate	daa
	checkpoint rax=0x1234563b, status=AF, undefined=OF
	mov	al, 0x9a
	action	set, status=0
	emulate	daa
	checkpoint rax=0x12345600, status=CF | PF | AF | ZF, undefined=OF
	mov	al, 0x42
	action	set, status=CF
	emulate	daa
	checkpoint rax=0x123456a2, status=CF | SF, undefined=OF

case das, "DAS adjusts both digits of AL after a subtraction"
	ref	"SDM 2 DAS", "APM 3 DAS"
	any_ring
	given	rax=0x123456ee
	emulate	das
	checkpoint rax=0x12345688, status=CF | PF | AF | SF, undefined=OF
	mov	al, 0x42
	action	set, status=0
	emulate	das
	checkpoint rax=0x12345642, status=PF, undefined=OF
	mov	al, 0xa2
	action	set, status=CF
	emulate	das
	checkpoint rax=0x12345642, status=CF | PF, undefined=OF

case das_borrow, "DAS whose adjustment of the low digit borrows sets CF"
	ref	"SDM 2 DAS"
	any_ring
	given	rax=0x12345605, set=AF
	emulate	das
	checkpoint rax=0x123456ff, status=CF | PF | AF | SF, undefined=OF

case aam, "AAM splits AL into digits of the base in its immediate"
	ref	"SDM 2 AAM", "APM 3 AAM"
	any_ring
	given	rax=0x1234aa4f
	emulate	aam
	checkpoint rax=0x12340709, status=PF, undefined=OF | AF | CF
	emulate	db 0xd4, 0x10
	checkpoint rax=0x12340009, status=PF, undefined=OF | AF | CF
	mov	al, 0xf0
	emulate	db 0xd4, 0xff
	checkpoint rax=0x123400f0, status=PF | SF, undefined=OF | AF | CF

case aam_zero, "AAM with base 0 is a division by 0"
	ref	"SDM 2 AAM", "APM 3 AAM"
	any_ring
	emulate	db 0xd4, 0
	expect	exception, vector=VEC_DE, rip=EMULATED

case aad, "AAD joins digits of the base in its immediate and clears AH"
	ref	"SDM 2 AAD", "APM 3 AAD"
	any_ring
	given	rax=0x12340709
	emulate	aad
	checkpoint rax=0x1234004f, status=0, undefined=OF | AF | CF
	mov	ah, 0x1f
	emulate	db 0xd5, 0x10
	checkpoint rax=0x1234003f, status=PF, undefined=OF | AF | CF

case bound_inside, "BOUND lets a signed index between the bounds pass, the bounds included"
	ref	"SDM 2 BOUND", "APM 3 BOUND"
	any_ring
	operand	dq, 0x00000002fffffffe, 0x0007fff0
	given	rax=0xfffffffe, rcx=2, rdx=0x1234fff0, rbx=0xffff0007
	emulate	bound eax, [OPERAND]
	checkpoint
	emulate	bound ecx, [OPERAND]
	checkpoint
	emulate	bound dx, [OPERAND + 8]
	checkpoint
	emulate	bound bx, [OPERAND + 8]
	checkpoint

case bound_outside, "BOUND faults on an index below or above, at the instruction"
	ref	"SDM 2 BOUND", "SDM 3 6.15", "APM 3 BOUND", "APM 2 8.2.6"
	any_ring
	operand	dq, 0x00000002fffffffe, 0x0007fff0
	given	rax=0xfffffffd, rcx=3, rdx=0x1234ffef
	emulate	bound eax, [OPERAND]
	expect	exception, vector=VEC_BR, rip=EMULATED
	emulate	bound ecx, [OPERAND]
	expect	exception, vector=VEC_BR, rip=EMULATED
	emulate	bound dx, [OPERAND + 8]
	expect	exception, vector=VEC_BR, rip=EMULATED

case bound_register, "BOUND of a register is an invalid opcode"
	ref	"SDM 2 BOUND", "APM 3 BOUND"
	any_ring
	emulate	db 0x62, 0xc0
	expect	exception, vector=VEC_UD, rip=EMULATED

case opcode_82, "opcode 82h is opcode 80h"
	ref	"SDM 2 A.3", "APM 3 A.1"
	any_ring
	emulate	db 0x82, 0xc0, 0xef			; add al, 0xef
	checkpoint status=CF | PF | AF | ZF, rax=LOW8(RAX, 0)
	emulate	db 0x82, 0xfb, 0x23			; cmp bl, 0x23
	checkpoint status=CF | PF | AF | SF

%endif

; SPDX-License-Identifier: GPL-2.0-only
; Scans, counts, CRC32, conditions as bytes, and what does nothing, in their encodings with each
; operand size: between registers, which bits.asm leaves out, and CRC32 with memory, too.
%include "microguest.inc"
modes real16, prot32, long64
%include "emulate.inc"
%include "forms.inc"

; ---- BSF, BSR, TZCNT, LZCNT, POPCNT between registers -------------------------------------

; Bits 7, 9 and 10 of every size.
%define SET 0x680
%define LOWEST 7
%define HIGHEST 10

; register_case BITS, INSTRUCTION, RESULT, UNDEFINED FLAGS, MANUAL, MANUAL[, FEATURE]: other
; flags are cleared.
%macro register_case 6-7.nolist
	%defstr TEXT %2 of a register of %1 bits
case %2_%1, TEXT
	ref	%5, %6
	%if %0 == 7
	need	%7
	%endif
	any_ring
	mov	ebx, SET
	rax_is_a %1
	rax_after %1, %3
	stc
	emulate	%2 AX%1, BX%1
	checkpoint status=0, undefined=%4, rax=RAX_NOW, rbx=SET
%endmacro
%define COUNT_UNDEFINED PF | AF | SF | OF
%macro each_scan 1.nolist
	register_case %1, bsf, LOWEST, COUNT_UNDEFINED | CF, "SDM 2 BSF", "APM 3 BSF"
	register_case %1, bsr, HIGHEST, COUNT_UNDEFINED | CF, "SDM 2 BSR", "APM 3 BSR"
	register_case %1, tzcnt, LOWEST, COUNT_UNDEFINED, "SDM 2 TZCNT", "APM 3 TZCNT", bmi1
	register_case %1, lzcnt, %1 - 1 - HIGHEST, COUNT_UNDEFINED, "SDM 2 LZCNT", "APM 3 LZCNT", lzcnt
	register_case %1, popcnt, 3, 0, "SDM 2 POPCNT", "APM 3 POPCNT", popcnt
%endmacro
each_wide_size each_scan

; ---- CRC32 --------------------------------------------------------------------------------------

; crc VALUE, BITS, FROM: SUM by the polynomial 11EDC6F41h, its bits the other way round (SDM 2)
%macro crc 3.nolist
	%assign SUM %3
	%assign number %1
	%rep %2
	%assign SUM (SUM >> 1) ^ (0x82f63b78 & -((SUM ^ number) & 1))
	%assign number number >> 1
	%endrep
%endmacro

; crc_case BITS: from 12345678h with memory, then with a register
%macro crc_case 1.nolist
	%defstr TEXT CRC32 of %1 bits from memory and a register
case crc32_%1, TEXT
	ref	"SDM 2 CRC32", "APM 3 CRC32"
	need	sse4_2
	any_ring
	operand	dq, A%1
	rbx_is_b %1
	mov	eax, 0x12345678
	crc	A%1, %1, 0x12345678
	%if %1 == 64
	emulate	crc32 rax, SIZE%1 [OPERAND]
	%else
	emulate	crc32 eax, SIZE%1 [OPERAND]
	%endif
	checkpoint rax=SUM, rbx=B%1
	crc	B%1, %1, SUM
	%if %1 == 64
	emulate	crc32 rax, BX%1
	%else
	emulate	crc32 eax, BX%1
	%endif
	checkpoint rax=SUM
%endmacro
each_size crc_case

; ---- SETcc to a register ----------------------------------------------------------------------

; sets CONDITION, A, B, C, D: after CMP A, B it holds, after CMP C, D it does not.
%macro sets 5.nolist
	mov	eax, %2
	cmp	eax, %3
	emulate	set%1 cl
	mov	eax, %4
	cmp	eax, %5
	emulate	set%1 ch
	cmp	esp, esp
	checkpoint status=ZF | PF, rax=%4, rcx=LOW16(RCX, 1)
%endmacro

case setcc, "SETcc of every condition, to a low and a high byte"
	ref	"SDM 2 SETcc", "APM 3 SETcc"
	any_ring
	sets	o, 0x80000000, 1, 5, 3
	sets	no, 5, 3, 0x80000000, 1
	sets	b, 3, 5, 5, 3
	sets	nb, 5, 3, 3, 5
	sets	z, 5, 5, 5, 3
	sets	nz, 5, 3, 5, 5
	sets	be, 5, 5, 5, 3
	sets	nbe, 5, 3, 5, 5
	sets	s, 3, 5, 5, 3
	sets	ns, 5, 3, 3, 5
	sets	p, 5, 2, 5, 3
	sets	np, 5, 3, 5, 2
	sets	l, 3, 5, 5, 3
	sets	nl, 5, 3, 3, 5
	sets	le, 5, 5, 5, 3
	sets	nle, 5, 3, 5, 5

; ---- what does nothing ------------------------------------------------------------------------------

; nops OPCODE, REG: with memory, which is not touched, and with a register
%macro nops 2.nolist
	emulate	db PREFIX 0x0f, %1, %2 << 3 | AT_RDI
	emulate	db PREFIX 0x0f, %1, 0xc0 | %2 << 3
%endmacro

; CLDEMOTE is 0F 1C /0, and MPX had 0F 1A and 0F 1B.
%macro nop_case 1.nolist
	%defstr TEXT reserved NOPs of %1 bits read no memory and change nothing
case nop_%1, TEXT
	ref	"SDM 2 NOP", "SDM 2 A.3", "APM 3 A.1"
	any_ring
	given	rdi=MMIO
	stc
	size_prefix %1
	nops	0x19, 0
	nops	0x1c, 1
	nops	0x1d, 0
	nops	0x1e, 1
	nops	0x1f, 0
	checkpoint set=CF
%endmacro
each_wide_size nop_case

case fences, "LFENCE, MFENCE and SFENCE change nothing that can be seen"
	ref	"SDM 2 LFENCE", "SDM 2 MFENCE", "SDM 2 SFENCE", "APM 3 LFENCE", "APM 3 MFENCE", "APM 3 SFENCE"
	any_ring
	emulate	lfence
	emulate	mfence
	emulate	sfence
	checkpoint

case clflush, "CLFLUSH leaves memory as it is"
	ref	"SDM 2 CLFLUSH", "APM 3 CLFLUSH"
	memory	SCRATCH, dd, 0x12345678
	any_ring
	emulate	clflush [SCRATCH]
	mov	eax, [SCRATCH]
	checkpoint rax=0x12345678

; ---- sign extension ---------------------------------------------------------------------------------

%if BITS == 64
case movsxd, "MOVSXD of 32 bits to each size, from memory and a register"
	ref	"SDM 2 MOVSX/MOVSXD", "APM 3 MOVSXD"
	any_ring
	operand	dd, A32
	mov	ebx, A32
	emulate	movsxd rax, dword [OPERAND]
	checkpoint rax=0xffffffff00000000 | A32, rbx=A32
	emulate	db 0x63, 0x04, 0x25, OPERAND & 0xff, OPERAND >> 8, 0, 0	; MOVSXD EAX
	checkpoint rax=A32
	mov	rax, REG_RAX
	emulate	db 0x48, 0x63, 0xc3
	checkpoint rax=0xffffffff00000000 | A32
	emulate	db 0x63, 0xc3
	checkpoint rax=A32
	mov	rax, REG_RAX
	emulate	db 0x66, 0x63, 0xc3
	checkpoint rax=LOW16(RAX, A32 & 0xffff)
	mov	rax, REG_RAX
	emulate	db 0x66, 0x63, 0x04, 0x25, OPERAND & 0xff, OPERAND >> 8, 0, 0
	checkpoint rax=LOW16(RAX, A32 & 0xffff)
%endif

; SPDX-License-Identifier: GPL-2.0-only
; SETcc and CMOVcc, sign and zero extension, and the instructions for flags.
%include "microguest.inc"
modes real16, prot16, prot32, paged32, long64
%include "emulate.inc"

; each_condition MACRO: MACRO CC, FLAGS, TRUTH for every condition, with flags that
; make it true and that make it false (SDM 1 B.1).
%macro each_condition 1.nolist
	%1	o, OF, 1
	%1	o, STATUS_FLAGS & ~OF, 0
	%1	no, CF | PF | AF | ZF | SF, 1
	%1	no, OF, 0
	%1	b, CF, 1
	%1	b, STATUS_FLAGS & ~CF, 0
	%1	ae, ZF | SF | OF, 1
	%1	ae, CF, 0
	%1	e, ZF, 1
	%1	e, STATUS_FLAGS & ~ZF, 0
	%1	ne, CF | SF | OF, 1
	%1	ne, ZF, 0
	%1	be, CF, 1
	%1	be, ZF, 1
	%1	be, SF | OF | PF, 0
	%1	a, SF | OF | PF, 1
	%1	a, CF, 0
	%1	a, ZF, 0
	%1	s, SF, 1
	%1	s, STATUS_FLAGS & ~SF, 0
	%1	ns, OF | ZF, 1
	%1	ns, SF, 0
	%1	p, PF, 1
	%1	p, STATUS_FLAGS & ~PF, 0
	%1	np, AF | ZF, 1
	%1	np, PF, 0
	%1	l, SF, 1
	%1	l, OF, 1
	%1	l, SF | OF | ZF | CF, 0
	%1	ge, SF | OF, 1
	%1	ge, ZF | CF, 1
	%1	ge, SF | CF, 0
	%1	ge, OF, 0
	%1	le, ZF | SF | OF, 1
	%1	le, SF, 1
	%1	le, OF | CF, 1
	%1	le, SF | OF | CF, 0
	%1	g, SF | OF, 1
	%1	g, CF | PF, 1
	%1	g, ZF, 0
	%1	g, SF, 0
	%1	g, OF, 0
%endmacro

; FLAGS, and no other status flag, before the next instruction.
%macro flags_are 1.nolist
	action	set, status=%1
%endmacro

%macro set_memory 3.nolist
	flags_are %2
	emulate	set%+1 byte [OPERAND + slot]
	checkpoint
	writes	OPERAND + slot, db, %3
	%assign slot slot + 1
%endmacro

case setcc, "SETcc writes one byte, 1 or 0, for every condition"
	ref	"SDM 2 SETcc", "SDM 1 B.1", "APM 3 SETcc"
	any_ring
	operand	dq, -1, -1, -1, -1, -1, -1
	%assign slot 0
	each_condition set_memory

case setcc_register, "SETcc of a register changes one byte of it"
	ref	"SDM 2 SETcc", "APM 3 SETcc"
	any_ring
	emulate	setne ch
	checkpoint rcx=HIGH8(RCX, 1)
	emulate	sete dl
	checkpoint rdx=LOW8(RDX, 0)
%if BITS == 64
	emulate	setae r9b
	checkpoint r9=LOW8(R9, 1)
	emulate	setb sil
	checkpoint rsi=LOW8(RSI, 0)
%endif

%macro move_memory 3.nolist
	flags_are %2
	emulate	cmov%+1 cx, [OPERAND + 2 * (slot & 1) + 4]
	%if %3
	checkpoint rcx=LOW16(RCX, 0x1000 + 0x1000 * (slot & 1))
	%assign slot slot + 1
	%else
	checkpoint
	%endif
%endmacro

case cmovcc, "CMOVcc moves or does not, for every condition"
	ref	"SDM 2 CMOVcc", "SDM 1 B.1", "APM 3 CMOVcc"
	any_ring
	need	cmov
	operand	dw, 0, 0, 0x1000, 0x2000
	%assign slot 0
	each_condition move_memory

case cmovcc_widths, "CMOVcc that is false still clears the upper half of a 64-bit destination"
	ref	"SDM 2 CMOVcc", "APM 3 CMOVcc"
	any_ring
	need	cmov
	operand	dq, 0x8877665544332211
	emulate	cmove ecx, [OPERAND]
	checkpoint rcx=0x33333333
	emulate	cmovne edx, [OPERAND]
	checkpoint rdx=0x44332211
	emulate	cmove si, [OPERAND]
	checkpoint
%if BITS == 64
	emulate	cmovb r9, [OPERAND]
	checkpoint
	emulate	cmovae r10, [OPERAND]
	checkpoint r10=0x8877665544332211
	emulate	cmovs r11d, r12d
	checkpoint r11=0xcccccccc
%endif

%if PAGED
case cmovcc_false_reads, "CMOVcc that is false faults on a source that cannot be read"
	ref	"SDM 2 CMOVcc", "SDM 3 4.7", "APM 3 CMOVcc"
	need	cmov
	pte	PAGES, clear=PTE_P
	emulate	cmove ecx, [PAGES + 8]
	expect	exception, vector=VEC_PF, error=0, cr2=PAGES + 8, rip=EMULATED
%endif

case movzx, "MOVZX fills with zeros"
	ref	"SDM 2 MOVZX", "APM 3 MOVZX"
	any_ring
	operand	dq, 0xf1e2d3c4b5a69788
	emulate	movzx cx, byte [OPERAND]
	checkpoint rcx=LOW16(RCX, 0x88)
	emulate	movzx edx, byte [OPERAND + 1]
	checkpoint rdx=0x97
	emulate	movzx esi, word [OPERAND]
	checkpoint rsi=0x9788
%if BITS == 64
	emulate	movzx r8, byte [OPERAND]
	checkpoint r8=0x88
	emulate	movzx r9, word [OPERAND + 6]
	checkpoint r9=0xf1e2
%endif

case movsx, "MOVSX fills with the sign"
	ref	"SDM 2 MOVSX/MOVSXD", "APM 3 MOVSX", "APM 3 MOVSXD"
	any_ring
	operand	dq, 0x71e2d3c4b5a69788
	emulate	movsx cx, byte [OPERAND]
	checkpoint rcx=LOW16(RCX, 0xff88)
	emulate	movsx edx, byte [OPERAND]
	checkpoint rdx=0xffffff88
	emulate	movsx ebx, byte [OPERAND + 7]
	checkpoint rbx=0x71
	emulate	movsx esi, word [OPERAND]
	checkpoint rsi=0xffff9788
%if BITS == 64
	emulate	movsx r8, byte [OPERAND]
	checkpoint r8=0xffffffffffffff88
	emulate	movsx r9, word [OPERAND + 6]
	checkpoint r9=0x71e2
	emulate	movsxd r10, dword [OPERAND]
	checkpoint r10=0xffffffffb5a69788
	emulate	movsxd r11, dword [OPERAND + 4]
	checkpoint r11=0x71e2d3c4
%endif

case extend_high_byte, "MOVZX and MOVSX read AH, not AL"
	ref	"SDM 2 MOVZX", "SDM 2 MOVSX/MOVSXD", "APM 3 MOVZX"
	any_ring
	given	rax=0x123481ff, rbx=0x00007f80
	emulate	movzx ecx, ah
	checkpoint rcx=0x81
	emulate	movsx edx, ah
	checkpoint rdx=0xffffff81
	emulate	movsx si, bh
	checkpoint rsi=LOW16(RSI, 0x7f)
	emulate	movzx eax, ah
	checkpoint rax=0x81

case extend_accumulator, \
	"CBW, CWDE and CDQE extend AL, AX and EAX; CWD, CDQ and CQO into DX, EDX and RDX"
	ref	"SDM 2 CBW/CWDE/CDQE", "SDM 2 CWD/CDQ/CQO", "APM 3 CBW", "APM 3 CWD"
	any_ring
	given	rax=0x1234567f, set=STATUS_FLAGS
	emulate	cbw
	checkpoint rax=0x1234007f
	mov	al, 0x80
	emulate	cbw
	checkpoint rax=0x1234ff80
	emulate	cwd
	checkpoint rdx=LOW16(RDX, 0xffff)
	emulate	cwde
	checkpoint rax=0xffffff80
	emulate	cdq
	checkpoint rdx=0xffffffff
%if BITS == 64
	emulate	cdqe
	checkpoint rax=0xffffffffffffff80
	emulate	cqo
	checkpoint rdx=0xffffffffffffffff
	mov	eax, 0x7fffffff
	emulate	cdqe
	checkpoint rax=0x7fffffff
	emulate	cqo
	checkpoint rdx=0
%endif

case carry, "CLC, STC and CMC change CF only, CLD and STD change DF only"
	ref	"SDM 2 CLC", "SDM 2 STC", "SDM 2 CMC", "SDM 2 CLD", "SDM 2 STD", "APM 3 CMC"
	any_ring
	given	set=ZF | OF
	emulate	stc
	checkpoint set=CF
	emulate	cmc
	checkpoint clear=CF
	emulate	cmc
	checkpoint set=CF
	emulate	clc
	checkpoint clear=CF
	emulate	std
	checkpoint set=DF
	emulate	cld
	checkpoint clear=DF

case lahf_sahf, "LAHF and SAHF move SF, ZF, AF, PF and CF; bit 1 reads as 1, OF stays"
	ref	"SDM 2 LAHF", "SDM 2 SAHF", "APM 3 LAHF", "APM 3 SAHF"
	any_ring
%if BITS == 64
	need	lahf
%endif
	given	rax=0xff55, set=OF | SF | AF | CF
	emulate	lahf
	checkpoint rax=0x9355
	mov	ah, 0x6a
	emulate	sahf
	checkpoint rax=0x6a55, status=OF | ZF
	mov	ah, 0xff
	emulate	sahf
	checkpoint rax=0xff55, status=STATUS_FLAGS

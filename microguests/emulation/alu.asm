; SPDX-License-Identifier: GPL-2.0-only
; Two-operand arithmetic and logic, INC, DEC, NEG and NOT: results and flags.
%include "microguest.inc"
modes real16, prot16, prot32, paged32, compat32, long64, vm86
%include "emulate.inc"

case add, "ADD in every encoding, with each of its flags set and clear"
	ref	"SDM 2 ADD", "APM 3 ADD"
	any_ring
	operand	dq, 0xef, 0x7fff, 0x80000000, 0x0f, 0x11111111, 0xffffffff4ccccccd
	emulate	add [OPERAND], al
	checkpoint status=CF | PF | AF | ZF
	writes	OPERAND, db, 0
	emulate	add [OPERAND + 8], bx
	checkpoint status=PF | AF | SF | OF
	writes	OPERAND + 8, dw, 0xa221
	emulate	add ecx, [OPERAND + 16]
	checkpoint status=PF | SF, rcx=0xb3333333
	emulate	add dh, [OPERAND + 24]
	checkpoint status=PF | AF, rdx=HIGH8(RDX, 0x53)
	emulate	add byte [OPERAND + 24], 0xf1
	checkpoint status=CF | PF | AF | ZF
	writes	OPERAND + 24, db, 0
	emulate	add word [OPERAND + 8], 0x5ddf
	checkpoint status=CF | PF | AF | ZF
	writes	OPERAND + 8, dw, 0
	emulate	add dword [OPERAND + 16], byte -1
	checkpoint status=CF | PF | OF
	writes	OPERAND + 16, dd, 0x7fffffff
	emulate	add dword [OPERAND + 32], 0x12345678
	checkpoint status=0
	writes	OPERAND + 32, dd, 0x23456789
	emulate	add al, 0x7f
	checkpoint status=PF | AF | SF | OF, rax=LOW8(RAX, 0x90)
	emulate	add eax, 0x80000000
	checkpoint status=PF | SF, rax=0x91111190
%if BITS == 64
	emulate	add [OPERAND + 40], rcx
	checkpoint status=CF | PF | AF | ZF
	writes	OPERAND + 40, dq, 0
	emulate	add qword [OPERAND + 40], -0x80000000
	checkpoint status=PF | SF
	writes	OPERAND + 40, dq, 0xffffffff80000000
	emulate	add r13, byte 0x12
	checkpoint status=PF | AF | SF, r13=0xeeeeeeeeeeeeef00
%endif

case adc, "ADC adds CF, and carries when only that makes it overflow"
	ref	"SDM 2 ADC", "APM 3 ADC"
	any_ring
	operand	dq, 0, 0x7fff, 0xeeeeeeee, 0x5555555555555555
	stc
	emulate	adc byte [OPERAND], 0xff
	checkpoint status=CF | PF | AF | ZF
	writes	OPERAND, db, 0
	emulate	adc [OPERAND + 8], bx
	checkpoint status=PF | AF | SF | OF
	writes	OPERAND + 8, dw, 0xa222
	stc
	emulate	adc eax, [OPERAND + 16]
	checkpoint status=CF | PF | AF | ZF, rax=0
	clc
	emulate	adc dword [OPERAND + 16], byte -1
	checkpoint status=CF | PF | AF | SF
	writes	OPERAND + 16, dd, 0xeeeeeeed
	emulate	adc al, 0x7f
	checkpoint status=AF | SF | OF, rax=0x80
%if BITS == 64
	stc
	emulate	adc [OPERAND + 24], r9
	checkpoint status=CF | PF | AF | ZF
	writes	OPERAND + 24, dq, 0
%endif

case sbb, "SBB subtracts CF, and borrows when only that makes it wrap"
	ref	"SDM 2 SBB", "APM 3 SBB"
	any_ring
	operand	dq, 0, 0x8000, 0x22222223, 0
	stc
	emulate	sbb byte [OPERAND], 0xff
	checkpoint status=CF | PF | AF | ZF
	writes	OPERAND, db, 0
	emulate	sbb word [OPERAND + 8], byte 0
	checkpoint status=PF | AF | OF
	writes	OPERAND + 8, dw, 0x7fff
	emulate	sbb ebx, [OPERAND + 16]
	checkpoint status=CF | PF | AF | SF, rbx=0xffffffff
	emulate	sbb eax, eax
	checkpoint status=CF | PF | AF | SF, rax=0xffffffff
	clc
	emulate	sbb [OPERAND + 24], cl
	checkpoint status=CF | AF | SF
	writes	OPERAND + 24, db, 0xcd
%if BITS == 64
	stc
	emulate	sbb rdx, 0x44444443
	checkpoint status=PF, rdx=0x4444444400000000
%endif

case sub, "SUB in every encoding: borrow, zero and signed overflow"
	ref	"SDM 2 SUB", "APM 3 SUB"
	any_ring
	operand	dq, 0x80, 0x2222, 0x33333334, 0x10, 0, 0x1111111111111110
	emulate	sub byte [OPERAND], 1
	checkpoint status=AF | OF
	writes	OPERAND, db, 0x7f
	emulate	sub [OPERAND + 8], bx
	checkpoint status=PF | ZF
	writes	OPERAND + 8, dw, 0
	emulate	sub ecx, [OPERAND + 16]
	checkpoint status=CF | PF | AF | SF, rcx=0xffffffff
	emulate	sub dl, [OPERAND + 24]
	checkpoint status=0, rdx=LOW8(RDX, 0x34)
	emulate	sub dword [OPERAND + 32], 0x80000000
	checkpoint status=CF | PF | SF | OF
	writes	OPERAND + 32, dd, 0x80000000
	emulate	sub word [OPERAND + 24], byte -0x80
	checkpoint status=CF | PF
	writes	OPERAND + 24, dw, 0x90
	emulate	sub ax, 0x1112
	checkpoint status=CF | PF | AF | SF, rax=LOW16(RAX, 0xffff)
%if BITS == 64
	emulate	sub [OPERAND + 40], r12
	checkpoint status=CF | PF | AF
	writes	OPERAND + 40, dq, 0x3333333333333333
%endif

case cmp, "CMP sets SUB's flags and writes nothing"
	ref	"SDM 2 CMP", "APM 3 CMP"
	any_ring
	operand	dq, 0x11, 0x80002221, 0x33333334, -1
	emulate	cmp [OPERAND], al
	checkpoint status=PF | ZF
	emulate	cmp [OPERAND + 8], bx
	checkpoint status=CF | PF | AF | SF
	emulate	cmp ecx, [OPERAND + 16]
	checkpoint status=CF | PF | AF | SF
	emulate	cmp byte [OPERAND + 24], 0x7f
	checkpoint status=SF
	emulate	cmp dword [OPERAND + 8], byte 0x22
	checkpoint status=PF | AF | SF
	emulate	cmp byte [OPERAND + 11], 1
	checkpoint status=AF | OF
	emulate	cmp dword [OPERAND + 24], byte -1
	checkpoint status=PF | ZF
	emulate	cmp ah, [OPERAND]
	checkpoint status=PF | ZF
	emulate	cmp ax, 0x1210
	checkpoint status=CF | SF
%if BITS == 64
	emulate	cmp qword [OPERAND + 24], -1
	checkpoint status=PF | ZF
	emulate	cmp r15, [OPERAND + 24]
	checkpoint status=CF | AF
%endif

case logic, "AND, OR and XOR clear CF and OF; immediates of 8 bits are sign-extended"
	ref	"SDM 2 AND", "SDM 2 OR", "SDM 2 XOR", "APM 3 AND", "APM 3 OR", "APM 3 XOR"
	any_ring
	operand	dq, 0xf5, 0x8421, 0x0ff0ff0f, 0x123456789abcdef0
	given	set=CF | OF
	emulate	and [OPERAND], al
	checkpoint status=PF, undefined=AF
	writes	OPERAND, db, 0x11
	stc
	emulate	or [OPERAND + 8], bx
	checkpoint status=SF, undefined=AF
	writes	OPERAND + 8, dw, 0xa623
	stc
	emulate	xor ecx, [OPERAND + 16]
	checkpoint status=PF, undefined=AF, rcx=0x3cc3cc3c
	emulate	and dword [OPERAND + 16], byte -0x10
	checkpoint status=PF, undefined=AF
	writes	OPERAND + 16, dd, 0x0ff0ff00
	emulate	or word [OPERAND + 16], byte -1
	checkpoint status=PF | SF, undefined=AF
	writes	OPERAND + 16, dw, 0xffff
	emulate	xor byte [OPERAND + 16], 0xff
	checkpoint status=PF | ZF, undefined=AF
	writes	OPERAND + 16, db, 0
	emulate	and eax, 0xffff0000
	checkpoint status=PF, undefined=AF, rax=0x11110000
	emulate	or dh, 0x80
	checkpoint status=SF, undefined=AF, rdx=HIGH8(RDX, 0xc4)
	emulate	xor edx, edx
	checkpoint status=PF | ZF, undefined=AF, rdx=0
%if BITS == 64
	emulate	xor [OPERAND + 24], r15
	checkpoint status=PF | ZF, undefined=AF
	writes	OPERAND + 24, dq, 0
	emulate	or qword [OPERAND + 24], -0x7fffffff
	checkpoint status=SF, undefined=AF
	writes	OPERAND + 24, dq, 0xffffffff80000001
%endif

case test, "TEST sets AND's flags and writes nothing"
	ref	"SDM 2 TEST", "APM 3 TEST"
	any_ring
	operand	dq, 0x80, 0x8000, 0x80000000, 0x8000000000000000
	given	set=CF | OF, rax=0xffffffff
	emulate	test [OPERAND], al
	checkpoint status=SF, undefined=AF
	stc
	emulate	test byte [OPERAND], 0x7f
	checkpoint status=PF | ZF, undefined=AF
	emulate	test [OPERAND + 8], ax
	checkpoint status=PF | SF, undefined=AF
	emulate	test dword [OPERAND + 16], 0x80000000
	checkpoint status=PF | SF, undefined=AF
	emulate	test al, 0x0e
	checkpoint status=0, undefined=AF
	emulate	test eax, 0x00000300
	checkpoint status=PF, undefined=AF
%if BITS == 64
	emulate	test qword [OPERAND + 24], -0x80000000
	checkpoint status=PF | SF, undefined=AF
	emulate	test [OPERAND + 24], rax
	checkpoint status=PF | ZF, undefined=AF
%endif

case inc_dec, "INC and DEC leave CF alone"
	ref	"SDM 2 INC", "SDM 2 DEC", "APM 3 INC", "APM 3 DEC"
	any_ring
	operand	dq, 0xff, 0x8000, 0x7fffffff, 0
	stc
	emulate	inc byte [OPERAND]
	checkpoint status=CF | PF | AF | ZF
	writes	OPERAND, db, 0
	emulate	dec word [OPERAND + 8]
	checkpoint status=CF | PF | AF | OF
	writes	OPERAND + 8, dw, 0x7fff
	emulate	inc dword [OPERAND + 16]
	checkpoint status=CF | PF | AF | SF | OF
	writes	OPERAND + 16, dd, 0x80000000
	clc
	emulate	dec byte [OPERAND]
	checkpoint status=PF | AF | SF
	writes	OPERAND, db, 0xff
	emulate	inc ax
	checkpoint status=PF, rax=LOW16(RAX, 0x1112)
	emulate	dec ebx
	checkpoint status=PF, rbx=0x22222221
	emulate	inc dh
	checkpoint status=0, rdx=HIGH8(RDX, 0x45)
%if BITS == 64
	emulate	dec qword [OPERAND + 24]
	checkpoint status=PF | AF | SF
	writes	OPERAND + 24, dq, -1
%endif

case neg, "NEG sets CF unless the operand is 0, and OF for the lowest number"
	ref	"SDM 2 NEG", "APM 3 NEG"
	any_ring
	operand	dq, 0, 0x8000, 1, 0x8000000000000000
	stc
	emulate	neg byte [OPERAND]
	checkpoint status=PF | ZF
	emulate	neg word [OPERAND + 8]
	checkpoint status=CF | PF | SF | OF
	emulate	neg dword [OPERAND + 16]
	checkpoint status=CF | PF | AF | SF
	writes	OPERAND + 16, dd, 0xffffffff
	emulate	neg eax
	checkpoint status=CF | AF | SF, rax=0xeeeeeeef
%if BITS == 64
	emulate	neg qword [OPERAND + 24]
	checkpoint status=CF | PF | SF | OF
%endif

case not, "NOT inverts and changes no flag"
	ref	"SDM 2 NOT", "APM 3 NOT"
	any_ring
	operand	dq, 0x0f, 0xff00, 0x12345678, 0
	given	set=STATUS_FLAGS
	emulate	not byte [OPERAND]
	checkpoint
	writes	OPERAND, db, 0xf0
	emulate	not word [OPERAND + 8]
	checkpoint
	writes	OPERAND + 8, dw, 0x00ff
	emulate	not dword [OPERAND + 16]
	checkpoint
	writes	OPERAND + 16, dd, 0xedcba987
	emulate	not ecx
	checkpoint rcx=0xcccccccc
%if BITS == 64
	emulate	not qword [OPERAND + 24]
	checkpoint
	writes	OPERAND + 24, dq, -1
%endif

%if PAGED
case fault_keeps_all, \
	"an ADD that may not write its operand faults with the flags and the operand as before"
	ref	"SDM 3 6.5", "SDM 3 4.7", "APM 2 8.1.1", "APM 2 8.2.15"
	pte	PAGES, clear=PTE_W
	given	set=CF | OF
	emulate	add [PAGES], eax
	expect	exception, vector=VEC_PF, error=PF_P | PF_W, cr2=PAGES, rip=EMULATED
	emulate	adc byte [PAGES + 0xfff], 0
	expect	exception, vector=VEC_PF, error=PF_P | PF_W, cr2=PAGES + 0xfff, rip=EMULATED
	emulate	cmp [PAGES], al
	checkpoint status=AF | SF
%endif

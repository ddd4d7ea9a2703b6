; SPDX-License-Identifier: GPL-2.0-only
; Multiplication and division.
;
; MUL and IMUL leave SF, ZF, AF and PF undefined, DIV and IDIV all six.
%include "microguest.inc"
modes real16, prot16, prot32, compat32, long64
%include "emulate.inc"

%define MUL_UNDEFINED SF | ZF | AF | PF

case mul, "MUL sets CF and OF exactly when the upper half is not 0"
	ref	"SDM 2 MUL", "APM 3 MUL"
	any_ring
	operand	dq, 0x10, 0x0f, 0x8000, 0x80000000, 0x8000000000000000
	given	rax=0x11111111
	emulate	mul byte [OPERAND]
	checkpoint status=CF | OF, undefined=MUL_UNDEFINED, rax=0x11110110
	emulate	mul byte [OPERAND + 8]
	checkpoint status=0, undefined=MUL_UNDEFINED, rax=0x111100f0
	emulate	mul word [OPERAND + 16]
	checkpoint status=CF | OF, undefined=MUL_UNDEFINED, rax=0x11110000, rdx=LOW16(RDX, 0x78)
	mov	eax, 5
	emulate	mul dword [OPERAND + 24]
	checkpoint status=CF | OF, undefined=MUL_UNDEFINED, rax=0x80000000, rdx=2
	emulate	mul dword [OPERAND]
	checkpoint status=CF | OF, undefined=MUL_UNDEFINED, rax=0, rdx=8
	emulate	mul dword [OPERAND]
	checkpoint status=0, undefined=MUL_UNDEFINED, rdx=0
%if BITS == 64
	mov	rax, 6
	emulate	mul qword [OPERAND + 32]
	checkpoint status=CF | OF, undefined=MUL_UNDEFINED, rax=0, rdx=3
%endif

case imul_one, "IMUL with one operand sets CF and OF when the lower half does not hold the product"
	ref	"SDM 2 IMUL", "APM 3 IMUL"
	any_ring
	operand	dq, 0x80, 0xff, 0xfffe, 0xfffffff0, -2
	given	rax=0xff
	emulate	imul byte [OPERAND]
	checkpoint status=CF | OF, undefined=MUL_UNDEFINED, rax=0x80
	emulate	imul byte [OPERAND + 8]
	checkpoint status=CF | OF, undefined=MUL_UNDEFINED, rax=0x80
	emulate	imul word [OPERAND + 16]
	checkpoint status=0, undefined=MUL_UNDEFINED, rax=0xff00, rdx=LOW16(RDX, 0xffff)
	emulate	imul dword [OPERAND + 24]
	checkpoint status=0, undefined=MUL_UNDEFINED, rax=0xfff01000, rdx=0xffffffff
%if BITS == 64
	mov	eax, 3
	emulate	imul qword [OPERAND + 32]
	checkpoint status=0, undefined=MUL_UNDEFINED, rax=-6, rdx=-1
%endif

case imul_more, \
	"IMUL with two and three operands keeps the lower half; immediates are sign-extended"
	ref	"SDM 2 IMUL", "APM 3 IMUL"
	any_ring
	operand	dq, 0x10, 0x7fff, 0x10000000, 0x100000000
	emulate	imul ecx, [OPERAND]
	checkpoint status=CF | OF, undefined=MUL_UNDEFINED, rcx=0x33333330
	emulate	imul dx, [OPERAND + 8], byte -1
	checkpoint status=0, undefined=MUL_UNDEFINED, rdx=LOW16(RDX, 0x8001)
	emulate	imul ebx, [OPERAND + 16], 0x7f
	checkpoint status=CF | OF, undefined=MUL_UNDEFINED, rbx=0xf0000000
	emulate	imul esi, [OPERAND + 8], -0x10000
	checkpoint status=0, undefined=MUL_UNDEFINED, rsi=0x80010000
	emulate	imul di, [OPERAND], 0x7ff
	checkpoint status=0, undefined=MUL_UNDEFINED, rdi=LOW16(RDI, 0x7ff0)
%if BITS == 64
	emulate	imul r8, [OPERAND + 24], -0x80000000
	checkpoint status=0, undefined=MUL_UNDEFINED, r8=0x8000000000000000
	emulate	imul r8, [OPERAND + 24]
	checkpoint status=CF | OF, undefined=MUL_UNDEFINED, r8=0
%endif

case div, "DIV: quotient and remainder of every width"
	ref	"SDM 2 DIV", "APM 3 DIV"
	any_ring
	operand	dq, 0x10, 0x1001, 0x10000001, 0x1000000000000001
	given	rax=0xffff0ffe, rdx=0x44440007
	emulate	div byte [OPERAND]
	checkpoint undefined=STATUS_FLAGS, rax=0xffff0eff
	emulate	div word [OPERAND + 8]
	checkpoint undefined=STATUS_FLAGS, rax=0xffff0070, rdx=0x44440e8f
	mov	edx, 0x00ffffff
	emulate	div dword [OPERAND + 16]
	checkpoint undefined=STATUS_FLAGS, rax=0xffffffe, rdx=0xfff0072
%if BITS == 64
	emulate	div qword [OPERAND + 24]
	checkpoint undefined=STATUS_FLAGS, rax=0xfff0071f, rdx=0xfffffff100ff8df
%endif

case idiv, "IDIV truncates toward 0 and the remainder has the dividend's sign"
	ref	"SDM 2 IDIV", "APM 3 IDIV"
	any_ring
	operand	dq, 0xfd, 0x0007, 0xffffffff, -3
	given	rax=7, rdx=0
	emulate	idiv byte [OPERAND]
	checkpoint undefined=STATUS_FLAGS, rax=0x01fe
	mov	eax, -100
	mov	edx, -1
	emulate	idiv word [OPERAND + 8]
	checkpoint undefined=STATUS_FLAGS, rax=0xfffffff2, rdx=0xfffffffe
	mov	edx, -1
	mov	eax, 0x80000001
	emulate	idiv dword [OPERAND + 16]
	checkpoint undefined=STATUS_FLAGS, rax=0x7fffffff, rdx=0
%if BITS == 64
	mov	rax, -11
	mov	rdx, -1
	emulate	idiv qword [OPERAND + 24]
	checkpoint undefined=STATUS_FLAGS, rax=3, rdx=-2
%endif

case idiv_lowest, "IDIV gives the lowest quotients without a fault"
	ref	"SDM 2 IDIV", "APM 3 IDIV"
	any_ring
	operand	dq, 1, 0xffff, 2
	given	rax=-0x80 & 0xffff, rdx=0
	emulate	idiv byte [OPERAND]
	checkpoint undefined=STATUS_FLAGS, rax=0x0080
	mov	eax, 0x8000
	emulate	idiv word [OPERAND + 8]
	checkpoint undefined=STATUS_FLAGS, rax=0x8000
	mov	edx, -1
	mov	eax, 0
	emulate	idiv dword [OPERAND + 16]
	checkpoint undefined=STATUS_FLAGS, rax=0x80000000, rdx=0

case divide_by_zero, "division by 0 faults at the instruction, with no register changed"
	ref	"SDM 3 6.15", "SDM 2 DIV", "SDM 2 IDIV", "APM 2 8.2.1"
	any_ring
	operand	dq, 0
	given	set=CF | SF
	emulate	div byte [OPERAND]
	expect	exception, vector=VEC_DE, rip=EMULATED
	emulate	idiv word [OPERAND]
	expect	exception, vector=VEC_DE, rip=EMULATED
	emulate	div dword [OPERAND]
	expect	exception, vector=VEC_DE, rip=EMULATED
%if BITS == 64
	emulate	idiv qword [OPERAND]
	expect	exception, vector=VEC_DE, rip=EMULATED
%endif

case quotient_too_large, \
	"a quotient that does not fit faults: DIV from 2 to the width, IDIV from half of that"
	ref	"SDM 3 6.15", "SDM 2 DIV", "SDM 2 IDIV", "APM 2 8.2.1"
	any_ring
	operand	dq, 0x10, 0x10, 0xffffffff, -1
	given	rax=0x1000, rdx=0x10
	emulate	div byte [OPERAND]
	expect	exception, vector=VEC_DE, rip=EMULATED
	emulate	div word [OPERAND + 8]
	expect	exception, vector=VEC_DE, rip=EMULATED
	mov	eax, 0x80000000
	mov	edx, -1
	emulate	idiv dword [OPERAND + 16]
	expect	exception, vector=VEC_DE, rip=EMULATED, rax=0x80000000, rdx=0xffffffff
	mov	eax, 0x0800
	emulate	idiv byte [OPERAND]
	expect	exception, vector=VEC_DE, rip=EMULATED, rax=0x0800
%if BITS == 64
	mov	rax, 0x8000000000000000
	mov	rdx, -1
	emulate	idiv qword [OPERAND + 24]
	expect	exception, vector=VEC_DE, rip=EMULATED, rax=0x8000000000000000, rdx=-1
%endif

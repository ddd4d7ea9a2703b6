; SPDX-License-Identifier: GPL-2.0-only
; Shifts, rotates and double shifts: counts of 0, 1 and more, masked and beyond
; the operand's width, and which flags each leaves undefined.
%include "microguest.inc"
modes real16, prot16, prot32, compat32, long64
%include "emulate.inc"

case by_one, "a shift by one puts the bit lost into CF and the change of sign into OF"
	ref	"SDM 2 SAL/SAR/SHL/SHR", "APM 3 SAL SHL", "APM 3 SAR", "APM 3 SHR"
	any_ring
	operand	dq, 0x81, 0x4000, 0x80000001, 0x81, 1, 0xc000000000000000
	emulate	shl byte [OPERAND], 1
	checkpoint status=CF | OF, undefined=AF
	writes	OPERAND, db, 0x02
	emulate	shl word [OPERAND + 8], 1
	checkpoint status=PF | SF | OF, undefined=AF
	writes	OPERAND + 8, dw, 0x8000
	emulate	shr dword [OPERAND + 16], 1
	checkpoint status=CF | PF | OF, undefined=AF
	writes	OPERAND + 16, dd, 0x40000000
	emulate	sar byte [OPERAND + 24], 1
	checkpoint status=CF | PF | SF, undefined=AF
	writes	OPERAND + 24, db, 0xc0
	emulate	shr byte [OPERAND + 32], 1
	checkpoint status=CF | PF | ZF, undefined=AF
	writes	OPERAND + 32, db, 0
%if BITS == 64
	emulate	shl qword [OPERAND + 40], 1
	checkpoint status=CF | PF | SF, undefined=AF
	writes	OPERAND + 40, dq, 0x8000000000000000
	emulate	sar qword [OPERAND + 40], 1
	checkpoint status=PF | SF, undefined=AF
	writes	OPERAND + 40, dq, 0xc000000000000000
%endif

case by_count, "a shift by CL or by an immediate puts the last bit lost into CF"
	ref	"SDM 2 SAL/SAR/SHL/SHR", "APM 3 SAL SHL", "APM 3 SAR", "APM 3 SHR"
	any_ring
	operand	dq, 0xf1, 0x1234, 0x87654321, 3, 0x8000000000000008
	given	rcx=4
	emulate	shl byte [OPERAND], cl
	checkpoint status=CF, undefined=AF | OF
	writes	OPERAND, db, 0x10
	emulate	shr word [OPERAND + 8], cl
	checkpoint status=0, undefined=AF | OF
	writes	OPERAND + 8, dw, 0x0123
	emulate	sar dword [OPERAND + 16], cl
	checkpoint status=SF, undefined=AF | OF
	writes	OPERAND + 16, dd, 0xf8765432
	emulate	shl dword [OPERAND + 24], 31
	checkpoint status=CF | PF | SF, undefined=AF | OF
	writes	OPERAND + 24, dd, 0x80000000
	emulate	shr edx, 6
	checkpoint status=PF, undefined=AF | OF, rdx=0x01111111
	emulate	sar bh, 2
	checkpoint status=CF, undefined=AF | OF, rbx=HIGH8(RBX, 0x08)
%if BITS == 64
	emulate	sar qword [OPERAND + 32], cl
	checkpoint status=CF | PF | SF, undefined=AF | OF
	writes	OPERAND + 32, dq, 0xf800000000000000
%endif

case count_zero, "a count of 0, before or after it is masked, changes neither operand nor flags"
	ref	"SDM 2 SAL/SAR/SHL/SHR", "SDM 2 RCL/RCR/ROL/ROR", "SDM 2 SHLD", \
		"APM 3 SAL SHL", "APM 3 ROL"
	any_ring
	operand	dq, 0x81, 0x8001, 0x80000001
	given	set=STATUS_FLAGS, rcx=0xe0
	emulate	shl byte [OPERAND], cl
	checkpoint
	emulate	sar word [OPERAND + 8], 32
	checkpoint
	emulate	shr dword [OPERAND + 16], 0
	checkpoint
	emulate	rol byte [OPERAND], 0
	checkpoint
	emulate	rcr word [OPERAND + 8], cl
	checkpoint
	emulate	rcl dword [OPERAND + 16], 32
	checkpoint
	emulate	ror dl, cl
	checkpoint
	emulate	shld [OPERAND + 16], eax, cl
	checkpoint
	emulate	shrd [OPERAND + 8], bx, 32
	checkpoint
%if BITS == 64
	emulate	shr edx, cl			; the result still is one of 32 bits
	checkpoint rdx=0x44444444
	emulate	shl qword [OPERAND + 16], 64
	checkpoint
	emulate	rcr rbx, 0xc0
	checkpoint
%endif

case count_masked, "counts are taken modulo 32, and modulo 64 for operands of 64 bits"
	ref	"SDM 2 SAL/SAR/SHL/SHR", "APM 3 SAL SHL", "APM 3 SHR"
	any_ring
	operand	dq, 0x40000001, 0xc0, 0x4000000000000001
	given	rcx=0x21
	emulate	shl dword [OPERAND], cl
	checkpoint status=SF | OF, undefined=AF
	writes	OPERAND, dd, 0x80000002
	emulate	shr byte [OPERAND + 8], 0x63
	checkpoint status=PF, undefined=AF | OF
	writes	OPERAND + 8, db, 0x18
%if BITS == 64
	emulate	shl qword [OPERAND + 16], 0x41
	checkpoint status=SF | OF, undefined=AF
	writes	OPERAND + 16, dq, 0x8000000000000002
	emulate	shl rdx, cl
	checkpoint status=PF | SF, undefined=AF | OF, rdx=0x8888888800000000
%endif

case beyond_width, \
	"bytes and words shifted by more than their width leave 0, or their sign under SAR"
	ref	"SDM 2 SAL/SAR/SHL/SHR", "APM 3 SAL SHL", "APM 3 SAR", "APM 3 SHR"
	any_ring
	operand	dq, 0xff, 0xffff, 0x80, 0x4000
	given	rcx=31
	emulate	shl byte [OPERAND], 9
	checkpoint status=PF | ZF, undefined=CF | AF | OF
	writes	OPERAND, db, 0
	emulate	shr word [OPERAND + 8], cl
	checkpoint status=PF | ZF, undefined=CF | AF | OF
	writes	OPERAND + 8, dw, 0
	emulate	sar byte [OPERAND + 16], cl
	checkpoint status=CF | PF | SF, undefined=AF | OF
	writes	OPERAND + 16, db, 0xff
	emulate	sar word [OPERAND + 24], 17
	checkpoint status=PF | ZF, undefined=AF | OF
	writes	OPERAND + 24, dw, 0

case rotate_by_one, "rotates change CF and OF only"
	ref	"SDM 2 RCL/RCR/ROL/ROR", "APM 3 ROL", "APM 3 ROR", "APM 3 RCL", "APM 3 RCR"
	any_ring
	operand	dq, 0x80, 0x0001, 0x40000000, 0x01, 1
	given	set=PF | AF | ZF | SF
	emulate	rol byte [OPERAND], 1
	checkpoint status=CF | PF | AF | ZF | SF | OF
	writes	OPERAND, db, 0x01
	emulate	rcl dword [OPERAND + 16], 1
	checkpoint status=PF | AF | ZF | SF | OF
	writes	OPERAND + 16, dd, 0x80000001
	emulate	rcr byte [OPERAND + 24], 1
	checkpoint status=CF | PF | AF | ZF | SF
	writes	OPERAND + 24, db, 0
	emulate	rcr byte [OPERAND + 24], 1
	checkpoint status=PF | AF | ZF | SF | OF
	writes	OPERAND + 24, db, 0x80
	emulate	ror word [OPERAND + 8], 1
	checkpoint status=CF | PF | AF | ZF | SF | OF
	writes	OPERAND + 8, dw, 0x8000
%if BITS == 64
	emulate	rcr qword [OPERAND + 32], 1
	checkpoint status=CF | PF | AF | ZF | SF | OF
	writes	OPERAND + 32, dq, 0x8000000000000000
%endif

case rotate_by_count, "rotates by several: RCL and RCR go through CF"
	ref	"SDM 2 RCL/RCR/ROL/ROR", "APM 3 ROL", "APM 3 ROR", "APM 3 RCL", "APM 3 RCR"
	any_ring
	operand	dq, 0x1234, 0x12345678, 0xa5, 0x8001, 0x0123456789abcdef
	given	rcx=4
	emulate	rol word [OPERAND], cl
	checkpoint status=CF, undefined=OF
	writes	OPERAND, dw, 0x2341
	emulate	ror dword [OPERAND + 8], 8
	checkpoint status=0, undefined=OF
	writes	OPERAND + 8, dd, 0x78123456
	emulate	rcl byte [OPERAND + 16], cl
	checkpoint status=0, undefined=OF
	writes	OPERAND + 16, db, 0x55
	stc
	emulate	rcr word [OPERAND + 24], 4
	checkpoint status=0, undefined=OF
	writes	OPERAND + 24, dw, 0x3800
	stc
	emulate	rcl eax, 31
	checkpoint status=0, undefined=OF, rax=0xc4444444
%if BITS == 64
	emulate	rol qword [OPERAND + 32], 36
	checkpoint status=0, undefined=OF
	writes	OPERAND + 32, dq, 0x9abcdef012345678
	stc
	emulate	rcr qword [OPERAND + 32], 33
	checkpoint status=0, undefined=OF
	writes	OPERAND + 32, dq, 0x12345678cd5e6f78
%endif

case rotate_full_turn, \
	"a full turn leaves the operand, yet ROL and ROR set CF; RCL's and RCR's is one longer"
	ref	"SDM 2 RCL/RCR/ROL/ROR", "APM 3 ROL", "APM 3 ROR", "APM 3 RCL", "APM 3 RCR"
	any_ring
	operand	dq, 0x01, 0x8000, 0x5a, 0x5a5a
	given	rcx=9
	emulate	rol byte [OPERAND], 8
	checkpoint status=CF, undefined=OF
	clc
	emulate	ror word [OPERAND + 8], 16
	checkpoint status=CF, undefined=OF
	emulate	rcl byte [OPERAND + 16], cl
	checkpoint status=CF, undefined=OF
	emulate	rcr byte [OPERAND + 16], 27
	checkpoint status=CF, undefined=OF
	emulate	rcr word [OPERAND + 24], 17
	checkpoint status=CF, undefined=OF
	emulate	ror byte [OPERAND], 16
	checkpoint status=0, undefined=OF

case double_shift, "SHLD and SHRD fill from the register"
	ref	"SDM 2 SHLD", "SDM 2 SHRD", "APM 3 SHLD", "APM 3 SHRD"
	any_ring
	operand	dq, 0x12345678, 0x4000, 0x0001, 0x0123456789abcdef
	given	rcx=0x24
	emulate	shld [OPERAND], ebx, 8
	checkpoint status=PF, undefined=AF | OF
	writes	OPERAND, dd, 0x34567822
	emulate	shrd [OPERAND], edx, cl
	checkpoint status=PF, undefined=AF | OF
	writes	OPERAND, dd, 0x43456782
	emulate	shld [OPERAND + 8], bx, 1
	checkpoint status=PF | SF | OF, undefined=AF
	writes	OPERAND + 8, dw, 0x8000
	emulate	shrd [OPERAND + 16], ax, 1
	checkpoint status=CF | PF | SF | OF, undefined=AF
	writes	OPERAND + 16, dw, 0x8000
	emulate	shld edx, esi, 12
	checkpoint status=PF, undefined=AF | OF, rdx=0x44444555
%if BITS == 64
	emulate	shld [OPERAND + 24], rbx, cl
	checkpoint status=PF | SF, undefined=AF | OF
	writes	OPERAND + 24, dq, 0x9abcdef222222222
	emulate	shrd [OPERAND + 24], rax, 60
	checkpoint status=CF, undefined=AF | OF
	writes	OPERAND + 24, dq, 0x1111111111111119
%endif

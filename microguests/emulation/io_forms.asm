; SPDX-License-Identifier: GPL-2.0-only
; IN, OUT, INS and OUTS in their encodings, as the hypervisor has them when it interprets them
; itself: told to, and OUTS with memory in MMIO space. The suite io/ has all else of them.
%include "microguest.inc"
modes real16, prot32, long64
%include "emulate.inc"
%include "forms.inc"

%define PORT 0x20
%define IN8 0x5a
%define IN16 0xb1c2
%define IN32 0x89abcdef

; ---- IN, OUT --------------------------------------------------------------------------------------

; ports BITS, RAX AFTER IN: REX.W changes nothing.
%macro ports 2.nolist
	%if %1 == 8
	%assign wide 0
	%else
	%assign wide 1
	%endif
	mov	eax, AROUND
	emulate	db PREFIX 0xe4 | wide, PORT
	expect	io_in, port=PORT, size=%1 / 8, data=IN%1, rax=%2
	expect_hw io
	checkpoint
	mov	eax, AROUND
	emulate	db PREFIX 0xec | wide
	expect	io_in, port=PORT, size=%1 / 8, data=IN%1, rax=%2
	expect_hw io
	checkpoint
	emulate	db PREFIX 0xe6 | wide, PORT
	expect	io_out, port=PORT, size=%1 / 8, data=IN%1
	expect_hw io
	checkpoint
	emulate	db PREFIX 0xee | wide
	expect	io_out, port=PORT, size=%1 / 8, data=IN%1
	expect_hw io
	checkpoint
%endmacro

case in_out, "IN and OUT with every operand size, the port in DX and in the instruction"
	ref	"SDM 2 IN", "SDM 2 OUT", "APM 3 IN", "APM 3 OUT"
	given	rdx=PORT
	size_prefix 8
	ports	8, (AROUND & ~0xff) | IN8
	size_prefix 16
	ports	16, (AROUND & ~0xffff) | IN16
	size_prefix 32
	ports	32, IN32
%if BITS == 64
	size_prefix 64
	ports	32, IN32
%endif

; ---- INS, OUTS ------------------------------------------------------------------------------------

; strings BITS, OPCODE OF OUTS: one item, and two with each repeat prefix (APM 3 1.2.6).
%macro strings 2.nolist
	mov	esi, OPERAND
	emulate	db PREFIX %2
	expect	io_out, port=PORT, size=%1 / 8, data=A%1, rsi=OPERAND + %1 / 8
	checkpoint
	outs_repeated %1, %2, 0xf3
	outs_repeated %1, %2, 0xf2
	mov	edi, SCRATCH
	emulate	db PREFIX %2 & ~2
	expect	io_in, port=PORT, size=%1 / 8, data=IN%1, rdi=SCRATCH + %1 / 8
	writes	SCRATCH, DATA%1, IN%1
	checkpoint
	ins_repeated %1, %2 & ~2, 0xf3, SCRATCH + 8
	ins_repeated %1, %2 & ~2, 0xf2, SCRATCH + 24
%endmacro
%macro outs_repeated 3.nolist
	mov	esi, OPERAND
	mov	ecx, 2
	emulate	db %3, PREFIX %2
	expect	io_out, port=PORT, size=%1 / 8, count=2, bytes=BYTES%1, rsi=OPERAND + %1 / 4, rcx=0
	checkpoint
%endmacro
%macro ins_repeated 4.nolist
	mov	edi, %4
	mov	ecx, 2
	emulate	db %3, PREFIX %2
	expect	io_in, port=PORT, size=%1 / 8, count=2, bytes=BYTES%1, rdi=%4 + %1 / 4, rcx=0
	writes	%4, db, BYTES%1
	checkpoint
%endmacro
%define BYTES8 A8, B8
%define BYTES16 A16 & 0xff, A16 >> 8, B16 & 0xff, B16 >> 8
%define BYTES32 A32 & 0xff, A32 >> 8 & 0xff, A32 >> 16 & 0xff, A32 >> 24, \
		B32 & 0xff, B32 >> 8 & 0xff, B32 >> 16 & 0xff, B32 >> 24

%macro string_case 2.nolist
	%defstr TEXT INS and OUTS of %1 bits, alone and repeated
case strings_%1, TEXT
	ref	"SDM 2 INS", "SDM 2 OUTS", "APM 3 INS", "APM 3 OUTS", "APM 3 1.2.6"
	given	rdx=PORT
	operand	DATA%1, A%1, B%1
	size_prefix %1
	strings	%1, %2
%endmacro
	string_case 8, 0x6e
	string_case 16, 0x6f
	string_case 32, 0x6f

%if BITS == 64
case strings_rex, "INS and OUTS with REX.W have items of 32 bits"
	ref	"SDM 2 INS", "SDM 2 OUTS", "APM 3 INS", "APM 3 OUTS"
	given	rdx=PORT
	operand	dd, A32, B32
	size_prefix 64
	strings	32, 0x6f
%endif

; SPDX-License-Identifier: GPL-2.0-only
; Far JMP, CALL and RET that succeed: to code of the same and of another size, to
; conforming code, and to an outer privilege level.
%include "microguest.inc"
modes real16, prot16, prot32, paged32, pae32, compat32, long64, vm86

; The other code segment: in real mode it begins 1000h bytes above this one.
%if REAL
	%define OTHER 0x100
	%define OTHER_BASE 0x1000
	%define OWN_CS 0
%else
	%define OTHER SEL_FREE
	%define OTHER_BASE 0
	%define OWN_CS SEL_CODE
%endif
%define IN_OTHER(label) (label - OTHER_BASE)

; Far pointers and frames of the default operand size, which is 32 bits in 64-bit mode.
%if BITS == 16
	%define FAR word
	%define FAR_BYTES 2
	%define LIMIT 0xffff
	%define AR_OWN AR_CODE16
	%define POINTER(offset, selector) offset, selector
	%define FRAME(offset, selector) offset, selector
	%define FAR_OTHER_SIZE dword
	%define POINTER_OTHER_SIZE(offset, selector) offset, 0, selector
%else
	%define FAR dword
	%define FAR_BYTES 4
	%define LIMIT 0xffffffff
	%define POINTER(offset, selector) offset, 0, selector
	%define FRAME(offset, selector) offset, 0, selector, 0
	%define FAR_OTHER_SIZE word
	%define POINTER_OTHER_SIZE(offset, selector) offset, selector
	%if BITS == 64
		%define AR_OWN AR_CODE64
	%else
		%define AR_OWN AR_CODE32
	%endif
%endif

; A code segment of the mode's own size at OTHER.
%macro other_code 0-1.nolist AR_OWN
	%if !REAL
		descriptor SEL_FREE, base=0, limit=LIMIT, ar=%1
	%endif
%endmacro

; frame OFFSET, SELECTOR: what a far RET finds on the stack, 40h below its top.
%define FRAME_AT (STACK_TOP - 0x40)
%macro frame 2.nolist
	given	rsp=FRAME_AT
	memory	FRAME_AT, dw, FRAME(%1, %2)
%endmacro

%if BITS != 64
case jmp_direct, "JMP ptr16:16 or ptr16:32 loads CS and IP"
	ref	"SDM 2 JMP", "APM 3 JMP (Far)"
	other_code
	emulate	jmp OTHER:IN_OTHER(.there)
	ud2
.there:	checkpoint cs=OTHER, rip=IN_OTHER(.end)
.end:

case call_direct, "CALL ptr16:16 or ptr16:32 pushes CS and the offset behind it, then jumps"
	ref	"SDM 2 CALL", "APM 3 CALL (Far)"
	other_code
	emulate	call OTHER:IN_OTHER(.there)
.back:	ud2
.there:	checkpoint cs=OTHER, rip=IN_OTHER(.end), rsp=STACK_TOP-2*FAR_BYTES
.end:	writes	STACK_TOP-2*FAR_BYTES, dw, FRAME(.back, OWN_CS)
%endif

case jmp_indirect, "JMP m16:16 or m16:32 takes the offset first, then the selector"
	ref	"SDM 2 JMP", "APM 3 JMP (Far)"
	other_code
	operand	dw, POINTER(IN_OTHER(.there), OTHER)
	emulate	jmp FAR far [OPERAND]
	ud2
.there:	checkpoint cs=OTHER, rip=IN_OTHER(.end)
.end:

case jmp_other_size, "an operand-size prefix makes JMP far take an offset of the other size"
	ref	"SDM 2 JMP", "APM 3 JMP (Far)"
	other_code
	operand	dw, POINTER_OTHER_SIZE(IN_OTHER(.there), OTHER)
	emulate	jmp FAR_OTHER_SIZE far [OPERAND]
	ud2
.there:	checkpoint cs=OTHER, rip=IN_OTHER(.end)
.end:

case call_indirect, "CALL m16:16 or m16:32 pushes CS and the offset behind it, then jumps"
	ref	"SDM 2 CALL", "APM 3 CALL (Far)"
	other_code
	operand	dw, POINTER(IN_OTHER(.there), OTHER)
	emulate	call FAR far [OPERAND]
.back:	ud2
.there:	checkpoint cs=OTHER, rip=IN_OTHER(.end), rsp=STACK_TOP-2*FAR_BYTES
.end:	writes	STACK_TOP-2*FAR_BYTES, dw, FRAME(.back, OWN_CS)

case retf, "far RET takes IP and CS from the stack"
	ref	"SDM 2 RET", "APM 3 RET (Far)"
	other_code
	frame	IN_OTHER(.there), OTHER
	emulate	retf
	ud2
.there:	checkpoint cs=OTHER, rip=IN_OTHER(.end), rsp=FRAME_AT+2*FAR_BYTES
.end:

case retf_imm, "far RET imm16 drops that many bytes after the return address"
	ref	"SDM 2 RET", "APM 3 RET (Far)"
	other_code
	frame	IN_OTHER(.there), OTHER
	emulate	retf 0x12
	ud2
.there:	checkpoint cs=OTHER, rip=IN_OTHER(.end), rsp=FRAME_AT+2*FAR_BYTES+0x12
.end:

%if BITS == 64
case retf_64, "far RET with REX.W takes 64 bits each for RIP and CS"
	ref	"SDM 2 RET", "APM 3 RET (Far)"
	other_code
	given	rsp=FRAME_AT
	memory	FRAME_AT, dq, .there, SEL_FREE
	emulate	o64 retf
	ud2
.there:	checkpoint cs=SEL_FREE, rsp=FRAME_AT+16

case jmp_m16_64, "JMP with REX.W takes a 64-bit offset on Intel's processors"
	ref	"SDM 2 JMP"
	need	intel
	other_code
	operand	dw, .there, 0, 0, 0, SEL_FREE
	emulate	jmp qword far [OPERAND]
	ud2
.there:	checkpoint cs=SEL_FREE

case call_m16_64, "CALL with REX.W takes a 64-bit offset and pushes 64 bits each on Intel's processors"
	ref	"SDM 2 CALL"
	need	intel
	other_code
	operand	dw, .there, 0, 0, 0, SEL_FREE
	emulate	call qword far [OPERAND]
.back:	ud2
.there:	checkpoint cs=SEL_FREE, rsp=STACK_TOP-16
	writes	STACK_TOP-16, dq, .back, SEL_CODE
%endif

%if !REAL
case jmp_accessed, "loading CS sets the accessed bit in the descriptor"
	ref	"SDM 3 3.4.5.1", "APM 2 4.7.1"
	other_code AR_OWN & ~1
	operand	dw, POINTER(.there, OTHER)
	emulate	jmp FAR far [OPERAND]
	ud2
.there:	checkpoint cs=OTHER
	writes	GDT+SEL_FREE+5, db, AR_OWN & 0xff

case jmp_ldt, "a selector with TI set takes the descriptor from the LDT"
	ref	"SDM 3 3.4.2", "APM 2 4.5.1"
	descriptor 0x0c, base=0, limit=LIMIT, ar=AR_OWN
	operand	dw, POINTER(.there, 0x0c)
	emulate	jmp FAR far [OPERAND]
	ud2
.there:	checkpoint cs=0x0c

case jmp_conforming_same, "JMP to conforming code of the same privilege level"
	ref	"SDM 3 5.8.1.2", "APM 2 4.11.1"
	operand	dw, POINTER(.there, SEL_CONFORMING | 3)
	emulate	jmp FAR far [OPERAND]
	ud2
.there:	checkpoint cs=SEL_CONFORMING

case jmp_conforming_inner, "JMP to conforming code of an inner level keeps CPL 3, which replaces the RPL"
	ref	"SDM 3 5.8.1.2", "APM 2 4.11.1"
	ring3
	operand	dw, POINTER(.there, SEL_CONFORMING)
	emulate	jmp FAR far [OPERAND]
	ud2
.there:	checkpoint cs=SEL_CONFORMING | 3

case call_own_ring, "far CALL at CPL 3 by a selector with RPL 0 keeps CPL 3 and pushes CS with its RPL"
	ref	"SDM 3 5.8.1.1", "APM 2 4.11.1"
	ring3
	operand	dw, POINTER(.there, SEL_UCODE & ~3)
	emulate	call FAR far [OPERAND]
.back:	ud2
.there:	checkpoint rsp=STACK_TOP-2*FAR_BYTES
	writes	STACK_TOP-2*FAR_BYTES, dw, FRAME(.back, SEL_UCODE)

; The stack of the outer level.
%define OUTER_SP (SCRATCH + 0x800)

; outer_frame DROP: IP, CS, DROP bytes of parameters, SP and SS for CPL 3, whose
; pages must be the user's.
%macro outer_frame 2.nolist
	frame	%1, SEL_UCODE
	memory	FRAME_AT+2*FAR_BYTES+%2, dw, FRAME(OUTER_SP, SEL_UDATA)
	%if PAGED
		pte	%1, set=PTE_U
	%endif
%endmacro

case retf_outer, "far RET to CPL 3 takes SS and SP too and nulls the data segments it may not keep"
	ref	"SDM 3 5.8.6", "SDM 2 RET", "APM 3 RET (Far)", "APM 2 4.11.3"
	outer_frame .there, 0
	emulate	retf
	ud2
.there:	checkpoint cs=SEL_UCODE, ss=SEL_UDATA, rsp=OUTER_SP, ds=0, es=0, fs=0, gs=0

case retf_imm_outer, "far RET imm16 to CPL 3 drops its bytes from both stacks"
	ref	"SDM 3 5.8.6", "SDM 2 RET", "APM 3 RET (Far)"
	outer_frame .there, 8
	emulate	retf 8
	ud2
.there:	checkpoint cs=SEL_UCODE, ss=SEL_UDATA, rsp=OUTER_SP+8, ds=0, es=0, fs=0, gs=0

case retf_outer_keeps, "far RET to CPL 3 keeps data segments whose DPL is 3 and conforming code"
	ref	"SDM 3 5.8.6", "SDM 2 RET", "APM 3 RET (Far)", "APM 2 4.11.3"
	outer_frame .there, 0
	given	ds=SEL_UDATA, fs=SEL_CONFORMING
	emulate	retf
	ud2
.there:	checkpoint cs=SEL_UCODE, ss=SEL_UDATA, rsp=OUTER_SP, es=0, gs=0
%endif

; Code of another size, whose checkpoint assembles the same. A pointer of the
; mode's own size reaches all of it, as all code is below 64 KiB.
%macro other_size 2.nolist
case jmp_to_code%1, %2
	ref	"SDM 3 5.2.1", "APM 2 4.8.1"
	operand	dw, POINTER(.there, SEL_CODE%1)
	emulate	jmp FAR far [OPERAND]
	ud2
.there:	checkpoint cs=SEL_CODE%1

case retf_to_code%1, %2
	ref	"SDM 3 5.2.1", "APM 2 4.8.1"
	frame	.there, SEL_CODE%1
	emulate	retf
	ud2
.there:	checkpoint cs=SEL_CODE%1, rsp=FRAME_AT+2*FAR_BYTES
%endmacro

%if !REAL
	%if BITS != 16
		other_size 16, "16-bit code is entered by CS.D = 0"
	%endif
	%if BITS != 32
		other_size 32, "32-bit code is entered by CS.D = 1, in long mode too"
	%endif
	%if LONG && BITS != 64
		other_size 64, "64-bit mode is entered from compatibility mode by CS.L = 1"
	%endif
%endif

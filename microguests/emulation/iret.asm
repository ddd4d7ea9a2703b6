; SPDX-License-Identifier: GPL-2.0-only
; IRET of every size: what it takes from the stack, which flags it may change, to
; which levels and modes it returns, and what it refuses.
%include "microguest.inc"
modes real16, prot16, prot32, paged32, compat32, long64, vm86

%define FRAME_AT (STACK_TOP - 0x40)
%define OUTER_SP (SCRATCH + 0x800)
%define FLAGS_LOW (STATUS_FLAGS | DF | IF | IOPL_3 | 2)
%define FLAGS_HIGH (AC | ID)

%if BITS == 64
	%define IRET iretq
	%define ITEM 8
	%define d_item dq
	%define FRAME_ITEMS 5
	%define FLAGS_IN (FLAGS_LOW | FLAGS_HIGH)
%elif BITS == 32
	%define IRET iretd
	%define ITEM 4
	%define d_item dd
	%define FRAME_ITEMS 3
	%define FLAGS_IN (FLAGS_LOW | FLAGS_HIGH)
%else
	%define IRET iretw
	%define ITEM 2
	%define d_item dw
	%define FRAME_ITEMS 3
	%define FLAGS_IN FLAGS_LOW
%endif
%if BITS == 16
	%define LIMIT 0xffff
%else
	%define LIMIT 0xffffffff
%endif

; frame IP, CS, FLAGS: for a return to the same level, which changes no stack. In
; 64-bit mode SS and RSP are taken always.
%macro frame 3.nolist
	given	rsp=FRAME_AT
	%if BITS == 64
		memory FRAME_AT, dq, %1, %2, %3, FRAME_AT+FRAME_ITEMS*ITEM, SAME_SS
	%else
		memory FRAME_AT, d_item, %1, %2, %3
	%endif
%endmacro
%define SAME_SS SEL_DATA
%define SAME_SP (FRAME_AT + FRAME_ITEMS * ITEM)

%if MODE_NUMBER == MODE_REAL16
case same, "IRET in real mode loads IP, CS and all of FLAGS; the high half of EFLAGS stays"
	ref	"SDM 2 IRET", "APM 3 IRET", "SDM 3 2.3"
	frame	.there - 0x1000, 0x100, FLAGS_LOW | NT
	given	rflags=FLAGS_HIGH | 2
	emulate	iretw
	ud2
.there:	checkpoint cs=0x100, rip=.end-0x1000, rflags=FLAGS_LOW | NT | FLAGS_HIGH, rsp=SAME_SP
.end:

case same_32, "IRETD in real mode loads ID and AC too, but not VM, VIF and VIP"
	ref	"SDM 2 IRET", "APM 3 IRET"
	given	rsp=FRAME_AT
	memory	FRAME_AT, dd, .there - 0x1000, 0x100, FLAGS_LOW | FLAGS_HIGH | VM | VIF | VIP
	emulate	iretd
	ud2
.there:	checkpoint cs=0x100, rip=.end-0x1000, rflags=FLAGS_LOW | FLAGS_HIGH, rsp=FRAME_AT+12
.end:

case limit, "IRETD in real mode to an offset above ffffh is #GP"
	ref	"SDM 2 IRET", "APM 3 IRET"
	given	rsp=FRAME_AT
	memory	FRAME_AT, dd, 0x10000, 0, 2
	emulate	iretd
	expect	exception, vector=VEC_GP, rip=EMULATED

%elif MODE_NUMBER == MODE_VM86
case iopl_3, "IRET in virtual-8086 mode with IOPL 3 changes IF and NT but neither IOPL nor VM"
	ref	"SDM 3 20.2.7", "SDM 2 IRET", "APM 3 IRET"
	frame	.there - 0x1000, 0x100, STATUS_FLAGS | DF | IF | NT | 2
	given	rflags=VM | IOPL_3 | 2
	emulate	iretw
	ud2
.there:	checkpoint cs=0x100, rip=.end-0x1000, rflags=STATUS_FLAGS | DF | IF | NT | IOPL_3 | VM | 2, rsp=SAME_SP
.end:

case iopl_3_32, "IRETD in virtual-8086 mode with IOPL 3 cannot clear VM"
	ref	"SDM 3 20.2.7", "SDM 2 IRET", "APM 3 IRET"
	given	rsp=FRAME_AT, rflags=VM | IOPL_3 | 2
	memory	FRAME_AT, dd, .there - 0x1000, 0x100, AC | CF | 2
	emulate	iretd
	ud2
.there:	checkpoint cs=0x100, rip=.end-0x1000, rflags=VM | IOPL_3 | AC | CF | 2, rsp=FRAME_AT+12
.end:

case iopl_0, "IRET in virtual-8086 mode with IOPL below 3 is #GP(0)"
	ref	"SDM 3 20.2.7", "SDM 2 IRET", "APM 3 IRET"
	frame	.there, 0, 2
	emulate	iretw
.there:	expect	exception, vector=VEC_GP, error=0, rip=EMULATED

%else
case same, "IRET at CPL 0 to CPL 0 loads IP, CS and every flag of its size"
	ref	"SDM 2 IRET", "APM 3 IRET"
	frame	.there, SEL_CODE, FLAGS_IN
	emulate	IRET
	ud2
.there:	checkpoint rflags=FLAGS_IN, rsp=SAME_SP

case same_nt_loaded, "IRET loads NT: it counts for the next IRET only"
	ref	"SDM 2 IRET", "APM 3 IRET"
	frame	.there, SEL_CODE, NT | 2
	emulate	IRET
	ud2
.there:	checkpoint rflags=NT | 2, rsp=SAME_SP

%define SAME_SS SEL_UDATA
case same_ring3, "IRET at CPL 3 with IOPL 0 changes neither IOPL nor IF"
	ref	"SDM 2 IRET", "APM 3 IRET"
	ring3
	frame	.there, SEL_UCODE, FLAGS_IN
	emulate	IRET
	ud2
.there:	checkpoint rflags=FLAGS_IN & ~(IF | IOPL_3), rsp=SAME_SP

case same_ring3_iopl3, "IRET at CPL 3 with IOPL 3 changes IF but not IOPL"
	ref	"SDM 2 IRET", "APM 3 IRET"
	ring3
	frame	.there, SEL_UCODE, STATUS_FLAGS | IF | 2
	given	rflags=IOPL_3 | 2
	emulate	IRET
	ud2
.there:	checkpoint rflags=STATUS_FLAGS | IF | IOPL_3 | 2, rsp=SAME_SP

%if BITS == 32 && !LONG
case vm_ring3, "IRETD at CPL 3 does not load VM"
	ref	"SDM 2 IRET", "APM 3 IRET"
	ring3
	frame	.there, SEL_UCODE, VM | 2
	emulate	IRET
	ud2
.there:	checkpoint rsp=SAME_SP

case to_vm86, "IRETD at CPL 0 to VM = 1 enters virtual-8086 mode with the nine values of its frame"
	ref	"SDM 2 IRET", "APM 3 IRET", "SDM 3 20.2.1", "SDM 3 20.2.5"
	given	rsp=FRAME_AT
	memory	FRAME_AT, dd, .there - 0x1000, 0x100, VM | AC | CF | 2, 0x800, \
		SCRATCH >> 4, 0x111, 0x222, 0x333, 0x444
	%if PAGED
		pte .there, set=PTE_U
	%endif
	emulate	IRET
	ud2
.there:	checkpoint rflags=VM | AC | CF | 2, rip=.end-0x1000, cs=0x100, ss=SCRATCH >> 4, rsp=0x800, \
		es=0x111, ds=0x222, fs=0x333, gs=0x444
.end:
%endif
%define SAME_SS SEL_DATA

; outer_frame IP [, CS, SS]
%macro outer_frame 1-3.nolist SEL_UCODE, SEL_UDATA
	given	rsp=FRAME_AT
	memory	FRAME_AT, d_item, %1, %2, CF | 2, OUTER_SP, %3
	%if PAGED
		pte %1, set=PTE_U
	%endif
%endmacro

case outer, "IRET to CPL 3 takes SS and SP and nulls the data segments it may not keep"
	ref	"SDM 2 IRET", "APM 3 IRET", "APM 2 8.7.5"
	outer_frame .there
	emulate	IRET
	ud2
.there:	checkpoint cs=SEL_UCODE, ss=SEL_UDATA, rsp=OUTER_SP, rflags=CF | 2, ds=0, es=0, fs=0, gs=0

%if LONG
case to_code32_ring3, "IRET from long mode returns to 32-bit code at CPL 3"
	ref	"SDM 2 IRET", "APM 3 IRET"
	outer_frame .there, SEL_UCODE32
	emulate	IRET
	ud2
.there:	checkpoint cs=SEL_UCODE32, ss=SEL_UDATA, rsp=OUTER_SP, rflags=CF | 2, ds=0, es=0, fs=0, gs=0

case to_code64_ring3, "IRET from long mode returns to 64-bit code at CPL 3"
	ref	"SDM 2 IRET", "APM 3 IRET"
	outer_frame .there, SEL_UCODE64
	emulate	IRET
	ud2
.there:	checkpoint cs=SEL_UCODE64, ss=SEL_UDATA, rsp=OUTER_SP, rflags=CF | 2, ds=0, es=0, fs=0, gs=0

case nt, "IRET with NT set is #GP(0) in long mode, which has no task return"
	ref	"SDM 2 IRET", "APM 3 IRET", "SDM 3 7.7"
	frame	.there, SEL_CODE, 2
	given	rflags=NT | 2
	emulate	IRET
.there:	expect	exception, vector=VEC_GP, error=0, rip=EMULATED
%else
case nt_no_task, "IRET with NT set and no task to return to is #TS(0)"
	ref	"SDM 2 IRET", "SDM 3 6.15", "APM 3 IRET"
	frame	.there, SEL_CODE, 2
	given	rflags=NT | 2
	emulate	IRET
.there:	expect	exception, vector=VEC_TS, error=0, rip=EMULATED
%endif

; cs_fault NAME, TEXT, CS, VECTOR, ERROR [, AR]: AR of the descriptor SEL_FREE.
%macro cs_fault 5-6.nolist AR_CODE32 & ~AR_P
case cs_%1, %2
	ref	"SDM 2 IRET", "APM 3 IRET"
	descriptor SEL_FREE, base=0, limit=0xffff, ar=(%6) & ~AR_G
	frame	.there, %3, 2
	emulate	IRET
.there:	expect	exception, vector=%4, error=%5, rip=EMULATED
%endmacro

cs_fault null, "IRET to a null CS is #GP(0)", 0, VEC_GP, 0
cs_fault beyond, "IRET to a CS beyond the GDT is #GP(selector)", GDT_SLOTS * 8, VEC_GP, GDT_SLOTS * 8
cs_fault data, "IRET to a data segment is #GP(selector)", SEL_DATA, VEC_GP, SEL_DATA
cs_fault dpl, "IRET to code whose DPL is not the RPL is #GP(selector)", SEL_UCODE & ~3, \
	VEC_GP, SEL_UCODE & ~3
cs_fault conforming, "IRET to conforming code whose DPL is above the RPL is #GP(selector)", SEL_FREE, \
	VEC_GP, SEL_FREE, AR_CODE32 | 4 | AR_DPL3
cs_fault not_present, "IRET to code that is not present is #NP(selector)", SEL_FREE, VEC_NP, SEL_FREE

case inner, "IRET to an inner level is #GP(selector)"
	ref	"SDM 2 IRET", "APM 3 IRET"
	ring3
	frame	.there, SEL_CODE, 2
	emulate	IRET
.there:	expect	exception, vector=VEC_GP, error=SEL_CODE, rip=EMULATED

; ss_fault NAME, TEXT, SS, VECTOR, ERROR: returning to CPL 3.
%macro ss_fault 5.nolist
case ss_%1, %2
	ref	"SDM 2 IRET", "APM 3 IRET"
	descriptor SEL_FREE, base=0, limit=LIMIT, ar=(AR_DATA | AR_DPL3) & ~AR_P
	outer_frame .there, SEL_UCODE, %3
	emulate	IRET
.there:	expect	exception, vector=%4, error=%5, rip=EMULATED
%endmacro

ss_fault null, "IRET to CPL 3 with a null SS is #GP(0)", 3, VEC_GP, 0
ss_fault rpl, "IRET to CPL 3 with RPL 0 in SS is #GP(selector)", SEL_UDATA & ~3, VEC_GP, SEL_UDATA & ~3
ss_fault dpl, "IRET to CPL 3 with DPL 0 in SS is #GP(selector)", SEL_DATA | 3, VEC_GP, SEL_DATA
ss_fault code, "IRET to CPL 3 with code in SS is #GP(selector)", SEL_UCODE, VEC_GP, SEL_UCODE & ~3
ss_fault not_present, "IRET to CPL 3 with SS not present is #SS(selector)", SEL_FREE | 3, VEC_SS, SEL_FREE
%endif

%if BITS == 64
case null_ss, "IRETQ to 64-bit code at CPL 0 may load a null SS, and any RSP"
	ref	"SDM 2 IRET", "APM 3 IRET", "SDM 3 6.14.3", "APM 2 8.9.5"
	given	rsp=FRAME_AT
	memory	FRAME_AT, dq, .there, SEL_CODE, 2, 0x1234567812345678, 0
	emulate	iretq
	ud2
.there:	checkpoint ss=0, rsp=0x1234567812345678

case null_ss_compat, "IRETQ to 32-bit code with a null SS is #GP(0)"
	ref	"SDM 2 IRET", "APM 3 IRET"
	given	rsp=FRAME_AT
	memory	FRAME_AT, dq, .there, SEL_CODE32, 2, STACK_TOP, 0
	emulate	iretq
.there:	expect	exception, vector=VEC_GP, error=0, rip=EMULATED

case to_code32, "IRETQ returns to 32-bit code at CPL 0"
	ref	"SDM 2 IRET", "APM 3 IRET", "SDM 3 6.14.3", "APM 2 8.9.5"
	given	rsp=FRAME_AT
	memory	FRAME_AT, dq, .there, SEL_CODE32, 2, OUTER_SP, SEL_DATA
	emulate	iretq
	ud2
.there:	checkpoint cs=SEL_CODE32, rsp=OUTER_SP

case size_32, "IRETD in 64-bit mode takes five items of 32 bits"
	ref	"SDM 2 IRET", "APM 3 IRET", "SDM 3 6.14.3", "APM 2 8.9.5"
	given	rsp=FRAME_AT
	memory	FRAME_AT, dd, .there, SEL_CODE, CF | 2, OUTER_SP, SEL_DATA
	emulate	iretd
	ud2
.there:	checkpoint rsp=OUTER_SP, rflags=CF | 2

case non_canonical, "IRETQ to a non-canonical address is #GP(0)"
	ref	"SDM 2 IRET", "APM 3 IRET"
	given	rsp=FRAME_AT
	memory	FRAME_AT, dq, 1 << 63, SEL_CODE, 2, OUTER_SP, SEL_DATA
	emulate	iretq
	expect	exception, vector=VEC_GP, error=0, rip=EMULATED
%endif

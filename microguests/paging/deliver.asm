; SPDX-License-Identifier: GPL-2.0-only
; Page faults while an exception is delivered: on the IDT, the stack, the GDT, the
; TSS and the handler; what becomes a double fault, and what a shutdown.
; Where the processor may read or write a structure in several pieces, the piece on
; the page that is not present is only one, so that CR2 does not depend on their order.
%include "microguest.inc"
modes paged32, pae32, compat32, long64, long64_5l
%include "paging.inc"

%define REFS "SDM 3 6.15 #DF", "SDM 3 4.7", "APM 2 8.2.9"
%define EDGE (PAGES + 0x1000)
%if LONG
	%assign GATE_BYTES 16
	%define HANDLER_CS SEL_CODE64
%else
	%assign GATE_BYTES 8
	%define HANDLER_CS SEL_CODE
%endif
; Base of an IDT whose first half of the gate of that vector ends at EDGE.
%define IDT_CUT_AT(vector) (EDGE - 8 - (vector) * GATE_BYTES)

; stub_gate BASE, VECTOR: the stage's gate of that vector, in an IDT of the case's own.
%macro stub_gate 2.nolist
	memory	(%1) + (%2) * GATE_BYTES, dw, STUBS + (%2) * STUB_SIZE, HANDLER_CS, AR_INT << 8, 0
	%if LONG
	memory	(%1) + (%2) * GATE_BYTES + 8, dq, 0
	%endif
%endmacro

; Of a double fault's frame RIP and CS are undefined, and so is RF, #DF being no fault.
%macro undefined_frame 0.nolist
	%if LONG
	undefined_memory STACK_TOP - 40, 24
	undefined_memory KSTACK_TOP - 40, 24
	%else
	undefined_memory STACK_TOP - 12, 12
	undefined_memory KSTACK_TOP - 20, 12
	%endif
%endmacro

case gate_missing, "#UD whose gate is not present: #PF at the same instruction, U clear"
	ref	REFS, "SDM 3 4.6"
	rings	0, 3
	given	idt_base=IDT_CUT_AT(VEC_UD)
	stub_gate IDT_CUT_AT(VEC_UD), VEC_PF
	pte	PAGES, clear=PTE_P
.f:	ud2
	expect	exception, vector=VEC_PF, error=0, cr2=EDGE - 8, rip=.f

case gate_missing_contributory, "#GP, then #PF on its gate: handled one after the other"
	ref	REFS
	rings	0, 3
	given	idt_base=IDT_CUT_AT(VEC_GP), rax=0xfff8
	stub_gate IDT_CUT_AT(VEC_GP), VEC_PF
	pte	PAGES, clear=PTE_P
.f:	mov	es, ax
	expect	exception, vector=VEC_PF, error=0, cr2=EDGE - 8, rip=.f

case gate_of_page_fault_missing, "#PF, then #PF on its gate: a double fault"
	ref	REFS
	rings	0, 3
%if LONG
%define BASE IDT_CUT_AT(VEC_PF)
%else
%define BASE (EDGE - VEC_PF * GATE_BYTES)
%endif
	given	idt_base=BASE
	stub_gate BASE, VEC_DF
	pte	EDGE, clear=PTE_P
	pte	SCRATCH, clear=PTE_P
.f:	mov	eax, [SCRATCH]
	expect	exception, vector=VEC_DF, error=0, cr2=EDGE, rip=.f
	undefined_frame

case page_fault_not_present_gate, "#PF, then #NP for its gate: a double fault, CR2 that of the #PF"
	ref	REFS
	rings	0, 3
	gate	VEC_PF, ar=AR_INT & ~AR_P
	pte	SCRATCH, clear=PTE_P
.f:	mov	eax, [SCRATCH + 8]
	expect	exception, vector=VEC_DF, error=0, cr2=SCRATCH + 8, rip=.f
	undefined_frame

case idt_missing, "with no IDT in memory any exception ends in shutdown"
	ref	REFS
	rings	0, 3
	checkpoint
	action	entry, level=1, va=IDT, clear=PTE_P
	ud2
	expect	shutdown
	expect_hw shutdown

case gdt_missing, "with no GDT in memory any exception ends in shutdown"
	ref	REFS
	rings	0, 3
	checkpoint
	action	entry, level=1, va=GDT, clear=PTE_P
	ud2
	expect	shutdown
	expect_hw shutdown

case stack_missing, "an exception at CPL 0 on a stack that is not present ends in shutdown"
	ref	REFS
	given	rsp=PAGES + 0x800
	checkpoint
	action	entry, level=1, va=PAGES, clear=PTE_P
	ud2
	expect	shutdown
	expect_hw shutdown

case inner_stack_missing, "an exception at CPL 3 whose inner stack is not present ends in shutdown"
	ref	REFS
	ring3
	checkpoint
	action	entry, level=1, va=KSTACK, clear=PTE_P
	ud2
	expect	shutdown
	expect_hw shutdown

case inner_stack_read_only, "so it does if the inner stack is read-only"
	ref	REFS
	ring3
	checkpoint
	action	entry, level=1, va=KSTACK, clear=PTE_W
	ud2
	expect	shutdown
	expect_hw shutdown

case tss_missing, "an exception at CPL 3 whose TSS is not present ends in shutdown"
	ref	REFS
	ring3
	given	tr=SEL_TSS, tr_base=PAGES, tr_limit=TSS_LIMIT, tr_ar=AR_TSS_BUSY
	memory	PAGES + 0x66, dw, TSS_IOMAP	; PAGES' pattern opens CHECKPOINT_PORT
	checkpoint
	action	entry, level=1, va=PAGES, clear=PTE_P
	ud2
	expect	shutdown
	expect_hw shutdown

case handler_missing, "a handler whose code is not present: its first fetch faults, at CPL 0"
	ref	REFS, "SDM 3 6.12.1"
	gate	VEC_UD, offset=PAGES
	pte	PAGES, clear=PTE_P
.f:	ud2
%if LONG
	expect	exception, vector=VEC_PF, error=PF_FETCH, cr2=PAGES, rip=PAGES, \
		rsp=STACK_TOP - 40, cs=SEL_CODE64
	writes	STACK_TOP - 40, dq, .f, SEL_CODE, 0x2 | RF, STACK_TOP, SEL_DATA
%else
	expect	exception, vector=VEC_PF, error=PF_FETCH, cr2=PAGES, rip=PAGES, \
		rsp=STACK_TOP - 12
	writes	STACK_TOP - 12, dd, .f, SEL_CODE, 0x2 | RF
%endif

case io_map_missing, "an I/O permission map that is not present: #PF as by the supervisor"
	ref	"SDM 1 18.5.2", "SDM 3 4.6"
	ring3
%define TSS_AT (EDGE - 0x68)
	given	tr=SEL_TSS, tr_base=TSS_AT, tr_limit=TSS_LIMIT, tr_ar=AR_TSS_BUSY
%if LONG
	memory	TSS_AT + 4, dq, KSTACK_TOP
%else
	memory	TSS_AT + 4, dd, KSTACK_TOP, SEL_DATA
%endif
	memory	TSS_AT + 0x66, dw, TSS_IOMAP
	pte	EDGE, clear=PTE_P
.f:	out	0x10, al
	expect	exception, vector=VEC_PF, error=0, cr2=TSS_AT + TSS_IOMAP + 0x10 / 8, rip=.f

%if LONG
; The frame of #UD, five items, has only its last in the page below EDGE.
%define TOP (EDGE + 0x20)

case stack_missing_ist, "#UD that cannot push its last item: #PF on the stack of IST 1"
	ref	REFS, "SDM 3 6.14.5"
	given	rsp=TOP
	gate	VEC_PF, ist=1
	pte	PAGES, clear=PTE_P
.f:	ud2
	expect	exception, vector=VEC_PF, error=PF_W, cr2=EDGE - 8, rip=.f
	undefined_memory EDGE, 0x20

case inner_stack_missing_ist, "the same from CPL 3: the push is the supervisor's, U is clear"
	ref	REFS, "SDM 3 6.14.5"
	ring3
	memory	TSS + 4, dq, TOP
	gate	VEC_PF, ist=1
	pte	PAGES, clear=PTE_W
.f:	ud2
	expect	exception, vector=VEC_PF, error=PF_P | PF_W, cr2=EDGE - 8, rip=.f
	undefined_memory EDGE, 0x20

case ist_missing, "a gate whose IST stack is not present: #PF on the stack it came from"
	ref	REFS, "SDM 3 6.14.5"
	gate	VEC_UD, ist=1
	memory	TSS + 0x24, dq, TOP
	pte	PAGES, clear=PTE_P
.f:	ud2
	expect	exception, vector=VEC_PF, error=PF_W, cr2=EDGE - 8, rip=.f
	undefined_memory EDGE, 0x20

case double_fault_ist, "a gate of #PF beyond reach, #DF on IST 1: the handler has a good stack"
	ref	REFS, "SDM 3 6.14.5"
	given	rsp=PAGES + 0x2800
	gate	VEC_PF, ar=AR_INT & ~AR_P
	gate	VEC_DF, ist=1
	pte	PAGES + 0x2000, clear=PTE_P
.f:	mov	[PAGES + 0x2008], eax
	expect	exception, vector=VEC_DF, error=0, cr2=PAGES + 0x2008, rip=.f
	undefined_memory IST_STACK_TOP - 40, 24
%endif

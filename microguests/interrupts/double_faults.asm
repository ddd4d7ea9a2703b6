; SPDX-License-Identifier: GPL-2.0-only
; Exceptions while an event is delivered: what is handled in turn, what makes a
; double fault, and when a third one shuts the processor down.
%include "microguest.inc"
modes real16, prot16, prot32, paged32, pae32, compat32, long64
%include "events.inc"

%if LONG
	%define ITEM 8		; bytes of an item of the frame
	%define GATE_SIZE 16
	%define FRAME_ITEMS 6	; with an error code, without a change of CPL
	%define HANDLER_CS SEL_CODE64
%else
	%define ITEM (4 / (1 + (BITS == 16)))
	%define GATE_SIZE 8
	%define FRAME_ITEMS 4
	%define HANDLER_CS SEL_CODE
%endif

; expect_double_fault STACK_TOP[, KEY=VALUE...]: #DF; the RIP and CS it pushes are
; undefined, and so is RF, #DF being no fault.
%macro expect_double_fault 1-*.nolist
	%if %0 == 1
		expect exception, vector=VEC_DF, error=0
	%else
		expect exception, vector=VEC_DF, error=0, %{2:-1}
	%endif
	undefined_memory %1 - ITEM * (FRAME_ITEMS - 1), ITEM * 3
%endmacro

; absent VECTOR, ...: these gates are not present.
%macro absent 1-*.nolist
	%rep %0
		gate	%1, ar=GATE_INT & ~AR_P
		%rotate 1
	%endrep
%endmacro

; An IDT over the border of two pages, vector N the first of the second page. Only
; the gates put there are present.
%define SECOND_PAGE (PAGES + PAGE)
%define PAGE 0x1000
%define SPLIT_IDT(n) (SECOND_PAGE - (n) * GATE_SIZE)
%macro put_gate 2.nolist	; IDT, VECTOR
	memory	%1 + (%2) * GATE_SIZE, dw, STUBS + (%2) * STUB_SIZE, HANDLER_CS, 0x8e00, 0, 0, 0, 0, 0
%endmacro

case no_idt, "With an IDT of limit 0 any exception ends in shutdown"
	ref	"SDM 3 6.15 #DF", "APM 2 8.2.9"
	all_rings
	given	idt_limit=0
	checkpoint		; so that a guest that never ran does not pass
	ud2
	expect	shutdown
	expect_hw shutdown

case no_idt_software, "INT n shuts down too when neither #GP nor #DF can be delivered"
	ref	"SDM 3 6.15 #DF", "APM 2 8.2.9"
	given	idt_limit=0
	checkpoint		; so that a guest that never ran does not pass
	int	0x30
	expect	shutdown
	expect_hw shutdown

%if MODE_NUMBER == MODE_REAL16
case real_beyond_limit, "In real mode a vector beyond the table's limit raises #GP without an error code"
	ref	"SDM 3 20.1.4", "SDM 2 INT n", "APM 2 8.6"
	given	idt_limit=VEC_GP * 4 + 3
.i:	int	0x30
	expect	exception, vector=VEC_GP, rip=.i
	checkpoint

case real_double_fault, "In real mode #GP beyond the table's limit becomes #DF"
	ref	"SDM 3 20.1.4", "SDM 3 6.15 #DF"
	given	idt_limit=VEC_DF * 4 + 3
	int	0x30
	expect	exception, vector=VEC_DF
	undefined_memory STACK_TOP - 6, 4
	checkpoint

case real_odd_stack, "In real mode an interrupt with SP = 1 shuts the processor down"
	ref	"SDM 2 INT n", "SDM 3 6.15 #DF"
	given	rsp=1
	checkpoint		; so that a guest that never ran does not pass
	int3
	expect	shutdown
	expect_hw shutdown
%else
case contributory, "#NP while delivering #DE makes a double fault, error code 0"
	ref	"SDM 3 table 6-5", "APM 2 8.2.9"
	given	rcx=0, rdx=0
	absent	VEC_DE
	div	ecx
	expect_double_fault STACK_TOP
	checkpoint

case contributory_twice, "#NP while delivering #GP makes a double fault"
	ref	"SDM 3 table 6-5", "APM 2 8.2.9"
	given	rax=0x1230
	absent	VEC_GP
	mov	ds, ax
	expect_double_fault STACK_TOP
	checkpoint

case benign_first, "#UD is benign: the #NP while delivering it is delivered itself"
	ref	"SDM 3 table 6-5", "APM 2 8.2.9"
	absent	VEC_UD, VEC_DF
.i:	ud2
	expect	exception, vector=VEC_NP, error=ERROR_IDT(VEC_UD) | ERROR_EXT, rip=.i
	checkpoint

case software_first, "INT n is benign: only the #NP for its #NP makes a double fault"
	ref	"SDM 3 table 6-5", "APM 2 8.2.9"
	absent	0x30, VEC_NP
	int	0x30
	expect_double_fault STACK_TOP
	checkpoint

case triple, "A fault while delivering #DF shuts the processor down"
	ref	"SDM 3 6.15 #DF", "APM 2 8.2.9", "SDM 3 25.2", "APM 2 15.14.3"
	all_rings
	given	rcx=0, rdx=0
	absent	VEC_DE, VEC_DF
	checkpoint		; so that a guest that never ran does not pass
	div	ecx
	expect	shutdown
	expect_hw shutdown
%endif

%if PAGED
case page_fault_then_np, "#NP while delivering #PF makes a double fault; CR2 has the address"
	ref	"SDM 3 table 6-5", "APM 2 8.2.9"
	absent	VEC_PF
	pte	SCRATCH, clear=PTE_P
	mov	al, [SCRATCH + 8]
	expect_double_fault STACK_TOP, cr2=SCRATCH + 8
	checkpoint

case idt_page, "A gate on a page that is not present raises #PF, a supervisor's read at every CPL"
	ref	"SDM 3 4.6.1", "APM 2 8.2.15"
	all_rings
	given	idt_base=SPLIT_IDT(32)
	pte	SECOND_PAGE, clear=PTE_P
	put_gate SPLIT_IDT(32), VEC_PF
.i:	int	0x30
	expect	exception, vector=VEC_PF, error=0, rip=.i, cr2=SPLIT_IDT(32) + 0x30 * GATE_SIZE
	checkpoint

case contributory_then_page_fault, "#PF while delivering #GP is delivered itself"
	ref	"SDM 3 table 6-5", "APM 2 8.2.9"
	given	rax=0x1230, idt_base=SPLIT_IDT(VEC_PF)
	pte	PAGES, clear=PTE_P
	put_gate SPLIT_IDT(VEC_PF), VEC_PF
.i:	mov	ds, ax
	expect	exception, vector=VEC_PF, error=0, rip=.i, cr2=SPLIT_IDT(VEC_PF) + VEC_GP * GATE_SIZE
	checkpoint

case page_fault_twice, "#PF while delivering #PF makes a double fault; CR2 has the second address"
	ref	"SDM 3 table 6-5", "SDM 3 6.15 #PF", "APM 2 8.2.9"
	given	idt_base=SPLIT_IDT(VEC_PF)
	pte	SECOND_PAGE, clear=PTE_P
	pte	SCRATCH, clear=PTE_P
	put_gate SPLIT_IDT(VEC_PF), VEC_DF
	mov	al, [SCRATCH + 8]
	expect_double_fault STACK_TOP, cr2=SECOND_PAGE
	checkpoint

case idt_missing, "Without the IDT's page every exception ends in shutdown"
	ref	"SDM 3 6.15 #DF", "APM 2 8.2.9"
	all_rings
	pte	IDT, clear=PTE_P
	checkpoint		; so that a guest that never ran does not pass
	ud2
	expect	shutdown
	expect_hw shutdown

case inner_stack_missing, "Without the page of the inner stack every exception at CPL 3 ends in shutdown"
	ref	"SDM 3 6.15 #DF", "APM 2 8.2.9"
	ring3
	pte	KSTACK, clear=PTE_P
	checkpoint		; so that a guest that never ran does not pass
	ud2
	expect	shutdown
	expect_hw shutdown
%endif

%if LONG
case stack_page_ist, "A stack page that is not present raises #PF, delivered on its IST stack"
	ref	"SDM 3 6.14.5", "APM 2 8.9.4"
	given	rsp=SCRATCH + PAGE
	pte	SCRATCH, clear=PTE_P
	gate	VEC_PF, ist=1
.i:	ud2
	expect	exception, vector=VEC_PF, error=PF_W, rip=.i, cr2=SCRATCH + PAGE - 8
	checkpoint

case stack_page, "Without an IST that #PF faults again, and #DF is delivered on its own stack"
	ref	"SDM 3 table 6-5", "SDM 3 6.14.5", "APM 2 8.2.9"
	given	rsp=SCRATCH + PAGE
	pte	SCRATCH, clear=PTE_P
	gate	VEC_DF, ist=1
	int	0x30
	expect_double_fault IST_STACK_TOP, cr2=SCRATCH + PAGE - 8
	checkpoint

case inner_stack_page, "A missing page of the inner stack raises #PF as a supervisor's write"
	ref	"SDM 3 4.6.1", "SDM 3 6.14.5", "APM 2 8.2.15"
	ring3
	pte	KSTACK, clear=PTE_P
	gate	VEC_PF, ist=1
.i:	int3
	expect	exception, vector=VEC_PF, error=PF_W, rip=.i, cr2=KSTACK_TOP - 8, iret=1
	checkpoint

case inner_stack_double, "A missing page of the inner stack and no IST for #PF make a double fault"
	ref	"SDM 3 table 6-5", "APM 2 8.2.9"
	ring3
	pte	KSTACK, clear=PTE_P
	gate	VEC_DF, ist=1
	ud2
	expect_double_fault IST_STACK_TOP, cr2=KSTACK_TOP - 8
	checkpoint
%endif

; SPDX-License-Identifier: GPL-2.0-only
; Interrupt delivery through gates: kinds of gate, what they refuse and with which
; error code, privilege changes and the stack they take from the TSS.
%include "microguest.inc"
modes prot16, prot32, compat32, long64
%include "events.inc"

%define V 0x30			; the vector cases use
%define USER(type) ((type) | AR_DPL3)

; stubs_at_cpl3: exception stubs can run at CPL 3 too.
%macro stubs_at_cpl3 0.nolist
	given	set=IOPL_3
	%if PAGED
		pte	STUBS, set=PTE_U
	%endif
%endmacro

case interrupt_gate, "INT n through an interrupt gate clears IF, and pushes it set"
	ref	"SDM 3 6.12.1.3", "APM 2 8.7.3", "APM 2 8.7.2"
	all_rings
	given	set=IF
	gate	V, ar=USER(GATE_INT)
	int	V
	expect	exception, vector=V, software=1
	checkpoint

case trap_gate, "INT n through a trap gate leaves IF set"
	ref	"SDM 3 6.12.1.3", "APM 2 8.7.3"
	all_rings
	given	set=IF
	gate	V, ar=USER(GATE_TRAP)
	int	V
	expect	exception, vector=V, software=1, iret=1
	checkpoint

case nested_task, "Delivery clears NT after pushing it; the other flags stay"
	ref	"SDM 3 6.12.1", "APM 2 8.7.1"
	all_rings
	given	set=NT | DF | CF | OF
	gate	V, ar=USER(GATE_TRAP)
	int	V
	expect	exception, vector=V, software=1, iret=1
	checkpoint

case software_dpl, "INT n at CPL 3 through a gate of DPL 0 raises #GP with the vector in the error code"
	ref	"SDM 3 6.12.1.2", "SDM 3 6.13", "APM 2 8.7.4"
	ring3
.i:	int	V
	expect	exception, vector=VEC_GP, error=ERROR_IDT(V), rip=.i
	checkpoint

case breakpoint_dpl, "INT3 at CPL 3 through a gate of DPL 0 raises #GP with the vector in the error code"
	ref	"SDM 3 6.12.1.2", "APM 2 8.7.4"
	ring3
	gate	VEC_BP, ar=GATE_INT
.i:	int3
	expect	exception, vector=VEC_GP, error=ERROR_IDT(VEC_BP), rip=.i
	checkpoint

case software_not_present, "INT n through a gate that is not present raises #NP, EXT clear and IDT set"
	ref	"SDM 3 6.15 #NP", "SDM 3 6.13", "APM 2 8.4.1"
	all_rings
	gate	V, ar=USER(GATE_INT) & ~AR_P
.i:	int	V
	expect	exception, vector=VEC_NP, error=ERROR_IDT(V), rip=.i
	checkpoint

case exception_not_present, "An exception through a gate that is not present raises #NP with EXT and IDT set"
	ref	"SDM 3 6.15 #NP", "SDM 3 6.13", "APM 2 8.4.1"
	all_rings
	gate	VEC_UD, ar=GATE_INT & ~AR_P
.i:	ud2
	expect	exception, vector=VEC_NP, error=ERROR_IDT(VEC_UD) | ERROR_EXT, rip=.i
	checkpoint

case beyond_limit, "INT n beyond the IDT's limit raises #GP with the vector in the error code"
	ref	"SDM 3 6.10", "SDM 2 INT n", "APM 2 8.7.1"
	all_rings
	given	idt_limit=V * 8 * (1 + LONG) - 1
.i:	int	V
	expect	exception, vector=VEC_GP, error=ERROR_IDT(V), rip=.i
	checkpoint

case last_in_limit, "The vector whose gate ends at the IDT's limit is delivered"
	ref	"SDM 3 6.10", "APM 2 8.7.1"
	given	idt_limit=(V + 1) * 8 * (1 + LONG) - 1
	int	V
	expect	exception, vector=V, software=1
	checkpoint

case not_a_gate, "INT n through a descriptor that is no gate raises #GP with the vector in the error code"
	ref	"SDM 2 INT n", "APM 2 8.7.4"
	gate	V, ar=AR_TSS
.i:	int	V
	expect	exception, vector=VEC_GP, error=ERROR_IDT(V), rip=.i
	checkpoint

case null_selector, "A gate with a null selector raises #GP(0) on INT n, #GP(EXT) on an exception"
	ref	"SDM 2 INT n", "APM 2 8.7.4"
	all_rings
	gate	V, ar=USER(GATE_INT), selector=0
	gate	VEC_UD, selector=0
.i:	int	V
	expect	exception, vector=VEC_GP, error=0, rip=.i
.j:	ud2
	expect	exception, vector=VEC_GP, error=ERROR_EXT, rip=.j
	checkpoint

case selector_beyond, "A gate whose selector is beyond the GDT raises #GP(selector)"
	ref	"SDM 2 INT n", "APM 2 8.7.4"
	gate	V, selector=0x1230
.i:	int	V
	expect	exception, vector=VEC_GP, error=0x1230, rip=.i
	checkpoint

case selector_data, "A gate to a data segment raises #GP(selector)"
	ref	"SDM 2 INT n", "APM 2 8.7.4"
	gate	V, selector=SEL_DATA
.i:	int	V
	expect	exception, vector=VEC_GP, error=SEL_DATA, rip=.i
	checkpoint

case code_not_present, "A gate to a code segment that is not present raises #NP(selector)"
	ref	"SDM 2 INT n", "APM 2 8.7.4"
	descriptor SEL_FREE, base=0, limit=0xffff, ar=(AR_CODE16 | AR_L * LONG) & ~AR_P
	gate	V, selector=SEL_FREE
.i:	int	V
	expect	exception, vector=VEC_NP, error=SEL_FREE, rip=.i
	checkpoint

case outward, "A gate to a less privileged code segment raises #GP(selector)"
	ref	"SDM 3 6.12.1.2", "APM 2 8.7.4"
	gate	V, selector=SEL_UCODE
.i:	int	V
	expect	exception, vector=VEC_GP, error=SEL_UCODE & ~3, rip=.i
	checkpoint

%if !LONG
case selector_rpl, "The RPL of a gate's selector is not looked at: CS gets RPL = CPL"
	ref	"SDM 3 6.12.1.2", "APM 2 4.11.1"
	all_rings
	gate	V, ar=USER(GATE_INT), selector=SEL_CODE | 3
	int	V
	expect	exception, vector=V, software=1
	checkpoint

case conforming, "A gate to a conforming segment changes neither CPL nor stack"
	ref	"SDM 3 6.12.1", "APM 2 8.7.4"
	all_rings
	stubs_at_cpl3
	gate	V, ar=USER(GATE_INT), selector=SEL_CONFORMING
	int	V
	expect	exception, vector=V, software=1, iret=1
	checkpoint

case inner_stack_bad, "A stack segment in the TSS that is not writable raises #TS(selector), EXT only on exceptions"
	ref	"SDM 3 6.12.1", "SDM 3 6.15 #TS", "APM 2 8.2.11"
	ring3
	stubs_at_cpl3
	memory	TSS + (4 + 4 * (MODE_NUMBER != MODE_PROT16)), dw, SEL_READONLY
	memory	TSS + 8, dw, SEL_READONLY
	gate	VEC_TS, selector=SEL_CONFORMING
	gate	V, ar=USER(GATE_INT)
.i:	int	V
	expect	exception, vector=VEC_TS, error=SEL_READONLY, rip=.i
.j:	ud2
	expect	exception, vector=VEC_TS, error=SEL_READONLY | ERROR_EXT, rip=.j
	checkpoint

case inner_stack_not_present, "A stack segment in the TSS that is not present raises #SS(selector)"
	ref	"SDM 3 6.12.1", "SDM 3 6.15 #SS", "APM 2 8.2.13"
	ring3
	stubs_at_cpl3
	memory	TSS + 8, dw, SEL_NOTPRESENT
	gate	VEC_SS, selector=SEL_CONFORMING
	gate	V, ar=USER(GATE_INT)
.i:	int	V
	expect	exception, vector=VEC_SS, error=SEL_NOTPRESENT, rip=.i
	checkpoint

case inner_stack_limit, "An inner stack without room for the frame raises #SS(new SS)"
	ref	"SDM 2 INT n", "SDM 3 6.15 #SS", "APM 2 8.2.13"
	ring3
	stubs_at_cpl3
	descriptor SEL_FREE, base=0, limit=KSTACK_TOP - 5, ar=AR_DATA16 | AR_DB * (BITS == 32)
	memory	TSS + 8, dw, SEL_FREE
	gate	VEC_SS, selector=SEL_CONFORMING
	gate	V, ar=USER(GATE_INT)
.i:	int	V
	expect	exception, vector=VEC_SS, error=SEL_FREE, rip=.i
	checkpoint

case tss16, "From a 16-bit TSS the stack comes as SP0 and SS0"
	ref	"SDM 3 7.6", "APM 2 12.2.4"
	ring3
	given	set=IOPL_3, tr=SEL_TSS
	descriptor SEL_TSS, base=FREE_TSS, limit=0x2b, ar=AR_TSS16 | 2
	memory	FREE_TSS + 2, dw, KSTACK_TOP - 0x100, SEL_DATA16
	gate	V, ar=USER(GATE_INT)
	int	V
	expect	exception, vector=V, software=1
	checkpoint

%if MODE_NUMBER == MODE_PROT32
case gate16, "A 16-bit gate pushes 16-bit items and takes 16 bits of the offset, error codes included"
	ref	"SDM 3 6.11", "APM 2 8.7.1"
	all_rings
	gate	V, ar=USER(AR_INT16)
	gate	VEC_GP, ar=AR_INT16
	given	rax=0x1230
	int	V
	expect	exception, vector=V, software=1
.i:	mov	ds, ax
	expect	exception, vector=VEC_GP, error=0x1230, rip=.i
	checkpoint
%else
case gate32, "A 32-bit gate pushes 32-bit items from 16-bit code"
	ref	"SDM 3 6.11", "APM 2 8.7.1"
	all_rings
	gate	V, ar=USER(AR_INT)
	gate	VEC_GP, ar=AR_INT
	given	rax=0x1230
	int	V
	expect	exception, vector=V, software=1
.i:	mov	ds, ax
	expect	exception, vector=VEC_GP, error=0x1230, rip=.i
	checkpoint
%endif
%endif

%if LONG
case gate_types, "Long mode knows no 16-bit gates and no task gates: #GP with the vector in the error code"
	ref	"SDM 3 6.14.1", "APM 2 8.9.1"
	gate	V, ar=AR_INT16
	gate	V + 1, ar=AR_TRAP16
	gate	V + 2, ar=AR_TASKGATE
.i:	int	V
	expect	exception, vector=VEC_GP, error=ERROR_IDT(V), rip=.i
.j:	int	V + 1
	expect	exception, vector=VEC_GP, error=ERROR_IDT(V + 1), rip=.j
.k:	int	V + 2
	expect	exception, vector=VEC_GP, error=ERROR_IDT(V + 2), rip=.k
	checkpoint

case code32_target, "A gate to a code segment that is not 64-bit raises #GP(selector) in long mode"
	ref	"SDM 3 6.14.1", "APM 2 8.9.1"
	gate	V, selector=SEL_CODE32
.i:	int	V
	expect	exception, vector=VEC_GP, error=SEL_CODE32, rip=.i
	checkpoint

case target_not_canonical, "A gate with a non-canonical offset raises #GP(0) on INT n"
	ref	"SDM 2 INT n", "APM 2 8.9.1"
	gate	V, offset=0x0000800000000000
.i:	int	V
	expect	exception, vector=VEC_GP, error=0, rip=.i
	checkpoint

case ist, "A gate with an IST index switches stacks at every CPL"
	ref	"SDM 3 6.14.5", "APM 2 8.9.4", "SDM 3 6.14.4", "APM 2 12.2.5"
	all_rings
	gate	V, ar=USER(GATE_INT), ist=1
	int	V
	expect	exception, vector=V, software=1, iret=1
	checkpoint

case ist_error_code, "The frame on an IST stack begins with the error code"
	ref	"SDM 3 6.14.5", "APM 2 8.9.4"
	all_rings
	given	rax=0x1230
	gate	VEC_GP, ist=1
.i:	mov	fs, ax
	expect	exception, vector=VEC_GP, error=0x1230, rip=.i, iret=1
	checkpoint

case ist_not_canonical, "A non-canonical IST entry raises #SS(0) on INT n, #SS(EXT) on an exception"
	ref	"SDM 2 INT n", "SDM 3 6.15 #SS", "APM 2 8.2.13"
	memory	TSS + 0x2c, dq, 0x0000800000000000
	gate	V, ist=2
	gate	VEC_UD, ist=2
.i:	int	V
	expect	exception, vector=VEC_SS, error=0, rip=.i
.j:	ud2
	expect	exception, vector=VEC_SS, error=ERROR_EXT, rip=.j
	checkpoint

case tss_limit, "A TSS too short for its RSP0 raises #TS(selector of the TSS)"
	ref	"SDM 2 INT n", "SDM 3 6.15 #TS", "APM 2 8.2.11"
	given	tr=SEL_TSS, tr_base=TSS, tr_limit=0x2b, tr_ar=AR_TSS_BUSY
	gate	V, ist=2
.i:	int	V
	expect	exception, vector=VEC_TS, error=SEL_TSS, rip=.i
	checkpoint

case stack_alignment, "Long mode aligns the stack to 16 bytes before it pushes the frame"
	ref	"SDM 3 6.14.2", "APM 2 8.9.3"
	given	rsp=STACK_TOP - 13
	int	V
	expect	exception, vector=V, software=1, iret=1
	checkpoint

case inner_stack_alignment, "RSP0 is aligned too"
	ref	"SDM 3 6.14.2", "APM 2 8.9.3", "SDM 3 6.14.4"
	ring3
	memory	TSS + 4, dq, KSTACK_TOP - 7
	gate	V, ar=USER(GATE_INT)
	int	V
	expect	exception, vector=V, software=1, iret=1
	checkpoint
%endif

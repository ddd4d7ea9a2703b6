; SPDX-License-Identifier: GPL-2.0-only
; Interrupts that the runner injects: where they are taken, the interrupt window,
; the shadow of STI, MOV SS and POP SS, and waking from HLT.
%include "microguest.inc"
modes real16, prot16, prot32, compat32, long64, vm86
%include "events.inc"

%define V 0x40

case at_boundary, "An interrupt is taken before the next instruction, which its frame points to"
	ref	"SDM 3 6.6", "APM 2 8.2.24", "kvm api KVM_INTERRUPT"
	all_rings
	given	set=IF
	checkpoint
	action	interrupt, vector=V
	expect	exception, vector=V
	mov	cl, 5
	checkpoint rcx=LOW_BYTE(REG_RCX, 5)

case at_entry, "An interrupt injected before the guest's first instruction comes before it"
	ref	"SDM 3 6.6", "kvm api KVM_INTERRUPT"
	given	set=IF
	action	interrupt, vector=V
	expect	exception, vector=V, iret=1
	checkpoint

case returns, "After IRET from an interrupt the program goes on with IF set"
	ref	"SDM 2 IRET", "APM 3 IRET"
	all_rings
	given	set=IF | CF | OF
	checkpoint
	action	interrupt, vector=0xff
	expect	exception, vector=0xff, iret=1
	checkpoint
	action	interrupt, vector=0x20
	expect	exception, vector=0x20, iret=1
	checkpoint

case exception_vector, "An injected interrupt whose vector is an exception's pushes no error code"
	ref	"SDM 3 6.3.2", "SDM 3 6.4.2"
	given	set=IF
	checkpoint
	action	interrupt, vector=VEC_GP
	expect	exception, vector=VEC_GP, frame_rflags=IF | 2 | VM * (MODE_NUMBER == MODE_VM86), iret=1
	checkpoint

%if !REAL
case gate_dpl, "An injected interrupt is not held to the gate's DPL"
	ref	"SDM 3 6.12.1.2", "APM 2 8.7.4"
	all_rings
	given	set=IF
	gate	V, ar=GATE_TRAP
	checkpoint
	action	interrupt, vector=V
	expect	exception, vector=V
	checkpoint

case gate_not_present, "An injected interrupt through a gate that is not present raises #NP with EXT and IDT set"
	ref	"SDM 3 6.13", "APM 2 8.4.1"
	all_rings
	given	set=IF
	gate	V, ar=GATE_INT & ~AR_P
	checkpoint
	action	interrupt, vector=V
	expect	exception, vector=VEC_NP, error=ERROR_IDT(V) | ERROR_EXT
	checkpoint

case beyond_limit, "An injected interrupt beyond the IDT's limit raises #GP with EXT and IDT set"
	ref	"SDM 3 6.13", "APM 2 8.4.1"
	given	set=IF, idt_limit=V * 8 - 1
	checkpoint
	action	interrupt, vector=0x80
	expect	exception, vector=VEC_GP, error=ERROR_IDT(0x80) | ERROR_EXT
	checkpoint
%endif

case hlt, "An injected interrupt wakes from HLT; its frame points behind HLT"
	ref	"SDM 2 HLT", "APM 3 HLT", "kvm api KVM_EXIT_HLT", "SDM 3 8.10.1", "SDM 3 25.1.3"
	ref	"APM 2 6.5", "APM 2 15.9"
%if MODE_NUMBER != MODE_VM86
	given	set=IF
	hlt
	expect	hlt
	expect_hw hlt
	action	interrupt, vector=V
	expect	exception, vector=V
	checkpoint
%else
.i:	hlt
	expect	exception, vector=VEC_GP, error=0, rip=.i
	checkpoint
%endif

case window_open, "An interrupt window that is asked for while it is open opens at once"
	ref	"kvm api KVM_EXIT_IRQ_WINDOW_OPEN"
	all_rings
	given	set=IF
	checkpoint
	action	request_window, value=1
	expect	irq_window
	action	request_window, value=0
	action	interrupt, vector=V
	expect	exception, vector=V, iret=1
	checkpoint

case window_closed, "No interrupt window opens while IF is clear"
	ref	"SDM 3 6.8.1", "kvm api KVM_EXIT_IRQ_WINDOW_OPEN", "APM 2 8.1.4"
	all_rings
	checkpoint
	action	request_window, value=1
	mov	cl, 5
	checkpoint rcx=LOW_BYTE(REG_RCX, 5)

%if MODE_NUMBER != MODE_VM86
; A word for the case to pop.
%define POPPED (STACK_TOP - WORD_BYTES)

case window_sti, "The window opens after the instruction that follows STI"
	ref	"SDM 2 STI", "APM 3 STI", "SDM 3 25.2", "APM 2 15.21.4"
	action	request_window, value=1
	sti
	mov	cl, 5
	expect	irq_window, set=IF, rcx=LOW_BYTE(REG_RCX, 5)
	expect_hw irq_window
	action	request_window, value=0
	mov	cl, 6
	checkpoint rcx=LOW_BYTE(REG_RCX, 6)

case window_sti_cli, "CLI after STI closes the window before it opens"
	ref	"SDM 2 STI", "APM 3 STI"
	action	request_window, value=1
	sti
	cli
	mov	cl, 5
	checkpoint rcx=LOW_BYTE(REG_RCX, 5)

case window_popf, "POPF opens the window at once"
	ref	"SDM 2 POPF", "APM 3 POPF", "SDM 3 25.2", "APM 2 15.21.4"
	given	rsp=POPPED
	memory	POPPED, dw, IF | 2, 0, 0, 0
	action	request_window, value=1
	popf
	expect	irq_window, set=IF, rsp=STACK_TOP
	expect_hw irq_window
	action	request_window, value=0
	checkpoint

; A selector read from MMIO space exits in the middle, so that the runner can act in
; the instruction's shadow.
case window_mov_ss, "MOV SS casts a shadow: the window opens after one more instruction"
	ref	"SDM 3 6.8.3", "SDM 2 MOV", "APM 2 8.1.6"
	given	set=IF
	mov	ss, [MMIO]
	expect	mmio_read, address=MMIO, size=2, data=(!REAL) * SEL_DATA
	expect_hw mmio
	action	request_window, value=1
	mov	cl, 5
	expect	irq_window, rcx=LOW_BYTE(REG_RCX, 5)
	expect_hw irq_window
	action	request_window, value=0
	checkpoint

case window_mov_ds, "MOV to another segment register casts none"
	ref	"SDM 3 6.8.3", "SDM 2 MOV", "APM 2 8.1.6"
	given	set=IF
	mov	ds, [MMIO]
	expect	mmio_read, address=MMIO, size=2, data=(!REAL) * SEL_DATA
	expect_hw mmio
	action	request_window, value=1
	expect	irq_window
	action	request_window, value=0
	checkpoint

case shadow_sti, "A shadow of STI set through KVM_SET_VCPU_EVENTS lasts for one instruction"
	ref	"kvm api KVM_GET_VCPU_EVENTS", "SDM 3 26.7.1", "APM 2 15.21.5"
	need	cap_vcpu_events
	given	set=IF
	checkpoint
	action	set, ev_shadow=KVM_X86_SHADOW_INT_STI
	action	request_window, value=1
	mov	cl, 5
	expect	irq_window, rcx=LOW_BYTE(REG_RCX, 5)
	expect_hw irq_window
	action	check, ev_shadow=0
	action	request_window, value=0
	checkpoint

case shadow_mov_ss, "A shadow of MOV SS set through KVM_SET_VCPU_EVENTS lasts for one instruction"
	ref	"kvm api KVM_GET_VCPU_EVENTS", "SDM 3 26.7.1"
	need	cap_vcpu_events
	given	set=IF
	checkpoint
	action	set, ev_shadow=KVM_X86_SHADOW_INT_MOV_SS
	action	request_window, value=1
	mov	cl, 5
	expect	irq_window, rcx=LOW_BYTE(REG_RCX, 5)
	expect_hw irq_window
	action	request_window, value=0
	checkpoint

%if BITS != 64
case window_pop_ss, "POP SS casts a shadow: the window opens after the next instruction"
	ref	"SDM 2 POP", "SDM 3 6.8.3", "APM 2 8.1.6"
	given	set=IF, rsp=MMIO
	o16 pop	ss
	expect	mmio_read, address=MMIO, size=2, data=(!REAL) * SEL_DATA, rsp=MMIO + 2
	expect_hw mmio
	action	request_window, value=1
	mov	cl, 5
	expect	irq_window, rcx=LOW_BYTE(REG_RCX, 5)
	expect_hw irq_window
	action	request_window, value=0
	checkpoint

case window_pop_ds, "POP DS casts no shadow"
	ref	"SDM 2 POP", "SDM 3 6.8.3", "APM 2 8.1.6"
	given	set=IF, rsp=MMIO
	o16 pop	ds
	expect	mmio_read, address=MMIO, size=2, data=(!REAL) * SEL_DATA, rsp=MMIO + 2
	expect_hw mmio
	action	request_window, value=1
	expect	irq_window
	action	request_window, value=0
	checkpoint
%endif

case sti_hlt, "HLT in the shadow of STI: the window opens behind HLT"
	ref	"SDM 2 STI", "SDM 2 HLT"
	action	request_window, value=1
	sti
	hlt
	expect	hlt, set=IF
	expect_hw hlt
	expect	irq_window
	action	request_window, value=0
	action	interrupt, vector=V
	expect	exception, vector=V
	checkpoint
%endif

%if BITS == 64
case cr8_raised, "Raising CR8 causes no exit; kvm_run.cr8 follows"
	ref	"SDM 3 10.8.6", "kvm api kvm_run.cr8"
	given	rax=5
	mov	cr8, rax
	mov	rbx, cr8
	checkpoint cr8=5, rbx=5

case cr8_lowered, "Lowering CR8 exits, so that the runner can inject what it held back"
	ref	"SDM 3 10.8.6", "kvm api KVM_EXIT_SET_TPR"
	given	rax=5, rbx=3, cr8=0, set=IF
	mov	cr8, rax
	mov	cr8, rbx
	expect	tpr, cr8=3
	expect_hw tpr
	action	interrupt, vector=V
	expect	exception, vector=V
	checkpoint

case cr8_reserved, "CR8 takes four bits: more raise #GP(0)"
	ref	"SDM 2 MOV CR", "APM 2 8.1.5"
	given	rax=0x10
.i:	mov	cr8, rax
	expect	exception, vector=VEC_GP, error=0, rip=.i
	checkpoint

case cr8_user, "CR8 is the supervisor's: MOV raises #GP(0) at CPL 3"
	ref	"SDM 2 MOV CR", "APM 3 MOV CRn"
	ring3
.i:	mov	rax, cr8
	expect	exception, vector=VEC_GP, error=0, rip=.i
	checkpoint
%endif

; SPDX-License-Identifier: GPL-2.0-only
; Interrupts that one processor sends another through the registers of its local APIC
; in memory: every destination form and delivery mode, both ways.
%include "microguest.inc"
modes prot32, long64
%include "events.inc"
%include "smp.inc"

case fixed, "A fixed interrupt to a physical ID reaches that processor; the ICR is idle again"
	ref	"SDM 3 10.6.1", "SDM 3 10.6.2.1", "APM 2 16.5", "SDM 3 10.6.3"
	smp	2
	apics
	ready	0
	ready	1
meet
vcpu 0
	send	1, ICR_ASSERT | 0x41
.idle:	apic_read eax, APIC_ICR
	test	eax, ICR_PENDING
	jnz	.idle
	checkpoint rax=ICR_ASSERT | 0x41, status=ZF | PF, undefined=AF
	requests 0
vcpu 1
	take	0x41

case fixed_back, "And so does one from vCPU 1 to the BSP"
	ref	"SDM 3 10.6.1", "SDM 3 10.6.2.1", "APM 2 16.5"
	smp	2
	apics
	ready	0
	ready	1
meet
vcpu 1
	send	0, ICR_ASSERT | 0x42
	checkpoint
	requests 0
vcpu 0
	take	0x42

case own_id, "Each processor's APIC has its own ID"
	ref	"SDM 3 10.4.6", "APM 2 16.3.3"
	smp	3
	apics
	apic_read eax, APIC_ID
	checkpoint rax=0
vcpu 1
	given	rdi=APIC_BASE
	apic_read eax, APIC_ID
	checkpoint rax=1 << 24
vcpu 2
	given	rdi=APIC_BASE
	apic_read eax, APIC_ID
	checkpoint rax=2 << 24

case absent, "A physical ID that no processor has reaches none"
	ref	"SDM 3 10.6.2.1"
	smp	2
	apics
	ready	0
	ready	1
meet
vcpu 0
	send	5, ICR_ASSERT | 0x41
	checkpoint
meet
vcpu 0
	requests 0
vcpu 1
	requests 0

case broadcast, "Physical ID 0ffh means all processors, the sender too"
	ref	"SDM 3 10.6.2.1", "APM 2 16.5"
	smp	3
	apics
	ready	0
	ready	1
	ready	2
meet
vcpu 1
	send	0xff, ICR_ASSERT | 0x43
	checkpoint
	take	0x43
vcpu 0
	take	0x43
vcpu 2
	take	0x43

case others, "The shorthand all-but-self leaves the sender out"
	ref	"SDM 3 10.6.1", "APM 2 16.5"
	smp	3
	apics
	ready	0
	ready	1
	ready	2
meet
vcpu 0
	send	0, ICR_OTHERS | ICR_ASSERT | 0x44
	checkpoint
	requests 0
vcpu 1
	take	0x44
vcpu 2
	take	0x44

case others_back, "All-but-self from vCPU 1 reaches the BSP"
	ref	"SDM 3 10.6.1", "APM 2 16.5"
	smp	2
	apics
	ready	0
	ready	1
meet
vcpu 1
	send	1, ICR_OTHERS | ICR_ASSERT | 0x44
	checkpoint
	requests 0
vcpu 0
	take	0x44

case everyone, "The shorthand all-including-self reaches the sender and the other"
	ref	"SDM 3 10.6.1", "APM 2 16.5"
	smp	2
	apics
	ready	0
	ready	1
meet
vcpu 0
	send	1, ICR_ALL | ICR_ASSERT | 0x45
	checkpoint
	take	0x45
vcpu 1
	take	0x45

case self, "The shorthand self reaches no other, whatever the destination says"
	ref	"SDM 3 10.6.1", "APM 2 16.5"
	smp	2
	apics
	ready	0
	ready	1
meet
vcpu 0
	send	1, ICR_SELF | ICR_ASSERT | 0x46
	checkpoint
	take	0x46
meet
vcpu 1
	requests 0

case flat, "Logical destinations of the flat model are masks over the LDRs"
	ref	"SDM 3 10.6.2.2", "APM 2 16.6.1"
	smp	2
	apics
	ready	0
	apic_write APIC_LDR, 0x01000000
	checkpoint
	ready	1
	apic_write APIC_LDR, 0x02000000
	checkpoint
meet
vcpu 0
	send	2, ICR_LOGICAL | ICR_ASSERT | 0x41
	send	3, ICR_LOGICAL | ICR_ASSERT | 0x42
	send	4, ICR_LOGICAL | ICR_ASSERT | 0x43
	send	1, ICR_LOGICAL | ICR_ASSERT | 0x44
	checkpoint
meet
vcpu 0
	requests BIT_OF(0x42) | BIT_OF(0x44)
vcpu 1
	requests BIT_OF(0x41) | BIT_OF(0x42)

case flat_all, "A logical destination of all ones means all processors"
	ref	"SDM 3 10.6.2.2", "APM 2 16.6.1"
	smp	2
	apics
	ready	0
	apic_write APIC_LDR, 0x01000000
	checkpoint
	ready	1
	apic_write APIC_LDR, 0x02000000
	checkpoint
meet
vcpu 1
	send	0xff, ICR_LOGICAL | ICR_ASSERT | 0x41
	checkpoint
meet
vcpu 0
	requests BIT_OF(0x41)
vcpu 1
	requests BIT_OF(0x41)

case cluster, "In the cluster model the cluster must be the processor's, and the masks must meet"
	ref	"SDM 3 10.6.2.2", "APM 2 16.6.2"
	smp	3
	apics
	ready	0
	apic_write APIC_DFR, 0x0fffffff
	apic_write APIC_LDR, 0x11000000
	checkpoint
	ready	1
	apic_write APIC_DFR, 0x0fffffff
	apic_write APIC_LDR, 0x12000000
	checkpoint
	ready	2
	apic_write APIC_DFR, 0x0fffffff
	apic_write APIC_LDR, 0x21000000
	checkpoint
meet
vcpu 0
	send	0x13, ICR_LOGICAL | ICR_ASSERT | 0x41
	send	0x12, ICR_LOGICAL | ICR_ASSERT | 0x42
	send	0x21, ICR_LOGICAL | ICR_ASSERT | 0x43
	send	0x22, ICR_LOGICAL | ICR_ASSERT | 0x44
	send	0x31, ICR_LOGICAL | ICR_ASSERT | 0x45
	checkpoint
meet
vcpu 0
	requests BIT_OF(0x41)
vcpu 1
	requests BIT_OF(0x41) | BIT_OF(0x42)
vcpu 2
	requests BIT_OF(0x43)

; count_requests: adds this processor's requests of 40h to 5fh to what SCRATCH holds.
%macro count_requests 0.nolist
	apic_read eax, APIC_IRR + BANK(0x40)
	lock add dword [SCRATCH], eax
	xor	eax, eax
	checkpoint rax=0, status=ZF | PF, undefined=AF
%endmacro

case lowest, "Of several processors a lowest-priority interrupt reaches exactly one"
	ref	"SDM 3 10.6.2.4", "APM 2 16.6.1"
	smp	2
	apics
	ready	0
	apic_write APIC_LDR, 0x01000000
	checkpoint
	ready	1
	apic_write APIC_LDR, 0x02000000
	checkpoint
meet
vcpu 0
	send	3, ICR_LOGICAL | ICR_LOWEST | ICR_ASSERT | 0x41
	send	3, ICR_LOGICAL | ICR_LOWEST | ICR_ASSERT | 0x42
	send	3, ICR_LOGICAL | ICR_LOWEST | ICR_ASSERT | 0x43
	checkpoint
meet
vcpu 0
	count_requests
vcpu 1
	count_requests
meet
	writes	SCRATCH, dd, BIT_OF(0x41) | BIT_OF(0x42) | BIT_OF(0x43)

case lowest_one, "Where its destination is one processor, that one gets it"
	ref	"SDM 3 10.6.2.4", "APM 2 16.6.1"
	smp	2
	apics
	ready	0
	apic_write APIC_LDR, 0x01000000
	checkpoint
	ready	1
	apic_write APIC_LDR, 0x02000000
	checkpoint
meet
vcpu 0
	send	2, ICR_LOGICAL | ICR_LOWEST | ICR_ASSERT | 0x41
	checkpoint
	requests 0
vcpu 1
	take	0x41

case disabled, "A processor whose APIC is software-disabled takes no fixed interrupt"
	ref	"SDM 3 10.4.7.2", "APM 2 16.3.1"
	smp	2
	apics
	ready	0
vcpu 1
	given	rdi=APIC_BASE
	checkpoint
meet
vcpu 0
	send	1, ICR_ASSERT | 0x41
	send	0, ICR_OTHERS | ICR_ASSERT | 0x42
	checkpoint
meet
vcpu 1
	requests 0

case tpr, "The receiver's TPR holds an interrupt back until it is lowered"
	ref	"SDM 3 10.8.3.1", "APM 2 16.6.4"
	smp	2
	apics
	ready	0
	ready	1
	apic_write APIC_TPR, 0x40
	checkpoint cr8=4
meet
vcpu 0
	send	1, ICR_ASSERT | 0x41
	checkpoint
meet
vcpu 1
	sti
	nop
	nop
	cli
	checkpoint
	requests BIT_OF(0x41)
	apic_write APIC_TPR, 0x30
	sti
.spin:	jmp	.spin
	expect	exception, vector=0x41, rip=.spin, set=IF, cr8=3
	eoi
	checkpoint

case higher_first, "Of two that wait the higher vector is taken first"
	ref	"SDM 3 10.8.3", "APM 2 16.6.3"
	smp	2
	apics
	ready	0
	ready	1
meet
vcpu 0
	send	1, ICR_ASSERT | 0x41
	send	1, ICR_ASSERT | 0x52
	checkpoint
meet
vcpu 1
	take	0x52
	take	0x41

case twice, "The same vector sent twice before it is taken is one request"
	ref	"SDM 3 10.8.4", "APM 2 16.6.3"
	smp	2
	apics
	ready	0
	ready	1
meet
vcpu 0
	send	1, ICR_ASSERT | 0x41
	send	1, ICR_ASSERT | 0x41
	checkpoint
meet
vcpu 1
	take	0x41
	sti
	nop
	nop
	cli
	checkpoint
	requests 0

case nmi, "An NMI is taken with IF clear, and needs no enabled APIC"
	ref	"SDM 3 10.6.1", "SDM 3 10.4.7.2", "APM 2 16.5"
	smp	2
	apics
	ready	0
vcpu 1
	given	rdi=APIC_BASE
	checkpoint
meet
vcpu 0
	send	1, ICR_NMI | ICR_ASSERT
	checkpoint
vcpu 1
.spin:	jmp	.spin
	expect	exception, vector=VEC_NMI, rip=.spin
	checkpoint

case nmi_back, "An NMI from vCPU 1 reaches the BSP, and not the sender"
	ref	"SDM 3 10.6.1", "APM 2 16.5"
	smp	2
	apics
	ready	0
	ready	1
meet
vcpu 1
	send	0, ICR_NMI | ICR_OTHERS | ICR_ASSERT
	nop
	checkpoint
	action	check, ev_nmi_pending=0, ev_nmi_injected=0
vcpu 0
.spin:	jmp	.spin
	expect	exception, vector=VEC_NMI, rip=.spin
	checkpoint

case wakes, "A fixed interrupt wakes a processor from HLT"
	ref	"SDM 2 HLT", "APM 2 16.5"
	smp	2
	apics
	ready	0
	ready	1
	sti
	hlt
	expect	halted, set=IF
meet
vcpu 0
	send	1, ICR_ASSERT | 0x41
	checkpoint
vcpu 1
	expect	exception, vector=0x41
	cli
	eoi
	checkpoint clear=IF

case wakes_bsp, "And so it does the BSP"
	ref	"SDM 2 HLT", "APM 2 16.5"
	smp	2
	apics
	ready	0
	sti
	hlt
	expect	halted, set=IF
	ready	1
meet
vcpu 1
	send	0, ICR_ASSERT | 0x41
	checkpoint
vcpu 0
	expect	exception, vector=0x41
	cli
	eoi
	checkpoint clear=IF

case nmi_wakes, "An NMI wakes a processor from HLT with IF clear"
	ref	"SDM 2 HLT", "SDM 3 6.7"
	smp	2
	apics
	ready	0
	ready	1
	hlt
	expect	halted
meet
vcpu 0
	send	1, ICR_NMI | ICR_ASSERT
	checkpoint
vcpu 1
	expect	exception, vector=VEC_NMI
	checkpoint

case sleeps_on, "With IF clear a fixed interrupt wakes none from HLT, but waits"
	ref	"SDM 2 HLT", "SDM 3 6.8.1"
	smp	2
	apics
	ready	0
	ready	1
	hlt
	expect	halted
meet
vcpu 0
	send	1, ICR_ASSERT | 0x41
	checkpoint
meet
vcpu 1
	expect	halted
	requests BIT_OF(0x41)

%define ROUNDS 100
; doze ADDRESS: halts until so many interrupts have come.
%macro doze 1.nolist
%%on:	cli
	cmp	dword [%1], ROUNDS
	jae	%%out
	sti
	hlt
	jmp	%%on
%%out:
%endmacro

case ping_pong, "Two processors that halt and wake each other lose no interrupt"
	ref	"SDM 2 HLT", "SDM 2 STI", "SDM 3 10.6.1"
	smp	2
	apics
	gate	0x41, offset=.count
	given	rsi=SCRATCH, rbx=ICR_TO(1), rcx=ROUNDS - 1
	apic_enable
	checkpoint
vcpu 1
	given	rdi=APIC_BASE, rsi=SCRATCH + 0x80, rbx=0, rcx=ROUNDS
	apic_enable
	checkpoint
meet
vcpu 0
	send	1, ICR_ASSERT | 0x41
	doze	SCRATCH
	checkpoint status=ZF | PF
	undefined_memory STACK_TOP - 0x40, 0x40
	jmp	.end0
; The handler of both: RSI counts, RBX is the other's ID, and so many answers are RCX.
.count:	inc	dword [xsi]
	eoi
	cmp	[xsi], ecx
	ja	.last
	mov	[xdi + APIC_ICR2], ebx
	apic_write APIC_ICR, ICR_ASSERT | 0x41
.last:
	%if BITS == 64
		iretq
	%else
		iret
	%endif
.end0:	checkpoint
vcpu 1
	doze	SCRATCH + 0x80
	checkpoint status=ZF | PF
	undefined_memory STACK_TOP_1 - 0x40, 0x40
meet
	writes	SCRATCH, dd, ROUNDS
	writes	SCRATCH + 0x80, dd, ROUNDS

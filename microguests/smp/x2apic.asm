; SPDX-License-Identifier: GPL-2.0-only
; Interrupts between processors whose local APICs are in x2APIC mode.
%include "microguest.inc"
modes real16, prot32, long64
%include "events.inc"
%include "smp.inc"

%define X2APIC_SELF_IPI 0x83f
%define BSP_BASE (APIC_BASE | APIC_BASE_ENABLE | APIC_BASE_X2APIC | APIC_BASE_BSP)
%define AP_BASE (APIC_BASE | APIC_BASE_ENABLE | APIC_BASE_X2APIC)

; ECX, EAX and EDX are 0 again after each.
%macro x2_write 2-3.nolist 0	; MSR, VALUE[, UPPER HALF]
	mov	ecx, %1
	mov	eax, %2
	mov	edx, %3
	wrmsr
	xor	ecx, ecx
	xor	eax, eax
	xor	edx, edx
%endmacro
%macro x2_read 2.nolist		; TO, MSR
	mov	ecx, %2
	rdmsr
	mov	%1, eax
	xor	ecx, ecx
	xor	eax, eax
	xor	edx, edx
%endmacro
%define ZEROED status=ZF | PF, undefined=AF

; x2apics: local APICs in the kernel, in x2APIC mode.
%macro x2apics 0.nolist
	irqchip	split, kernel
	need	x2apic
%endmacro

; x2_ready N: vCPU N has its APIC enabled.
%macro x2_ready 1.nolist
vcpu %1
	%if %1
		given	apic_base=AP_BASE, rax=0, rcx=0, rdx=0
	%else
		given	apic_base=BSP_BASE, rax=0, rcx=0, rdx=0
	%endif
	x2_write X2APIC(APIC_SVR), SVR_ENABLE | 0xff
	checkpoint ZEROED
%endmacro

%macro x2_send 2.nolist		; DESTINATION, COMMAND
	x2_write X2APIC(APIC_ICR), %2, %1
%endmacro

%macro x2_take 1.nolist
	sti
%%spin:	jmp	%%spin
	expect	exception, vector=%1, rip=%%spin, set=IF
	cli
	x2_write X2APIC(APIC_EOI), 0
	checkpoint clear=IF, ZEROED
%endmacro

case fixed, "A fixed interrupt to an ID of 32 bits reaches that processor"
	ref	"SDM 3 10.12.9", "SDM 3 10.12.10.1", "APM 2 16.13"
	smp	2
	x2apics
	x2_ready 0
	x2_ready 1
meet
vcpu 0
	x2_send	1, ICR_ASSERT | 0x41
	checkpoint ZEROED
	requests 0
vcpu 1
	x2_take	0x41

case fixed_back, "And so does one from vCPU 1 to the BSP"
	ref	"SDM 3 10.12.9", "SDM 3 10.12.10.1", "APM 2 16.13"
	smp	2
	x2apics
	x2_ready 0
	x2_ready 1
meet
vcpu 1
	x2_send	0, ICR_ASSERT | 0x42
	checkpoint ZEROED
	requests 0
vcpu 0
	x2_take	0x42

case ids, "The ID register holds the whole ID; the logical ID follows from it"
	ref	"SDM 3 10.12.5.1", "SDM 3 10.12.10.2", "APM 2 16.12"
	smp	3
	x2apics
	x2_ready 0
	x2_read	ebx, X2APIC(APIC_ID)
	x2_read	esi, X2APIC(APIC_LDR)
	checkpoint rbx=0, rsi=1, ZEROED
	x2_ready 1
	x2_read	ebx, X2APIC(APIC_ID)
	x2_read	esi, X2APIC(APIC_LDR)
	checkpoint rbx=1, rsi=2, ZEROED
	x2_ready 2
	x2_read	ebx, X2APIC(APIC_ID)
	x2_read	esi, X2APIC(APIC_LDR)
	checkpoint rbx=2, rsi=4, ZEROED

case narrow, "In x2APIC mode 0ffh is an ID like any other, and no broadcast"
	ref	"SDM 3 10.12.9"
	smp	2
	x2apics
	x2_ready 0
	x2_ready 1
meet
vcpu 0
	x2_send	0xff, ICR_ASSERT | 0x41
	checkpoint ZEROED
meet
vcpu 0
	requests 0
vcpu 1
	requests 0

case broadcast, "Destination ffffffffh means all processors"
	ref	"SDM 3 10.12.9", "APM 2 16.13"
	smp	2
	x2apics
	x2_ready 0
	x2_ready 1
meet
vcpu 0
	x2_send	0xffffffff, ICR_ASSERT | 0x43
	checkpoint ZEROED
	x2_take	0x43
vcpu 1
	x2_take	0x43

case others, "The shorthand all-but-self leaves the sender out"
	ref	"SDM 3 10.6.1", "SDM 3 10.12.9", "APM 2 16.13"
	smp	3
	x2apics
	x2_ready 0
	x2_ready 1
	x2_ready 2
meet
vcpu 1
	x2_send	0, ICR_OTHERS | ICR_ASSERT | 0x44
	checkpoint ZEROED
	requests 0
vcpu 0
	x2_take	0x44
vcpu 2
	x2_take	0x44

case self_ipi, "The self-IPI register reaches no other processor"
	ref	"SDM 3 10.12.11", "APM 2 16.15"
	smp	2
	x2apics
	x2_ready 0
	x2_ready 1
meet
vcpu 1
	x2_write X2APIC_SELF_IPI, 0x45
	checkpoint ZEROED
	x2_take	0x45
meet
vcpu 0
	requests 0

case logical, "A logical destination is a cluster and a mask of its processors"
	ref	"SDM 3 10.12.10.2", "APM 2 16.14"
	smp	3
	x2apics
	x2_ready 0
	x2_ready 1
	x2_ready 2
meet
vcpu 0
	x2_send	0x00006, ICR_LOGICAL | ICR_ASSERT | 0x41
	x2_send	0x00003, ICR_LOGICAL | ICR_ASSERT | 0x42
	x2_send	0x10007, ICR_LOGICAL | ICR_ASSERT | 0x43
	x2_send	0x00008, ICR_LOGICAL | ICR_ASSERT | 0x44
	checkpoint ZEROED
meet
vcpu 0
	requests BIT_OF(0x42)
vcpu 1
	requests BIT_OF(0x41) | BIT_OF(0x42)
vcpu 2
	requests BIT_OF(0x41)

case lowest, "Of several processors a lowest-priority interrupt reaches exactly one"
	ref	"SDM 3 10.6.2.4", "SDM 3 10.12.10.2"
	smp	2
	x2apics
	x2_ready 0
	x2_ready 1
meet
vcpu 0
	x2_send	3, ICR_LOGICAL | ICR_LOWEST | ICR_ASSERT | 0x41
	x2_send	3, ICR_LOGICAL | ICR_LOWEST | ICR_ASSERT | 0x42
	checkpoint ZEROED
meet
vcpu 0
	x2_read	ebx, X2APIC(APIC_IRR) + 2
	lock add dword [SCRATCH], ebx
	xor	ebx, ebx
	checkpoint rbx=0, ZEROED
vcpu 1
	x2_read	ebx, X2APIC(APIC_IRR) + 2
	lock add dword [SCRATCH], ebx
	xor	ebx, ebx
	checkpoint rbx=0, ZEROED
meet
	writes	SCRATCH, dd, BIT_OF(0x41) | BIT_OF(0x42)

case nmi, "An NMI is taken with IF clear"
	ref	"SDM 3 10.6.1", "SDM 3 10.12.9", "APM 2 16.13"
	smp	2
	x2apics
	x2_ready 0
	x2_ready 1
meet
vcpu 0
	x2_send	1, ICR_NMI | ICR_ASSERT
	checkpoint ZEROED
vcpu 1
.spin:	jmp	.spin
	expect	exception, vector=VEC_NMI, rip=.spin
	checkpoint

case wakes, "An interrupt wakes a processor from HLT"
	ref	"SDM 2 HLT", "SDM 3 10.12.9"
	smp	2
	x2apics
	x2_ready 0
	x2_ready 1
	sti
	hlt
	expect	halted, set=IF
meet
vcpu 0
	x2_send	1, ICR_ASSERT | 0x41
	checkpoint ZEROED
vcpu 1
	expect	exception, vector=0x41
	checkpoint

%if !REAL
case mixed, "A processor in xAPIC mode and one in x2APIC mode reach each other"
	ref	"SDM 3 10.12.8", "SDM 3 10.12.9"
	smp	2
	apics
	need	x2apic
	ready	0
	x2_ready 1
meet
vcpu 0
	send	1, ICR_ASSERT | 0x41
	checkpoint
vcpu 1
	x2_take	0x41
	x2_send	0, ICR_ASSERT | 0x42
	checkpoint
vcpu 0
	take	0x42
%endif

; SPDX-License-Identifier: GPL-2.0-only
; The local APIC in x2APIC mode, through its model-specific registers.
%include "microguest.inc"
modes real16, prot32, compat32, long64
%include "events.inc"

%define X2APIC_SELF_IPI 0x83f

%macro x2apic 0.nolist
	irqchip	split, kernel
	need	x2apic
	given	apic_base=APIC_BASE | APIC_BASE_ENABLE | APIC_BASE_X2APIC | APIC_BASE_BSP, rax=0, rcx=0, rdx=0
%endmacro

; ECX and EAX are 0 again after each.
%macro x2_write 2.nolist	; MSR, VALUE
	mov	ecx, %1
	mov	eax, %2
	wrmsr
	mov	ecx, 0
	mov	eax, 0
%endmacro
%macro x2_read 2.nolist		; TO, MSR
	mov	ecx, %2
	rdmsr
	mov	%1, eax
	mov	ecx, 0
	mov	eax, 0
%endmacro

case self_ipi, "The self-IPI register makes a request, taken at STI, ended by EOI"
	ref	"SDM 3 10.12.11", "APM 2 16.15"
	x2apic
	x2_write X2APIC(APIC_SVR), SVR_ENABLE | 0xff
	x2_write X2APIC_SELF_IPI, 0x45
	x2_read	ebx, X2APIC(APIC_IRR) + 2
	checkpoint rbx=1 << 5
	sti
	nop
	expect	exception, vector=0x45, set=IF
	x2_read	ebx, X2APIC(APIC_ISR) + 2
	checkpoint rbx=1 << 5
	x2_write X2APIC(APIC_EOI), 0
	x2_read	ebx, X2APIC(APIC_ISR) + 2
	checkpoint rbx=0

case icr, "The ICR is one register of 64 bits, with the destination in EDX"
	ref	"SDM 3 10.12.9", "APM 2 16.13"
	x2apic
	x2_write X2APIC(APIC_SVR), SVR_ENABLE | 0xff
	x2_write X2APIC(APIC_ICR), ICR_ASSERT | 0x45
	mov	edx, 5
	x2_write X2APIC(APIC_ICR), ICR_ASSERT | 0x46
	mov	edx, 0
	x2_read	ebx, X2APIC(APIC_IRR) + 2
	checkpoint rbx=1 << 5

case eoi_nonzero, "WRMSR of anything but 0 to the EOI register raises #GP"
	ref	"SDM 3 10.12.1.2", "APM 2 16.11"
	x2apic
	mov	ecx, X2APIC(APIC_EOI)
	mov	al, 1
.i:	wrmsr
%if REAL
	expect	exception, vector=VEC_GP, rip=.i, rcx=X2APIC(APIC_EOI), rax=1
%else
	expect	exception, vector=VEC_GP, error=0, rip=.i, rcx=X2APIC(APIC_EOI), rax=1
%endif
	checkpoint

case no_dfr, "There is no DFR in x2APIC mode: RDMSR raises #GP"
	ref	"SDM 3 10.12.1.2", "APM 2 16.11"
	x2apic
	mov	ecx, X2APIC(APIC_DFR)
.i:	rdmsr
%if REAL
	expect	exception, vector=VEC_GP, rip=.i, rcx=X2APIC(APIC_DFR)
%else
	expect	exception, vector=VEC_GP, error=0, rip=.i, rcx=X2APIC(APIC_DFR)
%endif
	checkpoint

case read_only_id, "The ID register is read-only: WRMSR raises #GP"
	ref	"SDM 3 10.12.1.2", "APM 2 16.11"
	x2apic
	x2_read	ebx, X2APIC(APIC_ID)
	checkpoint rbx=0
	mov	ecx, X2APIC(APIC_ID)
.i:	wrmsr
%if REAL
	expect	exception, vector=VEC_GP, rip=.i, rcx=X2APIC(APIC_ID)
%else
	expect	exception, vector=VEC_GP, error=0, rip=.i, rcx=X2APIC(APIC_ID)
%endif
	checkpoint

case tpr_reserved, "Bits 8 and up of the TPR are reserved: WRMSR raises #GP"
	ref	"SDM 3 10.12.1.2", "APM 2 16.11"
	x2apic
	mov	ecx, X2APIC(APIC_TPR)
	mov	ah, 1
.i:	wrmsr
%if REAL
	expect	exception, vector=VEC_GP, rip=.i, rcx=X2APIC(APIC_TPR), rax=0x100
%else
	expect	exception, vector=VEC_GP, error=0, rip=.i, rcx=X2APIC(APIC_TPR), rax=0x100
%endif
	checkpoint

case disabled_msrs, "Outside x2APIC mode its registers raise #GP"
	ref	"SDM 3 10.12.2", "APM 2 16.9"
	irqchip	split, kernel
	need	x2apic
	given	rcx=X2APIC(APIC_ID)
.i:	rdmsr
%if REAL
	expect	exception, vector=VEC_GP, rip=.i
%else
	expect	exception, vector=VEC_GP, error=0, rip=.i
%endif
	checkpoint

case back_to_xapic, "From x2APIC mode there is no direct way back to xAPIC mode: #GP"
	ref	"SDM 3 10.12.5", "APM 2 16.9"
	x2apic
	mov	ecx, MSR_APIC_BASE
	mov	eax, APIC_BASE | APIC_BASE_ENABLE | APIC_BASE_BSP
.i:	wrmsr
%if REAL
	expect	exception, vector=VEC_GP, rip=.i, rcx=MSR_APIC_BASE, rax=APIC_BASE | APIC_BASE_ENABLE | APIC_BASE_BSP
%else
	expect	exception, vector=VEC_GP, error=0, rip=.i, rcx=MSR_APIC_BASE, rax=APIC_BASE | APIC_BASE_ENABLE | APIC_BASE_BSP
%endif
	checkpoint

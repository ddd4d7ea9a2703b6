; SPDX-License-Identifier: GPL-2.0-only
; Interrupts of the IOAPIC, of messages and of the timers, to one processor of several.
%include "microguest.inc"
modes prot32, long64
%include "events.inc"
%include "smp.inc"

%define PIN 20
%define MSI_TO(id) (MSI_ADDRESS | (id) << 12)
%define MSI_LOGICAL 0x4		; destination mode, SDM 3 10.11.1
%define MSI_HINT 0x8		; redirection hint
%define MSI_LOWEST 0x100	; delivery mode in the data, SDM 3 10.11.2
%define REDIR_LOGICAL 0x800
%define REDIR_LOWEST 0x100

%macro io_write 2.nolist	; REGISTER, VALUE
	mov	dword [xsi], %1
	mov	dword [xsi + 0x10], %2
%endmacro
%macro io_read 2.nolist		; TO, REGISTER
	mov	dword [xsi], %2
	mov	%1, [xsi + 0x10]
%endmacro
; redirect ID, LOW: the entry of PIN.
%macro redirect 2.nolist
	io_write IOREDTBL(PIN) + 1, ICR_TO(%1)
	io_write IOREDTBL(PIN), %2
%endmacro

; ioapic: PIC, IOAPIC and local APICs in the kernel; the IOAPIC at RSI.
%macro ioapic 0.nolist
	ref	"82093AA, 3.2.4", "kvm api KVM_IRQ_LINE"
	smp	2
	irqchip	kernel
	given	rsi=IOAPIC_BASE, rdi=APIC_BASE
	%if PAGED
		pde	APIC_BASE, set=PTE_PS | PTE_PCD
		pde	IOAPIC_BASE, set=PTE_PS | PTE_PCD
	%endif
%endmacro
%macro raise 0.nolist
	action	irq_line, gsi=PIN, level=1
%endmacro
%macro lower 0.nolist
	action	irq_line, gsi=PIN, level=0
%endmacro
; logical_ids: both APICs in the flat model, 1 and 2.
%macro logical_ids 0.nolist
	ready	0
	apic_write APIC_LDR, 0x01000000
	checkpoint
	ready	1
	apic_write APIC_LDR, 0x02000000
	checkpoint
vcpu 0
%endmacro

case ioapic_physical, "An entry with a physical destination sends to that processor"
	ioapic
	redirect 1, 0x41
	ready	0
	ready	1
meet
vcpu 0
	raise
	requests 0
vcpu 1
	take	0x41
meet
vcpu 0
	lower
	nop
	checkpoint

case ioapic_wakes, "And wakes it from HLT"
	ioapic
	redirect 1, 0x41
	ready	0
	ready	1
	sti
	hlt
	expect	halted, set=IF
meet
vcpu 0
	raise
vcpu 1
	expect	exception, vector=0x41
	cli
	eoi
	checkpoint clear=IF

case ioapic_logical, "An entry with a logical destination of two bits sends to both"
	ioapic
	redirect 3, REDIR_LOGICAL | 0x41
	logical_ids
meet
vcpu 0
	raise
	take	0x41
vcpu 1
	take	0x41

case ioapic_lowest, "A lowest-priority entry for two processors sends to exactly one"
	ioapic
	redirect 3, REDIR_LOGICAL | REDIR_LOWEST | 0x41
	logical_ids
meet
vcpu 0
	raise
meet
vcpu 0
	apic_read eax, APIC_IRR + BANK(0x40)
	lock add dword [SCRATCH], eax
	xor	eax, eax
	checkpoint rax=0, status=ZF | PF, undefined=AF
vcpu 1
	apic_read eax, APIC_IRR + BANK(0x40)
	lock add dword [SCRATCH], eax
	xor	eax, eax
	checkpoint rax=0, status=ZF | PF, undefined=AF
meet
	writes	SCRATCH, dd, BIT_OF(0x41)

case ioapic_level, "A level at another processor: its EOI there clears remote IRR"
	ioapic
	redirect 1, REDIR_LEVEL | 0x41
	ready	0
	ready	1
meet
vcpu 0
	raise
	io_read	eax, IOREDTBL(PIN)
	checkpoint rax=REDIR_LEVEL | REDIR_REMOTE_IRR | 0x41
	lower
meet
vcpu 1
	take	0x41
meet
vcpu 0
	io_read	eax, IOREDTBL(PIN)
	checkpoint rax=REDIR_LEVEL | 0x41

case ioapic_nmi, "An entry that sends an NMI to the other processor"
	ioapic
	redirect 1, REDIR_NMI
	ready	0
	ready	1
meet
vcpu 0
	raise
	nop
	checkpoint
vcpu 1
.spin:	jmp	.spin
	expect	exception, vector=VEC_NMI, rip=.spin
	checkpoint

case ioapic_moved, "An entry changed to another destination sends there from then on"
	ioapic
	redirect 0, 0x41
	ready	0
	ready	1
meet
vcpu 0
	raise
	lower
	redirect 1, 0x42
	checkpoint
	raise
	requests BIT_OF(0x41)
meet
vcpu 1
	requests BIT_OF(0x42)

case message, "A message goes to the processor its address names"
	ref	"SDM 3 10.11.1", "kvm api KVM_SIGNAL_MSI"
	need	cap_signal_msi
	smp	2
	apics
	ready	0
	ready	1
meet
vcpu 0
	action	msi, address=MSI_TO(1), data=0x41, result=1
	requests 0
vcpu 1
	take	0x41

case message_all, "A message to ID 0ffh goes to all"
	ref	"SDM 3 10.11.1", "kvm api KVM_SIGNAL_MSI"
	need	cap_signal_msi
	smp	2
	apics
	ready	0
	ready	1
meet
vcpu 0
	action	msi, address=MSI_TO(0xff), data=0x41
	take	0x41
vcpu 1
	take	0x41

case message_absent, "A message to an ID that no processor has is taken by none"
	ref	"SDM 3 10.11.1", "kvm api KVM_SIGNAL_MSI"
	need	cap_signal_msi
	smp	2
	apics
	ready	0
	ready	1
meet
vcpu 0
	action	msi, address=MSI_TO(5), data=0x41, result=0
meet
vcpu 0
	requests 0
vcpu 1
	requests 0

case message_logical, "A message with a logical destination"
	ref	"SDM 3 10.11.1", "kvm api KVM_SIGNAL_MSI"
	need	cap_signal_msi
	smp	2
	apics
	logical_ids
meet
vcpu 0
	action	msi, address=MSI_TO(2) | MSI_LOGICAL, data=0x41
	action	msi, address=MSI_TO(3) | MSI_LOGICAL, data=0x42
meet
vcpu 0
	requests BIT_OF(0x42)
vcpu 1
	requests BIT_OF(0x41) | BIT_OF(0x42)

case message_nmi, "A message that is an NMI for the other processor"
	ref	"SDM 3 10.11.2", "kvm api KVM_SIGNAL_MSI"
	need	cap_signal_msi
	smp	2
	apics
	ready	0
	ready	1
	hlt
	expect	halted
meet
vcpu 0
	action	msi, address=MSI_TO(1), data=ICR_NMI
vcpu 1
	expect	exception, vector=VEC_NMI
	checkpoint

case timers, "Each processor's timer interrupts it alone"
	ref	"SDM 3 10.5.4", "APM 2 16.4.1"
	smp	2
	apics
	ready	0
	apic_write APIC_TIMER_DIVIDE, TIMER_DIVIDE_1
	apic_write APIC_LVT_TIMER, 0x45
	apic_write APIC_TIMER_INITIAL, 0x4000
	sti
	hlt
	expect	exception, vector=0x45, set=IF
	cli
	eoi
	checkpoint clear=IF
	ready	1
	apic_write APIC_TIMER_DIVIDE, TIMER_DIVIDE_1
	apic_write APIC_LVT_TIMER, 0x46
	apic_write APIC_TIMER_INITIAL, 0x8000
	sti
	hlt
	expect	exception, vector=0x46, set=IF
	cli
	eoi
	checkpoint clear=IF
meet
vcpu 0
	requests 0
vcpu 1
	requests 0

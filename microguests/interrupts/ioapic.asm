; SPDX-License-Identifier: GPL-2.0-only
; The IOAPIC in the kernel: redirection entries, triggers, masks, remote IRR, EOI.
%include "microguest.inc"
modes prot32, long64
%include "events.inc"

%define PIN 20
%define V 0x55
%define BANK(v) ((v) / 32 * 16)
%define BIT_OF(v) (1 << ((v) % 32))

; ioapic: IOAPIC at RSI, local APIC at RDI, enabled; IF clear.
%macro ioapic 0.nolist
	irqchip	kernel
	given	rsi=IOAPIC_BASE, rdi=APIC_BASE
	%if PAGED
		pde	APIC_BASE, set=PTE_PS | PTE_PCD
		pde	IOAPIC_BASE, set=PTE_PS | PTE_PCD
	%endif
	mov	dword [xdi + APIC_SVR], SVR_ENABLE | 0xff
%endmacro

%macro io_write 2.nolist	; REGISTER, VALUE
	mov	dword [xsi], %1
	mov	dword [xsi + 0x10], %2
%endmacro
%macro io_read 2.nolist		; TO, REGISTER
	mov	dword [xsi], %2
	mov	%1, [xsi + 0x10]
%endmacro

; redirect LOW[, HIGH]: the entry of PIN.
%macro redirect 1-2.nolist 0
	io_write IOREDTBL(PIN) + 1, %2
	io_write IOREDTBL(PIN), %1
%endmacro

%macro raise 0.nolist
	action	irq_line, gsi=PIN, level=1
%endmacro
%macro lower 0.nolist
	action	irq_line, gsi=PIN, level=0
%endmacro
%macro take 1.nolist
	sti
	nop
	expect	exception, vector=%1, set=IF
	cli
%endmacro
%macro none 0.nolist
	sti
	nop
	nop
	cli
%endmacro
%macro eoi 0.nolist
	mov	dword [xdi + APIC_EOI], 0
%endmacro

case registers, "The version register tells 24 entries; an entry reads back as written"
	ref	"82093AA, 3.2.2", "82093AA, 3.2.4"
	ioapic
	redirect REDIR_MASKED | REDIR_LEVEL | V, 0x03000000
	io_read	eax, IOREDTBL(PIN)
	io_read	ebx, IOREDTBL(PIN) + 1
	io_read	edx, IOAPIC_VERSION
	and	edx, 0xff0000
	checkpoint rax=REDIR_MASKED | REDIR_LEVEL | V, rbx=0x03000000, rdx=0x170000, status=PF, undefined=AF

case edge, "A rising edge sends the entry's vector, once"
	ref	"82093AA, 3.2.4", "kvm api KVM_IRQ_LINE"
	ioapic
	redirect V
	checkpoint
	raise
	take	V
	eoi
	raise
	none
	checkpoint clear=IF
	lower
	raise
	take	V
	checkpoint clear=IF

case edge_masked, "An edge on a masked pin is lost"
	ref	"82093AA, 3.2.4"
	ioapic
	redirect REDIR_MASKED | V
	checkpoint
	raise
	redirect V
	none
	checkpoint

case level, "A level is sent again after EOI for as long as the line is high"
	ref	"82093AA, 3.2.4"
	ioapic
	redirect REDIR_LEVEL | V
	checkpoint
	raise
	take	V
	io_read	eax, IOREDTBL(PIN)
	mov	ebx, [xdi + APIC_TMR + BANK(V)]
	checkpoint clear=IF, rax=REDIR_LEVEL | REDIR_REMOTE_IRR | V, rbx=BIT_OF(V)
	eoi
	take	V
	checkpoint clear=IF
	lower
	eoi
	none
	io_read	eax, IOREDTBL(PIN)
	checkpoint rax=REDIR_LEVEL | V

case level_masked, "A masked line that stays high is sent when it is unmasked"
	ref	"82093AA, 3.2.4"
	ioapic
	redirect REDIR_MASKED | REDIR_LEVEL | V
	checkpoint
	raise
	none
	checkpoint
	redirect REDIR_LEVEL | V
	take	V
	checkpoint clear=IF

case low_active, "A line is active at level 1 whatever the entry's polarity"
	ref	"kvm api KVM_IRQ_LINE"
	ioapic
	redirect REDIR_LEVEL | REDIR_LOW_ACTIVE | V
	none
	checkpoint
	raise
	take	V
	checkpoint clear=IF

case nmi, "An entry of delivery mode NMI sends an NMI"
	ref	"82093AA, 3.2.4"
	ioapic
	redirect REDIR_NMI
	checkpoint
	raise
	expect	exception, vector=VEC_NMI
	checkpoint

case other_destination, "An entry with another physical destination reaches no one here"
	ref	"82093AA, 3.2.4"
	ioapic
	redirect V, 0x05000000
	checkpoint
	raise
	none
	checkpoint

case logical_destination, "An entry's logical destination meets the LDR"
	ref	"82093AA, 3.2.4", "SDM 3 10.6.2.2"
	ioapic
	mov	dword [xdi + APIC_DFR], 0xffffffff
	mov	dword [xdi + APIC_LDR], 0x04000000
	redirect V | 0x800, 0x0c000000
	checkpoint
	raise
	take	V
	checkpoint clear=IF

case halted, "A line wakes from HLT"
	ref	"SDM 2 HLT", "kvm api KVM_IRQ_LINE"
	ioapic
	redirect V
	sti
	hlt
	expect	halted, set=IF
	expect_hw hlt
	raise
	expect	exception, vector=V
	checkpoint

case irqfd, "Signalling an irqfd raises its line"
	ref	"kvm api KVM_IRQFD"
	ioapic
	need	cap_irqfd
	redirect V
	checkpoint
	action	irqfd, id=1, gsi=PIN
	action	signal_irqfd, id=1
	sti
	hlt
	expect	exception, vector=V, set=IF
	checkpoint

case routed_message, "A GSI routed to a message sends it when the line is raised"
	ref	"kvm api KVM_SET_GSI_ROUTING"
	ioapic
	need	cap_irq_routing
	checkpoint
	action	route, gsi=40, address=MSI_ADDRESS, data=0x61
	action	irq_line, gsi=40, level=1
	take	0x61
	checkpoint clear=IF

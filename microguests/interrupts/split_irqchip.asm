; SPDX-License-Identifier: GPL-2.0-only
; The split irqchip: the local APIC is the kernel's; PIC and IOAPIC are the runner's,
; which sends messages and is told of EOIs.
%include "microguest.inc"
modes prot32, long64
%include "events.inc"

%define PIN 5
%define V 0x61
%define MESSAGE_LEVEL 0x8000	; of a message's data (SDM 3 10.11.2)
%define MESSAGE_ASSERT 0x4000

%macro split 0.nolist
	irqchip	split
	need	cap_split_irqchip
	given	rdi=APIC_BASE
	%if PAGED
		pde	APIC_BASE, set=PTE_PS | PTE_PCD
	%endif
	mov	dword [xdi + APIC_SVR], SVR_ENABLE | 0xff
%endmacro

case level_eoi, "EOI of a level-triggered message of one of the IOAPIC's pins exits"
	ref	"kvm api KVM_CAP_SPLIT_IRQCHIP", "kvm api KVM_EXIT_IOAPIC_EOI"
	split
	checkpoint
	action	route, gsi=PIN, address=MSI_ADDRESS, data=MESSAGE_LEVEL | MESSAGE_ASSERT | V
	action	irq_line, gsi=PIN, level=1
	sti
	nop
	expect	exception, vector=V, set=IF
	mov	dword [xdi + APIC_EOI], 0
	expect	ioapic_eoi, vector=V
	checkpoint

case edge_eoi, "EOI of an edge-triggered message does not exit"
	ref	"kvm api KVM_CAP_SPLIT_IRQCHIP", "kvm api KVM_EXIT_IOAPIC_EOI"
	split
	checkpoint
	action	route, gsi=PIN, address=MSI_ADDRESS, data=V
	action	irq_line, gsi=PIN, level=1
	sti
	nop
	expect	exception, vector=V, set=IF
	mov	dword [xdi + APIC_EOI], 0
	checkpoint

case irqfd, "Signalling an irqfd sends its message"
	ref	"kvm api KVM_IRQFD", "kvm api KVM_SET_GSI_ROUTING"
	split
	need	cap_irqfd
	checkpoint
	action	route, gsi=PIN, address=MSI_ADDRESS, data=V
	action	irqfd, id=1, gsi=PIN
	action	signal_irqfd, id=1
	sti
	hlt
	expect	exception, vector=V, set=IF
	checkpoint

case external, "KVM_INTERRUPT comes through LINT0 as from a PIC, and a second one is refused"
	ref	"kvm api KVM_INTERRUPT", "kvm api KVM_CAP_SPLIT_IRQCHIP"
	split
	given	set=IF
	action	set_lapic, offset=APIC_LVT_LINT0, value=LVT_EXTINT
	checkpoint
	action	interrupt, vector=0x40
	action	interrupt, vector=0x41, errno=EEXIST
	expect	exception, vector=0x40
	checkpoint
	action	interrupt, vector=0x41
	expect	exception, vector=0x41
	checkpoint

case external_window, "The interrupt window opens behind STI's shadow with a split irqchip too"
	ref	"kvm api KVM_EXIT_IRQ_WINDOW_OPEN", "SDM 2 STI"
	split
	action	set_lapic, offset=APIC_LVT_LINT0, value=LVT_EXTINT
	action	request_window, value=1
	sti
	mov	cl, 5
	expect	irq_window, set=IF, rcx=LOW_BYTE(REG_RCX, 5)
	expect_hw irq_window
	action	request_window, value=0
	action	interrupt, vector=0x40
	expect	exception, vector=0x40
	checkpoint

case bad_vector, "KVM_INTERRUPT refuses vectors above 255"
	ref	"kvm api KVM_INTERRUPT"
	split
	checkpoint
	action	interrupt, vector=0x100, errno=EINVAL
	checkpoint

; SPDX-License-Identifier: GPL-2.0-only
; Interrupt controllers, PIT and clock by their KVM_GET/SET pairs: the guest sees
; what was set, by MMIO, ports, CR8 and interrupts.
%include "microguest.inc"
modes prot32, long64

%define API_LAPIC "Linux Documentation/virt/kvm/api.rst KVM_SET_LAPIC"
%define API_GET_LAPIC "Linux Documentation/virt/kvm/api.rst KVM_GET_LAPIC"
%define API_IRQCHIP "Linux Documentation/virt/kvm/api.rst KVM_SET_IRQCHIP"
%define API_PIT2 "Linux Documentation/virt/kvm/api.rst KVM_SET_PIT2"
%define API_CLOCK "Linux Documentation/virt/kvm/api.rst KVM_SET_CLOCK"

%define APIC_ID 0x20
%define APIC_TPR 0x80
%define APIC_LDR 0xd0
%define APIC_SVR 0xf0
%define APIC_ISR 0x100
%define APIC_IRR 0x200
%define APIC_LVT_TIMER 0x320
%define APIC_LVT_ERROR 0x370
%define APIC_TMICT 0x380
%define SVR_ENABLED 0x1ff
%define PIC_MASTER 0
%define PIC_SLAVE 1
%define IOAPIC 2
%define IOAPIC_BASE 0xfec00000

; The APICs are above what the stage maps: 4 KiB pages for them.
%macro apic_mapped 0.nolist
	irqchip	split, kernel
%if PAGED
	pte	APIC_BASE, pa=APIC_BASE
%endif
%endmacro
; An address of 32 bits that [disp32] of 64-bit code would sign-extend.
%macro load 2.nolist
	mov	esi, %2
	mov	%1, [xsi]
%endmacro

case lapic_registers, "The guest reads by MMIO the local APIC registers that were set"
	ref	API_LAPIC, "SDM 3 10.4.1", "APM 2 16.3.2"
	apic_mapped
	checkpoint
	action	set_lapic, offset=APIC_SVR, value=SVR_ENABLED
	action	set_lapic, offset=APIC_TPR, value=0x30
	action	set_lapic, offset=APIC_LDR, value=0x55000000
	action	set_lapic, offset=APIC_LVT_ERROR, value=0x100fe
	load	eax, APIC_BASE + APIC_TPR
	load	ebx, APIC_BASE + APIC_LDR
	load	ecx, APIC_BASE + APIC_LVT_ERROR
	load	edx, APIC_BASE + APIC_SVR
	checkpoint rax=0x30, rbx=0x55000000, rcx=0x100fe, rdx=SVR_ENABLED, \
		rsi=APIC_BASE + APIC_SVR, cr8=3

case lapic_written, "What the guest writes to its local APIC comes back by KVM_GET_LAPIC"
	ref	API_GET_LAPIC, "SDM 3 10.4.1"
	apic_mapped
	mov	esi, APIC_BASE
	mov	dword [xsi + APIC_SVR], SVR_ENABLED
	mov	dword [xsi + APIC_TPR], 0x40
	mov	dword [xsi + APIC_LVT_TIMER], 0x100e0
	mov	dword [xsi + APIC_TMICT], 0x12345678
	checkpoint rsi=APIC_BASE, cr8=4
	action	check_lapic, offset=APIC_SVR, value=SVR_ENABLED
	action	check_lapic, offset=APIC_TPR, value=0x40
	action	check_lapic, offset=APIC_LVT_TIMER, value=0x100e0
	action	check_lapic, offset=APIC_TMICT, value=0x12345678
	mov	dword [xsi + APIC_TMICT], 0
	checkpoint

case lapic_tpr_low_bits, "The sub-class in the task priority, which CR8 has not, stays as it was set"
	ref	API_LAPIC, "SDM 3 10.8.3.1", "SDM 3 10.8.6"
	apic_mapped
	checkpoint
	action	set_lapic, offset=APIC_TPR, value=0x35
	load	eax, APIC_BASE + APIC_TPR
	checkpoint rax=0x35, rsi=APIC_BASE + APIC_TPR, cr8=3
	action	check_lapic, offset=APIC_TPR, value=0x35
	checkpoint

case lapic_irr, "An interrupt request that was set in the local APIC is delivered"
	ref	API_LAPIC, "SDM 3 10.8.4"
	apic_mapped
	given	rflags=IF | 2
	checkpoint
	action	set_lapic, offset=APIC_SVR, value=SVR_ENABLED
	action	set_lapic, offset=APIC_IRR + 0x10 * (0x61 / 32), value=1 << (0x61 % 32)
	expect	exception, vector=0x61
	action	check_lapic, offset=APIC_ISR + 0x10 * (0x61 / 32), value=1 << (0x61 % 32)
	action	check_lapic, offset=APIC_IRR + 0x10 * (0x61 / 32), value=0
	checkpoint

case lapic_tpr_holds, "A task priority that was set holds requests back until the guest lowers it"
	ref	API_LAPIC, "SDM 3 10.8.3.1"
	apic_mapped
	given	rflags=IF | 2
	checkpoint
	action	set_lapic, offset=APIC_SVR, value=SVR_ENABLED
	action	set_lapic, offset=APIC_TPR, value=0x60
	action	set_lapic, offset=APIC_IRR + 0x10 * (0x61 / 32), value=1 << (0x61 % 32)
	nop
	checkpoint cr8=6
	mov	esi, APIC_BASE
	mov	dword [xsi + APIC_TPR], 0x50
	expect	exception, vector=0x61, rsi=APIC_BASE, cr8=5

case lapic_isr_holds, "An interrupt in service that was set holds lower requests back until its EOI"
	ref	API_LAPIC, "SDM 3 10.8.3.1", "SDM 3 10.8.5"
	apic_mapped
	given	rflags=IF | 2
	checkpoint
	action	set_lapic, offset=APIC_SVR, value=SVR_ENABLED
	action	set_lapic, offset=APIC_ISR + 0x10 * (0x71 / 32), value=1 << (0x71 % 32)
	action	set_lapic, offset=APIC_IRR + 0x10 * (0x61 / 32), value=1 << (0x61 % 32)
	nop
	checkpoint
	mov	esi, APIC_BASE
	mov	dword [xsi + 0xb0], 0
	expect	exception, vector=0x61, rsi=APIC_BASE
	action	check_lapic, offset=APIC_ISR + 0x10 * (0x71 / 32), value=1 << (0x61 % 32)
	checkpoint

%if LONG

case lapic_cr8, "CR8 is bits 7 to 4 of the task priority that was set"
	ref	API_LAPIC, "SDM 3 10.8.6.1"
	irqchip	split, kernel
	checkpoint
	action	set_lapic, offset=APIC_TPR, value=0xb0
	mov	rax, cr8
	checkpoint rax=0xb, cr8=0xb
	mov	ebx, 7
	mov	cr8, rbx
	checkpoint rbx=7, cr8=7
	action	check_lapic, offset=APIC_TPR, value=0x70
	checkpoint

%endif

case pic_mask, "The guest reads the PIC's masks that were set, and its own come back"
	ref	API_IRQCHIP
	irqchip	kernel
	checkpoint
	action	poke, text="IRQCHIP", id=PIC_MASTER, offset=IRQCHIP_CHIP + PIC_IMR, size=1, data=0x5a
	action	poke, text="IRQCHIP", id=PIC_SLAVE, offset=IRQCHIP_CHIP + PIC_IMR, size=1, data=0xa5
	in	al, 0x21
	mov	bl, al
	in	al, 0xa1
	checkpoint rax=(REG_RAX & ~0xff) | 0xa5, rbx=(REG_RBX & ~0xff) | 0x5a
	mov	al, 0x77
	out	0x21, al
	checkpoint rax=(REG_RAX & ~0xff) | 0x77
	action	peek, text="IRQCHIP", id=PIC_MASTER, offset=IRQCHIP_CHIP + PIC_IMR, size=1, data=0x77
	action	peek, text="IRQCHIP", id=PIC_SLAVE, offset=IRQCHIP_CHIP + PIC_IMR, size=1, data=0xa5
	checkpoint

case pic_initialised, "The vector base that the guest gives the PIC comes back"
	ref	API_IRQCHIP
	irqchip	kernel
	mov	al, 0x11
	out	0x20, al
	mov	al, 0x90
	out	0x21, al
	mov	al, 4
	out	0x21, al
	mov	al, 1
	out	0x21, al
	checkpoint rax=(REG_RAX & ~0xff) | 1
	action	peek, text="IRQCHIP", id=PIC_MASTER, offset=IRQCHIP_CHIP + PIC_IRQ_BASE, size=1, data=0x90
	checkpoint

case ioapic_redirection, "The guest reads the IOAPIC entry that was set, and its own comes back"
	ref	API_IRQCHIP, "82093AA 3.2.4"
	irqchip	kernel
%if PAGED
	pte	IOAPIC_BASE, pa=IOAPIC_BASE
%endif
	checkpoint
	action	poke, text="IRQCHIP", id=IOAPIC, offset=IRQCHIP_CHIP + IOAPIC_REDIRTBL + 5 * 8, size=8, \
		data=0x0300000000018067
	mov	esi, IOAPIC_BASE
	mov	dword [xsi], 0x10 + 5 * 2
	mov	eax, [xsi + 0x10]
	mov	dword [xsi], 0x11 + 5 * 2
	mov	ebx, [xsi + 0x10]
	checkpoint rsi=IOAPIC_BASE, rax=0x18067, rbx=0x03000000
	mov	dword [xsi], 0x10 + 6 * 2
	mov	dword [xsi + 0x10], 0x100a1
	checkpoint
	action	peek, text="IRQCHIP", id=IOAPIC, offset=IRQCHIP_CHIP + IOAPIC_REDIRTBL + 6 * 8, size=4, data=0x100a1
	checkpoint

case pit_mode, "The guest reads back the mode of the PIT's channel that was set"
	ref	API_PIT2, "8254 read-back command"
	irqchip	kernel
	checkpoint
	action	poke, text="PIT2", offset=2 * PIT_CHANNEL + PIT_MODE, size=1, data=3
	action	poke, text="PIT2", offset=2 * PIT_CHANNEL + PIT_RW_MODE, size=1, data=3
	mov	al, 0xe8			; latch the status of channel 2
	out	0x43, al
	in	al, 0x42
	and	al, 0x3f
	checkpoint rax=(REG_RAX & ~0xff) | 0x36, status=PF, undefined=AF

case pit_programmed, "What the guest programs into the PIT comes back"
	ref	API_PIT2
	irqchip	kernel
	mov	al, 0xb4			; channel 2, both bytes, mode 2
	out	0x43, al
	mov	al, 0x34
	out	0x42, al
	mov	al, 0x12
	out	0x42, al
	checkpoint rax=(REG_RAX & ~0xff) | 0x12
	action	peek, text="PIT2", offset=2 * PIT_CHANNEL + PIT_COUNT, size=4, data=0x1234
	action	peek, text="PIT2", offset=2 * PIT_CHANNEL + PIT_MODE, size=1, data=2
	checkpoint

case clock, "The clock goes on from what KVM_SET_CLOCK set"
	ref	API_CLOCK
	need	cap_adjust_clock
	checkpoint
	action	poke, text="CLOCK", offset=0, size=8, data=0x0123400000000000
	action	peek, text="CLOCK", offset=0, size=8, data=0x0123400000000000, mask=0xffffff0000000000
	checkpoint

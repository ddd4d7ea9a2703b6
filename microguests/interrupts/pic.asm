; SPDX-License-Identifier: GPL-2.0-only
; The pair of 8259A interrupt controllers in the kernel, in virtual-wire mode through
; LINT0 of the local APIC: initialisation, masks, triggers, priorities, EOI, cascade.
%include "microguest.inc"
modes real16, prot32, long64
%include "events.inc"

%define MASTER 0x30		; vector of IRQ 0
%define SLAVE 0x38		; vector of IRQ 8

; outb PORT, VALUE and inb TO, PORT leave AL 0.
%macro outb 2.nolist
	mov	al, %2
	out	%1, al
	mov	al, 0
%endmacro
%macro inb 2.nolist
	in	al, %2
	mov	%1, al
	mov	al, 0
%endmacro

; pic [ICW4]: a case with an initialised pair of PICs, nothing masked, IF clear.
%macro pic 0-1.nolist ICW4_8086
	irqchip	kernel
	given	rax=0, rbx=0
	action	set_lapic, offset=APIC_SVR, value=SVR_ENABLE | 0xff
	action	set_lapic, offset=APIC_LVT_LINT0, value=LVT_EXTINT
	outb	PIC1, ICW1_INIT
	outb	PIC1_DATA, MASTER
	outb	PIC1_DATA, 1 << 2
	outb	PIC1_DATA, %1
	outb	PIC2, ICW1_INIT
	outb	PIC2_DATA, SLAVE
	outb	PIC2_DATA, 2
	outb	PIC2_DATA, ICW4_8086
	outb	PIC1_DATA, 0
	outb	PIC2_DATA, 0
%endmacro

%macro raise 1.nolist
	action	irq_line, gsi=%1, level=1
%endmacro
%macro lower 1.nolist
	action	irq_line, gsi=%1, level=0
%endmacro

; take VECTOR: interrupts are let in, and this one comes.
%macro take 1.nolist
	sti
	nop
	expect	exception, vector=%1, set=IF
	cli
%endmacro

; none: interrupts are let in, and none comes.
%macro none 0.nolist
	sti
	nop
	nop
	cli
%endmacro

case initialised, "ICW1 starts over: the mask register is 0 behind it"
	ref	"8259A, initialization"
	irqchip	kernel
	given	rax=0, rbx=0
	outb	PIC1_DATA, 0xff
	inb	bl, PIC1_DATA
	checkpoint rbx=0xff
	outb	PIC1, ICW1_INIT
	outb	PIC1_DATA, MASTER
	outb	PIC1_DATA, 1 << 2
	outb	PIC1_DATA, ICW4_8086
	inb	bl, PIC1_DATA
	checkpoint rbx=0

case edge, "A rising edge requests once: IRR, then ISR, and after EOI neither"
	ref	"8259A, interrupt sequence", "kvm api KVM_IRQ_LINE"
	pic
	checkpoint
	raise	1
	inb	bl, PIC1		; OCW3 after initialisation: IRR
	checkpoint rbx=1 << 1
	take	MASTER + 1
	outb	PIC1, OCW3_READ_ISR
	inb	bl, PIC1
	checkpoint clear=IF
	outb	PIC1, OCW2_EOI
	inb	bl, PIC1
	none
	checkpoint rbx=0

case edge_again, "The line must fall before it can request again"
	ref	"8259A, edge and level triggered modes"
	pic
	checkpoint
	raise	3
	take	MASTER + 3
	outb	PIC1, OCW2_EOI
	raise	3
	none
	checkpoint clear=IF
	lower	3
	raise	3
	take	MASTER + 3
	checkpoint clear=IF

case mask, "A masked request waits in the IRR until it is unmasked"
	ref	"8259A, operation command words"
	pic
	outb	PIC1_DATA, 1 << 4
	checkpoint
	raise	4
	none
	inb	bl, PIC1
	checkpoint rbx=1 << 4
	outb	PIC1_DATA, 0
	take	MASTER + 4
	checkpoint clear=IF

case level, "A level-triggered line requests for as long as it is high"
	ref	"8259A, edge and level triggered modes", "82371AB, ELCR"
	given	rdx=ELCR1
	pic
	mov	al, 1 << 5
	out	dx, al
	mov	al, 0
	checkpoint
	raise	5
	take	MASTER + 5
	outb	PIC1, OCW2_EOI
	take	MASTER + 5
	checkpoint clear=IF
	lower	5
	outb	PIC1, OCW2_EOI
	none
	checkpoint

case level_withdrawn, "A level-triggered line that falls before it is acknowledged interrupts nothing"
	ref	"8259A, edge and level triggered modes"
	given	rdx=ELCR1
	pic
	mov	al, 1 << 5
	out	dx, al
	mov	al, 0
	checkpoint
	raise	5
	inb	bl, PIC1
	checkpoint rbx=1 << 5
	lower	5
	inb	bl, PIC1
	none
	checkpoint rbx=0

case priorities, "A lower number preempts a higher one in service, not the other way round"
	ref	"8259A, fully nested mode"
	pic
	checkpoint
	raise	3
	take	MASTER + 3
	checkpoint clear=IF
	raise	4
	none
	checkpoint
	raise	1
	take	MASTER + 1
	outb	PIC1, OCW3_READ_ISR
	inb	bl, PIC1
	checkpoint clear=IF, rbx=1 << 3 | 1 << 1
	outb	PIC1, OCW2_EOI		; ends the highest in service, 1
	inb	bl, PIC1
	checkpoint rbx=1 << 3
	outb	PIC1, OCW2_SPECIFIC(3)
	take	MASTER + 4
	checkpoint clear=IF

case cascade, "A line of the second PIC goes through IRQ 2 of the first, and both are in service"
	ref	"8259A, cascade mode"
	pic
	checkpoint
	raise	10
	take	SLAVE + 2
	outb	PIC1, OCW3_READ_ISR
	outb	PIC2, OCW3_READ_ISR
	inb	bl, PIC1
	inb	bh, PIC2
	checkpoint clear=IF, rbx=1 << 2 | 1 << 10
	outb	PIC2, OCW2_EOI
	outb	PIC1, OCW2_EOI
	inb	bl, PIC1
	inb	bh, PIC2
	checkpoint rbx=0

case cascade_masked, "The first PIC's mask of IRQ 2 holds the second one back"
	ref	"8259A, cascade mode"
	pic
	outb	PIC1_DATA, 1 << 2
	checkpoint
	raise	12
	none
	checkpoint
	outb	PIC1_DATA, 0
	take	SLAVE + 4
	checkpoint clear=IF

case auto_eoi, "With automatic EOI nothing stays in service"
	ref	"8259A, automatic end of interrupt mode"
	pic	ICW4_8086 | ICW4_AUTO_EOI
	checkpoint
	raise	1
	take	MASTER + 1
	outb	PIC1, OCW3_READ_ISR
	inb	bl, PIC1
	checkpoint clear=IF
	raise	4
	take	MASTER + 4
	checkpoint clear=IF

case rotate, "EOI with rotation makes the line served the lowest"
	ref	"8259A, automatic rotation"
	pic
	checkpoint
	raise	1
	take	MASTER + 1
	outb	PIC1, OCW2_ROTATE
	checkpoint clear=IF
	lower	1
	raise	1
	raise	3
	take	MASTER + 3
	outb	PIC1, OCW2_EOI
	take	MASTER + 1
	checkpoint clear=IF

case set_priority, "The line named lowest leaves the next one highest"
	ref	"8259A, specific rotation"
	pic
	outb	PIC1, OCW2_SET_PRIORITY(3)
	checkpoint
	raise	1
	raise	4
	take	MASTER + 4
	checkpoint clear=IF

case special_mask, "In special mask mode a masked line in service holds no other back"
	ref	"8259A, special mask mode"
	pic
	checkpoint
	raise	1
	take	MASTER + 1
	outb	PIC1, OCW3_SPECIAL_MASK
	outb	PIC1_DATA, 1 << 1
	checkpoint clear=IF
	raise	4
	take	MASTER + 4
	checkpoint clear=IF

case poll, "The poll command acknowledges by a read, without an interrupt"
	ref	"8259A, poll command"
	pic
	checkpoint
	raise	6
	outb	PIC1, OCW3_POLL
	in	al, PIC1
	and	al, 0x87		; the other bits mean nothing
	mov	bl, al
	mov	al, 0
	checkpoint rbx=0x80 | 6, status=SF, undefined=AF
	outb	PIC1, OCW3_READ_ISR
	inb	bl, PIC1
	none
	checkpoint rbx=1 << 6

case lint0_masked, "LINT0 masked, the PIC's request reaches no one"
	ref	"SDM 3 10.5.1", "APM 2 16.4.2"
	pic
	action	set_lapic, offset=APIC_LVT_LINT0, value=LVT_MASKED | LVT_EXTINT
	checkpoint
	raise	1
	none
	checkpoint
	action	set_lapic, offset=APIC_LVT_LINT0, value=LVT_EXTINT
	take	MASTER + 1
	checkpoint clear=IF

case halted, "A line wakes from HLT"
	ref	"SDM 2 HLT", "kvm api KVM_IRQ_LINE"
	pic
	sti
	hlt
	expect	halted, set=IF
	expect_hw hlt
	raise	7
	expect	exception, vector=MASTER + 7
	checkpoint

case tpr_ignored, "The TPR holds no interrupt of the PIC back"
	ref	"SDM 3 10.8.3.1", "SDM 3 10.5.1"
	pic
	action	set_lapic, offset=APIC_TPR, value=0xf0
	checkpoint cr8=0xf
	raise	1
	take	MASTER + 1
	checkpoint clear=IF

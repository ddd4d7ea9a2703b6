; SPDX-License-Identifier: GPL-2.0-only
; Writes that signal an eventfd instead of an exit, and eventfds that raise interrupts.
%include "microguest.inc"
modes real16, long64

%define DOORBELL (MMIO + 0x200)
%define PORT 0x48

%macro doorbell 0-*.nolist
	ref	"KVM API 4.59"
	need	cap_ioeventfd
	action	ioeventfd, id=0, address=DOORBELL, %{1:-1}
%endmacro

%macro port_bell 1-*.nolist
	ref	"KVM API 4.59"
	need	cap_ioeventfd
	action	ioeventfd, id=0, address=PORT, %{1:-1}
%endmacro

case mmio, "A write of the width asked for signals and does not exit"
	doorbell size=2
	mov	[DOORBELL], bx
	checkpoint
	action	eventfd_is, id=0, count=1

case mmio_counts, "Every write counts, whatever its data"
	doorbell size=1
	mov	[DOORBELL], bl
	mov	[DOORBELL], cl
	mov	[DOORBELL], bl
	checkpoint
	action	eventfd_is, id=0, count=3

case mmio_other_width, "A write of another width at the address exits"
	doorbell size=2
	mov	[DOORBELL], bl
	expect	mmio_write, address=DOORBELL, size=1, data=REG_RBX & 0xff
	expect_hw mmio
	mov	[DOORBELL], ebx
	expect	mmio_write, address=DOORBELL, size=4, data=REG_RBX & 0xffffffff
	expect_hw mmio
	action	eventfd_is, id=0, count=0
	checkpoint

case mmio_other_address, "A write beside the address exits"
	doorbell size=2
	mov	[DOORBELL + 1], bx
	expect	mmio_write, address=DOORBELL + 1, size=2, data=REG_RBX & 0xffff
	expect_hw mmio
	mov	[DOORBELL - 2], bx
	expect	mmio_write, address=DOORBELL - 2, size=2, data=REG_RBX & 0xffff
	expect_hw mmio
	action	eventfd_is, id=0, count=0
	checkpoint

case mmio_read, "A read of the address exits"
	doorbell size=2
	mov	bx, [DOORBELL]
	expect	mmio_read, address=DOORBELL, size=2, data=0x2143, rbx=(REG_RBX & ~0xffff) | 0x2143
	expect_hw mmio
	action	eventfd_is, id=0, count=0
	checkpoint

case mmio_datamatch, "With a datamatch only that value signals; another exits"
	doorbell size=4, flags=KVM_IOEVENTFD_FLAG_DATAMATCH, data=0x12345678
	mov	dword [DOORBELL], 0x12345678
	mov	dword [DOORBELL], 0x12345679
	expect	mmio_write, address=DOORBELL, size=4, data=0x12345679
	expect_hw mmio
	action	eventfd_is, id=0, count=1
	checkpoint

case mmio_two_values, "Two eventfds at one address, told apart by the value"
	doorbell size=1, flags=KVM_IOEVENTFD_FLAG_DATAMATCH, data=1
	action	ioeventfd, id=1, address=DOORBELL, size=1, flags=KVM_IOEVENTFD_FLAG_DATAMATCH, data=2
	mov	byte [DOORBELL], 2
	mov	byte [DOORBELL], 1
	mov	byte [DOORBELL], 2
	checkpoint
	action	eventfd_is, id=0, count=1
	action	eventfd_is, id=1, count=2

case mmio_any_width, "Length 0 takes a write of any width"
	need	cap_ioeventfd_any_length
	doorbell size=0
	mov	[DOORBELL], bl
	mov	[DOORBELL], bx
	mov	[DOORBELL], ebx
	checkpoint
	action	eventfd_is, id=0, count=3

case mmio_deassigned, "After KVM_IOEVENTFD_FLAG_DEASSIGN writes exit again"
	doorbell size=1
	mov	[DOORBELL], bl
	checkpoint
	action	eventfd_is, id=0, count=1
	action	ioeventfd, id=0, address=DOORBELL, size=1, flags=KVM_IOEVENTFD_FLAG_DEASSIGN
	mov	[DOORBELL], bl
	expect	mmio_write, address=DOORBELL, size=1, data=REG_RBX & 0xff
	expect_hw mmio
	action	eventfd_is, id=0, count=0
	checkpoint

case mmio_rep_stos, "REP STOSB over the address: the item there signals, the others exit"
	given	rdi=DOORBELL - 1, rcx=3, rax=0x5a
	doorbell size=1
	rep stosb
	expect	mmio_write, address=DOORBELL - 1, size=1, data=0x5a
	expect_hw mmio
	expect	mmio_write, address=DOORBELL + 1, size=1, data=0x5a, rdi=DOORBELL + 2, rcx=0
	expect_hw mmio
	action	eventfd_is, id=0, count=1
	checkpoint

case port, "OUT of the width asked for signals and does not exit"
	port_bell size=1, flags=KVM_IOEVENTFD_FLAG_PIO
	out	PORT, al
	out	PORT, al
	checkpoint
	expect_hw io
	action	eventfd_is, id=0, count=2

case port_other_width, "OUT of another width exits, and so does IN"
	port_bell size=2, flags=KVM_IOEVENTFD_FLAG_PIO
	out	PORT, al
	expect	io_out, port=PORT, size=1, data=REG_RAX & 0xff
	expect_hw io
	out	PORT, eax
	expect	io_out, port=PORT, size=4, data=REG_RAX & 0xffffffff
	expect_hw io
	in	ax, PORT
	expect	io_in, port=PORT, size=2, data=0x2143, rax=(REG_RAX & ~0xffff) | 0x2143
	expect_hw io
	action	eventfd_is, id=0, count=0
	checkpoint

case port_datamatch, "With a datamatch only that value of AX signals"
	given	rax=0x7fff8001
	port_bell size=2, flags=KVM_IOEVENTFD_FLAG_PIO | KVM_IOEVENTFD_FLAG_DATAMATCH, data=0x8001
	out	PORT, ax
	inc	ax
	out	PORT, ax
	expect	io_out, port=PORT, size=2, data=0x8002, rax=0x7fff8002, status=SF
	expect_hw io
	action	eventfd_is, id=0, count=1
	checkpoint

case port_any_width, "Length 0 takes OUT of any width"
	need	cap_ioeventfd_any_length
	port_bell size=0, flags=KVM_IOEVENTFD_FLAG_PIO
	out	PORT, al
	out	PORT, ax
	out	PORT, eax
	checkpoint
	expect_hw io
	action	eventfd_is, id=0, count=3

case port_rep_outs, "REP OUTSB: every item signals"
	given	rdx=PORT, rsi=SCRATCH, rcx=5
	port_bell size=1, flags=KVM_IOEVENTFD_FLAG_PIO
	rep outsb
	checkpoint rsi=SCRATCH + 5, rcx=0
	expect_hw io
	action	eventfd_is, id=0, count=5

case port_is_not_memory, "An eventfd of a port leaves MMIO of the same number alone"
	ref	"KVM API 4.59"
	need	cap_ioeventfd
	action	ioeventfd, id=0, address=DOORBELL, size=1, flags=KVM_IOEVENTFD_FLAG_PIO
	mov	[DOORBELL], bl
	expect	mmio_write, address=DOORBELL, size=1, data=REG_RBX & 0xff
	expect_hw mmio
	action	eventfd_is, id=0, count=0
	checkpoint

case taken_twice, "A second eventfd for the same address and width is refused: EEXIST"
	doorbell size=2
	action	ioeventfd, id=1, address=DOORBELL, size=2, errno=EEXIST
	mov	[DOORBELL], bx
	checkpoint
	action	eventfd_is, id=0, count=1
	action	eventfd_is, id=1, count=0

case bad_width, "Three bytes are no width, and a datamatch needs one: EINVAL"
	ref	"KVM API 4.59"
	need	cap_ioeventfd, cap_ioeventfd_any_length
	action	ioeventfd, id=0, address=DOORBELL, size=3, errno=EINVAL
	action	ioeventfd, id=0, address=DOORBELL, size=0, flags=KVM_IOEVENTFD_FLAG_DATAMATCH, data=1, errno=EINVAL
	mov	[DOORBELL], bl
	expect	mmio_write, address=DOORBELL, size=1, data=REG_RBX & 0xff
	expect_hw mmio
	checkpoint

case not_assigned, "Taking away what was never there is refused: ENOENT"
	ref	"KVM API 4.59"
	need	cap_ioeventfd
	action	ioeventfd, id=0, address=DOORBELL, size=2, flags=KVM_IOEVENTFD_FLAG_DEASSIGN, errno=ENOENT
	checkpoint

%if !REAL

; A vector by MSI, so that no interrupt controller has to be programmed.
%define VECTOR 0x51
%define GSI 40

%macro irqfd_route 0.nolist
	ref	"KVM API 4.75", "SDM 3 10.11"
	need	cap_irqfd
	irqchip	split, kernel
	action	set_lapic, offset=0xf0, value=0x1ff
	action	route, gsi=GSI, address=MSI_ADDRESS, data=VECTOR
	action	irqfd, id=2, gsi=GSI
%endmacro

case irqfd, "Writing an irqfd interrupts the guest with the vector of its route"
	given	rflags=0x2 | IF
	irqfd_route
	action	signal_irqfd, id=2
.loop:	jmp	.loop
	expect	exception, vector=VECTOR, rip=.loop
	checkpoint

case irqfd_waits_for_if, "The interrupt waits until the guest takes interrupts"
	irqfd_route
	action	signal_irqfd, id=2
	nop
	checkpoint
	sti
.loop:	jmp	.loop
	expect	exception, vector=VECTOR, rip=.loop, set=IF
	checkpoint

case irqfd_from_ioeventfd, "One eventfd is both: a write of the guest to it interrupts the guest"
	given	rflags=0x2 | IF
	irqfd_route
	action	ioeventfd, id=2, address=DOORBELL, size=1
	mov	[DOORBELL], bl
.loop:	jmp	.loop
	expect	exception, vector=VECTOR, rip=.loop
	checkpoint

case irqfd_deassigned, "After KVM_IRQFD_FLAG_DEASSIGN the guest is left alone"
	given	rflags=0x2 | IF
	irqfd_route
	checkpoint			; the guest runs, and its page is mapped: no exit leaves RF set
	action	irqfd, id=2, gsi=GSI, flags=KVM_IRQFD_FLAG_DEASSIGN
	action	signal_irqfd, id=2
.loop:	jmp	.loop
	action	kick, value=5
	expect	intr, rip=.loop
	action	set, rip=.out
.out:	checkpoint

%endif

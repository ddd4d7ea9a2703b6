; SPDX-License-Identifier: GPL-2.0-only
; When an access is done: with the next KVM_RUN, before the guest or a signal goes on.
%include "microguest.inc"
modes real16, prot32, compat32, long64

case in_then_immediate_exit, "IN is complete after a KVM_RUN that only comes back, and nothing more has run"
	ref	"KVM API 5", "KVM API 4.10"
	in	al, 0x20
	expect	io_in, port=0x20, size=1, data=0x42, rax=(REG_RAX & ~0xff) | 0x42
	expect_hw io
	action	immediate_exit
	expect	intr
	inc	bx
	checkpoint rbx=REG_RBX + 1

case immediate_exit_first, "immediate_exit before the first instruction: KVM_RUN fails with EINTR and runs none"
	ref	"KVM API 5"
	action	immediate_exit
.first:	inc	bx
	expect	intr, rip=.first
	checkpoint rbx=REG_RBX + 1

case immediate_exit_twice, "Any number of them makes no difference"
	ref	"KVM API 5"
	mov	bl, [MMIO]
	expect	mmio_read, address=MMIO, size=1, data=0x42, rbx=(REG_RBX & ~0xff) | 0x42
	expect_hw mmio
	action	immediate_exit
	expect	intr
	action	immediate_exit
	expect	intr
	action	immediate_exit
	expect	intr
	checkpoint

case signal_at_entry, "A signal that waits at KVM_RUN makes it fail with EINTR, and the guest runs no instruction"
	ref	"KVM API 4.10"
	out	0x20, al
	expect	io_out, port=0x20, size=1, data=REG_RAX & 0xff
	expect_hw io
	action	kick
	expect	intr
	checkpoint

case signal_in_loop, "A signal that comes while the guest runs brings KVM_RUN back"
	ref	"KVM API 4.10"
	checkpoint			; the guest runs, and its page is mapped: no exit leaves RF set
.loop:	jmp	.loop
	action	kick, value=3
	expect	intr, rip=.loop
	action	set, rip=.out
.out:	checkpoint

case signal_after_in, "The signal comes after IN is complete, and the data is not lost"
	ref	"KVM API 4.10", "KVM API 5"
	in	ax, 0x20
	expect	io_in, port=0x20, size=2, data=0x8142, rax=(REG_RAX & ~0xffff) | 0x8142
	expect_hw io
	action	kick
	expect	intr
	out	0x20, ax
	expect	io_out, port=0x20, size=2, data=0x8142
	expect_hw io
	checkpoint

case register_set_after_in, "A register written after IN is complete has the runner's value"
	ref	"KVM API 4.12", "KVM API 5"
	in	al, 0x20
	expect	io_in, port=0x20, size=1, data=0x42, rax=(REG_RAX & ~0xff) | 0x42
	expect_hw io
	action	set, rax=0x9988
	out	0x21, ax
	expect	io_out, port=0x21, size=2, data=0x9988
	expect_hw io
	checkpoint

case rip_set_after_in, "The guest goes on at the RIP the runner writes, and IN is not done again"
	ref	"KVM API 4.12", "KVM API 5"
	in	al, 0x20
	expect	io_in, port=0x20, size=1, data=0x42, rax=(REG_RAX & ~0xff) | 0x42
	expect_hw io
	action	set, rip=.elsewhere
	ud2
.elsewhere:
	checkpoint

case rip_set_back, "RIP written back to IN: it is done again, with new data"
	ref	"KVM API 4.12", "KVM API 5"
.again:	in	al, 0x20
	expect	io_in, port=0x20, size=1, data=0x42, rax=(REG_RAX & ~0xff) | 0x42
	expect_hw io
	action	set, rip=.again
	expect	io_in, port=0x20, size=1, data=0x43, rax=(REG_RAX & ~0xff) | 0x43
	expect_hw io
	checkpoint

case memory_written_between, "Memory the runner writes at an exit is what the next instruction reads"
	ref	"KVM API 5"
	out	0x20, al
	expect	io_out, port=0x20, size=1, data=REG_RAX & 0xff
	expect_hw io
	action_write SCRATCH, dw, 0xb1c2
	mov	bx, [SCRATCH]
	checkpoint rbx=(REG_RBX & ~0xffff) | 0xb1c2

case code_written_between, "And so is code"
	ref	"KVM API 5", "SDM 3 8.1.3"
	out	0x20, al
	expect	io_out, port=0x20, size=1, data=REG_RAX & 0xff
	expect_hw io
	action_write .patched + 1, db, 0x77
.patched:
	mov	bl, 0x11
	checkpoint rbx=(REG_RBX & ~0xff) | 0x77

case slot_added_at_exit, "A page that was MMIO is memory after the runner has put memory there"
	ref	"KVM API 4.35"
	mov	bl, [MMIO]
	expect	mmio_read, address=MMIO, size=1, data=0x42, rbx=(REG_RBX & ~0xff) | 0x42
	expect_hw mmio
	action	memslot, id=SLOT_FREE, gpa=MMIO, size=0x1000, hva=PAGES
	mov	bl, [MMIO]
	checkpoint rbx=(REG_RBX & ~0xff) | 0xa0
	action	memslot, id=SLOT_FREE, gpa=MMIO, size=0
	mov	bl, [MMIO]
	expect	mmio_read, address=MMIO, size=1, data=0x43, rbx=(REG_RBX & ~0xff) | 0x43
	expect_hw mmio

case ping_pong, "IN, MMIO write and OUT of one value by turns: each exit in its turn, nothing lost"
	ref	"KVM API 5"
	given	rdi=MMIO
%assign n 1
%rep 4
	in	al, 0x20
	expect	io_in, port=0x20, size=1, data=n, rax=(REG_RAX & ~0xff) | n
	expect_hw io
	stosb
	expect	mmio_write, address=MMIO + n - 1, size=1, data=n, rdi=MMIO + n
	expect_hw mmio
	out	0x21, al
	expect	io_out, port=0x21, size=1, data=n
	expect_hw io
%assign n n + 1
%endrep
	checkpoint

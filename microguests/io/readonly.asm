; SPDX-License-Identifier: GPL-2.0-only
; Read-only memory slots: reads and code are memory's, writes exit as MMIO and change
; nothing.
%include "microguest.inc"
modes real16, prot32, long64

%define RO 0x30000		; guest-physical place of the slot; PAGES is behind it

; Where the slot is seen: RO itself, or offset 0 of FS in real mode.
%if REAL
%define ro(offset) fs:(offset)
%else
%define ro(offset) RO + (offset)
%endif

%macro slot 0.nolist
	ref	"KVM API 4.35"
	need	cap_readonly_mem
	memslot	id=SLOT_FREE, gpa=RO, size=0x1000, hva=PAGES, slot_flags=KVM_MEM_READONLY
	%if REAL
	given	fs=RO >> 4
	%endif
%endmacro

case read, "A read of read-only memory does not exit"
	slot
	mov	bl, [ro(5)]
	checkpoint rbx=(REG_RBX & ~0xff) | 0xa0

case write, "A write exits with its data, and memory stays"
	slot
	mov	[ro(5)], bx
	expect	mmio_write, address=RO + 5, size=2, data=REG_RBX & 0xffff
	expect_hw mmio
	mov	bx, [ro(5)]
	checkpoint rbx=(REG_RBX & ~0xffff) | 0xa0a0

case write_dword, "A write of four bytes"
	slot
	mov	dword [ro(0x10)], 0x01020304
	expect	mmio_write, address=RO + 0x10, size=4, data=0x01020304
	expect_hw mmio
	checkpoint

case read_modify_write, "ADD reads memory without an exit, and its write exits"
	slot
	add	byte [ro(0)], 3
	expect	mmio_write, address=RO, size=1, data=0xa3, status=SF|PF
	expect_hw mmio
	checkpoint

case xchg, "XCHG gets what memory has, and its write exits"
	slot
	given	rbx=0x42
	xchg	[ro(1)], bl
	expect	mmio_write, address=RO + 1, size=1, data=0x42, rbx=0xa0
	expect_hw mmio
	checkpoint

case lock_cmpxchg, "LOCK CMPXCHG that finds EAX: the exit has the new value"
	slot
	given	rax=0xa0a0a0a0, rbx=0x01020304
	lock cmpxchg [ro(4)], ebx
	expect	mmio_write, address=RO + 4, size=4, data=0x01020304, status=ZF|PF
	expect_hw mmio
	checkpoint

case movs_from, "REP MOVSB from read-only memory does not exit"
	slot
%if REAL
	given	rsi=0, rdi=SCRATCH, rcx=3
	fs rep movsb
	checkpoint rsi=3, rdi=SCRATCH + 3, rcx=0
%else
	given	rsi=RO, rdi=SCRATCH, rcx=3
	rep movsb
	checkpoint rsi=RO + 3, rdi=SCRATCH + 3, rcx=0
%endif
	writes	SCRATCH, db, 0xa0, 0xa0, 0xa0

case stos_to, "REP STOSW to read-only memory exits for every item"
	slot
%if REAL
	given	rdi=6, rcx=2, rax=0xb1c2, es=RO >> 4
%else
	given	rdi=RO + 6, rcx=2, rax=0xb1c2
%endif
	rep stosw
%if REAL
	expect	mmio_write, address=RO + 6, size=4, bytes=0xc2, 0xb1, 0xc2, 0xb1, rdi=10, rcx=0
	expect_hw mmio
%else
	expect	mmio_write, address=RO + 6, size=4, bytes=0xc2, 0xb1, 0xc2, 0xb1, rdi=RO + 10, rcx=0
	expect_hw mmio
%endif
	checkpoint

case end_of_slot, "A word that leaves the slot reads memory and MMIO, and writes MMIO twice"
	slot
	mov	bx, [ro(0xfff)]
	expect	mmio_read, address=RO + 0x1000, size=1, data=0x55, rbx=(REG_RBX & ~0xffff) | 0x55a0
	expect_hw mmio
	mov	[ro(0xfff)], bx
	expect	mmio_write, address=RO + 0xfff, size=2, data=0x55a0
	expect_hw mmio
	checkpoint

case made_writable, "The same slot without the flag takes writes"
	slot
	mov	[ro(5)], bl
	expect	mmio_write, address=RO + 5, size=1, data=REG_RBX & 0xff
	expect_hw mmio
	action	memslot, id=SLOT_FREE, gpa=RO, size=0, hva=PAGES
	action	memslot, id=SLOT_FREE, gpa=RO, size=0x1000, hva=PAGES
	mov	[ro(5)], bl
	checkpoint
	writes	PAGES + 5, db, REG_RBX & 0xff

case runner_writes, "The guest sees what the runner writes behind a read-only slot"
	slot
	mov	bl, [ro(5)]
	checkpoint rbx=(REG_RBX & ~0xff) | 0xa0
	action_write PAGES + 5, db, 0x42
	mov	bl, [ro(5)]
	checkpoint rbx=(REG_RBX & ~0xff) | 0x42

case flag_cannot_change, "KVM_MEM_READONLY of a slot that is there cannot be changed: EINVAL"
	slot
	action	memslot, id=SLOT_FREE, gpa=RO, size=0x1000, hva=PAGES, slot_flags=0, errno=EINVAL
	mov	[ro(5)], bl
	expect	mmio_write, address=RO + 5, size=1, data=REG_RBX & 0xff
	expect_hw mmio
	checkpoint

%if !REAL

; MOV BL, 5; then a jump back: code of the slot, in PAGES where all sees it as data.
case code, "Code runs in read-only memory"
	slot
	memory	PAGES + 0x100, db, 0xb3, 5, 0xe6, CHECKPOINT_PORT
%if BITS == 64
	jmp	[rel .pointer]
%else
	jmp	[.pointer]
%endif
	expect	checkpoint, rip=RO + 0x104, rbx=(REG_RBX & ~0xff) | 5
[section .data]
	align	8
.pointer:
	dq	RO + 0x100
__?SECT?__

case push, "PUSH to read-only memory exits"
	slot
	given	rsp=RO + 0x800
	push	byte 5
	expect	mmio_write, address=RO + 0x800 - WORD_BYTES, size=WORD_BYTES, data=5, rsp=RO + 0x800 - WORD_BYTES
	expect_hw mmio
	checkpoint

%endif

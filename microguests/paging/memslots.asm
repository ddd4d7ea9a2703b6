; SPDX-License-Identifier: GPL-2.0-only
; Memory slots of KVM_SET_USER_MEMORY_REGION: read-only, deleted, moved, several of
; one memory (Documentation/virt/kvm/api.rst 4.35).
%include "microguest.inc"
modes prot32, compat32, long64

%define API "KVM API 4.35"
%define PAGES_SIZE (PAGES_END - PAGES)
; An address that the stage maps, where there is no memory.
%define ELSEWHERE 0x100000

; read_only: PAGES becomes read-only, which the API wants as a new slot.
%macro read_only 0.nolist
	action	memslot, id=SLOT_PAGES, size=0
	action	memslot, id=SLOT_PAGES, gpa=PAGES, hva=PAGES, size=PAGES_SIZE, \
		slot_flags=KVM_MEM_READONLY
%endmacro

case read_only_read, "reads of a read-only slot do not exit"
	ref	API
	need	cap_readonly_mem
	read_only
	mov	eax, [PAGES + 0x1000]
	checkpoint rax=0xa1a1a1a1

case read_only_write, "a write to a read-only slot exits as MMIO; memory stays"
	ref	API
	need	cap_readonly_mem
	read_only
	mov	[PAGES + 4], ecx
	expect	mmio_write, address=PAGES + 4, size=4, data=REG_RCX & 0xffffffff
	expect_hw mmio
	mov	eax, [PAGES + 4]
	checkpoint rax=0xa0a0a0a0

case read_only_after_write, "a slot that was written before it became read-only"
	ref	API
	need	cap_readonly_mem
	mov	[PAGES + 4], ecx
	checkpoint
	writes	PAGES + 4, dd, REG_RCX & 0xffffffff
	read_only
	mov	[PAGES + 4], edx
	expect	mmio_write, address=PAGES + 4, size=4, data=REG_RDX & 0xffffffff
	expect_hw mmio
	mov	eax, [PAGES + 4]
	checkpoint rax=REG_RCX & 0xffffffff

case read_only_then_not, "a slot that is writable again is written without an exit"
	ref	API
	need	cap_readonly_mem
	read_only
	mov	[PAGES], cl
	expect	mmio_write, address=PAGES, size=1, data=REG_RCX & 0xff
	expect_hw mmio
	action	memslot, id=SLOT_PAGES, size=0
	action	memslot, id=SLOT_PAGES, gpa=PAGES, hva=PAGES, size=PAGES_SIZE
	mov	[PAGES], dl
	checkpoint
	writes	PAGES, db, REG_RDX & 0xff

case read_only_modify, "a read-modify-write of a read-only slot reads memory, and exits to write"
	ref	API
	need	cap_readonly_mem
	read_only
	add	dword [PAGES], 1
	expect	mmio_write, address=PAGES, size=4, data=0xa0a0a0a1, status=SF, undefined=AF | PF
	expect_hw mmio

case read_only_stos, "REP STOSB into a read-only slot exits for every byte"
	ref	API
	need	cap_readonly_mem
	given	rdi=PAGES + 0x10, rcx=3, rax=0x77
	read_only
	rep stosb
	expect	mmio_write, address=PAGES + 0x10, size=3, bytes=0x77, 0x77, 0x77, \
		rdi=PAGES + 0x13, rcx=0
	expect_hw mmio

case read_only_movs, "MOVSD from one read-only page to another: one exit, with the data read"
	ref	API
	need	cap_readonly_mem
	given	rsi=PAGES + 0x3000, rdi=PAGES + 0x10
	read_only
	movsd
	expect	mmio_write, address=PAGES + 0x10, size=4, data=0xa3a3a3a3, \
		rsi=PAGES + 0x3004, rdi=PAGES + 0x14
	expect_hw mmio

case read_only_crossing, "a write from ordinary memory into a read-only slot: each its part"
	ref	API
	need	cap_readonly_mem
	action	memslot, id=SLOT_PAGES, size=0
	action	memslot, id=SLOT_PAGES, gpa=PAGES, hva=PAGES, size=0x1000
	action	memslot, id=SLOT_FREE, gpa=PAGES + 0x1000, hva=PAGES + 0x1000, size=0x1000, \
		slot_flags=KVM_MEM_READONLY
	mov	dword [PAGES + 0xffe], 0x44332211
	expect	mmio_write, address=PAGES + 0x1000, size=2, bytes=0x33, 0x44
	expect_hw mmio
	writes	PAGES + 0xffe, db, 0x11, 0x22

case read_only_fetch, "code runs from a read-only slot"
	ref	API
	need	cap_readonly_mem
	given	rbx=PAGES
	memory	PAGES, db, 0xb0, 0x5a, 0xe6, CHECKPOINT_PORT	; mov al, 5ah
	read_only
	jmp	xbx
	expect	checkpoint, rip=PAGES + 4, rax=(REG_RAX & ~0xff) | 0x5a

case read_only_stack, "PUSH to a read-only slot exits, and the stack pointer moves"
	ref	API
	need	cap_readonly_mem
	given	rsp=PAGES + 0x100
	read_only
	push	xcx
	expect	mmio_write, address=PAGES + 0x100 - WORD_BYTES, size=WORD_BYTES, data=REG_RCX, \
		rsp=PAGES + 0x100 - WORD_BYTES
	expect_hw mmio

case deleted, "where a slot was deleted reads and writes exit"
	ref	API
	mov	eax, [PAGES]
	checkpoint rax=0xa0a0a0a0
	action	memslot, id=SLOT_PAGES, size=0
	mov	ebx, [PAGES]
	expect	mmio_read, address=PAGES, size=4, data=0x600df00d, rbx=0x600df00d
	expect_hw mmio
	mov	[PAGES + 8], edx
	expect	mmio_write, address=PAGES + 8, size=4, data=REG_RDX & 0xffffffff
	expect_hw mmio

case deleted_and_back, "a slot deleted and made again has its memory as it was"
	ref	API
	mov	[PAGES], ecx
	checkpoint
	writes	PAGES, dd, REG_RCX & 0xffffffff
	action	memslot, id=SLOT_PAGES, size=0
	mov	ebx, [PAGES]
	expect	mmio_read, address=PAGES, size=4, data=0x600df00d, rbx=0x600df00d
	expect_hw mmio
	action	memslot, id=SLOT_PAGES, gpa=PAGES, hva=PAGES, size=PAGES_SIZE
	mov	ebx, [PAGES]
	checkpoint rbx=REG_RCX & 0xffffffff

case moved, "a slot moved: memory at its new address, none at the old"
	ref	API
	mov	eax, [PAGES]
	mov	[PAGES + 0x1000], ecx
	checkpoint rax=0xa0a0a0a0
	writes	PAGES + 0x1000, dd, REG_RCX & 0xffffffff
	action	memslot, id=SLOT_PAGES, gpa=ELSEWHERE, hva=PAGES, size=PAGES_SIZE
	mov	eax, [ELSEWHERE + 0x1000]
	mov	[ELSEWHERE + 8], edx
	checkpoint rax=REG_RCX & 0xffffffff
	writes	PAGES + 8, dd, REG_RDX & 0xffffffff
	mov	ebx, [PAGES]
	expect	mmio_read, address=PAGES, size=4, data=0x600df00d, rbx=0x600df00d
	expect_hw mmio

case other_memory, "a slot made anew over other memory shows that memory"
	ref	API
	mov	eax, [PAGES]
	checkpoint rax=0xa0a0a0a0
	action	memslot, id=SLOT_PAGES, size=0
	action	memslot, id=SLOT_PAGES, gpa=PAGES, hva=PAGES + 0x2000, size=0x1000
	mov	ebx, [PAGES]
	mov	[PAGES + 4], cl
	checkpoint rbx=0xa2a2a2a2
	writes	PAGES + 0x2004, db, REG_RCX & 0xff

case two_slots, "two slots of one memory see each other's writes"
	ref	API
	memslot	id=SLOT_FREE, gpa=ELSEWHERE, hva=PAGES + 0x1000, size=0x1000
	mov	eax, [ELSEWHERE]
	mov	[ELSEWHERE + 4], ecx
	mov	ebx, [PAGES + 0x1004]
	mov	[PAGES + 0x1008], edx
	mov	esi, [ELSEWHERE + 8]
	checkpoint rax=0xa1a1a1a1, rbx=REG_RCX & 0xffffffff, rsi=REG_RDX & 0xffffffff
	writes	PAGES + 0x1004, dd, REG_RCX & 0xffffffff, REG_RDX & 0xffffffff

case two_slots_read_only, "of two slots of one memory one may be read-only"
	ref	API
	need	cap_readonly_mem
	memslot	id=SLOT_FREE, gpa=ELSEWHERE, hva=PAGES, size=0x1000, slot_flags=KVM_MEM_READONLY
	mov	[PAGES], ecx
	mov	eax, [ELSEWHERE]
	checkpoint rax=REG_RCX & 0xffffffff
	writes	PAGES, dd, REG_RCX & 0xffffffff
	mov	[ELSEWHERE], edx
	expect	mmio_write, address=ELSEWHERE, size=4, data=REG_RDX & 0xffffffff
	expect_hw mmio

case hole_between, "a page without memory between two slots exits; its neighbours do not"
	ref	API
	memslot	id=SLOT_FREE, gpa=ELSEWHERE, hva=PAGES, size=0x1000
	memslot	id=SLOT_FREE + 1, gpa=ELSEWHERE + 0x2000, hva=PAGES + 0x2000, size=0x1000
	mov	al, [ELSEWHERE + 0xfff]
	mov	bl, [ELSEWHERE + 0x2000]
	mov	cl, [ELSEWHERE + 0x1000]
	expect	mmio_read, address=ELSEWHERE + 0x1000, size=1, data=0x42, \
		rax=(REG_RAX & ~0xff) | 0xa0, rbx=(REG_RBX & ~0xff) | 0xa2, \
		rcx=(REG_RCX & ~0xff) | 0x42
	expect_hw mmio

case overlap_refused, "a slot may not overlap another"
	ref	API
	action	memslot, id=SLOT_FREE, gpa=PAGES + 0x7000, hva=0, size=0x2000, errno=EEXIST
	mov	eax, [PAGES + 0x7000]
	checkpoint rax=0xa7a7a7a7

case unaligned_refused, "a slot begins and ends at page boundaries"
	ref	API
	action	memslot, id=SLOT_FREE, gpa=ELSEWHERE + 0x800, hva=0, size=0x1000, errno=EINVAL
	action	memslot, id=SLOT_FREE, gpa=ELSEWHERE, hva=0, size=0x800, errno=EINVAL
	action	memslot, id=SLOT_FREE, gpa=ELSEWHERE, hva=0x10, size=0x1000, errno=EINVAL
	nop
	checkpoint

case flags_refused, "READONLY of a slot cannot be changed in place"
	ref	API
	need	cap_readonly_mem
	action	memslot, id=SLOT_PAGES, gpa=PAGES, hva=PAGES, size=PAGES_SIZE, \
		slot_flags=KVM_MEM_READONLY, errno=EINVAL
	mov	[PAGES], cl
	checkpoint
	writes	PAGES, db, REG_RCX & 0xff

case size_refused, "the size of a slot cannot be changed in place"
	ref	API
	action	memslot, id=SLOT_PAGES, gpa=PAGES, hva=PAGES, size=PAGES_SIZE / 2, errno=EINVAL
	mov	eax, [PAGES + 0x7000]
	checkpoint rax=0xa7a7a7a7

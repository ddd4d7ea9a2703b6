; SPDX-License-Identifier: GPL-2.0-only
; KVM_SET_USER_MEMORY_REGION: what a memory slot may be, and what is refused.
%include "microguest.inc"
modes long64

%define API_SLOTS "Linux Documentation/virt/kvm/api.rst KVM_SET_USER_MEMORY_REGION"
%define AREA 0x100000			; guest-physical, without memory on the stage

; A slot that must be refused, and the guest that goes on without it.
%macro refused 2+.nolist
	ref	API_SLOTS
	action	memslot, id=SLOT_FREE, %2, errno=%1
	checkpoint
%endmacro

case unaligned_gpa, "A guest-physical address that is not a page's is refused with EINVAL"
	refused	EINVAL, gpa=AREA + 0x800, size=0x1000, hva=PAGES

case unaligned_size, "A size that is not a number of pages is refused with EINVAL"
	refused	EINVAL, gpa=AREA, size=0x1800, hva=PAGES

case unaligned_hva, "Memory of the task that does not begin at a page is refused with EINVAL"
	refused	EINVAL, gpa=AREA, size=0x1000, hva=PAGES + 0x10

case wraps, "A slot that reaches beyond the address space is refused with EINVAL"
	refused	EINVAL, gpa=0xfffffffffffff000, size=0x2000, hva=PAGES

case unknown_flag, "A flag that does not exist is refused with EINVAL"
	refused	EINVAL, gpa=AREA, size=0x1000, hva=PAGES, slot_flags=0x80000000

case overlap_whole, "A slot in another one's place is refused with EEXIST"
	refused	EEXIST, gpa=PAGES, size=0x8000, hva=PAGES

case overlap_one_page, "So is one that overlaps another by its last page"
	refused	EEXIST, gpa=MMIO_END - 0x1000, size=0x2000, hva=PAGES

case overlap_inside, "So is one inside another"
	refused	EEXIST, gpa=PAGES + 0x2000, size=0x1000, hva=PAGES

case delete_missing, "Deleting a slot that does not exist is refused with EINVAL"
	ref	API_SLOTS
	action	memslot, id=SLOT_FREE, size=0, errno=EINVAL
	checkpoint

case change_size, "The size of a slot cannot change: EINVAL, and it stays as it was"
	ref	API_SLOTS
	action	memslot, id=SLOT_PAGES, gpa=PAGES, size=0x4000, hva=PAGES, errno=EINVAL
	mov	al, [PAGES + 0x4000]
	checkpoint rax=(REG_RAX & ~0xff) | 0xa4

case change_hva, "The memory behind a slot cannot change: EINVAL, and it stays as it was"
	ref	API_SLOTS
	action	memslot, id=SLOT_PAGES, gpa=PAGES, size=0x8000, hva=SCRATCH, errno=EINVAL
	mov	al, [PAGES]
	checkpoint rax=(REG_RAX & ~0xff) | 0xa0

case change_readonly, "Read-only cannot be changed: EINVAL, and it can still be written"
	ref	API_SLOTS
	need	cap_readonly_mem
	action	memslot, id=SLOT_PAGES, gpa=PAGES, size=0x8000, hva=PAGES, slot_flags=KVM_MEM_READONLY, errno=EINVAL
	mov	[PAGES], al
	checkpoint
	writes	PAGES, db, REG_RAX & 0xff

case moved, "A slot can move in guest-physical space: its memory is then there, and not where it was"
	ref	API_SLOTS
	pte	0x100000, pa=AREA
	action	memslot, id=SLOT_PAGES, gpa=AREA, size=0x8000, hva=PAGES
	mov	al, [0x100000]
	checkpoint rax=(REG_RAX & ~0xff) | 0xa0
	mov	bl, [PAGES]
	expect	mmio_read, address=PAGES, size=1, data=0x5a, rbx=(REG_RBX & ~0xff) | 0x5a
	expect_hw mmio
	checkpoint

case aliased, "The same memory may be in two slots"
	ref	API_SLOTS
	memslot	id=SLOT_FREE, gpa=AREA, size=0x1000, hva=PAGES
	pte	0x100000, pa=AREA
	mov	byte [0x100004], 0x77
	mov	al, [PAGES + 4]
	checkpoint rax=(REG_RAX & ~0xff) | 0x77
	writes	PAGES + 4, db, 0x77

case deleted_and_back, "A slot deleted is memory no more; added again, it is as before"
	ref	API_SLOTS
	mov	byte [PAGES + 1], 0x11
	checkpoint
	writes	PAGES + 1, db, 0x11
	action	memslot, id=SLOT_PAGES, size=0
	mov	[PAGES + 1], al
	expect	mmio_write, address=PAGES + 1, size=1, data=REG_RAX & 0xff
	expect_hw mmio
	action	memslot, id=SLOT_PAGES, gpa=PAGES, size=0x8000, hva=PAGES
	mov	al, [PAGES + 1]
	checkpoint rax=(REG_RAX & ~0xff) | 0x11

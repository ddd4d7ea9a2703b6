; SPDX-License-Identifier: GPL-2.0-only
; Page tables and memory slots: tables in read-only memory, in another slot of
; the same memory, in memory that moves; and pages that have no memory.
%include "microguest.inc"
modes paged32, pae32, compat32, long64, long64_5l
%include "paging.inc"

%define API "KVM API 4.35"
%define VA ALIAS(2)
%define PAGE_BITS (PTE_P | PTE_W | PTE_U | PTE_A | PTE_D)
%define TABLE_BITS (PTE_P | PTE_W | PTE_U | PTE_A)
%define ELSEWHERE 0x100000
; A page table at PAGES + 0x1000 whose entry for PAGES maps PAGES + 0x3000.
%macro table_in_pages 2.nolist		; address the PDE has, entry's bits
	pde	VA, raw=(%1) | TABLE_BITS
	memory	PAGES + 0x1000 + ENTRY_OFFSET(1, PAGES), d_entry, (PAGES + 0x3000) | (%2)
%endmacro

case read_only_table, "a page table in a read-only slot translates, if A and D are set"
	ref	API, "SDM 3 4.8"
	need	cap_readonly_mem
	given	rsi=VA + PAGES
	table_in_pages ELSEWHERE, PAGE_BITS
	memslot	id=SLOT_FREE, gpa=ELSEWHERE, hva=PAGES + 0x1000, size=0x1000, \
		slot_flags=KVM_MEM_READONLY
	mov	eax, [xsi]
	mov	[xsi + 4], ecx
	checkpoint rax=0xa3a3a3a3
	writes	PAGES + 0x3004, dd, REG_RCX & 0xffffffff

case read_only_table_faults, "so it faults where it says so"
	ref	API, "SDM 3 4.7"
	need	cap_readonly_mem
	given	rsi=VA + PAGES
	table_in_pages ELSEWHERE, PAGE_BITS & ~PTE_W
	memslot	id=SLOT_FREE, gpa=ELSEWHERE, hva=PAGES + 0x1000, size=0x1000, \
		slot_flags=KVM_MEM_READONLY
	mov	eax, [xsi]
.f:	mov	[xsi + 4], ecx
	expect	exception, vector=VEC_PF, error=PF_P | PF_W, cr2=VA + PAGES + 4, rip=.f, \
		rax=0xa3a3a3a3

case table_in_slot, "A and D are set in a page table in a slot of the case's own"
	ref	API, "SDM 3 4.8"
	given	rsi=VA + PAGES
	table_in_pages ELSEWHERE, PTE_P | PTE_W | PTE_U
	memslot	id=SLOT_FREE, gpa=ELSEWHERE, hva=PAGES + 0x1000, size=0x1000
	mov	al, [xsi]
	checkpoint rax=(REG_RAX & ~0xff) | 0xa3
	writes	PAGES + 0x1000 + ENTRY_OFFSET(1, PAGES), d_entry, \
		(PAGES + 0x3000) | PTE_P | PTE_W | PTE_U | PTE_A
	mov	[xsi + 4], al
	checkpoint
	writes	PAGES + 0x3004, db, 0xa3
	writes	PAGES + 0x1000 + ENTRY_OFFSET(1, PAGES), d_entry, (PAGES + 0x3000) | PAGE_BITS

case table_written_elsewhere, "a page table changed through another slot of its memory counts"
	ref	API, "SDM 3 4.10.4.1"
	given	rsi=VA + PAGES, rdi=ELSEWHERE + ENTRY_OFFSET(1, PAGES)
	table_in_pages PAGES + 0x1000, PAGE_BITS
	memslot	id=SLOT_FREE, gpa=ELSEWHERE, hva=PAGES + 0x1000, size=0x1000
	mov	eax, [xsi]
	mov	dword [xdi], (PAGES + 0x4000) | PAGE_BITS
	invlpg	[xsi]
	mov	ebx, [xsi]
	checkpoint rax=0xa3a3a3a3, rbx=0xa4a4a4a4
	writes	PAGES + 0x1000 + ENTRY_OFFSET(1, PAGES), dd, (PAGES + 0x4000) | PAGE_BITS

case page_in_read_only_slot, "a write through a writable entry to a read-only slot exits; D is set"
	ref	API, "SDM 3 4.8", "SDM 3 28.3.3", "APM 2 15.25.7"
	need	cap_readonly_mem
	memslot	id=SLOT_FREE, gpa=ELSEWHERE, hva=PAGES + 0x1000, size=0x1000, \
		slot_flags=KVM_MEM_READONLY
	given	rsi=VA + PAGES
	pte	VA + PAGES, pa=ELSEWHERE
	mov	eax, [xsi]
	mov	[xsi + 4], ecx
	expect	mmio_write, address=ELSEWHERE + 4, size=4, data=REG_RCX & 0xffffffff, rax=0xa1a1a1a1
	expect_hw mmio

case page_without_memory, "a page whose address is in no slot exits with the physical address"
	ref	API
	rings	0, 3
	given	rsi=VA + PAGES + 0x123
	pte	VA + PAGES, pa=0x7654000
	mov	eax, [xsi]
	expect	mmio_read, address=0x7654123, size=4, data=0x600df00d, rax=0x600df00d
	expect_hw mmio
	mov	[xsi], cl
	expect	mmio_write, address=0x7654123, size=1, data=REG_RCX & 0xff
	expect_hw mmio

case page_without_memory_read_only, "of a page without memory the entry's rights count first"
	ref	API, "SDM 3 4.7"
	pte	PAGES, pa=0x7654000, clear=PTE_W
	mov	eax, [PAGES]
	expect	mmio_read, address=0x7654000, size=4, data=0x600df00d, rax=0x600df00d
	expect_hw mmio
.f:	mov	[PAGES], ecx
	expect	exception, vector=VEC_PF, error=PF_P | PF_W, cr2=PAGES, rip=.f

case page_without_memory_user, "so they do for CPL 3"
	ref	API, "SDM 3 4.7"
	ring3
	pte	PAGES, pa=0x7654000, clear=PTE_U
.f:	mov	eax, [PAGES]
	expect	exception, vector=VEC_PF, error=PF_P | PF_U, cr2=PAGES, rip=.f

case accessed_without_memory, "A and D are set for a page without memory too"
	ref	API, "SDM 3 4.8"
	rings	0, 3
	pte	PAGES, pa=0x7654000, clear=PTE_A | PTE_D
	mov	al, [PAGES]
	expect	mmio_read, address=0x7654000, size=1, data=0x5a, rax=(REG_RAX & ~0xff) | 0x5a
	expect_hw mmio
	pte_is	PAGES, set=PTE_A
	mov	[PAGES + 1], al
	expect	mmio_write, address=0x7654001, size=1, data=0x5a
	expect_hw mmio
	pte_is	PAGES, set=PTE_D

case crossing_into_no_memory, "a read that runs into a page without memory: one exit, for its part"
	ref	API
	rings	0, 3
	pte	PAGES + 0x1000, pa=0x7654000
	mov	eax, [PAGES + 0xffe]
	expect	mmio_read, address=0x7654000, size=2, bytes=0x11, 0x22, rax=0x2211a0a0
	expect_hw mmio

case moved_under_mapping, "pages of a slot that moves away have no memory any more"
	ref	API
	mov	eax, [PAGES]
	checkpoint rax=0xa0a0a0a0
	action	memslot, id=SLOT_PAGES, gpa=0x200000, hva=PAGES, size=PAGES_END - PAGES
	mov	ebx, [PAGES]
	expect	mmio_read, address=PAGES, size=4, data=0x600df00d, rbx=0x600df00d
	expect_hw mmio

%if HAS_NX
case high_address, "a page above 4 GiB without memory exits with its whole address"
	ref	API, "SDM 3 4.4.2", "SDM 3 4.5"
	rings	0, 3
	pte	PAGES, pa=0x812345000
	mov	eax, [PAGES + 8]
	expect	mmio_read, address=0x812345008, size=4, data=0x600df00d, rax=0x600df00d
	expect_hw mmio

case high_memory, "a page above 4 GiB with memory"
	ref	API, "SDM 3 4.4.2", "SDM 3 4.5"
	rings	0, 3
	memslot	id=SLOT_FREE, gpa=0x812345000, hva=PAGES + 0x1000, size=0x1000
	pte	PAGES, pa=0x812345000
	mov	eax, [PAGES + 8]
	mov	[PAGES + 12], cl
	checkpoint rax=0xa1a1a1a1
	writes	PAGES + 0x100c, db, REG_RCX & 0xff
%endif

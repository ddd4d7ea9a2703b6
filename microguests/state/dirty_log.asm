; SPDX-License-Identifier: GPL-2.0-only
; The dirty log names exactly the pages that were written.
%include "microguest.inc"
modes prot32, pae32, long64

%define API_DIRTY "Linux Documentation/virt/kvm/api.rst KVM_GET_DIRTY_LOG"
%define API_CLEAR "Linux Documentation/virt/kvm/api.rst KVM_CLEAR_DIRTY_LOG"

%macro begin_log 0.nolist
	action	memslot, id=SLOT_PAGES, gpa=PAGES, size=0x8000, hva=PAGES, slot_flags=KVM_MEM_LOG_DIRTY_PAGES
%endmacro

%macro log_pages 0.nolist
	ref	API_DIRTY
	begin_log
%endmacro

case nothing_written, "Where nothing was written nothing is dirty"
	log_pages
	nop
	checkpoint
	action	dirty_log, id=SLOT_PAGES, pages=0
	checkpoint

case one_page, "One byte written makes one page dirty"
	log_pages
	mov	byte [PAGES + 0x3000], 1
	checkpoint
	writes	PAGES + 0x3000, db, 1
	action	dirty_log, id=SLOT_PAGES, pages=1 << 3
	checkpoint

case first_and_last, "The first byte of the first page and the last byte of the last page"
	log_pages
	mov	byte [PAGES], 1
	mov	byte [PAGES_END - 1], 2
	checkpoint
	writes	PAGES, db, 1
	writes	PAGES_END - 1, db, 2
	action	dirty_log, id=SLOT_PAGES, pages=0x81
	checkpoint

case crossing, "A write over the end of a page makes two dirty"
	log_pages
	mov	dword [PAGES + 0x1ffe], 0x11223344
	checkpoint
	writes	PAGES + 0x1ffe, dd, 0x11223344
	action	dirty_log, id=SLOT_PAGES, pages=0x06
	checkpoint

case up_to_the_end, "A write up to the end of a page leaves the next one clean"
	log_pages
	mov	dword [PAGES + 0x1ffc], 0x11223344
	checkpoint
	writes	PAGES + 0x1ffc, dd, 0x11223344
	action	dirty_log, id=SLOT_PAGES, pages=0x02
	checkpoint

; A target may take the first touch of a page for a write; these pages were written before.
case reads, "Reading pages that were mapped before makes nothing dirty"
	ref	API_DIRTY
	mov	[PAGES + 0x2000], al
	mov	[PAGES + 0x4000], al
	mov	[PAGES + 0x5000], al
	mov	[PAGES + 0x6000], al
	checkpoint
	writes	PAGES + 0x2000, db, REG_RAX & 0xff
	writes	PAGES + 0x4000, db, REG_RAX & 0xff
	writes	PAGES + 0x5000, db, REG_RAX & 0xff
	writes	PAGES + 0x6000, db, REG_RAX & 0xff
	begin_log
	mov	eax, [PAGES + 0x2004]
	cmp	[PAGES + 0x4004], al
	mov	ebx, [PAGES + 0x5ffe]
	checkpoint rax=0xa2a2a2a2, rbx=(REG_RAX & 0xff) << 16 | 0xa600a5a5, status=0
	action	dirty_log, id=SLOT_PAGES, pages=0
	checkpoint

case same_value, "Writing what is there already makes the page dirty"
	log_pages
	mov	byte [PAGES + 0x6123], 0xa6
	checkpoint
	action	dirty_log, id=SLOT_PAGES, pages=1 << 6
	checkpoint

case get_clears, "KVM_GET_DIRTY_LOG gives each write once"
	log_pages
	mov	byte [PAGES + 0x1000], 1
	checkpoint
	writes	PAGES + 0x1000, db, 1
	action	dirty_log, id=SLOT_PAGES, pages=0x02
	action	dirty_log, id=SLOT_PAGES, pages=0
	mov	byte [PAGES + 0x1000], 2
	mov	byte [PAGES + 0x2000], 3
	checkpoint
	writes	PAGES + 0x1000, db, 2
	writes	PAGES + 0x2000, db, 3
	action	dirty_log, id=SLOT_PAGES, pages=0x06
	checkpoint

case written_before, "What was written before logging began is not dirty"
	ref	API_DIRTY
	mov	byte [PAGES + 0x5000], 1
	checkpoint
	writes	PAGES + 0x5000, db, 1
	begin_log
	mov	byte [PAGES + 0x4000], 1
	checkpoint
	writes	PAGES + 0x4000, db, 1
	action	dirty_log, id=SLOT_PAGES, pages=1 << 4
	checkpoint

case string, "REP STOS makes each page dirty that it reaches, and none behind"
	log_pages
	mov	edi, PAGES + 0x1ff8
	mov	ecx, 0x1004 / 4
	rep	stosd
	checkpoint rdi=PAGES + 0x2ffc, rcx=0
	writes	PAGES + 0x1ff8, dd, 0x1000 / 4 dup (REG_RAX & 0xffffffff)
	writes	PAGES + 0x2ff8, dd, REG_RAX & 0xffffffff
	action	dirty_log, id=SLOT_PAGES, pages=0x06
	checkpoint

case push_and_call, "Pushes make the page of the stack dirty"
	given	rsp=PAGES + 0x4000
	log_pages
	call	.there
.there:	push	xax
	checkpoint rsp=PAGES + 0x4000 - 2 * WORD_BYTES
%if LONG
	writes	PAGES + 0x4000 - 8, dq, .there
	writes	PAGES + 0x4000 - 16, dq, REG_RAX
%else
	writes	PAGES + 0x4000 - 4, dd, .there
	writes	PAGES + 0x4000 - 8, dd, REG_RAX
%endif
	action	dirty_log, id=SLOT_PAGES, pages=1 << 3
	checkpoint

case locked, "A locked compare that fails writes the old value back: the page is dirty"
	ref	"SDM 2 CMPXCHG"
	log_pages
	mov	eax, 0
	lock cmpxchg [PAGES + 0x7000], ebx
	checkpoint rax=0xa7a7a7a7, status=CF|AF|PF
	action	dirty_log, id=SLOT_PAGES, pages=1 << 7
	checkpoint

case logging_off, "Without the flag the log is gone: ENOENT"
	log_pages
	mov	byte [PAGES], 1
	checkpoint
	writes	PAGES, db, 1
	action	memslot, id=SLOT_PAGES, gpa=PAGES, size=0x8000, hva=PAGES
	action	dirty_log, id=SLOT_PAGES, errno=ENOENT
	checkpoint

case no_flag, "A slot that does not log has no log: ENOENT"
	ref	API_DIRTY
	checkpoint
	action	dirty_log, id=SLOT_PAGES, errno=ENOENT
	checkpoint

case no_slot, "A slot that does not exist has no log: ENOENT"
	ref	API_DIRTY
	checkpoint
	action	dirty_log, id=SLOT_FREE, errno=ENOENT
	checkpoint

%macro manual 0.nolist
	ref	API_CLEAR
	need	cap_manual_dirty_log_protect2
	action	enable_cap, cap=KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, arg0=1
	begin_log
%endmacro

case clear_some, "KVM_CLEAR_DIRTY_LOG clears the pages it names; a get clears none"
	manual
	mov	byte [PAGES + 0x1000], 1
	mov	byte [PAGES + 0x2000], 2
	checkpoint
	writes	PAGES + 0x1000, db, 1
	writes	PAGES + 0x2000, db, 2
	action	dirty_log, id=SLOT_PAGES, pages=0x06
	action	dirty_log, id=SLOT_PAGES, pages=0x06
	action	clear_dirty, id=SLOT_PAGES, first=0, count=8, pages=0x02
	action	dirty_log, id=SLOT_PAGES, pages=0x04
	checkpoint

case clear_then_write, "A page that was cleared becomes dirty by the next write"
	manual
	mov	byte [PAGES + 0x3000], 1
	checkpoint
	writes	PAGES + 0x3000, db, 1
	action	dirty_log, id=SLOT_PAGES, pages=1 << 3
	action	clear_dirty, id=SLOT_PAGES, first=0, count=8, pages=1 << 3
	action	dirty_log, id=SLOT_PAGES, pages=0
	mov	byte [PAGES + 0x3000], 2
	checkpoint
	writes	PAGES + 0x3000, db, 2
	action	dirty_log, id=SLOT_PAGES, pages=1 << 3
	checkpoint

case clear_misaligned, "KVM_CLEAR_DIRTY_LOG begins at a multiple of 64 pages: EINVAL otherwise"
	manual
	checkpoint
	action	clear_dirty, id=SLOT_PAGES, first=1, count=7, pages=1, errno=EINVAL
	checkpoint

case clear_beyond, "KVM_CLEAR_DIRTY_LOG beyond the end of the slot is refused with EINVAL"
	manual
	checkpoint
	action	clear_dirty, id=SLOT_PAGES, first=0, count=128, pages=1, errno=EINVAL
	checkpoint

%if PAGED

; With nested paging every walk counts as a write to the guest's tables (SDM 3 28.3.5, APM 2
; 15.25.6), so only the table that must be dirty is judged.
%macro log_tables 0.nolist
	ref	API_DIRTY, "SDM 3 4.8"
	action	memslot, id=SLOT_TABLES, gpa=TABLES, size=0x8000, hva=TABLES, slot_flags=KVM_MEM_LOG_DIRTY_PAGES
%endmacro

%if LONG
	%define LEAF_TABLE 3			; number of the table with the leaf entries
%else
	%define LEAF_TABLE 2
%endif

case accessed_bit, "Setting A in a page-table entry makes the table's page dirty"
	pte	PAGES + 0x1000, clear=PTE_A
	log_tables
	mov	al, [PAGES + 0x1000]
	checkpoint rax=(REG_RAX & ~0xff) | 0xa1
	pte_is	PAGES + 0x1000, set=PTE_A
	action	dirty_log, id=SLOT_TABLES, pages=1 << LEAF_TABLE, mask=1 << LEAF_TABLE
	checkpoint

case dirty_bit, "Setting D in a page-table entry makes the table's page dirty, besides the page written"
	pte	PAGES + 0x2000, clear=PTE_D
	log_tables
	begin_log
	mov	byte [PAGES + 0x2000], 1
	checkpoint
	writes	PAGES + 0x2000, db, 1
	pte_is	PAGES + 0x2000, set=PTE_D
	action	dirty_log, id=SLOT_TABLES, pages=1 << LEAF_TABLE, mask=1 << LEAF_TABLE
	action	dirty_log, id=SLOT_PAGES, pages=1 << 2
	checkpoint

%endif

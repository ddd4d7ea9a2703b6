; SPDX-License-Identifier: GPL-2.0-only
; The dirty log while several processors write: no page that was written is missing,
; whenever the log was fetched.
%include "microguest.inc"
modes prot32, long64
%include "events.inc"
%include "smp.inc"

%define API_DIRTY "Linux Documentation/virt/kvm/api.rst KVM_GET_DIRTY_LOG"
%define API_CLEAR "Linux Documentation/virt/kvm/api.rst KVM_CLEAR_DIRTY_LOG"
%define GO (SCRATCH + 0x100)
%define SEEN (SCRATCH + 0x140)
%define TIMES 500

%macro log_pages 0.nolist
	action	memslot, id=SLOT_PAGES, gpa=PAGES, size=0x8000, hva=PAGES, slot_flags=KVM_MEM_LOG_DIRTY_PAGES
%endmacro
%macro log_is 1-2.nolist 0xff
	action	dirty_log, id=SLOT_PAGES, pages=%1, mask=%2
%endmacro
; begin: the log is on before any processor runs.
%macro begin 0.nolist
	log_pages
meet
%endmacro

case one_page, "Two processors write one page: it is dirty, and no other"
	ref	API_DIRTY
	smp	2
	given	rcx=TIMES
	begin
	start_line 2
.loop0:	mov	[PAGES + 0x2000], ecx
	dec	ecx
	jnz	.loop0
	checkpoint rcx=0, WAITED
	writes	PAGES + 0x2000, dd, 1
vcpu 1
	given	rcx=TIMES
	start_line 2
.loop1:	mov	[PAGES + 0x2800], ecx
	dec	ecx
	jnz	.loop1
	checkpoint rcx=0, WAITED
	writes	PAGES + 0x2800, dd, 1
meet
	started	2
vcpu 0
	log_is	1 << 2
	log_is	0

case one_byte, "Two processors write one doubleword, locked: its page is dirty once"
	ref	API_DIRTY
	smp	2
	given	rcx=TIMES
	begin
	start_line 2
.loop0:	lock inc dword [PAGES + 0x3ffc]
	dec	ecx
	jnz	.loop0
	checkpoint rcx=0, WAITED
vcpu 1
	given	rcx=TIMES
	start_line 2
.loop1:	lock inc dword [PAGES + 0x3ffc]
	dec	ecx
	jnz	.loop1
	checkpoint rcx=0, WAITED
meet
	started	2
	writes	PAGES + 0x3ffc, dd, 0xa3a3a3a3 + 2 * TIMES
vcpu 0
	log_is	1 << 3
	log_is	0

case two_pages, "Two processors write two pages: both are dirty, and no other"
	ref	API_DIRTY
	smp	2
	begin
	start_line 2
	mov	[PAGES + 0x1000], al
	checkpoint WAITED
	writes	PAGES + 0x1000, db, REG_RAX & 0xff
vcpu 1
	start_line 2
	mov	[PAGES + 0x6000], bl
	checkpoint WAITED
	writes	PAGES + 0x6000, db, REG_RBX & 0xff
meet
	started	2
vcpu 0
	log_is	1 << 1 | 1 << 6
	log_is	0

case four_pages, "Four processors write eight pages: all are dirty"
	ref	API_DIRTY
	smp	4
	begin
	start_line 4
	mov	[PAGES], al
	mov	[PAGES + 0x4000], al
	checkpoint WAITED
	writes	PAGES, db, REG_RAX & 0xff
	writes	PAGES + 0x4000, db, REG_RAX & 0xff
%assign n 1
%rep 3
vcpu n
	start_line 4
	mov	[PAGES + n * 0x1000], al
	mov	[PAGES + 0x4000 + n * 0x1000], al
	checkpoint WAITED
	writes	PAGES + n * 0x1000, db, REG_RAX & 0xff
	writes	PAGES + 0x4000 + n * 0x1000, db, REG_RAX & 0xff
%assign n n + 1
%endrep
meet
	started	4
vcpu 0
	log_is	0xff
	log_is	0

; writer N, PAGE: writes its page until it is told to stop, and once more after that.
%macro writer 2.nolist
vcpu %1
	mov	[%2], al
	lock inc dword [SEEN]
%%on:	mov	[%2 + 4], al
	cmp	dword [GO], 1
	jne	%%on
	mov	[%2 + 8], al
	checkpoint WAITED
	writes	%2, db, REG_RAX & 0xff
	writes	%2 + 4, db, REG_RAX & 0xff
	writes	%2 + 8, db, REG_RAX & 0xff
%endmacro

case fetched_often, "The log is fetched often while processors write: no page is ever lost"
	ref	API_DIRTY
	smp	3
	begin
	wait_for dword, SEEN, 2
	checkpoint WAITED
%rep 8
	action	collect_dirty, id=SLOT_PAGES
%endrep
	log_is	1 << 1 | 1 << 5
	mov	dword [GO], 1
	checkpoint
	writes	GO, dd, 1
	writer	1, PAGES + 0x1000
	writer	2, PAGES + 0x5000
meet
	writes	SEEN, dd, 2
vcpu 0
	log_is	1 << 1 | 1 << 5
	log_is	0

case last_write, "What was written after the log was fetched is in the next one"
	ref	API_DIRTY
	smp	2
	begin
	wait_for dword, SEEN, 1
	checkpoint WAITED
	action	collect_dirty, id=SLOT_PAGES
	log_is	1 << 3
	mov	dword [GO], 1
	checkpoint
	writes	GO, dd, 1
vcpu 1
	mov	[PAGES + 0x3000], al
	mov	dword [SEEN], 1
	wait_for dword, GO, 1
	mov	[PAGES + 0x3004], bl
	checkpoint WAITED
	writes	PAGES + 0x3000, db, REG_RAX & 0xff
	writes	PAGES + 0x3004, db, REG_RBX & 0xff
	writes	SEEN, dd, 1
meet
vcpu 0
	log_is	1 << 3
	log_is	0

case begun_late, "Logging that begins while a processor writes a page sees what is written from then on"
	ref	API_DIRTY
	smp	2
	wait_for dword, SEEN, 1
	checkpoint WAITED
	log_pages
	mov	dword [GO], 1
	checkpoint
	writes	GO, dd, 1
	writer	1, PAGES + 0x1000
meet
	writes	SEEN, dd, 1
vcpu 0
	log_is	1 << 1
	log_is	0

case ended, "Logging that ends while a processor writes disturbs nothing"
	ref	API_DIRTY
	smp	2
	begin
	wait_for dword, SEEN, 1
	checkpoint WAITED
	action	memslot, id=SLOT_PAGES, gpa=PAGES, size=0x8000, hva=PAGES
	action	dirty_log, id=SLOT_PAGES, errno=ENOENT
	mov	dword [GO], 1
	checkpoint
	writes	GO, dd, 1
	writer	1, PAGES + 0x1000
meet
	writes	SEEN, dd, 1

case cleared_by_hand, "KVM_CLEAR_DIRTY_LOG while processors write: what comes after is dirty again"
	ref	API_CLEAR
	need	cap_manual_dirty_log_protect2
	smp	3
	action	enable_cap, cap=KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, arg0=1
	begin
	wait_for dword, SEEN, 2
	checkpoint WAITED
%rep 4
	action	collect_dirty, id=SLOT_PAGES
	action	clear_dirty, id=SLOT_PAGES, first=0, count=8, pages=1 << 1 | 1 << 5
%endrep
	mov	dword [GO], 1
	checkpoint
	writes	GO, dd, 1
	writer	1, PAGES + 0x1000
	writer	2, PAGES + 0x5000
meet
	writes	SEEN, dd, 2
vcpu 0
	log_is	1 << 1 | 1 << 5
	log_is	1 << 1 | 1 << 5
	action	clear_dirty, id=SLOT_PAGES, first=0, count=8, pages=1 << 1
	log_is	1 << 5

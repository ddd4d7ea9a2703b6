; SPDX-License-Identifier: GPL-2.0-only
; Memory slots that the runner changes under running processors: when the call has come
; back no processor reaches what was there before.
%include "microguest.inc"
modes real16, prot32, long64
%include "events.inc"
%include "smp.inc"

%define API "KVM API 4.35"
%define GO (SCRATCH + 0x100)
%define SEEN (SCRATCH + 0x140)
; A page that the low slot leaves free: a slot of the case's own lies there.
%define PAGE MMIO
%macro page_is 1-2.nolist 0	; MEMORY, FLAGS
	action	memslot, id=SLOT_FREE, gpa=PAGE, size=0x1000, hva=%1, slot_flags=%2
%endmacro
%macro no_page 0.nolist
	action	memslot, id=SLOT_FREE, size=0
%endmacro

; two_on_page [FLAGS]: the page is there; vCPU 0 goes on when vCPU 1 has used it.
%macro two_on_page 0-1.nolist 0
	ref	API
	smp	2
	memslot	id=SLOT_FREE, gpa=PAGE, size=0x1000, hva=PAGES, slot_flags=%1
	wait_for dword, SEEN, 1
	checkpoint WAITED
%endmacro
; tell: the change is made; vCPU 1 may use the page again.
%macro tell 0.nolist
	mov	dword [GO], 1
	checkpoint
	writes	GO, dd, 1
%endmacro
; use INSTRUCTION, then tell and wait: vCPU 1's first half.
%macro used_by 1+.nolist
vcpu 1
	%1
	mov	dword [SEEN], 1
	wait_for dword, GO, 1
%endmacro

case deleted_read, "A slot deleted under a processor that reads it: its next read exits"
	two_on_page
	no_page
	tell
	used_by	mov eax, [PAGE]
	mov	ebx, [PAGE]
	expect	mmio_read, address=PAGE, size=4, data=0x11223344, rax=0xa0a0a0a0, rbx=0x11223344, WAITED
	writes	SEEN, dd, 1

case deleted_reader, "A slot deleted under a processor that does nothing but read it"
	two_on_page
	no_page
	nop
	checkpoint
vcpu 1
	mov	eax, [PAGE + 4]
	cmp	eax, 0xa0a0a0a0
	mov	dword [SEEN], 1
.on:	mov	eax, [PAGE + 4]
.got:	cmp	eax, 0xa0a0a0a0
	je	.on
	expect	mmio_read, address=PAGE + 4, size=4, data=5, rip=.got, rax=5, WAITED
	writes	SEEN, dd, 1

case deleted_write, "A slot deleted under a processor that writes it: its next write exits"
	two_on_page
	no_page
	tell
	used_by	mov [PAGE], eax
	mov	[PAGE + 8], ecx
	expect	mmio_write, address=PAGE + 8, size=4, data=REG_RCX & 0xffffffff, WAITED
	writes	SEEN, dd, 1
	writes	PAGES, dd, REG_RAX & 0xffffffff

case replaced, "A slot deleted and made of other memory: the next read sees that"
	two_on_page
	no_page
	page_is	PAGES + 0x1000
	tell
	used_by	mov eax, [PAGE]
	mov	ebx, [PAGE]
	checkpoint rax=0xa0a0a0a0, rbx=0xa1a1a1a1, WAITED
	writes	SEEN, dd, 1

case replaced_write, "And the next write reaches the other memory and not the first"
	two_on_page
	no_page
	page_is	PAGES + 0x1000
	tell
	used_by	mov [PAGE], eax
	mov	[PAGE + 8], ecx
	checkpoint WAITED
	writes	SEEN, dd, 1
	writes	PAGES, dd, REG_RAX & 0xffffffff
	writes	PAGES + 0x1008, dd, REG_RCX & 0xffffffff

case moved, "A slot moved to another address is gone from the first"
	two_on_page
	action	memslot, id=SLOT_FREE, gpa=PAGE + 0x1000, size=0x1000, hva=PAGES
	tell
	used_by	mov eax, [PAGE]
	mov	ebx, [PAGE + 0x1000]
	mov	ecx, [PAGE]
	expect	mmio_read, address=PAGE, size=4, data=7, rax=0xa0a0a0a0, rbx=0xa0a0a0a0, rcx=7, WAITED
	writes	SEEN, dd, 1

case read_only, "A slot that becomes read-only: the next write exits and changes nothing"
	need	cap_readonly_mem
	two_on_page
	no_page
	page_is	PAGES, KVM_MEM_READONLY
	tell
	used_by	mov [PAGE], eax
	mov	[PAGE + 8], ecx
	expect	mmio_write, address=PAGE + 8, size=4, data=REG_RCX & 0xffffffff, WAITED
	writes	SEEN, dd, 1
	writes	PAGES, dd, REG_RAX & 0xffffffff
	mov	ebx, [PAGE + 8]
	checkpoint rbx=0xa0a0a0a0

case writable, "A slot that was read-only and is not any more takes writes without an exit"
	need	cap_readonly_mem
	two_on_page KVM_MEM_READONLY
	no_page
	page_is	PAGES
	tell
	used_by	mov eax, [PAGE]
	mov	[PAGE + 8], ecx
	checkpoint rax=0xa0a0a0a0, WAITED
	writes	SEEN, dd, 1
	writes	PAGES + 8, dd, REG_RCX & 0xffffffff

case another_slot, "Slots that come and go elsewhere disturb nothing"
	ref	API
	smp	2
	wait_for dword, SEEN, 1
	checkpoint WAITED
%rep 4
	action	memslot, id=SLOT_FREE, gpa=PAGE, size=0x1000, hva=PAGES
	action	memslot, id=SLOT_FREE, size=0
%endrep
	tell
vcpu 1
	given	rcx=0
	mov	dword [SEEN], 1
.on:	mov	al, [SCRATCH + 0x200]
	add	cl, al
	mov	[SCRATCH + 0x204], cl
	cmp	dword [GO], 1
	jne	.on
	checkpoint rax=LOW_BYTE(REG_RAX, 0), WAITED
	writes	SEEN, dd, 1

case two_readers, "Two processors read a slot that is replaced: both see the new memory"
	ref	API
	smp	3
	memslot	id=SLOT_FREE, gpa=PAGE, size=0x1000, hva=PAGES
	wait_for dword, SEEN, 2
	checkpoint WAITED
	no_page
	page_is	PAGES + 0x2000
	tell
%assign n 1
%rep 2
vcpu n
	mov	eax, [PAGE]
	lock inc dword [SEEN]
	wait_for dword, GO, 1
	mov	ebx, [PAGE]
	checkpoint rax=0xa0a0a0a0, rbx=0xa2a2a2a2, WAITED
%assign n n + 1
%endrep
meet
	writes	SEEN, dd, 2

case runner_writes, "What the runner writes is seen by a processor that spins on it"
	ref	"KVM API 4.35"
	smp	2
	wait_for dword, SEEN, 1
	checkpoint WAITED
	action_write GO, dd, 1
vcpu 1
	mov	dword [SEEN], 1
	wait_for dword, GO, 1
	checkpoint WAITED
	writes	SEEN, dd, 1

; SPDX-License-Identifier: GPL-2.0-only
; CR4.SMEP: the supervisor does not execute user pages.
%include "microguest.inc"
modes paged32, pae32, compat32, long64, long64_5l
%include "paging.inc"

%define REFS "SDM 3 4.6.1", "SDM 3 4.7", "APM 2 5.6.5"
%define SMEP_ON INIT_CR4 | CR4_SMEP

case supervisor_user_page, "with SMEP a fetch from a user page at CPL 0 faults with P and I"
	ref	REFS
	need	smep
	given	cr4=SMEP_ON, rbx=PAGES
	pte	PAGES, set=PTE_U
	jmp	xbx
	expect	exception, vector=VEC_PF, error=PF_P | PF_I, cr2=PAGES, rip=PAGES

case user_user_page, "with SMEP CPL 3 executes its pages"
	ref	REFS
	need	smep
	ring3
	given	cr4=SMEP_ON, rbx=PAGES
	memory	PAGES, db, 0xe6, CHECKPOINT_PORT
	jmp	xbx
	expect	checkpoint, rip=PAGES + 2

case data_is_not_fetched, "SMEP does not stop the supervisor's data accesses"
	ref	REFS
	need	smep
	given	cr4=SMEP_ON
	pte	PAGES, set=PTE_U
	mov	eax, [PAGES]
	mov	[PAGES + 4], ecx
	checkpoint rax=0xa0a0a0a0
	writes	PAGES + 4, dd, REG_RCX & 0xffffffff

case second_page, "an instruction that runs from a supervisor page into a user page"
	ref	REFS
	need	smep
	given	cr4=SMEP_ON, rbx=PAGES + 0xffe
	memory	PAGES + 0xffe, db, 0xb8, 1
	pte	PAGES + 0x1000, set=PTE_U
	jmp	xbx
	expect	exception, vector=VEC_PF, error=PF_P | PF_I, cr2=PAGES + 0x1000, rip=PAGES + 0xffe

case supervisor_by_upper_entry, "a page is the user's only if every entry on the way says so"
	ref	REFS
	need	smep
	given	cr4=SMEP_ON, rbx=ALIAS(2) + PAGES
	memory	PAGES, db, 0xe6, CHECKPOINT_PORT
	pte	PAGES, set=PTE_U
	alias	2, PTE_P | PTE_W | PTE_A
	jmp	xbx
	expect	checkpoint, rip=ALIAS(2) + PAGES + 2

case turned_on, "a user page that was executed is refused once MOV to CR4 sets SMEP"
	ref	REFS, "SDM 3 4.10.4.1"
	need	smep
	given	rax=SMEP_ON, rbx=PAGES, rcx=.back
	memory	PAGES, db, 0xff, 0xe1		; jmp xcx
	pte	PAGES, set=PTE_U
	jmp	xbx
.back:	checkpoint
	mov	cr4, xax
	jmp	xbx
	expect	exception, vector=VEC_PF, error=PF_P | PF_I, cr2=PAGES, rip=PAGES, cr4=SMEP_ON

case turned_off, "a user page that was refused is executed once MOV to CR4 clears SMEP"
	ref	REFS
	need	smep
	given	cr4=SMEP_ON, rax=INIT_CR4, rbx=PAGES, rcx=.back
	memory	PAGES, db, 0xff, 0xe1		; jmp xcx
	pte	PAGES, set=PTE_U
	jmp	xbx
	expect	exception, vector=VEC_PF, error=PF_P | PF_I, cr2=PAGES, rip=PAGES
	mov	cr4, xax
	jmp	xbx
.back:	checkpoint cr4=INIT_CR4

case large_page, "SMEP with a user page that a PDE maps"
	ref	REFS
	need	smep
	given	cr4=SMEP_ON, rbx=ALIAS(2) + PAGES
	pde	ALIAS(2), raw=PTE_P | PTE_W | PTE_U | PTE_A | PTE_D | PTE_PS
	jmp	xbx
	expect	exception, vector=VEC_PF, error=PF_P | PF_I, cr2=ALIAS(2) + PAGES, \
		rip=ALIAS(2) + PAGES

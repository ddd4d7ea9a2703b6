; SPDX-License-Identifier: GPL-2.0-only
; Page faults of instruction fetches: I in the error code, NX, and instructions
; that lie in two pages.
%include "microguest.inc"
modes paged32, pae32, compat32, long64, long64_5l
%include "paging.inc"

%define REFS "SDM 3 4.6.1", "SDM 3 4.7", "APM 2 5.6.3", "APM 2 8.4.2"
%define OUT_CHECKPOINT 0xe6, CHECKPOINT_PORT
%define MOV_EAX_IMM32 0xb8

%assign CPL 0
%rep 2

case_cpl not_present, "a jump to a page that is not present faults at its target"
	ref	REFS
	given	rbx=PAGES + 5
	pte	PAGES, clear=PTE_P
	jmp	xbx
	expect	exception, vector=VEC_PF, error=PF_FETCH | PF_CPL, cr2=PAGES + 5, rip=PAGES + 5

case_cpl call_not_present, "CALL has pushed its return address when the fetch of its target faults"
	ref	REFS, "SDM 2 CALL"
	given	rbx=PAGES
	pte	PAGES, clear=PTE_P
	call	xbx
.back:
	expect	exception, vector=VEC_PF, error=PF_FETCH | PF_CPL, cr2=PAGES, rip=PAGES, \
		rsp=STACK_TOP - WORD_BYTES
%if BITS == 64
	writes	STACK_TOP - 8, dq, .back
%else
	writes	STACK_TOP - 4, dd, .back
%endif

case_cpl second_page_not_present, "an instruction whose end is not present: CR2 is the second page"
	ref	REFS
	given	rbx=PAGES + 0xffd
	memory	PAGES + 0xffd, db, MOV_EAX_IMM32
	pte	PAGES + 0x1000, clear=PTE_P
	jmp	xbx
	expect	exception, vector=VEC_PF, error=PF_FETCH | PF_CPL, cr2=PAGES + 0x1000, \
		rip=PAGES + 0xffd

case_cpl fall_into_second_page, "an instruction that ends with its page: the next one faults"
	ref	REFS
	given	rbx=PAGES + 0xffb
	memory	PAGES + 0xffb, db, MOV_EAX_IMM32, 0x78, 0x56, 0x34, 0x12
	pte	PAGES + 0x1000, clear=PTE_P
	jmp	xbx
	expect	exception, vector=VEC_PF, error=PF_FETCH | PF_CPL, cr2=PAGES + 0x1000, \
		rip=PAGES + 0x1000, rax=0x12345678

case_cpl two_pages_apart, "an instruction in two pages that lie apart in physical memory"
	ref	"SDM 3 4.2"
	given	rbx=PAGES + 0xffd
	memory	PAGES + 0xffd, db, MOV_EAX_IMM32, 0x78, 0x56
	memory	PAGES + 0x5000, db, 0x34, 0x12, OUT_CHECKPOINT
	pte	PAGES + 0x1000, pa=PAGES + 0x5000
	jmp	xbx
	expect	checkpoint, rax=0x12345678, rip=PAGES + 0x1004

%if HAS_NX
case_cpl no_execute, "a page with NX can be read and written but not executed"
	ref	REFS, "SDM 3 5.13"
	given	rbx=PAGES
	pte	PAGES, set=PTE_NX
	mov	eax, [PAGES]
	mov	[PAGES + 4], ecx
	jmp	xbx
	expect	exception, vector=VEC_PF, error=PF_P | PF_I | PF_CPL, cr2=PAGES, rip=PAGES, \
		rax=0xa0a0a0a0
	writes	PAGES + 4, dd, REG_RCX & 0xffffffff

case_cpl second_page_no_execute, "an instruction whose end lies in an NX page"
	ref	REFS, "SDM 3 5.13"
	given	rbx=PAGES + 0xffd
	memory	PAGES + 0xffd, db, MOV_EAX_IMM32
	pte	PAGES + 0x1000, set=PTE_NX
	jmp	xbx
	expect	exception, vector=VEC_PF, error=PF_P | PF_I | PF_CPL, cr2=PAGES + 0x1000, \
		rip=PAGES + 0xffd

case_cpl nxe_clear_not_present, "without EFER.NXE (and SMEP) the error code has no I"
	ref	REFS
	given	efer=INIT_EFER & ~EFER_NXE, rbx=PAGES
	pte	PAGES, clear=PTE_P
	jmp	xbx
	expect	exception, vector=VEC_PF, error=PF_CPL, cr2=PAGES, rip=PAGES

case_cpl nxe_clear_nx_is_reserved, "without EFER.NXE the NX bit is reserved, for data too"
	ref	REFS, "SDM 3 4.4.2", "SDM 3 4.5"
	given	efer=INIT_EFER & ~EFER_NXE
	pte	PAGES, set=PTE_NX
.f:	mov	eax, [PAGES]
	expect	exception, vector=VEC_PF, error=PF_P | PF_RSVD | PF_CPL, cr2=PAGES, rip=.f

case_cpl nxe_clear_fetch_nx, "without EFER.NXE a fetch from a page with NX set faults as reserved"
	ref	REFS, "SDM 3 4.4.2", "SDM 3 4.5"
	given	efer=INIT_EFER & ~EFER_NXE, rbx=PAGES
	pte	PAGES, set=PTE_NX
	jmp	xbx
	expect	exception, vector=VEC_PF, error=PF_P | PF_RSVD | PF_CPL, cr2=PAGES, rip=PAGES

case_cpl nxe_clear_smep, "CR4.SMEP alone brings I into the error code"
	ref	REFS
	need	smep
	given	efer=INIT_EFER & ~EFER_NXE, cr4=INIT_CR4 | CR4_SMEP, rbx=PAGES
	pte	PAGES, clear=PTE_P
	jmp	xbx
	expect	exception, vector=VEC_PF, error=PF_I | PF_CPL, cr2=PAGES, rip=PAGES
%endif

%assign CPL 3
%endrep

case user_supervisor_page, "CPL 3 may not execute a supervisor page"
	ref	REFS
	ring3
	given	rbx=PAGES
	pte	PAGES, clear=PTE_U
	jmp	xbx
	expect	exception, vector=VEC_PF, error=PF_P | PF_FETCH | PF_U, cr2=PAGES, rip=PAGES

case user_second_page_supervisor, "an instruction whose end lies in a supervisor page"
	ref	REFS
	ring3
	given	rbx=PAGES + 0xfff
	memory	PAGES + 0xfff, db, MOV_EAX_IMM32
	pte	PAGES + 0x1000, clear=PTE_U
	jmp	xbx
	expect	exception, vector=VEC_PF, error=PF_P | PF_FETCH | PF_U, cr2=PAGES + 0x1000, \
		rip=PAGES + 0xfff

case supervisor_user_page, "the supervisor executes a user page (SMEP off)"
	ref	REFS
	given	rbx=PAGES
	memory	PAGES, db, OUT_CHECKPOINT
	pte	PAGES, set=PTE_U
	jmp	xbx
	expect	checkpoint, rip=PAGES + 2

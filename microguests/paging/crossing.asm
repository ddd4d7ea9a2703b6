; SPDX-License-Identifier: GPL-2.0-only
; Accesses that lie in two pages. Either both parts happen or none; CR2 is the
; first address that could not be accessed, so the start of the second page when
; that is the bad one.
%include "microguest.inc"
modes paged32, pae32, compat32, long64, long64_5l
%include "paging.inc"

%define REFS "SDM 3 4.7", "SDM 3 6.5", "APM 2 8.2.15"
%define EDGE (PAGES + 0x1000)

%assign CPL 0
%rep 2

case_cpl read_second_not_present, "a read whose second page is not present: CR2 is that page"
	ref	REFS
	pte	EDGE, clear=PTE_P
.f:	mov	eax, [EDGE - 2]
	expect	exception, vector=VEC_PF, error=PF_CPL, cr2=EDGE, rip=.f

case_cpl read_first_not_present, "a read whose first page is not present: CR2 is its address"
	ref	REFS
	pte	PAGES, clear=PTE_P
.f:	mov	eax, [EDGE - 1]
	expect	exception, vector=VEC_PF, error=PF_CPL, cr2=EDGE - 1, rip=.f

case_cpl write_second_not_present, "a write whose second page is not present writes nothing"
	ref	REFS
	pte	EDGE, clear=PTE_P
.f:	mov	[EDGE - 3], eax
	expect	exception, vector=VEC_PF, error=PF_W | PF_CPL, cr2=EDGE, rip=.f

case_cpl write_second_read_only, "a write whose second page is read-only writes nothing"
	ref	REFS
	pte	EDGE, clear=PTE_W
.f:	mov	[EDGE - 1], eax
	expect	exception, vector=VEC_PF, error=PF_P | PF_W | PF_CPL, cr2=EDGE, rip=.f

case_cpl write_first_read_only, "a write whose first page is read-only writes nothing"
	ref	REFS
	pte	PAGES, clear=PTE_W
.f:	mov	[EDGE - 2], eax
	expect	exception, vector=VEC_PF, error=PF_P | PF_W | PF_CPL, cr2=EDGE - 2, rip=.f

case_cpl read_modify_write, "ADD to memory whose second page is read-only writes nothing"
	ref	REFS
	pte	EDGE, clear=PTE_W
.f:	add	[EDGE - 2], eax
	expect	exception, vector=VEC_PF, error=PF_P | PF_W | PF_CPL, cr2=EDGE, rip=.f

case_cpl pages_apart, "two pages that lie apart in physical memory: each gets its bytes"
	ref	"SDM 3 4.2"
	pte	EDGE, pa=PAGES + 0x5000
	mov	eax, [EDGE - 2]
	mov	dword [EDGE - 1], 0x44332211
	checkpoint rax=0xa5a5a0a0
	writes	EDGE - 1, db, 0x11
	writes	PAGES + 0x5000, db, 0x22, 0x33, 0x44

case_cpl pages_swapped, "the second page may be the one below the first"
	ref	"SDM 3 4.2"
	pte	PAGES, pa=PAGES + 0x4000
	pte	EDGE, pa=PAGES + 0x2000
	mov	dword [EDGE - 2], 0x44332211
	mov	eax, [EDGE - 3]
	checkpoint rax=0x332211a4
	writes	PAGES + 0x4ffe, db, 0x11, 0x22
	writes	PAGES + 0x2000, db, 0x33, 0x44

case_cpl rep_movs_into, "REP MOVSB stops at the element that faults, with its progress in registers"
	ref	"SDM 2 REP", REFS
	given	rsi=SCRATCH, rdi=EDGE - 3, rcx=8
	memory	SCRATCH, db, 1, 2, 3, 4, 5, 6, 7, 8
	pte	EDGE, clear=PTE_P
.f:	rep movsb
	expect	exception, vector=VEC_PF, error=PF_W | PF_CPL, cr2=EDGE, rip=.f, \
		rsi=SCRATCH + 3, rdi=EDGE, rcx=5
	writes	EDGE - 3, db, 1, 2, 3

case_cpl rep_movs_out_of, "REP MOVSB whose source runs into a page that is not present"
	ref	"SDM 2 REP", REFS
	given	rsi=EDGE - 3, rdi=SCRATCH, rcx=8
	pte	EDGE, clear=PTE_P
.f:	rep movsb
	expect	exception, vector=VEC_PF, error=PF_CPL, cr2=EDGE, rip=.f, \
		rsi=EDGE, rdi=SCRATCH + 3, rcx=5
	writes	SCRATCH, db, 0xa0, 0xa0, 0xa0

case_cpl rep_movs_resumed, "REP MOVSB goes on where it stopped once the page is there"
	ref	"SDM 2 REP", REFS
	given	rsi=SCRATCH, rdi=EDGE - 3, rcx=8
	memory	SCRATCH, db, 1, 2, 3, 4, 5, 6, 7, 8
	pte	EDGE, clear=PTE_P
.f:	rep movsb
	expect	exception, vector=VEC_PF, error=PF_W | PF_CPL, cr2=EDGE, rip=.f, \
		rsi=SCRATCH + 3, rdi=EDGE, rcx=5, resume=.f
	writes	EDGE - 3, db, 1, 2, 3
	action	entry, level=1, va=EDGE, set=PTE_P
	checkpoint rsi=SCRATCH + 8, rdi=EDGE + 5, rcx=0
	writes	EDGE, db, 4, 5, 6, 7, 8

case_cpl rep_stos_element, "an element of REP STOSD that lies in both pages is not stored at all"
	ref	"SDM 2 REP", REFS
	given	rdi=EDGE - 6, rcx=3
	pte	EDGE, clear=PTE_W
.f:	rep stosd
	expect	exception, vector=VEC_PF, error=PF_P | PF_W | PF_CPL, cr2=EDGE, rip=.f, \
		rdi=EDGE - 2, rcx=2
	writes	EDGE - 6, dd, REG_RAX & 0xffffffff

case_cpl rep_movs_backward, "with DF set the page below is the second"
	ref	"SDM 2 REP", REFS
	given	rsi=SCRATCH + 7, rdi=EDGE + 2, rcx=8, rflags=0x2 | DF
	memory	SCRATCH, db, 1, 2, 3, 4, 5, 6, 7, 8
	pte	PAGES, clear=PTE_W
.f:	rep movsb
	expect	exception, vector=VEC_PF, error=PF_P | PF_W | PF_CPL, cr2=EDGE - 1, rip=.f, \
		rsi=SCRATCH + 4, rdi=EDGE - 1, rcx=5
	writes	EDGE, db, 6, 7, 8

case_cpl repe_cmps, "REPE CMPSB that faults has its progress in registers too"
	ref	"SDM 2 REP", "SDM 2 CMPS", REFS
	given	rsi=PAGES + 0x4000, rdi=EDGE - 2, rcx=8
	memory	PAGES + 0x4000, db, 0xa0, 0xa0
	pte	EDGE, clear=PTE_P
.f:	repe cmpsb
	expect	exception, vector=VEC_PF, error=PF_CPL, cr2=EDGE, rip=.f, \
		rsi=PAGES + 0x4002, rdi=EDGE, rcx=6, undefined=STATUS_FLAGS

case_cpl vector_store, "a 16-byte store whose second page is read-only writes nothing"
	ref	REFS
	uses	sse
	given	xmm1=0x1111222233334444, 0x5555666677778888
	pte	EDGE, clear=PTE_W
.f:	movups	[EDGE - 5], xmm1
	expect	exception, vector=VEC_PF, error=PF_P | PF_W | PF_CPL, cr2=EDGE, rip=.f

case_cpl vector_pages_apart, "a 16-byte store and load over two pages that lie apart"
	ref	"SDM 3 4.2"
	uses	sse
	given	xmm1=0x0807060504030201, 0x100f0e0d0c0b0a09
	pte	EDGE, pa=PAGES + 0x5000
	movups	[EDGE - 5], xmm1
	movups	xmm2, [EDGE - 6]
	checkpoint xmm2=0x07060504030201a0, 0x0f0e0d0c0b0a0908
	writes	EDGE - 5, db, 1, 2, 3, 4, 5
	writes	PAGES + 0x5000, db, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16

%assign CPL 3
%endrep

case user_push, "PUSH over a page boundary whose lower page is read-only"
	ref	"SDM 2 PUSH", REFS
	ring3
	given	rsp=EDGE + 2
	pte	PAGES, clear=PTE_W
.f:	push	xax
	expect	exception, vector=VEC_PF, error=PF_P | PF_W | PF_U, cr2=EDGE + 2 - WORD_BYTES, \
		rip=.f

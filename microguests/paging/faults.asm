; SPDX-License-Identifier: GPL-2.0-only
; Page faults that the entry of the page itself causes: P, W and U, and what
; the error code and CR2 say, at both privilege levels of every paging mode.
%include "microguest.inc"
modes paged32, pae32, compat32, long64, long64_5l
%include "paging.inc"

%assign CPL 0
%rep 2

case_cpl read_not_present, "a read of a page that is not present faults with P and W clear"
	ref	"SDM 3 4.7", "APM 2 8.4.2"
	pte	PAGES, clear=PTE_P
.f:	mov	eax, [PAGES + 0x123]
	expect	exception, vector=VEC_PF, error=PF_CPL, cr2=PAGES + 0x123, rip=.f

case_cpl write_not_present, "a write to a page that is not present faults with W"
	ref	"SDM 3 4.7", "APM 2 8.4.2"
	pte	PAGES, clear=PTE_P
.f:	mov	[PAGES + 0xffc], eax
	expect	exception, vector=VEC_PF, error=PF_W | PF_CPL, cr2=PAGES + 0xffc, rip=.f

case_cpl write_read_only, "a write to a read-only page faults with P and W; a read is allowed"
	ref	"SDM 3 4.6.1", "SDM 3 4.7", "APM 2 5.6.2"
	pte	PAGES, clear=PTE_W
	mov	bl, [PAGES]
.f:	mov	[PAGES + 8], bl
	expect	exception, vector=VEC_PF, error=PF_P | PF_W | PF_CPL, cr2=PAGES + 8, rip=.f, \
		rbx=(REG_RBX & ~0xff) | 0xa0

case_cpl not_present_hides_all_else, "with P clear no other bit of an entry counts or changes"
	ref	"SDM 3 4.3", "SDM 3 4.5", "APM 2 5.4.1"
%if HAS_NX
	pte	PAGES, raw=0xfffffffffffffffe
%else
	pte	PAGES, raw=0xfffffffe
%endif
.f:	mov	[PAGES], eax
	expect	exception, vector=VEC_PF, error=PF_W | PF_CPL, cr2=PAGES, rip=.f

case_cpl entry_zero, "an entry of zero is not present"
	ref	"SDM 3 4.7"
	pte	PAGES, raw=0
.f:	cmp	byte [PAGES + 1], 0
	expect	exception, vector=VEC_PF, error=PF_CPL, cr2=PAGES + 1, rip=.f

case_cpl fault_repeats, "the same access faults again until the page table is put right"
	ref	"SDM 3 4.10.4.1", "SDM 3 6.5", "APM 2 8.1.2"
	pte	PAGES, clear=PTE_P
.f:	mov	eax, [PAGES]
	expect	exception, vector=VEC_PF, error=PF_CPL, cr2=PAGES, rip=.f, resume=.f
	expect	exception, vector=VEC_PF, error=PF_CPL, cr2=PAGES, rip=.f, resume=.f
	action	entry, level=1, va=PAGES, set=PTE_P
	checkpoint rax=0xa0a0a0a0

case_cpl instruction_changes_nothing, "an XADD that faults leaves registers, flags and memory"
	ref	"SDM 2 XADD", "SDM 3 6.5", "APM 2 8.1.1"
	given	rbx=PAGES
	pte	PAGES, clear=PTE_W
.f:	xadd	[xbx], eax
	expect	exception, vector=VEC_PF, error=PF_P | PF_W | PF_CPL, cr2=PAGES, rip=.f

case_cpl cmpxchg_always_writes, "CMPXCHG of unequal values needs a writable page all the same"
	ref	"SDM 2 CMPXCHG", "APM 3 CMPXCHG"
	pte	PAGES, clear=PTE_W
	given	rax=1
.f:	cmpxchg	[PAGES], ecx
	expect	exception, vector=VEC_PF, error=PF_P | PF_W | PF_CPL, cr2=PAGES, rip=.f

case_cpl movs_source, "MOVS whose source is not present faults as a read; no register moves"
	ref	"SDM 2 MOVS", "SDM 3 4.7"
	given	rsi=PAGES, rdi=SCRATCH
	pte	PAGES, clear=PTE_P
.f:	movsd
	expect	exception, vector=VEC_PF, error=PF_CPL, cr2=PAGES, rip=.f

case_cpl movs_destination, "MOVS whose destination is not present faults as a write"
	ref	"SDM 2 MOVS", "SDM 3 4.7"
	given	rsi=SCRATCH, rdi=PAGES
	pte	PAGES, clear=PTE_P
.f:	movsd
	expect	exception, vector=VEC_PF, error=PF_W | PF_CPL, cr2=PAGES, rip=.f

case_cpl pop_to_memory, "POP to a read-only page faults as a write and leaves the stack pointer"
	ref	"SDM 2 POP", "SDM 3 6.5"
	given	rsp=SCRATCH + 0x800
	pte	PAGES, clear=PTE_W
.f:	pop	WORD_SIZE [PAGES]
	expect	exception, vector=VEC_PF, error=PF_P | PF_W | PF_CPL, cr2=PAGES, rip=.f

case_cpl rep_of_none, "REP STOS and REP MOVS with a count of zero access nothing"
	ref	"SDM 2 REP", "APM 3 REP"
	given	rcx=0, rsi=PAGES, rdi=PAGES
	pte	PAGES, clear=PTE_P
	rep stosb
	rep movsb
	checkpoint

case_cpl lea_and_nop, "LEA and the long NOP do not access their operand"
	ref	"SDM 2 LEA", "SDM 2 NOP"
	pte	PAGES, clear=PTE_P
	nop	dword [PAGES]
	lea	ebx, [PAGES]
	checkpoint rbx=PAGES

case_cpl prefetch, "PREFETCHT0 of a page that is not present does not fault"
	ref	"SDM 2 PREFETCHh", "APM 3 PREFETCHlevel"
	need	sse
	pte	PAGES, clear=PTE_P
	prefetcht0 [PAGES]
	checkpoint

case_cpl clflush, "CLFLUSH of a page that is not present faults as a read"
	ref	"SDM 2 CLFLUSH", "APM 3 CLFLUSH"
	need	clfsh
	pte	PAGES, clear=PTE_P
.f:	clflush	[PAGES + 64]
	expect	exception, vector=VEC_PF, error=PF_CPL, cr2=PAGES + 64, rip=.f

%assign CPL 3
%endrep

case user_read_supervisor_page, "a read of a supervisor page at CPL 3 faults with P and U"
	ref	"SDM 3 4.6.1", "SDM 3 4.7", "SDM 3 5.11", "APM 2 5.6.1"
	ring3
	pte	PAGES, clear=PTE_U
.f:	mov	eax, [PAGES]
	expect	exception, vector=VEC_PF, error=PF_P | PF_U, cr2=PAGES, rip=.f

case user_write_supervisor_page, "a write to a supervisor page at CPL 3 faults with P, W and U"
	ref	"SDM 3 4.6.1", "SDM 3 4.7", "SDM 3 5.11", "APM 2 5.6.1"
	ring3
	pte	PAGES, clear=PTE_U
.f:	mov	[PAGES], eax
	expect	exception, vector=VEC_PF, error=PF_P | PF_W | PF_U, cr2=PAGES, rip=.f

case supervisor_uses_user_page, "the supervisor reads and writes user pages (SMAP off)"
	ref	"SDM 3 4.6.1", "APM 2 5.6.1"
	pte	PAGES, set=PTE_U
	mov	eax, [PAGES]
	mov	[PAGES + 4], ecx
	checkpoint rax=0xa0a0a0a0
	writes	PAGES + 4, dd, REG_RCX & 0xffffffff

case user_push_not_present, "PUSH to a page that is not present leaves the stack pointer"
	ref	"SDM 2 PUSH", "SDM 3 6.5"
	ring3
	given	rsp=PAGES + 0x10
	pte	PAGES, clear=PTE_P
.f:	push	xax
	expect	exception, vector=VEC_PF, error=PF_W | PF_U, cr2=PAGES + 0x10 - WORD_BYTES, rip=.f

case user_call_bad_stack, "CALL whose return address cannot be pushed does not jump"
	ref	"SDM 2 CALL", "SDM 3 6.5"
	ring3
	given	rsp=PAGES + 0x10
	pte	PAGES, clear=PTE_W
.f:	call	STACK
	expect	exception, vector=VEC_PF, error=PF_P | PF_W | PF_U, \
		cr2=PAGES + 0x10 - WORD_BYTES, rip=.f

case user_enter_bad_stack, "ENTER that cannot push leaves stack and frame pointer"
	ref	"SDM 2 ENTER", "SDM 3 6.5"
	ring3
	given	rsp=PAGES + 0x10
	pte	PAGES, clear=PTE_P
.f:	enter	0x20, 0
	expect	exception, vector=VEC_PF, error=PF_W | PF_U, cr2=PAGES + 0x10 - WORD_BYTES, rip=.f

; SPDX-License-Identifier: GPL-2.0-only
; The accessed and dirty flags: set exactly when the manual says (SDM 3 4.8, APM 2
; 5.4.2). The stage's entries have both set; here they are cleared first.
%include "microguest.inc"
modes paged32, pae32, compat32, long64, long64_5l
%include "paging.inc"

%define REFS "SDM 3 4.8", "APM 2 5.4.2"

case read, "a read sets A of the page's entry and leaves D"
	ref	REFS
	rings	0, 3
	pte	PAGES, clear=PTE_A | PTE_D
	mov	al, [PAGES]
	checkpoint rax=(REG_RAX & ~0xff) | 0xa0
	pte_is	PAGES, set=PTE_A

case write, "a write sets A and D of the page's entry"
	ref	REFS
	rings	0, 3
	pte	PAGES, clear=PTE_A | PTE_D
	mov	byte [PAGES], 0x55
	checkpoint
	writes	PAGES, db, 0x55
	pte_is	PAGES, set=PTE_A | PTE_D

case read_then_write, "a translation cached by a read still sets D at the first write"
	ref	REFS
	rings	0, 3
	pte	PAGES, clear=PTE_A | PTE_D
	mov	al, [PAGES]
	checkpoint rax=(REG_RAX & ~0xff) | 0xa0
	pte_is	PAGES, set=PTE_A
	mov	[PAGES + 1], bl
	checkpoint
	writes	PAGES + 1, db, REG_RBX & 0xff
	pte_is	PAGES, set=PTE_D

case fetch, "executing a page sets A of its entry and leaves D"
	ref	REFS
	rings	0, 3
	given	rbx=PAGES
	memory	PAGES, db, 0xe6, CHECKPOINT_PORT
	pte	PAGES, clear=PTE_A | PTE_D
	jmp	xbx
	expect	checkpoint, rip=PAGES + 2
	pte_is	PAGES, set=PTE_A

case only_this_page, "an access sets the flags of its own page, not of those beside it"
	ref	REFS
	rings	0, 3
	pte	PAGES, clear=PTE_A | PTE_D
	pte	PAGES + 0x1000, clear=PTE_A | PTE_D
	pte	PAGES + 0x2000, clear=PTE_A | PTE_D
	mov	[PAGES + 0x1ffc], ecx
	checkpoint
	writes	PAGES + 0x1ffc, dd, REG_RCX & 0xffffffff
	pte_is	PAGES + 0x1000, set=PTE_A | PTE_D

case crossing_write, "a write over a page boundary sets A and D of both entries"
	ref	REFS
	rings	0, 3
	pte	PAGES, clear=PTE_A | PTE_D
	pte	PAGES + 0x1000, clear=PTE_A | PTE_D
	mov	[PAGES + 0xffe], ecx
	checkpoint
	writes	PAGES + 0xffe, dd, REG_RCX & 0xffffffff
	pte_is	PAGES, set=PTE_A | PTE_D
	pte_is	PAGES + 0x1000, set=PTE_A | PTE_D

case cmpxchg_unequal, "CMPXCHG of unequal values writes, so it sets D"
	ref	"SDM 2 CMPXCHG", REFS
	rings	0, 3
	given	rax=1
	pte	PAGES, clear=PTE_A | PTE_D
	lock cmpxchg [PAGES], ecx
	checkpoint rax=0xa0a0a0a0, status=CF
	pte_is	PAGES, set=PTE_A | PTE_D

case rep_of_none, "REP MOVS and REP STOS with a count of zero set no flag"
	ref	"SDM 2 REP", REFS
	rings	0, 3
	given	rcx=0, rsi=PAGES, rdi=PAGES + 0x1000
	pte	PAGES, clear=PTE_A | PTE_D
	pte	PAGES + 0x1000, clear=PTE_A | PTE_D
	rep movsb
	rep stosd
	checkpoint

case bit_test, "BT reads only, BTS writes"
	ref	"SDM 2 BT", "SDM 2 BTS", REFS
	rings	0, 3
	pte	PAGES, clear=PTE_A | PTE_D
	bt	dword [PAGES], 5
	checkpoint set=CF, undefined=PF | AF | SF | OF
	pte_is	PAGES, set=PTE_A
	bts	dword [PAGES], 0
	checkpoint clear=CF, undefined=PF | AF | SF | OF
	writes	PAGES, db, 0xa1
	pte_is	PAGES, set=PTE_D

case fault_read_only, "a write that a read-only page refuses leaves D clear"
	ref	REFS
	pte	PAGES, clear=PTE_W | PTE_D
.f:	mov	[PAGES], eax
	expect	exception, vector=VEC_PF, error=PF_P | PF_W, cr2=PAGES, rip=.f

case fault_read_only_user, "a write that a read-only page refuses CPL 3 leaves D clear"
	ref	REFS
	ring3
	pte	PAGES, clear=PTE_W | PTE_D
.f:	mov	[PAGES], eax
	expect	exception, vector=VEC_PF, error=PF_P | PF_W | PF_U, cr2=PAGES, rip=.f

case fault_supervisor_page, "an access refused to CPL 3 is none: A and D stay clear"
	ref	REFS
	ring3
	pte	PAGES, clear=PTE_U | PTE_A | PTE_D
.f:	mov	[PAGES], eax
	expect	exception, vector=VEC_PF, error=PF_P | PF_W | PF_U, cr2=PAGES, rip=.f

case stack, "PUSH sets D of the stack's page"
	ref	REFS
	rings	0, 3
	pte	STACK, clear=PTE_A | PTE_D
	push	xcx
	checkpoint rsp=STACK_TOP - WORD_BYTES
%if BITS == 64
	writes	STACK_TOP - 8, dq, REG_RCX
%else
	writes	STACK_TOP - 4, dd, REG_RCX
%endif
	pte_is	STACK, set=PTE_A | PTE_D

case exception_stack, "the frame of an exception sets A and D of the stack it is pushed on"
	ref	"SDM 3 6.12.1", REFS
	pte	STACK, clear=PTE_A | PTE_D
.f:	ud2
	expect	exception, vector=VEC_UD, rip=.f
	pte_is	STACK, set=PTE_A | PTE_D

case exception_inner_stack, "an exception at CPL 3 sets A and D of the supervisor's stack page"
	ref	"SDM 3 6.12.1", REFS
	ring3
	pte	KSTACK, clear=PTE_A | PTE_D
	pte	STACK, clear=PTE_A | PTE_D
.f:	ud2
	expect	exception, vector=VEC_UD, rip=.f
	pte_is	KSTACK, set=PTE_A | PTE_D

case exception_idt, "delivery of an exception sets A of the IDT's page and leaves D"
	ref	"SDM 3 4.6", REFS
	rings	0, 3
	pte	IDT, clear=PTE_A | PTE_D
.f:	ud2
	expect	exception, vector=VEC_UD, rip=.f
	pte_is	IDT, set=PTE_A

case descriptor_read, "loading a segment sets A of the GDT's page and leaves D"
	ref	"SDM 3 4.6", REFS
	given	rax=SEL_DATA
	pte	GDT, clear=PTE_A | PTE_D
	mov	es, ax
	checkpoint
	pte_is	GDT, set=PTE_A

case descriptor_accessed, "loading a segment not yet accessed writes its descriptor: D is set"
	ref	"SDM 3 3.4.5.1", REFS
	given	rax=SEL_FREE
	descriptor SEL_FREE, base=0, limit=0xffffffff, ar=AR_DATA & ~1
	pte	GDT, clear=PTE_A | PTE_D
	mov	es, ax
	checkpoint es=SEL_FREE
	writes	GDT + SEL_FREE + 5, db, AR_DATA & 0xff
	pte_is	GDT, set=PTE_A | PTE_D

case cleared_by_guest, "flags that the guest clears are set again after INVLPG"
	ref	"SDM 3 4.10.4.2", REFS
	mov	eax, [PAGES]
	mov	cl, [TABLE_AT(1) + ENTRY_OFFSET(1, PAGES)]
	and	byte [TABLE_AT(1) + ENTRY_OFFSET(1, PAGES)], ~(PTE_A | PTE_D) & 0xff
	invlpg	[PAGES]
	checkpoint rax=0xa0a0a0a0, rcx=(REG_RCX & ~0xff) | PTE_P | PTE_W | PTE_A | PTE_D, \
		status=PF, undefined=AF
	pte_is	PAGES, clear=PTE_A | PTE_D
	mov	[PAGES], al
	checkpoint
	pte_is	PAGES, set=PTE_A | PTE_D

%assign LEVEL 2
%rep ALIAS_LEVELS - 1
%if !(PAE_TOP && LEVEL == 3)
case upper_%[LEVEL], "a read or write sets A of the upper entries it uses, and no D there"
	ref	REFS
	rings	0, 3
	given	rbx=ALIAS(LEVEL) + PAGES
	alias	LEVEL, PTE_P | PTE_W | PTE_U
	mov	[xbx], al
	checkpoint
	writes	PAGES, db, REG_RAX & 0xff
	entry_is LEVEL, ALIAS(LEVEL), set=PTE_A
%else
case pdpte_has_no_accessed, "a PDPTE of PAE has no A: using it changes nothing"
	ref	"SDM 3 4.4.1", "SDM 3 4.8"
	rings	0, 3
	given	rbx=ALIAS(LEVEL) + PAGES
	alias	LEVEL
	mov	[xbx], al
	checkpoint
	writes	PAGES, db, REG_RAX & 0xff
%endif
%assign LEVEL LEVEL + 1
%endrep

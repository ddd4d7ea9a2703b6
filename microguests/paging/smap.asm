; SPDX-License-Identifier: GPL-2.0-only
; CR4.SMAP: the supervisor reads and writes user pages only with RFLAGS.AC set, and
; never on the processor's own account.
%include "microguest.inc"
modes paged32, pae32, compat32, long64, long64_5l
%include "paging.inc"

%define REFS "SDM 3 4.6.1", "SDM 3 4.7", "APM 2 5.6.6"
%define SMAP_ON INIT_CR4 | CR4_SMAP
; A descriptor of the case's own in an LDT at PAGES, and its selector.
%define LDT_SELECTOR 0x14
%define LDT_ENTRY (PAGES + (LDT_SELECTOR & ~7))

; ldt_at_pages DPL: LDTR points to PAGES, where LDT_ENTRY is a flat data segment.
%macro ldt_at_pages 1.nolist
	given	ldtr=SEL_LDT, ldtr_base=PAGES, ldtr_limit=0x1f, ldtr_ar=AR_LDT
	memory	LDT_ENTRY, dq, 0x00cf93000000ffff | (%1 << 45)
%endmacro

case read, "with SMAP and AC clear a read of a user page at CPL 0 faults with P"
	ref	REFS
	need	smap
	given	cr4=SMAP_ON
	pte	PAGES, set=PTE_U
.f:	mov	eax, [PAGES]
	expect	exception, vector=VEC_PF, error=PF_P, cr2=PAGES, rip=.f

case write, "with SMAP and AC clear a write to a user page at CPL 0 faults with P and W"
	ref	REFS
	need	smap
	given	cr4=SMAP_ON
	pte	PAGES, set=PTE_U
.f:	mov	[PAGES], eax
	expect	exception, vector=VEC_PF, error=PF_P | PF_W, cr2=PAGES, rip=.f

case ac_set, "with AC set the supervisor reads and writes user pages"
	ref	REFS
	need	smap
	given	cr4=SMAP_ON, rflags=0x2 | AC
	pte	PAGES, set=PTE_U
	mov	eax, [PAGES]
	mov	[PAGES + 4], ecx
	checkpoint rax=0xa0a0a0a0
	writes	PAGES + 4, dd, REG_RCX & 0xffffffff

case ac_set_read_only, "AC does not make a read-only user page writable"
	ref	REFS
	need	smap
	given	cr4=SMAP_ON, rflags=0x2 | AC
	pte	PAGES, set=PTE_U, clear=PTE_W
.f:	mov	[PAGES], eax
	expect	exception, vector=VEC_PF, error=PF_P | PF_W, cr2=PAGES, rip=.f

case stac_clac, "STAC opens user pages and CLAC closes them"
	ref	REFS, "SDM 2 STAC", "SDM 2 CLAC"
	need	smap
	given	cr4=SMAP_ON
	pte	PAGES, set=PTE_U
	stac
	mov	al, [PAGES]
	checkpoint set=AC, rax=(REG_RAX & ~0xff) | 0xa0
	clac
.f:	mov	[PAGES], al
	expect	exception, vector=VEC_PF, error=PF_P | PF_W, cr2=PAGES, rip=.f, clear=AC

case stac_without_smap, "STAC and CLAC change AC whether or not CR4.SMAP is set"
	ref	"SDM 2 STAC", "SDM 2 CLAC"
	need	smap
	stac
	checkpoint set=AC
	clac
	checkpoint clear=AC

case stac_user, "STAC is undefined at CPL 3"
	ref	"SDM 2 STAC", "APM 3 STAC"
	need	smap
	ring3
	given	cr4=SMAP_ON
.f:	stac
	expect	exception, vector=VEC_UD, rip=.f

case clac_user, "CLAC is undefined at CPL 3"
	ref	"SDM 2 CLAC", "APM 3 CLAC"
	need	smap
	ring3
	given	cr4=SMAP_ON, rflags=0x2 | AC
.f:	clac
	expect	exception, vector=VEC_UD, rip=.f

case exception_clears_nothing, "delivery of an exception keeps AC for the handler's frame"
	ref	"SDM 3 6.12.1", "SDM 3 6.14"
	need	smap
	given	cr4=SMAP_ON, rflags=0x2 | AC
.f:	ud2
	expect	exception, vector=VEC_UD, rip=.f

case supervisor_page, "SMAP leaves supervisor pages alone"
	ref	REFS
	need	smap
	given	cr4=SMAP_ON
	mov	eax, [PAGES]
	mov	[PAGES + 4], ecx
	checkpoint rax=0xa0a0a0a0
	writes	PAGES + 4, dd, REG_RCX & 0xffffffff

case user_access, "SMAP leaves CPL 3 alone"
	ref	REFS
	need	smap
	ring3
	given	cr4=SMAP_ON
	mov	eax, [PAGES]
	mov	[PAGES + 4], ecx
	checkpoint rax=0xa0a0a0a0
	writes	PAGES + 4, dd, REG_RCX & 0xffffffff

case fetch, "SMAP leaves instruction fetches alone (SMEP off)"
	ref	REFS
	need	smap
	given	cr4=SMAP_ON, rbx=PAGES
	memory	PAGES, db, 0xe6, CHECKPOINT_PORT
	pte	PAGES, set=PTE_U
	jmp	xbx
	expect	checkpoint, rip=PAGES + 2

case upper_supervisor, "a user page below a supervisor entry is the supervisor's"
	ref	REFS
	need	smap
	given	cr4=SMAP_ON, rbx=ALIAS(2) + PAGES
	pte	PAGES, set=PTE_U
	alias	2, PTE_P | PTE_W | PTE_A
	mov	eax, [xbx]
	checkpoint rax=0xa0a0a0a0

case wp_clear, "with WP clear SMAP still refuses the supervisor a user page"
	ref	REFS
	need	smap
	given	cr0=INIT_CR0 & ~CR0_WP, cr4=SMAP_ON
	pte	PAGES, set=PTE_U
.f:	mov	[PAGES], eax
	expect	exception, vector=VEC_PF, error=PF_P | PF_W, cr2=PAGES, rip=.f

case wp_clear_then_smap, "a read-only user page written with WP clear, then SMAP set: refused"
	ref	REFS
	need	smap
	given	cr0=INIT_CR0 & ~CR0_WP, rax=SMAP_ON
	pte	PAGES, set=PTE_U, clear=PTE_W
	mov	[PAGES], ecx
	mov	cr4, xax
.f:	mov	[PAGES], edx
	expect	exception, vector=VEC_PF, error=PF_P | PF_W, cr2=PAGES, rip=.f, cr4=SMAP_ON
	writes	PAGES, dd, REG_RCX & 0xffffffff

case crossing, "a read that runs from a supervisor page into a user page"
	ref	REFS
	need	smap
	given	cr4=SMAP_ON
	pte	PAGES + 0x1000, set=PTE_U
.f:	mov	eax, [PAGES + 0xffe]
	expect	exception, vector=VEC_PF, error=PF_P, cr2=PAGES + 0x1000, rip=.f

case implicit, "a descriptor in a user page is refused though AC is set: the access is implicit"
	ref	REFS
	need	smap
	given	cr4=SMAP_ON, rflags=0x2 | AC, rax=LDT_SELECTOR
	ldt_at_pages 0
	pte	PAGES, set=PTE_U
.f:	mov	es, ax
	expect	exception, vector=VEC_PF, error=PF_P, cr2=LDT_ENTRY, rip=.f

case implicit_without_smap, "without SMAP a descriptor may lie in a user page"
	ref	REFS
	given	rax=LDT_SELECTOR
	ldt_at_pages 0
	pte	PAGES, set=PTE_U
	mov	es, ax
	checkpoint es=LDT_SELECTOR, es_base=0, es_limit=0xffffffff, es_ar=AR_DATA

case implicit_user, "at CPL 3 too a descriptor's page is read as by the supervisor: U is clear"
	ref	REFS
	need	smap
	ring3
	given	cr4=SMAP_ON, rflags=0x2 | AC, rax=LDT_SELECTOR | 3
	ldt_at_pages 3
.f:	mov	es, ax
	expect	exception, vector=VEC_PF, error=PF_P, cr2=LDT_ENTRY, rip=.f

case implicit_user_not_present, "a descriptor's page that is not present: U is clear at CPL 3"
	ref	"SDM 3 4.6", "SDM 3 4.7"
	ring3
	given	rax=LDT_SELECTOR | 3
	ldt_at_pages 3
	pte	PAGES, clear=PTE_P
.f:	mov	es, ax
	expect	exception, vector=VEC_PF, error=0, cr2=LDT_ENTRY, rip=.f

case implicit_user_supervisor_page, "CPL 3 loads a descriptor from a supervisor page"
	ref	"SDM 3 4.6"
	ring3
	given	rax=LDT_SELECTOR | 3
	ldt_at_pages 3
	pte	PAGES, clear=PTE_U
	mov	es, ax
	checkpoint es=LDT_SELECTOR | 3, es_base=0, es_limit=0xffffffff, es_ar=AR_DATA | AR_DPL3

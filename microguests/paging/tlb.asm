; SPDX-License-Identifier: GPL-2.0-only
; Cached translations: a stale one may be used until it is invalidated, and must not
; be used after. Only the second half can be judged. The guest changes its own page
; tables, which the stage maps one to one.
%include "microguest.inc"
modes paged32, pae32, compat32, long64, long64_5l
%include "paging.inc"

%define ENTRY_OF(level, va) (TABLE_AT(level) + ENTRY_OFFSET(level, va))
%define PAGE_BITS (PTE_P | PTE_W | PTE_A | PTE_D)
%define TABLE_BITS (PTE_P | PTE_W | PTE_U | PTE_A)
%define REFS "SDM 3 4.10.4.1", "APM 2 5.5"

case invlpg_remapped, "after INVLPG a page's new address counts"
	ref	REFS, "SDM 2 INVLPG"
	mov	eax, [PAGES]
	mov	dword [ENTRY_OF(1, PAGES)], (PAGES + 0x1000) | PAGE_BITS
	invlpg	[PAGES]
	mov	ebx, [PAGES]
	checkpoint rax=0xa0a0a0a0, rbx=0xa1a1a1a1
	pte_is	PAGES, raw=(PAGES + 0x1000) | PAGE_BITS

case invlpg_any_byte, "INVLPG of any byte of a page means the page"
	ref	REFS, "SDM 2 INVLPG"
	mov	eax, [PAGES]
	mov	dword [ENTRY_OF(1, PAGES)], (PAGES + 0x1000) | PAGE_BITS
	invlpg	[PAGES + 0xfff]
	mov	ebx, [PAGES]
	checkpoint rax=0xa0a0a0a0, rbx=0xa1a1a1a1
	pte_is	PAGES, raw=(PAGES + 0x1000) | PAGE_BITS

case invlpg_unmapped, "after P is cleared and INVLPG the page faults"
	ref	REFS, "SDM 2 INVLPG"
	mov	eax, [PAGES]
	mov	dword [ENTRY_OF(1, PAGES)], PAGES | PAGE_BITS & ~PTE_P
	invlpg	[PAGES]
.f:	mov	ebx, [PAGES]
	expect	exception, vector=VEC_PF, error=0, cr2=PAGES, rip=.f, rax=0xa0a0a0a0
	pte_is	PAGES, clear=PTE_P

case invlpg_write_protected, "after W is cleared and INVLPG a write faults"
	ref	REFS, "SDM 2 INVLPG"
	mov	[PAGES], ecx
	mov	dword [ENTRY_OF(1, PAGES)], PAGES | PAGE_BITS & ~PTE_W
	invlpg	[PAGES]
.f:	mov	[PAGES], edx
	expect	exception, vector=VEC_PF, error=PF_P | PF_W, cr2=PAGES, rip=.f
	writes	PAGES, dd, REG_RCX & 0xffffffff
	pte_is	PAGES, clear=PTE_W

case made_present, "an entry made present needs no invalidation"
	ref	"SDM 3 4.10.2.3", "SDM 3 4.10.4.3", "APM 2 5.5.3"
	pte	PAGES, clear=PTE_P
.f:	mov	eax, [PAGES]
	expect	exception, vector=VEC_PF, error=0, cr2=PAGES, rip=.f
	mov	dword [ENTRY_OF(1, PAGES)], PAGES | PAGE_BITS
	mov	eax, [PAGES]
	checkpoint rax=0xa0a0a0a0
	pte_is	PAGES, set=PTE_P

case cr3_remapped, "after MOV to CR3 a page's new address counts"
	ref	REFS
	mov	eax, [PAGES]
	mov	dword [ENTRY_OF(1, PAGES)], (PAGES + 0x1000) | PAGE_BITS
	mov	xcx, cr3
	mov	cr3, xcx
	mov	ebx, [PAGES]
	checkpoint rax=0xa0a0a0a0, rbx=0xa1a1a1a1, rcx=TABLES
	pte_is	PAGES, raw=(PAGES + 0x1000) | PAGE_BITS

case invlpg_upper, "INVLPG drops cached upper entries as well"
	ref	"SDM 3 4.10.4.1", "SDM 2 INVLPG", "SDM 3 4.10.3", "APM 2 5.5.3"
	given	rsi=ALIAS(2) + PAGES
	alias	2
	memory	FREE_TABLE + ENTRY_OFFSET(1, PAGES), d_entry, PAGES + 0x3000 | PAGE_BITS
	mov	eax, [xsi]
	mov	dword [ENTRY_OF(2, ALIAS(2))], FREE_TABLE | TABLE_BITS
	invlpg	[xsi]
	mov	ebx, [xsi]
	checkpoint rax=0xa0a0a0a0, rbx=0xa3a3a3a3
	pde_is	ALIAS(2), raw=FREE_TABLE | TABLE_BITS

case large_page_split, "a large page made into small ones"
	ref	REFS, "SDM 2 INVLPG"
	given	rsi=ALIAS(2) + PAGES
	pde	ALIAS(2), raw=PAGE_BITS | PTE_PS
	memory	FREE_TABLE + ENTRY_OFFSET(1, PAGES), d_entry, PAGES + 0x3000 | PAGE_BITS
	mov	eax, [xsi]
	mov	dword [ENTRY_OF(2, ALIAS(2))], FREE_TABLE | TABLE_BITS
	invlpg	[xsi]
	mov	ebx, [xsi]
	checkpoint rax=0xa0a0a0a0, rbx=0xa3a3a3a3
	pde_is	ALIAS(2), raw=FREE_TABLE | TABLE_BITS

case large_page_merged, "small pages made into a large one"
	ref	REFS, "SDM 2 INVLPG"
	given	rsi=ALIAS(2) + PAGES
	memory	FREE_TABLE + ENTRY_OFFSET(1, PAGES), d_entry, PAGES + 0x3000 | PAGE_BITS
	pde	ALIAS(2), raw=FREE_TABLE | TABLE_BITS
	mov	eax, [xsi]
	mov	dword [ENTRY_OF(2, ALIAS(2))], PAGE_BITS | PTE_PS
	invlpg	[xsi]
	mov	ebx, [xsi]
	checkpoint rax=0xa3a3a3a3, rbx=0xa0a0a0a0
	pde_is	ALIAS(2), raw=PAGE_BITS | PTE_PS

case large_page_moved, "a large page moved: INVLPG of one address in it means all of it"
	ref	"SDM 3 4.10.4.1", "SDM 2 INVLPG"
	given	rsi=ALIAS(2) + PAGES
	pde	ALIAS(2), raw=PAGE_BITS | PTE_PS
	mov	eax, [xsi]
	mov	dword [ENTRY_OF(2, ALIAS(2))], PAGE_BITS & ~PTE_P | PTE_PS
	invlpg	[xsi + 0x7000]
.f:	mov	ebx, [xsi]
	expect	exception, vector=VEC_PF, error=0, cr2=ALIAS(2) + PAGES, rip=.f, rax=0xa0a0a0a0
	pde_is	ALIAS(2), clear=PTE_P

case global_invlpg, "INVLPG drops a global translation too"
	ref	"SDM 3 4.10.2.4", REFS, "APM 2 5.5.2"
	need	pge
	given	cr4=INIT_CR4 | CR4_PGE
	pte	PAGES, set=PTE_G
	mov	eax, [PAGES]
	mov	dword [ENTRY_OF(1, PAGES)], (PAGES + 0x1000) | PAGE_BITS | PTE_G
	invlpg	[PAGES]
	mov	ebx, [PAGES]
	checkpoint rax=0xa0a0a0a0, rbx=0xa1a1a1a1
	pte_is	PAGES, raw=(PAGES + 0x1000) | PAGE_BITS | PTE_G

case global_pge, "clearing CR4.PGE drops global translations"
	ref	"SDM 3 4.10.2.4", REFS, "APM 2 5.5.2"
	need	pge
	given	cr4=INIT_CR4 | CR4_PGE, rdx=INIT_CR4
	pte	PAGES, set=PTE_G
	mov	eax, [PAGES]
	mov	dword [ENTRY_OF(1, PAGES)], (PAGES + 0x1000) | PAGE_BITS | PTE_G
	mov	cr4, xdx
	mov	ebx, [PAGES]
	checkpoint rax=0xa0a0a0a0, rbx=0xa1a1a1a1, cr4=INIT_CR4
	pte_is	PAGES, raw=(PAGES + 0x1000) | PAGE_BITS | PTE_G

case global_ignored, "without CR4.PGE the G bit is ignored: MOV to CR3 drops the translation"
	ref	"SDM 3 4.10.2.4", REFS
	pte	PAGES, set=PTE_G
	mov	eax, [PAGES]
	mov	dword [ENTRY_OF(1, PAGES)], (PAGES + 0x1000) | PAGE_BITS | PTE_G
	mov	xcx, cr3
	mov	cr3, xcx
	mov	ebx, [PAGES]
	checkpoint rax=0xa0a0a0a0, rbx=0xa1a1a1a1, rcx=TABLES
	pte_is	PAGES, raw=(PAGES + 0x1000) | PAGE_BITS | PTE_G

case not_global_beside_global, "with PGE set MOV to CR3 drops what is not global"
	ref	"SDM 3 4.10.2.4", REFS
	need	pge
	given	cr4=INIT_CR4 | CR4_PGE
	pte	PAGES + 0x2000, set=PTE_G
	mov	eax, [PAGES]
	mov	edx, [PAGES + 0x2000]
	mov	dword [ENTRY_OF(1, PAGES)], (PAGES + 0x1000) | PAGE_BITS
	mov	xcx, cr3
	mov	cr3, xcx
	mov	ebx, [PAGES]
	mov	edx, [PAGES + 0x2000]
	checkpoint rax=0xa0a0a0a0, rbx=0xa1a1a1a1, rcx=TABLES, rdx=0xa2a2a2a2
	pte_is	PAGES, raw=(PAGES + 0x1000) | PAGE_BITS

%if ALIAS_LEVELS == TOP_LEVEL
case new_root, "MOV to CR3 changes the whole of the tables"
	ref	"SDM 3 4.3", "SDM 3 4.4.1", "SDM 3 4.5", REFS
	given	rsi=ALIAS(TOP_LEVEL) + PAGES, rdx=FREE_TABLE
%if PAE_TOP
	%define ROOT_BITS PTE_P
%else
	%define ROOT_BITS TABLE_BITS
%endif
	memory	FREE_TABLE, d_entry, TABLE_AT(TOP_LEVEL - 1) | ROOT_BITS
	memory	FREE_TABLE + ENTRY_OFFSET(TOP_LEVEL, ALIAS(TOP_LEVEL)), d_entry, \
		TABLE_AT(TOP_LEVEL - 1) | ROOT_BITS
.f:	mov	eax, [xsi]
	expect	exception, vector=VEC_PF, error=0, cr2=ALIAS(TOP_LEVEL) + PAGES, rip=.f
	mov	cr3, xdx
	mov	eax, [xsi]
	checkpoint rax=0xa0a0a0a0, cr3=FREE_TABLE
	mov	xcx, TABLES
	mov	cr3, xcx
.g:	mov	eax, [xsi]
	expect	exception, vector=VEC_PF, error=0, cr2=ALIAS(TOP_LEVEL) + PAGES, rip=.g, \
		rcx=TABLES, cr3=TABLES
%endif

case two_addresses, "two addresses of one page see each other's writes"
	ref	"SDM 3 4.2"
	rings	0, 3
	pte	PAGES + 0x1000, pa=PAGES
	mov	[PAGES + 0x1004], ecx
	mov	eax, [PAGES + 4]
	mov	[PAGES + 8], al
	mov	bl, [PAGES + 0x1008]
	checkpoint rax=REG_RCX & 0xffffffff, rbx=(REG_RBX & ~0xff) | (REG_RCX & 0xff)
	writes	PAGES + 4, dd, REG_RCX & 0xffffffff
	writes	PAGES + 8, db, REG_RCX & 0xff

case invlpg_not_present, "INVLPG of an address that nothing maps does not fault"
	ref	"SDM 2 INVLPG"
	given	rsi=ALIAS(2) * 3
	pte	PAGES, clear=PTE_P
	invlpg	[PAGES]
	invlpg	[xsi]
	checkpoint

case invlpg_user, "INVLPG is the supervisor's: #GP(0) at CPL 3"
	ref	"SDM 2 INVLPG", "APM 3 INVLPG"
	ring3
.f:	invlpg	[PAGES]
	expect	exception, vector=VEC_GP, error=0, rip=.f

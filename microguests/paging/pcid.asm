; SPDX-License-Identifier: GPL-2.0-only
; Process-context identifiers: CR4.PCIDE, MOV to CR3 with and without bit 63.
%include "microguest.inc"
modes compat32, long64, long64_5l
%include "paging.inc"

%define REFS "SDM 3 4.10.1", "SDM 3 4.10.4.1", "SDM 2 MOV CR", "APM 2 5.5.1"
%define PCID_ON INIT_CR4 | CR4_PCIDE
%define KEEP (1 << 63)
%define PAGE_BITS (PTE_P | PTE_W | PTE_A | PTE_D)
%define TABLE_BITS (PTE_P | PTE_W | PTE_U | PTE_A)

case turned_on, "PCIDE can be set in long mode with bits 11 to 0 of CR3 clear"
	ref	REFS
	need	pcid
	given	rax=PCID_ON
	mov	cr4, xax
	mov	ebx, [PAGES]
	checkpoint cr4=PCID_ON, rbx=0xa0a0a0a0

case turned_on_wrong_cr3, "setting PCIDE while CR3 has bits of a PCID raises #GP(0)"
	ref	REFS
	need	pcid
	given	cr3=TABLES | CR3_PCD, rax=PCID_ON
.f:	mov	cr4, xax
	expect	exception, vector=VEC_GP, error=0, rip=.f

case paging_off, "clearing CR0.PG with PCIDE set raises #GP(0)"
	ref	REFS
	need	pcid
	given	cr4=PCID_ON, rax=INIT_CR0 & ~CR0_PG
.f:	mov	cr0, xax
	expect	exception, vector=VEC_GP, error=0, rip=.f

case cr3_reads_back, "the PCID is in bits 11 to 0 of CR3, all twelve"
	ref	REFS
	need	pcid
	given	cr4=PCID_ON, rax=TABLES | 0xabc
	mov	cr3, xax
	mov	xbx, cr3
	mov	ecx, [PAGES]
	checkpoint cr3=TABLES | 0xabc, rbx=TABLES | 0xabc, rcx=0xa0a0a0a0

case remapped_same_pcid, "MOV to CR3 drops the translations of the PCID it loads"
	ref	REFS
	need	pcid
	given	cr3=TABLES | 5, cr4=PCID_ON, rsi=TABLES | 5
	mov	eax, [PAGES]
	mov	dword [TABLE_AT(1) + ENTRY_OFFSET(1, PAGES)], (PAGES + 0x1000) | PAGE_BITS
	mov	cr3, xsi
	mov	ebx, [PAGES]
	checkpoint rax=0xa0a0a0a0, rbx=0xa1a1a1a1
	pte_is	PAGES, raw=(PAGES + 0x1000) | PAGE_BITS

case turned_off, "clearing PCIDE drops all translations"
	ref	REFS
	need	pcid
	given	cr4=PCID_ON, rdx=INIT_CR4
	mov	eax, [PAGES]
	mov	dword [TABLE_AT(1) + ENTRY_OFFSET(1, PAGES)], (PAGES + 0x1000) | PAGE_BITS
	mov	cr4, xdx
	mov	ebx, [PAGES]
	checkpoint rax=0xa0a0a0a0, rbx=0xa1a1a1a1, cr4=INIT_CR4
	pte_is	PAGES, raw=(PAGES + 0x1000) | PAGE_BITS

case invlpg, "INVLPG drops the page's translation of the current PCID"
	ref	REFS, "SDM 2 INVLPG"
	need	pcid
	given	cr3=TABLES | 7, cr4=PCID_ON
	mov	eax, [PAGES]
	mov	dword [TABLE_AT(1) + ENTRY_OFFSET(1, PAGES)], (PAGES + 0x1000) | PAGE_BITS
	invlpg	[PAGES]
	mov	ebx, [PAGES]
	checkpoint rax=0xa0a0a0a0, rbx=0xa1a1a1a1
	pte_is	PAGES, raw=(PAGES + 0x1000) | PAGE_BITS

%if BITS == 64
case bit_63, "bit 63 of the operand is no part of CR3 and reads back as zero"
	ref	REFS
	need	pcid
	given	cr4=PCID_ON, rax=KEEP | TABLES | 3
	mov	cr3, rax
	mov	rbx, cr3
	mov	ecx, [PAGES]
	checkpoint cr3=TABLES | 3, rbx=TABLES | 3, rcx=0xa0a0a0a0

case bit_63_without_pcide, "without PCIDE bit 63 of the operand is reserved"
	ref	REFS
	given	rax=KEEP | TABLES
.f:	mov	cr3, rax
	expect	exception, vector=VEC_GP, error=0, rip=.f

case other_pcid, "a translation of one PCID is not used under another, whatever bit 63 says"
	ref	REFS
	need	pcid
	given	cr3=TABLES | 1, cr4=PCID_ON, rsi=ALIAS(TOP_LEVEL) + PAGES, \
		rax=KEEP | FREE_TABLE | 2, rbx=KEEP | TABLES | 1
	alias	TOP_LEVEL
	memory	FREE_TABLE, dq, TABLE_AT(TOP_LEVEL - 1) | TABLE_BITS
	mov	ecx, [rsi]
	mov	cr3, rax
.f:	mov	edx, [rsi]
	expect	exception, vector=VEC_PF, error=0, cr2=ALIAS(TOP_LEVEL) + PAGES, rip=.f, \
		rcx=0xa0a0a0a0, cr3=FREE_TABLE | 2
	mov	cr3, rbx
	mov	edx, [rsi]
	checkpoint rdx=0xa0a0a0a0, cr3=TABLES | 1
%endif

; SPDX-License-Identifier: GPL-2.0-only
; Turning paging on and off, and what has to be in order for it.
%include "microguest.inc"
modes prot32

%define INIT_CR0 (CR0_PE | CR0_EM | CR0_ET | CR0_NE)
%define PAGED_CR0 (INIT_CR0 | CR0_PG)
%define TABLE_BITS (PTE_P | PTE_W | PTE_A)
%define LARGE_PAGE (PTE_P | PTE_W | PTE_A | PTE_D | PTE_PS)
%define REFS "SDM 2 MOV CR", "SDM 3 4.1.2", "APM 2 14.6"
%define LONG_REFS "SDM 3 9.8.5", "SDM 3 4.1.2", "APM 2 14.6.1"

; Tables of one large page, which maps the stage one to one.
%macro tables_32 0.nolist
	memory	TABLES, dd, LARGE_PAGE
%endmacro
%macro tables_pae 0.nolist
	memory	TABLES, dq, (TABLES + 0x2000) | PTE_P
	memory	TABLES + 0x2000, dq, LARGE_PAGE
%endmacro
%macro tables_long 0.nolist
	memory	TABLES, dq, (TABLES + 0x1000) | TABLE_BITS
	memory	TABLES + 0x1000, dq, (TABLES + 0x2000) | TABLE_BITS
	memory	TABLES + 0x2000, dq, LARGE_PAGE
%endmacro

case on_32_bit, "PG turns 32-bit paging on: the second page directory entry counts at once"
	ref	REFS
	given	cr3=TABLES, cr4=CR4_PSE, rax=PAGED_CR0, rsi=0x400000 + PAGES
	tables_32
	memory	TABLES + 4, dd, LARGE_PAGE
	mov	cr0, eax
	mov	ebx, [esi]
	checkpoint cr0=PAGED_CR0, rbx=0xa0a0a0a0

case on_and_off_32_bit, "with PG cleared again linear addresses are physical"
	ref	REFS
	given	cr3=TABLES, cr4=CR4_PSE, rax=PAGED_CR0, rcx=INIT_CR0, rsi=0x400000 + PAGES
	tables_32
	memory	TABLES + 4, dd, LARGE_PAGE
	mov	cr0, eax
	mov	ebx, [esi]
	mov	cr0, ecx
	mov	edx, [esi]
	expect	mmio_read, address=0x400000 + PAGES, size=4, data=0x13579bdf, \
		rbx=0xa0a0a0a0, rdx=0x13579bdf
	expect_hw mmio

case on_pae, "PG with CR4.PAE turns PAE paging on"
	ref	REFS, "SDM 3 4.4.1"
	given	cr3=TABLES, cr4=CR4_PAE, rax=PAGED_CR0, rsi=0x200000 + PAGES
	tables_pae
	memory	TABLES + 0x2008, dq, LARGE_PAGE
	mov	cr0, eax
	mov	ebx, [esi]
	checkpoint cr0=PAGED_CR0, rbx=0xa0a0a0a0

case on_pae_bad_pdpte, "PG with reserved bits in a PDPTE raises #GP(0), and paging stays off"
	ref	"SDM 2 MOV CR", "SDM 3 4.4.1"
	need	intel
	given	cr3=TABLES, cr4=CR4_PAE, rax=PAGED_CR0
	tables_pae
	memory	TABLES + 8, dq, (TABLES + 0x2000) | PTE_P | PTE_W
.f:	mov	cr0, eax
	expect	exception, vector=VEC_GP, error=0, rip=.f

case on_not_mapped, "the instruction after PG is fetched by the new tables"
	ref	REFS, "SDM 3 6.15 #DF"
	given	cr3=TABLES, cr4=CR4_PSE, rax=PAGED_CR0
	mov	cr0, eax
	expect	shutdown
	expect_hw shutdown

case on_long, "PG with LME and PAE activates long mode, in compatibility mode: LMA is set"
	ref	LONG_REFS
	need	lm
	given	cr3=TABLES, cr4=CR4_PAE, efer=EFER_LME, rax=PAGED_CR0, rsi=0x200000 + PAGES
	tables_long
	memory	TABLES + 0x2008, dq, LARGE_PAGE
	mov	cr0, eax
	mov	ebx, [esi]
	checkpoint cr0=PAGED_CR0, efer=EFER_LME | EFER_LMA, rbx=0xa0a0a0a0

case on_and_off_long, "clearing PG in compatibility mode leaves long mode: LMA is clear, LME stays"
	ref	LONG_REFS
	need	lm
	given	cr3=TABLES, cr4=CR4_PAE, efer=EFER_LME, rax=PAGED_CR0, rbx=INIT_CR0
	tables_long
	mov	cr0, eax
	mov	cr0, ebx
	mov	ecx, MSR_EFER
	rdmsr
	checkpoint efer=EFER_LME, rax=EFER_LME, rcx=MSR_EFER, rdx=0

case lme_by_wrmsr, "the guest's own way into long mode: PAE, CR3, LME, PG"
	ref	LONG_REFS
	need	lm
	tables_long
	mov	eax, CR4_PAE
	mov	cr4, eax
	mov	eax, TABLES
	mov	cr3, eax
	mov	ecx, MSR_EFER
	mov	eax, EFER_LME | EFER_NXE
	xor	edx, edx
	wrmsr
	mov	eax, PAGED_CR0
	mov	cr0, eax
	checkpoint cr0=PAGED_CR0, cr3=TABLES, cr4=CR4_PAE, efer=EFER_LME | EFER_LMA | EFER_NXE, \
		rax=PAGED_CR0, rcx=MSR_EFER, rdx=0, status=ZF | PF, undefined=AF

case on_long_without_pae, "PG with LME but without PAE raises #GP(0)"
	ref	"SDM 2 MOV CR", LONG_REFS
	need	lm
	given	cr3=TABLES, cr4=CR4_PSE, efer=EFER_LME, rax=PAGED_CR0
	tables_32
.f:	mov	cr0, eax
	expect	exception, vector=VEC_GP, error=0, rip=.f

case pcide, "CR4.PCIDE can be set in long mode only"
	ref	"SDM 2 MOV CR", "SDM 3 4.10.1"
	given	rax=CR4_PAE | CR4_PCIDE
.f:	mov	cr4, eax
	expect	exception, vector=VEC_GP, error=0, rip=.f

case la57, "CR4.LA57 can be changed outside long mode"
	ref	"SDM 2 MOV CR", "SDM 3 4.1.2"
	need	la57
	given	rax=CR4_PAE | CR4_LA57, rbx=0
	mov	cr4, eax
	checkpoint cr4=CR4_PAE | CR4_LA57
	mov	cr4, ebx
	checkpoint cr4=0

case on_long_5_levels, "PG with LME, PAE and LA57 turns 5-level paging on"
	ref	LONG_REFS, "SDM 3 4.5"
	need	lm, la57
	given	cr3=TABLES + 0x3000, cr4=CR4_PAE | CR4_LA57, efer=EFER_LME, rax=PAGED_CR0
	tables_long
	memory	TABLES + 0x3000, dq, TABLES | TABLE_BITS
	mov	cr0, eax
	mov	ebx, [PAGES]
	checkpoint cr0=PAGED_CR0, efer=EFER_LME | EFER_LMA, rbx=0xa0a0a0a0

case cr3_paging_off, "MOV to CR3 with paging off only stores: nothing is looked up"
	ref	"SDM 2 MOV CR"
	given	cr4=CR4_PAE, rax=MMIO
	mov	cr3, eax
	mov	ebx, cr3
	checkpoint cr3=MMIO, rbx=MMIO

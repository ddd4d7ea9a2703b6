; SPDX-License-Identifier: GPL-2.0-only
; PAE's four page-directory-pointer-table entries. Intel's processors load them with
; CR3 and refuse reserved bits then (SDM 3 4.4.1); AMD's may look only when they use
; them (APM 2 15.25.10). What only Intel guarantees needs an Intel processor.
%include "microguest.inc"
modes pae32
%include "paging.inc"

%define ROOT FREE_TABLE
%define PD TABLE_AT(2)

; bad_pdpte NAME, ENTRY, TEXT: MOV to CR3 of a table that holds it must fault.
%macro bad_pdpte 3.nolist
case %1, %3
	ref	"SDM 3 4.4.1", "SDM 2 MOV CR"
	need	intel
	given	rax=ROOT
	memory	ROOT, dq, PD | PTE_P, 0, 0, %2
.f:	mov	cr3, eax
	expect	exception, vector=VEC_GP, error=0, rip=.f
	mov	ebx, [PAGES]
	checkpoint rbx=0xa0a0a0a0
%endmacro
	bad_pdpte w, PD | PTE_P | PTE_W, "bit 1 of a PDPTE is reserved: #GP(0), the old CR3 stays"
	bad_pdpte u, PD | PTE_P | PTE_U, "bit 2 of a PDPTE is reserved"
	bad_pdpte a, PD | PTE_P | PTE_A, "bit 5 of a PDPTE is reserved"
	bad_pdpte ps, PD | PTE_P | PTE_PS, "bit 7 of a PDPTE is reserved"
	bad_pdpte g, PD | PTE_P | PTE_G, "bit 8 of a PDPTE is reserved"
	bad_pdpte nx, PD | PTE_P | PTE_NX, "bit 63 of a PDPTE is reserved though NX is enabled"
	bad_pdpte bit_52, PD | PTE_P | 1 << 52, "bit 52 of a PDPTE is reserved"

case address, "an address beyond MAXPHYADDR in a PDPTE is reserved"
	ref	"SDM 3 4.4.1"
	need	intel, maxphyaddr_lt_52
	given	rax=ROOT
	memory	ROOT, dq, PD | PTE_P | 1 << 51, 0, 0, 0
.f:	mov	cr3, eax
	expect	exception, vector=VEC_GP, error=0, rip=.f

case not_present, "a PDPTE with P clear has no reserved bits"
	ref	"SDM 3 4.4.1", "APM 2 5.2.3"
	given	rax=ROOT
	memory	ROOT, dq, PD | PTE_P, 0xfffffffffffffffe, 0x1e6, 0
	mov	cr3, eax
	mov	ebx, [PAGES]
	checkpoint rbx=0xa0a0a0a0, cr3=ROOT

case available_bits, "bits 11 to 9 of a PDPTE are the program's"
	ref	"SDM 3 4.4.1", "APM 2 5.2.3"
	given	rax=ROOT
	memory	ROOT, dq, PD | PTE_P | 0xe00, 0, 0, 0
	mov	cr3, eax
	mov	ebx, [PAGES]
	checkpoint rbx=0xa0a0a0a0, cr3=ROOT

case aligned_to_32, "the table is aligned to 32 bytes: it may lie anywhere in a page"
	ref	"SDM 3 4.4.1", "APM 2 5.2.3"
	rings	0
	given	rax=ROOT + 0xfe0, rsi=ALIAS(3) + PAGES
	memory	ROOT + 0xfe0, dq, PD | PTE_P, 0, PD | PTE_P, 0
	mov	cr3, eax
	mov	ebx, [esi]
	checkpoint rbx=0xa0a0a0a0, cr3=ROOT + 0xfe0

case changed_then_loaded, "a PDPTE changed in memory counts after MOV to CR3"
	ref	"SDM 3 4.4.1", "APM 2 5.2.3"
	given	rax=ROOT, rsi=ALIAS(3) + PAGES
	memory	ROOT, dq, PD | PTE_P, 0, 0, 0
	mov	cr3, eax
.f:	mov	ebx, [esi]
	expect	exception, vector=VEC_PF, error=0, cr2=ALIAS(3) + PAGES, rip=.f, cr3=ROOT
	mov	dword [ROOT + 16], PD | PTE_P
	mov	cr3, eax
	mov	ebx, [esi]
	checkpoint rbx=0xa0a0a0a0
	writes	ROOT + 16, dd, PD | PTE_P

case all_four, "each PDPTE maps its own quarter of 4 GiB"
	ref	"SDM 3 4.4.1", "APM 2 5.2.3"
	rings	0, 3
	memory	TABLES, dq, PD | PTE_P, PD | PTE_P, PD | PTE_P, PD | PTE_P
	mov	al, [0x40000000 + PAGES]
	mov	bl, [0x80000000 + PAGES + 0x1000]
	mov	cl, [0xc0000000 + PAGES + 0x2000]
	checkpoint rax=(REG_RAX & ~0xff) | 0xa0, rbx=(REG_RBX & ~0xff) | 0xa1, \
		rcx=(REG_RCX & ~0xff) | 0xa2

; reload NAME, CR4 BITS, TEXT: MOV to CR4 that changes these loads the PDPTEs anew.
%macro reload 3.nolist
case %1, %3
	ref	"SDM 3 4.4.1", "SDM 2 MOV CR"
	need	intel
	given	rax=INIT_CR4 | (%2)
	mov	dword [TABLES + 24], PD | PTE_P | PTE_W
.f:	mov	cr4, eax
	expect	exception, vector=VEC_GP, error=0, rip=.f
	writes	TABLES + 24, dd, PD | PTE_P | PTE_W
%endmacro
	reload	cr4_pse, CR4_PSE, "MOV to CR4 that changes PSE loads the PDPTEs, and checks them"
	reload	cr4_pge, CR4_PGE, "MOV to CR4 that changes PGE loads the PDPTEs"

case cr0_cd, "MOV to CR0 that changes CD loads the PDPTEs"
	ref	"SDM 3 4.4.1", "SDM 2 MOV CR"
	need	intel
	given	rax=INIT_CR0 | CR0_CD
	mov	dword [TABLES + 24], PD | PTE_P | PTE_W
.f:	mov	cr0, eax
	expect	exception, vector=VEC_GP, error=0, rip=.f
	writes	TABLES + 24, dd, PD | PTE_P | PTE_W

case cr4_unrelated, "MOV to CR4 that changes none of the paging bits does not load the PDPTEs"
	ref	"SDM 3 4.4.1"
	need	intel
	given	rax=INIT_CR4 | CR4_DE
	mov	dword [TABLES + 24], PD | PTE_P | PTE_W
	mov	cr4, eax
	mov	ebx, [PAGES]
	checkpoint cr4=INIT_CR4 | CR4_DE, rbx=0xa0a0a0a0
	writes	TABLES + 24, dd, PD | PTE_P | PTE_W

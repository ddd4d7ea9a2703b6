; SPDX-License-Identifier: GPL-2.0-only
; Memory types: IA32_PAT, and the bits of entries and CR3 that choose a type.
%include "microguest.inc"
modes paged32, pae32, compat32, long64, long64_5l
%include "paging.inc"

%define RESET_PAT 0x0007040600070406

; bad_pat VALUE: WRMSR of it must fault, and leave the register.
%macro bad_pat 1.nolist
	need	pat
	given	rax=(%1) & 0xffffffff, rdx=(%1) >> 32, rcx=MSR_PAT
.f:	wrmsr
	expect	exception, vector=VEC_GP, error=0, rip=.f
	rdmsr
	checkpoint rax=RESET_PAT & 0xffffffff, rdx=RESET_PAT >> 32
%endmacro

case entry_bits, "PWT, PCD and PAT of an entry are legal in any combination"
	ref	"SDM 3 4.9.2", "APM 2 5.4.1"
	need	pat
	rings	0, 3
	pte	PAGES, set=PTE_PWT
	pte	PAGES + 0x1000, set=PTE_PCD
	pte	PAGES + 0x2000, set=PTE_PCD | PTE_PWT | PTE_PAT
	pte	PAGES + 0x3000, set=PTE_PAT
	mov	al, [PAGES]
	mov	bl, [PAGES + 0x1000]
	mov	cl, [PAGES + 0x2000]
	mov	dl, [PAGES + 0x3000]
	checkpoint rax=(REG_RAX & ~0xff) | 0xa0, rbx=(REG_RBX & ~0xff) | 0xa1, \
		rcx=(REG_RCX & ~0xff) | 0xa2, rdx=(REG_RDX & ~0xff) | 0xa3

case upper_entry_bits, "PWT and PCD of an upper entry are legal"
	ref	"SDM 3 4.9.2", "APM 2 5.4.1"
	rings	0, 3
	given	rbx=ALIAS(2) + PAGES
	alias	2, PTE_P | PTE_W | PTE_U | PTE_A | PTE_PWT | PTE_PCD
	mov	eax, [xbx]
	checkpoint rax=0xa0a0a0a0

case pdpte_bits, "PWT and PCD of a PDPTE are legal, PAE's too"
	ref	"SDM 3 4.4.1", "SDM 3 4.5"
	rings	0, 3
%if ALIAS_LEVELS > 2
	given	rbx=ALIAS(3) + PAGES
	alias	3
	pdpte	ALIAS(3), set=PTE_PWT | PTE_PCD
%else
	given	rbx=PAGES
%endif
	mov	eax, [xbx]
	checkpoint rax=0xa0a0a0a0

case cr3_bits, "PWT and PCD of CR3 can be set, and read back"
	ref	"SDM 3 4.3", "SDM 3 4.4.1", "SDM 3 4.5", "APM 2 5.2.1"
	given	rax=TABLES | CR3_PWT | CR3_PCD, rbx=0
	mov	cr3, xax
	mov	xbx, cr3
	mov	eax, [PAGES]
	checkpoint cr3=TABLES | CR3_PWT | CR3_PCD, rbx=TABLES | CR3_PWT | CR3_PCD, rax=0xa0a0a0a0

case pat_after_reset, "IA32_PAT has its reset value"
	ref	"SDM 3 11.12.4", "APM 2 7.8.2"
	need	pat
	given	rcx=MSR_PAT
	rdmsr
	checkpoint rax=RESET_PAT & 0xffffffff, rdx=RESET_PAT >> 32

case pat_written, "all six types in IA32_PAT read back; memory goes on working"
	ref	"SDM 3 11.12.2", "APM 2 7.8.1"
	need	pat
	given	rax=0x07060504, rdx=0x06040100, rcx=MSR_PAT
	wrmsr
	mov	eax, 0
	mov	edx, 0
	rdmsr
	mov	ebx, [PAGES]
	checkpoint rax=0x07060504, rdx=0x06040100, rbx=0xa0a0a0a0

case pat_type_2, "type 2 in IA32_PAT is reserved"
	ref	"SDM 3 11.12.2", "SDM 2 WRMSR", "APM 2 7.8.1"
	bad_pat	RESET_PAT & ~0xff | 2

case pat_type_3, "type 3 in IA32_PAT is reserved, in the last field as well"
	ref	"SDM 3 11.12.2", "SDM 2 WRMSR", "APM 2 7.8.1"
	bad_pat	RESET_PAT | 3 << 56

case pat_type_8, "the upper bits of a field of IA32_PAT are reserved"
	ref	"SDM 3 11.12.2", "SDM 2 WRMSR", "APM 2 7.8.1"
	bad_pat	RESET_PAT | 8 << 16

case pat_upper_bits, "so is a field's bit 7"
	ref	"SDM 3 11.12.2", "SDM 2 WRMSR", "APM 2 7.8.1"
	bad_pat	RESET_PAT | 0x80 << 32

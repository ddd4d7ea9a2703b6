; SPDX-License-Identifier: GPL-2.0-only
; Reserved and ignored bits of page-table entries.
%include "microguest.inc"
modes pae32, compat32, long64, long64_5l
%include "paging.inc"

%define REFS "SDM 3 4.4.2", "SDM 3 4.5", "SDM 3 4.7", "APM 2 5.3", "APM 2 8.4.2"

%assign CPL 0
%rep 2

case_cpl address_read, "a read through an address beyond MAXPHYADDR faults with P and RSVD"
	ref	REFS
	need	maxphyaddr_lt_52
	pte	PAGES, set=1 << 51
.f:	mov	eax, [PAGES]
	expect	exception, vector=VEC_PF, error=PF_P | PF_RSVD | PF_CPL, cr2=PAGES, rip=.f

case_cpl address_write, "a write to a page both reserved and read-only says RSVD and W"
	ref	REFS
	need	maxphyaddr_lt_52
	pte	PAGES, set=1 << 51, clear=PTE_W
.f:	mov	[PAGES], eax
	expect	exception, vector=VEC_PF, error=PF_P | PF_W | PF_RSVD | PF_CPL, cr2=PAGES, rip=.f

case_cpl address_fetch, "a fetch through an address beyond MAXPHYADDR says RSVD and I"
	ref	REFS
	need	maxphyaddr_lt_52
	given	rbx=PAGES
	pte	PAGES, set=1 << 51
	jmp	xbx
	expect	exception, vector=VEC_PF, error=PF_P | PF_RSVD | PF_I | PF_CPL, cr2=PAGES, rip=PAGES

case_cpl not_present, "with P clear no bit is reserved"
	ref	REFS
	pte	PAGES, set=(1 << 51) | (1 << 52), clear=PTE_P
.f:	mov	eax, [PAGES]
	expect	exception, vector=VEC_PF, error=PF_CPL, cr2=PAGES, rip=.f

case_cpl put_right, "after a reserved-bit fault the corrected entry works"
	ref	REFS, "SDM 3 4.10.2.3"
	need	maxphyaddr_lt_52
	pte	PAGES, set=1 << 51
.f:	mov	eax, [PAGES]
	expect	exception, vector=VEC_PF, error=PF_P | PF_RSVD | PF_CPL, cr2=PAGES, rip=.f, \
		resume=.f
	action	entry, level=1, va=PAGES, clear=1 << 51
	checkpoint rax=0xa0a0a0a0

%if MODE_NUMBER == MODE_PAE32
case_cpl bit_52, "PAE: bits 62 to 52 of an entry are reserved"
	ref	"SDM 3 4.4.2", "APM 2 5.2.3"
	pte	PAGES, set=1 << 52
.f:	mov	eax, [PAGES]
	expect	exception, vector=VEC_PF, error=PF_P | PF_RSVD | PF_CPL, cr2=PAGES, rip=.f

case_cpl bit_62, "PAE: bit 62 of an entry is reserved"
	ref	"SDM 3 4.4.2", "APM 2 5.2.3"
	pte	PAGES, set=1 << 62
.f:	mov	eax, [PAGES]
	expect	exception, vector=VEC_PF, error=PF_P | PF_RSVD | PF_CPL, cr2=PAGES, rip=.f

case_cpl bit_52_of_pde, "PAE: so they are in a PDE"
	ref	"SDM 3 4.4.2", "APM 2 5.2.3"
	given	rbx=ALIAS(2) + PAGES
	alias	2
	entry	2, ALIAS(2), set=1 << 52
.f:	mov	eax, [xbx]
	expect	exception, vector=VEC_PF, error=PF_P | PF_RSVD | PF_CPL, \
		cr2=ALIAS(2) + PAGES, rip=.f
%else
case_cpl bits_52_to_62, "4- and 5-level paging ignore bits 62 to 52 (without protection keys)"
	ref	"SDM 3 4.5", "APM 2 5.4.1"
	pte	PAGES, set=0x7ff << 52
	mov	eax, [PAGES]
	checkpoint rax=0xa0a0a0a0
%endif

case_cpl available_bits, "bits 11 to 9 of an entry are the program's: they change nothing"
	ref	"SDM 3 4.5", "APM 2 5.4.1"
	given	rbx=ALIAS(2) + PAGES
	pte	PAGES, set=0xe00
	alias	2
	entry	2, ALIAS(2), set=0xe00
	mov	eax, [xbx]
	checkpoint rax=0xa0a0a0a0

case_cpl pde_bits_6_and_8, "bits 6 and 8 of a PDE that points to a table are ignored, and stay"
	ref	"SDM 3 4.4.2", "SDM 3 4.5", "APM 2 5.3.3"
	given	rbx=ALIAS(2) + PAGES
	alias	2
	entry	2, ALIAS(2), set=PTE_D | PTE_G
	mov	eax, [xbx]
	checkpoint rax=0xa0a0a0a0

%if LONG
case_cpl pdpte_bit_8, "bit 8 of a PDPTE that points to a directory is ignored"
	ref	"SDM 3 4.5", "APM 2 5.3.3"
	given	rbx=ALIAS(3) + PAGES
	alias	3
	entry	3, ALIAS(3), set=PTE_G
	mov	eax, [xbx]
	checkpoint rax=0xa0a0a0a0
%endif

%assign LEVEL 4
%rep LONG * (ALIAS_LEVELS - 3)
case_cpl ps_%[LEVEL], "PS is reserved in entries above the PDPTE"
	ref	"SDM 3 4.5", "APM 2 5.3.2"
	given	rbx=ALIAS(LEVEL) + PAGES
	alias	LEVEL
	entry	LEVEL, ALIAS(LEVEL), set=PTE_PS
.f:	mov	eax, [xbx]
	expect	exception, vector=VEC_PF, error=PF_P | PF_RSVD | PF_CPL, \
		cr2=ALIAS(LEVEL) + PAGES, rip=.f
%assign LEVEL LEVEL + 1
%endrep

%assign CPL 3
%endrep

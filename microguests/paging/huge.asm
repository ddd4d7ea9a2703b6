; SPDX-License-Identifier: GPL-2.0-only
; Pages of 1 GiB, which a PDPTE maps.
%include "microguest.inc"
modes compat32, long64, long64_5l
%include "paging.inc"

%define REFS "SDM 3 4.5", "APM 2 5.3.5"
%define VA ALIAS(3)
%define HUGE (PTE_P | PTE_W | PTE_U | PTE_A | PTE_D | PTE_PS)

%assign CPL 0
%rep 2

case_cpl maps, "a PDPTE with PS maps 1 GiB"
	ref	REFS
	need	pdpe1gb
	given	rbx=VA + PAGES
	pdpte	VA, raw=HUGE
	mov	eax, [xbx]
	mov	[xbx + 0x1ffe], edx
	checkpoint rax=0xa0a0a0a0
	writes	PAGES + 0x1ffe, dd, REG_RDX & 0xffffffff

case_cpl accessed_dirty, "A and D of a 1 GiB page are in its PDPTE"
	ref	"SDM 3 4.8", "APM 2 5.4.2"
	need	pdpe1gb
	given	rbx=VA + PAGES
	pdpte	VA, raw=HUGE & ~(PTE_A | PTE_D)
	mov	eax, [xbx]
	checkpoint rax=0xa0a0a0a0
	pdpte_is VA, set=PTE_A
	mov	[xbx + 0x4000], al
	checkpoint
	writes	PAGES + 0x4000, db, 0xa0
	pdpte_is VA, set=PTE_D

case_cpl read_only, "a 1 GiB page with W clear"
	ref	REFS, "SDM 3 4.7"
	need	pdpe1gb
	given	rbx=VA + PAGES
	pdpte	VA, raw=HUGE & ~(PTE_W | PTE_D)
.f:	mov	[xbx], al
	expect	exception, vector=VEC_PF, error=PF_P | PF_W | PF_CPL, cr2=VA + PAGES, rip=.f

case_cpl no_execute, "a 1 GiB page with NX"
	ref	REFS, "SDM 3 4.7"
	need	pdpe1gb
	given	rbx=VA + PAGES
	pdpte	VA, raw=HUGE | PTE_NX
	jmp	xbx
	expect	exception, vector=VEC_PF, error=PF_P | PF_I | PF_CPL, cr2=VA + PAGES, rip=VA + PAGES

case_cpl reserved_bit_13, "the address bits of a 1 GiB page below its size are reserved"
	ref	REFS, "SDM 3 4.7"
	need	pdpe1gb
	given	rbx=VA + PAGES
	pdpte	VA, raw=HUGE | 1 << 13
.f:	mov	eax, [xbx]
	expect	exception, vector=VEC_PF, error=PF_P | PF_RSVD | PF_CPL, cr2=VA + PAGES, rip=.f

case_cpl reserved_bit_29, "so is the highest of them"
	ref	REFS, "SDM 3 4.7"
	need	pdpe1gb
	given	rbx=VA + PAGES
	pdpte	VA, raw=HUGE | 1 << 29
.f:	mov	eax, [xbx]
	expect	exception, vector=VEC_PF, error=PF_P | PF_RSVD | PF_CPL, cr2=VA + PAGES, rip=.f

case_cpl pat_bit, "bit 12 of a 1 GiB page's PDPTE is PAT"
	ref	REFS, "SDM 3 4.9.2"
	need	pdpe1gb
	given	rbx=VA + PAGES
	pdpte	VA, raw=HUGE | PTE_PAT_LARGE
	mov	eax, [xbx]
	checkpoint rax=0xa0a0a0a0

%assign CPL 3
%endrep

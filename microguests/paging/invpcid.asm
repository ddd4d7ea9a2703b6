; SPDX-License-Identifier: GPL-2.0-only
; INVPCID: its four types, and what it refuses.
%include "microguest.inc"
modes prot32, paged32, pae32, compat32, long64, long64_5l
%if PAGED
%include "paging.inc"
%endif

%define REFS "SDM 2 INVPCID", "APM 3 INVPCID"
%define PAGE_BITS (PTE_P | PTE_W | PTE_A | PTE_D)

section .data
align 16
here:	dq	0, PAGES		; PCID 0, address
bit_12:	dq	1 << 12, PAGES
bit_63:	dq	1 << 63, 0
pcid_1:	dq	1, PAGES
hole:	dq	0, 1 << 63
section .text

%if PAGED
%assign TYPE 0
%rep 4
case type_%[TYPE], "after INVPCID of this type a page's new address counts"
	ref	REFS, "SDM 3 4.10.4.1"
	need	invpcid
	given	rsi=TYPE
	mov	eax, [PAGES]
	mov	dword [TABLE_AT(1) + ENTRY_OFFSET(1, PAGES)], (PAGES + 0x1000) | PAGE_BITS
	invpcid	xsi, [here]
	mov	ebx, [PAGES]
	checkpoint rax=0xa0a0a0a0, rbx=0xa1a1a1a1
	pte_is	PAGES, raw=(PAGES + 0x1000) | PAGE_BITS
%assign TYPE TYPE + 1
%endrep

case type_2_global, "type 2 drops global translations as well"
	ref	REFS, "SDM 3 4.10.4.1"
	need	invpcid, pge
	given	cr4=INIT_CR4 | CR4_PGE, rsi=2
	pte	PAGES, set=PTE_G
	mov	eax, [PAGES]
	mov	dword [TABLE_AT(1) + ENTRY_OFFSET(1, PAGES)], (PAGES + 0x1000) | PAGE_BITS | PTE_G
	invpcid	xsi, [here]
	mov	ebx, [PAGES]
	checkpoint rax=0xa0a0a0a0, rbx=0xa1a1a1a1
	pte_is	PAGES, raw=(PAGES + 0x1000) | PAGE_BITS | PTE_G

case operand_not_present, "INVPCID whose descriptor is not present faults as a read"
	ref	REFS
	need	invpcid
	given	rsi=2
	pte	PAGES, clear=PTE_P
.f:	invpcid	xsi, [PAGES + 0x20]
	expect	exception, vector=VEC_PF, error=0, cr2=PAGES + 0x20, rip=.f

case user, "INVPCID is the supervisor's: #GP(0) at CPL 3"
	ref	REFS
	need	invpcid
	ring3
	given	rsi=2
.f:	invpcid	xsi, [here]
	expect	exception, vector=VEC_GP, error=0, rip=.f
%else
case paging_off, "with paging off INVPCID of all contexts does nothing"
	ref	REFS
	need	invpcid
	given	rsi=2
	invpcid	esi, [here]
	checkpoint

case paging_off_address, "with paging off INVPCID of an address does nothing"
	ref	REFS
	need	invpcid
	given	rsi=0
	invpcid	esi, [here]
	checkpoint
%endif

case type_4, "types above 3 raise #GP(0)"
	ref	REFS
	need	invpcid
	given	rsi=4
.f:	invpcid	xsi, [here]
	expect	exception, vector=VEC_GP, error=0, rip=.f

case type_all_ones, "a type of all ones raises #GP(0)"
	ref	REFS
	need	invpcid
%if BITS == 64
	given	rsi=-1
%else
	given	rsi=0xffffffff
%endif
.f:	invpcid	xsi, [here]
	expect	exception, vector=VEC_GP, error=0, rip=.f

case reserved_bit_12, "bits 63 to 12 of the descriptor are reserved"
	ref	REFS
	need	invpcid
	given	rsi=0
.f:	invpcid	xsi, [bit_12]
	expect	exception, vector=VEC_GP, error=0, rip=.f

case reserved_bit_63, "they are so for types that use no PCID"
	ref	REFS
	need	invpcid
	given	rsi=2
.f:	invpcid	xsi, [bit_63]
	expect	exception, vector=VEC_GP, error=0, rip=.f

case pcid_without_pcide, "types 0 and 1 want PCID 0 while CR4.PCIDE is clear"
	ref	REFS
	need	invpcid
	given	rsi=0, rdi=1
.f:	invpcid	xsi, [pcid_1]
	expect	exception, vector=VEC_GP, error=0, rip=.f
.g:	invpcid	xdi, [pcid_1]
	expect	exception, vector=VEC_GP, error=0, rip=.g

case pcid_ignored, "types 2 and 3 take any PCID"
	ref	REFS
	need	invpcid
	given	rsi=2, rdi=3
	invpcid	xsi, [pcid_1]
	invpcid	xdi, [pcid_1]
	checkpoint

case address_ignored, "types 1, 2 and 3 do not look at the address"
	ref	REFS
	need	invpcid
	given	rsi=1, rdi=2, rbx=3
	invpcid	xsi, [hole]
	invpcid	xdi, [hole]
	invpcid	xbx, [hole]
	checkpoint

%if BITS == 64
case non_canonical, "type 0 wants a canonical address"
	ref	REFS
	need	invpcid
	given	rsi=0
.f:	invpcid	rsi, [hole]
	expect	exception, vector=VEC_GP, error=0, rip=.f
%endif

case register_operand, "INVPCID with a register for its descriptor is undefined"
	ref	REFS
	need	invpcid
	given	rsi=2
.f:	db	0x66, 0x0f, 0x38, 0x82, 0xf0	; invpcid esi, eax
	expect	exception, vector=VEC_UD, rip=.f

; SPDX-License-Identifier: GPL-2.0-only
; Rights of the upper levels: an access is allowed only if every entry on the way
; to the page allows it (SDM 3 4.6.1). Each case reaches PAGES through an alias made
; at one level, whose entry there lacks one right; the tables below are shared with
; the identity mapping, which keeps all rights.
%include "microguest.inc"
modes paged32, pae32, compat32, long64, long64_5l
%include "paging.inc"

%define REFS "SDM 3 4.6.1", "SDM 3 4.7", "APM 2 5.6", "APM 2 5.8"

%assign LEVEL 2
%rep ALIAS_LEVELS - 1
%define AT ALIAS(LEVEL) + PAGES
; PAE's PDPTEs have P alone (SDM 3 4.4.1).
%assign HAS_RIGHTS !(PAE_TOP && LEVEL == 3)

%assign CPL 0
%rep 2

case_cpl not_present_%[LEVEL], "an upper entry with P clear makes all it maps not present"
	ref	REFS
	given	rbx=AT
	alias	LEVEL
	entry	LEVEL, AT, clear=PTE_P
.f:	mov	[xbx], eax
	expect	exception, vector=VEC_PF, error=PF_W | PF_CPL, cr2=AT, rip=.f

%if HAS_RIGHTS
case_cpl read_only_%[LEVEL], "an upper entry with W clear forbids writes, through it alone"
	ref	REFS
	given	rbx=AT
	alias	LEVEL, PTE_P | PTE_U | PTE_A
	mov	al, [xbx + 1]
	mov	[PAGES], al
	checkpoint rax=(REG_RAX & ~0xff) | 0xa0
.f:	mov	[xbx + 1], al
	expect	exception, vector=VEC_PF, error=PF_P | PF_W | PF_CPL, cr2=AT + 1, rip=.f

case_cpl writable_beside_%[LEVEL], "after a read through the read-only alias the other way writes"
	ref	REFS
	given	rbx=AT
	alias	LEVEL, PTE_P | PTE_U | PTE_A
	mov	ecx, [xbx]
	mov	[PAGES], ebx
	mov	edx, [xbx]
	checkpoint rcx=0xa0a0a0a0, rdx=AT & 0xffffffff
	writes	PAGES, dd, AT & 0xffffffff
%endif

%if HAS_RIGHTS && HAS_NX
case_cpl no_execute_%[LEVEL], "NX in an upper entry forbids execution; data may be read"
	ref	"SDM 3 4.6.1", "SDM 3 4.7", "APM 2 5.6.3"
	given	rbx=AT
	alias	LEVEL, PTE_P | PTE_W | PTE_U | PTE_A | PTE_NX
	mov	al, [xbx]
	jmp	xbx
	expect	exception, vector=VEC_PF, error=PF_P | PF_I | PF_CPL, cr2=AT, rip=AT, \
		rax=(REG_RAX & ~0xff) | 0xa0

case_cpl reserved_%[LEVEL], "a reserved address bit in an upper entry faults with RSVD"
	ref	"SDM 3 4.4.2", "SDM 3 4.5", "SDM 3 4.7", "APM 2 5.3"
	need	maxphyaddr_lt_52
	given	rbx=AT
	alias	LEVEL
	entry	LEVEL, AT, set=1 << 51
.f:	mov	[xbx], eax
	expect	exception, vector=VEC_PF, error=PF_P | PF_W | PF_RSVD | PF_CPL, cr2=AT, rip=.f
%endif

%assign CPL 3
%endrep

%if HAS_RIGHTS
case user_supervisor_%[LEVEL], "an upper entry with U clear keeps CPL 3 out of a user page"
	ref	REFS
	ring3
	given	rbx=AT
	alias	LEVEL, PTE_P | PTE_W | PTE_A
	mov	al, [PAGES]
.f:	mov	al, [xbx]
	expect	exception, vector=VEC_PF, error=PF_P | PF_U, cr2=AT, rip=.f, \
		rax=(REG_RAX & ~0xff) | 0xa0
%endif

%assign LEVEL LEVEL + 1
%endrep

; SPDX-License-Identifier: GPL-2.0-only
; CR0.WP: whether read-only pages bind the supervisor too.
%include "microguest.inc"
modes paged32, pae32, compat32, long64, long64_5l
%include "paging.inc"

%define REFS "SDM 3 2.5 CR0.WP", "SDM 3 4.6.1", "APM 2 5.6.4"

case clear_supervisor_writes, "with WP clear the supervisor writes a read-only page; D is set"
	ref	REFS
	given	cr0=INIT_CR0 & ~CR0_WP
	pte	PAGES, clear=PTE_W | PTE_D
	mov	[PAGES + 4], ecx
	checkpoint
	writes	PAGES + 4, dd, REG_RCX & 0xffffffff
	pte_is	PAGES, set=PTE_D

case clear_supervisor_writes_user_page, "with WP clear that holds for read-only user pages too"
	ref	REFS
	given	cr0=INIT_CR0 & ~CR0_WP
	pte	PAGES, clear=PTE_W, set=PTE_U
	mov	[PAGES + 4], ecx
	checkpoint
	writes	PAGES + 4, dd, REG_RCX & 0xffffffff

case clear_user_faults, "with WP clear a read-only page still binds CPL 3"
	ref	REFS
	ring3
	given	cr0=INIT_CR0 & ~CR0_WP
	pte	PAGES, clear=PTE_W
.f:	mov	[PAGES], eax
	expect	exception, vector=VEC_PF, error=PF_P | PF_W | PF_U, cr2=PAGES, rip=.f

case clear_upper_level, "with WP clear a read-only upper entry does not bind the supervisor"
	ref	REFS
	given	cr0=INIT_CR0 & ~CR0_WP, rbx=ALIAS(2) + PAGES
	alias	2, PTE_P | PTE_U | PTE_A
	mov	[xbx], ecx
	checkpoint
	writes	PAGES, dd, REG_RCX & 0xffffffff

case clear_not_present, "with WP clear a page that is not present still faults"
	ref	REFS
	given	cr0=INIT_CR0 & ~CR0_WP
	pte	PAGES, clear=PTE_P
.f:	mov	[PAGES], eax
	expect	exception, vector=VEC_PF, error=PF_W, cr2=PAGES, rip=.f

case set_after_write, "a write with WP clear, then WP set: the next write faults, with no flush"
	ref	REFS
	given	cr0=INIT_CR0 & ~CR0_WP, rax=INIT_CR0
	pte	PAGES, clear=PTE_W
	mov	[PAGES], ecx
	mov	cr0, xax
.f:	mov	[PAGES], edx
	expect	exception, vector=VEC_PF, error=PF_P | PF_W, cr2=PAGES, rip=.f, cr0=INIT_CR0
	writes	PAGES, dd, REG_RCX & 0xffffffff

case cleared_after_fault, "a write that faulted goes through when WP is cleared, with no flush"
	ref	REFS
	given	rax=INIT_CR0 & ~CR0_WP
	pte	PAGES, clear=PTE_W
.f:	mov	[PAGES], ecx
	expect	exception, vector=VEC_PF, error=PF_P | PF_W, cr2=PAGES, rip=.f
	mov	cr0, xax
	mov	[PAGES], ecx
	checkpoint cr0=INIT_CR0 & ~CR0_WP
	writes	PAGES, dd, REG_RCX & 0xffffffff

case toggled_twice, "WP counts at each write anew: set, clear, set"
	ref	REFS
	given	rax=INIT_CR0 & ~CR0_WP, rbx=INIT_CR0
	pte	PAGES, clear=PTE_W
	mov	cr0, xax
	mov	[PAGES], ecx
	mov	cr0, xbx
.f:	mov	[PAGES], edx
	expect	exception, vector=VEC_PF, error=PF_P | PF_W, cr2=PAGES, rip=.f
	writes	PAGES, dd, REG_RCX & 0xffffffff
	mov	cr0, xax
	mov	[PAGES], edx
	mov	cr0, xbx
	checkpoint
	writes	PAGES, dd, REG_RDX & 0xffffffff

case shared_large_page, "two entries map one large page; a write with WP clear sets D in its own"
	ref	REFS, "SDM 3 4.8"
	given	cr0=INIT_CR0 & ~CR0_WP, rbx=ALIAS(2) + PAGES, rsi=ALIAS(2) * 2 + PAGES
	pde	ALIAS(2), raw=PTE_P | PTE_PS
	pde	ALIAS(2) * 2, raw=PTE_P | PTE_PS
	mov	al, [xbx]
	mov	al, [xsi]
	checkpoint rax=(REG_RAX & ~0xff) | 0xa0
	pde_is	ALIAS(2), set=PTE_A
	pde_is	ALIAS(2) * 2, set=PTE_A
	mov	[xsi], cl
	checkpoint
	writes	PAGES, db, REG_RCX & 0xff
	pde_is	ALIAS(2) * 2, set=PTE_D
	mov	[xbx + 1], cl
	checkpoint
	writes	PAGES + 1, db, REG_RCX & 0xff
	pde_is	ALIAS(2), set=PTE_D

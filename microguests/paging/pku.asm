; SPDX-License-Identifier: GPL-2.0-only
; Protection keys of user pages: CR4.PKE, PKRU, PK in the error code.
%include "microguest.inc"
modes compat32, long64, long64_5l
%include "paging.inc"

%define REFS "SDM 3 4.6.2", "SDM 3 4.7", "APM 2 5.6.7"
%define PKE_ON INIT_CR4 | CR4_PKE
%define KEY 9
; PKRU: access-disable and write-disable of KEY.
%define AD (1 << (KEY * 2))
%define WD (2 << (KEY * 2))

; nasm has these in 64-bit code only.
%macro rdpkru 0.nolist
	db	0x0f, 0x01, 0xee
%endmacro
%macro wrpkru 0.nolist
	db	0x0f, 0x01, 0xef
%endmacro

; with_pkru VALUE: PAGES is a user page with KEY; the guest has loaded PKRU.
%macro with_pkru 1.nolist
	need	pku
	given	cr4=PKE_ON, rax=%1, rcx=0, rdx=0
	pte	PAGES, set=PTE_U, pkey=KEY
	wrpkru
%endmacro

%assign CPL 0
%rep 2

case_cpl access_disabled_read, "AD of a user page's key refuses reads, with P and PK"
	ref	REFS
	with_pkru AD
.f:	mov	ebx, [PAGES]
	expect	exception, vector=VEC_PF, error=PF_P | PF_PK | PF_CPL, cr2=PAGES, rip=.f

case_cpl access_disabled_write, "AD of a user page's key refuses writes, with P, W and PK"
	ref	REFS
	with_pkru AD
.f:	mov	[PAGES], ebx
	expect	exception, vector=VEC_PF, error=PF_P | PF_W | PF_PK | PF_CPL, cr2=PAGES, rip=.f

case_cpl write_disabled, "WD of a user page's key allows reads and refuses writes (WP set)"
	ref	REFS
	with_pkru WD
	mov	ebx, [PAGES]
.f:	mov	[PAGES], ebx
	expect	exception, vector=VEC_PF, error=PF_P | PF_W | PF_PK | PF_CPL, cr2=PAGES, rip=.f, \
		rbx=0xa0a0a0a0

case_cpl write_disabled_read_only, "a page both read-only and of a key with WD says PK as well"
	ref	REFS
	with_pkru WD
	pte	PAGES, clear=PTE_W
.f:	mov	[PAGES], ebx
	expect	exception, vector=VEC_PF, error=PF_P | PF_W | PF_PK | PF_CPL, cr2=PAGES, rip=.f

case_cpl read_only_other_key, "a read-only page whose key allows writes faults without PK"
	ref	REFS
	with_pkru ~(AD | WD) & 0xffffffff
	pte	PAGES, clear=PTE_W
.f:	mov	[PAGES], ebx
	expect	exception, vector=VEC_PF, error=PF_P | PF_W | PF_CPL, cr2=PAGES, rip=.f

case_cpl other_keys, "only the key of the page counts"
	ref	REFS
	with_pkru ~(AD | WD) & 0xffffffff & ~3
	mov	ebx, [PAGES]
	mov	[PAGES + 4], ebx
	checkpoint rbx=0xa0a0a0a0
	writes	PAGES + 4, dd, 0xa0a0a0a0

case_cpl not_present, "a page that is not present has no key: no PK"
	ref	REFS
	with_pkru AD | WD
	pte	PAGES, clear=PTE_P
.f:	mov	ebx, [PAGES]
	expect	exception, vector=VEC_PF, error=PF_CPL, cr2=PAGES, rip=.f

case_cpl pke_clear, "without CR4.PKE the key of a page is ignored"
	ref	REFS
	need	pku
	pte	PAGES, set=PTE_U, pkey=KEY
	mov	ebx, [PAGES]
	mov	[PAGES + 4], ebx
	checkpoint rbx=0xa0a0a0a0
	writes	PAGES + 4, dd, 0xa0a0a0a0

case_cpl crossing, "a read that runs into a page whose key has AD"
	ref	REFS
	with_pkru AD
	pte	PAGES, pkey=0
	pte	PAGES + 0x1000, set=PTE_U, pkey=KEY
.f:	mov	ebx, [PAGES + 0xffd]
	expect	exception, vector=VEC_PF, error=PF_P | PF_PK | PF_CPL, cr2=PAGES + 0x1000, rip=.f

case_cpl large_page, "a large page has its key in the PDE"
	ref	REFS
	with_pkru WD
	pde	ALIAS(2), raw=PTE_P | PTE_W | PTE_U | PTE_A | PTE_D | PTE_PS | KEY << 59
.f:	mov	[ALIAS(2) + PAGES], ebx
	expect	exception, vector=VEC_PF, error=PF_P | PF_W | PF_PK | PF_CPL, \
		cr2=ALIAS(2) + PAGES, rip=.f

case_cpl changed_rights, "a new PKRU counts at once"
	ref	REFS, "SDM 2 WRPKRU", "SDM 3 2.7"
	with_pkru 0
	mov	ebx, [PAGES]
	mov	eax, AD
	wrpkru
.f:	mov	ebx, [PAGES + 4]
	expect	exception, vector=VEC_PF, error=PF_P | PF_PK | PF_CPL, cr2=PAGES + 4, rip=.f, \
		rax=AD, rbx=0xa0a0a0a0

case_cpl rdpkru, "RDPKRU gives what WRPKRU wrote, and zero in EDX"
	ref	"SDM 2 RDPKRU", "SDM 2 WRPKRU", "SDM 3 2.7"
	need	pku
	given	cr4=PKE_ON, rax=0x5554c3a4, rcx=0, rdx=0
	wrpkru
	mov	eax, ecx
	dec	edx
	rdpkru
	checkpoint rax=0x5554c3a4, rdx=0, status=SF | PF | AF

case_cpl rdpkru_pke_clear, "RDPKRU and WRPKRU are undefined without CR4.PKE"
	ref	"SDM 2 RDPKRU", "SDM 2 WRPKRU"
	need	pku
	given	rax=0, rcx=0, rdx=0
.r:	rdpkru
	expect	exception, vector=VEC_UD, rip=.r
.w:	wrpkru
	expect	exception, vector=VEC_UD, rip=.w

case_cpl rdpkru_ecx, "RDPKRU and WRPKRU want zero in ECX"
	ref	"SDM 2 RDPKRU", "SDM 2 WRPKRU"
	need	pku
	given	cr4=PKE_ON, rax=0, rcx=1, rdx=0
.r:	rdpkru
	expect	exception, vector=VEC_GP, error=0, rip=.r
.w:	wrpkru
	expect	exception, vector=VEC_GP, error=0, rip=.w

case_cpl wrpkru_edx, "WRPKRU wants zero in EDX"
	ref	"SDM 2 WRPKRU"
	need	pku
	given	cr4=PKE_ON, rax=0, rcx=0, rdx=1
.f:	wrpkru
	expect	exception, vector=VEC_GP, error=0, rip=.f

%assign CPL 3
%endrep

case supervisor_write_disabled_wp_clear, "WD does not bind the supervisor with WP clear"
	ref	REFS
	with_pkru WD
	given	cr0=INIT_CR0 & ~CR0_WP
	mov	[PAGES], ebx
	checkpoint
	writes	PAGES, dd, REG_RBX & 0xffffffff

case supervisor_access_disabled_wp_clear, "AD binds the supervisor with WP clear as well"
	ref	REFS
	with_pkru AD
	given	cr0=INIT_CR0 & ~CR0_WP
.f:	mov	[PAGES], ebx
	expect	exception, vector=VEC_PF, error=PF_P | PF_W | PF_PK, cr2=PAGES, rip=.f

case user_write_disabled_wp_clear, "WD binds CPL 3 whatever WP is"
	ref	REFS
	ring3
	with_pkru WD
	given	cr0=INIT_CR0 & ~CR0_WP
.f:	mov	[PAGES], ebx
	expect	exception, vector=VEC_PF, error=PF_P | PF_W | PF_U | PF_PK, cr2=PAGES, rip=.f

case supervisor_page, "keys are for user pages: a supervisor page ignores its own"
	ref	REFS
	with_pkru AD | WD
	pte	PAGES, clear=PTE_U
	mov	ebx, [PAGES]
	mov	[PAGES + 4], ebx
	checkpoint rbx=0xa0a0a0a0
	writes	PAGES + 4, dd, 0xa0a0a0a0

case user_supervisor_page, "CPL 3 at a supervisor page faults without PK"
	ref	REFS
	ring3
	with_pkru AD | WD
	pte	PAGES, clear=PTE_U
.f:	mov	ebx, [PAGES]
	expect	exception, vector=VEC_PF, error=PF_P | PF_U, cr2=PAGES, rip=.f

case fetch, "keys do not bind instruction fetches"
	ref	REFS
	rings	0, 3
	memory	PAGES, db, 0xe6, CHECKPOINT_PORT
	with_pkru AD | WD
	mov	ebx, PAGES
	jmp	xbx
	expect	checkpoint, rip=PAGES + 2, rbx=PAGES

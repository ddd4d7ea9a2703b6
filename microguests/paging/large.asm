; SPDX-License-Identifier: GPL-2.0-only
; Pages that a PDE maps: 4 MiB in 32-bit paging, 2 MiB elsewhere.
%include "microguest.inc"
modes paged32, pae32, compat32, long64, long64_5l
%include "paging.inc"

%define REFS "SDM 3 4.3", "SDM 3 4.4.2", "SDM 3 4.5", "APM 2 5.2", "APM 2 5.3"
%define VA ALIAS(2)
%define LARGE_BYTES (1 << (12 + INDEX_BITS))
%define LARGE (PTE_P | PTE_W | PTE_U | PTE_A | PTE_D | PTE_PS)

%assign CPL 0
%rep 2

case_cpl maps, "a PDE with PS maps the whole of its page, offsets and all"
	ref	REFS
%if LONG
	ref	"APM 2 5.3.4"
%endif
	given	rbx=VA + PAGES
	pde	VA, raw=LARGE
	mov	eax, [xbx]
	mov	ecx, [xbx + 0x7ffc]
	mov	[xbx + 0x1ffe], edx
	checkpoint rax=0xa0a0a0a0, rcx=0xa7a7a7a7
	writes	PAGES + 0x1ffe, dd, REG_RDX & 0xffffffff

case_cpl accessed_dirty, "A and D of a large page are in its PDE: a read sets A, a write D"
	ref	"SDM 3 4.8", "APM 2 5.4.2"
	given	rbx=VA + PAGES
	pde	VA, raw=LARGE & ~(PTE_A | PTE_D)
	mov	eax, [xbx]
	checkpoint rax=0xa0a0a0a0
	pde_is	VA, set=PTE_A
	mov	[xbx + 0x4000], al
	checkpoint
	writes	PAGES + 0x4000, db, 0xa0
	pde_is	VA, set=PTE_D

case_cpl not_present, "a large page with P clear"
	ref	REFS, "SDM 3 4.7"
	given	rbx=VA + PAGES
	pde	VA, raw=LARGE & ~PTE_P
.f:	mov	[xbx], al
	expect	exception, vector=VEC_PF, error=PF_W | PF_CPL, cr2=VA + PAGES, rip=.f

case_cpl read_only, "a large page with W clear can be read, not written"
	ref	REFS, "SDM 3 4.7"
	given	rbx=VA + PAGES + 0x2010
	pde	VA, raw=LARGE & ~(PTE_W | PTE_D)
	mov	eax, [xbx]
.f:	mov	[xbx], al
	expect	exception, vector=VEC_PF, error=PF_P | PF_W | PF_CPL, cr2=VA + PAGES + 0x2010, \
		rip=.f, rax=0xa2a2a2a2

case_cpl reserved, "the lowest address bits of a large page's PDE are reserved"
	ref	REFS, "SDM 3 4.7"
	given	rbx=VA + PAGES
%if HAS_NX
	pde	VA, raw=LARGE | 1 << 13
%else
	pde	VA, raw=LARGE | 1 << 21
%endif
.f:	mov	eax, [xbx]
	expect	exception, vector=VEC_PF, error=PF_P | PF_RSVD | PF_CPL, cr2=VA + PAGES, rip=.f

%if HAS_NX
case_cpl reserved_bit_20, "so is the highest of them"
	ref	REFS, "SDM 3 4.7"
	given	rbx=VA + PAGES
	pde	VA, raw=LARGE | 1 << 20
.f:	mov	[xbx], eax
	expect	exception, vector=VEC_PF, error=PF_P | PF_W | PF_RSVD | PF_CPL, cr2=VA + PAGES, \
		rip=.f

case_cpl no_execute, "a large page with NX"
	ref	REFS, "SDM 3 4.7"
	given	rbx=VA + PAGES
	pde	VA, raw=LARGE | PTE_NX
	jmp	xbx
	expect	exception, vector=VEC_PF, error=PF_P | PF_I | PF_CPL, cr2=VA + PAGES, rip=VA + PAGES
%endif

case_cpl pat_bit, "bit 12 of a large page's PDE is PAT, no part of the address"
	ref	REFS, "SDM 3 4.9.2", "APM 2 5.4.1"
	need	pat
	given	rbx=VA + PAGES
	pde	VA, raw=LARGE | PTE_PAT_LARGE
	mov	eax, [xbx]
	checkpoint rax=0xa0a0a0a0

case_cpl table_at_bit_13, "bit 13 of a PDE that points to a table is an address bit"
	ref	REFS
	given	rbx=VA + PAGES
	pde	VA, raw=(FREE_TABLE | 0x2000) | PTE_P | PTE_W | PTE_U | PTE_A
	memory	(FREE_TABLE | 0x2000) + ENTRY_OFFSET(1, PAGES), d_entry, \
		PAGES + 0x3000 | PTE_P | PTE_W | PTE_U | PTE_A | PTE_D
	mov	eax, [xbx]
	checkpoint rax=0xa3a3a3a3

case_cpl beyond_memory, "a large page may lie where there is no memory: accesses exit"
	ref	REFS
	given	rbx=VA + 0x12340
	pde	VA, raw=LARGE | 0x40000000
	mov	eax, [xbx]
	expect	mmio_read, address=0x40012340, size=4, data=0xfeedf00d, rax=0xfeedf00d
	expect_hw mmio

%assign CPL 3
%endrep

case user_supervisor_page, "a large page of the supervisor keeps CPL 3 out"
	ref	REFS, "SDM 3 4.7"
	ring3
	given	rbx=VA + PAGES
	pde	VA, raw=LARGE & ~PTE_U
.f:	mov	eax, [xbx]
	expect	exception, vector=VEC_PF, error=PF_P | PF_U, cr2=VA + PAGES, rip=.f

case boundary, "an access over the end of a large page: the next one faults, CR2 is its start"
	ref	REFS, "SDM 3 4.7"
	given	rbx=VA + LARGE_BYTES - 2
	pde	VA, raw=LARGE | LARGE_BYTES
.f:	mov	[xbx], eax
	expect	exception, vector=VEC_PF, error=PF_W, cr2=VA + LARGE_BYTES, rip=.f

%if MODE_NUMBER == MODE_PAGED32
case pse36, "bits 20 to 13 of a 4 MiB page's PDE are bits 39 to 32 of its address"
	ref	"SDM 3 4.3", "APM 2 5.2.2"
	need	pse36
	given	rbx=VA + 0x12340
	pde	VA, raw=LARGE | 1 << 13
	mov	eax, [xbx]
	expect	mmio_read, address=0x100012340, size=4, data=0xfeedf00d, rax=0xfeedf00d
	expect_hw mmio

case pse_clear, "without CR4.PSE the PS bit of a PDE is ignored"
	ref	"SDM 3 4.3", "APM 2 5.2.2", "APM 2 5.1.3"
	given	cr4=INIT_CR4 & ~CR4_PSE, rbx=VA + PAGES
	pde	VA, raw=FREE_TABLE | LARGE
	memory	FREE_TABLE + ENTRY_OFFSET(1, PAGES), d_entry, \
		PAGES + 0x3000 | PTE_P | PTE_W | PTE_U | PTE_A | PTE_D
	mov	eax, [xbx]
	checkpoint rax=0xa3a3a3a3
%endif

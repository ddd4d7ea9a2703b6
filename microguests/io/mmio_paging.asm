; SPDX-License-Identifier: GPL-2.0-only
; Pages that map MMIO: exits carry the guest-physical address, and the guest's own
; faults come before any exit.
%include "microguest.inc"
modes paged32, pae32, compat32, long64, long64_5l

%define WINDOW 0x24000		; linear pages of the case: two in a row
%define NEXT 0x25000

case linear_is_not_physical, "The exit names the guest-physical address, not the linear one"
	ref	"SDM 3 4.2", "SDM 3 28.3.3"
	pte	WINDOW, pa=MMIO
	mov	[WINDOW + 0x123], bl
	expect	mmio_write, address=MMIO + 0x123, size=1, data=REG_RBX & 0xff
	expect_hw mmio
	mov	bl, [WINDOW + 0xfff]
	expect	mmio_read, address=MMIO + 0xfff, size=1, data=0x44, rbx=(REG_RBX & ~0xff) | 0x44
	expect_hw mmio
	checkpoint

case large_page, "The same through a page of 2 or 4 MiB"
	ref	"SDM 3 4.3", "SDM 3 4.5"
	pde	0x400000, set=PTE_PS, pa=0
	mov	[0x400000 + MMIO + 5], bl
	expect	mmio_write, address=MMIO + 5, size=1, data=REG_RBX & 0xff
	expect_hw mmio
	checkpoint

case pages_swapped, "A doubleword in two linear pages whose MMIO pages are the other way round"
	ref	"SDM 3 4.2"
	pte	WINDOW, pa=MMIO + 0x1000
	pte	NEXT, pa=MMIO
	given	rbx=0x04030201
	mov	[NEXT - 2], ebx
	expect	mmio_write, address=MMIO + 0x1ffe, size=2, bytes=1, 2
	expect_hw mmio
	expect	mmio_write, address=MMIO, size=2, bytes=3, 4
	expect_hw mmio
	mov	ecx, [NEXT - 2]
	expect	mmio_read, address=MMIO + 0x1ffe, size=2, bytes=5, 6
	expect_hw mmio
	expect	mmio_read, address=MMIO, size=2, bytes=7, 8, rcx=0x08070605
	expect_hw mmio
	checkpoint

case memory_then_mmio, "A word in a page of memory and a page of MMIO"
	ref	"SDM 3 4.2"
	pte	WINDOW, pa=PAGES
	pte	NEXT, pa=MMIO
	mov	bx, [NEXT - 1]
	expect	mmio_read, address=MMIO, size=1, data=0x12, rbx=(REG_RBX & ~0xffff) | 0x12a0
	expect_hw mmio
	mov	[NEXT - 1], bx
	expect	mmio_write, address=MMIO, size=1, data=0x12
	expect_hw mmio
	checkpoint

case mmio_then_memory, "A word in a page of MMIO and a page of memory"
	ref	"SDM 3 4.2"
	pte	WINDOW, pa=MMIO
	pte	NEXT, pa=PAGES
	mov	bx, [NEXT - 1]
	expect	mmio_read, address=MMIO + 0xfff, size=1, data=0x12, rbx=(REG_RBX & ~0xffff) | 0xa012
	expect_hw mmio
	mov	[NEXT - 1], cx
	expect	mmio_write, address=MMIO + 0xfff, size=1, data=REG_RCX & 0xff
	expect_hw mmio
	writes	PAGES, db, (REG_RCX >> 8) & 0xff
	checkpoint

case far_above_memory, "A page far above all memory"
	ref	"SDM 3 4.2"
	pte	WINDOW, pa=0xd0000000
	mov	[WINDOW + 8], ebx
	expect	mmio_write, address=0xd0000008, size=4, data=REG_RBX & 0xffffffff
	expect_hw mmio
	checkpoint

%if MODE_NUMBER != MODE_PAGED32

case above_4g, "A guest-physical address above 4 GiB"
	ref	"SDM 3 4.4", "SDM 3 4.5"
	pte	WINDOW, pa=0x123456000
	mov	[WINDOW + 8], ebx
	expect	mmio_write, address=0x123456008, size=4, data=REG_RBX & 0xffffffff
	expect_hw mmio
	checkpoint

%endif

case accessed_on_read, "A read sets A of the page's entry, and not D"
	ref	"SDM 3 4.8"
	pte	WINDOW, pa=MMIO, clear=PTE_A|PTE_D
	mov	bl, [WINDOW]
	expect	mmio_read, address=MMIO, size=1, data=0, rbx=REG_RBX & ~0xff
	expect_hw mmio
	pte_is	WINDOW, set=PTE_A
	checkpoint

case dirty_on_write, "A write sets A and D"
	ref	"SDM 3 4.8"
	pte	WINDOW, pa=MMIO, clear=PTE_A|PTE_D
	mov	[WINDOW], bl
	expect	mmio_write, address=MMIO, size=1, data=REG_RBX & 0xff
	expect_hw mmio
	pte_is	WINDOW, set=PTE_A|PTE_D
	checkpoint

case read_only_page, "A write to a read-only page is #PF and no exit; a read exits"
	ref	"SDM 3 4.6.1", "SDM 3 4.7", "APM 2 15.25.6"
	pte	WINDOW, pa=MMIO, clear=PTE_W
.f:	mov	[WINDOW + 4], bl
	expect	exception, vector=VEC_PF, error=PF_P|PF_W, cr2=WINDOW + 4, rip=.f
	mov	bl, [WINDOW + 4]
	expect	mmio_read, address=MMIO + 4, size=1, data=0, rbx=REG_RBX & ~0xff
	expect_hw mmio
	checkpoint

case read_only_rmw, "A read-modify-write of a read-only page is #PF before it reads"
	ref	"SDM 3 4.7"
	pte	WINDOW, pa=MMIO, clear=PTE_W
.f:	add	[WINDOW + 4], bl
	expect	exception, vector=VEC_PF, error=PF_P|PF_W, cr2=WINDOW + 4, rip=.f
	checkpoint

case not_present, "A page that is not present is #PF, whatever its address would be"
	ref	"SDM 3 4.7"
	pte	WINDOW, pa=MMIO, clear=PTE_P
.f:	mov	bl, [WINDOW]
	expect	exception, vector=VEC_PF, error=0, cr2=WINDOW, rip=.f
	checkpoint

case supervisor_page, "CPL 3 at a supervisor's page is #PF with P and U, and no exit"
	ref	"SDM 3 4.6.1"
	ring3
	pte	WINDOW, pa=MMIO, clear=PTE_U
.f:	mov	bl, [WINDOW]
	expect	exception, vector=VEC_PF, error=PF_P|PF_U, cr2=WINDOW, rip=.f
.g:	mov	[WINDOW], bl
	expect	exception, vector=VEC_PF, error=PF_P|PF_U|PF_W, cr2=WINDOW, rip=.g
	checkpoint

case fault_behind_mmio, "A write that begins in MMIO and ends in a page not present faults, and nothing is written"
	ref	"SDM 3 4.7", "SDM 3 6.5"
	pte	WINDOW, pa=MMIO
	pte	NEXT, clear=PTE_P
.f:	mov	[NEXT - 2], ebx
	expect	exception, vector=VEC_PF, error=PF_W, cr2=NEXT, rip=.f
	checkpoint

case fault_behind_memory, "A write that begins in memory and ends in a page not present leaves memory alone"
	ref	"SDM 3 4.7", "SDM 3 6.5"
	pte	WINDOW, pa=PAGES
	pte	NEXT, clear=PTE_P
.f:	mov	[NEXT - 2], ebx
	expect	exception, vector=VEC_PF, error=PF_W, cr2=NEXT, rip=.f
	checkpoint

case rep_movs_into_fault, "REP MOVSB to MMIO that meets a page not present has written what came before"
	ref	"SDM 2 REP", "SDM 3 4.7"
	pte	WINDOW, pa=MMIO
	pte	NEXT, clear=PTE_P
	given	rsi=PAGES, rdi=NEXT - 3, rcx=5
.f:	rep movsb
	expect	mmio_write, address=MMIO + 0xffd, size=3, bytes=0xa0, 0xa0, 0xa0, rsi=PAGES + 3, rdi=NEXT, rcx=2
	expect_hw mmio
	expect	exception, vector=VEC_PF, error=PF_W, cr2=NEXT, rip=.f
	checkpoint

case remapped, "A page that was memory and is remapped to MMIO exits, after INVLPG"
	ref	"SDM 3 4.10.4.1"
	pte	WINDOW, pa=PAGES
	mov	al, [WINDOW]
	checkpoint rax=(REG_RAX & ~0xff) | 0xa0
	action	entry, va=WINDOW, level=1, pa=MMIO
	invlpg	[WINDOW]
	mov	al, [WINDOW]
	expect	mmio_read, address=MMIO, size=1, data=0x21, rax=(REG_RAX & ~0xff) | 0x21
	expect_hw mmio
	checkpoint

case remapped_back, "And a page that was MMIO and is remapped to memory does not"
	ref	"SDM 3 4.10.4.1"
	pte	WINDOW, pa=MMIO
	mov	al, [WINDOW]
	expect	mmio_read, address=MMIO, size=1, data=0x21, rax=(REG_RAX & ~0xff) | 0x21
	expect_hw mmio
	action	entry, va=WINDOW, level=1, pa=PAGES
	invlpg	[WINDOW]
	mov	al, [WINDOW]
	checkpoint rax=(REG_RAX & ~0xff) | 0xa0

%if BITS == 64

case not_canonical, "A write to an address that is not canonical is #GP(0), and nothing is written"
	ref	"SDM 1 3.3.7.1"
	given	rdi=0x7ffffffffffffffc
.f:	mov	[rdi], rbx
	expect	exception, vector=VEC_GP, error=0, rip=.f
	checkpoint

%endif

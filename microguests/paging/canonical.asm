; SPDX-License-Identifier: GPL-2.0-only
; Canonical addresses of 4-level (48 bits) and 5-level paging (57 bits).
%include "microguest.inc"
modes long64, long64_5l
%include "paging.inc"

; First address above the lower half; and one that is canonical in no mode.
%if TOP_LEVEL == 5
	%assign WIDTH 57
%else
	%assign WIDTH 48
%endif
%define HOLE (1 << (WIDTH - 1))
%define NEVER (1 << 60)
%define UPPER_HALF (-HOLE)
%define REFS "SDM 1 3.3.7.1", "APM 2 5.3.1"

; map_last_page: the page below HOLE is PAGES, by way of the stage's own tables.
%macro map_last_page 0.nolist
	%assign %%level TOP_LEVEL
	%rep TOP_LEVEL - 1
		entry %%level, HOLE - 1, raw=TABLE_AT(%%level - 1) | PTE_P | PTE_W | PTE_U | PTE_A
		%assign %%level %%level - 1
	%endrep
	pte	HOLE - 1, pa=PAGES, set=PTE_U
%endmacro

case read, "a read of a non-canonical address raises #GP(0), not #PF"
	ref	REFS, "SDM 2 MOV"
	rings	0, 3
	given	rbx=HOLE
.f:	mov	al, [rbx]
	expect	exception, vector=VEC_GP, error=0, rip=.f

case write, "a write to a non-canonical address raises #GP(0)"
	ref	REFS, "SDM 2 MOV"
	rings	0, 3
	given	rbx=UPPER_HALF - 1
.f:	mov	[rbx], al
	expect	exception, vector=VEC_GP, error=0, rip=.f

case stack_segment, "with RBP as base the stack segment is meant: #SS(0)"
	ref	REFS, "SDM 2 MOV", "SDM 3 6.15 #SS"
	rings	0, 3
	given	rbp=HOLE
.f:	mov	al, [rbp + 8]
	expect	exception, vector=VEC_SS, error=0, rip=.f

case stack_segment_write, "a write through RBP: #SS(0)"
	ref	REFS, "SDM 2 MOV", "SDM 3 6.15 #SS"
	rings	0, 3
	given	rbp=NEVER
.f:	inc	dword [rbp]
	expect	exception, vector=VEC_SS, error=0, rip=.f

case rbp_with_fs, "an FS override takes RBP out of the stack segment: #GP(0)"
	ref	REFS, "SDM 2 MOV"
	rings	0, 3
	given	rbp=HOLE
.f:	mov	al, [fs:rbp]
	expect	exception, vector=VEC_GP, error=0, rip=.f

case push, "PUSH with a non-canonical RSP raises #SS(0)"
	ref	REFS, "SDM 2 PUSH"
	ring3
	given	rsp=HOLE + 0x100
.f:	push	rax
	expect	exception, vector=VEC_SS, error=0, rip=.f

case pop, "POP with a non-canonical RSP raises #SS(0)"
	ref	REFS, "SDM 2 POP"
	ring3
	given	rsp=HOLE
.f:	pop	rax
	expect	exception, vector=VEC_SS, error=0, rip=.f

case rsp_base, "a read through a non-canonical RSP raises #SS(0)"
	ref	REFS, "SDM 2 MOV"
	ring3
	given	rsp=NEVER
.f:	mov	rax, [rsp + 0x10]
	expect	exception, vector=VEC_SS, error=0, rip=.f

case call, "CALL with a non-canonical RSP raises #SS(0) and does not jump"
	ref	REFS, "SDM 2 CALL"
	ring3
	given	rsp=HOLE + 8
.f:	call	STACK
	expect	exception, vector=VEC_SS, error=0, rip=.f

case jump_to, "JMP to a non-canonical address raises #GP(0) at the JMP"
	ref	REFS, "SDM 2 JMP", "APM 3 JMP"
	rings	0, 3
	given	rbx=HOLE
.f:	jmp	rbx
	expect	exception, vector=VEC_GP, error=0, rip=.f

case call_to, "CALL of a non-canonical address raises #GP(0) and leaves the stack pointer"
	ref	REFS, "SDM 2 CALL", "APM 3 CALL"
	rings	0, 3
	given	rbx=NEVER
.f:	call	rbx
	expect	exception, vector=VEC_GP, error=0, rip=.f
	undefined_memory STACK_TOP - 8, 8

case return_to, "RET to a non-canonical address raises #GP(0) and pops nothing"
	ref	REFS, "SDM 2 RET"
	rings	0, 3
	given	rsp=STACK_TOP - 0x20
	memory	STACK_TOP - 0x20, dq, HOLE
.f:	ret
	expect	exception, vector=VEC_GP, error=0, rip=.f

case movs_source, "MOVS with a non-canonical RSI raises #GP(0); no register moves"
	ref	REFS, "SDM 2 MOVS"
	rings	0, 3
	given	rsi=HOLE, rdi=SCRATCH
.f:	movsb
	expect	exception, vector=VEC_GP, error=0, rip=.f

case stos, "REP STOSB that runs into the hole stops at its edge"
	ref	REFS, "SDM 2 REP"
	rings	0, 3
	given	rdi=HOLE - 3, rcx=8
	map_last_page
.f:	rep stosb
	expect	exception, vector=VEC_GP, error=0, rip=.f, rdi=HOLE, rcx=5
	writes	PAGES + 0xffd, db, REG_RAX & 0xff, REG_RAX & 0xff, REG_RAX & 0xff

case last_bytes, "the last bytes below the hole can be read"
	ref	REFS
	rings	0, 3
	given	rbx=HOLE - 8
	map_last_page
	mov	rax, [rbx]
	checkpoint rax=0xa0a0a0a0a0a0a0a0

case into_hole, "an operand whose first byte alone is canonical raises #GP(0)"
	ref	REFS
	rings	0, 3
	given	rbx=HOLE - 1
	map_last_page
.f:	mov	rax, [rbx]
	expect	exception, vector=VEC_GP, error=0, rip=.f

case into_hole_write, "a write into the hole writes nothing, not even its canonical part"
	ref	REFS
	rings	0, 3
	given	rbx=HOLE - 4
	map_last_page
.f:	mov	[rbx], rax
	expect	exception, vector=VEC_GP, error=0, rip=.f

case upper_half, "the upper half begins at the first canonical address above the hole"
	ref	REFS
	rings	0, 3
	given	rbx=UPPER_HALF + PAGES
	entry	TOP_LEVEL, UPPER_HALF, raw=TABLE_AT(TOP_LEVEL - 1) | PTE_P | PTE_W | PTE_U | PTE_A
	mov	eax, [rbx]
	mov	[rbx + 4], ecx
	checkpoint rax=0xa0a0a0a0
	writes	PAGES + 4, dd, REG_RCX & 0xffffffff

case upper_half_executes, "code runs in the upper half, and CR2 has all 64 bits"
	ref	REFS, "SDM 3 4.7"
	given	rbx=UPPER_HALF + PAGES
	entry	TOP_LEVEL, UPPER_HALF, raw=TABLE_AT(TOP_LEVEL - 1) | PTE_P | PTE_W | PTE_U | PTE_A
	memory	PAGES, db, 0x8a, 0x83, 0x00, 0x10, 0x00, 0x00	; mov al, [rbx + 1000h]
	pte	PAGES + 0x1000, clear=PTE_P
	jmp	rbx
	expect	exception, vector=VEC_PF, error=0, cr2=UPPER_HALF + PAGES + 0x1000, \
		rip=UPPER_HALF + PAGES

case bit_47, "bit 47 alone: canonical with 57 bits, so #PF; not with 48, so #GP"
	ref	REFS
	given	rbx=1 << 47
.f:	mov	al, [rbx]
%if WIDTH == 57
	expect	exception, vector=VEC_PF, error=0, cr2=1 << 47, rip=.f
%else
	expect	exception, vector=VEC_GP, error=0, rip=.f
%endif

case segment_base, "FS base and offset are added before the check"
	ref	REFS
	rings	0, 3
	given	fs_base=HOLE - 0x1000
.f:	mov	al, [fs:0x2000]
	expect	exception, vector=VEC_GP, error=0, rip=.f

case segment_base_wraps, "an FS base and offset that wrap around to a canonical address work"
	ref	REFS
	rings	0, 3
	given	fs_base=-0x1000
	mov	al, [fs:PAGES + 0x1000]
	checkpoint rax=(REG_RAX & ~0xff) | 0xa0

case no_access, "LEA, INVLPG and PREFETCHT0 take a non-canonical address"
	ref	REFS, "SDM 2 LEA", "SDM 2 INVLPG", "SDM 2 PREFETCHh"
	given	rbx=HOLE
	lea	rax, [rbx + 1]
	invlpg	[rbx]
	prefetcht0 [rbx]
	checkpoint rax=HOLE + 1

%macro wrmsr_faults 2.nolist
case %1, "WRMSR of a non-canonical address raises #GP(0) and writes nothing"
	ref	"SDM 2 WRMSR", "APM 3 WRMSR"
	given	rcx=%2, rax=0, rdx=NEVER >> 32
.f:	wrmsr
	expect	exception, vector=VEC_GP, error=0, rip=.f
	action	check_msr, index=%2, value=0
	nop
	checkpoint
%endmacro
	wrmsr_faults wrmsr_fs_base, MSR_FS_BASE
	wrmsr_faults wrmsr_gs_base, MSR_GS_BASE
	wrmsr_faults wrmsr_kernel_gs_base, MSR_KERNEL_GS_BASE
	wrmsr_faults wrmsr_lstar, MSR_LSTAR

section .data
hole_base:
	dw	0xffff
	dq	NEVER
section .text

case lgdt, "LGDT of a non-canonical base raises #GP(0)"
	ref	"SDM 2 LGDT", "APM 3 LGDT"
.f:	lgdt	[hole_base]
	expect	exception, vector=VEC_GP, error=0, rip=.f

case lidt, "LIDT of a non-canonical base raises #GP(0)"
	ref	"SDM 2 LIDT", "APM 3 LIDT"
.f:	lidt	[hole_base]
	expect	exception, vector=VEC_GP, error=0, rip=.f

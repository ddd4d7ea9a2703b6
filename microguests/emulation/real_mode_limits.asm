; SPDX-License-Identifier: GPL-2.0-only
; The edges of real-address mode: segment limits, the wrap of SP and IP, addresses
; above 1 MiB, and segments whose limits protected mode has made larger.
%include "microguest.inc"
modes real16, vm86
%include "emulate.inc"

%assign REAL16 MODE_NUMBER == MODE_REAL16
; limit_fault VECTOR [, IP, more]: #GP or #SS; in vm86 with an error code of 0.
%macro limit_fault 1-3+.nolist EMULATED
	%if REAL16
		%define _error
	%else
		%define _error error=0,
	%endif
	%if %0 == 3
		expect exception, vector=%1, _error rip=%2, %3
	%else
		expect exception, vector=%1, _error rip=%2
	%endif
%endmacro

; Segment 0800h: offset ffffh is 17fffh, the last byte of the page below PAGES.
%define SEGMENT 0x800
%define BASE 0x8000
%define END_BYTE (BASE + 0xffff)

case byte_at_end, "a byte at offset ffffh is inside the segment"
	ref	"SDM 3 20.1.1", "APM 2 4.1"
	given	es=SEGMENT, rdi=0xffff
	memory	END_BYTE, db, 0x77
	emulate	mov al, [es:di]
	checkpoint rax=LOW8(RAX, 0x77)

case word_at_end, "a word at offset ffffh is #GP"
	ref	"SDM 3 22.33.1", "SDM 3 6.15", "APM 2 4.12"
	given	es=SEGMENT, rdi=0xffff
	emulate	mov ax, [es:di]
	limit_fault VEC_GP

case store_at_end, "a store of a word at offset ffffh is #GP and writes nothing"
	ref	"SDM 3 22.33.1", "SDM 3 6.15", "APM 2 4.12"
	given	es=SEGMENT, rdi=0xffff
	emulate	mov [es:di], ax
	limit_fault VEC_GP

case dword_at_end, "a doubleword at offset fffdh is #GP, one at fffch is inside"
	ref	"SDM 3 22.33.1", "SDM 3 6.15", "APM 2 4.12"
	given	es=SEGMENT, rdi=0xfffd
	memory	BASE + 0xfffc, dd, 0x13572468
	emulate	mov eax, [es:di-1]
	checkpoint rax=0x13572468
	emulate	mov ebx, [es:di]
	limit_fault VEC_GP

case string_at_end, "LODSW at offset ffffh is #GP, and SI stays"
	ref	"SDM 3 22.33.1", "SDM 2 LODS", "APM 2 4.12"
	given	ds=SEGMENT, rsi=0xffff
	emulate	lodsw
	limit_fault VEC_GP

case address_32, "an address above ffffh is #GP in a segment with real mode's limit"
	ref	"SDM 3 20.1.1", "APM 2 4.12"
	given	rbx=0x10000
	emulate	mov al, [ebx]
	limit_fault VEC_GP

case stack_at_end, "a word at offset ffffh of SS is #SS"
	ref	"SDM 3 22.33.1", "SDM 3 6.15", "APM 2 4.12"
	given	ss=SEGMENT, rbp=0xffff, rsp=0x100
	emulate	mov ax, [bp]
	limit_fault VEC_SS

case push_wraps, "PUSH with SP = 0 wraps to fffeh"
	ref	"SDM 1 6.2.4", "APM 3 PUSH"
	given	ss=SEGMENT, rsp=0
	emulate	push ax
	checkpoint rsp=0xfffe
	writes	BASE + 0xfffe, dw, REG_RAX & 0xffff

case pop_wraps, "POP at SP = fffeh wraps to 0"
	ref	"SDM 1 6.2.4", "APM 3 POP"
	given	ss=SEGMENT, rsp=0xfffe
	memory	BASE + 0xfffe, dw, 0x4321
	emulate	pop bx
	checkpoint rsp=0, rbx=LOW16(RBX, 0x4321)

case pop_at_end, "POP at SP = ffffh is #SS, and SP stays"
	ref	"SDM 3 22.33.1", "SDM 2 POP", "APM 3 POP"
	given	ss=SEGMENT, rsp=0xffff
	emulate	pop bx
	limit_fault VEC_SS

case high_sp_unused, "the high half of ESP does not address the stack"
	ref	"SDM 1 6.2.3", "APM 2 4.7.3"
	given	rsp=0x12340000 + STACK_TOP
	emulate	push ax
	checkpoint rsp=0x12340000 + STACK_TOP - 2
	writes	STACK_TOP - 2, dw, REG_RAX & 0xffff

case above_1m, "FFFF:0010 is address 100000h when A20 is open"
	ref	"SDM 3 20.1.1", "APM 2 1.2.4"
	memslot	id=SLOT_FREE, gpa=0x100000, size=0x1000, hva=PAGES
	given	es=0xffff
	emulate	mov al, [es:0x10]
	checkpoint rax=LOW8(RAX, 0xa0)

case above_1m_store, "FFFF:0FFF is written at address 100fefh"
	ref	"SDM 3 20.1.1", "APM 2 1.2.4"
	memslot	id=SLOT_FREE, gpa=0x100000, size=0x1000, hva=PAGES
	given	es=0xffff
	emulate	mov byte [es:0x0fff], 0x5c
	checkpoint
	writes	PAGES + 0xfef, db, 0x5c

; Code at the end of a segment that begins at 8000h: its offset ffffh is 17fffh.
case ip_beyond, "running on over offset ffffh is #GP with IP at 10000h"
	ref	"SDM 3 22.33.1", "SDM 3 6.15", "APM 2 4.12"
	memory	END_BYTE, db, 0x90
	jmp	SEGMENT:0xffff
	limit_fault VEC_GP, 0x10000, cs=SEGMENT

case instruction_over_end, "an instruction over the end of the segment is #GP at its first byte"
	ref	"SDM 3 22.33.1", "SDM 3 6.15", "APM 2 4.12"
	memory	END_BYTE, db, 0xb0
	jmp	SEGMENT:0xffff
	limit_fault VEC_GP, 0xffff, cs=SEGMENT

case jump_wraps, "a short JMP forwards over ffffh wraps to the start of the segment"
	ref	"SDM 2 JMP", "APM 3 JMP (Near)"
	memory	BASE + 0xfff0, db, 0xeb, 0x10
	memory	BASE + 2, db, 0x90, 0xe6, CHECKPOINT_PORT
	jmp	SEGMENT:0xfff0
	expect	checkpoint, cs=SEGMENT, rip=5

%if REAL16
; ---- limits that protected mode has left (SDM 3 9.9.2) ---------------------------------

case big_limit, "a segment keeps a larger limit until it is loaded, and after"
	ref	"SDM 3 9.9.2", "APM 2 4.1"
	given	fs=0, fs_base=0, fs_limit=0xffffffff, fs_ar=AR_DATA, rbx=PAGES + 0x1000, rax=PAGES >> 4
	emulate	mov dl, [fs:ebx]
	checkpoint rdx=LOW8(RDX, 0xa1)
	emulate	mov fs, ax
	emulate	mov dh, [fs:dword 0x2000]
	checkpoint fs=PAGES >> 4, fs_base=PAGES, rdx=(REG_RDX & ~0xffff) | 0xa2a1

case small_limit, "a segment with a smaller limit refuses what is beyond"
	ref	"SDM 3 9.9.2", "APM 2 4.1"
	given	gs=0, gs_base=0, gs_limit=0x6fff, gs_ar=AR_DATA16
	emulate	mov al, [gs:0x7000]
	expect	exception, vector=VEC_GP, rip=EMULATED

case big_base, "a segment keeps a base above 1 MiB until it is loaded"
	ref	"SDM 3 9.9.2", "APM 2 4.1"
	memslot	id=SLOT_FREE, gpa=0x40000000, size=0x1000, hva=PAGES + 0x3000
	given	es=0x1234, es_base=0x40000000, es_limit=0xffff, es_ar=AR_DATA16
	emulate	mov al, [es:4]
	checkpoint rax=LOW8(RAX, 0xa3)
	mov	bx, es
	mov	es, bx
	checkpoint rbx=LOW16(RBX, 0x1234), es=0x1234, es_base=0x12340
%endif

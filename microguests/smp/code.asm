; SPDX-License-Identifier: GPL-2.0-only
; Cross-modifying code (SDM 3 8.1.3): one processor writes instructions, another runs
; them after it has seen that they are there, and has serialized.
%include "microguest.inc"
modes real16, prot32, long64
%include "events.inc"
%include "smp.inc"

%define GO (SCRATCH + 0x100)
%define SEEN (SCRATCH + 0x140)
%define REF "SDM 3 8.1.3", "APM 2 7.6.1"
; The code that is written: MOV BL, imm8; RET.
%define CODE (SCRATCH + 0x200)
%define MOV_BL 0xb3
%define RET_NEAR 0xc3

; serialize: CPUID, which costs EAX to EDX.
%macro serialize 0.nolist
	xor	eax, eax
	cpuid
%endmacro

case cpuid, "Code that another processor has changed runs as it is now, after CPUID"
	ref	REF, "SDM 3 8.3"
	smp	2
	memory	CODE, db, MOV_BL, 1, RET_NEAR
	wait_for dword, SEEN, 1
	mov	byte [CODE + 1], 2
	mov	dword [GO], 1
	checkpoint WAITED
	writes	CODE + 1, db, 2
	writes	GO, dd, 1
vcpu 1
	mov	esi, CODE
	call	xsi
	mov	dh, bl
	mov	dword [SEEN], 1
	mov	edi, edx
	wait_for dword, GO, 1
	serialize
	xor	ebx, ebx
	call	xsi
	mov	edx, edi
	shr	edx, 8
	movzx	edx, dl
	checkpoint rbx=2, rdx=1, rsi=CODE, undefined_reg=0x25, undefined=STATUS_FLAGS
	undefined_memory STACK_TOP_1 - 8, 8
	writes	SEEN, dd, 1

case again_and_again, "And every time that it is changed"
	ref	REF
	smp	2
	given	rcx=1
	memory	CODE, db, MOV_BL, 0, RET_NEAR
.next0:	mov	[CODE + 1], cl
	mov	[GO], ecx
	wait_for dword, SEEN, ecx
	inc	ecx
	cmp	ecx, 20
	jne	.next0
	checkpoint rcx=20, WAITED
	writes	CODE + 1, db, 19
	writes	GO, dd, 19
vcpu 1
	given	rdi=1, rsi=CODE, rbp=0
.next1:	wait_for dword, GO, edi
	serialize
	xor	ebx, ebx
	call	xsi
	add	ebp, ebx
	mov	[SEEN], edi
	inc	edi
	cmp	edi, 20
	jne	.next1
	checkpoint rdi=20, rbx=19, rbp=19 * 20 / 2, undefined_reg=0xd, undefined=STATUS_FLAGS
	undefined_memory STACK_TOP_1 - 8, 8
	writes	SEEN, dd, 19

case written_whole, "Code that another processor has written where there was none"
	ref	REF
	smp	2
	wait_for dword, SEEN, 1
	mov	byte [CODE + 2], RET_NEAR
	mov	word [CODE], MOV_BL | 7 << 8
	mov	dword [GO], 1
	checkpoint WAITED
	writes	CODE, db, MOV_BL, 7, RET_NEAR
	writes	GO, dd, 1
vcpu 1
	given	rsi=CODE
	mov	dword [SEEN], 1
	wait_for dword, GO, 1
	serialize
	xor	ebx, ebx
	call	xsi
	checkpoint rbx=7, undefined_reg=0xd, undefined=STATUS_FLAGS
	undefined_memory STACK_TOP_1 - 8, 8
	writes	SEEN, dd, 1

case by_runner, "Code that the runner has changed while the processor waited"
	ref	"SDM 3 8.1.3"
	smp	2
	memory	CODE, db, MOV_BL, 1, RET_NEAR
	wait_for dword, SEEN, 1
	checkpoint WAITED
	action_write CODE + 1, db, 9
	action_write GO, dd, 1
vcpu 1
	given	rsi=CODE
	call	xsi
	mov	dword [SEEN], 1
	wait_for dword, GO, 1
	serialize
	xor	ebx, ebx
	call	xsi
	checkpoint rbx=9, undefined_reg=0xd, undefined=STATUS_FLAGS
	undefined_memory STACK_TOP_1 - 8, 8
	writes	SEEN, dd, 1

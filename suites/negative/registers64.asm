; SPDX-License-Identifier: GPL-2.0-only
; What only 64-bit code has of general registers, at both privilege levels.
%include "goodbad.inc"
modes long64

;! fail step=1 why="the state is not as expected"
;! rbx 0x2222222200000005 0x5
case upper_half, "A 32-bit result zero-extends: a case that expects the old upper half is told"
	ref	"SDM 1 3.4.1.1"
	rings	0, 3
	mov	ebx, 5
	checkpoint rbx=PICK(5, (REG_RBX & ~0xffffffff) | 5)

;! fail step=1 why="the state is not as expected"
;! rdx 0x1 0x8000000000000001
case highest_bit, "The highest bit of a register counts"
	ref	"SDM 2 MOV"
	rings	0, 3
	given	rdx=1
	mov	rdx, 0x8000000000000001
	checkpoint rdx=PICK(0x8000000000000001, 1)

;! fail step=1 why="the state is not as expected"
;! r8 0x9999999999999999 0x9999999999999901
;! r15 0x123456789abcdef0 0x123456789abcde01
case new_registers, "R8 to R15 count"
	ref	"SDM 1 3.4.1.1"
	rings	0, 3
	mov	r8b, 1
	mov	r15b, 1
	good	checkpoint r8=0x9999999999999901, r15=0x123456789abcde01
	bad	checkpoint

;! fail step=1 why="the state is not as expected"
;! rsp 0x7000 0x6ff8
;! "memory 0x6ff8" 00 41
case push_at_cpl3, "Stack and memory of CPL 3 count"
	ref	"SDM 2 PUSH"
	ring3
	push	0x41
	good	checkpoint rsp=STACK_TOP - 8
	good	writes STACK_TOP - 8, dq, 0x41
	bad	checkpoint

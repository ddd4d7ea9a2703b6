; SPDX-License-Identifier: GPL-2.0-only
; The stack in MMIO, and PUSH and POP of MMIO operands.
%include "microguest.inc"
modes real16, prot32, compat32, long64

%define TOP (MMIO + 0x100)

; A word of the mode's stack, in the directives' terms.
%if BITS == 16
%define item dw
%define WORD_MASK 0xffff
%define ENTER_RBP ((REG_RBP & ~0xffff) | (TOP - 2))
%elif BITS == 32
%define item dd
%define WORD_MASK 0xffffffff
%define ENTER_RBP (TOP - 4)
%else
%define item dq
%define WORD_MASK ~0
%define ENTER_RBP (TOP - 8)
%endif

case push_operand, "PUSH of an MMIO operand reads it and writes the stack"
	ref	"SDM 2 PUSH"
%if BITS == 16
	push	word [MMIO]
%elif BITS == 32
	push	dword [MMIO]
%else
	push	qword [MMIO]
%endif
	expect	mmio_read, address=MMIO, size=WORD_BYTES, data=0x5aa5, rsp=STACK_TOP - WORD_BYTES
	expect_hw mmio
	writes	STACK_TOP - WORD_BYTES, item, 0x5aa5
	checkpoint

case pop_operand, "POP to an MMIO operand reads the stack and writes it"
	ref	"SDM 2 POP"
	memory	SCRATCH, item, 0x5aa5
	given	rsp=SCRATCH
%if BITS == 16
	pop	word [MMIO]
%elif BITS == 32
	pop	dword [MMIO]
%else
	pop	qword [MMIO]
%endif
	expect	mmio_write, address=MMIO, size=WORD_BYTES, data=0x5aa5, rsp=SCRATCH + WORD_BYTES
	expect_hw mmio
	checkpoint

case push_operand_16, "PUSH m16 moves RSP by two in every mode"
	ref	"SDM 2 PUSH"
	push	word [MMIO]
	expect	mmio_read, address=MMIO, size=2, data=0x5aa5, rsp=STACK_TOP - 2
	expect_hw mmio
	writes	STACK_TOP - 2, dw, 0x5aa5
	checkpoint

case push, "PUSH with RSP in MMIO writes below RSP"
	ref	"SDM 2 PUSH"
	given	rsp=TOP
	push	xbx
	expect	mmio_write, address=TOP - WORD_BYTES, size=WORD_BYTES, data=REG_RBX & WORD_MASK, rsp=TOP - WORD_BYTES
	expect_hw mmio
	checkpoint

case push_immediate, "PUSH imm8 writes the immediate sign-extended"
	ref	"SDM 2 PUSH"
	given	rsp=TOP
	push	-2
	expect	mmio_write, address=TOP - WORD_BYTES, size=WORD_BYTES, data=-2 & WORD_MASK, rsp=TOP - WORD_BYTES
	expect_hw mmio
	checkpoint

case pop, "POP with RSP in MMIO reads at RSP"
	ref	"SDM 2 POP"
	given	rsp=TOP
	pop	xbx
%if BITS == 16
	expect	mmio_read, address=TOP, size=2, data=0x5aa5, rsp=TOP + 2, rbx=(REG_RBX & ~0xffff) | 0x5aa5
	expect_hw mmio
%else
	expect	mmio_read, address=TOP, size=WORD_BYTES, data=0x5aa5, rsp=TOP + WORD_BYTES, rbx=0x5aa5
	expect_hw mmio
%endif
	checkpoint

case pushf, "PUSHF writes the flags"
	ref	"SDM 2 PUSHF/PUSHFD/PUSHFQ"
	given	rsp=TOP, set=CF
	pushf
	expect	mmio_write, address=TOP - WORD_BYTES, size=WORD_BYTES, data=3, rsp=TOP - WORD_BYTES
	expect_hw mmio
	checkpoint

case popf, "POPF takes the flags from MMIO"
	ref	"SDM 2 POPF/POPFD/POPFQ"
	given	rsp=TOP
	popf
	expect	mmio_read, address=TOP, size=WORD_BYTES, data=0x42, rsp=TOP + WORD_BYTES, status=ZF
	expect_hw mmio
	checkpoint

case call_near, "CALL writes the return address to MMIO"
	ref	"SDM 2 CALL"
	given	rsp=TOP
	call	.target
.next:	ud2
.target:
	expect	mmio_write, address=TOP - WORD_BYTES, size=WORD_BYTES, data=.next, rsp=TOP - WORD_BYTES
	expect_hw mmio
	checkpoint

case ret_near, "RET goes where MMIO says"
	ref	"SDM 2 RET"
	given	rsp=TOP
	ret
	expect	mmio_read, address=TOP, size=WORD_BYTES, data=.target, rip=.target, rsp=TOP + WORD_BYTES
	expect_hw mmio
	ud2
.target:
	checkpoint

case ret_immediate, "RET imm16 reads the return address once and skips the rest"
	ref	"SDM 2 RET"
	given	rsp=TOP
	ret	0x20
	expect	mmio_read, address=TOP, size=WORD_BYTES, data=.target, rip=.target, rsp=TOP + WORD_BYTES + 0x20
	expect_hw mmio
	ud2
.target:
	checkpoint

case leave, "LEAVE reads RBP at RBP"
	ref	"SDM 2 LEAVE"
	given	rbp=TOP
	leave
%if BITS == 16
	expect	mmio_read, address=TOP, size=2, data=0x5aa5, rsp=TOP + 2, rbp=0x5aa5
	expect_hw mmio
%else
	expect	mmio_read, address=TOP, size=WORD_BYTES, data=0x5aa5, rsp=TOP + WORD_BYTES, rbp=0x5aa5
	expect_hw mmio
%endif
	checkpoint

case enter, "ENTER writes RBP and makes room"
	ref	"SDM 2 ENTER"
	given	rsp=TOP
	enter	0x10, 0
	expect	mmio_write, address=TOP - WORD_BYTES, size=WORD_BYTES, data=REG_RBP & WORD_MASK, rsp=TOP - WORD_BYTES - 0x10, rbp=ENTER_RBP
	expect_hw mmio
	checkpoint

%if BITS != 64

case pusha, "PUSHA writes eight registers, RAX first, and RSP as it was before"
	ref	"SDM 2 PUSHA/PUSHAD"
	given	rsp=TOP
	pusha
	expect	mmio_write, address=TOP - 1 * WORD_BYTES, size=WORD_BYTES, data=REG_RAX & WORD_MASK
	expect_hw mmio
	expect	mmio_write, address=TOP - 2 * WORD_BYTES, size=WORD_BYTES, data=REG_RCX & WORD_MASK
	expect_hw mmio
	expect	mmio_write, address=TOP - 3 * WORD_BYTES, size=WORD_BYTES, data=REG_RDX & WORD_MASK
	expect_hw mmio
	expect	mmio_write, address=TOP - 4 * WORD_BYTES, size=WORD_BYTES, data=REG_RBX & WORD_MASK
	expect_hw mmio
	expect	mmio_write, address=TOP - 5 * WORD_BYTES, size=WORD_BYTES, data=TOP
	expect_hw mmio
	expect	mmio_write, address=TOP - 6 * WORD_BYTES, size=WORD_BYTES, data=REG_RBP & WORD_MASK
	expect_hw mmio
	expect	mmio_write, address=TOP - 7 * WORD_BYTES, size=WORD_BYTES, data=REG_RSI & WORD_MASK
	expect_hw mmio
	expect	mmio_write, address=TOP - 8 * WORD_BYTES, size=WORD_BYTES, data=REG_RDI & WORD_MASK, rsp=TOP - 8 * WORD_BYTES
	expect_hw mmio
	checkpoint

case popa, "POPA reads seven registers and skips the place of RSP"
	ref	"SDM 2 POPA/POPAD"
	given	rax=0, rbx=0, rcx=0, rdx=0, rsi=0, rdi=0, rbp=0, rsp=TOP
	popa
%if BITS == 16
	expect	mmio_read, address=TOP, size=6, bytes=1, 0, 2, 0, 3, 0
	expect_hw mmio
	expect	mmio_read, address=TOP + 8, size=8, bytes=5, 0, 6, 0, 7, 0, 8, 0, rdi=1, rsi=2, rbp=3, rbx=5, rdx=6, rcx=7, rax=8, rsp=TOP + 16
	expect_hw mmio
%else
	expect	mmio_read, address=TOP, size=12, bytes=1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0
	expect_hw mmio
	expect	mmio_read, address=TOP + 16, size=16, bytes=5, 0, 0, 0, 6, 0, 0, 0, 7, 0, 0, 0, 8, 0, 0, 0, rdi=1, rsi=2, rbp=3, rbx=5, rdx=6, rcx=7, rax=8, rsp=TOP + 32
	expect_hw mmio
%endif
	checkpoint

%else

case push_16, "PUSH r16 in 64-bit mode writes two bytes"
	ref	"SDM 2 PUSH"
	given	rsp=TOP
	push	bx
	expect	mmio_write, address=TOP - 2, size=2, data=REG_RBX & 0xffff, rsp=TOP - 2
	expect_hw mmio
	checkpoint

%endif

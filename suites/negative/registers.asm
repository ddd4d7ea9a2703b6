; SPDX-License-Identifier: GPL-2.0-only
; General registers, RIP and flags that are not as the case says.
%include "goodbad.inc"
modes real16, prot32, long64

;! fail step=1 why="the state is not as expected"
;! rbx 0x6 0x5
case wrong_value, "A register with another value than expected is told"
	ref	"SDM 2 INC"
	given	rbx=4
	inc	xbx
	checkpoint rbx=PICK(5, 6), status=PF

;! fail step=1 why="the state is not as expected"
;! rbx 0x4 0x7
case not_named, "A register that changes and is not named is told"
	ref	"SDM 2 MOV"
	given	rbx=4
	mov	bl, 7
	good	checkpoint rbx=7
	bad	checkpoint

;! fail step=1 why="the state is not as expected"
;! rbx 0x7 0x4
case did_not_change, "A register that should have changed and has not is told"
	ref	"SDM 2 MOV"
	given	rbx=4
	good	mov bl, 7
	bad	mov al, al
	checkpoint rbx=7

;! fail step=1 why="the state is not as expected"
;! rbx 0x4 0x7
;! rcx 0x5 0x8
;! rsi 0x6 0x9
case several, "All registers that differ are told, in their order"
	ref	"SDM 2 MOV"
	given	rbx=4, rcx=5, rsi=6
	mov	si, 9
	mov	cl, 8
	mov	bl, 7
	good	checkpoint rbx=7, rcx=8, rsi=9
	bad	checkpoint

;! fail step=1 why="the state is not as expected"
;! rsp 0x7000 0x6*
case rsp_not_named, "PUSH moves RSP, and a case that forgets it is told"
	ref	"SDM 2 PUSH"
	given	rax=0x41
	push	xax
	good	checkpoint rsp=STACK_TOP - WORD_BYTES
	bad	checkpoint
	writes	STACK_TOP - WORD_BYTES, db, 0x41

;! fail step=2 why="the state is not as expected"
;! rbp 0x7000 0x7001
case second_step, "A wrong state is told of the step it comes at"
	ref	"SDM 2 INC"
	given	rbp=0x6fff
	inc	xbp
	checkpoint rbp=0x7000, status=PF|AF
	mov	bp, PICK(0x7000, 0x7001)
	checkpoint

;! fail step=1 why="the state is not as expected"
;! rip 0x80* 0x80*
case wrong_rip, "Another RIP than expected is told"
	ref	"SDM 2 OUT"
	nop
	checkpoint rip=PICK(.behind, .behind + 1)
.behind:

;! fail step=1 why="the state is not as expected"
;! rip 0x80* 0x80*
case elsewhere, "A checkpoint that is reached at another place is another RIP"
	ref	"SDM 2 JMP"
	PICK(nop, jmp short .far)
	checkpoint
.far:	checkpoint

;! fail step=1 why="the state is not as expected"
;! rflags 0x2 0x3
;! "flag CF" 0 1
case wrong_flag, "A flag of the other value is told by its name"
	ref	"SDM 2 STC"
	stc
	checkpoint PICK(set, clear)=CF

;! fail step=1 why="the state is not as expected"
;! rflags 0x2 0x402
;! "flag DF" 0 1
case flag_not_named, "A flag that changes and is not named is told"
	ref	"SDM 2 STD"
	std
	good	checkpoint set=DF
	bad	checkpoint

;! fail step=1 why="the state is not as expected"
;! rflags 0x3 0x803
;! "flag OF" 0 1
case status_is_exact, "status= lists all status flags that are set: one more is told"
	ref	"SDM 1 3.4.3.1"
	given	rflags=2 | CF | OF
	nop
	checkpoint status=PICK(CF|OF, CF)

;! fail step=1 why="the state is not as expected"
;! rflags 0x46 0x*
;! "flag CF" 0 1
;! "flag PF" 1 0
;! "flag ZF" 1 0
case many_flags, "All flags that differ are told"
	ref	"SDM 2 STC"
	given	rflags=2
	stc
	checkpoint status=PICK(CF, PF|ZF)

;! fail step=1 why="the state is not as expected"
;! rflags 0x2 0x3
;! "flag CF" 0 1
case undefined_flag, "undefined= covers the flags it names, and no other"
	ref	"SDM 2 STC"
	stc
	checkpoint undefined=PICK(CF, ZF|SF|AF|PF|OF)

;! fail step=1 why="the state is not as expected"
;! rbx 0x4 0x7
case undefined_register, "undefined_reg= covers the registers it names, and no other"
	ref	"SDM 2 MOV"
	given	rbx=4
	mov	bl, 7
	checkpoint undefined_reg=PICK(0x2, 0xfffd)

;! fail step=1 why="the state is not as expected"
;! rflags 0x* 0x*
;! "flag IF" 0 1
case interrupt_flag, "IF is a flag like the others"
	ref	"SDM 2 STI"
	PICK(nop, sti)
	nop
	checkpoint

; SPDX-License-Identifier: GPL-2.0-only
; Guests that run away.
%include "goodbad.inc"
modes real16, prot32, long64

;! fail step=1 why="no exit within 100 ms: the guest was stopped"
case runaway, "A guest that never exits is stopped and told"
	ref	"SDM 2 JMP"
.loop:	PICK(nop, jmp short .loop)
	nop
	checkpoint

;! fail step=2 why="no exit within 100 ms: the guest was stopped"
case later, "So is one that exits once and then runs away"
	ref	"SDM 2 JMP"
	checkpoint
.loop:	PICK(nop, jmp short .loop)
	nop
	checkpoint

;! fail step=1 why="the state is not as expected"
;! rbx 0 0x1
case after_it, "The case after a runaway is judged as ever"
	ref	"SDM 2 MOV"
	given	rbx=0
	mov	bl, 1
	checkpoint rbx=PICK(1, 0)

;! fail step=2 why="^cpu 1: no exit within 100 ms: the guest was stopped$"
case stuck_vcpu, "A vCPU that never exits is stopped and named, and the other with it"
	ref	"SDM 2 JMP"
	smp	2
	checkpoint
vcpu 1
.loop:	PICK(nop, jmp short .loop)
	nop
	checkpoint

;! fail step=1,3 why="^cpu [01]: no exit within 100 ms: the guest was stopped"
case stuck_both, "So it is when the other waits for it in the guest"
	ref	"SDM 2 JMP"
	smp	2
.wait:	pause
	cmp	byte [SCRATCH], 1
	jne	.wait
	checkpoint status=ZF | PF
vcpu 1
	checkpoint
.loop:	PICK(nop, jmp short .loop)
	mov	byte [SCRATCH], 1
	checkpoint
	writes	SCRATCH, db, 1

;! fail step=2 why="cpu 1: the state is not as expected"
;! "cpu 1: rbx" 0 0x1
case after_stuck, "The case after one that was stopped is judged as ever"
	ref	"SDM 2 MOV"
	smp	2
	checkpoint
vcpu 1
	given	rbx=0
	mov	bl, 1
	checkpoint rbx=PICK(1, 0)

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

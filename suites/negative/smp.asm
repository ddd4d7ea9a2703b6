; SPDX-License-Identifier: GPL-2.0-only
; Cases with several vCPUs: every difference is told of the vCPU that it is one of, and
; memory of none.
%include "goodbad.inc"
modes real16, prot32, long64

;! fail step=2 why="cpu 1: the state is not as expected"
;! "cpu 1: rbx" 0 0x1
case register, "A register of vCPU 1"
	ref	"SDM 2 MOV"
	smp	2
	given	rbx=0
	mov	bl, 1
	checkpoint rbx=1
vcpu 1
	given	rbx=0
	mov	bl, 1
	checkpoint rbx=PICK(1, 0)

;! fail step=1 why="cpu 0: the state is not as expected"
;! "cpu 0: rbx" 0x2 0x1
case register_0, "A register of vCPU 0"
	ref	"SDM 2 MOV"
	smp	2
	given	rbx=0
	mov	bl, 1
	checkpoint rbx=PICK(1, 2)
vcpu 1
	checkpoint

;! fail step=3 why="cpu 2: the state is not as expected"
;! "cpu 2: rbx" 0 0x1
case wrong_vcpu, "What vCPU 1 is expected to do is not expected of vCPU 2"
	ref	"SDM 2 MOV"
	smp	3
	checkpoint
vcpu 1
	given	rbx=0
	checkpoint
vcpu 2
	given	rbx=0
	mov	bl, 1
	checkpoint rbx=PICK(1, 0)

;! fail step=2 why="cpu 1: the state is not as expected"
;! "cpu 1: flag CF" 0 1
;! "cpu 1: rflags" 0x2 0x3
case flag, "A flag of vCPU 1"
	ref	"SDM 2 STC"
	smp	2
	checkpoint
vcpu 1
	PICK(clc, stc)
	checkpoint

;! fail step=2 why="cpu 1: another exit than expected"
;! "cpu 1: exit" "io_out port=0x11 size=1 count=1 data=41" "io_out port=0x10 size=1 count=1 data=41"
case exit, "Another exit of vCPU 1"
	ref	"SDM 2 OUT"
	smp	2
	checkpoint
vcpu 1
	given	rax=0x41
	out	0x10, al
	expect	io_out, port=PICK(0x10, 0x11), size=1, data=0x41

;! fail step=1 why="^memory is not as expected where the vCPUs meet"
;! "memory 0x7000" 00 41
case undeclared, "Memory that vCPU 1 writes and nobody names"
	ref	"SDM 2 MOV"
	smp	2
	checkpoint
vcpu 1
	given	rax=0x41
	mov	[SCRATCH], al
	checkpoint
	good	writes SCRATCH, db, 0x41

;! fail step=2 why="cpu 1: the state is not as expected"
;! "cpu 1: memory 0x7000" 42 41
case own_memory, "Memory that vCPU 1 is said to write otherwise is told at its own step"
	ref	"SDM 2 MOV"
	smp	2
	checkpoint
vcpu 1
	given	rax=0x41
	mov	[SCRATCH], al
	checkpoint
	writes	SCRATCH, db, PICK(0x41, 0x42)

;! fail step=3 why="^memory is not as expected where the vCPUs meet"
;! "memory 0x7000" 03 02
case at_meet, "What both have written is judged where they meet"
	ref	"SDM 2 INC"
	smp	2
	lock inc byte [SCRATCH]
	checkpoint undefined=STATUS_FLAGS
vcpu 1
	lock inc byte [SCRATCH]
	checkpoint undefined=STATUS_FLAGS
meet
	writes	SCRATCH, db, PICK(2, 3)

;! fail step=1 why="^memory is not as expected where the vCPUs meet"
;! "memory 0x7000" 00 02
case at_end, "And without a meet, at the end"
	ref	"SDM 2 INC"
	smp	2
	lock inc byte [SCRATCH]
	checkpoint undefined=STATUS_FLAGS
vcpu 1
	lock inc byte [SCRATCH]
	checkpoint undefined=STATUS_FLAGS
	good	meet
	good	writes SCRATCH, db, 2

;! fail step=3 why="^memory is not as expected where the vCPUs meet"
;! "memory 0x7000" 41 43
case after_meet, "Memory stays as it was where they met last"
	ref	"SDM 2 MOV"
	smp	2
	given	rax=0x41
	mov	[SCRATCH], al
	checkpoint
	writes	SCRATCH, db, 0x41
vcpu 1
	given	rbx=0x43
	checkpoint
meet
vcpu 1
	PICK(nop, {mov [SCRATCH], bl})
	checkpoint

;! fail step=3 why="cpu 1: the exception was delivered differently"
;! "cpu 1: pushed rip" 0x* 0x*
case frame, "The frame of an exception of vCPU 1, at its own step"
	ref	"SDM 2 UD"
	smp	2
	checkpoint
	nop
	checkpoint
vcpu 1
.ud:	ud2
	expect	exception, vector=VEC_UD, rip=PICK(.ud, .ud + 1)

;! fail step=2 why="cpu 1: rax is not as expected"
;! "cpu 1: rax" 0x42 0x41
case action, "An action of vCPU 1"
	ref	"KVM API 4.12"
	smp	2
	checkpoint
vcpu 1
	given	rax=0x41
	action	check, rax=PICK(0x41, 0x42)
	checkpoint

;! error step=2 why="^two vCPUs are said to have written 0x7000 without a meet between"
case both_say, "Two that are said to write one byte without a meet between: no order is known"
	ref	"SDM 3 8.2.1"
	smp	2
	mov	byte [SCRATCH], 1
	checkpoint
	writes	SCRATCH, db, 1
	action_write SCRATCH + 8, db, 1
vcpu 1
.wait:	pause
	cmp	byte [SCRATCH + 8], 1
	jne	.wait
	mov	byte [SCRATCH + PICK(1, 0)], 2
	checkpoint status=ZF | PF
	writes	SCRATCH + PICK(1, 0), db, 2

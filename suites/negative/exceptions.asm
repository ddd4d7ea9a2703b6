; SPDX-License-Identifier: GPL-2.0-only
; Exceptions that come otherwise than the case says, or not, or unasked.
%include "goodbad.inc"
modes prot32, long64

;! fail step=1 why="another exit than expected"
;! exit checkpoint "exception vector=*"
case unasked, "An exception where none is expected"
	ref	"SDM 2 UD"
	PICK(nop, ud2)
	nop
	checkpoint

;! fail step=1 why="another exit than expected"
;! exit "exception vector=6" "io_out port=0xf0 size=1 count=1*"
case none, "No exception where one is expected"
	ref	"SDM 2 UD"
.f:	PICK(ud2, nop)
	expect	exception, vector=VEC_UD, rip=.f
	checkpoint

;! fail step=1 why="another exception than expected"
;! vector 6 0
;! rip 0x3032 0x3002
case vector, "An exception of another vector is told as that"
	ref	"SDM 3 6.3.1"
	given	rcx=0
.f:	PICK(ud2, div cl)
	expect	exception, vector=VEC_UD, rip=.f, undefined=STATUS_FLAGS
	checkpoint undefined=STATUS_FLAGS

;! fail step=1 why="the exception was delivered differently"
;! "pushed error code" 0xf8 0xf0
case error_code, "Another error code is told"
	ref	"SDM 3 6.13"
	given	rax=0xf0
.f:	mov	es, ax
	expect	exception, vector=VEC_GP, error=PICK(0xf0, 0xf8), rip=.f
	checkpoint

;! fail step=1 why="the exception was delivered differently"
;! "pushed rip" 0x80* 0x80*
case pushed_rip, "Another pushed RIP is told"
	ref	"SDM 3 6.5"
.f:	ud2
	expect	exception, vector=VEC_UD, rip=.f + PICK(0, 2)
	checkpoint

;! fail step=1 why="the exception was delivered differently"
;! "pushed RF" 0x2 0x10002
case pushed_rflags, "Other pushed RFLAGS are told: a fault has RF in them"
	ref	"SDM 3 17.3.1.1"
.f:	ud2
	good	expect exception, vector=VEC_UD, rip=.f
	bad	expect exception, vector=VEC_UD, rip=.f, frame_rflags=2
	checkpoint

;! fail step=1 why="the exception was delivered differently"
;! "pushed rflags" 0x10003 0x10002
;! rflags 0x3 0x2
;! "flag CF" 1 0
case flags_before, "A flag that should be in the pushed RFLAGS and is not is told"
	ref	"SDM 3 6.12"
	PICK(stc, clc)
.f:	ud2
	expect	exception, vector=VEC_UD, rip=.f, set=CF
	checkpoint

;! fail step=1 why="the exception was delivered differently"
;! rbx 0x4 0x7
case register_before, "A register that was changed before the exception counts"
	ref	"SDM 3 6.5"
	given	rbx=4
	mov	bl, PICK(4, 7)
.f:	ud2
	expect	exception, vector=VEC_UD, rip=.f
	checkpoint

;! fail step=1 why="the exception was delivered differently"
;! "memory 0x7000" 00 41
case memory_before, "Memory that was clobbered before the exception counts"
	ref	"SDM 3 6.5"
	given	rax=0x41
	mov	[SCRATCH + PICK(0, 0)], PICK(ah, al)
.f:	ud2
	expect	exception, vector=VEC_UD, rip=.f
	checkpoint

;! fail step=2 why="the state is not as expected"
;! rip 0x80* 0x80*
case resume, "The guest goes on where resume= says"
	ref	"SDM 3 6.5"
	ud2
	expect	exception, vector=VEC_UD, rip=.f, resume=PICK(.next, .other)
.f equ $ - 2
.next:	checkpoint
.other:	checkpoint

;! fail step=1 why="the exception was delivered differently"
;! rsp 0x6f* 0x6f*
;! "memory 0x6f*" 00 f0 any
case no_error_code, "An error code that is pushed and not expected is told"
	ref	"SDM 3 6.13"
	given	rax=0xf0
.f:	mov	es, ax
	good	expect exception, vector=VEC_GP, error=0xf0, rip=.f
	bad	expect exception, vector=VEC_GP, rip=.f
	checkpoint

;! fail step=1 why="the exception was delivered differently"
;! rsp 0x6f* 0x6f*
;! "pushed error code" 0x10 0
;! "memory 0x6f*" 10 00 any optional
case an_error_code, "An error code that is expected and not pushed is told"
	ref	"SDM 3 6.13"
.f:	ud2
	good	expect exception, vector=VEC_UD, rip=.f
	bad	expect exception, vector=VEC_UD, error=0x10, rip=.f
	checkpoint

;! fail step=1 why="another exit than expected"
;! exit checkpoint "shutdown*"
case triple_fault, "A triple fault where none is expected"
	ref	"SDM 3 6.15"
	bad	given idt_limit=0
	PICK(nop, ud2)
	nop
	checkpoint

;! fail step=1 why="another exit than expected"
;! exit shutdown "exception vector=*"
case no_triple_fault, "A shutdown that is expected and does not come"
	ref	"SDM 3 6.15"
	good	given idt_limit=0
	ud2
	expect	shutdown

;! fail step=2 why="another exit than expected"
;! exit checkpoint "exception vector=*"
case second_fault, "After an expected exception, one that is not expected"
	ref	"SDM 3 6.5"
.f:	ud2
	expect	exception, vector=VEC_UD, rip=.f
	PICK(nop, ud2)
	nop
	checkpoint

;! error step=1 why="this exception cannot be delivered as expected: the gate of vector 6 is not a present"
case no_gate, "An exception that the case's own IDT cannot deliver is the case's error"
	ref	"SDM 3 6.12"
	bad	gate VEC_UD, ar=AR_INT & ~AR_P
	bad	given rip=.stub
.f:	ud2
	expect	exception, vector=VEC_UD, rip=.f
	good	checkpoint
.stub:	out	STUB_PORT, al

;! error step=1 why="vector 6 leads to 0x80.*, not to the stage's stub"
case not_the_stub, "An exception that does not lead to the stage's stub is the case's error"
	ref	"SDM 3 6.12"
	bad	gate VEC_UD, offset=.stub
.f:	ud2
	expect	exception, vector=VEC_UD, rip=.f
	good	checkpoint
.stub:	out	STUB_PORT, al

;! error step=1 why="no step can follow a shutdown"
case after_shutdown, "A step after a shutdown can never come: the case's error"
	ref	"SDM 3 6.15"
	given	idt_limit=0
.f:	ud2
	expect	shutdown
	bad	checkpoint

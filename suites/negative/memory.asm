; SPDX-License-Identifier: GPL-2.0-only
; Guest memory that is not as the case says. All of it counts, wherever it is.
%include "goodbad.inc"
modes real16, prot32, long64

;! fail step=1 why="the state is not as expected"
;! "memory 0x7005" 00 41
case one_byte, "One byte that is clobbered is told"
	ref	"SDM 2 MOV"
	given	rax=0x41
	mov	[SCRATCH + 5], al
	checkpoint
	good	writes SCRATCH + 5, db, 0x41

;! fail step=1 why="the state is not as expected"
;! "memory 0" * 41
case first_byte, "The first byte of memory counts"
	ref	"SDM 2 MOV"
	given	rax=0x41
	mov	[0], al
	checkpoint
	good	writes 0, db, 0x41

;! fail step=1 why="the state is not as expected"
;! "memory 0xdfff" 00 41
case before_mmio, "The last byte before MMIO space counts"
	ref	"SDM 2 MOV"
	given	rax=0x41
	mov	[MMIO - 1], al
	checkpoint
	good	writes MMIO - 1, db, 0x41

;! fail step=1 why="the state is not as expected"
;! "memory 0x1ffff" a7 41
case last_byte, "The last byte of memory counts"
	ref	"SDM 2 MOV"
	given	rax=0x41, es=SEL_DATA, es_base=0x10000, es_limit=0xffff, es_ar=0x93
	%if LONG
	mov	[0x1ffff], al
	%else
	mov	[es:0xffff], al
	%endif
	checkpoint
	good	writes 0x1ffff, db, 0x41

;! fail step=1 why="the state is not as expected"
;! "memory 0x6000" 00 41
case stack, "The stack counts below the stack pointer too"
	ref	"SDM 2 MOV"
	given	rax=0x41
	mov	[STACK], al
	checkpoint
	good	writes STACK, db, 0x41

;! fail step=1 why="the state is not as expected"
;! "memory 0x1100" 00 41
case gdt, "The GDT counts"
	ref	"SDM 2 MOV"
	given	rax=0x41
	mov	[GDT + 0x100], al
	checkpoint
	good	writes GDT + 0x100, db, 0x41

;! fail step=1 why="the state is not as expected"
;! "memory 0x13ff" ff 41
case tss, "The TSS counts"
	ref	"SDM 2 MOV"
	given	rax=0x41
	mov	[TSS + TSS_LIMIT - 0x100], al
	checkpoint
	good	writes TSS + TSS_LIMIT - 0x100, db, 0x41

;! fail step=1 why="the state is not as expected"
;! "memory 0x2ff8" * 41
case idt, "The IDT counts"
	ref	"SDM 2 MOV"
	given	rax=0x41
	mov	[IDT + 0xff8], al
	checkpoint
	good	writes IDT + 0xff8, db, 0x41

;! fail step=1 why="the state is not as expected"
;! "memory 0x80*" 90 41 any
case code, "The case's own code counts"
	ref	"SDM 2 MOV"
	given	rax=0x41
	mov	[.code], al
	jmp	.behind
.code:	nop
.behind:
	checkpoint
	good	writes .code, db, 0x41

;! fail step=1 why="the state is not as expected"
;! "memory 0x7000" 41 00
case not_written, "Memory that is said to be written and is not is told"
	ref	"SDM 2 MOV"
	given	rax=0x41
	PICK({mov [SCRATCH], al}, nop)
	checkpoint
	writes	SCRATCH, db, 0x41

;! fail step=1 why="the state is not as expected"
;! "memory 0x7001" 43 42
case other_bytes, "Memory written with other bytes is told, from the first that differs"
	ref	"SDM 2 MOV"
	given	rax=0x4241
	mov	[SCRATCH], ax
	checkpoint
	writes	SCRATCH, db, 0x41, PICK(0x42, 0x43)

;! fail step=1 why="the state is not as expected"
;! "memory 0x7002" "00 00" "43 44"
case more_bytes, "More bytes written than said are told"
	ref	"SDM 2 MOV"
	given	rax=0x44434241
	mov	[SCRATCH], eax
	checkpoint
	writes	SCRATCH, PICK(dd, dw), PICK(0x44434241, 0x4241)

;! fail step=1 why="the state is not as expected"
;! "memory 0x7000" "41 00" "00 41"
case shifted, "A write one byte off is told at both places"
	ref	"SDM 2 MOV"
	given	rax=0x41
	mov	[SCRATCH + 1], al
	checkpoint
	writes	SCRATCH + PICK(1, 0), db, 0x41

;! fail step=1 why="the state is not as expected"
;! "memory 0x7000" "00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00" "41 41 41 41 41 41 41 41 41 41 41 41 41 41 41 41"
;! "memory 0x7010" "00 00 00 00" "41 41 41 41"
case long_run, "A long run of bytes is told in lines of sixteen"
	ref	"SDM 2 STOS"
	given	rax=0x41, rdi=SCRATCH, rcx=20
	rep stosb
	checkpoint rdi=SCRATCH + 20, rcx=0
	good	writes SCRATCH, db, 0x41, 0x41, 0x41, 0x41, 0x41, 0x41, 0x41, 0x41, 0x41, 0x41
	good	writes SCRATCH + 10, db, 0x41, 0x41, 0x41, 0x41, 0x41, 0x41, 0x41, 0x41, 0x41, 0x41

;! fail step=1 why="the state is not as expected" more=6
;! "memory 0x7000" 00 41 times=24 by=2
case too_many, "Of very many places the first are told, and how many more there are"
	ref	"SDM 2 MOV"
	given	rax=0x41, rdi=SCRATCH
.next:	mov	[xdi], al
	add	xdi, 2
	cmp	xdi, SCRATCH + PICK(2, 60)
	jb	.next
	checkpoint undefined_reg=0x20, undefined=STATUS_FLAGS
	good	writes SCRATCH, db, 0x41

;! fail step=1 why="the state is not as expected"
;! "memory 0x7001" 00 42
case undefined_memory, "undefined_memory covers the bytes it names, and no other"
	ref	"SDM 2 MOV"
	given	rax=0x4241
	mov	[SCRATCH], ax
	checkpoint
	undefined_memory SCRATCH, PICK(2, 1)

;! fail step=2 why="the state is not as expected"
;! "memory 0x7000" 41 42
case second_write, "Memory stays as an earlier step left it"
	ref	"SDM 2 INC"
	given	rax=0x41
	mov	[SCRATCH], al
	checkpoint
	writes	SCRATCH, db, 0x41
	PICK({mov [SCRATCH], al}, {inc byte [SCRATCH]})
	checkpoint undefined=STATUS_FLAGS

;! fail step=3 why="the state is not as expected"
;! "memory 0x7000" 43 41
case after_runner, "What the runner writes must still be there"
	ref	"SDM 2 MOV"
	given	rax=0x41
	checkpoint
	action_write SCRATCH, db, 0x43
	PICK(nop, {mov [SCRATCH], al})
	nop
	checkpoint

;! fail step=1 why="the state is not as expected"
;! "memory 0xd002" 09 08
case operand, "The operand page counts, as memory and in MMIO space"
	ref	"SDM 2 ADD"
	operand	dd, 0x00070006
	given	rax=1
	add	[OPERAND + 2], al
	checkpoint status=0
	writes	OPERAND + 2, db, PICK(8, 9)

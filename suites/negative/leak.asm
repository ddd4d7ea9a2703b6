; SPDX-License-Identifier: GPL-2.0-only
; A case that leaves something behind for the next one. Register files are put back
; for cases that say they use them, and others cannot reach them, as CR0.EM is set;
; this one turns them on behind the runner's back.
%include "goodbad.inc"
modes long64

%define FPU_ON (CR0_PG | CR0_WP | CR0_NE | CR0_ET | CR0_PE)

section .data
control:
	dw	PICK(0x37f, 0x27f)
section .text

;! pass
case leaves_it, "A case that uses x87 and does not say so passes, and leaves a control word"
	ref	"SDM 2 FLDCW"
	ring3
	given	cr0=FPU_ON
	fldcw	[control]
	checkpoint

;! error step=1 why="case leaks state: fail in a reused VM .the state is not as expected., pass in a fresh one" unless=fresh
;! "memory 0x7001" 03 02
case finds_it, "A case that fails for it passes in a new VM: neither it nor the target is wrong"
	ref	"SDM 1 8.1.5", "SDM 2 FSTCW"
	ring3
	given	cr0=FPU_ON
	fnstcw	[SCRATCH]
	checkpoint
	writes	SCRATCH, dw, 0x37f

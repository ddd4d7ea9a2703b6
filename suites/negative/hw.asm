; SPDX-License-Identifier: GPL-2.0-only
; Exits of the processor that are not those the case says. On a target that does not
; show them these cases are skipped: nothing was looked at.
%include "goodbad.inc"
modes prot32, long64

;! fail step=1 why="another exit of the processor than expected"
;! "hw exit" hlt "io*port=0x10 size=1 out*"
case io, "A port access, where HLT is expected of the processor"
	ref	"SDM 3 26.1.3"
	out	0x10, al
	expect	io_out, port=0x10, size=1, data=REG_RAX & 0xff
	PICK(expect_hw io, expect_hw hlt)
	checkpoint

;! fail step=1 why="another exit of the processor than expected"
;! "hw exit" "io|mmio" hlt*
case hlt, "HLT, where a port access is expected of the processor"
	ref	"SDM 3 26.1.3"
	hlt
	expect	hlt
	PICK(expect_hw hlt, expect_hw io|mmio)

;! fail step=1 why="another exit of the processor than expected"
;! "hw exit" hlt "*write*"
case mmio, "A write where no memory is, where HLT is expected of the processor"
	ref	"SDM 3 29.3.3"
	mov	[MMIO], al
	expect	mmio_write, address=MMIO, size=1, data=REG_RAX & 0xff
	PICK(expect_hw mmio, expect_hw hlt)
	checkpoint

;! fail step=1 why="another exit of the processor than expected"
;! "hw exit" cpuid none
case missing, "No CPUID before the checkpoint, whatever faults filled memory in"
	ref	"SDM 3 26.1.2"
	given	rax=0
	PICK(cpuid, times 2 nop)
	checkpoint undefined_reg=0xf
	expect_hw cpuid

;! fail step=2 why="another exit of the processor than expected"
;! "hw exit" io none
case before, "An exit of the expectation before is not this one's"
	ref	"SDM 3 26.1.3"
	out	0x10, al
	expect	io_out, port=0x10, size=1, data=REG_RAX & 0xff
	checkpoint
	bad	expect_hw io

;! fail step=1 why="the state is not as expected"
;! "hw exit" hlt "io*"
;! rbx 0x1 0x*
case both, "The processor's exit and the state: both are told"
	ref	"SDM 3 26.1.3"
	out	0x10, al
	good	expect io_out, port=0x10, size=1, data=REG_RAX & 0xff
	bad	expect io_out, port=0x10, size=1, data=REG_RAX & 0xff, rbx=1
	PICK(expect_hw io, expect_hw hlt)
	checkpoint

;! fail step=2 why="another exit of the processor than expected"
;! "hw exit" io "*"
case shutdown, "A triple fault, where a port access is expected of the processor"
	ref	"SDM 3 26.2"
	given	idt_limit=0
	checkpoint
	ud2
	expect	shutdown
	PICK(expect_hw shutdown, expect_hw io)

;! fail step=2 why="cpu 1: another exit of the processor than expected"
;! "cpu 1: hw exit" hlt "io*port=0x11 size=1 out*"
case peer, "A port access of vCPU 1, where HLT is expected of the processor"
	ref	"SDM 3 26.1.3"
	smp	2
	cpuid
	checkpoint undefined_reg=0xf
	expect_hw cpuid
vcpu 1
	out	0x11, al
	expect	io_out, port=0x11, size=1, data=REG_RAX & 0xff
	PICK(expect_hw io, expect_hw hlt)
	checkpoint

; SPDX-License-Identifier: GPL-2.0-only
; #UD: the opcodes made for it, those that are not defined, forms that an instruction
; does not have, what 64-bit mode gave up; and hints, which never fault.
%include "microguest.inc"
modes real16, prot16, prot32, compat32, long64, vm86

; undefined BYTES: #UD there, and on to the next.
%macro undefined_bytes 1+.nolist
	emulate	db %1
	expect	exception, vector=VEC_UD, rip=EMULATED
%endmacro

case ud2, "UD2 is #UD"
	ref	"SDM 2 UD", "APM 3 UD2"
	emulate	ud2
	expect	exception, vector=VEC_UD, rip=EMULATED

case ud0_ud1, "UD0 and UD1 are #UD, whatever their operand"
	ref	"SDM 2 UD", "APM 3 UD0"
	given	rbx=MMIO
	undefined_bytes 0x0f, 0xff, 0xc0
	undefined_bytes 0x0f, 0xb9, 0xc0
	undefined_bytes 0x0f, 0xb9, 0x07

case reserved_opcodes, "two-byte opcodes that are not defined are #UD"
	ref	"SDM 2 A.3", "APM 3 A.1"
	undefined_bytes 0x0f, 0x04
	undefined_bytes 0x0f, 0x0a
	undefined_bytes 0x0f, 0x0c
	undefined_bytes 0x0f, 0x36
	undefined_bytes 0x0f, 0x39

case reserved_groups, "values of ModRM.reg that a group does not define are #UD"
	ref	"SDM 2 A.4", "APM 3 A.1"
	undefined_bytes 0xfe, 0xd0
	undefined_bytes 0xff, 0xf8
	undefined_bytes 0xc6, 0xc8, 0x00
	undefined_bytes 0x0f, 0xba, 0xc0, 0x00
	undefined_bytes 0x0f, 0xc7, 0xc0

case memory_only, "register forms of instructions that need memory are #UD"
	ref	"SDM 2 LEA", "SDM 2 CMPXCHG8B", "SDM 2 MOVNTI", "APM 3 LEA"
	undefined_bytes 0x8d, 0xc0
	undefined_bytes 0x0f, 0xc7, 0xc8
	undefined_bytes 0x0f, 0xc3, 0xc0

case far_register, "JMP and CALL far of a register are #UD"
	ref	"SDM 2 JMP", "SDM 2 CALL", "APM 3 JMP (Far)"
	undefined_bytes 0xff, 0xe8
	undefined_bytes 0xff, 0xd8

%if BITS == 64
case no_bcd, "decimal adjustments do not exist in 64-bit mode"
	ref	"SDM 2 DAA", "SDM 2 AAM", "APM 3 B.3"
	undefined_bytes 0x27
	undefined_bytes 0x2f
	undefined_bytes 0x37
	undefined_bytes 0x3f
	undefined_bytes 0xd4, 0x0a
	undefined_bytes 0xd5, 0x0a

case no_segment_push, "PUSH and POP of ES, CS, SS and DS do not exist in 64-bit mode"
	ref	"SDM 2 PUSH", "SDM 2 POP", "APM 3 B.3"
	undefined_bytes 0x06
	undefined_bytes 0x07
	undefined_bytes 0x0e
	undefined_bytes 0x16
	undefined_bytes 0x17
	undefined_bytes 0x1e
	undefined_bytes 0x1f

case no_pusha, "PUSHA, POPA, INTO, direct far JMP and CALL, and opcode 82h do not exist in 64-bit mode"
	ref	"SDM 2 PUSHA", "SDM 2 INT n", "SDM 2 JMP", "APM 3 B.3"
	undefined_bytes 0x60
	undefined_bytes 0x61
	undefined_bytes 0xce
	undefined_bytes 0xea, 0, 0, 0, 0, SEL_CODE, 0
	undefined_bytes 0x9a, 0, 0, 0, 0, SEL_CODE, 0
	undefined_bytes 0x82, 0xc0, 0x01

case rip_relative, "undefined opcodes with a RIP-relative operand are #UD"
	ref	"SDM 2 2.2.1.6", "APM 1 2.2.5"
	undefined_bytes 0x0f, 0xff, 0x05, 0, 0, 0, 0x7f
	undefined_bytes 0x0f, 0xb9, 0x05, 0, 0, 0, 0x7f
	undefined_bytes 0xff, 0x3d, 0, 0, 0, 0x7f

case hints_rip_relative, "hints with a RIP-relative operand that is not mapped do nothing"
	ref	"SDM 2 PREFETCHh", "SDM 2 NOP", "APM 3 PREFETCHlevel"
	emulate	db 0x0f, 0x18, 0x05, 0, 0, 0, 0x7f
	emulate	db 0x0f, 0x0d, 0x05, 0, 0, 0, 0x7f
	emulate	db 0x0f, 0x1f, 0x05, 0, 0, 0, 0x7f
	checkpoint

case hints_non_canonical, "hints with a non-canonical operand do nothing"
	ref	"SDM 2 PREFETCHh", "SDM 2 NOP", "APM 3 PREFETCHlevel"
	given	rax=1 << 63
	emulate	prefetcht0 [rax]
	emulate	nop dword [rax]
	checkpoint
%else
case aam_0, "AAM with a base of 0 is #DE"
	ref	"SDM 2 AAM", "APM 3 AAM"
	emulate	db 0xd4, 0
	expect	exception, vector=VEC_DE, rip=EMULATED
%endif

case hints, "PREFETCHh and long NOPs read nothing"
	ref	"SDM 2 PREFETCHh", "SDM 2 NOP", "APM 3 PREFETCHlevel"
%if BITS == 16
	given	rdi=MMIO
	emulate	prefetcht0 [di]
	emulate	nop dword [di]
%else
	given	rdi=MMIO
	emulate	prefetcht0 [xdi]
	emulate	nop dword [xdi]
%endif
	checkpoint

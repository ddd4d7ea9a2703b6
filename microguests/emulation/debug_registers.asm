; SPDX-License-Identifier: GPL-2.0-only
; MOV to and from debug registers: values, fixed bits, aliases, and what is refused.
%include "microguest.inc"
modes real16, prot16, prot32, compat32, long64
%include "emulate.inc"
%include "events.inc"

%if BITS == 64
	%define dax rax
	%define dbx rbx
	%define ADDRESS 0x00007654321fedc0
%else
	%define dax eax
	%define dbx ebx
	%define ADDRESS 0x321fedc0
%endif

%macro address_register 1.nolist
case dr%1, "an address register holds what is written"
	ref	"SDM 3 17.2.1", "APM 2 13.1.1"
	given	rax=ADDRESS + (%1)
	emulate	mov dr%1, dax
	emulate	mov dbx, dr%1
	checkpoint dr%1=ADDRESS + (%1), rbx=ADDRESS + (%1)
%endmacro
address_register 0
address_register 1
address_register 2
address_register 3

case dr6_ones, "bits of DR6 without a meaning are fixed, most of them 1 and bit 12 0"
	ref	"SDM 3 17.2.3", "APM 2 13.1.1"
	given	rax=0xffffffff
	emulate	mov dr6, dax
	emulate	mov dbx, dr6
	checkpoint dr6=0xffffefff, rbx=0xffffefff

case dr6_zeros, "DR6 with every condition clear reads as ffff0ff0h"
	ref	"SDM 3 17.2.3", "APM 2 13.1.1"
	given	rax=0, dr6=0xffffefff
	emulate	mov dr6, dax
	emulate	mov dbx, dr6
	checkpoint dr6=DR6_INIT, rbx=DR6_INIT

%define DR7_NEW (DR7_LE | DR7_RW(1, BP_WRITE) | DR7_LEN(1, BP_LEN4))
case dr7, "DR7 keeps conditions and lengths; bit 10 is 1, bits 12, 14 and 15 are 0"
	ref	"SDM 3 17.2.4", "APM 2 13.1.1"
	given	rax=DR7_NEW | 0xd000
	emulate	mov dr7, dax
	emulate	mov dbx, dr7
	checkpoint dr7=DR7_NEW | DR7_INIT, rbx=DR7_NEW | DR7_INIT

case dr7_enables, "DR7 keeps the local and global enables"
	ref	"SDM 3 17.2.4", "APM 2 13.1.1"
	given	rax=DR7_L0 | DR7_G0 | DR7_L3 | DR7_RW(0, BP_WRITE) | DR7_RW(3, BP_WRITE), dr0=0x1ff00, dr3=0x1ff10
	emulate	mov dr7, dax
	checkpoint dr7=DR7_INIT | DR7_L0 | DR7_G0 | DR7_L3 | DR7_RW(0, BP_WRITE) | DR7_RW(3, BP_WRITE)

case aliases, "with CR4.DE = 0, DR4 and DR5 are DR6 and DR7"
	ref	"SDM 3 17.2.2", "APM 2 13.1.1"
	given	dr6=DR6_INIT | DR6_B2, dr7=DR7_INIT | DR7_LE
	emulate	mov dax, dr4
	emulate	mov dbx, dr5
	checkpoint rax=DR6_INIT | DR6_B2, rbx=DR7_INIT | DR7_LE

case alias_write, "with CR4.DE = 0, writing DR5 writes DR7"
	ref	"SDM 3 17.2.2", "APM 2 13.1.1"
	given	rax=DR7_LE
	emulate	mov dr5, dax
	checkpoint dr7=DR7_INIT | DR7_LE

case no_aliases, "with CR4.DE = 1, DR4 and DR5 are #UD"
	ref	"SDM 3 17.2.2", "APM 2 13.1.1"
	need	de
	given	cr4=STAGE_CR4 | CR4_DE
	emulate	mov dax, dr4
	expect	exception, vector=VEC_UD, rip=EMULATED
	emulate	mov dr5, dax
	expect	exception, vector=VEC_UD, rip=EMULATED

case operand_size, "an operand-size prefix does not change MOV DR"
	ref	"SDM 2 MOV DR", "APM 3 MOV DRn"
	emulate	o16 mov dax, dr6
	checkpoint rax=DR6_INIT

case mod_ignored, "the mod field of MOV DR is ignored: the operand is a register"
	ref	"SDM 2 MOV DR", "APM 3 MOV DRn"
	emulate	db 0x0f, 0x21, 0x3b
	checkpoint rbx=DR7_INIT

%if BITS == 64
case dr6_high, "a bit above 31 of DR6 is #GP(0)"
	ref	"SDM 2 MOV DR", "APM 3 MOV DRn"
	given	rax=1 << 32
	emulate	mov dr6, rax
	expect	exception, vector=VEC_GP, error=0, rip=EMULATED

case dr7_high, "a bit above 31 of DR7 is #GP(0)"
	ref	"SDM 2 MOV DR", "APM 3 MOV DRn"
	given	rax=1 << 63
	emulate	mov dr7, rax
	expect	exception, vector=VEC_GP, error=0, rip=EMULATED

case dr8, "DR8, which REX.R would name, is #UD"
	ref	"SDM 2 MOV DR", "APM 3 MOV DRn"
	emulate	db 0x44, 0x0f, 0x21, 0xc0
	expect	exception, vector=VEC_UD, rip=EMULATED
%endif

case general_detect, "with DR7.GD a MOV DR is #DB before it, with DR6.BD, and GD is cleared"
	ref	"SDM 3 17.3.1.3", "APM 2 13.1.3"
	given	dr7=DR7_INIT | DR7_GD
	emulate	mov dax, dr0
	expect	exception, vector=VEC_DB, rip=EMULATED, dr6=DR6_INIT | DR6_BD, dr7=DR7_INIT
	mov	dax, dr0
	checkpoint rax=0

; SPDX-License-Identifier: GPL-2.0-only
; OUT: port, size and data of every form.
%include "microguest.inc"
modes real16, prot16, prot32, paged32, pae32, compat32, long64, long64_5l

case imm8_al, "OUT imm8, AL exits with the port, one byte, and AL"
	ref	"SDM 2 OUT", "APM 3 OUT"
	given	rax=0x41
	out	0x10, al
	expect	io_out, port=0x10, size=1, data=0x41
	hlt
	expect	hlt

case imm8_ax, "OUT imm8, AX exits with two bytes, low byte first"
	ref	"SDM 2 OUT", "APM 3 OUT"
	given	rax=0xb1c2
	out	0x11, ax
	expect	io_out, port=0x11, size=2, data=0xb1c2
	checkpoint

case dx_eax, "OUT DX, EAX exits with four bytes"
	ref	"SDM 2 OUT", "APM 3 OUT"
	given	rax=0xdeadbeef, rdx=0xfff0
	out	dx, eax
	expect	io_out, port=0xfff0, size=4, data=0xdeadbeef
	mov	cl, 5
	checkpoint rcx=(REG_RCX & ~0xff) | 5

case ud, "UD2 raises #UD with RIP at the instruction"
	ref "SDM 2 UD", "APM 3 UD2"
.i:	ud2
	expect exception, vector=VEC_UD, rip=.i
	mov	bl, 0x77
	checkpoint rbx=(REG_RBX & ~0xff) | 0x77

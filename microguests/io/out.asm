; SPDX-License-Identifier: GPL-2.0-only
; OUT: port, size and data of every form, at every privilege level that has the port.
%include "microguest.inc"
modes real16, vm86, prot16, prot32, paged32, compat32, long64

; open PORT, db|dw, VALUE: bits of the I/O permission bitmap from PORT's byte on, and
; each privilege level the mode has. CPL 0 does not look at the map.
%macro open 3.nolist
	memory	TSS + TSS_IOMAP + (%1) / 8, %2, %3
	%if !REAL
	rings	0, 3
	%endif
%endmacro

case imm8_al, "OUT imm8, AL exits with the port, one byte, and AL"
	ref	"SDM 2 OUT", "APM 3 OUT"
	open	0x10, db, 0xfe
	given	rax=0x41
	out	0x10, al
	expect	io_out, port=0x10, size=1, data=0x41
	expect_hw io
	checkpoint

case imm8_ax, "OUT imm8, AX exits with two bytes, low byte first"
	ref	"SDM 2 OUT", "APM 3 OUT", "SDM 3 25.1.3", "APM 2 15.10"
	open	0x11, db, 0xf9
	given	rax=0xb1c2
	out	0x11, ax
	expect	io_out, port=0x11, size=2, bytes=0xc2, 0xb1
	expect_hw io
	checkpoint

case imm8_eax, "OUT imm8, EAX exits with four bytes"
	ref	"SDM 2 OUT", "APM 3 OUT"
	open	0x14, db, 0x0f
	given	rax=0x89abcdef
	out	0x14, eax
	expect	io_out, port=0x14, size=4, bytes=0xef, 0xcd, 0xab, 0x89
	expect_hw io
	checkpoint

case imm8_is_unsigned, "OUT 0ffh goes to port 00ffh: the immediate is not sign-extended"
	ref	"SDM 2 OUT", "SDM 1 19.3"
	open	0xff, db, 0x7f
	out	0xff, al
	expect	io_out, port=0xff, size=1, data=REG_RAX & 0xff
	expect_hw io
	checkpoint

case dx_al, "OUT DX, AL sends AL and nothing above it"
	ref	"SDM 2 OUT", "APM 3 OUT", "SDM 3 25.1.3", "APM 2 15.10"
	open	0x3f8, db, 0xfe
	given	rax=0xfffffe01, rdx=0x3f8
	out	dx, al
	expect	io_out, port=0x3f8, size=1, data=1
	expect_hw io
	checkpoint

case dx_ax, "OUT DX, AX reaches a port that spans two bytes of the bitmap"
	ref	"SDM 2 OUT", "APM 3 OUT"
	open	0x307, dw, 0xfe7f
	given	rax=0x55aa1234, rdx=0x307
	out	dx, ax
	expect	io_out, port=0x307, size=2, data=0x1234
	expect_hw io
	checkpoint

case dx_eax, "OUT DX, EAX exits with four bytes"
	ref	"SDM 2 OUT", "APM 3 OUT"
	open	0x304, db, 0x0f
	given	rax=0xdeadbeef, rdx=0x304
	out	dx, eax
	expect	io_out, port=0x304, size=4, data=0xdeadbeef
	expect_hw io
	checkpoint

case dx_upper_bits, "Only DX names the port: bits above 15 are not looked at"
	ref	"SDM 2 OUT", "APM 3 OUT"
	open	0x20, db, 0xfe
	given	rdx=0x87650020
	out	dx, al
	expect	io_out, port=0x20, size=1, data=REG_RAX & 0xff
	expect_hw io
	checkpoint

case loop_80h, "Every OUT to port 80h of a loop exits, whatever the host does with its own port 80h"
	ref	"SDM 2 OUT", "SDM 1 19.3"
	open	0x80, db, 0xfe
	given	rax=1, rcx=3
.next:	out	0x80, al
	expect	io_out, port=0x80, size=1, data=1
	expect_hw io
	expect	io_out, port=0x80, size=1, data=2
	expect_hw io
	expect	io_out, port=0x80, size=1, data=3, rax=3, rcx=1, status=PF
	expect_hw io
	inc	ax
	loop	.next
	checkpoint rax=4, rcx=0, status=0

case host_ports, "Ports that hosts use themselves exit: 0edh, 70h, 71h, 0cf8h, 0cfch"
	ref	"SDM 2 OUT"
%if !REAL
	given	rflags=0x2 | IOPL_3
	rings	0, 3
%else
	memory	TSS + TSS_IOMAP + 0x70 / 8, db, 0xfc
	memory	TSS + TSS_IOMAP + 0xed / 8, db, 0xdf
%endif
	out	0xed, al
	expect	io_out, port=0xed, size=1, data=REG_RAX & 0xff
	expect_hw io
	out	0x70, al
	expect	io_out, port=0x70, size=1, data=REG_RAX & 0xff
	expect_hw io
	out	0x71, al
	expect	io_out, port=0x71, size=1, data=REG_RAX & 0xff
	expect_hw io
%if MODE_NUMBER != MODE_VM86		; the stage's bitmap ends before those two
	mov	dx, 0xcf8
	out	dx, eax
	expect	io_out, port=0xcf8, size=4, data=REG_RAX & 0xffffffff, rdx=(REG_RDX & ~0xffff) | 0xcf8
	expect_hw io
	mov	dx, 0xcfc
	out	dx, ax
	expect	io_out, port=0xcfc, size=2, data=REG_RAX & 0xffff, rdx=(REG_RDX & ~0xffff) | 0xcfc
	expect_hw io
%endif
	checkpoint

%if MODE_NUMBER != MODE_VM86

case last_port, "The last byte of the I/O address space is port 0ffffh"
	ref	"SDM 1 19.3"
	given	rdx=0xffff
	out	dx, al
	expect	io_out, port=0xffff, size=1, data=REG_RAX & 0xff
	expect_hw io
	checkpoint

case wrap_word, "A word to port 0ffffh leaves as one access of two bytes, and does not fault"
	ref	"SDM 1 19.3", "SDM 2 OUT"
	given	rax=0xb1c2, rdx=0xffff
	out	dx, ax
	expect	io_out, port=0xffff, size=2, data=0xb1c2
	expect_hw io
	checkpoint

case wrap_dword, "A doubleword to port 0fffdh leaves as one access of four bytes"
	ref	"SDM 1 19.3", "SDM 2 OUT"
	given	rax=0xdeadbeef, rdx=0xfffd
	out	dx, eax
	expect	io_out, port=0xfffd, size=4, data=0xdeadbeef
	expect_hw io
	checkpoint

%endif

case lock_prefix, "LOCK OUT is #UD, and nothing is sent"
	ref	"SDM 2 LOCK", "APM 3 1.2.5"
	open	0x10, db, 0xfe
.i:	db	0xf0
	out	0x10, al
	expect	exception, vector=VEC_UD, rip=.i
	checkpoint

%if BITS == 64

case rex_w, "REX.W does not widen OUT: four bytes are sent"
	ref	"SDM 2 OUT", "APM 3 1.2.7"
	open	0x304, db, 0x0f
	given	rax=0x1122334455667788, rdx=0x304
	db	0x48
	out	dx, eax
	expect	io_out, port=0x304, size=4, data=0x55667788
	expect_hw io
	checkpoint

case rex_w_operand_size, "REX.W takes precedence over 66h: OUT sends four bytes"
	ref	"SDM 2 2.2.1.2", "APM 3 1.2.7"
	open	0x304, db, 0x0f
	given	rax=0x1122334455667788, rdx=0x304
	db	0x66, 0x48, 0xef
	expect	io_out, port=0x304, size=4, data=0x55667788
	expect_hw io
	checkpoint

%endif

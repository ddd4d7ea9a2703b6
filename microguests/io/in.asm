; SPDX-License-Identifier: GPL-2.0-only
; IN: port and size of every form, and what becomes of RAX. The data comes with the
; next KVM_RUN, so each of these is also a test of completion on re-entry.
%include "microguest.inc"
modes real16, vm86, prot16, prot32, paged32, compat32, long64

; open PORT, db|dw, VALUE: bits of the I/O permission bitmap from PORT's byte on, and
; each privilege level the mode has.
%macro open 3.nolist
	memory	TSS + TSS_IOMAP + (%1) / 8, %2, %3
	%if !REAL
	rings	0, 3
	%endif
%endmacro

%if MODE_NUMBER == MODE_VM86
%define FLAGS (2 | VM)
%else
%define FLAGS 2
%endif

case al_imm8, "IN AL, imm8 changes AL and nothing above it"
	ref	"SDM 2 IN", "APM 3 IN"
	open	0x10, db, 0xfe
	in	al, 0x10
	expect	io_in, port=0x10, size=1, data=0xa5, rax=(REG_RAX & ~0xff) | 0xa5
	expect_hw io
	checkpoint

case ax_imm8, "IN AX, imm8 changes AX and nothing above it"
	ref	"SDM 2 IN", "APM 3 IN"
	open	0x11, db, 0xf9
	in	ax, 0x11
	expect	io_in, port=0x11, size=2, bytes=0xc2, 0xb1, rax=(REG_RAX & ~0xffff) | 0xb1c2
	expect_hw io
	checkpoint

case eax_imm8, "IN EAX, imm8 replaces EAX; in 64-bit mode the upper half becomes 0"
	ref	"SDM 2 IN", "SDM 1 3.4.1.1"
	open	0x14, db, 0x0f
	in	eax, 0x14
	expect	io_in, port=0x14, size=4, data=0x89abcdef, rax=0x89abcdef
	expect_hw io
	checkpoint

case imm8_is_unsigned, "IN AL, 0ffh reads port 00ffh"
	ref	"SDM 2 IN", "SDM 1 19.3"
	open	0xff, db, 0x7f
	in	al, 0xff
	expect	io_in, port=0xff, size=1, data=0, rax=REG_RAX & ~0xff
	expect_hw io
	checkpoint

case al_dx, "IN AL, DX reads one byte"
	ref	"SDM 2 IN", "APM 3 IN"
	open	0x3f8, db, 0xfe
	given	rdx=0x3f8
	in	al, dx
	expect	io_in, port=0x3f8, size=1, data=0xff, rax=REG_RAX | 0xff
	expect_hw io
	checkpoint

case ax_dx, "IN AX, DX reads two bytes, of a port that spans two bytes of the bitmap"
	ref	"SDM 2 IN", "APM 3 IN"
	open	0x307, dw, 0xfe7f
	given	rdx=0x307
	in	ax, dx
	expect	io_in, port=0x307, size=2, data=0x8001, rax=(REG_RAX & ~0xffff) | 0x8001
	expect_hw io
	checkpoint

case eax_dx, "IN EAX, DX reads four bytes and is not sign-extended"
	ref	"SDM 2 IN", "SDM 1 3.4.1.1"
	open	0x304, db, 0x0f
	given	rdx=0x304
	in	eax, dx
	expect	io_in, port=0x304, size=4, data=0x80000001, rax=0x80000001
	expect_hw io
	checkpoint

case dx_upper_bits, "Only DX names the port: bits above 15 are not looked at"
	ref	"SDM 2 IN", "APM 3 IN"
	open	0x20, db, 0xfe
	given	rdx=0x87650020
	in	al, dx
	expect	io_in, port=0x20, size=1, data=0x3c, rax=(REG_RAX & ~0xff) | 0x3c
	expect_hw io
	checkpoint

case two_reads, "Of two reads of one port each gets its own data"
	ref	"SDM 2 IN"
	open	0x20, db, 0xfe
	in	al, 0x20
	expect	io_in, port=0x20, size=1, data=0x12, rax=(REG_RAX & ~0xff) | 0x12
	expect_hw io
	mov	ah, al
	in	al, 0x20
	expect	io_in, port=0x20, size=1, data=0x34, rax=(REG_RAX & ~0xffff) | 0x1234
	expect_hw io
	checkpoint

case in_then_out, "OUT sends what IN has just read"
	ref	"SDM 2 IN", "SDM 2 OUT"
	open	0x20, db, 0xfc
	in	ax, 0x20
	expect	io_in, port=0x20, size=2, data=0x7e81, rax=(REG_RAX & ~0xffff) | 0x7e81
	expect_hw io
	out	0x20, ax
	expect	io_out, port=0x20, size=2, data=0x7e81
	expect_hw io
	checkpoint

case flags_stay, "IN changes no flag"
	ref	"SDM 2 IN"
	open	0x20, db, 0xfe
	given	rflags=FLAGS | STATUS_FLAGS | DF
	in	al, 0x20
	expect	io_in, port=0x20, size=1, data=0, rax=REG_RAX & ~0xff
	expect_hw io
	checkpoint

%if MODE_NUMBER != MODE_VM86

case wrap_word, "A word from port 0ffffh is one access of two bytes, and does not fault"
	ref	"SDM 1 19.3", "SDM 2 IN"
	given	rdx=0xffff
	in	ax, dx
	expect	io_in, port=0xffff, size=2, data=0xb1c2, rax=(REG_RAX & ~0xffff) | 0xb1c2
	expect_hw io
	checkpoint

case wrap_dword, "A doubleword from port 0fffdh is one access of four bytes"
	ref	"SDM 1 19.3", "SDM 2 IN"
	given	rdx=0xfffd
	in	eax, dx
	expect	io_in, port=0xfffd, size=4, data=0xdeadbeef, rax=0xdeadbeef
	expect_hw io
	checkpoint

%endif

case lock_prefix, "LOCK IN is #UD, and nothing is read"
	ref	"SDM 2 LOCK", "APM 3 1.2.5"
	open	0x10, db, 0xfe
.i:	db	0xf0
	in	al, 0x10
	expect	exception, vector=VEC_UD, rip=.i
	checkpoint

%if BITS == 64

case rex_w, "REX.W does not widen IN: four bytes are read, and zero-extended"
	ref	"SDM 2 IN", "APM 3 1.2.7"
	open	0x304, db, 0x0f
	given	rdx=0x304
	db	0x48
	in	eax, dx
	expect	io_in, port=0x304, size=4, data=0x89abcdef, rax=0x89abcdef
	expect_hw io
	checkpoint

%endif

; SPDX-License-Identifier: GPL-2.0-only
; Writes to where no memory is: address, width and data of the exit.
%include "microguest.inc"
modes real16, vm86, prot32, paged32, compat32, long64

%if REAL
%define DS_SELECTOR 0
%else
%define DS_SELECTOR SEL_DATA
%endif

case mov_byte, "MOV m8, r8 exits with one byte"
	ref	"SDM 2 MOV", "APM 3 MOV"
%if !REAL
	rings	0, 3
%endif
	mov	[MMIO], bl
	expect	mmio_write, address=MMIO, size=1, data=REG_RBX & 0xff
	expect_hw mmio
	checkpoint

case mov_high_byte, "MOV m8, BH sends bits 8 to 15"
	ref	"SDM 2 MOV", "SDM 1 3.4.1"
	given	rbx=0x89ab
	mov	[MMIO + 1], bh
	expect	mmio_write, address=MMIO + 1, size=1, data=0x89
	expect_hw mmio
	checkpoint

case mov_word, "MOV m16, r16 exits with two bytes, low byte first"
	ref	"SDM 2 MOV"
	given	rbx=0x4567b1c2
	mov	[MMIO + 2], bx
	expect	mmio_write, address=MMIO + 2, size=2, bytes=0xc2, 0xb1
	expect_hw mmio
	checkpoint

case mov_dword, "MOV m32, r32 exits with four bytes"
	ref	"SDM 2 MOV"
%if !REAL
	rings	0, 3
%endif
	given	rbx=0x89abcdef
	mov	[MMIO + 4], ebx
	expect	mmio_write, address=MMIO + 4, size=4, bytes=0xef, 0xcd, 0xab, 0x89
	expect_hw mmio
	checkpoint

case mov_accumulator, "The forms of MOV with an offset and no ModRM write MMIO as well"
	ref	"SDM 2 MOV"
	given	rax=0xb1c2
%if BITS == 64
	mov	[qword MMIO + 0x10], ax
%else
	mov	[MMIO + 0x10], ax
%endif
	expect	mmio_write, address=MMIO + 0x10, size=2, data=0xb1c2
	expect_hw mmio
	checkpoint

case immediates, "MOV m, imm of one, two and four bytes"
	ref	"SDM 2 MOV"
	mov	byte [MMIO], 0x81
	expect	mmio_write, address=MMIO, size=1, data=0x81
	expect_hw mmio
	mov	word [MMIO + 2], 0x8182
	expect	mmio_write, address=MMIO + 2, size=2, data=0x8182
	expect_hw mmio
	mov	dword [MMIO + 4], 0x81828384
	expect	mmio_write, address=MMIO + 4, size=4, data=0x81828384
	expect_hw mmio
	checkpoint

case misaligned, "A doubleword at an odd address is written whole"
	ref	"SDM 2 MOV"
	given	rbx=0x01020304
	mov	[MMIO + 0x7d], ebx
	expect	mmio_write, address=MMIO + 0x7d, size=4, data=0x01020304
	expect_hw mmio
	checkpoint

case across_hole_pages, "A doubleword in two pages without memory is written to both, in order"
	ref	"SDM 2 MOV"
	given	rbx=0x04030201
	mov	[MMIO + 0xffd], ebx
	expect	mmio_write, address=MMIO + 0xffd, size=4, bytes=1, 2, 3, 4
	expect_hw mmio
	checkpoint

case two_writes, "Two writes of the same value to one address are two exits"
	ref	"SDM 2 MOV"
	mov	[MMIO], bl
	expect	mmio_write, address=MMIO, size=1, data=REG_RBX & 0xff
	expect_hw mmio
	mov	[MMIO], bl
	expect	mmio_write, address=MMIO, size=1, data=REG_RBX & 0xff
	expect_hw mmio
	checkpoint

case write_then_read, "What was written is not what is read: the runner answers each"
	ref	"SDM 2 MOV"
	mov	[MMIO], bl
	expect	mmio_write, address=MMIO, size=1, data=REG_RBX & 0xff
	expect_hw mmio
	mov	bl, [MMIO]
	expect	mmio_read, address=MMIO, size=1, data=0xee, rbx=(REG_RBX & ~0xff) | 0xee
	expect_hw mmio
	checkpoint

case setcc, "SETcc writes one byte, 1 or 0"
	ref	"SDM 2 SETcc"
	given	set=CF
	setc	[MMIO]
	expect	mmio_write, address=MMIO, size=1, data=1
	expect_hw mmio
	setnc	[MMIO]
	expect	mmio_write, address=MMIO, size=1, data=0
	expect_hw mmio
	checkpoint

case store_segment, "MOV m16, DS writes two bytes whatever the operand size"
	ref	"SDM 2 MOV"
	mov	[MMIO], ds
	expect	mmio_write, address=MMIO, size=2, data=DS_SELECTOR
	expect_hw mmio
%if BITS == 16
	o32 mov	[MMIO + 8], ds
	expect	mmio_write, address=MMIO + 8, size=2, data=DS_SELECTOR
	expect_hw mmio
%else
	o16 mov	[MMIO + 8], ds
	expect	mmio_write, address=MMIO + 8, size=2, data=DS_SELECTOR
	expect_hw mmio
%endif
	checkpoint

%if BITS == 64

case mov_qword, "MOV m64, r64 exits with eight bytes"
	ref	"SDM 2 MOV", "APM 3 MOV"
	rings	0, 3
	given	rbx=0x8123456789abcdef
	mov	[MMIO + 8], rbx
	expect	mmio_write, address=MMIO + 8, size=8, data=0x8123456789abcdef
	expect_hw mmio
	checkpoint

case immediate_qword, "MOV m64, imm32 sends the immediate sign-extended"
	ref	"SDM 2 MOV"
	mov	qword [MMIO], -2
	expect	mmio_write, address=MMIO, size=8, data=0xfffffffffffffffe
	expect_hw mmio
	checkpoint

case rip_relative, "A RIP-relative operand counts from behind a 32-bit immediate"
	ref	"SDM 2 2.2.1.6"
	mov	dword [rel $$ + MMIO + 0x20 - TEXT], 0x12345678
	expect	mmio_write, address=MMIO + 0x20, size=4, data=0x12345678
	expect_hw mmio
	checkpoint

case store_segment_rex_w, "REX.W does not widen MOV m16, DS: two bytes"
	ref	"SDM 2 MOV", "APM 3 MOV"
	db	0x48
	mov	[MMIO + 8], ds
	expect	mmio_write, address=MMIO + 8, size=2, data=DS_SELECTOR
	expect_hw mmio
	checkpoint

case movnti, "MOVNTI writes as MOV does"
	ref	"SDM 2 MOVNTI"
	need	sse2
	given	rbx=0x8123456789abcdef
	movnti	[MMIO], rbx
	expect	mmio_write, address=MMIO, size=8, data=0x8123456789abcdef
	expect_hw mmio
	checkpoint

%endif

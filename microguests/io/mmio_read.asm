; SPDX-License-Identifier: GPL-2.0-only
; Reads from where no memory is: address and width of the exit, what the data becomes.
%include "microguest.inc"
modes real16, vm86, prot32, paged32, compat32, long64

%define WORD_OF(reg, value) (((reg) & ~0xffff) | (value))
%define BYTE_OF(reg, value) (((reg) & ~0xff) | (value))

case mov_byte, "MOV r8, m8 exits with one byte; bits above 7 stay"
	ref	"SDM 2 MOV", "APM 3 MOV"
%if !REAL
	rings	0, 3
%endif
	mov	bl, [MMIO]
	expect	mmio_read, address=MMIO, size=1, data=0x89, rbx=BYTE_OF(REG_RBX, 0x89)
	expect_hw mmio
	checkpoint

case mov_high_byte, "MOV BH, m8 changes bits 8 to 15 only"
	ref	"SDM 2 MOV", "SDM 1 3.4.1"
	mov	bh, [MMIO + 1]
	expect	mmio_read, address=MMIO + 1, size=1, data=0x89, rbx=(REG_RBX & ~0xff00) | 0x8900
	expect_hw mmio
	checkpoint

case mov_word, "MOV r16, m16 exits with two bytes; bits above 15 stay"
	ref	"SDM 2 MOV", "SDM 1 3.4.1.1"
	mov	bx, [MMIO + 2]
	expect	mmio_read, address=MMIO + 2, size=2, data=0x89ab, rbx=WORD_OF(REG_RBX, 0x89ab)
	expect_hw mmio
	checkpoint

case mov_dword, "MOV r32, m32 exits with four bytes; in 64-bit mode the upper half becomes 0"
	ref	"SDM 2 MOV", "SDM 1 3.4.1.1"
%if !REAL
	rings	0, 3
%endif
	mov	ebx, [MMIO + 4]
	expect	mmio_read, address=MMIO + 4, size=4, data=0x89abcdef, rbx=0x89abcdef
	expect_hw mmio
	checkpoint

case mov_accumulator, "The forms of MOV with an offset and no ModRM read MMIO as well"
	ref	"SDM 2 MOV"
%if BITS == 64
	mov	al, [qword MMIO + 0x10]
%else
	mov	al, [MMIO + 0x10]
%endif
	expect	mmio_read, address=MMIO + 0x10, size=1, data=0x33, rax=BYTE_OF(REG_RAX, 0x33)
	expect_hw mmio
	checkpoint

case misaligned, "A doubleword at an odd address is read whole"
	ref	"SDM 2 MOV"
	mov	ebx, [MMIO + 0x7d]
	expect	mmio_read, address=MMIO + 0x7d, size=4, data=0x01020304, rbx=0x01020304
	expect_hw mmio
	checkpoint

case across_hole_pages, "A word in two pages without memory is read from both, in order"
	ref	"SDM 2 MOV"
	mov	bx, [MMIO + 0xfff]
	expect	mmio_read, address=MMIO + 0xfff, size=2, data=0x5aa5, rbx=WORD_OF(REG_RBX, 0x5aa5)
	expect_hw mmio
	checkpoint

case last_address, "The last byte before memory begins again is MMIO"
	ref	"SDM 2 MOV"
	mov	bl, [MMIO_END - 1]
	expect	mmio_read, address=MMIO_END - 1, size=1, data=0x40, rbx=BYTE_OF(REG_RBX, 0x40)
	expect_hw mmio
	checkpoint

case two_reads, "Two reads of one address are two exits, each with its data"
	ref	"SDM 2 MOV"
	mov	bl, [MMIO]
	expect	mmio_read, address=MMIO, size=1, data=0x01, rbx=BYTE_OF(REG_RBX, 1)
	expect_hw mmio
	mov	bh, [MMIO]
	expect	mmio_read, address=MMIO, size=1, data=0x02, rbx=WORD_OF(REG_RBX, 0x0201)
	expect_hw mmio
	checkpoint

case movzx_byte_word, "MOVZX r16, m8 clears bits 8 to 15 and keeps those above"
	ref	"SDM 2 MOVZX"
	movzx	bx, byte [MMIO]
	expect	mmio_read, address=MMIO, size=1, data=0x89, rbx=WORD_OF(REG_RBX, 0x89)
	expect_hw mmio
	checkpoint

case movzx_byte_dword, "MOVZX r32, m8 reads one byte"
	ref	"SDM 2 MOVZX"
	movzx	ebx, byte [MMIO]
	expect	mmio_read, address=MMIO, size=1, data=0x89, rbx=0x89
	expect_hw mmio
	checkpoint

case movzx_word_dword, "MOVZX r32, m16 reads two bytes"
	ref	"SDM 2 MOVZX"
	movzx	ebx, word [MMIO]
	expect	mmio_read, address=MMIO, size=2, data=0x89ab, rbx=0x89ab
	expect_hw mmio
	checkpoint

case movsx_byte_word, "MOVSX r16, m8 copies bit 7 into bits 8 to 15"
	ref	"SDM 2 MOVSX"
	movsx	bx, byte [MMIO]
	expect	mmio_read, address=MMIO, size=1, data=0x89, rbx=WORD_OF(REG_RBX, 0xff89)
	expect_hw mmio
	checkpoint

case movsx_byte_dword, "MOVSX r32, m8 sign-extends to 32 bits and no further"
	ref	"SDM 2 MOVSX"
	movsx	ebx, byte [MMIO]
	expect	mmio_read, address=MMIO, size=1, data=0x89, rbx=0xffffff89
	expect_hw mmio
	checkpoint

case movsx_word_dword, "MOVSX r32, m16 sign-extends a word; a positive one gets zeros"
	ref	"SDM 2 MOVSX"
	movsx	ebx, word [MMIO]
	expect	mmio_read, address=MMIO, size=2, data=0x89ab, rbx=0xffff89ab
	expect_hw mmio
	movsx	ebx, word [MMIO]
	expect	mmio_read, address=MMIO, size=2, data=0x7fff, rbx=0x7fff
	expect_hw mmio
	checkpoint

case cmp_memory, "CMP m8, imm8 reads once and writes nothing"
	ref	"SDM 2 CMP"
	cmp	byte [MMIO], 0x81
	expect	mmio_read, address=MMIO, size=1, data=0x80, status=CF|PF|AF|SF
	expect_hw mmio
	checkpoint

case test_memory, "TEST m16, r16 reads once and writes nothing"
	ref	"SDM 2 TEST"
	given	rbx=0x8001
	test	[MMIO], bx
	expect	mmio_read, address=MMIO, size=2, data=0x8000, status=SF|PF, undefined=AF
	expect_hw mmio
	checkpoint

case add_from_memory, "ADD r32, m32 takes its source from MMIO"
	ref	"SDM 2 ADD"
	given	rbx=0xffffffff
	add	ebx, [MMIO]
	expect	mmio_read, address=MMIO, size=4, data=1, rbx=0, status=CF|PF|AF|ZF
	expect_hw mmio
	checkpoint

case bit_test, "BT m16, imm8 reads and writes nothing"
	ref	"SDM 2 BT"
	bt	word [MMIO], 15
	expect	mmio_read, address=MMIO, size=2, data=0x8000, status=CF, undefined=OF|SF|AF|PF
	expect_hw mmio
	checkpoint

case xlat, "XLATB reads MMIO at RBX plus AL"
	ref	"SDM 2 XLAT"
	given	rbx=MMIO + 0x100, rax=0x42
	xlatb
	expect	mmio_read, address=MMIO + 0x142, size=1, data=0x17, rax=0x17
	expect_hw mmio
	checkpoint

case load_segment, "MOV ES, m16 reads two bytes of selector"
	ref	"SDM 2 MOV"
	mov	es, [MMIO]
%if REAL
	expect	mmio_read, address=MMIO, size=2, data=0x40, es=0x40
	expect_hw mmio
%else
	expect	mmio_read, address=MMIO, size=2, data=SEL_DATA, es=SEL_DATA
	expect_hw mmio
%endif
	checkpoint

case jump_through, "JMP m16, m32 or m64 takes its target from MMIO"
	ref	"SDM 2 JMP"
	jmp	[MMIO]
	expect	mmio_read, address=MMIO, size=WORD_BYTES, data=.target, rip=.target
	expect_hw mmio
	ud2
.target:
	checkpoint

case call_through, "CALL m16, m32 or m64 pushes the next address and goes where MMIO says"
	ref	"SDM 2 CALL"
	call	[MMIO]
.next:	expect	mmio_read, address=MMIO, size=WORD_BYTES, data=.target, rip=.target, rsp=STACK_TOP - WORD_BYTES
%if BITS == 16
	writes	STACK_TOP - 2, dw, .next
%elif BITS == 32
	writes	STACK_TOP - 4, dd, .next
%else
	writes	STACK_TOP - 8, dq, .next
%endif
	ud2
.target:
	checkpoint

%if BITS == 16

case address_32, "A 32-bit address in 16-bit code reaches the same place"
	ref	"SDM 1 3.6"
	given	rsi=0x10, rdi=MMIO
	mov	bl, [edi + esi * 4 + 1]
	expect	mmio_read, address=MMIO + 0x41, size=1, data=0x10, rbx=BYTE_OF(REG_RBX, 0x10)
	expect_hw mmio
	checkpoint

%elif BITS == 64

case mov_qword, "MOV r64, m64 exits with eight bytes"
	ref	"SDM 2 MOV", "APM 3 MOV"
	rings	0, 3
	mov	rbx, [MMIO + 8]
	expect	mmio_read, address=MMIO + 8, size=8, data=0x8123456789abcdef, rbx=0x8123456789abcdef
	expect_hw mmio
	checkpoint

case mov_qword_r15, "REX.R and REX.B reach the upper registers"
	ref	"SDM 2 2.2.1.2"
	given	r13=MMIO + 0x18
	mov	r15, [r13]
	expect	mmio_read, address=MMIO + 0x18, size=8, data=0x8123456789abcdef, r15=0x8123456789abcdef
	expect_hw mmio
	checkpoint

case rip_relative, "A RIP-relative operand counts from the end of the instruction, the immediate included"
	ref	"SDM 2 2.2.1.6"
	cmp	word [rel $$ + MMIO + 0x20 - TEXT], 0x1234
	expect	mmio_read, address=MMIO + 0x20, size=2, data=0x1234, status=ZF|PF
	expect_hw mmio
	checkpoint

case movzx_byte_qword, "MOVZX r64, m8 clears all bits above 7"
	ref	"SDM 2 MOVZX"
	movzx	rbx, byte [MMIO]
	expect	mmio_read, address=MMIO, size=1, data=0x89, rbx=0x89
	expect_hw mmio
	checkpoint

case movsx_word_qword, "MOVSX r64, m16 sign-extends to 64 bits"
	ref	"SDM 2 MOVSX"
	movsx	rbx, word [MMIO]
	expect	mmio_read, address=MMIO, size=2, data=0x89ab, rbx=0xffffffffffff89ab
	expect_hw mmio
	checkpoint

case movsxd, "MOVSXD r64, m32 reads four bytes and sign-extends them"
	ref	"SDM 2 MOVSX"
	movsxd	rbx, dword [MMIO]
	expect	mmio_read, address=MMIO, size=4, data=0x89abcdef, rbx=0xffffffff89abcdef
	expect_hw mmio
	checkpoint

case base_of_fs, "The base of FS counts in 64-bit mode"
	ref	"SDM 1 3.4.2.1"
	given	fs_base=MMIO - 0x100
	mov	bl, [fs:0x108]
	expect	mmio_read, address=MMIO + 8, size=1, data=0x77, rbx=BYTE_OF(REG_RBX, 0x77)
	expect_hw mmio
	checkpoint

%endif

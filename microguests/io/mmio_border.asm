; SPDX-License-Identifier: GPL-2.0-only
; Accesses that lie partly in memory and partly in MMIO: only the MMIO part exits.
%include "microguest.inc"
modes real16, prot32, compat32, long64

; The last byte of memory below the hole.
%define LAST (MMIO - 1)

case write_word, "A word at the last byte of memory: low byte to memory, high byte to MMIO"
	ref	"SDM 2 MOV", "SDM 3 8.1.1"
	given	rbx=0x8142
	mov	[LAST], bx
	expect	mmio_write, address=MMIO, size=1, data=0x81
	expect_hw mmio
	writes	LAST, db, 0x42
	checkpoint

case write_dword, "A doubleword with three bytes in memory"
	ref	"SDM 2 MOV", "SDM 3 8.1.1"
	given	rbx=0x81020304
	mov	[LAST - 2], ebx
	expect	mmio_write, address=MMIO, size=1, data=0x81
	expect_hw mmio
	writes	LAST - 2, db, 4, 3, 2
	checkpoint

case write_dword_mostly_mmio, "A doubleword with three bytes in MMIO"
	ref	"SDM 2 MOV", "SDM 3 8.1.1"
	given	rbx=0x81020304
	mov	[LAST], ebx
	expect	mmio_write, address=MMIO, size=3, bytes=3, 2, 0x81
	expect_hw mmio
	writes	LAST, db, 4
	checkpoint

case read_word, "A word read from memory and MMIO is put together"
	ref	"SDM 2 MOV", "SDM 3 8.1.1"
	memory	LAST, db, 0x42
	mov	bx, [LAST]
	expect	mmio_read, address=MMIO, size=1, data=0x81, rbx=(REG_RBX & ~0xffff) | 0x8142
	expect_hw mmio
	checkpoint

case read_dword, "A doubleword with one byte in MMIO"
	ref	"SDM 2 MOV", "SDM 3 8.1.1"
	memory	LAST - 2, db, 4, 3, 2
	mov	ebx, [LAST - 2]
	expect	mmio_read, address=MMIO, size=1, data=0x81, rbx=0x81020304
	expect_hw mmio
	checkpoint

case movzx_word, "MOVZX of such a word"
	ref	"SDM 2 MOVZX"
	memory	LAST, db, 0x42
	movzx	ebx, word [LAST]
	expect	mmio_read, address=MMIO, size=1, data=0x81, rbx=0x8142
	expect_hw mmio
	checkpoint

case rmw_word, "ADD to such a word reads and writes both parts"
	ref	"SDM 2 ADD"
	memory	LAST, db, 0xff
	add	word [LAST], 1
	expect	mmio_read, address=MMIO, size=1, data=0x41
	expect_hw mmio
	expect	mmio_write, address=MMIO, size=1, data=0x42, status=AF|PF
	expect_hw mmio
	writes	LAST, db, 0
	checkpoint

case movsw, "MOVSW from such a word"
	ref	"SDM 2 MOVS"
	memory	LAST, db, 0x42
	given	rsi=LAST, rdi=SCRATCH
	movsw
	expect	mmio_read, address=MMIO, size=1, data=0x81, rsi=LAST + 2, rdi=SCRATCH + 2
	expect_hw mmio
	writes	SCRATCH, dw, 0x8142
	checkpoint

case rep_stosw, "REP STOSW whose items run from memory into MMIO, one of them in both"
	ref	"SDM 2 STOS"
	given	rax=0x8142, rdi=LAST - 2, rcx=3
	rep stosw
	expect	mmio_write, address=MMIO, size=3, bytes=0x81, 0x42, 0x81, rdi=LAST + 4, rcx=0
	expect_hw mmio
	writes	LAST - 2, db, 0x42, 0x81, 0x42
	checkpoint

; INS and OUTS leave the guest for the port, before their memory is looked at; what is done
; with that is the hypervisor's (SDM 3 25.1.1, APM 2 15.10.2).
case insw, "INSW to such a word"
	ref	"SDM 2 INS"
	given	rdx=0x20, rdi=LAST
	insw
	expect	io_in, port=0x20, size=2, data=0x8142
	expect_hw io
	expect	mmio_write, address=MMIO, size=1, data=0x81, rdi=LAST + 2
	expect_hw io
	writes	LAST, db, 0x42
	checkpoint

case outsw, "OUTSW from such a word"
	ref	"SDM 2 OUTS"
	memory	LAST, db, 0x42
	given	rdx=0x20, rsi=LAST
	outsw
	expect	mmio_read, address=MMIO, size=1, data=0x81
	expect_hw io
	expect	io_out, port=0x20, size=2, data=0x8142, rsi=LAST + 2
	expect_hw io
	checkpoint

%if MODE_NUMBER == MODE_PROT32

case leaves_mmio_write, "A doubleword that begins in MMIO and ends in memory"
	ref	"SDM 2 MOV", "SDM 3 8.1.1"
	given	rbx=0x81020304
	mov	[MMIO_END - 1], ebx
	expect	mmio_write, address=MMIO_END - 1, size=1, data=4
	expect_hw mmio
	writes	MMIO_END, db, 3, 2, 0x81
	checkpoint

case leaves_mmio_read, "The same, read"
	ref	"SDM 2 MOV", "SDM 3 8.1.1"
	memory	MMIO_END, db, 2, 0x81
	mov	ebx, [MMIO_END - 2]
	expect	mmio_read, address=MMIO_END - 2, size=2, bytes=4, 3, rbx=0x81020304
	expect_hw mmio
	checkpoint

case above_memory, "Above the last byte of memory every address is MMIO"
	ref	"SDM 2 MOV"
	given	rbx=0x8142
	mov	[STAGE_RAM - 1], bx
	expect	mmio_write, address=STAGE_RAM, size=1, data=0x81
	expect_hw mmio
	writes	STAGE_RAM - 1, db, 0x42
	mov	bl, [0xfffff000]
	expect	mmio_read, address=0xfffff000, size=1, data=0x55, rbx=0x8155
	expect_hw mmio
	checkpoint

%elif BITS == 64

case qword_halves, "A quadword half in memory, half in MMIO"
	ref	"SDM 2 MOV", "SDM 3 8.1.1"
	given	rbx=0x8102030405060708
	mov	[LAST - 3], rbx
	expect	mmio_write, address=MMIO, size=4, data=0x81020304
	expect_hw mmio
	writes	LAST - 3, dd, 0x05060708
	mov	rcx, [LAST - 3]
	expect	mmio_read, address=MMIO, size=4, data=0x0a0b0c0d, rcx=0x0a0b0c0d05060708
	expect_hw mmio
	checkpoint

case push_across, "PUSH whose place lies half in MMIO"
	ref	"SDM 2 PUSH"
	given	rsp=MMIO + 4, rbx=0x8102030405060708
	push	rbx
	expect	mmio_write, address=MMIO, size=4, data=0x81020304, rsp=MMIO - 4
	expect_hw mmio
	writes	MMIO - 4, dd, 0x05060708
	checkpoint

%elif MODE_NUMBER == MODE_REAL16

case leaves_mmio_write, "A word that begins in MMIO and ends in memory, through a segment that reaches both"
	ref	"SDM 2 MOV", "SDM 3 20.1.1"
	given	rbx=0x8142, fs=0xfff
	mov	[fs:0x0f], bx
	expect	mmio_write, address=MMIO_END - 1, size=1, data=0x42
	expect_hw mmio
	writes	MMIO_END, db, 0x81
	checkpoint

%endif

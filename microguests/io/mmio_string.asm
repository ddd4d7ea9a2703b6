; SPDX-License-Identifier: GPL-2.0-only
; String instructions with MMIO on one side or on both: every item is an exit of its
; own place, and the registers have moved by whole items.
%include "microguest.inc"
modes real16, prot32, compat32, long64

section .data
bytes:	db	0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88
section .text

case stosb, "STOSB writes AL and adds 1 to RDI"
	ref	"SDM 2 STOS"
	given	rdi=MMIO + 5
	stosb
	expect	mmio_write, address=MMIO + 5, size=1, data=REG_RAX & 0xff, rdi=MMIO + 6
	expect_hw mmio
	checkpoint

case rep_stosw, "REP STOSW writes each word at its address"
	ref	"SDM 2 STOS"
	given	rax=0xb1c2, rdi=MMIO, rcx=3
	rep stosw
	expect	mmio_write, address=MMIO, size=6, bytes=0xc2, 0xb1, 0xc2, 0xb1, 0xc2, 0xb1, rdi=MMIO + 6, rcx=0
	expect_hw mmio
	checkpoint

case rep_stosd_backward, "REP STOSD with DF set goes down by four"
	ref	"SDM 2 STOS"
	given	rax=0x01020304, rdi=MMIO + 8, rcx=3, set=DF
	rep stosd
	expect	mmio_write, address=MMIO + 8, size=4, data=0x01020304
	expect_hw mmio
	expect	mmio_write, address=MMIO + 4, size=4, data=0x01020304
	expect_hw mmio
	expect	mmio_write, address=MMIO, size=4, data=0x01020304, rdi=MMIO - 4, rcx=0
	expect_hw mmio
	checkpoint

case rep_stosb_leaves_memory, "REP STOSB that begins in memory goes on in MMIO"
	ref	"SDM 2 STOS"
	given	rax=0x5a, rdi=MMIO - 2, rcx=4
	rep stosb
	expect	mmio_write, address=MMIO, size=2, bytes=0x5a, 0x5a, rdi=MMIO + 2, rcx=0
	expect_hw mmio
	writes	MMIO - 2, db, 0x5a, 0x5a
	checkpoint

case count_zero, "REP STOSB, MOVSB and LODSB with count 0 touch nothing"
	ref	"SDM 2 REP"
	given	rdi=MMIO, rsi=MMIO, rcx=0
	rep stosb
	rep movsb
	rep lodsb
	checkpoint

case lodsw, "LODSW reads AX and adds 2 to RSI"
	ref	"SDM 2 LODS"
	given	rsi=MMIO + 3
	lodsw
	expect	mmio_read, address=MMIO + 3, size=2, data=0xb1c2, rsi=MMIO + 5, rax=(REG_RAX & ~0xffff) | 0xb1c2
	expect_hw mmio
	checkpoint

case rep_lodsb, "REP LODSB reads every item; the last one stays in AL"
	ref	"SDM 2 LODS"
	given	rsi=MMIO, rcx=3
	rep lodsb
	expect	mmio_read, address=MMIO, size=3, bytes=1, 2, 3, rsi=MMIO + 3, rcx=0, rax=(REG_RAX & ~0xff) | 3
	expect_hw mmio
	checkpoint

case movs_to_mmio, "REP MOVSW from memory to MMIO"
	ref	"SDM 2 MOVS"
	given	rsi=bytes, rdi=MMIO + 2, rcx=3
	rep movsw
	expect	mmio_write, address=MMIO + 2, size=6, bytes=0x11, 0x22, 0x33, 0x44, 0x55, 0x66, rsi=bytes + 6, rdi=MMIO + 8, rcx=0
	expect_hw mmio
	checkpoint

case movs_from_mmio, "REP MOVSB from MMIO to memory"
	ref	"SDM 2 MOVS"
	given	rsi=MMIO + 2, rdi=SCRATCH, rcx=3
	rep movsb
	expect	mmio_read, address=MMIO + 2, size=3, bytes=7, 8, 9, rsi=MMIO + 5, rdi=SCRATCH + 3, rcx=0
	expect_hw mmio
	writes	SCRATCH, db, 7, 8, 9
	checkpoint

case movs_mmio_to_mmio, "MOVSD from MMIO to MMIO reads, then writes"
	ref	"SDM 2 MOVS"
	given	rsi=MMIO + 0x10, rdi=MMIO + 0x1020
	movsd
	expect	mmio_read, address=MMIO + 0x10, size=4, data=0x01020304
	expect_hw mmio
	expect	mmio_write, address=MMIO + 0x1020, size=4, data=0x01020304, rsi=MMIO + 0x14, rdi=MMIO + 0x1024
	expect_hw mmio
	checkpoint

case rep_movs_mmio_to_mmio, "REP MOVSB from MMIO to MMIO: read and write by turns"
	ref	"SDM 2 MOVS"
	given	rsi=MMIO, rdi=MMIO + 0x100, rcx=3
	rep movsb
	expect	mmio_read, address=MMIO, size=1, data=0x0a
	expect_hw mmio
	expect	mmio_write, address=MMIO + 0x100, size=1, data=0x0a
	expect_hw mmio
	expect	mmio_read, address=MMIO + 1, size=1, data=0x0b
	expect_hw mmio
	expect	mmio_write, address=MMIO + 0x101, size=1, data=0x0b
	expect_hw mmio
	expect	mmio_read, address=MMIO + 2, size=1, data=0x0c
	expect_hw mmio
	expect	mmio_write, address=MMIO + 0x102, size=1, data=0x0c, rsi=MMIO + 3, rdi=MMIO + 0x103, rcx=0
	expect_hw mmio
	checkpoint

case movs_override, "A segment override says where MOVS reads; it writes through ES"
	ref	"SDM 2 MOVS"
%if REAL
	given	fs=0x10
%elif BITS == 64
	given	fs_base=0x100
%else
	descriptor SEL_FREE, base=0x100, limit=0xffff, ar=AR_DATA16
	given	fs=SEL_FREE
%endif
	given	rsi=MMIO - 0x100, rdi=MMIO + 4
	fs movsb
	expect	mmio_read, address=MMIO, size=1, data=0x3e
	expect_hw mmio
	expect	mmio_write, address=MMIO + 4, size=1, data=0x3e, rsi=MMIO - 0xff, rdi=MMIO + 5
	expect_hw mmio
	checkpoint

case cmpsb, "CMPSB compares MMIO with memory and writes nothing"
	ref	"SDM 2 CMPS"
	given	rsi=MMIO, rdi=bytes
	cmpsb
	expect	mmio_read, address=MMIO, size=1, data=0x10, rsi=MMIO + 1, rdi=bytes + 1, status=CF|PF|AF|SF
	expect_hw mmio
	checkpoint

case repe_cmpsb_stops, "REPE CMPSB stops behind the first difference, and reads no further"
	ref	"SDM 2 CMPS", "SDM 2 REP"
	given	rsi=bytes, rdi=MMIO, rcx=5
	repe cmpsb
	expect	mmio_read, address=MMIO, size=3, bytes=0x11, 0x22, 0x32, rsi=bytes + 3, rdi=MMIO + 3, rcx=2, status=0
	expect_hw mmio
	checkpoint

case cmps_mmio_with_mmio, "CMPSW of MMIO with MMIO reads the source first"
	ref	"SDM 2 CMPS"
	given	rsi=MMIO, rdi=MMIO + 0x100
	cmpsw
	expect	mmio_read, address=MMIO, size=2, data=0x8000
	expect_hw mmio
	expect	mmio_read, address=MMIO + 0x100, size=2, data=0x8000, rsi=MMIO + 2, rdi=MMIO + 0x102, status=ZF|PF
	expect_hw mmio
	checkpoint

case repne_scasb_finds, "REPNE SCASB finds AL in MMIO and reads no further"
	ref	"SDM 2 SCAS", "SDM 2 REP"
	given	rax=0x33, rdi=MMIO, rcx=8
	repne scasb
	expect	mmio_read, address=MMIO, size=3, bytes=0x31, 0x32, 0x33, rdi=MMIO + 3, rcx=5, status=ZF|PF
	expect_hw mmio
	checkpoint

; INS and OUTS leave the guest for the port, before their memory is looked at; what is done
; with that is the hypervisor's (SDM 3 25.1.1, APM 2 15.10.2).
case outs_from_mmio, "REP OUTSB from MMIO: each item is read, then sent"
	ref	"SDM 2 OUTS"
	given	rdx=0x20, rsi=MMIO, rcx=2
	rep outsb
	expect	mmio_read, address=MMIO, size=1, data=0x0d
	expect_hw io
	expect	io_out, port=0x20, size=1, data=0x0d
	expect_hw io
	expect	mmio_read, address=MMIO + 1, size=1, data=0x0e
	expect_hw io
	expect	io_out, port=0x20, size=1, data=0x0e, rsi=MMIO + 2, rcx=0
	expect_hw io
	checkpoint

case ins_to_mmio, "INSW to MMIO: the port is read, then MMIO written"
	ref	"SDM 2 INS"
	given	rdx=0x20, rdi=MMIO + 8
	insw
	expect	io_in, port=0x20, size=2, data=0xb1c2
	expect_hw io
	expect	mmio_write, address=MMIO + 8, size=2, data=0xb1c2, rdi=MMIO + 10
	expect_hw io
	checkpoint

; The interrupt mask register of the PIC in the kernel: every read gives the same, and
; none exits, so that how many a hypervisor reads at a time does not show.
case rep_ins_to_mmio, "REP INSB to MMIO writes count bytes in order"
	ref	"SDM 2 INS"
	irqchip kernel
	given	rax=0x5b, rdx=0x21, rdi=MMIO + 0xff9, rcx=20
	out	0x21, al
	rep insb
	expect	mmio_write, address=MMIO + 0xff9, size=20, bytes=20 dup (0x5b), rdi=MMIO + 0x100d, rcx=0
	expect_hw io
	checkpoint

%if BITS == 64

case rep_stosq, "REP STOSQ writes eight bytes at a time"
	ref	"SDM 2 STOS"
	given	rax=0x0807060504030201, rdi=MMIO, rcx=2
	rep stosq
	expect	mmio_write, address=MMIO, size=16, bytes=1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8, rdi=MMIO + 16, rcx=0
	expect_hw mmio
	checkpoint

case movsq, "MOVSQ from MMIO to memory"
	ref	"SDM 2 MOVS"
	given	rsi=MMIO + 8, rdi=SCRATCH
	movsq
	expect	mmio_read, address=MMIO + 8, size=8, data=0x8123456789abcdef, rsi=MMIO + 16, rdi=SCRATCH + 8
	expect_hw mmio
	writes	SCRATCH, dq, 0x8123456789abcdef
	checkpoint

case address_32, "With an address-size prefix EDI points and ECX counts; their upper halves become 0"
	ref	"SDM 1 3.4.1.1"
	given	rdi=0xffff000000000000 + MMIO, rcx=0xffff000000000002, rax=0x77
	a32 rep stosb
	expect	mmio_write, address=MMIO, size=2, bytes=0x77, 0x77, rdi=MMIO + 2, rcx=0
	expect_hw mmio
	checkpoint

%else

case count_16, "With 16-bit addresses CX counts and DI points; upper halves stay"
	ref	"SDM 2 STOS"
	given	rdi=0x12340000 + MMIO, rcx=0x56780002, rax=0x77
	a16 rep stosb
	expect	mmio_write, address=MMIO, size=2, bytes=0x77, 0x77, rdi=0x12340000 + MMIO + 2, rcx=0x56780000
	expect_hw mmio
	checkpoint

%endif

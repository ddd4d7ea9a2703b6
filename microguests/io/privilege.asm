; SPDX-License-Identifier: GPL-2.0-only
; Who may use a port: CPL, IOPL and the I/O permission bitmap of the TSS.
%include "microguest.inc"
modes vm86, prot16, prot32, paged32, pae32, compat32, long64

; program: CPL 3, where the bitmap counts. In vm86 it is so always.
%macro program 0.nolist
	ref	"SDM 1 19.5.2", "APM 2 12.2.4"
	%if !REAL
	ring3
	%endif
%endmacro

; map PORT, db|dw, VALUE: the bitmap from PORT's byte on.
%macro map 3.nolist
	memory	TSS + TSS_IOMAP + (%1) / 8, %2, %3
%endmacro

; denied INSTRUCTION: #GP(0) at it, and no exit.
%macro denied 1+.nolist
%%here:	%1
	expect	exception, vector=VEC_GP, error=0, rip=%%here
%endmacro

%if !REAL

case cpl0_ignores_map, "CPL 0 uses any port, the bitmap and IOPL notwithstanding"
	ref	"SDM 1 19.5.1"
	out	0x21, al
	expect	io_out, port=0x21, size=1, data=REG_RAX & 0xff
	expect_hw io
	checkpoint

case iopl3_allows, "With IOPL = 3, CPL 3 uses any port, those past the bitmap too"
	ref	"SDM 1 19.5.1"
	ring3
	given	rflags=0x2 | IOPL_3, rdx=0xfffe
	in	al, 0x21
	expect	io_in, port=0x21, size=1, data=0x99, rax=(REG_RAX & ~0xff) | 0x99
	expect_hw io
	out	dx, ax
	expect	io_out, port=0xfffe, size=2, data=(REG_RAX & 0xff00) | 0x99
	expect_hw io
	checkpoint

case iopl2_denies, "IOPL = 2 does not let CPL 3 past a set bit"
	ref	"SDM 1 19.5.1"
	ring3
	given	rflags=0x2 | 0x2000
	denied	out 0x21, al
	checkpoint

%else

case iopl3_does_not_help, "In virtual-8086 mode the bitmap decides even with IOPL = 3"
	ref	"SDM 3 20.2.8.1"
	given	rflags=0x2 | VM | IOPL_3
	denied	out 0x21, al
	checkpoint

%endif

case clear_bit_allows, "A clear bit allows its port, and no other of its byte"
	program
	map	0x22, db, 0xfb
	out	0x22, al
	expect	io_out, port=0x22, size=1, data=REG_RAX & 0xff
	expect_hw io
	denied	out 0x21, al
	denied	out 0x23, al
	checkpoint

case denied_in, "IN from a denied port is #GP(0), and AL keeps its value"
	program
	denied	in al, 0x20
	checkpoint

case denied_dx, "The forms with DX are checked as those with an immediate"
	program
	given	rdx=0x3f8
	denied	in eax, dx
	denied	out dx, ax
	checkpoint

case word_second_byte, "A word needs the bits of both its ports"
	program
	map	0x20, db, 0xfe
	denied	out 0x20, ax
	out	0x20, al
	expect	io_out, port=0x20, size=1, data=REG_RAX & 0xff
	expect_hw io
	checkpoint

case word_first_byte, "A word whose first port only is denied faults as well"
	program
	map	0x20, db, 0xfd
	denied	in ax, 0x20
	checkpoint

case word_across_map_bytes, "A word at port 27h needs bit 7 of one byte of the map and bit 0 of the next"
	program
	map	0x27, dw, 0xfe7f
	out	0x27, ax
	expect	io_out, port=0x27, size=2, data=REG_RAX & 0xffff
	expect_hw io
	checkpoint

case word_across_map_bytes_denied, "The bit in the second byte of the map counts"
	program
	map	0x27, dw, 0xff7f
	denied	out 0x27, ax
	checkpoint

case dword_last_byte, "A doubleword needs four clear bits: the last one is looked at too"
	program
	map	0x20, db, 0xf8
	denied	in eax, 0x20
	in	ax, 0x20
	expect	io_in, port=0x20, size=2, data=0, rax=REG_RAX & ~0xffff
	expect_hw io
	checkpoint

case dword_across_map_bytes, "A doubleword at port 26h takes two bits of each of two bytes of the map"
	program
	map	0x26, dw, 0xfc3f
	out	0x26, eax
	expect	io_out, port=0x26, size=4, data=REG_RAX & 0xffffffff
	expect_hw io
	checkpoint

case dword_across_map_bytes_denied, "The fourth port of that doubleword is denied"
	program
	map	0x26, dw, 0xfe3f
	denied	out 0x26, eax
	checkpoint

case ins_denied, "INS of a denied port is #GP(0): memory, RDI and RCX stay"
	program
	given	rdx=0x20, rdi=SCRATCH, rcx=4
	denied	rep insb
	checkpoint

case outs_denied, "OUTS to a denied port is #GP(0): RSI and RCX stay"
	program
	given	rdx=0x20, rsi=SCRATCH, rcx=4
	denied	rep outsw
	checkpoint

case ins_allowed, "INS of an allowed port stores through ES"
	program
	map	0x20, db, 0xfe
	given	rdx=0x20, rdi=SCRATCH
	insb
	expect	io_in, port=0x20, size=1, data=0x5c, rdi=SCRATCH + 1
	expect_hw io
	writes	SCRATCH, db, 0x5c
	checkpoint

case map_base_beyond_limit, "A map base beyond the TSS limit is no map: every port is denied"
	program
	memory	TSS + 0x66, dw, TSS_LIMIT + 1
	denied	out 0x20, al

case port_past_limit, "A port whose bit lies beyond the TSS limit is denied"
	program
	given	rdx=0xffff
	denied	in al, dx
	checkpoint

case last_map_byte, "Two bytes of the map are read for every access: the second must be within the limit"
	program
	map	(TSS_LIMIT - TSS_IOMAP) * 8, db, 0
	given	rdx=(TSS_LIMIT - TSS_IOMAP) * 8
	denied	in al, dx
	checkpoint

case last_port_with_map, "The last port with two bytes of map within the limit is allowed by a clear bit"
	program
	map	(TSS_LIMIT - TSS_IOMAP) * 8 - 1, db, 0x7f
	given	rdx=(TSS_LIMIT - TSS_IOMAP) * 8 - 1
	in	al, dx
	expect	io_in, port=(TSS_LIMIT - TSS_IOMAP) * 8 - 1, size=1, data=0x66, rax=(REG_RAX & ~0xff) | 0x66
	expect_hw io
	checkpoint

case map_base_moved, "The map is where the TSS says: moved by a byte, it opens another port"
	program
	memory	TSS + 0x66, dw, TSS_IOMAP + 1
	map	0xf0, dw, 0xfefe		; the checkpoint's bit, there too
	map	0x28, db, 0xfe
	out	0x20, al
	expect	io_out, port=0x20, size=1, data=REG_RAX & 0xff
	expect_hw io
	denied	out 0x28, al
	checkpoint

%if MODE_NUMBER == MODE_PROT16 || MODE_NUMBER == MODE_PROT32

case tss16_has_no_map, "A 16-bit TSS has no bitmap: CPL 3 is denied every port"
	ref	"SDM 3 7.6", "SDM 1 19.5.2"
	ring3
	memory	TSS, dw, 0, KSTACK_TOP, SEL_DATA
	given	tr=SEL_TSS, tr_base=TSS, tr_limit=TSS_LIMIT, tr_ar=0x83
	denied	out CHECKPOINT_PORT, al

%endif

%if PAGED

; The map in a page of its own: TSS base + map base = SCRATCH.
case map_not_present, "A bitmap page that is not present is a supervisor's page fault, CR2 in the map"
	ref	"SDM 3 4.6.1", "SDM 1 19.5.2"
	ring3
	given	tr=SEL_TSS, tr_base=TSS, tr_limit=0xffff, tr_ar=AR_TSS_BUSY
	memory	TSS + 0x66, dw, SCRATCH - TSS
	pte	SCRATCH, clear=PTE_P
.f:	in	al, 0x20
	expect	exception, vector=VEC_PF, error=0, cr2=SCRATCH + 0x20 / 8, rip=.f

case map_across_pages, "A bitmap that begins in one page and goes on in another is read in both"
	ref	"SDM 1 19.5.2"
	ring3
	given	tr=SEL_TSS, tr_base=TSS, tr_limit=0xffff, tr_ar=AR_TSS_BUSY
	memory	TSS + 0x66, dw, 0xc000 - TSS - 5
	memory	0xc000 - 5, db, 0xff, 0xff, 0xff, 0xff, 0x7f, 0xfe, 0xff
	out	0x27, ax
	expect	io_out, port=0x27, size=2, data=REG_RAX & 0xffff
	expect_hw io
	denied	out 0x28, ax

%endif

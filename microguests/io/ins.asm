; SPDX-License-Identifier: GPL-2.0-only
; INS and REP INS: data, memory, and what becomes of RDI and RCX.
%include "microguest.inc"
modes real16, vm86, prot16, prot32, paged32, compat32, long64

%define PORT 0x20
%define BORDER 0xc000		; between two pages of .data, which these cases do not fill

; string: what all cases have in common. RDX is the port, which is open.
%macro string 0.nolist
	ref	"SDM 2 INS", "APM 3 INS"
	memory	TSS + TSS_IOMAP + PORT / 8, db, 0xf0
%endmacro

; Another segment, base 100h: fs in every mode.
%macro other_fs 0.nolist
	%if REAL
	given	fs=0x10
	%elif BITS == 64
	given	fs_base=0x100
	%else
	descriptor SEL_FREE | 3, base=0x100, limit=0xffff, ar=AR_DATA16 | AR_DPL3
	given	fs=SEL_FREE | 3
	%endif
%endmacro

case byte_forward, "INSB stores at ES:RDI and adds 1 to RDI"
	string
	given	rdx=PORT, rdi=SCRATCH + 5
	insb
	expect	io_in, port=PORT, size=1, data=0x5a, rdi=SCRATCH + 6
	expect_hw io
	writes	SCRATCH + 5, db, 0x5a
	checkpoint

case word_backward, "INSW with DF set subtracts 2 from RDI"
	string
	given	rdx=PORT, rdi=SCRATCH + 8, set=DF
	insw
	expect	io_in, port=PORT, size=2, data=0xb1c2, rdi=SCRATCH + 6
	expect_hw io
	writes	SCRATCH + 8, dw, 0xb1c2
	checkpoint

case dword_forward, "INSD stores four bytes, low byte first, at any alignment"
	string
	given	rdx=PORT, rdi=SCRATCH + 3
	insd
	expect	io_in, port=PORT, size=4, data=0x89abcdef, rdi=SCRATCH + 7
	expect_hw io
	writes	SCRATCH + 3, dd, 0x89abcdef
	checkpoint

case rep_bytes, "REP INSB: each item at its place, RCX counts down to 0"
	string
	given	rdx=PORT, rdi=SCRATCH, rcx=5
	rep insb
	expect	io_in, port=PORT, size=1, count=5, bytes=1, 2, 3, 4, 5, rdi=SCRATCH + 5, rcx=0
	expect_hw io
	writes	SCRATCH, db, 1, 2, 3, 4, 5
	checkpoint

case rep_words_backward, "REP INSW with DF set: the first item read is the highest in memory"
	string
	given	rdx=PORT, rdi=SCRATCH + 6, rcx=3, set=DF
	rep insw
	expect	io_in, port=PORT, size=2, count=3, bytes=1, 0x10, 2, 0x20, 3, 0x30, rdi=SCRATCH, rcx=0
	expect_hw io
	writes	SCRATCH + 2, dw, 0x3003, 0x2002, 0x1001
	checkpoint

case rep_dwords, "REP INSD stores doublewords"
	string
	given	rdx=PORT, rdi=SCRATCH + 1, rcx=2
	rep insd
	expect	io_in, port=PORT, size=4, count=2, bytes=1, 2, 3, 4, 5, 6, 7, 8, rdi=SCRATCH + 9, rcx=0
	expect_hw io
	writes	SCRATCH + 1, db, 1, 2, 3, 4, 5, 6, 7, 8
	checkpoint

case repne_is_rep, "REPNE before INSB repeats by count as REP does"
	ref	"APM 3 1.2.6"
	string
	given	rdx=PORT, rdi=SCRATCH, rcx=2
	repne insb
	expect	io_in, port=PORT, size=1, count=2, bytes=0, 7, rdi=SCRATCH + 2, rcx=0
	expect_hw io
	writes	SCRATCH, db, 0, 7
	checkpoint

case count_zero, "REP INSB with count 0 reads nothing"
	string
	given	rdx=PORT, rdi=SCRATCH, rcx=0
	rep insb
	checkpoint

case page_crossing_items, "REP INSB goes on in the next page"
	string
	given	rdx=PORT, rdi=BORDER - 2, rcx=4
	rep insb
	expect	io_in, port=PORT, size=1, count=4, bytes=1, 2, 3, 4, rdi=BORDER + 2, rcx=0
	expect_hw io
	writes	BORDER - 2, db, 1, 2, 3, 4
	checkpoint

case page_crossing_item, "An item of REP INSW lies in two pages"
	string
	given	rdx=PORT, rdi=BORDER - 3, rcx=3
	rep insw
	expect	io_in, port=PORT, size=2, count=3, bytes=1, 2, 3, 4, 5, 6, rdi=BORDER + 3, rcx=0
	expect_hw io
	writes	BORDER - 3, db, 1, 2, 3, 4, 5, 6
	checkpoint

case page_crossing_backward, "REP INSD backward crosses into the page below"
	string
	given	rdx=PORT, rdi=BORDER + 2, rcx=3, set=DF
	rep insd
	expect	io_in, port=PORT, size=4, count=3, bytes=1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, rdi=BORDER - 10, rcx=0
	expect_hw io
	writes	BORDER - 6, db, 3, 3, 3, 3, 2, 2, 2, 2, 1, 1, 1, 1
	checkpoint

case long_count, "REP INSW of 700 items, more than fit into one exit, loses none"
	string
	given	rdx=PORT, rdi=BORDER - 700, rcx=700
	rep insw
	expect	io_in, port=PORT, size=2, count=700, bytes=1400 dup (0x6b), rdi=BORDER + 700, rcx=0
	expect_hw io
	writes	BORDER - 700, times 1400 db, 0x6b
	checkpoint

case override_ignored, "A segment override does not move INS away from ES"
	string
	other_fs
	given	rdx=PORT, rdi=SCRATCH
	fs insb
	expect	io_in, port=PORT, size=1, data=0x11, rdi=SCRATCH + 1
	expect_hw io
	writes	SCRATCH, db, 0x11
	checkpoint

%if PAGED

; The interrupt mask register of the PIC in the kernel: every read gives the same and
; none exits, so that a read for the item that cannot be stored does not show: whether
; the port or the page comes first is not said.
case fault_in_the_middle, "REP INSB that meets a page not present has stored what came before"
	ref	"SDM 2 INS", "SDM 2 REP", "SDM 3 4.7"
	irqchip kernel
	pte	PAGES + 0x1000, clear=PTE_P
	given	rax=0x5b, rdx=0x21, rdi=PAGES + 0xffd, rcx=5
	out	0x21, al
.f:	rep insb
	expect	exception, vector=VEC_PF, error=PF_W, cr2=PAGES + 0x1000, rip=.f, rdi=PAGES + 0x1000, rcx=2
	writes	PAGES + 0xffd, db, 0x5b, 0x5b, 0x5b
	checkpoint

case fault_mended, "With the page mended, REP INSB goes on where it stopped"
	ref	"SDM 2 INS", "SDM 2 REP"
	irqchip kernel
	pte	PAGES + 0x1000, clear=PTE_W
	given	rax=0x5b, rdx=0x21, rdi=PAGES + 0xffe, rcx=4
	out	0x21, al
.f:	rep insb
	expect	exception, vector=VEC_PF, error=PF_P|PF_W, cr2=PAGES + 0x1000, rip=.f, resume=.f, rdi=PAGES + 0x1000, rcx=2
	writes	PAGES + 0xffe, db, 0x5b, 0x5b
	action	entry, va=PAGES + 0x1000, level=1, set=PTE_W
	checkpoint rdi=PAGES + 0x1002, rcx=0
	writes	PAGES + 0x1000, db, 0x5b, 0x5b

case fault_first_item, "INSB to a read-only page is #PF, and the page stays as it was"
	ref	"SDM 2 INS", "SDM 3 4.7"
	irqchip kernel
	pte	PAGES, clear=PTE_W
	given	rdx=0x21, rdi=PAGES + 8
.f:	insb
	expect	exception, vector=VEC_PF, error=PF_P|PF_W, cr2=PAGES + 8, rip=.f
	checkpoint

%endif

%if BITS == 16

case count_16, "With 16-bit addresses CX counts: the upper half of ECX stays"
	string
	given	rdx=PORT, rdi=0x10000 | SCRATCH, rcx=0x10002
	rep insb
	expect	io_in, port=PORT, size=1, count=2, bytes=8, 9, rdi=0x10000 | (SCRATCH + 2), rcx=0x10000
	expect_hw io
	writes	SCRATCH, db, 8, 9
	checkpoint

case count_zero_16, "CX = 0 is no item, whatever ECX has above it"
	string
	given	rdx=PORT, rdi=SCRATCH, rcx=0x10000
	rep insb
	checkpoint

case count_32, "With an address-size prefix ECX counts and EDI points"
	string
	given	rdx=PORT, rdi=SCRATCH, rcx=2
	a32 rep insw
	expect	io_in, port=PORT, size=2, count=2, bytes=1, 2, 3, 4, rdi=SCRATCH + 4, rcx=0
	expect_hw io
	writes	SCRATCH, db, 1, 2, 3, 4
	checkpoint

; ES = 1000h: offset 0ffffh is the last byte of guest memory, offset 0 is 10000h.
case di_wraps, "DI wraps from 0ffffh to 0 between items, EDI's upper half stays"
	string
%if REAL
	given	rdx=PORT, rdi=0xffffffff, rcx=2, es=0x1000
%else
	descriptor SEL_FREE, base=0x10000, limit=0xffff, ar=AR_DATA16
	given	rdx=PORT, rdi=0xffffffff, rcx=2, es=SEL_FREE
%endif
	rep insb
	expect	io_in, port=PORT, size=1, count=2, bytes=8, 9, rdi=0xffff0001, rcx=0
	expect_hw io
	writes	0x1ffff, db, 8
	writes	0x10000, db, 9
	checkpoint

%elif BITS == 32

case count_16, "With an address-size prefix CX counts and DI points: upper halves stay"
	string
	given	rdx=PORT, rdi=0x76540000 | SCRATCH, rcx=0xabcd0002
	a16 rep insb
	expect	io_in, port=PORT, size=1, count=2, bytes=8, 9, rdi=0x76540000 | (SCRATCH + 2), rcx=0xabcd0000
	expect_hw io
	writes	SCRATCH, db, 8, 9
	checkpoint

case count_zero_16, "CX = 0 is no item, whatever ECX has above it"
	string
	given	rdx=PORT, rdi=SCRATCH, rcx=0xabcd0000
	a16 rep insb
	checkpoint

%else

case count_32, "With an address-size prefix ECX counts and EDI points; their upper halves become 0"
	ref	"SDM 1 3.4.1.1"
	string
	given	rdx=PORT, rdi=0x8765432100000000 | SCRATCH, rcx=0x1234567800000002
	a32 rep insb
	expect	io_in, port=PORT, size=1, count=2, bytes=8, 9, rdi=SCRATCH + 2, rcx=0
	expect_hw io
	writes	SCRATCH, db, 8, 9
	checkpoint

case edi_wraps, "EDI wraps from 0 to 0ffffffffh going backward"
	string
	given	rdx=PORT, rdi=1, rcx=2, set=DF
	a32 rep insb
	expect	io_in, port=PORT, size=1, count=2, bytes=8, 9, rdi=0xffffffff, rcx=0
	expect_hw io
	writes	0, db, 9, 8
	checkpoint

case rex_w, "REX.W does not widen INSD: items of four bytes"
	ref	"APM 3 1.2.7"
	string
	given	rdx=PORT, rdi=SCRATCH
	db	0x48
	insd
	expect	io_in, port=PORT, size=4, data=0x89abcdef, rdi=SCRATCH + 4
	expect_hw io
	writes	SCRATCH, dd, 0x89abcdef
	checkpoint

%endif

; SPDX-License-Identifier: GPL-2.0-only
; OUTS and REP OUTS: data, segments, what becomes of RSI and RCX, and faults on the way.
%include "microguest.inc"
modes real16, vm86, prot16, prot32, paged32, compat32, long64

%define PORT 0x20
%define BORDER 0xc000

section .data
bytes:	db	0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88
other:	db	0x99
section .text

%macro string 0.nolist
	ref	"SDM 2 OUTS", "APM 3 OUTS"
	memory	TSS + TSS_IOMAP + PORT / 8, db, 0xf0
%endmacro

; other_segment SEGMENT: a segment of base 100h in every mode.
%macro other_segment 1.nolist
	%if REAL
	given	%1=0x10
	%elif BITS == 64
	given	%1_base=0x100
	%else
	descriptor SEL_FREE, base=0x100, limit=0xffff, ar=AR_DATA16
	given	%1=SEL_FREE
	%endif
%endmacro

case byte_forward, "OUTSB sends the byte at DS:RSI and adds 1 to RSI"
	string
	given	rdx=PORT, rsi=bytes
	outsb
	expect	io_out, port=PORT, size=1, data=0x11, rsi=bytes + 1
	expect_hw io
	checkpoint

case word_backward, "OUTSW with DF set subtracts 2 from RSI"
	string
	given	rdx=PORT, rsi=bytes + 3, set=DF
	outsw
	expect	io_out, port=PORT, size=2, data=0x5544, rsi=bytes + 1
	expect_hw io
	checkpoint

case dword_forward, "OUTSD sends four bytes"
	string
	given	rdx=PORT, rsi=bytes + 1
	outsd
	expect	io_out, port=PORT, size=4, data=0x55443322, rsi=bytes + 5
	expect_hw io
	checkpoint

case rep_bytes, "REP OUTSB sends each byte in order"
	string
	given	rdx=PORT, rsi=bytes, rcx=5
	rep outsb
	expect	io_out, port=PORT, size=1, count=5, bytes=0x11, 0x22, 0x33, 0x44, 0x55, rsi=bytes + 5, rcx=0
	expect_hw io
	checkpoint

case rep_words, "REP OUTSW sends words: the count is of items, not of bytes"
	string
	given	rdx=PORT, rsi=bytes, rcx=3
	rep outsw
	expect	io_out, port=PORT, size=2, count=3, bytes=0x11, 0x22, 0x33, 0x44, 0x55, 0x66, rsi=bytes + 6, rcx=0
	expect_hw io
	checkpoint

case rep_words_backward, "REP OUTSW with DF set sends the highest word first"
	string
	given	rdx=PORT, rsi=bytes + 4, rcx=3, set=DF
	rep outsw
	expect	io_out, port=PORT, size=2, count=3, bytes=0x55, 0x66, 0x33, 0x44, 0x11, 0x22, rsi=bytes - 2, rcx=0
	expect_hw io
	checkpoint

case rep_dwords, "REP OUTSD sends doublewords"
	string
	given	rdx=PORT, rsi=bytes, rcx=2
	rep outsd
	expect	io_out, port=PORT, size=4, count=2, bytes=0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, rsi=bytes + 8, rcx=0
	expect_hw io
	checkpoint

case count_zero, "REP OUTSB with count 0 sends nothing"
	string
	given	rdx=PORT, rsi=bytes, rcx=0
	rep outsb
	checkpoint

case page_crossing, "Items of REP OUTSW come from two pages, one of them from both"
	string
	memory	BORDER - 3, db, 1, 2, 3, 4, 5, 6
	given	rdx=PORT, rsi=BORDER - 3, rcx=3
	rep outsw
	expect	io_out, port=PORT, size=2, count=3, bytes=1, 2, 3, 4, 5, 6, rsi=BORDER + 3, rcx=0
	expect_hw io
	checkpoint

case long_count, "REP OUTSB of 700 items loses none"
	string
	memory	BORDER - 300, times 700 db, 0x6b
	given	rdx=PORT, rsi=BORDER - 300, rcx=700
	rep outsb
	expect	io_out, port=PORT, size=1, count=700, bytes=700 dup (0x6b), rsi=BORDER + 400, rcx=0
	expect_hw io
	checkpoint

case override_fs, "A segment override says where OUTS reads"
	string
	other_segment fs
	given	rdx=PORT, rsi=other - 0x100
	fs outsb
	expect	io_out, port=PORT, size=1, data=0x99, rsi=other - 0xff
	expect_hw io
	checkpoint

case override_rep, "The override holds for every item of REP OUTSB"
	string
	other_segment gs
	given	rdx=PORT, rsi=bytes - 0x100, rcx=2
	gs rep outsb
	expect	io_out, port=PORT, size=1, count=2, bytes=0x11, 0x22, rsi=bytes - 0xfe, rcx=0
	expect_hw io
	checkpoint

%if BITS != 64 && MODE_NUMBER != MODE_VM86

case limit_ds, "OUTS beyond the limit of DS is #GP, and nothing is sent"
	string
%if REAL
	given	rdx=PORT, rsi=0xffff
.f:	outsw
	expect	exception, vector=VEC_GP, rip=.f
%else
	descriptor SEL_FREE, base=0, limit=bytes + 1, ar=AR_DATA16
	given	rdx=PORT, rsi=bytes + 1, ds=SEL_FREE
.f:	outsw
	expect	exception, vector=VEC_GP, error=0, rip=.f
%endif
	checkpoint

case limit_ss, "OUTS beyond the limit of SS is #SS"
	string
%if REAL
	given	rdx=PORT, rsi=0xfffd
.f:	ss outsd
	expect	exception, vector=VEC_SS, rip=.f
%else
	descriptor SEL_FREE, base=0, limit=bytes + 2, ar=AR_DATA16 | (BITS == 32) * AR_DB
	given	rdx=PORT, rsi=bytes, ss=SEL_FREE
.f:	ss outsd
	expect	exception, vector=VEC_SS, error=0, rip=.f
%endif
	checkpoint

%endif

%if !REAL && BITS != 64

case limit_in_the_middle, "REP OUTSB stops at the limit: RSI and RCX say how far it came"
	string
	descriptor SEL_FREE, base=0, limit=bytes + 2, ar=AR_DATA16
	given	rdx=PORT, rsi=bytes, rcx=5, ds=SEL_FREE
.f:	rep outsb
	expect	io_out, port=PORT, size=1, count=3, bytes=0x11, 0x22, 0x33, rsi=bytes + 3, rcx=2
	expect_hw io
	expect	exception, vector=VEC_GP, error=0, rip=.f
	checkpoint

case null_segment, "OUTS through a null segment is #GP(0)"
	string
	given	rdx=PORT, rsi=bytes, gs=0
.f:	gs outsb
	expect	exception, vector=VEC_GP, error=0, rip=.f
	checkpoint

%endif

%if PAGED

case fault_first_item, "OUTS from a page that is not present is #PF, and nothing is sent"
	ref	"SDM 3 4.7"
	string
	pte	PAGES, clear=PTE_P
	given	rdx=PORT, rsi=PAGES + 8, rcx=2
.f:	rep outsw
	expect	exception, vector=VEC_PF, error=0, cr2=PAGES + 8, rip=.f
	checkpoint

case fault_user, "At CPL 3 a supervisor's page is #PF with P and U, and nothing is sent"
	ref	"SDM 3 4.7"
	string
	ring3
	pte	PAGES, clear=PTE_U
	given	rdx=PORT, rsi=PAGES, rcx=2
.f:	rep outsb
	expect	exception, vector=VEC_PF, error=PF_P|PF_U, cr2=PAGES, rip=.f
	checkpoint

case fault_in_the_middle, "REP OUTSB that meets a page not present has sent what came before"
	ref	"SDM 3 4.7", "SDM 2 REP"
	string
	pte	PAGES + 0x1000, clear=PTE_P
	given	rdx=PORT, rsi=PAGES + 0xffd, rcx=5
.f:	rep outsb
	expect	io_out, port=PORT, size=1, count=3, data=0xa0, rsi=PAGES + 0x1000, rcx=2
	expect_hw io
	expect	exception, vector=VEC_PF, error=0, cr2=PAGES + 0x1000, rip=.f
	checkpoint

case fault_in_the_middle_backward, "The same downward: the fault is in the page below"
	ref	"SDM 3 4.7", "SDM 2 REP"
	string
	pte	PAGES, clear=PTE_P
	given	rdx=PORT, rsi=PAGES + 0x1002, rcx=5, set=DF
.f:	rep outsw
	expect	io_out, port=PORT, size=2, count=2, data=0xa1a1, rsi=PAGES + 0xffe, rcx=3
	expect_hw io
	expect	exception, vector=VEC_PF, error=0, cr2=PAGES + 0xffe, rip=.f
	checkpoint

case item_across_fault, "An item half in a page not present is not sent at all"
	ref	"SDM 3 4.7"
	string
	pte	PAGES + 0x1000, clear=PTE_P
	given	rdx=PORT, rsi=PAGES + 0xffd, rcx=2
.f:	rep outsw
	expect	io_out, port=PORT, size=2, count=1, data=0xa0a0, rsi=PAGES + 0xfff, rcx=1
	expect_hw io
	expect	exception, vector=VEC_PF, error=0, cr2=PAGES + 0x1000, rip=.f
	checkpoint

case fault_mended, "With the page mended, REP OUTSB goes on where it stopped"
	ref	"SDM 2 REP"
	string
	pte	PAGES + 0x1000, clear=PTE_P
	given	rdx=PORT, rsi=PAGES + 0xffe, rcx=4
.f:	rep outsb
	expect	io_out, port=PORT, size=1, count=2, data=0xa0, rsi=PAGES + 0x1000, rcx=2
	expect_hw io
	expect	exception, vector=VEC_PF, error=0, cr2=PAGES + 0x1000, rip=.f, resume=.f
	action	entry, va=PAGES + 0x1000, level=1, set=PTE_P
	expect	io_out, port=PORT, size=1, count=2, data=0xa1, rsi=PAGES + 0x1002, rcx=0
	expect_hw io
	checkpoint

%endif

%if BITS == 16

case count_16, "With 16-bit addresses CX counts: the upper half of ECX stays"
	string
	given	rdx=PORT, rsi=0x10000 + bytes, rcx=0x10002
	rep outsb
	expect	io_out, port=PORT, size=1, count=2, bytes=0x11, 0x22, rsi=0x10000 + bytes + 2, rcx=0x10000
	expect_hw io
	checkpoint

case count_32, "With an address-size prefix ECX counts and ESI points"
	string
	given	rdx=PORT, rsi=bytes, rcx=2
	a32 rep outsw
	expect	io_out, port=PORT, size=2, count=2, bytes=0x11, 0x22, 0x33, 0x44, rsi=bytes + 4, rcx=0
	expect_hw io
	checkpoint

%elif BITS == 32

case count_16, "With an address-size prefix CX counts and SI points: upper halves stay"
	string
	given	rdx=PORT, rsi=0x76540000 + bytes, rcx=0xabcd0002
	a16 rep outsb
	expect	io_out, port=PORT, size=1, count=2, bytes=0x11, 0x22, rsi=0x76540000 + bytes + 2, rcx=0xabcd0000
	expect_hw io
	checkpoint

%else

case count_32, "With an address-size prefix ECX counts and ESI points; their upper halves become 0"
	ref	"SDM 1 3.4.1.1"
	string
	given	rdx=PORT, rsi=0x8765432100000000 + bytes, rcx=0x1234567800000002
	a32 rep outsb
	expect	io_out, port=PORT, size=1, count=2, bytes=0x11, 0x22, rsi=bytes + 2, rcx=0
	expect_hw io
	checkpoint

case count_64, "All 64 bits of RCX count"
	string
	pte	PAGES + 0x1000, clear=PTE_P
	given	rdx=PORT, rsi=PAGES + 0xfff, rcx=0x100000000
.f:	rep outsb
	expect	io_out, port=PORT, size=1, data=0xa0, rsi=PAGES + 0x1000, rcx=0xffffffff
	expect_hw io
	expect	exception, vector=VEC_PF, error=0, cr2=PAGES + 0x1000, rip=.f
	checkpoint

case not_canonical, "OUTS from an address that is not canonical is #GP(0)"
	ref	"SDM 1 3.3.7.1"
	string
	given	rdx=PORT, rsi=0x4000000000000000
.f:	outsb
	expect	exception, vector=VEC_GP, error=0, rip=.f
	checkpoint

case rex_w, "REX.W does not widen OUTSD: items of four bytes"
	ref	"APM 3 1.2.7"
	string
	given	rdx=PORT, rsi=bytes
	db	0x48
	outsd
	expect	io_out, port=PORT, size=4, data=0x44332211, rsi=bytes + 4
	expect_hw io
	checkpoint

%endif

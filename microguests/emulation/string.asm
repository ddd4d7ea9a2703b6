; SPDX-License-Identifier: GPL-2.0-only
; MOVS, STOS, LODS, CMPS and SCAS: every width, both directions, repeated or not,
; with the operand as source, destination and both.
%include "microguest.inc"
modes real16, prot16, prot32, paged32, pae32, compat32, long64, vm86
%include "emulate.inc"

case movs_from, "MOVS from the operand to memory"
	ref	"SDM 2 MOVS/MOVSB/MOVSW/MOVSD/MOVSQ", "APM 3 MOVS"
	any_ring
	operand	dq, 0x8877665544332211, 0x11ffeeddccbbaa99
	given	rsi=OPERAND, rdi=SCRATCH, set=STATUS_FLAGS
	emulate	movsb
	checkpoint rsi=OPERAND + 1, rdi=SCRATCH + 1
	writes	SCRATCH, db, 0x11
	emulate	movsw
	checkpoint rsi=OPERAND + 3, rdi=SCRATCH + 3
	writes	SCRATCH + 1, dw, 0x3322
	emulate	movsd
	checkpoint rsi=OPERAND + 7, rdi=SCRATCH + 7
	writes	SCRATCH + 3, dd, 0x77665544
%if BITS == 64
	emulate	movsq
	checkpoint rsi=OPERAND + 15, rdi=SCRATCH + 15
	writes	SCRATCH + 7, dq, 0xffeeddccbbaa9988
%endif

case movs_to, "MOVS from memory to the operand, downwards"
	ref	"SDM 2 MOVS/MOVSB/MOVSW/MOVSD/MOVSQ", "APM 3 MOVS"
	any_ring
	operand	dq, -1, -1, -1
	memory	SCRATCH, dq, 0x8877665544332211, 0x11ffeeddccbbaa99
	given	rsi=SCRATCH + 8, rdi=OPERAND + 8, set=DF
	emulate	movsb
	checkpoint rsi=SCRATCH + 7, rdi=OPERAND + 7
	writes	OPERAND + 8, db, 0x99
	emulate	movsw
	checkpoint rsi=SCRATCH + 5, rdi=OPERAND + 5
	writes	OPERAND + 7, dw, 0x9988
	emulate	movsd
	checkpoint rsi=SCRATCH + 1, rdi=OPERAND + 1
	writes	OPERAND + 5, dd, 0x99887766
%if BITS == 64
	emulate	movsq
	checkpoint rsi=SCRATCH - 7, rdi=OPERAND - 7
	writes	OPERAND + 1, dq, 0x9988776655443322
%endif

case rep_movs, "REP MOVS inside the operand's page counts down to 0"
	ref	"SDM 2 REP/REPE/REPZ/REPNE/REPNZ", "APM 3 REP"
	any_ring
	operand	dd, 0x11111111, 0x22222222, 0x33333333, 0x44444444
	given	rsi=OPERAND, rdi=OPERAND + 0x100, rcx=3
	emulate	rep movsd
	checkpoint rsi=OPERAND + 12, rdi=OPERAND + 0x10c, rcx=0
	writes	OPERAND + 0x100, dd, 0x11111111, 0x22222222, 0x33333333

case rep_movs_down, "REP MOVS with DF set goes down"
	ref	"SDM 2 REP/REPE/REPZ/REPNE/REPNZ", "APM 3 REP"
	any_ring
	operand	dw, 0x1111, 0x2222, 0x3333, 0x4444
	given	rsi=OPERAND + 6, rdi=SCRATCH + 0x26, rcx=3, set=DF
	emulate	rep movsw
	checkpoint rsi=OPERAND, rdi=SCRATCH + 0x20, rcx=0
	writes	SCRATCH + 0x22, dw, 0x2222, 0x3333, 0x4444

case rep_movs_overlap, "REP MOVSB to one byte above its source repeats the first byte"
	ref	"SDM 2 REP/REPE/REPZ/REPNE/REPNZ", "SDM 2 MOVS/MOVSB/MOVSW/MOVSD/MOVSQ", \
		"APM 3 MOVS"
	any_ring
	operand	db, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8
	given	rsi=OPERAND, rdi=OPERAND + 1, rcx=6
	emulate	rep movsb
	checkpoint rsi=OPERAND + 6, rdi=OPERAND + 7, rcx=0
	writes	OPERAND + 1, db, 0xa1, 0xa1, 0xa1, 0xa1, 0xa1, 0xa1

case rep_zero, "a count of 0 touches neither memory nor pointers nor flags"
	ref	"SDM 2 REP/REPE/REPZ/REPNE/REPNZ", "APM 3 REP"
	any_ring
	operand	dq, 0x8877665544332211
	given	rsi=OPERAND, rdi=OPERAND + 4, rcx=0, set=STATUS_FLAGS
	emulate	rep movsb
	checkpoint
	emulate	rep stosw
	checkpoint
	emulate	rep lodsd
	checkpoint
	emulate	repe cmpsb
	checkpoint
	emulate	repne scasw
	checkpoint

case stos, "STOS stores the accumulator at every width, up and down"
	ref	"SDM 2 STOS/STOSB/STOSW/STOSD/STOSQ", "APM 3 STOS"
	any_ring
	operand	dq, 0, 0, 0
	given	rdi=OPERAND, rax=0x87654321
	emulate	stosb
	checkpoint rdi=OPERAND + 1
	writes	OPERAND, db, 0x21
	emulate	stosw
	checkpoint rdi=OPERAND + 3
	writes	OPERAND + 1, dw, 0x4321
	std
	emulate	stosd
	checkpoint rdi=OPERAND - 1, set=DF
	writes	OPERAND + 3, dd, 0x87654321
%if BITS == 64
	mov	edi, OPERAND + 8
	emulate	stosq
	checkpoint rdi=OPERAND
	writes	OPERAND + 8, dq, 0x87654321
%endif

case rep_stos, "REP STOS of 256 items fills 1 KiB"
	ref	"SDM 2 STOS/STOSB/STOSW/STOSD/STOSQ", "SDM 2 REP/REPE/REPZ/REPNE/REPNZ", \
		"APM 3 STOS"
	any_ring
	operand	dd, 0
	given	rdi=OPERAND + 0x10, rcx=256, rax=0x13579bdf
	emulate	rep stosd
	checkpoint rdi=OPERAND + 0x410, rcx=0
	writes	OPERAND + 0x10, times 256 dd, 0x13579bdf

case lods, "LODS loads the accumulator at every width; REP LODS leaves the last item"
	ref	"SDM 2 LODS/LODSB/LODSW/LODSD/LODSQ", "APM 3 LODS"
	any_ring
	operand	dq, 0x8877665544332211, 0x11ffeeddccbbaa99
	given	rsi=OPERAND
	emulate	lodsb
	checkpoint rsi=OPERAND + 1, rax=LOW8(RAX, 0x11)
	emulate	lodsw
	checkpoint rsi=OPERAND + 3, rax=LOW16(RAX, 0x3322)
	emulate	lodsd
	checkpoint rsi=OPERAND + 7, rax=0x77665544
	mov	ecx, 4
	emulate	rep lodsb
	checkpoint rsi=OPERAND + 11, rax=0x776655bb, rcx=0
%if BITS == 64
	std
	emulate	lodsq
	checkpoint rsi=OPERAND + 3, rax=0x11ffeeddcc, set=DF
%endif

case cmps, "CMPS subtracts the destination from the source and sets CMP's flags"
	ref	"SDM 2 CMPS/CMPSB/CMPSW/CMPSD/CMPSQ", "APM 3 CMPS"
	any_ring
	operand	dq, 0x0000800022221110, 1
	memory	SCRATCH, dq, 0x0001000122211211, 1
	given	rsi=OPERAND, rdi=SCRATCH
	emulate	cmpsb
	checkpoint rsi=OPERAND + 1, rdi=SCRATCH + 1, status=CF | PF | AF | SF
	emulate	cmpsb
	checkpoint rsi=OPERAND + 2, rdi=SCRATCH + 2, status=CF | PF | AF | SF
	emulate	cmpsw
	checkpoint rsi=OPERAND + 4, rdi=SCRATCH + 4, status=0
	emulate	cmpsd
	checkpoint rsi=OPERAND + 8, rdi=SCRATCH + 8, status=CF | PF | AF | SF
%if BITS == 64
	emulate	cmpsq
	checkpoint rsi=OPERAND + 16, rdi=SCRATCH + 16, status=PF | ZF
%endif

case repe_cmps, "REPE CMPS stops behind the first difference, or at the end with ZF set"
	ref	"SDM 2 CMPS/CMPSB/CMPSW/CMPSD/CMPSQ", "SDM 2 REP/REPE/REPZ/REPNE/REPNZ", \
		"APM 3 CMPS"
	any_ring
	operand	db, 1, 2, 3, 0x40, 5, 6
	memory	SCRATCH, db, 1, 2, 3, 4, 5, 6
	given	rsi=OPERAND, rdi=SCRATCH, rcx=6
	emulate	repe cmpsb
	checkpoint rsi=OPERAND + 4, rdi=SCRATCH + 4, rcx=2, status=PF | AF
	emulate	repe cmpsb
	checkpoint rsi=OPERAND + 6, rdi=SCRATCH + 6, rcx=0, status=PF | ZF

case repne_cmps, "REPNE CMPS stops behind the first match, or at the end with ZF clear"
	ref	"SDM 2 CMPS/CMPSB/CMPSW/CMPSD/CMPSQ", "SDM 2 REP/REPE/REPZ/REPNE/REPNZ", \
		"APM 3 CMPS"
	any_ring
	operand	dw, 1, 2, 3, 4
	memory	SCRATCH, dw, 1, 2, 5, 5
	given	rsi=OPERAND + 6, rdi=SCRATCH + 6, rcx=4, set=DF
	emulate	repne cmpsw
	checkpoint rsi=OPERAND, rdi=SCRATCH, rcx=1, status=PF | ZF
	mov	esi, OPERAND + 6
	mov	edi, SCRATCH + 6
	mov	ecx, 2
	emulate	repne cmpsw
	checkpoint rsi=OPERAND + 2, rdi=SCRATCH + 2, rcx=0, status=CF | AF | SF

case scas, "SCAS subtracts the item from the accumulator and sets CMP's flags"
	ref	"SDM 2 SCAS/SCASB/SCASW/SCASD", "APM 3 SCAS"
	any_ring
	operand	dq, 0x0033333333801211, 0x33333333
	given	rdi=OPERAND, rax=0x33331211
	emulate	scasb
	checkpoint rdi=OPERAND + 1, status=PF | ZF
	emulate	scasw
	checkpoint rdi=OPERAND + 3, status=CF | PF | AF | SF | OF
	emulate	scasd
	checkpoint rdi=OPERAND + 7, status=CF | PF | AF | SF
%if BITS == 64
	mov	edi, OPERAND + 8
	emulate	scasq
	checkpoint rdi=OPERAND + 16, status=CF | PF | AF | SF
%endif

case repne_scas, "REPNE SCAS finds an item; without one it runs to the end"
	ref	"SDM 2 SCAS/SCASB/SCASW/SCASD", "SDM 2 REP/REPE/REPZ/REPNE/REPNZ", "APM 3 SCAS"
	any_ring
	operand	db, 'a', 's', 's', 'a', 'y', 0
	given	rdi=OPERAND, rax='y', rcx=6
	emulate	repne scasb
	checkpoint rdi=OPERAND + 5, rcx=1, status=PF | ZF
	mov	al, 'z'
	mov	edi, OPERAND
	mov	ecx, 4
	emulate	repne scasb
	checkpoint rdi=OPERAND + 4, rcx=0, rax='z', status=0

case repe_scas, "REPE SCAS skips equal items"
	ref	"SDM 2 SCAS/SCASB/SCASW/SCASD", "SDM 2 REP/REPE/REPZ/REPNE/REPNZ", "APM 3 SCAS"
	any_ring
	operand	dd, 7, 7, 7, 8, 7
	given	rdi=OPERAND, rax=7, rcx=5
	emulate	repe scasd
	checkpoint rdi=OPERAND + 16, rcx=1, status=CF | PF | AF | SF

case narrow_registers, "with a narrower address size only that much of pointers and count is used"
	ref	"SDM 2 MOVS/MOVSB/MOVSW/MOVSD/MOVSQ", "SDM 2 REP/REPE/REPZ/REPNE/REPNZ", \
		"SDM 1 3.4.1.1", "APM 3 REP"
	any_ring
	operand	db, 0xa1, 0xa2, 0xa3
%if BITS == 64
	given	rsi=0x1234567800000000 | OPERAND, rdi=0x8765432100000000 | SCRATCH, \
		rcx=0x1111111100000002
	emulate	a32 rep movsb
	checkpoint rsi=OPERAND + 2, rdi=SCRATCH + 2, rcx=0
%else
	given	rsi=0x12340000 | OPERAND, rdi=0x56780000 | SCRATCH, rcx=0xabcd0002
	emulate	a16 rep movsb
	checkpoint rsi=0x12340000 | OPERAND + 2, rdi=0x56780000 | SCRATCH + 2, rcx=0xabcd0000
%endif
	writes	SCRATCH, db, 0xa1, 0xa2

case index_wraps, "an index that goes below 0 wraps at the address size"
	ref	"SDM 2 LODS/LODSB/LODSW/LODSD/LODSQ", "SDM 1 3.3.7", "APM 3 LODS"
	memory	0, db, 0x5a
	given	rsi=0, set=DF
	emulate	lodsb
%if BITS == 16
	checkpoint rax=LOW8(RAX, 0x5a), rsi=0xffff
	mov	esi, 0
	emulate	a32 lodsb
	checkpoint rsi=0xffffffff
%elif BITS == 32
	checkpoint rax=LOW8(RAX, 0x5a), rsi=0xffffffff
	mov	esi, 0x12340000
	emulate	a16 lodsb
	checkpoint rsi=0x1234ffff
%else
	checkpoint rax=LOW8(RAX, 0x5a), rsi=-1
	mov	esi, 0
	emulate	a32 lodsb
	checkpoint rsi=0xffffffff
%endif

case segment_override, "a segment prefix moves the source; the destination stays in ES"
	ref	"SDM 2 MOVS/MOVSB/MOVSW/MOVSD/MOVSQ", "APM 3 1.2.4"
	any_ring
	operand	db, 0xa1, 0xa2
	segment_base fs, 0x1000
%if BITS == 64
	%assign es_at 0
%else
	%assign es_at 0x1000
	segment_base es, es_at
%endif
	given	rsi=OPERAND - 0x1000, rdi=SCRATCH - es_at
	emulate	db 0x64, 0xa4				; fs movsb
	checkpoint rsi=OPERAND - 0xfff, rdi=SCRATCH - es_at + 1
	writes	SCRATCH, db, 0xa1
	emulate	db 0x64, 0xac				; fs lodsb
	checkpoint rsi=OPERAND - 0xffe, rax=LOW8(RAX, 0xa2)

case over_the_edge, \
	"REP MOVS that goes on from the page before the operand's, an item across the edge too"
	ref	"SDM 2 MOVS/MOVSB/MOVSW/MOVSD/MOVSQ", "APM 3 MOVS"
	any_ring
	operand	dq, 0x1817161514131211
	memory	SCRATCH, dd, 0x33221100, 0x77665544, 0xbbaa9988
	given	rsi=SCRATCH, rdi=OPERAND - 6, rcx=3
	emulate	rep movsd
	checkpoint rsi=SCRATCH + 12, rdi=OPERAND + 6, rcx=0
	writes	OPERAND - 6, dd, 0x33221100, 0x77665544, 0xbbaa9988
	mov	esi, OPERAND - 2
	mov	edi, SCRATCH + 0x40
	mov	ecx, 3
	emulate	rep movsb
	checkpoint rsi=OPERAND + 1, rdi=SCRATCH + 0x43, rcx=0
	writes	SCRATCH + 0x40, db, 0x44, 0x55, 0x66

%if PAGED
case rep_page_fault, "REP STOS that faults has done the items before and can go on"
	ref	"SDM 2 REP/REPE/REPZ/REPNE/REPNZ", "SDM 3 6.5", "APM 3 1.2.6"
	pte	PAGES + 0x1000, clear=PTE_P
	given	rdi=PAGES + 0xffd, rcx=8, rax=0x77
	emulate	rep stosb
	expect	exception, vector=VEC_PF, error=PF_W, cr2=PAGES + 0x1000, rip=EMULATED, \
		rdi=PAGES + 0x1000, rcx=5
	writes	PAGES + 0xffd, db, 0x77, 0x77, 0x77
%endif

%if !REAL && BITS != 64
case rep_limit, "REP STOS that leaves its segment faults at the item that does"
	ref	"SDM 2 REP/REPE/REPZ/REPNE/REPNZ", "SDM 3 5.3", "APM 2 4.12.1"
	descriptor SEL_FREE, base=0, limit=SCRATCH + 9, ar=(AR_DATA16 | AR_DB)
	given	es=SEL_FREE, rdi=SCRATCH, rcx=4, rax=0x12345678
	emulate	rep stosd
	expect	exception, vector=VEC_GP, error=0, rip=EMULATED, rdi=SCRATCH + 8, rcx=2
	writes	SCRATCH, dd, 0x12345678, 0x12345678
%endif

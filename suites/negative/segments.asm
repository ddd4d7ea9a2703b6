; SPDX-License-Identifier: GPL-2.0-only
; Segment registers whose visible or hidden part is not as the case says.
%include "goodbad.inc"
modes prot32

%define FLAT 0xffffffff

;! fail step=1 why="the state is not as expected"
;! es 0x10 0xa0
case selector, "Another selector is told, though all hidden parts are the same"
	ref	"SDM 2 MOV", "SDM 3 3.4.3"
	descriptor SEL_FREE, base=0, limit=FLAT, ar=AR_DATA
	given	rax=SEL_FREE
	mov	es, ax
	good	checkpoint es=SEL_FREE
	bad	checkpoint

;! fail step=1 why="the state is not as expected"
;! es_base 0x12340200 0x12340100
case base, "Another base is told"
	ref	"SDM 2 MOV", "SDM 3 3.4.5"
	descriptor SEL_FREE, base=0x12340100, limit=FLAT, ar=AR_DATA
	given	rax=SEL_FREE
	mov	es, ax
	checkpoint es=SEL_FREE, es_base=PICK(0x12340100, 0x12340200), es_limit=FLAT, es_ar=AR_DATA

;! fail step=1 why="the state is not as expected"
;! fs_limit 0x1234 0x1235
case limit, "Another limit is told"
	ref	"SDM 2 MOV", "SDM 3 3.4.5"
	descriptor SEL_FREE, base=0, limit=0x1235, ar=AR_DATA & ~AR_G
	given	rax=SEL_FREE
	mov	fs, ax
	checkpoint fs=SEL_FREE, fs_base=0, fs_limit=PICK(0x1235, 0x1234), fs_ar=AR_DATA & ~AR_G

;! fail step=1 why="the state is not as expected"
;! gs_ar 0xc093 0xd093
case access_rights, "Other access rights are told, the available bit included"
	ref	"SDM 2 MOV", "SDM 3 3.4.5"
	descriptor SEL_FREE, base=0, limit=FLAT, ar=AR_DATA | 0x1000
	given	rax=SEL_FREE
	mov	gs, ax
	checkpoint gs=SEL_FREE, gs_base=0, gs_limit=FLAT, gs_ar=PICK(AR_DATA | 0x1000, AR_DATA)

;! fail step=1 why="the state is not as expected"
;! es 0x10 0xa0
;! es_base 0 0x100
;! es_limit 0xffffffff 0xfff
;! es_ar 0xc093 0x4091
case whole_segment, "All parts that differ are told"
	ref	"SDM 2 MOV", "SDM 3 3.4.5"
	descriptor SEL_FREE, base=0x100, limit=0xfff, ar=0x4091
	given	rax=SEL_FREE
	mov	es, ax
	good	checkpoint es=SEL_FREE
	bad	checkpoint

;! fail step=1 why="the state is not as expected"
;! ds 0x10 0
;! ds_ar 0xc093 *
;! ds_limit * *
case unusable, "A segment that has become unusable is told; its hidden parts then mean nothing"
	ref	"SDM 2 MOV", "SDM 3 3.4.2", "SDM 3 24.4.1"
	given	rax=0
	mov	ds, ax
	good	checkpoint ds=0
	bad	checkpoint

;! fail step=1 why="the state is not as expected"
;! cs 0x8 0x50
case code, "A far jump to another descriptor of the same kind is another CS"
	ref	"SDM 2 JMP"
	jmp	SEL_CODE32:.there
.there:	good	checkpoint cs=SEL_CODE32
	bad	checkpoint

;! fail step=1 why="the state is not as expected"
;! ldtr 0x38 0xa0
case ldtr, "LDTR counts"
	ref	"SDM 2 LLDT"
	descriptor SEL_FREE, base=LDT, limit=LDT_SLOTS * 8 - 1, ar=AR_LDT
	given	rax=SEL_FREE
	lldt	ax
	good	checkpoint ldtr=SEL_FREE
	bad	checkpoint

;! fail step=1 why="the state is not as expected"
;! tr_limit 0x67 0x6f
;! "memory 0x10a5" 89 8b
case task_register, "TR counts, and so does the busy bit that LTR sets in memory"
	ref	"SDM 2 LTR"
	descriptor SEL_FREE, base=FREE_TSS, limit=0x6f, ar=AR_TSS
	given	rax=SEL_FREE
	ltr	ax
	checkpoint tr=SEL_FREE, tr_base=FREE_TSS, tr_limit=PICK(0x6f, 0x67), tr_ar=AR_TSS_BUSY
	good	writes GDT + SEL_FREE + 5, db, AR_TSS_BUSY

;! fail step=1 why="the state is not as expected"
;! "memory 0x10a5" 92 93
case accessed, "The accessed bit that a segment load sets in the GDT is memory that counts"
	ref	"SDM 3 3.4.5.1"
	descriptor SEL_FREE, base=0, limit=FLAT, ar=AR_DATA & ~1
	given	rax=SEL_FREE
	mov	es, ax
	checkpoint es=SEL_FREE, es_base=0, es_limit=FLAT, es_ar=AR_DATA
	good	writes GDT + SEL_FREE + 5, db, 0x93

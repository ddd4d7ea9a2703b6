; SPDX-License-Identifier: GPL-2.0-only
; Segment registers of real mode.
%include "goodbad.inc"
modes real16

;! fail step=1 why="the state is not as expected"
;! es 0 0x41
;! es_base 0 0x410
case not_named, "A segment register that is loaded and not named is told with its base"
	ref	"SDM 3 20.1.1"
	given	rax=0x41
	mov	es, ax
	good	checkpoint es=0x41
	bad	checkpoint

;! fail step=1 why="the state is not as expected"
;! ds_base 0x400 0x410
case base, "A base alone that differs is told"
	ref	"SDM 3 20.1.1"
	given	rax=0x41
	mov	ds, ax
	checkpoint ds=0x41, ds_base=PICK(0x410, 0x400), ds_limit=0xffff, ds_ar=0x93

;! fail step=1 why="the state is not as expected"
;! ss_limit 0xffffffff 0xffff
case limit, "A limit alone that differs is told"
	ref	"SDM 3 20.1.1"
	given	rax=0
	mov	ss, ax
	nop
	checkpoint ss=0, ss_base=0, ss_limit=PICK(0xffff, 0xffffffff), ss_ar=0x93

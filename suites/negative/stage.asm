; SPDX-License-Identifier: GPL-2.0-only
; Cases that ask for a stage that cannot be: errors of the case, not failures.
%include "goodbad.inc"
modes long64

;! error step=0 why="the stage cannot be built: the page tables do not fit in 8 pages: map fewer regions"
case tables, "Page tables that do not fit"
	ref	"SDM 3 4.5"
	pte	0x8000000000, pa=PAGES
	pte	PICK(0x8000001000, 0x10000000000), pa=PAGES
	checkpoint

;! error step=0 why="the stage cannot be built: selector 0x300 is outside its table: give base, limit and ar"
case selector, "A selector outside its table"
	ref	"SDM 3 3.4.2"
	given	es=PICK(SEL_DATA, 0x300)
	checkpoint

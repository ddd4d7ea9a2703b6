; SPDX-License-Identifier: GPL-2.0-only
%include "goodbad.inc"
modes prot32

;! refused why="line 8: descriptor: selector 0x200 is beyond the table's 64 descriptors"
case it, "A descriptor beyond the table"
	ref	"SDM 3 3.5.1"
	descriptor PICK(SEL_FREE, 0x200), base=0, limit=0xffff, ar=AR_DATA16
	checkpoint

; SPDX-License-Identifier: GPL-2.0-only
%include "goodbad.inc"
modes long64

;! refused why="line 10: writes: 0x20000 to 0x20000 is not all guest memory"
case it, "A write outside memory"
	ref	"SDM 2 MOV"
	mov	[SCRATCH], al
	checkpoint
	writes	PICK(SCRATCH, 0x20000), db, REG_RAX & 0xff

; SPDX-License-Identifier: GPL-2.0-only
%include "goodbad.inc"
modes prot32

;! refused why="line 8: memory: 0x1fffe to 0x20001 is not all guest memory"
case it, "Memory beyond what there is"
	ref	"SDM 3 3.2"
	memory	PICK(0x1fffc, 0x1fffe), dd, 1
	checkpoint

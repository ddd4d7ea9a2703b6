; SPDX-License-Identifier: GPL-2.0-only
%include "goodbad.inc"
modes real16

;! refused why="line 8: rings: real mode has no CPL 3"
case it, "A privilege level that real mode has not"
	ref	"SDM 3 20.1"
	rings	PICK(0, 3)
	checkpoint

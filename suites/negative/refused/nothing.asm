; SPDX-License-Identifier: GPL-2.0-only
%include "goodbad.inc"
modes prot32

;! refused why="line 6: case: it expects nothing: add an .expect."
case it, "A case without a step"
	ref	"SDM 2 OUT"
	nop
	good	checkpoint

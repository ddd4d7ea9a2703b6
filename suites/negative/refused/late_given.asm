; SPDX-License-Identifier: GPL-2.0-only
%include "goodbad.inc"
modes prot32

;! refused why="line 9: given: it sets the stage: move it before"
case it, "A stage set after the first step"
	ref	"SDM 2 OUT"
	checkpoint
	bad	given rax=1
	checkpoint

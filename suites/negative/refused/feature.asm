; SPDX-License-Identifier: GPL-2.0-only
%include "goodbad.inc"
modes long64

;! refused why="line 8: need: there is no feature .tcs.: assay probe lists them"
case it, "A feature that does not exist"
	ref	"SDM 2 RDTSC"
	need	PICK(tsc, tcs)
	checkpoint

; SPDX-License-Identifier: GPL-2.0-only
%include "goodbad.inc"
modes long64

;! refused why="line 10: vcpu: the case has vCPUs 0 to 1: is `smp 3` missing before it\?"
case it, "Steps of a vCPU that the case has not"
	ref	"SDM 3 8.1"
	smp	2
	checkpoint
vcpu PICK(1, 2)
	checkpoint
	good	nop

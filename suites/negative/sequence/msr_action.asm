; SPDX-License-Identifier: GPL-2.0-only
; Model-specific registers that the runner changes and no instruction does: the next case
; finds them as a new vCPU has them. No code here can write one, so the runner must know
; by the actions.
%include "microguest.inc"
modes long64

case set_msr, "An action sets STAR"
	ref	"SDM 4 2.1"
	checkpoint
	action	set_msr, index=MSR_STAR, value=0x123456789abcdef0
	checkpoint

case set_msr_gone, "STAR is as a new vCPU has it"
	ref	"SDM 4 2.1"
	checkpoint
	action	check_msr, index=MSR_STAR, value=0

case given_msr, "STAR is given"
	ref	"SDM 4 2.1"
	msr	MSR_STAR, 0x5555666677778888
	checkpoint

case given_msr_gone, "It is gone too"
	ref	"SDM 4 2.1"
	checkpoint
	action	check_msr, index=MSR_STAR, value=0

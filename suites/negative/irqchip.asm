; SPDX-License-Identifier: GPL-2.0-only
; Cases that need interrupt controllers in the kernel.
%include "goodbad.inc"
modes long64

;! fail step=1 why="the vCPU does not halt: its MP state stays 0|another exit"
case not_halted, "A vCPU that should halt and does not"
	ref	"SDM 2 HLT"
	irqchip	split, kernel
.loop:	PICK(hlt, jmp short .loop)
	expect	halted

;! fail step=1 why="mp_state is not as expected"
;! mp_state 0x3 0
case mp_state, "Another MP state than expected"
	ref	"KVM API 4.38"
	irqchip	split, kernel
	action	check, mp_state=PICK(KVM_MP_STATE_RUNNABLE, KVM_MP_STATE_HALTED)
	checkpoint

;! fail step=2 why="local APIC register is not as expected"
;! "local APIC register" 0x10 0x20
case lapic, "Another value of a local APIC register"
	ref	"KVM API 4.57"
	irqchip	split, kernel
	action	set_lapic, offset=0x80, value=0x20
	action	check_lapic, offset=0x80, value=PICK(0x20, 0x10)
	checkpoint cr8=2


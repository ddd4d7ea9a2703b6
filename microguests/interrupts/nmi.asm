; SPDX-License-Identifier: GPL-2.0-only
; Non-maskable interrupts: taken whatever IF says, then blocked until IRET, and
; one more is held pending meanwhile.
%include "microguest.inc"
modes real16, prot16, prot32, compat32, long64, vm86
%include "events.inc"

%macro chips 0.nolist
	irqchip	user, split, kernel
	need	cap_user_nmi
%endmacro

case with_if_clear, "An NMI is taken with IF clear"
	ref	"SDM 3 6.7", "APM 2 8.2.3", "kvm api KVM_NMI"
	chips
	all_rings
	checkpoint
	action	nmi
	expect	exception, vector=VEC_NMI, iret=1
	checkpoint

case blocked, "Until IRET a second NMI waits; IF matters nothing"
	ref	"SDM 3 6.7.1", "APM 2 8.2.3"
	given	set=IF
	checkpoint
	action	nmi
	expect	exception, vector=VEC_NMI
	action	nmi
	mov	cl, 5
	checkpoint rcx=LOW_BYTE(REG_RCX, 5)

case unblocked_by_iret, "The second NMI comes right after the first handler's IRET"
	ref	"SDM 3 6.7.1", "APM 2 8.2.3"
	chips
	all_rings
	checkpoint
	action	nmi
	expect	exception, vector=VEC_NMI, iret=1
	action	nmi
	expect	exception, vector=VEC_NMI, iret=1
	mov	cl, 5
	checkpoint rcx=LOW_BYTE(REG_RCX, 5)

case three_while_blocked, "Of three NMIs in the handler one is taken after IRET"
	ref	"SDM 3 6.7.1", "APM 2 8.2.3"
	checkpoint
	action	nmi
	expect	exception, vector=VEC_NMI, iret=1
	action	nmi
	action	nmi
	action	nmi
	expect	exception, vector=VEC_NMI, iret=1
	mov	cl, 5
	checkpoint rcx=LOW_BYTE(REG_RCX, 5)

case two_at_once, "Of two NMIs that are there together the second follows the first one's IRET"
	ref	"SDM 3 6.7.1", "kvm api KVM_NMI"
	checkpoint
	action	nmi
	action	nmi
	expect	exception, vector=VEC_NMI, iret=1
	expect	exception, vector=VEC_NMI, iret=1
	checkpoint

case events_say_masked, "KVM_GET_VCPU_EVENTS tells blocking by NMI, and setting it clear ends it"
	ref	"kvm api KVM_GET_VCPU_EVENTS"
	need	cap_vcpu_events
	checkpoint
	action	check, ev_nmi_masked=0, ev_nmi_pending=0
	action	nmi
	expect	exception, vector=VEC_NMI
	action	check, ev_nmi_masked=1
	action	set, ev_nmi_masked=0
	action	nmi
	expect	exception, vector=VEC_NMI
	checkpoint

case set_masked, "An NMI waits when blocking is set through KVM_SET_VCPU_EVENTS"
	ref	"kvm api KVM_GET_VCPU_EVENTS"
	need	cap_vcpu_events
	checkpoint
	action	set, ev_nmi_masked=1
	action	nmi
	mov	cl, 5
	checkpoint rcx=LOW_BYTE(REG_RCX, 5)
	action	check, ev_nmi_masked=1
	action	set, ev_nmi_masked=0
	expect	exception, vector=VEC_NMI
	checkpoint

case interrupt_in_handler, "While NMIs are blocked interrupts are not"
	ref	"SDM 3 6.7.1", "APM 2 8.2.3"
	given	set=IF
	checkpoint
	action	nmi
	expect	exception, vector=VEC_NMI
	action	interrupt, vector=0x40
	expect	exception, vector=0x40
	checkpoint

case iret_of_interrupt, "Any IRET ends the blocking, an interrupt handler's too"
	ref	"SDM 3 6.7.1", "APM 2 8.2.3"
	given	set=IF
	checkpoint
	action	nmi
	expect	exception, vector=VEC_NMI
	action	nmi
	action	interrupt, vector=0x40
	expect	exception, vector=0x40, iret=1
	expect	exception, vector=VEC_NMI
	checkpoint

%if MODE_NUMBER != MODE_VM86
case wakes_from_hlt, "An NMI wakes from HLT with IF clear"
	ref	"SDM 2 HLT", "APM 3 HLT", "SDM 3 8.10.1", "SDM 3 25.1.3", "APM 2 6.5"
	ref	"APM 2 15.9"
	hlt
	expect	hlt
	expect_hw hlt
	action	nmi
	expect	exception, vector=VEC_NMI
	checkpoint

case wakes_from_halted, "An NMI wakes a vCPU that waits in the kernel; an interrupt with IF clear does not"
	ref	"SDM 2 HLT", "SDM 3 6.8.1"
	irqchip	split, kernel
	action	set_lapic, offset=APIC_SVR, value=0x1ff
	hlt
	expect	halted
	expect_hw hlt
	action	msi, address=MSI_ADDRESS, data=0x40
	expect	halted
	action	nmi
	expect	exception, vector=VEC_NMI
	checkpoint
%endif

case before_interrupt, "An NMI and an interrupt pending together: the NMI is first"
	ref	"SDM 3 6.9", "APM 2 8.5"
	irqchip	split, kernel
	given	set=IF
	action	set_lapic, offset=APIC_SVR, value=0x1ff
	checkpoint
	action	msi, address=MSI_ADDRESS, data=0x40
	action	nmi
	expect	exception, vector=VEC_NMI, iret=1
	expect	exception, vector=0x40
	checkpoint

%if LONG
case ist, "An NMI takes its gate's IST stack at both privilege levels"
	ref	"SDM 3 6.14.5", "APM 2 8.9.4"
	all_rings
	gate	VEC_NMI, ist=1
	checkpoint
	action	nmi
	expect	exception, vector=VEC_NMI, iret=1
	checkpoint
%endif

; SPDX-License-Identifier: GPL-2.0-only
; What broke in KVM when events are delivered: shadows that an NMI must not meet, and
; software exceptions whose delivery is interrupted by the hypervisor's own fault.
%include "microguest.inc"
modes prot32, long64
%include "events.inc"

; The stage's first slot, logged: a write to it from here on is the hypervisor's fault first.
%macro log_stack 0.nolist
	action	memslot, id=SLOT_LOW, gpa=0, size=MMIO, hva=0, slot_flags=KVM_MEM_LOG_DIRTY_PAGES
%endmacro

; The instruction in the shadow leads to itself: whether an NMI is held back until it is
; executed, which processors may do or not (SDM 2 STI), cannot be seen.
case nmi_behind_sti, "An NMI that is requested in the shadow of STI comes, and entering the guest does not fail"
	ref	"SDM 2 STI", "SDM 3 26.3.1.5", "APM 2 15.21.5", "kvm-unit-tests f2d2b7c7"
	need	cap_user_nmi
	checkpoint
	action	set, ev_shadow=KVM_X86_SHADOW_INT_STI, set=IF
	action	nmi
.loop:	jmp	.loop
	expect	exception, vector=VEC_NMI, rip=.loop, set=IF, resume=.out
.out:	checkpoint

case int3_injected_again, "#BP whose delivery is interrupted by a fault of the hypervisor's is delivered once, RIP behind INT3"
	ref	"SDM 2 INT n", "APM 2 15.20", "Linux 4da3768e1820", "kvm api KVM_GET_DIRTY_LOG"
	ref	"SDM 3 26.6.1"
	checkpoint
	log_stack
	int3
	expect	exception, vector=VEC_BP, software=1
	mov	cl, 5
	checkpoint rcx=LOW_BYTE(REG_RCX, 5)

case icebp_injected_again, "#DB of INT1 whose delivery is interrupted by a fault of the hypervisor's is delivered once, RIP behind INT1"
	ref	"SDM 2 INT n", "APM 2 15.20", "Linux 4da3768e1820", "CVE-2018-1087", "kvm api KVM_GET_DIRTY_LOG"
	checkpoint
	log_stack
	db	0xf1
	expect	exception, vector=VEC_DB, software=1, dr6=DR6_INIT
	mov	cl, 5
	checkpoint rcx=LOW_BYTE(REG_RCX, 5)

%if BITS == 32
case into_injected_again, "The same for INTO"
	ref	"SDM 2 INT n", "APM 2 15.20", "Linux 4da3768e1820", "kvm api KVM_GET_DIRTY_LOG"
	given	set=OF
	checkpoint
	log_stack
	into
	expect	exception, vector=VEC_OF, software=1
	mov	cl, 5
	checkpoint rcx=LOW_BYTE(REG_RCX, 5)
%endif

; SPDX-License-Identifier: GPL-2.0-only
; KVM_GET/SET_VCPU_EVENTS and KVM_GET/SET_MP_STATE: events that were set are
; delivered, those that block others do, and nonsense is refused.
%include "microguest.inc"
modes real16, prot32, long64

%define API_EVENTS "Linux Documentation/virt/kvm/api.rst KVM_SET_VCPU_EVENTS"
%define API_MP_STATE "Linux Documentation/virt/kvm/api.rst KVM_SET_MP_STATE"

case interrupt, "An interrupt that was set is delivered before the next instruction"
	ref	API_EVENTS, "SDM 3 6.2"
	given	rflags=IF | 2
	checkpoint
	action	set, ev_interrupt=0x43
	action	check, ev_interrupt=0x43
.here:	expect	exception, vector=0x43, rip=.here
	action	check, ev_interrupt=-1
	inc	eax
	checkpoint rax=(REG_RAX & 0xffffffff) + 1, status=PF

case interrupt_taken_back, "An interrupt that was taken back is not delivered"
	ref	API_EVENTS
	given	rflags=IF | 2
	checkpoint
	action	set, ev_interrupt=0x43
	action	set, ev_interrupt=-1
	nop
	checkpoint

case nmi_pending, "A pending NMI that was set is delivered, and blocks others until IRET"
	ref	API_EVENTS, "SDM 3 6.7.1"
	checkpoint
	action	set, ev_nmi_pending=1
	expect	exception, vector=VEC_NMI
	action	check, ev_nmi_pending=0, ev_nmi_masked=1
	action	nmi
	nop
	checkpoint
	action	check, ev_nmi_pending=1, ev_nmi_masked=1
	action	set, ev_nmi_pending=0, ev_nmi_masked=0
	nop
	checkpoint

case nmi_masked, "While NMIs are set to be blocked, one stays pending"
	ref	API_EVENTS, "SDM 3 6.7.1"
	checkpoint
	action	set, ev_nmi_masked=1
	action	nmi
	nop
	checkpoint
	action	check, ev_nmi_masked=1, ev_nmi_pending=1
	action	set, ev_nmi_masked=0
	expect	exception, vector=VEC_NMI

case nmi_injected, "An NMI that was set as injected is delivered"
	ref	API_EVENTS, "SDM 3 6.7"
	checkpoint
	action	set, ev_nmi_injected=1, ev_nmi_masked=1
	expect	exception, vector=VEC_NMI
	action	check, ev_nmi_injected=0, ev_nmi_masked=1
	action	set, ev_nmi_masked=0
	checkpoint

case iret_unblocks, "The guest's IRET ends the blocking of NMIs that was set"
	ref	API_EVENTS, "SDM 3 6.7.1"
	checkpoint
	action	set, ev_nmi_masked=1
%if LONG
	push	SEL_DATA
	push	STACK_TOP
	pushfq
	push	SEL_CODE
	push	.there
	iretq
.there:	checkpoint
	writes	STACK_TOP - 40, dq, .there, SEL_CODE, 2, STACK_TOP, SEL_DATA
%elif REAL
	pushf
	push	cs
	push	.there
	iret
.there:	checkpoint
	writes	STACK_TOP - 6, dw, .there, 0, 2
%else
	pushfd
	push	dword SEL_CODE
	push	dword .there
	iretd
.there:	checkpoint
	writes	STACK_TOP - 12, dd, .there, SEL_CODE, 2
%endif
	action	check, ev_nmi_masked=0
	checkpoint

case shadow_kept, "The interrupt shadow that was set is there until the next instruction"
	ref	API_EVENTS, "SDM 2 STI", "SDM 2 MOV"
	checkpoint
	action	set, rflags=IF | 2, ev_shadow=KVM_X86_SHADOW_INT_STI	; none with IF clear (SDM 3 26.3.1.5)
	action	peek, text="VCPU_EVENTS", offset=EVENTS_SHADOW, size=1, data=KVM_X86_SHADOW_INT_STI, \
		mask=KVM_X86_SHADOW_INT_STI	; SVM does not tell STI from MOV SS (APM 2 15.21.5)
	nop
	checkpoint
	action	check, ev_shadow=0
	checkpoint

case shadow_holds_window, "In the shadow that was set no interrupt is taken: the window opens after one instruction"
	ref	API_EVENTS, "SDM 2 STI"
	checkpoint
	action	set, rflags=IF | 2, ev_shadow=KVM_X86_SHADOW_INT_STI
	action	request_window, value=1
	inc	eax
	expect	irq_window, rax=(REG_RAX & 0xffffffff) + 1, status=PF
	expect_hw irq_window
	action	request_window, value=0
	checkpoint

case exception_vector_refused, "Exceptions have vectors 0 to 31, and 2 is none: others are refused"
	ref	API_EVENTS
	checkpoint
	action	set, ev_exception=32, errno=EINVAL
	action	set, ev_exception=VEC_NMI, errno=EINVAL
	checkpoint

case unknown_flags, "Flags that do not exist are refused"
	ref	API_EVENTS
	checkpoint
	action	poke, text="VCPU_EVENTS", offset=EVENTS_FLAGS, size=4, data=0x80000000, errno=EINVAL
	checkpoint

; What was injected has RF as it is saved with it (SDM 3 6.8.3 has it set for faults).
%if !REAL

case exception, "An exception that was set is delivered with its error code"
	ref	API_EVENTS, "SDM 3 6.13"
	checkpoint
	action	set, rflags=RF | 2, ev_exception=VEC_GP, ev_error=0x1234
	action	check, ev_exception=VEC_GP, ev_error=0x1234
.here:	expect	exception, vector=VEC_GP, error=0x1234, rip=.here, clear=RF
	action	check, ev_exception=-1
	checkpoint

%endif

case exception_without_error, "An exception without an error code pushes none"
	ref	API_EVENTS, "SDM 3 6.13"
	checkpoint
	action	set, ev_exception=VEC_UD
.here:	expect	exception, vector=VEC_UD, rip=.here, frame_rflags=2
	checkpoint

%if LONG

case pending_payload, "A pending page fault brings its address into CR2 when it is delivered, and not before"
	ref	API_EVENTS, "Linux Documentation/virt/kvm/api.rst KVM_CAP_EXCEPTION_PAYLOAD"
	need	cap_exception_payload
	given	cr2=0x1000
	checkpoint
	action	enable_cap, cap=KVM_CAP_EXCEPTION_PAYLOAD, arg0=1
	action	set, ev_exception=VEC_PF, ev_error=PF_W, ev_pending=1, ev_payload=0x12345678
	action	check, ev_exception=VEC_PF, ev_pending=1, ev_payload=0x12345678, cr2=0x1000
.here:	expect	exception, vector=VEC_PF, error=PF_W, cr2=0x12345678, rip=.here
	action	check, ev_pending=0
	checkpoint

case pending_debug, "A pending #DB brings its DR6 bits when it is delivered"
	ref	API_EVENTS, "Linux Documentation/virt/kvm/api.rst KVM_CAP_EXCEPTION_PAYLOAD", "SDM 3 17.2.3"
	need	cap_exception_payload
	checkpoint
	action	enable_cap, cap=KVM_CAP_EXCEPTION_PAYLOAD, arg0=1
	action	set, ev_exception=VEC_DB, ev_pending=1, ev_payload=DR6_BS
.here:	expect	exception, vector=VEC_DB, dr6=DR6_INIT | DR6_BS, rip=.here
	checkpoint

case payload_without_cap, "Payloads are refused where KVM_CAP_EXCEPTION_PAYLOAD is not enabled"
	ref	API_EVENTS, "Linux Documentation/virt/kvm/api.rst KVM_CAP_EXCEPTION_PAYLOAD"
	need	cap_exception_payload
	checkpoint
	action	set, ev_exception=VEC_PF, ev_error=0, ev_pending=1, ev_payload=0x1000, errno=ERRNO_ANY
	checkpoint

case triple_fault, "A pending triple fault that was set shuts the guest down"
	ref	API_EVENTS, "Linux Documentation/virt/kvm/api.rst KVM_CAP_X86_TRIPLE_FAULT_EVENT"
	need	cap_x86_triple_fault_event
	checkpoint
	action	enable_cap, cap=KVM_CAP_X86_TRIPLE_FAULT_EVENT, arg0=1
	action	set, ev_triple_fault=1
	action	check, ev_triple_fault=1
	expect	shutdown

case triple_fault_without_cap, "It is refused where the capability is not enabled"
	ref	"Linux Documentation/virt/kvm/api.rst KVM_CAP_X86_TRIPLE_FAULT_EVENT"
	need	cap_x86_triple_fault_event
	checkpoint
	action	set, ev_triple_fault=1, errno=ERRNO_ANY
	checkpoint

case mp_state_unknown, "An MP state that does not exist is refused with EINVAL"
	ref	API_MP_STATE
	irqchip	user, kernel
	checkpoint
	action	set, mp_state=0x7fffffff, errno=EINVAL
	action	check, mp_state=KVM_MP_STATE_RUNNABLE
	checkpoint

case mp_state_without_lapic, "Without a local APIC in the kernel the MP state is always runnable"
	ref	API_MP_STATE
	checkpoint
	action	check, mp_state=KVM_MP_STATE_RUNNABLE
	action	set, mp_state=KVM_MP_STATE_RUNNABLE
	action	set, mp_state=KVM_MP_STATE_HALTED, errno=EINVAL
	action	set, mp_state=KVM_MP_STATE_INIT_RECEIVED, errno=EINVAL
	checkpoint

case mp_state_halted, "A vCPU that was set to be halted waits, until an NMI wakes it"
	ref	API_MP_STATE
	irqchip	split, kernel
	checkpoint
	action	set, mp_state=KVM_MP_STATE_HALTED
	action	check, mp_state=KVM_MP_STATE_HALTED
.here:	expect	halted, rip=.here
	action	nmi
	expect	exception, vector=VEC_NMI
	action	check, mp_state=KVM_MP_STATE_RUNNABLE
	action	set, ev_nmi_masked=0
	checkpoint

case mp_state_woken, "A halted vCPU that was set to be runnable runs"
	ref	API_MP_STATE
	irqchip	split, kernel
	hlt
	expect	halted
	expect_hw hlt
	action	set, mp_state=KVM_MP_STATE_RUNNABLE
	inc	eax
	checkpoint rax=(REG_RAX & 0xffffffff) + 1, status=PF

%endif

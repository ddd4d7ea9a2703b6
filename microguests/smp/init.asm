; SPDX-License-Identifier: GPL-2.0-only
; INIT and start-up interrupts: how a processor is reset and started by another.
%include "microguest.inc"
modes prot32, long64
%include "events.inc"
%include "smp.inc"

%define SIPI(address) (ICR_SIPI | ICR_ASSERT | (address) >> 12)

; What the processor started finds at SCRATCH: a checkpoint, and an OUT behind it.
%macro trampoline 0.nolist
	memory	SCRATCH, db, 0xe6, CHECKPOINT_PORT, 0xe6, CHECKPOINT_PORT, 0xf4
%endmacro
; The registers there, behind the first OUT.
%define STARTED cs=SCRATCH >> 4, cs_base=SCRATCH, cs_limit=0xffff, cs_ar=AR_CODE16, rip=2
; After INIT, and before anything else.
%define WAITING cs=0xf000, cs_base=0xffff0000, cs_limit=0xffff, cs_ar=AR_CODE16, rip=0xfff0

case wait_for_sipi, "INIT stops a running processor until a start-up interrupt comes: its state"
	ref	"SDM 3 8.4.3", "SDM 3 table 9-1", "APM 2 14.1.3", "SDM 3 9.1.1"
	smp	2
	apics
	ready	0
	ready	1
meet
vcpu 0
	send	1, ICR_INIT | ICR_ASSERT | ICR_LEVEL
	checkpoint
vcpu 1
	park
	expect	halted, mp_state=KVM_MP_STATE_INIT_RECEIVED, AFTER_INIT, WAITING

case start, "INIT and SIPI start a running processor at the vector's page, in real mode"
	ref	"SDM 3 8.4.4", "SDM 3 10.6.1", "SDM 3 table 9-1", "APM 2 14.1.3", "SDM 3 9.1.1"
	smp	2
	apics
	trampoline
	ready	0
	ready	1
meet
vcpu 0
	send	1, ICR_INIT | ICR_ASSERT | ICR_LEVEL
	send	1, SIPI(SCRATCH)
	checkpoint
vcpu 1
	park
	expect	checkpoint, AFTER_INIT, STARTED
	expect	checkpoint, rip=4

case start_never_run, "A processor that never ran waits for INIT and SIPI, and starts"
	ref	"SDM 3 8.4.3", "SDM 3 8.4.4", "kvm api KVM_SET_MP_STATE"
	smp	2
	apics
	trampoline
	ready	0
vcpu 1
	action	set, mp_state=KVM_MP_STATE_UNINITIALIZED
	action	check, mp_state=KVM_MP_STATE_UNINITIALIZED
meet
vcpu 1
	expect	checkpoint, AFTER_INIT, STARTED
	action	check, mp_state=KVM_MP_STATE_RUNNABLE
	expect	checkpoint, rip=4
vcpu 0
	send	1, ICR_INIT | ICR_ASSERT | ICR_LEVEL
	send	1, SIPI(SCRATCH)
	checkpoint

case start_twice, "The second SIPI of the usual sequence is ignored by a processor that runs"
	ref	"SDM 3 8.4.4.1", "SDM 3 10.6.1"
	smp	2
	apics
	trampoline
	ready	0
	ready	1
meet
vcpu 0
	send	1, ICR_INIT | ICR_ASSERT | ICR_LEVEL
	send	1, SIPI(SCRATCH)
	checkpoint
vcpu 1
	park
	expect	checkpoint, AFTER_INIT, STARTED
meet
vcpu 0
	send	1, SIPI(PAGES)
	checkpoint
meet
vcpu 1
	expect	checkpoint, rip=4

case sipi_running, "A SIPI to a processor that runs and had no INIT is ignored"
	ref	"SDM 3 10.6.1", "SDM 3 8.4.2"
	smp	2
	apics
	trampoline
	ready	0
	ready	1
meet
vcpu 0
	send	1, SIPI(SCRATCH)
	checkpoint
meet
vcpu 1
	nop
	checkpoint

case sipi_halted, "A SIPI does not wake a processor from HLT"
	ref	"SDM 3 10.6.1", "SDM 2 HLT"
	smp	2
	apics
	trampoline
	ready	0
	ready	1
	hlt
	expect	halted
meet
vcpu 0
	send	1, SIPI(SCRATCH)
	checkpoint
meet
vcpu 1
	expect	halted

case init_halted, "INIT reaches a processor in HLT with IF clear"
	ref	"SDM 2 HLT", "SDM 3 8.4.3"
	smp	2
	apics
	trampoline
	ready	0
	ready	1
	hlt
	expect	halted
meet
vcpu 0
	send	1, ICR_INIT | ICR_ASSERT | ICR_LEVEL
	checkpoint
vcpu 1
	expect	halted, mp_state=KVM_MP_STATE_INIT_RECEIVED, AFTER_INIT, WAITING
meet
vcpu 0
	send	1, SIPI(SCRATCH)
	checkpoint
vcpu 1
	expect	checkpoint, STARTED, undefined_type=1
	expect	checkpoint, rip=4

case fixed_waiting, "While it waits for SIPI a processor takes no fixed interrupt"
	ref	"SDM 3 8.4.3", "SDM 3 6.7.1"
	smp	2
	apics
	trampoline
	ready	0
	ready	1
meet
vcpu 0
	send	1, ICR_INIT | ICR_ASSERT | ICR_LEVEL
	checkpoint
vcpu 1
	park
	expect	halted, mp_state=KVM_MP_STATE_INIT_RECEIVED, AFTER_INIT, WAITING
meet
vcpu 0
	send	1, ICR_ASSERT | 0x41
	checkpoint
meet
vcpu 1
	expect	halted, mp_state=KVM_MP_STATE_INIT_RECEIVED, rip=0xfff0
	requests 0

case apic_after_init, "INIT resets the local APIC but for its ID"
	ref	"SDM 3 10.4.7.3", "APM 2 16.3.1"
	smp	2
	apics
	ready	0
	ready	1
	apic_write APIC_TPR, 0x30
	apic_write APIC_LDR, 0x02000000
	apic_write APIC_LVT_ERROR, 0x55
	checkpoint cr8=3
meet
vcpu 0
	send	1, ICR_INIT | ICR_ASSERT | ICR_LEVEL
	checkpoint
vcpu 1
	park
	expect	halted, mp_state=KVM_MP_STATE_INIT_RECEIVED, AFTER_INIT, WAITING
	action	check_lapic, offset=APIC_ID, value=1 << 24
	action	check_lapic, offset=APIC_TPR, value=0
	action	check_lapic, offset=APIC_LDR, value=0
	action	check_lapic, offset=APIC_DFR, value=0xffffffff
	action	check_lapic, offset=APIC_SVR, value=0xff
	action	check_lapic, offset=APIC_LVT_ERROR, value=LVT_MASKED

case drops_request, "A request that waits is gone after INIT"
	ref	"SDM 3 10.4.7.3"
	smp	2
	apics
	ready	0
	ready	1
meet
vcpu 0
	send	1, ICR_ASSERT | 0x41
	checkpoint
meet
vcpu 1
	requests BIT_OF(0x41)
meet
vcpu 0
	send	1, ICR_INIT | ICR_ASSERT | ICR_LEVEL
	checkpoint
vcpu 1
	park
	expect	halted, mp_state=KVM_MP_STATE_INIT_RECEIVED, AFTER_INIT, WAITING
	requests 0

case others, "INIT and SIPI by the shorthand all-but-self start all others"
	ref	"SDM 3 8.4.4.1", "SDM 3 10.6.1"
	smp	3
	apics
	trampoline
	ready	0
	ready	1
	ready	2
meet
vcpu 0
	send	0, ICR_OTHERS | ICR_INIT | ICR_ASSERT | ICR_LEVEL
	send	0, ICR_OTHERS | SIPI(SCRATCH)
	checkpoint
vcpu 1
	park
	expect	checkpoint, AFTER_INIT, STARTED
vcpu 2
	park
	expect	checkpoint, AFTER_INIT, STARTED

case deassert, "INIT level de-assert resets nothing"
	ref	"SDM 3 10.6.1"
	smp	2
	apics
	ready	0
	ready	1
meet
vcpu 0
	send	1, ICR_INIT | ICR_LEVEL
	checkpoint
meet
vcpu 1
	nop
	checkpoint

case bsp, "INIT to the BSP starts it at the reset vector"
	ref	"SDM 3 8.4.2", "SDM 3 9.1.4", "SDM 3 table 9-1"
	smp	2
	apics
	memslot	id=SLOT_FREE, gpa=0xfffff000, size=0x1000, hva=PAGES
	memory	PAGES + 0xff0, db, 0xe6, CHECKPOINT_PORT
	ready	0
	ready	1
meet
vcpu 1
	send	0, ICR_INIT | ICR_ASSERT | ICR_LEVEL
	checkpoint
vcpu 0
	park
	expect	checkpoint, AFTER_INIT, cs=0xf000, cs_base=0xffff0000, cs_limit=0xffff, cs_ar=AR_CODE16, rip=0xfff2

case bsp_keeps_flag, "INIT leaves IA32_APIC_BASE as it is"
	ref	"SDM 3 10.4.7.3", "SDM 3 8.4.1"
	smp	2
	apics
	ready	0
	ready	1
meet
vcpu 0
	send	1, ICR_INIT | ICR_ASSERT | ICR_LEVEL
	checkpoint
vcpu 1
	park
	expect	halted, mp_state=KVM_MP_STATE_INIT_RECEIVED, AFTER_INIT, WAITING
	action	check_msr, index=MSR_APIC_BASE, value=APIC_BASE | APIC_BASE_ENABLE

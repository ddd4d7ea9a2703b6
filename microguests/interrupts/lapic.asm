; SPDX-License-Identifier: GPL-2.0-only
; The local APIC through its registers in memory: interrupt commands, priorities,
; requests and service, the timer, messages, and waking from HLT.
%include "microguest.inc"
modes prot32, long64
%include "events.inc"

%define BANK(v) ((v) / 32 * 16)
%define BIT_OF(v) (1 << ((v) % 32))

; apic: the case has a local APIC in the kernel, at RDI.
%macro apic 0.nolist
	irqchip	split, kernel
	given	rdi=APIC_BASE
	%if PAGED
		pde	APIC_BASE, set=PTE_PS | PTE_PCD
	%endif
%endmacro

%macro apic_write 2.nolist	; REGISTER, VALUE
	mov	dword [xdi + %1], %2
%endmacro

%macro apic_read 2.nolist	; REGISTER OF THE PROCESSOR, REGISTER
	mov	%1, [xdi + %2]
%endmacro

%macro apic_enable 0.nolist
	apic_write APIC_SVR, SVR_ENABLE | 0xff
%endmacro

%macro self_ipi 1.nolist
	apic_write APIC_ICR, ICR_SELF | ICR_ASSERT | %1
%endmacro

case self_ipi, "A self IPI goes from request to service at STI, and away with EOI"
	ref	"SDM 3 10.6.1", "SDM 3 10.8.4", "APM 2 16.5"
	apic
	apic_enable
	self_ipi 0x45
	apic_read eax, APIC_IRR + BANK(0x45)
	apic_read ebx, APIC_ISR + BANK(0x45)
	checkpoint rax=BIT_OF(0x45), rbx=0
	sti
	nop
	expect	exception, vector=0x45, set=IF
	apic_read eax, APIC_IRR + BANK(0x45)
	apic_read ebx, APIC_ISR + BANK(0x45)
	checkpoint rax=0, rbx=BIT_OF(0x45)
	apic_write APIC_EOI, 0
	apic_read ebx, APIC_ISR + BANK(0x45)
	checkpoint rbx=0

case icr_reads_back, "The ICR reads back as written, and idle"
	ref	"SDM 3 10.6.1", "APM 2 16.5"
	apic
	apic_enable
	apic_write APIC_ICR2, 0x05000000
	apic_write APIC_ICR, ICR_ASSERT | 0x45
	apic_read eax, APIC_ICR
	apic_read ebx, APIC_ICR2
	checkpoint rax=ICR_ASSERT | 0x45, rbx=0x05000000

case destinations, "Physical, broadcast and shorthand destinations reach this processor or not"
	ref	"SDM 3 10.6.1", "SDM 3 10.6.2.1", "APM 2 16.5"
	apic
	apic_enable
	apic_write APIC_ICR2, 0
	apic_write APIC_ICR, ICR_ASSERT | 0x40
	apic_write APIC_ICR2, 0x05000000
	apic_write APIC_ICR, ICR_ASSERT | 0x41
	apic_write APIC_ICR2, 0xff000000
	apic_write APIC_ICR, ICR_ASSERT | 0x42
	apic_write APIC_ICR, ICR_ASSERT | 0x80000 | 0x43
	apic_write APIC_ICR, ICR_ASSERT | 0xc0000 | 0x44
	apic_read eax, APIC_IRR + BANK(0x40)
	checkpoint rax=BIT_OF(0x40) | BIT_OF(0x42) | BIT_OF(0x43)

case logical_flat, "In the flat model a logical destination is a mask over the LDR"
	ref	"SDM 3 10.6.2.2", "APM 2 16.6"
	apic
	apic_enable
	apic_write APIC_DFR, 0xffffffff
	apic_write APIC_LDR, 0x02000000
	apic_write APIC_ICR2, 0x03000000
	apic_write APIC_ICR, ICR_ASSERT | ICR_LOGICAL | 0x40
	apic_write APIC_ICR2, 0x04000000
	apic_write APIC_ICR, ICR_ASSERT | ICR_LOGICAL | 0x41
	apic_read eax, APIC_IRR + BANK(0x40)
	checkpoint rax=BIT_OF(0x40)

case logical_cluster, "In the cluster model the cluster must match and the masks meet"
	ref	"SDM 3 10.6.2.2", "APM 2 16.6"
	apic
	apic_enable
	apic_write APIC_DFR, 0x0fffffff
	apic_write APIC_LDR, 0x22000000
	apic_write APIC_ICR2, 0x23000000
	apic_write APIC_ICR, ICR_ASSERT | ICR_LOGICAL | 0x40
	apic_write APIC_ICR2, 0x32000000
	apic_write APIC_ICR, ICR_ASSERT | ICR_LOGICAL | 0x41
	apic_read eax, APIC_IRR + BANK(0x40)
	checkpoint rax=BIT_OF(0x40)

case nmi_ipi, "An NMI sent to itself by physical destination is taken with IF clear"
	ref	"SDM 3 10.6.1", "APM 2 16.5", "SDM 3 10.8.1"
	apic
	apic_enable
	apic_write APIC_ICR2, 0
	apic_write APIC_ICR, ICR_NMI | ICR_ASSERT
	expect	exception, vector=VEC_NMI
	checkpoint

case higher_first, "Of two requests the higher vector is taken first, the other after EOI"
	ref	"SDM 3 10.8.3", "APM 2 16.6.3"
	apic
	apic_enable
	self_ipi 0x52
	self_ipi 0x61
	sti
	nop
	expect	exception, vector=0x61, set=IF
	nop
	checkpoint
	cli
	apic_write APIC_EOI, 0
	sti
	nop
	expect	exception, vector=0x52
	checkpoint

case preempts, "A request of a higher class is taken while a lower one is in service"
	ref	"SDM 3 10.8.3", "APM 2 16.6.3"
	apic
	apic_enable
	self_ipi 0x52
	sti
	nop
	expect	exception, vector=0x52, set=IF
	cli
	self_ipi 0x5f
	self_ipi 0x60
	sti
	nop
	expect	exception, vector=0x60
	apic_read eax, APIC_ISR + BANK(0x52)
	apic_read ebx, APIC_ISR + BANK(0x60)
	apic_read edx, APIC_PPR
	checkpoint rax=BIT_OF(0x52), rbx=BIT_OF(0x60), rdx=0x60

case tpr, "The TPR holds back its class and those below"
	ref	"SDM 3 10.8.3.1", "APM 2 16.6.4"
	apic
	apic_enable
	apic_write APIC_TPR, 0x50
	self_ipi 0x5f
	sti
	nop
	checkpoint set=IF, cr8=5
	cli
	apic_write APIC_TPR, 0x40
	sti
	nop
	expect	exception, vector=0x5f, cr8=4
	checkpoint

case ppr, "The PPR is the higher of the TPR and the class in service"
	ref	"SDM 3 10.8.3.1", "APM 2 16.6.4"
	apic
	apic_enable
	apic_write APIC_TPR, 0x20
	self_ipi 0x61
	sti
	nop
	expect	exception, vector=0x61, set=IF, cr8=2
	apic_read eax, APIC_PPR
	apic_write APIC_TPR, 0x75
	apic_read ebx, APIC_PPR
	checkpoint rax=0x60, rbx=0x75, cr8=7

%if BITS == 64
case cr8, "CR8 and the TPR's class are one"
	ref	"SDM 3 10.8.6", "APM 2 16.6.4"
	apic
	given	rax=6
	apic_enable
	mov	cr8, rax
	apic_read ebx, APIC_TPR
	apic_write APIC_TPR, 0x35
	mov	rcx, cr8
	checkpoint rbx=0x60, rcx=3, cr8=3

case cr8_masks, "Lowering CR8 lets a request in that it held back"
	ref	"SDM 3 10.8.6", "APM 2 16.6.4"
	apic
	given	rax=6, rbx=5, set=IF
	apic_enable
	mov	cr8, rax
	self_ipi 0x6f
	nop
	checkpoint cr8=6
	cli
	mov	cr8, rbx
	sti
	nop
	expect	exception, vector=0x6f, cr8=5
	checkpoint
%endif

case software_disabled, "Software-disabled, the APIC takes no fixed interrupt and keeps the LVT masked"
	ref	"SDM 3 10.4.7.2", "APM 2 16.3.1", "SDM 3 10.4.3", "SDM 3 10.9", "APM 2 16.4.7"
	apic
	given	set=IF
	apic_write APIC_SVR, 0xff
	apic_write APIC_LVT_TIMER, 0x70
	apic_read eax, APIC_LVT_TIMER
	self_ipi 0x45
	apic_read ebx, APIC_IRR + BANK(0x45)
	checkpoint rax=LVT_MASKED | 0x70, rbx=0

case disabling_masks, "Software-disabling the APIC masks its LVT, and enabling it unmasks nothing"
	ref	"SDM 3 10.4.7.2", "SDM 3 10.9", "APM 2 16.4.7"
	apic
	apic_enable
	apic_write APIC_LVT_TIMER, 0x70
	apic_write APIC_LVT_ERROR, 0x71
	apic_read edx, APIC_LVT_TIMER
	apic_write APIC_SVR, 0xff
	apic_read eax, APIC_LVT_TIMER
	apic_read ebx, APIC_LVT_ERROR
	apic_enable
	apic_read ecx, APIC_LVT_TIMER
	checkpoint rdx=0x70, rax=LVT_MASKED | 0x70, rbx=LVT_MASKED | 0x71, rcx=LVT_MASKED | 0x70

case spurious_vector, "The spurious-interrupt vector register holds its vector and the enable bit"
	ref	"SDM 3 10.9", "APM 2 16.4.7"
	apic
	apic_write APIC_SVR, SVR_ENABLE | 0xef
	apic_read eax, APIC_SVR
	apic_write APIC_SVR, 0x7f
	apic_read ebx, APIC_SVR
	checkpoint rax=SVR_ENABLE | 0xef, rbx=0x7f

case version, "The version register says 1xh and four LVT entries at least, and cannot be written"
	ref	"SDM 3 10.4.8", "APM 2 16.3.4"
	apic
	apic_read eax, APIC_VERSION
	mov	ecx, eax
	apic_write APIC_VERSION, 0
	apic_read edx, APIC_VERSION
	sub	edx, ecx
	shr	ecx, 16
	and	eax, 0xf0
	cmp	cl, 3
	setae	bl
	xor	ecx, ecx
	checkpoint rax=0x10, rbx=LOW_BYTE(REG_RBX, 1), rcx=0, rdx=0, status=ZF | PF, undefined=AF

case error_send, "An IPI with vector 5 is an error: the ESR shows it once, and the LVT's interrupt comes"
	ref	"SDM 3 10.5.2", "SDM 3 10.5.3", "APM 2 16.4.6"
	apic
	apic_enable
	apic_write APIC_LVT_ERROR, 0x72
	apic_write APIC_ESR, 0
	apic_write APIC_ICR2, 0x05000000
	apic_write APIC_ICR, ICR_ASSERT | 5
	apic_write APIC_ESR, 0
	apic_read eax, APIC_ESR
	apic_write APIC_ESR, 0
	apic_read ebx, APIC_ESR
	apic_read edx, APIC_IRR + BANK(0x72)
	checkpoint rax=0x20, rbx=0, rdx=BIT_OF(0x72)

case timer_once, "The one-shot timer interrupts once and stays at 0"
	ref	"SDM 3 10.5.4", "APM 2 16.4.1"
	apic
	apic_enable
	apic_write APIC_TIMER_DIVIDE, TIMER_DIVIDE_1
	apic_write APIC_LVT_TIMER, 0x70
	apic_write APIC_TIMER_INITIAL, 0x4000
	sti
	hlt
	expect	exception, vector=0x70, set=IF
	apic_write APIC_EOI, 0
	apic_read eax, APIC_TIMER_CURRENT
	apic_read ebx, APIC_TIMER_INITIAL
	checkpoint rax=0, rbx=0x4000

case timer_periodic, "The periodic timer interrupts again after EOI"
	ref	"SDM 3 10.5.4", "APM 2 16.4.1"
	apic
	apic_enable
	apic_write APIC_TIMER_DIVIDE, TIMER_DIVIDE_1
	apic_write APIC_LVT_TIMER, LVT_PERIODIC | 0x70
	apic_write APIC_TIMER_INITIAL, 0x40000
	sti
	hlt
	expect	exception, vector=0x70, set=IF
	cli
	apic_write APIC_EOI, 0
	sti
	hlt
	expect	exception, vector=0x70
	cli
	apic_write APIC_LVT_TIMER, LVT_MASKED | LVT_PERIODIC | 0x70
	apic_write APIC_EOI, 0
	checkpoint clear=IF

case timer_masked, "A masked timer counts down to 0 and requests nothing"
	ref	"SDM 3 10.5.4", "APM 2 16.4.1"
	apic
	apic_enable
	apic_write APIC_TIMER_DIVIDE, TIMER_DIVIDE_1
	apic_write APIC_LVT_TIMER, LVT_MASKED | 0x70
	apic_write APIC_TIMER_INITIAL, 0x1000
.wait:	apic_read eax, APIC_TIMER_CURRENT
	test	eax, eax
	jnz	.wait
	apic_read ebx, APIC_IRR + BANK(0x70)
	checkpoint rax=0, rbx=0, status=ZF | PF, undefined=AF

case timer_counts, "The current count falls, and writing 0 as initial count stops the timer"
	ref	"SDM 3 10.5.4", "APM 2 16.4.1"
	apic
	apic_enable
	apic_write APIC_TIMER_DIVIDE, TIMER_DIVIDE_1
	apic_write APIC_LVT_TIMER, LVT_MASKED | 0x70
	apic_write APIC_TIMER_INITIAL, 0xffffffff
	apic_read eax, APIC_TIMER_CURRENT
	apic_read ecx, APIC_TIMER_CURRENT
	cmp	ecx, eax
	setb	bl
	apic_write APIC_TIMER_INITIAL, 0
	apic_read edx, APIC_TIMER_CURRENT
	xor	eax, eax
	mov	ecx, eax
	checkpoint rax=0, rcx=0, rdx=0, rbx=LOW_BYTE(REG_RBX, 1), status=ZF | PF, undefined=AF

case message, "A message reaches the vector in its data"
	ref	"SDM 3 10.11", "kvm api KVM_SIGNAL_MSI"
	apic
	need	cap_signal_msi
	given	set=IF
	apic_enable
	checkpoint
	action	msi, address=MSI_ADDRESS, data=0x45, result=1
	expect	exception, vector=0x45
	action	msi, address=MSI_ADDRESS, data=0x45
	mov	cl, 5
	checkpoint rcx=LOW_BYTE(REG_RCX, 5)

case message_nmi, "A message may be an NMI"
	ref	"SDM 3 10.11.2", "kvm api KVM_SIGNAL_MSI"
	apic
	need	cap_signal_msi
	apic_enable
	checkpoint
	action	msi, address=MSI_ADDRESS, data=0x400
	expect	exception, vector=VEC_NMI
	checkpoint

case halted_message, "A message wakes from HLT"
	ref	"SDM 2 HLT", "kvm api KVM_SIGNAL_MSI"
	apic
	need	cap_signal_msi
	given	set=IF
	apic_enable
	hlt
	expect	halted
	expect_hw hlt
	action	msi, address=MSI_ADDRESS, data=0x45
	expect	exception, vector=0x45
	checkpoint

case halted_held_back, "A message that the TPR holds back does not wake from HLT"
	ref	"SDM 2 HLT", "SDM 3 10.8.3.1"
	apic
	need	cap_signal_msi
	given	set=IF
	apic_enable
	apic_write APIC_TPR, 0x50
	hlt
	expect	halted, cr8=5
	expect_hw hlt
	action	msi, address=MSI_ADDRESS, data=0x45
	expect	halted
	action	msi, address=MSI_ADDRESS, data=0x65
	expect	exception, vector=0x65
	checkpoint

case pending_sti_hlt, "A request pending at STI; HLT wakes at once, behind HLT"
	ref	"SDM 2 STI", "SDM 2 HLT"
	apic
	apic_enable
	self_ipi 0x45
	sti
	hlt
	expect	exception, vector=0x45, set=IF
	checkpoint

case pending_popf, "A request pending at POPF is taken right behind it"
	ref	"SDM 2 POPF", "SDM 3 6.8.1"
	apic
	given	rsp=STACK_TOP - WORD_BYTES
	memory	STACK_TOP - WORD_BYTES, dw, IF | 2, 0, 0, 0
	apic_enable
	self_ipi 0x45
	popf
	expect	exception, vector=0x45, set=IF, rsp=STACK_TOP
	checkpoint

case pending_mov_ss, "In the shadow of MOV SS a request waits for one more instruction"
	ref	"SDM 3 6.8.3", "APM 2 8.1.6"
	apic
	need	cap_signal_msi
	given	set=IF
	apic_enable
	mov	ss, [MMIO]
	expect	mmio_read, address=MMIO, size=2, data=SEL_DATA
	expect_hw mmio
	action	msi, address=MSI_ADDRESS, data=0x45
	mov	cl, 5
	expect	exception, vector=0x45, rcx=LOW_BYTE(REG_RCX, 5)
	checkpoint

case set_lapic, "KVM_SET_LAPIC with a request in the IRR: it is taken"
	ref	"kvm api KVM_SET_LAPIC"
	apic
	given	set=IF
	checkpoint
	action	set_lapic, offset=APIC_SVR, value=SVR_ENABLE | 0xff
	action	set_lapic, offset=APIC_IRR + BANK(0x45), value=BIT_OF(0x45)
	action	check_lapic, offset=APIC_IRR + BANK(0x45), value=BIT_OF(0x45)
	expect	exception, vector=0x45
	action	check_lapic, offset=APIC_ISR + BANK(0x45), value=BIT_OF(0x45)
	checkpoint

; SPDX-License-Identifier: GPL-2.0-only
; What belongs to one processor is not another's: registers, events, exits, and what
; the runner sets of one while the other runs.
%include "microguest.inc"
modes real16, prot32, long64
%include "events.inc"
%include "smp.inc"

%define GO (SCRATCH + 0x100)
%define SEEN (SCRATCH + 0x140)

case registers, "General registers, flags and segments are each processor's own"
	ref	"SDM 3 8.1", "kvm api KVM_SET_REGS"
	smp	4
	given	rax=1, rbx=2
	add	eax, ebx
	checkpoint rax=3, status=PF
vcpu 1
	given	rax=10, rbx=10
	sub	eax, ebx
	checkpoint rax=0, status=ZF | PF
vcpu 2
	given	rax=0, rbx=1
	sub	eax, ebx
	checkpoint rax=0xffffffff, status=CF | PF | AF | SF
vcpu 3
	given	rax=7, rbx=7
	std
	xchg	eax, ebx
	checkpoint set=DF

case numbers, "CPUID tells each processor its own APIC ID"
	ref	"SDM 2 CPUID", "kvm api KVM_SET_CPUID2"
	smp	3
	mov	eax, 1
	cpuid
	shr	ebx, 24
	checkpoint rbx=0, undefined_reg=0xd, undefined=STATUS_FLAGS
vcpu 1
	mov	eax, 1
	cpuid
	shr	ebx, 24
	checkpoint rbx=1, undefined_reg=0xd, undefined=STATUS_FLAGS
vcpu 2
	mov	eax, 1
	cpuid
	shr	ebx, 24
	checkpoint rbx=2, undefined_reg=0xd, undefined=STATUS_FLAGS

case msrs, "Model-specific registers are each processor's own"
	ref	"SDM 4 2.1", "kvm api KVM_SET_MSRS"
	smp	2
	msr	MSR_SYSENTER_EIP, 0x1111
	mov	ecx, MSR_SYSENTER_EIP
	rdmsr
	checkpoint rcx=MSR_SYSENTER_EIP, rax=0x1111, rdx=0
vcpu 1
	msr	MSR_SYSENTER_EIP, 0x2222
	mov	ecx, MSR_SYSENTER_EIP
	rdmsr
	checkpoint rcx=MSR_SYSENTER_EIP, rax=0x2222, rdx=0
meet
vcpu 0
	mov	eax, 0x3333
	wrmsr
	checkpoint rax=0x3333
meet
vcpu 1
	rdmsr
	checkpoint
	action	check_msr, index=MSR_SYSENTER_EIP, value=0x2222
vcpu 0
	action	check_msr, index=MSR_SYSENTER_EIP, value=0x3333

case fpu, "x87 and SSE registers are each processor's own"
	ref	"SDM 3 8.1", "kvm api KVM_SET_XSAVE"
	uses	sse
	need	sse2
	smp	2
	given	xmm0=0x1111111111111111, 0x2222222222222222
	memory	GO + 0x20, dq, 7, 8, 9, 10
	start_line 2
	movups	[GO], xmm0
	movups	xmm1, [GO + 0x20]
	checkpoint xmm1=7, 8, WAITED
	writes	GO, dq, 0x1111111111111111, 0x2222222222222222
vcpu 1
	given	xmm0=5, 6
	start_line 2
	movups	[SEEN], xmm0
	movups	xmm1, [GO + 0x30]
	checkpoint xmm1=9, 10, WAITED
	writes	SEEN, dq, 5, 6
meet
	started	2

case breakpoints, "Debug registers are each processor's own: only one has the breakpoint"
	ref	"SDM 3 17.2", "kvm api KVM_SET_DEBUGREGS"
	smp	2
	given	dr0=GO, dr7=DR7_INIT | DR7_G0 | DR7_RW(0, BP_WRITE) | DR7_LEN(0, BP_LEN4)
	mov	dword [GO], 1
	expect	exception, vector=VEC_DB, dr6=DR6_INIT | DR6_B0
	writes	GO, dd, 1
	checkpoint
vcpu 1
	wait_for dword, GO, 1
	mov	dword [SEEN], 1
	checkpoint WAITED
	writes	SEEN, dd, 1

case shutdown, "A processor that shuts down leaves the other running"
	ref	"SDM 3 6.15", "kvm api KVM_EXIT_SHUTDOWN"
	smp	2
	checkpoint
vcpu 1
	given	idt_limit=0
	checkpoint
	ud2
	expect	shutdown
meet
vcpu 0
	mov	al, 5
	checkpoint rax=LOW_BYTE(REG_RAX, 5)

case exits, "Exits of two processors at once are each completed for its own"
	ref	"kvm api KVM_RUN", "SDM 2 IN"
	smp	2
	given	rdx=0x10
	start_line 2
	in	al, dx
	expect	io_in, port=0x10, size=1, data=0x41, rax=LOW_BYTE(REG_RAX, 0x41), WAITED
	in	al, dx
	expect	io_in, port=0x10, size=1, data=0x42, rax=LOW_BYTE(REG_RAX, 0x42)
vcpu 1
	given	rdx=0x20
	start_line 2
	in	al, dx
	expect	io_in, port=0x20, size=1, data=0x51, rax=LOW_BYTE(REG_RAX, 0x51), WAITED
	in	al, dx
	expect	io_in, port=0x20, size=1, data=0x52, rax=LOW_BYTE(REG_RAX, 0x52)
meet
	started	2

case mmio_exits, "And so are those of MMIO, with a read and a write of one place"
	ref	"kvm api KVM_EXIT_MMIO"
	smp	2
	start_line 2
	mov	eax, [MMIO]
	expect	mmio_read, address=MMIO, size=4, data=0x11223344, rax=0x11223344, WAITED
	mov	[MMIO], eax
	expect	mmio_write, address=MMIO, size=4, data=0x11223344
vcpu 1
	start_line 2
	mov	[MMIO], ebx
	expect	mmio_write, address=MMIO, size=4, data=REG_RBX & 0xffffffff, WAITED
	mov	ebx, [MMIO]
	expect	mmio_read, address=MMIO, size=4, data=0x55667788, rbx=0x55667788
meet
	started	2

case exceptions, "Both take an exception at once, each on its own stack"
	ref	"SDM 3 6.12"
	smp	2
	start_line 2
.f0:	ud2
	expect	exception, vector=VEC_UD, rip=.f0, WAITED
	checkpoint
vcpu 1
	start_line 2
.f1:	ud2
	expect	exception, vector=VEC_UD, rip=.f1, WAITED
	checkpoint
meet
	started	2

case injected, "KVM_INTERRUPT reaches the vCPU that it is called on, and no other"
	ref	"kvm api KVM_INTERRUPT"
	smp	2
	given	set=IF
	nop
	checkpoint
vcpu 1
	given	set=IF
	checkpoint
	action	interrupt, vector=0x41
	expect	exception, vector=0x41
	checkpoint

case injected_nmi, "KVM_NMI reaches the vCPU that it is called on while the other runs"
	ref	"kvm api KVM_NMI"
	smp	2
	wait_for dword, GO, 1
	checkpoint WAITED
vcpu 1
	checkpoint
	action	nmi
	expect	exception, vector=VEC_NMI
	mov	dword [GO], 1
	checkpoint
	writes	GO, dd, 1

case halts, "HLT of one processor exits while the other runs on"
	ref	"kvm api KVM_EXIT_HLT", "SDM 2 HLT"
	smp	2
	wait_for dword, GO, 1
	checkpoint WAITED
vcpu 1
	hlt
	expect	hlt
	mov	dword [GO], 1
	checkpoint
	writes	GO, dd, 1

case kicked, "immediate_exit of one vCPU ends its KVM_RUN alone"
	ref	"kvm api kvm_run.immediate_exit"
	smp	2
	wait_for dword, GO, 1
	checkpoint WAITED
vcpu 1
	checkpoint
	action	immediate_exit
	expect	intr
	action	kick
	expect	intr
	mov	dword [GO], 1
	checkpoint
	writes	GO, dd, 1

case set_while_running, "Registers of one vCPU are set and read while the other runs"
	ref	"kvm api KVM_SET_REGS", "kvm api KVM_GET_REGS"
	smp	2
	wait_for dword, GO, 1
	checkpoint WAITED
vcpu 1
	mov	dword [SEEN], 1
	checkpoint
	writes	SEEN, dd, 1
%rep 4
	action	set, rax=0x1234, rsi=0x77, set=CF
	action	check, rax=0x1234, rsi=0x77
	action	set, rax=5, clear=CF
	action	check, rax=5
%endrep
	mov	[GO + 4], eax
	mov	dword [GO], 1
	checkpoint
	writes	GO, dd, 1, 5

case single_step, "Single steps of one vCPU by KVM_SET_GUEST_DEBUG: the other takes none"
	ref	"kvm api KVM_SET_GUEST_DEBUG"
	smp	2
	wait_for dword, GO, 1
	checkpoint WAITED
vcpu 1
	checkpoint
	action	guest_debug, control=KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP
	nop
	expect	debug, debug_vector=VEC_DB, debug_dr6=DR6_INIT | DR6_BS
	inc	eax
	expect	debug, debug_vector=VEC_DB, debug_dr6=DR6_INIT | DR6_BS, rax=(REG_RAX + 1) & 0xffffffff, status=PF
	action	guest_debug, control=0
	mov	dword [GO], 1
	checkpoint
	writes	GO, dd, 1

case hand_over, "Two processors hand over by memory, each in turn"
	ref	"SDM 2 PAUSE", "SDM 3 8.10.6.1"
	smp	2
	given	rax=0, rcx=0
%rep 8
	wait_for dword, GO, ecx
	inc	ecx
	mov	[GO], ecx
	inc	ecx
%endrep
	checkpoint rcx=16, status=AF
vcpu 1
	given	rcx=1
%rep 8
	wait_for dword, GO, ecx
	inc	ecx
	mov	[GO], ecx
	inc	ecx
%endrep
	checkpoint rcx=17, status=PF
meet
	writes	GO, dd, 16

case meets_often, "Two processors that stop and go on many times lose nothing"
	ref	"kvm api KVM_RUN"
	smp	2
	given	rcx=0
%rep 6
vcpu 0
	inc	ecx
	mov	[GO], ecx
	checkpoint undefined_reg=4, undefined=STATUS_FLAGS
	undefined_memory GO, 4
vcpu 1
	inc	ebx
	checkpoint undefined_reg=2, undefined=STATUS_FLAGS
meet
%endrep
vcpu 0
	mov	eax, [GO]
	sub	eax, 6
	checkpoint rax=0, rcx=6, status=ZF | PF
vcpu 1
	sub	ebx, REG_RBX & 0xffffffff
	checkpoint rbx=6, status=PF

; SPDX-License-Identifier: GPL-2.0-only
; struct kvm_run: registers in s.regs (KVM_CAP_SYNC_REGS), immediate_exit, signals,
; CR8 and what says whether an interrupt can be injected.
%include "microguest.inc"
modes real16, prot32, long64

%define API_SYNC "Linux Documentation/virt/kvm/api.rst KVM_CAP_SYNC_REGS"
%define API_RUN "Linux Documentation/virt/kvm/api.rst kvm_run"
%define API_SIGNALS "Linux Documentation/virt/kvm/api.rst KVM_SET_SIGNAL_MASK"

case synced_exits, "Registers in kvm_run agree with the ioctls at every exit that asks for them"
	ref	API_SYNC
	need	cap_sync_regs
	action	sync
	mov	eax, 0x1234
	checkpoint rax=0x1234
	stc
	in	al, 0x10
	expect	io_in, port=0x10, size=1, data=0x56, rax=0x1256, set=CF
	expect_hw io
	xchg	ebx, ecx
	checkpoint rbx=REG_RCX & 0xffffffff, rcx=REG_RBX & 0xffffffff

case snapshot, "A VM that was saved and built anew goes on where it was"
	ref	"Linux Documentation/virt/kvm/api.rst KVM_GET_VCPU_EVENTS"
	given	rax=0x11
	inc	eax
	checkpoint rax=0x12, status=PF
	action	nmi
	action	snapshot
	expect	exception, vector=VEC_NMI
	action	snapshot
	action	check, ev_nmi_masked=1
	mov	[SCRATCH], eax
	checkpoint
	writes	SCRATCH, dd, 0x12
	action	snapshot
	inc	eax
	checkpoint rax=0x13, status=0

case dirty_registers, "General registers that kvm_dirty_regs names are taken from kvm_run"
	ref	API_SYNC
	need	cap_sync_regs
	checkpoint
	action	sync_set, rax=0x1020304, rbx=0x7fffffff, rip=.there
	ud2
.there:	inc	ebx
	mov	[SCRATCH], eax
	checkpoint rbx=0x80000000, status=OF|SF|AF|PF
	writes	SCRATCH, dd, 0x1020304

case dirty_system_registers, "System registers that kvm_dirty_regs names are taken from kvm_run"
	ref	API_SYNC
	need	cap_sync_regs
	memory	SCRATCH + 4, dd, 0x99887766
	checkpoint
%if REAL
	action	sync_set, cr2=0x5000, fs=SCRATCH / 16, fs_base=SCRATCH, fs_limit=0xffff, fs_ar=AR_DATA16
%else
	action	sync_set, cr2=0x5000, fs_base=SCRATCH
%endif
	mov	eax, [fs:4]
%if LONG
	mov	rbx, cr2
%else
	mov	ebx, cr2
%endif
	checkpoint rax=0x99887766, rbx=0x5000

case dirty_events, "Events that kvm_dirty_regs names are taken from kvm_run"
	ref	API_SYNC
	need	cap_sync_regs
	given	rflags=IF | 2
	checkpoint
	action	sync_set, ev_interrupt=0x55
	expect	exception, vector=0x55

case sync_refused, "Register sets that do not exist are refused with EINVAL, asked for or given"
	ref	API_SYNC
	need	cap_sync_regs
	checkpoint
	action	call, text="KVM_RUN", arg1=1 << 40, errno=EINVAL
	action	call, text="KVM_RUN", arg2=1 << 40, errno=EINVAL
	action	call, text="KVM_RUN", arg1=KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS | KVM_SYNC_X86_EVENTS, errno=EINTR
	checkpoint

case immediate_exit, "With immediate_exit KVM_RUN comes back before the guest runs an instruction"
	ref	API_RUN
	need	cap_immediate_exit
	checkpoint
	action	immediate_exit
.here:	expect	intr, rip=.here
	inc	eax
	checkpoint rax=(REG_RAX & 0xffffffff) + 1, status=PF

case immediate_exit_completes, "immediate_exit lets a port read complete first"
	ref	API_RUN
	need	cap_immediate_exit
	in	al, 0x20
	expect	io_in, port=0x20, size=1, data=0x77, rax=(REG_RAX & ~0xff) | 0x77
	expect_hw io
	action	immediate_exit
	expect	intr
	checkpoint

case pending_signal, "A signal that is pending at entry ends KVM_RUN before the guest runs"
	ref	API_SIGNALS
	checkpoint
	action	kick
.here:	expect	intr, rip=.here
	inc	eax
	checkpoint rax=(REG_RAX & 0xffffffff) + 1, status=PF

case masked_signal, "A signal that KVM_SET_SIGNAL_MASK blocks does not end KVM_RUN"
	ref	API_SIGNALS
	checkpoint
	action	call, text="KVM_SET_SIGNAL_MASK", result=0
	action	kick
	inc	eax
	checkpoint rax=(REG_RAX & 0xffffffff) + 1, status=PF

case if_flag, "kvm_run tells the interrupt flag, and whether an interrupt can be injected"
	ref	API_RUN
	given	rflags=2
	checkpoint
	action	peek, text="RUN", offset=RUN_IF_FLAG, size=1, data=0
	action	peek, text="RUN", offset=RUN_READY_FOR_INTERRUPT, size=1, data=0
	sti
	nop
	checkpoint set=IF
	action	peek, text="RUN", offset=RUN_IF_FLAG, size=1, data=1
	action	peek, text="RUN", offset=RUN_READY_FOR_INTERRUPT, size=1, data=1
	cli
	checkpoint clear=IF
	action	peek, text="RUN", offset=RUN_READY_FOR_INTERRUPT, size=1, data=0
	checkpoint

case not_ready_in_shadow, "In the shadow of STI no interrupt can be injected"
	ref	API_RUN, "SDM 2 STI"
	checkpoint
	action	set, rflags=IF | 2, ev_shadow=KVM_X86_SHADOW_INT_STI
	action	immediate_exit
.here:	expect	intr, rip=.here
	action	peek, text="RUN", offset=RUN_READY_FOR_INTERRUPT, size=1, data=0
	nop
	checkpoint
	action	peek, text="RUN", offset=RUN_READY_FOR_INTERRUPT, size=1, data=1
	checkpoint

case apic_base, "kvm_run tells IA32_APIC_BASE"
	ref	API_RUN
	checkpoint
	action	peek, text="RUN", offset=RUN_APIC_BASE, size=8, data=0xfee00900
	checkpoint

%if LONG

case cr8, "The CR8 in kvm_run is the guest's, in both directions, when the local APIC is not in the kernel"
	ref	API_RUN
	checkpoint
	action	poke, text="RUN", offset=RUN_CR8, size=8, data=6
	mov	rax, cr8
	checkpoint rax=6, cr8=6
	mov	ebx, 11
	mov	cr8, rbx
	checkpoint rbx=11, cr8=11
	action	peek, text="RUN", offset=RUN_CR8, size=8, data=11
	checkpoint

%endif

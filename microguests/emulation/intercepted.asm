; SPDX-License-Identifier: GPL-2.0-only
; Instructions that processors leave the guest for, whatever the hypervisor wants or because
; it nearly always does, and that guests here may not use: those of hypervisors themselves,
; RSM, MONITOR and MWAIT. And those that guests may: hypercalls, INVD, CR0 with caches off, a debug
; register by its other name.
%include "microguest.inc"
modes real16, prot16, prot32, compat32, long64
%include "emulate.inc"
%include "events.inc"

%if BITS == 64
	%define dax rax
%else
	%define dax eax
%endif

; undefined BYTES: #UD there, and on to the next.
%macro undefined_bytes 1+.nolist
	emulate	db %1
	expect	exception, vector=VEC_UD, rip=EMULATED
%endmacro

; ---- AMD's -------------------------------------------------------------------------

; EFER.SVME is 0 for the guest. The processor sees it set, as VMRUN demands, and so leaves
; for VMRUN always: a VMCB that does not intercept it is not valid (APM 2 15.5.1).
%if !REAL
case vmrun, "VMRUN in a guest without SVM is #UD"
	ref	"APM 2 15.5.1", "APM 3 VMRUN", "SDM 2 A.3", "APM 2 15.9"
	given	rax=SCRATCH	; the address of a VMCB is judged before
	undefined_bytes 0x0f, 0x01, 0xd8
	expect_hw svm.vmrun
%endif

case svm, "VMLOAD, VMSAVE, SKINIT and INVLPGA in a guest without SVM are #UD"
	ref	"APM 2 15.4", "APM 3 VMLOAD", "APM 3 SKINIT", "APM 3 INVLPGA", "SDM 2 A.3"
	given	rax=SCRATCH
	undefined_bytes 0x0f, 0x01, 0xda
	undefined_bytes 0x0f, 0x01, 0xdb
	undefined_bytes 0x0f, 0x01, 0xde
	undefined_bytes 0x0f, 0x01, 0xdf

case gif, "STGI and CLGI in a guest without SVM are #UD"
	ref	"APM 2 15.4", "APM 3 STGI", "APM 3 CLGI", "SDM 2 A.3"
	undefined_bytes 0x0f, 0x01, 0xdc
	undefined_bytes 0x0f, 0x01, 0xdd

; ---- Intel's -----------------------------------------------------------------------

; The guest is in VMX operation without knowing, so the processor leaves for all but VMXON
; and VMFUNC, where they are instructions at all: in 32-bit and in 64-bit code (SDM 3 25.1.2).
%assign LEAVES !REAL && !(LONG && BITS != 64)

; outside_vmx NAME, BYTES
%macro outside_vmx 2+.nolist
case %1, "in a guest without VMX is #UD"
	ref	"SDM 3 25.1.2", "SDM 3 30.3", "APM 3 A.1"
	given	rbx=SCRATCH, rcx=0
	undefined_bytes %2
	%if LEAVES
	expect_hw vmx.%1
	%endif
%endmacro

; An operand at [EBX], in 16-bit code at [BX].
%if BITS == 16
	%define AT_BX 7
%else
	%define AT_BX 3
%endif

outside_vmx vmclear, 0x66, 0x0f, 0xc7, 0x30 | AT_BX
outside_vmx vmlaunch, 0x0f, 0x01, 0xc2
outside_vmx vmresume, 0x0f, 0x01, 0xc3
outside_vmx vmxoff, 0x0f, 0x01, 0xc4
outside_vmx vmptrld, 0x0f, 0xc7, 0x30 | AT_BX
outside_vmx vmptrst, 0x0f, 0xc7, 0x38 | AT_BX
outside_vmx vmread, 0x0f, 0x78, 0xc8
outside_vmx vmwrite, 0x0f, 0x79, 0xc8
outside_vmx invept, 0x66, 0x0f, 0x38, 0x80, 0x08 | AT_BX
outside_vmx invvpid, 0x66, 0x0f, 0x38, 0x81, 0x08 | AT_BX

case vmxon, "VMXON without CR4.VMXE is #UD"
	ref	"SDM 3 30.3", "APM 3 A.1"
	given	rbx=SCRATCH
	undefined_bytes 0xf3, 0x0f, 0xc7, 0x30 | AT_BX

case vmfunc, "VMFUNC where VM functions are not enabled is #UD"
	ref	"SDM 3 25.5.6.2", "APM 3 A.1"
	undefined_bytes 0x0f, 0x01, 0xd4

; ---- of both ------------------------------------------------------------------------

case rsm, "RSM outside system-management mode is #UD"
	ref	"SDM 2 RSM", "APM 3 RSM"
	undefined_bytes 0x0f, 0xaa

case monitor, "MONITOR and MWAIT where CPUID has none are #UD"
	ref	"SDM 2 MONITOR", "SDM 2 MWAIT", "APM 3 MONITOR", "APM 3 MWAIT", "SDM 3 8.10.3"
	cpuid_leaf 1, clear_ecx=1 << 3
	given	rax=SCRATCH, rcx=0, rdx=0
	undefined_bytes 0x0f, 0x01, 0xc8
	undefined_bytes 0x0f, 0x01, 0xc9

case invd, "INVD at CPL 0 changes nothing that memory shows"
	ref	"SDM 2 INVD", "APM 3 INVD"
	emulate	invd
	checkpoint
	expect_hw vmx.invd

case cr0_cached, "CR0 is read as it was given, CD and NW set too"
	ref	"SDM 3 2.5", "APM 2 3.1.1", "SDM 3 25.3"
	given	cr0=STAGE_CR0 | CR0_CD | CR0_NW
	emulate	mov dax, cr0
	checkpoint rax=STAGE_CR0 | CR0_CD | CR0_NW

case dr4_written, "with CR4.DE = 0, MOV to DR4 writes DR6"
	ref	"SDM 3 17.2.2", "APM 2 13.1.1"
	given	rax=DR6_INIT | DR6_BS
	emulate	mov dr4, dax
	checkpoint dr6=DR6_INIT | DR6_BS

; ---- hypercalls -----------------------------------------------------------------------

%define KVM_ENOSYS 1000
%define UNKNOWN_CALL 0x7f00

; hypercall INSTRUCTION, VENDOR: the number in RAX, the answer there too.
%macro hypercall 2.nolist
case %1, "a hypercall that the hypervisor does not have answers -KVM_ENOSYS"
	ref	"Linux Documentation/virt/kvm/x86/hypercalls.rst"
	need	%2
	given	rax=UNKNOWN_CALL
	%1
	%if BITS == 64
	checkpoint rax=-KVM_ENOSYS
	%else
	checkpoint rax=-KVM_ENOSYS & 0xffffffff
	%endif
	expect_hw hypercall
%endmacro

hypercall vmcall, intel
hypercall vmmcall, amd

; SPDX-License-Identifier: GPL-2.0-only
; KVM_SET_CPUID2: the guest's CPUID is the table that was set, and from its first
; KVM_RUN on that table stays. What the processor does not know it must leave the guest
; for; otherwise only VMX fixes that CPUID does (SDM 3 26.1.2).
%include "microguest.inc"
modes real16, prot32, long64

%define API_CPUID2 "Linux Documentation/virt/kvm/api.rst KVM_SET_CPUID2"
%define FEATURE_POPCNT (1 << 23)		; leaf 1 ECX

case bits_set, "What is set in the table is what CPUID returns, all four registers"
	ref	API_CPUID2, "SDM 2 CPUID", "APM 3 CPUID"
	cpuid_leaf 0x80000003, set_eax=0xffffffff, set_ebx=0xffffffff, clear_ecx=0xffffffff, set_edx=0xffffffff
	mov	eax, 0x80000003
	cpuid
	checkpoint rax=0xffffffff, rbx=0xffffffff, rcx=0, rdx=0xffffffff
	expect_hw cpuid

case feature_hidden, "A feature that was cleared in the table is not there for the guest"
	ref	API_CPUID2, "SDM 2 CPUID", "APM 3 CPUID"
	need	popcnt
	cpuid_leaf 1, clear_ecx=FEATURE_POPCNT
	mov	eax, 1
	xor	ecx, ecx
	cpuid
	and	ecx, FEATURE_POPCNT
	mov	[SCRATCH], ecx
	checkpoint rcx=0, status=ZF|PF, undefined=AF, undefined_reg=1|2|8
	writes	SCRATCH, dd, 0
	expect_hw cpuid

case subleaf, "Subleaves have entries of their own"
	ref	API_CPUID2, "SDM 2 CPUID", "APM 3 CPUID"
	need	xsave
	cpuid_leaf 0xd, subleaf=1, clear_ebx=0xffffffff, set_edx=0xabcd0000, clear_edx=0x5432ffff
	mov	eax, 0xd
	mov	ecx, 1
	cpuid
	mov	[SCRATCH], edx
	checkpoint rdx=0xabcd0000, undefined_reg=1|2|4
	writes	SCRATCH, dd, 0xabcd0000
	expect_hw cpuid

case osxsave_follows_cr4, "CPUID.1:ECX.OSXSAVE follows CR4, also when KVM_SET_SREGS sets that"
	ref	"SDM 2 CPUID", "SDM 3 2.5", "APM 3 CPUID"
	need	xsave
	mov	eax, 1
	cpuid
	shr	ecx, 27
	and	ecx, 1
	checkpoint rcx=0, status=ZF|PF, undefined=AF, undefined_reg=1|2|8
	expect_hw vmx.cpuid
	action	set, cr4=CR4_OSXSAVE | (LONG * CR4_PAE)
	mov	eax, 1
	cpuid
	shr	ecx, 27
	and	ecx, 1
	checkpoint rcx=1, status=0, undefined=AF, undefined_reg=1|2|8
	expect_hw vmx.cpuid

%if LONG

case same_again, "The same table may be set again when the vCPU has run"
	ref	API_CPUID2
	checkpoint
	action	call, text="KVM_SET_CPUID2", arg0=0, result=0
	checkpoint

case changed_after_run, "Another table than before is refused when the vCPU has run"
	ref	API_CPUID2
	mov	eax, 1
	cpuid
	shr	ebx, 24
	mov	ecx, ebx
	checkpoint undefined_reg=1|2|4|8, undefined=STATUS_FLAGS
	expect_hw vmx.cpuid
	action	call, text="KVM_SET_CPUID2", arg0=0x55000000, errno=EINVAL
	mov	eax, 1
	mov	esi, ecx
	cpuid
	shr	ebx, 24
	sub	ebx, esi
	checkpoint rbx=0, status=ZF|PF, undefined_reg=1|4|8|16
	expect_hw vmx.cpuid

%endif

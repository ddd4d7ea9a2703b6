; SPDX-License-Identifier: GPL-2.0-only
; KVM_SET_CPUID2: the guest's CPUID is the table that was set, and from its first
; KVM_RUN on that table stays. What the processor does not know it must leave the guest
; for; otherwise only VMX fixes that CPUID does (SDM 3 25.1.2).
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

case xsave_size, "Leaf 0Dh tells the size of the area for what XCR0 enables"
	ref	"SDM 2 CPUID", "SDM 1 13.2", "APM 3 E.3.8", "SDM 3 13.5"
	need	xsave, avx
	uses	avx
	given	cr4=CR4_OSXSAVE | CR4_OSFXSR | (LONG * CR4_PAE), xcr0=3
	mov	eax, 0xd
	xor	ecx, ecx
	cpuid
	mov	esi, ebx
	checkpoint rsi=576, status=ZF|PF, undefined=AF, undefined_reg=1|2|4|8
	action	set, xcr0=7
	mov	eax, 0xd
	xor	ecx, ecx
	cpuid
	mov	edi, ebx
	mov	eax, 0xd
	mov	ecx, 2
	cpuid
	add	eax, ebx
	sub	edi, eax
	checkpoint rdi=0, status=ZF|PF, undefined=AF, undefined_reg=1|2|4|8

case xcr0_hidden, "A component that was cleared in leaf 0Dh cannot be enabled"
	ref	API_CPUID2, "SDM 2 XSETBV", "SDM 1 13.3"
	need	xsave, avx
	uses	avx
	given	cr4=CR4_OSXSAVE | CR4_OSFXSR | (LONG * CR4_PAE), xcr0=3, rax=7, rcx=0, rdx=0
	cpuid_leaf 0xd, subleaf=0, clear_eax=4
.f:	xsetbv
	expect	exception, vector=VEC_GP, error=0, rip=.f

case xcr0_hidden_for_user, "nor by KVM_SET_XCRS"
	ref	API_CPUID2, "Linux Documentation/virt/kvm/api.rst KVM_SET_XCRS"
	need	xsave, avx
	cpuid_leaf 0xd, subleaf=0, clear_eax=4
	action	set, xcr0=7, errno=EINVAL
	checkpoint

case amd_mirror, "AMD's leaf 80000001h tells the same of what both leaves tell"
	ref	"APM 3 E.4.2"
	need	amd
	mov	eax, 1
	cpuid
	mov	esi, edx
	mov	eax, 0x80000001
	cpuid
	xor	edx, esi
	and	edx, 0x0183f3ff
	checkpoint rdx=0, status=ZF|PF, undefined=AF, undefined_reg=1|2|4|0x10

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

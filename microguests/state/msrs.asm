; SPDX-License-Identifier: GPL-2.0-only
; KVM_GET/SET_MSRS: what was set is what RDMSR and the instructions that use it see,
; what WRMSR wrote comes back, and what the register cannot hold is not written.
%include "microguest.inc"
modes prot32, long64

%define API_MSRS "Linux Documentation/virt/kvm/api.rst KVM_SET_MSRS"
%define MSR_UNKNOWN 0x12345678
%define MSR_TSC_ADJUST 0x3b
%define MSR_MTRR_DEF_TYPE 0x2ff
%define MSR_MTRR_PHYSBASE0 0x200
%define MSR_MTRR_PHYSMASK0 0x201
%define MSR_HWCR 0xc0010015
%define PAT_RESET 0x0007040600070406

; The guest reads the register that was set.
%macro reads 2.nolist
	checkpoint
	action	set_msr, index=%1, value=%2
	action	check_msr, index=%1, value=%2
	mov	ecx, %1
	rdmsr
	checkpoint rax=(%2) & 0xffffffff, rcx=%1, rdx=((%2) >> 32) & 0xffffffff
%endmacro

; What the guest writes comes back.
%macro written 2.nolist
	mov	ecx, %1
	mov	eax, (%2) & 0xffffffff
	mov	edx, ((%2) >> 32) & 0xffffffff
	wrmsr
	checkpoint rax=(%2) & 0xffffffff, rcx=%1, rdx=((%2) >> 32) & 0xffffffff
	action	check_msr, index=%1, value=%2
%endmacro

; A value that must not be written; the register keeps the one it had.
%macro refused 3.nolist
	checkpoint
	action	set_msr, index=%1, value=%3
	action	set_msr, index=%1, value=%2, refused=1
	action	check_msr, index=%1, value=%3
	checkpoint
%endmacro

case sysenter_cs, "RDMSR gives the IA32_SYSENTER_CS that was set"
	ref	API_MSRS, "SDM 4 2.1"
	need	sep
	reads	MSR_SYSENTER_CS, 0x48

case sysenter_esp, "RDMSR gives the IA32_SYSENTER_ESP that was set"
	ref	API_MSRS, "SDM 4 2.1"
	need	sep
	reads	MSR_SYSENTER_ESP, 0x12345678

case sysenter_eip, "RDMSR gives the IA32_SYSENTER_EIP that was set, and WRMSR's value comes back"
	ref	API_MSRS, "SDM 4 2.1"
	need	sep
	reads	MSR_SYSENTER_EIP, 0x87654000
	written	MSR_SYSENTER_EIP, 0x23456789

case pat, "RDMSR gives the IA32_PAT that was set, and WRMSR's value comes back"
	ref	API_MSRS, "SDM 3 11.12.2"
	need	pat
	reads	MSR_PAT, 0x0001040506070001
	written	MSR_PAT, PAT_RESET

case pat_reserved, "IA32_PAT with a reserved memory type is not written"
	ref	API_MSRS, "SDM 3 11.12.2"
	need	pat
	refused	MSR_PAT, 0x0007040600070402, PAT_RESET

case mtrr, "The MTRRs that were set are what RDMSR gives"
	ref	API_MSRS, "SDM 3 11.11.2", "APM 2 7.7"
	need	mtrr
	reads	MSR_MTRR_DEF_TYPE, 0xc06
	checkpoint
	action	set_msr, index=MSR_MTRR_PHYSBASE0, value=0xc0000001
	action	set_msr, index=MSR_MTRR_PHYSMASK0, value=0xff0000800
	mov	ecx, MSR_MTRR_PHYSBASE0
	rdmsr
	checkpoint rax=0xc0000001, rcx=MSR_MTRR_PHYSBASE0, rdx=0
	mov	ecx, MSR_MTRR_PHYSMASK0
	rdmsr
	checkpoint rax=0xf0000800, rcx=MSR_MTRR_PHYSMASK0, rdx=0xf

case mtrr_reserved, "IA32_MTRR_DEF_TYPE with a reserved memory type is not written"
	ref	API_MSRS, "SDM 3 11.11.2.1"
	need	mtrr
	refused	MSR_MTRR_DEF_TYPE, 0xc02, 0xc06

case tsc_aux, "RDTSCP gives the IA32_TSC_AUX that was set"
	ref	API_MSRS, "SDM 2 RDTSCP"
	need	rdtscp
	checkpoint
	action	set_msr, index=MSR_TSC_AUX, value=0xabcd1234
	rdtscp
	mov	eax, 0
	mov	edx, 0
	checkpoint rax=0, rcx=0xabcd1234, rdx=0

case unknown, "A register that no processor has is neither written nor read"
	ref	API_MSRS, "Linux Documentation/virt/kvm/api.rst KVM_GET_MSRS"
	checkpoint
	action	set_msr, index=MSR_UNKNOWN, value=1, refused=1
	action	check_msr, index=MSR_UNKNOWN, refused=1
	checkpoint

case stops_at_refused, "KVM_SET_MSRS stops at the first it cannot write, and says how many it wrote"
	ref	API_MSRS
	need	sep
	checkpoint
	action	set_msr, index=MSR_SYSENTER_EIP, value=0x1000
	action	call, text="KVM_SET_MSRS", value=0x5000, arg0=MSR_SYSENTER_ESP, arg1=MSR_UNKNOWN, \
		arg2=MSR_SYSENTER_EIP, result=1
	action	check_msr, index=MSR_SYSENTER_ESP, value=0x5000
	action	check_msr, index=MSR_SYSENTER_EIP, value=0x1000
	checkpoint

case apic_base, "IA32_APIC_BASE by KVM_SET_MSRS is the one of KVM_GET_SREGS and of the guest"
	ref	API_MSRS, "SDM 3 10.4.4"
	irqchip	user, split, kernel
	checkpoint
	action	set_msr, index=MSR_APIC_BASE, value=0xfef00900
	mov	ecx, MSR_APIC_BASE
	rdmsr
	checkpoint rax=0xfef00900, rcx=MSR_APIC_BASE, rdx=0, apic_base=0xfef00900

case apic_base_reserved, "IA32_APIC_BASE with a reserved bit is not written"
	ref	API_MSRS, "SDM 3 10.4.4"
	refused	MSR_APIC_BASE, 0xfee00901, 0xfee00900

case efer_reserved, "EFER with a reserved bit is not written"
	ref	API_MSRS, "SDM 4 2.1"
	checkpoint
	action	set_msr, index=MSR_EFER, value=(1 << 63) | (LONG * (EFER_LME | EFER_LMA | EFER_NXE)), refused=1
	checkpoint

case tsc, "The guest's TSC goes on from what KVM_SET_MSRS put there"
	ref	API_MSRS, "SDM 3 17.17", "APM 2 13.2.4"
	need	tsc
	checkpoint
	action	set_msr, index=MSR_TSC, value=0x1234000000000000
	action	check_msr, index=MSR_TSC, value=0x1234000000000000, mask=0xffff000000000000
	rdtsc
	shr	edx, 16
	mov	eax, 0
	checkpoint rax=0, rdx=0x1234, undefined=STATUS_FLAGS

case tsc_written, "The TSC that the guest wrote is what KVM_GET_MSRS reads"
	ref	API_MSRS, "SDM 3 17.17.3"
	need	tsc
	mov	ecx, MSR_TSC
	mov	eax, 0
	mov	edx, 0x43210000
	wrmsr
	checkpoint rax=0, rcx=MSR_TSC, rdx=0x43210000
	action	check_msr, index=MSR_TSC, value=0x4321000000000000, mask=0xffff000000000000
	checkpoint

case tsc_adjust, "IA32_TSC_ADJUST moves the TSC when the guest writes it, and comes back"
	ref	API_MSRS, "SDM 3 17.17.3"
	need	tsc_adjust
	action	set_msr, index=MSR_TSC, value=0x1000000000000000
	action	set_msr, index=MSR_TSC_ADJUST, value=0
	mov	ecx, MSR_TSC_ADJUST
	mov	eax, 0
	mov	edx, 0x20000000
	wrmsr
	rdtsc
	shr	edx, 16
	mov	eax, 0
	checkpoint rax=0, rcx=MSR_TSC_ADJUST, rdx=0x3000, undefined=STATUS_FLAGS
	action	check_msr, index=MSR_TSC_ADJUST, value=0x2000000000000000
	checkpoint

case tsc_offset, "The TSC follows the offset that KVM_VCPU_TSC_OFFSET sets"
	ref	"Linux Documentation/virt/kvm/devices/vcpu.rst KVM_VCPU_TSC_OFFSET"
	ref	"SDM 3 25.3"
	need	cap_vcpu_attributes
	action	poke, text="TSC_OFFSET", offset=0, size=8, data=0
	rdtsc
	mov	esi, edx
	mov	eax, 0
	mov	edx, 0
	checkpoint rax=0, rdx=0, undefined_reg=1 << 4
	action	poke, text="TSC_OFFSET", offset=0, size=8, data=0x0123000000000000
	action	peek, text="TSC_OFFSET", offset=0, size=8, data=0x0123000000000000
	rdtsc
	sub	edx, esi
	shr	edx, 16
	mov	eax, 0
	checkpoint rax=0, rdx=0x0123, undefined=STATUS_FLAGS

case tsc_khz, "KVM_GET_TSC_KHZ gives the frequency that KVM_SET_TSC_KHZ set"
	ref	"Linux Documentation/virt/kvm/api.rst KVM_SET_TSC_KHZ"
	need	cap_tsc_control, cap_get_tsc_khz
	checkpoint
	action	set, tsc_khz=1234567
	action	check, tsc_khz=1234567
	checkpoint

case hwcr, "AMD's HWCR is there"
	ref	"APM 2 A.1"
	given	rcx=MSR_HWCR
	need	amd
	rdmsr
	checkpoint undefined_reg=1|8

%if LONG

case star, "RDMSR gives the STAR that was set, and WRMSR's value comes back"
	ref	API_MSRS, "SDM 4 2.1"
	need	syscall
	reads	MSR_STAR, 0x0018000800000000
	written	MSR_STAR, 0x001b001000000000

case lstar, "SYSCALL goes to the LSTAR that was set, with the flags of SFMASK clear"
	ref	API_MSRS, "SDM 2 SYSCALL"
	need	syscall
	given	efer=EFER_LME | EFER_LMA | EFER_NXE | EFER_SCE, rflags=2 | AC | DF
	descriptor SEL_FREE, base=0, limit=0xffffffff, ar=AR_CODE64
	descriptor SEL_FREE + 8, base=0, limit=0xffffffff, ar=AR_DATA
	checkpoint
	action	set_msr, index=MSR_STAR, value=SEL_FREE << 32
	action	set_msr, index=MSR_LSTAR, value=.there
	action	set_msr, index=MSR_SFMASK, value=DF
	syscall
.back:	ud2
.there:	checkpoint rcx=.back, r11=2 | AC | DF, clear=DF, cs=SEL_FREE, ss=SEL_FREE + 8

case cstar, "RDMSR gives the CSTAR that was set"
	ref	API_MSRS, "SDM 4 2.1"
	need	syscall
	reads	MSR_CSTAR, 0xffff800012345678

case sfmask, "RDMSR gives the SFMASK that was set"
	ref	API_MSRS, "SDM 4 2.1"
	need	syscall
	reads	MSR_SFMASK, 0x47700

case kernel_gs_base, "SWAPGS brings in the IA32_KERNEL_GS_BASE that was set"
	ref	API_MSRS, "SDM 2 SWAPGS"
	memory	SCRATCH + 8, dd, 0x55aa55aa
	checkpoint
	action	set_msr, index=MSR_KERNEL_GS_BASE, value=SCRATCH
	swapgs
	mov	eax, [gs:abs 8]
	checkpoint rax=0x55aa55aa, gs_base=SCRATCH
	action	check_msr, index=MSR_KERNEL_GS_BASE, value=0
	checkpoint

case fs_base, "IA32_FS_BASE by KVM_SET_MSRS is the base of FS"
	ref	API_MSRS, "SDM 3 3.4.4.1"
	memory	SCRATCH + 0x20, dd, 0x11223344
	checkpoint
	action	set_msr, index=MSR_FS_BASE, value=SCRATCH
	mov	eax, [fs:abs 0x20]
	checkpoint rax=0x11223344, fs_base=SCRATCH

case efer, "EFER by KVM_SET_MSRS is the one of KVM_GET_SREGS and of the guest"
	ref	API_MSRS, "SDM 4 2.1"
	need	syscall
	checkpoint
	action	set_msr, index=MSR_EFER, value=EFER_LME | EFER_LMA | EFER_NXE | EFER_SCE
	mov	ecx, MSR_EFER
	rdmsr
	checkpoint rax=EFER_LME | EFER_LMA | EFER_NXE | EFER_SCE, rcx=MSR_EFER, rdx=0, \
		efer=EFER_LME | EFER_LMA | EFER_NXE | EFER_SCE

case efer_lma, "LMA is the processor's: KVM_SET_MSRS leaves it as it is"
	ref	API_MSRS, "SDM 4 2.1", "APM 2 3.1.7"
	checkpoint
	action	set_msr, index=MSR_EFER, value=EFER_LME | EFER_NXE
	action	check_msr, index=MSR_EFER, value=EFER_LME | EFER_LMA | EFER_NXE
	checkpoint

%macro non_canonical 1.nolist
	ref	API_MSRS, "SDM 2 WRMSR", "SDM 4 2.1"
	refused	%1, 0x0100800000000000, 0xffff800000001000
%endmacro

case lstar_non_canonical, "LSTAR with a non-canonical address is not written"
	need	syscall
	non_canonical MSR_LSTAR

case cstar_non_canonical, "CSTAR with a non-canonical address is not written"
	need	syscall
	non_canonical MSR_CSTAR

case kernel_gs_base_non_canonical, "IA32_KERNEL_GS_BASE with a non-canonical address is not written"
	non_canonical MSR_KERNEL_GS_BASE

case fs_base_non_canonical, "IA32_FS_BASE with a non-canonical address is not written"
	ref	API_MSRS, "SDM 2 WRMSR", "SDM 4 2.1"
	checkpoint
	action	set_msr, index=MSR_FS_BASE, value=0x0100800000000000, refused=1
	checkpoint

%endif

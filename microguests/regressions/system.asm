; SPDX-License-Identifier: GPL-2.0-only
; What broke in KVM's MSRs, ports, APIC and clock, where no other suite shows it.
%include "microguest.inc"
modes real16, prot32, long64
%include "events.inc"

%define LOW_WORD(initial, word) (((initial) & ~0xffff) | (word))
; #GP pushes an error code in protected mode only.
%if REAL
	%define GP_CODE
%else
	%define GP_CODE error=0,
%endif

; ---- ports --------------------------------------------------------------------------------------

case port_80, "Port 80h is like any other: every OUT to it exits, however many there are"
	ref	"SDM 2 OUT", "KVM API 5 KVM_EXIT_IO", "CVE-2017-1000407"
%rep 8
	out	0x80, al
	expect	io_out, port=0x80, size=1, data=0x11
	expect_hw io
%endrep
	mov	dx, 0x80
	out	dx, ax
	expect	io_out, port=0x80, size=2, data=0x1111, rdx=LOW_WORD(REG_RDX, 0x80)
	in	al, 0x80
	expect	io_in, port=0x80, size=1, data=0x42, rax=LOW_BYTE(REG_RAX, 0x42)
	expect_hw io
	checkpoint

; ---- MSRs ---------------------------------------------------------------------------------------

; Behind the last of the fixed MTRRs and before IA32_MTRR_DEF_TYPE there is none (SDM 4 2.1).
case mtrr_2f8, "There is no MSR 2F8h: RDMSR and WRMSR of it are #GP(0)"
	ref	"SDM 2 RDMSR", "SDM 4 2.1", "APM 2 appendix A", "CVE-2016-3713"
	given	rcx=0x2f8, rax=0, rdx=0
.r:	rdmsr
	expect	exception, vector=VEC_GP, GP_CODE rip=.r
.w:	wrmsr
	expect	exception, vector=VEC_GP, GP_CODE rip=.w
	checkpoint

case apic_base, "WRMSR of reserved bits, or of a mode that does not exist, to IA32_APIC_BASE is #GP(0)"
	ref	"SDM 3 10.4.4", "SDM 3 10.12.1", "APM 2 16.3.1", "kvm-unit-tests 9b6bdb3f", "kvm-unit-tests 22c7d929"
	need	maxphyaddr_lt_52
	irqchip	user, split, kernel
	given	rcx=MSR_APIC_BASE, rax=APIC_BASE | APIC_BASE_ENABLE | APIC_BASE_BSP | 1, rdx=0
.low:	wrmsr
	expect	exception, vector=VEC_GP, GP_CODE rip=.low
	mov	eax, APIC_BASE | APIC_BASE_ENABLE | APIC_BASE_BSP
	mov	edx, 0x80000
.high:	wrmsr
	expect	exception, vector=VEC_GP, GP_CODE rip=.high, rax=APIC_BASE | APIC_BASE_ENABLE | APIC_BASE_BSP, rdx=0x80000
	mov	eax, APIC_BASE | APIC_BASE_X2APIC | APIC_BASE_BSP
	mov	edx, 0
.mode:	wrmsr
	expect	exception, vector=VEC_GP, GP_CODE rip=.mode, rax=APIC_BASE | APIC_BASE_X2APIC | APIC_BASE_BSP, rdx=0
	checkpoint

%if BITS == 64
case xcr_index, "XGETBV and XSETBV take the register's number from ECX, whatever RCX has above it"
	ref	"SDM 2 XGETBV", "SDM 2 XSETBV", "APM 3 XSETBV", "kvm-unit-tests 094a6ea5"
	need	xsave
	uses	avx
	given	rcx=0xffffffff00000000, rax=3, rdx=0
	emulate	xsetbv
	mov	eax, 0x55
	xgetbv
	checkpoint xcr0=3, rax=3
%endif

case osxsave_without_xsave, "KVM_SET_SREGS with CR4.OSXSAVE is refused where the guest's processor has no XSAVE"
	ref	"KVM API 4.12 KVM_SET_SREGS", "SDM 3 2.5", "CVE-2012-4461"
	cpuid_leaf 1, clear_ecx=1 << 26
	checkpoint
	action	set, cr4=STAGE_CR4 | CR4_OSXSAVE, errno=EINVAL
	checkpoint

; ---- the local APIC's timer ---------------------------------------------------------------------

%if MODE_NUMBER != MODE_REAL16
case timer_short, "A timer with the shortest counts and any divider can be read, and nothing divides by zero"
	ref	"SDM 3 10.5.4", "APM 2 16.4.1", "CVE-2013-6367"
	irqchip	split, kernel
%if PAGED
	pde	APIC_BASE, set=PTE_PS | PTE_PCD
%endif
	given	rdi=APIC_BASE, rax=0, rbx=0
	mov	dword [xdi + APIC_SVR], SVR_ENABLE | 0xff
%assign divider 0
%rep 8
	mov	dword [xdi + APIC_TIMER_DIVIDE], (divider & 3) | (divider & 4) << 1
	mov	dword [xdi + APIC_LVT_TIMER], LVT_MASKED | 0x40
	mov	dword [xdi + APIC_TIMER_INITIAL], 1
	mov	eax, [xdi + APIC_TIMER_CURRENT]
	or	ebx, eax
	mov	dword [xdi + APIC_LVT_TIMER], LVT_MASKED | LVT_PERIODIC | 0x40
	mov	dword [xdi + APIC_TIMER_INITIAL], 1
	mov	eax, [xdi + APIC_TIMER_CURRENT]
	mov	dword [xdi + APIC_TIMER_INITIAL], 0
	mov	eax, [xdi + APIC_TIMER_CURRENT]
	or	ebx, eax
	%assign divider divider + 1
%endrep
	and	ebx, ~1
	checkpoint status=ZF | PF, rax=0, rbx=0
%endif

; ---- what KVM offers beyond hardware ------------------------------------------------------------

%if BITS == 64
%define MSR_KVM_SYSTEM_TIME_NEW 0x4b564d01
case clock_over_page, "A clock page of KVM's that begins at the last bytes of a page is split, or refused"
	ref	"Linux Documentation/virt/kvm/x86/msr.rst MSR_KVM_SYSTEM_TIME_NEW", "CVE-2013-1796"
	need	kvm_clocksource2
	given	rcx=MSR_KVM_SYSTEM_TIME_NEW, rax=PAGES + 0x1000 - 8 + 1, rdx=0
	wrmsr
	checkpoint
	undefined_memory PAGES + 0x1000 - 8, 32
	nop
	checkpoint
	undefined_memory PAGES + 0x1000 - 8, 32
	mov	eax, 0
	wrmsr
	checkpoint rax=0
	undefined_memory PAGES + 0x1000 - 8, 32

%define KVM_HC_SEND_IPI 10
%macro send_ipi_case 2.nolist	; MAKER, INSTRUCTION
case send_ipi_beyond_%1, "KVM's hypercall for IPIs to a range of APIC IDs beyond all there are reaches none, and says so"
	ref	"Linux Documentation/virt/kvm/x86/hypercalls.rst KVM_HC_SEND_IPI", "kvm-unit-tests de8d3fcc"
	need	kvm_pv_send_ipi, %1
	irqchip	kernel
	given	rax=KVM_HC_SEND_IPI, rbx=0xffffffffffffffff, rcx=0xffffffffffffffff, rdx=0xf8000000, rsi=0x40
	%2
	checkpoint rax=0
%endmacro
send_ipi_case intel, vmcall
send_ipi_case amd, vmmcall
%endif

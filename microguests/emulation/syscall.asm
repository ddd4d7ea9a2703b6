; SPDX-License-Identifier: GPL-2.0-only
; SYSCALL, SYSRET, SYSENTER and SYSEXIT. None of them reads a descriptor: most cases
; give selectors whose descriptors are empty and expect fixed flat segments.
%include "microguest.inc"
modes prot32, pae32, compat32, long64
%include "emulate.inc"
%include "events.inc"

%define FREE (SEL_FREE + 8)
%define FLAT 0xffffffff
%define EFER_ON ((LONG * (EFER_LME | EFER_LMA | EFER_NXE)) | EFER_SCE)
%define USER_SP (SCRATCH + 0x800)
%define AR_UDATA (AR_DATA | AR_DPL3)

; flat_cs/flat_ss: CS and SS as these instructions load them.
%define flat_code(selector, rights) cs=selector, cs_base=0, cs_limit=FLAT, cs_ar=rights
%define flat_stack(selector, rights) ss=selector, ss_base=0, ss_limit=FLAT, ss_ar=rights

%macro ud 0.nolist
	expect	exception, vector=VEC_UD, rip=EMULATED
%endmacro
%macro gp 0.nolist
	expect	exception, vector=VEC_GP, error=0, rip=EMULATED
%endmacro

; user_page ADDRESS: code the supervisor prepares for CPL 3.
%macro user_page 1.nolist
	%if PAGED
		pte %1, set=PTE_U
	%endif
%endmacro

; ---- SYSCALL ------------------------------------------------------------------------

case syscall_off, "SYSCALL with EFER.SCE = 0 is #UD"
	ref	"SDM 2 SYSCALL", "APM 3 SYSCALL"
	rings	0, 3
	emulate	syscall
	ud

case sysret_off, "SYSRET with EFER.SCE = 0 is #UD"
	ref	"SDM 2 SYSRET", "APM 3 SYSRET"
	emulate	sysret
	ud

%if BITS == 64
%macro syscall_code 0.nolist
	emulate	syscall
.back:	ud2
.there:	checkpoint flat_code(FREE, AR_CODE64), flat_stack(FREE + 8, AR_DATA), rcx=.back, \
		r11=STATUS_FLAGS | DF | 2, rflags=(STATUS_FLAGS & ~(CF | ZF)) | 2
%endmacro

case syscall, "SYSCALL saves RIP in RCX and RFLAGS in R11, masks RFLAGS and loads fixed segments"
	ref	"SDM 2 SYSCALL", "APM 3 SYSCALL", "SDM 3 5.8.8", "APM 2 6.1.1"
	need	syscall
	given	efer=EFER_ON, rflags=STATUS_FLAGS | DF | 2
	msr	MSR_STAR, FREE << 32
	msr	MSR_LSTAR, .there
	msr	MSR_CSTAR, 0
	msr	MSR_SFMASK, CF | ZF | DF | IF
	syscall_code

case syscall_ring3, "SYSCALL from CPL 3 goes to CPL 0 on the same stack"
	ref	"SDM 2 SYSCALL", "APM 3 SYSCALL"
	need	syscall
	ring3
	given	efer=EFER_ON, rflags=STATUS_FLAGS | DF | 2
	msr	MSR_STAR, FREE << 32
	msr	MSR_LSTAR, .there
	msr	MSR_SFMASK, CF | ZF | DF | IF
	syscall_code
%endif

%if LONG && BITS == 32
case syscall_compat, "SYSCALL from compatibility mode goes to CSTAR in 64-bit mode on AMD's processors"
	ref	"APM 3 SYSCALL"
	need	amd
	rings	0, 3
	given	efer=EFER_ON, rflags=CF | DF | 2
	msr	MSR_STAR, FREE << 32
	msr	MSR_CSTAR, .there
	msr	MSR_SFMASK, DF
	emulate	syscall
.back:	ud2
.there:	checkpoint flat_code(FREE, AR_CODE64), flat_stack(FREE + 8, AR_DATA), rcx=.back, \
		r11=CF | DF | 2, rflags=CF | 2

case syscall_compat_intel, "SYSCALL from compatibility mode is #UD on Intel's processors"
	ref	"SDM 2 SYSCALL"
	need	intel
	ring3
	given	efer=EFER_ON
	emulate	syscall
	ud
%endif

%if !LONG
case syscall_legacy, "SYSCALL outside long mode goes to STAR's EIP and saves EIP in ECX on AMD's processors"
	ref	"APM 3 SYSCALL", "APM 2 6.1.1"
	need	amd, syscall
	rings	0, 3
	given	efer=EFER_ON, set=IF | CF | DF
	msr	MSR_STAR, (FREE << 32) + .there
	emulate	syscall
.back:	ud2
.there:	checkpoint flat_code(FREE, AR_CODE32), flat_stack(FREE + 8, AR_DATA), rcx=.back, clear=IF

case syscall_legacy_intel, "SYSCALL outside long mode is #UD on Intel's processors"
	ref	"SDM 2 SYSCALL"
	need	intel
	given	efer=EFER_ON
	emulate	syscall
	ud
%endif

; ---- SYSRET --------------------------------------------------------------------------

%if BITS == 64
case sysret_64, "SYSRET with REX.W returns to 64-bit code at CPL 3 with RFLAGS from R11"
	ref	"SDM 2 SYSRET", "APM 3 SYSRET", "SDM 3 5.8.8", "APM 2 6.1.1"
	need	syscall
	given	efer=EFER_ON, rcx=.there, r11=STATUS_FLAGS | IF | IOPL_3 | RF | VM
	msr	MSR_STAR, FREE << 48
	user_page .there
	emulate	o64 sysret
	ud2
.there:	nop
	checkpoint flat_code((FREE + 16) | 3, AR_CODE64 | AR_DPL3), flat_stack((FREE + 8) | 3, AR_UDATA), \
		rflags=STATUS_FLAGS | IF | IOPL_3 | 2

case sysret_32, "SYSRET without REX.W returns to 32-bit code at CPL 3, at ECX"
	ref	"SDM 2 SYSRET", "APM 3 SYSRET"
	need	syscall
	given	efer=EFER_ON, rcx=0xabcdef0100000000 + .there, r11=CF
	msr	MSR_STAR, FREE << 48
	user_page .there
	emulate	sysret
	ud2
.there:	checkpoint flat_code(FREE | 3, AR_CODE32 | AR_DPL3), flat_stack((FREE + 8) | 3, AR_UDATA), rflags=CF | 2

case sysret_non_canonical, "SYSRET to a non-canonical address is #GP(0) at CPL 0 on Intel's processors"
	ref	"SDM 2 SYSRET"
	need	intel
	given	efer=EFER_ON, rcx=1 << 47, r11=2
	emulate	o64 sysret
	gp
%endif

case sysret_ring3, "SYSRET at CPL 3 is #GP(0)"
	ref	"SDM 2 SYSRET", "APM 3 SYSRET"
%if BITS == 64
	need	syscall
%else
	need	amd, syscall
%endif
	ring3
	given	efer=EFER_ON
	emulate	sysret
	gp

; ---- SYSENTER and SYSEXIT: not in long mode on AMD's processors -----------------------

%macro need_sysenter 0.nolist
	%if LONG
		need intel
	%else
		need sep
	%endif
%endmacro
%if LONG
	%define AR_SYSENTER AR_CODE64
%else
	%define AR_SYSENTER AR_CODE32
%endif

case sysenter, "SYSENTER loads fixed segments, the two addresses of the MSRs, and clears IF"
	ref	"SDM 2 SYSENTER", "APM 3 SYSENTER", "SDM 3 5.8.7", "APM 2 6.1.2"
	need_sysenter
	rings	0, 3
	given	set=IF | CF
	msr	MSR_SYSENTER_CS, FREE | 3
	msr	MSR_SYSENTER_ESP, USER_SP
	msr	MSR_SYSENTER_EIP, .there
	emulate	sysenter
	ud2
.there:	checkpoint flat_code(FREE, AR_SYSENTER), flat_stack(FREE + 8, AR_DATA), rsp=USER_SP, clear=IF

case sysenter_no_cs, "SYSENTER with a null SYSENTER_CS is #GP(0)"
	ref	"SDM 2 SYSENTER", "APM 3 SYSENTER", "SDM 3 5.8.7"
	need_sysenter
	rings	0, 3
	msr	MSR_SYSENTER_CS, 3
	emulate	sysenter
	gp

%if LONG
%define HIGH (1 << 32)
case sysenter_high, "SYSENTER in long mode, from compatibility mode too, takes 64 bits of both addresses"
	ref	"SDM 2 SYSENTER"
	need	intel
	ring3
	pte	HIGH + .there, pa=TEXT, clear=PTE_U
	msr	MSR_SYSENTER_CS, FREE
	msr	MSR_SYSENTER_ESP, 0x7edcba987650
	msr	MSR_SYSENTER_EIP, HIGH + .there
	emulate	sysenter
	ud2
.there:	checkpoint flat_code(FREE, AR_SYSENTER), flat_stack(FREE + 8, AR_DATA), rsp=0x7edcba987650, \
		rip=HIGH + .end
.end:

case sysenter_amd, "SYSENTER and SYSEXIT in long mode are #UD on AMD's processors"
	ref	"APM 3 SYSENTER", "APM 3 SYSEXIT"
	need	amd
	msr	MSR_SYSENTER_CS, SEL_CODE64
	emulate	sysenter
	ud
	emulate	sysexit
	ud
%endif

case sysexit, "SYSEXIT returns to 32-bit code at CPL 3 with EIP from EDX and ESP from ECX"
	ref	"SDM 2 SYSEXIT", "APM 3 SYSEXIT", "SDM 3 5.8.7", "APM 2 6.1.2"
	need_sysenter
	given	rdx=.there, rcx=USER_SP
	msr	MSR_SYSENTER_CS, FREE
	user_page .there
	emulate	sysexit
	ud2
.there:	checkpoint flat_code((FREE + 16) | 3, AR_CODE32 | AR_DPL3), flat_stack((FREE + 24) | 3, AR_UDATA), \
		rsp=USER_SP

%if BITS == 64
case sysexit_64, "SYSEXIT with REX.W returns to 64-bit code at CPL 3"
	ref	"SDM 2 SYSEXIT", "SDM 3 5.8.7"
	need	intel
	given	rdx=.there, rcx=USER_SP
	msr	MSR_SYSENTER_CS, FREE
	user_page .there
	emulate	o64 sysexit
	ud2
.there:	checkpoint flat_code((FREE + 32) | 3, AR_CODE64 | AR_DPL3), flat_stack((FREE + 40) | 3, AR_UDATA), \
		rsp=USER_SP

case sysexit_non_canonical, "SYSEXIT to a non-canonical address is #GP(0)"
	ref	"SDM 2 SYSEXIT"
	need	intel
	given	rdx=1 << 63
	msr	MSR_SYSENTER_CS, FREE
	emulate	o64 sysexit
	gp
%endif

case sysexit_no_cs, "SYSEXIT with a null SYSENTER_CS is #GP(0)"
	ref	"SDM 2 SYSEXIT", "APM 3 SYSEXIT"
	need_sysenter
	msr	MSR_SYSENTER_CS, 0
	emulate	sysexit
	gp

case sysexit_ring3, "SYSEXIT at CPL 3 is #GP(0)"
	ref	"SDM 2 SYSEXIT", "APM 3 SYSEXIT"
	need_sysenter
	ring3
	msr	MSR_SYSENTER_CS, FREE
	emulate	sysexit
	gp

; SPDX-License-Identifier: GPL-2.0-only
; Instructions about the processor itself: CPUID, RDMSR, WRMSR, RDTSC, RDPMC, the
; bases of FS and GS, and extended control registers.
%include "microguest.inc"
modes real16, prot16, prot32, compat32, long64
%include "emulate.inc"
%include "events.inc"

%assign REAL16 MODE_NUMBER == MODE_REAL16
%if BITS == 64
	%define HIGH_ONES (0xffffffff << 32)
%else
	%define HIGH_ONES 0
%endif

%macro gp 0.nolist
	%if REAL16
		expect exception, vector=VEC_GP, rip=EMULATED
	%else
		expect exception, vector=VEC_GP, error=0, rip=EMULATED
	%endif
%endmacro

%macro ud 0.nolist
	expect exception, vector=VEC_UD, rip=EMULATED
%endmacro

; brand A, B, C, D: a leaf of the processor's name, which carries no feature.
%define BRAND 0x80000003
%macro brand 4.nolist
	cpuid_leaf BRAND, set_eax=%1, clear_eax=~(%1) & 0xffffffff, set_ebx=%2, clear_ebx=~(%2) & 0xffffffff, \
		set_ecx=%3, clear_ecx=~(%3) & 0xffffffff, set_edx=%4, clear_edx=~(%4) & 0xffffffff
%endmacro

case cpuid, "CPUID looks at EAX only, and clears the high halves of the four registers"
	ref	"SDM 2 CPUID", "APM 3 CPUID", "APM 2 3.3", "APM 2 6.2"
	brand	0x89abcdef, 0x01234567, 0xfedcba98, 0x76543210
	given	rax=HIGH_ONES | BRAND
	emulate	cpuid
	checkpoint rax=0x89abcdef, rbx=0x01234567, rcx=0xfedcba98, rdx=0x76543210
	expect_hw cpuid

%if !REAL16
case cpuid_ring3, "CPUID at CPL 3 gives the same"
	ref	"SDM 2 CPUID", "APM 3 CPUID"
	ring3
	brand	0x11112222, 0x33334444, 0x55556666, 0x77778888
	given	rax=BRAND
	emulate	cpuid
	checkpoint rax=0x11112222, rbx=0x33334444, rcx=0x55556666, rdx=0x77778888
	expect_hw cpuid
%endif

; ---- model-specific registers -----------------------------------------------------

case msr, "WRMSR takes EDX:EAX, RDMSR gives it and clears the high halves"
	ref	"SDM 2 RDMSR", "SDM 2 WRMSR", "APM 3 RDMSR", "APM 2 3.2", "APM 2 6.2"
	given	rcx=HIGH_ONES | MSR_PAT, rdx=HIGH_ONES | 0x00070106, rax=HIGH_ONES | 0x01040506
	emulate	wrmsr
	checkpoint
	action	check_msr, index=MSR_PAT, value=0x0007010601040506
	emulate	rdmsr
	checkpoint rax=0x01040506, rdx=0x00070106

case rdmsr, "RDMSR of SYSENTER_CS"
	ref	"SDM 2 RDMSR", "APM 3 RDMSR"
	need	sep
	msr	MSR_SYSENTER_CS, 0x1234
	given	rcx=MSR_SYSENTER_CS
	emulate	rdmsr
	checkpoint rax=0x1234, rdx=0

case rdmsr_unknown, "RDMSR of a register that does not exist is #GP(0)"
	ref	"SDM 2 RDMSR", "APM 3 RDMSR", "APM 2 3.2"
	given	rcx=0x00abcdef
	emulate	rdmsr
	gp
	expect_hw vmx.rdmsr	; outside the bitmaps' ranges, SDM 3 25.1.3

case wrmsr_unknown, "WRMSR of a register that does not exist is #GP(0)"
	ref	"SDM 2 WRMSR", "APM 3 WRMSR"
	given	rcx=0x00abcdef, rax=0, rdx=0
	emulate	wrmsr
	gp
	expect_hw vmx.wrmsr

; refused NAME, TEXT, INDEX, VALUE of 64 bits
%macro refused 4.nolist
case wrmsr_%1, %2
	ref	"SDM 2 WRMSR", "APM 3 WRMSR"
	given	rcx=%3, rax=(%4) & 0xffffffff, rdx=(%4) >> 32
	emulate	wrmsr
	gp
%endmacro

refused pat, "a memory type that does not exist, in PAT, is #GP(0)", MSR_PAT, 0x0007040600070402
refused efer_reserved, "a reserved bit of EFER is #GP(0)", MSR_EFER, 1 << 9
%if LONG
refused efer_lme, "clearing EFER.LME with paging on is #GP(0)", MSR_EFER, EFER_NXE
; Processors that know 5-level paging take 57 bits in these registers without CR4.LA57 too:
; the addresses are canonical in no mode.
refused fs_base, "a non-canonical FS base is #GP(0)", MSR_FS_BASE, 1 << 60
refused kernel_gs_base, "a non-canonical KERNEL_GS_BASE is #GP(0)", MSR_KERNEL_GS_BASE, 1 << 63
refused lstar, "a non-canonical LSTAR is #GP(0)", MSR_LSTAR, 1 << 56

case efer, "EFER.SCE and NXE can be changed, LMA is not written"
	ref	"SDM 3 2.2.1", "APM 2 3.1.7"
	need	syscall
	given	rcx=MSR_EFER, rax=EFER_LME | EFER_SCE, rdx=0
	emulate	wrmsr
	checkpoint efer=EFER_LME | EFER_LMA | EFER_SCE
%endif

%if BITS == 64
case fs_base, "WRMSR of FS_BASE and GS_BASE changes the hidden bases at once"
	ref	"SDM 3 3.4.4", "APM 2 4.5.3"
	memory	PAGES + 8, dq, 0x1122334455667788
	given	rcx=MSR_FS_BASE, rax=PAGES, rdx=0
	emulate	wrmsr
	mov	rbx, [fs:abs 8]
	checkpoint fs_base=PAGES, rbx=0x1122334455667788
	mov	ecx, MSR_GS_BASE
	mov	edx, 0x7fff
	emulate	wrmsr
	checkpoint rcx=MSR_GS_BASE, rdx=0x7fff, gs_base=0x7fff << 32 | PAGES

case swapgs, "SWAPGS exchanges the base of GS with KERNEL_GS_BASE"
	ref	"SDM 2 SWAPGS", "APM 3 SWAPGS"
	msr	MSR_KERNEL_GS_BASE, 0xffff812345678000
	given	gs_base=0x123456000
	emulate	swapgs
	checkpoint gs_base=0xffff812345678000
	action	check_msr, index=MSR_KERNEL_GS_BASE, value=0x123456000

case rdfsbase, "RDFSBASE and RDGSBASE read 64 or 32 bits of the base"
	ref	"SDM 2 RDFSBASE", "APM 3 RDFSBASE"
	need	fsgsbase
	rings	0, 3
	given	cr4=STAGE_CR4 | CR4_FSGSBASE, fs_base=0x123456789abc, gs_base=0xffff8abcdef01234
	emulate	rdfsbase rax
	emulate	rdgsbase ebx
	checkpoint rax=0x123456789abc, rbx=0xdef01234

case wrfsbase, "WRFSBASE and WRGSBASE write 64 bits, or 32 zero-extended"
	ref	"SDM 2 WRFSBASE", "APM 3 WRFSBASE"
	need	fsgsbase
	rings	0, 3
	given	cr4=STAGE_CR4 | CR4_FSGSBASE, rax=0x123456789abc, rbx=0xfff0123487654321
	emulate	wrgsbase rax
	emulate	wrfsbase ebx
	checkpoint gs_base=0x123456789abc, fs_base=0x87654321

case wrfsbase_bad, "WRFSBASE of a non-canonical address is #GP(0)"
	ref	"SDM 2 WRFSBASE", "APM 3 WRFSBASE"
	need	fsgsbase
	given	cr4=STAGE_CR4 | CR4_FSGSBASE, rax=1 << 56
	emulate	wrfsbase rax
	gp

case fsgsbase_off, "with CR4.FSGSBASE = 0 the four instructions are #UD"
	ref	"SDM 2 RDFSBASE", "APM 3 RDFSBASE"
	emulate	rdfsbase rax
	ud
	emulate	wrgsbase rax
	ud
%else
case fsgsbase_64_only, "RDFSBASE outside 64-bit mode is #UD, and so is SWAPGS"
	ref	"SDM 2 RDFSBASE", "SDM 2 SWAPGS", "APM 3 SWAPGS"
	need	fsgsbase
	given	cr4=STAGE_CR4 | CR4_FSGSBASE
	emulate	db 0xf3, 0x0f, 0xae, 0xc0
	ud
	emulate	db 0x0f, 0x01, 0xf8
	ud
%endif

; ---- time and events ---------------------------------------------------------------

case rdtsc, "RDTSC gives EDX:EAX and clears the high halves, with CR4.TSD at CPL 0 too"
	ref	"SDM 2 RDTSC", "APM 3 RDTSC", "APM 2 13.2.4"
	given	cr4=STAGE_CR4 | CR4_TSD
	emulate	rdtsc
%if BITS == 64
	shr	rax, 32
	shr	rdx, 32
	checkpoint rax=0, rdx=0, status=ZF | PF, undefined=AF
%else
	checkpoint undefined_reg=1 << (F_rax - 1) | 1 << (F_rdx - 1)
%endif

case rdtscp, "RDTSCP gives TSC_AUX in ECX"
	ref	"SDM 2 RDTSCP", "APM 3 RDTSCP"
	need	rdtscp
	msr	MSR_TSC_AUX, 0x13579bdf
	emulate	rdtscp
	checkpoint rcx=0x13579bdf, undefined_reg=1 << (F_rax - 1) | 1 << (F_rdx - 1)

case rdpmc, "RDPMC of a counter that does not exist is #GP(0)"
	ref	"SDM 2 RDPMC", "APM 3 RDPMC"
	given	rcx=0x12345
	emulate	rdpmc
	gp

; ---- extended control registers -------------------------------------------------------

case xgetbv, "XGETBV of 0 gives XCR0 and clears the high halves"
	ref	"SDM 2 XGETBV", "APM 3 XGETBV"
	need	xsave
	uses	avx
	given	rcx=HIGH_ONES
	emulate	xgetbv
	checkpoint rax=7, rdx=0

case xsetbv, "XSETBV of 0 loads XCR0 from EDX:EAX"
	ref	"SDM 2 XSETBV", "APM 3 XSETBV", "SDM 3 2.6"
	need	xsave
	uses	avx
	given	rcx=0, rax=3, rdx=0
	emulate	xsetbv
	checkpoint xcr0=3
	expect_hw vmx.xsetbv

; xsetbv_bad NAME, TEXT, ECX, EAX, EDX
%macro xsetbv_bad 5.nolist
case xsetbv_%1, %2
	ref	"SDM 2 XSETBV", "APM 3 XSETBV"
	need	xsave
	uses	avx
	given	rcx=%3, rax=%4, rdx=%5
	emulate	xsetbv
	gp
	expect_hw vmx.xsetbv
%endmacro
xsetbv_bad no_x87, "XSETBV without x87 is #GP(0)", 0, 6, 0
xsetbv_bad avx_alone, "XSETBV of AVX without SSE is #GP(0)", 0, 5, 0
xsetbv_bad reserved, "XSETBV of a reserved bit is #GP(0)", 0, 7, 0x40000000
xsetbv_bad index, "XSETBV of another register than 0 is #GP(0)", 1, 7, 0

case xgetbv_off, "XGETBV and XSETBV with CR4.OSXSAVE = 0 are #UD"
	ref	"SDM 2 XGETBV", "APM 3 XGETBV", "SDM 3 13.5"
	given	rcx=0, rax=1, rdx=0
	emulate	xgetbv
	ud
	emulate	xsetbv
	ud

%if !REAL16
case xsetbv_ring3, "XSETBV at CPL 3 is #GP(0), XGETBV is allowed"
	ref	"SDM 2 XSETBV", "APM 3 XSETBV"
	need	xsave
	ring3
	uses	avx
	given	rcx=0
	emulate	xgetbv
	checkpoint rax=7, rdx=0
	emulate	xsetbv
	gp
%endif

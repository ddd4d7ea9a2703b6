; SPDX-License-Identifier: GPL-2.0-only
; x87, SSE and AVX state by KVM_GET/SET_FPU, XSAVE, XSAVE2 and XCRS. The guest looks
; by instructions that leave the x87 instruction pointer alone (FNSTCW, MMX).
%include "microguest.inc"
modes prot32, long64

%define API_FPU "Linux Documentation/virt/kvm/api.rst KVM_SET_FPU"
%define API_GET_FPU "Linux Documentation/virt/kvm/api.rst KVM_GET_FPU"
%define API_XSAVE "Linux Documentation/virt/kvm/api.rst KVM_SET_XSAVE"
%define API_XSAVE2 "Linux Documentation/virt/kvm/api.rst KVM_GET_XSAVE2"
%define API_XCRS "Linux Documentation/virt/kvm/api.rst KVM_SET_XCRS"

case control_word, "The guest stores the x87 control word that KVM_SET_XSAVE gave it"
	ref	API_XSAVE, "SDM 1 13.5.1"
	uses	fpu
	rings	0, 3
	checkpoint
	action	set, fcw=0x27f
	fnstcw	[SCRATCH]
	checkpoint
	writes	SCRATCH, dw, 0x27f

case status_word, "The guest stores the x87 status word that KVM_SET_XSAVE gave it"
	ref	API_XSAVE, "SDM 1 13.5.1"
	uses	fpu
	rings	0, 3
	checkpoint
	action	set, fsw=0x2800 | 0x4100
	fnstsw	[SCRATCH]
	checkpoint
	writes	SCRATCH, dw, 0x6900

case x87_registers, "The guest reads by MMX the x87 registers that KVM_SET_XSAVE gave it"
	ref	API_XSAVE, "SDM 1 9.2.1", "SDM 3 12.2"
	uses	fpu
	rings	0, 3
	checkpoint
	action	set, st0=0x8102030405060708p-63, st7=0xf1f2f3f4f5f6f7f8p-62, ftw=0xff
	movq	[SCRATCH], mm0
	movq	[SCRATCH + 8], mm7
	checkpoint
	writes	SCRATCH, dq, 0x8102030405060708, 0xf1f2f3f4f5f6f7f8

case xmm_registers, "The guest stores the XMM registers that KVM_SET_XSAVE gave it"
	ref	API_XSAVE, "SDM 1 13.5.2"
	uses	sse
	rings	0, 3
	checkpoint
	action	set, xmm0=0x0102030405060708, 0x1112131415161718, xmm7=0x7172737475767778, 0x8182838485868788
	movaps	[SCRATCH], xmm0
	movaps	[SCRATCH + 16], xmm7
	checkpoint
	writes	SCRATCH, dq, 0x0102030405060708, 0x1112131415161718, 0x7172737475767778, 0x8182838485868788

case mxcsr, "The guest stores the MXCSR that KVM_SET_XSAVE gave it"
	ref	API_XSAVE, "SDM 1 13.5.2"
	uses	sse
	rings	0, 3
	checkpoint
	action	set, mxcsr=0x5f80
	stmxcsr	[SCRATCH]
	checkpoint
	writes	SCRATCH, dd, 0x5f80

case mxcsr_reserved, "Reserved bits of MXCSR are refused, and it stays as it was"
	ref	API_XSAVE, "SDM 1 11.6.6"
	uses	sse
	rings	0, 3
	checkpoint
	action	set, mxcsr=0x80001f80, errno=EINVAL
	stmxcsr	[SCRATCH]
	checkpoint
	writes	SCRATCH, dd, 0x1f80

case guest_loads, "What the guest loads comes back by KVM_GET_FPU, KVM_GET_XSAVE and KVM_GET_XSAVE2"
	ref	API_GET_FPU, API_XSAVE2
	uses	sse
	rings	0, 3
	need	cap_xsave2
	memory	SCRATCH, dw, 0x77f
	memory	SCRATCH + 16, dq, 0x1234567890abcdef, 0xfedcba0987654321
	fldcw	[SCRATCH]
	movaps	xmm5, [SCRATCH + 16]
	checkpoint fcw=0x77f, xmm5=0x1234567890abcdef, 0xfedcba0987654321
	action	peek, text="FPU", offset=FPU_FCW, size=2, data=0x77f
	action	peek, text="FPU", offset=FPU_XMM + 5 * 16, size=8, data=0x1234567890abcdef
	action	peek, text="XSAVE", offset=XSAVE_FCW, size=2, data=0x77f
	action	peek, text="XSAVE2", offset=XSAVE_FCW, size=2, data=0x77f
	action	peek, text="XSAVE2", offset=XSAVE_XMM + 5 * 16 + 8, size=8, data=0xfedcba0987654321
	checkpoint

case set_fpu_x87, "The guest stores the x87 state that KVM_SET_FPU gave it"
	ref	API_FPU
	uses	fpu
	rings	0, 3
	given	fcw=0x77f
	checkpoint
	action	poke, text="FPU", offset=FPU_FCW, size=2, data=0x27f
	action	poke, text="FPU", offset=FPU_ST + 16, size=8, data=0x8877665544332211
	action	poke, text="FPU", offset=FPU_ST + 24, size=2, data=0x3fff
	fnstcw	[SCRATCH]
	movq	[SCRATCH + 8], mm1
	checkpoint fcw=0x27f, ftw=0xff, st1=0x8877665544332211p-63
	writes	SCRATCH, dw, 0x27f
	writes	SCRATCH + 8, dq, 0x8877665544332211

case set_fpu_initial, "KVM_SET_FPU also reaches x87 and XMM registers that were in their initial state"
	ref	API_FPU, "SDM 1 13.6"
	uses	sse
	rings	0, 3
	checkpoint
	action	poke, text="FPU", offset=FPU_FCW, size=2, data=0x27f
	action	poke, text="FPU", offset=FPU_XMM + 16, size=8, data=0x8877665544332211
	fnstcw	[SCRATCH]
	movlps	[SCRATCH + 8], xmm1
	checkpoint fcw=0x27f, xmm1=0x8877665544332211, 0
	writes	SCRATCH, dw, 0x27f
	writes	SCRATCH + 8, dq, 0x8877665544332211

case set_fpu_mxcsr, "The guest stores the MXCSR that KVM_SET_FPU gave it"
	ref	API_FPU
	uses	sse
	rings	0, 3
	given	xmm0=1, 2
	checkpoint
	action	poke, text="FPU", offset=FPU_MXCSR, size=4, data=0x5f80
	action	peek, text="FPU", offset=FPU_MXCSR, size=4, data=0x5f80
	stmxcsr	[SCRATCH]
	checkpoint mxcsr=0x5f80
	writes	SCRATCH, dd, 0x5f80

%if LONG

case xmm_high_registers, "The guest stores XMM8 to XMM15 as KVM_SET_XSAVE gave them"
	ref	API_XSAVE, "SDM 1 13.5.2"
	uses	sse
	rings	0, 3
	checkpoint
	action	set, xmm8=0x8182838485868788, 1, xmm15=0xf1f2f3f4f5f6f7f8, 2
	movaps	[abs SCRATCH], xmm8
	movaps	[abs SCRATCH + 16], xmm15
	checkpoint
	writes	SCRATCH, dq, 0x8182838485868788, 1, 0xf1f2f3f4f5f6f7f8, 2

case ymm_registers, "The guest stores the YMM registers that KVM_SET_XSAVE gave it"
	ref	API_XSAVE, "SDM 1 13.5.3"
	need	avx
	uses	avx
	rings	0, 3
	checkpoint
	action	set, ymm3=0x0102030405060708, 0x1112131415161718, 0x2122232425262728, 0x3132333435363738
	vmovups	[abs SCRATCH], ymm3
	checkpoint
	writes	SCRATCH, dq, 0x0102030405060708, 0x1112131415161718, 0x2122232425262728, 0x3132333435363738

case ymm_dropped, "A component that XSTATE_BV leaves out is put into its initial state"
	ref	API_XSAVE, "SDM 1 13.8.1"
	need	avx
	uses	avx
	rings	0, 3
	given	ymm3=1, 2, 3, 4
	checkpoint
	action	poke, text="XSAVE", offset=XSAVE_XSTATE_BV, size=8, data=3
	vmovups	[abs SCRATCH], ymm3
	checkpoint ymm3=1, 2, 0, 0
	writes	SCRATCH, dq, 1, 2, 0, 0

case xstate_bv_unknown, "XSTATE_BV with a component that XCR0 cannot have is refused"
	ref	API_XSAVE, "SDM 1 13.8.1"
	need	xsave
	uses	fpu
	rings	0, 3
	checkpoint
	action	poke, text="XSAVE", offset=XSAVE_XSTATE_BV, size=8, data=(1 << 62) | 1, errno=EINVAL
	checkpoint

case xcomp_bv, "The compacted format is refused"
	ref	API_XSAVE, "SDM 1 13.8.1"
	need	xsave
	uses	fpu
	rings	0, 3
	checkpoint
	action	poke, text="XSAVE", offset=XSAVE_XCOMP_BV, size=8, data=(1 << 63) | 1, errno=EINVAL
	checkpoint

case header_reserved, "Reserved bytes of the XSAVE header are refused"
	ref	API_XSAVE, "SDM 1 13.4.2"
	need	xsave
	uses	fpu
	rings	0, 3
	checkpoint
	action	poke, text="XSAVE", offset=XSAVE_HEADER_RESERVED, size=8, data=1, errno=EINVAL
	checkpoint

case xcr0, "The guest reads the XCR0 that KVM_SET_XCRS gave it"
	ref	API_XCRS, "SDM 2 XGETBV"
	need	avx
	uses	avx
	rings	0, 3
	checkpoint
	action	set, xcr0=3
	xor	ecx, ecx
	xgetbv
	checkpoint rax=3, rcx=0, rdx=0, status=ZF|PF, undefined=AF

case xcr0_without_x87, "XCR0 without x87 is refused"
	ref	API_XCRS, "SDM 2 XSETBV"
	need	xsave
	uses	fpu
	rings	0, 3
	checkpoint
	action	set, xcr0=2, errno=EINVAL
	checkpoint

case xcr0_avx_without_sse, "XCR0 with AVX and without SSE is refused"
	ref	API_XCRS, "SDM 2 XSETBV"
	need	avx
	uses	fpu
	rings	0, 3
	checkpoint
	action	set, xcr0=5, errno=EINVAL
	checkpoint

case xcr0_unknown, "XCR0 with a component that the guest's processor has not is refused"
	ref	API_XCRS, "SDM 2 XSETBV"
	need	xsave
	uses	fpu
	rings	0, 3
	checkpoint
	action	set, xcr0=(1 << 62) | 1, errno=EINVAL
	checkpoint

case xcrs_malformed, "Flags and more registers than there are, in struct kvm_xcrs, are refused"
	ref	API_XCRS
	need	xsave
	uses	fpu
	rings	0, 3
	checkpoint
	action	poke, text="XCRS", offset=XCRS_FLAGS, size=4, data=1, errno=EINVAL
	action	poke, text="XCRS", offset=XCRS_NR, size=4, data=17, errno=EINVAL
	checkpoint

%endif

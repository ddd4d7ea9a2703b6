; SPDX-License-Identifier: GPL-2.0-only
; KVM_GET/SET_DEBUGREGS: the guest reads what was set, breakpoints in it work, and
; what the registers cannot hold is refused.
%include "microguest.inc"
modes prot32, long64

%define API_DEBUGREGS "Linux Documentation/virt/kvm/api.rst KVM_SET_DEBUGREGS"

case seen_by_guest, "The guest reads the debug registers that were set"
	ref	API_DEBUGREGS, "SDM 3 17.2"
	checkpoint
	action	set, dr0=0x11110000, dr1=0x22220000, dr2=0x33330000, dr3=0x44440000, \
		dr6=DR6_INIT | DR6_BS | DR6_B1, dr7=DR7_INIT | DR7_LE
	mov	xax, dr0
	mov	xbx, dr1
	mov	xcx, dr2
	mov	xdx, dr3
	mov	xsi, dr6
	mov	xdi, dr7
	checkpoint rax=0x11110000, rbx=0x22220000, rcx=0x33330000, rdx=0x44440000, \
		rsi=DR6_INIT | DR6_BS | DR6_B1, rdi=DR7_INIT | DR7_LE

case set_by_guest, "What the guest puts into its debug registers comes back"
	ref	API_DEBUGREGS, "SDM 3 17.2"
	mov	eax, 0x12345000
	mov	dr0, xax
	mov	eax, 0x23456000
	mov	dr3, xax
	mov	eax, DR6_INIT | DR6_B2
	mov	dr6, xax
	mov	eax, DR7_INIT | DR7_RW(0, BP_WRITE) | DR7_LEN(0, BP_LEN4)
	mov	dr7, xax
	checkpoint rax=DR7_INIT | DR7_RW(0, BP_WRITE) | DR7_LEN(0, BP_LEN4), dr0=0x12345000, dr3=0x23456000, \
		dr6=DR6_INIT | DR6_B2, dr7=DR7_INIT | DR7_RW(0, BP_WRITE) | DR7_LEN(0, BP_LEN4)

case breakpoint_set, "A data breakpoint that was set stops the guest"
	ref	API_DEBUGREGS, "SDM 3 17.2.4", "SDM 3 17.3.1.2"
	checkpoint
	action	set, dr1=SCRATCH + 8, dr7=DR7_INIT | DR7_L1 | DR7_RW(1, BP_WRITE) | DR7_LEN(1, BP_LEN1)
	mov	byte [SCRATCH + 7], 1
	mov	byte [SCRATCH + 8], 2
	expect	exception, vector=VEC_DB, dr6=DR6_INIT | DR6_B1
	writes	SCRATCH + 7, db, 1, 2

case breakpoint_cleared, "A breakpoint that was cleared stops nothing"
	ref	API_DEBUGREGS, "SDM 3 17.2.4"
	given	dr0=SCRATCH, dr7=DR7_INIT | DR7_L0 | DR7_RW(0, BP_WRITE) | DR7_LEN(0, BP_LEN1)
	nop
	checkpoint
	action	set, dr7=DR7_INIT
	mov	byte [SCRATCH], 3
	checkpoint
	writes	SCRATCH, db, 3

case dr6_high_half, "DR6 has 32 bits: others are refused with EINVAL"
	ref	API_DEBUGREGS, "SDM 3 17.2.6"
	checkpoint
	action	set, dr6=DR6_INIT | (1 << 32), errno=EINVAL
	checkpoint

case dr7_high_half, "DR7 has 32 bits: others are refused with EINVAL"
	ref	API_DEBUGREGS, "SDM 3 17.2.6"
	checkpoint
	action	set, dr7=DR7_INIT | (1 << 32), errno=EINVAL
	checkpoint

case unknown_flag, "Flags of struct kvm_debugregs are not in use: refused with EINVAL"
	ref	API_DEBUGREGS
	checkpoint
	action	poke, text="DEBUGREGS", offset=DEBUGREGS_FLAGS, size=8, data=1, errno=EINVAL
	checkpoint

; SPDX-License-Identifier: GPL-2.0-only
; Hardware breakpoints of the guest's own: conditions and lengths in DR7, the bits
; of DR6, RF, general detect, and CR4.DE.
%include "microguest.inc"
modes real16, prot16, prot32, compat32, long64
%include "events.inc"

%define HIT(bits) dr6=DR6_INIT | (bits)

case execute, "An instruction breakpoint is a fault: the pushed RIP is the instruction's own"
	ref	"SDM 3 17.3.1.1", "APM 2 13.1.3", "APM 2 8.2.2"
	all_rings
	given	dr0=.i, dr7=DR7_INIT | DR7_L0
	mov	cl, 5
.i:	mov	cl, 6
	expect	exception, vector=VEC_DB, HIT(DR6_B0), rip=.i, rcx=LOW_BYTE(REG_RCX, 5)
	mov	bl, 7
	checkpoint rbx=LOW_BYTE(REG_RBX, 7)

case resume_flag, "RF suppresses the instruction breakpoint once, and is clear after the instruction"
	ref	"SDM 3 17.3.1.1", "APM 2 13.1.3", "SDM 3 6.8.2"
	all_rings
	given	dr0=.i, dr7=DR7_INIT | DR7_L0, set=RF
.i:	mov	cl, 6
	checkpoint clear=RF, rcx=LOW_BYTE(REG_RCX, 6)

case resume_flag_iret, "IRET loads RF from a 32-bit image, so a handler can go back to its breakpoint"
	ref	"SDM 3 17.3.1.1", "SDM 2 IRET", "APM 2 13.1.3"
%if BITS != 16
	given	dr1=.i, dr7=DR7_INIT | DR7_L1
	push	xax
%if BITS == 64
	mov	eax, SEL_DATA
	push	rax
	lea	rax, [rsp + 8]
	push	rax
%endif
	mov	eax, RF | 2
	push	xax
	mov	eax, SEL_CODE
	push	xax
	mov	eax, .i
	push	xax
%if BITS == 64
	iretq
%else
	iret
%endif
.i:	pop	xax
	checkpoint
%if BITS == 64
	writes	STACK_TOP - 48, dq, .i, SEL_CODE, RF | 2, STACK_TOP - 8, SEL_DATA, REG_RAX
%else
	writes	STACK_TOP - 16, dd, .i, SEL_CODE, RF | 2, REG_RAX
%endif
%else
	given	set=RF
	nop
	checkpoint clear=RF
%endif

case execute_global, "A breakpoint enabled by its G bit alone works too"
	ref	"SDM 3 17.2.4", "APM 2 13.1.1", "APM 2 13.1.2"
	given	dr2=.i, dr7=DR7_INIT | (DR7_G0 << 4)
.i:	mov	cl, 6
	expect	exception, vector=VEC_DB, HIT(DR6_B2), rip=.i
	checkpoint

case disabled, "A breakpoint with both enable bits clear is none"
	ref	"SDM 3 17.2.4", "APM 2 13.1.1"
	given	dr0=.i, dr7=DR7_INIT
.i:	mov	cl, 6
	checkpoint rcx=LOW_BYTE(REG_RCX, 6)

case execute_middle, "An instruction breakpoint matches an instruction's first byte only"
	ref	"SDM 3 17.2.5", "APM 2 13.1.1"
	given	dr0=.i + 1, dr7=DR7_INIT | DR7_L0
.i:	mov	cl, 6
	checkpoint rcx=LOW_BYTE(REG_RCX, 6)

case write, "A write to the breakpoint's bytes traps after the instruction"
	ref	"SDM 3 17.3.1.2", "APM 2 13.1.3"
	all_rings
	given	dr0=SCRATCH + 4, dr7=DR7_INIT | DR7_L0 | DR7_RW(0, BP_WRITE) | DR7_LEN(0, BP_LEN4)
	mov	[SCRATCH + 7], cl
	expect	exception, vector=VEC_DB, HIT(DR6_B0)
	writes	SCRATCH + 7, db, 0x33
	checkpoint

case write_beside, "Writes beside the breakpoint's bytes, and reads of them, do not trap"
	ref	"SDM 3 17.2.5", "APM 2 13.1.3"
	given	dr0=SCRATCH + 4, dr7=DR7_INIT | DR7_L0 | DR7_RW(0, BP_WRITE) | DR7_LEN(0, BP_LEN4)
	mov	[SCRATCH + 3], cl
	mov	[SCRATCH + 8], cl
	mov	bl, [SCRATCH + 4]
	checkpoint rbx=LOW_BYTE(REG_RBX, 0)
	writes	SCRATCH + 3, db, 0x33, 0, 0, 0, 0, 0x33

case write_overlap, "A wider access that covers a byte of the breakpoint traps"
	ref	"SDM 3 17.2.5", "APM 2 13.1.3"
	given	dr3=SCRATCH + 3, dr7=DR7_INIT | DR7_L3 | DR7_RW(3, BP_WRITE) | DR7_LEN(3, BP_LEN1)
	mov	[SCRATCH], ecx
	expect	exception, vector=VEC_DB, HIT(DR6_B3)
	writes	SCRATCH, dd, 0x33333333
	checkpoint

case length_masks, "The low bits of the address that the length covers are not compared"
	ref	"SDM 3 17.2.5", "APM 2 13.1.1", "APM 2 13.1.2"
	given	dr0=SCRATCH + 3, dr7=DR7_INIT | DR7_L0 | DR7_RW(0, BP_WRITE) | DR7_LEN(0, BP_LEN2)
	mov	[SCRATCH + 2], cl
	expect	exception, vector=VEC_DB, HIT(DR6_B0)
	writes	SCRATCH + 2, db, 0x33
	checkpoint

case access, "A read of a breakpoint for accesses traps, a fetch does not"
	ref	"SDM 3 17.2.4", "APM 2 13.1.3"
	all_rings
	given	dr0=SCRATCH, dr1=.i, dr7=DR7_INIT | DR7_L0 | DR7_L1 | DR7_RW(0, BP_ACCESS) | DR7_RW(1, BP_ACCESS)
.i:	mov	bl, [SCRATCH]
	expect	exception, vector=VEC_DB, HIT(DR6_B0), rbx=LOW_BYTE(REG_RBX, 0)
	checkpoint

case two_at_once, "One access that meets two breakpoints sets both bits"
	ref	"SDM 3 17.2.3", "APM 2 13.1.1"
	given	dr0=SCRATCH, dr2=SCRATCH + 1, dr7=DR7_INIT | DR7_L0 | DR7_L2 | DR7_RW(0, BP_WRITE) | DR7_RW(2, BP_WRITE)
	mov	[SCRATCH], cx
	expect	exception, vector=VEC_DB, HIT(DR6_B0 | DR6_B2)
	writes	SCRATCH, dw, 0x3333
	checkpoint

case push, "A push to the breakpoint's bytes traps"
	ref	"SDM 3 17.2.5", "APM 2 13.1.3"
	given	dr0=STACK_TOP - 2, dr7=DR7_INIT | DR7_L0 | DR7_RW(0, BP_WRITE) | DR7_LEN(0, BP_LEN2)
	push	cx
	expect	exception, vector=VEC_DB, HIT(DR6_B0), rsp=STACK_TOP - 2
	writes	STACK_TOP - 2, dw, 0x3333
	checkpoint

case with_step, "A stepped instruction that meets a breakpoint sets BS and B0 in one #DB"
	ref	"SDM 3 17.2.3", "SDM 3 6.9"
	given	set=TF, dr0=SCRATCH, dr7=DR7_INIT | DR7_L0 | DR7_RW(0, BP_WRITE)
	mov	[SCRATCH], cl
	expect	exception, vector=VEC_DB, HIT(DR6_B0 | DR6_BS)
	writes	SCRATCH, db, 0x33
	action	set, clear=TF
	checkpoint

case mov_ss, "MOV SS holds its own data breakpoint back until the next instruction is done"
	ref	"SDM 3 6.8.3", "APM 2 8.1.6"
	given	dr0=SCRATCH, dr7=DR7_INIT | DR7_L0 | DR7_RW(0, BP_ACCESS) | DR7_LEN(0, BP_LEN2)
	memory	SCRATCH, dw, (!REAL) * SEL_DATA
	mov	ss, [SCRATCH]
	mov	cl, 5
	expect	exception, vector=VEC_DB, HIT(DR6_B0), rcx=LOW_BYTE(REG_RCX, 5)
	checkpoint

case repeat, "A repeated string instruction stops after the iteration that meets the breakpoint"
	ref	"SDM 3 17.3.1.2", "SDM 2 REP"
	given	dr0=SCRATCH + 2, dr7=DR7_INIT | DR7_L0 | DR7_RW(0, BP_WRITE), rcx=3, rdi=SCRATCH
	rep stosb
	expect	exception, vector=VEC_DB, HIT(DR6_B0), rcx=0, rdi=SCRATCH + 3
	writes	SCRATCH, db, 0x11, 0x11, 0x11
	checkpoint

case io, "With CR4.DE an I/O breakpoint traps after the access"
	ref	"SDM 3 17.2.4", "APM 2 13.1.3"
	need	de
	given	cr4=STAGE_CR4 | CR4_DE, dr1=0x20, dr7=DR7_INIT | DR7_L1 | DR7_RW(1, BP_IO)
	out	0x10, al
	expect	io_out, port=0x10, size=1, data=0x11
	expect_hw io
	out	0x20, al
	expect	io_out, port=0x20, size=1, data=0x11
	expect_hw io
	expect	exception, vector=VEC_DB, HIT(DR6_B1)
	checkpoint

case io_wide, "A wider access that covers the breakpoint's port traps too"
	ref	"SDM 3 17.2.5", "APM 2 13.1.3"
	need	de
	given	cr4=STAGE_CR4 | CR4_DE, dr1=0x23, dr7=DR7_INIT | DR7_L1 | DR7_RW(1, BP_IO)
	in	eax, 0x20
	expect	io_in, port=0x20, size=4, data=0x12345678
	expect_hw io
	expect	exception, vector=VEC_DB, HIT(DR6_B1), rax=0x12345678
	checkpoint

case general_detect, "With DR7.GD a MOV of a debug register raises #DB before it, with BD set and GD cleared"
	ref	"SDM 3 17.2.4", "SDM 3 17.3.1.3", "APM 2 13.1.1"
	given	dr7=DR7_INIT | DR7_GD, dr0=0x1234
.i:	mov	wide_ax, dr0
	expect	exception, vector=VEC_DB, HIT(DR6_BD), dr7=DR7_INIT, rip=.i, resume=.i
	checkpoint rax=0x1234

case dr4_dr5, "Without CR4.DE DR4 and DR5 are DR6 and DR7"
	ref	"SDM 3 17.2.2", "APM 2 13.1.1"
	given	dr0=0x1234
	db	0x0f, 0x21, 0xe0	; mov eax, dr4
	db	0x0f, 0x21, 0xeb	; mov ebx, dr5
	checkpoint rax=DR6_INIT, rbx=DR7_INIT

case dr4_de, "With CR4.DE DR4 and DR5 raise #UD"
	ref	"SDM 3 17.2.2", "APM 2 13.1.1"
	need	de
	given	cr4=STAGE_CR4 | CR4_DE
.i:	db	0x0f, 0x21, 0xe0	; mov eax, dr4
	expect	exception, vector=VEC_UD, rip=.i
.j:	db	0x0f, 0x23, 0xeb	; mov dr5, ebx
	expect	exception, vector=VEC_UD, rip=.j
	checkpoint

case mod_ignored, "MOV of a debug register ignores the mod field: it is always register to register"
	ref	"SDM 2 MOV DR", "APM 3 MOV DRn"
	given	dr1=0x5678
	db	0x0f, 0x21, 0x08	; mov eax, dr1 with mod = 0
	checkpoint rax=0x5678

case guest_sets, "Breakpoints that the guest itself sets work, and DR6 keeps what it writes"
	ref	"SDM 3 17.2", "APM 2 13.1.1"
	given	rax=SCRATCH, rbx=DR7_INIT | DR7_L0 | DR7_RW(0, BP_WRITE), rdx=DR6_INIT | DR6_BT
	mov	dr0, wide_ax
	mov	dr6, wide_dx
	mov	dr7, wide_bx
	mov	[SCRATCH], cl
	expect	exception, vector=VEC_DB, HIT(DR6_BT | DR6_B0), dr0=SCRATCH, dr7=DR7_INIT | DR7_L0 | DR7_RW(0, BP_WRITE)
	writes	SCRATCH, db, 0x33
	mov	wide_si, dr6
	checkpoint rsi=DR6_INIT | DR6_BT | DR6_B0

%if !REAL
case mov_dr_user, "MOV of a debug register raises #GP(0) at CPL 3"
	ref	"SDM 2 MOV DR", "APM 3 MOV DRn"
	ring3
.i:	mov	wide_ax, dr7
	expect	exception, vector=VEC_GP, error=0, rip=.i
	checkpoint
%endif

%if BITS == 64
case length_8, "A breakpoint of 8 bytes covers its eighth"
	ref	"SDM 3 17.2.4", "APM 2 13.1.1"
	given	dr0=SCRATCH + 8, dr7=DR7_INIT | DR7_L0 | DR7_RW(0, BP_WRITE) | DR7_LEN(0, BP_LEN8)
	mov	[SCRATCH + 15], cl
	expect	exception, vector=VEC_DB, HIT(DR6_B0)
	writes	SCRATCH + 15, db, 0x33
	mov	[SCRATCH + 16], cl
	checkpoint
	writes	SCRATCH + 16, db, 0x33

case dr7_high, "MOV to DR7 with a bit above 31 set raises #GP(0)"
	ref	"SDM 3 17.2.6", "APM 2 13.1.1"
	given	rax=1 << 32 | DR7_INIT
.i:	mov	dr7, rax
	expect	exception, vector=VEC_GP, error=0, rip=.i
.j:	mov	dr6, rax
	expect	exception, vector=VEC_GP, error=0, rip=.j
	checkpoint
%endif

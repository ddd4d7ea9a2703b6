; SPDX-License-Identifier: GPL-2.0-only
; KVM_SET_GUEST_DEBUG: single steps and breakpoints of the runner's own, of which
; the guest sees nothing, and the guest's own, which stay the guest's.
%include "microguest.inc"
modes real16, prot16, prot32, compat32, long64
%include "events.inc"

%define STEP KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP
%define HARD KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_HW_BP
%define SOFT KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_SW_BP

%macro debugging 0.nolist
	ref	"kvm api KVM_SET_GUEST_DEBUG", "kvm api KVM_EXIT_DEBUG"
	need	cap_set_guest_debug
%endmacro

case step, "Single steps end in KVM_EXIT_DEBUG; the guest's TF and DR6 stay as they are"
	debugging
	all_rings
	action	guest_debug, control=STEP
	mov	cl, 5
	expect	debug, debug_vector=VEC_DB, debug_dr6=DR6_INIT | DR6_BS, rcx=LOW_BYTE(REG_RCX, 5)
	expect_hw exception_db|monitor_trap_flag
	mov	cl, 6
	expect	debug, debug_vector=VEC_DB, debug_dr6=DR6_INIT | DR6_BS, rcx=LOW_BYTE(REG_RCX, 6)
	expect_hw exception_db|monitor_trap_flag
	action	guest_debug, control=0
	mov	cl, 7
	checkpoint rcx=LOW_BYTE(REG_RCX, 7)

case step_branch, "The step of a taken branch ends at its target"
	debugging
	action	guest_debug, control=STEP
	jmp	.target
	ud2
.target:
	expect	debug, debug_vector=VEC_DB
	expect_hw exception_db|monitor_trap_flag
	action	guest_debug, control=0
	checkpoint

case step_pushf, "PUSHF under the runner's single step pushes the guest's own TF"
	debugging
	action	guest_debug, control=STEP
	pushf
	expect	debug, debug_vector=VEC_DB, rsp=STACK_TOP - WORD_BYTES
	expect_hw exception_db|monitor_trap_flag
%if BITS == 16
	writes	STACK_TOP - WORD_BYTES, dw, 2
%else
	writes	STACK_TOP - WORD_BYTES, dw, 2, 0
%endif
	action	guest_debug, control=0
	checkpoint

case step_out, "OUT under the runner's single step exits for the port, then for the step"
	debugging
	action	guest_debug, control=STEP
	out	0x10, al
	expect	io_out, port=0x10, size=1, data=0x11
	expect_hw io
	expect	debug, debug_vector=VEC_DB, debug_dr6=DR6_INIT | DR6_BS
	action	guest_debug, control=0
	checkpoint

case hardware_execute, "An instruction breakpoint of the runner's stops before the instruction"
	debugging
	all_rings
	action	guest_debug, control=HARD, dr0=.i, dr7=DR7_INIT | DR7_L0
	mov	cl, 5
.i:
	expect	debug, debug_vector=VEC_DB, debug_dr6=DR6_INIT | DR6_B0, debug_dr7=DR7_INIT | DR7_L0, rcx=LOW_BYTE(REG_RCX, 5)
	expect_hw exception_db
	action	guest_debug, control=0
	mov	cl, 6
	checkpoint rcx=LOW_BYTE(REG_RCX, 6)

case hardware_write, "A data breakpoint of the runner's stops after the instruction"
	debugging
	action	guest_debug, control=HARD, dr1=SCRATCH, dr7=DR7_INIT | DR7_L1 | DR7_RW(1, BP_WRITE)
	mov	[SCRATCH], cl
	expect	debug, debug_vector=VEC_DB, debug_dr6=DR6_INIT | DR6_B1
	expect_hw exception_db
	writes	SCRATCH, db, 0x33
	action	guest_debug, control=0
	checkpoint

case hardware_hidden, "The guest's debug registers do not show the runner's breakpoints"
	debugging
	given	dr0=0x1234
	action	guest_debug, control=HARD, dr0=0x7777, dr7=DR7_INIT | DR7_L0
	mov	wide_ax, dr0
	mov	wide_bx, dr7
	checkpoint rax=0x1234, rbx=DR7_INIT

case software, "With software breakpoints INT3 exits before it, and the guest sees no #BP"
	ref	"SDM 3 25.2", "APM 2 15.12"
	debugging
	all_rings
	action	guest_debug, control=SOFT
.i:	int3
	expect	debug, debug_vector=VEC_BP, rip=.i
	expect_hw exception_bp
	action	guest_debug, control=0
	action_write .i, db, 0x90
	checkpoint

case software_off, "Without software breakpoints INT3 is the guest's"
	debugging
	action	guest_debug, control=STEP & ~KVM_GUESTDBG_SINGLESTEP
	int3
	expect	exception, vector=VEC_BP, software=1
	checkpoint

case own_step, "The guest's own single step is its own while the runner asks for none"
	debugging
	given	set=TF
	action	guest_debug, control=SOFT
	mov	cl, 5
	expect	exception, vector=VEC_DB, dr6=DR6_INIT | DR6_BS, rcx=LOW_BYTE(REG_RCX, 5)
	action	set, clear=TF
	checkpoint

case own_breakpoint, "The guest's own breakpoints work while the runner has only software ones"
	debugging
	given	dr0=SCRATCH, dr7=DR7_INIT | DR7_L0 | DR7_RW(0, BP_WRITE)
	action	guest_debug, control=SOFT
	mov	[SCRATCH], cl
	expect	exception, vector=VEC_DB, dr6=DR6_INIT | DR6_B0
	writes	SCRATCH, db, 0x33
	checkpoint

case inject_db, "KVM_GUESTDBG_INJECT_DB gives the guest a #DB"
	debugging
	checkpoint
	action	guest_debug, control=KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_INJECT_DB
	expect	exception, vector=VEC_DB
	checkpoint

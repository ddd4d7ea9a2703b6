; SPDX-License-Identifier: GPL-2.0-only
; Single-stepping by RFLAGS.TF: a trap after each instruction that began with TF
; set, whatever kind of instruction it is.
%include "microguest.inc"
modes real16, prot16, prot32, compat32, long64, vm86
%include "events.inc"

; Bits 16 to 23 of the RFLAGS in a frame without error code at CPL 0, or from virtual-8086 mode.
%if LONG
	%define RF_BYTE (STACK_TOP - 24 + 2)
%elif MODE_NUMBER == MODE_VM86
	%define RF_BYTE (KSTACK_TOP - 28 + 2)
%else
	%define RF_BYTE (STACK_TOP - 4 + 2)
%endif

section .data
source:	db 1, 2, 3
section .text

; expect_step [KEY=VALUE...]: the #DB of a single step, BS in DR6.
%macro expect_step 0-*.nolist
	%if %0
		expect exception, vector=VEC_DB, dr6=DR6_INIT | DR6_BS, %{1:-1}
	%else
		expect exception, vector=VEC_DB, dr6=DR6_INIT | DR6_BS
	%endif
%endmacro

; end_steps: the runner clears TF, and the program goes on without steps.
%macro end_steps 0.nolist
	action	set, clear=TF
	mov	ch, 0x66
	checkpoint rcx=(REG_RCX & ~0xff00) | 0x6600
%endmacro

case each_instruction, "With TF set every instruction is followed by #DB; the handler runs with TF clear"
	ref	"SDM 3 17.3.1.4", "APM 2 13.1.4", "APM 2 8.2.2"
	all_rings
	given	set=TF
	mov	bl, 5
	expect_step rbx=LOW_BYTE(REG_RBX, 5)
	mov	bl, 6
	expect_step rbx=LOW_BYTE(REG_RBX, 6)
	end_steps

case through_iret, "IRET that sets TF again does not trap itself, the instruction after it does"
	ref	"SDM 3 17.3.1.4", "SDM 2 IRET", "APM 2 13.1.4"
	all_rings
	given	set=TF
	mov	bl, 5
	expect	exception, vector=VEC_DB, dr6=DR6_INIT | DR6_BS, rbx=LOW_BYTE(REG_RBX, 5), iret=1
	mov	bl, 6
	expect	exception, vector=VEC_DB, dr6=DR6_INIT | DR6_BS, rbx=LOW_BYTE(REG_RBX, 6)
	end_steps

case branch, "The step of a taken branch points to its target"
	ref	"SDM 3 17.3.1.4", "APM 2 13.1.4"
	all_rings
	given	set=TF
	jmp	.target
	ud2
.target:
	expect_step
	end_steps

case repeat, "A repeated string instruction is stepped iteration by iteration"
	ref	"SDM 3 17.3.1.4", "SDM 2 REP", "APM 2 13.1.4"
	given	set=TF, rcx=2, rsi=source, rdi=SCRATCH
.i:	rep movsb
	expect_step rip=.i, rcx=1, rsi=source + 1, rdi=SCRATCH + 1, resume=.i
	writes	SCRATCH, db, 1
%if MODE_NUMBER == MODE_VM86 || BITS != 16
	undefined_memory RF_BYTE, 1	; whether the frame has RF set is Intel's to say, not AMD's
%endif
	expect_step rcx=0, rsi=source + 2, rdi=SCRATCH + 2
	writes	SCRATCH + 1, db, 2
	action	set, clear=TF
	checkpoint

%if BITS != 16
case repeat_rf, "The frame between two iterations has RF set, that of the last has not"
	ref	"SDM 3 17.3.1.1"
	need	intel
	given	set=TF, rcx=2, rsi=source, rdi=SCRATCH
.i:	rep movsb
	expect_step rip=.i, rcx=1, rsi=source + 1, rdi=SCRATCH + 1, resume=.i, frame_rflags=RF | TF | 2
	writes	SCRATCH, db, 1
	expect_step rcx=0, rsi=source + 2, rdi=SCRATCH + 2
	writes	SCRATCH + 1, db, 2
	action	set, clear=TF
	checkpoint
%endif

case repeat_none, "A repeated string instruction with a count of 0 is one step"
	ref	"SDM 2 REP", "SDM 3 17.3.1.4"
	given	set=TF, rcx=0, rsi=source, rdi=SCRATCH
	rep movsb
	expect_step
	action	set, clear=TF
	checkpoint

%if MODE_NUMBER != MODE_VM86
case mov_ss, "MOV SS holds the step back until the next instruction is done"
	ref	"SDM 3 6.8.3", "APM 2 8.1.6"
	given	set=TF, rax=(!REAL) * SEL_DATA
	mov	ss, ax
	mov	bl, 5
	expect_step rbx=LOW_BYTE(REG_RBX, 5)
	end_steps

case mov_ds, "MOV DS does not"
	ref	"SDM 3 6.8.3", "APM 2 8.1.6"
	given	set=TF, rax=(!REAL) * SEL_DATA
	mov	ds, ax
	expect_step
	end_steps

%if BITS != 64
case pop_ss, "POP SS holds the step back like MOV SS"
	ref	"SDM 3 6.8.3", "APM 2 8.1.6"
	given	set=TF, rsp=STACK_TOP - WORD_BYTES
	memory	STACK_TOP - WORD_BYTES, dw, (!REAL) * SEL_DATA, 0
	pop	ss
	mov	bl, 5
	expect_step rsp=STACK_TOP, rbx=LOW_BYTE(REG_RBX, 5)
	end_steps
%endif

case sti, "STI holds no step back"
	ref	"SDM 3 6.8.3", "SDM 3 17.3.1.4"
	given	set=TF
	sti
	expect_step set=IF
	mov	bl, 5
	expect_step rbx=LOW_BYTE(REG_RBX, 5)
	end_steps

case popf_sets, "POPF that sets TF is not stepped, the instruction after it is"
	ref	"SDM 3 17.3.1.4", "APM 2 13.1.4"
	given	rsp=STACK_TOP - WORD_BYTES
	memory	STACK_TOP - WORD_BYTES, dw, TF | 2, 0, 0, 0
	popf
	mov	bl, 5
	expect_step rsp=STACK_TOP, set=TF, rbx=LOW_BYTE(REG_RBX, 5)
	end_steps

case popf_clears, "POPF that clears TF is stepped itself"
	ref	"SDM 3 17.3.1.4", "APM 2 13.1.4"
	given	set=TF, rsp=STACK_TOP - WORD_BYTES
	memory	STACK_TOP - WORD_BYTES, dw, 2, 0, 0, 0
	popf
	expect_step rsp=STACK_TOP, clear=TF
	mov	bl, 5
	checkpoint rbx=LOW_BYTE(REG_RBX, 5)

case out, "OUT is stepped once its exit is completed"
	ref	"SDM 3 17.3.1.4", "APM 2 13.1.4"
	given	set=TF
	out	0x10, al
	expect	io_out, port=0x10, size=1, data=0x11
	expect_hw io
	expect_step
	end_steps

case in, "IN is stepped once its exit is completed, with the value it read"
	ref	"SDM 3 17.3.1.4", "APM 2 13.1.4"
	given	set=TF
	in	al, 0x10
	expect	io_in, port=0x10, size=1, data=0x77
	expect_hw io
	expect_step rax=LOW_BYTE(REG_RAX, 0x77)
	end_steps

case mmio_write, "A write to MMIO space is stepped once its exit is completed"
	ref	"SDM 3 17.3.1.4", "APM 2 13.1.4"
	given	set=TF
	mov	[MMIO + 4], cl
	expect	mmio_write, address=MMIO + 4, size=1, data=0x33
	expect_hw mmio
	expect_step
	end_steps

case rdmsr, "RDMSR is stepped"
	ref	"SDM 3 17.3.1.4", "APM 2 13.1.4"
	given	set=TF, rcx=MSR_APIC_BASE
	rdmsr
	expect_step rax=0xfee00900, rdx=0
	action	set, clear=TF
	checkpoint
%endif

case cpuid, "CPUID is stepped"
	ref	"SDM 3 17.3.1.4", "APM 2 13.1.4"
	all_rings
	given	set=TF, rax=0x80000000
	cpuid
	expect_step undefined_reg=1 << (F_rax - 1) | 1 << (F_rbx - 1) | 1 << (F_rcx - 1) | 1 << (F_rdx - 1)
	expect_hw vmx.cpuid
	action	set, clear=TF
	checkpoint

case fault, "An instruction that faults is not stepped; its frame has TF"
	ref	"SDM 3 6.9", "SDM 3 17.3.1.4"
	all_rings
	given	set=TF
.i:	ud2
	expect	exception, vector=VEC_UD, rip=.i
	end_steps

case int_n, "INT n is not stepped: the handler starts with TF clear, and the frame has it set"
	ref	"SDM 3 17.3.1.4", "APM 2 13.1.4"
%if !REAL
	rings	0, 3
	gate	0x30, ar=GATE_INT | AR_DPL3
%endif
%if MODE_NUMBER == MODE_VM86
	gate	0x30, ar=GATE_INT | AR_DPL3
	given	set=TF | IOPL_3
%else
	given	set=TF
%endif
	int	0x30
	expect	exception, vector=0x30, software=1
	end_steps

case icebp, "INT1 with TF set raises one #DB, with BS clear in DR6"
	ref	"SDM 2 INT n", "SDM 3 17.3.1.4"
	all_rings
	given	set=TF
	db	0xf1
	expect	exception, vector=VEC_DB, software=1
	end_steps

case dr6_sticky, "The processor sets BS and does not clear BD in DR6"
	ref	"SDM 3 17.2.3", "APM 2 13.1.1"
	given	set=TF, dr6=DR6_INIT | DR6_BD
	nop
	expect	exception, vector=VEC_DB, dr6=DR6_INIT | DR6_BD | DR6_BS
	end_steps

case interrupted, "An interrupt after a stepped instruction comes after its #DB"
	ref	"SDM 3 6.9", "APM 2 8.5"
	given	set=IF
	checkpoint
	action	set, set=TF
	nop
	expect_step
	action	interrupt, vector=0x40
	expect	exception, vector=0x40
	end_steps

; SPDX-License-Identifier: GPL-2.0-only
; What broke in KVM with debug exceptions: INT1, SYSCALL and INT3 under TF or in the shadow
; of MOV SS, DR6, and deliveries that never end.
%include "microguest.inc"
modes prot32, long64
%include "emulate.inc"
%include "events.inc"

%define HIT(bits) dr6=DR6_INIT | (bits)
%define READ_BP DR7_INIT | DR7_L0 | DR7_RW(0, BP_ACCESS) | DR7_LEN(0, BP_LEN2)
%define FRAME (WORD_BYTES * (3 + 2 * LONG))

; ---- in the shadow of MOV SS ------------------------------------------------------------------

; INT3 before it has the hypervisor map what delivery needs: a fault of its own while INT1 is
; delivered is another case (events/icebp_injected_again).
%macro icebp_case 3.nolist	; NAME, TEXT, SELECTOR OF SS
case %1, %2
	ref	"SDM 3 6.8.3", "SDM 2 INT n", "APM 2 8.1.6", "CVE-2018-1087"
%if %3 == SEL_UDATA
	ring3
%endif
	given	rax=%3
	gate	VEC_BP, ar=GATE_INT | AR_DPL3
	int3
	expect	exception, vector=VEC_BP, software=1
	mov	ss, ax
	db	0xf1
	expect	exception, vector=VEC_DB, software=1, dr6=DR6_INIT
	checkpoint
%endmacro
icebp_case icebp_in_shadow, "INT1 in the shadow of MOV SS is one #DB, with RIP behind it and no bit of DR6", SEL_DATA
icebp_case icebp_in_shadow_user, "The same at CPL 3", SEL_UDATA

; What MOV SS inhibits, it inhibits until the next instruction is executed or an exception
; delivered (SDM 2 MOV): then the breakpoint's #DB is at the handler's first instruction.
%macro int3_case 3.nolist	; NAME, TEXT, CPL
case %1, %2
	ref	"SDM 2 MOV", "SDM 3 6.8.3", "CVE-2018-8897"
%if %3
	ring3
%endif
	memory	SCRATCH, dw, SEL_DATA + (%3) / 3 * (SEL_UDATA - SEL_DATA)
	gate	VEC_BP, offset=.handler, ar=GATE_INT | AR_DPL3
	given	dr0=SCRATCH, dr7=READ_BP
	mov	ss, [SCRATCH]
	int3
.back:	ud2
.handler:
%if %3
%if LONG
	expect	exception, vector=VEC_DB, HIT(DR6_B0), rip=.handler, cs=SEL_CODE64, ss=0, rsp=KSTACK_TOP - FRAME
	writes	KSTACK_TOP - FRAME, dq, .back, SEL_UCODE, 2, STACK_TOP, SEL_UDATA
%else
	expect	exception, vector=VEC_DB, HIT(DR6_B0), rip=.handler, cs=SEL_CODE, ss=SEL_DATA, rsp=KSTACK_TOP - 20
	writes	KSTACK_TOP - 20, dd, .back, SEL_UCODE, 2, STACK_TOP, SEL_UDATA
%endif
%else
%if LONG
	expect	exception, vector=VEC_DB, HIT(DR6_B0), rip=.handler, cs=SEL_CODE64, rsp=STACK_TOP - FRAME
	writes	STACK_TOP - FRAME, dq, .back, SEL_CODE, 2, STACK_TOP, SEL_DATA
%else
	expect	exception, vector=VEC_DB, HIT(DR6_B0), rip=.handler, rsp=STACK_TOP - FRAME
	writes	STACK_TOP - FRAME, dd, .back, SEL_CODE, 2
%endif
%endif
	checkpoint
%endmacro
int3_case int3_in_shadow, "A breakpoint that MOV SS meets is delivered at the first instruction of the handler of the INT3 behind", 0
int3_case int3_in_shadow_user, "The same at CPL 3: the #DB comes at CPL 0", 3

case code_breakpoint_in_shadow, "An instruction breakpoint behind MOV SS is suppressed on Intel's processors"
	ref	"SDM 3 6.8.3", "Linux baf67ca8e545", "kvm-unit-tests c4d38af0"
	need	intel
	operand	db, 0x55
	given	dr0=.i, dr7=DR7_INIT | DR7_L0, rax=SEL_DATA
	mov	ss, ax
.i:	mov	bl, [OPERAND]
	checkpoint rbx=LOW8(RBX, 0x55)

; ---- SYSCALL under single step ----------------------------------------------------------------

%if LONG
; syscall_stepped MASK: SYSCALL at CPL 3 with TF and CF set. What it leaves is in SYSCALL_STATE.
%macro syscall_stepped 1.nolist
	need	syscall
	ring3
	given	efer=EFER_LME | EFER_LMA | EFER_NXE | EFER_SCE, rflags=TF | CF | 2
	msr	MSR_STAR, SEL_CODE << 32
	msr	MSR_LSTAR, .there
	msr	MSR_SFMASK, %1
	syscall
.back:	ud2
.there:
%endmacro
%define SYSCALL_STATE cs=SEL_CODE, cs_base=0, cs_limit=0xffffffff, cs_ar=AR_CODE64, ss=SEL_DATA, ss_base=0, \
	ss_limit=0xffffffff, ss_ar=AR_DATA, rcx=.back, r11=TF | CF | 2

case syscall_step_kept, "SYSCALL that leaves TF set is stepped: #DB at its target, at CPL 0"
	ref	"SDM 2 SYSCALL", "SDM 3 17.3.1.4", "APM 3 SYSCALL", "CVE-2017-7518"
	syscall_stepped CF
	expect	exception, vector=VEC_DB, HIT(DR6_BS), SYSCALL_STATE, rflags=TF | 2, iret=1
	nop
	expect	exception, vector=VEC_DB, HIT(DR6_BS)
	action	set, clear=TF
	checkpoint

case syscall_step_masked, "SYSCALL that clears TF by its mask is not stepped"
	ref	"SDM 2 SYSCALL", "APM 3 SYSCALL", "CVE-2017-7518", "XSA-204"
	syscall_stepped TF | CF
	checkpoint SYSCALL_STATE, rflags=2
%endif

; ---- deliveries that never end ------------------------------------------------------------------

; An exception whose delivery meets it again never comes to an instruction: only who intercepts
; it gets the processor back.
%if LONG
case debug_exception_loop, "#DB whose delivery meets the breakpoint again goes on for ever, and a signal ends KVM_RUN"
	ref	"SDM 3 17.2.4", "SDM 3 6.15", "KVM API 4.10 KVM_RUN", "CVE-2015-8104"
	given	dr0=IST_STACK_TOP - 8, dr7=DR7_INIT | DR7_L0 | DR7_RW(0, BP_WRITE) | DR7_LEN(0, BP_LEN8)
	gate	VEC_DB, offset=.handler, ist=1
	checkpoint
	action	kick, value=20
	mov	[IST_STACK_TOP - 8], rcx
.handler:
	expect	intr, rip=.handler, rsp=IST_STACK_TOP - 40, cs=SEL_CODE64, HIT(DR6_B0)
	writes	IST_STACK_TOP - 40, dq, .handler, SEL_CODE64, 2, IST_STACK_TOP - 40, SEL_DATA
%else
case alignment_check_loop, "#AC whose delivery raises #AC again goes on for ever, and a signal ends KVM_RUN"
	ref	"SDM 3 6.15", "SDM 3 6.12.1", "KVM API 4.10 KVM_RUN", "CVE-2015-5307"
	ring3
	given	cr0=STAGE_CR0 | CR0_EM | CR0_AM, set=AC, rsp=STACK_TOP - 2
	gate	VEC_AC, offset=.handler, selector=SEL_UCODE
	checkpoint set=AC
	action	kick, value=20
.f:	mov	eax, [SCRATCH + 1]
.handler:
	expect	intr, rip=.f, undefined=RF	; a fault's frame has it, the state before has not
%endif

; ---- DR6 ------------------------------------------------------------------------------------------

%macro x2_write 2.nolist	; MSR, VALUE
	mov	ecx, %1
	mov	eax, %2
	wrmsr
%endmacro

case dr6_kept, "DR6 as the guest wrote it stays over an exit that is dealt with at once"
	ref	"SDM 3 17.2.3", "APM 2 13.1.1", "CVE-2025-21839", "Linux c2fee09fc167"
	irqchip	split, kernel
	need	x2apic
	given	apic_base=APIC_BASE | APIC_BASE_ENABLE | APIC_BASE_X2APIC | APIC_BASE_BSP, rdx=0, \
		dr7=DR7_INIT | DR7_L0, dr0=SCRATCH
	x2_write X2APIC(APIC_SVR), SVR_ENABLE | 0xff
	mov	wide_ax, dr7
	mov	dr7, wide_ax
	mov	ebx, DR6_INIT | DR6_B1 | DR6_B3
	mov	dr6, wide_bx
	x2_write X2APIC(APIC_ICR), ICR_SELF | ICR_ASSERT | 0x45
	x2_write X2APIC(APIC_ICR), ICR_SELF | ICR_ASSERT | 0x45
	mov	wide_si, dr6
	checkpoint rax=ICR_SELF | ICR_ASSERT | 0x45, rcx=X2APIC(APIC_ICR), rbx=DR6_INIT | DR6_B1 | DR6_B3, \
		rsi=DR6_INIT | DR6_B1 | DR6_B3, HIT(DR6_B1 | DR6_B3)

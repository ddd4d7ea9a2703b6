; SPDX-License-Identifier: GPL-2.0-only
; What broke in KVM's instruction emulator, where no other suite shows it: checks of
; segments and privilege that it left out, RF, breakpoints, code that it cannot execute.
%include "microguest.inc"
modes prot16, prot32, compat32, long64
%include "emulate.inc"
%include "events.inc"

%define NON_CANONICAL (1 << 63)

; ---- descriptor tables and FXSAVE are stored as any other data (CVE-2017-2584) ------------

%define STORE_REFS "SDM 2 SGDT", "SDM 2 SIDT", "APM 2 5.3.1"
%define FXSAVE_REFS "SDM 2 FXSAVE", "APM 5 FXSAVE", "APM 2 5.3.1"
%if BITS == 64
case store_not_canonical, "SGDT and SIDT to a non-canonical address are #GP(0), and #SS(0) by the stack segment"
	ref	STORE_REFS, "CVE-2017-2584"
	given	rbx=NON_CANONICAL, rbp=NON_CANONICAL
	emulate	sgdt [rbx]
	expect	exception, vector=VEC_GP, error=0, rip=EMULATED
	emulate	sidt [rbx]
	expect	exception, vector=VEC_GP, error=0, rip=EMULATED
	emulate	sidt [rbp]
	expect	exception, vector=VEC_SS, error=0, rip=EMULATED
	checkpoint

case fxsave_not_canonical, "FXSAVE to a non-canonical address is #GP(0), and #SS(0) by the stack segment"
	ref	FXSAVE_REFS, "CVE-2017-2584"
	uses	fpu
	given	rbx=NON_CANONICAL, rbp=NON_CANONICAL
	emulate	fxsave [rbx]
	expect	exception, vector=VEC_GP, error=0, rip=EMULATED
	emulate	fxsave [rbp]
	expect	exception, vector=VEC_SS, error=0, rip=EMULATED
	checkpoint
%else
case store_beyond_limit, "SGDT and SIDT over the end of their segment are #GP(0), and write nothing"
	ref	STORE_REFS, "CVE-2017-2584"
	descriptor SEL_FREE, base=SCRATCH, limit=0, ar=AR_DATA16
	given	ds=SEL_FREE
	emulate	sgdt [0]
	expect	exception, vector=VEC_GP, error=0, rip=EMULATED
	emulate	sidt [0]
	expect	exception, vector=VEC_GP, error=0, rip=EMULATED
	checkpoint

case fxsave_beyond_limit, "FXSAVE over the end of its segment is #GP(0), and writes nothing"
	ref	FXSAVE_REFS, "CVE-2017-2584"
	uses	fpu
	descriptor SEL_FREE, base=SCRATCH, limit=0, ar=AR_DATA16
	given	ds=SEL_FREE
	emulate	fxsave [0]
	expect	exception, vector=VEC_GP, error=0, rip=EMULATED
	checkpoint
%endif

%if PAGED
case store_as_user, "SGDT and SIDT at CPL 3 do not reach a supervisor's page"
	ref	"SDM 3 4.6.1", "APM 2 5.6", "CVE-2018-10853"
	ring3
	pte	PAGES, clear=PTE_U
	emulate	sgdt [PAGES]
	expect	exception, vector=VEC_PF, error=PF_P | PF_W | PF_U, cr2=PAGES, rip=EMULATED
	emulate	sidt [PAGES]
	expect	exception, vector=VEC_PF, error=PF_P | PF_W | PF_U, cr2=PAGES, rip=EMULATED
	checkpoint

case fxsave_as_user, "FXSAVE at CPL 3 does not reach a supervisor's page"
	ref	"SDM 3 4.6.1", "APM 2 5.6", "CVE-2018-10853"
	ring3
	uses	fpu
	pte	PAGES, clear=PTE_U
	emulate	fxsave [PAGES]
	expect	exception, vector=VEC_PF, error=PF_P | PF_W | PF_U, cr2=PAGES, rip=EMULATED
	checkpoint

case move_as_user, "MOVS at CPL 3, one side of it emulated, does not reach a supervisor's page by the other"
	ref	"SDM 3 4.6.1", "APM 2 5.6", "CVE-2010-0298"
	ring3
	operand	db, 0x77
	pte	PAGES, clear=PTE_U
	given	rsi=OPERAND, rdi=PAGES
	emulate	movsb
	expect	exception, vector=VEC_PF, error=PF_P | PF_W | PF_U, cr2=PAGES, rip=EMULATED
	checkpoint

; What is there when nothing answers a fetch, no manual says; that it must not be the end of
; the whole VM does KVM, which knows no exit for it.
case not_emulated_at_user, "CPL 3 that goes where no memory is gets #UD, and the VM goes on"
	ref	"KVM API 5 KVM_EXIT_INTERNAL_ERROR", "CVE-2014-7842", "CVE-2010-5313", "CVE-2020-36310"
	ring3
	given	rbx=MMIO
	jmp	xbx
.back:	expect	exception, vector=VEC_UD, rip=MMIO, resume=.back
	checkpoint
%endif

; ---- null SS (CVE-2017-2583) ----------------------------------------------------------------

%if BITS == 64
%macro null_ss_at 1.nolist
case null_ss_cpl%1, "MOV SS of a null selector is allowed at CPL 1 and 2 if RPL is CPL, and CPL stays"
	ref	"SDM 2 MOV", "APM 2 4.5.1", "CVE-2017-2583"
	descriptor SEL_FREE, base=0, limit=0xffffffff, ar=AR_CODE64 | (%1 << 5)
	gate	VEC_BP, ar=GATE_INT | AR_DPL3
	descriptor SEL_FREE + 8, base=0, limit=0xffffffff, ar=AR_DATA | (%1 << 5)
	given	cs=SEL_FREE | %1, ss=SEL_FREE + 8 | %1, rax=%1
	emulate	mov ss, ax
	push	rax
	checkpoint rsp=STACK_TOP - 8, ss=%1, ss_base=0, ss_limit=0xffffffff, ss_ar=0x10000 | (%1 << 5)
	writes	STACK_TOP - 8, dq, %1
	int3			; its frame tells CPL
	expect	exception, vector=VEC_BP, software=1
%endmacro
null_ss_at 1
null_ss_at 2
%endif

; ---- tasks -----------------------------------------------------------------------------------

%if !LONG
%include "tasks.inc"
case task_conforming, "a task whose CS is conforming code of an inner level, by a selector with RPL 3, begins at CPL 3"
	ref	"SDM 3 7.3", "APM 2 12.3.1", "Linux 5045b46803"
	tss32	NEW, .there, IOPL_3 | 2, NEW_TOP
	memory	NEW + TSS32_ES, dd, SEL_UDATA, SEL_CONFORMING | 3, SEL_UDATA, SEL_UDATA, SEL_UDATA, SEL_UDATA
	descriptor SEL_NEW, base=NEW, limit=TSS32_LIMIT, ar=AR_TSS
	far_pointer jmp, SEL_NEW
.back:	ud2
.there:	checkpoint rax=TASK_EAX, rcx=TASK_ECX, rdx=TASK_EDX, rbx=TASK_EBX, rsp=NEW_TOP, rbp=TASK_EBP, \
		rsi=TASK_ESI, rdi=TASK_EDI, rflags=IOPL_3 | 2, es=SEL_UDATA, cs=SEL_CONFORMING | 3, \
		ss=SEL_UDATA, ds=SEL_UDATA, fs=SEL_UDATA, gs=SEL_UDATA, ldtr=SEL_LDT, \
		cr0=TASK_CR0, tr=SEL_NEW, tr_base=NEW, tr_limit=TSS32_LIMIT, tr_ar=AR_TSS_BUSY
	saved	.back
	jumped	32
%endif

; ---- RF and breakpoints ---------------------------------------------------------------------

%if BITS != 16
case resume_flag_left, "RF that IRET loads suppresses the breakpoint once, at an emulated instruction too, and is clear behind it"
	ref	"SDM 3 17.3.1.1", "APM 2 13.1.3", "kvm-unit-tests 964942e8", "kvm-unit-tests 73f9822e"
	operand	db, 0x55
	given	dr0=.i, dr7=DR7_INIT | DR7_L0
	mov	bl, [OPERAND]	; mapped from here on: no exit is to be between IRET and the end of .i
%if BITS == 64
	push	SEL_DATA
	push	STACK_TOP
%endif
	push	RF | 2
	push	SEL_CODE
	push	.i
%if BITS == 64
	iretq
%else
	iret
%endif
.i:	mov	bl, [OPERAND]
	checkpoint rbx=LOW8(RBX, 0x55)
%if BITS == 64
	writes	STACK_TOP - 40, dq, .i, SEL_CODE, RF | 2, STACK_TOP, SEL_DATA
%else
	writes	STACK_TOP - 12, dd, .i, SEL_CODE, RF | 2
%endif
	jmp	.i
	expect	exception, vector=VEC_DB, dr6=DR6_INIT | DR6_B0, rip=.i
	checkpoint
%endif

case breakpoint_emulated, "a breakpoint of the guest's at an instruction that is emulated stops before it, once"
	ref	"SDM 3 17.3.1.1", "APM 2 13.1.3", "CVE-2022-1852", "Linux fee060cd52d6"
	given	dr0=.g + EMULATE_GAP, dr7=DR7_INIT | DR7_L0
.g:	emulate	mov bl, 5
	expect	exception, vector=VEC_DB, dr6=DR6_INIT | DR6_B0, rip=.g + EMULATE_GAP
	checkpoint

case debugger_breakpoint_emulated, "a debugger's breakpoint at an instruction that is emulated is one exit, before it"
	ref	"KVM API KVM_SET_GUEST_DEBUG", "KVM API 5 KVM_EXIT_DEBUG", "CVE-2022-1852", "Linux fee060cd52d6"
	need	cap_set_guest_debug
	action	guest_debug, control=KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_HW_BP, \
		dr0=.g + EMULATE_GAP, dr7=DR7_INIT | DR7_L0
.g:	emulate	mov bl, 5
	expect	debug, debug_vector=VEC_DB, debug_pc=.g + EMULATE_GAP, rip=.g + EMULATE_GAP
	action	guest_debug, control=0
	checkpoint rbx=LOW8(RBX, 5)

; SPDX-License-Identifier: GPL-2.0-only
; Task switches (SDM 3 chapter 7, APM 2 chapter 12): by JMP, CALL and IRET, through
; task gates in the GDT and in the IDT, between tasks of 32 and of 16 bits. What they
; refuse is in task_faults.
%include "microguest.inc"
modes prot16, prot32, paged32, pae32
%include "emulate.inc"
%include "events.inc"
%include "tasks.inc"

%define V 0x50

%macro both_sizes 1.nolist
	%1	32
	%1	16
%endmacro

%macro jmp_case 1.nolist
case jmp_%1, "JMP to a TSS saves all registers, loads all, sets TS, and moves the busy bit"
	ref	"SDM 3 7.3", "SDM 2 JMP", "APM 2 12.3"
	new_task %1, .there
	far_pointer jmp, SEL_NEW
.back:	ud2
.there:	entered	%1, TASK_FLAGS, NEW_TOP
	saved	.back
	jumped	%1
%endmacro
both_sizes jmp_case

%macro call_case 1.nolist
case call_%1, "CALL of a TSS links the tasks, sets NT, and leaves the old one busy"
	ref	"SDM 3 7.3", "SDM 3 7.4", "SDM 2 CALL", "APM 2 12.3"
	new_task %1, .there
	far_pointer call, SEL_NEW
.back:	ud2
.there:	entered	%1, TASK_FLAGS | NT, NEW_TOP
	saved	.back
	nested	%1
%endmacro
both_sizes call_case

%macro gate_case 1.nolist
case jmp_gate_%1, "JMP through a task gate is JMP to its TSS"
	ref	"SDM 3 7.2.5", "SDM 2 JMP", "APM 2 12.2.6"
	new_task %1, .there
	task_gate SEL_NEW
	far_pointer jmp, SEL_GATE
.back:	ud2
.there:	entered	%1, TASK_FLAGS, NEW_TOP
	saved	.back
	jumped	%1

case call_gate_%1, "CALL through a task gate is CALL of its TSS"
	ref	"SDM 3 7.2.5", "SDM 2 CALL", "APM 2 12.2.6"
	new_task %1, .there
	task_gate SEL_NEW
	far_pointer call, SEL_GATE
.back:	ud2
.there:	entered	%1, TASK_FLAGS | NT, NEW_TOP
	saved	.back
	nested	%1

case int_gate_%1, "INT n through a task gate calls the TSS, whose IF and TF count"
	ref	"SDM 3 6.12.2", "SDM 2 INT", "APM 2 12.3"
	new_task %1, .there, TASK_FLAGS
	idt_task_gate V, SEL_NEW
	given	rflags=2 | IF | PF
	int	V
.back:	ud2
.there:	entered	%1, TASK_FLAGS | NT, NEW_TOP
	saved	.back, 2 | IF | PF
	nested	%1

case iret_%1, "IRET with NT returns to the linked TSS, clears NT in the old one and its busy bit"
	ref	"SDM 3 7.4", "SDM 2 IRET", "APM 2 12.3"
	new_task %1, .there, TASK_FLAGS, 2
	memory	TSS, dw, SEL_NEW
	given	rflags=2 | NT | PF
	emulate	iret
.back:	ud2
.there:	entered	%1, TASK_FLAGS, NEW_TOP
	saved	.back, 2 | PF
	type_is	SEL_TSS, AR_TSS
%endmacro
both_sizes gate_case

case call_and_back, "IRET of the called task goes on behind CALL, with every register as it was"
	ref	"SDM 3 7.4", "SDM 2 IRET", "APM 2 12.3"
	new_task 32, .there
	memory	TSS + TSS32_CR3, dd, TASK_CR3
	memory	TSS + TSS32_LDT, dw, SEL_LDT
	far_pointer call, SEL_NEW
.back:	checkpoint cr0=TASK_CR0
	saved	.back
	link_is	NEW, SEL_TSS
	writes	NEW + TSS32_EIP, dd, .end, TASK_FLAGS
	hlt
	expect	hlt
.there:	iret
.end:	ud2

case nested_twice, "a task called by a called task links to it, and both returns find their way"
	ref	"SDM 3 7.4", "APM 2 12.3"
	new_task 32, .there
	exception_task V, .inner
	memory	TSS + TSS32_CR3, dd, TASK_CR3
	memory	TSS + TSS32_LDT, dw, SEL_LDT
	far_pointer call, SEL_NEW
.back:	jmp	.finish
.inner:	handled	HANDLER_TOP
	saved	.back
	nested	32
	link_is	HANDLER, SEL_NEW
	type_is	SEL_HANDLER, AR_TSS_BUSY
	writes	NEW + TSS32_EIP, dd, .after, TASK_FLAGS | NT
	iret
.inner_end:
	ud2
.there:	int	V
.after:	entered	32, TASK_FLAGS | NT, NEW_TOP
	writes	HANDLER + TSS32_EIP, dd, .inner_end, 2
	type_is	SEL_HANDLER, AR_TSS
	iret
.end:	ud2
.finish:
	checkpoint rax=REG_RAX, rcx=REG_RCX, rdx=REG_RDX, rbx=REG_RBX, rsp=STACK_TOP, rbp=REG_RBP, \
		rsi=REG_RSI, rdi=REG_RDI, rflags=2, es=SEL_DATA, fs=SEL_DATA, gs=SEL_DATA, \
		tr=SEL_TSS, tr_base=TSS, tr_limit=TSS_LIMIT, tr_ar=AR_TSS_BUSY
	type_is	SEL_NEW, AR_TSS
	writes	NEW + TSS32_EIP, dd, .end, TASK_FLAGS

case from_16, "a 16-bit task saves the low words of its registers, and neither FS nor GS"
	ref	"SDM 3 7.6", "APM 2 12.2.4"
	descriptor SEL_OLD16, base=OLD16, limit=TSS16_LIMIT, ar=AR_TSS16_BUSY
	given	tr=SEL_OLD16
	new_task 32, .there
	far_pointer jmp, SEL_NEW
.back:	ud2
.there:	entered	32, TASK_FLAGS, NEW_TOP
	writes	OLD16 + TSS16_IP, dw, .back, 2, LOW(REG_RAX), LOW(REG_RCX), LOW(REG_RDX), \
		LOW(REG_RBX), STACK_TOP, LOW(REG_RBP), LOW(REG_RSI), LOW(REG_RDI), SEL_DATA, \
		SEL_CODE, SEL_DATA, SEL_DATA
	type_is	SEL_OLD16, AR_TSS16
	type_is	SEL_NEW, AR_TSS_BUSY

case from_ring3, "JMP from CPL 3 to a TSS of DPL 3: the new task's CPL is that of its CS"
	ref	"SDM 3 7.3", "SDM 2 JMP", "APM 2 12.3"
	ring3
	new_task 32, .there, TASK_FLAGS, AR_DPL3
	far_pointer jmp, SEL_NEW
.back:	ud2
.there:	checkpoint rax=TASK_EAX, rcx=TASK_ECX, rdx=TASK_EDX, rbx=TASK_EBX, rsp=NEW_TOP, \
		rbp=TASK_EBP, rsi=TASK_ESI, rdi=TASK_EDI, rflags=TASK_FLAGS, es=SEL_READONLY, \
		cs=SEL_CODE, ss=SEL_DATA, ds=SEL_DATA, fs=SEL_DATA16, gs=SEL_EXPANDDOWN, \
		ldtr=SEL_LDT, cr0=TASK_CR0, tr=SEL_NEW, tr_base=NEW, tr_limit=TSS32_LIMIT, \
		tr_ar=AR_TSS_BUSY | AR_DPL3
	writes	TSS + TSS32_EIP, dd, .back, 2, REG_RAX, REG_RCX, REG_RDX, REG_RBX, \
		STACK_TOP, REG_RBP, REG_RSI, REG_RDI, SEL_UDATA, SEL_UCODE, SEL_UDATA, SEL_UDATA, \
		SEL_UDATA, SEL_UDATA
	type_is	SEL_TSS, AR_TSS
	type_is	SEL_NEW, AR_TSS_BUSY | AR_DPL3

case gate_from_ring3, "INT n at CPL 3 through a task gate of DPL 3 needs no DPL 3 of the TSS"
	ref	"SDM 3 6.12.2", "SDM 2 INT", "APM 2 12.2.6"
	ring3
	new_task 32, .there
	idt_task_gate V, SEL_NEW, AR_TASKGATE | AR_DPL3
	int	V
.back:	ud2
.there:	entered	32, TASK_FLAGS | NT, NEW_TOP
	writes	TSS + TSS32_EIP, dd, .back, 2, REG_RAX, REG_RCX, REG_RDX, REG_RBX, \
		STACK_TOP, REG_RBP, REG_RSI, REG_RDI, SEL_UDATA, SEL_UCODE, SEL_UDATA, SEL_UDATA, \
		SEL_UDATA, SEL_UDATA
	nested	32

case ldt, "the new task's LDT is loaded before its segments, which may be in it"
	ref	"SDM 3 7.3", "SDM 3 7.2.1", "APM 2 12.3", "SDM 3 7.5"
	new_task 32, .there
	descriptor SEL_NEW_LDT, base=NEW_LDT, limit=0xf, ar=AR_LDT
	memory	NEW_LDT + 8, dd, 0x7000ffff, 0x00009300	; data at 7000h, 64 KiB
	memory	NEW + TSS32_LDT, dw, SEL_NEW_LDT
	memory	NEW + TSS32_FS, dw, 0xc
	far_pointer jmp, SEL_NEW
.back:	ud2
.there:	checkpoint rax=TASK_EAX, rcx=TASK_ECX, rdx=TASK_EDX, rbx=TASK_EBX, rsp=NEW_TOP, \
		rbp=TASK_EBP, rsi=TASK_ESI, rdi=TASK_EDI, rflags=TASK_FLAGS, es=SEL_READONLY, \
		cs=SEL_CODE, ss=SEL_DATA, ds=SEL_DATA, fs=0xc, fs_base=0x7000, fs_limit=0xffff, \
		fs_ar=0x93, gs=SEL_EXPANDDOWN, ldtr=SEL_NEW_LDT, cr0=TASK_CR0, tr=SEL_NEW, \
		tr_base=NEW, tr_limit=TSS32_LIMIT, tr_ar=AR_TSS_BUSY
	saved	.back
	jumped	32

case dr7, "a task switch clears L0 to L3 of DR7, and leaves G0 to G3 and the conditions"
	ref	"SDM 3 17.2.4", "APM 2 13.1.1"
	new_task 32, .there
	given	dr0=MMIO, dr1=MMIO, dr2=MMIO, dr3=MMIO, dr7=DR7_INIT | 0xff | DR7_RW(0, 1)
	far_pointer jmp, SEL_NEW
.back:	ud2
.there:	checkpoint rax=TASK_EAX, rcx=TASK_ECX, rdx=TASK_EDX, rbx=TASK_EBX, rsp=NEW_TOP, \
		rbp=TASK_EBP, rsi=TASK_ESI, rdi=TASK_EDI, rflags=TASK_FLAGS, es=SEL_READONLY, \
		cs=SEL_CODE, ss=SEL_DATA, ds=SEL_DATA, fs=SEL_DATA16, gs=SEL_EXPANDDOWN, \
		ldtr=SEL_LDT, cr0=TASK_CR0, tr=SEL_NEW, tr_base=NEW, tr_limit=TSS32_LIMIT, \
		tr_ar=AR_TSS_BUSY, dr7=DR7_INIT | 0xaa | DR7_RW(0, 1)
	saved	.back
	jumped	32

case trap_bit, "a TSS with T raises #DB before the new task's first instruction, with BT in DR6"
	ref	"SDM 3 17.3.1.5", "SDM 3 7.2.1", "APM 2 13.1.3"
	new_task 32, .there
	memory	NEW + TSS32_TRAP, dw, 1
	gate	VEC_DB, offset=.debug
	far_pointer jmp, SEL_NEW
.back:	ud2
.there:	ud2
%if BITS == 16
	%define FRAME_AT (NEW_TOP - 6)
	%define d_item dw
%else
	%define FRAME_AT (NEW_TOP - 12)
	%define d_item dd
%endif
.debug:	checkpoint rax=TASK_EAX, rcx=TASK_ECX, rdx=TASK_EDX, rbx=TASK_EBX, rsp=FRAME_AT, \
		rbp=TASK_EBP, rsi=TASK_ESI, rdi=TASK_EDI, rflags=TASK_FLAGS, es=SEL_READONLY, \
		cs=SEL_CODE, ss=SEL_DATA, ds=SEL_DATA, fs=SEL_DATA16, gs=SEL_EXPANDDOWN, \
		ldtr=SEL_LDT, cr0=TASK_CR0, tr=SEL_NEW, tr_base=NEW, tr_limit=TSS32_LIMIT, \
		tr_ar=AR_TSS_BUSY, dr6=DR6_INIT | DR6_BT
	writes	FRAME_AT, d_item, .there, SEL_CODE, TASK_FLAGS
	saved	.back
	jumped	32

case ts_is_seen, "after a task switch the first x87 instruction raises #NM"
	ref	"SDM 3 7.3", "SDM 3 2.5", "APM 2 12.3"
	uses	fpu
	new_task 32, .there
	gate	VEC_NM, offset=.seen
	far_pointer jmp, SEL_NEW
	ud2
.there:	fnop
	ud2
.seen:	clts
	mov	esp, NEW_TOP
	xor	eax, eax
	checkpoint rax=0, rcx=TASK_ECX, rdx=TASK_EDX, rbx=TASK_EBX, rsp=NEW_TOP, \
		rbp=TASK_EBP, rsi=TASK_ESI, rdi=TASK_EDI, rflags=DF | ZF | PF | 2, \
		undefined=AF, es=SEL_READONLY, \
		cs=SEL_CODE, ss=SEL_DATA, ds=SEL_DATA, fs=SEL_DATA16, gs=SEL_EXPANDDOWN, \
		ldtr=SEL_LDT, tr=SEL_NEW, tr_base=NEW, tr_limit=TSS32_LIMIT, \
		tr_ar=AR_TSS_BUSY
	undefined_memory NEW_TOP - 12, 12
	undefined_memory TSS + TSS32_EIP, TSS32_LDT - TSS32_EIP
	jumped	32

%if MODE_NUMBER == MODE_PAGED32 || MODE_NUMBER == MODE_PAE32
; Tables that map the lowest megabytes one to one by a large page, in PAGES; the old
; ones map ALIAS elsewhere.
%define ALIAS (PAGES + 0x3000)
%define LARGE (PTE_P | PTE_W | PTE_A | PTE_D | PTE_PS)
case cr3, "CR3 is loaded from a TSS of 32 bits when paging is on, and what was cached is gone"
	ref	"SDM 3 7.3", "SDM 3 4.10.4.1", "APM 2 12.3", "SDM 3 7.5"
	new_task 32, .there
	pte	ALIAS, pa=PAGES + 0x4000
	memory	NEW + TSS32_CR3, dd, PAGES
%if MODE_NUMBER == MODE_PAE32
	memory	PAGES, dq, (PAGES + 0x1000) | PTE_P
	memory	PAGES + 0x1000, dq, LARGE
%else
	memory	PAGES, dd, LARGE
%endif
	pointer	SEL_NEW
	mov	eax, [ALIAS]
	checkpoint rax=0xa4a4a4a4
	far_go	jmp
.back:	ud2
.there:	mov	ebx, [ALIAS]
	checkpoint rax=TASK_EAX, rcx=TASK_ECX, rdx=TASK_EDX, rbx=0xa3a3a3a3, rsp=NEW_TOP, \
		rbp=TASK_EBP, rsi=TASK_ESI, rdi=TASK_EDI, rflags=TASK_FLAGS, es=SEL_READONLY, \
		cs=SEL_CODE, ss=SEL_DATA, ds=SEL_DATA, fs=SEL_DATA16, gs=SEL_EXPANDDOWN, \
		ldtr=SEL_LDT, cr0=TASK_CR0, cr3=PAGES, tr=SEL_NEW, tr_base=NEW, \
		tr_limit=TSS32_LIMIT, tr_ar=AR_TSS_BUSY
	writes	TSS + TSS32_EIP, dd, .back, 2, 0xa4a4a4a4, REG_RCX, REG_RDX, REG_RBX, \
		STACK_TOP, REG_RBP, REG_RSI, REG_RDI, SEL_DATA, SEL_CODE, SEL_DATA, SEL_DATA, \
		SEL_DATA, SEL_DATA
	jumped	32
%endif

%if MODE_NUMBER == MODE_PROT32
case to_vm86, "a TSS of 32 bits with VM in EFLAGS begins a task in virtual-8086 mode at CPL 3"
	ref	"APM 2 12.3", "SDM 3 20.2.5"
	tss32	NEW, .there, VM | 2, NEW_TOP
	memory	NEW + TSS32_ES, dd, 0x100, 0, 0x200, 0x300, 0x400, 0x500
	memory	NEW + 0x66, dw, TSS_IOMAP
	memory	NEW + TSS_IOMAP, dq, 0, 0, 0, 0
	descriptor SEL_NEW, base=NEW, limit=TSS_IOMAP + 0x20, ar=AR_TSS
	pointer	SEL_NEW
	jmp	dword far [OPERAND]
.back:	ud2
	bits	16
.there:	checkpoint rax=TASK_EAX, rcx=TASK_ECX, rdx=TASK_EDX, rbx=TASK_EBX, rsp=NEW_TOP, \
		rbp=TASK_EBP, rsi=TASK_ESI, rdi=TASK_EDI, rflags=VM | 2, es=0x100, cs=0, \
		ss=0x200, ds=0x300, fs=0x400, gs=0x500, cr0=TASK_CR0, tr=SEL_NEW, \
		tr_base=NEW, tr_limit=TSS_IOMAP + 0x20, tr_ar=AR_TSS_BUSY
	bits	32
	saved	.back
	jumped	32
%endif

; ---- exceptions and interrupts ------------------------------------------------------

case ud, "#UD through a task gate: the saved EIP is the instruction's, no error code is pushed"
	ref	"SDM 3 6.12.2", "SDM 3 6.15", "APM 2 12.3", "SDM 3 25.4.2"
	exception_task VEC_UD, .there
.f:	ud2
.there:	handled	HANDLER_TOP
	expect_hw vmx.task_switch
	saved_fault .f
	link_is	HANDLER, SEL_TSS
	type_is	SEL_HANDLER, AR_TSS_BUSY

case int3, "#BP through a task gate: the saved EIP is behind INT3"
	ref	"SDM 3 6.12.2", "SDM 3 6.15", "APM 2 12.3"
	exception_task VEC_BP, .there
	int3
.back:	ud2
.there:	handled	HANDLER_TOP
	saved	.back
	link_is	HANDLER, SEL_TSS
	type_is	SEL_HANDLER, AR_TSS_BUSY

case error_code, "#GP through a task gate pushes its error code on the new task's stack, as 4 bytes"
	ref	"SDM 3 6.12.2", "SDM 3 6.13", "APM 2 12.3"
	exception_task VEC_GP, .there
	given	rax=GDT_SLOTS * 8
	memory	HANDLER_TOP - 4, dd, -1
.f:	mov	ds, ax
	ud2
.there:	handled	HANDLER_TOP - 4
	saved_error .f
	writes	HANDLER_TOP - 4, dd, GDT_SLOTS * 8
	link_is	HANDLER, SEL_TSS
	type_is	SEL_HANDLER, AR_TSS_BUSY

case error_code_16, "a TSS of 16 bits has its error code pushed as 2 bytes"
	ref	"SDM 3 6.12.2", "SDM 3 6.13", "APM 2 12.3"
	new_task 16, .there
	idt_task_gate VEC_GP, SEL_NEW
	given	rax=GDT_SLOTS * 8
	memory	NEW_TOP - 4, dd, -1
.f:	mov	ds, ax
	ud2
.there:	entered	16, TASK_FLAGS | NT, NEW_TOP - 2
	saved_error .f
	writes	NEW_TOP - 2, dw, GDT_SLOTS * 8
	nested	16

%if MODE_NUMBER == MODE_PAGED32 || MODE_NUMBER == MODE_PAE32
case page_fault, "#PF through a task gate pushes its error code, and CR2 has the address"
	ref	"SDM 3 6.12.2", "SDM 3 6.15", "APM 2 12.3"
	exception_task VEC_PF, .there
	pte	PAGES, clear=PTE_W
.f:	mov	[PAGES], eax
	ud2
.there:	checkpoint rax=TASK_EAX, rcx=TASK_ECX, rdx=TASK_EDX, rbx=TASK_EBX, \
		rsp=HANDLER_TOP - 4, rbp=TASK_EBP, rsi=TASK_ESI, rdi=TASK_EDI, rflags=2 | NT, \
		es=SEL_READONLY, cs=SEL_CODE, ss=SEL_DATA, ds=SEL_DATA, fs=SEL_DATA16, \
		gs=SEL_EXPANDDOWN, \
		ldtr=SEL_LDT, cr0=TASK_CR0, cr2=PAGES, tr=SEL_HANDLER, tr_base=HANDLER, \
		tr_limit=TSS32_LIMIT, tr_ar=AR_TSS_BUSY
	saved_fault .f
	writes	HANDLER_TOP - 4, dd, PF_P | PF_W
	link_is	HANDLER, SEL_TSS
	type_is	SEL_HANDLER, AR_TSS_BUSY
%endif

case interrupt, "an external interrupt through a task gate: the saved EIP is the next instruction's"
	ref	"SDM 3 6.12.2", "APM 2 12.3"
	exception_task V, .there
	given	rflags=2 | IF
	checkpoint
	action	interrupt, vector=V
.f:	ud2
.there:	handled	HANDLER_TOP
	saved	.f, 2 | IF
	link_is	HANDLER, SEL_TSS
	type_is	SEL_HANDLER, AR_TSS_BUSY

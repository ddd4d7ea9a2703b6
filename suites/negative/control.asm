; SPDX-License-Identifier: GPL-2.0-only
; Control and debug registers, EFER and descriptor-table registers.
%include "goodbad.inc"
modes prot32, long64

%if LONG
	%define STAGE_CR0 (CR0_PG | CR0_WP | CR0_NE | CR0_ET | CR0_EM | CR0_PE)
	%define STAGE_CR4 CR4_PAE
	%define STAGE_EFER (EFER_NXE | EFER_LMA | EFER_LME)
%else
	%define STAGE_CR0 (CR0_NE | CR0_ET | CR0_EM | CR0_PE)
	%define STAGE_CR4 0
	%define STAGE_EFER 0
%endif

section .data
gdtr:	dw	GDT_SLOTS * 8 - 1
	dq	GDT
gdtr_short:
	dw	GDT_SLOTS * 8 - 9
	dq	GDT
gdtr_moved:
	dw	GDT_SLOTS * 8 - 1
	dq	GDT + 8
idtr_short:
	dw	0x1ff
	dq	IDT
idtr_moved:
	dw	PICK(0x7ff, 0x7ff) | LONG << 11
	dq	IDT + 16
section .text

;! fail step=1 why="the state is not as expected"
;! cr0 0x* 0x*
case cr0, "CR0 counts"
	ref	"SDM 2 MOV-2"
	given	rax=STAGE_CR0 | CR0_TS
	mov	cr0, xax
	checkpoint cr0=STAGE_CR0 | PICK(CR0_TS, CR0_MP)

;! fail step=1 why="the state is not as expected"
;! cr2 0x1235 0x1234
case cr2, "CR2 counts"
	ref	"SDM 2 MOV-2"
	given	rax=0x1234
	mov	cr2, xax
	checkpoint cr2=PICK(0x1234, 0x1235)

;! fail step=1 why="the state is not as expected"
;! cr3 0x10000 0x10010
case cr3, "CR3 counts, its cache bits included"
	ref	"SDM 2 MOV-2"
	given	cr3=TABLES, rax=TABLES | CR3_PCD
	mov	cr3, xax
	good	checkpoint cr3=TABLES | CR3_PCD
	bad	checkpoint

;! fail step=1 why="the state is not as expected"
;! cr4 0x* 0x*
case cr4, "CR4 counts"
	ref	"SDM 2 MOV-2"
	given	rax=STAGE_CR4 | CR4_TSD
	mov	cr4, xax
	checkpoint cr4=STAGE_CR4 | PICK(CR4_TSD, CR4_DE)

;! fail step=1 why="the state is not as expected"
;! efer * 0x*
case efer, "EFER counts"
	ref	"SDM 2 WRMSR"
	given	rcx=MSR_EFER, rdx=0, rax=STAGE_EFER | EFER_SCE
	wrmsr
	good	checkpoint efer=STAGE_EFER | EFER_SCE
	bad	checkpoint

;! fail step=1 why="the state is not as expected"
;! dr0 0 0x1234
;! dr3 0 0x1234
case breakpoints, "DR0 to DR3 count"
	ref	"SDM 2 MOV-3"
	given	rax=0x1234
	mov	dr0, xax
	mov	dr3, xax
	good	checkpoint dr0=0x1234, dr3=0x1234
	bad	checkpoint

;! fail step=1 why="the state is not as expected"
;! dr6 0xffff0ff0 0xffff4ff1
case dr6, "DR6 counts"
	ref	"SDM 2 MOV-3"
	given	rax=DR6_INIT | DR6_B0 | DR6_BS
	mov	dr6, xax
	good	checkpoint dr6=DR6_INIT | DR6_B0 | DR6_BS
	bad	checkpoint

;! fail step=1 why="the state is not as expected"
;! dr7 0x400 0x500
case dr7, "DR7 counts"
	ref	"SDM 2 MOV-3"
	given	rax=DR7_INIT | DR7_LE
	mov	dr7, xax
	good	checkpoint dr7=DR7_INIT | DR7_LE
	bad	checkpoint

;! fail step=1 why="the state is not as expected"
;! gdt_limit 0x1ff 0x1f7
case gdt_limit, "The limit of GDTR counts"
	ref	"SDM 2 LGDT"
	lgdt	[PICK(gdtr, gdtr_short)]
	checkpoint

;! fail step=1 why="the state is not as expected"
;! gdt_base 0x1000 0x1008
case gdt_base, "The base of GDTR counts"
	ref	"SDM 2 LGDT"
	lgdt	[PICK(gdtr, gdtr_moved)]
	checkpoint

;! fail step=1 why="the state is not as expected"
;! idt_limit 0x* 0x1ff
case idt_limit, "The limit of IDTR counts"
	ref	"SDM 2 LIDT"
	lidt	[idtr_short]
	good	checkpoint idt_limit=0x1ff
	bad	checkpoint

;! fail step=1 why="the state is not as expected"
;! idt_base 0x2000 0x2010
case idt_base, "The base of IDTR counts"
	ref	"SDM 2 LIDT"
	lidt	[idtr_moved]
	good	checkpoint idt_base=IDT + 16
	bad	checkpoint

%if LONG

;! fail step=1 why="the state is not as expected"
;! cr8 0 0x5
case cr8, "CR8 counts"
	ref	"SDM 3 10.8.6"
	given	rax=5
	mov	cr8, rax
	good	checkpoint cr8=5
	bad	checkpoint

;! fail step=1 why="the state is not as expected"
;! fs_base 0 0x123456789a
case fs_base, "A base written through its MSR counts, all 64 bits of it"
	ref	"SDM 3 3.4.4"
	given	rcx=MSR_FS_BASE, rdx=0x12, rax=0x3456789a
	wrmsr
	good	checkpoint fs_base=0x123456789a
	bad	checkpoint

%endif

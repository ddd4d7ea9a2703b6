; SPDX-License-Identifier: GPL-2.0-only
; In pairs: a case that leaves something behind, and one that must not find it. Run
; by one worker, in this order, on one VM (suites/tests/test_sequence.py).
%include "microguest.inc"
modes long64

%macro leaves_msr 5.nolist	; NAME, INDEX, EAX, EDX, what is there before
case %{1}_left, "An MSR is written"
	ref	"SDM 4 2.1"
	given	rcx=%2, rax=%3, rdx=%4
	wrmsr
	checkpoint
case %{1}_gone, "and is as it was"
	ref	"SDM 4 2.1"
	given	rcx=%2
	rdmsr
	checkpoint rax=(%5) & 0xffffffff, rdx=(%5) >> 32
%endmacro

leaves_msr star, MSR_STAR, 0x12345678, 0x9abcdef0, 0
leaves_msr kernel_gs, MSR_KERNEL_GS_BASE, 0x1000, 0, 0
leaves_msr mtrr, 0x200, 6, 0, 0
leaves_msr pat, MSR_PAT, 0x06060606, 0x06060606, 0x0007040600070406

case dr_left, "Debug registers are written"
	ref	"SDM 3 17.2"
	given	rax=0x1234
	mov	dr0, rax
	checkpoint dr0=0x1234
case dr_gone, "and are as they were"
	ref	"SDM 3 17.2"
	mov	rax, dr0
	checkpoint rax=0

case xmm_left, "XMM and MXCSR are written"
	ref	"SDM 1 10.2"
	uses	sse
	given	xmm0=1, 2, mxcsr=0x1fa0
	checkpoint
case xmm_gone, "and are as they were"
	ref	"SDM 1 10.2"
	uses	sse
	movdqu	[SCRATCH], xmm0
	checkpoint

case tables_left, "A page is read"
	ref	"SDM 3 4.6"
	ring3
	mov	al, [PAGES]
	checkpoint rax=(REG_RAX & ~0xff) | 0xa0
case tables_gone, "and no translation of it is there when it is not mapped"
	ref	"SDM 3 4.6"
	ring3
	pte	PAGES, clear=PTE_P
.i:	mov	al, [PAGES]
	expect	exception, vector=VEC_PF, error=PF_U, cr2=PAGES, rip=.i

case nx_left, "A page with the NX bit is read, EFER.NXE set"
	ref	"SDM 3 4.6"
	ring3
	pte	PAGES, set=PTE_NX
	mov	al, [PAGES]
	checkpoint rax=(REG_RAX & ~0xff) | 0xa0
case nx_gone, "and without EFER.NXE the same tables have a reserved bit set"
	ref	"SDM 3 4.5"
	ring3
	given	efer=EFER_LME | EFER_LMA
	pte	PAGES, set=PTE_NX
.i:	mov	al, [PAGES]
	expect	exception, vector=VEC_PF, error=PF_P | PF_RSVD | PF_U, cr2=PAGES, rip=.i

case slot_left, "A memory slot is read-only"
	ref	"KVM api.rst, KVM_SET_USER_MEMORY_REGION"
	action	memslot, id=SLOT_PAGES, gpa=PAGES, size=0
	action	memslot, id=SLOT_PAGES, gpa=PAGES, size=PAGES_END - PAGES, hva=PAGES, \
		slot_flags=KVM_MEM_READONLY
	checkpoint
case slot_gone, "and is writable again"
	ref	"KVM api.rst, KVM_SET_USER_MEMORY_REGION"
	mov	byte [PAGES], 7
	checkpoint
	writes	PAGES, db, 7

case irq_left, "An interrupt waits"
	ref	"KVM api.rst, KVM_INTERRUPT"
	irqchip	split
	action	interrupt, vector=0x40
	checkpoint
case irq_gone, "and does no longer"
	ref	"KVM api.rst, KVM_INTERRUPT"
	irqchip	split
	sti
	nop
	nop
	checkpoint set=IF

case nmi_left, "NMIs are blocked"
	ref	"SDM 3 6.7.1"
	action	nmi
	expect	exception, vector=VEC_NMI
	nop
	checkpoint
case nmi_gone, "and are not"
	ref	"SDM 3 6.7.1"
	action	check, ev_nmi_masked=0
	checkpoint

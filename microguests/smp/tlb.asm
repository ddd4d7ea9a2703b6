; SPDX-License-Identifier: GPL-2.0-only
; Translations that one processor changes and another has in use: after the shootdown
; the other sees the new ones.
%include "microguest.inc"
modes paged32, pae32, long64
%include "events.inc"
%include "paging.inc"
%include "smp.inc"

%define GO (SCRATCH + 0x100)
%define SEEN (SCRATCH + 0x140)
%define PTE_OF(va) (TABLE_AT(1) + ((va) >> 12) * ENTRY_BYTES)
%define REF "SDM 3 4.10.5", "APM 2 5.5"

; point_at ENTRY'S ADDRESS, PAGE: changes the page's address in an entry of the first
; 4 GiB, by vCPU 0.
%macro point_at 2.nolist
	mov	ecx, [%1]
	and	ecx, 0xfff
	or	ecx, %2
	mov	[%1], ecx
	invlpg	[PAGES]
%endmacro

case invlpg, "After a change of the entry and INVLPG there the other processor reads the new page"
	ref	REF
	smp	2
	wait_for dword, SEEN, 1
	point_at PTE_OF(PAGES), PAGES + 0x1000
	mov	dword [GO], 1
	checkpoint undefined_reg=4, undefined=STATUS_FLAGS
	pte_is	PAGES, set=0x1000
	writes	GO, dd, 1
vcpu 1
	mov	eax, [PAGES]
	mov	dword [SEEN], 1
	wait_for dword, GO, 1
	invlpg	[PAGES]
	mov	ebx, [PAGES]
	checkpoint rax=0xa0a0a0a0, rbx=0xa1a1a1a1, WAITED
	writes	SEEN, dd, 1

case cr3, "After a change of the entry and a load of CR3 the other processor reads the new page"
	ref	REF
	smp	2
	wait_for dword, SEEN, 1
	point_at PTE_OF(PAGES), PAGES + 0x2000
	mov	dword [GO], 1
	checkpoint undefined_reg=4, undefined=STATUS_FLAGS
	pte_is	PAGES, set=0x2000
	writes	GO, dd, 1
vcpu 1
	mov	eax, [PAGES]
	mov	dword [SEEN], 1
	wait_for dword, GO, 1
	mov	wide_dx, cr3
	mov	cr3, wide_dx
	mov	ebx, [PAGES]
	checkpoint rax=0xa0a0a0a0, rbx=0xa2a2a2a2, rdx=TABLES, WAITED
	writes	SEEN, dd, 1

case write_protect, "An entry made read-only: the other processor's write faults after INVLPG"
	ref	REF, "SDM 3 4.7"
	smp	2
	wait_for dword, SEEN, 1
	and	dword [PTE_OF(PAGES)], ~PTE_W
	mov	dword [GO], 1
	checkpoint undefined=STATUS_FLAGS
	pte_is	PAGES, clear=PTE_W
	writes	GO, dd, 1
vcpu 1
	mov	[PAGES], al
	mov	dword [SEEN], 1
	wait_for dword, GO, 1
	invlpg	[PAGES]
.f:	mov	[PAGES + 1], al
	expect	exception, vector=VEC_PF, error=PF_P | PF_W, cr2=PAGES + 1, rip=.f, WAITED
	writes	PAGES, db, REG_RAX & 0xff
	writes	SEEN, dd, 1
	checkpoint

case not_present, "An entry made not present: the other processor's read faults after INVLPG"
	ref	REF, "SDM 3 4.7"
	smp	2
	wait_for dword, SEEN, 1
	and	dword [PTE_OF(PAGES)], ~PTE_P
	mov	dword [GO], 1
	checkpoint undefined=STATUS_FLAGS
	pte_is	PAGES, clear=PTE_P
	writes	GO, dd, 1
vcpu 1
	mov	eax, [PAGES]
	mov	dword [SEEN], 1
	wait_for dword, GO, 1
	invlpg	[PAGES]
.f:	mov	ebx, [PAGES]
	expect	exception, vector=VEC_PF, error=0, cr2=PAGES, rip=.f, rax=0xa0a0a0a0, WAITED
	writes	SEEN, dd, 1
	checkpoint

case present, "An entry made present needs nothing of the other processor"
	ref	"SDM 3 4.10.2.3", "SDM 3 4.10.4.3", "APM 2 5.5.3"
	smp	2
	pte	PAGES, clear=PTE_P
	wait_for dword, SEEN, 1
	or	dword [PTE_OF(PAGES)], PTE_P
	mov	dword [GO], 1
	checkpoint undefined=STATUS_FLAGS
	pte_is	PAGES, set=PTE_P
	writes	GO, dd, 1
vcpu 1
.f:	mov	eax, [PAGES]
	expect	exception, vector=VEC_PF, error=0, cr2=PAGES, rip=.f
	mov	dword [SEEN], 1
	wait_for dword, GO, 1
	mov	eax, [PAGES]
	checkpoint rax=0xa0a0a0a0, WAITED
	writes	SEEN, dd, 1

case table, "A page table replaced: the other processor walks the new one after CR3 is loaded"
	ref	REF
	smp	2
	wait_for dword, SEEN, 1
	mov	esi, TABLE_AT(1)
	mov	edi, FREE_TABLE
	mov	ecx, 0x400
	rep movsd
	point_at FREE_TABLE + (PAGES >> 12) * ENTRY_BYTES, PAGES + 0x3000
	point_at TABLE_AT(2), FREE_TABLE
	mov	dword [GO], 1
	checkpoint undefined_reg=0x34, undefined=STATUS_FLAGS
	undefined_memory FREE_TABLE, 0x1000
	undefined_memory TABLE_AT(2), 8
	writes	GO, dd, 1
vcpu 1
	mov	eax, [PAGES]
	mov	dword [SEEN], 1
	wait_for dword, GO, 1
	mov	wide_dx, cr3
	mov	cr3, wide_dx
	mov	ebx, [PAGES]
	checkpoint rax=0xa0a0a0a0, rbx=0xa3a3a3a3, rdx=TABLES, WAITED
	writes	SEEN, dd, 1

case accessed_dirty, "A and D that two processors set in one entry are both there"
	ref	"SDM 3 4.8", "SDM 3 8.1.2.1", "APM 2 5.4.2"
	smp	2
	pte	PAGES, clear=PTE_A | PTE_D
	start_line 2
	mov	al, [PAGES]
	checkpoint rax=LOW_BYTE(REG_RAX, 0xa0), WAITED
vcpu 1
	start_line 2
	mov	[PAGES + 0x800], bl
	checkpoint WAITED
	writes	PAGES + 0x800, db, REG_RBX & 0xff
meet
	started	2
	pte_is	PAGES, set=PTE_A | PTE_D

case accessed_others, "A that two processors set in neighbouring entries is in both"
	ref	"SDM 3 4.8", "SDM 3 8.1.2.1", "APM 2 5.4.2"
	smp	2
	pte	PAGES, clear=PTE_A | PTE_D
	pte	PAGES + 0x1000, clear=PTE_A | PTE_D
	pte	PAGES + 0x2000, clear=PTE_A | PTE_D
	pte	PAGES + 0x3000, clear=PTE_A | PTE_D
	start_line 2
	mov	al, [PAGES]
	mov	al, [PAGES + 0x2000]
	checkpoint rax=LOW_BYTE(REG_RAX, 0xa2), WAITED
vcpu 1
	start_line 2
	mov	al, [PAGES + 0x1000]
	mov	al, [PAGES + 0x3000]
	checkpoint rax=LOW_BYTE(REG_RAX, 0xa3), WAITED
meet
	started	2
	pte_is	PAGES, set=PTE_A
	pte_is	PAGES + 0x1000, set=PTE_A
	pte_is	PAGES + 0x2000, set=PTE_A
	pte_is	PAGES + 0x3000, set=PTE_A

case dirty_not_lost, "D is set again after another processor has cleared it and shot it down"
	ref	REF, "SDM 3 4.8"
	smp	2
	wait_for dword, SEEN, 1
	and	dword [PTE_OF(PAGES)], ~PTE_D
	mov	dword [GO], 1
	checkpoint undefined=STATUS_FLAGS
	writes	GO, dd, 1
vcpu 1
	mov	[PAGES], al
	mov	dword [SEEN], 1
	wait_for dword, GO, 1
	invlpg	[PAGES]
	mov	[PAGES + 1], bl
	checkpoint WAITED
	writes	PAGES, db, REG_RAX & 0xff, REG_RBX & 0xff
	writes	SEEN, dd, 1

case by_ipi, "A shootdown by IPI: when the other processor has answered it uses the new page"
	ref	REF, "SDM 3 10.6.1"
	smp	2
	apics
	gate	0x41, offset=.shoot
	given	rsp=STACK_TOP
	apic_enable
	wait_for dword, SEEN, 1
	mov	ecx, [PTE_OF(PAGES)]
	and	ecx, 0xfff
	or	ecx, PAGES + 0x4000
	mov	[PTE_OF(PAGES)], ecx
	send	1, ICR_ASSERT | 0x41
	wait_for dword, GO, 1
	mov	eax, [SEEN + 4]
	mov	dword [GO], 2
	checkpoint rax=0xa4a4a4a4, undefined_reg=4, undefined=STATUS_FLAGS
	pte_is	PAGES, set=0x4000
	jmp	.end0
; The other's: it answers with what it reads now.
.shoot:	invlpg	[PAGES]
	mov	ebx, [PAGES]
	mov	[SEEN + 4], ebx
	mov	dword [GO], 1
	eoi
	%if BITS == 64
		iretq
	%else
		iret
	%endif
.end0:	checkpoint
vcpu 1
	given	rdi=APIC_BASE
	apic_enable
	mov	eax, [PAGES]
	mov	dword [SEEN], 1
	sti
	wait_for dword, GO, 2
	cli
	checkpoint rax=0xa0a0a0a0, rbx=0xa4a4a4a4, WAITED
	undefined_memory STACK_TOP_1 - 0x40, 0x40
	writes	SEEN, dd, 1, 0xa4a4a4a4
meet
	writes	GO, dd, 2

case runner_entry, "A page-table entry that the runner has changed is used by both"
	ref	"kvm api KVM_SET_USER_MEMORY_REGION"
	smp	2
	mov	eax, [PAGES]
	checkpoint rax=0xa0a0a0a0
vcpu 1
	mov	eax, [PAGES]
	checkpoint rax=0xa0a0a0a0
meet
vcpu 0
	action	entry, va=PAGES, level=1, pa=PAGES + 0x5000
meet
vcpu 0
	invlpg	[PAGES]
	mov	eax, [PAGES]
	checkpoint rax=0xa5a5a5a5
vcpu 1
	invlpg	[PAGES]
	mov	eax, [PAGES]
	checkpoint rax=0xa5a5a5a5

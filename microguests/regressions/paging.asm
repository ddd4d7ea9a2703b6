; SPDX-License-Identifier: GPL-2.0-only
; What broke in KVM's paging and in its checks of addresses, where no other suite shows it.
%include "microguest.inc"
modes prot32, paged32, pae32, compat32, long64
%include "events.inc"

%if PAGED
case wp_not_refreshed, "CR0.WP counts for an emulated write as it is now"
	ref	"SDM 3 2.5 CR0.WP", "SDM 3 4.6.1", "APM 2 5.6.4", "Linux cf9f4c0eb169", "kvm-unit-tests 9a125170"
	given	cr0=(STAGE_CR0 | CR0_EM) & ~CR0_WP, rax=STAGE_CR0 | CR0_EM
	pte	PAGES, clear=PTE_W
	emulate	mov [PAGES], ecx
	mov	cr0, wide_ax
	emulate	mov [PAGES], edx
	expect	exception, vector=VEC_PF, error=PF_P | PF_W, cr2=PAGES, rip=EMULATED, cr0=STAGE_CR0 | CR0_EM
	writes	PAGES, dd, REG_RCX & 0xffffffff
	and	eax, ~CR0_WP
	mov	cr0, wide_ax
	emulate	mov [PAGES], edx
	checkpoint cr0=(STAGE_CR0 | CR0_EM) & ~CR0_WP, rax=(STAGE_CR0 | CR0_EM) & ~CR0_WP, status=PF | SF
	writes	PAGES, dd, REG_RDX & 0xffffffff
%endif

%if MODE_NUMBER == MODE_PROT32
; 4 MiB pages: both map memory from 0 on.
case sregs_lose_paging, "KVM_SET_SREGS that sets CR0.PG turns paging on, and the guest runs by its tables"
	ref	"KVM API 4.12 KVM_SET_SREGS", "SDM 3 4.3"
	memory	PAGES, dd, PTE_P | PTE_W | PTE_A | PTE_D | PTE_PS, PTE_P | PTE_W | PTE_A | PTE_D | PTE_PS
	memory	SCRATCH, dd, 0x12345678
	checkpoint
	action	set, cr0=STAGE_CR0 | CR0_EM | CR0_PG, cr3=PAGES, cr4=CR4_PSE
	mov	eax, [0x400000 + SCRATCH]
	mov	ebx, cr0
	checkpoint rax=0x12345678, rbx=STAGE_CR0 | CR0_EM | CR0_PG
%endif

%if BITS == 64
; Canonical of 57 bits and not of 48.
%define WIDE 0x00ff800000000000
case canonical_by_mode, "Addresses in MSRs and table registers are checked by the width that the processor has, not that of the paging in use"
	ref	"Intel 335252", "SDM 1 3.3.7.1", "Linux 9245fd6b8531", "kvm-unit-tests f6257e24"
	need	la57
	memory	SCRATCH, dw, 0x7ff
	memory	SCRATCH + 2, dq, WIDE
	given	rcx=MSR_KERNEL_GS_BASE, rax=WIDE & 0xffffffff, rdx=WIDE >> 32
	wrmsr
	mov	ecx, MSR_LSTAR
	wrmsr
	emulate	lgdt [SCRATCH]
	checkpoint rcx=MSR_LSTAR, gdt_base=WIDE, gdt_limit=0x7ff
	action	check_msr, index=MSR_KERNEL_GS_BASE, value=WIDE
	action	check_msr, index=MSR_LSTAR, value=WIDE
	checkpoint
%endif

; SPDX-License-Identifier: GPL-2.0-only
; The guest changes the mode itself: into protected mode and back, into long mode
; and back, and the state in between, before CS is loaded anew.
%include "microguest.inc"
modes real16, prot16, prot32, compat32, long64
%include "emulate.inc"
%include "events.inc"

%define CR0_NOW (STAGE_CR0 | CR0_EM)

; 4-level tables that map the first 2 MiB one to one, in three pages of TABLES
; (SDM 3 figure 4-9): PML4E, PDPTE, and a PDE of a large page.
%macro long_mode_tables 0.nolist
	memory	TABLES, dq, (TABLES + 0x1000) | PTE_P | PTE_W | PTE_A
	memory	TABLES + 0x1000, dq, (TABLES + 0x2000) | PTE_P | PTE_W | PTE_A
	memory	TABLES + 0x2000, dq, PTE_P | PTE_W | PTE_A | PTE_D | PTE_PS
%endmacro

; long_mode_ready: PAE, CR3 and EFER.LME, from code of 16 or 32 bits.
%macro long_mode_ready 0.nolist
	mov	eax, CR4_PAE
	emulate	mov cr4, eax
	mov	eax, TABLES
	emulate	mov cr3, eax
	mov	ecx, MSR_EFER
	mov	eax, EFER_LME
	xor	edx, edx
	emulate	wrmsr
%endmacro
%define LONG_READY rcx=MSR_EFER, rdx=0, cr4=CR4_PAE, cr3=TABLES, status=ZF | PF, undefined=AF

%if MODE_NUMBER == MODE_REAL16
case real_to_prot, "setting CR0.PE leaves the segments as they are until a far JMP loads CS"
	ref	"SDM 3 9.9.1", "APM 2 14.4"
	given	rax=CR0_NOW | CR0_PE
	emulate	mov cr0, eax
	checkpoint cr0=CR0_NOW | CR0_PE
	emulate	jmp dword SEL_CODE32:.there
.there:	checkpoint cs=SEL_CODE32

case real_to_prot_at_once, "the instruction after setting CR0.PE, fetched or not, is 16-bit code still"
	ref	"SDM 3 9.9.1", "APM 2 14.4"
	given	rax=CR0_NOW | CR0_PE
	emulate	mov cr0, eax
	emulate	mov bx, 0x1234
	emulate	jmp SEL_CODE:.there
.there:	emulate	mov dx, 0x5678
	checkpoint cr0=CR0_NOW | CR0_PE, cs=SEL_CODE, rbx=LOW16(RBX, 0x1234), rdx=LOW16(RDX, 0x5678)

case lmsw_to_prot, "LMSW sets CR0.PE"
	ref	"SDM 2 LMSW", "APM 3 LMSW"
	given	rax=CR0_PE | CR0_EM
	emulate	lmsw ax
	emulate	jmp SEL_CODE:.there
.there:	checkpoint cr0=CR0_NOW | CR0_PE, cs=SEL_CODE

case big_real_mode, "a limit loaded in protected mode stays when CR0.PE is cleared"
	ref	"SDM 3 9.9.2", "APM 2 4.1"
	descriptor SEL_FREE, base=0, limit=0xffffffff, ar=AR_DATA
	given	rax=CR0_NOW | CR0_PE, rbx=PAGES + 0x2000, rcx=SEL_FREE
	emulate	mov cr0, eax
	emulate	mov es, cx
	emulate	and al, 0xfe
	emulate	mov cr0, eax
	checkpoint rax=CR0_NOW, es=SEL_FREE, es_base=0, es_limit=0xffffffff, es_ar=AR_DATA, \
		status=PF
	emulate	mov dl, [es:ebx]
	checkpoint rdx=LOW8(RDX, 0xa2)

case real_to_long, "CR0.PE and PG set together with EFER.LME enter long mode, in compatibility code"
	ref	"SDM 3 9.8.5", "APM 2 14.6"
	long_mode_tables
	long_mode_ready
	checkpoint rax=EFER_LME, efer=EFER_LME, LONG_READY
	mov	eax, CR0_NOW | CR0_PE | CR0_PG
	emulate	mov cr0, eax
	emulate	jmp dword SEL_CODE64:.there
	bits	64
.there:	mov	r8, 0x123456789abcdef0
	checkpoint rax=CR0_NOW | CR0_PE | CR0_PG, cr0=CR0_NOW | CR0_PE | CR0_PG, \
		efer=EFER_LME | EFER_LMA, cs=SEL_CODE64, r8=0x123456789abcdef0
	bits	16

%elif !LONG
case prot_to_real, "clearing CR0.PE leaves CS as it is until a far JMP gives it real mode's base"
	ref	"SDM 3 9.9.2", "APM 2 14.4"
	given	rax=CR0_NOW & ~CR0_PE
	emulate	jmp SEL_CODE16:.code16
	bits	16
.code16: emulate mov cr0, eax
	checkpoint cr0=CR0_NOW & ~CR0_PE, cs=SEL_CODE16, cs_base=0, cs_limit=0xffff, cs_ar=AR_CODE16
	emulate	jmp 0x100:.there - 0x1000
.there:	checkpoint cs=0x100, rip=.end - 0x1000
.end:	mov	bx, 0x700
	emulate	mov ds, bx
	mov	cl, [0x20]
	checkpoint ds=0x700, rbx=LOW16(RBX, 0x700), rcx=LOW8(RCX, 0), rip=.end2 - 0x1000
.end2:
	bits	BITS

case prot_to_long, "CR0.PG set with EFER.LME enters compatibility mode, and a far JMP 64-bit mode"
	ref	"SDM 3 9.8.5", "APM 2 14.6"
	long_mode_tables
	long_mode_ready
	mov	eax, CR0_NOW | CR0_PG
	emulate	mov cr0, eax
	checkpoint rax=CR0_NOW | CR0_PG, cr0=CR0_NOW | CR0_PG, efer=EFER_LME | EFER_LMA, LONG_READY
	emulate	jmp SEL_CODE64:.there
	bits	64
.there:	mov	r8, 0x123456789abcdef0
	checkpoint cs=SEL_CODE64, r8=0x123456789abcdef0
	bits	BITS

%else
case long_to_prot, "clearing CR0.PG in compatibility mode leaves long mode, and EFER.LMA follows"
	ref	"SDM 3 9.8.5.4", "APM 2 14.7"
	given	rbx=CR0_NOW & ~CR0_PG
%if BITS == 64
	memory	SCRATCH, dd, .code32, SEL_CODE32
	emulate	jmp dword far [abs SCRATCH]
	bits	32
.code32:
%endif
	emulate	mov cr0, ebx
%if BITS == 64
	checkpoint cr0=CR0_NOW & ~CR0_PG, efer=EFER_LME | EFER_NXE, cs=SEL_CODE32
%else
	checkpoint cr0=CR0_NOW & ~CR0_PG, efer=EFER_LME | EFER_NXE
%endif
	mov	ecx, MSR_EFER
	xor	eax, eax
	xor	edx, edx
	emulate	wrmsr
	emulate	mov cr4, eax
	checkpoint rcx=MSR_EFER, rax=0, rdx=0, efer=0, cr4=0, status=ZF | PF, undefined=AF
	bits	BITS

case sizes_in_long_mode, "64-bit, 32-bit and 16-bit code follow each other, and R8 to R15 stay"
	ref	"SDM 3 5.2.1", "APM 2 14.5"
%if BITS == 64
	memory	SCRATCH, dd, .code32, SEL_CODE32
	emulate	jmp dword far [abs SCRATCH]
	bits	32
%else
	emulate	jmp SEL_CODE64:.code64
	bits	64
.code64: mov	r9, 0xfedcba9876543210
	memory	SCRATCH, dd, .code32, SEL_CODE32
	emulate	jmp dword far [abs SCRATCH]
	bits	32
%endif
.code32: emulate jmp SEL_CODE16:.code16
	bits	16
.code16: emulate mov bx, 0x1234
	emulate	jmp dword SEL_CODE64:.again
	bits	64
.again:	emulate	mov rdx, r9
%if BITS == 64
	checkpoint cs=SEL_CODE64, rbx=LOW16(RBX, 0x1234), rdx=REG_R9
%else
	checkpoint cs=SEL_CODE64, rbx=LOW16(RBX, 0x1234), rdx=0xfedcba9876543210, r9=0xfedcba9876543210
%endif
	bits	BITS
%endif

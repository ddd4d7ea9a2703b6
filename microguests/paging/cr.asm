; SPDX-License-Identifier: GPL-2.0-only
; What MOV to CR0, CR3 and CR4 refuses in each paging mode; a refused value changes
; nothing.
%include "microguest.inc"
modes paged32, pae32, compat32, long64, long64_5l
%include "paging.inc"

%define REFS "SDM 2 MOV CR", "SDM 3 2.5", "APM 2 3.1"

; refused NAME, REGISTER, VALUE, TEXT: MOV to it raises #GP(0).
%macro refused 4.nolist
case %1, %4
	ref	REFS
	given	rax=%3
.f:	mov	%2, xax
	expect	exception, vector=VEC_GP, error=0, rip=.f
%endmacro

	refused cr0_pe, cr0, INIT_CR0 & ~CR0_PE, "CR0.PE cannot be cleared while PG is set"
	refused cr0_nw, cr0, INIT_CR0 | CR0_NW, "CR0.NW cannot be set while CD is clear"
	refused cr4_bit_15, cr4, INIT_CR4 | 1 << 15, "bit 15 of CR4 is reserved"
	refused cr4_bit_31, cr4, INIT_CR4 | 1 << 31, "bit 31 of CR4 is reserved"
%if LONG
	refused cr4_pae, cr4, INIT_CR4 & ~CR4_PAE, "CR4.PAE cannot be cleared in long mode"
	refused cr4_la57, cr4, INIT_CR4 ^ CR4_LA57, "CR4.LA57 cannot be changed in long mode"
	refused cr4_la57_pse, cr4, INIT_CR4 ^ CR4_LA57 | CR4_PSE, "nor along with another bit"
%else
	refused cr4_pcide, cr4, INIT_CR4 | CR4_PCIDE, "CR4.PCIDE can be set in long mode only"
%endif
%if BITS == 64
	refused cr0_pg, cr0, INIT_CR0 & ~CR0_PG, "CR0.PG cannot be cleared in 64-bit code"
	refused cr0_bit_32, cr0, INIT_CR0 | 1 << 32, "bits 63 to 32 of CR0 are reserved"
	refused cr0_bit_63, cr0, INIT_CR0 | 1 << 63, "bit 63 of CR0 is reserved"
	refused cr4_bit_40, cr4, INIT_CR4 | 1 << 40, "bits 63 to 33 of CR4 are reserved"
	refused cr3_bit_52, cr3, TABLES | 1 << 52, "bits 63 to 52 of CR3 are reserved"
	refused cr8_bit_4, cr8, 0x10, "bits 63 to 4 of CR8 are reserved"

case cr3_address, "an address beyond MAXPHYADDR in CR3 is reserved"
	ref	REFS, "SDM 3 4.5"
	need	maxphyaddr_lt_52
	given	rax=TABLES | 1 << 51
.f:	mov	cr3, rax
	expect	exception, vector=VEC_GP, error=0, rip=.f
%endif

case user, "MOV to and from control registers is the supervisor's: #GP(0) at CPL 3"
	ref	REFS
	ring3
	given	rax=0
.a:	mov	cr0, xax
	expect	exception, vector=VEC_GP, error=0, rip=.a
.b:	mov	cr3, xax
	expect	exception, vector=VEC_GP, error=0, rip=.b
.c:	mov	cr4, xax
	expect	exception, vector=VEC_GP, error=0, rip=.c
.d:	mov	xax, cr3
	expect	exception, vector=VEC_GP, error=0, rip=.d
.e:	mov	xax, cr2
	expect	exception, vector=VEC_GP, error=0, rip=.e

case cr0_cache, "CD alone, and CD with NW, can be set and cleared again"
	ref	REFS, "SDM 3 11.5.1"
	given	rax=INIT_CR0 | CR0_CD, rbx=INIT_CR0 | CR0_CD | CR0_NW, rcx=INIT_CR0
	mov	cr0, xax
	checkpoint cr0=INIT_CR0 | CR0_CD
	mov	cr0, xbx
	checkpoint cr0=INIT_CR0 | CR0_CD | CR0_NW
	mov	cr0, xcx
	mov	xdx, cr0
	checkpoint cr0=INIT_CR0, rdx=INIT_CR0

case cr0_et, "CR0.ET is always set"
	ref	REFS
	given	rax=INIT_CR0 & ~CR0_ET
	mov	cr0, xax
	mov	xbx, cr0
	checkpoint rbx=INIT_CR0

case cr4_bits, "CR4's bits without bearing on paging go on and off with paging on"
	ref	REFS
	given	rax=INIT_CR4 | CR4_TSD | CR4_DE | CR4_MCE, rcx=INIT_CR4
	mov	cr4, xax
	mov	xbx, cr4
	checkpoint cr4=INIT_CR4 | CR4_TSD | CR4_DE | CR4_MCE, \
		rbx=INIT_CR4 | CR4_TSD | CR4_DE | CR4_MCE
	mov	cr4, xcx
	checkpoint cr4=INIT_CR4

case cr2, "CR2 holds what the program writes there until the next page fault"
	ref	REFS
	given	rax=0x12345678
	pte	PAGES, clear=PTE_P
	mov	cr2, xax
	mov	xbx, cr2
	checkpoint cr2=0x12345678, rbx=0x12345678
.g:	ud2
	expect	exception, vector=VEC_UD, rip=.g
.f:	mov	[PAGES + 4], eax
	expect	exception, vector=VEC_PF, error=PF_W, cr2=PAGES + 4, rip=.f

; efer_refused NAME, VALUE, TEXT: WRMSR of it to EFER raises #GP(0).
%macro efer_refused 3.nolist
case %1, %3
	ref	"SDM 3 2.2.1", "SDM 4 2.1", "APM 2 3.1.7"
	given	rax=(%2) & 0xffffffff, rdx=(%2) >> 32, rcx=MSR_EFER
.f:	wrmsr
	expect	exception, vector=VEC_GP, error=0, rip=.f
%endmacro
	efer_refused efer_lme, INIT_EFER & ~EFER_LMA ^ EFER_LME, \
		"EFER.LME cannot be changed while paging is on"
	efer_refused efer_bit_9, INIT_EFER | 1 << 9, "bit 9 of EFER is reserved"
	efer_refused efer_bit_32, INIT_EFER | 1 << 32, "bits 63 to 32 of EFER are reserved"

case efer_sce, "EFER.SCE goes on and off in any mode"
	ref	"SDM 3 2.2.1", "APM 2 3.1.7"
	need	syscall
	given	rax=INIT_EFER | EFER_SCE, rdx=0, rcx=MSR_EFER
	wrmsr
	mov	al, 0
	rdmsr
	checkpoint efer=INIT_EFER | EFER_SCE, rax=INIT_EFER | EFER_SCE
	mov	al, 0
	wrmsr
	checkpoint efer=INIT_EFER, rax=INIT_EFER

case efer_user, "RDMSR and WRMSR of EFER at CPL 3 raise #GP(0)"
	ref	"SDM 2 RDMSR", "SDM 2 WRMSR"
	ring3
	given	rcx=MSR_EFER, rax=INIT_EFER, rdx=0
.r:	rdmsr
	expect	exception, vector=VEC_GP, error=0, rip=.r
.w:	wrmsr
	expect	exception, vector=VEC_GP, error=0, rip=.w

%if HAS_NX
case nxe_turned_on, "an entry with NX is reserved until EFER.NXE is set"
	ref	"SDM 3 4.4.2", "SDM 3 4.5", "APM 2 3.1.7"
	given	efer=INIT_EFER & ~EFER_NXE, rax=INIT_EFER, rdx=0, rcx=MSR_EFER
	pte	PAGES, set=PTE_NX
.f:	mov	ebx, [PAGES]
	expect	exception, vector=VEC_PF, error=PF_P | PF_RSVD, cr2=PAGES, rip=.f
	wrmsr
	mov	ebx, [PAGES]
	checkpoint efer=INIT_EFER, rbx=0xa0a0a0a0
%endif

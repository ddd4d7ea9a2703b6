; SPDX-License-Identifier: GPL-2.0-only
; MOV to and from control registers, LMSW, SMSW, CLTS, and the instructions that
; only act on caches and translations.
%include "microguest.inc"
modes real16, prot16, prot32, compat32, long64
%include "emulate.inc"
%include "events.inc"

%define CR0_NOW (STAGE_CR0 | CR0_EM)
%assign REAL16 MODE_NUMBER == MODE_REAL16
; Control registers move whole: 64 bits in 64-bit mode, else 32.
%if BITS == 64
	%define cax rax
	%define cbx rbx
%else
	%define cax eax
	%define cbx ebx
%endif

%macro gp 0.nolist
	%if REAL16
		expect exception, vector=VEC_GP, rip=EMULATED
	%else
		expect exception, vector=VEC_GP, error=0, rip=EMULATED
	%endif
%endmacro

; ---- CR0 ------------------------------------------------------------------------

case cr0_read, "MOV r, CR0 reads the whole register with any operand size"
	ref	"SDM 2 MOV to/from CR", "APM 3 MOV CRn", "APM 2 6.2"
	emulate	mov cax, cr0
	emulate	o16 mov cbx, cr0
	checkpoint rax=CR0_NOW, rbx=CR0_NOW

case cr0_mod_ignored, "the mod field of MOV CR is ignored: the operand is a register"
	ref	"SDM 2 MOV to/from CR", "APM 3 MOV CRn"
	emulate	db 0x0f, 0x20, 0x03
	checkpoint rbx=CR0_NOW

case cr0_write, "MOV CR0, r sets and clears MP, EM, TS and NE"
	ref	"SDM 3 2.5", "APM 2 3.1.1"
	given	rax=(CR0_NOW ^ CR0_EM ^ CR0_NE) | CR0_MP | CR0_TS
	emulate	mov cr0, cax
	checkpoint cr0=(CR0_NOW ^ CR0_EM ^ CR0_NE) | CR0_MP | CR0_TS

case cr0_et, "CR0.ET is always 1, and reserved bits of the low half are ignored"
	ref	"SDM 3 2.5", "APM 2 3.1.1"
	given	rax=(CR0_NOW & ~CR0_ET) | 0x8000
	emulate	mov cr0, cax
	checkpoint cr0=CR0_NOW

case cr0_nw, "CR0.NW without CD is #GP(0)"
	ref	"SDM 2 MOV to/from CR", "APM 3 MOV CRn"
	given	rax=CR0_NOW | CR0_NW
	emulate	mov cr0, cax
	gp

case cr0_pg_pe, "CR0.PG without PE is #GP(0)"
	ref	"SDM 2 MOV to/from CR", "APM 3 MOV CRn"
	given	rax=(CR0_NOW | CR0_PG) & ~CR0_PE
	emulate	mov cr0, cax
	gp

case cr0_cd, "CR0.CD may be set"
	ref	"SDM 3 11.5.1", "APM 2 7.6.2"
	given	rax=CR0_NOW | CR0_CD
	emulate	mov cr0, cax
	checkpoint cr0=CR0_NOW | CR0_CD

%if BITS == 64
case cr0_high, "a bit above 31 of CR0 is #GP(0)"
	ref	"SDM 2 MOV to/from CR", "APM 3 MOV CRn"
	given	rax=CR0_NOW | 1 << 32
	emulate	mov cr0, rax
	gp

case cr0_pg_64, "clearing CR0.PG in 64-bit mode is #GP(0)"
	ref	"SDM 2 MOV to/from CR", "APM 3 MOV CRn"
	given	rax=CR0_NOW & ~CR0_PG
	emulate	mov cr0, rax
	gp
%endif

; ---- CR2, CR3, CR4, CR8 -----------------------------------------------------------

case cr2, "CR2 holds what is written"
	ref	"SDM 3 2.5", "APM 2 3.1.2"
%if BITS == 64
	given	rax=0x8123456789abcdef
	emulate	mov cr2, rax
	emulate	mov rbx, cr2
	checkpoint cr2=0x8123456789abcdef, rbx=0x8123456789abcdef
%else
	given	rax=0x89abcdef
	emulate	mov cr2, eax
	emulate	mov ebx, cr2
	checkpoint cr2=0x89abcdef, rbx=0x89abcdef
%endif

%if PAGED
	%define CR3_NEW (TABLES | CR3_PCD | CR3_PWT)
%else
	%define CR3_NEW 0x1234018
%endif
case cr3, "CR3 keeps the address with PCD and PWT"
	ref	"SDM 3 2.5", "APM 2 3.1.2"
	given	rax=CR3_NEW
	emulate	mov cr3, cax
	emulate	mov cbx, cr3
	checkpoint cr3=CR3_NEW, rbx=CR3_NEW

case cr4, "CR4 takes each of TSD, DE, MCE, PGE and OSFXSR"
	ref	"SDM 3 2.5", "APM 2 3.1.3"
%define CR4_NEW (STAGE_CR4 | CR4_TSD | CR4_DE | CR4_MCE | CR4_PGE | CR4_OSFXSR)
	given	rax=CR4_NEW
	emulate	mov cr4, cax
	emulate	mov cbx, cr4
	checkpoint cr4=CR4_NEW, rbx=CR4_NEW

case cr4_reserved, "a reserved bit of CR4 is #GP(0)"
	ref	"SDM 2 MOV to/from CR", "APM 3 MOV CRn"
	given	rax=STAGE_CR4 | 1 << 15
	emulate	mov cr4, cax
	gp

%if LONG
case cr4_pae, "clearing CR4.PAE in long mode is #GP(0)"
	ref	"SDM 2 MOV to/from CR", "APM 3 MOV CRn"
	given	rax=STAGE_CR4 & ~CR4_PAE
	emulate	mov cr4, cax
	gp
%endif

%if BITS == 64
case cr4_high, "a bit above 31 of CR4 is #GP(0)"
	ref	"SDM 2 MOV to/from CR", "APM 3 MOV CRn"
	given	rax=STAGE_CR4 | 1 << 40
	emulate	mov cr4, rax
	gp

case cr8, "CR8 holds the task priority"
	ref	"SDM 3 10.8.6", "APM 2 3.1.5", "APM 2 3.1.4"
	given	rax=9
	emulate	mov cr8, rax
	emulate	mov rbx, cr8
	checkpoint cr8=9, rbx=9

case cr8_high, "CR8 above 15 is #GP(0)"
	ref	"SDM 2 MOV to/from CR", "APM 3 MOV CRn"
	given	rax=0x10
	emulate	mov cr8, rax
	gp
%else
case lock_cr0, "LOCK MOV CR0 is CR8 where the processor has AltMovCr8"
	ref	"APM 3 MOV CRn"
	need	altmovcr8
	given	rax=6
	emulate	db 0xf0, 0x0f, 0x22, 0xc0
	emulate	db 0xf0, 0x0f, 0x20, 0xc3
	checkpoint cr8=6, rbx=6
%endif

; no_register NUMBER
%macro no_register 1.nolist
case cr%1, "there is no such control register: #UD"
	ref	"SDM 2 MOV to/from CR", "APM 3 MOV CRn"
	emulate	db 0x0f, 0x20, 0xc0 | (%1) << 3
	expect	exception, vector=VEC_UD, rip=EMULATED
%endmacro
no_register 1
no_register 5
no_register 7

; ---- the machine status word ---------------------------------------------------------

case smsw_16, "SMSW of a 16-bit register gives CR0's low word"
	ref	"SDM 2 SMSW", "APM 3 SMSW"
	emulate	o16 smsw ax
	checkpoint rax=LOW16(RAX, CR0_NOW & 0xffff)

case smsw_32, "SMSW of a 32-bit register gives 32 bits of CR0"
	ref	"SDM 2 SMSW", "APM 3 SMSW"
	emulate	smsw eax
	checkpoint rax=CR0_NOW

%if BITS == 64
case smsw_64, "SMSW of a 64-bit register gives all of CR0"
	ref	"SDM 2 SMSW", "APM 3 SMSW"
	emulate	smsw rax
	checkpoint rax=CR0_NOW
%endif

%if !REAL
case smsw_ring3, "SMSW works at CPL 3 without UMIP"
	ref	"SDM 2 SMSW", "APM 3 SMSW"
	ring3
	emulate	smsw eax
	checkpoint rax=CR0_NOW
%endif

case smsw_memory, "SMSW writes two bytes of memory with any operand size"
	ref	"SDM 2 SMSW", "APM 3 SMSW"
	operand	dq, -1
%if BITS == 64
	emulate	o64 smsw [OPERAND]
%else
	emulate	o32 smsw [OPERAND]
%endif
	checkpoint
	writes	OPERAND, dw, CR0_NOW & 0xffff

case lmsw, "LMSW sets and clears MP, EM and TS and changes no other bit"
	ref	"SDM 2 LMSW", "APM 3 LMSW"
	given	rax=0xfff0 | CR0_MP | CR0_TS | (CR0_NOW & CR0_PE)
	emulate	lmsw ax
	checkpoint cr0=(CR0_NOW & ~CR0_EM) | CR0_MP | CR0_TS

case lmsw_memory, "LMSW reads two bytes of memory"
	ref	"SDM 2 LMSW", "APM 3 LMSW"
	operand	dw, CR0_TS | (CR0_NOW & CR0_PE), 0xffff
	emulate	lmsw [OPERAND]
	checkpoint cr0=(CR0_NOW & ~CR0_EM) | CR0_TS

%if !REAL
case lmsw_keeps_pe, "LMSW cannot clear PE"
	ref	"SDM 2 LMSW", "APM 3 LMSW"
	given	rax=CR0_EM
	emulate	lmsw ax
	checkpoint
%endif

case clts, "CLTS clears CR0.TS alone"
	ref	"SDM 2 CLTS", "APM 3 CLTS"
	given	cr0=CR0_NOW | CR0_TS | CR0_MP
	emulate	clts
	checkpoint cr0=CR0_NOW | CR0_MP

; ---- caches and translations -----------------------------------------------------------

case invlpg, "INVLPG changes no register and touches no memory"
	ref	"SDM 2 INVLPG", "APM 3 INVLPG", "APM 2 6.6"
	emulate	invlpg [MMIO]
	checkpoint

%if BITS == 64
case invlpg_non_canonical, "INVLPG of a non-canonical address is a NOP"
	ref	"SDM 2 INVLPG", "APM 3 INVLPG"
	given	rax=1 << 63
	emulate	invlpg [rax]
	checkpoint
%endif

case wbinvd, "WBINVD changes no register"
	ref	"SDM 2 WBINVD", "APM 3 WBINVD", "APM 2 6.6"
	emulate	wbinvd
	checkpoint

case invd, "INVD changes no register"
	ref	"SDM 2 INVD", "APM 3 INVD"
	emulate	invd
	checkpoint
	expect_hw vmx.invd

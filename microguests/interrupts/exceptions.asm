; SPDX-License-Identifier: GPL-2.0-only
; Each exception class: vector, error code or none, and whether the pushed RIP is
; the instruction's own (fault) or the next one's (trap).
%include "microguest.inc"
modes real16, prot16, prot32, paged32, pae32, compat32, long64, vm86
%include "events.inc"

section .data
bounds:	dw 0, 4
section .text

; went_on: the interrupted program goes on with the registers it had.
%macro went_on 0.nolist
	mov	bl, 0x77
	checkpoint rbx=LOW_BYTE(REG_RBX, 0x77)
%endmacro

case divide, "DIV by zero raises #DE, a fault, without an error code"
	ref	"SDM 3 6.15 #DE", "APM 2 8.2.1"
	all_rings
	given	rax=7, rcx=0, rdx=0
.i:	div	ecx
	expect	exception, vector=VEC_DE, rip=.i
	went_on

case divide_overflow, "DIV raises #DE when the quotient needs more bits than AL has"
	ref	"SDM 2 DIV", "APM 3 DIV"
	all_rings
	given	rax=0x1000, rcx=0x10
.i:	div	cl
	expect	exception, vector=VEC_DE, rip=.i, iret=1
	went_on

%if BITS != 64
case bound, "BOUND outside the bounds raises #BR, a fault, without an error code"
	ref	"SDM 3 6.15 #BR", "APM 2 8.2.6"
	all_rings
	given	rcx=5
.i:	bound	cx, [bounds]
	expect	exception, vector=VEC_BR, rip=.i
	went_on

case bound_inside, "BOUND raises nothing at the upper bound itself"
	ref	"SDM 2 BOUND", "APM 3 BOUND"
	given	rcx=4
	bound	cx, [bounds]
	checkpoint

case into_clear, "INTO does nothing when OF is clear"
	ref	"SDM 2 INTO", "APM 3 INTO"
	all_rings
	into
	went_on

case into_set, "INTO with OF set raises #OF, a trap: the pushed RIP is the next instruction's"
	ref	"SDM 3 6.15 #OF", "APM 2 8.2.5"
	all_rings
	given	set=OF
	into
	expect	exception, vector=VEC_OF, software=1
	went_on
%endif

case breakpoint, "INT3 raises #BP, a trap: the pushed RIP is the next instruction's"
	ref	"SDM 3 6.15 #BP", "APM 2 8.2.4", "SDM 3 17.3.2", "APM 2 13.1.5"
	all_rings
	int3
	expect	exception, vector=VEC_BP, software=1
	went_on

case icebp, "INT1 raises #DB as a trap, sets no bit of DR6, and ignores the gate's DPL"
	ref	"SDM 2 INT n", "SDM 3 6.12.1.2", "APM 3 INT"
	all_rings
	db	0xf1
	expect	exception, vector=VEC_DB, software=1
	went_on

case invalid_opcode, "UD2 raises #UD, a fault, without an error code"
	ref	"SDM 3 6.15 #UD", "APM 2 8.2.7"
%if MODE_NUMBER == MODE_VM86
	ref	"SDM 3 20.2.6", "SDM 3 20.3.1", "APM 2 8.8"
%elif REAL
	ref	"SDM 3 20.1.4", "APM 2 8.6"
%elif LONG
	ref	"SDM 3 6.14.1", "APM 2 8.9.2"
%endif
	all_rings
.i:	ud2
	expect	exception, vector=VEC_UD, rip=.i, iret=1
	went_on

case no_device_em, "An x87 instruction raises #NM, a fault, while CR0.EM is set"
	ref	"SDM 3 6.15 #NM", "APM 2 8.2.8"
	all_rings
.i:	fnop
	expect	exception, vector=VEC_NM, rip=.i
	went_on

case no_device_wait, "FWAIT raises #NM when CR0.MP and CR0.TS are both set"
	ref	"SDM 3 2.5 CR0.MP", "APM 2 8.2.8"
	all_rings
	uses	fpu
	given	cr0=STAGE_CR0 | CR0_MP | CR0_TS
.i:	fwait
	expect	exception, vector=VEC_NM, rip=.i
	went_on

case wait_without_mp, "FWAIT ignores CR0.TS when CR0.MP is clear"
	ref	"SDM 3 2.5 CR0.MP", "APM 2 3.1.1"
	uses	fpu
	given	cr0=STAGE_CR0 | CR0_TS
	fwait
	went_on

case x87_error, "A pending unmasked x87 exception raises #MF at the next waiting instruction"
	ref	"SDM 3 6.15 #MF", "APM 2 8.2.16"
	all_rings
	uses	fpu
	given	cr0=STAGE_CR0 | CR0_NE, fcw=0x37e, fsw=0x8081
.i:	fwait
	expect	exception, vector=VEC_MF, rip=.i
	went_on

case simd_error, "DIVSS by zero raises #XM, a fault, when MXCSR.ZM is clear, and sets MXCSR.ZE"
	ref	"SDM 3 6.15 #XM", "APM 2 8.2.19"
	all_rings
	uses	sse
	given	xmm0=0x3f800000, 0, xmm1=0, 0, mxcsr=0x1d80
.i:	divss	xmm0, xmm1
	expect	exception, vector=VEC_XM, rip=.i, mxcsr=0x1d84
	went_on

case simd_error_ud, "The same raises #UD when CR4.OSXMMEXCPT is clear"
	ref	"SDM 3 2.5 CR4.OSXMMEXCPT", "APM 2 8.2.7"
	all_rings
	uses	sse
	given	xmm0=0x3f800000, 0, xmm1=0, 0, mxcsr=0x1d80, cr4=STAGE_CR4 | CR4_OSFXSR
.i:	divss	xmm0, xmm1
	expect	exception, vector=VEC_UD, rip=.i, mxcsr=0x1d84
	went_on

%if !REAL
case not_present, "Loading DS with a segment that is not present raises #NP(selector)"
	ref	"SDM 3 6.15 #NP", "APM 2 8.2.12"
	given	rax=SEL_NOTPRESENT
.i:	mov	ds, ax
	expect	exception, vector=VEC_NP, error=SEL_NOTPRESENT, rip=.i
	went_on

case stack_not_present, "Loading SS with a segment that is not present raises #SS(selector)"
	ref	"SDM 3 6.15 #SS", "APM 2 8.2.13"
	given	rax=SEL_NOTPRESENT
.i:	mov	ss, ax
	expect	exception, vector=VEC_SS, error=SEL_NOTPRESENT, rip=.i
	went_on

case selector_beyond_gdt, "Loading a selector beyond the GDT's limit raises #GP(selector), TI and index kept"
	ref	"SDM 3 6.13", "APM 2 8.2.14", "SDM 3 3.5.1"
	all_rings
	given	rax=0x1233
.i:	mov	es, ax
	expect	exception, vector=VEC_GP, error=0x1230, rip=.i
	went_on

case selector_beyond_ldt, "The error code of a bad LDT selector has TI set"
	ref	"SDM 3 6.13", "APM 2 8.4.1"
	given	rax=0x0ff7
.i:	mov	fs, ax
	expect	exception, vector=VEC_GP, error=0x0ff4, rip=.i
	went_on
%endif

%if BITS == 64
case stack_fault, "A non-canonical address through RSP raises #SS(0)"
	ref	"SDM 3 6.15 #SS", "APM 2 8.2.13"
	all_rings
	given	rbp=0x0000800000000000
.i:	mov	rax, [rbp]
	expect	exception, vector=VEC_SS, error=0, rip=.i
	went_on

case general_protection, "A non-canonical address through RBX raises #GP(0)"
	ref	"SDM 3 6.15 #GP", "APM 2 8.2.14"
	all_rings
	given	rdi=0x0000800000000000
.i:	mov	rax, [rdi]
	expect	exception, vector=VEC_GP, error=0, rip=.i
	went_on
%elif BITS == 16
case stack_fault, "A word at offset FFFFh of the stack segment raises #SS, in real mode without an error code"
	ref	"SDM 3 6.15 #SS", "SDM 3 20.1.4", "APM 2 8.2.13"
	all_rings
	given	rbp=0xffff
.i:	mov	ax, [bp]
%if MODE_NUMBER == MODE_REAL16
	expect	exception, vector=VEC_SS, rip=.i
%else
	expect	exception, vector=VEC_SS, error=0, rip=.i
%endif
	went_on

case general_protection, "A word at offset FFFFh of the data segment raises #GP, in real mode without an error code"
	ref	"SDM 3 6.15 #GP", "SDM 3 20.1.4", "APM 2 8.2.14"
	all_rings
	given	rdi=0xffff
.i:	mov	ax, [di]
%if MODE_NUMBER == MODE_REAL16
	expect	exception, vector=VEC_GP, rip=.i
%else
	expect	exception, vector=VEC_GP, error=0, rip=.i
%endif
	went_on
%endif

%if PAGED
case page_fault, "A write to a page that is not present raises #PF with the access and CR2"
	ref	"SDM 3 6.15 #PF", "APM 2 8.2.15"
	pte	SCRATCH, clear=PTE_P
.i:	mov	[SCRATCH + 0x123], al
	expect	exception, vector=VEC_PF, error=PF_W, cr2=SCRATCH + 0x123, rip=.i
	went_on

case page_fault_user, "The same at CPL 3 has U in the error code"
	ref	"SDM 3 6.15 #PF", "APM 2 8.2.15"
	ring3
	pte	SCRATCH, clear=PTE_P
.i:	mov	[SCRATCH + 0x123], al
	expect	exception, vector=VEC_PF, error=PF_W | PF_U, cr2=SCRATCH + 0x123, rip=.i, iret=1
	went_on
%endif

%if MODE_NUMBER != MODE_REAL16
case alignment, "At CPL 3 a misaligned dword raises #AC(0) when CR0.AM and RFLAGS.AC are set"
	ref	"SDM 3 6.15 #AC", "APM 2 8.2.17"
%if !REAL
	ring3
%endif
	given	cr0=STAGE_CR0 | CR0_EM | CR0_AM, set=AC
.i:	mov	eax, [SCRATCH + 2]
	expect	exception, vector=VEC_AC, error=0, rip=.i
	mov	eax, [SCRATCH + 4]
	checkpoint rax=0
%endif

%if !REAL
case alignment_supervisor, "At CPL 0 nothing checks alignment"
	ref	"SDM 3 6.15 #AC", "APM 2 8.2.17"
	given	cr0=STAGE_CR0 | CR0_EM | CR0_AM, set=AC
	mov	eax, [SCRATCH + 2]
	checkpoint rax=0
%endif

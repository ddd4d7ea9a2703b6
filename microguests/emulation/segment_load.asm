; SPDX-License-Identifier: GPL-2.0-only
; Loading DS, ES, FS, GS and SS by MOV, POP and the L instructions: which
; descriptors each takes, with which fault it refuses the others.
%include "microguest.inc"
modes real16, prot16, prot32, paged32, compat32, long64, vm86

%if BITS == 16
	%define LIMIT 0xffff
	%define AR_OWN_DATA AR_DATA16
	%define FAR word
	%define POINTER(offset, selector) offset, selector
%else
	%define LIMIT 0xffffffff
	%define AR_OWN_DATA AR_DATA
	%define FAR dword
	%define POINTER(offset, selector) offset, 0x8765, selector
%endif
%if BITS == 64
	%define d_word dq
%elif BITS == 32
	%define d_word dd
%else
	%define d_word dw
%endif
%if REAL
	%define OTHER 0x700
%else
	%define OTHER SEL_FREE
%endif

; A data segment at OTHER with a base of its own, as in real mode.
%macro other_data 0-1.nolist AR_OWN_DATA
	%if !REAL
		descriptor SEL_FREE, base=0x7000, limit=LIMIT, ar=%1
	%endif
%endmacro

case mov_ds_memory, "MOV DS, m16 reads two bytes and loads base, limit and access rights"
	ref	"SDM 2 MOV", "APM 3 MOV"
	other_data
	operand	dw, OTHER, 0xdead
	emulate	mov ds, [OPERAND]
	checkpoint ds=OTHER

case mov_es_register, "MOV ES, r ignores the high bits of the register"
	ref	"SDM 2 MOV", "APM 3 MOV"
	other_data
	given	rax=0xabcd0000 + OTHER
	emulate	mov es, ax
	checkpoint es=OTHER

case base_used, "a loaded base counts at once for the next access"
	ref	"SDM 3 3.4.3", "APM 2 4.5.3"
	other_data
	memory	SCRATCH + 0x10, dw, 0x2468
	given	rax=OTHER, rdx=0x10
	emulate	mov fs, ax
	mov	bx, [fs:0x10]
	checkpoint fs=OTHER, rbx=(REG_RBX & ~0xffff) | 0x2468

case mov_from, "MOV r, Sreg zero-extends to a 32-bit register, and writes 16 bits of a 16-bit one"
	ref	"SDM 2 MOV", "APM 3 MOV"
	other_data
	given	es=OTHER
	emulate	mov eax, es
	emulate	mov bx, es
	checkpoint rax=OTHER, rbx=(REG_RBX & ~0xffff) | OTHER

case mov_to_memory, "MOV m16, Sreg writes two bytes with any operand size"
	ref	"SDM 2 MOV", "APM 3 MOV"
	operand	dd, 0x55667788
%if BITS == 16
	emulate	mov [OPERAND], ss
%elif BITS == 32
	emulate	o32 mov [OPERAND], ss
%else
	emulate	o64 mov [OPERAND], ss
%endif
	checkpoint
%if REAL
	writes	OPERAND, dw, 0
%else
	writes	OPERAND, dw, SEL_DATA
%endif

case pop_fs, "POP FS takes a whole stack item, of which 16 bits count"
	ref	"SDM 2 POP", "APM 3 POP"
	other_data
	given	rsp=STACK_TOP-0x40
	memory	STACK_TOP-0x40, d_word, OTHER
	emulate	pop fs
	checkpoint fs=OTHER, rsp=STACK_TOP-0x40+WORD_BYTES

case push_gs, "PUSH GS writes the selector and moves the stack pointer by a whole item"
	ref	"SDM 2 PUSH", "APM 3 PUSH"
	other_data
	given	gs=OTHER
	emulate	push gs
	checkpoint rsp=STACK_TOP-WORD_BYTES
	writes	STACK_TOP-WORD_BYTES, dw, OTHER

case lgs, "LGS loads a register and GS from a far pointer"
	ref	"SDM 2 LDS", "APM 3 LGS"
	other_data
	operand	dw, POINTER(0x4321, OTHER)
%if BITS == 16
	emulate	lgs bx, [OPERAND]
	checkpoint gs=OTHER, rbx=(REG_RBX & ~0xffff) | 0x4321
%else
	emulate	lgs ebx, [OPERAND]
	checkpoint gs=OTHER, rbx=0x87654321
%endif

case lss, "LSS loads SS and the stack pointer together"
	ref	"SDM 2 LDS", "APM 3 LSS"
	other_data
	operand	dw, POINTER(0x4320, OTHER)
%if BITS == 16
	emulate	lss sp, [OPERAND]
	checkpoint ss=OTHER, rsp=0x4320
%else
	emulate	lss esp, [OPERAND]
	checkpoint ss=OTHER, rsp=0x87654320
%endif

%if BITS != 64
case lds, "LDS loads a register and DS from a far pointer; the other operand size takes 16:32 or 16:16"
	ref	"SDM 2 LDS", "APM 3 LDS"
	other_data
%if BITS == 16
	operand	dw, 0x4321, 0x8765, OTHER
	emulate	lds ebx, [OPERAND]
	checkpoint ds=OTHER, rbx=0x87654321
%else
	operand	dw, 0x4321, OTHER
	emulate	lds bx, [OPERAND]
	checkpoint ds=OTHER, rbx=(REG_RBX & ~0xffff) | 0x4321
%endif

%endif

; no_such NAME, TEXT, BYTES: #UD.
%macro no_such 3+.nolist
case %1, %2
	ref	"SDM 2 MOV", "SDM 2 LDS", "APM 3 MOV"
	emulate	db %3
	expect	exception, vector=VEC_UD, rip=EMULATED
%endmacro
no_such mov_cs, "MOV CS, r16 is #UD", 0x8e, 0xc8
no_such mov_sreg6, "MOV to segment register 6 is #UD", 0x8e, 0xf0
no_such mov_from_sreg7, "MOV from segment register 7 is #UD", 0x8c, 0xf8
no_such lss_register, "LSS with a register as source is #UD", 0x0f, 0xb2, 0xd8

%if REAL
case ss_for_bp, "an address with BP uses SS, another one DS"
	ref	"SDM 1 3.7.4", "APM 1 2.1.4"
	given	ss=0x700, rbp=0x20
	memory	SCRATCH + 0x20, dw, 0x1357
	emulate	mov ax, [bp]
	emulate	mov bx, [ds:bp]
	checkpoint rax=(REG_RAX & ~0xffff) | 0x1357, rbx=(REG_RBX & ~0xffff) | STUBS + (0x20 / 4) * STUB_SIZE
%else
case accessed, "loading a data segment sets the accessed bit in its descriptor"
	ref	"SDM 3 3.4.5.1", "APM 2 4.7.2"
	other_data AR_OWN_DATA & ~1
	given	rax=OTHER
	emulate	mov gs, ax
	checkpoint gs=OTHER
	writes	GDT+SEL_FREE+5, db, AR_DATA & 0xff

case null, "a null selector with any RPL may be loaded into DS, ES, FS and GS"
	ref	"SDM 3 3.4.2", "APM 2 4.5.1"
	given	rax=0, rbx=1, rcx=2, rdx=3
	emulate	mov fs, ax
	emulate	mov gs, bx
	emulate	mov ds, cx
	emulate	mov es, dx
	checkpoint fs=0, gs=1, ds=2, es=3

%if BITS != 64
case null_used, "an access through a null selector is #GP(0)"
	ref	"SDM 3 3.4.2", "APM 2 4.5.1"
	given	es=0
	emulate	mov al, [es:SCRATCH]
	expect	exception, vector=VEC_GP, error=0, rip=EMULATED

case null_ss, "MOV SS of a null selector is #GP(0)"
	ref	"SDM 2 MOV", "APM 3 MOV"
	given	rax=0
	emulate	mov ss, ax
	expect	exception, vector=VEC_GP, error=0, rip=EMULATED
%else
case null_ss, "MOV SS of a null selector is allowed in 64-bit mode at CPL 0"
	ref	"SDM 2 MOV", "APM 2 4.5.1"
	given	rax=0
	emulate	mov ss, ax
	push	rax
	checkpoint ss=0, rsp=STACK_TOP-8

case null_ss_ring3, "MOV SS of a null selector at CPL 3 is #GP(0)"
	ref	"SDM 2 MOV", "APM 3 MOV"
	ring3
	given	rax=3
	emulate	mov ss, ax
	expect	exception, vector=VEC_GP, error=0, rip=EMULATED

case null_ss_rpl, "MOV SS of a null selector whose RPL is not CPL is #GP(0) on Intel's processors"
	ref	"SDM 2 MOV"
	need	intel
	given	rax=3
	emulate	mov ss, ax
	expect	exception, vector=VEC_GP, error=0, rip=EMULATED

case fs_base_64, "MOV FS in 64-bit mode replaces all 64 bits of the base"
	ref	"SDM 3 3.4.4", "APM 2 4.5.3"
	other_data
	given	rax=OTHER, fs_base=0x123456789000
	emulate	mov fs, ax
	checkpoint fs=OTHER

case lgs_64, "LGS with REX.W takes a 64-bit offset on Intel's processors"
	ref	"SDM 2 LDS"
	need	intel
	other_data
	operand	dw, 0x4321, 0x8765, 0xcba9, 0x1fed, OTHER
	emulate	lgs rbx, [OPERAND]
	checkpoint gs=OTHER, rbx=0x1fedcba987654321
%endif

case conforming_ring3, "DS at CPL 3 may be readable conforming code of DPL 0"
	ref	"SDM 3 5.6.1", "APM 2 4.10"
	ring3
	given	rax=SEL_CONFORMING
	emulate	mov ds, ax
	checkpoint ds=SEL_CONFORMING

case readable_code, "DS may be readable code, with the RPL as it was given"
	ref	"SDM 3 5.6.1", "APM 2 4.10"
	given	rax=SEL_UCODE
	emulate	mov ds, ax
	checkpoint ds=SEL_UCODE

; data_fault NAME, TEXT, SELECTOR, VECTOR, ERROR [, AR]: a selector DS and ES refuse.
%macro data_fault 5-6.nolist AR_OWN_DATA
case ds_%1, %2
	ref	"SDM 2 MOV", "SDM 3 5.6", "APM 3 MOV"
	descriptor SEL_FREE, base=0, limit=LIMIT, ar=%6
	operand	dw, %3
	emulate	mov ds, [OPERAND]
	expect	exception, vector=%4, error=%5, rip=EMULATED

case pop_%1, %2
	ref	"SDM 2 POP", "SDM 3 5.6", "APM 3 POP"
	descriptor SEL_FREE, base=0, limit=LIMIT, ar=%6
	given	rsp=STACK_TOP-0x40
	memory	STACK_TOP-0x40, dw, %3
	emulate	pop gs
	expect	exception, vector=%4, error=%5, rip=EMULATED
%endmacro

data_fault beyond, "a data selector beyond the GDT is #GP(selector)", GDT_SLOTS * 8, VEC_GP, GDT_SLOTS * 8
data_fault beyond_ldt, "a data selector beyond the LDT is #GP(selector)", LDT_SLOTS * 8 + 7, \
	VEC_GP, LDT_SLOTS * 8 + 4
data_fault rpl, "a data selector with an RPL above the DPL is #GP(selector)", SEL_DATA | 3, VEC_GP, SEL_DATA
data_fault system, "a system descriptor as data is #GP(selector)", SEL_TSS, VEC_GP, SEL_TSS
data_fault execute_only, "code that cannot be read, as data, is #GP(selector)", SEL_FREE, VEC_GP, SEL_FREE, \
	(AR_OWN_DATA & ~0xf) | 9
data_fault not_present, "a data segment that is not present is #NP(selector)", SEL_NOTPRESENT, \
	VEC_NP, SEL_NOTPRESENT

case ds_ring3, "at CPL 3 a data segment of DPL 0 is #GP(selector)"
	ref	"SDM 3 5.6", "APM 2 4.10"
	ring3
	given	rax=SEL_DATA
	emulate	mov es, ax
	expect	exception, vector=VEC_GP, error=SEL_DATA, rip=EMULATED

case lfs_fault, "LFS of a segment that is not present is #NP(selector), and the register stays"
	ref	"SDM 2 LDS", "APM 3 LFS"
	operand	dw, POINTER(0x4321, SEL_NOTPRESENT)
	emulate	lfs bx, [OPERAND + (BITS != 16) * 2]
	expect	exception, vector=VEC_NP, error=SEL_NOTPRESENT, rip=EMULATED

; stack_fault NAME, TEXT, SELECTOR, VECTOR, ERROR [, AR]: a selector SS refuses.
%macro stack_fault 5-6.nolist AR_OWN_DATA
case ss_%1, %2
	ref	"SDM 2 MOV", "SDM 3 5.7", "APM 3 MOV"
	descriptor SEL_FREE, base=0, limit=LIMIT, ar=%6
	given	rax=%3
	emulate	mov ss, ax
	expect	exception, vector=%4, error=%5, rip=EMULATED
%endmacro

stack_fault beyond, "SS beyond the GDT is #GP(selector)", GDT_SLOTS * 8, VEC_GP, GDT_SLOTS * 8
stack_fault rpl, "SS with an RPL other than CPL is #GP(selector)", SEL_DATA | 3, VEC_GP, SEL_DATA
stack_fault dpl, "SS with a DPL other than CPL is #GP(selector)", SEL_UDATA & ~3, VEC_GP, SEL_UDATA & ~3
stack_fault readonly, "SS that cannot be written is #GP(selector)", SEL_READONLY, VEC_GP, SEL_READONLY
stack_fault code, "code in SS is #GP(selector)", SEL_CODE, VEC_GP, SEL_CODE
stack_fault not_present, "SS that is not present is #SS(selector)", SEL_NOTPRESENT, VEC_SS, SEL_NOTPRESENT

%if BITS == 32
case stack_16, "with SS.B = 0 a PUSH moves and uses SP only"
	ref	"SDM 1 6.2.3", "APM 2 4.7.3"
	given	ss=SEL_DATA16, rsp=0xabcd0000 + STACK_TOP
	emulate	push eax
	checkpoint rsp=0xabcd0000 + STACK_TOP - 4
	writes	STACK_TOP-4, dd, REG_RAX
%endif
%endif

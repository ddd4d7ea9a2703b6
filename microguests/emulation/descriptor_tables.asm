; SPDX-License-Identifier: GPL-2.0-only
; Instructions about descriptor tables: LGDT, LIDT, SGDT, SIDT, LLDT, LTR, SLDT,
; STR, LAR, LSL, VERR, VERW and ARPL.
%include "microguest.inc"
modes real16, prot16, prot32, compat32, long64, vm86
%include "emulate.inc"
%include "events.inc"

%if BITS == 64
	%define d_base dq
%else
	%define d_base dd
%endif
%assign REAL16 MODE_NUMBER == MODE_REAL16

; gp: #GP(0) at the instruction under test.
%macro gp 0.nolist
	%if REAL16
		expect exception, vector=VEC_GP, rip=EMULATED
	%else
		expect exception, vector=VEC_GP, error=0, rip=EMULATED
	%endif
%endmacro
%macro ud 0.nolist
	expect	exception, vector=VEC_UD, rip=EMULATED
%endmacro

; ---- GDTR and IDTR ------------------------------------------------------------
; Their operands stay in RAM: nobody keeps a descriptor table's address in a device.

; store_table INSTRUCTION, LIMIT, BASE
%macro store_table 3.nolist
case %1, "the limit's two bytes, then the whole base, whatever the operand size"
	ref	"SDM 2 SGDT", "SDM 2 SIDT", "APM 3 SGDT", "APM 3 SIDT"
	memory	OPERAND, dq, 0x7766554433221100, 0xffeeddccbbaa9988
	emulate	%1 [OPERAND]
	emulate	%1_other_size [OPERAND + 0x100]
	checkpoint
	writes	OPERAND, dw, %2
	writes	OPERAND + 2, d_base, %3
	writes	OPERAND + 0x100, dw, %2
	writes	OPERAND + 0x102, d_base, %3
%endmacro

%if BITS == 16
	%define sgdt_other_size o32 sgdt
	%define sidt_other_size o32 sidt
%else
	%define sgdt_other_size o16 sgdt
	%define sidt_other_size o16 sidt
%endif
%if REAL16
	%define STAGE_IDT IVT
	%define STAGE_IDT_LIMIT 0x3ff
%else
	%define STAGE_IDT IDT
	%if LONG
		%define STAGE_IDT_LIMIT 0xfff
	%else
		%define STAGE_IDT_LIMIT 0x7ff
	%endif
%endif

store_table sgdt, GDT_SLOTS * 8 - 1, GDT
store_table sidt, STAGE_IDT_LIMIT, STAGE_IDT

case lgdt_register, "LGDT of a register is #UD"
	ref	"SDM 2 LGDT", "APM 3 LGDT"
	emulate	db 0x0f, 0x01, 0xd2
	ud

case sgdt_ring3, "SGDT and SIDT work at CPL 3 without UMIP"
%if MODE_NUMBER == MODE_REAL16
	ref	"SDM 2 SGDT", "APM 3 SGDT"
%else
	ref	"SDM 2 SGDT", "APM 3 SGDT"
	ring3
%endif
	memory	OPERAND, dq, 0, 0
	emulate	sgdt [OPERAND]
	emulate	sidt [OPERAND + 0x20]
	checkpoint
	writes	OPERAND, dw, GDT_SLOTS * 8 - 1
	writes	OPERAND + 2, d_base, GDT
	writes	OPERAND + 0x20, dw, STAGE_IDT_LIMIT
	writes	OPERAND + 0x22, d_base, STAGE_IDT

%if !REAL16
case umip, "with CR4.UMIP each of SGDT, SIDT, SLDT, STR and SMSW at CPL 3 is #GP(0)"
	ref	"SDM 3 2.5", "APM 2 3.1.3"
	need	umip
	ring3
	given	cr4=STAGE_CR4 | CR4_UMIP
	emulate	sgdt [OPERAND]
	gp
	emulate	sidt [OPERAND]
	gp
	emulate	smsw ax
	gp
%if !REAL
	emulate	sldt ax
	gp
	emulate	str ax
	gp
%endif
%endif

%if MODE_NUMBER != MODE_VM86
case lgdt, "LGDT loads limit and base: 24 bits of it with a 16-bit operand, else all"
	ref	"SDM 2 LGDT", "APM 3 LGDT", "SDM 3 2.4", "SDM 3 3.5.2", "APM 2 4.6", "APM 2 6.3"
%if BITS == 64
	memory	OPERAND, dw, 0x1357, 0x5678, 0x1234, 0x7fff, 0
	emulate	lgdt [OPERAND]
	checkpoint gdt_limit=0x1357, gdt_base=0x00007fff12345678
%else
	memory	OPERAND, dw, 0x1357, 0x5678, 0x9234
	emulate	o32 lgdt [OPERAND]
	checkpoint gdt_limit=0x1357, gdt_base=0x92345678
%endif

%if BITS != 64
case lgdt_16, "LGDT with a 16-bit operand takes 24 bits of base"
	ref	"SDM 2 LGDT", "APM 3 LGDT"
	memory	OPERAND, dw, 0x1357, 0x5678, 0x9234
	emulate	o16 lgdt [OPERAND]
	checkpoint gdt_limit=0x1357, gdt_base=0x345678

case lidt_16, "LIDT with a 16-bit operand takes 24 bits of base"
	ref	"SDM 2 LIDT", "APM 3 LIDT"
	memory	OPERAND, dw, 0x1357, 0x5678, 0x9234
	emulate	o16 lidt [OPERAND]
	checkpoint idt_limit=0x1357, idt_base=0x345678
%else
case lgdt_o16, "an operand-size prefix does not change LGDT in 64-bit mode"
	ref	"SDM 2 LGDT", "APM 3 LGDT"
	memory	OPERAND, dw, 0x1357, 0x5678, 0x1234, 0x7fff, 0
	emulate	o16 lgdt [OPERAND]
	checkpoint gdt_limit=0x1357, gdt_base=0x00007fff12345678

case lgdt_non_canonical, "LGDT of a non-canonical base is #GP(0)"
	ref	"SDM 2 LGDT", "APM 3 LGDT"
	memory	OPERAND, dw, 0x1357, 0, 0, 0, 0x8000
	emulate	lgdt [OPERAND]
	gp

case lidt_non_canonical, "LIDT of a non-canonical base is #GP(0)"
	ref	"SDM 2 LIDT", "APM 3 LIDT"
	memory	OPERAND, dw, 0xfff, 0, 0, 0, 0x100	; nor with the 57 bits of 5-level paging
	emulate	lidt [OPERAND]
	gp
%endif

case lidt, "LIDT loads limit and base"
	ref	"SDM 2 LIDT", "APM 3 LIDT", "SDM 3 2.4", "APM 2 4.6", "APM 2 6.3"
%if BITS == 64
	memory	OPERAND, dw, 0x1357, 0x5678, 0x1234, 0xffff, 0xffff
	emulate	lidt [OPERAND]
	checkpoint idt_limit=0x1357, idt_base=0xffffffff12345678
%else
	memory	OPERAND, dw, 0x1357, 0x5678, 0x9234
	emulate	o32 lidt [OPERAND]
	checkpoint idt_limit=0x1357, idt_base=0x92345678
%endif
%endif

%if !REAL16
case load_ring3, "LGDT, LIDT, LLDT and LTR at CPL 3 are #GP(0)"
	ref	"SDM 3 5.9", "APM 2 table 6-1"
	ring3
	memory	OPERAND, dw, 0x1357, 0x5678, 0x1234, 0, 0
	emulate	lgdt [OPERAND]
	gp
	emulate	lidt [OPERAND]
	gp
%if !REAL
	emulate	lldt ax
	gp
	emulate	ltr ax
	gp
%endif
%endif

%if REAL
case protected_only, "LLDT, LTR, SLDT, STR, LAR, LSL, VERR, VERW and ARPL are #UD outside protected mode"
	ref	"SDM 3 20.1.3", "APM 3 LLDT"
	emulate	lldt ax
	ud
	emulate	ltr ax
	ud
	emulate	sldt ax
	ud
	emulate	str ax
	ud
	emulate	lar ax, bx
	ud
	emulate	lsl ax, bx
	ud
	emulate	verr ax
	ud
	emulate	verw ax
	ud
	emulate	arpl ax, bx
	ud
%else

; ---- LDTR and TR ----------------------------------------------------------------

case sldt, "SLDT and STR zero-extend to a 32-bit register and write 16 bits of a 16-bit one"
	ref	"SDM 2 SLDT", "SDM 2 STR", "APM 3 SLDT", "APM 3 STR", "SDM 3 7.2.4"
	rings	0, 3
	emulate	sldt eax
	emulate	str bx
	emulate	str ecx
	checkpoint rax=SEL_LDT, rbx=LOW16(RBX, SEL_TSS), rcx=SEL_TSS

case sldt_memory, "SLDT and STR write two bytes of memory with any operand size"
	ref	"SDM 2 SLDT", "SDM 2 STR", "APM 3 SLDT", "APM 3 STR"
	operand	dq, -1
%if BITS == 64
	emulate	o64 sldt [OPERAND]
	emulate	o64 str [OPERAND + 4]
%else
	emulate	o32 sldt [OPERAND]
	emulate	o32 str [OPERAND + 4]
%endif
	checkpoint
	writes	OPERAND, dw, SEL_LDT
	writes	OPERAND + 4, dw, SEL_TSS

case lldt, "LLDT loads base, limit and access rights of an LDT's descriptor"
	ref	"SDM 2 LLDT", "APM 3 LLDT", "SDM 3 2.4", "SDM 3 3.5.1", "APM 2 4.6"
	ref	"APM 2 4.7.4"
	descriptor SEL_FREE, base=SCRATCH, limit=0x57, ar=AR_LDT
	operand	dw, SEL_FREE
	emulate	lldt [OPERAND]
	checkpoint ldtr=SEL_FREE

case lldt_null, "LLDT of a null selector makes LDTR unusable; a selector with TI is then #GP(selector)"
	ref	"SDM 2 LLDT", "APM 3 LLDT"
	given	rax=0, rbx=4
	emulate	lldt ax
	checkpoint ldtr=0
	emulate	mov ds, bx
	expect	exception, vector=VEC_GP, error=4, rip=EMULATED

; table_fault INSTRUCTION, NAME, TEXT, SELECTOR, VECTOR, ERROR [, AR]
%macro table_fault 6-7.nolist AR_DATA16
case %1_%2, %3
	ref	"SDM 2 LLDT", "SDM 2 LTR", "APM 3 LLDT", "APM 3 LTR"
	descriptor SEL_FREE, base=FREE_TSS, limit=0x67, ar=%7
	operand	dw, %4
	emulate	%1 [OPERAND]
	expect	exception, vector=%5, error=%6, rip=EMULATED
%endmacro

table_fault lldt, beyond, "LLDT beyond the GDT is #GP(selector)", GDT_SLOTS * 8, VEC_GP, GDT_SLOTS * 8
table_fault lldt, ti, "LLDT of a selector with TI is #GP(selector)", 0x0c, VEC_GP, 0x0c
table_fault lldt, type, "LLDT of another type of descriptor is #GP(selector)", SEL_DATA, VEC_GP, SEL_DATA
table_fault lldt, not_present, "LLDT of a descriptor that is not present is #NP(selector)", SEL_FREE, \
	VEC_NP, SEL_FREE, AR_LDT & ~AR_P

case ltr, "LTR loads TR and marks the descriptor busy"
	ref	"SDM 2 LTR", "APM 3 LTR", "SDM 3 2.4", "SDM 3 3.5", "SDM 3 7.2.2", "SDM 3 7.2.4"
	ref	"APM 2 12.2.2"
	descriptor SEL_FREE, base=FREE_TSS, limit=0x67, ar=AR_TSS
	memory	FREE_TSS + 0x66, dw, 0xffff
	operand	dw, SEL_FREE
	emulate	ltr [OPERAND]
	checkpoint tr=SEL_FREE, tr_base=FREE_TSS, tr_limit=0x67, tr_ar=AR_TSS_BUSY
	writes	GDT+SEL_FREE+5, db, AR_TSS_BUSY

%if !LONG
case ltr_16, "LTR takes a 16-bit TSS outside long mode"
	ref	"SDM 2 LTR", "APM 3 LTR", "SDM 3 3.5", "SDM 3 7.2.2", "APM 2 4.7.4"
	descriptor SEL_FREE, base=FREE_TSS, limit=0x2b, ar=AR_TSS16
	given	rax=SEL_FREE
	emulate	ltr ax
	checkpoint tr=SEL_FREE, tr_base=FREE_TSS, tr_limit=0x2b, tr_ar=AR_TSS16 | 2
	writes	GDT+SEL_FREE+5, db, AR_TSS16 | 2
%else
table_fault ltr, type_16, "LTR of a 16-bit TSS in long mode is #GP(selector)", SEL_FREE, VEC_GP, SEL_FREE, AR_TSS16

%if BITS == 64
case ltr_non_canonical, "LTR of a TSS at a non-canonical base is #GP(selector), and the TSS stays available"
	ref	"SDM 2 LTR", "APM 3 LTR"
	descriptor SEL_FREE, base=1 << 63, limit=0x67, ar=AR_TSS
	given	rax=SEL_FREE
	emulate	ltr ax
	expect	exception, vector=VEC_GP, error=SEL_FREE, rip=EMULATED

case ltr_high_base, "LTR in 64-bit mode takes 64 bits of base"
	ref	"SDM 3 7.2.3", "APM 3 LTR", "SDM 3 3.5.2", "APM 2 4.8.3"
	descriptor SEL_FREE, base=0xffff801234567000, limit=0x67, ar=AR_TSS
	given	rax=SEL_FREE
	emulate	ltr ax
	checkpoint tr=SEL_FREE, tr_base=0xffff801234567000, tr_limit=0x67, tr_ar=AR_TSS_BUSY
	writes	GDT+SEL_FREE+5, db, AR_TSS_BUSY
%endif
%endif

table_fault ltr, null, "LTR of a null selector is #GP(0)", 0, VEC_GP, 0
table_fault ltr, beyond, "LTR beyond the GDT is #GP(selector)", GDT_SLOTS * 8, VEC_GP, GDT_SLOTS * 8
table_fault ltr, ti, "LTR of a selector with TI is #GP(selector)", 0x0c, VEC_GP, 0x0c
table_fault ltr, busy, "LTR of a busy TSS is #GP(selector)", SEL_TSS, VEC_GP, SEL_TSS
table_fault ltr, data, "LTR of a data segment is #GP(selector)", SEL_DATA, VEC_GP, SEL_DATA
table_fault ltr, not_present, "LTR of a TSS that is not present is #NP(selector)", SEL_FREE, \
	VEC_NP, SEL_FREE, AR_TSS & ~AR_P
%endif

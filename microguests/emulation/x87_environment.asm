; SPDX-License-Identifier: GPL-2.0-only
; FLDENV, FNSTENV, FRSTOR and FNSAVE with each operand size: images of 16- and 32-bit words, which
; in real mode and virtual-8086 mode have linear addresses in them (SDM 1 8.1.10).
%include "microguest.inc"
modes real16, prot32, compat32, long64, vm86
%include "emulate.inc"
%include "forms.inc"
%include "fpu.inc"

%define LINEAR (MODE_NUMBER == MODE_REAL16 || MODE_NUMBER == MODE_VM86)

; TOP is 6; precision and denormal were met, and are masked. ST0 is 1.5, ST1 -0.0, all else empty.
%define CONTROL 0x0f7f
%define STATUS 0x7522
%define TAGS 0x4fff		; physical register 6 valid, 7 zero
%define SHORT_TAGS 0xc0

; environment UNIT: 7 words as they are in memory. UNIT is dw or dd.
%macro environment 1.nolist
	%1	CONTROL, STATUS, TAGS, 0, 0, 0, 0
%endmacro
%macro number_registers 0.nolist
	dt	1.5, -0.0
	times 60 db 0
%endmacro

initial_image

section .data
image:					; as instructions without a prefix have it
%if BITS == 16
	environment dw
%else
	environment dd
%endif
	number_registers
section .text

; each_image_size MACRO: with 2 and 4 bytes; with REX.W, too, which changes nothing
%macro each_image_size 1.nolist
	%1 16, 2
	%1 32, 4
	%if BITS == 64
	%1 64, 4
	%endif
%endmacro

; image_case NAME, BITS, TEXT, REFERENCES
%macro image_case 4+.nolist
	%defstr TEXT %3 with an operand size of %2
case %1_%2, TEXT
	ref	"SDM 1 8.1.10", %4
	uses	fpu
	any_ring
	size_prefix %2
%endmacro

; words_of BYTES: UNIT is how nasm lays such words down.
%macro words_of 1.nolist
	%if %1 == 2
	%define UNIT dw
	%else
	%define UNIT dd
	%endif
%endmacro

%macro fldenv_case 2.nolist
	words_of %2
	image_case fldenv, %1, FLDENV, "SDM 2 FLDENV", "APM 5 FLDENV"
	operand	UNIT, CONTROL, STATUS, TAGS, 0, 0, 0, 0
	mov	edi, OPERAND
	emulate	db PREFIX 0xd9, 4 << 3 | AT_RDI
	checkpoint rdi=OPERAND, fcw=CONTROL, fsw=STATUS, ftw=SHORT_TAGS
%endmacro
each_image_size fldenv_case

; upper_reserved BYTES: of control, status and tag words, and of the pointers' selectors
%macro upper_reserved 1.nolist
	%if %1 == 4
	undefined_memory OPERAND + 2, 2
	undefined_memory OPERAND + 6, 2
	undefined_memory OPERAND + 10, 2
	%if LINEAR
	undefined_memory OPERAND + 14, 2
	undefined_memory OPERAND + 22, 2
	%else
	undefined_memory OPERAND + 26, 2
	%endif
	%endif
%endmacro

; All exceptions are masked afterwards.
%macro fnstenv_case 2.nolist
	words_of %2
	image_case fnstenv, %1, FNSTENV, "SDM 2 FSTENV", "APM 5 FNSTENV"
	operand	dq, -1, -1, -1, -1
	mov	edi, OPERAND
	fninit
	frstor	AT(image)
	fnclex
	fldcw	AT(unmasked)
	emulate	db PREFIX 0xd9, 6 << 3 | AT_RDI
	checkpoint rdi=OPERAND, fcw=CONTROL, fsw=STATUS & ~0x3f, ftw=SHORT_TAGS, st0=1.5, st1=-0.0
	writes	OPERAND, UNIT, CONTROL & ~0x3f, STATUS & ~0x3f, TAGS, 0, 0, 0, 0
	upper_reserved %2
%endmacro
section .data
unmasked:
	dw	CONTROL & ~0x3f
section .text
each_image_size fnstenv_case

%macro frstor_case 2.nolist
	words_of %2
	image_case frstor, %1, FRSTOR, "SDM 2 FRSTOR", "APM 5 FRSTOR"
	operand	UNIT, CONTROL, STATUS, TAGS, 0, 0, 0, 0
	memory	OPERAND + 7 * %2, dt, 1.5, -0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 2.5
	mov	edi, OPERAND
	emulate	db PREFIX 0xdd, 4 << 3 | AT_RDI
	checkpoint rdi=OPERAND, fcw=CONTROL, fsw=STATUS, ftw=SHORT_TAGS, st0=1.5, st1=-0.0, st7=2.5
%endmacro
each_image_size frstor_case

; FNSAVE ends like FNINIT. The registers keep what is in them, tagged empty.
%macro fnsave_case 2.nolist
	words_of %2
	image_case fnsave, %1, FNSAVE, "SDM 2 FSAVE", "APM 5 FNSAVE"
	operand	dq, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1
	mov	edi, OPERAND
	fninit
	frstor	AT(image)
	emulate	db PREFIX 0xdd, 6 << 3 | AT_RDI
	fnstcw	AT(SCRATCH)
	fnstsw	AT(SCRATCH + 2)
	fxam
	fnstsw	AT(SCRATCH + 4)
	fxrstor	AT(initial)
	and	word AT(SCRATCH + 4), 0x4500
	cmp	esp, esp
	checkpoint rdi=OPERAND, status=ZF | PF
	writes	OPERAND, UNIT, CONTROL, STATUS, TAGS, 0, 0, 0, 0
	upper_reserved %2
	writes	OPERAND + 7 * %2, dt, 1.5, -0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
	writes	SCRATCH, dw, 0x37f, 0, 0x4100	; empty
%endmacro
each_image_size fnsave_case

; ---- the last instruction -----------------------------------------------------------------------

; An exception is pending: an invalid operation, not masked. Some processors remember no pointers
; without one.
%define PENDING_CONTROL 0x037e
%define PENDING_STATUS 0x8081
%define FOP 0x5e3
%define FIP 0x3cd42
%define FDP 0x5ab06

; pointers_image BITS: WORDS as memory has them
%macro pointers_image 1.nolist
	%if LINEAR
	%xdefine WORDS PENDING_CONTROL, PENDING_STATUS, 0xffff, FIP & 0xffff, \
		(FIP >> 16 << 12) | FOP, FDP & 0xffff, FDP >> 16 << 12
	%elif %1 == 16
	%xdefine WORDS PENDING_CONTROL, PENDING_STATUS, 0xffff, FIP & 0xffff, 0, FDP & 0xffff, 0
	%else
	%xdefine WORDS PENDING_CONTROL, PENDING_STATUS, 0xffff, FIP, FOP << 16, FDP, 0
	%endif
%endmacro

%macro pointers_case 2.nolist
	words_of %2
	pointers_image %1
	image_case load_pointers, %1, FLDENV of pointers and opcode, "SDM 2 FLDENV", "APM 5 FLDENV"
	operand	UNIT, WORDS
	mov	edi, OPERAND
	emulate	db PREFIX 0xd9, 4 << 3 | AT_RDI
	%if LINEAR
	checkpoint rdi=OPERAND, fcw=PENDING_CONTROL, fsw=PENDING_STATUS, fip=FIP, fdp=FDP, fop=FOP
	%elif %1 == 16
	checkpoint rdi=OPERAND, fcw=PENDING_CONTROL, fsw=PENDING_STATUS, fip=FIP & 0xffff, \
		fdp=FDP & 0xffff
	%else
	checkpoint rdi=OPERAND, fcw=PENDING_CONTROL, fsw=PENDING_STATUS, fip=FIP, fdp=FDP, fop=FOP
	%endif
	image_case store_pointers, %1, FNSTENV of pointers and opcode, "SDM 2 FSTENV", "APM 5 FNSTENV"
	operand	dq, -1, -1, -1, -1
	given	fcw=PENDING_CONTROL, fsw=PENDING_STATUS, fip=FIP, fdp=FDP, fop=FOP
	mov	edi, OPERAND
	emulate	db PREFIX 0xd9, 6 << 3 | AT_RDI
	fnstcw	AT(SCRATCH)
	fnstsw	AT(SCRATCH + 2)
	fninit
	fxrstor	AT(initial)
	checkpoint rdi=OPERAND, fcw=0x37f, fsw=0, fip=0, fdp=0, fop=0
	writes	OPERAND, UNIT, WORDS
	upper_reserved %2
	writes	SCRATCH, dw, PENDING_CONTROL | 0x3f, PENDING_STATUS & ~0x8080
%endmacro
each_image_size pointers_case

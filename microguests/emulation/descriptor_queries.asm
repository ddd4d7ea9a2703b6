; SPDX-License-Identifier: GPL-2.0-only
; Instructions that ask about descriptors and answer in ZF: LAR, LSL, VERR, VERW;
; and ARPL, which compares RPLs.
%include "microguest.inc"
modes prot16, prot32, compat32, long64
%include "emulate.inc"


; What LAR sees of access rights as they are written here: bits 8 to 23 of the
; descriptor's upper half. The limit's bits among them are undefined, and zero below.
%define LAR_OF(ar) ((((ar) & 0xff) << 8) | (((ar) & 0xf000) << 8))

; query INSTRUCTION, ZF or 0 [, registers]: ZF becomes that, no other flag changes.
%macro query 2-3+.nolist
	given	status=STATUS_FLAGS & ~(%2)
	emulate	%1
	%if %0 == 3
		checkpoint status=(STATUS_FLAGS & ~ZF) | (%2), %3
	%else
		checkpoint status=(STATUS_FLAGS & ~ZF) | (%2)
	%endif
%endmacro

; asked NAME, TEXT, INSTRUCTION, SELECTOR, ZF or 0, AR of SEL_FREE [, registers]
%macro asked 6-7+.nolist
case %1, %2
	ref	"SDM 3 5.10", "APM 2 6.4"
	descriptor SEL_FREE, base=0x123456, limit=0xfcde, ar=%6
	given	rbx=%4
	%if %0 == 7
		query {%3}, %5, %7
	%else
		query {%3}, %5
	%endif
%endmacro
%define AR_TEST (AR_DATA & ~AR_G | 0x1000)

asked lar, "LAR gives type, DPL, P, AVL, L, D and G", {lar eax, bx}, SEL_FREE, ZF, AR_TEST, \
	rax=LAR_OF(AR_TEST)
asked lar_16, "LAR of a 16-bit register gives the low byte of the access rights", {lar ax, bx}, \
	SEL_FREE, ZF, AR_TEST, rax=LOW16(RAX, LAR_OF(AR_TEST) & 0xffff)
asked lar_not_present, "LAR answers for a segment that is not present", {lar eax, bx}, SEL_FREE, ZF, \
	AR_TEST & ~AR_P, rax=LAR_OF(AR_TEST & ~AR_P)
asked lar_call_gate, "LAR answers for a call gate", {lar ecx, bx}, SEL_FREE, ZF, AR_CALL, \
	rcx=LAR_OF(AR_CALL)
asked lar_tss, "LAR answers for a TSS", {lar ecx, bx}, SEL_FREE, ZF, AR_TSS, rcx=LAR_OF(AR_TSS)
asked lar_interrupt_gate, "LAR of an interrupt gate clears ZF and leaves the register", \
	{lar eax, bx}, SEL_FREE, 0, AR_INT
asked lar_null, "LAR of a null selector clears ZF", {lar eax, bx}, 0, 0, AR_TEST
asked lar_beyond, "LAR beyond the GDT clears ZF", {lar eax, bx}, GDT_SLOTS * 8, 0, AR_TEST
asked lar_rpl, "LAR with an RPL above the DPL clears ZF", {lar eax, bx}, SEL_FREE | 3, 0, AR_TEST
asked lar_conforming, "LAR of conforming code does not look at RPL", {lar eax, bx}, SEL_FREE | 3, ZF, \
	AR_CODE16 | 4, rax=LAR_OF(AR_CODE16 | 4)
%if LONG
asked lar_tss_16, "LAR of a 16-bit TSS clears ZF in long mode", {lar eax, bx}, SEL_FREE, 0, AR_TSS16
asked lar_call_gate_16, "LAR of a 16-bit call gate clears ZF in long mode", {lar eax, bx}, SEL_FREE, \
	0, AR_CALL16
%else
asked lar_task_gate, "LAR answers for a task gate outside long mode", {lar eax, bx}, SEL_FREE, ZF, \
	AR_TASKGATE, rax=LAR_OF(AR_TASKGATE)
%endif

asked lsl, "LSL gives the limit in bytes", {lsl eax, bx}, SEL_FREE, ZF, AR_TEST, rax=0xfcde
asked lsl_tss, "LSL answers for a TSS", {lsl eax, bx}, SEL_TSS, ZF, AR_TEST, rax=TSS_LIMIT
asked lsl_ldt, "LSL answers for an LDT", {lsl eax, bx}, SEL_LDT, ZF, AR_TEST, rax=LDT_SLOTS * 8 - 1
asked lsl_call_gate, "LSL of a call gate clears ZF", {lsl eax, bx}, SEL_FREE, 0, AR_CALL
asked lsl_null, "LSL of a null selector clears ZF", {lsl eax, bx}, 3, 0, AR_TEST
asked lsl_rpl, "LSL with an RPL above the DPL clears ZF", {lsl eax, bx}, SEL_FREE | 1, 0, AR_TEST

case lsl_pages, "LSL turns a limit in pages into bytes, of which a 16-bit register takes the low ones"
	ref	"SDM 2 LSL", "APM 3 LSL"
	descriptor SEL_FREE, base=0, limit=0x12345fff, ar=AR_DATA
	given	rbx=SEL_FREE
	emulate	lsl cx, bx
	query	{lsl eax, bx}, ZF, rax=0x12345fff, rcx=LOW16(RCX, 0x5fff)

case lar_ring3, "at CPL 3 LAR and LSL of a segment of DPL 0 clear ZF"
	ref	"SDM 3 5.10.1", "APM 3 LAR"
	ring3
	given	rbx=SEL_DATA, status=ZF | CF
	emulate	lar eax, bx
	jz	.wrong
	query	{lsl eax, bx}, 0
.wrong:	ud2

asked verr, "VERR of readable data sets ZF", verr bx, SEL_READONLY, ZF, AR_TEST
asked verr_execute_only, "VERR of code that cannot be read clears ZF", verr bx, SEL_FREE, 0, AR_CODE16 & ~2
asked verr_system, "VERR of a system descriptor clears ZF", verr bx, SEL_TSS, 0, AR_TEST
asked verr_null, "VERR of a null selector clears ZF", verr bx, 0, 0, AR_TEST
asked verr_rpl, "VERR with an RPL above the DPL clears ZF", verr bx, SEL_FREE | 2, 0, AR_TEST
asked verr_conforming, "VERR of readable conforming code does not look at RPL", verr bx, SEL_FREE | 3, \
	ZF, AR_CODE16 | 4
asked verw, "VERW of writable data sets ZF", verw bx, SEL_FREE, ZF, AR_TEST
asked verw_readonly, "VERW of read-only data clears ZF", verw bx, SEL_READONLY, 0, AR_TEST
asked verw_code, "VERW of code clears ZF", verw bx, SEL_CODE, 0, AR_TEST
asked verw_beyond, "VERW beyond the GDT clears ZF", verw bx, GDT_SLOTS * 8, 0, AR_TEST

case verr_memory, "VERR and VERW of memory read two bytes"
	ref	"SDM 2 VERR", "APM 3 VERR"
	operand	dw, SEL_UDATA, 0xffff
	given	status=CF
	emulate	verr [OPERAND]
	jnz	.wrong
	emulate	verw [OPERAND]
	checkpoint status=CF | ZF
.wrong:	ud2

%if BITS != 64
case arpl, "ARPL raises the RPL of the destination to that of the source and sets ZF"
	ref	"SDM 2 ARPL", "APM 3 ARPL", "APM 2 6.4"
	operand	dw, 0x1231, 0xffff
	given	rax=0x7772
	emulate	arpl [OPERAND], ax
	checkpoint status=ZF
	writes	OPERAND, dw, 0x1232

case arpl_higher, "ARPL leaves an RPL that is as high, and clears ZF"
	ref	"SDM 2 ARPL", "APM 3 ARPL"
	given	rax=0x1233, rbx=0x7773
	query	{arpl ax, bx}, 0
%endif

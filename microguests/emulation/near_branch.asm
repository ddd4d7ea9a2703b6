; SPDX-License-Identifier: GPL-2.0-only
; Near branches: JMP, CALL and RET in every form, conditional ones both ways, the
; counting ones, and targets that are refused.
%include "microguest.inc"
modes real16, prot16, prot32, compat32, long64, vm86

%if BITS == 64
	%define d_word dq
%elif BITS == 32
	%define d_word dd
%else
	%define d_word dw
%endif
%define IP_AT (STACK_TOP - 0x40)

case jmp_memory, "JMP r/m with a memory operand"
	ref	"SDM 2 JMP", "APM 3 JMP (Near)"
	operand	d_word, .there
	emulate	jmp [OPERAND]
	ud2
.there:	checkpoint

case jmp_register, "JMP r/m with a register"
	ref	"SDM 2 JMP", "APM 3 JMP (Near)"
	given	rbx=.there
	emulate	jmp xbx
	ud2
.there:	checkpoint

case call_memory, "CALL r/m with a memory operand pushes the address behind it"
	ref	"SDM 2 CALL", "APM 3 CALL (Near)"
	operand	d_word, .there
	emulate	call [OPERAND]
.back:	ud2
.there:	checkpoint rsp=STACK_TOP-WORD_BYTES
	writes	STACK_TOP-WORD_BYTES, d_word, .back

case call_sp, "CALL by an operand addressed through the stack pointer reads it before the push"
	ref	"SDM 2 CALL", "APM 3 CALL (Near)"
%if BITS == 16
	given	rbp=OPERAND
	operand	dw, .there
	emulate	call [bp]
%else
	given	rsp=IP_AT
	memory	IP_AT, d_word, .there
	emulate	call [xsp]
%endif
.back:	ud2
%if BITS == 16
.there:	checkpoint rsp=STACK_TOP-2
	writes	STACK_TOP-2, dw, .back
%else
.there:	checkpoint rsp=IP_AT-WORD_BYTES
	writes	IP_AT-WORD_BYTES, d_word, .back
%endif

case call_register, "CALL r/m with a register"
	ref	"SDM 2 CALL", "APM 3 CALL (Near)"
	given	rdi=.there
	emulate	call xdi
.back:	ud2
.there:	checkpoint rsp=STACK_TOP-WORD_BYTES
	writes	STACK_TOP-WORD_BYTES, d_word, .back

case call_relative, "CALL rel16 or rel32 backwards"
	ref	"SDM 2 CALL", "APM 3 CALL (Near)"
	jmp	short .start
.there:	checkpoint rsp=STACK_TOP-WORD_BYTES
	writes	STACK_TOP-WORD_BYTES, d_word, .back
	ud2
.start:	emulate	call .there
.back:	ud2

case ret, "RET takes IP from the stack"
	ref	"SDM 2 RET", "APM 3 RET (Near)"
	given	rsp=IP_AT
	memory	IP_AT, d_word, .there
	emulate	ret
	ud2
.there:	checkpoint rsp=IP_AT+WORD_BYTES

case ret_imm, "RET imm16 drops that many bytes after the return address"
	ref	"SDM 2 RET", "APM 3 RET (Near)"
	given	rsp=IP_AT
	memory	IP_AT, d_word, .there
	emulate	ret 0x13
	ud2
.there:	checkpoint rsp=IP_AT+WORD_BYTES+0x13

%if BITS == 32
case size_16, "a 16-bit near JMP clears the high half of EIP"
	ref	"SDM 2 JMP", "APM 3 JMP (Near)"
	given	rax=0xabcd0000 + .there
	emulate	jmp ax
	ud2
.there:	checkpoint

case ret_16, "a 16-bit near RET takes two bytes and clears the high half of EIP"
	ref	"SDM 2 RET", "APM 3 RET (Near)"
	given	rsp=IP_AT
	memory	IP_AT, dw, .there, 0xffff
	emulate	o16 ret
	ud2
.there:	checkpoint rsp=IP_AT+2
%endif

; ---- conditions: all sixteen under each set of flags ---------------------------

; taken CC: short and near forms must branch. not_taken CC: they must fall through.
%macro taken 1.nolist
	emulate	j%1 short %%near
	ud2
%%near:	emulate	j%1 near %%next
	ud2
%%next:
%endmacro

%macro not_taken 1.nolist
	emulate	j%1 short %%wrong
	emulate	j%1 near %%wrong
	jmp	short %%next
%%wrong: ud2
%%next:
%endmacro

; jcc NAME, TEXT, FLAGS, CONDITIONS that hold; the others of the eight pairs do not.
%macro jcc 4+.nolist
case jcc_%1, %2
	ref	"SDM 2 Jcc", "APM 3 Jcc"
	given	status=%3
	jcc_list %4
	checkpoint
%endmacro

%macro jcc_list 8.nolist
	%rep 8
		taken %1
		%define _no n%1
		%ifidn %1, no
			%define _no o
		%elifidn %1, nc
			%define _no c
		%elifidn %1, nz
			%define _no z
		%elifidn %1, ns
			%define _no s
		%elifidn %1, np
			%define _no p
		%elifidn %1, nbe
			%define _no be
		%elifidn %1, nl
			%define _no l
		%elifidn %1, nle
			%define _no le
		%endif
		not_taken _no
		%rotate 1
	%endrep
	%undef _no
%endmacro

jcc none, "conditions with no flag set", 0, no, nc, nz, nbe, ns, np, nl, nle
jcc all, "conditions with every status flag set", STATUS_FLAGS, o, c, z, be, s, p, nl, le
jcc cf, "conditions with CF alone", CF, no, c, nz, be, ns, np, nl, nle
jcc zf, "conditions with ZF alone", ZF, no, nc, z, be, ns, np, nl, le
jcc sf, "conditions with SF alone", SF, no, nc, nz, nbe, s, np, l, le
jcc of_pf, "conditions with OF and PF", OF | PF, o, nc, nz, nbe, ns, p, l, le

; ---- counting branches ----------------------------------------------------------

case jcxz, "JCXZ, JECXZ, JRCXZ look at the register of the address size only"
	ref	"SDM 2 JCXZ", "APM 3 JrCXZ"
%if BITS == 16
	given	rcx=0x10000
	emulate	jecxz .wrong
	emulate	jcxz .there
%elif BITS == 32
	given	rcx=0x10000
	emulate	jecxz .wrong
	emulate	jcxz .there
%else
	given	rcx=0x100000000
	emulate	jrcxz .wrong
	emulate	jecxz .there
%endif
.wrong:	ud2
.there:	checkpoint

case loop, "LOOP counts down and branches until the count is 0"
	ref	"SDM 2 LOOP", "APM 3 LOOPcc"
	given	rcx=3, rax=0
.again:	inc	al
	emulate	loop .again
	checkpoint rcx=0, rax=3, status=PF

case loop_wraps, "LOOP from 0 wraps to the largest count of its size, and touches no flag"
	ref	"SDM 2 LOOP", "APM 3 LOOPcc"
	given	rcx=0, status=STATUS_FLAGS
	emulate	loop .there
	ud2
%if BITS == 16
.there:	checkpoint rcx=0xffff
%elif BITS == 32
.there:	checkpoint rcx=0xffffffff
%else
.there:	checkpoint rcx=0xffffffffffffffff
%endif

case loop_other_size, "LOOP with the other address size counts in that register"
	ref	"SDM 2 LOOP", "APM 3 LOOPcc"
%if BITS == 16
	given	rcx=0x20000
	emulate	loop .there, ecx
	ud2
.there:	checkpoint rcx=0x1ffff
%elif BITS == 32
	given	rcx=0x20000
	emulate	loop .there, cx
	ud2
.there:	checkpoint rcx=0x2ffff
%else
	given	rcx=0x200000005
	emulate	loop .there, ecx
	ud2
.there:	checkpoint rcx=4
%endif

case loope, "LOOPE ends at ZF = 0 with a count left, LOOPNE at ZF = 1"
	ref	"SDM 2 LOOP", "APM 3 LOOPcc"
	given	rcx=9, status=ZF
	emulate	loopne .wrong
	emulate	loope .there
	ud2
.there:	emulate	loopne .wrong
	checkpoint rcx=6
.wrong:	ud2

; ---- refused targets -------------------------------------------------------------

; refused NAME, TEXT: the code in between is to fault with #GP at EMULATED.
%macro is_refused 0.nolist
	%if MODE_NUMBER == MODE_REAL16
		expect exception, vector=VEC_GP, rip=EMULATED
	%else
		expect exception, vector=VEC_GP, error=0, rip=EMULATED
	%endif
%endmacro

%if BITS == 64
	%define BAD (1 << 63)
	%define BAD_BARELY (1 << 47)

case bad_jmp, "JMP to a non-canonical address is #GP(0) at the JMP"
	ref	"SDM 2 JMP", "APM 3 JMP (Near)"
	given	rax=BAD
	emulate	jmp rax
	is_refused

case bad_jmp_barely, "JMP to the first non-canonical address is #GP(0) at the JMP"
	ref	"SDM 2 JMP", "APM 3 JMP (Near)"
	operand	dq, BAD_BARELY
	emulate	jmp [OPERAND]
	is_refused
%elif BITS == 32
	%define BAD 0xf000

case bad_jmp, "JMP beyond the limit of CS is #GP(0) at the JMP"
	ref	"SDM 2 JMP", "APM 3 JMP (Near)"
	descriptor SEL_FREE, base=0, limit=0xefff, ar=AR_CODE32 & ~AR_G
	given	cs=SEL_FREE, rax=BAD
	emulate	jmp eax
	is_refused
%else
	%define BAD 0x10000

case bad_jmp, "a 32-bit JMP beyond ffffh is #GP at the JMP"
	ref	"SDM 2 JMP", "APM 3 JMP (Near)"
	given	rax=BAD
	emulate	jmp eax
	is_refused
%endif

%macro small_code 0.nolist
	%if BITS == 32
		descriptor SEL_FREE, base=0, limit=0xefff, ar=AR_CODE32 & ~AR_G
		given cs=SEL_FREE
	%endif
%endmacro

case bad_call, "CALL to such an address is #GP and pushes nothing"
	ref	"SDM 2 CALL", "APM 3 CALL (Near)"
	small_code
%if BITS == 64
	operand	dq, BAD
	emulate	call [OPERAND]
%else
	operand	dd, BAD
	emulate	call dword [OPERAND]
%endif
	is_refused

case bad_ret, "RET to such an address is #GP and leaves the stack pointer"
	ref	"SDM 2 RET", "APM 3 RET (Near)"
	small_code
	given	rsp=IP_AT
%if BITS == 64
	memory	IP_AT, dq, BAD
	emulate	ret
%else
	memory	IP_AT, dd, BAD
	emulate	o32 ret
%endif
	is_refused

%if BITS == 32
case bad_jcc, "Jcc beyond the limit of CS is #GP(0) when taken"
	ref	"SDM 2 Jcc", "APM 3 Jcc"
	small_code
	given	status=0
	jc	near $ + 0x7000
	emulate	jnc near $ + 0x7000
	is_refused
%endif

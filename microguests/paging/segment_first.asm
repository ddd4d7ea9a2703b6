; SPDX-License-Identifier: GPL-2.0-only
; Segments are looked at before pages: an access that both refuse is #GP(0) or #SS(0), and
; CR2 stays. With paging, at both privilege levels, native, emulated and over MMIO.
%include "microguest.inc"
modes paged32, pae32, compat32
%include "emulate.inc"

; The segment SEL_END ends with PAGES' first page; the page behind is not present.
%define END (PAGES + 0x1000)
%define SEL_END (SEL_FREE | 3)
%define REFS "SDM 3 5.12", "SDM 3 6.9", "APM 2 5.9", "APM 2 8.5"

; ends: ES ends at END, where nothing is present; CR2 is a value to be kept.
%macro ends 0.nolist
	ref	REFS
	both_rings
	descriptor SEL_END, base=0, limit=END - 1, ar=AR_DATA16 | AR_DB | AR_DPL3
	pte	END, clear=PTE_P
	given	es=SEL_END, cr2=0x13579000
%endmacro
%macro refused 0-1.nolist VEC_GP
	expect	exception, vector=%1, error=0, rip=EMULATED
%endmacro

; beyond NAME, TEXT, INSTRUCTION: with an operand where ES has ended.
%macro beyond 3.nolist
case %1, %2
	ends
	emulate	%3
	refused
%endmacro
beyond read, "a read beyond the limit of a page that is not present is #GP(0), not #PF", {mov eax, [es:END]}
beyond write, "a write beyond the limit to a page that is not present is #GP(0), not #PF", {mov [es:END + 4], eax}
beyond change, "ADD to memory beyond the limit is #GP(0), not #PF", {add dword [es:END + 8], 5}
beyond locked, "LOCK XADD beyond the limit is #GP(0), not #PF", {lock xadd [es:END + 8], eax}
beyond compare, "CMPXCHG beyond the limit is #GP(0), not #PF", {cmpxchg [es:END + 16], ecx}
beyond far_away, "an access megabytes beyond the limit, where no table is, is #GP(0)", {mov al, [es:0x3ffff000]}
beyond bit_string, "BTS whose bit is beyond the limit is #GP(0): its address is that of the bit", \
	{bts dword [es:END - 0x10], ebx}

case x87, "FNSTCW to beyond the limit is #GP(0), not #PF"
	ends
	uses	fpu
	emulate	fnstcw [es:END + 0x10]
	refused

case over_end, "of an access over the end of the segment the first page counts as little as the second"
	ends
	pte	PAGES, clear=PTE_P
	emulate	mov eax, [es:END - 2]
	refused

case over_end_write, "a write over the end of the segment is #GP(0), and its first bytes are not written"
	ends
	emulate	mov [es:END - 1], ax
	refused

case inside, "inside the segment pages are looked at: what is there is read, what is not is #PF"
	ref	REFS
	descriptor SEL_END, base=0, limit=END + 0xfff, ar=AR_DATA16 | AR_DB | AR_DPL3
	pte	END, clear=PTE_P
	given	es=SEL_END
	emulate	mov eax, [es:END - 4]
	checkpoint rax=0xa0a0a0a0
	emulate	mov bl, [es:END + 0xfff]
	expect	exception, vector=VEC_PF, error=0, cr2=END + 0xfff, rip=EMULATED

case user_page, "beyond the limit of a supervisor's page is #GP(0) at CPL 3, too"
	ref	REFS
	ring3
	descriptor SEL_END, base=0, limit=END - 1, ar=AR_DATA16 | AR_DB | AR_DPL3
	pte	END, clear=PTE_U | PTE_W
	given	es=SEL_END, cr2=0x13579000
	emulate	mov [es:END], al
	refused

case reserved_bit, "beyond the limit in a page whose table has a reserved bit is #GP(0)"
	ends
%if MODE_NUMBER == MODE_PAGED32
	pde	0x400000, raw=PTE_P | PTE_W | PTE_U | PTE_PS | 0x200000
%else
	pde	0x400000, raw=PTE_P | PTE_W | PTE_U | PTE_PS | 0x2000
%endif
	emulate	mov al, [es:0x400000]
	refused

case load_table, "LGDT from beyond the limit is #GP(0), not #PF"
	ref	REFS
	descriptor SEL_END, base=0, limit=END - 1, ar=AR_DATA16 | AR_DB | AR_DPL3
	pte	END, clear=PTE_P
	given	es=SEL_END, cr2=0x13579000
	emulate	lgdt [es:END + 0x10]
	refused

; ---- rights and other kinds of segments -----------------------------------------------------

; not_allowed NAME, TEXT, SELECTOR, AR, LIMIT, INSTRUCTION: PAGES is not present.
%macro not_allowed 6.nolist
case %1, %2
	ref	REFS, "SDM 3 5.4"
	both_rings
	descriptor SEL_END, base=0, limit=%5, ar=%4
	pte	PAGES, clear=PTE_P
	given	es=%3, cr2=0x13579000
	emulate	%6
	refused
%endmacro
%define FLAT 0xffffffff
not_allowed read_only, "a write through a read-only segment is #GP(0), not #PF", SEL_END, \
	(AR_DATA & ~2) | AR_DPL3, FLAT, {mov [es:PAGES], eax}
not_allowed read_only_change, "INC through a read-only segment is #GP(0), though it reads first", SEL_END, \
	(AR_DATA & ~2) | AR_DPL3, FLAT, {inc dword [es:PAGES]}
not_allowed compare_read_only, "CMPXCHG through a read-only segment is #GP(0), not #PF", SEL_END, \
	(AR_DATA & ~2) | AR_DPL3, FLAT, {cmpxchg [es:PAGES], ecx}
not_allowed null, "a read through a null selector is #GP(0), not #PF", 0, AR_DATA, FLAT, {mov eax, [es:PAGES]}
not_allowed code, "a write through CS is #GP(0), not #PF", SEL_END, AR_DATA | AR_DPL3, FLAT, {mov [cs:PAGES], eax}
not_allowed expand_down, "a read below an expand-down segment is #GP(0), not #PF", SEL_END, \
	AR_DATA16 | AR_DB | 4 | AR_DPL3, END - 1, {mov eax, [es:PAGES]}

case execute_only, "a read through code that can only be executed is #GP(0), not #PF"
	ref	REFS, "SDM 3 5.4"
	rings	0
	descriptor SEL_FREE, base=0, limit=FLAT, ar=AR_CODE32 & ~2
	pte	PAGES, clear=PTE_P
	given	cr2=0x13579000
	jmp	SEL_FREE:.there
.there:	emulate	mov eax, [cs:PAGES]
	expect	exception, vector=VEC_GP, error=0, rip=EMULATED, cs=SEL_FREE
	checkpoint

; ---- with a second operand, in MMIO space -----------------------------------------------------

case movs_destination, "MOVS to beyond the limit is #GP(0), not #PF; no register moves"
	ends
	operand	dd, 0x11223344
	given	rsi=OPERAND, rdi=END
	emulate	movsd
	refused

case movs_repeated, "REP MOVS goes up to the limit, and there is #GP(0), not #PF"
	ends
	operand	dd, 0x11223344, 0x55667788, 0x99aabbcc
	given	rsi=OPERAND, rdi=END - 8, rcx=3
	emulate	rep movsd
	expect	exception, vector=VEC_GP, error=0, rip=EMULATED, rsi=OPERAND + 8, rdi=END, rcx=1
	writes	END - 8, dd, 0x11223344, 0x55667788

case stos, "STOS to beyond the limit is #GP(0), not #PF"
	ends
	given	rdi=END
	emulate	stosb
	refused

case scas, "SCAS beyond the limit is #GP(0), not #PF"
	ends
	given	rdi=END
	emulate	scasd
	refused

case cmps, "CMPS beyond the limit is #GP(0), not #PF"
	ends
	operand	dd, 0x11223344
	given	rsi=OPERAND, rdi=END
	emulate	cmpsd
	refused

case ins, "INS to beyond the limit is #GP(0), before the port is read"
	ref	REFS, "SDM 2 INS"
	rings	0
	descriptor SEL_END, base=0, limit=END - 1, ar=AR_DATA16 | AR_DB | AR_DPL3
	pte	END, clear=PTE_P
	given	es=SEL_END, rdi=END, rdx=0x10, cr2=0x13579000
	emulate	insb
	refused

case outs, "OUTS from beyond the limit is #GP(0), before the port is written"
	ref	REFS, "SDM 2 OUTS"
	rings	0
	descriptor SEL_END, base=0, limit=END - 1, ar=AR_DATA16 | AR_DB | AR_DPL3
	pte	END, clear=PTE_P
	given	es=SEL_END, rsi=END, rdx=0x10, cr2=0x13579000
	emulate	es outsb
	refused

; ---- the stack ------------------------------------------------------------------------------

; The stack of CPL 3 ends with PAGES' first page; exceptions have another.
%macro stack_ends 1.nolist
	ref	REFS, "SDM 3 6.15"
	ring3
	descriptor SEL_END, base=0, limit=END - 1, ar=AR_DATA16 | AR_DB | AR_DPL3
	pte	END, clear=PTE_P
	given	ss=SEL_END, rsp=%1, cr2=0x13579000
%endmacro

; on_stack NAME, TEXT, ESP, INSTRUCTION
%macro on_stack 4.nolist
case stack_%1, %2
	stack_ends %3
	emulate	%4
	refused	VEC_SS
%endmacro
on_stack push, "PUSH beyond the limit of SS is #SS(0), not #PF", END + 0x10, {push eax}
on_stack pop, "POP from beyond the limit of SS is #SS(0), not #PF", END, {pop eax}
on_stack pushf, "PUSHF beyond the limit of SS is #SS(0), not #PF", END + 4, pushf
on_stack popf, "POPF from beyond the limit of SS is #SS(0), not #PF", END, popf
on_stack popa, "POPA over the limit of SS is #SS(0), not #PF; no register is loaded", END - 0x10, popa
on_stack call, "CALL that pushes beyond the limit of SS is #SS(0), not #PF", END + 0x10, {call STACK}
on_stack ret, "RET from beyond the limit of SS is #SS(0), not #PF", END, ret
on_stack retf, "far RET over the limit of SS is #SS(0), not #PF", END - 4, retf
on_stack iret, "IRET over the limit of SS is #SS(0), not #PF", END - 8, iret
on_stack read, "a read through ESP beyond the limit of SS is #SS(0), not #PF", END, {mov eax, [esp]}
on_stack call_memory, "CALL through a pointer beyond the limit of SS is #SS(0), not #PF", END, {call [esp + 8]}

case stack_leave, "LEAVE whose frame is beyond the limit of SS is #SS(0), not #PF"
	stack_ends PAGES + 0x800
	given	rbp=END
	emulate	leave
	refused	VEC_SS

case stack_push_memory, "PUSH of memory beyond the limit of SS is #SS(0), not #PF"
	stack_ends END + 0x10
	operand	dd, 0x11223344
	emulate	push dword [OPERAND]
	refused	VEC_SS

case stack_pop_memory, "POP to memory from beyond the limit of SS is #SS(0), not #PF"
	stack_ends END
	operand	dd, 0x11223344
	emulate	pop dword [OPERAND]
	refused	VEC_SS

; ---- code -----------------------------------------------------------------------------------

; in_pages: the case goes on in the segment SEL_CODE_END, which ends with PAGES' first page.
%define SEL_CODE_END (SEL_FREE + 16)
%macro in_pages 1.nolist	; WHERE
	rings	0
	descriptor SEL_CODE_END, base=0, limit=END - 1, ar=AR_CODE32 & ~AR_G
	pte	END, clear=PTE_P
	given	cr2=0x13579000
	jmp	SEL_CODE_END:%1
%endmacro

case fetch_over_end, "an instruction over the limit of CS whose second page is not present is #GP(0), not #PF"
	ref	REFS
	in_pages END - 2
	memory	END - 2, db, 0xb8, 0x11		; MOV EAX, imm32
	expect	exception, vector=VEC_GP, error=0, cs=SEL_CODE_END, rip=END - 2
	checkpoint

case fetch_beyond, "running on over the limit of CS to a page that is not present is #GP(0), not #PF"
	ref	REFS
	in_pages END - 1
	memory	END - 1, db, 0x90
	expect	exception, vector=VEC_GP, error=0, cs=SEL_CODE_END, rip=END
	checkpoint

case jump_beyond, "a jump beyond the limit of CS to a page that is not present is #GP(0) at the jump"
	ref	REFS, "SDM 2 JMP"
	in_pages END - 0x10
	memory	END - 0x10, db, 0xe9, 0x1b, 0, 0, 0
	expect	exception, vector=VEC_GP, error=0, cs=SEL_CODE_END, rip=END - 0x10
	checkpoint

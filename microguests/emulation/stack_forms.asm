; SPDX-License-Identifier: GPL-2.0-only
; PUSH, POP, ENTER and LEAVE in their encodings with each operand size: every register, segment
; registers, immediates, memory. What faults, stack.asm tries.
%include "microguest.inc"
modes real16, prot32, long64
%include "emulate.inc"
%include "forms.inc"

; stack_size BITS: of an item; PREFIX is what an instruction of that size begins with.
%macro stack_size 1.nolist
	%assign ITEM %1 / 8
	%if %1 == 64
	%define PREFIX
	%define PUSHED dq
	%elif %1 == 32
	size_prefix 32
	%define PUSHED dd
	%else
	size_prefix 16
	%define PUSHED dw
	%endif
%endmacro

; In 64-bit mode there are no items of 32 bits.
%macro each_stack_size 1.nolist
	%1	16
	%if BITS == 64
	%1	64
	%else
	%1	32
	%endif
%endmacro

; Values of registers by number, and what is written to them before POP.
%define VALUE(n) (0x31c2d340 + (n) * 0x01010101)
%define JUNK 0x5566aa77
%define N0 rax
%define N1 rcx
%define N2 rdx
%define N3 rbx
%define N5 rbp
%define N6 rsi
%define N7 rdi
%define E0 eax
%define E1 ecx
%define E2 edx
%define E3 ebx
%define E5 ebp
%define E6 esi
%define E7 edi

; popped BITS, VALUE: NOW is what a register with JUNK is when that was popped.
%macro popped 2.nolist
	%if %1 == 16
	%assign NOW (JUNK & ~0xffff) | ((%2) & 0xffff)
	%else
	%assign NOW %2
	%endif
%endmacro

; both_ways BITS, NUMBER: PUSH and POP of a register by both opcodes
%macro both_ways 2.nolist
	mov	E%2, VALUE(%2)
	emulate	db PREFIX 0x50 | %2
	checkpoint rsp=STACK_TOP - ITEM, N%2=VALUE(%2)
	writes	STACK_TOP - ITEM, PUSHED, VALUE(%2) & (-1 >> (64 - %1))
	mov	E%2, JUNK
	popped	%1, VALUE(%2)
	emulate	db PREFIX 0x58 | %2
	checkpoint rsp=STACK_TOP, N%2=NOW
	mov	E%2, ~VALUE(%2) & 0x7fffffff
	emulate	db PREFIX 0xff, 0xf0 | %2
	checkpoint rsp=STACK_TOP - ITEM, N%2=~VALUE(%2) & 0x7fffffff
	writes	STACK_TOP - ITEM, PUSHED, (~VALUE(%2) & 0x7fffffff) & (-1 >> (64 - %1))
	mov	E%2, JUNK
	popped	%1, (~VALUE(%2) & 0x7fffffff)
	emulate	db PREFIX 0x8f, 0xc0 | %2
	checkpoint rsp=STACK_TOP, N%2=NOW
%endmacro

%macro registers_case 1.nolist
	%defstr TEXT PUSH and POP of every register, of %1 bits
case registers_%1, TEXT
	ref	"SDM 2 PUSH", "SDM 2 POP", "APM 3 PUSH", "APM 3 POP"
	any_ring
	stack_size %1
	both_ways %1, 0
	both_ways %1, 1
	both_ways %1, 2
	both_ways %1, 3
	both_ways %1, 5
	both_ways %1, 6
	both_ways %1, 7
%endmacro
each_stack_size registers_case

; PUSH SP stores what it was before; POP SP loads what was on the stack.
%macro stack_pointer_case 1.nolist
	%defstr TEXT PUSH and POP of the stack pointer itself, of %1 bits
case stack_pointer_%1, TEXT
	ref	"SDM 2 PUSH", "SDM 2 POP", "APM 3 PUSH", "APM 3 POP"
	any_ring
	stack_size %1
	emulate	db PREFIX 0x54
	checkpoint rsp=STACK_TOP - ITEM
	writes	STACK_TOP - ITEM, PUSHED, STACK_TOP
	mov	word [STACK_TOP - ITEM], STACK_TOP - 0x40
	emulate	db PREFIX 0x5c
	checkpoint rsp=STACK_TOP - 0x40
	writes	STACK_TOP - ITEM, dw, STACK_TOP - 0x40
%endmacro
each_stack_size stack_pointer_case

; ---- immediates and memory --------------------------------------------------------------------------

%macro immediate_case 1.nolist
	%defstr TEXT PUSH of immediates, PUSH and POP of memory, of %1 bits
case immediate_%1, TEXT
	ref	"SDM 2 PUSH", "SDM 2 POP", "APM 3 PUSH", "APM 3 POP"
	any_ring
	stack_size %1
	operand	dq, A64, -1
	mov	edi, OPERAND
	emulate	db PREFIX 0x6a, -5 & 0xff
	checkpoint rsp=STACK_TOP - ITEM, rdi=OPERAND
	writes	STACK_TOP - ITEM, PUSHED, -5
	%if %1 == 16
	emulate	db PREFIX 0x68, 0x34, 0x92
	checkpoint rsp=STACK_TOP - 2 * ITEM
	writes	STACK_TOP - 2 * ITEM, PUSHED, 0x9234
	%else
	emulate	db PREFIX 0x68, 0x78, 0x56, 0x34, 0x92
	checkpoint rsp=STACK_TOP - 2 * ITEM
	writes	STACK_TOP - 2 * ITEM, PUSHED, 0xffffffff92345678 & (-1 >> (64 - %1))
	%endif
	emulate	db PREFIX 0xff, 6 << 3 | AT_RDI
	checkpoint rsp=STACK_TOP - 3 * ITEM
	writes	STACK_TOP - 3 * ITEM, PUSHED, A64 & (-1 >> (64 - %1))
	mov	edi, OPERAND + 8
	emulate	db PREFIX 0x8f, AT_RDI
	checkpoint rsp=STACK_TOP - 2 * ITEM, rdi=OPERAND + 8
	writes	OPERAND + 8, PUSHED, A64 & (-1 >> (64 - %1))
%endmacro
each_stack_size immediate_case

; ---- segment registers ------------------------------------------------------------------------------

; pushed_selector SELECTOR, OPCODE...: PUSH stores that register's selector. The upper bytes of an
; item are not defined: zeros, or what was there (SDM 2 PUSH).
%macro pushed_selector 2+.nolist
	mov	word [STACK_TOP - ITEM], JUNK & 0xffff
	emulate	db PREFIX %2
	mov	ax, %1
	cmp	ax, [STACK_TOP - ITEM]
	mov	ax, 0
	checkpoint status=ZF | PF, rax=LOW16(RAX, 0), rsp=STACK_TOP - ITEM
	undefined_memory STACK_TOP - ITEM, ITEM
%endmacro

; popped_selector SELECTOR, OPCODE...: POP loads the register, another selector in it before.
%if REAL
	%define ANOTHER 0x40
%else
	%define ANOTHER 0
%endif
%macro popped_selector 2+.nolist
	mov	ax, ANOTHER
	mov	%1, ax
	mov	ax, 0
	emulate	db PREFIX %2
	checkpoint rsp=STACK_TOP
%endmacro

%macro segments_case 1.nolist
	%defstr TEXT PUSH and POP of segment registers, of %1 bits
case segments_%1, TEXT
	ref	"SDM 2 PUSH", "SDM 2 POP", "APM 3 PUSH", "APM 3 POP"
	stack_size %1
	%if BITS != 64
	pushed_selector es, 0x06
	popped_selector es, 0x07
	pushed_selector ds, 0x1e
	popped_selector ds, 0x1f
	pushed_selector ss, 0x16
	emulate	db PREFIX 0x17
	checkpoint rsp=STACK_TOP
	pushed_selector cs, 0x0e
	mov	esp, STACK_TOP
	%endif
	pushed_selector fs, 0x0f, 0xa0
	popped_selector fs, 0x0f, 0xa1
	pushed_selector gs, 0x0f, 0xa8
	popped_selector gs, 0x0f, 0xa9
%endmacro
each_stack_size segments_case

; ---- ENTER, LEAVE, all registers ---------------------------------------------------------------------

%macro frame_case 1.nolist
	%defstr TEXT ENTER without a nesting level, and LEAVE, of %1 bits
case frame_%1, TEXT
	ref	"SDM 2 ENTER", "SDM 2 LEAVE", "APM 3 ENTER", "APM 3 LEAVE"
	any_ring
	stack_size %1
	popped	%1, 0
	mov	ebp, JUNK
	emulate	db PREFIX 0xc8, 0x20, 0, 0
	%if %1 == 16
	checkpoint rsp=STACK_TOP - ITEM - 0x20, rbp=(JUNK & ~0xffff) | (STACK_TOP - ITEM)
	%else
	checkpoint rsp=STACK_TOP - ITEM - 0x20, rbp=STACK_TOP - ITEM
	%endif
	writes	STACK_TOP - ITEM, PUSHED, JUNK & (-1 >> (64 - %1))
	mov	ebp, STACK_TOP - ITEM
	emulate	db PREFIX 0xc9
	%if %1 == 16
	checkpoint rsp=STACK_TOP, rbp=JUNK & 0xffff
	%else
	checkpoint rsp=STACK_TOP, rbp=JUNK
	%endif
%endmacro
each_stack_size frame_case

%if BITS != 64
%macro all_case 1.nolist
	%defstr TEXT PUSHA and POPA of %1 bits
case all_%1, TEXT
	ref	"SDM 2 PUSHA", "SDM 2 POPA", "APM 3 PUSHA", "APM 3 POPA"
	stack_size %1
	mov	eax, VALUE(0)
	mov	ecx, VALUE(1)
	mov	edx, VALUE(2)
	mov	ebx, VALUE(3)
	mov	ebp, VALUE(5)
	mov	esi, VALUE(6)
	mov	edi, VALUE(7)
	%define KEPT (-1 >> (64 - %1))
	emulate	db PREFIX 0x60
	checkpoint rsp=STACK_TOP - 8 * ITEM, rax=VALUE(0), rcx=VALUE(1), rdx=VALUE(2), rbx=VALUE(3), \
		rbp=VALUE(5), rsi=VALUE(6), rdi=VALUE(7)
	writes	STACK_TOP - 8 * ITEM, PUSHED, VALUE(7) & KEPT, VALUE(6) & KEPT, VALUE(5) & KEPT, \
		STACK_TOP, VALUE(3) & KEPT, VALUE(2) & KEPT, VALUE(1) & KEPT, VALUE(0) & KEPT
	mov	eax, 0
	mov	ebx, 0
	mov	edi, 0
	emulate	db PREFIX 0x61
	checkpoint rsp=STACK_TOP, rax=VALUE(0) & KEPT, rbx=VALUE(3) & KEPT, rdi=VALUE(7) & KEPT
%endmacro
each_stack_size all_case
%endif

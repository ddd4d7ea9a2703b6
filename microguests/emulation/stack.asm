; SPDX-License-Identifier: GPL-2.0-only
; PUSH and POP of everything, PUSHA, PUSHF, ENTER, LEAVE, and how wide the stack
; pointer is.
%include "microguest.inc"
modes real16, prot16, prot32, paged32, pae32, compat32, long64, vm86
%include "emulate.inc"

; The mode's own word, and the one the operand-size prefix gives: bytes, the data
; directive, and what nasm calls an operand of it.
%assign W WORD_BYTES
%if BITS == 16
	%define word_data dw
	%define word_size word
	%assign OTHER 4
	%define other_data dd
	%define other_size dword
%else
	%if BITS == 32
		%define word_data dd
		%define word_size dword
	%else
		%define word_data dq
		%define word_size qword
	%endif
	%assign OTHER 2
	%define other_data dw
	%define other_size word
%endif
; value, cut to the word
%define CUT(value) ((value) & ((1 << (BITS / 2) << (BITS / 2)) - 1))
%define CUT_OTHER(value) ((value) & ((1 << OTHER * 8) - 1))

case push_memory, \
	"PUSH of memory: the mode's word, and with the prefix the other one, also in 64-bit mode"
	ref	"SDM 2 PUSH", "APM 3 PUSH"
	any_ring
	operand	dq, 0x8877665544332211
	emulate	push word_size [OPERAND]
	checkpoint rsp=STACK_TOP - W
	writes	STACK_TOP - W, word_data, CUT(0x8877665544332211)
	emulate	push other_size [OPERAND + 1]
	checkpoint rsp=STACK_TOP - W - OTHER
	writes	STACK_TOP - W - OTHER, other_data, CUT_OTHER(0x88776655443322)

case push_register, "PUSH of registers; PUSH of the stack pointer stores its old value"
	ref	"SDM 2 PUSH", "APM 3 PUSH"
	any_ring
%if BITS == 64
	emulate	push rdx
%elif BITS == 32
	emulate	push edx
%else
	emulate	push dx
%endif
	checkpoint rsp=STACK_TOP - W
	writes	STACK_TOP - W, word_data, CUT(REG_RDX)
	emulate	db 0x54					; push rsp
	checkpoint rsp=STACK_TOP - 2 * W
	writes	STACK_TOP - 2 * W, word_data, STACK_TOP - W
	emulate	db 0x66, 0x51				; push cx, or ecx in 16-bit code
	checkpoint rsp=STACK_TOP - 2 * W - OTHER
	writes	STACK_TOP - 2 * W - OTHER, other_data, CUT_OTHER(REG_RCX)
%if BITS == 64
	emulate	push r15
	checkpoint rsp=STACK_TOP - 3 * W - OTHER
	writes	STACK_TOP - 3 * W - OTHER, dq, REG_R15
%endif

case push_immediate, "PUSH of an immediate sign-extends it to the operand size"
	ref	"SDM 2 PUSH", "APM 3 PUSH"
	any_ring
	emulate	db 0x6a, 0x82
	checkpoint rsp=STACK_TOP - W
	writes	STACK_TOP - W, word_data, CUT(-0x7e)
%if BITS == 16
	emulate	db 0x68, 0x34, 0x92
	checkpoint rsp=STACK_TOP - 2 * W
	writes	STACK_TOP - 2 * W, dw, 0x9234
	emulate	db 0x66, 0x68, 0x78, 0x56, 0x34, 0x92
	checkpoint rsp=STACK_TOP - 2 * W - OTHER
	writes	STACK_TOP - 2 * W - OTHER, dd, 0x92345678
%else
	emulate	db 0x68, 0x78, 0x56, 0x34, 0x92
	checkpoint rsp=STACK_TOP - 2 * W
	writes	STACK_TOP - 2 * W, word_data, CUT(0xffffffff92345678)
	emulate	db 0x66, 0x68, 0x34, 0x92
	checkpoint rsp=STACK_TOP - 2 * W - OTHER
	writes	STACK_TOP - 2 * W - OTHER, dw, 0x9234
%endif
	emulate	db 0x66, 0x6a, 0x83
	checkpoint rsp=STACK_TOP - 2 * W - 2 * OTHER
	writes	STACK_TOP - 2 * W - 2 * OTHER, other_data, CUT_OTHER(-0x7d)

case pop_memory, "POP to memory: the mode's word, and with the prefix the other one"
	ref	"SDM 2 POP", "APM 3 POP"
	any_ring
	operand	dq, -1, -1
	memory	STACK_TOP, dq, 0x8877665544332211, 0x00ffeeddccbbaa99
	emulate	pop word_size [OPERAND]
	checkpoint rsp=STACK_TOP + W
	writes	OPERAND, word_data, CUT(0x8877665544332211)
	emulate	pop other_size [OPERAND + 8]
	checkpoint rsp=STACK_TOP + W + OTHER
%if BITS == 64
	writes	OPERAND + 8, dw, 0xaa99
%elif BITS == 32
	writes	OPERAND + 8, dw, 0x6655
%else
	writes	OPERAND + 8, dd, 0x66554433
%endif

case pop_register, "POP to registers; POP to the stack pointer leaves what was popped"
	ref	"SDM 2 POP", "APM 3 POP"
	any_ring
	memory	STACK_TOP, word_data, CUT(0x8877665544332211), STACK_TOP + 0x40
	emulate	db 0x5a					; pop rdx
	checkpoint rsp=STACK_TOP + W, rdx=WHOLE(RDX, CUT(0x8877665544332211))
	emulate	db 0x5c					; pop rsp
	checkpoint rsp=STACK_TOP + 0x40

case pop_below_itself, "POP to memory based on the stack pointer counts from the new one"
	ref	"SDM 2 POP", "APM 3 POP"
	any_ring
	memory	STACK_TOP, word_data, CUT(0x8877665544332211)
%if BITS == 64
	emulate	pop qword [rsp + 8]
%else
	emulate	pop word_size [esp + 8]
%endif
	checkpoint rsp=STACK_TOP + W
	writes	STACK_TOP + W + 8, word_data, CUT(0x8877665544332211)

case push_segment, "PUSH of a segment register zero-extends it or leaves the upper bytes"
	ref	"SDM 2 PUSH", "APM 3 PUSH"
	any_ring
%if REAL
	given	fs=0x1a58
	%define SELECTOR 0x1a58
%else
	given	fs=SEL_UDATA
	%define SELECTOR SEL_UDATA
%endif
	emulate	push fs
	checkpoint rsp=STACK_TOP - W
	writes	STACK_TOP - W, dw, SELECTOR

case pop_segment, "POP to a segment register takes 16 bits and loads the descriptor"
	ref	"SDM 2 POP", "APM 3 POP"
	any_ring
%if REAL
	%define SELECTOR 0x1a58
%else
	%define SELECTOR SEL_UDATA
	given	fs=0
%endif
	memory	STACK_TOP, dq, -1, -1
	memory	STACK_TOP, dw, SELECTOR
	memory	STACK_TOP + W, dw, SELECTOR
	emulate	pop fs
	checkpoint rsp=STACK_TOP + W, fs=SELECTOR
%if BITS != 64
	emulate	pop es
	checkpoint rsp=STACK_TOP + 2 * W, es=SELECTOR
%endif

%if BITS != 64
case pusha, "PUSHA pushes eight registers, the stack pointer as it was before"
	ref	"SDM 2 PUSHA/PUSHAD", "APM 3 PUSHA"
	any_ring
	emulate	db 0x60
	checkpoint rsp=STACK_TOP - 8 * W
	writes	STACK_TOP - 8 * W, word_data, CUT(REG_RDI), CUT(REG_RSI), CUT(REG_RBP), \
		STACK_TOP, CUT(REG_RBX), CUT(REG_RDX), CUT(REG_RCX), CUT(REG_RAX)
	emulate	db 0x66, 0x60
	checkpoint rsp=STACK_TOP - 8 * W - 8 * OTHER
	writes	STACK_TOP - 8 * W - 8 * OTHER, other_data, CUT_OTHER(REG_RDI), \
		CUT_OTHER(REG_RSI), CUT_OTHER(REG_RBP), STACK_TOP - 8 * W, CUT_OTHER(REG_RBX), \
		CUT_OTHER(REG_RDX), CUT_OTHER(REG_RCX), CUT_OTHER(REG_RAX)

case popa, "POPA loads seven registers and skips the stack pointer's slot"
	ref	"SDM 2 POPA/POPAD", "APM 3 POPA"
	any_ring
	memory	STACK_TOP, word_data, 0x701, 0x702, 0x703, 0x704, 0x705, 0x706, 0x707, 0x708
	emulate	db 0x61
	checkpoint rsp=STACK_TOP + 8 * W, rdi=WHOLE(RDI, 0x701), rsi=WHOLE(RSI, 0x702), \
		rbp=WHOLE(RBP, 0x703), rbx=WHOLE(RBX, 0x705), rdx=WHOLE(RDX, 0x706), \
		rcx=WHOLE(RCX, 0x707), rax=WHOLE(RAX, 0x708)
%endif

case pushf, "PUSHF stores the flags with RF and VM clear"
	ref	"SDM 2 PUSHF/PUSHFD/PUSHFQ", "APM 3 PUSHF"
	any_ring
%assign SHOWN STATUS_FLAGS | DF | NT | 2
%if MODE_NUMBER == MODE_VM86
	given	set=STATUS_FLAGS | DF | NT | IOPL_3 | AC | ID
	%assign SHOWN SHOWN | IOPL_3
%else
	given	set=STATUS_FLAGS | DF | NT | AC | ID
%endif
	emulate	db 0x9c
	checkpoint rsp=STACK_TOP - W
%if BITS == 16
	writes	STACK_TOP - W, dw, SHOWN
%else
	writes	STACK_TOP - W, word_data, SHOWN | AC | ID
%endif
	emulate	db 0x66, 0x9c
	checkpoint rsp=STACK_TOP - W - OTHER
%if BITS == 16
	writes	STACK_TOP - W - OTHER, dd, SHOWN | AC | ID
%else
	writes	STACK_TOP - W - OTHER, dw, SHOWN
%endif

; What POPF is given: every flag it may change, and some it may not.
%assign LOADED STATUS_FLAGS | DF | NT | IOPL_3 | IF
%if MODE_NUMBER != MODE_VM86
case popf, "POPF at CPL 0 loads every flag of its width but RF, VM, VIF and VIP"
	ref	"SDM 2 POPF/POPFD/POPFQ", "APM 3 POPF", "SDM 3 2.3", "APM 2 3.1.6"
	memory	STACK_TOP, word_data, CUT(LOADED | AC | ID | RF | VM | VIF | VIP | 0x8028)
	memory	STACK_TOP + W, other_data, CUT_OTHER(2 | AC | ID)
	emulate	db 0x9d
%if BITS == 16
	checkpoint rsp=STACK_TOP + W, set=LOADED
	emulate	db 0x66, 0x9d
	checkpoint rsp=STACK_TOP + W + OTHER, rflags=2 | AC | ID
%else
	checkpoint rsp=STACK_TOP + W, set=LOADED | AC | ID
	emulate	db 0x66, 0x9d
	checkpoint rsp=STACK_TOP + W + OTHER, rflags=2 | AC | ID
%endif
%endif

%if MODE_NUMBER != MODE_REAL16 && MODE_NUMBER != MODE_VM86
case popf_user, "POPF at CPL 3 with IOPL 0 leaves IF and IOPL as they are, without a fault"
	ref	"SDM 2 POPF/POPFD/POPFQ", "APM 3 POPF"
	ring3
	memory	STACK_TOP, word_data, CUT(LOADED | 2)
	emulate	db 0x9d
	checkpoint rsp=STACK_TOP + W, set=LOADED & ~(IF | IOPL_3)

case cli_sti_user, "CLI and STI above IOPL fault"
	ref	"SDM 2 CLI", "SDM 2 STI", "APM 3 CLI", "APM 3 STI", "SDM 3 2.3", "APM 2 3.1.6"
	ring3
	emulate	cli
	expect	exception, vector=VEC_GP, error=0, rip=EMULATED
	emulate	sti
	expect	exception, vector=VEC_GP, error=0, rip=EMULATED
%endif

case cli_sti, "CLI and STI change IF where IOPL allows it"
	ref	"SDM 2 CLI", "SDM 2 STI", "APM 3 CLI", "APM 3 STI"
	any_ring
	given	set=IOPL_3
	emulate	sti
	checkpoint set=IF
	emulate	cli
	checkpoint clear=IF

%if MODE_NUMBER == MODE_VM86
case vm86_iopl, "in virtual-8086 mode CLI, STI, PUSHF and POPF fault unless IOPL is 3"
	ref	"SDM 3 20.2.7", "APM 2 3.1.6"
	emulate	cli
	expect	exception, vector=VEC_GP, error=0, rip=EMULATED
	emulate	sti
	expect	exception, vector=VEC_GP, error=0, rip=EMULATED
	emulate	pushf
	expect	exception, vector=VEC_GP, error=0, rip=EMULATED
	emulate	popf
	expect	exception, vector=VEC_GP, error=0, rip=EMULATED

case vm86_popf, "POPF in virtual-8086 mode with IOPL 3 changes IF and not IOPL"
	ref	"SDM 2 POPF/POPFD/POPFQ", "SDM 3 20.2.7", "APM 3 POPF"
	given	set=IOPL_3
	memory	STACK_TOP, dw, (LOADED & ~IOPL_3) | 2
	emulate	popf
	checkpoint rsp=STACK_TOP + 2, set=LOADED
%endif

case enter_leave, "ENTER at level 0 makes a frame, LEAVE drops it"
	ref	"SDM 2 ENTER", "SDM 2 LEAVE", "APM 3 ENTER", "APM 3 LEAVE"
	any_ring
	emulate	enter 0x123, 0
	checkpoint rsp=STACK_TOP - W - 0x123, rbp=WHOLE(RBP, STACK_TOP - W)
	writes	STACK_TOP - W, word_data, CUT(REG_RBP)
	emulate	leave
	checkpoint rsp=STACK_TOP, rbp=REG_RBP

case enter_nested, \
	"ENTER at level 3 copies two frame pointers and pushes its own; the level is modulo 32"
	ref	"SDM 2 ENTER", "APM 3 ENTER"
	any_ring
	given	rbp=SCRATCH + 0x100
	memory	SCRATCH + 0x100 - 2 * W, word_data, 0x7b02, 0x7b01
	emulate	enter 8, 32 + 3
	checkpoint rsp=STACK_TOP - 4 * W - 8, rbp=STACK_TOP - W
	writes	STACK_TOP - 4 * W, word_data, STACK_TOP - W, 0x7b02, 0x7b01, SCRATCH + 0x100

%if BITS != 64
case stack_size, "with SS.B = 0 only SP counts and moves; the rest of ESP is ignored and kept"
	ref	"SDM 1 6.2.3", "SDM 2 PUSH", "APM 2 4.7.3"
	operand	dq, 0x8877665544332211
%if !REAL
	given	ss=SEL_DATA16
%endif
	given	rsp=0x12340000 | STACK_TOP, rbp=0xabcd0000 | STACK_TOP
	emulate	push word_size [OPERAND]
	checkpoint rsp=0x12340000 | (STACK_TOP - W)
	writes	STACK_TOP - W, word_data, CUT(0x8877665544332211)
	emulate	db 0x58					; pop rax
	checkpoint rsp=0x12340000 | STACK_TOP, rax=WHOLE(RAX, CUT(0x8877665544332211))
	emulate	leave
%if BITS == 16
	checkpoint rsp=0x12340000 | (STACK_TOP + W), rbp=0xabcd0000
%else
	checkpoint rsp=0x12340000 | (STACK_TOP + W), rbp=0
%endif

case stack_wraps, "a push with SP = 0 goes to the top of a 64 KiB stack"
	ref	"SDM 2 PUSH", "APM 2 4.7.3", "SDM 3 22.33.1"
%if REAL
	given	ss=0x800
%else
	given	ss=SEL_DATA16, ss_base=0x8000
%endif
	given	rsp=0
	emulate	db 0x50					; push rax
	checkpoint rsp=0x10000 - W
	writes	0x18000 - W, word_data, CUT(REG_RAX)
%endif

%if MODE_NUMBER == MODE_PROT16
case stack_32, "with SS.B = 1 16-bit code uses all of ESP"
	ref	"SDM 1 6.2.3", "APM 2 4.7.3"
	descriptor SEL_FREE, base=0, limit=0xffffffff, ar=AR_DATA
	given	ss=SEL_FREE, rsp=PAGES + 0x800
	emulate	push dx
	checkpoint rsp=PAGES + 0x7fe
	writes	PAGES + 0x7fe, dw, 0x4444
%endif

%if PAGED
case push_fault, "a PUSH that cannot be written leaves the stack pointer"
	ref	"SDM 3 6.5", "SDM 3 4.7", "APM 2 8.1.1"
	ring3
	pte	PAGES, clear=PTE_P
	given	rsp=PAGES + 0x1000
	emulate	db 0x50
	expect	exception, vector=VEC_PF, error=PF_W | PF_U, \
		cr2=PAGES + 0x1000 - W, rip=EMULATED

case pop_fault, "a POP whose destination faults leaves the stack pointer"
	ref	"SDM 3 6.5", "SDM 3 4.7", "APM 2 8.1.1"
	pte	PAGES, clear=PTE_W
	memory	STACK_TOP, dq, 0x1234
	emulate	pop word_size [PAGES + 16]
	expect	exception, vector=VEC_PF, error=PF_P | PF_W, cr2=PAGES + 16, rip=EMULATED
%endif

; SPDX-License-Identifier: GPL-2.0-only
; XCHG, XADD, CMPXCHG and its wide forms, and where LOCK is allowed.
%include "microguest.inc"
modes real16, prot16, prot32, paged32, pae32, compat32, long64, vm86
%include "emulate.inc"

case xchg, "XCHG of register and memory"
	ref	"SDM 2 XCHG", "APM 3 XCHG"
	any_ring
	operand	dq, 0xa1, 0xb2b1, 0xc4c3c2c1, 0xd8d7d6d5d4d3d2d1
	given	set=STATUS_FLAGS
	emulate	xchg [OPERAND], ah
	checkpoint rax=HIGH8(RAX, 0xa1)
	writes	OPERAND, db, 0x11
	emulate	xchg [OPERAND + 8], bx
	checkpoint rbx=LOW16(RBX, 0xb2b1)
	writes	OPERAND + 8, dw, 0x2222
	emulate	lock xchg [OPERAND + 16], ecx
	checkpoint rcx=0xc4c3c2c1
	writes	OPERAND + 16, dd, 0x33333333
%if BITS == 64
	emulate	xchg [OPERAND + 24], rdx
	checkpoint rdx=0xd8d7d6d5d4d3d2d1
	writes	OPERAND + 24, dq, REG_RDX
%endif

case xchg_registers, "XCHG of registers, in the short encoding too"
	ref	"SDM 2 XCHG", "APM 3 XCHG"
	any_ring
	given	rax=0x12345678, rbx=0x9abcdef0
	emulate	xchg al, bh
	checkpoint rax=0x123456de, rbx=0x9abc78f0
	emulate	xchg ax, bx
	checkpoint rax=0x123478f0, rbx=0x9abc56de
	emulate	xchg eax, edx
	checkpoint rax=0x44444444, rdx=0x123478f0
%if BITS == 64
	emulate	xchg r8, r9
	checkpoint r8=REG_R9, r9=REG_R8
%endif

case xadd, "XADD stores the sum and gives back the old value, with ADD's flags"
	ref	"SDM 2 XADD", "APM 3 XADD"
	any_ring
	operand	dq, 0xef, 0x7fff, 0x80000000, 0xbbbbbbbbbbbbbbbc
	emulate	xadd [OPERAND], al
	checkpoint status=CF | PF | AF | ZF, rax=LOW8(RAX, 0xef)
	writes	OPERAND, db, 0
	emulate	xadd [OPERAND + 8], bx
	checkpoint status=PF | AF | SF | OF, rbx=LOW16(RBX, 0x7fff)
	writes	OPERAND + 8, dw, 0xa221
	emulate	lock xadd [OPERAND + 16], ecx
	checkpoint status=PF | SF, rcx=0x80000000
	writes	OPERAND + 16, dd, 0xb3333333
%if BITS == 64
	emulate	xadd [OPERAND + 24], rdx
	checkpoint status=CF | PF | AF | ZF, rdx=0xbbbbbbbbbbbbbbbc
	writes	OPERAND + 24, dq, 0
%endif

case xadd_registers, "XADD of a register with itself doubles it"
	ref	"SDM 2 XADD", "APM 3 XADD"
	any_ring
	emulate	xadd eax, eax
	checkpoint status=PF, rax=0x22222222
	emulate	xadd ch, cl
	checkpoint status=PF, rcx=HIGH8(RCX, 0x66)
	emulate	xadd ebx, edx
	checkpoint status=PF, rbx=0x66666666, rdx=0x22222222

case cmpxchg_equal, "CMPXCHG that finds the accumulator's value stores the source and leaves RAX"
	ref	"SDM 2 CMPXCHG", "APM 3 CMPXCHG"
	any_ring
	operand	dq, 0x11, 0x1111, 0x11111111, 0x1111111111111111
	emulate	cmpxchg [OPERAND], bl
	checkpoint status=PF | ZF
	writes	OPERAND, db, 0x22
	emulate	cmpxchg [OPERAND + 8], cx
	checkpoint status=PF | ZF
	writes	OPERAND + 8, dw, 0x3333
	emulate	lock cmpxchg [OPERAND + 16], edx
	checkpoint status=PF | ZF
	writes	OPERAND + 16, dd, 0x44444444
%if BITS == 64
	emulate	lock cmpxchg [OPERAND + 24], r15
	checkpoint status=PF | ZF
	writes	OPERAND + 24, dq, REG_R15
%endif

case cmpxchg_different, "CMPXCHG that finds another value loads it, with the flags of CMP"
	ref	"SDM 2 CMPXCHG", "APM 3 CMPXCHG"
	any_ring
	operand	dq, 0x12, 0x0fef, 0x91111112, 0xf111111111111111
	emulate	cmpxchg [OPERAND], bl
	checkpoint status=CF | PF | AF | SF, rax=LOW8(RAX, 0x12)
	emulate	cmpxchg [OPERAND + 8], cx
	checkpoint status=AF, rax=LOW16(RAX, 0x0fef)
	emulate	lock cmpxchg [OPERAND + 16], edx
	checkpoint status=CF | PF, rax=0x91111112
%if BITS == 64
	mov	rax, 0x1111111111111111
	emulate	lock cmpxchg [OPERAND + 24], rbx
	checkpoint status=CF | PF, rax=0xf111111111111111
%endif

case cmpxchg_registers, "CMPXCHG of registers"
	ref	"SDM 2 CMPXCHG", "APM 3 CMPXCHG"
	any_ring
	given	rbx=0x11111111
	emulate	cmpxchg ebx, ecx
	checkpoint status=PF | ZF, rbx=0x33333333
	emulate	cmpxchg dl, cl
	checkpoint status=CF | AF | SF, rax=LOW8(RAX, 0x44)

case cmpxchg8b_equal, "CMPXCHG8B that finds EDX:EAX stores ECX:EBX and sets ZF, no other flag"
	ref	"SDM 2 CMPXCHG8B/CMPXCHG16B", "APM 3 CMPXCHG8B"
	any_ring
	need	cx8
	operand	dq, 0x4444444411111111, 0x4444444411111111
	given	set=CF | OF
	emulate	cmpxchg8b [OPERAND]
	checkpoint set=ZF
	writes	OPERAND, dq, 0x3333333322222222
	emulate	lock cmpxchg8b [OPERAND + 8]
	checkpoint
	writes	OPERAND + 8, dq, 0x3333333322222222

case cmpxchg8b_different, "CMPXCHG8B that finds another value loads EDX:EAX and clears ZF"
	ref	"SDM 2 CMPXCHG8B/CMPXCHG16B", "APM 3 CMPXCHG8B"
	any_ring
	need	cx8
	operand	dq, 0x4444444511111111, 0x8877665544332211
	given	set=ZF | SF
	emulate	cmpxchg8b [OPERAND]
	checkpoint clear=ZF, rax=0x11111111, rdx=0x44444445
	emulate	lock cmpxchg8b [OPERAND + 8]
	checkpoint rax=0x44332211, rdx=0x88776655

case cmpxchg8b_register, "CMPXCHG8B of a register is an invalid opcode"
	ref	"SDM 2 CMPXCHG8B/CMPXCHG16B", "APM 3 CMPXCHG8B"
	any_ring
	need	cx8
	emulate	db 0x0f, 0xc7, 0xc8
	expect	exception, vector=VEC_UD, rip=EMULATED

%if BITS == 64
case cmpxchg16b_equal, "CMPXCHG16B that finds RDX:RAX stores RCX:RBX"
	ref	"SDM 2 CMPXCHG8B/CMPXCHG16B", "APM 3 CMPXCHG16B"
	any_ring
	need	cmpxchg16b
	operand	dq, 0x1111111111111111, 0x4444444444444444
	given	set=CF | OF
	emulate	lock cmpxchg16b [OPERAND]
	checkpoint set=ZF
	writes	OPERAND, dq, REG_RBX, REG_RCX

case cmpxchg16b_different, "CMPXCHG16B that finds another value loads RDX:RAX"
	ref	"SDM 2 CMPXCHG8B/CMPXCHG16B", "APM 3 CMPXCHG16B"
	any_ring
	need	cmpxchg16b
	operand	dq, 0, 0, 0x1111111111111111, 0x5444444444444444
	given	set=ZF
	emulate	lock cmpxchg16b [OPERAND + 16]
	checkpoint clear=ZF, rdx=0x5444444444444444

case cmpxchg16b_misaligned, "CMPXCHG16B wants its operand on a 16-byte boundary"
	ref	"SDM 2 CMPXCHG8B/CMPXCHG16B", "APM 3 CMPXCHG16B"
	any_ring
	need	cmpxchg16b
	operand	dq, 0, 0x1111111111111111, 0x4444444444444444
	emulate	cmpxchg16b [OPERAND + 8]
	expect	exception, vector=VEC_GP, error=0, rip=EMULATED
%endif

case lock_allowed, "LOCK is allowed where memory is read, changed and written"
	ref	"SDM 2 LOCK", "APM 3 1.2.5"
	any_ring
	operand	dd, 0x10, 0x11, 0x12, 0x13, 0x80
	emulate	lock add dword [OPERAND], byte 1
	checkpoint status=PF
	writes	OPERAND, dd, 0x11
	emulate	lock dec dword [OPERAND + 4]
	checkpoint status=0
	writes	OPERAND + 4, dd, 0x10
	emulate	lock not byte [OPERAND + 8]
	checkpoint
	writes	OPERAND + 8, db, 0xed
	emulate	lock neg word [OPERAND + 12]
	checkpoint status=CF | PF | AF | SF
	writes	OPERAND + 12, dw, 0xffed
	emulate	lock btr dword [OPERAND + 16], 7
	checkpoint status=CF, undefined=OF | SF | ZF | AF | PF
	writes	OPERAND + 16, dd, 0

; is_invalid BYTES: an instruction with LOCK that may not have it
%macro is_invalid 1+.nolist
	emulate	db 0xf0, %1
	expect	exception, vector=VEC_UD, rip=EMULATED
%endmacro

case lock_register, "LOCK is invalid when the destination is a register"
	ref	"SDM 2 LOCK", "APM 3 1.2.5"
	any_ring
	is_invalid 0x01, 0xd8			; add eax, ebx
	is_invalid 0x83, 0xc0, 0x01		; add eax, 1
	is_invalid 0x87, 0xd8			; xchg eax, ebx
	is_invalid 0x0f, 0xc1, 0xd8		; xadd eax, ebx
	is_invalid 0xf7, 0xd8			; neg eax

case lock_no_write, "LOCK is invalid when memory is not changed, or not read"
	ref	"SDM 2 LOCK", "APM 3 1.2.5"
	any_ring
	operand	dd, 0x12345678
	given	rax=1, rbx=OPERAND, rdi=OPERAND	; in 16-bit code [rdi] is [bx]
	is_invalid 0x03, 0x07			; add eax, [rdi]
	is_invalid 0x89, 0x07			; mov [rdi], eax
	is_invalid 0x39, 0x07			; cmp [rdi], eax
	is_invalid 0x85, 0x07			; test [rdi], eax
	is_invalid 0x83, 0x3f, 0x01		; cmp dword [rdi], 1
	is_invalid 0x0f, 0xa3, 0x07		; bt [rdi], eax
	is_invalid 0xd1, 0x27			; shl dword [rdi], 1
	is_invalid 0x90				; nop

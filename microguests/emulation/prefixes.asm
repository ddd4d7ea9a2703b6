; SPDX-License-Identifier: GPL-2.0-only
; Prefixes: sizes, segments, LOCK, repeats, REX and its place; the longest
; instruction there is.
%include "microguest.inc"
modes real16, prot16, prot32, compat32, long64, vm86
%include "emulate.inc"

%macro ud 0.nolist
	expect	exception, vector=VEC_UD, rip=EMULATED
%endmacro

case bytes_15, "an instruction of 15 bytes is executed"
	ref	"SDM 2 2.3.11", "APM 3 1.1"
	emulate	times 13 db 0x3e
	inc	cl
	checkpoint rcx=LOW8(RCX, 0x34)

case bytes_16, "an instruction of 16 bytes is #GP(0)"
	ref	"SDM 2 2.3.11", "APM 3 1.1"
	emulate	times 14 db 0x3e
	inc	cl
%if MODE_NUMBER == MODE_REAL16
	expect	exception, vector=VEC_GP, rip=EMULATED
%else
	expect	exception, vector=VEC_GP, error=0, rip=EMULATED
%endif

case operand_size_twice, "a prefix given twice counts once"
	ref	"SDM 2 2.1.1", "APM 3 1.2"
	emulate	db 0x66, 0x66
%if BITS == 16
	db	0xb8
	dd	0x12345678
	checkpoint rax=0x12345678
%else
	db	0xb8
	dw	0x5678
	checkpoint rax=LOW16(RAX, 0x5678)
%endif

case address_size, "an address-size prefix takes the address from registers of the other size"
	ref	"SDM 2 2.1.1", "APM 3 1.2.3"
	memory	SCRATCH + 0x24, db, 0x9a
%if BITS == 64
	given	rbx=0xabcdef0100000000 + SCRATCH, rsi=0xffffffff00000004
	emulate	mov al, [ebx + esi + 0x20]
%elif BITS == 32
	given	rbx=0xabcd0000 + SCRATCH, rsi=0xffff0004
	emulate	mov al, [bx + si + 0x20]
%else
	given	rbx=SCRATCH, rsi=4
	emulate	mov al, [ebx + esi + 0x20]
%endif
	checkpoint rax=LOW8(RAX, 0x9a)

case address_wrap, "an address wraps at the address size"
	ref	"SDM 1 3.3.7", "APM 1 2.2"
	memory	SCRATCH, db, 0x57
%if BITS == 64
	given	rbx=0xffffffffffffffff
	emulate	mov al, [rbx + SCRATCH + 1]
%elif BITS == 32
	given	rbx=0xffffffff
	emulate	mov al, [ebx + SCRATCH + 1]
%else
	given	rbx=0xffff
	emulate	mov al, [bx + SCRATCH + 1]
%endif
	checkpoint rax=LOW8(RAX, 0x57)

%if REAL
	%define BASE(offset) ((offset) >> 4)
case segment_overrides, "each segment override uses the base of its segment"
	ref	"SDM 2 2.1.1", "APM 3 1.2.4"
	given	es=BASE(SCRATCH), fs=BASE(SCRATCH + 0x100), gs=BASE(SCRATCH + 0x200), ss=BASE(STACK), ds=BASE(SCRATCH + 0x300)
%else
case segment_overrides, "each segment override uses the base of its segment, in 64-bit mode FS and GS only"
	ref	"SDM 2 2.1.1", "APM 3 1.2.4"
	given	es_base=SCRATCH, fs_base=SCRATCH + 0x100, gs_base=SCRATCH + 0x200, ds_base=SCRATCH + 0x300
%endif
	memory	SCRATCH + 0x10, db, 0x11
	memory	SCRATCH + 0x110, db, 0x22
	memory	SCRATCH + 0x210, db, 0x33
	memory	SCRATCH + 0x310, db, 0x44
%if BITS == 64
	given	rbx=0x10, rbp=SCRATCH + 0x310
	emulate	mov al, [fs:rbx]
	emulate	mov ah, [gs:rbx]
	emulate	db 0x26
	mov	cl, [rbp]
	emulate	db 0x36
	mov	ch, [rbp]
	checkpoint rax=(REG_RAX & ~0xffff) | 0x3322, rcx=(REG_RCX & ~0xffff) | 0x4444
%else
	given	rbx=0x10
	emulate	mov al, [fs:bx]
	emulate	mov ah, [gs:bx]
	emulate	mov cl, [es:bx]
	emulate	mov ch, [bx]
	checkpoint rax=(REG_RAX & ~0xffff) | 0x3322, rcx=(REG_RCX & ~0xffff) | 0x4411
%endif

; ---- LOCK ---------------------------------------------------------------------------

case lock, "LOCK before an instruction that may have it changes nothing else"
	ref	"SDM 2 LOCK", "APM 3 1.2.5"
	operand	dd, 0x10203040
	emulate	lock add byte [OPERAND], 2
	checkpoint status=PF
	writes	OPERAND, dd, 0x10203042

; lock_misuse NAME, TEXT, BYTES
%macro lock_misuse 3+.nolist
case lock_%1, %2
	ref	"SDM 2 LOCK", "APM 3 1.2.5"
	emulate	db 0xf0, %3
	ud
%endmacro
lock_misuse register, "LOCK ADD of a register is #UD", 0x00, 0xc0
lock_misuse mov, "LOCK MOV of memory is #UD", 0x88, 0x07
lock_misuse cmp, "LOCK CMP, which writes nothing, is #UD", 0x80, 0x3f, 0x01
lock_misuse load, "LOCK ADD with a memory source is #UD", 0x02, 0x07
lock_misuse nop, "LOCK NOP is #UD", 0x90
lock_misuse bt, "LOCK BT is #UD", 0x0f, 0xa3, 0x07

; ---- repeats -----------------------------------------------------------------------------

case rep_ignored, "REP and REPNE before another instruction than a string one are ignored"
	ref	"SDM 2 REP", "APM 3 1.2.6"
	emulate	db 0xf3
	inc	cl
	emulate	db 0xf2
	inc	cl
	emulate	db 0xf3, 0x90
	checkpoint rcx=LOW8(RCX, 0x35), status=PF

%if BITS == 64
; ---- REX -----------------------------------------------------------------------------------

case rex_before_prefix, "REX counts directly before the opcode only"
	ref	"SDM 2 2.2.1", "APM 3 1.2.7"
	emulate	db 0x48, 0x66, 0xb8
	dw	0x5678
	checkpoint rax=LOW16(RAX, 0x5678)

case rex_last, "of two REX prefixes the last one counts"
	ref	"SDM 2 2.2.1", "APM 3 1.2.7"
	emulate	db 0x48, 0x41, 0xb8
	dd	0x89abcdef
	checkpoint r8=0x89abcdef

case rex_w_over_66, "REX.W goes before the operand-size prefix"
	ref	"SDM 2 2.2.1.2", "APM 3 1.2.7"
	emulate	db 0x66, 0x48, 0xb8
	dq	0x1234567889abcdef
	checkpoint rax=0x1234567889abcdef

case rex_low_bytes, "with any REX the byte registers 4 to 7 are SPL, BPL, SIL and DIL"
	ref	"SDM 2 2.2.1.2", "APM 3 1.2.7"
	emulate	db 0x40, 0xb6, 0x5a
	emulate	db 0xb6, 0xa5
	checkpoint rsi=LOW8(RSI, 0x5a), rdx=HIGH8(RDX, 0xa5)

case rex_b_nop, "90h with REX.B exchanges R8 with RAX, with REX.W alone it is NOP"
	ref	"SDM 2 XCHG", "SDM 2 NOP", "APM 3 NOP"
	emulate	db 0x48, 0x90
	emulate	db 0x49, 0x90
	checkpoint rax=REG_R8, r8=REG_RAX

case nop_keeps_rax, "NOP leaves the high half of RAX"
	ref	"SDM 2 NOP", "APM 3 NOP"
	emulate	nop
	checkpoint
%endif

; SPDX-License-Identifier: GPL-2.0-only
; MOV in all its directions and widths, and how a memory operand is addressed.
%include "microguest.inc"
modes real16, prot16, prot32, paged32, pae32, compat32, long64, vm86
%include "emulate.inc"

; nasm wants a symbol for a RIP-relative address: the image's first byte, at TEXT.
text_begin:
%define RIP_OPERAND rel text_begin + (OPERAND - TEXT)

case store_registers, "MOV to memory writes exactly the operand's width"
	ref	"SDM 2 MOV", "APM 3 MOV"
	any_ring
	operand	dq, -1, -1, -1, -1
	emulate	mov [OPERAND + 1], bl
	checkpoint
	writes	OPERAND + 1, db, 0x22
	emulate	mov [OPERAND + 8], cx
	checkpoint
	writes	OPERAND + 8, dw, 0x3333
	emulate	mov [OPERAND + 16], edx
	checkpoint
	writes	OPERAND + 16, dd, 0x44444444
%if BITS == 64
	emulate	mov [OPERAND + 24], r15
	checkpoint
	writes	OPERAND + 24, dq, REG_R15
%endif

case load_registers, \
	"MOV from memory keeps what is above 8 and 16 bits, and clears what is above 32"
	ref	"SDM 2 MOV", "SDM 1 3.4.1.1", "APM 3 MOV"
	any_ring
	operand	dq, 0xf1e2d3c4b5a69788
	emulate	mov bl, [OPERAND]
	checkpoint rbx=LOW8(RBX, 0x88)
	emulate	mov cx, [OPERAND]
	checkpoint rcx=LOW16(RCX, 0x9788)
	emulate	mov edx, [OPERAND]
	checkpoint rdx=0xb5a69788
%if BITS == 64
	emulate	mov r9, [OPERAND]
	checkpoint r9=0xf1e2d3c4b5a69788
	emulate	mov r10d, [OPERAND]
	checkpoint r10=0xb5a69788
%endif

case high_bytes, "AH, CH, DH and BH are bits 15:8 as source and as destination"
	ref	"SDM 1 3.4.1", "APM 1 2.1"
	any_ring
	operand	db, 0xe1, 0xe2
	given	rax=0x12345678, rbx=0x9abcdef0, rcx=0x0fedcba9, rdx=0x87654321
	emulate	mov ah, [OPERAND]
	checkpoint rax=0x1234e178
	emulate	mov bh, [OPERAND + 1]
	checkpoint rbx=0x9abce2f0
	emulate	mov [OPERAND + 2], ch
	checkpoint
	writes	OPERAND + 2, db, 0xcb
	emulate	mov [OPERAND + 3], dh
	checkpoint
	writes	OPERAND + 3, db, 0x43
	emulate	mov dh, ch
	checkpoint rdx=0x8765cb21

case store_immediate, "MOV of an immediate to memory: 8, 16 and 32 bits, and 32 sign-extended to 64"
	ref	"SDM 2 MOV", "APM 3 MOV"
	any_ring
	operand	dq, 0x5555555555555555, 0x5555555555555555, 0x5555555555555555
	emulate	mov byte [OPERAND], 0xa1
	checkpoint
	writes	OPERAND, db, 0xa1
	emulate	mov word [OPERAND + 2], 0xb2a1
	checkpoint
	writes	OPERAND + 2, dw, 0xb2a1
	emulate	mov dword [OPERAND + 8], 0xd4c3b2a1
	checkpoint
	writes	OPERAND + 8, dd, 0xd4c3b2a1
%if BITS == 64
	emulate	mov qword [OPERAND + 16], -0x2c3b2a1f
	checkpoint
	writes	OPERAND + 16, dq, 0xffffffffd3c4d5e1
%endif

case moffs, "MOV between the accumulator and an offset without ModRM"
	ref	"SDM 2 MOV", "SDM 1 3.7.7.1", "APM 3 MOV"
	any_ring
	operand	dq, 0x8877665544332211, 0
	given	rax=0xf0e0d0c0
%if BITS == 64
	%define moffs(offset) qword offset
%else
	%define moffs(offset) offset
%endif
	emulate	mov al, [moffs(OPERAND)]
	checkpoint rax=0xf0e0d011
	emulate	mov ax, [moffs(OPERAND + 1)]
	checkpoint rax=0xf0e03322
	emulate	mov eax, [moffs(OPERAND + 2)]
	checkpoint rax=0x66554433
	emulate	mov [moffs(OPERAND + 8)], al
	checkpoint
	writes	OPERAND + 8, db, 0x33
	emulate	mov [moffs(OPERAND + 10)], ax
	checkpoint
	writes	OPERAND + 10, dw, 0x4433
	emulate	mov [moffs(OPERAND + 12)], eax
	checkpoint
	writes	OPERAND + 12, dd, 0x66554433
%if BITS == 64
	emulate	mov rax, [qword OPERAND]
	checkpoint rax=0x8877665544332211
	emulate	mov [qword OPERAND + 16], rax
	checkpoint
	writes	OPERAND + 16, dq, 0x8877665544332211
%endif

case moffs_address_size, "the address-size prefix changes the length of the offset"
	ref	"SDM 2 2.1.1", "SDM 2 2.2.1.3", "APM 3 1.2.3"
	any_ring
	operand	dd, 0x87654321
%if BITS == 32
	emulate	db 0x67, 0xa1, OPERAND & 0xff, OPERAND >> 8
%elif BITS == 16
	emulate	db 0x66, 0x67, 0xa1, OPERAND & 0xff, OPERAND >> 8, 0, 0
%else
	emulate	db 0x67, 0xa1, OPERAND & 0xff, OPERAND >> 8, 0, 0
%endif
	checkpoint rax=0x87654321

case registers, "MOV between registers in both encodings"
	ref	"SDM 2 MOV", "APM 3 MOV"
	any_ring
	emulate	db 0x88, 0xd8			; mov al, bl
	checkpoint rax=LOW8(RAX, 0x22)
	emulate	db 0x8a, 0xec			; mov ch, ah
	checkpoint rcx=HIGH8(RCX, 0x11)
%if BITS == 16
	emulate	db 0x89, 0xf2			; mov dx, si
	checkpoint rdx=LOW16(RDX, 0x5555)
	emulate	db 0x66, 0x8b, 0xfd		; mov edi, ebp
%else
	emulate	db 0x66, 0x89, 0xf2
	checkpoint rdx=LOW16(RDX, 0x5555)
	emulate	db 0x8b, 0xfd
%endif
	checkpoint rdi=0x88888888

case immediates, "MOV of immediates to registers: 8, 16, 32 bits, 32 sign-extended, and all 64"
	ref	"SDM 2 MOV", "APM 3 MOV"
	any_ring
	emulate	mov dh, 0x9c
	checkpoint rdx=HIGH8(RDX, 0x9c)
	emulate	mov si, 0x8123
	checkpoint rsi=LOW16(RSI, 0x8123)
	emulate	mov edi, 0x81234567
	checkpoint rdi=0x81234567
%if BITS == 64
	emulate	mov rax, strict dword -0x789abcdf
	checkpoint rax=0xffffffff87654321
	emulate	mov rbx, strict qword 0x1122334455667788
	checkpoint rbx=0x1122334455667788
	emulate	mov r13, strict qword 0xffeeddccbbaa9988
	checkpoint r13=0xffeeddccbbaa9988
%endif

case segment_registers, "MOV from a segment register: 16 bits to memory, zero-extended to registers"
	ref	"SDM 2 MOV", "APM 3 MOV"
	any_ring
	operand	dq, -1
%if REAL
	given	fs=0x1a58
%else
	given	fs=0x1a58, fs_base=0, fs_limit=0xffff, fs_ar=AR_DATA16
%endif
	emulate	mov [OPERAND], fs
	checkpoint
	writes	OPERAND, dw, 0x1a58
	emulate	o32 mov [OPERAND + 4], fs
	checkpoint
	writes	OPERAND + 4, dw, 0x1a58
	emulate	mov cx, fs
	checkpoint rcx=LOW16(RCX, 0x1a58)
	emulate	mov edx, fs
	checkpoint rdx=0x1a58
%if BITS == 64
	emulate	mov r11, fs
	checkpoint r11=0x1a58
%endif

case segment_override, "a segment prefix adds that segment's base"
	ref	"SDM 1 3.7.4", "SDM 2 2.1.1", "APM 3 1.2.4"
	any_ring
	operand	dd, 0x600dd00d
	segment_base fs, 0x1000
	segment_base gs, 0x2000
	emulate	mov eax, [fs:OPERAND - 0x1000]
	checkpoint rax=0x600dd00d
	emulate	mov ecx, [gs:OPERAND - 0x2000]
	checkpoint rcx=0x600dd00d
	emulate	mov [fs:OPERAND - 0x1000 + 4], al
	checkpoint
	writes	OPERAND + 4, db, 0x0d

%if BITS == 64
case data_bases_ignored, "64-bit mode takes the bases of DS, ES and SS as 0"
	ref	"SDM 1 3.4.4", "SDM 3 3.2.4", "APM 2 4.5.3", "APM 2 4.8.2"
	any_ring
	operand	dd, 0x0badcafe
	given	ds_base=0x1000, es_base=0x2000, rbp=OPERAND
	emulate	mov eax, [OPERAND]
	checkpoint rax=0x0badcafe
	; mov ecx, [es:OPERAND]
	emulate	db 0x26, 0x8b, 0x0c, 0x25, OPERAND & 0xff, OPERAND >> 8, 0, 0
	checkpoint rcx=0x0badcafe
	emulate	mov edx, [rbp]
	checkpoint rdx=0x0badcafe
%else
case stack_segment_default, \
	"addresses based on BP, EBP or ESP use SS unless a prefix says otherwise"
	ref	"SDM 1 3.7.4", "APM 3 1.2.4"
	any_ring
	operand	dd, 0x55555551, 0x55555552
	memory	OPERAND - 0x2000, dd, 0xdddddddd, 0xdddddddd, 0xdddddddd
	segment_base ss, 0x2000
	given	rbp=OPERAND - 0x2000, rsp=OPERAND - 0x2000
	emulate	mov eax, [bp + 4]
	checkpoint rax=0x55555552
	emulate	mov ecx, [ebp]
	checkpoint rcx=0x55555551
	emulate	mov edx, [esp]
	checkpoint rdx=0x55555551
	emulate	mov ebx, [ds:ebp]
	checkpoint rbx=0xdddddddd
	emulate	mov [ebp + 8], bl
	checkpoint
	writes	OPERAND + 8, db, 0xdd
	; as an index EBP does not count
	emulate	mov esi, [ebp * 4 - 3 * (OPERAND - 0x2000)]
	checkpoint rsi=0xdddddddd
%endif

case sib, "base, scaled index and displacements, negative ones too"
	ref	"SDM 2 2.1.5", "APM 3 1.4.3"
	any_ring
	operand	dd, 0x01010101, 0x02020202, 0x03030303
	given	rbx=OPERAND - 0x100, rsi=0x40, rdi=OPERAND + 0x84, rcx=-0x20 & 0xffffffff
	emulate	mov eax, [ebx + esi * 4]
	checkpoint rax=0x01010101
	emulate	mov eax, [edi - 0x80]
	checkpoint rax=0x02020202
	emulate	mov eax, [ebx + esi * 2 + 0x88]
	checkpoint rax=0x03030303
	emulate	mov eax, [edi + ecx * 4]
	checkpoint rax=0x02020202
	emulate	mov eax, [esi * 8 + OPERAND - 0x200]
	checkpoint rax=0x01010101

case address_wraps, "an effective address is cut to the address size"
	ref	"SDM 1 3.7.5", "SDM 1 3.3.7", "APM 1 2.2.4"
	any_ring
	operand	dd, 0x5a5b5c5d
%if BITS == 64
	given	rbx=0x1234567800000000 + OPERAND, rcx=0xffffffff
	emulate	mov eax, [ebx]
	checkpoint rax=0x5a5b5c5d
	emulate	mov edx, [ebx + ecx + 1]
	checkpoint rdx=0x5a5b5c5d
%else
	given	rbx=0x5432f000, rsi=0x9876e000
	emulate	mov eax, [bx + si]
	checkpoint rax=0x5a5b5c5d
	emulate	mov edx, [bx + OPERAND - 0xf000]
	checkpoint rdx=0x5a5b5c5d
	emulate	mov ecx, [ebx - 0x5432f000 + OPERAND]
	checkpoint rcx=0x5a5b5c5d
%endif

case over_the_edge, "an access that begins on the page before the operand's is put together of both"
	ref	"SDM 3 8.1.1", "APM 2 7.3.2"
	any_ring
	operand	dd, 0x88776655
	memory	OPERAND - 2, dw, 0x4433
	emulate	mov eax, [OPERAND - 2]
	checkpoint rax=0x66554433
	emulate	mov [OPERAND - 1], ecx
	checkpoint
	writes	OPERAND - 1, dd, 0x33333333
%if BITS == 64
	emulate	mov rdx, [OPERAND - 2]
	checkpoint rdx=0x0000883333333333
	emulate	mov [OPERAND - 7], r15
	checkpoint
	writes	OPERAND - 7, dq, REG_R15
%endif

case nop, "NOP changes nothing, not even the upper half of RAX"
	ref	"SDM 2 NOP", "SDM 2 XCHG", "APM 3 NOP"
	any_ring
	emulate	db 0x90
	checkpoint
	emulate	db 0x0f, 0x1f, 0x00		; its operand is not accessed
	checkpoint
%if BITS == 64
	emulate	db 0x48, 0x90			; xchg rax, rax
	checkpoint
	emulate	db 0x41, 0x90			; xchg eax, r8d
	checkpoint rax=0x99999999, r8=0x11111111
	emulate	db 0x87, 0xc9			; xchg ecx, ecx
	checkpoint rcx=0x33333333
%endif

case lea, "LEA stores the effective address, cut to the address size, then to the operand size"
	ref	"SDM 2 LEA", "APM 3 LEA"
	any_ring
	given	rbx=0x8765f000, rsi=0x4321e001
	emulate	lea eax, [ebx + esi * 2 - 1]
	checkpoint rax=0x0da9b001
	emulate	lea cx, [ebx + esi]
	checkpoint rcx=LOW16(RCX, 0xd001)
%if BITS == 64
	emulate	lea rdx, [rbx + rsi]
	checkpoint rdx=0xca87d001
	emulate	lea rdi, [ebx + ebx]
	checkpoint rdi=0x0ecbe000
	emulate	lea r8, [rel $ + 0x100]
	checkpoint r8=EMULATED + 0x100
	emulate	lea r9d, [rbx + rbx * 8]
	checkpoint r9=0xc2957000
%else
	emulate	lea edx, [bx + si]
	checkpoint rdx=0xd001
%endif

case lea_register, "LEA of a register is an invalid opcode"
	ref	"SDM 2 LEA", "APM 3 LEA"
	any_ring
	emulate	db 0x8d, 0xc1
	expect	exception, vector=VEC_UD, rip=EMULATED

case xlat, "XLAT adds AL to the base register and loads AL, from DS or as a prefix says"
	ref	"SDM 2 XLAT", "APM 3 XLAT"
	any_ring
	operand	db, 0x10, 0x11, 0x12
	memory	OPERAND + 0xf1, db, 0x77
	segment_base fs, 0x1000
	given	rax=0x12345602, rbx=OPERAND
	emulate	xlatb
	checkpoint rax=0x12345612
	mov	al, 0xf1
	emulate	a32 xlatb
	checkpoint rax=0x12345677
	mov	al, 1
	mov	bx, OPERAND - 0x1000
	emulate	fs xlatb
	checkpoint rax=0x12345611, rbx=OPERAND - 0x1000

%if BITS == 64
case rex_bytes, "with REX, SPL BPL SIL and DIL take the place of AH CH DH and BH"
	ref	"SDM 2 2.2.1.2", "APM 3 1.2.7"
	any_ring
	operand	db, 0xb1, 0xb2, 0xb3, 0xb4, 0xff, 0
	emulate	mov sil, [OPERAND]
	checkpoint rsi=LOW8(RSI, 0xb1)
	emulate	mov dil, [OPERAND + 1]
	checkpoint rdi=LOW8(RDI, 0xb2)
	emulate	mov bpl, [OPERAND + 2]
	checkpoint rbp=LOW8(RBP, 0xb3)
	emulate	mov r14b, [OPERAND + 3]
	checkpoint r14=LOW8(R14, 0xb4)
	emulate	mov [OPERAND + 4], spl
	checkpoint
	writes	OPERAND + 4, db, STACK_TOP & 0xff
	emulate	mov [OPERAND + 5], bpl
	checkpoint
	writes	OPERAND + 5, db, 0xb3

case rip_relative_immediate, \
	"RIP-relative addresses count from the end of the instruction, immediate included"
	ref	"SDM 2 2.2.1.6", "APM 3 1.7.1"
	any_ring
	operand	dq, 0, 0, 0x00000000000000f0
	emulate	mov byte [RIP_OPERAND], 0x5a
	checkpoint
	writes	OPERAND, db, 0x5a
	emulate	mov word [RIP_OPERAND + 2], 0x1234
	checkpoint
	writes	OPERAND + 2, dw, 0x1234
	emulate	mov dword [RIP_OPERAND + 4], 0x12345678
	checkpoint
	writes	OPERAND + 4, dd, 0x12345678
	emulate	mov qword [RIP_OPERAND + 8], 0x12345678
	checkpoint
	writes	OPERAND + 8, dq, 0x12345678
	emulate	add dword [RIP_OPERAND + 8], byte 1
	checkpoint status=0
	writes	OPERAND + 8, dd, 0x12345679
	emulate	shl byte [RIP_OPERAND + 16], 2
	checkpoint status=CF | SF | PF, undefined=AF | OF
	writes	OPERAND + 16, db, 0xc0
	emulate	test dword [RIP_OPERAND + 8], 0x10000000
	checkpoint status=PF, undefined=AF
	emulate	imul edx, [RIP_OPERAND + 8], 0x100
	checkpoint rdx=0x34567900, status=CF | OF, undefined=SF | ZF | AF | PF
	emulate	a32 mov byte [RIP_OPERAND + 1], 0xa5
	checkpoint
	writes	OPERAND + 1, db, 0xa5
%endif

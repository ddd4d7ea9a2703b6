; SPDX-License-Identifier: GPL-2.0-only
; Single bits (BT, BTS, BTR, BTC), scans and counts, BSWAP and MOVBE.
;
; After BT and its like OF, SF, AF and PF are undefined, ZF too by APM 3.
%include "microguest.inc"
modes real16, prot16, prot32, pae32, compat32, long64
%include "emulate.inc"

%define BT_UNDEFINED OF | SF | ZF | AF | PF
%define SCAN_UNDEFINED CF | OF | SF | AF | PF

case immediate, "an immediate bit offset is taken modulo the operand's width: the address stays"
	ref	"SDM 2 BT", "SDM 2 BTS", "SDM 2 BTR", "SDM 2 BTC", "APM 3 BT"
	any_ring
	operand	dq, 0x20, 0xffff, 0x80000000, 0
	emulate	bt dword [OPERAND], 0x25
	checkpoint status=CF, undefined=BT_UNDEFINED
	emulate	bts word [OPERAND], 0xf1
	checkpoint status=0, undefined=BT_UNDEFINED
	writes	OPERAND, dw, 0x22
	emulate	btr word [OPERAND + 8], 15
	checkpoint status=CF, undefined=BT_UNDEFINED
	writes	OPERAND + 8, dw, 0x7fff
	emulate	btc dword [OPERAND + 16], 31
	checkpoint status=CF, undefined=BT_UNDEFINED
	writes	OPERAND + 16, dd, 0
	emulate	btc dword [OPERAND + 16], 0
	checkpoint status=0, undefined=BT_UNDEFINED
	writes	OPERAND + 16, dd, 1
%if BITS == 64
	emulate	bts qword [OPERAND + 24], 0x7f
	checkpoint status=0, undefined=BT_UNDEFINED
	writes	OPERAND + 24, dq, 0x8000000000000000
%endif

case offset_inside, "a register's bit offset inside the operand"
	ref	"SDM 2 BT", "SDM 2 BTS", "SDM 2 BTR", "SDM 2 BTC", "APM 3 BT"
	any_ring
	operand	dd, 0x80000001, 0
	given	rax=31, rcx=0
	emulate	bt [OPERAND], eax
	checkpoint status=CF, undefined=BT_UNDEFINED
	emulate	btr [OPERAND], ecx
	checkpoint status=CF, undefined=BT_UNDEFINED
	writes	OPERAND, dd, 0x80000000
	emulate	btc [OPERAND], cx
	checkpoint status=0, undefined=BT_UNDEFINED
	writes	OPERAND, dw, 1

case offset_beyond, "a register's bit offset reaches beyond the operand, up and down"
	ref	"SDM 2 BT", "SDM 2 3.1.1.9", "APM 3 BT"
	any_ring
	operand	dq, 0, 0x8000000000000000, 0, 0
	given	rax=100, rcx=-1 & 0xffff, rdx=-1, rsi=127, rdi=-65
	emulate	bts [OPERAND + 16], eax
	checkpoint status=0, undefined=BT_UNDEFINED
	writes	OPERAND + 28, dd, 0x10
	emulate	btr [OPERAND + 16], cx
	checkpoint status=CF, undefined=BT_UNDEFINED
	writes	OPERAND + 14, dw, 0
	mov	cx, -17
	emulate	bts [OPERAND + 16], cx
	checkpoint status=0, undefined=BT_UNDEFINED, rcx=-17 & 0xffff
	writes	OPERAND + 12, dw, 0x8000
	emulate	btc [OPERAND + 16], edx
	checkpoint status=0, undefined=BT_UNDEFINED
	writes	OPERAND + 14, dw, 0x8000
	emulate	bts [OPERAND], esi
	checkpoint status=CF, undefined=BT_UNDEFINED
%if BITS == 64
	emulate	btc [OPERAND], rsi
	checkpoint status=CF, undefined=BT_UNDEFINED
	writes	OPERAND + 14, dw, 0
	emulate	bts [OPERAND + 16], rdi
	checkpoint status=0, undefined=BT_UNDEFINED
	writes	OPERAND, dq, 0x8000000000000000
%endif

case in_registers, "in a register the bit offset is taken modulo its width, wherever it comes from"
	ref	"SDM 2 BT", "SDM 2 BTS", "SDM 2 BTR", "SDM 2 BTC", "APM 3 BT"
	any_ring
	given	rax=0x10, rcx=0xffffffe4, rdx=0
	emulate	bt eax, ecx
	checkpoint status=CF, undefined=BT_UNDEFINED
	emulate	bts edx, ecx
	checkpoint status=0, undefined=BT_UNDEFINED, rdx=0x10
	emulate	btr dx, 0x14
	checkpoint status=CF, undefined=BT_UNDEFINED, rdx=0
	emulate	btc ebx, 33
	checkpoint status=CF, undefined=BT_UNDEFINED, rbx=0x22222220
%if BITS == 64
	emulate	bts rdi, rcx
	checkpoint status=0, undefined=BT_UNDEFINED, rdi=REG_RDI | 1 << 36
%endif

case keeps_zf, "BT, BTS, BTR and BTC leave ZF alone on Intel processors"
	ref	"SDM 2 BT", "SDM 2 BTS"
	any_ring
	need	intel
	operand	dd, 1
	given	set=ZF
	emulate	bt dword [OPERAND], 0
	checkpoint status=CF | ZF, undefined=OF | SF | AF | PF
	emulate	bts dword [OPERAND], 1
	checkpoint status=ZF, undefined=OF | SF | AF | PF
	writes	OPERAND, dd, 3

case scan, "BSF and BSR give the lowest and the highest bit set"
	ref	"SDM 2 BSF", "SDM 2 BSR", "APM 3 BSF", "APM 3 BSR"
	any_ring
	operand	dq, 0x00080010, 0x8000, 0x0001000000000000
	given	set=ZF
	emulate	bsf ecx, [OPERAND]
	checkpoint clear=ZF, undefined=SCAN_UNDEFINED, rcx=4
	emulate	bsr edx, [OPERAND]
	checkpoint clear=ZF, undefined=SCAN_UNDEFINED, rdx=19
	emulate	bsf si, [OPERAND + 8]
	checkpoint clear=ZF, undefined=SCAN_UNDEFINED, rsi=LOW16(RSI, 15)
	emulate	bsr di, [OPERAND]
	checkpoint clear=ZF, undefined=SCAN_UNDEFINED, rdi=LOW16(RDI, 4)
%if BITS == 64
	emulate	bsf r8, [OPERAND + 16]
	checkpoint clear=ZF, undefined=SCAN_UNDEFINED, r8=48
	emulate	bsr r9, [OPERAND]
	checkpoint clear=ZF, undefined=SCAN_UNDEFINED, r9=19
%endif

case scan_zero, "BSF and BSR of 0 set ZF and leave the destination undefined"
	ref	"SDM 2 BSF", "SDM 2 BSR"
	any_ring
	operand	dq, 0
	emulate	bsf ecx, [OPERAND]
	checkpoint set=ZF, undefined=SCAN_UNDEFINED, undefined_reg=1 << (F_rcx - F_rax)
	emulate	bsr dx, [OPERAND]
	checkpoint set=ZF, undefined=SCAN_UNDEFINED, undefined_reg=1 << (F_rdx - F_rax)

case scan_zero_keeps, "BSF and BSR of 0 leave the destination as it was on AMD processors"
	ref	"APM 3 BSF", "APM 3 BSR"
	any_ring
	need	amd
	operand	dq, 0
	emulate	bsf cx, [OPERAND]
	checkpoint set=ZF, undefined=SCAN_UNDEFINED
%if BITS == 64
	emulate	bsr rdx, [OPERAND]
%else
	emulate	bsr edx, [OPERAND]
%endif
	checkpoint set=ZF, undefined=SCAN_UNDEFINED

case tzcnt, "TZCNT counts trailing zeros; of 0 it gives the width and sets CF"
	ref	"SDM 2 TZCNT", "APM 3 TZCNT"
	any_ring
	need	bmi1
	operand	dq, 0x00080010, 0, 1
	emulate	tzcnt ecx, [OPERAND]
	checkpoint status=0, undefined=OF | SF | AF | PF, rcx=4
	emulate	tzcnt edx, [OPERAND + 8]
	checkpoint status=CF, undefined=OF | SF | AF | PF, rdx=32
	emulate	tzcnt si, [OPERAND + 8]
	checkpoint status=CF, undefined=OF | SF | AF | PF, rsi=LOW16(RSI, 16)
	emulate	tzcnt edi, [OPERAND + 16]
	checkpoint status=ZF, undefined=OF | SF | AF | PF, rdi=0
%if BITS == 64
	emulate	tzcnt r8, [OPERAND + 8]
	checkpoint status=CF, undefined=OF | SF | AF | PF, r8=64
%endif

case lzcnt, "LZCNT counts leading zeros; of 0 it gives the width and sets CF"
	ref	"SDM 2 LZCNT", "APM 3 LZCNT"
	any_ring
	need	lzcnt
	operand	dq, 0x00080010, 0, 0x80000000
	emulate	lzcnt ecx, [OPERAND]
	checkpoint status=0, undefined=OF | SF | AF | PF, rcx=12
	emulate	lzcnt edx, [OPERAND + 8]
	checkpoint status=CF, undefined=OF | SF | AF | PF, rdx=32
	emulate	lzcnt si, [OPERAND]
	checkpoint status=0, undefined=OF | SF | AF | PF, rsi=LOW16(RSI, 11)
	emulate	lzcnt edi, [OPERAND + 16]
	checkpoint status=ZF, undefined=OF | SF | AF | PF, rdi=0
%if BITS == 64
	emulate	lzcnt r8, [OPERAND + 16]
	checkpoint status=0, undefined=OF | SF | AF | PF, r8=32
%endif

case popcnt, "POPCNT counts the bits set and clears every flag but ZF"
	ref	"SDM 2 POPCNT", "APM 3 POPCNT"
	any_ring
	need	popcnt
	operand	dq, 0xf0f08001, 0, -1
	given	set=STATUS_FLAGS
	emulate	popcnt ecx, [OPERAND]
	checkpoint status=0, rcx=10
	emulate	popcnt edx, [OPERAND + 8]
	checkpoint status=ZF, rdx=0
	emulate	popcnt si, [OPERAND]
	checkpoint status=0, rsi=LOW16(RSI, 2)
%if BITS == 64
	emulate	popcnt r8, [OPERAND + 16]
	checkpoint status=0, r8=64
%endif

case bswap, "BSWAP reverses the bytes of a register"
	ref	"SDM 2 BSWAP", "APM 3 BSWAP"
	any_ring
	given	rbx=0x12345678, set=STATUS_FLAGS
	emulate	bswap ebx
	checkpoint rbx=0x78563412
	emulate	bswap eax
	checkpoint rax=0x11111111
%if BITS == 64
	emulate	bswap r15
	checkpoint r15=0xf0debc9a78563412
%endif

case movbe, "MOVBE loads and stores with the bytes reversed"
	ref	"SDM 2 MOVBE", "APM 3 MOVBE"
	any_ring
	need	movbe
	operand	dq, 0x1122334455667788, 0, 0
	emulate	movbe ecx, [OPERAND]
	checkpoint rcx=0x88776655
	emulate	movbe dx, [OPERAND]
	checkpoint rdx=LOW16(RDX, 0x8877)
	emulate	movbe [OPERAND + 8], ecx
	checkpoint
	writes	OPERAND + 8, dd, 0x55667788
	emulate	movbe [OPERAND + 12], dx
	checkpoint
	writes	OPERAND + 12, dw, 0x7788
%if BITS == 64
	emulate	movbe r8, [OPERAND]
	checkpoint r8=0x8877665544332211
	emulate	movbe [OPERAND + 16], r15
	checkpoint
	writes	OPERAND + 16, dq, 0xf0debc9a78563412
%endif

case movbe_register, "MOVBE of a register is an invalid opcode"
	ref	"SDM 2 MOVBE", "APM 3 MOVBE"
	any_ring
	need	movbe
	emulate	db 0x0f, 0x38, 0xf0, 0xc1
	expect	exception, vector=VEC_UD, rip=EMULATED
	emulate	db 0x0f, 0x38, 0xf1, 0xc1
	expect	exception, vector=VEC_UD, rip=EMULATED

; SPDX-License-Identifier: GPL-2.0-only
; Instructions that read an MMIO operand and write it back: one read, then one write,
; both of the operand's width.
%include "microguest.inc"
modes real16, prot32, compat32, long64

; rmw ADDRESS, SIZE, READ, WRITTEN, PARAMETERS...: the exits of one instruction.
%macro rmw 4-5+.nolist
	expect	mmio_read, address=%1, size=%2, data=%3
	expect_hw mmio
	%if %0 == 4
	expect	mmio_write, address=%1, size=%2, data=%4
	expect_hw mmio
	%else
	expect	mmio_write, address=%1, size=%2, data=%4, %5
	expect_hw mmio
	%endif
%endmacro

case add_register, "ADD m16, r16 reads, adds, writes"
	ref	"SDM 2 ADD"
	given	rbx=0x0101
	add	[MMIO], bx
	rmw	MMIO, 2, 0xff00, 0x0001, status=CF
	checkpoint

case or_immediate, "OR m8, imm8"
	ref	"SDM 2 OR"
	or	byte [MMIO + 3], 0x81
	rmw	MMIO + 3, 1, 0x18, 0x99, status=SF|PF, undefined=AF
	checkpoint

case adc_immediate, "ADC m32 with a sign-extended immediate takes CF"
	ref	"SDM 2 ADC"
	given	set=CF
	adc	dword [MMIO], byte -1
	rmw	MMIO, 4, 5, 5, status=CF|AF|PF
	checkpoint

case inc_keeps_carry, "INC m8 leaves CF"
	ref	"SDM 2 INC"
	given	set=CF
	inc	byte [MMIO]
	rmw	MMIO, 1, 0x7f, 0x80, status=CF|AF|SF|OF
	checkpoint

case not_flags, "NOT m16 changes no flag"
	ref	"SDM 2 NOT"
	given	set=STATUS_FLAGS
	not	word [MMIO]
	rmw	MMIO, 2, 0x00ff, 0xff00
	checkpoint

case neg, "NEG m32"
	ref	"SDM 2 NEG"
	neg	dword [MMIO]
	rmw	MMIO, 4, 1, 0xffffffff, status=CF|PF|AF|SF
	checkpoint

case shl_by_one, "SHL m8, 1"
	ref	"SDM 2 SAL/SAR/SHL/SHR"
	shl	byte [MMIO], 1
	rmw	MMIO, 1, 0xc0, 0x80, status=CF|SF, undefined=AF
	checkpoint

case same_value, "AND that changes nothing still writes"
	ref	"SDM 2 AND"
	and	byte [MMIO], 0xff
	rmw	MMIO, 1, 0x42, 0x42, status=PF, undefined=AF
	checkpoint

case bts_immediate, "BTS m16, imm8 sets the bit and gives the old one in CF"
	ref	"SDM 2 BTS"
	bts	word [MMIO], 0x11
	rmw	MMIO, 2, 0x8000, 0x8002, status=0, undefined=OF|SF|AF|PF
	checkpoint

case btc_register, "BTC m, r reaches beyond the operand by its bit offset"
	ref	"SDM 2 BTC"
	given	rbx=33
	btc	[MMIO], ebx
	rmw	MMIO + 4, 4, 2, 0, status=CF, undefined=OF|SF|AF|PF
	checkpoint

case lock_add, "LOCK ADD reads once and writes once"
	ref	"SDM 2 LOCK", "SDM 2 ADD"
	given	rbx=1
	lock add [MMIO], ebx
	rmw	MMIO, 4, 0x0f, 0x10, status=AF
	checkpoint

case lock_dec, "LOCK DEC m16"
	ref	"SDM 2 LOCK", "SDM 2 DEC"
	lock dec word [MMIO]
	rmw	MMIO, 2, 1, 0, status=ZF|PF
	checkpoint

case xchg, "XCHG m32, r32: the read value goes to the register, the register's to MMIO"
	ref	"SDM 2 XCHG"
	given	rbx=0x01020304
	xchg	[MMIO], ebx
	rmw	MMIO, 4, 0x89abcdef, 0x01020304, rbx=0x89abcdef
	checkpoint

case xchg_byte, "XCHG m8, BH"
	ref	"SDM 2 XCHG"
	given	rbx=0x3344
	xchg	[MMIO], bh
	rmw	MMIO, 1, 0x55, 0x33, rbx=0x5544
	checkpoint

case xadd, "XADD m16, r16 writes the sum; the register gets the old value"
	ref	"SDM 2 XADD"
	given	rbx=2
	xadd	[MMIO], bx
	rmw	MMIO, 2, 0x7fff, 0x8001, rbx=0x7fff, status=AF|SF|OF
	checkpoint

case cmpxchg_equal, "CMPXCHG that finds AL writes the source"
	ref	"SDM 2 CMPXCHG"
	given	rax=0x42, rbx=0x43
	cmpxchg	[MMIO], bl
	rmw	MMIO, 1, 0x42, 0x43, status=ZF|PF
	checkpoint

case cmpxchg_different, "CMPXCHG that does not writes back what it read, and loads AL"
	ref	"SDM 2 CMPXCHG"
	given	rax=0x42, rbx=0x99
	cmpxchg	[MMIO], bl
	rmw	MMIO, 1, 0x41, 0x41, rax=0x41, status=0
	checkpoint

case lock_cmpxchg, "LOCK CMPXCHG m32, r32"
	ref	"SDM 2 CMPXCHG", "SDM 2 LOCK"
	given	rax=7, rbx=0x01020304
	lock cmpxchg [MMIO], ebx
	rmw	MMIO, 4, 7, 0x01020304, status=ZF|PF
	checkpoint

case cmpxchg8b_equal, "CMPXCHG8B that finds EDX:EAX writes ECX:EBX"
	ref	"SDM 2 CMPXCHG8B"
	need	cx8
	given	rax=1, rdx=2, rbx=3, rcx=4
	cmpxchg8b [MMIO]
	rmw	MMIO, 8, 0x0000000200000001, 0x0000000400000003, set=ZF
	checkpoint

case cmpxchg8b_different, "CMPXCHG8B that does not loads EDX:EAX and writes back what it read"
	ref	"SDM 2 CMPXCHG8B"
	need	cx8
	given	rax=1, rdx=2, rbx=3, rcx=4
	cmpxchg8b [MMIO]
	rmw	MMIO, 8, 0x8000000200000001, 0x8000000200000001, rdx=0x80000002, clear=ZF
	checkpoint

case across_hole_pages, "A read-modify-write in two pages without memory reads both, then writes both"
	ref	"SDM 2 ADD"
	add	dword [MMIO + 0xffe], 1
	rmw	MMIO + 0xffe, 4, 0x0000ffff, 0x00010000, status=AF|PF
	checkpoint

%if BITS == 64

case add_qword, "ADD m64, imm32 adds the sign-extended immediate"
	ref	"SDM 2 ADD"
	add	qword [MMIO], -1
	rmw	MMIO, 8, 0x8000000000000000, 0x7fffffffffffffff, status=CF|OF|PF
	checkpoint

case xchg_qword, "XCHG m64, r64"
	ref	"SDM 2 XCHG"
	given	r9=0x0102030405060708
	xchg	[MMIO], r9
	rmw	MMIO, 8, 0x8123456789abcdef, 0x0102030405060708, r9=0x8123456789abcdef
	checkpoint

%endif

; SPDX-License-Identifier: GPL-2.0-only
; MMIO accesses wider than general registers: 16 bytes, in as many exits as it takes.
%include "microguest.inc"
modes prot32, compat32, long64

%define LOW 0x8102030405060708
%define HIGH 0x090a0b0c0d0e0f10
%define SIXTEEN 8, 7, 6, 5, 4, 3, 2, 0x81, 0x10, 0x0f, 0x0e, 0x0d, 0x0c, 0x0b, 0x0a, 9

case movups_load, "MOVUPS reads sixteen bytes, low address first"
	ref	"SDM 2 MOVUPS"
	need	sse
	uses	sse
	movups	xmm1, [MMIO + 0x20]
	expect	mmio_read, address=MMIO + 0x20, size=16, bytes=SIXTEEN, xmm1=LOW, HIGH
	expect_hw mmio
	checkpoint

case movups_store, "MOVUPS writes sixteen bytes, low address first"
	ref	"SDM 2 MOVUPS"
	need	sse
	uses	sse
	given	xmm1=LOW, HIGH
	movups	[MMIO + 0x21], xmm1
	expect	mmio_write, address=MMIO + 0x21, size=16, bytes=SIXTEEN
	expect_hw mmio
	checkpoint

case movaps_load, "MOVAPS reads sixteen bytes at an aligned address"
	ref	"SDM 2 MOVAPS"
	need	sse
	uses	sse
	movaps	xmm7, [MMIO + 0x30]
	expect	mmio_read, address=MMIO + 0x30, size=16, bytes=SIXTEEN, xmm7=LOW, HIGH
	expect_hw mmio
	checkpoint

case movaps_misaligned, "MOVAPS at another address is #GP(0), and nothing is read"
	ref	"SDM 2 MOVAPS"
	need	sse
	uses	sse
.f:	movaps	xmm7, [MMIO + 0x38]
	expect	exception, vector=VEC_GP, error=0, rip=.f
	checkpoint

case movdqa_store, "MOVDQA writes sixteen bytes"
	ref	"SDM 2 MOVDQA"
	need	sse2
	uses	sse
	given	xmm3=LOW, HIGH
	movdqa	[MMIO], xmm3
	expect	mmio_write, address=MMIO, size=16, bytes=SIXTEEN
	expect_hw mmio
	checkpoint

case movdqu_across_pages, "MOVDQU across two pages without memory"
	ref	"SDM 2 MOVDQU"
	need	sse2
	uses	sse
	movdqu	xmm0, [MMIO + 0xff9]
	expect	mmio_read, address=MMIO + 0xff9, size=16, bytes=SIXTEEN, xmm0=LOW, HIGH
	expect_hw mmio
	checkpoint

case movdqu_from_memory, "MOVDQU with five bytes in memory and eleven in MMIO"
	ref	"SDM 2 MOVDQU"
	need	sse2
	uses	sse
	memory	MMIO - 5, db, 8, 7, 6, 5, 4
	movdqu	xmm0, [MMIO - 5]
	expect	mmio_read, address=MMIO, size=11, bytes=3, 2, 0x81, 0x10, 0x0f, 0x0e, 0x0d, 0x0c, 0x0b, 0x0a, 9, xmm0=LOW, HIGH
	expect_hw mmio
	checkpoint

case movntdq, "MOVNTDQ writes as MOVDQA does"
	ref	"SDM 2 MOVNTDQ"
	need	sse2
	uses	sse
	given	xmm3=LOW, HIGH
	movntdq	[MMIO + 0x10], xmm3
	expect	mmio_write, address=MMIO + 0x10, size=16, bytes=SIXTEEN
	expect_hw mmio
	checkpoint

%if BITS == 64

case cmpxchg16b_equal, "CMPXCHG16B that finds RDX:RAX writes RCX:RBX"
	ref	"SDM 2 CMPXCHG8B/CMPXCHG16B"
	need	cmpxchg16b
	given	rax=LOW, rdx=HIGH, rbx=0x1111, rcx=0x2222
	cmpxchg16b [MMIO]
	expect	mmio_read, address=MMIO, size=16, bytes=SIXTEEN
	expect_hw mmio
	expect	mmio_write, address=MMIO, size=16, bytes=0x11, 0x11, 0, 0, 0, 0, 0, 0, 0x22, 0x22, 0, 0, 0, 0, 0, 0, set=ZF
	expect_hw mmio
	checkpoint

case cmpxchg16b_misaligned, "CMPXCHG16B at an address not aligned to 16 is #GP(0), and nothing is read"
	ref	"SDM 2 CMPXCHG8B/CMPXCHG16B"
	need	cmpxchg16b
.f:	cmpxchg16b [MMIO + 8]
	expect	exception, vector=VEC_GP, error=0, rip=.f
	checkpoint

%endif

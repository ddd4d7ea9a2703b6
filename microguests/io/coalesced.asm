; SPDX-License-Identifier: GPL-2.0-only
; Coalesced MMIO and ports: writes to a zone go to the ring and do not exit.
%include "microguest.inc"
modes real16, long64

%define ZONE (MMIO + 0x100)
%define ZONE_SIZE 0x20
%define PORT 0x40

%macro mmio_zone 0.nolist
	ref	"KVM API 4.116"
	need	cap_coalesced_mmio
	action	coalesce, address=ZONE, size=ZONE_SIZE
%endmacro

%macro port_zone 0.nolist
	ref	"KVM API 4.116"
	need	cap_coalesced_mmio, cap_coalesced_pio
	action	coalesce, address=PORT, size=4, pio=1
%endmacro

case write, "A write to the zone is in the ring at the next exit, with address, width and data"
	mmio_zone
	mov	[ZONE + 4], bx
	checkpoint
	action	coalesced_is, address=ZONE + 4, size=2, data=REG_RBX & 0xffff
	action	coalesced_is, count=0

case order, "Writes stay in order, one entry each"
	mmio_zone
	mov	[ZONE], bl
	mov	[ZONE + 8], cl
	mov	[ZONE], dl
	checkpoint
	action	coalesced_is, address=ZONE, size=1, data=REG_RBX & 0xff
	action	coalesced_is, address=ZONE + 8, size=1, data=REG_RCX & 0xff
	action	coalesced_is, address=ZONE, size=1, data=REG_RDX & 0xff
	action	coalesced_is, count=0

case before_another_exit, "A write outside exits, and the ring has what came before it"
	mmio_zone
	mov	[ZONE], ebx
	mov	[ZONE + ZONE_SIZE], cl
	expect	mmio_write, address=ZONE + ZONE_SIZE, size=1, data=REG_RCX & 0xff
	expect_hw mmio
	action	coalesced_is, address=ZONE, size=4, data=REG_RBX & 0xffffffff
	action	coalesced_is, count=0
	checkpoint

case read, "A read of the zone exits"
	mmio_zone
	mov	bl, [ZONE]
	expect	mmio_read, address=ZONE, size=1, data=0x21, rbx=(REG_RBX & ~0xff) | 0x21
	expect_hw mmio
	action	coalesced_is, count=0
	checkpoint

case edges, "The zone's first and last bytes are in it, their neighbours are not"
	mmio_zone
	mov	[ZONE - 1], bl
	expect	mmio_write, address=ZONE - 1, size=1, data=REG_RBX & 0xff
	expect_hw mmio
	mov	[ZONE], bl
	mov	[ZONE + ZONE_SIZE - 1], cl
	mov	[ZONE + ZONE_SIZE], bl
	expect	mmio_write, address=ZONE + ZONE_SIZE, size=1, data=REG_RBX & 0xff
	expect_hw mmio
	action	coalesced_is, address=ZONE, size=1, data=REG_RBX & 0xff
	action	coalesced_is, address=ZONE + ZONE_SIZE - 1, size=1, data=REG_RCX & 0xff
	checkpoint

case across_the_end, "A write that reaches over the end of the zone exits whole"
	mmio_zone
	mov	[ZONE + ZONE_SIZE - 1], bx
	expect	mmio_write, address=ZONE + ZONE_SIZE - 1, size=2, data=REG_RBX & 0xffff
	expect_hw mmio
	action	coalesced_is, count=0
	checkpoint

case read_modify_write, "ADD in the zone: the read exits, the write does not"
	mmio_zone
	add	byte [ZONE], 1
	expect	mmio_read, address=ZONE, size=1, data=0x41, status=PF
	expect_hw mmio
	action	coalesced_is, address=ZONE, size=1, data=0x42
	checkpoint

case rep_stos, "REP STOSB: one entry an item, and no exit"
	given	rax=0x5a, rdi=ZONE, rcx=3
	mmio_zone
	rep stosb
	checkpoint rdi=ZONE + 3, rcx=0
	action	coalesced_is, address=ZONE, size=1, data=0x5a
	action	coalesced_is, address=ZONE + 1, size=1, data=0x5a
	action	coalesced_is, address=ZONE + 2, size=1, data=0x5a
	action	coalesced_is, count=0

case unregistered, "Without the zone writes exit again"
	mmio_zone
	mov	[ZONE], bl
	checkpoint
	action	coalesced_is, address=ZONE, size=1, data=REG_RBX & 0xff
	action	uncoalesce, address=ZONE, size=ZONE_SIZE
	mov	[ZONE], bl
	expect	mmio_write, address=ZONE, size=1, data=REG_RBX & 0xff
	expect_hw mmio
	action	coalesced_is, count=0
	checkpoint

case two_zones, "Writes to two zones share one ring, in order"
	mmio_zone
	action	coalesce, address=MMIO + 0x1000, size=8
	mov	[MMIO + 0x1000], bl
	mov	[ZONE], cl
	mov	[MMIO + 0x1004], dl
	checkpoint
	action	coalesced_is, address=MMIO + 0x1000, size=1, data=REG_RBX & 0xff
	action	coalesced_is, address=ZONE, size=1, data=REG_RCX & 0xff
	action	coalesced_is, address=MMIO + 0x1004, size=1, data=REG_RDX & 0xff
	action	coalesced_is, count=0

case port, "OUT to a zone of ports is in the ring, marked as such"
	given	rax=0xb1c2
	port_zone
	out	PORT, al
	out	PORT + 2, ax
	checkpoint
	expect_hw io
	action	coalesced_is, address=PORT, size=1, data=0xc2, pio=1
	action	coalesced_is, address=PORT + 2, size=2, data=0xb1c2, pio=1
	action	coalesced_is, count=0

case port_read, "IN from the zone exits"
	port_zone
	in	al, PORT
	expect	io_in, port=PORT, size=1, data=0x21, rax=(REG_RAX & ~0xff) | 0x21
	expect_hw io
	action	coalesced_is, count=0
	checkpoint

case port_outside, "OUT to the port behind the zone, or reaching over its end, exits"
	port_zone
	out	PORT + 4, al
	expect	io_out, port=PORT + 4, size=1, data=REG_RAX & 0xff
	expect_hw io
	out	PORT + 3, ax
	expect	io_out, port=PORT + 3, size=2, data=REG_RAX & 0xffff
	expect_hw io
	action	coalesced_is, count=0
	checkpoint

case port_is_not_memory, "A zone of ports leaves MMIO at the same numbers alone, and the other way round"
	port_zone
	action	coalesce, address=MMIO, size=8
	mov	dx, MMIO
	out	dx, al
	expect	io_out, port=MMIO, size=1, data=REG_RAX & 0xff, rdx=(REG_RDX & ~0xffff) | MMIO
	expect_hw io
	action	coalesced_is, count=0
	mov	[MMIO], bl
	checkpoint
	action	coalesced_is, address=MMIO, size=1, data=REG_RBX & 0xff

case rep_outs, "REP OUTSB to a coalesced port: one entry an item"
	memory	SCRATCH, db, 7, 8, 9
	given	rdx=PORT + 1, rsi=SCRATCH, rcx=3
	port_zone
	rep outsb
	checkpoint rsi=SCRATCH + 3, rcx=0
	expect_hw io
	action	coalesced_is, address=PORT + 1, size=1, data=7, pio=1
	action	coalesced_is, address=PORT + 1, size=1, data=8, pio=1
	action	coalesced_is, address=PORT + 1, size=1, data=9, pio=1
	action	coalesced_is, count=0

%if BITS == 64

case qword, "A write of eight bytes is one entry"
	mmio_zone
	mov	[ZONE + 8], rbx
	checkpoint
	action	coalesced_is, address=ZONE + 8, size=8, data=REG_RBX
	action	coalesced_is, count=0

%endif

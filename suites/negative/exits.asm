; SPDX-License-Identifier: GPL-2.0-only
; Exits that are not those the case says.
%include "goodbad.inc"
modes real16, prot32, long64

;! fail step=1 why="another exit than expected"
;! exit "io_out port=0x11 size=1 count=1*" "io_out port=0x10 size=1 count=1 data=41"
case port, "Another port"
	ref	"SDM 2 OUT"
	given	rax=0x41
	out	0x10, al
	expect	io_out, port=PICK(0x10, 0x11), size=1, data=0x41

;! fail step=1 why="another exit than expected"
;! exit "io_out port=0x10 size=2*" "io_out port=0x10 size=1 count=1 data=41"
case size, "Another size"
	ref	"SDM 2 OUT"
	given	rax=0x41
	out	0x10, al
	expect	io_out, port=0x10, size=PICK(1, 2), data=0x41

;! fail step=1 why="another exit than expected"
;! exit "io_out port=0x10 size=1*" "io_in port=0x10 size=1 count=1"
case direction, "IN where OUT is expected"
	ref	"SDM 2 OUT"
	given	rax=0x41
	good	out 0x10, al
	bad	in al, 0x10
	expect	io_out, port=0x10, size=1, data=0x41

;! fail step=1 why="another exit than expected"
;! exit "io_in port=0x10 size=1*" "io_out port=0x10 size=1 count=1 data=41"
case direction_in, "OUT where IN is expected"
	ref	"SDM 2 IN"
	given	rax=0x41
	good	in al, 0x10
	bad	out 0x10, al
	expect	io_in, port=0x10, size=1, data=0x41

;! fail step=1 why="other data than expected"
;! data 42 41
case data, "Other data than expected"
	ref	"SDM 2 OUT"
	given	rax=0x41
	out	0x10, al
	expect	io_out, port=0x10, size=1, data=PICK(0x41, 0x42)

;! fail step=1 why="other data than expected"
;! data "22 11 33 44" "44 33 22 11"
case data_bytes, "Data in another order"
	ref	"SDM 2 OUT"
	given	rax=0x11223344
	out	0x10, eax
	good	expect io_out, port=0x10, size=4, bytes=0x44, 0x33, 0x22, 0x11
	bad	expect io_out, port=0x10, size=4, bytes=0x22, 0x11, 0x33, 0x44

;! fail step=1 why="another exit than expected"
;! exit "io_out port=0x10 size=2 count=4*" "hlt*"
case fewer, "Fewer items than expected: the next exit is of another instruction"
	ref	"SDM 2 OUTS"
	given	rdx=0x10, rsi=SCRATCH, rcx=3
	rep outsw
	expect	io_out, port=0x10, size=2, count=PICK(3, 4), data=0, rsi=SCRATCH + 6, rcx=0
	hlt
	expect	hlt

;! fail step=1 why="another exit than expected|caused one more exit|the state is not"
;! * * * any optional
case more, "More items than expected, whether in one exit, in one more, or not yet there"
	ref	"SDM 2 OUTS"
	given	rdx=0x10, rsi=SCRATCH, rcx=3
	rep outsw
	expect	io_out, port=0x10, size=2, count=PICK(3, 2), data=0, rsi=SCRATCH + 6, rcx=0
	hlt
	expect	hlt

;! fail step=1 why="another exit than expected"
;! exit "io_out port=0x10 size=1*" "io_out port=0xf0 size=1 count=1*"
case missing, "An exit that does not come: the guest goes on to another one"
	ref	"SDM 2 OUT"
	good	out 0x10, al
	bad	nop
	expect	io_out, port=0x10, size=1, data=REG_RAX & 0xff
	checkpoint

;! fail step=2 why="another exit than expected"
;! exit checkpoint "io_out port=0x11 size=1 count=1*"
case extra, "An exit of an instruction between that the case does not say"
	ref	"SDM 2 OUT"
	out	0x10, al
	expect	io_out, port=0x10, size=1, data=REG_RAX & 0xff
	bad	out 0x11, al
	nop
	checkpoint

;! fail step=1 why="another exit than expected"
;! exit hlt "io_out port=0xf0 size=1 count=1*"
case hlt, "A checkpoint where HLT is expected"
	ref	"SDM 2 HLT"
	PICK(hlt, {out CHECKPOINT_PORT, al})
	expect	hlt

;! fail step=1 why="another exit than expected"
;! exit checkpoint "hlt*"
case checkpoint, "HLT where a checkpoint is expected"
	ref	"SDM 2 HLT"
	bad	hlt
	checkpoint

;! fail step=1 why="another exit than expected"
;! exit "mmio_write address=0xe004 size=4*" "mmio_write address=0xe000 size=4 data=44 33 22 11"
case mmio_address, "Another address in MMIO space"
	ref	"SDM 2 MOV"
	given	rax=0x11223344
	mov	[MMIO], eax
	expect	mmio_write, address=PICK(MMIO, MMIO + 4), size=4, data=0x11223344

;! fail step=1 why="another exit than expected"
;! exit "mmio_write address=0xe000 size=2*" "mmio_write address=0xe000 size=4 data=44 33 22 11"
case mmio_size, "A larger access to MMIO space than expected"
	ref	"SDM 2 MOV"
	given	rax=0x11223344
	mov	[MMIO], eax
	expect	mmio_write, address=MMIO, size=PICK(4, 2), data=PICK(0x11223344, 0x3344)

;! fail step=1 why="other data than expected"
;! data "44 33 22 12" "44 33 22 11"
case mmio_data, "Other data to MMIO space"
	ref	"SDM 2 MOV"
	given	rax=0x11223344
	mov	[MMIO], eax
	expect	mmio_write, address=MMIO, size=4, data=PICK(0x11223344, 0x12223344)

;! fail step=1 why="another exit than expected"
;! exit "mmio_write address=0xe000 size=2*" "mmio_read address=0xe000 size=2"
case mmio_direction, "A read where a write is expected"
	ref	"SDM 2 MOV"
	given	rax=0x3344
	PICK({mov [MMIO], ax}, {mov ax, [MMIO]})
	expect	mmio_write, address=MMIO, size=2, data=0x3344

;! fail step=1 why="one more exit: mmio_write address=0xe008 size=1 data=46"
case half_of_it, "A read-modify-write of which only the read is expected"
	ref	"SDM 2 ADD"
	given	rax=0x41
	add	[MMIO + 8], al
	expect	mmio_read, address=MMIO + 8, size=1, data=5
	good	expect mmio_write, address=MMIO + 8, size=1, data=0x46, status=0
	checkpoint

;! fail step=2 why="other data than expected"
;! data 47 46
case other_half, "A read-modify-write that writes something else than expected"
	ref	"SDM 2 ADD"
	given	rax=0x41
	add	[MMIO + 8], al
	expect	mmio_read, address=MMIO + 8, size=1, data=5
	expect	mmio_write, address=MMIO + 8, size=1, data=PICK(0x46, 0x47), status=0
	checkpoint

;! fail step=1 why="the state is not as expected"
;! rbx 0x6 0x5
case data_given, "What a read was given must be in its register"
	ref	"SDM 2 MOV"
	given	rbx=0
	mov	bl, [MMIO]
	expect	mmio_read, address=MMIO, size=1, data=5, rbx=PICK(5, 6)
	checkpoint

;! fail step=1 why="the state is not as expected"
;! rip 0x80* 0x80*
case rip_after_out, "RIP after a completed OUT counts"
	ref	"SDM 2 OUT"
	out	0x10, al
	expect	io_out, port=0x10, size=1, data=REG_RAX & 0xff, rip=PICK(.behind, .behind + 1)
.behind:
	checkpoint

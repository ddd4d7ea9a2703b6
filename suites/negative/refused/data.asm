; SPDX-License-Identifier: GPL-2.0-only
%include "goodbad.inc"
modes prot32

;! refused why="line 10: expect io_out: bytes has 3 bytes, but 2 are transferred"
case it, "Bytes that do not make up size and count"
	ref	"SDM 2 OUT"
	given	rax=0x4241
	out	0x10, ax
	expect	io_out, port=0x10, size=2, bytes=PICK(0x41, 0x40), PICK(0x42, {0x42, 0x43})

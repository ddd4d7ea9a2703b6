; SPDX-License-Identifier: GPL-2.0-only
; Cases that could lead the harness itself out of bounds: each ends with an outcome of
; its own, and the cases after it run (suites/tests/test_sequence.py).
%include "microguest.inc"
modes real16, long64

%if REAL
case frame_at_the_top, "A frame wraps round within its segment, at the top of guest memory"
	ref	"SDM 2 INT n"
	given	ss=0x1000, rsp=2
	int	0x20
	expect	exception, vector=0x20, software=1
	checkpoint
%else
case table_at_the_top, "A GDT lies at the top of the address space"
	ref	"SDM 3 3.5.1"
	checkpoint gdt_base=0xfffffffffffffff0, ds=SEL_CODE
case huge_table, "A CPUID table has room for more entries than there is memory"
	ref	"KVM api.rst, KVM_GET_CPUID2"
	action	call, text="KVM_GET_CPUID2", arg0=0xffffffff, result=0
	checkpoint
case deaf, "KVM_RUN is deaf to signals, and the guest runs away"
	ref	"KVM api.rst, KVM_SET_SIGNAL_MASK"
	action	call, text="KVM_SET_SIGNAL_MASK", arg0=8, result=0
.i:	jmp	.i
	checkpoint
%endif

case after, "The next case runs all the same"
	ref	"SDM 2 NOP"
	nop
	checkpoint

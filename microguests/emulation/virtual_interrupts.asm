; SPDX-License-Identifier: GPL-2.0-only
; VIF in the place of IF: virtual-8086 mode extensions (CR4.VME), with software interrupts by
; the TSS's redirection map, and protected-mode virtual interrupts (CR4.PVI).
%include "microguest.inc"
modes vm86, prot32, paged32, compat32, long64
%include "emulate.inc"
%include "events.inc"

%define V 0x63
%define PUSHED(n) (STACK_TOP - (n) * WORD_BYTES)

%if MODE_NUMBER == MODE_VM86
; extended FLAGS: a virtual-8086 task with CR4.VME. Without IOPL_3 in FLAGS, VIF is in IF's place.
%macro extended 1.nolist
	ref	"SDM 3 20.3.2", "APM 2 8.10"
	need	vme
	given	cr4=STAGE_CR4 | CR4_VME, set=%1
%endmacro
; redirection BIT: that of interrupt V in the map, which begins 32 bytes before the I/O bitmap.
%macro redirection 1.nolist
	memory	TSS + TSS_IOMAP - 32 + V / 8, db, (%1) << (V % 8)
%endmacro
%macro own_handler 2.nolist	; VECTOR, OFFSET
	memory	IVT + (%1) * 4, dw, %2, 0
%endmacro
; system_gate VECTOR: the supervisor's handler takes software interrupts, too.
%macro system_gate 1.nolist
	gate	%1, ar=GATE_INT | AR_DPL3
%endmacro
%macro refused 0.nolist
	expect	exception, vector=VEC_GP, error=0, rip=EMULATED
%endmacro

; ---- flags ------------------------------------------------------------------------------------

case cli, "with CR4.VME and IOPL 0 CLI clears VIF and leaves IF"
	ref	"SDM 2 CLI", "APM 3 CLI"
	extended VIF | IF
	emulate	cli
	checkpoint clear=VIF

case sti, "with CR4.VME and IOPL 0 STI sets VIF and leaves IF"
	ref	"SDM 2 STI", "APM 3 STI"
	extended 0
	emulate	sti
	checkpoint set=VIF

case sti_pending, "STI with VIP set is #GP(0), whatever VIF is; CLI is none"
	ref	"SDM 2 STI", "APM 3 STI"
	extended VIP
	emulate	sti
	refused
	emulate	cli
	checkpoint

case iopl_3, "with IOPL 3 CLI, STI, PUSHF and POPF are about IF, with CR4.VME too"
	ref	"SDM 2 CLI", "SDM 2 STI", "SDM 2 PUSHF/PUSHFD/PUSHFQ", "SDM 2 POPF/POPFD/POPFQ"
	extended IOPL_3 | VIP
	emulate	sti
	checkpoint set=IF
	emulate	pushf
	checkpoint rsp=PUSHED(1)
	writes	PUSHED(1), dw, IOPL_3 | IF | 2
	emulate	cli
	checkpoint clear=IF
	emulate	popf
	checkpoint rsp=STACK_TOP, set=IF

case pushf, "PUSHF shows VIF as IF, and IOPL 3"
	ref	"SDM 2 PUSHF/PUSHFD/PUSHFQ", "APM 3 PUSHF"
	extended VIF | CF
	emulate	pushf
	checkpoint rsp=PUSHED(1)
	writes	PUSHED(1), dw, IOPL_3 | IF | CF | 2

case pushf_clear, "PUSHF with VIF clear shows IF clear, though it is set"
	ref	"SDM 2 PUSHF/PUSHFD/PUSHFQ", "APM 3 PUSHF"
	extended IF
	emulate	pushf
	checkpoint rsp=PUSHED(1)
	writes	PUSHED(1), dw, IOPL_3 | 2

case popf, "POPF writes VIF from the image of IF; IF and IOPL stay"
	ref	"SDM 2 POPF/POPFD/POPFQ", "APM 3 POPF"
	extended 0
	memory	STACK_TOP, dw, IF | IOPL_3 | NT | STATUS_FLAGS | 2
	emulate	popf
	checkpoint rsp=STACK_TOP + 2, set=VIF | NT | STATUS_FLAGS

case popf_clear, "POPF of an image with IF clear clears VIF, and is no fault with VIP set"
	ref	"SDM 2 POPF/POPFD/POPFQ", "APM 3 POPF"
	extended VIF | IF
	memory	STACK_TOP, dw, 2, CF | 2
	emulate	popf
	checkpoint rsp=STACK_TOP + 2, clear=VIF
	action	set, set=VIP
	emulate	popf
	checkpoint rsp=STACK_TOP + 4, set=CF

case popf_pending, "POPF that would set VIF while VIP is set is #GP(0)"
	ref	"SDM 2 POPF/POPFD/POPFQ", "APM 3 POPF"
	extended VIP
	memory	STACK_TOP, dw, IF | CF | 2
	emulate	popf
	refused

case popf_trap, "POPF that would set TF is #GP(0)"
	ref	"SDM 2 POPF/POPFD/POPFQ", "APM 3 POPF"
	extended 0
	memory	STACK_TOP, dw, TF | CF | 2
	emulate	popf
	refused

case wide, "PUSHFD, POPFD and IRETD are #GP(0) with IOPL 0, with CR4.VME too"
	ref	"SDM 2 PUSHF/PUSHFD/PUSHFQ", "SDM 2 POPF/POPFD/POPFQ", "SDM 2 IRET"
	extended 0
	memory	STACK_TOP, dd, 2, 0, 2
	emulate	pushfd
	refused
	emulate	popfd
	refused
	emulate	iretd
	refused

case iret, "IRET writes VIF from the image of IF"
	ref	"SDM 3 20.3.2", "APM 2 8.10", "APM 3 IRET"
	extended 0
	memory	STACK_TOP, dw, .there, 0, IF | CF | 2
	emulate	iretw
	ud2
.there:	checkpoint rsp=STACK_TOP + 6, set=VIF | CF

case iret_pending, "IRET that would set VIF while VIP is set is #GP(0); it does not leave"
	ref	"SDM 3 20.3.2", "APM 2 8.10", "APM 3 IRET"
	extended VIP
	memory	STACK_TOP, dw, .there, 0, IF | 2
	emulate	iretw
.there:	refused

case iret_trap, "IRET that would set TF is #GP(0)"
	ref	"SDM 3 20.3.2", "APM 2 8.10", "APM 3 IRET"
	extended 0
	memory	STACK_TOP, dw, .there, 0, TF | 2
	emulate	iretw
.there:	refused

; ---- software interrupts ------------------------------------------------------------------------

; own_int NAME, TEXT, FLAGS, IMAGE, CLEARED: INT V by the task's own table. IMAGE is what is
; pushed of FLAGS, CLEARED what the handler has no more of it; its IRET brings that back.
%macro own_int 5.nolist
case %1, %2
	ref	"SDM 3 20.3.3", "SDM 2 INT n"
	extended %3
	own_handler V, .handler
	jmp	.begin
.handler:
	checkpoint rsp=PUSHED(3), clear=%5
	writes	PUSHED(3), dw, .back, 0, %4
	iret
.begin:	emulate	int V
.back:	checkpoint rsp=STACK_TOP, set=%5
%endmacro
own_int int_own, "INT n whose bit is clear goes by the task's own table, with VIF saved as IF, and cleared", \
	VIF | CF, IOPL_3 | IF | CF | 2, VIF
own_int int_own_if, "the same with VIF clear and IF set: IF is saved as clear, and stays", IF, IOPL_3 | 2, 0
own_int int_own_iopl_3, "with IOPL 3 IF is saved and cleared, and VIF stays", VIF | IF | IOPL_3, IOPL_3 | IF | 2, IF

case int_own_step, "INT n by the task's own table clears TF, and is not stepped"
	ref	"SDM 3 20.3.3", "SDM 2 INT n", "SDM 3 17.3.1.4"
	extended TF
	own_handler V, .handler
	int	V
.back:	ud2
.handler:
	mov	bl, 5
	checkpoint rsp=PUSHED(3), clear=TF, rbx=LOW8(RBX, 5)
	writes	PUSHED(3), dw, .back, 0, IOPL_3 | TF | 2

case int_own_far, "the handler's segment comes from the table"
	ref	"SDM 3 20.3.3", "SDM 2 INT n"
	extended 0
	memory	IVT + V * 4, dw, .handler - 0x1230, 0x123
	emulate	int V
.back:	ud2
.handler:
	checkpoint rsp=PUSHED(3), cs=0x123, rip=.end - 0x1230
.end:
	writes	PUSHED(3), dw, .back, 0, IOPL_3 | 2

case int_refused, "INT n whose bit is set is #GP(0) with IOPL 0"
	ref	"SDM 3 20.3.3", "SDM 2 INT n"
	extended VIF
	redirection 1
	own_handler V, .wrong
	system_gate V
	emulate	int V
.wrong:	refused

case int_system, "INT n whose bit is set goes by the IDT with IOPL 3"
	ref	"SDM 3 20.3.3", "SDM 2 INT n"
	extended IOPL_3 | IF
	redirection 1
	own_handler V, .wrong
	system_gate V
	emulate	int V
	expect	exception, vector=V, software=1
	checkpoint
.wrong:

case int_other_bits, "only the interrupt's own bit of the map counts"
	ref	"SDM 3 20.3.3", "SDM 2 INT n"
	extended 0
	memory	TSS + TSS_IOMAP - 32 + V / 8 - 1, db, 0xff, ~(1 << V % 8), 0xff
	own_handler V, .handler
	emulate	int V
.back:	ud2
.handler:
	checkpoint rsp=PUSHED(3)
	writes	PUSHED(3), dw, .back, 0, IOPL_3 | 2

case int_map_moved, "the map is the 32 bytes before the I/O bitmap, wherever that is"
	ref	"SDM 3 20.3.3", "SDM 3 7.2.1", "APM 2 12.2.4"
	extended 0
	memory	TSS + 0x66, dw, TSS_IOMAP + 16
	memory	TSS + TSS_IOMAP + 16 - 32 + V / 8, db, 1 << (V % 8)
	own_handler V, .wrong
	emulate	int V
.wrong:	refused

case int_without, "without CR4.VME INT n is #GP(0) with IOPL 0, whatever the map says"
	ref	"SDM 3 20.3.3", "SDM 2 INT n", "APM 2 8.8"
	given	set=VIF
	own_handler V, .wrong
	system_gate V
	emulate	int V
.wrong:	refused

case int_without_iopl_3, "without CR4.VME INT n goes by the IDT with IOPL 3, whatever the map says"
	ref	"SDM 3 20.3.3", "SDM 2 INT n", "APM 2 8.8"
	given	set=IOPL_3
	own_handler V, .wrong
	system_gate V
	emulate	int V
	expect	exception, vector=V, software=1
	checkpoint
.wrong:

case int3, "INT3 always goes by the IDT, with IOPL 0 too; the two-byte INT 3 does not"
	ref	"SDM 3 20.3.3", "SDM 2 INT n", "APM 3 INT 3"
	extended VIF
	own_handler VEC_BP, .handler
	system_gate VEC_BP
	emulate	int3
	expect	exception, vector=VEC_BP, software=1
	emulate	db 0xcd, 3
.back:	ud2
.handler:
	checkpoint rsp=PUSHED(3), clear=VIF
	writes	PUSHED(3), dw, .back, 0, IOPL_3 | IF | 2

case into, "INTO always goes by the IDT"
	ref	"SDM 3 20.3.3", "SDM 2 INT n", "APM 3 INTO"
	extended OF
	own_handler VEC_OF, .wrong
	system_gate VEC_OF
	emulate	into
	expect	exception, vector=VEC_OF, software=1
.wrong:	checkpoint

case exception, "exceptions go by the IDT, and VIF is in the frame"
	ref	"SDM 3 20.3.1", "SDM 3 20.3.3"
	extended VIF
	own_handler VEC_UD, .wrong
.f:	ud2
	expect	exception, vector=VEC_UD, rip=.f
.wrong:	checkpoint

case hardware, "a hardware interrupt obeys IF, not VIF, and goes by the IDT"
	ref	"SDM 3 20.3.2", "SDM 3 20.3.1"
	extended IF | VIP
	own_handler V, .wrong
	checkpoint
	action	interrupt, vector=V
	expect	exception, vector=V
	checkpoint
.wrong:

case both, "VIF and VIP set at the beginning of an instruction are #GP(0), whatever it is"
	extended VIF | VIP
	need	intel	; APM 2 does not say so
.f:	nop
	expect	exception, vector=VEC_GP, error=0, rip=.f
	action	set, clear=VIP
	checkpoint clear=VIP

case both_iopl_3, "with IOPL 3 VIP is not looked at"
	ref	"SDM 3 2.3"
	extended VIF | VIP | IOPL_3
	checkpoint

case both_without, "without CR4.VME VIF and VIP mean nothing"
	ref	"SDM 3 2.3", "SDM 3 20.3.2"
	given	set=VIF | VIP
	checkpoint

; ---- protected-mode virtual interrupts -----------------------------------------------------------

%else
; virtual FLAGS: a program at CPL 3 with CR4.PVI.
%macro virtual 1.nolist
	ref	"SDM 3 20.4", "APM 2 8.10"
	need	vme
	ring3
	given	cr4=STAGE_CR4 | CR4_PVI, set=%1
%endmacro

case cli, "with CR4.PVI CLI at CPL 3 clears VIF and leaves IF"
	ref	"SDM 2 CLI", "APM 3 CLI"
	virtual VIF | IF
	emulate	cli
	checkpoint clear=VIF

case sti, "with CR4.PVI STI at CPL 3 sets VIF and leaves IF"
	ref	"SDM 2 STI", "APM 3 STI"
	virtual 0
	emulate	sti
	checkpoint set=VIF

case sti_iopl_2, "with IOPL 2, too: below CPL is what counts"
	ref	"SDM 2 STI", "APM 3 STI"
	virtual 0x2000
	emulate	sti
	checkpoint set=VIF
	emulate	cli
	checkpoint clear=VIF

case sti_pending, "STI with VIP set is #GP(0), whatever VIF is; CLI is none"
	ref	"SDM 2 STI", "APM 3 STI"
	virtual VIP
	emulate	sti
	expect	exception, vector=VEC_GP, error=0, rip=EMULATED
	emulate	cli
	checkpoint

case iopl_3, "with IOPL 3 CLI and STI are about IF, and VIP does not matter"
	ref	"SDM 2 CLI", "SDM 2 STI"
	virtual IOPL_3 | VIP
	emulate	sti
	checkpoint set=IF
	emulate	cli
	checkpoint clear=IF

case supervisor, "at CPL 0 CLI and STI are about IF"
	ref	"SDM 3 20.4", "SDM 2 CLI", "SDM 2 STI", "APM 2 8.10"
	need	vme
	given	cr4=STAGE_CR4 | CR4_PVI, set=VIF | VIP
	emulate	sti
	checkpoint set=IF
	emulate	cli
	checkpoint clear=IF

case pushf, "PUSHF shows IF, and VIF in its own place"
	ref	"SDM 3 20.4", "SDM 2 PUSHF/PUSHFD/PUSHFQ", "APM 3 PUSHF"
	virtual VIF | CF
	emulate	db 0x9c
	checkpoint rsp=PUSHED(1)
%if BITS == 64
	writes	PUSHED(1), dq, VIF | CF | 2
%else
	writes	PUSHED(1), dd, VIF | CF | 2
%endif
	emulate	db 0x66, 0x9c
	checkpoint rsp=PUSHED(1) - 2
	writes	PUSHED(1) - 2, dw, CF | 2

case popf, "POPF changes neither VIF and VIP nor IF"
	ref	"SDM 3 20.4", "SDM 2 POPF/POPFD/POPFQ", "APM 3 POPF"
	virtual VIF
	memory	STACK_TOP, dw, IF | CF | 2, (VIP >> 16), 0, 0
	emulate	db 0x9d
	checkpoint rsp=STACK_TOP + WORD_BYTES, set=CF

case popf_pending, "POPF with VIP set and the image of IF set is no fault"
	ref	"SDM 3 20.4", "SDM 2 POPF/POPFD/POPFQ", "APM 3 POPF"
	virtual VIP
	memory	STACK_TOP, dw, IF | CF | 2, 0, 0, 0
	emulate	db 0x66, 0x9d
	checkpoint rsp=STACK_TOP + 2, set=CF

case int_frame, "an interrupt's frame has VIP; it goes by the IDT"
	ref	"SDM 3 20.4", "SDM 2 INT n"
	virtual VIP
	gate	V, ar=GATE_INT | AR_DPL3
	emulate	int V
	expect	exception, vector=V, software=1, iret=1
	checkpoint

%if BITS != 64
case both, "VIF and VIP set at the beginning of an instruction are #GP(0), whatever it is"
	virtual VIF | VIP
	need	intel	; APM 2 does not say so
.f:	nop
	expect	exception, vector=VEC_GP, error=0, rip=.f
	action	set, clear=VIP
	checkpoint clear=VIP
%endif

case both_iopl_3, "with IOPL 3 VIP is not looked at"
	ref	"SDM 3 2.3"
	virtual VIF | VIP | IOPL_3
	checkpoint

case both_supervisor, "nor is it at CPL 0"
	ref	"SDM 3 20.4"
	need	vme
	given	cr4=STAGE_CR4 | CR4_PVI, set=VIF | VIP
	checkpoint

case both_without, "without CR4.PVI VIF and VIP mean nothing"
	ref	"SDM 3 2.3", "SDM 3 20.4"
	ring3
	given	set=VIF | VIP
	checkpoint
%endif

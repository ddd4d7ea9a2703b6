; SPDX-License-Identifier: GPL-2.0-only
; Locked instructions of several processors on the same memory: nothing is lost,
; whether the processor executes them or the hypervisor does.
%include "microguest.inc"
modes real16, prot32, long64
%include "events.inc"
%include "smp.inc"

%define TIMES 1000
%define EMULATED_TIMES 200

; times_over INSTRUCTION: ECX counts down; the state after it. times_emulated: the same
; with an instruction that is also run by the hypervisor.
%macro times_emulated 1+.nolist
%%loop:	emulate %1
	dec	ecx
	jnz	%%loop
	checkpoint rcx=0, status=ZF | PF
%endmacro
%macro times_over 1+.nolist
%%loop:	%1
	dec	ecx
	jnz	%%loop
	checkpoint rcx=0, status=ZF | PF
%endmacro

; counted: two vCPUs, and ECX.
%macro counted 0.nolist
	ref	"SDM 3 8.1.2.2", "APM 2 7.3.2"
	smp	2
	given	rcx=TIMES
%endmacro

case inc, "LOCK INC: every one of two processors' counts"
	ref	"SDM 3 8.1.2.2", "APM 2 7.3.2"
	smp	2
	given	rcx=EMULATED_TIMES
	start_line 2
	times_emulated lock inc dword [SCRATCH]
vcpu 1
	given	rcx=EMULATED_TIMES
	start_line 2
	times_emulated lock inc dword [SCRATCH]
meet
	started	2
	writes	SCRATCH, dd, 2 * EMULATED_TIMES

case inc_four, "LOCK INC from four processors"
	ref	"SDM 3 8.1.2.2", "APM 2 7.3.2"
	smp	4
	given	rcx=TIMES
	start_line 4
	times_over lock inc dword [SCRATCH]
vcpu 1
	given	rcx=TIMES
	start_line 4
	times_over lock inc dword [SCRATCH]
vcpu 2
	given	rcx=TIMES
	start_line 4
	times_over lock inc dword [SCRATCH]
vcpu 3
	given	rcx=TIMES
	start_line 4
	times_over lock inc dword [SCRATCH]
meet
	started	4
	writes	SCRATCH, dd, 4 * TIMES

case neighbours, "LOCK INC and LOCK ADD of bytes that lie side by side"
	counted
	start_line 2
	times_over lock inc byte [SCRATCH + 1]
vcpu 1
	given	rcx=TIMES
	start_line 2
	times_over lock add byte [SCRATCH + 2], 3
meet
	started	2
	writes	SCRATCH, db, 0, TIMES & 0xff, TIMES * 3 & 0xff, 0

case crossing_line, "LOCK ADD of a doubleword that lies in two cache lines"
	ref	"SDM 3 8.1.2.2", "APM 2 7.3.2"
	smp	2
	given	rcx=EMULATED_TIMES
	start_line 2
	times_emulated lock add dword [SCRATCH + 0x3e], 0x10001
vcpu 1
	given	rcx=EMULATED_TIMES
	start_line 2
	times_emulated lock add dword [SCRATCH + 0x3e], 0x10001
meet
	started	2
	writes	SCRATCH + 0x3e, dd, 2 * EMULATED_TIMES * 0x10001

case crossing_page, "LOCK ADD of a doubleword that lies in two pages"
	ref	"SDM 3 8.1.2.2", "APM 2 7.3.2"
	smp	2
	given	rcx=EMULATED_TIMES, rbx=OPERAND - 2
	memory	OPERAND - 2, dd, 0
	start_line 2
	times_emulated lock add dword [xbx], 0x10001
vcpu 1
	given	rcx=EMULATED_TIMES, rbx=OPERAND - 2
	start_line 2
	times_emulated lock add dword [xbx], 0x10001
meet
	started	2
	writes	OPERAND - 2, dd, 2 * EMULATED_TIMES * 0x10001

case xadd, "LOCK XADD: what both have read adds up to each number once"
	ref	"SDM 2 XADD", "SDM 3 8.1.2.2"
	smp	2
	given	rcx=TIMES, rdx=0
	start_line 2
.loop0:	mov	eax, 1
	lock xadd [SCRATCH], eax
	add	edx, eax
	dec	ecx
	jnz	.loop0
	lock add [SCRATCH + 0x40], edx
	xor	edx, edx
	mov	eax, edx
	checkpoint rcx=0, rax=0, rdx=0, status=ZF | PF, undefined=AF
vcpu 1
	given	rcx=TIMES, rdx=0
	start_line 2
.loop1:	mov	eax, 1
	lock xadd [SCRATCH], eax
	add	edx, eax
	dec	ecx
	jnz	.loop1
	lock add [SCRATCH + 0x40], edx
	xor	edx, edx
	mov	eax, edx
	checkpoint rcx=0, rax=0, rdx=0, status=ZF | PF, undefined=AF
meet
	started	2
	writes	SCRATCH, dd, 2 * TIMES
	writes	SCRATCH + 0x40, dd, (2 * TIMES) * (2 * TIMES - 1) / 2

; add_by_cmpxchg: one more in SCRATCH, ECX times, without another locked instruction.
%macro add_by_cmpxchg 0.nolist
%%loop:	mov	eax, [SCRATCH]
%%try:	lea	edx, [eax + 1]
	lock cmpxchg [SCRATCH], edx
	jne	%%try
	dec	ecx
	jnz	%%loop
	xor	edx, edx
	mov	eax, edx
	checkpoint rax=0, rcx=0, rdx=0, status=ZF | PF, undefined=AF
%endmacro

case cmpxchg, "LOCK CMPXCHG succeeds only where nobody was faster"
	ref	"SDM 2 CMPXCHG", "SDM 3 8.1.2.2"
	smp	2
	given	rcx=TIMES
	start_line 2
	add_by_cmpxchg
vcpu 1
	given	rcx=TIMES
	start_line 2
	add_by_cmpxchg
meet
	started	2
	writes	SCRATCH, dd, 2 * TIMES

; add_by_cmpxchg8b: one more in each half of the quadword at SCRATCH, EBP times.
%macro add_by_cmpxchg8b 0.nolist
%%loop:	mov	eax, [SCRATCH]
	mov	edx, [SCRATCH + 4]
%%try:	lea	ebx, [eax + 1]
	lea	ecx, [edx + 1]
	lock cmpxchg8b [SCRATCH]
	jne	%%try
	dec	ebp
	jnz	%%loop
	xor	eax, eax
	mov	ebx, eax
	mov	ecx, eax
	mov	edx, eax
	checkpoint rax=0, rbx=0, rcx=0, rdx=0, rbp=0, status=ZF | PF, undefined=AF
%endmacro

case cmpxchg8b, "LOCK CMPXCHG8B takes and leaves both halves together"
	ref	"SDM 2 CMPXCHG8B/CMPXCHG16B", "SDM 3 8.1.2.2"
	need	cx8
	smp	2
	given	rbp=TIMES
	start_line 2
	add_by_cmpxchg8b
vcpu 1
	given	rbp=TIMES
	start_line 2
	add_by_cmpxchg8b
meet
	started	2
	writes	SCRATCH, dd, 2 * TIMES, 2 * TIMES

%if BITS == 64
%macro add_by_cmpxchg16b 0.nolist
%%loop:	mov	rax, [SCRATCH]
	mov	rdx, [SCRATCH + 8]
%%try:	lea	rbx, [rax + 1]
	lea	rcx, [rdx + 1]
	lock cmpxchg16b [SCRATCH]
	jne	%%try
	dec	ebp
	jnz	%%loop
	xor	eax, eax
	mov	ebx, eax
	mov	ecx, eax
	mov	edx, eax
	checkpoint rax=0, rbx=0, rcx=0, rdx=0, rbp=0, status=ZF | PF, undefined=AF
%endmacro

case cmpxchg16b, "LOCK CMPXCHG16B takes and leaves both halves together"
	ref	"SDM 2 CMPXCHG8B/CMPXCHG16B", "SDM 3 8.1.2.2"
	need	cmpxchg16b
	smp	2
	given	rbp=TIMES
	start_line 2
	add_by_cmpxchg16b
vcpu 1
	given	rbp=TIMES
	start_line 2
	add_by_cmpxchg16b
meet
	started	2
	writes	SCRATCH, dq, 2 * TIMES, 2 * TIMES
%endif

; under_lock: ECX times one more in SCRATCH + 40h, by an instruction not locked itself.
%macro under_lock 0.nolist
%%loop:	mov	eax, 1
%%try:	xchg	[SCRATCH], eax
	test	eax, eax
	jz	%%in
	pause
	jmp	%%try
%%in:	inc	dword [SCRATCH + 0x40]
	mov	dword [SCRATCH], 0
	dec	ecx
	jnz	%%loop
	checkpoint rax=0, rcx=0, status=ZF | PF
%endmacro

case xchg, "XCHG with memory locks by itself: a spin lock made of it excludes"
	ref	"SDM 2 XCHG", "SDM 3 8.1.2.1", "SDM 3 8.10.6.1"
	smp	2
	given	rcx=TIMES
	start_line 2
	under_lock
vcpu 1
	given	rcx=TIMES
	start_line 2
	under_lock
meet
	started	2
	writes	SCRATCH, dd, 0
	writes	SCRATCH + 0x40, dd, 2 * TIMES

; under_bit: the same by a bit.
%macro under_bit 0.nolist
%%loop:	lock bts dword [SCRATCH], 7
	jnc	%%in
	pause
	jmp	%%loop
%%in:	inc	dword [SCRATCH + 0x40]
	lock btr dword [SCRATCH], 7
	dec	ecx
	jnz	%%loop
	checkpoint rcx=0, set=ZF | PF | CF, clear=SF | OF | AF
%endmacro

case bts_btr, "LOCK BTS and LOCK BTR: a bit is a lock"
	ref	"SDM 2 BTS", "SDM 3 8.1.2.2"
	smp	2
	given	rcx=TIMES
	start_line 2
	under_bit
vcpu 1
	given	rcx=TIMES
	start_line 2
	under_bit
meet
	started	2
	writes	SCRATCH + 0x40, dd, 2 * TIMES

case and_or, "LOCK OR and LOCK AND of different bits of one byte keep each other's"
	ref	"SDM 2 OR", "SDM 3 8.1.2.2"
	smp	2
	given	rcx=TIMES
	memory	SCRATCH, db, 0xf0
	start_line 2
.loop0:	lock or byte [SCRATCH], 1
	lock and byte [SCRATCH], 0xfe
	dec	ecx
	jnz	.loop0
	lock or byte [SCRATCH], 1
	checkpoint rcx=0, undefined=STATUS_FLAGS
vcpu 1
	given	rcx=TIMES
	start_line 2
.loop1:	lock and byte [SCRATCH], 0x7f
	lock or byte [SCRATCH], 0x80
	dec	ecx
	jnz	.loop1
	lock and byte [SCRATCH], 0x7f
	checkpoint rcx=0, undefined=STATUS_FLAGS
meet
	started	2
	writes	SCRATCH, db, 0x71

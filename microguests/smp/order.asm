; SPDX-License-Identifier: GPL-2.0-only
; The order in which processors see each other's loads and stores: what the manuals
; rule out (SDM 3 8.2.3) must not be observed.
%include "microguest.inc"
modes real16, prot32, long64
%include "events.inc"
%include "smp.inc"

%define X SCRATCH
%define Y (SCRATCH + 0x200)
%define Z (SCRATCH + 0x400)
%define LAST 2000

case stores_in_order, "Stores of one processor are seen in their order by another's loads"
	ref	"SDM 3 8.2.3.2", "APM 2 7.2", "SDM 3 8.2.2"
	smp	2
	given	rax=0
	start_line 2
.write:	inc	eax
	mov	[X], eax
	mov	[Y], eax
	cmp	eax, LAST
	jne	.write
	checkpoint rax=LAST, WAITED
	writes	X, dd, LAST
	writes	Y, dd, LAST
vcpu 1
	given	rdx=0
	start_line 2
.read:	mov	eax, [Y]
	mov	ebx, [X]
	cmp	ebx, eax
	adc	edx, 0
	cmp	eax, LAST
	jne	.read
	checkpoint rax=LAST, rbx=LAST, rdx=0, WAITED
meet
	started	2

case never_back, "Loads of one location never see an older value after a newer one"
	ref	"SDM 3 8.2.3.2", "APM 2 7.2"
	smp	3
	given	rax=0
	start_line 3
.write:	inc	eax
	mov	[X], eax
	cmp	eax, LAST
	jne	.write
	checkpoint rax=LAST, WAITED
	writes	X, dd, LAST
%assign n 1
%rep 2
vcpu n
	given	rax=0, rdx=0
	start_line 3
.read%[n]:
	mov	ebx, [X]
	cmp	ebx, eax
	adc	edx, 0
	mov	eax, ebx
	cmp	eax, LAST
	jne	.read%[n]
	checkpoint rax=LAST, rbx=LAST, rdx=0, WAITED
%assign n n + 1
%endrep
meet
	started	3

case own_store, "A processor's load sees its own store before it, whatever others write beside it"
	ref	"SDM 3 8.2.3.4", "SDM 3 8.2.3.5", "APM 2 7.2"
	smp	2
	given	rcx=LAST, rdx=0
	start_line 2
.loop0:	mov	[X], cx
	mov	ax, [X]
	cmp	ax, cx
	setne	bl
	movzx	ebx, bl
	add	edx, ebx
	dec	ecx
	jnz	.loop0
	mov	eax, ecx
	checkpoint rax=0, rbx=0, rcx=0, rdx=0, status=ZF | PF
	writes	X, dw, 1
vcpu 1
	given	rcx=LAST, rdx=0
	start_line 2
.loop1:	mov	[X + 2], cx
	mov	ax, [X + 2]
	cmp	ax, cx
	setne	bl
	movzx	ebx, bl
	add	edx, ebx
	dec	ecx
	jnz	.loop1
	mov	eax, ecx
	checkpoint rax=0, rbx=0, rcx=0, rdx=0, status=ZF | PF
	writes	X + 2, dw, 1
meet
	started	2

case transitive, "Stores are seen in an order that agrees with causality by a third processor"
	ref	"SDM 3 8.2.3.6", "APM 2 7.2"
	smp	3
	given	rax=0
	start_line 3
.write:	inc	eax
	mov	[X], eax
	cmp	eax, LAST
	jne	.write
	checkpoint rax=LAST, WAITED
	writes	X, dd, LAST
vcpu 1
	start_line 3
.copy:	mov	eax, [X]
	mov	[Y], eax
	cmp	eax, LAST
	jne	.copy
	checkpoint rax=LAST, WAITED
	writes	Y, dd, LAST
vcpu 2
	given	rdx=0
	start_line 3
.read:	mov	eax, [Y]
	mov	ebx, [X]
	cmp	ebx, eax
	adc	edx, 0
	cmp	eax, LAST
	jne	.read
	checkpoint rax=LAST, rbx=LAST, rdx=0, WAITED
meet
	started	3

%if !REAL
; Each of two processors stores its round's number and then loads the other's, and
; keeps what it saw. Where a load may not pass the store, one of the two loads of any
; two rounds must see the other's store (SDM 3 8.2.3.9): when vCPU 0 in round i saw
; only y, vCPU 1 in round y + 1 must have seen i at least.
%define LOG_0 PAGES
%define LOG_1 (PAGES + 0x4000)
%define ROUNDS 2000

; rounds OWN, OTHER, LOG, STORE...: STORE is the store of ECX to OWN, and what orders it.
%macro rounds 4+.nolist
%%loop:	%4
	mov	eax, [%2]
	mov	[%3 + xcx * 4], eax
	inc	ecx
	cmp	ecx, ROUNDS
	jb	%%loop
%endmacro

; count_passed: in EDX, how often both loads passed the stores.
%macro count_passed 0.nolist
	mov	ecx, 1
	xor	edx, edx
%%loop:	mov	eax, [LOG_0 + xcx * 4]
	inc	eax
	cmp	eax, ROUNDS
	jae	%%next
	mov	ebx, [LOG_1 + xax * 4]
	cmp	ebx, ecx
	adc	edx, 0
%%next:	inc	ecx
	cmp	ecx, ROUNDS
	jb	%%loop
	xor	eax, eax
	xor	ebx, ebx
	checkpoint rax=0, rbx=0, rdx=0, rcx=ROUNDS, status=ZF | PF, undefined=AF
%endmacro

; ordered STORE_0, STORE_1: the case's code, when its head is written.
%macro ordered 2.nolist
	given	rcx=1
	start_line 2
	rounds	X, Y, LOG_0, %1
	checkpoint rcx=ROUNDS, undefined_reg=0xb, WAITED
	writes	X, dd, ROUNDS - 1
	undefined_memory LOG_0, 0x4000
vcpu 1
	given	rcx=1
	start_line 2
	rounds	Y, X, LOG_1, %2
	checkpoint rcx=ROUNDS, undefined_reg=0xb, WAITED
	writes	Y, dd, ROUNDS - 1
	undefined_memory LOG_1, 0x4000
meet
	started	2
vcpu 0
	count_passed
%endmacro

%macro store_locked 2.nolist
	mov	[%1], ecx
	lock or dword [%2], 0
%endmacro
%macro store_xchg 1.nolist
	mov	eax, ecx
	xchg	[%1], eax
%endmacro
%macro store_mfence 1.nolist
	mov	[%1], ecx
	mfence
%endmacro
case xchg_orders, "A load does not pass an earlier XCHG with memory"
	ref	"SDM 3 8.2.3.9", "APM 2 7.2"
	smp	2
	ordered	store_xchg X, store_xchg Y

case locked_orders, "A load does not pass a locked instruction behind a store"
	ref	"SDM 3 8.2.3.9", "APM 2 7.2"
	smp	2
	ordered	{store_locked X, Z}, {store_locked Y, Z + 0x40}

case mfence_orders, "A load behind MFENCE does not pass the store before it"
	ref	"SDM 2 MFENCE", "SDM 3 8.2.5", "APM 2 7.1.3"
	need	sse2
	smp	2
	ordered	store_mfence X, store_mfence Y
%endif

case wide_stores, "An aligned doubleword is written and read whole"
	ref	"SDM 3 8.1.1", "APM 2 7.3.2"
	smp	2
	given	rcx=LAST, rax=0
	memory	Y, dd, 0
	start_line 2
.loop0:	not	eax
	mov	[X], eax
	dec	ecx
	jnz	.loop0
	mov	dword [Y], 1
	checkpoint rcx=0, rax=0, status=ZF | PF
	writes	X, dd, 0
	writes	Y, dd, 1
vcpu 1
	given	rdx=0
	start_line 2
.loop1:	mov	eax, [X]
	lea	ebx, [eax + 1]
	cmp	ebx, 1			; 0 and ffffffffh give 1 and 0: anything else is above
	seta	bl
	movzx	ebx, bl
	add	edx, ebx
	cmp	dword [Y], 1
	jne	.loop1
	mov	eax, [X]
	mov	ebx, eax
	checkpoint rax=0, rbx=0, rdx=0, WAITED
meet
	started	2

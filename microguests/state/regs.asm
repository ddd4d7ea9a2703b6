; SPDX-License-Identifier: GPL-2.0-only
; KVM_GET/SET_REGS and KVM_GET/SET_SREGS: the guest sees what was set, and what the
; guest sets comes back.
%include "microguest.inc"
modes real16, prot32, long64

%define API_REGS "Linux Documentation/virt/kvm/api.rst KVM_SET_REGS"
%define API_SREGS "Linux Documentation/virt/kvm/api.rst KVM_SET_SREGS"

case general_registers, "The guest stores the general registers that KVM_SET_REGS gave it"
	ref	API_REGS
	checkpoint
%if LONG
	action	set, rax=0x0102030405060708, rbx=0x1112131415161718, rcx=0x2122232425262728, rdx=0x3132333435363738, \
		rsi=0x4142434445464748, rdi=0x5152535455565758, rsp=0x6162636465666768, rbp=0x7172737475767778
	action	set, r8=0x8182838485868788, r9=0x9192939495969798, r10=0xa1a2a3a4a5a6a7a8, r11=0xb1b2b3b4b5b6b7b8, \
		r12=0xc1c2c3c4c5c6c7c8, r13=0xd1d2d3d4d5d6d7d8, r14=0xe1e2e3e4e5e6e7e8, r15=0xf1f2f3f4f5f6f7f8
	mov	[abs SCRATCH + 0x00], rax
	mov	[abs SCRATCH + 0x08], rbx
	mov	[abs SCRATCH + 0x10], rcx
	mov	[abs SCRATCH + 0x18], rdx
	mov	[abs SCRATCH + 0x20], rsi
	mov	[abs SCRATCH + 0x28], rdi
	mov	[abs SCRATCH + 0x30], rsp
	mov	[abs SCRATCH + 0x38], rbp
	mov	[abs SCRATCH + 0x40], r8
	mov	[abs SCRATCH + 0x48], r9
	mov	[abs SCRATCH + 0x50], r10
	mov	[abs SCRATCH + 0x58], r11
	mov	[abs SCRATCH + 0x60], r12
	mov	[abs SCRATCH + 0x68], r13
	mov	[abs SCRATCH + 0x70], r14
	mov	[abs SCRATCH + 0x78], r15
	checkpoint
	writes	SCRATCH, dq, 0x0102030405060708, 0x1112131415161718, 0x2122232425262728, 0x3132333435363738, \
		0x4142434445464748, 0x5152535455565758, 0x6162636465666768, 0x7172737475767778, \
		0x8182838485868788, 0x9192939495969798, 0xa1a2a3a4a5a6a7a8, 0xb1b2b3b4b5b6b7b8, \
		0xc1c2c3c4c5c6c7c8, 0xd1d2d3d4d5d6d7d8, 0xe1e2e3e4e5e6e7e8, 0xf1f2f3f4f5f6f7f8
%else
	action	set, rax=0x01020304, rbx=0x11121314, rcx=0x21222324, rdx=0x31323334, \
		rsi=0x41424344, rdi=0x51525354, rsp=0x61626364, rbp=0x71727374
	mov	[SCRATCH + 0x00], eax
	mov	[SCRATCH + 0x04], ebx
	mov	[SCRATCH + 0x08], ecx
	mov	[SCRATCH + 0x0c], edx
	mov	[SCRATCH + 0x10], esi
	mov	[SCRATCH + 0x14], edi
	mov	[SCRATCH + 0x18], esp
	mov	[SCRATCH + 0x1c], ebp
	checkpoint
	writes	SCRATCH, dd, 0x01020304, 0x11121314, 0x21222324, 0x31323334, \
		0x41424344, 0x51525354, 0x61626364, 0x71727374
%endif

case rip, "The guest goes on where KVM_SET_REGS sends it"
	ref	API_REGS
	checkpoint
	action	set, rip=.there
	ud2
.there:	inc	al
	checkpoint rax=(REG_RAX & ~0xff) | 0x12, status=PF

case rflags, "The guest pushes the RFLAGS that KVM_SET_REGS gave it"
	ref	API_REGS, "SDM 1 3.4.3"
	checkpoint
	action	set, rflags=2 | CF | PF | AF | ZF | SF | DF | OF | AC | ID
%if LONG
	pushfq
	checkpoint rsp=STACK_TOP - 8
	writes	STACK_TOP - 8, dq, 2 | CF | PF | AF | ZF | SF | DF | OF | AC | ID
%else
	pushfd
	checkpoint rsp=STACK_TOP - 4
	writes	STACK_TOP - 4, dd, 2 | CF | PF | AF | ZF | SF | DF | OF | AC | ID
%endif

case rflags_bit_1, "Bit 1 of RFLAGS is 1, whatever is set"
	ref	"SDM 1 3.4.3"
	checkpoint
	action	set, rflags=CF
	lahf
	checkpoint rax=(REG_RAX & ~0xff00) | 0x300, rflags=CF | 2

case guest_changes, "What the guest did to its registers comes back by KVM_GET_REGS"
	ref	"Linux Documentation/virt/kvm/api.rst KVM_GET_REGS"
	checkpoint
	add	eax, 1
	neg	ebx
	xchg	esi, edi
	std
	checkpoint rax=0x11111112, rbx=0xddddddde, rsi=REG_RDI & 0xffffffff, rdi=REG_RSI & 0xffffffff, \
		status=CF|PF|AF|SF, set=DF
	action	check, rax=0x11111112, rbx=0xddddddde, rsi=REG_RDI & 0xffffffff, rdi=REG_RSI & 0xffffffff

case cr2, "The guest reads the CR2 that KVM_SET_SREGS gave it"
	ref	API_SREGS
	checkpoint
	action	set, cr2=0x12345678
%if LONG
	mov	rax, cr2
%else
	mov	eax, cr2
%endif
	checkpoint rax=0x12345678

case descriptor_tables, "The guest stores the table registers that KVM_SET_SREGS gave it"
	ref	API_SREGS, "SDM 2 SGDT", "SDM 2 SIDT"
	checkpoint
	action	set, gdt_base=0x12345678, gdt_limit=0x1234, idt_base=0x23456789, idt_limit=0xbcde
%if LONG
	sgdt	[abs SCRATCH]
	sidt	[abs SCRATCH + 16]
	checkpoint
	writes	SCRATCH, dw, 0x1234, 0x5678, 0x1234, 0, 0
	writes	SCRATCH + 16, dw, 0xbcde, 0x6789, 0x2345, 0, 0
%else
	o32 sgdt [SCRATCH]
	o32 sidt [SCRATCH + 16]
	checkpoint
	writes	SCRATCH, dw, 0x1234, 0x5678, 0x1234
	writes	SCRATCH + 16, dw, 0xbcde, 0x6789, 0x2345
%endif

case segment_base, "The guest reads through the segment base that KVM_SET_SREGS gave it"
	ref	API_SREGS, "SDM 3 3.4.3"
	memory	SCRATCH + 0x18, dd, 0x87654321
	checkpoint
%if REAL
	action	set, fs=SCRATCH / 16, fs_base=SCRATCH, fs_limit=0xffff, fs_ar=AR_DATA16
%else
	action	set, fs_base=SCRATCH
%endif
	mov	eax, [fs:0x18]
	checkpoint rax=0x87654321

case selectors, "The guest stores the selectors that KVM_SET_SREGS gave it"
	ref	API_SREGS
	checkpoint
%if REAL
	action	set, ds=0, es=0x1234, es_base=0x12340, es_limit=0xffff, es_ar=AR_DATA16, \
		gs=0x4321, gs_base=0x43210, gs_limit=0xffff, gs_ar=AR_DATA16
%else
	action	set, es=SEL_READONLY, gs=SEL_UDATA
%endif
	mov	ax, es
	mov	bx, gs
	mov	[SCRATCH], ax
	mov	[SCRATCH + 2], bx
%if REAL
	checkpoint rax=(REG_RAX & ~0xffff) | 0x1234, rbx=(REG_RBX & ~0xffff) | 0x4321
	writes	SCRATCH, dw, 0x1234, 0x4321
%else
	checkpoint rax=(REG_RAX & ~0xffff) | SEL_READONLY, rbx=(REG_RBX & ~0xffff) | SEL_UDATA
	writes	SCRATCH, dw, SEL_READONLY, SEL_UDATA
%endif

%if MODE_NUMBER == MODE_PROT32

case segment_limit, "The limit that KVM_SET_SREGS gave a segment is checked"
	ref	API_SREGS, "SDM 3 5.3"
	checkpoint
	action	set, fs_limit=0xfff, fs_ar=AR_DATA16 | AR_DB
	mov	al, [fs:0xfff]
	checkpoint rax=REG_RAX & ~0xff
.f:	mov	al, [fs:0x1000]
	expect	exception, vector=VEC_GP, error=0, rip=.f

case segment_readonly, "The type that KVM_SET_SREGS gave a segment is checked"
	ref	API_SREGS, "SDM 3 5.4", "APM 2 4.13"
	checkpoint
	action	set, gs_ar=AR_DATA & ~2
	mov	al, [gs:SCRATCH]
	checkpoint rax=REG_RAX & ~0xff
.f:	mov	[gs:SCRATCH], al
	expect	exception, vector=VEC_GP, error=0, rip=.f

%endif

%if !REAL

case task_register, "The guest stores the TR and LDTR that KVM_SET_SREGS gave it, and uses the LDT"
	ref	API_SREGS, "SDM 2 STR", "SDM 2 SLDT"
	memory	SCRATCH + 0x108, dq, 0x00cf93000000ffff
	checkpoint
	action	set, tr=0xa8, tr_base=TSS, tr_limit=TSS_LIMIT, tr_ar=AR_TSS_BUSY, \
		ldtr=0xb8, ldtr_base=SCRATCH + 0x100, ldtr_limit=0xf, ldtr_ar=AR_LDT
	str	ax
	sldt	bx
	mov	cx, 0xc
	mov	fs, cx
	checkpoint rax=(REG_RAX & ~0xffff) | 0xa8, rbx=(REG_RBX & ~0xffff) | 0xb8, \
		rcx=(REG_RCX & ~0xffff) | 0xc, fs=0xc, fs_base=0, fs_limit=0xffffffff, fs_ar=AR_DATA

%endif

%if LONG

case cr8, "The guest reads the CR8 that KVM_SET_SREGS gave it, and its own comes back"
	ref	API_SREGS, "SDM 3 10.8.6.1"
	irqchip	user, split, kernel
	checkpoint
	action	set, cr8=5
	mov	rax, cr8
	checkpoint rax=5
	mov	ebx, 9
	mov	cr8, rbx
	checkpoint rbx=9, cr8=9
	action	check, cr8=9

case fs_base_is_msr, "The base of FS in KVM_SET_SREGS is IA32_FS_BASE, all 64 bits"
	ref	API_SREGS, "SDM 3 3.4.4.1"
	checkpoint
	action	set, fs_base=0xffff800012345678, gs_base=0x00007fffabcdef01
	action	check_msr, index=MSR_FS_BASE, value=0xffff800012345678
	action	check_msr, index=MSR_GS_BASE, value=0x00007fffabcdef01
	mov	ecx, MSR_FS_BASE
	rdmsr
	checkpoint rax=0x12345678, rcx=MSR_FS_BASE, rdx=0xffff8000

case cr3, "The guest walks the page tables that KVM_SET_SREGS points CR3 at"
	ref	API_SREGS, "SDM 3 4.5"
	memory	SCRATCH + 8, dq, 0x1122334455667788
	memory	PAGES, dq, PAGES + 0x1000 + 0x27
	memory	PAGES + 0x1000, dq, PAGES + 0x2000 + 0x27
	memory	PAGES + 0x2000, dq, 0xe3, 0xe3
	checkpoint
	action	set, cr3=PAGES
	mov	rax, [abs 0x200000 + SCRATCH + 8]
	checkpoint rax=0x1122334455667788

case sregs2, "KVM_GET_SREGS2 has no PDPTEs outside PAE paging, and unknown flags are refused"
	ref	"Linux Documentation/virt/kvm/api.rst KVM_GET_SREGS2"
	need	cap_sregs2
	checkpoint
	action	peek, text="SREGS2", offset=SREGS2_FLAGS, size=8, data=0
	action	poke, text="SREGS2", offset=SREGS2_FLAGS, size=8, data=2, errno=EINVAL
	checkpoint

case interrupt_bitmap, "An interrupt in the bitmap of KVM_SET_SREGS is delivered"
	ref	API_SREGS
	given	rflags=IF | 2
	checkpoint
	action	poke, text="SREGS", offset=SREGS_INTERRUPT_BITMAP + 0x41 / 64 * 8, size=8, data=1 << (0x41 % 64)
	action	check, ev_interrupt=0x41
	expect	exception, vector=0x41

; Everything a mode is made of, set at once.
case to_real_mode, "KVM_SET_SREGS takes the guest from 64-bit mode to real mode"
	ref	API_SREGS, "SDM 3 9.1.4"
	checkpoint
	action	set, cr0=CR0_ET | CR0_EM, cr4=0, efer=0, cr3=0, rip=.real, rsp=0x400, rbp=0, \
		rax=1, rbx=2, rcx=3, rdx=4, rsi=5, rdi=6, r8=0, r9=0, r10=0, r11=0, r12=0, r13=0, r14=0, r15=0, \
		cs=0, cs_base=0, cs_limit=0xffff, cs_ar=AR_DATA16, ss=SCRATCH / 16, ss_base=SCRATCH, \
		ss_limit=0xffff, ss_ar=AR_DATA16, ds=SCRATCH / 16, ds_base=SCRATCH, ds_limit=0xffff, ds_ar=AR_DATA16, \
		es=0, es_base=0, es_limit=0xffff, es_ar=AR_DATA16, fs=0, fs_base=0, fs_limit=0xffff, fs_ar=AR_DATA16, \
		gs=0, gs_base=0, gs_limit=0xffff, gs_ar=AR_DATA16, tr=0, tr_base=0, tr_limit=0xffff, tr_ar=AR_TSS_BUSY, \
		ldtr=0, ldtr_base=0, ldtr_limit=0xffff, ldtr_ar=AR_LDT, gdt_limit=0xffff, idt_base=0, idt_limit=0x3ff
	bits	16
.real:	push	ds
	mov	[2], ax
	checkpoint rsp=0x3fe
	writes	SCRATCH + 0x3fe, dw, SCRATCH / 16
	writes	SCRATCH + 2, dw, 1
	bits	64

%elif REAL

case to_long_mode, "KVM_SET_SREGS takes the guest from real mode to 64-bit mode"
	ref	API_SREGS, "SDM 3 9.8.5"
	memory	PAGES, dq, PAGES + 0x1000 + 0x27
	memory	PAGES + 0x1000, dq, PAGES + 0x2000 + 0x27
	memory	PAGES + 0x2000, dq, 0xe3
	checkpoint
	action	set, cr0=CR0_PG | CR0_PE | CR0_ET | CR0_NE | CR0_EM, cr3=PAGES, cr4=CR4_PAE, efer=EFER_LME | EFER_LMA, \
		cs=SEL_CODE64, ss=SEL_DATA, ds=SEL_DATA, es=SEL_DATA, fs=SEL_DATA, gs=SEL_DATA, \
		tr=SEL_TSS, tr_base=TSS, tr_limit=TSS_LIMIT, tr_ar=AR_TSS_BUSY, \
		ldtr=SEL_LDT, ldtr_base=LDT, ldtr_limit=0x7f, ldtr_ar=AR_LDT, \
		r8=0x1122334455667788, rip=.long
	bits	64
.long:	mov	rax, r8
	push	rax
	checkpoint rax=0x1122334455667788, rsp=STACK_TOP - 8
	writes	STACK_TOP - 8, dq, 0x1122334455667788
	bits	16

%endif

; SPDX-License-Identifier: GPL-2.0-only
;
; The option ROM that starts Linux in Bochs. The kernel and its initramfs are in memory
; already, so nothing is read and nothing unpacked: a boot loader, a disk and a compressed
; kernel would cost the emulated processor seconds.
;
; Bochs (optramimage1) reads the image that bochs_image.py makes into its own memory from
; the block of 128 KiB at HEADER on. But a block of the guest's memory gets the next of
; Bochs's as late as it is first touched, so all after the first block of the image is at
; no address yet, and what the BIOS has touched has been given the next blocks of the
; image. These are spare. Here they are used up, and then the kernel and the initramfs are
; touched in the order in which they are in the image, which puts them at their addresses.
;
; Then the 64-bit boot protocol (Documentation/arch/x86/boot.rst): long mode, memory mapped
; to itself, RSI the address of boot_params.

BASE	equ 0xd0000		; bochs.py puts the ROM there
SIZE	equ 2048
BLOCK	equ 0x20000
HEADER	equ 0x1000000 - BLOCK
MAGIC	equ 'ASLB'		; begins the header
LAST	equ 'LAST'		; begins the last spare block
; In the header:
ENTRY	equ 4			; dd: of the kernel
RANGES	equ 8			; dd address, dd blocks; ended by 0 blocks
PARAMS	equ 0x1000		; boot_params
; In boot_params:
E820_ENTRIES	equ 0x1e8
E820_TABLE	equ 0x2d0
E820_SIZE	equ 20
E820_MAX	equ 128

MAP	equ 0x90000		; what the BIOS says of memory: dw entries, at 8 the entries
TABLES	equ 0x91000		; PML4, PDPT, four page directories
STACK	equ 0x9fff0
SHUTDOWN equ 0x8900		; "Shutdown" written there ends Bochs
PORT	equ 0xe9		; what is written there is seen on Bochs's standard output

	org 0
	bits 16
	db 0x55, 0xaa, SIZE / 512
	cli
	cld
	mov ax, MAP >> 4
	mov es, ax
	xor ebx, ebx
	mov di, 8
	xor bp, bp
.more:	mov eax, 0xe820
	mov edx, 'PAMS'
	mov ecx, E820_SIZE
	int 0x15
	jc .map_done
	inc bp
	add di, E820_SIZE
	cmp bp, E820_MAX
	je .map_done
	test ebx, ebx
	jnz .more
.map_done:
	mov [es:0], bp
	cli
	in al, 0x92		; A20
	or al, 2
	out 0x92, al
	mov ax, cs
	mov ds, ax
	lgdt [gdtr]
	mov eax, cr0
	or al, 1
	mov cr0, eax
	jmp dword CODE32:BASE + protected

CODE64	equ 0x10		; Linux's __BOOT_CS
DATA	equ 0x18		; Linux's __BOOT_DS
CODE32	equ 0x20
	align 8
gdt:	dq 0, 0
	dq 0x00af9b000000ffff
	dq 0x00cf93000000ffff
	dq 0x00cf9b000000ffff
gdtr:	dw $ - gdt - 1
	dd BASE + gdt

	bits 32
protected:
	mov ax, DATA
	mov ds, ax
	mov es, ax
	mov fs, ax
	mov gs, ax
	mov ss, ax
	mov esp, STACK
	mov ebp, HEADER
	cmp dword [ebp], MAGIC
	jne lost

	; The blocks from 1 MiB to the header take what is left of the spare ones.
	mov esi, 0x100000
.spare:	cmp esi, ebp
	jae lost
	mov eax, [esi]
	add esi, BLOCK
	cmp eax, LAST
	jne .spare
	lea ebx, [ebp + RANGES]
.range:	mov esi, [ebx]
	mov ecx, [ebx + 4]
	jecxz .placed
.touch:	mov eax, [esi]
	add esi, BLOCK
	loop .touch
	add ebx, 8
	jmp .range
.placed:
	mov dword [ebp], 0	; what is in memory can be started once
	mov esi, MAP
	movzx ecx, word [esi]
	mov [ebp + PARAMS + E820_ENTRIES], cl
	imul ecx, ecx, E820_SIZE / 4
	add esi, 8
	lea edi, [ebp + PARAMS + E820_TABLE]
	rep movsd

	; The first 4 GiB, in pages of 2 MiB.
	mov edi, TABLES
	mov ecx, 6 * 0x1000 / 4
	xor eax, eax
	rep stosd
	mov dword [TABLES], TABLES + 0x1000 + 3
	mov edi, TABLES + 0x1000
	mov eax, TABLES + 0x2000 + 3
	mov ecx, 4
.pdpt:	mov [edi], eax
	add edi, 8
	add eax, 0x1000
	loop .pdpt
	mov edi, TABLES + 0x2000
	mov eax, 0x83
	mov ecx, 4 * 512
.pd:	mov [edi], eax
	add edi, 8
	add eax, 0x200000
	loop .pd
	mov eax, TABLES
	mov cr3, eax
	mov eax, cr4
	or al, 0x20		; PAE
	mov cr4, eax
	mov ecx, 0xc0000080	; EFER.LME
	rdmsr
	or ah, 1
	wrmsr
	mov eax, cr0
	or eax, 0x80000001
	mov cr0, eax
	lea esi, [ebp + PARAMS]
	mov eax, [ebp + ENTRY]
	jmp CODE64:BASE + start64

	; The image is not where it should be: the machine was reset, or Bochs is another.
lost:	mov esi, BASE + message
	mov edx, PORT
	call write
	mov esi, BASE + shutdown
	mov edx, SHUTDOWN
	call write
.stop:	hlt
	jmp .stop

write:	lodsb
	test al, al
	jz .done
	out dx, al
	jmp write
.done:	ret
message: db 10, 'loader: the kernel is not in memory (any more)', 10, 0
shutdown: db 'Shutdown', 0

	bits 64
start64:	jmp rax

	times SIZE - ($ - $$) db 0

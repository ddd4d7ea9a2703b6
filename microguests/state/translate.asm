; SPDX-License-Identifier: GPL-2.0-only
; KVM_TRANSLATE: the guest-physical address of a linear one, in every paging mode.
%include "microguest.inc"
modes real16, prot32, paged32, pae32, compat32, long64, long64_5l

%define API_TRANSLATE "Linux Documentation/virt/kvm/api.rst KVM_TRANSLATE"

case offset_kept, "The offset in the page is kept"
	ref	API_TRANSLATE
	checkpoint
	action	translate, address=PAGES + 0x123, valid=1, gpa=PAGES + 0x123
	action	translate, address=PAGES + 0xfff, valid=1, gpa=PAGES + 0xfff
	checkpoint

%if !PAGED

case without_paging, "Without paging a linear address is the physical one, memory or not"
	ref	API_TRANSLATE, "SDM 3 4.1"
	checkpoint
	action	translate, address=0, valid=1, gpa=0
	action	translate, address=MMIO, valid=1, gpa=MMIO
	action	translate, address=0xfee00123, valid=1, gpa=0xfee00123
	checkpoint

%else

case other_page, "A page that is mapped elsewhere translates to there"
	ref	API_TRANSLATE, "SDM 3 4.3"
	pte	PAGES + 0x1000, pa=PAGES + 0x6000
	mov	al, [PAGES + 0x1000]
	checkpoint rax=(REG_RAX & ~0xff) | 0xa6
	action	translate, address=PAGES + 0x1abc, valid=1, gpa=PAGES + 0x6abc
	checkpoint

case not_present, "A page that is not present is not valid"
	ref	API_TRANSLATE, "SDM 3 4.3"
	pte	PAGES + 0x2000, clear=PTE_P
	checkpoint
	action	translate, address=PAGES + 0x2000, valid=0
	action	translate, address=PAGES + 0x1fff, valid=1, gpa=PAGES + 0x1fff
	action	translate, address=PAGES + 0x3000, valid=1, gpa=PAGES + 0x3000
	checkpoint

case directory_not_present, "What a missing table would map is not valid"
	ref	API_TRANSLATE, "SDM 3 4.3"
	checkpoint
	action	translate, address=0x40000000, valid=0
	checkpoint

case changed_between_runs, "The tables are read as they are now"
	ref	API_TRANSLATE
	mov	al, [PAGES + 0x3000]
	checkpoint rax=(REG_RAX & ~0xff) | 0xa3
	action	entry, va=PAGES + 0x3000, level=1, pa=PAGES + 0x5000
	action	translate, address=PAGES + 0x3010, valid=1, gpa=PAGES + 0x5010
	checkpoint

case is_no_write, "Translating is no write: it does not set D"
	ref	API_TRANSLATE, "SDM 3 4.8"
	pte	PAGES, clear=PTE_D
	checkpoint
	action	translate, address=PAGES, valid=1, gpa=PAGES
	checkpoint

%if MODE_NUMBER == MODE_PAGED32

case large_page, "A 4 MiB page translates with its 22 bits of offset"
	ref	API_TRANSLATE, "SDM 3 4.3"
	pde	0x1c00000, pa=0x800000, set=PTE_PS
	checkpoint
	action	translate, address=0x1c00000, valid=1, gpa=0x800000
	action	translate, address=0x1fabcde, valid=1, gpa=0xbabcde
	checkpoint

%else

case large_page, "A 2 MiB page translates with its 21 bits of offset"
	ref	API_TRANSLATE, "SDM 3 4.4", "SDM 3 4.5"
	pde	0x1e00000, pa=0x800000, set=PTE_PS
	checkpoint
	action	translate, address=0x1e00000, valid=1, gpa=0x800000
	action	translate, address=0x1fabcde, valid=1, gpa=0x9abcde
	checkpoint

%endif
%if LONG

case giant_page, "A 1 GiB page translates with its 30 bits of offset"
	ref	API_TRANSLATE, "SDM 3 4.5"
	need	pdpe1gb
	pdpte	0x80000000, pa=0x40000000, set=PTE_PS
	checkpoint
	action	translate, address=0x9abcdef0, valid=1, gpa=0x5abcdef0
	checkpoint

%if MODE_NUMBER != MODE_LONG64_5L		; the stage has no room for four more tables

case upper_half, "The upper half of the address space translates by its own entries"
	ref	API_TRANSLATE, "SDM 3 4.5"
	pte	0xffffffffffffe000, pa=PAGES + 0x4000
	checkpoint
	action	translate, address=0xffffffffffffe678, valid=1, gpa=PAGES + 0x4678
	action	translate, address=0xffffffffffffd678, valid=0
	checkpoint

%endif
%endif
%endif

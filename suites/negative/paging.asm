; SPDX-License-Identifier: GPL-2.0-only
; Page tables: they are memory that counts, and page faults are told in all parts.
%include "goodbad.inc"
modes long64

%define PTES (TABLES + 3 * 0x1000)

;! fail step=1 why="the state is not as expected"
;! "memory 0x130c1" 80 82
case entry_clobbered, "A page-table entry of which one bit changes is told"
	ref	"SDM 3 4.5"
	or	byte [PTES + 0x18 * 8 + 1], 2
	checkpoint undefined=STATUS_FLAGS
	good	pte_is PAGES, set=0x200

;! fail step=1 why="the state is not as expected"
;! "memory 0x130c0" * *
case accessed_not_named, "The accessed bit that the processor sets is memory that counts"
	ref	"SDM 3 4.8"
	pte	PAGES, clear=PTE_A
	mov	al, [PAGES]
	checkpoint rax=(REG_RAX & ~0xff) | 0xa0
	good	pte_is PAGES, set=PTE_A

;! fail step=1 why="the state is not as expected"
;! "memory 0x130c0" 63 23
case dirty_expected, "A dirty bit that a read should set, as a wrong case has it, is told"
	ref	"SDM 3 4.8"
	pte	PAGES, clear=PTE_A | PTE_D
	mov	al, [PAGES]
	checkpoint rax=(REG_RAX & ~0xff) | 0xa0
	pte_is	PAGES, set=PTE_A | PICK(0, PTE_D)

;! fail step=1 why="the exception was delivered differently"
;! cr2 0x18001 0x18000
case cr2, "Another CR2 is told"
	ref	"SDM 3 4.7"
	pte	PAGES, clear=PTE_P
.f:	mov	al, [PAGES]
	expect	exception, vector=VEC_PF, error=0, cr2=PICK(PAGES, PAGES + 1), rip=.f

;! fail step=1 why="the exception was delivered differently"
;! "pushed error code" 0x2 0x3
case error_code_bit, "One bit of the error code is told"
	ref	"SDM 3 4.7"
	pte	PAGES, clear=PTE_W
.f:	mov	[PAGES], al
	expect	exception, vector=VEC_PF, error=PICK(PF_P|PF_W, PF_W), cr2=PAGES, rip=.f

;! fail step=1 why="another exit than expected"
;! exit "exception vector=14" "io_out port=0xf0 size=1 count=1*"
case no_fault, "A page that is there does not fault"
	ref	"SDM 3 4.7"
	good	pte PAGES, clear=PTE_P
.f:	mov	[PAGES], bl
	expect	exception, vector=VEC_PF, error=PF_W, cr2=PAGES, rip=.f
	checkpoint

;! fail step=1 why="another exit than expected"
;! exit checkpoint "exception vector=*"
case fault, "A page that is not there does"
	ref	"SDM 3 4.7"
	bad	pte PAGES, clear=PTE_P
	mov	al, [PAGES]
	checkpoint rax=(REG_RAX & ~0xff) | 0xa0

;! error step=1 why="no level 2 table maps 0x40000000"
case no_such_entry, "An entry expected where there is no table is the case's error"
	ref	"SDM 3 4.5"
	checkpoint
	good	pte_is PAGES, set=PTE_A
	bad	pte_is 0x40000000, set=PTE_A

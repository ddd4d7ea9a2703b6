; SPDX-License-Identifier: GPL-2.0-only
%include "goodbad.inc"
modes prot32

;! refused why="line 8: pte: there is no paging in prot32"
case it, "A page-table entry without paging"
	ref	"SDM 3 4.1"
	bad	pte PAGES, clear=PTE_P
	checkpoint

; SPDX-License-Identifier: GPL-2.0-only
; Instructions that only CPL 0 may execute: at CPL 3 each is #GP(0), and nothing
; has changed.
%include "microguest.inc"
modes prot16, prot32, compat32, long64, vm86
%include "events.inc"

%if BITS == 64
	%define cax rax
%else
	%define cax eax
%endif

; privileged NAME, INSTRUCTION
%macro privileged 2+.nolist
case %1, "at CPL 3: #GP(0)"
	ref	"SDM 3 5.9", "SDM 3 25.1.1", "APM 2 table 6-1"
	ring3
	emulate	%2
	expect	exception, vector=VEC_GP, error=0, rip=EMULATED
%endmacro

privileged hlt, hlt
privileged clts, clts
privileged lmsw, lmsw ax
privileged invlpg, invlpg [SCRATCH]
privileged invd, invd
privileged wbinvd, wbinvd
privileged cli, cli
privileged sti, sti
privileged mov_from_cr0, mov cax, cr0
privileged mov_to_cr0, mov cr0, cax
privileged mov_from_cr2, mov cax, cr2
privileged mov_to_cr3, mov cr3, cax
privileged mov_to_cr4, mov cr4, cax
privileged mov_from_dr7, mov cax, dr7
privileged mov_to_dr0, mov dr0, cax
privileged rdmsr, rdmsr
privileged wrmsr, wrmsr
privileged rdpmc, rdpmc
%if BITS == 64
privileged mov_from_cr8, mov rax, cr8
privileged mov_to_cr8, mov cr8, rax
privileged swapgs, swapgs
%endif

case dr_before_gd, "at CPL 3 #GP(0) comes before the #DB of DR7.GD"
	ref	"SDM 3 6.9", "APM 2 8.5"
	ring3
	given	dr7=DR7_INIT | DR7_GD
	emulate	mov cax, dr6
	expect	exception, vector=VEC_GP, error=0, rip=EMULATED

case rdtsc_tsd, "RDTSC at CPL 3 with CR4.TSD is #GP(0)"
	ref	"SDM 2 RDTSC", "APM 3 RDTSC"
	ring3
	given	cr4=STAGE_CR4 | CR4_TSD
	emulate	rdtsc
	expect	exception, vector=VEC_GP, error=0, rip=EMULATED

case rdtsc, "RDTSC at CPL 3 without CR4.TSD reads the time"
	ref	"SDM 2 RDTSC", "APM 3 RDTSC"
	ring3
	emulate	rdtsc
	checkpoint undefined_reg=1 << (F_rax - 1) | 1 << (F_rdx - 1)

case iopl_3, "CLI and STI at CPL 3 with IOPL 3 change IF"
	ref	"SDM 2 CLI", "SDM 2 STI", "APM 3 CLI"
	ring3
	given	set=IOPL_3 | IF
	emulate	cli
	checkpoint clear=IF
	emulate	sti
	nop
	checkpoint set=IF

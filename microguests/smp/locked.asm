; SPDX-License-Identifier: GPL-2.0-only
; Locked instructions of several vCPUs on the same memory: nothing is lost.
%include "microguest.inc"
modes real16, prot32, pae32, long64

%define TIMES 2000

case inc, "LOCK INC from two processors: every one counts"
	ref	"SDM 3 8.1.2.2", "APM 2 7.3.2"
	smp	2
	given	rcx=TIMES
.loop0:	lock inc dword [SCRATCH]
	dec	ecx
	jnz	.loop0
	checkpoint rcx=0, status=ZF | PF
vcpu 1
	given	rcx=TIMES
.loop1:	lock inc dword [SCRATCH]
	dec	ecx
	jnz	.loop1
	checkpoint rcx=0, status=ZF | PF
meet
	writes	SCRATCH, dd, 2 * TIMES

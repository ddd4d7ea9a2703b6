; SPDX-License-Identifier: GPL-2.0-only
; The ring of coalesced writes with several processors: there is one for all of them.
%include "microguest.inc"
modes prot32, long64
%include "events.inc"
%include "smp.inc"

%define API "Linux Documentation/virt/kvm/api.rst KVM_REGISTER_COALESCED_MMIO"
%define ZONE (MMIO + 0x100)

case one_ring, "A write of any processor is found in the ring that the first one's file maps"
	ref	API
	need	cap_coalesced_mmio
	smp	2
	action	coalesce, address=ZONE, size=8
meet
vcpu 1
	given	rax=0x12345678
	mov	[ZONE + 4], eax
	checkpoint
meet
vcpu 0
	nop
	checkpoint
	action	coalesced_is, address=ZONE + 4, size=4, data=0x12345678
	action	coalesced_is, count=0
	checkpoint

case all_write, "Writes of both are in it, each processor's in order"
	ref	API
	need	cap_coalesced_mmio
	smp	2
	action	coalesce, address=ZONE, size=8
meet
	mov	[ZONE], bl
	checkpoint
meet
vcpu 1
	mov	[ZONE + 1], cl
	mov	[ZONE + 2], cl
	checkpoint
meet
vcpu 0
	mov	[ZONE + 3], bl
	checkpoint
	action	coalesced_is, address=ZONE, size=1, data=REG_RBX & 0xff
	action	coalesced_is, address=ZONE + 1, size=1, data=REG_RCX & 0xff
	action	coalesced_is, address=ZONE + 2, size=1, data=REG_RCX & 0xff
	action	coalesced_is, address=ZONE + 3, size=1, data=REG_RBX & 0xff
	action	coalesced_is, count=0

; SPDX-License-Identifier: GPL-2.0-only
; KVM_SET_SREGS refuses what no processor can be in. The state stays as it was, and
; the guest goes on in it.
%include "microguest.inc"
modes prot32, long64

%define API_SREGS "Linux Documentation/virt/kvm/api.rst KVM_SET_SREGS"
%define LONG_CR0 (CR0_PG | CR0_WP | CR0_NE | CR0_ET | CR0_EM | CR0_PE)

; Registers that must be refused.
%macro refused 1-*.nolist
	checkpoint
	action	set, %{1:-1}, errno=EINVAL
	checkpoint
%endmacro

case apic_base_reserved, "Reserved low bits of IA32_APIC_BASE are refused"
	ref	API_SREGS, "SDM 3 10.4.4"
	irqchip	user, kernel
	refused	apic_base=0xfee00901

case apic_base_too_high, "An APIC base beyond MAXPHYADDR is refused"
	ref	API_SREGS, "SDM 3 10.4.4"
	need	maxphyaddr_lt_52
	irqchip	user, kernel
	refused	apic_base=0x80000fee00900

case x2apic_disabled, "x2APIC mode of a local APIC that is off is refused"
	ref	API_SREGS, "SDM 3 10.12.1"
	irqchip	user, kernel
	refused	apic_base=0xfee00500

case cr4_reserved, "A reserved bit of CR4 is refused"
	ref	API_SREGS, "SDM 3 2.5"
	refused	cr4=(1 << 31) | (LONG * CR4_PAE)

case cr4_high_half, "Bits above 31 of CR4 are refused"
	ref	API_SREGS, "SDM 3 2.5"
	refused	cr4=(1 << 63) | (LONG * CR4_PAE)

case cr0_high_half, "Bits above 31 of CR0 are refused"
	ref	API_SREGS, "SDM 3 2.5"
	refused	cr0=(1 << 32) | CR0_NE | CR0_ET | CR0_EM | CR0_PE | LONG * LONG_CR0

case cr0_nw_without_cd, "CR0.NW without CD is refused"
	ref	API_SREGS, "SDM 3 2.5"
	refused	cr0=CR0_NW | CR0_NE | CR0_ET | CR0_EM | CR0_PE | LONG * LONG_CR0

%if LONG

case pg_without_pe, "CR0.PG without PE is refused"
	ref	API_SREGS, "SDM 3 2.5"
	refused	cr0=LONG_CR0 & ~CR0_PE

case long_without_pae, "Long mode without CR4.PAE is refused"
	ref	API_SREGS, "SDM 3 4.1.1"
	refused	cr4=0

case long_without_lma, "EFER.LME and paging without LMA is refused"
	ref	API_SREGS, "SDM 3 4.1.1"
	refused	efer=EFER_LME | EFER_NXE

case lma_without_lme, "EFER.LMA without LME is refused"
	ref	API_SREGS, "SDM 3 4.1.1"
	refused	efer=EFER_LMA | EFER_NXE

case lma_without_paging, "EFER.LMA without paging is refused"
	ref	API_SREGS, "SDM 3 4.1.1"
	refused	cr0=LONG_CR0 & ~CR0_PG

case cr3_too_high, "A CR3 beyond MAXPHYADDR is refused in long mode"
	ref	API_SREGS, "SDM 3 4.5"
	need	maxphyaddr_lt_52
	refused	cr3=TABLES | (1 << 51)

case cr3_upper_bits, "Bits 63 to 52 of CR3 are refused in long mode"
	ref	API_SREGS, "SDM 3 4.5"
	refused	cr3=TABLES | (1 << 62)

%else

case code64_outside_long, "A 64-bit code segment outside long mode is refused"
	ref	API_SREGS, "SDM 3 3.4.5"
	refused	cs_ar=AR_CODE64

case lma_outside_long, "EFER.LMA outside long mode is refused"
	ref	API_SREGS, "SDM 3 4.1.1"
	refused	efer=EFER_LMA

case lme_alone, "EFER.LME without paging is no long mode yet, and is taken"
	ref	API_SREGS, "SDM 3 9.8.5"
	checkpoint
	action	set, efer=EFER_LME
	checkpoint

case lme_paging_without_pae, "EFER.LME and paging without CR4.PAE is refused"
	ref	API_SREGS, "SDM 3 4.1.1"
	refused	efer=EFER_LME | EFER_LMA, cr0=CR0_PG | CR0_NE | CR0_ET | CR0_EM | CR0_PE

%endif

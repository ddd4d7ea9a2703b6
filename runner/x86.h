/* SPDX-License-Identifier: GPL-2.0-only */
/* Bits and layouts of the architecture that more than one file needs. */
#pragma once

/* KVM's forced-emulation prefix: what follows it is interpreted, not executed. */
#define FEP_PREFIX "\x0f\x0bkvm"
#define FEP_BYTES 5

/* RFLAGS (SDM 1 3.4.3) */
#define RFLAGS_FIXED 0x2ull
#define RFLAGS_STATUS 0x8d5ull	/* CF PF AF ZF SF OF */
#define RFLAGS_TF 0x100ull
#define RFLAGS_IF 0x200ull
#define RFLAGS_NT 0x4000ull
#define RFLAGS_RF 0x10000ull
#define RFLAGS_VM 0x20000ull
#define RFLAGS_AC 0x40000ull

/* Control registers and EFER (SDM 3 2.5, 2.2.1) */
#define CR0_PE 0x1ull
#define CR0_EM 0x4ull
#define CR0_ET 0x10ull
#define CR0_NE 0x20ull
#define CR0_WP 0x10000ull
#define CR0_PG 0x80000000ull
#define CR4_PSE 0x10ull
#define CR4_PAE 0x20ull
#define CR4_PGE 0x80ull
#define CR4_OSFXSR 0x200ull
#define CR4_OSXMMEXCPT 0x400ull
#define CR4_LA57 0x1000ull
#define CR4_PCIDE 0x20000ull
#define CR4_OSXSAVE 0x40000ull
#define CR4_SMEP 0x100000ull
#define CR4_SMAP 0x200000ull
#define CR4_PKE 0x400000ull
#define EFER_LME 0x100ull
#define EFER_LMA 0x400ull
#define EFER_NXE 0x800ull

/* Access rights, as in bytes 5 and 6 of a descriptor (SDM 3 3.4.5, 3.5) */
#define AR_TYPE 0xfull
#define AR_TYPE_CONFORMING 0x4ull
#define AR_ACCESSED 0x1ull
#define AR_S 0x10ull		/* code or data, not system */
#define AR_DPL3 0x60ull
#define AR_DPL_SHIFT 5
#define AR_P 0x80ull
#define AR_L 0x2000ull
#define AR_DB 0x4000ull
#define AR_G 0x8000ull
#define AR_CODE 0x9bull
#define AR_CODE_CONFORMING 0x9full
#define AR_DATA 0x93ull
#define AR_DATA_READONLY 0x91ull
#define AR_DATA_EXPANDDOWN 0x97ull
#define AR_LDT 0x82ull
#define AR_TSS_AVAILABLE 0x89ull
#define AR_TSS_BUSY 0x8bull
#define AR_TSS16_BUSY 0x83ull
#define AR_INT16 0x86ull
#define AR_INT 0x8eull
#define AR_VM86 0xf3ull		/* of every segment in virtual-8086 mode (SDM 3 26.3.1.2) */
#define SELECTOR_TI 4ull

/* Task state segments (SDM 3 7.2.1, 7.6, 7.7): 32-bit and 64-bit, then 16-bit */
#define TSS_SP0 4
#define TSS_SP_STEP 8
#define TSS_SS0 8
#define TSS_IST1 0x24
#define TSS_IOMAP_BASE 0x66
#define TSS16_SP0 2
#define TSS16_SS0 4

#define MSR_TSC 0x10

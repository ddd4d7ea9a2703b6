/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The virtual machine control block: APM 2 appendix B, and the exit codes of appendix C.
 */
/* Not #pragma once: sparse goes by the name, and core/ has another for this file. */
#ifndef ASSAY_VMCB_H
#define ASSAY_VMCB_H

#include "../core/port.h"

/* ---- intercepts (APM 2 15.9, appendix B table B-1) ------------------------------------- */

/* vmcb_control.intercepts, by index of the 32-bit word and bit in it. */
#define VMCB_CR_READ 0			/* word 0: bits 0 to 15 */
#define VMCB_CR_WRITE 16
#define VMCB_DR_READ 32			/* word 1 */
#define VMCB_DR_WRITE 48
#define VMCB_EXCEPTION 64		/* word 2: a bit for each vector */
#define VMCB_INTR 96			/* word 3 */
#define VMCB_NMI 97
#define VMCB_SMI 98
#define VMCB_INIT 99
#define VMCB_VINTR 100
#define VMCB_CR0_SELECTIVE 101
#define VMCB_IDTR_READ 102
#define VMCB_RDTSC 110
#define VMCB_RDPMC 111
#define VMCB_PUSHF 112
#define VMCB_CPUID 114
#define VMCB_RSM 115
#define VMCB_IRET 116
#define VMCB_INTN 117
#define VMCB_INVD 118
#define VMCB_PAUSE 119
#define VMCB_HLT 120
#define VMCB_INVLPG 121
#define VMCB_INVLPGA 122
#define VMCB_IOIO 123
#define VMCB_MSR 124
#define VMCB_TASK_SWITCH 125
#define VMCB_FERR_FREEZE 126
#define VMCB_SHUTDOWN 127
#define VMCB_VMRUN 128			/* word 4 */
#define VMCB_VMMCALL 129
#define VMCB_VMLOAD 130
#define VMCB_VMSAVE 131
#define VMCB_STGI 132
#define VMCB_CLGI 133
#define VMCB_SKINIT 134
#define VMCB_RDTSCP 135
#define VMCB_ICEBP 136
#define VMCB_WBINVD 137
#define VMCB_MONITOR 138
#define VMCB_MWAIT 139
#define VMCB_MWAIT_ARMED 140
#define VMCB_XSETBV 141

/* ---- exit codes (appendix C) --------------------------------------------------------------- */

#define SVM_EXIT_CR_READ 0x00		/* to 0x0f */
#define SVM_EXIT_CR_WRITE 0x10
#define SVM_EXIT_DR_READ 0x20
#define SVM_EXIT_DR_WRITE 0x30
#define SVM_EXIT_EXCEPTION 0x40		/* to 0x5f: by vector */
#define SVM_EXIT_INTR 0x60
#define SVM_EXIT_NMI 0x61
#define SVM_EXIT_SMI 0x62
#define SVM_EXIT_INIT 0x63
#define SVM_EXIT_VINTR 0x64
#define SVM_EXIT_CPUID 0x72
#define SVM_EXIT_IRET 0x74
#define SVM_EXIT_HLT 0x78
#define SVM_EXIT_IOIO 0x7b
#define SVM_EXIT_TASK_SWITCH 0x7d
#define SVM_EXIT_SHUTDOWN 0x7f
#define SVM_EXIT_VMMCALL 0x81
#define SVM_EXIT_LAST_INSTRUCTION 0x8d	/* XSETBV */
#define SVM_EXIT_NPF 0x400
#define SVM_EXIT_INVALID (~0ull)

/* ---- fields ----------------------------------------------------------------------------- */

/* EVENTINJ and EXITINTINFO (15.20, 15.7.2) */
#define VMCB_EVENT_TYPE_SHIFT 8
#define VMCB_EVENT_ERROR_VALID (1u << 11)
#define VMCB_EVENT_VALID (1u << 31)
#define VMCB_EVENT_ERROR_SHIFT 32

/* int_control (15.21) */
#define VMCB_V_IRQ (1u << 8)
#define VMCB_V_IGN_TPR (1u << 20)
#define VMCB_V_INTR_MASKING (1u << 24)

#define VMCB_INTERRUPT_SHADOW 1u
#define VMCB_NESTED_PAGING 1u
#define VMCB_FLUSH_ALL 1u		/* tlb_control: every entry of every ASID */

struct vmcb_control {
	u32 intercepts[6];
	u8 reserved1[0x24];
	u16 pause_threshold, pause_count;
	u64 iopm, msrpm;		/* host-physical, of 12 and 8 KiB */
	u64 tsc_offset;
	u32 asid;
	u8 tlb_control;
	u8 reserved2[3];
	u32 int_control;
	u32 int_vector;
	u64 int_state;
	u64 exit_code;
	u64 exit_info1, exit_info2;
	u64 exit_int_info;
	u64 nested;
	u8 reserved3[0x10];
	u64 event_inject;
	u64 nested_cr3;
	u64 lbr;
	u32 clean;
	u32 reserved4;
	u64 next_rip;
	u8 fetched, bytes[15];
	u8 reserved5[0x400 - 0xe0];
} __attribute__((packed));

static_assert(offsetof(struct vmcb_control, pause_threshold) == 0x3c);
static_assert(offsetof(struct vmcb_control, iopm) == 0x40);
static_assert(offsetof(struct vmcb_control, tsc_offset) == 0x50);
static_assert(offsetof(struct vmcb_control, asid) == 0x58);
static_assert(offsetof(struct vmcb_control, int_control) == 0x60);
static_assert(offsetof(struct vmcb_control, int_state) == 0x68);
static_assert(offsetof(struct vmcb_control, exit_code) == 0x70);
static_assert(offsetof(struct vmcb_control, exit_int_info) == 0x88);
static_assert(offsetof(struct vmcb_control, nested) == 0x90);
static_assert(offsetof(struct vmcb_control, event_inject) == 0xa8);
static_assert(offsetof(struct vmcb_control, nested_cr3) == 0xb0);
static_assert(offsetof(struct vmcb_control, clean) == 0xc0);
static_assert(offsetof(struct vmcb_control, next_rip) == 0xc8);
static_assert(sizeof(struct vmcb_control) == 0x400);

/* attributes: bits 40 to 47 and 52 to 55 of a descriptor, side by side. */
struct vmcb_seg {
	u16 selector, attributes;
	u32 limit;
	u64 base;
} __attribute__((packed));

struct vmcb_save {
	struct vmcb_seg es, cs, ss, ds, fs, gs, gdtr, ldtr, idtr, tr;
	u8 reserved1[0x2b];
	u8 cpl;
	u32 reserved2;
	u64 efer;
	u8 reserved3[0x70];
	u64 cr4, cr3, cr0, dr7, dr6, rflags, rip;
	u8 reserved4[0x58];
	u64 rsp;
	u64 s_cet, ssp, isst;
	u64 rax;
	u64 star, lstar, cstar, sfmask, kernel_gs_base;
	u64 sysenter_cs, sysenter_esp, sysenter_eip;
	u64 cr2;
	u8 reserved5[0x20];
	u64 pat, debugctl, br_from, br_to, last_from, last_to;
	u8 reserved6[0xc00 - 0x298];
} __attribute__((packed));

static_assert(offsetof(struct vmcb_save, cpl) == 0xcb);
static_assert(offsetof(struct vmcb_save, efer) == 0xd0);
static_assert(offsetof(struct vmcb_save, cr4) == 0x148);
static_assert(offsetof(struct vmcb_save, rip) == 0x178);
static_assert(offsetof(struct vmcb_save, rsp) == 0x1d8);
static_assert(offsetof(struct vmcb_save, rax) == 0x1f8);
static_assert(offsetof(struct vmcb_save, cr2) == 0x240);
static_assert(offsetof(struct vmcb_save, pat) == 0x268);

struct vmcb {
	struct vmcb_control control;
	struct vmcb_save save;
} __attribute__((packed));

static_assert(sizeof(struct vmcb) == 0x1000);

#endif

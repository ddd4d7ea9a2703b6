/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Descriptors and segment registers: reading the tables, the checks of loading a
 * register, system descriptors (SDM 3 chapters 3 and 5, APM 2 chapter 4).
 */
#pragma once

#include "exec.h"

/* A descriptor as it is in a table: 8 bytes, or 16 for a system segment in long mode. */
struct descriptor {
	u64 low, high;
	u64 linear;		/* where it was read */
};

#define SELECTOR_RPL(selector) ((selector) & 3)
#define SELECTOR_TI 4u
#define SELECTOR_NULL(selector) (!((selector) & 0xfffc))

/* Types of system descriptors (SDM 3 table 3-2). */
#define SYSTEM_TSS16 1
#define SYSTEM_LDT 2
#define SYSTEM_TSS16_BUSY 3
#define SYSTEM_CALL_GATE16 4
#define SYSTEM_TASK_GATE 5
#define SYSTEM_TSS 9
#define SYSTEM_TSS_BUSY 11
#define SYSTEM_CALL_GATE 12

static inline u32 descriptor_ar(const struct descriptor *d)
{
	return d->low >> 40 & 0xf0ff;
}

static inline unsigned int descriptor_type(const struct descriptor *d)
{
	return d->low >> 40 & 15;
}

static inline unsigned int descriptor_dpl(const struct descriptor *d)
{
	return d->low >> 45 & 3;
}

static inline bool descriptor_is_segment(const struct descriptor *d)
{
	return d->low >> 44 & 1;	/* S */
}

static inline bool descriptor_present(const struct descriptor *d)
{
	return d->low >> 47 & 1;
}

static inline bool descriptor_is_code(const struct descriptor *d)
{
	return descriptor_is_segment(d) && descriptor_type(d) & X86_AR_CODE;
}

/* Base, limit in bytes, and access rights of a descriptor of 8 bytes. */
struct x86_seg seg_of_descriptor(const struct descriptor *d, u16 selector);

/*
 * Reads the descriptor a selector names from GDT or LDT. Beyond the table's limit: fault
 * `vector` with the selector as error code.
 */
enum x86_result seg_read_descriptor(struct x86_exec *x, u16 selector, enum x86_vector vector,
				    struct descriptor *d);
/* The same for a system descriptor, which in long mode has 16 bytes. */
enum x86_result seg_read_system(struct x86_exec *x, u16 selector, enum x86_vector vector,
				struct descriptor *d);
/* Sets the accessed bit in the table, if it is not yet, and in *d. */
enum x86_result seg_set_accessed(struct x86_exec *x, struct descriptor *d);

/* MOV, POP, LDS and their like: any register but CS, in any mode, with all checks. */
enum x86_result seg_load(struct x86_exec *x, enum x86_seg_name name, u16 selector);
/* DS, ES, FS and GS in protected mode; a failed check is `vector`, #TS or #GP. */
enum x86_result seg_load_data(struct x86_exec *x, enum x86_seg_name name, u16 selector,
			      enum x86_vector vector);
/* Stack segment for a given privilege level; a failed check is `vector`, #TS or #GP. */
enum x86_result seg_load_ss(struct x86_exec *x, u16 selector, unsigned int cpl,
			    enum x86_vector vector);
/* LLDT and LTR. */
enum x86_result seg_load_ldtr(struct x86_exec *x, u16 selector);
enum x86_result seg_load_tr(struct x86_exec *x, u16 selector);

/* What real and virtual-8086 mode make of a selector. */
void seg_load_real(struct x86_exec *x, enum x86_seg_name name, u16 selector);

/*
 * RETF and IRET to an outer level: data segments that the new CPL may not use become null
 * (SDM 2 RET).
 */
void seg_drop_privileged(struct x86_exec *x);

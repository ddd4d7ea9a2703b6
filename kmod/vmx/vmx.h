/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of vmx/ share. */
#pragma once

#include "../assay.h"
#include "../core/check_vmx.h"
#include "vmcs.h"

/* What this machine's VMX can do, and which of it is used (caps.c). */
struct vmx_caps {
	struct vmx_limits limits;	/* as core/ judges entries by */
	u32 revision;			/* of VMXON regions and VMCSs */
	u32 pin, primary, secondary, exit, entry;	/* controls that all vCPUs have */
	bool vpid, ept_ad, unrestricted, virtual_nmi;
};

extern struct vmx_caps vmx_caps;

struct vmx_vcpu {
	struct page *page;		/* the VMCS */
	struct list_head loaded;	/* on the list of the processor that has it */
	int cpu;			/* that one, or -1 */
	bool launched;
	u16 vpid;
	struct x86_event injected;	/* at the last entry */
	u64 host_kernel_gs;		/* the task's GS base, while the guest runs */
	u32 primary;			/* as written last */
};

/* caps.c: 0, or -errno with the capability that is missing in the log. */
int vmx_read_caps(void);

/* entry.S: 0, or what VMLAUNCH and VMRESUME left of CF and ZF. */
asmlinkage unsigned long vmx_enter(u64 *gpr, bool launched);
asmlinkage void vmx_exit_point(void);

/* state.c: the architectural state into the current VMCS, and back. */
void vmx_store_state(const struct x86_state *s, u64 dr7, const struct x86_event *event);
/* Whether only an unrestricted guest may be in this state (SDM 3 27.3.1). */
bool vmx_restricted(const struct x86_state *s, u64 dr7);
void vmx_load_state(struct x86_state *s);

/* exit.c: what the processor's exit means. */
void vmx_read_exit(struct vmx_vcpu *vmx, struct x86_state *s, struct assay_exit *exit);
void vmx_not_entered(struct vmx_vcpu *vmx, struct x86_state *s, struct assay_exit *exit);
void vmx_read_failure(struct assay_exit *exit, u64 flags);
/* The current VMCS as core/ judges it. */
void vmx_read_image(struct vmcs_image *image);

/* ---- instructions: of the current VMCS, which cannot fail with fields that exist ----------- */

static inline u64 vmx_read(enum vmcs_field field)
{
	u64 value;

	asm volatile("vmread %1, %0" : "=r"(value) : "r"((u64)field) : "cc");
	return value;
}

static inline void vmx_write(enum vmcs_field field, u64 value)
{
	asm volatile("vmwrite %1, %0" : : "r"((u64)field), "r"(value) : "cc");
}

/* The field of segment number `seg` in a row of them: ES, CS, SS, DS, FS, GS, LDTR, TR. */
static inline enum vmcs_field vmx_of_segment(enum vmcs_field first, unsigned int seg)
{
	return first + 2 * seg;
}

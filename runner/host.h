/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The machine and hypervisor results belong to, the features cases may need, and
 * what assay probe says of both.
 */
#pragma once

#include <linux/kvm.h>
#include <pthread.h>

#include "util.h"

struct host {			/* every string is set, "unknown" if it cannot be told */
	char cpu[64];		/* brand string */
	char vendor[16];	/* GenuineIntel ... */
	unsigned int family, model, stepping;
	char microcode[24];
	char kernel[128];	/* release of the running kernel */
	char machine[64];	/* "bare metal", or the hypervisor under it: "KVM", "TCG" ... */
	char machine_version[24];	/* of that, where ASSAY_MACHINE tells it */
	char hypervisor[24];	/* "kvm_intel", "kvm_amd", "kvm_pvm", "assay", ... */
	char version[64];	/* of the hypervisor: its module's, else the kernel's */
	char *parameters;	/* "kvm.force_emulation_prefix=0 kvm_amd.npt=1 ...", or "" */
};

/* Fills *host for the hypervisor behind a device node, which need not exist. */
void host_read(struct host *host, const char *path);
void host_free(struct host *host);

/* The first line of a file, without blanks around; false if there is none. */
bool host_read_line(const char *path, char *line, size_t room);
/* The value of a kernel module's parameter; false if it cannot be read. */
bool host_parameter(const char *module, const char *parameter, char *value, size_t room);
/* Whether the module is loaded or built in, as far as sysfs says. */
bool host_module(const char *module);
/* Whether the processor has VMX or SVM, used by anybody or not. */
bool host_has_vmx(void);
bool host_has_svm(void);

/* MSRs that can be written back, by irqchip, once a VM has found out; the values are its. */
struct msr_cache {
	pthread_mutex_t lock;
	struct kvm_msrs *msrs[3];	/* IRQCHIP_USER, SPLIT, KERNEL */
};

struct target {
	const char *path;	/* "/dev/kvm" */
	int fd;
	size_t run_size;	/* bytes to map per vCPU */
	struct kvm_cpuid2 *cpuid;	/* KVM_GET_SUPPORTED_CPUID */
	struct kvm_msr_list *msrs;	/* KVM_GET_MSR_INDEX_LIST */
	struct msr_cache *msr_cache;	/* or NULL: every VM finds out for itself */
	u32 coalesced_offset;	/* of the coalesced ring from kvm_run, in bytes; 0: none */
	u32 exit_ring;		/* of the ring of exits from kvm_run, in bytes; 0: none */
	bool tr_available;	/* TR must be loaded as available (see target_tr) */
	bool fep;		/* takes the forced-emulation prefix */
	char *fep_missing;	/* why not */
	struct host host;
};

/*
 * Opens a KVM-ABI device node. Returns STATUS_OK; or STATUS_CANNOT or
 * STATUS_ERROR with one line in *error (freed by the caller) that says what is
 * wrong with the node and what to do: absent, not permitted, no device behind
 * it, not a KVM (API version), no memory.
 */
enum status target_open(struct target *target, const char *path, char **error);
void target_close(struct target *target);

/*
 * Makes a TR fit for KVM_SET_SREGS on this target. QEMU's TCG looks up stacks and I/O
 * permissions of an SVM guest only in a TSS whose type in TR is "available", and
 * ends itself over a busy one; kvm_amd shows it as busy in any case, as it must be.
 */
void target_tr(const struct target *target, struct kvm_segment *tr);

/*
 * Whether the guest's processor and the target offer a feature a case needs:
 * NULL if so, else a line saying what is missing. An unknown name is reported by
 * feature_known() at load time.
 */
char *feature_missing(const struct target *target, const char *name);
bool feature_known(const char *name);
/* Names and descriptions in order, for assay probe; false past the last. */
bool feature_at(unsigned int i, const char **name, const char **text);

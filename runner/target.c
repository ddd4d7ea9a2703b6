// SPDX-License-Identifier: GPL-2.0-only
/*
 * Opening a target: the device node of a hypervisor that speaks the KVM ABI,
 * what it offers, and what to tell the person when it does not work.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host.h"
#include "../kmod/ring.h"

#define CPUID_ENTRIES_MAX 4096

/* ---- why a node cannot be opened --------------------------------------------- */

/* What to do so that there is a /dev/kvm. */
static const char *kvm_advice(const struct host *host)
{
	if (host_module("kvm_pvm"))
		return "the module kvm_pvm is there but drives nothing: see dmesg";
	if (host_has_svm())
		return "the processor has SVM: sudo modprobe kvm_amd";
	if (host_has_vmx())
		return "the processor has VMX: sudo modprobe kvm_intel, and if that fails "
		       "turn virtualisation on in the firmware setup (see dmesg)";
	if (!strcmp(host->machine, "bare metal"))
		return "the processor offers neither VMX nor SVM: turn virtualisation on in the "
		       "firmware setup";
	return "this is a virtual machine without VMX and SVM: turn nested virtualisation on "
	       "where it runs, or use another machine";
}

static char *advice(const char *path)
{
	struct host host;
	char *text;

	if (!strcmp(path, "/dev/assay"))
		return xstrdup("load Assay's own hypervisor: sudo modprobe assay");
	if (strcmp(path, "/dev/kvm"))
		return xstrdup("load the module that makes it, or name another target by --on");
	host_read(&host, path);
	text = xasprintf("%s", kvm_advice(&host));
	host_free(&host);
	return text;
}

/* The name of a group, from /etc/group: libc's way would not work in a static program. */
static void group_name(unsigned int gid, char *name, size_t room)
{
	FILE *file = fopen("/etc/group", "re");
	char line[1024], found[64];
	unsigned int id;

	snprintf(name, room, "%u", gid);
	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%63[^:]:%*[^:]:%u", found, &id) == 2 && id == gid) {
			snprintf(name, room, "%s", found);
			break;
		}
	}
	if (file)
		fclose(file);
}

static char *no_permission(const char *path)
{
	struct stat st;
	char group[64];

	if (stat(path, &st))
		return xasprintf("%s: no permission on a directory of its path", path);
	group_name(st.st_gid, group, sizeof(group));
	if (geteuid() == 0)
		return xasprintf("%s: no permission, though root: a container or security module "
				 "forbids it; start the container with --device %s", path, path);
	if ((st.st_mode & 060) == 060 && st.st_gid != 0)
		return xasprintf("%s: no permission: it is for the group %s; type sudo usermod -aG "
				 "%s $USER and log in again", path, group, group);
	return xasprintf("%s: no permission: its mode is %03o; type sudo chgrp kvm %s && sudo "
			 "chmod 660 %s, and sudo usermod -aG kvm $USER, and log in again", path,
			 (unsigned int)(st.st_mode & 0777), path, path);
}

static enum status cannot_open(const char *path, int err, char **error)
{
	char *what;

	switch (err) {
	case ENOENT:
	case ENOTDIR:
		if (strncmp(path, "/dev/", 5)) {
			*error = xasprintf("%s: no such file: a target is the device node of a "
					   "hypervisor, as /dev/kvm", path);
			return STATUS_ERROR;
		}
		what = advice(path);
		*error = xasprintf("%s: there is no such device; %s", path, what);
		break;
	case ENODEV:
	case ENXIO:
		what = advice(path);
		*error = xasprintf("%s: the node is there, but no device behind it; %s", path,
				   what);
		break;
	case EACCES:
	case EPERM:
		*error = no_permission(path);
		return STATUS_CANNOT;
	case EISDIR:
		*error = xasprintf("%s: is a directory: a target is the device node of a "
				   "hypervisor, as /dev/kvm", path);
		return STATUS_ERROR;
	case EBUSY:
		*error = xasprintf("%s: is in use by another hypervisor: stop its guests, or "
				   "unload its module", path);
		return STATUS_CANNOT;
	default:
		*error = xasprintf("%s: cannot be opened: %s", path, strerror(err));
		return STATUS_CANNOT;
	}
	free(what);
	return STATUS_CANNOT;
}

/* ---- what it offers ------------------------------------------------------------ */

/* What no case can be run without; the engine relies on these unasked. */
static const struct {
	unsigned int cap;
	const char *name;
} required[] = {
	{ KVM_CAP_USER_MEMORY, "KVM_CAP_USER_MEMORY" },
	{ KVM_CAP_EXT_CPUID, "KVM_CAP_EXT_CPUID" },
	{ KVM_CAP_MP_STATE, "KVM_CAP_MP_STATE" },
	{ KVM_CAP_VCPU_EVENTS, "KVM_CAP_VCPU_EVENTS" },
	{ KVM_CAP_DEBUGREGS, "KVM_CAP_DEBUGREGS" },
	{ KVM_CAP_XSAVE, "KVM_CAP_XSAVE" },
	{ KVM_CAP_IMMEDIATE_EXIT, "KVM_CAP_IMMEDIATE_EXIT" },
};

static enum status check_abi(struct target *target, char **error)
{
	int version = ioctl(target->fd, KVM_GET_API_VERSION, 0UL);

	if (version < 0 && errno == ENOMEM) {
		*error = xasprintf("%s: the kernel has no memory", target->path);
		return STATUS_CANNOT;
	}
	if (version < 0) {
		*error = xasprintf("%s: does not speak the KVM ABI (KVM_GET_API_VERSION: %s): a "
				   "target is the device node of a hypervisor, as /dev/kvm",
				   target->path, strerror(errno));
		return STATUS_ERROR;
	}
	if (version != KVM_API_VERSION) {
		*error = xasprintf("%s: speaks version %d of the KVM ABI, and Assay version %d: "
				   "use a newer kernel", target->path, version, KVM_API_VERSION);
		return STATUS_CANNOT;
	}
	for (size_t i = 0; i < ARRAY_SIZE(required); i++) {
		if (ioctl(target->fd, KVM_CHECK_EXTENSION, (unsigned long)required[i].cap) <= 0) {
			*error = xasprintf("%s: has no %s, which every case needs: use a newer "
					   "kernel", target->path, required[i].name);
			return STATUS_CANNOT;
		}
	}
	return STATUS_OK;
}

/* KVM asks for a larger array by E2BIG, and corrects a too large one by itself. */
static int read_cpuid(struct target *target)
{
	for (u32 n = 64; n <= CPUID_ENTRIES_MAX; n *= 2) {
		size_t bytes = sizeof(*target->cpuid) + n * sizeof(target->cpuid->entries[0]);

		target->cpuid = xrealloc(target->cpuid, bytes);
		memset(target->cpuid, 0, bytes);
		target->cpuid->nent = n;
		if (ioctl(target->fd, KVM_GET_SUPPORTED_CPUID, target->cpuid) == 0)
			return 0;
		if (errno != E2BIG)
			return -1;
	}
	return -1;
}

static int read_msrs(struct target *target)
{
	struct kvm_msr_list size = { .nmsrs = 0 };

	if (ioctl(target->fd, KVM_GET_MSR_INDEX_LIST, &size) < 0 && errno != E2BIG)
		return -1;
	target->msrs = xcalloc(1, sizeof(size) + size.nmsrs * sizeof(size.indices[0]));
	target->msrs->nmsrs = size.nmsrs;
	return ioctl(target->fd, KVM_GET_MSR_INDEX_LIST, target->msrs);
}

/* How the forced-emulation prefix is turned on: it is a parameter of module. */
static char *fep_advice(const char *module, const char *vendor)
{
	char path[128], state[16];
	struct stat st;

	snprintf(path, sizeof(path), "/sys/module/%s/parameters/force_emulation_prefix", module);
	if (stat(path, &st) == 0 && st.st_mode & 0200)
		return xasprintf("echo 1 | sudo tee %s", path);
	/* A module that is built into the kernel has no state. */
	snprintf(path, sizeof(path), "/sys/module/%s/initstate", module);
	if (!host_read_line(path, state, sizeof(state)))
		return xasprintf("boot with %s.force_emulation_prefix=1", module);
	if (strcmp(module, vendor))
		return xasprintf("sudo modprobe -r %s %s && sudo modprobe %s "
				 "force_emulation_prefix=1 && sudo modprobe %s", vendor, module,
				 module, vendor);
	return xasprintf("sudo modprobe -r %s && sudo modprobe %s force_emulation_prefix=1",
			 module, module);
}

/* The prefix is not probed: one that is off is UD2, and what follows it would run. */
static void read_fep(struct target *target)
{
	const char *module = target->host.hypervisor;
	char value[16], *how;

	if (!strncmp(module, "kvm_", 4))
		module = "kvm";
	if (!strcmp(module, "unknown")) {
		target->fep_missing = xasprintf("whether %s takes the forced-emulation prefix "
						"cannot be told: no sysfs, or no module known by "
						"that name", target->path);
		return;
	}
	if (!host_parameter(module, "force_emulation_prefix", value, sizeof(value))) {
		target->fep_missing = xasprintf("%s takes no forced-emulation prefix: its module "
						"%s has no such parameter", target->path, module);
		return;
	}
	/* A number since 6.2, a truth value before. */
	target->fep = *value == 'Y' || atoi(value) > 0;
	if (target->fep)
		return;
	how = fep_advice(module, target->host.hypervisor);
	target->fep_missing = xasprintf("the forced-emulation prefix is off: %s", how);
	free(how);
}

/* KVM answers 0 for what it does not know; a page that is not mapped is no answer. */
static void read_exit_ring(struct target *target)
{
	int page = ioctl(target->fd, KVM_CHECK_EXTENSION, (unsigned long)ASSAY_CAP_EXIT_RING);
	size_t end = page > 0 ? ((size_t)page + 1) * sizeof(struct assay_exit_ring) : 0;

	if (end && end <= target->run_size)
		target->exit_ring = (u32)(end - sizeof(struct assay_exit_ring));
}

static enum status read_offer(struct target *target, char **error)
{
	int size = ioctl(target->fd, KVM_GET_VCPU_MMAP_SIZE, 0UL);

	if (size < (int)sizeof(struct kvm_run)) {
		*error = xasprintf("%s: KVM_GET_VCPU_MMAP_SIZE: %s", target->path,
				   size < 0 ? strerror(errno) : "less than struct kvm_run");
		return STATUS_CANNOT;
	}
	target->run_size = (size_t)size;
	/* In pages from kvm_run; 0 where there is no coalescing. */
	size = ioctl(target->fd, KVM_CHECK_EXTENSION, (unsigned long)KVM_CAP_COALESCED_MMIO);
	target->coalesced_offset = size > 0 ? (u32)size * 4096u : 0;
	read_exit_ring(target);
	if (read_cpuid(target)) {
		*error = xasprintf("%s: KVM_GET_SUPPORTED_CPUID: %s", target->path,
				   strerror(errno));
		return STATUS_CANNOT;
	}
	if (read_msrs(target)) {
		*error = xasprintf("%s: KVM_GET_MSR_INDEX_LIST: %s", target->path, strerror(errno));
		return STATUS_CANNOT;
	}
	return STATUS_OK;
}

enum status target_open(struct target *target, const char *path, char **error)
{
	enum status status;
	struct stat st;

	memset(target, 0, sizeof(*target));
	target->path = path;
	target->fd = -1;
	*error = NULL;
	/* Looked at before it is opened: opening a FIFO waits, opening a tape rewinds. */
	if (stat(path, &st) == 0 && !S_ISCHR(st.st_mode)) {
		*error = xasprintf("%s: is not a character device: a target is the device node of "
				   "a hypervisor, as /dev/kvm", path);
		return STATUS_ERROR;
	}
	target->fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (target->fd < 0)
		return cannot_open(path, errno, error);
	status = check_abi(target, error);
	if (status == STATUS_OK)
		status = read_offer(target, error);
	if (status == STATUS_OK) {
		host_read(&target->host, path);
		target->tr_available = !strcmp(target->host.machine, "TCG");
		read_fep(target);
		target->msr_cache = xcalloc(1, sizeof(*target->msr_cache));
		pthread_mutex_init(&target->msr_cache->lock, NULL);
	} else {
		target_close(target);
	}
	return status;
}

#define TSS_BUSY 2	/* of a TSS descriptor's type (SDM 3 7.2.2) */

void target_tr(const struct target *target, struct kvm_segment *tr)
{
	if (target->tr_available && !tr->s)
		tr->type &= (u8)~TSS_BUSY;
}

void target_close(struct target *target)
{
	if (target->fd >= 0)
		close(target->fd);
	free(target->cpuid);
	free(target->msrs);
	free(target->fep_missing);
	for (unsigned int i = 0; target->msr_cache && i < ARRAY_SIZE(target->msr_cache->msrs); i++)
		free(target->msr_cache->msrs[i]);
	free(target->msr_cache);
	host_free(&target->host);
	memset(target, 0, sizeof(*target));
	target->fd = -1;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * VMX and SVM capabilities: SVM's are in CPUID for everybody to read, VMX's in
 * model-specific registers, which root reads through the msr driver; else the
 * kernel's own summary in /proc/cpuinfo has to do.
 */
#include <cpuid.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hardware.h"
#include "host.h"

/* SDM 4 2.1 and SDM 3 A; APM 2 15.30.1. */
#define IA32_FEATURE_CONTROL 0x3a
#define FEATURE_CONTROL_LOCK (1u << 0)
#define FEATURE_CONTROL_VMX (1u << 2)	/* outside SMX */
#define IA32_VMX_PINBASED_CTLS 0x481
#define IA32_VMX_PROCBASED_CTLS 0x482
#define IA32_VMX_PROCBASED_CTLS2 0x48b
#define IA32_VMX_EPT_VPID_CAP 0x48c
#define PROCBASED_SECONDARY (1u << 31)
#define SECONDARY_EPT (1u << 1)
#define MSR_VM_CR 0xc0010114
#define VM_CR_SVMDIS (1u << 4)

struct bit_name {
	unsigned int bit;
	const char *name;
};

static const struct bit_name pin_based[] = {	/* SDM 3 24.6.1 */
	{ 5, "vnmi" }, { 6, "preemption_timer" }, { 7, "posted_interrupts" },
};

static const struct bit_name primary[] = {	/* SDM 3 24.6.2 */
	{ 3, "tsc_offsetting" }, { 21, "tpr_shadow" }, { 25, "io_bitmaps" },
	{ 27, "monitor_trap_flag" }, { 28, "msr_bitmaps" },
};

static const struct bit_name secondary[] = {
	{ 0, "virtualize_apic" }, { 1, "ept" }, { 2, "descriptor_table_exiting" },
	{ 4, "virtualize_x2apic" }, { 5, "vpid" }, { 7, "unrestricted_guest" },
	{ 8, "apic_registers" }, { 9, "virtual_interrupt_delivery" },
	{ 10, "pause_loop_exiting" }, { 13, "vmfunc" }, { 14, "shadow_vmcs" }, { 17, "pml" },
	{ 18, "ept_violation_ve" }, { 22, "mode_based_execute" }, { 25, "tsc_scaling" },
	{ 28, "bus_lock_detection" }, { 30, "notify_exiting" },
};

static const struct bit_name ept_vpid[] = {	/* SDM 3 A.10 */
	{ 0, "ept_execute_only" }, { 7, "ept_5_levels" }, { 16, "ept_2m" }, { 17, "ept_1g" },
	{ 20, "invept" }, { 21, "ept_ad" }, { 32, "invvpid" },
};

static const struct bit_name svm_bits[] = {	/* APM 3 E.4.9: CPUID 8000000a EDX */
	{ 0, "npt" }, { 1, "lbrv" }, { 2, "svm_lock" }, { 3, "nrips" }, { 4, "tsc_scale" },
	{ 5, "vmcb_clean" }, { 6, "flush_by_asid" }, { 7, "decode_assists" },
	{ 10, "pause_filter" }, { 12, "pause_filter_threshold" }, { 13, "avic" },
	{ 15, "v_vmsave_vmload" }, { 16, "vgif" }, { 17, "gmet" }, { 18, "x2avic" },
	{ 20, "spec_ctrl" }, { 24, "tlb_ictl" }, { 25, "vnmi" },
};

static void add_bits(struct strbuf *sb, u64 value, const struct bit_name *names, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (value >> names[i].bit & 1)
			sb_printf(sb, "%s%s", sb->len ? " " : "", names[i].name);
	}
}

#define ADD_BITS(sb, value, names) add_bits(sb, value, names, ARRAY_SIZE(names))

static bool read_msr(int fd, u32 index, u64 *value)
{
	return fd >= 0 && pread(fd, value, sizeof(*value), index) == sizeof(*value);
}

/* What a control may be set to is in the upper half of its register (SDM 3 A.3). */
static void add_controls(struct strbuf *sb, int fd, u32 index, const struct bit_name *names,
			 size_t n)
{
	u64 value;

	if (read_msr(fd, index, &value))
		add_bits(sb, value >> 32, names, n);
}

static void vmx_features(struct strbuf *sb, int fd)
{
	u64 value;

	add_controls(sb, fd, IA32_VMX_PINBASED_CTLS, pin_based, ARRAY_SIZE(pin_based));
	add_controls(sb, fd, IA32_VMX_PROCBASED_CTLS, primary, ARRAY_SIZE(primary));
	/* The further registers exist only where these say so: reading them would fault. */
	if (!read_msr(fd, IA32_VMX_PROCBASED_CTLS, &value) || !(value >> 32 & PROCBASED_SECONDARY))
		return;
	add_controls(sb, fd, IA32_VMX_PROCBASED_CTLS2, secondary, ARRAY_SIZE(secondary));
	if (!read_msr(fd, IA32_VMX_PROCBASED_CTLS2, &value) || !(value >> 32 & SECONDARY_EPT))
		return;
	if (read_msr(fd, IA32_VMX_EPT_VPID_CAP, &value))
		ADD_BITS(sb, value, ept_vpid);
}

/* The line "vmx flags" of /proc/cpuinfo: what the kernel knows by name. */
static void cpuinfo_vmx_flags(struct strbuf *sb)
{
	FILE *file = fopen("/proc/cpuinfo", "re");
	char line[4096];

	while (file && fgets(line, sizeof(line), file)) {
		char *flags = strchr(line, ':');

		if (flags && !strncmp(line, "vmx flags", 9)) {
			sb_printf(sb, "%.*s", (int)strcspn(flags + 2, "\n"), flags + 2);
			break;
		}
	}
	if (file)
		fclose(file);
}

static void read_vmx(struct hardware *hardware, struct strbuf *sb, int fd)
{
	u64 control;

	if (fd < 0) {
		cpuinfo_vmx_flags(sb);
		return;
	}
	vmx_features(sb, fd);
	if (read_msr(fd, IA32_FEATURE_CONTROL, &control) && control & FEATURE_CONTROL_LOCK &&
	    !(control & FEATURE_CONTROL_VMX))
		hardware->trouble = xstrdup("VMX is locked off (IA32_FEATURE_CONTROL): turn "
					    "virtualisation on in the firmware setup");
}

static void read_svm(struct hardware *hardware, struct strbuf *sb, int fd)
{
	unsigned int eax, ebx, ecx, edx;
	u64 control;

	if (__get_cpuid(0x8000000a, &eax, &ebx, &ecx, &edx))
		ADD_BITS(sb, edx, svm_bits);
	if (read_msr(fd, MSR_VM_CR, &control) && control & VM_CR_SVMDIS)
		hardware->trouble = xstrdup("SVM is turned off (VM_CR.SVMDIS): turn virtualisation "
					    "(SVM mode) on in the firmware setup");
}

void hardware_read(struct hardware *hardware)
{
	struct strbuf sb = { 0 };
	int fd = -1;

	*hardware = (struct hardware){ .vmx = host_has_vmx(), .svm = host_has_svm() };
	if (hardware->vmx || hardware->svm) {
		fd = open("/dev/cpu/0/msr", O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			hardware->unseen = xstrdup("the registers that say what VMX and SVM can do "
						   "here: sudo modprobe msr, and run this as root");
	}
	if (hardware->vmx)
		read_vmx(hardware, &sb, fd);
	if (hardware->svm)
		read_svm(hardware, &sb, fd);
	hardware->features = sb.s ? sb.s : xstrdup("");
	if (fd >= 0)
		close(fd);
}

void hardware_free(struct hardware *hardware)
{
	free(hardware->features);
	free(hardware->trouble);
	free(hardware->unseen);
	*hardware = (struct hardware){ 0 };
}

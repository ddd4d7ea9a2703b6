// SPDX-License-Identifier: GPL-2.0-only
/*
 * The machine and the hypervisor results belong to, from CPUID, /proc and sysfs.
 * Whatever cannot be told is "unknown": results are worth having even where
 * nothing is mounted.
 */
#include <cpuid.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "host.h"

#define HYPERVISOR_LEAF 0x40000000u	/* reserved to hypervisors: SDM 2 CPUID, APM 3 E.3.10 */

static void set(char *to, size_t room, const char *from)
{
	snprintf(to, room, "%.*s", (int)room - 1, *from ? from : "unknown");
}

#define SET(array, from) set(array, sizeof(array), from)

/* Without blanks at both ends, and without what would upset a terminal. */
static char *tidy(char *s)
{
	char *end;

	while (*s == ' ' || *s == '\t')
		s++;
	end = s + strlen(s);
	while (end > s && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\n'))
		end--;
	*end = 0;
	for (char *c = s; *c; c++) {
		if (*c < 0x20 || *c == 0x7f)
			*c = '?';
	}
	return s;
}

bool host_read_line(const char *path, char *line, size_t room)
{
	FILE *file = fopen(path, "re");
	char *tidied;

	if (!file)
		return false;
	tidied = fgets(line, (int)room, file) ? tidy(line) : NULL;
	fclose(file);
	if (!tidied)
		return false;
	memmove(line, tidied, strlen(tidied) + 1);
	return true;
}

bool host_parameter(const char *module, const char *parameter, char *value, size_t room)
{
	char path[320];

	snprintf(path, sizeof(path), "/sys/module/%s/parameters/%s", module, parameter);
	return host_read_line(path, value, room);
}

bool host_module(const char *module)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/module/%s", module);
	return access(path, F_OK) == 0;
}

/* ---- the processor ----------------------------------------------------------- */

/* SDM 2 CPUID, "Processor Brand String" and "Version Information". */
static void read_processor(struct host *host)
{
	unsigned int regs[12], eax, ebx, ecx, edx;
	char text[49] = "";

	if (__get_cpuid(0x80000004, &regs[8], &regs[9], &regs[10], &regs[11])) {
		__get_cpuid(0x80000002, &regs[0], &regs[1], &regs[2], &regs[3]);
		__get_cpuid(0x80000003, &regs[4], &regs[5], &regs[6], &regs[7]);
		memcpy(text, regs, 48);
	}
	SET(host->cpu, tidy(text));

	memset(text, 0, sizeof(text));
	if (__get_cpuid(0, &eax, &ebx, &ecx, &edx)) {
		memcpy(text, &ebx, 4);
		memcpy(text + 4, &edx, 4);
		memcpy(text + 8, &ecx, 4);
	}
	SET(host->vendor, tidy(text));

	if (__get_cpuid(1, &eax, &ebx, &ecx, &edx)) {
		host->family = eax >> 8 & 0xf;
		host->model = eax >> 4 & 0xf;
		host->stepping = eax & 0xf;
		if (host->family == 6 || host->family == 15)
			host->model |= eax >> 12 & 0xf0;
		if (host->family == 15)
			host->family += eax >> 20 & 0xff;
	}
}

static void read_microcode(struct host *host)
{
	FILE *file = fopen("/proc/cpuinfo", "re");
	char line[4096];

	SET(host->microcode, "");
	while (file && fgets(line, sizeof(line), file)) {
		char *value = strchr(line, ':');

		if (value && !strncmp(line, "microcode", 9)) {
			SET(host->microcode, tidy(value + 1));
			break;
		}
	}
	if (file)
		fclose(file);
}

/* ---- the machine ------------------------------------------------------------- */

static void hypervisor_signature(unsigned int leaf, char text[13])
{
	unsigned int eax, ebx, ecx, edx;

	__cpuid(leaf, eax, ebx, ecx, edx);
	(void)eax;
	memcpy(text, &ebx, 4);
	memcpy(text + 4, &ecx, 4);
	memcpy(text + 8, &edx, 4);
	text[12] = 0;
}

static const char *signature_name(const char *signature)
{
	static const struct { const char *signature, *name; } known[] = {
		{ "KVMKVMKVM", "KVM" },
		{ "TCGTCGTCGTCG", "TCG" },
		{ "Microsoft Hv", "Hyper-V" },
		{ "VMwareVMware", "VMware" },
		{ "XenVMMXenVMM", "Xen" },
		{ "VBoxVBoxVBox", "VirtualBox" },
		{ "bhyve bhyve ", "bhyve" },
		{ "ACRNACRNACRN", "ACRN" },
		{ "Jailhouse", "Jailhouse" },
		{ " lrpepyh  vr", "Parallels" },
		{ "___ NVMM ___", "NVMM" },
		{ "OpenBSDVMM58", "OpenBSD vmm" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		if (!strcmp(signature, known[i].signature))
			return known[i].name;
	}
	return NULL;
}

/* Emulators that do not say in CPUID what they are. */
static bool is_bochs(void)
{
	static const char *const files[] = {
		"/sys/class/dmi/id/bios_vendor", "/sys/class/dmi/id/sys_vendor",
	};
	char line[64];

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		if (host_read_line(files[i], line, sizeof(line)) && strstr(line, "Bochs"))
			return true;
	}
	return false;
}

static void find_machine(struct host *host)
{
	unsigned int eax, ebx, ecx = 0, edx;
	char signature[13], second[13];
	const char *name;

	if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) || !(ecx & 1u << 31)) {
		SET(host->machine, is_bochs() ? "Bochs" : "bare metal");
		return;
	}
	hypervisor_signature(HYPERVISOR_LEAF, signature);
	name = signature_name(signature);
	/* KVM that also looks like Hyper-V to its guest has its own leaves behind those. */
	hypervisor_signature(HYPERVISOR_LEAF + 0x100, second);
	if (name && !strcmp(name, "Hyper-V") && signature_name(second))
		name = signature_name(second);
	if (name)
		SET(host->machine, name);
	else if (*tidy(signature))
		SET(host->machine, tidy(signature));
	else
		SET(host->machine, "a hypervisor without a name");
}

/*
 * ASSAY_MACHINE says what cannot be seen from inside, as "TCG 7.2.22": the version of
 * an emulator, after its name. A maker's name may stand before it ("QEMU TCG 7.2.22").
 */
static void read_machine(struct host *host)
{
	static const char maker[] = "QEMU ";
	const char *told = getenv("ASSAY_MACHINE"), *version;
	size_t len;

	find_machine(host);
	SET(host->machine_version, "");
	if (!told)
		return;
	if (!strncmp(told, maker, strlen(maker)))
		told += strlen(maker);
	version = strrchr(told, ' ');
	len = version ? (size_t)(version - told) : strlen(told);
	if (version)
		SET(host->machine_version, version + 1);
	if (len)
		snprintf(host->machine, sizeof(host->machine), "%.*s", (int)len, told);
}

/* ---- the hypervisor ---------------------------------------------------------- */

bool host_has_vmx(void)
{
	unsigned int eax, ebx, ecx = 0, edx;

	return __get_cpuid(1, &eax, &ebx, &ecx, &edx) && ecx & 1u << 5;
}

bool host_has_svm(void)
{
	unsigned int eax, ebx, ecx = 0, edx;

	return __get_cpuid(0x80000001, &eax, &ebx, &ecx, &edx) && ecx & 1u << 2;
}

/*
 * The module behind /dev/kvm. Only one drives it, but one that is built into the
 * kernel has its directory in sysfs even where it found nothing to drive.
 */
static const char *kvm_module(void)
{
	static const char *const modules[] = { "kvm_pvm", "kvm_intel", "kvm_amd" };
	const char *native = host_has_vmx() ? "kvm_intel" : host_has_svm() ? "kvm_amd" : NULL;

	for (size_t i = 0; i < ARRAY_SIZE(modules); i++) {
		char path[64];

		snprintf(path, sizeof(path), "/sys/module/kvm/holders/%s", modules[i]);
		if (access(path, F_OK) == 0)
			return modules[i];
	}
	if (native && host_module(native))
		return native;
	for (size_t i = 0; i < ARRAY_SIZE(modules); i++) {
		if (host_module(modules[i]))
			return modules[i];
	}
	return "unknown";
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* The kernel's own name of the device, as nodes may be called anything. */
static void device_name(const char *path, char *name, size_t room)
{
	char link[64], to[256];
	struct stat st;
	ssize_t len;

	set(name, room, base_name(path));
	if (stat(path, &st) || !S_ISCHR(st.st_mode))
		return;
	snprintf(link, sizeof(link), "/sys/dev/char/%u:%u", major(st.st_rdev), minor(st.st_rdev));
	len = readlink(link, to, sizeof(to) - 1);
	if (len <= 0)
		return;
	to[len] = 0;
	set(name, room, base_name(to));
}

static int is_name(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static void add_parameters(struct strbuf *sb, const char *module)
{
	struct dirent **entries;
	char path[128], value[256];
	int n;

	snprintf(path, sizeof(path), "/sys/module/%s/parameters", module);
	n = scandir(path, &entries, is_name, alphasort);
	for (int i = 0; i < n; i++) {
		if (host_parameter(module, entries[i]->d_name, value, sizeof(value)))
			sb_printf(sb, "%s%s.%s=%s", sb->len ? " " : "", module, entries[i]->d_name,
				  value);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
}

/* Of kvm.ko's parameters, those that change what a guest or a caller can see. */
static void add_kvm_parameters(struct strbuf *sb)
{
	static const char *const names[] = {
		"eager_page_split", "enable_pmu", "enable_vmware_backdoor", "flush_on_reuse",
		"force_emulation_prefix", "ignore_msrs", "lapic_timer_advance",
		"lapic_timer_advance_ns", "mmio_caching", "nx_huge_pages", "pi_inject_timer",
		"tdp_mmu", "tsc_tolerance_ppm", "vector_hashing",
	};
	char value[256];

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (host_parameter("kvm", names[i], value, sizeof(value)))
			sb_printf(sb, "%skvm.%s=%s", sb->len ? " " : "", names[i], value);
	}
}

static void read_hypervisor(struct host *host, const char *path)
{
	struct strbuf sb = { 0 };
	char name[64], file[128], version[64];

	device_name(path, name, sizeof(name));
	if (!strcmp(name, "kvm")) {
		SET(host->hypervisor, kvm_module());
		add_kvm_parameters(&sb);
	} else {
		SET(host->hypervisor, host_module(name) ? name : "unknown");
	}
	if (strcmp(host->hypervisor, "unknown"))
		add_parameters(&sb, host->hypervisor);
	host->parameters = sb.s ? sb.s : xstrdup("");

	snprintf(file, sizeof(file), "/sys/module/%s/version", host->hypervisor);
	if (host_read_line(file, version, sizeof(version)))
		SET(host->version, version);
	else
		snprintf(host->version, sizeof(host->version), "%.63s", host->kernel);
}

void host_read(struct host *host, const char *path)
{
	struct utsname uts;

	memset(host, 0, sizeof(*host));
	read_processor(host);
	read_microcode(host);
	SET(host->kernel, uname(&uts) == 0 ? uts.release : "");
	read_machine(host);
	read_hypervisor(host, path);
}

void host_free(struct host *host)
{
	free(host->parameters);
	host->parameters = NULL;
}

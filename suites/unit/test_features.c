// SPDX-License-Identifier: GPL-2.0-only
/* Features by name, on made-up CPUIDs; what target_open() says of bad nodes. */
#include <cpuid.h>
#include <stdlib.h>
#include <unistd.h>

#include "host.h"
#include "tap.h"

#define ENTRIES 16

static struct kvm_cpuid2 *cpuid;
static struct target target = { .path = "/dev/none", .fd = -1 };

static struct kvm_cpuid_entry2 *add(u32 leaf, u32 subleaf, u32 flags)
{
	struct kvm_cpuid_entry2 *entry = &cpuid->entries[cpuid->nent++];

	*entry = (struct kvm_cpuid_entry2){
		.function = leaf, .index = subleaf, .flags = flags,
	};
	return entry;
}

static void reset(void)
{
	free(cpuid);
	cpuid = xcalloc(1, sizeof(*cpuid) + ENTRIES * sizeof(cpuid->entries[0]));
	target.cpuid = cpuid;
}

static bool offered(const char *name)
{
	char *missing = feature_missing(&target, name);
	bool yes = !missing;

	free(missing);
	return yes;
}

static bool is_cap(const char *name)
{
	return !strncmp(name, "cap_", 4);
}

static void vendor(const char *text)
{
	struct kvm_cpuid_entry2 *entry;

	reset();
	entry = add(0, 0, 0);
	memcpy(&entry->ebx, text, 4);
	memcpy(&entry->edx, text + 4, 4);
	memcpy(&entry->ecx, text + 8, 4);
}

static void test_names(void)
{
	const char *name, *text, *other, *ignored;
	unsigned int count = 0, bad = 0;

	for (unsigned int i = 0; feature_at(i, &name, &text); i++, count++) {
		bad += !*text || strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") !=
				strlen(name) || !feature_known(name);
		for (unsigned int j = 0; j < i && feature_at(j, &other, &ignored); j++)
			bad += !strcmp(name, other);
	}
	ok(count > 100, "there are more than a hundred features (%u)", count);
	ok_equal(bad, 0, "each has a description and a name of its own in lower case");
	ok(!feature_known("Smap") && !feature_known("") && !feature_known("cap_"),
	   "other names are not known");
}

/* No target behind it: no capability, and of CPUID nothing either. */
static void test_nothing(void)
{
	const char *name, *text;
	unsigned int there = 0;

	reset();
	for (unsigned int i = 0; feature_at(i, &name, &text); i++) {
		/* 36 bits are what a CPUID without the leaf means. */
		there += offered(name) && strcmp(name, "maxphyaddr_lt_52");
	}
	ok_equal(there, 0, "an empty CPUID offers nothing");
}

struct bit {
	const char *name;
	u32 leaf, subleaf;
	char reg;
	u32 mask;		/* as the compiler's <cpuid.h> has it */
};

static const struct bit bits[] = {
	{ "cx8", 1, 0, 'd', bit_CMPXCHG8B },
	{ "cmov", 1, 0, 'd', bit_CMOV },
	{ "mmx", 1, 0, 'd', bit_MMX },
	{ "fxsr", 1, 0, 'd', bit_FXSAVE },
	{ "sse", 1, 0, 'd', bit_SSE },
	{ "sse2", 1, 0, 'd', bit_SSE2 },
	{ "sse3", 1, 0, 'c', bit_SSE3 },
	{ "pclmulqdq", 1, 0, 'c', bit_PCLMUL },
	{ "ssse3", 1, 0, 'c', bit_SSSE3 },
	{ "fma", 1, 0, 'c', bit_FMA },
	{ "cmpxchg16b", 1, 0, 'c', bit_CMPXCHG16B },
	{ "sse4_1", 1, 0, 'c', bit_SSE4_1 },
	{ "sse4_2", 1, 0, 'c', bit_SSE4_2 },
	{ "movbe", 1, 0, 'c', bit_MOVBE },
	{ "popcnt", 1, 0, 'c', bit_POPCNT },
	{ "aesni", 1, 0, 'c', bit_AES },
	{ "xsave", 1, 0, 'c', bit_XSAVE },
	{ "avx", 1, 0, 'c', bit_AVX },
	{ "f16c", 1, 0, 'c', bit_F16C },
	{ "rdrand", 1, 0, 'c', bit_RDRND },
	{ "fsgsbase", 7, 0, 'b', bit_FSGSBASE },
	{ "bmi1", 7, 0, 'b', bit_BMI },
	{ "avx2", 7, 0, 'b', bit_AVX2 },
	{ "bmi2", 7, 0, 'b', bit_BMI2 },
	{ "rtm", 7, 0, 'b', bit_RTM },
	{ "avx512f", 7, 0, 'b', bit_AVX512F },
	{ "rdseed", 7, 0, 'b', bit_RDSEED },
	{ "adx", 7, 0, 'b', bit_ADX },
	{ "clflushopt", 7, 0, 'b', bit_CLFLUSHOPT },
	{ "clwb", 7, 0, 'b', bit_CLWB },
	{ "sha", 7, 0, 'b', bit_SHA },
	{ "gfni", 7, 0, 'c', bit_GFNI },
	{ "vaes", 7, 0, 'c', bit_VAES },
	{ "rdpid", 7, 0, 'c', bit_RDPID },
	{ "movdiri", 7, 0, 'c', bit_MOVDIRI },
	{ "movdir64b", 7, 0, 'c', bit_MOVDIR64B },
	{ "pku", 7, 0, 'c', bit_PKU },
	{ "serialize", 7, 0, 'd', bit_SERIALIZE },
	{ "avx_vnni", 7, 1, 'a', bit_AVXVNNI },
	{ "xsaveopt", 0xd, 1, 'a', bit_XSAVEOPT },
	{ "xsavec", 0xd, 1, 'a', bit_XSAVEC },
	{ "xsaves", 0xd, 1, 'a', bit_XSAVES },
	{ "lahf", 0x80000001, 0, 'c', bit_LAHF_LM },
	{ "lzcnt", 0x80000001, 0, 'c', bit_LZCNT },
	{ "sse4a", 0x80000001, 0, 'c', bit_SSE4a },
	{ "prefetchw", 0x80000001, 0, 'c', bit_PRFCHW },
	{ "xop", 0x80000001, 0, 'c', bit_XOP },
	{ "fma4", 0x80000001, 0, 'c', bit_FMA4 },
	{ "tbm", 0x80000001, 0, 'c', bit_TBM },
	{ "mmxext", 0x80000001, 0, 'd', bit_MMXEXT },
	{ "lm", 0x80000001, 0, 'd', bit_LM },
	{ "3dnow", 0x80000001, 0, 'd', bit_3DNOW },
	{ "clzero", 0x80000008, 0, 'b', bit_CLZERO },
	{ "wbnoinvd", 0x80000008, 0, 'b', bit_WBNOINVD },
	/* These <cpuid.h> does not have: SDM 2 CPUID, APM 3 E.3 and E.4. */
	{ "pse", 1, 0, 'd', 1u << 3 },
	{ "pae", 1, 0, 'd', 1u << 6 },
	{ "sep", 1, 0, 'd', 1u << 11 },
	{ "pge", 1, 0, 'd', 1u << 13 },
	{ "pat", 1, 0, 'd', 1u << 16 },
	{ "pse36", 1, 0, 'd', 1u << 17 },
	{ "monitor", 1, 0, 'c', 1u << 3 },
	{ "pcid", 1, 0, 'c', 1u << 17 },
	{ "x2apic", 1, 0, 'c', 1u << 21 },
	{ "tsc_deadline", 1, 0, 'c', 1u << 24 },
	{ "smep", 7, 0, 'b', 1u << 7 },
	{ "invpcid", 7, 0, 'b', 1u << 10 },
	{ "smap", 7, 0, 'b', 1u << 20 },
	{ "umip", 7, 0, 'c', 1u << 2 },
	{ "la57", 7, 0, 'c', 1u << 16 },
	{ "nx", 0x80000001, 0, 'd', 1u << 20 },
	{ "pdpe1gb", 0x80000001, 0, 'd', 1u << 26 },
	{ "rdtscp", 0x80000001, 0, 'd', 1u << 27 },
	{ "syscall", 0x80000001, 0, 'd', 1u << 11 },
};

/* One bit of CPUID set: exactly the feature of that bit is there. */
static void test_bits(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(bits); i++) {
		const struct bit *bit = &bits[i];
		struct kvm_cpuid_entry2 *entry;
		const char *name, *text;
		unsigned int others = 0;

		reset();
		if (bit->subleaf)	/* subleaf 0 must not answer for it */
			add(bit->leaf, 0, KVM_CPUID_FLAG_SIGNIFCANT_INDEX);
		entry = add(bit->leaf, bit->subleaf, KVM_CPUID_FLAG_SIGNIFCANT_INDEX);
		*(bit->reg == 'a' ? &entry->eax : bit->reg == 'b' ? &entry->ebx :
		  bit->reg == 'c' ? &entry->ecx : &entry->edx) = bit->mask;
		for (unsigned int j = 0; feature_at(j, &name, &text); j++)
			others += offered(name) && strcmp(name, bit->name) && !is_cap(name) &&
				  strcmp(name, "maxphyaddr_lt_52");
		ok(offered(bit->name) && !others, "%s is its bit of CPUID, and no other's",
		   bit->name);
	}
}

static void test_predicates(void)
{
	char *why;

	vendor("GenuineIntel");
	ok(offered("intel") && !offered("amd"), "GenuineIntel is intel");
	vendor("AuthenticAMD");
	ok(offered("amd") && !offered("intel"), "AuthenticAMD is amd");
	vendor("HygonGenuine");
	ok(offered("amd") && !offered("intel"), "HygonGenuine is amd");
	vendor("CentaurHauls");
	ok(!offered("amd") && !offered("intel"), "CentaurHauls is neither");
	why = feature_missing(&target, "intel");
	ok_contains(why, "CentaurHauls", "and the reason names it");
	free(why);

	reset();
	add(0x80000008, 0, 0)->eax = 51 | 57 << 8;
	ok(offered("maxphyaddr_lt_52"), "of 51 physical-address bits one is left over");
	cpuid->entries[0].eax = 52 | 57 << 8;
	ok(!offered("maxphyaddr_lt_52"), "of 52 none");

	reset();
	target.fep_missing = "it is off";
	why = feature_missing(&target, "fep");
	ok_text(why, "it is off", "the reason of a missing fep is the target's");
	free(why);
	target.fep = true;
	ok(offered("fep"), "fep is the target's");
	target.fep = false;
	target.fep_missing = NULL;
}

static void test_reasons(void)
{
	char *why;

	reset();
	why = feature_missing(&target, "smap");
	ok_contains(why, "smap (CPUID 7 EBX bit 20)", "a reason names the bit");
	free(why);
	why = feature_missing(&target, "xsaves");
	ok_contains(why, "CPUID d.1 EAX bit 3", "and the subleaf");
	free(why);
	why = feature_missing(&target, "cap_sync_regs");
	ok_contains(why, "KVM capability 74", "or the capability");
	free(why);
	why = feature_missing(&target, "smapp");
	ok_contains(why, "no feature is called smapp", "an unknown name is said to be one");
	free(why);
}

static void test_open(const char *path, enum status status, const char *part)
{
	struct target opened;
	char *error = NULL;

	ok_equal(target_open(&opened, path, &error), status, "%s: status", path);
	ok_contains(error, part, "%s: reason", path);
	ok_contains(error, path, "%s: the reason names it", path);
	free(error);
}

static void test_targets(void)
{
	struct host host;

	test_open("/dev/null", STATUS_ERROR, "does not speak the KVM ABI");
	test_open("/dev", STATUS_ERROR, "not a character device");
	test_open("/proc/self/exe", STATUS_ERROR, "not a character device");
	test_open("kvm-that-is-not-there", STATUS_ERROR, "no such file");
	test_open("/dev/kvm-that-is-not-there", STATUS_CANNOT, "no such device");
	if (access("/dev/assay", F_OK))
		test_open("/dev/assay", STATUS_CANNOT, "modprobe assay");

	host_read(&host, "/dev/kvm-that-is-not-there");
	ok(*host.cpu && *host.vendor && *host.microcode && *host.kernel && *host.machine,
	   "the machine is told, or unknown");
	ok_text(host.hypervisor, "unknown", "there is no hypervisor behind no node");
	ok_text(host.parameters, "", "and no parameters");
	host_free(&host);
}

/* What ASSAY_MACHINE makes of the machine; an empty name: what was found. */
static void machine_told(const char *told, const char *name, const char *version)
{
	struct host host, found;

	unsetenv("ASSAY_MACHINE");
	host_read(&found, "/dev/null");
	if (told)
		setenv("ASSAY_MACHINE", told, 1);
	host_read(&host, "/dev/null");
	ok_text(host.machine, *name ? name : found.machine, "ASSAY_MACHINE=\"%s\": the machine",
		told ? told : "");
	ok_text(host.machine_version, version, "and its version");
	unsetenv("ASSAY_MACHINE");
	host_free(&host);
	host_free(&found);
}

static void test_machine(void)
{
	machine_told(NULL, "", "unknown");
	machine_told("", "", "unknown");
	machine_told("TCG 7.2.22", "TCG", "7.2.22");
	machine_told("QEMU TCG 7.2.22", "TCG", "7.2.22");
	machine_told("Bochs 2.7", "Bochs", "2.7");
	machine_told("QEMU", "QEMU", "unknown");
	machine_told(" 2.7", "", "2.7");
}

/* TR as KVM_SET_SREGS gets it: busy, but where the target can use only an available one. */
static void test_tr(void)
{
	struct target lab = { .tr_available = false };
	struct kvm_segment tr = { .type = 11 };

	target_tr(&lab, &tr);
	ok_equal(tr.type, 11, "TR stays busy");
	lab.tr_available = true;
	target_tr(&lab, &tr);
	ok_equal(tr.type, 9, "TR becomes available where it must");
	target_tr(&lab, &tr);
	ok_equal(tr.type, 9, "and stays so");
}

int main(void)
{
	test_tr();
	test_names();
	test_nothing();
	test_bits();
	test_predicates();
	test_reasons();
	test_targets();
	test_machine();
	free(cpuid);
	return tap_done();
}

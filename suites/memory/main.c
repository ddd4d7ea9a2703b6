// SPDX-License-Identifier: GPL-2.0-only
/*
 * The program: tests of what becomes of a guest when Linux does things to the memory of its
 * task. It prints TAP.
 *
 * usage: memory-test [--on NODE] [--swap DEVICE] [--list] [NAME...]
 *
 * Exit status: 0 no test failed, 1 one did, 2 bad usage, 125 the node cannot be used.
 */
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "memory.h"
#include "system.h"

#define UNUSABLE 125

const char *node = "/dev/kvm";

static const struct test *const themes[] = {
	slot_tests, answer_tests, dirty_tests, change_tests, file_tests, fork_tests, huge_tests,
	uffd_tests, swap_tests, account_tests,
};

#define INTERPRETED \
	"KVM's interpreter, which runs all of this guest, takes memory that is not there for MMIO"
#define TABLES "KVM takes the address of the table for that of the operand"

/*
 * Tests that a target is known to fail, and why. Their failure is shown and does not count:
 * in TAP it is a "not ok" with the directive TODO.
 */
static const struct {
	const char *module;	/* that drives /dev/kvm */
	const char *test, *reason;
} deviations[] = {
	{ "kvm_pvm", "change/read_only", INTERPRETED },
	{ "kvm_pvm", "change/read_only_read", INTERPRETED },
	{ "kvm_pvm", "change/no_access", INTERPRETED },
	{ "kvm_pvm", "change/unmapped", INTERPRETED },
	{ "kvm_pvm", "change/moved", INTERPRETED },
	{ "kvm_pvm", "file/truncated", INTERPRETED },
	{ "kvm_pvm", "file/mapped_twice", INTERPRETED },
	{ "kvm_pvm", "huge/hugetlb", INTERPRETED },
	{ "kvm_pvm", "uffd/interrupted", "KVM's interpreter waits for pages, not for signals" },
	{ "kvm_pvm", "account/thread_time", "no time of a vCPU is accounted as guest time" },
	{ "kvm_amd", "answer/tables_read_only", TABLES },
	{ "kvm_intel", "answer/tables_read_only", TABLES },
};

/* Why the test is known to fail here, or NULL. */
static const char *deviation(const char *name)
{
	char path[64];

	for (unsigned int i = 0; i < sizeof(deviations) / sizeof(deviations[0]); i++) {
		snprintf(path, sizeof(path), "/sys/module/%s", deviations[i].module);
		if (!strcmp(deviations[i].test, name) && !strcmp(node, "/dev/kvm") &&
		    !access(path, F_OK))
			return deviations[i].reason;
	}
	return NULL;
}

static bool usable(void)
{
	int fd = open(node, O_RDWR | O_CLOEXEC);
	int version;

	if (fd < 0) {
		fprintf(stderr, "memory-test: %s: %s: --on NODE names another\n", node,
			strerror(errno));
		return false;
	}
	version = ioctl(fd, KVM_GET_API_VERSION, 0);
	close(fd);
	if (version == KVM_API_VERSION)
		return true;
	fprintf(stderr, "memory-test: %s: no node of a hypervisor with the KVM ABI\n", node);
	return false;
}

int main(int argc, char **argv)
{
	bool list = false;
	int i = 1;

	for (; i < argc && argv[i][0] == '-'; i++) {
		if (!strcmp(argv[i], "--list")) {
			list = true;
		} else if (!strcmp(argv[i], "--on") && i + 1 < argc) {
			node = argv[++i];
		} else if (!strcmp(argv[i], "--swap") && i + 1 < argc) {
			if (!swap_on(argv[++i]))
				return UNUSABLE;
		} else {
			fprintf(stderr, "usage: memory-test [--on NODE] [--swap DEVICE] [--list] "
				"[NAME...]\n--swap: its contents are lost, its swap stays on\n");
			return BAD_USAGE;
		}
	}
	if (!list && !usable())
		return UNUSABLE;
	return harness_run(&(struct harness){
		.program = "memory-test",
		.themes = themes,
		.count = sizeof(themes) / sizeof(themes[0]),
		.known = deviation,
	}, argv + i, list);
}

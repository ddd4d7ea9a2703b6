// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module: it stays while anything of it is in use, goes when nothing is, comes again, and
 * leaves processors to another hypervisor that has them.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "machine.h"

#define RELOADS (15 * seconds)

#define COUNTERS "/sys/kernel/debug/assay"

static int unload(void)
{
	return syscall(SYS_delete_module, "assay", O_NONBLOCK) ? -errno : 0;
}

/* With the parameter that tests of the emulator need, as it was. */
static int load(bool forced)
{
	int fd = open(module_file, O_RDONLY | O_CLOEXEC);
	const char *arguments = forced ? "force_emulation_prefix=1" : "";
	int ret;

	check(fd >= 0, "%s: %m", module_file);
	ret = (int)syscall(SYS_finit_module, fd, arguments, 0) ? -errno : 0;
	close(fd);
	/* devtmpfs makes the node a moment later. */
	for (unsigned int i = 0; !ret && access(node, F_OK) && i < 1000; i++)
		usleep(1000);
	return ret;
}

static void need_module(void)
{
	need_machine();
	if (!is_assay())
		skip("only of assay.ko");
	if (!module_file)
		skip("--module does not say what to load again");
}

/* Each kind of thing alone holds it. */
static void refused(void)
{
	struct machine machine;
	char *last;

	need_module();
	machine.kvm = open(node, O_RDWR | O_CLOEXEC);
	check(unload() == -EAGAIN, "it went while the node was open");
	close(machine.kvm);
	machine_make_vm(&machine, &counting);
	close(machine.kvm);
	machine.kvm = -1;
	check(unload() == -EAGAIN, "it went while there was a VM");
	machine.kvm = open(node, O_RDWR | O_CLOEXEC);
	machine_make_vcpu(&machine, 1);
	close(machine.kvm);
	close(machine.vm);
	munmap(machine.run[1], machine.run_bytes);
	check(unload() == -EAGAIN, "it went while there was a vCPU");
	last = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, machine.vcpu[1],
		    (off_t)(machine.run_bytes - PAGE));
	machine.run[0] = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, machine.vcpu[1], 0);
	check(last != MAP_FAILED && machine.run[0] != MAP_FAILED, "mmap: %m");
	close(machine.vcpu[1]);
	check(unload() == -EAGAIN, "it went while two pages were mapped");
	munmap(machine.run[0], PAGE);
	check(unload() == -EAGAIN, "it went while the ring was mapped");
	munmap(last, PAGE);
	check(nothing_left(), "nothing was in use");
}

/* Out and in, with a guest between. */
static void reloaded(void)
{
	bool forced = false;

	need_module();
	forced = forced_emulation();
	for (unsigned int i = 0; i < RELOADS; i++) {
		struct machine machine;
		uint32_t next = 0;
		int ret = unload();

		check(!ret, "round %u: it does not go: %s", i, strerror(-ret));
		check(access(node, F_OK), "round %u: the node stays", i);
		check(access(COUNTERS, F_OK), "round %u: the counters stay", i);
		ret = load(forced);
		check(!ret, "round %u: it does not come: %s", i, strerror(-ret));
		machine_make(&machine, &echo);
		machine_numbers(&machine, 0, &next, 3);
		machine_numbers(&machine, 1, &(uint32_t){ 0 }, 3);
		machine_end(&machine);
		check(counter("vms_made") >= 1, "round %u: no VM was counted", i);
	}
}

/* Tasks that open and run whenever they can, while it goes and comes. */
static noreturn void use_it(void)
{
	for (;;) {
		struct kvm_regs regs = { .rip = CODE_AT };
		int kvm = open(node, O_RDWR | O_CLOEXEC), vm, vcpu;

		if (kvm < 0)
			continue;
		vm = ioctl(kvm, KVM_CREATE_VM, 0);
		vcpu = ioctl(vm, KVM_CREATE_VCPU, 0);
		ioctl(vcpu, KVM_SET_REGS, &regs);
		ioctl(vcpu, KVM_RUN, 0);
		close(kvm);
		close(vcpu);
		close(vm);
		usleep(20000);
	}
}

static void raced(void)
{
	unsigned int went = 0, stayed = 0;
	uint64_t end = now() + 60000000;
	bool forced;
	pid_t task;

	need_module();
	forced = forced_emulation();
	task = fork();
	if (!task)
		use_it();
	while (now() < end && went < 8) {
		int ret = unload();

		check(!ret || ret == -EAGAIN || ret == -EBUSY, "unload: %s", strerror(-ret));
		if (!ret) {
			went++;
			ret = load(forced);
			check(!ret, "load: %s", strerror(-ret));
		} else {
			stayed++;
			usleep(went * 150);
		}
	}
	kill(task, SIGKILL);
	waitpid(task, NULL, 0);
	check(went >= 8 && stayed, "it went %u times, and stayed %u times", went, stayed);
}

/* ---- another hypervisor ------------------------------------------------------------------ */

/* A VM of ours, when KVM's has ended: that may take a moment. */
static int made_again(int ours)
{
	int vm = -1;

	for (unsigned int i = 0; i < 100 && (vm = ioctl(ours, KVM_CREATE_VM, 0)) < 0; i++)
		usleep(10000);
	check(vm >= 0, "when KVM's VM has ended: %m");
	return vm;
}

/*
 * With one processor: KVM has the kernel's code patched for its first VM and after its last, and
 * QEMU before 8.1 hangs if another one runs that code at the time.
 */
static void busy(void)
{
	int other = open("/dev/kvm", O_RDWR | O_CLOEXEC), ours = open(node, O_RDWR | O_CLOEXEC);
	int vm, refused;

	need_module();
	check(ours >= 0, "%s: %m", node);
	if (other < 0)
		skip("there is no other hypervisor: /dev/kvm: %s", strerror(errno));
	others_online(false);
	vm = ioctl(other, KVM_CREATE_VM, 0);
	check(vm >= 0, "a VM of KVM: %m");
	log_clear();
	refused = ioctl(ours, KVM_CREATE_VM, 0);
	check(refused == -1 && errno == EBUSY, "beside KVM's VM: %s",
	      refused < 0 ? strerror(errno) : "got one");
	check(log_lines("another hypervisor has this processor: unload kvm_") == 1,
	      "the kernel's log does not name the module");
	close(vm);
	vm = made_again(ours);
	refused = ioctl(other, KVM_CREATE_VM, 0);
	check(refused == -1 && errno == EBUSY, "KVM beside our VM: %s",
	      refused < 0 ? strerror(errno) : "got one");
	close(vm);
	vm = ioctl(other, KVM_CREATE_VM, 0);
	check(vm >= 0, "KVM, when our VM has ended: %m");
	close(vm);
	close(made_again(ours));
	others_online(true);
}

/* The last: what all the other tests have made has been counted, has ended, and nothing stays. */
static void gone(void)
{
	need_module();
	check(counter("vms_made") >= 0 && nothing_left(), "something is left");
	check(!unload(), "it does not go: %m");
	check(access(node, F_OK), "the node stays");
	check(access(COUNTERS, F_OK), "the counters stay");
}

const struct test module_tests[] = {
	{ "module/refused", refused }, { "module/reloaded", reloaded }, { "module/raced", raced },
	{ "module/busy", busy }, { "module/gone", gone }, { NULL, NULL },
};

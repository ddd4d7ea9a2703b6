// SPDX-License-Identifier: GPL-2.0-only
/*
 * Files: closed in any order and while they are used, copied, given to other tasks, inherited
 * by other programs, and more than a task may have.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "machine.h"

/* ---- in any order ------------------------------------------------------------------------ */

enum part { VM, VCPU, RUN, RING, EVENT, PARTS };

struct parts {
	struct machine machine;
	int event;
	char *ring;		/* the last page of a vCPU's file, mapped by itself */
	bool gone[PARTS];
};

static void make_parts(struct parts *parts)
{
	struct kvm_ioeventfd args = { .addr = 0x44, .len = 4, .flags = KVM_IOEVENTFD_FLAG_PIO };
	struct machine *machine = &parts->machine;

	memset(parts, 0, sizeof(*parts));
	machine_make_vm(machine, &sequence);
	machine_make_vcpu(machine, 0);
	parts->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	args.fd = parts->event;
	args.flags |= KVM_IOEVENTFD_FLAG_DATAMATCH;
	check(!ioctl(machine->vm, KVM_IOEVENTFD, &args), "KVM_IOEVENTFD: %m");
	parts->ring = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, machine->vcpu[0],
			   (off_t)(machine->run_bytes - PAGE));
	check(parts->ring != MAP_FAILED, "the last page: %m");
	close(machine->kvm);
}

static void end_part(struct parts *parts, enum part part)
{
	struct machine *machine = &parts->machine;

	parts->gone[part] = true;
	switch (part) {
	case VM:
		close(machine->vm);
		break;
	case VCPU:
		close(machine->vcpu[0]);
		break;
	case RUN:
		munmap(machine->run[0], machine->run_bytes);
		break;
	case RING:
		munmap(parts->ring, PAGE);
		break;
	default:
		close(parts->event);
	}
}

/* Whatever is left works: the first write of 0 is the eventfd's, if it is there or not. */
static void use_parts(struct parts *parts, const char *order)
{
	struct machine *machine = &parts->machine;
	uint64_t count = 0;

	if (!parts->gone[VM])
		check(ioctl(machine->vm, KVM_CHECK_EXTENSION, KVM_CAP_USER_MEMORY) == 1,
		      "%s: the VM", order);
	if (!parts->gone[VCPU])
		check(!ioctl(machine->vcpu[0], KVM_RUN, 0), "%s: KVM_RUN: %m", order);
	if (!parts->gone[VCPU] && !parts->gone[RUN])
		check(machine->run[0]->exit_reason == KVM_EXIT_IO, "%s: exit %u", order,
		      machine->run[0]->exit_reason);
	if (!parts->gone[RING])
		parts->ring[PAGE - 1]++;
	if (!parts->gone[EVENT] && !parts->gone[VCPU])
		check((read(parts->event, &count, sizeof(count)) == sizeof(count)) ==
			      (machine->memory[FAR_AT] == 0),
		      "%s: the eventfd", order);
	machine->memory[FAR_AT] = 1;
}

/* The number'th order of all parts. */
static void one_order(unsigned int number)
{
	static const char letters[] = "MCRPE";
	unsigned int left[PARTS], places = PARTS;
	struct parts parts;
	char order[PARTS + 1] = "";

	for (unsigned int i = 0; i < PARTS; i++)
		left[i] = i;
	make_parts(&parts);
	use_parts(&parts, "none");
	while (places) {
		unsigned int at = number % places;
		enum part part = left[at];

		number /= places--;
		left[at] = left[places];
		order[strlen(order)] = letters[part];
		end_part(&parts, part);
		use_parts(&parts, order);
	}
	munmap(parts.machine.memory, MEMORY);
	if (is_assay())
		check(nothing_left(), "after %s", order);
}

static void any_order(void)
{
	for (unsigned int i = 0; i < 120; i++)
		one_order(i);
}

/* ---- while they are used ----------------------------------------------------------------- */

/* Closing does not end a KVM_RUN that is under way, and nothing is freed below it. */
static void while_running(void)
{
	const struct guest *const guests[] = { &counting, &exiting, &storing };

	for (unsigned int i = 0; i < 12; i++) {
		struct machine machine;
		struct runner runner;

		machine_make(&machine, guests[i % 3]);
		runner_start(&runner, &machine, 0);
		expect_counts(&machine, 10);
		close(machine.kvm);
		close(machine.vm);
		if (i & 1)
			munmap(machine.memory + FAR_AT, MEMORY - FAR_AT);
		if (guests[i % 3] != &storing) {
			/* The runner's next KVM_RUN is EBADF, and its kvm_run has gone. */
			close(machine.vcpu[0]);
			if (i & 2)
				munmap((char *)machine.run[0] + PAGE, machine.run_bytes - PAGE);
			expect_counts(&machine, 10);
		}
		check(runner_stop(&runner), "the vCPU does not come out");
		close(machine.vcpu[1]);
		munmap(machine.run[0], machine.run_bytes);
		munmap(machine.run[1], machine.run_bytes);
		munmap(machine.memory, MEMORY);
	}
}

/* A copy is as good as the first. */
static void copied(void)
{
	struct machine machine;
	int copies[64];

	machine_make(&machine, &sequence);
	for (unsigned int i = 0; i < 64; i++) {
		copies[i] = fcntl(machine.vcpu[0], F_DUPFD_CLOEXEC, 0);
		check(copies[i] >= 0, "a copy: %m");
	}
	close(machine.vcpu[0]);
	close(machine.vm);
	for (unsigned int i = 0; i < 64; i++) {
		machine.vcpu[0] = copies[i];
		check(machine_run(&machine, 0) == KVM_EXIT_IO, "copy %u: KVM_RUN: %m", i);
		close(copies[i]);
	}
	machine.vcpu[0] = machine.vm = -1;
	machine_end(&machine);
}

/* ---- other tasks ------------------------------------------------------------------------- */

/* A VM is of the task that made it: EIO for whoever else has its files (KVM API 2). */
static bool refused(int vm, int vcpu)
{
	struct kvm_regs regs;

	return ioctl(vcpu, KVM_RUN, 0) == -1 && errno == EIO &&
	       ioctl(vcpu, KVM_GET_REGS, &regs) == -1 && errno == EIO &&
	       ioctl(vm, KVM_CHECK_EXTENSION, KVM_CAP_USER_MEMORY) == -1 && errno == EIO &&
	       ioctl(vm, KVM_CREATE_VCPU, 7) == -1 && errno == EIO;
}

static void forked(void)
{
	struct machine machine;
	struct runner runner;
	int status;

	machine_make(&machine, &counting);
	runner_start(&runner, &machine, 0);
	for (unsigned int i = 0; i < 20; i++) {
		pid_t child = fork();

		if (!child)
			_exit(!refused(machine.vm, machine.vcpu[1]));
		waitpid(child, &status, 0);
		check(!status, "another task may use it");
		expect_counts(&machine, 1);
	}
	check(runner_stop(&runner), "the vCPU does not come out");
	machine_end(&machine);
}

static void send_files(int to, const int *files, unsigned int count)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(4 * sizeof(int))];
	} control;
	char byte = 0;
	struct iovec data = { &byte, 1 };
	struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1, .msg_control = &control,
				  .msg_controllen = CMSG_SPACE(count * sizeof(int)) };

	memset(&control, 0, sizeof(control));
	control.head.cmsg_level = SOL_SOCKET;
	control.head.cmsg_type = SCM_RIGHTS;
	control.head.cmsg_len = CMSG_LEN(count * sizeof(int));
	memcpy(CMSG_DATA(&control.head), files, count * sizeof(int));
	check(sendmsg(to, &message, 0) == 1, "SCM_RIGHTS: %m");
}

static void take_files(int from, int *files, unsigned int count)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(4 * sizeof(int))];
	} control;
	char byte;
	struct iovec data = { &byte, 1 };
	struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1, .msg_control = &control,
				  .msg_controllen = sizeof(control) };

	check(recvmsg(from, &message, 0) == 1 && control.head.cmsg_type == SCM_RIGHTS,
	      "SCM_RIGHTS: %m");
	memcpy(files, CMSG_DATA(&control.head), count * sizeof(int));
}

/* Who got the files keeps the VM, when its maker has been killed, and may not run it. */
static noreturn void keep_files(int socket, pid_t maker)
{
	int files[2];
	struct kvm_run *run;

	take_files(socket, files, 2);
	run = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, files[1], 0);
	if (run == MAP_FAILED || !refused(files[0], files[1]))
		_exit(1);
	kill(maker, SIGKILL);
	while (!kill(maker, 0))
		usleep(1000);
	if (!refused(files[0], files[1]) || run->exit_reason != KVM_EXIT_IO)
		_exit(1);
	if (is_assay() && counter("vms") != 1)
		_exit(1);
	close(files[0]);
	close(files[1]);
	run->exit_reason = 0;
	munmap(run, PAGE);
	_exit(is_assay() && !nothing_left());
}

/* The result comes through a pipe, since the keeper's parent is killed. */
static void passed(void)
{
	int sockets[2], result[2];
	struct machine machine;
	char byte = 1;
	pid_t maker;

	check(!pipe(result), "pipe: %m");
	maker = fork();
	if (!maker) {
		maker = getpid();
		check(!socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), "socketpair: %m");
		if (!fork()) {
			pid_t keeper = fork();
			int status = 1;

			/* The keeper's parent waits for the maker, and tells of the keeper. */
			if (!keeper)
				keep_files(sockets[1], maker);
			waitpid(keeper, &status, 0);
			kill(maker, SIGKILL);
			byte = status != 0;
			_exit(write(result[1], &byte, 1) != 1);
		}
		machine_make(&machine, &sequence);
		check(machine_run(&machine, 0) == KVM_EXIT_IO, "KVM_RUN: %m");
		send_files(sockets[0], (int[]){ machine.vm, machine.vcpu[0] }, 2);
		pause();
	}
	waitpid(maker, NULL, 0);
	check(read(result[0], &byte, 1) == 1 && !byte, "who got the files found something else");
}

/* A program that finds the files open: they are of a task's memory that is no more. */
int files_inherited(int vm, int vcpu)
{
	if (!refused(vm, vcpu))
		return 1;
	close(vm);
	close(vcpu);
	return 0;
}

static void inherited(void)
{
	struct machine machine;
	char vm[16], vcpu[16];
	int status;

	machine_make(&machine, &sequence);
	check(machine_run(&machine, 0) == KVM_EXIT_IO, "KVM_RUN: %m");
	snprintf(vm, sizeof(vm), "%d", dup(machine.vm));
	snprintf(vcpu, sizeof(vcpu), "%d", dup(machine.vcpu[0]));
	if (!fork()) {
		execl("/proc/self/exe", "hostile-test", "--inherited", vm, vcpu, NULL);
		_exit(1);
	}
	wait(&status);
	check(!status, "a program that a child begins may use it");
	execl("/proc/self/exe", "hostile-test", "--inherited", vm, vcpu, NULL);
	fail(__FILE__, __LINE__, "exec: %m");
}

/* ---- too many ------------------------------------------------------------------------------ */

static void allow_files(rlim_t count)
{
	struct rlimit limit = { .rlim_cur = count, .rlim_max = 1024 };

	check(!setrlimit(RLIMIT_NOFILE, &limit), "RLIMIT_NOFILE: %m");
}

/* EMFILE, and nothing is half made: the same vCPU can be had afterwards. */
static void too_many(void)
{
	struct machine machine;
	int next = dup(0);

	close(next);
	machine = (struct machine){ .kvm = open(node, O_RDWR | O_CLOEXEC) };
	check(machine.kvm >= 0, "%s: %m", node);
	allow_files((rlim_t)next + 1);
	check(ioctl(machine.kvm, KVM_CREATE_VM, 0) == -1 && errno == EMFILE, "a VM: %m");
	close(machine.kvm);
	if (is_assay())
		check(nothing_left(), "a VM that could not be had");
	allow_files(1024);
	machine_make_vm(&machine, &sequence);
	allow_files((rlim_t)machine.vm + 1);
	for (unsigned int i = 0; i < 10; i++)
		check(ioctl(machine.vm, KVM_CREATE_VCPU, 0) == -1 && errno == EMFILE,
		      "a vCPU: %m");
	allow_files(1024);
	if (is_assay())
		check(!counter("vcpus"), "a vCPU that could not be had is left");
	machine_make_vcpu(&machine, 0);
	check(machine_run(&machine, 0) == KVM_EXIT_IO, "KVM_RUN: %m");
	machine_end(&machine);
}

const struct test file_tests[] = {
	{ "file/any_order", any_order }, { "file/while_running", while_running },
	{ "file/copied", copied }, { "file/forked", forked }, { "file/passed", passed },
	{ "file/inherited", inherited }, { "file/too_many", too_many }, { NULL, NULL },
};

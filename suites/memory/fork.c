// SPDX-License-Identifier: GPL-2.0-only
/*
 * Processes: a VM belongs to the address space that made it. A child has a copy of the memory
 * and no VM; a task that dies gives its memory back, whoever still holds its descriptors.
 */
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest.h"
#include "system.h"

#define PAGES 256ul
#define SIZE (PAGES * PAGE)

static void wait_good(pid_t child)
{
	int status;

	must(waitpid(child, &status, 0));
	check(WIFEXITED(status) && !WEXITSTATUS(status), "the child says no (status %#x)", status);
}

/* The child's copy is as it was at the fork: a page's words are equal, and never change. */
static void child_watches(u8 *memory, int ready, int go)
{
	static u64 seen[PAGES];
	char byte = 0;

	for (u64 i = 0; i < PAGES; i++)
		seen[i] = *(u64 *)(memory + i * PAGE);
	check(write(ready, &byte, 1) == 1 && read(go, &byte, 1) == 1, "the parent is gone");
	for (u64 i = 0; i < PAGES; i++)
		check_equal(*(u64 *)(memory + i * PAGE), seen[i], "the child's copy");
	/* And what it writes is its own. */
	memset(memory, 0x5a, SIZE);
	fflush(stdout);
	_exit(0);
}

static void copy_on_write(void)
{
	int ready[2], go[2];
	struct guest guest;
	struct walk walk;
	char byte = 0;
	pid_t child;

	walk_new(&guest, &walk, SIZE, 2);
	for (int i = 0; i < 3; i++) {
		must(pipe(ready));
		must(pipe(go));
		must(child = fork());
		if (!child)
			child_watches(walk.memory, ready[1], go[0]);
		check(read(ready[0], &byte, 1) == 1, "the child is gone");
		walk_passes(&walk, 2);
		check(write(go[1], &byte, 1) == 1, "the child is gone");
		wait_good(child);
		walk_passes(&walk, 2);
	}
	walk_stop(&walk);
}

/* Many short-lived children, as of a program that starts others. */
static void many_children(void)
{
	struct guest guest;
	struct walk walk;
	pid_t child;

	walk_new(&guest, &walk, SIZE, 2);
	for (int i = 0; i < 30; i++) {
		must(child = fork());
		if (!child)
			_exit(0);
		wait_good(child);
		if (i % 5 == 0)
			walk_passes(&walk, 1);
	}
	walk_stop(&walk);
}

static void child_is_refused(void)
{
	struct kvm_userspace_memory_region region = { .slot = 3 };
	struct guest guest;
	struct walk walk;
	struct kvm_regs regs;
	pid_t child;

	walk_new(&guest, &walk, SIZE, 2);
	must(child = fork());
	if (!child) {
		check(ioctl(guest.vcpu, KVM_RUN, 0) < 0, "KVM_RUN works in the child");
		check_equal(errno, EIO, "errno of KVM_RUN in the child");
		check(ioctl(guest.vcpu, KVM_GET_REGS, &regs) < 0, "KVM_GET_REGS works");
		check_equal(errno, EIO, "errno of KVM_GET_REGS in the child");
		check_equal(vm_ioctl(&guest, KVM_SET_USER_MEMORY_REGION, &region), EIO,
			    "errno of KVM_SET_USER_MEMORY_REGION in the child");
		check(ioctl(guest.vm, KVM_CREATE_VCPU, 9) < 0, "KVM_CREATE_VCPU works");
		check_equal(errno, EIO, "errno of KVM_CREATE_VCPU in the child");
		fflush(stdout);
		_exit(0);
	}
	wait_good(child);
	walk_passes(&walk, 2);
	walk_stop(&walk);
}

/* ---- the end of a task ------------------------------------------------------------------ */

#define BIG (24 * MIB)

/* In a process of its own: a guest that works on much memory, until somebody ends it. */
static void worker(const struct cgroup *cgroup, int ready)
{
	struct walk walk;
	struct guest guest;
	u8 *memory;
	char byte = 0;

	if (cgroup)
		cgroup_enter(cgroup);
	memory = memory_new(BIG);
	guest_create(&guest);
	walk_fill(memory, RAM, BIG);
	slot_add(&guest, 1, RAM, memory, BIG);
	walk = (struct walk){ .guest = &guest, .memory = memory, .gpa = RAM, .bytes = BIG };
	walk_start(&walk);
	walk_passes(&walk, 1);
	check(write(ready, &byte, 1) == 1, "nobody waits");
	for (;;)
		pause();
}

/* Killed in the middle of KVM_RUN, all that it had is given back. */
static void killed(void)
{
	struct cgroup cgroup;
	int ready[2], status;
	bool empties;
	char byte;
	pid_t child;

	cgroup_make(&cgroup, "max", NULL);
	must(pipe(ready));
	must(child = fork());
	if (!child)
		worker(&cgroup, ready[1]);
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1) {
		waitpid(child, &status, 0);
		cgroup_remove(&cgroup);
		fail(__FILE__, __LINE__, "the worker did not start");
	}
	check(cgroup_number(&cgroup, "memory.current", NULL) > (long long)BIG,
	      "the guest's memory is not charged to its task");
	must(kill(child, SIGKILL));
	must(waitpid(child, &status, 0));
	empties = cgroup_empties(&cgroup, MIB);
	status = (int)(cgroup_number(&cgroup, "memory.current", NULL) / 1024);
	cgroup_remove(&cgroup);
	check(empties, "%d KiB are still charged 10 s after the task's end", status);
}

/*
 * The task dies and its descriptors live on in another: its memory goes, they can be
 * closed, and answer EIO until then.
 */
static void heir(void)
{
	int ready[2], status, fd, eio = 0, others = 0;
	struct kvm_regs regs;
	pid_t child;
	char byte;

	must(pipe(ready));
	/* A process with memory of its own and the same descriptors. */
	must(child = (pid_t)syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0));
	if (!child)
		worker(NULL, ready[1]);
	check(read(ready[0], &byte, 1) == 1, "the worker did not start");
	must(kill(child, SIGKILL));
	must(waitpid(child, &status, 0));
	for (fd = 3; fd < 64; fd++) {
		if (ioctl(fd, KVM_RUN, 0) < 0 && errno == EIO)
			eio++;
		if (ioctl(fd, KVM_GET_REGS, &regs) >= 0)
			others++;
	}
	check(eio >= 1, "no descriptor of the dead task's answers EIO");
	check_equal(others, 0, "vCPUs of the dead task that still answer");
	for (fd = 3; fd < 64; fd++)
		close(fd);
}

const struct test fork_tests[] = {
	{ "fork/copy_on_write", copy_on_write },
	{ "fork/many_children", many_children },
	{ "fork/child_is_refused", child_is_refused },
	{ "fork/killed", killed },
	{ "fork/heir", heir },
	{ NULL, NULL }
};

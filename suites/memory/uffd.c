// SPDX-License-Identifier: GPL-2.0-only
/* userfaultfd(2): the task itself serves its missing pages, while the vCPU waits for them. */
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest.h"
#include "system.h"

#define PAGES 64ul
#define SIZE (PAGES * PAGE)

/* A descriptor that gets the faults of the memory, the kernel's own among them. */
static int watch(u8 *memory, u64 mode)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = {
		.range = { (u64)memory, SIZE }, .mode = mode,
	};
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);

	if (fd < 0 || ioctl(fd, UFFDIO_API, &api))
		skip("no userfaultfd for faults of the kernel: %s", strerror(errno));
	if (ioctl(fd, UFFDIO_REGISTER, &range))
		skip("userfaultfd has no mode %#llx: %s", (unsigned long long)mode,
		     strerror(errno));
	return fd;
}

/* The page that somebody waits for; the test fails if nobody does for 30 s. */
static struct uffd_msg next_fault(int fd)
{
	struct pollfd poller = { .fd = fd, .events = POLLIN };
	struct uffd_msg message;

	check(poll(&poller, 1, 30000) == 1, "nobody waits for a page");
	check(read(fd, &message, sizeof(message)) == sizeof(message), "no message: %s",
	      strerror(errno));
	check_equal(message.event, UFFD_EVENT_PAGEFAULT, "the event");
	return message;
}

static void serve(int fd, const u8 *memory, u64 address)
{
	u64 *page = aligned_alloc(PAGE, PAGE);
	u64 gpa = RAM + (address & ~(PAGE - 1)) - (u64)memory;
	struct uffdio_copy copy = {
		.dst = address & ~(PAGE - 1), .src = (u64)page, .len = PAGE,
	};

	memset(page, 0, PAGE);
	page[0] = page[511] = gpa;
	must(ioctl(fd, UFFDIO_COPY, &copy));
	free(page);
}

/* Every page is missing at first, and comes when the guest wants it. */
static void missing(void)
{
	u8 *memory = memory_new(SIZE);
	int fd = watch(memory, UFFDIO_REGISTER_MODE_MISSING);
	struct guest guest;
	struct walk walk = { .guest = &guest, .memory = memory, .gpa = RAM, .bytes = SIZE };

	guest_create(&guest);
	slot_add(&guest, 1, RAM, memory, SIZE);
	walk_start(&walk);
	for (unsigned long i = 0; i < PAGES; i++) {
		struct uffd_msg message = next_fault(fd);

		check_equal(message.arg.pagefault.address & ~(PAGE - 1), (u64)memory + i * PAGE,
			    "the page the guest waits for");
		serve(fd, memory, message.arg.pagefault.address);
	}
	walk_passes(&walk, 2);
	walk_stop(&walk);
}

/*
 * Who serves a page may ask for the dirty log first, and other vCPUs run on: that is how
 * migration by post-copy works.
 */
static void others_go_on(void)
{
	u8 *memory = memory_new(SIZE), *other = memory_new(SIZE);
	u64 bits[PAGES / 64];
	struct kvm_dirty_log log = { .slot = 2, .dirty_bitmap = bits };
	int fd = watch(memory, UFFDIO_REGISTER_MODE_MISSING);
	struct guest guest, second;
	struct walk walk = { .guest = &guest, .memory = memory, .gpa = RAM, .bytes = SIZE };
	struct uffd_msg message;

	guest_create(&guest);
	guest_second(&guest, &second);
	slot_add(&guest, 1, RAM, memory, SIZE);
	check_equal(slot_set(&guest, 2, RAM + MIB, other, SIZE, KVM_MEM_LOG_DIRTY_PAGES), 0,
		    "slot 2");
	walk_start(&walk);
	message = next_fault(fd);
	check_equal(guest_store(&second, RAM + MIB, 1), 0, "another vCPU's write");
	check_equal(vm_ioctl(&guest, KVM_GET_DIRTY_LOG, &log), 0, "errno of KVM_GET_DIRTY_LOG");
	check_equal(bits[0], 1, "the log");
	check_equal(guest_store(&second, RAM + MIB + PAGE, 1), 0, "another write");
	serve(fd, memory, message.arg.pagefault.address);
	for (unsigned long i = 1; i < PAGES; i++) {
		message = next_fault(fd);
		serve(fd, memory, message.arg.pagefault.address);
	}
	walk_passes(&walk, 2);
	walk_stop(&walk);
}

/* A task whose vCPU waits for a page can be killed. */
static void killed(void)
{
	struct guest guest;
	int status;
	u8 *memory;
	pid_t child;
	int ready[2];
	char byte = 0;

	must(pipe(ready));
	must(child = fork());
	if (!child) {
		u64 value;

		memory = memory_new(SIZE);
		watch(memory, UFFDIO_REGISTER_MODE_MISSING);
		guest_create(&guest);
		slot_add(&guest, 1, RAM, memory, SIZE);
		check(write(ready[1], &byte, 1) == 1, "nobody waits");
		guest_load(&guest, RAM, &value);
		_exit(0);
	}
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1) {
		must(waitpid(child, &status, 0));
		if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
			_exit(77);
		fail(__FILE__, __LINE__, "the child did not start");
	}
	usleep(300000);
	check_equal(waitpid(child, &status, WNOHANG), 0, "a vCPU whose page nobody served");
	must(kill(child, SIGKILL));
	for (int i = 0; i < 1000 && waitpid(child, &status, WNOHANG) == 0; i++)
		usleep(10000);
	check(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL,
	      "the task was not ended by SIGKILL within 10 s");
}

/*
 * "EINTR: an unmasked signal is pending" (KVM API 4.10): also while the vCPU waits for a page, so
 * that a task whose pages never come can still be told so. Kernels before 6.2 cannot.
 */
static void interrupted(void)
{
	u8 *memory = memory_new(SIZE);
	int fd = watch(memory, UFFDIO_REGISTER_MODE_MISSING);
	struct guest guest;
	struct walk walk = { .guest = &guest, .memory = memory, .gpa = RAM, .bytes = SIZE };
	struct uffd_msg message;
	struct utsname about;
	int major, minor;

	uname(&about);
	if (sscanf(about.release, "%d.%d", &major, &minor) != 2 || major * 100 + minor < 602)
		skip("Linux %s waits for pages without looking at signals", about.release);
	guest_create(&guest);
	slot_add(&guest, 1, RAM, memory, SIZE);
	walk_start(&walk);
	message = next_fault(fd);
	/* It goes on as if nothing had been. */
	walk_halt(&walk);
	walk_resume(&walk);
	serve(fd, memory, message.arg.pagefault.address);
	for (unsigned long i = 1; i < PAGES; i++) {
		do
			message = next_fault(fd);
		while (message.arg.pagefault.address - (u64)memory < i * PAGE);
		serve(fd, memory, message.arg.pagefault.address);
	}
	walk_passes(&walk, 2);
	walk_stop(&walk);
}

static void protect(int fd, u8 *memory, size_t bytes, bool on)
{
	struct uffdio_writeprotect request = {
		.range = { (u64)memory, bytes },
		.mode = on ? UFFDIO_WRITEPROTECT_MODE_WP : 0,
	};

	must(ioctl(fd, UFFDIO_WRITEPROTECT, &request));
}

/* Write protection, as for a snapshot of a guest that runs: no write passes it unseen. */
static void write_protected(void)
{
	u8 *memory = memory_new(SIZE);
	int fd = watch(memory, UFFDIO_REGISTER_MODE_WP);
	struct guest guest;
	struct walk walk = { .guest = &guest, .memory = memory, .gpa = RAM, .bytes = SIZE };

	guest_create(&guest);
	walk_fill(memory, RAM, SIZE);
	slot_add(&guest, 1, RAM, memory, SIZE);
	walk_start(&walk);
	walk_passes(&walk, 2);
	protect(fd, memory, SIZE, true);
	for (unsigned long i = 0; i < PAGES; i++) {
		struct uffd_msg message = next_fault(fd);
		u8 *page = (u8 *)(message.arg.pagefault.address & ~(PAGE - 1));
		u64 before = *(u64 *)page;

		usleep(2000);
		check(message.arg.pagefault.flags & UFFD_PAGEFAULT_FLAG_WP, "no fault for a write");
		check_equal(*(u64 *)page, before, "a protected page");
		protect(fd, page, PAGE, false);
	}
	walk_passes(&walk, 2);
	walk_stop(&walk);
}

const struct test uffd_tests[] = {
	{ "uffd/missing", missing },
	{ "uffd/others_go_on", others_go_on },
	{ "uffd/killed", killed },
	{ "uffd/interrupted", interrupted },
	{ "uffd/write_protected", write_protected },
	{ NULL, NULL }
};

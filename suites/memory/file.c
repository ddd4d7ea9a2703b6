// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest memory that is a file's: shared and private mappings, memfd, files that shrink and
 * grow and get holes under the guest.
 */
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "guest.h"
#include "system.h"

#define PAGES 128ul
#define SIZE (PAGES * PAGE)
#define VICTIM (21 * PAGE)

static int temporary(void)
{
	char name[] = "/tmp/assay-memory-XXXXXX";
	int fd;

	must(fd = mkstemp(name));
	unlink(name);
	return fd;
}

static int memfd(void)
{
	int fd;

	must(fd = memfd_create("assay-memory", MFD_CLOEXEC));
	return fd;
}

static u8 *map(int fd, int how)
{
	u8 *memory;

	must(ftruncate(fd, SIZE));
	memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, how, fd, 0);
	check(memory != MAP_FAILED, "mmap of a file: %s", strerror(errno));
	return memory;
}

static void begin(struct guest *guest, struct walk *walk, u8 *memory, unsigned int pause)
{
	guest_create(guest);
	walk_fill(memory, RAM, SIZE);
	slot_add(guest, 1, RAM, memory, SIZE);
	*walk = (struct walk){ .guest = guest, .memory = memory, .gpa = RAM, .bytes = SIZE,
			       .pause = pause };
	walk_start(walk);
	walk_passes(walk, 2);
}

/* What the guest writes is in the file, and what is written to the file is the guest's. */
static void check_shared(int fd)
{
	u8 *memory = map(fd, MAP_SHARED);
	struct guest guest;
	struct walk walk;
	u64 value;

	begin(&guest, &walk, memory, 0);
	must(fsync(fd));
	walk_passes(&walk, 2);
	walk_stop(&walk);
	for (u64 at = 0; at < SIZE; at += PAGE) {
		check(pread(fd, &value, 8, (off_t)at) == 8, "pread: %s", strerror(errno));
		check_equal(value, *(u64 *)(memory + at), "what is in the file");
		check(value > RAM + at, "nothing the guest wrote is in the file");
	}
	value = 0xf00d;
	check(pwrite(fd, &value, 8, VICTIM) == 8, "pwrite: %s", strerror(errno));
	check_load(&guest, RAM + VICTIM, 0xf00d, "what was written to the file");
	/* The mapping goes and comes again: all of it was the file's. */
	check_equal(guest_store(&guest, RAM + VICTIM, 0xbeef), 0, "a write");
	must(munmap(memory, SIZE));
	check(pread(fd, &value, 8, VICTIM) == 8, "pread: %s", strerror(errno));
	check_equal(value, 0xbeef, "what is in the file without a mapping");
}

static void shared_file(void)
{
	check_shared(temporary());
}

static void shared_memfd(void)
{
	check_shared(memfd());
}

/* Pages that the task has never touched: the guest's first write is to a page of their own. */
static void private_file(void)
{
	int fd = temporary();
	u8 *memory = map(fd, MAP_PRIVATE);
	struct guest guest;
	u64 value;

	guest_create(&guest);
	slot_add(&guest, 1, RAM, memory, SIZE);
	for (u64 at = 0; at < SIZE; at += PAGE) {
		/* Every other one has been read before, and is the file's then. */
		if (at & PAGE)
			check_load(&guest, RAM + at, 0, "the file");
		check_equal(guest_store(&guest, RAM + at, at + 1), 0, "a write");
		check_equal(*(u64 *)(memory + at), at + 1, "the task's view of it");
		check(pread(fd, &value, 8, (off_t)at) == 8, "pread: %s", strerror(errno));
		check_equal(value, 0, "the file under a private mapping");
	}
}

/* There is no memory behind a mapping that goes beyond its file: EFAULT, until there is. */
static void truncated(void)
{
	int fd = memfd();
	u8 *memory = map(fd, MAP_SHARED);
	struct walk_fault fault;
	struct guest guest;
	struct walk walk;

	begin(&guest, &walk, memory, 0);
	must(ftruncate(fd, VICTIM));
	check_equal(walk_end(&walk), EFAULT, "errno of KVM_RUN beyond the file's end");
	walk_resume(&walk);
	check_equal(walk_end(&walk), EFAULT, "errno of the next KVM_RUN");
	must(ftruncate(fd, SIZE));
	walk_resume(&walk);
	check_equal(walk_end(&walk), 0, "errno of KVM_RUN when the file has grown");
	check(walk_fault(&walk, &fault), "the guest stopped with exit reason %u",
	      guest.run->exit_reason);
	check_equal(fault.found, 0, "what the guest read of the new part");
	check(fault.gpa >= RAM + VICTIM, "it is at %#llx", (unsigned long long)fault.gpa);
}

static void hole(void)
{
	int fd = memfd();
	u8 *memory = map(fd, MAP_SHARED);
	struct walk_fault fault;
	struct guest guest;
	struct walk walk;

	begin(&guest, &walk, memory, 0);
	must(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, VICTIM, PAGE));
	check_equal(walk_end(&walk), 0, "errno of KVM_RUN");
	check(walk_fault(&walk, &fault), "the guest stopped with exit reason %u",
	      guest.run->exit_reason);
	check_equal(fault.gpa, RAM + VICTIM, "where the guest saw a change");
	check_equal(fault.found, 0, "what is in a hole");
}

/* One file, mapped twice, in two slots and seen by the task through a third mapping. */
static void mapped_twice(void)
{
	int fd = memfd();
	u8 *one = map(fd, MAP_SHARED), *two = map(fd, MAP_SHARED), *view = map(fd, MAP_SHARED);
	struct guest guest;

	guest_create(&guest);
	slot_add(&guest, 1, RAM, one, SIZE);
	slot_add(&guest, 2, RAM + 2 * MIB, two, SIZE);
	for (u64 at = 0; at < SIZE; at += PAGE) {
		check_equal(guest_store(&guest, RAM + at, at + 1), 0, "a write by the first");
		check_load(&guest, RAM + 2 * MIB + at, at + 1, "a read by the second");
		*(u64 *)(view + at) = at + 2;
		check_load(&guest, RAM + at, at + 2, "a write by the task");
	}
	/* A mapping that goes takes nothing from the other. */
	must(munmap(one, SIZE));
	check_equal(guest_store(&guest, RAM, 1), -EFAULT, "the first, unmapped");
	check_load(&guest, RAM + 2 * MIB, 2, "the second after that");
}

/* Shared memory is swapped, too. */
static void swapped_memfd(void)
{
	u8 *memory = map(memfd(), MAP_SHARED);
	long long before = swapped_out();
	struct guest guest;
	struct walk walk;

	need_swap(4 * SIZE);
	begin(&guest, &walk, memory, PAUSE);
	for (int i = 0; i < 10; i++) {
		page_out(memory, SIZE);
		walk_passes(&walk, 1);
	}
	walk_stop(&walk);
	check(swapped_out() - before >= (long long)PAGES, "only %lld pages were swapped out",
	      swapped_out() - before);
}

const struct test file_tests[] = {
	{ "file/shared", shared_file },
	{ "file/shared_memfd", shared_memfd },
	{ "file/private", private_file },
	{ "file/truncated", truncated },
	{ "file/hole", hole },
	{ "file/mapped_twice", mapped_twice },
	{ "file/swapped_memfd", swapped_memfd },
	{ NULL, NULL }
};

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The task changes its own address space under the guest: "changes in the backing of the
 * memory region are automatically reflected into the guest" (KVM API 4.35, KVM_CAP_SYNC_MMU).
 * What has no memory behind it is EFAULT from KVM_RUN, and the guest goes on when it has.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "guest.h"
#include "system.h"

#define PAGES 256ul
#define SIZE (PAGES * PAGE)
#define VICTIM (37 * PAGE)	/* one page in the middle */

/* A guest at work on all of its memory. */
static void begin(struct guest *guest, struct walk *walk)
{
	u8 *memory = memory_new(SIZE);

	guest_create(guest);
	check(ioctl(guest->vm, KVM_CHECK_EXTENSION, KVM_CAP_SYNC_MMU) > 0, "no KVM_CAP_SYNC_MMU");
	walk_fill(memory, RAM, SIZE);
	slot_add(guest, 1, RAM, memory, SIZE);
	*walk = (struct walk){ .guest = guest, .memory = memory, .gpa = RAM, .bytes = SIZE };
	walk_start(walk);
	walk_passes(walk, 2);
}

/* The guest must stop at the page that has changed under it, having read that there. */
static void check_sees(struct walk *walk, u64 found)
{
	struct walk_fault fault;

	check_equal(walk_end(walk), 0, "errno of KVM_RUN");
	check(walk_fault(walk, &fault), "the guest stopped with exit reason %u",
	      walk->guest->run->exit_reason);
	check_equal(fault.gpa, RAM + VICTIM, "the page that was seen to change");
	check_equal(fault.found, found, "what is in it");
}

/* The guest must get EFAULT, again and again, until the right is given back. */
static void check_refused(struct walk *walk, const char *what)
{
	check_equal(walk_end(walk), EFAULT, what);
	walk_resume(walk);
	check_equal(walk_end(walk), EFAULT, "errno of the next KVM_RUN");
}

static void dontneed(void)
{
	struct guest guest;
	struct walk walk;

	begin(&guest, &walk);
	must(madvise(walk.memory + VICTIM, PAGE, MADV_DONTNEED));
	check_sees(&walk, 0);
}

/* A private mapping of a file: what the guest has written is gone, and the file is there. */
static void dontneed_file(void)
{
	char name[] = "/tmp/assay-memory-XXXXXX";
	struct guest guest;
	u8 *memory;
	u64 value;
	int fd;

	must(fd = mkstemp(name));
	unlink(name);
	must(ftruncate(fd, SIZE));
	value = 0xf11e;
	check(pwrite(fd, &value, 8, VICTIM) == 8, "pwrite: %s", strerror(errno));
	memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	check(memory != MAP_FAILED, "mmap: %s", strerror(errno));
	guest_create(&guest);
	slot_add(&guest, 1, RAM, memory, SIZE);
	check_load(&guest, RAM + VICTIM, 0xf11e, "the file");
	check_equal(guest_store(&guest, RAM + VICTIM, 1), 0, "a write");
	check_load(&guest, RAM + VICTIM, 1, "what was written");
	check(pread(fd, &value, 8, VICTIM) == 8 && value == 0xf11e, "the write is in the file");
	must(madvise(memory, SIZE, MADV_DONTNEED));
	check_load(&guest, RAM + VICTIM, 0xf11e, "the file again");
}

/*
 * madvise(2): after MADV_FREE a page may be lost until it is written to. A guest that reads a
 * page and then writes to it has written to it.
 */
static void lazily_freed(void)
{
	u8 *memory = memory_new(SIZE);
	struct guest guest;
	u64 value;

	guest_create(&guest);
	slot_add(&guest, 1, RAM, memory, SIZE);
	for (int round = 0; round < 4; round++) {
		for (u64 at = 0; at < SIZE; at += PAGE)
			*(u64 *)(memory + at) = at + 1;
		must(madvise(memory, SIZE, MADV_FREE));
		for (u64 at = 0; at < SIZE; at += PAGE) {
			check_equal(guest_load(&guest, RAM + at, &value), 0, "a read");
			check(value == at + 1 || !value, "a freed page has %#llx",
			      (unsigned long long)value);
			check_equal(guest_store(&guest, RAM + at, at + 2), 0, "a write");
		}
		page_out(memory, SIZE);
		for (u64 at = 0; at < SIZE; at += PAGE)
			check_load(&guest, RAM + at, at + 2, "what was written after MADV_FREE");
	}
}

static void read_only(void)
{
	struct guest guest;
	struct walk walk;

	begin(&guest, &walk);
	must(mprotect(walk.memory + VICTIM, PAGE, PROT_READ));
	check_refused(&walk, "errno of a write to memory that is PROT_READ");
	walk_compare(&walk);
	must(mprotect(walk.memory + VICTIM, PAGE, PROT_READ | PROT_WRITE));
	walk_resume(&walk);
	walk_passes(&walk, 2);
	walk_stop(&walk);
}

/* What can be read is read, though the slot could be written to. */
static void read_only_read(void)
{
	struct guest guest;
	struct walk walk;
	u64 value = 0;

	begin(&guest, &walk);
	walk_stop(&walk);
	must(mprotect(walk.memory, SIZE, PROT_READ));
	memcpy(&value, walk.memory + VICTIM, 8);
	check_load(&guest, RAM + VICTIM, value, "a read of memory that is PROT_READ");
	check_equal(guest_store(&guest, RAM + VICTIM, 1), -EFAULT, "a write to it");
	check_load(&guest, RAM + VICTIM, value, "a read after that");
}

static void no_access(void)
{
	struct guest guest;
	struct walk walk;

	begin(&guest, &walk);
	must(mprotect(walk.memory + VICTIM, PAGE, PROT_NONE));
	check_refused(&walk, "errno of an access to memory that is PROT_NONE");
	must(mprotect(walk.memory + VICTIM, PAGE, PROT_READ | PROT_WRITE));
	walk_compare(&walk);
	walk_resume(&walk);
	walk_passes(&walk, 2);
	walk_stop(&walk);
}

static void unmapped(void)
{
	struct guest guest;
	struct walk walk;
	u8 *again;

	begin(&guest, &walk);
	must(munmap(walk.memory + VICTIM, PAGE));
	check_refused(&walk, "errno of an access to memory that is unmapped");
	again = mmap(walk.memory + VICTIM, PAGE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	check(again == walk.memory + VICTIM, "mmap: %s", strerror(errno));
	walk_resume(&walk);
	check_sees(&walk, 0);
}

/* "An mmap() that affects the region will be made visible immediately." */
static void mapped_over(void)
{
	struct guest guest;
	struct walk walk;
	u8 *other = memory_new(PAGE);

	begin(&guest, &walk);
	*(u64 *)other = 0x0712e;
	must(mremap(other, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, walk.memory + VICTIM) ==
	     MAP_FAILED ? -1 : 0);
	check_sees(&walk, 0x0712e);
}

/* Pages that move away take their contents with them, and bring them back. */
static void moved(void)
{
	u8 *place = memory_new(SIZE);
	struct guest guest;
	struct walk walk;

	begin(&guest, &walk);
	for (int i = 0; i < 3; i++) {
		must(mremap(walk.memory, SIZE, SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, place) ==
		     MAP_FAILED ? -1 : 0);
		check_refused(&walk, "errno when the memory has moved away");
		must(mremap(place, SIZE, SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, walk.memory) ==
		     MAP_FAILED ? -1 : 0);
		walk_resume(&walk);
		walk_passes(&walk, 2);
	}
	walk_stop(&walk);
}

/* The kernel moves pages to where they are less in the way. */
static void compacted(void)
{
	const char *path = "/proc/sys/vm/compact_memory";
	long long before = number_in("/proc/vmstat", "pgmigrate_success");
	struct guest guest;
	struct walk walk;

	begin(&guest, &walk);
	/* Every second page of much memory is free, so there is something to compact. */
	for (int i = 0; i < 5; i++) {
		u8 *holes = memory_new(16 * MIB);

		memset(holes, 1, 16 * MIB);
		for (u64 at = 0; at < 16 * MIB; at += 2 * PAGE)
			must(madvise(holes + at, PAGE, MADV_DONTNEED));
		if (!write_text(path, "1"))
			skip("%s: %s", path, strerror(errno));
		walk_passes(&walk, 2);
		munmap(holes, 16 * MIB);
	}
	walk_stop(&walk);
	if (number_in("/proc/vmstat", "pgmigrate_success") == before)
		skip("compaction had nothing to move");
}

/* Rights come and go under a guest that only reads, in short turns. */
static void flickering(void)
{
	struct guest guest;
	struct walk walk;
	u8 *memory = memory_new(SIZE);

	guest_create(&guest);
	walk_fill(memory, RAM, SIZE);
	slot_add(&guest, 1, RAM, memory, SIZE);
	walk = (struct walk){ .guest = &guest, .memory = memory, .gpa = RAM, .bytes = SIZE,
			      .reads_only = true };
	walk_start(&walk);
	for (int i = 0; i < 300; i++) {
		must(mprotect(memory, SIZE, PROT_READ));
		must(mprotect(memory, SIZE, PROT_READ | PROT_WRITE));
		if (i % 30 == 0)
			walk_passes(&walk, 1);
	}
	walk_passes(&walk, 2);
	walk_stop(&walk);
}

const struct test change_tests[] = {
	{ "change/dontneed", dontneed },
	{ "change/dontneed_file", dontneed_file },
	{ "change/lazily_freed", lazily_freed },
	{ "change/read_only", read_only },
	{ "change/read_only_read", read_only_read },
	{ "change/no_access", no_access },
	{ "change/unmapped", unmapped },
	{ "change/mapped_over", mapped_over },
	{ "change/moved", moved },
	{ "change/compacted", compacted },
	{ "change/flickering", flickering },
	{ NULL, NULL }
};

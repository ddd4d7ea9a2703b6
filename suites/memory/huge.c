// SPDX-License-Identifier: GPL-2.0-only
/*
 * Large pages of the task's, which come and go under the guest (transparent huge pages), or
 * are there from the beginning (hugetlb), and pages that are one for many (KSM).
 */
#include <linux/memfd.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "guest.h"
#include "system.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

#define HUGE (2 * MIB)
#define SIZE (2 * HUGE)

/* Memory that begins where a huge page can. */
static u8 *aligned(size_t bytes)
{
	u8 *memory = memory_new(bytes + HUGE);

	return (u8 *)(((unsigned long)memory + HUGE - 1) & ~(HUGE - 1));
}

static void begin(struct guest *guest, struct walk *walk, u8 *memory)
{
	guest_create(guest);
	walk_fill(memory, RAM, SIZE);
	slot_add(guest, 1, RAM, memory, SIZE);
	*walk = (struct walk){ .guest = guest, .memory = memory, .gpa = RAM, .bytes = SIZE };
}

static u8 *transparent(void)
{
	u8 *memory = aligned(SIZE);

	if (madvise(memory, SIZE, MADV_HUGEPAGE))
		skip("this kernel has no transparent huge pages");
	memset(memory, 0, SIZE);
	if (huge_bytes(memory) < SIZE)
		skip("the kernel has given no transparent huge pages");
	return memory;
}

static void transparent_split(void)
{
	u8 *memory = transparent();
	struct guest guest;
	struct walk walk;

	begin(&guest, &walk, memory);
	walk_start(&walk);
	walk_passes(&walk, 2);
	/* Other rights for one page of each, which take nothing away. */
	must(mprotect(memory + 7 * PAGE, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC));
	must(mprotect(memory + HUGE, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC));
	check_equal(huge_bytes(memory) + huge_bytes(memory + 8 * PAGE), 0, "huge pages after that");
	walk_passes(&walk, 2);
	walk_stop(&walk);
}

/* A piece of a huge page goes: the rest is as it was. */
static void transparent_hole(void)
{
	u8 *memory = transparent();
	struct walk_fault fault;
	struct guest guest;
	struct walk walk;

	begin(&guest, &walk, memory);
	walk_start(&walk);
	walk_passes(&walk, 2);
	must(madvise(memory + 300 * PAGE, PAGE, MADV_DONTNEED));
	check_equal(walk_end(&walk), 0, "errno of KVM_RUN");
	check(walk_fault(&walk, &fault), "exit reason %u", guest.run->exit_reason);
	check_equal(fault.gpa, RAM + 300 * PAGE, "where the guest saw a change");
	check_equal(fault.found, 0, "what is there");
}

static void transparent_collapse(void)
{
	u8 *memory = aligned(SIZE);
	struct guest guest;
	struct walk walk;
	int tries = 0;

	if (madvise(memory, SIZE, MADV_NOHUGEPAGE))
		skip("this kernel has no transparent huge pages");
	begin(&guest, &walk, memory);
	walk_start(&walk);
	walk_passes(&walk, 2);
	must(madvise(memory, SIZE, MADV_HUGEPAGE));
	/* It gives up over a page that is in use at the moment. */
	while (madvise(memory, SIZE, MADV_COLLAPSE)) {
		if (errno == EINVAL)
			skip("this kernel has no MADV_COLLAPSE");
		check(++tries < 1000, "MADV_COLLAPSE: %s", strerror(errno));
		usleep(1000);
	}
	check(huge_bytes(memory) > 0, "nothing has collapsed");
	walk_passes(&walk, 2);
	walk_stop(&walk);
}

static void transparent_swapped(void)
{
	u8 *memory = transparent();
	struct guest guest;
	struct walk walk;
	long long before = swapped_out();

	need_swap(2 * SIZE);
	begin(&guest, &walk, memory);
	walk.pause = PAUSE;
	walk_start(&walk);
	for (int i = 0; i < 5; i++) {
		page_out(memory, SIZE);
		walk_passes(&walk, 1);
	}
	walk_stop(&walk);
	check(swapped_out() - before >= (long long)(SIZE / PAGE),
	      "only %lld pages were swapped out", swapped_out() - before);
}

/* ---- hugetlb ---------------------------------------------------------------------------- */

#define POOL "/proc/sys/vm/nr_hugepages"

/* Asks for a pool of huge pages; what was there before, or the test is skipped. */
static long long pool(unsigned int pages)
{
	long long before = number_of(POOL);
	char text[24];

	snprintf(text, sizeof(text), "%lld", before + pages);
	if (before < 0 || !write_text(POOL, text))
		skip("no right to reserve huge pages (%s)", POOL);
	if (number_in("/proc/meminfo", "HugePages_Free") < pages) {
		snprintf(text, sizeof(text), "%lld", before);
		write_text(POOL, text);
		skip("there is no memory for %u huge pages", pages);
	}
	return before;
}

static void hugetlb(void)
{
	long long before = pool(SIZE / HUGE);
	struct guest guest;
	struct walk walk;
	char text[24];
	u8 *memory;
	int fd;

	must(fd = memfd_create("assay-memory", MFD_CLOEXEC | MFD_HUGETLB));
	must(ftruncate(fd, SIZE));
	memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	snprintf(text, sizeof(text), "%lld", before);
	if (memory == MAP_FAILED) {
		write_text(POOL, text);
		skip("mmap of huge pages: %s", strerror(errno));
	}
	begin(&guest, &walk, memory);
	/* The pool shrinks when they are given back, however this ends. */
	write_text(POOL, text);
	walk_start(&walk);
	walk_passes(&walk, 3);
	walk_stop(&walk);
	must(ftruncate(fd, 0));
	check_equal(guest_load(&guest, RAM, &(u64){ 0 }), -EFAULT, "after the file was emptied");
}

/* ---- KSM -------------------------------------------------------------------------------- */

#define KSM "/sys/kernel/mm/ksm/"

static bool merged(unsigned int pages)
{
	for (int i = 0; i < 1000; i++) {
		if (number_of(KSM "pages_sharing") >= (long long)pages / 2)
			return true;
		usleep(10000);
	}
	return false;
}

/* Equal pages become one; a guest's write makes them two again, and others see nothing of it. */
static void same_pages(void)
{
	unsigned int pages = 64;
	u8 *memory = memory_new(pages * PAGE);
	struct guest guest;
	bool good;

	if (number_of(KSM "run") != 0 || !write_text(KSM "run", "1"))
		skip("no KSM, no right to start it, or it is in use (%srun)", KSM);
	write_text(KSM "sleep_millisecs", "10");
	write_text(KSM "pages_to_scan", "1000");
	guest_create(&guest);
	slot_add(&guest, 1, RAM, memory, pages * PAGE);
	memset(memory, 0x77, pages * PAGE);
	for (u64 at = 0; at < pages * PAGE; at += PAGE)
		check_equal(guest_store(&guest, RAM + at, 0x1111), 0, "a write");
	good = !madvise(memory, pages * PAGE, MADV_MERGEABLE) && merged(pages);
	write_text(KSM "run", "0");
	check(good, "nothing was merged within 10 s: %lld pages share",
	      number_of(KSM "pages_sharing"));
	check_equal(guest_store(&guest, RAM + PAGE, 0x2222), 0, "a write to a merged page");
	for (u64 at = 0; at < pages * PAGE; at += PAGE) {
		check_load(&guest, RAM + at, at == PAGE ? 0x2222 : 0x1111, "a page");
		check_equal(*(u64 *)(memory + at), at == PAGE ? 0x2222 : 0x1111, "the task's view");
		check_equal(guest_store(&guest, RAM + at, at), 0, "a write to each");
		check_load(&guest, RAM + at, at, "and what it brought");
	}
}

const struct test huge_tests[] = {
	{ "huge/transparent_split", transparent_split },
	{ "huge/transparent_hole", transparent_hole },
	{ "huge/transparent_collapse", transparent_collapse },
	{ "huge/transparent_swapped", transparent_swapped },
	{ "huge/hugetlb", hugetlb },
	{ "huge/same_pages", same_pages },
	{ NULL, NULL }
};

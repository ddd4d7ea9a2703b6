// SPDX-License-Identifier: GPL-2.0-only
/* The dirty log: KVM_GET_DIRTY_LOG (KVM API 4.8), KVM_CLEAR_DIRTY_LOG (4.117), the capability
 * KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2 (7.15), and a migration by them. */
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest.h"
#include "system.h"

#define PAGES 200ul		/* not a multiple of 64 */
#define SIZE (PAGES * PAGE)
#define WORDS 4
#define SLOT 1

struct log {
	u64 bits[WORDS];
};

static int get_log(const struct guest *guest, struct log *log)
{
	struct kvm_dirty_log request = { .slot = SLOT, .dirty_bitmap = log->bits };

	memset(log, 0xff, sizeof(*log));
	return vm_ioctl(guest, KVM_GET_DIRTY_LOG, &request);
}

static int clear_log(const struct guest *guest, u64 first, u32 pages, const u64 *bits)
{
	struct kvm_clear_dirty_log request = {
		.slot = SLOT, .first_page = first, .num_pages = pages, .dirty_bitmap = (void *)bits,
	};

	return vm_ioctl(guest, KVM_CLEAR_DIRTY_LOG, &request);
}

/* The log must have these pages and no others. */
static void check_log(const struct guest *guest, const struct log *expected, const char *what)
{
	struct log log;

	check_equal(get_log(guest, &log), 0, "errno of KVM_GET_DIRTY_LOG");
	for (unsigned int i = 0; i < WORDS; i++)
		check(log.bits[i] == expected->bits[i],
		      "%s: pages from %u on: expected %#llx, got %#llx", what, i * 64,
		      (unsigned long long)expected->bits[i], (unsigned long long)log.bits[i]);
}

static void set(struct log *log, unsigned long page)
{
	log->bits[page / 64] |= 1ull << (page & 63);
}

static void store(struct guest *guest, unsigned long page)
{
	check_equal(guest_store(guest, RAM + page * PAGE, page), 0, "a write");
}

/* The slot has a log from now on. */
static void slot_logged(const struct guest *guest, const u8 *memory)
{
	check_equal(slot_set(guest, SLOT, RAM, memory, SIZE, KVM_MEM_LOG_DIRTY_PAGES), 0,
		    "errno of a slot with a log");
}

static u8 *logged(struct guest *guest)
{
	u8 *memory = memory_new(SIZE);

	guest_create(guest);
	slot_logged(guest, memory);
	return memory;
}

static const unsigned long written[] = { 0, 1, 63, 64, 100, 127, 128, 199 };
#define WRITTEN (sizeof(written) / sizeof(written[0]))

static void exact(void)
{
	struct log none = { { 0 } }, all = { { 0 } };
	struct guest guest;
	u8 *memory = logged(&guest);

	check_log(&guest, &none, "a new slot");
	for (unsigned int round = 0; round < 3; round++) {
		for (unsigned int i = 0; i < WRITTEN; i++) {
			store(&guest, written[i]);
			set(&all, written[i]);
		}
		check_log(&guest, &all, "after writes");
		check_log(&guest, &none, "cleared by the call");
	}
	/* The task's own writes are none of the guest's. */
	memory[3 * PAGE] = 1;
	check_log(&guest, &none, "after a write by the task");
}

static void began_later(void)
{
	struct log none = { { 0 } }, some = { { 0 } };
	u8 *memory = memory_new(SIZE);
	struct guest guest;

	guest_create(&guest);
	slot_add(&guest, SLOT, RAM, memory, SIZE);
	check_equal(get_log(&guest, &none), ENOENT, "errno of a log of a slot without one");
	for (unsigned long page = 0; page < PAGES; page++)
		store(&guest, page);
	slot_logged(&guest, memory);
	memset(&none, 0, sizeof(none));
	check_log(&guest, &none, "when it begins");
	store(&guest, 77);
	set(&some, 77);
	check_log(&guest, &some, "a page that could be written before");
	check_equal(slot_set(&guest, SLOT, RAM, memory, SIZE, 0), 0, "the end of logging");
	check_equal(get_log(&guest, &some), ENOENT, "errno of a log that has ended");
	store(&guest, 78);
	check_load(&guest, RAM + 78 * PAGE, 78, "memory when logging has ended");
}

static void errors(void)
{
	struct kvm_dirty_log request = { .slot = 0xffff, .dirty_bitmap = &request };
	struct log log = { { 1 } }, first = { { 1 } };
	struct guest guest;

	logged(&guest);
	check_equal(vm_ioctl(&guest, KVM_GET_DIRTY_LOG, &request), EINVAL,
		    "errno of no such slot id");
	request.slot = 5;
	check_equal(vm_ioctl(&guest, KVM_GET_DIRTY_LOG, &request), ENOENT, "errno of no such slot");
	request.slot = SLOT;
	request.dirty_bitmap = NULL;
	check_equal(vm_ioctl(&guest, KVM_GET_DIRTY_LOG, &request), EFAULT, "errno of no bitmap");
	if (ioctl(guest.vm, KVM_CHECK_EXTENSION, KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2) <= 0)
		skip("no KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2");
	check_equal(clear_log(&guest, 1, 64, log.bits), EINVAL, "errno of first_page 1");
	check_equal(clear_log(&guest, 0, 65, log.bits), EINVAL, "errno of 65 pages");
	check_equal(clear_log(&guest, 192, 64, log.bits), EINVAL, "errno of pages behind the slot");
	check_equal(clear_log(&guest, 256, 0, log.bits), EINVAL, "errno of a first page behind it");
	check_equal(clear_log(&guest, 0, 64, NULL), EFAULT, "errno of no bitmap to clear");
	check_equal(clear_log(&guest, 192, 8, log.bits), 0, "errno of the slot's last pages");
	/* It can always be used (KVM API 4.117). */
	store(&guest, 0);
	store(&guest, 1);
	check_equal(clear_log(&guest, 0, 64, first.bits), 0, "errno of a good call");
	log.bits[0] = 2;
	check_log(&guest, &log, "what was not cleared");
}

static int enable(const struct guest *guest, u64 options)
{
	struct kvm_enable_cap cap = {
		.cap = KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, .args = { options },
	};

	return vm_ioctl(guest, KVM_ENABLE_CAP, &cap);
}

static void need_manual(struct guest *guest, u64 options)
{
	u64 offered;

	guest_create(guest);
	offered = (u64)ioctl(guest->vm, KVM_CHECK_EXTENSION, KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2);
	if ((offered & options) != options)
		skip("KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2 does not have %#llx",
		     (unsigned long long)options);
	/* 7.15: INITIALLY_SET depends on ENABLE; nothing else is known. */
	check_equal(enable(guest, KVM_DIRTY_LOG_INITIALLY_SET), EINVAL, "INITIALLY_SET by itself");
	check_equal(enable(guest, 1ull << 40), EINVAL, "an option that is not known");
	check_equal(enable(guest, options), 0, "errno of KVM_ENABLE_CAP");
}

/* Nothing is cleared unless it is said so. */
static void manual(void)
{
	struct log log = { { 0 } }, clear = { { 0 } };
	u8 *memory = memory_new(SIZE);
	struct guest guest;

	need_manual(&guest, KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE);
	slot_logged(&guest, memory);
	for (unsigned int i = 0; i < WRITTEN; i++) {
		store(&guest, written[i]);
		set(&log, written[i]);
	}
	check_log(&guest, &log, "after writes");
	check_log(&guest, &log, "a second time");
	/* Pages 64 to 127, of which 100 shall stay, and 70 is clean as it is. */
	set(&clear, 64);
	set(&clear, 70);
	set(&clear, 127);
	check_equal(clear_log(&guest, 64, 64, &clear.bits[1]), 0, "errno of KVM_CLEAR_DIRTY_LOG");
	log.bits[1] = 1ull << (100 - 64);
	check_log(&guest, &log, "after some were cleared");
	store(&guest, 127);
	store(&guest, 70);
	set(&log, 127);
	set(&log, 70);
	check_log(&guest, &log, "and written again");
}

static void initially_set(void)
{
	struct log log, clear = { { ~0ull } };
	u8 *memory = memory_new(SIZE);
	struct guest guest;

	need_manual(&guest, KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE | KVM_DIRTY_LOG_INITIALLY_SET);
	slot_add(&guest, SLOT, RAM, memory, SIZE);
	store(&guest, 5);
	slot_logged(&guest, memory);
	check_equal(get_log(&guest, &log), 0, "errno of KVM_GET_DIRTY_LOG");
	for (unsigned long page = 0; page < PAGES; page++)
		check(log.bits[page / 64] >> (page & 63) & 1, "page %lu is not set at first", page);
	check_equal(clear_log(&guest, 0, 64, clear.bits), 0, "errno of KVM_CLEAR_DIRTY_LOG");
	store(&guest, 5);
	check_equal(get_log(&guest, &log), 0, "errno of KVM_GET_DIRTY_LOG");
	check_equal(log.bits[0], 1 << 5, "what was written since");
	check_equal(log.bits[1], ~0ull, "what was not cleared");
}

/* ---- a log that is taken while the guest runs --------------------------------------------- */

#define ROUNDS 200u

struct writer {
	struct guest guest;
	atomic_uint allowed, done;	/* rounds */
	int result;
};

static u64 value_of(unsigned int round)
{
	return 2 * round + 1;
}

static void *write_twice(void *argument)
{
	struct writer *writer = argument;

	for (unsigned int round = 0; round < ROUNDS && !writer->result; round++) {
		while (atomic_load(&writer->allowed) <= round)
			;
		writer->result = guest_store_twice(&writer->guest, RAM + round % PAGES * PAGE,
						   value_of(round));
		atomic_store(&writer->done, round + 1);
	}
	return NULL;
}

/*
 * The processor remembers that the page may be written, and no exit makes it forget: only who
 * takes the log can.
 */
static void between_writes(void)
{
	struct writer writer = { .result = 0 };
	_Atomic u64 *turn;
	pthread_t thread;

	logged(&writer.guest);
	turn = guest_turn(&writer.guest);
	check_equal(pthread_create(&thread, NULL, write_twice, &writer), 0, "a thread");
	for (unsigned int round = 0; round < ROUNDS; round++) {
		struct log log = { { 0 } };

		set(&log, round % PAGES);
		atomic_store(&writer.allowed, round + 1);
		while (atomic_load(turn) != value_of(round) && atomic_load(&writer.done) <= round)
			;
		check_log(&writer.guest, &log, "after the first write");
		atomic_store(turn, 0);
		while (atomic_load(&writer.done) <= round)
			;
		check_equal(writer.result, 0, "two writes");
		check_log(&writer.guest, &log, "after the second write");
	}
	pthread_join(thread, NULL);
}

/* ---- migration: memory is copied page by page while the guest runs ---------------------- */

static void copy_dirty(u8 *copy, const u8 *memory, const struct log *log)
{
	for (unsigned long page = 0; page < PAGES; page++) {
		if (log->bits[page / 64] >> (page & 63) & 1)
			memcpy(copy + page * PAGE, memory + page * PAGE, PAGE);
	}
}

/* Whatever Linux does to the memory meanwhile, the log misses nothing. */
static void migrate(void (*meanwhile)(u8 *memory), unsigned int pause)
{
	struct guest guest;
	u8 *memory = logged(&guest), *copy = memory_new(SIZE);
	struct walk walk = { .guest = &guest, .memory = memory, .gpa = RAM, .bytes = SIZE,
			     .pause = pause };
	struct log log;

	walk_fill(memory, RAM, SIZE);
	memcpy(copy, memory, SIZE);
	walk_start(&walk);
	for (unsigned int round = 0; round < 200; round++) {
		check_equal(get_log(&guest, &log), 0, "errno of KVM_GET_DIRTY_LOG");
		copy_dirty(copy, memory, &log);
		if (round % 10 == 0)
			meanwhile(memory);
		if (round % 20 == 0)
			walk_passes(&walk, 1);
	}
	walk_passes(&walk, 2);
	walk_stop(&walk);
	check_equal(get_log(&guest, &log), 0, "errno of the last KVM_GET_DIRTY_LOG");
	copy_dirty(copy, memory, &log);
	for (unsigned long page = 0; page < PAGES; page++)
		check(!memcmp(copy + page * PAGE, memory + page * PAGE, PAGE),
		      "page %lu was written, and the log has missed it", page);
}

static void nothing(u8 *memory)
{
	(void)memory;
}

static void migration(void)
{
	migrate(nothing, 0);
}

static void out(u8 *memory)
{
	page_out(memory, SIZE);
}

static void migration_swap(void)
{
	long long before = swapped_out();

	need_swap(4 * SIZE);
	migrate(out, PAUSE);
	check(swapped_out() - before >= (long long)PAGES, "only %lld pages were swapped out",
	      swapped_out() - before);
}

/* ---- pages that lose more than the right to be written ------------------------------------- */

#define CHANGED 5ul		/* page of the slot */

/* The slot, with a page that the guest has written, and that is clean in the log again. */
static u8 *written_and_logged(struct guest *guest)
{
	u8 *memory = logged(guest);
	struct log log = { { 1 << CHANGED } };

	check_equal(guest_store(guest, RAM + CHANGED * PAGE, 1), 0, "the first write");
	check_log(guest, &log, "after the first write");
	return memory;
}

static void read_only(void)
{
	struct log none = { { 0 } }, one = { { 1 << CHANGED } };
	struct guest guest;
	u8 *memory = written_and_logged(&guest);

	must(mprotect(memory + CHANGED * PAGE, PAGE, PROT_READ));
	check_equal(guest_store(&guest, RAM + CHANGED * PAGE, 2), -EFAULT, "a write that is not");
	check_equal(*(u64 *)(memory + CHANGED * PAGE), 1, "what cannot be written");
	check_log(&guest, &none, "without a write");
	must(mprotect(memory + CHANGED * PAGE, PAGE, PROT_READ | PROT_WRITE));
	check_equal(guest_store(&guest, RAM + CHANGED * PAGE, 3), 0, "a write again");
	check_equal(*(u64 *)(memory + CHANGED * PAGE), 3, "what can be written again");
	check_log(&guest, &one, "after it");
}

/* A child has what there was: the guest's next write goes to a page of its own, and is logged. */
static void fork_between(bool reads_first)
{
	struct log one = { { 1 << CHANGED } };
	struct guest guest;
	u8 *memory = written_and_logged(&guest);
	int go[2], status;
	char byte = 0;
	pid_t child;

	must(pipe(go));
	must(child = fork());
	if (!child) {
		if (read(go[0], &byte, 1) != 1)
			_exit(2);
		_exit(*(volatile u64 *)(memory + CHANGED * PAGE) != 1);
	}
	if (reads_first)
		check_load(&guest, RAM + CHANGED * PAGE, 1, "what both have");
	check_equal(guest_store(&guest, RAM + CHANGED * PAGE, 2), 0, "the parent's write");
	check_equal(*(u64 *)(memory + CHANGED * PAGE), 2, "what the parent has");
	check(write(go[1], &byte, 1) == 1, "the child is gone");
	must(waitpid(child, &status, 0));
	check(!status, "the child has not what there was (status %#x)", status);
	check_log(&guest, &one, "after the parent's write");
}

static void forked(void)
{
	fork_between(false);
}

static void forked_and_read(void)
{
	fork_between(true);
}

/* Another page in its place, which nobody has written. */
static void replaced(void)
{
	struct log one = { { 1 << CHANGED } };
	struct guest guest;
	u8 *memory = written_and_logged(&guest);

	must(madvise(memory + CHANGED * PAGE, PAGE, MADV_DONTNEED));
	check_load(&guest, RAM + CHANGED * PAGE, 0, "a page that is new");
	check_equal(guest_store(&guest, RAM + CHANGED * PAGE, 2), 0, "a write to it");
	check_equal(*(u64 *)(memory + CHANGED * PAGE), 2, "what the task has");
	check_log(&guest, &one, "after it");
}

const struct test dirty_tests[] = {
	{ "dirty/exact", exact },
	{ "dirty/began_later", began_later },
	{ "dirty/errors", errors },
	{ "dirty/manual", manual },
	{ "dirty/initially_set", initially_set },
	{ "dirty/between_writes", between_writes },
	{ "dirty/read_only", read_only },
	{ "dirty/forked", forked },
	{ "dirty/forked_and_read", forked_and_read },
	{ "dirty/replaced", replaced },
	{ "dirty/migration", migration },
	{ "dirty/migration_swap", migration_swap },
	{ NULL, NULL }
};

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory slots (KVM API 4.35): what is refused, read-only slots, slots that move or go while
 * the guest runs, memory that is in two slots or in two VMs.
 */
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "guest.h"

#define PAGES 64ul
#define SIZE (PAGES * PAGE)

struct refusal {
	const char *what;
	u32 id, flags;
	u64 gpa, size;
	long offset;		/* of the address here */
	int error;
};

/* Slot 1 is SIZE at RAM when these are tried; slots must be page-aligned and not overlap. */
static const struct refusal refusals[] = {
	{ "size that is no multiple of a page", 2, 0, RAM + SIZE, PAGE + 1, 0, EINVAL },
	{ "guest address that is not aligned", 2, 0, RAM + SIZE + 8, PAGE, 0, EINVAL },
	{ "address here that is not aligned", 2, 0, RAM + SIZE, PAGE, 8, EINVAL },
	{ "flag that is not known", 2, 1u << 31, RAM + SIZE, PAGE, 0, EINVAL },
	{ "guest addresses that wrap around", 2, 0, -2 * PAGE, 4 * PAGE, 0, EINVAL },
	{ "guest addresses beyond 52 bits", 2, 0, 1ull << 52, PAGE, 0, EINVAL },
	{ "more than 2^31 - 1 pages", 2, 0, RAM + SIZE, 1ull << 43, 0, EINVAL },
	{ "addresses of the kernel", 2, 0, RAM + SIZE, PAGE, -1, EINVAL },
	{ "slot that overlaps another at its end", 2, 0, RAM - PAGE, 2 * PAGE, 0, EEXIST },
	{ "slot that overlaps another at its beginning", 2, 0, RAM + SIZE - PAGE, PAGE, 0, EEXIST },
	{ "slot around another", 2, 0, RAM - PAGE, SIZE + 2 * PAGE, 0, EEXIST },
	{ "slot within another", 2, 0, RAM + PAGE, PAGE, 0, EEXIST },
	{ "deletion of a slot that is not there", 2, 0, RAM + SIZE, 0, 0, EINVAL },
	{ "slot that shrinks", 1, 0, RAM, SIZE - PAGE, 0, EINVAL },
	{ "slot that grows", 1, 0, RAM, SIZE + PAGE, 0, EINVAL },
	{ "slot that gets other memory", 1, 0, RAM, SIZE, PAGE, EINVAL },
	{ "slot that becomes read-only", 1, KVM_MEM_READONLY, RAM, SIZE, 0, EINVAL },
	{ "slot that moves over another", 1, 0, 0x8000, SIZE, 0, EEXIST },
};

static void refused(void)
{
	u8 *memory = memory_new(SIZE + 4 * PAGE);
	struct guest guest;

	guest_create(&guest);
	slot_add(&guest, 1, RAM, memory, SIZE);
	for (unsigned int i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		const struct refusal *r = &refusals[i];
		const u8 *address = r->offset < 0 ? (u8 *)0xffff888000000000 : memory + r->offset;

		check_equal(slot_set(&guest, r->id, r->gpa, address, r->size, r->flags), r->error,
			    r->what);
	}
	/* All of that has changed nothing. */
	*(u64 *)memory = 0x1234;
	check_load(&guest, RAM, 0x1234, "memory after what was refused");
	check_equal(guest_load(&guest, RAM + SIZE, &(u64){ 0 }), KVM_EXIT_MMIO, "behind the slot");
}

static void number_of_slots(void)
{
	u8 *memory = memory_new(PAGE);
	struct guest guest;
	int slots;

	guest_create(&guest);
	slots = ioctl(guest.vm, KVM_CHECK_EXTENSION, KVM_CAP_NR_MEMSLOTS);
	check(slots >= 32, "KVM_CAP_NR_MEMSLOTS is %d: not even 32", slots);
	check_equal(slot_set(&guest, (u32)slots, RAM, memory, PAGE, 0), EINVAL,
		    "one slot too many");
	/* From the last to the first, and every one is another page of guest memory. */
	*(u64 *)memory = 0x5678;
	for (int id = slots - 1; id > 0; id -= slots > 1024 ? 97 : 1)
		slot_add(&guest, (u32)id, RAM + 2 * (u64)id * PAGE, memory, PAGE);
	check_load(&guest, RAM + 2 * (u64)(slots - 1) * PAGE, 0x5678, "the last slot");
	check_equal(guest_load(&guest, RAM + (2 * (u64)slots - 1) * PAGE, &(u64){ 0 }),
		    KVM_EXIT_MMIO, "behind the last slot");
}

/* A write to a read-only slot is KVM_EXIT_MMIO with its data, and memory keeps what it has. */
static void check_refused_write(struct guest *guest, u64 gpa, u64 value, const u8 *memory)
{
	u64 data, before = *(const u64 *)memory;

	check_equal(guest_store(guest, gpa, value), KVM_EXIT_MMIO, "a write to a read-only slot");
	memcpy(&data, guest->run->mmio.data, 8);
	check_equal(guest->run->mmio.phys_addr, gpa, "its address");
	check_equal(guest->run->mmio.is_write, 1, "is_write");
	check_equal(guest->run->mmio.len, 8, "its length");
	check_equal(data, value, "its data");
	check_equal(*(const u64 *)memory, before, "the memory after it");
}

static void read_only(void)
{
	u8 *memory = memory_new(SIZE);
	struct guest guest;

	guest_create(&guest);
	if (ioctl(guest.vm, KVM_CHECK_EXTENSION, KVM_CAP_READONLY_MEM) <= 0)
		skip("no KVM_CAP_READONLY_MEM");
	check_equal(slot_set(&guest, 1, RAM, memory, SIZE, KVM_MEM_READONLY), 0, "the slot");
	*(u64 *)(memory + PAGE) = 0xabcd;
	check_refused_write(&guest, RAM + PAGE, 1, memory + PAGE);	/* before it is mapped */
	check_load(&guest, RAM + PAGE, 0xabcd, "a read");
	check_refused_write(&guest, RAM + PAGE, 2, memory + PAGE);
	/* The task itself may write. */
	*(u64 *)(memory + PAGE) = 0xef01;
	check_load(&guest, RAM + PAGE, 0xef01, "what the task has written");
	/* It needs no right to write here. */
	must(mprotect(memory, SIZE, PROT_READ));
	check_load(&guest, RAM + PAGE, 0xef01, "memory the task cannot write to");
	check_refused_write(&guest, RAM + PAGE, 3, memory + PAGE);
}

static void moved(void)
{
	u8 *memory = memory_new(SIZE);
	struct guest guest;
	u64 value;

	guest_create(&guest);
	slot_add(&guest, 1, RAM, memory, SIZE);
	check_equal(guest_store(&guest, RAM + PAGE, 0x77), 0, "a write");
	slot_add(&guest, 1, RAM + 16 * MIB, memory, SIZE);
	check_equal(guest_load(&guest, RAM + PAGE, &value), KVM_EXIT_MMIO, "where it was");
	check_load(&guest, RAM + 16 * MIB + PAGE, 0x77, "where it is");
	/* By half of its size: what was mapped there is another page now. */
	slot_add(&guest, 1, RAM + 16 * MIB + SIZE / 2, memory, SIZE);
	*(u64 *)(memory + SIZE / 2 + PAGE) = 0x99;
	check_load(&guest, RAM + 16 * MIB + SIZE / 2 + PAGE, 0x77, "after half a move");
	check_load(&guest, RAM + 16 * MIB + SIZE + PAGE, 0x99, "its second half");
	check_equal(guest_load(&guest, RAM + 16 * MIB + PAGE, &value), KVM_EXIT_MMIO,
		    "what it left");
}

static void deleted_while_running(void)
{
	u8 *memory = memory_new(SIZE);
	struct guest guest;
	struct walk walk = { .guest = &guest, .memory = memory, .gpa = RAM, .bytes = SIZE };

	guest_create(&guest);
	walk_fill(memory, RAM, SIZE);
	slot_add(&guest, 1, RAM, memory, SIZE);
	walk_start(&walk);
	for (int i = 0; i < 10; i++) {
		walk_passes(&walk, 2);
		check_equal(slot_set(&guest, 1, RAM, memory, 0, 0), 0, "deletion");
		check_equal(walk_end(&walk), 0, "errno of KVM_RUN without the slot");
		check_equal(guest.run->exit_reason, KVM_EXIT_MMIO, "exit reason without the slot");
		check(guest.run->mmio.phys_addr - RAM < SIZE, "MMIO at %#llx, not in the slot",
		      (unsigned long long)guest.run->mmio.phys_addr);
		/* What user space answers for it is what the memory has. */
		if (guest.run->mmio.is_write)
			memcpy(memory + (guest.run->mmio.phys_addr - RAM), guest.run->mmio.data, 8);
		else
			memcpy(guest.run->mmio.data, memory + (guest.run->mmio.phys_addr - RAM), 8);
		slot_add(&guest, 1, RAM, memory, SIZE);
		walk_resume(&walk);
	}
	walk_passes(&walk, 2);
	walk_stop(&walk);
}

/* Other slots come and go, and flags change, under a guest that runs. */
static void changed_while_running(void)
{
	u8 *memory = memory_new(SIZE), *other = memory_new(SIZE);
	struct guest guest;
	struct walk walk = { .guest = &guest, .memory = memory, .gpa = RAM, .bytes = SIZE };

	guest_create(&guest);
	walk_fill(memory, RAM, SIZE);
	slot_add(&guest, 1, RAM, memory, SIZE);
	walk_start(&walk);
	for (unsigned int i = 0; i < 200; i++) {
		u64 gpa = i & 1 ? RAM + 32 * MIB : 0x100000;

		slot_add(&guest, 2, gpa, other, SIZE);
		check_equal(slot_set(&guest, 1, RAM, memory, SIZE, i & 1 ? KVM_MEM_LOG_DIRTY_PAGES :
				     0), 0, "a change of flags");
		check_equal(slot_set(&guest, 2, gpa, other, 0, 0), 0, "deletion of another slot");
		if (i % 20 == 0)
			walk_passes(&walk, 1);
	}
	walk_passes(&walk, 2);
	walk_stop(&walk);
}

static void alias(void)
{
	u8 *memory = memory_new(SIZE);
	struct guest guest;

	guest_create(&guest);
	slot_add(&guest, 1, RAM, memory, SIZE);
	slot_add(&guest, 2, RAM + 16 * MIB, memory, SIZE);
	for (u64 at = 0; at < SIZE; at += PAGE) {
		check_equal(guest_store(&guest, RAM + at, at + 1), 0, "a write by the first slot");
		check_load(&guest, RAM + 16 * MIB + at, at + 1, "a read by the second");
	}
	/* What becomes of the memory becomes of both. */
	must(madvise(memory, SIZE, MADV_DONTNEED));
	for (u64 at = 0; at < SIZE; at += PAGE) {
		check_load(&guest, RAM + 16 * MIB + at, 0, "the second after MADV_DONTNEED");
		check_load(&guest, RAM + at, 0, "the first after MADV_DONTNEED");
		check_equal(guest_store(&guest, RAM + 16 * MIB + at, at + 2), 0, "a write");
		check_load(&guest, RAM + at, at + 2, "the first after a write by the second");
	}
}

static void two_vms(void)
{
	u8 *memory = memory_new(SIZE);
	struct guest one, two;
	struct walk walk = { .guest = &one, .memory = memory, .gpa = RAM, .bytes = SIZE / 2 };

	guest_create(&one);
	guest_create(&two);
	walk_fill(memory, RAM, SIZE / 2);
	slot_add(&one, 1, RAM, memory, SIZE);
	slot_add(&two, 1, RAM + MIB, memory, SIZE);
	walk_start(&walk);
	for (u64 at = SIZE / 2; at < SIZE; at += PAGE) {
		check_equal(guest_store(&two, RAM + MIB + at, at), 0, "a write by the second VM");
		check_equal(*(u64 *)(memory + at), at, "and the task's view of it");
	}
	walk_passes(&walk, 2);
	guest_destroy(&two);
	walk_passes(&walk, 2);
	walk_stop(&walk);
	for (u64 at = SIZE / 2; at < SIZE; at += PAGE)
		check_load(&one, RAM + at, at, "what the second VM has written");
}

const struct test slot_tests[] = {
	{ "slot/refused", refused },
	{ "slot/number", number_of_slots },
	{ "slot/read_only", read_only },
	{ "slot/moved", moved },
	{ "slot/deleted_while_running", deleted_while_running },
	{ "slot/changed_while_running", changed_while_running },
	{ "slot/alias", alias },
	{ "slot/two_vms", two_vms },
	{ NULL, NULL }
};

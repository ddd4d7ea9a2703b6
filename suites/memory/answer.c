// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory that is none, in 64-bit mode: what user space is asked for, and what becomes of its
 * answer when it has done something else first. KVM API 5: the access ends with the next KVM_RUN.
 */
#include <linux/kvm.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "guest.h"

#define NONE 0x80000000ul	/* no slot of any test */
#define ANSWER 0x8877665544332211ull
#define SLOT 1
#define LOAD_LENGTH 3u		/* mov (%rdi), %rax */

/* ---- asking --------------------------------------------------------------------------------- */

static void check_asked(const struct guest *guest, int result, u64 gpa, bool write)
{
	check_equal(result, KVM_EXIT_MMIO, "exit reason");
	check_equal(guest->run->mmio.phys_addr, gpa, "address");
	check_equal(guest->run->mmio.len, 8, "length");
	check_equal(guest->run->mmio.is_write, write, "is_write");
}

/* The guest is in the midst of a load, and the answer is there. */
static void begin_load(struct guest *guest, u64 gpa)
{
	u64 answer = ANSWER, value;

	check_asked(guest, guest_load(guest, gpa, &value), gpa, false);
	memcpy(guest->run->mmio.data, &answer, sizeof(answer));
}

static void check_answered(struct guest *guest)
{
	u64 value;

	check_equal(guest_continue(guest, &value), 0, "what follows the answer");
	check_equal(value, ANSWER, "what was answered");
}

static void begin_store(struct guest *guest)
{
	u64 data;

	check_asked(guest, guest_store(guest, NONE, ANSWER), NONE, true);
	memcpy(&data, guest->run->mmio.data, sizeof(data));
	check_equal(data, ANSWER, "what is written");
}

static void load_and_store(void)
{
	struct guest guest;
	u64 value;

	guest_create(&guest);
	for (unsigned int i = 0; i < 3; i++) {
		begin_load(&guest, NONE + 8 * i);
		check_answered(&guest);
		begin_store(&guest);
		check_equal(guest_continue(&guest, &value), 0, "what follows a store");
	}
}

/* ---- looked at, and changed ----------------------------------------------------------------- */

/* Takes and puts back all there is. */
static void look(const struct guest *guest)
{
	struct kvm_sregs sregs;
	struct kvm_vcpu_events events;

	must(ioctl(guest->vcpu, KVM_GET_SREGS, &sregs));
	must(ioctl(guest->vcpu, KVM_SET_SREGS, &sregs));
	must(ioctl(guest->vcpu, KVM_GET_VCPU_EVENTS, &events));
	must(ioctl(guest->vcpu, KVM_SET_VCPU_EVENTS, &events));
}

static void looked_at(void)
{
	struct guest guest;
	u64 value;

	guest_create(&guest);
	begin_load(&guest, NONE);
	look(&guest);
	check_answered(&guest);
	begin_store(&guest);
	look(&guest);
	check_equal(guest_continue(&guest, &value), 0, "what follows a store");
}

static struct kvm_regs get_regs(const struct guest *guest)
{
	struct kvm_regs regs;

	must(ioctl(guest->vcpu, KVM_GET_REGS, &regs));
	return regs;
}

/* What the API leaves open: user space is to end an access before it sets registers. */
static void need_module(void)
{
	if (strcmp(node, "/dev/assay"))
		skip("what becomes of it is up to the hypervisor");
}

/* A register that the instruction has nothing to do with. */
static void register_set(void)
{
	struct kvm_regs regs;
	struct guest guest;
	u64 value;

	need_module();
	guest_create(&guest);
	begin_load(&guest, NONE);
	regs = get_regs(&guest);
	regs.rbx = 0x1234;
	must(ioctl(guest.vcpu, KVM_SET_REGS, &regs));
	check_answered(&guest);
	check_equal(get_regs(&guest).rbx, 0x1234, "what was set during a load");
	begin_store(&guest);
	regs = get_regs(&guest);
	regs.rbx = 0x5678;
	must(ioctl(guest.vcpu, KVM_SET_REGS, &regs));
	check_equal(guest_continue(&guest, &value), 0, "what follows a store");
	check_equal(get_regs(&guest).rbx, 0x5678, "what was set during a store");
}

/* The load is executed anew, with the registers it has now: no answer is another place's. */
static void address_set(void)
{
	struct kvm_regs regs;
	struct guest guest;
	u64 value, answer = 1;

	need_module();
	guest_create(&guest);
	begin_load(&guest, NONE);
	regs = get_regs(&guest);
	regs.rdi = NONE + PAGE;
	must(ioctl(guest.vcpu, KVM_SET_REGS, &regs));
	check_asked(&guest, guest_continue(&guest, &value), NONE + PAGE, false);
	memcpy(guest.run->mmio.data, &answer, sizeof(answer));
	check_equal(guest_continue(&guest, &value), 0, "what follows the second answer");
	check_equal(value, answer, "what the load brings");
}

/* The vCPU is sent elsewhere: nothing of what it has begun is left. */
static void store_instead(struct guest *guest, const u8 *memory, u64 stored)
{
	struct kvm_regs regs = get_regs(guest);
	u64 value;

	regs.rip = guest_store_program();
	regs.rdi = RAM;
	regs.rax = stored;
	must(ioctl(guest->vcpu, KVM_SET_REGS, &regs));
	check_equal(guest_continue(guest, &value), 0, "what is done instead");
	check_equal(value, stored, "RAX");
	check_equal(*(const u64 *)memory, stored, "what is stored instead");
}

static void rip_set(void)
{
	struct guest guest;
	u8 *memory = memory_new(PAGE);

	need_module();
	guest_create(&guest);
	slot_add(&guest, SLOT, RAM, memory, PAGE);
	begin_load(&guest, NONE);
	store_instead(&guest, memory, 0x1234);
	/* A store at another place than the one that it is replaced by. */
	check_asked(&guest, guest_store_twice(&guest, NONE, ANSWER), NONE, true);
	store_instead(&guest, memory, 0x5678);
}

/* A debugger that comes in between sees the instruction end, and not the next. */
static void debugged(void)
{
	struct kvm_guest_debug debug = { .control = KVM_GUESTDBG_ENABLE |
						    KVM_GUESTDBG_SINGLESTEP };
	struct kvm_regs regs;
	struct guest guest;
	u64 value, rip;

	guest_create(&guest);
	begin_load(&guest, NONE);
	rip = get_regs(&guest).rip;
	must(ioctl(guest.vcpu, KVM_SET_GUEST_DEBUG, &debug));
	check_equal(guest_continue(&guest, &value), KVM_EXIT_DEBUG, "exit reason");
	regs = get_regs(&guest);
	check_equal(regs.rip, rip + LOAD_LENGTH, "RIP after one step");
	check_equal(regs.rax, ANSWER, "what was answered");
}

/* ---- slots that come and go ----------------------------------------------------------------- */

/* There was no memory when it was read. */
static void slot_added(void)
{
	struct guest guest;
	u8 *memory = memory_new(PAGE);

	guest_create(&guest);
	*(u64 *)memory = 0x1234;
	begin_load(&guest, NONE);
	slot_add(&guest, SLOT, NONE, memory, PAGE);
	check_answered(&guest);
	check_load(&guest, NONE, 0x1234, "memory that is there now");
}

/* The slot that was used last goes: nobody takes it for there. */
static void slot_gone(void)
{
	struct guest guest;
	u8 *memory = memory_new(PAGE);
	u64 value;

	guest_create(&guest);
	slot_add(&guest, SLOT, RAM, memory, PAGE);
	check_load(&guest, RAM, 0, "memory that is there");
	check_equal(slot_set(&guest, SLOT, RAM, memory, 0, 0), 0, "the slot goes");
	check_asked(&guest, guest_load(&guest, RAM, &value), RAM, false);
}

#define WINDOW (1ul << 39)	/* linear: what another table than the low memory's maps */

/* The guest's WINDOW is mapped by a table in memory, to gpa. */
static void map_window(const struct guest *guest, u8 *memory, u64 gpa)
{
	u64 *low = (u64 *)guest->low, *pdpt = (u64 *)memory, *pd = (u64 *)(memory + PAGE);

	/* PML4 entry 1; P, W, U, A, D, and PS where the page is (SDM 3 4.5). */
	low[(0x1000 + 8) / 8] = RAM | 0x27;
	pdpt[0] = (RAM + PAGE) | 0x27;
	pd[0] = gpa | 0xe7;
}

/* Tables in a slot that goes, and comes again with other contents: nothing is remembered. */
static void tables_replaced(void)
{
	struct guest guest;
	u8 *memory, *other;
	u64 value;
	int result;

	guest_create(&guest);
	memory = memory_new(2 * PAGE);
	other = memory_new(2 * PAGE);
	slot_add(&guest, SLOT, RAM, memory, 2 * PAGE);
	map_window(&guest, memory, NONE);
	map_window(&guest, other, NONE + 2 * MIB);
	for (unsigned int i = 0; i < 3; i++) {
		result = guest_load(&guest, WINDOW + 8 * i, &value);
		check_asked(&guest, result, NONE + 8 * i, false);
	}
	check_equal(slot_set(&guest, SLOT, RAM, memory, 0, 0), 0, "the slot goes");
	slot_add(&guest, SLOT, RAM, other, 2 * PAGE);
	check_asked(&guest, guest_load(&guest, WINDOW, &value), NONE + 2 * MIB, false);
	check_equal(slot_set(&guest, SLOT, RAM, memory, 0, 0), 0, "the slot goes again");
	result = guest_load(&guest, WINDOW, &value);
	check(result != KVM_EXIT_MMIO || guest.run->mmio.phys_addr < NONE,
	      "a table that is gone has led to %#llx", guest.run->mmio.phys_addr);
}

/* ---- accesses that are not what they seem --------------------------------------------------- */

#define HALF (sizeof(u64) / 2)

static void check_half(const struct guest *guest, int result, u64 gpa, bool write)
{
	check_equal(result, KVM_EXIT_MMIO, "exit reason");
	check_equal(guest->run->mmio.phys_addr, gpa, "address of what is not in memory");
	check_equal(guest->run->mmio.len, HALF, "its length");
	check_equal(guest->run->mmio.is_write, write, "is_write");
}

/* A page of memory between pages that are none: of what crosses its ends half is asked for. */
static void two_pages(void)
{
	const u64 first = NONE + PAGE - HALF, last = NONE + 2 * PAGE - HALF;
	const u32 low = (u32)ANSWER, high = (u32)(ANSWER >> 32);
	struct guest guest;
	u8 *memory = memory_new(PAGE);
	u64 value;

	guest_create(&guest);
	slot_add(&guest, SLOT, NONE + PAGE, memory, PAGE);
	memcpy(memory, &high, HALF);
	check_half(&guest, guest_load(&guest, first, &value), first, false);
	memcpy(guest.run->mmio.data, &low, HALF);
	check_answered(&guest);
	memcpy(memory + PAGE - HALF, &low, HALF);
	check_half(&guest, guest_load(&guest, last, &value), last + HALF, false);
	memcpy(guest.run->mmio.data, &high, HALF);
	check_answered(&guest);
	memset(memory, 0, PAGE);
	check_half(&guest, guest_store(&guest, first, ANSWER), first, true);
	check(!memcmp(guest.run->mmio.data, &low, HALF), "the first half of a store");
	check_equal(guest_continue(&guest, &value), 0, "what follows a store");
	check(!memcmp(memory, &high, HALF), "the second half of a store");
	check_half(&guest, guest_store(&guest, last, ANSWER), last + HALF, true);
	check(!memcmp(guest.run->mmio.data, &high, HALF), "the second half of another");
	check_equal(guest_continue(&guest, &value), 0, "what follows the other");
	check(!memcmp(memory + PAGE - HALF, &low, HALF), "the first half of the other");
}

#define AM (1u << 18)		/* CR0 */
#define AC (1u << 18)		/* RFLAGS */

/* A store of a program, that is at privilege level 3, with alignment checks (SDM 3 7.15). */
static int checked_store(struct guest *guest, u64 gpa)
{
	struct kvm_regs regs = { .rip = guest_store_program(), .rflags = 2 | AC, .rdi = gpa,
				 .rax = ANSWER };
	struct kvm_sregs sregs;
	u64 value;

	must(ioctl(guest->vcpu, KVM_GET_SREGS, &sregs));
	sregs.cs.dpl = sregs.ss.dpl = 3;
	sregs.cs.selector |= 3;
	sregs.ss.selector |= 3;
	sregs.cr0 |= AM;
	must(ioctl(guest->vcpu, KVM_SET_SREGS, &sregs));
	must(ioctl(guest->vcpu, KVM_SET_REGS, &regs));
	return guest_continue(guest, &value);
}

/* #AC comes before the access; without a gate for it, or for what follows, the guest shuts down. */
static void aligned(void)
{
	struct guest guest;

	if (strcmp(node, "/dev/assay"))
		skip("KVM's interpreter has no alignment check");
	guest_create(&guest);
	check_asked(&guest, checked_store(&guest, NONE), NONE, true);
	guest_destroy(&guest);
	guest_create(&guest);
	check_equal(checked_store(&guest, NONE + 1), KVM_EXIT_SHUTDOWN, "what is not aligned");
}

/*
 * Processors may look up tables as if they wrote to them (APM 2 15.25.6, SDM 3 28.3.3.2), so
 * tables in a read-only slot are what a store meets first: no access to memory that is none.
 */
static void tables_read_only(void)
{
	struct guest guest;
	u8 *tables = memory_new(2 * PAGE), *memory = memory_new(PAGE);

	guest_create(&guest);
	check_equal(slot_set(&guest, SLOT, RAM, tables, 2 * PAGE, KVM_MEM_READONLY), 0, "the slot");
	slot_add(&guest, SLOT + 1, NONE, memory, PAGE);
	map_window(&guest, tables, NONE);
	for (u64 i = 0; i < 3; i++) {
		check_equal(guest_store(&guest, WINDOW + 8 * i, ANSWER + i), 0, "a store");
		check_equal(*(u64 *)(memory + 8 * i), ANSWER + i, "what is stored");
	}
	check_asked(&guest, guest_store(&guest, WINDOW + PAGE, ANSWER), NONE + PAGE, true);
}

const struct test answer_tests[] = {
	{ "answer/load_and_store", load_and_store },
	{ "answer/looked_at", looked_at },
	{ "answer/register_set", register_set },
	{ "answer/address_set", address_set },
	{ "answer/rip_set", rip_set },
	{ "answer/debugged", debugged },
	{ "answer/slot_added", slot_added },
	{ "answer/slot_gone", slot_gone },
	{ "answer/tables_replaced", tables_replaced },
	{ "answer/two_pages", two_pages },
	{ "answer/aligned", aligned },
	{ "answer/tables_read_only", tables_read_only },
	{ NULL, NULL }
};

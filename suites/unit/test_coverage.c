// SPDX-License-Identifier: GPL-2.0-only
/* Counting what a run reached: exits of an instance, ioctls of the program. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>

#include "coverage.h"
#include "tap.h"

static u32 count_of(const struct coverage *c, u32 isa, u32 reason, u32 detail)
{
	for (unsigned int i = 0; i < c->count; i++) {
		const struct cover_entry *e = &c->entries[i];

		if (e->isa == isa && e->reason == reason && e->detail == detail)
			return e->count;
	}
	return 0;
}

static void hw(struct coverage *c, u32 isa, u32 reason, u64 info1, u32 intr_info)
{
	struct hwexit exit = { .isa = isa, .reason = reason, .info1 = info1,
			       .intr_info = intr_info };

	cover_hw(c, &exit);
}

static void test_exits(void)
{
	struct coverage c = { 0 };

	hw(&c, HWEXIT_VMX, 0, 0, 0x8000030e);	/* #PF */
	hw(&c, HWEXIT_VMX, 0, 0, 0x80000202);	/* NMI */
	hw(&c, HWEXIT_VMX, 28, 0x10, 0);	/* MOV from CR0, to RAX */
	hw(&c, HWEXIT_VMX, 28, 0x310, 0);	/* the same, to RBX */
	hw(&c, HWEXIT_VMX, 0x80000021, 0, 0);
	hw(&c, HWEXIT_SVM, 0x7c, 1, 0);
	hw(&c, HWEXIT_SVM, 0x7b, 1, 0);
	cover_exit(&c, KVM_EXIT_IO);
	cover_exit(&c, KVM_EXIT_IO);
	ok_equal(count_of(&c, HWEXIT_VMX, 0, 14), 1, "the vector of an exception");
	ok_equal(count_of(&c, HWEXIT_VMX, 0, 2), 1, "an NMI is another");
	ok_equal(count_of(&c, HWEXIT_VMX, 28, 0x10), 2, "an access to CR, whatever the register");
	ok_equal(count_of(&c, HWEXIT_VMX, 33, 0), 1, "a failed entry has its basic reason");
	ok_equal(count_of(&c, HWEXIT_SVM, 0x7c, 1), 1, "WRMSR is told from RDMSR");
	ok_equal(count_of(&c, HWEXIT_SVM, 0x7b, 0), 1, "EXITINFO1 of others says nothing");
	ok_equal(count_of(&c, 0, KVM_EXIT_IO, 0), 2, "exits of KVM_RUN are counted apart");
	ok_equal(c.count, 7, "as many entries as kinds");
}

static void test_sum(void)
{
	struct coverage a = { 0 }, b = { .hw = true, .missed = 3 }, both = { 0 };

	for (unsigned int i = 0; i < 10; i++) {
		cover_exit(i % 3 ? &a : &b, i % 4);
		cover_exit(&both, i % 4);
	}
	cover_add(&a, &b);
	ok(a.hw && a.missed == 3, "what was missed is missed in the sum");
	ok_equal(a.count, both.count, "a sum has as many kinds as counting at once");
	for (u32 i = 0; i < 4; i++)
		ok_equal(count_of(&a, 0, i, 0), count_of(&both, 0, i, 0), "count of %u", i);
}

static void test_room(void)
{
	struct coverage c = { 0 };

	for (u32 i = 0; i < COVER_MAX + 5; i++)
		cover_exit(&c, i);
	cover_exit(&c, 0);
	ok_equal(c.count, COVER_MAX, "no more kinds than there is room for");
	ok_equal(c.missed, 5, "what has no room is missed, and said to be");
	ok_equal(count_of(&c, 0, 0, 0), 2, "kinds that are known go on being counted");
}

static u64 ioctls_of(u32 nr, u32 error)
{
	struct ioctl_count *list;
	unsigned int count = ioctls_sum(&list);
	u64 found = 0;

	for (unsigned int i = 0; i < count; i++)
		if (list[i].nr == nr && list[i].error == error)
			found += list[i].count;
	free(list);
	return found;
}

static void *calls(void *arg)
{
	ioctl(-1, KVM_RUN, 0);
	return arg;
}

static void test_ioctls(void)
{
	pthread_t thread;
	int window;

	ioctl(-1, KVM_RUN, 0);
	ok_equal((unsigned int)errno, EBADF, "errno is the call's");
	pthread_create(&thread, NULL, calls, NULL);
	pthread_join(thread, NULL);
	ioctl(-1, KVM_GET_TSC_KHZ, 0);
	ioctl(-1, KVM_ENABLE_CAP, NULL);	/* the same number, and an argument */
	ioctl(-1, TIOCGWINSZ, &window);
	ok_equal(ioctls_of(KVM_RUN, EBADF), 2, "calls of all threads, those that ended too");
	ok_equal(ioctls_of(KVM_GET_TSC_KHZ, EBADF), 1, "told apart by the whole number");
	ok_equal(ioctls_of(KVM_ENABLE_CAP, EBADF), 1, "told apart by the whole number");
	ok_equal(ioctls_of(KVM_RUN, 0), 0, "and by how they ended");
	ok_equal(ioctls_of(TIOCGWINSZ, EBADF), 0, "what is not KVM's is not counted");
}

int main(void)
{
	test_exits();
	test_sum();
	test_room();
	test_ioctls();
	return tap_done();
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every ioctl of this program passes here (the linker's --wrap=ioctl puts __wrap_ioctl in
 * its place), and those of KVM are counted by their end. Each thread counts in a table of
 * its own, so that KVM_RUN costs no shared cache line; tables outlive their threads.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>

#include "coverage.h"

#define SLOTS 1024		/* a power of two, many more than pairs of ioctl and errno */

struct table {
	struct table *next;
	struct ioctl_count slots[SLOTS];	/* free ones have count 0 */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct table *tables;
static __thread struct table *own;

int __real_ioctl(int fd, unsigned long nr, ...);
int __wrap_ioctl(int fd, unsigned long nr, void *arg);

static struct table *own_table(void)
{
	if (own)
		return own;
	own = xcalloc(1, sizeof(*own));
	pthread_mutex_lock(&lock);
	own->next = tables;
	tables = own;
	pthread_mutex_unlock(&lock);
	return own;
}

/* Only the table's thread writes there; who sums up may read at the same time. */
static void count(u32 nr, u32 error)
{
	struct table *table = own_table();
	u32 at = (nr ^ nr >> 8 ^ error * 37) % SLOTS;

	for (unsigned int i = 0; i < SLOTS; i++, at = (at + 1) % SLOTS) {
		struct ioctl_count *slot = &table->slots[at];

		if (slot->count && (slot->nr != nr || slot->error != error))
			continue;
		slot->nr = nr;
		slot->error = error;
		__atomic_store_n(&slot->count, slot->count + 1, __ATOMIC_RELEASE);
		return;
	}
}

int __wrap_ioctl(int fd, unsigned long nr, void *arg)
{
	int result = __real_ioctl(fd, nr, arg), error = errno;

	if (_IOC_TYPE(nr) == KVMIO) {
		count((u32)nr, result < 0 ? (u32)error : 0);
		errno = error;
	}
	return result;
}

static int by_number(const void *a, const void *b)
{
	const struct ioctl_count *x = a, *y = b;

	if (_IOC_NR(x->nr) != _IOC_NR(y->nr))
		return _IOC_NR(x->nr) < _IOC_NR(y->nr) ? -1 : 1;
	if (x->nr != y->nr)
		return x->nr < y->nr ? -1 : 1;
	return x->error < y->error ? -1 : x->error > y->error;
}

/* Adds up neighbours that are the same; returns how many are left. */
static unsigned int join(struct ioctl_count *list, unsigned int count)
{
	unsigned int kept = 0;

	qsort(list, count, sizeof(*list), by_number);
	for (unsigned int i = 0; i < count; i++) {
		if (kept && !by_number(&list[kept - 1], &list[i]))
			list[kept - 1].count += list[i].count;
		else
			list[kept++] = list[i];
	}
	return kept;
}

unsigned int ioctls_sum(struct ioctl_count **list)
{
	unsigned int count = 0, room = 0;

	*list = NULL;
	pthread_mutex_lock(&lock);
	for (struct table *table = tables; table; table = table->next) {
		for (unsigned int i = 0; i < SLOTS; i++) {
			u64 n = __atomic_load_n(&table->slots[i].count, __ATOMIC_ACQUIRE);

			if (!n)
				continue;
			if (count == room) {
				room = room ? 2 * room : 128;
				*list = xrealloc(*list, room * sizeof(**list));
			}
			(*list)[count] = table->slots[i];
			(*list)[count++].count = n;
		}
	}
	pthread_mutex_unlock(&lock);
	return count ? join(*list, count) : 0;
}

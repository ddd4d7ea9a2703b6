// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest memory: stage-2 mappings of the task's own pages, made when the guest touches
 * them and taken back whenever Linux wants to (mmu_notifier). Nothing is pinned: a page's
 * reference is given back as soon as the mapping stands, since the notifier, not the
 * reference, keeps the mapping true.
 */
#include <linux/hugetlb.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <asm/io.h>

#include "internal.h"
#include "stats.h"
#include "trace.h"

/* ---- tables ------------------------------------------------------------------------------- */

/* Pages for tables, filled before the lock is taken: nothing can fail under it. */
struct table_cache {
	struct page *pages[ASSAY_TABLE_CACHE];
	unsigned int count;
};

static bool fill_cache(struct table_cache *cache)
{
	while (cache->count < ASSAY_TABLE_CACHE) {
		struct page *page = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);

		if (!page)
			return false;
		cache->pages[cache->count++] = page;
	}
	return true;
}

static void drop_cache(struct table_cache *cache)
{
	while (cache->count)
		__free_page(cache->pages[--cache->count]);
}

static u64 *table_take(void *opaque, u64 *physical)
{
	struct assay_vm *vm = opaque;
	struct table_cache *cache = vm->memory.cache;
	struct page *page;

	if (!cache || !cache->count)
		return NULL;
	page = cache->pages[--cache->count];
	*physical = page_to_phys(page);
	return page_address(page);
}

static void table_give(void *opaque, u64 *table)
{
	free_page((unsigned long)table);
}

static u64 *table_find(void *opaque, u64 physical)
{
	return phys_to_virt(physical);
}

static const struct stage2_memory tables_memory = {
	.take = table_take, .give = table_give, .find = table_find,
};

/* ---- translations that processors remember ----------------------------------------------------- */

/* Every vCPU that is in the guest comes out, and forgets before it goes in again. */
static void flush(struct assay_vm *vm)
{
	assay_count(COUNT_FLUSH);
	/* Pairs with the barrier between a vCPU's "in guest" and its look at generation. */
	smp_store_mb(vm->memory.generation, vm->memory.generation + 1);
	assay_kick_all(vm);
}

void assay_memory_unmap(struct assay_vm *vm, u64 gpa, u64 size)
{
	u64 changed;

	spin_lock(&vm->memory.lock);
	vm->memory.invalidations++;
	changed = stage2_unmap(&vm->memory.tables, gpa, size);
	spin_unlock(&vm->memory.lock);
	if (changed)
		flush(vm);
}

void assay_memory_protect(struct assay_vm *vm, u64 gpa, u64 size)
{
	u64 changed;

	spin_lock(&vm->memory.lock);
	vm->memory.invalidations++;
	changed = stage2_protect(&vm->memory.tables, gpa, size);
	spin_unlock(&vm->memory.lock);
	if (changed)
		flush(vm);
}

/* ---- what Linux does with the task's memory (Documentation/mm/mmu_notifier.rst) ------------------- */

/* Calls change() for what slots have of [start, end); adds up what it returns. */
static u64 for_user_range(struct assay_memory *memory, unsigned long start, unsigned long end,
			  u64 (*change)(struct stage2 *tables, u64 gpa, u64 size))
{
	u64 changed = 0;
	unsigned int i;

	for (i = 0; i < memory->count; i++) {
		struct assay_slot *slot = &memory->slots[i];
		unsigned long last = slot->user + (slot->pages << PAGE_SHIFT);
		unsigned long from = max(start, slot->user), to = min(end, last);

		if (from < to)
			changed += change(&memory->tables,
					  (slot->base << PAGE_SHIFT) + (from - slot->user),
					  to - from);
	}
	return changed;
}

static int range_start(struct mmu_notifier *notifier, const struct mmu_notifier_range *range)
{
	struct assay_vm *vm = container_of(notifier, struct assay_vm, memory.notifier);
	struct assay_memory *memory = &vm->memory;
	u64 changed;

	spin_lock(&memory->lock);
	memory->invalidating++;
	changed = for_user_range(memory, range->start, range->end, stage2_unmap);
	spin_unlock(&memory->lock);
	trace_assay_invalidate(range->start, range->end, changed);
	if (changed) {
		assay_count(COUNT_INVALIDATION);
		flush(vm);
	}
	return 0;
}

static void range_end(struct mmu_notifier *notifier, const struct mmu_notifier_range *range)
{
	struct assay_memory *memory = container_of(notifier, struct assay_memory, notifier);

	spin_lock(&memory->lock);
	memory->invalidations++;
	memory->invalidating--;
	spin_unlock(&memory->lock);
}

/* The task ends, perhaps with the VM's file still open elsewhere. */
static void released(struct mmu_notifier *notifier, struct mm_struct *mm)
{
	struct assay_vm *vm = container_of(notifier, struct assay_vm, memory.notifier);

	assay_memory_unmap(vm, 0, STAGE2_LIMIT);
}

static int age(struct mmu_notifier *notifier, unsigned long start, unsigned long end,
	       u64 (*change)(struct stage2 *tables, u64 gpa, u64 size), bool flushes)
{
	struct assay_vm *vm = container_of(notifier, struct assay_vm, memory.notifier);
	u64 changed;

	spin_lock(&vm->memory.lock);
	changed = for_user_range(&vm->memory, start, end, change);
	spin_unlock(&vm->memory.lock);
	if (changed && flushes)
		flush(vm);
	return changed != 0;
}

static u64 look(struct stage2 *tables, u64 gpa, u64 size)
{
	return stage2_young(tables, gpa, size);
}

static int clear_flush_young(struct mmu_notifier *notifier, struct mm_struct *mm,
			     unsigned long start, unsigned long end)
{
	return age(notifier, start, end, stage2_age, true);
}

static int clear_young(struct mmu_notifier *notifier, struct mm_struct *mm, unsigned long start,
		       unsigned long end)
{
	return age(notifier, start, end, stage2_age, false);
}

static int test_young(struct mmu_notifier *notifier, struct mm_struct *mm, unsigned long address)
{
	return age(notifier, address, address + PAGE_SIZE, look, false);
}

static const struct mmu_notifier_ops notifier_ops = {
	.invalidate_range_start = range_start,
	.invalidate_range_end = range_end,
	.release = released,
	.clear_flush_young = clear_flush_young,
	.clear_young = clear_young,
	.test_young = test_young,
};

/* ---- faults ---------------------------------------------------------------------------------------- */

/* One page of the task's memory; *writable: whether the guest may write to it as well. */
static int get_page_of(const struct assay_slot *slot, u64 page, bool write, struct page **found,
		       bool *writable)
{
	unsigned long address = slot->user + ((page - slot->base) << PAGE_SHIFT);
	long got;

	*writable = write;
	got = get_user_pages_unlocked(address, 1, found, write ? FOLL_WRITE : 0);
	if (got != 1)
		return got == -EHWPOISON ? -EHWPOISON : got == -EINTR || got == -ERESTARTSYS ?
		       -EINTR : -EFAULT;
	if (!write && !(slot->flags & KVM_MEM_READONLY)) {
		struct page *again;

		/* A second fault is saved if writing is no trouble. */
		if (get_user_pages_fast_only(address, 1, FOLL_WRITE, &again) == 1) {
			put_page(*found);
			*found = again;
			*writable = true;
		}
	}
	return 0;
}

/* Puts the page into the tables, unless Linux has changed its mind meanwhile: -EAGAIN. */
static int install(struct assay_vm *vm, struct assay_slot *slot, u64 page, struct page *found,
		   bool writable, unsigned long seen, struct table_cache *cache)
{
	struct assay_memory *memory = &vm->memory;
	int ret = -EAGAIN;

	spin_lock(&memory->lock);
	if (!memory->invalidating && memory->invalidations == seen) {
		memory->cache = cache;
		ret = stage2_map(&memory->tables, page << PAGE_SHIFT, page_to_phys(found),
				 writable ? STAGE2_WRITE : 0) ? 0 : -ENOMEM;
		memory->cache = NULL;
	}
	spin_unlock(&memory->lock);
	return ret;
}

/*
 * Makes gpa accessible. 0: done, or try again; 1: it is no RAM, or read-only and written to;
 * -EFAULT: the task has no memory there; -EINTR: a signal came first.
 */
int assay_memory_fault(struct assay_vm *vm, u64 gpa, bool write)
{
	struct assay_memory *memory = &vm->memory;
	struct table_cache cache = { .count = 0 };
	u64 page = gpa >> PAGE_SHIFT;
	struct assay_slot *slot;
	struct page *found;
	unsigned long seen;
	bool writable;
	int ret = 1;

	if (!fill_cache(&cache)) {
		drop_cache(&cache);
		return -ENOMEM;
	}
	down_read(&memory->slots_lock);
	slot = assay_slot_of(memory, page);
	if (!slot || (write && slot->flags & KVM_MEM_READONLY))
		goto out;
	seen = READ_ONCE(memory->invalidations);
	smp_rmb();	/* the count, before what it guards is looked at */
	ret = get_page_of(slot, page, write, &found, &writable);
	if (ret)
		goto out;
	/* With a dirty log only a write may make it writable, so that the log sees it. */
	if (slot->dirty && !write)
		writable = false;
	ret = install(vm, slot, page, found, writable, seen, &cache);
	if (!ret && write)
		assay_slot_dirty(slot, page);
	if (!ret && write)
		set_page_dirty_lock(found);
	put_page(found);
	if (ret == -EAGAIN)
		ret = 0;
out:
	up_read(&memory->slots_lock);
	drop_cache(&cache);
	return ret;
}

/* ---- beginning and end -------------------------------------------------------------------------------- */

int assay_memory_init(struct assay_vm *vm)
{
	struct assay_memory *memory = &vm->memory;
	struct table_cache cache = { .count = 0 };
	bool ok;

	init_rwsem(&memory->slots_lock);
	spin_lock_init(&memory->lock);
	memory->slots = kvcalloc(ASSAY_SLOTS, sizeof(*memory->slots), GFP_KERNEL_ACCOUNT);
	if (!memory->slots || !fill_cache(&cache)) {
		drop_cache(&cache);
		kvfree(memory->slots);
		return -ENOMEM;
	}
	memory->cache = &cache;
	ok = stage2_init(&memory->tables, vendor->stage2, &tables_memory, vm);
	memory->cache = NULL;
	drop_cache(&cache);
	memory->notifier.ops = &notifier_ops;
	if (ok && !mmu_notifier_register(&memory->notifier, vm->mm))
		return 0;
	stage2_destroy(&memory->tables);
	kvfree(memory->slots);
	return -ENOMEM;
}

void assay_memory_destroy(struct assay_vm *vm)
{
	mmu_notifier_unregister(&vm->memory.notifier, vm->mm);
	stage2_destroy(&vm->memory.tables);
	assay_slots_free(&vm->memory);
}

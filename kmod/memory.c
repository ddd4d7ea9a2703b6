// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest memory: stage-2 mappings of the task's own pages, made when the guest touches
 * them and taken back whenever Linux wants to (mmu_notifier). Nothing is pinned: a page's
 * reference is given back as soon as the mapping stands, since the notifier, not the
 * reference, keeps the mapping true.
 */
#include <linux/bitops.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <asm/io.h>

#include "compat.h"
#include "internal.h"
#include "stats.h"
#include "trace.h"

/* ---- tables ----------------------------------------------------------------------------- */

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
	mod_lruvec_page_state(page, NR_SECONDARY_PAGETABLE, 1);
	*physical = page_to_phys(page);
	return page_address(page);
}

static void table_give(void *opaque, u64 *table)
{
	mod_lruvec_page_state(virt_to_page(table), NR_SECONDARY_PAGETABLE, -1);
	free_page((unsigned long)table);
}

static u64 *table_find(void *opaque, u64 physical)
{
	return phys_to_virt(physical);
}

static const struct stage2_memory tables_memory = {
	.take = table_take, .give = table_give, .find = table_find,
};

/* ---- translations that processors remember ---------------------------------------------- */

/* What has changed must be forgotten. Under memory->lock, and before what Linux is told. */
static void outdate(struct assay_memory *memory)
{
	WRITE_ONCE(memory->generation, memory->generation + 1);
}

/*
 * Every vCPU that is in the guest comes out, and forgets before it goes in again. Linux
 * may give the pages to others as soon as it is told that they are free, so this comes back
 * when all are out.
 */
static void flush(struct assay_vm *vm)
{
	assay_count(COUNT_FLUSH);
	assay_kick_all(vm);
}

/*
 * A change begins with memory->changing raised, ends with settle() under the same lock, or
 * after having given it away for a while, and with forget() after the lock. Who finds nothing
 * mapped because somebody else has just taken it must not come back before processors have
 * forgotten it, either: Linux tells of the same page twice at once, for example when it
 * swaps out while the task unmaps.
 */
static bool settle(struct assay_memory *memory, bool changed)
{
	bool must = changed || memory->changing > 1;

	if (must)
		outdate(memory);
	else
		memory->changing--;
	return must;
}

static void forget(struct assay_vm *vm, bool must)
{
	if (!must)
		return;
	flush(vm);
	spin_lock(&vm->memory.lock);
	vm->memory.changing--;
	spin_unlock(&vm->memory.lock);
}

/* ---- ranges ----------------------------------------------------------------------------- */

/* Bytes that are worked on before others may have the lock. */
#define CHUNK (64ull << 20)

/*
 * Calls change() for what slots have of the task's [start, end); adds up what it returns. If
 * it may sleep the lock is given away from time to time; if slots have changed then, it
 * begins anew, so change() must be one that can be done twice.
 */
static u64 for_user_range(struct assay_memory *memory, unsigned long start, unsigned long end,
			  u64 (*change)(struct stage2 *tables, u64 gpa, u64 size), bool may_sleep)
{
	unsigned long known = memory->slot_changes;
	u64 changed = 0;
	unsigned int i;

	for (i = 0; i < memory->count; i++) {
		struct assay_slot *slot = &memory->slots[i];
		unsigned long last = slot->user + (slot->pages << PAGE_SHIFT);
		unsigned long from = max(start, slot->user), to = min(end, last);

		while (from < to) {
			unsigned long size = min_t(unsigned long, to - from, CHUNK);

			changed += change(&memory->tables,
					  (slot->base << PAGE_SHIFT) + (from - slot->user), size);
			from += size;
			if (!may_sleep || !cond_resched_lock(&memory->lock) ||
			    memory->slot_changes == known)
				continue;
			known = memory->slot_changes;
			i = -1u;
			break;
		}
	}
	return changed;
}

/* Nothing of that range is mapped when this returns, nor is it until assay_memory_end(). */
static u64 begin(struct assay_vm *vm, unsigned long start, unsigned long end, bool may_sleep)
{
	struct assay_memory *memory = &vm->memory;
	u64 changed;
	bool must;

	spin_lock(&memory->lock);
	memory->invalidating++;
	memory->changing++;
	changed = for_user_range(memory, start, end, stage2_unmap, may_sleep);
	must = settle(memory, changed);
	spin_unlock(&memory->lock);
	forget(vm, must);
	return changed;
}

/* The guest loses what it has mapped of a slot, and maps nothing until assay_memory_end(). */
void assay_memory_begin(struct assay_vm *vm, const struct assay_slot *slot)
{
	struct assay_memory *memory = &vm->memory;
	u64 gpa = slot->base << PAGE_SHIFT, end = gpa + (slot->pages << PAGE_SHIFT);
	u64 changed = 0;
	bool must;

	spin_lock(&memory->lock);
	memory->invalidating++;
	memory->changing++;
	while (gpa < end) {
		u64 size = min(end - gpa, CHUNK);

		changed += stage2_unmap(&memory->tables, gpa, size);
		gpa += size;
		cond_resched_lock(&memory->lock);
	}
	must = settle(memory, changed);
	spin_unlock(&memory->lock);
	forget(vm, must);
}

void assay_memory_end(struct assay_vm *vm)
{
	struct assay_memory *memory = &vm->memory;

	spin_lock(&memory->lock);
	memory->invalidations++;
	memory->invalidating--;
	spin_unlock(&memory->lock);
}

/*
 * Those of 64 pages from `page` on whose bits are set in mask lose the right to be written.
 * True if one had it: then assay_memory_flush() must follow.
 */
bool assay_memory_protect(struct assay_vm *vm, u64 page, unsigned long mask)
{
	struct assay_memory *memory = &vm->memory;
	u64 changed = 0;
	unsigned int bit;

	spin_lock(&memory->lock);
	for_each_set_bit(bit, &mask, BITS_PER_LONG)
		changed += stage2_protect(&memory->tables, (page + bit) << PAGE_SHIFT, PAGE_SIZE);
	spin_unlock(&memory->lock);
	return changed;
}

void assay_memory_flush(struct assay_vm *vm)
{
	spin_lock(&vm->memory.lock);
	outdate(&vm->memory);
	spin_unlock(&vm->memory.lock);
	flush(vm);
}

/* ---- what Linux does with the task's memory (Documentation/mm/mmu_notifier.rst) --------- */

static struct assay_vm *vm_of(struct mmu_notifier *notifier)
{
	return container_of(notifier, struct assay_vm, memory.notifier);
}

static int range_start(struct mmu_notifier *notifier, const struct mmu_notifier_range *range)
{
	u64 changed = begin(vm_of(notifier), range->start, range->end,
			    mmu_notifier_range_blockable(range));

	trace_assay_invalidate(range->start, range->end, changed);
	if (changed)
		assay_count(COUNT_INVALIDATION);
	return 0;
}

static void range_end(struct mmu_notifier *notifier, const struct mmu_notifier_range *range)
{
	assay_memory_end(vm_of(notifier));
}

/* The task ends, perhaps with the VM's file still open elsewhere. */
static void released(struct mmu_notifier *notifier, struct mm_struct *mm)
{
	begin(vm_of(notifier), 0, ULONG_MAX, true);
	assay_memory_end(vm_of(notifier));
}

/*
 * Which pages are used. Where the processor does not tell, they are taken from the guest: one
 * that it uses comes back with the next access, and Linux sees that.
 */
static int age(struct mmu_notifier *notifier, unsigned long start, unsigned long end, bool flushes)
{
	struct assay_vm *vm = vm_of(notifier);
	struct assay_memory *memory = &vm->memory;
	bool told = memory->tables.format->accessed;
	u64 changed;
	bool must;

	spin_lock(&memory->lock);
	memory->changing++;
	changed = for_user_range(memory, start, end, told ? stage2_age : stage2_unmap, false);
	must = settle(memory, changed && (flushes || !told));
	spin_unlock(&memory->lock);
	forget(vm, must);
	return changed != 0;
}

static int clear_flush_young(struct mmu_notifier *notifier, struct mm_struct *mm,
			     unsigned long start, unsigned long end)
{
	return age(notifier, start, end, true);
}

static int clear_young(struct mmu_notifier *notifier, struct mm_struct *mm, unsigned long start,
		       unsigned long end)
{
	return age(notifier, start, end, false);
}

static u64 look(struct stage2 *tables, u64 gpa, u64 size)
{
	return stage2_young(tables, gpa, size);
}

static int test_young(struct mmu_notifier *notifier, struct mm_struct *mm, unsigned long address)
{
	struct assay_memory *memory = &vm_of(notifier)->memory;
	u64 young;

	spin_lock(&memory->lock);
	young = for_user_range(memory, address, address + PAGE_SIZE, look, false);
	spin_unlock(&memory->lock);
	return young != 0;
}

static const struct mmu_notifier_ops notifier_ops = {
	.invalidate_range_start = range_start,
	.invalidate_range_end = range_end,
	.release = released,
	.clear_flush_young = clear_flush_young,
	.clear_young = clear_young,
	.test_young = test_young,
};

/* ---- faults ----------------------------------------------------------------------------- */

/* One fault, and what its slot says; true as long as `seen` is what the memory counts. */
struct fault {
	u64 page;
	bool write;
	bool may_write;		/* a page that is read may be mapped for writing as well */
	unsigned long address;	/* in the task */
	unsigned long seen;	/* invalidations, before the task was asked */

	struct page *found;
	bool writable;
};

/* Whether a slot has that page, for such an access. */
static bool is_ram(const struct assay_slot *slot, bool write)
{
	return slot && !(write && slot->flags & KVM_MEM_READONLY);
}

/* 1: no RAM, or read-only and written to. */
static int prepare(struct assay_memory *memory, struct fault *fault)
{
	struct assay_slot *slot;
	int ret = 1;

	spin_lock(&memory->lock);
	slot = assay_slot_of(memory, fault->page);
	if (is_ram(slot, fault->write)) {
		fault->address = slot->user + ((fault->page - slot->base) << PAGE_SHIFT);
		/* With a dirty log only a write may make it writable, so that the log sees it. */
		fault->may_write = !(slot->flags & KVM_MEM_READONLY) && !slot->dirty;
		fault->seen = memory->invalidations;
		ret = 0;
	}
	spin_unlock(&memory->lock);
	return ret;
}

/* The page, if the task has it mapped for writing: no lock is taken, and nobody is waited for. */
static bool find_fast(struct fault *fault)
{
	if (!fault->write && !fault->may_write)
		return false;
	fault->writable = true;
	return get_user_pages_fast_only(fault->address, 1, FOLL_WRITE, &fault->found) == 1;
}

/* The page of the task's, with a reference. Sleeps, perhaps until the task itself brings it. */
static int find(struct fault *fault)
{
	unsigned int flags = FOLL_HWPOISON | ASSAY_FOLL_INTERRUPTIBLE |
			     (fault->write ? FOLL_WRITE : 0);
	struct page *again;
	long got;

	if (find_fast(fault))
		return 0;
	fault->writable = fault->write;
	got = get_user_pages_unlocked(fault->address, 1, &fault->found, flags);
	if (got == -EHWPOISON) {
		/* The task hears of it as if it had read there itself. */
		send_sig_mceerr(BUS_MCEERR_AR, (void __user *)fault->address, PAGE_SHIFT, current);
		return -EAGAIN;
	}
	/* A signal ends KVM_RUN before the next try. */
	if (got != 1)
		return signal_pending(current) ? -EAGAIN : -EFAULT;
	/* A second fault is saved if writing is no trouble. */
	if (fault->write || !fault->may_write ||
	    get_user_pages_fast_only(fault->address, 1, FOLL_WRITE, &again) != 1)
		return 0;
	put_page(fault->found);
	fault->found = again;
	fault->writable = true;
	return 0;
}

/* Puts the page into the tables. -ENOMEM: that needs more tables than there are in the cache. */
static int map(struct assay_memory *memory, const struct fault *fault)
{
	u64 gpa = fault->page << PAGE_SHIFT;
	u64 entry = stage2_lookup(&memory->tables, gpa);

	/* Another vCPU was first. It must not lose a right that it may be using at this moment. */
	if (!fault->writable && stage2_entry_writable(&memory->tables, entry))
		return 0;
	if (!stage2_map(&memory->tables, gpa, page_to_phys(fault->found),
			fault->writable ? STAGE2_WRITE : 0))
		return -ENOMEM;
	/*
	 * Linux learns of no later write. It takes the mapping away before it takes the page for
	 * clean, so this is soon enough, and not too soon.
	 */
	if (fault->writable && !PageReserved(fault->found))
		SetPageDirty(fault->found);
	return 0;
}

/* Maps what was found, unless Linux has changed its mind meanwhile: -EAGAIN. */
static int install(struct assay_memory *memory, const struct fault *fault,
		   struct table_cache *cache)
{
	int ret = -EAGAIN;

	spin_lock(&memory->lock);
	if (!memory->invalidating && memory->invalidations == fault->seen) {
		memory->cache = cache;
		ret = map(memory, fault);
		memory->cache = NULL;
		if (!ret && fault->write)
			assay_slot_dirty(assay_slot_of(memory, fault->page), fault->page);
	}
	spin_unlock(&memory->lock);
	return ret;
}

/* What needs no more than a look at slots and tables: 0 or 1 as the next; -EAGAIN: it does. */
static int fault_quickly(struct assay_memory *memory, u64 gpa, bool write)
{
	u64 page = gpa >> PAGE_SHIFT;
	struct assay_slot *slot;
	int ret = -EAGAIN;

	spin_lock(&memory->lock);
	slot = assay_slot_of(memory, page);
	if (!is_ram(slot, write)) {
		ret = 1;
	} else if (write && stage2_allow(&memory->tables, gpa)) {
		/*
		 * The first write since the page was in a log. The task has it mapped for writing
		 * still, and Linux takes it for dirty, or else the notifier would have been told,
		 * and nothing would be mapped here.
		 */
		assay_slot_dirty(slot, page);
		ret = 0;
	}
	spin_unlock(&memory->lock);
	return ret;
}

static noinline int fault_slowly(struct assay_vm *vm, u64 gpa, bool write)
{
	struct fault fault = { .page = gpa >> PAGE_SHIFT, .write = write };
	struct table_cache cache = { .count = 0 };
	int ret;

	/* Most faults need no table. One that does comes back here once. */
	do {
		ret = prepare(&vm->memory, &fault);
		if (!ret)
			ret = find(&fault);
		if (ret)
			break;
		ret = install(&vm->memory, &fault, &cache);
		put_page(fault.found);
	} while (ret == -ENOMEM && fill_cache(&cache));
	drop_cache(&cache);
	return ret == -EAGAIN ? 0 : ret;
}

/*
 * Makes gpa accessible. 0: done, or try again unless there is a signal; 1: it is no RAM, or
 * read-only and written to; -EFAULT: the task has no memory there; -ENOMEM.
 */
int assay_memory_fault(struct assay_vm *vm, u64 gpa, bool write)
{
	int ret = fault_quickly(&vm->memory, gpa, write);

	return ret == -EAGAIN ? fault_slowly(vm, gpa, write) : ret;
}

/* ---- beginning and end ------------------------------------------------------------------ */

int assay_memory_init(struct assay_vm *vm)
{
	struct assay_memory *memory = &vm->memory;
	struct table_cache cache = { .count = 0 };
	int ret = -ENOMEM;
	bool ok;

	init_rwsem(&memory->slots_lock);
	mutex_init(&memory->log_lock);
	spin_lock_init(&memory->lock);
	seqcount_spinlock_init(&memory->slots_seq, &memory->lock);
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
	if (ok)
		ret = mmu_notifier_register(&memory->notifier, vm->mm);
	if (!ret)
		return 0;
	stage2_destroy(&memory->tables);
	kvfree(memory->slots);
	return ret;
}

void assay_memory_destroy(struct assay_vm *vm)
{
	mmu_notifier_unregister(&vm->memory.notifier, vm->mm);
	stage2_destroy(&vm->memory.tables);
	assay_slots_free(&vm->memory);
}

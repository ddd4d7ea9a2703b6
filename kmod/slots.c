// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory slots: KVM_SET_USER_MEMORY_REGION and the dirty log. Guest memory is the task's
 * own; a slot only says where. Slots are sorted by guest address, and never overlap.
 */
#include <linux/bitmap.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "internal.h"
#include "peek.h"

#define PAGES_MAX ((1ull << 31) - 1)	/* of a slot, as in KVM */
#define FLAGS (KVM_MEM_LOG_DIRTY_PAGES | KVM_MEM_READONLY)

static struct assay_slot *search(struct assay_memory *memory, u64 page)
{
	unsigned int low = 0, high = READ_ONCE(memory->count);

	while (low < high) {
		unsigned int middle = (low + high) / 2;
		struct assay_slot *slot = &memory->slots[middle];

		if (page < slot->base)
			high = middle;
		else if (page - slot->base >= slot->pages)
			low = middle + 1;
		else
			return slot;
	}
	return NULL;
}

/* The slot with that page, or NULL. Under slots_lock, or memory->lock. */
struct assay_slot *assay_slot_of(struct assay_memory *memory, u64 page)
{
	struct assay_slot *slot = &memory->slots[READ_ONCE(memory->recent)];

	if (page - slot->base < slot->pages)
		return slot;
	slot = search(memory, page);
	/* Others look as well, under another lock: whichever it becomes is one of them. */
	if (slot)
		WRITE_ONCE(memory->recent, slot - memory->slots);
	return slot;
}

/* Another slot than the last one, for peek.h. What it finds is as true as what is read of it. */
bool assay_peek_other(struct assay_peek *peek, u64 gpa)
{
	const struct assay_slot *slot = search(peek->memory, gpa >> PAGE_SHIFT);

	if (!slot)
		return false;
	assay_peek_slot(peek, slot);
	return gpa - peek->base < peek->size;
}

static struct assay_slot *slot_by_id(struct assay_memory *memory, u32 id)
{
	unsigned int i;

	for (i = 0; i < memory->count; i++) {
		if (memory->slots[i].id == id)
			return &memory->slots[i];
	}
	return NULL;
}

void assay_slot_dirty(struct assay_slot *slot, u64 page)
{
	if (slot->dirty)
		set_bit(page - slot->base, slot->dirty);
}

/* ---- changes ---------------------------------------------------------------------------- */

/* What no guest-physical address reaches: the tables' limit, or the processor's. */
static u64 guest_limit(void)
{
	return min(STAGE2_LIMIT, 1ull << boot_cpu_data.x86_phys_bits);
}

static int check_region(const struct kvm_userspace_memory_region *region)
{
	u64 size = region->memory_size, gpa = region->guest_phys_addr;

	if (region->slot >= ASSAY_SLOTS || region->flags & ~FLAGS)
		return -EINVAL;
	if ((size | gpa | region->userspace_addr) & ~PAGE_MASK)
		return -EINVAL;
	if (!access_ok((void __user *)(unsigned long)region->userspace_addr, size))
		return -EINVAL;
	if (gpa + size < gpa || size >> PAGE_SHIFT > PAGES_MAX)
		return -EINVAL;
	if (size && gpa + size > guest_limit())
		return -EINVAL;
	return 0;
}

static bool overlaps(struct assay_memory *memory, const struct assay_slot *want)
{
	unsigned int i;

	for (i = 0; i < memory->count; i++) {
		struct assay_slot *slot = &memory->slots[i];

		if (slot->id != want->id && want->base < slot->base + slot->pages &&
		    slot->base < want->base + want->pages)
			return true;
	}
	return false;
}

static void remove_slot(struct assay_memory *memory, struct assay_slot *slot)
{
	unsigned int at = slot - memory->slots;

	memory->count--;
	memmove(slot, slot + 1, (memory->count - at) * sizeof(*slot));
	/* memory->recent may point there. */
	memory->slots[memory->count] = (struct assay_slot){ .pages = 0 };
}

static void insert_slot(struct assay_memory *memory, const struct assay_slot *want)
{
	unsigned int at = 0;

	while (at < memory->count && memory->slots[at].base < want->base)
		at++;
	memmove(&memory->slots[at + 1], &memory->slots[at],
		(memory->count - at) * sizeof(*want));
	memory->slots[at] = *want;
	memory->count++;
}

/*
 * Puts want in the place of old; either may be NULL. To faults that are under way it is as if
 * Linux had taken the memory away: whatever they have found out counts no more.
 */
static void replace(struct assay_vm *vm, struct assay_slot *old, const struct assay_slot *want)
{
	struct assay_memory *memory = &vm->memory;
	struct assay_slot before = old ? *old : (struct assay_slot){ .pages = 0 };

	assay_memory_begin(vm, &before);
	spin_lock(&memory->lock);
	write_seqcount_begin(&memory->slots_seq);
	if (old)
		remove_slot(memory, old);
	if (want)
		insert_slot(memory, want);
	memory->slot_changes++;
	write_seqcount_end(&memory->slots_seq);
	spin_unlock(&memory->lock);
	assay_memory_end(vm);
	if (!want || want->dirty != before.dirty)
		kvfree(before.dirty);
}

/* What KVM allows to change of a slot that is there: where it is, and its flags. */
static int check_change(const struct assay_slot *old, const struct assay_slot *want)
{
	if (want->pages != old->pages || want->user != old->user ||
	    (want->flags ^ old->flags) & KVM_MEM_READONLY)
		return -EINVAL;
	return 0;
}

/* The log that the slot had, or a new one. */
static int take_log(struct assay_memory *memory, struct assay_slot *want,
		    const struct assay_slot *old)
{
	if (!(want->flags & KVM_MEM_LOG_DIRTY_PAGES))
		return 0;
	want->dirty = old ? old->dirty : NULL;
	if (want->dirty)
		return 0;
	want->dirty = kvcalloc(BITS_TO_LONGS(want->pages), sizeof(long), GFP_KERNEL_ACCOUNT);
	if (!want->dirty)
		return -ENOMEM;
	if (memory->manual_log & KVM_DIRTY_LOG_INITIALLY_SET)
		bitmap_set(want->dirty, 0, want->pages);
	return 0;
}

/* Under slots_lock, for writing. */
static int set_slot(struct assay_vm *vm, struct assay_slot *want)
{
	struct assay_memory *memory = &vm->memory;
	struct assay_slot *old = slot_by_id(memory, want->id);
	int ret;

	if (!want->pages) {
		if (!old)
			return -EINVAL;
		replace(vm, old, NULL);
		return 0;
	}
	if (old) {
		ret = check_change(old, want);
		if (ret)
			return ret;
		if (old->base == want->base && old->flags == want->flags)
			return 0;
	}
	if (overlaps(memory, want))
		return -EEXIST;
	ret = take_log(memory, want, old);
	if (!ret)
		replace(vm, old, want);
	return ret;
}

int assay_set_region(struct assay_vm *vm, const struct kvm_userspace_memory_region *region)
{
	struct assay_slot want = {
		.id = region->slot, .flags = region->flags,
		.base = region->guest_phys_addr >> PAGE_SHIFT,
		.pages = region->memory_size >> PAGE_SHIFT, .user = region->userspace_addr,
	};
	int ret = check_region(region);

	if (ret)
		return ret;
	/* Executors have it while they wait for a page of the task's, perhaps for long. */
	if (down_write_killable(&vm->memory.slots_lock))
		return -EINTR;
	ret = set_slot(vm, &want);
	up_write(&vm->memory.slots_lock);
	return ret;
}

/* ---- the dirty log ---------------------------------------------------------------------- */

/*
 * A page whose bit is clear cannot be written to: the write that is its first sets the bit.
 * So bits are cleared first, then their pages lose the right to be written, then processors
 * forget that they had it, and only then user space learns of them and reads the pages: a
 * write is in what it reads, or in the next log.
 */

int assay_enable_manual_log(struct assay_vm *vm, u64 options)
{
	u64 known = KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE;

	/* The other has a meaning only with this one (KVM API 7.15). */
	if (options & KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE)
		known |= KVM_DIRTY_LOG_INITIALLY_SET;
	if (options & ~known)
		return -EINVAL;
	if (down_write_killable(&vm->memory.slots_lock))
		return -EINTR;
	vm->memory.manual_log = options;
	up_write(&vm->memory.slots_lock);
	return 0;
}

/* The slot of that number that has a log. */
static struct assay_slot *logged_slot(struct assay_memory *memory, u32 id)
{
	struct assay_slot *slot;

	if (id >= ASSAY_SLOTS)
		return ERR_PTR(-EINVAL);
	slot = slot_by_id(memory, id);
	return slot && slot->dirty ? slot : ERR_PTR(-ENOENT);
}

/* Whoever has them may be waiting for a page of the task's: a task that is killed gives up. */
static int take_log_locks(struct assay_memory *memory)
{
	if (mutex_lock_killable(&memory->log_lock))
		return -EINTR;
	if (!down_read_killable(&memory->slots_lock))
		return 0;
	mutex_unlock(&memory->log_lock);
	return -EINTR;
}

static void give_log_locks(struct assay_memory *memory)
{
	up_read(&memory->slots_lock);
	mutex_unlock(&memory->log_lock);
}

/*
 * Takes those pages of a word of the log whose bits are set in mask. What is returned is what
 * was dirty; *flush if some translation must be forgotten.
 */
static unsigned long take_word(struct assay_vm *vm, struct assay_slot *slot, unsigned long word,
			       unsigned long mask, bool *flush)
{
	atomic_long_t *bits = (atomic_long_t *)&slot->dirty[word];
	unsigned long taken;

	if (!(READ_ONCE(slot->dirty[word]) & mask))
		return 0;
	taken = atomic_long_fetch_andnot(mask, bits) & mask;
	if (taken && assay_memory_protect(vm, slot->base + word * BITS_PER_LONG, taken))
		*flush = true;
	cond_resched();
	return taken;
}

/* All of a log, into memory of its own, and out of the slot. */
static void take_log_bits(struct assay_vm *vm, struct assay_slot *slot, unsigned long *copy)
{
	bool flush = false;
	unsigned long i;

	for (i = 0; i < BITS_TO_LONGS(slot->pages); i++) {
		copy[i] = take_word(vm, slot, i, ~0ul, &flush);
		if (!(i % 4096))
			cond_resched();
	}
	if (flush)
		assay_memory_flush(vm);
}

/* Nothing is lost if it could not be told. */
static void put_back(struct assay_slot *slot, const unsigned long *copy)
{
	unsigned long i;

	for (i = 0; i < BITS_TO_LONGS(slot->pages); i++)
		atomic_long_or(copy[i], (atomic_long_t *)&slot->dirty[i]);
}

static int tell_log(struct assay_vm *vm, struct assay_slot *slot, void __user *user)
{
	size_t bytes = BITS_TO_LONGS(slot->pages) * sizeof(long);
	unsigned long *copy;
	int ret = 0;

	/* Then it is for KVM_CLEAR_DIRTY_LOG to take pages out. */
	if (vm->memory.manual_log & KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE)
		return copy_to_user(user, slot->dirty, bytes) ? -EFAULT : 0;
	copy = kvmalloc(bytes, GFP_KERNEL_ACCOUNT);
	if (!copy)
		return -ENOMEM;
	take_log_bits(vm, slot, copy);
	if (copy_to_user(user, copy, bytes)) {
		put_back(slot, copy);
		ret = -EFAULT;
	}
	kvfree(copy);
	return ret;
}

/* KVM_GET_DIRTY_LOG: what was written since the last call. */
int assay_get_dirty_log(struct assay_vm *vm, const struct kvm_dirty_log *log)
{
	struct assay_slot *slot;
	int ret;

	ret = take_log_locks(&vm->memory);
	if (ret)
		return ret;
	slot = logged_slot(&vm->memory, log->slot);
	ret = IS_ERR(slot) ? PTR_ERR(slot) : tell_log(vm, slot, log->dirty_bitmap);
	give_log_locks(&vm->memory);
	return ret;
}

static int check_clear(const struct assay_slot *slot, const struct kvm_clear_dirty_log *log)
{
	if (log->first_page & 63 || log->first_page > slot->pages ||
	    log->num_pages > slot->pages - log->first_page)
		return -EINVAL;
	if (log->num_pages & 63 && log->num_pages != slot->pages - log->first_page)
		return -EINVAL;
	return 0;
}

static int clear_log(struct assay_vm *vm, struct assay_slot *slot,
		     const struct kvm_clear_dirty_log *log)
{
	unsigned long i, first = log->first_page / BITS_PER_LONG;
	size_t words = BITS_TO_LONGS(log->num_pages);
	unsigned long *mask;
	bool flush = false;
	int ret = check_clear(slot, log);

	if (ret || !words)
		return ret;
	mask = kvmalloc_array(words, sizeof(long), GFP_KERNEL_ACCOUNT);
	if (!mask)
		return -ENOMEM;
	if (copy_from_user(mask, log->dirty_bitmap, words * sizeof(long))) {
		kvfree(mask);
		return -EFAULT;
	}
	for (i = 0; i < words; i++) {
		take_word(vm, slot, first + i, mask[i], &flush);
		if (!(i % 4096))
			cond_resched();
	}
	if (flush)
		assay_memory_flush(vm);
	kvfree(mask);
	return 0;
}

/* KVM_CLEAR_DIRTY_LOG: these pages have been taken care of. */
int assay_clear_dirty_log(struct assay_vm *vm, const struct kvm_clear_dirty_log *log)
{
	struct assay_slot *slot;
	int ret;

	ret = take_log_locks(&vm->memory);
	if (ret)
		return ret;
	slot = logged_slot(&vm->memory, log->slot);
	ret = IS_ERR(slot) ? PTR_ERR(slot) : clear_log(vm, slot, log);
	give_log_locks(&vm->memory);
	return ret;
}

void assay_slots_free(struct assay_memory *memory)
{
	unsigned int i;

	for (i = 0; i < memory->count; i++)
		kvfree(memory->slots[i].dirty);
	kvfree(memory->slots);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory slots: KVM_SET_USER_MEMORY_REGION and the dirty log. Guest memory is the task's
 * own; a slot only says where. Slots are sorted by guest address, and never overlap.
 */
#include <linux/bitmap.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "internal.h"

#define PAGES_MAX ((1ull << 31) - 1)	/* of a slot, as in KVM */
#define FLAGS (KVM_MEM_LOG_DIRTY_PAGES | KVM_MEM_READONLY)

/* The slot with that page, or NULL. Under slots_lock. */
struct assay_slot *assay_slot_of(struct assay_memory *memory, u64 page)
{
	unsigned int low = 0, high = memory->count;

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

/* ---- changes --------------------------------------------------------------------------- */

static int check_region(const struct kvm_userspace_memory_region *region)
{
	u64 size = region->memory_size, gpa = region->guest_phys_addr;

	if (region->slot >= ASSAY_SLOTS || region->flags & ~FLAGS)
		return -EINVAL;
	if ((size | gpa | region->userspace_addr) & ~PAGE_MASK)
		return -EINVAL;
	if (gpa + size < gpa || gpa + size > STAGE2_LIMIT || size >> PAGE_SHIFT > PAGES_MAX)
		return -EINVAL;
	if (size && !access_ok((void __user *)(unsigned long)region->userspace_addr, size))
		return -EINVAL;
	return 0;
}

static bool overlaps(struct assay_memory *memory, const struct assay_slot *new)
{
	unsigned int i;

	for (i = 0; i < memory->count; i++) {
		struct assay_slot *slot = &memory->slots[i];

		if (slot->id != new->id && new->base < slot->base + slot->pages &&
		    slot->base < new->base + new->pages)
			return true;
	}
	return false;
}

/* What the guest has mapped of a slot that goes, moves or changes. */
static void forget(struct assay_vm *vm, const struct assay_slot *slot)
{
	assay_memory_unmap(vm, slot->base << PAGE_SHIFT, slot->pages << PAGE_SHIFT);
}

static void remove_slot(struct assay_memory *memory, struct assay_slot *slot)
{
	unsigned int at = slot - memory->slots;

	kvfree(slot->dirty);
	/* The notifier looks at slots under this lock alone. */
	spin_lock(&memory->lock);
	memory->count--;
	memmove(slot, slot + 1, (memory->count - at) * sizeof(*slot));
	spin_unlock(&memory->lock);
}

static void insert_slot(struct assay_memory *memory, const struct assay_slot *new)
{
	unsigned int at = 0;

	while (at < memory->count && memory->slots[at].base < new->base)
		at++;
	spin_lock(&memory->lock);
	memmove(&memory->slots[at + 1], &memory->slots[at],
		(memory->count - at) * sizeof(*new));
	memory->slots[at] = *new;
	memory->count++;
	spin_unlock(&memory->lock);
}

/* What KVM allows to change of a slot that is there: where it is, and its flags. */
static int check_change(const struct assay_slot *old, const struct assay_slot *new)
{
	if (new->pages != old->pages || new->user != old->user ||
	    (new->flags ^ old->flags) & KVM_MEM_READONLY)
		return -EINVAL;
	return 0;
}

static int take_dirty(struct assay_slot *new, const struct assay_slot *old)
{
	if (!(new->flags & KVM_MEM_LOG_DIRTY_PAGES))
		return 0;
	new->dirty = kvcalloc(BITS_TO_LONGS(new->pages), sizeof(long), GFP_KERNEL_ACCOUNT);
	if (!new->dirty)
		return -ENOMEM;
	if (old && old->dirty && old->base == new->base)
		bitmap_copy(new->dirty, old->dirty, new->pages);
	return 0;
}

/* Under slots_lock, for writing. */
static int set_slot(struct assay_vm *vm, struct assay_slot *new)
{
	struct assay_memory *memory = &vm->memory;
	struct assay_slot *old = slot_by_id(memory, new->id);
	int ret;

	if (!new->pages) {
		if (!old)
			return -EINVAL;
		forget(vm, old);
		remove_slot(memory, old);
		return 0;
	}
	if (old) {
		ret = check_change(old, new);
		if (ret)
			return ret;
	}
	if (overlaps(memory, new))
		return -EEXIST;
	ret = take_dirty(new, old);
	if (ret)
		return ret;
	if (old) {
		forget(vm, old);
		remove_slot(memory, old);
	}
	insert_slot(memory, new);
	return 0;
}

int assay_set_region(struct assay_vm *vm, const struct kvm_userspace_memory_region *region)
{
	struct assay_slot new = {
		.id = region->slot, .flags = region->flags,
		.base = region->guest_phys_addr >> PAGE_SHIFT,
		.pages = region->memory_size >> PAGE_SHIFT, .user = region->userspace_addr,
	};
	int ret = check_region(region);

	if (ret)
		return ret;
	down_write(&vm->memory.slots_lock);
	ret = set_slot(vm, &new);
	up_write(&vm->memory.slots_lock);
	return ret;
}

/* ---- the dirty log ------------------------------------------------------------------------ */

/*
 * KVM_GET_DIRTY_LOG: what was written since the last call. Pages lose the right to be
 * written before the bitmap is taken, so that a write is in this log or in the next.
 */
int assay_get_dirty_log(struct assay_vm *vm, const struct kvm_dirty_log *log)
{
	struct assay_slot *slot;
	unsigned long *copy = NULL;
	size_t bytes;
	int ret = -ENOENT;

	down_write(&vm->memory.slots_lock);
	slot = log->slot < ASSAY_SLOTS ? slot_by_id(&vm->memory, log->slot) : NULL;
	if (log->slot >= ASSAY_SLOTS)
		ret = -EINVAL;
	if (!slot || !slot->dirty)
		goto out;
	bytes = BITS_TO_LONGS(slot->pages) * sizeof(long);
	copy = kvmalloc(bytes, GFP_KERNEL_ACCOUNT);
	ret = -ENOMEM;
	if (!copy)
		goto out;
	assay_memory_protect(vm, slot->base << PAGE_SHIFT, slot->pages << PAGE_SHIFT);
	memcpy(copy, slot->dirty, bytes);
	memset(slot->dirty, 0, bytes);
	ret = copy_to_user(log->dirty_bitmap, copy, bytes) ? -EFAULT : 0;
	/* Nothing is lost if it could not be told. */
	if (ret)
		bitmap_or(slot->dirty, slot->dirty, copy, slot->pages);
out:
	up_write(&vm->memory.slots_lock);
	kvfree(copy);
	return ret;
}

void assay_slots_free(struct assay_memory *memory)
{
	unsigned int i;

	for (i = 0; i < memory->count; i++)
		kvfree(memory->slots[i].dirty);
	kvfree(memory->slots);
}

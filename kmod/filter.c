// SPDX-License-Identifier: GPL-2.0-only
/* KVM_X86_SET_MSR_FILTER: MSRs that are not for the guest (KVM API 4.97). */
#include <linux/compat.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "internal.h"

struct filter_range {
	u32 base, count, flags;
	unsigned long *bitmap;		/* set: allowed */
};

struct assay_msr_filter {
	bool deny;			/* what no range names */
	unsigned int count;
	struct filter_range ranges[KVM_MSR_FILTER_MAX_RANGES];
};

static void free_filter(struct assay_msr_filter *filter)
{
	unsigned int i;

	if (!filter)
		return;
	for (i = 0; i < filter->count; i++)
		kvfree(filter->ranges[i].bitmap);
	kfree(filter);
}

void assay_filter_free(struct assay_vm *vm)
{
	free_filter(vm->filter);
}

bool assay_filter_allows(struct assay_vm *vm, u32 index, bool write)
{
	u32 flag = write ? KVM_MSR_FILTER_WRITE : KVM_MSR_FILTER_READ;
	struct assay_msr_filter *filter;
	bool allowed = true;
	unsigned int i;

	/* Those of the x2APIC are never filtered (KVM API 4.97). */
	if (!READ_ONCE(vm->filter) || (index >= 0x800 && index <= 0x8ff))
		return true;
	mutex_lock(&vm->lock);
	filter = vm->filter;
	if (filter)
		allowed = !filter->deny;
	for (i = 0; filter && i < filter->count; i++) {
		struct filter_range *range = &filter->ranges[i];

		if (range->flags & flag && index >= range->base &&
		    index - range->base < range->count) {
			allowed = test_bit(index - range->base, range->bitmap);
			break;
		}
	}
	mutex_unlock(&vm->lock);
	return allowed;
}

static int take_range(struct assay_msr_filter *filter, const struct kvm_msr_filter_range *in)
{
	size_t bytes = BITS_TO_LONGS(in->nmsrs) * sizeof(long);
	struct filter_range *range = &filter->ranges[filter->count];

	if (!in->nmsrs)
		return 0;
	if (in->flags & ~(u32)(KVM_MSR_FILTER_READ | KVM_MSR_FILTER_WRITE) || !in->flags ||
	    bytes > KVM_MSR_FILTER_MAX_BITMAP_SIZE)
		return -EINVAL;
	range->bitmap = assay_copy_charged((const void __user *)in->bitmap, bytes);
	if (IS_ERR(range->bitmap))
		return PTR_ERR(range->bitmap);
	range->base = in->base;
	range->count = in->nmsrs;
	range->flags = in->flags;
	filter->count++;
	return 0;
}

static int set_filter(struct assay_vm *vm, const struct kvm_msr_filter *args)
{
	struct assay_msr_filter *filter, *old;
	unsigned int i;
	int ret = 0;

	filter = kzalloc(sizeof(*filter), GFP_KERNEL_ACCOUNT);
	if (!filter)
		ret = -ENOMEM;
	else if (args->flags & ~(u32)KVM_MSR_FILTER_DEFAULT_DENY)
		ret = -EINVAL;
	else
		filter->deny = args->flags & KVM_MSR_FILTER_DEFAULT_DENY;
	for (i = 0; i < KVM_MSR_FILTER_MAX_RANGES && !ret; i++)
		ret = take_range(filter, &args->ranges[i]);
	/* Denying everything by naming nothing is refused. */
	if (!ret && filter->deny && !filter->count)
		ret = -EINVAL;
	if (ret) {
		free_filter(filter);
		return ret;
	}
	mutex_lock(&vm->lock);
	old = vm->filter;
	WRITE_ONCE(vm->filter, filter);
	mutex_unlock(&vm->lock);
	free_filter(old);
	return 0;
}

long assay_set_filter(struct assay_vm *vm, void __user *argp)
{
	struct kvm_msr_filter *args = memdup_user(argp, sizeof(*args));
	int ret;

	if (IS_ERR(args))
		return PTR_ERR(args);
	ret = set_filter(vm, args);
	kfree(args);
	return ret;
}

struct filter_compat {
	u32 flags;
	struct {
		u32 flags, count, base;
		compat_uptr_t bitmap;
	} ranges[KVM_MSR_FILTER_MAX_RANGES];
};

static_assert(sizeof(struct filter_compat) == _IOC_SIZE(ASSAY_SET_MSR_FILTER_COMPAT));

long assay_set_filter_compat(struct assay_vm *vm, void __user *argp)
{
	struct filter_compat *given = memdup_user(argp, sizeof(*given));
	struct kvm_msr_filter *args;
	unsigned int i;
	int ret = -ENOMEM;

	if (IS_ERR(given))
		return PTR_ERR(given);
	args = kzalloc(sizeof(*args), GFP_KERNEL);
	if (args) {
		args->flags = given->flags;
		for (i = 0; i < KVM_MSR_FILTER_MAX_RANGES; i++) {
			args->ranges[i].flags = given->ranges[i].flags;
			args->ranges[i].nmsrs = given->ranges[i].count;
			args->ranges[i].base = given->ranges[i].base;
			args->ranges[i].bitmap = (__u8 *)(unsigned long)given->ranges[i].bitmap;
		}
		ret = set_filter(vm, args);
	}
	kfree(args);
	kfree(given);
	return ret;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Time as user space sets and reads it: the TSC's frequency and offset, and the VM's clock.
 * There is no TSC scaling here (KVM_CAP_TSC_CONTROL), and guests are offered no kvmclock.
 */
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/timekeeping.h>
#include <linux/uaccess.h>
#include <asm/tsc.h>

#include "internal.h"

#define TOLERATED 250		/* parts per million, by which the TSC may be off, as in KVM */

/* ---- TSC (KVM API 4.55, 4.56; devices/vcpu.rst) ---------------------------------------------- */

/* Without scaling, a guest's TSC is as fast as the host's. */
static long set_khz(struct assay_vcpu *vcpu, u32 khz)
{
	u32 margin = div_u64((u64)tsc_khz * TOLERATED, 1000000);

	if (!khz)
		khz = tsc_khz;
	if (khz < tsc_khz - margin || khz > tsc_khz + margin)
		return -EINVAL;
	vcpu->tsc_khz = khz;
	return 0;
}

static long get_khz(const struct assay_vcpu *vcpu)
{
	return vcpu->tsc_khz ? vcpu->tsc_khz : tsc_khz;
}

static long offset_attribute(struct assay_vcpu *vcpu, unsigned int ioctl, void __user *argp)
{
	struct kvm_device_attr attr;
	u64 __user *value;

	if (copy_from_user(&attr, argp, sizeof(attr)))
		return -EFAULT;
	if (attr.group != KVM_VCPU_TSC_CTRL || attr.attr != KVM_VCPU_TSC_OFFSET)
		return -ENXIO;
	value = u64_to_user_ptr(attr.addr);
	switch (ioctl) {
	case KVM_GET_DEVICE_ATTR:
		return put_user(vcpu->tsc_offset, value);
	case KVM_SET_DEVICE_ATTR:
		return get_user(vcpu->tsc_offset, value);
	default:
		return 0;	/* it is there, which was the question */
	}
}

long assay_tsc_ioctl(struct assay_vcpu *vcpu, unsigned int ioctl, unsigned long arg)
{
	switch (ioctl) {
	case KVM_SET_TSC_KHZ:
		return set_khz(vcpu, arg);
	case KVM_GET_TSC_KHZ:
		return get_khz(vcpu);
	default:
		return offset_attribute(vcpu, ioctl, (void __user *)arg);
	}
}

/* ---- KVM_GET_CLOCK, KVM_SET_CLOCK (KVM API 4.23, 4.24) -------------------------------------- */

void assay_clock_init(struct assay_vm *vm)
{
	vm->clock_offset = -ktime_get_boottime_ns();
}

static long get_clock(struct assay_vm *vm, void __user *argp)
{
	struct kvm_clock_data data = { .flags = KVM_CLOCK_REALTIME };

	data.clock = ktime_get_boottime_ns() + READ_ONCE(vm->clock_offset);
	data.realtime = ktime_get_real_ns();
	return copy_to_user(argp, &data, sizeof(data)) ? -EFAULT : 0;
}

static long set_clock(struct assay_vm *vm, void __user *argp)
{
	struct kvm_clock_data data;
	u64 now;

	if (copy_from_user(&data, argp, sizeof(data)))
		return -EFAULT;
	/* What KVM_GET_CLOCK gave on any host is taken; only this one says something. */
	if (data.flags & ~(KVM_CLOCK_TSC_STABLE | KVM_CLOCK_REALTIME | KVM_CLOCK_HOST_TSC))
		return -EINVAL;
	now = ktime_get_real_ns();
	/* The time between is the guest's too; but it does not go back. */
	if (data.flags & KVM_CLOCK_REALTIME && now > data.realtime)
		data.clock += now - data.realtime;
	WRITE_ONCE(vm->clock_offset, data.clock - ktime_get_boottime_ns());
	return 0;
}

long assay_clock_ioctl(struct assay_vm *vm, unsigned int ioctl, void __user *argp)
{
	return ioctl == KVM_GET_CLOCK ? get_clock(vm, argp) : set_clock(vm, argp);
}

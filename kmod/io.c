// SPDX-License-Identifier: GPL-2.0-only
/* Writes that user space hears of later: eventfds (KVM_IOEVENTFD) and coalesced zones. */
#include <linux/eventfd.h>
#include <linux/list.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "compat.h"
#include "internal.h"

/* Each write walks the lists, so they are bounded. */
#define IOEVENTFDS_MAX 8192
#define ZONES_MAX 1000		/* as in KVM */

struct ioeventfd {
	struct list_head list;
	u64 address, match;
	u32 length;		/* 0: any */
	bool port, matches;
	struct eventfd_ctx *eventfd;
};

struct coalesced_zone {
	struct list_head list;
	u64 address;
	u32 size;
	bool port;
};

/* ---- what a write meets ---------------------------------------------------------------------- */

static bool takes(const struct ioeventfd *own, const struct x86_io *io)
{
	u64 value = 0;

	if (own->port != io->port || own->address != io->address)
		return false;
	if (own->length && own->length != io->size)
		return false;
	memcpy(&value, io->data, io->size);
	return !own->matches || own->match == value;
}

static bool signal_eventfd(struct assay_vm *vm, const struct x86_io *io)
{
	struct ioeventfd *own;

	list_for_each_entry(own, &vm->ioeventfds, list) {
		if (takes(own, io)) {
			assay_eventfd_signal(own->eventfd);
			return true;
		}
	}
	return false;
}

static bool in_zone(struct assay_vm *vm, const struct x86_io *io)
{
	struct coalesced_zone *zone;

	list_for_each_entry(zone, &vm->zones, list) {
		if (zone->port == io->port && io->address >= zone->address &&
		    io->address + io->size <= zone->address + zone->size)
			return true;
	}
	return false;
}

/* One more entry, unless the ring is full: then it is an exit. User space moves first. */
static bool coalesce(struct assay_vm *vm, const struct x86_io *io)
{
	struct kvm_coalesced_mmio_ring *ring = page_address(vm->coalesced);
	struct kvm_coalesced_mmio *entry;
	u32 first = READ_ONCE(ring->first), last = READ_ONCE(ring->last);

	if (last >= KVM_COALESCED_MMIO_MAX || (last + 1) % KVM_COALESCED_MMIO_MAX == first)
		return false;
	entry = &ring->coalesced_mmio[last];
	entry->phys_addr = io->address;
	entry->len = io->size;
	memcpy(entry->data, io->data, io->size);
	entry->pio = io->port;
	smp_wmb();	/* the entry, before it is said to be there */
	WRITE_ONCE(ring->last, (last + 1) % KVM_COALESCED_MMIO_MAX);
	return true;
}

bool assay_io_write(struct assay_vcpu *vcpu, const struct x86_io *io)
{
	struct assay_vm *vm = vcpu->vm;
	bool taken;

	if (!assay_io_watched(vm))
		return false;
	mutex_lock(&vm->lock);
	taken = signal_eventfd(vm, io) || (in_zone(vm, io) && coalesce(vm, io));
	mutex_unlock(&vm->lock);
	return taken;
}

/* ---- KVM_IOEVENTFD (KVM API 4.59) ------------------------------------------------------- */

static int check_ioeventfd(const struct kvm_ioeventfd *args)
{
	if (args->flags & ~(u32)KVM_IOEVENTFD_VALID_FLAG_MASK ||
	    args->flags & KVM_IOEVENTFD_FLAG_VIRTIO_CCW_NOTIFY)
		return -EINVAL;
	switch (args->len) {
	case 0:
		return args->flags & KVM_IOEVENTFD_FLAG_DATAMATCH ? -EINVAL : 0;
	case 1:
	case 2:
	case 4:
	case 8:
		return args->addr + args->len < args->addr ? -EINVAL : 0;
	default:
		return -EINVAL;
	}
}

static bool same(const struct ioeventfd *a, const struct ioeventfd *b)
{
	if (a->port != b->port || a->address != b->address)
		return false;
	if (!a->length || !b->length)
		return true;
	return a->length == b->length && (!a->matches || !b->matches || a->match == b->match);
}

static int assign(struct assay_vm *vm, struct ioeventfd *new)
{
	struct ioeventfd *own;
	int ret = 0;

	mutex_lock(&vm->lock);
	list_for_each_entry(own, &vm->ioeventfds, list) {
		if (same(own, new))
			ret = -EEXIST;
	}
	if (!ret && vm->nioeventfds >= IOEVENTFDS_MAX)
		ret = -ENOSPC;
	if (!ret) {
		list_add_tail(&new->list, &vm->ioeventfds);
		vm->nioeventfds++;
	}
	mutex_unlock(&vm->lock);
	return ret;
}

static int deassign(struct assay_vm *vm, const struct ioeventfd *like)
{
	struct ioeventfd *own, *next;
	int ret = -ENOENT;

	mutex_lock(&vm->lock);
	list_for_each_entry_safe(own, next, &vm->ioeventfds, list) {
		if (own->eventfd != like->eventfd || own->length != like->length ||
		    own->matches != like->matches || !same(own, like))
			continue;
		list_del(&own->list);
		vm->nioeventfds--;
		eventfd_ctx_put(own->eventfd);
		kfree(own);
		ret = 0;
		break;
	}
	mutex_unlock(&vm->lock);
	return ret;
}

static long ioeventfd(struct assay_vm *vm, void __user *argp)
{
	struct kvm_ioeventfd args;
	struct ioeventfd *new;
	int ret;

	if (copy_from_user(&args, argp, sizeof(args)))
		return -EFAULT;
	ret = check_ioeventfd(&args);
	if (ret)
		return ret;
	new = kzalloc(sizeof(*new), GFP_KERNEL_ACCOUNT);
	if (!new)
		return -ENOMEM;
	new->eventfd = eventfd_ctx_fdget(args.fd);
	if (IS_ERR(new->eventfd)) {
		ret = PTR_ERR(new->eventfd);
		kfree(new);
		return ret;
	}
	new->address = args.addr;
	new->length = args.len;
	new->port = args.flags & KVM_IOEVENTFD_FLAG_PIO;
	new->matches = args.flags & KVM_IOEVENTFD_FLAG_DATAMATCH;
	new->match = args.datamatch;
	if (args.flags & KVM_IOEVENTFD_FLAG_DEASSIGN)
		ret = deassign(vm, new);
	else
		ret = assign(vm, new);
	if (ret || args.flags & KVM_IOEVENTFD_FLAG_DEASSIGN) {
		eventfd_ctx_put(new->eventfd);
		kfree(new);
	}
	return ret;
}

/* ---- KVM_REGISTER_COALESCED_MMIO (KVM API 4.116) ---------------------------------------- */

static long add_zone(struct assay_vm *vm, const struct kvm_coalesced_mmio_zone *args)
{
	struct coalesced_zone *zone;

	if (args->pio > 1)
		return -EINVAL;
	zone = kzalloc(sizeof(*zone), GFP_KERNEL_ACCOUNT);
	if (!zone)
		return -ENOMEM;
	zone->address = args->addr;
	zone->size = args->size;
	zone->port = args->pio;
	mutex_lock(&vm->lock);
	if (vm->nzones >= ZONES_MAX) {
		mutex_unlock(&vm->lock);
		kfree(zone);
		return -ENOSPC;
	}
	list_add_tail(&zone->list, &vm->zones);
	vm->nzones++;
	mutex_unlock(&vm->lock);
	return 0;
}

/* Every zone that lies within what is given. */
static long remove_zones(struct assay_vm *vm, const struct kvm_coalesced_mmio_zone *args)
{
	struct coalesced_zone *zone, *next;

	if (args->pio > 1)
		return -EINVAL;
	mutex_lock(&vm->lock);
	list_for_each_entry_safe(zone, next, &vm->zones, list) {
		if (zone->port != args->pio || args->addr < zone->address ||
		    args->addr + args->size > zone->address + zone->size)
			continue;
		list_del(&zone->list);
		vm->nzones--;
		kfree(zone);
	}
	mutex_unlock(&vm->lock);
	return 0;
}

long assay_io_ioctl(struct assay_vm *vm, unsigned int ioctl, void __user *argp)
{
	struct kvm_coalesced_mmio_zone zone;

	if (ioctl == KVM_IOEVENTFD)
		return ioeventfd(vm, argp);
	if (ioctl != KVM_REGISTER_COALESCED_MMIO && ioctl != KVM_UNREGISTER_COALESCED_MMIO)
		return -ENOTTY;
	if (copy_from_user(&zone, argp, sizeof(zone)))
		return -EFAULT;
	return ioctl == KVM_REGISTER_COALESCED_MMIO ? add_zone(vm, &zone) :
						      remove_zones(vm, &zone);
}

void assay_io_free(struct assay_vm *vm)
{
	struct ioeventfd *own, *next;
	struct coalesced_zone *zone, *other;

	list_for_each_entry_safe(own, next, &vm->ioeventfds, list) {
		eventfd_ctx_put(own->eventfd);
		kfree(own);
	}
	list_for_each_entry_safe(zone, other, &vm->zones, list)
		kfree(zone);
}

// SPDX-License-Identifier: GPL-2.0-only
/* A VM: its file, its life, its ioctls. */
#include <linux/anon_inodes.h>
#include <linux/compat.h>
#include <linux/file.h>
#include <linux/kvm_para.h>
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "internal.h"
#include "stats.h"

static void destroy(struct kref *ref)
{
	struct assay_vm *vm = container_of(ref, struct assay_vm, ref);

	assay_io_free(vm);
	assay_memory_destroy(vm);
	mmdrop(vm->mm);
	assay_filter_free(vm);
	__free_page(vm->coalesced);
	kfree(vm);
	assay_count(COUNT_VM_END);
	assay_power_put();
	module_put(THIS_MODULE);
}

void assay_vm_get(struct assay_vm *vm)
{
	kref_get(&vm->ref);
}

void assay_vm_put(struct assay_vm *vm)
{
	kref_put(&vm->ref, destroy);
}

void *assay_copy_charged(const void __user *from, size_t bytes)
{
	void *copy = kvmalloc(bytes, GFP_KERNEL_ACCOUNT);

	if (!copy)
		return ERR_PTR(-ENOMEM);
	if (copy_from_user(copy, from, bytes)) {
		kvfree(copy);
		return ERR_PTR(-EFAULT);
	}
	return copy;
}

static int vm_release(struct inode *inode, struct file *file)
{
	assay_vm_put(file->private_data);
	return 0;
}

/* ---- ioctls -------------------------------------------------------------------------------- */

static long enable_cap(struct assay_vm *vm, void __user *argp)
{
	struct kvm_enable_cap cap;

	if (copy_from_user(&cap, argp, sizeof(cap)))
		return -EFAULT;
	if (cap.flags)
		return -EINVAL;
	switch (cap.cap) {
	case KVM_CAP_EXCEPTION_PAYLOAD:
		vm->exception_payload = cap.args[0];
		return 0;
	case KVM_CAP_X86_TRIPLE_FAULT_EVENT:
		vm->triple_fault_event = cap.args[0];
		return 0;
	case KVM_CAP_X86_USER_SPACE_MSR:
		if (cap.args[0] & ~(KVM_MSR_EXIT_REASON_INVAL | KVM_MSR_EXIT_REASON_UNKNOWN |
				    KVM_MSR_EXIT_REASON_FILTER))
			return -EINVAL;
		vm->user_msrs = cap.args[0];
		return 0;
	case KVM_CAP_EXIT_HYPERCALL:
		if (cap.args[0] & ~(1ull << KVM_HC_MAP_GPA_RANGE))
			return -EINVAL;
		vm->hypercall_exits = cap.args[0];
		return 0;
	case KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2:
		return assay_enable_manual_log(vm, cap.args[0]);
	default:
		return -EINVAL;
	}
}

static long set_region(struct assay_vm *vm, void __user *argp)
{
	struct kvm_userspace_memory_region region;

	if (copy_from_user(&region, argp, sizeof(region)))
		return -EFAULT;
	return assay_set_region(vm, &region);
}

/* In a 32-bit task's structure only the lower half of a pointer was written. */
static void __user *pointer(void __user *given)
{
	if (in_compat_syscall())
		return compat_ptr((compat_uptr_t)(unsigned long)given);
	return given;
}

static long get_dirty_log(struct assay_vm *vm, void __user *argp)
{
	struct kvm_dirty_log log;

	if (copy_from_user(&log, argp, sizeof(log)))
		return -EFAULT;
	log.dirty_bitmap = pointer(log.dirty_bitmap);
	return assay_get_dirty_log(vm, &log);
}

static long clear_dirty_log(struct assay_vm *vm, void __user *argp)
{
	struct kvm_clear_dirty_log log;

	if (copy_from_user(&log, argp, sizeof(log)))
		return -EFAULT;
	log.dirty_bitmap = pointer(log.dirty_bitmap);
	return assay_clear_dirty_log(vm, &log);
}

/* Real mode needs no page of the guest's here: the addresses are only checked. */
static long set_address(struct assay_vm *vm, void __user *argp)
{
	u64 address;

	if (copy_from_user(&address, argp, sizeof(address)))
		return -EFAULT;
	return READ_ONCE(vm->nvcpus) ? -EINVAL : 0;
}

static long set_boot_cpu(struct assay_vm *vm, unsigned long id)
{
	long ret = -EBUSY;

	mutex_lock(&vm->lock);
	if (!vm->nvcpus) {
		vm->boot_cpu = id;
		ret = 0;
	}
	mutex_unlock(&vm->lock);
	return ret;
}

static long vm_ioctl(struct file *file, unsigned int ioctl, unsigned long arg)
{
	struct assay_vm *vm = file->private_data;
	void __user *argp = (void __user *)arg;

	if (vm->mm != current->mm)
		return -EIO;
	switch (ioctl) {
	case KVM_CREATE_VCPU:
		return assay_vcpu_create(vm, arg);
	case KVM_CHECK_EXTENSION:
		return assay_check_extension(arg);
	case KVM_ENABLE_CAP:
		return enable_cap(vm, argp);
	case KVM_SET_USER_MEMORY_REGION:
		return set_region(vm, argp);
	case KVM_GET_DIRTY_LOG:
		return get_dirty_log(vm, argp);
	case KVM_CLEAR_DIRTY_LOG:
		return clear_dirty_log(vm, argp);
	case KVM_SET_TSS_ADDR:
		return arg > 0xffffffff - 3 * PAGE_SIZE ? -EINVAL : 0;
	case KVM_SET_IDENTITY_MAP_ADDR:
		return set_address(vm, argp);
	case KVM_SET_BOOT_CPU_ID:
		return set_boot_cpu(vm, arg);
	case KVM_IRQ_LINE:
	case KVM_IRQ_LINE_STATUS:
	case KVM_GET_IRQCHIP:
	case KVM_SET_IRQCHIP:
	case KVM_GET_PIT:
	case KVM_SET_PIT:
	case KVM_GET_PIT2:
	case KVM_SET_PIT2:
		return -ENXIO;		/* as KVM, to whom has no irqchip */
	case KVM_GET_CLOCK:
	case KVM_SET_CLOCK:
		return assay_clock_ioctl(vm, ioctl, argp);
	case KVM_X86_SET_MSR_FILTER:
		return assay_set_filter(vm, argp);
	case ASSAY_SET_MSR_FILTER_COMPAT:
		return assay_set_filter_compat(vm, argp);
	default:
		return assay_io_ioctl(vm, ioctl, argp);
	}
}

static const struct file_operations vm_fops = {
	.owner = THIS_MODULE,
	.release = vm_release,
	.unlocked_ioctl = vm_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

/* ---- creation --------------------------------------------------------------------------- */

static struct assay_vm *make_vm(void)
{
	struct assay_vm *vm = kzalloc(sizeof(*vm), GFP_KERNEL_ACCOUNT);
	int ret;

	if (!vm)
		return ERR_PTR(-ENOMEM);
	kref_init(&vm->ref);
	mutex_init(&vm->lock);
	init_rwsem(&vm->bus);
	init_waitqueue_head(&vm->bus_given);
	INIT_LIST_HEAD(&vm->ioeventfds);
	INIT_LIST_HEAD(&vm->zones);
	vm->mm = current->mm;
	assay_clock_init(vm);
	vm->coalesced = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	ret = vm->coalesced ? assay_memory_init(vm) : -ENOMEM;
	if (ret) {
		if (vm->coalesced)
			__free_page(vm->coalesced);
		kfree(vm);
		return ERR_PTR(ret);
	}
	mmgrab(vm->mm);
	assay_count(COUNT_VM);
	return vm;
}

int assay_vm_create(void)
{
	struct assay_vm *vm;
	int ret = assay_power_get();

	if (ret)
		return ret;
	vm = make_vm();
	if (IS_ERR(vm)) {
		assay_power_put();
		return PTR_ERR(vm);
	}
	__module_get(THIS_MODULE);
	ret = anon_inode_getfd("assay-vm", &vm_fops, vm, O_RDWR | O_CLOEXEC);
	if (ret < 0)
		assay_vm_put(vm);
	return ret;
}

// SPDX-License-Identifier: GPL-2.0-only
/* A vCPU: its file, its shared pages, its ioctls. One ioctl at a time. */
#include <linux/anon_inodes.h>
#include <linux/fs.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "internal.h"
#include "stats.h"

/* ---- the pages that user space maps: kvm_run, port data, coalesced ring, ring of exits ---- */

static vm_fault_t vcpu_fault(struct vm_fault *fault)
{
	struct assay_vcpu *vcpu = fault->vma->vm_file->private_data;

	if (fault->pgoff >= ASSAY_RUN_PAGES)
		return VM_FAULT_SIGBUS;
	if (fault->pgoff == ASSAY_RING_PAGE)
		WRITE_ONCE(vcpu->ring_seen, true);
	fault->page = vcpu->pages[fault->pgoff];
	get_page(fault->page);
	return 0;
}

static const struct vm_operations_struct vcpu_vm_ops = { .fault = vcpu_fault };

static int vcpu_mmap(struct file *file, struct vm_area_struct *vma)
{
	if (vma->vm_pgoff + vma_pages(vma) > ASSAY_RUN_PAGES)
		return -EINVAL;
	vma->vm_ops = &vcpu_vm_ops;
	return 0;
}

void *assay_pio_data(struct assay_vcpu *vcpu)
{
	return page_address(vcpu->pages[KVM_PIO_PAGE_OFFSET]);
}

/* ---- ioctls ----------------------------------------------------------------------------- */

static long set_signal_mask(struct assay_vcpu *vcpu, struct kvm_signal_mask __user *argp)
{
	struct kvm_signal_mask mask;
	sigset_t sigset;

	if (!argp) {
		vcpu->sigmask_set = false;
		return 0;
	}
	if (copy_from_user(&mask, argp, sizeof(mask)))
		return -EFAULT;
	if (mask.len != sizeof(vcpu->sigmask))
		return -EINVAL;
	if (copy_from_user(&sigset, argp->sigset, sizeof(sigset)))
		return -EFAULT;
	vcpu->sigmask = sigset;
	sigdelsetmask(&vcpu->sigmask, sigmask(SIGKILL) | sigmask(SIGSTOP));
	vcpu->sigmask_set = true;
	return 0;
}

static long interrupt(struct assay_vcpu *vcpu, void __user *argp)
{
	struct kvm_interrupt irq;

	if (copy_from_user(&irq, argp, sizeof(irq)))
		return -EFAULT;
	return assay_interrupt(vcpu, irq.irq);
}

/* Every ioctl but KVM_RUN. */
static noinline long locked_ioctl(struct assay_vcpu *vcpu, unsigned int ioctl, unsigned long arg)
{
	void __user *argp = (void __user *)arg;

	/* These know what they need, and are called all the time. */
	if (ioctl != KVM_INTERRUPT && ioctl != KVM_GET_REGS)
		assay_state_take(vcpu);
	switch (ioctl) {
	case KVM_INTERRUPT:
		return interrupt(vcpu, argp);
	case KVM_NMI:
		x86_events_nmi(&vcpu->events, &vcpu->state);
		return 0;
	case KVM_SET_SIGNAL_MASK:
		return set_signal_mask(vcpu, argp);
	case KVM_SET_GUEST_DEBUG:
		return assay_set_guest_debug(vcpu, argp);
	case KVM_SET_CPUID2:
		return assay_set_cpuid(vcpu, argp);
	case KVM_GET_CPUID2:
		return assay_get_cpuid(vcpu, argp);
	case KVM_GET_MSRS:
	case KVM_SET_MSRS:
		return assay_msrs_ioctl(vcpu, ioctl, argp);
	case KVM_GET_FPU:
	case KVM_SET_FPU:
	case KVM_GET_XSAVE:
	case KVM_GET_XSAVE2:
	case KVM_SET_XSAVE:
	case KVM_GET_XCRS:
	case KVM_SET_XCRS:
		return assay_fpu_ioctl(vcpu, ioctl, argp);
	case KVM_SET_TSC_KHZ:
	case KVM_GET_TSC_KHZ:
	case KVM_HAS_DEVICE_ATTR:
	case KVM_GET_DEVICE_ATTR:
	case KVM_SET_DEVICE_ATTR:
		return assay_tsc_ioctl(vcpu, ioctl, arg);
	case KVM_GET_LAPIC:
	case KVM_SET_LAPIC:
		return -EINVAL;		/* there is none in the kernel */
	case KVM_KVMCLOCK_CTRL:
		return -EINVAL;		/* the guest has none */
	default:
		return assay_state_ioctl(vcpu, ioctl, arg);
	}
}

static long vcpu_ioctl(struct file *file, unsigned int ioctl, unsigned long arg)
{
	struct assay_vcpu *vcpu = file->private_data;
	long ret;

	if (vcpu->vm->mm != current->mm)
		return -EIO;
	if (mutex_lock_killable(&vcpu->lock))
		return -EINTR;
	if (likely(ioctl == KVM_RUN))
		ret = arg ? -EINVAL : assay_run(vcpu);
	else
		ret = locked_ioctl(vcpu, ioctl, arg);
	mutex_unlock(&vcpu->lock);
	return ret;
}

static int vcpu_release(struct inode *inode, struct file *file)
{
	struct assay_vcpu *vcpu = file->private_data;
	struct assay_vm *vm = vcpu->vm;

	mutex_lock(&vm->lock);
	WRITE_ONCE(vm->vcpus[vcpu->id], NULL);
	mutex_unlock(&vm->lock);
	assay_vcpu_destroy(vcpu);
	assay_vm_put(vm);
	return 0;
}

static const struct file_operations vcpu_fops = {
	.owner = THIS_MODULE,
	.release = vcpu_release,
	.unlocked_ioctl = vcpu_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.mmap = vcpu_mmap,
	.llseek = noop_llseek,
};

/* ---- creation --------------------------------------------------------------------------- */

static int make_pages(struct assay_vcpu *vcpu)
{
	unsigned int i;

	for (i = 0; i < ASSAY_RUN_PAGES; i++) {
		if (i == ASSAY_COALESCED_PAGE) {
			vcpu->pages[i] = vcpu->vm->coalesced;
			get_page(vcpu->pages[i]);
			continue;
		}
		vcpu->pages[i] = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
		if (!vcpu->pages[i])
			return -ENOMEM;
	}
	vcpu->run = page_address(vcpu->pages[0]);
	return 0;
}

void assay_vcpu_destroy(struct assay_vcpu *vcpu)
{
	unsigned int i;

	if (vcpu->hw)
		vendor->vcpu_destroy(vcpu);
	assay_fpu_destroy(vcpu);
	for (i = 0; i < ASSAY_RUN_PAGES; i++) {
		if (vcpu->pages[i])
			put_page(vcpu->pages[i]);
	}
	kvfree(vcpu->cpuid);
	kfree_rcu(vcpu, rcu);	/* who kicks may still look at it */
	assay_count(COUNT_VCPU_END);
}

static struct assay_vcpu *make_vcpu(struct assay_vm *vm, unsigned int id)
{
	struct assay_vcpu *vcpu = kzalloc(sizeof(*vcpu), GFP_KERNEL_ACCOUNT);
	int ret;

	if (!vcpu)
		return ERR_PTR(-ENOMEM);
	assay_count(COUNT_VCPU);
	vcpu->vm = vm;
	vcpu->id = id;
	vcpu->cpu = -1;
	vcpu->cold_changed = true;
	mutex_init(&vcpu->lock);
	vcpu->env = (struct x86_env){ .ops = &assay_ops, .opaque = vcpu };
	vcpu->exec.env = &vcpu->env;
	vcpu->exec.state = &vcpu->state;
	ret = make_pages(vcpu);
	if (!ret)
		ret = assay_fpu_create(vcpu);
	if (!ret)
		ret = vendor->vcpu_create(vcpu);
	if (ret) {
		assay_vcpu_destroy(vcpu);
		return ERR_PTR(ret);
	}
	assay_ring_init(vcpu);
	assay_state_reset(vcpu);
	assay_msr_init(vcpu);
	assay_cpuid_changed(vcpu);
	return vcpu;
}

int assay_vcpu_create(struct assay_vm *vm, unsigned int id)
{
	struct assay_vcpu *vcpu;
	int ret;

	if (id >= ASSAY_VCPUS)
		return -EINVAL;
	vcpu = make_vcpu(vm, id);
	if (IS_ERR(vcpu))
		return PTR_ERR(vcpu);
	mutex_lock(&vm->lock);
	ret = -EEXIST;
	if (test_bit(id, vm->ids))
		goto out;
	assay_vm_get(vm);
	WRITE_ONCE(vm->vcpus[id], vcpu);
	ret = anon_inode_getfd("assay-vcpu", &vcpu_fops, vcpu, O_RDWR | O_CLOEXEC);
	if (ret < 0) {
		WRITE_ONCE(vm->vcpus[id], NULL);
		assay_vm_put(vm);
	} else {
		__set_bit(id, vm->ids);
		WRITE_ONCE(vm->nvcpus, vm->nvcpus + 1);
	}
out:
	mutex_unlock(&vm->lock);
	if (ret < 0)
		assay_vcpu_destroy(vcpu);
	return ret;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Guests that never run, kept for as long as the lab lives. KVM patches the kernel's code
 * when the first VM or vCPU of a kind is made and when the last is gone (static keys: the
 * scheduler's for preemption notifiers, KVM's for vCPUs without a local APIC, with it turned
 * off, and with it disabled by software). With these guests there is never a first or a last
 * one, for emulators that lose such a patch while another processor runs the code.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>

#include "agent.h"

static int must(int result, const char *what)
{
	if (result < 0)
		fail("holding a guest: %s: %s", what, strerror(errno));
	return result;
}

/* A vCPU whose local APIC is off: bit 11 of IA32_APIC_BASE (SDM 3 11.4.3). */
static void turn_apic_off(int vcpu)
{
	struct kvm_sregs sregs;

	must(ioctl(vcpu, KVM_GET_SREGS, &sregs), "KVM_GET_SREGS");
	sregs.apic_base &= ~(1ull << 11);
	must(ioctl(vcpu, KVM_SET_SREGS, &sregs), "KVM_SET_SREGS");
}

/* The descriptors stay open in this process, which lives as long as the lab. */
void hold_guests(const char *device)
{
	int fd = must(open(device, O_RDWR | O_CLOEXEC), device);
	int plain = must(ioctl(fd, KVM_CREATE_VM, 0), "KVM_CREATE_VM");
	int with_apic = must(ioctl(fd, KVM_CREATE_VM, 0), "KVM_CREATE_VM");

	must(ioctl(plain, KVM_CREATE_VCPU, 0), "KVM_CREATE_VCPU");
	must(ioctl(with_apic, KVM_CREATE_IRQCHIP, 0), "KVM_CREATE_IRQCHIP");
	must(ioctl(with_apic, KVM_CREATE_VCPU, 0), "KVM_CREATE_VCPU");
	turn_apic_off(must(ioctl(with_apic, KVM_CREATE_VCPU, 1), "KVM_CREATE_VCPU"));
}

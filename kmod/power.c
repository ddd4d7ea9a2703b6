// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who has the processors' virtualisation: turned on for the first VM, off after the last,
 * kept up over hotplug, suspend and reboot. Another hypervisor is left alone.
 */
#include <linux/cpuhotplug.h>
#include <linux/module.h>
#include <linux/smp.h>

#include "compat.h"
#include "internal.h"

static DEFINE_MUTEX(power_lock);
static unsigned int users;		/* VMs */
static int hotplug_state;
static bool on;				/* for suspend and reboot, which have no lock */

static void say_busy(void)
{
	/* Whoever may open the device can come here again and again. */
	pr_err_ratelimited("another hypervisor has this processor: unload %s first (from Linux "
			   "6.12 on it has it from the moment it is loaded, unless "
			   "kvm.enable_virt_at_load=0)\n",
			   vendor->isa == 2 ? "kvm_amd" : "kvm_intel");
}

static int come_online(unsigned int cpu)
{
	unsigned long flags;
	int ret;

	local_irq_save(flags);
	ret = vendor->enable();
	local_irq_restore(flags);
	return ret;
}

static int go_offline(unsigned int cpu)
{
	unsigned long flags;

	local_irq_save(flags);
	vendor->disable();
	local_irq_restore(flags);
	return 0;
}

int assay_power_get(void)
{
	int ret = 0;

	mutex_lock(&power_lock);
	if (!users) {
		ret = cpuhp_setup_state(CPUHP_AP_ONLINE_DYN, "assay:online", come_online,
					go_offline);
		if (ret == -EBUSY)
			say_busy();
		if (ret >= 0) {
			hotplug_state = ret;
			on = true;
			ret = 0;
		}
	}
	if (!ret)
		users++;
	mutex_unlock(&power_lock);
	return ret;
}

void assay_power_put(void)
{
	mutex_lock(&power_lock);
	if (!--users) {
		on = false;
		cpuhp_remove_state(hotplug_state);
	}
	mutex_unlock(&power_lock);
}

/* One processor is left, interrupts are off; tasks are frozen, so no guest runs. */
static int power_suspend(ASSAY_SYSCORE_ARGUMENT)
{
	if (on)
		vendor->disable();
	return 0;
}

static void power_resume(ASSAY_SYSCORE_ARGUMENT)
{
	if (on && vendor->enable())
		pr_err("virtualisation is gone after resume: no guest is entered any more\n");
}

static void disable_here(void *unused)
{
	vendor->disable();
}

/* Firmware and the next kernel want the processors as they were. */
static void power_shutdown(ASSAY_SYSCORE_ARGUMENT)
{
	if (on)
		on_each_cpu(disable_here, NULL, 1);
	on = false;
}

static struct assay_syscore power_syscore = {
	.ops = {
		.suspend = power_suspend,
		.resume = power_resume,
		.shutdown = power_shutdown,
	},
};

void assay_power_init(void)
{
	assay_syscore_register(&power_syscore);
}

void assay_power_exit(void)
{
	assay_syscore_unregister(&power_syscore);
}

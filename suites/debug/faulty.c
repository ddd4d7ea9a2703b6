// SPDX-License-Identifier: GPL-2.0-only
/*
 * Commits the faults that a kernel with all checks must report, each when the name of it is
 * written to the parameter "fault": it shows that the labs see such reports, and fail.
 */
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

static DEFINE_SPINLOCK(spin);
static DEFINE_MUTEX(first);
static DEFINE_MUTEX(second);
static int __rcu *protected;
static int distance = 40;

/* What is one byte behind an object. */
static void out_of_bounds(void)
{
	volatile char *object = kmalloc(24, GFP_KERNEL);

	if (object)
		object[24] = 1;
	kfree((void *)object);
}

static void use_after_free(void)
{
	volatile int *object = kmalloc(64, GFP_KERNEL);

	kfree((void *)object);
	if (object)
		object[3] = 1;
}

static void shift(void)
{
	pr_info("faulty: %d\n", 1 << READ_ONCE(distance));
}

static void sleep_in_atomic(void)
{
	spin_lock(&spin);
	kfree(kmalloc(24, GFP_KERNEL));
	spin_unlock(&spin);
}

/* Two locks in either order, though nobody waits. */
static void lock_order(void)
{
	mutex_lock(&first);
	mutex_lock(&second);
	mutex_unlock(&second);
	mutex_unlock(&first);
	mutex_lock(&second);
	mutex_lock(&first);
	mutex_unlock(&first);
	mutex_unlock(&second);
}

static void rcu(void)
{
	if (rcu_dereference(protected))
		pr_info("faulty: there is one\n");
}

static void leak(void)
{
	void *volatile object = kmalloc(200, GFP_KERNEL);

	object = NULL;
}

/* Then the module stays, as if a file of it were open. */
static void reference(void)
{
	__module_get(THIS_MODULE);
}

static const struct {
	const char *name;
	void (*commit)(void);
} faults[] = {
	{ "out_of_bounds", out_of_bounds }, { "use_after_free", use_after_free },
	{ "shift", shift }, { "sleep_in_atomic", sleep_in_atomic }, { "lock_order", lock_order },
	{ "rcu", rcu }, { "leak", leak }, { "reference", reference },
};

static int set_fault(const char *name, const struct kernel_param *param)
{
	for (size_t i = 0; i < ARRAY_SIZE(faults); i++) {
		if (sysfs_streq(name, faults[i].name)) {
			faults[i].commit();
			return 0;
		}
	}
	return -EINVAL;
}

static const struct kernel_param_ops fault_ops = { .set = set_fault };

module_param_cb(fault, &fault_ops, NULL, 0200);
MODULE_PARM_DESC(fault, "which fault to commit now");
MODULE_LICENSE("GPL");

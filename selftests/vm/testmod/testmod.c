// SPDX-License-Identifier: GPL-2.0
/* Plants one fault each, so that the runner can be seen to notice it. */
#include <linux/delay.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

static char *fault = "none";
module_param(fault, charp, 0444);

static DEFINE_SPINLOCK(lock_a);
static DEFINE_SPINLOCK(lock_b);

static noinline void abba(void)
{
	spin_lock(&lock_a);
	spin_lock(&lock_b);
	spin_unlock(&lock_b);
	spin_unlock(&lock_a);
	spin_lock(&lock_b);
	spin_lock(&lock_a);
	spin_unlock(&lock_a);
	spin_unlock(&lock_b);
}

static noinline void use_after_free(void)
{
	char *volatile p = kmalloc(64, GFP_KERNEL);

	kfree(p);
	p[3] = 1;
}

static noinline void sleep_in_atomic(void)
{
	spin_lock(&lock_a);
	kfree(kmalloc(32, GFP_KERNEL));
	spin_unlock(&lock_a);
}

static noinline void oops(void)
{
	int *volatile p = NULL;

	*p = 1;
}

static noinline void leak(void)
{
	void *volatile p;
	int i;

	/* several: a word left on a stack may make one look reachable */
	for (i = 0; i < 8; i++)
		p = kmalloc(128, GFP_KERNEL);
	p = NULL;
}

static int __init testmod_init(void)
{
	if (!strcmp(fault, "warn"))
		WARN_ON(1);
	else if (!strcmp(fault, "oops"))
		oops();
	else if (!strcmp(fault, "lockdep"))
		abba();
	else if (!strcmp(fault, "kasan"))
		use_after_free();
	else if (!strcmp(fault, "atomic"))
		sleep_in_atomic();
	else if (!strcmp(fault, "leak"))
		leak();
	return 0;
}

static void __exit testmod_exit(void)
{
}

module_init(testmod_init);
module_exit(testmod_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("faults on purpose, for the test of selftests/vm/run");

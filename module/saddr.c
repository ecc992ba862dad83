// SPDX-License-Identifier: GPL-2.0
/*
 * saddr.c: the node's own address towards a target, as the kernel chooses it
 * (RFC 6724), remembered for a second: choosing costs half as much again as all
 * the rest of a new session.
 */
#include <linux/hash.h>
#include <linux/jiffies.h>
#include <linux/percpu.h>
#include <net/addrconf.h>

#include "nf_nat46.h"

#define CHOICES_BITS	4

struct choice {
	const struct net *net;
	const struct net_device *dev;
	struct in6_addr target;
	struct in6_addr saddr;
	unsigned long at;		/* jiffies */
	int gen;
};

static DEFINE_PER_CPU(struct choice [1 << CHOICES_BITS], choices);

/* Of all network namespaces: counts up whenever an address comes or goes. */
static atomic_t generation = ATOMIC_INIT(1);

/**
 * nat46_saddr_forget() - an address of this machine has come, or is going
 *
 * Context: any.
 */
void nat46_saddr_forget(void)
{
	atomic_inc(&generation);
}

/**
 * nat46_saddr() - which of its addresses does the node have for a target?
 * @net: where
 * @dev: the device that leads there
 * @target: the target
 * @saddr: set to the address
 *
 * Context: RCU, softirq or process.
 * Return: 0 or -errno, where there is none.
 */
int nat46_saddr(struct net *net, const struct net_device *dev,
		const struct in6_addr *target, struct in6_addr *saddr)
{
	const int gen = atomic_read(&generation);
	struct choice *c;
	int err = 0;

	/* there another may get this CPU's choices in the middle */
	if (IS_ENABLED(CONFIG_PREEMPT_RT))
		return ipv6_dev_get_saddr(net, dev, target, 0, saddr);

	local_bh_disable();
	c = this_cpu_ptr(&choices[hash_32((__force u32)(target->s6_addr32[1] ^
							target->s6_addr32[3]), CHOICES_BITS)]);
	if (c->gen != gen || c->net != net || c->dev != dev ||
	    time_after(jiffies, c->at + HZ) || !ipv6_addr_equal(&c->target, target)) {
		c->gen = 0;
		err = ipv6_dev_get_saddr(net, dev, target, 0, &c->saddr);
		if (!err) {
			c->net = net;
			c->dev = dev;
			c->target = *target;
			c->at = jiffies;
			c->gen = gen;
		}
	}
	*saddr = c->saddr;
	local_bh_enable();
	return err;
}

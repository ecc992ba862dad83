// SPDX-License-Identifier: GPL-2.0
/*
 * ipsec.c: what the stack asks of IPsec's policies, for packets that it does not
 * meet itself. nat46_route6() has the way out.
 */
#include <net/xfrm.h>

#include "nf_nat46.h"

/**
 * nat46_ipsec_refuses() - should a packet have come by IPsec, and has not?
 * @p: the packet, whole
 * @family: AF_INET, of a client; AF_INET6, of a target
 *
 * What a client sends is forwarded, what a target sends is for this node: so
 * are the policies that are asked. This node's own packets are not.
 *
 * Context: RCU, softirq or process.
 * Return: whether a policy refuses it.
 */
bool nat46_ipsec_refuses(const struct nat46_pkt *p, u16 family)
{
#ifdef CONFIG_XFRM
	const int dir = family == AF_INET ? XFRM_POLICY_FWD : XFRM_POLICY_IN;
	const struct net_device *dev = p->skb->dev;

	if (likely(!READ_ONCE(p->nn->net->xfrm.policy_count[dir])))
		return false;
	return !p->local && !p->hairpinned && dev && !(dev->flags & IFF_LOOPBACK) &&
	       !__xfrm_policy_check(NULL, dir, p->skb, family);
#else
	return false;
#endif
}

/**
 * nat46_ipsec_routes() - may policies have a say in where packets go?
 * @net: the network namespace
 *
 * Context: any.
 * Return: whether there are any for what leaves.
 */
bool nat46_ipsec_routes(const struct net *net)
{
#ifdef CONFIG_XFRM
	return READ_ONCE(net->xfrm.policy_count[XFRM_POLICY_OUT]);
#else
	return false;
#endif
}

// SPDX-License-Identifier: GPL-2.0
/*
 * ipsec.c: what the stack asks of IPsec's policies, for packets that it does not
 * meet itself. nat46_route6() has the way out.
 */
#include <net/xfrm.h>

#include "ipsec.h"

/**
 * nat46_ipsec_check() - has a packet come as policies want it to?
 * @p: the packet, whole
 * @family: AF_INET, of a client; AF_INET6, of a target
 * @dir: what a client sends is forwarded (XFRM_POLICY_FWD), what a target sends is
 *       for this node (XFRM_POLICY_IN)
 *
 * This node's own packets are not asked about.
 *
 * Context: RCU, softirq or process.
 * Return: whether no policy refuses it.
 */
bool nat46_ipsec_check(const struct nat46_pkt *p, u16 family, int dir)
{
#ifdef CONFIG_XFRM
	const struct net_device *dev = p->skb->dev;

	return p->local || p->hairpinned || !dev || dev->flags & IFF_LOOPBACK ||
	       __xfrm_policy_check(NULL, dir, p->skb, family);
#else
	return true;
#endif
}

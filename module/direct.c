// SPDX-License-Identifier: GPL-2.0
/*
 * direct.c: straight to the neighbour, past netfilter's hooks and the IP layers'
 * output (filter-hooks off). Whatever asks for more than a link header (a cut,
 * IPsec, a tunnel, a VRF, a neighbour not known yet) is left to the way that
 * knows it all.
 */
#include <linux/netdevice.h>
#include <net/ip.h>
#include <net/ip6_fib.h>
#include <net/ip6_route.h>
#include <net/ndisc.h>
#include <net/neighbour.h>
#include <net/route.h>

#include "compat.h"
#include "nf_nat46.h"

/*
 * Need @skb not be cut? What came in fragments leaves in fragments of that
 * size; of a GSO packet each segment counts.
 */
static bool whole(const struct sk_buff *skb, unsigned int frag_max, unsigned int mtu)
{
	if (frag_max)
		return false;
	return skb->len <= mtu || (skb_is_gso(skb) && skb_gso_validate_network_len(skb, mtu));
}

/* Does @dst lead to a neighbour by @output alone: no IPsec, tunnel, VRF? */
static bool plain(const struct dst_entry *dst,
		  int (*output)(struct net *, struct sock *, struct sk_buff *))
{
	return dst->output == output && !dst->lwtstate && !netif_is_l3_slave(dst->dev);
}

/**
 * nat46_direct6() - send an IPv6 packet straight to its next hop
 * @skb: complete, room for a link header in front
 * @dst: its route, which it has, not referenced
 * @mtu: of the path, bytes
 *
 * Context: RCU.
 * Return: whether @skb was consumed; if not, it is unchanged.
 */
bool nat46_direct6(struct sk_buff *skb, struct dst_entry *dst, unsigned int mtu)
{
	struct neighbour *n;

	if (!whole(skb, IP6CB(skb)->frag_max_size, mtu) || !plain(dst, ip6_output))
		return false;
	rcu_read_lock_bh();
	n = __ipv6_neigh_lookup_noref(dst->dev, rt6_nexthop((struct rt6_info *)dst,
							    &ipv6_hdr(skb)->daddr));
	if (n) {
		skb->dev = dst->dev;
		neigh_output(n, skb, false);
	}
	rcu_read_unlock_bh();
	return n;
}

/**
 * nat46_direct4() - send an IPv4 packet straight to its next hop
 * @skb: complete, room for a link header in front
 * @dst: its route, which it has, not referenced
 *
 * Context: RCU.
 * Return: whether @skb was consumed; if not, it is unchanged.
 */
bool nat46_direct4(struct sk_buff *skb, struct dst_entry *dst)
{
	struct neighbour *n;
	bool gw6;

	if (!whole(skb, IPCB(skb)->frag_max_size, dst_mtu(dst)) || !plain(dst, ip_output))
		return false;
	rcu_read_lock_bh();
	n = ip_neigh_for_gw((struct rtable *)dst, skb, &gw6);
	if (!IS_ERR(n)) {
		skb->dev = dst->dev;
		neigh_output(n, skb, gw6);
	}
	rcu_read_unlock_bh();
	return !IS_ERR(n);
}

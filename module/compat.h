/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The one file that knows how kernels differ. What a kernel has is found by
 * compiling module/probe/NAME.c (probe.sh), never by its version number.
 */
#ifndef _NF_NAT46_COMPAT_H
#define _NF_NAT46_COMPAT_H

#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include <net/genetlink.h>
#ifdef NAT46_HAVE_NET_GSO_H
#include <net/gso.h>
#endif
#ifdef NAT46_HAVE_IPV6_STUB
#include <net/ipv6_stubs.h>
#else
#include <net/ndisc.h>
#endif

#ifndef NAT46_HAVE_SKB_CLEAR_TSTAMP
static inline void skb_clear_tstamp(struct sk_buff *skb)
{
	skb->tstamp = 0;
}
#endif

static inline struct nlattr **nat46_dump_attrs(const struct netlink_callback *cb)
{
#ifdef NAT46_HAVE_GENL_INFO_DUMP
	return genl_info_dump((struct netlink_callback *)cb)->attrs;
#else
	return genl_dumpit_info((struct netlink_callback *)cb)->attrs;
#endif
}

/* An advertisement with the target's link-layer address; never overriding. */
static inline void nat46_send_na(struct net_device *dev, const struct in6_addr *daddr,
				 const struct in6_addr *target, bool router, bool solicited)
{
#ifdef NAT46_HAVE_IPV6_STUB
	ipv6_stub->ndisc_send_na(dev, daddr, target, router, solicited, false, true);
#else
	ndisc_send_na(dev, daddr, target, router, solicited, false, true);
#endif
}

#endif /* _NF_NAT46_COMPAT_H */

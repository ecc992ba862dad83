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

#endif /* _NF_NAT46_COMPAT_H */

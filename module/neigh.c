// SPDX-License-Identifier: GPL-2.0
/*
 * neigh.c: an addr source may lie in the prefix of a link. Then its neighbours
 * ask for its addresses by neighbour discovery, and nobody else answers: the
 * host doesn't have them, and the kernel's own proxy needs forwarding. So we
 * do, on the links where the tool has made the host listen for them.
 */
#include <linux/etherdevice.h>
#include <linux/netfilter_ipv6.h>
#include <net/addrconf.h>
#include <net/ip6_checksum.h>
#include <net/ndisc.h>

#include "compat.h"
#include "nf_nat46.h"

#define AT	sizeof(struct ipv6hdr)

/* What comes first of RFC 4861 section 7.1.1. */
static bool is_solicitation(struct sk_buff *skb)
{
	const struct ipv6hdr *ip6h = ipv6_hdr(skb);
	const struct nd_msg *msg;

	if (ip6h->nexthdr != IPPROTO_ICMPV6 || ip6h->hop_limit != 255 ||
	    !pskb_may_pull(skb, AT + sizeof(*msg)))
		return false;
	msg = (const struct nd_msg *)(skb->data + AT);
	return msg->icmph.icmp6_type == NDISC_NEIGHBOUR_SOLICITATION && !msg->icmph.icmp6_code;
}

/* Its options, all of them here: true where they are in order. */
static bool read_options(const struct sk_buff *skb, u8 **lladdr)
{
	unsigned int at = AT + sizeof(struct nd_msg), len;
	struct nd_opt_hdr *opt;

	*lladdr = NULL;
	for (; at < skb->len; at += len) {
		opt = (struct nd_opt_hdr *)(skb->data + at);
		if (skb->len - at < sizeof(*opt))
			return false;
		len = opt->nd_opt_len * 8;
		if (!len || len > skb->len - at)
			return false;
		if (opt->nd_opt_type != ND_OPT_SOURCE_LL_ADDR || *lladdr)
			continue;
		*lladdr = ndisc_opt_addr_data(opt, skb->dev);
		if (!*lladdr)
			return false;
	}
	return true;
}

/*
 * Does the host listen on @dev to the solicited-node group of @addr? That is
 * what a proxy neighbour entry does for it, which no module can look up in
 * every kernel. An address of the host that ends likewise has the same effect,
 * and does no harm: sessions are the only use of @addr anywhere.
 */
static bool listens(struct net_device *dev, const struct in6_addr *addr)
{
	char mac[MAX_ADDR_LEN];
	struct netdev_hw_addr *ha;
	struct in6_addr group;
	bool found = false;

	addrconf_addr_solict_mult(addr, &group);
	if (ndisc_mc_map(&group, mac, dev, 0))
		return false;
	netif_addr_lock_bh(dev);
	netdev_for_each_mc_addr(ha, dev) {
		found = !memcmp(ha->addr, mac, dev->addr_len);
		if (found)
			break;
	}
	netif_addr_unlock_bh(dev);
	return found;
}

/**
 * nat46_neigh_in() - answer a neighbour solicitation for an address of a source
 * @p: a packet of the IPv6 side that belongs to no session: to a multicast
 *     group, or about this host and its link
 *
 * RFC 4861 sections 7.2.3, 7.2.4 and 7.2.8, whether forwarding is on or off:
 * solicited, and never overriding, as for any address that is not the host's.
 * Whoever tests for a duplicate (RFC 4862 section 5.4.3) is told by all-nodes.
 * What is malformed, or asks for any other address, is left to the kernel.
 *
 * Context: RCU, softirq.
 * Return: NF_STOLEN where it was answered, the skb consumed; else NF_ACCEPT.
 */
unsigned int nat46_neigh_in(const struct nat46_pkt *p)
{
	struct sk_buff *skb = p->skb;
	struct net_device *dev = skb->dev;
	const struct ipv6hdr *ip6h;
	struct inet6_dev *idev;
	struct neighbour *neigh;
	struct in6_addr target;
	bool dad, router;
	u8 *lladdr;

	if (!is_solicitation(skb))
		return NF_ACCEPT;
	target = ((const struct nd_msg *)(skb->data + AT))->target;
	if (!nat46_source_holds(p->conf, &target) ||
	    ipv6_chk_addr_and_flags(p->nn->net, &target, dev, true, 0, 0))
		return NF_ACCEPT;
	idev = __in6_dev_get(dev);
	if (!idev || !listens(dev, &target))
		return NF_ACCEPT;
	if (!pskb_may_pull(skb, skb->len) || !read_options(skb, &lladdr) ||
	    nf_ip6_checksum(skb, NF_INET_PRE_ROUTING, AT, IPPROTO_ICMPV6))
		return NF_ACCEPT;
	ip6h = ipv6_hdr(skb);
	dad = ipv6_addr_any(&ip6h->saddr);
	if (dad && (lladdr || !ipv6_addr_is_solict_mult(&ip6h->daddr)))
		return NF_ACCEPT;

	router = READ_ONCE(idev->cnf.forwarding);
	if (dad) {
		nat46_send_na(dev, &in6addr_linklocal_allnodes, &target, router, false);
	} else {
		/* the asker is known now, so that he need not be asked in turn */
		neigh = neigh_event_ns(&nd_tbl, lladdr, (void *)&ip6h->saddr, dev);
		if (neigh)
			neigh_release(neigh);
		nat46_send_na(dev, &ip6h->saddr, &target, router, true);
	}
	consume_skb(skb);
	return NF_STOLEN;
}

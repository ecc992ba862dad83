/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The one file that knows how kernels differ. What a kernel has is found by
 * compiling module/probe/NAME.c (probe.sh), never by its version number.
 */
#ifndef _NF_NAT46_COMPAT_H
#define _NF_NAT46_COMPAT_H

#include <linux/filter.h>
#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include <net/genetlink.h>
#include <net/inet6_hashtables.h>
#include <net/inet_hashtables.h>
#include <net/netfilter/ipv4/nf_defrag_ipv4.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/nf_conntrack_helper.h>
#include <net/udp.h>
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

/* Who joins a multicast group needs CAP_NET_ADMIN there, where that can be said. */
#ifdef NAT46_HAVE_GENL_MCAST_CAP
#define NAT46_ADMIN_GROUP	.flags = GENL_MCAST_CAP_NET_ADMIN
#else
#define NAT46_ADMIN_GROUP
#endif

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

/*
 * Is there a TCP socket that has, or takes, packets from @saddr:@sport to
 * @daddr:@dport which come by @dif, or by a VRF @dif's device @sdif? RCU.
 */
static inline bool
nat46_tcp6_lookup(struct net *net, const struct in6_addr *saddr, __be16 sport,
		  const struct in6_addr *daddr, __be16 dport, int dif, int sdif)
{
	bool counted;
	struct sock *sk;

#ifdef NAT46_HAVE_INET6_LOOKUP_HASHINFO
	sk = __inet6_lookup(net, net->ipv4.tcp_death_row.hashinfo, NULL, 0,
			    saddr, sport, daddr, ntohs(dport), dif, sdif, &counted);
#else
	sk = __inet6_lookup(net, NULL, 0, saddr, sport, daddr, ntohs(dport), dif, sdif, &counted);
#endif
	if (sk && counted)
		sock_gen_put(sk);
	return sk;
}

/* The same of UDP. */
static inline bool
nat46_udp6_lookup(struct net *net, const struct in6_addr *saddr, __be16 sport,
		  const struct in6_addr *daddr, __be16 dport, int dif, int sdif)
{
#if defined(NAT46_HAVE_UDP_TABLE_ONE)
	return __udp6_lib_lookup(net, saddr, sport, daddr, dport, dif, sdif, NULL);
#elif defined(NAT46_HAVE_UDP_TABLE_OF_NET)
	return __udp6_lib_lookup(net, saddr, sport, daddr, dport, dif, sdif,
				 net->ipv4.udp_table, NULL);
#else
	return __udp6_lib_lookup(net, saddr, sport, daddr, dport, dif, sdif, &udp_table, NULL);
#endif
}

/*
 * Could a packet to @port be for a socket? false: none is bound to it, and no
 * program of BPF chooses sockets.
 */
static inline bool nat46_port_bound(struct net *net, u8 proto, u16 port)
{
	const struct inet_hashinfo *tcp = net->ipv4.tcp_death_row.hashinfo;
#ifdef NAT46_HAVE_UDP_TABLE_OF_NET
	struct udp_table *udp = net->ipv4.udp_table;
#else
	struct udp_table *udp = &udp_table;
#endif

	if (static_branch_unlikely(&bpf_sk_lookup_enabled))
		return true;
	if (proto == IPPROTO_UDP)
		return READ_ONCE(udp_hashslot(udp, net, port)->count);
	return proto == IPPROTO_TCP &&
	       !hlist_empty(&tcp->bhash[inet_bhashfn(net, port, tcp->bhash_size)].chain);
}

/* How many flows does conntrack know there? */
static inline unsigned int nat46_ct_count(const struct net *net)
{
#ifdef NAT46_HAVE_CT_COUNT
	return nf_conntrack_count(net);
#else
	return atomic_read(&net->ct.count);
#endif
}

/* A conntrack helper for IPv4 that rules name, and no port does. */
static inline void
nat46_ct_helper_fill(struct nf_conntrack_helper *h, u8 proto, const char *name,
		     const struct nf_conntrack_expect_policy *policy,
		     int (*help)(struct sk_buff *skb, unsigned int protoff,
				 struct nf_conn *ct, enum ip_conntrack_info info))
{
#ifdef NAT46_HAVE_CT_HELPER_COPIED
	nf_ct_helper_init(h, NFPROTO_IPV4, proto, name, policy, 0, help, NULL, THIS_MODULE);
#else
	nf_ct_helper_init(h, NFPROTO_IPV4, proto, name, 0, 0, 0, policy, 0, help, NULL,
			  THIS_MODULE);
#endif
}

/* Where conntrack registers copies, @copies are these. */
static inline int nat46_ct_helpers_register(struct nf_conntrack_helper *h, unsigned int n,
					    struct nf_conntrack_helper **copies)
{
#ifdef NAT46_HAVE_CT_HELPER_COPIED
	return nf_conntrack_helpers_register(h, n, copies);
#else
	return nf_conntrack_helpers_register(h, n);
#endif
}

static inline void nat46_ct_helpers_unregister(struct nf_conntrack_helper *h, unsigned int n,
					       struct nf_conntrack_helper **copies)
{
#ifdef NAT46_HAVE_CT_HELPER_COPIED
	nf_conntrack_helpers_unregister(copies, n);
#else
	nf_conntrack_helpers_unregister(h, n);
#endif
}

/* Fragments are put together before the first rule sees them. */
static inline int nat46_defrag4_get(struct net *net)
{
	return nf_defrag_ipv4_enable(net);
}

static inline void nat46_defrag4_put(struct net *net)
{
#ifdef NAT46_HAVE_DEFRAG4_DISABLE
	nf_defrag_ipv4_disable(net);
#endif
}

#endif /* _NF_NAT46_COMPAT_H */

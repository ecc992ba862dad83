// SPDX-License-Identifier: GPL-2.0
/*
 * output.c: the way out: routes, kept by the session and checked by their
 * cookie; the hand-over to IPv6 as the node's own packet, to an IPv4 client,
 * or to a socket of this node; ICMP errors to the sender in its own family.
 */
#include <linux/etherdevice.h>
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/netdevice.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <net/icmp.h>
#include <net/inet_sock.h>
#include <net/ip.h>
#include <net/ip6_route.h>
#include <net/ipv6.h>
#include <net/l3mdev.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/route.h>
#include <net/xfrm.h>

#include "compat.h"
#include "ipsec.h"
#include "nf_nat46.h"

/*
 * Put @dst, of which we hold a reference, in @slot's place. Readers hold no
 * reference: the old one is released after a grace period by dst_release().
 */
static void keep_route(struct dst_entry __rcu **slot, struct dst_entry *dst)
{
	dst_release(unrcu_pointer(xchg(slot, RCU_INITIALIZER(dst))));
}

static u32 route_cookie(struct dst_entry *dst)
{
	return rt6_get_cookie((struct rt6_info *)dst);
}

/* For rules that go by user: the namespace's root, mostly the machine's. */
static kuid_t root_of(const struct net *net)
{
	return net->user_ns == &init_user_ns ? GLOBAL_ROOT_UID : sock_net_uid(net, NULL);
}

/* Whose is a packet? A client's is nobody's here; one without a socket the flow's user's. */
static kuid_t user(const struct nat46_session *s, const struct sk_buff *skb)
{
	const struct sock *sk = s->local ? sk_to_full_sk(skb->sk) : NULL;
	const kuid_t known = { READ_ONCE(s->uid.val) };

	if (sk && sk_fullsock(sk))
		return sock_net_uid(s->net, sk);
	return uid_eq(known, GLOBAL_ROOT_UID) ? root_of(s->net) : known;
}

/**
 * nat46_route6() - the route to a session's target
 * @s: the session
 * @from: a packet from the client, whose mark and user may choose the route; NULL
 *        where another asks, for whom those of the client's last look-up do
 *
 * Looked up once; then only its cookie is checked. Two CPUs may renew it at
 * once, and a reader may meet one's route with the other's cookie: then the
 * check fails, or passes for a route that is right as well.
 *
 * Context: RCU; the route is not referenced.
 * Return: the route or ERR_PTR(-errno); of a hairpin session one that leads
 * nowhere.
 */
struct dst_entry *nat46_route6(struct nat46_session *s,
			       const struct sk_buff *from)
{
	struct dst_entry *dst = rcu_dereference(s->dst6);
	struct flowi6 fl6 = {};

	if (likely(dst && dst_check(dst, READ_ONCE(s->cookie6))))
		return dst;
	/* it never leaves: any length will do, for any headroom */
	if (s->hairpin)
		return &s->net->ipv6.ip6_null_entry->dst;

	if (from) {
		WRITE_ONCE(s->mark, from->mark);
		WRITE_ONCE(s->uid.val, user(s, from).val);
	}
	fl6.flowi6_oif = s->oif;
	/* what a socket is bound to: its VRF, or a device, where that leads there */
	if (s->local && s->iif && !fl6.flowi6_oif)
		fl6.flowi6_oif = l3mdev_master_ifindex_by_index(s->net, s->iif) ?: s->iif;
	fl6.flowi6_mark = READ_ONCE(s->mark);
	fl6.flowi6_proto = s->t6.proto == IPPROTO_ICMP ? IPPROTO_ICMPV6 : s->t6.proto;
	fl6.flowi6_uid.val = READ_ONCE(s->uid.val);
	fl6.daddr = s->t6.daddr;
	fl6.saddr = s->t6.saddr;
	if (s->t6.proto == IPPROTO_ICMP) {
		fl6.fl6_icmp_type = s->t6.asked6 ? ICMPV6_ECHO_REPLY : ICMPV6_ECHO_REQUEST;
	} else {
		fl6.fl6_sport = s->t6.sport;
		fl6.fl6_dport = s->t6.dport;
	}
	dst = ip6_route_output(s->net, NULL, &fl6);
	if (dst->error) {
		const int err = dst->error;

		dst_release(dst);
		return ERR_PTR(err);
	}
	/*
	 * As for the host's own packets: IPsec's policies may refuse them, or take
	 * them over. They ask for the whole flow: nat46_route6_renew().
	 */
	if (!ipv6_addr_any(&s->t6.saddr))
		dst = xfrm_lookup_route(s->net, dst, flowi6_to_flowi(&fl6), NULL, 0);
	if (IS_ERR(dst))
		return dst;
	WRITE_ONCE(s->cookie6, route_cookie(dst));
	keep_route(&s->dst6, dst);
	return dst;
}

/**
 * nat46_route6_renew() - a session has its address and port
 * @s: the session, looked up without them
 *
 * Context: RCU.
 */
void nat46_route6_renew(struct nat46_session *s)
{
	if (unlikely(nat46_ipsec_policies(s->net, XFRM_POLICY_OUT)))
		keep_route(&s->dst6, NULL);
}

/**
 * nat46_route4() - the route to a session's client
 * @s: the session, opened by a forwarded packet
 * @skb: the packet, for its mark
 *
 * An output look-up: it depends on no forwarding or reverse-path setting.
 *
 * Context: RCU; the route is not referenced.
 * Return: the route or ERR_PTR(-errno); a client that is one of our own
 * addresses, or a broadcast one, has none.
 */
struct dst_entry *nat46_route4(struct nat46_session *s,
			       const struct sk_buff *skb)
{
	struct dst_entry *dst = rcu_dereference(s->dst4);
	struct flowi4 fl4 = {};
	struct rtable *rt;

	if (likely(dst && dst_check(dst, 0)))
		return dst;

	fl4.flowi4_oif = l3mdev_master_ifindex_by_index(s->net, s->iif);
	fl4.flowi4_mark = skb->mark;
	fl4.flowi4_proto = s->t4.proto;
	fl4.flowi4_flags = FLOWI_FLAG_ANYSRC;
	fl4.flowi4_uid = root_of(s->net);
	fl4.daddr = s->t4.saddr;
	fl4.saddr = s->t4.daddr;
	fl4.fl4_sport = s->t4.dport;
	fl4.fl4_dport = s->t4.sport;
	rt = ip_route_output_key(s->net, &fl4);
	if (IS_ERR(rt))
		return ERR_CAST(rt);
	if (rt->rt_type != RTN_UNICAST) {
		ip_rt_put(rt);
		return ERR_PTR(-EINVAL);
	}
	keep_route(&s->dst4, &rt->dst);
	return &rt->dst;
}

/* What is left of the packet's first life goes; is conntrack to see the next? */
static void scrub(struct sk_buff *skb, bool forwarded, bool tracked)
{
	skb_dst_drop(skb);
	nf_reset_ct(skb);
	if (!tracked)
		nf_ct_set(skb, NULL, IP_CT_UNTRACKED);
	if (!forwarded)
		return;
	skb_clear_tstamp(skb);	/* else sch_fq takes it for a time to send */
	skb_ext_reset(skb);	/* the bridge's, IPsec's */
	skb->ignore_df = 0;
}

/**
 * nat46_fragment_size6() - how long may an IPv6 fragment of a packet be?
 * @p: the packet, its path's MTU filled in
 *
 * No longer than the fragments that it came in, nor than the path takes.
 *
 * Context: any.
 * Return: bytes, with all headers.
 */
unsigned int nat46_fragment_size6(const struct nat46_pkt *p)
{
	const u32 mtu = max_t(u32, p->mtu, IPV6_MIN_MTU);

	return p->frag_max ? clamp_t(u32, p->frag_max + NAT46_FRAG_GROWTH, IPV6_MIN_MTU, mtu) : mtu;
}

/*
 * What came by a device: by FORWARD of @pf, then POST_ROUTING. A packet may wait
 * in a queue for longer than this module is there: the route's own function
 * sends it.
 */
static void by_forward(u8 pf, const struct nat46_pkt *p, struct sk_buff *skb,
		       struct net_device *in)
{
	const struct dst_entry *dst = skb_dst(skb);

	skb->dev = in;
	NF_HOOK(pf, NF_INET_FORWARD, p->nn->net, NULL, skb, in, dst->dev, dst->output);
}

/**
 * nat46_send6() - send a translated packet towards its target
 * @p: rewritten to IPv6; the skb is consumed
 * @dst: the route, not referenced
 *
 * As the node's own: by LOCAL_OUT and POST_ROUTING, whatever the IPv6
 * forwarding sysctl says; what comes from a client, by a setting, by FORWARD
 * instead, or straight to the neighbour. A socket of this node keeps its
 * accounting (TSQ) and its pacing.
 *
 * Context: RCU.
 */
void nat46_send6(struct nat46_pkt *p, struct dst_entry *dst)
{
	struct sk_buff *skb = p->skb;
	struct net_device *in = skb->dev;
	u8 hooks = p->conf->params.filter_hooks;

	/* conntrack is in the hooks */
	if (p->local || unlikely(p->tracked && hooks == NAT46_FILTER_HOOKS_OFF))
		hooks = NAT46_FILTER_HOOKS_OUTPUT;
	p->skb = NULL;
	scrub(skb, !p->local, p->tracked);
	memset(IP6CB(skb), 0, sizeof(*IP6CB(skb)));
	skb_dst_set_noref(skb, dst);
	skb->dev = dst->dev;
	/* an IPv4 packet without DF may be cut on its way */
	if (!p->df)
		skb->ignore_df = 1;
	if (p->frag_max && !p->icmp_error) {
		skb->ignore_df = 1;
		IP6CB(skb)->frag_max_size = nat46_fragment_size6(p);
	}
	nat46_count(p->nn, NAT46_CNT_PKT_46);
	if (hooks == NAT46_FILTER_HOOKS_FORWARD && in) {
		IP6CB(skb)->nhoff = offsetof(struct ipv6hdr, nexthdr);
		by_forward(NFPROTO_IPV6, p, skb, in);
	} else if (hooks != NAT46_FILTER_HOOKS_OFF || !nat46_direct6(skb, dst, p->mtu)) {
		ip6_local_out(p->nn->net, skb->sk, skb);
	}
}

/**
 * nat46_send4() - send a translated packet to a client
 * @p: rewritten to IPv4; the skb is consumed
 * @dst: the route, not referenced
 *
 * Straight to POST_ROUTING: IPv4 FORWARD saw no packet of the other direction
 * and so judges none of this one, but by a setting. By another one straight to
 * the neighbour. What conntrack is to see goes by it as the node's own packet:
 * reverse-path filters would ask where the client's own packets are routed to.
 *
 * Context: RCU.
 */
void nat46_send4(struct nat46_pkt *p, struct dst_entry *dst)
{
	const struct nat46_params *par = &p->conf->params;
	struct sk_buff *skb = p->skb;

	p->skb = NULL;
	scrub(skb, true, p->tracked);
	memset(IPCB(skb), 0, sizeof(*IPCB(skb)));
	IPCB(skb)->iif = skb->skb_iif;
	if (p->frag_max > NAT46_FRAG_GROWTH && !p->icmp_error)
		IPCB(skb)->frag_max_size = max_t(u32, p->frag_max - NAT46_FRAG_GROWTH,
						 IPV4_MIN_MTU);
	skb_dst_set_noref(skb, dst);
	nat46_count(p->nn, NAT46_CNT_PKT_64);
	if (unlikely(p->tracked))
		ip_local_out(p->nn->net, NULL, skb);
	else if (par->filter_hooks4 == NAT46_FILTER_HOOKS4_FORWARD && skb->dev)
		by_forward(NFPROTO_IPV4, p, skb, skb->dev);
	else if (par->filter_hooks != NAT46_FILTER_HOOKS_OFF || !nat46_direct4(skb, dst))
		dst_output(p->nn->net, NULL, skb);
}

/*
 * A socket that is bound to a device or a VRF hears only what came by it. The
 * pool is not routed there, as a reverse-path filter would have it: the packet
 * brings its route along.
 */
static struct net_device *bound_dev(const struct nat46_session *s, struct sk_buff *skb)
{
	struct net_device *dev = dev_get_by_index_rcu(s->net, s->iif);
	struct flowi4 fl4 = {};
	struct rtable *rt;

	if (!dev)
		return NULL;
	fl4.flowi4_oif = l3mdev_master_ifindex_rcu(dev);
	fl4.daddr = s->t4.saddr;
	rt = ip_route_output_key(s->net, &fl4);
	if (IS_ERR(rt))
		return NULL;
	if (rt->rt_type != RTN_LOCAL) {
		ip_rt_put(rt);
		return NULL;
	}
	skb_dst_set(skb, &rt->dst);
	return dev;
}

/**
 * nat46_send4_local() - hand a translated packet to a socket of this node
 * @p: rewritten to IPv4; the skb is consumed unless false is returned
 * @s: its session
 *
 * It arrives by the device "nat46", which has the pool's route: reverse-path
 * filters accept it, and tcpdump -i nat46 shows it; or by the device that its
 * socket is bound to. Conntrack knows the flow.
 *
 * Context: RCU, softirq.
 * Return: false where that device is missing.
 */
bool nat46_send4_local(struct nat46_pkt *p, const struct nat46_session *s)
{
	struct net_device *dev;
	struct sk_buff *skb = p->skb;
	struct ethhdr *eth;

	scrub(skb, true, true);
	dev = unlikely(s->iif) ? bound_dev(s, skb) : rcu_dereference(p->nn->dev);
	if (!dev)
		return false;
	p->skb = NULL;
	memset(IPCB(skb), 0, sizeof(*IPCB(skb)));

	/* the IPv6 header was longer by 20 bytes than the IPv4 one */
	eth = __skb_push(skb, ETH_HLEN);
	ether_addr_copy(eth->h_dest, dev->dev_addr);
	eth_zero_addr(eth->h_source);
	eth->h_proto = htons(ETH_P_IP);
	skb->protocol = eth_type_trans(skb, dev);
	skb->skb_iif = dev->ifindex;
	nat46_count(p->nn, NAT46_CNT_PKT_64);
	netif_rx(skb);
	return true;
}

/**
 * nat46_icmp4_error() - tell an IPv4 sender what became of its packet
 * @p: as it came, nothing of it rewritten; the skb stays the caller's
 * @type: of the ICMP error
 * @code: likewise
 * @info: its third word, host order
 *
 * icmp_send() limits the rate. Before routing it has no route and would do
 * nothing: an output look-up to the sender serves.
 *
 * Context: RCU.
 */
void nat46_icmp4_error(struct nat46_pkt *p, u8 type, u8 code, u32 info)
{
	struct sk_buff *skb = p->skb;
	struct flowi4 fl4 = {};
	struct rtable *rt;

	if (!skb_dst(skb)) {
		fl4.daddr = ip_hdr(skb)->saddr;
		fl4.flowi4_mark = skb->mark;
		fl4.flowi4_oif = l3mdev_master_ifindex_by_index(p->nn->net,
								skb->dev->ifindex);
		rt = ip_route_output_key(p->nn->net, &fl4);
		if (IS_ERR(rt))
			return;
		skb_dst_set(skb, &rt->dst);
	}
	icmp_send(skb, type, code, htonl(info));
}

/**
 * nat46_icmp6_error() - tell an IPv6 sender what became of its packet
 * @p: as it came, nothing of it rewritten; the skb stays the caller's
 * @type: of the ICMPv6 error
 * @code: likewise
 * @info: its third word, host order
 *
 * Context: RCU.
 */
void nat46_icmp6_error(struct nat46_pkt *p, u8 type, u8 code, u32 info)
{
	icmpv6_send(p->skb, type, code, info);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * hook.c: a packet's way, top down. First what is not ours leaves untouched;
 * then every refusal; only then is anything written.
 */
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/netfilter_bridge.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netfilter_ipv6.h>
#include <net/addrconf.h>
#include <net/ip.h>
#include <net/ip6_checksum.h>
#include <net/ipv6.h>

#include "compat.h"
#include "nf_nat46.h"

/* Between raw (-300) and conntrack (-200): kernel.md F tells why. */
#define PRIORITY	(-250)

/* A chunk of a GSO type that can't be kept whole, or 64 KiB and more? */
static bool must_segment(const struct sk_buff *skb)
{
	const unsigned int kept = SKB_GSO_TCPV4 | SKB_GSO_TCPV6 |
		SKB_GSO_UDP_L4 | SKB_GSO_DODGY | SKB_GSO_TCP_ECN |
		SKB_GSO_TCP_FIXEDID;

	return skb_is_gso(skb) &&
	       (skb->encapsulation || skb->len > 0xffff - NAT46_GROWTH ||
		skb_shinfo(skb)->gso_type & ~kept);
}

/* Would @skb, @grow bytes longer, exceed @mtu? */
static bool too_big(const struct sk_buff *skb, int grow, unsigned int mtu)
{
	if (skb_is_gso(skb))
		return !skb_gso_validate_network_len(skb, mtu - grow);
	return skb->len + grow > mtu;
}

/*
 * May the packet, @grow bytes longer, be sent to a path of @mtu? One that may
 * be cut is, by the kernel, on its way out: fragments that came with DF set
 * each have to fit themselves (RFC 7915 section 4.1).
 */
static bool fits46(const struct nat46_pkt *p, int grow, unsigned int mtu)
{
	if (likely(!too_big(p->skb, grow, mtu)))
		return true;
	if (skb_is_gso(p->skb))
		return false;
	return !p->df || (p->frag_max && p->frag_max + NAT46_FRAG_GROWTH <= mtu);
}

static unsigned int from_ipv6(struct nat46_pkt *p);

/*
 * A packet that was rewritten to IPv6 for one of our own sources goes back at
 * once, to whichever client has that address and port: RFC 6146 section 3.8. It
 * ends in IPv4, so it comes by here once.
 */
static void hairpin(const struct nat46_pkt *p)
{
	struct nat46_pkt back;

	nat46_pkt_init(&back, p->skb, p->nn, p->conf);
	back.hairpinned = true;
	nat46_count(p->nn, NAT46_CNT_PKT_46);
	memset(IP6CB(p->skb), 0, sizeof(*IP6CB(p->skb)));
	/* without DF, or in fragments, it may be cut again */
	if (!p->icmp_error && (!p->df || p->frag_max))
		IP6CB(p->skb)->frag_max_size = p->frag_max ? p->frag_max + NAT46_GROWTH : U16_MAX;
	if ((from_ipv6(&back) & NF_VERDICT_MASK) != NF_STOLEN)
		kfree_skb(back.skb);
}

/* An ICMPv4 error about a packet that we sent to a client. */
static enum nat46_reason translate_error46(struct nat46_pkt *p)
{
	struct dst_entry *dst, *dst4 = NULL;
	struct nat46_session *s;
	enum nat46_reason r;

	if (skb_is_gso(p->skb) ||
	    nf_ip_checksum(p->skb, NF_INET_PRE_ROUTING, p->l4, IPPROTO_ICMP))
		return NAT46_DROP_MALFORMED;
	s = nat46_session_find4(p, &p->t4);
	if (!s)
		return NAT46_DROP_NO_SESSION;
	/* it comes the way that the client's own packets come */
	if (!p->local && s->iif != p->skb->dev->ifindex &&
	    p->conf->params.src_check == NAT46_SRC_CHECK_STRICT)
		return NAT46_DROP_SRC_CHECK;
	dst = nat46_route6(s, p->skb);
	if (IS_ERR(dst))
		return NAT46_DROP_NO_ROUTE6;
	if (!s->local) {
		dst4 = nat46_route4(s, p->skb);
		if (IS_ERR(dst4))
			return NAT46_DROP_NO_ROUTE4;
	}
	r = nat46_icmp46(p, s, dst, dst4);
	if (r)
		return r;
	if (s->hairpin)
		hairpin(p);
	else
		nat46_send6(p, dst);
	return NAT46_OK;
}

/*
 * The session of a packet that has none yet, or, by its SYN, may ask for
 * another one than *@sp.
 */
static enum nat46_reason session_for(struct nat46_pkt *p, struct nat46_session **sp)
{
	struct nat46_session *s = *sp;

	if (!s || nat46_session_reopened(p, s))
		return nat46_session_open(p, sp, NULL);
	/* where there is no other target, or no room, it asks the same again */
	if (nat46_session_unanswered(p, s))
		nat46_session_open(p, sp, s);
	return NAT46_OK;
}

/* IPv4 to IPv6. On NAT46_OK the skb has been sent, else it is untouched. */
static enum nat46_reason translate46(struct nat46_pkt *p)
{
	struct nat46_session *s;
	struct dst_entry *dst;
	enum nat46_reason r;
	int grown, grow;

	r = nat46_parse4(p);
	if (r)
		return r;
	if (!p->local && p->hop <= 1)
		return NAT46_DROP_HOP_LIMIT;
	if (unlikely(p->icmp_error))
		return translate_error46(p);

	if (p->udp_zero && p->conf->params.udp_zero_csum == NAT46_UDP_ZERO_CSUM_DROP)
		return NAT46_DROP_UDP_ZERO_CSUM;

	s = nat46_session_find4(p, &p->t4);
	if (s && unlikely(s->iif != (p->local ? 0 : p->skb->dev->ifindex)))
		r = nat46_session_moved(p, s);
	if (!r && (!s || unlikely(p->tcp_flags & NAT46_TCP_SYN)))
		r = session_for(p, &s);
	if (r)
		return r;

	dst = nat46_route6(s, p->skb);
	if (IS_ERR(dst))
		return NAT46_DROP_NO_ROUTE6;
	p->mtu = dst_mtu(dst);
	grow = (int)sizeof(struct ipv6hdr) - p->l4;
	if (unlikely(!fits46(p, grow, p->mtu)))
		return NAT46_DROP_TOO_BIG;

	grown = nat46_headroom(p->skb, p->l4 + p->l4_hlen, max(grow, 0), dst->dev);
	if (grown < 0)
		return NAT46_DROP_NO_MEMORY;
	if (grown)
		nat46_count(p->nn, NAT46_CNT_REALLOC);

	nat46_session_seen(p, s, NAT46_DIR_4);
	if (unlikely(p->tcp_flags & NAT46_TCP_SYN))
		nat46_mss_clamp(p, s);
	nat46_rewrite46(p, s);
	if (unlikely(s->hairpin)) {
		hairpin(p);
		return NAT46_OK;
	}
	if (unlikely(s->stateless && !skb_is_gso(p->skb) && p->skb->len > nat46_fragment_size6(p)))
		return nat46_cut6(p, dst, nat46_fragment_size6(p));
	nat46_send6(p, dst);
	return NAT46_OK;
}

/* An ICMPv6 error about a packet of ours. */
static enum nat46_reason translate_error64(struct nat46_pkt *p,
					   struct nat46_session *s)
{
	struct dst_entry *dst = NULL, *dst6;
	enum nat46_reason r;

	if (skb_is_gso(p->skb) ||
	    nf_ip6_checksum(p->skb, NF_INET_PRE_ROUTING, p->l4, IPPROTO_ICMPV6))
		return NAT46_DROP_MALFORMED;
	if (!s->local) {
		dst = nat46_route4(s, p->skb);
		if (IS_ERR(dst))
			return NAT46_DROP_NO_ROUTE4;
	} else if (!rcu_access_pointer(p->nn->dev)) {
		return NAT46_DROP_NO_LOCAL_DEV;
	}
	dst6 = nat46_route6(s, p->skb);
	if (IS_ERR(dst6))
		return NAT46_DROP_NO_ROUTE6;
	r = nat46_icmp64(p, s, dst, dst6);
	if (r)
		return r;
	if (dst)
		nat46_send4(p, dst);
	else
		nat46_send4_local(p);
	return NAT46_OK;
}

/*
 * Is an IPv6 packet too big for the client's path, and its sender to hear so?
 * What fits in 1280 bytes, or came in fragments, is cut in IPv4 instead
 * (RFC 7915 sections 5 and 5.1.1).
 */
static bool too_big64(const struct nat46_pkt *p, unsigned int mtu)
{
	return unlikely(too_big(p->skb, (int)sizeof(struct iphdr) - p->l4, mtu)) &&
	       !p->frag_max && mtu + NAT46_GROWTH >= IPV6_MIN_MTU;
}

/* IPv6 to IPv4, @p parsed and its session found. On NAT46_OK it is sent. */
static enum nat46_reason translate64(struct nat46_pkt *p,
				     struct nat46_session *s)
{
	struct dst_entry *dst = NULL;
	unsigned int mtu;
	bool probe;
	int grown;

	if (!s->local && p->hop <= 1) {
		nat46_icmp6_error(p, ICMPV6_TIME_EXCEED, ICMPV6_EXC_HOPLIMIT, 0);
		return NAT46_DROP_HOP_LIMIT;
	}
	if (unlikely(p->icmp_error))
		return translate_error64(p, s);
	if (p->udp_zero && p->conf->params.udp_zero_csum != NAT46_UDP_ZERO_CSUM_KEEP)
		return NAT46_DROP_UDP_ZERO_CSUM;

	if (!s->local) {
		dst = nat46_route4(s, p->skb);
		if (IS_ERR(dst))
			return NAT46_DROP_NO_ROUTE4;
		mtu = dst_mtu(dst);
		if (too_big64(p, mtu)) {
			nat46_icmp6_error(p, ICMPV6_PKT_TOOBIG, 0, mtu + NAT46_GROWTH);
			return NAT46_DROP_TOO_BIG;
		}
	} else if (!rcu_access_pointer(p->nn->dev)) {
		return NAT46_DROP_NO_LOCAL_DEV;
	}

	/* the header shrinks: there is room for it and a link header */
	grown = nat46_headroom(p->skb, p->l4 + p->l4_hlen, 0, dst ? dst->dev : NULL);
	if (grown < 0)
		return NAT46_DROP_NO_MEMORY;
	if (grown)
		nat46_count(p->nn, NAT46_CNT_REALLOC);

	probe = nat46_session_seen(p, s, NAT46_DIR_6);
	if (unlikely(p->tcp_flags & NAT46_TCP_SYN))
		nat46_mss_clamp(p, s);
	nat46_rewrite64(p, s);
	if (dst)
		nat46_send4(p, dst);
	else
		nat46_send4_local(p);
	if (unlikely(probe))
		nat46_tcp_probe(s, p->conf);
	return NAT46_OK;
}

/*
 * Under br_netfilter the hook runs inside the bridge, for other hosts' frames
 * as well: ours are those sent to the bridge itself.
 */
static bool bridged_past(const struct sk_buff *skb,
			 const struct nf_hook_state *state)
{
#if IS_ENABLED(CONFIG_BRIDGE_NETFILTER)
	return nf_bridge_info_exists(skb) && state->in &&
	       !ether_addr_equal(eth_hdr(skb)->h_dest, state->in->dev_addr);
#else
	return false;
#endif
}

typedef unsigned int (*way_t)(struct nat46_pkt *p);

/* Each segment goes its @way by itself. @p->skb is consumed. */
static unsigned int in_segments(struct nat46_pkt *p, way_t way)
{
	struct sk_buff *segs, *next, *skb = p->skb;

	segs = skb_gso_segment(skb, NETIF_F_SG | NETIF_F_HW_CSUM);
	if (IS_ERR_OR_NULL(segs)) {
		nat46_drop(p->nn, NAT46_DROP_NO_MEMORY);
		return NF_DROP;
	}
	consume_skb(skb);
	skb_list_walk_safe(segs, segs, next) {
		struct nat46_pkt q = *p;

		skb_mark_not_on_list(segs);
		q.skb = segs;
		if ((way(&q) & NF_VERDICT_MASK) != NF_STOLEN)
			kfree_skb(segs);
	}
	return NF_STOLEN;
}

/* Is @p's packet whole? If not, it was kept until it is, or dropped. */
static bool whole4(struct nat46_pkt *p)
{
	enum nat46_reason r;

	if (likely(!ip_is_fragment(ip_hdr(p->skb))))
		return true;
	r = nat46_defrag4(p);
	if (r == NAT46_DROP_FRAGMENT)
		nat46_drop(p->nn, r);
	return !r;
}

/* A packet to a pool. */
static unsigned int from_ipv4(struct nat46_pkt *p)
{
	enum nat46_reason r;

	if (unlikely(must_segment(p->skb)))
		return in_segments(p, from_ipv4);

	r = translate46(p);
	if (likely(!r))
		return NF_STOLEN;
	if (r == NAT46_DROP_UNMAPPED &&
	    p->conf->params.unmapped == NAT46_UNMAPPED_PASS)
		return NF_ACCEPT;
	nat46_drop(p->nn, r);
	nat46_tell_client(p, r);
	return p->local ? NF_DROP_ERR(-EHOSTUNREACH) : NF_DROP;
}

/* IPv4 PRE_ROUTING: what clients send. */
static unsigned int hook_in4(void *priv, struct sk_buff *skb,
			     const struct nf_hook_state *state)
{
	struct nat46_net *nn = priv;
	const struct nat46_conf *conf = rcu_dereference(nn->conf);
	struct nat46_pkt p;

	if (!conf || !nat46_pool_find(conf, ip_hdr(skb)->daddr))
		return NF_ACCEPT;
	if (skb->pkt_type != PACKET_HOST || bridged_past(skb, state))
		return NF_ACCEPT;
	if ((skb->mark ^ conf->params.hook_mark) & conf->params.hook_mask)
		return NF_ACCEPT;
	nat46_pkt_init(&p, skb, nn, conf);
	return whole4(&p) ? from_ipv4(&p) : NF_STOLEN;
}

/*
 * An ICMP error of this node's own stack about a reply that we had already
 * translated: it goes back whatever is set for local packets.
 */
static bool about_a_reply(const struct sk_buff *skb)
{
	const struct iphdr *iph = ip_hdr(skb);
	u8 buf, *type;

	if (iph->protocol != IPPROTO_ICMP || ip_is_fragment(iph))
		return false;
	type = skb_header_pointer(skb, iph->ihl * 4, sizeof(buf), &buf);
	return type && (*type == ICMP_DEST_UNREACH || *type == ICMP_TIME_EXCEEDED ||
			*type == ICMP_PARAMETERPROB);
}

/* IPv4 LOCAL_OUT: what this node's sockets send. */
static unsigned int hook_out4(void *priv, struct sk_buff *skb,
			      const struct nf_hook_state *state)
{
	struct nat46_net *nn = priv;
	const struct nat46_conf *conf = rcu_dereference(nn->conf);
	struct nat46_pkt p;

	if (!conf || !nat46_pool_find(conf, ip_hdr(skb)->daddr))
		return NF_ACCEPT;
	nat46_pkt_init(&p, skb, nn, conf);
	p.local = true;
	if (about_a_reply(skb))
		return from_ipv4(&p);
	if (!conf->params.local_out)
		return NF_ACCEPT;
	if ((skb->mark ^ conf->params.hook_mark) & conf->params.hook_mask)
		return NF_ACCEPT;
	return whole4(&p) ? from_ipv4(&p) : NF_STOLEN;
}

/* Could sessions have that port, or that address? */
static bool in_a_source(const struct nat46_conf *conf, const struct in6_addr *addr, u16 port)
{
	const struct nat46_sources *src = conf->sources;

	return (src->dev && port >= src->dev_lo && port <= src->dev_hi) ||
	       (src->n_ranges && nat46_source_holds(conf, addr));
}

/* The same of a packet: a protocol without ports goes by addresses. */
static bool for_a_source(const struct nat46_pkt *p)
{
	return in_a_source(p->conf, &p->t6.saddr, ntohs(p->t6.sport)) ||
	       (p->conf->sources->dev && !p->t6.sport && !nat46_has_ports(p->t6.proto));
}

/* Most packets are nobody's here, and it shows at once: parsing is spared. */
static bool passes_by(const struct sk_buff *skb, const struct nat46_conf *conf)
{
	const struct ipv6hdr *ip6h = ipv6_hdr(skb);
	const struct udphdr *l4 = (const struct udphdr *)(ip6h + 1);

	return (ip6h->nexthdr == IPPROTO_TCP || ip6h->nexthdr == IPPROTO_UDP) &&
	       skb_headlen(skb) >= sizeof(*ip6h) + sizeof(*l4) &&
	       !in_a_source(conf, &ip6h->daddr, ntohs(l4->dest));
}

/* Could a packet to @daddr be a session's, whatever its port? */
static bool to_a_source(const struct nat46_pkt *p, const struct in6_addr *daddr)
{
	return nat46_source_holds(p->conf, daddr) ||
	       (p->conf->sources->dev && !(ipv6_addr_type(daddr) & IPV6_ADDR_LINKLOCAL) &&
		ipv6_chk_addr(p->nn->net, daddr, NULL, 0));
}

/*
 * What belongs to no session is the host's own where the address is: its path
 * MTU discovery, its neighbours, its pings. An address that we hold for
 * sessions alone has no other use.
 */
static unsigned int not_ours(struct nat46_pkt *p, enum nat46_reason r)
{
	const struct in6_addr *daddr = &ipv6_hdr(p->skb)->daddr;

	if (!nat46_source_holds(p->conf, daddr) ||
	    ipv6_chk_addr(p->nn->net, daddr, NULL, 0))
		return NF_ACCEPT;
	nat46_drop(p->nn, r);
	if (r == NAT46_DROP_ROUTING_HEADER)
		nat46_icmp6_error(p, ICMPV6_PARAMPROB, ICMPV6_HDR_FIELD, p->pointer);
	return NF_DROP;
}

/* A packet that may be a session's, or an error about one. */
static unsigned int from_ipv6(struct nat46_pkt *p)
{
	struct nat46_session *s;
	enum nat46_reason r;
	int parsed;

	parsed = nat46_parse6(p);
	if (unlikely(parsed == NAT46_DROP_FRAGMENT) &&
	    to_a_source(p, &ipv6_hdr(p->skb)->daddr)) {
		p->id = nat46_fragment_id6(p);
		parsed = nat46_defrag6(p);
		if (parsed == NAT46_REASON_MAX)
			return NF_STOLEN;
		if (!parsed)
			parsed = nat46_parse6(p);
	}
	if (parsed < 0)
		return nat46_neigh_in(p);
	if (parsed)
		return not_ours(p, parsed);
	if (!for_a_source(p))
		return NF_ACCEPT;

	s = nat46_session_find6(p->nn, &p->t6, p->conf);
	if (!s || unlikely(p->tcp_flags & NAT46_TCP_SYN)) {
		r = nat46_inbound_session(p, &s);
		if (r)
			return not_ours(p, r);
	}
	if (unlikely(READ_ONCE(s->moved)) && !nat46_session_move_back(p, s))
		return not_ours(p, NAT46_DROP_NO_SESSION);
	/* not from outside; errors of this node's own stack are */
	if (unlikely(s->hairpin) && !p->hairpinned && !p->icmp_error)
		return not_ours(p, NAT46_DROP_SOURCE_LOOP);
	if (unlikely(must_segment(p->skb)))
		return in_segments(p, from_ipv6);

	r = translate64(p, s);
	if (likely(!r))
		return NF_STOLEN;
	nat46_drop(p->nn, r);
	return NF_DROP;
}

/* IPv6 PRE_ROUTING: what targets, and routers on the way to them, send. */
static unsigned int hook_in6(void *priv, struct sk_buff *skb,
			     const struct nf_hook_state *state)
{
	struct nat46_net *nn = priv;
	const struct nat46_conf *conf = rcu_dereference(nn->conf);
	struct nat46_pkt p;

	if (!conf || !conf->sources->n || passes_by(skb, conf))
		return NF_ACCEPT;
	nat46_pkt_init(&p, skb, nn, conf);
	if (skb->pkt_type == PACKET_MULTICAST)
		return nat46_neigh_in(&p);
	if (skb->pkt_type != PACKET_HOST || bridged_past(skb, state))
		return NF_ACCEPT;
	return from_ipv6(&p);
}

/*
 * IPv6 LOCAL_OUT: an ICMPv6 error of this node's own stack about a packet that
 * we had already translated (a reject rule, a dead neighbour, a small MTU). One
 * to a host's address comes back by the loopback device; one to an address that
 * only sessions have would leave for wherever that is routed.
 */
static unsigned int hook_out6(void *priv, struct sk_buff *skb,
			      const struct nf_hook_state *state)
{
	const struct ipv6hdr *ip6h = ipv6_hdr(skb);
	struct nat46_net *nn = priv;
	const struct nat46_conf *conf;
	struct nat46_pkt p;

	if (ip6h->nexthdr != IPPROTO_ICMPV6)
		return NF_ACCEPT;
	conf = rcu_dereference(nn->conf);
	if (!conf || !nat46_source_holds(conf, &ip6h->daddr) ||
	    ipv6_chk_addr(nn->net, &ip6h->daddr, NULL, 0))
		return NF_ACCEPT;
	nat46_pkt_init(&p, skb, nn, conf);
	if (nat46_parse6(&p) != NAT46_OK || !p.icmp_error)
		return NF_ACCEPT;
	return from_ipv6(&p);
}

/* Each network namespace has its own, with its state. */
static const struct nf_hook_ops hooks[] = {
	{
		.hook		= hook_in4,
		.pf		= NFPROTO_IPV4,
		.hooknum	= NF_INET_PRE_ROUTING,
		.priority	= PRIORITY,
	}, {
		.hook		= hook_out4,
		.pf		= NFPROTO_IPV4,
		.hooknum	= NF_INET_LOCAL_OUT,
		.priority	= PRIORITY,
	}, {
		.hook		= hook_in6,
		.pf		= NFPROTO_IPV6,
		.hooknum	= NF_INET_PRE_ROUTING,
		.priority	= PRIORITY,
	}, {
		.hook		= hook_out6,
		.pf		= NFPROTO_IPV6,
		.hooknum	= NF_INET_LOCAL_OUT,
		.priority	= PRIORITY,
	},
};

/**
 * nat46_hooks_register() - begin to see packets
 * @nn: the network namespace that has got its first pool
 *
 * Context: may sleep, nn->lock held.
 * Return: 0 or -errno.
 */
int nat46_hooks_register(struct nat46_net *nn)
{
	unsigned int i;
	int err;

	if (nn->hooks)
		return 0;
	nn->hooks = kmemdup(hooks, sizeof(hooks), GFP_KERNEL);
	if (!nn->hooks)
		return -ENOMEM;
	for (i = 0; i < ARRAY_SIZE(hooks); i++)
		nn->hooks[i].priv = nn;
	err = nf_register_net_hooks(nn->net, nn->hooks, ARRAY_SIZE(hooks));
	if (err) {
		kfree(nn->hooks);
		nn->hooks = NULL;
	}
	return err;
}

/**
 * nat46_hooks_unregister() - see no packets any more
 * @nn: the network namespace that has lost its last pool, or goes away
 *
 * A packet may still be in a hook until a grace period has passed.
 *
 * Context: may sleep, nn->lock held.
 */
void nat46_hooks_unregister(struct nat46_net *nn)
{
	if (!nn->hooks)
		return;
	nf_unregister_net_hooks(nn->net, nn->hooks, ARRAY_SIZE(hooks));
	kfree(nn->hooks);
	nn->hooks = NULL;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * hook.c: where packets come in, and which of them are ours. All others leave
 * untouched. translate.c has the rest of the way.
 *
 * Forwarded clients are met before conntrack, which then spends nothing on them,
 * or by a setting behind it. The node's own packets are always met behind it: so
 * that a firewall which accepts what is established accepts their answers.
 */
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/netfilter_bridge.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netfilter_ipv6.h>
#include <net/addrconf.h>
#include <net/ip.h>
#include <net/ipv6.h>

#include "compat.h"
#include "nf_nat46.h"
#include "rule.h"

/* Between raw (-300) and conntrack (-200); and behind NAT of destinations. */
#define EARLY	(-250)
#define LATE	(NF_IP_PRI_NAT_DST + 1)

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

/*
 * Is it this node that a packet was sent to, to be routed or received? What it
 * sends to itself a VRF marks as looped back.
 */
static bool for_this_node(const struct sk_buff *skb, const struct nf_hook_state *state)
{
	return (likely(skb->pkt_type == PACKET_HOST) || skb->pkt_type == PACKET_LOOPBACK) &&
	       !bridged_past(skb, state);
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

/* The session of a packet from the IPv4 side, not parsed yet, if it has one. */
static const struct nat46_session *known4(struct nat46_pkt *p)
{
	return nat46_parse4(p) ? NULL : nat46_session_find4(p, &p->t4);
}

/*
 * A flow begins where the setting says, and goes on where it has begun: did this
 * packet's begin in this hook?
 */
static bool begun_here(struct nat46_pkt *p)
{
	const struct nat46_session *s = known4(p);

	return s && s->late == p->late;
}

/*
 * Will translation leave that packet to others? Then it has to stay as it is; if
 * it goes to nobody, so must one that would be refused.
 */
static bool left_alone(struct nat46_pkt *p)
{
	const struct nat46_session *s = known4(p);

	if (s)
		return s->late && !p->late && !p->local;
	return p->conf->params.unmapped == NAT46_UNMAPPED_PASS &&
	       !nat46_map_find(p->conf, ip_hdr(p->skb)->daddr);
}

static unsigned int from_ipv4(struct nat46_pkt *p);

/* What UFO's GSO packet falls into are fragments. */
static unsigned int segment4(struct nat46_pkt *p)
{
	return whole4(p) ? from_ipv4(p) : NF_STOLEN;
}

/* A packet to a pool. */
static unsigned int from_ipv4(struct nat46_pkt *p)
{
	enum nat46_reason r;

	if (unlikely(must_segment(p->skb)))
		return left_alone(p) ? NF_ACCEPT : in_segments(p, segment4);

	r = nat46_translate46(p);
	if (likely(!r))
		return NF_STOLEN;
	if (r == NAT46_PASS)
		return NF_ACCEPT;
	if (p->conf->params.unmapped == NAT46_UNMAPPED_PASS && r != NAT46_DROP_DRAINING &&
	    (r == NAT46_DROP_UNMAPPED || left_alone(p)))
		return NF_ACCEPT;
	if (r == NAT46_DROP_UNMAPPED && nat46_miss(p)) {
		nat46_drop(p->nn, NAT46_DROP_UNMAPPED_ASKED);
		kfree_skb(p->skb);	/* a socket is told of no error either */
		return NF_STOLEN;
	}
	/* what may be cut, segment by segment */
	if (r == NAT46_DROP_TOO_BIG && !p->df && skb_is_gso(p->skb))
		return in_segments(p, segment4);
	nat46_drop(p->nn, r);
	nat46_tell_client(p, r);
	if (!p->local)
		return NF_DROP;
	return r == NAT46_DROP_TOO_BIG ? NF_DROP_ERR(-EMSGSIZE) : NF_DROP_ERR(-EHOSTUNREACH);
}

/*
 * Where rules of iptables have our target, or a mark is set, what one of the two
 * names is to be translated; with neither, all of it. By a setting, what conntrack
 * has our helper for.
 */
static __always_inline bool selected(const struct nat46_net *nn, const struct nat46_params *par,
				     const struct sk_buff *skb, bool late)
{
	if (nat46_named(skb))
		return true;
	if ((skb->mark ^ par->hook_mark) & par->hook_mask)
		return false;
	if (late && par->hook_late == NAT46_HOOK_LATE_HELPER)
		return nat46_helper_set(skb);
	return par->hook_mask || !nat46_by_rules(nn);
}

/*
 * An ICMP error of the kinds that are translated? One of this node's own stack,
 * about a reply that we had already translated, goes back whatever is set for
 * local packets; a client's, about a flow of ours, whatever rules say of ICMP.
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

/* Most packets are nobody's here, and it shows at once. */
static bool passes_by4(const struct nat46_conf *conf, const struct sk_buff *skb)
{
	const struct nat46_bounds *b = &conf->bounds;

	return ntohl(ip_hdr(skb)->daddr) - b->pool_lo > b->pool_span;
}

/*
 * What may be sent to a pool: by a client, or with @local by a socket of this
 * node. Not inline: those that pass by need no stack.
 */
static noinline unsigned int meet4(struct nat46_net *nn, struct sk_buff *skb,
				   const struct nf_hook_state *state,
				   const struct nat46_conf *conf, bool local, bool late)
{
	struct nat46_pkt p;

	/* between the bounds of one there is nothing else */
	if (conf->pools->n != 1 && !nat46_pool_find(conf, ip_hdr(skb)->daddr))
		return NF_ACCEPT;
	if (local ? !conf->params.local_out : !for_this_node(skb, state))
		return NF_ACCEPT;
	nat46_pkt_init(&p, skb, nn, conf);
	p.local = local;
	p.late = late;
	if (unlikely(!selected(nn, &conf->params, skb, late)) &&
	    !(about_a_reply(skb) && known4(&p)))
		return NF_ACCEPT;
	if (!whole4(&p))
		return NF_STOLEN;
	if (!local && unlikely(late == !conf->params.hook_late) && !begun_here(&p))
		return NF_ACCEPT;
	return from_ipv4(&p);
}

/* IPv4 PRE_ROUTING: what clients send. */
static unsigned int hook_in4(void *priv, struct sk_buff *skb,
			     const struct nf_hook_state *state)
{
	struct nat46_net *nn = priv;
	const struct nat46_conf *conf = rcu_dereference(nn->conf);

	if (!conf || passes_by4(conf, skb))
		return NF_ACCEPT;
	return meet4(nn, skb, state, conf, false, false);
}

/* The same behind conntrack: clients' packets by the setting, this node's always. */
static unsigned int hook_late4(void *priv, struct sk_buff *skb,
			       const struct nf_hook_state *state)
{
	const bool local = state->hook == NF_INET_LOCAL_OUT;
	struct nat46_net *nn = priv;
	const struct nat46_conf *conf = rcu_dereference(nn->conf);

	if (!conf || passes_by4(conf, skb))
		return NF_ACCEPT;
	/* by a VRF it comes by twice, the first time hidden from conntrack */
	if (local && netif_is_l3_master(state->out))
		return NF_ACCEPT;
	return meet4(nn, skb, state, conf, local, true);
}

static noinline unsigned int own_error4(struct nat46_net *nn, struct sk_buff *skb,
					const struct nat46_conf *conf)
{
	struct nat46_pkt p;

	if (!about_a_reply(skb) || !nat46_pool_find(conf, ip_hdr(skb)->daddr))
		return NF_ACCEPT;
	nat46_pkt_init(&p, skb, nn, conf);
	p.local = true;
	return from_ipv4(&p);
}

/* IPv4 LOCAL_OUT: this node's own errors. */
static unsigned int hook_out4(void *priv, struct sk_buff *skb,
			      const struct nf_hook_state *state)
{
	struct nat46_net *nn = priv;
	const struct nat46_conf *conf = rcu_dereference(nn->conf);

	if (!conf || passes_by4(conf, skb))
		return NF_ACCEPT;
	return own_error4(nn, skb, conf);
}

/*
 * Could sessions have that port, or that address? A protocol without ports goes
 * by addresses.
 */
static bool for_a_source(const struct nat46_pkt *p)
{
	const struct nat46_sources *src = p->conf->sources;
	const u16 port = ntohs(p->t6.sport);

	return (src->dev && port >= src->dev_lo && port <= src->dev_hi) ||
	       (src->n_ranges && nat46_source_holds(p->conf, &p->t6.saddr)) ||
	       (src->dev && !port && !nat46_has_ports(p->t6.proto));
}

/* As passes_by4(): parsing is spared. */
static bool passes_by6(const struct nat46_conf *conf, const struct sk_buff *skb)
{
	const struct nat46_bounds *b = &conf->bounds;
	const struct ipv6hdr *ip6h = ipv6_hdr(skb);
	const struct udphdr *l4 = (const struct udphdr *)(ip6h + 1);

	return (ip6h->nexthdr == IPPROTO_TCP || ip6h->nexthdr == IPPROTO_UDP) &&
	       skb_headlen(skb) >= sizeof(*ip6h) + sizeof(*l4) &&
	       (u16)(ntohs(l4->dest) - b->dev_lo) > b->dev_span &&
	       (ntohl(ip6h->daddr.s6_addr32[0]) - b->held_word > b->held_words ||
		nat46_upper_half(&ip6h->daddr) - b->held_lo > b->held_span);
}

/*
 * Could a packet be a session's, whatever its port? The host's addresses are those
 * of @dev's VRF, or of all that is in none.
 */
static bool to_a_source(const struct nat46_pkt *p, const struct net_device *dev)
{
	const struct in6_addr *daddr = &ipv6_hdr(p->skb)->daddr;

	return nat46_source_holds(p->conf, daddr) ||
	       (p->conf->sources->dev && !(ipv6_addr_type(daddr) & IPV6_ADDR_LINKLOCAL) &&
		ipv6_chk_addr(p->nn->net, daddr, dev, 0));
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
	    ipv6_chk_addr(p->nn->net, daddr, p->skb->dev, 0))
		return NF_ACCEPT;
	nat46_drop(p->nn, r);
	if (r == NAT46_DROP_ROUTING_HEADER)
		nat46_icmp6_error(p, ICMPV6_PARAMPROB, ICMPV6_HDR_FIELD, p->pointer);
	return NF_DROP;
}

/**
 * nat46_from_ipv6() - a packet that may be a session's, or an error about one
 * @p: the packet, not parsed yet
 *
 * Context: RCU, softirq or process (LOCAL_OUT).
 * Return: a verdict; NF_STOLEN: it was sent, or is kept until it is whole.
 */
unsigned int nat46_from_ipv6(struct nat46_pkt *p)
{
	struct nat46_session *s;
	enum nat46_reason r;
	int parsed;

	parsed = nat46_parse6(p);
	if (unlikely(parsed == NAT46_DROP_FRAGMENT) && to_a_source(p, p->skb->dev)) {
		/* their number would be gone where they are met again */
		if (p->conf->params.track6 && !p->late)
			return NF_ACCEPT;
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
	/* what conntrack knows of goes by it first; so does what is to begin */
	if (unlikely(s ? s->track6 : p->conf->params.track6) && !p->late && !p->hairpinned)
		return NF_ACCEPT;
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
		return in_segments(p, nat46_from_ipv6);

	r = nat46_translate64(p, s);
	if (likely(!r))
		return NF_STOLEN;
	nat46_drop(p->nn, r);
	return NF_DROP;
}

/* What may come from targets, and routers on the way to them. */
static noinline unsigned int meet6(struct nat46_net *nn, struct sk_buff *skb,
				   const struct nf_hook_state *state,
				   const struct nat46_conf *conf, bool late)
{
	struct nat46_pkt p;

	if (!conf->sources->n)
		return NF_ACCEPT;
	nat46_pkt_init(&p, skb, nn, conf);
	p.late = late;
	if (!late && skb->pkt_type == PACKET_MULTICAST)
		return nat46_neigh_in(&p);
	return for_this_node(skb, state) ? nat46_from_ipv6(&p) : NF_ACCEPT;
}

/* IPv6 PRE_ROUTING */
static unsigned int hook_in6(void *priv, struct sk_buff *skb,
			     const struct nf_hook_state *state)
{
	struct nat46_net *nn = priv;
	const struct nat46_conf *conf = rcu_dereference(nn->conf);

	if (!conf || passes_by6(conf, skb))
		return NF_ACCEPT;
	return meet6(nn, skb, state, conf, false);
}

/* The same behind conntrack: of what the one before it has left. */
static unsigned int hook_late6(void *priv, struct sk_buff *skb,
			       const struct nf_hook_state *state)
{
	struct nat46_net *nn = priv;
	const struct nat46_conf *conf = rcu_dereference(nn->conf);

	if (!conf || passes_by6(conf, skb))
		return NF_ACCEPT;
	return meet6(nn, skb, state, conf, true);
}

/*
 * IPv6 LOCAL_OUT: an ICMPv6 error of this node's own stack about a packet that
 * we had already translated (a reject rule, a dead neighbour, a small MTU). One
 * to an address that only sessions have would leave for wherever that is routed;
 * one to the host's would come back by the loopback device, if rules that drop
 * what conntrack knows nothing of let it.
 */
static noinline unsigned int own_error6(struct nat46_net *nn, struct sk_buff *skb,
					const struct net_device *out,
					const struct nat46_conf *conf)
{
	struct nat46_pkt p;

	nat46_pkt_init(&p, skb, nn, conf);
	p.late = true;		/* no other hook of ours will see it */
	if (!to_a_source(&p, out) || nat46_parse6(&p) != NAT46_OK || !p.icmp_error)
		return NF_ACCEPT;
	return nat46_from_ipv6(&p);
}

static unsigned int hook_out6(void *priv, struct sk_buff *skb,
			      const struct nf_hook_state *state)
{
	struct nat46_net *nn = priv;
	const struct nat46_conf *conf = rcu_dereference(nn->conf);

	if (!conf || ipv6_hdr(skb)->nexthdr != IPPROTO_ICMPV6)
		return NF_ACCEPT;
	return own_error6(nn, skb, state->out, conf);
}

/* Each network namespace has its own, with its state. */
static const struct nf_hook_ops hooks[] = {
	{
		.hook		= hook_in4,
		.pf		= NFPROTO_IPV4,
		.hooknum	= NF_INET_PRE_ROUTING,
		.priority	= EARLY,
	}, {
		.hook		= hook_out4,
		.pf		= NFPROTO_IPV4,
		.hooknum	= NF_INET_LOCAL_OUT,
		.priority	= EARLY,
	}, {
		.hook		= hook_in6,
		.pf		= NFPROTO_IPV6,
		.hooknum	= NF_INET_PRE_ROUTING,
		.priority	= EARLY,
	}, {
		.hook		= hook_out6,
		.pf		= NFPROTO_IPV6,
		.hooknum	= NF_INET_LOCAL_OUT,
		.priority	= EARLY,
	}, {
		.hook		= hook_late4,
		.pf		= NFPROTO_IPV4,
		.hooknum	= NF_INET_LOCAL_OUT,
		.priority	= LATE,
	},
};

/* Only where a setting asked for them: everybody's packets come by. */
static const struct nf_hook_ops late_hooks[] = {
	{
		.hook		= hook_late4,
		.pf		= NFPROTO_IPV4,
		.hooknum	= NF_INET_PRE_ROUTING,
		.priority	= LATE,
	}, {
		.hook		= hook_late6,
		.pf		= NFPROTO_IPV6,
		.hooknum	= NF_INET_PRE_ROUTING,
		.priority	= LATE,
	},
};

/* Whoever lists hooks may read them for a grace period after they are gone. */
struct nat46_hooks {
	struct rcu_head rcu;
	struct nf_hook_ops ops[];
};

static int enter(struct nat46_net *nn, const struct nf_hook_ops *ops, unsigned int n,
		 struct nat46_hooks **at)
{
	struct nat46_hooks *h;
	unsigned int i;
	int err;

	if (*at)
		return 0;
	h = kmalloc(struct_size(h, ops, n), GFP_KERNEL_ACCOUNT);
	if (!h)
		return -ENOMEM;
	memcpy(h->ops, ops, n * sizeof(*ops));
	for (i = 0; i < n; i++)
		h->ops[i].priv = nn;
	err = nf_register_net_hooks(nn->net, h->ops, n);
	if (err)
		kfree_rcu(h, rcu);
	else
		*at = h;
	return err;
}

static void leave(struct nat46_net *nn, unsigned int n, struct nat46_hooks **at)
{
	if (!*at)
		return;
	nf_unregister_net_hooks(nn->net, (*at)->ops, n);
	kfree_rcu(*at, rcu);
	*at = NULL;
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
	leave(nn, ARRAY_SIZE(late_hooks), &nn->late_hooks);
	leave(nn, ARRAY_SIZE(hooks), &nn->hooks);
	nat46_clash_leave(nn);
	nat46_room_return(nn);
}

/**
 * nat46_hooks_register() - begin to see packets
 * @nn: a network namespace that has a pool
 * @par: its settings: those that ask for hooks behind conntrack get them, and
 *       they stay as long as the others, for sessions that began there
 *
 * Context: may sleep, nn->lock held.
 * Return: 0 or -errno, all being as it was.
 */
int nat46_hooks_register(struct nat46_net *nn, const struct nat46_params *par)
{
	const bool first = !nn->hooks;
	int err;

	err = enter(nn, hooks, ARRAY_SIZE(hooks), &nn->hooks);
	if (err || (!par->hook_late && !par->track6))
		return err;
	err = enter(nn, late_hooks, ARRAY_SIZE(late_hooks), &nn->late_hooks);
	if (err && first)
		nat46_hooks_unregister(nn);
	return err;
}

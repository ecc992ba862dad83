// SPDX-License-Identifier: GPL-2.0
/*
 * segment.c: the TCP segments that are our own, both to a client: the answer
 * to a segment of no session, and the question whether a connection is there.
 */
#include <linux/netfilter_ipv4.h>
#include <linux/tcp.h>
#include <net/ip.h>
#include <net/l3mdev.h>
#include <net/route.h>
#include <net/tcp.h>

#include "nf_nat46.h"

/* A second, in a network namespace: as many as icmp_msgs_per_sec allows. */
#define RESETS_MAX	1000

/* A segment without data, to the client of @t. */
static struct sk_buff *make(struct net *net, const struct nat46_tuple4 *t,
			    u32 seq, u32 ack, __be32 flags)
{
	struct tcphdr *th;
	struct iphdr *iph;
	struct sk_buff *skb;

	skb = alloc_skb(LL_MAX_HEADER + sizeof(*iph) + sizeof(*th), GFP_ATOMIC);
	if (!skb)
		return NULL;
	skb_reserve(skb, LL_MAX_HEADER);
	skb_reset_network_header(skb);
	iph = skb_put_zero(skb, sizeof(*iph));
	iph->version = 4;
	iph->ihl = sizeof(*iph) / 4;
	iph->tot_len = htons(sizeof(*iph) + sizeof(*th));
	iph->frag_off = htons(IP_DF);
	iph->ttl = READ_ONCE(net->ipv4.sysctl_ip_default_ttl);
	iph->protocol = IPPROTO_TCP;
	iph->saddr = t->daddr;
	iph->daddr = t->saddr;
	ip_send_check(iph);

	skb_set_transport_header(skb, sizeof(*iph));
	th = skb_put_zero(skb, sizeof(*th));
	th->source = t->dport;
	th->dest = t->sport;
	th->seq = htonl(seq);
	th->ack_seq = htonl(ack);
	tcp_flag_word(th) = flags;
	th->doff = sizeof(*th) / 4;
	th->check = tcp_v4_check(sizeof(*th), iph->saddr, iph->daddr,
				 csum_partial(th, sizeof(*th), 0));
	skb->protocol = htons(ETH_P_IP);
	return skb;
}

static bool may_reset(struct nat46_net *nn)
{
	const u32 now = nat46_now(), at = READ_ONCE(nn->resets_at);

	if (at != now && cmpxchg(&nn->resets_at, at, now) == at)
		atomic_set(&nn->resets, 0);
	return atomic_inc_return(&nn->resets) <= RESETS_MAX;
}

/*
 * The way to the sender of a packet that nobody has checked yet: only by the
 * device that it came from, where the setting says so.
 */
static struct rtable *way_back(const struct nat46_pkt *p)
{
	struct flowi4 fl4 = {
		.flowi4_oif = l3mdev_master_ifindex_by_index(p->nn->net, nat46_pkt_iif(p)),
		.flowi4_mark = p->skb->mark,
		.flowi4_proto = IPPROTO_TCP,
		.flowi4_flags = FLOWI_FLAG_ANYSRC,
		.flowi4_uid = sock_net_uid(p->nn->net, NULL),
		.daddr = p->t4.saddr,
		.saddr = p->t4.daddr,
	};
	struct rtable *rt = ip_route_output_key(p->nn->net, &fl4);

	if (IS_ERR(rt))
		return NULL;
	if (rt->rt_type == (p->local ? RTN_LOCAL : RTN_UNICAST) &&
	    (p->local || rt->dst.dev == p->skb->dev ||
	     p->conf->params.src_check != NAT46_SRC_CHECK_STRICT))
		return rt;
	ip_rt_put(rt);
	return NULL;
}

/**
 * nat46_tcp_reset() - answer a client's TCP segment of no session by an RST
 * @p: the packet, parsed, from the IPv4 side; it stays the caller's
 *
 * RFC 9293 section 3.10.7.1: with the number that the segment acknowledges, or
 * else acknowledging all of the segment. An RST and a segment with a wrong
 * checksum get no answer.
 *
 * Context: RCU.
 */
void nat46_tcp_reset(struct nat46_pkt *p)
{
	const struct tcphdr *th = (const struct tcphdr *)(p->skb->data + p->l4);
	struct nat46_pkt q = { .nn = p->nn, .conf = p->conf };
	struct rtable *rt;

	if (th->rst || !may_reset(p->nn) ||
	    nf_ip_checksum(p->skb, NF_INET_PRE_ROUTING, p->l4, IPPROTO_TCP))
		return;
	rt = way_back(p);
	if (!rt)
		return;
	if (th->ack)
		q.skb = make(p->nn->net, &p->t4, ntohl(th->ack_seq), 0, TCP_FLAG_RST);
	else
		q.skb = make(p->nn->net, &p->t4, 0,
			     ntohl(th->seq) + p->skb->len - p->l4 - th->doff * 4 +
			     th->syn + th->fin,
			     TCP_FLAG_RST | TCP_FLAG_ACK);
	if (q.skb)
		nat46_send4(&q, &rt->dst);
	ip_rt_put(rt);
}

/**
 * nat46_tcp_probe() - ask a client whether its connection is still there
 * @s: the session, which has the transitory time left
 * @conf: the configuration
 *
 * Sent behind a target's RST, and when the time of an idle session is over. A
 * client whose connection is there answers by an ACK, which returns the session
 * to its full time: one that has not believed the RST, because a stranger had
 * to guess its sequence number. Another one answers by an RST. The segment is
 * that of RFC 6146 section 3.5.2.2: no data, ACK alone, both numbers zero.
 *
 * Context: RCU, bottom halves off.
 */
void nat46_tcp_probe(struct nat46_session *s, const struct nat46_conf *conf)
{
	struct nat46_pkt q = {
		.nn = nat46_pernet(s->net),
		.conf = conf,
		.tracked = s->late,
		.skb = make(s->net, &s->t4, 0, 0, TCP_FLAG_ACK),
	};
	struct dst_entry *dst;

	if (!q.skb)
		return;
	if (!s->local) {
		dst = nat46_route4(s, q.skb);
		if (!IS_ERR(dst))
			return nat46_send4(&q, dst);
	} else if (nat46_send4_local(&q, s)) {
		return;
	}
	kfree_skb(q.skb);
}

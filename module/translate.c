// SPDX-License-Identifier: GPL-2.0
/*
 * translate.c: one packet of ours: every refusal first; then it is written, and
 * sent.
 */
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netfilter_ipv6.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/netfilter/nf_conntrack_core.h>

#include "compat.h"
#include "ipsec.h"
#include "nf_nat46.h"

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
	if ((nat46_from_ipv6(&back) & NF_VERDICT_MASK) != NF_STOLEN)
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
	if (s->late && !p->late && !p->local)
		return NAT46_PASS;
	p->tracked = s->track6;
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

/**
 * nat46_translate46() - an IPv4 packet to a pool becomes IPv6
 * @p: the packet, whole, not parsed yet
 *
 * Context: RCU, softirq or process (LOCAL_OUT).
 * Return: NAT46_OK: it was sent; NAT46_PASS: its session is served by the hook
 * behind conntrack; or why it is refused. But for NAT46_OK the skb is untouched.
 */
enum nat46_reason nat46_translate46(struct nat46_pkt *p)
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
	if (unlikely(nat46_ipsec_refuses(p, AF_INET)))
		return NAT46_DROP_IPSEC;
	if (unlikely(p->icmp_error))
		return translate_error46(p);

	if (p->udp_zero && p->conf->params.udp_zero_csum == NAT46_UDP_ZERO_CSUM_DROP)
		return NAT46_DROP_UDP_ZERO_CSUM;

	s = nat46_session_find4(p, &p->t4);
	if (s && unlikely(s->iif != nat46_pkt_iif(p) || s->local != p->local))
		r = nat46_session_moved(p, s);
	if (!r && (!s || unlikely(p->tcp_flags & NAT46_TCP_SYN)))
		r = session_for(p, &s);
	if (r)
		return r;
	if (unlikely(s->late) && !p->late)
		return NAT46_PASS;
	p->tracked = s->track6;

	dst = nat46_route6(s, p->skb);
	if (IS_ERR(dst))
		return NAT46_DROP_NO_ROUTE6;
	p->mtu = dst_mtu(dst);
	grow = (int)sizeof(struct ipv6hdr) - p->l4;
	if (unlikely(!fits46(p, grow, p->mtu)))
		return NAT46_DROP_TOO_BIG;
	if (unlikely(nat46_odd_sum(p)) && nat46_sum_now(p, p->skb->len + grow > p->mtu))
		return NAT46_DROP_NO_MEMORY;

	grown = nat46_headroom(p->skb, p->l4 + p->l4_hlen, max(grow, 0), dst->dev);
	if (grown < 0)
		return NAT46_DROP_NO_MEMORY;
	if (grown)
		nat46_count(p->nn, NAT46_CNT_REALLOC);
	if (unlikely(grown == 2) && !p->local)
		nat46_room_ask(p->nn, p->skb->dev, NAT46_GROWTH + LL_RESERVED_SPACE(dst->dev) -
			       HH_DATA_MOD);
	/* nobody behind us will: for conntrack it has arrived */
	if (unlikely(s->late) && nf_conntrack_confirm(p->skb) != NF_ACCEPT)
		return NAT46_DROP_CONNTRACK;

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
	} else if (!s->iif && !rcu_access_pointer(p->nn->dev)) {
		return NAT46_DROP_NO_LOCAL_DEV;
	}
	dst6 = nat46_route6(s, NULL);
	if (IS_ERR(dst6))
		return NAT46_DROP_NO_ROUTE6;
	r = nat46_icmp64(p, s, dst, dst6);
	if (r)
		return r;
	if (dst)
		nat46_send4(p, dst);
	else if (!nat46_send4_local(p, s))
		return NAT46_DROP_NO_LOCAL_DEV;
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

/**
 * nat46_translate64() - a session's IPv6 packet becomes IPv4
 * @p: the packet, parsed
 * @s: its session
 *
 * Context: RCU, softirq or process (LOCAL_OUT).
 * Return: NAT46_OK: it was sent; or why it is refused, the skb being untouched,
 * but where a socket's device has just gone.
 */
enum nat46_reason nat46_translate64(struct nat46_pkt *p, struct nat46_session *s)
{
	struct dst_entry *dst = NULL;
	unsigned int mtu = U16_MAX;
	bool probe;
	int grown;

	p->tracked = s->late;
	if (unlikely(nat46_ipsec_refuses(p, AF_INET6)))
		return NAT46_DROP_IPSEC;
	if (!s->local && p->hop <= 1) {
		nat46_icmp6_error(p, ICMPV6_TIME_EXCEED, ICMPV6_EXC_HOPLIMIT, 0);
		return NAT46_DROP_HOP_LIMIT;
	}
	if (unlikely(p->icmp_error))
		return translate_error64(p, s);
	if (p->udp_zero && p->conf->params.udp_zero_csum != NAT46_UDP_ZERO_CSUM_KEEP)
		return NAT46_DROP_UDP_ZERO_CSUM;
	/* fragments can carry more than IPv4 has a length for */
	if (unlikely(p->skb->len - p->l4 > U16_MAX - sizeof(struct iphdr)))
		return NAT46_DROP_TOO_BIG;

	/* of a GSO packet's segments it says where L4 begins */
	skb_set_transport_header(p->skb, p->l4);
	if (!s->local) {
		dst = nat46_route4(s, p->skb);
		if (IS_ERR(dst))
			return NAT46_DROP_NO_ROUTE4;
		mtu = dst_mtu(dst);
		if (too_big64(p, mtu)) {
			nat46_icmp6_error(p, ICMPV6_PKT_TOOBIG, 0, mtu + NAT46_GROWTH);
			return NAT46_DROP_TOO_BIG;
		}
	} else if (!s->iif && !rcu_access_pointer(p->nn->dev)) {
		return NAT46_DROP_NO_LOCAL_DEV;
	}
	if (unlikely(nat46_odd_sum(p)) && nat46_sum_now(p, p->skb->len > mtu))
		return NAT46_DROP_NO_MEMORY;

	/* the header shrinks: there is room for it and a link header */
	grown = nat46_headroom(p->skb, p->l4 + p->l4_hlen, 0, dst ? dst->dev : NULL);
	if (grown < 0)
		return NAT46_DROP_NO_MEMORY;
	if (grown)
		nat46_count(p->nn, NAT46_CNT_REALLOC);
	if (unlikely(s->track6) && nf_conntrack_confirm(p->skb) != NF_ACCEPT)
		return NAT46_DROP_CONNTRACK;

	probe = nat46_session_seen(p, s, NAT46_DIR_6);
	if (unlikely(p->tcp_flags & NAT46_TCP_SYN))
		nat46_mss_clamp(p, s);
	nat46_rewrite64(p, s);
	if (dst)
		nat46_send4(p, dst);
	else if (!nat46_send4_local(p, s))
		return NAT46_DROP_NO_LOCAL_DEV;
	if (unlikely(probe))
		nat46_tcp_probe(s, p->conf);
	return NAT46_OK;
}


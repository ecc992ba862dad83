// SPDX-License-Identifier: GPL-2.0
/*
 * packet.c: parses a packet into struct nat46_pkt. Every header, length and
 * quoted packet is checked here and nothing is written, so that what comes
 * after may trust the offsets.
 */
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/dsfield.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/tcp.h>

#include "nf_nat46.h"

/* What IPv4 and IPv6 headers leave for the L4 header. */
static u32 l4_len(const struct nat46_pkt *p)
{
	return p->skb->len - p->l4;
}

static const void *l4_header(const struct nat46_pkt *p)
{
	return p->skb->data + p->l4;
}

static enum nat46_reason parse_tcp(struct nat46_pkt *p, __be16 *sport,
				   __be16 *dport)
{
	const struct tcphdr *th;

	if (!pskb_may_pull(p->skb, p->l4 + sizeof(*th)))
		return NAT46_DROP_MALFORMED;
	th = l4_header(p);
	if (th->doff * 4 < sizeof(*th) || th->doff * 4 > l4_len(p))
		return NAT46_DROP_MALFORMED;

	p->l4_hlen = sizeof(*th);
	p->csum_at = offsetof(struct tcphdr, check);
	p->tcp_flags = tcp_flag_byte(th);
	*sport = th->source;
	*dport = th->dest;
	return NAT46_OK;
}

static enum nat46_reason parse_udp(struct nat46_pkt *p, __be16 *sport,
				   __be16 *dport)
{
	const struct udphdr *uh;
	u16 len;

	if (!pskb_may_pull(p->skb, p->l4 + sizeof(*uh)))
		return NAT46_DROP_MALFORMED;
	uh = l4_header(p);
	len = ntohs(uh->len);
	if (len < sizeof(*uh) || len > l4_len(p))
		return NAT46_DROP_MALFORMED;

	p->l4_hlen = sizeof(*uh);
	p->csum_at = offsetof(struct udphdr, check);
	p->udp_zero = !uh->check;
	*sport = uh->source;
	*dport = uh->dest;
	return NAT46_OK;
}

static enum nat46_reason parse_icmp4(struct nat46_pkt *p)
{
	const struct icmphdr *ih;

	if (!pskb_may_pull(p->skb, p->l4 + sizeof(*ih)))
		return NAT46_DROP_MALFORMED;
	ih = l4_header(p);
	if (ih->type != ICMP_ECHO || ih->code)
		return NAT46_DROP_ICMP_UNSUPPORTED;

	p->l4_hlen = sizeof(*ih);
	p->csum_at = offsetof(struct icmphdr, checksum);
	p->t4.sport = ih->un.echo.id;
	p->t4.dport = 0;
	return NAT46_OK;
}

/**
 * nat46_parse4() - parse an IPv4 packet that is addressed to a pool
 * @p: with skb set, its data at the IPv4 header, the header itself checked by
 *     the stack; everything that the IPv4 side needs is filled in
 *
 * Context: any; the skb is not shared.
 * Return: NAT46_OK, or why the packet can't be translated.
 */
enum nat46_reason nat46_parse4(struct nat46_pkt *p)
{
	const struct iphdr *iph = ip_hdr(p->skb);

	if (ip_is_fragment(iph))
		return NAT46_DROP_FRAGMENT;
	if (iph->ihl != sizeof(*iph) / 4)
		return NAT46_DROP_OPTIONS;
	/* ip_rcv trims to tot_len; only BIG TCP (0 there) stays different */
	if (ntohs(iph->tot_len) != p->skb->len)
		return NAT46_DROP_MALFORMED;

	p->hop = iph->ttl;
	p->tos = iph->tos;
	p->df = iph->frag_off & htons(IP_DF);
	p->l4 = sizeof(*iph);
	p->t4.saddr = iph->saddr;
	p->t4.daddr = iph->daddr;
	p->t4.proto = iph->protocol;

	switch (iph->protocol) {
	case IPPROTO_TCP:
		return parse_tcp(p, &p->t4.sport, &p->t4.dport);
	case IPPROTO_UDP:
		return parse_udp(p, &p->t4.sport, &p->t4.dport);
	case IPPROTO_ICMP:
		return parse_icmp4(p);
	default:
		return NAT46_DROP_PROTO;
	}
}

/*
 * An ICMPv6 error: the quoted packet is one that we sent, so its source is
 * ours and its tuple is the session's as it stands. Only as much is read as is
 * there: eight bytes of the quoted L4 header hold both ports.
 */
static int parse_quoted6(struct nat46_pkt *p)
{
	const unsigned int at = p->l4 + sizeof(struct icmp6hdr);
	const struct ipv6hdr *q;
	const __be16 *ports;
	u8 proto;

	if (!pskb_may_pull(p->skb, at + sizeof(*q) + 8))
		return NAT46_DROP_MALFORMED;
	q = (const struct ipv6hdr *)(p->skb->data + at);
	proto = q->nexthdr;
	if (q->version != 6)
		return NAT46_DROP_MALFORMED;
	if (proto != IPPROTO_TCP && proto != IPPROTO_UDP)
		return NAT46_DROP_ICMP_UNSUPPORTED;
	/* a packet that we sent has its whole L4 header and fits in IPv4 */
	if (ntohs(q->payload_len) < 8 ||
	    ntohs(q->payload_len) > 0xffff - sizeof(struct iphdr))
		return NAT46_DROP_MALFORMED;

	p->quoted = at + sizeof(*q);
	ports = (const __be16 *)(p->skb->data + p->quoted);
	p->t6.saddr = q->saddr;
	p->t6.daddr = q->daddr;
	p->t6.sport = ports[0];
	p->t6.dport = ports[1];
	p->t6.proto = proto;
	return NAT46_OK;
}

static int parse_icmp6(struct nat46_pkt *p)
{
	const struct icmp6hdr *ih;

	if (!pskb_may_pull(p->skb, p->l4 + sizeof(*ih)))
		return NAT46_DROP_MALFORMED;
	ih = l4_header(p);
	p->l4_hlen = sizeof(*ih);
	p->csum_at = offsetof(struct icmp6hdr, icmp6_cksum);

	switch (ih->icmp6_type) {
	case ICMPV6_ECHO_REPLY:
		if (ih->icmp6_code)
			return NAT46_DROP_ICMP_UNSUPPORTED;
		p->t6.proto = IPPROTO_ICMP;
		p->t6.sport = ih->icmp6_identifier;
		p->t6.dport = 0;
		return NAT46_OK;
	case ICMPV6_DEST_UNREACH:
	case ICMPV6_PKT_TOOBIG:
	case ICMPV6_TIME_EXCEED:
	case ICMPV6_PARAMPROB:
		p->icmp_error = true;
		p->too_big = ih->icmp6_type == ICMPV6_PKT_TOOBIG;
		p->mtu = ntohl(ih->icmp6_mtu);
		return parse_quoted6(p);
	default:	/* ND, MLD, a ping of this host: none of ours */
		return -1;
	}
}

/**
 * nat46_parse6() - parse an IPv6 packet that may belong to a session
 * @p: with skb set, its data at the IPv6 header, the header itself checked by
 *     the stack; everything that the IPv6 side needs is filled in
 *
 * Context: any; the skb is not shared.
 * Return: NAT46_OK; -1 where the packet can't belong to any session; else the
 * reason to drop it for, should it not be the host's own.
 */
int nat46_parse6(struct nat46_pkt *p)
{
	const struct ipv6hdr *ip6h = ipv6_hdr(p->skb);

	p->hop = ip6h->hop_limit;
	p->tos = ipv6_get_dsfield(ip6h);
	p->l4 = sizeof(*ip6h);
	p->t6.saddr = ip6h->daddr;
	p->t6.daddr = ip6h->saddr;
	p->t6.proto = ip6h->nexthdr;

	switch (ip6h->nexthdr) {
	case IPPROTO_TCP:
		return parse_tcp(p, &p->t6.dport, &p->t6.sport);
	case IPPROTO_UDP:
		return parse_udp(p, &p->t6.dport, &p->t6.sport);
	case IPPROTO_ICMPV6:
		return parse_icmp6(p);
	case NEXTHDR_FRAGMENT:
		return NAT46_DROP_FRAGMENT;
	case NEXTHDR_HOP:
	case NEXTHDR_DEST:
	case NEXTHDR_ROUTING:
		return NAT46_DROP_EXT_HEADER;
	default:
		return NAT46_DROP_PROTO;
	}
}

// SPDX-License-Identifier: GPL-2.0
/*
 * packet.c: parses a packet into struct nat46_pkt. Every header and length is
 * checked here (an error's quoted packet: quoted.c) and nothing is written, so
 * that what comes after may trust the offsets.
 */
#include <linux/dccp.h>
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/sctp.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/dsfield.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/tcp.h>

#include "nf_nat46.h"

/* Extension headers before the L4 header; nobody sends as many. */
#define EXT_MAX		8

/* What IPv4 and IPv6 headers leave for the L4 header. */
static u32 l4_len(const struct nat46_pkt *p)
{
	return p->skb->len - p->l4;
}

static const void *l4_header(const struct nat46_pkt *p)
{
	return p->skb->data + p->l4;
}

static enum nat46_reason parse_tcp(struct nat46_pkt *p)
{
	const struct tcphdr *th;

	if (!pskb_may_pull(p->skb, p->l4 + sizeof(*th)))
		return NAT46_DROP_MALFORMED;
	th = l4_header(p);
	if (th->doff * 4 < sizeof(*th) || th->doff * 4 > l4_len(p))
		return NAT46_DROP_MALFORMED;

	p->l4_hlen = sizeof(*th);
	if (th->syn) {			/* its MSS may be changed */
		p->l4_hlen = th->doff * 4;
		if (!pskb_may_pull(p->skb, p->l4 + p->l4_hlen))
			return NAT46_DROP_MALFORMED;
		th = l4_header(p);
	}
	p->csum_at = offsetof(struct tcphdr, check);
	p->csum = NAT46_CSUM_INET;
	p->tcp_flags = tcp_flag_byte(th);
	return NAT46_OK;
}

static enum nat46_reason parse_udp(struct nat46_pkt *p)
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
	p->csum = NAT46_CSUM_INET;
	p->udp_zero = !uh->check;
	return NAT46_OK;
}

/* RFC 3828: the length field is how much is summed, 0 for all of it. */
static enum nat46_reason parse_udplite(struct nat46_pkt *p)
{
	const struct udphdr *uh;
	u16 cover;

	if (!pskb_may_pull(p->skb, p->l4 + sizeof(*uh)))
		return NAT46_DROP_MALFORMED;
	uh = l4_header(p);
	cover = ntohs(uh->len);
	if (!uh->check || (cover && cover < sizeof(*uh)) || cover > l4_len(p))
		return NAT46_DROP_MALFORMED;

	p->l4_hlen = sizeof(*uh);
	p->csum_at = offsetof(struct udphdr, check);
	p->csum = NAT46_CSUM_INET;
	return NAT46_OK;
}

static enum nat46_reason parse_dccp(struct nat46_pkt *p)
{
	const struct dccp_hdr *dh;

	if (!pskb_may_pull(p->skb, p->l4 + sizeof(*dh)))
		return NAT46_DROP_MALFORMED;
	dh = l4_header(p);
	if (dh->dccph_doff * 4 < sizeof(*dh) || dh->dccph_doff * 4 > l4_len(p))
		return NAT46_DROP_MALFORMED;

	p->l4_hlen = sizeof(*dh);
	p->csum_at = offsetof(struct dccp_hdr, dccph_checksum);
	p->csum = NAT46_CSUM_INET;
	return NAT46_OK;
}

static enum nat46_reason parse_sctp(struct nat46_pkt *p)
{
	if (!pskb_may_pull(p->skb, p->l4 + sizeof(struct sctphdr)))
		return NAT46_DROP_MALFORMED;
	p->l4_hlen = sizeof(struct sctphdr);
	p->csum_at = offsetof(struct sctphdr, checksum);
	p->csum = NAT46_CSUM_CRC32C;
	return NAT46_OK;
}

/*
 * What goes by addresses alone. Numbers of the other family's own protocols
 * and of extension headers mean nothing, or harm, on the other side.
 */
static enum nat46_reason parse_other(u8 proto)
{
	switch (proto) {
	case IPPROTO_AH:
		return NAT46_DROP_AH;
	case IPPROTO_HOPOPTS:
	case IPPROTO_ICMP:
	case IPPROTO_IGMP:
	case IPPROTO_ROUTING:
	case IPPROTO_FRAGMENT:
	case IPPROTO_ICMPV6:
	case IPPROTO_NONE:
	case IPPROTO_DSTOPTS:
	case IPPROTO_MH:
	case 139:	/* HIP, RFC 7401 */
	case 140:	/* Shim6, RFC 5533 */
	case 253:	/* RFC 3692: extension headers, maybe */
	case 254:
	case IPPROTO_RAW:
		return NAT46_DROP_PROTO;
	default:
		return NAT46_OK;
	}
}

/**
 * nat46_has_ports() - does a protocol's header begin with two ports?
 * @proto: its number
 *
 * Context: any.
 * Return: whether it does.
 */
bool nat46_has_ports(u8 proto)
{
	return proto == IPPROTO_TCP || proto == IPPROTO_UDP || proto == IPPROTO_UDPLITE ||
	       proto == IPPROTO_DCCP || proto == IPPROTO_SCTP;
}

/* Any protocol but ICMP: its header, and the ports as they stand in it. */
static enum nat46_reason parse_l4(struct nat46_pkt *p, u8 proto, __be16 *first, __be16 *second)
{
	enum nat46_reason r;
	const __be16 *ports;

	switch (proto) {
	case IPPROTO_TCP:
		r = parse_tcp(p);
		break;
	case IPPROTO_UDP:
		r = parse_udp(p);
		break;
	case IPPROTO_UDPLITE:
		r = parse_udplite(p);
		break;
	case IPPROTO_DCCP:
		r = parse_dccp(p);
		break;
	case IPPROTO_SCTP:
		r = parse_sctp(p);
		break;
	default:
		*first = 0;
		*second = 0;
		return parse_other(proto);
	}
	if (r)
		return r;
	ports = l4_header(p);
	*first = ports[0];
	*second = ports[1];
	return NAT46_OK;
}

static enum nat46_reason parse_icmp4(struct nat46_pkt *p)
{
	const struct icmphdr *ih;

	if (!pskb_may_pull(p->skb, p->l4 + sizeof(*ih)))
		return NAT46_DROP_MALFORMED;
	ih = l4_header(p);
	p->l4_hlen = sizeof(*ih);
	p->csum_at = offsetof(struct icmphdr, checksum);
	p->csum = NAT46_CSUM_ICMP;

	switch (ih->type) {
	case ICMP_ECHO:
	case ICMP_ECHOREPLY:
		if (ih->code)
			return NAT46_DROP_ICMP_TYPE;
		p->t4.asked6 = ih->type == ICMP_ECHOREPLY;
		p->t4.sport = p->t4.asked6 ? 0 : ih->un.echo.id;
		p->t4.dport = p->t4.asked6 ? ih->un.echo.id : 0;
		return NAT46_OK;
	case ICMP_DEST_UNREACH:
	case ICMP_TIME_EXCEEDED:
	case ICMP_PARAMETERPROB:
		p->icmp_error = true;
		return nat46_parse_error4(p);
	default:
		return NAT46_DROP_ICMP_TYPE;
	}
}

/* Options are skipped (RFC 7915 section 4.1), but not a route still to go. */
static enum nat46_reason check_options(struct nat46_pkt *p)
{
	const u8 *opt = p->skb->data + sizeof(struct iphdr);
	const u8 *end = p->skb->data + p->l4;

	while (opt < end && *opt != IPOPT_END) {
		if (*opt == IPOPT_NOOP) {
			opt++;
			continue;
		}
		if (end - opt < 2 || opt[1] < 2 || opt[1] > end - opt)
			return NAT46_DROP_MALFORMED;
		if (*opt == IPOPT_LSRR || *opt == IPOPT_SSRR) {
			if (opt[1] < 3)
				return NAT46_DROP_MALFORMED;
			if (opt[2] <= opt[1])
				return NAT46_DROP_SOURCE_ROUTE;
		}
		opt += opt[1];
	}
	return NAT46_OK;
}

/**
 * nat46_parse4() - parse an IPv4 packet that is addressed to a pool
 * @p: with skb set, its data at the IPv4 header, the header itself checked by
 *     the stack, and no fragment; everything that the IPv4 side needs is
 *     filled in
 *
 * Context: any; the skb is not shared.
 * Return: NAT46_OK, or why the packet can't be translated.
 */
enum nat46_reason nat46_parse4(struct nat46_pkt *p)
{
	const struct iphdr *iph = ip_hdr(p->skb);
	const u8 proto = iph->protocol;
	enum nat46_reason r;

	/* ip_rcv trims to tot_len; only BIG TCP (0 there) stays different */
	if (ntohs(iph->tot_len) != p->skb->len)
		return NAT46_DROP_MALFORMED;

	p->hop = iph->ttl;
	p->tos = nat46_tos(p, iph->tos);
	p->df = iph->frag_off & htons(IP_DF);
	p->frag_max = IPCB(p->skb)->frag_max_size;
	p->id = ntohs(iph->id);
	p->l4 = iph->ihl * 4;
	p->t4.saddr = iph->saddr;
	p->t4.daddr = iph->daddr;
	p->t4.proto = proto;
	p->t4.asked6 = false;

	if (unlikely(p->l4 != sizeof(*iph))) {
		if (!pskb_may_pull(p->skb, p->l4))
			return NAT46_DROP_MALFORMED;
		r = check_options(p);
		if (r)
			return r;
	}
	if (proto == IPPROTO_ICMP)
		return parse_icmp4(p);
	return parse_l4(p, proto, &p->t4.sport, &p->t4.dport);
}

/* ICMPv6: -1 for what only ever concerns this host and its link. */
static int parse_icmp6(struct nat46_pkt *p)
{
	const struct icmp6hdr *ih;

	if (!pskb_may_pull(p->skb, p->l4 + sizeof(*ih)))
		return NAT46_DROP_MALFORMED;
	ih = l4_header(p);
	p->t6.proto = IPPROTO_ICMP;
	p->l4_hlen = sizeof(*ih);
	p->csum_at = offsetof(struct icmp6hdr, icmp6_cksum);
	p->csum = NAT46_CSUM_ICMP;

	switch (ih->icmp6_type) {
	case ICMPV6_ECHO_REPLY:
	case ICMPV6_ECHO_REQUEST:
		if (ih->icmp6_code)
			return NAT46_DROP_ICMP_TYPE;
		p->t6.asked6 = ih->icmp6_type == ICMPV6_ECHO_REQUEST;
		p->t6.sport = p->t6.asked6 ? 0 : ih->icmp6_identifier;
		p->t6.dport = p->t6.asked6 ? ih->icmp6_identifier : 0;
		return NAT46_OK;
	case ICMPV6_DEST_UNREACH:
	case ICMPV6_PKT_TOOBIG:
	case ICMPV6_TIME_EXCEED:
	case ICMPV6_PARAMPROB:
		p->icmp_error = true;
		return nat46_parse_error6(p);
	case ICMPV6_MGM_QUERY ... NDISC_REDIRECT:
	case ICMPV6_MLD2_REPORT:
		return -1;
	default:
		return NAT46_DROP_ICMP_TYPE;
	}
}

/**
 * nat46_skip_ext() - find the end of a packet's extension headers
 * @p: the packet; its pointer is set where a routing header is to blame
 * @at: offset of what follows the IPv6 header; of the L4 header afterwards
 * @nexthdr: the IPv6 header's
 *
 * RFC 7915 section 5.1: hop-by-hop and destination options are skipped, a
 * routing header as well, unless it has segments left.
 *
 * Context: any; the skb is not shared.
 * Return: the L4 protocol (or NEXTHDR_FRAGMENT), or -enum nat46_reason.
 */
int nat46_skip_ext(struct nat46_pkt *p, unsigned int *at, u8 nexthdr)
{
	const struct ipv6_rt_hdr *ext;	/* the others begin like it */
	unsigned int n;

	for (n = 0; n <= EXT_MAX; n++) {
		if (nexthdr != NEXTHDR_HOP && nexthdr != NEXTHDR_DEST &&
		    nexthdr != NEXTHDR_ROUTING)
			return nexthdr;
		if (!pskb_may_pull(p->skb, *at + sizeof(*ext)))
			return -NAT46_DROP_MALFORMED;
		ext = (const struct ipv6_rt_hdr *)(p->skb->data + *at);
		if (nexthdr == NEXTHDR_ROUTING && ext->segments_left) {
			p->pointer = *at + offsetof(struct ipv6_rt_hdr, segments_left);
			return -NAT46_DROP_ROUTING_HEADER;
		}
		nexthdr = ext->nexthdr;
		*at += ipv6_optlen(ext);
		if (*at > p->skb->len)
			return -NAT46_DROP_MALFORMED;
	}
	return -NAT46_DROP_MALFORMED;
}

/**
 * nat46_parse6() - parse an IPv6 packet that may belong to a session
 * @p: with skb set, its data at the IPv6 header, the header itself checked by
 *     the stack; everything that the IPv6 side needs is filled in
 *
 * Context: any; the skb is not shared.
 * Return: NAT46_OK; -1 where the packet can't belong to any session; else the
 * reason to drop it for, should it not be the host's own: NAT46_DROP_FRAGMENT
 * where it is one and has to be put together first.
 */
int nat46_parse6(struct nat46_pkt *p)
{
	const struct ipv6hdr *ip6h = ipv6_hdr(p->skb);
	unsigned int at = sizeof(*ip6h);
	int proto = ip6h->nexthdr;

	p->hop = ip6h->hop_limit;
	p->tos = nat46_tos(p, ipv6_get_dsfield(ip6h));
	p->frag_max = IP6CB(p->skb)->frag_max_size;
	p->t6.saddr = ip6h->daddr;
	p->t6.daddr = ip6h->saddr;
	p->t6.asked6 = false;
	/* ip6_rcv trims to it; only BIG TCP (0 there) stays different */
	if (ntohs(ip6h->payload_len) + sizeof(*ip6h) != p->skb->len && !skb_is_gso(p->skb))
		return NAT46_DROP_MALFORMED;

	if (unlikely(proto != IPPROTO_TCP && proto != IPPROTO_UDP))
		proto = nat46_skip_ext(p, &at, proto);
	if (proto < 0)
		return -proto;
	p->l4 = at;
	if (proto == IPPROTO_FRAGMENT)
		return NAT46_DROP_FRAGMENT;
	if (proto == IPPROTO_ICMPV6)
		return parse_icmp6(p);
	p->t6.proto = proto;
	return parse_l4(p, proto, &p->t6.dport, &p->t6.sport);
}

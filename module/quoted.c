// SPDX-License-Identifier: GPL-2.0
/*
 * quoted.c: parses the packet that an ICMP error quotes. It is one that we
 * sent, so its tuple, read backwards, is the session's as it stands; but
 * whoever sent the error wrote it, and may have cut it anywhere. No more is
 * asked for than every error has: eight bytes of the quoted L4 header.
 */
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <net/dsfield.h>
#include <net/ip.h>
#include <net/ipv6.h>

#include "nf_nat46.h"

#define QUOTED_L4	8u

/*
 * Where the quoted packet ends and extensions begin (RFC 4884): @words is the
 * message's length field, @unit its unit.
 */
static enum nat46_reason bound_quote(struct nat46_pkt *p, u32 words, u32 unit)
{
	const u32 room = p->skb->len - p->q.ip;
	u32 len = words * unit;

	/* a sender that knows nothing of extensions leaves zero there */
	if (!len)
		len = room;
	if (len > room)
		return NAT46_DROP_ICMP_QUOTED;
	p->q.end = p->q.ip + len;
	p->q.ext_at = p->q.end;
	p->q.ext = room - len;
	return NAT46_OK;
}

/* The quoted packet may be shorter than its field: padding isn't quoted. */
static void trim_quote(struct nat46_pkt *p)
{
	if (p->q.end > p->q.l4 + p->q.l4_len)
		p->q.end = p->q.l4 + p->q.l4_len;
}

/* The two ports, or the identifier, as they stand in the quoted packet. */
static enum nat46_reason quoted_ports(struct nat46_pkt *p, u8 proto, __be16 *src, __be16 *dst)
{
	const __be16 *l4;

	*src = 0;
	*dst = 0;
	if (!nat46_has_ports(proto))
		return NAT46_OK;
	if (p->q.l4 + QUOTED_L4 > p->q.end || !pskb_may_pull(p->skb, p->q.l4 + QUOTED_L4))
		return NAT46_DROP_ICMP_QUOTED;
	l4 = (const __be16 *)(p->skb->data + p->q.l4);
	*src = l4[0];
	*dst = l4[1];
	return NAT46_OK;
}

static bool is_error4(u8 type)
{
	switch (type) {
	case ICMP_DEST_UNREACH:
	case ICMP_SOURCE_QUENCH:
	case ICMP_REDIRECT:
	case ICMP_TIME_EXCEEDED:
	case ICMP_PARAMETERPROB:
		return true;
	default:
		return false;
	}
}

/*
 * Of ICMP only an echo of ours can be quoted, whose identifier is @from where
 * it @asks, else @to; errors about errors end here.
 */
static enum nat46_reason quoted_echo(struct nat46_pkt *p, bool v6, __be16 *from, __be16 *to,
				     bool *asks)
{
	const u8 request = v6 ? ICMPV6_ECHO_REQUEST : ICMP_ECHO;
	const u8 reply = v6 ? ICMPV6_ECHO_REPLY : ICMP_ECHOREPLY;
	const struct icmphdr *ih;	/* ICMPv6's echo looks the same */

	if (p->q.l4 + sizeof(*ih) > p->q.end || !pskb_may_pull(p->skb, p->q.l4 + sizeof(*ih)))
		return NAT46_DROP_ICMP_QUOTED;
	ih = (const struct icmphdr *)(p->skb->data + p->q.l4);
	*asks = ih->type == request;
	*from = *asks ? ih->un.echo.id : 0;
	*to = *asks ? 0 : ih->un.echo.id;
	if ((*asks || ih->type == reply) && !ih->code)
		return NAT46_OK;
	if (v6 ? !(ih->type & ICMPV6_INFOMSG_MASK) : is_error4(ih->type))
		return NAT46_DROP_ICMP_ABOUT_ICMP;
	return NAT46_DROP_ICMP_QUOTED;
}

/**
 * nat46_parse_error4() - parse an ICMPv4 error addressed to a pool
 * @p: parsed as far as the ICMP header, which is linear; the message, the
 *     quoted packet and the session's tuple are filled in
 *
 * The quoted packet came from the pool's address: its destination is the
 * client.
 *
 * Context: any; the skb is not shared.
 * Return: NAT46_OK, or why the message can't be translated.
 */
enum nat46_reason nat46_parse_error4(struct nat46_pkt *p)
{
	const struct icmphdr *ih = (const void *)(p->skb->data + p->l4);
	const __be32 to = p->t4.daddr;
	const struct iphdr *q;
	enum nat46_reason r;
	unsigned int hlen;

	p->icmp = (struct nat46_icmp_msg){};
	p->q = (struct nat46_quoted){};
	p->icmp.type = ih->type;
	p->icmp.code = ih->code;
	if (ih->type == ICMP_DEST_UNREACH && ih->code == ICMP_FRAG_NEEDED)
		p->icmp.info = ntohs(ih->un.frag.mtu);
	else if (ih->type == ICMP_PARAMETERPROB)
		p->icmp.info = ntohl(ih->un.gateway) >> 24;

	p->q.ip = p->l4 + sizeof(*ih);
	r = bound_quote(p, ntohl(ih->un.gateway) >> 16 & 0xff,
			nat46_icmp_quote_unit(false, ih->type));
	if (r)
		return r;
	if (!pskb_may_pull(p->skb, p->q.ip + sizeof(*q)))
		return NAT46_DROP_ICMP_QUOTED;
	q = (const struct iphdr *)(p->skb->data + p->q.ip);
	hlen = q->ihl * 4;
	if (q->version != 4 || hlen < sizeof(*q) || p->q.ip + hlen > p->q.end ||
	    ntohs(q->tot_len) < hlen || q->saddr != to || q->frag_off & htons(IP_OFFSET))
		return NAT46_DROP_ICMP_QUOTED;

	p->q.l4 = p->q.ip + hlen;
	p->q.l4_len = ntohs(q->tot_len) - hlen;
	p->q.hop = q->ttl;
	p->q.tos = q->tos;
	p->q.fragment = q->frag_off & htons(IP_MF);
	p->q.id = ntohs(q->id);
	trim_quote(p);

	p->t4.saddr = q->daddr;
	p->t4.proto = q->protocol;
	if (q->protocol == IPPROTO_ICMP)
		return quoted_echo(p, false, &p->t4.dport, &p->t4.sport, &p->t4.asked6);
	return quoted_ports(p, q->protocol, &p->t4.dport, &p->t4.sport);
}

/* The fragment header of a quoted packet; -reason, or the header behind it. */
static int quoted_fragment(struct nat46_pkt *p, unsigned int *at)
{
	const struct frag_hdr *fh;

	if (*at + sizeof(*fh) > p->q.end || !pskb_may_pull(p->skb, *at + sizeof(*fh)))
		return -NAT46_DROP_ICMP_QUOTED;
	fh = (const struct frag_hdr *)(p->skb->data + *at);
	if (fh->frag_off & htons(IP6_OFFSET))
		return -NAT46_DROP_ICMP_QUOTED;
	p->q.fragment = fh->frag_off & htons(IP6_MF);
	p->q.id = ntohl(fh->identification);
	*at += sizeof(*fh);
	return fh->nexthdr;
}

/**
 * nat46_parse_error6() - parse an ICMPv6 error about a packet that we may have sent
 * @p: parsed as far as the ICMPv6 header, which is linear; the message, the
 *     quoted packet and the session's tuple are filled in
 *
 * Context: any; the skb is not shared.
 * Return: NAT46_OK, or why the message can't be translated.
 */
enum nat46_reason nat46_parse_error6(struct nat46_pkt *p)
{
	const struct icmp6hdr *ih = (const void *)(p->skb->data + p->l4);
	const struct in6_addr to = ipv6_hdr(p->skb)->daddr;
	const struct ipv6hdr *q;
	enum nat46_reason r;
	bool asks = false;
	unsigned int at;
	u32 l4_len;
	int proto;

	p->icmp = (struct nat46_icmp_msg){};
	p->q = (struct nat46_quoted){};
	p->icmp.type = ih->icmp6_type;
	p->icmp.code = ih->icmp6_code;
	if (ih->icmp6_type == ICMPV6_PKT_TOOBIG || ih->icmp6_type == ICMPV6_PARAMPROB)
		p->icmp.info = ntohl(ih->icmp6_mtu);

	p->q.ip = p->l4 + sizeof(*ih);
	r = bound_quote(p, ntohl(ih->icmp6_mtu) >> 24,
			nat46_icmp_quote_unit(true, ih->icmp6_type));
	if (r)
		return r;
	at = p->q.ip + sizeof(*q);
	if (at > p->q.end || !pskb_may_pull(p->skb, at))
		return NAT46_DROP_ICMP_QUOTED;
	q = (const struct ipv6hdr *)(p->skb->data + p->q.ip);
	if (q->version != 6 || !ipv6_addr_equal(&q->saddr, &to))
		return NAT46_DROP_ICMP_QUOTED;
	p->q.hop = q->hop_limit;
	p->q.tos = ipv6_get_dsfield(q);
	p->t6.daddr = q->daddr;
	l4_len = ntohs(q->payload_len);

	proto = nat46_skip_ext(p, &at, q->nexthdr);
	if (proto == NEXTHDR_FRAGMENT)
		proto = quoted_fragment(p, &at);
	/* we send no more in one packet than IPv4 could carry, headers and all */
	if (proto < 0 || at > p->q.end || at - p->q.ip - sizeof(*q) > l4_len ||
	    l4_len > 0xffff - sizeof(struct iphdr))
		return NAT46_DROP_ICMP_QUOTED;
	p->q.l4 = at;
	p->q.l4_len = l4_len - (at - p->q.ip - sizeof(*q));
	trim_quote(p);

	p->t6.proto = proto;
	if (proto == IPPROTO_ICMPV6) {
		p->t6.proto = IPPROTO_ICMP;
		r = quoted_echo(p, true, &p->t6.sport, &p->t6.dport, &asks);
		p->t6.asked6 = !asks;
		return r;
	}
	if (proto == IPPROTO_ICMP)	/* of the wrong family */
		return NAT46_DROP_ICMP_QUOTED;
	return quoted_ports(p, proto, &p->t6.sport, &p->t6.dport);
}

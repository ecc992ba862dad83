// SPDX-License-Identifier: GPL-2.0
/*
 * icmp.c: ICMP errors that cross, with the packet that they quote (RFC 7915
 * sections 4.2, 4.3, 5.2, 5.3). They are few and short, and what they quote may
 * be shared with others: the translation is a packet of its own, made beside
 * the old one.
 */
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <net/checksum.h>
#include <net/dsfield.h>
#include <net/ip.h>
#include <net/ip6_checksum.h>
#include <net/ip6_route.h>
#include <net/ipv6.h>
#include <net/route.h>

#include "csum.h"
#include "nf_nat46.h"

#define ICMP_HLEN	8u
/* No error is longer: RFC 1812 section 4.3.2.3, RFC 4443 section 2.4 (c). */
#define ERROR_MAX4	576u
#define ERROR_MAX6	1280u

/* Both families' third word, which the message's type gives a meaning. */
static void put_info(struct icmphdr *ih, bool v6, const struct nat46_icmp_msg *m,
		     u8 units)
{
	u32 word = m->info;

	if (!v6 && m->type == ICMP_PARAMETERPROB)
		word <<= 24;
	if (units)
		word |= (u32)units << (v6 ? 24 : 16);
	ih->un.gateway = htonl(word);
}

/*
 * An empty packet with room for headers in front of @len bytes, that belongs
 * where @old does. It takes @old's place in *@p when it is done.
 */
static struct sk_buff *new_packet(const struct nat46_pkt *p, unsigned int len,
				  const struct dst_entry *dst)
{
	const unsigned int front = dst ? LL_RESERVED_SPACE(dst->dev) : LL_MAX_HEADER;
	const struct sk_buff *old = p->skb;
	struct sk_buff *skb = alloc_skb(front + len, GFP_ATOMIC);

	if (!skb)
		return NULL;
	skb_reserve(skb, front);
	skb_reset_network_header(skb);
	skb_reset_mac_header(skb);
	skb->dev = old->dev;
	skb->skb_iif = old->skb_iif;
	skb->mark = old->mark;
	skb->priority = old->priority;
	return skb;
}

static void take_place(struct nat46_pkt *p, struct sk_buff *skb)
{
	consume_skb(p->skb);
	p->skb = skb;
}

/* The quoted packet's L4 bytes, zeros behind them, and the extensions. */
static int copy_quote(const struct nat46_pkt *p, struct sk_buff *skb, unsigned int l4_bytes,
		      const struct nat46_quote_layout *lay)
{
	if (skb_copy_bits(p->skb, p->q.l4, skb_put(skb, l4_bytes), l4_bytes))
		return -EFAULT;
	skb_put_zero(skb, lay->pad);
	return lay->ext ? skb_copy_bits(p->skb, p->q.ext_at, skb_put(skb, lay->ext), lay->ext) : 0;
}

/* Offset of the Internet checksum in an L4 header; 0: it has none. */
static unsigned int check_at(u8 proto)
{
	switch (proto) {
	case IPPROTO_TCP:
		return 16;
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
	case IPPROTO_DCCP:
		return 6;
	default:
		return 0;
	}
}

/*
 * What the quoted L4 header was, or would be, on the other side: @at is the
 * port that the session changes, to @port; @diff is what the sum gains. Only
 * the @have bytes that were quoted can be put right.
 */
static void quoted_l4(u8 *l4, unsigned int have, const struct nat46_pkt *p, u8 proto,
		      unsigned int at, __be16 port, __wsum diff)
{
	const unsigned int sum_at = check_at(proto);
	__be16 *field = (__be16 *)(l4 + at);
	__le32 *crc = (__le32 *)(l4 + 8);

	if (!nat46_has_ports(proto))
		return;
	if (proto == IPPROTO_SCTP && have >= 12 && !p->q.fragment)
		*crc ^= cpu_to_le32(nat46_crc32c_change(ntohs(*field), ntohs(port),
							p->q.l4_len - at - 2));
	*field = port;
	if (sum_at && have >= sum_at + 2 && *(__sum16 *)(l4 + sum_at))
		nat46_csum_add((__sum16 *)(l4 + sum_at), diff);
}

/*
 * A quoted echo, from IPv4 to IPv6 or (@to4) back: the other family's type, and
 * a sum as that one has it. An error quotes the question where it goes to whoever
 * has asked.
 */
static void quoted_echo(u8 *l4, const struct nat46_pkt *p, const struct nat46_session *s, bool to4)
{
	const bool question = s->t4.asked6 != to4;
	const u8 type4 = question ? ICMP_ECHO : ICMP_ECHOREPLY;
	const u8 type6 = question ? ICMPV6_ECHO_REQUEST : ICMPV6_ECHO_REPLY;
	const __wsum diff = csum_add(s->diff, nat46_csum_echo(p->q.l4_len, type4, type6));
	struct icmphdr *ih = (struct icmphdr *)l4;

	nat46_csum_add(&ih->checksum, to4 ? ~diff : diff);
	ih->type = to4 ? type4 : type6;
	if (!s->t4.asked6)
		ih->un.echo.id = to4 ? s->t4.sport : s->t6.sport;
}

/* ---- IPv6 to IPv4 ---------------------------------------------------------- */

/*
 * Our next packets, and our own check before we send, go by the path MTU that the
 * kernel keeps with a route. It is told by the route itself, which marks, rules or
 * a hash of the ports may have chosen; a look-up as for the host's own packets would
 * ask whether a pool's address is one of ours.
 */
static void learn_mtu(struct nat46_pkt *p, struct dst_entry *dst, u32 mtu)
{
	struct sk_buff *skb = p->skb;
	const int at = skb_network_offset(skb);
	struct net_device *dev = skb->dev;

	/* IPv4 asks for the device as well; our own stack's errors have none yet */
	skb->dev = dst->dev;
	skb_set_network_header(skb, p->q.ip);
	dst->ops->update_pmtu(dst, NULL, skb, mtu, false);
	skb_set_network_header(skb, at);
	skb->dev = dev;
}

static void quoted_ip4(struct iphdr *iph, const struct nat46_pkt *p,
		       const struct nat46_session *s)
{
	*(__be16 *)iph = htons(0x4500 | p->q.tos);
	iph->tot_len = htons(p->q.l4_len + sizeof(*iph));
	iph->id = htons(p->q.id);
	iph->frag_off = p->q.fragment ? htons(IP_MF) : htons(IP_DF);
	iph->ttl = p->q.hop;
	iph->protocol = s->t4.proto;
	iph->saddr = s->t4.saddr;
	iph->daddr = s->t4.daddr;
	ip_send_check(iph);
}

/*
 * The target's own errors come from the address that stands for it. A router
 * on the way has none: it gets one that is set, or that address speaks for it
 * as well (RFC 6791 sections 3 and 4).
 */
static __be32 error_source4(const struct nat46_pkt *p, const struct nat46_session *s)
{
	const __be32 set = (__force __be32)p->conf->params.icmp_source;

	if (!set || ipv6_addr_equal(&ipv6_hdr(p->skb)->saddr, &s->t6.daddr))
		return s->t4.daddr;
	return set;
}

/**
 * nat46_icmp64() - turn an ICMPv6 error into ICMPv4
 * @p: parsed, its checksum right; p->skb is replaced
 * @s: the session of the packet that it quotes
 * @dst: the route to the client; NULL: a socket of this node
 * @dst6: the route to the target
 *
 * Of a Packet Too Big the route learns first.
 *
 * Context: RCU.
 * Return: NAT46_OK, or why it was not done, p->skb being as it was.
 */
enum nat46_reason nat46_icmp64(struct nat46_pkt *p, const struct nat46_session *s,
			       const struct dst_entry *dst, struct dst_entry *dst6)
{
	const unsigned int quoted_at = sizeof(struct iphdr) + ICMP_HLEN;
	struct nat46_icmp_msg m = p->icmp;
	struct nat46_quote_layout lay;
	unsigned int l4_bytes;
	struct sk_buff *skb;
	struct icmphdr *ih;
	struct iphdr *iph;
	u8 *l4;

	if (m.type == ICMPV6_PKT_TOOBIG)
		m.info = max(min(m.info, dst_mtu(dst6)), p->conf->params.mtu_min);
	if (!nat46_icmp_error64(&m, p->q.fragment ? NAT46_FRAG_GROWTH : NAT46_GROWTH))
		return NAT46_DROP_ICMP_TYPE;
	if (p->icmp.type == ICMPV6_PKT_TOOBIG && !s->hairpin)
		learn_mtu(p, dst6, max(p->icmp.info, p->conf->params.mtu_min));
	if (m.type == ICMP_DEST_UNREACH && m.code == ICMP_FRAG_NEEDED && dst)
		m.info = min_t(u32, m.info, dst_mtu(dst));

	lay = nat46_icmp_quote_layout(sizeof(*iph) + p->q.end - p->q.l4, p->q.ext,
				      ERROR_MAX4 - quoted_at,
				      nat46_icmp_quote_unit(false, m.type));
	l4_bytes = lay.orig - sizeof(*iph);

	skb = new_packet(p, quoted_at + lay.orig + lay.pad + lay.ext, dst);
	if (!skb)
		return NAT46_DROP_NO_MEMORY;
	iph = skb_put(skb, sizeof(*iph));
	skb_set_transport_header(skb, sizeof(*iph));
	ih = skb_put_zero(skb, ICMP_HLEN);
	quoted_ip4(skb_put(skb, sizeof(*iph)), p, s);
	l4 = skb_tail_pointer(skb);
	if (copy_quote(p, skb, l4_bytes, &lay)) {
		kfree_skb(skb);
		return NAT46_DROP_ICMP_QUOTED;
	}
	if (s->t4.proto == IPPROTO_ICMP)
		quoted_echo(l4, p, s, true);
	else
		quoted_l4(l4, l4_bytes, p, s->t4.proto, 0, s->t4.sport, ~s->diff);

	ih->type = m.type;
	ih->code = m.code;
	put_info(ih, false, &m, lay.units);
	ih->checksum = csum_fold(csum_partial(ih, skb->len - sizeof(*iph), 0));

	*(__be16 *)iph = htons(0x4500 | p->tos);
	iph->tot_len = htons(skb->len);
	iph->frag_off = 0;
	iph->ttl = p->hop - !s->local;
	iph->protocol = IPPROTO_ICMP;
	iph->saddr = error_source4(p, s);
	iph->daddr = s->t4.saddr;
	__ip_select_ident(p->nn->net, iph, 1);
	ip_send_check(iph);
	skb->protocol = htons(ETH_P_IP);
	take_place(p, skb);
	return NAT46_OK;
}

/* ---- IPv4 to IPv6 ---------------------------------------------------------- */

static void quoted_ip6(struct sk_buff *skb, const struct nat46_pkt *p,
		       const struct nat46_session *s)
{
	const u8 proto = s->t4.proto == IPPROTO_ICMP ? IPPROTO_ICMPV6 : s->t4.proto;
	struct ipv6hdr *ip6h = skb_put(skb, sizeof(*ip6h));
	struct frag_hdr *fh;

	ip6_flow_hdr(ip6h, p->q.tos, 0);
	ip6h->payload_len = htons(p->q.l4_len);
	ip6h->nexthdr = proto;
	ip6h->hop_limit = p->q.hop;
	ip6h->saddr = s->t6.daddr;
	ip6h->daddr = s->t6.saddr;
	if (!p->q.fragment)
		return;
	ip6h->payload_len = htons(p->q.l4_len + sizeof(*fh));
	ip6h->nexthdr = NEXTHDR_FRAGMENT;
	fh = skb_put_zero(skb, sizeof(*fh));
	fh->nexthdr = proto;
	fh->frag_off = htons(IP6_MF);
	fh->identification = htonl(p->q.id);
}

/*
 * A router that a prefix source serves has an address as its clients do;
 * elsewhere the session's own speaks for it.
 */
static struct in6_addr error_source6(const struct nat46_pkt *p, const struct nat46_session *s)
{
	const __be32 from = ip_hdr(p->skb)->saddr;
	const struct nat46_source *src;
	struct in6_addr a;

	if (!s->stateless || from == s->t4.saddr)
		return s->t6.saddr;
	src = nat46_source_find(p->conf, from);
	if (!src || src->type != NAT46_SOURCE_PREFIX || !nat46_source_embed(src, from, &a))
		return s->t6.saddr;
	return a;
}

/**
 * nat46_icmp46() - turn an ICMPv4 error into ICMPv6
 * @p: parsed, its checksum right; p->skb is replaced
 * @s: the session of the packet that it quotes
 * @dst: the route to the target
 * @dst4: the route to the client; NULL: a socket of this node
 *
 * Of "fragmentation needed" the route to the client learns first.
 *
 * Context: RCU.
 * Return: NAT46_OK, or why it was not done, p->skb being as it was.
 */
enum nat46_reason nat46_icmp46(struct nat46_pkt *p, const struct nat46_session *s,
			       const struct dst_entry *dst, struct dst_entry *dst4)
{
	const unsigned int quoted_at = sizeof(struct ipv6hdr) + ICMP_HLEN;
	const unsigned int hlen = sizeof(struct ipv6hdr) +
				  (p->q.fragment ? sizeof(struct frag_hdr) : 0);
	struct nat46_icmp_msg m = p->icmp;
	struct nat46_quote_layout lay;
	struct ipv6hdr *ip6h;
	unsigned int l4_bytes;
	struct sk_buff *skb;
	struct icmphdr *ih;
	u8 *l4;

	if (!nat46_icmp_error46(&m, p->q.l4_len + p->q.l4 - p->q.ip))
		return NAT46_DROP_ICMP_TYPE;
	if (m.type == ICMPV6_PKT_TOOBIG) {
		if (dst4) {
			m.info = min(m.info, dst_mtu(dst4) + NAT46_GROWTH);
			learn_mtu(p, dst4, m.info - NAT46_GROWTH);
		}
		m.info = max_t(u32, min(m.info, dst_mtu(dst)), IPV6_MIN_MTU);
	}

	lay = nat46_icmp_quote_layout(hlen + p->q.end - p->q.l4, p->q.ext,
				      ERROR_MAX6 - quoted_at,
				      nat46_icmp_quote_unit(true, m.type));
	l4_bytes = lay.orig - hlen;

	skb = new_packet(p, quoted_at + lay.orig + lay.pad + lay.ext, dst);
	if (!skb)
		return NAT46_DROP_NO_MEMORY;
	ip6h = skb_put(skb, sizeof(*ip6h));
	skb_set_transport_header(skb, sizeof(*ip6h));
	ih = skb_put_zero(skb, ICMP_HLEN);
	quoted_ip6(skb, p, s);
	l4 = skb_tail_pointer(skb);
	if (copy_quote(p, skb, l4_bytes, &lay)) {
		kfree_skb(skb);
		return NAT46_DROP_ICMP_QUOTED;
	}
	if (s->t4.proto == IPPROTO_ICMP)
		quoted_echo(l4, p, s, false);
	else
		quoted_l4(l4, l4_bytes, p, s->t4.proto, 2, s->t6.sport, s->diff);

	ih->type = m.type;
	ih->code = m.code;
	put_info(ih, true, &m, lay.units);
	ip6_flow_hdr(ip6h, p->tos, 0);
	ip6h->payload_len = htons(skb->len - sizeof(*ip6h));
	ip6h->nexthdr = IPPROTO_ICMPV6;
	ip6h->hop_limit = p->hop - !p->local;
	ip6h->saddr = error_source6(p, s);
	ip6h->daddr = s->t6.daddr;
	ih->checksum = csum_ipv6_magic(&ip6h->saddr, &ip6h->daddr, skb->len - sizeof(*ip6h),
				       IPPROTO_ICMPV6,
				       csum_partial(ih, skb->len - sizeof(*ip6h), 0));
	skb->protocol = htons(ETH_P_IPV6);
	take_place(p, skb);
	return NAT46_OK;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * rewrite.c: turns a packet's headers in place. Everything was checked, the
 * headers are linear and writable, and there is headroom: nothing can fail.
 *
 * The L4 header does not move in memory, so checksum offsets and fragments
 * stay valid, and a GSO packet stays one packet. Checksums are carried by
 * difference: a packet that came in wrong leaves as wrong (RFC 7915 section
 * 4.5); of CHECKSUM_PARTIAL there is only a seed, which is made anew.
 */
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/checksum.h>
#include <net/dsfield.h>
#include <net/ip.h>
#include <net/ip6_checksum.h>
#include <net/ipv6.h>

#include "compat.h"
#include "csum.h"
#include "nf_nat46.h"

/* Above this an IPv4 packet of ours may not be fragmented (RFC 7915 5.1). */
#define DF_ABOVE	1260

/*
 * A packet put together from fragments is cut again in their own buffers, which
 * a tap may share: those get heads of their own.
 */
static int own_heads(struct sk_buff *skb)
{
	struct sk_buff *part;

	skb_walk_frags(skb, part)
		if (skb_cloned(part) && pskb_expand_head(part, 0, 0, GFP_ATOMIC))
			return -ENOMEM;
	return 0;
}

/**
 * nat46_headroom() - make a packet's headers writable, with room in front
 * @skb: the packet, its data at the network header
 * @writable: bytes from there that will be written
 * @grow: bytes by which the headers will grow
 * @out: the device that it leaves by, NULL: none that needs a header
 *
 * One reallocation at most, none where the sender left room (TCP always does)
 * and nobody else looks at the headers.
 *
 * Context: any.
 * Return: 0: nothing had to be done; 1: reallocated, for others look at the
 * headers; 2: there was too little room; or -ENOMEM.
 */
int nat46_headroom(struct sk_buff *skb, unsigned int writable,
		   unsigned int grow, const struct net_device *out)
{
	const unsigned int need = grow + (out ? LL_RESERVED_SPACE(out) : ETH_HLEN);
	unsigned int more = 0;

	if (unlikely(skb_has_frag_list(skb)) && own_heads(skb))
		return -ENOMEM;
	if (skb_headroom(skb) < need)
		more = need - skb_headroom(skb);
	if (!more && (!skb_cloned(skb) || skb_clone_writable(skb, writable)))
		return 0;
	if (pskb_expand_head(skb, SKB_DATA_ALIGN(more), 0, GFP_ATOMIC))
		return -ENOMEM;
	return more ? 2 : 1;
}

/**
 * nat46_sum_now() - make a checksum that was left to a device
 * @p: the packet, parsed; nat46_odd_sum() says that it may have to be
 * @cut: it is longer than its path's MTU
 *
 * Whoever is to make a sum finds it by skb->csum_start. He can't where we ask
 * for a datagram's own, which had none, and the one of what it carries is left;
 * nor can an echo's, for which no seed of a pseudo header is there. Those who cut
 * packets take a sum that SCTP has left for the Internet's.
 *
 * Context: any.
 * Return: 0, or -errno.
 */
int nat46_sum_now(struct nat46_pkt *p, bool cut)
{
	if (p->skb->ip_summed != CHECKSUM_PARTIAL || skb_is_gso(p->skb))
		return 0;
	if (p->udp_zero ? p->conf->params.udp_zero_csum == NAT46_UDP_ZERO_CSUM_KEEP :
			  p->csum == NAT46_CSUM_CRC32C && !cut)
		return 0;
	return skb_csum_hwoffload_help(p->skb, 0);
}

/*
 * CHECKSUM_COMPLETE covers headers that change. Forwarding would drop the sum
 * as well (skb_forward_csum), so it is not carried along.
 */
static void drop_complete(struct sk_buff *skb)
{
	if (skb->ip_summed == CHECKSUM_COMPLETE)
		skb->ip_summed = CHECKSUM_NONE;
}

/*
 * A UDP checksum of zero is legal in IPv4 only (RFC 7915 section 4.5): it is
 * computed, by whoever computes those that are partial.
 */
static void ask_for_csum(struct nat46_pkt *p)
{
	struct sk_buff *skb = p->skb;

	skb->ip_summed = CHECKSUM_PARTIAL;
	skb->csum_start = skb_headroom(skb) + p->l4;
	skb->csum_offset = offsetof(struct udphdr, check);
}

/* A port that SCTP's sum covers; what follows it is @behind bytes long. */
static void change_crc(struct nat46_pkt *p, u8 *l4, u32 behind, __be16 old, __be16 new)
{
	__le32 *crc = (__le32 *)(l4 + p->csum_at);

	if (!nat46_partial(p))
		*crc ^= cpu_to_le32(nat46_crc32c_change(ntohs(old), ntohs(new), behind));
}

/*
 * The same for a datagram that ends before its packet does: what is partial is
 * summed up to the packet's end.
 */
static __sum16 sum_udp(const struct nat46_pkt *p, const struct nat46_session *s, u32 len)
{
	return csum_ipv6_magic(&s->t6.saddr, &s->t6.daddr, len, IPPROTO_UDP,
			       skb_checksum(p->skb, p->l4, len, 0)) ?: CSUM_MANGLED_0;
}

/* Does a sum of zero say that there is none? (RFC 768; RFC 3828 section 3.1) */
static bool zero_is_none(u8 proto)
{
	return proto == IPPROTO_UDP || proto == IPPROTO_UDPLITE;
}

static void ports46(struct nat46_pkt *p, const struct nat46_session *s, u8 *l4)
{
	__sum16 *check = (__sum16 *)(l4 + p->csum_at);
	const u32 len = p->skb->len - p->l4;

	if (p->csum == NAT46_CSUM_CRC32C)
		change_crc(p, l4, len - 2, s->t4.sport, s->t6.sport);
	*(__be16 *)l4 = s->t6.sport;
	if (p->csum != NAT46_CSUM_INET)
		return;
	if (!*check && s->t6.proto == IPPROTO_UDP && !nat46_partial(p)) {
		if (p->conf->params.udp_zero_csum == NAT46_UDP_ZERO_CSUM_KEEP)
			return;
		if (ntohs(((struct udphdr *)l4)->len) != len) {
			*check = sum_udp(p, s, ntohs(((struct udphdr *)l4)->len));
			return;
		}
		ask_for_csum(p);
	}
	if (nat46_partial(p)) {
		*check = ~csum_ipv6_magic(&s->t6.saddr, &s->t6.daddr, len,
					  s->t6.proto, 0);
		return;
	}
	nat46_csum_add(check, s->diff);
	if (!*check && zero_is_none(s->t4.proto))
		*check = CSUM_MANGLED_0;
}

static void ports64(struct nat46_pkt *p, const struct nat46_session *s, u8 *l4)
{
	__sum16 *check = (__sum16 *)(l4 + p->csum_at);
	const u32 len = p->skb->len - p->l4;

	if (p->csum == NAT46_CSUM_CRC32C)
		change_crc(p, l4, len - 4, s->t6.sport, s->t4.sport);
	((__be16 *)l4)[1] = s->t4.sport;
	if (p->csum != NAT46_CSUM_INET)
		return;
	if (nat46_partial(p)) {
		*check = ~csum_tcpudp_magic(s->t4.daddr, s->t4.saddr, len,
					    s->t4.proto, 0);
		return;
	}
	if (p->udp_zero)	/* kept so, by the setting */
		return;
	nat46_csum_add(check, ~s->diff);
	if (!*check && zero_is_none(s->t4.proto))
		*check = CSUM_MANGLED_0;
}

static void echo46(struct nat46_pkt *p, const struct nat46_session *s, u8 *l4)
{
	const u8 type4 = s->t4.asked6 ? ICMP_ECHOREPLY : ICMP_ECHO;
	const u8 type6 = s->t4.asked6 ? ICMPV6_ECHO_REPLY : ICMPV6_ECHO_REQUEST;
	struct icmp6hdr *ih = (struct icmp6hdr *)l4;

	nat46_csum_add(&ih->icmp6_cksum,
		       csum_add(s->diff, nat46_csum_echo(p->skb->len - p->l4, type4, type6)));
	ih->icmp6_type = type6;
	if (!s->t4.asked6)
		ih->icmp6_identifier = s->t6.sport;
}

static void echo64(struct nat46_pkt *p, const struct nat46_session *s, u8 *l4)
{
	const u8 type4 = s->t4.asked6 ? ICMP_ECHO : ICMP_ECHOREPLY;
	const u8 type6 = s->t4.asked6 ? ICMPV6_ECHO_REQUEST : ICMPV6_ECHO_REPLY;
	struct icmphdr *ih = (struct icmphdr *)l4;

	nat46_csum_add(&ih->checksum,
		       ~csum_add(s->diff, nat46_csum_echo(p->skb->len - p->l4, type4, type6)));
	ih->type = type4;
	if (!s->t4.asked6)
		ih->un.echo.id = s->t4.sport;
}

/* The bits that say "TCP over IPv4, with a fixed Identification". */
static void gso46(struct skb_shared_info *sh)
{
	if (!(sh->gso_type & SKB_GSO_TCPV4))
		return;
	sh->gso_type &= ~(SKB_GSO_TCPV4 | SKB_GSO_TCP_FIXEDID);
	sh->gso_type |= SKB_GSO_TCPV6;
}

static void gso64(struct skb_shared_info *sh)
{
	if (!(sh->gso_type & SKB_GSO_TCPV6))
		return;
	sh->gso_type &= ~SKB_GSO_TCPV6;
	sh->gso_type |= SKB_GSO_TCPV4;
}

/* @hlen bytes for the new network header right before the L4 header. */
static void *swap_header(struct nat46_pkt *p, unsigned int hlen, __be16 proto)
{
	struct sk_buff *skb = p->skb;

	/* options and extension headers are left behind */
	__skb_pull(skb, p->l4);
	__skb_push(skb, hlen);
	skb_reset_network_header(skb);
	skb_set_transport_header(skb, hlen);
	skb_reset_mac_header(skb);
	skb_reset_mac_len(skb);
	skb->protocol = proto;
	return skb->data;
}

/**
 * nat46_rewrite46() - turn an IPv4 packet into IPv6
 * @p: parsed; its headers writable, with headroom for the longer one
 * @s: its session
 *
 * RFC 7915 section 4.1: traffic class copied, flow label 0 or the session's, hop limit
 * decremented where the packet is forwarded.
 *
 * Context: any.
 */
void nat46_rewrite46(struct nat46_pkt *p, const struct nat46_session *s)
{
	struct sk_buff *skb = p->skb;
	u8 *l4 = skb->data + p->l4;
	struct ipv6hdr *ip6h;

	drop_complete(skb);
	if (s->t4.proto == IPPROTO_ICMP)
		echo46(p, s, l4);
	else if (p->csum)
		ports46(p, s, l4);
	if (skb_is_gso(skb))
		gso46(skb_shinfo(skb));

	ip6h = swap_header(p, sizeof(*ip6h), htons(ETH_P_IPV6));
	ip6_flow_hdr(ip6h, p->tos, p->conf->params.flow_label ? s->label : 0);
	ip6h->payload_len = htons(skb->len - sizeof(*ip6h));
	ip6h->nexthdr = s->t4.proto == IPPROTO_ICMP ? IPPROTO_ICMPV6 : s->t4.proto;
	ip6h->hop_limit = p->hop - !p->local;
	ip6h->saddr = s->t6.saddr;
	ip6h->daddr = s->t6.daddr;
}

/* How many packets will it be? A guest's driver leaves gso_segs to others. */
static u16 packets_in(const struct nat46_pkt *p)
{
	const struct skb_shared_info *sh = skb_shinfo(p->skb);

	if (!sh->gso_size)
		return 1;
	return sh->gso_segs ?: DIV_ROUND_UP(p->skb->len - sizeof(struct iphdr) - p->l4_hlen,
					    sh->gso_size);
}

/* A number for each of them, as of a connected socket's. */
static u16 next_ident(struct nat46_session *s, const struct nat46_pkt *p)
{
	const u16 id = READ_ONCE(s->ident);

	WRITE_ONCE(s->ident, id + packets_in(p));
	return id;
}

/*
 * DF as RFC 7915 section 5.1 says: never where the packet came in fragments.
 * The Identification of what will be cut is the kernel's own (RFC 6864), but for
 * fragments of a stateless flow (section 5.1.1); of what hardly will be, the
 * session's, which costs a tenth. Beside DF it means nothing.
 */
static void ipv4_header(struct nat46_pkt *p, struct nat46_session *s)
{
	struct sk_buff *skb = p->skb;
	struct iphdr *iph = ip_hdr(skb);
	/* of a GSO packet, each segment counts; TCP options hardly matter */
	const unsigned int size = skb_is_gso(skb) ?
		sizeof(*iph) + p->l4_hlen + skb_shinfo(skb)->gso_size : skb->len;

	*(__be16 *)iph = htons(0x4500 | p->tos);
	iph->tot_len = htons(skb->len);
	iph->frag_off = size > DF_ABOVE && !p->frag_max ? htons(IP_DF) : 0;
	iph->id = 0;
	iph->ttl = p->hop - !s->local;
	iph->protocol = s->t4.proto;
	iph->saddr = s->t4.daddr;
	iph->daddr = s->t4.saddr;
	if (p->id && s->stateless)
		iph->id = htons(p->id);
	else if (p->frag_max)
		__ip_select_ident(p->nn->net, iph, 1);
	else if (!iph->frag_off)
		iph->id = htons(next_ident(s, p));
	ip_send_check(iph);
}

/**
 * nat46_rewrite64() - turn an IPv6 packet into IPv4
 * @p: parsed; its headers writable
 * @s: its session
 *
 * Context: any.
 */
void nat46_rewrite64(struct nat46_pkt *p, struct nat46_session *s)
{
	struct sk_buff *skb = p->skb;
	u8 *l4 = skb->data + p->l4;

	drop_complete(skb);
	if (s->t4.proto == IPPROTO_ICMP)
		echo64(p, s, l4);
	else if (p->csum)
		ports64(p, s, l4);
	if (skb_is_gso(skb))
		gso64(skb_shinfo(skb));

	swap_header(p, sizeof(struct iphdr), htons(ETH_P_IP));
	ipv4_header(p, s);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * cut.c: cuts a translated packet into IPv6 fragments that carry the IPv4
 * packet's Identification, where the source is a stateless prefix (RFC 7915
 * section 4.1): the kernel's own fragmenter takes numbers of its own, which is
 * what NAPT sources want.
 */
#include <linux/ipv6.h>
#include <net/ip.h>
#include <net/ip6_route.h>
#include <net/ipv6.h>

#include "nf_nat46.h"

/* One fragment: @n bytes from @at on of what follows the IPv6 header. */
static struct sk_buff *piece(const struct sk_buff *skb, unsigned int at, unsigned int n,
			     bool last, u32 id, const struct dst_entry *dst)
{
	const unsigned int hlen = sizeof(struct ipv6hdr) + sizeof(struct frag_hdr);
	const unsigned int front = LL_RESERVED_SPACE(dst->dev);
	struct sk_buff *out = alloc_skb(front + hlen + n, GFP_ATOMIC);
	struct ipv6hdr *ip6h;
	struct frag_hdr *fh;

	if (!out)
		return NULL;
	skb_reserve(out, front);
	skb_reset_network_header(out);
	ip6h = skb_put_data(out, ipv6_hdr(skb), sizeof(*ip6h));
	skb_set_transport_header(out, sizeof(*ip6h));
	fh = skb_put(out, sizeof(*fh));
	fh->nexthdr = ip6h->nexthdr;
	fh->reserved = 0;
	fh->frag_off = htons(at | (last ? 0 : IP6_MF));
	fh->identification = htonl(id);
	ip6h->nexthdr = NEXTHDR_FRAGMENT;
	ip6h->payload_len = htons(sizeof(*fh) + n);
	if (skb_copy_bits(skb, sizeof(*ip6h) + at, skb_put(out, n), n)) {
		kfree_skb(out);
		return NULL;
	}
	out->dev = skb->dev;
	out->skb_iif = skb->skb_iif;
	out->mark = skb->mark;
	out->priority = skb->priority;
	out->protocol = skb->protocol;
	if (skb->sk)
		skb_set_owner_w(out, skb->sk);
	return out;
}

/**
 * nat46_cut6() - send a translated packet in fragments of its own number
 * @p: rewritten to IPv6, longer than @size; the skb is consumed where
 *     NAT46_OK is returned
 * @dst: the route, not referenced
 * @size: bytes of a fragment, headers and all; at least 1280
 *
 * Context: RCU.
 * Return: NAT46_OK; NAT46_DROP_NO_MEMORY where some of it was not sent.
 */
enum nat46_reason nat46_cut6(struct nat46_pkt *p, struct dst_entry *dst, unsigned int size)
{
	const unsigned int hlen = sizeof(struct ipv6hdr) + sizeof(struct frag_hdr);
	const unsigned int len = p->skb->len - sizeof(struct ipv6hdr);
	const unsigned int room = round_down(size - hlen, 8);
	struct sk_buff *skb = p->skb;
	unsigned int at, n;

	/* a sum that is still to be made covers all of the packet */
	if (skb->ip_summed == CHECKSUM_PARTIAL && skb_csum_hwoffload_help(skb, 0))
		return NAT46_DROP_NO_MEMORY;
	for (at = 0; at < len; at += n) {
		n = min(room, len - at);
		p->skb = piece(skb, at, n, at + n == len, p->id, dst);
		if (!p->skb) {
			p->skb = skb;
			return NAT46_DROP_NO_MEMORY;
		}
		nat46_send6(p, dst);
	}
	consume_skb(skb);
	return NAT46_OK;
}

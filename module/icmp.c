// SPDX-License-Identifier: GPL-2.0
/*
 * icmp.c: ICMP errors that cross, with the packet that they quote. Of those,
 * Packet Too Big is carried: without it no path MTU is ever learned.
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
#include <net/ip6_route.h>
#include <net/ipv6.h>

#include "nf_nat46.h"

/* RFC 1812 section 4.3.2.3: as much as fits without exceeding it. */
#define ERROR_MAX	576

/*
 * What the quoted L4 header had been before we translated it. Its checksum is
 * put right where it was quoted, for clients that look.
 */
static void restore_quoted_l4(struct sk_buff *skb, unsigned int at,
			      const struct nat46_session *s)
{
	const unsigned int check_at = s->t4.proto == IPPROTO_TCP ?
		offsetof(struct tcphdr, check) : offsetof(struct udphdr, check);
	u8 *l4 = skb->data + at;
	__sum16 *check = (__sum16 *)(l4 + check_at);

	*(__be16 *)l4 = s->t4.sport;
	if (skb_headlen(skb) >= at + check_at + sizeof(*check))
		*check = csum_fold(csum_add(~s->diff, ~csum_unfold(*check)));
}

static void restore_quoted_ip(struct iphdr *q, const struct ipv6hdr *q6,
			      const struct nat46_session *s)
{
	const u8 tos = ipv6_get_dsfield(q6), ttl = q6->hop_limit;
	const u16 len = ntohs(q6->payload_len) + sizeof(*q);

	*(__be16 *)q = htons(0x4500 | tos);
	q->tot_len = htons(len);
	q->id = 0;
	q->frag_off = htons(IP_DF);
	q->ttl = ttl;
	q->protocol = s->t4.proto;
	q->saddr = s->t4.saddr;
	q->daddr = s->t4.daddr;
	ip_send_check(q);
}

/*
 * The next packets of the session, and our own check before we send, go by
 * the path MTU that the kernel keeps with its route.
 */
static void learn_mtu(struct nat46_pkt *p, const struct nat46_session *s)
{
	const unsigned int quoted_ip = p->quoted - sizeof(struct ipv6hdr);
	struct sk_buff *skb = p->skb;

	__skb_pull(skb, quoted_ip);
	ip6_update_pmtu(skb, p->nn->net, htonl(p->mtu), s->oif, 0, sock_net_uid(p->nn->net, NULL));
	__skb_push(skb, quoted_ip);
}

/**
 * nat46_icmp64_too_big() - turn a Packet Too Big into ICMPv4
 * @p: parsed, with the session of the packet that it quotes
 * @s: that session
 *
 * The route learns the MTU, then the message is translated (RFC 7915 section
 * 5.2, quoted packet section 5.3). It comes from the pool's address, since a
 * router's IPv6 address has none in IPv4 (RFC 6791 section 3.1).
 *
 *	[IPv6 40][ICMPv6 8][IPv6 40][L4 ...]  becomes
 *	         [IPv4 20][ICMP 8][IPv4 20][L4 ...], L4 staying where it is.
 *
 * Context: RCU. The skb is still the caller's.
 * Return: NAT46_OK, or why it was not done; the packet is to be dropped then.
 */
enum nat46_reason nat46_icmp64_too_big(struct nat46_pkt *p,
				       const struct nat46_session *s)
{
	const unsigned int hlen4 = sizeof(struct iphdr);
	const u32 mtu = max_t(u32, p->mtu, IPV6_MIN_MTU) - 20;
	struct sk_buff *skb = p->skb;
	struct icmphdr *ih;
	struct ipv6hdr q6;
	unsigned int more;

	learn_mtu(p, s);

	/* the quoted checksum is put right where all of it is there */
	more = min_t(u32, skb->len, p->quoted + sizeof(struct tcphdr));
	if (skb_ensure_writable(skb, more) || !pskb_may_pull(skb, more))
		return NAT46_DROP_NO_MEMORY;

	memcpy(&q6, skb->data + p->quoted - sizeof(q6), sizeof(q6));
	__skb_pull(skb, p->quoted - hlen4 - sizeof(*ih) - hlen4);
	if (pskb_trim(skb, min_t(u32, skb->len, ERROR_MAX)))
		return NAT46_DROP_NO_MEMORY;

	skb_reset_network_header(skb);
	skb_set_transport_header(skb, hlen4);
	skb_reset_mac_header(skb);
	skb_reset_mac_len(skb);
	skb->protocol = htons(ETH_P_IP);
	skb->ip_summed = CHECKSUM_NONE;

	restore_quoted_ip((struct iphdr *)(skb->data + hlen4 + sizeof(*ih)), &q6, s);
	restore_quoted_l4(skb, 2 * hlen4 + sizeof(*ih), s);

	ih = icmp_hdr(skb);
	memset(ih, 0, sizeof(*ih));
	ih->type = ICMP_DEST_UNREACH;
	ih->code = ICMP_FRAG_NEEDED;
	ih->un.frag.mtu = htons(min_t(u32, mtu, 0xffff));
	ih->checksum = csum_fold(skb_checksum(skb, hlen4, skb->len - hlen4, 0));

	p->tos = 0;
	nat46_ipv4_header(p, s, IPPROTO_ICMP);
	return NAT46_OK;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Packets as network cards and drivers hand them on, which no virtual wire does:
 * in PRE_ROUTING, just before nf_nat46, each gets the shape that "make" names.
 * What comes out behind nf_nat46 is checked in the first hook that it meets:
 * "faults" counts what is wrong, "fault" names the last one.
 */
#include <linux/icmp.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/module.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netfilter_ipv6.h>
#include <linux/skbuff.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/dst.h>
#include <net/ip.h>
#include <net/ip6_checksum.h>
#include <net/net_namespace.h>

enum { COMPLETE, UNNECESSARY, CLONED, TIGHT, NONLINEAR };

static const char * const shapes[] = {
	"complete",		/* CHECKSUM_COMPLETE */
	"unnecessary",		/* CHECKSUM_UNNECESSARY, csum_start as an earlier user left it */
	"cloned",		/* somebody else keeps a copy that shares the data */
	"tight",		/* no headroom, no MAC header */
	"nonlinear",		/* all behind the IP header in pages */
};

static char *make = "complete";
module_param(make, charp, 0444);
MODULE_PARM_DESC(make, "complete, unnecessary, cloned, tight or nonlinear");

static unsigned int made;
module_param(made, uint, 0444);
MODULE_PARM_DESC(made, "packets that were changed");

static unsigned int faults;
module_param(faults, uint, 0444);
MODULE_PARM_DESC(faults, "packets that were wrong behind nf_nat46");

static char *fault = "none";
module_param(fault, charp, 0444);
MODULE_PARM_DESC(fault, "what was wrong with the last of them");

static int shape;

static void note(char *what)
{
	fault = what;
	faults++;
}

/* Clones, which must stay as they were: as many as one case sends. */
#define KEPT_MAX	16
static struct sk_buff_head kept;

struct kept_cb {
	u8 *was;
	unsigned int before, len;
};

#define KEPT_CB(skb) ((struct kept_cb *)(skb)->cb)

static void forget_kept(struct sk_buff *clone)
{
	kfree(KEPT_CB(clone)->was);
	kfree_skb(clone);
}

static void compare_kept(struct sk_buff *clone)
{
	const struct kept_cb *cb = KEPT_CB(clone);
	u8 *now = kmalloc(cb->len, GFP_ATOMIC);

	if (now && !skb_copy_bits(clone, -(int)cb->before, now, cb->len) &&
	    memcmp(now, cb->was, cb->len)) {
		note("a packet was written to that others share");
		memcpy(cb->was, now, cb->len);
	}
	kfree(now);
}

static bool keep_clone(struct sk_buff *skb)
{
	struct sk_buff *clone = skb_clone(skb, GFP_ATOMIC);
	struct kept_cb *cb;

	if (!clone)
		return false;
	/* it must not hold up the end of a netns */
	skb_dst_drop(clone);
	nf_reset_ct(clone);
	skb_ext_reset(clone);
	cb = KEPT_CB(clone);
	cb->before = skb_mac_header_was_set(skb) ? skb->data - skb_mac_header(skb) : 0;
	cb->len = cb->before + skb->len;
	cb->was = kmalloc(cb->len, GFP_ATOMIC);
	if (!cb->was || skb_copy_bits(skb, -(int)cb->before, cb->was, cb->len)) {
		forget_kept(clone);
		return false;
	}
	skb_queue_tail(&kept, clone);
	return true;
}

static void look_after_kept(void)
{
	struct sk_buff *clone;
	unsigned long flags;

	spin_lock_irqsave(&kept.lock, flags);
	skb_queue_walk(&kept, clone)
		compare_kept(clone);
	spin_unlock_irqrestore(&kept.lock, flags);
	while (skb_queue_len(&kept) >= KEPT_MAX)
		forget_kept(skb_dequeue(&kept));
}

/* A card knows TCP and UDP, and no fragments. */
static bool card_knows(const struct sk_buff *skb)
{
	u8 proto;

	if (ip_hdr(skb)->version == 4) {
		if (ip_is_fragment(ip_hdr(skb)))
			return false;
		proto = ip_hdr(skb)->protocol;
	} else {
		proto = ipv6_hdr(skb)->nexthdr;
	}
	return proto == IPPROTO_TCP || proto == IPPROTO_UDP;
}

static unsigned int ip_hlen(const struct sk_buff *skb)
{
	return ip_hdr(skb)->version == 4 ? ip_hdrlen(skb) : sizeof(struct ipv6hdr);
}

/* Where the sum of TCP or UDP is, behind its header's begin. */
static u16 sum_at(u8 proto)
{
	return proto == IPPROTO_TCP ? offsetof(struct tcphdr, check) :
				      offsetof(struct udphdr, check);
}

static u8 ip_proto(const struct sk_buff *skb)
{
	return ip_hdr(skb)->version == 4 ? ip_hdr(skb)->protocol : ipv6_hdr(skb)->nexthdr;
}

/*
 * The data moved to the very begin of its buffer, as a tun device may have it; how
 * many segments there are is left to others.
 */
static bool tighten(struct sk_buff *skb)
{
	const unsigned int by = skb_headroom(skb);

	if (skb_unclone(skb, GFP_ATOMIC))
		return false;
	memmove(skb->head, skb->data, skb_headlen(skb));
	skb->data -= by;
	skb->tail -= by;
	skb->network_header -= by;
	skb->transport_header -= by;
	if (skb->ip_summed == CHECKSUM_PARTIAL)
		skb->csum_start -= by;
	skb_reset_mac_header(skb);
	skb_reset_mac_len(skb);
	if (skb_is_gso(skb))
		skb_shinfo(skb)->gso_segs = 0;
	return true;
}

/* The IP header alone stays in the buffer, as a card that splits headers has it. */
static bool move_to_pages(struct sk_buff *skb)
{
	const unsigned int hlen = ip_hlen(skb);
	struct page *pages[MAX_SKB_FRAGS];
	unsigned int i, n, count;

	if (skb->ip_summed == CHECKSUM_PARTIAL || skb_is_gso(skb) || skb->len <= hlen ||
	    skb_unclone(skb, GFP_ATOMIC) || skb_linearize(skb))
		return false;
	count = DIV_ROUND_UP(skb->len - hlen, PAGE_SIZE);
	if (count > MAX_SKB_FRAGS)
		return false;
	for (i = 0; i < count; i++) {
		pages[i] = alloc_page(GFP_ATOMIC);
		if (!pages[i])
			goto none;
	}
	skb->data_len = skb->len - hlen;
	skb->tail -= skb->data_len;
	for (i = 0; i < count; i++) {
		n = min_t(unsigned int, skb->data_len - i * PAGE_SIZE, PAGE_SIZE);
		memcpy(page_address(pages[i]), skb->data + hlen + i * PAGE_SIZE, n);
		skb_fill_page_desc(skb, i, pages[i], 0, n);
	}
	/* who reads what he has not pulled finds nothing of it */
	memset(skb_tail_pointer(skb), 0xa5, skb->data_len);
	skb->truesize += count * PAGE_SIZE;
	return true;
none:
	while (i--)
		__free_page(pages[i]);
	return false;
}

static bool reshape(struct sk_buff *skb)
{
	const bool plain = skb->ip_summed != CHECKSUM_PARTIAL && !skb_is_gso(skb);

	switch (shape) {
	case COMPLETE:
		if (!plain)
			return false;
		skb->csum = skb_checksum(skb, 0, skb->len, 0);
		skb->ip_summed = CHECKSUM_COMPLETE;
		return true;
	case UNNECESSARY:
		if (!plain || !card_knows(skb))
			return false;
		skb->ip_summed = CHECKSUM_UNNECESSARY;
		skb->csum_level = 0;
		skb->csum_start = skb_headroom(skb) + ip_hlen(skb);
		skb->csum_offset = sum_at(ip_proto(skb));
		return true;
	case CLONED:
		return keep_clone(skb);
	case TIGHT:
		return tighten(skb);
	default:
		return move_to_pages(skb);
	}
}

static unsigned int comes_in(void *priv, struct sk_buff *skb, const struct nf_hook_state *state)
{
	look_after_kept();
	made += reshape(skb);
	return NF_ACCEPT;
}

static bool same_sum(__sum16 a, __sum16 b)
{
	return (__force u16)a % 0xffff == (__force u16)b % 0xffff;
}

/* Is the seed for a sum where TCP or UDP has it? */
static bool has_seed(const struct sk_buff *skb, unsigned int l4, u8 proto)
{
	const unsigned int len = skb->len - l4;
	const __sum16 *check;
	__sum16 buf, seed;

	check = skb_header_pointer(skb, l4 + sum_at(proto), sizeof(buf), &buf);
	if (!check)
		return false;
	seed = ip_hdr(skb)->version == 4 ?
		csum_tcpudp_magic(ip_hdr(skb)->saddr, ip_hdr(skb)->daddr, len, proto, 0) :
		csum_ipv6_magic(&ipv6_hdr(skb)->saddr, &ipv6_hdr(skb)->daddr, len, proto, 0);
	return same_sum(~seed, *check);
}

/* A packet of TCP or UDP: what is left to the device must be all that it needs. */
static void check_state(const struct sk_buff *skb, unsigned int l4, u8 proto)
{
	if (skb->ip_summed == CHECKSUM_UNNECESSARY && has_seed(skb, l4, proto))
		note("CHECKSUM_UNNECESSARY with a seed for a checksum");
	if (skb->ip_summed != CHECKSUM_PARTIAL)
		return;
	if (skb_checksum_start_offset(skb) != l4)
		note("csum_start is not where the L4 header begins");
	else if (skb->csum_offset != sum_at(proto))
		note("csum_offset is not where the protocol has its checksum");
	else if (!has_seed(skb, l4, proto))
		note("CHECKSUM_PARTIAL with a seed that is not the pseudo header's");
}

static unsigned int l4_len(u8 proto)
{
	switch (proto) {
	case IPPROTO_TCP:
		return sizeof(struct tcphdr);
	case IPPROTO_UDP:
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return sizeof(struct udphdr);
	}
	return 0;
}

static unsigned int goes_on(void *priv, struct sk_buff *skb, const struct nf_hook_state *state)
{
	const bool v4 = state->pf == NFPROTO_IPV4;
	const unsigned int least = v4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
	unsigned int l4;

	if (skb_headlen(skb) < least) {
		note("the IP header is not linear");
		return NF_ACCEPT;
	}
	if (ip_hdr(skb)->version != (v4 ? 4 : 6) ||
	    skb->protocol != htons(v4 ? ETH_P_IP : ETH_P_IPV6))
		note("a packet of another family than it says");
	if (skb->ip_summed == CHECKSUM_COMPLETE &&
	    csum_fold(skb->csum) != csum_fold(skb_checksum(skb, 0, skb->len, 0)))
		note("CHECKSUM_COMPLETE with a sum that is not the packet's");
	if (v4 && ip_is_fragment(ip_hdr(skb)))
		return NF_ACCEPT;
	if (skb_is_gso(skb) && skb_shinfo(skb)->gso_type & (v4 ? SKB_GSO_TCPV6 : SKB_GSO_TCPV4))
		note("a GSO type of the other family");
	l4 = ip_hlen(skb);
	/* what was not ours may stay as it came */
	if (state->hook != NF_INET_PRE_ROUTING &&
	    skb_headlen(skb) < min(l4 + l4_len(ip_proto(skb)), skb->len))
		note("the L4 header is not linear");
	if (card_knows(skb))
		check_state(skb, l4, ip_proto(skb));
	return NF_ACCEPT;
}

#define HOOK(_fn, _pf, _num, _prio)	\
	{ .hook = _fn, .pf = NFPROTO_ ## _pf, .hooknum = NF_INET_ ## _num, .priority = _prio }

/* nf_nat46 is at -250; what it sends meets these hooks first. */
static const struct nf_hook_ops hooks[] = {
	HOOK(comes_in, IPV4, PRE_ROUTING, -251),
	HOOK(comes_in, IPV6, PRE_ROUTING, -251),
	HOOK(goes_on, IPV4, PRE_ROUTING, -249),
	HOOK(goes_on, IPV6, PRE_ROUTING, -249),
	HOOK(goes_on, IPV4, FORWARD, INT_MIN),
	HOOK(goes_on, IPV6, FORWARD, INT_MIN),
	HOOK(goes_on, IPV4, LOCAL_OUT, INT_MIN),
	HOOK(goes_on, IPV6, LOCAL_OUT, INT_MIN),
	HOOK(goes_on, IPV4, POST_ROUTING, INT_MIN),
	HOOK(goes_on, IPV6, POST_ROUTING, INT_MIN),
};

static int __net_init skbs_net_init(struct net *net)
{
	return nf_register_net_hooks(net, hooks, ARRAY_SIZE(hooks));
}

static void __net_exit skbs_net_exit(struct net *net)
{
	nf_unregister_net_hooks(net, hooks, ARRAY_SIZE(hooks));
}

static struct pernet_operations net_ops = {
	.init = skbs_net_init,
	.exit = skbs_net_exit,
};

static int __init skbs_init(void)
{
	shape = match_string(shapes, ARRAY_SIZE(shapes), make);
	if (shape < 0)
		return shape;
	skb_queue_head_init(&kept);
	return register_pernet_subsys(&net_ops);
}

static void __exit skbs_exit(void)
{
	struct sk_buff *clone;

	unregister_pernet_subsys(&net_ops);
	while ((clone = skb_dequeue(&kept)))
		forget_kept(clone);
}

module_init(skbs_init);
module_exit(skbs_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("packets as network cards make them, for the packet cases");

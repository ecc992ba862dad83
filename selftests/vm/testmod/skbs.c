// SPDX-License-Identifier: GPL-2.0
/*
 * Packets as network cards hand them on, which no virtual wire does: in
 * PRE_ROUTING, just before nf_nat46, each gets the checksum state that "make"
 * names. What leaves with a sum of its own is checked to have the right one.
 */
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/module.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netfilter_ipv6.h>
#include <linux/skbuff.h>
#include <net/ip.h>
#include <net/net_namespace.h>

static char *make = "complete";
module_param(make, charp, 0444);
MODULE_PARM_DESC(make, "complete or unnecessary");

static unsigned int made;
module_param(made, uint, 0444);
MODULE_PARM_DESC(made, "packets that were changed");

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

static unsigned int comes_in(void *priv, struct sk_buff *skb, const struct nf_hook_state *state)
{
	if (skb->ip_summed == CHECKSUM_PARTIAL || skb_is_gso(skb))
		return NF_ACCEPT;
	if (!strcmp(make, "complete")) {
		skb->csum = skb_checksum(skb, 0, skb->len, 0);
		skb->ip_summed = CHECKSUM_COMPLETE;
		made++;
	} else if (card_knows(skb)) {
		skb->ip_summed = CHECKSUM_UNNECESSARY;
		skb->csum_level = 0;
		made++;
	}
	return NF_ACCEPT;
}

static unsigned int goes_out(void *priv, struct sk_buff *skb, const struct nf_hook_state *state)
{
	const int at = skb_network_offset(skb);

	WARN_ONCE(skb->ip_summed == CHECKSUM_COMPLETE &&
		  csum_fold(skb->csum) != csum_fold(skb_checksum(skb, at, skb->len - at, 0)),
		  "skbs: a packet leaves with a sum that is not its own\n");
	return NF_ACCEPT;
}

#define HOOK(_fn, _pf, _num, _prio)	\
	{ .hook = _fn, .pf = NFPROTO_ ## _pf, .hooknum = NF_INET_ ## _num, .priority = _prio }

static const struct nf_hook_ops hooks[] = {
	HOOK(comes_in, IPV4, PRE_ROUTING, -251),
	HOOK(comes_in, IPV6, PRE_ROUTING, -251),
	HOOK(goes_out, IPV4, POST_ROUTING, INT_MAX),
	HOOK(goes_out, IPV6, POST_ROUTING, INT_MAX),
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
	return register_pernet_subsys(&net_ops);
}

static void __exit skbs_exit(void)
{
	unregister_pernet_subsys(&net_ops);
}

module_init(skbs_init);
module_exit(skbs_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("checksum states of network cards, for the packet cases");

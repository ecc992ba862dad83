// SPDX-License-Identifier: GPL-2.0
/*
 * xt_NAT46.c: the target NAT46 of iptables and iptables-nft. It names a packet;
 * nf_nat46's own hook, behind that rule, translates what is named. So it knows
 * every protocol, and rules after it still see the packet as it came.
 *
 *	iptables -t raw -A PREROUTING -s 10.0.1.10 -j NAT46
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>
#include <linux/netfilter/x_tables.h>
#include <linux/netfilter_ipv4.h>

#include <linux/netfilter/xt_NAT46.h>

#include "compat.h"
#include "nf_nat46.h"
#include "rule.h"

static unsigned int name_packet(struct sk_buff *skb, const struct xt_action_param *par)
{
	nat46_name(skb);
	return XT_CONTINUE;
}

static int refuse(const char *why)
{
	pr_info_ratelimited("%s\n", why);
	return -EINVAL;
}

/*
 * Our hooks are behind raw, and with hook-late behind mangle and NAT; what the
 * node itself sends is always met there. A nat table sees the first packet of a
 * flow alone.
 */
static int check(const struct xt_tgchk_param *par)
{
	const bool raw = !strcmp(par->table, "raw");
	struct xt_nat46_info *info = par->targinfo;
	int err;

	if (par->family != NFPROTO_IPV4)
		return refuse("it translates IPv4: IPv6 packets find their session without a rule");
	if (!raw && strcmp(par->table, "mangle"))
		return refuse("only valid in the tables raw and mangle");
	if (info->flags)
		return refuse("unknown flags");
	info->late = !raw && par->hook_mask != BIT(NF_INET_LOCAL_OUT);
	/* a rule for a port sees whole packets, not one of their fragments */
	err = nat46_defrag4_get(par->net);
	if (err)
		return err;
	err = nat46_rule_get(par->net, info->late);
	if (!err)
		return 0;
	nat46_defrag4_put(par->net);
	return refuse("behind the hook that translates: use raw, or nat46 param set hook-late on");
}

static void gone(const struct xt_tgdtor_param *par)
{
	const struct xt_nat46_info *info = par->targinfo;

	nat46_rule_put(par->net, info->late);
	nat46_defrag4_put(par->net);
}

static struct xt_target target __read_mostly = {
	.name		= "NAT46",
	.family		= NFPROTO_UNSPEC,
	.target		= name_packet,
	.checkentry	= check,
	.destroy	= gone,
	.targetsize	= sizeof(struct xt_nat46_info),
	.usersize	= offsetof(struct xt_nat46_info, late),
	.hooks		= BIT(NF_INET_PRE_ROUTING) | BIT(NF_INET_LOCAL_OUT),
	.me		= THIS_MODULE,
};

static int __init xt_nat46_init(void)
{
	return xt_register_target(&target);
}

static void __exit xt_nat46_exit(void)
{
	xt_unregister_target(&target);
}

module_init(xt_nat46_init);
module_exit(xt_nat46_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("iptables target: packets that nf_nat46 is to translate");
MODULE_VERSION(NAT46_VERSION);
MODULE_ALIAS("ipt_NAT46");
MODULE_ALIAS("ip6t_NAT46");

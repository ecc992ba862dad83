// SPDX-License-Identifier: GPL-2.0
/*
 * helper.c: the conntrack helper "nat46", by which a rule of nftables can name
 * us (ct helper set "nat46"), and any nft lists and restores that rule. It helps
 * with nothing: a flow that has it is marked, for param hook-late helper.
 */
#include <linux/module.h>
#include <linux/netfilter.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/nf_conntrack_helper.h>

#include "compat.h"
#include "nf_nat46.h"

#define HELPER	"nat46"

static int help(struct sk_buff *skb, unsigned int protoff, struct nf_conn *ct,
		enum ip_conntrack_info ctinfo)
{
	return NF_ACCEPT;
}

static const struct nf_conntrack_expect_policy none;
static struct nf_conntrack_helper helpers[2] __read_mostly;
static struct nf_conntrack_helper *copies[ARRAY_SIZE(helpers)];

/**
 * nat46_helper_set() - did a rule give a packet's flow to us?
 * @skb: the packet
 *
 * Context: RCU.
 * Return: whether its conntrack entry has our helper.
 */
bool nat46_helper_set(const struct sk_buff *skb)
{
	enum ip_conntrack_info info;
	const struct nf_conntrack_helper *helper;
	const struct nf_conn_help *by;
	const struct nf_conn *ct;

	ct = nf_ct_get(skb, &info);
	by = ct ? nfct_help(ct) : NULL;
	helper = by ? rcu_dereference(by->helper) : NULL;
	return helper && helper->me == THIS_MODULE;
}

/**
 * nat46_helper_init() - let rules name us
 *
 * Context: may sleep; module initialisation.
 * Return: 0 or -errno.
 */
int nat46_helper_init(void)
{
	nat46_ct_helper_fill(&helpers[0], IPPROTO_TCP, HELPER, &none, help);
	nat46_ct_helper_fill(&helpers[1], IPPROTO_UDP, HELPER, &none, help);
	return nat46_ct_helpers_register(helpers, ARRAY_SIZE(helpers), copies);
}

/**
 * nat46_helper_exit() - flows lose the helper; their sessions stay
 *
 * Context: may sleep; module exit.
 */
void nat46_helper_exit(void)
{
	nat46_ct_helpers_unregister(helpers, ARRAY_SIZE(helpers), copies);
}

MODULE_ALIAS_NFCT_HELPER(HELPER);

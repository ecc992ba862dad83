// SPDX-License-Identifier: GPL-2.0
/*
 * rule.c: rules of iptables that name packets for translation (-j NAT46). Their
 * target is a module of its own, xt_NAT46.c: without such rules nobody needs
 * xtables. While there is one in a network namespace, only what rules name is
 * translated there.
 */
#include <linux/export.h>
#include <linux/netlink.h>

#include "nf_nat46.h"
#include "rule.h"

DEFINE_STATIC_KEY_FALSE(nat46_rules);

/**
 * nat46_rule_get() - a rule with our target has come
 * @net: the network namespace
 * @late: its packets have passed the hook before conntrack by then
 *
 * Context: may sleep; not under nn->lock.
 * Return: 0, or -EINVAL where it comes too late for the setting hook-late.
 */
int nat46_rule_get(struct net *net, bool late)
{
	struct nat46_net *nn = nat46_pernet(net);
	const struct nat46_conf *conf;
	int err = 0;

	mutex_lock(&nn->lock);
	conf = rcu_dereference_protected(nn->conf, lockdep_is_held(&nn->lock));
	if (late && (!conf || !conf->params.hook_late)) {
		err = -EINVAL;
	} else {
		WRITE_ONCE(nn->rules, nn->rules + 1);
		nn->rules_late += late;
	}
	mutex_unlock(&nn->lock);
	if (!err)
		static_branch_inc(&nat46_rules);
	return err;
}
EXPORT_SYMBOL_GPL(nat46_rule_get);

/**
 * nat46_rule_put() - one has gone
 * @net: the network namespace, perhaps on its way out
 * @late: as it was for nat46_rule_get()
 *
 * Context: may sleep; not under nn->lock.
 */
void nat46_rule_put(struct net *net, bool late)
{
	struct nat46_net *nn = nat46_pernet(net);

	static_branch_dec(&nat46_rules);
	mutex_lock(&nn->lock);
	WRITE_ONCE(nn->rules, nn->rules - 1);
	nn->rules_late -= late;
	mutex_unlock(&nn->lock);
}
EXPORT_SYMBOL_GPL(nat46_rule_put);

/**
 * nat46_rules_allow() - may these settings be, beside the rules that there are?
 * @nn: the network namespace's state
 * @par: settings to come
 * @extack: told what is wrong
 *
 * Context: may sleep, nn->lock held.
 * Return: 0, or -EBUSY where rules would come too late.
 */
int nat46_rules_allow(const struct nat46_net *nn, const struct nat46_params *par,
		      struct netlink_ext_ack *extack)
{
	if (!nn->rules_late || par->hook_late)
		return 0;
	NL_SET_ERR_MSG(extack, "rules of iptables in mangle PREROUTING (-j NAT46) need hook-late");
	return -EBUSY;
}

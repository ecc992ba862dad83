// SPDX-License-Identifier: GPL-2.0
/* Devices come, go, and get other names: their sources follow, sessions end. */
#include <linux/netdevice.h>

#include "conf.h"

static bool uses_dev(const struct nat46_session *s, const void *dev)
{
	return s->oif == ((const struct net_device *)dev)->ifindex;
}

static bool listed(struct net *net, const struct net_device *dev)
{
	bool found;

	rcu_read_lock();
	found = dev_get_by_index_rcu(net, dev->ifindex) == dev;
	rcu_read_unlock();
	return found;
}

/* Under RTNL: nothing that holds nn->lock may wait for that. */
static void follow_dev(struct nat46_net *nn, const struct net_device *dev, bool gone)
{
	struct nat46_edit e = { .nn = nn };
	struct nat46_conf next;

	e.conf = rcu_dereference_protected(nn->conf, lockdep_is_held(&nn->lock));
	if (!e.conf || nn->exiting)
		return;
	next = *e.conf;
	next.sources = nat46_sources_dev(next.sources, dev, gone);
	if (IS_ERR(next.sources))
		net_warn_ratelimited("nf_nat46: no memory to follow device %s\n", dev->name);
	else if (next.sources)
		nat46_edit_apply(&e, &next);
}

/**
 * nat46_conf_dev_gone() - a device went down, or away
 * @nn: the network namespace's state
 * @dev: the device
 *
 * Its sessions end; a source that names it waits for another of that name.
 *
 * Context: may sleep, RTNL held; takes nn->lock.
 */
void nat46_conf_dev_gone(struct nat46_net *nn, const struct net_device *dev)
{
	if (!rcu_access_pointer(nn->conf))
		return;
	mutex_lock(&nn->lock);
	if (!listed(nn->net, dev))
		follow_dev(nn, dev, true);
	if (atomic_read(&nn->sessions))
		nat46_session_flush(nn->net, uses_dev, dev);
	mutex_unlock(&nn->lock);
}

/**
 * nat46_conf_dev_named() - a device has come, or has another name
 * @nn: the network namespace's state
 * @dev: the device
 *
 * Context: may sleep, RTNL held; takes nn->lock.
 */
void nat46_conf_dev_named(struct nat46_net *nn, const struct net_device *dev)
{
	if (!rcu_access_pointer(nn->conf))
		return;
	mutex_lock(&nn->lock);
	follow_dev(nn, dev, false);
	mutex_unlock(&nn->lock);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * room.c: asks the devices that clients are behind to have them leave room for
 * the longer header, so that no datagram's head is reallocated. A pair of veth
 * hands that on to its other end, where the pod's packets are made.
 */
#include <linux/netdevice.h>
#include <linux/xarray.h>

#include "nf_nat46.h"

struct request {
	struct nat46_net *nn;
	unsigned int need;
};

static int ask(struct net_device *dev, struct netdev_nested_priv *priv)
{
	const struct request *r = priv->data;
	const void *had = xa_load(&r->nn->room, dev->ifindex);

	if (!dev->netdev_ops->ndo_set_rx_headroom || !net_eq(dev_net(dev), r->nn->net) ||
	    (had && xa_to_value(had) >= r->need))
		return 0;
	if (!xa_is_err(xa_store_bh(&r->nn->room, dev->ifindex, xa_mk_value(r->need), GFP_ATOMIC)))
		netdev_set_rx_headroom(dev, r->need);
	return 0;
}

/**
 * nat46_room_ask() - have packets that come by a device leave more room
 * @nn: its network namespace's state
 * @dev: the device; of a bridge, its ports
 * @need: bytes in front of the network header
 *
 * Once a second at most: there are devices that can't.
 *
 * Context: RCU, softirq.
 */
void nat46_room_ask(struct nat46_net *nn, struct net_device *dev, unsigned int need)
{
	struct request r = { .nn = nn, .need = need };
	struct netdev_nested_priv priv = { .data = &r };
	const u32 now = nat46_now();

	if (READ_ONCE(nn->room_at) == now)
		return;
	WRITE_ONCE(nn->room_at, now);
	ask(dev, &priv);
	netdev_walk_all_lower_dev_rcu(dev, ask, &priv);
}

/**
 * nat46_room_forget() - a device went, or its index may soon be another's
 * @nn: its network namespace's state
 * @dev: the device
 *
 * Context: any.
 */
void nat46_room_forget(struct nat46_net *nn, const struct net_device *dev)
{
	xa_erase_bh(&nn->room, dev->ifindex);
}

/**
 * nat46_room_return() - what was asked for is wanted no longer
 * @nn: the network namespace that has lost its last pool, or goes away
 *
 * Context: may sleep; no packet comes any more but those under way.
 */
void nat46_room_return(struct nat46_net *nn)
{
	struct net_device *dev;
	unsigned long ifindex;
	void *had;

	xa_for_each(&nn->room, ifindex, had) {
		rcu_read_lock();
		dev = dev_get_by_index_rcu(nn->net, ifindex);
		if (dev)
			netdev_reset_rx_headroom(dev);
		rcu_read_unlock();
	}
	xa_destroy(&nn->room);
}

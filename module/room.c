// SPDX-License-Identifier: GPL-2.0
/*
 * room.c: has clients' packets made with room for the longer header, so that no
 * datagram's head is reallocated: the pod's end of a pair of veth is told. The
 * node's end is not (as ndo_set_rx_headroom would): what goes to the pod would
 * need the room as well, everybody's packets too.
 */
#include <linux/netdevice.h>
#include <linux/xarray.h>

#include "nf_nat46.h"

struct room_request {
	struct nat46_net *nn;
	unsigned int need;
};

/* The other end of a pair, where a client's packets are made. */
static struct net_device *far_end(struct net_device *dev)
{
	return dev->netdev_ops->ndo_get_peer_dev ? dev->netdev_ops->ndo_get_peer_dev(dev) : NULL;
}

static int ask(struct net_device *dev, struct netdev_nested_priv *priv)
{
	const struct room_request *r = priv->data;
	struct net_device *far = far_end(dev);

	if (!far || READ_ONCE(far->needed_headroom) >= r->need ||
	    !net_eq(dev_net(dev), r->nn->net))
		return 0;
	if (!xa_is_err(xa_store_bh(&r->nn->room, dev->ifindex, xa_mk_value(1), GFP_ATOMIC)))
		WRITE_ONCE(far->needed_headroom, r->need);
	return 0;
}

/**
 * nat46_room_ask() - have packets that come by a device made with more room
 * @nn: its network namespace's state
 * @dev: the device; of a bridge, its ports
 * @need: bytes in front of the link header
 *
 * Once a second at most: there are devices that have no such end.
 *
 * Context: RCU, softirq.
 */
void nat46_room_ask(struct nat46_net *nn, struct net_device *dev, unsigned int need)
{
	struct room_request r = { .nn = nn, .need = need };
	struct netdev_nested_priv priv = { .data = &r };
	const u32 now = nat46_now();

	if (READ_ONCE(nn->room_at) == now)
		return;
	WRITE_ONCE(nn->room_at, now);
	ask(dev, &priv);
	netdev_walk_all_lower_dev_rcu(dev, ask, &priv);
}

/**
 * nat46_room_forget() - a device went, its index may soon be another's
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
	struct net_device *dev, *far;
	unsigned long ifindex;
	void *had;

	xa_for_each(&nn->room, ifindex, had) {
		rcu_read_lock();
		dev = dev_get_by_index_rcu(nn->net, ifindex);
		far = dev ? far_end(dev) : NULL;
		if (far)	/* a pair's ends are alike */
			WRITE_ONCE(far->needed_headroom, dev->needed_headroom);
		rcu_read_unlock();
	}
	xa_destroy(&nn->room);
}

// SPDX-License-Identifier: GPL-2.0
/* main.c: the module, its network namespaces, and what it is told of them. */
#include <linux/inetdevice.h>
#include <linux/module.h>
#include <net/addrconf.h>
#include <net/genetlink.h>
#include <net/net_namespace.h>
#include <net/netns/generic.h>

#include "nf_nat46.h"

#define LOCAL_DEV	"nat46"
#define LOCAL_ROOM	48		/* the longer header, and what a device reserves */

unsigned int nat46_net_id __read_mostly;

/**
 * nat46_pernet() - our part of a network namespace
 * @net: which
 *
 * Context: any.
 * Return: never NULL while the namespace lives.
 */
struct nat46_net *nat46_pernet(const struct net *net)
{
	return net_generic(net, nat46_net_id);
}

/* RCU */
static bool lost_address(const struct nat46_session *s, const void *arg)
{
	const struct net_device *dev;

	if (!s->oif)
		return false;
	/* of the same VRF as the device, or of none as it */
	dev = dev_get_by_index_rcu(s->net, s->oif);
	return !dev || !ipv6_chk_addr(s->net, &s->t6.saddr, dev, 0);
}

/* An address went: sessions of a dev source that had it end. */
static void address_work(struct work_struct *work)
{
	struct nat46_net *nn = container_of(work, struct nat46_net, addr_work);

	nat46_session_flush(nn->net, lost_address, NULL);
}

static int __net_init net_init(struct net *net)
{
	struct nat46_net *nn = nat46_pernet(net);

	nn->net = net;
	mutex_init(&nn->lock);
	xa_init_flags(&nn->room, XA_FLAGS_LOCK_BH);
	INIT_WORK(&nn->addr_work, address_work);
	INIT_WORK(&nn->clash_work, nat46_clash_work);
	return nat46_conf_net_init(nn);
}

/* Hooks off first; the core waits for a grace period before net_exit(). */
static void __net_exit net_pre_exit(struct net *net)
{
	struct nat46_net *nn = nat46_pernet(net);

	mutex_lock(&nn->lock);
	WRITE_ONCE(nn->exiting, true);
	nat46_hooks_unregister(nn);
	mutex_unlock(&nn->lock);
}

/* Many may end at once, and share one grace period. */
static void __net_exit net_exit_batch(struct list_head *nets)
{
	struct nat46_net *nn;
	bool used = false;
	struct net *net;

	list_for_each_entry(net, nets, exit_list) {
		nn = nat46_pernet(net);
		cancel_work_sync(&nn->addr_work);
		cancel_work_sync(&nn->clash_work);
		/* nothing waits on traffic: packets queued by others hold no session */
		nat46_session_flush(net, NULL, NULL);
		if (rcu_access_pointer(nn->conf))
			used = true;
	}
	if (used)
		synchronize_rcu();	/* the sweeper may still look at sessions of theirs */
	list_for_each_entry(net, nets, exit_list) {
		nn = nat46_pernet(net);
		nat46_room_return(nn);	/* of packets that were in a hook before */
		nat46_conf_net_exit(nn);
	}
}

/*
 * Registered as a device's, so that it leaves before the network namespace's
 * devices do: sessions hold routes, and those hold devices.
 */
static struct pernet_operations net_ops = {
	.init		= net_init,
	.pre_exit	= net_pre_exit,
	.exit_batch	= net_exit_batch,
	.id		= &nat46_net_id,
	.size		= sizeof(struct nat46_net),
};

/* What sockets send by it grows, and leaves by another device. */
static void local_dev_set(struct nat46_net *nn, struct net_device *dev)
{
	if (dev)
		WRITE_ONCE(dev->needed_headroom, LOCAL_ROOM);
	rcu_assign_pointer(nn->dev, dev);
}

static int device_event(struct notifier_block *nb, unsigned long event,
			void *ptr)
{
	struct net_device *dev = netdev_notifier_info_to_dev(ptr);
	struct nat46_net *nn = nat46_pernet(dev_net(dev));
	const bool named = !strcmp(dev->name, LOCAL_DEV);

	if (!nn)	/* a new namespace has its lo before it has us */
		return NOTIFY_DONE;
	switch (event) {
	case NETDEV_REGISTER:
	case NETDEV_CHANGENAME:
		if (named)
			local_dev_set(nn, dev);
		else if (rcu_access_pointer(nn->dev) == dev)
			local_dev_set(nn, NULL);
		nat46_conf_dev_named(nn, dev);
		break;
	case NETDEV_UNREGISTER:
		/* the core waits for a grace period before it frees it */
		if (rcu_access_pointer(nn->dev) == dev)
			local_dev_set(nn, NULL);
		nat46_room_forget(nn, dev);
		fallthrough;
	case NETDEV_DOWN:
		nat46_conf_dev_gone(nn, dev);
		break;
	}
	return NOTIFY_DONE;
}

static struct notifier_block device_nb = { .notifier_call = device_event };

/* Atomic context: the table is walked by a work. */
static int address_event(struct notifier_block *nb, unsigned long event,
			 void *ptr)
{
	struct inet6_ifaddr *ifa = ptr;
	struct nat46_net *nn = nat46_pernet(dev_net(ifa->idev->dev));

	nat46_saddr_forget();
	/* a chain under RCU: a grace period later nobody schedules what has been cancelled */
	if (event == NETDEV_DOWN && atomic_read(&nn->sessions) && !READ_ONCE(nn->exiting))
		schedule_work(&nn->addr_work);
	return NOTIFY_DONE;
}

static struct notifier_block address_nb = { .notifier_call = address_event };

static int __init nat46_init(void)
{
	int err;

	/* of "ipv6.disable=1" nothing of IPv6 is left that could be asked */
	if (!ipv6_mod_enabled()) {
		pr_err("nf_nat46: IPv6 is disabled on this machine\n");
		return -EAFNOSUPPORT;
	}
	err = nat46_bib_init();
	if (err)
		return err;
	err = nat46_session_init();
	if (err)
		goto err_bib;
	err = register_pernet_device(&net_ops);
	if (err)
		goto err_session;
	err = register_netdevice_notifier(&device_nb);
	if (err)
		goto err_pernet;
	err = register_inet6addr_notifier(&address_nb);
	if (err)
		goto err_device;
	err = nat46_helper_init();
	if (err)
		goto err_address;
	err = nat46_netlink_init();
	if (err)
		goto err_helper;
	return 0;

err_helper:
	nat46_helper_exit();
err_address:
	unregister_inet6addr_notifier(&address_nb);
err_device:
	unregister_netdevice_notifier(&device_nb);
err_pernet:
	unregister_pernet_device(&net_ops);
err_session:
	nat46_session_exit();
err_bib:
	nat46_bib_exit();
	return err;
}

static void __exit nat46_exit(void)
{
	nat46_netlink_exit();
	nat46_helper_exit();
	unregister_inet6addr_notifier(&address_nb);
	unregister_netdevice_notifier(&device_nb);
	unregister_pernet_device(&net_ops);
	nat46_session_exit();
	nat46_bib_exit();
}

module_init(nat46_init);
module_exit(nat46_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Stateful translation of IPv4 flows to IPv6-only targets");
MODULE_VERSION(NAT46_VERSION);
MODULE_ALIAS_GENL_FAMILY(NAT46_GENL_NAME);

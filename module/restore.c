// SPDX-License-Identifier: GPL-2.0
/*
 * A restore is one transaction: a configuration is built beside the live one,
 * by the same functions as that, and put in its place by one pointer. Whatever
 * can fail is tried before.
 */
#include <linux/jiffies.h>
#include <linux/random.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "conf.h"

/* Without a request for so long, the transaction is dropped. */
#define IDLE_SECONDS	60

/* A kept mapping has got another expiry: mark of the new xarray. */
#define RENEWED		XA_MARK_0

struct nat46_restore {
	struct nat46_conf *conf;
	unsigned long deadline;		/* jiffies */
	u32 portid;
	u32 token;
	char owner[NAT46_OWNER_LEN + 1];
};

/**
 * nat46_restore_conf() - what a requester's changes go to
 * @tx: the open transaction, or NULL
 * @portid: who asks
 *
 * A request moves the transaction's timeout.
 *
 * Context: nn->lock held.
 * Return: the transaction's configuration; NULL: it is not that requester's.
 */
struct nat46_conf *nat46_restore_conf(struct nat46_restore *tx, u32 portid)
{
	if (!tx || tx->portid != portid)
		return NULL;
	tx->deadline = jiffies + IDLE_SECONDS * HZ;
	return tx->conf;
}

/**
 * nat46_restore_left() - how long a transaction may still be idle
 * @tx: the transaction
 *
 * Context: nn->lock held.
 * Return: seconds, rounded up; 0: its time is over.
 */
u32 nat46_restore_left(const struct nat46_restore *tx)
{
	const long left = tx->deadline - jiffies;

	return left > 0 ? DIV_ROUND_UP(left, HZ) : 0;
}

/**
 * nat46_restore_drop() - forget the open transaction, where there is one
 * @nn: the network namespace's state
 *
 * Context: may sleep, nn->lock held.
 */
void nat46_restore_drop(struct nat46_net *nn)
{
	struct nat46_restore *tx = nn->restore;

	if (!tx)
		return;
	WRITE_ONCE(nn->restore, NULL);
	nat46_conf_free(tx->conf);
	kfree(tx);
}

/**
 * nat46_restore_gone() - a socket has been closed
 * @nn: the network namespace's state
 * @portid: the socket's; its transaction is dropped
 *
 * Context: may sleep; takes nn->lock.
 */
void nat46_restore_gone(struct nat46_net *nn, u32 portid)
{
	/* whoever closes here has begun here, or has nothing to end */
	if (!READ_ONCE(nn->restore))
		return;
	mutex_lock(&nn->lock);
	if (nn->restore && nn->restore->portid == portid)
		nat46_restore_drop(nn);
	mutex_unlock(&nn->lock);
}

/**
 * nat46_restore_begin() - open a transaction
 * @nn: the network namespace's state
 * @portid: who asks
 * @owner: whose mappings the transaction replaces
 * @token: set to the number that a commit has to name
 * @extack: told what is wrong
 *
 * Context: may sleep; takes nn->lock.
 * Return: 0, -EBUSY, -ENODEV, -ENOMEM.
 */
int nat46_restore_begin(struct nat46_net *nn, u32 portid, const char *owner, u32 *token,
			struct netlink_ext_ack *extack)
{
	struct nat46_restore *tx;
	struct nat46_edit e;
	int err;

	err = nat46_edit_begin(&e, nn, portid, extack);
	if (err)
		return err;
	if (nn->restore) {
		NL_SET_ERR_MSG(extack, "another restore is open");
		err = -EBUSY;
		goto out;
	}
	err = -ENOMEM;
	tx = kzalloc(sizeof(*tx), GFP_KERNEL_ACCOUNT);
	if (!tx)
		goto out;
	tx->conf = nat46_conf_new();
	if (!tx->conf) {
		kfree(tx);
		goto out;
	}
	tx->portid = portid;
	strscpy(tx->owner, owner, sizeof(tx->owner));
	do {
		tx->token = get_random_u32();
	} while (!tx->token);
	*token = tx->token;
	nat46_restore_conf(tx, portid);
	WRITE_ONCE(nn->restore, tx);
	nat46_gc_kick(nn, IDLE_SECONDS);
	err = 0;
out:
	nat46_edit_end(&e);
	return err;
}

/* Takes the lock of a transaction's own requester. */
static int enter(struct nat46_edit *e, struct nat46_net *nn, u32 portid, u32 token,
		 struct netlink_ext_ack *extack)
{
	int err = nat46_edit_begin(e, nn, portid, extack);

	if (err)
		return err;
	if (e->tx && e->tx->token == token)
		return 0;
	nat46_edit_end(e);
	NL_SET_ERR_MSG(extack, "no such restore is open on this socket");
	return -ENOENT;
}

/**
 * nat46_restore_abort() - drop a transaction
 * @nn: the network namespace's state
 * @portid: who asks
 * @token: the transaction's
 * @extack: told what is wrong
 *
 * Context: may sleep; takes nn->lock.
 * Return: 0, -ENOENT, -ENODEV.
 */
int nat46_restore_abort(struct nat46_net *nn, u32 portid, u32 token,
			struct netlink_ext_ack *extack)
{
	struct nat46_edit e;
	int err = enter(&e, nn, portid, token, extack);

	if (err)
		return err;
	nat46_restore_drop(nn);
	nat46_edit_end(&e);
	return 0;
}

/* ---- commit ------------------------------------------------------------------ */

/*
 * Devices may have come, gone or changed their names meanwhile. A source whose
 * device is away waits for it, as in the live configuration: what is saved can
 * be restored, and at boot devices come in any order.
 */
static void resolve_sources(struct net *net, struct nat46_sources *set)
{
	unsigned int i;

	for (i = 0; i < set->n; i++)
		nat46_source_resolve(net, &set->v[i], NULL);
}

/* A mapping of another owner stays: it joins the transaction's. */
static int keep_other(struct nat46_net *nn, struct nat46_restore *tx, struct nat46_mapping *m,
		      struct netlink_ext_ack *extack)
{
	struct nat46_maps *maps = tx->conf->maps;
	struct nat46_mapping *new = nat46_maps_get(maps, m->addr, m->plen);
	const struct nat46_pool *pool = nat46_pools_find(tx->conf->pools, m->addr);
	int err;

	if (new) {
		if (!strcmp(new->owner, m->owner))
			return 0;
		NL_SET_ERR_MSG(extack, "an address belongs to a mapping of another owner");
		return -EPERM;
	}
	if (!pool || pool->plen > m->plen) {
		NL_SET_ERR_MSG(extack, "a mapping that stays would have no pool");
		return -EADDRNOTAVAIL;
	}
	err = nat46_maps_add(nn, maps, m, extack);
	if (!err)
		refcount_inc(&m->ref);
	return err;
}

static int keep_others(struct nat46_net *nn, struct nat46_restore *tx,
		       const struct nat46_conf *live, struct netlink_ext_ack *extack)
{
	struct nat46_map_at at = { 0 };
	struct nat46_mapping *m;
	int err;

	for (m = nat46_maps_from(live->maps, &at); m; m = nat46_maps_next(live->maps, &at)) {
		if (!strcmp(m->owner, tx->owner))
			continue;
		err = keep_other(nn, tx, m, extack);
		if (err)
			return err;
		cond_resched();
	}
	return 0;
}

/*
 * What the transaction says again stays the same object, with its sessions and
 * its numbers. The entry is there already, so nothing is allocated.
 */
static void keep_same(struct nat46_restore *tx, const struct nat46_conf *live)
{
	struct nat46_maps *maps = tx->conf->maps;
	struct nat46_map_at at = { 0 };
	struct nat46_mapping *m, *old;

	for (m = nat46_maps_from(maps, &at); m; m = nat46_maps_next(maps, &at)) {
		old = xa_load(&live->maps->xa[at.k], at.i);
		if (!old || old == m || !nat46_map_same(old, m))
			continue;
		refcount_inc(&old->ref);
		nat46_maps_store(maps, old);
		if (old->expires || m->expires) {
			nat46_map_renew(old, m);
			xa_set_mark(&maps->xa[at.k], at.i, RENEWED);
		}
		nat46_map_put(m);
		cond_resched();
	}
}

static void tell(struct nat46_net *nn, struct nat46_maps *was, struct nat46_maps *is)
{
	struct nat46_map_at at = { 0 };
	struct nat46_mapping *m, *n;

	for (m = nat46_maps_from(was, &at); m; m = nat46_maps_next(was, &at)) {
		if (!xa_load(&is->xa[at.k], at.i))
			nat46_map_event(nn, m, NAT46_MAP_EVENT_DEL);
		cond_resched();
	}
	at = (struct nat46_map_at){ 0 };
	for (m = nat46_maps_from(is, &at); m; m = nat46_maps_next(is, &at)) {
		n = xa_load(&was->xa[at.k], at.i);
		if (!n)
			nat46_map_event(nn, m, NAT46_MAP_EVENT_NEW);
		else if (n != m || xa_get_mark(&is->xa[at.k], at.i, RENEWED))
			nat46_map_event(nn, m, NAT46_MAP_EVENT_CHANGE);
		cond_resched();
	}
}

static int check(struct nat46_net *nn, struct nat46_restore *tx, const struct nat46_conf *live,
		 bool force, struct netlink_ext_ack *extack)
{
	int err;

	resolve_sources(nn->net, tx->conf->sources);
	err = keep_others(nn, tx, live, extack);
	if (err)
		return err;
	if (!force && atomic_read(&nn->sessions) &&
	    nat46_session_count(nn->net, nat46_conf_strands, tx->conf)) {
		NL_SET_ERR_MSG(extack, "sessions use a pool or source that would go");
		return -EBUSY;
	}
	err = nat46_rules_allow(nn, &tx->conf->params, extack);
	if (err)
		return err;
	return tx->conf->pools->n ? nat46_hooks_register(nn, &tx->conf->params) : 0;
}

/* Nothing fails from here on. The transaction's configuration is the live one. */
static void publish(struct nat46_net *nn, struct nat46_restore *tx, struct nat46_conf *old)
{
	struct nat46_conf *new = tx->conf;
	struct nat46_maps *maps = old->maps;

	keep_same(tx, old);
	nat46_conf_publish(nn, new);
	tx->conf = NULL;
	nat46_conf_changed(nn);
	nat46_miss_forget(nn, 0, 0);
	if (!new->pools->n)
		nat46_hooks_unregister(nn);
	nat46_conf_retire(old, new);

	synchronize_rcu();
	if (atomic_read(&nn->sessions))
		nat46_session_flush(nn->net, nat46_conf_strands, new);
	nat46_conf_end_denied(nn, new);
	tell(nn, maps, new->maps);
	nat46_maps_free(maps);
	nat46_gc_kick(nn, 0);	/* it finds what expires, and when */
}

/**
 * nat46_restore_commit() - put a transaction in place of the live configuration
 * @nn: the network namespace's state
 * @portid: who asks
 * @token: the transaction's
 * @force: end sessions whose pool or source goes
 * @extack: told what is wrong
 *
 * The transaction ends in any case, but where it is not the requester's.
 *
 * Context: may sleep; takes nn->lock.
 * Return: 0, -ENOENT, -EBUSY, -EADDRNOTAVAIL, -EPERM, -ENODEV, -ENOMEM.
 */
int nat46_restore_commit(struct nat46_net *nn, u32 portid, u32 token, bool force,
			 struct netlink_ext_ack *extack)
{
	struct nat46_conf *live;
	struct nat46_edit e;
	int err = enter(&e, nn, portid, token, extack);

	if (err)
		return err;
	/* nat46_restore_begin() has made sure that there is one */
	live = rcu_dereference_protected(nn->conf, lockdep_is_held(&nn->lock));
	err = check(nn, nn->restore, live, force, extack);
	if (!err)
		publish(nn, nn->restore, live);
	nat46_restore_drop(nn);
	nat46_edit_end(&e);
	return err;
}

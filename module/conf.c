// SPDX-License-Identifier: GPL-2.0
/*
 * The configuration of a network namespace: its life, and how a
 * change is put in place and published. What requests change: change.c.
 */
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/slab.h>
#include <net/ipv6.h>

#include "conf.h"

/*
 * Garbage of all network namespaces that may wait for a grace period before a
 * request waits for it.
 */
#define RETIRED_MAX	(8l << 20)

static atomic_long_t retired;		/* bytes since an rcu_barrier() */

const struct nat46_params nat46_params_default = {
	.timeout_tcp_est	= 7440,
	.timeout_tcp_trans	= 240,
	.timeout_tcp_syn	= 240,
	.timeout_udp		= 300,
	.timeout_icmp		= 60,
	.timeout_dccp		= 7440,
	.timeout_other		= 600,	/* conntrack's, so no earlier than there */
	.tos			= NAT46_TOS_COPY,
	.mss_clamp		= NAT46_MSS_CLAMP_PATH,
	.mtu_min		= IPV6_MIN_MTU,
	.unmapped		= NAT46_UNMAPPED_REJECT,
	.src_check		= NAT46_SRC_CHECK_STRICT,
	.local_out		= 1,
	.policy_default		= NAT46_POLICY_ALLOW,
};

/* ---- life ------------------------------------------------------------------ */

/**
 * nat46_conf_new() - an empty configuration: defaults and the built-in policy
 *
 * Context: may sleep.
 * Return: the configuration, or NULL.
 */
struct nat46_conf *nat46_conf_new(void)
{
	struct nat46_conf *conf;

	conf = kzalloc(sizeof(*conf), GFP_KERNEL_ACCOUNT);
	if (!conf)
		return NULL;
	conf->params = nat46_params_default;
	conf->pools = nat46_pools_alloc(0);
	conf->sources = nat46_sources_alloc(0);
	conf->policies = nat46_policies_builtin();
	conf->maps = nat46_maps_alloc();
	if (!conf->pools || !conf->sources || !conf->policies || !conf->maps) {
		nat46_conf_free(conf);
		return NULL;
	}
	return conf;
}

/**
 * nat46_conf_free() - free a configuration that has no reader
 * @conf: the configuration, NULL, or one that is not complete
 *
 * Context: may sleep.
 */
void nat46_conf_free(struct nat46_conf *conf)
{
	if (!conf)
		return;
	nat46_maps_free(conf->maps);
	kvfree(conf->policies);
	kvfree(conf->sources);
	kvfree(conf->pools);
	kfree(conf);
}

/* All that is retired has its rcu_head first. */
static void free_retired(struct rcu_head *head)
{
	kvfree(head);
}

/**
 * nat46_conf_retire_one() - free a part of it when its last reader has gone
 * @head: where it begins
 * @size: its bytes
 *
 * Context: may sleep, nn->lock held.
 */
void nat46_conf_retire_one(struct rcu_head *head, size_t size)
{
	call_rcu(head, free_retired);
	/* a batch of thousands of requests must not outrun the grace periods */
	if (atomic_long_add_return(size, &retired) > RETIRED_MAX) {
		atomic_long_set(&retired, 0);
		rcu_barrier();
	}
}

/**
 * nat46_conf_retire() - free a configuration when its last reader has gone
 * @conf: the configuration that was published
 * @next: the one that is published now; what it shares is kept, and the
 *	mappings are left to the caller
 *
 * Context: may sleep, nn->lock held.
 */
void nat46_conf_retire(struct nat46_conf *conf, const struct nat46_conf *next)
{
	BUILD_BUG_ON(offsetof(struct nat46_pools, rcu) || offsetof(struct nat46_sources, rcu) ||
		     offsetof(struct nat46_policies, rcu) || offsetof(struct nat46_conf, rcu));

	if (conf->pools != next->pools)
		nat46_conf_retire_one(&conf->pools->rcu,
				      struct_size(conf->pools, v, conf->pools->n));
	if (conf->sources != next->sources)
		nat46_conf_retire_one(&conf->sources->rcu,
				      struct_size(conf->sources, v, conf->sources->n));
	if (conf->policies != next->policies)
		nat46_conf_retire_one(&conf->policies->rcu,
				      struct_size(conf->policies, v, conf->policies->n));
	nat46_conf_retire_one(&conf->rcu, sizeof(*conf));
}

/**
 * nat46_conf_changed() - the live configuration is another one now
 * @nn: the network namespace's state
 *
 * Context: nn->lock held.
 */
void nat46_conf_changed(struct nat46_net *nn)
{
	WRITE_ONCE(nn->gen, nn->gen + 1 ?: 1);	/* 0 would switch off the dumps' check */
}

static void set_bounds(struct nat46_conf *conf)
{
	const struct nat46_sources *src = conf->sources;
	const struct nat46_pools *pools = conf->pools;
	struct nat46_bounds b = {};

	if (pools->n) {
		const struct nat46_pool *last = &pools->v[pools->n - 1];

		b.pool_lo = ntohl(pools->v[0].addr);
		b.pool_span = ntohl(last->addr | ~last->mask) - b.pool_lo;
	}
	if (src->dev) {
		b.dev_lo = src->dev_lo;
		b.dev_span = src->dev_hi - src->dev_lo;
	}
	if (src->n_ranges) {
		b.held_lo = nat46_upper_half(&src->ranges[0].lo);
		b.held_span = nat46_upper_half(&src->ranges[src->n_ranges - 1].hi) - b.held_lo;
		b.held_word = b.held_lo >> 32;
		b.held_words = ((b.held_lo + b.held_span) >> 32) - b.held_word;
	}
	conf->bounds = b;
}

/**
 * nat46_conf_publish() - packets go by another configuration from now on
 * @nn: the network namespace's state
 * @conf: the configuration, complete
 *
 * Context: nn->lock held.
 */
void nat46_conf_publish(struct nat46_net *nn, struct nat46_conf *conf)
{
	set_bounds(conf);
	rcu_assign_pointer(nn->conf, conf);
}

/* The first change gives the namespace its counters and a configuration. */
static int first_conf(struct nat46_net *nn)
{
	struct nat46_conf *conf;

	if (!nn->stats)
		nn->stats = alloc_percpu_gfp(struct nat46_stats, GFP_KERNEL_ACCOUNT);
	if (!nn->misses)
		nn->misses = nat46_misses_alloc();
	if (!nn->stats || !nn->misses)
		return -ENOMEM;
	conf = nat46_conf_new();
	if (!conf)
		return -ENOMEM;
	nat46_conf_publish(nn, conf);
	return 0;
}

/**
 * nat46_conf_net_init() - a network namespace begins
 * @nn: its state; the lock is made
 *
 * Nothing is allocated before the first change.
 *
 * Context: may sleep.
 * Return: 0.
 */
int nat46_conf_net_init(struct nat46_net *nn)
{
	INIT_DELAYED_WORK(&nn->map_gc, nat46_gc_work);
	nn->gen = 1;
	return 0;
}

/**
 * nat46_conf_net_exit() - a network namespace ends
 * @nn: its state: exiting, without sessions, the hooks off for a grace period
 *
 * Context: may sleep.
 */
void nat46_conf_net_exit(struct nat46_net *nn)
{
	cancel_delayed_work_sync(&nn->map_gc);

	mutex_lock(&nn->lock);
	nat46_restore_drop(nn);
	nat46_conf_free(rcu_replace_pointer(nn->conf, NULL, lockdep_is_held(&nn->lock)));
	free_percpu(nn->stats);
	nn->stats = NULL;
	kvfree(nn->misses);
	nn->misses = NULL;
	mutex_unlock(&nn->lock);
}

/* ---- a change ---------------------------------------------------------------- */

/**
 * nat46_edit_begin() - begin a change; nat46_edit_end() ends it
 * @e: filled in, with the configuration as it is
 * @nn: the network namespace's state
 * @portid: who asks; the changes of one who has a restore open go there
 * @extack: told what is wrong
 *
 * Context: may sleep; takes nn->lock, which is held where 0 is returned.
 * Return: 0, -ENODEV, -ENOMEM.
 */
int nat46_edit_begin(struct nat46_edit *e, struct nat46_net *nn, u32 portid,
		     struct netlink_ext_ack *extack)
{
	int err = 0;

	mutex_lock(&nn->lock);
	e->nn = nn;
	e->tx = NULL;
	if (nn->exiting) {
		NL_SET_ERR_MSG(extack, "the network namespace is going away");
		err = -ENODEV;
		goto err_unlock;
	}
	e->conf = nat46_restore_conf(nn->restore, portid);
	if (e->conf) {
		e->tx = nn->restore;
		return 0;
	}
	if (!rcu_access_pointer(nn->conf))
		err = first_conf(nn);
	if (err)
		goto err_unlock;
	e->conf = rcu_dereference_protected(nn->conf, lockdep_is_held(&nn->lock));
	return 0;

err_unlock:
	mutex_unlock(&nn->lock);
	return err;
}

/**
 * nat46_edit_begin_live() - begin a change that a restore can't hold
 * @e: filled in, with the live configuration as it is
 * @nn: the network namespace's state
 * @portid: who asks
 * @extack: told what is wrong
 *
 * Context: may sleep; takes nn->lock, which is held where 0 is returned.
 * Return: 0, -EBUSY, -ENODEV, -ENOMEM.
 */
int nat46_edit_begin_live(struct nat46_edit *e, struct nat46_net *nn, u32 portid,
			  struct netlink_ext_ack *extack)
{
	int err = nat46_edit_begin(e, nn, portid, extack);

	if (err || !e->tx)
		return err;
	nat46_edit_end(e);
	NL_SET_ERR_MSG(extack, "a restore takes only additions and settings");
	return -EBUSY;
}

/**
 * nat46_edit_end() - the change is over
 * @e: as nat46_edit_begin() has filled it in
 *
 * Context: may sleep, releases nn->lock.
 */
void nat46_edit_end(struct nat46_edit *e)
{
	mutex_unlock(&e->nn->lock);
}

/**
 * nat46_conf_free_unshared() - free the arrays of a configuration that was not published
 * @conf: the configuration
 * @keep: what it shares with that one stays
 *
 * Context: may sleep.
 */
void nat46_conf_free_unshared(const struct nat46_conf *conf, const struct nat46_conf *keep)
{
	if (conf->pools != keep->pools)
		kvfree(conf->pools);
	if (conf->sources != keep->sources)
		kvfree(conf->sources);
	if (conf->policies != keep->policies)
		kvfree(conf->policies);
}

/**
 * nat46_edit_apply() - put a changed configuration in place
 * @e: the change under way; its conf is the new one afterwards
 * @next: a copy of e->conf with other arrays or settings, the same mappings;
 *	its arrays are freed where this fails
 *
 * The first pool switches the hooks on, the last one off.
 *
 * Context: may sleep, nn->lock held.
 * Return: 0 or -errno, and then nothing has changed.
 */
int nat46_edit_apply(struct nat46_edit *e, const struct nat46_conf *next)
{
	struct nat46_net *nn = e->nn;
	struct nat46_conf *old = e->conf, *new;
	int err;

	if (e->tx) {
		nat46_conf_free_unshared(old, next);
		*old = *next;
		return 0;
	}

	err = next->pools->n ? nat46_hooks_register(nn, &next->params) : 0;
	if (err)
		goto err_free;
	new = kmemdup(next, sizeof(*next), GFP_KERNEL_ACCOUNT);
	if (!new) {
		err = -ENOMEM;
		goto err_hooks;
	}
	nat46_conf_publish(nn, new);
	e->conf = new;
	nat46_conf_changed(nn);
	nat46_conf_retire(old, new);
	if (!new->pools->n)
		nat46_hooks_unregister(nn);
	return 0;

err_hooks:
	if (!old->pools->n)
		nat46_hooks_unregister(nn);
err_free:
	nat46_conf_free_unshared(next, old);
	return err;
}

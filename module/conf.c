// SPDX-License-Identifier: GPL-2.0
/*
 * The configuration of a network namespace: how a change is made and
 * published, and what else has to happen with it.
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

static void free_unshared(const struct nat46_conf *conf, const struct nat46_conf *keep)
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
		free_unshared(old, next);
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
	free_unshared(next, old);
	return err;
}

/* ---- sessions that a change concerns ------------------------------------------- */

/**
 * nat46_conf_strands() - would a session stand on nothing?
 * @s: the session
 * @arg: the configuration
 *
 * Context: any.
 * Return: true where it has no pool or source that could have made the session.
 */
bool nat46_conf_strands(const struct nat46_session *s, const void *arg)
{
	const struct nat46_conf *conf = arg;

	return !nat46_pools_find(conf->pools, s->t4.daddr) ||
	       !nat46_sources_cover(conf->sources, s);
}

static bool denied(const struct nat46_session *s, const void *arg)
{
	return nat46_policy_check(arg, &s->t6.daddr, s->t4.saddr, s->t4.proto,
				  ntohs(s->t6.dport)) == NAT46_POLICY_DENY;
}

/**
 * nat46_conf_end_denied() - end the sessions that the policy denies
 * @nn: the network namespace's state
 * @conf: the configuration, live
 *
 * Context: may sleep, nn->lock held.
 */
void nat46_conf_end_denied(struct nat46_net *nn, const struct nat46_conf *conf)
{
	if (atomic_read(&nn->sessions))
		nat46_session_flush(nn->net, denied, conf);
}

/*
 * A session that another CPU was just making by the old configuration is none
 * of those that were ended: the audit ends it after a grace period.
 */
static void audit_soon(struct nat46_net *nn)
{
	nn->audit = true;
	nat46_gc_kick(nn, 0);
}

/*
 * Put @next in place, which lacks a pool or a source. Where sessions use it,
 * they end by @force, or keep it.
 */
static int apply_removal(struct nat46_edit *e, const struct nat46_conf *next, bool force,
			 struct netlink_ext_ack *extack)
{
	struct nat46_net *nn = e->nn;
	const bool sessions = !e->tx && atomic_read(&nn->sessions);
	int err;

	if (sessions && !force && nat46_session_count(nn->net, nat46_conf_strands, next)) {
		free_unshared(next, e->conf);
		NL_SET_ERR_MSG(extack, "sessions use it");
		return -EBUSY;
	}
	err = nat46_edit_apply(e, next);
	if (err || e->tx)
		return err;
	if (sessions)
		nat46_session_flush(nn->net, nat46_conf_strands, e->conf);
	audit_soon(nn);
	return 0;
}

/* ---- pools ---------------------------------------------------------------------- */

/**
 * nat46_conf_pool_add() - add a pool
 * @e: the change under way
 * @p: the pool, checked
 * @may: NAT46_MAY_*
 * @extack: told what is wrong
 *
 * Context: may sleep, nn->lock held.
 * Return: 0 or -errno.
 */
int nat46_conf_pool_add(struct nat46_edit *e, const struct nat46_pool *p, u8 may,
			struct netlink_ext_ack *extack)
{
	struct nat46_conf next = *e->conf;

	next.pools = nat46_pools_add(next.pools, p, may, extack);
	if (IS_ERR(next.pools))
		return PTR_ERR(next.pools);
	return nat46_edit_apply(e, &next);
}

static bool in_pool(const struct nat46_mapping *m, const void *pool)
{
	const struct nat46_pool *p = pool;

	return (m->addr & p->mask) == p->addr;
}

/**
 * nat46_conf_pool_del() - remove a pool
 * @e: the change under way
 * @name: the pool's address and length
 * @how: what becomes of those who use it
 * @extack: told what is wrong
 *
 * Context: may sleep, nn->lock held.
 * Return: 0, -ENOENT, -EBUSY, -ENOMEM.
 */
int nat46_conf_pool_del(struct nat46_edit *e, const struct nat46_pool *name,
			enum nat46_removal how, struct netlink_ext_ack *extack)
{
	const struct nat46_pool *found = nat46_pools_get(e->conf->pools, name->addr, name->plen);
	struct nat46_conf next = *e->conf;
	struct nat46_pool p;
	int err;

	if (!found) {
		NL_SET_ERR_MSG(extack, "no such pool");
		return -ENOENT;
	}
	p = *found;
	if (how == NAT46_REMOVE_UNUSED && nat46_maps_count(next.maps, &p)) {
		NL_SET_ERR_MSG(extack, "mappings use the pool");
		return -EBUSY;
	}
	next.pools = how == NAT46_REMOVE_DRAIN ? nat46_pools_drain(next.pools, found) :
						 nat46_pools_del(next.pools, found);
	if (IS_ERR(next.pools))
		return PTR_ERR(next.pools);
	err = apply_removal(e, &next, how == NAT46_REMOVE_FORCE, extack);
	if (err)
		return err;
	nat46_maps_flush(e->nn, e->conf->maps, in_pool, &p);
	return 0;
}

/* ---- sources -------------------------------------------------------------------- */

/**
 * nat46_conf_source_add() - add a source, or give it other ports
 * @e: the change under way
 * @s: the source, checked and resolved
 * @may: NAT46_MAY_*
 * @extack: told what is wrong
 *
 * Context: may sleep, nn->lock held.
 * Return: 0 or -errno; -EBUSY where sessions use ports that would go.
 */
int nat46_conf_source_add(struct nat46_edit *e, const struct nat46_source *s, u8 may,
			  struct netlink_ext_ack *extack)
{
	struct nat46_conf next = *e->conf;

	next.sources = nat46_sources_add(next.sources, s, may, extack);
	if (IS_ERR(next.sources))
		return PTR_ERR(next.sources);
	if (next.sources->n > e->conf->sources->n)
		return nat46_edit_apply(e, &next);
	return apply_removal(e, &next, false, extack);
}

/**
 * nat46_conf_source_del() - remove a source
 * @e: the change under way
 * @name: its type, device or addresses, and "from"
 * @how: what becomes of its sessions
 * @extack: told what is wrong
 *
 * Context: may sleep, nn->lock held.
 * Return: 0, -ENOENT, -EBUSY, -ENOMEM.
 */
int nat46_conf_source_del(struct nat46_edit *e, const struct nat46_source *name,
			  enum nat46_removal how, struct netlink_ext_ack *extack)
{
	const struct nat46_source *found = nat46_sources_get(e->conf->sources, name);
	struct nat46_conf next = *e->conf;

	if (!found) {
		NL_SET_ERR_MSG(extack, "no such source");
		return -ENOENT;
	}
	next.sources = how == NAT46_REMOVE_DRAIN ? nat46_sources_drain(next.sources, found) :
						   nat46_sources_del(next.sources, found);
	if (IS_ERR(next.sources))
		return PTR_ERR(next.sources);
	return apply_removal(e, &next, how == NAT46_REMOVE_FORCE, extack);
}

/* ---- policy, settings -------------------------------------------------------------- */

static int apply_policy(struct nat46_edit *e, const struct nat46_conf *next)
{
	int err = nat46_edit_apply(e, next);

	if (err || e->tx || !e->nn->hooks)
		return err;
	nat46_conf_end_denied(e->nn, e->conf);
	audit_soon(e->nn);
	return 0;
}

/**
 * nat46_conf_policy_add() - add an entry to the policy; what it denies ends
 * @e: the change under way
 * @p: the entry, valid
 * @may: NAT46_MAY_*
 * @extack: told what is wrong
 *
 * Context: may sleep, nn->lock held.
 * Return: 0 or -errno.
 */
int nat46_conf_policy_add(struct nat46_edit *e, const struct nat46_policy *p, u8 may,
			  struct netlink_ext_ack *extack)
{
	struct nat46_conf next = *e->conf;

	next.policies = nat46_policies_add(next.policies, p, may, extack);
	if (IS_ERR(next.policies))
		return PTR_ERR(next.policies);
	return apply_policy(e, &next);
}

/**
 * nat46_conf_policy_del() - remove an entry; what is denied without it ends
 * @e: the change under way
 * @p: the entry
 * @extack: told what is wrong
 *
 * Context: may sleep, nn->lock held.
 * Return: 0, -ENOENT, -ENOMEM.
 */
int nat46_conf_policy_del(struct nat46_edit *e, const struct nat46_policy *p,
			  struct netlink_ext_ack *extack)
{
	struct nat46_conf next = *e->conf;

	next.policies = nat46_policies_del(next.policies, p, extack);
	if (IS_ERR(next.policies))
		return PTR_ERR(next.policies);
	return apply_policy(e, &next);
}

/**
 * nat46_conf_params_set() - replace the settings
 * @e: the change under way
 * @par: the settings, valid
 *
 * Context: may sleep, nn->lock held.
 * Return: 0 or -ENOMEM.
 */
int nat46_conf_params_set(struct nat46_edit *e, const struct nat46_params *par)
{
	const bool stricter = par->policy_default != e->conf->params.policy_default;
	struct nat46_conf next = *e->conf;

	next.params = *par;
	return stricter ? apply_policy(e, &next) : nat46_edit_apply(e, &next);
}

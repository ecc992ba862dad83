// SPDX-License-Identifier: GPL-2.0
/*
 * What a request changes: pools, sources, policy, settings, each with the
 * sessions that it concerns. How a change is put in place: conf.c.
 */
#include "conf.h"

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
		nat46_conf_free_unshared(next, e->conf);
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

// SPDX-License-Identifier: GPL-2.0
/*
 * What an IPv4 address of a pool, or a prefix of them, stands for, and for how
 * long.
 *
 * The table (maps.c) holds one reference of a mapping, each session another. A
 * session opens on a mapping without any lock, while the kernel may be about to
 * delete it because it has none: the word that counts the sessions decides.
 * Expiry (gc.c) makes it negative, and from then on no session can open.
 */
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/rwsem.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <net/addrconf.h>
#include <net/ipv6.h>

#include "conf.h"

static atomic_t tenants = ATOMIC_INIT(0);	/* mappings, nat46_is_tenant() */

static unsigned int userns_max_mappings = 262144;
module_param(userns_max_mappings, uint, 0644);
MODULE_PARM_DESC(userns_max_mappings,
		 "mappings at most, in all network namespaces of other user namespaces");

/* ---- what the packet path asks ------------------------------------------------ */

/**
 * nat46_map_find() - the mapping that serves an address
 * @conf: the configuration
 * @addr: the address
 *
 * Of all whose prefix holds it the longest: RFC 7757 section 3.3.1, step 1.
 *
 * Context: RCU; no reference is taken.
 * Return: the mapping, or NULL.
 */
struct nat46_mapping *nat46_map_find(const struct nat46_conf *conf, __be32 addr)
{
	struct nat46_mapping *m = NULL;
	unsigned int k;

	for (k = 0; k < NAT46_MAP_LENGTHS && !m; k++)
		m = xa_load(&conf->maps->xa[k], ntohl(addr) >> k);
	return m;
}

/**
 * nat46_map_open() - a session is about to be made
 * @m: the mapping
 *
 * A mapping that somebody has deleted a moment ago may still serve; one that
 * has expired does not, because it was deleted for having no session.
 *
 * Context: RCU.
 * Return: true, and the session holds a reference, and keeps the mapping from
 * expiring, until nat46_map_ended() or nat46_map_refused(); or false.
 */
bool nat46_map_open(struct nat46_mapping *m)
{
	if (!refcount_inc_not_zero(&m->ref))
		return false;
	if (!atomic_inc_unless_negative(&m->sessions)) {
		nat46_map_put(m);
		return false;
	}
	return true;
}

/**
 * nat46_map_opened() - the session is there
 * @m: its mapping
 *
 * Context: any.
 */
void nat46_map_opened(struct nat46_mapping *m)
{
	atomic64_inc(&m->opened);
	WRITE_ONCE(m->used, nat46_now());
}

/**
 * nat46_map_refused() - no session was made; the mapping keeps no trace of it
 * @m: the mapping
 *
 * Context: any; the reference is still the session's.
 */
void nat46_map_refused(struct nat46_mapping *m)
{
	atomic_dec(&m->sessions);
}

/**
 * nat46_map_ended() - a session has ended
 * @m: its mapping
 * @last: when its last packet was, in seconds
 *
 * Context: any; the reference is still the session's.
 */
void nat46_map_ended(struct nat46_mapping *m, u32 last)
{
	u32 seen = READ_ONCE(m->last);

	/* many end at once; the latest counts */
	while (seen < last) {
		const u32 was = cmpxchg(&m->last, seen, last);

		if (was == seen)
			break;
		seen = was;
	}
	WRITE_ONCE(m->used, nat46_now());
	smp_mb__before_atomic();	/* who sees no session sees its times */
	atomic_dec(&m->sessions);
}

/**
 * nat46_map_put() - give back a reference
 * @m: the mapping
 *
 * Context: any.
 */
void nat46_map_put(struct nat46_mapping *m)
{
	struct nat46_binding *b;

	if (!refcount_dec_and_test(&m->ref))
		return;
	if (m->tenant)
		atomic_dec(&tenants);
	/* nobody can change it any more, readers may still look */
	b = rcu_dereference_protected(m->binding, true);
	kfree_rcu(b, rcu);
	kfree_rcu(m, rcu);
}

/* ---- whoever wants to know ------------------------------------------------------ */

static DECLARE_RWSEM(event_sem);
static nat46_map_event_t event_fn;

/**
 * nat46_map_event_set() - who is told of changes
 * @fn: the function, or NULL; the former one is not running any more
 *
 * Context: may sleep.
 */
void nat46_map_event_set(nat46_map_event_t fn)
{
	down_write(&event_sem);
	event_fn = fn;
	up_write(&event_sem);
}

/**
 * nat46_map_event() - tell of a change of a live mapping
 * @nn: the network namespace's state
 * @m: the mapping
 * @event: what happened to it
 *
 * Context: may sleep, nn->lock held.
 */
void nat46_map_event(struct nat46_net *nn, const struct nat46_mapping *m,
		     enum nat46_map_event event)
{
	down_read(&event_sem);
	if (event_fn)
		event_fn(nn, m, event);
	up_read(&event_sem);
}

/* ---- life ------------------------------------------------------------------------ */

static struct nat46_binding *binding_new(const struct nat46_map_spec *spec)
{
	const size_t len = strlen(spec->name) + 1;
	struct nat46_binding *b;

	b = kmalloc(struct_size(b, target, spec->n) + len, GFP_KERNEL_ACCOUNT);
	if (!b)
		return NULL;
	b->n = spec->n;
	b->inbound = spec->inbound;
	memcpy(b->target, spec->target, array_size(spec->n, sizeof(b->target[0])));
	memcpy(&b->target[b->n], spec->name, len);
	return b;
}

static void set_fresh(struct nat46_mapping *m, u32 stale_at, u32 fresh)
{
	WRITE_ONCE(m->stale_at, stale_at);
	WRITE_ONCE(m->fresh, fresh);
}

static void set_expiry(struct nat46_mapping *m, bool expires, u32 until, u32 hold)
{
	WRITE_ONCE(m->until, until);
	WRITE_ONCE(m->hold, hold);
	WRITE_ONCE(m->expires, expires);
}

static void expiry_from(struct nat46_mapping *m, const struct nat46_map_spec *spec)
{
	const u32 now = nat46_now();

	set_expiry(m, spec->expires, now + min(spec->seconds, U32_MAX - now), spec->hold);
	set_fresh(m, now + min(spec->fresh, U32_MAX - now), spec->fresh);
}

static struct nat46_mapping *mapping_new(const struct nat46_map_spec *spec, bool tenant)
{
	struct nat46_mapping *m = kzalloc(sizeof(*m), GFP_KERNEL_ACCOUNT);
	struct nat46_binding *b;

	if (!m)
		return NULL;
	b = binding_new(spec);
	if (!b) {
		kfree(m);
		return NULL;
	}
	refcount_set(&m->ref, 1);
	m->tenant = tenant;
	if (tenant)
		atomic_inc(&tenants);
	m->addr = spec->addr;
	m->plen = spec->plen;
	RCU_INIT_POINTER(m->binding, b);
	strscpy(m->owner, spec->owner, sizeof(m->owner));
	expiry_from(m, spec);
	return m;
}

/**
 * nat46_map_left() - what is left of a mapping's EXPIRES
 * @m: a mapping that expires
 *
 * Context: RCU.
 * Return: seconds; 0 where only sessions or HOLD keep it.
 */
u32 nat46_map_left(const struct nat46_mapping *m)
{
	const u32 until = READ_ONCE(m->until), now = nat46_now();

	return until > now ? until - now : 0;
}

/**
 * nat46_map_renew() - give a mapping another one's expiry
 * @m: the mapping
 * @as: the other
 *
 * Context: nn->lock held.
 */
void nat46_map_renew(struct nat46_mapping *m, const struct nat46_mapping *as)
{
	set_expiry(m, as->expires, as->until, as->hold);
	set_fresh(m, as->stale_at, as->fresh);
}

static bool same_binding(const struct nat46_binding *a, const struct nat46_binding *b)
{
	return a->n == b->n && a->inbound == b->inbound &&
	       !memcmp(a->target, b->target, a->n * sizeof(a->target[0])) &&
	       !strcmp(nat46_binding_name(a), nat46_binding_name(b));
}

/**
 * nat46_map_same() - do two mappings say the same, but for their expiry?
 * @a: one
 * @b: the other
 *
 * Context: nn->lock held.
 * Return: whether they do.
 */
bool nat46_map_same(const struct nat46_mapping *a, const struct nat46_mapping *b)
{
	return a->addr == b->addr && a->plen == b->plen && !strcmp(a->owner, b->owner) &&
	       same_binding(rcu_dereference_protected(a->binding, true),
			    rcu_dereference_protected(b->binding, true));
}

/* ---- what is asked for -------------------------------------------------------------- */

/**
 * nat46_map_name_ok() - may that be a mapping's name?
 * @name: the name
 *
 * It is printed into batches and JSON as it is.
 *
 * Context: any.
 * Return: whether it may.
 */
bool nat46_map_name_ok(const char *name)
{
	for (; *name; name++)
		if (*name <= ' ' || *name > '~' || strchr("\"'\\", *name))
			return false;
	return true;
}

/**
 * nat46_map_owner_ok() - may that be an owner?
 * @owner: the word
 *
 * Context: any.
 * Return: whether it may.
 */
bool nat46_map_owner_ok(const char *owner)
{
	const size_t len = strspn(owner, "abcdefghijklmnopqrstuvwxyz0123456789_-");

	return len && !owner[len];
}

/**
 * nat46_map_target_check() - may a mapping have that target?
 * @e: the change under way
 * @target: the target
 * @plen: the length of the mapping's prefix; the addresses of a target that is
 *	a prefix are checked one by one, when sessions open to them
 * @extack: told why not
 *
 * Context: may sleep, nn->lock held.
 * Return: 0, -EINVAL or -EPERM.
 */
int nat46_map_target_check(const struct nat46_edit *e, const struct in6_addr *target, u8 plen,
			   struct netlink_ext_ack *extack)
{
	if (target->s6_addr32[3] & ~nat46_mask4(plen)) {
		NL_SET_ERR_MSG(extack, "the target has bits set beyond the length of its prefix");
		return -EINVAL;
	}
	if (ipv6_addr_any(target) || ipv6_addr_is_multicast(target)) {
		NL_SET_ERR_MSG(extack, "the target is not a unicast address");
		return -EINVAL;
	}
	if (nat46_policy_never(e->conf, target, 96 + plen)) {
		NL_SET_ERR_MSG(extack, "the target is denied by policy");
		return -EPERM;
	}
	if (plen == 32 && ipv6_chk_addr(e->nn->net, target, NULL, 0)) {
		NL_SET_ERR_MSG(extack, "the target is an address of this host");
		return -EPERM;
	}
	return 0;
}

static int not_owner(const struct nat46_mapping *m, struct netlink_ext_ack *extack)
{
	if (!strcmp(m->owner, NAT46_OWNER_DNS46))
		NL_SET_ERR_MSG(extack, "the address belongs to owner dns46");
	else if (!strcmp(m->owner, NAT46_OWNER_STATIC))
		NL_SET_ERR_MSG(extack, "the address belongs to owner static");
	else
		NL_SET_ERR_MSG(extack, "the address belongs to another owner");
	return -EPERM;
}

static int replace(struct nat46_edit *e, struct nat46_mapping *m,
		   const struct nat46_map_spec *spec, struct netlink_ext_ack *extack)
{
	struct nat46_binding *old = rcu_dereference_protected(m->binding, true);
	struct nat46_binding *new = binding_new(spec);
	struct nat46_inbounds *next;
	int err;

	if (!new)
		return -ENOMEM;
	if (same_binding(old, new)) {
		kfree(new);
		if (!m->expires && !spec->expires)
			return 0;
	} else {
		err = nat46_inbounds_next(e->conf->maps, m, old, new, &next, extack);
		if (err) {
			kfree(new);
			return err;
		}
		rcu_assign_pointer(m->binding, new);
		nat46_inbounds_publish(e->nn, e->conf->maps, next);
		kfree_rcu(old, rcu);
	}
	expiry_from(m, spec);
	if (!e->tx) {
		nat46_conf_changed(e->nn);
		nat46_map_event(e->nn, m, NAT46_MAP_EVENT_CHANGE);
	}
	return 0;
}

static int create(struct nat46_edit *e, const struct nat46_map_spec *spec,
		  struct netlink_ext_ack *extack)
{
	const bool tenant = nat46_is_tenant(e->nn->net);
	struct nat46_mapping *m;
	int err;

	if (tenant && (u32)atomic_read(&tenants) >= READ_ONCE(userns_max_mappings)) {
		NL_SET_ERR_MSG(extack, "user namespaces have as many mappings as they may");
		return -ENOSPC;
	}
	m = mapping_new(spec, tenant);
	if (!m)
		return -ENOMEM;
	err = nat46_maps_add(e->nn, e->conf->maps, m, extack);
	if (err) {
		nat46_map_put(m);
		return err;
	}
	if (!e->tx) {
		nat46_conf_changed(e->nn);
		nat46_miss_forget(e->nn, m->addr, nat46_mask4(m->plen));
		nat46_map_event(e->nn, m, NAT46_MAP_EVENT_NEW);
	}
	return 0;
}

/**
 * nat46_map_add() - add or replace a mapping
 * @e: the change under way
 * @spec: the mapping; its targets are checked
 * @may: NAT46_MAY_*
 * @extack: told what is wrong
 *
 * Sessions keep the target that they have.
 *
 * Context: may sleep, nn->lock held.
 * Return: 0, -EADDRNOTAVAIL, -EBUSY, -EPERM, -EEXIST, -ENOENT, -EADDRINUSE: the
 * target is another inbound mapping's, -ENOSPC, -ENOMEM.
 */
int nat46_map_add(struct nat46_edit *e, const struct nat46_map_spec *spec, u8 may,
		  struct netlink_ext_ack *extack)
{
	const struct nat46_pool *pool = nat46_pools_find(e->conf->pools, spec->addr);
	struct nat46_mapping *m = nat46_maps_get(e->conf->maps, spec->addr, spec->plen);
	int err;

	if (!pool || pool->plen > spec->plen) {
		if (spec->plen == 32)
			NL_SET_ERR_MSG(extack, "the address is in no pool");
		else
			NL_SET_ERR_MSG(extack, "the prefix does not lie in a pool");
		return -EADDRNOTAVAIL;
	}
	if (pool->drain) {
		NL_SET_ERR_MSG(extack, "the address's pool is draining");
		return -EBUSY;
	}
	if (m && strcmp(m->owner, spec->owner))
		return not_owner(m, extack);
	if (m && !(may & NAT46_MAY_REPLACE)) {
		NL_SET_ERR_MSG(extack, "the address has a mapping");
		return -EEXIST;
	}
	if (!m && !(may & NAT46_MAY_CREATE)) {
		NL_SET_ERR_MSG(extack, "no such mapping");
		return -ENOENT;
	}
	err = m ? replace(e, m, spec, extack) : create(e, spec, extack);
	if (!err && spec->expires && !e->tx)
		nat46_gc_kick(e->nn, spec->seconds);
	return err;
}

/**
 * nat46_map_delete() - take a mapping out, and tell
 * @nn: the network namespace's state
 * @maps: its mappings
 * @m: one of them; sessions that have it keep it
 * @event: why
 *
 * Context: may sleep, nn->lock held.
 */
void nat46_map_delete(struct nat46_net *nn, struct nat46_maps *maps, struct nat46_mapping *m,
		      enum nat46_map_event event)
{
	struct nat46_inbounds *next;

	xa_erase(&maps->xa[32 - m->plen], ntohl(m->addr) >> (32 - m->plen));
	maps->n--;
	/* where there is no memory for one less, it stays, and says nothing more */
	if (!nat46_inbounds_next(maps, m, rcu_dereference_protected(m->binding, true), NULL,
				 &next, NULL))
		nat46_inbounds_publish(nn, maps, next);
	nat46_conf_changed(nn);
	nat46_map_event(nn, m, event);
	nat46_map_put(m);
}

/**
 * nat46_map_del() - delete a mapping
 * @e: the change under way, live
 * @addr: its address
 * @plen: its length
 * @owner: only where it belongs to that one; NULL: to anybody
 * @extack: told what is wrong
 *
 * Context: may sleep, nn->lock held.
 * Return: 0, -ENOENT, -EPERM.
 */
int nat46_map_del(struct nat46_edit *e, __be32 addr, u8 plen, const char *owner,
		  struct netlink_ext_ack *extack)
{
	struct nat46_mapping *m = nat46_maps_get(e->conf->maps, addr, plen);

	if (!m) {
		NL_SET_ERR_MSG(extack, "no such mapping");
		return -ENOENT;
	}
	if (owner && strcmp(m->owner, owner))
		return not_owner(m, extack);
	nat46_map_delete(e->nn, e->conf->maps, m, NAT46_MAP_EVENT_DEL);
	return 0;
}

/**
 * nat46_maps_flush() - delete mappings
 * @nn: the network namespace's state
 * @maps: its mappings
 * @match: which of them
 * @arg: for @match
 *
 * Context: may sleep, nn->lock held.
 */
void nat46_maps_flush(struct nat46_net *nn, struct nat46_maps *maps, nat46_map_match_t match,
		      const void *arg)
{
	struct nat46_map_at at = { 0 };
	struct nat46_mapping *m;

	for (m = nat46_maps_from(maps, &at); m; m = nat46_maps_next(maps, &at)) {
		if (match(m, arg))
			nat46_map_delete(nn, maps, m, NAT46_MAP_EVENT_DEL);
		cond_resched();
	}
}

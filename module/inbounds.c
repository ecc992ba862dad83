// SPDX-License-Identifier: GPL-2.0
/*
 * inbounds.c: the inbound mappings by their targets: which IPv4 address stands
 * for an address of the IPv6 side. An immutable array beside the table of
 * mappings, the longest target prefixes first. It only proposes: the mapping
 * itself has the last word, so an entry that has outlived it does no harm.
 */
#include <linux/bsearch.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <net/ipv6.h>

#include "conf.h"

#define INBOUNDS_MAX	4096

struct inbound {
	struct in6_addr target;
	__be32 addr;
	u8 plen;			/* of the IPv4 prefix */
};

struct nat46_inbounds {
	struct rcu_head rcu;
	u32 lengths;			/* BIT(32 - plen) of all that are there */
	unsigned int n;
	struct inbound v[];
};

static int cmp(const void *a, const void *b)
{
	const struct inbound *x = a, *y = b;
	const int d = y->plen - x->plen;

	return d ?: memcmp(&x->target, &y->target, sizeof(x->target));
}

static const struct inbound *find(const struct nat46_inbounds *set, const struct inbound *key)
{
	return bsearch(key, set->v, set->n, sizeof(*key), cmp);
}

/* The mapping that @i was made for, if it still says so. */
static struct nat46_mapping *still(const struct nat46_maps *maps, const struct inbound *i)
{
	struct nat46_mapping *m = nat46_maps_get(maps, i->addr, i->plen);
	const struct nat46_binding *b;

	if (!m)
		return NULL;
	b = rcu_dereference_check(m->binding, true);
	return b->inbound && ipv6_addr_equal(&b->target[0], &i->target) ? m : NULL;
}

/**
 * nat46_inbound_map() - the inbound mapping that an address is a target of
 * @conf: the configuration
 * @target: the address
 * @addr: set to the IPv4 address that stands for it
 *
 * RFC 7757 section 3.3.2: the longest IPv6 prefix. A client that asks for
 * @addr must come to the same mapping.
 *
 * Context: RCU; no reference is taken.
 * Return: the mapping, or NULL.
 */
struct nat46_mapping *nat46_inbound_map(const struct nat46_conf *conf,
					const struct in6_addr *target, __be32 *addr)
{
	const struct nat46_inbounds *set = rcu_dereference(conf->maps->inbounds);
	unsigned long lengths;
	unsigned int k;

	if (!set)
		return NULL;
	lengths = set->lengths;
	for_each_set_bit(k, &lengths, NAT46_MAP_LENGTHS) {
		struct inbound key = { .plen = 32 - k };
		const struct inbound *i;
		struct nat46_mapping *m;

		ipv6_addr_prefix(&key.target, target, 96 + key.plen);
		i = find(set, &key);
		m = i ? still(conf->maps, i) : NULL;
		if (!m)
			continue;
		*addr = i->addr | (target->s6_addr32[3] & ~nat46_mask4(i->plen));
		if (nat46_map_find(conf, *addr) == m)
			return m;
	}
	return NULL;
}

/* ---- changes: nn->lock held ---------------------------------------------------- */

static size_t size_of(const struct nat46_inbounds *set)
{
	return struct_size(set, v, set->n);
}

static void append(struct nat46_inbounds *set, const struct inbound *i)
{
	set->v[set->n++] = *i;
	set->lengths |= BIT(32 - i->plen);
}

/**
 * nat46_inbounds_next() - the inbound mappings after a change
 * @maps: the mappings
 * @m: the mapping that changes
 * @was: what it stands for now; NULL: it is new
 * @is: what it will stand for; NULL: it goes
 * @next: set to the new array, for nat46_inbounds_publish() or _drop()
 * @extack: told what is wrong
 *
 * Context: may sleep, nn->lock held.
 * Return: 0, -EADDRINUSE, -ENOSPC, -ENOMEM.
 */
int nat46_inbounds_next(const struct nat46_maps *maps, const struct nat46_mapping *m,
			const struct nat46_binding *was, const struct nat46_binding *is,
			struct nat46_inbounds **next, struct netlink_ext_ack *extack)
{
	struct nat46_inbounds *old = rcu_dereference_protected(maps->inbounds, true), *set;
	struct inbound new = { .addr = m->addr, .plen = m->plen };
	const unsigned int n = old ? old->n : 0;
	bool come = is && is->inbound;
	const struct inbound *same;
	unsigned int i;

	*next = old;
	if (!come && !(was && was->inbound))
		return 0;
	if (come) {
		new.target = is->target[0];
		same = old ? find(old, &new) : NULL;
		if (same && same->addr != new.addr && still(maps, same)) {
			NL_SET_ERR_MSG(extack, "another inbound mapping has the target");
			return -EADDRINUSE;
		}
		if (n - (was && was->inbound) >= INBOUNDS_MAX) {
			NL_SET_ERR_MSG(extack, "there are 4096 inbound mappings already");
			return -ENOSPC;
		}
	}

	set = kvzalloc(struct_size(set, v, n + 1), GFP_KERNEL_ACCOUNT);
	if (!set)
		return -ENOMEM;
	for (i = 0; i < n; i++) {
		const struct inbound *o = &old->v[i];

		if (come && cmp(&new, o) <= 0) {
			append(set, &new);
			come = false;
		}
		if (!(o->addr == m->addr && o->plen == m->plen) && (!is || cmp(&new, o)))
			append(set, o);
	}
	if (come)
		append(set, &new);
	*next = set;
	if (!set->n) {
		kvfree(set);
		*next = NULL;
	}
	return 0;
}

/**
 * nat46_inbounds_publish() - put the new array in place
 * @nn: the network namespace's state
 * @maps: the mappings
 * @next: what nat46_inbounds_next() has made
 *
 * Context: may sleep, nn->lock held.
 */
void nat46_inbounds_publish(struct nat46_net *nn, struct nat46_maps *maps,
			    struct nat46_inbounds *next)
{
	struct nat46_inbounds *old = rcu_dereference_protected(maps->inbounds, true);

	BUILD_BUG_ON(offsetof(struct nat46_inbounds, rcu));
	if (old == next)
		return;
	rcu_assign_pointer(maps->inbounds, next);
	if (old)
		nat46_conf_retire_one(&old->rcu, size_of(old));
}

/**
 * nat46_inbounds_drop() - free an array that has no reader
 * @maps: the mappings, which keep theirs; NULL: they go
 * @next: the array: what nat46_inbounds_next() has made
 *
 * Context: may sleep.
 */
void nat46_inbounds_drop(const struct nat46_maps *maps, struct nat46_inbounds *next)
{
	if (!maps || next != rcu_access_pointer(maps->inbounds))
		kvfree(next);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * The table of mappings: an xarray for each length of prefix, so that a change
 * touches one entry and whoever reads needs no lock. Thousands cost no more
 * than one.
 */
#include <linux/sched.h>
#include <linux/slab.h>

#include "conf.h"

/**
 * nat46_maps_alloc() - room for mappings
 *
 * Context: may sleep.
 * Return: the mappings, none yet, or NULL.
 */
struct nat46_maps *nat46_maps_alloc(void)
{
	struct nat46_maps *maps = kzalloc(sizeof(*maps), GFP_KERNEL_ACCOUNT);
	unsigned int k;

	for (k = 0; maps && k < NAT46_MAP_LENGTHS; k++)
		xa_init_flags(&maps->xa[k], XA_FLAGS_ACCOUNT);
	return maps;
}

/**
 * nat46_maps_from() - walk over mappings, the longest prefixes first
 * @maps: the mappings
 * @at: where to look; set to where the mapping is
 *
 * Context: RCU, or nn->lock held.
 * Return: the mapping at or behind that place, or NULL.
 */
struct nat46_mapping *nat46_maps_from(struct nat46_maps *maps, struct nat46_map_at *at)
{
	struct nat46_mapping *m;

	for (; at->k < NAT46_MAP_LENGTHS; at->k++, at->i = 0) {
		m = xa_find(&maps->xa[at->k], &at->i, ULONG_MAX, XA_PRESENT);
		if (m)
			return m;
	}
	return NULL;
}

/**
 * nat46_maps_get() - the mapping of just that prefix
 * @maps: the mappings
 * @addr: the prefix's address
 * @plen: its length, 8 to 32
 *
 * Context: RCU, or nn->lock held.
 * Return: the mapping, or NULL.
 */
struct nat46_mapping *nat46_maps_get(const struct nat46_maps *maps, __be32 addr, u8 plen)
{
	const unsigned int k = 32 - plen;

	return xa_load((struct xarray *)&maps->xa[k], ntohl(addr) >> k);
}

/**
 * nat46_maps_store() - put a mapping in its place
 * @maps: the mappings, nobody reads them or there is none of that prefix
 * @m: the mapping; the reference is the caller's to take
 *
 * Context: may sleep, nn->lock held.
 * Return: 0 or -ENOMEM; never that where the place was taken.
 */
int nat46_maps_store(struct nat46_maps *maps, struct nat46_mapping *m)
{
	const unsigned int k = 32 - m->plen;

	return xa_err(xa_store(&maps->xa[k], ntohl(m->addr) >> k, m, GFP_KERNEL));
}

/**
 * nat46_maps_add() - one mapping more
 * @nn: the network namespace's state
 * @maps: the mappings, none of that prefix
 * @m: the mapping; the reference is the caller's to take
 * @extack: told what is wrong
 *
 * Context: may sleep, nn->lock held.
 * Return: 0, -EADDRINUSE, -ENOSPC, -ENOMEM.
 */
int nat46_maps_add(struct nat46_net *nn, struct nat46_maps *maps, struct nat46_mapping *m,
		   struct netlink_ext_ack *extack)
{
	struct nat46_inbounds *next;
	int err;

	err = nat46_inbounds_next(maps, m, NULL, rcu_dereference_protected(m->binding, true),
				  &next, extack);
	if (err)
		return err;
	err = nat46_maps_store(maps, m);
	if (err) {
		nat46_inbounds_drop(maps, next);
		return err;
	}
	maps->n++;
	nat46_inbounds_publish(nn, maps, next);
	return 0;
}

/**
 * nat46_maps_free() - free mappings that have no reader
 * @maps: the mappings, or NULL; sessions may still hold some
 *
 * Context: may sleep.
 */
void nat46_maps_free(struct nat46_maps *maps)
{
	struct nat46_map_at at = { 0 };
	struct nat46_mapping *m;
	unsigned int k;

	if (!maps)
		return;
	for (m = nat46_maps_from(maps, &at); m; m = nat46_maps_next(maps, &at)) {
		nat46_map_put(m);
		cond_resched();
	}
	for (k = 0; k < NAT46_MAP_LENGTHS; k++)
		xa_destroy(&maps->xa[k]);
	nat46_inbounds_drop(NULL, rcu_dereference_protected(maps->inbounds, true));
	kfree(maps);
}

/**
 * nat46_maps_count() - the mappings in a pool
 * @maps: the mappings
 * @p: the pool
 *
 * Context: RCU, or nn->lock held.
 * Return: their number.
 */
u32 nat46_maps_count(const struct nat46_maps *maps, const struct nat46_pool *p)
{
	const u32 first = ntohl(p->addr), last = first | ~ntohl(p->mask);
	unsigned long i;
	unsigned int k;
	void *m;
	u32 n = 0;

	for (k = 0; k <= 32 - p->plen; k++) {
		struct xarray *xa = (struct xarray *)&maps->xa[k];

		xa_for_each_range(xa, i, m, first >> k, last >> k)
			n++;
	}
	return n;
}

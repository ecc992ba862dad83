// SPDX-License-Identifier: GPL-2.0
/*
 * The IPv4 prefixes whose addresses mappings may use, as an immutable
 * array, sorted by address. They never overlap, so one binary search answers.
 */
#include <linux/inet.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "conf.h"

/* What no pool may touch: nobody could send to it, or everybody does. */
static const struct {
	u32 addr;
	u8 plen;
} forbidden[] = {
	{ 0x00000000, 8 },	/* "this network" */
	{ 0x7f000000, 8 },	/* loopback */
	{ 0xa9fe0000, 16 },	/* link-local */
	{ 0xe0000000, 3 },	/* multicast, reserved, broadcast */
};

static bool overlap(u32 a, u8 a_plen, u32 b, u8 b_plen)
{
	const u32 mask = ~0u << (32 - min(a_plen, b_plen));

	return (a & mask) == (b & mask);
}

/**
 * nat46_pool_check() - may that prefix be a pool at all?
 * @p: the prefix; plen is 1 to 32
 * @extack: told why not
 *
 * Context: any.
 * Return: 0 or -EINVAL.
 */
int nat46_pool_check(const struct nat46_pool *p, struct netlink_ext_ack *extack)
{
	unsigned int i;

	if (p->addr & ~p->mask) {
		NL_SET_ERR_MSG(extack, "the prefix has bits set beyond its length");
		return -EINVAL;
	}
	for (i = 0; i < ARRAY_SIZE(forbidden); i++) {
		if (overlap(ntohl(p->addr), p->plen, forbidden[i].addr, forbidden[i].plen)) {
			NL_SET_ERR_MSG(extack, "not a range of unicast addresses");
			return -EINVAL;
		}
	}
	return 0;
}

/* The number of pools that lie before or around @addr. */
static unsigned int upto(const struct nat46_pools *set, u32 addr)
{
	unsigned int lo = 0, hi = set->n;

	while (lo < hi) {
		const unsigned int mid = (lo + hi) / 2;

		if (ntohl(set->v[mid].addr) <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/**
 * nat46_pools_find() - the pool that holds an address
 * @set: the pools
 * @addr: the address
 *
 * Context: RCU, or whoever owns @set.
 * Return: the pool, or NULL.
 */
const struct nat46_pool *nat46_pools_find(const struct nat46_pools *set, __be32 addr)
{
	const unsigned int i = upto(set, ntohl(addr));

	if (!i || (addr & set->v[i - 1].mask) != set->v[i - 1].addr)
		return NULL;
	return &set->v[i - 1];
}

/**
 * nat46_pool_find() - the pool that holds an address
 * @conf: the configuration
 * @addr: the address
 *
 * Context: RCU.
 * Return: the pool, which may be draining, or NULL.
 */
const struct nat46_pool *nat46_pool_find(const struct nat46_conf *conf, __be32 addr)
{
	return nat46_pools_find(conf->pools, addr);
}

/**
 * nat46_pools_alloc() - room for @n pools
 * @n: how many
 *
 * Context: may sleep.
 * Return: the array, its n set, or NULL.
 */
struct nat46_pools *nat46_pools_alloc(unsigned int n)
{
	struct nat46_pools *set;

	set = kvzalloc(struct_size(set, v, n), GFP_KERNEL_ACCOUNT);
	if (set)
		set->n = n;
	return set;
}

static struct nat46_pools *copy(const struct nat46_pools *old)
{
	struct nat46_pools *set = nat46_pools_alloc(old->n);

	if (!set)
		return ERR_PTR(-ENOMEM);
	memcpy(set->v, old->v, array_size(old->n, sizeof(old->v[0])));
	return set;
}

/**
 * nat46_pools_get() - the pool of just that prefix
 * @set: the pools
 * @addr: the prefix's address
 * @plen: its length
 *
 * Context: RCU, or whoever owns @set.
 * Return: the pool, or NULL.
 */
struct nat46_pool *nat46_pools_get(const struct nat46_pools *set, __be32 addr, u8 plen)
{
	struct nat46_pool *p = (struct nat46_pool *)nat46_pools_find(set, addr);

	return p && p->addr == addr && p->plen == plen ? p : NULL;
}

static bool overlaps_any(const struct nat46_pools *set, const struct nat46_pool *p)
{
	unsigned int i;

	for (i = 0; i < set->n; i++)
		if (overlap(ntohl(p->addr), p->plen, ntohl(set->v[i].addr), set->v[i].plen))
			return true;
	return false;
}

/**
 * nat46_pools_add() - the pools with one more
 * @old: the pools as they are
 * @p: the pool
 * @may: NAT46_MAY_*; to replace a pool ends its draining
 * @extack: told what is wrong
 *
 * Context: may sleep.
 * Return: a new array, or ERR_PTR(): -EEXIST, -ENOENT, -ENOSPC, -ENOMEM.
 */
struct nat46_pools *nat46_pools_add(const struct nat46_pools *old, const struct nat46_pool *p,
				    u8 may, struct netlink_ext_ack *extack)
{
	const unsigned int at = upto(old, ntohl(p->addr));
	struct nat46_pools *set;

	if (nat46_pools_get(old, p->addr, p->plen)) {
		if (!(may & NAT46_MAY_REPLACE)) {
			NL_SET_ERR_MSG(extack, "the pool exists");
			return ERR_PTR(-EEXIST);
		}
		set = copy(old);
		if (!IS_ERR(set))
			nat46_pools_get(set, p->addr, p->plen)->drain = false;
		return set;
	}
	if (overlaps_any(old, p)) {
		NL_SET_ERR_MSG(extack, "the pool overlaps another one");
		return ERR_PTR(-EEXIST);
	}
	if (!(may & NAT46_MAY_CREATE)) {
		NL_SET_ERR_MSG(extack, "no such pool");
		return ERR_PTR(-ENOENT);
	}
	if (old->n >= NAT46_POOLS_MAX) {
		NL_SET_ERR_MSG(extack, "there are 64 pools already");
		return ERR_PTR(-ENOSPC);
	}

	set = nat46_pools_alloc(old->n + 1);
	if (!set)
		return ERR_PTR(-ENOMEM);
	memcpy(set->v, old->v, array_size(at, sizeof(old->v[0])));
	set->v[at] = *p;
	memcpy(set->v + at + 1, old->v + at, array_size(old->n - at, sizeof(old->v[0])));
	return set;
}

/**
 * nat46_pools_del() - the pools without one
 * @old: the pools as they are
 * @p: one of them
 *
 * Context: may sleep.
 * Return: a new array, or ERR_PTR(-ENOMEM).
 */
struct nat46_pools *nat46_pools_del(const struct nat46_pools *old, const struct nat46_pool *p)
{
	const unsigned int at = p - old->v;
	struct nat46_pools *set;

	set = nat46_pools_alloc(old->n - 1);
	if (!set)
		return ERR_PTR(-ENOMEM);
	memcpy(set->v, old->v, array_size(at, sizeof(old->v[0])));
	memcpy(set->v + at, p + 1, array_size(set->n - at, sizeof(old->v[0])));
	return set;
}

/**
 * nat46_pools_drain() - the pools, with one that opens no session any more
 * @old: the pools as they are
 * @p: one of them
 *
 * Context: may sleep.
 * Return: a new array, or ERR_PTR(-ENOMEM).
 */
struct nat46_pools *nat46_pools_drain(const struct nat46_pools *old, const struct nat46_pool *p)
{
	struct nat46_pools *set = copy(old);

	if (!IS_ERR(set))
		set->v[p - old->v].drain = true;
	return set;
}

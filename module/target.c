// SPDX-License-Identifier: GPL-2.0
/*
 * target.c: which of a mapping's targets serves a client.
 */
#include <linux/net.h>
#include <linux/siphash.h>
#include <net/ipv6.h>

#include "conf.h"

static hsiphash_key_t target_key __read_mostly;

/*
 * By rendezvous hashing: as long as a target is in the mapping, the clients
 * that have it keep it.
 */
static unsigned int choose(const struct nat46_binding *b, __be32 client)
{
	struct {
		struct in6_addr target;
		__be32 client;
	} __aligned(HSIPHASH_ALIGNMENT) key = { .client = client };
	unsigned int i, best = 0;
	u32 hash, most = 0;

	net_get_random_once(&target_key, sizeof(target_key));
	for (i = 0; i < b->n; i++) {
		key.target = b->target[i];
		hash = hsiphash(&key, offsetofend(typeof(key), client), &target_key);
		if (hash > most) {
			most = hash;
			best = i;
		}
	}
	return best;
}

static struct in6_addr target_at(const struct nat46_mapping *m, const struct nat46_binding *b,
				 unsigned int i, __be32 addr)
{
	struct in6_addr target = b->target[i];

	nat46_eam(target.s6_addr, (const u8 *)&addr, m->plen);
	return target;
}

/**
 * nat46_map_target() - the target for a client
 * @m: the mapping
 * @client: the client's address
 * @addr: the address that it asks for; the target takes over what lies behind
 *	the mapping's prefix
 *
 * Context: RCU.
 * Return: the target.
 */
struct in6_addr nat46_map_target(const struct nat46_mapping *m, __be32 client, __be32 addr)
{
	const struct nat46_binding *b = rcu_dereference(m->binding);

	return target_at(m, b, b->n == 1 ? 0 : choose(b, client), addr);
}

/**
 * nat46_map_next_target() - where else a client may try
 * @m: the mapping
 * @client: the client's address
 * @addr: the address that it asks for
 * @target: the target that it was sent to; set to the next
 *
 * Once round the list, from the one that nat46_map_target() names.
 *
 * Context: RCU.
 * Return: false where it was the last, or is none of the mapping's by now.
 */
bool nat46_map_next_target(const struct nat46_mapping *m, __be32 client, __be32 addr,
			   struct in6_addr *target)
{
	const struct nat46_binding *b = rcu_dereference(m->binding);
	struct in6_addr first, t;
	unsigned int i;

	if (b->n == 1)
		return false;
	first = target_at(m, b, choose(b, client), addr);
	for (i = 0; i < b->n; i++) {
		t = target_at(m, b, i, addr);
		if (!ipv6_addr_equal(&t, target))
			continue;
		*target = target_at(m, b, (i + 1) % b->n, addr);
		return !ipv6_addr_equal(target, &first);
	}
	return false;
}

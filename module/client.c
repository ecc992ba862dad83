// SPDX-License-Identifier: GPL-2.0
/*
 * client.c: how many sessions each client has, and the way back to it. Touched
 * when a session is made and when it ends, never by its packets; a client without
 * sessions costs nothing.
 */
#include <linux/hash.h>
#include <linux/list.h>
#include <linux/siphash.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <net/dst.h>
#include <net/net_namespace.h>
#include <net/netns/hash.h>

#include "ipsec.h"
#include "nf_nat46.h"
#include "session.h"

#define BUCKETS	4096u
#define LOCKS	64u

struct client {
	struct hlist_node node;
	struct net *net;
	__be32 addr;
	u32 sessions;
	const struct nat46_session *last; /* the one opened last, if it lives */
};

static struct hlist_head bucket[BUCKETS];
static spinlock_t lock[LOCKS];
static hsiphash_key_t key __read_mostly;

static struct client *find(u32 b, const struct net *net, __be32 addr)
{
	struct client *c;

	hlist_for_each_entry(c, &bucket[b], node)
		if (c->addr == addr && net_eq(c->net, net))
			return c;
	return NULL;
}

static u32 bucket_of(const struct net *net, __be32 addr)
{
	return hsiphash_2u32((__force u32)addr, net_hash_mix(net), &key) % BUCKETS;
}

/*
 * A session of a client that has another has the same route back, and no look-up:
 * unless rules, or IPsec's policies, may tell the two apart. Of several equal
 * routes, a client's sessions so keep to one. Whoever uses it checks that it is
 * still right.
 */
static void share_route(struct nat46_session *s, const struct nat46_session *last)
{
	struct dst_entry *dst;

#ifdef CONFIG_IP_MULTIPLE_TABLES
	if (s->net->ipv4.fib_has_custom_rules)
		return;
#endif
	if (nat46_ipsec_policies(s->net, XFRM_POLICY_OUT))
		return;
	if (s->local || s->iif != READ_ONCE(last->iif) || rcu_access_pointer(s->dst4))
		return;
	dst = rcu_dereference(last->dst4);
	if (dst && dst_hold_safe(dst))
		RCU_INIT_POINTER(s->dst4, dst);
}

/**
 * nat46_client_open() - a client is to have one more session
 * @s: the session, its client and @s->iif known; may be given the route back
 * @max: sessions that it may have; 0: any number
 *
 * Context: RCU, softirq or process.
 * Return: NAT46_OK: it is counted, until nat46_client_ended();
 * NAT46_DROP_MAX_PER_CLIENT, NAT46_DROP_NO_MEMORY.
 */
enum nat46_reason nat46_client_open(struct nat46_session *s, u32 max)
{
	struct net *net = s->net;
	const __be32 addr = s->t4.saddr;
	const u32 b = bucket_of(net, addr);
	enum nat46_reason r = NAT46_OK;
	struct client *c;

	spin_lock_bh(&lock[b % LOCKS]);
	c = find(b, net, addr);
	if (!c) {
		c = kzalloc(sizeof(*c), GFP_ATOMIC);
		if (!c) {
			r = NAT46_DROP_NO_MEMORY;
			goto out;
		}
		c->net = net;
		c->addr = addr;
		hlist_add_head(&c->node, &bucket[b]);
	}
	/* a new client is below any limit */
	if (max && c->sessions >= max) {
		r = NAT46_DROP_MAX_PER_CLIENT;
		goto out;
	}
	c->sessions++;
	if (c->last)
		share_route(s, c->last);
	c->last = s;
out:
	spin_unlock_bh(&lock[b % LOCKS]);
	return r;
}

/**
 * nat46_client_ended() - one of a client's sessions has ended
 * @s: the session
 *
 * Context: softirq or process; before a grace period, where @s was hashed.
 */
void nat46_client_ended(const struct nat46_session *s)
{
	const u32 b = bucket_of(s->net, s->t4.saddr);
	struct client *c;

	spin_lock_bh(&lock[b % LOCKS]);
	c = find(b, s->net, s->t4.saddr);
	if (c && c->last == s)
		c->last = NULL;
	if (!WARN_ON_ONCE(!c) && !--c->sessions) {
		hlist_del(&c->node);
		kfree(c);
	}
	spin_unlock_bh(&lock[b % LOCKS]);
}

/**
 * nat46_client_sessions() - how many sessions has a client?
 * @net: where
 * @addr: the client
 *
 * Context: softirq or process.
 * Return: their number.
 */
u32 nat46_client_sessions(struct net *net, __be32 addr)
{
	const u32 b = bucket_of(net, addr);
	const struct client *c;
	u32 n;

	spin_lock_bh(&lock[b % LOCKS]);
	c = find(b, net, addr);
	n = c ? c->sessions : 0;
	spin_unlock_bh(&lock[b % LOCKS]);
	return n;
}

/**
 * nat46_client_init() - before the first session
 *
 * Context: module initialisation.
 */
void nat46_client_init(void)
{
	unsigned int i;

	for (i = 0; i < LOCKS; i++)
		spin_lock_init(&lock[i]);
	get_random_bytes(&key, sizeof(key));
}

// SPDX-License-Identifier: GPL-2.0
/*
 * bib.c: which port of ours stands for a client's port whatever the target is
 * (RFC 4787 REQ-1, the BIB of RFC 6146), for as long as a session uses it. Only
 * with the setting port-mapping independent, and only when a session is made
 * and when it ends: its packets never come here.
 */
#include <linux/jhash.h>
#include <linux/list.h>
#include <linux/siphash.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <net/ipv6.h>
#include <net/netns/hash.h>

#include "nf_nat46.h"
#include "session.h"

#define BUCKETS	16384u
#define LOCKS	256u

struct nat46_bib {
	struct hlist_node by_client;
	struct hlist_node by_port;
	struct net *net;
	struct in6_addr addr6;
	__be32 client;
	__be16 port4;
	__be16 port6;
	u8 proto;
	u32 sessions;			/* under the client's lock */
};

static struct hlist_head *clients;	/* BUCKETS, then as many by port */
static struct hlist_head *ports;
/* the client's is taken first */
static spinlock_t client_lock[LOCKS];
static spinlock_t port_lock[LOCKS];
static hsiphash_key_t key __read_mostly;
static struct kmem_cache *cache;

static u32 client_bucket(const struct net *net, u8 proto, __be32 client, __be16 port4)
{
	return hsiphash_3u32((__force u32)client, (__force u32)port4,
			     net_hash_mix(net) ^ proto, &key) % BUCKETS;
}

static u32 port_bucket(const struct net *net, u8 proto, const struct in6_addr *addr6, __be16 port6)
{
	return hsiphash_3u32(__ipv6_addr_jhash(addr6, net_hash_mix(net)), (__force u32)port6,
			     proto, &key) % BUCKETS;
}

static bool between(const struct in6_addr *a, const struct in6_addr *lo, const struct in6_addr *hi)
{
	return memcmp(a, lo, sizeof(*a)) >= 0 && memcmp(a, hi, sizeof(*a)) <= 0;
}

/* The client's lock is held. */
static struct nat46_bib *find(u32 b, const struct nat46_session *s,
			      const struct in6_addr *lo, const struct in6_addr *hi)
{
	struct nat46_bib *e;

	hlist_for_each_entry(e, &clients[b], by_client)
		if (e->client == s->t4.saddr && e->port4 == s->t4.sport &&
		    e->proto == s->t4.proto && net_eq(e->net, s->net) &&
		    between(&e->addr6, lo, hi))
			return e;
	return NULL;
}

/* The port's lock is held. */
static bool taken(u32 b, const struct nat46_session *s)
{
	const struct nat46_bib *e;

	hlist_for_each_entry(e, &ports[b], by_port)
		if (e->port6 == s->t6.sport && e->proto == s->t4.proto &&
		    ipv6_addr_equal(&e->addr6, &s->t6.saddr) && net_eq(e->net, s->net))
			return true;
	return false;
}

static void use(struct nat46_session *s, struct nat46_bib *e)
{
	e->sessions++;
	s->t6.saddr = e->addr6;
	s->t6.sport = e->port6;
	s->bib = e;
}

/**
 * nat46_bib_find() - has the client's port one of ours already?
 * @s: the session that is being made; gets the entry, its address and port
 * @lo: the source's addresses: the lowest
 * @hi: the highest
 *
 * Context: softirq or process.
 * Return: whether there is an entry.
 */
bool nat46_bib_find(struct nat46_session *s, const struct in6_addr *lo, const struct in6_addr *hi)
{
	const u32 b = client_bucket(s->net, s->t4.proto, s->t4.saddr, s->t4.sport);
	struct nat46_bib *e;

	spin_lock_bh(&client_lock[b % LOCKS]);
	e = find(b, s, lo, hi);
	if (e)
		use(s, e);
	spin_unlock_bh(&client_lock[b % LOCKS]);
	return e;
}

/**
 * nat46_bib_make() - bind the port that a session has chosen to its client's
 * @s: the session that is being made, s->t6.saddr and its port chosen; gets the
 *	entry, and the port of one that another CPU has just made
 *
 * Context: softirq or process.
 * Return: 0; -EADDRINUSE: that port is another's; -ENOMEM.
 */
int nat46_bib_make(struct nat46_session *s)
{
	const u32 b = client_bucket(s->net, s->t4.proto, s->t4.saddr, s->t4.sport);
	const u32 at = port_bucket(s->net, s->t4.proto, &s->t6.saddr, s->t6.sport);
	struct nat46_bib *e;
	int err = 0;

	spin_lock_bh(&client_lock[b % LOCKS]);
	e = find(b, s, &s->t6.saddr, &s->t6.saddr);
	if (e) {
		use(s, e);
		goto out;
	}
	spin_lock(&port_lock[at % LOCKS]);
	if (taken(at, s)) {
		err = -EADDRINUSE;
	} else {
		e = kmem_cache_zalloc(cache, GFP_ATOMIC);
		err = e ? 0 : -ENOMEM;
	}
	if (!err) {
		e->net = s->net;
		e->addr6 = s->t6.saddr;
		e->client = s->t4.saddr;
		e->port4 = s->t4.sport;
		e->port6 = s->t6.sport;
		e->proto = s->t4.proto;
		hlist_add_head(&e->by_client, &clients[b]);
		hlist_add_head(&e->by_port, &ports[at]);
		use(s, e);
	}
	spin_unlock(&port_lock[at % LOCKS]);
out:
	spin_unlock_bh(&client_lock[b % LOCKS]);
	return err;
}

/**
 * nat46_bib_put() - a session needs its entry no more
 * @s: the session; nothing where it has none
 *
 * Context: softirq or process.
 */
void nat46_bib_put(struct nat46_session *s)
{
	struct nat46_bib *e = s->bib;
	u32 b, at;

	if (!e)
		return;
	s->bib = NULL;
	b = client_bucket(e->net, e->proto, e->client, e->port4);
	at = port_bucket(e->net, e->proto, &e->addr6, e->port6);
	spin_lock_bh(&client_lock[b % LOCKS]);
	if (!--e->sessions) {
		spin_lock(&port_lock[at % LOCKS]);
		hlist_del(&e->by_port);
		spin_unlock(&port_lock[at % LOCKS]);
		hlist_del(&e->by_client);
		kmem_cache_free(cache, e);
	}
	spin_unlock_bh(&client_lock[b % LOCKS]);
}

/**
 * nat46_bib_init() - make the two tables
 *
 * Context: may sleep; module initialisation.
 * Return: 0 or -ENOMEM.
 */
int nat46_bib_init(void)
{
	unsigned int i;

	get_random_bytes(&key, sizeof(key));
	for (i = 0; i < LOCKS; i++) {
		spin_lock_init(&client_lock[i]);
		spin_lock_init(&port_lock[i]);
	}
	cache = kmem_cache_create("nf_nat46_bib", sizeof(struct nat46_bib), 0, 0, NULL);
	if (!cache)
		return -ENOMEM;
	clients = kvcalloc(2 * BUCKETS, sizeof(*clients), GFP_KERNEL);
	if (!clients) {
		kmem_cache_destroy(cache);
		return -ENOMEM;
	}
	ports = clients + BUCKETS;
	return 0;
}

/**
 * nat46_bib_exit() - free the tables, when all sessions have been ended
 *
 * Context: may sleep; module exit.
 */
void nat46_bib_exit(void)
{
	kmem_cache_destroy(cache);
	kvfree(clients);
}

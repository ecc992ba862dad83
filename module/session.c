// SPDX-License-Identifier: GPL-2.0
/*
 * session.c: the table of sessions, and the life of one.
 *
 * One object holds both tuples and is hashed by both, in two halves of one
 * global table. Readers take no lock and no reference: a session is freed
 * through RCU, its keys never change, and it is never used again for another
 * flow. Whoever hashes or unhashes a session holds the locks of both its
 * buckets. Each is in the IPv6 half as long as it lives, which is what walks
 * and the sweeper go by; in the IPv4 half a client that was moved on to another
 * target has its last one only.
 */
#include <linux/hash.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/prefetch.h>
#include <net/dst.h>
#include <net/ipv6.h>
#include <net/netns/hash.h>

#include "nf_nat46.h"
#include "session.h"

#define LOCKS		1024u
#define SWEEP_SHARE	16	/* a sixteenth of the table each second */

static struct hlist_head *table[2];	/* by NAT46_DIR_ */
static spinlock_t locks[LOCKS];
static hsiphash_key_t key __read_mostly;
static struct kmem_cache *cache;
static atomic_t total = ATOMIC_INIT(0);	/* those in a grace period too */
static atomic_t tenants = ATOMIC_INIT(0); /* of these, nat46_is_tenant() */

static unsigned int hashsize;
module_param(hashsize, uint, 0444);
MODULE_PARM_DESC(hashsize, "buckets of the session table, a power of two");

static unsigned int max_sessions;
module_param(max_sessions, uint, 0644);
MODULE_PARM_DESC(max_sessions, "sessions at most, of all network namespaces");

static unsigned int userns_max_sessions;
module_param(userns_max_sessions, uint, 0644);
MODULE_PARM_DESC(userns_max_sessions,
		 "of these, in network namespaces of other user namespaces (0: half)");

static void sweep(struct work_struct *work);
static DECLARE_DELAYED_WORK(sweeper, sweep);

/**
 * nat46_now() - a clock that counts up while the machine runs
 *
 * Context: any.
 * Return: seconds.
 */
u32 nat46_now(void)
{
	return ktime_get_seconds();
}

static u32 hash4(const struct net *net, const struct nat46_tuple4 *t)
{
	return nat46_hash4(t, net_hash_mix(net), &key);
}

static u32 hash6(const struct net *net, const struct nat46_tuple6 *t)
{
	return nat46_hash6(t, net_hash_mix(net), &key);
}

static struct hlist_head *bucket(int dir, u32 hash)
{
	return &table[dir][hash & (hashsize - 1)];
}

static struct nat46_session *look4(const struct net *net,
				   const struct nat46_tuple4 *t, u32 hash)
{
	struct nat46_session *s;

	hlist_for_each_entry_rcu(s, bucket(NAT46_DIR_4, hash),
				 node[NAT46_DIR_4], true) {
		prefetch(&s->t6);
		if (nat46_same4(&s->t4, t) && net_eq(s->net, net))
			return s;
	}
	return NULL;
}

static struct nat46_session *look6(const struct net *net,
				   const struct nat46_tuple6 *t, u32 hash)
{
	struct nat46_session *s;

	hlist_for_each_entry_rcu(s, bucket(NAT46_DIR_6, hash),
				 node[NAT46_DIR_6], true) {
		prefetch(&s->dst4);
		if (nat46_same6(&s->t6, t) && net_eq(s->net, net))
			return s;
	}
	return NULL;
}

/* All of a bucket's have one, however few buckets there are. */
static u32 lock_of(u32 hash)
{
	return (hash & (hashsize - 1)) % LOCKS;
}

/* For sparse, two locks are taken even where they are one. */
static void lock_two(u32 h4, u32 h6)
	__acquires(locks) __acquires(locks)
{
	u32 a = lock_of(h4), b = lock_of(h6);

	if (a > b)
		swap(a, b);
	spin_lock_bh(&locks[a]);
	if (a != b)
		spin_lock_nested(&locks[b], SINGLE_DEPTH_NESTING);
	else
		__acquire(locks);
}

static void unlock_two(u32 h4, u32 h6)
	__releases(locks) __releases(locks)
{
	u32 a = lock_of(h4), b = lock_of(h6);

	if (a > b)
		swap(a, b);
	if (a != b)
		spin_unlock(&locks[b]);
	else
		__release(locks);
	spin_unlock_bh(&locks[a]);
}

static void free_rcu_cb(struct rcu_head *head)
{
	struct nat46_session *s = container_of(head, struct nat46_session, rcu);

	nat46_session_free(s);
}

static void uncount(bool tenant)
{
	if (tenant)
		atomic_dec(&tenants);
	atomic_dec(&total);
}

/**
 * nat46_session_alloc() - a new session, counted against the machine's caps
 * @net: where
 * @full: set where a cap was the reason to fail
 *
 * Context: softirq or process.
 * Return: the session, zeroed but for @net, or NULL.
 */
struct nat46_session *nat46_session_alloc(struct net *net, bool *full)
{
	const bool tenant = nat46_is_tenant(net);
	struct nat46_session *s = NULL;

	*full = (u32)atomic_inc_return(&total) > READ_ONCE(max_sessions);
	if (tenant && (u32)atomic_inc_return(&tenants) > nat46_session_max(net))
		*full = true;
	if (!*full)
		s = kmem_cache_zalloc(cache, GFP_ATOMIC);
	if (!s) {
		uncount(tenant);
		return NULL;
	}
	s->net = net;
	s->tenant = tenant;
	return s;
}

/**
 * nat46_session_free() - give back a session that no reader can see
 * @s: the session
 *
 * Context: softirq or process.
 */
void nat46_session_free(struct nat46_session *s)
{
	dst_release(rcu_dereference_protected(s->dst4, true));
	dst_release(rcu_dereference_protected(s->dst6, true));
	if (s->map)
		nat46_map_put(s->map);
	uncount(s->tenant);
	kmem_cache_free(cache, s);
}

/**
 * nat46_session_insert() - hash a session under its two tuples
 * @s: the session, complete
 * @instead: NULL; or a session that is to give up the IPv4 tuple to it
 * @taken: set to the session that has the IPv4 tuple, where it is another
 *
 * Both tuples are checked again under the two locks.
 *
 * Context: RCU, softirq or process.
 * Return: 0; -EEXIST with *@taken: the flow has a session by now; -EADDRINUSE:
 * the IPv6 tuple belongs to another flow, or to one of the host's own.
 */
int nat46_session_insert(struct nat46_session *s, struct nat46_session *instead,
			 struct nat46_session **taken)
{
	const u32 h6 = hash6(s->net, &s->t6);
	struct nat46_session *now;
	int err = 0;
	u32 h4;

	if (!s->hash4)
		s->hash4 = hash4(s->net, &s->t4);
	h4 = s->hash4;
	s->ident = h4 ^ h6 >> 16;
	/* a port that is taken shows without the locks */
	if (look6(s->net, &s->t6, h6) && !look4(s->net, &s->t4, h4))
		return -EADDRINUSE;
	/* likewise the host's, where it has the address; a prefix is nobody's else */
	if (!s->stateless && nat46_clashes(s))
		return -EADDRINUSE;
	lock_two(h4, h6);
	now = look4(s->net, &s->t4, h4);
	if (now && now != instead) {
		*taken = now;
		err = -EEXIST;
	} else if (look6(s->net, &s->t6, h6)) {
		err = -EADDRINUSE;
	} else {
		if (now) {
			WRITE_ONCE(now->moved, true);
			hlist_del_rcu(&now->node[NAT46_DIR_4]);
		}
		hlist_add_head_rcu(&s->node[NAT46_DIR_6], bucket(NAT46_DIR_6, h6));
		hlist_add_head_rcu(&s->node[NAT46_DIR_4], bucket(NAT46_DIR_4, h4));
	}
	unlock_two(h4, h6);

	/* the sweeper sleeps while there is nothing to sweep */
	if (!err && !delayed_work_pending(&sweeper))
		queue_delayed_work(system_unbound_wq, &sweeper, HZ);
	return err;
}

/**
 * nat46_session_end() - end a session, once, whoever comes first
 * @s: the session
 *
 * Context: RCU, softirq or process.
 * Return: whether it was this call.
 */
bool nat46_session_end(struct nat46_session *s)
{
	const u32 h4 = s->hash4, h6 = hash6(s->net, &s->t6);
	struct nat46_net *nn;
	bool first;

	lock_two(h4, h6);
	first = !s->dead;
	if (first) {
		s->dead = true;
		if (!s->moved)
			hlist_del_rcu(&s->node[NAT46_DIR_4]);
		hlist_del_rcu(&s->node[NAT46_DIR_6]);
	}
	unlock_two(h4, h6);
	if (!first)
		return false;

	nn = nat46_pernet(s->net);
	nat46_count(nn, NAT46_CNT_ENDED);
	atomic_dec(&nn->sessions);
	nat46_client_ended(s);
	nat46_bib_put(s);
	nat46_map_ended(s->map, READ_ONCE(s->last));
	call_rcu(&s->rcu, free_rcu_cb);
	return true;
}

static struct nat46_session *if_alive(struct nat46_session *s,
				      const struct nat46_conf *conf)
{
	if (s && unlikely(nat46_session_expired(s, &conf->params))) {
		nat46_session_end(s);
		return NULL;
	}
	return s;
}

/**
 * nat46_session_find4() - the session of a packet from the IPv4 side
 * @p: the packet; is told the tuple's hash, for nat46_session_open()
 * @t: its tuple
 *
 * Context: RCU; no lock is taken, no reference given.
 * Return: the session, or NULL.
 */
struct nat46_session *nat46_session_find4(struct nat46_pkt *p, const struct nat46_tuple4 *t)
{
	p->hash = hash4(p->nn->net, t);
	return if_alive(look4(p->nn->net, t, p->hash), p->conf);
}

/**
 * nat46_session_find6() - the session of a packet from the IPv6 side
 * @nn: where
 * @t: the tuple as our own packets carry it: saddr is ours
 * @conf: the configuration, for the timeouts
 *
 * The packet's whole tuple must be the session's: filtering is address and
 * port dependent (RFC 4787 REQ-8, RFC 6146 section 3.5.1.2).
 *
 * Context: RCU; no lock is taken, no reference given.
 * Return: the session, or NULL.
 */
struct nat46_session *nat46_session_find6(struct nat46_net *nn,
					  const struct nat46_tuple6 *t,
					  const struct nat46_conf *conf)
{
	return if_alive(look6(nn->net, t, hash6(nn->net, t)), conf);
}

/**
 * nat46_session_move_back() - a target answers after the client was moved on
 * @p: the packet, from the IPv6 side
 * @s: its session, which has lost the IPv4 tuple to another
 *
 * The first of a mapping's targets to answer has the connection: the session
 * that had taken its place ends, unless that was answered too.
 *
 * Context: RCU, softirq or process.
 * Return: whether @s has its tuple again.
 */
bool nat46_session_move_back(struct nat46_pkt *p, struct nat46_session *s)
{
	const u32 h4 = s->hash4, h6 = hash6(s->net, &s->t6);
	struct nat46_session *now;
	bool back;

	if (p->icmp_error || !(p->tcp_flags & NAT46_TCP_SYN))
		return false;
	now = look4(s->net, &s->t4, h4);
	if (now && now != s) {
		if (READ_ONCE(now->state) != NAT46_STATE_INIT)
			return false;
		nat46_session_end(now);
	}

	lock_two(h4, h6);
	now = look4(s->net, &s->t4, h4);
	back = !s->dead && (!now || now == s);
	if (back && !now) {
		hlist_add_head_rcu(&s->node[NAT46_DIR_4], bucket(NAT46_DIR_4, h4));
		WRITE_ONCE(s->moved, false);
	}
	unlock_two(h4, h6);
	return back;
}

/**
 * nat46_session_walk() - visit sessions, resumably
 * @net: whose; NULL: all
 * @bucket_p: the bucket to begin with; where it stopped
 * @skip: sessions of that bucket seen already; likewise
 * @fn: called under RCU for each; non-zero stops, and that session is visited
 *      again by the next call
 * @arg: handed to @fn
 *
 * Context: may sleep.
 * Return: what @fn returned, or 0 at the table's end.
 */
int nat46_session_walk(struct net *net, u32 *bucket_p, u32 *skip,
		       int (*fn)(const struct nat46_session *s, void *arg),
		       void *arg)
{
	int ret = 0;

	for (; *bucket_p < hashsize; (*bucket_p)++, *skip = 0) {
		struct nat46_session *s;
		u32 n = 0;

		if (hlist_empty(&table[NAT46_DIR_6][*bucket_p]))
			continue;
		rcu_read_lock();
		hlist_for_each_entry_rcu(s, &table[NAT46_DIR_6][*bucket_p],
					 node[NAT46_DIR_6]) {
			if (net && !net_eq(s->net, net))
				continue;
			if (n++ < *skip)
				continue;
			ret = fn(s, arg);
			if (ret)
				break;
			(*skip)++;
		}
		rcu_read_unlock();
		if (ret)
			return ret;
		cond_resched();
	}
	return 0;
}

struct visit {
	nat46_match_t match;
	const void *arg;
	bool end;
	u32 n;
};

static int visit_one(const struct nat46_session *s, void *arg)
{
	struct visit *v = arg;

	if (v->match && !v->match(s, v->arg))
		return 0;
	if (!v->end || nat46_session_end((struct nat46_session *)s))
		v->n++;
	return 0;
}

static u32 visit_all(struct net *net, struct visit *v)
{
	u32 b = 0, skip = 0;

	if (atomic_read(&nat46_pernet(net)->sessions))
		nat46_session_walk(net, &b, &skip, visit_one, v);
	return v->n;
}

/**
 * nat46_session_count() - count sessions
 * @net: whose
 * @match: which; NULL: all
 * @arg: handed to @match
 *
 * Context: may sleep.
 * Return: their number.
 */
u32 nat46_session_count(struct net *net, nat46_match_t match, const void *arg)
{
	struct visit v = { .match = match, .arg = arg };

	return visit_all(net, &v);
}

/**
 * nat46_session_flush() - end sessions
 * @net: whose
 * @match: which; NULL: all
 * @arg: handed to @match
 *
 * Context: may sleep.
 * Return: how many this call ended.
 */
u32 nat46_session_flush(struct net *net, nat46_match_t match, const void *arg)
{
	struct visit v = { .match = match, .arg = arg, .end = true };

	return visit_all(net, &v);
}

static void sweep_bucket(struct hlist_head *head)
{
	struct nat46_session *s;

	rcu_read_lock();
	local_bh_disable();	/* the probe may go to a socket of this node */
	hlist_for_each_entry_rcu(s, head, node[NAT46_DIR_6]) {
		const struct nat46_conf *conf;

		conf = rcu_dereference(nat46_pernet(s->net)->conf);
		if (!conf)
			continue;
		if (nat46_session_expired(s, &conf->params))
			nat46_session_end(s);
		else if (nat46_session_silent(s, &conf->params))
			nat46_tcp_probe(s, conf);
	}
	local_bh_enable();
	rcu_read_unlock();
}

/* Ends what has expired, a share of the table each second. */
static void sweep(struct work_struct *work)
{
	static u32 at;
	u32 n = hashsize / SWEEP_SHARE;	/* not 0, see nat46_session_init() */

	for (; n; n--) {
		at = (at + 1) & (hashsize - 1);
		if (hlist_empty(&table[NAT46_DIR_6][at]))
			continue;
		sweep_bucket(&table[NAT46_DIR_6][at]);
		cond_resched();
	}
	if (atomic_read(&total))
		queue_delayed_work(system_unbound_wq, &sweeper, HZ);
}

u32 nat46_session_total(void)
{
	return atomic_read(&total);
}

/**
 * nat46_session_room() - is there room for one more?
 * @net: where
 *
 * Context: any.
 * Return: whether nat46_session_alloc() would find some now.
 */
bool nat46_session_room(const struct net *net)
{
	return nat46_session_total() < READ_ONCE(max_sessions) &&
	       (!nat46_is_tenant(net) || (u32)atomic_read(&tenants) < nat46_session_max(net));
}

/**
 * nat46_session_max() - the cap that a network namespace shares with others
 * @net: which
 *
 * Context: any.
 * Return: sessions.
 */
u32 nat46_session_max(const struct net *net)
{
	const u32 max = READ_ONCE(max_sessions);

	if (!nat46_is_tenant(net))
		return max;
	return min(READ_ONCE(userns_max_sessions) ?: max / 2, max);
}

u32 nat46_session_buckets(void)
{
	return hashsize;
}

/**
 * nat46_session_init() - make the table
 *
 * Context: may sleep; module initialisation.
 * Return: 0 or -errno.
 */
int nat46_session_init(void)
{
	unsigned int i;

	BUILD_BUG_ON(offsetof(struct nat46_session, t6) > 64 ||
		     offsetofend(struct nat46_session, dst6) > 128);
	if (!hashsize)
		hashsize = nat46_default_buckets(PFN_PHYS(totalram_pages()) >> 20);
	hashsize = roundup_pow_of_two(clamp(hashsize, 64u, 1u << 24));
	if (!max_sessions)
		max_sessions = 2 * hashsize;

	nat46_client_init();
	get_random_bytes(&key, sizeof(key));
	for (i = 0; i < LOCKS; i++)
		spin_lock_init(&locks[i]);

	cache = kmem_cache_create("nf_nat46_session", sizeof(struct nat46_session),
				  0, SLAB_HWCACHE_ALIGN, NULL);
	if (!cache)
		return -ENOMEM;
	table[0] = kvcalloc(2 * (size_t)hashsize, sizeof(*table[0]), GFP_KERNEL);
	if (!table[0]) {
		kmem_cache_destroy(cache);
		return -ENOMEM;
	}
	table[1] = table[0] + hashsize;
	return 0;
}

/**
 * nat46_session_exit() - free the table, when all sessions have been ended
 *
 * Context: may sleep; module exit, all network namespaces left.
 */
void nat46_session_exit(void)
{
	cancel_delayed_work_sync(&sweeper);
	rcu_barrier();		/* the sessions' callbacks are this module's */
	kmem_cache_destroy(cache);
	kvfree(table[0]);
}

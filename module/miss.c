// SPDX-License-Identifier: GPL-2.0
/*
 * miss.c: who listens is told of addresses that stand for nothing, or whose
 * mapping is no more fresh, when a client wants them.
 *
 * A packet to an address without a mapping waits for nobody: it is dropped
 * without a word, for an ICMP error would end a connect() at once, and what the
 * client sends again a second later finds the mapping that the listener has made
 * meanwhile. Without a listener, where it knows nothing of the address either,
 * or where a client asks for too many of them, the packet is refused as ever.
 *
 * The tables are small and of a fixed size; a packet that has, or gets, a
 * session touches none of it.
 */
#include <linux/siphash.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "nf_nat46.h"

#define WAYS		4u		/* places that an address may have */
#define SETS		256u
#define CLIENTS		1024u		/* buckets; who share one share its events */
#define BURST		64u		/* events of a client at once */
#define PER_SECOND	16u		/* and in the long run */
#define ALL_PER_SECOND	1024u		/* events of all clients */
#define UNKNOWN_SECONDS	10u

struct address {
	__be32 addr;
	u32 at;				/* seconds: told, or answered */
	bool unknown;
	u8 proto;			/* the packet of which was told; 0: none */
	__be16 dport;
	__be32 client;
};

struct nat46_misses {
	spinlock_t lock;		/* all below */
	u32 second;			/* of the events counted in told */
	u32 told;
	struct address address[SETS][WAYS];
	struct {
		u32 at;
		u32 left;
	} client[CLIENTS];
};

static const struct nat46_miss_ops __rcu *miss_ops;
static siphash_key_t miss_key __read_mostly;

/**
 * nat46_miss_ops_set() - who tells the listeners
 * @ops: how; or NULL: the former ones are not in use any more
 *
 * Context: may sleep.
 */
void nat46_miss_ops_set(const struct nat46_miss_ops *ops)
{
	rcu_assign_pointer(miss_ops, ops);
	synchronize_rcu();
}

/* Under RCU: NULL where nobody listens, here or anywhere. */
static const struct nat46_miss_ops *listened(struct nat46_net *nn)
{
	const struct nat46_miss_ops *ops = rcu_dereference(miss_ops);

	return ops && ops->wanted(nn) ? ops : NULL;
}

/**
 * nat46_misses_alloc() - the tables of a network namespace
 *
 * Context: may sleep.
 * Return: the tables, or NULL.
 */
struct nat46_misses *nat46_misses_alloc(void)
{
	struct nat46_misses *ms = kvzalloc(sizeof(*ms), GFP_KERNEL_ACCOUNT);

	if (ms)
		spin_lock_init(&ms->lock);
	net_get_random_once(&miss_key, sizeof(miss_key));
	return ms;
}

static struct address *set_of(struct nat46_misses *ms, __be32 addr)
{
	return ms->address[siphash_1u32((__force u32)addr, &miss_key) % SETS];
}

static struct address *find(struct nat46_misses *ms, __be32 addr)
{
	struct address *set = set_of(ms, addr);
	unsigned int i;

	for (i = 0; i < WAYS; i++)
		if (set[i].addr == addr && set[i].at)
			return &set[i];
	return NULL;
}

/* Its place; who has waited longest makes room. */
static struct address *find_or_make(struct nat46_misses *ms, __be32 addr)
{
	struct address *set = set_of(ms, addr), *a = find(ms, addr);
	unsigned int i;

	if (a)
		return a;
	a = set;
	for (i = 1; i < WAYS; i++)
		if (set[i].at < a->at)
			a = &set[i];
	*a = (struct address){ .addr = addr };
	return a;
}

/* May there be one event more, of that client? */
static bool affordable(struct nat46_misses *ms, __be32 client, u32 now)
{
	const u32 i = siphash_1u32((__force u32)client, &miss_key) % CLIENTS;
	const u32 since = now - ms->client[i].at;

	if (ms->second != now) {
		ms->second = now;
		ms->told = 0;
	}
	if (since >= BURST / PER_SECOND)
		ms->client[i].left = BURST;
	else
		ms->client[i].left = min(ms->client[i].left + since * PER_SECOND, BURST);
	ms->client[i].at = now;
	if (!ms->client[i].left || ms->told == ALL_PER_SECOND)
		return false;
	ms->client[i].left--;
	ms->told++;
	return true;
}

enum answer { REFUSE, WAIT, TELL };

static enum answer ask(struct nat46_misses *ms, const struct nat46_pkt *p)
{
	const u32 now = nat46_now();
	enum answer answer = WAIT;
	struct address *a;

	spin_lock_bh(&ms->lock);
	a = find(ms, p->t4.daddr);
	if (a && a->unknown && now - a->at < UNKNOWN_SECONDS) {
		answer = REFUSE;
	} else if (!a || a->unknown || a->at != now) {
		if (affordable(ms, p->t4.saddr, now)) {
			a = find_or_make(ms, p->t4.daddr);
			a->at = now;
			a->unknown = false;
			a->proto = p->t4.proto;
			a->dport = p->t4.dport;
			a->client = p->t4.saddr;
			answer = TELL;
		} else {
			answer = REFUSE;
		}
	}
	spin_unlock_bh(&ms->lock);
	return answer;
}

static bool tell(const struct nat46_miss_ops *ops, const struct nat46_pkt *p, bool stale)
{
	const struct nat46_miss miss = {
		.addr = p->t4.daddr,
		.client = p->t4.saddr,
		.proto = p->t4.proto,
		.dport = p->t4.dport,
		.stale = stale,
	};

	return ops->tell(p->nn, &miss);
}

/* It was nobody who was told. */
static void unask(struct nat46_misses *ms, __be32 addr)
{
	struct address *a;

	spin_lock_bh(&ms->lock);
	a = find(ms, addr);
	if (a)
		a->at = 0;
	spin_unlock_bh(&ms->lock);
}

/**
 * nat46_miss() - is there somebody who may know an address without a mapping?
 * @p: a packet to it, parsed
 *
 * Tells the listener, once a second an address.
 *
 * Context: RCU, softirq or process.
 * Return: true: the packet is to be dropped without a word; false: refused.
 */
bool nat46_miss(const struct nat46_pkt *p)
{
	const struct nat46_miss_ops *ops;
	enum answer answer;

	if (p->conf->params.unmapped == NAT46_UNMAPPED_PASS)
		return false;
	ops = listened(p->nn);
	if (!ops)
		return false;
	answer = ask(p->nn->misses, p);
	if (answer == TELL && !tell(ops, p, false)) {
		unask(p->nn->misses, p->t4.daddr);
		return false;
	}
	return answer != REFUSE;
}

/**
 * nat46_miss_stale() - a client's session opens: is its mapping still fresh?
 * @p: its first packet, from the IPv4 side
 * @m: its mapping, which serves in any case
 *
 * Tells the listener once in FRESH seconds.
 *
 * Context: RCU, softirq or process.
 */
void nat46_miss_stale(const struct nat46_pkt *p, struct nat46_mapping *m)
{
	const u32 fresh = READ_ONCE(m->fresh), at = READ_ONCE(m->stale_at), now = nat46_now();
	const struct nat46_miss_ops *ops;

	if (likely(!fresh || now < at))
		return;
	ops = listened(p->nn);
	if (ops && cmpxchg(&m->stale_at, at, now + fresh) == at)
		tell(ops, p, true);
}

/**
 * nat46_miss_unknown() - the listener does not know an address
 * @nn: the network namespace's state
 * @addr: the address: packets to it are refused for a while, nobody is asked
 *
 * Context: may sleep, nn->lock held.
 */
void nat46_miss_unknown(struct nat46_net *nn, __be32 addr)
{
	struct address *a;

	if (!nn->misses)
		return;
	spin_lock_bh(&nn->misses->lock);
	a = find_or_make(nn->misses, addr);
	a->at = nat46_now();
	a->unknown = true;
	spin_unlock_bh(&nn->misses->lock);
}

/**
 * nat46_miss_forget() - what was said of an address does not hold any more
 * @nn: the network namespace's state
 * @addr: the address
 * @mask: all that have these bits of it
 *
 * Context: may sleep, nn->lock held.
 */
void nat46_miss_forget(struct nat46_net *nn, __be32 addr, __be32 mask)
{
	struct nat46_misses *ms = nn->misses;
	unsigned int i;

	if (!ms)
		return;
	spin_lock_bh(&ms->lock);
	if (mask == htonl(U32_MAX)) {
		struct address *a = find(ms, addr);

		if (a)
			a->unknown = false;
	} else {
		for (i = 0; i < SETS * WAYS; i++) {
			struct address *a = &ms->address[i / WAYS][i % WAYS];

			if ((a->addr & mask) == addr)
				a->unknown = false;
		}
	}
	spin_unlock_bh(&ms->lock);
}

/**
 * nat46_miss_seen() - what was asked for of late
 * @nn: the network namespace's state
 * @i: the place to begin with, 0 at first; where it was found, and behind the last one
 * @miss: told what was found
 *
 * Context: RCU, softirq or process.
 * Return: false: there is no more.
 */
bool nat46_miss_seen(struct nat46_net *nn, unsigned int *i, struct nat46_miss *miss)
{
	struct nat46_misses *ms = nn->misses;
	const u32 now = nat46_now();
	bool found = false;

	for (; ms && *i < SETS * WAYS; ++*i) {
		const struct address *a = &ms->address[*i / WAYS][*i % WAYS];

		spin_lock_bh(&ms->lock);
		if (a->at && a->proto) {
			*miss = (struct nat46_miss){
				.addr = a->addr,
				.client = a->client,
				.proto = a->proto,
				.dport = a->dport,
				.age = now - a->at,
				.unknown = a->unknown && now - a->at < UNKNOWN_SECONDS,
			};
			found = true;
		}
		spin_unlock_bh(&ms->lock);
		if (found)
			break;
	}
	return found;
}

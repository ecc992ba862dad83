// SPDX-License-Identifier: GPL-2.0
/* lease.c: see lease.h. Names, wants and commits; lease_life.c has the rest. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "lease_int.h"
#include "log.h"

/* The key keeps others from choosing names that meet in one bucket or address. */
static uint64_t keyed_hash(const struct leases *ls, const uint8_t *p, size_t len)
{
	uint8_t mac[EVP_MAX_MD_SIZE];
	uint64_t h = 0;

	HMAC(EVP_sha256(), ls->conf.key, sizeof(ls->conf.key), p, len, mac, NULL);
	memcpy(&h, mac, sizeof(h));
	return h;
}

uint64_t lease_hash(const struct leases *ls, const uint8_t *name, size_t len)
{
	return keyed_hash(ls, name, len);
}

static struct lease *find_hashed(const struct leases *ls, uint64_t hash, const uint8_t *name,
				 size_t len)
{
	struct lease *l = ls->bucket[hash & (ls->buckets - 1)];

	while (l && (l->hash != hash || l->orphan || l->name_len != len ||
		     memcmp(l->name, name, len)))
		l = l->next;
	return l;
}

struct lease *lease_find(const struct leases *ls, const uint8_t *name, size_t len)
{
	return find_hashed(ls, lease_hash(ls, name, len), name, len);
}

static void link_lease(struct leases *ls, struct lease *l)
{
	struct lease **b = &ls->bucket[l->hash & (ls->buckets - 1)];

	l->next = *b;
	*b = l;
}

static void grow(struct leases *ls)
{
	struct lease **old = ls->bucket, **bucket;
	unsigned int n = ls->buckets;

	bucket = calloc(n * 2, sizeof(*bucket));
	if (!bucket)
		return;		/* longer chains, that's all */
	ls->bucket = bucket;
	ls->buckets = n * 2;
	for (unsigned int i = 0; i < n; i++)
		for (struct lease *l = old[i], *next; l; l = next) {
			next = l->next;
			link_lease(ls, l);
		}
	free(old);
}

struct lease *lease_make(struct leases *ls, const uint8_t *name, size_t len, uint32_t addr,
			 bool orphan)
{
	struct lease *l = calloc(1, sizeof(*l) + len);

	if (!l)
		return NULL;
	if (!addrs_take(ls->addrs, addr, l)) {
		free(l);
		return NULL;
	}
	l->addr = addr;
	l->orphan = orphan;
	l->name_len = len;
	memcpy(l->name, name, len);
	l->hash = lease_hash(ls, name, len);
	if (ls->n++ > ls->buckets)
		grow(ls);
	link_lease(ls, l);
	return l;
}

void lease_drop(struct leases *ls, struct lease *l, uint64_t when)
{
	struct lease **p = &ls->bucket[l->hash & (ls->buckets - 1)];

	lease_revive(ls, l);
	while (*p != l)
		p = &(*p)->next;
	*p = l->next;
	ls->n--;
	addrs_release(ls->addrs, l->addr, when);
	free(l);
}

/* ---- targets -------------------------------------------------------------- */

static bool is_target(const struct lease *l, const struct in6_addr *a)
{
	for (unsigned int i = 0; i < l->n; i++)
		if (!memcmp(&l->target[i], a, sizeof(*a)))
			return true;
	return false;
}

/*
 * The answer's targets first, then those seen before whose time isn't over; the
 * newest 8. True where the set has changed (rule 40).
 */
static bool merge_targets(struct lease *l, const struct in6_addr *target, unsigned int n,
			  uint32_t ttl, uint64_t now)
{
	uint64_t until = now + (ttl > TARGET_MIN ? ttl : TARGET_MIN);
	struct lease old = *l;
	bool changed = false;

	l->n = 0;
	/* Of more than 8 those that are in already stay: sets that rotate settle. */
	for (int known = 1; known >= 0; known--)
		for (unsigned int i = 0; i < n && l->n < STORE_TARGETS; i++)
			if (is_target(&old, &target[i]) == known) {
				l->target[l->n] = target[i];
				l->target_until[l->n++] = until;
				changed |= !known;
			}
	for (unsigned int i = 0; i < old.n; i++) {
		if (is_target(l, &old.target[i]))
			continue;
		if (l->n < STORE_TARGETS && (old.target_until[i] > now || !n)) {
			l->target[l->n] = old.target[i];
			l->target_until[l->n++] = n ? old.target_until[i] : until;
		} else {
			changed = true;
		}
	}
	return changed;
}

/* ---- wants ---------------------------------------------------------------- */

struct want {
	const uint8_t *name;
	size_t len;
	const struct in6_addr *target;
	unsigned int n;
	const struct lease_who *who;
	uint64_t now;
};

static struct lease *shared(struct leases *ls, const struct want *w);

/* Rule 46; said once a minute. */
static bool may_have_more(struct leases *ls, const struct want *w)
{
	const struct lease_who *who = w->who;

	if (!who || !who->len || quota_take(&ls->quota, keyed_hash(ls, who->key, who->len),
					    ls->conf.per_hour, w->now))
		return true;
	if (w->now >= ls->quota_said + SAY_AGAIN) {
		log_err("a client, or a domain, has made its %u new names of an hour (max-per-client)",
			ls->conf.per_hour);
		ls->quota_said = w->now;
	}
	return false;
}

static bool is_star(const uint8_t *name)
{
	return name[0] == 1 && name[1] == '*';
}

/* From the end of its last name's mapping on: the quarantine, and since. */
static void note_reuse(struct leases *ls, uint64_t released, uint64_t now)
{
	uint64_t age = now - released + ls->conf.quarantine;

	if (released > 1 && now >= released && age < ls->stats.youngest)
		ls->stats.youngest = age;
}

static struct lease *make_new(struct leases *ls, const struct want *w, uint64_t hash,
			      enum synth_lease *why)
{
	struct lease *l;
	uint32_t addr;

	*why = LEASE_QUOTA;
	if (!may_have_more(ls, w))
		return NULL;
	*why = LEASE_EXHAUSTED;
	addr = addrs_pick(ls->addrs, hash);
	if (!addr) {
		if (!ls->exhausted)
			log_err("the pool is exhausted: no address for new names");
		ls->exhausted = true;
		return NULL;
	}
	ls->exhausted = false;
	note_reuse(ls, addrs_released(ls->addrs, addr), w->now);
	l = lease_make(ls, w->name, w->len, addr, false);
	if (l)
		ls->stats.result[LEASE_OK]++;
	return l;
}

/* NULL: @why says it. */
static struct lease *find_or_make(struct leases *ls, const struct want *w, enum synth_lease *why)
{
	uint64_t hash = lease_hash(ls, w->name, w->len);
	struct lease *l = find_hashed(ls, hash, w->name, w->len);

	*why = LEASE_NONE;
	if (!l && !is_star(w->name))
		l = shared(ls, w);
	return l || !w->n ? l : make_new(ls, w, hash, why);
}

/* Rule 9: the lease of "*.parent", where the parent is a wildcard. */
static struct lease *shared(struct leases *ls, const struct want *w)
{
	const size_t bytes = w->n * sizeof(*w->target);
	uint8_t key[WIRE_NAME_MAX + SYNTH_TARGETS_MAX * sizeof(*w->target)];
	uint8_t star[WIRE_NAME_MAX + 2] = "\1*";
	const uint8_t *parent = w->name + 1 + *w->name;
	size_t plen = w->len - 1 - *w->name;
	struct want all = *w;
	enum synth_lease why;
	struct lease *l;
	bool first;

	if (!*w->name || !w->n || w->n > STORE_TARGETS || plen + 2 > WIRE_NAME_MAX)
		return NULL;
	memcpy(star + 2, parent, plen);
	all.name = star;
	all.len = plen + 2;
	memcpy(key, parent, plen);
	memcpy(key + plen, w->target, bytes);
	if (!wild_note(&ls->wild, keyed_hash(ls, key, plen + bytes), &first))
		return NULL;
	if (first) {
		char text[WIRE_TEXT_MAX];

		ls->stats.wildcards++;
		wire_name_to_text(star, text);
		log_info("%s is taken for a wildcard: its names share one address", text);
	}
	l = find_or_make(ls, &all, &why);
	if (!l || !l->n)
		return l;
	for (unsigned int i = 0; i < w->n; i++)	/* another set's, of the same parent */
		if (!is_target(l, &w->target[i]))
			return NULL;
	return l->n == w->n ? l : NULL;
}

/* With little left, what nobody uses is held for a shorter time (rule 16). */
static uint32_t hold_now(const struct leases *ls)
{
	bool scarce = addrs_free(ls->addrs) < addrs_total(ls->addrs) / 10;

	return scarce ? ls->conf.hold / 10 : ls->conf.hold;
}

static bool wait_for(struct leases *ls, struct lease *l, uint64_t token)
{
	if (ls->n_waiters == ls->room_waiters) {
		unsigned int room = ls->room_waiters * 2 + 64;
		struct waiter *w = reallocarray(ls->waiter, room, sizeof(*w));

		if (!w)
			return false;
		ls->waiter = w;
		ls->room_waiters = room;
	}
	ls->waiter[ls->n_waiters++] = (struct waiter){ l, token };
	return lease_queue(ls, l);
}

bool leases_want(struct leases *ls, const uint8_t *name, size_t len,
		 const struct in6_addr *target, unsigned int n, uint32_t ttl, uint64_t now,
		 const struct lease_who *who, uint64_t token, enum synth_lease *result,
		 uint32_t *addr)
{
	const struct want w = { name, len, target, n, who, now };
	uint32_t hold = hold_now(ls), slack = hold < SLACK_MAX ? hold : SLACK_MAX;
	uint64_t need = now + ttl + hold;
	bool changed, enough;
	struct lease *l;

	*addr = 0;
	if (!ls->kernel || !kernel_ready(ls->kernel)) {
		*result = LEASE_NO_KERNEL;
		ls->stats.result[LEASE_NO_KERNEL] += !!n;
		return true;
	}
	l = find_or_make(ls, &w, result);
	if (!l) {
		ls->stats.result[*result]++;
		return true;
	}
	if (!n && !l->mapped) {
		*result = LEASE_NONE;
		return true;
	}
	changed = merge_targets(l, target, n, ttl, now);
	if (n)
		l->ttl = ttl;
	l->dirty |= changed;
	enough = l->mapped && l->saved && !l->free_at && l->until >= need;
	if (!l->queued && enough && (!l->dirty || l->pushed == now)) {
		*result = LEASE_OK;	/* told at the next want or tick, if dirty */
		*addr = l->addr;
		return true;
	}
	if (!enough) {
		if (l->until < need + slack)
			l->until = need + slack;
		l->saved = false;
	}
	lease_revive(ls, l);
	if (wait_for(ls, l, token))
		return false;
	*result = LEASE_FAILED;
	return true;
}

bool leases_pending(const struct leases *ls)
{
	return ls->n_queue;
}

/* All by one request; one by one where that failed, to learn which and why. */
static void push_batch(struct leases *ls, struct lease **l, unsigned int n, uint64_t now)
{
	bool all = lease_push_many(ls, l, n, now);

	for (unsigned int i = 0; i < n; i++) {
		l[i]->queued = false;
		l[i]->saved = true;
		l[i]->promised = l[i]->until;
		l[i]->result = all ? LEASE_OK : lease_push(ls, l[i], now);
	}
}

/* It could not be prolonged: what was promised on disk holds, and no longer. */
static void not_saved(struct leases *ls, struct lease *l, uint64_t now)
{
	l->queued = l->saved = false;
	l->result = LEASE_FAILED;
	if (l->promised <= now + SYNTH_TTL_STALE)
		return;
	l->until = l->promised;
	l->result = l->mapped && !l->dirty ? LEASE_OK : lease_push(ls, l, now);
}

static uint32_t ttl_left(const struct leases *ls, const struct lease *l, uint64_t now)
{
	uint64_t end = now + ls->conf.hold + SYNTH_TTL_STALE;

	return l->saved ? UINT32_MAX :
	       l->until > end ? l->until - now - ls->conf.hold : SYNTH_TTL_STALE;
}

void leases_commit(struct leases *ls, uint64_t now)
{
	struct waiter *waiter = ls->waiter;
	unsigned int n_waiters = ls->n_waiters, n = ls->n_queue;
	struct timespec begin, end;
	int err;

	clock_gettime(CLOCK_MONOTONIC, &begin);
	for (unsigned int i = 0; i < n; i++)
		lease_save(ls, ls->queue[i]);
	err = store_commit(ls->store);
	if (err && !ls->store_failed)
		log_err("the store: %s; no new lease is given", strerror(-err));
	ls->store_failed = err;
	/* done() may want again: what it adds is of the next round */
	ls->waiter = NULL;
	ls->n_waiters = ls->room_waiters = 0;
	for (unsigned int i = 0; !err && i < n; i += PUT_BATCH)
		push_batch(ls, ls->queue + i, n - i < PUT_BATCH ? n - i : PUT_BATCH, now);
	for (unsigned int i = 0; err && i < n; i++)
		not_saved(ls, ls->queue[i], now);
	ls->n_queue = 0;
	clock_gettime(CLOCK_MONOTONIC, &end);
	ls->stats.commits += n > 0;
	ls->stats.committed += n;
	ls->stats.store_errors += !!err;
	ls->stats.commit_us += (end.tv_sec - begin.tv_sec) * 1000000ULL +
			       (end.tv_nsec - begin.tv_nsec) / 1000;
	for (unsigned int w = 0; w < n_waiters; w++)
		ls->done(waiter[w].token, waiter[w].lease->result, waiter[w].lease->addr,
			 ttl_left(ls, waiter[w].lease, now), ls->arg);
	free(waiter);
}

/* ---- what is asked of them ------------------------------------------------ */

const uint8_t *leases_name(const struct leases *ls, uint32_t addr, uint64_t now, size_t *len,
			   uint32_t *ttl)
{
	struct lease *l = addrs_lease(ls->addrs, addr);
	uint64_t end;

	if (!l || !l->mapped)
		return NULL;
	end = now + ls->conf.hold + SYNTH_TTL_MIN;
	*ttl = l->until > end ? l->until - now - ls->conf.hold : SYNTH_TTL_MIN;
	if (*ttl > ls->conf.ttl_cap)
		*ttl = ls->conf.ttl_cap;
	*len = l->name_len;
	return l->name;
}

void leases_stats(const struct leases *ls, uint64_t now, struct lease_stats *st)
{
	*st = ls->stats;
	for (unsigned int i = 0; i < ls->buckets; i++)
		for (const struct lease *l = ls->bucket[i]; l; l = l->next)
			st->state[leases_state(ls, l->addr, now)]++;
	st->state[LEASE_FREE] = addrs_free(ls->addrs);
	st->foreign = addrs_foreign_count(ls->addrs);
	st->total = addrs_total(ls->addrs);
	st->store_bytes = store_bytes(ls->store);
}

enum lease_state leases_state(const struct leases *ls, uint32_t addr, uint64_t now)
{
	struct lease *l = addrs_lease(ls->addrs, addr);

	if (!l)
		return LEASE_FREE;
	if (l->free_at)
		return LEASE_QUARANTINED;
	return l->until > now + ls->conf.hold ? LEASE_ACTIVE : LEASE_HELD;
}

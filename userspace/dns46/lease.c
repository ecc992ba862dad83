// SPDX-License-Identifier: GPL-2.0
/* lease.c: see lease.h. Names, wants and commits; lease_life.c has the rest. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

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

static struct lease *shared(struct leases *ls, const uint8_t *name, size_t len,
			    const struct in6_addr *target, unsigned int n);

static struct lease *find_or_make(struct leases *ls, const uint8_t *name, size_t len,
				  const struct in6_addr *target, unsigned int n)
{
	uint64_t hash = lease_hash(ls, name, len);
	struct lease *l = find_hashed(ls, hash, name, len);
	uint32_t addr;

	if (l || !n)
		return l;
	if (name[0] != 1 || name[1] != '*') {
		l = shared(ls, name, len, target, n);
		if (l)
			return l;
	}
	addr = addrs_pick(ls->addrs, hash);
	if (!addr) {
		if (!ls->exhausted)
			log_err("the pool is exhausted: no address for new names");
		ls->exhausted = true;
		return NULL;
	}
	ls->exhausted = false;
	return lease_make(ls, name, len, addr, false);
}

/* Rule 9: the lease of "*.parent", where the parent is a wildcard. */
static struct lease *shared(struct leases *ls, const uint8_t *name, size_t len,
			    const struct in6_addr *target, unsigned int n)
{
	uint8_t key[WIRE_NAME_MAX + SYNTH_TARGETS_MAX * sizeof(*target)];
	uint8_t star[WIRE_NAME_MAX + 2] = "\1*";
	const uint8_t *parent = name + 1 + *name;
	size_t plen = len - 1 - *name;
	struct lease *l;
	bool first;

	if (n > STORE_TARGETS || plen + 2 > WIRE_NAME_MAX)
		return NULL;
	memcpy(key, parent, plen);
	memcpy(key + plen, target, n * sizeof(*target));
	if (!wild_note(&ls->wild, keyed_hash(ls, key, plen + n * sizeof(*target)), &first))
		return NULL;
	memcpy(star + 2, parent, plen);
	if (first) {
		char text[WIRE_TEXT_MAX];

		wire_name_to_text(star, text);
		log_info("%s is taken for a wildcard: its names share one address", text);
	}
	l = find_or_make(ls, star, plen + 2, target, n);
	if (!l || !l->n)
		return l;
	for (unsigned int i = 0; i < n; i++)	/* another set's, of the same parent */
		if (!is_target(l, &target[i]))
			return NULL;
	return l->n == n ? l : NULL;
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
		 uint64_t token, enum synth_lease *result, uint32_t *addr)
{
	uint32_t hold = hold_now(ls), slack = hold < SLACK_MAX ? hold : SLACK_MAX;
	uint64_t need = now + ttl + hold;
	bool changed, enough;
	struct lease *l;

	*addr = 0;
	if (!ls->kernel || !kernel_ready(ls->kernel)) {
		*result = LEASE_NO_KERNEL;
		return true;
	}
	l = find_or_make(ls, name, len, target, n);
	if (!l || (!n && !l->mapped)) {
		*result = n ? LEASE_EXHAUSTED : LEASE_NONE;
		return true;
	}
	changed = merge_targets(l, target, n, ttl, now);
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

void leases_commit(struct leases *ls, uint64_t now)
{
	struct waiter *waiter = ls->waiter;
	unsigned int n_waiters = ls->n_waiters, n = ls->n_queue;
	enum synth_lease *result;
	int err;

	for (unsigned int i = 0; i < n; i++)
		lease_save(ls, ls->queue[i]);
	err = store_commit(ls->store);
	if (err && !ls->store_failed)
		log_err("the store: %s; no new lease is given", strerror(-err));
	ls->store_failed = err;
	/* done() may want again: what it adds is of the next round */
	ls->waiter = NULL;
	ls->n_waiters = ls->room_waiters = 0;
	result = calloc(n_waiters ?: 1, sizeof(*result));
	for (unsigned int i = 0; i < n; i++) {
		struct lease *l = ls->queue[i];
		enum synth_lease r = LEASE_FAILED;

		l->queued = false;
		l->saved = !err;
		if (!err)
			r = lease_push(ls, l, now);
		for (unsigned int w = 0; result && w < n_waiters; w++)
			if (waiter[w].lease == l)
				result[w] = r;
	}
	ls->n_queue = 0;
	for (unsigned int w = 0; w < n_waiters; w++)
		ls->done(waiter[w].token, result ? result[w] : LEASE_FAILED,
			 waiter[w].lease->addr, ls->arg);
	free(result);
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

enum lease_state leases_state(const struct leases *ls, uint32_t addr, uint64_t now)
{
	struct lease *l = addrs_lease(ls->addrs, addr);

	if (!l)
		return LEASE_FREE;
	if (l->free_at)
		return LEASE_QUARANTINED;
	return l->until > now + ls->conf.hold ? LEASE_ACTIVE : LEASE_HELD;
}

// SPDX-License-Identifier: GPL-2.0
/* lease_life.c: what time, the disk and the kernel do to leases. See lease.h. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lease_int.h"
#include "log.h"

struct leases *leases_new(const struct lease_conf *conf, struct addrs *addrs,
			  struct store *store, lease_done_fn done, void *arg)
{
	struct leases *ls = calloc(1, sizeof(*ls));

	if (!ls)
		return NULL;
	ls->conf = *conf;
	ls->addrs = addrs;
	ls->store = store;
	ls->done = done;
	ls->arg = arg;
	ls->stats.youngest = UINT64_MAX;
	ls->buckets = 1024;
	ls->bucket = calloc(ls->buckets, sizeof(*ls->bucket));
	TAILQ_INIT(&ls->quarantined);
	if (ls->bucket)
		return ls;
	free(ls);
	return NULL;
}

void leases_free(struct leases *ls)
{
	if (!ls)
		return;
	for (unsigned int i = 0; i < ls->buckets; i++)
		for (struct lease *l = ls->bucket[i], *next; l; l = next) {
			next = l->next;
			free(l);
		}
	free(ls->bucket);
	free(ls->waiter);
	free(ls->queue);
	free(ls);
}

void leases_set_kernel(struct leases *ls, struct kernel *kernel)
{
	ls->kernel = kernel;
}

void leases_set_conf(struct leases *ls, const struct lease_conf *conf)
{
	ls->conf = *conf;
}

/* ---- the disk ------------------------------------------------------------- */

static void fill_rec(const struct lease *l, struct store_rec *rec)
{
	memset(rec, 0, sizeof(*rec));
	rec->kind = l->free_at ? STORE_QUARANTINE : STORE_LEASE;
	rec->time = l->free_at ?: l->until > l->kept ? l->until : l->kept;
	rec->addr = l->addr;
	rec->name_len = l->name_len;
	memcpy(rec->name, l->name, l->name_len);
	rec->n = l->n;
	memcpy(rec->target, l->target, sizeof(l->target));
}

void lease_save(struct leases *ls, const struct lease *l)
{
	struct store_rec rec;

	fill_rec(l, &rec);
	store_put(ls->store, &rec);
}

static void save_free(struct leases *ls, uint32_t addr, uint64_t when)
{
	struct store_rec rec = { .kind = STORE_FREE, .addr = addr, .time = when };

	store_put(ls->store, &rec);
}

struct loader {
	struct leases *ls;
	uint64_t now;
};

/* The last word on an address holds; a name that moved has its old one orphaned. */
static void load_one(const struct store_rec *rec, void *arg)
{
	struct loader *ld = arg;
	struct leases *ls = ld->ls;
	struct lease *l, *other;

	if (!addrs_holds(ls->addrs, rec->addr))
		return;		/* of a pool that was taken away */
	l = addrs_lease(ls->addrs, rec->addr);
	if (l && (rec->kind == STORE_FREE || l->name_len != rec->name_len ||
		  memcmp(l->name, rec->name, rec->name_len))) {
		lease_drop(ls, l, rec->time);
		l = NULL;
	}
	if (rec->kind == STORE_FREE) {
		addrs_release(ls->addrs, rec->addr, rec->time);
		return;
	}
	other = l ? NULL : lease_find(ls, rec->name, rec->name_len);
	if (other) {
		other->orphan = true;
		lease_quarantine(ls, other, ld->now);
	}
	if (!l)
		l = lease_make(ls, rec->name, rec->name_len, rec->addr, false);
	if (!l)
		return;
	lease_revive(ls, l);
	l->saved = true;
	l->n = rec->n;
	memcpy(l->target, rec->target, sizeof(l->target));
	for (unsigned int i = 0; i < l->n; i++)
		l->target_until[i] = ld->now + TARGET_MIN;
	if (rec->kind == STORE_LEASE) {
		l->until = l->promised = rec->time;
	} else {
		l->until = l->promised = 0;
		l->free_at = rec->time;
		TAILQ_INSERT_TAIL(&ls->quarantined, l, quarantine);
	}
}

unsigned int leases_load(struct leases *ls, uint64_t now)
{
	struct loader ld = { ls, now };

	return store_load(ls->store, load_one, &ld);
}

static void save_released(uint32_t addr, uint64_t when, void *arg)
{
	save_free(arg, addr, when);
}

/* What waits to be saved as well: it may have been given before, and is prolonged. */
static void save_each(struct store *store, void *arg)
{
	struct leases *ls = arg;

	addrs_each_released(ls->addrs, save_released, ls);
	for (int orphans = 1; orphans >= 0; orphans--)	/* a name's own is its last */
		for (unsigned int i = 0; i < ls->buckets; i++)
			for (struct lease *l = ls->bucket[i]; l; l = l->next)
				if (l->orphan == orphans)
					lease_save(ls, l);
}

int leases_compact(struct leases *ls)
{
	return store_compact(ls->store, save_each, ls);
}

/* ---- time ----------------------------------------------------------------- */

void lease_quarantine(struct leases *ls, struct lease *l, uint64_t now)
{
	l->mapped = false;
	if (l->free_at)
		return;
	l->until = l->promised = l->kept = 0;
	l->free_at = now + ls->conf.quarantine;
	TAILQ_INSERT_TAIL(&ls->quarantined, l, quarantine);
	lease_save(ls, l);
}

void lease_revive(struct leases *ls, struct lease *l)
{
	if (l->free_at)
		TAILQ_REMOVE(&ls->quarantined, l, quarantine);
	l->free_at = 0;
}

/*
 * Only the kernel knows that a lease is used beyond its time. Should the machine
 * lose its power, the disk says so too: a line in half of hold-used.
 */
static void keep_used(struct leases *ls, struct lease *l, uint64_t now)
{
	if (l->until + IN_USE_AFTER > now || l->kept > now + ls->conf.hold_used / 2)
		return;
	l->kept = now + ls->conf.hold_used;
	lease_save(ls, l);
}

/* Mappings that went without an event: deleted by hand, or refused. */
static void sweep(struct leases *ls, uint64_t now)
{
	for (unsigned int i = 0; i < ls->buckets; i++)
		for (struct lease *l = ls->bucket[i]; l; l = l->next) {
			if (l->queued || l->free_at)
				continue;
			if (!l->mapped && l->until <= now)
				lease_quarantine(ls, l, now);
			else if (l->mapped && l->dirty && l->pushed != now)
				lease_queue(ls, l);
			else if (l->mapped)
				keep_used(ls, l, now);
		}
}

void leases_tick(struct leases *ls, uint64_t now)
{
	struct lease *l, *next;

	for (l = TAILQ_FIRST(&ls->quarantined); l; l = next) {
		uint32_t addr = l->addr;

		next = TAILQ_NEXT(l, quarantine);
		if (l->free_at > now || l->queued)
			continue;
		lease_drop(ls, l, now);
		save_free(ls, addr, now);
	}
	/* Without the kernel nobody knows whose time is over (rule 53). */
	if (now >= ls->swept + 10 && ls->kernel && kernel_ready(ls->kernel)) {
		ls->swept = now;
		sweep(ls, now);
	}
	/* Ends are on disk within a second; losing one only holds an address longer. */
	if (store_commit(ls->store))
		log_debug("the store: what ended could not be written");
	if (store_wants_compact(ls->store) && leases_compact(ls)) {
		log_err("the store can't be compacted: it only grows");
		store_never_compact(ls->store);
	}
}

/* ---- the kernel ------------------------------------------------------------ */

bool lease_queue(struct leases *ls, struct lease *l)
{
	if (l->queued)
		return true;
	if (ls->n_queue == ls->room_queue) {
		unsigned int room = ls->room_queue * 2 + 64;
		struct lease **q = reallocarray(ls->queue, room, sizeof(*q));

		if (!q)
			return false;
		ls->queue = q;
		ls->room_queue = room;
	}
	ls->queue[ls->n_queue++] = l;
	l->queued = true;
	return true;
}

/*
 * Its name in the kernel: none where that takes no such name (nat46_map_name_ok()), which
 * it prints as it is, or where nobody knows the name any more (adopt()).
 */
static void map_name(const struct lease *l, char out[NAT46_NAME_LEN + 1])
{
	char text[WIRE_TEXT_MAX];

	wire_name_to_text(l->name, text);
	*out = 0;
	if (l->name_len > 1 && strlen(text) <= NAT46_NAME_LEN && !strpbrk(text, "\"'\\"))
		strcpy(out, text);
}

static void fill_map(const struct leases *ls, const struct lease *l, uint64_t now,
		     struct nat46_map *m)
{
	*m = (struct nat46_map){
		.addr.s_addr = l->addr,
		.n = l->n,
		.owner = NAT46_OWNER_DNS46,
		.expires = true,
		.seconds = l->until > now ? l->until - now : 1,
		.hold = ls->conf.hold_used,
		.fresh = l->ttl ?: TARGET_MIN,
	};
	memcpy(m->target, l->target, sizeof(l->target));
	map_name(l, m->name);
}

static void pushed(struct lease *l, uint64_t now)
{
	l->mapped = true;
	l->dirty = false;
	l->pushed = now;
}

bool lease_push_many(struct leases *ls, struct lease **l, unsigned int n, uint64_t now)
{
	static struct nat46_map m[PUT_BATCH];

	if (!kernel_ready(ls->kernel))
		return false;
	for (unsigned int i = 0; i < n; i++)
		fill_map(ls, l[i], now, &m[i]);
	if (kernel_put_many(ls->kernel, m, n))
		return false;
	for (unsigned int i = 0; i < n; i++)
		pushed(l[i], now);
	return true;
}

/* Another owner has the address: the name gets a new one, on disk first. */
static bool move(struct leases *ls, struct lease *l)
{
	uint32_t addr;

	addrs_foreign(ls->addrs, l->addr, true);
	addr = addrs_pick(ls->addrs, l->hash);
	if (!addr)
		return false;
	save_free(ls, l->addr, 1);
	addrs_release(ls->addrs, l->addr, 1);
	addrs_take(ls->addrs, addr, l);
	l->addr = addr;
	l->promised = 0;
	lease_save(ls, l);
	if (store_commit(ls->store))
		return false;
	l->promised = l->until;
	return true;
}

enum synth_lease lease_push(struct leases *ls, struct lease *l, uint64_t now)
{
	struct nat46_map m;

	for (int i = 0; i < TRIES; i++) {
		int err;

		fill_map(ls, l, now, &m);
		err = kernel_ready(ls->kernel) ? kernel_put(ls->kernel, &m) : -ENOTCONN;
		l->mapped = false;
		if (!err) {
			pushed(l, now);
			return LEASE_OK;
		}
		if (err == -ENOTCONN)
			return LEASE_NO_KERNEL;
		if (err != -EEXIST)
			return LEASE_FAILED;
		if (!move(ls, l))
			return LEASE_EXHAUSTED;
	}
	return LEASE_FAILED;
}

static bool same_name(const struct lease *l, const struct nat46_map *map)
{
	char name[NAT46_NAME_LEN + 1];

	map_name(l, name);
	return !strcmp(name, map->name);
}

void leases_event(struct leases *ls, enum nat46_map_event event, const struct nat46_map *map,
		  uint64_t now)
{
	bool ours = !strcmp(map->owner, NAT46_OWNER_DNS46), gone;
	struct lease *l = addrs_lease(ls->addrs, map->addr.s_addr);

	gone = event == NAT46_MAP_EVENT_DEL || event == NAT46_MAP_EVENT_EXPIRED;
	if (!ours) {
		addrs_foreign(ls->addrs, map->addr.s_addr, !gone);
		if (l && !gone)
			l->mapped = false;
		return;
	}
	if (!l)
		return;
	if (!gone) {
		/* Our own, seen again; after an event of its former life, maybe. */
		if (same_name(l, map) && !l->mapped) {
			lease_revive(ls, l);
			l->mapped = true;
			l->until = now + map->seconds;
			l->saved = false;
		}
		return;
	}
	l->mapped = false;
	if (event == NAT46_MAP_EVENT_EXPIRED)
		lease_quarantine(ls, l, now);
}

const uint8_t *leases_miss(struct leases *ls, uint32_t addr, bool stale, uint64_t now,
			   size_t *len)
{
	struct lease *l = addrs_lease(ls->addrs, addr);
	const uint64_t need = now + TARGET_MIN + ls->conf.hold;

	/* In quarantine it is still that name to whoever holds it (rule 41). */
	if (!l || !l->n || l->name_len < 2)
		return NULL;
	/* Whatever we think: the event that says so may be on its way. */
	if (!stale && !l->queued) {
		l->mapped = false;
		lease_revive(ls, l);
		if (l->until < need)
			l->until = need;
		l->saved = false;
		if (!lease_queue(ls, l))
			return NULL;
	}
	*len = l->name_len;
	return l->name;
}

void leases_sync_begin(struct leases *ls, uint64_t now)
{
	/* Nothing may wait for a lease that this reading does away with. */
	if (ls->n_queue)
		leases_commit(ls, now);
	addrs_foreign_clear(ls->addrs);
	ls->sync++;
}

/* A mapping of ours that the store doesn't know: it stays reserved (rule 41). */
static struct lease *adopt(struct leases *ls, const struct nat46_map *map, uint64_t now)
{
	uint8_t name[WIRE_NAME_MAX] = "";
	size_t len = wire_name_from_text(map->name, name) ?: 1;
	struct lease *l;

	wire_name_lower(name, len);
	l = lease_make(ls, name, len, map->addr.s_addr, len == 1 || lease_find(ls, name, len));
	if (!l)
		return NULL;
	l->until = now + map->seconds;
	l->n = map->n;
	memcpy(l->target, map->target, sizeof(l->target));
	for (unsigned int i = 0; i < l->n; i++)
		l->target_until[i] = now + TARGET_MIN;
	l->saved = true;
	lease_save(ls, l);
	return l;
}

void leases_sync_map(struct leases *ls, const struct nat46_map *map, uint64_t now)
{
	struct lease *l = addrs_lease(ls->addrs, map->addr.s_addr);

	if (strcmp(map->owner, NAT46_OWNER_DNS46)) {
		addrs_foreign(ls->addrs, map->addr.s_addr, true);
		return;
	}
	if (l && !same_name(l, map)) {	/* clients know the kernel's */
		lease_drop(ls, l, now);
		l = NULL;
	}
	if (!l)
		l = adopt(ls, map, now);
	if (!l)
		return;
	lease_revive(ls, l);
	l->seen = ls->sync;
	l->mapped = true;
	if (!l->until)
		l->until = now + map->seconds;
	l->dirty = l->n != map->n ||
		   memcmp(l->target, map->target, l->n * sizeof(l->target[0]));
}

/* Restored where clients may hold it: the module was loaded anew (rule 44). */
void leases_sync_end(struct leases *ls, uint64_t now)
{
	for (unsigned int i = 0; i < ls->buckets; i++)
		for (struct lease *l = ls->bucket[i]; l; l = l->next) {
			if (l->seen == ls->sync)
				continue;
			l->mapped = false;
			if (l->free_at)
				continue;
			if (l->until > now && l->n)
				lease_queue(ls, l);
			else if (!l->queued)
				lease_quarantine(ls, l, now);
		}
}

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * lease.h: the life of an address, ACTIVE -> HOLD -> QUARANTINE -> FREE, and the
 * one door to it. An address means one name, or nothing, to anybody who may
 * still hold it (rule 41). Times are the wall clock's seconds, given by the
 * caller.
 */
#ifndef DNS46_LEASE_H
#define DNS46_LEASE_H

#include "addrs.h"
#include "kernel.h"
#include "store.h"
#include "synth.h"

struct lease_conf {
	uint32_t hold, hold_used, quarantine;	/* seconds (rule 16) */
	uint32_t ttl_cap;
	uint32_t per_hour;			/* new leases of one client; 0: any */
	uint8_t key[32];
};

/* On whose account a new lease is (rule 46). */
struct lease_who {
	uint8_t key[WIRE_NAME_MAX + 1];
	size_t len;				/* 0: nobody's */
};

enum lease_state { LEASE_ACTIVE, LEASE_HELD, LEASE_QUARANTINED, LEASE_FREE };

struct leases;

/*
 * Who waits for a lease; tells the caller what it is about. @ttl: no client may have it
 * for longer, be it less than was wanted.
 */
typedef void (*lease_done_fn)(uint64_t token, enum synth_lease result, uint32_t addr,
			      uint32_t ttl, void *arg);

struct leases *leases_new(const struct lease_conf *conf, struct addrs *addrs,
			  struct store *store, lease_done_fn done, void *arg);
void leases_free(struct leases *ls);
void leases_set_kernel(struct leases *ls, struct kernel *kernel);
void leases_set_conf(struct leases *ls, const struct lease_conf *conf);
/* Reads the store; returns the number of damaged lines. */
unsigned int leases_load(struct leases *ls, uint64_t now);

/**
 * leases_want() - an address for @name, which lives @ttl seconds with a client
 * @target: sorted, no doubles; @n 0: only where there is a live lease
 * @who: has asked, NULL where nobody has
 *
 * Return: true: *@result and *@addr tell. False: the answer comes by done(),
 * after leases_commit().
 */
bool leases_want(struct leases *ls, const uint8_t *name, size_t len,
		 const struct in6_addr *target, unsigned int n, uint32_t ttl, uint64_t now,
		 const struct lease_who *who, uint64_t token, enum synth_lease *result,
		 uint32_t *addr);
bool leases_pending(const struct leases *ls);
/* To disk, then to the kernel, then done() for all that waited (rules 43, 55). */
void leases_commit(struct leases *ls, uint64_t now);

/* The name of a mapped address, lower case, or NULL (rule 21). */
const uint8_t *leases_name(const struct leases *ls, uint32_t addr, uint64_t now, size_t *len,
			   uint32_t *ttl);

struct lease_stats {
	uint64_t state[LEASE_FREE + 1];	/* addresses */
	uint64_t foreign, total;
	uint64_t result[LEASE_RESULTS];	/* new leases */
	uint64_t wildcards, commits, committed, commit_us, store_errors, store_bytes;
	uint64_t youngest;		/* seconds; UINT64_MAX: no address was used again */
};

/* Looks at every lease: not for each query. */
void leases_stats(const struct leases *ls, uint64_t now, struct lease_stats *st);
enum lease_state leases_state(const struct leases *ls, uint32_t addr, uint64_t now);

/* Once a second. */
void leases_tick(struct leases *ls, uint64_t now);
void leases_event(struct leases *ls, enum nat46_map_event event, const struct nat46_map *map,
		  uint64_t now);
/*
 * A client wants @addr, and the kernel has no mapping of it (rule 54), or with
 * @stale one whose targets may be old (59). Returns the name to be looked up
 * anew, NULL: it is nobody's. leases_commit() maps it again.
 */
const uint8_t *leases_miss(struct leases *ls, uint32_t addr, bool stale, uint64_t now,
			   size_t *len);
/* All that the kernel maps, between begin and end; others' as well. */
void leases_sync_begin(struct leases *ls, uint64_t now);
void leases_sync_map(struct leases *ls, const struct nat46_map *map, uint64_t now);
void leases_sync_end(struct leases *ls, uint64_t now);
int leases_compact(struct leases *ls);

#endif

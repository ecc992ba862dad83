/* SPDX-License-Identifier: GPL-2.0 */
/* lease_int.h: shared by lease.c (wants) and lease_life.c (time, store, kernel). */
#ifndef DNS46_LEASE_INT_H
#define DNS46_LEASE_INT_H

#include <sys/queue.h>

#include "lease.h"
#include "quota.h"
#include "wild.h"

enum {
	SLACK_MAX = 60,		/* asked for beyond what is needed, to ask less often */
	TARGET_MIN = 60,	/* a target stays that long after it was seen (rule 40) */
	IN_USE_AFTER = 30,	/* what the kernel maps so long after its time is used */
	SAY_AGAIN = 60,		/* seconds between two lines about quotas */
	PUT_BATCH = 64,		/* mappings told to the kernel by one request */
	TRIES = 8,		/* addresses tried that turn out to be another's */
};

struct lease {
	struct lease *next;		/* of its hash bucket */
	TAILQ_ENTRY(lease) quarantine;
	uint64_t hash;
	uint32_t addr;			/* network order */
	uint64_t until;			/* never used: the kernel may drop it then */
	uint64_t promised;		/* the until that is on disk; 0: none, or not known */
	uint64_t kept;			/* on disk: held until then, because it is in use */
	uint64_t free_at;		/* in quarantine until then, or 0 */
	uint64_t pushed;
	uint32_t ttl;			/* of the last answer; 0: not known */
	unsigned int seen;		/* by which reading of the kernel's mappings */
	bool mapped;			/* the kernel has acknowledged it */
	bool saved;			/* and so has the disk */
	bool dirty;			/* targets differ from the kernel's */
	bool queued;
	enum synth_lease result;	/* of the last commit */
	bool orphan;			/* its name has another address now */
	unsigned int n;
	struct in6_addr target[STORE_TARGETS];
	uint64_t target_until[STORE_TARGETS];
	uint8_t name_len;
	uint8_t name[];
};

struct waiter {
	struct lease *lease;
	uint64_t token;
};

struct leases {
	struct lease_conf conf;
	struct addrs *addrs;
	struct store *store;
	struct kernel *kernel;
	lease_done_fn done;
	void *arg;
	struct lease **bucket;
	unsigned int buckets, n;	/* a power of two */
	TAILQ_HEAD(, lease) quarantined;
	struct waiter *waiter;
	unsigned int n_waiters, room_waiters;
	struct lease **queue;		/* to be told to the kernel */
	unsigned int n_queue, room_queue;
	unsigned int sync;
	uint64_t swept;
	bool exhausted, store_failed;	/* said so already */
	uint64_t quota_said;
	struct quota quota;
	struct lease_stats stats;	/* its counters */
	struct wild wild;
};

uint64_t lease_hash(const struct leases *ls, const uint8_t *name, size_t len);
struct lease *lease_find(const struct leases *ls, const uint8_t *name, size_t len);
/* With @addr, which must be free; NULL: it isn't, or no memory. */
struct lease *lease_make(struct leases *ls, const uint8_t *name, size_t len, uint32_t addr,
			 bool orphan);
void lease_drop(struct leases *ls, struct lease *l, uint64_t when);
void lease_save(struct leases *ls, const struct lease *l);
bool lease_queue(struct leases *ls, struct lease *l);
void lease_quarantine(struct leases *ls, struct lease *l, uint64_t now);
void lease_revive(struct leases *ls, struct lease *l);
/* Puts it into the kernel, at another address where it must be. */
enum synth_lease lease_push(struct leases *ls, struct lease *l, uint64_t now);
/* The same of many, by one request: true where all went well. */
bool lease_push_many(struct leases *ls, struct lease **l, unsigned int n, uint64_t now);

#endif

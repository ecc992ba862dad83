/* SPDX-License-Identifier: GPL-2.0 */
/*
 * nat46.h: the client library of the genetlink family "nat46", for the tool
 * and the relay. All calls return 0 or -errno and fill in a struct nat46_err;
 * none prints.
 */
#ifndef NAT46_H
#define NAT46_H

#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <netlink/netlink.h>

#include <linux/nf_nat46.h>

struct nat46_nl;

struct nat46_err {
	char msg[200];		/* the kernel's, or ours; "" where there is none */
	unsigned int offset;	/* of the attribute at fault in the request, or 0 */
};

/* ---- nl.c: sockets and requests ------------------------------------------ */

struct nat46_nl *nat46_nl_open(struct nat46_err *err);
void nat46_nl_close(struct nat46_nl *nl);
int nat46_nl_fd(const struct nat46_nl *nl);

/* A request; NULL where there is no memory. Whoever made it frees it. */
struct nl_msg *nat46_msg(struct nat46_nl *nl, uint8_t cmd, uint16_t flags);

/* One attribute set of a reply; attributes are found by their number. */
typedef int (*nat46_reply_fn)(struct nlattr **attrs, void *arg);

/*
 * Sends @msg and waits for its end, 5 s at most. @fn, which may be NULL, is
 * called for each reply with its attributes up to @max.
 */
int nat46_request(struct nat46_nl *nl, struct nl_msg *msg, int max,
		  nat46_reply_fn fn, void *arg, struct nat46_err *err);
/* The same, @fn being given each reply as it came (attributes that repeat). */
typedef int (*nat46_raw_fn)(struct nlmsghdr *h, void *arg);
int nat46_request_raw(struct nat46_nl *nl, struct nl_msg *msg, nat46_raw_fn fn, void *arg,
		      struct nat46_err *err);
/*
 * A dump that is whole: where the objects change meanwhile it is read again,
 * and @fn sees only the last reading.
 */
int nat46_dump(struct nat46_nl *nl, struct nl_msg *msg, int max,
	       nat46_reply_fn fn, void *arg, struct nat46_err *err);
/*
 * The same of what the kernel gives in the order of its keys: all that was there
 * all the while is in any reading. Where it changed in each, @fn sees the last one,
 * and @err has words, though 0 is returned.
 */
int nat46_dump_sorted(struct nat46_nl *nl, struct nl_msg *msg, int max,
		      nat46_reply_fn fn, void *arg, struct nat46_err *err);
/*
 * Sends @n requests by one system call and waits for their acknowledgements.
 * On failure *@failed is the index of the first that was refused.
 */
int nat46_request_many(struct nat46_nl *nl, struct nl_msg **msgs, unsigned int n,
		       unsigned int *failed, struct nat46_err *err);

/* ---- object.c: what the relay needs of the objects ------------------------ */

struct nat46_info {
	uint32_t api;
	char version[32];
	uint32_t pools, sources, mappings, policies;
	uint32_t sessions, sessions_all, sessions_max, buckets;
	bool has_all;
};

/* -ENOENT: the module is not there; -EPROTO: of another version. */
int nat46_info_get(struct nat46_nl *nl, struct nat46_info *info, struct nat46_err *err);

struct nat46_pool_info {
	struct in_addr addr;
	uint8_t plen;
	bool drain;
	uint32_t mappings;
};

struct nat46_policy_info {
	struct in6_addr addr;
	struct in_addr from;
	uint8_t plen, from_plen, proto, action;
	uint16_t dport;
	bool builtin;
};

struct nat46_map {
	struct in_addr addr;
	uint8_t plen;				/* 0: 32, one address */
	unsigned int n;
	struct in6_addr target[NAT46_TARGETS_MAX];
	char name[NAT46_NAME_LEN + 1];
	char owner[NAT46_OWNER_LEN + 1];	/* "": static */
	bool inbound;				/* replies only */
	bool expires;
	uint32_t seconds;			/* EXPIRES */
	uint32_t hold;
	uint32_t fresh;				/* 0: always; goes with expires */
	/* replies only */
	uint32_t sessions;
	uint64_t opened;
	bool used;
	uint32_t idle;
};

typedef int (*nat46_pool_fn)(const struct nat46_pool_info *pool, void *arg);
typedef int (*nat46_policy_fn)(const struct nat46_policy_info *policy, void *arg);
typedef int (*nat46_map_fn)(const struct nat46_map *map, void *arg);
typedef int (*nat46_event_fn)(enum nat46_map_event event, const struct nat46_map *map,
			      void *arg);

int nat46_pool_dump(struct nat46_nl *nl, nat46_pool_fn fn, void *arg, struct nat46_err *err);
int nat46_policy_dump(struct nat46_nl *nl, nat46_policy_fn fn, void *arg,
		      struct nat46_err *err);
int nat46_policy_default(struct nat46_nl *nl, uint8_t *action, struct nat46_err *err);

/* Adds; with @replace, or takes the place of the same owner's. */
int nat46_map_put(struct nat46_nl *nl, const struct nat46_map *map, bool replace,
		  struct nat46_err *err);
/* Many at once: 0, or what the first that failed said; others may be in place. */
int nat46_map_put_many(struct nat46_nl *nl, const struct nat46_map *maps, unsigned int n,
		       struct nat46_err *err);
/* @plen 0: the mapping that serves the address, whatever its prefix */
int nat46_map_get(struct nat46_nl *nl, struct in_addr addr, uint8_t plen, struct nat46_map *map,
		  struct nat46_err *err);
/* Of one address; @owner NULL: whoever's it is */
int nat46_map_del(struct nat46_nl *nl, struct in_addr addr, const char *owner,
		  struct nat46_err *err);
/* @owner, @glob: only those, where not NULL; by nat46_dump_sorted() */
int nat46_map_dump(struct nat46_nl *nl, const char *owner, const char *glob,
		   nat46_map_fn fn, void *arg, struct nat46_err *err);

/*
 * Events: a socket of its own, non-blocking from then on. nat46_events_read()
 * calls @fn for all that has come; -EAGAIN: nothing (more), -ENOBUFS: some
 * were lost.
 */
int nat46_events_join(struct nat46_nl *nl, struct nat46_err *err);
int nat46_events_read(struct nat46_nl *nl, nat46_event_fn fn, void *arg);

/* What clients wanted of addresses without a mapping, or with one that isn't fresh. */
struct nat46_miss {
	struct in_addr addr, client;
	uint8_t proto;
	uint16_t dport;				/* 0: none */
	bool stale;				/* it has a mapping */
	bool unknown;				/* refused for now: nat46_misses_dump() */
	uint32_t age;				/* likewise: seconds */
};

typedef int (*nat46_miss_fn)(const struct nat46_miss *miss, void *arg);

/* As with events, a socket of its own. */
int nat46_misses_join(struct nat46_nl *nl, struct nat46_err *err);
int nat46_misses_read(struct nat46_nl *nl, nat46_miss_fn fn, void *arg);
/* By another socket: nobody here knows that address. */
int nat46_miss_unknown(struct nat46_nl *nl, struct in_addr addr, struct nat46_err *err);
/* Who listens shall look that mapping's targets up anew. -ESRCH: nobody does. */
int nat46_miss_stale(struct nat46_nl *nl, struct in_addr addr, struct nat46_err *err);
/* What was asked for of late, and has no mapping. */
int nat46_misses_dump(struct nat46_nl *nl, nat46_miss_fn fn, void *arg, struct nat46_err *err);

#endif /* NAT46_H */

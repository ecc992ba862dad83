/* SPDX-License-Identifier: GPL-2.0 */
/*
 * query.h: the queries in flight, a table of fixed size (rule 50). A query is
 * driven by synth.c; here its wishes meet upstreams and leases.
 */
#ifndef DNS46_QUERY_H
#define DNS46_QUERY_H

#include "config.h"
#include "server.h"
#include "upstream.h"

struct event_base;
struct queries;

struct query_env {
	struct event_base *base;
	struct upstream *upstream;
	struct leases *leases;
	const struct policy *policy;
};

struct queries *queries_new(const struct query_env *env, unsigned int max);
void queries_free(struct queries *qs);

/* The client's answer comes by server_reply(), maybe before this returns. */
void query_start(struct queries *qs, struct config *conf, const uint8_t *msg, size_t len,
		 const struct client *client, bool allowed);
/* Looks a name up anew, for no client: its lease gets the targets of now (rule 59). */
void query_refresh(struct queries *qs, struct config *conf, const uint8_t *name, size_t len);
/* Leases wait to be written; they are before the loop sleeps. */
void queries_commit_soon(struct queries *qs);
void query_leased(uint64_t token, enum synth_lease result, uint32_t addr, uint32_t ttl,
		  void *queries);

unsigned int queries_busy(const struct queries *qs);	/* in flight */
uint64_t queries_refreshed(const struct queries *qs);
const uint64_t *queries_counts(const struct queries *qs);	/* by enum synth_outcome */

#endif

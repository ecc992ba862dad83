/* SPDX-License-Identifier: GPL-2.0 */
/*
 * metrics.h: what the relay has done, by HTTP, for who watches it:
 *   /metrics   Prometheus' text format
 *   /healthz   200: it lives (its event loop answers)
 *   /readyz    200: it relays and synthesises; 503: it only relays, and why
 */
#ifndef DNS46_METRICS_H
#define DNS46_METRICS_H

#include "config.h"

struct event_base;
struct kernel;
struct leases;
struct metrics;
struct queries;
struct server;

struct metrics_env {
	struct leases *leases;
	struct queries *queries;
	struct server *server;
	struct kernel *const *kernel;	/* opened later */
};

/* Opens the sockets. @conf without any: nothing is open. */
struct metrics *metrics_new(struct event_base *base, const struct config *conf,
			    const struct metrics_env *env, struct config_error *err);
void metrics_free(struct metrics *m);

#endif

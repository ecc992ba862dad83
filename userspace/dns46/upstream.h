/* SPDX-License-Identifier: GPL-2.0 */
/*
 * upstream.h: questions to the resolvers behind us. Each goes out from a port
 * and with an ID of its own (rule 34); equal ones in flight share one (35).
 */
#ifndef DNS46_UPSTREAM_H
#define DNS46_UPSTREAM_H

#include <sys/queue.h>

#include "config.h"
#include "wire.h"

struct event_base;
struct upstream;
struct ask;

/* Embedded by whoever asks; it waits while ask isn't NULL. */
struct asker {
	struct ask *ask;
	TAILQ_ENTRY(asker) next;
	/* @m NULL: nobody answered */
	void (*answered)(struct asker *a, const struct wire_msg *m);
};

struct upstream *upstream_new(struct event_base *base, const struct config *conf);
void upstream_free(struct upstream *u);
void upstream_set_conf(struct upstream *u, const struct config *conf);

/* @flags: of the client's query; false: no memory or no socket, nothing will come. */
bool upstream_ask(struct upstream *u, struct asker *a, const uint8_t *question, size_t qlen,
		  uint16_t flags, bool dnssec_ok);
void upstream_forget(struct asker *a);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/* upstream_int.h: shared by upstream.c (who is asked), upstream_udp.c and upstream_tcp.c. */
#ifndef DNS46_UPSTREAM_INT_H
#define DNS46_UPSTREAM_INT_H

#include <event2/event.h>

#include "upstream.h"

enum {
	UPSTREAM_MAX = 8,
	QUERY_MAX = WIRE_HEADER + WIRE_NAME_MAX + 4 + WIRE_OPT_MIN,
};

struct bufferevent;
struct port;
struct upstream_udp;

struct ask {
	struct ask *next;		/* of its bucket */
	struct upstream *u;
	TAILQ_HEAD(, asker) askers;
	/* by UDP: where its answer comes to, and which of the port's it is */
	struct port *port;
	unsigned int slot;
	TAILQ_ENTRY(ask) waiting;	/* in order of @deadline */
	uint64_t deadline;		/* milliseconds */
	struct bufferevent *tcp;
	unsigned int tries, n_order;
	uint8_t order[UPSTREAM_MAX];
	uint16_t id, flags;
	bool dnssec_ok;
	uint16_t qlen;
	uint8_t question[];
};

struct upstream {
	struct event_base *base;
	struct endpoint server[UPSTREAM_MAX];
	uint64_t down_until[UPSTREAM_MAX];	/* milliseconds */
	unsigned int n_servers, timeout;	/* milliseconds */
	struct upstream_udp *udp;
	struct ask *bucket[4096];
};

uint64_t upstream_now(void);
unsigned int upstream_server_of(const struct ask *a);
/* That server didn't answer: the next. */
void upstream_failed(struct ask *a);
/* @m, or NULL, is what all that asked get; @a is gone. */
void upstream_end(struct ask *a, const struct wire_msg *m);
size_t upstream_query(struct ask *a, uint16_t id, uint8_t out[QUERY_MAX]);

struct upstream_udp *upstream_udp_new(struct upstream *u);
void upstream_udp_free(struct upstream_udp *udp);
/* Questions from now on leave from other ports: the servers may be others. */
void upstream_udp_renew(struct upstream_udp *udp);
bool upstream_udp_send(struct ask *a);
/* Its answer isn't wanted any more. */
void upstream_udp_cancel(struct ask *a);

void upstream_tcp_send(struct ask *a);
void upstream_tcp_cancel(struct ask *a);

#endif

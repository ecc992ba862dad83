// SPDX-License-Identifier: GPL-2.0
/* upstream.c: see upstream.h. */
#include "upstream_int.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	BUCKETS = sizeof(((struct upstream *)0)->bucket) / sizeof(struct ask *),
	ROUNDS = 2,		/* of all upstreams, before we give up */
	DOWN_MS = 5000,		/* one that did not answer is asked last */
};

uint64_t upstream_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ULL + ts.tv_nsec / 1000000;
}

static struct ask **bucket_of(struct upstream *u, const uint8_t *q, size_t len)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < len; i++)
		h = (h ^ q[i]) * 16777619u;
	return &u->bucket[h % BUCKETS];
}

void upstream_set_conf(struct upstream *u, const struct config *conf)
{
	u->n_servers = conf->upstream.n < UPSTREAM_MAX ? conf->upstream.n : UPSTREAM_MAX;
	memcpy(u->server, conf->upstream.v, u->n_servers * sizeof(u->server[0]));
	memset(u->down_until, 0, sizeof(u->down_until));
	u->timeout = conf->upstream_timeout;
	upstream_udp_renew(u->udp);
}

struct upstream *upstream_new(struct event_base *base, const struct config *conf)
{
	struct upstream *u = calloc(1, sizeof(*u));

	if (!u)
		return NULL;
	u->base = base;
	u->udp = upstream_udp_new(u);
	if (!u->udp) {
		free(u);
		return NULL;
	}
	upstream_set_conf(u, conf);
	return u;
}

/* ---- an ask's end ----------------------------------------------------------- */

static void cancel(struct ask *a)
{
	upstream_udp_cancel(a);
	upstream_tcp_cancel(a);
}

static void unlink_ask(struct ask *a)
{
	struct ask **p = bucket_of(a->u, a->question, a->qlen);

	while (*p != a)
		p = &(*p)->next;
	*p = a->next;
	cancel(a);
}

/* Unlinked first: what the askers ask next is another ask. */
void upstream_end(struct ask *a, const struct wire_msg *m)
{
	struct asker *w;

	if (m)
		a->u->down_until[upstream_server_of(a)] = 0;
	unlink_ask(a);
	while ((w = TAILQ_FIRST(&a->askers))) {
		TAILQ_REMOVE(&a->askers, w, next);
		w->ask = NULL;
		w->answered(w, m);
	}
	free(a);
}

void upstream_forget(struct asker *w)
{
	struct ask *a = w->ask;

	if (!a)
		return;
	TAILQ_REMOVE(&a->askers, w, next);
	w->ask = NULL;
	if (!TAILQ_EMPTY(&a->askers))
		return;
	unlink_ask(a);
	free(a);
}

void upstream_free(struct upstream *u)
{
	if (!u)
		return;
	for (unsigned int i = 0; i < BUCKETS; i++)
		while (u->bucket[i]) {
			struct ask *a = u->bucket[i];
			struct asker *w;

			TAILQ_FOREACH(w, &a->askers, next)
				w->ask = NULL;
			unlink_ask(a);
			free(a);
		}
	upstream_udp_free(u->udp);
	free(u);
}

/* ---- whom we ask ------------------------------------------------------------ */

unsigned int upstream_server_of(const struct ask *a)
{
	return a->order[(a->tries - 1) % a->n_order];
}

size_t upstream_query(struct ask *a, uint16_t id, uint8_t out[QUERY_MAX])
{
	return wire_query(out, id, a->flags, a->question, a->qlen, a->dnssec_ok);
}

/* The next upstream, until all have been asked twice. */
static void send_next(struct ask *a)
{
	while (a->tries < ROUNDS * a->n_order) {
		a->tries++;
		if (upstream_udp_send(a))
			return;
		a->u->down_until[upstream_server_of(a)] = upstream_now() + DOWN_MS;
	}
	upstream_end(a, NULL);
}

void upstream_failed(struct ask *a)
{
	a->u->down_until[upstream_server_of(a)] = upstream_now() + DOWN_MS;
	cancel(a);
	send_next(a);
}

/*
 * Those that are up, in the order of the configuration, then the others. One
 * that was down long enough gets a single question: until that is answered, it
 * stays down for everybody else.
 */
static void set_order(struct ask *a)
{
	struct upstream *u = a->u;
	uint64_t now = upstream_now();
	unsigned int last = 0;
	uint8_t down[UPSTREAM_MAX];

	for (unsigned int i = 0; i < u->n_servers; i++) {
		if (u->down_until[i] > now) {
			down[last++] = i;
			continue;
		}
		if (u->down_until[i])
			u->down_until[i] = now + DOWN_MS;
		a->order[a->n_order++] = i;
	}
	memcpy(a->order + a->n_order, down, last);
	a->n_order += last;
}

/* ---- asking ----------------------------------------------------------------- */

static struct ask *find(struct upstream *u, const uint8_t *q, size_t qlen, uint16_t flags,
			bool dnssec_ok)
{
	struct ask *a = *bucket_of(u, q, qlen);

	while (a && (a->qlen != qlen || memcmp(a->question, q, qlen) || a->flags != flags ||
		     a->dnssec_ok != dnssec_ok))
		a = a->next;
	return a;
}

bool upstream_ask(struct upstream *u, struct asker *w, const uint8_t *question, size_t qlen,
		  uint16_t flags, bool dnssec_ok)
{
	struct ask *a, **bucket = bucket_of(u, question, qlen);

	flags &= WIRE_RD | WIRE_AD | WIRE_CD;
	a = find(u, question, qlen, flags, dnssec_ok);
	if (a) {
		w->ask = a;
		TAILQ_INSERT_TAIL(&a->askers, w, next);
		return true;
	}
	a = calloc(1, sizeof(*a) + qlen);
	if (!a)
		return false;
	a->u = u;
	a->flags = flags;
	a->dnssec_ok = dnssec_ok;
	a->qlen = qlen;
	memcpy(a->question, question, qlen);
	TAILQ_INIT(&a->askers);
	a->next = *bucket;
	*bucket = a;
	w->ask = a;
	TAILQ_INSERT_TAIL(&a->askers, w, next);
	set_order(a);
	send_next(a);
	return true;
}

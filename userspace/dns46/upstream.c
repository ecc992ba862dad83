// SPDX-License-Identifier: GPL-2.0
/* upstream.c: see upstream.h. */
#include "upstream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/util.h>

#include "log.h"

enum {
	BUCKETS = 4096,
	ROUNDS = 2,		/* of all upstreams, before we give up */
	DOWN_SECONDS = 5,	/* one that did not answer is asked last */
	TARGETS_MAX = 8,
};

struct ask {
	struct ask *next;	/* of its bucket */
	struct upstream *u;
	TAILQ_HEAD(, asker) askers;
	struct event *ev;
	struct bufferevent *tcp;
	int fd;
	unsigned int tries, n_order;
	uint8_t order[TARGETS_MAX];
	uint16_t id, flags;
	bool dnssec_ok;
	uint16_t qlen;
	uint8_t question[];
};

struct upstream {
	struct event_base *base;
	struct endpoint server[TARGETS_MAX];
	time_t down_until[TARGETS_MAX];
	unsigned int n_servers;
	struct timeval timeout;
	struct ask *bucket[BUCKETS];
};

static void send_next(struct ask *a);

static time_t monotonic(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
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
	u->n_servers = conf->upstream.n < TARGETS_MAX ? conf->upstream.n : TARGETS_MAX;
	memcpy(u->server, conf->upstream.v, u->n_servers * sizeof(u->server[0]));
	memset(u->down_until, 0, sizeof(u->down_until));
	u->timeout.tv_sec = conf->upstream_timeout / 1000;
	u->timeout.tv_usec = conf->upstream_timeout % 1000 * 1000;
}

struct upstream *upstream_new(struct event_base *base, const struct config *conf)
{
	struct upstream *u = calloc(1, sizeof(*u));

	if (!u)
		return NULL;
	u->base = base;
	upstream_set_conf(u, conf);
	return u;
}

/* ---- an ask's end ----------------------------------------------------------- */

static void close_sockets(struct ask *a)
{
	if (a->ev)
		event_free(a->ev);
	a->ev = NULL;
	if (a->fd >= 0)
		close(a->fd);
	a->fd = -1;
	if (a->tcp)
		bufferevent_free(a->tcp);
	a->tcp = NULL;
}

static void unlink_ask(struct ask *a)
{
	struct ask **p = bucket_of(a->u, a->question, a->qlen);

	while (*p != a)
		p = &(*p)->next;
	*p = a->next;
	close_sockets(a);
}

/* Unlinked first: what the askers ask next is another ask. */
static void end(struct ask *a, const struct wire_msg *m)
{
	struct asker *w;

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
	free(u);
}

/* ---- answers ---------------------------------------------------------------- */

static unsigned int server_of(const struct ask *a)
{
	return a->order[(a->tries - 1) % a->n_order];
}

static void failed(struct ask *a)
{
	a->u->down_until[server_of(a)] = monotonic() + DOWN_SECONDS;
	send_next(a);
}

/* ---- TCP, for what UDP cut off (rule 31) ------------------------------------ */

static size_t make_query(struct ask *a, uint8_t *out)
{
	evutil_secure_rng_get_bytes(&a->id, sizeof(a->id));
	return wire_query(out, a->id, a->flags, a->question, a->qlen, a->dnssec_ok);
}

static void tcp_event(struct bufferevent *bev, short what, void *arg)
{
	if (what & (BEV_EVENT_ERROR | BEV_EVENT_EOF | BEV_EVENT_TIMEOUT))
		failed(arg);
}

static void tcp_read(struct bufferevent *bev, void *arg)
{
	struct evbuffer *in = bufferevent_get_input(bev);
	static uint8_t msg[WIRE_MSG_MAX];
	struct ask *a = arg;
	struct wire_msg m;
	uint8_t len[2];
	size_t n;

	if (evbuffer_copyout(in, len, 2) < 2)
		return;
	n = wire_u16(len);
	if (evbuffer_get_length(in) < 2 + n)
		return;
	evbuffer_drain(in, 2);
	evbuffer_remove(in, msg, n);
	if (wire_parse(&m, msg, n) || !wire_answers(&m, a->id, a->question, a->qlen))
		failed(a);
	else
		end(a, &m);
}

static void try_tcp(struct ask *a)
{
	const struct endpoint *e = &a->u->server[server_of(a)];
	uint8_t q[2 + WIRE_HEADER + WIRE_NAME_MAX + 4 + WIRE_OPT_MIN];
	struct bufferevent *bev;
	size_t len;

	close_sockets(a);
	len = make_query(a, q + 2);
	wire_put16(q, len);
	bev = bufferevent_socket_new(a->u->base, -1, BEV_OPT_CLOSE_ON_FREE);
	a->tcp = bev;
	if (!bev) {
		failed(a);
		return;
	}
	bufferevent_setcb(bev, tcp_read, NULL, tcp_event, a);
	bufferevent_set_timeouts(bev, &a->u->timeout, &a->u->timeout);
	bufferevent_write(bev, q, 2 + len);
	bufferevent_enable(bev, EV_READ | EV_WRITE);
	if (bufferevent_socket_connect(bev, (const struct sockaddr *)&e->ss, e->len) &&
	    a->tcp == bev)
		failed(a);
}

/* ---- UDP -------------------------------------------------------------------- */

static void udp_ready(evutil_socket_t fd, short what, void *arg)
{
	static uint8_t msg[WIRE_MSG_MAX];
	struct ask *a = arg;
	struct wire_msg m;
	ssize_t n;

	if (what & EV_TIMEOUT) {
		failed(a);
		return;
	}
	n = recv(fd, msg, sizeof(msg), MSG_DONTWAIT);
	if (n < 0) {
		if (errno != EAGAIN && errno != EINTR)
			failed(a);	/* port unreachable */
		return;
	}
	/* Not ours, or mangled: the true one may still come (rule 34). */
	if (wire_parse(&m, msg, n)) {
		/* cut off in the middle of a record: the header says so */
		if (n >= WIRE_HEADER && m.id == a->id && m.flags & WIRE_TC)
			try_tcp(a);
		return;
	}
	if (!wire_answers(&m, a->id, a->question, a->qlen))
		return;
	if (m.flags & WIRE_TC)
		try_tcp(a);
	else
		end(a, &m);
}

static bool send_udp(struct ask *a)
{
	const struct endpoint *e = &a->u->server[server_of(a)];
	uint8_t q[WIRE_HEADER + WIRE_NAME_MAX + 4 + WIRE_OPT_MIN];
	size_t len = make_query(a, q);

	/* Connected: the kernel drops what others send, and picks a random port. */
	a->fd = socket(e->ss.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (a->fd < 0 || connect(a->fd, (const struct sockaddr *)&e->ss, e->len) ||
	    send(a->fd, q, len, 0) != (ssize_t)len)
		return false;
	a->ev = event_new(a->u->base, a->fd, EV_READ | EV_PERSIST, udp_ready, a);
	return a->ev && !event_add(a->ev, &a->u->timeout);
}

/* The next upstream, until all have been asked twice. */
static void send_next(struct ask *a)
{
	while (a->tries < ROUNDS * a->n_order) {
		close_sockets(a);
		a->tries++;
		if (send_udp(a))
			return;
		a->u->down_until[server_of(a)] = monotonic() + DOWN_SECONDS;
	}
	end(a, NULL);
}

/* ---- asking ----------------------------------------------------------------- */

static void set_order(struct ask *a)
{
	struct upstream *u = a->u;
	time_t now = monotonic();

	for (int down = 0; down < 2; down++)
		for (unsigned int i = 0; i < u->n_servers; i++)
			if ((u->down_until[i] > now) == down)
				a->order[a->n_order++] = i;
}

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
	a->fd = -1;
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

// SPDX-License-Identifier: GPL-2.0
/*
 * server_tcp.c: connections of clients (RFC 7766). Queries of one connection are
 * answered as they are done, in any order. A connection that has brought no
 * whole query and got no answer for IDLE_SECONDS is closed, however busy it is
 * otherwise; the longest idle one is, when there is no room for a new one.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>

#include "activation.h"
#include "log.h"
#include "server_int.h"

enum {
	IDLE_SECONDS = 10,
	BACKLOG = 1024,
	QUERY_MAX = 4096,		/* longer ones are not queries */
	PIPELINE_MAX = 64,		/* queries of one connection in flight */
	UNREAD_SOME = 256 * 1024,	/* no more queries of a client that leaves that unread */
	UNREAD_MAX = 32 * 1024 * 1024,	/* of all clients together; buffers have up to twice that */
	PEER_BUCKETS = 4096,
};

struct conn {
	TAILQ_ENTRY(conn) next;
	struct server *s;
	struct bufferevent *bev;	/* NULL: closed, its queries are not done */
	struct peer *peer;
	struct client client;
	time_t last;
	bool allowed;
	unsigned int inflight;
};

/* How many connections an address has. */
struct peer {
	struct peer *next;
	struct in6_addr addr;
	unsigned int n;
};

struct tcp_peers {
	struct peer *bucket[PEER_BUCKETS];
};

static void on_read(struct bufferevent *bev, void *arg);

static time_t monotonic(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
	return ts.tv_sec;
}

/* ---- peers ------------------------------------------------------------------ */

static struct peer **peer_at(struct server *s, const struct in6_addr *addr)
{
	uint32_t h = 2166136261u;
	struct peer **p;

	for (size_t i = 0; i < sizeof(*addr); i++)
		h = (h ^ addr->s6_addr[i]) * 16777619u;
	p = &s->peers->bucket[h % PEER_BUCKETS];
	while (*p && memcmp(&(*p)->addr, addr, sizeof(*addr)))
		p = &(*p)->next;
	return p;
}

static struct peer *peer_get(struct server *s, const struct in6_addr *addr)
{
	struct peer **p = peer_at(s, addr);

	if (!*p) {
		*p = calloc(1, sizeof(**p));
		if (!*p)
			return NULL;
		(*p)->addr = *addr;
	}
	(*p)->n++;
	return *p;
}

static void peer_put(struct server *s, struct peer *peer)
{
	struct peer **p = peer_at(s, &peer->addr);

	if (--peer->n)
		return;
	*p = peer->next;
	free(peer);
}

/* ---- a connection ----------------------------------------------------------- */

static void forget(struct conn *c)
{
	if (!c->bev && !c->inflight)
		free(c);
}

static size_t unread(const struct conn *c)
{
	return evbuffer_get_length(bufferevent_get_output(c->bev));
}

static void on_unread(struct evbuffer *out, const struct evbuffer_cb_info *info, void *arg)
{
	struct server *s = arg;

	s->unread += info->n_added - info->n_deleted;
}

static void hang_up(struct conn *c)
{
	struct server *s = c->s;

	evbuffer_remove_cb(bufferevent_get_output(c->bev), on_unread, s);
	s->unread -= unread(c);
	bufferevent_free(c->bev);
	c->bev = NULL;
	TAILQ_REMOVE(&s->conns, c, next);
	s->n_conns--;
	peer_put(s, c->peer);
	forget(c);
}

/* A whole query has come, or an answer goes: it isn't idle. */
static void touch(struct conn *c)
{
	c->last = monotonic();
	TAILQ_REMOVE(&c->s->conns, c, next);
	TAILQ_INSERT_TAIL(&c->s->conns, c, next);
}

static bool may_read(const struct conn *c)
{
	return c->inflight < PIPELINE_MAX && unread(c) < UNREAD_SOME;
}

static void on_read(struct bufferevent *bev, void *arg)
{
	struct evbuffer *in = bufferevent_get_input(bev);
	uint8_t msg[QUERY_MAX];
	struct conn *c = arg;

	while (may_read(c)) {
		uint8_t len[2];
		size_t n;

		if (evbuffer_copyout(in, len, 2) < 2)
			break;
		n = wire_u16(len);
		if (n < WIRE_HEADER || n > QUERY_MAX) {
			hang_up(c);
			return;
		}
		if (evbuffer_get_length(in) < 2 + n)
			break;
		evbuffer_drain(in, 2);
		evbuffer_remove(in, msg, n);
		touch(c);
		c->inflight++;	/* so that it stays, whatever the answer does */
		c->s->fn(msg, n, &c->client, c->allowed, c->s->arg);
		c->inflight--;
		if (!c->bev) {
			forget(c);
			return;
		}
	}
	if (!may_read(c))
		bufferevent_disable(bev, EV_READ);
}

static void read_on(struct conn *c)
{
	if (may_read(c) && !(bufferevent_get_enabled(c->bev) & EV_READ)) {
		bufferevent_enable(c->bev, EV_READ);
		on_read(c->bev, c);
	}
}

/* The client has read something. */
static void on_write(struct bufferevent *bev, void *arg)
{
	read_on(arg);
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
	struct conn *c = arg;

	/* A client may close its half when it has asked all (RFC 7766 6.2.3). */
	if (what & BEV_EVENT_EOF && (c->inflight || unread(c)))
		return;
	hang_up(c);
}

void server_tcp_reply(struct conn *c, const uint8_t *msg, size_t len)
{
	uint8_t prefix[2];

	if (!c->bev || len > WIRE_MSG_MAX)
		return;
	if (c->s->unread > UNREAD_MAX && unread(c)) {
		hang_up(c);
		return;
	}
	wire_put16(prefix, len);
	bufferevent_write(c->bev, prefix, 2);
	bufferevent_write(c->bev, msg, len);
	touch(c);
}

void server_hold(struct client *client)
{
	if (client->conn)
		client->conn->inflight++;
}

void server_release(struct client *client)
{
	struct conn *c = client->conn;

	if (!c)
		return;
	c->inflight--;
	forget(c);
}

/* ---- accepting -------------------------------------------------------------- */

/* The one that has been idle longest, and waits for nothing. */
static bool make_room(struct server *s)
{
	struct conn *c;

	TAILQ_FOREACH(c, &s->conns, next)
		if (!c->inflight) {
			hang_up(c);
			return true;
		}
	return false;
}

static void on_accept(struct evconnlistener *l, evutil_socket_t fd, struct sockaddr *from,
		      int len, void *arg)
{
	struct in6_addr addr = addr_of_sockaddr(from);
	struct sockaddr_storage local = { 0 };
	socklen_t llen = sizeof(local);
	struct server *s = arg;
	struct peer *peer;
	struct conn *c;

	peer = peer_get(s, &addr);
	if (!peer) {
		evutil_closesocket(fd);
		return;
	}
	c = calloc(1, sizeof(*c));
	/* One client may have a quarter of all. */
	if (!c || peer->n > s->max_tcp / 4 || (s->n_conns >= s->max_tcp && !make_room(s)) ||
	    getsockname(fd, (struct sockaddr *)&local, &llen))
		goto close;
	c->bev = bufferevent_socket_new(s->base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (!c->bev || !evbuffer_add_cb(bufferevent_get_output(c->bev), on_unread, s))
		goto close;
	c->s = s;
	c->peer = peer;
	c->client.s = s;
	c->client.conn = c;
	c->client.fd = -1;
	c->client.len = len;
	memcpy(&c->client.ss, from, len);
	c->client.local = addr_of_sockaddr((struct sockaddr *)&local);
	c->allowed = server_allows(s, from, &c->client.local);
	c->last = monotonic();
	TAILQ_INSERT_TAIL(&s->conns, c, next);
	s->n_conns++;
	s->accept_failed = false;
	bufferevent_setcb(c->bev, on_read, on_write, on_event, c);
	bufferevent_setwatermark(c->bev, EV_READ, 0, 2 + QUERY_MAX);
	bufferevent_enable(c->bev, EV_READ | EV_WRITE);
	return;

close:
	if (c && c->bev)
		bufferevent_free(c->bev);
	else
		evutil_closesocket(fd);
	free(c);
	peer_put(s, peer);
}

/*
 * No more files, say. The connection that waits would wake us again at once; on_sweep()
 * goes on.
 */
static void on_accept_error(struct evconnlistener *l, void *arg)
{
	struct server *s = arg;

	if (!s->accept_failed)
		log_err("a TCP connection can't be accepted: %s",
			evutil_socket_error_to_string(EVUTIL_SOCKET_ERROR()));
	s->accept_failed = true;
	evconnlistener_disable(l);
}

bool server_tcp_listen(struct server *s, struct listener *l, const struct endpoint *e)
{
	unsigned int flags = LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE;

	int fd = activation_take(e, SOCK_STREAM);

	if (e->ss.ss_family == AF_INET6)
		flags |= LEV_OPT_BIND_IPV6ONLY;
	if (fd >= 0)	/* it listens */
		l->tcp = evconnlistener_new(s->base, on_accept, s, flags, 0, fd);
	else
		l->tcp = evconnlistener_new_bind(s->base, on_accept, s, flags, BACKLOG,
						 (const struct sockaddr *)&e->ss, e->len);
	if (l->tcp)
		evconnlistener_set_error_cb(l->tcp, on_accept_error);
	return l->tcp;
}

void server_tcp_stop(struct listener *l)
{
	if (l->tcp)
		evconnlistener_free(l->tcp);
	l->tcp = NULL;
}

/* Quiet since the last second at least, or with @all whoever waits for no answer. */
void server_tcp_drain(struct server *s, bool all)
{
	struct conn *c, *next;
	time_t now = monotonic();

	for (c = TAILQ_FIRST(&s->conns); c; c = next) {
		next = TAILQ_NEXT(c, next);
		if (!c->inflight && !unread(c) && (all || c->last < now))
			hang_up(c);
	}
}

/* ---- all of them ------------------------------------------------------------ */

static void on_sweep(evutil_socket_t fd, short what, void *arg)
{
	time_t old = monotonic() - IDLE_SECONDS;
	struct server *s = arg;
	struct conn *c;

	for (size_t i = 0; i < s->n_listeners; i++)
		if (s->listener[i].tcp)
			evconnlistener_enable(s->listener[i].tcp);
	while ((c = TAILQ_FIRST(&s->conns)) && c->last < old) {
		if (c->inflight)	/* it waits for us */
			touch(c);
		else
			hang_up(c);
	}
}

bool server_tcp_init(struct server *s)
{
	struct timeval second = { 1, 0 };

	s->peers = calloc(1, sizeof(*s->peers));
	s->sweep = event_new(s->base, -1, EV_PERSIST, on_sweep, s);
	return s->peers && s->sweep && !event_add(s->sweep, &second);
}

void server_tcp_free(struct server *s)
{
	while (!TAILQ_EMPTY(&s->conns))
		hang_up(TAILQ_FIRST(&s->conns));
	if (s->sweep)
		event_free(s->sweep);
	free(s->peers);
}

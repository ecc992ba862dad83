// SPDX-License-Identifier: GPL-2.0
/*
 * server_tcp.c: connections of clients (RFC 7766). Queries of one connection are
 * answered as they are done, in any order.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>

#include "server_int.h"

enum {
	IDLE_SECONDS = 10,
	BACKLOG = 1024,
	PIPELINE_MAX = 64,		/* queries of one connection in flight */
	OUTPUT_MAX = 256 * 1024,	/* what a client may leave unread */
};

struct conn {
	TAILQ_ENTRY(conn) next;
	struct server *s;
	struct bufferevent *bev;	/* NULL: closed, its queries are not done */
	struct client client;
	bool allowed;
	unsigned int inflight;
};

static void on_read(struct bufferevent *bev, void *arg);

static void forget(struct conn *c)
{
	if (!c->bev && !c->inflight)
		free(c);
}

static void hang_up(struct conn *c)
{
	bufferevent_free(c->bev);
	c->bev = NULL;
	TAILQ_REMOVE(&c->s->conns, c, next);
	c->s->n_conns--;
	forget(c);
}

static bool may_read(const struct conn *c)
{
	return c->inflight < PIPELINE_MAX &&
	       evbuffer_get_length(bufferevent_get_output(c->bev)) < OUTPUT_MAX;
}

static void on_read(struct bufferevent *bev, void *arg)
{
	struct evbuffer *in = bufferevent_get_input(bev);
	static uint8_t msg[WIRE_MSG_MAX];
	struct conn *c = arg;

	while (may_read(c)) {
		uint8_t len[2];
		size_t n;

		if (evbuffer_copyout(in, len, 2) < 2)
			break;
		n = wire_u16(len);
		if (n < WIRE_HEADER) {
			hang_up(c);
			return;
		}
		if (evbuffer_get_length(in) < 2 + n)
			break;
		evbuffer_drain(in, 2);
		evbuffer_remove(in, msg, n);
		c->s->fn(msg, n, &c->client, c->allowed, c->s->arg);
	}
	if (!may_read(c))
		bufferevent_disable(bev, EV_READ);
}

/* The client has read something. */
static void on_write(struct bufferevent *bev, void *arg)
{
	struct conn *c = arg;

	if (may_read(c) && !(bufferevent_get_enabled(bev) & EV_READ)) {
		bufferevent_enable(bev, EV_READ);
		on_read(bev, c);
	}
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
	struct conn *c = arg;

	if (what & BEV_EVENT_TIMEOUT && what & BEV_EVENT_READING && c->inflight) {
		bufferevent_enable(bev, EV_READ);	/* not idle: it waits for us */
		return;
	}
	/* A client may close its half when it has asked all (RFC 7766 6.2.3). */
	if (what & BEV_EVENT_EOF && c->inflight)
		return;
	hang_up(c);
}

void server_tcp_reply(struct conn *c, const uint8_t *msg, size_t len)
{
	uint8_t prefix[2];

	if (!c->bev || len > WIRE_MSG_MAX)
		return;
	wire_put16(prefix, len);
	bufferevent_write(c->bev, prefix, 2);
	bufferevent_write(c->bev, msg, len);
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

static unsigned int conns_of(const struct server *s, const struct in6_addr *addr)
{
	unsigned int n = 0;
	struct conn *c;

	TAILQ_FOREACH(c, &s->conns, next) {
		struct in6_addr a = addr_of_sockaddr((struct sockaddr *)&c->client.ss);

		n += !memcmp(&a, addr, sizeof(a));
	}
	return n;
}

static void on_accept(struct evconnlistener *l, evutil_socket_t fd, struct sockaddr *from,
		      int len, void *arg)
{
	struct timeval idle = { IDLE_SECONDS, 0 };
	struct in6_addr addr = addr_of_sockaddr(from);
	struct sockaddr_storage local = { 0 };
	socklen_t llen = sizeof(local);
	struct server *s = arg;
	struct conn *c;

	/* One client may have a quarter of all. */
	if (s->n_conns >= s->max_tcp || conns_of(s, &addr) >= s->max_tcp / 4 ||
	    getsockname(fd, (struct sockaddr *)&local, &llen)) {
		evutil_closesocket(fd);
		return;
	}
	c = calloc(1, sizeof(*c));
	if (c)
		c->bev = bufferevent_socket_new(s->base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (!c || !c->bev) {
		evutil_closesocket(fd);
		free(c);
		return;
	}
	c->s = s;
	c->client.conn = c;
	c->client.fd = -1;
	c->client.len = len;
	memcpy(&c->client.ss, from, len);
	c->client.local = addr_of_sockaddr((struct sockaddr *)&local);
	c->allowed = server_allows(s, from, &c->client.local);
	TAILQ_INSERT_TAIL(&s->conns, c, next);
	s->n_conns++;
	bufferevent_setcb(c->bev, on_read, on_write, on_event, c);
	bufferevent_set_timeouts(c->bev, &idle, &idle);
	bufferevent_setwatermark(c->bev, EV_READ, 0, 2 + WIRE_MSG_MAX);
	bufferevent_enable(c->bev, EV_READ | EV_WRITE);
}

bool server_tcp_listen(struct server *s, struct listener *l, const struct endpoint *e)
{
	unsigned int flags = LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE;

	if (e->ss.ss_family == AF_INET6)
		flags |= LEV_OPT_BIND_IPV6ONLY;
	l->tcp = evconnlistener_new_bind(s->base, on_accept, s, flags, BACKLOG,
					 (const struct sockaddr *)&e->ss, e->len);
	return l->tcp;
}

void server_tcp_stop(struct listener *l)
{
	if (l->tcp)
		evconnlistener_free(l->tcp);
	l->tcp = NULL;
}

void server_tcp_close_all(struct server *s)
{
	while (!TAILQ_EMPTY(&s->conns))
		hang_up(TAILQ_FIRST(&s->conns));
}

// SPDX-License-Identifier: GPL-2.0
/* upstream_tcp.c: what UDP cut off is asked for again by TCP (rule 31). */
#include <event2/buffer.h>
#include <event2/bufferevent.h>

#include "upstream_int.h"

static void on_event(struct bufferevent *bev, short what, void *arg)
{
	if (what & (BEV_EVENT_ERROR | BEV_EVENT_EOF | BEV_EVENT_TIMEOUT))
		upstream_failed(arg);
}

static void on_read(struct bufferevent *bev, void *arg)
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
		upstream_failed(a);
	else
		upstream_end(a, &m);
}

void upstream_tcp_send(struct ask *a)
{
	const struct endpoint *e = &a->u->server[upstream_server_of(a)];
	struct timeval timeout = { a->u->timeout / 1000, a->u->timeout % 1000 * 1000 };
	struct bufferevent *bev;
	uint8_t q[2 + QUERY_MAX];
	size_t len;

	evutil_secure_rng_get_bytes(&a->id, sizeof(a->id));
	len = upstream_query(a, a->id, q + 2);
	wire_put16(q, len);
	bev = bufferevent_socket_new(a->u->base, -1, BEV_OPT_CLOSE_ON_FREE);
	a->tcp = bev;
	if (!bev) {
		upstream_failed(a);
		return;
	}
	bufferevent_setcb(bev, on_read, NULL, on_event, a);
	bufferevent_set_timeouts(bev, &timeout, &timeout);
	bufferevent_write(bev, q, 2 + len);
	bufferevent_enable(bev, EV_READ | EV_WRITE);
	if (bufferevent_socket_connect(bev, (const struct sockaddr *)&e->ss, e->len) &&
	    a->tcp == bev)
		upstream_failed(a);
}

void upstream_tcp_cancel(struct ask *a)
{
	if (a->tcp)
		bufferevent_free(a->tcp);
	a->tcp = NULL;
}

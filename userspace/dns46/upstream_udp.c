// SPDX-License-Identifier: GPL-2.0
/*
 * upstream_udp.c: questions by UDP (rule 34). The kernel chooses a port at
 * random, the ID is random, and the socket is connected, so that the kernel drops
 * what others send. A port serves PORT_QUERIES questions or PORT_MS milliseconds,
 * whatever ends first: one that asks seldom has a port of its own for each
 * question, and under load the price of a socket is shared by many. Who
 * forges answers gains nothing by that: for each open question there is still one
 * pair of port and ID in 2^31 or so that is right, and a port is open no longer
 * than one that waits for a slow server.
 *
 * Questions leave and answers are taken in batches, between two waits of the
 * event loop.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <event2/util.h>

#include "upstream_int.h"

enum {
	PORT_QUERIES = 64,
	PORT_MS = 200,
	BATCH = 32,
	/* More than we tell the server to send; what is longer comes by TCP. */
	ANSWER_MAX = 4096,
	SOCKET_BYTES = 1 << 20,	/* so that forged answers don't crowd the true one out */
};

struct port {
	TAILQ_ENTRY(port) all;
	struct upstream_udp *udp;
	int fd;
	struct event *ev;
	uint64_t born;
	unsigned int asked, open, queued;
	bool current;		/* new questions leave from here */
	bool busy, failed;
	uint16_t id[PORT_QUERIES];
	struct ask *ask[PORT_QUERIES];	/* NULL: answered */
};

struct upstream_udp {
	struct upstream *u;
	TAILQ_HEAD(, port) ports;
	struct port *current[UPSTREAM_MAX];
	TAILQ_HEAD(, ask) waiting;
	struct event *timer, *flush;
	/* what leaves next */
	unsigned int n_out;
	struct port *to[BATCH];
	size_t len[BATCH];
	uint8_t out[BATCH][QUERY_MAX];
	uint16_t random[128];
	unsigned int n_random;
};

/* ---- ports ------------------------------------------------------------------ */

static void drop(struct port *p)
{
	if (p->ev)
		event_free(p->ev);
	if (p->fd >= 0)
		close(p->fd);
	TAILQ_REMOVE(&p->udp->ports, p, all);
	free(p);
}

/* Gone, when nothing is open, nothing to be sent, and nobody looks at it. */
static void maybe_drop(struct port *p)
{
	if (!p->open && !p->queued && !p->current && !p->busy)
		drop(p);
}

static void retire(struct port *p)
{
	struct upstream_udp *udp = p->udp;

	for (unsigned int i = 0; i < UPSTREAM_MAX; i++)
		if (udp->current[i] == p)
			udp->current[i] = NULL;
	p->current = false;
	maybe_drop(p);
}

static void on_readable(evutil_socket_t fd, short what, void *arg);

static struct port *open_port(struct upstream_udp *udp, unsigned int server)
{
	const struct endpoint *e = &udp->u->server[server];
	struct port *p = calloc(1, sizeof(*p));
	int size = SOCKET_BYTES;

	if (!p)
		return NULL;
	p->udp = udp;
	p->born = upstream_now();
	TAILQ_INSERT_TAIL(&udp->ports, p, all);
	p->fd = socket(e->ss.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (p->fd >= 0 && setsockopt(p->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		setsockopt(p->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (p->fd >= 0 && !connect(p->fd, (const struct sockaddr *)&e->ss, e->len)) {
		p->ev = event_new(udp->u->base, p->fd, EV_READ | EV_PERSIST, on_readable, p);
		if (p->ev && !event_add(p->ev, NULL)) {
			p->current = true;
			udp->current[server] = p;
			return p;
		}
	}
	drop(p);
	return NULL;
}

static struct port *port_to(struct upstream_udp *udp, unsigned int server)
{
	struct port *p = udp->current[server];

	if (p && (p->asked == PORT_QUERIES || upstream_now() - p->born >= PORT_MS)) {
		retire(p);
		p = NULL;
	}
	return p ?: open_port(udp, server);
}

/* Whoever waits here asks the next server. */
static void fail(struct port *p)
{
	p->busy = true;
	retire(p);
	for (unsigned int i = 0; i < p->asked; i++)
		if (p->ask[i])
			upstream_failed(p->ask[i]);
	p->busy = false;
	maybe_drop(p);
}

/* ---- questions -------------------------------------------------------------- */

static void send_out(struct upstream_udp *udp)
{
	struct mmsghdr msg[BATCH] = { 0 };
	struct iovec iov[BATCH];
	unsigned int n = udp->n_out;

	for (unsigned int i = 0; i < n; i++) {
		iov[i] = (struct iovec){ udp->out[i], udp->len[i] };
		msg[i].msg_hdr.msg_iov = &iov[i];
		msg[i].msg_hdr.msg_iovlen = 1;
	}
	for (unsigned int i = 0, end; i < n; i = end) {
		struct port *p = udp->to[i];

		for (end = i; end < n && udp->to[end] == p;)
			end++;
		while (i < end && p) {
			int sent = sendmmsg(p->fd, &msg[i], end - i, MSG_DONTWAIT);

			if (sent > 0) {
				i += sent;
			} else if (errno == EAGAIN || errno == ENOBUFS) {
				i++;	/* lost, as on the way */
			} else if (errno != EINTR) {
				p->failed = true;
				break;
			}
		}
	}
	udp->n_out = 0;
}

static void flush(struct upstream_udp *udp)
{
	struct port *to[BATCH];
	unsigned int n = udp->n_out;

	memcpy(to, udp->to, n * sizeof(to[0]));
	send_out(udp);
	for (unsigned int i = 0; i < n; i++) {
		if (to[i]->failed) {
			to[i]->failed = false;
			fail(to[i]);
		}
		to[i]->queued--;
		maybe_drop(to[i]);
	}
}

static void on_flush(evutil_socket_t fd, short what, void *arg)
{
	flush(arg);
}

static uint16_t random_id(struct upstream_udp *udp)
{
	if (!udp->n_random) {
		evutil_secure_rng_get_bytes(udp->random, sizeof(udp->random));
		udp->n_random = sizeof(udp->random) / sizeof(udp->random[0]);
	}
	return udp->random[--udp->n_random];
}

static bool id_open(const struct port *p, uint16_t id)
{
	for (unsigned int i = 0; i < p->asked; i++)
		if (p->ask[i] && p->id[i] == id)
			return true;
	return false;
}

static void wait_until(struct upstream_udp *udp, struct ask *a, uint64_t deadline)
{
	struct timeval tv = { udp->u->timeout / 1000, udp->u->timeout % 1000 * 1000 };

	a->deadline = deadline;
	if (TAILQ_EMPTY(&udp->waiting) && !event_pending(udp->timer, EV_TIMEOUT, NULL))
		event_add(udp->timer, &tv);
	TAILQ_INSERT_TAIL(&udp->waiting, a, waiting);
}

bool upstream_udp_send(struct ask *a)
{
	struct upstream_udp *udp = a->u->udp;
	unsigned int server = upstream_server_of(a);
	struct port *p;

	if (udp->n_out == BATCH)
		flush(udp);
	p = port_to(udp, server);
	if (!p)
		return false;
	do
		a->id = random_id(udp);
	while (id_open(p, a->id));
	a->port = p;
	a->slot = p->asked++;
	p->id[a->slot] = a->id;
	p->ask[a->slot] = a;
	p->open++;
	wait_until(udp, a, upstream_now() + udp->u->timeout);
	udp->to[udp->n_out] = p;
	p->queued++;
	udp->len[udp->n_out] = upstream_query(a, a->id, udp->out[udp->n_out]);
	if (!udp->n_out++)
		event_active(udp->flush, EV_TIMEOUT, 0);
	return true;
}

void upstream_udp_cancel(struct ask *a)
{
	struct port *p = a->port;

	if (!p)
		return;
	a->port = NULL;
	TAILQ_REMOVE(&p->udp->waiting, a, waiting);
	p->ask[a->slot] = NULL;
	p->open--;
	maybe_drop(p);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct upstream_udp *udp = arg;
	uint64_t now = upstream_now();
	struct timeval tv;
	struct ask *a;

	while ((a = TAILQ_FIRST(&udp->waiting)) && a->deadline <= now)
		upstream_failed(a);
	if (!a)
		return;
	tv.tv_sec = (a->deadline - now) / 1000;
	tv.tv_usec = (a->deadline - now) % 1000 * 1000;
	event_add(udp->timer, &tv);
}

/* ---- answers ---------------------------------------------------------------- */

static void again_by_tcp(struct ask *a)
{
	upstream_udp_cancel(a);
	upstream_tcp_send(a);
}

static void take(struct port *p, const uint8_t *buf, size_t len, bool cut)
{
	struct ask *a = NULL;
	struct wire_msg m;
	int bad;

	if (len < WIRE_HEADER)
		return;
	for (unsigned int i = 0; i < p->asked && !a; i++)
		if (p->ask[i] && p->id[i] == wire_u16(buf))
			a = p->ask[i];
	if (!a)
		return;
	bad = wire_parse(&m, buf, len);
	/* cut off in the middle of a record, which the header says, or by us */
	if (bad && m.flags & WIRE_QR && (cut || m.flags & WIRE_TC))
		again_by_tcp(a);
	/* Not ours, or mangled: the true one may still come. */
	if (bad || !wire_answers(&m, a->id, a->question, a->qlen))
		return;
	if (m.flags & WIRE_TC)
		again_by_tcp(a);
	else
		upstream_end(a, &m);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	static uint8_t buf[BATCH][ANSWER_MAX];
	struct mmsghdr msg[BATCH] = { 0 };
	struct iovec iov[BATCH];
	struct port *p = arg;
	int n;

	for (int i = 0; i < BATCH; i++) {
		iov[i] = (struct iovec){ buf[i], sizeof(buf[i]) };
		msg[i].msg_hdr.msg_iov = &iov[i];
		msg[i].msg_hdr.msg_iovlen = 1;
	}
	n = recvmmsg(fd, msg, BATCH, MSG_DONTWAIT, NULL);
	if (n < 0) {
		if (errno != EAGAIN && errno != EINTR)
			fail(p);	/* port unreachable */
		return;
	}
	p->busy = true;
	for (int i = 0; i < n; i++)
		take(p, buf[i], msg[i].msg_len, msg[i].msg_hdr.msg_flags & MSG_TRUNC);
	p->busy = false;
	maybe_drop(p);
}

/* ---- all of it -------------------------------------------------------------- */

struct upstream_udp *upstream_udp_new(struct upstream *u)
{
	struct upstream_udp *udp = calloc(1, sizeof(*udp));

	if (!udp)
		return NULL;
	udp->u = u;
	TAILQ_INIT(&udp->ports);
	TAILQ_INIT(&udp->waiting);
	udp->timer = event_new(u->base, -1, 0, on_timer, udp);
	udp->flush = event_new(u->base, -1, 0, on_flush, udp);
	if (udp->timer && udp->flush)
		return udp;
	upstream_udp_free(udp);
	return NULL;
}

void upstream_udp_renew(struct upstream_udp *udp)
{
	for (unsigned int i = 0; i < UPSTREAM_MAX; i++)
		if (udp->current[i])
			retire(udp->current[i]);
}

void upstream_udp_free(struct upstream_udp *udp)
{
	if (!udp)
		return;
	while (!TAILQ_EMPTY(&udp->ports))
		drop(TAILQ_FIRST(&udp->ports));
	if (udp->timer)
		event_free(udp->timer);
	if (udp->flush)
		event_free(udp->flush);
	free(udp);
}

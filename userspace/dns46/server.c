// SPDX-License-Identifier: GPL-2.0
/* server.c: see server.h. UDP here, TCP in server_tcp.c. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "activation.h"
#include "log.h"
#include "server_int.h"

enum {
	BATCH = 32,
	QUERY_MAX = 4096,	/* of a query by UDP; what is longer is none */
	ANSWER_MAX = 4096,	/* query.c cuts them */
	SOCKET_BYTES = 1 << 20,
};

/* Answers that leave when the queries and answers that are there are dealt with. */
struct server_out {
	unsigned int n;
	struct event *flush;
	struct out {
		int fd;
		struct sockaddr_storage to;
		struct iovec iov;
		union {
			char buf[CMSG_SPACE(sizeof(struct in6_pktinfo))];
			struct cmsghdr align;
		} control;
		uint8_t msg[ANSWER_MAX];
	} v[BATCH];
	struct mmsghdr h[BATCH];
};

bool server_allows(const struct server *s, const struct sockaddr *from,
		   const struct in6_addr *local)
{
	struct in6_addr a = addr_of_sockaddr(from);

	return prefixes_hold(s->allow, &a) || !memcmp(&a, local, sizeof(a));
}

/* ---- UDP -------------------------------------------------------------------- */

/* The address that was asked, which is the one that answers. */
static void read_local(struct msghdr *h, struct client *c)
{
	for (struct cmsghdr *m = CMSG_FIRSTHDR(h); m; m = CMSG_NXTHDR(h, m)) {
		if (m->cmsg_level == IPPROTO_IP && m->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo info;

			memcpy(&info, CMSG_DATA(m), sizeof(info));
			c->local = addr_mapped(info.ipi_spec_dst.s_addr);
			c->any = true;
		} else if (m->cmsg_level == IPPROTO_IPV6 && m->cmsg_type == IPV6_PKTINFO) {
			struct in6_pktinfo info;

			memcpy(&info, CMSG_DATA(m), sizeof(info));
			c->local = info.ipi6_addr;
			c->ifindex = info.ipi6_ifindex;
		}
	}
}

static int read_udp(struct listener *l)
{
	static uint8_t buf[BATCH][QUERY_MAX];
	struct sockaddr_storage from[BATCH];
	struct mmsghdr h[BATCH] = { 0 };
	struct iovec iov[BATCH];
	char control[BATCH][128];
	struct server *s = l->s;
	int fd = l->udp, n;

	for (int i = 0; i < BATCH; i++) {
		iov[i] = (struct iovec){ buf[i], sizeof(buf[i]) };
		h[i].msg_hdr = (struct msghdr){
			.msg_name = &from[i], .msg_namelen = sizeof(from[i]),
			.msg_iov = &iov[i], .msg_iovlen = 1,
			.msg_control = control[i], .msg_controllen = sizeof(control[i]),
		};
	}
	n = recvmmsg(fd, h, BATCH, MSG_DONTWAIT, NULL);
	for (int i = 0; i < n; i++) {
		struct client c = { .fd = fd, .ss = from[i], .len = h[i].msg_hdr.msg_namelen,
				    .s = s, .local = l->local };

		read_local(&h[i].msg_hdr, &c);
		s->fn(buf[i], h[i].msg_len, &c, server_allows(s, (struct sockaddr *)&c.ss, &c.local),
		      s->arg);
	}
	return n;
}

static void on_udp(evutil_socket_t fd, short what, void *arg)
{
	read_udp(arg);
}

static void flush(struct server_out *o)
{
	for (unsigned int i = 0, end; i < o->n; i = end) {
		for (end = i; end < o->n && o->v[end].fd == o->v[i].fd;)
			end++;
		while (i < end) {
			int sent = sendmmsg(o->v[i].fd, &o->h[i], end - i, MSG_DONTWAIT);

			if (sent > 0)
				i += sent;
			else if (errno != EINTR)
				i++;	/* A full buffer loses it, as any UDP answer may be. */
		}
	}
	o->n = 0;
}

static void on_flush(evutil_socket_t fd, short what, void *arg)
{
	flush(arg);
}

static void udp_reply(const struct client *c, const uint8_t *msg, size_t len)
{
	struct server_out *o = c->s->out;
	struct cmsghdr *m;
	struct msghdr *h;
	struct out *v;

	if (len > ANSWER_MAX)
		return;
	if (o->n == BATCH)
		flush(o);
	v = &o->v[o->n];
	v->fd = c->fd;
	v->to = c->ss;
	v->iov = (struct iovec){ v->msg, len };
	memcpy(v->msg, msg, len);
	memset(&v->control, 0, sizeof(v->control));
	h = &o->h[o->n].msg_hdr;
	*h = (struct msghdr){
		.msg_name = &v->to, .msg_namelen = c->len,
		.msg_iov = &v->iov, .msg_iovlen = 1, .msg_control = v->control.buf,
	};
	m = &v->control.align;
	if (c->ss.ss_family == AF_INET && !c->any) {
		h->msg_control = NULL;
	} else if (c->ss.ss_family == AF_INET) {
		struct in_pktinfo info = { 0 };

		memcpy(&info.ipi_spec_dst, &c->local.s6_addr[12], 4);
		m->cmsg_level = IPPROTO_IP;
		m->cmsg_type = IP_PKTINFO;
		m->cmsg_len = CMSG_LEN(sizeof(info));
		memcpy(CMSG_DATA(m), &info, sizeof(info));
		h->msg_controllen = CMSG_SPACE(sizeof(info));
	} else {
		struct in6_pktinfo info = { .ipi6_addr = c->local };

		if (IN6_IS_ADDR_LINKLOCAL(&c->local))
			info.ipi6_ifindex = c->ifindex;
		m->cmsg_level = IPPROTO_IPV6;
		m->cmsg_type = IPV6_PKTINFO;
		m->cmsg_len = CMSG_LEN(sizeof(info));
		memcpy(CMSG_DATA(m), &info, sizeof(info));
		h->msg_controllen = CMSG_SPACE(sizeof(info));
	}
	if (!o->n++)
		event_active(o->flush, EV_TIMEOUT, 0);
}

static bool listen_on(struct server *s, const struct endpoint *e)
{
	const struct sockaddr *sa = (const struct sockaddr *)&e->ss;
	int on = 1, family = sa->sa_family, size = SOCKET_BYTES;
	struct listener *l = &s->listener[s->n_listeners];

	l->udp = activation_take(e, SOCK_DGRAM);
	l->given = l->udp >= 0;
	if (!l->given)
		l->udp = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (l->udp < 0)
		return false;
	s->n_listeners++;
	if (setsockopt(l->udp, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		setsockopt(l->udp, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (setsockopt(l->udp, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)))
		setsockopt(l->udp, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	if (family == AF_INET6 && !l->given)
		setsockopt(l->udp, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	l->s = s;
	l->local = addr_of_sockaddr(sa);
	l->any = family == AF_INET ? !wire_u32(&l->local.s6_addr[12]) :
				     IN6_IS_ADDR_UNSPECIFIED(&l->local);
	/* Which address was asked need be told only where there may be several. */
	if (family == AF_INET6 &&
	    setsockopt(l->udp, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on)))
		return false;
	if (family == AF_INET && l->any &&
	    setsockopt(l->udp, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on)))
		return false;
	if (!l->given && bind(l->udp, sa, e->len))
		return false;
	l->ev = event_new(s->base, l->udp, EV_READ | EV_PERSIST, on_udp, l);
	return l->ev && !event_add(l->ev, NULL) && server_tcp_listen(s, l, e);
}

/* As many files as we may have: connections, and sockets to upstreams. */
static unsigned int raise_files(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r))
		return 1024;
	r.rlim_cur = r.rlim_max;
	setrlimit(RLIMIT_NOFILE, &r);
	return r.rlim_max < 1 << 20 ? r.rlim_max : 1 << 20;
}

struct server *server_new(struct event_base *base, const struct config *conf,
			  server_query_fn fn, void *arg, struct config_error *err)
{
	struct server *s = calloc(1, sizeof(*s));
	char text[80];

	if (!s)
		return NULL;
	s->base = base;
	s->fn = fn;
	s->arg = arg;
	TAILQ_INIT(&s->conns);
	s->max_files = raise_files();
	server_set_conf(s, conf);
	s->out = calloc(1, sizeof(*s->out));
	if (s->out)
		s->out->flush = event_new(base, -1, 0, on_flush, s->out);
	if (!s->out || !s->out->flush || !server_tcp_init(s)) {
		server_free(s);
		return NULL;
	}
	s->listener = calloc(conf->listen.n, sizeof(*s->listener));
	for (size_t i = 0; s->listener && i < conf->listen.n; i++) {
		if (listen_on(s, &conf->listen.v[i]))
			continue;
		endpoint_text(&conf->listen.v[i], text, sizeof(text));
		snprintf(err->text, sizeof(err->text), "listen %s: %s", text, strerror(errno));
		server_free(s);
		return NULL;
	}
	activation_end();
	return s;
}

unsigned int server_conns(const struct server *s)
{
	return s->n_conns;
}

void server_set_conf(struct server *s, const struct config *conf)
{
	s->allow = &conf->allow;
	s->max_tcp = conf->max_tcp;
	if (s->max_tcp > s->max_files / 2) {
		s->max_tcp = s->max_files / 2;
		log_err("max-tcp %u: %u, since no more than %u files may be open", conf->max_tcp,
			s->max_tcp, s->max_files);
	}
}

void server_stop(struct server *s)
{
	for (size_t i = 0; i < s->n_listeners; i++) {
		struct listener *l = &s->listener[i];

		if (l->ev)
			event_free(l->ev);
		l->ev = NULL;
		server_tcp_stop(l);
	}
}

bool server_drain(struct server *s, bool all)
{
	for (size_t i = 0; i < s->n_listeners; i++) {
		struct listener *l = &s->listener[i];

		if (!l->ev)
			continue;
		event_free(l->ev);
		l->ev = NULL;
		server_tcp_stop(l);
		/* who comes after us finds the others' */
		while (!l->given && read_udp(l) > 0)
			;
	}
	server_tcp_drain(s, all);
	return TAILQ_EMPTY(&s->conns);
}

void server_free(struct server *s)
{
	if (!s)
		return;
	server_stop(s);
	server_tcp_free(s);
	if (s->out && s->out->flush) {
		flush(s->out);
		event_free(s->out->flush);
	}
	free(s->out);
	for (size_t i = 0; i < s->n_listeners; i++)
		close(s->listener[i].udp);
	free(s->listener);
	free(s);
}

void server_reply(const struct client *c, const uint8_t *msg, size_t len)
{
	if (c->conn)
		server_tcp_reply(c->conn, msg, len);
	else
		udp_reply(c, msg, len);
}

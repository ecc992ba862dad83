// SPDX-License-Identifier: GPL-2.0
/* server.c: see server.h. UDP here, TCP in server_tcp.c. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "server_int.h"

enum { UDP_BATCH = 64 };

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
		} else if (m->cmsg_level == IPPROTO_IPV6 && m->cmsg_type == IPV6_PKTINFO) {
			struct in6_pktinfo info;

			memcpy(&info, CMSG_DATA(m), sizeof(info));
			c->local = info.ipi6_addr;
			c->ifindex = info.ipi6_ifindex;
		}
	}
}

static void on_udp(evutil_socket_t fd, short what, void *arg)
{
	static uint8_t msg[WIRE_MSG_MAX];
	struct server *s = arg;

	for (int i = 0; i < UDP_BATCH; i++) {
		char control[256];
		struct client c = { .fd = fd };
		struct iovec iov = { msg, sizeof(msg) };
		struct msghdr h = {
			.msg_name = &c.ss, .msg_namelen = sizeof(c.ss),
			.msg_iov = &iov, .msg_iovlen = 1,
			.msg_control = control, .msg_controllen = sizeof(control),
		};
		ssize_t n = recvmsg(fd, &h, MSG_DONTWAIT);

		if (n < 0)
			return;
		c.len = h.msg_namelen;
		read_local(&h, &c);
		s->fn(msg, n, &c, server_allows(s, (struct sockaddr *)&c.ss, &c.local), s->arg);
	}
}

static void udp_reply(const struct client *c, const uint8_t *msg, size_t len)
{
	union {
		char buf[CMSG_SPACE(sizeof(struct in6_pktinfo))];
		struct cmsghdr align;
	} u = { 0 };
	struct iovec iov = { (void *)msg, len };
	struct msghdr h = {
		.msg_name = (void *)&c->ss, .msg_namelen = c->len,
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = u.buf,
	};
	struct cmsghdr *m = &u.align;

	if (c->ss.ss_family == AF_INET) {
		struct in_pktinfo info = { 0 };

		memcpy(&info.ipi_spec_dst, &c->local.s6_addr[12], 4);
		m->cmsg_level = IPPROTO_IP;
		m->cmsg_type = IP_PKTINFO;
		m->cmsg_len = CMSG_LEN(sizeof(info));
		memcpy(CMSG_DATA(m), &info, sizeof(info));
		h.msg_controllen = CMSG_SPACE(sizeof(info));
	} else {
		struct in6_pktinfo info = { .ipi6_addr = c->local };

		if (IN6_IS_ADDR_LINKLOCAL(&c->local))
			info.ipi6_ifindex = c->ifindex;
		m->cmsg_level = IPPROTO_IPV6;
		m->cmsg_type = IPV6_PKTINFO;
		m->cmsg_len = CMSG_LEN(sizeof(info));
		memcpy(CMSG_DATA(m), &info, sizeof(info));
		h.msg_controllen = CMSG_SPACE(sizeof(info));
	}
	/* A full buffer loses it, as any UDP answer may be. */
	(void)!sendmsg(c->fd, &h, MSG_DONTWAIT);
}

static bool listen_on(struct server *s, const struct endpoint *e)
{
	const struct sockaddr *sa = (const struct sockaddr *)&e->ss;
	int on = 1, family = sa->sa_family, size = 1 << 20;
	struct listener *l = &s->listener[s->n_listeners];

	l->udp = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (l->udp < 0)
		return false;
	s->n_listeners++;
	setsockopt(l->udp, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (family == AF_INET6)
		setsockopt(l->udp, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (family == AF_INET ?
	    setsockopt(l->udp, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on)) :
	    setsockopt(l->udp, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on)))
		return false;
	if (bind(l->udp, sa, e->len))
		return false;
	l->ev = event_new(s->base, l->udp, EV_READ | EV_PERSIST, on_udp, s);
	return l->ev && !event_add(l->ev, NULL) && server_tcp_listen(s, l, e);
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
	server_set_conf(s, conf);
	s->listener = calloc(conf->listen.n, sizeof(*s->listener));
	for (size_t i = 0; s->listener && i < conf->listen.n; i++) {
		if (listen_on(s, &conf->listen.v[i]))
			continue;
		endpoint_text(&conf->listen.v[i], text, sizeof(text));
		snprintf(err->text, sizeof(err->text), "listen %s: %s", text, strerror(errno));
		server_free(s);
		return NULL;
	}
	return s;
}

void server_set_conf(struct server *s, const struct config *conf)
{
	s->allow = &conf->allow;
	s->max_tcp = conf->max_tcp;
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

void server_free(struct server *s)
{
	if (!s)
		return;
	server_stop(s);
	server_tcp_close_all(s);
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

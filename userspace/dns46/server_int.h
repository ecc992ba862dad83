/* SPDX-License-Identifier: GPL-2.0 */
/* server_int.h: shared by server.c and server_tcp.c. */
#ifndef DNS46_SERVER_INT_H
#define DNS46_SERVER_INT_H

#include <stdio.h>
#include <sys/queue.h>

#include "server.h"

struct evconnlistener;

struct listener {
	struct server *s;
	struct in6_addr local;
	bool any;			/* local is 0.0.0.0 or :: */
	bool given;			/* the service manager's: it outlives us */
	int udp;
	struct event *ev;
	struct evconnlistener *tcp;
};

struct server_out;
struct tcp_peers;

struct server {
	struct event_base *base;
	server_query_fn fn;
	void *arg;
	const struct prefixes *allow;
	struct listener *listener;
	size_t n_listeners;
	struct server_out *out;
	/* TCP */
	TAILQ_HEAD(, conn) conns;	/* by their last query or answer, the longest ago first */
	unsigned int n_conns, max_tcp, max_files;
	bool accept_failed;		/* said so already */
	size_t unread;			/* bytes of answers that clients have not taken yet */
	struct tcp_peers *peers;
	struct event *sweep;
};

bool server_allows(const struct server *s, const struct sockaddr *from,
		   const struct in6_addr *local);
bool server_tcp_listen(struct server *s, struct listener *l, const struct endpoint *e);
void server_tcp_stop(struct listener *l);
void server_tcp_drain(struct server *s, bool all);
bool server_tcp_init(struct server *s);
void server_tcp_free(struct server *s);
void server_tcp_reply(struct conn *c, const uint8_t *msg, size_t len);

#endif

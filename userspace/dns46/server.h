/* SPDX-License-Identifier: GPL-2.0 */
/* server.h: where clients ask, over UDP and TCP (rule 32). */
#ifndef DNS46_SERVER_H
#define DNS46_SERVER_H

#include <netinet/in.h>

#include "config.h"

struct event_base;
struct server;
struct conn;

/* Whom an answer goes to. */
struct client {
	struct server *s;
	int fd;			/* UDP */
	struct sockaddr_storage ss;
	socklen_t len;
	struct in6_addr local;	/* the address that was asked */
	unsigned int ifindex;
	bool any;		/* the answer must say where it is from */
	struct conn *conn;	/* TCP, or NULL */
};

typedef void (*server_query_fn)(const uint8_t *msg, size_t len, const struct client *client,
				bool allowed, void *arg);

struct server *server_new(struct event_base *base, const struct config *conf,
			  server_query_fn fn, void *arg, struct config_error *err);
void server_free(struct server *s);
unsigned int server_conns(const struct server *s);	/* TCP */
void server_set_conf(struct server *s, const struct config *conf);
/* No new work: the sockets that listen are closed. */
void server_stop(struct server *s);
/*
 * The same, but what has come is answered (rule 58): what waits in a UDP socket of
 * our own is read, connections end when they have no query in flight and are quiet,
 * or with @all are not. True: there is none left.
 */
bool server_drain(struct server *s, bool all);

/* A UDP answer leaves before the event loop sleeps; it has been cut to 4096 bytes. */
void server_reply(const struct client *c, const uint8_t *msg, size_t len);
/* A query of that client is in flight, or no more. */
void server_hold(struct client *c);
void server_release(struct client *c);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/* config.h: dns46.conf(5), and the options that stand for its keys. */
#ifndef DNS46_CONFIG_H
#define DNS46_CONFIG_H

#include <sys/socket.h>

#include "lease.h"
#include "synth.h"

struct endpoint {
	struct sockaddr_storage ss;
	socklen_t len;
};

struct endpoints {
	struct endpoint *v;
	size_t n;
};

struct config {
	struct endpoints listen, upstream, metrics;
	unsigned int upstream_timeout;	/* milliseconds */
	struct synth_rules rules;
	struct lease_conf lease;
	struct prefixes allow, reserve, forwarders;
	char *key_file, *store, *user;
	unsigned int max_inflight, max_tcp;
	unsigned int log_queries;	/* one of so many; 0: none */
	int log;
	unsigned int refs;	/* queries that began under it */
	/* private: lists that the options or the file have begun */
	bool set_deny, set_allow, set_listen, set_upstream, set_pool, set_store;
};

struct config_error {
	char text[320];
};

/* The defaults; config_free() what they became. NULL: no memory. */
struct config *config_new(void);
void config_free(struct config *c);
/* One key, as from the file or an option. */
bool config_set(struct config *c, const char *key, char *value, struct config_error *err);
/* False: @err says FILE:LINE: what. Keys that options have set stay. */
bool config_read(struct config *c, const char *path, struct config_error *err);
/* After the last key: what is missing, what doesn't go together. */
bool config_finish(struct config *c, struct config_error *err);
/* The lease's key, made where there is none. Root's work. */
bool config_key(struct config *c, struct config_error *err);

void endpoint_text(const struct endpoint *e, char *out, size_t size);

#endif

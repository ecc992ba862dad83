// SPDX-License-Identifier: GPL-2.0
/* relay.c: see relay.h. */
#include "relay.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>

#include "kernel.h"
#include "lease.h"
#include "log.h"
#include "metrics.h"
#include "query.h"
#include "sandbox.h"
#include "server.h"
#include "upstream.h"

enum { DRAIN_MS = 20, DRAIN_BUSY_MS = 2000, DRAIN_MAX_MS = 3000 };

struct relay {
	struct event_base *base;
	struct config *conf;
	struct store *store;
	struct addrs *addrs;
	struct leases *leases;
	struct policy policy;
	struct kernel *kernel;
	struct upstream *upstream;
	struct queries *queries;
	struct server *server;
	struct metrics *metrics;
	struct event *term, *intr, *hup, *tick, *drain;
	unsigned int draining;		/* looks at whether we are done */
	uint64_t pools_seen;		/* of the configured, a bit each */
	struct config *(*reread)(struct config_error *err);
};

/* ---- the kernel's side ------------------------------------------------------ */

static void on_pool(const struct nat46_pool_info *pool, void *arg)
{
	struct prefix p = { addr_mapped(pool->addr.s_addr), pool->plen + 96 };
	struct relay *r = arg;
	const struct prefixes *ours = &r->conf->rules.pools;

	for (size_t i = 0; i < ours->n && i < 64 && !pool->drain; i++)
		if (p.plen <= ours->v[i].plen && prefix_holds(&p, &ours->v[i].addr))
			r->pools_seen |= 1ULL << i;
}

static void on_sync_begin(void *arg)
{
	struct relay *r = arg;

	leases_sync_begin(r->leases, time(NULL));
}

static void on_sync_map(const struct nat46_map *map, void *arg)
{
	struct relay *r = arg;

	leases_sync_map(r->leases, map, time(NULL));
}

static void on_sync_end(bool maps, struct policy *policy, char *why, size_t size, void *arg)
{
	struct relay *r = arg;
	const struct prefixes *ours = &r->conf->rules.pools;

	policy_free(&r->policy);
	r->policy = *policy;
	for (size_t i = 0; i < ours->n && !why[0]; i++) {
		const struct prefix *p = &ours->v[i];
		char text[INET_ADDRSTRLEN];

		if (i < 64 && r->pools_seen & 1ULL << i)
			continue;
		inet_ntop(AF_INET, &p->addr.s6_addr[12], text, sizeof(text));
		snprintf(why, size, "the kernel has no pool %s/%u (nat46 pool add)", text,
			 p->plen - 96);
	}
	r->pools_seen = 0;
	if (!why[0] && maps) {
		leases_sync_end(r->leases, time(NULL));
		queries_commit_soon(r->queries);
	}
}

static void on_map_event(enum nat46_map_event event, const struct nat46_map *map, void *arg)
{
	struct relay *r = arg;

	leases_event(r->leases, event, map, time(NULL));
}

static bool on_miss(const struct nat46_miss *miss, void *arg)
{
	struct relay *r = arg;
	const uint8_t *name;
	size_t len;

	name = leases_miss(r->leases, miss->addr.s_addr, miss->stale, time(NULL), &len);
	if (!name)
		return false;
	query_refresh(r->queries, r->conf, name, len);
	queries_commit_soon(r->queries);
	return true;
}

static void on_down(void *arg)
{
}

static const struct kernel_ops kernel_ops = {
	.pool = on_pool, .sync_begin = on_sync_begin, .sync_map = on_sync_map,
	.sync_end = on_sync_end, .event = on_map_event, .miss = on_miss, .down = on_down,
};

/* ---- the clients' side ------------------------------------------------------ */

static void on_query(const uint8_t *msg, size_t len, const struct client *client, bool allowed,
		     void *arg)
{
	struct relay *r = arg;

	query_start(r->queries, r->conf, msg, len, client, allowed);
}

static void on_lease(uint64_t token, enum synth_lease result, uint32_t addr, uint32_t ttl,
		     void *arg)
{
	struct relay *r = arg;

	query_leased(token, result, addr, ttl, r->queries);
}

/* ---- opening ---------------------------------------------------------------- */

/* Rule 45: the host's own addresses, and what is configured. */
static void reserve(struct relay *r)
{
	struct ifaddrs *list, *i;

	for (size_t n = 0; n < r->conf->reserve.n; n++)
		addrs_reserve(r->addrs, &r->conf->reserve.v[n]);
	if (getifaddrs(&list))
		return;
	for (i = list; i; i = i->ifa_next) {
		struct prefix p = { .plen = 128 };

		if (!i->ifa_addr || i->ifa_addr->sa_family != AF_INET)
			continue;
		p.addr = addr_of_sockaddr(i->ifa_addr);
		addrs_reserve(r->addrs, &p);
	}
	freeifaddrs(list);
}

static bool open_store(struct relay *r, struct config_error *err)
{
	const char *path = r->conf->store;
	char *copy = strdup(path);
	unsigned int bad;
	int ret;

	r->store = store_open(path, err->text, sizeof(err->text));
	if (!r->store || !copy) {
		free(copy);
		return false;
	}
	r->addrs = addrs_new(&r->conf->rules.pools);
	r->leases = r->addrs ? leases_new(&r->conf->lease, r->addrs, r->store, on_lease, r) : NULL;
	if (!r->leases) {
		snprintf(err->text, sizeof(err->text), "no memory");
		free(copy);
		return false;
	}
	reserve(r);
	bad = leases_load(r->leases, time(NULL));
	if (bad)
		log_err("store %s: %u damaged line%s left out", path, bad, bad > 1 ? "s" : "");
	ret = leases_compact(r->leases);
	if (ret)
		snprintf(err->text, sizeof(err->text), "store %s: %s", path, strerror(-ret));
	free(copy);
	return !ret && sandbox_give(store_fd(r->store), path, r->conf->user, err);
}

/* Compacting makes a new file, which the folder may not let our user do. */
static void check_folder(struct relay *r)
{
	char *copy = strdup(r->conf->store);

	if (!copy || faccessat(AT_FDCWD, dirname(copy), W_OK, AT_EACCESS)) {
		log_info("store %s: its folder isn't %s's, so that it is compacted at starts only",
			 r->conf->store, r->conf->user ?: "ours");
		store_never_compact(r->store);
	}
	free(copy);
}

static bool open_all(struct relay *r, struct config_error *err)
{
	struct query_env env = { .base = r->base, .policy = &r->policy };
	struct metrics_env watched;

	if (!config_key(r->conf, err) || !open_store(r, err))
		return false;
	policy_builtin(&r->policy);
	r->upstream = upstream_new(r->base, r->conf);
	env.upstream = r->upstream;
	env.leases = r->leases;
	r->queries = r->upstream ? queries_new(&env, r->conf->max_inflight) : NULL;
	if (!r->queries) {
		snprintf(err->text, sizeof(err->text), "no memory");
		return false;
	}
	r->server = server_new(r->base, r->conf, on_query, r, err);
	watched = (struct metrics_env){ r->leases, r->queries, r->server, &r->kernel };
	if (r->server && r->conf->metrics.n) {
		r->metrics = metrics_new(r->base, r->conf, &watched, err);
		if (!r->metrics)
			return false;
	}
	if (!r->server || !sandbox_enter(r->conf->user, err))
		return false;
	check_folder(r);
	/* As the user that we stay: what works now works after a reconnection. */
	r->kernel = kernel_new(r->base, &kernel_ops, r);
	leases_set_kernel(r->leases, r->kernel);
	return r->kernel;
}

struct relay *relay_new(struct config *conf, struct config_error *err)
{
	struct relay *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->conf = conf;
	conf->refs++;
	log_level = conf->log;
	r->base = event_base_new();
	err->text[0] = 0;
	if (sandbox_folder(conf->store, conf->user, err) &&
	    sandbox_folder(conf->key_file, conf->user, err) && r->base && open_all(r, err))
		return r;
	if (!err->text[0])
		snprintf(err->text, sizeof(err->text), "no memory");
	relay_free(r);
	return NULL;
}

void relay_free(struct relay *r)
{
	if (!r)
		return;
	for (struct event **e = (struct event *[]){ r->term, r->intr, r->hup, r->tick, r->drain }, **end = e + 5; e < end; e++)
		if (*e)
			event_free(*e);
	metrics_free(r->metrics);
	server_free(r->server);
	upstream_free(r->upstream);
	kernel_free(r->kernel);
	queries_free(r->queries);
	leases_free(r->leases);
	addrs_del(r->addrs);
	store_close(r->store);
	policy_free(&r->policy);
	if (r->base)
		event_base_free(r->base);
	free(r);
}

/* ---- running ---------------------------------------------------------------- */

/* sd_notify(3) */
static void tell_manager(const char *what)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	const char *path = getenv("NOTIFY_SOCKET");
	int fd;

	if (!path || strlen(path) >= sizeof(sun.sun_path))
		return;
	strcpy(sun.sun_path, path);
	if (sun.sun_path[0] == '@')
		sun.sun_path[0] = 0;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	(void)!sendto(fd, what, strlen(what), 0, (struct sockaddr *)&sun,
		      offsetof(struct sockaddr_un, sun_path) + strlen(path));
	close(fd);
}

static struct event *watch(struct relay *r, int fd, short what, event_callback_fn fn,
			   const struct timeval *tv)
{
	struct event *e = event_new(r->base, fd, what | EV_PERSIST, fn, r);

	if (e)
		event_add(e, tv);
	return e;
}

/* Rule 58: what has come is answered before we go, in 3 seconds at most. */
static void on_drain(evutil_socket_t fd, short what, void *arg)
{
	struct relay *r = arg;
	bool no_conns;

	r->draining++;
	no_conns = server_drain(r->server, r->draining * DRAIN_MS > DRAIN_BUSY_MS);
	if ((no_conns && !queries_busy(r->queries)) || r->draining * DRAIN_MS > DRAIN_MAX_MS)
		event_base_loopbreak(r->base);
}

static void on_stop(evutil_socket_t sig, short what, void *arg)
{
	struct timeval tv = { 0, DRAIN_MS * 1000 };
	struct relay *r = arg;

	if (r->drain) {		/* asked twice */
		event_base_loopbreak(r->base);
		return;
	}
	log_info("stopping (signal %d)", (int)sig);
	tell_manager("STOPPING=1");
	r->drain = watch(r, -1, 0, on_drain, &tv);
	on_drain(-1, 0, r);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct relay *r = arg;

	leases_tick(r->leases, time(NULL));
	if (leases_pending(r->leases))
		queries_commit_soon(r->queries);
}

static bool same_endpoints(const struct endpoints *a, const struct endpoints *b)
{
	return a->n == b->n && !memcmp(a->v, b->v, a->n * sizeof(*a->v));
}

static bool same_prefixes(const struct prefixes *a, const struct prefixes *b)
{
	bool same = a->n == b->n;

	for (size_t i = 0; same && i < a->n; i++)
		same = a->v[i].plen == b->v[i].plen &&
		       !memcmp(&a->v[i].addr, &b->v[i].addr, sizeof(a->v[i].addr));
	return same;
}

/* What is open stays as it is. */
static bool needs_restart(const struct config *a, const struct config *b)
{
	return !same_endpoints(&a->listen, &b->listen) ||
	       !same_endpoints(&a->metrics, &b->metrics) ||
	       !same_prefixes(&a->rules.pools, &b->rules.pools) ||
	       !same_prefixes(&a->reserve, &b->reserve) || strcmp(a->store, b->store) ||
	       strcmp(a->key_file, b->key_file) || a->max_inflight != b->max_inflight ||
	       strcmp(a->user ?: "", b->user ?: "");
}

static void on_hup(evutil_socket_t sig, short what, void *arg)
{
	struct config_error err;
	struct relay *r = arg;
	struct config *conf = r->reread(&err);

	if (!conf) {
		log_err("%s; the old configuration stays", err.text);
		return;
	}
	if (needs_restart(r->conf, conf)) {
		config_free(conf);
		log_err("listen, metrics, pool, reserve, store, key-file, user and max-inflight need a restart; the old configuration stays");
		return;
	}
	memcpy(conf->lease.key, r->conf->lease.key, sizeof(conf->lease.key));
	log_level = conf->log;
	leases_set_conf(r->leases, &conf->lease);
	upstream_set_conf(r->upstream, conf);
	server_set_conf(r->server, conf);
	conf->refs++;
	if (!--r->conf->refs)
		config_free(r->conf);
	r->conf = conf;
	log_info("configuration read again");
}

int relay_run(struct relay *r, struct config *(*reread)(struct config_error *err))
{
	struct timeval second = { 1, 0 };
	const uint64_t *counts;

	signal(SIGPIPE, SIG_IGN);
	r->reread = reread;
	r->term = watch(r, SIGTERM, EV_SIGNAL, on_stop, NULL);
	r->intr = watch(r, SIGINT, EV_SIGNAL, on_stop, NULL);
	r->hup = watch(r, SIGHUP, EV_SIGNAL, on_hup, NULL);
	r->tick = watch(r, -1, 0, on_tick, &second);
	if (!r->term || !r->intr || !r->hup || !r->tick)
		return 1;
	tell_manager("READY=1");
	log_info("ready");
	if (event_base_dispatch(r->base))
		return 1;
	/* What waits for the disk and the kernel is not lost, nor what was quarantined. */
	leases_commit(r->leases, time(NULL));
	counts = queries_counts(r->queries);
	for (int i = 0; i < SYNTH_OUTCOMES; i++)
		if (counts[i])
			log_info("%s: %llu", synth_outcome_names[i], (unsigned long long)counts[i]);
	return 0;
}

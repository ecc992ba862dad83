// SPDX-License-Identifier: GPL-2.0
/* metrics.c: see metrics.h. */
#include "metrics.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>

#include "kernel.h"
#include "query.h"
#include "server.h"
#include "version.h"

enum {
	REQUEST_MAX = 4096,	/* bytes of a request's head; it has no body */
	IDLE_SECONDS = 30,
	BACKLOG = 128,
};

struct metrics {
	struct evhttp *http;
	struct event *again;	/* accepting, once a second */
	int probe;		/* a file to make another number of */
	int files_max;
	struct metrics_env env;
	time_t started;
};

/* ---- the text ----------------------------------------------------------------- */

static void family(struct evbuffer *b, const char *name, const char *type, const char *help)
{
	evbuffer_add_printf(b, "# HELP dns46_%s %s\n# TYPE dns46_%s %s\n", name, help, name, type);
}

static void value(struct evbuffer *b, const char *name, uint64_t v)
{
	evbuffer_add_printf(b, "dns46_%s %" PRIu64 "\n", name, v);
}

static void labelled(struct evbuffer *b, const char *name, const char *label, const char *is,
		     uint64_t v)
{
	evbuffer_add_printf(b, "dns46_%s{%s=\"%s\"} %" PRIu64 "\n", name, label, is, v);
}

static void one(struct evbuffer *b, const char *name, const char *type, const char *help,
		uint64_t v)
{
	family(b, name, type, help);
	value(b, name, v);
}

static void put_queries(struct evbuffer *b, const struct metrics *m)
{
	const uint64_t *counts = queries_counts(m->env.queries);

	family(b, "queries_total", "counter", "Queries answered, by what became of them.");
	for (int i = 0; i < SYNTH_OUTCOMES; i++)
		labelled(b, "queries_total", "outcome", synth_outcome_names[i], counts[i]);
	one(b, "queries_in_flight", "gauge", "Queries that wait for an upstream or a lease.",
	    queries_busy(m->env.queries));
	one(b, "refreshes_total", "counter",
	    "Names looked up anew because a session opened on targets that are not fresh.",
	    queries_refreshed(m->env.queries));
	one(b, "tcp_connections", "gauge", "Connections of clients.", server_conns(m->env.server));
}

static void put_leases(struct evbuffer *b, const struct metrics *m)
{
	static const char *const states[] = {
		[LEASE_ACTIVE] = "active", [LEASE_HELD] = "held",
		[LEASE_QUARANTINED] = "quarantine", [LEASE_FREE] = "free",
	};
	static const char *const results[LEASE_RESULTS] = {
		[LEASE_OK] = "made", [LEASE_EXHAUSTED] = "exhausted", [LEASE_QUOTA] = "quota",
		[LEASE_NO_KERNEL] = "no-kernel", [LEASE_FAILED] = "failed",
	};
	struct lease_stats st;

	leases_stats(m->env.leases, time(NULL), &st);
	family(b, "pool_addresses", "gauge", "Addresses of the pools, by state.");
	for (int i = 0; i <= LEASE_FREE; i++)
		labelled(b, "pool_addresses", "state", states[i], st.state[i]);
	labelled(b, "pool_addresses", "state", "foreign", st.foreign);
	one(b, "pool_size", "gauge", "Addresses that could be given: without those reserved.",
	    st.total);
	family(b, "pool_youngest_reuse_seconds", "gauge",
	       "The shortest time after which an address was given to another name; +Inf: none was.");
	if (st.youngest == UINT64_MAX)
		evbuffer_add_printf(b, "dns46_pool_youngest_reuse_seconds +Inf\n");
	else
		value(b, "pool_youngest_reuse_seconds", st.youngest);
	family(b, "leases_total", "counter", "New leases, and those refused, by reason.");
	for (int i = 0; i < LEASE_RESULTS; i++)
		if (results[i])
			labelled(b, "leases_total", "result", results[i], st.result[i]);
	one(b, "wildcards_total", "counter", "Parent domains taken for wildcards.", st.wildcards);
	one(b, "commits_total", "counter", "Rounds of leases written and told to the kernel.",
	    st.commits);
	one(b, "committed_leases_total", "counter", "Leases in these rounds.", st.committed);
	family(b, "commit_seconds_total", "counter", "Time that these rounds took.");
	evbuffer_add_printf(b, "dns46_commit_seconds_total %" PRIu64 ".%06u\n",
			    st.commit_us / 1000000, (unsigned int)(st.commit_us % 1000000));
	one(b, "store_errors_total", "counter", "Rounds that could not be written.",
	    st.store_errors);
	one(b, "store_bytes", "gauge", "Size of the file of leases.", st.store_bytes);
}

static void put_kernel(struct evbuffer *b, const struct metrics *m)
{
	static const struct kernel_stats none;
	const struct kernel *k = *m->env.kernel;
	const struct kernel_stats *st = k ? kernel_stats(k) : &none;

	one(b, "synthesis_up", "gauge", "Whether the module is there, with our pools.",
	    k && kernel_ready(k));
	family(b, "kernel_misses_total", "counter",
	       "Addresses that the kernel asked about, by whether we know them.");
	labelled(b, "kernel_misses_total", "known", "yes", st->known);
	labelled(b, "kernel_misses_total", "known", "no", st->unknown);
	one(b, "kernel_stale_total", "counter",
	    "Sessions that opened on targets that were not fresh any more.", st->stale);
	one(b, "kernel_lost_events_total", "counter",
	    "Times that events were lost and all mappings were read again.", st->lost);
	one(b, "kernel_connects_total", "counter", "Times that the module was found.",
	    st->connects);
}

/* ---- requests ----------------------------------------------------------------- */

static bool is_get(struct evhttp_request *req)
{
	enum evhttp_cmd_type how = evhttp_request_get_command(req);

	if (how == EVHTTP_REQ_GET || how == EVHTTP_REQ_HEAD)
		return true;
	evhttp_send_error(req, HTTP_BADMETHOD, NULL);
	return false;
}

static void answer(struct evhttp_request *req, int code, const char *type, struct evbuffer *body)
{
	evhttp_add_header(evhttp_request_get_output_headers(req), "Content-Type", type);
	evhttp_send_reply(req, code, NULL, body);
}

static void on_metrics(struct evhttp_request *req, void *arg)
{
	struct metrics *m = arg;
	struct evbuffer *b;

	if (!is_get(req))
		return;
	b = evbuffer_new();
	if (!b) {
		evhttp_send_error(req, HTTP_INTERNAL, NULL);
		return;
	}
	family(b, "build_info", "gauge", "Of which release this is.");
	labelled(b, "build_info", "version", DNS46_VERSION, 1);
	one(b, "start_time_seconds", "gauge", "When it started, in seconds since the epoch.",
	    m->started);
	put_queries(b, m);
	put_leases(b, m);
	put_kernel(b, m);
	answer(req, HTTP_OK, "text/plain; version=0.0.4; charset=utf-8", b);
	evbuffer_free(b);
}

static void say(struct evhttp_request *req, int code, const char *text)
{
	struct evbuffer *b = evbuffer_new();

	if (b)
		evbuffer_add_printf(b, "%s\n", text);
	answer(req, code, "text/plain; charset=utf-8", b);
	if (b)
		evbuffer_free(b);
}

static void on_live(struct evhttp_request *req, void *arg)
{
	if (is_get(req))
		say(req, HTTP_OK, "live");
}

static void on_ready(struct evhttp_request *req, void *arg)
{
	struct metrics *m = arg;
	const struct kernel *k = *m->env.kernel;
	char text[320];

	if (!is_get(req))
		return;
	if (k && kernel_ready(k)) {
		say(req, HTTP_OK, "ready");
		return;
	}
	snprintf(text, sizeof(text), "no synthesis: %s", k ? kernel_why(k) : "starting");
	say(req, HTTP_SERVUNAVAIL, text);
}

/* ---- connections -------------------------------------------------------------- */

/*
 * evhttp counts no connections. A new one has the lowest number that is free: where that
 * is in the last quarter it would be of the files that are for DNS.
 */
static bool has_files(const struct metrics *m)
{
	int fd = fcntl(m->probe, F_DUPFD_CLOEXEC, 0);

	if (fd >= 0)
		close(fd);
	return fd >= 0 && fd < m->files_max;
}

static void accept_on(struct evhttp_bound_socket *s, void *arg)
{
	evconnlistener_enable(evhttp_bound_socket_get_listener(s));
}

static void accept_off(struct evhttp_bound_socket *s, void *arg)
{
	evconnlistener_disable(evhttp_bound_socket_get_listener(s));
}

static void on_again(evutil_socket_t fd, short what, void *arg)
{
	struct metrics *m = arg;

	if (has_files(m))
		evhttp_foreach_bound_socket(m->http, accept_on, NULL);
}

static struct bufferevent *on_accept(struct event_base *base, void *arg)
{
	struct metrics *m = arg;

	if (!has_files(m))
		evhttp_foreach_bound_socket(m->http, accept_off, NULL);
	return bufferevent_socket_new(base, -1, 0);
}

/* The connection that waits would wake us again at once; on_again() goes on. */
static void on_accept_error(struct evconnlistener *l, void *arg)
{
	evconnlistener_disable(l);
}

/* ---- life --------------------------------------------------------------------- */

void metrics_free(struct metrics *m)
{
	if (!m)
		return;
	if (m->again)
		event_free(m->again);
	if (m->http)
		evhttp_free(m->http);
	free(m);
}

static bool bind_to(struct event_base *base, struct metrics *m, const struct endpoint *e,
		    struct config_error *err)
{
	const unsigned int flags = LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC |
				   LEV_OPT_REUSEABLE;
	struct evconnlistener *l;
	char text[80];

	l = evconnlistener_new_bind(base, NULL, NULL, flags, BACKLOG,
				    (const struct sockaddr *)&e->ss, e->len);
	if (l && evhttp_bind_listener(m->http, l)) {
		evconnlistener_set_error_cb(l, on_accept_error);
		m->probe = evconnlistener_get_fd(l);
		return true;
	}
	endpoint_text(e, text, sizeof(text));
	snprintf(err->text, sizeof(err->text), "metrics %s: %s", text, strerror(errno));
	return false;
}

struct metrics *metrics_new(struct event_base *base, const struct config *conf,
			    const struct metrics_env *env, struct config_error *err)
{
	struct metrics *m = calloc(1, sizeof(*m));
	const struct timeval second = { 1, 0 };
	struct rlimit files = { 1024, 1024 };

	if (m) {
		m->http = evhttp_new(base);
		m->again = event_new(base, -1, EV_PERSIST, on_again, m);
	}
	if (!m || !m->http || !m->again || event_add(m->again, &second)) {
		snprintf(err->text, sizeof(err->text), "no memory");
		metrics_free(m);
		return NULL;
	}
	m->env = *env;
	m->started = time(NULL);
	getrlimit(RLIMIT_NOFILE, &files);
	m->files_max = files.rlim_cur < INT_MAX ? files.rlim_cur / 4 * 3 : INT_MAX;
	evhttp_set_bevcb(m->http, on_accept, m);
	evhttp_set_max_headers_size(m->http, REQUEST_MAX);
	evhttp_set_max_body_size(m->http, 0);
	evhttp_set_timeout(m->http, IDLE_SECONDS);
	evhttp_set_cb(m->http, "/metrics", on_metrics, m);
	evhttp_set_cb(m->http, "/healthz", on_live, m);
	evhttp_set_cb(m->http, "/readyz", on_ready, m);
	for (size_t i = 0; i < conf->metrics.n; i++)
		if (!bind_to(base, m, &conf->metrics.v[i], err)) {
			metrics_free(m);
			return NULL;
		}
	return m;
}

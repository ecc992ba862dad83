// SPDX-License-Identifier: GPL-2.0
/* kernel.c: see kernel.h. Requests are answered in microseconds, so that they
 * are made from the event loop. */
#include "kernel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "log.h"

enum { AGAIN_SECONDS = 5 };

struct kernel {
	struct event_base *base;
	const struct kernel_ops *ops;
	void *arg;
	struct nat46_nl *req, *ev, *miss;
	struct event *readable, *missed, *timer;
	bool ready;
	struct kernel_stats stats;
	char why[256];		/* said last, so that it is said once */
};

bool kernel_ready(const struct kernel *k)
{
	return k->ready;
}

const char *kernel_why(const struct kernel *k)
{
	return k->why;
}

const struct kernel_stats *kernel_stats(const struct kernel *k)
{
	return &k->stats;
}

static void hang_up(struct kernel *k, const char *why)
{
	if (k->readable)
		event_free(k->readable);
	if (k->missed)
		event_free(k->missed);
	k->readable = k->missed = NULL;
	nat46_nl_close(k->ev);
	nat46_nl_close(k->miss);
	nat46_nl_close(k->req);
	k->ev = k->req = k->miss = NULL;
	if (why && strcmp(why, k->why)) {
		snprintf(k->why, sizeof(k->why), "%s", why);
		log_err("no synthesis: %s; tried again every %d s", why, AGAIN_SECONDS);
	}
	if (k->ready) {
		k->ready = false;
		k->ops->down(k->arg);
	}
}

static int on_pool(const struct nat46_pool_info *pool, void *arg)
{
	struct kernel *k = arg;

	k->ops->pool(pool, k->arg);
	return 0;
}

static int on_policy(const struct nat46_policy_info *p, void *arg)
{
	struct policy_entry e = {
		.prefix = { p->addr, p->plen },
		.deny = p->action == NAT46_POLICY_DENY,
		.builtin = p->builtin,
	};

	return p->from_plen || p->proto ? 0 : policy_add(arg, &e);
}

/* A lease inside a prefix that somebody has mapped goes before that. */
static int on_map(const struct nat46_map *map, void *arg)
{
	struct kernel *k = arg;

	if (map->plen == 32)
		k->ops->sync_map(map, k->arg);
	return 0;
}

static int read_policy(struct kernel *k, struct policy *policy, struct nat46_err *err)
{
	uint8_t action = NAT46_POLICY_ALLOW;
	int ret = nat46_policy_dump(k->req, on_policy, policy, err);

	if (!ret)
		ret = nat46_policy_default(k->req, &action, err);
	policy->default_deny = action == NAT46_POLICY_DENY;
	policy_sort(policy);
	return ret;
}

/* Pools and policy, and with @maps the mappings: after them we know all. */
static bool read_all(struct kernel *k, bool maps)
{
	struct nat46_err err = { "" };
	struct policy policy = { 0 };
	char why[256] = "";
	int ret;

	if (maps)
		k->ops->sync_begin(k->arg);
	if (!k->req)	/* what waited was put first, and that failed */
		return false;
	ret = nat46_pool_dump(k->req, on_pool, k, &err);
	if (!ret)
		ret = read_policy(k, &policy, &err);
	if (!ret && maps)
		ret = nat46_map_dump(k->req, NULL, NULL, on_map, k, &err);
	if (ret) {
		policy_free(&policy);
		snprintf(why, sizeof(why), "%s", err.msg[0] ? err.msg : strerror(-ret));
	} else {
		k->ops->sync_end(maps, &policy, why, sizeof(why), k->arg);
	}
	if (!why[0])
		return true;
	hang_up(k, why);
	return false;
}

static int on_event(enum nat46_map_event event, const struct nat46_map *map, void *arg)
{
	struct kernel *k = arg;

	if (map->plen == 32)
		k->ops->event(event, map, k->arg);
	return 0;
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct kernel *k = arg;
	int ret = nat46_events_read(k->ev, on_event, k);

	if (ret == -ENOBUFS) {
		k->stats.lost++;
		log_info("events of the kernel were lost: its mappings are read again");
		read_all(k, true);
	} else if (ret != -EAGAIN) {
		hang_up(k, "the kernel's events ended");
	}
}

static int on_miss(const struct nat46_miss *miss, void *arg)
{
	struct kernel *k = arg;
	struct nat46_err err;

	bool known;

	if (!k->req)
		return 0;
	known = k->ops->miss(miss, k->arg);
	if (miss->stale) {
		k->stats.stale++;
		return 0;
	}
	k->stats.known += known;
	k->stats.unknown += !known;
	if (!known)
		nat46_miss_unknown(k->req, miss->addr, &err);
	return 0;
}

/* What is lost comes again: the client's next packet asks. */
static void on_missed(evutil_socket_t fd, short what, void *arg)
{
	struct kernel *k = arg;
	int ret = nat46_misses_read(k->miss, on_miss, k);

	if (ret != -EAGAIN && ret != -ENOBUFS)
		hang_up(k, "the kernel's events ended");
}

static bool watch(struct kernel *k, struct event **ev, const struct nat46_nl *nl,
		  event_callback_fn fn)
{
	*ev = event_new(k->base, nat46_nl_fd(nl), EV_READ | EV_PERSIST, fn, k);
	return *ev && !event_add(*ev, NULL);
}

static void call(struct kernel *k)
{
	struct nat46_err err = { "" };
	struct nat46_info info;
	int ret = 0;

	hang_up(k, NULL);
	k->req = nat46_nl_open(&err);
	k->ev = k->req ? nat46_nl_open(&err) : NULL;
	k->miss = k->ev ? nat46_nl_open(&err) : NULL;
	if (k->miss)
		ret = nat46_info_get(k->req, &info, &err);
	if (k->miss && !ret)
		ret = nat46_events_join(k->ev, &err);
	if (!k->miss || ret) {
		hang_up(k, err.msg[0] ? err.msg : "the module nf_nat46 isn't loaded");
		return;
	}
	if (!watch(k, &k->readable, k->ev, on_readable) || !read_all(k, true))
		return;
	/* Not before we know all: who listens has to answer. */
	ret = nat46_misses_join(k->miss, &err);
	if (ret || !watch(k, &k->missed, k->miss, on_missed)) {
		hang_up(k, err.msg[0] ? err.msg : "the kernel's events can't be had");
		return;
	}
	k->ready = true;
	k->stats.connects++;
	k->why[0] = 0;
	log_info("synthesis is up (module %s)", info.version);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct kernel *k = arg;

	if (k->ready)
		read_all(k, false);
	else
		call(k);
}

struct kernel *kernel_new(struct event_base *base, const struct kernel_ops *ops, void *arg)
{
	struct timeval again = { AGAIN_SECONDS, 0 };
	struct kernel *k = calloc(1, sizeof(*k));

	if (!k)
		return NULL;
	k->base = base;
	k->ops = ops;
	k->arg = arg;
	k->timer = event_new(base, -1, EV_PERSIST, on_timer, k);
	if (!k->timer || event_add(k->timer, &again)) {
		kernel_free(k);
		return NULL;
	}
	call(k);
	return k;
}

void kernel_free(struct kernel *k)
{
	if (!k)
		return;
	k->ready = false;
	hang_up(k, NULL);
	if (k->timer)
		event_free(k->timer);
	free(k);
}

int kernel_put_many(struct kernel *k, const struct nat46_map *maps, unsigned int n)
{
	struct nat46_err err;

	return k->ready ? nat46_map_put_many(k->req, maps, n, &err) : -ENOTCONN;
}

/* EPERM may mean the address, or us. */
static bool is_foreign(struct kernel *k, struct in_addr addr)
{
	struct nat46_err err;
	struct nat46_map m;

	return !nat46_map_get(k->req, addr, 32, &m, &err) && strcmp(m.owner, NAT46_OWNER_DNS46);
}

int kernel_put(struct kernel *k, const struct nat46_map *map)
{
	struct nat46_err err = { "" };
	int ret;

	if (!k->ready)
		return -ENOTCONN;
	ret = nat46_map_put(k->req, map, true, &err);
	if (!ret)
		return 0;
	if ((ret == -EPERM || ret == -EEXIST) && is_foreign(k, map->addr))
		return -EEXIST;
	if (ret == -EINVAL || ret == -ENOMEM || ret == -ENOSPC) {
		log_err("the kernel refused the mapping of %s: %s", map->name,
			err.msg[0] ? err.msg : strerror(-ret));
		return ret;
	}
	hang_up(k, err.msg[0] ? err.msg : strerror(-ret));
	return -ENOTCONN;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * What time does to the configuration: mappings expire, what drains is removed
 * once it is empty, a forgotten restore is dropped, and sessions that slipped
 * through a change are ended. One work per network namespace, asleep while
 * there is nothing of that.
 */
#include <linux/jiffies.h>
#include <linux/sched.h>

#include "conf.h"

#define NEVER		U32_MAX
#define LONGEST		3600u	/* seconds; jiffies of 32 bits hold that */

/* With many mappings it looks less often: a look at 16384 is about 1 ms. */
#define PER_SECOND	16384
/* Mappings looked at in one go, nn->lock held. */
#define SLICE		1024

/* The number of sessions of a mapping that has expired. */
#define DEAD		INT_MIN

/**
 * nat46_gc_kick() - have the work run
 * @nn: the network namespace's state
 * @seconds: in so many at the latest
 *
 * Context: nn->lock held.
 */
void nat46_gc_kick(struct nat46_net *nn, u32 seconds)
{
	const unsigned long at = jiffies + min(seconds, LONGEST) * HZ;

	if (nn->exiting)
		return;
	if (delayed_work_pending(&nn->map_gc) && !time_before(at, nn->map_gc_at))
		return;
	nn->map_gc_at = at;
	mod_delayed_work(system_power_efficient_wq, &nn->map_gc, at - jiffies);
}

/* In how many seconds may the mapping go? 0: now; a session may still open. */
static u32 due_in(const struct nat46_mapping *m)
{
	const u32 now = nat46_now();
	u64 held;

	if (!m->expires)
		return NEVER;
	if (m->until > now)
		return m->until - now;
	if (atomic_read(&m->sessions) > 0)
		return 1;	/* not before that has ended */
	if (!atomic64_read(&m->opened))
		return 0;
	held = (u64)READ_ONCE(m->last) + m->hold;
	return held > now ? min_t(u64, held - now, NEVER - 1) : 0;
}

/*
 * Is the mapping over for good? No session opens once this returns true; those
 * that came and went since due_in() looked have moved its time.
 */
static bool bury(struct nat46_mapping *m)
{
	if (atomic_cmpxchg(&m->sessions, 0, DEAD))
		return false;
	if (!due_in(m))
		return true;
	atomic_set(&m->sessions, 0);
	return false;
}

/*
 * Delete mappings whose time is over, a slice of them from @at on, which is
 * set to where to go on. Returns in how many seconds the next of these may be
 * over, at least 1.
 */
static u32 expire(struct nat46_net *nn, struct nat46_maps *maps, struct nat46_map_at *at)
{
	unsigned int left = SLICE;
	struct nat46_mapping *m;
	u32 soonest = NEVER;

	for (m = nat46_maps_from(maps, at); m && left--; m = nat46_maps_next(maps, at)) {
		u32 wait;

		wait = due_in(m);
		if (!wait && bury(m))
			nat46_map_delete(nn, maps, m, NAT46_MAP_EVENT_EXPIRED);
		else
			soonest = min(soonest, max(wait, 1u));
	}
	return soonest;
}

static bool in_pool(const struct nat46_session *s, const void *pool)
{
	const struct nat46_pool *p = pool;

	return (s->t4.daddr & p->mask) == p->addr;
}

/* Remove one drained pool; a later run finds the next. */
static bool drain_pools(struct nat46_edit *e)
{
	struct nat46_conf next = *e->conf;
	bool waiting = false;
	unsigned int i;

	for (i = 0; i < next.pools->n; i++) {
		const struct nat46_pool *p = &next.pools->v[i];

		if (!p->drain)
			continue;
		waiting = true;
		if (nat46_session_count(e->nn->net, in_pool, p))
			continue;
		next.pools = nat46_pools_del(next.pools, p);
		if (!IS_ERR(next.pools))
			nat46_edit_apply(e, &next);
		break;
	}
	return waiting;
}

static bool drain_sources(struct nat46_edit *e)
{
	struct nat46_conf next = *e->conf;
	bool waiting = false;
	unsigned int i;

	for (i = 0; i < e->conf->sources->n; i++) {
		const struct nat46_source *s = &e->conf->sources->v[i];

		if (!s->drain)
			continue;
		waiting = true;
		next.sources = nat46_sources_del(e->conf->sources, s);
		if (IS_ERR(next.sources))
			break;
		if (nat46_session_count(e->nn->net, nat46_conf_strands, &next)) {
			kvfree(next.sources);
			continue;
		}
		nat46_edit_apply(e, &next);
		break;
	}
	return waiting;
}

/* Under nn->lock; returns in how many seconds there is more to do. */
static u32 tend(struct nat46_edit *e, bool audit)
{
	struct nat46_net *nn = e->nn;
	u32 next = NEVER;

	if (nn->restore) {
		next = nat46_restore_left(nn->restore);
		if (!next) {
			nat46_restore_drop(nn);
			next = NEVER;
		}
	}
	if (!e->conf)
		return next;
	if (audit && atomic_read(&nn->sessions)) {
		nat46_session_flush(nn->net, nat46_conf_strands, e->conf);
		nat46_conf_end_denied(nn, e->conf);
	}
	if (drain_pools(e))
		next = 1;
	if (drain_sources(e))
		next = 1;
	return next;
}

static bool begin(struct nat46_edit *e, struct nat46_net *nn)
{
	mutex_lock(&nn->lock);
	if (nn->exiting) {
		mutex_unlock(&nn->lock);
		return false;
	}
	e->nn = nn;
	e->tx = NULL;
	e->conf = rcu_dereference_protected(nn->conf, lockdep_is_held(&nn->lock));
	return true;
}

/**
 * nat46_gc_work() - the work
 * @work: nn->map_gc
 *
 * Context: process; takes nn->lock for bounded times.
 */
void nat46_gc_work(struct work_struct *work)
{
	struct nat46_net *nn = container_of(to_delayed_work(work), struct nat46_net, map_gc);
	struct nat46_map_at at = { 0 };
	struct nat46_edit e;
	u32 next, wait;
	bool audit;

	if (!begin(&e, nn))
		return;
	audit = nn->audit;
	nn->audit = false;
	nat46_edit_end(&e);
	/* whoever was opening a session by an older configuration has done so */
	if (audit)
		synchronize_rcu();

	if (!begin(&e, nn))
		return;
	next = tend(&e, audit);
	while (e.conf && at.k < NAT46_MAP_LENGTHS) {
		wait = expire(nn, e.conf->maps, &at);
		if (wait != NEVER)
			next = min(next, max(wait, 1 + e.conf->maps->n / PER_SECOND));
		nat46_edit_end(&e);
		cond_resched();
		if (!begin(&e, nn))
			return;
	}
	if (next != NEVER)
		nat46_gc_kick(nn, next);
	nat46_edit_end(&e);
}

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * quota.h: how many new leases somebody may have made, so that no client drains
 * the pool (rule 46). A bucket of tokens each; a table of fixed size, in which
 * those who meet share a bucket.
 */
#ifndef DNS46_QUOTA_H
#define DNS46_QUOTA_H

#include <stdbool.h>
#include <stdint.h>

enum { QUOTA_SLOTS = 4096 };

struct quota {
	struct { uint32_t used, at; } slot[QUOTA_SLOTS];
};

/*
 * One lease more, of the one whose keyed hash is @who: an hour's @per_hour may
 * come at once. @per_hour 0: any number.
 */
static inline bool quota_take(struct quota *q, uint64_t who, uint32_t per_hour, uint64_t now)
{
	typeof(q->slot[0]) *s = &q->slot[who % QUOTA_SLOTS];
	uint64_t back;

	if (!per_hour)
		return true;
	/* in units of 1/3600 lease, so that small quotas come back as well */
	back = (uint64_t)(uint32_t)((uint32_t)now - s->at) * per_hour;
	s->at = now;
	s->used = back < s->used ? s->used - back : 0;
	if ((uint64_t)s->used + 3600 > (uint64_t)per_hour * 3600)
		return false;
	s->used += 3600;
	return true;
}

#endif

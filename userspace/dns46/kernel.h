/* SPDX-License-Identifier: GPL-2.0 */
/*
 * kernel.h: the module, as the relay sees it. It may be away: it is tried again
 * every 5 seconds, and then all is read anew (rule 57).
 * Tests put kernel_fake.c in its place.
 */
#ifndef DNS46_KERNEL_H
#define DNS46_KERNEL_H

#include <nat46.h>
#include <stdbool.h>

#include "prefix.h"

struct kernel;
struct event_base;

struct kernel_ops {
	/* Each of the kernel's pools, before sync_end() */
	void (*pool)(const struct nat46_pool_info *pool, void *arg);
	void (*sync_begin)(void *arg);
	void (*sync_map)(const struct nat46_map *map, void *arg);
	/*
	 * Takes @policy over. Says in @why what makes it of no use, if anything.
	 * Every 5 s pools and policy are read again, without @maps.
	 */
	void (*sync_end)(bool maps, struct policy *policy, char *why, size_t size, void *arg);
	void (*event)(enum nat46_map_event event, const struct nat46_map *map, void *arg);
	/*
	 * A client wants an address that has no mapping (rule 54), or one whose
	 * targets are not fresh (59): false: nobody has it of us.
	 */
	bool (*miss)(const struct nat46_miss *miss, void *arg);
	void (*down)(void *arg);
};

struct kernel *kernel_new(struct event_base *base, const struct kernel_ops *ops, void *arg);
void kernel_free(struct kernel *k);
bool kernel_ready(const struct kernel *k);
/* What was said last of why it isn't. */
const char *kernel_why(const struct kernel *k);

struct kernel_stats {
	uint64_t known, unknown, stale;	/* misses */
	uint64_t lost, connects;
};

const struct kernel_stats *kernel_stats(const struct kernel *k);
/*
 * Returns when the kernel has acknowledged (rule 43). -EEXIST: another owner
 * has the address; -ENOTCONN: the module is away.
 */
int kernel_put(struct kernel *k, const struct nat46_map *map);
/* Many by one request (rule 52). Not 0: put them one by one, to hear which. */
int kernel_put_many(struct kernel *k, const struct nat46_map *maps, unsigned int n);

#endif

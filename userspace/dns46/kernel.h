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
	void (*down)(void *arg);
};

struct kernel *kernel_new(struct event_base *base, const struct kernel_ops *ops, void *arg);
void kernel_free(struct kernel *k);
bool kernel_ready(const struct kernel *k);
/*
 * Returns when the kernel has acknowledged (rule 43). -EEXIST: another owner
 * has the address; -ENOTCONN: the module is away.
 */
int kernel_put(struct kernel *k, const struct nat46_map *map);

#endif

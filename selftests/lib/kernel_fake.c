// SPDX-License-Identifier: GPL-2.0
/*
 * kernel_fake.c: in the place of dns46/kernel.c, a module that is there, has the
 * pool 198.18.0.0/16 and takes every mapping. So the relay synthesises on a
 * machine without the module, for tests of DNS alone (dns46-fake). DNS46_CALL in
 * the environment names a system call that is tried then: what an intruder would.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <unistd.h>

#include <event2/event.h>

#include "dns46/kernel.h"

struct kernel {
	const struct kernel_ops *ops;
	void *arg;
	struct event *soon;
	bool ready;
};

static void intrude(const char *call)
{
	int ret = -1;

	if (!strcmp(call, "execve"))
		ret = execl("/bin/true", "true", NULL);
	else if (!strcmp(call, "ptrace"))
		ret = ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	else if (!strcmp(call, "mount"))
		ret = mount("none", "/mnt", "tmpfs", 0, NULL);
	else if (!strcmp(call, "setuid"))
		ret = setuid(0);
	else if (!strcmp(call, "link"))
		ret = link("/etc/passwd", "/tmp/passwd");
	fprintf(stderr, "%s: %d: %m\n", call, ret);
}

static void up(evutil_socket_t fd, short what, void *arg)
{
	struct nat46_pool_info pool = { .plen = 16 };
	struct policy policy = { 0 };
	struct kernel *k = arg;
	char why[200] = "";

	if (getenv("DNS46_CALL"))
		intrude(getenv("DNS46_CALL"));
	inet_pton(AF_INET, "198.18.0.0", &pool.addr);
	policy_builtin(&policy);
	k->ops->sync_begin(k->arg);
	k->ops->pool(&pool, k->arg);
	k->ops->sync_end(true, &policy, why, sizeof(why), k->arg);
	k->ready = !why[0];
}

struct kernel *kernel_new(struct event_base *base, const struct kernel_ops *ops, void *arg)
{
	const struct timeval now = { 0, 0 };
	struct kernel *k = calloc(1, sizeof(*k));

	if (!k)
		return NULL;
	k->ops = ops;
	k->arg = arg;
	k->soon = event_new(base, -1, 0, up, k);
	event_add(k->soon, &now);
	return k;
}

void kernel_free(struct kernel *k)
{
	if (!k)
		return;
	event_free(k->soon);
	free(k);
}

bool kernel_ready(const struct kernel *k)
{
	return k->ready;
}

int kernel_put(struct kernel *k, const struct nat46_map *map)
{
	return 0;
}

const char *kernel_why(const struct kernel *k)
{
	return "";
}

const struct kernel_stats *kernel_stats(const struct kernel *k)
{
	static const struct kernel_stats none;

	return &none;
}

int kernel_put_many(struct kernel *k, const struct nat46_map *maps, unsigned int n)
{
	return 0;
}

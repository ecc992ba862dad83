/* SPDX-License-Identifier: GPL-2.0 */
/* What tests of leases live in: a kernel that they play, a file, a clock. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "dns46/lease.h"
#include "dns46/log.h"

/* ---- the kernel ------------------------------------------------------------- */

struct kernel {
	bool ready;
	uint32_t foreign;	/* of another owner */
	uint32_t refused;	/* no memory for it */
	struct nat46_map map[1024];
	unsigned int n, puts, requests;
};

static struct kernel k;

bool kernel_ready(const struct kernel *kernel)
{
	return kernel->ready;
}

static struct nat46_map *mapped(uint32_t addr)
{
	for (unsigned int i = 0; i < k.n; i++)
		if (k.map[i].addr.s_addr == addr)
			return &k.map[i];
	return NULL;
}

int kernel_put(struct kernel *kernel, const struct nat46_map *map)
{
	struct nat46_map *m = mapped(map->addr.s_addr);

	if (!k.ready)
		return -ENOTCONN;
	if (map->addr.s_addr == k.foreign)
		return -EEXIST;
	if (map->addr.s_addr == k.refused)
		return -ENOMEM;
	if (strpbrk(map->name, "\"'\\"))	/* nat46_map_name_ok() */
		return -EINVAL;
	k.puts++;
	if (!m)
		m = &k.map[k.n++];
	*m = *map;
	return 0;
}

int kernel_put_many(struct kernel *kernel, const struct nat46_map *maps, unsigned int n)
{
	int ret = 0;

	k.requests++;
	for (unsigned int i = 0; i < n; i++) {
		int err = kernel_put(kernel, &maps[i]);

		if (!ret)
			ret = err;
	}
	return ret;
}

/* ---- the rest of the world --------------------------------------------------- */

static char path[64];
static struct lease_conf conf;
static struct prefixes pools;
static struct store *store;
static struct addrs *addrs;
static struct leases *ls;
static uint64_t now;
static enum synth_lease last;
static uint32_t last_addr, last_ttl;
static enum synth_lease told[2];	/* by token */
static unsigned int dones;
static const struct lease_who *asker;

static void done(uint64_t token, enum synth_lease result, uint32_t addr, uint32_t ttl, void *arg)
{
	last = result;
	last_addr = addr;
	last_ttl = ttl;
	if (token < 2)
		told[token] = result;
	dones++;
}

static unsigned int up(void)
{
	char err[200];

	store = store_open(path, err, sizeof(err));
	assert_non_null(store);
	addrs = addrs_new(&pools);
	ls = leases_new(&conf, addrs, store, done, NULL);
	leases_set_kernel(ls, &k);
	return leases_load(ls, now);
}

static void down(void)
{
	leases_free(ls);
	addrs_del(addrs);
	store_close(store);
}

static unsigned int restart(void)
{
	down();
	return up();
}

static int setup(void **state)
{
	struct prefix p;

	log_level = LOG_ERROR;
	asker = NULL;
	memset(&k, 0, sizeof(k));
	k.ready = true;
	memset(&conf, 7, sizeof(conf));
	conf.hold = 900;
	conf.hold_used = 86400;
	conf.quarantine = 3600;
	conf.ttl_cap = 3600;
	now = 1700000000;
	strcpy(path, "/tmp/dns46-lease.XXXXXX");
	close(mkstemp(path));
	prefixes_free(&pools);
	prefix_from_text(&p, "198.18.0.0/24", AF_INET);
	prefixes_add(&pools, &p);
	up();
	return 0;
}

static int teardown(void **state)
{
	down();
	unlink(path);
	prefixes_free(&pools);
	return 0;
}

/* ---- what tests say ---------------------------------------------------------- */

static enum synth_lease want_set(const char *name, unsigned int first, unsigned int n,
				 uint32_t ttl, uint32_t *addr)
{
	struct in6_addr target[SYNTH_TARGETS_MAX] = { 0 };
	uint8_t wire[WIRE_NAME_MAX];
	size_t len = wire_name_from_text(name, wire);
	enum synth_lease result;

	for (unsigned int i = 0; i < n; i++) {
		target[i].s6_addr[0] = 0x20;
		target[i].s6_addr[1] = 1;
		target[i].s6_addr[14] = (first + i) >> 8;
		target[i].s6_addr[15] = first + i;
	}
	if (leases_want(ls, wire, len, target, n, ttl, now, asker, 1, &result,
			addr))
		return result;
	leases_commit(ls, now);
	*addr = last_addr;
	return last;
}

static uint32_t want(const char *name)
{
	uint32_t addr, hash = 1;

	for (const char *p = name; *p; p++)
		hash = hash * 31 + *p;
	assert_int_equal(want_set(name, hash & 0x7fff, 1, 60, &addr), LEASE_OK);
	return addr;
}

static void expire(uint32_t addr)
{
	struct nat46_map *m = mapped(addr), gone = *m;

	*m = k.map[--k.n];
	leases_event(ls, NAT46_MAP_EVENT_EXPIRED, &gone, now);
}

static void sync_kernel(void)
{
	leases_sync_begin(ls, now);
	for (unsigned int i = 0, n = k.n; i < n; i++)
		leases_sync_map(ls, &k.map[i], now);
	leases_sync_end(ls, now);
	leases_commit(ls, now);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * route.c: the device "nat46" and the pools' routes. A module can't add
 * routes, so the tool does it, after the kernel has taken the pool. They give
 * the node's own sockets a way to the pool with the right MTU, and the replies
 * to them a device that reverse-path filters accept.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <netlink/route/link.h>
#include <netlink/route/nexthop.h>
#include <netlink/route/route.h>

#include <linux/rtnetlink.h>

#include "tool.h"

#define DEVICE		"nat46"
#define ROUTE_MTU	1500

struct nl_sock *rt_socket(void)
{
	static struct nl_sock *sk;

	if (!sk) {
		sk = nl_socket_alloc();
		if (!sk || nl_connect(sk, NETLINK_ROUTE) < 0)
			die(EXIT_SYSTEM, "no rtnetlink socket");
	}
	return sk;
}

static struct nl_addr *to_nl(struct in_addr addr, uint8_t plen)
{
	struct nl_addr *a = nl_addr_build(AF_INET, &addr, sizeof(addr));

	if (!a)
		die(EXIT_SYSTEM, "out of memory");
	nl_addr_set_prefixlen(a, plen);
	return a;
}

/* Calls @fn for each unicast IPv4 route; stops where it returns true. */
static void each_route(bool (*fn)(struct rtnl_route *r, void *arg), void *arg)
{
	struct nl_cache *cache;
	struct nl_object *o;

	if (rtnl_route_alloc_cache(rt_socket(), AF_INET, 0, &cache) < 0)
		die(EXIT_SYSTEM, "the routes can't be read");
	for (o = nl_cache_get_first(cache); o; o = nl_cache_get_next(o))
		if (fn((struct rtnl_route *)o, arg))
			break;
	nl_cache_free(cache);
}

struct overlap {
	uint32_t addr;
	uint8_t plen;
	char route[64];
};

static uint32_t mask(uint8_t plen)
{
	return plen ? ~0u << (32 - plen) : 0;
}

static bool overlaps(struct rtnl_route *r, void *arg)
{
	struct nl_addr *dst = rtnl_route_get_dst(r);
	const uint8_t plen = dst ? nl_addr_get_prefixlen(dst) : 0;
	struct overlap *o = arg;
	uint32_t addr;

	if (!plen || nl_addr_get_len(dst) != 4 || rtnl_route_get_protocol(r) == PROTO_NAT46)
		return false;
	memcpy(&addr, nl_addr_get_binary_addr(dst), sizeof(addr));
	if ((ntohl(addr) ^ o->addr) & mask(plen < o->plen ? plen : o->plen))
		return false;
	nl_addr2str(dst, o->route, sizeof(o->route));
	return true;
}

void route_check(struct in_addr addr, uint8_t plen)
{
	struct overlap o = { .addr = ntohl(addr.s_addr), .plen = plen };
	char buf[INET_ADDRSTRLEN];

	each_route(overlaps, &o);
	if (o.route[0])
		die(EXIT_SYSTEM, "the pool overlaps the route %s (\"force\" overrules): %s/%u",
		    o.route, inet_ntop(AF_INET, &addr, buf, sizeof(buf)), plen);
}

/* The device's index, made and set up where it is missing; or -errno. */
static int device(bool create)
{
	struct rtnl_link *link, *change;
	int ret;

	ret = rtnl_link_get_kernel(rt_socket(), 0, DEVICE, &link);
	if (ret < 0 && !create)
		return -ENODEV;
	if (ret < 0) {
		change = rtnl_link_alloc();
		if (!change)
			return -ENOMEM;
		rtnl_link_set_name(change, DEVICE);
		rtnl_link_set_type(change, "dummy");
		rtnl_link_set_flags(change, IFF_UP);
		ret = rtnl_link_add(rt_socket(), change, NLM_F_CREATE | NLM_F_EXCL);
		rtnl_link_put(change);
		if (ret < 0)
			return ret;
		ret = rtnl_link_get_kernel(rt_socket(), 0, DEVICE, &link);
		if (ret < 0)
			return ret;
	}
	ret = rtnl_link_get_ifindex(link);
	rtnl_link_put(link);
	return ret;
}

static struct rtnl_route *pool_route(struct in_addr addr, uint8_t plen, int ifindex)
{
	struct rtnl_route *r = rtnl_route_alloc();
	struct rtnl_nexthop *nh = rtnl_route_nh_alloc();
	struct nl_addr *dst = to_nl(addr, plen);

	if (!r || !nh)
		die(EXIT_SYSTEM, "out of memory");
	rtnl_route_set_family(r, AF_INET);
	rtnl_route_set_dst(r, dst);
	rtnl_route_set_protocol(r, PROTO_NAT46);
	rtnl_route_set_scope(r, RT_SCOPE_LINK);
	rtnl_route_set_table(r, RT_TABLE_MAIN);
	rtnl_route_set_metric(r, RTAX_MTU, ROUTE_MTU);
	rtnl_route_nh_set_ifindex(nh, ifindex);
	rtnl_route_add_nexthop(r, nh);
	nl_addr_put(dst);
	return r;
}

struct rival {
	struct rtnl_route *of;
	bool ours;
};

/* What stands where @of would: a second one of its prefix and priority can't be. */
static bool is_rival(struct rtnl_route *r, void *arg)
{
	struct rival *v = arg;

	if (rtnl_route_get_table(r) != RT_TABLE_MAIN ||
	    rtnl_route_get_priority(r) != rtnl_route_get_priority(v->of) ||
	    rtnl_route_get_tos(r) != rtnl_route_get_tos(v->of) ||
	    nl_addr_cmp(rtnl_route_get_dst(r), rtnl_route_get_dst(v->of)))
		return false;
	v->ours = rtnl_route_get_protocol(r) == PROTO_NAT46;
	return true;
}

/* Ours is put right; another's is not taken away, not even by force. */
static int put_route(struct rtnl_route *r)
{
	int ret = rtnl_route_add(rt_socket(), r, NLM_F_CREATE | NLM_F_EXCL);
	struct rival v = { .of = r };
	char buf[64];

	if (ret != -NLE_EXIST)
		return ret;
	each_route(is_rival, &v);
	if (v.ours)
		return rtnl_route_add(rt_socket(), r, NLM_F_CREATE | NLM_F_REPLACE);
	warn("another route to the pool stays: %s",
	     nl_addr2str(rtnl_route_get_dst(r), buf, sizeof(buf)));
	return 0;
}

int route_add(struct in_addr addr, uint8_t plen, char *why, size_t size)
{
	int ret = device(true);
	struct rtnl_route *r;

	if (ret >= 0) {
		r = pool_route(addr, plen, ret);
		ret = put_route(r);
		rtnl_route_put(r);
	}
	if (ret < 0)
		snprintf(why, size, "%s", nl_geterror(ret));
	return ret < 0 ? ret : 0;
}

static int count_pool(const struct nat46_pool_info *p, void *arg)
{
	(*(unsigned int *)arg)++;
	return 0;
}

/* The device goes with the last pool. */
static void device_del_unused(void)
{
	struct nat46_err err;
	struct rtnl_link *link;
	unsigned int n = 0;

	if (nat46_pool_dump(tool_nl(), count_pool, &n, &err) || n)
		return;
	if (rtnl_link_get_kernel(rt_socket(), 0, DEVICE, &link) < 0)
		return;
	if (rtnl_link_get_type(link) && !strcmp(rtnl_link_get_type(link), "dummy"))
		rtnl_link_delete(rt_socket(), link);
	rtnl_link_put(link);
}

void route_del(struct in_addr addr, uint8_t plen)
{
	int ifindex = device(false);
	struct rtnl_route *r;

	if (ifindex >= 0) {
		r = pool_route(addr, plen, ifindex);
		rtnl_route_delete(rt_socket(), r, 0);	/* gone already: as wanted */
		rtnl_route_put(r);
	}
	device_del_unused();
}

/* ---- after a restore ---------------------------------------------------------- */

struct pools {
	struct nat46_pool_info v[256];
	int n;
};

static int gather(const struct nat46_pool_info *p, void *arg)
{
	struct pools *pools = arg;

	if (pools->n < (int)(sizeof(pools->v) / sizeof(pools->v[0])))
		pools->v[pools->n++] = *p;
	return 0;
}

/* Routes of ours whose pool is no more. */
static bool stale(struct rtnl_route *r, void *arg)
{
	struct nl_addr *dst = rtnl_route_get_dst(r);
	const struct pools *pools = arg;
	uint32_t addr;
	int i;

	if (rtnl_route_get_protocol(r) != PROTO_NAT46 || rtnl_route_get_type(r) != RTN_UNICAST ||
	    !dst || nl_addr_get_len(dst) != 4)
		return false;
	memcpy(&addr, nl_addr_get_binary_addr(dst), sizeof(addr));
	for (i = 0; i < pools->n; i++)
		if (pools->v[i].addr.s_addr == addr &&
		    pools->v[i].plen == nl_addr_get_prefixlen(dst))
			return false;
	rtnl_route_delete(rt_socket(), r, 0);
	return false;
}

void route_reconcile(void)
{
	struct pools pools = { .n = 0 };
	struct nat46_err err;
	char why[128];
	int i;

	if (nat46_pool_dump(tool_nl(), gather, &pools, &err))
		die(EXIT_SYSTEM, "%s", err.msg);
	each_route(stale, &pools);
	for (i = 0; i < pools.n; i++)
		if (route_add(pools.v[i].addr, pools.v[i].plen, why, sizeof(why)))
			die(EXIT_SYSTEM, "restored, but a pool has no route: %s", why);
	device_del_unused();
}
